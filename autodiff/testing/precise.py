"""The table in mpmath: its values and partials in numbers of any precision.

* ``functions`` -- what the expressions of the table call, with IEEE 754's answers at their edges;
* ``with_digits`` -- the table's expressions in numbers of so many digits.

mpmath has one infinity of each sign, nan, and no negative zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from mpmath.ctx_mp import MPContext
except ImportError:
    raise ImportError("testing.accuracy needs mpmath: pip install mpmath") from None

from autodiff.engine import special
from autodiff.engine.expressions import for_floats
from autodiff.engine.instructions import ON_LISTS
from autodiff.engine.kernels import FLOATS
from autodiff.ops import CONSTANTS, TABLE, Row
from autodiff.testing.arithmetic import Arithmetic

_MOST = 2**20  # beyond 2**_MOST all is infinite, and beyond 2**-_MOST 0: digits take memory
_REDUCED = 2**14  # and beyond 2**_REDUCED no angle is reduced


def functions(mp: Any) -> dict[str, Callable[..., Any]]:
    """What the table's expressions call, by name, in a context of mpmath's.

    >>> import mpmath
    >>> functions(mpmath.mp)["log1p"](-2.0), functions(mpmath.mp)["pow"](mpmath.mpf(2), 0.5)
    (mpf('nan'), mpf('1.4142135623730951'))
    """
    nan, inf, one = mp.nan, mp.inf, mp.one
    kind = type(one)

    def within(name: str, low: float, high: float) -> Callable[[Any], Any]:
        """mpmath's function of this name on an interval, and nan beyond."""
        function = getattr(mp, name)

        def call(a: Any) -> Any:
            return function(a) if low <= a <= high else nan

        return call

    def periodic(name: str) -> Callable[[Any], Any]:
        """mpmath's function of this name; nan where there are no digits to reduce by."""
        function = getattr(mp, name)

        def call(a: Any) -> Any:
            return function(a) if abs(a) < inf and mp.mag(a) < _REDUCED else nan

        return call

    def growing(name: str, at_minus: Any) -> Callable[[Any], Any]:
        """mpmath's function of this name, which is like ``exp`` above, and so below at most."""
        function = getattr(mp, name)

        def call(a: Any) -> Any:
            if -_MOST < a < _MOST:
                return function(a)
            return nan if a != a else inf if a > 0 else at_minus

        return call

    def div(a: Any, b: Any) -> Any:
        try:
            return a / b if type(b) is kind or type(a) is kind else mp.mpf(a) / b
        except ZeroDivisionError:
            return mp.mpf(FLOATS["div"](float(a), float(b)))

    def pow(a: Any, b: Any) -> Any:
        a, b = mp.mpf(a), mp.mpf(b)
        if not a or not abs(a) < inf or not abs(b) < inf:
            return mp.mpf(FLOATS["pow"](float(a), float(b)))
        if a < 0 and not mp.isint(b):
            return nan
        growth = b * mp.log(abs(a))
        if -_MOST < growth < _MOST:
            return a**b
        size = inf if growth > 0 else mp.zero
        return -size if a < 0 and int(b) % 2 else size

    def atan2(a: Any, b: Any) -> Any:
        if (a or b) and abs(a) < inf and abs(b) < inf:
            return mp.atan2(a, b)
        return mp.mpf(FLOATS["atan2"](float(a), float(b)))

    def cbrt(a: Any) -> Any:
        return mp.sign(a) * mp.cbrt(abs(a)) if a == a else nan

    def hypot(a: Any, b: Any) -> Any:
        return inf if inf in (abs(a), abs(b)) else mp.sqrt(a * a + b * b)

    def erfc(a: Any) -> Any:
        return mp.erfc(a) if a < 10**9 or a != a else mp.zero

    def erfinv(a: Any) -> Any:
        return mp.erfinv(a) if -1 < a < 1 else mp.mpf(special.erfinv(float(a)))

    def lgamma(a: Any) -> Any:
        if not abs(a) < inf or (a <= 0 and mp.isint(a)):
            return nan if a != a else inf
        return mp.re(mp.loggamma(a))

    def digamma(a: Any) -> Any:
        if not abs(a) < inf or (a <= 0 and mp.isint(a)):
            return mp.mpf(special.digamma(float(a)))
        return mp.digamma(a)

    def polygamma(a: Any, b: Any) -> Any:
        if not abs(a) < inf or a < -0.5 or not abs(b) < inf or (b <= 0 and mp.isint(b)):
            return mp.mpf(special.polygamma(float(a), float(b)))
        return mp.polygamma(int(mp.nint(a)), b)

    def rounded(name: str) -> Callable[[Any], Any]:
        function = getattr(mp, name)
        return lambda a: function(a) if abs(a) < inf else mp.mpf(a)

    floor = rounded("floor")
    found: dict[str, Callable[..., Any]] = {
        **{name: within(name, -1.0, 1.0) for name in ("asin", "acos")},
        **{name: within(name, 0.0, inf) for name in ("sqrt", "log")},
        **{name: periodic(name) for name in ("sin", "cos", "tan")},
        **{name: getattr(mp, name) for name in ("atan", "tanh", "asinh", "erf")},
        **{name: within(name, 1.0, inf) for name in ("acosh",)},
        "atan2": atan2,
        "abs": abs,
        "div": div,
        "pow": pow,
        "cbrt": cbrt,
        "hypot": hypot,
        "exp": growing("exp", mp.zero),
        "expm1": growing("expm1", -one),
        "sinh": growing("sinh", -inf),
        "cosh": growing("cosh", inf),
        "log1p": lambda a: mp.log1p(a) if a > -1 else -inf if a == -1 else nan,
        "log2": lambda a: mp.log(a) / mp.ln2 if a >= 0 else nan,
        "log10": lambda a: mp.log(a) / mp.ln10 if a >= 0 else nan,
        "atanh": within("atanh", -1.0, 1.0),
        "floor": floor,
        "ceil": rounded("ceil"),
        "trunc": lambda a: floor(a) if a >= 0 else -floor(-a) if a == a else nan,
        "rint": rounded("nint"),
        "erfc": erfc,
        "erfinv": erfinv,
        "lgamma": lgamma,
        "digamma": digamma,
        "polygamma": polygamma,
    }
    return found


