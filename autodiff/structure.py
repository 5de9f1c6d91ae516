"""Arguments and results as nested structures: taken apart into numbers, and put together again.

A *structure* is what remains of an argument without its numbers, and can be a key in a dict: where
numbers, arrays of numbers and arrays of integers stood, and everything else as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from autodiff.functions import Index
from autodiff.reals import constant, describe
from autodiff.value import Value


class Number(NamedTuple):
    """The place of one number."""

    tag: str = "number"  # named tuples are equal if their fields are: this tells them apart


class Array(NamedTuple):
    """The place of an array of numbers."""

    shape: tuple[int, ...]
    tag: str = "array"


class Indices(NamedTuple):
    """The place of an array of integers."""

    shape: tuple[int, ...]
    tag: str = "indices"


class Static(NamedTuple):
    """What is not traced: an integer, a bool, a string or None."""

    kind: type
    value: Hashable
    tag: str = "static"


class Sequence(NamedTuple):
    """A list or a tuple."""

    kind: type
    parts: tuple[Any, ...]


class Mapping(NamedTuple):
    """A dict."""

    keys: tuple[Hashable, ...]
    parts: tuple[Any, ...]


NUMBER = Number()


def take_apart(tree: Any, numbers: list[Any], where: str, promote: bool = False) -> Any:
    """The structure of an argument; its numbers are appended to ``numbers``.

    ``numbers`` gets floats, Values, and flat arrays.  With ``promote``, integers are numbers too.

    Raises:
        TypeError: for what no structure is made of; it says what came, where, and what is wanted.

    >>> numbers = []
    >>> take_apart([1.0, np.array([2.0, 3.0])], numbers, "the argument").parts
    (Number(tag='number'), Array(shape=(2,), tag='array'))
    >>> numbers
    [1.0, array([2., 3.])]
    """
    kind = type(tree)
    if kind is float or kind is Value or isinstance(tree, np.floating):
        numbers.append(tree if kind is Value else float(tree))
        return NUMBER
    if kind is Index:
        numbers.append(tree.value)
        return Indices(())
    if isinstance(tree, np.ndarray):
        return _array(tree, numbers, where, promote)
    if isinstance(tree, (list, tuple)):
        return Sequence(
            kind,
            tuple([take_apart(x, numbers, f"{where}[{i}]", promote) for i, x in enumerate(tree)]),
        )
    if isinstance(tree, dict):
        parts = [take_apart(x, numbers, f"{where}[{key!r}]", promote) for key, x in tree.items()]
        return Mapping(tuple(tree), tuple(parts))
    if isinstance(tree, (int, np.integer)) and promote and not isinstance(tree, bool):
        numbers.append(constant(int(tree)))
        return NUMBER
    if tree is None or isinstance(tree, (bool, int, str, np.bool_, np.integer)):
        return Static(kind, tree)
    number = NotImplemented if isinstance(tree, complex) else constant(tree)
    if number is not NotImplemented:
        numbers.append(number)
        return NUMBER
    raise TypeError(
        f"{where} is {describe(tree)}: wanted are real numbers, arrays of them, and lists, tuples "
        "and dicts of these; what else a function needs, it can close over"
    )


def _array(tree: np.ndarray[Any, Any], numbers: list[Any], where: str, promote: bool) -> Any:
    kind = tree.dtype.kind
    if kind == "f" or (kind in "iu" and promote):
        numbers.append(np.asarray(tree, np.float64).ravel())
        return Array(tree.shape)
    if kind in "iu":
        numbers.append(tree.astype(np.float64).ravel())
        return Indices(tree.shape)
    if tree.size and all(type(x) is Index for x in tree.flat):
        numbers.extend(x.value for x in tree.flat)
        return Indices(tree.shape)
    if kind == "O":
        for i, x in enumerate(tree.flat):
            number = x if type(x) is Value else constant(x)
            if number is NotImplemented:
                raise TypeError(f"{where} has element {i} {describe(x)}: wanted are real numbers")
            numbers.append(number)
        return Array(tree.shape)
    raise TypeError(f"{where} is an array of {tree.dtype}: wanted are real numbers")


def size(structure: Any) -> int:
    """How many numbers a structure has places for."""
    if isinstance(structure, Number):
        return 1
    if isinstance(structure, (Array, Indices)):
        return math.prod(structure.shape)
    if isinstance(structure, (Sequence, Mapping)):
        return sum(map(size, structure.parts))
    return 0


def put_together(structure: Any, numbers: Iterator[Any]) -> Any:
    """A structure with numbers, floats or Values, in its places.

    >>> put_together(Sequence(list, (NUMBER, Array((2,)))), iter([1.0, 2.0, 3.0]))
    [1.0, array([2., 3.])]
    """

    def array(shape: tuple[int, ...]) -> Any:
        elements = [*islice(numbers, math.prod(shape))]
        if all(type(x) is float for x in elements):
            return np.array(elements, np.float64).reshape(shape)
        cells = np.empty(len(elements), object)
        cells[:] = elements
        return cells.reshape(shape) if shape else elements[0]

    return assemble(structure, lambda: next(numbers), array)


def arguments(structure: Any, values: Iterator[Value]) -> Any:
    """A structure as a traced function sees it: Values, arrays of Values, and indices."""

    def filled(shape: tuple[int, ...], elements: Iterator[Any]) -> Any:
        cells = np.empty(math.prod(shape), object)
        cells[:] = [*islice(elements, cells.size)]
        return cells.reshape(shape) if shape else cells[0]

    def array(shape: tuple[int, ...]) -> Any:
        return filled(shape, values)

    def indices(shape: tuple[int, ...]) -> Any:
        return filled(shape, map(Index, values))

    return assemble(structure, lambda: next(values), array, indices)


def assemble(
    structure: Any,
    number: Callable[[], Any],
    array: Callable[[tuple[int, ...]], Any],
    indices: Callable[[tuple[int, ...]], Any] | None = None,
) -> Any:
    """A structure with what these functions give in its places, in order."""
    if isinstance(structure, Number):
        return number()
    if isinstance(structure, Array):
        return array(structure.shape)
    if isinstance(structure, Indices):
        return (indices or array)(structure.shape)
    if isinstance(structure, Sequence):
        parts = [assemble(part, number, array, indices) for part in structure.parts]
        named = hasattr(structure.kind, "_fields")
        return structure.kind(*parts) if named else structure.kind(parts)
    if isinstance(structure, Mapping):
        parts = [assemble(part, number, array, indices) for part in structure.parts]
        return dict(zip(structure.keys, parts, strict=True))
    return structure.value


def difference(wanted: Any, came: Any, where: str) -> str:
    """The first difference between two structures, in words; "" if there is none.

    >>> difference(Array((2,)), Array((3,)), "x")
    'x is an array of shape (3,), not an array of shape (2,)'
    """
    if wanted == came:
        return ""
    if type(wanted) is type(came):
        if isinstance(wanted, Sequence) and (wanted.kind, len(wanted.parts)) == (
            came.kind,
            len(came.parts),
        ):
            names = [f"{where}[{i}]" for i in range(len(wanted.parts))]
        elif isinstance(wanted, Mapping) and wanted.keys == came.keys:
            names = [f"{where}[{key!r}]" for key in wanted.keys]
        else:
            names = []
        for name, old, new in zip(
            names, wanted.parts if names else (), came.parts if names else (), strict=True
        ):
            if old != new:
                return difference(old, new, name)
    return f"{where} is {_words(came)}, not {_words(wanted)}"


def _words(structure: Any) -> str:
    if isinstance(structure, Number):
        return "a number"
    if isinstance(structure, Array):
        return f"an array of shape {structure.shape}"
    if isinstance(structure, Indices):
        return f"an array of integers of shape {structure.shape}"
    if isinstance(structure, Sequence):
        return f"a {structure.kind.__name__} of {len(structure.parts)}"
    if isinstance(structure, Mapping):
        return f"a dict with the keys {', '.join(map(repr, structure.keys))}"
    return describe(structure.value)
