"""``check_gradient``: are the derivatives of a function right at a point?

The derivatives that the engine gives are compared, order by order, with differences of the order
below: first derivatives with differences of the function's values, second derivatives with
differences of the first, and so on.  A disagreement is looked into before it is reported: a corner
or a jump of the function is not a wrong derivative.

First derivatives are compared one by one, as there are no more of them than inputs.  Of a higher
order there are many times more, but the gradient of a derivative along a line has sums of them all:
hence they are first compared along a few lines in random directions, and one by one only if there
is anything to be said against these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, reduce
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.engine.reals import constant, describe, real
from autodiff.functions import dot
from autodiff.testing.differences import differentiate
from autodiff.testing.ladder import EPS, Array, magnitude, neighbour, scatter
from autodiff.value import Value

_ALLOWANCE = 4.0  # estimated errors that ours and the numerical derivative may be apart
_DIGITS = 1e-12  # relative errors that no difference is believed to show
_ROUNDING = 16 * EPS  # rounding of what is summed from a few terms, relative to their size
_SLIGHT = 1e-3  # relative jumps and corners that may as well be rounding within the function
_SURE = 1e-4  # an estimated error, relative to the derivative, that does not ask for a better one


@dataclass(frozen=True)
class Component:
    """One derivative that was compared: ours, the numerical one, what their difference means.

    Attributes:
        name: which it is: ``"df/dx[0]"``.
        ours: the engine's.
        numerical: the one by finite differences.
        error: how far that may be off.
        verdict: see there.

    >>> component = Component("df/dx[0]", 2.0, 3.0, 0.25, "wrong")
    >>> component.ratio, component.unsure
    (4.0, False)
    """

    name: str
    ours: float
    numerical: float
    error: float
    verdict: str  #: "", "wrong", "kink: ...", "jump: ..." or "unsure: ..."

    @property
    def unsure(self) -> bool:
        """Whether the numerical derivative is too inexact to tell."""
        return self.verdict.startswith("unsure")

    @property
    def ratio(self) -> float:
        """How many estimated errors the two are apart."""
        return abs(self.ours - self.numerical) / self.error if self.error else float("inf")


class GradientError(AssertionError):
    """Derivatives that disagree with finite differences.

    Args:
        message: the table of those that disagree.
        components: all that were compared; kept as an attribute.

    >>> try:
    ...     check_gradient(abs, 0.0, order=1)
    ... except GradientError as error:
    ...     print(error.wrong, [c.verdict for c in error.components])
    False ['kink: -1 from the left, 1 from the right']
    """

    def __init__(self, message: str, components: list[Component]) -> None:
        super().__init__(message)
        self.components = components

    @property
    def wrong(self) -> bool:
        """Whether a derivative is wrong, rather than the point one at which there is none."""
        return any(c.verdict == "wrong" for c in self.components)


def check_gradient(f: Callable[..., Any], *args: Any, order: int = 2) -> None:
    """Pass silently if every derivative of ``f`` at ``args`` agrees with finite differences.

    Args:
        f: a function written in Values' operators and functions; returns one Value.
        args: numbers, arrays of numbers, or nested lists of them; ``f`` gets Values in their place.
        order: the highest order of derivatives that is checked.

    Of more than two inputs, the second derivatives and those of higher order are checked along
    random lines, the same at every call; one by one if anything is wrong or unclear there.

    Raises:
        GradientError: an AssertionError with a table of the components that disagree: ours, the
            numerical derivative, its estimated error, how many such errors they are apart, and
            whether the derivative is wrong or the function has a kink or jump there.  Also if no
            component could be checked, because rounding hides every difference.
        TypeError: if ``f`` does not return a single number, or an argument is no number.
        ValueError: if an argument is not finite, or ``order`` is not positive.

    >>> from autodiff import sin
    >>> check_gradient(lambda x, y: sin(x) * y, 1.0, 2.0)
    >>> check_gradient(abs, 0.0, order=1)
    Traceback (most recent call last):
    autodiff.testing.checks.GradientError: at (0.0): the function has no derivative here
      component  ours  numerical  estimated error  ratio  verdict
      df/dx[0]      0          0          2.2e-16      0  kink: -1 from the left, 1 from the right
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be an integer from 1 up, not {describe(order)}")
    point, rebuild = _flatten(args)
    if not np.isfinite(point).all():
        raise ValueError(f"check_gradient(f, *args): the arguments must be finite, not {args!r}")

    def flat(*xs: Value) -> Any:
        return f(*rebuild(xs))

    value = abs(float(_derivatives(flat, point, 0)))
    if not np.isfinite(value):
        raise GradientError(f"at {_shown(args)}: the function is {float(value)}", [])
    for k in range(1, order + 1):
        # Up to two inputs there are no more components than lines.
        if k > 1 and len(point) > 2 and _agree_along_lines(flat, point, k, value):
            continue
        components = list(_compare_components(flat, point, k, value))
        failed = [c for c in components if c.verdict and not c.unsure]
        if failed:
            raise GradientError(_report(args, failed), components)
        if components and all(c.unsure for c in components):
            raise GradientError(_report(args, components), components)


