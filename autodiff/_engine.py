"""Which engine runs: the compiled one, unless there is none or ``AUTODIFF_PURE=1`` asks otherwise.

The package imports this module first of all.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

#: The modules that are compiled.
MODULES = [
    *("modes", "value", "sweeps", "arrays", "contexts"),
    *("compiler.numbering", "compiler.emitter", "compiler.loops"),
]


def _interpret(module: str) -> None:
    """Load a module from its Python source, though a compiled one may stand beside it."""
    name = f"autodiff.{module}"
    parent, _, last = name.rpartition(".")
    package = importlib.import_module(parent)
    path = Path(__file__).parent / f"{module.replace('.', '/')}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    setattr(package, last, loaded)


def check() -> None:
    """Refuse kernels that were compiled from another table than ``ops.py`` has now.

    Raises:
        ImportError: with the remedy.
    """
    from autodiff import ckernels, value

    if value.COMPILED and ckernels.digest() != value.TABLE_DIGEST:
        raise ImportError(
            "the compiled engine was built from another table of primitives: build it again "
            "(pip install -e .), or set AUTODIFF_PURE=1 to do without it"
        )


if os.environ.get("AUTODIFF_PURE", "") not in ("", "0"):
    for module in MODULES:
        _interpret(module)
