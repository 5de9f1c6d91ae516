"""Programs as models for ONNX, in float64 throughout.

``onnx_graph`` makes the model; this is its part that can be imported where onnx is missing.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from autodiff.compiler.sparsity import Pattern
from autodiff.engine.reals import describe
from autodiff.export.listing import exported

if TYPE_CHECKING:
    import onnx


def to_onnx(f: Any, *args: Any, name: str = "f") -> onnx.ModelProto:
    """A program as a model for ONNX, in float64, which onnxruntime runs on its CPU provider.

    Every number and every array in the arguments of ``f`` is an input, which is called what it is
    in Python: ``x``, ``params['w']``, ``points[0]``; a list of numbers is an array, and so is a
    list of arrays of one shape.  Every number or array in the result is an output: ``result``,
    ``result['loss']``.

    What ``f`` reads from outside, parameters say, is written into the model.  Where a comparison
    comes out otherwise than when ``f`` was traced, or ``take`` reads beyond its list, all results
    are nan, since a model cannot raise.

    Args:
        f: what ``lower`` gave; or a jitted or transformed function, with example arguments.
        args: these arguments.
        name: what the graph is called.

    Returns:
        The model; ``onnx.save`` writes it to a file.

    Raises:
        ImportError: if onnx is not installed.
        TypeError: if ``f`` is no such function, or has what cannot be written: a primitive that was
            added at run time, ``polygamma``, or a sparse matrix as result.
        ValueError: if ``name`` is no name.

    >>> from autodiff import export, jit, tanh
    >>> model = export.to_onnx(jit(lambda w, x: tanh(w * x)), 2.0, 3.0)
    >>> [x.name for x in model.graph.input], [node.op_type for node in model.graph.node]
    (['w', 'x'], ['Reshape', 'Reshape', 'Mul', 'tanh', 'Reshape'])
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"name must be what the graph is called, not {describe(name)}")
    if find_spec("onnx") is None:
        raise ImportError('to_onnx() needs onnx: pip install "scalar-autodiff[onnx]"')
    from autodiff.export.onnx_graph import model_of

    found = exported(f, *args)
    if isinstance(found.result, Pattern):
        raise TypeError(f"{found.name} gives a sparse matrix, which ONNX has not: use sparse=False")
    return model_of(found, name)
