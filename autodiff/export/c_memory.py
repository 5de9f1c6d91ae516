"""Where the numbers of a program stand when it runs in C.

A number that one statement hands to others is a local variable.  One that loops read, or another
function, has an *address*: its place in the workspace ``w``, which begins with copies of the
inputs, where these are read in one list with other numbers, and of constants that are read in
lists.  Else inputs have addresses below 0.  After all numbers there is room for what is copied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.lanes import AXES, IN_PLACE, Steps, operands_of
from autodiff.compiler.program import ARITY, GUARD, Integers, Program
from autodiff.compiler.scatter import Scatter
from autodiff.export.c_bodies import operands
from autodiff.export.c_loops import WRITTEN, element
from autodiff.export.listing import Statement
from autodiff.ops import CODES

SHORT = 8  #: terms that are written one by one: all of longer lists have addresses
FAR = 1 << 30  #: addresses from here on are of constants that are written where they are read
_COPIES = 64  #: results: of more, all have addresses
_TAKE, _CHAIN, _PRODUCTS = (CODES[name] for name in ("take", "chain", "products"))


def literal(x: float) -> str:
    """A number in C, the same to the bit.

    >>> literal(0.1), literal(-0.0), literal(float("-inf")), literal(5e-324)
    ('0.1', '(-0.0)', '(-INFINITY)', '5e-324')
    """
    if math.isnan(x):
        return "NAN"
    text = "INFINITY" if math.isinf(x) else repr(abs(x))
    return f"(-{text})" if math.copysign(1.0, x) < 0 else text


class Memory:
    """Where the numbers of a program stand.

    Args:
        p: a program.
        parts: its statements, as functions have them.
        scatters: by their first instructions, statements that are done as a ``scatter``.
        table: what the table of indices is called.

    Attributes:
        work: how many numbers the workspace has.
        inputs: how many inputs are copied to its beginning.
        constants: the constants that come then.
        scratch: where the room begins for what is copied.
        steps: of a statement of many lanes, by its first instruction, the step of ``lanes``.
        indices: the table by which numbers are copied, which is called ``table``.
    """

    def __init__(
        self,
        p: Program,
        parts: Sequence[Sequence[Statement]],
        scatters: dict[int, Scatter],
        table: str,
    ) -> None:
        self.program, self.scatters, self.table = p, scatters, table
        self.steps: dict[int, list[int]] = {}
        self.indices: list[int] = []
        self._known: dict[bytes, int] = {}
        self._a, self._b, self._entries = p.a.tolist(), p.b.tolist(), p.entries.tolist()
        self._literals = [literal(x) for x in p.constants.tolist()]
        self._choose(parts)
        self._give_addresses()
        self.scratch = self.work
        copied = [x for part in parts for s in part if _for_function(s) for x in self.read(s)[1]]
        self.work += max((len(x) for x in copied if not self._are_side_by_side(x)), default=0)
        groups = [s for part in parts for s in part if s.lanes > 1 and s.first not in scatters]
        if groups:
            self._plan(groups)

    def read(self, s: Statement) -> tuple[list[int], list[Integers]]:
        """The references that a statement reads one by one, and the lists that need addresses."""
        p, op = self.program, int(self.program.ops[s.first])
        if s.row.name == "vmap":
            return [], operands(*p.call(s.first))
        if s.first in self.scatters:
            scatter = self.scatters[s.first]
            terms = len(scatter.indices)
            return [], [scatter.adjoints.reshape(terms, -1), scatter.indices]
        if s.lanes > 1:
            return [], operands_of(p, s.first, s.end)
        a, b = self._a[s.first], self._b[s.first]
        if ARITY[op]:
            return [a, b][: ARITY[op]], []
        refs = self._entries[a : a + b]
        if op == GUARD:
            return refs[:1], []
        if b <= SHORT or not (s.row.over_lists or op in (_CHAIN, _PRODUCTS)):
            return refs, []
        listed = p.entries[a : a + b]
        if op == _TAKE:
            return refs[-1:], [listed[:-1]]
        if op == _PRODUCTS:
            return refs[:2], [listed[2::2], listed[3::2]]
        if op == _CHAIN:
            return refs[:1], [listed[1:]]
        return [], np.split(listed, len(s.row.names))

    def _choose(self, parts: Sequence[Sequence[Statement]]) -> None:
        """Choose what has an address, and whether inputs are copied."""
        p = self.program
        n, total = p.inputs, p.inputs + len(p)
        self._placed = placed = np.zeros(total + len(p.constants), bool)
        written_in = np.full(total, -1, np.int64)
        listed: list[Integers] = []
        alone: list[tuple[int, list[int]]] = []
        for number, part in enumerate(parts):
            for s in part:
                written_in[n + s.first : n + s.end] = number
                placed[n + s.first : n + s.end] = s.lanes > 1 or s.row.name == "vmap"
                refs, lists = self.read(s)
                alone.append((number, refs))
                listed += lists
        self.by_address = len(p.outputs) > _COPIES
        if self.by_address:
            listed.append(p.outputs)
        else:
            end = 0 if len(parts) == 1 else len(parts)  # a function of its own calls many parts
            alone.append((end, p.outputs.tolist()))
        numbers = written_in.tolist()
        for number, few in alone:
            for ref in few:
                if ref >= n and numbers[ref] != number:
                    placed[ref] = True
        self.inputs = 0
        for many in listed:
            if not _is_one_constant(many):
                placed[many] = True
                given = (many >= 0) & (many < n)
                if given.any() and not given.all():
                    self.inputs = n
        for at, _ in p.parts().values():
            placed[n + at] = True

    def _give_addresses(self) -> None:
        """Give addresses to what was chosen: results of a ``vmap`` stand where that writes them."""
        p, placed = self.program, self._placed
        n, total, vmaps = p.inputs, p.inputs + len(p), p.parts()
        address = np.zeros(len(placed), np.int64)
        address[:n] = np.arange(n) - (n - self.inputs)
        kept = np.flatnonzero(placed[total:])  # from the last constant on
        self.constants = p.constants[::-1][kept].tolist()
        address[total:] = FAR + np.arange(len(p.constants))
        address[total + kept] = self.inputs + np.arange(len(kept))
        sizes = placed[n:total].astype(np.int64)
        for k, (at, _) in vmaps.items():
            sizes[at] = 0
            sizes[k] = len(p.call(k)[0])
        begin = self.inputs + len(kept)
        address[n:total] = begin + np.cumsum(sizes) - sizes
        for k, (at, which) in vmaps.items():
            address[n + at] = address[n + k] + which
        self.work = begin + int(sizes.sum())
        self._address = address
        self._addresses, self._has_address = address.tolist(), placed.tolist()
        self._constant_at = {self._addresses[-1 - c]: x for c, x in enumerate(self._literals)}

    def _plan(self, groups: Sequence[Statement]) -> None:
        """Find out how the lanes of statements read their operands."""
        p = self.program
        address = self._address.astype(np.int32)
        a = np.where(p.over_list, p.a, address[np.where(p.over_list, 0, p.a)])
        b = np.where(ARITY[p.ops] == 2, address[np.where(ARITY[p.ops] == 2, p.b, 0)], p.b)
        steps = Steps(replace(p, a=a, b=b, entries=address[p.entries]))
        for s in groups:
            steps.group(s.first, s.end)
        rows, packed, room = steps.arrays()
        self.work = max(self.work, self.scratch + room)
        self.steps = dict(zip((s.first for s in groups), rows.tolist(), strict=True))
        self._packed = packed

    # -- in C --------------------------------------------------------------------------------------

    def number(self, ref: int) -> str:
        """What a reference reads."""
        if ref < 0:
            return self._literals[-1 - ref]
        if ref < self.program.inputs:
            return f"in[{ref}]"
        return f"w[{self._addresses[ref]}]" if self._has_address[ref] else f"v{ref}"

    def place(self, slot: int) -> str:
        """Where a slot is written: in the workspace, if it has an address, or else nowhere."""
        return f"w[{self._addresses[slot]}]" if self._has_address[slot] else ""

    def at(self, address: int) -> str:
        """The element at an address."""
        return f"w[{address}]" if address >= 0 else f"in[{address + self.program.inputs}]"

    def number_at(self, address: int) -> str:
        """The number at an address, which may be a literal."""
        return self._constant_at.get(address) or self.at(address)

    def each(self, refs: Integers, *variables: str) -> str:
        """An element of an array of references by variables, one for each of its axes."""
        if _is_one_constant(refs):
            return self._literals[-1 - int(refs.flat[0])]
        table = self._address[refs].reshape(-1, refs.shape[-1])
        first, shift = int(table[0, 0]), self._shift(table)
        array = "in" if shift else "w"
        steps = [int(x[1] - x[0]) if len(x) > 1 else 0 for x in (table[:, 0], table[0])]
        rows, columns = (np.arange(n) * step for n, step in zip(table.shape, steps, strict=True))
        if (table == first + rows[:, None] + columns).all():
            return element(array, first + shift, *zip(steps[-refs.ndim :], variables, strict=True))
        steps = [table.shape[1], 1]
        pairs = zip(steps[-refs.ndim :], variables, strict=True)
        return f"{array}[{element(self.table, self.listed(table + shift), *pairs)}]"

    def side_by_side(self, refs: Integers) -> tuple[list[str], str]:
        """Where the numbers of a list stand side by side, and the lines that copy them, if any."""
        if self._are_side_by_side(refs):
            return [], f"&{self.at(int(self._address[refs[0]]))}"
        to = element("w", self.scratch, (1, "k"))
        copy = f"for (int k = 0; k < {len(refs)}; k++) {to} = {self.each(refs, 'k')};"
        return [copy], f"&w[{self.scratch}]"

    def _are_side_by_side(self, refs: Integers) -> bool:
        return bool((np.diff(self._address[refs]) == 1).all()) and not _is_one_constant(refs)

    def copies(self, step: list[int]) -> list[str]:
        """The lines that copy what a step does not read in place, and move it to where that is."""
        lines = []
        for i in range(4 + AXES, len(step), AXES + 4):
            where, count, start = step[i : i + 3]
            to = self.scratch + start
            if where >= 0 and count:
                table = self._packed[where : where + count]
                array, shift = "in" if table[0] < 0 else "w", self._shift(table)
                index = element(self.table, self.listed(table + shift), (1, "k"))
                copy = f"{element('w', to, (1, 'k'))} = {array}[{index}];"
                lines.append(f"for (int k = 0; k < {count}; k++) {copy}")
            if where != IN_PLACE:
                step[i + 2] = to
        return lines

    def _shift(self, addresses: Any) -> int:
        """What is to be added to addresses: of inputs that are not copied they are below 0."""
        return self.program.inputs if addresses.flat[0] < 0 else 0

    def listed(self, numbers: Any) -> int:
        """Where these numbers begin in the table of indices."""
        found = numbers.astype(np.int32).ravel()
        key = found.tobytes()
        if key not in self._known:
            self._known[key] = len(self.indices)
            self.indices += found.tolist()
        return self._known[key]


def _is_one_constant(refs: Integers) -> bool:
    """Whether all of these read one constant, or there are none."""
    return not refs.size or bool(refs.flat[0] < 0 and (refs == refs.flat[0]).all())


def _for_function(s: Statement) -> bool:
    """Whether a statement gives its list to a function of C."""
    return s.lanes == 1 and s.row.over_lists and s.row.name not in WRITTEN
