"""Every row of the table against mpmath over the whole range of doubles, to a few ulp.

An ulp is the distance from the true result, rounded, to the next double: ``math.ulp``, which below
2**-1022 is 2**-1074.  A row's ``bounds`` say how many a value or partial may be off, 2 and 4 if
they say nothing.  Two rules are for the ends of the range:

* inf stands for 2**1024, the number that it is rounded from;
* an intermediate result below 2**-1022 is rounded to a multiple of 2**-1074, which no formula can
  help: the final result may be off by what one unit there makes of it, beside its bound.
"""

import ast
import itertools
import math
import random
import struct
from dataclasses import replace

import pytest
import references
from hypothesis import settings
from mpmath import mp

import autodiff
from autodiff import Value, ops
from autodiff.engine import special
from autodiff.engine.expressions import for_floats
from autodiff.engine.instructions import OF_LIST, ON_LISTS
from autodiff.engine.kernels import FLOATS, partial_functions

POINTS = 2 * settings().max_examples  # a row: 200, or 10,000 in the nightly profile
DIGITS = 60  # of mpmath's numbers
TINIEST, NORMAL, HUGE = 2.0**-1074, 2.0**-1022, mp.mpf(2) ** 1024

EACH_ROW = pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)


# -- where -----------------------------------------------------------------------------------------

# Near these, some primitive has a pole, a zero, an end of its domain, or leaves the range.
PLACES = [0.5, 1.0, 1.2784645, 0.7517916, 2.0, 6.0, 18.0, 27.0, 37.0, 38.5, 88.0]
PLACES += [354.9, 372.4, 708.4, 709.78, 710.48, 745.13, 1074.0, 2e154, 1e-154, 1e-162, 1e77]
PLACES += [k * math.pi / 2 for k in (1, 2, 3, 4, 5, 22, 355 * 2, 10**5, 10**15)]
PLACES += [5.319372648326541e255, 2.0**53, NORMAL, 5.6e-309, 1.7e308]
PLACES += [-x for x in PLACES]


def any_double(random_):
    """Any bits: its magnitude is log-uniform over the range."""
    x = math.nan
    while not math.isfinite(x):
        (x,) = struct.unpack("d", random_.randbytes(8))
    return x


def near(random_, x):
    """A double around ``x``, at a distance that is log-uniform from about an ulp to ``x``."""
    return x + random_.choice((1, -1)) * x * 2 ** random_.uniform(-53, 0)


RECIPES = [
    any_double,
    lambda r: r.choice((1, -1)) * 10 ** r.uniform(-3, 3),
    lambda r: r.choice((1, -1)) * 10 ** r.uniform(-20, 20),
    lambda r: r.uniform(-40, 40),
    lambda r: r.choice((1, -1)) * 2 ** (1024 - 10 ** r.uniform(-2, 3)),
    lambda r: r.choice((1, -1)) * 2 ** (10 ** r.uniform(0, 3) - 1074),
    lambda r: near(r, r.choice(PLACES)),
    lambda r: r.choice((1, -1)) * near(r, 1.0),
]

# An operand that the one before suggests: close, comparable, or such that a**b is in range.
PARTNERS = [
    near,
    lambda r, a: -near(r, a),
    lambda r, a: a * 2 ** r.uniform(-60, 60),
    lambda r, a: r.uniform(-745, 745) / (math.log(abs(a) or 1.0) or 1.0),
]


def within(row, operands):
    """Whether they are finite, in the domain, and where the value has no corner."""
    return (
        all(math.isfinite(x) and x != 0 for x in operands)
        and all(low < x < high for x, (low, high) in zip(operands, row.domain, strict=False))
        and (not row.kink or eval(row.kink, {}, dict(zip(row.names, operands, strict=True))) != 0)
    )


def operands_of(row, random_, attempt):
    """Operands that may be outside the domain; of the first, every place is tried in turn."""
    if attempt < len(PLACES):
        first = near(random_, PLACES[attempt])
    else:
        first = random_.choice(RECIPES)(random_)
    operands = [first]
    while len(operands) < len(row.names):
        if random_.random() < 0.5:
            operands.append(random_.choice(RECIPES)(random_))
        else:
            operands.append(random_.choice(PARTNERS)(random_, operands[-1]))
    return operands if len(operands) == 1 or random_.random() < 0.5 else operands[::-1]


