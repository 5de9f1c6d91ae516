"""A function of numbers, run once on Values, becomes a program; a program, run on Values, a graph.

What is computed of the inputs in the trace becomes instructions.  Every other Value that it reads,
a parameter say, is *captured*: its data is an input, read at every call.  Every comparison becomes
a check: at a call where one comes out otherwise, the program does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler import numbering
from autodiff.compiler.program import Check, Program, views
from autodiff.contexts import within
from autodiff.functions import take_known
from autodiff.higher import apply, largest, pick, split
from autodiff.ops import CODES, ROWS
from autodiff.sweeps import visit
from autodiff.traces import Trace
from autodiff.value import Value, record_list
from autodiff.walks import alone


class Traced(NamedTuple):
    """A program, and the Values whose data are its last inputs."""

    program: Program
    captured: list[Value]


def trace(function: Callable[[list[Any]], Sequence[Any]], numbers: Sequence[float]) -> Traced:
    """The program of a function from a list of numbers to a list of numbers.

    >>> traced = trace(lambda xs: [xs[0] * xs[1], 1.0], [2.0, 3.0])
    >>> traced.program.operands(0), traced.program.outputs, traced.program.constants
    ([0, 1], array([ 2, -1], dtype=int32), array([1.]))
    """
    here = Trace()
    xs = numbering.inputs_of(here.note, numbers)
    try:
        results = within(here.mode(), function, xs)
        return alone(_program, here, xs, results)
    finally:
        here.guards.clear()  # notes that outlive the trace keep no graph


def _program(here: Trace, xs: list[Value], results: Sequence[Any]) -> Traced:
    sides = [x for guard in here.guards for x in (guard.left, guard.right)]
    ends = [*results, *sides]
    order = visit([x for x in ends if isinstance(x, Value)], here)
    captured, frozen, n, listed, given = numbering.lay_out(order, here, xs)
    floats = [x for x in ends if not isinstance(x, Value)]
    ops, constants = np.zeros(n, np.uint16), np.zeros(given + len(floats))
    a, b, entries = (np.zeros(size, np.int32) for size in (n, n, listed))
    numbering.fill(order, here, frozen, *views(ops, a, b, entries, constants))
    constants[given:] = floats
    outputs = np.empty(len(ends), np.int32)
    for i, x in enumerate(ends):
        if isinstance(x, Value):
            outputs[i] = numbering.slot_of(x, here, frozen)
        else:
            given += 1
            outputs[i] = -given
    checks = tuple(Check(guard.outcome, guard.how, guard.source) for guard in here.guards)
    inputs = len(xs) + len(captured)
    return Traced(Program(inputs, outputs, constants, ops, a, b, entries, checks), captured)


def replay(p: Program, operands: Sequence[Any]) -> list[Any]:
    """The outputs of a program on Values and floats, recorded as if its function were called.

    >>> traced = trace(lambda xs: [xs[0] * xs[1]], [2.0, 3.0])
    >>> replay(traced.program, [Value(5.0), 2.0])
    [Value(10.0, op='mul')]
    """
    constants = p.constants.tolist()
    slots = list(operands)

    def read(ref: int) -> Any:
        return slots[ref] if ref >= 0 else constants[-1 - ref]

    over_list = p.over_list.tolist()
    entries = p.entries.tolist()
    code = zip(p.ops.tolist(), p.a.tolist(), p.b.tolist(), over_list, strict=True)
    for op, a, b, is_list in code:
        if is_list:
            slots.append(_on_list(op, [read(ref) for ref in entries[a : a + b]]))
        elif op == _DETACH:
            x = read(a)
            slots.append(x.detach() if isinstance(x, Value) else x)
        elif len(ROWS[op].names) == 1:
            slots.append(apply(op, read(a)))
        else:
            slots.append(apply(op, read(a), read(b)))
    return [read(ref) for ref in p.outputs.tolist()]


_DETACH = CODES["detach"]


def _on_list(op: int, xs: list[Any]) -> Any:
    row = ROWS[op]
    if row.name in ("largest", "peak"):
        return largest(xs, row.name)
    if row.name == "take":
        return take_known(xs[:-1], xs[-1])
    if row.name == "pick":
        return pick(*xs)
    if not row.over_lists:
        return apply(op, *xs)
    return record_list(op, split(tuple(xs), len(row.names)))
