"""The decision tree of a function's comparisons: from numbers to the program that fits them.

What a function computed up to a comparison is the same in all runs whose comparisons so far came
out alike.  So the guards of all its traces make one program: a guard that fails goes on where a
trace in which it held otherwise begins to differ, and every path ends in a leaf.  To find the right
one of many programs takes one walk along its own path.
"""

from __future__ import annotations

import struct
import threading
from typing import Any, Generic, TypeVar

import numpy as np

from autodiff.arrays import data_of
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import ARITY, GUARD, Body, Floats, Program, inputs_read
from autodiff.compiler.simplify import trimmed
from autodiff.compiler.trace import Traced
from autodiff.engine.instructions import PART, VMAP
from autodiff.ops import CODES
from autodiff.value import Value

T = TypeVar("T")

_EQUAL = CODES["equal"]
LEAF = 2**16 - 1  #: the operation of an instruction that ends a path


class Unlike(Exception):
    """A run computed something else than an earlier one with the same outcomes of comparisons."""


class _Path:
    """The guards of a trace on their way through a tree, as Python's numbers.

    Attributes:
        program: the guards' program.
        ops: its operations.
        constants: of each of its constants, the reference in the tree.
        to: of each of its slots so far, the slot in the tree.
    """

    def __init__(self, program: Program, constants: list[int], inputs: int) -> None:
        self.program = program
        self.ops: list[int] = program.ops.tolist()
        self.constants = constants
        self.to = [*range(inputs), *[-1] * (program.inputs - inputs)]
        self._inputs = inputs
        self._a, self._b = program.a.tolist(), program.b.tolist()
        self._entries: list[int] = program.entries.tolist()
        self._arity = ARITY[program.ops].tolist()

    def operands(self, k: int) -> list[int]:
        """The references that an instruction reads."""
        a, b, arity = self._a[k], self._b[k], self._arity[k]
        return [a, b][:arity] if arity else self._entries[a : a + b]

    def comparison(self, k: int, done: int) -> int:
        """Where what guard ``k`` compares begins, behind the ``done`` instructions of other guards.

        If it is whether lanes fit a vmap, with what the vmap reads: other ways read other things.
        """
        return done if self.ops[max(k - 3, 0) : k] == [VMAP, PART, _EQUAL] else k - 1

    def stand(self, start: int, end: int, at: int) -> None:
        """Note that instructions stand in the tree from ``at`` on."""
        n, first = self.program.inputs, self._inputs + at
        self.to[n + start :] = range(first, first + end - start)


