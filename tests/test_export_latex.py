"""Formulas in LaTeX: read again, they say the numbers of the program."""

import math
import re

import numpy as np
import pytest
from docutils.utils.math.latex2mathml import tex2mathml
from formulas import worth
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser
from test_programs import ROW_IDS, inside, of_row

from autodiff import (
    Value,
    derivative,
    functions,
    grad,
    hessian,
    jit,
    primitive,
    scan,
    take,
    value_and_grad,
    vmap,
    where,
)
from autodiff.engine.kernels import FLOATS
from autodiff.export import to_latex
from autodiff.export.latex import MOST, symbol
from autodiff.ops import HELPERS, TABLE
from autodiff.testing import expressions, points

pytestmark = pytest.mark.once  # what is written does not depend on the engine

NAMED = {
    **{f"\\{name}": FLOATS[name] for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "log")},
    **{"\\arcsin": FLOATS["asin"], "\\arccos": FLOATS["acos"], "\\arctan": FLOATS["atan"]},
    **{"\\max": max, "\\min": min},
    **{"\\log_{2}": FLOATS["log2"], "\\log_{10}": FLOATS["log10"]},
    **{f"\\operatorname{{ar{x}}}": FLOATS[f"a{x}"] for x in ("sinh", "cosh", "tanh")},
    "\\operatorname{arsinh}": FLOATS["asinh"],
    "\\operatorname{arcosh}": FLOATS["acosh"],
    "\\operatorname{artanh}": FLOATS["atanh"],
    "\\operatorname{sgn}": FLOATS["sign"],
}
FUNCTIONS = {
    **{f"\\operatorname{{{name}}}".replace("_", "\\_"): f for name, f in FLOATS.items()},
    **NAMED,
}


def said(lowered, numbers):
    """What the formula of a program says for these numbers."""
    text = to_latex(lowered)
    names = dict(zip(map(symbol, lowered.input_names), numbers, strict=True))
    found = worth(text, names, FUNCTIONS)
    if found and isinstance(found[0], tuple):
        found = [x for _, x in found[-len(lowered.program.outputs) :]]
    return found, text


def agree(lowered, numbers, tolerance=1e-9):
    found, text = said(lowered, numbers)
    expected = lowered.run(numbers)
    scale = max(1.0, *np.abs(expected[np.isfinite(expected)]), 1.0)
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * scale, err_msg=text
    )


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_every_row_and_its_derivatives(row):
    f, count = of_row(row)
    numbers = inside(row, count)
    argnums = tuple(range(count))
    for transformed in (jit(f), grad(f, argnums), hessian(f, argnums)):
        lowered = transformed.lower(*numbers)
        if len(lowered.program) <= MOST:
            agree(lowered, numbers)


def test_every_row_is_written_without_a_name_of_the_engine():
    called = set()
    for row in TABLE:
        f, count = of_row(row)
        for transformed in (jit(f), grad(f, tuple(range(count)))):
            text = to_latex(transformed.lower(*inside(row, count)))
            called |= {*re.findall(r"\\operatorname\{(.*?)\}", text)}
    assert not called & {"unit", "largest", "peak", "pick"}
    assert not {name.replace("\\_", "_") for name in called} & HELPERS - {
        "polygamma",
        "trunc",
        "rint",
    }


@settings(max_examples=30)
@given(st.data())
def test_random_expressions(data):
    f = data.draw(expressions(3))
    x = data.draw(points(3))
    for transformed in (jit(f), value_and_grad(f, (0, 1, 2))):
        lowered = transformed.lower(*x)
        if len(lowered.program) <= MOST:
            agree(lowered, x, 1e-6)


def cases(then, condition, otherwise):
    first = rf"{then} & \text{{if }} {condition}"
    return rf"\begin{{cases}} {first} \\ {otherwise} & \text{{otherwise}} \end{{cases}}"


