"""A call of a program, recorded as nodes: one for every result, over the Values that came in.

Where Values come in, as arguments or because the function closes over them, ``jit`` runs its
program together with the derivatives of the results.  Of these numbers ``Recorder`` makes nodes
like any other, with fixed operands and partials, which ``backward()`` sweeps in one step each.
For ``backward(create_graph=True)`` a node knows its ``Recorded`` call, which replays the program of
the derivatives on Values.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler import derivatives
from autodiff.compiler.passes import dead_code
from autodiff.compiler.program import Floats, Program
from autodiff.compiler.simplify import simplified
from autodiff.compiler.trace import outputs_of, replay
from autodiff.compiler.vectorize import Tiered
from autodiff.lists import leaving_out, record_call
from autodiff.value import Value, number_of

MOST = 32  #: results that are recorded so; for more, a row of derivatives each would cost too much


class Recorder:
    """A program with the derivatives of its results by some inputs, ready to be recorded.

    Args:
        program: the program, without guards.
        by: the inputs that are Values: some of the arguments, then all that was captured.
        captured: the Values that the program captured.
        name: of the nodes.
    """

    def __init__(
        self, program: Program, by: Sequence[int], captured: list[Value], name: str
    ) -> None:
        refs, self._which = np.unique(program.outputs, return_inverse=True)
        p = program.returning(refs)  # every result once
        touched = derivatives.dependent(p, by, derivatives.NOTHING_HELD)
        q, reached = derivatives.rows(p, by)
        self._name = name
        self._captured = captured
        self._program = simplified(q)
        self._machine = Tiered(self._program)
        self._ends = np.cumsum([len(refs), *reached.sum(axis=1)]).tolist()
        self._taken = [np.flatnonzero(row).tolist() for row in reached]
        self._touched = [ref >= 0 and bool(touched[ref]) for ref in refs.tolist()]
        self._rows: dict[int, Program] = {}
        #: the inputs that the operands of every node stand for
        self.places = [[by[i] for i in taken] for taken in self._taken]
        self._shared = [] if len(by) > len(captured) else self._operands(captured)
        # An operand that is not chosen gets no adjoint, not 0 times one that may be infinite.
        self._chosen: Tiered | None = None
        if derivatives.CHOICES[p.ops].any():
            which, unsure = derivatives.chosen(p, by, reached)
            parts = np.searchsorted(unsure, np.subtract(self._ends, self._ends[0])).tolist()
            #: of every node, its operands that may not be chosen, and where the marks of them are
            self._unsure = [
                ((unsure[a:b] + self._ends[0] - end).astype(np.int32), slice(a, b))
                for end, (a, b) in zip(self._ends, pairwise(parts), strict=False)
            ]
            self._chosen = Tiered(simplified(which)) if len(unsure) else None

    def record(self, inputs: Floats, arguments: list[Value]) -> list[Any]:
        """The results, recorded: Values, and floats where they depend on none.

        Args:
            inputs: the numbers of all inputs.
            arguments: the Values among the arguments.
        """
        found = self._machine(inputs)
        assert found is not None  # there are no guards
        operands = self._shared or self._operands([*arguments, *self._captured])
        if self._chosen is not None:
            marks: Any = self._chosen(inputs)
            operands = [
                leaving_out(xs, places, marks[part])
                for xs, (places, part) in zip(operands, self._unsure, strict=True)
            ]
        results: list[Any] = []
        for i, x in enumerate(found[: self._ends[0]].tolist()):
            if operands[i]:
                partials = array("d", found[self._ends[i] : self._ends[i + 1]].tobytes())
                call = Recorded(self, i, inputs)
                results.append(record_call(operands[i], x, partials, call, self._name))
            else:  # what depends on Values that are held constant is a Value too
                results.append(Value(x) if self._touched[i] else x)
        return [results[i] for i in self._which.tolist()]

    def row(self, result: int) -> Program:
        """The program of the derivatives of a result by its operands."""
        if result not in self._rows:
            p = self._program
            outputs = p.outputs[self._ends[result] : self._ends[result + 1]]
            self._rows[result] = dead_code(p.returning(outputs))
        return self._rows[result]

    def _operands(self, values: list[Value]) -> list[tuple[Any, ...]]:
        """The operands of every result, of the Values that are at ``by``."""
        n = len(values)
        return [tuple(values if len(t) == n else [values[i] for i in t]) for t in self._taken]


class Recorded(NamedTuple):
    """One result of a recorded call: what ``second_order`` asks about its node.

    Attributes:
        recorder: what recorded it.
        result: which of its results.
        inputs: the numbers of all inputs of the program.
    """

    recorder: Recorder
    result: int
    inputs: Floats

    def changed(self, operands: tuple[Any, ...]) -> bool:
        """Whether an operand is no longer what it was, to the bit."""
        now = self.inputs.copy()
        for place, x in zip(self.recorder.places[self.result], operands, strict=True):
            if type(x) is Value:
                now[place] = number_of(x)
        return now.tobytes() != self.inputs.tobytes()

    def partials(self, operands: tuple[Any, ...]) -> list[Any]:
        """The partials by the operands, recorded: Values, or floats where they are constant."""
        xs: list[Any] = self.inputs.tolist()
        for place, x in zip(self.recorder.places[self.result], operands, strict=True):
            if type(x) is Value:
                xs[place] = x
        p = self.recorder.row(self.result)
        return outputs_of(p, replay(p, xs))


def too_many(program: Program, by: Sequence[int]) -> bool:
    """Whether more results than ``MOST`` depend on these inputs."""
    refs = np.unique(program.outputs)
    return int(derivatives.dependent(program, by)[refs[refs >= 0]].sum()) > MOST
