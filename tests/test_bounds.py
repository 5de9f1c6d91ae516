"""``testing.bounds``: enclosures contain the truth, and are not much wider than that."""

import math
import random

import numpy as np
import pytest
from test_accuracy import points_of

import autodiff
from autodiff import Value, grad, jit, ops, primitive, vmap
from autodiff.testing import bounds, boxes, enclosures
from autodiff.testing.arithmetic import backward, forward
from autodiff.testing.enclosures import NAMES, ON_INTERVALS
from autodiff.testing.intervals import EMPTY, Interval, add, div, mul, point, square, where
from autodiff.testing.precise import with_digits
from autodiff.testing.recorded import record
from autodiff.transforms.pytrees import NUMBER

inf, nan = math.inf, math.nan
PRECISE = with_digits(50)
BOXES = 120  # a row: with those of programs some 10,000
CODES = {row.name: ops.CODES[row.name] for row in ops.TABLE}


# -- the truth is within: every row ----------------------------------------------------------------


def box_around(draw, operands):
    """Intervals that have these numbers in them: of an ulp, narrow, wide, or without an end."""
    ends = []
    for x in operands:
        kind = draw.random()
        if kind < 0.15:
            ends.append((x, x))
            continue
        size = draw.choice(
            [math.ulp(x), abs(x) * 2.0 ** draw.uniform(-30, 1), 10 ** draw.uniform(-3, 3)]
        )
        low, high = x - size * draw.random(), x + size * draw.random()
        if kind > 0.97:
            low = -inf
        elif kind > 0.94:
            high = inf
        ends.append((low, high))
    return [Interval(*pair) for pair in ends]


def inside(draw, box):
    """Numbers in intervals: ends, and numbers between."""
    return [
        draw.choice([x.low, x.high, *[draw.uniform(max(x.low, -1e300), min(x.high, 1e300))] * 2])
        for x in box
    ]


def has(interval, true):
    """Whether a number of more digits is in an interval; what is none, or infinite, may be."""
    if not abs(true) < inf:
        return True
    return bool(interval.low <= true <= interval.high)


@pytest.mark.once
@pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)
def test_values_and_partials_are_within_their_intervals(row):
    draw = random.Random(row.name)
    code, told = ops.CODES[row.name], 0
    for operands in points_of(row, BOXES):
        box = box_around(draw, operands)
        if row.name == "polygamma":
            box[0] = point(float(round(operands[0])))
        value = ON_INTERVALS.exactly(ON_INTERVALS.value(code)(box))
        which = [*range(len(box))]
        partials = [*map(ON_INTERVALS.exactly, ON_INTERVALS.partials(code)(box, value, which))]
        for numbers in (operands, inside(draw, box)):
            if not all(x.has(y) and abs(y) < inf for x, y in zip(box, numbers, strict=True)):
                continue
            xs = [*map(PRECISE.number, numbers)]
            v = PRECISE.exactly(PRECISE.value(code)(xs))
            assert has(value, v), f"{row.name}{numbers} is {v}: {box} gives {value}"
            if v != v:
                continue
            slopes = PRECISE.partials(code)(xs, v, which)
            for partial, slope in zip(partials, map(PRECISE.exactly, slopes), strict=True):
                assert has(partial, slope), f"{row.name}{numbers} by {box}: {slope} in {partial}"
            told += abs(v) < inf
    assert told > 0.8 * BOXES


# -- the truth is within: programs -----------------------------------------------------------------

SMOOTH = [row for row in ops.TABLE if not row.over_lists and row.name not in ops.HELPERS]


def any_function(draw):
    """A random function of two numbers, of some operations on them and on one another's results."""
    steps = []
    for n in range(2, draw.randint(4, 9)):
        row = draw.choice(SMOOTH)
        steps.append((row.name, [draw.randrange(n) for _ in row.names]))

    def f(x, y):
        values = [x, y]
        for name, operands in steps:
            values.append(getattr(autodiff, name)(*(values[k] for k in operands)))
        return values[-1] + 0.0 * x

    return f, steps


