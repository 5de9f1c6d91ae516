"""Reverse and forward mode: from a program to one that computes derivatives too.

Both append instructions to the program, by the chain rule, with the partials of ``rules``; their
results are programs again, which can be differentiated in turn.  Structural zeros emit no
instructions, so 0*inf cannot arise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler import loops
from autodiff.compiler.emitter import Emitter
from autodiff.compiler.program import ARITY, NONE, Program, views
from autodiff.engine import instructions
from autodiff.ops import CODES

Mask = NDArray[np.uint8]

HELD: Mask = np.zeros(2**16, np.uint8)  #: of every row, whether it has no derivative
HELD[[CODES[name] for name in instructions.HELD]] = 1


NOTHING_HELD: Mask = np.zeros(2**16, np.uint8)

CHOICES: Mask = np.zeros(2**16, np.uint8)  #: of every row, whether it gives one of its operands
CHOICES[[CODES["take"], CODES["pick"]]] = 1


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
    emitter = Emitter(p, (active & ancestors(p, p.outputs[[*seeds]]) for seeds in combinations))
    zero, one = emitter.zero, emitter.zero - 1
    found = []
    for seeds in combinations:
        adjoint = np.full(len(active), NONE, np.int32)
        for result, seed in seeds.items():
            ref = int(p.outputs[result])
            given = one if seed is None else seed
            if ref >= 0:
                adjoint[ref] = given if adjoint[ref] == NONE else emitter.sum(adjoint[ref], given)
        emitter.reverse(len(p), *views(active, adjoint))
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

    An adjoint of nan at every choice goes on to what was chosen, and to nothing else.

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
        unsure = ancestors(p, begin) & active & ~sure
        unsure[begin] = 1
        masks.append(unsure)
        starts.append(begin)
    emitter = Emitter(p, masks)
    refs, which, end = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], 0
    for mask, begin, row in zip(masks, starts, reached, strict=True):
        adjoint = np.full(len(mask), NONE, np.int32)
        adjoint[begin] = -len(p.constants)
        emitter.reverse(len(p), *views(mask, adjoint))
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
    for seeds in directions:
        active = dependent(p, [*seeds])
        tangent = np.full(len(active), NONE, np.int32)
        for slot, seed in seeds.items():
            tangent[slot] = one if seed is None else seed
        emitter.forward(len(p), *views(active, tangent))
        of_results = np.where(p.outputs < 0, NONE, tangent[np.maximum(p.outputs, 0)])
        found.append(np.where(of_results == NONE, zero, of_results))
    return emitter.finished(np.concatenate([p.outputs[: len(p.outputs) * keep], *found]))
