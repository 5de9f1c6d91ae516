"""Programs leave: written as text that runs by itself elsewhere, one file for each format.

A function that was jitted, transformed or lowered is written with its derivatives, if that is what
it computes; ``listing`` gives every format the same statements.

* ``to_c`` -- a file of C;
* ``to_latex`` -- a formula, of a small function;
* ``to_python`` -- Python that needs NumPy alone.
"""

from autodiff.export.c import to_c
from autodiff.export.latex import to_latex
from autodiff.export.python import to_python

__all__ = ["to_c", "to_latex", "to_python"]
