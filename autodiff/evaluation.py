"""The table's primitives on Values and floats alike, by code or by name: recorded if they must be.

* ``apply(op, *operands)`` -- any primitive of scalars;
* ``largest``, ``pick``, ``where`` -- what only partials and traces ask for;
* ``PRIMITIVES`` -- what names mean in a partial that is evaluated on Values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.engine import kernels
from autodiff.engine.instructions import ON_LISTS
from autodiff.engine.reals import describe, real
from autodiff.engine.traces import active
from autodiff.lists import record_known, record_list
from autodiff.ops import CODES, CONSTANTS, ROWS, TABLE
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
        if type(x) is Value and active() is None:  # in a trace nobody reads them
            partial = row.partials[i]
            assert callable(partial)
            partials[i] = real(partial(*numbers, data), f"partial {i + 1} of {row.name}()")
    if not any(type(x) is Value for x in operands):
        return data
    return record_known(op, operands, data, partials)


def _primitive(op: int) -> Callable[..., Any]:
    return lambda *operands: apply(op, *operands)


def largest(xs: list[Any], name: str = "largest") -> Any:
    """The largest of ``xs``, held constant: a shift that cancels out.

    ``"largest"`` is 0 where that is infinite, as logsumexp wants it; ``"peak"`` stays infinite.
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
    return record_known(CODES["pick"], (x, i, j, y), data, [float(same), 0.0, 0.0, float(not same)])


def where(c: Any, a: Any, b: Any) -> Any:
    """``a`` where ``c`` is not 0, else ``b``."""
    return pick(b, c, 0.0, a)


#: What names mean in a partial that is evaluated on Values.
PRIMITIVES: dict[str, Any] = {
    **CONSTANTS,
    **{r.name: _primitive(CODES[r.name]) for r in TABLE if not r.over_lists},
    "largest": largest,
    "where": where,
}
