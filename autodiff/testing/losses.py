"""Where a run loses digits: its numbers beside what they ought to be, and who is to blame.

* ``Numbers`` -- all numbers of a run and of the sweep back over it, in floats and with many digits;
* ``correct`` -- how many digits of one are right;
* ``losses`` -- the lines of the program that lose those that its results have not.
"""

from __future__ import annotations

import linecache
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from autodiff.engine.anomalies import written
from autodiff.engine.expressions import names_in
from autodiff.engine.traces import COMPARE
from autodiff.ops import COMPARISONS, ROWS
from autodiff.testing.arithmetic import ON_FLOATS, Swept, backward, forward
from autodiff.testing.precise import with_digits
from autodiff.testing.recorded import Comparison, Recorded

FULL = 53 * math.log10(2)  #: the digits of a float
_DIGITS = (50, 100, 200, 400, 800, 1600, 3200)  # tried in turn, until two agree
_AGREE = 1e-20  # relatively
_LEAST = 1.0  # digits that a line must have lost to be mentioned
_SLIGHT = 0.5  # digits of one operation that are lost to nothing but rounding
_SHOWN = 4  # operands
_HUGE, _NORMAL = 2.0**1023, 2.0**-1022
_SUMS = ("add", "sub", "sum", "mean", "dot")
_CHOICES = ("maximum", "minimum", "clip", "take", "pick")
_JUMPS = (
    *("sign", "step", "positive", "prefer", "floor", "ceil", "trunc", "rint", "take", "pick"),
    *COMPARISONS,
)


class Loss(NamedTuple):
    """Where digits are lost.

    Attributes:
        source: the line of the program, ``"file.py:12"``.
        kind: ``"cancellation"``; ``"rounding"``: of many operations, a little in each;
            ``"conditioning"``: of an operation whose result depends more on
            its operands than their digits allow; ``"jump"``: of one that rounding has pushed over a
            jump; ``"overflow"``, ``"underflow"``; ``"domain"``: nan where there is a number, or the
            other way round; ``"branch"``: a comparison that with more digits comes out otherwise.
        digits: how many; of a branch, which may change all, all that there are.
        what: the operation of which that is most true, with its operands, what it gave, and what it
            ought to have given.
        times: how many operations of the line it is true of.

    >>> loss = Loss("a file that is not there:3", "cancellation", 7.1, "sub(2.0, 2.0) is ...", 1)
    >>> loss.kind, loss.text
    ('cancellation', '')
    """

    source: str
    kind: str
    digits: float
    what: str
    times: int

    @property
    def text(self) -> str:
        """The line of the program, where it can be read."""
        file, _, line = self.source.rpartition(":")
        return linecache.getline(file, int(line)).strip() if line.isdigit() else ""


class _Number(NamedTuple):
    """What an operation gave, forwards or backwards.

    Attributes:
        number: what it gave.
        exact: what it ought to have given.
        reads: the numbers that it came from, counted from 0.
        node: the operation; of a sum, the one whose gradient it is.
        source: the line of the program.
        kind: ``"value"``; ``"share"``, of the gradient, for one operand; ``"sum"`` of two shares.
    """

    number: float
    exact: Any
    reads: tuple[int, ...]
    node: int
    source: str
    kind: str


class Numbers:
    """All numbers of a run and of the sweep back: first the nodes, then shares and sums of these.

    Attributes:
        recorded: the run.
        list: its numbers.
        gradient: of each input, the number that is its derivative; None if nothing depends on it.
        digits: of each number, how many digits are correct.
    """

    def __init__(self, recorded: Recorded, name: str) -> None:
        self.recorded = recorded
        values = [node.number for node in recorded.nodes]
        swept = backward(recorded, values, ON_FLOATS)
        results = [values[recorded.result], *swept.adjoints[: recorded.inputs]]
        exact, exact_swept, zeros = _exactly(recorded, results, name)
        self.list = [
            _Number(x, y, node.operands, k, node.source, "value")
            for k, (x, y, node) in enumerate(zip(values, exact, recorded.nodes, strict=True))
        ]
        adjoints: dict[int, int] = {}
        for share, true in zip(swept.shares, exact_swept.shares, strict=True):
            k, i = share.node, share.i
            node = recorded.nodes[k]
            reads = self._read_by_partial(k, i) + ((adjoints[k],) if k in adjoints else ())
            new = _Number(share.number, true.number, reads, k, node.source, "share")
            x = node.operands[i]
            before = adjoints.get(x)
            adjoints[x] = self._add(new)
            if before is not None:
                old, reads = self.list[before], (before, adjoints[x])
                source = recorded.nodes[x].source or node.source
                numbers = old.number + new.number, old.exact + new.exact
                adjoints[x] = self._add(_Number(*numbers, reads, x, source, "sum"))
        self.gradient = [adjoints.get(k) for k in range(recorded.inputs)]
        results_at = [recorded.result, *self.gradient]
        for at, zero in zip(results_at, zeros, strict=True):
            if zero and at is not None:
                self.list[at] = self.list[at]._replace(exact=0 * self.list[at].exact)
        self.digits = [correct(x.number, x.exact) for x in self.list]

    def _add(self, x: _Number) -> int:
        self.list.append(x)
        return len(self.list) - 1

    def _read_by_partial(self, k: int, i: int) -> tuple[int, ...]:
        """The numbers that a partial of a node is computed from."""
        node = self.recorded.nodes[k]
        n = len(node.operands)
        places = _places_read(node.op, i, n)
        reads = tuple(node.operands[j] for j in places if j < n)
        return (*reads, k) if n in places else reads

    def weights(self, k: int) -> list[tuple[int, float]]:
        """The numbers that number ``k`` came from, each with the digits that it has in it.

        In a sum, these are more than its own where others are larger; and what is not chosen has
        all of them.
        """
        it = self.list[k]
        name = "add" if it.kind == "sum" else ""
        if it.kind == "value":
            name = ROWS[self.recorded.nodes[it.node].op].name
        if name in _CHOICES:
            chosen = [
                FULL if x.exact != it.exact and x.number != it.number else self.digits[j]
                for j, x in ((j, self.list[j]) for j in it.reads)
            ]
            return [*zip(it.reads, chosen, strict=True)]
        if name not in _SUMS:
            return [(j, self.digits[j]) for j in it.reads]
        terms = [self.list[j] for j in it.reads]
        half = len(terms) // 2
        factors: list[Any] = [1] * len(terms)
        if name == "dot":
            factors = [x.exact for x in [*terms[half:], *terms[:half]]]
        most = max(abs(x.exact * y) for x, y in zip(terms, factors, strict=True))
        if not 0 < most < math.inf:
            return [(j, self.digits[j]) for j in it.reads]
        errors = [abs((x.number - x.exact) * y) for x, y in zip(terms, factors, strict=True)]
        return [(j, _counted(e, most)) for j, e in zip(it.reads, errors, strict=True)]

    def kind(self, k: int, lost: float) -> str:
        """What number ``k`` has lost digits to."""
        it = self.list[k]
        x, y = it.number, it.exact
        name = ROWS[self.recorded.nodes[it.node].op].name
        if self.breaks(k):
            return "overflow" if math.isinf(x) and abs(y) >= _HUGE else "domain"
        if abs(x) < _NORMAL and 0 < abs(y) < _NORMAL:
            return "underflow"
        if it.kind == "value" and name in _JUMPS:
            return "jump"
        if lost < _SLIGHT:
            return "rounding"
        of_sum = it.kind == "sum" or (it.kind == "value" and name in _SUMS)
        return "cancellation" if of_sum else "conditioning"

    def breaks(self, k: int) -> bool:
        """Whether number ``k`` is infinite or nan, and ought not to be, or the other way round."""
        it = self.list[k]
        if math.isfinite(it.number):
            return bool(it.exact != it.exact)
        ought = abs(it.exact) < math.inf
        return bool(ought and all(math.isfinite(self.list[j].number) for j in it.reads))

    def words(self, k: int) -> str:
        """What number ``k`` is, and what it ought to be."""
        it = self.list[k]
        node = self.recorded.nodes[it.node]
        operands = [self.list[j].number for j in node.operands]
        most = operands[:_SHOWN]
        operation = (
            written(ROWS[node.op].name, [""] * len(most), most) if node.op else "an argument"
        )
        if len(operands) > _SHOWN:
            operation = operation[:-1] + ", ...)"
        given = {
            "value": f"{operation} is",
            "share": f"backward through {operation}: the gradient that it hands on is",
            "sum": f"backward: the gradient of {operation} adds up to",
        }[it.kind]
        near = float(it.exact)
        return f"{given} {it.number!r}, not {near if math.isfinite(near) else it.exact}"


