"""The table in interval arithmetic: what its values and partials can be, when operands are ranges.

A function that rises or falls all the way, ``SHAPES``, or turns once, ``TURNS``, is computed at the
ends, and where it turns, and rounded outwards by the error that its row states (``Row.bounds``).
What is written in several of these is computed as it is written, and may come out wider than it is:
there, an operand that is read twice may be taken to have two values.

* ``NAMES`` -- the table's functions on intervals;
* ``ON_INTERVALS`` -- the arithmetic of a run on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, reduce
from math import inf
from typing import Any

from autodiff.engine import kernels
from autodiff.engine.expressions import for_arrays, for_floats
from autodiff.engine.instructions import ON_LISTS
from autodiff.ops import CODES, CONSTANTS, ROWS, TABLE, Row
from autodiff.testing.arithmetic import Arithmetic
from autodiff.testing.intervals import (
    EMPTY,
    LARGEST,
    Interval,
    add,
    div,
    equal,
    hull,
    less,
    less_equal,
    mul,
    outwards,
    point,
    square,
    sub,
    where,
)

#: Of functions that rise (+) or fall (-) with each operand, which they do.
SHAPES = {
    **dict.fromkeys(("sqrt", "cbrt", "exp", "expm1", "log", "log1p", "log2", "log10"), "+"),
    **dict.fromkeys(("asin", "atan", "sinh", "tanh", "asinh", "acosh", "atanh"), "+"),
    **dict.fromkeys(("erf", "erfinv", "sigmoid", "softplus", "logsigmoid", "relu"), "+"),
    **dict.fromkeys(("sign", "step", "positive", "floor", "ceil", "trunc", "rint"), "+"),
    **dict.fromkeys(("neg", "acos", "erfc"), "-"),
    **dict.fromkeys(("logaddexp", "maximum", "minimum"), "++"),
    "prefer": "+-",
    "clip": "+++",
}

#: Of functions that fall up to there and then rise, or the other way round, where they turn.
TURNS = {
    **dict.fromkeys(("abs", "cosh", "asin_da", "asinh_da"), 0.0),
    "silu": -1.2784645427610738,
    "gelu": -0.7517915246935645,
    "lgamma": 1.4616321449683622,
}

#: What is not rounded.
_EXACT = {
    *("neg", "abs", "relu", "maximum", "minimum", "clip", "sign", "step", "positive", "prefer"),
    *("floor", "ceil", "trunc", "rint"),
}

#: Where the domain ends, with its ends.
_DOMAINS = {
    "sqrt": (0.0, inf),
    **dict.fromkeys(("log", "log2", "log10"), (0.0, inf)),
    **dict.fromkeys(("asin", "acos", "asin_da", "atanh", "erfinv"), (-1.0, 1.0)),
    "log1p": (-1.0, inf),
    "acosh": (1.0, inf),
}

#: Functions that have poles at ends of their domains.
_POLES = ("log", "log2", "log10", "log1p", "atanh", "asin_da", "erfinv")

#: What no value is beyond, however it is rounded.
_RANGES = {
    **dict.fromkeys(("exp", "sqrt", "softplus", "acosh", "acos", "hypot"), (0.0, inf)),
    **dict.fromkeys(("asin_da", "cosh"), (1.0, inf)),
    **dict.fromkeys(("sin", "cos", "tanh", "erf"), (-1.0, 1.0)),
    **dict.fromkeys(("sigmoid", "asinh_da"), (0.0, 1.0)),
    "logsigmoid": (-inf, 0.0),
    "expm1": (-1.0, inf),
    "erfc": (0.0, 2.0),
}

#: Expressions in which no operand is there twice, or that need no choice.
_REWRITTEN = {
    "leaky_relu": "relu(a) - b*relu(-a)",
    "elu": "relu(a) + b*expm1(minimum(a, 0.0))",
    "monomial": "c*pow(a, b)",
    "atanh_da": "1/(1 - square(a))",
}


# -- functions by their shape ----------------------------------------------------------------------


@cache
def _ulps(name: str) -> Callable[..., float]:
    """How many ulp the value of a row may be off, as a function of the operands and the value."""
    row = ROWS[CODES[name]]
    stated = for_floats(row.bounds[0]) if row.bounds else "2"
    source = f"lambda {', '.join([*row.names, 'v'])}: {stated}"
    found: Callable[..., float] = eval(source, {**kernels.FLOATS, "inf": inf})  # it is of the table
    return found


def _end(row: Row, operands: tuple[float, ...], to: float) -> float:
    """The value of a row, rounded towards ``to``."""
    v = kernels.FLOATS[row.name](*operands)
    if v != v:  # towards infinity, it is rounded to where there are numbers
        operands = tuple(max(-LARGEST, min(LARGEST, x)) for x in operands)
        v = kernels.FLOATS[row.name](*operands)
    ulps = _ulps(row.name)
    if row.name in _EXACT or (v == 0 and not any(operands)):
        return float(v)
    size = v or 2.0**-200  # where v is 0, bounds relative to it are those of something small
    if v == 0 and row.bounds and "v" in row.bounds[0]:
        return math.copysign(ulps(*operands, size) * math.ulp(size), to)
    return outwards(v, to, ulps(*operands, v))


def _limited(row: Row, low: float, high: float, whole: bool) -> Interval:
    """An interval of a row's values, without what no value can be."""
    least, most = _RANGES.get(row.name, (-inf, inf))
    return Interval(max(low, least), min(high, most), whole)


