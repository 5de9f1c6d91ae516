"""Interval arithmetic: sums, products, quotients and comparisons of ranges of numbers.

Ends are rounded outwards, by what they were rounded.  Infinite ends mean that there is no bound.
Where a function is not defined on all of its operands, the interval says what it is where it is
defined, and is not ``whole``.  An operand that is there twice, the same object, has one value.

``enclosures`` has the other functions of the table.
"""

from __future__ import annotations

import math
from math import inf, nan
from typing import Any

from autodiff.ops import CONSTANTS

LARGEST = CONSTANTS["LARGEST"]
_TINIEST = 2.0**-1074


class Interval:
    """All real numbers from ``low`` to ``high``; none, if these are nan.

    Attributes:
        low, high: its ends.
        whole: whether that for which it stands is defined for all operands.

    >>> Interval(1.0, 2.0) - Interval(0.5, 3.0)
    Interval(-2.0, 1.5)
    >>> 1 / Interval(-1.0, 2.0)
    Interval(-inf, inf, whole=False)
    """

    __slots__ = ("high", "low", "whole")

    def __init__(self, low: float, high: float, whole: bool = True) -> None:
        self.low = low
        self.high = high
        self.whole = whole

    def __repr__(self) -> str:
        return f"Interval({self.low}, {self.high}{'' if self.whole else ', whole=False'})"

    @property
    def empty(self) -> bool:
        """Whether there is no number in it."""
        return self.low != self.low

    def has(self, x: float) -> bool:
        """Whether a number is in it."""
        return self.low <= x <= self.high

    def __add__(self, other: Any) -> Interval:
        return add(self, other)

    def __radd__(self, other: Any) -> Interval:
        return add(other, self)

    def __sub__(self, other: Any) -> Interval:
        return sub(self, other)

    def __rsub__(self, other: Any) -> Interval:
        return sub(other, self)

    def __mul__(self, other: Any) -> Interval:
        return mul(self, other)

    def __rmul__(self, other: Any) -> Interval:
        return mul(other, self)

    def __truediv__(self, other: Any) -> Interval:
        return div(self, other)

    def __rtruediv__(self, other: Any) -> Interval:
        return div(other, self)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low, self.whole)

    def __eq__(self, other: Any) -> Any:  # comparisons, as all else, give intervals: 0 or 1 or both
        return equal(self, other)

    def __ne__(self, other: Any) -> Any:
        return sub(1.0, equal(self, other))

    def __lt__(self, other: Any) -> Any:
        return less(self, other)

    def __le__(self, other: Any) -> Any:
        return less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return less(other, self)

    def __ge__(self, other: Any) -> Any:
        return less_equal(other, self)

    __hash__ = None  # type: ignore[assignment]  # as == does not say whether they are the same


EMPTY = Interval(nan, nan, False)


def point(x: Any) -> Interval:
    """A number as an interval."""
    return x if type(x) is Interval else Interval(float(x), float(x))


def hull(a: Interval, b: Interval) -> Interval:
    """All that is in one of two intervals, or between them."""
    whole = a.whole and b.whole
    if a.empty or b.empty:
        some = b if a.empty else a
        return Interval(some.low, some.high, whole)
    return Interval(min(a.low, b.low), max(a.high, b.high), whole)


# -- arithmetic ------------------------------------------------------------------------------------


def outwards(x: float, to: float, ulps: float) -> float:
    """A number that has been computed, moved by its error, and a last place, towards ``to``."""
    if math.isinf(x):
        return x if x == to else math.copysign(LARGEST, x)
    error = ulps * math.ulp(x)
    if abs(x) < 2.0**-1010:  # intermediate results have lost digits there
        error += 2.0**-1062
    return math.nextafter(x + math.copysign(error, to), to)


def _total(x: float, y: float, to: float) -> float:
    """A sum, rounded towards ``to``."""
    total = x + y
    if math.isinf(total):
        return total if math.isinf(x) or math.isinf(y) else outwards(total, to, 0)
    other = total - x
    error = (x - (total - other)) + (y - other)  # what it was rounded by, exactly
    right = error <= 0 if to > 0 else error >= 0
    return total if right else math.nextafter(total, to)


