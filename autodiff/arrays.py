"""Values to arrays and back: what an optimizer's step asks of the engine.

Compiled as ``value.py`` is; ``arrays.pxd`` gives the C types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import cython
except ImportError:
    from autodiff import _interpreted as cython

if not cython.compiled:
    from autodiff._interpreted import put, take

if TYPE_CHECKING:
    from autodiff.value import Value


def gather(values: list[Value], data: Any, grads: Any) -> None:
    """Copy the data and the gradients of Values into two arrays."""
    for i, x in enumerate(values):
        v = x
        put(data, i, v._data)
        put(grads, i, v._grad)


def scatter(values: list[Value], data: Any) -> None:
    """Set the data of leaves from an array, as an optimizer's step does."""
    for i, x in enumerate(values):
        v = x
        v._data = take(data, i)


def scatter_grads(values: list[Value], grads: Any) -> None:
    """Set the gradients of Values from an array."""
    for i, x in enumerate(values):
        v = x
        v._grad = take(grads, i)
        if v._note is not None:
            v._note.grad = None
