r"""A small function as a formula in LaTeX, values and derivatives alike.

* ``to_latex`` -- the formula, with names for what is long and used more than once;
* ``symbol`` -- what an input is called in it.

Formulas are ``latex_trees``; here they are written, with no more parentheses than are needed.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Any

from autodiff.compiler.sparsity import Pattern
from autodiff.export.latex_trees import Formulas, Tree
from autodiff.export.listing import exported
from autodiff.ops import COMPARISONS
from autodiff.transforms.pytrees import leaf_names

MOST = 200  #: instructions of a program that is written as a formula

#: Functions with a sign of their own; others are called by their names.
_CALLED = {
    **{name: f"\\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "log")},
    **{"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"},
    **{"maximum": r"\max", "minimum": r"\min"},
    **{"log2": r"\log_{2}", "log10": r"\log_{10}"},
    **{"asinh": r"\operatorname{arsinh}", "acosh": r"\operatorname{arcosh}"},
    **{"atanh": r"\operatorname{artanh}", "sign": r"\operatorname{sgn}"},
}
#: What stands around the one operand.
_AROUND = {
    "abs": (r"\left|", r"\right|"), "floor": (r"\left\lfloor ", r"\right\rfloor"),
    "ceil": (r"\left\lceil ", r"\right\rceil"), "sqrt": (r"\sqrt{", "}"),
    "cbrt": (r"\sqrt[3]{", "}"),
}  # fmt: skip
#: Comparisons that hold, and that do not.
_SIGNS = dict(zip(COMPARISONS, ("=", "<", r"\leq", ">", r"\geq"), strict=True))
_OPPOSITE = dict(zip(COMPARISONS, (r"\neq", r"\geq", ">", r"\leq", "<"), strict=True))
_KNOWN = {"pi": r"\pi", "inf": r"\infty", "nan": r"\mathrm{nan}"}
#: Letters that have commands; omicron is none of them.
_GREEK = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
    *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi"),
    "Omega",
}


def to_latex(f: Any, *args: Any) -> str:
    r"""A function as a formula in LaTeX, for a small one: of a value, or of its derivatives.

    Inputs have their names: ``x1`` is ``x_{1}``, ``xs[0]`` is ``\mathrm{xs}_{0}``, and ``alpha`` is
    ``\alpha``.  What is long and used more than once gets a name.  A formula says what is meant,
    not how it is rounded: ``log1p(x)`` is ``\log\left(1 + x\right)``.  A comparison is in brackets:
    it is 1 where it holds, else 0.

    Args:
        f: a function that was jitted or transformed; or what its ``lower`` gave.
        args: example arguments, unless it is lowered already.

    Returns:
        The formula, for LaTeX's math mode with amsmath, which KaTeX and MathJax know too: one
        expression, or lines of ``aligned`` that define names and then results, called ``y``.  Where
        the function compared numbers, it ends in what must hold.

    Raises:
        TypeError: if ``f`` is no such function, uses a primitive that was added at run time, or
            returns a sparse matrix.
        ValueError: if it has more than 200 instructions, or a ``vmap`` or ``scan``.

    >>> from autodiff import grad, sin
    >>> print(to_latex(grad(lambda x, alpha: sin(alpha * x) / 2), 1.0, 2.0))
    0.5 \cos\left(\alpha \cdot x\right) \cdot \alpha
    """
    e = exported(f, *args)
    p = e.program
    if isinstance(e.result, Pattern):
        raise TypeError(f"{e.name} returns a sparse matrix: leave out sparse=True to write it")
    if p.bodies:
        raise ValueError(
            f"{e.name} runs a {p.bodies[0].word}, which no formula says: write the function that "
            "it runs, or all of it with to_python"
        )
    if len(p) > MOST:
        raise ValueError(
            f"{e.name} has {len(p)} instructions, and a formula has at most {MOST}: write it with "
            "to_python, or draw it with graph.draw"
        )
    inputs = _unlike([symbol(x) for x in e.inputs])
    results = _unlike([symbol(x) for x in leaf_names(e.result, _letter("yzfgh", inputs))])
    formulas, letter = Formulas(p, inputs), _letter("vuwts", inputs)
    conditions = r" \text{ and } ".join(map(_condition, dict.fromkeys(formulas.conditions)))
    if len(results) == 1 and not formulas.named:
        where = rf" \quad \text{{where }} {conditions}" if conditions else ""
        text = _alone(formulas.outputs[0]) + where
    else:
        pairs = [(f"?{i}", x) for i, x in enumerate(formulas.named)]
        pairs += zip(results, formulas.outputs, strict=True)
        lines = [f"{name} &= {_alone(x)}" for name, x in pairs]
        lines += [rf"& \text{{where }} {conditions}"] if conditions else []
        text = "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
    return re.sub(r"\?(\d+)", lambda found: f"{letter}_{{{int(found[1]) + 1}}}", text)


def symbol(name: str) -> str:
    r"""What an input is called in a formula.

    >>> print(symbol("x1"), symbol("xs[0]"), symbol("alpha_max"), symbol("model['w'][0, 1]"))
    x_{1} \mathrm{xs}_{0} \alpha_{\mathrm{max}} \mathrm{model}_{w, 0, 1}
    """
    base, *below = map(_word, re.findall(r"[^\W\d_]+|\d+", name) or ["x"])
    return f"{base}_{{{', '.join(below)}}}" if below else base


def _word(text: str) -> str:
    """A letter, a Greek letter, a number, or a word."""
    name = unicodedata.name(text, "") if len(text) == 1 else ""
    if name.startswith("GREEK"):
        letter = name.rpartition(" ")[2].replace("LAMDA", "LAMBDA")
        text = letter.lower() if "SMALL" in name else letter.capitalize()
    if text in _GREEK:
        return f"\\{text}"
    if text.isdecimal() or (len(text) == 1 and text.isalpha()):
        return text
    return f"\\mathrm{{{text}}}"


def _unlike(symbols: list[str]) -> list[str]:
    """Symbols, with tildes on those that were there before, and on pi, which is a number."""
    found = [_KNOWN["pi"]]
    for x in symbols:
        while x in found:
            x = rf"\tilde{{{x}}}"
        found.append(x)
    return found[1:]


def _letter(letters: str, taken: list[str]) -> str:
    """The first of some letters with which no symbol begins; else a word."""
    free = [x for x in letters if not any(x in re.findall(r"\\?[a-zA-Z]+", t)[:1] for t in taken)]
    return (free or [f"{letters[0] * 2}"])[0]


# -- from trees to text ----------------------------------------------------------------------------

#: How firmly things hold together: what is looser than its place allows stands in parentheses.
_CASES, _SUM, _PRODUCT, _POWER, _ATOM = range(5)


def _alone(tree: Tree) -> str:
    """A formula with nothing around it."""
    return _written(tree)[0]


def _within(tree: Tree, least: int) -> str:
    """A formula in a place where what is looser is in parentheses."""
    text, firmness = _written(tree)
    return text if firmness >= least else rf"\left({text}\right)"


def _written(tree: Tree) -> tuple[str, int]:
    """A formula, and how firmly it holds together."""
    kind, parts, text = tree
    if kind == "known":
        return _KNOWN[text], _ATOM
    if kind in ("name", "number"):
        digits, _, exponent = text.partition("e") if kind == "number" else (text, "", "")
        ten = f"10^{{{int(exponent)}}}" if exponent else ""
        return (rf"{digits} \cdot {ten}", _PRODUCT) if exponent else (text, _ATOM)
    if kind == "add":
        first, *others = parts
        terms = [_within(first, _SUM)]
        for other in others:
            sign, x = ("-", other.parts[0]) if other.kind == "neg" else ("+", other)
            terms.append(f" {sign} {_within(x, _PRODUCT)}")
        return "".join(terms), _SUM
    if kind == "neg":
        return f"-{_within(parts[0], _PRODUCT)}", _SUM
    if kind == "mul":
        found = _within(parts[0], _PRODUCT)
        for before, x in pairwise(parts):
            factor = _within(x, _PRODUCT)
            near = before.kind == "number" and not ("e" in before.text or factor[0].isdigit())
            found += (" " if near else r" \cdot ") + factor
        return found, _PRODUCT
    if kind == "div":
        return rf"\frac{{{_alone(parts[0])}}}{{{_alone(parts[1])}}}", _POWER
    if kind == "exp":
        return rf"\mathrm{{e}}^{{{_alone(parts[0])}}}", _POWER
    if kind == "pow":
        base, exponent = parts[0], _alone(parts[1])
        if base.kind == "call" and base.text not in _AROUND:
            return f"{_called(base.text)}^{{{exponent}}}{_operands(base.parts)}", _POWER
        return f"{_within(base, _ATOM)}^{{{exponent}}}", _POWER
    if kind == "call" and text in _AROUND:
        opening, closing = _AROUND[text]
        return opening + _alone(parts[0]) + closing, _POWER if closing == "}" else _ATOM
    if kind == "call":
        return _called(text) + _operands(parts), _ATOM
    if kind == "compare":
        return rf"\left[{_condition(tree)}\right]", _ATOM
    if kind == "index":
        return rf"{_operands(parts[:-1])}_{{{_alone(parts[-1])}}}", _POWER
    assert kind == "where"
    *pairs, last = parts
    cases = [
        rf"{_alone(x)} & \text{{if }} {_condition(y)}"
        for x, y in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    lines = r" \\ ".join([*cases, rf"{_alone(last)} & \text{{otherwise}}"])
    return rf"\begin{{cases}} {lines} \end{{cases}}", _CASES


def _operands(parts: tuple[Tree, ...]) -> str:
    return rf"\left({', '.join(map(_alone, parts))}\right)"


def _called(name: str) -> str:
    """What a function is called."""
    return _CALLED.get(name) or rf"\operatorname{{{name}}}".replace("_", r"\_")


def _condition(tree: Tree) -> str:
    """A comparison that is said to hold, or not to."""
    signs = _OPPOSITE if tree.kind == "not" else _SIGNS
    (tree,) = tree.parts if tree.kind == "not" else (tree,)
    if tree.kind != "compare":
        return rf"{_within(tree, _SUM)} \neq 0"
    left, right = (_within(x, _SUM) for x in tree.parts)
    return f"{left} {signs[tree.text]} {right}"
