"""The functions that C's library lacks: below 0, at poles, and to every order."""

import ast
import math

import mpmath
import numpy as np
import pytest
from mpmath import mp
from scipy import special as scipys

import autodiff
from autodiff import Value, derivative, digamma, erfinv, grad, jit, lgamma, polygamma, vmap
from autodiff.engine import special, translation
from autodiff.export import to_python

INF, NAN = math.inf, math.nan
BELOW_0 = [-1e-300, -1e-9, -0.25, -0.75, -1 + 1e-9, -1.5, -2.5, -7.125, -20.0625]
POLES = [0.0, -0.0, -1.0, -2.0, -1e300, -INF]


def log_gamma(a):
    return mpmath.re(mpmath.loggamma(a))


@pytest.mark.parametrize("a", BELOW_0)
def test_below_0_only_what_the_reflection_cancels_is_lost(a):
    """Three terms are added, each within its bound: that many ulp of the largest may be lost."""
    below, above = a - math.floor(a), math.ceil(a) - a
    with mp.workdps(60):
        for ours, true, parts in [
            (lgamma(a), log_gamma(mp.mpf(a)), map(lgamma, (below, above, 1 - a))),
            (digamma(a), mpmath.digamma(mp.mpf(a)), map(digamma, (below, above, 1 - a))),
            *(
                (
                    polygamma(n, a),
                    mpmath.polygamma(n, mp.mpf(a)),
                    [polygamma(n, x) for x in (below, above, 1 - a)],
                )
                for n in (1, 2, 3)
            ),
        ]:
            largest = max(abs(x) for x in parts)
            if math.isinf(largest):
                assert ours == (INF if true > 0 else -INF)
            else:
                assert abs(ours - true) <= 10 * math.ulp(largest)


def test_far_below_0_it_is_the_distance_to_the_poles_that_counts():
    assert polygamma(1, -(2.0**51) - 0.5) == pytest.approx(math.pi**2, rel=1e-14)
    assert digamma(-(2.0**51) - 0.5) == pytest.approx(51 * math.log(2), rel=1e-14)
    assert lgamma(-(2.0**51) - 0.5) == pytest.approx(scipys.gammaln(-(2.0**51) - 0.5), rel=1e-14)


def test_poles_are_as_in_scipy():
    for a in POLES:
        assert lgamma(a) == INF
        assert scipys.gammaln(a) == (INF if a > -INF else -INF)  # C and PyTorch have inf there too
        np.testing.assert_array_equal(digamma(a), scipys.digamma(a))
        for n in range(1, 5):
            assert polygamma(n, a) == scipys.polygamma(n, a) == (INF if n % 2 else -INF)
    assert [digamma(a) for a in (0.0, -0.0)] == [-INF, INF]


def test_edges_are_as_in_scipy():
    for ours, theirs in [
        (lgamma, scipys.gammaln),
        (digamma, scipys.digamma),
        (erfinv, scipys.erfinv),
        (lambda x: polygamma(1.0, x), lambda x: scipys.polygamma(1, x)),
    ]:
        for x in (1.0, 2.0, 1.5, 100.0, 1e10, 0.5, -0.5, 1.0, -1.0, INF, NAN, 1e-10):
            np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-13)
    assert [math.copysign(1, erfinv(x)) for x in (0.0, -0.0)] == [1, -1]
    assert [lgamma(x) for x in (1.0, 2.0)] == [0.0, 0.0]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 100, 170])
def test_every_order_of_polygamma_keeps_its_bound(n):
    with mp.workdps(60):
        for x in [1e-3, 0.3, 1.0, 1.46, 5.5, 9.0 + 3 * n, 8.5 + 3 * n, 20.0, 400.0, 1e5]:
            true = mpmath.polygamma(n, mp.mpf(x))
            if 1e-300 < abs(true) < 1e300:
                assert abs(polygamma(n, x) - true) <= (3 + 2 * n) * math.ulp(float(true))


def test_orders_beyond_the_factorials_that_are_floats():
    with mp.workdps(60):
        for n, x in [(171, 100.0), (300, 120.0), (1000, 500.0), (171, 700.0), (1500, 800.0)]:
            true = mpmath.polygamma(n, mp.mpf(x))
            assert abs(polygamma(n, x) / true - 1) < 1e-12
    assert polygamma(1e10, 3.0) == -INF
    assert polygamma(1e10, 1e300) == 0.0


