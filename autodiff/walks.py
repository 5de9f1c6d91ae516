"""One walk over a graph at a time: walks mark nodes, and would disturb one another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

_lock = threading.Lock()
_walker = 0  # the thread whose walk it is


def alone(work: Callable[..., Any], *args: Any) -> Any:
    """``work(*args)``, while no other thread walks.

    Raises:
        RuntimeError: if this thread is walking already: in a signal handler that interrupted it.
    """
    global _walker
    me = threading.get_ident()
    if _walker == me and _lock.locked():
        raise RuntimeError("a graph is walked (by backward() or a drawing) inside another walk")
    with _lock:
        _walker = me
        try:
            return work(*args)
        finally:
            _walker = 0


def _forget() -> None:
    """In a forked child, the thread that was walking may not exist."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
