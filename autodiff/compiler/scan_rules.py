"""The chain rule on scans and their pullbacks: what reverse and forward mode append to a program.

References stand for operands and results: ``NONE`` where there is no tangent or adjoint.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.derivatives import (
    BACKWARDS,
    FORWARDS,
    Mask,
    add,
    marked,
    of_references,
    of_results,
)
from autodiff.compiler.emitter import Emitter
from autodiff.compiler.program import NONE, Integers, Program
from autodiff.compiler.scan_derivatives import Tangents, pullback_of, with_tangents
from autodiff.compiler.scan_simplify import of_scan
from autodiff.compiler.scans import Pullback, Scan


class Inputs(NamedTuple):
    """References, or marks, for the inputs of a scan: those of each step are a row."""

    carry: Any
    own: Any
    shared: Any

    def flat(self) -> Any:
        """All of them, as operands stand."""
        return np.concatenate([self.carry, self.own.ravel(), self.shared])


def _apart(scan: Scan, refs: Any) -> Inputs:
    """What stands for the operands of a scan, or for so many numbers."""
    return Inputs(*scan.apart(refs))


def _results(scan: Scan, refs: Any) -> tuple[Any, Any]:
    """What stands for the last carry, and for the results of every step."""
    end = scan.carry + scan.steps * scan.results
    return refs[: scan.carry], refs[scan.carry : end].reshape(scan.steps, scan.results)


def _or_zero(refs: Any, emitter: Emitter) -> Any:
    return np.where(refs == NONE, emitter.zero, refs).astype(np.int32)


def _moving(
    emitter: Emitter, scan: Scan, at: Inputs, tangents: Inputs, made: dict[Any, Any]
) -> tuple[Tangents, Inputs]:
    """A scan with tangents, and its operands."""
    there = [x != NONE for x in tangents]
    key = scan, *(x.tobytes() for x in there)
    if key not in made:
        made[key] = with_tangents(scan, *there)
    t: Tangents = made[key]
    more = Inputs(*(_or_zero(x, emitter) for x in tangents))
    return t, Inputs(
        np.concatenate([at.carry, more.carry[t.carry]]),
        np.hstack([at.own, more.own[:, t.own]]),
        np.concatenate([at.shared, more.shared[t.shared]]),
    )


def _pulled(
    emitter: Emitter,
    scan: Scan,
    at: Inputs,
    adjoints: tuple[Any, Any],
    by: Inputs,
    made: dict[Any, Any],
) -> Inputs:
    """Append a pullback; of every operand of the scan, the slot of its adjoint.

    ``by`` marks those that are to have one.  What the results that have adjoints do not need is
    left out.
    """
    given = np.concatenate([x.ravel() for x in adjoints])
    read = np.flatnonzero(given != NONE).astype(np.int32)
    key: Any = scan, read.tobytes(), "trimmed"
    if key not in made:
        made[key] = of_scan(scan, read)
    fewer, left, to = made[key]
    still = np.full(len(fewer), NONE, np.int32)
    still[to] = given[read]
    of_fewer, by_fewer = (_apart(fewer, x.flat()[left]) for x in (at, by))
    found = np.full(scan.operands, NONE, np.int32)
    found[left] = _pulled_whole(
        emitter, fewer, of_fewer, by_fewer, _results(fewer, still), made
    ).flat()
    return _apart(scan, found)


def _pulled_whole(
    emitter: Emitter,
    scan: Scan,
    at: Inputs,
    by: Inputs,
    adjoints: tuple[Any, Any],
    made: dict[Any, Any],
) -> Inputs:
    """Append a pullback of the whole scan."""
    there = [x != NONE for x in adjoints]
    mine = by.own.any(axis=0)
    key = scan, *(x.tobytes() for x in (by.carry, mine, by.shared, *there))
    if key not in made:
        made[key] = pullback_of(scan, (by.carry, mine, by.shared), (there[0], there[1]))
    pullback: Pullback = made[key]
    back, given, own, shared = (
        np.array(x, np.int32)
        for x in (pullback.back, pullback.given, pullback.by_own, pullback.by_shared)
    )
    last, of_steps = (_or_zero(x, emitter) for x in adjoints)
    operands = np.concatenate([at.flat(), last[back], of_steps[:, given].ravel()])
    wanted = np.concatenate([by.carry[back], by.own[:, own].ravel(), by.shared[shared]])
    slots = np.full(len(wanted), NONE, np.int32)
    slots[wanted] = emitter.vmap(pullback, operands, np.flatnonzero(wanted))
    found = Inputs(*(np.full(x.shape, NONE, np.int32) for x in at))
    cut = len(back) + scan.steps * len(own)
    found.carry[back] = slots[: len(back)]
    found.own[:, own] = slots[len(back) : cut].reshape(scan.steps, len(own))
    found.shared[shared] = slots[cut:]
    return found


def _tangents_of_scan(
    p: Program, emitter: Emitter, k: int, parts: Any, tangent: Integers, made: dict[Any, Any]
) -> None:
    """Give the results of a scan their tangents, from those of its operands."""
    scan, refs = p.call(k)
    assert isinstance(scan, Scan)
    tangents = _apart(scan, of_references(refs, tangent))
    found = _pushed(emitter, scan, _apart(scan, refs), tangents, made)
    tangent[p.inputs + parts[0]] = np.append(np.concatenate([x.ravel() for x in found]), NONE)[
        parts[1]
    ]


def _pushed(
    emitter: Emitter, scan: Scan, at: Inputs, tangents: Inputs, made: dict[Any, Any]
) -> tuple[Any, Any]:
    """Append a scan with tangents; the slots of those of the last carry and of all results."""
    last = np.full(scan.carry, NONE, np.int32)
    of_steps = np.full((scan.steps, scan.results), NONE, np.int32)
    if all((x == NONE).all() for x in tangents):
        return last, of_steps
    t, operands = _moving(emitter, scan, at, tangents, made)
    places = _results(t.scan, np.arange(len(t.scan)))
    of_carry, of_results = places[0][scan.carry :], places[1][:, scan.results :]
    slots = emitter.vmap(t.scan, operands.flat(), np.concatenate([of_carry, of_results.ravel()]))
    last[t.carry] = slots[: len(t.carry)]
    of_steps[:, t.results] = slots[len(t.carry) :].reshape(scan.steps, len(t.results))
    return last, of_steps


def _adjoints_of_scan(
    p: Program,
    emitter: Emitter,
    k: int,
    parts: Any,
    active: Mask,
    adjoint: Integers,
    made: dict[Any, Any],
) -> None:
    """Hand on the adjoints of the results of a scan to its operands."""
    scan, refs = p.call(k)
    assert isinstance(scan, Scan)
    given = of_results(p, emitter, k, parts, adjoint)
    if (given == NONE).all():
        return
    by = _apart(scan, marked(refs, active))
    found = _pulled(emitter, scan, _apart(scan, refs), _results(scan, given), by, made)
    _hand_on(emitter, adjoint, refs, found.flat())


def _hand_on(emitter: Emitter, adjoint: Integers, refs: Any, slots: Any) -> None:
    """Add adjoints to those of what these references read."""
    there = slots != NONE
    add(emitter, adjoint, refs[there], slots[there])


def _given(p: Program, pullback: Pullback, refs: Any) -> tuple[Any, Any]:
    """The adjoints that a pullback is given, for all results of its scan.

    Where it is given the constant 0, there is none: ``_pulled`` wrote it.
    """
    zero = (refs < 0) & (p.constants[np.minimum(refs, -1) * -1 - 1] == 0)
    return _seeds(pullback, np.where(zero, NONE, refs))


def _seeds(pullback: Pullback, refs: Any) -> tuple[Any, Any]:
    """What stands for the adjoints that a pullback is given, for all results of its scan."""
    scan, cut = pullback.scan, pullback.scan.operands + len(pullback.back)
    last = np.full(scan.carry, NONE, np.int32)
    of_steps = np.full((scan.steps, scan.results), NONE, np.int32)
    last[[*pullback.back]] = refs[scan.operands : cut]
    of_steps[:, [*pullback.given]] = refs[cut:].reshape(scan.steps, len(pullback.given))
    return last, of_steps


def _found(pullback: Pullback, refs: Any) -> Inputs:
    """What stands for the adjoints that a pullback gives, for all operands of its scan."""
    scan, cut = pullback.scan, len(pullback.back) + pullback.steps * len(pullback.by_own)
    found = _apart(scan, np.full(scan.operands, NONE, np.int32))
    found.carry[[*pullback.back]] = refs[: len(pullback.back)]
    found.own[:, [*pullback.by_own]] = refs[len(pullback.back) : cut].reshape(pullback.steps, -1)
    found.shared[[*pullback.by_shared]] = refs[cut : cut + len(pullback.by_shared)]
    return found


def _of_tangents(t: Tangents, scan: Scan, u: tuple[Any, Any]) -> tuple[Any, Any]:
    """Adjoints ``u`` of what are now tangents, for all results of a scan with tangents."""
    last = np.full(t.scan.carry, NONE, np.int32)
    of_steps = np.full((scan.steps, t.scan.results), NONE, np.int32)
    last[scan.carry :] = u[0][t.carry]
    of_steps[:, scan.results :] = u[1][:, t.results]
    return last, of_steps


def _before_tangents(t: Tangents, scan: Scan, marks: Inputs) -> Inputs:
    """Marks of operands, for those of a scan with tangents."""
    by = Inputs(
        np.zeros(t.scan.carry, bool),
        np.zeros((scan.steps, t.scan.own), bool),
        np.zeros(t.scan.shared, bool),
    )
    by.carry[: scan.carry], by.own[:, : scan.own] = marks.carry, marks.own
    by.shared[: scan.shared] = marks.shared
    return by


def _without_tangents(scan: Scan, found: Inputs) -> Inputs:
    """Of what stands for operands of a scan with tangents, that for those of the scan."""
    n, m, s = scan.carry, scan.own, scan.shared
    return Inputs(found.carry[:n], found.own[:, :m], found.shared[:s])


def _tangents_of_pullback(
    p: Program, emitter: Emitter, k: int, parts: Any, tangent: Integers, made: dict[Any, Any]
) -> None:
    """Give the results of a pullback their tangents, from those of its operands."""
    pullback, refs = p.call(k)
    assert isinstance(pullback, Pullback)
    scan, of_refs = pullback.scan, of_references(refs, tangent)
    at, tangents = _apart(scan, refs), _apart(scan, of_refs)
    u, du = _given(p, pullback, refs), _seeds(pullback, of_refs)
    wanted = _found(pullback, np.where(np.isin(np.arange(len(pullback)), parts[1]), 1, NONE))
    by = Inputs(*(x != NONE for x in wanted))
    if all((x == NONE).all() for x in tangents):
        found = _pulled(emitter, scan, at, du, by, made)
    else:
        t, operands = _moving(emitter, scan, at, tangents, made)
        last, of_steps = _of_tangents(t, scan, u)
        last[: scan.carry], of_steps[:, : scan.results] = du
        by = _before_tangents(t, scan, by)
        pulled = _pulled(emitter, t.scan, operands, (last, of_steps), by, made)
        found = _without_tangents(scan, pulled)
    own, shared = [*pullback.by_own], [*pullback.by_shared]
    slots = [found.carry[[*pullback.back]], found.own[:, own].ravel(), found.shared[shared]]
    tangent[p.inputs + parts[0]] = np.append(np.concatenate(slots), NONE)[parts[1]]


def _adjoints_of_pullback(
    p: Program,
    emitter: Emitter,
    k: int,
    parts: Any,
    active: Mask,
    adjoint: Integers,
    made: dict[Any, Any],
) -> None:
    """Hand on the adjoints of the results of a pullback to its operands."""
    pullback, refs = p.call(k)
    assert isinstance(pullback, Pullback)
    given = of_results(p, emitter, k, parts, adjoint)
    if (given == NONE).all():
        return
    scan = pullback.scan
    at, w = _apart(scan, refs), _found(pullback, given)
    active_refs = marked(refs, active)
    if active_refs[scan.operands :].any():
        last, of_steps = _pushed(emitter, scan, at, w, made)
        slots = [last[[*pullback.back]], of_steps[:, [*pullback.given]].ravel()]
        found = np.where(active_refs[scan.operands :], np.concatenate(slots), NONE)
        _hand_on(emitter, adjoint, refs[scan.operands :], found)
    if active_refs[: scan.operands].any():
        t, operands = _moving(emitter, scan, at, w, made)
        by = _before_tangents(t, scan, _apart(scan, active_refs))
        u = _of_tangents(t, scan, _given(p, pullback, refs))
        pulled = _pulled(emitter, t.scan, operands, u, by, made)
        mine = _without_tangents(scan, pulled)
        _hand_on(emitter, adjoint, refs[: scan.operands], mine.flat())


BACKWARDS.update({Scan: _adjoints_of_scan, Pullback: _adjoints_of_pullback})
FORWARDS.update({Scan: _tangents_of_scan, Pullback: _tangents_of_pullback})
