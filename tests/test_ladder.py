"""Finite differences where it is hard: poles, huge and tiny points, cancellation, noise.

``test_differences.py`` has the everyday cases.
"""

import math
import random
import re
from functools import partial

import mpmath
import numpy as np
import pytest
from mpmath import mp

from autodiff import Value
from autodiff.testing import numerical_gradient, numerical_hessian, numerical_jacobian
from autodiff.testing.ladder import steps

pytestmark = pytest.mark.once  # of numbers on which the engines agree

METHODS = ["forward", "central", "richardson", "complex"]
ALLOWANCE = 4  # estimated errors that ``check_gradient`` allows a right derivative to be off

FUNCTIONS = {  # of NumPy or mpmath, with the points where they are tried beside the tame ones
    "exp(-x)": (lambda m, x: m.exp(-x), [1e-8]),
    "log(x)": (lambda m, x: m.log(x), [1e-100, 1e-8, 1e-3, 1e8, 1e150]),
    "sqrt(x)": (lambda m, x: m.sqrt(x), [1e-8, 1e8, 1e150]),
    "sin(x)": (lambda m, x: m.sin(x), [1e-8]),
    "cos(x)/x": (lambda m, x: m.cos(x) / x, [1e-6, 1e-12]),
    "tan(x)": (lambda m, x: m.tan(x), [1.5, 1.57, 1.5707]),
    "tanh(x)": (lambda m, x: m.tanh(x), [1e8, 1e150]),
    "1/x": (lambda m, x: 1 / x, [1e-3, -1e-6, 1e-8, 1e-12, -1e-80, 1e8]),
    "1/(1 - x)": (lambda m, x: 1 / (1 - x), [0.9, 0.999, 1.001]),
    "x*x*x": (lambda m, x: x * x * x, [1e-8]),
    "(x - 1)**2": (lambda m, x: (x - 1) * (x - 1), [1e8, 1e150]),
    "x": (lambda m, x: x * 1, [1e-8, 1e8, 1e150]),
    "log(1 + x*x)": (lambda m, x: m.log(1 + x * x), []),
}
ODD = {  # not so tame at the tame points
    "log(1 + x*x) + x/1e5": lambda m, x: m.log(1 + x * x) + x * 1e-5,
    "(x + 1e8) - 1e8": lambda m, x: (x + 1e8) - 1e8,
    "1 - cos(x)": lambda m, x: 1 - m.cos(x),
    "sqrt(x*x + 1e-8)": lambda m, x: m.sqrt(x * x + 1e-8),
    "tanh(1e7*x)": lambda m, x: m.tanh(x * 1e7),
    "|x|": lambda m, x: abs(x),
}
TAME = [(name, x) for name in FUNCTIONS for x in (1.5, 0.3, 2.25)]
FAR = [(name, x) for name, (_, xs) in FUNCTIONS.items() for x in xs]
HARD = [  # where steps of one scale see nothing of a function that varies on another
    *[("sin(x)", 1e8), ("tan(x)", 1e8)],
    *[("1/(1 - x)", 1 - 1e-6), ("1/(1 - x)", 1 + 1e-6), ("tan(x)", math.pi / 2 - 1e-6)],
    *[("log(1 + x*x)", 1e-3), ("log(1 + x*x)", 1e-8)],
    *[("log(1 + x*x) + x/1e5", 1e-3), ("(x + 1e8) - 1e8", 1.5), ("1 - cos(x)", 1e-6)],
    *[("sqrt(x*x + 1e-8)", 1e-6), ("tanh(1e7*x)", 0.0)],
]


def function(name, module=np):
    return partial(ODD[name] if name in ODD else FUNCTIONS[name][0], module)


def slope(name, x):
    with mp.workdps(400):
        return float(mpmath.diff(function(name, mpmath), mp.mpf(x), h=mp.mpf("1e-190")))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "x"), [*TAME, *FAR, *HARD])
def test_errors_are_not_far_above_their_estimates(method, name, x):
    wanted = slope(name, x)
    value, error = numerical_gradient(function(name), x, method)
    assert not abs(value - wanted) > ALLOWANCE * error + 1e-15 * abs(wanted)


@pytest.mark.parametrize("method", METHODS[:3])
@pytest.mark.parametrize(("name", "x"), TAME)
def test_estimates_are_not_far_above_errors(method, name, x):
    scale = 1 + abs(slope(name, x))
    _, error = numerical_gradient(function(name), x, method)
    assert error <= {"forward": 1e-5, "central": 1e-7, "richardson": 1e-9}[method] * scale


def random_cases():
    """Points of all sizes, at functions that vary on all scales."""
    rng = random.Random(1)
    for name in [*ODD, *FUNCTIONS]:
        for _ in range(12):
            x = 10 ** rng.choice([rng.uniform(-9, 4), rng.uniform(-1, 1)])
            if name not in ("log(x)", "sqrt(x)"):
                x *= rng.choice([-1, 1])
            yield name, x


@pytest.mark.parametrize("method", METHODS[:3])
def test_nearly_all_errors_are_covered(method):
    cases = list(random_cases())
    missed = []
    with np.errstate(all="ignore"):
        for name, x in cases:
            wanted = slope(name, x)
            value, error = numerical_gradient(function(name), np.float64(x), method)
            if abs(value - wanted) > ALLOWANCE * error + 1e-15 * abs(wanted):
                missed.append((name, x, value, error, wanted))
    assert len(missed) <= 0.02 * len(cases), missed


