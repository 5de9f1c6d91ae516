"""``check_gradient`` and the strategies: right functions pass, mutants are caught, by message."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import autodiff
from autodiff import Value, dot, exp, log, logsumexp, maximum, primitive, relu, sin, sqrt, tanh
from autodiff.testing import (
    Expression,
    GradientError,
    assert_gradients_match,
    check_gradient,
    expressions,
    points,
)
from autodiff.testing.strategies import Step

pytestmark = pytest.mark.once  # of numbers on which the engines agree


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (sin, (1.0,)),
        (lambda x, y: sin(x) * exp(y) / (x + y), (1.0, 2.0)),
        (lambda xs: logsumexp(xs) * dot(xs, xs), (np.array([1.0, 2.0, 0.3]),)),
        (lambda m: sum(m.ravel() ** 2) * m[0, 1], (np.array([[1.0, 2.0], [3.0, 4.0]]),)),
        (lambda pairs, z: pairs[0][0] * pairs[1][0] + z, ([(1.0, 2.0), (3.0, 4.0)], 5.0)),
        (log, (1e-8,)),
        (exp, (20.0,)),
        (lambda x: x * 1e200, (1e-150,)),
        (lambda x: x**3, (0.0,)),
        (lambda x: Value(3.0), (2.0,)),
        (lambda x: 3.0, (2.0,)),
        (lambda x: relu(x) * x, (1.0,)),
    ],
)
def test_right_derivatives_pass_silently(f, args):
    assert check_gradient(f, *args, order=3) is None


counter = iter(range(10**6))


def mutant(partial):
    """A cube with that partial derivative."""
    return primitive(f"mutant{next(counter)}", lambda a: a * a * a, [partial])


FIRST_ORDER = {
    "scaled by 1.001": lambda a, v: 1.001 * (3 * a * a),
    "negated": lambda a, v: -(3 * a * a),
    "zero": lambda a, v: 0.0,
    "shifted by one": lambda a, v: 3 * a * a + 1,
    "of another power": lambda a, v: 3 * a,
}


@pytest.mark.parametrize("name", FIRST_ORDER)
def test_a_wrong_partial_is_caught(name):
    with pytest.raises(GradientError, match=r"1 derivative is wrong(.|\n)*df/dx\[0\].*wrong") as e:
        check_gradient(mutant(FIRST_ORDER[name]), 2.0)
    assert e.value.wrong
    (component,) = e.value.components
    assert component.numerical == pytest.approx(12.0, abs=1e-9)
    assert component.ratio > 1e3


def test_a_rule_that_is_wrong_at_second_order_only_is_caught():
    def partial(a, v):
        return 3 * a.data * a.data if isinstance(a, Value) else 3 * a * a  # detached

    check_gradient(mutant(partial), 2.0, order=1)
    with pytest.raises(GradientError, match=r"d2f/dx\[0\]dx\[0\] +0 +12 .*wrong"):
        check_gradient(mutant(partial), 2.0, order=2)


def test_one_wrong_component_among_right_ones_is_named():
    wrong = mutant(FIRST_ORDER["scaled by 1.001"])
    with pytest.raises(GradientError, match="1 derivative is wrong") as error:
        check_gradient(lambda x, y, z: sin(x) + wrong(y) + z * z, 1.0, 2.0, 3.0)
    assert [c.name for c in error.value.components if c.verdict] == ["df/dx[1]"]


def test_a_detached_part_is_caught():
    with pytest.raises(GradientError, match="wrong"):
        check_gradient(lambda x: x.detach() * x, 3.0)


@pytest.mark.parametrize(
    ("f", "x", "message"),
    [
        (abs, 0.0, "kink: -1 from the left, 1 from the right"),
        (relu, 0.0, "kink: 0 from the left, 1 from the right"),
        (lambda x: maximum(x, 1.0) * x, 1.0, "kink: 1 from the left, 2 from the right"),
        (autodiff.step, 0.0, "jump: 0 on the left, 0 there, 1 on the right"),
        (lambda x: relu(x) * x, 0.0, r"d2f/dx\[0\]dx\[0\].*kink: 0 from the left, 2 from"),
        (lambda x: 1e20 + x, 1.0, "unsure: hidden by rounding"),
        (sqrt, 0.0, "unsure: not finite nearby"),
    ],
)
def test_what_is_not_a_wrong_derivative_is_told_apart(f, x, message):
    with pytest.raises(GradientError, match=message) as error:
        check_gradient(f, x)
    assert not error.value.wrong


def test_a_function_that_is_not_finite_cannot_be_checked():
    with pytest.raises(GradientError, match=r"at \(-1\.0\): the function is nan"):
        check_gradient(log, -1.0)


def test_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="must return one number"):
        check_gradient(lambda x: [x], 1.0)
    with pytest.raises(TypeError, match=r"must be a real number, not 'a' \(str\)"):
        check_gradient(sin, "a")
    with pytest.raises(ValueError, match="arguments must be finite"):
        check_gradient(sin, float("nan"))
    with pytest.raises(ValueError, match="order must be an integer from 1 up, not 0"):
        check_gradient(sin, 1.0, order=0)


# -- many inputs: higher orders are checked along lines first --------------------------------------

MANY = [(-1) ** i * (0.5 + 0.1 * i) for i in range(12)]


def dense(xs):
    """Its Hessian has no zeros."""
    return logsumexp(xs) * dot(xs, xs)


def identity(slope_of_slope):
    """``a`` with the right slope 1, whose own derivative is not 0 but what is given."""
    slope = primitive(
        f"slope{next(counter)}", lambda a: a * 0.0 + 1.0, [lambda a, v: slope_of_slope]
    )
    return primitive(f"mutant{next(counter)}", lambda a: a * 1.0, [lambda a, v: slope(a)])


def test_a_higher_order_takes_few_calls_however_many_inputs_there_are():
    calls = []

    def f(xs):
        calls.append(xs)
        return dense(xs)

    taken = []
    for order in (1, 2, 3):
        calls.clear()
        check_gradient(f, MANY * 3, order=order)
        taken.append(len(calls))
    assert taken[1] - taken[0] < 5 * 36
    assert taken[2] - taken[1] < 5 * 36


@pytest.mark.parametrize("order", [2, 3])
def test_one_wrong_second_derivative_among_many_is_named(order):
    wrong = identity(1e-3)
    with pytest.raises(GradientError, match=r"1 derivative is wrong(.|\n)*d2f/dx\[7\]dx\[7\]") as e:
        check_gradient(lambda xs: dense(xs) + wrong(xs[7]), MANY, order=order)
    assert [c.name for c in e.value.components if c.verdict] == ["d2f/dx[7]dx[7]"]
    assert len(e.value.components) == 144


def test_wrong_mixed_derivatives_among_many_are_named():
    wrong = identity(1e-3)
    with pytest.raises(GradientError, match="4 derivatives are wrong") as error:
        check_gradient(lambda xs: dense(xs) + wrong(xs[2] - xs[5]), MANY)
    names = [c.name for c in error.value.components if c.verdict]
    assert names == [f"d2f/dx[{i}]dx[{j}]" for i in (2, 5) for j in (2, 5)]


def test_a_wrong_third_derivative_among_many_is_named():
    linear = primitive(f"mutant{next(counter)}", lambda a: 6 * a, [lambda a, v: 6.006])
    square = primitive(f"mutant{next(counter)}", lambda a: 3 * a * a, [lambda a, v: linear(a)])
    cube = primitive(f"mutant{next(counter)}", lambda a: a * a * a, [lambda a, v: square(a)])
    check_gradient(lambda xs: dense(xs) + cube(xs[1]), MANY[:4])
    with pytest.raises(GradientError, match="1 derivative is wrong") as error:
        check_gradient(lambda xs: dense(xs) + cube(xs[1]), MANY[:4], order=3)
    assert [c.name for c in error.value.components if c.verdict] == ["d3f/dx[1]dx[1]dx[1]"]


@pytest.mark.parametrize("tiny", [1e-9, 1e-300])
def test_a_wrong_derivative_by_a_tiny_input_is_not_hidden_by_those_by_larger_ones(tiny):
    wrong = identity(1e-3)
    check_gradient(dense, [tiny, *MANY])
    with pytest.raises(GradientError, match=r"d2f/dx\[0\]dx\[0\].*wrong") as error:
        check_gradient(lambda xs: dense(xs) + wrong(xs[0]), [tiny, *MANY])
    assert [c.name for c in error.value.components if c.verdict] == ["d2f/dx[0]dx[0]"]


def test_a_small_kink_is_not_hidden_by_large_slopes():
    def f(xs):
        return 1e5 * xs[3] * xs[7] + abs(xs[7] - MANY[7]) * (xs[7] - MANY[7])

    with pytest.raises(GradientError, match="kink: -2 from the left, 2 from the right") as error:
        check_gradient(f, MANY)
    assert [c.name for c in error.value.components if c.verdict] == ["d2f/dx[7]dx[7]"]


@pytest.mark.parametrize("refusal", [ValueError, ZeroDivisionError])
def test_where_lines_leave_the_domain_components_are_checked(refusal):
    wrong = identity(1e-3)

    def f(x, y, z, last=sin):
        if x <= 0:
            raise refusal("beyond the domain")
        return log(x) * y * y + last(z)

    check_gradient(f, 1e-7, 2.0, 3.0)
    with pytest.raises(GradientError, match="1 derivative is wrong") as error:
        check_gradient(lambda x, y, z: f(x, y, z, wrong), 1e-7, 2.0, 3.0)
    assert [c.name for c in error.value.components if c.verdict] == ["d2f/dx[2]dx[2]"]


def test_second_derivatives_of_which_only_some_can_be_told_pass():
    check_gradient(lambda x, y, z: (1e20 + x * x) * 1e-20 + y * y * z, 1.0, 2.0, 3.0)


# -- both sweeps -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", [float, Value])
@pytest.mark.parametrize("error", [0.001, float("nan")])
def test_a_partial_that_is_wrong_of_numbers_or_of_values_only_is_caught(sort, error):
    def partial(a, v):
        return 3 * a * a * (1 + error if isinstance(a, sort) else 1.0)

    with pytest.raises(GradientError, match="1 derivative is wrong") as caught:
        check_gradient(mutant(partial), 2.0, order=1)
    (component,) = caught.value.components
    assert component.ours == pytest.approx(12 + 12 * error, nan_ok=True)


# -- strategies ------------------------------------------------------------------------------------


@given(st.data())
def test_expressions_at_a_point_are_smooth_there(data):
    point = data.draw(points(2))
    expression = data.draw(expressions(2, at=point, max_size=6))
    with contextlib.suppress(GradientError):  # of an expression that rounding hides
        check_gradient(expression, *point)
        return
    with pytest.raises(GradientError, match="unsure"):
        check_gradient(expression, *point)


@given(st.data())
def test_an_expression_prints_as_python_that_does_the_same(data):
    point = data.draw(points(3))
    expression = data.draw(expressions(3))
    scope = dict(autodiff.functions.PUBLIC)
    exec(repr(expression), scope)
    assert repr(scope["f"](*map(Value, point))) == repr(expression(*map(Value, point)))


def test_an_expression_wants_all_its_inputs():
    expression = Expression(2, (Step("add", (0, 1)),))
    assert expression(1.0, 2.0) == 3.0
    for inputs in ((1.0,), (1.0, 2.0, 3.0)):
        with pytest.raises(TypeError, match=f"takes 2 inputs, not {len(inputs)}"):
            expression(*inputs)


def test_expressions_shrink_to_small_ones():
    expression = find(expressions(2), lambda e: "logsumexp" in repr(e))
    assert repr(expression) == "def f(x0, x1):\n    return logsumexp([x1])"
    shared = find(expressions(1), lambda e: repr(e).count("t0") > 2)
    assert len(shared.steps) == 2


@given(expressions(2, primitives=["sin", "mul"], max_size=4))
def test_primitives_can_be_restricted(expression):
    assert isinstance(expression, Expression)
    assert {step.primitive for step in expression.steps} <= {"sin", "mul"}
    assert 1 <= len(expression.steps) <= 4


def test_points_can_aim_at_ties_and_zeros():
    assert find(points(2, aim=True), lambda p: p[0] == p[1] != 0)
    assert 0.0 in find(points(2, aim=True), lambda p: 0.0 in p)
    assert min(map(abs, find(points(3), lambda p: True))) >= 0.1


def test_strategies_refuse_bad_arguments():
    with pytest.raises(ValueError, match="no primitive 'sine'"):
        expressions(1, primitives=["sine"])
    with pytest.raises(ValueError, match="at has 1 coordinates, but there are 2 inputs"):
        expressions(2, at=[1.0])


def test_one_line_tests_a_users_function():
    assert_gradients_match(lambda x, y: tanh(x * y) + sin(x), max_examples=10)
    assert_gradients_match(lambda x: abs(x), st.sampled_from([0.0, 1.0]), max_examples=10)
    wrong = mutant(FIRST_ORDER["of another power"])
    with pytest.raises(GradientError, match=r"at \(2\.0\): 1 derivative is wrong"):
        assert_gradients_match(lambda x: wrong(x))


def test_hypothesis_is_imported_only_by_the_strategies():
    program = (
        "import sys, autodiff.testing as t; t.check_gradient(abs, 1.0); "
        "print('hypothesis' in sys.modules); t.points(1); print('hypothesis' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
