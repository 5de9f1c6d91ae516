"""Programs written as Python: the program's numbers to the bit, with nothing but NumPy."""

import collections
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_demos import load
from test_programs import EDGES, ODD, ON_ONE_LINE, ROW_IDS, bits, inside, of_row

import autodiff
from autodiff import (
    Value,
    functions,
    grad,
    hessian,
    jacobian,
    jit,
    loop,
    mean,
    primitive,
    scan,
    take,
    value_and_grad,
    vmap,
)
from autodiff.export import to_python
from autodiff.export.python import SMALL
from autodiff.ops import TABLE
from autodiff.testing import expressions, points

INF, NAN = math.inf, math.nan
pytestmark = pytest.mark.once  # what is written does not depend on the engine

MANY = 40  #: lanes: enough that a program is written on a buffer


def written(f, *args, **kwargs):
    """The function that a written module defines, which needs NumPy alone."""
    name = kwargs.get("name", "f")
    source = to_python(f, *args, **kwargs)
    assert "autodiff" not in source
    scope = {}
    exec(compile(source, "written", "exec"), scope)
    assert isinstance(source, str)
    scope[name].source = source
    return scope[name]


def flat(tree):
    """The numbers of a tree."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return [x for part in tree for x in flat(part)]
    return np.ravel(tree).tolist()


def on_buffer(f):
    return "np.empty(" in f.source


# -- every row -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_every_row_in_assignments(row):
    f, count = of_row(row)
    inner = inside(row, count)
    argnums = tuple(range(count))
    for transformed in (jit(f), grad(f, argnums), hessian(f, argnums)):
        lowered = transformed.lower(*inner)
        g = written(lowered)
        for numbers in [inner, *zip(*[EDGES[i:] + EDGES[:i] for i in range(count)], strict=True)]:
            assert bits(flat(g(*numbers))) == bits(lowered.run(numbers)), (numbers, g.source)


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_every_row_for_many_lanes(row):
    f, count = of_row(row)
    columns = [inside(row, count)] * 2
    columns += [*zip(*[EDGES[i:] + EDGES[:i] for i in range(count)], strict=True)] * 5
    xs = np.array(columns)
    assert len(xs) * 2 > SMALL

    def total(xs):
        # a row over scalars becomes one operation for all lanes, a row over lists one for each
        return [f(*x) * 2.0 + x[0] * 1.5 for x in xs]

    lowered = jit(total).lower(xs)
    g = written(lowered)
    assert on_buffer(g), g.source
    assert bits(g(xs)) == bits(lowered.run(xs.ravel())), g.source


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_every_row_in_lanes_that_all_go_one_way(row):
    f, count = of_row(row)
    columns = [inside(row, count)] * 2
    columns += zip(*[EDGES[i:] + EDGES[:i] for i in range(count)], strict=True)
    xs = np.array(columns)
    lowered = jit(lambda xs, y: vmap(lambda x: f(*x) * y)(xs)).lower(xs, 2.0)
    g = written(lowered)
    assert "_lanes(f_0_0_0, " in g.source
    assert bits(g(xs, 3.0)) == bits(lowered.run([*xs.ravel(), 3.0])), g.source


# -- programs of all kinds -------------------------------------------------------------------------


@settings(max_examples=30)
@given(st.data())
def test_random_expressions(data):
    f = data.draw(expressions(3))
    x = data.draw(points(3))
    for transformed in (jit(f), value_and_grad(f, (0, 1, 2)), hessian(f, (0, 1, 2))):
        lowered = transformed.lower(*x)
        g = written(lowered)
        for at in (x, data.draw(points(3, aim=True)), data.draw(points(3))):
            assert bits(flat(g(*at))) == bits(lowered.run(at)), g.source


@settings(max_examples=15)
@given(st.data())
def test_random_expressions_of_many_lanes(data):
    f = data.draw(expressions(2))
    x = np.array(data.draw(st.lists(points(2), min_size=MANY, max_size=MANY)))
    aimed = np.array(data.draw(st.lists(points(2, aim=True), min_size=MANY, max_size=MANY)))

    def total(x):
        return sum((x[0] * f(*a) + f(*b) for a, b in zip(x[1:], x, strict=False)), 0.0)[0]

    for transformed in (jit(total), value_and_grad(total)):
        lowered = transformed.lower(x)
        g = written(lowered)
        for at in (x, aimed):
            assert bits(flat(g(at))) == bits(lowered.run(at.ravel())), g.source


def rosenbrock(x):
    return sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_lanes_are_operations_on_slices():
    x = np.linspace(-0.7, 1.5, MANY)
    for transformed in (jit(rosenbrock), value_and_grad(rosenbrock), jacobian(grad(rosenbrock))):
        lowered = transformed.lower(x)
        g = written(lowered)
        assert on_buffer(g)
        for at in (x, x[::-1], np.resize(EDGES, MANY)):
            assert bits(flat(g(at))) == bits(lowered.run(at))
    lines = written(jit(rosenbrock), x).source.splitlines()
    assert "    w[82:121] = square(w[3:42])" in lines, lines
    assert len([line for line in lines if line.startswith("    w[")]) < 15


@pytest.mark.parametrize("shape", [(20, 30), (1, 200), (30, 2), (3, 3)])
def test_products_of_matrices(shape):
    rng = np.random.default_rng(0)
    a, x, b = rng.normal(size=shape), rng.normal(size=(shape[1], 7)), rng.normal(size=shape[0])

    def f(a, x, b):
        y = a @ x + b[:, None]
        return functions.sum((y * y).ravel().tolist())

    lowered = jit(value_and_grad(f, (0, 1, 2))).lower(a, x, b)
    g = written(lowered)
    assert bits(flat(g(a, x, b))) == bits(lowered.run(flat((a, x, b))))
    assert [np.shape(y) for y in g(a, x, b)[1]] == [a.shape, x.shape, b.shape]


def test_operands_without_a_rule_are_read_by_arrays_that_are_stated_once():
    rng = np.random.default_rng(1)
    order = rng.permutation(MANY).tolist()

    def f(xs, ys):
        return [xs[i] * ys[j] for j, i in enumerate(order)] + [
            xs[i] - ys[j] for j, i in enumerate(order)
        ]

    xs, ys = rng.normal(size=(2, MANY)).tolist()
    g = written(jit(f), xs, ys)
    assert g(xs, ys) == f(xs, ys)
    assert g.source.count("np.array([") + g.source.count("np.r_[") <= 4


def test_a_list_in_a_large_program():
    def f(xs, i):
        ys = [functions.sin(x) * 2.0 for x in xs]
        parts = [functions.mean(ys), functions.norm(ys[3:]), functions.logsumexp(ys[::-1])]
        return [*parts, take(ys, i), functions.dot(ys, xs), functions.sum(ys[:5])]

    xs = np.linspace(-2.0, 3.0, MANY)
    lowered = jit(f).lower(xs, 3)
    g = written(lowered)
    assert on_buffer(g)
    assert bits(g(xs, 7)) == bits(lowered.run([*xs, 7.0]))
    for i in (-1, MANY, 0.5, NAN):
        with pytest.raises(IndexError):
            g(xs, i)


def test_long_and_deep_programs_need_no_recursion():
    def deep(x):
        for _ in range(5_000):
            x = functions.sin(x) + 0.5
        return x

    def wide(xs):
        total = xs[0]
        for x in xs[1:]:
            total = total + x * 3.0
        return functions.sin(total)

    assert written(jit(deep), 0.3)(0.3) == jit(deep)(0.3)
    xs = np.random.default_rng(0).normal(size=5_000)
    assert written(jit(wide), xs)(xs) == jit(wide)(xs)


# -- guards ----------------------------------------------------------------------------------------


def branching(x, y):
    return functions.sin(x) * y if x > y else functions.softmax([x, y])[0] + 1.0


def test_source_runs_where_autodiff_cannot_be_imported(tmp_path):
    lowered = grad(branching, (0, 1)).lower(1.0, 2.0)
    xs = np.linspace(0.0, 1.0, MANY)
    large = grad(rosenbrock).lower(xs)
    script = tmp_path / "gradient.py"
    script.write_text(
        "import sys\nsys.modules['autodiff'] = None  # so that importing it raises\n"
        + to_python(lowered, name="small")
        + to_python(large, name="large")
        + "\nprint(*map(float.hex, small(1.0, 2.0)))\n"
        + f"print(*map(float.hex, large(np.linspace(0.0, 1.0, {MANY})).tolist()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", script], capture_output=True, text=True, check=True
    )
    small, many = (line.split() for line in done.stdout.splitlines())
    assert small == bits(grad(branching, (0, 1))(1.0, 2.0))
    assert many == bits(large.run(xs))


def test_a_guard_that_fails_says_what_was_compared_and_where():
    g = written(grad(branching, (0, 1)), 1.0, 2.0)
    line = branching.__code__.co_firstlineno + 1
    with pytest.raises(ValueError, match=rf"^traced where not x > y, at .*:{line}$"):
        g(2.0, 1.0)
    assert g(x=0.5, y=1.0) == grad(branching, (0, 1))(0.5, 1.0)


def test_guards_of_a_large_program():
    def f(xs):
        return [functions.exp(x) if x > 0 else -x for x in xs]

    xs = np.linspace(-1.0, 1.0, MANY)
    g = written(jit(f), xs)
    assert on_buffer(g)
    assert bits(g(xs)) == bits(jit(f)(xs))
    with pytest.raises(ValueError, match="traced where not m"):
        g(-xs)


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_names_of_files_and_functions(odd, tmp_path):
    scope = {}
    exec(compile("def f(x, y):\n    return x * y if x > y else y - x", odd, "exec"), scope)
    f = scope["f"]
    f.__name__ = odd
    script = tmp_path / "odd.py"
    script.write_text(to_python(jit(f), 2.0, 1.0), encoding="utf-8")
    exec(script.read_text(encoding="utf-8"), scope)
    assert scope["f"](3.0, 2.0) == 6.0
    with pytest.raises(ValueError, match="traced where x > y") as raised:
        scope["f"](2.0, 3.0)
    assert str(raised.value) == f"traced where x > y, at {ON_ONE_LINE.get(odd, odd)}:2"
    assert scope["f"].__doc__ == f"jit({ON_ONE_LINE.get(odd, odd)}), written out."


@pytest.mark.parametrize("number", [NAN, INF, -INF, -0.0, 5e-324, -1e308, 1e16])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, c: x + c,
        lambda x, c: c - x,
        lambda x, c: -(x * 0.0 - c) / c,
        lambda x, c: functions.hypot(c, x),
        lambda x, c: autodiff.sum([c, x, c]),
        lambda x, c: c if x > c else -functions.maximum(c, x),
    ],
)
def test_every_constant(f, number):
    for x in (2.0, -0.0, NAN):
        lowered = jit(lambda x: f(x, number)).lower(x)
        assert bits([written(lowered)(x)]) == bits(lowered.run([x]))
        xs = [x] * MANY
        lowered = jit(lambda xs: [f(x, number) * (x - number) for x in xs]).lower(xs)
        assert bits(written(lowered)(xs)) == bits(lowered.run(xs))


# -- arguments and results -------------------------------------------------------------------------

Point = collections.namedtuple("Point", ["x", "y"])

TREES = [
    (3.0,),
    (2,),
    (np.array(2.0),),
    ([1.0, 2.0, 3.0],),
    ((1.0, 2.0), 3.0),
    ([[1.0, 2.0], [3.0, 4.0]],),
    ([[1.0], [3.0, 4.0]],),
    (np.arange(6.0).reshape(2, 3),),
    ({"w": [1.0, 2.0], "b": 0.5},),
    ({"layers": [{"w": np.ones((2, 2)), "b": [0.5]}, {"w": 2.0, 1: 3.0}]}, 4.0),
    (Point(1.0, [2.0, 3.0]),),
    ([], 1.0),
    ({}, 1.0),
    (np.zeros((0, 2)), 1.0),
    ({"kind": "linear", "w": 2.0, "bias": None, "flag": True},),
]


def double(tree):
    if isinstance(tree, dict):
        return {key: double(x) for key, x in tree.items() if not isinstance(x, (str, type(None)))}
    if isinstance(tree, (list, tuple)):
        parts = [double(x) for x in tree]
        return Point(*parts) if isinstance(tree, Point) else type(tree)(parts)
    return tree if isinstance(tree, bool) else tree * 2.0


def same(a, b):
    """Whether two trees are of the same kinds and numbers."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        alike = type(a).__name__ == type(b).__name__ and len(a) == len(b)
        return alike and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and (a == b).all()
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("large", [False, True], ids=["assignments", "buffer"])
@pytest.mark.parametrize("args", TREES, ids=range(len(TREES)))
def test_arguments_and_results_keep_their_structure(args, large):
    more = (np.linspace(0.0, 1.0, MANY),) if large else ()

    def f(*args):
        found = double(args[: len(args) - len(more)])
        return (found, [x * x + x for x in args[-1]]) if large else found

    expected = jit(f)(*args, *more)
    g = written(jit(f), *args, *more)
    assert same(g(*args, *more), expected), g.source
    assert on_buffer(g) == large


