"""How operations are recorded, and the notes that few nodes carry.

The mode belongs to a thread or task (a context variable), so that ``no_grad()`` in one thread never
stops the recording of another.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any, NamedTuple


class Note:
    """What few nodes have: a name, a scope, a source line, a gradient that is itself a Value."""

    __slots__ = ("grad", "name", "scope", "source")

    def __init__(self, name: str = "", scope: str = "", source: str = "") -> None:
        self.name = name
        self.scope = scope
        self.source = source
        self.grad: Any = None


class Mode(NamedTuple):
    """What ``no_grad``, ``detect_anomaly`` and ``scope`` have set."""

    recording: bool = True
    detecting: bool = False
    scope: str = ""


MODE: ContextVar[Mode] = ContextVar("autodiff mode", default=Mode())


def source_line() -> str:
    """The line of the user's program that is being executed: the nearest outside this package."""
    frame = sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "autodiff":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
