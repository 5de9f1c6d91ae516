"""The adjoint of a list that ``take`` reads: it costs what was taken, and not the list.

Reverse mode gives element ``j`` of the list, for each number taken with index ``i``, its adjoint
``x if i == j else 0.0``, a ``pick``, and adds these up.  For all elements together that is: zeros,
to one of which each ``x`` is added.  The numbers are the same to the bit, down to the sign of a sum
of nothing but negative zeros, which is 0.0 unless all was taken from this one element.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.program import Integers, Program
from autodiff.ops import CODES

PICK, ADD, CHAIN = CODES["pick"], CODES["add"], CODES["chain"]
SPARSE = 4  #: elements of all lists, for every one that is a lane


class Scatter(NamedTuple):
    """A group whose lanes are such sums.

    Attributes:
        adjoints: of every term, the references of what is added: one for each list.
        indices: of every term, the reference of its index.
        lanes: of every list, and of every index, the lane that is its sum, or -1.
        elements: of every lane, the reference of the constant that its index is compared with.
        picks: the instructions that this replaces.
    """

    adjoints: Integers
    indices: Integers
    lanes: Integers
    elements: Integers
    picks: Integers


def sums_of_picks(p: Program) -> Any:
    """Of every instruction, whether it adds up picks, and nothing else."""
    picked = p.at_references(p.ops == PICK)
    found = np.zeros(len(p), bool)
    pairs, chains = np.flatnonzero(p.ops == ADD), np.flatnonzero(p.ops == CHAIN)
    found[pairs] = picked[p.a[pairs]] & picked[p.b[pairs]]
    before = np.cumsum(np.append(0, picked[p.entries]))
    found[chains] = before[p.a[chains] + p.b[chains]] - before[p.a[chains]] == p.b[chains]
    return found


def scatter_of(p: Program, uses: Integers, first: int, end: int) -> Scatter | None:
    """What the lanes from ``first`` to ``end`` of a group are as a scatter, if they are one."""
    n, op = end - first, p.ops[first]
    picks: Any = np.arange(first, end).reshape(n, 1)
    if op == ADD:
        picks = np.stack([p.a[first:end], p.b[first:end]], axis=1) - p.inputs
    elif op == CHAIN:
        terms = p.b[first]
        picks = p.entries[p.a[first] : p.a[first] + n * terms].reshape(n, terms) - p.inputs
    if (picks < 0).any() or (p.ops[picks] != PICK).any():
        return None
    if op != PICK and (uses[p.inputs + picks] > 1).any():
        return None
    x, i, j, y = (p.entries[p.a[picks] + k] for k in range(4))
    if (y >= 0).any() or (j >= 0).any() or (i != i[0]).any() or (j != j[:, :1]).any():
        return None
    zeros, elements = p.constants[-1 - y], p.constants[-1 - j[:, 0]]
    if (zeros != 0).any() or np.signbit(zeros).any() or (elements != np.floor(elements)).any():
        return None
    lists, of = np.unique(x, axis=0, return_inverse=True)
    size = elements.max() + 1
    if elements.min() < 0 or 2 * lists.size > n or len(lists) * size > SPARSE * n:
        return None
    lanes = np.full((len(lists), int(size)), -1, np.int32)
    lanes[of.ravel(), elements.astype(np.int64)] = np.arange(n)
    if np.count_nonzero(lanes >= 0) < n:
        return None
    replaced = picks.ravel() if op != PICK else picks[:0, 0]
    return Scatter(lists.T.ravel(), i[0], lanes.ravel(), j[:, 0], replaced)
