"""Rows of the table as Python functions: one interpretation for each domain.

* ``FLOATS`` -- values, on floats, by name;
* ``KERNELS`` -- values with partials, on floats, by the number of the row;
* ``ARRAYS`` and ``value_on_arrays`` -- values, on NumPy arrays;
* ``partial_functions``, ``list_kernel`` -- partials in any of these, or on Values, whose
  interpretation is ``evaluation.VALUES``.

A kernel computes a value together with the partial derivatives that the sweep will multiply::

    KERNELS[code](a)          -> v, da
    KERNELS[code](a, b, need) -> v, da, db     (need: 1 for da, 2 for db, 3 for both)
    KERNELS[code](as)         -> v, [da, ...]
    KERNELS[code](as, bs)     -> v, [da, ..., db, ...]

and a row over more than two scalars takes them in a list, as one over a list does.

A partial that is not needed is not evaluated: in ``(-2.0)**x`` the constant's partial would be nan.
These are the interpreted engine's kernels; ``ckernels`` writes the same ones in C.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.engine import special
from autodiff.engine.expressions import for_arrays, for_floats, names_in
from autodiff.engine.instructions import OF_LIST, ON_LISTS
from autodiff.ops import CODES, CONSTANTS, ROWS, TABLE, Row

Kernel = Callable[..., Any]
Number = float | np.ndarray[Any, Any]  # what elementwise functions return


def _define(source: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    scope: dict[str, Callable[..., Any]] = {}
    exec(source, namespace, scope)  # the source is a row of the table
    (function,) = scope.values()
    return function


#: What names mean in an expression on floats: the table's primitives as functions of floats.
FLOATS: dict[str, Any] = {
    **special.FUNCTIONS,
    **CONSTANTS,
    **{name: ON_LISTS[name] for name in OF_LIST.values()},
    "where": lambda c, a, b: a if c != 0 else b,
}


def _elementwise(name: str) -> Callable[..., Number]:
    """A function that NumPy lacks, on arrays."""
    function = np.frompyfunc(special.FUNCTIONS[name], len(ROWS[CODES[name]].names), 1)
    return lambda *operands: np.asarray(function(*operands), np.float64)


#: What names mean in an expression on arrays.
ARRAYS: dict[str, Any] = {
    **CONSTANTS,
    **{r.name: getattr(np, r.numpy or r.name, None) for r in TABLE if r.name in special.FUNCTIONS},
    **{name: _elementwise(name) for name in ("erf", "erfc", *special.OWN)},
    "where": np.where,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
}


def _value_on_floats(r: Row) -> Kernel:
    return _define(f"def {r.name}({', '.join(r.names)}): return {for_floats(str(r.value))}", FLOATS)


def _kernel(r: Row) -> Kernel:
    if r.over_lists:
        return list_kernel(r, FLOATS)
    partials = [for_floats(str(p)) for p in r.partials]
    value = for_floats(str(r.value))
    if len(r.names) == 1:
        return _define(f"def {r.name}(a):\n v = {value}\n return v, {partials[0]}", FLOATS)
    if r.in_tuple:
        return _define(
            f"def {r.name}(operands):\n {', '.join(r.names)} = operands\n v = {value}\n"
            f" return v, [{', '.join(partials)}]",
            FLOATS,
        )
    da, db = partials
    return _define(
        f"def {r.name}(a, b, need):\n v = {value}\n"
        f" return v, {da} if need & 1 else 0.0, {db} if need & 2 else 0.0",
        FLOATS,
    )


def list_kernel(r: Row, namespace: dict[str, Any]) -> Kernel:
    """A list row's ``(value, partials)`` as a function of one or two lists.

    With primitives on Values as the namespace, the results are Values.

    >>> from autodiff.ops import row
    >>> list_kernel(row("dot"), FLOATS)([1.0, 2.0], [3.0, 4.0])
    (11.0, [3.0, 4.0, 1.0, 2.0])
    """
    return _define(list_source(r, True), namespace)


def list_source(r: Row, with_partials: bool) -> str:
    """Python source of a list row's value, and of its partials: the fold, stated once.

    >>> from autodiff.ops import row
    >>> print(list_source(row("mean"), False))
    def mean(as_):
        n, t = float(len(as_)), 0.0
        for a in as_:
            t = t + a
        v = div(t, n)
        return v
    """
    lists = [name + "_" for name in r.names]
    elements = "a in as_" if len(lists) == 1 else "a, b in zip(as_, bs_)"
    each = " + ".join(f"[{for_floats(str(p))} for {elements}]" for p in r.partials)
    lines = [
        f"def {r.name}({', '.join(lists)}):",
        *(f"    {x} = {name}(as_)" for x, name in OF_LIST.items() if x in names_in(r.fold)),
        "    n, t = float(len(as_)), 0.0",
        f"    for {elements}:",
        f"        t = t + {for_floats(r.fold)}",
        f"    v = {for_floats(str(r.value))}",
        f"    return v, {each}" if with_partials else "    return v",
    ]
    return "\n".join(lines)


for _row in TABLE:
    if not _row.over_lists and _row.name not in special.FUNCTIONS:
        FLOATS[_row.name] = _value_on_floats(_row)


class _Kernels(dict[int, Kernel]):
    """Kernels by code, each made when it is first asked for: the compiled engine never asks."""

    def __missing__(self, code: int) -> Kernel:
        self[code] = _kernel(ROWS[code])
        return self[code]


KERNELS = _Kernels()


def value_on_arrays(r: Row) -> Callable[..., Number]:
    """A row's value as a function of NumPy arrays of float64.

    >>> from autodiff.ops import row
    >>> value_on_arrays(row("relu"))(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    for name in names_in(str(r.value)) & CODES.keys() - ARRAYS.keys():
        ARRAYS[name] = value_on_arrays(ROWS[CODES[name]])
    source = f"def {r.name}({', '.join(r.names)}): return {for_arrays(str(r.value))}"
    return _define(source, ARRAYS)


def partial_functions(r: Row, namespace: dict[str, Any]) -> list[Callable[..., Any]]:
    """The partial derivatives of a row over scalars as functions of ``(*operands, v)``.

    With primitives on Values as the namespace, the result is a Value: the derivative is recorded
    and can be differentiated again.

    >>> from autodiff.ops import row
    >>> partial_functions(row("tan"), FLOATS)[0](0.5, 2.0)
    5.0
    """
    args = ", ".join([*r.names, "v"])
    return [
        p if callable(p) else _define(f"def partial({args}): return {for_floats(p)}", namespace)
        for p in r.partials
    ]
