"""``check_gradient`` and the strategies where it is hard: noise, subtle mutants, bad arguments.

``test_checks.py`` has the everyday cases.
"""

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import autodiff
from autodiff import Value, cos, dot, exp, log, no_grad, ops, primitive, sigmoid, sin, sqrt, tanh
from autodiff.testing import (
    Component,
    GradientError,
    assert_gradients_match,
    check_gradient,
    expressions,
    points,
)

pytestmark = pytest.mark.once  # of numbers on which the engines agree

SEARCH = settings(
    max_examples=3000, database=None, derandomize=True, deadline=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
)  # fmt: skip

QUICK = settings(SEARCH, max_examples=100, phases=[Phase.generate])

# -- check_gradient: right functions ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: exp(x) * sin(x), 0.7),
        (lambda x: sqrt(x * x + 1e-8), 0.0),  # sharp, but no kink
        (lambda x: tanh(1e4 * x), 0.0),
        (lambda x: autodiff.maximum(x, 1.0) * x, 1 + 1e-5),  # near a kink, but not on it
        (abs, 1e-9),
        (abs, -1e-300),
        (lambda x: 1 - cos(x), 1e-3),
        (lambda x: (x - 1) ** 3, 1.0),
        (lambda x: x**1.5, 1e-4),
        (sigmoid, -40.0),
        (lambda x: x * x, 1e150),
        (lambda x: 1 / x, 1e-8),
        # exactly 0 but for rounding
        (lambda x: x / -x, -0.222470171371635),
        (lambda x: x**-1.0 * x, 0.5589971398088764),
        (lambda x: autodiff.atan2(x, x), 1.75),
        # rounded inside, where the value is small
        (lambda x: log(1 + x * x), 1e-3),
        # varying on another scale than the point's
        (lambda x: 1 / (1 - x), 1 - 1e-6),
        (lambda x: tanh(1e7 * x), 0.0),
        (lambda x: tanh(1e9 * x), 0.0),
        (lambda x: sqrt(x * x + 1e-20), 0.0),
        (sin, 1e8),
        (autodiff.relu, -1e-4),
        (lambda x: log(tanh(exp(x))), 2.733777002992245),
        (lambda x: autodiff.logsumexp([x, x - 30.3]), -0.00256),
        (lambda x: autodiff.logsumexp([x, -9.122955022796194]), 0.00016345319866381083),
    ],
)
def test_right_derivatives_are_not_called_wrong(f, x):
    assert check_gradient(f, x, order=2) is None


def test_a_derivative_that_rounding_hides_is_not_called_wrong():
    check_gradient(lambda x, y: autodiff.logsumexp([x, y]), 1.267037311764075e-07, -44.08564563649)


def test_arrays_and_nested_lists_come_as_they_are():
    seen = []

    def f(number, matrix, tree):
        seen.append((type(number), matrix.shape, type(tree), type(tree[1])))
        return number * matrix[0, 1] * tree[1][0] + dot(matrix[0], matrix[1])

    check_gradient(f, 3, np.arange(4).reshape(2, 2), (1.0, [2, 5.0]), order=2)
    assert set(seen) == {(Value, (2, 2), tuple, list)}


# -- check_gradient: mutants -----------------------------------------------------------------------

names = (f"testing_mutant{i}" for i in range(10**6))


def product(partial_by_b):
    """``a*b*b``, with that partial by ``b``."""
    return primitive(
        next(names),
        lambda a, b: a * b * b,
        [lambda a, b, v: b * b, lambda a, b, v: partial_by_b(a, b)],
    )


PARTIALS = {
    "0.1 % too large": lambda a, b: 2.002 * a * b,
    "negated": lambda a, b: -2 * a * b,
    "zero": lambda a, b: 0.0,
    "shifted by one": lambda a, b: 2 * a * b + 1,
    "of the other operand": lambda a, b: b * b,
    "nan": lambda a, b: math.nan,
    "infinite": lambda a, b: math.inf,
}


@pytest.mark.parametrize("name", PARTIALS)
def test_the_wrong_component_is_named_wherever_it_stands(name):
    wrong = product(PARTIALS[name])

    def f(xs, rows):
        return xs[0] * xs[1] + sum(row[0] * row[1] for row in rows) + wrong(xs[0], rows[1][1])

    with pytest.raises(GradientError) as error:
        check_gradient(f, [1.5, 2.0], np.array([[0.5, 2.5], [3.5, 0.75]]))
    assert "1 derivative is wrong" in str(error.value)
    assert [c.name for c in error.value.components if c.verdict == "wrong"] == ["df/dx[5]"]
    assert len(error.value.components) == 6


def test_right_partials_are_not_mutants():
    check_gradient(product(lambda a, b: 2 * a * b), 1.5, 2.0, order=3)


