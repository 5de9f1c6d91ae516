"""A program as formulas: what it means, not how it is rounded.

* ``Tree`` -- a formula;
* ``READ_AS`` -- what rows mean where their expressions in the table are about rounding and edges;
* ``Formulas`` -- those of a program, whose sums and products are flat, with signs before them.
"""

from __future__ import annotations

import ast
import math
import re
from typing import NamedTuple

from autodiff.compiler.passes import uses_of
from autodiff.compiler.program import GUARD, Program
from autodiff.compiler.writing import only_guarded
from autodiff.engine.expressions import names_in
from autodiff.engine.instructions import FIRST
from autodiff.ops import CODES, COMPARISONS, CONSTANTS, ROWS

SHORT = 4  #: nodes of a formula that is written again wherever it is used

#: What rows mean, as expressions in others, where the table's are about rounding and edges.
READ_AS = {
    "pow": "a**b", "square": "a**2", "monomial": "c*a**b", "log_monomial": "c*a**b*log(a)**m",
    "hypot": "sqrt(a**2 + b**2)", "expm1": "exp(a) - 1", "log1p": "log(1 + a)",
    "logaddexp": "log(exp(a) + exp(b))", "xlogy": "a*log(b)", "ratio": "a/b",
    "softplus": "log(1 + exp(a))", "logsigmoid": "log(sigmoid(a))",
    "asin_da": "1/sqrt(1 - a**2)", "asinh_da": "1/sqrt(1 + a**2)", "atanh_da": "1/(1 - a**2)",
    "bernoulli_entropy": "-(b*log(a) + (1 - b)*log(1 - a))",
    "logit_entropy": "b*softplus(-a) + (1 - b)*softplus(a)", "divergence": "a*(log(a) - b)",
    "step": "greater(a, 0)", "positive": "greater(a, 0)",
    "prefer": "greater(a, b) + equal(a, b)/2",
}  # fmt: skip
#: Shifts and scales, which keep numbers in range and cancel: any would do.
_CANCELLED = {"largest": 0.0, "peak": 0.0, "unit": 1.0}
_ZERO = 746.0  #: e to minus this is 0 in floats
#: Rows that are written with a sign, or by a name that everybody knows.
_OWN = (
    *("add", "sub", "mul", "div", "neg", *COMPARISONS),
    *("sigmoid", "maximum", "minimum", "sign", "relu"),
)
#: Constants of the table, and of mathematics, as expressions.
_CONSTANTS = {
    math.pi: "pi", math.sqrt(2.0): "sqrt(2)",
    CONSTANTS["LN2"]: "log(2)", CONSTANTS["LN10"]: "log(10)",
    CONSTANTS["SQRT_HALF"]: "1/sqrt(2)", CONSTANTS["TWO_OVER_SQRT_PI"]: "2/sqrt(pi)",
    CONSTANTS["ONE_OVER_SQRT_TAU"]: "1/sqrt(2*pi)",
}  # fmt: skip


class Tree(NamedTuple):
    """A formula: an operation on others.

    Attributes:
        kind: ``name``, ``number`` and ``known``, which is ``pi``, ``inf`` or ``nan``, whose text is
            all; ``add``, ``mul``, ``neg``, ``div``, ``pow``, ``exp``; ``call`` and ``compare``,
            whose text is the name of a row, and ``not``, of a comparison; ``where``: a formula, a
            condition, another formula, and so on; and ``index``, whose last part chooses one of the
            others.
        parts: the others.
        text: see ``kind``.
    """

    kind: str
    parts: tuple[Tree, ...] = ()
    text: str = ""

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return 1 + sum(part.size for part in self.parts)


class Formulas:
    """The formulas of a program.

    Attributes:
        outputs: its results.
        named: what is long and used more than once; ``named[i]`` is called ``?i`` in others.
        conditions: what must hold.
    """

    def __init__(self, p: Program, inputs: list[str]) -> None:
        self._p = p
        self._trees = [Tree("name", text=x) for x in inputs]
        self.named: list[Tree] = []
        self.conditions: list[Tree] = []
        guarded = only_guarded(p)
        uses = uses_of(p)
        for k, op in enumerate(p.ops.tolist()):
            refs = p.operands(k)
            expression = _expression(op)
            for name, ref in zip(ROWS[op].names, refs, strict=False):
                if expression and len(re.findall(rf"\b{name}\b", expression)) > 1:
                    self._name(ref)
            if op == GUARD:
                self.conditions.append(self._demanded(*refs[:2]))
                self._trees.append(self._of(refs[0]))
                continue
            tree = _of_row(op, [*map(self._of, refs)])
            self._trees.append(tree)
            if uses[p.inputs + k] > 1 and k not in guarded:
                self._name(p.inputs + k)
        self.outputs = [self._of(ref) for ref in p.outputs.tolist()]

    def _of(self, ref: int) -> Tree:
        """The formula of a reference."""
        return _number(float(self._p.constants[-1 - ref])) if ref < 0 else self._trees[ref]

    def _name(self, ref: int) -> None:
        """Give what is long a name, as it is used more than once."""
        if ref >= 0 and self._trees[ref].size > SHORT:
            self.named.append(self._trees[ref])
            self._trees[ref] = Tree("name", text=f"?{len(self.named) - 1}")

    def _demanded(self, compared: int, outcome: int) -> Tree:
        """What a guard demands."""
        tree = self._of(compared)
        if tree.kind != "compare":
            return Tree("compare", (tree, self._of(outcome)), "equal")
        return tree if self._p.constants[-1 - outcome] else Tree("not", (tree,))


