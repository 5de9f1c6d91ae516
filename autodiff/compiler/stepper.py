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
            adjoints; outputs the carry for the next step, and then other results.
        inputs: how many inputs there are before the adjoints.

    Attributes:
        row: how many numbers a step needs.
    """

    def __init__(self, ways: Sequence[Program], inputs: int) -> None:
        self._machines: list[Machine] = []
        self._bases: list[int] = []
        table, parts, self.row, self.room, self.length = [], [], 0, 1, 1
        lengths = np.zeros(3, np.int64)  # of what is before a way: instructions, entries, outputs
        for way in ways:
            p, split = _split(sums(way), inputs)
            constants = len(p.constants)
            base = self.row + constants
            table.append([base, p.inputs, len(p), *lengths.tolist(), split])
            lengths += [len(p), len(p.entries), len(p.outputs)]
            parts.append((_code(p), p.entries, p.outputs))
            self._machines.append(Machine(p))
            self._bases.append(base)
            self.row += constants + p.inputs + len(p)
            self.room = max(self.room, int(np.max(p.b[p.over_list], initial=1)))
            self.length = max(self.length, len(p))
        self._inputs = inputs
        self._code = views(
            np.array(table, np.int32).ravel(),
            *(np.concatenate(arrays) for arrays in zip(*parts, strict=True)),
        )

    def rows(self, n: int, shared: Floats) -> Any:
        """So many rows of numbers, with constants and what is shared in their places."""
        w = np.zeros((n, self.row))
        for machine, base in zip(self._machines, self._bases, strict=True):
            numbers = machine.program.constants
            w[:, base - len(numbers) : base] = numbers[::-1]
            w[:, base + self._inputs - len(shared) : base + self._inputs] = shared
        return w

    def advance(
        self,
        steps: range,
        w: Any,
        carry: Floats,
        own: Any,
        results: Any,
        chosen: Any = None,
    ) -> int:
        """Run steps, and change the carry; how many could not be run.

        Args:
            steps: which.
            w: a row of numbers; or, to come back, one for each step.
            carry: what the first of them gets; then what the last leaves.
            own: a row for every step of the scan: its own numbers.
            results: likewise, what becomes its results.
            chosen: gets which way each of these steps goes; then they go only as far as they need
                no adjoints.
        """
        back = chosen is not None
        stride = self.row if len(w) > 1 else 0
        sizes = np.array([len(carry), own.shape[1], 0 if back else results.shape[1]], np.intp)
        at = np.array([steps.start, 0, 0], np.intp)
        arrays = (w.ravel(), np.zeros(self.room), carry, np.zeros(len(carry)))
        given = views(*(_not_empty(x) for x in (*arrays, own.ravel(), results.ravel())))
        ways = views(np.zeros(0, np.int32) if chosen is None else chosen)[0]
        chunk = len(steps) if stride else max(CHUNK // self.length, 1)
        end = min(steps.start + chunk, steps.stop)
        while True:
            came = advance(
                *(views(at)[0], steps.start, end, *self._code, stride, back, views(sizes)[0]),
                *(*given, ways),
            )
            if came == IN_PYTHON:
                self._in_python(at, w[(at[0] - steps.start) * bool(stride)])
            elif came == NO_WAY:
                return int(steps.stop - at[0])
            elif end == steps.stop:
                return 0
            else:
                at[1:], end = 0, min(end + chunk, steps.stop)

    def retreat(
        self,
        steps: range,
        w: Any,
        back: Floats,
        given: Any,
        of_own: Any,
        of_shared: Floats,
        chosen: Any,
        carry: int,
    ) -> None:
        """Go back over steps, and change the adjoints of the carry.

        Args:
            steps: which.
            w: the rows of numbers that they left.
            back: the adjoints of the carry that the last of them leaves; then that of the first.
            given: a row for every step of the scan: the adjoints of its results.
            of_own: likewise, what becomes those of its own numbers.
            of_shared: to these are added those of what is shared.
            chosen: which way each of these steps went.
            carry: how many numbers the carry has.
        """
        sizes = [self._inputs, carry, len(back), given.shape[1], of_own.shape[1], len(of_shared)]
        at = np.array([steps.stop - 1, 0, -1], np.intp)
        arrays = (w.ravel(), np.zeros(self.room), back, given.ravel(), of_own.ravel(), of_shared)
        numbers = views(*(_not_empty(x) for x in arrays))
        (which,) = views(chosen)
        while True:
            came = retreat(
                *(views(at)[0], steps.start, *self._code, self.row),
                *(views(np.array(sizes, np.intp))[0], *numbers, which),
            )
            if came == DONE:
                return
            assert came == IN_PYTHON  # what fails has failed on the way here
            self._in_python(at, w[at[0] - steps.start])

    def _in_python(self, at: Any, row: Any) -> None:
        """Do an instruction that Python must do, and go on behind it."""
        machine, base = self._machines[at[1]], self._bases[at[1]]
        machine.call(int(at[2]), row[base - len(machine.program.constants) :])
        at[2] += 1


def _not_empty(x: Any) -> Any:
    return x if x.size else np.zeros(1)


def _split(p: Program, inputs: int) -> tuple[Program, int]:
    """A program with all that reads an adjoint at its end, and where that begins."""
    late = dependent(p, range(inputs, p.inputs), NOTHING_HELD)[p.inputs :]
    return reordered(p, np.argsort(late, kind="stable")), int((late == 0).sum())


def _code(p: Program) -> Any:
    """What ``ad_chain`` runs: for every instruction what to do, and its operands."""
    before = p.inputs + np.arange(len(p)) - 1  # the result that an instruction finds in a register
    kept = np.append(False, (p.ops[:-1] < STATIC) & (p.ops[:-1] != PART))[: len(p)]
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
