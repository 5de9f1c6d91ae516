"""``testing.accuracy``: published losses of digits are found by line, and their cures have none."""

import importlib
import inspect
import math
import random
import sys

import mpmath
import numpy as np
import pytest
import references
from test_accuracy import points_of

import autodiff
from autodiff import Value, cos, exp, grad, jit, log, loop, ops, primitive, sin, sqrt, vmap
from autodiff.testing import accuracy, bounds, losses
from autodiff.testing.arithmetic import ON_FLOATS, backward
from autodiff.testing.losses import FULL, correct
from autodiff.testing.precise import with_digits
from autodiff.testing.recorded import record
from autodiff.transforms.pytrees import NUMBER


def line_of(f, words):
    """The source line of a function that contains some words, as ``Loss.source`` names it."""
    lines, first = inspect.getsourcelines(f)
    (at,) = [first + i for i, line in enumerate(lines) if words in line]
    return f"{__file__}:{at}"


# -- published examples, and their cures -----------------------------------------------------------


def root(a, b, c):
    discriminant = b * b - 4 * a * c
    size = sqrt(discriminant)
    return (-b + size) / (2 * a)


def stable_root(a, b, c):
    q = -(b + sqrt(b * b - 4 * a * c)) / 2
    return c / q


def rump(a, b):
    head = 333.75 * b**6
    middle = a**2 * (11 * a**2 * b**2 - b**6 - 121 * b**4 - 2)
    tail = 5.5 * b**8
    whole = head + middle + tail
    return whole + a / (2 * b)


def muller(p, q):
    x, y = 5.5, p / q
    for _ in range(20):
        x, y = y, 111 - 1130 / y + 3000 / (x * y)
    return y


def muller_closed(p, q):
    """The same sequence, which the rounding of 61/11 does not lead away, to 100."""
    return (p**22 + q**22) / (p**21 + q**21)


def variance(xs):
    n = len(xs)
    squares = sum(x * x for x in xs) / n
    return squares - (sum(xs) / n) ** 2


def two_passes(xs):
    mean = sum(xs) / len(xs)
    return sum((x - mean) * (x - mean) for x in xs) / len(xs)


NUMBERS = [1e7 + x for x in (0.25, 0.5, 1.75, 2.0, 3.5)]


@pytest.mark.parametrize(
    ("f", "args", "words", "most"),
    [
        (root, (1.0, 1e8, 1.0), "(-b + size)", 1.0),
        (rump, (77617.0, 33096.0), "head + middle + tail", 0.0),
        (muller, (61.0, 11.0), "111 - 1130", 0.0),
        (variance, (NUMBERS,), "squares - ", 2.5),
    ],
)
def test_published_cancellations_are_found_by_line(f, args, words, most):
    found = accuracy(f, *args)
    assert found.value <= most
    worst = found.losses[0]
    assert worst.source == line_of(f, words)
    assert words in worst.text
    assert worst.kind == "cancellation"
    assert worst.digits > 13


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (stable_root, (1.0, 1e8, 1.0)),
        (lambda a, b: a / (2 * b) - 2, (77617.0, 33096.0)),
        (muller_closed, (5.0, 6.0)),
        (two_passes, (NUMBERS,)),
    ],
)
def test_their_cures_keep_all_digits(f, args):
    found = accuracy(f, *args)
    assert found.value > 15
    assert [x for x in found.losses if x.kind == "cancellation" and x.digits > 3] == []


def test_the_digits_of_a_value_are_what_mpmath_says():
    with mpmath.workdps(60):
        b = mpmath.mpf(1e8)
        true = (-b + mpmath.sqrt(b * b - 4)) / 2
        digits = -mpmath.log10(abs((root(1.0, 1e8, 1.0) - true) / true))
    assert accuracy(root, 1.0, 1e8, 1.0).value == pytest.approx(float(digits))