@pytest.mark.parametrize(
    ("args", "wrong", "message"),
    [
        (([1.0, 2.0],), ([1.0],), r"xs has the shape \(1,\), not \(2,\)"),
        ((np.ones((2, 2)),), (np.ones(4),), r"xs has the shape \(4,\), not \(2, 2\)"),
        ((np.ones(3),), (1.0,), r"xs has the shape \(\), not \(3,\)"),
        (({"a": 1.0},), ({"b": 1.0},), r"xs has the parts \['b'\], not \['a'\]"),
        (({"a": 1.0},), ({"a": 1.0, "b": 1.0},), r"xs has the parts \['a', 'b'\], not \['a'\]"),
        (([1.0, [2.0, 3.0]],), ([1.0],), r"xs has the parts \[0\], not \[0, 1\]"),
        (([1.0, [2.0, 3.0]],), ([1.0, [2.0]],), r"xs\[1\] has the shape \(1,\), not \(2,\)"),
        (
            ({"a": 1.0, "k": "relu"},),
            ({"a": 1.0, "k": "tanh"},),
            r"xs\['k'\] is 'tanh', but .*'relu",
        ),
    ],
)
def test_arguments_of_another_structure_are_refused(args, wrong, message):
    g = written(jit(lambda xs: double(xs)), *args)
    with pytest.raises(ValueError, match=message):
        g(*wrong)


