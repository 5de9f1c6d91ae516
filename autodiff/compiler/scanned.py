"""What runs a scan, and its pullback.

A pullback needs the numbers of every step in reverse order.  It runs the steps forwards and keeps
the carry at the beginning of every *segment*, the checkpoint; then, from the last segment to the
first, it runs the steps of one again, keeps all their numbers, and goes back over them.  So every
step is run twice more than by the scan, and with segments of some sqrt(n) steps memory grows as
sqrt(n) does: A. Griewank, A. Walther, Evaluating Derivatives (2008), chapter 12.
"""

from __future__ import annotations

import math
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autodiff.compiler.passes import dead_code
from autodiff.compiler.program import Body, Floats
from autodiff.compiler.scans import Pullback, Run, Scan
from autodiff.compiler.stepper import Stepper
from autodiff.compiler.trace import replay_ways

CACHE = 1 << 17  #: numbers that the steps of a segment have, at least, if there are so many

_ready: WeakKeyDictionary[Body, Any] = WeakKeyDictionary()


def advance(scan: Scan, operands: Floats, start: int, carry: Floats, results: Any) -> int:
    """Run a scan from a step on; the step that could not be run, or how many there are.

    Args:
        scan: the scan.
        operands: its operands, but for the carry.
        start: the first step.
        carry: what that gets, which becomes what the last of these steps leaves.
        results: a row for every step.
    """
    own, shared = _apart(scan, operands)
    if scan not in _ready:
        inputs = scan.programs[0].inputs
        _ready[scan] = [Stepper(run.ways, inputs) for run in scan.runs]
    for stepper, steps in zip(_ready[scan], _ranges(scan.runs), strict=True):
        steps = range(max(steps.start, start), steps.stop)
        if len(steps):
            left: int = stepper.advance(steps, stepper.rows(1, shared), carry, own, results)
            if left:
                return steps.stop - left
    return scan.steps


def _run_scan(scan: Scan, operands: Floats, asked: bool = False) -> Floats:
    """The results of a scan; ``asked`` says whether the last of them will be read.

    Raises:
        ValueError: if it will not, and for a step no program is right.
        IndexError: likewise, if ``take`` reads beyond its list.
    """
    carry = operands[: scan.carry].copy()
    results = np.zeros((scan.steps, scan.results))
    came = advance(scan, operands, 0, carry, results)
    if came < scan.steps and not asked:
        _fail(scan, operands, came, carry)
    return np.concatenate([carry, results.ravel(), [came == scan.steps]])


