"""What ``machine.pxd`` gives ``machine.py`` when it is compiled, for when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.compiler.program import ARITY
from autodiff.engine.instructions import ON_LISTS, STATIC
from autodiff.engine.kernels import FLOATS, KERNELS
from autodiff.ops import CODES, ROWS


def _over_list(op: int) -> Callable[[list[float]], float]:
    row = ROWS[op]
    if row.name in ON_LISTS:
        return ON_LISTS[row.name]
    if not row.over_lists:
        return lambda xs: float(FLOATS[row.name](*xs))
    lists = len(row.names)

    def value(xs: list[float]) -> float:
        n = len(xs) // lists
        return float(KERNELS[op](*(xs[i * n : (i + 1) * n] for i in range(lists)))[0])

    return value


def run_span(
    start: int,
    constants: int,
    out: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    otherwise: Any,
    w: Any,
    s: Any,
) -> int:
    """Run instructions, as ``ad_run`` does in C."""
    functions: dict[int, Callable[..., float]] = {CODES["detach"]: lambda x: x}
    k = start - 1
    while k + 1 < len(ops):
        k += 1
        op = ops[k]
        if op >= STATIC:
            return k
        arity = ARITY[op]
        if op not in functions:
            functions[op] = FLOATS[ROWS[op].name] if arity else _over_list(op)
        if arity == 0:
            try:
                x = functions[op]([w[constants + r] for r in entries[a[k] : a[k] + b[k]]])
            except IndexError:
                if otherwise[k] < 0:
                    return -1 - k
                k = otherwise[k] - 1
                continue
        elif arity == 1:
            x = functions[op](w[constants + a[k]])
        else:
            x = functions[op](w[constants + a[k]], w[constants + b[k]])
        w[constants + out + k] = x
    return len(ops)
