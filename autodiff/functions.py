"""The table's primitives as functions: of floats, NumPy arrays and Values alike.

* elementwise: ``sin(x)``, ``maximum(a, b)`` ... -- one function a row of the table;
* ``where(c, a, b)``, ``clip(x, lo, hi)``, ``round(x)`` -- choices without a branch;
* ``stop_gradient(x)`` -- what is held constant;
* over lists: ``sum``, ``mean``, ``dot``, ``norm``, ``logsumexp`` -- one node however long the list;
* ``softmax`` and ``log_softmax`` -- several results, made of the above;
* ``take(values, i)`` -- an element, or a row, by an index that may be traced.

A function of floats returns a float, of NumPy arrays an array, and of Values a Value.  A list
function takes a list, a tuple or an array, and works along its first axis, so a list of arrays is
reduced elementwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, SupportsIndex, TypeVar, overload

import numpy as np

from autodiff.choices import clip, round, stop_gradient, where
from autodiff.engine import kernels
from autodiff.engine.instructions import OF_LIST
from autodiff.engine.reals import Array, Real, constant, describe, real
from autodiff.engine.traces import active
from autodiff.evaluation import VALUES, largest
from autodiff.lists import record_known, record_list
from autodiff.ops import CODES, ROWS, TABLE
from autodiff.value import Value, add_method, number_of

_T = TypeVar("_T")


# -- over lists ------------------------------------------------------------------------------------


@overload
def sum(xs: Sequence[float]) -> float: ...
@overload
def sum(xs: Sequence[Value]) -> Value: ...
@overload
def sum(xs: Sequence[Any] | Array) -> Any: ...
def sum(xs: Any) -> Any:
    """The sum of ``xs``, as one node.

    Args:
        xs: a list, tuple or array of numbers, Values, or arrays of one shape.

    Returns:
        A Value if there is one among them, an array of arrays, else a float.

    Raises:
        ValueError: if ``xs`` is empty.
        TypeError: if it is no list, or something in it neither a number, a Value nor an array.

    >>> sum([1.0, 2.0, 3.0])
    6.0
    """
    return _reduce("sum", xs)


@overload
def mean(xs: Sequence[float]) -> float: ...
@overload
def mean(xs: Sequence[Value]) -> Value: ...
@overload
def mean(xs: Sequence[Any] | Array) -> Any: ...
def mean(xs: Any) -> Any:
    """The arithmetic mean of ``xs``, as one node.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    return _reduce("mean", xs)


@overload
def dot(xs: Sequence[float], ys: Sequence[float]) -> float: ...
@overload
def dot(xs: Sequence[Value], ys: Sequence[Real | Value]) -> Value: ...
@overload
def dot(xs: Sequence[Real | Value], ys: Sequence[Value]) -> Value: ...
@overload
def dot(xs: Sequence[Any] | Array, ys: Sequence[Any] | Array) -> Any: ...
def dot(xs: Any, ys: Any) -> Any:
    """The sum of ``x * y`` over two lists of one length, as one node.

    Args:
        xs, ys: as the list of ``sum``.

    Raises:
        ValueError: if the lists are empty or differ in length.
        TypeError: as ``sum``.

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    return _reduce("dot", xs, ys)


@overload
def logsumexp(xs: Sequence[float]) -> float: ...
@overload
def logsumexp(xs: Sequence[Value]) -> Value: ...
@overload
def logsumexp(xs: Sequence[Any] | Array) -> Any: ...
def logsumexp(xs: Any) -> Any:
    """``log(sum(exp(x)))`` over ``xs``, computed without overflow, as one node.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599
    """
    return _reduce("logsumexp", xs)


@overload
def norm(xs: Sequence[float]) -> float: ...
@overload
def norm(xs: Sequence[Value]) -> Value: ...
@overload
def norm(xs: Sequence[Any] | Array) -> Any: ...
def norm(xs: Any) -> Any:
    """The Euclidean norm of ``xs``: ``sqrt(sum(x * x))`` without over- or underflow, as one node.

    The gradient is ``x / norm(xs)`` for each ``x``, and 0 where all are 0, as PyTorch's.

    Raises:
        ValueError: if ``xs`` is empty.

    >>> norm([3.0, 4.0]), norm([1e200, 0.0])
    (5.0, 1e+200)
    """
    return _reduce("norm", xs)


@overload
def softmax(xs: Sequence[float]) -> list[float]: ...
@overload
def softmax(xs: Sequence[Value]) -> list[Value]: ...
@overload
def softmax(xs: Array) -> Array: ...
@overload
def softmax(xs: Sequence[Any]) -> list[Any]: ...
def softmax(xs: Any) -> Any:
    """``exp(x) / sum(exp(xs))`` for each ``x``, computed without overflow: a list, or an array.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    elements = _checked("softmax", xs)
    with np.errstate(all="ignore"):
        shift = _largest(elements, "peak")
        powers = [PUBLIC["exp"](x - shift) for x in elements]
        total = sum(powers)
        return _like(xs, [PUBLIC["div"](p, total) for p in powers])


