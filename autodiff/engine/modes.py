"""How operations are recorded, and the notes that few nodes carry.

The mode belongs to a thread or task (a context variable), so that ``no_grad()`` in one thread never
stops the recording of another.  Compiled as ``value.py`` is.
"""

from __future__ import annotations

from contextvars import ContextVar
from sys import _getframe as frame_now
from typing import Any, NamedTuple

from autodiff.engine.anomalies import ours


class Note:
    """Metadata, which few nodes have: a name, a scope, a source line, a trace, a recorded gradient.

    Of a call that ``jit`` recorded as one node, the ``call``, which can record its partials.
    And, compiled, the attributes that a program has put on a node.  The nodes recorded in one scope
    share one note, until one of them gets something of its own.
    """

    __slots__ = (
        "attributes",
        "call",
        "grad",
        "lines",
        "name",
        "root",
        "scope",
        "shared",
        "source",
        "trace",
    )

    def __init__(
        self,
        name: str = "",
        scope: str = "",
        source: str = "",
        shared: bool = False,
        trace: Any = None,
    ) -> None:
        self.name = name
        self.scope = scope
        self.source = source
        self.shared = shared
        self.trace = trace
        self.root = None if trace is None else trace.root  # the frozen trace that this one is in
        self.grad: Any = None
        self.call: Any = None
        self.lines: dict[int, Any] | None = None  # see of_line
        self.attributes: dict[str, Any] | None = None

    def own(self) -> Note:
        """A note that its node may change: this one, or a copy of one that is shared."""
        if not self.shared:
            return self
        return Note(self.name, self.scope, self.source, False, self.trace)

    def of_line(self) -> Note:
        """A note like this shared one, for what the user's program records on its present line."""
        if self.lines is None:
            self.lines = {}
        frame: Any = frame_now()
        while True:
            code = frame.f_code
            key = (id(code) << 24) + frame.f_lasti
            found = self.lines.get(key)
            if found is None:
                own = None
                if frame.f_back is None or not ours(frame.f_globals):
                    line = f"{code.co_filename}:{frame.f_lineno}"
                    own = Note(self.name, self.scope, line, True, self.trace)
                found = self.lines[key] = code, own  # with the code, so that its id stays its own
            if found[1] is not None:
                note: Note = found[1]
                return note
            frame = frame.f_back


class Mode(NamedTuple):
    """What ``no_grad``, ``detect_anomaly``, ``scope`` and a trace have set."""

    recording: bool = True
    detecting: bool = False
    note: Note | None = None  # the current scope's, for every node that is recorded in it
    trace: Any = None  # a Trace: the innermost frozen trace: what jit is tracing
    entered: tuple[Any, Mode] | None = None  # the context entered last, the mode outside it
    lines: bool = False  # whether every node notes the line of the user's program that recorded it

    def note_of_leaf(self) -> Note | None:
        """What a new leaf begins with: in a trace it is a constant, but for a frozen one.

        That reads it at every call, as whatever comes from outside.
        """
        note = self.note
        if note is None or note.trace is None or note.trace.root is not None:
            return None
        return note


PLAIN = Mode()
MODE: ContextVar[Mode] = ContextVar("autodiff mode", default=PLAIN)
