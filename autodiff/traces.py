"""Traces: what ``jit`` and the other transforms note down while a function runs.

Inside a trace every node belongs to it (through its note), every comparison of a Value is a guard,
and what would turn a Value into a plain number, which would stay the same ever after, is refused.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from autodiff.anomalies import source_line
from autodiff.modes import MODE, Mode, Note
from autodiff.reals import describe

if TYPE_CHECKING:
    from autodiff.value import Value

_READING = {
    "data": "reading .data of a Value in a function that is traced would freeze the number of this "
    "call: compute with the Value itself, or use .detach() for a constant",
    "partials": "reading .partials in a function that is traced would freeze the numbers of this "
    "call: use autodiff.grad(f)",
    "copy": "a copy of a Value in a function that is traced would freeze the number of this call: "
    "Values never change, so use the Value itself, or .detach() for a constant",
    "grad": "reading .grad as a number in a function that is traced would freeze it: use "
    "autodiff.grad(f), or backward(create_graph=True)",
    "setting data": "setting .data of a Value in a function that is traced would happen once, not "
    "at every call: compute another Value, or set it outside",
    "setting grad": "setting .grad of a Value in a function that is traced would happen once, not "
    "at every call: set it outside",
    "backward()": "backward() in a function that is traced leaves plain numbers: use "
    "autodiff.grad(f), or backward(create_graph=True)",
}


COMPARISONS = ["==", "<", "<=", ">", ">="]
#: The same as functions: of numbers, of arrays of them, and of Values.
COMPARE = [operator.eq, operator.lt, operator.le, operator.gt, operator.ge]


class Guard(NamedTuple):
    """A comparison that was made while tracing, and how it came out."""

    outcome: bool
    how: int  #: an index of COMPARISONS
    left: Value
    right: Value | float
    source: str  #: the line of the program that compared


class Trace:
    """What is noted down while a function runs in the mode of the trace.

    >>> from autodiff import Value
    >>> from autodiff.contexts import within
    >>> x, trace = Value(2.0), Trace()
    >>> y = within(trace.mode(), lambda: x * x if x > 1 else x)
    >>> [(g.left is x, COMPARISONS[g.how], g.right, g.outcome) for g in trace.guards]
    [(True, '>', 1.0, True)]
    """

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.note = Note(shared=True, trace=self)

    def mode(self) -> Mode:
        """The mode in which operations are recorded for this trace."""
        return MODE.get()._replace(recording=True, note=self.note, trace=self)


def active() -> Trace | None:
    """The innermost trace of this thread or task."""
    return MODE.get().trace


def notice(outcome: bool, how: int, left: Value, right: Any) -> None:
    """Note a comparison in the trace, if there is one.

    Raises:
        TypeError: if ``right`` is a number that no float is equal to, as the Fraction 1/3.
    """
    from autodiff.value import number_of

    trace = active()
    if trace is None:
        return
    number = right
    if type(right) is not type(left):
        try:
            number = float(right)
            same = number == right or right != right
        except OverflowError:
            same = False
        # NumPy compares a float with a float32 as float32
        if not same or outcome != COMPARE[how](number_of(left), number):
            raise TypeError(
                f"a Value was compared with {describe(right)} in a function that is traced: "
                "compare it with a float"
            )
    trace.guards.append(Guard(outcome, how, left, number, source_line()))


def refuse_reading(what: str) -> None:
    """Raise RuntimeError, in a trace, for what would freeze a number."""
    if active() is not None:
        raise RuntimeError(f"{_READING[what]} (at {source_line()})")
