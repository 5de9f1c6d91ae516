"""A vmap in a function that is transformed: one instruction, with the derivatives of a loop."""

import gc
import itertools
import pickle
import random
import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest

from autodiff import (
    Value,
    exp,
    grad,
    hessian,
    jacobian,
    jit,
    jvp,
    log,
    logsumexp,
    maximum,
    nn,
    no_grad,
    optim,
    primitive,
    scan,
    sin,
    softmax,
    take,
    value_and_grad,
    vjp,
    vmap,
)
from autodiff.compiler import batch as batches
from autodiff.compiler.program import validate
from autodiff.compiler.simplify import simplified
from autodiff.compiler.trace import trace
from autodiff.engine.instructions import VMAP
from autodiff.export import to_python
from autodiff.functions import mean
from autodiff.ops import ROWS
from autodiff.transforms.vmap import MOST

OPERATIONS = [
    lambda a, b, c: a * b + c,
    lambda a, b, c: sin(a) * c,
    lambda a, b, c: a if a > b else c * 2.0,
    lambda a, b, c: exp(a * 0.3) - b,
    lambda a, b, c: maximum(a, b),
    lambda a, b, c: a / (1.0 + b * b),
    lambda a, b, c: b - c if b + a > 0.0 else a * b,
    lambda a, b, c: softmax([a, b, c])[1],
    lambda a, b, c: logsumexp([a, b, c]),
    lambda a, b, c: take([a, b, c], 1),
]


def function_of(r, results):
    """A function of some numbers that returns a list of so many."""
    steps = [
        (r.choice(OPERATIONS), [r.random() for _ in "abc"]) for _ in range(r.randint(results, 7))
    ]

    def f(*xs):
        xs = [*xs]
        for operation, places in steps:
            xs.append(operation(*(xs[int(p * len(xs))] for p in places)))
        return xs[-results:]

    return f


def problem(seed):
    """The same function of a vector twice, with a vmap and with a loop; and a vector for it."""
    r = random.Random(seed)
    results, n, closing, further = r.randint(1, 3), r.choice([1, 2, 3, 5]), r.random(), r.random()
    f, g = function_of(r, results), function_of(r, 1)

    def apart(v):
        return v[:3], v[3 : 3 + n], v[3 + n :].reshape(n, 2)

    def by_vmap(v):
        q, a, b = apart(v)
        if closing < 0.5:
            return vmap(lambda x, y: f(x, y[0], y[1], *q))(a, b)
        return vmap(lambda z, x, y: f(x, y[0], y[1], *z), (None, 0, 0))(q, a, b)

    def by_loop(v):
        q, a, b = apart(v)
        lanes = [f(x, y[0], y[1], *q) for x, y in zip(a, b, strict=True)]
        return list(zip(*lanes, strict=True))

    def whole(rows, v):
        total = 0.0
        for k, row in enumerate(rows):
            for i, x in enumerate(row):
                total = total + (sin(x * 1.3 + v[0]) if (i + k) % 2 else x * 0.5 * v[1])
        return g(total, *v[:3])[0] if further < 0.5 else total

    numbers = np.random.default_rng(seed).normal(size=3 + 3 * n)
    return (lambda v: whole(by_vmap(v), v)), (lambda v: whole(by_loop(v), v)), numbers


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def assert_same(found, expected):
    assert repr(np.asarray(found).tolist()) == repr(np.asarray(expected).tolist())


SEEDS = range(12)


# -- as a loop -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_values_are_those_of_a_loop_to_the_bit(seed):
    f, g, v = problem(seed)
    jitted, rng = jit(f), np.random.default_rng(seed)
    for scale in (0.0, 1.0, 2.0):
        w = v + scale * rng.normal(size=v.shape)
        assert_same(jitted(w), g(w))
        assert_same(jit(f).lower(w)(w), g(w))


