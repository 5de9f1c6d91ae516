"""Programs of a step, made ready to be run step after step, forwards and back.

Compiled as ``value.py`` is; ``stepper.pxd`` gives the C types, ``steps.h`` what runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.compiler.derivatives import NOTHING_HELD, dependent
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import Floats, Program, reordered, views
from autodiff.compiler.sums import sums
from autodiff.engine.instructions import PART, STATIC
from autodiff.ops import CODES

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.compiler.interpreted import advance_steps, retreat_steps

DONE, IN_PYTHON, NO_WAY = 0, 1, 2  #: what ``advance`` and ``retreat`` come back with
#: What has a variant for an operand that is the result before.
ARITHMETIC = [CODES[name] for name in ("add", "sub", "mul", "div")]
OF_ONE = [CODES[name] for name in ("neg", "square")]
CHUNK = 1 << 22  #: instructions after which Python looks whether it is interrupted


class Stepper:
    """The ways of a step, ready to run.

    Args:
        ways: their programs.  Inputs are the carry, a step's own numbers, what is shared, and then
            adjoints; outputs the carry for the next step, and then results, or adjoints.
        carry, own, shared: how many of the first three inputs there are.
        adjoints: how many adjoints there are of the carry, of results, of a step's own numbers, and
            of what is shared; none in a scan.

    Attributes:
        row: how many numbers a step needs.
    """

    def __init__(
        self,
        ways: Sequence[Program],
        carry: int,
        own: int,
        shared: int,
        adjoints: tuple[int, int, int, int] | None = None,
    ) -> None:
        self._machines: list[Machine] = []
        self._bases: list[int] = []
        table, parts, self.row, self._room, self._length = [], [], 0, 1, 1
        self._inputs, self._shared = carry + own + shared, shared
        lengths = np.zeros(3, np.int64)  # of what is before a way: instructions, entries, outputs
        for way in ways:
            p, split = _split(sums(way), carry, self._inputs)
            constants = len(p.constants)
            base = self.row + constants
            table.append([base, p.inputs, len(p), *lengths.tolist(), split])
            lengths += [len(p), len(p.entries), len(p.outputs)]
            parts.append((_code(p), p.entries, p.outputs))
            self._machines.append(Machine(p))
            self._bases.append(base)
            self.row += constants + p.inputs + len(p)
            self._room = max(self._room, int(np.max(p.b[p.over_list], initial=1)))
            self._length = max(self._length, len(p))
        self._code: Any = views(
            np.array(table, np.int32).ravel(),
            *(np.concatenate(arrays) for arrays in zip(*parts, strict=True)),
        )
        self._carry = carry
        results = 0 if adjoints else len(ways[0].outputs) - carry
        self._forth, self._back = views(
            np.array([carry, own, results], np.intp),
            np.array([self._inputs, carry, *(adjoints or ())], np.intp),
        )

    def rows(self, n: int, shared: Floats) -> Any:
        """Room for so many steps: a row for each, with constants and what is shared in it."""
        w = np.zeros((n, self.row))
        for machine, base in zip(self._machines, self._bases, strict=True):
            numbers = machine.program.constants
            w[:, base - len(numbers) : base] = numbers[::-1]
            w[:, base + self._inputs - self._shared : base + self._inputs] = shared
        more = np.zeros(self._room), np.zeros(self._carry + 1), np.zeros(n, np.int32)
        return w, *views(w.ravel(), *more)

    def advance(
        self, steps: range, rows: Any, carry: Any, own: Any, results: Any, saved: Any, every: int
    ) -> int:
        """Run steps, one after the other in one row; how many could not be run.

        Args:
            steps: which.
            rows: room for one.
            carry: what the first of them gets; it becomes what the last leaves.
            own: the own numbers of all steps of the scan.
            results: what becomes their results.
            saved: gets the carry after every so many steps, the first row excepted.
            every: after how many; 0 for never.
        """
        w, numbers, scratch, following, _ = rows
        where = np.array([steps.start, 0, 0], np.intp)
        (none,) = views(np.zeros(0, np.int32))
        chunk = max(CHUNK // self._length, 1)
        end = min(steps.start + chunk, steps.stop)
        while True:
            (at,) = views(where)  # in Python, which looks whether it is interrupted
            numbers_of = (numbers, scratch, carry, following, own, results, none, saved, every)
            came = advance(*(at, steps.start, end, *self._code, 0, False, self._forth, *numbers_of))
            if came == IN_PYTHON:
                self._in_python(where, w[0])
            elif came == NO_WAY:
                return int(steps.stop - where[0])
            elif end == steps.stop:
                return 0
            else:
                where[1:], end = 0, min(end + chunk, steps.stop)

    def tape(self, steps: range, rows: Any, carry: Any, own: Any) -> None:
        """Run steps, each in a row of its own, so far as they need no adjoints.

        Args: as ``advance``; every step must have been run before.
        """
        w, numbers, scratch, following, chosen = rows
        where = np.array([steps.start, 0, 0], np.intp)
        (at,), none = views(where), views(np.zeros(1))[0]
        while True:
            numbers_of = (numbers, scratch, carry, following, own, none, chosen, none, 0)
            came = advance(
                *(
                    at,
                    steps.start,
                    steps.stop,
                    *self._code,
                    self.row,
                    True,
                    self._forth,
                    *numbers_of,
                )
            )
            if came == DONE:
                return
            assert came == IN_PYTHON
            self._in_python(where, w[where[0] - steps.start])

    def retreat(
        self, steps: range, rows: Any, back: Any, given: Any, of_own: Any, of_shared: Any
    ) -> None:
        """Go back over steps that ``tape`` has run.

        Args:
            steps: which.
            rows: those of ``tape``.
            back: the adjoints of the carry that the last of them leaves; they become those of the
                carry that the first of them gets.
            given: the adjoints of the results of all steps of the scan.
            of_own: what becomes those of their own numbers.
            of_shared: to these are added those of what is shared.
        """
        w, numbers, scratch, _, chosen = rows
        where = np.array([steps.stop - 1, 0, -1], np.intp)
        (at,) = views(where)
        while True:
            numbers_of = (numbers, scratch, back, given, of_own, of_shared, chosen)
            came = retreat(*(at, steps.start, *self._code, self.row, self._back, *numbers_of))
            if came == DONE:
                return
            assert came == IN_PYTHON
            self._in_python(where, w[where[0] - steps.start])

    def _in_python(self, at: Any, row: Any) -> None:
        """Do an instruction that Python must do, and go on behind it."""
        machine, base = self._machines[at[1]], self._bases[at[1]]
        machine.call(int(at[2]), row[base - len(machine.program.constants) :])
        at[2] += 1


def flat_view(x: Any) -> Any:
    """All numbers of an array as ``advance`` and ``retreat`` take them."""
    return views(x.ravel() if x.size else np.zeros(1))[0]


def _split(p: Program, carry: int, inputs: int) -> tuple[Program, int]:
    """A program with all that reads an adjoint at its end, and where that begins."""
    late = dependent(p, range(inputs, p.inputs), NOTHING_HELD)[p.inputs :]
    q, split = reordered(p, np.argsort(late, kind="stable")), int((late == 0).sum())
    assert (q.outputs[:carry] < p.inputs + split).all(), "the carry needs an adjoint"
    return q, split


def _code(p: Program) -> Any:
    """What ``ad_chain`` runs: for every instruction what to do, and its operands."""
    before = p.inputs + np.arange(len(p)) - 1  # the result that an instruction finds in a register
    kept = np.roll((p.ops < STATIC) & (p.ops != PART), 1)
    kept[:1] = False
    a = kept & np.isin(p.ops, ARITHMETIC + OF_ONE) & (p.a == before)
    b = kept & np.isin(p.ops, ARITHMETIC) & (p.b == before)
    ops = np.where(p.ops < STATIC, p.ops.astype(np.int32) + STATIC * (a + 2 * b), 4 * STATIC)
    return np.stack([ops, p.a, p.b], axis=1).astype(np.int32).ravel()


def advance(
    at: Any,
    first: Any,
    last: Any,
    ways: Any,
    code: Any,
    entries: Any,
    outputs: Any,
    stride: Any,
    to_split: Any,
    sizes: Any,
    w: Any,
    s: Any,
    carry: Any,
    following: Any,
    own: Any,
    results: Any,
    chosen: Any,
    saved: Any,
    every: Any,
) -> int:
    """Steps forwards, as ``ad_advance`` in ``steps.h`` says."""
    return advance_steps(
        at,
        first,
        last,
        ways,
        code,
        entries,
        outputs,
        stride,
        to_split,
        sizes,
        w,
        s,
        carry,
        following,
        own,
        results,
        chosen,
        saved,
        every,
    )


def retreat(
    at: Any,
    first: Any,
    ways: Any,
    code: Any,
    entries: Any,
    outputs: Any,
    stride: Any,
    sizes: Any,
    w: Any,
    s: Any,
    back: Any,
    given: Any,
    of_own: Any,
    of_shared: Any,
    chosen: Any,
) -> int:
    """Steps back, as ``ad_retreat`` in ``steps.h`` says."""
    return retreat_steps(
        at,
        first,
        ways,
        code,
        entries,
        outputs,
        stride,
        sizes,
        w,
        s,
        back,
        given,
        of_own,
        of_shared,
        chosen,
    )
