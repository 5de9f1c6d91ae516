"""Which engine runs: the compiled one, unless there is none or ``AUTODIFF_PURE=1`` asks otherwise.

The package imports this module first of all.  What has a ``.pxd`` beside it is compiled.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]

#: The modules that are compiled.
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.pxd")
)


class Interpret(MetaPathFinder):
    """Finds the Python source of a module, though a compiled one may stand beside it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where one of ``MODULES`` is; None for any other."""
        package, _, module = name.partition(".")
        if package != "autodiff" or module not in MODULES:
            return None
        return importlib.util.spec_from_file_location(name, ROOT / f"{module.replace('.', '/')}.py")


def check(compiled: bool, digest: str) -> None:
    """Refuse kernels that were compiled from another table than ``ops.py`` has now.

    Raises:
        ImportError: with the remedy.
    """
    from autodiff.engine import ckernels

    if compiled and ckernels.digest() != digest:
        raise ImportError(
            "the compiled engine was built from another table of primitives: build it again "
            "(pip install -e .), or set AUTODIFF_PURE=1 to do without it"
        )


if os.environ.get("AUTODIFF_PURE", "") not in ("", "0"):
    sys.meta_path.insert(0, Interpret())
