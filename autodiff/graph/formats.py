"""A picture as data: JSON for programs, Mermaid for pages that draw it themselves."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

from autodiff.graph.boxes import LEAF, NUMBER, Picture
from autodiff.graph.dot import lines_of, shortened


def as_json(picture: Picture) -> str:
    """Nodes, edges and clusters, as JSON.

    A node that stands for a group says how many it holds (``nodes``); its ``data`` are the least
    and the largest, its ``grad`` the norm.  Numbers that are not finite are strings: JSON has none.

    >>> from autodiff import Value
    >>> from autodiff.graph.boxes import boxes_of
    >>> from autodiff.graph.nodes import of_values
    >>> x = Value(3.0, name="x")
    >>> json.loads(as_json(boxes_of(of_values([x * x]))))["edges"]
    [{'from': 0, 'to': 1, 'uses': 2}]
    """
    nodes = []
    for k, box in enumerate(picture.boxes):
        node: dict[str, Any] = {"id": k, "kind": box.kind, "label": box.label, "name": box.name}
        node.update(cluster=box.cluster, nodes=box.nodes, source=box.source)
        if box.data:
            low, high = map(number, box.data)
            node["data"] = [low, high] if box.is_group else low
        if box.grad is not None:
            node["grad"] = number(box.grad)
        nodes.append(node)
    edges = [{"from": a, "to": b, "uses": n} for a, b, n in picture.arrows]
    clusters = [
        {"id": k, "inside": inside, "label": label}
        for k, (inside, label) in enumerate(picture.clusters)
    ]
    whole = {"caption": picture.caption, "nodes": nodes, "edges": edges, "clusters": clusters}
    return json.dumps(whole, indent=1, allow_nan=False)


def number(x: float) -> float | str:
    """A number as JSON can hold it.

    >>> number(2.5), number(float("-inf"))
    (2.5, '-inf')
    """
    return x if isfinite(x) else repr(x)


def as_mermaid(picture: Picture, rankdir: str, style: str) -> str:
    """A flowchart in Mermaid's language, which GitHub, GitLab and JupyterLab draw by themselves.

    Args:
        picture: the picture.
        rankdir: in which direction it is read.
        style: the format of numbers.

    >>> from autodiff import Value
    >>> from autodiff.graph.boxes import boxes_of
    >>> from autodiff.graph.nodes import of_values
    >>> print(as_mermaid(boxes_of(of_values([-Value(3.0, name="x")])), "LR", ".4g"))
    flowchart LR
        0["x<br/>data 3<br/>grad 0"]
        1("neg<br/>data -3<br/>grad 0")
        0 --> 1
    """
    inside: list[list[str]] = [[] for _ in picture.clusters]
    for k, box in enumerate(picture.boxes):
        text = "<br/>".join(_escaped(line) for line in lines_of(box, style))
        opening, closing = {LEAF: ("[", "]"), NUMBER: ("([", "])")}.get(box.kind, ("(", ")"))
        if box.is_group:
            opening, closing = "[[", "]]"
        inside[box.cluster].append(f'{k}{opening}"{text}"{closing}')
    lines = inside[0]
    for k in picture.nesting():
        label = _escaped(shortened(picture.clusters[k][1]))
        lines += [f'subgraph c{k}["{label}"]', *inside[k]] if k else ["end"]
    for a, b, uses in picture.arrows:
        if picture.boxes[a].is_group or picture.boxes[b].is_group:
            lines.append(f'{a} -- "{uses}" --> {b}' if uses > 1 else f"{a} --> {b}")
        else:
            lines += [f"{a} --> {b}"] * uses
    return "\n".join([f"flowchart {rankdir}", *(f"    {line}" for line in lines)])


def _escaped(text: str) -> str:
    """Text for a label of Mermaid: all but plain characters as their numbers."""
    return re.sub(r"[^\w .,=+-]", lambda found: f"#{ord(found[0])};", text)
