"""Vectorise: instructions that do the same at the same time become one vector instruction.

The *level* of an instruction is how many others, each computed from the one before, it waits for.
Instructions of one level do not depend on one another: those of one operation, and over lists of
one length, form a *group*, whose members are its *lanes*.

``grouped`` reorders a program so that the lanes of a group follow one another, and so do their
results.  It remains a program, and computes the same numbers, bit for bit: sums keep the order of
their terms, since many are added up side by side, and not the terms of one.  ``lanes`` then finds
out how the operands of a group stand in memory, and ``scatter`` what need not be computed at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler import loops
from autodiff.compiler.lanes import Steps
from autodiff.compiler.machine import Machine
from autodiff.compiler.passes import uses_of
from autodiff.compiler.program import ARITY, GUARD, Floats, Integers, Program, in_order, views
from autodiff.compiler.scatter import scatter_of, sums_of_picks
from autodiff.compiler.sums import sums
from autodiff.engine.instructions import PART, STATIC
from autodiff.ops import CODES

LEAST = 16  #: operations that a group must have: fewer are as fast one by one
OFTEN = 300  #: runs of a program, after which it is vectorised: as much as that costs
MOST = 2048  #: lanes that are packed together, so that what is packed stays in the cache

#: Of every row, whether it is done lane by lane.
LANES = np.zeros(2**16, bool)
LANES[1:STATIC] = ARITY[1:STATIC] > 0
LANES[[CODES[name] for name in ("chain", "products", "pick")]] = True
LANES[PART] = False


def vectorized(p: Program) -> Machine:
    """A program, simplified and differentiated, made ready to run many times."""
    return in_vectors(sums(p))


def in_vectors(p: Program) -> Machine:
    """What runs a program that has its sums, in vectors if most of it can be."""
    q, groups = grouped(p)
    if 2 * sum(end - first for first, end in groups) < (p.ops != PART).sum():
        return Machine(p)
    return Machine(q, steps=steps_of(q, groups).arrays())


class Tiered:
    """A program that runs one by one at first, and in vectors once it has run often.

    To vectorise it takes as long as some hundred runs.
    """

    def __init__(self, program: Program) -> None:
        self._program: Program | None = program
        self._machine: Machine | None = None
        self._runs = 0

    def __call__(self, inputs: Floats) -> Floats | None:
        """As ``Machine``."""
        self._runs += 1
        program, machine = self._program, self._machine
        if machine is None:
            assert program is not None
            self._program = program = sums(program)
            self._machine = machine = Machine(program)
        if program is not None and self._runs >= OFTEN:
            self._machine = machine = in_vectors(program)
            self._program = None
        return machine(inputs)


def steps_of(p: Program, groups: list[tuple[int, int]]) -> Steps:
    """The steps in which to run a program with these groups."""
    uses = uses_of(p)
    scatters = [scatter_of(p, uses, *group) for group in groups]
    needed = np.ones(len(p), bool)
    for scatter in scatters:
        if scatter is not None:
            needed[scatter.picks] = False
    steps, done = Steps(p), 0
    for (first, end), scatter in zip(groups, scatters, strict=True):
        steps.span(done, first)
        if scatter is not None and needed[first]:
            steps.scattered(scatter, first, end)
        elif needed[first:end].any():
            for part in range(first, end, MOST):
                steps.group(part, min(part + MOST, end))
        done = end
    steps.span(done, len(p))
    return steps


def grouped(
    p: Program, kinds: Integers | None = None, guarded: bool = True
) -> tuple[Program, list[tuple[int, int]]]:
    """The program reordered, and where in it its groups begin and end.

    Args:
        p: a program that has its sums.
        kinds: of every instruction a number from 0 to 3; in a group all have the same.
        guarded: whether what stands before the last guard stays as it is, since what follows a
            guard may only be right where it holds.
    """
    level = np.zeros(p.inputs + len(p), np.int32)
    loops.find_levels(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, level))
    level = level[p.inputs :]
    length = np.where(p.over_list, p.b, 0)
    done_by_lane = LANES[p.ops]
    fixed = int(np.flatnonzero(np.append(True, p.ops == GUARD))[-1]) if guarded else 0
    level[:fixed] = done_by_lane[:fixed] = False
    kind = np.where(done_by_lane, length.astype(np.int64) << 16 | p.ops, 0)
    kind = 4 * kind + (0 if kinds is None else np.where(done_by_lane, kinds, 0))
    kind[done_by_lane & sums_of_picks(p)] *= -1  # a group of their own
    order = np.lexsort((kind, level))
    starts = np.flatnonzero(_changes(level[order]) | _changes(kind[order]))
    sizes = np.diff(starts, append=len(p))
    of_run = order[starts]
    work = sizes * np.where(length[of_run] > 0, length[of_run] + 2, 1)
    alone = (kind[of_run] == 0) | (sizes == 1) | (work < LEAST)
    runs = np.lexsort((~alone, level[of_run]))  # of a level, first what is done one by one
    starts, sizes, alone = starts[runs], sizes[runs], alone[runs]
    ends = np.cumsum(sizes)
    order = order[np.repeat(starts - (ends - sizes), sizes) + np.arange(len(p))]
    chosen = np.flatnonzero(~alone)
    groups = [*zip((ends - sizes)[chosen].tolist(), ends[chosen].tolist(), strict=True)]
    return _reordered(p, order, groups), groups


def _changes(numbers: Any) -> Any:
    """Where a number is not the one before it."""
    return np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]


def _reordered(p: Program, order: Any, groups: list[tuple[int, int]]) -> Program:
    """The program with its instructions in another order, and lanes in a regular one."""
    n, constants = p.inputs, np.arange(-len(p.constants), 0, dtype=np.int32)
    # Where every reference is read now: those of constants, which are negative, from the end on.
    moved = np.concatenate([np.arange(n, dtype=np.int32), np.zeros(len(p), np.int32), constants])
    to = moved[n:]  # of instructions
    to[order] = n + np.arange(len(p), dtype=np.int32)
    refs = last_operands(p)
    places = np.zeros(n + len(p), np.int32)  # among the results
    places[p.outputs[p.outputs >= 0]] = np.flatnonzero(p.outputs >= 0)
    for first, end in groups:
        lanes = order[first:end]
        lanes = lanes[_regular(np.vstack([moved[refs[:, lanes]], places[n + lanes]]))]
        order[first:end] = lanes
        to[lanes] = np.arange(n + first, n + end, dtype=np.int32)
    q = in_order(replace(p, ops=p.ops[order], a=p.a[order], b=p.b[order]))
    loops.rename(*views(q.ops, q.a, q.b, q.entries, ARITY, moved))
    return q.returning(moved[p.outputs])


def last_operands(p: Program) -> Integers:
    """Of what is done by lane, the last two operands: a sum may begin with one of another kind."""
    a, b = p.a.copy(), np.where(ARITY[p.ops] == 1, p.a, p.b)
    lists = np.flatnonzero(p.over_list & LANES[p.ops])
    ends = p.a[lists] + p.b[lists]
    a[lists], b[lists] = p.entries[ends - 2], p.entries[ends - 1]
    return np.stack([a, b])


def _regular(refs: Integers) -> Any:
    """An order of lanes in which two operands and the results stand in memory regularly.

    It is their own, or that of one operand and then the other: whichever has most steps from lane
    to lane that are like the one before, or 1; those between results count half.
    """
    n = refs.shape[1]
    best, found = 0, np.arange(n)
    for keys in ((), refs[1::-1], refs[:2]):
        order = np.lexsort(keys) if len(keys) else found
        ordered = refs[:, order] if len(keys) else refs
        steps = ordered[:, 1:] - ordered[:, :-1]
        alike = int((steps[:2, 1:] == steps[:2, :-1]).all(axis=0).sum())
        ones = (steps == 1).sum(axis=1)
        score = 2 * alike + int(2 * ones[0] + 2 * ones[1] + ones[2])
        if score > best:
            best, found = score, order
        if min(alike, ones.max()) > 0.9 * n:
            break
    return found