@overload
def log_softmax(xs: Sequence[float]) -> list[float]: ...
@overload
def log_softmax(xs: Sequence[Value]) -> list[Value]: ...
@overload
def log_softmax(xs: Array) -> Array: ...
@overload
def log_softmax(xs: Sequence[Any]) -> list[Any]: ...
def log_softmax(xs: Any) -> Any:
    """``log(softmax(xs))``, computed without overflow or cancellation: a list, or an array.

    Raises:
        ValueError, TypeError: as ``sum``.

    >>> log_softmax([0.0, -1000.0])
    [0.0, -1000.0]
    """
    elements = _checked("log_softmax", xs)
    with np.errstate(all="ignore"):
        shift = _largest(elements, "peak")
        log_total = PUBLIC["log"](sum([PUBLIC["exp"](x - shift) for x in elements]))
        return _like(xs, [x - shift - log_total for x in elements])


def _elements(name: str, xs: Any) -> list[Any]:
    """The elements of a list, tuple or array, which must have some."""
    if type(xs) is list and xs:  # as most are
        return xs
    if isinstance(xs, (str, bytes, Value, dict)) or not hasattr(xs, "__iter__"):
        raise TypeError(
            f"{name}(xs) takes a list or array of numbers or Values, not {describe(xs)}"
        )
    elements = list(xs)
    if not elements:
        raise ValueError(f"{name}() of an empty list: expected is at least one number")
    return elements


def _checked(name: str, xs: Any) -> list[Any]:
    """The elements, each a float, a Value or an array."""
    came = _elements(name, xs)
    checked = [x if isinstance(x, (Value, np.ndarray)) else constant(x) for x in came]
    for i, x in enumerate(checked):
        if x is NotImplemented:
            raise TypeError(
                f"element {i} of {name}() must be a real number, a Value or an array, "
                f"not {describe(came[i])}"
            )
    return checked


def _reduce(name: str, *sequences: Any) -> Any:
    lists = [_elements(name, xs) for xs in sequences]
    if len(lists[0]) != len(lists[-1]):
        lengths = " and ".join(str(len(xs)) for xs in lists)
        raise ValueError(f"{name}() takes lists of one length, not of {lengths}")
    result = record_list(CODES[name], lists)
    if result is not NotImplemented:
        return result
    with np.errstate(all="ignore"):
        return _array_kernel(name)(*(_checked(name, xs) for xs in lists))[0]


def _largest(xs: list[Any], name: str) -> Any:
    """``evaluation.largest``, elementwise if some of ``xs`` are arrays."""
    if not any(isinstance(x, np.ndarray) for x in xs):
        return largest(xs, name)
    on_values = any(type(x) is Value or getattr(x, "dtype", None) == np.dtype(object) for x in xs)
    if on_values or name == "unit":
        each = np.frompyfunc(lambda *elements: largest([*elements], name), len(xs), 1)(*xs)
        return each if on_values else np.asarray(each, np.float64)
    m = np.max(np.broadcast_arrays(*xs), axis=0)
    return np.where(np.isinf(m), 0.0, m) if name == "largest" else m


def _like(xs: Any, result: list[Any]) -> Any:
    return np.array(result) if isinstance(xs, np.ndarray) else result


# -- indices -----------------------------------------------------------------------------------


