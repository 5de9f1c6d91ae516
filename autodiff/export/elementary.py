"""Functions of C's ``math.h``, and of ``engine/special.py``, written with fewer of them.

Formats whose libraries lack a function, or have it with too few digits, take it from here: as
expressions in the table's language, which may call each other, and rows of the table.  A helper's
operands serve as names for what it is given.  None of them may be simplified as real numbers can:
``(1 + a) - 1`` is what remains of ``a``.

* ``FORMULAS`` -- by name, the operands and the expression.
"""

from __future__ import annotations

from autodiff.engine.special import BERNOULLI, DIGAMMA, LGAMMA

# fmt: off
# Polynomials fitted at Chebyshev points, highest powers first: of (asin(a)/a - 1)/a**2 in a**2 up
# to 1/4, of (atan(a)/a - 1)/a**2 in a**2 up to tan(pi/8)**2, of erf(a)/a - 1 in a**2 up to 1/4, and
# of (1 + 2*a)*exp(a**2)*erfc(a) in (a - 3)/(a + 3) from 1/2 to 28.
_ASIN = (
    0.02961201126495512, -0.01924167174674304, 0.019554513336123378, 0.0030448799094556773,
    0.009319560794767446, 0.009621842970100282, 0.011566459612121669, 0.01396378001220357,
    0.017352816540325496, 0.02237215744350722, 0.03038194447553234, 0.044642857142551895,
    0.07500000000000118, 0.16666666666666666,
)
_ATAN = (
    0.01625139658592304, -0.034539518756678086, 0.04550384655278787, -0.052301889934494805,
    0.058788929347181634, -0.06666421745351814, 0.07692296199967973, -0.09090908747438506,
    0.11111111105033467, -0.14285714285658574, 0.19999999999999798, -0.3333333333333333,
)
_ERF = (
    1.3214378238338438e-08, -1.6273138761686977e-07, 1.6459034327218912e-06,
    -1.4925586560096415e-05, 0.00012055332131175981, -0.0008548327016159163, 0.005223977625403192,
    -0.026866170645130034, 0.11283791670955123, -0.37612638903183754, 0.1283791670955126,
)
_ERFC = (
    -1.5410552924746666e-08, 2.2923930099218986e-08, 1.1177528463195771e-07,
    -1.2169240627639653e-07, -6.299129103282541e-07, 3.4482536968247793e-07, 3.481686983452046e-06,
    -7.270603109882931e-07, -2.0104454851557477e-05, 4.9484535339192485e-06, 0.00012510037313823361,
    -0.0001051596522473519, -0.0007798324398793133, 0.0018886903466049378, 0.002529391832675186,
    -0.023770514918036445, 0.06830802734307077, -0.11927366341532432, 0.1296451587027835,
    -0.04756229435345058, -0.13562110612458134, 1.2530080582697296,
)
# fmt: on


def _polynomial(coefficients: tuple[float, ...]) -> str:
    """Horner's scheme in ``z``."""
    expression = repr(coefficients[0])
    for c in coefficients[1:]:
        expression = f"({expression})*z + {c!r}"
    return expression


_EVEN = [(2 * i, b) for i, b in enumerate(BERNOULLI, 1)]  #: Bernoulli numbers, by their indices

