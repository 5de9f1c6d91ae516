"""How operations are recorded, and what few nodes carry: where they were recorded, and a note.

The mode belongs to a thread or task (a context variable), so that ``no_grad()`` in one thread never
stops the recording of another.  Compiled as ``value.py`` is.
"""

from __future__ import annotations

from contextvars import ContextVar
from sys import _getframe as frame_now
from typing import Any, NamedTuple

from autodiff.engine.anomalies import ours


class Origin:
    """Where nodes are recorded: a scope, a line of the user's program, a trace.

    All that is recorded in one place shares one, and nobody changes it.
    """

    __slots__ = ("lines", "root", "scope", "source", "trace")

    def __init__(self, scope: str = "", source: str = "", trace: Any = None) -> None:
        self.scope = scope
        self.source = source
        self.trace = trace
        self.root = None if trace is None else trace.root  # the frozen trace that this one is in
        self.lines: dict[int, Any] | None = None  # see at_line

    def at_line(self) -> Origin:
        """This origin, at the line of the user's program that is being executed."""
        if self.lines is None:
            self.lines = {}
        frame: Any = frame_now()
        while True:
            code = frame.f_code
            key = (id(code) << 24) + frame.f_lasti
            found = self.lines.get(key)
            if found is None:
                here = None
                if frame.f_back is None or not ours(frame.f_globals):
                    line = f"{code.co_filename}:{frame.f_lineno}"
                    here = Origin(self.scope, line, self.trace)
                found = self.lines[key] = code, here  # with the code, so that its id stays its own
            if found[1] is not None:
                origin: Origin = found[1]
                return origin
            frame = frame.f_back


class Note(Origin):
    """An origin, and what one node alone has: a name, a gradient that is a Value.

    Of a call that ``jit`` recorded as one node, the ``call``, which can record its partials.
    And, compiled, the attributes that a program has put on the node.
    """

    __slots__ = ("attributes", "call", "grad", "name")

    def __init__(self, origin: Origin) -> None:
        Origin.__init__(self, origin.scope, origin.source, origin.trace)
        self.name = ""
        self.grad: Any = None
        self.call: Any = None
        self.attributes: dict[str, Any] | None = None


class Mode(NamedTuple):
    """What ``no_grad``, ``detect_anomaly``, ``scope`` and a trace have set."""

    recording: bool = True
    detecting: bool = False
    origin: Origin | None = None  # of what is recorded, but for the line
    trace: Any = None  # a Trace: the innermost frozen trace: what jit is tracing
    entered: tuple[Any, Mode] | None = None  # the context entered last, the mode outside it
    lines: bool = False  # see at_lines

    def at_lines(self) -> Mode:
        """This mode, but every node notes the line of the user's program that recorded it."""
        return self._replace(origin=self.origin or Origin(), lines=True)

    def innermost(self) -> Any:
        """The innermost Trace, frozen or not, or None."""
        return None if self.origin is None else self.origin.trace

    def origin_of_leaf(self) -> Origin | None:
        """That of a new leaf: in a trace it is a constant, but for a frozen one.

        That reads it at every call, as whatever comes from outside.
        """
        trace = self.innermost()
        return None if trace is None or trace.root is not None else self.origin


PLAIN = Mode()
#: Nowhere in particular: no scope, no trace, no line.
NOWHERE = Origin()
MODE: ContextVar[Mode] = ContextVar("autodiff mode", default=PLAIN)
