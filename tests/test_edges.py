"""At zeros, infinities, nan and the ends of the range: what PyTorch's float64 gives, or better.

``seeds/torch_edges.json`` holds PyTorch's numbers (``make_torch_edges.py`` writes it).  Where a
number here is deliberately another, it is the true one, to be told from PyTorch's by mpmath.
"""

import itertools
import json
import math
from functools import cache
from pathlib import Path

import pytest
import references
from mpmath import mp

import autodiff
from autodiff import Value, derivative, grad, hessian, hvp, jit, ops
from autodiff.sweeps import topological_order

TORCH = json.loads((Path(__file__).parent / "seeds" / "torch_edges.json").read_text())
SCALARS = {**TORCH["unary"], **TORCH["binary"], **TORCH["ternary"]}
POINTS = [(float(a),) for a in TORCH["points"]]
PAIRS = list(itertools.product(map(float, TORCH["pairs"]), repeat=2))
TRIPLES = list(itertools.product(map(float, TORCH["triples"]), repeat=3))

IN_LOSSES = {"huber", "bernoulli_entropy", "logit_entropy", "divergence"}  # see test_losses
HELPERS = ops.HELPERS - IN_LOSSES
NOT_IN_TORCH = {"cbrt"}


def overflows(a, b):
    """Whether ``a*a + b*b`` over- or underflows, for ``a`` and ``b`` that are numbers."""
    return 0 < math.hypot(a, b) < math.inf and not 0 < a * a + b * b < math.inf


# Where ops.DIFFERENCES applies, among the points in the file.
def is_pole(a):
    """Whether the gamma function has a pole there, or there is nothing but poles."""
    return a < 0 and a == math.floor(a) if math.isfinite(a) else a < 0


DIFFERENT = {
    "acosh": lambda a: a <= -1 or a == 1e300,
    "asinh": lambda a: abs(a) == 1e300,
    "atan2": overflows,
    "norm": lambda *xs: overflows(*(xs if len(xs) == 2 else (max(map(abs, xs)), 0.0))),
    "logsumexp": lambda a, b=0.0, *_: 1000 <= abs(a) < math.inf and abs(a - b) < 2,
    "expm1": lambda a: a == -30,
    "tanh": lambda a: abs(a) == 30,
    "lgamma": lambda a: a == -0.5,
    "digamma": lambda a: is_pole(a) or abs(a) in (0.5, 1, 2, 30),
    "pow": lambda a, b: math.isinf(b) and autodiff.pow(a, b) == 0,
    "sigmoid": lambda a: a in (2, 30),
    "softplus": lambda a: a == 30,
    "silu": lambda a: a == 30,
    "gelu": lambda a: a == -30,
}


def same(x, y):
    """nan is nan, zeros and infinities are exact, other numbers agree to 4 ulp or 1e-15."""
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    if x == y:
        return x != 0 or math.copysign(1, x) == math.copysign(1, y)
    return math.isfinite(y) and abs(x - y) <= max(4 * math.ulp(y), 1e-15 * abs(y))


def value_and_partials(name, operands):
    """``(v, d v / d operand, ...)``."""
    v = getattr(autodiff, name)(*map(Value, operands))
    return v.data, *v.partials


def values_and_gradients(name, operands):
    """The values of a function of lists, then the gradient of each."""
    xs = [Value(x) for x in operands]
    half = len(xs) // 2
    results = getattr(autodiff, name)(*((xs[:half], xs[half:]) if name == "dot" else (xs,)))
    results = results if isinstance(results, list) else [results]
    gradients = []
    for v in results:
        for x in xs:
            x.grad = 0.0
        v.backward()
        gradients += [x.grad for x in xs]
    return [*(v.data for v in results), *gradients]


