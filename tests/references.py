"""What every primitive means, stated apart from the table: in mpmath, at any precision."""

import mpmath
from mpmath import mp

# Rows over lists take one list of operands; those of dot stand end to end.
MEANINGS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "abs": lambda a: abs(a),
    "square": lambda a: a**2,
    "pow": lambda a, b: a**b,
    "pow_da": lambda a, b: b * a ** (b - 1),
    "pow_db": lambda a, b: a**b * mpmath.log(a),
    "sqrt": mpmath.sqrt,
    "cbrt": lambda a: mpmath.sign(a) * mpmath.root(abs(a), 3),
    "hypot": lambda a, b: mpmath.sqrt(a**2 + b**2),
    "exp": mpmath.exp,
    "expm1": lambda a: mpmath.exp(a) - 1,
    "log": mpmath.log,
    "log1p": lambda a: mpmath.log(1 + a),
    "log2": lambda a: mpmath.log(a) / mpmath.log(2),
    "log10": lambda a: mpmath.log(a) / mpmath.log(10),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "atan2": mpmath.atan2,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "relu": lambda a: max(a, mp.zero),
    "leaky_relu": lambda a, b: a if a > 0 else b * a,
    "elu": lambda a, b: a if a > 0 else b * (mpmath.exp(a) - 1),
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "softplus": lambda a: mpmath.log(1 + mpmath.exp(a)),
    "silu": lambda a: a / (1 + mpmath.exp(-a)),
    "gelu": lambda a: a * mpmath.ncdf(a),
    "maximum": max,
    "minimum": min,
    "sign": mpmath.sign,
    "step": lambda a: mp.mpf(a > 0),
    "positive": lambda a: mp.mpf(a > 0),
    "prefer": lambda a, b: (mpmath.sign(a - b) + 1) / 2,
    "ratio": lambda a, b: a / b,
    "sum": lambda *xs: mpmath.fsum(xs),
    "mean": lambda *xs: mpmath.fsum(xs) / len(xs),
    "dot": lambda *xs: mpmath.fdot(xs[: len(xs) // 2], xs[len(xs) // 2 :]),
    "logsumexp": lambda *xs: mpmath.log(mpmath.fsum(map(mpmath.exp, xs))),
}


def value(name, operands):
    """The value, as an mpf of the working precision."""
    return mp.mpf(MEANINGS[name](*map(mp.mpf, operands)))


def derivative(name, operands, *by):
    """The derivative by operand ``by[0]``, then ``by[1]`` ...: a difference with a tiny step."""
    orders = tuple(by.count(i) for i in range(len(operands)))
    return mpmath.diff(MEANINGS[name], tuple(map(mp.mpf, operands)), orders)