def _inside(row: Row, a: Interval) -> Interval:
    """That part of an operand on which a row is defined."""
    least, most = _DOMAINS.get(row.name, (-inf, inf))
    if a.high < least or a.low > most:
        return EMPTY
    pole = row.name in _POLES and (a.low <= least or inf > most <= a.high)
    if least <= a.low and a.high <= most and not pole:
        return a
    return Interval(max(a.low, least), min(a.high, most), False)


def _by_shape(row: Row) -> Callable[..., Interval]:
    """A row that rises or falls with each operand."""
    shape = SHAPES[row.name]

    def call(*operands: Any) -> Interval:
        xs = [_inside(row, point(x)) for x in operands]
        if any(x.empty for x in xs):
            return EMPTY
        pairs = [
            (x.low, x.high) if way == "+" else (x.high, x.low)
            for x, way in zip(xs, shape, strict=True)
        ]
        lows, highs = zip(*pairs, strict=True)
        whole = all(x.whole for x in xs)
        return _limited(row, _end(row, lows, -inf), _end(row, highs, inf), whole)

    return call


def _with_turn(row: Row) -> Callable[[Any], Interval]:
    """A row that rises on one side of a number, and falls on the other."""
    turn = TURNS[row.name]

    def call(operand: Any) -> Interval:
        a = _inside(row, point(operand))
        if a.empty:
            return EMPTY
        at = [(a.low,), (a.high,), *([(turn,)] if a.has(turn) else [])]
        low = min(_end(row, x, -inf) for x in at)
        return _limited(row, low, max(_end(row, x, inf) for x in at), a.whole)

    return call


# -- functions of another shape --------------------------------------------------------------------


def _turning(name: str, first: float) -> Callable[[Any], Interval]:
    """``sin`` or ``cos``, which is 1 at ``first``, and -1 half a turn further."""
    row = ROWS[CODES[name]]

    def call(operand: Any) -> Interval:
        a = point(operand)
        if a.empty:
            return EMPTY
        if not math.isfinite(a.low) or not math.isfinite(a.high):
            return Interval(-1.0, 1.0, a.whole)
        ends = [(a.low,), (a.high,)]
        low, high = min(_end(row, x, -inf) for x in ends), max(_end(row, x, inf) for x in ends)
        if a.low < a.high and _passes(a, first + math.pi, 2 * math.pi):
            low = -1.0
        if a.low < a.high and _passes(a, first, 2 * math.pi):
            high = 1.0
        return _limited(row, low, high, a.whole)

    return call