def _run_pullback(pullback: Pullback, operands: Floats, asked: bool = False) -> Floats:
    """The results of a pullback; see ``_run_scan``."""
    scan, n = pullback.scan, pullback.steps
    own, shared = _apart(scan, operands)
    end = scan.operands + len(pullback.back)
    back, given = operands[scan.operands : end].copy(), operands[end:].reshape(n, -1)
    of_own = np.zeros((n, len(pullback.by_own)))
    of_shared, carry = np.zeros(len(pullback.by_shared)), operands[: scan.carry].copy()
    if pullback not in _ready:
        _ready[pullback] = [_steppers(pullback, run) for run in pullback.runs]
    nothing = np.zeros((n, 0))
    segments, checkpoints = [], []
    rows: Any = ()
    before: Stepper | None = None
    for (forth, both), steps in zip(_ready[pullback], _ranges(pullback.runs), strict=True):
        w = forth.rows(1, shared)
        size = max(CACHE // both.row, math.isqrt(len(steps) * scan.carry // both.row), 1)
        for start in range(steps.start, steps.stop, size):
            segment = range(start, min(start + size, steps.stop))
            segments.append((both, segment))
            checkpoints.append(carry.copy())
            left = forth.advance(segment, w, carry, own, nothing)
            if left:
                if not asked:
                    _fail(scan, operands, segment.stop - left, carry)
                return np.zeros(len(pullback))
    for (both, segment), carry in zip(reversed(segments), reversed(checkpoints), strict=True):
        if both is not before or len(rows) < len(segment):
            before, rows = both, both.rows(len(segment), shared)
        chosen = np.zeros(len(segment), np.int32)
        left = both.advance(segment, rows, carry, own, nothing, chosen)
        assert not left
        both.retreat(segment, rows, back, given, of_own, of_shared, chosen, scan.carry)
    return np.concatenate([back, of_own.ravel(), of_shared, [1.0]])


def _steppers(pullback: Pullback, run: Run) -> tuple[Stepper, Stepper]:
    """What runs its steps forwards alone, and what runs them forwards and back."""
    scan = pullback.scan
    inputs = scan.carry + scan.own + scan.shared
    forth = [dead_code(q.returning(q.outputs[: scan.carry])) for q in run.ways]
    return Stepper(forth, inputs), Stepper(run.ways, inputs)


def _apart(scan: Scan, operands: Floats) -> tuple[Any, Floats]:
    """A row for every step of its own numbers; and those that are shared."""
    end = scan.carry + scan.steps * scan.own
    own = operands[scan.carry : end].reshape(scan.steps, scan.own)
    return own, operands[end : end + scan.shared]


def _ranges(runs: tuple[Run, ...]) -> list[range]:
    """The steps of every run."""
    ends = np.cumsum([run.steps for run in runs]).tolist()
    return [range(end - run.steps, end) for run, end in zip(runs, ends, strict=True)]


def _fail(scan: Scan, operands: Floats, step: int, carry: Floats) -> None:
    """Raise what a step raises for which no program is right."""
    own, shared = _apart(scan, operands)
    ways = next(
        run.ways for run, at in zip(scan.runs, _ranges(scan.runs), strict=True) if step in at
    )
    replay_ways(ways, [*carry.tolist(), *own[step].tolist(), *shared.tolist()])
    raise AssertionError("a program runs by itself, but not among others")


def _each(body: Any, operands: Floats, varying: Any) -> Floats:
    """The results for many columns of operands, one after the other."""
    found = np.empty((len(body), operands.shape[1]))
    for i in range(operands.shape[1]):
        found[:, i] = body.run(np.ascontiguousarray(operands[:, i]), True)
    return found


def _replay_scan(scan: Scan, operands: list[Any]) -> list[Any]:
    """The results of a scan on Values, step by step."""
    carries, results = _replayed(scan, operands)
    return [*carries[-1], *(x for row in results for x in row), 1.0]


def _replay_pullback(pullback: Pullback, operands: list[Any]) -> list[Any]:
    """The results of a pullback on Values, step by step."""
    scan, n, m = pullback.scan, len(pullback.back), len(pullback.given)
    carries, _ = _replayed(scan, operands)
    end = scan.operands + n
    back, given = operands[scan.operands : end], operands[end:]
    of_own: list[list[Any]] = []
    of_shared: list[Any] = [0.0] * len(pullback.by_shared)
    for run, steps in reversed([*zip(pullback.runs, _ranges(pullback.runs), strict=True)]):
        for step in reversed(steps):
            own, shared = _of_step(scan, operands, step)
            inputs = [*carries[step], *own, *shared, *back, *given[step * m : (step + 1) * m]]
            found = replay_ways(run.ways, inputs)[scan.carry :]
            cut = n + len(pullback.by_own)
            back, mine, more = found[:n], found[n:cut], found[cut:]
            of_own.append(mine)
            of_shared = [t + x for t, x in zip(of_shared, more, strict=True)]
    return [*back, *(x for mine in reversed(of_own) for x in mine), *of_shared, 1.0]


def _replayed(scan: Scan, operands: list[Any]) -> tuple[list[list[Any]], list[list[Any]]]:
    """The carries before every step and after the last, and the results of every step."""
    carries, results = [operands[: scan.carry]], []
    for run, steps in zip(scan.runs, _ranges(scan.runs), strict=True):
        for step in steps:
            own, shared = _of_step(scan, operands, step)
            found = replay_ways(run.ways, [*carries[-1], *own, *shared])
            carries.append(found[: scan.carry])
            results.append(found[scan.carry :])
    return carries, results


def _of_step(scan: Scan, operands: list[Any], step: int) -> tuple[list[Any], list[Any]]:
    """A step's own operands, and those that are shared."""
    first, end = scan.carry + step * scan.own, scan.carry + scan.steps * scan.own
    return operands[first : first + scan.own], operands[end : end + scan.shared]


Scan.run, Scan.run_many, Scan.replay = _run_scan, _each, _replay_scan
Pullback.run, Pullback.run_many, Pullback.replay = _run_pullback, _each, _replay_pullback