EXAMPLES = [
    (lambda x: x + x + x, "3 x"),
    (lambda x: x * x * x, "x^{3}"),
    (lambda x: 2.0 * x * 3.0, "6 x"),
    (lambda x: -x * -x, "x^{2}"),
    (lambda x: 1.0 - (x - 2.0), "3 - x"),
    (lambda x: x / 2.0 / x, r"\frac{x}{2 x}"),
    (lambda x: (x + 1.0) * (x - 1.0), r"\left(x + 1\right) \cdot \left(x - 1\right)"),
    (lambda x: (x + 1.0) ** 2, r"\left(x + 1\right)^{2}"),
    (lambda x: (-x) ** 3, r"\left(-x\right)^{3}"),
    (lambda x: (x**3) ** 5, r"\left(x^{3}\right)^{5}"),
    (lambda x: (1 / x) ** 3, r"\left(\frac{1}{x}\right)^{3}"),
    (lambda x: functions.sin(x) ** 2, r"\sin^{2}\left(x\right)"),
    (lambda x: functions.exp(-x * x / 2.0), r"\mathrm{e}^{-\frac{x^{2}}{2}}"),
    (lambda x: functions.exp(x) ** 3, r"\left(\mathrm{e}^{x}\right)^{3}"),
    (lambda x: abs(x) ** 3, r"\left|x\right|^{3}"),
    (lambda x: functions.sqrt(x) ** 3, r"\left(\sqrt{x}\right)^{3}"),
    (lambda x: functions.log2(x) ** 3, r"\log_{2}^{3}\left(x\right)"),
    (lambda x: x * 1.5e-3, "0.0015 x"),
    (lambda x: x * 1.5e-7, r"1.5 \cdot 10^{-7} \cdot x"),
    (lambda x: x - math.pi, r"x - \pi"),
    (lambda x: 2.0 * functions.maximum(x, 3.0), r"2 \max\left(x, 3\right)"),
    (lambda x: functions.leaky_relu(x), cases("x", "x > 0", "0.01 x")),
    (lambda x: where(functions.less(x, 1.0), x, 2.0), cases("x", "x < 1", "2")),
    (lambda x: 3.0 * functions.elu(x),
     "3 \\left(" + cases("x", "x > 0", r"\mathrm{e}^{x} - 1") + "\\right)"),
    (lambda x: functions.huber(functions.leaky_relu(x)), None),
    (lambda x: functions.step(x) * x, r"\left[x > 0\right] \cdot x"),
    (lambda x: x if x > 1.0 else -x, r"x \quad \text{where } x > 1"),
    (lambda x: -x if x > 3.0 else x, r"x \quad \text{where } x \leq 3"),
    (lambda x: take([x, 2.0 * x, 3.0], x), r"\left(x, 2 x, 3\right)_{x}"),
    (lambda x: functions.floor(x), r"\left\lfloor x\right\rfloor"),
    (lambda x: x * 0.0 + 7.0, "7"),
    (lambda x: x**0.5 * x**0.5, None),
    (lambda x: functions.erf(x), r"\operatorname{erf}\left(x\right)"),
]  # fmt: skip


@pytest.mark.parametrize(("f", "text"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_what_is_written(f, text):
    assert text in (None, to_latex(jit(f), 2.0))
    agree(jit(f).lower(2.0), [2.0])


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (functions.erf, r"\frac{2 \mathrm{e}^{-x^{2}}}{\sqrt{\pi}}"),
        (functions.tanh, r"\left(\frac{1}{\cosh\left(x\right)}\right)^{2}"),
        (functions.log1p, r"\frac{1}{1 + x}"),
        (functions.asinh, r"\frac{1}{\sqrt{1 + x^{2}}}"),
        (functions.sqrt, r"\frac{0.5}{\sqrt{x}}"),
        (lambda x: x**3, "3 x^{2}"),
        (
            lambda x: functions.logsumexp([x, 1.0]),
            r"\frac{\mathrm{e}^{x}}{\mathrm{e}^{x} + \mathrm{e}^{1}}",
        ),
    ],
)
def test_derivatives_are_as_in_books(f, text):
    assert to_latex(derivative(lambda x: f(x)), 0.5) == text


