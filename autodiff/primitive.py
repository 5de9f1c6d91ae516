"""Primitives of one's own: functions recorded as one node, with derivatives of their own."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.engine.pickling import by_name
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
        The function, of floats, arrays and Values.  It can be pickled where it is assigned to its
        name at the top of a module, as ``softsign`` below.

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
    return Primitive(row, value, sys._getframe(1).f_globals.get("__name__", "__main__"))


class Primitive:
    """What ``primitive`` returns: a function of floats, arrays and Values.

    Args:
        row: its row, which gets a number.
        value: its value, from floats.
        module: where it was added: there it is looked for by its name when it is pickled.
    """

    __qualname__: str

    def __init__(self, row: Row, value: Callable[..., float], module: str) -> None:
        functools.update_wrapper(self, value, updated=())  # whose signature it has
        self.__module__ = module
        self.__name__ = self.__qualname__ = row.name
        self._row = row
        self._value = value
        self._op = numbered(row)

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"

    def __call__(self, *operands: Any) -> Any:
        """Its value; recorded, where an operand is a Value.

        Raises:
            TypeError: for more or fewer operands than it has.
        """
        row = self._row
        if len(operands) != len(row.names):
            words = f"was given {len(operands)} operands"
            raise TypeError(f"{row.name}({', '.join(row.names)}) {words}")
        if any(isinstance(x, np.ndarray) for x in operands):
            value = np.vectorize(self._value, [np.float64])
            return elementwise(self, value, row.name, operands)
        return apply(self._op, *operands)

    def __copy__(self) -> Primitive:
        return self

    def __deepcopy__(self, memo: Any) -> Primitive:
        return self

    def __reduce__(self) -> Any:
        """Pickled by name alone: what has its number in another process may be another primitive.

        Raises:
            TypeError: if another process would not find it so.
        """
        name = by_name(self)
        if not name:
            raise TypeError(
                f"{self.__name__} was added at run time, in {self.__module__}: to be pickled, it "
                f"must be assigned to {self.__name__} at the top of a module that the other "
                "process imports too"
            )
        return name


def numbered(row: Row) -> int:
    """Add a row to ``ops.ROWS``; its number.

    Raises:
        OverflowError: if no number is left.
    """
    with _lock:
        if len(ROWS) >= 0xFFFF:  # a node keeps it in 16 bits, of which decisions use the last
            raise OverflowError(
                f"primitive({row.name!r}): there can be no more than {len(ROWS)} of them"
            )
        ROWS.append(row)
        return len(ROWS) - 1
