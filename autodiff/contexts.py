"""Contexts that change how operations are recorded: ``no_grad``, ``detect_anomaly``, ``scope``."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Token
from types import TracebackType
from typing import Any, TypeVar

from autodiff.modes import MODE, Mode, Note
from autodiff.reals import describe
from autodiff.value import count_unusual

T = TypeVar("T")


class _Context:
    """A context that sets the mode, and restores it at its end; it may be entered again inside."""

    def __init__(self) -> None:
        self._tokens: list[Token[Mode]] = []

    def _set(self, mode: Mode) -> None:
        self._tokens.append(MODE.set(mode))
        count_unusual(1)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        count_unusual(-1)
        MODE.reset(self._tokens.pop())


class no_grad(_Context):
    """Compute without recording: results are leaves, constants with no history.

    >>> from autodiff import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * 3
    >>> y, y.operands
    (Value(6.0), ())
    """

    def __enter__(self) -> None:
        mode = MODE.get()
        self._set(mode._replace(recording=False))


class detect_anomaly(_Context):
    """Raise FloatingPointError at the first nan or inf, forward or backward.

    The message names the operation, its operands, and the line of the program that recorded it.

    >>> from autodiff import Value, log
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     log(Value(0.0, name="x"))
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, at ...
    """

    def __enter__(self) -> None:
        mode = MODE.get()
        self._set(mode._replace(detecting=True))


class scope(_Context):
    """Label what is recorded inside with ``name``; scopes nest, as in ``"layer1/neuron0"``.

    Raises:
        TypeError: if ``name`` is not a string.

    >>> from autodiff import Value
    >>> with scope("layer1"), scope("neuron0"):
    ...     y = Value(2.0) * 3
    >>> y.scope
    'layer1/neuron0'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"scope(name): a name must be a non-empty string, not {describe(name)}")
        super().__init__()
        self.name = name

    def __enter__(self) -> None:
        self._set(scoped(MODE.get(), self.name))


def scoped(mode: Mode, name: str) -> Mode:
    """A mode, in a scope of that name inside its own."""
    outer = "" if mode.note is None else mode.note.scope
    path = f"{outer}/{name}" if outer else name
    trace = None if mode.note is None else mode.note.trace
    return mode._replace(note=Note(scope=path, shared=True, trace=trace))


def within(mode: Mode, call: Callable[..., T], *arguments: Any) -> T:
    """``call(*arguments)`` in a mode: faster than a context, and no Ctrl-C leaves the mode behind.

    An interrupt comes before or after a function written in C, not in between; so nothing comes
    between the end of ``call`` and the return to the mode outside.
    """
    outer = MODE.get()
    count_unusual(1)
    try:
        MODE.set(mode)
        return call(*arguments)
    finally:
        MODE.set(outer)
        count_unusual(-1)