def test_a_loop_loses_a_little_at_every_turn():
    def by_turns(p, q, n):
        x, y = 5.5, p / q
        for _ in range(n):
            x, y = y, 111 - 1130 / y + 3000 / (x * y)
        return y

    found = [accuracy(by_turns, 61.0, 11.0, n) for n in (3, 6, 9)]
    assert found[0].value > found[1].value + 2 > found[2].value + 4
    assert [len(x.losses) for x in found] == [1, 1, 1]
    assert found[2].losses[0].digits == pytest.approx(
        FULL - min(found[2].value, *found[2].gradient), abs=0.1
    )


def test_sequences_that_50_digits_do_not_follow_are_followed():
    def off_the_limit(p, q):
        x, y = 5.5, p / q
        for _ in range(60):
            x, y = y, 111 - 1130 / y + 3000 / (x * y)
        return y - 6

    recorded = record(off_the_limit, [NUMBER, NUMBER], [61.0, 11.0], "f")
    numbers = losses.Numbers(recorded, "f")
    assert recorded.nodes[recorded.result].number == pytest.approx(94)  # it comes to 100
    exact = numbers.list[recorded.result].exact
    assert float(exact) == pytest.approx(-((5 / 6) ** 61) / (1 + (5 / 6) ** 61), rel=1e-12)


# -- what else goes wrong --------------------------------------------------------------------------


def kinds(found):
    return {(loss.kind, loss.text) for loss in found.losses}


def test_an_overflow_on_the_way_is_found():
    def length(x, y):
        squares = x * x + y * y
        return sqrt(squares)

    found = accuracy(length, 3e200, 4e200)
    assert found.value == 0
    assert ("overflow", "squares = x * x + y * y") in kinds(found)
    assert found.losses[0].digits == FULL
    assert accuracy(autodiff.hypot, 3e200, 4e200).value > 15
    assert accuracy(autodiff.hypot, 3e200, 4e200).losses == ()


def test_an_exponential_that_overflows_is_found():
    def softplus(x):
        e = exp(x)
        return log(1 + e)

    found = accuracy(softplus, 1000.0)
    assert (found.value, found.gradient) == (0.0, 0.0)
    assert ("overflow", "e = exp(x)") in kinds(found)
    assert accuracy(autodiff.softplus, 1000.0)[:2] == (FULL, FULL)


def test_an_underflow_is_found():
    def tiny(x):
        small = exp(-x)
        return small * 1e300

    found = accuracy(tiny, 800.0)
    assert found.value == 0
    assert [loss.kind for loss in found.losses] == ["underflow"]
    assert found.losses[0].text == "small = exp(-x)"


def test_a_logarithm_of_what_rounding_has_made_negative_is_found():
    def f(x):
        difference = (x + 0.1) - x - 0.1
        return log(difference + 1e-18)

    found = accuracy(f, 10.0)
    assert math.isnan(f(10.0))
    assert found.value == 0
    assert found.losses[0].kind in ("domain", "cancellation")
    assert ("domain", "return log(difference + 1e-18)") in kinds(found)
    assert ("cancellation", "difference = (x + 0.1) - x - 0.1") in kinds(found)


def test_a_branch_that_is_taken_by_rounding_is_found():
    def f(x):
        y = (x + 1e8) - 1e8
        if y < x:
            return y * y
        return y

    found = accuracy(f, 0.1)
    assert f(0.1) < 0.01  # it takes the first
    assert found.losses[0].kind == "branch"
    assert found.losses[0].source == line_of(f, "if y < x")
    assert found.losses[0].what.endswith("< 0.1 is True, but they are 0.1 and 0.1")
    assert ("cancellation", "y = (x + 1e8) - 1e8") in kinds(found)
    assert not any(loss.kind == "branch" for loss in accuracy(f, 0.5).losses)


def test_what_is_ill_conditioned_is_named_so():
    def f(x):
        near = x * 1.1
        return log(near)

    found = accuracy(f, 0.9090909090909)
    (loss,) = found.losses
    assert (loss.kind, loss.text) == ("conditioning", "return log(near)")
    assert loss.digits == pytest.approx(FULL - found.value, abs=1)


