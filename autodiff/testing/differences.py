"""Derivatives by finite differences: slow, inexact, and independent of everything else.

* ``numerical_gradient`` -- of a function that returns a number;
* ``numerical_jacobian`` -- of one that returns an array;
* ``numerical_hessian`` -- second derivatives.

Each returns its result with an estimate of its error, from two sources: truncation, seen by halving
or doubling the step, and rounding, which is one unit in the last place of the largest function
value, divided by the step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autodiff.reals import describe

EPS = float(np.finfo(np.float64).eps)

Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """A numerical derivative and an estimate of the error of each of its components."""

    value: Any
    error: Any


def numerical_gradient(f: Callable[[Any], Any], x: ArrayLike, method: str = "central") -> Estimate:
    """The gradient of ``f`` at ``x`` by finite differences.

    Args:
        f: takes a float or an array shaped like ``x``, returns a number.
        x: a number or an array of any shape; it is copied, never changed.
        method: ``"forward"`` (error of order h), ``"central"`` (h**2), ``"richardson"`` (Ridders'
            extrapolation of central differences to h = 0), or ``"complex"`` (the imaginary part
            of ``f(x + ih)/h``, exact to rounding, for an ``f`` that takes complex numbers).

    Returns:
        The gradient and its estimated error, shaped like ``x``; floats if ``x`` is a number.

    Raises:
        ValueError: if the method is unknown.
        TypeError: if ``f`` does not return a number.

    References:
        C. Ridders, Accurate computation of F'(x) and F'(x)F''(x), Adv. Eng. Software 4 (1982).
        W. Squire, G. Trapp, Using complex variables to estimate derivatives, SIAM Rev. 40 (1998).

    >>> gradient, error = numerical_gradient(lambda x: x[0] * x[1], [2.0, 3.0])
    >>> bool(np.all(abs(gradient - [3.0, 2.0]) <= error))
    True
    """

    def scalar(point: Any) -> Array:
        result = np.asarray(f(point))
        if result.shape or result.dtype.kind not in "biufc":
            raise TypeError(
                f"numerical_gradient(f, x): f must return a number, not {describe(f(point))}"
            )
        return result

    return numerical_jacobian(scalar, x, method)


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

    >>> numerical_jacobian(lambda x: np.array([x * x, 3 * x]), 2.0).value.round(6)
    array([4., 3.])
    """
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {describe(method)}")
    point = np.array(x, np.float64)
    columns = [
        _METHODS[method](_along(f, point, i), float(point.flat[i])) for i in range(point.size)
    ]
    shape = (columns[0][0].shape if columns else ()) + point.shape
    value, error = (
        np.stack([c[k] for c in columns], axis=-1).reshape(shape) if columns else np.zeros(shape)
        for k in (0, 1)
    )
    return Estimate(value, error) if shape else Estimate(float(value), float(error))


def numerical_hessian(f: Callable[[Any], Any], x: ArrayLike) -> Estimate:
    """The second derivatives of ``f`` at ``x`` by central differences of central differences.

    Args:
        f: takes a float or an array shaped like ``x``, returns a number.
        x: a number or an array of any shape; it is copied, never changed.

    Returns:
        The Hessian and its estimated error, of shape ``x.shape + x.shape``.

    >>> round(numerical_hessian(lambda x: x**3, 2.0).value, 4)
    12.0
    """
    point = np.array(x, np.float64)
    n = point.size
    value, error = np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            cell = _second_difference(f, point, i, j)
            value[i, j], error[i, j] = value[j, i], error[j, i] = cell
    shape = point.shape + point.shape
    if not shape:
        return Estimate(float(value[0, 0]), float(error[0, 0]))
    return Estimate(value.reshape(shape), error.reshape(shape))


def _along(f: Callable[[Any], Any], point: Array, i: int) -> Callable[[Any], Any]:
    """``f`` as a function of component ``i`` alone; every call gets an array of its own."""

    def line(t: Any) -> Any:
        moved = point.astype(type(t)) if isinstance(t, complex) else point.copy()
        moved.flat[i] = t
        return np.asarray(f(moved if moved.ndim else moved[()].item()))

    return line


def _scales(t: float) -> list[float]:
    """How far a function may be expected to vary: in steps of 1, or of its argument's size."""
    return [abs(t)] if abs(t) >= 1 else [abs(t), 1.0] if t else [1.0]


def _rounding(values: list[Any], h: float) -> Any:
    """What rounding of function values may do to a difference quotient with step ``h``."""
    return EPS * np.max(np.abs(values), axis=0) / h


