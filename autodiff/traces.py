"""Traces: what ``jit`` and the other transforms note down while a function runs.

Inside a trace every node belongs to it (through its note), every comparison of a Value is a guard,
and what would turn a Value into a plain number, which would stay the same ever after, is refused.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from autodiff.anomalies import source_line
from autodiff.modes import MODE, Note
from autodiff.reals import describe

if TYPE_CHECKING:
    from autodiff.value import Value

_READING = {
    "data": "reading .data of a Value in a function that is traced would freeze the number of this "
    "call: compute with the Value itself, or use .detach() for a constant",
    "grad": "reading .grad as a number in a function that is traced would freeze it: use "
    "autodiff.grad(f), or backward(create_graph=True)",
    "backward()": "backward() in a function that is traced leaves plain numbers: use "
    "autodiff.grad(f), or backward(create_graph=True)",
}


COMPARISONS = ["==", "<", "<=", ">", ">="]


class Guard(NamedTuple):
    """A comparison that was made while tracing, and how it came out."""

    outcome: bool
    how: int  #: an index of COMPARISONS
    left: Value
    right: Value | float
    source: str  #: the line of the program that compared


class Trace:
    """A context in which operations are recorded for one trace.

    >>> from autodiff import Value
    >>> x = Value(2.0)
    >>> with Trace() as trace:
    ...     y = x * x if x > 1 else x
    >>> [(g.left is x, COMPARISONS[g.how], g.right, g.outcome) for g in trace.guards]
    [(True, '>', 1.0, True)]
    """

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.note = Note(shared=True, trace=self)

    def __enter__(self) -> Trace:
        from autodiff.value import count_unusual

        mode = MODE.get()
        self._token = MODE.set(mode._replace(recording=True, note=self.note, trace=self))
        count_unusual(1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        from autodiff.value import count_unusual

        count_unusual(-1)
        MODE.reset(self._token)
        del self._token


def active() -> Trace | None:
    """The innermost trace of this thread or task."""
    return MODE.get().trace


def notice(outcome: bool, how: int, left: Value, right: Any) -> None:
    """Note a comparison in the trace, if there is one.

    Raises:
        TypeError: if ``right`` is a number that no float is equal to, as the Fraction 1/3.
    """
    trace = active()
    if trace is None:
        return
    number = right
    if type(right) is not type(left):
        number = float(right)
        if number != right and right == right:
            raise TypeError(
                f"a Value was compared with {describe(right)} in a function that is traced: "
                "compare it with a float"
            )
    trace.guards.append(Guard(outcome, how, left, number, source_line()))


def refuse_reading(what: str) -> None:
    """Raise RuntimeError, in a trace, for what would freeze a number."""
    if active() is not None:
        raise RuntimeError(f"{_READING[what]} (at {source_line()})")
