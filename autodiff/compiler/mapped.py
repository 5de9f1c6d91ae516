"""What runs a ``vmap``: every lane by the first of its programs of which no guard fails."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from autodiff.compiler.batch import Lanes, in_lanes
from autodiff.compiler.program import Body, Floats
from autodiff.compiler.trace import replay_lane

_ready: WeakKeyDictionary[Body, list[Lanes]] = WeakKeyDictionary()


def run(body: Body, operands: Floats, asked: bool = False) -> Floats:
    """The results of a ``vmap``; ``asked`` says whether the last of them will be read.

    Raises:
        ValueError: if it will not, and for a lane no program is right.
        IndexError: likewise, if ``take`` reads beyond its list.
    """
    if body not in _ready:
        _ready[body] = [
            in_lanes(p, range(body.own), body.lanes, body.sums) for p in body.programs
        ]
    n, own = body.lanes, body.own
    lanes = operands[: n * own].reshape(n, own).T
    inputs = np.concatenate([np.zeros(own), operands[n * own :]])
    results, sums = np.empty((n, body.results)), np.zeros(body.sums)
    rest = np.arange(n)
    for batch in _ready[body]:
        found, totals, failed = batch(inputs, lanes if len(rest) == n else lanes[:, rest])
        results[rest] = found.T
        sums += totals
        rest = rest[failed != 0]
        if not len(rest):
            break
    if len(rest) and not asked:
        replay_lane(body, [*operands[rest[0] * own :][:own].tolist(), *inputs[own:].tolist()])
        raise AssertionError("a program runs in a lane by itself, but not among others")
    return np.concatenate([results.ravel(), sums, [len(rest) == 0]])


Body.run = run
