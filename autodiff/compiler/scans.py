"""What ``scan`` and ``loop`` do, as one instruction, and what its derivative by reverse mode does.

A *scan* runs a program step after step: the *carry* is what one step hands to the next.  A
*pullback* goes over the same steps backwards, and hands the adjoints of the carry from each step to
the one before.

Where derivatives begin with numbers that depend on nothing, the first steps have fewer tangents
than those in the middle, and the last ones fewer adjoints: a ``Run`` is a number of steps that are
alike.  So nothing is multiplied by an adjoint or a tangent that is 0 whatever the numbers are, and
0*inf does not arise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from autodiff.compiler.program import Body, Program


class Run(NamedTuple):
    """Steps that are alike.

    Attributes:
        steps: how many.
        ways: the programs of a step, each with its guards: the first of which no guard fails is
            right.  All have the same inputs, and as many outputs.
    """

    steps: int
    ways: tuple[Program, ...]


class _OfSteps(Body):
    """What a scan and its pullback have in common."""

    runs: tuple[Run, ...]

    @property
    def turns(self) -> list[tuple[int, tuple[Program, ...]]]:
        """For every step the programs of a step."""
        return [*self.runs]

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return sum(run.steps for run in self.runs)

    def alike(self) -> list[tuple[int, int]]:
        """How many steps are alike, and how many ways these may go."""
        return [(run.steps, len(run.ways)) for run in self.runs]

    def words(self, turns: int) -> str:
        """For how many steps some of its programs are."""
        return f"for {turns} {'step' if turns == 1 else 'steps'}"

    def _fault(self, inputs: int, outputs: int) -> str:
        shapes = {(q.inputs, len(q.outputs)) for q in self.programs}
        fits = shapes == {(inputs, outputs)} and all(n > 0 and ways for n, ways in self.runs)
        return "" if fits else "has programs of other inputs or outputs"


@dataclass(frozen=True, eq=False)
class Scan(_OfSteps):
    """Programs that are run step after step.

    Its operands are the carry that the first step gets; the numbers that each step has for itself,
    step after step; and those that all share.  Its results are the carry that the last step leaves;
    the results of every step, step after step; and whether for every step one of its programs was
    right.

    Attributes:
        runs: the steps.  A program has as inputs the carry, then a step's own numbers, then what is
            shared; as outputs the carry for the next step, then the results of this one.
        carry: how many numbers a step hands to the next.
        own: how many numbers each step has for itself.
    """

    runs: tuple[Run, ...]
    carry: int
    own: int
    word: ClassVar[str] = "scan"

    @property
    def shared(self) -> int:
        """How many numbers all steps share."""
        return self.programs[0].inputs - self.carry - self.own

    @property
    def results(self) -> int:
        """How many results each step has."""
        return len(self.programs[0].outputs) - self.carry

    @property
    def operands(self) -> int:
        """How many operands there are."""
        return self.carry + self.steps * self.own + self.shared

    def __len__(self) -> int:
        """How many results there are."""
        return self.carry + self.steps * self.results + 1

    def apart(self, operands: Any) -> tuple[Any, Any, Any]:
        """What stands for the carry, for a step's own numbers, a row each, and for what is shared.

        Of more than its operands, those of its pullback, the rest is left aside.
        """
        end = self.carry + self.steps * self.own
        own = operands[self.carry : end].reshape(self.steps, self.own)
        return operands[: self.carry], own, operands[end : end + self.shared]

    def shape(self) -> tuple[Any, ...]:
        """How many steps are alike, and by how many programs; the carry, and what is a step's."""
        return (self.alike(), self.carry, self.own)

    def fault(self) -> str:
        """Why its programs are not such as it can run; "" if they are."""
        if not self.programs or min(self.carry, self.own, self.shared, self.results) < 0:
            return "has programs of other inputs or outputs"
        return self._fault(self.programs[0].inputs, len(self.programs[0].outputs))


@dataclass(frozen=True, eq=False)
class Pullback(_OfSteps):
    """The derivatives of a scan by reverse mode: programs that are run from the last step back.

    Its operands are those of the scan; then the adjoints of the carry that the last step leaves;
    then those of the results of every step, step after step.  Its results are the adjoints of the
    carry that the first step gets; those of what every step has for itself, step after step; those
    of what is shared; and whether for every step one of the programs was right.

    The carries of all steps are not kept: from some of them, the checkpoints, the others are
    computed again.

    Attributes:
        scan: what it is the derivative of.
        runs: the steps.  A program has as inputs those of the scan's, then the adjoints of the
            carry that the step leaves, then those of its results; as outputs the carry for the next
            step, then the adjoints of the carry, of what is the step's own, and of what is shared.
        back: which numbers of the carry have an adjoint.
        given: which results of a step have one.
        by_own, by_shared: which of a step's own numbers, and of those that are shared, get one.
    """

    scan: Scan
    runs: tuple[Run, ...]
    back: tuple[int, ...]
    given: tuple[int, ...]
    by_own: tuple[int, ...]
    by_shared: tuple[int, ...]
    word: ClassVar[str] = "pullback"

    @property
    def carry(self) -> int:
        """How many numbers a step hands to the next."""
        return self.scan.carry

    @property
    def own(self) -> int:
        """How many numbers each step has for itself."""
        return self.scan.own

    @property
    def operands(self) -> int:
        """How many operands there are."""
        return self.scan.operands + len(self.back) + self.steps * len(self.given)

    def __len__(self) -> int:
        """How many results there are."""
        return len(self.back) + self.steps * len(self.by_own) + len(self.by_shared) + 1

    def shape(self) -> tuple[Any, ...]:
        """The scan's shape, and which numbers have and get adjoints."""
        return (
            self.alike(),
            *self.scan.shape(),
            self.back,
            self.given,
            self.by_own,
            self.by_shared,
        )

    def fault(self) -> str:
        """Why its programs are not such as it can run; "" if they are."""
        given = len(self.back) + len(self.given)
        inputs = self.scan.carry + self.scan.own + self.scan.shared + given
        outputs = self.carry + len(self.back) + len(self.by_own) + len(self.by_shared)
        if self.steps != self.scan.steps:
            return "has more or fewer steps than its scan"
        return self.scan.fault() or self._fault(inputs, outputs)
