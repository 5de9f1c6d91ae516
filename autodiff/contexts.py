"""Contexts that change how operations are recorded: ``no_grad``, ``detect_anomaly``, ``scope``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autodiff.modes import MODE, Mode
from autodiff.reals import describe
from autodiff.value import count_unusual


@contextmanager
def _changed(change: Callable[[Mode], Mode]) -> Iterator[None]:
    token = MODE.set(change(MODE.get()))
    count_unusual(1)
    try:
        yield
    finally:
        count_unusual(-1)
        MODE.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results are leaves, constants with no history.

    >>> from autodiff import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * 3
    >>> y, y.operands
    (Value(6.0), ())
    """
    with _changed(lambda mode: mode._replace(recording=False)):
        yield


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise FloatingPointError at the first nan or inf, forward or backward.

    The message names the operation, its operands, and the line of the program that recorded it.

    >>> from autodiff import Value, log
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     log(Value(0.0, name="x"))
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, at ...
    """
    with _changed(lambda mode: mode._replace(detecting=True)):
        yield


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Label what is recorded inside with ``name``; scopes nest, as in ``"layer1/neuron0"``.

    Raises:
        TypeError: if ``name`` is not a string.

    >>> from autodiff import Value
    >>> with scope("layer1"), scope("neuron0"):
    ...     y = Value(2.0) * 3
    >>> y.scope
    'layer1/neuron0'
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"scope(name): the name must be a non-empty string, not {describe(name)}")
    with _changed(
        lambda mode: mode._replace(scope=f"{mode.scope}/{name}" if mode.scope else name)
    ):
        yield