def lists_of(row, random_):
    """Lists of up to 9 elements whose sizes, or exponentials, are alike or far apart."""
    n = len(row.names) * random_.randint(1, 9)
    if "exp" in row.fold:
        scale = 10 ** random_.uniform(-5, 5)
    else:
        scale = 2 ** (random_.uniform(-1000, 1000) / len(row.names))  # products are in range
    spread = random_.choice((0, 3, 50))
    return [random_.uniform(-1, 1) * scale * 2 ** random_.uniform(-spread, 0) for _ in range(n)]


def points_of(row, n):
    """``n`` lists of operands; the same at every run."""
    random_ = random.Random(row.name)
    if row.over_lists:
        return [lists_of(row, random_) for _ in range(n)]
    tried = (operands_of(row, random_, attempt) for attempt in itertools.count())
    return [*itertools.islice((operands for operands in tried if within(row, operands)), n)]


# -- how far off -----------------------------------------------------------------------------------


def ulps(got, true):
    """How far a double is from an mpf, in ulp."""
    nearest = float(true)
    if math.isinf(nearest) and got == nearest:
        return 0.0
    unit = math.ulp(nearest) if math.isfinite(nearest) else 2.0**971
    if math.isinf(got):
        got = math.copysign(1, got) * HUGE
    return float(abs(got - true) / unit) if got == got else math.inf


def evaluate(row, operands):
    """Value and partials, by the engine that is running."""
    xs = [Value(x) for x in operands]
    n = len(xs) // len(row.names)
    lists = [xs[i : i + n] for i in range(0, len(xs), n)]
    v = getattr(autodiff, row.name)(*(lists if row.over_lists else xs))
    return v.data, v.partials


class Underflow(ast.NodeTransformer):
    """A row's expressions on floats, in which any one intermediate result can be moved."""

    def __init__(self, row):
        self.names = {**FLOATS, "intermediate": self.intermediate}
        for r in ops.TABLE:
            if not r.over_lists and r.name not in special.FUNCTIONS:
                self.names[r.name] = self.function(r.names, r.value)
        self.value = self.function(row.names, row.value)
        self.partials = [self.function([*row.names, "v"], p) for p in row.partials]

    def generic_visit(self, node):
        node = super().generic_visit(node)
        if isinstance(node, (ast.BinOp, ast.Call)):
            return ast.Call(ast.Name("intermediate", ast.Load()), [node], [])
        return node

    def visit_Call(self, node):
        if node.func.id == "where":  # what it decides by is exact
            return ast.Call(node.func, [node.args[0], *map(self.visit, node.args[1:])], [])
        return self.generic_visit(node)

    def function(self, names, expression):
        """An expression as a function that shows each of its intermediate results."""
        tree = self.visit(ast.parse(for_floats(expression), mode="eval"))
        return eval(f"lambda {', '.join(names)}: {ast.unparse(tree)}", self.names)

    def intermediate(self, x):
        """``x``, or a number beside it if it is the one to be moved."""
        self.steps += 1
        if abs(x) < NORMAL:
            self.small.append(self.steps)
        return x + self.by if self.steps == self.moved else x

    def run(self, operands, which, moved=0, by=0.0):
        """The value (``which`` is 0) or a partial, with one intermediate result moved."""
        self.steps, self.small, self.moved, self.by = 0, [], moved, by
        v = self.intermediate(self.value(*operands))
        return v if which == 0 else self.partials[which - 1](*operands, v)

    def allowance(self, operands, which):
        """How far the result moves, in ulp, when what is small moves by one unit."""
        result = self.run(operands, which)
        total = 0.0
        for moved in self.small:
            results = [self.run(operands, which, moved, by) for by in (TINIEST, -TINIEST)]
            total += max(abs(x - result) for x in results) / math.ulp(result)
        return total if math.isfinite(total) else 0.0


