"""What written Python calls: functions of the table as source that stands by itself.

* ``define`` -- a function of floats, after those that it needs;
* ``define_for_arrays`` -- one of NumPy arrays, if it is the same there to the bit.
"""

from __future__ import annotations

import ast
import inspect

from autodiff.engine import ieee, translation
from autodiff.engine.expressions import for_arrays, for_floats, names_in
from autodiff.engine.instructions import OF_LIST, ON_LISTS, source
from autodiff.engine.kernels import list_source
from autodiff.ops import CODES, CONSTANTS, ROWS

#: Functions that IEEE 754 rounds correctly, so that NumPy's give the same bits as C's.
_EXACT = {"abs", "sqrt", "floor", "ceil", "trunc", "rint"}


def define(name: str, found: dict[str, str]) -> None:
    """Add the definition of a function of floats, after those that it needs.

    Args:
        name: what expressions of the table call it.
        found: definitions by name, in order.

    >>> found = {}
    >>> define("relu", found)
    >>> print(found["relu"])
    def relu(a):
        return 0.0 if a < 0 else a
    <BLANKLINE>
    """
    if name in found or name == "abs":
        return
    if name in CONSTANTS:
        found[name] = f"{name} = {CONSTANTS[name]!r}"
    elif name in ON_LISTS:
        found[name] = source(name) + "\n"
    elif name == "div":
        found[name] = _without_types(inspect.getsource(ieee.div))
    elif name in ("inf", "nan"):
        found[name] = f"{name} = math.{name}"
    elif name in translation.SOURCES:
        for needed in sorted(translation.names_mentioned(name) - {name}):
            define(needed, found)
        found[name] = translation.in_python(name)
    elif name in ieee.FUNCTIONS:
        found["_total"] = _without_types(inspect.getsource(ieee._total))
        found[name] = _of_library(name)
    else:
        _define_row(name, found)


def _define_row(name: str, found: dict[str, str]) -> None:
    """The definition of a row that is written in others."""
    row = ROWS[CODES[name]]
    value = for_floats(str(row.value))
    fold = for_floats(row.fold) if row.fold else ""
    for needed in sorted(names_in(value) | (names_in(fold) if fold else set())):
        if needed in CODES or needed in CONSTANTS:
            define(needed, found)
    if not row.over_lists:
        found[name] = f"def {name}({', '.join(row.names)}):\n    return {value}\n"
        return
    text = list_source(row, False)
    for x, needed in OF_LIST.items():
        if x in names_in(fold):
            define(needed, found)
            text = text.replace(f"{needed}(as_)", f"{needed}(*as_)")
    found[name] = text + "\n"


def define_for_arrays(name: str, found: dict[str, str]) -> str:
    """What the function is called on arrays; "" if it has no such form that is exact.

    >>> found = {}
    >>> define_for_arrays("relu", found), define_for_arrays("sin", found)
    ('relu_', '')
    >>> print(found["relu_"])
    def relu_(a):
        return np.where(a < 0, 0.0, a)
    <BLANKLINE>
    """
    if name in _EXACT:
        return f"np.{name}"
    row = ROWS[CODES[name]]
    expression = str(row.value)
    if row.over_lists or name in ON_LISTS or name in names_in(expression):
        return ""
    called = f"{name}_"
    if called in found:
        return called
    renamed: dict[str, str] = {}
    for needed in sorted(names_in(expression) - {*row.names}):
        if needed in CONSTANTS:
            define(needed, found)
        else:
            renamed[needed] = define_for_arrays(needed, found)
            if not renamed[needed]:
                return ""
    value = _Renamed(renamed).visit(ast.parse(for_arrays(expression), mode="eval"))
    if ast.unparse(value) == for_floats(expression):  # it is the same function
        define(name, found)
        return name
    found[called] = f"def {called}({', '.join(row.names)}):\n    return {ast.unparse(value)}\n"
    return called


class _Renamed(ast.NodeTransformer):
    """An expression with other names in it."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = {**names, "where": "np.where"}
        self.names |= {name: f"np.{name}" for name in ("logical_and", "logical_or")}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def _without_types(text: str) -> str:
    """The source of a function without its annotations."""
    for words in (": Callable[..., float]", " -> Callable[..., float]", ": float", " -> float"):
        text = text.replace(words, "")
    return text


def _of_library(name: str) -> str:
    """A function of the C library, which Python's ``math`` has, but for the edges."""
    if name in ("atan", "atan2", "tanh", "asinh", "erf", "erfc"):
        return f"{name} = math.{name}"
    if name in ("floor", "ceil", "trunc", "rint"):
        return f"{name} = lambda a: float(np.{name}(a))"
    if name == "hypot":
        return "hypot = _total(lambda a, b: abs(complex(a, b)), np.hypot)"
    if name == "cbrt":
        text = inspect.getsource(ieee._cbrt).replace(" -> Callable[[float], float]", "")
        return f'import ctypes\nimport os\n\n{text}\ncbrt = getattr(math, "cbrt", None) or _cbrt()'
    return f"{name} = _total(math.{name}, np.{ROWS[CODES[name]].numpy or name})"
