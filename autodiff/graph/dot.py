"""A picture as Graphviz's source: what its boxes say, their shapes and their colours.

Colours say the sign and the size of the gradient: orange above 0, blue below, which are told apart
in every kind of colour blindness (M. Okabe, K. Ito, Color universal design, 2008).
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from math import isfinite, log10

import graphviz

from autodiff.graph.boxes import LEAF, NUMBER, OPERATION, Box, Picture, counted_as
from autodiff.graph.tree import VECTOR
from autodiff.ops import CODES, ROWS

LONGEST = 48  #: characters of a name that are shown
DECADES = 3.0  #: of gradients, from the palest colour to the deepest
FAR = 3200  #: levels that all arrows together cross, beyond which a careful layout takes long


@dataclass(frozen=True)
class Theme:
    """The colours of a drawing, as red, green and blue in hexadecimal."""

    paper: str
    ink: str
    faint: str
    leaf: str
    operation: str
    cluster: str
    above: str
    below: str


THEMES = {
    "light": Theme(
        "#ffffff", "#1f2328", "#656d76", "#e8f1fa", "#fbf6e9", "#f6f8fa", "#e69f00", "#3d8fd1"
    ),
    "dark": Theme(
        "#0d1117", "#f0f3f6", "#9ea7b3", "#1c2b3a", "#2d2a1e", "#161b22", "#b87500", "#1f6fb2"
    ),
}


def as_dot(picture: Picture, rankdir: str, number: str, theme: Theme) -> str:
    """Graphviz's source of a picture.

    The boxes' ids count from 0, so the same graph always gives the same source.

    Args:
        picture: the picture.
        rankdir: in which direction it is read: LR, TB, RL or BT.
        number: the format of numbers.
        theme: the colours.
    """
    largest = max((abs(b.grad) for b in picture.boxes if b.grad and isfinite(b.grad)), default=0.0)
    graphs = [graphviz.Digraph() for _ in picture.clusters]
    graphs[0].attr("graph", rankdir=rankdir)
    _set_up(graphs[0], picture, bool(largest), theme)
    for graph, (_, label) in zip(graphs[1:], picture.clusters[1:], strict=True):
        graph.attr(
            label=f"<{html.escape(shortened(label))}>", color=theme.faint, fillcolor=theme.cluster
        )
        graph.attr(labelloc="t", labeljust="l")
    for k, box in enumerate(picture.boxes):
        attributes = _attributes(box, number, theme, largest)
        graphs[box.cluster].node(str(k), **attributes)
    for k in picture.nesting():
        graphs[0].body += [f"\tsubgraph cluster_{k} {{\n", *graphs[k].body] if k else ["\t}\n"]
    for a, b, uses in picture.arrows:
        if picture.boxes[a].is_group or picture.boxes[b].is_group:
            width = f"{1 + log10(uses) / 2:.3g}"
            tip = counted_as(uses, "use", "uses")
            graphs[0].edge(str(a), str(b), penwidth=width, tooltip=tip)
        else:
            for _ in range(uses):
                graphs[0].edge(str(a), str(b))
    return str(graphs[0].source)


def _reach(picture: Picture) -> int:
    """How many levels all arrows together cross."""
    level = [0] * len(picture.boxes)
    for a, b, _ in picture.arrows:
        level[b] = max(level[b], level[a] + 1)
    return sum(level[b] - level[a] for a, b, _ in picture.arrows)


def _set_up(graph: graphviz.Digraph, picture: Picture, coloured: bool, t: Theme) -> None:
    """Set what all boxes and arrows have in common, and the caption."""
    key = "orange: gradient above 0, blue: below, deeper: larger" if coloured else ""
    text = "<BR/>".join(html.escape(line) for line in (picture.caption, key) if line)
    graph.attr("graph", bgcolor=t.paper, fontname="Helvetica", fontsize="11")
    graph.attr("graph", fontcolor=t.faint, style="rounded,filled", nodesep="0.15", ranksep="0.35")
    if text:
        graph.attr("graph", label=f"<{text}>", labelloc="b")
    if _reach(picture) > FAR:
        graph.attr("graph", splines="line", nslimit="0.2", nslimit1="0.2", mclimit="0.1")
    graph.attr("node", fontname="Helvetica", fontsize="11", fontcolor=t.ink, color=t.faint)
    graph.attr("node", shape="box", style="rounded,filled", margin="0.1,0.05", height="0.3")
    graph.attr("edge", color=t.faint, arrowsize="0.6", fontname="Helvetica", fontsize="9")
    graph.attr("edge", fontcolor=t.faint)


def _attributes(box: Box, number: str, theme: Theme, largest: float) -> dict[str, str]:
    """The attributes of a box."""
    lines = lines_of(box, number)
    if box.kind == NUMBER:
        return {
            "label": f"<{html.escape(lines[0])}>",
            "shape": "plaintext",
            "style": "",
            "height": "0",
        }
    size = "16" if box.kind == OPERATION else "12"
    label = f'<B><FONT POINT-SIZE="{size}">{html.escape(lines[0])}</FONT></B>'
    label += "".join(f"<BR/>{html.escape(line)}" for line in lines[1:])
    attributes = {"label": f"<{label}>", "fillcolor": _fill(box, theme, largest)}
    if box.kind == LEAF:
        attributes["style"] = "filled"
    if box.is_group:
        attributes["peripheries"] = "2"
    tip = "\\n".join(graphviz.escape(printable(text)) for text in (box.name, box.source) if text)
    if tip:
        attributes["tooltip"] = graphviz.nohtml(tip)
    return attributes


def lines_of(box: Box, number: str) -> list[str]:
    """What a box says: its title, and then its numbers, a line each."""
    name = shortened(box.name)
    if box.kind == NUMBER:
        return [format(box.data[0], number) if box.data else name]
    symbol = ROWS[CODES[box.label]].shown if box.label in CODES else shortened(box.label)
    if box.kind == LEAF and not name:
        symbol = "leaf"
    lines = [" = ".join(part for part in (name, symbol) if part)]
    if box.is_group and box.kind != VECTOR and not box.data:
        lines.append(counted_as(box.nodes, "node", "nodes"))
    if box.data:
        low, high = (format(x, number) for x in box.data)
        lines.append(f"data {low}" if low == high else f"data {low} \N{HORIZONTAL ELLIPSIS} {high}")
    if box.grad is not None:
        norm = "\N{DOUBLE VERTICAL LINE}" if box.is_group else ""
        lines.append(f"{norm}grad{norm} {format(box.grad, number)}")
    return lines


def _fill(box: Box, theme: Theme, largest: float) -> str:
    """The colour of a box: that of its gradient, where there are gradients at all."""
    plain = theme.leaf if box.kind == LEAF else theme.operation
    if not largest:
        return plain
    if not box.grad or box.is_group:
        return theme.cluster
    size = abs(box.grad) / largest if isfinite(box.grad) else 1.0
    depth = 1.0 + log10(size) / DECADES if size else 0.0
    share = 0.12 + 0.63 * min(max(depth, 0.0), 1.0)
    return _mixed(theme.paper, theme.above if box.grad > 0 else theme.below, share)


def _mixed(a: str, b: str, share: float) -> str:
    """A colour between two: ``share`` of the second."""
    pairs = [(int(a[k : k + 2], 16), int(b[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(x + share * (y - x)):02x}" for x, y in pairs)


def printable(text: str) -> str:
    """Text that XML can hold: control characters as their pictures, lone surrogates replaced."""
    text = "".join(chr(0x2400 + ord(c)) if c < " " else c for c in text)
    return text.encode("utf-8", "replace").decode().translate(_UNPRINTABLE)


_UNPRINTABLE = {0x7F: 0x2421, 0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}


def shortened(text: str) -> str:
    """Text that a label can hold: not too long, and printable."""
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return printable(text)