@pytest.mark.once
def test_values_and_gradients_of_random_programs_are_within_their_bounds():
    draw, told = random.Random(0), 0
    for _ in range(1000):
        f, steps = any_function(draw)
        at = [draw.choice((1, -1)) * 10 ** draw.uniform(-2, 1) for _ in range(2)]
        box = box_around(draw, at)
        found = bounds(f, *((x.low, x.high) for x in box))
        assert not math.isnan(found.value[0]) or found.undefined
        for point_ in (at, inside(draw, box)):
            if not all(abs(x) < inf for x in point_):
                continue
            recorded = record(f, [NUMBER, NUMBER], point_, "f")
            values = forward(recorded, PRECISE)
            swept = backward(recorded, values, PRECISE)
            v = values[recorded.result]
            if not all(abs(x) < inf for x in values):
                continue
            assert has(Interval(*found.value), v), (steps, point_, box, found)
            for (low, high), slope in zip(found.gradient, swept.adjoints[:2], strict=True):
                assert has(Interval(low, high), slope or 0), (steps, point_, box, found)
            told += 1
    assert told > 500


@pytest.mark.once
@pytest.mark.parametrize(
    ("broken", "name"),
    [("exp", "by the error of a row"), ("sin", "by what is between the ends")],
)
def test_an_enclosure_that_is_too_narrow_would_be_found(monkeypatch, broken, name):
    row = ops.row(broken)

    def narrow(a):
        a = point(a)
        ends = sorted(
            float(PRECISE.value(CODES[broken])([PRECISE.number(x)])) for x in (a.low, a.high)
        )
        return Interval(*ends)

    monkeypatch.setitem(NAMES, broken, narrow)
    monkeypatch.setitem(ON_INTERVALS._values, CODES[broken], lambda xs: narrow(*xs))
    with pytest.raises(AssertionError, match=rf"{broken}\[.* gives Interval"):
        test_values_and_partials_are_within_their_intervals(row)


# -- and not much more -----------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize("name", [*enclosures.SHAPES, *enclosures.TURNS])
def test_what_has_one_shape_has_its_range_to_rounding(name):
    row = ops.row(name)
    draw = random.Random(name)
    for operands in points_of(row, 40):
        box = [Interval(x, x + abs(x) * draw.random()) for x in operands]
        if not all(x.high < high for x, (_, high) in zip(box, row.domain, strict=False)):
            continue
        found = NAMES[name](*box)
        corners = [[]]
        for x in box:
            corners = [[*them, end] for them in corners for end in (x.low, x.high)]
        true = [NAMES[name](*map(point, them)) for them in corners]
        if name in enclosures.TURNS and box[0].has(enclosures.TURNS[name]):
            true.append(NAMES[name](enclosures.TURNS[name]))
        assert found.low == min(x.low for x in true)
        assert found.high == max(x.high for x in true)


@pytest.mark.once
@pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)
def test_of_a_point_little_more_than_the_value_is_within(row):
    for operands in points_of(row, 25):
        value = ON_INTERVALS.exactly(ON_INTERVALS.value(CODES[row.name])([*map(point, operands)]))
        number = getattr(autodiff, row.name)(
            *(operands if not row.over_lists else np.split(np.array(operands), len(row.names)))
        )
        number = float(number)
        if not 1e-250 < abs(number) < 1e250:
            continue
        size = max(map(abs, operands)) if row.over_lists else abs(number)
        if row.name in ("dot", "sum", "mean") or row.bounds or row.name == "divergence":
            continue  # they cancel
        assert value.low <= number <= value.high
        assert value.high - value.low <= 40 * math.ulp(size)


