"""autodiff: write scalars, see every derivative, run at the speed of C.

>>> from autodiff import Value, sin
>>> x = Value(2.0)
>>> y = x * sin(x)
>>> y.backward()
>>> x.grad == sin(2.0) + 2.0 * __import__("math").cos(2.0)
True
"""

import importlib as _importlib
import typing as _typing

from autodiff.engine import choice as _choice  # isort: skip  # it must be the first
from autodiff import functions, linalg, nn, ops, optim
from autodiff.checkpoints import load, save
from autodiff.contexts import detect_anomaly, no_grad, scope
from autodiff.functions import *  # noqa: F403  # all that __all__ has there
from autodiff.interpolation import interp
from autodiff.primitive import primitive
from autodiff.transforms import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    loop,
    scan,
    value_and_grad,
    vjp,
    vmap,
)
from autodiff.value import COMPILED, Value
from autodiff.value import TABLE_DIGEST as _TABLE_DIGEST

# What not every program needs is imported when it is first used.
if _typing.TYPE_CHECKING:
    from autodiff import export, graph, testing
    from autodiff import plot as plot
else:

    def __getattr__(name: str) -> object:
        """``export``, ``graph``, ``plot`` and ``testing``, imported when they are first used."""
        if name in ("export", "graph", "plot", "testing"):
            return _importlib.import_module(f"autodiff.{name}")
        raise AttributeError(f"module 'autodiff' has no attribute {name!r}")


_choice.check(COMPILED, _TABLE_DIGEST)

__version__ = "0.1.0"
__all__ = [
    "COMPILED",
    "Value",
    "derivative",
    "detect_anomaly",
    "export",
    "functions",
    "grad",
    "graph",
    "hessian",
    "hvp",
    "interp",
    "jacobian",
    "jit",
    "jvp",
    "linalg",
    "load",
    "loop",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "primitive",
    "save",
    "scan",
    "scope",
    "testing",
    "value_and_grad",
    "vjp",
    "vmap",
]  # not plot: ``from autodiff import *`` must not want matplotlib
__all__ += functions.__all__
__all__.remove("abs")  # ``from autodiff import *`` leaves Python's own as they are
__all__.remove("pow")
__all__.remove("round")
__all__.remove("sum")
