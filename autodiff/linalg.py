"""Linear algebra written in scalars: of nested lists, NumPy arrays, floats and Values alike.

* ``solve``, ``inv``, ``det`` -- by elimination with partial pivoting, where an entry of a factor is
  one inner product: ``n`` unknowns are a matter of ``n**2`` nodes and not of ``n**3``;
* ``cholesky`` -- the factor of a positive definite matrix;
* ``lstsq`` -- least squares, by Householder's reflections.

Names and conventions are those of ``numpy.linalg``.  Results are lists, or where an argument is a
NumPy array, arrays: of float64, or of objects where Values are in.  Derivatives of every order
follow from the arithmetic.

A program of ``jit`` or ``vmap`` chooses its pivots at every call, so that one serves all orders of
pivots; whether a matrix is singular, or not positive definite, is a guard.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from autodiff import functions
from autodiff.engine.reals import describe, real
from autodiff.engine.traces import active
from autodiff.evaluation import largest
from autodiff.lists import record_list
from autodiff.ops import CODES
from autodiff.value import Value

__all__ = ["cholesky", "det", "inv", "lstsq", "solve"]

Matrix = list[list[Any]]  #: rows or columns of floats and Values

_EPS = 2.0**-52  #: of float64
_DOT = CODES["dot"]


# -- systems of equations --------------------------------------------------------------------------


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
    rows = _square("solve(a, b): a", a)
    columns, vector = _sides("solve(a, b)", b, len(rows))
    return _arranged(_solutions("solve(a, b)", rows, columns), len(rows), vector, (a, b))


def inv(a: Any) -> Any:
    """The inverse of a square matrix.

    Raises:
        LinAlgError: if ``a`` is singular, or not square.
        TypeError: for what is no matrix of real numbers and Values.

    >>> inv([[2.0, 0.0], [1.0, 4.0]])
    [[0.5, 0.0], [-0.125, 0.25]]
    """
    rows = _square("inv(a): a", a)
    identity = [[float(i == j) for i in range(len(rows))] for j in range(len(rows))]
    return _arranged(_solutions("inv(a)", rows, identity), len(rows), False, (a,))


def det(a: Any) -> Any:
    """The determinant of a square matrix: a float, or a Value.

    Its derivatives are those of the polynomial, also where ``a`` is singular: there the first one
    is the adjugate.  Where elimination leaves nothing but rounding, it goes on without division.
    Close to a matrix of rank ``n - 2`` or less, relative errors of third derivatives grow as the
    condition number of ``a``, those of fourth ones as its square, and so on.

    Raises:
        LinAlgError: if ``a`` is not square.
        TypeError: for what is no matrix of real numbers and Values.

    >>> det([[4.0, 2.0], [2.0, 3.0]])
    8.0
    >>> from autodiff import grad
    >>> grad(det)([[1.0, 2.0], [2.0, 4.0]])
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    rows = _square("det(a): a", a)
    n = len(rows)
    numbered = [[*row, float(i)] for i, row in enumerate(rows)]
    factors = _eliminated(numbered, n, 8 * n * _EPS)
    left, used, aside = factors.left, factors.used, factors.aside
    # What is left has the value 0 but not the derivative 0: it is computed anew, below all pivots.
    rest = [left.remove(_first(left.free, 1.0)) for _ in aside]
    columns = []
    for j in aside:
        u = _above(factors.pivots, j)
        columns.append([_less(row.entries[j], row.multipliers, u) for row in rest])
    order = [row.entries[n] for row in (*factors.pivots, *rest)]
    sign = _sign(order) * (-1.0) ** sum(j > i for i in aside for j in used)
    pivots = [column[-1] for column in factors.upper]
    return functools.reduce(operator.mul, pivots, sign * _division_free(columns))


class _Row(NamedTuple):
    """A row, and how often the row of each pivot so far is taken away from it."""

    entries: list[Any]
    multipliers: list[Any]