@pytest.mark.parametrize("seed", SEEDS)
def test_derivatives_are_those_of_a_loop(seed):
    f, g, v = problem(seed)
    rng = np.random.default_rng(seed)
    d = rng.normal(size=v.shape)
    close(grad(f)(v), grad(g)(v))
    close(jvp(f, (v,), (d,)), jvp(g, (v,), (d,)))
    close(vjp(f, v)[1](2.0), vjp(g, v)[1](2.0))
    close(hessian(f)(v), hessian(g)(v))
    close(grad(lambda u: grad(f)(u) @ d)(v), grad(lambda u: grad(g)(u) @ d)(v))
    jitted = jit(value_and_grad(f))
    for scale in (0.0, 1.0, 2.0):
        w = v + scale * rng.normal(size=v.shape)
        value, gradient = jitted(w)
        assert_same(value, g(w))
        close(gradient, grad(g)(w))


@pytest.mark.parametrize("seed", SEEDS)
def test_values_that_come_in_get_their_gradients(seed):
    f, g, v = problem(seed)
    direction = np.random.default_rng(seed).normal(size=v.shape)
    captured = [Value(x) for x in v]
    jit(lambda s: f(np.array(captured, object)) * s)(1.5).backward()
    close([x.grad for x in captured], 1.5 * grad(g)(v))
    arguments = [Value(x) for x in v]
    sum(
        a * b for a, b in zip(grad(f)(np.array(arguments, object)), direction, strict=True)
    ).backward()
    close([x.grad for x in arguments], hessian(g)(v) @ direction)


@pytest.mark.parametrize("seed", SEEDS)
def test_vmaps_in_vmaps(seed):
    f, g, v = problem(seed)
    many = np.stack([v, v * 0.5, v + 1])
    assert_same(vmap(f)(many), [g(u) for u in many])
    close(vmap(grad(f))(many), [grad(g)(u) for u in many])

    def scaled(s):
        return sum(vmap(lambda u: f(u * s))(many))

    close(grad(scaled)(0.7), grad(lambda s: sum(g(u * s) for u in many))(0.7))
    close(jit(grad(scaled))(0.7), grad(scaled)(0.7))


def test_a_lane_has_derivatives_only_if_it_has_an_adjoint():
    xs = np.array([1.0, 0.0, 4.0])  # log has an infinite derivative at 0
    assert grad(lambda xs: vmap(log)(xs)[0] * vmap(log)(xs)[2])(xs).tolist() == [
        np.log(4.0),
        0.0,
        0.0,
    ]
    assert jvp(lambda xs: vmap(log)(xs), (xs,), (np.array([1.0, 0.0, 0.0]),))[1][0] == 1.0
    tangents = jacobian(lambda xs: vmap(log)(xs[:2])[0])(xs)
    assert tangents.tolist() == [1.0, 0.0, 0.0]


def test_one_value_may_stand_in_several_lanes_and_be_shared_too():
    def f(x, mapped):
        left, right = [x, x, x * 2, 1.5], [x, 2.0, x, x]
        if mapped:
            found = vmap(lambda a, b, c: a * b + sin(c * a) + x, (0, 0, None))
            return sum(found(np.array(left, object), np.array(right, object), x))
        return sum(a * b + sin(x * a) + x for a, b in zip(left, right, strict=True))

    for transform in (grad, lambda f: jit(grad(f)), lambda f: grad(grad(f))):
        found, expected = (transform(lambda x, way=way: f(x, way))(0.7) for way in (True, False))
        assert found == pytest.approx(expected, rel=1e-13)
    assert jvp(lambda x: f(x, True), (0.7,), (1.0,)) == pytest.approx(
        jvp(lambda x: f(x, False), (0.7,), (1.0,))
    )


def test_a_lane_gives_nothing_to_what_its_results_do_not_depend_on():
    def f(w, xs):
        first, second = vmap(lambda x: (x * w[0], sin(x * w[1])))(xs)
        return sum(first) + second[0]

    program = jit(grad(f)).lower(np.ones(2), np.arange(3.0)).program
    # Of the lane whose results are both read, two sums; of the others, one.
    assert sum(len(at) for at, _ in program.parts().values()) == 3


