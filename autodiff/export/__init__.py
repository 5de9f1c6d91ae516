"""Programs leave: written as text that runs by itself elsewhere, one file for each format.

A function that was jitted, transformed or lowered is written with its derivatives, if that is what
it computes; ``listing`` gives every format the same statements.

* ``to_jax`` -- a module for JAX;
* ``to_onnx`` -- a model for ONNX.
"""

from autodiff.export.jax_module import to_jax
from autodiff.export.onnx_model import to_onnx

__all__ = ["to_jax", "to_onnx"]
