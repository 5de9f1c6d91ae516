"""The chain rule on instructions: what reverse and forward mode append to a program.

Compiled as ``value.py`` is; ``emitter.pxd`` gives the C types.  The loops run without Python's
lock, so Cython refuses one that would touch a Python object.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.program import ARITY, NONE, Body, Program, views
from autodiff.compiler.rules import template
from autodiff.engine.instructions import HELD, PART, VMAP
from autodiff.ops import CODES

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

_CODES = tuple(CODES[name] for name in ("add", "mul", "neg", "take", "pick", "part"))
#: Rows whose derivative is zero, or not written in partials.
_WITHOUT_PARTIALS = {CODES[name] for name in ("take", "pick", "part", "vmap", *HELD)}


class Emitter:
    """A copy of a program with room for all that a derivative appends, and how far it is filled.

    Attributes ``t_*`` are all templates, end to end (see ``rules``): instruction ``k`` has template
    ``of[k]``; template ``t`` has the instructions from ``t_first[t]`` to ``t_first[t + 1]``, the
    outputs from ``t_outs[t]`` on, and constants from ``t_constants[t]`` on in the new program's.

    Args:
        p: the program.
        masks: for every time that the chain rule will go over it, which slots are active.
        sums: how many more sums are to have room.
    """

    def __init__(self, p: Program, masks: Iterable[Any], sums: int = 0) -> None:
        counts = np.where(p.over_list, p.b, ARITY[p.ops]).astype(np.int64)
        keys, of = np.unique(p.ops.astype(np.int64) << 32 | counts, return_inverse=True)
        templates = [
            Program(0, np.zeros(0, np.int32))
            if key >> 32 in _WITHOUT_PARTIALS
            else template(int(key >> 32), int(key & 0xFFFFFFFF))
            for key in keys
        ]
        # Each operand may take a product or a choice, of four operands, and a sum.
        instructions = np.array([len(t) for t in templates], np.int64)[of] + 2 * counts
        operands = np.array([len(t.entries) for t in templates], np.int64)[of] + 4 * counts
        n, e = len(p) + sums, len(p.entries)
        for active in masks:
            now = active[p.inputs :] != 0
            n += int(instructions[now].sum())
            e += int(operands[now].sum())

        numbers = np.arange(counts.max(initial=1) + 1.0)
        self.zero = -1 - len(p.constants)
        self.none = NONE
        self.program = p
        self.inputs, self.n, self.e = p.inputs, len(p), len(p.entries)
        self.add, self.mul, self.neg, self.take, self.pick, self.part = _CODES
        room: list[Any] = [
            np.zeros(n, np.uint16),
            *(np.zeros(size, np.int32) for size in (n, n, e)),
        ]
        olds: list[Any] = [p.ops, p.a, p.b, p.entries]
        for new, old in zip(room, olds, strict=True):
            new[: len(old)] = old
        constants = np.concatenate([p.constants, numbers, *(t.constants for t in templates)])
        self.room = [*room, constants]
        self.ops, self.a, self.b, self.entries, self.constants = views(*self.room)
        self.bodies, self.c = [*p.bodies], len(self.constants)
        self.spare = [0] * 5  # room that vmaps have made, beside that for all else
        (self.arity,) = views(ARITY)

        def joined(parts: Iterable[Any], kind: Any = np.int32) -> Any:
            return views(np.concatenate([np.zeros(0, kind), *parts]).astype(kind))[0]

        def starts(first: int, sizes: Iterable[int]) -> Any:
            return joined([np.cumsum([first, *sizes])])

        self.of = joined([of])
        self.t_first = starts(0, [len(t) for t in templates])
        self.t_outs = starts(0, [len(t.outputs) for t in templates])
        self.t_constants = starts(
            len(p.constants) + len(numbers), [len(t.constants) for t in templates]
        )
        self.t_arity = joined([[t.inputs - 1 for t in templates]])
        self.t_ops = joined([t.ops for t in templates], np.uint16)
        entries = starts(0, [len(t.entries) for t in templates])
        self.t_a = joined(
            [
                np.where(t.over_list, t.a + start, t.a)
                for t, start in zip(templates, entries, strict=False)
            ]
        )
        self.t_b = joined([t.b for t in templates])
        self.t_entries = joined([t.entries for t in templates])
        self.t_out = joined([t.outputs for t in templates])

    def finished(self, outputs: Any) -> Program:
        """The program with these results."""
        ops, a, b, entries, constants = self.room
        assert self.n <= len(ops)
        assert self.e <= len(entries)
        return replace(
            self.program.returning(outputs),
            constants=constants[: self.c].copy(),
            ops=ops[: self.n].copy(),
            a=a[: self.n].copy(),
            b=b[: self.n].copy(),
            entries=entries[: self.e].copy(),
            bodies=tuple(self.bodies),
        )

    def vmap(self, body: Body, operands: Any, which: Any) -> Any:
        """Append a ``vmap``, and a ``part`` for each of its results in ``which``; their slots.

        There will be room to add each of these to something.
        """
        n, e, c = len(which), len(operands) + 1, self.c
        each = 2 * n + 1  # itself, the parts, and a sum for each of them
        more = (each, each, each, e, n + 1)
        if min([x - y for x, y in zip(self.spare, more, strict=True)]) < 0:
            made = [len(x) + y for x, y in zip(self.room, more, strict=True)]  # seldom, then
            pairs = zip(self.room, made, strict=True)
            self.room = [np.append(x, np.zeros(size, x.dtype)) for x, size in pairs]
            self.spare = [x + size for x, size in zip(self.spare, made, strict=True)]
            self.ops, self.a, self.b, self.entries, self.constants = views(*self.room)
        self.spare = [x - y for x, y in zip(self.spare, more, strict=True)]
        ops, a, b, entries, constants = self.room
        constants[c : c + n], constants[c + n] = which, len(self.bodies)
        self.c += n + 1
        self.bodies.append(body)
        entries[self.e : self.e + e] = [*operands, -1 - c - n]
        self.e += e
        slot = self.emit(VMAP, self.e - e, e)
        first, end = self.n, self.n + n
        ops[first:end], a[first:end], b[first:end] = PART, slot, -1 - c - np.arange(n)
        self.n = end
        return np.arange(self.inputs + first, self.inputs + end, dtype=np.int32)

    def emit(self, op: int, a: int, b: int) -> int:
        """Append an instruction; its slot."""
        self.ops[self.n] = op
        self.a[self.n] = a
        self.b[self.n] = b
        self.n = self.n + 1
        return int(self.inputs + self.n - 1)

    def sum(self, left: int, right: int) -> int:
        """Append an addition; its slot."""
        return self.emit(self.add, left, right)

    def choose(self, x: int, i: int, j: int, y: int) -> int:
        """Append ``x if i == j else y``."""
        self.entries[self.e] = x
        self.entries[self.e + 1] = i
        self.entries[self.e + 2] = j
        self.entries[self.e + 3] = y
        self.e = self.e + 4
        return self.emit(self.pick, self.e - 4, 4)

    def operand(self, k: int, i: int) -> int:
        """Operand ``i`` of instruction ``k``."""
        if self.arity[self.ops[k]] == 0:
            return int(self.entries[self.a[k] + i])
        if i == 0:
            return int(self.a[k])
        return int(self.b[k])

    def decides(self, op: int, i: int, count: int) -> bool:
        """Whether operand ``i`` only says which of the others is chosen: it is given no adjoint."""
        return (op == self.take and i == count - 1) or (op == self.pick and 0 < i < 3)

    def operands(self, k: int) -> int:
        """How many operands instruction ``k`` has."""
        if self.arity[self.ops[k]] == 0:
            return int(self.b[k])
        return int(self.arity[self.ops[k]])

    def translate(self, ref: int, k: int) -> int:
        """A reference of the template of ``k``, in the new program."""
        t = self.of[k]
        if ref < 0:
            return int(ref - self.t_constants[t])
        if ref < self.t_arity[t]:
            return self.operand(k, ref)
        if ref == self.t_arity[t]:
            return self.inputs + k
        return int(self.base + ref - self.t_arity[t] - 1)

    def instantiate(self, k: int) -> None:
        """Append the instructions of the template of ``k``."""
        t = self.of[k]
        self.base = self.inputs + self.n
        for j in range(self.t_first[t], self.t_first[t + 1]):
            op = self.t_ops[j]
            if self.arity[op] == 0:
                for i in range(self.t_a[j], self.t_a[j] + self.t_b[j]):
                    self.entries[self.e] = self.translate(self.t_entries[i], k)
                    self.e = self.e + 1
                self.emit(op, self.e - self.t_b[j], self.t_b[j])
            elif self.arity[op] == 1:
                self.emit(op, self.translate(self.t_a[j], k), 0)
            else:
                self.emit(op, self.translate(self.t_a[j], k), self.translate(self.t_b[j], k))

    def partial(self, k: int, i: int) -> int:
        """The partial of ``k``, instantiated last, with respect to its operand ``i``."""
        return self.translate(self.t_out[self.t_outs[self.of[k]] + i], k)

    def times(self, factor: int, partial: int) -> int:
        """Append ``factor * partial``: nothing if one is 1, ``neg`` if the partial is -1."""
        if partial < 0:
            if self.constants[-1 - partial] == 1.0:
                return factor
            if self.constants[-1 - partial] == -1.0:
                return self.emit(self.neg, factor, 0)
        if factor < 0 and self.constants[-1 - factor] == 1.0:
            return partial
        return self.emit(self.mul, factor, partial)

    def reverse(self, start: int, end: int, active: Any, adjoint: Any) -> None:
        """The chain rule, backwards over the instructions from ``start`` to ``end``.

        ``adjoint`` holds those of the outputs, and gets those of every active slot.  The constants
        from ``zero`` on are 0, 1, 2 ..., for ``pick``.
        """
        zero = self.zero
        with cython.nogil:
            for k in range(end - 1, start - 1, -1):
                given = adjoint[self.inputs + k]
                op = self.ops[k]
                if given == self.none or not active[self.inputs + k] or op == self.part:
                    continue
                count = self.operands(k)
                self.instantiate(k)
                for i in range(count):
                    x = self.operand(k, i)
                    if x < 0 or not active[x] or self.decides(op, i, count):
                        continue
                    if op == self.take:
                        c = self.choose(given, self.operand(k, count - 1), zero - i, zero)
                    elif op == self.pick and i == 0:
                        c = self.choose(given, self.operand(k, 1), self.operand(k, 2), zero)
                    elif op == self.pick:
                        c = self.choose(zero, self.operand(k, 1), self.operand(k, 2), given)
                    else:
                        c = self.times(given, self.partial(k, i))
                    adjoint[x] = c if adjoint[x] == self.none else self.sum(adjoint[x], c)

    def forward(self, start: int, end: int, active: Any, tangent: Any) -> None:
        """The chain rule, forwards over the instructions from ``start`` to ``end``.

        ``tangent`` holds those of inputs and of parts, and gets the others.
        """
        zero = self.zero
        with cython.nogil:
            for k in range(start, end):
                op = self.ops[k]
                if not active[self.inputs + k] or op == self.part:
                    continue
                count = self.operands(k)
                if op == self.take or op == self.pick:  # in C there is no `in`
                    e = self.e
                    moving = False  # whether any of those to choose from has a tangent
                    for i in range(count):
                        x = self.operand(k, i)
                        if not self.decides(op, i, count):
                            if x < 0 or tangent[x] == self.none:
                                x = zero
                            else:
                                x = tangent[x]
                                moving = True
                        self.entries[e + i] = x
                    if moving:
                        self.e = e + count
                        tangent[self.inputs + k] = self.emit(op, e, count)
                    continue
                self.instantiate(k)
                total = self.none
                for i in range(count):
                    x = self.operand(k, i)
                    if x < 0 or tangent[x] == self.none:
                        continue
                    c = self.times(tangent[x], self.partial(k, i))
                    total = c if total == self.none else self.sum(total, c)
                tangent[self.inputs + k] = total