def correct(x: float, y: Any) -> float:
    """How many digits of a float are those of a number of more digits.

    >>> correct(3.14, math.pi) > 3, correct(math.inf, 1e300), correct(0.0, 0.0) == FULL
    (True, 0.0, True)
    """
    nearest = float(y)
    if _NORMAL < abs(nearest) < math.inf and math.isfinite(x):  # mostly, floats can tell
        if x == nearest:
            return FULL
        if abs(x - nearest) > 2**-40 * abs(nearest):
            return _counted(abs(x - nearest), abs(nearest))
    if x == y or (x != x and y != y) or (math.isinf(x) and abs(y) == math.inf):
        return FULL
    if not math.isfinite(x) or not abs(y) < math.inf or not y:
        return 0.0
    return _counted(abs(x - y), abs(y))


def _counted(error: Any, size: Any) -> float:
    """How many digits an error leaves of a number of that size."""
    relative = float(error / size)
    if relative == 0:
        return FULL
    return min(FULL, max(0.0, -math.log10(relative))) if relative > 0 else 0.0  # of nan, none


def _exactly(
    recorded: Recorded, results: Sequence[float | None], name: str
) -> tuple[list[Any], Swept, list[bool]]:
    """The numbers of a run, and of the sweep back, with as many digits as it takes.

    Args:
        recorded: the run.
        results: of its results, the value and the gradient, the floats.
        name: what messages call the run.

    Returns:
        These; and of each result, whether it is 0: then more digits bring it ever closer to that.
    """
    history: list[list[Any]] = []
    least = _swallowed(recorded) + 20
    for digits in [digits for digits in _DIGITS if digits >= min(least, 800)]:
        precise = with_digits(digits)
        values = forward(recorded, precise)
        swept = backward(recorded, values, precise)
        found = [values[recorded.result], *swept.adjoints[: recorded.inputs]]
        history.append([None if y is None else precise.number(y) for y in found])
        zeros = [_vanishes([turn[i] for turn in history]) for i in range(len(found))]
        if len(history) > 1 and all(
            zero or _agree(x, precise.number(before), y)
            for x, before, y, zero in zip(results, history[-2], found, zeros, strict=True)
            if x is not None
        ):
            return values, swept, zeros
    raise ArithmeticError(f"{name}: {_DIGITS[-1]} digits are too few to tell what is right")


def _swallowed(recorded: Recorded) -> float:
    """How many digits lie between what is swallowed by a sum and what is left when it cancels.

    Of ``(x + 1e150) - 1e150`` 50 digits and 100 say alike that it is 0; it takes 150 to see ``x``.
    """
    most = 0.0
    spread: list[float] = []  # of every node: by how much numbers differ in the sums it came from
    for node in recorded.nodes:
        before = max([spread[k] for k in node.operands], default=0.0)
        sizes = [abs(recorded.nodes[k].number) for k in node.operands]
        if ROWS[node.op].name == "dot":
            half = len(sizes) // 2
            sizes = [x * y for x, y in zip(sizes[:half], sizes[half:], strict=True)]
        sizes = [x for x in sizes if 0 < x < math.inf]
        if ROWS[node.op].name in _SUMS and sizes:
            before = max(before, math.log10(max(sizes)) - math.log10(min(sizes)))
            if abs(node.number) < 2.0**-40 * max(sizes):
                most = max(most, before)
        spread.append(before)
    return most


def _agree(x: float, before: Any, now: Any) -> bool:
    """Whether a result is as well known as it takes to say how many digits of a float are right."""
    if not abs(now) < math.inf:
        return bool(now == before or (now != now and before != before))
    return bool(abs(now - before) <= _AGREE * max(abs(now), abs(x) if math.isfinite(x) else 0))