def test_a_step_of_rounding_is_told_from_a_corner():
    near_a_corner = numerical_gradient(lambda x: max(x, 0.0), -0.01)
    assert near_a_corner.value == 0.0
    assert near_a_corner.error < 1e-6
    staircase = numerical_gradient(lambda x: math.log(1 + x * x), 1e-8)
    assert abs(staircase.value - 2e-8) <= staircase.error < 1e-9
    # with the same value at all narrow steps there is no knowing which of the two it is
    for f, x, wanted in (
        (lambda x: max(x, 0.0), -1e-6, 0.0),
        (lambda x: max(x, 0.0), -1e-4, 0.0),
        (lambda x: (x + 1e8) - 1e8, 1.0, 1.0),
    ):
        value, error = numerical_gradient(f, x)
        assert abs(value - wanted) <= error <= 1.0


@pytest.mark.parametrize(
    ("differentiate", "calls"),
    [
        *[
            (partial(numerical_gradient, method=m), n)
            for m, n in zip(METHODS, [20, 22, 50, 1], strict=True)
        ],
        (numerical_hessian, 22),
    ],
    ids=[*METHODS, "hessian"],
)
def test_how_often_a_function_is_called(differentiate, calls):
    seen = []

    def f(x):
        seen.append(x)
        return x * x

    for x in (0.0, 1e-100, 1e-5, 1.0, 1e8):
        seen.clear()
        differentiate(f, x)
        assert len(seen) == calls


@pytest.mark.parametrize("x", [1e-30, 1e-150])
def test_a_complex_step_is_small_beside_its_point(x):
    value, error = numerical_gradient(lambda t: 1 / t, x, "complex")
    assert abs(value + 1 / x / x) <= ALLOWANCE * error + 1e-15 / x / x


@pytest.mark.parametrize(
    ("f", "x", "wanted"),
    [
        (lambda x: x * x * x, 1e8, 6e8),
        (lambda x: math.exp(-x * x), 1e-8, -2.0),
        (lambda x: 1 / x, 0.5, 16.0),
        (lambda x: 1 / x, 1e-5, 2e15),
        (math.log, 1e-8, -1e16),
    ],
)
def test_errors_of_second_differences_are_not_above_their_estimates(f, x, wanted):
    value, error = numerical_hessian(f, x)
    assert not abs(value - wanted) > ALLOWANCE * error


@pytest.mark.parametrize("method", METHODS)
def test_jacobians_by_every_method(method):
    def f(x):
        return np.array([[np.sin(x[0]) * x[1], x[1] * x[1]]])

    value, error = numerical_jacobian(f, [1.0, 2.0], method)
    wanted = np.array([[[2 * math.cos(1.0), math.sin(1.0)], [0.0, 4.0]]])
    assert value.shape == error.shape == (1, 2, 2)
    assert np.all(abs(value - wanted) <= ALLOWANCE * error + 1e-15)


def test_of_nothing_there_is_no_derivative():
    value, error = numerical_gradient(lambda x: 1.0, [])
    assert value.shape == error.shape == (0,)


@pytest.mark.parametrize("differentiate", [numerical_gradient, numerical_jacobian])
@pytest.mark.parametrize("method", METHODS)
def test_x_is_untouched_and_exceptions_come_through(differentiate, method):
    x = np.array([[1.0, 2.0]])

    def vandal(p):
        p *= 0.0
        raise LookupError("of its own")

    with pytest.raises(LookupError, match="of its own"):
        differentiate(vandal, x, method)
    assert x.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("differentiate", "result"),
    [
        (numerical_gradient, None),
        (numerical_gradient, [1.0]),
        (numerical_gradient, True),
        (numerical_gradient, 1j),
        (numerical_jacobian, "text"),
        (numerical_jacobian, [[1.0], [1.0, 2.0]]),
        (numerical_jacobian, np.array([True])),
        (numerical_jacobian, Value(1.0)),
        (numerical_hessian, "text"),
        (numerical_hessian, np.array([1.0, 2.0])),
    ],
)
def test_what_is_not_a_number_is_refused_in_words(differentiate, result):
    shown = re.escape(repr(result)[:15])
    with pytest.raises(TypeError, match=rf"{differentiate.__name__}.*must return a.*not {shown}"):
        differentiate(lambda x: result, [1.0, 2.0])


def test_steps_are_as_wide_on_either_side_of_zero():
    for t in (1e-8, 3.0, 1e8):
        assert steps(-t, 8) == pytest.approx(steps(t, 8))


def test_a_function_of_one_point_only_says_why():
    def f(x):
        if x != 1.0:
            raise ValueError("only at 1")
        return x

    with pytest.raises(ValueError, match="only at 1"):
        numerical_gradient(f, 1.0)


def test_results_of_several_shapes_are_refused():
    with pytest.raises(TypeError, match=r"one shape, not of \(1,\) and then of \(2,\)"):
        numerical_jacobian(lambda x: np.ones(1 + (x > 1)), 1.0)
