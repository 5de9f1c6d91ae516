"""The model of ``to_onnx``.

The pieces of ``arrays`` are tensors, and every primitive that a program uses is a function of the
model (``onnx_primitives``).  All tensors have one more axis than the arrays, the first: along it
lie the lanes of a ``vmap``, whose programs are nodes of the same graph; elsewhere, and for what all
lanes share, it has the size 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from autodiff.compiler.program import Body, Floats, Integers, Mapped
from autodiff.export.arrays import shape_of, written
from autodiff.export.listing import Exported
from autodiff.export.onnx_primitives import DOMAIN, OPERATORS, OPSET, functions
from autodiff.ops import Row
from autodiff.transforms.pytrees import Mapping, Node, size

IR = 10  #: the version of the format that goes with ``OPSET``

#: The name, the shape and the size of a tensor outside.
Outer = tuple[str, tuple[int, ...], int]


def model_of(found: Exported, name: str) -> onnx.ModelProto:
    """The model for a program, whose graph has this name; it has been checked."""
    graph = _Graph()
    inputs = [x for text, structure in found.arguments for x in _arrays(structure, text)]
    given = [
        (graph.node("Reshape", [x, graph.integers([1, n])], allowzero=1), n) for x, _, n in inputs
    ]
    lanes = _Lanes(graph, 1)
    pieces = written(found.program, given, lanes)
    taken = {text for text, _, _ in inputs}
    result = "result" if "result" not in taken else "result_"
    outputs, first = [*_arrays(found.result, result)], 0
    for text, shape, n in outputs:
        x = lanes.kept(pieces.read(pieces.outputs[first : first + n]))
        graph.node("Reshape", [x, graph.integers(shape)], text, allowzero=1)
        first += n
    graph.drop_all_but(outputs)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    made = helper.make_graph(graph.nodes, name, _typed(inputs), _typed(outputs), graph.constants)
    model = helper.make_model(
        made,
        producer_name="autodiff",
        ir_version=IR,
        opset_imports=opsets,
        functions=functions(graph.primitives),
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _typed(outer: list[Outer]) -> list[Any]:
    """Tensors of float64 for the outside."""
    double = onnx.TensorProto.DOUBLE
    return [helper.make_tensor_value_info(text, double, shape) for text, shape, _ in outer]


def _arrays(structure: Any, text: str) -> Iterator[Outer]:
    """The arrays in a structure: what each is called in Python, its shape, how many numbers."""
    shape = shape_of(structure)
    if shape is not None:
        yield text, shape, size(structure)
    elif isinstance(structure, Node):
        parts = structure.parts
        keys = structure.kind if isinstance(structure, Mapping) else range(len(parts))
        for key, part in zip(keys, parts, strict=True):
            yield from _arrays(part, f"{text}[{key!r}]")


class _Graph:
    """The nodes of a graph, and the tensors that are constant.

    Attributes:
        nodes, constants: these.
        primitives: the names of those that are used.
        lanes: of every tensor how large its first axis is, where that is not 1.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.primitives: set[str] = set()
        self.lanes: dict[str, int] = {}
        self._known: dict[Any, str] = {}

    def node(self, op: str, xs: list[str], name: str = "", **more: Any) -> str:
        """Append a node; the name of its result, which has the most lanes of its operands."""
        name = name or f"%{len(self.nodes)}"
        domain = DOMAIN if op in self.primitives else ""
        self.nodes.append(helper.make_node(op, xs, [name], domain=domain, **more))
        lanes = max((self.lanes.get(x, 1) for x in xs), default=1)
        if lanes > 1:
            self.lanes[name] = lanes
        return name

    def tensor(self, numbers: Any) -> str:
        """A constant tensor."""
        key = (numbers.dtype.kind, numbers.shape, numbers.tobytes())
        if key not in self._known:
            self._known[key] = name = f"#{len(self._known)}"
            self.constants.append(numpy_helper.from_array(numbers, name))
        return self._known[key]

    def drop_all_but(self, outputs: list[Outer]) -> None:
        """Keep only what these are computed from."""
        needed = {text for text, _, _ in outputs}
        kept = []
        for node in reversed(self.nodes):
            if node.output[0] in needed:
                needed.update(node.input)
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = [x for x in self.constants if x.name in needed]

    def integers(self, numbers: Any) -> str:
        """A constant tensor of integers."""
        return self.tensor(np.asarray(numbers, np.int64))


