"""The transforms: published derivatives, compositions, perturbation confusion, bad input."""

import itertools
import math
import pickle

import mpmath
import numpy as np
import pytest
import scipy.optimize
from eager import by_sweeps
from hypothesis import assume, given
from hypothesis import strategies as st

from autodiff import (
    Value,
    derivative,
    functions,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    no_grad,
    primitive,
    scan,
    value_and_grad,
    vjp,
)
from autodiff.testing import expressions, points

cos, exp, log, sin, sqrt = (
    getattr(functions, name) for name in ["cos", "exp", "log", "sin", "sqrt"]
)

# -- published derivatives and minima --------------------------------------------------------------
# The functions and their minima: J. More, B. Garbow, K. Hillstrom, Testing unconstrained
# optimization software, ACM Trans. Math. Softw. 7 (1981), for Rosenbrock (1), Beale (5), Wood (14)
# and Powell's singular function (13); M. Jamil, X.-S. Yang, A literature survey of benchmark
# functions, Int. J. Math. Model. Numer. Optim. 4 (2013), for the others.


def rosenbrock(x):
    return sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def beale(p):
    x, y = p
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(p):
    x, y = p
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def branin(p):
    x, y = p
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x**2 + c * x - 6) ** 2 + 10 * (1 - t) * cos(x) + 10


def booth(p):
    x, y = p
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


def matyas(p):
    x, y = p
    return 0.26 * (x**2 + y**2) - 0.48 * x * y


def three_hump_camel(p):
    x, y = p
    return 2 * x**2 - 1.05 * x**4 + x**6 / 6 + x * y + y**2


def six_hump_camel(p):
    x, y = p
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def goldstein_price(p):
    x, y = p
    return (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)) * (
        30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    )


def wood(p):
    a, b, c, d = p
    return (
        100 * (b - a**2) ** 2
        + (1 - a) ** 2
        + 90 * (d - c**2) ** 2
        + (1 - c) ** 2
        + 10 * (b + d - 2) ** 2
        + 0.1 * (b - d) ** 2
    )


MINIMA = [
    (rosenbrock, [-1.2, 1.0], [1.0, 1.0], 0.0),
    (beale, [1.0, 1.0], [3.0, 0.5], 0.0),
    (himmelblau, [2.5, 2.5], [3.0, 2.0], 0.0),
    (himmelblau, [-2.5, 2.5], [-2.805118, 3.131312], 0.0),
    (himmelblau, [-3.5, -3.5], [-3.779310, -3.283186], 0.0),
    (himmelblau, [3.5, -2.0], [3.584428, -1.848126], 0.0),
    (branin, [3.0, 2.0], [math.pi, 2.275], 0.397887),
    (branin, [-3.0, 12.0], [-math.pi, 12.275], 0.397887),
    (booth, [0.0, 0.0], [1.0, 3.0], 0.0),
    (matyas, [5.0, -3.0], [0.0, 0.0], 0.0),
    (three_hump_camel, [0.3, -0.3], [0.0, 0.0], 0.0),
    (six_hump_camel, [0.1, -0.6], [0.0898, -0.7126], -1.0316285),
    (goldstein_price, [0.1, -0.9], [0.0, -1.0], 3.0),
    (wood, [-3.0, -1.0, -3.0, -1.0], [1.0, 1.0, 1.0, 1.0], 0.0),
]


@pytest.mark.parametrize(
    ("f", "start", "at", "least"), MINIMA, ids=lambda x: getattr(x, "__name__", "")
)
def test_scipy_finds_the_published_minimum(f, start, at, least):
    found = scipy.optimize.minimize(
        f, np.array(start), method="trust-exact", jac=grad(f), hess=hessian(f), tol=1e-9
    )
    np.testing.assert_allclose(found.x, at, atol=2e-4)
    assert found.fun == pytest.approx(least, abs=1e-6)
    np.testing.assert_allclose(grad(f)(np.array(at)), 0.0, atol=2e-2)
    assert np.linalg.eigvalsh(hessian(f)(found.x)).min() > 0


