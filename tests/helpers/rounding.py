"""How far apart two machines may be that compute the same program, each with its own functions.

Both round every operation, and errors grow as the program goes on: to first order an error in an
operand becomes its product with the partial derivative.  ``tolerances`` adds these up, operation by
operation, so that what it allows is what rounding can do, and no more than that to first order.
"""

import math

from autodiff import Value
from autodiff.compiler.trace import outputs_of, replay
from autodiff.engine.expressions import for_floats
from autodiff.engine.kernels import FLOATS
from autodiff.ops import row

EPSILON = 2.0**-52
#: Units in the last place that functions of other libraries lose beyond the table's bounds.
SLACK = 6


def allowed(name, operands, value, i=0, partial=None):
    """How many ulp a value, or partial number ``i``, may be off the true one: the table's bound."""
    r = row(name)
    bound = r.bounds[i] if i < len(r.bounds) else "2" if i == 0 else "4"
    if r.over_lists:
        n = len(operands) // len(r.names)
        terms = [abs(x) for x in operands[:n]]
        if name == "dot":
            terms = [abs(x * y) for x, y in zip(operands[:n], operands[n:], strict=True)]
        names = {"n": n, "s": sum(terms), "m": max(operands, default=0.0)}
        names["a"] = min(operands, default=0.0)
    else:
        names = dict(zip(r.names, operands, strict=True))
    names |= {"v": value, "d": partial, "inf": math.inf}
    found = eval(for_floats(bound), FLOATS | names)
    return math.inf if math.isnan(found) else found


def _step(v, error, total):
    """The error of a node, and the absolute sum of its terms, from those of its operands."""
    xs = [x.data if isinstance(x, Value) else x for x in v.operands]
    errors = [error.get(x, 0.0) if isinstance(x, Value) else 0.0 for x in v.operands]
    if not (math.isfinite(v.data) and all(map(math.isfinite, xs))):
        return math.inf, math.inf
    magnitude = abs(v.data)
    if v.op in ("add", "sub"):  # whose terms another machine may add in another order
        sizes = [total.get(x, abs(x.data)) if isinstance(x, Value) else abs(x) for x in v.operands]
        magnitude = sum(sizes)
        own = 4 * EPSILON * magnitude
    elif v.op in ("mul", "neg", "detach"):
        own = EPSILON * magnitude
    elif v.op in ("pick", "take", "largest", "unit", "peak", "guard"):
        return (math.inf if v.op == "pick" and sum(errors[1:3]) else max(errors)), magnitude
    else:
        r = row(v.op)
        if r.kink and not r.over_lists:
            here = eval(for_floats(r.kink), FLOATS | dict(zip(r.names, xs, strict=True)))
            if abs(here) <= sum(errors) and sum(errors):
                return math.inf, magnitude
        own = (allowed(v.op, xs, v.data) + SLACK) * EPSILON * magnitude
    moved = sum(abs(p) * e for p, e in zip(v.partials, errors, strict=True) if e)
    return own + moved, magnitude


def tolerances(p, numbers):
    """The outputs of a program, and for each how far another machine's may be from it.

    It is inf where errors have become so large that first order says nothing, or where a corner or
    a jump is as near as they are.
    """
    xs = [Value(x) for x in numbers]
    values = replay(p, xs)
    error, total = {}, {}
    for v in values:
        if isinstance(v, Value) and v.operands:
            error[v], total[v] = _step(v, error, total)
            if not error[v] <= 1e-8 * abs(v.data):
                error[v] = math.inf
    outputs = outputs_of(p, values)
    data = [v.data if isinstance(v, Value) else v for v in outputs]
    bounds = [2 * error.get(v, 0.0) if isinstance(v, Value) else 0.0 for v in outputs]
    return data, bounds