def cases(name):
    """``(operands, our numbers, PyTorch's)`` for every entry of a function."""
    if name in SCALARS:
        points = PAIRS if name in TORCH["binary"] else POINTS
        points = TRIPLES if name in TORCH["ternary"] else points
        for operands, entry in zip(points, SCALARS[name], strict=True):
            # Of leaky_relu(a, b) and elu(a, b) PyTorch has only the partial for a.
            ours = value_and_partials(name, operands)[: len(entry)]
            yield operands, ours, [float(x) for x in entry]
    else:
        for operands, values, jacobian in TORCH["lists"][name]:
            numbers = [float(x) for x in operands]
            # A leaf's gradient starts from +0 and cannot become -0; + 0.0 makes PyTorch's alike.
            gradients = [float(x) + 0.0 for gradient in jacobian for x in gradient]
            yield numbers, values_and_gradients(name, numbers), [*map(float, values), *gradients]


@pytest.mark.parametrize("name", [*SCALARS, *TORCH["lists"]])
def test_edges_are_as_in_pytorch(name):
    differs = DIFFERENT.get(name, lambda *_: False)
    wrong = [
        (operands, ours, theirs)
        for operands, ours, theirs in cases(name)
        if not differs(*operands) and not all(same(x, y) for x, y in zip(ours, theirs, strict=True))
    ]
    assert wrong == []


def digits_for(operands):
    """How many digits show a difference: 5e-324 may stand beside 1e300, or a small step be."""
    moderate = len(operands) == 1 and (operands[0] == 0 or 1e-12 < abs(operands[0]) < 1e12)
    return 60 if moderate else 700


@cache
def reference(name, operands, indices):
    """The true derivative by these operands, one after the other, or the value if by none."""
    return (
        references.derivative(name, operands, *indices)
        if indices
        else references.value(name, operands)
    )


@pytest.mark.parametrize("name", DIFFERENT)
def test_where_pytorch_differs_this_is_the_true_number(name):
    found = [case for case in cases(name) if DIFFERENT[name](*case[0])]
    assert found
    for operands, ours, theirs in found:
        assert not all(map(same, ours, theirs)), f"{name}{operands} is PyTorch's by now"
        for i, (x, y) in enumerate(zip(ours, theirs, strict=True)):
            if math.isnan(ours[0]):  # outside the domain, or nan came in
                assert math.isnan(x) or (name == "digamma" and x == math.inf)
            elif not same(x, y):
                finite = tuple(math.copysign(1e40, a) if math.isinf(a) else a for a in operands)
                with mp.workdps(digits_for(operands)):
                    true = reference(name, finite, (i - 1,) if i else ())
                    assert abs(x - true) <= 1e-13 * abs(true) or x == float(true)
                    assert abs(x - true) < abs(y - true) or x == float(true)


def test_the_listed_differences_are_all_of_them():
    assert set(DIFFERENT) == set(ops.DIFFERENCES)


def test_every_primitive_that_pytorch_has_is_compared():
    compared = {*SCALARS, *TORCH["lists"]} - {"softmax", "log_softmax"}
    assert compared | HELPERS | NOT_IN_TORCH | IN_LOSSES == {row.name for row in ops.TABLE}
    assert not compared & (HELPERS | NOT_IN_TORCH | IN_LOSSES)


@pytest.mark.parametrize(
    ("a", "value", "partial"),
    [
        (0.0, 0.0, math.inf),
        (-0.0, -0.0, math.inf),
        (-8.0, -2.0, 1 / 12),
        (math.inf, math.inf, 0.0),
        (-math.inf, -math.inf, 0.0),
        (math.nan, math.nan, math.nan),
    ],
)
def test_edges_of_cbrt(a, value, partial):
    v, da = value_and_partials("cbrt", [a])
    assert same(v, value)
    assert same(da, partial)


# -- second and third derivatives, whichever way the chain rule goes -------------------------------


def by_sweeps(function, indices):
    """The derivative by some operands, one after the other: sweeps over recorded sweeps."""

    def derivative(*operands):
        xs = [Value(x) for x in operands]
        v = function(*xs)
        for i in indices:
            for x in xs:
                x.grad = 0.0
            v.backward(create_graph=True)
            v = xs[i].grad if isinstance(xs[i].grad, Value) else Value(xs[i].grad)
        return v.data

    return derivative