def with_digits(digits: int) -> Arithmetic:
    """The table in numbers of so many digits.

    >>> precise = with_digits(30)
    >>> from autodiff.ops import CODES
    >>> print(precise.value(CODES["sigmoid"])([precise.number(0.5)]))
    0.622459331201854564638900565746
    """
    mp = MPContext()
    mp.dps = digits
    names: dict[str, Any] = {
        **functions(mp),
        "LN2": +mp.ln2,
        "LN10": +mp.ln10,
        "SQRT_HALF": mp.sqrt(0.5),
        "TWO_OVER_SQRT_PI": 2 / mp.sqrt(mp.pi),
        "ONE_OVER_SQRT_TAU": 1 / mp.sqrt(2 * mp.pi),
        "LARGEST": mp.mpf(CONSTANTS["LARGEST"]),
        "where": FLOATS["where"],
        "largest": ON_LISTS["largest"],
        "unit": ON_LISTS["unit"],
    }

    def value(row: Row) -> Callable[..., Any]:
        source = f"lambda {', '.join(row.names)}: {for_floats(str(row.value))}"
        function: Callable[..., Any] = eval(source, names)  # it is a row of the table
        return function

    for row in TABLE:
        if not row.over_lists and row.name not in names:
            names[row.name] = value(row)

    def take(xs: list[Any]) -> Any:
        try:
            return ON_LISTS["take"](xs)
        except (IndexError, ValueError, OverflowError):  # of what rounding has made an index
            return mp.nan

    return Arithmetic(names, mp.mpf, value, {**ON_LISTS, "take": take})
