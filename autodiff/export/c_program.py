"""A program as functions in C: its statements one after the other, and what its vmaps run.

A long program is cut into several functions, as compilers take more than linear time for long ones.
A function returns 0, or the number of the guard that fails, of the ``take`` whose index is out of
range, or of the ``vmap`` in a lane of which one of these happens in every way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from autodiff.compiler.lanes import AXES
from autodiff.compiler.passes import uses_of
from autodiff.compiler.program import Program
from autodiff.compiler.scatter import Scatter, scatter_of
from autodiff.engine.instructions import PART
from autodiff.export.c_bodies import lines as lines_of
from autodiff.export.c_bodies import room, turn, turns
from autodiff.export.c_loops import WRITTEN, element, loops, operation
from autodiff.export.c_memory import Memory, literal
from autodiff.export.listing import Statement, statements
from autodiff.ops import COMPARISONS, ROWS

LONG = 100  #: lines, or so, of a function
_WORDS = "in a turn of {} every way fails"


@dataclass
class File:
    """What is written so far.

    Attributes:
        name: what messages call the program.
        rows: the rows whose functions are needed.
        functions: functions and tables, each after those that it needs.
    """

    name: str
    rows: set[str] = field(default_factory=set)
    functions: list[str] = field(default_factory=list)


def comment(text: str) -> str:
    r"""Text that may stand in a comment.

    >>> comment("a */ b\n")
    'a * / b\\n'
    """
    shown = "".join(x if x.isprintable() else repr(x)[1:-1] for x in text)
    return shown.replace("*/", "* /").replace("/*", "/ *")


class Function:
    """A program as a function; made, it is written.

    Args:
        file: where it is written.
        p: the program.
        name: what the function is called.
        names: what every input is called in comments.
        public: whether other files can call it.

    Attributes:
        work: how many numbers its workspace has.
        failures: what the numbers that it returns mean, from 1 on.
    """

    def __init__(
        self, file: File, p: Program, name: str, names: list[str], public: bool = False
    ) -> None:
        q, found = statements(p)
        found, scatters = _scattered(q, found)
        self.failures: list[str] = []
        self._file, self._program, self._name, self._names = file, q, name, names
        used = {self._body(s) for s in found if s.row.name == "vmap"}
        work = [self._written(i) for i in sorted(used)]
        parts = [*_cut(found)]
        self._memory = memory = Memory(q, parts, scatters, f"{name}_at")
        self.work = memory.work + max(work, default=0)
        self._calls: list[str] = []
        lines = [[line for s in part for line in self._lines(s)] for part in parts]
        begin, end = [*self._copies()], [*self._results()]
        if memory.indices:
            numbers = map(str, memory.indices)
            file.functions.append(table(f"static const int {name}_at[]", numbers))
        if memory.constants:
            numbers = map(literal, memory.constants)
            file.functions.append(table(f"static const double {name}_constants[]", numbers))
        file.functions += self._calls
        head = "" if public else "static "
        if len(parts) > 1:
            calls = []
            for i, part in enumerate(lines):
                file.functions.append(_function(f"static int {name}_part_{i}", part, False))
                calls.append(f"if ((failed = {name}_part_{i}(in, w)) != 0) return failed;")
            lines = [["int failed;", *calls]]
        body = [line for part in lines for line in part]
        file.functions.append(_function(f"{head}int {name}", [*begin, *body, *end], True))

    def _written(self, i: int) -> int:
        """Write what a body runs; how many numbers it has in its room."""
        body, work = self._program.bodies[i], 0
        for end, runs in turns(body).items():
            name = f"{self._name}_{i}_{end}"
            for number, (_, ways) in enumerate(runs):
                for j, q in enumerate(ways):
                    names = [f"input {k}" for k in range(q.inputs)]
                    way = Function(self._file, q, f"{name}_{number}_{j}", names)
                    work = max(work, way.work)
            self._file.functions.append(turn(name, runs))
        return room(body).size + work

    def _body(self, s: Statement) -> int:
        """Which body an instruction runs."""
        return int(self._program.number(self._program.operands(s.first)[-1]))

    def _failed(self, words: str) -> str:
        """A line that ends the function, and says why."""
        self.failures.append(words)
        return f"return {len(self.failures)}; /* {comment(words)} */"

    def _copies(self) -> Iterator[str]:
        """The lines with which the workspace is begun."""
        memory, n = self._memory, len(self._memory.constants)
        if memory.inputs:
            yield f"for (int k = 0; k < {memory.inputs}; k++) w[k] = in[k];"
        if n:
            to = element("w", memory.inputs, (1, "k"))
            yield f"for (int k = 0; k < {n}; k++) {to} = {self._name}_constants[k];"

    def _results(self) -> Iterator[str]:
        """The lines that write the results."""
        outputs, memory = self._program.outputs, self._memory
        if not memory.by_address:
            for i, ref in enumerate(outputs.tolist()):
                yield f"out[{i}] = {memory.number(ref)};"
            return
        ends = np.flatnonzero(np.diff(outputs) != 1) + 1
        runs = [0, *ends.tolist(), len(outputs)]
        longer = {x for run in pairwise(runs) if run[1] - run[0] >= 8 for x in run}
        for first, end in pairwise(sorted({0, *longer, len(outputs)})):
            to, given = element("out", first, (1, "k")), memory.each(outputs[first:end], "k")
            yield f"for (int k = 0; k < {end - first}; k++) {to} = {given};"

    # -- statements --------------------------------------------------------------------------------

    def _lines(self, s: Statement) -> Iterator[str]:
        """A statement."""
        if s.row.name not in WRITTEN:
            self._file.rows.add(s.row.name)
        if s.row.name == "vmap":
            yield from self._call(s)
        elif s.first in self._memory.scatters:
            yield from self._scatter(s, self._memory.scatters[s.first])
        elif s.lanes > 1:
            step = self._memory.steps[s.first]
            yield from self._memory.copies(step)
            target = self._memory.place(self._program.inputs + s.first)
            yield from loops(s.row, step, self._memory.at, self._memory.number_at, target)
        elif s.row.name == "guard":
            yield self._guard(s)
        else:
            yield from self._single(s)

    def _single(self, s: Statement) -> Iterator[str]:
        """One instruction."""
        memory, slot = self._memory, self._program.inputs + s.first
        place, name = memory.place(slot), f"v{slot}"
        alone, lists = memory.read(s)
        xs = [memory.number(ref) for ref in alone]
        if s.row.name == "take":
            *elements, i = xs
            n = len(lists[0]) if lists else len(elements)
            words = f"the index of take() is not one of 0 to {n - 1}"
            yield f"if (!({i} >= 0 && {i} < {n} && {i} == (int){i})) {self._failed(words)}"
            value = f"((const double[]){{{', '.join(elements)}}})[(int){i}]"
            if lists:
                value = memory.each(lists[0], f"(int){i}")
        elif lists and s.row.name in ("chain", "products"):
            yield f"double {name} = {operation(s.row, xs)};"
            term = operation(s.row, [memory.each(refs, "k") for refs in lists])
            yield f"for (int k = 0; k < {len(lists[0])}; k++) {name} += {term};"
            if place:
                yield f"{place} = {name};"
            return
        elif s.row.over_lists and s.row.name not in WRITTEN:
            n = len(lists[0]) if lists else len(xs) // len(s.row.names)
            parts = [", ".join(xs[i * n : i * n + n]) for i in range(len(s.row.names))]
            at = [f"(const double[]){{{part}}}" for part in parts]
            for refs in lists:
                copy, pointer = memory.side_by_side(refs)
                yield from copy
                at = [pointer]  # rows over two lists are products by now
            value = operation(s.row, [str(n), *at])
        else:
            value = operation(s.row, xs)
        yield f"{place} = {value};" if place else f"const double {name} = {value};"

    def _scatter(self, s: Statement, scatter: Scatter) -> Iterator[str]:
        """The sums of picks of a list's elements: zeros, to which each adjoint is added once."""
        memory, n = self._memory, len(scatter.indices)
        (adjoints, indices) = memory.read(s)[1]
        lists, i = adjoints.shape[1], memory.each(indices, "k")
        size = len(scatter.lanes) // lists
        table = element(memory.table, memory.listed(scatter.lanes), (size, "l"), (1, "(int)i"))
        each = f"for (int l = 0; l < {lists}; l++) {{ const int to = {table}; if (to >= 0)"
        fits = f"i >= 0 && i < {size} && i == (int)i"
        yield f"{{ /* scatter, {s.lanes} lanes */"
        yield f"    double *restrict t = &{memory.place(self._program.inputs + s.first)};"
        yield f"    const double i = {memory.each(indices[:1], '0')};"
        yield "    int alike = 1;"
        yield f"    for (int k = 1; k < {n}; k++) alike &= {i} == i;"
        yield f"    for (int l = 0; l < {s.lanes}; l++) t[l] = 0.0;"
        yield f"    if (alike && {fits}) {each} t[to] = -0.0; }}"
        yield f"    for (int k = 0; k < {n}; k++) {{"
        yield f"        const double i = {i};"
        yield f"        if ({fits}) {each} t[to] += {memory.each(adjoints, 'k', 'l')}; }}"
        yield "    }"
        yield "}"

    def _guard(self, s: Statement) -> str:
        """A guard, with what it compares in words."""
        p = self._program
        compared, outcome, number = p.operands(s.first)
        words = "a comparison"
        by = ROWS[p.ops[compared - p.inputs]] if compared >= p.inputs else None
        if by is not None and by.name in COMPARISONS:
            left, right = p.operands(compared - p.inputs)
            words = f"{self._word(left)} {by.label} {self._word(right)}"
            if left >= p.inputs and p.ops[left - p.inputs] == PART:
                body = p.call(p.operands(left - p.inputs)[0] - p.inputs)[0]
                words = f"every turn of {body.word} went one of the ways that were traced"
        was = "" if p.constants[-1 - outcome] else "not "
        expected, x = self._memory.number(outcome), self._memory.number(compared)
        source = p.sources[int(p.constants[-1 - number])]
        return f"if ({x} != {expected}) {self._failed(f'traced where {was}{words}, at {source}')}"

    def _word(self, ref: int) -> str:
        """What a number is called in a message."""
        if 0 <= ref < self._program.inputs:
            return self._names[ref]
        return repr(float(self._program.constants[-1 - ref])) if ref < 0 else f"v{ref}"

    def _call(self, s: Statement) -> Iterator[str]:
        """An instruction with a body: the call of a function that is written for it."""
        p, memory = self._program, self._memory
        body = p.call(s.first)[0]
        name, i = f"{self._name}_run_{s.first}", self._body(s)
        text = [
            f"double *const r = &{memory.place(p.inputs + s.first)};",
            f"double *const x = &w[{memory.work}];",
            *lines_of(body, f"{self._name}_{i}", memory.read(s)[1], memory.each),
        ]
        self._calls.append(_function(f"static int {name}", text, False, ""))
        if len(body) - 1 in p.parts()[s.first][1]:
            yield f"{name}(in, w);"
        else:
            yield f"if ({name}(in, w)) {self._failed(_WORDS.format(body.word))}"