@pytest.mark.parametrize(
    ("f", "box", "value", "gradient"),
    [
        (lambda x: x * x, (-1.0, 2.0), (0.0, 4.0), (-2.0, 4.0)),
        (lambda x: x**2, (-1.0, 2.0), (0.0, 4.0), (-2.0, 4.0)),
        (lambda x: x**3, (-1.0, 2.0), (-1.0, 8.0), (0.0, 12.0)),
        (lambda x: x**-2, (-1.0, 2.0), (0.25, inf), (-inf, inf)),
        (lambda x: x**0.5, (0.0, 4.0), (0.0, 2.0), (0.25, inf)),
        (lambda x: 1 / x, (-1.0, 2.0), (-inf, inf), (-inf, inf)),
        (lambda x: 1 / x, (1.0, 2.0), (0.5, 1.0), (-1.0, -0.25)),
        (lambda x: x - x, (0.0, 9.0), (0.0, 0.0), (0.0, 0.0)),
        (abs, (-1.0, 2.0), (0.0, 2.0), (-1.0, 1.0)),
        (abs, (1.0, 2.0), (1.0, 2.0), (1.0, 1.0)),
        (autodiff.relu, (-1.0, 2.0), (0.0, 2.0), (0.0, 1.0)),
        (autodiff.leaky_relu, (-1.0, 2.0), (-0.01, 2.0), (0.01, 1.0)),
        (autodiff.elu, (-1e9, 2.0), (-1.0, 2.0), (0.0, 1.0)),
        (lambda x: autodiff.maximum(x, 1.0), (0.0, 2.0), (1.0, 2.0), (0.0, 1.0)),
        (lambda x: autodiff.where(x > 5.0, x, -x), (0.0, 2.0), (-2.0, 0.0), (-1.0, -1.0)),
        (autodiff.sign, (-1.0, 2.0), (-1.0, 1.0), (0.0, 0.0)),
        (autodiff.floor, (0.5, 2.5), (0.0, 2.0), (0.0, 0.0)),
        (autodiff.sin, (0.0, math.pi), (0.0, 1.0), (-1.0, 1.0)),
        (autodiff.sin, (0.0, 1.0), (0.0, math.sin(1)), (math.cos(1), 1.0)),
        (autodiff.cos, (3.0, 4.0), (-1.0, math.cos(4)), (-math.sin(3), -math.sin(4))),
        (autodiff.cos, (-1e300, 1e300), (-1.0, 1.0), (-1.0, 1.0)),
        (autodiff.tan, (1.0, 2.0), (-inf, inf), (1.0, inf)),
        (autodiff.exp, (-inf, 0.0), (0.0, 1.0), (0.0, 1.0)),
        (autodiff.exp, (0.0, 1e9), (1.0, inf), (1.0, inf)),
        (autodiff.sigmoid, (-inf, inf), (0.0, 1.0), (0.0, 1.0)),
        (autodiff.silu, (-inf, 0.0), (-0.27846454276107380, 0.0), (-inf, 0.5)),
        (autodiff.log, (0.0, 1.0), (-inf, 0.0), (1.0, inf)),
        (
            lambda x: autodiff.pow(2.0, x),
            (-1.0, 3.0),
            (0.5, 8.0),
            (math.log(2) / 2, 8 * math.log(2)),
        ),
    ],
)
def test_of_functions_that_one_knows_bounds_are_those_that_one_expects(f, box, value, gradient):
    found = bounds(f, box)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.gradient == pytest.approx(gradient, abs=1e-12)


def test_bounds_of_a_small_box_are_close():
    def f(x, y):
        return autodiff.exp(x * y) * autodiff.sin(x + y) / (1 + x * x)

    for size in (1e-3, 1e-6, 1e-9):
        found = bounds(f, (0.7, 0.7 + size), (0.3, 0.3 + size))
        assert found.value[1] - found.value[0] < 10 * size
        assert all(high - low < 20 * size for low, high in found.gradient)
    found = bounds(f, (0.7, 0.7), (0.3, 0.3))
    assert found.value[1] - found.value[0] < 1e-14
    assert found.value[0] < f(0.7, 0.3) < found.value[1]


# -- interval arithmetic ---------------------------------------------------------------------------


def ends(x):
    return (x.low, x.high)


def test_ends_are_rounded_outwards_and_exact_ones_are_kept():
    assert ends(add(0.1, 0.2)) == (math.nextafter(0.1 + 0.2, 0), 0.1 + 0.2)  # it was rounded up
    assert ends(add(Interval(1.0, 2.0), 3.0)) == (4.0, 5.0)
    assert ends(add(1.7e308, 1.7e308)) == (1.7976931348623157e308, inf)
    assert ends(mul(0.1, 3.0)) == (math.nextafter(0.1 * 3, 0), math.nextafter(0.1 * 3, 1))
    assert ends(mul(1e-200, 1e-200)) == (0.0, 5e-324)
    assert ends(mul(-1e-200, 1e-200)) == (-5e-324, 0.0)
    assert ends(mul(1e200, Interval(1.0, 1e200))) == (1e200, inf)
    assert ends(mul(Interval(0.0, 0.0), Interval(-inf, inf))) == (0.0, 0.0)
    assert ends(mul(Interval(-2.0, 3.0), Interval(-5.0, 1.0))) == pytest.approx((-15, 10))
    assert ends(div(1.0, Interval(0.0, 2.0))) == (math.nextafter(0.5, 0), inf)
    assert ends(div(Interval(-1.0, 1.0), Interval(-2.0, 0.0))) == (-inf, inf)
    assert ends(div(Interval(1.0, inf), Interval(1.0, inf))) == (0.0, inf)
    assert ends(div(0.0, Interval(0.0, 1.0))) == (0.0, 0.0)
    assert ends(square(Interval(-3.0, -2.0))) == pytest.approx((4, 9))


