"""Run a program: instruction by instruction, or in the steps of a vectorised one.

Compiled as ``value.py`` is; ``machine.pxd`` gives the C types, ``run.h`` the instructions, and
``vectors.h`` the steps.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from autodiff.compiler.lanes import WIDTH
from autodiff.compiler.program import ARITY, GUARD, NONE, Floats, Integers, Program, views
from autodiff.engine.expressions import names_in
from autodiff.engine.instructions import OF_LIST, PART, VMAP
from autodiff.engine.reals import real
from autodiff.ops import ROWS

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.compiler.interpreted import run_lanes, run_steps


class Machine:
    """A program made ready to run, in many threads at once.

    A buffer has the constants backwards, then the slots: reference ``r`` is at ``constants + r``.

    >>> from autodiff.compiler.program import Program
    >>> double_it = Program(1, np.array([1], np.int32), ops=np.array([1], np.uint16),
    ...     a=np.array([0], np.int32), b=np.array([0], np.int32))
    >>> Machine(double_it)(np.array([21.0]))
    array([42.])
    """

    def __init__(
        self,
        program: Program,
        otherwise: Integers | None = None,
        steps: tuple[Any, Any, int] | None = None,
    ) -> None:
        """Make it ready.

        Args:
            program: the program.
            otherwise: of every guard where to go on if it fails, or -1.
            steps: those of a vectorised program (``lanes``), what they pack, and room for it.
        """
        p = program
        if otherwise is None:
            otherwise = np.full(len(p), -1, np.int32)
        if steps is None:
            steps = np.array([[0, 0, len(p)] + [0] * (WIDTH - 3)], np.int32), otherwise, 1
        self.program = program
        self._constants = len(p.constants)
        self._inputs = p.inputs
        self._room = int(np.max(p.b[p.over_list], initial=steps[2]))
        self._steps, self._packed = views(steps[0].ravel(), steps[1])
        self._ops, self._a, self._b, self._entries = views(p.ops, p.a, p.b, p.entries)
        (self._otherwise,) = views(otherwise)
        runs = np.flatnonzero(np.diff(p.outputs, prepend=NONE) != 1)
        sizes = np.diff(runs, append=len(p.outputs)).astype(np.int32)
        self._results, self._sizes = views(p.outputs[runs], sizes)
        self._idle: list[Any] = []
        self._vmaps = {k: self._vmap(k, *parts) for k, parts in p.parts().items()}

    def __call__(self, inputs: Floats) -> Floats | None:
        """The outputs for these inputs; None if a guard fails.

        Raises:
            IndexError: if ``take`` reads beyond its list.
            ValueError: if there are more or fewer inputs than the program has.
        """
        buffer = self._buffer()
        found = None
        if self._run(buffer, inputs, ()) >= 0:
            found = np.empty(len(self.program.outputs))
            (numbers,) = views(found)
            self._read(buffer[1], numbers)
        self._idle.append(buffer)
        return found

    def walk(
        self, inputs: Floats, constants: Sequence[tuple[Any, Any]], ends: Container[int]
    ) -> int | None:
        """Run to one of the instructions ``ends``, which that is; None if a guard fails.

        Args:
            inputs: the inputs.
            constants: references of constants, or arrays of them, and the numbers they have now.
            ends: instructions.
        """
        buffer = self._buffer()
        for ref, x in constants:
            buffer[0][self._constants + ref] = x
        end = self._run(buffer, inputs, ends)
        self._idle.append(buffer)
        return None if end < 0 else end

    def _buffer(self) -> Any:
        """A buffer with the constants in it, an idle or a new one, and its views."""
        try:
            return self._idle.pop()
        except IndexError:
            w = np.zeros(self._constants + self._inputs + len(self._ops))
            w[: self._constants] = self.program.constants[::-1]
            return (w, *views(w, np.zeros(self._room)))

    def _run(self, buffer: Any, inputs: Floats, ends: Container[int]) -> int:
        """Run to the end, or to one of ``ends``, which that is; -1 if a guard fails."""
        w, view, scratch = buffer
        k = self._begin(inputs, view, scratch)
        while 0 <= k < len(self._ops) and k not in ends:
            self.call(k, w)
            k = self._go_on(k + 1, view, scratch)
        if k >= 0:
            return k
        if self.program.ops[-1 - k] == GUARD:
            return -1
        *xs, index = self.program.operands(-1 - k)
        at = w[self._constants + index]
        raise IndexError(f"take(values, i): index {at:.17g} is not one of 0 to {len(xs) - 1}")

    def call(self, k: int, w: Floats) -> None:
        """Do an instruction whose value is a Python function, or that has a body.

        Args:
            k: the instruction.
            w: a buffer, in which constants and slots are.
        """
        if k in self._vmaps:
            body, operands, which, parts, asked = self._vmaps[k]
            w[parts] = body.run(w[operands], asked)[which]
            return
        p = self.program
        row = ROWS[p.ops[k]]
        operands = [float(w[self._constants + r]) for r in p.operands(k)]
        assert callable(row.value)
        where = f"the value function of {row.name}()"
        w[self._constants + p.inputs + k] = real(row.value(*operands), where)

    def _vmap(self, k: int, at: Integers, which: Integers) -> tuple[Any, ...]:
        """What a ``vmap`` runs, where its operands are in a buffer, and where which results go.

        And whether the last result, which says that all is right, is among them.
        """
        p, c = self.program, self._constants
        body = p.call(k)[0]
        operands = p.entries[p.a[k] : p.a[k] + p.b[k] - 1]
        where = places(c + operands), places(which), places(c + p.inputs + at)
        return (body, *where, len(body) - 1 in which)

    def _begin(self, given: Any, w: Any, s: Any) -> int:
        """Run from the start, on these inputs: see ``_go_on``."""
        if len(given) != self._inputs:
            raise ValueError(f"the program takes {self._inputs} numbers: {len(given)} came")
        for i in range(self._inputs):
            w[self._constants + i] = given[i]
        return self._go_on(0, w, s)

    def _go_on(self, start: int, w: Any, s: Any) -> int:
        """Run from instruction ``start`` on; how far it came.

        To the end; or to an instruction ``k`` that Python must do; or, as ``-1 - k``, to a guard
        that fails, or to one whose index is out of range.
        """
        ops, a, b, entries, otherwise = self._ops, self._a, self._b, self._entries, self._otherwise
        return run_steps(
            start,
            self._constants,
            self._inputs,
            self._steps,
            self._packed,
            ops,
            a,
            b,
            entries,
            otherwise,
            w,
            s,
        )

    def _read(self, w: Any, found: Any) -> None:
        """Write the outputs to ``found``: those that stand side by side at once."""
        done = 0
        for run in range(len(self._results)):
            first = self._constants + self._results[run]
            for i in range(self._sizes[run]):
                found[done + i] = w[first + i]
            done += self._sizes[run]


def places(numbers: Integers) -> Any:
    """Places in an array, as a slice if they follow one another."""
    if len(numbers) and (np.diff(numbers) == 1).all():
        return slice(int(numbers[0]), int(numbers[len(numbers) - 1]) + 1)  # nothing wraps around
    return numbers.astype(np.intp)


def run_batch(steps: Any, packed: Any, w: Any, s: Any, bad: Any, first: int) -> None:
    """Run the steps of a block of lanes (``batch``), and tell in which of them a guard fails.

    Args:
        steps, packed: the steps, and what they copy.
        w: the numbers of the block, reference 0 at ``first``.
        s: room for what is copied.
        bad: of every lane, the least number of an instruction that fails in it; 0 if none does.
    """
    run_lanes(steps, packed, w, s, bad, first)


def flops(program: Program) -> int:
    """How many operations on numbers a program does, a function of the C library being one.

    A row over scalars is one; a row over a list, as many as its fold and its value have; a vmap
    or a scan, those of the longest way, for every lane or step.
    """
    total = 0
    for k in program.parts():
        total += sum(n * max(map(flops, ways)) for n, ways in program.call(k)[0].turns)
    others = program.ops[(program.ops != PART) & (program.ops != VMAP)]
    for op, count in zip(*np.unique(others, return_counts=True), strict=True):
        if ARITY[op]:
            total += int(count)
            continue
        row = ROWS[op]
        operands = program.b[program.ops == op]
        total += int(np.maximum(operands - 1, 1).sum())
        if row.fold:
            elements = operands.sum() // len(row.names)
            shift = elements * len(OF_LIST.keys() & names_in(row.fold))
            total += int(elements * (_operations(row.fold) + 1 - len(row.names)) + shift)
            total += int(count) * _operations(str(row.value))
    return total


def _operations(expression: str) -> int:
    """How many operators and functions an expression has."""
    kinds = (ast.BinOp, ast.UnaryOp, ast.Call)
    return sum(isinstance(node, kinds) for node in ast.walk(ast.parse(expression)))
