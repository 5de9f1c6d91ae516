"""What there is to draw: the nodes of a graph of Values, or of a program, in plain lists.

* ``Nodes`` -- operations, operands, numbers, names: one list each, operands before results;
* ``of_values``, ``of_program`` -- from what is recorded, and from what is compiled;
* ``names_in`` -- what Values are called in a namespace such as ``locals()``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import copysign, prod
from typing import Any

import numpy as np

from autodiff.compiler.lanes import AXES, SCATTER
from autodiff.compiler.program import Program
from autodiff.compiler.sums import sums
from autodiff.compiler.vectorize import grouped, steps_of
from autodiff.engine.reals import describe, dictionary
from autodiff.ops import ROWS
from autodiff.sweeps import source_of, topological_order
from autodiff.value import Value, code_of

CONSTANT = "(constant)"  #: the operation of a number in the formula; no primitive is called so


@dataclass
class Nodes:
    """The nodes of a graph: entry ``i`` of every list is of node ``i``.

    Attributes:
        ops: the name of its row; ``""`` for a leaf, ``CONSTANT`` for a number in the formula,
            which is one node however often it is used.
        operands: the nodes it is computed from, in order; ``x * x`` has ``x`` twice.
        names: what it is called, or ``""``.
        scopes: the scope it was recorded in.
        sources: the line that recorded it, where that is known.
        data: its number; of the instructions of a program there is none, and the list is empty.
        grads: its gradient, likewise.
        partials: its partial derivatives, one an operand, likewise.
        roots: the results.
        vectors: in a program, runs of instructions that are one vector instruction: the first node,
            the one after the last, and the shape.
    """

    ops: list[str] = field(default_factory=list)
    operands: list[tuple[int, ...]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    data: list[float] = field(default_factory=list)
    grads: list[float] = field(default_factory=list)
    partials: list[tuple[float, ...]] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    vectors: list[tuple[int, int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ops)

    def is_given(self, i: int) -> bool:
        """Whether a node is given rather than computed: a leaf or a constant."""
        return self.ops[i] in ("", CONSTANT)

    def add(
        self, op: str, operands: tuple[int, ...], name: str = "", scope: str = "", source: str = ""
    ) -> int:
        """Append a node; its number."""
        self.ops.append(op)
        self.operands.append(operands)
        self.names.append(name)
        self.scopes.append(scope)
        self.sources.append(source)
        return len(self.ops) - 1


def of_values(roots: Iterable[Value], names: Mapping[int, str] | None = None) -> Nodes:
    """The nodes of which ``roots`` were computed, and they themselves.

    Args:
        roots: the results.
        names: of Values, by ``id``, what those are called that have no name of their own.

    >>> x = Value(3.0, name="x")
    >>> nodes = of_values([x * x + 1])
    >>> nodes.ops, nodes.operands
    (['', 'mul', '(constant)', 'add'], [(), (0, 0), (), (1, 2)])
    """
    roots = list(roots)
    others = names or {}
    nodes = Nodes()
    numbers: dict[Any, int] = {}  # of Values by id, and of constants by their number
    for v in topological_order(roots):
        operands = []
        for x in v.operands:
            if isinstance(x, Value):
                operands.append(numbers[id(x)])
                continue
            key = (x, copysign(1.0, x)) if x == x else "nan"
            if key not in numbers:
                numbers[key] = nodes.add(CONSTANT, ())
                nodes.data.append(x)
                nodes.grads.append(0.0)
                nodes.partials.append(())
            operands.append(numbers[key])
        name = v.name or others.get(id(v), "")
        op = ROWS[code_of(v)].name
        numbers[id(v)] = nodes.add(op, tuple(operands), name, v.scope, source_of(v))
        gradient = v.grad
        nodes.data.append(v.data)
        nodes.partials.append(v.partials)
        nodes.grads.append(gradient.data if isinstance(gradient, Value) else gradient)
    nodes.roots = [numbers[id(root)] for root in roots]
    return nodes


# -- programs --------------------------------------------------------------------------------------


def of_program(p: Program, inputs: list[str]) -> Nodes:
    """The nodes of a program: inputs, constants, and instructions as they run.

    Sums are one instruction each, and instructions that do the same side by side form vectors.

    Args:
        p: the program.
        inputs: what its inputs are called.
    """
    q, groups = grouped(sums(p))
    nodes = Nodes()
    slots = [nodes.add("", (), name) for name in inputs]
    constants: dict[int, int] = {}

    def read(ref: int) -> int:
        if ref >= 0:
            return slots[ref]
        if ref not in constants:
            constants[ref] = nodes.add(CONSTANT, (), f"{q.constants[-1 - ref]:.4g}")
        return constants[ref]

    for k in range(len(q)):
        operands = q.operands(k)
        name = ROWS[q.ops[k]].name
        if name in ("vmap", "part", "guard"):  # the last says which body, result or guard it is
            operands = operands[:-1]
        if name == "vmap":
            name = q.call(k)[0].word
        operands_read = tuple([read(ref) for ref in operands])
        slots.append(nodes.add(name, operands_read))
    nodes.roots = [read(ref) for ref in q.outputs.tolist()]
    shapes, instructions = _shapes(q, groups), slots[len(inputs) :]
    for (first, end), shape in zip(groups, shapes, strict=True):
        nodes.vectors.append((instructions[first], instructions[end - 1] + 1, shape))
    return nodes


def _shapes(p: Program, groups: list[tuple[int, int]]) -> list[str]:
    """The shape of every vector instruction: its axes, and how many terms each of its sums has."""
    axes = {
        row[1]: row[4 : 4 + AXES] for row in steps_of(p, groups).rows if row[0] not in (0, SCATTER)
    }
    shapes = []
    for first, end in groups:
        sizes = [n for n in axes.get(first, ()) if n > 1]
        if prod(sizes) != end - first:  # a scatter, or more than is done in one step
            sizes = [end - first]
        shape = " \N{MULTIPLICATION SIGN} ".join(map(str, sizes))
        name = ROWS[p.ops[first]].name
        terms = {"products": int(p.b[first]) // 2, "chain": int(p.b[first])}.get(name)
        shapes.append(f"{shape}, {terms} terms" if terms else shape)
    return shapes


# -- names -----------------------------------------------------------------------------------------


def names_in(namespace: Any) -> dict[int, str]:
    """What Values are called in a namespace, by ``id``: variables, and what stands in them.

    Lists, tuples, dicts and arrays are gone through, and modules of nets; what holds no Values is
    passed over, and so is what a notebook keeps for itself.  The first name that is found counts,
    and a variable's before an element's.

    Raises:
        TypeError: if the namespace is no dict.

    >>> a, b = Value(1.0), Value(2.0)
    >>> sorted(names_in({"a": a, "pair": [a, b]}).values())
    ['a', 'pair[1]']
    """
    found: dict[int, str] = {}
    pending: list[tuple[str, Any]] = []
    for name, x in dictionary(namespace, "names").items():
        if not isinstance(name, str):
            raise TypeError(f"names must be strings, not {describe(name)}")
        if isinstance(x, Value):
            found.setdefault(id(x), name)
        elif not name.startswith("_") and name not in ("In", "Out"):
            pending.append((name, x))
    seen: set[int] = set()
    pending.reverse()
    while pending:
        name, x = pending.pop()
        if isinstance(x, Value):
            found.setdefault(id(x), name)
        elif id(x) not in seen:
            seen.add(id(x))
            pending += reversed([*_parts(name, x)])
    return found


def _parts(name: str, x: Any) -> Iterator[tuple[str, Any]]:
    """What stands in a container, with its name."""
    if isinstance(x, (list, tuple)):
        for i, element in enumerate(x):
            yield f"{name}[{i}]", element
    elif isinstance(x, np.ndarray) and x.dtype == object:
        for place, element in np.ndenumerate(x):
            yield f"{name}[{', '.join(map(str, place))}]", element
    elif isinstance(x, dict):
        for key, element in x.items():
            yield f"{name}[{key!r}]", element
    elif callable(getattr(x, "named_parameters", None)) and not isinstance(x, type):
        for path, parameter in x.named_parameters():
            yield f"{name}.{path}", parameter
