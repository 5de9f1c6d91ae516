"""The table's rows as functions of an ONNX model: each primitive once.

``functions(names)`` gives those that these primitives need, in float64 throughout.  They are made
of operators that onnxruntime has for float64 on every machine; the others, ``Tan`` and ``Erf`` say,
it has for float32 only, and ``elementary`` writes them with fewer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from autodiff.engine.expressions import names_in
from autodiff.engine.instructions import OF_LIST
from autodiff.export.elementary import FORMULAS
from autodiff.ops import CODES, CONSTANTS, ROWS

DOMAIN = "autodiff"  #: of the functions
OPSET = 21  #: of ONNX: every onnxruntime since 1.18 has it

#: Operators of ONNX for primitives, and for functions that ``elementary`` calls.
OPERATORS = {
    **{"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "neg": "Neg", "detach": "Identity"},
    **{"abs": "Abs", "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "pow": "Pow", "floor": "Floor"},
    **{"ceil": "Ceil", "rint": "Round", "small_sin": "Sin", "small_cos": "Cos"},
}
_SYNTAX: dict[type[ast.AST], str] = {
    **{ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div", ast.USub: "Neg"},
    **{ast.Lt: "Less", ast.LtE: "LessOrEqual", ast.Gt: "Greater", ast.GtE: "GreaterOrEqual"},
    **{ast.Eq: "Equal", ast.And: "And", ast.Or: "Or"},
}
_NUMBERS = {**CONSTANTS, "inf": np.inf, "nan": np.nan}

#: Inner instructions as expressions; ``greatest`` is ``ReduceMax`` over the last axis.
_INNER = {
    "pick": ("a b c d", "a if b == c else d"),
    "largest": ("a", "largest_of(greatest(-inf if a != a else a))"),
    "largest_of": ("a", "0.0 if abs(a) == inf else a"),
    "unit": ("a", "unit_of(greatest(0.0 if a != a else abs(a)))"),
    "unit_of": ("a", f"{2.0**600!r} if a > 1e150 else {2.0**-600!r} if a < 1e-140 else 1.0"),
    "peak": ("a", "nan if greatest(1.0 if a != a else 0.0) == 1 else greatest(a)"),
}


def functions(names: Iterable[str]) -> list[Any]:
    """The functions of a model that computes these primitives.

    Raises:
        TypeError: if one of them cannot be computed by what onnxruntime has for float64.

    >>> [f.name for f in functions(["tan"])]
    ['cos', 'cos_of', 'sin', 'sin_of', 'tan', 'turned', 'without']
    """
    found: dict[str, Any] = {}
    pending = [(name, name) for name in names]
    while pending:
        name, asked = pending.pop()
        if name in found:
            continue
        if name not in CODES and name not in FORMULAS and name not in _INNER:
            raise TypeError(
                f"{asked}() cannot be written for ONNX: it needs {name}(), which ONNX lacks"
            )
        found[name], called = _function(name)
        pending += [(x, asked) for x in called]
    return [found[name] for name in sorted(found)]


def _function(name: str) -> tuple[Any, set[str]]:
    """A function, and the names of those that it calls."""
    fold = ""
    if name in _INNER or name in FORMULAS:
        operands, value = {**FORMULAS, **_INNER}[name]
    else:
        row = ROWS[CODES[name]]
        operands, value, fold = row.operands, str(row.value), row.fold
    names = [x[0] for x in operands.split()] if fold else operands.split()
    body = _Body(name, names)
    if fold:
        body.of_list(fold)
    result = body.write(ast.parse(value, mode="eval").body)
    body.node("Identity", [result], ["result"])
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_function(DOMAIN, name, names, ["result"], body.nodes, opsets), body.called


class _Body:
    """The nodes of a function.

    Attributes:
        nodes: these.
        called: the names of the functions that it calls.
    """

    def __init__(self, own: str, operands: list[str]) -> None:
        self.nodes: list[Any] = []
        self.called: set[str] = set()
        self._own = own
        self._names = {x: x for x in operands}
        self._known: dict[Any, str] = {}

    def node(
        self, op: str, inputs: list[str], outputs: list[str] | None = None, **more: Any
    ) -> str:
        """Append a node, unless there is one like it; the name of its result."""
        key = (op, *inputs, repr(more))
        if outputs is None and key in self._known:
            return self._known[key]
        domain = DOMAIN if op in self.called else ""
        outputs = outputs or [f"t{len(self.nodes)}"]
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **more))
        self._known[key] = outputs[0]
        return outputs[0]

    def number(self, x: Any, kind: Any = np.float64) -> str:
        """A constant."""
        return self.node("Constant", [], value=numpy_helper.from_array(np.array(x, kind)))

    def of_list(self, fold: str) -> None:
        """What expressions may say of a whole list."""
        count = self.node("Shape", ["a"], start=-1)
        self._names["n"] = self.node("Cast", [count], to=onnx.TensorProto.DOUBLE)
        for x, name in OF_LIST.items():
            if x in names_in(fold):
                self._names[x] = self._call(name, ["a"])
        terms = self.write(ast.parse(fold, mode="eval").body)
        last = self.number([-1], np.int64)
        self._names["t"] = self.node("ReduceSum", [terms, last], keepdims=1)

    def _call(self, name: str, inputs: list[str]) -> str:
        """What a function gives."""
        if name == "greatest":
            return self.node("ReduceMax", [*inputs, self.number([-1], np.int64)], keepdims=1)
        if name in OPERATORS and (name != "pow" or self._own == "pow"):
            return self.node(OPERATORS[name], inputs)
        self.called.add(name)
        return self.node(name, inputs)

    def write(self, node: ast.expr) -> str:
        """Nodes for an expression of the table; the name of its result."""
        if isinstance(node, ast.Constant):
            return self.number(node.value)
        if isinstance(node, ast.Name):
            known = node.id in self._names
            return self._names[node.id] if known else self.number(_NUMBERS[node.id])
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return self._call(node.func.id, [*map(self.write, node.args)])
        if isinstance(node, ast.UnaryOp):
            return self.node("Neg", [self.write(node.operand)])
        if isinstance(node, ast.BinOp):
            return self.node(
                _SYNTAX[type(node.op)], [self.write(node.left), self.write(node.right)]
            )
        if isinstance(node, ast.BoolOp):
            left, right = map(self.write, node.values)
            return self.node(_SYNTAX[type(node.op)], [left, right])
        if isinstance(node, ast.Compare):
            sides = [self.write(node.left), self.write(node.comparators[0])]
            if isinstance(node.ops[0], ast.NotEq):
                return self.node("Not", [self.node("Equal", sides)])
            return self.node(_SYNTAX[type(node.ops[0])], sides)
        assert isinstance(node, ast.IfExp), ast.unparse(node)
        return self.node("Where", [*map(self.write, (node.test, node.body, node.orelse))])