class _Rows:
    """The rows of a matrix that have had no pivot yet.

    Where it is not known which, because ``jit`` traces what it depends on, all rows stay, and those
    that have had one are marked by Values.
    """

    def __init__(self, a: Matrix) -> None:
        self.entries = [*a]
        self.multipliers: Matrix = [[] for _ in a]
        self.free: list[Any] = [1.0] * len(a)  # 0 for those that have had a pivot

    def sizes(self, xs: list[Any]) -> list[Any]:
        """The absolute values of a column, below 0 for rows that have had a pivot."""
        return [
            abs(x) if type(mark) is float else functions.where(mark, abs(x), -1.0)
            for x, mark in zip(xs, self.free, strict=True)
        ]

    def remove(self, p: Any) -> _Row:
        """The row at a place, which may be traced, and is from now on not free."""
        if type(p) is int:
            del self.free[p]
            return _Row(self.entries.pop(p), self.multipliers.pop(p))
        marks = enumerate(self.free)
        self.free = [functions.where(functions.equal(p, i), 0.0, mark) for i, mark in marks]
        return _Row(functions.take(self.entries, p), functions.take(self.multipliers, p))


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


def _eliminated(a: Matrix, n: int, cancelled: float = 0.0) -> _Factors:
    """Elimination in ``n`` columns with partial pivoting, as Crout: Golub and Van Loan, 3.4.

    Args:
        a: the rows of a matrix, which may have more columns.
        n: how many of them get a pivot.
        cancelled: a column gets none if of its entries in the rows that remain, no more is left
            than so much of the largest.
    """
    factors = pivots, upper, used, aside, left = _Factors([], [], [], [], _Rows(a))
    for j in range(n):
        u = _above(pivots, j)
        rows = zip(left.entries, left.multipliers, strict=True)
        column = [_less(entries[j], multipliers, u) for entries, multipliers in rows]
        sizes = left.sizes(column)
        most, least = largest(sizes, "peak"), 0.0
        if cancelled:
            came = left.sizes([entries[j] for entries in left.entries])
            least = cancelled * largest(came, "peak")
        if most > least:
            p = _first(sizes, most)
        elif most <= least:
            aside.append(j)
            continue
        else:  # a nan, which spreads to the result
            p = next(i for i, size in enumerate(sizes) if size != size)
        for multipliers, x in zip(left.multipliers, column, strict=True):
            multipliers.append(x)
        row = left.remove(p)
        pivot = row.multipliers.pop()
        pivots.append(row)
        upper.append([*u, pivot])
        used.append(j)
        for multipliers in left.multipliers:
            multipliers[-1] = multipliers[-1] / pivot
    return factors


def _above(pivots: list[_Row], j: int) -> list[Any]:
    """Column ``j`` of the rows that have had a pivot, less what those before take away."""
    u: list[Any] = []
    for entries, multipliers in pivots:
        u.append(_less(entries[j], multipliers, u))
    return u


def _first(xs: list[Any], x: Any) -> Any:
    """The place of the first of ``xs`` that is ``x``: an int, or in a trace, a Value."""
    if active() is None or not any(type(y) is Value for y in xs):
        return xs.index(x)
    backwards = range(len(xs), 0, -1)
    marks = [
        functions.where(functions.equal(y, x), float(n), 0.0)
        for y, n in zip(xs, backwards, strict=True)
    ]
    return len(xs) - largest(marks, "peak")


def _dot(xs: list[Any], ys: list[Any]) -> Any:
    """``functions.dot`` of what has been checked: there are very many."""
    return record_list(_DOT, [xs, ys])


def _less(x: Any, xs: list[Any], ys: list[Any]) -> Any:
    """``x`` less the inner product of two lists, which may be empty."""
    return x - _dot(xs, ys) if xs else x


def _solutions(name: str, a: Matrix, columns: Matrix) -> Matrix:
    """The solution for every column of the right-hand side."""
    n = len(a)
    pivots, upper, _, aside, _ = _eliminated(
        [[*row, *sides] for row, *sides in zip(a, *columns, strict=True)], n
    )
    if aside:
        raise LinAlgError(f"{name}: a is singular: its column {aside[0]} depends on those before")
    return [_back(upper, _above(pivots, n + i)) for i in range(len(columns))]