def test_arguments_by_name_and_in_any_number():
    def f(x, *rest, scale):
        return x * scale + sum(rest)

    g = written(jit(f).lower(1.0, 2.0, 3.0, scale=4.0))
    assert g(1.0, 2.0, 3.0, scale=4.0) == f(1.0, 2.0, 3.0, scale=4.0)
    with pytest.raises(ValueError, match=r"rest has the shape \(1,\), not \(2,\)"):
        g(1.0, 2.0, scale=4.0)
    g = written(jit(lambda x, *, scale: x * scale).lower(1.0, scale=2.0))
    assert g(3.0, scale=5.0) == g(x=3.0, scale=5.0) == 15.0
    with pytest.raises(TypeError, match="scale"):
        g(3.0)
    g = written(jit(lambda x, n: x**n, static_argnums=1), 3.0, 4)
    assert g(2.0, 4) == 16.0
    with pytest.raises(ValueError, match="n is 5, but this was written for 4"):
        g(2.0, 5)
    with pytest.raises(TypeError, match=r"n is .* which cannot be written"):
        to_python(jit(lambda x, n: x, static_argnums=1), 3.0, object())


def test_integers_and_bools_become_floats():
    g = written(jit(lambda n, x: n * n * x), 3, 2.0)
    assert bits([g(2**40, True)]) == bits([float(2**80)])
    with pytest.raises(TypeError):
        g(Value(2.0), 1.0)


