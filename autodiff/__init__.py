"""autodiff: write scalars, see every derivative, run at the speed of C.

>>> from autodiff import Value, sin
>>> x = Value(2.0)
>>> y = x * sin(x)
>>> y.backward()
>>> x.grad == sin(2.0) + 2.0 * __import__("math").cos(2.0)
True
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any


def _interpret(module: str) -> None:
    """Load a module from its Python source, though a compiled one stands beside it."""
    name = f"{__name__}.{module}"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{module}.py"))
    assert spec is not None and spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


if os.environ.get("AUTODIFF_PURE", "0") not in ("", "0"):
    _interpret("value")

from autodiff import functions, ops  # noqa: E402
from autodiff.contexts import detect_anomaly, no_grad, scope  # noqa: E402
from autodiff.functions import PUBLIC, primitive  # noqa: E402
from autodiff.value import COMPILED, TABLE_DIGEST, Value  # noqa: E402

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


globals().update(PUBLIC)

__version__ = "0.1.0"
__all__ = [
    "COMPILED",
    "Value",
    "detect_anomaly",
    "functions",


    "no_grad",
    "ops",

    "primitive",
    "scope",
    *PUBLIC,
]
