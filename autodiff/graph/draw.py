"""Drawings of a graph of Values, or of a program.

* ``draw(x)`` -- a ``Drawing``, folded where it would be too large; a notebook shows it by itself;
* ``save(x, path)`` -- to a file, in the format of its ending.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodiff.compiler.program import Program
from autodiff.engine.reals import describe
from autodiff.graph.boxes import Picture, boxes_of, counted_as
from autodiff.graph.dot import THEMES, as_dot
from autodiff.graph.formats import as_json, as_mermaid
from autodiff.graph.nodes import Nodes, names_in, of_program, of_values
from autodiff.graph.render import render, renderer
from autodiff.transforms.lowered import Lowered
from autodiff.value import Value

Drawable = Value | list[Value] | tuple[Value, ...] | Lowered | Program

DIRECTIONS = ("LR", "TB", "RL", "BT")
FORMATS = ("svg", "png", "pdf", "dot", "gv", "json", "mmd")


class Drawing:
    """A drawing of a graph, as ``draw`` makes it; ``str`` gives the source, a notebook the picture.

    Args:
        picture: its boxes and arrows.
        rankdir, number, theme: as for ``draw``.

    Attributes:
        picture: its boxes and arrows.
        source: it in Graphviz's language.

    Raises:
        KeyError: if there is no such theme.

    >>> drawing = draw(Value(3.0, name="x") * 2)
    >>> len(drawing.picture.boxes), drawing.source.split()[0], drawing.mermaid.split()[0]
    (3, 'digraph', 'flowchart')
    """

    def __init__(self, picture: Picture, rankdir: str, number: str, theme: str) -> None:
        self.picture = picture
        self.source = as_dot(picture, rankdir, number, THEMES[theme])
        self._rankdir, self._number = rankdir, number

    @property
    def mermaid(self) -> str:
        """The drawing in Mermaid's language."""
        return as_mermaid(self.picture, self._rankdir, self._number)

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        boxes, arrows = len(self.picture.boxes), sum(n for _, _, n in self.picture.arrows)
        counted = f"{counted_as(boxes, 'box', 'boxes')}, {counted_as(arrows, 'arrow', 'arrows')}"
        return f"<Drawing: {self.picture.caption or counted}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows: the picture; without Graphviz what draws Mermaid draws it."""
        if renderer() is None:
            return {"text/vnd.mermaid": self.mermaid, "text/plain": repr(self)}
        return {"image/svg+xml": render(self.source, "svg").decode(), "text/plain": repr(self)}


def draw(
    x: Drawable,
    *,
    names: Mapping[str, Any] | None = None,
    depth: int | None = None,
    limit: int | None = 300,
    rankdir: str = "LR",
    number: str = ".4g",
    theme: str = "light",
) -> Drawing:
    """The graph from which Values were computed, or a program: boxes, and arrows between them.

    A box a Value: leaves have corners, computed Values are rounded and say their primitive, a
    number that stands in the formula is one box however often it is used.  Scopes, and modules of
    nets, are drawn around what was recorded in them.  An arrow leads from each operand to the
    result; ``x * x`` has two.  After ``backward()`` colours tell the sign and the size of
    gradients.  A program is drawn in its vector instructions, with their shapes.

    A large graph is folded: scopes, sums, and what has the same structure side by side become one
    box each, which says how many nodes it holds and the norm of the gradient that goes through it.
    The caption says what was folded.

    Args:
        x: a Value, a list of Values, or a program: ``jit(f).lower(...)``, or its ``program``.
        names: what Values without a name are called, as ``locals()`` has them.
        depth: how many levels of scopes are open; all, if that is not too much.
        limit: how many boxes there may be before the graph is folded; ``None`` for any number.
        rankdir: in which direction it is read: ``"LR"``, ``"TB"``, ``"RL"`` or ``"BT"``.
        number: the format of numbers.
        theme: ``"light"`` or ``"dark"``.

    Raises:
        TypeError: if ``x`` is none of these, or ``names`` no dict.
        ValueError: if an option is none of those named here.

    >>> x = Value(3.0, name="x")
    >>> drawing = draw(x * 2)
    >>> drawing
    <Drawing: 3 boxes, 2 arrows>
    >>> print(drawing.mermaid)
    flowchart LR
        0["x<br/>data 3<br/>grad 0"]
        1(["2"])
        2("#42;<br/>data 6<br/>grad 0")
        0 --> 2
        1 --> 2
    """
    for name, given in (("depth", depth), ("limit", limit)):
        least = 1 if name == "limit" else 0
        if given is not None and (type(given) is not int or given < least):
            raise ValueError(f"{name} must be an integer from {least} up, not {describe(given)}")
    _check_choice("rankdir", rankdir, DIRECTIONS)
    _check_choice("theme", theme, THEMES)
    try:
        format(1.5, number)
    except (TypeError, ValueError):
        raise ValueError(
            f"number must be a format of numbers, such as '.4g', not {describe(number)}"
        ) from None
    nodes = nodes_of(x, {} if names is None else names_in(names))
    return Drawing(boxes_of(nodes, limit, depth), rankdir, number, theme)


def _check_choice(name: str, given: Any, choices: Any) -> None:
    if not isinstance(given, str) or given not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {describe(given)}")


def nodes_of(x: Any, names: Mapping[int, str]) -> Nodes:
    """The nodes of what is to be drawn."""
    if isinstance(x, Lowered):
        return of_program(x.program, x.input_names)
    if isinstance(x, Program):
        return of_program(x, [f"x{i}" for i in range(x.inputs)])
    roots = list(x) if isinstance(x, (list, tuple)) else [x]
    for root in roots:
        if not isinstance(root, Value):
            raise TypeError(
                "drawn are a Value, a list of Values, or a program, such as jit(f).lower(...), "
                f"not {describe(root)}"
            )
    if not roots:
        raise TypeError("there is nothing to draw in an empty list")
    return of_values(roots, names)


def save(x: Drawable | Drawing, path: str | Path) -> Path:
    """Write a drawing, or that of a graph, to ``path``, in the format of its ending.

    ``.svg``, ``.png`` and ``.pdf`` are pictures; ``.dot`` or ``.gv`` is Graphviz's source,
    ``.json`` the nodes and edges, ``.mmd`` Mermaid's source.  The file is written whole or not at
    all.

    Args:
        x: what ``draw`` gives, or takes.
        path: where to.

    Returns:
        The path.

    Raises:
        TypeError: if ``x`` is nothing that can be drawn.
        FileNotFoundError: if a picture needs Graphviz, and there is none; it says what to do.  Also
            if there is no such folder.
        TimeoutError: if its layout takes longer than 30 seconds; likewise.
        ValueError: if the ending names none of these formats.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(save(Value(3.0, name="x") * 2, f"{folder}/x.dot").read_text()[:7])
    digraph
    """
    path = Path(path)
    kind = path.suffix[1:].lower()
    if kind not in FORMATS:
        raise ValueError(
            f"save(x, {str(path)!r}): the path must end in .{', .'.join(FORMATS[:-1])} or "
            f".{FORMATS[-1]}"
        )
    drawing = x if isinstance(x, Drawing) else draw(x)
    if kind in ("dot", "gv"):
        content = drawing.source.encode()
    elif kind == "json":
        content = as_json(drawing.picture).encode()
    elif kind == "mmd":
        content = drawing.mermaid.encode()
    else:
        content = render(drawing.source, kind)
    write(path, content)
    return path


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}.", dir=path.parent) as folder:
        beside = Path(folder) / path.name
        beside.write_bytes(content)
        os.replace(beside, path)
