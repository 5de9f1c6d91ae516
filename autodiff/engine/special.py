"""Functions that the table needs and C's ``math.h`` lacks, or has with too few digits.

* ``lgamma`` -- the logarithm of the absolute value of the gamma function;
* ``digamma`` -- its derivative;
* ``polygamma`` -- the derivatives of that, of every order;
* ``erfinv`` -- the inverse of the error function.

Each is stated once, here: ``translation`` writes the same operations in C and in JavaScript, so
that the engines agree bit for bit.  Hence they are written in a small part of Python: numbers are
floats; there are assignments, ``if``, ``while``, ``for`` over a tuple that stands in this file, and
``return``.  ``div`` divides where the divisor may be 0.

Below 0 all three of the gamma function's family are led back to positive numbers by its reflection
formula, without sines: f(a) is computed from f at 1 - a, and at the distances of ``a`` to the
integers below and above, which are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from autodiff.engine import ieee
from autodiff.engine.ieee import div
from autodiff.ops import CONSTANTS

ceil, floor, rint = (ieee.FUNCTIONS[name] for name in ("ceil", "floor", "rint"))
exp, expm1, log = (ieee.FUNCTIONS[name] for name in ("exp", "expm1", "log"))
erf, erfc, pow, sqrt = (ieee.FUNCTIONS[name] for name in ("erf", "erfc", "pow", "sqrt"))
TWO_OVER_SQRT_PI = CONSTANTS["TWO_OVER_SQRT_PI"]

# fmt: off
# The Bernoulli numbers of the indices 2, 4 ... 14.
BERNOULLI = (
    0.16666666666666666, -0.03333333333333333, 0.023809523809523808, -0.03333333333333333,
    0.07575757575757576, -0.2531135531135531, 1.1666666666666667,
)

# Polynomials fitted at Chebyshev points, highest powers first: of lgamma(a)/((a - 1)*(a - 2)) from
# 0.75 to 3 in (a - 1.5)/(a + 1.5), and of digamma(a) over the distance to its zero from 1 to 3 in
# (a - 1.75)/(a + 1.75).
LGAMMA = (
    -0.042578521421133234, 0.0427018040192007, -0.024573425946869176, 0.023561179970399696,
    -0.03294676908041146, 0.03225282693478474, -0.03723311569205164, 0.036159965327584594,
    -0.04382825043177662, 0.042329309637471925, -0.05319465116860956, 0.050915678824444456,
    -0.06769490476584861, 0.06382812165466674, -0.09321052269972356, 0.0853056428036828,
    -0.15080363092798763, 0.12832292192820183, -0.4378796877429184, 0.4831289505409809,
)
DIGAMMA = (
    -1.2120092234228526, 1.1267827247826319, -0.7008040415373796, 0.724922129580772,
    -0.7913523355545478, 0.7853569142628681, -0.7830021269227383, 0.7798041806130929,
    -0.7841155010932753, 0.7792803020914348, -0.7851332844789793, 0.7778905712153995,
    -0.7871800376991789, 0.7752412667170383, -0.792700302791932, 0.7710375694511162,
    -0.8204429354174219, 0.7828301910241604, -1.1418911975383699, 0.8581832171262995,
)
# fmt: on


def lgamma(a: float) -> float:
    """``log(abs(gamma(a)))``; inf at 0 and the negative integers.

    Near its zeros at 1 and 2 it is a polynomial times ``(a - 1)*(a - 2)``, to which it is led back
    by ``gamma(a + 1) == a*gamma(a)``; from 10 on it is Stirling's series.

    >>> lgamma(1.0), lgamma(0.5), lgamma(-1.0)
    (0.0, 0.5723649429247001, inf)
    """
    if a <= 0.0:
        below = floor(a)
        if a == below:
            return inf
        return lgamma(a - below) + (lgamma(ceil(a) - a) - lgamma(1.0 - a))
    if a < 0.75:
        return lgamma(a + 1.0) - log(a)
    if a < 10.0:
        product = 1.0
        while a > 3.0:
            a -= 1.0
            product *= a
        t = (a - 1.5) / (a + 1.5)
        total = 0.0
        for c in LGAMMA:
            total = total * t + c
        return log(product) + (a - 1.0) * (a - 2.0) * total
    power = 1.0 / a
    k = 2.0
    total = 0.4189385332046727  # (log(2*pi) - 1)/2
    for b in BERNOULLI:
        total += b / (k * (k - 1.0)) * power
        power /= a * a
        k += 2.0
    return (a - 0.5) * (log(a) - 1.0) + total


def digamma(a: float) -> float:
    """The derivative of ``lgamma``; at -0.0 and 0.0 inf and -inf, nan at the negative integers.

    Near its positive zero it is a polynomial times the distance to it, to which it is led back by
    ``digamma(a + 1) == digamma(a) + 1/a``; from 10 on it is its asymptotic series.

    >>> digamma(1.0), digamma(0.0), digamma(-1.0)
    (-0.5772156649015329, -inf, nan)
    """
    if a <= 0.0:
        below = floor(a)
        if a == 0.0:
            return div(-1.0, a)
        if a == below:
            return nan
        return digamma(a - below) + (digamma(1.0 - a) - digamma(ceil(a) - a))
    if a < 1.0:
        return digamma(a + 1.0) - 1.0 / a
    if a < 10.0:
        rest = 0.0
        while a > 3.0:
            a -= 1.0
            rest += 1.0 / a
        t = (a - 1.75) / (a + 1.75)
        total = 0.0
        for c in DIGAMMA:
            total = total * t + c
        # the zero, as the sum of two floats
        return rest + ((a - 1.4616321449683622) - 9.549995429965697e-17) * total
    square = 1.0 / (a * a)
    power = square
    k = 2.0
    total = 0.0
    for b in BERNOULLI:
        total += b / k * power
        power *= square
        k += 2.0
    return log(a) - (0.5 / a + total)


def zeta_sum(n: float, a: float) -> float:
    """``gamma(n + 1)`` times the sum of ``1/(a + k)**(n + 1)`` over k = 0, 1, ..., for ``a > 0``.

    The first terms are added up, the smallest first, to what Euler and Maclaurin's formula says of
    all others, unless these are too small to count: J. M. Borwein, D. M. Bradley
    and R. E. Crandall, Computational strategies for the Riemann zeta function, J. Comput. Appl.
    Math. 121 (2000).

    >>> zeta_sum(1.0, 1.0)  # pi**2/6
    1.6449340668482264
    """
    if a == inf:
        return 0.0
    scale = 1.0 / a  # to become gamma(n)/a**n, by which all terms are divided
    k = 1.0
    if n > 170.0:
        scale = exp(lgamma(n) - n * log(a))
        k = n
    while k < n:
        scale *= k / a
        k += 1.0
    enough = 9.0 + 3.0 * n  # from here on the formula has all digits
    terms = 0.0
    if a < enough:
        counting = ceil(a * expm1(40.0 / n)) + 1.0
        terms = ceil(enough - a)
        terms = counting if counting < terms else terms
    far = a + terms
    others = 0.0
    if far >= enough:
        term = 1.0
        k = 2.0
        for b in BERNOULLI:
            term *= (n + k - 2.0) / ((k - 1.0) * far) * ((n + k - 1.0) / (k * far))
            others += b * term
            k += 2.0
        others = pow(a / far, n) * (1.0 + (0.5 * n / far + others))
    total = 0.0
    while terms > 0.0:
        terms -= 1.0
        total += pow(a / (a + terms), n + 1.0)
    return scale * (n / a * total + others)


def polygamma(a: float, b: float) -> float:
    """The derivative of ``digamma`` at ``b`` whose order is the integer that is nearest to ``a``.

    At the poles, 0 and the negative integers, it is inf for odd orders and -inf for even ones; the
    order 0 is ``digamma``; there is none below 0.

    >>> polygamma(1.0, 0.5), polygamma(2.0, 1.0)  # pi**2/2, -2*zeta(3)
    (4.934802200544679, -2.4041138063191885)
    """
    n = rint(a)
    if n == 0.0:
        return digamma(b)
    if n < 0.0 or n != n:
        return nan
    odd = n - 2.0 * floor(0.5 * n)
    total = 0.0
    if b <= 0.0:
        below = floor(b)
        if b == below:
            return inf if odd == 1.0 else -inf
        total = zeta_sum(n, ceil(b) - b) - zeta_sum(n, 1.0 - b)
        b -= below
    return total + zeta_sum(n, b) if odd == 1.0 else total - zeta_sum(n, b)


def erfinv(a: float) -> float:
    """The number whose ``erf`` is ``a``; at -1 and 1 -inf and inf, nan beyond.

    Three steps of Halley's method, each of which trebles the digits, from the approximation of
    S. Winitzki, A handy approximation for the error function and its inverse (2008).

    >>> erfinv(0.5), erf(erfinv(0.25)), erfinv(1.0)
    (0.4769362762044699, 0.25, inf)
    """
    x = abs(a)
    if x == 0.0:
        return a
    if x >= 1.0:
        return a * inf if x == 1.0 else nan
    w = log((1.0 - x) * (1.0 + x))
    t = 4.330746750799873 + 0.5 * w  # 2/(0.147*pi)
    v = sqrt(-w / 0.147 / (sqrt(t * t - w / 0.147) + t))
    steps = 0.0
    while steps < 3.0:
        error = erf(v) - x if x < 0.5 else (1.0 - x) - erfc(v)
        newton = error / (TWO_OVER_SQRT_PI * exp(-v * v))
        v -= newton / (1.0 + v * newton)
        steps += 1.0
    return v if a > 0.0 else -v


#: The functions here that are rows of the table.
OWN: dict[str, Callable[..., float]] = {f.__name__: f for f in (lgamma, digamma, polygamma, erfinv)}

#: What the value of a row may call by the row's own name: C's ``math.h``, and these.
FUNCTIONS = {**ieee.FUNCTIONS, **OWN}
