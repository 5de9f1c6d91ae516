"""Numbers that come in from outside: taken as float64, or refused with the reason."""

from __future__ import annotations

import numbers
from typing import Any, TypeAlias

import numpy as np

#: What counts as a real number, for type checkers.
Real: TypeAlias = float | np.floating[Any] | np.integer[Any] | np.bool_
Array: TypeAlias = np.ndarray[Any, Any]


def constant(x: Any) -> Any:
    """A real number as a float; ``NotImplemented`` for anything else.

    >>> constant(2), constant("2")
    (2.0, NotImplemented)
    """
    if type(x) is float:
        return x
    if isinstance(x, (float, int, numbers.Real, np.bool_)):
        try:
            return float(x)
        except OverflowError:
            raise ValueError(
                f"a number of type {type(x).__name__} came that is beyond the range of float64"
            ) from None
    return NotImplemented


def real(x: Any, where: str) -> float:
    """A real number as a float.

    Raises:
        TypeError: for anything else; it says what came, where, and what is expected.
    """
    number = constant(x)
    if number is NotImplemented:
        hint = ""
        if hasattr(x, "detach"):
            hint = "; .data is its number, .detach() a copy without history"
        elif hasattr(x, "shape"):
            hint = "; np.array([Value(x) for x in xs]) is an array of Values"
        raise TypeError(f"{where} must be a real number, not {describe(x)}{hint}")
    return number  # type: ignore[no-any-return]  # now it is a float


def dictionary(x: Any, what: str) -> dict[str, Any]:
    """A dict, as it is.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(x, dict):
        raise TypeError(f"{what} must be a dict, not {describe(x)}")
    return x


def plain(x: Any) -> Any:
    """A real number as Python's own int or float, a truth as a bool; anything else as it is.

    >>> plain(np.float32(0.5)), plain(np.int64(3)), plain(np.True_), plain("3")
    (0.5, 3, True, '3')
    """
    if isinstance(x, numbers.Integral):
        return x if isinstance(x, bool) else int(x)
    if isinstance(x, numbers.Real):
        return float(x)
    return bool(x) if isinstance(x, np.bool_) else x


def describe(x: Any) -> str:
    """A short description of an argument and its type, for messages.

    >>> describe("abc")
    "'abc' (str)"
    """
    text = repr(x)
    return f"{text if len(text) < 40 else text[:37] + '...'} ({type(x).__name__})"


def refuse(x: Any, operation: str) -> Any:
    """``NotImplemented``, so that Python tries the reflected operator, as of a NumPy array.

    Raises:
        TypeError: for one that has none: a string, None, a complex number, a list.
    """
    if x is None or isinstance(x, (str, bytes, complex, list, tuple, dict, set)):
        raise TypeError(
            f"an operand of {operation} must be a Value or a real number, not {describe(x)}"
        )
    return NotImplemented
