"""What is computed one after the other: steps that repeat, as those of a loop, and parts.

A loop that Python has unrolled leaves the same operations again and again.  They are found by their
period: the first step stays as it is, and the others become one group.  Loops in loops are found
from the inside out.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from autodiff.graph.tree import PART, REPEAT, Tree

LONGEST = 1000  #: things in a step
SHARE = 0.8  #: of all things, how many must be as the one that is a period before them


def in_sequence(tree: Tree, g: int, items: list[int], types: list[int], most: int) -> None:
    """Group what stands in a sequence in group ``g``, until it has at most ``most`` things.

    Args:
        tree: the tree, to which groups are added.
        g: the group.
        items: what is in it, in an order in which it can be computed.
        types: of every thing, a number that is the same for what does the same.
        most: how many things there may be.
    """
    while len(items) > most:
        period, before = period_of(types), len(items)
        if period:
            items, types = _folded(tree, g, items, types, period, most)
        if len(items) == before:
            break
    divide(tree, g, items, most)


def period_of(types: list[int]) -> int:
    """After how many things most are repeated; 0 if they are not, three times or more.

    >>> period_of([7, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3])
    3
    """
    t = np.array(types)
    for period in range(1, min(len(t) // 3, LONGEST) + 1):
        if np.count_nonzero(t[period:] == t[:-period]) >= SHARE * (len(t) - period):
            return period
    return 0


def _folded(
    tree: Tree, g: int, items: list[int], types: list[int], period: int, most: int
) -> tuple[list[int], list[int]]:
    """The sequence with every run of repeated steps as its first step and a group of the others."""
    t = np.array(types)
    same = np.concatenate([[False], t[period:] == t[:-period], [False]])
    edges = np.flatnonzero(same[1:] != same[:-1]).reshape(-1, 2).tolist()
    kept: list[int] = []
    kinds: list[int] = []
    done = 0
    for first, end in edges:
        times = (end - first) // period  # steps after the first
        start = first + period
        if times < 2 or start < done:
            continue
        stop = start + times * period
        steps = items[start:stop]
        words = f"{times:,} more steps like these"
        repeat = tree.add(g, REPEAT, words, steps)
        divide(tree, -1 - repeat, steps, most, period)
        kept += [*items[done:start], repeat]
        kinds += [*types[done:start], hash((REPEAT, times, types[start]))]
        done = stop
    return kept + items[done:], kinds + types[done:]


def divide(tree: Tree, g: int, items: list[int], most: int, period: int = 1) -> None:
    """Divide what is in a group into parts, whole periods each, until it has few enough."""
    total = len(items)
    while len(items) > most:
        each = max(2, min(most, max(-(-len(items) // most), int(len(items) ** 0.5))))
        if len(items) == total:
            each += -each % period
        cuts = [*range(0, len(items), each), len(items)]
        parts = [items[a:b] for a, b in pairwise(cuts)]
        items = [
            tree.add(g, PART, f"part {k} of {len(parts)}", part) for k, part in enumerate(parts, 1)
        ]
