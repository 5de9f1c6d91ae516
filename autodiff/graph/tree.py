"""The groups into which the nodes of a graph are put: a tree, from the whole graph down."""

from __future__ import annotations

from dataclasses import dataclass, field

ROOT = "root"  #: the whole graph
SCOPE = "scope"  #: what was recorded in a scope, or by a module
CHAIN = "chain"  #: additions, one sum
ALIKE = "alike"  #: things of the same structure, side by side
REPEAT = "repeat"  #: steps that repeat, one after the other
PART = "part"  #: a stretch of what is one after the other
VECTOR = "vector"  #: in a program, a vector instruction


@dataclass
class Group:
    """Some nodes that may be drawn as one box.

    Attributes:
        parent: the group that it is in, by number; -1 for the whole graph.
        kind: one of the above.
        label: what its box says.
        nodes: how many nodes it holds, those of groups in it included.
    """

    parent: int
    kind: str
    label: str
    nodes: int = 0


@dataclass
class Tree:
    """The groups, parents before what is in them; and of every node, the group that it is in.

    A *thing* is a node, or a group ``g`` as ``-1 - g``.
    """

    groups: list[Group] = field(default_factory=lambda: [Group(-1, ROOT, "")])
    parent: list[int] = field(default_factory=list)

    def add(self, parent: int, kind: str, label: str, things: list[int]) -> int:
        """Put things that are in ``parent`` into a new group in it; the group, as a thing."""
        self.groups.append(Group(parent, kind, label))
        g = len(self.groups) - 1
        for thing in things:
            if thing < 0:
                self.groups[-1 - thing].parent = g
            else:
                self.parent[thing] = g
        return -1 - g

    def children(self) -> list[list[int]]:
        """Of every group, the things in it, in the order of their first nodes."""
        found: list[list[int]] = [[] for _ in self.groups]
        listed = [False] * len(self.groups)
        for i, g in enumerate(self.parent):
            thing = i
            found[g].append(thing)
            while g and not listed[g]:
                listed[g] = True
                thing, g = -1 - g, self.groups[g].parent
                found[g].append(thing)
        return found

    def outer(self, g: int) -> list[int]:
        """A group and all that it is in, innermost first."""
        found = [g]
        while g:
            g = self.groups[g].parent
            found.append(g)
        return found

    def in_order(self) -> Tree:
        """The same tree with its nodes counted, and groups numbered from the outside in."""
        inside: list[list[int]] = [[] for _ in self.groups]
        for g in range(1, len(self.groups)):
            inside[self.groups[g].parent].append(g)
        order = [0]
        for g in order:  # grows while it is gone through
            order += inside[g]
        numbers = {g: k for k, g in enumerate(order)}
        groups = [self.groups[g] for g in order]
        for group in groups[1:]:
            group.parent = numbers[group.parent]
        tree = Tree(groups, [numbers[g] for g in self.parent])
        for g in tree.parent:
            groups[g].nodes += 1
        for group in reversed(groups[1:]):
            groups[group.parent].nodes += group.nodes
        return tree