FORMULAS: dict[str, tuple[str, str]] = {
    # -- exponentials and logarithms: what rounding 1 + a has lost is added, or divided out
    "log1p": ("a", "log1p_of(a, 1 + a)"),
    "log1p_of": ("a u", "a if u == 1 else log(u) if u - 1 == a else log(u) + (a - (u - 1))/u"),
    "expm1": ("a", "expm1_of(a, exp(a))"),
    "expm1_of": ("a u", "a if u == 1 else u - 1 if abs(a) > 1 else (u - 1)*(a/log(u))"),
    "log2": ("a", "log(a)/LN2"),
    "log10": ("a", "log(a)/LN10"),
    # -- rounding, roots ---------------------------------------------------------------------------
    "trunc": ("a", "floor(a) if a > 0 else ceil(a)"),
    "cbrt": (
        "a",
        "a if a == 0 or abs(a) == inf else cbrt_step(pow(a, 1/3), a) if a > 0 else "
        "-cbrt_step(pow(-a, 1/3), -a)",
    ),
    "cbrt_step": ("t a", "t - (t - a/(t*t))/3"),
    "hypot": (
        "a b",
        "inf if abs(a) == inf or abs(b) == inf else "
        "hypot_of(maximum(abs(a), abs(b)), minimum(abs(a), abs(b)))",
    ),
    "hypot_of": ("a b", "a if b == 0 else a*sqrt(1 + (b/a)*(b/a))"),
    # -- circular functions: the angle without its multiple k of pi/2, which is in three parts, so
    #    that the first two products are exact.  Those that are small need not be exact elsewhere
    "sin": ("a", "a if a == 0 else sin_of(a, rint(a*0.6366197723675814))"),
    "cos": ("a", "cos_of(a, rint(a*0.6366197723675814))"),
    "tan": ("a", "sin(a)/cos(a)"),
    "sin_of": ("a k", "small_sin(a) if abs(k) > 1e6 else turned(without(a, k), k - 4*floor(k/4))"),
    "cos_of": (
        "a k",
        "small_cos(a) if abs(k) > 1e6 else turned(without(a, k), k + 1 - 4*floor((k + 1)/4))",
    ),
    "without": (
        "a k",
        "a - k*1.5707963267341256 - k*6.077100506303966e-11 - k*2.0222662487959506e-21",
    ),
    "turned": (
        "a k",
        "small_sin(a) if k == 0 else small_cos(a) if k == 1 else "
        "-small_sin(a) if k == 2 else -small_cos(a)",
    ),
    # -- their inverses: pi is the sum of two numbers ----------------------------------------------
    "asin": (
        "a",
        "asin_near(a, a*a) if abs(a) <= 0.5 else asin_far(sqrt(0.5*(1 - a))) if a > 0 else "
        "-asin_far(sqrt(0.5*(1 + a)))",
    ),
    "acos": (
        "a",
        "1.5707963267948966 - (asin_near(a, a*a) - 6.123233995736766e-17) if abs(a) <= 0.5 else "
        "acos_far(sqrt(0.5*(1 - a))) if a > 0 else "
        "3.141592653589793 - (acos_far(sqrt(0.5*(1 + a))) - 1.2246467991473532e-16)",
    ),
    "asin_near": ("a z", "a + a*(z*asin_series(z))"),
    "asin_far": ("a", "1.5707963267948966 - (acos_far(a) - 6.123233995736766e-17)"),
    "acos_far": ("a", "2*asin_near(a, a*a)"),
    "asin_series": ("z", _polynomial(_ASIN)),
    "atan": ("a", "a if a == 0 else atan_positive(a) if a > 0 else -atan_positive(-a)"),
    "atan_positive": (
        "a",
        "atan_near(a, a*a) if a <= 0.41421356237309503 else "
        "0.7853981633974483 + (atan_small((a - 1)/(a + 1)) + 3.061616997868383e-17) "
        "if a <= 2.414213562373095 else "
        "1.5707963267948966 + (atan_small(-1/a) + 6.123233995736766e-17)",
    ),
    "atan_small": ("a", "atan_near(a, a*a)"),
    "atan_near": ("a z", "a + a*(z*atan_series(z))"),
    "atan_series": ("z", _polynomial(_ATAN)),
    "atan2": (
        "a b",
        "-angle(quotient(abs(a), abs(b)), negative(b)) if negative(a) == 1 else "
        "angle(quotient(abs(a), abs(b)), negative(b))",
    ),
    "angle": (
        "a n",
        "atan_positive(a) if n == 0 else "
        "3.141592653589793 - (atan_positive(a) - 1.2246467991473532e-16)",
    ),
    "quotient": ("a b", "a/b if a != a or b != b else 0.0 if a == 0 else 1.0 if a == b else a/b"),
    "negative": ("a", "1.0 if a < 0 or (a == 0 and 1/a < 0) else 0.0"),
    # -- hyperbolic functions and their inverses ---------------------------------------------------
    "sinh": (
        "a",
        "half_exp(a) if a > 22 else -half_exp(-a) if a < -22 else sinh_of(expm1(a)) if a > 0 else "
        "-sinh_of(expm1(-a))",
    ),
    "sinh_of": ("a", "0.5*(a + a/(a + 1))"),
    "cosh": ("a", "half_exp(abs(a)) if abs(a) > 22 else cosh_of(exp(abs(a)))"),
    "cosh_of": ("a", "0.5*a + 0.5/a"),
    "half_exp": ("a", "exp(a - 1)*1.3591409142295225"),  # of half of e
    "tanh": ("a", "tanh_of(a) if a > 0 else -tanh_of(-a)"),
    "tanh_of": ("a", "1 - 2/(expm1(2*a) + 2) if a > 0.6 else tanh_near(expm1(2*a))"),
    "tanh_near": ("a", "a/(a + 2)"),
    "asinh": ("a", "a if a == 0 else asinh_of(a) if a > 0 else -asinh_of(-a)"),
    "asinh_of": ("a", "log(a) + LN2 if a > 2e8 else log1p(a + a*a/(1 + sqrt(1 + a*a)))"),
    "acosh": ("a", "nan if a < 1 else log(a) + LN2 if a > 2e8 else acosh_of(a - 1)"),
    "acosh_of": ("a", "log1p(a + sqrt(2*a + a*a))"),
    "atanh": ("a", "a if a == 0 else atanh_of(a) if a > 0 else -atanh_of(-a)"),
    "atanh_of": ("a", "0.5*log1p(2*a + 2*a*a/(1 - a)) if a < 0.5 else 0.5*log1p(2*a/(1 - a))"),
    # -- the error function: the square of a is that of b, which is exact, and the rest.  The two
    #    exponentials do not stand side by side, lest they become one again
    "erf": (
        "a",
        "a + a*erf_series(a*a) if abs(a) < 0.5 else 1 - erfc_far(a) if a > 0 else erfc_far(-a) - 1",
    ),
    "erfc": ("a", "1 - erf(a) if a < 0.5 else erfc_far(a)"),
    "erfc_far": ("a", "erfc_cut(minimum(a, 40.0))"),
    "erfc_cut": ("a", "erfc_split(a, floor(16*a)/16)"),
    "erfc_split": (
        "a b",
        "exp(-b*b)*(erfc_series((a - 3)/(a + 3))/(1 + 2*a))*exp((b - a)*(b + a))",
    ),
    "erf_series": ("z", _polynomial(_ERF)),
    "erfc_series": ("z", _polynomial(_ERFC)),
    "erfinv": (
        "a",
        "a if a == 0 or a != a else a*inf if abs(a) == 1 else nan if abs(a) > 1 else "
        "erfinv_of(a) if a > 0 else -erfinv_of(-a)",
    ),
    "erfinv_of": ("a", "erfinv_from(a, log1p(-a*a) if a < 0.5 else log((1 - a)*(1 + a)))"),
    "erfinv_from": (
        "a w",
        "erfinv_step(erfinv_step(erfinv_step("
        "erfinv_near(w/0.147, 4.330746750799873 + 0.5*w), a), a), a)",
    ),
    "erfinv_near": ("w t", "sqrt(-w/(sqrt(t*t - w) + t))"),
    "erfinv_step": (
        "v a",
        "erfinv_next(v, (erf(v) - a if a < 0.5 else (1 - a) - erfc(v))/"
        "(TWO_OVER_SQRT_PI*exp(-v*v)))",
    ),
    "erfinv_next": ("v d", "v - d/(1 + v*d)"),
    # -- the gamma function's family: led back to 1 to 3, in at most seven steps
    "lgamma": (
        "a",
        "lgamma_of(a) if a > 0 else inf if a == floor(a) else "
        "lgamma_of(a - floor(a)) + (lgamma_of(ceil(a) - a) - lgamma_of(1 - a))",
    ),
    "lgamma_of": (
        "a",
        "lgamma_far(a, 1/a) if a >= 10 else lgamma_1(a, 1.0) if a >= 0.75 else "
        "lgamma_8(a + 1, 1.0) - log(a)",
    ),
    **{
        f"lgamma_{k}": ("a p", f"lgamma_{k + 1}(lower(a), p*lower(a) if a > 3 else p)")
        for k in range(1, 8)
    },
    "lower": ("a", "a - 1 if a > 3 else a"),
    "lgamma_8": ("a p", "log(p) + (a - 1)*(a - 2)*lgamma_series((a - 1.5)/(a + 1.5))"),
    "lgamma_series": ("z", _polynomial(LGAMMA)),
    "lgamma_far": (
        "a w",
        "(a - 0.5)*(log(a) - 1) + (0.4189385332046727 + w*lgamma_tail(w*w))",
    ),
    "lgamma_tail": (
        "z",
        _polynomial(tuple(b / (k * (k - 1)) for k, b in _EVEN[::-1])),
    ),
    "digamma": (
        "a",
        "digamma_of(a) if a > 0 else -1/a if a == 0 else nan if a == floor(a) else "
        "digamma_of(a - floor(a)) + (digamma_of(1 - a) - digamma_of(ceil(a) - a))",
    ),
    "digamma_of": (
        "a",
        "digamma_far(a, 1/(a*a)) if a >= 10 else digamma_1(a, 0.0) if a >= 1 else "
        "digamma_8(a + 1, 0.0) - 1/a",
    ),
    **{
        f"digamma_{k}": ("a p", f"digamma_{k + 1}(lower(a), p + 1/lower(a) if a > 3 else p)")
        for k in range(1, 8)
    },
    # the zero of digamma is the sum of two numbers
    "digamma_8": (
        "a p",
        "p + ((a - 1.4616321449683622) - 9.549995429965697e-17)*"
        "digamma_series((a - 1.75)/(a + 1.75))",
    ),
    "digamma_series": ("z", _polynomial(DIGAMMA)),
    "digamma_far": ("a z", "log(a) - (0.5/a + z*digamma_tail(z))"),
    "digamma_tail": ("z", _polynomial(tuple(b / k for k, b in _EVEN[::-1]))),
    "polygamma": ("a b", "polygamma_of(rint(a), b)"),
    "polygamma_of": (
        "a b",
        "digamma(b) if a == 0 else nan if a < 0 or a != a else "
        "exp(lgamma_of(a + 1))*zetas(a, b, 1.0 if a - 2*floor(a/2) == 1 else -1.0)",
    ),
    # the sign s is 1 for odd orders and -1 for even ones
    "zetas": (
        "a b s",
        "s*zeta_of(a, b) if b > 0 else s*inf if b == floor(b) else s*zeta_of(a, b - floor(b)) + "
        "(zeta_of(a, ceil(b) - b) - zeta_of(a, 1 - b))",
    ),
    "zeta_of": ("a b", "0.0 if b == inf else zeta(a + 1, b)"),
}
