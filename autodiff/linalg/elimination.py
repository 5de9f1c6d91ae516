"""Elimination with partial pivoting: systems of equations, inverses, determinants."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from numpy.linalg import LinAlgError

from autodiff import functions
from autodiff.engine.traces import active
from autodiff.evaluation import largest
from autodiff.linalg.matrices import EPS, Matrix, arranged, inner, less, sides, square
from autodiff.value import Value, number_of

_HALF = 2.0**-26  #: what has lost half of its digits


def solve(a: Any, b: Any) -> Any:
    """The solution ``x`` of ``a @ x = b``.

    Args:
        a: a square matrix, ``n`` x ``n``.
        b: a vector of length ``n``, or a matrix of ``n`` rows.

    Returns:
        ``x``, in the shape of ``b``.

    Raises:
        LinAlgError: if ``a`` is singular, or not square, or does not fit ``b``.
        TypeError: for what is no matrix of real numbers and Values.

    >>> solve([[2.0, 1.0], [1.0, 3.0]], [4.0, 7.0])
    [1.0, 2.0]
    """
    rows = square("solve(a, b): a", a)
    columns, vector = sides("solve(a, b)", b, len(rows))
    return arranged(_solutions("solve(a, b)", rows, columns), len(rows), vector, (a, b))


def inv(a: Any) -> Any:
    """The inverse of a square matrix.

    Args:
        a: a square matrix, ``n`` x ``n``.

    Returns:
        The matrix ``x`` with ``a @ x = 1``, ``n`` x ``n``.

    Raises:
        LinAlgError: if ``a`` is singular, or not square.
        TypeError: for what is no matrix of real numbers and Values.

    >>> inv([[2.0, 0.0], [1.0, 4.0]])
    [[0.5, 0.0], [-0.125, 0.25]]
    """
    rows = square("inv(a): a", a)
    identity = [[float(i == j) for i in range(len(rows))] for j in range(len(rows))]
    return arranged(_solutions("inv(a)", rows, identity), len(rows), False, (a,))


def det(a: Any) -> Any:
    """The determinant of a square matrix: a float, or a Value.

    Its derivatives are those of the polynomial, also where ``a`` is singular: there the first one
    is the adjugate.  Where elimination leaves nothing but rounding, it goes on without division.
    Close to a singular matrix, but not at one, derivatives beyond the first lose digits, as the
    inverse does.

    Args:
        a: a square matrix, ``n`` x ``n``.

    Raises:
        LinAlgError: if ``a`` is not square.
        TypeError: for what is no matrix of real numbers and Values.

    >>> det([[4.0, 2.0], [2.0, 3.0]])
    8.0
    >>> from autodiff import grad
    >>> grad(det)([[1.0, 2.0], [2.0, 4.0]])
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    rows = square("det(a): a", a)
    n = len(rows)
    numbered = [[*row, float(i)] for i, row in enumerate(rows)]
    factors = _eliminated(numbered, n, [_HALF, 8 * n * EPS])
    left, used, aside = factors.left, factors.used, factors.aside
    # What is left has the value 0 but not the derivative 0: it is computed anew, below all pivots.
    rest = [left.remove(_first(left.free, 1.0)) for _ in aside]
    columns = []
    for j in aside:
        u = _above(factors.pivots, j)
        columns.append([less(row.entries[j], row.multipliers, u) for row in rest])
    order = [row.entries[n] for row in (*factors.pivots, *rest)]
    sign = _sign(order) * _sign([*map(float, [*used, *aside])])
    pivots = [column[-1] for column in factors.upper]
    return functools.reduce(operator.mul, pivots, sign * _division_free(columns))


class _Row(NamedTuple):
    """A row, how often the row of each pivot so far is taken away from it, and the sizes of that.

    The sizes are left out where nobody asks for them.
    """

    entries: list[Any]
    multipliers: list[Any]
    sizes: list[Any]


class _Rows:
    """The rows of a matrix that have had no pivot yet.

    Where it is not known which, because ``jit`` traces what it depends on, all rows stay, and those
    that have had one are marked by Values.
    """

    def __init__(self, a: Matrix) -> None:
        self.rows = [_Row(entries, [], []) for entries in a]
        self.free: list[Any] = [1.0] * len(a)  # 0 for those that have had a pivot

    def marked(self, sizes: list[Any]) -> list[Any]:
        """Sizes, but -1 in the rows that have had a pivot."""
        return [
            x if type(mark) is float else functions.where(mark, x, -1.0)
            for x, mark in zip(sizes, self.free, strict=True)
        ]

    def remove(self, p: Any) -> _Row:
        """The row at a place, which may be traced, and is from now on not free."""
        if type(p) is int:
            del self.free[p]
            return self.rows.pop(p)
        marks = enumerate(self.free)
        self.free = [functions.where(functions.equal(p, i), 0.0, mark) for i, mark in marks]
        return _Row(*(functions.take(part, p) for part in zip(*self.rows, strict=True)))


class _Factors(NamedTuple):
    """What elimination makes of a matrix.

    Attributes:
        pivots: its rows, in the order of their pivots; their multipliers are the lower triangle.
        upper: the columns of the upper triangle, each down to its pivot.
        used: which columns these were.
        aside: the columns that have no pivot.
        left: the rows that have none.
    """

    pivots: list[_Row]
    upper: Matrix
    used: list[int]
    aside: list[int]
    left: _Rows