def test_the_gradient_and_hessian_are_scipys():
    draw = np.random.default_rng(1)
    for n in (2, 3, 10, 40):
        x, v = draw.normal(size=n), draw.normal(size=n)
        np.testing.assert_allclose(
            grad(rosenbrock)(x), scipy.optimize.rosen_der(x), rtol=1e-12, atol=1e-10
        )
        np.testing.assert_allclose(
            hessian(rosenbrock)(x), scipy.optimize.rosen_hess(x), rtol=1e-12, atol=1e-10
        )
        np.testing.assert_allclose(
            hvp(rosenbrock, (x,), (v,)),
            scipy.optimize.rosen_hess_prod(x, v),
            rtol=1e-11,
            atol=1e-9,
        )


def test_published_gradients():
    # SciPy's documentation of rosen_der and rosen_hess: at 0.1*arange(9), 0.1*arange(4)
    np.testing.assert_allclose(
        grad(rosenbrock)(0.1 * np.arange(9)),
        [-2.0, 10.6, 15.6, 13.4, 6.4, -3.0, -12.4, -19.4, 62.0],
        atol=1e-12,
    )
    np.testing.assert_allclose(
        hessian(rosenbrock)(0.1 * np.arange(4)),
        [[-38.0, 0, 0, 0], [0, 134.0, -40.0, 0], [0, -40.0, 130.0, -80.0], [0, 0, -80.0, 200.0]],
        atol=1e-12,
    )
    # the example of A. Baydin et al., Automatic differentiation in machine learning: a survey,
    # JMLR 18 (2018), figure 4: ln(x) + x*y - sin(y) at (2, 5), value 11.652, derivatives 5.5, 1.716
    value, (dx, dy) = value_and_grad(lambda x, y: log(x) + x * y - sin(y), (0, 1))(2.0, 5.0)
    assert (round(value, 3), dx, round(dy, 3)) == (11.652, 5.5, 1.716)


THIRD = [
    (lambda x: x**5, lambda x: x**5),
    (lambda x: sin(x * x), lambda x: mpmath.sin(x * x)),
    (lambda x: exp(sin(x)) / (1 + x * x), lambda x: mpmath.exp(mpmath.sin(x)) / (1 + x * x)),
    (lambda x: functions.tanh(x) * log(x), lambda x: mpmath.tanh(x) * mpmath.log(x)),
    (lambda x: sqrt(x) ** 3.5, lambda x: mpmath.sqrt(x) ** 3.5),
    (lambda x: functions.erf(x) / x, lambda x: mpmath.erf(x) / x),
    (lambda x: x**x, lambda x: x**x),
]


@pytest.mark.parametrize(("f", "exact"), THIRD)
def test_third_derivatives_are_mpmaths(f, exact):
    with mpmath.workdps(60):
        for x in (0.3, 0.9, 1.7):
            wanted = float(mpmath.diff(exact, mpmath.mpf(x), 3))
            for third in (
                derivative(f, 3),
                grad(grad(grad(f))),
                hessian(grad(f)),
                grad(hessian(f)),
                jit(jacobian(derivative(jit(grad(f))))),
                lambda x: jvp(derivative(f, 2), (x,), (1.0,))[1],
            ):
                assert third(x) == pytest.approx(wanted, rel=1e-11, abs=1e-11)


def test_derivatives_of_every_order():
    for n in range(7):
        assert derivative(lambda x: x**6, n)(1.0) == math.perm(6, n)
        assert derivative(sin, n)(0.7) == pytest.approx(math.sin(0.7 + n * math.pi / 2), abs=1e-15)
    assert derivative(lambda x: [x, {"a": x * x}], 1)(3.0) == [1.0, {"a": 6.0}]
    assert derivative(lambda x, k: k * x * x)(3.0, 5.0) == 30.0


# -- perturbation confusion ------------------------------------------------------------------------