def test_a_result_that_no_number_is_put_into_has_no_derivative():
    def f(w):
        return sum(vmap(lambda x: [x * w, x][1])(np.array([1.0, 2.0]))) + w

    assert grad(f)(3.0) == 1.0


@pytest.mark.parametrize("make", [lambda f: f, jit], ids=["", "jit"])
def test_integers_of_a_trace_are_integers_in_its_vmaps(make):
    table = np.arange(12.0).reshape(4, 3)
    rows = np.array([2, 0, 3])

    def f(table, rows, k):
        return mean(vmap(lambda i: table[int(i)][int(k)] + take(list(table[:, 0]), i))(rows))

    wanted = np.mean([table[i][1] + table[i][0] for i in rows])
    assert make(f)(table, rows, 1) == wanted
    gradient = make(grad(f))(table, rows, 1)
    assert gradient[:, 0].tolist() == gradient[:, 1].tolist() == [1 / 3, 0.0, 1 / 3, 1 / 3]
    again = make(f)
    for rows in itertools.permutations(range(4), 3):
        assert again(table, np.array(rows), 2) == np.mean([table[i][2] + table[i][0] for i in rows])


def test_an_index_out_of_range_in_a_lane():
    f = jit(lambda xs, rows: sum(vmap(lambda i: take(list(xs), i))(rows)))
    xs = np.array([1.0, 2.0, 3.0])
    assert f(xs, np.array([0, 2])) == 4.0
    with pytest.raises(IndexError, match="index 3 is not one of 0 to 2"):
        f(xs, np.array([1, 3]))
    lowered = f.lower(xs, np.array([0, 2]))  # without a guard that would notice it
    with pytest.raises(IndexError, match="index 3 is not one of 0 to 2"):
        lowered(xs, np.array([1, 3]))


def test_a_primitive_of_ones_own():
    cube = primitive("cube_of_lanes", lambda a: a**3, [lambda a, v: 3 * a * a])
    f = jit(value_and_grad(lambda xs: sum(vmap(cube)(xs))))
    value, gradient = f(np.array([1.0, 2.0]))
    assert (value, gradient.tolist()) == (9.0, [3.0, 12.0])


# -- one instruction -------------------------------------------------------------------------------


def sizes(program):
    """How many instructions a program has, and its bodies have."""
    return len(program), [len(p) for body in program.bodies for p in body.programs]


def test_its_size_does_not_grow_with_the_batch():
    def f(w, xs):
        return mean(vmap(lambda x: sin(w[0] * x) * exp(w[1] * x) + x)(xs))

    w, found = np.array([0.5, 0.1]), []
    for n in (10, 1000):
        program = jit(value_and_grad(f)).lower(w, np.linspace(0, 1, n)).program
        validate(program)
        assert (program.ops == VMAP).sum() == 1  # the value and the gradient are one
        instructions, bodies = sizes(program)
        assert instructions == n + 4  # parts: of every lane its result, and two derivatives
        found.append(bodies)
    assert found[0] == found[1]
    assert sum(found[0]) < 20


def test_what_no_result_needs_is_left_out():
    def f(w, xs):
        found = vmap(lambda x, unused: {"a": sin(w * x), "b": exp(x)}, (0, None))(xs, w * 2)
        return found["a"][0]

    program = jit(f).lower(0.5, np.array([1.0, 2.0])).program
    (body,) = program.bodies
    assert [len(p) for p in body.programs] == [2]  # a product and its sine
    assert (body.own, body.shared, body.results) == (1, 1, 1)


def test_what_lanes_share_is_computed_once():
    calls = []

    def value(a):
        calls.append(a)
        return a * 2.0

    twice = primitive("twice_counted", value, [lambda a, v: 2.0])
    f = jit(lambda w, xs: sum(vmap(lambda x: sin(x) + sin(w) * sin(w + 1))(xs)))
    assert f(1.0, np.arange(5.0)) == pytest.approx(
        sum(np.sin(x) + np.sin(1) * np.sin(2) for x in range(5))
    )
    shared = twice(3.0)
    assert jit(lambda xs: sum(vmap(lambda x: x * shared)(xs)))(np.ones(3)) == 18.0
    assert calls == [3.0]