def _scattered(p: Program, found: list[Statement]) -> tuple[list[Statement], dict[int, Scatter]]:
    """What remains to be done, and of this what is done as a scatter, by its first instruction."""
    uses, scatters = uses_of(p), {}
    needed = np.ones(len(p), bool)
    for s in found:
        scatter = scatter_of(p, uses, s.first, s.end) if s.lanes > 1 else None
        if scatter is not None:
            scatters[s.first] = scatter
            needed[scatter.picks] = False
    return [s for s in found if needed[s.first : s.end].any()], scatters


def _cut(found: list[Statement]) -> Iterator[list[Statement]]:
    """Statements as parts that are not too long."""
    part: list[Statement] = []
    lines = 0
    for s in found:
        lines += 1 if s.lanes == 1 else 2 * AXES
        part.append(s)
        if lines >= LONG:
            yield part
            part, lines = [], 0
    if part or not lines:
        yield part


def table(head: str, numbers: Iterable[str]) -> str:
    """A table of numbers, of which so many stand on a line.

    >>> print(table("int few[]", ["1", "2"]))
    int few[] = {
        1, 2
    };
    """
    found = [*numbers]
    rows = [", ".join(found[i : i + 12]) for i in range(0, len(found), 12)]
    body = ",\n".join(f"    {row}" for row in rows)
    return f"{head} = {{\n{body}\n}};"


def _function(head: str, lines: list[str], whole: bool, end: str = "    return 0;\n") -> str:
    """A function of these lines; of a part, without results."""
    text = "\n".join(f"    {line}" for line in lines)
    arguments = "const double *restrict in, " + "double *restrict out, " * whole
    used = [
        f"(void){x};" for x in ("in", "out", "w") if (x != "out" or whole) and f"{x}[" not in text
    ]
    unused = f"    {' '.join(used)}\n" if used else ""
    return f"{head}({arguments}double *restrict w)\n{{\n{unused}{text}\n{end}}}"
