"""The graph of a trace, numbered, and written down in arrays.

Compiled as ``value.py`` is; ``numbering.pxd`` gives the C types.
"""

from __future__ import annotations

from typing import Any

from autodiff.sweeps import marks, recorded_in
from autodiff.value import Value

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.engine.interpreted import blank


def inputs_of(given: list[Any], origin: Any) -> list[Any]:
    """The inputs of a trace: new leaves, with its origin, of floats; of Values, new nodes."""
    inputs: list[Any] = []
    for x in given:
        if type(x) is float:
            v = Value.__new__(Value)
            blank(v)
            v._data = x
            v._origin = origin
            inputs.append(v)
        else:
            inputs.append(x * 1.0)
    return inputs


def changed(inputs: list[Any], given: list[Any]) -> int:
    """The place of the first input whose data is not the float it was given any more; else -1."""
    for i in range(len(inputs)):
        v, x = inputs[i], given[i]
        if type(x) is float and v._data != x and (v._data == v._data or x == x):
            return i
    return -1


def from_outside(
    order: list[Any], trace: Any, inputs: list[Any]
) -> tuple[list[Any], list[float], dict[int, int]]:
    """What a trace reads besides its inputs.

    Returns what was captured, the numbers of the leaves that were made in the trace, and where all
    these and the inputs stand, by id: slots, and for the leaves' numbers constants.
    """
    captured: list[Any] = []
    leaves: list[Any] = []
    slots: dict[int, int] = {}
    n = len(inputs)
    for x in inputs:
        v = x
        slots[id(v)] = len(slots)
    for x in order:
        v = x
        mine = recorded_in(v, trace)
        if v._op != 0 and mine:
            continue
        if mine:
            leaves.append(v._data)
            slots[id(v)] = -len(leaves)
        else:
            slots[id(v)] = n
            n += 1
            captured.append(v)
    return captured, leaves, slots


def number(
    order: list[Any], trace: Any, inputs: list[Any], first: int
) -> tuple[int, int, int, int]:
    """Number what was computed in a trace, from slot ``first`` on: by marks, which follow ``base``.

    Returns how many instructions, operands in lists and constants there will be, and ``base``.
    """
    n = entries = constants = 0
    base = marks(first + len(order))
    for i, x in enumerate(inputs):
        v = x
        v._mark = base + i
    for x in order:
        v = x
        if v._op == 0 or not recorded_in(v, trace):
            continue
        v._mark = base + first + n
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
    return n, entries, constants, base


def slot_of(x: Any, trace: Any, slots: dict[int, int], base: int) -> int:
    """The reference by which a Value is read."""
    v = x
    if v._op == 0 or not recorded_in(v, trace):
        return slots[id(v)]
    return int(v._mark - base)


def fill(
    order: list[Any],
    trace: Any,
    slots: dict[int, int],
    base: int,
    first: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    constants: Any,
) -> None:
    """Write the instructions of a trace, and their constants from number ``first`` on."""
    k = e = 0
    c = first
    for x in order:
        v = x
        if v._op == 0 or not recorded_in(v, trace):
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
                    entries[e] = slot_of(y, trace, slots, base)
                e += 1
        else:
            if type(v._a) is float:
                constants[c] = v._a
                c += 1
                a[k] = -c
            else:
                a[k] = slot_of(v._a, trace, slots, base)
            if type(v._b) is float:
                constants[c] = v._b
                c += 1
                b[k] = -c
            elif v._b is not None:
                b[k] = slot_of(v._b, trace, slots, base)
        k += 1
