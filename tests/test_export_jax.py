"""Modules for JAX: the same numbers, the table's derivatives, whatever JAX does with them."""

import collections
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # compiled in less time

import jax
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rounding import SLACK, allowed, tolerances
from test_programs import EDGES, inside, of_row

from autodiff import (
    Value,
    exp,
    export,
    grad,
    hessian,
    jacobian,
    jit,
    jvp,
    logsumexp,
    maximum,
    mean,
    nn,
    norm,
    pow,
    primitive,
    scan,
    sigmoid,
    sin,
    softmax,
    sqrt,
    take,
    tanh,
    value_and_grad,
    vmap,
    where,
    xlogy,
)
from autodiff.ops import HELPERS, TABLE, row
from autodiff.testing import expressions, points

sys.path.insert(0, str(Path(__file__).parents[1] / "demos"))
import microgpt  # from the path set above

pytestmark = pytest.mark.once  # what is exported does not depend on the engine, and JAX is slow

jnp = jax.numpy
INF, NAN = math.inf, math.nan
#: XLA takes long over programs that have the gamma function's family again and again.
SIMPLE = [r.name for r in TABLE if "gamma" not in r.name and r.name not in HELPERS]
#: Rows whose second derivatives are tried by themselves.
SECOND = {
    *("div", "pow", "xlogy", "hypot", "atan2", "tanh", "erfinv", "gelu", "digamma", "clip"),
    *("maximum", "norm", "logsumexp"),
}
TINY = 2.0**-1000  #: XLA takes numbers below 2**-1022 for 0, and so what was computed from them


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def imported(f, *args, name="f"):
    """The function of the module that is written."""
    source = export.to_jax(f, *args, name=name)
    assert "import autodiff" not in source
    scope = {}
    exec(compile(source, "exported", "exec"), scope)
    return scope[name]


def flat(tree):
    return np.concatenate([np.ravel(np.asarray(x, float)) for x in jax.tree.leaves(tree)])


