"""Run a program: instruction by instruction, in compiled code where there is some."""

from __future__ import annotations

import ast
from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from autodiff.compiler import loops
from autodiff.compiler.program import ARITY, GUARD, Floats, Integers, Program, views
from autodiff.engine.expressions import names_in
from autodiff.engine.reals import real
from autodiff.ops import ROWS


class Machine:
    """A program made ready to run, in many threads at once.

    >>> from autodiff.compiler.program import Program
    >>> double_it = Program(1, np.array([1], np.int32), ops=np.array([1], np.uint16),
    ...     a=np.array([0], np.int32), b=np.array([0], np.int32))
    >>> Machine(double_it)(np.array([21.0]))
    array([42.])
    """

    def __init__(self, program: Program, otherwise: Integers | None = None) -> None:
        """Make it ready; ``otherwise`` says of every guard where to go on if it fails, or -1."""
        self.program = program
        p = program
        if otherwise is None:
            otherwise = np.full(len(p), -1, np.int32)
        arrays = views(p.ops, p.a, p.b, p.entries, otherwise, p.outputs)
        self._runner = loops.Runner(len(p.constants), p.inputs, *arrays)
        self._constants = len(p.constants)
        longest = int(np.max(p.b[p.over_list], initial=1))
        self._sizes = (self._constants + p.inputs + len(p), longest)
        self._idle: list[tuple[Floats, Any, Any]] = []

    def _buffer(self) -> tuple[Floats, Any, Any]:
        """A buffer with the constants in it: one that nobody uses, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            w = np.zeros(self._sizes[0])
            w[: self._constants] = self.program.constants[::-1]
            return w, *views(w, np.zeros(self._sizes[1]))

    def __call__(self, inputs: Floats) -> Floats | None:
        """The outputs for these inputs; None if a guard fails.

        Raises:
            IndexError: if ``take`` reads beyond its list.
        """
        buffer = self._buffer()
        found = None
        if self._run(buffer, inputs, ()) is not None:
            found = np.empty(len(self.program.outputs))
            self._runner.read(buffer[1], *views(found))
        self._idle.append(buffer)
        return found

    def walk(
        self, inputs: Floats, constants: Sequence[tuple[int, float]], ends: Container[int]
    ) -> int | None:
        """Run to one of the instructions ``ends``, which that is; None if a guard fails.

        Args:
            inputs: the inputs.
            constants: references of constants that have other numbers now, and these numbers.
            ends: instructions.
        """
        buffer = self._buffer()
        for ref, x in constants:
            buffer[0][self._constants + ref] = x
        end = self._run(buffer, inputs, ends)
        self._idle.append(buffer)
        return end

    def _run(self, buffer: Any, inputs: Floats, ends: Container[int]) -> int | None:
        """Run to the end, or to one of ``ends``, which that is; None if a guard fails."""
        w, view, scratch = buffer
        k: int = self._runner.begin(inputs, view, scratch)
        while 0 <= k < len(self.program) and k not in ends:
            self._call(k, w)
            k = self._runner.go_on(k + 1, view, scratch)
        if k >= 0:
            return k
        if self.program.ops[-1 - k] == GUARD:
            return None
        refs = self.program.operands(-1 - k)
        at = w[self._constants + refs[-1]]
        raise IndexError(f"take(values, i): index {at:.17g} is not one of 0 to {len(refs) - 2}")

    def _call(self, k: int, w: Floats) -> None:
        """Do an instruction whose value is a Python function."""
        p = self.program
        row = ROWS[p.ops[k]]
        operands = [float(w[self._constants + r]) for r in p.operands(k)]
        assert callable(row.value)
        where = f"the value function of {row.name}()"
        w[self._constants + p.inputs + k] = real(row.value(*operands), where)


def flops(program: Program) -> int:
    """How many operations on numbers a program does, a function of the C library being one.

    A row over scalars is one; a row over a list, as many as its fold and its value have.
    """
    total = 0
    for op, count in zip(*np.unique(program.ops, return_counts=True), strict=True):
        if ARITY[op]:
            total += int(count)
            continue
        row = ROWS[op]
        operands = program.b[program.ops == op]
        total += int(np.maximum(operands - 1, 1).sum())
        if row.fold:
            elements = operands.sum() // len(row.names)
            shift = elements if "m" in names_in(row.fold) else 0
            total += int(elements * (_operations(row.fold) + 1 - len(row.names)) + shift)
            total += int(count) * _operations(str(row.value))
    return total


def _operations(expression: str) -> int:
    """How many operators and functions an expression has."""
    kinds = (ast.BinOp, ast.UnaryOp, ast.Call)
    return sum(isinstance(node, kinds) for node in ast.walk(ast.parse(expression)))
