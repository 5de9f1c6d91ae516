"""The graph lock: traversals write marks into nodes, so only one may run at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.RLock()  # reentrant, to notice a traversal inside another one
_traversing = False  # is the thread that holds the lock in the middle of a traversal?


def alone(work: Callable[..., T], *args: Any) -> T:
    """``work(*args)``, one traversal, while no other runs.

    Raises:
        RuntimeError: if this thread is traversing already: in a signal handler that interrupted it.
    """
    global _traversing
    with _lock:
        if _traversing:
            raise RuntimeError(
                "a graph is traversed (by backward() or a drawing) inside another traversal"
            )
        _traversing = True
        try:
            return work(*args)
        finally:
            _traversing = False


if hasattr(os, "register_at_fork"):  # never fork while another thread holds the lock
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )
