"""``interp``: the broken line through given points, as ``numpy.interp``."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.engine.reals import describe, real
from autodiff.engine.traces import active
from autodiff.functions import greater, less, less_equal, sum, take, where
from autodiff.value import Value


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """The broken line through the points ``(xp[i], fp[i])``, at ``x``.

    The derivative by ``x`` is the slope: at a point, that of the line to its right, at the last one
    that to its left, as JAX's; beyond the points, 0.  A program of ``jit`` looks for the two points
    at every call, so that it serves every ``x``.

    Args:
        x: a number, or an array or nested list of numbers.
        xp: where the points are, increasing; a list or an array.
        fp: their heights, as many.
        left: what it is below ``xp[0]``; ``fp[0]`` by default.
        right: what it is above ``xp[-1]``; ``fp[-1]`` by default.

    Returns:
        A number, list or array, as ``x`` is.

    Raises:
        ValueError: if there is no point, or ``xp`` does not increase, or ``fp`` differs in length.
        TypeError: for what is neither a real number nor a Value.

    >>> interp(2.5, [1.0, 2.0, 3.0], [3.0, 2.0, 0.0])
    1.0
    >>> interp([0.0, 4.0], [1.0, 2.0, 3.0], [3.0, 2.0, 0.0], right=-1.0)
    [3.0, -1.0]
    """
    knots, heights = _numbers("xp", xp), _numbers("fp", fp)
    if not knots or len(knots) != len(heights):
        raise ValueError(
            "interp(x, xp, fp): xp and fp must have one length, at least 1, not "
            f"{len(knots)} and {len(heights)}"
        )
    for i, (a, b) in enumerate(pairwise(knots)):
        if not a < b:
            raise ValueError(
                f"interp(x, xp, fp): xp must increase, but xp[{i + 1}] is not above xp[{i}]"
            )
    ends = [
        heights[i] if end is None else _number(name, end)
        for name, end, i in (("left", left, 0), ("right", right, -1))
    ]
    on_numbers = not any(type(y) is Value for y in (*knots, *heights, *ends))
    if on_numbers and isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
        return np.interp(x, knots, heights, *ends)

    def at(x: Any) -> Any:
        if isinstance(x, (list, tuple)):
            return [at(y) for y in x]
        return _interpolated(_number("x", x), knots, heights, *ends)

    return np.frompyfunc(at, 1, 1)(x) if isinstance(x, np.ndarray) else at(x)


def _interpolated(x: Any, knots: list[Any], heights: list[Any], left: Any, right: Any) -> Any:
    """``interp`` at one number."""
    below, above = less(x, knots[0]), greater(x, knots[-1])
    y = heights[0]
    if len(knots) > 1:
        x = where(below + above, knots[0], x)  # what is not finite spreads to no derivative
        i, nearest = _place(x, knots)
        x0, x1, y0, y1 = (take(xs, k) for xs in (knots, heights) for k in (i, i + 1))
        y = (y1 - y0) / (x1 - x0) * (x - take(knots, nearest)) + take(heights, nearest)
    return where(below, left, where(above, right, y))


def _place(x: Any, knots: list[Any]) -> tuple[Any, Any]:
    """The last knot but one that is not above ``x``, and the last of all: integers, or Values.

    The line is reckoned from the latter, so that it goes through every point to the bit.
    """
    inner, last = knots[1:-1], knots[-1]
    if active() is None or not any(type(k) is Value for k in (x, *knots)):
        i = bisect_right(knots, x, 1, len(knots) - 1) - 1
        return i, i + int(x >= knots[-1])
    i = sum([less_equal(k, x) for k in inner]) if inner else 0
    return i, i + less_equal(last, x)


def _numbers(name: str, xs: Any) -> list[Any]:
    came = xs.tolist() if isinstance(xs, np.ndarray) else xs
    if not isinstance(came, (list, tuple)):
        raise TypeError(f"interp(x, xp, fp): {name} must be a list or an array, not {describe(xs)}")
    return [_number(f"{name}[{i}]", x) for i, x in enumerate(came)]


def _number(name: str, x: Any) -> Any:
    return x if type(x) is Value else real(x, f"interp(x, xp, fp): {name}")
