"""One walk over a graph at a time: walks mark nodes, and would disturb one another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.RLock()
_walking = False  # is the thread that holds the lock in the middle of a walk?


def in_turn(work: Callable[..., T], *args: Any) -> T:
    """``work(*args)``, while no other thread walks; it may itself walk, more than once."""
    with _lock:
        return work(*args)


def alone(work: Callable[..., T], *args: Any) -> T:
    """``work(*args)``, one walk, while nobody else walks.

    Raises:
        RuntimeError: if this thread is walking already: in a signal handler that interrupted it.
    """
    global _walking
    with _lock:
        if _walking:
            raise RuntimeError("a graph is walked (by backward() or a drawing) inside another walk")
        _walking = True
        try:
            return work(*args)
        finally:
            _walking = False


if hasattr(os, "register_at_fork"):  # no child is born in the middle of another thread's walk
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )
