"""Finite differences: their values, and whether their error estimates can be believed."""

import math
from fractions import Fraction

import numpy as np
import pytest

from autodiff import Value
from autodiff.testing import numerical_gradient, numerical_hessian, numerical_jacobian

pytestmark = pytest.mark.once  # of numbers on which the engines agree

FUNCTIONS = [
    (math.sin, math.cos, [1.0, -2.5, 1e-8, 1e4]),
    (math.exp, math.exp, [0.0, 20.0, -30.0]),
    (math.log, lambda x: 1 / x, [1e-8, 1.0, 1e8, 1e150]),
    (math.cos, lambda x: -math.sin(x), [1e-8, 3.0]),
    (lambda x: x * x, lambda x: 2 * x, [1e150, -1e-100, 0.0]),
    (math.tan, lambda x: 1 + math.tan(x) ** 2, [1.57, 0.3]),
    (math.sqrt, lambda x: 0.5 / math.sqrt(x), [1e-6, 4.0]),
    (lambda x: 3.0, lambda x: 0.0, [0.0, 2.0]),
]
CASES = [(f, slope, x) for f, slope, xs in FUNCTIONS for x in xs]


@pytest.mark.parametrize("method", ["forward", "central", "richardson"])
@pytest.mark.parametrize(("f", "slope", "x"), CASES)
def test_the_error_is_not_above_its_estimate(method, f, slope, x):
    value, error = numerical_gradient(f, x, method)
    assert abs(value - slope(x)) <= error
    assert type(value) is float


@pytest.mark.parametrize(
    ("method", "digits"), [("forward", 6), ("central", 9), ("richardson", 12), ("complex", 15)]
)
def test_better_methods_give_more_digits(method, digits):
    value, error = numerical_gradient(np.sin, 1.0, method)
    assert abs(value - math.cos(1.0)) < 10.0**-digits
    assert error < 10.0 ** -(digits - 1)


def test_complex_steps_need_a_function_of_complex_numbers():
    value, _ = numerical_gradient(lambda x: np.exp(x[0]) * x[1], [1.0, 2.0], "complex")
    assert value == pytest.approx([2 * math.e, math.e], rel=1e-15)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
def test_a_gradient_has_the_shape_of_x(shape):
    x = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
    value, error = numerical_gradient(lambda p: np.sum(p * p * p), x)
    assert np.shape(value) == np.shape(error) == shape
    np.testing.assert_allclose(value, 3 * x * x, rtol=1e-8)


def test_a_jacobian_has_the_shape_of_the_result_and_of_x():
    value, error = numerical_jacobian(lambda p: np.outer(p, p), [1.0, 2.0])
    assert value.shape == error.shape == (2, 2, 2)
    np.testing.assert_allclose(value[0], [[2.0, 0.0], [2.0, 1.0]], atol=1e-8)


def test_a_hessian_and_its_error():
    value, error = numerical_hessian(lambda p: p[0] ** 2 * p[1] + math.sin(p[1]), [1.0, 2.0])
    expected = np.array([[4.0, 2.0], [2.0, -math.sin(2.0)]])
    assert np.all(abs(value - expected) <= error)
    assert np.all(error < 1e-5)
    assert numerical_hessian(math.exp, 0.0).value == pytest.approx(1.0, abs=1e-6)


def test_x_is_left_untouched_even_by_a_function_that_changes_it_and_raises():
    x = np.array([1.0, 2.0])

    def vandal(p):
        p[:] = 7.0
        raise RuntimeError("of its own")

    with pytest.raises(RuntimeError, match="of its own"):
        numerical_gradient(vandal, x)
    assert x.tolist() == [1.0, 2.0]

    def scribbler(p):
        result = p[0] * p[1]
        p[:] = 0.0
        return result

    np.testing.assert_allclose(numerical_gradient(scribbler, x).value, [2.0, 1.0], rtol=1e-9)
    assert x.tolist() == [1.0, 2.0]


def test_steps_that_leave_the_domain_do_without():
    def logarithm(x):
        if x <= 0:
            raise ValueError("not of such a number")
        return math.log(x)

    value, error = numerical_gradient(logarithm, 1e-12)
    assert abs(value - 1e12) <= error
    with pytest.raises(ValueError, match="not of such a number"):
        numerical_gradient(logarithm, -1.0)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"one of forward, central, .*, not 'backward'"):
        numerical_gradient(math.sin, 1.0, "backward")
    with pytest.raises(TypeError, match="must return a number, not array"):
        numerical_gradient(lambda x: np.array([x, x]), 1.0)
    with pytest.raises(TypeError, match=r"must return a number, not 'text' \(str\)"):
        numerical_gradient(lambda x: "text", 1.0)


@pytest.mark.parametrize("numerical", [numerical_gradient, numerical_jacobian, numerical_hessian])
@pytest.mark.parametrize("x", [None, "1", 1j, Value(1.0), [1.0, None], [1.0, [2.0, 3.0]]], ids=repr)
def test_a_point_that_is_no_numbers_is_refused(numerical, x):
    calls = []
    with pytest.raises(TypeError, match=rf"{numerical.__name__}\(f, x\): x must be a real number"):
        numerical(calls.append, x)
    assert not calls


def test_a_point_may_be_of_any_real_numbers():
    numbers = [Fraction(1, 2), 2, np.float32(0.5), True]
    gradient, _ = numerical_gradient(lambda x: np.dot(x, x), numbers)
    np.testing.assert_allclose(gradient, [1.0, 4.0, 1.0, 2.0], rtol=1e-9)