@pytest.mark.parametrize(
    "f", [functions.sin, functions.leaky_relu, functions.silu, lambda x: 1 / (x + 2.0)]
)
def test_deep_formulas_do_not_grow_with_what_is_written_twice(f):
    def deep(x):
        for _ in range(MOST // 2 - 1):
            x = f(x)
        return x

    lowered = jit(deep).lower(0.5)
    assert len(to_latex(lowered)) < 20_000
    agree(lowered, [0.5])


def test_a_clamp_that_matters_is_written():
    def clamped(x, bound):
        return functions.maximum(functions.minimum(x, bound), -bound)

    for bound, shown in ((20.0, True), (28.0, False)):
        text = to_latex(jit(lambda x, b=bound: functions.exp(-(clamped(x, b) ** 2))), 1.0)
        assert (r"\max" in text) == shown
    assert r"\max" in to_latex(jit(lambda x: functions.cosh(clamped(x, 400.0))), 1.0)
    assert r"\max" in to_latex(jit(lambda x: functions.exp(clamped(x, 800.0))), 1.0)


def test_what_is_long_and_used_more_than_once_gets_a_name():
    def f(x, y):
        r = x * x + y * y
        return functions.sin(r) * functions.exp(-r)

    assert to_latex(jit(f), 1.0, 2.0) == (
        "\\begin{aligned}\nv_{1} &= x^{2} + y^{2} \\\\\n"
        "y_{1} &= \\sin\\left(v_{1}\\right) \\cdot \\mathrm{e}^{-v_{1}}\n\\end{aligned}"
    ).replace("y_{1} &=", "z &=")
    agree(value_and_grad(f, (0, 1)).lower(0.5, 0.25), [0.5, 0.25])
    assert to_latex(jit(lambda v, u: [v * u, v]), 1.0, 2.0).splitlines() == [
        r"\begin{aligned}", r"y_{0} &= v \cdot u \\", "y_{1} &= v", r"\end{aligned}"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("x_1", "x_{1}"),
        ("alpha", r"\alpha"),
        ("lambda_", r"\lambda"),
        ("Gamma2", r"\Gamma_{2}"),
        ("\u03b1", r"\alpha"),
        ("Ω", r"\Omega"),
        ("rate", r"\mathrm{rate}"),
        ("w_in", r"w_{\mathrm{in}}"),
        ("xs[0]", r"\mathrm{xs}_{0}"),
        ("m[1, 2]", "m_{1, 2}"),
        ("model['w'][0]", r"\mathrm{model}_{w, 0}"),
        ("_", "x"),
        ("é", "é"),
        ("m['50 % {$}\\\\']", "m_{50}"),
    ],
)
def test_symbols(name, expected):
    assert symbol(name) == expected


def test_names_that_would_be_alike_are_told_apart():
    text = to_latex(jit(lambda x1, x_1, x: x1 - 2.0 * x_1 * x[1]), 1.0, 2.0, [3.0, 4.0])
    assert text == r"x_{1} - 2 \tilde{x_{1}} \cdot \tilde{\tilde{x_{1}}}"
    text = to_latex(jit(lambda v, y: [v * y, (v + y) * v]), 1.0, 2.0)
    assert r"z_{0} &= v \cdot y" in text
    text = to_latex(jit(lambda v, u, x: functions.sin(z := v * u + x) * z), 1.0, 2.0, 3.0)
    assert text.splitlines()[1].startswith("w_{1} &= ")


def test_names_of_numbers_are_told_from_these():
    text = to_latex(jit(lambda e, pi: functions.exp(e) * math.pi * pi), 1.0, 2.0)
    assert text == r"\mathrm{e}^{e} \cdot \pi \cdot \tilde{\pi}"


def test_captured_values_are_numbers():
    w = Value(2.5, name="w")
    assert to_latex(jit(lambda x: w * x), 1.0) == "2.5 x"


def test_what_is_refused_says_what_to_do():
    with pytest.raises(
        ValueError, match=r"jit\(.*\) runs a vmap, which no formula says: .*to_python"
    ):
        to_latex(jit(lambda xs: vmap(functions.sin)(xs)), np.ones(3))
    with pytest.raises(ValueError, match="runs a scan"):
        to_latex(jit(lambda x: scan(lambda c, _: (c * x, None), x, length=5)[0]), 1.0)
    xs = np.ones(MOST)
    with pytest.raises(ValueError, match="has 399 instructions, and a formula has at most 200"):
        to_latex(jit(lambda xs: functions.sum([functions.sin(x) * x for x in xs[:-1]])), xs)
    with pytest.raises(TypeError, match="sparse matrix: leave out sparse=True"):
        to_latex(hessian(lambda x: x[0] * x[1], sparse=True), np.ones(2))
    mine = primitive("not_in_latex", lambda a: a, [lambda a, v: 1.0])
    with pytest.raises(TypeError, match="not_in_latex"):
        to_latex(jit(mine), 1.0)
    with pytest.raises(TypeError, match="a function that jit, grad or another transform"):
        to_latex(math.sin, 1.0)


def formulas():
    """Formulas of derivatives, and all examples."""
    for row in TABLE[::3]:
        f, count = of_row(row)
        if not row.over_lists:
            yield to_latex(grad(f, tuple(range(count))).lower(*inside(row, count)))
    for f, _ in EXAMPLES:
        yield to_latex(jit(f), 2.0)


def test_mathtext_and_mathml_take_what_is_written():
    mathtext = MathTextParser("path")
    for text in formulas():
        assert "<math" in tex2mathml(text)
        lines = text.split("\n")[1:-1] if "aligned" in text else [text]
        for line in lines:
            if "cases" not in line and r"\text{where }" not in line:
                mathtext.parse(f"${line.replace('&', '').removesuffix(chr(92) * 2)}$")