@pytest.mark.parametrize("name", ["v2", "v10", "exp", "_", "é", "x_0", "w", "m", "I0"])
def test_arguments_with_names_that_mean_something_else_too(name):
    scope = {"sin_": functions.sin}
    exec(f"def f({name}, x): return sin_({name}) * x[0] + x[1]", scope)
    f = scope["f"]
    g = written(jit(f), 0.5, [2.0, 3.0])
    assert g(**{name: 0.5, "x": [2.0, 3.0]}) == jit(f)(0.5, [2.0, 3.0])


@pytest.mark.parametrize("name", ["float", "_numbers", "sin", "np", "_of_numbers_f"])
def test_arguments_with_names_that_the_file_needs(name):
    scope = {"sin_": functions.sin}
    exec(f"def f({name}, x): return [sin_(y) * {name} for y in x]", scope)
    x = np.linspace(0.0, 1.0, MANY)
    with pytest.raises(ValueError, match=f"has an argument {name}, which the file needs"):
        to_python(jit(scope["f"]), 0.5, x)


@pytest.mark.parametrize("large", [False, True], ids=["assignments", "buffer"])
@pytest.mark.parametrize(
    ("x_0", "x"),
    [
        (0.5, [2.0, 3.0]),
        (0.5, [2.0, [3.0, 4.0]]),
        ([0.5, 1.5], [[2.0, [3.0]], [4.0, 5.0]]),
        ({"a": 1.0, "_a": 2.0, "a_": 3.0}, {"a": 1.5, "\ufb01": 2.5, "fi": [3.5, [4.5]]}),
    ],
)
def test_arguments_whose_parts_would_have_one_name(x_0, x, large):
    more = (np.linspace(0.0, 1.0, MANY),) if large else ()

    def f(x_0, x, *more):
        parts = [double(x_0), double(x), *(y * y + y for z in more for y in z)]
        return (*parts, functions.sin(parts[0]) if isinstance(parts[0], float) else 1.0)

    assert same(written(jit(f), x_0, x, *more)(x_0, x, *more), jit(f)(x_0, x, *more))


