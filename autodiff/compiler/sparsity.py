"""Sparse Jacobians: which derivatives are zero whatever the numbers are, and how to get the others.

The pattern is read off the program.  Columns that meet in no row get one colour, and all columns
of a colour are one direction of forward mode: the cost is that of the colours, not of the inputs.
Rows so full that they would cost many colours are left to reverse mode, by colours of their own.

References:
    A. Curtis, M. Powell, J. Reid, On the estimation of sparse Jacobian matrices, IMA J. Appl.
    Math. 13 (1974).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler import loops
from autodiff.compiler.derivatives import HELD, forward, reverse
from autodiff.compiler.program import (
    ARITY,
    Floats,
    Integers,
    Mapped,
    Program,
    Vmap,
    in_order,
    views,
)
from autodiff.compiler.simplify import simplified
from autodiff.ops import CODES


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where the entries of a sparse matrix are, column by column, as SciPy has it."""

    shape: tuple[int, int]
    rows: Integers
    starts: Integers

    @property
    def columns(self) -> Integers:
        """Of every entry, its column; the rows are ``rows``."""
        return np.repeat(np.arange(self.shape[1], dtype=np.int32), np.diff(self.starts))

    def matrix(self, entries: Floats) -> Any:
        """The matrix with these entries, as a SciPy sparse array."""
        matrix = copy.copy(self._empty)
        matrix.data, matrix.indices = entries, self.rows.copy()
        matrix.indptr = self.starts.copy()
        return matrix

    @cached_property
    def _empty(self) -> Any:
        """A matrix of zeros, to be copied: SciPy need not check the pattern every time."""
        from scipy.sparse import csc_array

        return csc_array((np.zeros(len(self.rows)), self.rows, self.starts), self.shape)


def by_column(shape: tuple[int, int], rows: Integers, columns: Integers) -> Pattern:
    """The pattern of entries that come row by row, or column by column."""
    order = np.argsort(columns, kind="stable")
    starts = np.cumsum(np.bincount(columns + 1, minlength=shape[1] + 1))
    return Pattern(shape, rows[order], starts.astype(np.int32))


def pattern(p: Program, places: Sequence[int]) -> Pattern:
    """Which results depend on which of these inputs.

    >>> from autodiff.compiler.trace import trace
    >>> p = trace(lambda xs: [xs[0] * xs[1], xs[1]], [1.0, 2.0]).program
    >>> found = pattern(p, [0, 1])
    >>> found.rows, found.starts
    (array([0, 0, 1], dtype=int32), array([0, 1, 3], dtype=int32))
    """
    p = _without_vmaps(p)
    columns = np.full(p.inputs, -1, np.int32)
    columns[list(places)] = np.arange(len(places), dtype=np.int32)
    seen = np.full(p.inputs + len(p), -1, np.int32)
    stack = np.empty(p.inputs + len(p), np.int32)
    found = np.empty(len(places) + 2**20, np.int32)
    ends = np.zeros(len(p.outputs), np.int64)
    arrays = (p.ops, p.a, p.b, p.entries, ARITY, HELD, p.outputs, columns, seen, stack, found)
    rows, those = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    start, views_of_all = 0, views(*arrays, ends)
    while start < len(p.outputs):
        end = loops.reach(p.inputs, start, len(places), *views_of_all)
        counts = np.diff(ends[start:end], prepend=0)
        rows.append(np.repeat(np.arange(start, end, dtype=np.int32), counts))
        those.append(found[: counts.sum()].copy())
        start = end
    shape = (len(p.outputs), len(places))
    return by_column(shape, np.concatenate(rows), np.concatenate(those))


def _without_vmaps(p: Program) -> Program:
    """A program with what its parts depend on in place of bodies: it computes something else."""
    ops, a, b, entries = p.ops.copy(), p.a.copy(), p.b.copy(), [p.entries]
    size = len(p.entries)
    for k, (at, which) in p.parts().items():
        body, operands = p.call(k)
        depends = _dependences(p.vmap(k)) if isinstance(body, Mapped) else None
        for j, i in [(k, -1), *zip(at.tolist(), which.tolist(), strict=True)]:
            refs = depends(i) if depends else operands  # of a scan or a pullback: all of them
            ops[j], a[j], b[j] = CODES["sum"], size, len(refs)
            entries.append(refs.astype(np.int32))
            size += len(refs)
    return in_order(replace(p, ops=ops, a=a, b=b, entries=np.concatenate(entries)))