@pytest.mark.parametrize(
    ("order", "x", "expected"),
    [
        *[(0.0, x, digamma(x)) for x in (0.5, -0.5, -1.0, INF)],
        (0.25, 2.0, scipys.digamma(2.0)),  # it is rounded
        (0.75, 1.0, math.pi**2 / 6),
        (2.0, INF, 0.0),
        *[(-1.0, 1.0, NAN), (-INF, 1.0, NAN), (NAN, 1.0, NAN), (1.0, NAN, NAN), (INF, 1.0, NAN)],
        *[(NAN, INF, NAN), (NAN, -1.0, NAN), (170.0, 5e-324, -INF), (171.0, 5e-324, INF)],
        *[(1.0, 5e-324, INF), (2.0, 1e-200, -INF), (2.0, -1e-200, INF), (1.0, 1e300, 1e-300)],
    ],
)
def test_orders_and_arguments_at_edges(order, x, expected):
    np.testing.assert_allclose(polygamma(order, x), expected, rtol=1e-15)
    assert polygamma(Value(order), Value(x)).partials[0] == 0.0


@pytest.mark.parametrize("x", [0.75, 3.5, -1.25])
def test_derivatives_of_every_order_in_every_way(x):
    with mp.workdps(60):
        true = [log_gamma(mp.mpf(x)), *(mpmath.polygamma(n, mp.mpf(x)) for n in range(5))]
    f = lgamma
    for order in range(6):
        wanted = pytest.approx(float(true[order]), rel=1e-14)
        assert derivative(lgamma, order)(x) == wanted
        assert f(x) == jit(f)(x) == wanted
        assert vmap(f)(np.array([x, 2.0]))[0] == wanted
        f = grad(f)


def test_the_inverse_error_function_inverts():
    for x in (1e-300, 0.25, 0.5, 1 - 2**-53, -0.75, 1 - 1e-12):
        assert autodiff.erf(erfinv(x)) == pytest.approx(x, rel=1e-15)
    found = derivative(erfinv, 2)(0.5)
    v = erfinv(0.5)
    assert found == pytest.approx(math.pi / 2 * v * math.exp(2 * v * v), rel=1e-14)


def test_a_program_with_them_is_python_that_stands_by_itself():
    def f(x):
        return lgamma(x) + digamma(x) + polygamma(2.0, x) + erfinv(x)

    lowered = jit(grad(f)).lower(0.25)
    scope = {}
    exec(to_python(lowered), scope)
    for x in (0.25, 0.75, 1.5):
        assert repr(scope["f"](x)) == repr(lowered(x))


# -- translation -----------------------------------------------------------------------------------


def test_what_is_translated_comes_after_what_it_needs():
    seen = set()
    for name in translation.SOURCES:
        seen.add(name)
        assert translation.names_mentioned(name) & translation.SOURCES.keys() <= seen
    assert special.OWN.keys() <= seen


def test_the_written_python_is_the_function():
    scope = {**vars(special)}
    for name in translation.SOURCES:
        exec(translation.in_python(name), scope)
    for name, function in special.OWN.items():
        operands = [0.3] * len(ast.parse(translation.in_python(name)).body[0].args.args)
        assert scope[name] is not function
        assert scope[name](*operands) == function(*operands)


def test_every_statement_is_written_in_c_and_javascript(monkeypatch):
    source = """
def f(a, b):
    'words'
    total = 0.0
    for c in BERNOULLI:
        total += div(c, log(a))
        if total == b:
            total /= a
            return inf
    while a < b:
        a -= 1.0
    return total
"""
    monkeypatch.setitem(translation.SOURCES, "f", ast.parse(source).body[0])
    in_c = """\
AD_STATIC double c_f(double a, double b) {
    double total, c;
    total = 0.0;
    for (int i = 0; i < (int)(sizeof c_BERNOULLI / sizeof *c_BERNOULLI); i++) { c = c_BERNOULLI[i];
        total = (total + (c / my_log(a)));
        if ((total == b)) {
            total = (total / a);
            return INFINITY;
        }
    }
    while ((a < b)) {
        a = (a - 1.0);
    }
    return total;
}"""
    assert translation.in_c("f", "my_{}".format) == in_c
    in_javascript = in_c.replace("AD_STATIC double", "function").replace(
        "double a, double b", "a, b"
    )
    for words, others in [
        ("    double total", "    let total"),
        (in_c.splitlines()[3], "    for (c of c_BERNOULLI) {"),
        ("==", "==="),
        ("INFINITY", "Infinity"),
    ]:
        in_javascript = in_javascript.replace(words, others)
    assert translation.in_javascript("f", "my_{}".format) == in_javascript


@pytest.mark.parametrize(
    "statement",
    ["if a > 0.0:\n    a = 1.0\nelse:\n    a = 2.0", "with a:\n    a = 1.0", "del a"],
)
def test_statements_that_cannot_be_translated_are_refused(monkeypatch, statement):
    body = "\n".join(" " + line for line in ["'words'", "b = a", *statement.splitlines()])
    source = f"def f(a):\n{body}\n"
    monkeypatch.setitem(translation.SOURCES, "f", ast.parse(source).body[0])
    for write in (translation.in_c, translation.in_javascript):
        with pytest.raises(AssertionError):
            write("f", str)
