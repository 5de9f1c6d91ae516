"""Arguments and results in written Python: code that takes trees apart and puts them together.

* ``Arguments`` -- the parameters of a function, and how numbers are taken out of what it is given;
* ``arranged`` -- an expression that puts numbers into the structure of a result;
* ``literal`` -- a constant, as an expression.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from typing import Any

from autodiff.engine.reals import describe
from autodiff.export.python_file import File
from autodiff.ops import CODES, CONSTANTS
from autodiff.transforms.pytrees import Leaf, Mapping, Node, Sequence, Static, size


class Arguments:
    """How numbers are taken out of arguments.

    Attributes:
        parameters: what stands between the parentheses of ``def``.
        names: of parameters, and of all else that ``lines`` assign.
        lines: statements that take trees apart, and check what is no number.
        pieces: the numbers in order, in expressions: how many each has, None for a single number.
    """

    def __init__(self, arguments: list[tuple[str, Any]], file: File) -> None:
        self.lines: list[str] = []
        self.pieces: list[tuple[str, int | None]] = []
        self._file = file
        given: dict[str, Any] = {}
        for name, tree in arguments:
            base, bracket, _ = name.partition("[")  # one of *xs is called xs[0]
            if bracket:
                given.setdefault(f"*{base}", []).append(tree)
            else:
                given[base] = tree
        self.parameters = ", ".join(given)
        self.names = [name.lstrip("*") for name in given]
        for name, tree in given.items():
            several = name.startswith("*")
            name = name.lstrip("*")
            self._take(name, Sequence(tuple, tuple(tree)) if several else tree, name)

    def _take(self, name: str, tree: Any, what: str) -> None:
        """Take apart what is called ``name`` here, and ``what`` in messages."""
        shape = _shape(tree)
        if shape == ():
            self.pieces.append((name, None))
        elif shape is not None:
            numbers = self._file.helper("_numbers")
            self.pieces.append((f"{numbers}({name}, {shape}, {what!r})", size(tree)))
        elif isinstance(tree, Static):
            same = self._file.helper("_same")
            self.lines.append(f"{same}({name}, {literal(tree.value, what)}, {what!r})")
        else:
            keys = [*tree.kind] if isinstance(tree, Mapping) else [*range(len(tree.parts))]
            whats = [f"{what}[{literal(key, 'a key of ' + what)}]" for key in keys]
            parts = []
            for x in map(local_name, whats):
                while x in self.names:  # another argument, say, or x[0] beside x_0
                    x += "_"
                parts.append(x)
                self.names.append(x)
            targets = ", ".join(parts) + "," * (len(parts) == 1) or "()"
            found = self._file.helper("_parts")
            self.lines.append(f"{targets} = {found}({name}, {keys!r}, {what!r})")
            for part, subtree, x in zip(parts, tree.parts, whats, strict=True):
                self._take(part, subtree, x)

    def named(self, inputs: list[str]) -> list[str] | None:
        """A name for every number, of which it is known what it is called in the arguments.

        None if one would be the name of something else.
        """
        names: list[str] = []
        for text, count in self.pieces:
            here = inputs[len(names) : len(names) + (count or 0)]
            names += [text] if count is None else map(local_name, here)
        others = {*self.names} - {text for text, count in self.pieces if count is None}
        return names if len({*names, *others}) == len(names) + len(others) else None

    def unpacked(self, names: list[str]) -> list[str]:
        """Lines that give every number its name."""
        lines, i = [], 0
        for text, count in self.pieces:
            if count is None:
                lines.append(f"{text} = float({text})")
            elif count:
                targets = ", ".join(names[i : i + count]) + "," * (count == 1)
                lines.append(f"{targets} = {text}.tolist()")
            else:
                lines.append(text)  # it is checked
            i += 1 if count is None else count
        return lines

    def joined(self) -> str:
        """All numbers, in one array, or a list."""
        parts: list[str] = []
        single: list[str] = []
        for text, count in [*self.pieces, ("", 0)]:
            if count is None:
                single.append(f"float({text})")
                continue
            if single:
                parts.append(f"[{', '.join(single)}]")
            single = []
            parts += [text] * bool(text)
        if len(parts) < 2:
            return parts[0] if parts else "[]"
        return f"np.concatenate([{', '.join(parts)}])"


def local_name(what: str) -> str:
    """What a part of an argument is called in a function.

    >>> local_name("model['w'][0, 1]")
    'model_w_0_1'
    """
    text = unicodedata.normalize("NFKC", what).replace("-", "minus")
    return re.sub(r"\W+", "_", text.rstrip("]'\""))


def _shape(tree: Any) -> tuple[int, ...] | None:
    """The shape of the array that a tree's numbers form; None if they do not, or there are none."""
    if isinstance(tree, Leaf):
        return tree.shape if tree.shape is not None else ()
    if not isinstance(tree, Sequence) or not tree.parts:
        return None
    shapes = {_shape(part) for part in tree.parts}
    (shape, *others) = shapes
    return None if others or shape is None else (len(tree.parts), *shape)