def test_vmaps_over_the_same_lanes_become_one_and_others_stay():
    def f(xs, ys):
        alike = [vmap(sin)(xs), vmap(lambda x: exp(x) * 2.0)(xs)]
        return sum(alike[0]) + sum(alike[1]) + sum(vmap(exp)(ys))

    xs, ys = np.array([0.5, 1.0, -2.0]), np.array([0.1, 0.2])
    lowered = jit(f).lower(xs, ys)
    validate(lowered.program)
    assert sorted(body.lanes for body in lowered.program.bodies) == [2, 3]
    expected = np.sin(xs).sum() + 2 * np.exp(xs).sum() + np.exp(ys).sum()
    assert lowered(xs, ys) == pytest.approx(expected)

    def branching(xs):  # the guards of one are among those of the other
        one = vmap(lambda x: x * 2.0 if -9 < x < 9 else x)(xs)
        return [*one, *vmap(lambda x: x * 3.0 if x > -9 else x)(xs)]

    lowered = jit(branching).lower(xs)
    assert [body.lanes for body in lowered.program.bodies] == [3]
    assert lowered(xs) == [*(2.0 * xs), *(3.0 * xs)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x, y: sin(x), lambda x, y: exp(y)),  # which have nothing in common
        (lambda x, y: sin(x), lambda x, y: x * y if x > 0 else x),  # of one way and of two
        (lambda x, y: x * y if x > 0 else x, lambda x, y: sin(x) if x > 1 else x),
    ],
)
def test_vmaps_that_go_other_ways_stay_apart(one, other):
    xs, ys = np.array([-1.0, 0.5, 2.0]), np.array([1.0, 2.0, 3.0])

    def f(xs, ys, over=vmap):
        found = [*over(one)(xs, ys)], [*over(other)(xs, ys)]
        return [*found[0], *found[1]]

    lowered = jit(f).lower(xs, ys)
    validate(lowered.program)
    assert [body.lanes for body in lowered.program.bodies] == [3, 3]
    assert_same(lowered(xs, ys), f(xs, ys, lambda g: lambda *zs: map(g, *zs)))


def test_vmaps_are_kept_when_a_program_calls_a_program():
    xs = np.array([0.5, 1.0, -2.0])
    inner = jit(lambda xs: vmap(lambda x: [sin(x), exp(x)])(xs)).lower(xs)
    whole = jit(lambda xs: inner(xs)).lower(xs)
    assert whole.program.bodies == inner.program.bodies  # so what runs them is made once
    part = jit(lambda xs: inner(xs)[1]).lower(xs)
    assert [body.results for body in part.program.bodies] == [1]
    assert_same(part(xs), vmap(exp)(xs))


@pytest.mark.parametrize("transform", [grad, hessian])
def test_what_is_computed_in_a_lane_is_simple(transform):
    f = transform(lambda w, xs: sum(vmap(lambda x: sin(w * x))(xs)) * w)
    (body,) = f.lower(0.5, np.array([0.5, 1.0])).program.bodies
    for p in body.programs:
        assert len(simplified(p)) == len(p)


def test_what_is_computed_in_the_lanes_of_a_step_is_simple():
    xs = np.array([-1.0, 0.5, 2.0])

    def step(w, x):
        first, second = vmap(lambda z: (sin(z * w), exp(z * w) * x))(xs)
        return sum(first) + second[0], w

    (pullback,) = grad(lambda w: scan(step, w, xs)[0]).lower(0.3).program.bodies
    lanes = [p for q in pullback.programs for body in q.bodies for p in body.programs]
    assert [len(simplified(p)) for p in lanes] == [len(p) for p in lanes]


def test_vmaps_that_need_one_another_stay_apart():
    def f(w, xs):
        once = vmap(lambda x: sin(w * x))(xs)
        return sum(vmap(lambda x, y: x * y * w)(xs, once))

    w, xs = 0.3, np.array([0.5, 1.0, -2.0])
    program = jit(value_and_grad(f)).lower(w, xs).program
    validate(program)
    expected = grad(lambda w: sum(x * sin(w * x) * w for x in xs))(w)
    assert jit(value_and_grad(f))(w, xs)[1] == pytest.approx(expected)