def agree(found, wanted, ulps, where=""):
    """Equal, nan where that is nan, or so many units in the last place apart."""
    found, wanted, ulps = map(np.asarray, (found, wanted, ulps))
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(found - wanted) <= ulps * np.spacing(np.abs(wanted)) + TINY
    same = near | (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    same |= (ulps == INF) & (np.isfinite(found) | ~np.isfinite(wanted))
    bad = np.flatnonzero(~same)
    assert not len(bad), (where, found[bad][:3], wanted[bad][:3], ulps[bad][:3])


# -- every row of the table ------------------------------------------------------------------------


def cases(r, count):
    """Points inside the domain, on ties, kinks and edges; none subnormal."""
    rng = np.random.default_rng(1)
    sides = EDGES if count < 3 else [NAN, 0.0, INF, 2.0, -1.0]
    sides = [x for x in sides if not 0 < abs(x) < 1e-300]
    edges = [*itertools.product(sides, repeat=count)]
    inner = inside(r, count)
    near = [
        [x * (1 + 0.2 * y) for x, y in zip(inner, rng.uniform(-1, 1, count), strict=True)]
        for _ in range(9)
    ]
    chosen = [edges[i] for i in rng.permutation(len(edges))[:119]]
    found = (chosen + [inner, *near] + edges * 12)[:130]
    if r.name == "polygamma":  # JAX's zeta and gamma functions end in between
        found = [p if not abs(p[0]) > 100 else inner for p in found]
    return np.array(found)


@pytest.mark.parametrize("part", range(6))
def test_every_row_and_its_partials_are_within_the_tables_bounds(part):
    """A sixth of the rows at a time: XLA takes longer to start than for many of them."""
    rows = TABLE[part::6]
    functions, arrays = [], []
    for r in rows:
        f, count = of_row(r, 2)
        functions.append(slopes_of(imported(jit(f), *inside(r, count)), count))
        arrays.append(jnp.asarray(cases(r, count)))
    together = jax.jit(lambda xs: [f(x) for f, x in zip(functions, xs, strict=True)])
    for r, there, found in zip(rows, arrays, together(arrays), strict=True):
        f, count = of_row(r, 2)
        wanted, ulps = [], []
        for numbers in there.tolist():
            xs = [Value(x) for x in numbers]
            y = f(*xs)
            y.backward()
            bounds = [allowed(r.name, numbers, y.data)]
            for i, x in enumerate(xs):
                which = 1 + (i * len(r.names) // count if r.over_lists else i)
                bounds.append(allowed(r.name, numbers, y.data, which, x.grad))
            wanted.append([y.data, *[x.grad for x in xs]])
            ulps.append([2 * bound + SLACK for bound in bounds])
        for i in range(count + 1):
            agree(found[:, i], np.array(wanted)[:, i], np.array(ulps)[:, i], f"{r.name} {i}")


def slopes_of(g, count):
    """The value and the partials, for many points."""
    slopes = jax.value_and_grad(lambda *x: g(*x), tuple(range(count)))
    return jax.vmap(lambda x: jnp.stack([(found := slopes(*x))[0], *found[1]]))


def test_second_derivatives_in_a_direction():
    names, ours, theirs, at = [r.name for r in TABLE if r.name in SECOND], [], [], []
    for name in names:
        f, count = of_row(row(name), 2)
        inner, places = inside(row(name), count), tuple(range(count))
        direction = [1.0 + 0.5 * i for i in places]
        ours.append(np.array(hessian(f, places)(*inner)).reshape(count, count) @ direction)
        theirs.append(jax.grad(imported(jit(f), *inner), places))
        at.append((tuple(inner), tuple(direction)))

    def along(at):
        return [jax.jvp(f, *pair)[1] for f, pair in zip(theirs, at, strict=True)]

    for name, wanted, found in zip(names, ours, jax.jit(along)(at), strict=True):
        np.testing.assert_allclose(flat(found), wanted, rtol=1e-12, atol=1e-14, err_msg=name)


# -- random programs -------------------------------------------------------------------------------


@settings(max_examples=2)
@given(st.data())
def test_random_programs_agree_as_far_as_rounding_lets_them(data):
    there, here = data.draw(points(3)), data.draw(points(3))
    drawn = [data.draw(expressions(3, SIMPLE, max_size=10)) for _ in range(8)]

    def f(x, y, z):
        return [each(x, y, z) for each in drawn]

    slopes = jacobian(f, (0, 1, 2)).lower(*there)
    g, h = imported(jit(f), *there, name="g"), imported(slopes, name="h")
    program = jit(f).lower(*there).program

    def everything(x, y, z):
        return g(x, y, z), h(x, y, z), jax.jacrev(g, (0, 1, 2))(x, y, z)

    values, theirs, ours = jax.jit(everything)(*here)
    data, bounds = tolerances(program, here)
    within(flat(values), data, bounds)
    data, bounds = tolerances(slopes.program, here)
    within(flat(theirs), data, bounds)
    within(flat(ours), data, bounds)


def within(found, wanted, bounds):
    """As near as the bounds say, where what is wanted is a number and no bound is inf."""
    wanted, bounds = np.array(wanted), np.array(bounds)
    held = np.isfinite(wanted) & np.isfinite(bounds)
    assert (np.abs(found - wanted)[held] <= bounds[held] + TINY).all(), (found, wanted, bounds)


# -- what JAX does with a function -----------------------------------------------------------------

W, X = np.array([0.3, -0.7, 1.1]), np.array([[0.5, 2.0, -1.0], [1.5, 0.1, 0.7], [-0.3, 1.0, 0.2]])


def model(w, x):
    return sin(w[0] * x[0]) * x[2] + softmax([*(w * x)])[1] + norm([*x]) ** w[1]


def loss(params, x):
    w, b = params["w"], params["b"]
    return mean([sigmoid(a * y + b) for a, y in zip(w, x, strict=True)]) + logsumexp([*(w * 3.0)])


PARAMS = {"w": W, "b": 0.25}


def test_arguments_and_results_keep_their_structure():
    f = imported(value_and_grad(loss), PARAMS, X[0], name="loss_and_slope")
    found, wanted = f(PARAMS, X[0]), value_and_grad(loss)(PARAMS, X[0])
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    np.testing.assert_allclose(flat(found), flat(wanted), rtol=1e-14)
    assert found[1]["w"].shape == (3,)
    assert found[1]["b"].shape == ()

    Point = collections.namedtuple("Point", "x y")

    def g(p, *others, scale):
        return {"sum": [p.x + others[0][1], p.y * scale], "b": (others[1],)}

    h = imported(jit(g).lower(Point(1.0, [2.0, 3.0][0]), [1.0, 2.0], 5.0, scale=2.0))
    found = h(Point(1.0, 2.0), jnp.array([4.0, 5.0]), 7.0, scale=10.0)
    assert jax.tree.map(float, found) == {"sum": [6.0, 20.0], "b": (7.0,)}
    named = imported(jit(lambda x: Point(x, -x)), 1.0)(2.0)
    assert (named._fields, named.x, named.y) == (("x", "y"), 2.0, -2.0)


def test_matrices_may_be_lists_or_arrays():
    f = imported(jit(lambda rows: [a + b for a, b in rows]), [[1.0, 2.0], [3.0, 4.0]])
    assert [*map(float, f([[1.0, 2.0], [3.0, 4.0]]))] == [3.0, 7.0]
    assert [*map(float, f(jnp.array([[1.0, 2.0], [3.0, 5.0]])))] == [3.0, 8.0]


def test_gradients_hessians_and_lanes_are_those_of_the_function():
    f = imported(jit(loss), PARAMS, X[0], name="loss")
    both = jax.jit(jax.value_and_grad(f, (0, 1)))(PARAMS, X[0])
    np.testing.assert_allclose(
        flat(both), flat(value_and_grad(loss, (0, 1))(PARAMS, X[0])), rtol=1e-13
    )
    lanes = jax.jit(jax.vmap(f, (None, 0)))(PARAMS, X)
    np.testing.assert_allclose(lanes, vmap(loss, (None, 0))(PARAMS, X), rtol=1e-14)
    second = jax.jit(jax.hessian(f))(PARAMS, X[0])
    np.testing.assert_allclose(
        flat(second), flat(hessian(loss)(PARAMS, X[0])), rtol=1e-12, atol=1e-15
    )
    slope = imported(grad(loss), PARAMS, X[0], name="slope")
    third = jax.jit(jax.hessian(lambda p: slope(p, X[0])["b"]))(PARAMS)
    wanted = hessian(lambda p: grad(loss)(p, X[0])["b"])(PARAMS)
    np.testing.assert_allclose(flat(third), flat(wanted), rtol=1e-11, atol=1e-15)


def test_branches_that_are_not_taken_make_no_nan():
    def f(x):
        return sigmoid(x) + where(x > 0, sqrt(x), x * x) + xlogy(maximum(x, 0.0), x) + pow(x, 2.0)

    g = imported(jit(f).lower(-800.0))
    for x in (-800.0, -0.5):
        assert float(jax.grad(g)(x)) == pytest.approx(grad(f)(x), rel=1e-14)
        assert float(jax.jvp(g, (x,), (1.0,))[1]) == pytest.approx(grad(f)(x), rel=1e-14)


def test_constants_have_no_derivative_in_any_lane():
    """In forward mode, 0 times the infinite partial by a constant exponent would be nan."""

    def f(xs, ys):
        return [pow(x, 3.0) for x in xs] + [pow(y, x) for x, y in zip(xs, ys, strict=True)]

    xs, ys = jnp.array([-0.5, 2.0, -3.0, 1.5] * 3), jnp.arange(1.0, 13.0)
    source = export.to_jax(jit(f), [*map(float, xs)], [*map(float, ys)])
    assert source.count("= _pow(") == 2
    g = imported(jit(f), [*map(float, xs)], [*map(float, ys)])
    forward = np.array(jax.jit(jax.jacfwd(g))(xs, ys))
    wanted = np.array(jacobian(f)([*map(float, xs)], [*map(float, ys)]))
    np.testing.assert_allclose(forward, wanted, rtol=1e-14)


def test_each_lane_of_a_vmap_goes_its_way():
    def one(w, x):
        return sqrt(x[0]) * w[0] if x[0] > 0 else w[1] * x[1] * x[0]

    def total(w, x):
        return mean(vmap(one, (None, 0))(w, x))

    lanes = imported(jit(lambda w, x: vmap(one, (None, 0))(w, x)), W, X)
    edges = np.array([[0.0, 1.0, 2.0], [-0.0, 3.0, 1.0], [4.0, -1.0, 1.0]])
    for x in (X, edges):
        np.testing.assert_allclose(lanes(W, x), vmap(one, (None, 0))(W, x), rtol=1e-15)
        slope = jax.jit(jax.grad(lambda w, x: jnp.mean(lanes(w, x)), (0, 1)))(W, x)
        np.testing.assert_allclose(flat(slope), flat(grad(total, (0, 1))(W, x)), rtol=1e-15)
        summed = imported(grad(total, (0, 1)), W, X)
        np.testing.assert_allclose(flat(jax.jit(summed)(W, x)), flat(slope), rtol=1e-14, atol=1e-17)

    def nested(x):
        return vmap(lambda row: logsumexp(vmap(lambda y: row[0] * y if y > 0 else exp(y))(row)))(x)

    np.testing.assert_allclose(jax.jit(imported(jit(nested), X))(X), nested(X), rtol=1e-14)


def test_where_a_comparison_comes_out_otherwise_all_is_nan():
    def f(x, y):
        return [sin(x) * y, x] if x > y else [x + 1.0, y]

    g = imported(jit(f), 2.0, 1.0)
    assert [*map(float, g(2.0, 1.0))] == f(2.0, 1.0)
    assert np.isnan(flat(g(1.0, 2.0))).all()
    assert np.isnan(float(jax.grad(lambda x: g(x, 2.0)[0])(1.0)))
    assert np.isnan(float(jax.jvp(lambda x: g(x, 2.0)[1], (1.0,), (1.0,))[1]))
    source = export.to_jax(jit(f), 2.0, 1.0)
    assert f"{__file__}:" in source.split('"""')[1]
    lanes = jit(lambda xs: vmap(lambda x: sqrt(x) if x > 0 else -x)(xs))
    h = imported(lanes, np.ones(2))
    assert np.isnan(flat(h(jnp.array([1.0, -2.0])))).all()


@pytest.mark.parametrize("i", [-1.0, 3.0, 0.5, NAN, INF])
def test_take_beyond_its_list_is_nan(i):
    f = imported(jit(lambda xs, i: [take(xs, i) * 2.0, xs[0]]), [1.0, 2.0, 3.0], 1)
    assert [[*map(float, f([1.0, 2.0, 3.0], k))] for k in range(3)] == [
        [2.0, 1.0],
        [4.0, 1.0],
        [6.0, 1.0],
    ]
    assert np.isnan(flat(f([1.0, 2.0, 3.0], i))).all()


def test_what_is_read_from_outside_is_written_in():
    w = Value(3.0, name="w")
    g = imported(jit(lambda x: w * x), 2.0)
    w.data = 5.0
    assert float(g(2.0)) == 6.0


def test_matrix_products_are_found():
    a, b = np.arange(12.0).reshape(3, 4), np.arange(20.0).reshape(4, 5)
    source = export.to_jax(jit(lambda a, b: a @ b), a, b)
    assert source.count(" @ ") == 1
    assert "_A" not in source
    np.testing.assert_array_equal(imported(jit(lambda a, b: a @ b), a, b)(a, b), a @ b)


# -- what cannot be written ------------------------------------------------------------------------


def test_float64_is_asked_for():
    f = imported(jit(lambda x: x * x), 2.0)
    with jax.enable_x64(False), pytest.raises(RuntimeError, match="jax_enable_x64"):
        f(2.0)


def test_arguments_of_other_shapes_are_refused():
    f = imported(jit(loss), PARAMS, X[0], name="loss")
    with pytest.raises(ValueError, match=r"params\['w'\] has shape \(2,\), expected is \(3,\)"):
        f({"w": W[:2], "b": 0.0}, X[0])
    with pytest.raises(ValueError, match=r"set\(params\) is {'w'}, expected is"):
        f({"w": W}, X[0])
    g = imported(jit(lambda kind, x: x if kind == "mean" else -x), "mean", 1.0)
    assert float(g("mean", 2.0)) == 2.0
    with pytest.raises(ValueError, match="kind is 'sum', expected is 'mean'"):
        g("sum", 2.0)
    h = imported(jit(lambda xs: xs[0] + xs[1][0]), (1.0, [2.0, 3.0]))
    with pytest.raises(ValueError, match=r"len\(xs\) is 3"):
        h((1.0, [2.0, 3.0], 4.0))


@pytest.mark.parametrize("name", ["", "2f", "def", "_f", "jnp"])
def test_names_that_are_none_are_refused(name):
    with pytest.raises(ValueError, match="name must be one for a function"):
        export.to_jax(jit(lambda x: x), 1.0, name=name)


def test_what_cannot_be_written_is_refused_by_name():
    cube = primitive("cube_for_jax", lambda a: a**3, [lambda a, v: 3 * a * a])
    with pytest.raises(TypeError, match=r"cube_for_jax.*added at run time"):
        export.to_jax(jit(lambda x: cube(x)), 1.0)
    with pytest.raises(TypeError, match="sparse matrix"):
        export.to_jax(jacobian(lambda x: x * x, sparse=True), np.ones(3))
    with pytest.raises(TypeError, match="expected"):
        export.to_jax(lambda x: x, 1.0)


# -- whole models ----------------------------------------------------------------------------------


def test_a_model_of_nn_is_one_line_each_way(tmp_path):
    net = nn.MLP(2, [8, 1], activation="tanh")
    inputs = np.random.default_rng(0).normal(size=(4, 2))
    (tmp_path / "model.py").write_text(
        export.to_jax(jit(lambda x: net([*x])[0]), inputs[0], name="net"), encoding="utf-8"
    )
    script = (
        "import sys, jax; jax.config.update('jax_enable_x64', True)\n"
        "from model import net\n"
        f"xs = jax.numpy.array({inputs.tolist()})\n"
        "print(*map(float, jax.jit(jax.vmap(net))(xs)), 'autodiff' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *found, needed = done.stdout.split()
    assert needed == "False"
    wanted = [net([*x])[0].data for x in inputs]
    np.testing.assert_allclose([*map(float, found)], wanted, rtol=1e-14)


def test_a_model_that_learns_in_jax_learns_the_same():
    def squares(w, x, y):
        hidden = tanh(x @ w["in"] + w["bias"])
        return mean([(h - t) ** 2 for h, t in zip(hidden @ w["out"], y, strict=True)])

    rng = np.random.default_rng(2)
    w = {"in": rng.normal(size=(2, 8)), "bias": np.zeros(8), "out": rng.normal(size=8)}
    x, y = rng.normal(size=(16, 2)), rng.normal(size=16)
    step = jax.jit(jax.value_and_grad(imported(jit(squares), w, x, y)))
    ours = value_and_grad(squares)
    v = w
    for _ in range(20):
        (one, slope), (two, direction) = step(w, x, y), ours(v, x, y)
        assert float(one) == pytest.approx(two, rel=1e-12)
        w = jax.tree.map(lambda a, b: a - 0.1 * b, w, slope)
        v = {k: v[k] - 0.1 * direction[k] for k in v}


def test_directional_derivatives():
    f = imported(jit(model), W, X[0])
    given = (W, X[0]), (X[1], X[2])
    np.testing.assert_allclose(flat(jax.jvp(f, *given)), flat(jvp(model, *given)), rtol=1e-13)


def test_steps_of_a_scan_and_their_derivatives():
    def last(c, xs):
        def step(x, y):
            x = sin(c * x) + y if x > 0 else x * c + y * y
            return x, x * y

        end, all_of_them = scan(step, 0.5, xs)
        return end * c + mean(all_of_them)

    xs = np.array([0.3, -2.0, 0.7, 1.1, -0.4])
    f = imported(jit(last), 0.8, xs)
    slope = imported(grad(last, (0, 1)), 0.8, xs)
    for c, numbers in ((0.8, xs), (-0.3, xs), (0.4, -xs)):
        wanted = last(c, numbers), grad(last, (0, 1))(c, numbers)
        assert float(jax.jit(f)(c, numbers)) == pytest.approx(wanted[0], rel=1e-14)
        for each in (jax.jit(slope), jax.jit(jax.grad(f, (0, 1)))):
            np.testing.assert_allclose(flat(each(c, numbers)), flat(wanted[1]), rtol=1e-12)
    second = jax.jit(jax.jacfwd(slope))(0.8, xs)[0]
    np.testing.assert_allclose(second, hessian(last)(0.8, xs), rtol=1e-12)


def test_microgpt_learns_the_same():
    """A transformer of 4,192 parameters: three steps by the exported gradient, and by JAX's own."""
    rng = np.random.default_rng(0)
    text = microgpt.Text(["tensor", "tracer"])
    model = microgpt.GPT(len(text.characters) + 1, rng)
    names = ("tokens", "places", "query", "key", "value", "out", "up", "down", "head")
    start = {k: np.array([[v.data for v in row] for row in getattr(model, k)]) for k in names}
    tokens = text.encoded("tensor")

    def loss_of(params):
        gpt = object.__new__(microgpt.GPT)
        for k in names:
            gpt.__dict__[k] = [[*row] for row in params[k]]
        return gpt.loss(tokens)

    ours = value_and_grad(loss_of).lower(start)
    theirs = jax.jit(imported(ours))
    derived = jax.jit(jax.value_and_grad(imported(jit(loss_of), start)))
    losses = []
    for step in (ours, theirs, derived):
        params, found = start, []
        for _ in range(3):
            value, slope = step(params)
            found.append(float(value))
            params = {k: params[k] - 0.5 * np.asarray(slope[k]) for k in names}
        losses.append(found)
    assert losses[0][2] < losses[0][0] - 0.1
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-12)

    session = onnxruntime.InferenceSession(
        export.to_onnx(ours).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    params, found = start, []
    for _ in range(3):
        value, *slopes = session.run(None, {f"params[{k!r}]": params[k] for k in names})
        found.append(float(value))
        params = {k: params[k] - 0.5 * slope for k, slope in zip(names, slopes, strict=True)}
    np.testing.assert_allclose(found, losses[0], rtol=1e-12)