def test_nested_derivatives_do_not_confuse_perturbations():
    # J. Siskind, B. Pearlmutter, Perturbation confusion and referential transparency, IFL 2005
    def confused(d):
        assert d(lambda x: x * d(lambda y: x + y)(1.0))(1.0) == 1.0
        assert d(lambda x: x * d(lambda y: x * y)(2.0))(3.0) == 6.0
        # x of the outer one closed over inside, where the inner one is taken
        assert d(lambda x: d(lambda y: x * x * y**3)(x))(2.0) == 96.0

    for d in (derivative, grad, jacobian):
        confused(d)
    for outer, inner in itertools.product((derivative, grad, jacobian, hessian), repeat=2):
        second = {hessian: 2}
        n, m = second.get(outer, 1), second.get(inner, 1)
        # d^n/dx^n of x^3 * d^m/dy^m (x^2 y^3) at y = x is a power of x
        got = outer(lambda x: x**3 * inner(lambda y: x**2 * y**3)(x))(2.0)  # noqa: B023  # called at once
        power = 5 + 3 - m
        wanted = math.perm(3, m) * math.perm(power, n) * 2.0 ** (power - n)
        assert got == pytest.approx(wanted, rel=1e-13)


def test_the_curried_example_of_manzyuk_and_others():
    # O. Manzyuk et al., Perturbation confusion in forward automatic differentiation of
    # higher-order functions, J. Funct. Program. 29 (2019): s(u)(f)(x) = f(x + u)
    def shift(u):
        return lambda f: lambda x: f(x + u)

    def directional(f, x):  # D of a function to functions, at x, on a function
        return lambda g: lambda y: derivative(lambda u: f(u)(g)(y))(x)

    hat = directional(shift, 0.0)  # it is differentiation itself
    assert hat(exp)(1.0) == pytest.approx(math.e, rel=1e-15)
    twice = hat(hat(exp))(1.0)
    assert twice == pytest.approx(math.e, rel=1e-15)  # a confused implementation gives 0
    assert hat(hat(lambda x: x**3))(2.0) == 12.0


def test_a_gradient_of_a_closure():
    def outer(a):
        @grad
        def inner(x):
            return a * x**2

        return inner(a) * inner(3.0)  # 2a^2 * 6a

    assert grad(outer)(2.0) == 144.0
    assert [jit(outer)(a) for a in (1.0, 2.0)] == [12.0, 96.0]


def test_a_gradient_that_is_constant_is_a_number_to_the_function_around_it():
    slope = grad(lambda y: 3.0 * y)
    for around, expected in (
        (jit(slope), 3.0),
        (jit(lambda x: slope(x) * x), 6.0),
        (jit(grad(lambda x: slope(x) * x)), 3.0),
        (jit(lambda x: jvp(lambda y: [3.0 * y, y], (x,), (1.0,))[1][0]), 3.0),
        (jit(lambda x: vjp(lambda y: [y * y, 5.0], x)[0][1] * x), 10.0),
    ):
        for _ in range(2):
            found = around(2.0)
            assert (type(found), found) == (float, expected)


def test_a_gradient_under_no_grad_is_that_of_backward_to_the_bit():
    w, x = Value(-1.0), Value(1.0)

    def f(x):
        return x * 0.0 * w

    f(x).backward()
    with no_grad():
        found = grad(f)(1.0)
    assert (found.hex(), x.grad.hex()) == ("0x0.0p+0", "0x0.0p+0")  # 0.0 + -0.0


def test_a_lowered_function_runs_on_flat_numbers():
    w = Value(2.0)
    lowered = grad(lambda x, y: w * x[0] * x[1] + y, (0, 1)).lower(np.array([3.0, 4.0]), 5.0)
    assert lowered.run([3.0, 4.0, 5.0]).tolist() == [8.0, 6.0, 1.0]
    w.data = 3.0
    assert lowered.run(np.array([1.0, 2.0, 5.0])).tolist() == [6.0, 3.0, 1.0]
    for n in (0, 2, 4):
        with pytest.raises(ValueError, match=rf"^grad\(<lambda>\) takes 3 numbers: {n} came$"):
            lowered.run([1.0] * n)
    n = lowered.stats()["nodes"]
    assert repr(lowered) == f"<grad(<lambda>), lowered: 4 inputs, 3 outputs, {n} nodes>"
    assert repr(grad(lambda x: x * x).lower(2.0)).endswith(": 1 input, 1 output, 1 node>")


# -- compositions ----------------------------------------------------------------------------------


def f(x):
    return x[0] ** 3 * x[1] + sin(x[0] * x[1])


def second(x):
    a, b = x
    c, s = math.cos(a * b), math.sin(a * b)
    mixed = 3 * a**2 + c - a * b * s
    return [[6 * a * b - b * b * s, mixed], [mixed, -a * a * s]]


