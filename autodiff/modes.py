"""How operations are recorded, and the notes that few nodes carry.

The mode belongs to a thread or task (a context variable), so that ``no_grad()`` in one thread never
stops the recording of another.  Compiled as ``value.py`` is.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from autodiff.contexts import Context
    from autodiff.traces import Trace


class Note:
    """What few nodes have: a name, a scope, a source line, a trace, a gradient that is a Value.

    And, compiled, the attributes that a program has put on a node.  The nodes recorded in one scope
    share one note, until one of them gets something of its own.
    """

    __slots__ = ("attributes", "grad", "name", "root", "scope", "shared", "source", "trace")

    def __init__(
        self,
        name: str = "",
        scope: str = "",
        source: str = "",
        shared: bool = False,
        trace: Trace | None = None,
    ) -> None:
        self.name = name
        self.scope = scope
        self.source = source
        self.shared = shared
        self.trace = trace
        self.root = None if trace is None else trace.root  # the frozen trace that this one is in
        self.grad: Any = None
        self.attributes: dict[str, Any] | None = None


class Mode(NamedTuple):
    """What ``no_grad``, ``detect_anomaly``, ``scope`` and a trace have set."""

    recording: bool = True
    detecting: bool = False
    note: Note | None = None  # the current scope's, for every node that is recorded in it
    trace: Trace | None = None  # the innermost frozen trace: what jit is tracing
    entered: tuple[Context, Mode] | None = None  # the context entered last, the mode outside it


PLAIN = Mode()
MODE: ContextVar[Mode] = ContextVar("autodiff mode", default=PLAIN)
