"""The chain rule on instructions: what reverse and forward mode append to a program.

Compiled as ``value.py`` is; ``emitter.pxd`` gives the C types.  The loops run without Python's
lock, so Cython refuses one that would touch a Python object.
"""

from __future__ import annotations

from typing import Any

from autodiff.compiler.program import NONE

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython


class Emitter:
    """Where instructions are appended: arrays that are large enough, and how far they are filled.

    Attributes ``t_*`` are all templates, end to end (see ``rules``): template ``t`` has the
    instructions from ``t_first[t]`` to ``t_first[t + 1]``, the outputs from ``t_outs[t]`` on, and
    constants from ``t_constants[t]`` on in the new program's.
    """

    def __init__(
        self, inputs: int, filled: Any, room: Any, templates: Any, arity: Any, constants: Any
    ) -> None:
        self.inputs = inputs
        self.constants = constants
        self.n, self.e = filled
        self.ops, self.a, self.b, self.entries = room
        self.of, self.t_first, self.t_outs, self.t_constants, self.t_arity = templates[:5]
        self.t_ops, self.t_a, self.t_b, self.t_entries, self.t_out = templates[5:]
        self.arity = arity
        self.base = 0
        self.none = NONE

    def filled(self) -> tuple[int, int]:
        """How many instructions there are, and how many entries."""
        return self.n, self.e

    def emit(self, op: int, a: int, b: int) -> int:
        """Append an instruction; its slot."""
        self.ops[self.n] = op
        self.a[self.n] = a
        self.b[self.n] = b
        self.n += 1
        return int(self.inputs + self.n - 1)

    def choose(self, pick: int, x: int, i: int, j: int, y: int) -> int:
        """Append ``x if i == j else y``."""
        self.entries[self.e] = x
        self.entries[self.e + 1] = i
        self.entries[self.e + 2] = j
        self.entries[self.e + 3] = y
        self.e += 4
        return self.emit(pick, self.e - 4, 4)

    def operand(self, k: int, i: int) -> int:
        """Operand ``i`` of instruction ``k``."""
        if self.arity[self.ops[k]] == 0:
            return int(self.entries[self.a[k] + i])
        if i == 0:
            return int(self.a[k])
        return int(self.b[k])

    def decides(self, op: int, i: int, count: int, take: int, pick: int) -> bool:
        """Whether operand ``i`` only says which of the others is chosen: it is given no adjoint."""
        return (op == take and i == count - 1) or (op == pick and 0 < i < 3)

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
                    self.e += 1
                self.emit(op, self.e - self.t_b[j], self.t_b[j])
            elif self.arity[op] == 1:
                self.emit(op, self.translate(self.t_a[j], k), 0)
            else:
                self.emit(op, self.translate(self.t_a[j], k), self.translate(self.t_b[j], k))

    def partial(self, k: int, i: int) -> int:
        """The partial of ``k``, instantiated last, with respect to its operand ``i``."""
        return self.translate(self.t_out[self.t_outs[self.of[k]] + i], k)

    def times(self, factor: int, partial: int, mul: int, neg: int) -> int:
        """Append ``factor * partial``, unless one of them is 1 or -1."""
        if partial < 0:
            if self.constants[-1 - partial] == 1.0:
                return factor
            if self.constants[-1 - partial] == -1.0:
                return self.emit(neg, factor, 0)
        if factor < 0 and self.constants[-1 - factor] == 1.0:
            return partial
        return self.emit(mul, factor, partial)

    def reverse(
        self, n: int, codes: tuple[int, ...], numbers: int, active: Any, adjoint: Any
    ) -> None:
        """The chain rule, backwards over the first ``n`` instructions.

        ``adjoint`` holds those of the outputs, and gets those of every active slot;
        ``numbers`` is the constant 0, from which the constants 1, 2 ... go on, for ``pick``.
        """
        add, mul, take, pick, neg = codes
        with cython.nogil:
            for k in range(n - 1, -1, -1):
                given = adjoint[self.inputs + k]
                if given == self.none or not active[self.inputs + k]:
                    continue
                op = self.ops[k]
                count = self.operands(k)
                self.instantiate(k)
                for i in range(count):
                    x = self.operand(k, i)
                    if x < 0 or not active[x] or self.decides(op, i, count, take, pick):
                        continue
                    if op == take:
                        last = self.operand(k, count - 1)
                        c = self.choose(pick, given, last, numbers - i, numbers)
                    elif op == pick and i == 0:
                        c = self.choose(
                            pick, given, self.operand(k, 1), self.operand(k, 2), numbers
                        )
                    elif op == pick:
                        c = self.choose(
                            pick, numbers, self.operand(k, 1), self.operand(k, 2), given
                        )
                    else:
                        c = self.times(given, self.partial(k, i), mul, neg)
                    adjoint[x] = c if adjoint[x] == self.none else self.emit(add, adjoint[x], c)

    def forward(self, n: int, codes: tuple[int, ...], zero: int, active: Any, tangent: Any) -> None:
        """The chain rule, forwards: ``tangent`` holds those of inputs, and gets the others."""
        add, mul, take, pick, neg = codes
        with cython.nogil:
            for k in range(n):
                if not active[self.inputs + k]:
                    continue
                op = self.ops[k]
                count = self.operands(k)
                if op in (take, pick):
                    e = self.e
                    for i in range(count):
                        x = self.operand(k, i)
                        if not self.decides(op, i, count, take, pick):
                            x = zero if x < 0 or tangent[x] == self.none else tangent[x]
                        self.entries[e + i] = x
                    self.e += count
                    tangent[self.inputs + k] = self.emit(op, e, count)
                    continue
                self.instantiate(k)
                total = self.none
                for i in range(count):
                    x = self.operand(k, i)
                    if x < 0 or tangent[x] == self.none:
                        continue
                    c = self.times(tangent[x], self.partial(k, i), mul, neg)
                    total = c if total == self.none else self.emit(add, total, c)
                tangent[self.inputs + k] = total