def test_layers_gradients_are_matrix_products():
    model = nn.MLP(12, [9, 5], rng=np.random.default_rng(0))
    xs = np.random.default_rng(1).normal(size=(30, 12))
    targets = np.random.default_rng(2).integers(0, 5, size=30)
    loss = jit(
        lambda xs, targets: mean(vmap(lambda x, t: nn.cross_entropy([model(x)], [t]))(xs, targets))
    )
    for _ in range(3):
        model.zero_grad()
        found = loss(xs, targets)
        found.backward()
        gradients = [w.grad for w in model.parameters()]
        model.zero_grad()
        expected = nn.cross_entropy([model(x) for x in xs], targets.tolist())
        expected.backward()
        assert found.data == pytest.approx(expected.data, rel=1e-13)
        np.testing.assert_allclose(
            gradients, [w.grad for w in model.parameters()], rtol=1e-11, atol=1e-13
        )


def test_a_vmap_in_few_lanes_at_first_is_not_slower_in_many(monkeypatch):
    runs, run = [], batches.run_batch
    monkeypatch.setattr(batches, "run_batch", lambda *args: runs.append(args) or run(*args))
    monkeypatch.setattr(batches, "LANE", 1.0)  # so that a batch is made at once
    f = jit(vmap(lambda xs: sum(vmap(lambda x: sin(x) * x)(xs))))
    for lanes in (2, 2, 500):
        f(np.ones((lanes, 3)))
    runs.clear()
    f(np.ones((500, 3)))
    assert len(runs) < 10


def test_sparse_derivatives_know_which_lane_reads_what():
    x, ways = np.linspace(-1.0, 1.0, 7), [False, True]

    def f(x, s, by_vmap):
        def of_lane(a, b):
            return {"y": sin(a) * b, "s": s * 1.0}

        if by_vmap:
            found = vmap(of_lane)(x[:-1], x[1:])
            return [*found["y"], found["s"][0], found["y"][2]]
        lanes = [of_lane(a, b) for a, b in itertools.pairwise(x)]
        return [*(lane["y"] for lane in lanes), lanes[0]["s"], lanes[2]["y"]]

    found = [jacobian(lambda x, way=way: f(x, 2.0, way), sparse=True)(x) for way in ways]
    assert found[0].nnz == found[1].nnz == 6 * 2 + 2
    assert (found[0].toarray() == found[1].toarray()).all()

    def total(x, way):
        return sum(y * y for y in f(x, x[0], way)[:6])

    second = [hessian(lambda x, way=way: total(x, way), sparse=True)(x) for way in ways]
    assert second[0].nnz == second[1].nnz
    close(second[1].toarray(), second[0].toarray())

    def added(w):  # of a gradient, the sum over lanes
        return grad(lambda w: sum(vmap(lambda a: sin(w[0] * a) * w[1])(x)))(w)[:1]

    pattern = jacobian(added, sparse=True)(np.ones(3))
    assert (pattern.shape, pattern.nnz) == ((1, 3), 2)

    def with_gradient(w):  # of two sums beside the results, each depends on other weights
        value, by = value_and_grad(lambda w: sum(vmap(lambda a: sin(w[0] * a) * w[1])(x)))(w)
        return [value, *by]

    both = jacobian(with_gradient, sparse=True)(np.ones(2))
    assert both.nnz == 5
    assert both.toarray()[2, 1] == 0.0

    def nested(x):  # with guards inside
        return vmap(lambda a: sum(vmap(lambda b: a * b if b > 0 else b)(np.array([1.0, -1.0]))))(x)

    assert jacobian(nested, sparse=True)(x).nnz == len(x)


# -- guards ----------------------------------------------------------------------------------------


