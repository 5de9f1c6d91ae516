"""Mutants of special functions, linear algebra and the kernels that no test can tell, and why."""

from equivalent.reasons import FASTER, GENERAL

_CONVERGED = "three steps reach all digits; more only take longer"
_BEYOND = "terms beyond those that count change nothing; they only take longer"
_LINE = "interpolation._interpolated: x = where(below + above, knots[0], x) -> "
_MARKED = (
    "linalg.elimination._Rows.marked: is float else functions.where(mark, x, -1.0) for x, mark in "
    "zip(sizes, self.free, -> is float else functions.where(mark, x, -0.0) for x, mark in zip("
    "sizes, self.free,"
)

SPECIAL: dict[str, str] = {
    # -- the gamma function, and the inverse of erf ------------------------------------------------
    "engine.special.lgamma: if a <= 0.0: -> if a < 0.0:": "at 0 what follows gives inf as well",
    **dict.fromkeys(
        (
            "engine.special.lgamma: if a < 0.75: -> if a <= 0.75:",
            "engine.special.lgamma: if a < 10.0: -> if a <= 10.0:",
            "engine.special.lgamma: while a > 3.0: -> while a >= 3.0:",
            "engine.special.digamma: if a < 1.0: -> if a <= 1.0:",
            "engine.special.digamma: if a < 10.0: -> if a <= 10.0:",
            "engine.special.digamma: while a > 3.0: -> while a >= 3.0:",
            "engine.special.erfinv: error = erf(v) - x if x < 0.5 else 1.0 - x - erfc(v) -> "
            "error = erf(v) - x if x <= 0.5 else 1.0 - x - erfc(v)",
        ),
        "where two formulas meet, both are within the bounds",
    ),
    **dict.fromkeys(
        (
            "engine.special.lgamma: if a < 10.0: -> if a < 100.0:",
            "engine.special.digamma: if a < 10.0: -> if a < 100.0:",
        ),
        "up to 100 the recurrence is within the bounds, too; it only takes longer",
    ),
    "engine.special.erfinv: while steps < 3.0: -> while steps <= 3.0:": _CONVERGED,
    "engine.special.erfinv: while steps < 3.0: -> while steps < 30.0:": _CONVERGED,
    "engine.special.erfinv: return v if a > 0.0 else -v -> return v if a >= 0.0 else -v": (
        "0 has been returned before"
    ),
    # -- sums of powers ----------------------------------------------------------------------------
    "engine.special.zeta_sum: terms = 0.0 -> terms = 1.0": (
        "the formula is as good from the next term on, when the first is added to it"
    ),
    "engine.special.zeta_sum: if a < enough: -> if a <= enough:": (
        "where they are equal, no terms are wanted on either side"
    ),
    "engine.special.zeta_sum: counting = ceil(a * expm1(40.0 / n)) + 1.0 -> "
    "counting = ceil(a * expm1(400.0 / n)) + 1.0": _BEYOND,
    "engine.special.zeta_sum: terms = counting if counting < terms else terms -> "
    "terms = counting if counting <= terms else terms": "the smaller of two equal numbers is both",
    **dict.fromkeys(
        (
            f"engine.special.polygamma: if n < 0.0 or n != n: -> if {test} or n != n:"
            for test in ("n <= 0.0", "n < 1.0")
        ),
        "n is an integer, and 0 has been dealt with",
    ),
    # -- matrices ----------------------------------------------------------------------------------
    **dict.fromkeys(
        (
            "linalg.matrices._vector: if set(map(type, came)) <= {float, Value}: -> pass",
            "linalg.matrices._vector: if set(map(type, came)) <= {float, Value}: -> "
            "if set(map(type, came)) < {float, Value}:",
            "linalg.matrices._vector: return came -> pass",
        ),
        FASTER,
    ),
    # -- elimination -------------------------------------------------------------------------------
    "linalg.elimination: _HALF = 2.0 ** (-26) -> _HALF = 2.0 ** (-27)": (
        "a rule of thumb: about half of the digits"
    ),
    "linalg.elimination.inv: identity = [[float(i == j) for i in range(len(rows))] "
    "for j in range(len(rows))] -> identity = [[i == j for i in range(len(rows))] "
    "for j in range(len(rows))]": GENERAL,
    "linalg.elimination.det: factors = _eliminated(numbered, n, [_HALF, 8 * n * EPS]) -> "
    "factors = _eliminated(numbered, n, [_HALF, 9 * n * EPS])": (
        "a rule of thumb: what is so little more than rounding is mostly rounding, and the "
        "determinant is right with and without it as a pivot"
    ),
    "linalg.elimination.det: sign = _sign(order) * _sign([*map(float, [*used, *aside])]) -> "
    "sign = _sign(order) / _sign([*map(float, [*used, *aside])])": "signs are 1 and -1",
    _MARKED: "where the largest size is 0, no row is chosen, so nothing of size 0 ever is",
    "linalg.elimination._first: [functions.where(functions.equal(y, x), float(n), 0.0) "
    "for y, n in zip(xs, backwards, st -> [functions.where(functions.equal(y, x), n, 0.0) "
    "for y, n in zip(xs, backwards, st": "where makes a float of it; that is only slower",
    "linalg.elimination._first: .where(functions.equal(y, x), float(n), 0.0) for y, n in zip("
    "xs, backwards, stric -> .where(functions.equal(y, x), float(n), 1.0) for y, n in zip("
    "xs, backwards, stric": "the places that are counted are from 1 on, and one of them is there",
    # -- interpolation -----------------------------------------------------------------------------
    _LINE + "x = where(below - above, knots[0], x)": "nothing is both below and above",
    _LINE + "x = where(below + above, knots[1], x)": (
        "any of the points will do: what is computed there is not chosen"
    ),
}