def literal(x: Any, what: str) -> str:
    """An object as a Python expression.

    Raises:
        TypeError: if there is none.
    """
    text = repr(x)
    try:
        if ast.literal_eval(text) == x:
            return text
    except (ValueError, SyntaxError):
        pass
    raise TypeError(
        f"{what} is {describe(x)}, which cannot be written: let the function close over it"
    )


def arranged(tree: Any, numbers: list[str] | str, first: int = 0) -> str:
    """An expression for a tree of numbers, from number ``first`` on.

    Args:
        tree: the structure.
        numbers: an expression of every number; or the name of a flat array of them.

    >>> arranged(Sequence(list, (Leaf(None), Leaf((2,)))), ["a", "b", "c"])
    '[a, np.array([b, c])]'
    >>> arranged(Sequence(list, (Leaf(None), Leaf((2,)))), "r")
    '[r.item(0), r[1:3]]'
    """
    end = first + size(tree)
    if isinstance(tree, Static):
        return literal(tree.value, "a part of the result")
    if isinstance(tree, Leaf):
        if isinstance(numbers, str):
            if tree.shape is None:
                return f"{numbers}.item({first})"
            return f"{numbers}[{first}:{end}]" + _reshaped(tree.shape)
        if tree.shape is None:
            return numbers[first]
        return f"np.array([{', '.join(numbers[first:end])}])" + _reshaped(tree.shape)
    assert isinstance(tree, Node)
    shape = _shape(tree)
    if isinstance(numbers, str) and shape and _of_lists(tree):
        return f"{numbers}[{first}:{end}]{_reshaped(shape)}.tolist()"
    parts = []
    for part in tree.parts:
        parts.append(arranged(part, numbers, first))
        first += size(part)
    if isinstance(tree, Mapping):
        keys = [literal(key, "a key of the result") for key in tree.kind]
        return "{" + ", ".join(map("{}: {}".format, keys, parts)) + "}"
    inside = ", ".join(parts)
    if tree.kind is list:
        return f"[{inside}]"
    if tree.kind is tuple:
        return f"({inside},)" if len(parts) == 1 else f"({inside})"
    if not hasattr(tree.kind, "_fields"):
        raise TypeError(f"the result has a {tree.kind.__name__}, which cannot be written")
    return f"{tree.kind.__name__}({inside})"


def _of_lists(tree: Any) -> bool:
    """Whether all of a tree is lists of numbers."""
    return tree == Leaf(None, getattr(tree, "kind", "f")) or (
        isinstance(tree, Sequence) and tree.kind is list and all(map(_of_lists, tree.parts))
    )


def _reshaped(shape: tuple[int, ...]) -> str:
    return "" if len(shape) == 1 else f".reshape({shape})"


def named_tuples(tree: Any) -> dict[str, str]:
    """Definitions, by name, of the named tuples in a tree.

    Raises:
        TypeError: if one has the name of another, or of a function of the table.
    """
    found: dict[str, str] = {}
    if isinstance(tree, Sequence) and hasattr(tree.kind, "_fields"):
        name, of = tree.kind.__name__, [*tree.kind._fields]
        found[name] = f"{name} = collections.namedtuple({name!r}, {of})"
    for part in getattr(tree, "parts", ()):
        for name, text in named_tuples(part).items():
            if found.setdefault(name, text) != text:
                raise TypeError(f"the result has two kinds of {name}: only one can be written")
    for name in found:
        if name in CODES or name in CONSTANTS or name in ("np", "math", "collections", "float"):
            raise TypeError(f"the result has a {name}, which is the name of something else")
    return found