def test_a_lane_that_goes_another_way_is_noticed():
    f = jit(lambda xs: sum(vmap(lambda x: x * x if x > 0 else -x)(xs)))
    for xs in ([1.0, 2.0], [1.0, -2.0], [-1.0, -2.0], [3.0, 4.0], [-3.0, 4.0]):
        assert f(np.array(xs)) == sum(x * x if x > 0 else -x for x in xs)


def test_comparisons_before_within_and_behind_a_vmap():
    def f(xs, s, loop=False):
        if s > 1:
            s = s * 2
        of_lane = lambda x: x * s if x > s else x - s  # noqa: E731
        ys = [of_lane(x) for x in xs] if loop else vmap(of_lane)(xs)
        total = sum(ys)
        if total > 0:
            return total * s
        return total - s if ys[0] > ys[1] else total + s

    rng, jitted, gradient = np.random.default_rng(0), jit(f), jit(grad(f))
    for _ in range(60):
        xs, s = 3 * rng.normal(size=3), rng.normal() + 0.5
        assert_same(jitted(xs, s), f(xs, s, True))
        close(gradient(xs, s), grad(lambda xs, s: f(xs, s, True))(xs, s))
    assert not jitted.eager


@pytest.mark.parametrize(
    "make", [jit, lambda f: lambda *args: jit(vmap(f))(*(np.array([x]) for x in args))[0]]
)
def test_ways_that_read_other_things_from_outside(make):
    def f(xs, q, mapped=True):
        a, b = q[0] * 2, sin(q[1])  # one way reads one, another the other
        of_lane = lambda x: x * a if x > 0 else b - x  # noqa: E731
        ys = vmap(of_lane)(xs) if mapped else [of_lane(x) for x in xs]
        return sum(ys) * (2.0 if ys[0] > q[0] else 1.0)

    jitted, rng = make(f), np.random.default_rng(0)
    for signs in [(1, 1), (1, -1), (-1, -1), (-1, 1), (1, 1), (-1, -1)] * 2:
        xs, q = np.abs(rng.normal(size=2)) * signs, rng.normal(size=2)
        assert_same(jitted(xs, q), f(xs, q, False))


def test_too_many_ways_are_recorded_lane_by_lane_after_a_warning():
    def count(x):
        steps = 0.0
        while x > 1:
            x, steps = x - 1, steps + 1
        return x + steps

    xs = np.arange(MOST + 2) + 0.5
    with pytest.warns(RuntimeWarning, match=f"more than {MOST} different ways"):
        assert grad(lambda s: sum(vmap(count)(xs * s)))(1.0) == pytest.approx(xs.sum())


def test_a_lowered_program_tells_when_a_lane_goes_another_way():
    lowered = jit(lambda xs: sum(vmap(lambda x: x * x if x > 0 else -x)(xs))).lower(np.ones(2))
    assert lowered(np.array([2.0, 3.0])) == 13.0
    with pytest.raises(ValueError, match="a guard fails"):
        lowered(np.array([2.0, -3.0]))


def test_a_lowered_program_takes_on_values_the_way_that_is_right_for_each_lane():
    of_lane = lambda x: x * x if x > 1 else -x if x > 0 else 3.0 * x  # noqa: E731
    lowered = jit(lambda xs: vmap(of_lane)(xs)).lower(np.array([2.0, 0.5, -1.0]))
    for numbers in itertools.permutations([3.0, 0.25, -2.0]):
        xs = [Value(x) for x in numbers]
        ys = lowered(np.array(xs))
        assert [y.data for y in ys] == [of_lane(x) for x in numbers]
        sum(ys).backward()
        assert [x.grad for x in xs] == [{3.0: 6.0, 0.25: -1.0, -2.0: 3.0}[x] for x in numbers]


# -- threads ---------------------------------------------------------------------------------------


def of_path(spot, sigma, normals):
    x, total = log(spot), 0.0
    for z in normals:
        x = x + sigma * z
        total = total + x
    return total if total > 0 else exp(total)


