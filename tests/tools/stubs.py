"""Write what editors and type checkers read of ``value.py`` and ``functions.py``: their stubs.

    python tests/tools/stubs.py

A stub states every function and method, those of the table's rows too, which the modules make when
they are imported.  What the modules define by hand is taken over from their source.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from importlib import import_module
from pathlib import Path

import autodiff
from autodiff.engine.documentation import documentation
from autodiff.evaluation import VALUES
from autodiff.functions import PUBLIC
from autodiff.ops import TABLE, Row
from autodiff.second_order import backward

PACKAGE = Path(autodiff.__file__).parent
HEAD = "# Written by tests/tools/stubs.py from {name}.py and the rows of ops.py.\n\n"
IMPORTS = "from typing import overload\nfrom autodiff.engine.reals import Array, Real\n"
ARITHMETIC = ("add", "sub", "mul", "truediv", "pow")
COMPARED = ("eq", "lt", "le", "gt", "ge")
ON_INTEGERS = ("floordiv", "mod")


def written() -> dict[Path, str]:
    """The stubs, by path."""
    return {
        PACKAGE / "value.pyi": _stub("value", methods=_methods()),
        PACKAGE / "functions.pyi": _stub("functions", functions=_functions()),
    }


def _stub(name: str, methods: str = "", functions: str = "") -> str:
    tree = ast.parse((PACKAGE / f"{name}.py").read_text())
    parts: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    overloaded: dict[str, ast.FunctionDef] = {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
        elif isinstance(node, ast.ClassDef):
            parts.append(_class(node) + textwrap.indent(methods, "    "))
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            if _is_overload(node):
                overloaded[node.name] = node
                parts.append(_function(node, None))
            elif node.name in overloaded:  # jedi reads the docstring of the last
                parts[-1] = _function(overloaded[node.name], ast.get_docstring(node))
            else:
                parts.append(_function(node, ast.get_docstring(node)))
        elif isinstance(node, ast.AnnAssign) or _is_constant(node):
            parts.append(_declared(node))
    body = "\n".join(parts) + "\n" + functions
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    exported = set(getattr(import_module(f"autodiff.{name}"), "__all__", ()))
    return HEAD.format(name=name) + IMPORTS + _importing(imports, used, exported) + body


def _importing(
    imports: list[ast.Import | ast.ImportFrom], used: set[str], exported: set[str]
) -> str:
    """The imports of what is used, or exported: ``import x as x`` says so to jedi."""
    lines = []
    for node in imports:
        for a in node.names:
            a.asname = a.name if a.name in exported else a.asname
        node.names = [a for a in node.names if (a.asname or a.name) in used | exported]
        lines += [ast.unparse(node) + "\n"] if node.names else []
    return "".join(lines)


def _is_overload(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper()


def _declared(node: ast.stmt) -> str:
    """A name and its type; a type alias whole."""
    if isinstance(node, ast.AnnAssign):
        alias = ast.unparse(node.annotation) == "TypeAlias"
        return ast.unparse(node) if alias else f"{node.target.id}: {ast.unparse(node.annotation)}"
    assert isinstance(node, ast.Assign)
    name = ast.unparse(node.targets[0])
    if name == "_T":
        return ast.unparse(node)
    return f"{name}: {type(getattr(autodiff.value, name)).__name__}"


def _class(node: ast.ClassDef) -> str:
    """A class with its own methods, but for their bodies."""
    lines = [f"class {node.name}:", _quoted(ast.get_docstring(node), "    ")]
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            lines.append(textwrap.indent(_method(item), "    "))
        elif isinstance(item, ast.AnnAssign):
            lines.append(f"    {ast.unparse(item)}")
    return "\n".join(lines) + "\n"


def _method(node: ast.FunctionDef) -> str:
    """A method; with an array, arithmetic gives an array, and numbers are compared to a bool."""
    name = node.name.strip("_")
    if name in COMPARED:
        other = node.args.args[1].annotation
        assert other is not None
        return f"def {node.name}(self, other: {ast.unparse(other)}) -> bool: ..."
    if name.removeprefix("r") in ARITHMETIC and node.name.startswith("__"):
        return (
            f"@overload\ndef {node.name}(self, other: Real | Value) -> Value: ...\n"
            f"@overload\ndef {node.name}(self, other: Array) -> Array: ..."
        )
    return _function(node, ast.get_docstring(node))


def _function(node: ast.FunctionDef, text: str | None) -> str:
    """A function with a docstring, or none, in place of its body."""
    decorators = "".join(f"@{ast.unparse(d)}\n" for d in node.decorator_list)
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    head = f"{decorators}def {node.name}({ast.unparse(node.args)}){returns}:"
    return f"{head}\n{_quoted(text, '    ')}" if text else f"{head} ..."


def _quoted(text: str | None, indent: str) -> str:
    """A docstring."""
    assert text is not None
    return textwrap.indent(f'r"""{text}\n"""' if "\n" in text else f'"""{text}"""', indent)


def _methods() -> str:
    """The methods of ``Value`` that are made from the rows, and those attached by hand."""
    node = _parsed(backward)
    parts = [_function(node, ast.get_docstring(node))]
    for row in TABLE:
        if row.over_lists:
            continue
        if PUBLIC[row.name] is not VALUES[row.name]:  # it is written by hand
            node = _parsed(PUBLIC[row.name])
            others = [f"{x.arg}: Real | Value | None" for x in node.args.args[1:]]
            parts.append(f"def {row.name}({', '.join(['self', *others])}) -> Value:")
            parts.append(_quoted(ast.get_docstring(node), "    "))
            continue
        operands = [f"{name}: Real | Value" for name in row.names[1:]]
        if row.default is not None:
            operands[-1] += f" = {row.default}"
        for name in dict.fromkeys((row.name, row.numpy or row.name)):
            head = f"def {name}({', '.join(['self', *operands])}) -> Value:"
            summary, *_ = documentation(row).split("\n\nRaises:")
            parts.append(f"{head}\n{_quoted(summary, '    ')}")
    parts += [
        _attached("def conjugate", "Value"),
        _attached("@property\ndef real", "Value"),
        _attached("@property\ndef imag", "float"),
        *(f"def __{name}__(self) -> Value: ..." for name in ("floor", "ceil", "trunc")),
    ]
    return "\n".join(parts) + "\n"


def _attached(head: str, result: str) -> str:
    """What ``functions.py`` attaches to ``Value`` for NumPy."""
    text = inspect.getdoc(getattr(autodiff.Value, head.split()[-1]))
    return f"{head}(self) -> {result}:\n{_quoted(text, '    ')}"


def _parsed(function: object) -> ast.FunctionDef:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body  # type: ignore[arg-type]
    assert isinstance(node, ast.FunctionDef)
    return node


def _functions() -> str:
    """The functions that are made from the rows, and ``__all__``."""
    made = [r for r in TABLE if not r.over_lists and PUBLIC[r.name] is VALUES[r.name]]
    names = "".join(f"    {name!r},\n" for name in autodiff.functions.__all__)
    return "\n".join([*map(_overloads, made), f"__all__ = [\n{names}]\n"])


def _overloads(row: Row) -> str:
    """A row's function: of floats a float, of Values a Value, of arrays an array."""
    first, *rest = row.names
    kinds = [(["Real"] * len(row.names), "float")]
    for i in range(len(row.names)):  # the first Value, or array, of all
        before, after = ["Real"] * i, len(row.names) - i - 1
        kinds.append(([*before, "Value", *["Real | Value"] * after], "Value"))
    for i in range(len(row.names)):
        before, after = ["Real | Value"] * i, len(row.names) - i - 1
        kinds.append(([*before, "Array", *["Real | Value | Array"] * after], "Array"))
    lines = []
    for k, (types, result) in enumerate(kinds):
        operands = [f"{n}: {t}" for n, t in zip([first, *rest], types, strict=True)]
        if row.default is not None and types[-1] not in ("Value", "Array"):
            operands[-1] += f" = {row.default}"
        lines += ["@overload", f"def {row.name}({', '.join(operands)}) -> {result}:"]
        lines.append(_quoted(documentation(row), "    ") if k == len(kinds) - 1 else "    ...")
    return "\n".join(lines)


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text)