def test_what_cannot_be_written():
    with pytest.raises(TypeError, match="sparse matrix: leave out sparse=True"):
        to_python(hessian(rosenbrock, sparse=True), np.ones(4))
    mine = primitive("not_written", lambda a: a, [lambda a, v: 1.0])
    with pytest.raises(TypeError, match=r"not_written.* was added at run time: it has no source"):
        to_python(jit(mine), 1.0)
    with pytest.raises(TypeError, match="a function that jit, grad or another transform has made"):
        to_python(lambda x: x, 1.0)
    with pytest.raises(TypeError, match="lowered already"):
        to_python(jit(lambda x: x).lower(1.0), 1.0)
    for name in ("", "a b", "class", "1f", 3):
        with pytest.raises(ValueError, match="name must be one that a function can have"):
            to_python(jit(lambda x: x), 1.0, name=name)
    xs = np.linspace(0.0, 1.0, MANY)
    order = np.random.default_rng(0).permutation(MANY).tolist()
    with pytest.raises(ValueError, match="needs the name I0 for itself"):
        to_python(jit(lambda xs: [xs[i] ** 2 * xs[j] for j, i in enumerate(order)]), xs, name="I0")
    for name in ("sin", "np", "math", "_total"):
        with pytest.raises(ValueError, match=f"needs the name {name} for itself: choose another"):
            to_python(jit(functions.sin), 1.0, name=name)


