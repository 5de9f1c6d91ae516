"""Which boxes a drawing has, and which arrows: some groups of the tree open, the others one box
each.

* ``boxes_of(nodes, limit, depth)`` -- a ``Picture``: the boxes, the arrows, the clusters;
* ``opened(...)`` -- which groups are open: all if that makes few enough boxes, else as many as fit,
  the outer ones first, and what is alike stays together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import hypot, inf, isfinite

from autodiff.graph.fold import tree_of
from autodiff.graph.nodes import CONSTANT, Nodes
from autodiff.graph.tree import ALIKE, CHAIN, PART, REPEAT, SCOPE, VECTOR, Tree

LEAF, OPERATION, NUMBER = "leaf", "operation", "constant"

#: What a caption calls folded groups, one and many.
_WORDS = {
    SCOPE: ("scope", "scopes"),
    CHAIN: ("sum", "sums"),
    ALIKE: ("group of the same structure", "groups of the same structure"),
    REPEAT: ("repetition", "repetitions"),
    PART: ("part", "parts"),
    VECTOR: ("vector instruction", "vector instructions"),
}


@dataclass
class Box:
    """A box of a drawing: a node, or a closed group.

    Attributes:
        kind: ``leaf``, ``constant``, ``operation``, or that of the group.
        label: the operation, or what the group is called.
        name: that of a node, or ``""``.
        cluster: the open scope that it is drawn in, a number in ``Picture.clusters``.
        nodes: how many nodes it holds.
        data: the least and the largest of its numbers; ``None`` where there is none, or where a
            group computes different things.
        grad: the gradient; of a group the norm of that of the nodes that are read outside it.
        source: the line that recorded a node.
    """

    kind: str
    label: str
    name: str
    cluster: int
    nodes: int = 1
    data: tuple[float, float] | None = None
    grad: float | None = None
    source: str = ""

    @property
    def is_group(self) -> bool:
        """Whether it stands for a closed group."""
        return self.kind not in (LEAF, NUMBER, OPERATION)


@dataclass
class Picture:
    """The boxes of a drawing, and what connects them.

    Attributes:
        boxes: operands before results, as far as that can be.
        arrows: from box to box, by number, and how many uses each stands for.
        clusters: of open scopes, the cluster outside and the label; the first is the whole drawing.
        nodes: how many nodes all boxes hold.
    """

    boxes: list[Box] = field(default_factory=list)
    arrows: list[tuple[int, int, int]] = field(default_factory=list)
    clusters: list[tuple[int, str]] = field(default_factory=lambda: [(-1, "")])
    nodes: int = 0

    def nesting(self) -> Iterator[int]:
        """The clusters in the order in which they are written: each where it begins; 0 for an end.

        >>> list(Picture(clusters=[(-1, ""), (0, "a"), (1, "b"), (0, "c")]).nesting())
        [1, 2, 0, 0, 3, 0]
        """
        inside: list[list[int]] = [[] for _ in self.clusters]
        for k, (outside, _) in enumerate(self.clusters[1:], 1):
            inside[outside].append(k)
        pending = inside[0][::-1]
        while pending:
            k = pending.pop()
            yield k
            if k:
                pending += [0, *inside[k][::-1]]

    @property
    def caption(self) -> str:
        """What was folded, in words; ``""`` if nothing was."""
        folded = Counter(box.kind for box in self.boxes if box.is_group)
        if not folded:
            return ""
        parts = [counted_as(n, *_WORDS[kind]) for kind, n in folded.items()]
        boxes = counted_as(len(self.boxes), "box", "boxes")
        return f"{self.nodes:,} nodes in {boxes}; folded: {', '.join(parts)}"


def counted_as(n: int, one: str, many: str) -> str:
    """A number of things, in words.

    >>> counted_as(1, "box", "boxes"), counted_as(1000, "box", "boxes")
    ('1 box', '1,000 boxes')
    """
    return f"{n:,} {one if n == 1 else many}"


def boxes_of(nodes: Nodes, limit: int | None = 300, depth: int | None = None) -> Picture:
    """The picture of a graph, folded until it has at most ``limit`` boxes.

    >>> from autodiff import Value
    >>> from autodiff.graph.nodes import of_values
    >>> x = Value(3.0, name="x")
    >>> picture = boxes_of(of_values([x * x]))
    >>> [box.label or box.name for box in picture.boxes], picture.arrows
    (['x', 'mul'], [(0, 1, 2)])
    """
    tree = tree_of(nodes, limit)
    return picture_of(nodes, tree, opened(tree, limit, depth))


def opened(tree: Tree, limit: int | None, depth: int | None = None) -> list[bool]:
    """Of every group, whether it is open.

    Args:
        tree: the groups.
        limit: how many boxes there may be at most.
        depth: how many levels of scopes may be open.
    """
    children = tree.children()
    level = [0] * len(tree.groups)
    closed = [False] * len(tree.groups)  # for good
    for g, group in enumerate(tree.groups[1:], 1):
        level[g] = level[group.parent] + (group.kind == SCOPE)
        closed[g] = group.kind == VECTOR or (depth is not None and level[g] > depth)
    for g in range(len(children) - 1, 0, -1):  # of closed scopes, those that are alike
        things = children[g]
        if tree.groups[g].kind == ALIKE and things[0] < 0:
            closed[g] = all(closed[-1 - thing] for thing in things)
    is_open = [False] * len(tree.groups)
    is_open[0] = True
    for g in range(1, len(children)):
        is_open[g] = is_open[tree.groups[g].parent] and not closed[g]
    boxes = _count(tree, children, is_open)
    if limit is None or boxes <= limit:
        return is_open
    is_open = [g == 0 for g in range(len(children))]
    boxes = len(children[0])
    for g in range(1, len(children)):
        group, more = tree.groups[g], len(children[g]) - 1
        if (
            is_open[group.parent]
            and not closed[g]
            and group.kind in (SCOPE, PART)
            and boxes + more <= limit
        ):
            is_open[g] = True
            boxes += more
    return is_open


def _count(tree: Tree, children: list[list[int]], is_open: list[bool]) -> int:
    """How many boxes there are."""
    found = 0
    for g, things in enumerate(children):
        if is_open[g]:
            found += sum(thing >= 0 or not is_open[-1 - thing] for thing in things)
    return found


def picture_of(nodes: Nodes, tree: Tree, is_open: list[bool]) -> Picture:
    """The boxes and arrows when these groups are open."""
    picture = Picture(nodes=len(nodes))
    shown = [0] * len(tree.groups)  # of every group, the outermost closed one; 0 if it is open
    cluster = [0] * len(tree.groups)
    for g, group in enumerate(tree.groups[1:], 1):
        shown[g] = shown[group.parent] or (0 if is_open[g] else g)
        cluster[g] = cluster[group.parent]
        if is_open[g] and group.kind == SCOPE:
            picture.clusters.append((cluster[g], group.label))
            cluster[g] = len(picture.clusters) - 1
    places: dict[int, int] = {}  # of closed groups
    box_of = [-1] * len(nodes)
    ops: list[str | None] = []  # of every box, the one operation in it; None if there are others
    drawn = _constants_drawn(nodes, tree, shown)
    for i, g in enumerate(tree.parent):
        folded = shown[g]
        if nodes.ops[i] == CONSTANT and i not in drawn:
            continue
        if not folded:
            box_of[i] = len(picture.boxes)
            picture.boxes.append(_box_of_node(nodes, i, cluster[g]))
            ops.append(nodes.ops[i])
            continue
        if folded not in places:
            places[folded] = len(picture.boxes)
            group = tree.groups[folded]
            at = cluster[group.parent]
            picture.boxes.append(Box(group.kind, group.label, "", at, group.nodes))
            ops.append(nodes.ops[i])
        box_of[i] = places[folded]
        if ops[box_of[i]] != nodes.ops[i]:
            ops[box_of[i]] = None
    leaving = set(nodes.roots)
    arrows: dict[tuple[int, int], int] = {}
    for i, operands in enumerate(nodes.operands):
        b = box_of[i]
        for x in operands:
            a = box_of[x]
            if a != b and a >= 0 and (nodes.ops[x] != CONSTANT or not picture.boxes[b].is_group):
                arrows[a, b] = arrows.get((a, b), 0) + 1
                leaving.add(x)
    picture.arrows = [(a, b, n) for (a, b), n in arrows.items()]
    if nodes.data:
        _sum_up(nodes, picture, box_of, leaving, [op is not None for op in ops])
    return picture


def _constants_drawn(nodes: Nodes, tree: Tree, shown: list[int]) -> set[int]:
    """The constants that have boxes, alone or together: those that something not folded reads.

    Those of folded groups belong to them, and are not drawn.
    """
    found = set(nodes.roots)
    for i, operands in enumerate(nodes.operands):
        if not shown[tree.parent[i]]:
            found.update(operands)
    alone = {0} | {g for g, group in enumerate(tree.groups) if group.kind == ALIKE}
    return {x for x in found if nodes.ops[x] == CONSTANT and (shown[tree.parent[x]] in alone)}


def _box_of_node(nodes: Nodes, i: int, cluster: int) -> Box:
    op = nodes.ops[i]
    kind = {"": LEAF, CONSTANT: NUMBER}.get(op, OPERATION)
    label = op if kind == OPERATION else ""
    box = Box(kind, label, nodes.names[i], cluster, source=nodes.sources[i])
    if nodes.data:
        box.data = nodes.data[i], nodes.data[i]
        box.grad = None if kind == NUMBER else nodes.grads[i]
    return box


def _sum_up(
    nodes: Nodes, picture: Picture, box_of: list[int], leaving: set[int], uniform: list[bool]
) -> None:
    """Set the data and the gradients of closed groups."""
    for i, b in enumerate(box_of):
        if b < 0 or not picture.boxes[b].is_group:
            continue
        box = picture.boxes[b]
        if uniform[b]:
            low, high = box.data or (inf, -inf)
            box.data = min(low, nodes.data[i]), max(high, nodes.data[i])
        if i in leaving and nodes.ops[i] != CONSTANT:
            size = nodes.grads[i]
            box.grad = hypot(box.grad or 0.0, size) if isfinite(size) else size