def test_comparisons_are_0_or_1_or_both():
    a, b, c = Interval(0.0, 1.0), Interval(1.0, 2.0), Interval(3.0, 4.0)
    assert [ends(x) for x in (a < c, a > c, a < b, a <= b, b < a)] == [
        (1.0, 1.0), (0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0),
    ]  # fmt: skip
    assert [ends(x) for x in (a == c, a == b, a == a, a != a)] == [
        (0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0),
    ]  # fmt: skip
    assert ends(where(a < c, a, c)) == (0.0, 1.0)
    assert ends(where(a < b, a, c)) == (0.0, 4.0)
    assert ends(where(c < a, a, c)) == (3.0, 4.0)


def test_of_nothing_there_is_nothing():
    for name in ("add", "sub", "mul", "div", "pow", "hypot", "atan2", "huber", "maximum", "less"):
        assert NAMES[name](EMPTY, 1.0).empty
        assert NAMES[name](1.0, EMPTY).empty
    for name in ("neg", "sin", "tan", "exp", "lgamma", "square", "abs", "relu", "gelu"):
        assert NAMES[name](EMPTY).empty
    assert ends(where(Interval(0.0, 1.0), EMPTY, 2.0)) == (2.0, 2.0)


# -- domains, comparisons, structures --------------------------------------------------------------


def test_where_a_function_is_not_defined_it_says_so():
    def f(x):
        inner = x - 1
        return autodiff.log(inner)

    found = bounds(f, (0.0, 3.0))
    assert found.value == (-inf, pytest.approx(math.log(2)))
    (line,) = found.undefined
    assert line.startswith(f"{__file__}:{f.__code__.co_firstlineno + 2}")
    found = bounds(f, (0.0, 0.5))
    assert all(map(math.isnan, found.value))
    assert bounds(f, (2.0, 3.0)).undefined == ()
    assert bounds(lambda x: 1 / x, (0.0, 1.0)).undefined != ()
    assert bounds(autodiff.sqrt, (0.0, 1.0)).undefined != ()  # its derivative, at 0
    assert bounds(autodiff.sqrt, (0.1, 1.0)).undefined == ()
    assert bounds(autodiff.tan, (1.0, 2.0)).undefined != ()
    assert bounds(lambda x: (-x) ** 0.5, (1.0, 2.0)).undefined != ()


def test_negative_bases_have_powers_with_integers_among_the_exponents():
    assert ends(NAMES["pow"](-2.0, Interval(2.5, 3.5))) == pytest.approx((-(2**3.5), 2**3.5))
    assert NAMES["pow"](-2.0, Interval(2.25, 2.75)).empty
    assert ends(NAMES["pow"](Interval(-2.0, 4.0), 0.5)) == pytest.approx((0, 2))


def test_a_comparison_that_comes_out_in_both_ways_is_refused_with_its_line():
    def f(x, y):
        if x > y:
            return x
        return y

    line = f.__code__.co_firstlineno + 1
    with pytest.raises(ValueError, match=rf"comparison > at .*test_bounds.py:{line} may come out"):
        bounds(f, (0.0, 2.0), (1.0, 3.0))
    assert bounds(f, (4.0, 5.0), (1.0, 3.0)).value == (4.0, 5.0)
    assert bounds(f, (0.0, 1.0), (2.0, 3.0)).gradient == ((0.0, 0.0), (1.0, 1.0))
    lanes = vmap(lambda x: x if x > 1 else -x)
    with pytest.raises(ValueError, match="comparison > at"):
        bounds(lambda x: lanes(x).sum(), (np.array([0.0, 2.0]), np.array([1.5, 3.0])))