@overload
def take(values: Array, i: Any) -> Any: ...
@overload
def take(values: Sequence[_T], i: Sequence[int] | Array) -> list[_T]: ...
@overload
def take(values: Sequence[_T], i: SupportsIndex) -> _T: ...
def take(values: Any, i: Any) -> Any:
    """``values[i]`` for an integer, also for one that a function was given which jit traces.

    Args:
        values: numbers, Values, or rows of them.
        i: an integer from 0 to ``len(values) - 1``, or a list or array of them.

    Returns:
        The element, or row; for several integers, as many in a list, or if ``values`` is an array,
        in an array.

    Raises:
        IndexError: if there is no such element.
        TypeError: if ``i`` is not an integer, or ``values`` no list or array.
        ValueError: if ``values`` is empty.

    >>> take([10.0, 20.0, 30.0], 2)
    30.0
    """
    elements = _elements("take", values)
    if isinstance(i, (np.ndarray, list, tuple)) and np.ndim(i):
        rows = [take(values, j) for j in i]
        return np.array(rows) if isinstance(values, np.ndarray) else rows
    i = i.item() if isinstance(i, np.ndarray) else i
    if type(i) is Value and active() is not None:
        return _row_at(elements, i)
    if not isinstance(i, (int, np.integer)) or isinstance(i, bool):
        raise TypeError(f"take(values, i): i must be an integer, not {describe(i)}")
    return elements[_place(i, len(elements))]


def _row_at(rows: list[Any], i: Value) -> Any:
    """The row that a Value chooses: number by number, in the structure of the rows."""
    first = rows[0]
    if not any(issubclass(kind, (list, tuple, np.ndarray)) for kind in set(map(type, rows))):
        return take_known(rows, i)
    for k, row in enumerate(rows):
        if type(row) is not type(first) or _extent(row) != _extent(first):
            raise TypeError(
                "take(values, i) in a function that is traced takes rows that are alike: row 0 is "
                f"{describe(first)}, row {k} {describe(row)}"
            )
    if isinstance(first, np.ndarray):
        cells = np.empty(first.shape, object)
        columns = zip(*(row.ravel().tolist() for row in rows), strict=True)
        cells.ravel()[:] = [take_known([*column], i) for column in columns]
        return cells
    return type(first)([_row_at([*column], i) for column in zip(*rows, strict=True)])


def _extent(row: Any) -> Any:
    """The shape of an array, the length of a list or tuple, None for a number."""
    if isinstance(row, np.ndarray):
        return row.shape
    return len(row) if isinstance(row, (list, tuple)) else None


def _place(i: Any, n: int) -> int:
    if not 0 <= i < n or i != int(i):
        raise IndexError(f"take(values, i): index {i:.17g} is not one of 0 to {n - 1}")
    return int(i)


def take_known(xs: list[Any], i: Any) -> Any:
    """``xs[i]`` where ``i`` is a float or, in a trace, a Value."""
    place = _place(number_of(i) if type(i) is Value else i, len(xs))
    x = xs[place]
    if type(i) is not Value or active() is None:
        return x
    given = _checked("take", xs)
    data = number_of(x) if type(x) is Value else real(x, "take(values, i)")
    partials = [k == place for k in range(len(given))]
    return record_known(CODES["take"], (*given, i), data, [*partials, 0.0])


#: Every function made from the table, by name.
PUBLIC: dict[str, Callable[..., Any]] = {
    row.name: VALUES[row.name] for row in TABLE if not row.over_lists
}
PUBLIC.update(
    sum=sum,
    mean=mean,
    dot=dot,
    norm=norm,
    logsumexp=logsumexp,
    softmax=softmax,
    log_softmax=log_softmax,
    where=where,
    stop_gradient=stop_gradient,
    clip=clip,
)
globals().update(PUBLIC)
__all__ = [*PUBLIC, "round", "take"]

for _row in TABLE:  # sin(v) is also v.sin(), and v.arcsin() serves np.arcsin on arrays of Values
    if not _row.over_lists:
        for _name in {_row.name, _row.numpy or _row.name}:
            add_method(_name, PUBLIC[_row.name])


# What NumPy's functions of arrays ask of their elements: var, vdot, norm, floor ...
def _conjugate(self: Value) -> Value:
    """The Value itself, as it is real: for NumPy's functions of arrays."""
    return self


add_method("conjugate", _conjugate)
add_method("real", property(lambda v: v, doc="The Value itself, as it is real."))
add_method("imag", property(lambda v: 0.0, doc="0.0, as a Value is real."))
for _name in ("floor", "ceil", "trunc"):
    add_method(f"__{_name}__", PUBLIC[_name])
add_method("__round__", round)


@cache
def _array_kernel(name: str) -> Callable[..., Any]:
    """The kernel of a row over lists whose elements are arrays."""
    names = VALUES | {name: partial(_largest, name=name) for name in OF_LIST.values()}
    return kernels.list_kernel(ROWS[CODES[name]], names)
