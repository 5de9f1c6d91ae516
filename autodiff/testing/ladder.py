"""The best of many difference quotients: a ladder of steps, and how far each can be believed.

The error of a difference quotient has two parts: truncation, which shrinks with the step, and the
rounding of the function's values, which is divided by the step.  Neither is known beforehand: a
function may vary on the scale of 1, of its argument, or of the distance to a pole; and it may round
more than its last place, where large terms within it cancel.  Both are therefore measured:

* the noise, by third differences of values at neighbouring floats, where a smooth function has
  next to none (after J. More, S. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33,
  2011);
* the truncation, by comparing the quotients of wider and narrower steps.

Of all quotients the one with the smallest estimated error is taken.  Wide steps can agree with one
another by chance, or with a pole or a corner between them; hence narrower ones must bear them out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).tiny)

Array = NDArray[np.float64]

_PROBES = 5  # neighbours at which the noise is measured
_HIDDEN = 2.0**8  # EPS of its size that a function may change by at once where it seems constant
_OUTLIER = 16.0  # how many times the measured noise may be exceeded before it is not noise
_CAUTION = 8.0  # how many times the truncation that the order of a stencil promises is allowed for


class Stencil(NamedTuple):
    """A difference quotient: weighted values around a point, divided by a power of the step."""

    weights: dict[tuple[int, ...], float]  #: of the values at so many steps along each axis
    power: int  #: of each axis's step that the sum is divided by
    order: int  #: the power of the step that the truncation is proportional to
    rungs: int  #: how many steps are tried


FORWARD = Stencil({(0,): -1.0, (1,): 1.0}, power=1, order=1, rungs=14)
CENTRAL = Stencil({(-1,): -0.5, (1,): 0.5}, power=1, order=2, rungs=8)
SECOND = Stencil({(-1,): 1.0, (0,): -2.0, (1,): 1.0}, power=2, order=2, rungs=8)
MIXED = Stencil(
    {(1, 1): 0.25, (1, -1): -0.25, (-1, 1): -0.25, (-1, -1): 0.25}, power=1, order=2, rungs=8
)


def derivative(
    f: Callable[[Array], Array],
    point: Array,
    axes: Sequence[int],
    stencil: Stencil,
    extrapolate: bool = False,
    size: Any = 0.0,
) -> tuple[Array, Array]:
    """The quotient with the smallest estimated error, elementwise, and that error.

    Args:
        f: takes an array like ``point``, returns an array.
        point: where the derivative is taken.
        axes: flat indices of ``point``, one for each axis of the stencil.
        stencil: the difference quotient.
        extrapolate: whether to extrapolate the quotients to a step of 0.
        size: how large the terms within ``f`` are, where they are larger than its values.

    Raises:
        ValueError, ArithmeticError: if ``f`` raises it at ``point``, or with every step.
    """
    centre = f(point)
    refusals: list[Exception] = []

    def value(moves: Sequence[float]) -> Array:
        moved = point.copy()
        for axis, move in zip(axes, moves, strict=True):
            moved.flat[axis] += move
        try:
            return f(moved) if any(moves) else centre
        except (ValueError, ArithmeticError) as refusal:  # beyond the domain of f
            refusals.append(refusal)
            return np.full_like(centre, np.nan)

    ladders = np.stack([steps(float(point.flat[i]), stencil.rungs) for i in axes])
    with np.errstate(all="ignore"):
        values = np.array(
            [[value(np.multiply(k, h).tolist()) for k in stencil.weights] for h in ladders.T]
        )
        if refusals and np.isnan(values).any(axis=1).all():
            raise refusals[0]
        weights = np.array([*stencil.weights.values()])
        step = np.prod(ladders, axis=0).reshape((-1,) + (1,) * centre.ndim) ** stencil.power
        quotients = np.tensordot(values, weights, (1, 0)) / step
        quotients[~np.isfinite(quotients)] = np.nan

        unit = np.array([neighbour(float(point.flat[i])) for i in axes])
        probes = np.array([value((k * unit).tolist()) for k in range(1, _PROBES + 1)])
        changes = np.max(abs(values - centre), axis=1)
        sizes = np.fmax(np.max(abs(values), axis=1), abs(centre))
        largest = np.max(np.where(np.isfinite(sizes), sizes, 0.0), axis=0)
        limit = _HIDDEN * EPS * np.maximum(largest, size)
        flat = np.all(probes == centre, axis=0)
        noise = 3 * np.where(flat, _hidden(changes, limit), scatter(probes))
        rounding = np.fmax(noise, EPS * sizes) * np.sum(abs(weights)) / step

        ratio = np.min(ladders[:, :1] / ladders[:, 1:2]) ** stencil.order
        errors = rounding + _truncation(quotients, ratio) + EPS * abs(quotients)
        penalty = _contested(quotients, errors, step, limit, flat)
        errors = np.maximum(errors, penalty)
        candidates = quotients, errors, np.arange(len(quotients))
        if extrapolate:
            doubt = np.maximum(2 * rounding, penalty)
            candidates = _extrapolated(quotients, doubt, ladders[0] ** stencil.order)
        return _best(*candidates, quotients, errors, rounding, step, limit)


def steps(t: float, rungs: int) -> Array:
    """Steps around ``t``, from wide to narrow, that lead from float to float.

    >>> np.log2(steps(1.0, 8)).tolist()
    [-3.0, -9.0, -15.0, -21.0, -27.0, -33.0, -39.0, -45.0]
    """
    wide, narrow = max(1.0, abs(t)), magnitude(t)
    if narrow > wide * 2.0**-30:
        ladder = np.geomspace(wide * 2.0**-3, narrow * 2.0**-45, rungs)
    else:  # too far apart for one ladder
        ladder = np.concatenate(
            [
                scale * np.geomspace(2.0**-3, 2.0**-30, n)
                for scale, n in ((wide, rungs - rungs // 2), (narrow, rungs // 2))
            ]
        )
    return np.asarray((t + ladder) - t, np.float64)


def magnitude(t: float) -> float:
    """The size of ``t``; 1 for 0, and for a subnormal number, beside which no steps have room."""
    return abs(t) if abs(t) >= TINY else 1.0


def neighbour(t: float) -> float:
    """A step from ``t`` to a float close by."""
    return magnitude(t) * 2.0**-50


def scatter(values: Array) -> Array:
    """How far rounding scatters values at equal distances, along the first axis.

    The third differences of independent errors are sqrt(1 + 9 + 9 + 1) times as large.
    """
    return np.asarray(np.max(abs(np.diff(values, 3, axis=0)), axis=0) / 20**0.5)


def _hidden(changes: Array, limit: Array) -> Array:
    """The noise of a function that is the same at all neighbouring floats.

    It may be rounded to steps that are wider than these.  Then the change by the narrowest step
    that makes any may be one of them, unless it is too large; and without a change, terms of size 1
    may hide everything, as in ``1 + 1e-20*x``.
    """
    first = np.full_like(changes[0], EPS)
    for change in changes:
        first = np.where(change > 0, change, first)
    return np.asarray(np.minimum(first, np.maximum(limit, _HIDDEN * EPS)))


def _plausible(missed: Array, limit: Array) -> Array:
    """Whether that much of a change may be rounding: neither too much nor far too little."""
    return np.asarray((missed <= limit) & (missed >= EPS * limit))


def _contested(quotients: Array, errors: Array, step: Array, limit: Array, flat: Array) -> Array:
    """The least errors of the quotients, as narrow ones may see nothing but steps of rounding.

    Where terms within a function are rounded, it is a staircase, on which narrow quotients agree
    with one another as they do on a slope.  If a wider one, sure of itself, contradicts them, and
    what they miss is as little as rounding may be, they are wrong.  If it is more, it is the wider
    one that missed a corner or a pole; but where the function seems constant, nobody knows.
    """
    least = np.zeros_like(errors)
    for k in range(len(quotients) - 1):
        apart = abs(quotients[k] - quotients[k + 1 :])
        contradicts = apart > _OUTLIER * (errors[k] + errors[k + 1 :])
        apart = np.where(contradicts, apart, 0.0)
        missed = np.max(apart * step[k + 1 :], axis=0)
        rounded = _plausible(missed, limit)
        least[k + 1 :] = np.fmax(least[k + 1 :], np.where(rounded, apart, 0.0))
        least = np.fmax(least, np.where(flat & (missed > limit), np.max(apart, axis=0), 0.0))
    return least


def _truncation(quotients: Array, ratio: Any) -> Array:
    """How far each quotient is from the next narrower, and more than it can be from the wider."""
    apart = abs(np.diff(quotients, axis=0))
    inward = np.concatenate([apart, apart[-1:]])
    outward = np.concatenate([apart[:1], apart * min(1.0, _CAUTION / float(ratio))])
    return np.asarray(np.fmax(inward, outward))


def _extrapolated(quotients: Array, doubt: Array, powers: Array) -> tuple[Array, Array, Any]:
    """Neville's table of the quotients as polynomials in the step's power, at 0 (Ridders 1982)."""
    values, errors, rows = [], [], []
    above: list[Array] = []
    for k, quotient in enumerate(quotients):
        row = [quotient]
        for j in range(1, min(k, 8) + 1):
            shift = (row[j - 1] - above[j - 1]) / (powers[k - j] / powers[k] - 1)
            row.append(row[j - 1] + shift)
            gap = np.maximum(abs(row[j] - row[j - 1]), abs(row[j] - above[j - 1]))
            values.append(row[j])
            errors.append(gap + doubt[k] + EPS * abs(row[j]))
            rows.append(k)
        above = row
    return np.array(values), np.array(errors), np.array(rows)


def _best(
    values: Array,
    errors: Array,
    rows: Any,
    quotients: Array,
    doubts: Array,
    rounding: Array,
    step: Array,
    limit: Array,
) -> tuple[Array, Array]:
    """The value with the smallest error, after the narrower quotients were heard about each.

    Where one of them contradicts, either it is noisier than was thought, and then so is the value,
    in proportion to the steps; or the value is wrong by as much as the two are apart.
    """
    errors = np.where(np.isnan(errors), np.inf, errors)
    for j in range(len(quotients)):
        apart = abs(values - quotients[j])
        noisy = (apart <= _OUTLIER * rounding[j]) | _plausible(apart * step[j], limit)
        blame = np.where(noisy, apart * step[j] / step[rows], apart)
        contradicted = apart > 2 * (errors + doubts[j])
        contradicted &= (rows < j).reshape((-1,) + (1,) * (values.ndim - 1))
        errors = np.where(contradicted, np.fmax(errors, blame), errors)
    chosen = np.argmin(errors, axis=0)[np.newaxis]
    return (
        np.take_along_axis(values, chosen, axis=0)[0],
        np.take_along_axis(errors, chosen, axis=0)[0],
    )
