"""Drawings of the recorded graph, by Graphviz.

* ``draw(root)`` -- every Value that ``root`` was computed from, as a ``graphviz.Digraph``;
* ``save(drawing, path)`` -- the drawing as SVG or PNG, or as Graphviz's own source.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import graphviz

from autodiff.engine.reals import describe
from autodiff.ops import ROWS
from autodiff.sweeps import topological_order
from autodiff.value import Value, code_of

_LEAF, _COMPUTED, _CONSTANT = "#e8f1fa", "#fdf3e1", "#f4f4f4"


def draw(*roots: Value) -> graphviz.Digraph:
    """The graph from which ``roots`` were computed: names, primitives, data and gradients.

    A box a Value: leaves blue, computed Values yellow with their primitive's label, constants grey.
    An arrow leads from each operand to the result; ``x * x`` has two.  The boxes' ids are counters,
    so the same graph always gives the same source.

    Raises:
        TypeError: if a root is not a Value.

    >>> x = Value(3.0, name="x")
    >>> print(draw(x * 2).source)  # doctest: +NORMALIZE_WHITESPACE
    digraph {
        graph [rankdir=LR]
        node [fontname=Helvetica fontsize=11 shape=box style="rounded,filled"]
        0 [label="x\\ndata 3\\ngrad 0" fillcolor="#e8f1fa"]
        1 [label="*\\ndata 6\\ngrad 0" fillcolor="#fdf3e1"]
        0 -> 1
        2 [label=2 fillcolor="#f4f4f4"]
        2 -> 1
    }
    """
    for root in roots:
        if not isinstance(root, Value):
            raise TypeError(f"draw(*roots) draws Values, not {describe(root)}")
    drawing = graphviz.Digraph()
    drawing.attr("graph", rankdir="LR")
    drawing.attr("node", shape="box", style="rounded,filled", fontname="Helvetica", fontsize="11")
    counter = iter(range(sys.maxsize))
    ids: dict[int, str] = {}
    for v in topological_order(roots):
        ids[id(v)] = str(next(counter))
        drawing.node(ids[id(v)], _label(v), fillcolor=_COMPUTED if v.op else _LEAF)
        for x in v.operands:
            if isinstance(x, Value):
                drawing.edge(ids[id(x)], ids[id(v)])
            else:
                constant = str(next(counter))
                drawing.node(constant, f"{x:.4g}", fillcolor=_CONSTANT)
                drawing.edge(constant, ids[id(v)])
    return drawing


def _label(v: Value) -> str:
    """Name and primitive, data, gradient, a line each."""
    symbol = ROWS[code_of(v)].shown
    title = " = ".join(part for part in (v.name, symbol) if part)
    gradient = v.grad.data if isinstance(v.grad, Value) else v.grad
    lines = [title, f"data {v.data:.4g}", f"grad {gradient:.4g}"]
    return "\\n".join(graphviz.escape(line) for line in lines if line)


def save(drawing: graphviz.Digraph, path: str | Path) -> Path:
    """Write a drawing to ``path``, in the format of its ending; ``.gv`` is the source itself.

    Raises:
        FileNotFoundError: if neither ``dot`` nor ``graphviz-pure`` is installed, with the remedy.
        ValueError: if the path has no ending, or Graphviz does not know its format.
    """
    path = Path(path)
    kind = path.suffix[1:]
    if not kind:
        raise ValueError(
            f"save(drawing, {str(path)!r}): an ending such as .svg must say the format"
        )
    if kind == "gv":
        path.write_text(drawing.source, encoding="utf-8")
        return path
    program = next(_programs(), None)
    if program is None:
        raise FileNotFoundError(
            "neither dot nor graphviz-pure is installed: pip install graphviz-pure, or save to a "
            "path that ends in .gv and draw it elsewhere"
        )
    done = subprocess.run(
        [program, f"-T{kind}"], input=drawing.source.encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise ValueError(f"{Path(program).name} -T{kind}: {done.stderr.decode().strip()}")
    path.write_bytes(done.stdout)
    return path


def _programs() -> Iterator[str]:
    """Programs that render: on the path, or beside the Python that is running."""
    for name in ("dot", "graphviz-pure"):
        found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
        if found:
            yield found