def test_results_of_named_tuples_that_cannot_be_written():
    def of(name, fields="x"):
        return collections.namedtuple(name, fields)

    for kinds, message in (
        ((of("sin"), of("other")), "a sin, which is the name of something else"),
        ((of("pair"), of("pair", "y")), "two kinds of pair"),
    ):
        with pytest.raises(TypeError, match=message):
            to_python(jit(lambda x, kinds=kinds: [kind(x) for kind in kinds]), 1.0)


def test_what_is_no_number_is_refused():
    g = written(jit(lambda xs: [2.0 * x for x in xs]), [1.0, 2.0])
    for wrong in (["1", "2"], [1j, 2.0]):
        with pytest.raises(TypeError, match=r"xs is of .*: real numbers are expected"):
            g(wrong)
    with pytest.raises(TypeError):
        g([Value(1.0), 2.0])


def test_what_is_captured_becomes_numbers():
    w = Value(3.0)
    f = jit(lambda x: w * x)
    assert written(f, 2.0)(5.0) == 15.0
    w.data = 4.0
    assert written(f, 2.0)(5.0) == 20.0
    ws = [Value(float(i)) for i in range(MANY)]
    g = written(jit(lambda xs: [(w * x) ** 2 for w, x in zip(ws, xs, strict=True)]), [1.0] * MANY)
    assert on_buffer(g)
    assert g([2.0] * MANY) == [(2.0 * i) ** 2 for i in range(MANY)]


# -- vmaps -----------------------------------------------------------------------------------------


def test_lanes_of_several_ways():
    def f(w, xs):
        return mean(vmap(lambda x: functions.sin(x * w) if x > 0 else x * w)(xs))

    xs = np.array([0.5, -1.0, 2.0, 0.0])
    lowered = jit(value_and_grad(f, (0, 1))).lower(0.7, xs)
    g = written(lowered)
    assert "_vmap([f_0_0_0, f_0_0_1]" in g.source
    np.testing.assert_allclose(flat(g(0.9, -xs)), lowered.run([0.9, *-xs]), rtol=1e-15)
    g = written(jit(lambda xs: vmap(three)(xs)), np.array([0.5, 1.5]))
    assert flat(g(np.array([1.5, 0.25]))) == [2.25, 0.25]
    with pytest.raises(ValueError, match=r"traced where x0 < 2.0"):  # no lane went there
        g(np.array([0.5, 2.5]))


def three(x):
    return x if x < 1.0 else x * x if x < 2.0 else x * x * x


def test_vmaps_in_vmaps():
    def inner(x, y):
        return functions.exp(-x * y)

    def outer(xs, y):
        return functions.sum(vmap(inner, (0, None))(xs, y).tolist()) * (y if y > 0 else 1.0)

    xs, ys = np.linspace(0.1, 1.0, 12).reshape(3, 4), np.array([0.5, -2.0, 3.0])

    def f(xs, ys):
        return functions.sum(vmap(outer)(xs, ys).tolist())

    for transformed in (jit(f), value_and_grad(f, (0, 1))):
        lowered = transformed.lower(xs, ys)
        np.testing.assert_allclose(
            flat(written(lowered)(xs, ys)), lowered.run(flat((xs, ys))), rtol=1e-14
        )


