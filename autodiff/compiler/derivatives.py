"""Reverse and forward mode: from a program to one that computes derivatives too.

Both append instructions to the program, by the chain rule, with the partials of ``rules``; their
results are programs again, which can be differentiated in turn.  What a derivative does not depend
on gets no instructions: it is zero whatever the numbers are, infinite ones included.
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
from autodiff.compiler.rules import template
from autodiff.engine import instructions
from autodiff.ops import CODES

_CODES = tuple(CODES[name] for name in ("add", "mul", "take", "pick", "neg"))
Mask = NDArray[np.uint8]

HELD: Mask = np.zeros(2**16, np.uint8)  #: of every row, whether it has no derivative
HELD[[CODES[name] for name in instructions.HELD]] = 1
#: Rows whose derivative is zero, or written by the emitter.
_WITHOUT_PARTIALS = {CODES["take"], CODES["pick"], *np.flatnonzero(HELD).tolist()}


def dependent(p: Program, inputs: Sequence[int]) -> Mask:
    """Of every slot, whether it depends on one of these inputs."""
    active = np.zeros(p.inputs + len(p), np.uint8)
    active[list(inputs)] = 1
    loops.mark_dependent(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, HELD, active))
    return active


def ancestors(p: Program, results: Sequence[int]) -> Mask:
    """Of every slot, whether one of these results depends on it."""
    live, read = np.zeros(p.inputs + len(p), np.uint8), np.zeros(len(p.constants), np.uint8)
    refs = p.outputs[list(results)]
    live[refs[refs >= 0]] = 1
    loops.mark_live(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, live, read))
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
    emission = _Emission(p, (active & ancestors(p, [*seeds]) for seeds in combinations))
    found = []
    for seeds in combinations:
        adjoint = np.full(len(active), NONE, np.int32)
        for result, seed in seeds.items():
            ref = int(p.outputs[result])
            given = emission.one if seed is None else seed
            if ref >= 0:
                adjoint[ref] = given if adjoint[ref] == NONE else emission.sum(adjoint[ref], given)
        emission.emitter.reverse(len(p), _CODES, emission.zero, *views(active, adjoint))
        of_inputs = adjoint[list(inputs)]
        found.append(np.where(of_inputs == NONE, emission.zero, of_inputs))
    return emission.finished(np.concatenate([*found, np.zeros(0, np.int32)]), keep)


def forward(
    p: Program, directions: Sequence[Mapping[int, int | None]], keep: bool = False
) -> Program:
    """Forward mode: Jacobian-vector products, of all results in each of some directions.

    Args:
        p: a program.
        directions: each from inputs to those that hold their tangents, or None for the tangent 1.
        keep: whether the new program has the results of ``p`` too, before the derivatives.
    """
    emission = _Emission(p, (dependent(p, [*seeds]) for seeds in directions))
    found = []
    for seeds in directions:
        active = dependent(p, [*seeds])
        tangent = np.full(len(active), NONE, np.int32)
        for slot, seed in seeds.items():
            tangent[slot] = emission.one if seed is None else seed
        emission.emitter.forward(len(p), _CODES, emission.zero, *views(active, tangent))
        of_results = np.where(p.outputs < 0, NONE, tangent[np.maximum(p.outputs, 0)])
        found.append(np.where(of_results == NONE, emission.zero, of_results))
    return emission.finished(np.concatenate([*found, np.zeros(0, np.int32)]), keep)


class _Emission:
    """Room for all that a derivative appends, and the templates from which it is made."""

    def __init__(self, p: Program, masks: Any) -> None:
        self.p = p
        counts = np.where(p.over_list, p.b, ARITY[p.ops]).astype(np.int64)
        keys = p.ops.astype(np.int64) << 32 | counts
        unique, of = np.unique(keys, return_inverse=True)
        templates = [
            Program(0, np.zeros(0, np.int32))
            if key >> 32 in _WITHOUT_PARTIALS
            else template(int(key >> 32), int(key & 0xFFFFFFFF))
            for key in unique
        ]
        instructions = np.array([len(t) for t in templates], np.int64)[of] + 2 * counts + 1
        operands = np.array([len(t.entries) for t in templates], np.int64)[of] + 4 * counts
        n, e = len(p), len(p.entries)
        for active in masks:
            now = active[p.inputs :] != 0
            n += int(instructions[now].sum())
            e += int(operands[now].sum())
        n += len(p.outputs)

        longest = int(counts.max(initial=1))
        numbers = np.arange(longest + 1.0)
        self.zero = -1 - len(p.constants)
        self.one = self.zero - 1
        firsts = np.cumsum(
            [len(p.constants) + len(numbers), *(len(t.constants) for t in templates)]
        )
        self.constants = np.concatenate([p.constants, numbers, *(t.constants for t in templates)])

        self.ops, self.a = np.zeros(n, np.uint16), np.zeros(n, np.int32)
        self.b, self.entries = np.zeros(n, np.int32), np.zeros(e + 1, np.int32)
        self.ops[: len(p)], self.a[: len(p)], self.b[: len(p)] = p.ops, p.a, p.b
        self.entries[: len(p.entries)] = p.entries
        starts = np.cumsum([0, *(len(t.entries) for t in templates)])
        a = [
            np.where(t.over_list, t.a + start, t.a)
            for t, start in zip(templates, starts, strict=False)
        ]
        joined = [
            of,
            np.cumsum([0, *(len(t) for t in templates)]),
            np.cumsum([0, *(len(t.outputs) for t in templates)]),
            firsts,
            np.array([t.inputs - 1 for t in templates]),
            np.concatenate([np.zeros(0, np.uint16), *(t.ops for t in templates)]),
            np.concatenate([[], *a]),
            np.concatenate([[], *(t.b for t in templates)]),
            np.concatenate([[], *(t.entries for t in templates)]),
            np.concatenate([[], *(t.outputs for t in templates)]),
        ]
        self.emitter = Emitter(
            p.inputs,
            (len(p), len(p.entries)),
            tuple(views(self.ops, self.a, self.b, self.entries)),
            tuple(
                views(np.ascontiguousarray(x, np.uint16 if i == 5 else np.int32))[0]
                for i, x in enumerate(joined)
            ),
            *views(ARITY, self.constants),
        )

    def sum(self, left: int, right: int) -> int:
        """Append an addition; its slot."""
        return self.emitter.emit(CODES["add"], int(left), int(right))

    def finished(self, derivatives: Any, keep: bool) -> Program:
        """The program with the derivatives for results, after its own if they are kept."""
        n, e = self.emitter.filled()
        p = self.p
        kept = p.outputs if keep else p.outputs[:0]
        return replace(
            p.returning(np.concatenate([kept, derivatives])),
            constants=self.constants,
            ops=self.ops[:n].copy(),
            a=self.a[:n].copy(),
            b=self.b[:n].copy(),
            entries=self.entries[:e].copy(),
        )
