"""From Graphviz's source to a picture, within a limit of time.

``dot`` does it where it is on the path.  Elsewhere pygraphviz does, whose wheels bring Graphviz's
own layout and renderers for Linux, macOS and Windows: it lays out 300 boxes in a fraction of a
second, and writes SVG, PNG and PDF.  (graphviz-pure takes half a minute for a PNG of 1,300 boxes,
and writes no PDF.)  It runs in a process of its own, which can be stopped.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

SECONDS = 30.0  #: that a layout may take

_PYGRAPHVIZ = """
import sys
from pygraphviz import AGraph
source = sys.stdin.buffer.read().decode()
sys.stdout.buffer.write(AGraph(string=source).draw(format=sys.argv[1], prog="dot"))
"""


def renderer() -> list[str] | None:
    """The command that renders what it reads, without the format; ``None`` if there is none."""
    dot = shutil.which("dot")
    if dot:
        return [dot, "-T"]
    if importlib.util.find_spec("pygraphviz"):
        return [sys.executable, "-c", _PYGRAPHVIZ, ""]
    return None


def render(source: str, kind: str) -> bytes:
    """The picture that Graphviz makes of its source.

    Args:
        source: a graph in Graphviz's language.
        kind: ``svg``, ``png`` or ``pdf``.

    Raises:
        FileNotFoundError: if neither ``dot`` nor pygraphviz is installed; it says what to do.
        TimeoutError: if the layout takes longer than 30 seconds; likewise.
        RuntimeError: if Graphviz fails; it says what Graphviz said.
    """
    command = renderer()
    if command is None:
        raise FileNotFoundError(
            "drawing needs Graphviz: pip install pygraphviz, or install dot; or save to a path "
            "that ends in .dot, .mmd or .json, which needs neither"
        )
    command = [*command[:-1], command[-1] + kind]
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            f"the layout took longer than {SECONDS:g} seconds: fold more of the graph (limit=100, "
            "depth=1), or save its source to a path that ends in .dot"
        ) from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"Graphviz could not draw this: {said or 'it gave no reason'}")
    return done.stdout
