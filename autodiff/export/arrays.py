"""A program as operations on whole arrays, for formats whose language is arrays.

Each statement of a program (``listing``) becomes a few operations; their number is that of the
statements, not that of the nodes.  What a statement computes is a *piece*, an array of one axis,
and every slot of the program has its place in one.  An operand that is read from several pieces
is put together first; where the places that are read are evenly spaced along axes it is a slice,
reshaped, and otherwise gathered.  Sums of products whose factors are rows and columns are matrix
products.

* ``Arrays`` -- what a format must be able to do;
* ``shape_of`` -- which structures are arrays;
* ``written`` -- goes over the statements of a program, and asks for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from autodiff.compiler.lanes import shared_axes
from autodiff.compiler.passes import uses_of
from autodiff.compiler.program import Body, Floats, Integers, Mapped, Program
from autodiff.compiler.scans import Pullback, Scan
from autodiff.export.listing import Statement, statements
from autodiff.ops import CODES, ROWS, Row
from autodiff.transforms.pytrees import Leaf, Sequence

_ADD, _MUL = ROWS[CODES["add"]], ROWS[CODES["mul"]]

FEW = 8  #: terms of a sum, up to which they are added one after the other
_CONSTANT = -1  #: the piece of what is none, but a number


class Arrays(Protocol):
    """What a format can do.  Arrays are known by their names; each method gives the name of one."""

    def constant(self, numbers: Floats) -> str:
        """An array of numbers."""

    def sliced(self, x: str, start: int, stop: int, step: int) -> str:
        """Every ``step``-th number of an array of one axis."""

    def joined(self, xs: list[str]) -> str:
        """Arrays of one axis, one after the other."""

    def gathered(self, x: str, places: Integers) -> str:
        """The numbers at these places of an array of one axis, in their shape."""

    def reshaped(self, x: str, shape: tuple[int, ...]) -> str:
        """The same numbers in another shape."""

    def transposed(self, x: str, axes: list[int]) -> str:
        """The same numbers with the axes in another order."""

    def applied(self, row: Row, xs: list[str]) -> str:
        """A primitive of numbers, element by element, with broadcasting."""

    def folded(self, row: Row, xs: list[str]) -> str:
        """A primitive of lists, which are the rows of matrices: a number for each of them."""

    def summed(self, x: str) -> str:
        """The sums over the last axis."""

    def multiplied(self, x: str, y: str) -> str:
        """The matrix product over the last two axes, of as many as there are before them."""

    def taken(self, xs: str, i: str, count: int) -> str:
        """Of every row of a matrix, which has ``count`` elements, that at an index."""

    def require(self, x: str, wanted: str) -> None:
        """From here on nothing is right unless these arrays are equal."""

    def called(self, body: Body, operands: list[str], asked: bool) -> list[str]:
        """What the programs of a body give, in as many arrays as ``taken_apart`` says.

        The last of them is asked for, or else nothing is right unless it is 1.
        """


def shape_of(structure: Any) -> tuple[int, ...] | None:
    """The shape of the array that a structure is, if it is one.

    A number is one without axes; a list of parts that are alike is one, too.

    >>> from autodiff.transforms.pytrees import NUMBER
    >>> shape_of(Sequence(list, (Leaf((3,)),) * 2)), shape_of(Sequence(list, (NUMBER, Leaf((3,)))))
    ((2, 3), None)
    """
    if isinstance(structure, Leaf):
        return structure.shape or ()
    if isinstance(structure, Sequence) and len(set(structure.parts)) == 1:
        shape = shape_of(structure.parts[0])
        return None if shape is None else (len(structure.parts), *shape)
    return None


def written(p: Program, inputs: list[tuple[str, int]], to: Arrays) -> Pieces:
    """Go over the statements of a program; what it returns reads any of its numbers.

    Args:
        p: the program.
        inputs: the arrays of one axis that hold its inputs, one after the other, and their sizes.
        to: what the format does.
    """
    program, listed = statements(p)
    pieces = Pieces(program, inputs, to)
    for work in _together(program, listed):
        pieces.compute(work)
    return pieces


class Work(NamedTuple):
    """Instructions of one operation, as a ``Statement``, but anywhere in the program."""

    row: Row
    slots: Integers
    operands: list[Integers]


def _together(p: Program, listed: list[Statement]) -> Iterator[Work]:
    """Statements in an order in which they can be computed, single ones of a kind together."""
    waiting: dict[Any, list[Work]] = {}
    awaited = np.zeros(p.inputs + len(p) + len(p.constants), bool)  # those of constants come last
    for s in listed:
        work = Work(s.row, p.inputs + np.arange(s.first, s.end, dtype=np.int32), s.operands)
        if s.row.name == "vmap" or any(awaited[x].any() for x in s.operands):
            yield from map(_as_one, waiting.values())
            waiting.clear()
            awaited[:] = False
        if s.lanes > 1 or s.row.name == "vmap":
            yield work
        else:
            key = s.row.name, *[x.shape for x in s.operands]
            waiting.setdefault(key, []).append(work)
            awaited[work.slots] = True
    yield from map(_as_one, waiting.values())


def _as_one(works: list[Work]) -> Work:
    """Works of one kind as one."""
    slots = np.concatenate([work.slots for work in works])
    tables = zip(*[work.operands for work in works], strict=True)
    return Work(works[0].row, slots, [np.concatenate(table) for table in tables])


class Pieces:
    """What has been computed of a program, and where its numbers are."""

    def __init__(self, p: Program, inputs: list[tuple[str, int]], to: Arrays) -> None:
        self.outputs = p.outputs  #: the references of the results
        self._program, self._to = p, to
        self._names: list[str] = []
        self._sizes: list[int] = []
        self._piece = np.full(p.inputs + len(p), _CONSTANT, np.int32)
        self._place = np.zeros(p.inputs + len(p), np.int32)
        self._known: dict[Any, str] = {}  # what has been put together, by what it is made of
        self._parts = p.parts()
        self._uses = uses_of(p)
        first = 0
        for name, size in inputs:
            self._add(name, np.arange(first, first + size))
            first += size

    def _add(self, name: str, slots: Any) -> None:
        """A new piece holds these slots, in this order."""
        self._piece[slots] = len(self._names)
        self._place[slots] = np.arange(len(slots))
        self._names.append(name)
        self._sizes.append(len(slots))

    # -- reading -----------------------------------------------------------------------------------

    def read(self, refs: Integers) -> str:
        """The numbers of references, in an array of their shape."""
        shape = refs.shape
        flat = refs.ravel()
        if (flat < 0).all():
            return self._constant(self._program.constants[-1 - flat].reshape(shape))
        source, places = self._joined(flat)
        key = ("read", source, shape, places.tobytes())
        return self._once(key, self._placed, source, places, shape)

    def _once(self, key: Any, make: Any, *args: Any) -> str:
        if key not in self._known:
            self._known[key] = make(*args)
        return self._known[key]

    def _constant(self, numbers: Floats) -> str:
        key = ("constant", numbers.shape, numbers.tobytes())
        return self._once(key, self._to.constant, numbers)

    def _joined(self, refs: Integers) -> tuple[str, Any]:
        """An array of one axis that has all these references, and their places in it."""
        held = refs >= 0
        of = np.where(held, self._piece[refs], _CONSTANT)
        places = np.where(held, self._place[refs], 0)
        which = np.unique(of)
        if len(which) == 1:
            return self._names[which[0]], places
        begin, parts, start = 0, [], np.zeros(len(self._names) + 1, np.int64)
        for i in which.tolist():
            mine = of == i
            if i == _CONSTANT:
                numbers, where = np.unique(
                    self._program.constants[-1 - refs[mine]].view(np.int64), return_inverse=True
                )
                places[mine] = where
                parts.append(self._constant(numbers.view(np.float64)))
                size = len(numbers)
            else:
                low, high = int(places[mine].min()), int(places[mine].max()) + 1
                places[mine] -= low
                parts.append(self._sliced(i, low, high))
                size = high - low
            start[i] = begin
            begin += size
        name = self._once(("joined", *parts), self._to.joined, parts)
        return name, places + start[of]

    def _sliced(self, i: int, low: int, high: int) -> str:
        """A part of a piece."""
        name = self._names[i]
        if (low, high) == (0, self._sizes[i]):
            return name
        return self._once(("slice", name, low, high), self._to.sliced, name, low, high, 1)

    def _placed(self, source: str, places: Integers, shape: tuple[int, ...]) -> str:
        """The numbers at places of an array of one axis, in this shape."""
        to = self._to
        found = _spacing(places.reshape(shape))
        if found is None:
            return to.gathered(source, places.reshape(shape))
        strides, step = found
        base, size = int(places[0]), places.size
        x = source
        if size < self._size(source) or step != 1:
            x = to.sliced(source, base, base + step * (size - 1) + 1, step)
        axes = [k for k, n in enumerate(shape) if n > 1]
        order = sorted(axes, key=lambda k: -strides[k])
        if order != axes:
            x = to.reshaped(x, tuple(shape[k] for k in order))
            x = to.transposed(x, [order.index(k) for k in axes])
            if len(axes) == len(shape):
                return x
        return to.reshaped(x, shape) if len(shape) > 1 else x

    def _size(self, source: str) -> float:
        """How many numbers a piece has; of what was joined, more than any part of it."""
        return self._sizes[self._names.index(source)] if source in self._names else math.inf

    # -- computing ---------------------------------------------------------------------------------

    def compute(self, work: Work) -> None:
        """What instructions compute becomes a piece."""
        row, slots, operands = work
        if row.name == "vmap":
            self._call(int(slots[0]) - self._program.inputs)
        elif row.name == "guard":
            self._to.require(*[self.read(x[:, 0]) for x in operands[:2]])
            if self._uses[slots].any():
                held = self._to.applied(ROWS[CODES["detach"]], [self.read(operands[0][:, 0])])
                self._add(held, slots)
        elif row.name == "take":
            xs, i = operands
            self._add(self._to.taken(self.read(xs), self.read(i), xs.shape[1]), slots)
        elif row.name == "products":
            self._products(operands, slots)
        elif row.name == "chain":
            self._chain(operands[0], slots)
        elif row.over_lists:
            self._add(self._to.folded(row, [self.read(x) for x in operands]), slots)
        else:
            for among in _apart(work):
                tables = [x[among] for x in operands]
                self._add(self._elementwise(row, tables), slots[among])

    def _elementwise(self, row: Row, tables: list[Integers]) -> str:
        """A primitive, lane by lane, as an array of one axis."""
        n = len(tables[0])
        sizes, needed = _in_common(tables)
        cut = [x.reshape(sizes)[_first(keep)] for x, keep in zip(tables, needed, strict=True)]
        cut = [x[_first([False] * x.ndim)] if (x == x.flat[0]).all() else x for x in cut]
        if math.prod(np.broadcast_shapes(*[x.shape for x in cut])) < n:
            cut[0] = tables[0].reshape(sizes)  # one of them has to have all lanes
        name = self._to.applied(row, [*map(self.read, cut)])
        return self._to.reshaped(name, (n,)) if len(sizes) > 1 else name

    def _chain(self, table: Integers, slots: Integers) -> None:
        """Sums of terms: a few one after the other, many over an axis, which begins with 0.0."""
        if self._all(table[:, 0], 0.0):
            name = self._to.summed(self.read(table[:, 1:]))
        elif table.shape[1] > FEW:
            name = self._to.summed(self.read(table))
        else:
            name = self.read(table[:, 0])
            for term in table.T[1:]:
                name = self._to.applied(_ADD, [name, self.read(term)])
        self._add(name, slots)

    def _all(self, refs: Integers, number: float) -> bool:
        """Whether references read constants that are this number, and no negative zero."""
        if (refs >= 0).any():
            return False
        numbers = self._program.constants[-1 - refs]
        return bool((numbers == number).all() and not np.signbit(numbers).any())

    def _products(self, factors: list[Integers], slots: Integers) -> None:
        """Sums of products; what stands among them that is none is added to them."""
        left, right = factors
        alone = np.array([self._all(refs, 1.0) for refs in right.T])
        if alone.all():
            self._chain(left, slots)
            return
        factors = [x[:, ~alone] for x in factors]
        if factors[0][0, 0] > factors[0][0, -1]:  # as the sums of reverse mode are
            factors = [x[:, ::-1] for x in factors]
        name, order = self._sums_of_products(*factors)
        for term in left[order].T[alone]:
            if not self._all(term, 0.0):
                name = self._to.applied(_ADD, [self.read(term), name])
        self._add(name, slots[order])

    def _sums_of_products(self, left: Integers, right: Integers) -> tuple[str, Any]:
        """The sums, and in which order the lanes are."""
        to, (n, terms) = self._to, left.shape
        sizes, (in_left, in_right) = _in_common([left, right])
        both = [x and y for x, y in zip(in_left, in_right, strict=True)]
        if all(both) or not all(x or y for x, y in zip(in_left, in_right, strict=True)):
            product = to.applied(_MUL, [self.read(left), self.read(right)])
            return to.summed(product), np.arange(n)
        # axes that both factors have, then those of the left, then those of the right
        kinds = [0 if y else 1 if x else 2 for x, y in zip(in_left, both, strict=True)]
        axes = sorted(range(len(sizes)), key=lambda k: kinds[k])
        count = [math.prod(sizes[k] for k in axes if kinds[k] == kind) for kind in range(3)]
        outer = count[:1] if count[0] > 1 else []

        def arranged(table: Integers, keep: list[bool], lanes: int) -> Any:
            cube = table.reshape(*sizes, terms)[_first(keep)]
            return cube.transpose([*axes, len(sizes)]).reshape(*outer, lanes, terms)

        x = self.read(arranged(left, in_left, count[1]))
        y = self.read(arranged(right, in_right, count[2]).swapaxes(-1, -2))
        order = np.arange(n).reshape(sizes).transpose(axes).ravel()
        return to.reshaped(to.multiplied(x, y), (n,)), order

    def _call(self, k: int) -> None:
        """What runs a body, and its parts."""
        body, refs = self._program.call(k)
        at, which = self._parts[k]
        operands, sizes = taken_apart(body, refs)
        asked = bool((which == len(body) - 1).any())
        names = self._to.called(body, [*map(self.read, operands)], asked)
        first = 0
        for name, size in zip(names, sizes, strict=True):
            mine = (which >= first) & (which < first + size)
            slots = self._program.inputs + at[mine]
            self._piece[slots] = len(self._names)
            self._place[slots] = which[mine] - first
            self._names.append(name)
            self._sizes.append(size)
            first += size


def taken_apart(body: Body, refs: Integers) -> tuple[list[Integers], list[int]]:
    """The operands of what runs a body, and the sizes of its results.

    * ``Mapped``: a row for every lane, and what is shared; the results of the lanes, sums, 1.
    * ``Scan``: the carry, a row for every step, and what is shared; the carry, the results of the
      steps, 1.
    * ``Pullback``: the same, the adjoints of the carry, a row for every step of those of results;
      the adjoints of the carry, of the rows, of what is shared, 1.
    """
    if isinstance(body, Mapped):
        rows, sizes = body.lanes, [body.lanes * body.own, body.shared]
        results = [body.lanes * body.results, body.sums]
    elif isinstance(body, Scan):
        rows, sizes = body.steps, [body.carry, body.steps * body.own, body.shared]
        results = [body.carry, body.steps * body.results]
    else:
        assert isinstance(body, Pullback)
        rows, sizes = body.steps, [body.carry, body.steps * body.own, body.scan.shared]
        sizes += [len(body.back), body.steps * len(body.given)]
        results = [len(body.back), body.steps * len(body.by_own), len(body.by_shared)]
    parts = np.split(refs, np.cumsum(sizes)[:-1])
    by_row = (0,) if isinstance(body, Mapped) else (1, 4)
    for i in by_row:
        if i < len(parts):
            parts[i] = parts[i].reshape(rows, len(parts[i]) // rows)
    return parts, [*results, 1]


def _spacing(places: Integers) -> tuple[list[int], int] | None:
    """The strides of places along axes, if they fill a slice, and the step of that."""
    shape = places.shape
    if places.size == 0:
        return None
    corner = places[(0,) * places.ndim]
    strides = []
    expected = np.full((1,) * places.ndim, corner, np.int64)
    for k, size in enumerate(shape):
        at = [0] * places.ndim
        at[k] = min(1, size - 1)
        stride = int(places[tuple(at)] - corner)
        strides.append(stride)
        axis = [1] * places.ndim
        axis[k] = size
        expected = expected + stride * np.arange(size).reshape(axis)
    if (expected != places).any():
        return None
    axes = sorted((k for k, size in enumerate(shape) if size > 1), key=lambda k: strides[k])
    step = strides[axes[0]] if axes else 1
    below = step
    for k in axes:
        if strides[k] != below or step < 1:
            return None
        below *= shape[k]
    found = [below if size == 1 else stride for size, stride in zip(shape, strides, strict=True)]
    return found, step


def _in_common(tables: list[Integers]) -> tuple[tuple[int, ...], list[list[bool]]]:
    """Axes along which all operands are evenly spaced or repeated, outermost first; and for every
    operand along which of them it differs.
    """
    sizes, chosen = shared_axes(tables, 1)
    needed = [[bool(x) for x in axes.along(sizes)][::-1] for axes in chosen]
    return sizes[::-1], needed


def _first(keep: list[bool]) -> tuple[slice, ...]:
    """Of an array, all along the axes that are kept, and only the first along the others."""
    return tuple(slice(None) if x else slice(1) for x in keep)


def _apart(work: Work) -> list[Any]:
    """The lanes of instructions, those with constants for the same operands together.

    A constant has no derivative, which is more than to have one of 0: where the partial is
    infinite, say, their product is none.  Those of sums and products are as finite as operands are.
    """
    name, everything = work.row.name, np.arange(len(work.slots))
    if name in ("add", "sub", "mul") or len(work.operands) == 1:
        return [everything]
    kind = sum((x[:, 0] < 0).astype(np.int8) << i for i, x in enumerate(work.operands))
    return [everything[kind == i] for i in np.unique(kind)]
