"""The page of ``explore``: one HTML file that needs nothing else.

``page/`` holds its parts: the template, the styles, and the scripts in the order of ``SCRIPTS``, a
later one standing on the earlier ones.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).parent / "page"
SCRIPTS = ("words", "layout", "nest", "sweep", "camera", "cells", "view", "panel", "main")
STYLES = ("explorer", "graph")

# In JSON these occur in strings only, where an escape means the same.  Written so, no name can end
# the element that holds the data, or begin a comment in it.  ``json`` escapes what is not ASCII.
_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&"})


def assemble(data: dict[str, Any], rules: str) -> str:
    r"""The text of the page that shows ``data``, a graph, and recomputes it by ``rules``.

    Args:
        data: the title, the columns of the nodes, the groups, which are open, and the root.
        rules: JavaScript that defines ``RULES``: for each primitive a ``value`` and ``partials``.

    Raises:
        ValueError: if a number in ``data`` is not finite; "inf", "-inf", "nan" stand for those.

    >>> page = assemble({"title": "</script>"}, "const RULES = {};")
    >>> "const RULES = {};" in page
    True
    >>> '"title": "\\u003c/script\\u003e"' in page
    True
    """
    parts = {
        "title": html.escape(data["title"]).encode("ascii", "xmlcharrefreplace").decode(),
        "style": "\n".join(_part(f"{name}.css") for name in STYLES),
        "data": json.dumps(data, allow_nan=False).translate(_ESCAPES),
        "rules": re.sub(r"<(?=[/!])", r"<\\", rules),  # in a string, "<\/" is "</"
        "script": "\n".join((_PAGE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda field: parts[field[1]], _part("explorer.html"))


def _part(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")
