"""What ``vmap``, ``scan`` and the derivative of a scan run, as loops in C over lanes or steps.

A *turn* is one lane, or one step; a function ``turn`` runs it by the first of its ways of which no
guard fails.  A function of the whole gives its results, and whether a turn failed.

The derivative of a scan runs the steps forwards and keeps checkpoints of the carry; then, segment
after segment from the last, it runs its steps again, keeps the carry of each, and goes back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from autodiff.compiler.passes import dead_code
from autodiff.compiler.program import Body, Integers, Mapped, Program
from autodiff.compiler.scans import Pullback, Scan
from autodiff.engine.reals import describe
from autodiff.export.c_loops import element

CACHE = 1 << 16  #: numbers of the carries that are kept, if there are so many: they fit the cache

Runs = Sequence[tuple[int, tuple[Program, ...]]]  #: for how many turns, the ways of each
Each = Callable[..., str]  #: an element of an array of references, by variables


def operands(body: Body, refs: Integers) -> list[Integers]:
    """The operands of a body, as tables: a row for each turn, or one list.

    Raises:
        TypeError: for a body of another kind.
    """
    if isinstance(body, Mapped):
        return _cut(refs, (body.lanes, body.own), (body.shared,))
    if isinstance(body, Scan):
        return _cut(refs, (body.carry,), (body.steps, body.own), (body.shared,))
    if isinstance(body, Pullback):
        of_scan = operands(body.scan, refs[: body.scan.operands])
        given = body.steps, len(body.given)
        return of_scan + _cut(refs[body.scan.operands :], (len(body.back),), given)
    raise TypeError(f"{describe(body)} cannot be written in C")


def _cut(refs: Integers, *shapes: tuple[int, ...]) -> list[Integers]:
    """References as tables of these shapes, one after the other."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(refs, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def turns(body: Body) -> dict[str, Runs]:
    """What runs a turn, by the end of its name."""
    if not isinstance(body, Pullback):
        return {"turn": body.turns}
    forth = [
        (run.steps, tuple(dead_code(q.returning(q.outputs[: body.carry])) for q in run.ways))
        for run in body.runs
    ]
    return {"turn": forth, "back": body.turns}


def turn(name: str, runs: Runs) -> str:
    """A function that runs turn ``i``, and returns 0 if one of its ways is right."""
    arguments = "const double *restrict x, double *restrict y, double *restrict u"
    lines, end = [], 0
    for number, (count, ways) in enumerate(runs):
        end += count
        calls = " && ".join(f"{name}_{number}_{j}(x, y, u)" for j in range(len(ways)))
        before = f"if (i < {end}) " if number < len(runs) - 1 else ""
        lines.append(f"    {before}return {calls};")
    unused = "    (void)i;\n" * (len(runs) == 1)
    return "\n".join(
        [f"static int {name}(int i, {arguments})\n{{\n{unused}" + lines[0], *lines[1:], "}"]
    )


class Room(NamedTuple):
    """How the room of a body is divided.

    Attributes:
        x, y: how many numbers a turn takes, and gives.
        kept: how many carries are kept, those of a segment.
        checkpoints: how many segments there are.
        carry: how many numbers these have.
    """

    x: int
    y: int
    kept: int = 0
    checkpoints: int = 0
    carry: int = 0

    @property
    def size(self) -> int:
        """How many numbers these are together."""
        return self.x + self.y + (self.kept + self.checkpoints) * self.carry