def test_boxes_are_trees_and_bounds_have_their_structure():
    def f(model, n):
        return sum(w * x**n for w, x in zip(model["w"], model["x"], strict=True))

    low = {"w": [1.0, -1.0], "x": np.array([1.0, 2.0])}
    high = {"w": [2.0, 1.0], "x": np.array([2.0, 3.0])}
    found = bounds(f, (low, high), (2, 2))
    assert found.value == pytest.approx((-8, 17))
    (below, above), (n_below, n_above) = found.gradient
    assert below["w"] == pytest.approx([1, 4])
    assert above["w"] == pytest.approx([4, 9])
    assert below["x"] == pytest.approx([2, -6])
    assert n_below <= n_above
    assert bounds(lambda: Value(2.0) * 3.0).gradient == ()


def test_programs_of_transforms_have_bounds():
    def f(xs):
        return autodiff.logsumexp(xs * xs)

    low, high = np.array([0.5, 1.0]), np.array([0.6, 1.1])
    for g in (f, jit(f), lambda xs: vmap(lambda x: x * f(xs))(np.array([0.5, 0.5])).sum()):
        found = bounds(g, (low, high))
        assert found.value[0] < f(low) < found.value[1]
        assert (found.gradient[0] < grad(f)(low)).all()
        assert (grad(f)(low) < found.gradient[1]).all()
    second = bounds(grad(lambda x: autodiff.softmax([x, 2 * x])[0]), (0.1, 0.2))
    assert second.value[0] < grad(lambda x: autodiff.softmax([x, 2 * x])[0])(0.15) < second.value[1]


def test_linear_algebra_whose_pivots_are_clear_has_bounds():
    low = np.array([[4.0, 1.0], [2.0, 3.0]])
    found = bounds(autodiff.linalg.det, (low, low + 0.01))
    assert found.value == pytest.approx((12 - 1.01 * 2.01, 4.01 * 3.01 - 2), abs=0.001)
    assert found.value[0] <= 12 - 1.01 * 2.01
    assert found.value[1] >= 4.01 * 3.01 - 2
    for bound, sign in zip(found.gradient, (1, -1), strict=True):
        slopes = [[3.0, -2.0], [-1.0, 4.0]]
        assert bound == pytest.approx(np.array(slopes), abs=0.03)
        assert (sign * (np.array(grad(autodiff.linalg.det)(low + 0.005)) - bound) > 0).all()
    wide = bounds(lambda x: autodiff.softmax([x, 0.0])[0], (-1.0, 1.0))
    assert wide.value[0] <= 1 / (1 + math.e) < math.e / (1 + math.e) <= wide.value[1]


def test_choices_by_index_are_all_that_may_be_chosen():
    def f(xs, i):
        return autodiff.take(list(xs), autodiff.rint(i))

    low, high = [0.0, 5.0, 9.0], [1.0, 6.0, 9.5]
    assert bounds(f, (low, high), (0.9, 1.1)).value == (5.0, 6.0)
    found = bounds(f, (low, high), (0.9, 1.9))
    assert found.value == (5.0, 9.5)
    assert found.gradient[0] == ([0.0, 0.0, 0.0], [0.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("box", "error", "words"),
    [
        (1.0, TypeError, r"argument 1 of bounds\(sin\) must be a pair of its ends, \(low, high\)"),
        ((1.0, 2.0, 3.0), TypeError, "must be a pair"),
        ((2.0, 1.0), ValueError, r"number 1 is to be from 2.0 up to 1.0"),
        ((nan, 1.0), ValueError, "number 1 is to be from nan"),
        (([1.0], 1.0), TypeError, "the upper end of argument 1 of .* is a number, not a list of 1"),
        ((1j, 1.0), TypeError, "the lower end of argument 1 of .* expected are real numbers"),
    ],
)
def test_what_is_no_box_is_refused(box, error, words):
    with pytest.raises(error, match=words):
        bounds(autodiff.sin, box)


def test_what_has_no_bounds_is_refused_by_name():
    softsign = primitive("softsign_of_bounds", lambda a: a / (1 + abs(a)), [lambda a, v: 1.0])
    with pytest.raises(TypeError, match=r"bounds\(<lambda>\): softsign_of_bounds\(\), used at"):
        bounds(lambda x: softsign(x), (0.0, 1.0))
    with pytest.raises(TypeError, match="must return one number"):
        bounds(lambda x: [x, x], (0.0, 1.0))
    with pytest.raises(RuntimeError, match=r"reading \.data"):
        bounds(lambda x: x * x.data, (0.0, 1.0))
    assert boxes.bounds is bounds
