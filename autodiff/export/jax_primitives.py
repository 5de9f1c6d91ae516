"""The table's rows in JAX: each primitive once, with its value and its partial derivatives.

``definitions(names)`` is the source of what these primitives need: JAX differentiates the value by
the partials, and these, which are written in primitives too, in the same way.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from autodiff.engine.expressions import for_arrays
from autodiff.engine.instructions import OF_LIST
from autodiff.export.elementary import FORMULAS
from autodiff.ops import CODES, CONSTANTS, ROWS, Row

#: What JAX calls the functions of C's ``math.h``, where it has all digits.
LIBRARY = {
    **{name: f"jnp.{name}" for name in ("abs", "sqrt", "cbrt", "exp", "expm1", "log", "log2")},
    **{name: f"jnp.{name}" for name in ("log10", "sin", "cos", "tan", "floor", "ceil", "trunc")},
    **{"asin": "jnp.arcsin", "acos": "jnp.arccos", "atan": "jnp.arctan", "atan2": "jnp.arctan2"},
    **{"asinh": "jnp.arcsinh", "acosh": "jnp.arccosh", "hypot": "jnp.hypot", "rint": "jnp.rint"},
    **{"pow": "jnp.power", "erf": "jax.scipy.special.erf", "zeta": "jax.scipy.special.zeta"},
}

#: Rows that JAX's operators are: their derivatives are the same.
OPERATORS = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "neg": "-{}"}

#: What is not stated in the table, or not as an expression.
_WRITTEN = {
    "primitive": '''\
def _primitive(value, *partials, of_lists=False):
    """A function with these partial derivatives, which are given its value too."""
    f = jax.custom_jvp(jax.jit(value))
    partials = [partial and jax.jit(partial) for partial in partials]

    def jvp(primals, tangents):
        v = f(*primals)
        terms = [
            t * partial(*primals, v)
            for t, partial in zip(tangents, partials)
            if partial and type(t) is not jax.custom_derivatives.SymbolicZero
        ]
        if of_lists:
            terms = [jnp.sum(term, axis=-1, keepdims=True) for term in terms]
        total = sum(terms[1:], terms[0]) if terms else jnp.zeros_like(v)
        return v, jnp.broadcast_to(total, v.shape)

    f.defjvp(jvp, symbolic_zeros=True)
    return f
''',
    "where": """\
def _where(c, x, y):
    return jnp.where(c != 0, x, y)
""",
    "pick": """\
def _pick(x, i, j, y):
    return jnp.where(i == j, x, y)
""",
    "detach": """\
def _detach(a):
    return jax.lax.stop_gradient(a)
""",
    "largest": """\
def _largest(a):
    m = jnp.max(jnp.where(jnp.isnan(a), -jnp.inf, a), initial=-jnp.inf, axis=-1, keepdims=True)
    return jax.lax.stop_gradient(jnp.where(jnp.isinf(m), 0.0, m))
""",
    "unit": f"""\
def _unit(a):
    m = jnp.max(jnp.where(jnp.isnan(a), 0.0, abs(a)), initial=0.0, axis=-1, keepdims=True)
    scale = jnp.where(m > 1e150, {2.0**600!r}, jnp.where(m < 1e-140, {2.0**-600!r}, 1.0))
    return jax.lax.stop_gradient(scale)
""",
    "peak": """\
def _peak(a):
    return jax.lax.stop_gradient(jnp.max(a, axis=-1, keepdims=True))
