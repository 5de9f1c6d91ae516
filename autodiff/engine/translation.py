"""The functions of ``special.py`` in C, in JavaScript, and as Python that stands by itself.

* ``SOURCES`` -- by name, the statements of that file that define a function or a tuple of numbers;
* ``in_python``, ``in_c``, ``in_javascript`` -- such a statement as text, operation for operation.

The file is read as text, since C is written where NumPy, which it imports, may be missing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from autodiff.engine.expressions import for_c, for_javascript

#: The statements by name, in an order in which each comes after what it needs.
SOURCES: dict[str, ast.stmt] = {}
for _statement in ast.parse(Path(__file__).with_name("special.py").read_text("utf-8")).body:
    if isinstance(_statement, ast.FunctionDef):
        SOURCES[_statement.name] = _statement
    elif isinstance(_statement, ast.Assign) and isinstance(_statement.value, ast.Tuple):
        SOURCES[ast.unparse(_statement.targets[0])] = _statement

_INDENT = "    "


def renamed(name: str) -> str:
    """What a function or tuple of ``special.py`` is called in the other languages.

    >>> renamed("lgamma"), renamed("log")
    ('c_lgamma', 'log')
    """
    return f"c_{name}" if name in SOURCES else name


def names_mentioned(name: str) -> set[str]:
    """Every name in a statement that is not one of its own variables.

    >>> sorted(names_mentioned("lgamma"))
    ['BERNOULLI', 'LGAMMA', 'ceil', 'floor', 'inf', 'lgamma', 'log']
    """
    statement = SOURCES[name]
    nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    if isinstance(statement, ast.FunctionDef):
        own = {*_variables(statement), *(arg.arg for arg in statement.args.args), "float"}
        return {node.id for node in nodes} - own
    return set()


def in_python(name: str) -> str:
    """A statement as Python, without its documentation.

    >>> print(in_python("polygamma").splitlines()[0])
    def polygamma(a, b):
    """
    statement = SOURCES[name]
    if not isinstance(statement, ast.FunctionDef):
        return ast.unparse(statement)
    arguments = ", ".join(arg.arg for arg in statement.args.args)
    body = "\n".join(map(ast.unparse, statement.body[1:])).replace("\n", f"\n{_INDENT}")
    return f"def {name}({arguments}):\n{_INDENT}{body}\n"


def in_c(name: str, rename: Callable[[str], str]) -> str:
    """A statement in C, functions' names given to ``rename``.

    >>> print(in_c("BERNOULLI", str)[:49])
    static const double c_BERNOULLI[] = {0.1666666666
    """
    statement = SOURCES[name]
    if not isinstance(statement, ast.FunctionDef):
        return f"static const double {renamed(name)}[] = {{{_numbers(name)}}};"

    def render(expression: ast.expr) -> str:
        return for_c(ast.unparse(expression), rename)

    def each(variable: str, numbers: str) -> str:
        count = f"(int)(sizeof {numbers} / sizeof *{numbers})"
        return f"for (int i = 0; i < {count}; i++) {{ {variable} = {numbers}[i];"

    arguments = ", ".join(f"double {x}" for x in _arguments(statement))
    return "\n".join(
        [
            f"AD_STATIC double {renamed(name)}({arguments}) {{",
            f"{_INDENT}double {', '.join(_variables(statement))};",
            *_block(statement.body[1:], render, each),
            "}",
        ]
    )


def in_javascript(name: str, rename: Callable[[str], str]) -> str:
    """A statement in JavaScript, functions' names given to ``rename``.

    >>> print(in_javascript("BERNOULLI", str)[:49])
    const c_BERNOULLI = [0.16666666666666666, -0.0333
    """
    statement = SOURCES[name]
    if not isinstance(statement, ast.FunctionDef):
        return f"const {renamed(name)} = [{_numbers(name)}];"

    def render(expression: ast.expr) -> str:
        return for_javascript(ast.unparse(expression), rename)

    return "\n".join(
        [
            f"function {renamed(name)}({', '.join(_arguments(statement))}) {{",
            f"{_INDENT}let {', '.join(_variables(statement))};",
            *_block(statement.body[1:], render, "for ({} of {}) {{".format),
            "}",
        ]
    )


def _numbers(name: str) -> str:
    """The numbers of a tuple."""
    statement = SOURCES[name]
    assert isinstance(statement, ast.Assign)
    assert isinstance(statement.value, ast.Tuple)
    return ", ".join(map(ast.unparse, statement.value.elts))


def _arguments(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


def _variables(function: ast.FunctionDef) -> list[str]:
    """What is assigned in a function, without its arguments."""
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    assigned = [node.id for node in nodes if isinstance(node.ctx, ast.Store)]
    return [*dict.fromkeys(x for x in assigned if x not in _arguments(function))]


def _block(
    statements: list[ast.stmt],
    render: Callable[[ast.expr], str],
    each: Callable[[str, str], str],
    indent: str = _INDENT,
) -> list[str]:
    """Lines of C or JavaScript, which write all statements alike, but for the loop over a tuple."""
    lines = []
    for node in statements:
        if isinstance(node, ast.Return):
            assert node.value is not None
            lines.append(f"return {render(node.value)};")
        elif isinstance(node, ast.Assign):
            lines.append(f"{ast.unparse(node.targets[0])} = {render(node.value)};")
        elif isinstance(node, ast.AugAssign):
            target = ast.unparse(node.target)
            changed = ast.BinOp(ast.Name(target), node.op, node.value)
            lines.append(f"{target} = {render(changed)};")
        else:
            if isinstance(node, ast.For):
                lines.append(each(ast.unparse(node.target), renamed(ast.unparse(node.iter))))
            else:
                assert isinstance(node, (ast.If, ast.While)), ast.unparse(node)
                word = "if" if isinstance(node, ast.If) else "while"
                lines.append(f"{word} ({render(node.test)}) {{")
            assert not node.orelse, ast.unparse(node)
            lines += [*_block(node.body, render, each), "}"]
    return [indent + line for line in lines]