def _flatten(args: tuple[Any, ...]) -> tuple[Array, Callable[[Any], list[Any]]]:
    """All numbers of the arguments in one array; and how to put others in their places."""
    numbers: list[float] = []

    def take(x: Any) -> Callable[[Iterator[Any]], Any]:
        if isinstance(x, np.ndarray):
            numbers.extend(x.astype(np.float64).ravel().tolist())
            shape, size = x.shape, x.size

            def array(them: Iterator[Any]) -> Any:
                cells = np.empty(size, object)
                cells[:] = [next(them) for _ in range(size)]
                return cells.reshape(shape)

            return array
        if isinstance(x, (list, tuple)):
            parts, kind = [take(element) for element in x], type(x)
            return lambda them: kind([part(them) for part in parts])
        numbers.append(real(x, "an argument of check_gradient()"))
        return next

    places = [take(x) for x in args]

    def rebuild(them: Any) -> list[Any]:
        iterator = iter(them)
        return [place(iterator) for place in places]

    return np.array(numbers, np.float64), rebuild


def _derivatives(
    f: Callable[..., Any], point: Array, order: int, *lines: Array, recorded: bool = False
) -> Array:
    """All derivatives of one order, by the engine, as an array with an axis of len(point) each.

    They are those of ``f``, or, with ``lines``, of its derivative along these directions, one after
    another.  The last sweep is that of numbers, or, if ``recorded``, the one whose results are
    Values, as all that come before it are.
    """
    xs = [Value(float(x)) for x in point]
    result = f(*xs)
    if isinstance(result, bool) or (
        not isinstance(result, Value) and constant(result) is NotImplemented
    ):
        raise TypeError(f"check_gradient(f): f must return one number, not {describe(result)}")

    def gradient(v: Value, create_graph: bool) -> list[Value]:
        for x in xs:
            x.grad = 0.0
        v.backward(create_graph=create_graph)
        return [x.grad if isinstance(x.grad, Value) else Value(x.grad) for x in xs]

    level = [result if isinstance(result, Value) else Value(result)]
    for line in lines:
        level = [dot(gradient(level[0], create_graph=True), line.tolist())]
    for below in range(order, 0, -1):
        level = [g for v in level for g in gradient(v, create_graph=recorded or below > 1)]
    for x in xs:
        x.grad = 0.0
    return np.array([v.data for v in level]).reshape((len(xs),) * order)


def _by_both_sweeps(f: Callable[..., Any], point: Array, order: int, *lines: Array) -> Array:
    """``_derivatives`` by the sweep of numbers and by the one in recorded arithmetic."""
    return np.stack([_derivatives(f, point, order, *lines, recorded=r) for r in (False, True)])


def _size_of_terms(value: float, point: Array, order: int, *lines: Array) -> Array:
    """How large the terms are that ``_derivatives`` are sums of, if those of ``f`` are its size.

    Of ``x/x`` the derivative is 0, but it is computed as ``1/x - x/x**2``; so it is rounded as a
    number of the size of ``1/x``.  Near 0 this says little, as functions do not vary on its scale.
    """
    slope = 1 / np.maximum(abs(point), 2.0**-10)
    value *= math.prod(float(abs(line) @ slope) for line in lines)
    return np.asarray(value * reduce(np.multiply.outer, [slope] * order, np.ones(())))


def _around(point: Array) -> list[Array]:
    """Floats around the point."""
    places = 2 * np.arange(len(point)) + 1
    return [point * (1 + m * places % 11 * 2 * EPS) for m in range(1, 9)]