def test_a_jump_that_rounding_goes_over_is_found():
    def f(x):
        return autodiff.floor(x * 3)

    x = 1 / 3
    assert f(x) == 1.0  # a third, rounded down, three times, rounded up
    found = accuracy(f, x)
    assert found.value == 0
    assert [loss.kind for loss in found.losses] == ["jump"]


def test_the_gradient_may_lose_what_the_value_does_not():
    def f(x):
        return sin(x) + cos(x)

    found = accuracy(f, 0.7853981633)
    assert found.value > 15
    assert found.gradient < 7
    (loss,) = found.losses
    assert (loss.source, loss.kind) == (line_of(f, "sin(x) + cos(x)"), "cancellation")
    assert loss.what.startswith("backward")


def test_what_results_do_not_lack_is_not_mentioned():
    def compensated(xs):
        total = lost = 0.0
        for x in xs:
            y = x - lost
            new = total + y
            lost = (new - total) - y  # of which no digit is right: in numbers without end it is 0
            total = new
        return total

    def beside_something_large(x):
        return (x + 1e-10 - x) + 1000.0

    xs = [random.Random(i).uniform(0, 1) for i in range(300)]
    assert accuracy(compensated, xs).value > 15
    assert not any(loss.kind == "cancellation" for loss in accuracy(compensated, xs).losses)
    found = accuracy(beside_something_large, 1.0)
    assert found.value > 15
    assert found.losses == ()


def test_many_small_roundings_are_no_cancellation():
    found = accuracy(lambda xs: sum(xs), [1.0] + [1e-16] * 1000)
    (loss,) = found.losses
    assert 12.9 < found.value < 13.1  # none of them changes the sum
    assert loss.kind == "rounding"
    assert loss.times > 100


def test_lanes_do_not_add_up():
    def f(xs):
        return sum([((x + 1000.0) - 1000.0) * 1.0 for x in xs])

    one, many = accuracy(f, [0.1]), accuracy(f, [0.1 + i / 1000 for i in range(50)])
    assert many.losses[0].digits < one.losses[0].digits + 1.5
    assert many.losses[0].times >= 50


# -- what may be asked about -----------------------------------------------------------------------


def test_arguments_are_trees_and_digits_have_their_structure():
    def f(model, x, n):
        total = model["bias"]
        for _ in range(n):
            total = total + (np.array(model["weights"]) * x).sum()
        return total

    found = accuracy(f, {"weights": [1.0, 2.0], "bias": 0.1}, np.array([3.0, 0.1]), 2)
    assert found.value > 15
    model, x, n = found.gradient
    assert model == {"weights": [FULL, FULL], "bias": FULL}
    assert x.shape == (2,)
    assert n == FULL


def test_what_is_closed_over_is_exact():
    weight = Value(0.1)
    assert accuracy(lambda x: weight * x, 3.0).value > 15.5
    assert accuracy(lambda: weight * 3.0).gradient == ()
    assert weight.grad == 0.0


def test_functions_that_are_transformed_are_looked_through():
    def f(x):
        return (x + 1e5) - 1e5

    for g in (jit(f), lambda x: jit(f)(x) * 2, lambda x: vmap(f)(np.array([x, 2 * x])).sum()):
        found = accuracy(g, 0.1)
        assert found.value < 12
        assert found.losses[0].kind == "cancellation"
    assert accuracy(jit(f), 0.1).losses[0].source == line_of(f, "1e5")
    third = grad(grad(grad(lambda x: (exp(x) - 1) / x)))
    assert accuracy(third, 1e-3).value < 8
    assert accuracy(third, 1e-3).losses[0].kind == "cancellation"


def test_lanes_that_go_different_ways_are_followed():
    def f(x):
        if x > 1:
            return sin(x)
        return vmap(lambda y: y * x if y > 0 else -y)(np.array([1.0, -2.0])).sum()

    def whole(x):
        return vmap(f)(np.array([x, 3 * x, 2.0])).sum()

    def by_hand(x):
        return f(x) + f(3 * x) + f(Value(2.0))

    x = 0.5
    recorded = record(whole, [NUMBER], [x], "whole")
    assert recorded.nodes[recorded.result].number == whole(x)
    swept = backward(recorded, [node.number for node in recorded.nodes], ON_FLOATS)
    assert swept.adjoints[0] == pytest.approx(grad(by_hand)(x), rel=1e-15)
    assert accuracy(whole, x).value > 15
    assert len(recorded.comparisons) >= 5
    assert all(c.outcome in (True, False) for c in recorded.comparisons)


