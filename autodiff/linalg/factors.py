"""Factors that need no choice of a pivot: Cholesky's, and Householder's for least squares."""

from __future__ import annotations

from typing import Any

from numpy.linalg import LinAlgError

from autodiff import functions
from autodiff.evaluation import largest
from autodiff.linalg.elimination import back
from autodiff.linalg.matrices import (
    EPS,
    Matrix,
    arranged,
    as_given,
    inner,
    less,
    matrix,
    sides,
    square,
)


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
    rows = square("cholesky(a): a", a)
    lower: Matrix = []
    for i, entries in enumerate(rows):
        row: list[Any] = []
        for j in range(i):
            row.append(less(entries[j], lower[j][:j], row) / lower[j][j])
        pivot = less(entries[i], row, row)
        if not pivot > 0:
            raise LinAlgError(
                "cholesky(a): a is not positive definite: the determinant of its first "
                f"{i + 1} rows and columns is not above 0"
            )
        lower.append([*row, functions.sqrt(pivot)])
    n = len(rows)
    full = [row + [0.0] * (n - len(row)) for row in lower]
    return as_given(full, (n, n), (a,))


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
    rows, n = matrix("lstsq(a, b): a", a)
    columns_of_b, vector = sides("lstsq(a, b)", b, len(rows))
    tall = len(rows) >= n
    columns = [[row[j] for row in rows] for j in range(n)] if tall else rows
    scales, reflections, upper = _reflections(columns, "column" if tall else "row")
    solutions = []
    for y in columns_of_b:
        if tall:
            for u in reflections:
                y = _reflected(y, u)
            x = [z / scale for z, scale in zip(back(upper, y[:n]), scales, strict=True)]
        else:
            x = []
            for z, scale, column in zip(y, scales, upper, strict=True):
                x.append(less(z / scale, column[:-1], x) / column[-1])
            x += [0.0] * (n - len(x))
            for u in reversed(reflections):
                x = _reflected(x, u)
        solutions.append(x)
    return arranged(solutions, n, vector, (a, b))


def _reflections(columns: Matrix, what: str) -> tuple[list[Any], Matrix, Matrix]:
    """Householder's reflections, which make columns those of a triangle.

    Golub and Van Loan, Matrix Computations, 5.2.

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
        square = inner(x, x)
        if not square > (len(came) * EPS) ** 2:  # of what was from 1 to len(came)
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
    along = inner(u, y[k:])
    return [*y[:k], *(z - along * w for z, w in zip(y[k:], u, strict=True))]
