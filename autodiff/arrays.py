"""Values to arrays and back: what an optimizer's step, and a program, ask of the engine.

Compiled as ``value.py`` is; ``arrays.pxd`` has the loops in C, ``engine/interpreted.py`` in Python.
"""

from __future__ import annotations

from array import array
from typing import Any

from autodiff.engine.reals import describe
from autodiff.engine.traces import refuse_reading
from autodiff.value import Value

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.engine.interpreted import (
        all_held,
        doubles,
        identical,
        read_data,
        read_numbers,
        write_data,
        write_grads,
    )

_prototype = array("d")


def data_of(numbers: list[Any]) -> Any:
    """The data of Values, and floats, as an array."""
    data = doubles(len(numbers))
    read_data(Value, numbers, data)
    return data


def same_objects(xs: list[Any], ys: list[Any]) -> bool:
    """Whether two lists have the same objects."""
    return identical(xs, ys)


def contents_of(container: Any) -> list[Any]:
    """What a list holds, or a dict: its keys, then its values."""
    return [*container, *container.values()] if isinstance(container, dict) else [*container]


def same_contents(containers: list[Any], contents: list[list[Any]]) -> bool:
    """Whether lists and dicts all hold the same objects as ``contents_of`` gave of them."""
    return all_held(containers, contents)


def gather(values: list[Value], data: Any, grads: Any) -> None:
    """Copy the data and the gradients of Values into two arrays.

    Raises:
        TypeError: if one is not a Value.
        RuntimeError: in a function that is traced.
    """
    refuse_reading("grad")
    refuse(values, read_numbers(Value, values, data, grads))


def commit(groups: list[list[Value]], data: list[Any], states: list[Any], new: list[Any]) -> None:
    """Set the data of leaves from arrays, and the elements of ``states``: a step, all at once.

    Atomic: no Python code runs in between.
    """
    write_data(Value, groups, data, states, new)


def scatter_grads(values: list[Value], grads: Any) -> None:
    """Set the gradients of Values from an array, all at once.

    Raises:
        TypeError: if one is not a Value.
        RuntimeError: in a function that is traced.
    """
    refuse_reading("setting grad")
    refuse(values, write_grads(Value, values, grads))


def refuse(values: list[Value], i: int) -> None:
    """Refuse element ``i``, which is not a Value, unless there is none."""
    if i < len(values):
        raise TypeError(f"parameter {i} must be a Value, not {describe(values[i])}")