def room(body: Body) -> Room:
    """How the room of a body is divided."""
    x, y = body.programs[0].inputs, len(body.programs[0].outputs)
    if not isinstance(body, Pullback):
        return Room(x, y)
    kept = min(max(CACHE // max(body.carry, 1), math.isqrt(body.steps)), body.steps)
    return Room(x, y, kept, -(-body.steps // kept), body.carry)


def lines(body: Body, name: str, tables: list[Integers], each: Each) -> Iterator[str]:
    """What runs a body, to the end: numbers are written to ``r``, and ``x`` is its room.

    Args:
        body: the body.
        name: what its turns are called.
        tables: its operands.
        each: how these are read.
    """
    divided = room(body)
    yield f"double *const y = x + {divided.x}, *const u = x + {divided.size};"
    if isinstance(body, Mapped):
        yield from _mapped(body, name, tables, each)
    elif isinstance(body, Scan):
        yield from _scan(body, name, tables, each)
    elif isinstance(body, Pullback):
        yield from _pullback(body, divided, name, tables, each)


def _copy(n: int, to: str, first: int, given: str, sign: str = "=") -> Iterator[str]:
    """A loop that copies, or adds, so many numbers to an array from an element on."""
    if n:
        yield f"for (int k = 0; k < {n}; k++) {element(to, first, (1, 'k'))} {sign} {given};"


def _mapped(body: Mapped, name: str, tables: list[Integers], each: Each) -> Iterator[str]:
    own, shared = tables
    results, sums = body.results, body.sums
    after = body.lanes * results
    of_lane, totals = element("r", 0, (results, "i"), (1, "k")), element("r", after, (1, "k"))
    yield "int failed = 0;"
    if body.shared:
        yield from _copy(body.shared, "x", body.own, each(shared, "k"))
    yield from _copy(sums, "r", after, "0.0")
    yield f"for (int i = 0; i < {body.lanes}; i++) {{"
    if body.own:
        yield from _indented(_copy(body.own, "x", 0, each(own, "i", "k")))
    yield f"    const int fails = {name}_turn(i, x, y, u);"
    if results:
        yield f"    for (int k = 0; k < {results}; k++) {of_lane} = fails ? 0.0 : y[k];"
    if sums:
        term = element("y", results, (1, "k"))
        yield f"    if (!fails) for (int k = 0; k < {sums}; k++) {totals} += {term};"
    yield "    failed |= fails;"
    yield "}"
    yield f"r[{len(body) - 1}] = !failed;"
    yield "return failed;"


def _scan(body: Scan, name: str, tables: list[Integers], each: Each) -> Iterator[str]:
    carry, own, shared = tables
    n, results = body.carry, body.results
    yield "int i = 0;"
    yield from _begin(body, carry, shared, each)
    yield from _copy(body.steps * results, "r", n, "0.0")
    yield f"for (; i < {body.steps}; i++) {{"
    if body.own:
        yield from _indented(_copy(body.own, "x", n, each(own, "i", "k")))
    yield f"    if ({name}_turn(i, x, y, u)) break;"
    yield from _indented(_copy(n, "x", 0, "y[k]"))
    if results:
        to, given = element("r", n, (results, "i"), (1, "k")), element("y", n, (1, "k"))
        yield f"    for (int k = 0; k < {results}; k++) {to} = {given};"
    yield "}"
    yield from _copy(n, "r", 0, "x[k]")
    yield f"r[{len(body) - 1}] = i == {body.steps};"
    yield f"return i < {body.steps};"


def _begin(body: Scan, carry: Integers, shared: Integers, each: Each) -> Iterator[str]:
    """What the first step gets, and all share."""
    if body.carry:
        yield from _copy(body.carry, "x", 0, each(carry, "k"))
    if body.shared:
        yield from _copy(body.shared, "x", body.carry + body.own, each(shared, "k"))


def _pullback(
    body: Pullback, divided: Room, name: str, tables: list[Integers], each: Each
) -> Iterator[str]:
    carry, own, shared, back, given = tables
    n, steps, size = body.carry, body.steps, divided.kept
    nback, nown, nshared = len(body.back), len(body.by_own), len(body.by_shared)
    at_back = n + body.own + body.scan.shared
    of_own, of_shared = nback, nback + steps * nown
    from_own = [*_copy(body.own, "x", n, each(own, "i", "k"))] if body.own else []
    onwards = [
        *from_own,
        f"if ({name}_turn(i, x, y, u)) return 1;",
        *_copy(n, "x", 0, "y[k]"),
    ]
    if n:
        yield f"double *const kept = y + {divided.y}, *const checkpoint = kept + {size * n};"
    yield from _copy(len(body), "r", 0, "0.0")
    yield from _begin(body.scan, carry, shared, each)
    yield from _copy(nback + len(body.given), "x", at_back, "0.0")
    yield f"for (int first = 0; first < {steps}; first += {size}) {{"
    to = element("checkpoint", 0, (n, f"(first / {size})"), (1, "k"))
    yield from _indented([f"for (int k = 0; k < {n}; k++) {to} = x[k];"] * (n > 0))
    yield f"    if (first + {size} >= {steps}) break;"
    yield f"    for (int i = first; i < first + {size}; i++) {{"
    yield from _indented(onwards, 2)
    yield "    }"
    yield "}"
    if nback:
        yield from _copy(nback, "x", at_back, each(back, "k"))
    yield f"for (int first = {(steps - 1) // size * size}; first >= 0; first -= {size}) {{"
    yield f"    const int end = first + {size} < {steps} ? first + {size} : {steps};"
    yield from _indented([f"for (int k = 0; k < {n}; k++) x[k] = {to};"] * (n > 0))
    yield "    for (int i = first; i < end; i++) {"
    keep = element("kept", 0, (n, "(i - first)"), (1, "k"))
    yield from _indented([f"for (int k = 0; k < {n}; k++) {keep} = x[k];"] * (n > 0), 2)
    yield "        if (i + 1 == end) break;"
    yield from _indented(onwards, 2)
    yield "    }"
    yield "    for (int i = end - 1; i >= first; i--) {"
    yield from _indented([f"for (int k = 0; k < {n}; k++) x[k] = {keep};"] * (n > 0), 2)
    yield from _indented(from_own, 2)
    if body.given:
        yield from _indented(_copy(len(body.given), "x", at_back + nback, each(given, "i", "k")), 2)
    yield f"        if ({name}_back(i, x, y, u)) {{"
    yield from _indented(_copy(len(body), "r", 0, "0.0"), 3)
    yield "            return 1;"
    yield "        }"
    yield from _indented(_copy(nback, "x", at_back, element("y", n, (1, "k"))), 2)
    if nown:
        to = element("r", of_own, (nown, "i"), (1, "k"))
        term = element("y", n + nback, (1, "k"))
        yield f"        for (int k = 0; k < {nown}; k++) {to} = {term};"
    term = element("y", n + nback + nown, (1, "k"))
    yield from _indented(_copy(nshared, "r", of_shared, term, "+="), 2)
    yield "    }"
    yield "}"
    yield from _copy(nback, "r", 0, element("x", at_back, (1, "k")))
    yield f"r[{len(body) - 1}] = 1.0;"
    yield "return 0;"


def _indented(some: Iterator[str] | Sequence[str], by: int = 1) -> Iterator[str]:
    for line in some:
        yield "    " * by + line
