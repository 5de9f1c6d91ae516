"""Matrices as they come, checked, and as they go: lists for lists, arrays for arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from autodiff.engine.reals import describe, real
from autodiff.lists import record_list
from autodiff.ops import CODES
from autodiff.value import Value

Matrix = list[list[Any]]  #: rows or columns of floats and Values

EPS = 2.0**-52  #: of float64
_DOT = CODES["dot"]


def square(what: str, a: Any) -> Matrix:
    """The rows of a square matrix."""
    rows, n = matrix(what, a)
    if len(rows) != n:
        raise LinAlgError(f"{what} must be square, not {len(rows)} x {n}")
    return rows


def matrix(what: str, a: Any) -> tuple[Matrix, int]:
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


def sides(name: str, b: Any, m: int) -> tuple[Matrix, bool]:
    """The columns of a right-hand side of ``m`` rows, and whether it is a vector."""
    what = f"{name}: b"
    came = _listed(what, b)
    if len(came) != m:
        raise LinAlgError(f"{what} must have length {m}, as a has so many rows, not {len(came)}")
    nested = any(isinstance(x, (list, tuple, np.ndarray)) for x in came)
    if not nested and not (isinstance(b, np.ndarray) and b.ndim > 1):  # which may have no rows
        return [_vector(what, came)], True
    rows, n = matrix(what, b)
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


def arranged(columns: Matrix, n: int, vector: bool, given: Sequence[Any]) -> Any:
    """A solution of ``n`` unknowns for each right-hand side, in the shape of these."""
    if vector:
        return as_given(columns[0], (n,), given)
    rows = [[column[i] for column in columns] for i in range(n)]
    return as_given(rows, (n, len(columns)), given)


def as_given(x: list[Any], shape: tuple[int, ...], given: Sequence[Any]) -> Any:
    """A list, or if something given is an array, an array."""
    return np.array(x).reshape(shape) if any(isinstance(a, np.ndarray) for a in given) else x


def inner(xs: list[Any], ys: list[Any]) -> Any:
    """``functions.dot`` of what has been checked: there are very many."""
    return record_list(_DOT, [xs, ys])


def less(x: Any, xs: list[Any], ys: list[Any]) -> Any:
    """``x`` less the inner product of two lists, which may be empty."""
    return x - inner(xs, ys) if xs else x