class _Lanes:
    """The part of a graph that computes what a program does, in so many lanes."""

    def __init__(self, graph: _Graph, count: int) -> None:
        self._graph, self._count = graph, count
        self._right: list[str] = []

    def _lanes(self, x: str) -> int:
        return self._graph.lanes.get(x, 1)

    def _node(self, op: str, *xs: str, **more: Any) -> str:
        return self._graph.node(op, [*xs], **more)

    def spread(self, x: str, rank: int) -> str:
        """A tensor with all lanes."""
        if self._lanes(x) == self._count:
            return x
        name = self._node("Expand", x, self._graph.integers([self._count] + [1] * rank))
        self._graph.lanes[name] = self._count
        return name

    def right(self) -> str | None:
        """For every lane 1 if its numbers are those of the function, else 0; None if all are."""
        if not self._right:
            return None
        found = self._right[0]
        for x in self._right[1:]:
            found = self._node("Mul", found, x)
        return found

    def kept(self, x: str) -> str:
        """Numbers, nan where they are not right."""
        right = self.right()
        if right is None:
            return x
        scale = [self._graph.tensor(np.array([[number]])) for number in (1.0, np.nan)]
        return self._node("Mul", x, self._node("Where", self._holds(right), *scale))

    def _holds(self, x: str) -> str:
        return self._node("Equal", x, self._graph.tensor(np.array([[1.0]])))

    def _least(self, x: str, axis: int, keep: bool = True) -> str:
        return self._node("ReduceMin", x, self._graph.integers([axis]), keepdims=int(keep))

    def constant(self, numbers: Floats) -> str:
        return self._graph.tensor(numbers[None])

    def sliced(self, x: str, start: int, stop: int, step: int) -> str:
        return self._node("Slice", x, *[self._graph.integers([k]) for k in (start, stop, 1, step)])

    def joined(self, xs: list[str]) -> str:
        if {*map(self._lanes, xs)} != {1}:
            xs = [self.spread(x, 1) for x in xs]
        return self._node("Concat", *xs, axis=1)

    def gathered(self, x: str, places: Integers) -> str:
        return self._node("Gather", x, self._graph.integers(places), axis=1)

    def reshaped(self, x: str, shape: tuple[int, ...]) -> str:
        return self._node("Reshape", x, self._graph.integers([0, *shape]))

    def transposed(self, x: str, axes: list[int]) -> str:
        return self._node("Transpose", x, perm=[0, *[k + 1 for k in axes]])

    def applied(self, row: Row, xs: list[str]) -> str:
        if row.name in OPERATORS and row.name != "pow":
            return self._node(OPERATORS[row.name], *xs)
        self._graph.primitives.add(row.name)
        return self._node(row.name, *xs)

    def folded(self, row: Row, xs: list[str]) -> str:
        return self._node("Squeeze", self.applied(row, xs), self._graph.integers([-1]))

    def summed(self, x: str) -> str:
        return self._node("ReduceSum", x, self._graph.integers([-1]), keepdims=0)

    def multiplied(self, x: str, y: str) -> str:
        return self._node("MatMul", x, y)

    def taken(self, xs: str, i: str, count: int) -> str:
        ends = [self._graph.tensor(np.array([[[x]]])) for x in (0.0, count - 1.0)]
        cut = self._node("Min", self._node("Max", i, ends[0]), ends[1])
        inside = self._node("Equal", i, self._node("Floor", cut))
        place = self._node("Where", inside, i, ends[0])
        self._require(self._node("Squeeze", inside, self._graph.integers([-1])))
        place = self._node("Cast", place, to=onnx.TensorProto.INT64)
        if self._lanes(xs) != self._lanes(place):
            xs, place = self.spread(xs, 2), self.spread(place, 2)
        found = self._node("GatherElements", xs, place, axis=2)
        return self._node("Squeeze", found, self._graph.integers([-1]))

    def require(self, x: str, wanted: str) -> None:
        self._require(self._node("Equal", x, wanted))

    def _require(self, holds: str) -> None:
        x = self._node("Cast", holds, to=onnx.TensorProto.DOUBLE)
        self._right.append(self._least(x, 1))

    def called(self, body: Body, operands: list[str], asked: bool) -> list[str]:
        if not isinstance(body, Mapped):
            raise TypeError(
                f"a {body.word} cannot be written for ONNX: only vmap is, as lanes of one graph"
            )
        own, shared = operands
        graph, outer = self._graph, max(self._lanes(own), self._lanes(shared))
        count = outer * body.lanes
        if self._lanes(shared) > 1:
            own = self.spread(own, 2)
            shared = self._node("Unsqueeze", shared, graph.integers([1]))
            shared = self._node("Expand", shared, graph.integers([1, body.lanes, 1]))
            shared = self._reshaped(shared, [count, body.shared])
        own = self._reshaped(own, [count, body.own])
        found, fits = graph.tensor(np.array([[np.nan]])), graph.tensor(np.array([[0.0]]))
        for p in reversed(body.ways):
            lanes = _Lanes(graph, count)
            pieces = written(p, [(own, body.own), (shared, body.shared)], lanes)
            these, right = pieces.read(pieces.outputs), lanes.right()
            if right is None:
                found, fits = these, graph.tensor(np.array([[1.0]]))
            else:
                found = self._node("Where", self._holds(right), these, found)
                fits = self._node("Max", right, fits)
        everywhere = _Lanes(graph, count)
        found = self._reshaped(everywhere.spread(found, 1), [outer, body.lanes, -1])
        fits = self._reshaped(everywhere.spread(fits, 1), [outer, body.lanes])
        fits = self._least(fits, 1)
        if not asked:
            self._right.append(fits)
        cut = graph.integers([body.results])
        results = self._node("Slice", found, graph.integers([0]), cut, graph.integers([2]))
        end = graph.integers([body.results + body.sums])
        summed = self._node("Slice", found, cut, end, graph.integers([2]))
        return [
            self._reshaped(results, [outer, body.lanes * body.results]),
            self._node("ReduceSum", summed, graph.integers([1]), keepdims=0),
            fits,
        ]

    def _reshaped(self, x: str, shape: list[int]) -> str:
        """A tensor whose first axis has another size."""
        name = self._node("Reshape", x, self._graph.integers(shape))
        self._graph.lanes[name] = shape[0]
        return name