def test_lanes_are_divided_among_threads():
    paths = np.random.default_rng(0).normal(size=(30_000, 5))
    axes = (None, None, 0)
    found = [
        jit(vmap(value_and_grad(of_path, (0, 1)), axes, threads=n))(1.1, 0.2, paths)
        for n in (1, 2, 3)
    ]
    for value, (by_spot, by_sigma) in found[1:]:
        assert (value == found[0][0]).all()
        assert (by_spot == found[0][1][0]).all()
        assert (by_sigma == found[0][1][1]).all()
    gradients = [
        jit(grad(lambda s, n=n: mean(vmap(of_path, axes, threads=n)(1.1, s, paths))))(0.2)
        for n in (1, 2)
    ]
    assert gradients[1] == pytest.approx(gradients[0], rel=1e-12)
    few = vmap(of_path, axes, threads=4)
    assert few(1.1, 0.2, paths[:2]).tolist() == found[0][0][:2].tolist()
    assert pickle.loads(pickle.dumps(vmap(sin, threads=2)))._threads == 2


@pytest.mark.parametrize("threads", [0, -1, 1.0, True, None])
def test_lanes_are_divided_among_a_positive_integer(threads):
    with pytest.raises(ValueError, match="threads must be a positive integer, not"):
        vmap(sin, threads=threads)


# -- what else there is ----------------------------------------------------------------------------


def test_a_pullback_is_not_disturbed_by_a_vmap_that_comes_after_it():
    @jit
    def f(xs):
        value, pull = vjp(sin, 2.0)
        ys = vmap(lambda x: x * x)(xs)
        return value + pull(3.0)[0] + mean(ys)

    assert f(np.array([1.0, 3.0])) == np.sin(2.0) + 3.0 * np.cos(2.0) + 5.0


def test_programs_are_printed_pickled_and_written_in_python():
    def f(w, xs):
        return mean(vmap(lambda x: sin(x * w) if x > 0 else x * w)(xs))

    xs = np.array([0.5, -1.0, 2.0])
    lowered = jit(value_and_grad(f)).lower(0.7, xs)
    smooth = jit(lambda w, xs: mean(vmap(lambda x: sin(x * w))(xs)))
    of_lane = jit(lambda w, x: sin(x * w)).lower(0.7, 1.0).stats()["flops"]
    assert smooth.lower(0.7, xs).stats()["flops"] == 3 * of_lane + 3  # the mean of three
    text = lowered.as_text()
    assert "vmap(body_0, [" in text
    assert "way 1 of body 0, for 3 lanes, x0 to x1 its own, the last 1 results added up:" in text
    scope = {}
    exec(to_python(lowered), scope)
    value, derivative = scope["f"](0.7, xs)
    close([value, derivative], lowered.run(np.append(0.7, xs)))
    program = pickle.loads(pickle.dumps(lowered.program))
    assert program.bodies[0].key() == lowered.program.bodies[0].key()


def test_a_program_holds_what_it_runs_and_nothing_else():
    """Not what another vmap ran before it in the same function, and another before that."""
    n = 6

    def f(xs):
        for k in range(n):
            xs = vmap(lambda x, k=k: vmap(lambda y: y + k)(np.array([x, 1.0]))[0])(xs)
            assert xs[0] > 0
        return mean(xs)

    for traced in trace(lambda xs: [f(np.array(xs))], [0.5, 1.5])[::2]:
        assert [[len(q.bodies) for q in body.programs] for body in traced.bodies] == [[1]] * n
    lines = jit(f).lower(np.array([0.5, 1.5])).as_text().splitlines()
    indents = [line.index("way") for line in lines if "way" in line]
    assert indents == [0, 4] * (len(indents) // 2)


def changed(p, **fields):
    """A program with other fields; ``body`` ones, those of its only body."""
    body = fields.pop("body", {})
    return replace(p, **fields) if fields else replace(p, bodies=(replace(p.bodies[0], **body),))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bodies": ()}, r"instruction 0 \(vmap\) has no body"),
        ({"bodies": [1]}, "bodies must be a tuple of them, not"),
        ({"body": {"lanes": 3}}, r"instruction 0 \(vmap\) has 3 operands, but its body 4"),
        ({"body": {"own": 5}}, "body 0 has programs of other inputs or outputs"),
        ({"constants": np.array([0.0, 9.0, 1.0])}, r"instruction 1 \(part\) reads no result of"),
        ({"constants": np.array([0.5, 0.0, 1.0])}, r"instruction 0 \(vmap\) has no body"),
        ({"a": np.array([0, 0, 3, 4], np.int32)}, r"instruction 1 \(part\) reads no result of"),
    ],
)
def test_what_is_no_program_with_a_vmap(fields, message):
    p = jit(lambda w, xs: logsumexp(vmap(lambda x: x * w)(xs))).lower(1.0, np.ones(2)).program
    assert [ROWS[op].name for op in p.ops] == ["vmap", "part", "part", "logsumexp"]
    # The number of the body is a constant of its own, and so are those of the results.
    b, constants = np.array([4, -2, -3, 2], np.int32), np.array([0.0, 0.0, 1.0])
    p = replace(p, b=b, constants=constants)
    validate(p)
    with pytest.raises(ValueError, match=message):
        validate(changed(p, **fields))