def _compare_components(
    f: Callable[..., Any], point: Array, order: int, value: float
) -> Iterator[Component]:
    """Every derivative of one order."""
    return _compare(
        lambda p: _derivatives(f, p, order - 1),
        point,
        _by_both_sweeps(f, point, order),
        lambda: [_by_both_sweeps(f, p, order) for p in _around(point)],
        _size_of_terms(value, point, order - 1),
        _size_of_terms(value, point, order),
    )


def _agree_along_lines(f: Callable[..., Any], point: Array, order: int, value: float) -> bool:
    """Whether there is nothing to be said against the derivatives of one order along some lines."""
    try:
        return not any(
            component.verdict
            for lines in _random_lines(point, order - 1)
            for component in _compare_along_lines(f, point, value, *lines)
        )
    except (ValueError, ArithmeticError):  # beyond the domain of f
        return False


def _compare_along_lines(
    f: Callable[..., Any], point: Array, value: float, *lines: Array
) -> Iterator[Component]:
    """The gradient of the derivative of ``f`` along all lines, an input at a time.

    Ours is the sweep of that derivative; the numerical one is the derivative along the last line of
    the gradient of that along the others.  As derivatives are symmetric the two are the same.  One
    that is wrong sets them apart, unless far larger ones of the same row hide it by their rounding.
    """

    def ours(p: Array) -> Array:
        return _by_both_sweeps(f, p, 1, *lines)[..., np.newaxis]

    *others, last = lines
    return _compare(
        lambda t: _derivatives(f, point + t * last, 1, *others),
        np.zeros(1),
        ours(point),
        lambda: [ours(p) for p in _around(point)],
        _size_of_terms(value, point, 1, *others),
        _size_of_terms(value, point, 1, *lines)[:, np.newaxis],
        slight=0.0,
    )


def _random_lines(point: Array, count: int) -> Iterator[list[Array]]:
    """So many directions for a line, always the same, on the scale of the point and on that of 1.

    From the point, steps of powers of 2 along them lead from float to float.
    """
    random = np.random.default_rng(count)
    of_point = np.array([magnitude(x) for x in point.tolist()])
    for scale in (of_point, np.maximum(of_point, 1.0)):
        powers = np.ldexp(1.0, np.frexp(scale)[1] - 8)
        yield [powers * random.integers(64, 128, len(point)) for _ in range(count)]


def _compare(
    below: Callable[[Array], Array],
    point: Array,
    ours: Array,
    nearby: Callable[[], list[Array]],
    size: Array,
    terms: Array,
    slight: float = _SLIGHT,
) -> Iterator[Component]:
    """Every derivative of ``below``, with its verdict.

    Args:
        below: the function that is differentiated numerically.
        point: where.
        ours: the derivatives, by both sweeps.
        nearby: gives ours at floats around the point.
        size: how large the terms are that ``below`` is the sum of.
        terms: how large those are that ours are sums of.
        slight: relative jumps and corners that are passed over.
    """
    numerical, error = differentiate(below, point, "central", size)
    better = cache(lambda: differentiate(below, point, "richardson", size))
    nearby = cache(nearby)
    moved = cache(lambda i, t: below(np.where(np.arange(len(point)) == i, t, point)))
    for index in np.ndindex(ours.shape[1:]):
        both = [float(x) for x in ours[(slice(None), *index)]]
        value, doubt = float(numerical[index]), float(error[index])
        unlike = any(not abs(mine - value) <= _ALLOWANCE * doubt for mine in both)
        if (unlike or doubt > _SURE * abs(value)) and not better().error[index] > doubt:
            value, doubt = float(better().value[index]), float(better().error[index])
        verdict, mine = max(  # the worse: "" < "unsure: ..." < "wrong"
            (_verdict(mine, value, doubt, float(terms[index]), nearby, (sweep, *index)), mine)
            for sweep, mine in enumerate(both)
        )
        t, terms_below = float(point[index[-1]]), float(size[index[:-1]])
        feature = _feature(_line(moved, index), t, terms_below, slight)
        name = "d" if len(index) == 1 else f"d{len(index)}"
        name += "f/" + "".join(f"dx[{k}]" for k in index)
        yield Component(name, mine, value, doubt, feature or verdict)


def _line(moved: Callable[[int, float], Array], index: tuple[int, ...]) -> Callable[[float], float]:
    """One component of what is differentiated as a function of the coordinate it is moved along."""
    return lambda t: float(moved(index[-1], t)[index[:-1]])


