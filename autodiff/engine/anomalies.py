"""What ``detect_anomaly()`` says: which operation gave the first nan or inf, of what, and where.

And what else is said about a line of the user's program.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any


def source_line() -> str:
    """The line of the user's program that is being executed: the nearest outside this package."""
    frame = _users_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def warn(words: str) -> None:
    """Give a RuntimeWarning about that line."""
    frame = _users_frame()
    seen = frame.f_globals.setdefault("__warningregistry__", {})
    at = (frame.f_code.co_filename, frame.f_lineno)
    warnings.warn_explicit(words, RuntimeWarning, *at, registry=seen)


def _users_frame() -> FrameType:
    frame = sys._getframe()
    while frame.f_back and ours(frame.f_globals):
        frame = frame.f_back
    return frame


def ours(names: dict[str, Any]) -> bool:
    """Whether these are the globals of a module of this package."""
    return bool(names.get("__name__", "").partition(".")[0] == "autodiff")


def written(op: str, names: Sequence[str], numbers: Sequence[Any]) -> str:
    """An operation on numbers, of which some have names, as it might be written: ``log(x=0.0)``."""
    operands = [
        f"{name}={x!r}" if name else repr(x) for name, x in zip(names, numbers, strict=True)
    ]
    return f"{op}({', '.join(operands)})"


def not_finite(operation: str, number: float, source: str) -> FloatingPointError:
    """What says that an operation gave nan or inf."""
    return FloatingPointError(f"{operation} is {number}, at {source}")


def gradient_not_finite(node: str, adjoint: float) -> FloatingPointError:
    """What says that the gradient of a node adds up to nan or inf."""
    return FloatingPointError(f"backward(): the gradient of {node} adds up to {adjoint!r}")


def product_not_finite(
    operation: str, adjoint: float, partial: float, source: str
) -> FloatingPointError:
    """What says that a node hands nan or inf to an operand."""
    return FloatingPointError(
        f"backward() through {operation}: the gradient {adjoint!r} times the partial "
        f"{partial!r} is {adjoint * partial!r}; recorded at "
        f"{source or 'an unknown line, outside detect_anomaly()'}"
    )
