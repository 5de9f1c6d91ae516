"""Reverse and forward mode: from a program to one that computes derivatives too.

Both append instructions to the program, by the chain rule, with the partials of ``rules``; their
results are programs again, which can be differentiated in turn.  Structural zeros emit no
instructions, so 0*inf cannot arise.

The derivative of a ``vmap`` is a ``vmap`` of the derivatives of its programs: what a lane had for
itself is each lane's own again, and what lanes shared gets the sum over all lanes.  It is for the
lanes alone that have an adjoint, or a tangent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler import loops
from autodiff.compiler.emitter import Emitter
from autodiff.compiler.program import (
    ARITY,
    NONE,
    Body,
    Integers,
    Mapped,
    Program,
    views,
    with_inputs,
)
from autodiff.engine import instructions
from autodiff.engine.instructions import VMAP
from autodiff.ops import CODES

Mask = NDArray[np.uint8]

HELD: Mask = np.zeros(2**16, np.uint8)  #: of every row, whether it has no derivative
HELD[[CODES[name] for name in instructions.HELD]] = 1


NOTHING_HELD: Mask = np.zeros(2**16, np.uint8)

CHOICES: Mask = np.zeros(2**16, np.uint8)  #: of every row, whether it gives one of its operands
CHOICES[[CODES["take"], CODES["pick"]]] = 1


VMAPS: Mask = np.zeros(2**16, np.uint8)
VMAPS[VMAP] = 1


def dependent(p: Program, inputs: Sequence[int], held: Mask = HELD) -> Mask:
    """Of every slot, whether it depends on one of these inputs, but for what rows in ``held``."""
    active = np.zeros(p.inputs + len(p), np.uint8)
    active[list(inputs)] = 1
    loops.mark_dependent(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, held, active))
    return active


def ancestors(p: Program, refs: Any, stops: Mask = NOTHING_HELD) -> Mask:
    """Of every slot, whether one of these depends on it, but for what rows in ``stops`` read."""
    live, read = np.zeros(p.inputs + len(p), np.uint8), np.zeros(len(p.constants), np.uint8)
    live[refs[refs >= 0]] = 1
    b = np.where(stops[p.ops], 0, p.b).astype(np.int32)
    arity = np.where(stops, 0, ARITY).astype(np.uint8)
    loops.mark_live(p.inputs, *views(p.ops, p.a, b, p.entries, arity, live, read))
    return live


def reverse(
    p: Program,
    combinations: Sequence[Mapping[int, int | None]],
    inputs: Sequence[int],
    keep: bool = False,
) -> Program:
    """Reverse mode: vector-Jacobian products, or gradients, with respect to some inputs.

    Args:
        p: a program.
        combinations: each from results, by number, to the inputs that hold their adjoints, or
            None for the adjoint 1.
        inputs: those with respect to which the results are differentiated.
        keep: whether the new program has the results of ``p`` too, before the derivatives.
    """
    active = dependent(p, inputs)
    masks = (active & ancestors(p, p.outputs[[*seeds]]) for seeds in combinations)
    emitter = Emitter(p, masks, sum(map(len, combinations)))
    zero, one = emitter.zero, emitter.zero - 1
    found = []
    made: dict[Any, Any] = {}
    for seeds in combinations:
        adjoint = np.full(len(active), NONE, np.int32)
        for result, seed in seeds.items():
            ref = int(p.outputs[result])
            given = one if seed is None else seed
            if ref >= 0:
                adjoint[ref] = given if adjoint[ref] == NONE else emitter.sum(adjoint[ref], given)
        _backwards(p, emitter, active, adjoint, made)
        of_inputs = adjoint[list(inputs)]
        found.append(np.where(of_inputs == NONE, zero, of_inputs))
    return emitter.finished(np.concatenate([p.outputs[: len(p.outputs) * keep], *found]))


def rows(p: Program, inputs: Sequence[int]) -> tuple[Program, NDArray[np.bool_]]:
    """Reverse mode for every result by itself, without what is 0 whatever the numbers are.

    Args:
        p: a program.
        inputs: those with respect to which the results are differentiated.

    Returns:
        The program that has the results, then their derivatives; and a table of a row for every
        result, a column for every one of ``inputs``, that says which derivatives these are.
    """
    m = len(p.outputs)
    q = reverse(p, [{i: None} for i in range(m)], inputs, keep=True)
    found = q.outputs[m:].reshape(m, len(inputs))
    reached = found != -1 - len(p.constants)  # else it is the constant 0 of the emitter
    return q.returning(np.concatenate([p.outputs, found[reached]])), reached


def chosen(
    p: Program, inputs: Sequence[int], reached: NDArray[np.bool_]
) -> tuple[Program, NDArray[np.int64]]:
    """Which derivatives of ``rows`` there are: not those of what ``take`` and ``pick`` leave aside.

    An adjoint of nan at every choice goes on to what was chosen, and to nothing else.  What a vmap
    is given is taken to be there: the choices of one lane are not those of another.

    Args:
        p: a program.
        inputs: those with respect to which the results are differentiated.
        reached: as ``rows`` gives it.

    Returns:
        A program whose results are nan for those that there are; and which of all derivatives of
        ``rows`` these are: the others are always there.
    """
    p = replace(p, constants=np.append(p.constants, np.nan))
    at, active = list(inputs), dependent(p, inputs)
    masks, starts = [], []
    for i in range(len(p.outputs)):
        sure = ancestors(p, p.outputs[[i]], CHOICES | HELD) & active
        begin = p.inputs + np.flatnonzero(CHOICES[p.ops] & sure[p.inputs :])
        unsure = ancestors(p, begin, VMAPS) & active & ~sure
        unsure[begin] = 1
        masks.append(unsure)
        starts.append(begin)
    emitter = Emitter(p, masks)
    refs, which, end = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], 0
    made: dict[Any, Any] = {}
    for mask, begin, row in zip(masks, starts, reached, strict=True):
        adjoint = np.full(len(mask), NONE, np.int32)
        adjoint[begin] = -len(p.constants)
        _backwards(p, emitter, mask, adjoint, made)
        found = adjoint[at][row]
        unsure = np.flatnonzero(found != NONE)
        refs.append(found[unsure])
        which.append(end + unsure)
        end += len(found)
    return emitter.finished(np.concatenate(refs)), np.concatenate(which)


def forward(
    p: Program, directions: Sequence[Mapping[int, int | None]], keep: bool = False
) -> Program:
    """Forward mode: Jacobian-vector products, of all results in each of some directions.

    Args:
        p: a program.
        directions: each from inputs to those that hold their tangents, or None for the tangent 1.
        keep: whether the new program has the results of ``p`` too, before the derivatives.
    """
    emitter = Emitter(p, (dependent(p, [*seeds]) for seeds in directions))
    zero, one = emitter.zero, emitter.zero - 1
    found = []
    made: dict[Any, Any] = {}
    for seeds in directions:
        active = dependent(p, [*seeds])
        tangent = np.full(len(active), NONE, np.int32)
        for slot, seed in seeds.items():
            tangent[slot] = one if seed is None else seed
        _forwards(p, emitter, active, tangent, made)
        of_results = np.where(p.outputs < 0, NONE, tangent[np.maximum(p.outputs, 0)])
        found.append(np.where(of_results == NONE, zero, of_results))
    return emitter.finished(np.concatenate([p.outputs[: len(p.outputs) * keep], *found]))


# -- of what has a body ----------------------------------------------------------------------------


def _backwards(
    p: Program, emitter: Emitter, active: Mask, adjoint: Integers, made: dict[Any, Any]
) -> None:
    """The chain rule, backwards over a program, with the adjoints of some slots given."""
    arrays, end = views(active, adjoint), len(p)
    parts = p.parts()
    for k in reversed(parts):
        emitter.reverse(k + 1, end, *arrays)
        if active[p.inputs + k]:
            BACKWARDS[type(p.call(k)[0])](p, emitter, k, parts[k], active, adjoint, made)
        end = k
    emitter.reverse(0, end, *arrays)


def _forwards(
    p: Program, emitter: Emitter, active: Mask, tangent: Integers, made: dict[Any, Any]
) -> None:
    """The chain rule, forwards over a program, with the tangents of some inputs given."""
    arrays, start = views(active, tangent), 0
    for k, parts in p.parts().items():
        emitter.forward(start, k, *arrays)
        FORWARDS[type(p.call(k)[0])](p, emitter, k, parts, tangent, made)
        start = k + 1
    emitter.forward(start, len(p), *arrays)


def _reverse_vmap(
    p: Program,
    emitter: Emitter,
    k: int,
    parts: Any,
    active: Mask,
    adjoint: Integers,
    made: dict[Any, Any],
) -> None:
    """Hand on the adjoints of the results of a ``vmap`` to its operands.

    Derivatives of its programs, by what they are by, are ``made`` once.
    """
    body, own, shared = p.vmap(k)
    given = of_results(p, emitter, k, parts, adjoint)
    results = body.lanes * body.results
    of_lanes, of_sums = given[:results].reshape(body.lanes, body.results), given[results:-1]
    by = np.flatnonzero(np.append(marked(own, active).any(axis=0), marked(shared, active)))
    sums = np.flatnonzero(of_sums != NONE)
    for lanes, which in _alike(of_lanes != NONE):
        if not len(by) or not len(which) + len(sums):
            continue
        seeds = {int(i): body.own + j for j, i in enumerate(which)}
        end = body.own + len(which) + body.shared
        seeds |= {body.results + int(i): end + j for j, i in enumerate(sums)}
        key = k, which.tobytes(), sums.tobytes(), by.tobytes()
        if key not in made:
            wide = _widened(body, len(which), len(sums))
            found = [reverse(q, [seeds], _moved(by, body.own, len(which))) for q in wide]
            made[key] = found, _not_zero(found, wide)
        found, reached = made[key]
        mine = by[reached][by[reached] < body.own]
        common = by[reached][len(mine) :] - body.own
        derived = Mapped(
            tuple(q.returning(q.outputs[reached]) for q in found),
            *(len(lanes), body.own + len(which), len(common), body.threads),
        )
        refs = np.append(own[np.ix_(lanes, mine)], shared[common])
        numbers = np.flatnonzero(marked(refs, active))
        more = of_lanes[np.ix_(lanes, which)]
        operands = [np.hstack([own[lanes], more]).ravel(), shared, of_sums[sums]]
        slots = emitter.vmap(derived, np.concatenate(operands), numbers)
        add(emitter, adjoint, refs[numbers], slots)


def _forward_vmap(
    p: Program, emitter: Emitter, k: int, parts: Any, tangent: Integers, made: dict[Any, Any]
) -> None:
    """Give the results of a ``vmap`` their tangents, from those of its operands."""
    body, own, shared = p.vmap(k)
    of_own, of_shared = of_references(own, tangent), of_references(shared, tangent)
    found = np.full(len(body), NONE, np.int32)
    results = body.lanes * body.results
    sums = np.flatnonzero(of_shared != NONE)
    for lanes, which in _alike(of_own != NONE):
        if not len(which) + len(sums):
            continue
        seeds: dict[int, int | None] = {int(i): body.own + j for j, i in enumerate(which)}
        start, end = body.own + len(which), body.own + len(which) + body.shared
        seeds |= {start + int(i): end + j for j, i in enumerate(sums)}
        key = k, which.tobytes(), sums.tobytes()
        if key not in made:
            wide = _widened(body, len(which), len(sums))
            programs = [forward(q, [seeds]) for q in wide]
            made[key] = programs, _not_zero(programs, wide)
        programs, reached = made[key]
        mine = reached[reached < body.results]
        derived = Mapped(
            tuple(q.returning(q.outputs[reached]) for q in programs),
            *(len(lanes), body.own + len(which), len(reached) - len(mine), body.threads),
        )
        more = of_own[np.ix_(lanes, which)]
        operands = [np.hstack([own[lanes], more]).ravel(), shared, of_shared[sums]]
        slots = emitter.vmap(derived, np.concatenate(operands), np.arange(len(derived) - 1))
        places = (lanes[:, None] * body.results + mine).ravel()
        found[places] = slots[: len(places)]
        add(emitter, found, results + reached[len(mine) :] - body.results, slots[len(places) :])
    tangent[p.inputs + parts[0]] = found[parts[1]]


#: By the kind of body: what hands on adjoints of its results, and tangents of its operands.
BACKWARDS: dict[type[Body], Callable[..., None]] = {Mapped: _reverse_vmap}
FORWARDS: dict[type[Body], Callable[..., None]] = {Mapped: _forward_vmap}


def of_results(p: Program, emitter: Emitter, k: int, parts: Any, adjoint: Integers) -> Integers:
    """The adjoints of the results of what has a body, from those of its parts."""
    given = np.full(len(p.call(k)[0]), NONE, np.int32)
    there = adjoint[p.inputs + parts[0]]
    add(emitter, given, parts[1][there != NONE], there[there != NONE])
    return given


def marked(refs: Integers, active: Mask) -> NDArray[np.bool_]:
    """Of every reference, whether it reads an active slot."""
    marked: NDArray[np.bool_] = (refs >= 0) & (active[np.maximum(refs, 0)] != 0)
    return marked


def of_references(refs: Integers, of_slots: Integers) -> Integers:
    """What of slots the references read, and for constants ``NONE``."""
    return np.where(refs >= 0, of_slots[np.maximum(refs, 0)], NONE)


def _alike(present: NDArray[np.bool_]) -> list[tuple[Any, Any]]:
    """Lanes that have the same of their numbers, and which of them these are."""
    kinds, of = np.unique(present, axis=0, return_inverse=True)
    of = of.reshape(-1)
    return [(np.flatnonzero(of == i), np.flatnonzero(kind)) for i, kind in enumerate(kinds)]


def _widened(body: Mapped, own: int, shared: int) -> list[Program]:
    """The programs with so many more inputs: own ones behind a lane's own, others at the end."""
    inputs = body.own + body.shared + own + shared
    to = _moved(np.arange(body.own + body.shared), body.own, own)
    return [with_inputs(q, inputs, to) for q in body.programs]


def _moved(inputs: Any, own: int, more: int) -> Any:
    """Where inputs are, with ``more`` behind the first ``own``."""
    return np.where(inputs < own, inputs, inputs + more)


def _not_zero(found: list[Program], made_of: list[Program]) -> Any:
    """Which outputs are not 0, whatever the numbers are, in all of these derivatives."""
    zero = [q.outputs == -1 - len(p.constants) for q, p in zip(found, made_of, strict=True)]
    return np.flatnonzero(~np.logical_and.reduce(zero))


def add(emitter: Emitter, adjoint: Integers, refs: Integers, given: Integers) -> None:
    """Add what is given to adjoints, or tangents."""
    first = np.zeros(len(refs), bool)
    first[np.unique(refs, return_index=True)[1]] = True
    first &= adjoint[refs] == NONE
    adjoint[refs[first]] = given[first]
    for ref, x in zip(refs[~first].tolist(), given[~first].tolist(), strict=True):
        adjoint[ref] = emitter.sum(int(adjoint[ref]), x)