def _best(candidates: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Elementwise the estimate with the smallest error; one that is nan is the worst."""
    value, error = candidates[0]
    for other, its_error in candidates[1:]:
        better = np.isnan(error) | (its_error < error)
        value, error = np.where(better, other, value), np.where(better, its_error, error)
    return value, error


def _at_best_scale(t: float, attempt: Callable[[float], list[tuple[Any, Any]]]) -> tuple[Any, Any]:
    """The best estimate over the scales, without those whose steps leave the domain and raise."""
    found: tuple[Any, Any] | None = None
    refusal: Exception | None = None
    for scale in _scales(t):
        try:
            with np.errstate(all="ignore"):
                value, error = _best(attempt(scale))
                if found is not None:  # wider steps must bear narrower ones out: no pole between
                    apart = abs(value - found[0]) > 2 * (error + found[1])
                    value, error = _best([found, (value, np.where(apart, np.inf, error))])
                found = value, error
        except (ValueError, ArithmeticError) as raised:
            refusal = raised
    if found is None:
        assert refusal is not None
        raise refusal
    return found


def _forward(f: Callable[[Any], Any], t: float) -> tuple[Any, Any]:
    def attempt(scale: float) -> list[tuple[Any, Any]]:
        h = (t + EPS**0.5 * scale) - t
        f0, f1, f2 = f(t), f(t + h), f(t + 2 * h)
        once, twice = (f1 - f0) / h, (f2 - f0) / (2 * h)
        # the error of ``once`` is of order h, hence as large as its distance from ``twice``
        return [(once, 2 * abs(once - twice) + 2 * _rounding([f0, f1], h))]

    return _at_best_scale(t, attempt)


def _central(f: Callable[[Any], Any], t: float) -> tuple[Any, Any]:
    def attempt(scale: float) -> list[tuple[Any, Any]]:
        h = (t + EPS ** (1 / 3) * scale) - t
        ends = [f(t - h), f(t + h), f(t - 2 * h), f(t + 2 * h)]
        once, twice = (ends[1] - ends[0]) / (2 * h), (ends[3] - ends[2]) / (4 * h)
        # the error of ``once`` is of order h**2, hence a third of its distance from ``twice``
        return [(once, abs(once - twice) + _rounding(ends, h))]

    return _at_best_scale(t, attempt)


def _richardson(f: Callable[[Any], Any], t: float) -> tuple[Any, Any]:
    def attempt(scale: float) -> list[tuple[Any, Any]]:
        candidates: list[tuple[Any, Any]] = []
        above: list[Any] = []
        for k in range(16):
            h = (t + 0.1 * scale / 2**k) - t
            low, high = f(t - h), f(t + h)
            noise = _rounding([low, high], h)
            row = [(high - low) / (2 * h)]
            for j in range(1, k + 1):  # each column removes the next even power of h
                row.append(row[j - 1] + (row[j - 1] - above[j - 1]) / (4**j - 1))
                gap = np.maximum(abs(row[j] - row[j - 1]), abs(row[j] - above[j - 1]))
                candidates.append((row[j], gap + 2 * noise))
            last, above = (above or row)[0], row
        # Wide steps may straddle a pole and agree with one another: the finest must bear them out.
        finest, doubt = row[0], 2 * abs(row[0] - last) + 2 * noise
        return [(v, np.where(abs(v - finest) <= doubt, e, np.inf)) for v, e in candidates]

    return _at_best_scale(t, attempt)


def _complex(f: Callable[[Any], Any], t: float) -> tuple[Any, Any]:
    h = 1e-100
    value = np.imag(f(complex(t, h))) / h
    return value, 4 * EPS * abs(value)


_METHODS: dict[str, Callable[[Callable[[Any], Any], float], tuple[Any, Any]]] = {
    "forward": _forward,
    "central": _central,
    "richardson": _richardson,
    "complex": _complex,
}


def _second_difference(
    f: Callable[[Any], Any], point: Array, i: int, j: int
) -> tuple[float, float]:
    """One component of the Hessian: four corners, with steps h and 2h."""
    steps = [max(1.0, abs(float(point.flat[k]))) * EPS**0.25 for k in (i, j)]

    def at(a: float, b: float) -> float:
        moved = point.copy()
        moved.flat[i] += a * steps[0]
        moved.flat[j] += b * steps[1]
        return float(f(moved if moved.ndim else float(moved)))

    def difference(s: float) -> tuple[float, float]:
        corners = [at(s, s), at(s, -s), at(-s, s), at(-s, -s)]
        area = 4 * s * s * steps[0] * steps[1]
        value = (corners[0] - corners[1] - corners[2] + corners[3]) / area
        return value, 4 * EPS * max(map(abs, corners)) / area

    once, noise = difference(1.0)
    twice, _ = difference(2.0)
    return once, abs(once - twice) + 2 * noise