X = np.array([0.7, -1.3])


def along(row):
    """A matrix, from the function that gives its row in a direction."""
    return lambda x: np.stack([row(x, e) for e in np.eye(2)])


@pytest.mark.parametrize(
    "both",
    [
        hessian(f),
        jit(hessian(f)),
        hessian(jit(f)),
        jit(jit(hessian(jit(f)))),
        jacobian(grad(f)),
        jacobian(jacobian(f)),
        jacobian(jit(grad(jit(f)))),
        jacobian(lambda x: value_and_grad(f)(x)[1]),
        jacobian(lambda x: vjp(f, x)[1](1.0)[0]),
        along(lambda x, e: hvp(f, (x,), (e,))),
        along(lambda x, e: jvp(grad(f), (x,), (e,))[1]),
        along(lambda x, e: vjp(grad(f), x)[1](e)[0]),
        along(lambda x, e: grad(lambda x: jvp(f, (x,), (e,))[1])(x)),
        along(lambda x, e: grad(lambda x: (grad(f)(x) * e).sum())(x)),
        along(lambda x, e: jit(grad(lambda x: vjp(f, x)[1](1.0)[0] @ e))(x)),
    ],
)
def test_second_derivatives_by_every_composition(both):
    for _ in range(2):
        np.testing.assert_allclose(both(X), second(X), rtol=1e-12)


PAIRS = {
    "grad": grad,
    "jit": jit,
    "jacobian": jacobian,
    "hessian": hessian,
    "derivative": derivative,
    "derivative 2": lambda f: derivative(f, 2),
    "value_and_grad": lambda f: lambda x: value_and_grad(f)(x)[1],
    "jvp": lambda f: lambda x: jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0)[0],
    "hvp": lambda f: lambda x: hvp(f, (x,), (1.0,)),
}
ORDER = {"jit": 0, "hessian": 2, "derivative 2": 2, "hvp": 2}


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(PAIRS, repeat=2)))
def test_all_pairs_compose(outer, inner):
    composed = PAIRS[outer](PAIRS[inner](lambda x: x * sin(x)))
    n = ORDER.get(outer, 1) + ORDER.get(inner, 1)
    with mpmath.workdps(50):
        for x in (0.4, 2.5):
            wanted = float(mpmath.diff(lambda x: x * mpmath.sin(x), x, n))
            assert composed(x) == pytest.approx(wanted, rel=1e-12)


def over_steps(f):
    """The function, in the one step of a scan."""
    return lambda *args: scan(lambda same, _: (same, f(*same)), args, length=1)[1][0]


def test_jvp_and_vjp_are_transposes():
    def g(x, y):
        return [x * y[0], {"a": sin(y[1]) * x}, y[0] / x]

    point, tangent = (2.0, [3.0, 0.5]), (1.0, [-2.0, 4.0])
    value, out = jvp(g, point, tangent)
    same, pull = vjp(g, *point)
    assert value == same == [6.0, {"a": math.sin(0.5) * 2.0}, 1.5]
    adjoint = [1.0, {"a": 2.0}, -1.0]
    dx, dy = pull(adjoint)
    left = out[0] * 1.0 + out[1]["a"] * 2.0 - out[2]
    assert left == pytest.approx(dx * 1.0 + dy[0] * -2.0 + dy[1] * 4.0, rel=1e-15)
    assert jvp(g)(point, tangent) == (value, out)
    assert vjp(g)(*point)[0] == value


@pytest.mark.parametrize("of", [lambda f: f, over_steps], ids=["as it is", "over steps"])
def test_a_pullback_closes_over_values_where_they_are_recorded(of):
    w = Value(3.0)
    f = of(lambda x: w * x**2)
    value, pull = vjp(f, 2.0)
    (slope,) = pull(1.0)
    functions.sum([value, slope]).backward()
    assert (value.data, slope.data, w.grad) == (12.0, 12.0, 8.0)
    with no_grad():
        assert type(pull(1.0)[0]) is float
        value, pull = vjp(f, 2.0)
        assert (type(value), value, pull(1.0)) == (float, 12.0, (12.0,))
    w.data = 100.0
    seed = Value(1.0)
    assert pull(1.0) == (12.0,)
    (slope,) = pull(seed)
    slope.backward()
    assert (slope.data, seed.grad) == (12.0, 12.0)


