"""A large program in written Python: on a buffer, many lanes at once.

The buffer ``w`` has a place for every number: the constants, from the last to the first, the
inputs, and what instructions compute.  Lanes of one operation stand side by side, so that they are
one operation on slices; operands that follow no rule are read by an array of indices.  Single
instructions are done by Python's floats, which a memoryview of the buffer, ``m``, reads and writes.

A buffer with a second axis runs a program for many lanes of a ``vmap``; then all instructions are
operations on slices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.lanes import Axes, Table, shared_axes
from autodiff.compiler.program import Program
from autodiff.compiler.writing import INFIX, demanded, on_one_line, only_guarded, right_side
from autodiff.engine.instructions import ON_LISTS
from autodiff.export.listing import Statement
from autodiff.export.python_definitions import define_for_arrays
from autodiff.export.python_file import File

FEW = 3  #: terms that are added up in one expression

#: What has lists of operands, and is done for many lanes all the same.
_ELEMENTWISE = ("chain", "products", "pick", "detach")


class OnBuffer:
    """A program and its statements, written as lines on a buffer.

    Args:
        file: where definitions and arrays go.
        p: the program.
        found: its statements.
        name: of the function: the functions of its bodies are called after it.
        lanes: whether the buffer has a second axis.
    """

    def __init__(
        self, file: File, p: Program, found: list[Statement], name: str, lanes: bool
    ) -> None:
        self._file = file
        self._p = p
        self._name = name
        self._lanes = lanes
        self._shift = len(p.constants)
        guarded = only_guarded(p)
        self._scalar = False
        lines = []
        for x in found:
            if x.lanes > 1 or x.first not in guarded:
                lines.append(self._line(x))
        self.lines = [*self._beginning(), *lines]
        self.result = self._read(p.outputs)

    def _beginning(self) -> list[str]:
        """The lines that make the buffer."""
        p, c = self._p, self._shift
        end = c + p.inputs
        shape = f"({end + len(p)}, x.shape[1])" if self._lanes else f"{end + len(p)}"
        lines = [f"w = np.empty({shape})"]
        if c:
            column = "[:, None]" if self._lanes else ""
            lines.append(f"w[:{c}] = {self._file.array(p.constants[::-1])}{column}")
        if p.inputs:
            lines.append(f"w[{c}:{end}] = x")
        return lines + ["m = memoryview(w)"] * self._scalar

    def _line(self, x: Statement) -> str:
        """A statement as a line."""
        p, name = self._p, x.row.name
        if name == "guard":
            text = demanded(p, x.first, self._one)
            at = p.sources[int(p.number(p.operands(x.first)[2]))]
            message = on_one_line(f"traced where {text}, at {at}")
            return f"if not ({text}): raise ValueError({message!r})"
        if name == "vmap":
            return self._call(x)
        sums = name in ("chain", "products")  # many terms are added up by NumPy
        if x.lanes > 1 or self._lanes or (sums and x.operands[0].shape[1] > FEW):
            return self._group(x)
        if any(table.shape[1] > 8 for table in x.operands):
            lists = [self._read(table[0]) + ".tolist()" for table in x.operands]
            star = "*" if name in ON_LISTS else ""
            right = f"{self._file.helper(name)}({', '.join(star + y for y in lists)})"
        else:
            xs = [self._one(ref) for ref in p.operands(x.first)]
            right = self._file.operation(x.row, xs)
        return f"{self._one(p.inputs + x.first)} = {right}"

    def _one(self, ref: int) -> str:
        """A number of the buffer, as a float."""
        self._scalar = True
        return f"m[{ref + self._shift}]"

    # -- many lanes --------------------------------------------------------------------------------

    def _group(self, x: Statement) -> str:
        """Lanes of one operation, as one on slices."""
        name = x.row.name
        if x.row.over_lists and name not in _ELEMENTWISE:
            return f"{self._target(x, (x.lanes,))} = {self._of_lists(x)}"
        tables, terms = x.operands, x.operands[0].shape[1] if x.operands else 1
        if terms > FEW:  # a first term, and the others
            tables = [part for table in tables for part in (table[:, :1], table[:, 1:])]
        elif terms > 1:
            tables = [table[:, i : i + 1] for i in range(terms) for table in tables]
        sizes, axes = shared_axes(tables)
        texts = [self._operand(*pair, sizes) for pair in zip(tables, axes, strict=True)]
        if terms > FEW and name == "products":
            first, others = f"{texts[0]} * {texts[2]}", f"{texts[1]} * {texts[3]}"
            right = f"{self._file.helper('_added')}({first}, {others})"
        elif terms > FEW:
            right = f"{self._file.helper('_added')}({', '.join(texts)})"
        else:
            right = self._elementwise(x, texts)
        return f"{self._target(x, sizes)} = {right}"

    def _elementwise(self, x: Statement, texts: list[str]) -> str:
        """An operation on every element of operands."""
        name = x.row.name
        if name in (*INFIX, "neg", "chain", "products", "detach"):
            return right_side(x.row, texts)
        if name == "pick":
            chosen, i, j, other = texts
            return f"np.where({i} == {j}, {chosen}, {other})"
        called = define_for_arrays(name, self._file.definitions)
        if called:
            return f"{called}({', '.join(texts)})"
        each = self._file.helper("_each")
        return f"{each}({self._file.helper(name)}, {', '.join(texts)})"

    def _of_lists(self, x: Statement) -> str:
        """An operation on lists, of which every lane has its own."""
        lists = [f"{self._read(table[0])}.T.tolist()" for table in x.operands]
        name = self._file.helper(x.row.name)
        if x.row.name in ON_LISTS:
            together = self._read(np.concatenate([table[0] for table in x.operands]))
            return f"[{name}(*xs) for xs in {together}.T.tolist()]"
        return f"[*map({name}, {', '.join(lists)})]"

    def _target(self, x: Statement, sizes: tuple[int, ...]) -> str:
        """The places of the results, in so many axes."""
        first = self._shift + self._p.inputs + x.first
        text = f"w[{first}:{first + x.lanes}]"
        if x.lanes == 1:
            return f"w[{first}]"
        if len(sizes) == 1:
            return text
        more = ", -1" if self._lanes else ""
        return f"{text}.reshape({', '.join(map(str, sizes[::-1]))}{more})[:]"

    def _operand(self, table: Table, axes: Axes, sizes: tuple[int, ...]) -> str:
        """An operand in so many axes; before them, one for terms, if these are many."""
        terms = table.shape[1]
        if len(table) == 1 and terms > 1:
            return self._read(table[0])
        refs = table.astype(np.int64) + self._shift
        strides = axes.along(sizes)
        if axes.strides or len(table) == 1:
            shape, steps = [*sizes[::-1]], [*strides[::-1]]
            if terms > 1:
                shape, steps = [terms, *shape], [axes.step, *steps]
            elif len(table) == 1 or not any(steps):  # all lanes read the same number
                return f"w[{refs[0, 0]}]"
            if len(shape) == 1:
                return f"w[{_slice(int(refs[0, 0]), shape[0], steps[0])}]"
            grid = self._file.helper("_grid")
            return f"{grid}(w, {refs[0, 0]}, {tuple(shape)}, {tuple(steps)})"
        read = [size if stride else 1 for size, stride in zip(sizes, strides, strict=True)]
        cube = refs.reshape(*sizes[::-1], terms)[tuple(slice(size) for size in read[::-1])]
        cube = np.moveaxis(cube, -1, 0) if terms > 1 else cube[..., 0]
        return f"w[{self._file.array(np.ascontiguousarray(cube))}]"

    def _read(self, refs: Any) -> str:
        """Numbers of the buffer, in one axis."""
        return f"w[{self._index(np.asarray(refs, np.int64) + self._shift)}]"

    def _index(self, places: Any) -> str:
        """A slice of these places in an array, or an array of them."""
        steps = np.unique(np.diff(places))
        if not len(places):
            return ":0"
        if len(places) == 1 or (len(steps) == 1 and steps[0]):
            return _slice(int(places[0]), len(places), int(steps[0]) if len(steps) else 1)
        return self._file.array(np.asarray(places, np.int64))

    # -- bodies ------------------------------------------------------------------------------------

    def _call(self, x: Statement) -> str:
        """What runs programs, whose results are written where they are read."""
        p = self._p
        _, refs = p.call(x.first)
        number = int(p.number(p.operands(x.first)[-1]))
        at, which = p.parts()[x.first]
        call = f"{self._name}_{number}({self._read(refs)}.tolist())"
        return f"{self._read(at + p.inputs)} = np.array({call})[{self._index(which)}]"


def _slice(first: int, n: int, step: int) -> str:
    """The places from ``first`` on, evenly spaced."""
    end = first + n * step
    if step == 1:
        return f"{first}:{end}"
    return f"{first}:{end if end >= 0 else ''}:{step}"