def test_lanes_of_a_large_program():
    rng = np.random.default_rng(0)
    w, xs = rng.normal(size=(20, 30)), rng.normal(size=(9, 30))

    def loss(w, xs):
        return mean(vmap(lambda x: functions.norm([*functions.tanh(w @ x)]))(xs).tolist())

    lowered = jit(value_and_grad(loss)).lower(w, xs)
    g = written(lowered)
    assert "_lanes(" in g.source
    np.testing.assert_allclose(flat(g(w, xs)), lowered.run(flat((w, xs))), rtol=1e-13, atol=1e-15)
    lowered = jit(lambda xs: vmap(lambda x: functions.tanh(w @ x))(xs)).lower(xs)
    assert bits(flat(written(lowered)(xs))) == bits(lowered.run(xs.ravel()))


# -- scans -----------------------------------------------------------------------------------------


def net(w, start, xs):
    """A small recurrent net, whose steps go two ways."""

    def step(carry, x):
        h, total = carry
        h = [functions.tanh(w[0] * h[0] + w[1] * x), h[0] * w[2] if x > 0 else h[1] + w[1]]
        return (h, total + h[0] * x), h[1] * h[0]

    (h, total), ys = scan(step, (start, 0.0), xs)
    return total + h[0] * h[1] + functions.sum([y * y for y in ys])


@pytest.mark.parametrize("n", [1, 2, 7])
def test_scans_and_their_derivatives(n):
    rng = np.random.default_rng(n)
    args = rng.normal(size=3), [0.5, -0.25], rng.normal(size=n)
    transforms = jit(net), value_and_grad(net, (0, 1, 2)), hessian(net, (0, 1))
    for transformed in transforms:
        lowered = transformed.lower(*args)
        g = written(lowered)
        assert "_scan(" in g.source
        for sign in (1, -1) if n > 2 else (1,):
            at = args[0] * 1.25, args[1], sign * args[2]
            expected = lowered.run(flat(at))
            np.testing.assert_allclose(flat(g(*at)), expected, rtol=1e-13, atol=1e-13)
    assert bits(flat(written(jit(net), *args)(*args))) == bits([net(*args)])


def test_scans_in_vmaps_and_vmaps_in_scans():
    def newton(a):
        return loop(lambda i, x: 0.5 * (x + a / x), a, 6)

    def f(xs):
        roots = functions.sum(vmap(newton)(xs).tolist())

        def step(carry, x):
            return carry * x, functions.sum(vmap(lambda y: y * x)(xs).tolist())

        _, ys = scan(step, 1.0, xs)
        return roots + ys[0] * ys[1]

    xs = np.array([2.0, 3.0, 0.5])
    for transformed in (jit(f), value_and_grad(f)):
        lowered = transformed.lower(xs)
        np.testing.assert_allclose(flat(written(lowered)(xs)), lowered.run(xs), rtol=1e-14)


def test_a_step_for_which_no_way_is_right():
    def f(xs):
        return scan(lambda carry, x: (carry + three(x), carry), 0.0, xs)[0]

    g = written(jit(f), np.array([0.5]))
    assert g(np.array([0.25])) == 0.25
    with pytest.raises(ValueError, match=r"traced where x\d < 1\.0, at "):
        g(np.array([1.5]))


def test_microgpt_trains_to_the_same_losses():
    microgpt = load("microgpt")
    rng = np.random.default_rng(0)
    model = microgpt.GPT(27, rng)
    matrices = ("tokens", "places", "query", "key", "value", "out", "up", "down", "head")
    start = {
        name: np.array([[w.data for w in row] for row in getattr(model, name)]) for name in matrices
    }

    def loss(parameters, tokens):
        mine = object.__new__(microgpt.GPT)
        vars(mine).update(parameters)
        return mine.loss(tokens)

    tokens = [0, 5, 13, 13, 1, 0]
    lowered = jit(value_and_grad(loss)).lower(start, tokens)
    losses = []
    for step in (lowered, written(lowered)):
        parameters = {name: x.copy() for name, x in start.items()}
        losses.append([])
        for _ in range(5):
            value, gradient = step(parameters, tokens)
            losses[-1].append(value)
            for name, x in parameters.items():
                x -= 0.1 * gradient[name]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]