def _expression(op: int) -> str:
    """What an operation means in others; "" for those that have formulas of their own."""
    row = ROWS[op]
    expression = READ_AS.get(row.name, str(row.value))
    if row.name in _OWN or row.over_lists or op >= FIRST or row.name in names_in(expression):
        return ""
    return expression


def _of_row(op: int, xs: list[Tree]) -> Tree:
    """The formula of an operation on others."""
    row = ROWS[op]
    name, n = row.name, len(xs) // max(len(row.names), 1)
    if name in ("add", "sum"):
        return _sum(xs)
    if name == "sub":
        return _sum([xs[0], _negative(xs[1])])
    if name == "mul":
        return _product(xs)
    if name == "div":
        return _product(xs[:1], xs[1:])
    if name == "neg":
        return _negative(xs[0])
    if name == "exp":
        return _exp(xs[0])
    if name == "mean":
        return _product([_sum(xs)], [_number(float(n))])
    if name == "dot":
        return _sum([_product([*pair]) for pair in zip(xs[:n], xs[n:], strict=True)])
    if name == "norm":
        return Tree("call", (_sum([_power(x, _number(2.0)) for x in xs]),), "sqrt")
    if name == "logsumexp":
        return Tree("call", (_sum([Tree("exp", (x,)) for x in xs]),), "log")
    if name == "detach":
        return xs[0]
    if name in _CANCELLED:
        return _number(_CANCELLED[name])
    if name == "take":
        return Tree("index", tuple(xs))
    if name == "pick":
        return _picked(*xs)
    if name in COMPARISONS:
        return Tree("compare", tuple(xs), name)
    if name == "maximum" and _clamped(Tree("call", tuple(xs), name))[1] == CONSTANTS["LARGEST"]:
        return xs[0].parts[0]
    expression = _expression(op)
    if not expression:
        return Tree("call", tuple(xs), name)
    return _parsed(expression, dict(zip(row.names, xs, strict=True)))


def _picked(chosen: Tree, i: Tree, j: Tree, other: Tree) -> Tree:
    """One formula where two others are equal, which may say whether a condition holds, else one."""
    if i.kind == "compare" and j == _number(0.0):
        return _where(other, i, chosen)
    return _where(chosen, Tree("compare", (i, j), "equal"), other)


def _parsed(expression: str, operands: dict[str, Tree]) -> Tree:
    """The formula of an expression of the table."""

    def of(node: ast.expr) -> Tree:
        if isinstance(node, ast.Name):
            if node.id == "pi":
                return Tree("known", text="pi")
            return operands[node.id] if node.id in operands else _number(CONSTANTS[node.id])
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, (int, float))
            return _number(float(node.value))
        if isinstance(node, ast.UnaryOp):
            return _negative(of(node.operand))
        if isinstance(node, ast.BinOp):
            left, right = of(node.left), of(node.right)
            if isinstance(node.op, ast.Pow):
                return _power(left, right)
            names = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
            return _of_row(CODES[names[type(node.op)]], [left, right])
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return _of_row(CODES[node.func.id], [*map(of, node.args)])
        if isinstance(node, ast.Compare):
            signs = {ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.Eq: "equal"}
            parts = of(node.left), of(node.comparators[0])
            return Tree("compare", parts, signs[type(node.ops[0])])
        assert isinstance(node, ast.IfExp), f"not an expression of the table: {ast.dump(node)}"
        return _where(of(node.body), of(node.test), of(node.orelse))

    return of(ast.parse(expression, mode="eval").body)


def _number(x: float) -> Tree:
    """A number, with a sign before it, or what it is known as."""
    if x in _CONSTANTS:
        return _parsed(_CONSTANTS[x], {})
    if x < 0 or (x == 0 and math.copysign(1.0, x) < 0):
        return Tree("neg", (_number(-x),))
    if not math.isfinite(x):
        return Tree("known", text=str(x))
    return Tree("number", text=repr(x).removesuffix(".0"))


