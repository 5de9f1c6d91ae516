"""Which engine runs: the compiled one, unless there is none or ``AUTODIFF_PURE=1`` asks otherwise.

The package imports this module first of all.  What has a ``.pxd`` beside it is compiled.

* ``check`` -- the compiled engine belongs to the table of primitives;
* ``sentence`` -- which engine runs, and why;
* ``count_interpreted`` -- says so once, if nobody asked for it and it costs time.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from autodiff.engine.anomalies import warn

ROOT = Path(__file__).parents[1]

#: Whether the interpreted engine is asked for.
ASKED = os.environ.get("AUTODIFF_PURE", "") not in ("", "0")

#: After so many nodes, which take a second or two, it is said that they are interpreted.
MANY = 1_000_000

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


def sentence(compiled: bool) -> str:
    """Which engine runs, and why.

    >>> sentence(True)
    'the engine is compiled'
    """
    if compiled:
        return "the engine is compiled"
    if ASKED:
        return "the engine runs interpreted, since AUTODIFF_PURE asks for it"
    return (
        "the engine runs interpreted, about ten times slower, since none is compiled for "
        f"{platform.python_implementation()} {platform.python_version()} in {ROOT}: install "
        "autodiff again where there is a C compiler, by pip with --force-reinstall and "
        "--no-cache-dir, or set AUTODIFF_PURE=1 if that is what you want"
    )


def count_interpreted(nodes: int) -> None:
    """Count nodes and instructions that are interpreted; warn once, when they become ``MANY``.

    Who only imports, does little or has asked for it is not bothered.
    """
    global _before
    before, _before = _before, _before + nodes
    if before < MANY <= before + nodes and not ASKED:
        warn(sentence(False))


_before = 0  # how many there were

if ASKED:
    sys.meta_path.insert(0, Interpret())