def _eliminated(a: Matrix, n: int, tolerances: Sequence[float] = (0.0,)) -> _Factors:
    """Elimination in ``n`` columns with partial pivoting, column after column.

    Golub and Van Loan, Matrix Computations, 3.4.

    Args:
        a: the rows of a matrix, which may have more columns.
        n: how many of them get a pivot.
        tolerances: one for each round through the columns.  A column of which no more is left than
            so much of what was added up to reduce it waits for the next round.
    """
    pivots: list[_Row] = []
    upper: Matrix = []
    used: list[int] = []
    aside, left = [*range(n)], _Rows(a)
    for tolerance in tolerances:
        columns, aside = aside, []
        for j in columns:
            u = _above(pivots, j)
            column = [less(row.entries[j], row.multipliers, u) for row in left.rows]
            sizes = left.marked(_sizes(column))
            most, least = largest(sizes, "peak"), 0.0
            if tolerance:
                added = _added(left.rows, j, _added(pivots, j, _sizes(u)))
                least = tolerance * largest(left.marked(added), "peak")
            if most > least:
                p = _first(sizes, most)
            elif most <= least:
                aside.append(j)
                continue
            else:  # a nan, which spreads to the result
                p = next(i for i, size in enumerate(sizes) if size != size)
            for row, x in zip(left.rows, column, strict=True):
                row.multipliers.append(x)
            row = left.remove(p)
            pivot = row.multipliers.pop()
            pivots.append(row)
            upper.append([*u, pivot])
            used.append(j)
            for other in left.rows:
                other.multipliers[-1] = other.multipliers[-1] / pivot
                if tolerance:
                    other.sizes.extend(_sizes(other.multipliers[-1:]))
    return _Factors(pivots, upper, used, aside, left)


def _added(rows: Iterable[_Row], j: int, above: list[Any]) -> list[Any]:
    """The sizes of what is added up to reduce column ``j``: its rounding is in proportion to them.

    Args:
        rows: of the matrix.
        j: the column.
        above: the sizes of this column in the rows of the pivots.
    """
    return [
        x + inner(row.sizes, above[: len(row.sizes)]) if row.sizes else x
        for row in rows
        for x in _sizes(row.entries[j : j + 1])
    ]


def _sizes(xs: list[Any]) -> list[Any]:
    """Absolute values, to be compared: in a trace Values, else floats."""
    if active() is not None:
        return [abs(x) for x in xs]
    return [abs(number_of(x) if type(x) is Value else x) for x in xs]


def _above(pivots: list[_Row], j: int) -> list[Any]:
    """Column ``j`` of the rows that have had a pivot, less what those before take away."""
    u: list[Any] = []
    for row in pivots:
        u.append(less(row.entries[j], row.multipliers, u))
    return u


def _first(xs: list[Any], x: Any) -> Any:
    """The place of the first of ``xs`` that is ``x``: an int, or in a trace, a Value."""
    if not any(type(y) is Value for y in xs):
        return xs.index(x)
    backwards = range(len(xs), 0, -1)
    marks = [
        functions.where(functions.equal(y, x), float(n), 0.0)
        for y, n in zip(xs, backwards, strict=True)
    ]
    return len(xs) - largest(marks, "peak")


def _solutions(name: str, a: Matrix, columns: Matrix) -> Matrix:
    """The solution for every column of the right-hand side."""
    n = len(a)
    pivots, upper, _, aside, _ = _eliminated(
        [[*row, *sides] for row, *sides in zip(a, *columns, strict=True)], n
    )
    if aside:
        raise LinAlgError(f"{name}: a is singular: its column {aside[0]} depends on those before")
    return [back(upper, _above(pivots, n + i)) for i in range(len(columns))]


def back(upper: Matrix, y: list[Any]) -> list[Any]:
    """The solution of a triangular system, from the last unknown to the first."""
    x: list[Any] = []
    for k in reversed(range(len(upper))):
        rest = [column[k] for column in upper[:k:-1]]
        x.append(less(y[k], rest, x) / upper[k][k])
    return x[::-1]


# -- determinants without division -----------------------------------------------------------------


def _division_free(a: Matrix) -> Any:
    """The determinant by sums and products alone, so that its derivatives exist wherever it is.

    Bird, A simple division-free algorithm for computing determinants, Information Processing
    Letters 111 (2011): ``f`` begins as ``a``, and ``n - 1`` times becomes ``m @ a``, where ``m`` is
    ``f`` above the diagonal, 0 below it, and on it, the sum of what follows on that of ``f``,
    negated.  Its work grows as ``n**4``, so it is left to what has no pivots.
    """
    n = len(a)
    f = [row[i:] for i, row in enumerate(a)]  # what is on and above the diagonal
    for _ in range(n - 1):
        following: Any = 0.0
        m: Matrix = []
        for row in reversed(f):
            m.append([-following, *row[1:]])
            following = following + row[0]
        f = [
            [inner(row, [a[k][j] for k in range(i, n)]) for j in range(i, n)]
            for i, row in enumerate(reversed(m))
        ]
    return 1.0 if n == 0 else f[0][0] if n % 2 else -f[0][0]


def _sign(order: list[Any]) -> Any:
    """1 for an even permutation, -1 for an odd one."""
    pairs = itertools.combinations(order, 2)
    inversions = sum(functions.greater(i, j) for i, j in pairs)
    return 1.0 - 2.0 * (inversions - 2.0 * functions.floor(0.5 * inversions))