def _dependences(call: Vmap) -> Callable[[int], Any]:
    """Which operands a result of a vmap depends on; the last result on none."""
    body, own, shared = call
    m, results = body.results, body.lanes * body.results
    ways = [pattern(q, range(q.inputs)) for q in body.programs]
    read = [
        np.unique(np.concatenate([x.columns[x.rows == i] for x in ways]))
        for i in range(m + body.sums)
    ]

    def depends(i: int) -> Any:
        if i in (-1, len(body) - 1):
            return shared[:0]
        alone = i < results
        lanes, inputs = own[[i // m]] if alone else own, read[i % m if alone else m + i - results]
        mine = inputs < body.own
        return np.append(lanes[:, inputs[mine]], shared[inputs[~mine] - body.own])

    return depends


def colours(where: Pattern) -> list[int]:
    """A colour for every column, so that those of one colour meet in no row.

    Greedy, in order: on a band of width w it takes w colours, which is least.

    >>> tridiagonal = Pattern((3, 3), np.array([0, 1, 0, 1, 2, 1, 2]), np.array([0, 2, 5, 7]))
    >>> colours(tridiagonal)
    [0, 1, 2]
    """
    m, n = where.shape
    if n and np.bincount(where.rows, minlength=1).max() == n:  # all columns meet in that row
        return list(range(n))
    rows, starts = where.rows.tolist(), where.starts.tolist()
    taken, chosen = [0] * m, []  # of every row, its colours as the bits of an integer
    for j in range(n):
        mine = rows[starts[j] : starts[j + 1]]
        forbidden = 0
        for i in mine:
            forbidden |= taken[i]
        free = ~forbidden & (forbidden + 1)  # the lowest bit that is 0 there
        for i in mine:
            taken[i] |= free
        chosen.append(free.bit_length() - 1)
    return chosen


def full_rows(where: Pattern) -> NDArray[np.bool_]:
    """Of every row, whether reverse mode computes it: those that make the fewest sweeps in all.

    Forward mode takes at least as many sweeps as the fullest of its rows has entries.  Reverse mode
    takes at most one for each of its rows; for all of them, as many as the fullest column has.
    """
    m = where.shape[0]
    if not len(where.rows):
        return np.zeros(m, bool)
    counts = np.bincount(where.rows, minlength=m)
    fullest = np.argsort(-counts, kind="stable")
    left = np.arange(m + 1) + np.append(counts[fullest], 0)
    k = int(np.argmin(left))
    if np.diff(where.starts).max() < left[k]:
        k = m
    chosen = np.zeros(m, bool)
    chosen[fullest[:k]] = True
    return chosen


def _mirrored(where: Pattern) -> NDArray[np.int64]:
    """Of every entry of a square matrix, the one on the other side of the diagonal, or -1."""
    rows, columns, n = where.rows.astype(np.int64), where.columns.astype(np.int64), where.shape[1]
    keys, mirrored = columns * n + rows, rows * n + columns
    at = np.minimum(np.searchsorted(keys, mirrored), len(keys) - 1)
    return np.where(keys[at] == mirrored, at, -1)


def _seeds(where: Pattern, slots: Sequence[int]) -> tuple[Integers, list[dict[int, int | None]]]:
    """The colour of every column, and for every colour the seeds of those that have entries."""
    of_column = np.array(colours(where), np.int32)
    used = np.flatnonzero(np.diff(where.starts))
    seeds: list[dict[int, int | None]] = [{} for _ in range(of_column[used].max(initial=-1) + 1)]
    for column in used.tolist():
        seeds[of_column[column]][slots[column]] = None
    return of_column, seeds


def sparse_jacobian(
    p: Program, places: Sequence[int], symmetric: bool = False
) -> tuple[Program, Pattern]:
    """The program of the entries of a Jacobian that need not be zero, and where they stand.

    Of a symmetric one, columns whose rows reverse mode computes are read there, and entries below
    the diagonal above it.

    Raises:
        ImportError: without SciPy, in which the result would be.
    """
    if find_spec("scipy") is None:
        raise ImportError("sparse=True returns SciPy's sparse arrays: pip install scipy")
    where = pattern(p, places)
    rows, columns = where.rows, where.columns
    full = full_rows(where)
    backwards = full[rows]
    mirror = _mirrored(where) if symmetric else np.full(len(rows), -1)
    spared = np.zeros(len(places), bool)
    if symmetric:
        spared |= full
        spared[columns[mirror < 0]] = False
    forwards = ~backwards & ~spared[columns]

    of_column, directions = _seeds(
        by_column(where.shape, rows[forwards], columns[forwards]), places
    )
    q = forward(p, directions)
    found = q.outputs.reshape(len(directions), len(p.outputs))
    entries = np.zeros(len(rows), np.int32)
    entries[forwards] = found[of_column[columns[forwards]], rows[forwards]]
    if full.any():
        transposed = by_column(where.shape[::-1], columns[backwards], rows[backwards])
        of_row, combinations = _seeds(transposed, range(len(p.outputs)))
        q = reverse(q.returning(p.outputs), combinations, places)
        found = q.outputs.reshape(len(combinations), len(places))
        entries[backwards] = found[of_row[rows[backwards]], columns[backwards]]
    known = forwards | backwards
    elsewhere = (mirror >= 0) & (~known | ((rows > columns) & known[mirror]))
    entries = np.where(elsewhere, entries[mirror], entries)
    return simplified(q.returning(entries)), where
