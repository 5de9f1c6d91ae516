"""What runs a scan, and its pullback.

A pullback needs the numbers of every step in reverse order.  It runs the steps forwards and keeps
the carry at the beginning of every *segment*, the checkpoint; then, from the last segment to the
first, it runs the steps of one again, keeps all their numbers, and goes back over them.  So every
step is run twice more than by the scan, and with segments of some sqrt(n) steps memory grows as
sqrt(n) does: A. Griewank, A. Walther, Evaluating Derivatives (2008), chapter 12.
"""

from __future__ import annotations

import math
import threading
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autodiff.compiler.program import Body, Floats
from autodiff.compiler.scans import Pullback, Run, Scan
from autodiff.compiler.stepper import Stepper, flat_view
from autodiff.compiler.trace import replay_ways

CACHE = 1 << 17  #: numbers that the steps of a segment have, at least, if there are so many
MOST = 1 << 16  #: numbers that a scan may have as operands, if its checkpoints are kept

_ready: WeakKeyDictionary[Body, list[Stepper]] = WeakKeyDictionary()
_keys: WeakKeyDictionary[Body, bytes] = WeakKeyDictionary()


class _Last(threading.local):
    """The scan that a thread has run last, its operands, and its checkpoints.

    Where a program needs the value of a scan and its derivatives, the pullback takes these.
    """

    key = b""
    operands = np.zeros(0)
    checkpoints: Any = None


_last = _Last()


def advance(
    scan: Scan, operands: Floats, start: int, carry: Floats, results: Any, saved: Any = None
) -> int:
    """Run a scan from a step on; the step that could not be run, or how many there are.

    Args:
        scan: the scan.
        operands: its operands, but for the carry.
        start: the first step.
        carry: what that gets, which becomes what the last of these steps leaves.
        results: a row for every step.
        saved: gets the carries at the beginning of all segments but the first.
    """
    _, own, shared = scan.apart(operands)
    every, room = (0, carry) if saved is None else (_segment(scan), saved)
    arrays: Any = [flat_view(x) for x in (carry, own, results, room)]
    for stepper, steps in zip(_steppers(scan), _ranges(scan.runs), strict=True):
        steps = range(max(steps.start, start), steps.stop)
        if len(steps):
            rows = stepper.rows(1, shared)
            left: int = stepper.advance(*(steps, rows, *arrays, every))
            if left:
                return steps.stop - left
    return scan.steps


def _steppers(body: Scan | Pullback) -> list[Stepper]:
    """What runs the steps of every run."""
    if body not in _ready:
        scan = body.scan if isinstance(body, Pullback) else body
        sizes: Any = (scan.carry, scan.own, scan.shared)
        if isinstance(body, Pullback):
            adjoints = body.back, body.given, body.by_own, body.by_shared
            sizes = *sizes, tuple(map(len, adjoints))
        _ready[body] = [Stepper(run.ways, *sizes) for run in body.runs]
    return _ready[body]


def _key(scan: Scan) -> bytes:
    """What is the same of scans that do the same, computed once."""
    if scan not in _keys:
        _keys[scan] = scan.key()
    return _keys[scan]


def _segment(scan: Scan) -> int:
    """How many steps a segment has; a row of the pullback is some three rows of the scan."""
    row = 3 * max(stepper.row for stepper in _steppers(scan))
    return max(CACHE // row, math.isqrt(scan.steps * scan.carry // row), 1)


def _run_scan(scan: Scan, operands: Floats, asked: bool = False) -> Floats:
    """The results of a scan; ``asked`` says whether the last of them will be read.

    Raises:
        ValueError: if it will not, and for a step no program is right.
        IndexError: likewise, if ``take`` reads beyond its list.
    """
    carry = operands[: scan.carry].copy()
    results = np.zeros((scan.steps, scan.results))
    came, _ = _forwards(scan, operands, carry, results)
    if came < scan.steps and not asked:
        _fail(scan, operands, came, carry)
    return np.concatenate([carry, results.ravel(), [came == scan.steps]])


def _forwards(scan: Scan, operands: Floats, carry: Floats, results: Any) -> tuple[int, Any]:
    """Run a scan, as ``advance``; and its checkpoints."""
    checkpoints: Any = np.zeros((scan.steps // _segment(scan) + 1, scan.carry))
    checkpoints[0] = carry
    came = advance(scan, operands, 0, carry, results, checkpoints)
    if came == scan.steps and len(operands) <= MOST:
        _last.key, _last.operands, _last.checkpoints = _key(scan), operands.copy(), checkpoints
    return came, checkpoints


def _run_pullback(pullback: Pullback, operands: Floats, asked: bool = False) -> Floats:
    """The results of a pullback; see ``_run_scan``."""
    scan, n, size = pullback.scan, pullback.steps, _segment(pullback.scan)
    _, own, shared = scan.apart(operands)
    end = scan.operands + len(pullback.back)
    of_scan, back = operands[: scan.operands], operands[scan.operands : end].copy()
    of_own, of_shared = np.zeros((n, len(pullback.by_own))), np.zeros(len(pullback.by_shared))
    checkpoints = _last.checkpoints
    if _key(scan) != _last.key or of_scan.tobytes() != _last.operands.tobytes():
        first = operands[: scan.carry].copy()
        came, checkpoints = _forwards(scan, of_scan, first, np.zeros((n, scan.results)))
        if came < n:
            if not asked:
                _fail(scan, operands, came, first)
            return np.zeros(len(pullback))
    steppers, runs = _steppers(pullback), _ranges(pullback.runs)
    rows: dict[int, Any] = {}
    arrays: Any = [flat_view(x) for x in (own, back, operands[end:], of_own, of_shared)]
    for start in reversed(range(0, n, size)):
        carry = flat_view(checkpoints[start // size].copy())
        pieces = []
        for i, run in enumerate(runs):
            steps = range(max(start, run.start), min(start + size, run.stop))
            if len(steps):
                if i not in rows:
                    rows[i] = steppers[i].rows(min(size, len(run)), shared)
                steppers[i].tape(steps, rows[i], carry, arrays[0])
                pieces.append((i, steps))
        for i, steps in reversed(pieces):
            steppers[i].retreat(steps, rows[i], *arrays[1:])
    return np.concatenate([back, of_own.ravel(), of_shared, [1.0]])


def _ranges(runs: tuple[Run, ...]) -> list[range]:
    """The steps of every run."""
    ends = np.cumsum([run.steps for run in runs]).tolist()
    return [range(end - run.steps, end) for run, end in zip(runs, ends, strict=True)]


def _fail(scan: Scan, operands: Floats, step: int, carry: Floats) -> None:
    """Raise what a step raises for which no program is right."""
    _, own, shared = scan.apart(operands)
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
