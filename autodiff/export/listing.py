"""A program as every format writes it: in statements, one after the other.

* ``exported`` -- from a function to what leaves: a program without anything from outside, and how
  its inputs and outputs are arranged;
* ``statements`` -- a program in the order in which it is written: instructions that are done for
  many lanes, which a format writes as one loop, or one operation on arrays, and single ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays import data_of
from autodiff.compiler import loops
from autodiff.compiler.program import ARITY, Integers, Program, views
from autodiff.compiler.sums import sums
from autodiff.compiler.vectorize import grouped
from autodiff.engine.instructions import ADDED, PART, VMAP
from autodiff.engine.reals import describe
from autodiff.ops import CODES, ROWS, Row
from autodiff.transforms.cache import Jitted
from autodiff.transforms.lowered import Lowered
from autodiff.transforms.transform import Transform
from autodiff.transforms.vmap import Vmapped

_PRODUCTS, _TAKE = CODES["products"], CODES["take"]


class Exported(NamedTuple):
    """A function on its way out.

    Attributes:
        name: what messages call it.
        program: its program, whose inputs are the numbers of the arguments; what the function read
            from outside, parameters say, has become constants.
        inputs: what every input is called, ``x`` or ``xs[0]``.
        arguments: the name and the structure of every argument, those by position first.
        result: the structure of the result.
    """

    name: str
    program: Program
    inputs: list[str]
    arguments: list[tuple[str, Any]]
    result: Any


class Statement(NamedTuple):
    """Instructions of one operation, from ``first`` to ``end``, which do not need one another.

    Attributes:
        row: the operation.
        first, end: the instructions: the result of number ``k`` is in slot ``inputs + k``.
        operands: a table of references for every operand, a row for each instruction: with one
            column for a number, with as many as there are terms for a list.  Those of ``products``
            are its left and its right factors, those of ``take`` the list and the index.  A
            ``vmap`` has none here: see ``Program.vmap`` and ``Program.parts``.
    """

    row: Row
    first: int
    end: int
    operands: list[Integers]

    @property
    def lanes(self) -> int:
        """How many instructions there are."""
        return self.end - self.first


def exported(f: Any, *args: Any) -> Exported:
    """A function, its program, and how numbers are arranged in its arguments and its result.

    Args:
        f: what ``lower`` gave; or a jitted or transformed function, with example arguments.

    Raises:
        TypeError: if it is none of these, or uses a primitive that was added at run time.

    >>> from autodiff import Value, jit
    >>> w = Value(3.0)
    >>> found = exported(jit(lambda x: w * x), 2.0)
    >>> found.name, found.inputs, found.program.constants.tolist()
    ('jit(<lambda>)', ['x'], [3.0])
    """
    if isinstance(f, Lowered) and args:
        raise TypeError(f"{f.name} is lowered already: it takes no example arguments")
    if not isinstance(f, (Lowered, Jitted, Transform, Vmapped)):
        raise TypeError(
            "a function that jit, grad or another transform has made is expected, or what its "
            f"lower() gave, not {describe(f)}"
        )
    lowered = f if isinstance(f, Lowered) else f.lower(*args)
    _refuse_added(lowered.program, lowered.name)
    n = lowered.program.inputs - len(lowered.captured)
    program = _with_constants(lowered.program, n, np.array(data_of(lowered.captured)))
    names = lowered.input_names[:n]
    return Exported(lowered.name, program, names, lowered.arguments, lowered.result)


def _refuse_added(p: Program, name: str) -> None:
    """Raise TypeError for a primitive whose value is a Python function."""
    for op in np.unique(p.ops).tolist():
        if op >= ADDED:
            raise TypeError(
                f"{name} uses {ROWS[op].name}(), which was added at run time: it has no source"
            )
    for body in p.bodies:
        for q in body.programs:
            _refuse_added(q, name)


def _with_constants(p: Program, inputs: int, numbers: Any) -> Program:
    """The program with the inputs from ``inputs`` on become constants."""
    more = len(numbers)
    slots = np.arange(p.inputs + len(p), dtype=np.int32)
    slots[inputs : p.inputs] = -1 - len(p.constants) - np.arange(more)
    slots[p.inputs :] -= more
    moved = np.concatenate([slots, np.arange(-len(p.constants), 0, dtype=np.int32)])
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    loops.rename(*views(p.ops, a, b, entries, ARITY, moved))
    constants = np.concatenate([p.constants, numbers])
    outputs = moved[p.outputs]
    return replace(
        p, inputs=inputs, constants=constants, a=a, b=b, entries=entries, outputs=outputs
    )


def statements(p: Program) -> tuple[Program, list[Statement]]:
    """The program with its sums as one instruction each, reordered, and its statements in order.

    Nothing in it raises, so that what follows a guard may be computed before it; where a guard
    fails the outputs are not those of the function.

    >>> from autodiff.compiler.trace import trace
    >>> p = trace(lambda xs: [x * y for x in xs[:4] for y in xs[4:]], [1.0] * 8).program
    >>> q, (products,) = statements(p)
    >>> products.row.name, products.lanes, products.operands[0].T.tolist()
    ('mul', 16, [[0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]])
    """
    q, groups = grouped(sums(p), guarded=False)
    found: list[Statement] = []
    done = 0
    for first, end in [*groups, (len(q), len(q))]:
        found += [_statement(q, k, k + 1) for k in range(done, first) if q.ops[k] != PART]
        if first < end:
            found.append(_statement(q, first, end))
        done = end
    return q, found


def _statement(p: Program, first: int, end: int) -> Statement:
    """Some instructions of one operation as a statement."""
    op, n = int(p.ops[first]), end - first
    row, arity = ROWS[op], int(ARITY[op])
    if op == VMAP:
        return Statement(row, first, end, [])
    if arity:
        return Statement(row, first, end, [x[first:end].reshape(n, 1) for x in (p.a, p.b)[:arity]])
    terms = int(p.b[first])
    table = p.entries[p.a[first] : p.a[first] + n * terms].reshape(n, terms)
    if op == _PRODUCTS:
        return Statement(row, first, end, [table[:, ::2], table[:, 1::2]])
    if op == _TAKE:
        return Statement(row, first, end, [table[:, :-1], table[:, -1:]])
    columns = len(row.names) if row.over_lists else terms
    if row.name in ("pick", "guard"):
        columns = terms
    return Statement(row, first, end, np.split(table, columns, axis=1))
