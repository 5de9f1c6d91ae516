"""A scan computes what is read of it, and is given what it reads; so does its pullback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from weakref import WeakSet

import numpy as np

from autodiff.compiler.passes import dead_code
from autodiff.compiler.program import Integers, Program, inputs_read, with_inputs
from autodiff.compiler.scans import Pullback, Run, Scan
from autodiff.compiler.simplify import TRIM, simplified

_simple: WeakSet[Any] = WeakSet()  # bodies that need not be simplified again


def of_scan(scan: Scan, read: Integers) -> tuple[Scan, Integers, Integers]:
    """A scan without the results, and the numbers of its carry, that nothing needs."""
    n, m, steps = scan.carry, scan.results, scan.steps
    asked = np.bincount(read, minlength=len(scan)) > 0
    kept = asked[n:-1].reshape(steps, m).any(axis=0)
    needed, before = asked[:n], None
    while before is None or (needed != before).any():
        before, outputs = needed, np.append(needed, kept)
        rest = [dead_code(q.returning(q.outputs[outputs])) for q in scan.programs]
        inputs = np.logical_or.reduce([inputs_read(q) for q in rest])
        needed = needed | inputs[:n]
    if outputs.all() and scan in _simple and inputs[n:].all():
        return scan, np.arange(scan.operands, dtype=np.int32), read
    runs = _simplified(scan.runs, outputs)
    inputs = np.logical_or.reduce([inputs_read(q) for run in runs for q in run.ways])
    inputs[:n] = needed
    to = np.cumsum(inputs) - 1
    runs = tuple(
        Run(run.steps, tuple(with_inputs(q, int(inputs.sum()), to) for q in run.ways))
        for run in runs
    )
    own, shared = inputs[n : n + scan.own], inputs[n + scan.own :]
    fewer = Scan(runs, int(needed.sum()), int(own.sum()))
    _simple.add(fewer)
    operands = np.flatnonzero(np.concatenate([needed, np.tile(own, steps), shared]))
    left = np.concatenate([needed, np.tile(kept, steps), [True]])
    return fewer, operands.astype(np.int32), (np.cumsum(left) - 1)[read]


def _of_pullback(pullback: Pullback, read: Integers) -> tuple[Pullback, Integers, Integers]:
    """A pullback without adjoints that nothing reads."""
    n, m, steps = len(pullback.back), len(pullback.by_own), pullback.steps
    asked = np.bincount(read, minlength=len(pullback)) > 0
    own = asked[n : n + steps * m].reshape(steps, m).any(axis=0)
    shared = asked[n + steps * m : -1]
    operands = np.arange(pullback.operands, dtype=np.int32)
    if pullback in _simple and own.all() and shared.all():
        return pullback, operands, read
    outputs = np.concatenate([np.ones(pullback.scan.carry + n, bool), own, shared])
    fewer = replace(
        pullback,
        runs=_simplified(pullback.runs, outputs),
        by_own=tuple(np.array(pullback.by_own, int)[own].tolist()),
        by_shared=tuple(np.array(pullback.by_shared, int)[shared].tolist()),
    )
    _simple.add(fewer)
    left = np.concatenate([np.ones(n, bool), np.tile(own, steps), shared, [True]])
    return fewer, operands, (np.cumsum(left) - 1)[read]


def _simplified(runs: tuple[Run, ...], outputs: Any) -> tuple[Run, ...]:
    """The steps with programs that have these outputs, simplified."""
    made: dict[Program, Program] = {}
    for run in runs:
        for q in run.ways:
            made[q] = simplified(q.returning(q.outputs[outputs]))
    return tuple(Run(run.steps, tuple(made[q] for q in run.ways)) for run in runs)


TRIM.update({Scan: of_scan, Pullback: _of_pullback})
