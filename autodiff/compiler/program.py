"""The intermediate representation: a straight list of instructions, in arrays.

A program is in static single assignment form: every input and every instruction has a slot, slots
are written once, and an instruction reads slots before its own.  Slots are numbered from 0: first
the inputs, then the instructions.  A negative reference ``-1 - c`` reads constant ``c``.

An instruction's operation is the number of a row (``ops.ROWS``).  Operands of a row over one or
two scalars are ``a`` and ``b``; those of a row over lists or more scalars, and of a primitive that
was added at run time, are ``entries[a : a + b]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodiff.ops import INNER, ROWS, TABLE

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Codes = NDArray[np.uint16]

NONE = -(2**31) + 1  #: no reference

STATIC = 1 + len(TABLE) + len(INNER)  #: rows from this number on were added at run time
#: Of every row: how many operands it has, 0 for a list.
ARITY = np.zeros(2**16, np.uint8)
for _code, _row in enumerate(ROWS[:STATIC]):
    ARITY[_code] = 0 if not _code or _row.in_tuple else len(_row.names)


class Check(NamedTuple):
    """A comparison on which a program rests: its outcome, which comparison, the source line."""

    outcome: bool
    how: int  #: an index of ``traces.COMPARISONS``
    source: str


@dataclass(frozen=True)
class Program:
    """Instructions, and what they start from and end in.

    Attributes:
        inputs: how many inputs there are.
        constants: the numbers that negative references read.
        ops, a, b: of every instruction, its row and its operands.
        entries: the operands of those over lists, in the order of the instructions.
        outputs: references: the results, then the two sides of every check.
        checks: the comparisons that must come out as they did.
    """

    inputs: int
    outputs: Integers
    constants: Floats = field(default_factory=lambda: np.zeros(0))
    ops: Codes = field(default_factory=lambda: np.zeros(0, np.uint16))
    a: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    b: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    entries: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    checks: tuple[Check, ...] = ()

    def __len__(self) -> int:
        return len(self.ops)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all of it, if every row is the table's.

        Raises:
            TypeError: for a primitive that was added at run time: another process may number
                another one so.
        """
        for op in set(self.ops.tolist()):
            if op >= STATIC:
                raise TypeError(f"{ROWS[op].name} was added at run time: it cannot be pickled")
        return self.__dict__

    @property
    def results(self) -> Integers:
        """The references of the results alone."""
        return self.outputs[: len(self.outputs) - 2 * len(self.checks)]

    @property
    def sides(self) -> Integers:
        """The references of what the checks compare, two for each."""
        return self.outputs[len(self.outputs) - 2 * len(self.checks) :]

    def returning(self, results: Any) -> Program:
        """The program with other results, and the same checks."""
        return replace(self, outputs=np.concatenate([results, self.sides]).astype(np.int32))

    @property
    def over_list(self) -> NDArray[np.bool_]:
        """Of every instruction, whether its operands stand in ``entries``."""
        return np.equal(ARITY[self.ops], 0)

    def operands(self, k: int) -> list[int]:
        """The references that instruction ``k`` reads."""
        arity = ARITY[self.ops[k]]
        if arity == 0:
            return [int(ref) for ref in self.entries[self.a[k] : self.a[k] + self.b[k]]]
        return [int(self.a[k]), int(self.b[k])][:arity]


def views(*arrays: Any) -> list[Any]:
    """Arrays as the loops read and write them: interpreted, elements are then Python's numbers."""
    return [memoryview(x) for x in arrays]


def validate(p: Program, after: str = "") -> Program:
    """The program itself, if it is one.

    Raises:
        ValueError: naming ``after`` (a pass), the instruction and its operands.

    >>> validate(Program(1, np.array([3], np.int32)), "a pass")
    Traceback (most recent call last):
    ValueError: a pass: output 0 reads slot 3, but slots end at 0
    """

    def refuse(what: str, ref: int, end: int) -> None:
        if ref >= end or ref < -len(p.constants):
            there = f"slots end at {end - 1}" if ref >= 0 else f"there are {len(p.constants)}"
            kind = f"slot {ref}" if ref >= 0 else f"constant {-1 - ref}"
            raise ValueError(f"{after or 'program'}: {what} reads {kind}, but {there}")

    end, over_list = 0, p.over_list
    for k in range(len(p)):
        if over_list[k]:
            if not end <= p.a[k] <= p.a[k] + p.b[k] <= len(p.entries):
                raise ValueError(
                    f"{after or 'program'}: instruction {k} ({ROWS[p.ops[k]].name}) has entries "
                    f"{p.a[k]} to {p.a[k] + p.b[k]}, but those before end at {end}, and all at "
                    f"{len(p.entries)}"
                )
            end = p.a[k] + p.b[k]
        for ref in p.operands(k):
            refuse(f"instruction {k} ({ROWS[p.ops[k]].name})", ref, p.inputs + k)
    for i, ref in enumerate(p.outputs):
        refuse(f"output {i}", int(ref), p.inputs + len(p))
    return p