def add(a: Any, b: Any) -> Interval:
    """The sum."""
    a, b = point(a), point(b)
    whole = a.whole and b.whole
    if a.empty or b.empty:
        return EMPTY
    return Interval(_total(a.low, b.low, -inf), _total(a.high, b.high, inf), whole)


def sub(a: Any, b: Any) -> Interval:
    """The difference; 0 of what is the same."""
    a, b = point(a), point(b)
    if a is b and not a.empty:
        return Interval(0.0, 0.0, a.whole)
    return add(a, -b)


def _nudged(x: float, to: float) -> float:
    """A product or quotient that was rounded to nearest, rounded towards ``to``."""
    if math.isinf(x):
        return outwards(x, to, 0)
    if x == 0:  # by underflow
        return math.copysign(_TINIEST, to) if math.copysign(1, x) == math.copysign(1, to) else 0.0
    return math.nextafter(x, to)


def _product(x: float, y: float, to: float) -> float:
    """A product, rounded towards ``to``; of 0 and what has no bound, 0."""
    if x == 0 or y == 0:
        return 0.0
    found = x * y
    exact = math.isinf(x) or math.isinf(y) or abs(x) == 1 or abs(y) == 1
    return found if exact else _nudged(found, to)


def mul(a: Any, b: Any) -> Interval:
    """The product; of what is the same, the square."""
    a, b = point(a), point(b)
    if a.empty or b.empty:
        return EMPTY
    if a is b:
        return square(a)
    ends = [(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    low = min(_product(x, y, -inf) for x, y in ends)
    return Interval(low, max(_product(x, y, inf) for x, y in ends), a.whole and b.whole)


def square(operand: Any) -> Interval:
    """The square."""
    a = point(operand)
    ends = abs(a.low), abs(a.high)
    low = 0.0 if a.has(0.0) else _product(min(ends), min(ends), -inf)
    return EMPTY if a.empty else Interval(low, _product(max(ends), max(ends), inf), a.whole)


def _quotient(x: float, y: float, side: float, to: float) -> float:
    """A quotient, rounded towards ``to``, where a divisor of 0 has the sign of ``side``."""
    if x == 0 or (math.isinf(x) and math.isinf(y)):
        return 0.0
    if y == 0:
        return math.copysign(inf, x) * side
    exact = math.isinf(x) or math.isinf(y) or abs(y) == 1
    return x / y if exact else _nudged(x / y, to)


def div(a: Any, b: Any) -> Interval:
    """The quotient; there is no bound if the divisor may be less and greater than 0."""
    a, b = point(a), point(b)
    if a.empty or b.empty:
        return EMPTY
    whole = a.whole and b.whole and not b.has(0.0)
    if a is b:
        return Interval(1.0, 1.0, whole)
    if b.low < 0 < b.high or b.low == b.high == 0:
        return Interval(-inf, inf, whole)
    side = 1.0 if b.high > 0 else -1.0
    ends = [(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    low = min(_quotient(x, y, side, -inf) for x, y in ends)
    return Interval(low, max(_quotient(x, y, side, inf) for x, y in ends), whole)


def equal(a: Any, b: Any) -> Interval:
    """1 if two numbers are equal, 0 if not."""
    a, b = point(a), point(b)
    if a.empty or b.empty:
        return EMPTY
    same = a is b or a.low == a.high == b.low == b.high
    apart = a.high < b.low or b.high < a.low
    return Interval(1.0 if same else 0.0, 0.0 if apart else 1.0, a.whole and b.whole)


def less(a: Any, b: Any) -> Interval:
    """1 if ``a < b``, 0 if not."""
    a, b = point(a), point(b)
    if a.empty or b.empty:
        return EMPTY
    low, high = a.high < b.low, a is not b and a.low < b.high
    return Interval(float(low), float(high), a.whole and b.whole)


def less_equal(a: Any, b: Any) -> Interval:
    """1 if ``a <= b``, 0 if not."""
    return sub(1.0, less(b, a))


def where(condition: Any, x: Any, y: Any) -> Interval:
    """``x`` where the condition is not 0, else ``y``; both if it is not the same everywhere."""
    c = point(condition)
    if c.empty:
        return EMPTY
    if c.low == c.high == 0:
        return point(y)
    return hull(point(x), point(y)) if c.has(0.0) else point(x)