def test_under_no_grad_nothing_is_recorded():
    w = Value(2.0)

    def f(xs):
        with no_grad():
            held = sum(vmap(lambda x: x * w)(xs))
        return held * xs[0]

    assert grad(lambda xs: f(xs))(np.array([1.0, 2.0])).tolist() == [6.0, 0.0]
    lowered = jit(lambda xs: sum(vmap(lambda x: x * w)(xs))).lower(np.ones(2))

    def g(xs):
        with no_grad():
            held = lowered(xs)
        return held * xs[0]

    assert grad(g)(np.array([1.0, 2.0])).tolist() == [6.0, 0.0]


def test_what_lanes_compute_of_numbers_alone_is_swept_in_a_trace():
    lowered = jit(lambda xs, s: sum(vmap(lambda x: x * x)(xs)) * s).lower(np.ones(2), 1.0)

    def slope(s):
        lowered(np.array([1.0, 2.0]), s).backward(create_graph=True)
        return s.grad * s

    assert value_and_grad(slope)(3.0) == (15.0, 5.0)


def test_backward_through_it_in_a_trace_is_refused():
    def f(x):
        y = sum(vmap(lambda a: a * x)(np.ones(3)))
        y.backward(create_graph=True)
        return x.grad

    with pytest.raises(RuntimeError, match=r"use autodiff\.grad"):
        grad(f)(2.0)
    with pytest.raises(RuntimeError, match=r"use autodiff\.grad"):
        grad(lambda x: sum(vmap(lambda a: a * x)(np.ones(3))).backward() or x)(2.0)


def test_memory_does_not_grow():
    w = [Value(0.5), Value(0.1)]
    loss = jit(lambda xs: mean(vmap(lambda x: sin(w[0] * x) * exp(w[1] * x))(xs)))
    optimizer, xs = optim.SGD(w, lr=0.01), np.linspace(0, 1, 50)

    def step():
        optimizer.zero_grad()
        loss(xs).backward()
        optimizer.step()

    for _ in range(70):  # past the calls at which programs are compared, and made
        step()
    tracemalloc.start()
    grown = []
    for _ in range(4):
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20):
            step()
        gc.collect()
        grown.append(tracemalloc.get_traced_memory()[0] - before)
    tracemalloc.stop()
    assert min(grown) < 1000, grown  # what leaks does so at every step


def test_the_structure_of_results_and_axes():
    def f(w):
        found = vmap(lambda x, y: (x * w, {"s": [y + w, x]}), (0, 1), (0, {"s": [1, 0]}))
        first, rest = found(np.ones((2, 3)), np.arange(2.0)[None] * np.ones((3, 1)))
        assert first.shape == (2, 3)
        assert rest["s"][0].shape == (3, 2)
        assert rest["s"][1].shape == (2, 3)
        return first.sum() + rest["s"][0].sum()

    assert grad(f)(1.0) == 12.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert jit(grad(f))(1.0) == 12.0
