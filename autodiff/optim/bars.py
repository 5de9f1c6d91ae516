"""Progress bars, in a terminal and in a notebook."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any


def bar(**options: Any) -> Any:
    """A bar by tqdm: in a notebook a widget if ipywidgets is installed, else a line of text.

    Raises:
        ImportError: if tqdm is not installed.
    """
    if find_spec("ipywidgets"):
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm  # what tqdm.auto would choose too, after a warning

    return tqdm(**options)
