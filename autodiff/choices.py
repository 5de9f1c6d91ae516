"""Choices without a branch, and what is held constant.

* ``where(c, a, b)``, ``clip(x, lo, hi)``, ``round(x)``;
* ``stop_gradient(x)``.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np

from autodiff.engine.modes import MODE
from autodiff.engine.reals import Array, Real, constant, describe
from autodiff.engine.traces import active
from autodiff.evaluation import VALUES, elementwise
from autodiff.evaluation import where as chosen
from autodiff.value import Value

_T = TypeVar("_T")


@overload
def where(c: Real, a: Real, b: Real) -> float: ...
@overload
def where(c: Value, a: Real | Value, b: Real | Value) -> Value: ...
@overload
def where(c: Real, a: Value, b: Real | Value) -> Value: ...
@overload
def where(c: Real, a: Real, b: Value) -> Value: ...
@overload
def where(c: Any, a: Any, b: Any) -> Any: ...
def where(c: Any, a: Any, b: Any) -> Any:
    """``a`` where ``c`` is not 0, else ``b``: of numbers, Values and arrays, without a branch.

    In a function that jit traces it is decided at every call, where ``if`` would be a guard: write
    ``where(less(x, 0.0), a, b)`` with the table's comparisons.  What is not chosen gets the
    gradient 0; but both are computed, so if one of them is infinite there, or has no derivative,
    choose its operand first: ``where(c, log(where(c, x, 1.0)), 0.0)``.

    Args:
        c: decides; True and False are 1 and 0.
        a, b: what is chosen from; arrays are broadcast, ``c`` too.

    Raises:
        TypeError: for what is neither a number nor a Value, nor an array of them.

    >>> where(True, 1.0, 2.0), where(np.array([1, 0]), np.array([1.0, 2.0]), 3.0)
    (1.0, array([1., 3.]))
    """
    operands = (c, a, b)
    if any(isinstance(x, np.ndarray) for x in operands):
        return elementwise(where, lambda c, a, b: np.where(c != 0, a, b), "where", operands)
    checked = [x if type(x) is Value else constant(x) for x in operands]
    for x, came in zip(checked, operands, strict=True):
        if x is NotImplemented:
            raise TypeError(
                f"where(c, a, b) takes real numbers, Values and arrays, not {describe(came)}"
            )
    result = chosen(*checked)
    if type(result) is not Value:
        # in a function that jit traces, a leaf would be read from outside
        return Value(result) if active() is None and Value in map(type, operands) else result
    return result if MODE.get().recording else result.detach()


@overload
def clip(x: Real, lo: Real | None, hi: Real | None) -> float: ...
@overload
def clip(x: Value, lo: Real | Value | None, hi: Real | Value | None) -> Value: ...
@overload
def clip(x: Array, lo: Any, hi: Any) -> Array: ...
@overload
def clip(x: Any, lo: Any, hi: Any) -> Any: ...
def clip(x: Any, lo: Any, hi: Any) -> Any:
    """``x``, but ``lo`` where it is less and ``hi`` where it is greater: ``numpy.clip``.

    The slope is 1 from ``lo`` to ``hi``, both included, and 0 outside, as PyTorch's.

    Args:
        x: a number, a Value, or an array of them; nan stays nan.
        lo: likewise, or None for no limit; where ``lo > hi`` the result is ``hi``.
        hi: likewise.

    Raises:
        TypeError: for anything else.

    >>> clip(3.0, 0.0, 1.0), clip(np.array([-1.0, 5.0]), 0.0, None)
    (1.0, array([0., 5.]))
    """
    return VALUES["clip"](x, -np.inf if lo is None else lo, np.inf if hi is None else hi)


@overload
def round(x: Real) -> float: ...
@overload
def round(x: Value) -> Value: ...
@overload
def round(x: Array) -> Array: ...
def round(x: Any) -> Any:
    """The nearest integer, of two the even one: ``numpy.round``, whose slope is 0.

    Of floats, arrays and Values.  ``from autodiff import *`` leaves Python's ``round`` as it is,
    which rounds a Value likewise.

    Args:
        x: a number, a Value, or an array of them.

    Raises:
        TypeError: for anything else.

    >>> round(2.5), round(Value(-1.75)).data
    (2.0, -2.0)
    """
    return VALUES["rint"](x)


@overload
def stop_gradient(x: _T) -> _T: ...
@overload
def stop_gradient(x: Any) -> Any: ...
def stop_gradient(x: Any) -> Any:
    """The same numbers, held constant: no derivative, of any order, goes through them.

    Args:
        x: a number, a Value, an array, or a list, tuple or dict of them.

    Returns:
        The same structure, in which every Value is a constant; numbers are as they were.

    Raises:
        TypeError: for anything else.

    >>> x = Value(3.0)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    3.0
    """
    if type(x) is Value:
        return x.detach()
    if isinstance(x, np.ndarray):
        return x if x.dtype.kind in "biuf" else np.frompyfunc(stop_gradient, 1, 1)(x)
    if isinstance(x, (list, tuple)):
        held = [stop_gradient(y) for y in x]
        return type(x)(*held) if hasattr(x, "_fields") else type(x)(held)
    if isinstance(x, dict):
        return {key: stop_gradient(y) for key, y in x.items()}
    if constant(x) is NotImplemented:
        raise TypeError(
            "stop_gradient(x) takes real numbers, Values, and arrays, lists, tuples and dicts of "
            f"them, not {describe(x)}"
        )
    return x
