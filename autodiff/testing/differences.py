"""Derivatives by finite differences: slow, inexact, and independent of everything else.

* ``numerical_gradient`` -- of a function that returns a number;
* ``numerical_jacobian`` -- of one that returns an array;
* ``numerical_hessian`` -- second derivatives.

Each returns its result with an estimate of its error.  Steps from about an eighth of the argument
down to some of its last places are tried, and for an argument below 1 those from an eighth down
too; ``ladder.py`` says how the best is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from autodiff.engine.reals import describe, real
from autodiff.testing import ladder
from autodiff.testing.ladder import EPS, Array

_STENCILS = {
    "forward": ladder.FORWARD,
    "central": ladder.CENTRAL,
    "richardson": ladder.CENTRAL._replace(rungs=22),
}
_METHODS = [*_STENCILS, "complex"]


class Estimate(NamedTuple):
    """A numerical derivative and an estimate of the error of each of its components.

    Attributes:
        value: the derivative: a float, or an array.
        error: how far it may be off, in its shape.

    >>> estimate = numerical_gradient(lambda x: x * x, 3.0)
    >>> round(estimate.value, 6), 0 < estimate.error < 1e-6
    (6.0, True)
    """

    value: Any
    error: Any


def numerical_gradient(f: Callable[[Any], Any], x: ArrayLike, method: str = "central") -> Estimate:
    """The gradient of ``f`` at ``x`` by finite differences.

    Args:
        f: takes a float or an array shaped like ``x``, returns a number.
        x: a number or an array of any shape; it is copied, never changed.
        method: ``"forward"`` (error of order h), ``"central"`` (h**2), ``"richardson"`` (central
            differences, extrapolated to h = 0), or ``"complex"`` (the imaginary part of
            ``f(x + ih)/h``, exact to rounding, for an ``f`` that takes complex numbers).  They call
            ``f`` 20, 22, 50 times and once, for each component of ``x``.

    Returns:
        The gradient and its estimated error, shaped like ``x``; floats if ``x`` is a number.

    Raises:
        ValueError: if the method is unknown.
        TypeError: if ``f`` does not return a number, or something in ``x`` is none.

    References:
        C. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Adv. Eng. Software 4 (1982).
        W. Squire, G. Trapp, Using complex variables to estimate derivatives, SIAM Rev. 40 (1998).

    >>> gradient, error = numerical_gradient(lambda x: x[0] * x[1], [2.0, 3.0])
    >>> bool(np.all(abs(gradient - [3.0, 2.0]) <= error))
    True
    """
    return _differentiate(f, x, method, "numerical_gradient")


def numerical_jacobian(f: Callable[[Any], Any], x: ArrayLike, method: str = "central") -> Estimate:
    """The derivative of every component of ``f(x)`` with respect to every component of ``x``.

    Args:
        f: takes a float or an array shaped like ``x``, returns a number or an array.
        x: a number or an array of any shape; it is copied, never changed.
        method: as for ``numerical_gradient``.

    Returns:
        The Jacobian and its estimated error, of shape ``f(x).shape + x.shape``.

    Raises:
        ValueError: if the method is unknown.
        TypeError: if ``f`` returns anything but numbers, or arrays of several shapes, or something
            in ``x`` is no number.

    >>> numerical_jacobian(lambda x: np.array([x * x, 3 * x]), 2.0).value.round(6)
    array([4., 3.])
    """
    return _differentiate(f, x, method, "numerical_jacobian")


def numerical_hessian(f: Callable[[Any], Any], x: ArrayLike) -> Estimate:
    """The second derivatives of ``f`` at ``x`` by second central differences.

    ``f`` is called 22 times for a component of the diagonal, and 38 times for any other.

    Args:
        f: takes a float or an array shaped like ``x``, returns a number.
        x: a number or an array of any shape; it is copied, never changed.

    Returns:
        The Hessian and its estimated error, of shape ``x.shape + x.shape``.

    Raises:
        TypeError: if ``f`` does not return a number, or something in ``x`` is none.

    >>> round(numerical_hessian(lambda x: x**3, 2.0).value, 4)
    12.0
    """
    point = _point(x, "numerical_hessian")
    numbers = _checked(f, "numerical_hessian")
    value, error = np.empty((2, point.size, point.size))
    for i in range(point.size):
        value[i, i], error[i, i] = ladder.derivative(numbers, point, [i], ladder.SECOND)
        for j in range(i):
            cell = ladder.derivative(numbers, point, [i, j], ladder.MIXED)
            value[i, j], error[i, j] = value[j, i], error[j, i] = cell
    return _shaped(value, error, point.shape + point.shape)


def _differentiate(f: Callable[[Any], Any], x: ArrayLike, method: str, caller: str) -> Estimate:
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {describe(method)}")
    return differentiate(_checked(f, caller), _point(x, caller), method)


def _point(x: ArrayLike, caller: str) -> Array:
    """A copy of ``x`` as an array of numbers; to NumPy, None would be one: nan."""
    came = np.array(x, object)
    numbers = [real(number, f"{caller}(f, x): x") for number in came.ravel().tolist()]
    return np.array(numbers, np.float64).reshape(came.shape)


def differentiate(
    f: Callable[[Array], Array], point: Array, method: str, size: Any = 0.0
) -> Estimate:
    """The Jacobian of a function of arrays; ``size`` is as for ``ladder.derivative``."""
    columns = [
        _complex_step(f, point, i)
        if method == "complex"
        else ladder.derivative(f, point, [i], _STENCILS[method], method == "richardson", size)
        for i in range(point.size)
    ]
    if not columns:
        return Estimate(np.zeros(point.shape), np.zeros(point.shape))
    value, error = (np.stack(part, axis=-1) for part in zip(*columns, strict=True))
    return _shaped(value, error, columns[0][0].shape + point.shape)


def _shaped(value: Array, error: Array, shape: tuple[int, ...]) -> Estimate:
    value, error = value.reshape(shape), error.reshape(shape)
    return Estimate(value, error) if shape else Estimate(float(value), float(error))


def _checked(f: Callable[[Any], Any], caller: str) -> Callable[[Any], Any]:
    """``f`` as a function of arrays; every call gets an array of its own.

    What it returns must be real numbers, or, for a complex argument, complex ones.  A bool is not a
    number: that of a comparison is constant but for jumps, and hardly what was meant.
    """
    scalar = caller != "numerical_jacobian"
    shapes: list[tuple[int, ...]] = []

    def numbers(point: Any) -> Any:
        result = f(point.copy() if point.ndim else point.item())
        try:
            array = np.asarray(result)
        except ValueError:  # of a ragged list
            array = np.asarray(None)
        kinds = "iufc" if np.iscomplexobj(point) else "iuf"
        if array.dtype.kind not in kinds or (scalar and array.shape):
            wanted = "a number" if scalar else "a number or an array of numbers"
            raise TypeError(f"{caller}(f, x): f must return {wanted}, not {describe(result)}")
        shapes.append(array.shape)
        if array.shape != shapes[0]:
            raise TypeError(
                f"{caller}(f, x): f must return arrays of one shape, not of {shapes[0]} and "
                f"then of {array.shape}"
            )
        return array if array.dtype.kind == "c" else array.astype(np.float64)

    return numbers


def _complex_step(f: Callable[[Any], Any], point: Array, i: int) -> tuple[Array, Array]:
    t = abs(float(point.flat[i]))
    h = max(min(1e-100, 1e-20 * t or 1e-100), ladder.TINY)
    moved = point.astype(np.complex128)
    moved.flat[i] += 1j * h
    value = np.imag(f(moved)) / h
    truncation = (h / t) ** 2 if t else 0.0
    return value, (4 * EPS + truncation) * abs(value)
