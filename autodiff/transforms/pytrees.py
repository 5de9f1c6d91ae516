"""Pytrees: arguments and results as nested structures, taken apart and put together again.

The *structure* of a tree is what remains of it without its numbers; it can be a key in a dict.
Floats, integers, bools and arrays of them are numbers; lists, tuples and dicts are nodes; strings
and None belong to the structure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays import data_of
from autodiff.engine.reals import constant, describe
from autodiff.value import Value


class Leaf(NamedTuple):
    """The place of one number, or of an array of numbers."""

    shape: tuple[int, ...] | None  #: None for a number
    kind: str = "f"  #: what it came as: f for floats, i for integers, b for bools


@dataclass(frozen=True)
class Static:
    """What is no number: a string, None, or an argument that was declared static."""

    kind: type
    value: Hashable


class Node:
    """A part of a structure that has parts.  Its hash is computed once, being asked at each call.

    Attributes:
        kind: list, tuple or a type of named tuples; for a dict, its keys.
        parts: the structures of its parts.
    """

    __slots__ = ("_hash", "kind", "parts")

    def __init__(self, kind: Any, parts: tuple[Any, ...]) -> None:
        self.kind = kind
        self.parts = parts
        self._hash = hash((kind, parts))

    def __eq__(self, other: object) -> bool:
        # A type is never equal to a dict's keys, so this tells a sequence from a mapping too.
        return isinstance(other, Node) and (self.kind, self.parts) == (other.kind, other.parts)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind!r}, {self.parts!r})"

    def __reduce__(self) -> Any:
        """Pickled without its hash, which is another one in another process."""
        return type(self), (self.kind, self.parts)


class Sequence(Node):
    """A list or a tuple."""

    __slots__ = ()


class Mapping(Node):
    """A dict."""

    __slots__ = ()


_KINDS: dict[str, Any] = {"i": np.int64, "b": np.bool_}

NUMBER = Leaf(None)


INTEGER = Leaf(None, "i")

Where = str | tuple[Any, Any]  #: the words for a tree, or those for what it is in, and its key


@lru_cache(maxsize=4096)
def _row(kind: Any, n: int, of: Leaf = NUMBER) -> Sequence:
    """The structure of a list or tuple of floats and Values, or of integers."""
    return Sequence(kind, (of,) * n)


def _words_of(where: Where) -> str:
    """Where a tree is, in words: they are put together only for a message."""
    return where if isinstance(where, str) else f"{_words_of(where[0])}[{where[1]!r}]"


def tree_flatten(tree: Any, numbers: list[Any], where: Where, truths: bool = True) -> Any:
    """The structure of a tree; its numbers are appended to ``numbers``.

    ``numbers`` gets floats, Values, and flat arrays of float64 that are not empty; with ``truths``,
    bools are numbers too, and otherwise they belong to the structure.

    Raises:
        TypeError: for what no tree is made of; it says what came, where, and what is expected.

    >>> numbers = []
    >>> tree_flatten((1, np.array([2.0, 3.0])), numbers, "the argument")
    Sequence(<class 'tuple'>, (Leaf(shape=None, kind='i'), Leaf(shape=(2,), kind='f')))
    >>> numbers
    [1.0, array([2., 3.])]
    """
    kind: Any = type(tree)
    if kind is float or kind is Value:
        numbers.append(tree)
        return NUMBER
    if isinstance(tree, np.ndarray):
        return _array(tree, numbers, where)
    if isinstance(tree, (list, tuple)):
        kinds = set(map(type, tree))
        if kinds <= {float, Value}:  # most are, and rows of a matrix are many
            numbers += tree
            return _row(kind, len(tree))
        if kinds == {int} and max(map(abs, tree)) <= 2**53:
            numbers += map(float, tree)
            return _row(kind, len(tree), INTEGER)
        parts = [tree_flatten(x, numbers, (where, i), truths) for i, x in enumerate(tree)]
        return Sequence(kind, tuple(parts))
    if isinstance(tree, dict):
        return Mapping(
            tuple(tree),
            tuple([tree_flatten(x, numbers, (where, key), truths) for key, x in tree.items()]),
        )
    if tree is None or isinstance(tree, str) or (kind in (bool, np.bool_) and not truths):
        return Static(kind, tree)
    if isinstance(tree, (int, np.integer, np.bool_)):
        numbers.append(_exact(tree, where))
        return Leaf(None, "b" if kind in (bool, np.bool_) else "i")
    number = NotImplemented if isinstance(tree, complex) else constant(tree)
    if number is not NotImplemented:
        numbers.append(number)
        return NUMBER
    raise TypeError(
        f"{_words_of(where)} is {describe(tree)}: expected are real numbers, arrays of them, and "
        "lists, tuples and dicts of these; what else a function needs, it can close over, or jit "
        "can be told by static_argnums"
    )


def _exact(n: Any, where: Where) -> float:
    """An integer as a float, which must be the same number."""
    number: float = constant(int(n))
    if number != int(n):
        raise ValueError(
            f"{_words_of(where)} is {int(n)}, which float64 cannot hold exactly: declare it static "
            "(static_argnums), or pass it as a float"
        )
    return number


def _array(tree: np.ndarray[Any, Any], numbers: list[Any], where: Where) -> Any:
    kind = tree.dtype.kind
    if kind in "fiub":
        flat = np.asarray(tree, np.float64).ravel()
        if kind in "iu" and (flat.astype(tree.dtype) != tree.ravel()).any():
            raise ValueError(f"{_words_of(where)} holds integers that float64 cannot hold exactly")
        if flat.size:
            numbers.append(flat)
        return Leaf(tree.shape, "i" if kind == "u" else kind)
    if kind == "O":
        for i, x in enumerate(tree.flat):
            number = x if type(x) is Value else constant(x)
            if number is NotImplemented:
                raise TypeError(
                    f"{_words_of(where)} has element {i} {describe(x)}: expected are real numbers"
                )
            numbers.append(number)
        return Leaf(tree.shape)
    raise TypeError(f"{_words_of(where)} is an array of {tree.dtype}: expected are real numbers")


def size(structure: Any) -> int:
    """How many numbers a structure has places for."""
    if isinstance(structure, Leaf):
        return 1 if structure.shape is None else math.prod(structure.shape)
    if isinstance(structure, Node):
        return sum(1 if part is NUMBER else size(part) for part in structure.parts)
    return 0


def leaves(structure: Any) -> Iterator[Any]:
    """The leaves of a structure, in order, those that are static too."""
    if isinstance(structure, Node):
        for part in structure.parts:
            yield from leaves(part)
    else:
        yield structure


def leaf_names(structure: Any, name: str) -> list[str]:
    """What every number of a structure is called in a tree of this name.

    >>> leaf_names(Mapping(("w", "b"), (Leaf((2,)), NUMBER)), "model")
    ["model['w'][0]", "model['w'][1]", "model['b']"]
    """
    if isinstance(structure, Leaf):
        places = np.ndindex(structure.shape or ())
        return [name + (f"[{', '.join(map(str, place))}]" if place else "") for place in places]
    if not isinstance(structure, Node):
        return []
    keys = structure.kind if isinstance(structure, Mapping) else range(len(structure.parts))
    pairs = zip(keys, structure.parts, strict=True)
    return [found for key, part in pairs for found in leaf_names(part, f"{name}[{key!r}]")]


def integers(structure: Any, first: int = 0) -> list[int]:
    """Which numbers of a structure came as integers or bools, counted from ``first``."""
    found: list[int] = []
    for leaf in leaves(structure):
        n = size(leaf)
        if leaf.kind != "f":  # what is static has no numbers
            found += range(first, first + n)
        first += n
    return found


def as_floats(structure: Any) -> Any:
    """A structure, with floats in place of integers."""
    return map_leaves(structure, lambda leaf: Leaf(leaf.shape))


def map_leaves(structure: Any, of: Callable[[Leaf], Any]) -> Any:
    """A structure with what ``of`` gives in place of every leaf of numbers."""
    if isinstance(structure, Node):
        return type(structure)(structure.kind, tuple(map_leaves(x, of) for x in structure.parts))
    return of(structure) if isinstance(structure, Leaf) else structure


def tree_unflatten(structure: Any, numbers: Iterator[Any], exact: bool = False) -> Any:
    """A tree with numbers, floats or Values, in its places.

    With ``exact``, what came as integers and bools is that again.

    >>> tree_unflatten(Sequence(list, (NUMBER, Leaf((2,)))), iter([1.0, 2.0, 3.0]))
    [1.0, array([2., 3.])]
    """
    if isinstance(structure, Leaf):
        elements = [*islice(numbers, size(structure))]
        if exact and structure.kind != "f":
            came: Any = np.array(data_of(elements)).astype(_KINDS[structure.kind])
            return came.tolist()[0] if structure.shape is None else came.reshape(structure.shape)
        return elements[0] if structure.shape is None else _filled(structure.shape, elements)
    if isinstance(structure, Sequence):
        parts = [
            next(numbers) if part is NUMBER else tree_unflatten(part, numbers, exact)
            for part in structure.parts
        ]
        return _of_parts(structure, parts)
    if isinstance(structure, Mapping):
        return _of_parts(structure, [tree_unflatten(x, numbers, exact) for x in structure.parts])
    return structure.value


def _of_parts(node: Node, parts: list[Any]) -> Any:
    """A list, tuple or dict of these parts."""
    if isinstance(node, Mapping):
        return dict(zip(node.kind, parts, strict=True))
    if node.kind is list:
        return parts
    return node.kind(*parts) if hasattr(node.kind, "_fields") else node.kind(parts)


def tree_of_array(structure: Any, numbers: Any, first: int = 0) -> tuple[Any, int]:
    """As ``tree_unflatten``, from a flat array, from element ``first`` on; and where that ends.

    >>> tree_of_array(Sequence(list, (NUMBER, Leaf((2,)))), np.array([1.0, 2.0, 3.0]))
    ([1.0, array([2., 3.])], 3)
    """
    if isinstance(structure, Leaf):
        if structure.shape is None:
            return numbers.item(first), first + 1
        end = first + size(structure)
        return numbers[first:end].reshape(structure.shape), end
    if not isinstance(structure, Node):
        return structure.value, first
    n = len(structure.parts)
    if structure is _row(structure.kind, n):
        return _of_parts(structure, numbers[first : first + n].tolist()), first + n
    parts = []
    for part in structure.parts:
        x, first = tree_of_array(part, numbers, first)
        parts.append(x)
    return _of_parts(structure, parts), first


def tree_of_cells(structure: Any, cells: list[Any]) -> Any:
    """A tree from flat arrays, one for every leaf, of floats or of Values."""
    whole = np.concatenate([*cells, np.zeros(0)])
    if whole.dtype == object:
        return tree_unflatten(structure, iter(whole.tolist()))
    return tree_of_array(structure, whole)[0]


def _filled(shape: tuple[int, ...], elements: list[Any]) -> Any:
    """An array: of floats, or if there is a Value among them, of objects."""
    if Value not in set(map(type, elements)):
        return np.array(elements, np.float64).reshape(shape)
    if not shape:
        return elements[0]
    cells = np.empty(len(elements), object)
    cells[:] = elements
    return cells.reshape(shape)


def array_of(leaf: Leaf, numbers: Iterator[Any]) -> Any:
    """The numbers of a leaf, which come next, as an array of its shape."""
    n = size(leaf)
    x = next(numbers) if n else np.zeros(0)
    if not isinstance(x, np.ndarray):
        elements = [x, *islice(numbers, n - 1)]
        x = np.empty(n, object if Value in set(map(type, elements)) else np.float64)
        x[:] = elements
    return x.reshape(leaf.shape or ())


def listed(numbers: list[Any]) -> list[Any]:
    """Numbers and flat arrays of them, one by one."""
    if np.ndarray not in set(map(type, numbers)):
        return numbers
    return [y for x in numbers for y in (x.tolist() if isinstance(x, np.ndarray) else [x])]


def flat(numbers: list[Any]) -> Any:
    """Numbers and flat arrays of them, as one array of float64."""
    if len(numbers) == 1 and isinstance(numbers[0], np.ndarray):
        return numbers[0]
    kinds = set(map(type, numbers))
    if np.ndarray not in kinds:
        return np.array(numbers) if kinds == {float} else np.array(data_of(numbers))
    parts: list[Any] = [[]]
    for x in numbers:
        if isinstance(x, np.ndarray):
            parts += x, []
        else:
            parts[-1].append(x)
    return np.concatenate([x if isinstance(x, np.ndarray) else data_of(x) for x in parts if len(x)])


def difference(expected: Any, came: Any, where: str) -> str:
    """The first difference between two structures, in words; "" if there is none.

    >>> difference(Leaf((2,)), Leaf((3,)), "x")
    'x is an array of shape (3,), not an array of shape (2,)'
    """
    if expected == came:
        return ""
    if type(expected) is type(came):
        if isinstance(expected, Sequence) and (expected.kind, len(expected.parts)) == (
            came.kind,
            len(came.parts),
        ):
            names = [f"{where}[{i}]" for i in range(len(expected.parts))]
        elif isinstance(expected, Mapping) and expected.kind == came.kind:
            names = [f"{where}[{key!r}]" for key in expected.kind]
        else:
            names = []
        for name, old, new in zip(
            names, expected.parts if names else (), came.parts if names else (), strict=True
        ):
            if old != new:
                return difference(old, new, name)
    return f"{where} is {_words(came)}, not {_words(expected)}"


def _words(structure: Any) -> str:
    if isinstance(structure, Leaf):
        if structure.shape is None:
            return {"f": "a number", "i": "an integer", "b": "a bool"}[structure.kind]
        of = {"f": "", "i": " of integers", "b": " of bools"}[structure.kind]
        return f"an array{of} of shape {structure.shape}"
    if isinstance(structure, Sequence):
        return f"a {structure.kind.__name__} of {len(structure.parts)}"
    if isinstance(structure, Mapping):
        return f"a dict with the keys {', '.join(map(repr, structure.kind))}"
    return describe(structure.value)