def _vanishes(turns: list[Any]) -> bool:
    """Whether a result becomes smaller and smaller, as digits become more."""
    if len(turns) < 3 or None in turns:
        return False
    first, second, third = map(abs, turns[-3:])
    return bool(third <= _AGREE * second and (second <= _AGREE * first or not first))


@cache
def _places_read(op: int, i: int, n: int) -> tuple[int, ...]:
    """Which operands the partial by operand ``i`` of ``n`` reads, and ``n`` if it reads the value.

    What it reads of a whole list, its total, say, is as exact as the value.
    """
    row = ROWS[op]
    if not row.partials:  # what is chosen is handed on
        return ()
    if not row.over_lists:
        names = names_in(str(row.partials[i]))
        return tuple(j for j, x in enumerate([*row.names, "v"]) if x in names)
    count = n // len(row.names)
    names = names_in(str(row.partials[i // count]))
    each = [i % count + j * count for j, x in enumerate("ab") if x in names]
    return (*each, n) if names & {"t", "m", "u"} else tuple(each)


# -- where digits are lost -------------------------------------------------------------------------


def losses(numbers: Numbers) -> tuple[Loss, ...]:
    """Where digits are lost, the worst first.

    Every number gets the digits that are left of it in the results: those of the result that has
    the fewest, or more where operands on the way had more.  What an operation has lost is the rest.
    """
    left: list[float | None] = [None] * len(numbers.list)
    found: dict[tuple[str, str], list[tuple[float, float, int]]] = defaultdict(list)

    def keep(k: int, digits: float) -> None:
        before = left[k]
        left[k] = digits if before is None else min(before, digits)

    for k in [numbers.recorded.result, *numbers.gradient]:
        if k is not None:
            keep(k, numbers.digits[k])
    branches = [c for c in numbers.recorded.comparisons if _turns(numbers, c)]
    for c in branches:
        keep(c.left, numbers.digits[c.left])
        keep(c.right, numbers.digits[c.right])
    for k in range(len(left) - 1, -1, -1):
        mine = left[k]
        if mine is None or not numbers.list[k].reads:
            continue
        if mine == FULL:
            for j in numbers.list[k].reads:
                keep(j, FULL)
            continue
        weights = numbers.weights(k)
        for j, digits in weights:
            keep(j, max(mine, digits))
        had = FULL if numbers.breaks(k) else min(digits for _, digits in weights)
        if had > mine:
            breaks = numbers.breaks(k)  # what else a line loses is of the kind of the worst of it
            kind = numbers.kind(k, had - mine) if breaks else ""
            found[numbers.list[k].source, kind].append((mine, had, k))
    ranked = []
    for (source, kind), them in found.items():
        lost, (low, high, k) = _covered(them), max(them, key=_length)
        if lost >= _LEAST:
            kind = kind or numbers.kind(k, high - low)
            ranked.append(Loss(source, kind, lost, numbers.words(k), len(them)))
    by_line: dict[str, list[Comparison]] = defaultdict(list)
    for c in branches:
        by_line[c.source].append(c)
    for source, those in by_line.items():
        ranked.append(Loss(source, "branch", FULL, _outcome(numbers, those[0]), len(those)))
    return tuple(sorted(ranked, key=lambda loss: (-round(loss.digits, 1), loss.kind != "branch")))


def _length(loss: tuple[float, float, int]) -> float:
    return loss[1] - loss[0]


def _covered(them: Iterable[tuple[float, float, int]]) -> float:
    """How many digits are lost by one of these: those of a loop add up, those of lanes do not."""
    total, end = 0.0, 0.0
    for low, high, _ in sorted(them):
        total += max(0.0, high - max(low, end))
        end = max(end, high)
    return total


def _turns(numbers: Numbers, c: Comparison) -> bool:
    """Whether a comparison comes out otherwise with more digits."""
    exact = [numbers.list[k].exact for k in (c.left, c.right)]
    return bool(COMPARE[c.op](*exact)) != c.outcome


def _outcome(numbers: Numbers, c: Comparison) -> str:
    """A comparison that comes out otherwise, in words."""
    x, y = (numbers.list[k].number for k in (c.left, c.right))
    a, b = (float(numbers.list[k].exact) for k in (c.left, c.right))
    return f"{x!r} {ROWS[c.op].label} {y!r} is {c.outcome}, but they are {a!r} and {b!r}"