class Decisions(Generic[T]):
    """A decision tree with a ``T`` at every leaf.

    >>> from autodiff.compiler.trace import trace
    >>> tree = Decisions(1)
    >>> for x in (1.0, -1.0):
    ...     _ = tree.add(trace(lambda xs: [xs[0] if xs[0] > 0 else -xs[0]], [x]), f"like {x}")
    >>> tree.find(np.array([7.0])), tree.find(np.array([-7.0]))
    ('like 1.0', 'like -1.0')
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.ops: list[int] = []
        self.a: list[int] = []
        self.b: list[int] = []
        self.entries: list[int] = []
        self.otherwise: list[int] = []
        self.fits: set[int] = set()  # guards behind which another comparison stands
        self.constants: list[float] = []
        self.of_bits: dict[bytes, int] = {}  # constants by what they are
        self.captured: dict[int, tuple[int, Value]] = {}  # by id: the constant that it is read as
        self.bodies: list[Body] = []
        self.of_body: dict[bytes, int] = {}
        self.leaves: dict[int, T] = {}
        self._made: tuple[Machine, Any, list[Value]] | None = None
        self._lock = threading.Lock()

    def add(self, traced: Traced, leaf: T) -> str:
        """Add the path of a trace, and what stands at its end.

        Returns:
            The line of the comparison at which the path leaves those before it; "" if there is
            none.

        Raises:
            Unlike: if the trace is not of the function that the others are of.
        """
        with self._lock:
            return self._add(traced, leaf)

    def _add(self, traced: Traced, leaf: T) -> str:
        g = traced.guards
        path = _Path(g, [self._constant(x) for x in g.constants.tolist()], self.inputs)
        for slot in np.flatnonzero(inputs_read(g)).tolist():
            if slot >= self.inputs:
                path.to[slot] = self._of_captured(traced.captured[slot - self.inputs])
        at = 0 if self.ops else -1  # where in the tree we are; -1 beyond its end
        left, done = "", 0
        for k in g.guards:  # each is behind its comparison, and that behind what it compares
            if at >= 0:
                begin = path.comparison(k, done)
                at = self._follow(path, done, begin, at)
                done = begin
                _, outcome, which = path.operands(k)
                at, known = self._decide(at, path, begin, k, path.constants[-1 - outcome])
                if at < 0:
                    left = g.sources[int(g.constants[-1 - which])]
                if known:
                    done = k + 1
            if at < 0:
                self._append(path, done, k + 1)
                done = k + 1
        if at >= 0 and at not in self.leaves:
            raise Unlike
        if at < 0:
            at = len(self.ops)
            self._instruction(LEAF, len(self.entries), 0)
        self.leaves[at] = leaf
        self._made = None
        return left

    def _follow(self, path: _Path, start: int, end: int, at: int) -> int:
        """Walk along instructions that the tree has already; where it is then."""
        path.stand(start, end, at)
        if self.ops[at : at + end - start] != path.ops[start:end]:
            raise Unlike
        return at + end - start

    def _decide(self, at: int, path: _Path, begin: int, k: int, outcome: int) -> tuple[int, bool]:
        """Take the branch of an outcome at a comparison: what from ``begin`` to guard ``k`` stands.

        An integer that a trace rests on is compared with another number in every trace, and lanes
        of a vmap may go other ways; in the tree, one of these comparisons stands behind the other.

        Returns:
            Where the branch begins, -1 if it is a new one; and whether the comparison stands in the
            tree already.
        """
        while True:
            path.stand(begin, k + 1, at)
            wanted = [self._moved(path, j) for j in range(begin, k)]
            guard = self._guard_from(at)
            there = [self._instruction_at(j) for j in range(at, guard)]
            same = there == wanted
            if not same and not _of_one_function(there, wanted):
                raise Unlike
            if same and self.entries[self.a[guard] + 1] == outcome:
                return guard + 1, True
            if self.otherwise[guard] < 0:
                self.otherwise[guard] = len(self.ops)
                if not same:
                    self.fits.add(guard)
                return -1, same
            if same:
                return self.otherwise[guard], True
            at = self.otherwise[guard]

    def _guard_from(self, at: int) -> int:
        """The next guard of the tree from there on, of the same path."""
        try:
            guard = self.ops.index(GUARD, at)
        except ValueError:
            raise Unlike from None
        if LEAF in self.ops[at:guard]:
            raise Unlike
        return guard

    def _instruction_at(self, k: int) -> list[int]:
        """The operation and the operands of an instruction of the tree."""
        op, a, b = self.ops[k], self.a[k], self.b[k]
        return [op, *([a, b][: ARITY[op]] if ARITY[op] else self.entries[a : a + b])]

    def _moved(self, path: _Path, k: int) -> list[int]:
        """The operation and the operands of an instruction of a trace, in the tree."""
        to, constants = path.to, path.constants
        found = [to[ref] if ref >= 0 else constants[-1 - ref] for ref in path.operands(k)]
        if path.ops[k] == VMAP:
            found[-1] = self._constant(self._number_of(path.program.call(k)[0]))
        return [path.ops[k], *found]

    def _number_of(self, body: Body) -> int:
        """The number of a body among those of the tree."""
        key = body.key()
        if key not in self.of_body:
            self.of_body[key] = len(self.bodies)
            self.bodies.append(body)
        return self.of_body[key]

    def _append(self, path: _Path, start: int, end: int) -> None:
        """Append instructions of a trace."""
        path.stand(start, end, len(self.ops))
        for k in range(start, end):
            op, *refs = self._moved(path, k)
            if ARITY[op]:
                self._instruction(op, refs[0], refs[-1])
            else:
                self._instruction(op, len(self.entries), len(refs))
                self.entries += refs

    def _instruction(self, op: int, a: int, b: int) -> None:
        self.ops.append(op)
        self.a.append(a)
        self.b.append(b)
        self.otherwise.append(-1)

    def _constant(self, x: float) -> int:
        bits = struct.pack("d", x)
        if bits not in self.of_bits:
            self.constants.append(x)
            self.of_bits[bits] = -len(self.constants)
        return self.of_bits[bits]

    def _of_captured(self, v: Value) -> int:
        if id(v) not in self.captured:
            self.constants.append(0.0)
            self.captured[id(v)] = (-len(self.constants), v)
        return self.captured[id(v)][0]

    def _ready(self) -> tuple[Machine, Any, list[Value]]:
        """The tree as it is, made ready to run; what it captured, after where it is read."""
        with self._lock:
            return self._made_ready()

    def _ways_out(self) -> list[int]:
        """Of every guard, where to go on if it fails.

        Numbers may fit a vmap of more ways than their own trace has.  If they come to no end from
        there on, what their own vmap decides stands behind the guard of that other one.
        """
        found = list(self.otherwise)
        pending = [(0, -1)]
        while pending:
            k, other = pending.pop()
            while self.ops[k] != LEAF:
                branch = self.otherwise[k]
                if branch >= 0:
                    pending.append((branch, other))
                    other = branch if k in self.fits else other
                else:
                    found[k] = other
                k += 1
        return found

    def _made_ready(self) -> tuple[Machine, Any, list[Value]]:
        if self._made is None:
            program = Program(
                self.inputs,
                np.zeros(0, np.int32),
                np.array(self.constants, np.float64),
                np.array(self.ops, np.uint16),
                np.array(self.a, np.int32),
                np.array(self.b, np.int32),
                np.array(self.entries, np.int32),
                bodies=tuple(self.bodies),
            )
            # What is read of a vmap is only known of all paths together.
            machine = Machine(trimmed(program), np.array(self._ways_out(), np.int32))
            refs = np.array([ref for ref, _ in self.captured.values()], np.int64)
            self._made = machine, refs, [v for _, v in self.captured.values()]
        return self._made

    def find(self, numbers: Floats) -> T | None:
        """What stands at the end of the path that these numbers take; None if it is not known.

        Raises:
            IndexError: as ``Machine``.
        """
        if self.ops[:1] == [LEAF]:  # nothing is compared
            return self.leaves[0]
        if not self.ops:
            return None
        machine, refs, captured = self._made or self._ready()
        end = machine.walk(numbers, [(refs, data_of(captured))], self.leaves)
        return None if end is None else self.leaves[end]


def _of_one_function(there: list[list[int]], wanted: list[list[int]]) -> bool:
    """Whether two comparisons that are not the same may stand at one place of a function.

    Of an integer, with another number; or whether lanes fit a vmap, that goes other ways.
    """
    if len(there) == len(wanted) == 1:
        return there[0][0] == _EQUAL and there[0][:2] == wanted[0][:2]
    return [x[0] for x in there[-3:]] == [x[0] for x in wanted[-3:]] == [VMAP, PART, _EQUAL]
