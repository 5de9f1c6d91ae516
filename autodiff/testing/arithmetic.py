"""The operations of a run, and the chain rule over them, in numbers of any kind.

* ``Arithmetic`` -- what the table's expressions mean in numbers of one kind: those of many digits,
  intervals; ``ON_FLOATS``, in floats;
* ``forward`` -- what every operation gives;
* ``backward`` -- the adjoints of all, in reverse mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autodiff.engine.instructions import ON_LISTS
from autodiff.engine.kernels import FLOATS, list_kernel, partial_functions
from autodiff.ops import CODES, ROWS, Row
from autodiff.second_order import split
from autodiff.testing.recorded import Recorded

_TAKE, _PICK = CODES["take"], CODES["pick"]


class Arithmetic:
    """What the table's expressions mean in numbers of one kind.

    Args:
        names: what their names mean.
        number: from a float to such a number.
        value: from a row over scalars to its value as a function of such numbers.
        inner: the instructions of traces, as functions of a list.
    """

    def __init__(
        self,
        names: dict[str, Any],
        number: Callable[[float], Any],
        value: Callable[[Row], Callable[..., Any]],
        inner: dict[str, Callable[[list[Any]], Any]],
    ) -> None:
        self.number = number
        self.inner = inner
        self._names = names
        self._value = value
        self._values: dict[int, Callable[[list[Any]], Any]] = {}
        self._partials: dict[int, Callable[..., Any]] = {}

    def value(self, op: int) -> Callable[[list[Any]], Any]:
        """An operation, as a function of the list of its operands."""
        if op not in self._values:
            row = ROWS[op]
            if row.name in self.inner:
                self._values[op] = self.inner[row.name]
            elif row.over_lists:
                kernel, lists = list_kernel(row, self._names), len(row.names)
                self._values[op] = lambda xs: kernel(*split(tuple(xs), lists))[0]
            else:
                function = self._value(row)
                self._values[op] = lambda xs: function(*xs)
        return self._values[op]

    def partials(self, op: int) -> Callable[[list[Any], Any, list[int]], list[Any]]:
        """The partials by some operands, as a function of all operands, the value, and which."""
        if op not in self._partials:
            row = ROWS[op]
            if row.over_lists:
                kernel, lists = list_kernel(row, self._names), len(row.names)

                def of_lists(xs: list[Any], v: Any, which: list[int]) -> list[Any]:
                    _, found = kernel(*split(tuple(xs), lists))
                    return [found[i] for i in which]

                self._partials[op] = of_lists
            else:
                functions = partial_functions(row, self._names)
                self._partials[op] = lambda xs, v, which: [functions[i](*xs, v) for i in which]
        return self._partials[op]

    def exactly(self, x: Any) -> Any:
        """A result: an expression of constants may have given a float."""
        return self.number(x) if type(x) is float else x


#: Arithmetic on floats; what was recorded is not computed again.
ON_FLOATS = Arithmetic(FLOATS, float, lambda row: FLOATS[row.name], ON_LISTS)


def forward(r: Recorded, arithmetic: Arithmetic, inputs: Sequence[Any] = ()) -> list[Any]:
    """What every node is, in an arithmetic.

    Args:
        r: a run.
        arithmetic: the kind of numbers.
        inputs: what inputs are, where it is not what they were.
    """
    found: list[Any] = [*inputs]
    for node in r.nodes[len(found) :]:
        if node.op == 0:
            found.append(arithmetic.number(node.number))
        else:
            xs = [found[k] for k in node.operands]
            found.append(arithmetic.exactly(arithmetic.value(node.op)(xs)))
    return found


class Share(NamedTuple):
    """What a node hands to its operand ``i`` in reverse mode: its adjoint times the partial."""

    node: int
    i: int
    number: Any


class Swept(NamedTuple):
    """Reverse mode over a run: the adjoint of every node, None where there is none; and shares."""

    adjoints: list[Any]
    shares: list[Share]


def backward(r: Recorded, values: Sequence[Any], arithmetic: Arithmetic) -> Swept:
    """The chain rule backwards over a run, whose nodes have these values.

    Shares, and so their order, are the same in every arithmetic: what is not chosen is given 0.
    """
    adjoints: list[Any] = [None] * len(r.nodes)
    shares: list[Share] = []
    zero = arithmetic.number(0.0)
    adjoints[r.result] = arithmetic.number(1.0)
    pick = arithmetic.inner["pick"]
    for k in range(len(r.nodes) - 1, -1, -1):
        node, adjoint = r.nodes[k], adjoints[k]
        if adjoint is None or node.op == 0 or not node.active:
            continue
        which = [i for i, x in enumerate(node.operands) if r.nodes[x].active]
        xs = [values[x] for x in node.operands]
        if node.op == _TAKE:
            which = [i for i in which if i < len(xs) - 1]
            given = [pick([adjoint, xs[-1], arithmetic.number(float(i)), zero]) for i in which]
        elif node.op == _PICK:
            _, i, j, _ = xs
            which = [x for x in which if x in (0, 3)]
            ways = {0: [adjoint, i, j, zero], 3: [zero, i, j, adjoint]}
            given = [pick(ways[x]) for x in which]
        else:
            partials = arithmetic.partials(node.op)(xs, values[k], which)
            given = [adjoint * arithmetic.exactly(p) for p in partials]
        for i, share in zip(which, given, strict=True):
            x = node.operands[i]
            shares.append(Share(k, i, share))
            adjoints[x] = share if adjoints[x] is None else adjoints[x] + share
    return Swept(adjoints, shares)