def by_reverse_mode(function, indices):
    """The same, by reverse mode over reverse mode, as a program."""
    for i in indices:
        function = grad(function, i)
    return jit(function)


def by_forward_mode(function, indices):
    """The same, by forward mode over forward mode, as a program."""

    def along(function, i):
        return lambda *xs: derivative(lambda x: function(*xs[:i], x, *xs[i + 1 :]))(xs[i])

    for i in indices:
        function = along(function, i)
    return jit(function)


WAYS = pytest.mark.parametrize("way", [by_sweeps, by_reverse_mode, by_forward_mode])

# Where there is no true derivative.
OUTSIDE = {"acosh": DIFFERENT["acosh"], "lgamma": is_pole, "digamma": is_pole}

# Both terms of the true derivative are beyond the range, and cancel.
BEYOND = {("pow", (5e-324, 5e-324))}


def orders(operands):
    """Of which operands the second and third derivatives in the file are, in order."""
    return [
        indices
        for order in (2, 3)
        for indices in itertools.combinations_with_replacement(range(operands), order)
    ]


@WAYS
@pytest.mark.parametrize("name", TORCH["higher"])
def test_second_and_third_derivatives_at_edges_are_as_in_pytorch_or_true(name, way):
    function = getattr(autodiff, name)
    points = PAIRS if name in TORCH["binary"] else POINTS
    outside = OUTSIDE.get(name, lambda *_: False)
    for which, indices in enumerate(orders(len(points[0]))):
        derivative = way(function, indices)
        for operands, numbers in zip(points, TORCH["higher"][name], strict=True):
            theirs = float(numbers[which])
            if any(map(math.isnan, (theirs, *operands))) or outside(*operands):
                continue
            if (name, operands) in BEYOND:
                continue
            ours = derivative(*operands)
            if not (ours == theirs or abs(ours - theirs) <= 1e-14 * abs(theirs)):
                assert name != "elu"  # of whose two operands the file has one
                with mp.workdps(digits_for(operands)):
                    true = reference(name, operands, indices)
                    nearer = abs(ours - true) <= abs(theirs - true) + 1e-15
                assert nearer, f"{indices} of {name}{operands}: {ours}, not {theirs}"


LIMITS = [
    # function, operands, by which of them, the limit
    *[
        (name, (sign * x,), (0,) * order, 0.0)
        for name in ("tanh", "atan", "asinh", "erf", "erfc", "cbrt", "sigmoid", "softplus")
        for x in (math.inf, 1e300)
        for sign in (1, -1)
        for order in (2, 3)
    ],
    *[("gelu", (x,), (0,) * order, 0.0) for x in (1e300, -1e300) for order in (2, 3)],
    ("tanh", (800.0,), (0, 0), 0.0),
    ("acosh", (math.inf,), (0, 0), 0.0),
    ("acosh", (math.inf,), (0, 0, 0), 0.0),
    ("acosh", (1.0,), (0, 0), -math.inf),
    ("acosh", (1.0,), (0, 0, 0), math.inf),
    ("cbrt", (0.0,), (0, 0), -math.inf),
    ("cbrt", (0.0,), (0, 0, 0), math.inf),
    ("cbrt", (1e-300,), (0, 0), -math.inf),
    ("cbrt", (-1e-300,), (0, 0, 0), math.inf),
    *[("asin", (sign,), (0,) * 2, sign * math.inf) for sign in (1.0, -1.0)],
    *[("atanh", (sign,), (0,) * 3, math.inf) for sign in (1.0, -1.0)],
    # the factor 0 of a falling factorial wins over an infinite power
    *[
        ("pow", (a, float(b)), (0,) * order, float(math.perm(b, order)) if b == order else 0.0)
        for a in (0.0, -0.0, 5e-324, -1e-300)
        for b in range(4)
        for order in (2, 3)
        if b <= order
    ],
    *[
        ("pow", (0.0, b), (1,) * order, 0.0)
        for b in (5e-324, 0.5, 1.0, 2.0, 800.0, 1e300)
        for order in (2, 3)
    ],
    ("pow", (0.0, 3.0), (0, 1), 0.0),
    ("pow", (0.0, 3.0), (0, 1, 1), 0.0),
    ("pow", (0.0, 3.0), (0, 0, 1), 0.0),
    ("pow", (0.0, 0.5), (0, 0), -math.inf),
    ("pow", (0.0, 0.5), (0, 0, 0), math.inf),
    ("pow", (-2.0, 3.0), (0, 0), -12.0),
    ("pow", (-2.0, 3.0), (0, 0, 0), 6.0),
    ("pow", (-2.0, -1.0), (0, 0), -0.25),
    ("pow", (0.5, 1e300), (0, 0, 0), 0.0),
]


