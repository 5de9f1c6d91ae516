"""Forward and reverse mode of a scan, and of its pullback.

The derivative of a scan in a direction is a scan whose carry has tangents too; by reverse mode it
is a pullback.  With these two all higher derivatives are written.  Let F be a scan, J its Jacobian,
and F'(x, dx) = (F(x), J dx) the scan with tangents, both of all inputs x at once:

* a pullback of F gives transpose(J) u.  Its derivative in the direction (dx, du) is that of
  transpose(J) u by x in the direction dx, and transpose(J) du.  Both together are the derivatives
  by x that a pullback of F' gives for the adjoints du of F(x) and u of J dx;
* a sum w . transpose(J) u has by u the derivative J w, which F'(x, w) gives, and by x what a
  pullback of F'(x, w) gives for the adjoint u of J w.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler.derivatives import (
    HELD,
    ancestors,
    dependent,
    forward,
    marked,
    reverse,
)
from autodiff.compiler.program import Integers, Program, with_inputs
from autodiff.compiler.scans import Pullback, Run, Scan

Bools = NDArray[np.bool_]

MOST = 16  #: times that what steps have for themselves may change, to be told apart


class Phase(NamedTuple):
    """Steps that are alike in what depends on what is differentiated by.

    Attributes:
        steps: how many.
        ways: their programs.
        before, after: which numbers of the carry depend on it, that comes in and that goes out.
        own: which of a step's own numbers do.
    """

    steps: int
    ways: tuple[Program, ...]
    before: Bools
    after: Bools
    own: Bools


def _phases(scan: Scan, carry: Bools, own: Bools, shared: Bools) -> list[Phase]:
    """The steps, by what depends on these inputs; ``own`` has a row for every step."""
    found, step, before = [], 0, carry
    changes = np.append(_changes(own), scan.steps)
    for run in scan.runs:
        end = step + run.steps
        while step < end:
            mine = own[step]
            until = min(end, int(changes[np.searchsorted(changes, step, "right")]))
            inputs = np.flatnonzero(np.concatenate([before, mine, shared]))
            after = before | np.logical_or.reduce(
                [_reached(q, inputs)[: scan.carry] for q in run.ways]
            )
            steps = until - step if (after == before).all() else 1
            found.append(Phase(steps, run.ways, before, after, mine))
            before, step = after, step + steps
    return found


def _seldom(rows: Bools) -> Bools:
    """A row for every step; if these change often, each with all that one of them has."""
    often = len(_changes(rows)) > MOST
    return np.broadcast_to(rows.any(axis=0), rows.shape) if often else rows


def _changes(rows: Bools) -> Any:
    """Where a row is not like the one before."""
    return np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1


def _reached(p: Program, inputs: Any) -> Bools:
    """Of every output, whether it depends on one of these inputs."""
    return marked(p.outputs, dependent(p, inputs))


def _wide(p: Program, parts: Sequence[int], more: Sequence[int]) -> Program:
    """A program with more inputs, so many behind each part of those that it has."""
    starts = np.cumsum([0, *more[:-1]])
    to = np.arange(p.inputs) + np.repeat(starts, parts)
    return with_inputs(p, p.inputs + sum(more), to)


class Tangents(NamedTuple):
    """A scan with tangents, and where they are.

    Attributes:
        scan: the scan: behind its carry, its own numbers, those that are shared, and its results,
            it has tangents of some of them.
        carry, own, shared, results: which ones.
    """

    scan: Scan
    carry: Integers
    own: Integers
    shared: Integers
    results: Integers


def with_tangents(scan: Scan, carry: Bools, own: Bools, shared: Bools) -> Tangents:
    """A scan with its derivative in a direction that has tangents of these inputs."""
    own = _seldom(own)
    phases = _phases(scan, carry, own, shared)
    moving = np.flatnonzero(np.logical_or.reduce([x.after for x in phases] + [carry]))
    mine, common = np.flatnonzero(own.any(axis=0)), np.flatnonzero(shared)
    n, m, s = scan.carry, scan.own, scan.shared
    results = np.zeros(scan.results, bool)
    runs = []
    for phase in phases:
        ways = []
        for q in phase.ways:
            wide = _wide(q, (n, m, s), (len(moving), len(mine), len(common)))
            first = n + len(moving)
            seeds = {int(i): n + j for j, i in enumerate(moving) if phase.before[i]}
            seeds |= {first + int(i): first + m + j for j, i in enumerate(mine) if phase.own[i]}
            first += m + len(mine)
            seeds |= {first + int(i): first + s + j for j, i in enumerate(common)}
            ways.append(forward(wide, [seeds], keep=True))
            inputs = np.flatnonzero(np.concatenate([phase.before, phase.own, shared]))
            results |= _reached(q, inputs)[n:]
        runs.append((phase.steps, ways))
    reached = np.flatnonzero(results)
    total = n + scan.results
    outputs = np.concatenate(
        [np.arange(n), total + moving, np.arange(n, total), total + n + reached]
    )
    found = tuple(Run(k, tuple(q.returning(q.outputs[outputs]) for q in ways)) for k, ways in runs)
    return Tangents(
        Scan(found, n + len(moving), m + len(mine)),
        *(x.astype(np.int32) for x in (moving, mine, common, reached)),
    )


def pullback_of(
    scan: Scan,
    by: tuple[Bools, Bools, Bools],
    adjoints: tuple[Bools, Bools],
) -> Pullback:
    """The derivatives of a scan by reverse mode.

    Args:
        scan: the scan.
        by: which numbers of the first carry, of every step's own, and of those that are shared it
            is differentiated by.
        adjoints: which numbers of the last carry have an adjoint; and for every step a row, which
            of its results do.
    """
    carry, mine, shared = by
    last, given = adjoints[0], _seldom(adjoints[1])
    n, m = scan.carry, scan.own
    phases = _phases(scan, carry, np.broadcast_to(mine, (scan.steps, m)), shared)
    changes = np.append(0, _changes(given))
    useful, end = last, scan.steps
    found: list[tuple[Phase, Bools, Bools, Bools]] = []  # a phase, what is useful, and given
    for phase in reversed(phases):
        start = end - phase.steps
        while end > start:
            now = given[end - 1]
            since = max(start, int(changes[np.searchsorted(changes, end) - 1]))
            ends = np.concatenate([useful, now])
            before = useful | np.logical_or.reduce([_needed(q, ends)[:n] for q in phase.ways])
            steps = end - since if (before == useful).all() else 1
            found.append((phase._replace(steps=steps), before, useful, now))
            useful, end = before, end - steps
    back = np.flatnonzero(
        np.logical_or.reduce(
            [carry & useful, *(phase.after & after for phase, _, after, _ in found)]
        )
    )
    seen = np.flatnonzero(given.any(axis=0))
    own, common = np.flatnonzero(mine), np.flatnonzero(shared)
    runs = []
    for phase, before, after, now in reversed(found):
        ways = []
        for q in phase.ways:
            wide = with_inputs(q, q.inputs + len(back) + len(seen), np.arange(q.inputs))
            first = q.inputs
            seeds = {int(i): first + j for j, i in enumerate(back) if (phase.after & after)[i]}
            first += len(back)
            seeds |= {n + int(i): first + j for j, i in enumerate(seen) if now[i]}
            active = back[(phase.before & before)[back]]
            places = [*active.tolist(), *(n + own).tolist(), *(n + m + common).tolist()]
            r = reverse(wide, [seeds], places, keep=True)
            of_back = np.full(len(back), -1 - len(q.constants), np.int32)  # the emitter's 0
            adjoint = r.outputs[n + scan.results :]
            of_back[np.searchsorted(back, active)] = adjoint[: len(active)]
            ways.append(
                r.returning(np.concatenate([r.outputs[:n], of_back, adjoint[len(active) :]]))
            )
        runs.append(Run(phase.steps, tuple(ways)))
    chosen = (tuple(x.tolist()) for x in (back, seen, own, common))
    return Pullback(scan, tuple(runs), *chosen)


def _needed(p: Program, outputs: Bools) -> Bools:
    """Of every input, whether one of these outputs depends on it."""
    found: Bools = ancestors(p, p.outputs[outputs], HELD)[: p.inputs] != 0
    return found
