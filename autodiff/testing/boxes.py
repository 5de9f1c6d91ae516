"""``bounds``: what a function's value and gradient can be on a box, with a guarantee.

The function is run once, inside the box.  What it computed is computed again in interval
arithmetic, forwards and backwards: every operation gives all that it can give for what it may be
given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from autodiff.engine.reals import describe
from autodiff.ops import ROWS
from autodiff.testing.arithmetic import Swept, backward, forward
from autodiff.testing.enclosures import NAMES, ON_INTERVALS
from autodiff.testing.intervals import Interval
from autodiff.testing.recorded import Comparison, Recorded, record
from autodiff.transforms.pytrees import (
    as_floats,
    difference,
    flat,
    tree_flatten,
    tree_unflatten,
)


class Bounds(NamedTuple):
    """What ``bounds`` has found.

    Attributes:
        value: the least and the largest value, a pair.
        gradient: the least and the largest derivatives, a pair of what has the argument's
            structure; for several arguments, a tuple of such pairs.
        undefined: lines that may leave the domain of a function somewhere in the box, as ``log``
            below 0, or meet a pole, as ``1/x`` at 0: bounds are of what is defined, nan if nothing
            is.

    >>> found = bounds(abs, (-1.0, 2.0))
    >>> found.value, found.gradient, found.undefined
    ((0.0, 2.0), (-1.0, 1.0), ())
    """

    value: tuple[float, float]
    gradient: Any
    undefined: tuple[str, ...]


def bounds(f: Callable[..., Any], *box: tuple[Any, Any]) -> Bounds:
    """Bounds of a function's value and gradient on a box, by interval arithmetic.

    For all arguments in the box, what ``f`` and its derivatives are in real numbers is within the
    bounds; these are rounded outwards.  They may be wider than they would have to be where
    something is computed from an argument twice, and become close as the box becomes small.  At a
    kink, as of ``abs`` or ``maximum``, derivatives are those on both sides and all between.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them, which returns one number.
        box: for each argument a pair, of its lower and its upper ends: two numbers, or two arrays,
            lists, tuples or dicts.

    Returns:
        The bounds of the value and of the derivatives by all arguments, and which lines are not
        defined on the whole box.

    Raises:
        TypeError: if ``f`` is no function, returns anything but one number, or uses a primitive
            that ``primitive()`` has added; if the box is not one of pairs of one structure.
        ValueError: if a lower end is above the upper one, or is nan; if a comparison does not come
            out the same for the whole box: no single program then holds on it.
        RuntimeError: if ``f`` reads ``.data``.

    >>> bounds(lambda x: x * x - 2, (-1.0, 3.0))
    Bounds(value=(-2.0, 7.000000000000002), gradient=(-2.0, 6.0), undefined=())
    """
    name = f"bounds({getattr(f, '__name__', type(f).__name__)})"
    shapes, lows, highs = [], list[float](), list[float]()
    for i, pair in enumerate(box):
        shape, *ends = _ends(pair, f"argument {i + 1} of {name}")
        shapes.append(shape)
        lows += ends[0]
        highs += ends[1]
    recorded = record(f, shapes, [*map(_between, lows, highs)], name)
    values = forward(recorded, ON_INTERVALS, [*map(Interval, lows, highs)])
    for comparison in recorded.comparisons:
        _refuse_undecided(comparison, values, name)
    swept = backward(recorded, values, ON_INTERVALS)
    nothing = Interval(0.0, 0.0)
    of_inputs = [nothing if x is None else x for x in swept.adjoints[: recorded.inputs]]
    low, high = iter([x.low for x in of_inputs]), iter([x.high for x in of_inputs])
    found = tuple((tree_unflatten(s, low), tree_unflatten(s, high)) for s in shapes)
    value = values[recorded.result]
    gradient = found[0] if len(found) == 1 else found
    return Bounds((value.low, value.high), gradient, _undefined(recorded, values, swept))


def _ends(pair: Any, where: str) -> tuple[Any, list[float], list[float]]:
    """The structure of an argument, and the numbers of its lower and upper ends."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(f"{where} must be a pair of its ends, (low, high), not {describe(pair)}")
    numbers: tuple[list[Any], list[Any]] = [], []
    low, high = (
        tree_flatten(end, given, f"the {side} end of {where}", truths=False)
        for end, given, side in zip(pair, numbers, ("lower", "upper"), strict=True)
    )
    words = difference(as_floats(low), as_floats(high), f"the upper end of {where}")
    if words:
        raise TypeError(f"{words}, as the lower one is")
    lows, highs = (flat(x).tolist() for x in numbers)
    for k, (least, most) in enumerate(zip(lows, highs, strict=True)):
        if not least <= most:
            raise ValueError(f"{where}: number {k + 1} is to be from {least!r} up to {most!r}")
    fixed = low == high and lows == highs  # then integers are integers
    return low if fixed else as_floats(low), lows, highs


def _between(low: float, high: float) -> float:
    """A number between two others."""
    middle = low / 2 + high / 2
    return max(low, min(high, middle if math.isfinite(middle) else 0.0))


def _refuse_undecided(c: Comparison, values: list[Interval], name: str) -> None:
    """Raise ValueError if a comparison may come out in another way than it did."""
    left, right = values[c.left], values[c.right]
    found = NAMES[ROWS[c.op].name](left, right)
    if not found.low == found.high == c.outcome:
        raise ValueError(
            f"{name}: the comparison {ROWS[c.op].label} at {c.source} may come out in both ways: "
            f"on its left is what is from {left.low!r} to {left.high!r}, on its right from "
            f"{right.low!r} to {right.high!r}; divide the box there, or write where(), maximum() "
            "or minimum() instead"
        )


def _undefined(r: Recorded, values: list[Interval], swept: Swept) -> tuple[str, ...]:
    """The lines of operations that are not defined on all that they may be given."""
    found: dict[str, None] = {}  # in order, each once
    for node, v in zip(r.nodes, values, strict=True):
        if not v.whole and all(values[k].whole for k in node.operands):
            found[node.source] = None
    for share in swept.shares:
        node, x = r.nodes[share.node], share.number
        given = [
            swept.adjoints[share.node],
            values[share.node],
            *map(values.__getitem__, node.operands),
        ]
        if not x.whole and all(y.whole for y in given):
            found[node.source] = None
    return tuple(found)
