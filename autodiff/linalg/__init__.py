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

from autodiff.linalg.elimination import det, inv, solve
from autodiff.linalg.factors import cholesky, lstsq

__all__ = ["cholesky", "det", "inv", "lstsq", "solve"]