""",
}


def definitions(names: Iterable[str]) -> str:
    """Source that defines these primitives, each with an underscore before its name.

    Raises:
        TypeError: if JAX lacks what computes one of them.

    >>> print(definitions(["tan"]).splitlines()[-1])
    _tan = _primitive(lambda a: jnp.tan(a), lambda a, v: 1.0 + _square(v))
    """
    found: dict[str, str] = {}
    pending = sorted(set(names) - OPERATORS.keys())
    while pending:
        name = pending.pop(0)
        if name not in found:
            found[name], mentioned = _definition(name)
            pending += sorted(mentioned)
    found = dict(sorted(found.items(), key=lambda pair: (pair[0] not in _WRITTEN, pair[0])))
    functions = [text for text in found.values() if text.startswith("def")]
    return "\n\n".join([*functions, "".join(t for t in found.values() if t not in functions)])


def _definition(name: str) -> tuple[str, set[str]]:
    """The source of a function, and the names of those that it calls."""
    if name in _WRITTEN:
        return _WRITTEN[name], set()
    called: set[str] = set()
    if name not in CODES:
        operands, value = FORMULAS[name]
        return (
            f"def _{name}({', '.join(operands.split())}):\n"
            f"    return {_source(value, name, False, called, {})}\n",
            called,
        )
    row = ROWS[CODES[name]]
    operands, value = row.operands, str(row.value)
    if name not in LIBRARY and name in FORMULAS:
        operands, value = FORMULAS[name]
    arguments = ", ".join(x[0] for x in row.names)
    of_list = _of_list(row, arguments)
    given = ", ".join([arguments, "v"])
    partials = [
        "None" if p == "0.0" else f"lambda {given}: {_source(str(p), name, True, called, of_list)}"
        for p in row.partials
    ]
    parts = [f"lambda {arguments}: {_source(value, name, False, called, of_list)}", *partials]
    text = ""
    if row.fold:
        parts.append("of_lists=True")
        fold = _source(row.fold, name, True, called, of_list)
        total = f"jnp.sum({fold}, axis=-1, keepdims=True)"
        text = f"def _sum_of_{name}({arguments}):\n    return {total}\n\n\n"
    return f"{text}_{name} = _primitive({', '.join(parts)})\n", called | {"primitive"}


def _of_list(row: Row, arguments: str) -> dict[str, str]:
    """What the expressions of a row over lists say of the whole list."""
    if not row.fold:
        return {}
    return {
        "n": "(1.0 * a.shape[-1])",
        "t": f"_sum_of_{row.name}({arguments})",
        **{x: f"_{name}(a)" for x, name in OF_LIST.items()},
    }


def _source(
    expression: str, own: str, derived: bool, called: set[str], of_list: dict[str, str]
) -> str:
    """An expression of the table in JAX; the functions that it calls are added to ``called``.

    Args:
        expression: a value, or what is to be derived in turn: a partial, or a fold.
        own: the primitive whose value it is: in it this name is a function of the library.
        derived: whether it is to be derived.
        called: gets the names of primitives and helpers.
        of_list: see ``_of_list``.
    """
    rendering = _Rendering(own, derived, called, of_list)
    return ast.unparse(rendering.visit(ast.parse(for_arrays(expression), mode="eval")))


class _Rendering(ast.NodeTransformer):
    def __init__(self, own: str, derived: bool, called: set[str], of_list: dict[str, str]) -> None:
        self._own, self._derived, self._called, self._of_list = own, derived, called, of_list

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._of_list:
            text = self._of_list[node.id]
            self._called.update(name for name in OF_LIST.values() if text == f"_{name}(a)")
            return ast.parse(text, mode="eval").body
        if node.id in CONSTANTS:
            return ast.Constant(CONSTANTS[node.id])
        return ast.Name(f"jnp.{node.id}") if node.id in ("inf", "nan") else node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(float(node.value)) if isinstance(node.value, int) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        args = [self.visit(x) for x in node.args]
        if name in ("logical_and", "logical_or") or (name == "where" and not self._derived):
            return ast.Call(ast.Name(f"jnp.{name}"), args, [])
        if name in LIBRARY and not self._derived and (name == self._own or name not in CODES):
            return ast.Call(ast.Name(LIBRARY[name]), args, [])
        self._called.add(name)
        return ast.Call(ast.Name(f"_{name}"), args, [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        numbers = isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
        if not self._derived or not isinstance(node.op, ast.Div) or numbers:
            return node
        self._called.add("div")
        return ast.Call(ast.Name("_div"), [node.left, node.right], [])
