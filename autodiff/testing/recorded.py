"""A run of a function as a list of operations: what it computed, from what, on which lines.

The function runs once in a trace, as for ``jit``.  What a ``vmap`` runs is taken apart into its
lanes, and what a ``scan`` runs into its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autodiff.compiler.program import GUARD, Mapped, Program
from autodiff.compiler.scans import Scan
from autodiff.compiler.trace import GuardFails, Run, replay, run
from autodiff.engine.instructions import ADDED, HELD, PART, STATIC, VMAP
from autodiff.engine.lock import alone
from autodiff.engine.reals import describe
from autodiff.ops import CODES, COMPARISONS, ROWS
from autodiff.sweeps import recorded_in, source_of, visit
from autodiff.transforms.pytrees import integers, listed, size, tree_unflatten
from autodiff.transforms.results import flatten_result, one_number
from autodiff.value import Value, code_of, number_of

_ADD = CODES["add"]
_COMPARISONS = {CODES[name] for name in COMPARISONS}
_HELD = {CODES[name] for name in HELD}


class Node(NamedTuple):
    """An operation, or a number that is given.

    Attributes:
        op: the number of its row; 0 for what is given.
        operands: which nodes it reads.
        number: what it was, as a float.
        source: the line of the user's program that computed it.
        active: whether the derivative by an input goes through it.
    """

    op: int
    operands: tuple[int, ...]
    number: float
    source: str
    active: bool


class Comparison(NamedTuple):
    """A comparison that decided how the function went on."""

    outcome: bool
    op: int
    left: int
    right: int
    source: str


class Recorded(NamedTuple):
    """A function's run.

    Attributes:
        nodes: the inputs, then the rest, operands before results.
        inputs: how many inputs there are.
        result: the node that was returned.
        comparisons: those that were made.
    """

    nodes: list[Node]
    inputs: int
    result: int
    comparisons: list[Comparison]


def record(
    f: Callable[..., Any], shapes: Sequence[Any], numbers: Sequence[float], name: str
) -> Recorded:
    """Run a function once, on Values.

    Args:
        f: a function that returns one number.
        shapes: the structures of its arguments.
        numbers: those of all arguments, one by one.
        name: what messages call the run.

    Raises:
        TypeError: if ``f`` is no function or returns anything but one number, or where a primitive
            that is not in the table was used.
        RuntimeError: if it reads ``.data``, or does something else that no trace shows.

    >>> from autodiff.transforms.pytrees import NUMBER
    >>> recorded = record(lambda x: x * x + 1, [NUMBER], [3.0], "f")
    >>> [(ROWS[node.op].name, node.operands, node.number) for node in recorded.nodes]
    [('', (), 3.0), ('mul', (0, 0), 9.0), ('', (), 1.0), ('add', (1, 2), 10.0)]
    """
    if not callable(f):
        raise TypeError(f"{name}: f must be a function, not {describe(f)}")

    def on_values(xs: list[Any]) -> list[Any]:
        values, found = iter(xs), list[Any]()
        result = flatten_result(f(*(tree_unflatten(s, values) for s in shapes)), found, name)
        return [one_number(listed(found), result, name)]

    places, first = [], 0
    for shape in shapes:
        places += integers(shape, first)
        first += size(shape)
    made = run(on_values, numbers, frozen=True, name=name, integers=places)
    try:
        return alone(_taken_apart, made, name)
    finally:
        made.trace.forget()


def _taken_apart(made: Run, name: str) -> Recorded:
    """What a run computed."""
    trace, inputs, (result,), _ = made
    nodes = _Nodes(trace.bodies, name)
    where = {id(x): nodes.given(number_of(x), True) for x in inputs}
    results: dict[int, list[int]] = {}  # of a vmap or a scan

    def place(x: Any) -> int:
        if type(x) is Value:
            return where[id(x)]
        return nodes.given(x, False)

    sides = [x for guard in trace.guards for x in (guard.left, guard.right)]
    for v in visit([x for x in [result, *sides] if type(x) is Value], trace, inputs):
        op = code_of(v)
        if op == 0 or not recorded_in(v, trace):
            where[id(v)] = nodes.given(number_of(v), False)
        elif op == PART:
            vmap, which = v.operands
            where[id(v)] = results[id(vmap)][int(which)]
        elif op == VMAP:
            *operands, number = map(place, v.operands)
            body = trace.bodies[int(nodes.list[number].number)]
            results[id(v)] = nodes.body(body, operands, source_of(v))
        else:
            nodes.computed(op, tuple(map(place, v.operands)), number_of(v), source_of(v))
            where[id(v)] = len(nodes.list) - 1
    for guard in trace.guards:
        sides_at = place(guard.left), place(guard.right)
        nodes.comparisons.append(Comparison(guard.outcome, guard.op, *sides_at, guard.source))
    return Recorded(nodes.list, len(inputs), place(result), nodes.comparisons)


class _Nodes:
    """Nodes, as they are added."""

    def __init__(self, bodies: Sequence[Any], name: str) -> None:
        self.list: list[Node] = []
        self.comparisons: list[Comparison] = []
        self.bodies = bodies
        self.name = name

    def given(self, number: float, active: bool) -> int:
        """Add a number that is given; where it is."""
        self.list.append(Node(0, (), number, "", active))
        return len(self.list) - 1

    def computed(self, op: int, operands: tuple[int, ...], number: float, source: str) -> int:
        """Add an operation; where it is."""
        if op >= ADDED:
            raise TypeError(
                f"{self.name}: {ROWS[op].name}(), used at {source}, is a primitive of your own, "
                "known on floats only: write it in autodiff's functions"
            )
        if op >= STATIC:
            raise TypeError(f"{self.name}: {ROWS[op].name}, at {source}, is not known here")
        active = op not in _HELD and any(self.list[k].active for k in operands)
        self.list.append(Node(op, operands, number, source, active))
        return len(self.list) - 1

    def body(self, body: Any, operands: list[int], source: str) -> list[int]:
        """Add what a ``vmap`` or a ``scan`` runs; where its results are."""
        if isinstance(body, Mapped):
            return self.lanes(body, operands, source)
        if isinstance(body, Scan):
            return self.steps(body, operands, source)
        raise TypeError(
            f"{self.name}: a {type(body).__name__.lower()}, at {source}, is not known here: call "
            "the function in a Python loop"
        )

    def lanes(self, body: Mapped, operands: list[int], source: str) -> list[int]:
        """Add what a ``vmap`` runs, lane by lane."""
        cut = body.lanes * body.own
        columns = [
            self.ways(body.ways, operands[i : i + body.own] + operands[cut:], source)
            for i in range(0, cut, body.own)
        ]
        found = [k for column in columns for k in column[: body.results]]
        for j in range(body.results, body.results + body.sums):
            total = columns[0][j]
            for column in columns[1:]:
                number = self.list[total].number + self.list[column[j]].number
                total = self.computed(_ADD, (total, column[j]), number, source)
            found.append(total)
        return [*found, self.given(1.0, False)]

    def steps(self, scan: Scan, operands: list[int], source: str) -> list[int]:
        """Add what a ``scan`` runs, step by step."""
        cut = scan.carry + scan.steps * scan.own
        carry, shared, results = operands[: scan.carry], operands[cut:], []
        at = scan.carry
        for steps, ways in scan.turns:
            for _ in range(steps):
                inputs = [*carry, *operands[at : at + scan.own], *shared]
                found = self.ways(ways, inputs, source)
                carry, at = found[: scan.carry], at + scan.own
                results += found[scan.carry :]
        return [*carry, *results, self.given(1.0, False)]

    def ways(self, ways: Sequence[Program], inputs: list[int], source: str) -> list[int]:
        """Add the first of these programs that is right; where its results are."""
        numbers = [self.list[k].number for k in inputs]
        for p in ways[:-1]:
            try:
                return self.program(p, inputs, replay(p, numbers), source)
            except GuardFails:
                continue
        return self.program(ways[-1], inputs, replay(ways[-1], numbers), source)

    def program(self, p: Program, inputs: list[int], numbers: list[Any], source: str) -> list[int]:
        """Add the instructions of a program, whose slots have these numbers; its results."""
        constants = [self.given(x, False) for x in p.constants.tolist()]
        slots: list[Any] = [*inputs]

        def place(ref: int) -> Any:
            return slots[ref] if ref >= 0 else constants[-1 - ref]

        for k, op in enumerate(p.ops.tolist()):
            refs = p.operands(k)
            if op == GUARD:
                self.guard(place(refs[0]), p.sources[int(p.number(refs[2]))])
                slots.append(place(refs[0]))
            elif op == VMAP:
                slots.append(self.body(p.call(k)[0], [*map(place, refs[:-1])], source))
            elif op == PART:
                slots.append(place(refs[0])[int(p.number(refs[1]))])
            else:
                number = numbers[p.inputs + k]
                slots.append(self.computed(op, tuple(map(place, refs)), number, source))
        return [place(ref) for ref in p.outputs.tolist()]

    def guard(self, k: int, source: str) -> None:
        """Add the comparison that a guard rests on."""
        node = self.list[k]
        if node.op in _COMPARISONS:
            left, right = node.operands
            self.comparisons.append(Comparison(node.number == 1.0, node.op, left, right, source))
