"""Run a program for many lanes at once: a number of each in place of every number.

What depends on no lane is computed once, by a program of its own.  All else is computed in blocks
of lanes that fit the cache, in the steps of ``lanes``: slot ``s`` of the block has the numbers of
its lanes side by side, so that the lanes are one more axis of every group, the innermost.  What is
not done lane by lane in vectors (guards, rows over lists) is done for one lane after the other.

A lane in which a guard fails gets numbers without a meaning; which these are is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler import loops
from autodiff.compiler.derivatives import NOTHING_HELD, dependent
from autodiff.compiler.lanes import AXES, EACH, IN_PLACE, WIDTH, axes_of, common, operands_of
from autodiff.compiler.machine import Machine, places, run_batch
from autodiff.compiler.passes import dead_code
from autodiff.compiler.program import ARITY, GUARD, Body, Floats, Integers, Program, in_order, views
from autodiff.compiler.sums import sums
from autodiff.compiler.vectorize import LANES, Tiered, grouped, last_operands
from autodiff.engine.instructions import PART, STATIC, VMAP
from autodiff.ops import CODES

CACHE = 1 << 16  #: numbers that a block of lanes may have, so that it stays in the cache
WHOLE = 8  #: lanes are computed by so many, also if fewer are wanted
MOST = 1 << 16  #: numbers that are copied for one step, if there is a smaller one
LEAST = 4  #: rows, and columns, that a matrix product must have: less is added up as it is
MUL = CODES["mul"]

# Seconds that it takes, about: one lane by itself, an instruction of it; to make a ``Batch``, for
# every guard, and for every instruction.
LANE, INSTRUCTION, STEP, INSTRUCTION_MADE = 3e-6, 8e-9, 4e-5, 1.5e-6

Lanes = Callable[..., tuple[Floats, Floats, Integers]]  #: see ``Batch.__call__``


def in_lanes(program: Program, per_lane: Sequence[int], most: int, added: int = 0) -> Lanes:
    """What runs a program for many lanes, see ``Batch``.

    One lane after the other if it has primitives in Python, which must not be called in lanes that
    a guard before them stops; and as long as that takes less time than to make a ``Batch``, whose
    sums are in another order.
    """
    in_python = _in_python(program)
    if added and not in_python:
        return Batch(program, per_lane, most, added)
    machine, own = Machine(sums(program)), len(program.outputs) - added

    def one_by_one(
        inputs: Floats, lanes: Floats, threads: int = 1
    ) -> tuple[Floats, Floats, Integers]:
        total = lanes.shape[1]
        found, failed = np.zeros((len(program.outputs), total)), np.zeros(total, np.int32)
        numbers = inputs.copy()
        for i in range(total):
            numbers[per_lane] = lanes[:, i]
            try:
                results = machine(numbers)
            except IndexError:  # of a lane that may never come to this: see _Nested
                results = None
            failed[i] = results is None
            found[:, i] = 0.0 if results is None else results
        return found[:own], found[own:].sum(axis=1), failed

    if in_python:
        return one_by_one
    a_lane = LANE + INSTRUCTION * len(program)
    made, spent, worth = None, 0.0, STEP * len(program.guards) + INSTRUCTION_MADE * len(program)

    def tiered(inputs: Floats, lanes: Floats, threads: int = 1) -> tuple[Floats, Floats, Integers]:
        nonlocal made, spent
        spent += a_lane * lanes.shape[1]
        if made is None and spent > worth:
            made = Batch(program, per_lane, most)
        return (made or one_by_one)(inputs, lanes, threads)

    return tiered


def rounded(lanes: int) -> int:
    """How many lanes, about, as ``most`` of ``in_lanes``, where numbers of lanes vary.

    A power of two, so that there need not be a ``Batch`` for every number; and from some thousand
    on the same.
    """
    return 1 << min(lanes - 1, 1 << 10).bit_length()


def _in_python(p: Program) -> bool:
    """Whether it has primitives in Python, or what it runs has."""
    bodies = [p.call(k)[0] for k in p.parts()]
    return not ((p.ops < STATIC) | (p.ops == VMAP)).all() or any(
        _in_python(q) for body in bodies for q in body.programs
    )


class Batch:
    """A program made ready to run for many lanes, in many threads at once.

    Args:
        program: the program.
        per_lane: those of its inputs that each lane has a number of its own for.
        most: how many lanes it is run for, at most, if that is known to be few.
        added: how many of its results, the last, are added up over the lanes.

    Attributes:
        lanes: how many are computed at a time.
    """

    def __init__(
        self, program: Program, per_lane: Sequence[int], most: int, added: int = 0
    ) -> None:
        p = program
        varying = dependent(p, per_lane, NOTHING_HELD) != 0
        self._own, self._added = len(p.outputs) - added, added
        totals = p.outputs[self._own :]
        self._grids, factors, self._alone = _products(p, varying, totals)
        p = p.returning(np.concatenate([p.outputs[: self._own], totals[self._alone], factors]))
        kept = np.flatnonzero(varying[p.inputs :])
        q = in_order(replace(p, ops=p.ops[kept], a=p.a[kept], b=p.b[kept]))
        two = ARITY[q.ops] == 2  # over one operand, it is of lanes only if that is
        reads = [q.a[two], q.b[two], q.entries, p.outputs]
        refs = np.unique(np.concatenate(reads))
        self._shared = refs[(refs >= 0) & ~varying[np.maximum(refs, 0)]]
        self._read = places(self._shared)
        u, n = len(self._shared), len(per_lane)
        to = np.zeros(p.inputs + len(p), np.int32)
        to[self._shared] = np.arange(u)
        to[per_lane] = np.arange(u, u + n)
        to[p.inputs + kept] = np.arange(u + n, u + n + len(kept))
        moved = np.concatenate([to, np.arange(-len(p.constants), 0, dtype=np.int32)])
        loops.rename(*views(q.ops, q.a, q.b, q.entries, ARITY, moved))
        q = sums(replace(q, inputs=u + n, outputs=moved[p.outputs]))

        guards = np.flatnonzero((p.ops == GUARD) & ~varying[p.inputs :])
        ends = np.concatenate([self._shared, p.inputs + guards])
        once = dead_code(p.returning(ends), guards=False)
        self._once = Tiered(once) if len(once) else None
        fit = max(16, CACHE // (n + len(q) + 1))
        self.lanes = min(max(most, 1), fit - fit % WHOLE)
        self._n, self._constants = n, q.constants[::-1].copy()
        layout = _Layout(q, u, self.lanes)
        steps = layout.steps()
        cuts = [WIDTH * count for count, _ in layout.vmaps]
        self._parts = [
            (*views(part), vmap)
            for part, vmap in zip(
                np.split(steps, cuts), [*(vmap for _, vmap in layout.vmaps), None], strict=True
            )
        ]
        (self._packed,) = views(layout.packed())
        self._room = layout.room
        self._rows = layout.program.outputs - u  # of results; those of what is shared below 0
        self._size = len(self._constants) + u + (n + len(q)) * self.lanes
        self._idle: list[Any] = []

    def __call__(
        self, inputs: Floats, lanes: Floats, threads: int = 1
    ) -> tuple[Floats, Floats, Integers]:
        """The results, a row each, with a number for every lane; those that are added up, over the
        lanes in which no guard fails; and in which lanes one does.

        That is a number for every lane: 0 if none fails, and else the same for all lanes in which
        the same guard is the first that fails.

        Args:
            inputs: the program's, of which those that every lane has its own for are not read.
            lanes: of each of these a row, with a number for every lane.
            threads: among how many threads the lanes are divided, if there are enough.
        """
        total = lanes.shape[1]
        found, failed = np.empty((self._own, total)), np.zeros(total, np.int32)
        try:
            shared = inputs[self._read] if self._once is None else self._once(inputs)
        except IndexError:  # no lane need come to this
            shared = None
        if shared is None:
            return found, np.zeros(self._added), np.ones(total, np.int32)
        spans = min(threads, -(-total // self.lanes))

        def run(part: int) -> Floats:
            first, end = (total * i // spans for i in (part, part + 1))
            return self._run(shared, lanes[:, first:end], found[:, first:end], failed[first:end])

        if spans <= 1:
            return found, self._run(shared, lanes, found, failed), failed
        with ThreadPoolExecutor(spans) as pool:
            return found, np.sum(list(pool.map(run, range(spans))), axis=0), failed

    def _run(self, shared: Floats, lanes: Floats, found: Floats, failed: Integers) -> Floats:
        """Run it for some lanes, and write what was found and where it failed; the sums."""
        total, totals = lanes.shape[1], np.zeros(self._added)
        products = [np.zeros(grid.shape) for grid in self._grids]
        u, c, n = len(self._shared), len(self._constants), self._n
        w, s = self._buffer()
        w[c : c + u] = shared[:u]
        block = w[c + u :].reshape(-1, self.lanes)
        rows = self._rows[: self._own]
        own, others = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
        found[others] = w[c + u + rows[others]][:, None]
        blocks = -(-total // self.lanes)
        even = -(-total // max(blocks, 1) // WHOLE) * WHOLE
        size = max(min(even, self.lanes), 1)  # of blocks of about one size
        for first in range(0, total, size):
            count = min(size, total - first)
            block[:n, :count] = lanes[:, first : first + count]
            bad = np.zeros(min(self.lanes, count + -count % WHOLE), np.int32)
            numbers, room, marks = views(w, s, bad)
            for steps, vmap in self._parts:
                run_batch(steps, self._packed, numbers, room, marks, c)
                if vmap is not None:
                    vmap(w[: c + u], block[:, :count], bad[:count])
            found[own, first : first + count] = block[rows[own], :count]
            failed[first : first + count] = bad[:count]
            if self._added:
                which = np.flatnonzero(bad[:count] == 0)
                self._add(totals, products, w[: c + u], block[:, :count], which)
        for grid, product in zip(self._grids, products, strict=True):
            totals[grid] = product
        self._idle.append((w, s))
        return totals

    def _add(
        self, totals: Floats, products: list[Any], shared: Floats, block: Any, which: Any
    ) -> None:
        """Add up over the lanes of a block, but for those in which a guard fails."""
        count = block.shape[1]

        def numbers(rows: Any) -> Any:
            found = block[places(rows)]
            return found if len(which) == count else found[:, which]

        rows = self._rows[self._own :]
        end = len(self._alone)
        alone = rows[:end]
        own, others = np.flatnonzero(alone >= 0), np.flatnonzero(alone < 0)
        totals[self._alone[own]] += numbers(alone[own]).sum(axis=1)
        totals[self._alone[others]] += len(which) * shared[alone[others]]
        for product in products:
            m, n = product.shape
            product += numbers(rows[end : end + m]) @ numbers(rows[end + m : end + m + n]).T
            end += m + n

    def _buffer(self) -> tuple[Floats, Floats]:
        """Constants backwards, what all lanes share, and the slots of a block; and room to copy."""
        try:
            buffer: tuple[Floats, Floats] = self._idle.pop()
        except IndexError:
            w = np.zeros(self._size)
            w[: len(self._constants)] = self._constants
            buffer = w, np.zeros(self._room)
        return buffer


def _products(p: Program, varying: Any, refs: Integers) -> tuple[list[Any], Any, Any]:
    """Products of numbers of lanes that are to be added up, as matrix products.

    Those of every number of some with every one of others, over all lanes, are one.

    Args:
        p: a program.
        varying: of every slot, whether each lane has its own.
        refs: what is to be added up.

    Returns:
        For every matrix product, which of ``refs`` it has at which row and column; the references
        of all factors, of each first those of its rows and then those of its columns; and which of
        ``refs`` are in none.
    """
    of_lanes = np.append(varying, np.zeros(len(p.constants), bool))
    is_product = p.at_references(p.ops == MUL)[refs]
    at = np.flatnonzero(is_product)
    k = refs - p.inputs
    at = at[of_lanes[p.a[k[at]]] & of_lanes[p.b[k[at]]]]
    left, right = p.a[k[at]], p.b[k[at]]
    order = np.lexsort((right, left))
    at, left, right = at[order], left[order], right[order]
    starts = np.flatnonzero(np.append(True, left[1:] != left[:-1])[: len(left)])
    by_columns: dict[bytes, list[Any]] = {}
    for part, columns in zip(np.split(at, starts[1:]), np.split(right, starts[1:]), strict=True):
        by_columns.setdefault(columns.tobytes(), []).append(part)
    grids, factors, alone = [], [np.zeros(0, np.int32)], np.ones(len(refs), bool)
    for parts in by_columns.values():
        grid = np.stack(parts)
        if min(grid.shape) >= LEAST:
            grids.append(grid)
            factors += [p.a[k[grid[:, 0]]], p.b[k[grid[0]]]]
            alone[grid] = False
    return grids, np.concatenate(factors), np.flatnonzero(alone)


class _Nested(NamedTuple):
    """What has a body, in a program that is itself run for many lanes.

    Attributes:
        body: what it runs.
        refs: its operands: rows of a block; those of what is shared, and constants, below 0.
        parts: the rows that get its results.
        which: which results these are.
        number: told of lanes in which it fails; if the program itself asks, its guard is told.
    """

    body: Body
    refs: Integers
    parts: Integers
    which: Integers
    number: int

    def __call__(self, shared: Floats, block: Any, bad: Integers) -> None:
        """Run it for the lanes of a block."""
        count = block.shape[1]
        numbers = np.empty((len(self.refs), count))
        own = self.refs >= 0
        numbers[own] = block[self.refs[own]]
        numbers[~own] = shared[self.refs[~own]][:, None]
        found = self.body.run_many(numbers, own)
        block[self.parts] = found[self.which]
        bad[(found[-1] == 0) & (bad == 0)] = self.number


class _Layout:
    """Where the numbers of a block stand, and the steps that compute them.

    Reference ``r`` is at ``r`` if it is a constant or one of the first ``shared`` slots; of the
    other slots every one takes as many places as there are lanes.
    """

    def __init__(self, p: Program, shared: int, lanes: int) -> None:
        self.shared = shared
        self.lanes = lanes
        a, b = last_operands(p) >= shared  # which are numbers of lanes: those of a group agree
        self.program, self._groups = grouped(p, np.asarray(a + 2 * b, np.int32), guarded=False)
        self.room = 1
        longest = int(np.max(self.program.b[self.program.over_list], initial=1))
        self._copied: list[Any] = [np.arange(longest)]  # which rows over lists read by
        self._end = longest
        self._rows: list[NDArray[np.int32]] = []
        self.vmaps: list[tuple[int, _Nested]] = []  # each with the number of steps before it

    def at(self, refs: Any) -> Any:
        """Where these references stand."""
        lanes = self.shared + (refs - self.shared) * self.lanes
        return np.where(refs < self.shared, refs, lanes).astype(np.int32)

    def steps(self) -> Integers:
        """The steps, end to end."""
        p, done = self.program, 0
        for first, end in [*self._groups, (len(p), len(p))]:
            over_list = done + np.flatnonzero(p.over_list[done:first])
            for k in over_list.tolist():
                self._scalars(done, k)
                if LANES[p.ops[k]]:
                    self._group(k, k + 1)
                elif p.ops[k] == VMAP:
                    self.vmaps.append((sum(map(len, self._rows)), self._vmap(k)))
                else:
                    self._each(k)
                done = k + 1
            self._scalars(done, first)
            self._group(first, end)
            done = end
        return np.concatenate([np.zeros((0, WIDTH), np.int32), *self._rows]).ravel()

    def packed(self) -> Integers:
        """All that is read by number: references that are copied, and operands of lists."""
        return np.concatenate(self._copied).astype(np.int32)

    def _add(self, numbers: Any) -> int:
        """Append such numbers; where they begin."""
        self._copied.append(numbers)
        self._end += len(numbers)
        return self._end - len(numbers)

    def _step(self, row: list[int]) -> None:
        self._rows.append(np.array([row + [0] * (WIDTH - len(row))], np.int32))

    def _scalars(self, first: int, end: int) -> None:
        """Instructions over one or two scalars, none like the next, for all lanes."""
        p = self.program
        at = first + np.flatnonzero(p.ops[first:end] != PART)
        slots, rows = p.inputs + at, np.zeros((len(at), WIDTH), np.int32)
        rows[:, 0], rows[:, 1], rows[:, 2] = p.ops[at], self.at(slots), self.at(slots + 1)
        rows[:, 3 : 3 + AXES], rows[:, 3 + AXES] = 1, self.lanes
        for i, refs in enumerate((p.a, p.b)):
            which = np.flatnonzero(ARITY[p.ops[at]] > i)
            read, operand = refs[at[which]], 4 + AXES + i * (AXES + 4)
            rows[which, operand], rows[which, operand + 2] = IN_PLACE, self.at(read)
            rows[which, operand + 2 + AXES] = read >= self.shared
        self._rows.append(rows)

    def _vmap(self, k: int) -> _Nested:
        """What has a body, in every lane."""
        p = self.program
        at, which = p.parts()[k]
        refs = p.entries[p.a[k] : p.a[k] + p.b[k] - 1] - self.shared
        return _Nested(
            p.call(k)[0], refs, at + p.inputs - self.shared, which, 1 + len(p.sources) + k
        )

    def _each(self, k: int) -> None:
        """One instruction for one lane after the other."""
        p = self.program
        refs = np.array(p.operands(k), np.int32)
        guard = p.ops[k] == GUARD  # its last operand is its number
        number = int(p.constants[-1 - refs[-1]]) if guard else len(p.sources) + k
        where = self._add(np.concatenate([self.at(refs), refs >= self.shared]))
        self.room = max(self.room, 2 * len(refs))
        slot = p.inputs + k
        start, end = self.at(np.array([slot, slot + 1])).tolist()
        self._step([EACH, start, end, len(refs), int(p.ops[k]), where, 1 + number])

    def _group(self, first: int, end: int) -> None:
        """Instructions of one kind, each for all lanes."""
        if first == end:
            return
        p, n, lanes = self.program, end - first, self.lanes
        op = int(p.ops[first])
        tables = operands_of(p, first, end)
        own = [table >= self.shared for table in tables]
        found = [axes_of(self.at(table)) for table in tables]
        regular = [  # of numbers of lanes, or of none, and evenly spaced
            bool((x.all() or not x.any()) and (axes.strides or not axes.sizes))
            for x, axes in zip(own, found, strict=True)
        ]
        sizes: tuple[int, ...] = (n,)
        for axes, is_regular in zip(found, regular, strict=True):
            finer = common(n, sizes, axes.sizes) if is_regular else ()
            sizes = finer if 0 < len(finer) < AXES else sizes
        placed = [
            is_regular and (n == 1 or common(n, sizes, axes.sizes) == sizes)
            for axes, is_regular in zip(found, regular, strict=True)
        ]
        cells = max(
            (t.size for t, there in zip(tables, placed, strict=True) if not there), default=0
        )
        if n > 1 and cells * lanes > MOST:
            self._group(first, first + n // 2)
            self._group(first + n // 2, end)
            return
        outer = [1] * (AXES - 1 - len(sizes))
        start = self.at(np.array([p.inputs + first, p.inputs + end])).tolist()
        row = [op, *start, tables[-1].shape[1], *outer, *sizes[::-1], lanes]
        room = 0
        for table, is_own, axes, there in zip(tables, own, found, placed, strict=True):
            by_lane = int(is_own.any())
            if there:
                strides, step = axes.along(sizes), axes.step
                row += [IN_PLACE, 0, int(self.at(table[0, 0]))]
            else:
                width = lanes if by_lane else 1
                cells = self.at(table)[..., None] + is_own[..., None] * np.arange(width)
                row += [self._add(cells.ravel()), cells.size, room]
                room += cells.size
                strides = (table.shape[1] * width, sizes[0] * table.shape[1] * width)[: len(sizes)]
                step = width
            row += [*[0] * len(outer), *strides[::-1], by_lane, step]
        self.room = max(self.room, room)
        self._step(row)