def _back(upper: Matrix, y: list[Any]) -> list[Any]:
    """The solution of a triangular system, from the last unknown to the first."""
    x: list[Any] = []
    for k in reversed(range(len(upper))):
        rest = [column[k] for column in upper[:k:-1]]
        x.append(_less(y[k], rest, x) / upper[k][k])
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
            [_dot(row, [a[k][j] for k in range(i, n)]) for j in range(i, n)]
            for i, row in enumerate(reversed(m))
        ]
    return 1.0 if n == 0 else f[0][0] if n % 2 else -f[0][0]


def _sign(order: list[Any]) -> Any:
    """1 for an even permutation, -1 for an odd one."""
    pairs = itertools.combinations(order, 2)
    inversions = sum(functions.greater(i, j) for i, j in pairs)
    return 1.0 - 2.0 * (inversions - 2.0 * functions.floor(0.5 * inversions))


# -- positive definite matrices --------------------------------------------------------------------


def cholesky(a: Any) -> Any:
    """The lower triangular ``l`` with ``a = l @ l.T``.

    Args:
        a: a symmetric positive definite matrix; as NumPy does, only its lower triangle is read.

    Returns:
        The factor; its entries above the diagonal are the float 0.0.

    Raises:
        LinAlgError: if ``a`` is not positive definite, or not square.
        TypeError: for what is no matrix of real numbers and Values.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    [[2.0, 0.0], [1.0, 2.0]]
    """
    rows = _square("cholesky(a): a", a)
    lower: Matrix = []
    for i, entries in enumerate(rows):
        row: list[Any] = []
        for j in range(i):
            row.append(_less(entries[j], lower[j][:j], row) / lower[j][j])
        pivot = _less(entries[i], row, row)
        if not pivot > 0:
            raise LinAlgError(
                "cholesky(a): a is not positive definite: the determinant of its first "
                f"{i + 1} rows and columns is not above 0"
            )
        lower.append([*row, functions.sqrt(pivot)])
    n = len(rows)
    full = [row + [0.0] * (n - len(row)) for row in lower]
    return _as_given(full, (n, n), (a,))


# -- least squares ---------------------------------------------------------------------------------


def lstsq(a: Any, b: Any) -> Any:
    """The ``x`` for which the sum of the squares of ``a @ x - b`` is least.

    Only ``x``, where NumPy returns a tuple: ``a`` must have full rank, and singular values are not
    computed.  Where ``a`` has fewer rows than columns, of all solutions of ``a @ x = b`` it is the
    one with the least sum of squares, as NumPy's.

    Args:
        a: a matrix, ``m`` x ``n``.
        b: a vector of length ``m``, or a matrix of ``m`` rows.

    Returns:
        ``x``: a vector of length ``n``, or a matrix of ``n`` rows.

    Raises:
        LinAlgError: if ``a`` has not full rank, but for rounding; or does not fit ``b``.
        TypeError: for what is no matrix of real numbers and Values.

    >>> line = lstsq([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 2.0, 4.0])
    >>> [round(x, 4) for x in line]  # 5/6 + 3/2*t
    [0.8333, 1.5]
    """
    rows, n = _matrix("lstsq(a, b): a", a)
    sides, vector = _sides("lstsq(a, b)", b, len(rows))
    tall = len(rows) >= n
    columns = [[row[j] for row in rows] for j in range(n)] if tall else rows
    scales, reflections, upper = _reflections(columns, "column" if tall else "row")
    solutions = []
    for y in sides:
        if tall:
            for u in reflections:
                y = _reflected(y, u)
            x = [z / scale for z, scale in zip(_back(upper, y[:n]), scales, strict=True)]
        else:
            x = []
            for z, scale, column in zip(y, scales, upper, strict=True):
                x.append(_less(z / scale, column[:-1], x) / column[-1])
            x += [0.0] * (n - len(x))
            for u in reversed(reflections):
                x = _reflected(x, u)
        solutions.append(x)
    return _arranged(solutions, n, vector, (a, b))


