"""The functions of C's ``math.h`` on Python floats, as IEEE 754 has them: none of them raises.

Python's ``math`` calls the same C library as the compiled kernels, so the two agree bit for bit;
where ``math`` raises (``log(0)``, ``exp(1000)``), NumPy's answer, inf or nan, is the result.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable

import numpy as np


def _total(function: Callable[..., float], at_edges: Callable[..., float]) -> Callable[..., float]:
    """``function`` where it is defined, ``at_edges`` where it raises."""

    def call(*args: float) -> float:
        try:
            return function(*args)
        except (ValueError, OverflowError):
            with np.errstate(all="ignore"):
                return float(at_edges(*map(np.float64, args)))

    return call


def div(a: float, b: float) -> float:
    """``a/b``; inf or nan where ``b`` is 0.

    >>> div(1.0, -0.0), div(0.0, 0.0)
    (-inf, nan)
    """
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1, b)


def _cbrt() -> Callable[[float], float]:
    """The cube root of the C library, for Python 3.10, whose ``math`` has none."""
    cbrt = ctypes.CDLL(None if os.name == "posix" else "ucrtbase").cbrt
    cbrt.argtypes, cbrt.restype = [ctypes.c_double], ctypes.c_double
    return cbrt


# abs(complex) is C's hypot; math.hypot is another algorithm, which differs in the last bit.
FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "div": div,
    "pow": _total(math.pow, np.power),
    "sqrt": _total(math.sqrt, np.sqrt),
    "cbrt": getattr(math, "cbrt", None) or _cbrt(),
    "hypot": _total(lambda a, b: abs(complex(a, b)), np.hypot),
    "exp": _total(math.exp, np.exp),
    "expm1": _total(math.expm1, np.expm1),
    "log": _total(math.log, np.log),
    "log1p": _total(math.log1p, np.log1p),
    "log2": _total(math.log2, np.log2),
    "log10": _total(math.log10, np.log10),
    "sin": _total(math.sin, np.sin),
    "cos": _total(math.cos, np.cos),
    "tan": _total(math.tan, np.tan),
    "asin": _total(math.asin, np.arcsin),
    "acos": _total(math.acos, np.arccos),
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": _total(math.sinh, np.sinh),
    "cosh": _total(math.cosh, np.cosh),
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": _total(math.acosh, np.arccosh),
    "atanh": _total(math.atanh, np.arctanh),
    "floor": lambda a: float(np.floor(a)),
    "ceil": lambda a: float(np.ceil(a)),
    "trunc": lambda a: float(np.trunc(a)),
    "rint": lambda a: float(np.rint(a)),
    "erf": math.erf,
    "erfc": math.erfc,
}
