"""Recording what has more operands than two: rows over lists, and what was computed elsewhere.

* ``record_list`` -- a row over one or two lists, or over more than two scalars;
* ``record_known`` -- any row whose value and partials are given;
* ``record_vmap`` -- a program that is run for many lanes, and its results;
* ``record_call`` -- a call of a program, whose value and partials it has computed;
  ``leaving_out`` -- its operands, without what it has not chosen.

Such a node keeps its operands in a tuple, and its partials in an array.  Compiled as ``value.py``
is.
"""

from __future__ import annotations

from array import array
from typing import Any

from autodiff.engine.instructions import CALL, PART, VMAP
from autodiff.engine.modes import MODE
from autodiff.value import Value, finish, new_node, number_or_not, own_note, refuse_stranger

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.engine.interpreted import doubles, evaluate_list, put, untracked

_prototype = array("d")


def record_list(op: int, lists: list[list[Any]]) -> Any:
    """Compute and record a primitive of one or two lists of operands of one length.

    A float if no operand is a Value; ``NotImplemented`` if one is neither a Value nor a number.
    """
    operands = lists[0] + lists[1] if len(lists) == 2 else list(lists[0])
    data = doubles(len(operands))
    partials = doubles(len(operands))
    recording = False
    for i, x in enumerate(operands):
        if type(x) is Value:
            v = x
            put(data, i, v._data)
            recording = True
        else:
            number = number_or_not(x)
            if number is NotImplemented:
                return NotImplemented
            put(data, i, number)
            operands[i] = number
    v = new_node(op, untracked(tuple(operands)), partials)
    evaluate_list(v, op, len(lists), data, partials)
    if not recording:
        return v._data
    return finish(v)


def record_known(op: int, operands: tuple[Any, ...], data: float, partials: list[float]) -> Value:
    """Record a primitive whose value and partials were computed elsewhere."""
    v = new_node(op, untracked(operands), doubles(len(operands)))
    v._data = data
    for i, partial in enumerate(partials):
        put(v._b, i, partial)
    return finish(v)


def record_call(
    operands: tuple[Any, ...], data: float, partials: Any, call: Any, name: str
) -> Value:
    """Record a call of a program, outside any trace; it skips ``finish``.

    Args:
        operands: Values in no trace, and floats where there is nothing to differentiate.
        data: the value.
        partials: an array of floats, one for each operand; it is kept.
        call: what can record the partials, see ``second_order``.
        name: of the node.
    """
    v = new_node(CALL, operands, partials)
    v._data = data
    v._origin = MODE.get().origin
    note = own_note(v)
    note.name = name
    note.call = call
    return v


def record_vmap(operands: tuple[Any, ...], numbers: Any) -> list[Value]:
    """Record a ``vmap`` in a trace; its results, one for each of ``numbers``.

    Nobody sweeps such nodes: ``sweeps.traverse`` refuses them.
    """
    v = finish(new_node(VMAP, untracked(operands), doubles(0)))
    results = []
    for i in range(len(numbers)):
        w = new_node(PART, v, float(i))
        w._data = numbers[i]
        results.append(finish(w))
    return results


def leaving_out(operands: tuple[Any, ...], places: Any, marks: Any) -> tuple[Any, ...]:
    """Operands of a call, with 0.0 at those ``places`` whose mark is not nan."""
    left = list(operands)
    for i in range(len(places)):
        if marks[i] == marks[i]:
            left[places[i]] = 0.0
    return untracked(tuple(left))


def in_traces(values: list[Value]) -> bool:
    """Whether one of these Values is in a trace, outside any: see ``inherit``.

    Raises:
        RuntimeError: if the trace is frozen.
    """
    for x in values:
        v = x
        if v._origin is not None and v._origin.trace is not None:
            refuse_stranger(v, None)
            return True
    return False