def _passes(a: Interval, first: float, period: float) -> bool:
    """Whether ``first``, or what is whole periods away from it, is in an interval, or nearly."""
    low, high = (a.low - first) / period, (a.high - first) / period
    slack = 2.0**-49 * (1 + abs(low) + abs(high))
    return math.ceil(low - slack) <= math.floor(high + slack)


def _tan(operand: Any) -> Interval:
    a = point(operand)
    if a.empty:
        return EMPTY
    wide = not math.isfinite(a.low) or not math.isfinite(a.high)
    if wide or (a.low < a.high and _passes(a, math.pi / 2, math.pi)):
        return Interval(-inf, inf, False)
    row = ROWS[CODES["tan"]]
    return Interval(_end(row, (a.low,), -inf), _end(row, (a.high,), inf), a.whole)


def _pow(a: Any, b: Any) -> Interval:
    """Powers: of negative numbers, those with integers as exponents."""
    a, b = point(a), point(b)
    if a.empty or b.empty:
        return EMPTY
    whole = a.whole and b.whole
    if b.low == b.high and b.low.is_integer():
        return _integer_power(a, b.low, whole)
    whole = whole and not (a.low <= 0 and b.low < 0)
    size = _corners("pow", Interval(max(a.low, 0.0), max(a.high, 0.0)), b, whole)
    if a.low >= 0:
        return size
    if b.high - b.low < 1 and math.floor(b.high) < math.ceil(b.low):  # there is no integer in it
        return Interval(size.low, size.high, False) if a.high >= 0 else EMPTY
    size = _corners("pow", NAMES["abs"](a), b, False)
    return Interval(-size.high, size.high, False)


def _integer_power(a: Interval, n: float, whole: bool) -> Interval:
    if n == 0:
        return Interval(1.0, 1.0, whole)
    if n == 1:
        return a
    if n < 0 and a.low <= 0 <= a.high:
        return 1.0 / _integer_power(a, -n, whole)
    size = _corners("pow", NAMES["abs"](a), point(n), whole)
    if n % 2 == 0 or a.low >= 0:
        return size
    if a.high <= 0:
        return -size
    low, high = (_corners("pow", point(abs(x)), point(n), whole) for x in (a.low, a.high))
    return Interval(-low.high, high.high, whole)


