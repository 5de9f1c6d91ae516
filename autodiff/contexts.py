"""Contexts that change how operations are recorded: ``no_grad``, ``detect_anomaly``, ``scope``.

Compiled as ``value.py`` is, not for speed: Ctrl-C comes before or after what is compiled, so it
leaves no mode behind.  (Interpreted, it may at the very beginning of ``__exit__``.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from autodiff.engine.modes import MODE, Mode, Origin
from autodiff.engine.reals import describe
from autodiff.value import look

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.engine.interpreted import take_signals

T = TypeVar("T")


class Context:
    """A context that changes the mode, and takes its change back at its end.

    It has no state of its own, so it may be entered again inside, and by many threads and tasks.
    What was entered is kept in the mode, and so belongs to the thread or task that entered it.
    """

    def change(self, mode: Mode) -> Mode:
        """The mode inside, when ``mode`` is the one outside; a subclass says what it is."""
        raise NotImplementedError

    def __enter__(self) -> None:
        outside = MODE.get()
        inside = self._inside(outside)
        look()
        try:
            take_signals()  # or CPython 3.14 lets them in after this, before the block
            MODE.set(inside)
        except BaseException:  # Ctrl-C, interpreted, at the end of the line above
            MODE.set(outside)
            raise

    def __exit__(self, *reason: object) -> None:
        """Take the change back, and no other, also from under contexts that were entered later.

        Of generators, one may be left before another, or in a task where none was entered.
        """
        mode = MODE.get()
        later: list[Context] = []
        while mode.entered is not None:
            context, mode = mode.entered
            if context is self:
                for context in reversed(later):
                    mode = context._inside(mode)
                MODE.set(mode)
                return
            later.append(context)

    def _inside(self, outside: Mode) -> Mode:
        return self.change(outside)._replace(entered=(self, outside))


class no_grad(Context):
    """Compute without recording: results are leaves, constants with no history.

    It may be entered again inside, and is local to its thread or task.

    >>> from autodiff import Value
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * 3
    >>> y, y.operands
    (Value(6.0), ())
    """

    def change(self, mode: Mode) -> Mode:
        """``mode``, not recording."""
        return mode._replace(recording=False)


class detect_anomaly(Context):
    """Raise FloatingPointError at the first nan or inf, forward or backward.

    The message names the operation, its operands, and the line of the program that recorded it.

    Raises:
        FloatingPointError: inside, from the operation or the sweep that gives a nan or an inf.

    >>> from autodiff import Value, log
    >>> with detect_anomaly():  # doctest: +ELLIPSIS
    ...     log(Value(0.0, name="x"))
    Traceback (most recent call last):
    FloatingPointError: log(x=0.0) is -inf, at ...
    """

    def change(self, mode: Mode) -> Mode:
        """``mode``, detecting."""
        return mode.at_lines()._replace(detecting=True)


class scope(Context):
    """Label what is recorded inside with ``name``; scopes nest, as in ``"layer1/neuron0"``.

    Raises:
        TypeError: if ``name`` is not a string, or empty.

    >>> from autodiff import Value
    >>> with scope("layer1"), scope("neuron0"):
    ...     y = Value(2.0) * 3
    >>> y.scope
    'layer1/neuron0'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"scope(name): a name must be a non-empty string, not {describe(name)}")
        self.name = name

    def change(self, mode: Mode) -> Mode:
        """``mode``, in this scope inside its own."""
        return scoped(mode, self.name)


def scoped(mode: Mode, name: str) -> Mode:
    """A mode, in a scope of that name inside its own."""
    outer = "" if mode.origin is None else mode.origin.scope
    path = f"{outer}/{name}" if outer else name
    return mode._replace(origin=Origin(scope=path, trace=mode.innermost()))


def within(mode: Mode, call: Callable[..., T], *arguments: Any) -> T:
    """``call(*arguments)`` in a mode; no Ctrl-C leaves the mode behind."""
    outside = MODE.get()
    look()
    try:
        MODE.set(mode)
        return call(*arguments)
    finally:
        MODE.set(outside)
