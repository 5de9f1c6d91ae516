"""What ``detect_anomaly()`` says: which operation gave the first nan or inf, of what, and where."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodiff.value import Value


def source_line() -> str:
    """The line of the user's program that is being executed: the nearest outside this package."""
    frame = sys._getframe()
    while frame.f_back and ours(frame.f_globals):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def ours(names: dict[str, Any]) -> bool:
    """Whether these are the globals of a module of this package."""
    return bool(names.get("__name__", "").partition(".")[0] == "autodiff")


def written(v: Value) -> str:
    """A computed Value as it might be written: ``log(x=0.0)``."""
    from autodiff.value import number_of

    operands = [
        repr(x) if isinstance(x, float) else (f"{x.name}=" if x.name else "") + repr(number_of(x))
        for x in v.operands
    ]
    return f"{v.op}({', '.join(operands)})"


def refuse_value(v: Value, source: str) -> None:
    """Raise FloatingPointError if a Value just recorded is nan or inf."""
    from autodiff.value import number_of

    if not math.isfinite(number_of(v)):
        raise FloatingPointError(f"{written(v)} is {number_of(v)}, at {source}")


def refuse_sweep(v: Value, adjoint: float, source: str) -> None:
    """Raise FloatingPointError if ``v`` has received nan or inf, or hands it to an operand."""
    if not math.isfinite(adjoint):
        what = written(v) if v.op else f"leaf {v.name or v.data!r}"
        raise FloatingPointError(f"backward(): the gradient of {what} adds up to {adjoint!r}")
    for x, partial in zip(v.operands, v.partials, strict=True):
        if not isinstance(x, float) and not math.isfinite(adjoint * partial):
            raise FloatingPointError(
                f"backward() through {written(v)}: the gradient {adjoint!r} times the partial "
                f"{partial!r} is {adjoint * partial!r}; recorded at "
                f"{source or 'an unknown line, outside detect_anomaly()'}"
            )