def bounds_of(row, operands, v, partials):
    """How many ulp the value and each partial may be off."""
    stated = [*row.bounds, *["2", *["4"] * len(row.names)][len(row.bounds) :]]
    names = {**FLOATS, "inf": math.inf, "v": v}
    if not row.over_lists:
        names |= dict(zip(row.names, operands, strict=True))
        of_partials = list(zip(stated[1:], partials, [{}] * len(partials), strict=True))
    else:
        n = len(operands) // len(row.names)
        elements = [
            dict(zip("ab", xs, strict=False))
            for xs in zip(*(operands[i : i + n] for i in range(0, len(operands), n)), strict=True)
        ]
        names |= {x: ON_LISTS[name](operands[:n]) for x, name in OF_LIST.items()} | {"n": n}
        fold = for_floats(row.fold)
        names["s"] = sum(abs(eval(fold, names, element)) for element in elements)
        of_partials = [
            (bound, partials[k * n + i], element)
            for k, bound in enumerate(stated[1:])
            for i, element in enumerate(elements)
        ]
    yield eval(for_floats(stated[0]), names)
    for bound, d, element in of_partials:
        yield eval(for_floats(bound), names, {**element, "d": d})


def errors_of(row, operands, evaluate=evaluate):
    """``(error, bound)`` of the value and each partial, in ulp."""
    with mp.workdps(DIGITS):
        true = [
            references.value(row.name, operands),
            *(references.slope(row.name, operands, i) for i in range(len(operands))),
        ]
        v, partials = evaluate(row, operands)
        errors = [ulps(x, y) for x, y in zip((v, *partials), true, strict=True)]
    bounds = bounds_of(row, operands, float(true[0]), list(map(float, true[1:])))
    for which, (error, bound) in enumerate(zip(errors, bounds, strict=True)):
        if error > bound and not row.over_lists:
            error -= Underflow(row).allowance(operands, which)
        yield error, bound


def check(row, points, evaluate=evaluate):
    """Value and partials keep the row's bounds."""
    for operands in points:
        for which, (error, bound) in enumerate(errors_of(row, operands, evaluate)):
            what = f"partial {which - 1}" if which else "value"
            assert not error > bound, f"{what} of {row.name}{operands}: {error} ulp, not {bound}"


@EACH_ROW
def test_values_and_partials_keep_the_bounds_of_the_row(row):
    check(row, points_of(row, POINTS))


# -- the check is checked --------------------------------------------------------------------------


@EACH_ROW
def test_points_reach_the_ends_of_the_range_and_most_are_judged(row):
    points = points_of(row, 200)
    if not row.over_lists:
        for i, (low, high) in enumerate(row.domain[: len(row.names)]):
            drawn = [operands[i] for operands in points]
            assert min(map(abs, drawn)) < NORMAL or low > 0
            # from 2**53 on every double is an integer, where these jump
            far = 1e14 if row.name in ("floor", "ceil", "trunc", "rint") else 1e300
            assert max(map(abs, drawn)) > far or high < 2
            assert (min(drawn) < 0) == (low < 0)
            assert max(drawn) > 0
    bounds = [bound for operands in points[:40] for _, bound in errors_of(row, operands)]
    assert sum(bound < 4000 for bound in bounds) > 0.5 * len(bounds)


@pytest.mark.parametrize(
    ("name", "partial"),
    [
        ("log10", "1/(a*LN10)"),
        ("atan", "1/(1 + square(a))"),
        ("asin", "1/sqrt(1 - square(a))"),
        ("asinh", "1/sqrt(1 + square(a))"),
        ("acosh", "1/sqrt(square(a) - 1)"),
        ("tanh", "1 - square(v)"),
        ("atanh", "1/(1 - square(a))"),
        ("expm1", "v + 1"),
        ("sigmoid", "v*(1 - v)"),
        ("softplus", "1 - exp(-v)"),
        ("erf", "TWO_OVER_SQRT_PI/exp(square(a))"),
        ("gelu", "0.5*(1 + erf(a*SQRT_HALF)) + a*(ONE_OVER_SQRT_TAU*exp(-0.5*square(a)))"),
        ("cos", "-sin(a)*(1 + 1e-15)"),
    ],
)
def test_a_formula_that_loses_digits_is_caught(name, partial):
    row = replace(ops.row(name), partials=[partial])

    def by_expressions(row, operands):
        v = FLOATS[row.name](*operands)
        return v, [partial(*operands, v) for partial in partial_functions(row, FLOATS)]

    with pytest.raises(AssertionError, match=rf"^partial 0 of {name}.* ulp, not"):
        check(row, points_of(row, 200), by_expressions)
