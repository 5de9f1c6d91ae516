"""A function's run on Values becomes a program; a program, run on Values, a graph.

* ``Run`` -- a function, run once on Values that belong to a trace of their own;
* ``traced`` -- the program of a run, and what it read from outside; ``captures`` -- whether it did;
* ``replay`` -- a program run on Values, which records what its function would record.

What was computed of the inputs becomes instructions.  Every other Value that the function read, a
parameter say, is *captured*: its data is an input, read at every call.  In a frozen trace the
comparisons become a program of their own, of guards: only where none of them fails, the program of
the results is that of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays import data_of
from autodiff.compiler import numbering
from autodiff.compiler.program import ARITY, GUARD, Body, Floats, Program, views
from autodiff.contexts import within
from autodiff.engine.instructions import OF_LIST, ON_LISTS, PART, VMAP
from autodiff.engine.lock import alone
from autodiff.engine.modes import MODE
from autodiff.engine.traces import Trace
from autodiff.evaluation import apply, largest, pick
from autodiff.functions import take_known
from autodiff.lists import record_list, record_vmap
from autodiff.ops import CODES, ROWS
from autodiff.second_order import split
from autodiff.sweeps import visit
from autodiff.value import Value, number_of


class Run(NamedTuple):
    """What a function gave when it was run on Values.

    Attributes:
        trace: the trace that what it recorded belongs to.
        inputs: the Values that it was run on.
        results: Values and floats.
        with_bodies: whether it recorded what has a body, as a vmap has: no sweep goes through that.
    """

    trace: Trace
    inputs: list[Value]
    results: list[Any]
    with_bodies: bool


def run(
    function: Callable[[list[Any]], list[Any]],
    inputs: Sequence[Any],
    frozen: bool = False,
    name: str = "",
    integers: Sequence[int] = (),
) -> Run:
    """Run a function of a list of Values, in a trace of its own.

    Args:
        function: from a list of Values to a list of Values and floats.
        inputs: floats; or Values, to which what is recorded stays connected.
        frozen: whether the program will be kept.
        name: what messages call the function.
        integers: which inputs came as integers.

    Raises:
        RuntimeError: if the function has set the data of its arguments, which no program does.
    """
    here = Trace(frozen, name)
    given = list(inputs)
    xs = within(here.mode(), numbering.inputs_of, given, here.origin)
    here.integers.update((id(xs[i]), xs[i]) for i in integers)
    before = len(here.bodies)
    try:
        results = within(here.mode(), function, xs)
        i = numbering.changed(xs, given)
        if i >= 0:
            raise RuntimeError(
                f"{name}: the function has set .data of its argument, from {given[i]!r} to "
                f"{number_of(xs[i])!r}: compute another Value instead"
            )
        return Run(here, xs, results, len(here.bodies) > before)
    except BaseException:
        here.forget()
        raise


class Traced(NamedTuple):
    """The program of a run.

    Attributes:
        program: its inputs are those of the run, then the data of what was captured.
        captured: the Values that it read from outside.
        guards: on the same inputs, the comparisons; without results.
    """

    program: Program
    captured: list[Value]
    guards: Program


def trace(function: Callable[[list[Any]], list[Any]], numbers: Sequence[float]) -> Traced:
    """The program of a function from a list of numbers to a list of numbers.

    >>> traced = trace(lambda xs: [xs[0] * xs[1], 1.0], [2.0, 3.0])
    >>> traced.program.operands(0), traced.program.outputs, traced.program.constants
    ([0, 1], array([ 2, -1], dtype=int32), array([1.]))
    """
    return traced(run(function, numbers, frozen=True))


def traced(run: Run, spare: int = 0) -> Traced:
    """The program of a run; with ``spare`` more inputs, between its own and what was captured."""
    here, xs, results, _ = run
    try:
        return alone(_traced, here, xs, results, spare)
    finally:
        here.forget()


def captures(run: Run) -> bool:
    """Whether the results of a run depend on something from outside its trace."""

    def captured(roots: list[Value]) -> list[Any]:
        return numbering.from_outside(visit(roots, run.trace, run.inputs), run.trace, run.inputs)[0]

    return len(alone(captured, [x for x in run.results if type(x) is Value])) > 0


def _traced(here: Trace, xs: list[Value], results: list[Any], spare: int) -> Traced:
    sides = [x for guard in here.guards for x in (guard.left, guard.right)]
    roots = [x for x in [*results, *sides] if type(x) is Value]
    inputs = [*xs, *(Value(0.0) for _ in range(spare))]
    captured, leaves, slots = numbering.from_outside(visit(roots, here, inputs), here, inputs)
    count = len(inputs) + len(captured)
    program = _program(here, inputs, count, leaves, slots, results)
    sides_alone = _program(here, inputs, count, leaves, slots, sides)
    return Traced(program, captured, _guarded(sides_alone, here))


def _program(
    here: Trace,
    inputs: list[Value],
    count: int,
    leaves: list[float],
    slots: dict[int, int],
    ends: list[Any],
) -> Program:
    """The program that computes ``ends``; its first constants are ``leaves``."""
    order = visit([x for x in ends if type(x) is Value], here, inputs)
    given = len(leaves)
    n, listed, more, base = numbering.number(order, here, inputs, count)
    floats = [x for x in ends if type(x) is not Value]
    ops, constants = np.zeros(n, np.uint16), np.zeros(given + more + len(floats))
    a, b, entries = (np.zeros(size, np.int32) for size in (n, n, listed))
    constants[:given] = leaves
    numbering.fill(order, here, slots, base, given, *views(ops, a, b, entries, constants))
    given += more
    constants[given:] = floats
    outputs = np.empty(len(ends), np.int32)
    for i, x in enumerate(ends):
        if type(x) is Value:
            outputs[i] = numbering.slot_of(x, here, slots, base)
        else:
            given += 1
            outputs[i] = -given
    numbers = -1 - entries[(a + b - 1)[ops == VMAP]]  # of the bodies that are run
    called, constants[numbers] = np.unique(constants[numbers], return_inverse=True)
    bodies = tuple(here.bodies[int(k)] for k in called)
    return Program(count, outputs, constants, ops, a, b, entries, (), bodies)


def _guarded(p: Program, here: Trace) -> Program:
    """The program whose outputs are the sides of comparisons, with a guard for each of these.

    Every guard stands behind what its comparison and those before it need, so that nothing is
    computed which the function would not have computed.
    """
    guards, n, m = here.guards, len(p), len(here.guards)
    if not m:
        return p
    sides = p.outputs.reshape(m, 2)
    behind = np.maximum.accumulate(np.maximum(sides.max(axis=1) + 1 - p.inputs, 0))
    shift = 2 * np.searchsorted(behind, np.arange(n), side="right")
    to = np.arange(p.inputs + n)  # where every slot is now
    to[p.inputs :] += shift

    def moved(refs: Any) -> Any:
        return np.where(refs < 0, refs, to[np.maximum(refs, 0)])

    ops, a, b = (np.zeros(n + 2 * m, x.dtype) for x in (p.ops, p.a, p.b))
    old, compare = np.arange(n) + shift, behind + 2 * np.arange(m)
    ops[old], b[old], a[old] = p.ops, p.b, p.a
    scalar = old[ARITY[p.ops] > 0]
    a[scalar] = moved(a[scalar])
    two = old[ARITY[p.ops] == 2]
    b[two] = moved(b[two])
    ops[compare] = [guard.op for guard in guards]
    a[compare], b[compare] = moved(sides[:, 0]), moved(sides[:, 1])
    ops[compare + 1], b[compare + 1] = GUARD, 3

    is_list = ARITY[ops] == 0
    lengths = b[is_list]
    a[is_list] = np.cumsum(lengths) - lengths
    of_guard = np.repeat(ops[is_list] == GUARD, lengths)
    entries = np.zeros(len(of_guard), np.int32)
    entries[~of_guard] = moved(p.entries)
    first = -1 - len(p.constants)
    outcomes = [first - int(guard.outcome) for guard in guards]
    entries[of_guard] = np.stack(
        [p.inputs + compare, outcomes, first - 2 - np.arange(m)], axis=1
    ).ravel()
    constants = np.concatenate([p.constants, [0.0, 1.0], np.arange(m)])
    sources = tuple(guard.source for guard in guards)
    none = np.zeros(0, np.int32)
    return Program(p.inputs, none, constants, ops, a, b, entries, sources, p.bodies)


class GuardFails(ValueError):
    """A comparison is not what it was when a program was traced."""


def replay(p: Program, operands: Sequence[Any], known: Sequence[Any] = ()) -> list[Any]:
    """Run a program on Values and floats, recording as if its function were called.

    Args:
        p: the program.
        operands: its inputs.
        known: of every instruction, what it gave, if that is known; else None.

    Returns:
        What stands in every slot, of what has a body the list of its results; see ``outputs_of``.

    Raises:
        GuardFails: if a guard fails.

    >>> traced = trace(lambda xs: [xs[0] * xs[1]], [2.0, 3.0])
    >>> outputs_of(traced.program, replay(traced.program, [Value(5.0), 2.0]))
    [Value(10.0, op='mul')]
    """
    constants = p.constants.tolist()
    slots = list(operands)

    def read(ref: int) -> Any:
        return slots[ref] if ref >= 0 else constants[-1 - ref]

    over_list = p.over_list.tolist()
    entries = p.entries.tolist()
    code = zip(p.ops.tolist(), p.a.tolist(), p.b.tolist(), over_list, strict=True)
    for k, (op, a, b, is_list) in enumerate(code):
        if known and known[k] is not None:
            slots.append(known[k])
        elif op == VMAP:
            slots.append(replay_body(p.call(k)[0], [read(ref) for ref in entries[a : a + b - 1]]))
        elif op == PART:
            slots.append(slots[a][int(constants[-1 - b])])
        elif is_list:
            slots.append(_on_list(p, op, [read(ref) for ref in entries[a : a + b]]))
        elif op == _DETACH:
            x = read(a)
            slots.append(x.detach() if isinstance(x, Value) else x)
        elif len(ROWS[op].names) == 1:
            slots.append(apply(op, read(a)))
        else:
            slots.append(apply(op, read(a), read(b)))
    return slots


def outputs_of(p: Program, slots: Sequence[Any]) -> list[Any]:
    """The outputs of a program, from what stands in its slots."""
    return [slots[ref] if ref >= 0 else float(p.constants[-1 - ref]) for ref in p.outputs.tolist()]


def replay_body(body: Body, operands: list[Any]) -> list[Any]:
    """The results of what has a body: recorded as one instruction in a trace, and else one by one.

    Raises:
        GuardFails: if once, none of its programs is right.
    """
    if Value not in set(map(type, operands)):
        found: list[Any] = body.run(np.array(operands, np.float64)).tolist()
        return found
    mode = MODE.get()
    trace = mode.innermost()
    if trace is not None and mode.recording and not mode.detecting:
        return record_body(trace, body, operands, body.run(np.array(data_of(operands))))
    return body.replay(operands)


def record_body(trace: Trace, body: Body, operands: list[Any], numbers: Floats) -> list[Any]:
    """Record what has a body in a trace; its results, which these are the numbers of."""
    trace.bodies.append(body)
    return record_vmap((*operands, len(trace.bodies) - 1.0), numbers)


def replay_ways(ways: Sequence[Program], inputs: list[Any]) -> list[Any]:
    """The results of the first of these programs that is right.

    Raises:
        GuardFails: if none is.
    """
    for p in ways[:-1]:
        with suppress(GuardFails):
            return outputs_of(p, replay(p, inputs))
    return outputs_of(ways[-1], replay(ways[-1], inputs))


_DETACH = CODES["detach"]


def _on_list(p: Program, op: int, xs: list[Any]) -> Any:
    row = ROWS[op]
    if op == GUARD:
        if xs[0] != xs[1]:  # of Values, an enclosing trace has now a guard of its own
            raise GuardFails(f"the guard of {p.sources[int(xs[2])]} fails")
        return xs[0]
    if row.name in ("peak", *OF_LIST.values()):
        return largest(xs, row.name)
    if row.name == "take":
        return take_known(xs[:-1], xs[-1])
    if row.name == "pick":
        return pick(*xs)
    if row.name in ("chain", "products"):
        return ON_LISTS[row.name](xs)
    if not row.over_lists:
        return apply(op, *xs)
    return record_list(op, split(xs, len(row.names)))
