"""What runs a ``vmap``: every lane by the first of its programs of which no guard fails."""

from __future__ import annotations

import functools
import operator
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from autodiff.compiler.batch import Lanes, in_lanes, rounded
from autodiff.compiler.program import Floats, Mapped
from autodiff.compiler.trace import replay_ways

_ready: WeakKeyDictionary[Mapped, dict[bytes, list[Lanes]]] = WeakKeyDictionary()


def run(body: Mapped, operands: Floats, asked: bool = False) -> Floats:
    """The results of a ``vmap``; ``asked`` says whether the last of them will be read.

    Raises:
        ValueError: if it will not, and for a lane no program is right.
        IndexError: likewise, if ``take`` reads beyond its list.
    """
    n, own = body.lanes, body.own
    lanes, shared = operands[: n * own].reshape(n, own), operands[n * own :]
    ready = _ready.setdefault(body, {})
    if b"" not in ready:
        ready[b""] = [in_lanes(p, range(own), n, body.sums) for p in body.programs]
    inputs = np.concatenate([np.zeros(own), shared])
    found, sums, rest = _first_that_fits(body, ready[b""], inputs, lanes.T)
    if len(rest) and not asked:
        replay_ways(body.ways, [*lanes[rest[0]].tolist(), *shared.tolist()])
        raise AssertionError("a program runs in a lane by itself, but not among others")
    return np.concatenate([found.T.ravel(), sums, [len(rest) == 0]])


def run_many(body: Mapped, operands: Floats, varying: Any) -> Floats:
    """The results of a ``vmap`` in each of many lanes, all at once: a column for every lane.

    Args:
        body: what it runs.
        operands: those of every lane in a column.
        varying: of every operand, whether it differs between columns.
    """
    n, own, count = body.lanes, body.own, operands.shape[1]
    varying = varying[n * own :]
    most = rounded(n * count)
    ready, key = _ready.setdefault(body, {}), b"%d " % most + varying.tobytes()
    at = [*range(own), *(own + np.flatnonzero(varying)).tolist()]
    if key not in ready:
        ready[key] = [in_lanes(p, at, most) for p in body.programs]
    mine = operands[: n * own].reshape(n, own, count).transpose(1, 2, 0).reshape(own, count * n)
    shared = operands[n * own :]
    inputs = np.concatenate([np.zeros(own), shared[:, 0]])
    lanes = np.concatenate([mine, np.repeat(shared[varying], n, axis=1)])
    found, _, rest = _first_that_fits(body, ready[key], inputs, lanes)
    results = found[: body.results].reshape(body.results, count, n).transpose(2, 0, 1)
    sums = found[body.results :].reshape(body.sums, count, n).sum(axis=2)
    fits = np.ones(count)
    fits[rest // n] = 0.0
    return np.concatenate([results.reshape(n * body.results, count), sums, fits[None]])


def _first_that_fits(
    body: Mapped, ways: list[Lanes], inputs: Floats, lanes: Floats
) -> tuple[Any, Any, Any]:
    """What the first program gives that is right for a lane: the results, the sums over lanes, and
    those lanes for which none is.
    """
    found, sums, failed = ways[0](inputs, lanes, body.threads)
    rest = np.flatnonzero(failed)
    for way in ways[1:]:
        if len(rest):
            found[:, rest], more, failed = way(inputs, lanes[:, rest], body.threads)
            sums = sums + more
            rest = rest[failed != 0]
    return found, sums, rest


def replay(body: Mapped, operands: list[Any]) -> list[Any]:
    """The results on Values, lane by lane."""
    own, shared = body.own, operands[body.lanes * body.own :]
    lanes = [
        replay_ways(body.ways, operands[i * own : (i + 1) * own] + shared)
        for i in range(body.lanes)
    ]
    results = [x for lane in lanes for x in lane[: body.results]]
    sums = [functools.reduce(operator.add, xs) for xs in zip(*lanes, strict=True)]
    return [*results, *sums[body.results :], 1.0]


Mapped.run, Mapped.run_many, Mapped.replay = run, run_many, replay
