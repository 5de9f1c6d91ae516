"""The table's expressions, rendered for whoever evaluates them.

An expression is parsed once by Python's ``ast``; four small renderings differ only where the
languages do:

* ``for_floats`` -- Python on floats, where ``/`` must not raise: ``a/b`` becomes ``div(a, b)``;
* ``for_arrays`` -- Python on NumPy arrays, where ``x if c else y`` becomes ``where(c, x, y)``;
* ``for_c`` -- C, where names get a prefix, ``x if c else y`` becomes ``(c ? x : y)`` and
  ``div(a, b)`` is ``a / b`` again;
* ``for_javascript`` -- the same, but that ``==`` becomes ``===``.

On Values an expression means what it says, and needs no rendering.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

_C_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.And: "&&", ast.Or: "||",
}  # fmt: skip
_JAVASCRIPT_OPERATORS = {**_C_OPERATORS, ast.Eq: "===", ast.NotEq: "!=="}
_C_NAMES = {"inf": "INFINITY", "nan": "NAN"}
_JAVASCRIPT_NAMES = {"inf": "Infinity", "nan": "NaN"}


def _call(function: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), list(args), [])


class _FloatRendering(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _call("div", node.left, node.right) if isinstance(node.op, ast.Div) else node


class _ArrayRendering(ast.NodeTransformer):
    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return _call("where", node.test, node.body, node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        name = "logical_and" if isinstance(node.op, ast.And) else "logical_or"
        return _call(name, *node.values)


def for_floats(expression: str) -> str:
    """Python source that evaluates ``expression`` on floats.

    >>> for_floats("v/(1 + a)")
    'div(v, 1 + a)'
    """
    return ast.unparse(_FloatRendering().visit(ast.parse(expression, mode="eval")))


def for_arrays(expression: str) -> str:
    """Python source that evaluates ``expression`` on NumPy arrays.

    >>> for_arrays("0.0 if a < 0 else a")
    'where(a < 0, 0.0, a)'
    """
    return ast.unparse(_ArrayRendering().visit(ast.parse(expression, mode="eval")))


def for_c(expression: str, rename: Callable[[str], str]) -> str:
    """C source that evaluates ``expression`` on doubles, every function's name given to ``rename``.

    >>> for_c("0.0 if a < 0 else log(a)/2", lambda name: "k_" + name)
    '((a < 0.0) ? 0.0 : (k_log(a) / 2.0))'
    """
    return _in_parentheses(expression, rename, _C_OPERATORS, _C_NAMES)


def for_javascript(expression: str, rename: Callable[[str], str]) -> str:
    """JavaScript source that evaluates ``expression``, functions' names given to ``rename``.

    >>> for_javascript("0.0 if a == 0 else log(a)/2", lambda name: "Math." + name)
    '((a === 0.0) ? 0.0 : (Math.log(a) / 2.0))'
    """
    return _in_parentheses(expression, rename, _JAVASCRIPT_OPERATORS, _JAVASCRIPT_NAMES)


def _in_parentheses(
    expression: str,
    rename: Callable[[str], str],
    operators: dict[type[ast.AST], str],
    names: dict[str, str],
) -> str:
    """Source in a language with C's expressions, every operation in parentheses."""

    def render(node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, (int, float))
            return repr(float(node.value))
        if isinstance(node, ast.Name):
            return names.get(node.id, node.id)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            if node.func.id == "div":
                return f"({' / '.join(map(render, node.args))})"
            return f"{rename(node.func.id)}({', '.join(map(render, node.args))})"
        if isinstance(node, ast.UnaryOp):
            return f"({operators[type(node.op)]}{render(node.operand)})"
        if isinstance(node, ast.BinOp):
            return f"({render(node.left)} {operators[type(node.op)]} {render(node.right)})"
        if isinstance(node, ast.Compare):
            assert len(node.ops) == 1
            operator = operators[type(node.ops[0])]
            return f"({render(node.left)} {operator} {render(node.comparators[0])})"
        if isinstance(node, ast.BoolOp):
            return "(" + f" {operators[type(node.op)]} ".join(map(render, node.values)) + ")"
        assert isinstance(node, ast.IfExp), f"not an expression of the table: {ast.dump(node)}"
        return f"({render(node.test)} ? {render(node.body)} : {render(node.orelse)})"

    return render(ast.parse(expression, mode="eval").body)


def names_in(expression: str) -> set[str]:
    """Every name that ``expression`` mentions.

    >>> sorted(names_in("1/(a*LN2)"))
    ['LN2', 'a']
    """
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