@pytest.mark.parametrize("of", [lambda f: f, over_steps], ids=["as it is", "over steps"])
def test_a_pullback_of_floats_takes_values(of):
    value, pull = vjp(of(lambda x, y: x * y), 2.0, 5.0)
    assert (value, pull(1.0), pull(3.0)) == (10.0, (5.0, 2.0), (15.0, 6.0))
    seed = Value(3.0)
    for _ in range(2):
        found = pull(seed)
        assert [x.data for x in found] == [15.0, 6.0]
    functions.sum(found).backward()
    assert seed.grad == 7.0
    assert pull(1.0) == (5.0, 2.0)


@pytest.mark.parametrize("of", [lambda f: f, over_steps], ids=["as it is", "over steps"])
def test_a_pullback_keeps_the_numbers_of_its_call(of):
    x, w = Value(2.0), Value(5.0)
    value, pull = vjp(of(lambda x: w * x**2), x)
    x.data, w.data = 100.0, 100.0
    with no_grad():
        assert (value.data, pull(1.0)) == (20.0, (20.0,))
    (slope,) = pull(1.0)
    slope.backward()
    assert (slope.data, x.grad, w.grad) == (20.0, 10.0, 4.0)


def test_a_hessian_is_symmetric_to_the_last_bit_and_computed_by_half():
    def f(x):
        return sum(sin(a * b / c) for a, b, c in itertools.permutations(x, 3))

    point = np.array([0.3, 1.7, 2.9])
    found = hessian(f)(point)
    assert (found == found.T).all()
    assert found == pytest.approx(jacobian(grad(f))(point), rel=1e-12)
    sizes = [
        jit(g).lower(point).stats()["instructions"] for g in (hessian(f), jacobian(grad(f)), f)
    ]
    assert sizes[0] < 0.8 * sizes[1]


def test_a_jacobian_takes_the_fewer_sweeps():
    def narrow(x):
        return [sum(sin(a * b) for a, b in itertools.pairwise(x))]

    def wide(x):
        return [sin(x[0] * i) for i in range(1, 30)]

    for f, point in [(narrow, np.arange(30.0)), (wide, np.ones(1))]:
        whole, alone = (jit(g).lower(point).stats()["instructions"] for g in (jacobian(f), f))
        assert whole < 6 * alone


def product(x, y):
    return x * x * y**3


@pytest.mark.parametrize("transform", [grad, jacobian, hessian, value_and_grad])
def test_a_list_of_argnums_may_change_afterwards(transform):
    chosen = [1]
    made = transform(product, chosen)
    chosen[0] = 0
    wanted = transform(product, (1,))
    for again in (made, pickle.loads(pickle.dumps(made)), jit(made)):
        assert again(3.0, 5.0) == wanted(3.0, 5.0)


# -- random programs with branches -----------------------------------------------------------------


@st.composite
def branching(draw):
    """A function with an ``if`` in it, as Python source, and two points."""
    first, then, other = (draw(expressions(2, max_size=5)) for _ in range(3))
    threshold = draw(st.sampled_from([0.0, 0.5, "x0", "x1"]))
    sign = draw(st.sampled_from(["<", ">", "<=", ">=", "==", "!="]))
    source = (
        f"def f(x0, x1):\n    t = first(x0, x1)\n    if t {sign} {threshold}:\n"
        "        return then(x0, t)\n    return other(t, x1)\n"
    )
    scope = {"first": first, "then": then, "other": other}
    exec(source, scope)
    return scope["f"], [draw(points(2) | points(2, aim=True)) for _ in range(3)]


@given(branching())
def test_branching_programs_have_the_values_and_gradients_of_values(drawn):
    f, places = drawn
    fast, slope, curve, jac = jit(f), grad(f, (0, 1)), hessian(f, (0, 1)), jacobian(f, (0, 1))
    for x in (*places, *places):
        value, gradient, rows = by_sweeps(f, x)
        assert float(fast(*x)).hex() == float(value).hex()
        finite = all(map(math.isfinite, [value, *gradient, *itertools.chain(*rows)]))
        if not finite:
            continue
        size = 1e-13 * max(map(abs, [1.0, *gradient]))
        assert [*slope(*x)] == gradient
        np.testing.assert_allclose(jac(*x), gradient, rtol=1e-9, atol=1e3 * size)
        size = max(map(abs, [1.0, *gradient, *itertools.chain(*rows)]))  # terms may cancel out
        np.testing.assert_allclose(curve(*x), rows, rtol=1e-9, atol=1e-10 * size)