def _corners(name: str, a: Interval, b: Interval, whole: bool) -> Interval:
    """A function of two operands whose least and largest values are at the corners."""
    row = ROWS[CODES[name]]
    ends = [(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(_end(row, x, -inf) for x in ends), max(_end(row, x, inf) for x in ends)
    return _limited(row, max(low, 0.0) if name == "pow" else low, high, whole)


def _hypot(a: Any, b: Any) -> Interval:
    a, b = NAMES["abs"](a), NAMES["abs"](b)
    return EMPTY if a.empty or b.empty else _corners("hypot", a, b, a.whole and b.whole)


def _atan2(a: Any, b: Any) -> Interval:
    """The angle of ``(b, a)``: all angles, if 0 or what is left of it may be there."""
    a, b = point(a), point(b)
    if a.empty or b.empty:
        return EMPTY
    whole = a.whole and b.whole
    if a.has(0.0) and b.low <= 0:
        most = _end(ROWS[CODES["atan2"]], (0.0, -1.0), inf)
        return Interval(-most, most, whole)
    return _corners("atan2", a, b, whole)


def _huber(a: Any, b: Any) -> Interval:
    a, b = NAMES["abs"](a), point(b)
    if a.empty or b.empty:
        return EMPTY
    if b.low >= 0:  # it rises with both
        return _corners("huber", a, b, a.whole and b.whole)
    return where(a <= b, 0.5 * square(a), b * (a - 0.5 * b))


def _of_gamma(name: str) -> Callable[..., Interval]:
    """``lgamma``, ``digamma`` or ``polygamma``, whose last operand has poles from 0 downwards."""
    row = ROWS[CODES[name]]
    shaped = _with_turn(row) if name == "lgamma" else None

    def call(*operands: Any) -> Interval:
        xs = [point(x) for x in operands]
        if any(x.empty for x in xs):
            return EMPTY
        *order, a = xs
        whole = all(x.whole for x in xs)
        if a.low <= 0 or any(n.low != n.high or n.low < -0.5 for n in order):
            return Interval(-inf, inf, False)
        if shaped:
            return shaped(a)
        ends = [(*(n.low for n in order), x) for x in (a.low, a.high)]
        low, high = min(_end(row, x, -inf) for x in ends), max(_end(row, x, inf) for x in ends)
        return Interval(low, high, whole)

    return call


# -- all of it -------------------------------------------------------------------------------------


def _shift(xs: list[Any]) -> Interval:
    """A number that is subtracted from all, and cancels: any will do, so it is the largest."""
    ends = [x.high for x in map(point, xs) if math.isfinite(x.high)]
    return point(max(ends, default=0.0))


def _larger(a: Interval, b: Interval) -> Interval:
    """The larger of two: one of them, where it is known which."""
    if a.low >= b.high and b.whole:
        return a
    if b.low >= a.high and a.whole:
        return b
    larger: Interval = NAMES["maximum"](a, b)
    return larger


def _unit(xs: list[Any]) -> Interval:
    """A scale, that cancels likewise."""
    return point(ON_LISTS["unit"]([max(abs(x.low), abs(x.high)) for x in map(point, xs)]))


def _take(xs: list[Any]) -> Interval:
    """What may be chosen."""
    *found, i = xs
    if i.empty:
        return EMPTY
    first, last = max(math.ceil(i.low), 0), min(math.floor(i.high), len(found) - 1)
    if first > last:
        return EMPTY
    chosen = reduce(hull, found[first : last + 1])
    sure = i.low == i.high
    return chosen if sure else Interval(chosen.low, chosen.high, False)


def _constant(x: float) -> Interval:
    """A number of which a constant of the table is the nearest float."""
    return Interval(math.nextafter(x, -inf), math.nextafter(x, inf))


#: What names mean in an expression of the table on intervals.
NAMES: dict[str, Any] = {
    **{name: _constant(x) for name, x in CONSTANTS.items()},
    **{name: _by_shape(ROWS[CODES[name]]) for name in SHAPES},
    **{name: _with_turn(ROWS[CODES[name]]) for name in TURNS},
    **{name: _of_gamma(name) for name in ("lgamma", "digamma", "polygamma")},
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "pow": _pow,
    "square": square,
    "equal": equal,
    "less": less,
    "less_equal": less_equal,
    "greater": lambda a, b: less(b, a),
    "greater_equal": lambda a, b: less_equal(b, a),
    "where": where,
    "sin": _turning("sin", math.pi / 2),
    "cos": _turning("cos", 0.0),
    "tan": _tan,
    "hypot": _hypot,
    "atan2": _atan2,
    "huber": _huber,
    "logical_and": lambda *xs: reduce(NAMES["minimum"], xs),
    "logical_or": lambda *xs: reduce(NAMES["maximum"], xs),
    "largest": _shift,
    "unit": _unit,
}


def _as_written(row: Row) -> Callable[..., Interval]:
    """A row by its expression."""
    expression = for_arrays(_REWRITTEN.get(row.name, str(row.value)))
    found: Callable[..., Interval] = eval(f"lambda {', '.join(row.names)}: {expression}", NAMES)
    return found


for _row in TABLE:
    if not _row.over_lists and _row.name not in NAMES:
        NAMES[_row.name] = _as_written(_row)

ON_INTERVALS = Arithmetic(
    NAMES,
    point,
    lambda row: NAMES[row.name],
    {
        "largest": _shift,
        "unit": _unit,
        "peak": lambda xs: reduce(_larger, xs),
        "detach": lambda xs: xs[0],
        "take": _take,
        "pick": lambda xs: where(equal(xs[1], xs[2]), xs[0], xs[3]),
    },
)
