"""Primitives of one's own: functions recorded as one node, with derivatives of their own."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.engine.reals import describe
from autodiff.evaluation import apply, elementwise
from autodiff.functions import PUBLIC
from autodiff.ops import CODES, REALS, ROWS, Interval, Row

_lock = threading.Lock()  # two threads must not get one number


def primitive(
    name: str,
    value: Callable[..., float],
    partials: Sequence[Callable[..., Any]],
    *,
    label: str = "",
    domain: Sequence[Interval] | None = None,
    kink: str = "",
) -> Callable[..., Any]:
    """Add a primitive: a function that is recorded as one node, with derivatives of your own.

    Args:
        name: what it is called in graphs and messages.
        value: its value, from floats.
        partials: for each operand, the partial derivative as a function ``(*operands, v)``, where
            ``v`` is the value.  Written in this library's functions and operators, it can be
            differentiated again.
        label: what drawings show; the name if not given.
        domain: for each operand, the open interval in which it may be tested.
        kink: an expression in the operands' names that is zero where there is a corner or jump.

    Returns:
        The function, of floats, arrays and Values.

    Raises:
        TypeError: if ``name`` is not a string, or ``value`` or a partial not a function.
        ValueError: if the table has that name, or there is not one partial per operand.
        OverflowError: if there are 65,536 primitives already.

    >>> from autodiff import Value, square
    >>> softsign = primitive(
    ...     "softsign", lambda a: a / (1 + abs(a)), [lambda a, v: 1 / square(1 + abs(a))]
    ... )
    >>> x = Value(1.0)
    >>> softsign(x).backward()
    >>> softsign(1.0), x.grad
    (0.5, 0.25)
    """
    if not isinstance(name, str):
        raise TypeError(f"primitive(name): a name must be a string, not {describe(name)}")
    if name in PUBLIC or name in CODES:
        raise ValueError(f"primitive({name!r}): the table already has a primitive of that name")
    for function in (value, *partials):
        if not callable(function):
            raise TypeError(f"primitive({name!r}): {describe(function)} is not a function")
    names = list(inspect.signature(value).parameters)
    if len(partials) != len(names) or not names:
        raise ValueError(
            f"primitive({name!r}): {len(names)} operands ({', '.join(names)}) want as many "
            f"partials, not {len(partials)}"
        )
    row = Row(
        name, " ".join(names), value, list(partials), label=label, kink=kink,
        domain=tuple(domain) if domain else (REALS,) * len(names),
    )  # fmt: skip
    op = numbered(row)

    def call(*operands: Any) -> Any:
        if len(operands) != len(names):
            raise TypeError(f"{name}({', '.join(names)}) was given {len(operands)} operands")
        if any(isinstance(x, np.ndarray) for x in operands):
            return elementwise(call, np.vectorize(value, [np.float64]), name, operands)
        return apply(op, *operands)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = value.__doc__
    call.__wrapped__ = value  # type: ignore[attr-defined]  # whose signature it has
    return call


def numbered(row: Row) -> int:
    """Add a row to ``ops.ROWS``; its number.

    Raises:
        OverflowError: if no number is left.
    """
    with _lock:
        if len(ROWS) > 0xFFFF:  # a node keeps its primitive's number in 16 bits
            raise OverflowError(
                f"primitive({row.name!r}): there can be no more than {len(ROWS)} of them"
            )
        ROWS.append(row)
        return len(ROWS) - 1