@given(st.data())
def test_gradients_of_random_expressions_are_bit_for_bit_those_of_values(data):
    f = data.draw(expressions(3, max_size=10))
    x = data.draw(points(3))
    value, gradient, _ = by_sweeps(f, x)
    assume(all(map(math.isfinite, [value, *gradient])))
    found, slope = value_and_grad(f, (0, 1, 2))(*x)
    assert found.hex() == value.hex()
    assert [*slope] == gradient  # 0.0 is -0.0: a sweep adds up from 0.0, a program from the first


# -- a primitive of one's own ----------------------------------------------------------------------


cube = primitive("my_cube", lambda a: a * a * a, [lambda a, v: 3 * a * a])
opaque = primitive("my_opaque", lambda a: math.sin(a), [lambda a, v: math.cos(a)])
bent = primitive(
    "my_bent", lambda a: a * a if a > 0 else -a, [lambda a, v: 2 * a if a > 0 else -1.0]
)
fused = primitive(
    "my_fused",
    lambda a, b, c: a * b + c,
    [lambda a, b, c, v: b, lambda a, b, c, v: a, lambda a, b, c, v: 1.0],
)


def logarithm(a):
    if a <= 0:
        raise ValueError("not of such a number")
    return math.log(a)


hard = primitive("my_log", logarithm, [lambda a, v: 1 / a])


def test_a_primitive_with_symbolic_partials_has_all_derivatives():
    assert jit(cube)(2.0) == 8.0
    assert [derivative(cube, n)(2.0) for n in range(5)] == [8.0, 12.0, 12.0, 6.0, 0.0]
    assert hessian(lambda x: cube(x[0]) * x[1])(np.array([2.0, 3.0])).tolist() == [
        [36.0, 12.0],
        [12.0, 0.0],
    ]


def test_a_primitive_with_partials_of_floats_has_first_derivatives():
    g = grad(lambda x: opaque(x) * x)
    for x in (0.3, 1.2, 0.3):
        assert g(x) == pytest.approx(math.sin(x) + x * math.cos(x), rel=1e-15)
        assert jit(opaque)(x) == math.sin(x)
    assert jit(grad(opaque))(0.3) == math.cos(0.3)
    assert grad(jit(opaque))(0.3) == math.cos(0.3)
    narrow = primitive("my_narrow", lambda a: math.log(a - 5), [lambda a, v: 1 / math.sqrt(a - 5)])
    assert grad(narrow)(9.0) == 0.5
    for _ in range(2):
        with pytest.raises(TypeError, match="partial 1 of my_opaque is not written in autodiff's"):
            hessian(opaque)(0.3)


def test_a_primitive_whose_partial_decides_is_right_on_both_sides():
    f, g = jit(bent), grad(lambda x: bent(x) * 2.0)
    for x in (3.0, -2.0, 4.0, -1.0):
        assert f(x) == (x * x if x > 0 else -x)
        assert g(x) == (4 * x if x > 0 else -2.0)


def test_a_primitive_of_three_operands():
    def f(a, b, c):
        return fused(a, b, c) * a

    assert grad(f, (0, 1, 2))(2.0, 3.0, 4.0) == (16.0, 4.0, 2.0)
    assert np.array(hessian(f, (0, 1, 2))(2.0, 3.0, 4.0)).tolist() == [
        [6.0, 4.0, 1.0],
        [4.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
    ]
    assert grad(lambda b: fused(2.0, b, 1.0))(5.0) == 2.0


def test_a_primitive_that_raises_is_reached_only_where_the_function_reaches_it():
    f = jit(lambda x: hard(x) if x > 0 else x)
    assert (f(math.e), f(-1.0), f(1.0)) == (1.0, -1.0, 0.0)
    with pytest.raises(ValueError, match="not of such a number"):
        jit(hard)(-1.0)