def _reflections(columns: Matrix, what: str) -> tuple[list[Any], Matrix, Matrix]:
    """Householder's reflections, which make columns those of a triangle: ibid., 5.2.

    Returns:
        What each column was divided by first, so that no square is too large or too small; for each
        reflection ``I - u @ u.T`` the vector ``u``, without the zeros that it begins with; and the
        columns of the triangle.
    """
    scales: list[Any] = []
    reflections: Matrix = []
    upper: Matrix = []
    for k, came in enumerate(columns):
        # Held constant, as neither the reflections nor the solution depend on it.
        scale = largest([abs(x) for x in came], "peak")
        column = [functions.div(x, scale) for x in came]
        for u in reflections:
            column = _reflected(column, u)
        x = column[k:]
        square = _dot(x, x)
        if not square > (len(came) * _EPS) ** 2:  # of what was from 1 to len(came)
            raise LinAlgError(
                f"lstsq(a, b): a has not full rank: its {what} {k} depends on those before it, or "
                "is not finite"
            )
        norm = functions.sqrt(square)
        end = functions.where(functions.less(x[0], 0.0), norm, -norm)
        first = x[0] - end  # in which nothing cancels
        length = functions.sqrt(norm * abs(first))
        scales.append(scale)
        reflections.append([z / length for z in (first, *x[1:])])
        upper.append([*column[:k], end])
    return scales, reflections, upper


def _reflected(y: list[Any], u: list[Any]) -> list[Any]:
    """``y - u * (u @ y)``, where ``u`` begins with as many zeros as it is shorter."""
    k = len(y) - len(u)
    along = _dot(u, y[k:])
    return [*y[:k], *(z - along * w for z, w in zip(y[k:], u, strict=True))]


# -- what comes and goes ---------------------------------------------------------------------------


def _square(what: str, a: Any) -> Matrix:
    """The rows of a square matrix."""
    rows, n = _matrix(what, a)
    if len(rows) != n:
        raise LinAlgError(f"{what} must be square, not {len(rows)} x {n}")
    return rows


def _matrix(what: str, a: Any) -> tuple[Matrix, int]:
    """The rows of a matrix, and how many columns it has."""
    if isinstance(a, np.ndarray) and a.ndim != 2:
        raise LinAlgError(
            f"{what} must be a matrix, not an array of {a.ndim} dimensions, {a.shape}"
            + "; vmap runs a function for a stack of matrices" * (a.ndim > 2)
        )
    rows = [_vector(f"{what}[{i}]", row) for i, row in enumerate(_listed(what, a))]
    n = len(rows[0]) if rows else np.shape(a)[-1]
    for i, row in enumerate(rows):
        if len(row) != n:
            raise LinAlgError(f"{what}[{i}] has length {len(row)}, but {what}[0] length {n}")
    return rows, n


def _sides(name: str, b: Any, m: int) -> tuple[Matrix, bool]:
    """The columns of a right-hand side of ``m`` rows, and whether it is a vector."""
    what = f"{name}: b"
    came = _listed(what, b)
    if len(came) != m:
        raise LinAlgError(f"{what} must have length {m}, as a has so many rows, not {len(came)}")
    nested = any(isinstance(x, (list, tuple, np.ndarray)) for x in came)
    if not nested and not (isinstance(b, np.ndarray) and b.ndim > 1):  # which may have no rows
        return [_vector(what, came)], True
    rows, n = _matrix(what, b)
    return [[row[j] for row in rows] for j in range(n)], False


def _vector(what: str, xs: Any) -> list[Any]:
    """A list of floats and Values."""
    came = _listed(what, xs)
    if set(map(type, came)) <= {float, Value}:  # as mostly
        return came
    return [x if type(x) is Value else real(x, f"{what}[{i}]") for i, x in enumerate(came)]


def _listed(what: str, xs: Any) -> list[Any]:
    """What a list, tuple or array holds."""
    came = xs.tolist() if isinstance(xs, np.ndarray) else xs
    if not isinstance(came, (list, tuple)):
        raise TypeError(f"{what} must be a list or an array, not {describe(xs)}")
    return [*came]


def _arranged(columns: Matrix, n: int, vector: bool, given: Sequence[Any]) -> Any:
    """A solution of ``n`` unknowns for each right-hand side, in the shape of these."""
    if vector:
        return _as_given(columns[0], (n,), given)
    rows = [[column[i] for column in columns] for i in range(n)]
    return _as_given(rows, (n, len(columns)), given)


def _as_given(x: list[Any], shape: tuple[int, ...], given: Sequence[Any]) -> Any:
    """A list, or if something given is an array, an array."""
    return np.array(x).reshape(shape) if any(isinstance(a, np.ndarray) for a in given) else x
