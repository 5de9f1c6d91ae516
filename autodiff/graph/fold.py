"""A hierarchy of groups over the nodes of a graph, so that a large one can be drawn in few boxes.

``tree_of(nodes)`` puts every node into a tree of groups, from the whole graph down:

1. *scopes*: what was recorded in a ``with scope(...)`` or by a module of a net; leaves and
   constants go to the innermost scope that holds all their uses;
2. *chains*: additions, and the products that they add up, whose results nothing else reads: one
   ``sum`` or ``dot``;
3. *alike*: scopes, chains and, where there are many, nodes that have the same structure and the
   same level, that is none is computed from another: ``neurons x 16``;
4. *one after the other* (``repeats``): where there are still more than can be drawn, steps that
   repeat, and parts.

Which groups a drawing opens is decided in ``boxes``.  All goes in a few passes over the nodes,
without recursion, in time proportional to the graph.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import chain

from autodiff.graph.nodes import CONSTANT, Nodes
from autodiff.graph.repeats import in_sequence
from autodiff.graph.tree import ALIKE, CHAIN, ROOT, SCOPE, VECTOR, Group, Tree

MANY = 48  #: children of a group from which on single nodes that are alike are put together
FEW = 4  #: single nodes that are put together, at least; of scopes and sums, two are enough
LEAST = 3  #: additions of a chain


def tree_of(nodes: Nodes, most: int | None = 300) -> Tree:
    """The groups of a graph, in each of which there are at most so many things.

    >>> from autodiff import Value, scope
    >>> from autodiff.graph.nodes import of_values
    >>> with scope("line"):
    ...     y = Value(2.0) * 3 + 1
    >>> [(group.kind, group.label, group.nodes) for group in tree_of(of_values([y])).groups]
    [('root', '', 5), ('scope', 'line', 5)]
    """
    tree = _scopes(nodes)
    for first, end, shape in nodes.vectors:
        tree.add(0, VECTOR, f"{nodes.ops[first]} {shape}", list(range(first, end)))
    if not nodes.vectors:
        _chains(nodes, tree)
    structure = _structures(nodes, tree)
    within = _edges_within(nodes, tree)
    children = tree.children()
    for g in range(len(children)):
        if len(children[g]) > 1 and tree.groups[g].kind in (ROOT, SCOPE):
            items = _alike(nodes, tree, g, children[g], within[g], structure, most)
            if most is not None and len(items) > most:
                in_sequence(tree, g, items, [_type(nodes, tree, x, structure) for x in items], most)
    return tree.in_order()


def _scopes(nodes: Nodes) -> Tree:
    """The tree of scopes."""
    tree = Tree(parent=[0] * len(nodes))
    numbers = {"": 0}
    depth = [0]
    for i, path in enumerate(nodes.scopes):
        missing = []
        while path not in numbers:
            missing.append(path)
            path = path.rpartition("/")[0]
        g = numbers[path]
        for inner in reversed(missing):
            tree.groups.append(Group(g, SCOPE, inner.rpartition("/")[2]))
            depth.append(depth[g] + 1)
            g = numbers[inner] = len(tree.groups) - 1
        tree.parent[i] = g
    homes: dict[int, int] = {}
    for i in range(len(nodes) - 1, -1, -1):
        for x in nodes.operands[i]:
            if not nodes.is_given(x):
                continue
            a, b = tree.parent[i], homes.get(x, tree.parent[i])
            while a != b:
                if depth[a] < depth[b]:
                    b = tree.groups[b].parent
                else:
                    a = tree.groups[a].parent
            homes[x] = a
    for x, home in homes.items():
        if not nodes.scopes[x]:
            tree.parent[x] = home
    return tree


def _chains(nodes: Nodes, tree: Tree) -> None:
    """Group additions of a scope whose results only the next one reads, and their products."""

    def inner(x: int, i: int) -> bool:
        """Whether only ``i`` reads ``x``, in the same scope."""
        return uses[x] == 1 and x not in roots and tree.parent[x] == tree.parent[i]

    uses = Counter(chain.from_iterable(nodes.operands))
    roots = set(nodes.roots)
    taken: set[int] = set()
    for i in range(len(nodes) - 1, -1, -1):
        if nodes.ops[i] != "add" or i in taken:
            continue
        additions, products, terms, pending = [], [], 0, [i]
        while pending:
            v = pending.pop()
            additions.append(v)
            for x in nodes.operands[v]:
                if nodes.ops[x] == "add" and inner(x, v):
                    pending.append(x)
                else:
                    terms += 1
                    if nodes.ops[x] == "mul" and inner(x, v):
                        products.append(x)
        taken.update(additions)
        if len(additions) >= LEAST:
            name = "dot" if 2 * len(products) >= terms else "sum"
            members = additions + products if name == "dot" else additions
            tree.add(tree.parent[i], CHAIN, f"{name} of {terms}", members)


def _structures(nodes: Nodes, tree: Tree) -> dict[int, int]:
    """Of every thing a number that is the same for what has the same structure.

    Two groups have the same if their nodes have the same operations, on operands that are alike.
    """
    found: dict[int, int] = {}
    parent, ops = tree.parent, nodes.ops
    inside: dict[int, int] = defaultdict(int)
    for i, operands in enumerate(nodes.operands):
        shape: list[object] = [ops[i]]
        for x in operands:
            shape.append(found[x] if parent[x] == parent[i] else ops[x])
        found[i] = hash(tuple(shape))
        if ops[i] != CONSTANT:
            inside[parent[i]] += hash((found[i], len(operands)))
    for g in range(len(tree.groups) - 1, 0, -1):
        group = tree.groups[g]
        found[-1 - g] = hash((group.kind, inside[g]))
        if group.kind == VECTOR:
            found[-1 - g] = hash((group.kind, g))
        inside[group.parent] += hash((found[-1 - g], group.kind))
    return found


def _edges_within(nodes: Nodes, tree: Tree) -> list[dict[int, list[int]]]:
    """Of every group, which of the things in it are computed from which others, once a use."""
    found: list[dict[int, list[int]]] = [defaultdict(list) for _ in tree.groups]
    known: dict[tuple[int, int], tuple[int, int, int]] = {}
    for i, operands in enumerate(nodes.operands):
        b = tree.parent[i]
        for x in operands:
            a = tree.parent[x]
            if a == b:
                found[a][i].append(x)
                continue
            if (a, b) not in known:
                known[a, b] = _meeting(tree.outer(a), tree.outer(b))
            g, source, target = known[a, b]
            found[g][target or i].append(source or x)
    return found


def _meeting(above: list[int], below: list[int]) -> tuple[int, int, int]:
    """Of two groups, with all that each is in: the innermost that holds both, and the things in it
    that hold one of them; 0 where that is the group itself.
    """
    n = 1
    while n <= min(len(above), len(below)) and above[-n] == below[-n]:
        n += 1
    source = -1 - above[-n] if n <= len(above) else 0
    target = -1 - below[-n] if n <= len(below) else 0
    return above[1 - n], source, target


def _alike(
    nodes: Nodes,
    tree: Tree,
    g: int,
    things: list[int],
    sources: dict[int, list[int]],
    structure: dict[int, int],
    most: int | None,
) -> list[int]:
    """Put what is alike in a group together; what the group has then, by level if it is many."""
    level = _levels(things, sources)
    many = most is not None and len(things) > min(MANY, most)
    placed: dict[int, object] = {}  # of a thing, what it is put together with
    for thing in things:
        placed[thing] = thing
        if thing < 0 or (many and not nodes.is_given(thing)):
            placed[thing] = level[thing], structure[thing], thing >= 0
    given = [thing for thing in things if many and thing >= 0 and nodes.is_given(thing)]
    targets: dict[int, list[int]] = {x: [] for x in given}
    if given:
        for target, read in sources.items():
            for source in read:
                if source in targets:
                    targets[source].append(target)
    together = {x: frozenset(placed[t] for t in targets[x]) for x in given}
    for x in given:  # leaves by their names without numbers, or else by what reads them
        placed[x] = nodes.ops[x], _stem(nodes.names[x]) or together[x]
        level[x] = min((level[t] for t in targets[x]), default=1) - 1
    sets: dict[object, list[int]] = {}
    for thing in things:
        sets.setdefault(placed[thing], []).append(thing)
    items: list[int] = []
    for members in sets.values():
        if len(members) < (2 if members[0] < 0 else FEW):
            items += members
            continue
        items.append(tree.add(g, ALIKE, _label_of(nodes, tree, members), members))
        level[items[-1]] = min(level[x] for x in members)
    return sorted(items, key=level.__getitem__) if many else items


def _levels(things: list[int], sources: dict[int, list[int]]) -> dict[int, int]:
    """Of every thing in a group, how many others are computed before it, one from another.

    Where groups are computed from one another, the one that comes first in the graph is first.
    """
    level = dict.fromkeys(things, 0)
    if min(things) >= 0:  # nodes alone: they are in order
        for target in things:
            if target in sources:
                level[target] = 1 + max([level[source] for source in sources[target]])
        return level
    targets: dict[int, list[int]] = defaultdict(list)
    waiting = dict.fromkeys(things, 0)
    for target, read in sources.items():
        for source in read:
            if source != target:
                targets[source].append(target)
                waiting[target] += 1
    ready = [thing for thing in things if not waiting[thing]]
    done: set[int] = set()
    rest = iter(things)
    while True:
        while ready:
            thing = ready.pop()
            if thing in done:
                continue
            done.add(thing)
            after = level[thing] + 1
            for target in targets[thing]:
                waiting[target] -= 1
                if target not in done:
                    if level[target] < after:
                        level[target] = after
                    if not waiting[target]:
                        ready.append(target)
        stuck = next((thing for thing in rest if thing not in done), None)
        if stuck is None:
            return level
        ready.append(stuck)


def _type(nodes: Nodes, tree: Tree, thing: int, structure: dict[int, int]) -> int:
    """A number that is the same for things that do the same, each in its step of a loop."""
    if thing < 0:
        group = tree.groups[-1 - thing]
        return structure[thing] if group.kind == SCOPE else hash((group.kind, group.label))
    return hash((nodes.ops[thing], tuple(nodes.ops[x] for x in nodes.operands[thing])))


_NUMBER = re.compile(r"\d+")
_PLACE = re.compile(r"(\[[\d, ]+\]|\.\d+|\d+)+$")  #: at the end of a name: where in a list


def _stem(name: str) -> str:
    """A name with all its numbers left out: those of the elements of a list are the same."""
    return _NUMBER.sub("#", name)


def _label_of(nodes: Nodes, tree: Tree, members: list[int]) -> str:
    """What things that are alike are called together."""
    first = members[0]
    if first < 0:
        group = tree.groups[-1 - first]
        name = group.label
        if group.kind == SCOPE:
            name = name.rstrip("0123456789").rstrip("._-") or name
    elif nodes.ops[first] == CONSTANT:
        name = "constants"
    elif nodes.ops[first]:
        name = nodes.ops[first]
    else:
        name = _PLACE.sub("", nodes.names[first]) or "leaves"
    return f"{name} \N{MULTIPLICATION SIGN} {len(members)}"