def _verdict(
    ours: float,
    numerical: float,
    error: float,
    terms: float,
    nearby: Callable[[], list[Array]],
    index: tuple[int, ...],
) -> str:
    """What the difference of ours and the numerical derivative means, where there is one.

    Ours is rounded, too: by as much as it is scattered among the floats around the point, and by
    some last places of the terms that it is the sum of.
    """
    if not np.isfinite(numerical + error):
        return "unsure: not finite nearby"
    apart = abs(ours - numerical) - _ALLOWANCE * error - _DIGITS * abs(numerical)
    telling = error <= max(abs(ours), abs(numerical))
    if apart <= 0 and (telling or ours == 0):
        return ""
    around = [float(a[index]) for a in nearby() if np.isfinite(a[index])] or [ours]
    if not apart <= 4 * (max(around) - min(around)) + _ROUNDING * terms:
        return "wrong"
    zero = abs(ours) <= 4 * max(abs(x - ours) for x in around)  # but for rounding
    return "" if telling or zero else "unsure: hidden by rounding"


def _feature(f: Callable[[float], float], t: float, terms: float, slight: float) -> str:
    """Whether ``f`` jumps or has a corner at ``t``: its values and slopes, from far to near.

    Of a smooth function, what it does on one side and on the other comes together as the step
    shrinks; at a jump the values stay apart, and at a corner the slopes.  Of one that varies on a
    small scale only the nearest tell; they are looked at if the farther ones are suspicious.
    Those that are smaller than ``slight``, relative to all, are none.
    """
    at = f(t)
    steps = [magnitude(t) * 2.0**-k for k in (20, 26, 32, 38, 44)]
    ends = [(f(t - h), f(t + h)) for h in steps[:2]]
    rounding = _ROUNDING * max(terms, abs(at), *map(abs, ends[0]))
    if not _describe_feature(at, ends, steps, rounding, slight):
        return ""
    ends += [(f(t - h), f(t + h)) for h in steps[2:]]
    unit = neighbour(t)
    sides = [np.array([f(t + side * k * unit) for k in range(1, 6)]) for side in (-1, 1)]
    rounding = max(rounding, *(4 * float(scatter(s)) for s in sides))
    return _describe_feature(at, ends, steps, rounding, slight)


def _describe_feature(
    at: float,
    ends: list[tuple[float, float]],
    steps: list[float],
    rounding: float,
    slight: float,
) -> str:
    """What values left and right of a point have, at every step: a jump, a corner, or neither."""
    least = max(slight * max(map(abs, (at, *ends[0]))), rounding)
    for side in zip(*ends, strict=True):
        apart = [abs(end - at) for end in side]
        if all(near > max(least, 0.5 * far) for far, near in pairwise(apart)):
            left, right = ends[-1]
            return f"jump: {left:.4g} on the left, {at:.4g} there, {right:.4g} on the right"
    slopes = [
        ((at - left) / h, (right - at) / h)
        for (left, right), h in zip(ends, steps[: len(ends)], strict=True)
    ]
    left, right = slopes[0]
    gaps = [abs(after - before) for before, after in slopes]
    least = slight * max(abs(left), abs(right))
    seen = [gap > max(least, 4 * rounding / h) for gap, h in zip(gaps, steps, strict=False)]
    corner = seen[0] and all(
        near > 0.5 * far
        for (far, near), clearly in zip(pairwise(gaps), seen, strict=False)
        if clearly
    )
    return f"kink: {left:.4g} from the left, {right:.4g} from the right" if corner else ""


def _shown(args: tuple[Any, ...]) -> str:
    return "(" + ", ".join(map(repr, args)) + ")"


def _report(args: tuple[Any, ...], components: list[Component]) -> str:
    """The table of the components that failed."""
    wrong = sum(c.verdict == "wrong" for c in components)
    if wrong:
        summary = f"{wrong} derivative{'s are' if wrong > 1 else ' is'} wrong"
    elif all(c.unsure for c in components):
        summary = "finite differences cannot tell here"
    else:
        summary = "the function has no derivative here"
    rows = [("component", "ours", "numerical", "estimated error", "ratio", "verdict")] + [
        (
            c.name,
            f"{c.ours:.10g}",
            f"{c.numerical:.10g}",
            f"{c.error:.2g}",
            f"{c.ratio:.2g}",
            c.verdict,
        )
        for c in components
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [
        "  "
        + row[0].ljust(widths[0])
        + "".join("  " + row[i].rjust(widths[i]) for i in range(1, 5))
        + "  "
        + row[5]
        for row in rows
    ]
    return "\n".join([f"at {_shown(args)}: {summary}", *lines])