def test_in_lanes_a_branch_that_is_taken_by_rounding_is_found_too():
    def lane(x):
        y = (x + 1e8) - 1e8
        return y * y if y < x else y

    found = accuracy(lambda xs: vmap(lane)(xs).sum(), np.array([0.5, 0.1]))
    assert (found.losses[0].kind, found.losses[0].source) == ("branch", line_of(lane, "if y < x"))


def test_choices_and_lists_are_followed():
    def f(xs):
        index = autodiff.sum(xs) * 0.0 + 1.0
        shares = autodiff.softmax(xs)
        return autodiff.take(shares, index) + autodiff.logsumexp(xs) + autodiff.norm(xs)

    found = accuracy(f, [0.1, 0.7, 0.3])
    assert found.value > 15
    assert min(found.gradient) > 14.5


# -- how it is computed ----------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)
def test_the_table_in_many_digits_is_what_every_row_means(row):
    precise = with_digits(50)
    code = ops.CODES[row.name]
    for operands in points_of(row, 12):
        xs = [precise.number(x) for x in operands]
        with mpmath.workdps(120):
            true = references.value(row.name, operands)
        if mpmath.isinf(precise.number(true)) or abs(mpmath.mag(true or 1)) > 2**20:
            continue  # beyond what is followed
        v = precise.exactly(precise.value(code)(xs))
        assert abs(v - true) <= 1e-35 * abs(true) + mpmath.mpf(10) ** -700
        if row.name == "log_monomial":
            continue  # its differences lose too much
        for i, partial in enumerate(precise.partials(code)(xs, v, [*range(len(xs))])):
            slope = references.slope(row.name, operands, i)
            assert abs(partial - slope) <= 1e-15 * abs(slope) + mpmath.mpf(10) ** -600, i


def test_the_gradient_that_is_judged_is_that_of_grad():
    def f(x, y):
        z = sin(x * y) / (1 + y**2)
        return autodiff.logsumexp([x, y, z]) * autodiff.maximum(z, x) + sqrt(abs(z - y)) ** 3

    for seed in range(20):
        draw = random.Random(seed)
        point = [draw.uniform(0.1, 3), draw.uniform(0.1, 3)]
        recorded = record(f, [NUMBER, NUMBER], point, "f")
        swept = backward(recorded, [node.number for node in recorded.nodes], ON_FLOATS)
        assert swept.adjoints[:2] == [*grad(f, (0, 1))(*point)]


def test_digits_become_more_until_results_do_not_change():
    found = accuracy(lambda x: (x + 1e60) - 1e60, 1e-3)  # 50 digits, too, say 0
    assert found.value == 0
    assert found.losses[0].kind == "cancellation"
    assert (
        accuracy(lambda x: sqrt(x) * sqrt(x) - x, 2.0).value == 0
    )  # it is 0: no digits are enough
    assert accuracy(lambda x: sqrt(x) * sqrt(x) - x, 3.0).value == 0
    assert accuracy(lambda x: sqrt(x) * sqrt(x) - x, 4.0).value == FULL


def test_what_no_digits_settle_is_refused(monkeypatch):
    def chaos(x):
        for _ in range(400):
            x = 3.9 * x * (1 - x)
        return x

    assert accuracy(chaos, 0.3).value < 2
    monkeypatch.setattr(losses, "_DIGITS", (50, 60))
    with pytest.raises(ArithmeticError, match=r"accuracy\(chaos\): 60 digits are too few"):
        accuracy(chaos, 0.3)


@pytest.mark.once
def test_long_lists_have_digits_too():
    numbers = [k / 2000 for k in range(2000)]
    found = accuracy(lambda xs: autodiff.logsumexp(xs) * autodiff.norm(xs), numbers)
    assert found.value > 14
    assert min(found.gradient) > 13


