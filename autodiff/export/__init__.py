"""Programs leave: written as text that runs by itself elsewhere, one file for each format.

A function that was jitted, transformed or lowered is written with its derivatives, if that is what
it computes.  ``listing`` gives every format the same statements; ``arrays`` and ``elementary`` are
what JAX and ONNX have in common; files whose names begin like a format's are parts of it.

* ``to_c`` -- a file of C;
* ``to_jax`` -- a module for JAX;
* ``to_latex`` -- a formula, of a small function;
* ``to_onnx`` -- a model for ONNX;
* ``to_python`` -- Python that needs NumPy alone.
"""

from autodiff.export.c import to_c
from autodiff.export.jax_module import to_jax
from autodiff.export.latex import to_latex
from autodiff.export.onnx_model import to_onnx
from autodiff.export.python import to_python

__all__ = ["to_c", "to_jax", "to_latex", "to_onnx", "to_python"]