def test_a_rule_wrong_at_third_order_only_is_caught():
    def constant(x):
        return x.detach() if isinstance(x, Value) else x

    linear = primitive(next(names), lambda a: 6 * a, [lambda a, v: 6.0 * constant(a) / constant(a)])
    halfway = primitive(next(names), lambda a: 3 * a * a, [lambda a, v: constant(linear(a)) * 1.0])
    cube = primitive(next(names), lambda a: a * a * a, [lambda a, v: halfway(a)])
    check_gradient(cube, 1.25, order=2)
    with pytest.raises(GradientError, match=r"d3f/dx\[0\]dx\[0\]dx\[0\] +0 +6 .*wrong"):
        check_gradient(cube, 1.25, order=3)


def without_recording(x):
    with no_grad():
        return sin(x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x.detach(),
        lambda x: x + Value(x.data),
        lambda x: x * without_recording(x),
        lambda x: Value(x.data * x.data),
        lambda x: math.sin(x.data),
    ],
)
def test_what_is_silently_detached_is_caught(f):
    with pytest.raises(GradientError, match="1 derivative is wrong") as error:
        check_gradient(f, 0.8, order=1)
    assert error.value.wrong


# -- check_gradient: what is not a wrong derivative ------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (lambda x: abs(x) * 0.01 + x, 0.0, "kink: 0.99 from the left, 1.01 from the right"),
        (lambda x: abs(x - 1e5), 1e5, "kink: -1 from the left, 1 from the right"),
        (lambda x: autodiff.step(x - 1) * 5 + x, 1.0, "jump: 1 on the left, 1 there, 6 on the"),
        (lambda x: autodiff.sign(x) + 0.01 * x, 0.0, "jump: -1 on the left, 0 there, 1 on"),
        (tanh, 30.0, "unsure: hidden by rounding"),
        (lambda x: x**1.5, 0.0, "unsure: not finite nearby"),
    ],
)
def test_features_of_the_function_are_named(f, x, message):
    with pytest.raises(GradientError, match=message) as error:
        check_gradient(f, x, order=1)
    assert not error.value.wrong


def test_a_kink_does_not_hide_a_wrong_derivative_beside_it():
    wrong = product(PARTIALS["0.1 % too large"])
    with pytest.raises(GradientError, match="1 derivative is wrong") as error:
        check_gradient(lambda x, y: abs(x) + wrong(1.0, y), 0.0, 2.0)
    assert [c.verdict.split(":")[0] for c in error.value.components] == ["kink", "wrong"]
    assert error.value.wrong


def test_an_error_holds_what_was_compared():
    wrong = product(PARTIALS["0.1 % too large"])
    with pytest.raises(GradientError) as caught:
        check_gradient(lambda x, y: wrong(x, y), 1.0, 2.0)
    first, second = caught.value.components
    assert isinstance(caught.value, AssertionError)
    assert (first.name, first.ours, first.verdict) == ("df/dx[0]", 4.0, "")
    assert second.ours == pytest.approx(4.004, rel=1e-12)
    assert second.numerical == pytest.approx(4.0, rel=1e-10)
    assert second.ratio == abs(second.ours - second.numerical) / second.error
    heading, columns, *rows = str(caught.value).splitlines()
    assert heading == "at (1.0, 2.0): 1 derivative is wrong"
    assert columns.split() == [
        "component",
        "ours",
        "numerical",
        "estimated",
        "error",
        "ratio",
        "verdict",
    ]
    assert [row.split()[0] for row in rows] == ["df/dx[1]"]
    assert Component("df/dx[0]", 1.0, 2.0, 0.0, "unsure: hidden").unsure
    assert Component("df/dx[0]", 1.0, 2.0, 0.0, "wrong").ratio == math.inf


def fails(x):
    raise ZeroDivisionError("in the function's own words")


@pytest.mark.parametrize(
    ("f", "args", "options", "error", "message"),
    [
        (lambda x: None, (1.0,), {}, TypeError, "must return one number, not None"),
        (lambda x: np.array([x]), (1.0,), {}, TypeError, "must return one number, not array"),
        (lambda x: x > 0, (1.0,), {}, TypeError, r"must return one number, not True \(bool\)"),
        (sin, (math.inf,), {}, ValueError, r"must be finite, not \(inf,\)"),
        (sin, ({"a": 1.0},), {}, TypeError, "must be a real number, not {'a': 1.0}"),
        (sin, (1.0,), {"order": 1.5}, ValueError, "order must be an integer from 1 up, not 1.5"),
        (fails, (1.0,), {}, ZeroDivisionError, "in the function's own words"),
    ],
)
def test_bad_arguments_are_refused_in_words(f, args, options, error, message):
    with pytest.raises(error, match=message):
        check_gradient(f, *args, **options)


# -- check_gradient: neither false alarms nor mutants that get away --------------------------------

scaled = primitive("testing_scaled", lambda a: a * 1.0, [lambda a, v: 1.001])


def derivative(f, xs):
    inputs = [Value(x) for x in xs]
    f(*inputs).backward()
    return inputs[0].grad


def judge(f, xs):
    """What is said of a right function, and of one whose first partial is 0.1 % too large."""
    verdicts = []
    for g in (f, lambda x, *others: f(scaled(x), *others)):
        try:
            check_gradient(g, *xs)
            verdicts.append("right")
        except GradientError as error:
            verdicts.append("wrong" if error.wrong else "unsure")
    return verdicts


@pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)
def test_rows_of_the_table_are_right_and_their_mutants_wrong(row):
    rng = random.Random(2)
    function = autodiff.functions.PUBLIC[row.name]
    n = len(row.names)
    domain = [(-math.inf, math.inf)] * 2 * n if row.over_lists else row.domain[:n]

    def coordinate(low, high):
        while not low < (x := rng.choice([-1, 1]) * 10 ** rng.uniform(-1, 0.5)) < high:
            pass
        return x

    def f(*xs):
        return function(*(xs[i : i + 2] for i in range(0, 2 * n, 2)) if row.over_lists else xs)

    for _ in range(8):
        xs = [coordinate(low, high) for low, high in domain]
        right, mutant = judge(f, xs)
        assert right == "right", xs
        assert mutant == ("wrong" if derivative(f, xs) else "right"), xs


@settings(QUICK, max_examples=60)
@given(st.data())
def test_expressions_are_right_and_their_mutants_wrong(data):
    at = data.draw(points(2))
    f = data.draw(expressions(2, at=at))
    right, mutant = judge(f, at)
    assert right != "wrong"
    if right == "right" and abs(derivative(f, at)) > 1e-9:
        assert mutant != "right"


# -- strategies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({row.name for row in ops.TABLE} - ops.HELPERS))
def test_smooth_expressions_reach_every_primitive(name):
    at = [0.5, 1.75]
    strategy = expressions(2, [name, "neg"], at=at)
    found = find(strategy, lambda f: f.steps[-1].primitive == name, settings=SEARCH)
    assert math.isfinite(found(*at))
    assert check_gradient(found, *at) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_points_are_of_both_signs(sign):
    assert find(points(2), lambda p: sign * p[0] > 0 and sign * p[1] > 0, settings=QUICK)
    aimed = find(points(2, aim=True), lambda p: math.copysign(1, p[0]) == sign, settings=QUICK)
    assert math.copysign(1, aimed[0]) == sign


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"primitives": []}, "primitives.*at least"),
        ({"max_size": 0}, "max_size.* must be an integer from 1 up, not 0"),
        ({"max_size": 2.0}, "max_size.* must be an integer from 1 up, not 2.0"),
        ({"at": []}, "at has 0 coordinates, but there are 1 inputs"),
        ({"primitives": "sin"}, "no primitive 's'"),
    ],
)
def test_expressions_refuse_bad_arguments_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        expressions(1, **options)


def test_points_have_no_fewer_than_0_coordinates():
    with pytest.raises(ValueError, match="must be an integer from 0 up, not -1"):
        points(-1)
    with pytest.raises(ValueError, match="must be an integer from 1 up, not 0"):
        expressions(0)


def test_a_failure_is_shrunk_to_a_simple_point():
    wrong = product(PARTIALS["0.1 % too large"])
    with pytest.raises(GradientError, match=r"^at \(1\.0, 1\.0\): 1 derivative is wrong"):
        assert_gradients_match(lambda x, y: wrong(x, y))
    with pytest.raises(GradientError, match=r"^at \(\[1\.0, 1\.0\], 1\): 1 derivative is wrong"):
        assert_gradients_match(lambda xs, y: wrong(xs[1], y), points(2), st.integers(1, 9))


def test_points_without_a_derivative_are_passed_over():
    seen = []

    def f(x):
        seen.append(x.data)
        return abs(x) + log(x)

    assert_gradients_match(f, st.sampled_from([0.0, -1.0, 2.0]), max_examples=20)
    assert {0.0, -1.0, 2.0} <= set(seen)


def test_points_that_all_lie_on_a_kink_are_reported():
    with pytest.raises(
        GradientError, match=r"at none of the points(.|\n)*at \(0\.0\).*\n.*\n.*kink"
    ) as e:
        assert_gradients_match(abs, st.just(0.0))
    assert not e.value.wrong
    assert [c.name for c in e.value.components] == ["df/dx[0]"]


def test_how_many_arguments_a_function_takes_is_asked_for():
    with pytest.raises(TypeError, match=r"takes '\*xs'; give a strategy for each argument"):
        assert_gradients_match(lambda *xs: xs[0])
    with pytest.raises(
        TypeError, match=r"takes '\*, k'; give a strategy|takes 'k'; give a strategy"
    ):
        assert_gradients_match(lambda x, *, k: x * k)
    with pytest.raises(TypeError, match="does not tell how many arguments it takes"):
        assert_gradients_match(max)
    wrong = product(PARTIALS["negated"])
    with pytest.raises(GradientError, match="1 derivative is wrong"):
        assert_gradients_match(lambda *xs: wrong(*xs), st.just(1.5), st.just(2.0))
    assert_gradients_match(lambda x, power=2.0: x**power, max_examples=5)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_is_called_one_upwards_and_downwards(sign):
    with pytest.raises(GradientError, match="jump") as caught:
        check_gradient(lambda x: sign * autodiff.step(x) + x, 0.0, order=1)
    assert not caught.value.wrong