def test_a_deep_graph_needs_no_recursion():
    def f(x):
        for _ in range(3000):
            x = x + 1.0
        return x

    assert accuracy(f, 0.5)[:2] == (FULL, FULL)


@pytest.mark.parametrize(
    ("x", "y", "digits"),
    [
        (1.0, 1.0, FULL),
        (0.0, 0.0, FULL),
        (1.001, 1.0, 3.0),
        (-1.0, 1.0, 0.0),
        (math.nan, mpmath.mpf("nan"), FULL),
        (math.nan, 1.0, 0.0),
        (math.inf, mpmath.mpf("1e400"), 0.0),
        (-math.inf, math.inf, FULL),
        (0.0, mpmath.mpf("1e-400"), 0.0),
        (1.0, 0.0, 0.0),
        (1.0 + 2**-52, mpmath.fdiv(2**53 + 1, 2**53, prec=80), FULL),
    ],
)
def test_correct_digits_are_counted_from_the_relative_error(x, y, digits):
    assert correct(x, y) == pytest.approx(digits, abs=1e-9)


# -- the report, and what is refused ---------------------------------------------------------------


def test_the_report_can_be_read():
    found = accuracy(root, 1.0, 1e8, 1.0)
    source = line_of(root, "(-b + size)")
    assert repr(found) == str(found)
    assert str(found).splitlines() == [
        "value: 0.6 correct digits",
        "gradient: 0.0 correct digits, the worst of 3",
        f"{source}: 15.4 digits lost, cancellation (2 times)",
        "    return (-b + size) / (2 * a)",
        "    add(-100000000.0, 99999999.99999999) is -1.4901161193847656e-08, not -2e-08",
    ]


def test_what_cannot_be_judged_is_refused_by_name():
    softsign = primitive("softsign_of_digits", lambda a: a / (1 + abs(a)), [lambda a, v: 1.0])
    with pytest.raises(TypeError, match=r"accuracy\(<lambda>\): softsign_of_digits\(\), used at"):
        accuracy(lambda x: softsign(x), 1.0)
    with pytest.raises(TypeError, match="must return one number"):
        accuracy(lambda x: [x, x], 1.0)
    with pytest.raises(TypeError, match="is a return missing"):
        accuracy(lambda x: None, 1.0)
    with pytest.raises(TypeError, match="f must be a function, not"):
        accuracy(3.0, 1.0)
    with pytest.raises(TypeError, match=r"argument 1 of accuracy\(sin\) is .*: expected are real"):
        accuracy(sin, 1j)
    with pytest.raises(RuntimeError, match=r"reading \.data"):
        accuracy(lambda x: x * x.data, 1.0)


def test_steps_of_a_scan_are_judged_like_those_of_the_loop():
    def logistic(i, x):
        return 3.9 * x * (1 - x)

    def in_python(x):
        for i in range(40):
            x = logistic(i, x)
        return x

    by_scan, by_loop = accuracy(lambda x: loop(logistic, x, 40), 0.3), accuracy(in_python, 0.3)
    assert by_scan.value == by_loop.value < 8
    assert by_scan.gradient == pytest.approx(by_loop.gradient, abs=0.5)
    low, high = bounds(lambda x: loop(logistic, x, 4), (0.3, 0.3)).value
    assert low <= loop(logistic, 0.3, 4) <= high < low + 1e-12
    branching = accuracy(lambda x: loop(lambda i, y: y * 2 if y < 1 else y - 1, x, 9), 0.3)
    assert branching.value > 14


def test_the_derivative_of_a_scan_is_refused_by_name():
    with pytest.raises(TypeError, match=r"a pullback, at .*, is not known here"):
        accuracy(grad(lambda x: loop(lambda i, y: sin(y), x, 3)), 1.0)


def test_without_mpmath_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpmath.ctx_mp", None)
    monkeypatch.delitem(sys.modules, "autodiff.testing.precise")
    with pytest.raises(ImportError, match="pip install mpmath"):
        importlib.import_module("autodiff.testing.precise")
