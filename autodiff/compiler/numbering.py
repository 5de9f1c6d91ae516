"""The graph of a trace, numbered, and written down in arrays.

Compiled as ``value.py`` is; ``numbering.pxd`` gives the C types.
"""

from __future__ import annotations

from typing import Any

from autodiff.value import Value, trace_of


def inputs_of(note: Any, numbers: Any) -> list[Any]:
    """New leaves with these data, which belong to the trace of this note."""
    leaves: list[Any] = []
    for x in numbers:
        v = Value(x)
        v._note = note
        leaves.append(v)
    return leaves


def belongs(v: Value, trace: Any, note: Any) -> bool:
    """Whether a Value was recorded in a trace, whose own note this is."""
    return v._note is note or trace_of(v) is trace


def lay_out(order: list[Any], trace: Any, inputs: list[Any]) -> tuple[Any, ...]:
    """Number the Values of a trace: inputs, what was captured, then what was computed in it.

    Returns what was captured, the numbers of those that were computed, by id, and how many
    instructions, operands in lists and constants there will be.
    """
    captured: list[Any] = []
    note = trace.note
    frozen: dict[int, int] = {}
    slot = len(inputs)
    n = entries = constants = 0
    for i, x in enumerate(inputs):
        v = x
        v._da = i
    for x in order:
        v = x
        if v._op == 0:
            if not belongs(v, trace, note):
                v._da = slot + len(captured)
                captured.append(v)
        elif not belongs(v, trace, note):
            frozen[id(v)] = slot + len(captured)
            captured.append(v)
        else:
            n += 1
            if type(v._a) is tuple:
                entries += len(v._a)
                for y in v._a:
                    if type(y) is float:
                        constants += 1
            else:
                if type(v._a) is float:
                    constants += 1
                if type(v._b) is float:
                    constants += 1
    slot += len(captured)
    for x in order:
        v = x
        if v._op != 0 and belongs(v, trace, note):
            v._grad = slot
            slot += 1
    return captured, frozen, n, entries, constants


def slot_of(x: Any, trace: Any, frozen: dict[int, int]) -> int:
    """The slot of a Value that ``lay_out`` has numbered."""
    v = x
    if v._op == 0:
        return int(v._da)
    if belongs(v, trace, trace.note):
        return int(v._grad)
    return frozen[id(v)]


def fill(
    order: list[Any],
    trace: Any,
    frozen: dict[int, int],
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    constants: Any,
) -> None:
    """Write the instructions of a trace."""
    note = trace.note
    k = e = c = 0
    for x in order:
        v = x
        if v._op == 0 or not belongs(v, trace, note):
            continue
        ops[k] = v._op
        if type(v._a) is tuple:
            a[k] = e
            b[k] = len(v._a)
            for y in v._a:
                if type(y) is float:
                    constants[c] = y
                    c += 1
                    entries[e] = -c
                else:
                    entries[e] = slot_of(y, trace, frozen)
                e += 1
        else:
            if type(v._a) is float:
                constants[c] = v._a
                c += 1
                a[k] = -c
            else:
                a[k] = slot_of(v._a, trace, frozen)
            if type(v._b) is float:
                constants[c] = v._b
                c += 1
                b[k] = -c
            elif v._b is not None:
                b[k] = slot_of(v._b, trace, frozen)
        k += 1
