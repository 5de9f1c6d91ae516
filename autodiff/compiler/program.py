"""The intermediate representation: a straight list of instructions, in arrays.

A program is in static single assignment form: every input and every instruction has a slot, slots
are written once, and an instruction reads slots before its own.  Slots are numbered from 0: first
the inputs, then the instructions.  A negative reference ``-1 - c`` reads constant ``c``.

An instruction's operation is the number of a row (``ops.ROWS``).  Operands of a row over one or
two scalars are ``a`` and ``b``; those of a row over lists or more scalars, and of a primitive that
was added at run time, are ``entries[a : a + b]``.

A guard is an instruction too: a program that comes to one whose comparison is not what it was when
the program was traced ends there, without results.

A ``vmap`` runs other programs, a ``Body``, for many lanes or steps; its last operand says which of
the program's bodies.  ``part`` instructions read its results.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import chain
from typing import Any, ClassVar, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from autodiff.compiler import loops
from autodiff.engine.expressions import names_in
from autodiff.engine.instructions import ADDED, FIRST, PART, STATIC, VMAP
from autodiff.engine.reals import describe
from autodiff.ops import CODES, CONSTANTS, ROWS

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Codes = NDArray[np.uint16]

NONE = -(2**31) + 1  #: no reference

#: Of every row: how many operands it has, 0 for a list.
ARITY = np.zeros(2**16, np.uint8)
for _code, _row in enumerate(ROWS[:STATIC]):
    ARITY[_code] = 0 if not _code or _row.in_tuple else len(_row.names)


GUARD = CODES["guard"]


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions, and what they start from and end in.

    Pickled, it says by name which rows it uses, and what they computed: where a row has another
    number it is the same program, where one computes something else it is refused.

    Attributes:
        inputs: how many inputs there are.
        constants: the numbers that negative references read.
        ops, a, b: of every instruction, its row and its operands.
        entries: the operands of those over lists, in the order of the instructions.
        outputs: references: the results.
        sources: of every guard, by the number that its last operand has, the line that compared.
        bodies: what its ``vmap`` instructions run.
    """

    inputs: int
    outputs: Integers
    constants: Floats = field(default_factory=lambda: np.zeros(0))
    ops: Codes = field(default_factory=lambda: np.zeros(0, np.uint16))
    a: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    b: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    entries: Integers = field(default_factory=lambda: np.zeros(0, np.int32))
    sources: tuple[str, ...] = ()
    bodies: tuple[Body, ...] = ()

    def __len__(self) -> int:
        return len(self.ops)

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all of it, with operations as places in the list of rows used.

        Raises:
            TypeError: for a primitive that was added at run time: another process may number
                another one so.
        """
        codes, places = np.unique(self.ops, return_inverse=True)
        for op in codes.tolist():
            if op >= ADDED:
                raise TypeError(
                    f"{ROWS[op].name} was added at run time: a program with it cannot be pickled; "
                    "pickle the function, which is traced anew where it is opened"
                )
        rows = [(ROWS[op].name, _meaning(ROWS[op].name)) for op in codes.tolist()]
        return {**self.__dict__, "ops": places.astype(np.uint16), "rows": rows}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled.

        Raises:
            ValueError: if it is no program, or uses a row that the table has not, or that computes
                something else than when it was pickled.
        """
        rows = state.pop("rows", None)
        if rows is None or state.keys() != {x.name for x in fields(self)}:
            raise ValueError("what was pickled is no program of this version: trace it again")
        codes = np.zeros(len(rows), np.uint16)
        for i, (name, meaning) in enumerate(rows):
            codes[i] = CODES.get(name, ADDED)
            if codes[i] >= ADDED:
                raise ValueError(
                    f"the program that was pickled uses {name}(), which this version has not"
                )
            if _meaning(name) != meaning:
                raise ValueError(
                    f"the program that was pickled uses {name}(), which computes something else "
                    "in this version: trace it again"
                )
        try:
            ops = codes[state["ops"]]
        except IndexError:
            raise ValueError("the program that was pickled has operations without a row") from None
        self.__dict__.update(state, ops=ops)
        validate(self, "the program that was pickled")

    @property
    def guards(self) -> list[int]:
        """The instructions that are guards, in order."""
        return [int(k) for k in np.flatnonzero(self.ops == GUARD)]

    def returning(self, outputs: Any) -> Program:
        """The program with other results."""
        return replace(self, outputs=np.asarray(outputs).astype(np.int32))

    @property
    def over_list(self) -> NDArray[np.bool_]:
        """Of every instruction, whether its operands stand in ``entries``."""
        return np.equal(ARITY[self.ops], 0)

    def at_references(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of every reference, whether it reads an instruction that is marked.

        Those of constants, which are negative, are counted from the end.
        """
        others = np.zeros(self.inputs, bool), np.zeros(len(self.constants), bool)
        return np.concatenate([others[0], marked, others[1]])

    def operands(self, k: int) -> list[int]:
        """The references that instruction ``k`` reads."""
        arity = ARITY[self.ops[k]]
        if arity == 0:
            return [int(ref) for ref in self.entries[self.a[k] : self.a[k] + self.b[k]]]
        return [int(self.a[k]), int(self.b[k])][:arity]

    def number(self, ref: Any) -> Any:
        """The number of a constant, as an integer; of many, as an array."""
        return self.constants[-1 - np.asarray(ref)].astype(np.int64)

    def call(self, k: int) -> tuple[Body, Integers]:
        """What instruction ``k`` runs, and its operands."""
        *_, number = refs = self.entries[self.a[k] : self.a[k] + self.b[k]]
        return self.bodies[int(self.number(number))], refs[:-1]

    def vmap(self, k: int) -> Vmap:
        """Instruction ``k``, a ``vmap``, taken apart."""
        body, refs = self.call(k)
        assert isinstance(body, Mapped)
        cut = body.lanes * body.own
        return Vmap(body, refs[:cut].reshape(body.lanes, body.own), refs[cut:])

    def parts(self) -> dict[int, tuple[Integers, Integers]]:
        """Of everything with a body, what reads its results, and which of these."""
        at = np.flatnonzero(self.ops == PART).astype(np.int32)
        of, which = self.a[at] - self.inputs, self.number(self.b[at]).astype(np.int32)
        return {
            int(k): (at[of == k], which[of == k]) for k in np.flatnonzero(self.ops == VMAP).tolist()
        }


class Body:
    """What an instruction runs: programs, over and over.

    The last of its results is 1 if each time one of the programs was right, else 0.

    * ``Mapped``, of ``vmap``: for many lanes;
    * ``Scan``, of ``scan`` and ``loop``: for many steps, each on what the one before left;
    * ``Pullback``: the derivatives of a ``Scan``, by reverse mode.
    """

    #: what the instruction is called
    word: ClassVar[str]
    #: from operands to results, and whether the last of these will be read; and the same for many
    #: columns of operands.  What stands above, and runs programs, attaches them.
    run: ClassVar[Callable[..., Floats]]
    run_many: ClassVar[Callable[..., Floats]]
    #: the same on Values, recorded one by one
    replay: ClassVar[Callable[..., list[Any]]]

    @property
    def turns(self) -> list[tuple[int, tuple[Program, ...]]]:
        """How often it runs the first of some programs that is right, and so on."""
        raise NotImplementedError

    @property
    def programs(self) -> tuple[Program, ...]:
        """All programs that it runs."""
        return tuple(chain.from_iterable(ways for _, ways in self.turns))

    @property
    def operands(self) -> int:
        """How many operands there are."""
        raise NotImplementedError

    def __len__(self) -> int:
        """How many results there are."""
        raise NotImplementedError

    def shape(self) -> tuple[Any, ...]:
        """What besides its programs makes it what it is."""
        raise NotImplementedError

    def key(self) -> bytes:
        """What is the same of two bodies that do the same."""
        parts: list[Any] = [type(self).__name__, self.shape()]
        for p in self.programs:
            arrays = [getattr(p, name).tobytes() for name in _KINDS]
            parts += [p.inputs, *arrays, *(body.key() for body in p.bodies)]
        return hashlib.sha256(repr(parts).encode()).digest()

    def fault(self) -> str:
        """Why its programs are not such as it can run; "" if they are."""
        raise NotImplementedError

    def words(self, turns: int) -> str:
        """For how many lanes or steps some of its programs are."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Mapped(Body):
    """What a ``vmap`` does: programs that are run for many lanes.

    Its operands are the numbers that each lane has for itself, lane after lane, then those that all
    share.  Its results are likewise those of every lane, lane after lane; then sums over all lanes;
    then whether for every lane one of the programs is right.

    Attributes:
        ways: the programs of a lane, each with its guards: the first of which no guard fails is
            right.  All have the same inputs, those of the lane and then those that are shared, and
            as many outputs.
        lanes: how many there are.
        own: how many inputs each lane has for itself.
        sums: how many outputs, the last, are added up over the lanes.
        threads: among how many threads the lanes are divided.
    """

    ways: tuple[Program, ...]
    lanes: int
    own: int
    sums: int = 0
    threads: int = 1
    word: ClassVar[str] = "vmap"

    @property
    def turns(self) -> list[tuple[int, tuple[Program, ...]]]:
        """For every lane the programs of a lane."""
        return [(self.lanes, self.ways)]

    @property
    def shared(self) -> int:
        """How many inputs all lanes share."""
        return self.programs[0].inputs - self.own

    @property
    def results(self) -> int:
        """How many results each lane has for itself."""
        return len(self.programs[0].outputs) - self.sums

    @property
    def operands(self) -> int:
        """How many operands there are."""
        return self.lanes * self.own + self.shared

    def __len__(self) -> int:
        """How many results there are."""
        return self.lanes * self.results + self.sums + 1

    def shape(self) -> tuple[Any, ...]:
        """How many lanes, inputs of their own, and sums."""
        return self.lanes, self.own, self.sums

    def fault(self) -> str:
        """Why its programs are not such as it can run; "" if they are."""
        fits = len({(q.inputs, len(q.outputs)) for q in self.programs}) == 1 and self.lanes > 0
        fits = fits and min(self.own, self.shared, self.results, self.sums) >= 0
        return "" if fits else "has programs of other inputs or outputs"

    def words(self, turns: int) -> str:
        """For how many lanes its programs are, and which inputs are a lane's own."""
        own = f"x0 to x{self.own - 1} its own" if self.own else "none its own"
        sums = f", the last {self.sums} results added up" if self.sums else ""
        return f"for {turns} lanes, {own}{sums}"


class Vmap(NamedTuple):
    """A ``vmap`` of a program, taken apart.

    Attributes:
        body: what it runs.
        own: its operands: a row of references for every lane.
        shared: references that all lanes share.
    """

    body: Mapped
    own: Integers
    shared: Integers

    def refs(self) -> Integers:
        """Its operands, as they stand in a program."""
        return np.append(self.own.ravel(), self.shared)


def with_inputs(p: Program, inputs: int, to: Any) -> Program:
    """The program with so many inputs, of which ``to[i]`` stands for input ``i``."""
    slots = np.arange(p.inputs + len(p), dtype=np.int32) + (inputs - p.inputs)
    slots[: p.inputs] = to
    constants = np.arange(-len(p.constants), 0, dtype=np.int32)
    moved = np.concatenate([slots, constants])  # those of constants are counted from the end
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    loops.rename(*views(p.ops, a, b, entries, ARITY, moved))
    return replace(p, inputs=inputs, a=a, b=b, entries=entries, outputs=moved[p.outputs])


def reordered(p: Program, order: Any) -> Program:
    """The program with its instructions in another order, in which none reads a later one."""
    to = np.zeros(len(p), np.int32)
    to[order] = p.inputs + np.arange(len(p), dtype=np.int32)
    constants = np.arange(-len(p.constants), 0, dtype=np.int32)  # they are counted from the end
    moved = np.concatenate([np.arange(p.inputs, dtype=np.int32), to, constants])
    q = in_order(replace(p, ops=p.ops[order], a=p.a[order], b=p.b[order]))
    loops.rename(*views(q.ops, q.a, q.b, q.entries, ARITY, moved))
    return q.returning(moved[p.outputs])


def inputs_read(p: Program) -> NDArray[np.bool_]:
    """Of every input, whether it is read."""
    refs = np.concatenate([p.a[ARITY[p.ops] > 0], p.b[ARITY[p.ops] == 2], p.entries, p.outputs])
    read = np.zeros(p.inputs, bool)
    read[refs[(refs >= 0) & (refs < p.inputs)]] = True
    return read


def in_order(p: Program) -> Program:
    """The program with its entries in the order of the instructions that read them."""
    a, over_list = p.a.copy(), p.over_list
    lengths = p.b[over_list].astype(np.int64)
    first = np.cumsum(lengths) - lengths
    shift = np.repeat(a[over_list] - first, lengths)
    a[over_list] = first
    return replace(p, a=a, entries=p.entries[shift + np.arange(len(shift))])


def views(*arrays: Any) -> list[Any]:
    """Arrays as the loops read and write them: interpreted, elements are then Python's numbers."""
    return [memoryview(x) for x in arrays]


@cache
def _meaning(name: str) -> str:
    """A digest of what a row computes: its value, and those of the rows that it is written in."""
    found: dict[str, Any] = {}
    wanted = [name]
    while wanted:
        x = wanted.pop()
        code = CODES.get(x, STATIC)
        if x in CONSTANTS:
            found[x] = CONSTANTS[x]
        elif x not in found and code < STATIC:  # no operand, say
            r = ROWS[code]
            found[x] = (r.operands, r.value, r.fold)
            if code < FIRST:  # values of inner instructions are Python
                wanted += names_in(str(r.value)) | (names_in(r.fold) if r.fold else set())
    return f"{zlib.crc32(repr(sorted(found.items())).encode()):08x}"


_KINDS: dict[str, type] = {
    **{"outputs": np.int32, "constants": np.float64, "ops": np.uint16},
    **{"a": np.int32, "b": np.int32, "entries": np.int32},
}


def validate(p: Program, after: str = "") -> Program:
    """The program itself, if it is one: run or rewritten, it reads nothing but its own numbers.

    Raises:
        ValueError: naming ``after`` (a pass), the instruction and its operands.

    >>> validate(Program(1, np.array([3], np.int32)), "a pass")
    Traceback (most recent call last):
    ValueError: a pass: output 0 reads slot 3, but slots end at 0
    """

    def refuse(words: str) -> NoReturn:
        raise ValueError(f"{after or 'program'}: {words}")

    def named(k: Any) -> str:
        return f"instruction {k} ({ROWS[p.ops[k]].name})"

    for name, kind in _KINDS.items():
        x = getattr(p, name)
        if not (isinstance(x, np.ndarray) and x.dtype == kind and x.ndim == 1):
            refuse(f"{name} must be a flat array of {kind.__name__}, not {describe(x)}")
    if not (isinstance(p.inputs, int) and 0 <= p.inputs < 2**31 - len(p)):
        refuse(f"the number of inputs must be an integer from 0 up, not {describe(p.inputs)}")
    if not (isinstance(p.sources, tuple) and all(isinstance(s, str) for s in p.sources)):
        refuse(f"sources must be a tuple of strings, not {describe(p.sources)}")
    if not len(p.a) == len(p.b) == len(p):
        refuse(f"of {len(p)} instructions there are {len(p.a)} and {len(p.b)} operands")
    odd = (p.ops == 0) | (p.ops >= len(ROWS))
    if odd.any():
        k = np.argmax(odd)
        refuse(f"instruction {k} is of row {p.ops[k]}, which there is not")

    arity = ARITY[p.ops]
    lists = np.flatnonzero(arity == 0)
    first, count = p.a[lists].astype(np.int64), p.b[lists].astype(np.int64)
    before = np.concatenate([[0], (first + count)[:-1]])[: len(lists)]
    odd = (first < before) | (count < 0) | (first + count > len(p.entries))
    if odd.any():
        i = np.argmax(odd)
        refuse(
            f"{named(lists[i])} has entries {first[i]} to {first[i] + count[i]}, but those before "
            f"end at {before[i]}, and all at {len(p.entries)}"
        )
    for op in np.unique(p.ops[lists]).tolist():
        row, counts = ROWS[op], count[p.ops[lists] == op]
        step = 2 if row.name == "products" else len(row.names)
        odd = (counts % step != 0) | ((counts == 0) & (op >= FIRST))
        exactly = {"pick": 4, "guard": 3}.get(row.name, 0 if row.over_lists else len(row.names))
        if exactly:
            odd = counts != exactly
        if odd.any():
            i = np.argmax(odd)
            refuse(f"{named(lists[p.ops[lists] == op][i])} is over a list of {counts[i]}")

    starts = np.cumsum(count) - count
    listed = np.arange(count.sum()) + np.repeat(first - starts, count)
    refs = np.concatenate([p.a[arity > 0], p.b[arity == 2], p.entries[listed], p.outputs])
    which = np.concatenate([np.flatnonzero(arity > 0), np.flatnonzero(arity == 2)])
    which = np.concatenate([which, np.repeat(lists, count), np.full(len(p.outputs), len(p))])
    odd = (refs >= p.inputs + which) | (refs < -len(p.constants))
    if odd.any():
        at = np.flatnonzero(odd)
        i = at[np.argmin(which[at])]
        k, ref = which[i], refs[i]
        what = named(k) if k < len(p) else f"output {i - (len(refs) - len(p.outputs))}"
        there = f"slots end at {p.inputs + k - 1}" if ref >= 0 else f"there are {len(p.constants)}"
        refuse(f"{what} reads {f'slot {ref}' if ref >= 0 else f'constant {-1 - ref}'}, but {there}")

    of_guards = p.entries[p.a[p.ops == GUARD][:, None] + [1, 2]]
    odd = (of_guards >= 0).any(axis=1)
    numbers = p.constants[-1 - of_guards[~odd, 1]]
    odd[~odd] = ~np.isin(numbers, np.arange(len(p.sources)))
    if odd.any():
        refuse(f"{named(np.flatnonzero(p.ops == GUARD)[np.argmax(odd)])} has no source")

    if not (isinstance(p.bodies, tuple) and all(isinstance(x, Body) for x in p.bodies)):
        refuse(f"bodies must be a tuple of them, not {describe(p.bodies)}")

    for nth, body in enumerate(p.bodies):
        if body.fault():
            refuse(f"body {nth} {body.fault()}")
        for q in body.programs:
            validate(q, f"{after or 'program'}, body {nth}")

    def below(ref: Any, end: int) -> bool:
        """Whether a reference reads a constant that is an integer from 0 up."""
        x = p.constants[-1 - ref] if ref < 0 else -1.0
        return x.is_integer() and 0 <= x < end

    results: dict[int, int] = {}  # of every vmap, how many there are
    for j in np.flatnonzero(p.ops == VMAP).tolist():
        *operands, number = p.operands(j)
        if not below(number, len(p.bodies)):
            refuse(f"{named(j)} has no body")
        body = p.bodies[int(p.number(number))]
        if len(operands) != body.operands:
            refuse(f"{named(j)} has {len(operands)} operands, but its body {body.operands}")
        results[j] = len(body)
    for j in np.flatnonzero(p.ops == PART).tolist():
        if not below(p.b[j], results.get(int(p.a[j]) - p.inputs, 0)):
            refuse(f"{named(j)} reads no result of a vmap or scan")
    return p
