"""By what name a function is pickled, as Python's own functions are."""

from __future__ import annotations

import sys
from typing import Any


def by_name(function: Any) -> str:
    """The name by which a function is found in its module; "" if it is to be pickled by value.

    It is not found there, or it is cloudpickle that asks, and the other process does not have the
    module: the script itself, or one that ``register_pickle_by_value`` names.  To be called by
    ``__reduce__``.
    """
    module = function.__module__
    found: Any = sys.modules.get(module)
    name = getattr(function, "__qualname__", "")  # a net, say, has none
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not function:
        return ""
    pickler = sys._getframe(2).f_globals  # of what has called __reduce__
    if not pickler.get("__name__", "").endswith("cloudpickle"):  # joblib has one of its own
        return str(name)
    by_value = {"__main__", *pickler["list_registry_pickle_by_value"]()}
    return "" if any(f"{module}.".startswith(f"{x}.") for x in by_value) else str(name)
