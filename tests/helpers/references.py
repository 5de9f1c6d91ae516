"""What every primitive means, stated apart from the table: in mpmath, at any precision."""

import mpmath
from mpmath import mp

from autodiff.testing import precise

#: The functions of C's ``math.h`` and the like.
FUNCTIONS = precise.functions(mp)
erfc = FUNCTIONS["erfc"]

# Rows over lists take one list of operands; those of dot stand end to end.
MEANINGS = {
    **FUNCTIONS,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "square": lambda a: a**2,
    "monomial": lambda c, a, b: c * a**b,
    "log_monomial": lambda c, a, b, m: c * a**b * mpmath.log(a) ** m,
    "logaddexp": lambda a, b: max(a, b) + mpmath.log1p(mpmath.exp(-abs(a - b))),
    "xlogy": lambda a, b: a * mpmath.log(b) if a else a,
    "asin_da": lambda a: 1 / mpmath.sqrt(1 - a**2),
    "asinh_da": lambda a: 1 / mpmath.sqrt(1 + a**2),
    "atanh_da": lambda a: 1 / (1 - a**2),
    "relu": lambda a: max(a, mp.zero),
    "leaky_relu": lambda a, b: a if a > 0 else b * a,
    "elu": lambda a, b: a if a > 0 else b * mpmath.expm1(a),
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
    "logsigmoid": lambda a: -mpmath.log1p(mpmath.exp(-a)),
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * erfc(-a / mpmath.sqrt(2)) / 2,
    "huber": lambda a, b: a * a / 2 if abs(a) <= b else b * (abs(a) - b / 2),
    "bernoulli_entropy": lambda a, b: -(b * mpmath.log(a) + (1 - b) * mpmath.log1p(-a)),
    "logit_entropy": lambda a, b: (
        b * mpmath.log1p(mpmath.exp(-a)) + (1 - b) * mpmath.log1p(mpmath.exp(a))
    ),
    "divergence": lambda a, b: a * (mpmath.log(a) - b) if a else a,
    "maximum": max,
    "minimum": min,
    "clip": lambda a, b, c: min(max(a, b), c),
    "sign": mpmath.sign,
    "step": lambda a: mp.mpf(a > 0),
    "positive": lambda a: mp.mpf(a > 0),
    "prefer": lambda a, b: (mpmath.sign(a - b) + 1) / 2,
    "ratio": lambda a, b: a / b,
    "equal": lambda a, b: mp.mpf(a == b),
    "less": lambda a, b: mp.mpf(a < b),
    "less_equal": lambda a, b: mp.mpf(a <= b),
    "greater": lambda a, b: mp.mpf(a > b),
    "greater_equal": lambda a, b: mp.mpf(a >= b),
    "sum": lambda *xs: mpmath.fsum(xs),
    "mean": lambda *xs: mpmath.fsum(xs) / len(xs),
    "dot": lambda *xs: mpmath.fdot(xs[: len(xs) // 2], xs[len(xs) // 2 :]),
    "norm": lambda *xs: mpmath.sqrt(mpmath.fsum(x * x for x in xs)),
    "logsumexp": lambda *xs: mpmath.log(mpmath.fsum(map(mpmath.exp, xs))),
}


def value(name, operands):
    """The value, as an mpf of the working precision."""
    return mp.mpf(MEANINGS[name](*map(mp.mpf, operands)))


def derivative(name, operands, *by):
    """The derivative by operand ``by[0]``, then ``by[1]`` ...: a difference with a tiny step."""
    orders = tuple(by.count(i) for i in range(len(operands)))
    return mpmath.diff(MEANINGS[name], tuple(map(mp.mpf, operands)), orders)


def slope(name, operands, i):
    """The derivative by operand ``i``, to thirty digits or so, wherever in the range of doubles.

    It is a central difference, whose step is small beside the operand, beside 1 and beside the
    distance from any double to a pole.  Its terms are computed with more and more digits, until
    enough of them are left of the difference; a difference that 1600 digits do not show is 0.
    """
    if (name, i) == ("polygamma", 0):
        return mp.zero  # it is rounded to an integer, and 1600 digits would take seconds
    operands = list(map(mp.mpf, operands))
    x = operands[i]
    step = mp.ldexp(min(1, abs(x)), -120)
    for digits in (100, 400, 800, 1600):
        with mp.workdps(digits):
            operands[i] = x - step
            low = MEANINGS[name](*operands)
            operands[i] = x + step
            difference = MEANINGS[name](*operands) - low
            if difference and mp.mag(difference) - mp.mag(low) + mp.prec > 100:
                break
    return difference / (2 * step)