def _sum(xs: list[Tree]) -> Tree:
    """A sum: of the terms of sums, each but once, with how often it is there."""
    often: dict[tuple[Tree, ...], float] = {}
    pending = [(x, 1.0) for x in xs]
    while pending:
        x, n = pending.pop(0)
        if x.kind == "neg":
            pending.insert(0, (x.parts[0], -n))
        elif x.kind == "add":
            pending[:0] = [(part, n) for part in x.parts]
        else:
            factors = x.parts if x.kind == "mul" else (x,)
            if factors[0].kind == "number":
                n, factors = n * float(factors[0].text), factors[1:]
            often[factors] = often.get(factors, 0.0) + n
    terms = [_product([_number(n), *factors]) for factors, n in often.items() if n]
    return terms[0] if len(terms) == 1 else Tree("add", tuple(terms)) if terms else _number(0.0)


def _negative(x: Tree) -> Tree:
    return x.parts[0] if x.kind == "neg" else Tree("neg", (x,))


def _product(over: list[Tree], under: list[Tree] | None = None) -> Tree:
    """A product, or a fraction: a sign, then a number, then each factor with its power."""
    sign, numbers = 1.0, [1.0, 1.0]
    powers: tuple[dict[Tree, float], ...] = {}, {}
    pending = [(x, 0) for x in over] + [(x, 1) for x in under or []]
    while pending:
        x, side = pending.pop(0)
        if x.kind == "neg":
            sign, x = -sign, x.parts[0]
        if x.kind == "mul":
            pending[:0] = [(part, side) for part in x.parts]
        elif x.kind == "div":
            pending[:0] = [(x.parts[0], side), (x.parts[1], 1 - side)]
        elif x.kind == "number":
            numbers[side] *= float(x.text)
        elif x.kind == "pow" and x.parts[1].text.isdecimal():
            powers[side][x.parts[0]] = powers[side].get(x.parts[0], 0.0) + float(x.parts[1].text)
        else:
            powers[side][x] = powers[side].get(x, 0.0) + 1.0
    above, below = (_factors(number, found) for number, found in zip(numbers, powers, strict=True))
    product = above if below == _number(1.0) else Tree("div", (above, below))
    return product if sign > 0 else _negative(product)


def _factors(number: float, powers: dict[Tree, float]) -> Tree:
    """A product of a number, which is left out if it is 1, and of powers."""
    if number == 0.0:
        return _number(0.0)
    parts = [_power(x, _number(n)) for x, n in powers.items()]
    if number != 1.0 or not parts:
        parts.insert(0, _number(number))
    return parts[0] if len(parts) == 1 else Tree("mul", tuple(parts))


def _power(a: Tree, b: Tree) -> Tree:
    """A power; of 1/cosh, without a clamp where that is 0 (``tanh`` has one)."""
    if b == _number(2.0) and a.kind == "div" and a.parts[1].text == "cosh":
        inner, bound = _clamped(a.parts[1].parts[0])
        if 2 * bound > _ZERO:
            a = a._replace(parts=(a.parts[0], a.parts[1]._replace(parts=(inner,))))
    return a if b == _number(1.0) else Tree("pow", (a, b))


def _exp(x: Tree) -> Tree:
    """e to a power; without a clamp where that is 0 (``erf`` and ``gelu`` have one)."""
    if x.kind == "neg":
        *number, square = x.parts[0].parts if x.parts[0].kind == "mul" else x.parts
        if square.kind == "pow" and square.parts[1] == _number(2.0) and len(number) < 2:
            inner, bound = _clamped(square.parts[0])
            if math.prod(float(n.text or "nan") for n in number) * bound * bound > _ZERO:
                x = _negative(_product([*number, _power(inner, _number(2.0))]))
    return Tree("exp", (x,))


def _clamped(x: Tree) -> tuple[Tree, float]:
    """What is clamped from minus a bound to the bound, and this; 0 if nothing is."""
    if x.text == "maximum" and x.parts[0].text == "minimum" and x.parts[1].kind == "neg":
        inner, bound = x.parts[0].parts
        if bound.kind == "number" and x.parts[1] == _negative(bound):
            return inner, float(bound.text)
    return x, 0.0


def _where(then: Tree, condition: Tree, otherwise: Tree) -> Tree:
    """One formula or another; cases of the other are cases of the whole."""
    rest = otherwise.parts if otherwise.kind == "where" else (otherwise,)
    return Tree("where", (then, condition, *rest))
