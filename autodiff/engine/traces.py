"""Traces: which Values a transform recorded, and what ``jit`` must know about a function's run.

Every transform runs its function on Values that belong to a trace (through their notes), so that
it knows its own from those that the function closes over.  Traces nest: what an inner transform
records belongs to the outer one too.

A trace of ``jit`` is *frozen*: its program is kept, and run again on other numbers.  In it, every
comparison of a Value is a guard; an integer that Python must know exactly is one too; and what
would turn a Value into a plain number, which would be baked into the program, is refused.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from autodiff.engine.anomalies import source_line
from autodiff.engine.modes import MODE, Mode, Origin
from autodiff.engine.reals import describe
from autodiff.ops import CODES, COMPARISONS

_READING = {
    "data": "reading .data of a Value in a function that is traced by jit would freeze the number "
    "of this call: compute with the Value itself, or use .detach() for a constant",
    "partials": "reading .partials in a function that is traced by jit would freeze the numbers of "
    "this call: use autodiff.grad(f)",
    "copy": "a copy of a Value in a function that is traced by jit would freeze the number of this "
    "call: Values never change, so use the Value itself, or .detach() for a constant",
    "grad": "reading .grad as a number in a function that is traced by jit would freeze it: use "
    "autodiff.grad(f), or backward(create_graph=True)",
    "setting data": "setting .data of a Value in a function that is traced by jit would happen "
    "once, not at every call: compute another Value, or set it outside",
    "setting grad": "setting .grad of a Value in a function that is traced by jit would happen "
    "once, not at every call: set it outside",
    "backward()": "backward() in a function that is traced by jit leaves plain numbers: use "
    "autodiff.grad(f), or backward(create_graph=True)",
    "format": "formatting a Value in a function that is traced by jit would freeze the number of "
    "this call: format the result outside",
}

_OPERATORS = (operator.eq, operator.lt, operator.le, operator.gt, operator.ge)
#: Python's operator of every comparison, by the number of its row.
COMPARE = dict(zip([CODES[name] for name in COMPARISONS], _OPERATORS, strict=True))

EQUAL = CODES["equal"]

#: What keeps integers integers.
_INTEGRAL = {"add", "sub", "mul", "neg", "abs", "square", "maximum", "minimum"}


class Guard(NamedTuple):
    """A comparison that was made while tracing, and its outcome."""

    outcome: bool
    op: int  #: the row of the comparison
    left: Any  #: a Value
    right: Any  #: a Value or a float
    source: str  #: the line of the program that compared


class Trace:
    """One run of a function by a transform; ``frozen`` if its program is kept.

    >>> from autodiff import Value
    >>> from autodiff.contexts import within
    >>> x, trace = Value(2.0), Trace(frozen=True)
    >>> y = within(trace.mode(), lambda: x * x if x > 1 else x)
    >>> [(g.left is x, COMPARE[g.op].__name__, g.right, g.outcome) for g in trace.guards]
    [(True, 'gt', 1.0, True)]
    """

    def __init__(self, frozen: bool = False, name: str = "") -> None:
        mode = MODE.get()
        self.name = name
        self.outer: Trace | None = mode.innermost()
        outer = self.outer
        #: the innermost frozen trace that it is, or is in
        self.root: Trace | None = self if frozen else None if outer is None else outer.root
        self.guards: list[Guard] = []
        self.integers: dict[int, Any] = {}  # by id, the inputs that came as integers
        #: what vmaps in it run; those of traces in one another are numbered together
        self.bodies: list[Any] = [] if outer is None else outer.bodies
        self.origin = Origin(trace=self)

    def forget(self) -> None:
        """Forget the Values of a run that is over: the cycle is one that no collector sees."""
        self.guards.clear()
        self.integers.clear()

    def mode(self) -> Mode:
        """The mode in which operations are recorded for this trace."""
        mode = MODE.get()
        trace = self if self.root is self else mode.trace
        return mode._replace(recording=True, origin=self.origin, trace=trace)


def active() -> Trace | None:
    """The innermost frozen trace of this thread or task."""
    trace: Trace | None = MODE.get().trace
    return trace


def record_guard(
    trace: Trace, outcome: bool, op: int, left: Any, right: Any, number_of_left: float
) -> None:
    """Record a comparison of a Value as a guard of the innermost frozen trace.

    Raises:
        TypeError: if ``right`` is a number that no float is equal to, as the Fraction 1/3.
    """
    number = right
    if type(right) is not type(left):
        try:
            number = float(right)
            same = number == right or right != right
        except OverflowError:
            same = False
        # NumPy compares a float with a float32 as float32
        if not same or outcome != COMPARE[op](number_of_left, number):
            raise TypeError(
                f"a Value was compared with {describe(right)} in a function that is traced: "
                "compare it with a float"
            )
    trace.guards.append(Guard(outcome, op, left, number, source_line()))


def exact_integer(v: Any, number: float) -> int | None:
    """The integer that a Value is in a frozen trace, which from now on rests on it; else None.

    ``number`` is its data.
    """
    trace = active()
    if trace is None or not number.is_integer() or not integral(v):
        return None
    record_guard(trace, True, EQUAL, v, number, number)
    return int(number)


def integral(v: Any) -> bool:
    """Whether a Value was computed from integers that came as arguments, here or further out."""
    traces, trace = [], active()
    while trace is not None:
        traces.append(trace)
        trace = trace.outer
    pending, seen = [v], set()
    while pending:
        x = pending.pop()
        if id(x) in seen or any(id(x) in trace.integers for trace in traces):
            continue
        seen.add(id(x))
        if x.op not in _INTEGRAL:
            return False
        for y in x.operands:
            if isinstance(y, float):
                if not y.is_integer():
                    return False
            else:
                pending.append(y)
    return True


def integer_of(v: Any, number: float, message: str) -> int:
    """``exact_integer``; a TypeError with this message where a Value is none."""
    n = exact_integer(v, number)
    if n is None:
        raise TypeError(message)
    return n


def refuse_reading(what: str) -> None:
    """Raise RuntimeError, in a frozen trace, for what would freeze a number."""
    if active() is not None:
        raise RuntimeError(f"{_READING[what]} (at {source_line()})")


def refuse_stranger(origin: Origin, op: str, number: float) -> None:
    """Raise RuntimeError if a Value belongs to a frozen trace in which we are not.

    It has outlived its trace, or has come into a thread that knows nothing of it.

    Args:
        origin: the Value's, with a trace.
        op: what computed it; ``""`` for an argument.
        number: its data.
    """
    root: Any = origin.root
    here = active()
    while here is not None and here is not root:
        here = None if here.outer is None else here.outer.root
    if here is None:
        what = f"the result of {op} at {origin.source}," if op else f"an argument, {number!r} then,"
        raise RuntimeError(
            f"a Value is used outside the trace that it belongs to: {what} in {root.name}, "
            "which jit has traced; what jit traces must not be put aside, nor handed to another "
            f"thread: return it instead (used at {source_line()})"
        )


def refuse_sweep() -> None:
    """Raise RuntimeError for a sweep through a ``vmap`` or ``scan``: programs alone know how."""
    raise RuntimeError(
        "backward() of what a vmap or scan has computed, in a function that is transformed: use "
        f"autodiff.grad(f) (at {source_line()})"
    )


def refuse_hash() -> None:
    """Raise TypeError for a key in a set or dict that a frozen trace would look up by identity."""
    raise TypeError(
        "a Value in a function that is traced by jit cannot be in a set, or a key of a dict, "
        "which would look for the Value and not for its number: use a list, or int(v) if it "
        f"came as an integer (at {source_line()})"
    )