@WAYS
def test_second_and_third_derivatives_are_the_limits(way):
    for name, operands, indices, limit in LIMITS:
        found = way(getattr(autodiff, name), indices)(*operands)
        assert found == limit, f"{indices} of {name}{operands}: {found}, not {limit}"


@pytest.mark.parametrize("x", [0.0, -0.0, 5e-324, 1e-300, -1e-300])
def test_polynomials_of_powers_have_every_derivative_at_zero(x):
    def p(x):
        return sum((c * x**k for k, c in enumerate([1.0, 2.0, 3.0, 4.0])), 0.0)

    for order, expected in enumerate([1.0, 2.0, 6.0, 24.0, 0.0]):
        assert derivative(p, order)(x) == expected
        assert by_sweeps(p, (0,) * order)(x) == expected
        assert by_reverse_mode(p, (0,) * order)(x) == expected
    assert hessian(p)(x) == hvp(p, (x,), (1.0,)) == 6.0
    of_two = hessian(lambda x, y: x**2 * y**3, (0, 1))(x, 2.0)
    assert [of_two[0][0], of_two[0][1], of_two[1][1]] == [16.0, 24.0 * x, 12.0 * x * x]


@pytest.mark.parametrize("b", [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_a_constant_exponent_is_never_differentiated(b):
    for order in (1, 2, 3):
        for a in (0.0, -1.5):
            found = {way(lambda a: a**b, (0,) * order)(a) for way in (by_sweeps, by_reverse_mode)}
            assert found == {derivative(lambda a: a**b, order)(a)} or (b == 0.5 and a < 0)
        x = Value(-1.5)
        y = x**b
        for _ in range(order):
            y.backward(create_graph=True)
            y, x.grad = x.grad, 0.0
            y = y if isinstance(y, Value) else Value(y)
            assert not any("log" in v.op for v in topological_order([y]))


# A few numbers with no helper at all, so that a mistake above cannot hide one in the table.


def test_zero_to_the_zero_is_one():
    a, b = Value(0.0), Value(0.0)
    v = a**b
    v.backward()
    assert (v.data, a.grad, b.grad) == (1.0, 0.0, 0.0)


def test_ties_are_shared():
    a, b = Value(2.0), Value(2.0)
    autodiff.maximum(a, b).backward()
    autodiff.minimum(a, b).backward(seed=10.0)
    assert (a.grad, b.grad) == (5.5, 5.5)


def test_corners_have_the_slopes_that_the_table_says():
    for function, slope in [(autodiff.relu, 0.0), (autodiff.leaky_relu, 0.01), (abs, 0.0)]:
        x = Value(0.0)
        function(x).backward()
        assert x.grad == slope


def test_arithmetic_does_not_raise():
    zero, one = Value(0.0), Value(1.0)
    assert (one / zero).data == math.inf
    assert (-one / zero).data == -math.inf
    assert math.isnan((zero / zero).data)
    assert zero.log().data == -math.inf
    assert math.isnan((-one).log().data)
    assert math.isnan(((-8 * one) ** (1 / 3)).data)
    assert (1000 * one).exp().data == math.inf
    assert (Value(1e200) ** 2).data == math.inf
