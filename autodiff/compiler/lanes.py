"""The steps in which a vectorised program runs, and how operands of a group stand in memory.

An operand of a group is a table of references, a row a lane, with a column for every term of a
list.  Where the references are evenly spaced along a few *axes*, as those of a matrix are, it is
read in place: from a base on, with a *stride* an axis, which is 0 where all lanes read the same
number.  Else it is *packed* first, that is copied, and only once what many lanes read.

So rows of one operand and columns of another, along two axes, are a matrix product.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from itertools import accumulate, pairwise
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.program import ARITY, Integers, Program
from autodiff.compiler.scatter import Scatter
from autodiff.ops import CODES

Table = NDArray[np.int32]

AXES = 3  #: at most; the lanes along the last one are computed side by side
NARROW = 8  #: lanes along the last axis: for fewer, everything is packed to have one axis
WIDTH = 4 + AXES + 4 * (AXES + 4)  #: numbers in a row of ``Steps``
SCATTER = -1  #: the operation of a scatter
EACH = -2  #: that of an instruction for one lane after the other (``batch``)
IN_PLACE, KEPT = -1, -2  #: where an operand is found: among the slots, or copied by an earlier step

_PICK, _PRODUCTS = CODES["pick"], CODES["products"]


class Steps:
    """The steps in which a program runs: groups, scatters, and spans of instructions one by one.

    A step is a row of numbers: its operation, 0 for a span; its first instruction and the one after
    its last; how many terms are added to the first; the sizes of its axes, outermost first; and for
    every operand where it is found (see ``arrays``), how many numbers are copied, the slot or the
    place in the scratch memory that it is read from, its strides, and the step from term to term.
    The operands of a sum are those of its first term, and then those of the others.  For a scatter,
    see ``scattered``.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows: list[list[int]] = []
        self._packs: list[tuple[int, int, Integers]] = []  # row, place in it, what is copied
        self._room = int(np.max(program.b[program.over_list], initial=1))  # of a step

    def span(self, first: int, end: int) -> None:
        """Append instructions that are done one by one, unless there are none."""
        if first < end:
            self.rows.append([0, first, end] + [0] * (WIDTH - 3))

    def scattered(self, scatter: Scatter, first: int, end: int) -> None:
        """Append a scatter: how many terms, lists, elements and lanes; and where its parts are."""
        terms, lists = len(scatter.indices), len(scatter.adjoints) // len(scatter.indices)
        row = [SCATTER, first, end, terms, lists, len(scatter.lanes) // lists, end - first]
        for refs in (scatter.adjoints, scatter.indices, scatter.lanes, scatter.elements):
            self._packs.append((len(self.rows), len(row), refs))
            row += [0] * (AXES + 4)
        self.rows.append(row)

    def group(self, first: int, end: int) -> None:
        """Append the lanes from ``first`` to ``end`` of a group."""
        op = int(self.program.ops[first])
        tables = operands_of(self.program, first, end)
        sizes, chosen = shared_axes(tables)
        outer = [1] * (AXES - len(sizes))
        row = [op, first, end, tables[-1].shape[1], *outer, *sizes[::-1]]
        room = 0
        for i, (table, axes) in enumerate(zip(tables, chosen, strict=True)):
            strides, step = axes.along(sizes), axes.step
            of_first_term = not ARITY[op] and op != _PICK and 2 * i < len(tables)
            if axes.strides and (strides[0] in (0, 1) or of_first_term):
                row += [IN_PLACE, 0, int(table[0, 0])]
            else:
                refs, strides, step = pack(table, sizes, strides)
                self._packs.append((len(self.rows), len(row), refs))
                row += [0, len(refs), room]
                room += len(refs)
            row += [*[0] * len(outer), *strides[::-1], step]
        self._room = max(self._room, room)
        self.rows.append(row + [0] * (WIDTH - len(row)))

    def arrays(self) -> tuple[Integers, Integers, int]:
        """For a ``Machine``: all rows, all references that are copied, and how much room for it.

        An operand's first number says where in the references those begin that are copied for it;
        or ``IN_PLACE``; or, where the same is copied for several steps, and this is not the first,
        ``KEPT``.
        """
        rows = np.array(self.rows, np.int32)
        # A scatter copies nothing: it reads its references themselves.
        keys = [b"" if rows[row, 0] == SCATTER else refs.tobytes() for row, _, refs in self._packs]
        often = Counter(keys)
        kept: dict[bytes, int] = {}
        packed, begin, room = [np.zeros(0, np.int32)], 0, self._room
        for (row, place, refs), key in zip(self._packs, keys, strict=True):
            if key in kept:
                rows[row, place] = KEPT
            else:
                packed.append(refs)
                rows[row, place] = begin
                begin += len(refs)
            if key and often[key] > 1:
                if key not in kept:
                    kept[key] = room
                    room += len(refs)
                rows[row, place + 2] = kept[key]
        return rows, np.concatenate(packed), room


def operands_of(p: Program, first: int, end: int) -> list[Table]:
    """The references that instructions of one kind read: a table an operand."""
    n, op = end - first, int(p.ops[first])
    if ARITY[op]:
        return [x[first:end].reshape(n, 1) for x in (p.a, p.b)[: ARITY[op]]]
    terms = p.b[first]
    table = p.entries[p.a[first] : p.a[first] + n * terms].reshape(n, terms)
    if op == _PICK:
        return [table[:, i : i + 1] for i in range(4)]
    if op == _PRODUCTS:
        return [table[:, 0:1], table[:, 1:2], table[:, 2::2], table[:, 3::2]]
    return [table[:, :1], table[:, 1:]]


class Axes(NamedTuple):
    """How the rows of a table are spaced, from the innermost axis outwards.

    Attributes:
        sizes: of every axis, how many lanes it has.
        strides: of every axis, from one to the next; empty if they follow no rule.  Then there are
            one axis, or three: lanes that are alike, lanes that are not, and repetitions of these.
        step: from a term to the next.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...] = ()
    step: int = 0

    def along(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """The strides along finer axes; 1 in place of those that follow no rule.

        >>> Axes((6, 2), (10, 0)).along((3, 2, 2))
        (10, 30, 0)
        """
        ends = list(accumulate(self.sizes, mul))
        found, below = [], 1
        for size in sizes:
            i = bisect_right(ends, below)
            if self.strides:
                found.append(self.strides[i] * below // (ends[i] // self.sizes[i]))
            else:
                found.append(int(len(ends) == 1 or i == 1))
            below *= size
        return tuple(found)


def axes_of(table: Table) -> Axes:
    """How the rows of a table are spaced.

    >>> axes_of(np.array([[0], [1], [2], [0], [1], [2]], np.int32))
    Axes(sizes=(3, 2), strides=(1, 0), step=0)
    """
    step = int(table[0, 1] - table[0, 0]) if table.shape[1] > 1 else 0
    if (table[:, 1:] - table[:, :-1] == step).all():
        sizes: list[int] = []
        strides: list[int] = []
        column = table[:, 0]
        while len(column) > 1 and len(sizes) < AXES:
            steps = column[1:] - column[:-1]
            stride = int(steps[0])
            unlike = steps != stride
            size = int(unlike.argmax()) + 1 if unlike.any() else len(column)
            if len(column) % size:
                break
            if size < len(column):
                blocks = column.reshape(len(column) // size, size)
                if (blocks[:, 1:] - blocks[:, :-1] != stride).any():
                    break
            sizes.append(size)
            strides.append(stride)
            column = column[::size]
        if len(column) == 1:
            return Axes(tuple(sizes), tuple(strides), step)
    return _repeated(table)


def shared_axes(tables: list[Table], narrowest: int = NARROW) -> tuple[tuple[int, ...], list[Axes]]:
    """The sizes of axes, innermost first, along which operands are spaced, and how each is.

    One that would make the innermost smaller than ``narrowest`` has the lanes in one axis, and no
    strides.

    >>> rows, columns = np.arange(24).reshape(-1, 1) // 8, np.arange(24).reshape(-1, 1) % 8
    >>> sizes, (of_rows, of_columns) = shared_axes([rows, columns])
    >>> sizes, of_rows.along(sizes), of_columns.along(sizes)
    ((8, 3), (0, 1), (1, 0))
    """
    n = len(tables[0])
    found = [axes_of(table) for table in tables]
    sizes: tuple[int, ...] = (n,)
    chosen = [Axes((n,))] * len(tables)
    for i in sorted(range(len(tables)), key=lambda i: -tables[i].size):
        finer = common(n, sizes, found[i].sizes)
        if finer and (finer[0] >= narrowest or finer[0] == n):
            sizes, chosen[i] = finer, found[i]
    return sizes, chosen


def _repeated(table: Table) -> Axes:
    """How the rows of a table that follow no rule are repeated."""
    n, terms = table.shape
    alike = (table == table[0]).all(axis=1)
    repeats = n if alike.all() else int(np.argmin(alike))
    blocks = n // repeats, repeats, terms
    if n % repeats or (table.reshape(blocks) != table[::repeats, None]).any():
        repeats = 1
    rows = table[::repeats]
    again = np.flatnonzero(alike[::repeats])
    period = int(again[1]) if len(again) > 1 else len(rows)
    if len(rows) % period or (rows[period:] != rows[:-period]).any():
        period = len(rows)
    return Axes((repeats, period, len(rows) // period))


def common(n: int, *many: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of axes, of ``n`` lanes in all, of which all of these consist; empty if none do.

    >>> common(12, (3, 4), (6, 2)), common(12, (3, 4), (4, 3))
    ((3, 2, 2), ())
    """
    ends = {n, *(end for sizes in many for end in accumulate(sizes, mul))}
    bounds = [1, *sorted(ends - {1})]
    if len(bounds) > AXES + 1 or any(high % low for low, high in pairwise(bounds)):
        return ()
    return tuple(high // low for low, high in pairwise(bounds))


def pack(
    table: Table, sizes: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[Integers, tuple[int, ...], int]:
    """The references to copy, lanes with a stride of 0 only once; the strides and the step then.

    Terms stand outside the innermost axis, so that its lanes are side by side.
    """
    read = [size if stride else 1 for size, stride in zip(sizes, strides, strict=True)]
    cube = table.reshape(*sizes[::-1], table.shape[1])[tuple(slice(size) for size in read[::-1])]
    refs = np.ascontiguousarray(cube.swapaxes(-1, -2)).ravel()
    inner, *outer = read
    between = [1, *accumulate(outer, mul, initial=inner * table.shape[1])]
    found = tuple(x if stride else 0 for x, stride in zip(between, strides, strict=False))
    return refs, found, inner
