"""The table's rows on Values: recorded if an operand is one, plain numbers or arrays if none is.

* ``apply(op, *operands)`` -- any primitive of scalars, by the number of its row;
* ``largest``, ``pick``, ``where`` -- what only partials and traces ask for;
* ``VALUES`` -- every row over scalars as a function: what names mean in an expression on Values.

``engine/kernels.py`` has the rows on floats, on floats with partials, and on arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from autodiff.engine import kernels
from autodiff.engine.documentation import documentation
from autodiff.engine.instructions import OF_LIST, ON_LISTS
from autodiff.engine.reals import constant, describe, real
from autodiff.engine.traces import active
from autodiff.lists import record_known, record_list
from autodiff.ops import CODES, CONSTANTS, ROWS, TABLE, Row
from autodiff.value import Value, number_of, record_binary, record_unary


def apply(op: int, *operands: Any) -> Any:
    """A primitive of scalars, by code: recorded if an operand is a Value, else a float."""
    row = ROWS[op]
    recording = any(type(x) is Value for x in operands)
    if callable(row.value):
        return _call(op, operands)
    if not recording:
        return kernels.FLOATS[row.name](*operands)
    if len(operands) == 1:
        v = record_unary(op, *operands)
    else:
        v = record_list(op, [[*operands]]) if row.in_tuple else record_binary(op, *operands)
    if v is NotImplemented:
        given = ", ".join(map(describe, operands))
        raise TypeError(f"{row.name}() takes real numbers and Values, not {given}")
    return v


def _call(op: int, operands: tuple[Any, ...]) -> Any:
    """A primitive that was added at run time: its own functions are called."""
    row = ROWS[op]
    assert callable(row.value)
    numbers = [
        number_of(x) if type(x) is Value else real(x, f"operand {i + 1} of {row.name}()")
        for i, x in enumerate(operands)
    ]
    operands = tuple(x if type(x) is Value else n for x, n in zip(operands, numbers, strict=True))
    data = real(row.value(*numbers), f"the value function of {row.name}()")
    partials = [0.0] * len(operands)
    for i, x in enumerate(operands):
        if type(x) is Value and active() is None:  # in a trace they are not read
            partial = row.partials[i]
            assert callable(partial)
            partials[i] = real(partial(*numbers, data), f"partial {i + 1} of {row.name}()")
    if not any(type(x) is Value for x in operands):
        return data
    return record_known(op, operands, data, partials)


def largest(xs: list[Any], name: str = "largest") -> Any:
    """The largest of ``xs``, held constant: a shift that cancels out.

    ``"largest"`` is 0 where that is infinite, as logsumexp wants it; ``"peak"`` stays infinite.
    ``"unit"`` is a scale, which cancels out likewise.
    """
    numbers = [number_of(x) if type(x) is Value else x for x in xs]
    m: float = ON_LISTS[name](numbers)
    if active() is None or not any(type(x) is Value for x in xs):
        return m
    return record_known(CODES[name], tuple(xs), m, [0.0] * len(xs))


def pick(x: Any, i: Any, j: Any, y: Any) -> Any:
    """``x`` if ``i == j``, else ``y``; in a trace, decided at every call."""
    indices = [number_of(k) if type(k) is Value else k for k in (i, j)]
    same = ON_LISTS["pick"]([True, *indices, False])
    chosen = x if same else y
    if active() is None or not (type(i) is Value or type(j) is Value):
        return chosen
    data = number_of(chosen) if type(chosen) is Value else chosen
    return record_known(CODES["pick"], (x, i, j, y), data, [same, 0.0, 0.0, not same])


def where(c: Any, a: Any, b: Any) -> Any:
    """``a`` where ``c`` is not 0, else ``b``."""
    return pick(b, c, 0.0, a)


def _elementwise(row: Row) -> Callable[..., Any]:
    """The function of a row over scalars."""
    op = CODES[row.name]
    on_float = kernels.FLOATS[row.name]
    on_arrays = cache(lambda: kernels.value_on_arrays(row))

    def unary(a: Any) -> Any:
        if type(a) is Value:
            return record_unary(op, a)
        if type(a) is float:
            return on_float(a)
        return general(a)

    def binary(a: Any, b: Any) -> Any:
        if type(a) is float and type(b) is float:
            return on_float(a, b)
        if type(a) is Value or type(b) is Value:
            v = record_binary(op, a, b)
            if v is not NotImplemented:  # as for an array
                return v
        return general(a, b)

    def with_default(a: Any, b: Any = row.default) -> Any:
        return binary(a, b)

    def general(*operands: Any) -> Any:
        if len(operands) != len(row.names):
            raise TypeError(
                f"{row.name}({', '.join(row.names)}) was given {len(operands)} operands"
            )
        if any(isinstance(x, np.ndarray) for x in operands):
            return elementwise(general, on_arrays(), row.name, operands)
        checked = [x if type(x) is Value else constant(x) for x in operands]
        for x, came in zip(checked, operands, strict=True):
            if x is NotImplemented:
                raise TypeError(
                    f"{row.name}({', '.join(row.names)}) takes real numbers, Values and NumPy "
                    f"arrays, not {describe(came)}"
                )
        return apply(op, *checked)

    function: Callable[..., Any] = unary if len(row.names) == 1 else binary
    if row.in_tuple:
        function = general
    if row.default is not None:
        function = with_default
    function.__name__ = function.__qualname__ = row.name
    function.__module__ = "autodiff.functions"  # where it is found
    function.__doc__ = documentation(row)
    return function


def elementwise(
    on_scalars: Callable[..., Any],
    on_arrays: Callable[..., Any],
    name: str,
    operands: Sequence[Any],
) -> Any:
    """An elementwise function of arrays: at once on numbers, one by one on Values."""
    arrays = [np.asarray(x, object if type(x) is Value else None) for x in operands]
    with np.errstate(all="ignore"):
        if any(x.dtype == object for x in arrays):
            return np.frompyfunc(on_scalars, len(arrays), 1)(*arrays)
        for x in arrays:
            if x.dtype.kind not in "biuf":
                raise TypeError(
                    f"{name}() takes arrays of real numbers or Values, not of {x.dtype}"
                )
        return on_arrays(*(x.astype(np.float64) for x in arrays))


#: What names mean in an expression on Values: the table's rows as functions of floats, arrays and
#: Values alike.
VALUES: dict[str, Any] = {
    **CONSTANTS,
    **{r.name: _elementwise(r) for r in TABLE if not r.over_lists},
    **{name: partial(largest, name=name) for name in OF_LIST.values()},
    "where": where,
}
