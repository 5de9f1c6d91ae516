"""Sparse Jacobians: which derivatives are zero whatever the numbers are, and how to get the others.

The pattern is read off the program.  Columns that meet in no row get one colour, and all columns
of a colour are one direction of forward mode: the cost is that of the colours, not of the inputs.

References:
    A. Curtis, M. Powell, J. Reid, On the estimation of sparse Jacobian matrices, IMA J. Appl.
    Math. 13 (1974).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np

from autodiff.compiler import loops
from autodiff.compiler.derivatives import HELD, forward
from autodiff.compiler.passes import simplified
from autodiff.compiler.program import ARITY, Floats, Integers, Program, views


@dataclass(frozen=True)
class Pattern:
    """Where the entries of a sparse matrix are, column by column, as SciPy has it."""

    shape: tuple[int, int]
    rows: Integers
    starts: Integers

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


def pattern(p: Program, places: Sequence[int]) -> Pattern:
    """Which results depend on which of these inputs.

    >>> from autodiff.compiler.trace import trace
    >>> p = trace(lambda xs: [xs[0] * xs[1], xs[1]], [1.0, 2.0]).program
    >>> found = pattern(p, [0, 1])
    >>> found.rows, found.starts
    (array([0, 0, 1], dtype=int32), array([0, 1, 3], dtype=int32))
    """
    columns = np.full(p.inputs, -1, np.int32)
    columns[list(places)] = np.arange(len(places), dtype=np.int32)
    seen = np.full(p.inputs + len(p), -1, np.int32)
    stack = np.zeros(p.inputs + len(p), np.int32)
    met = np.zeros(p.inputs, np.int32)
    arrays = views(p.ops, p.a, p.b, p.entries, ARITY, HELD, seen, stack, met)
    rows, found = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for i, ref in enumerate(p.outputs.tolist()):
        n = loops.reach(p.inputs, i, ref, *arrays) if ref >= 0 else 0
        of_row = columns[met[:n]]
        of_row = of_row[of_row >= 0]
        found.append(of_row)
        rows.append(np.full(len(of_row), i, np.int32))
    row, column = np.concatenate(rows), np.concatenate(found)
    order = np.lexsort((row, column))
    starts = np.searchsorted(column[order], np.arange(len(places) + 1)).astype(np.int32)
    return Pattern((len(p.outputs), len(places)), row[order].astype(np.int32), starts)


def colours(where: Pattern) -> list[int]:
    """A colour for every column, so that those of one colour meet in no row.

    Greedy, in order: on a band of width w it takes w colours, which is least.

    >>> tridiagonal = Pattern((3, 3), np.array([0, 1, 0, 1, 2, 1, 2]), np.array([0, 2, 5, 7]))
    >>> colours(tridiagonal)
    [0, 1, 2]
    """
    rows, starts = where.rows.tolist(), where.starts.tolist()
    taken: list[set[int]] = [set() for _ in range(where.shape[0])]
    chosen = []
    for j in range(where.shape[1]):
        mine = rows[starts[j] : starts[j + 1]]
        forbidden = set().union(*(taken[i] for i in mine))
        colour = 0
        while colour in forbidden:
            colour += 1
        for i in mine:
            taken[i].add(colour)
        chosen.append(colour)
    return chosen


def _of_the_upper_triangle(entries: Integers, rows: Integers, columns: Any, n: int) -> Integers:
    """Entries of a symmetric matrix, those below the diagonal read above it where they stand."""
    keys = columns.astype(np.int64) * n + rows
    mirrored = rows.astype(np.int64) * n + columns
    at = np.minimum(np.searchsorted(keys, mirrored), max(len(keys) - 1, 0))
    return np.where((rows > columns) & (keys[at] == mirrored), entries[at], entries)


def sparse_jacobian(
    p: Program, places: Sequence[int], symmetric: bool = False
) -> tuple[Program, Pattern]:
    """The program of the entries of a Jacobian that need not be zero, and where they stand.

    Raises:
        ImportError: without SciPy, in which the result would be.
    """
    if find_spec("scipy") is None:
        raise ImportError("sparse=True returns SciPy's sparse arrays: pip install scipy")
    where = pattern(p, places)
    of_column = np.array(colours(where), np.int32)
    count = int(of_column.max(initial=-1)) + 1
    directions: list[dict[int, int | None]] = [{} for _ in range(count)]
    for slot, colour in zip(places, of_column.tolist(), strict=True):
        directions[colour][slot] = None
    q = forward(p, directions)
    column = np.repeat(np.arange(len(places)), np.diff(where.starts))
    entries = q.outputs.reshape(count, len(p.outputs))[of_column[column], where.rows]
    if symmetric:
        entries = _of_the_upper_triangle(entries, where.rows, column, len(places))
    return simplified(q.returning(entries)), where
