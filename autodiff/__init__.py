"""autodiff: write scalars, see every derivative, run at the speed of C.

>>> from autodiff import Value, sin
>>> x = Value(2.0)
>>> y = x * sin(x)
>>> y.backward()
>>> x.grad == sin(2.0) + 2.0 * __import__("math").cos(2.0)
True
"""

from __future__ import annotations

import importlib
from typing import Any

from autodiff.engine import choice  # isort: skip  # it must be the first
from autodiff import functions, nn, ops, optim
from autodiff.checkpoints import load, save
from autodiff.contexts import detect_anomaly, no_grad, scope
from autodiff.functions import PUBLIC, take
from autodiff.functions import round as round
from autodiff.primitive import primitive
from autodiff.transforms import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)
from autodiff.value import COMPILED, TABLE_DIGEST, Value


def __getattr__(name: str) -> Any:
    """Modules that not every program needs are imported when they are first used.

    ``plot`` is not in ``__all__``: ``from autodiff import *`` must not want matplotlib.
    """
    if name in ("graph", "plot", "testing"):
        return importlib.import_module(f"autodiff.{name}")
    raise AttributeError(f"module 'autodiff' has no attribute {name!r}")


choice.check(COMPILED, TABLE_DIGEST)
globals().update(PUBLIC)

__version__ = "0.1.0"
__all__ = [
    "COMPILED",
    "Value",
    "derivative",
    "detect_anomaly",
    "functions",
    "grad",
    "graph",
    "hessian",
    "hvp",
    "jacobian",
    "jit",
    "jvp",
    "load",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
    "save",
    "scope",
    "take",
    "testing",
    "value_and_grad",
    "vjp",
    "vmap",
    *PUBLIC,
]
