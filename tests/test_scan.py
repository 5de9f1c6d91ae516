"""scan and loop: the same as the loop written out, in value and in every derivative."""

import pickle
import subprocess
import sys
import threading
import tracemalloc
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import (
    Value,
    cos,
    derivative,
    exp,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    log,
    loop,
    maximum,
    scan,
    sin,
    sqrt,
    tanh,
    value_and_grad,
    vjp,
    vmap,
)
from autodiff.compiler.batch import Batch
from autodiff.compiler.machine import Machine
from autodiff.compiler.scans import Scan
from autodiff.compiler.simplify import simplified
from autodiff.engine.instructions import PART, VMAP
from autodiff.functions import take


def unrolled(f, carry, xs=None, length=None):
    """What scan is to compute, in Python."""
    n = length if xs is None else len(xs)
    ys = []
    for i in range(n):
        carry, y = f(carry, None if xs is None else xs[i])
        ys.append(y)
    return carry, ys


def same(a, b, tolerance=1e-12):
    a, b = np.asarray(a, float), np.asarray(b, float)
    assert a.shape == b.shape
    scale = max(1.0, np.abs(b[np.isfinite(b)]).max(initial=0.0))
    assert np.array_equal(np.isnan(a), np.isnan(b))
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def rnn(run):
    """A small recurrent net over a sequence, whose loss has a target at each step."""

    def loss(w, b, xs, ys):
        def step(carry, inputs):
            h, total = carry
            x, y = inputs
            h = [tanh(w[0] * h[0] + w[1] * h[1] + b * x), sin(w[2] * h[1] + x * h[0])]
            return (h, total + (h[0] - y) ** 2), h[0] * h[1]

        if run is scan:
            (h, total), products = scan(step, ([0.0, 0.1], 0.0), (xs, ys))
        else:
            (h, total), products = unrolled(step, ([0.0, 0.1], 0.0), [*zip(xs, ys, strict=True)])
        return total + h[0] * h[1] + sum(p * p for p in products)

    return loss


W, B = np.array([0.3, -0.7, 1.1]), 0.4
XS, YS = np.array([0.5, -1.0, 2.0, 0.25, 0.0]), np.array([0.1, 0.2, -0.3, 0.0, 1.0])


@pytest.mark.parametrize("argnum", [0, 1, 2, 3])
def test_a_net_has_the_gradient_and_hessian_of_the_loop(argnum):
    args = W, B, XS, YS
    same(rnn(scan)(*args), rnn(unrolled)(*args))
    for transform in (grad, hessian, jacobian):
        same(transform(rnn(scan), argnum)(*args), transform(rnn(unrolled), argnum)(*args))
        found = jit(transform(rnn(scan), argnum))
        for _ in range(3):
            same(found(*args), transform(rnn(unrolled), argnum)(*args))


def test_forward_and_reverse_mode_in_every_order():
    f, g = (lambda w, r=r: rnn(r)(w, B, XS, YS) for r in (scan, unrolled))
    v = np.array([1.0, -2.0, 0.5])
    same(jvp(f, (W,), (v,)), jvp(g, (W,), (v,)))
    same(hvp(f, (W,), (v,)), hvp(g, (W,), (v,)))
    forward_of_reverse = jacobian(jacobian(grad(f)))
    same(forward_of_reverse(W), jacobian(jacobian(grad(g)))(W), 1e-10)
    along = lambda h: lambda t: h(W + t * v)  # noqa: E731
    for n in range(1, 5):
        same(derivative(along(f), n)(0.1), derivative(along(g), n)(0.1), 1e-10)
    reverse = lambda h: grad(lambda w: (grad(lambda u: (grad(h)(u) * v).sum())(w) * v).sum())  # noqa: E731
    same(reverse(f)(W), reverse(g)(W), 1e-10)


def test_reverse_mode_by_what_a_pullback_is_given_and_by_what_its_scan_is():
    xs = np.array([0.5, -1.0, 2.0])

    def f(r):
        def total(x, w):
            last, ys = r(lambda c, t: (sin(c) * t + w, c * t), x, xs)
            return last * ys[1] + ys[2]

        return total

    def slope(r):
        return lambda x, w, u: vjp(f(r), x, w)[1](u)[0] * w

    for argnums in (0, 1, 2, (0, 1, 2)):
        found, expected = (grad(slope(r), argnums)(0.3, 0.7, 2.0) for r in (scan, unrolled))
        same(found, expected)
        found, expected = (
            jvp(lambda x, u, r=r: slope(r)(x, 0.7, u), (0.3, 2.0), (1.0, -1.0))
            for r in (scan, unrolled)
        )
        same(found, expected)


def test_a_pullback_has_tangents_by_the_adjoint_it_is_given_alone():
    def f(v, x):  # 4 v x**4; the first constant is 0, and the adjoint the first input
        above = maximum(x, 0.0)
        (slope,) = vjp(lambda x: loop(lambda i, t: t * t, x, 2), x)[1](v)
        return above * slope

    for gradient in (grad(f, (0, 1)), jit(grad(f, (0, 1)))):
        assert gradient(3.0, 2.0) == (64.0, 384.0)
    assert jvp(f, (3.0, 2.0), (1.0, 0.0)) == (192.0, 64.0)
    assert jvp(f, (3.0, 2.0), (0.0, 1.0)) == (192.0, 384.0)
    assert jvp(lambda v: f(v, 2.0), (3.0,), (1.0,)) == (192.0, 64.0)


def test_the_results_of_steps_are_arrays():
    def step(carry, x):
        return carry + x["a"].sum() * x["b"], {"c": carry * x["a"], "d": (carry, 1.0)}

    xs = {"a": np.arange(6.0).reshape(3, 2), "b": np.array([1.0, 2.0, 3.0])}
    last, ys = scan(step, 1.0, xs)
    assert last == 1.0 + 1 * 1 + 5 * 2 + 9 * 3
    assert ys["c"].tolist() == [[0.0, 1.0], [4.0, 6.0], [48.0, 60.0]]
    assert ys["d"][0].tolist() == [1.0, 2.0, 12.0]
    assert ys["d"][1].tolist() == [1.0] * 3
    by_xs = jacobian(lambda a, b: scan(step, 1.0, {"a": a, "b": b})[1]["c"], (0, 1))(*xs.values())
    assert by_xs[0].shape == (3, 2, 3, 2)
    assert by_xs[1].shape == (3, 2, 3)
    assert by_xs[0][2, 1, 1].tolist() == [10.0, 10.0]


def test_results_alone_and_the_last_carry_alone():
    xs = np.array([1.0, 2.0, 3.0])
    only_ys = lambda c: sum(scan(lambda t, x: (t, x * c), 0.0, xs)[1])  # noqa: E731
    assert grad(only_ys)(2.0) == 6.0
    one_y = lambda c: scan(lambda t, x: (t * c, t * x), 1.0, xs)[1][-1]  # noqa: E731
    assert value_and_grad(one_y)(2.0) == (12.0, 12.0)
    none = lambda c: scan(lambda t, x: (t + x, None), 0.0, xs)[0] + 0 * c  # noqa: E731
    assert grad(none)(2.0) == 0.0
    assert scan(lambda t, x: (t + x, None), 0.0, xs) == (6.0, None)


def test_results_that_are_read_here_and_there():
    xs = np.linspace(-1.0, 1.0, 100)
    f = lambda run: lambda c: sum(run(lambda t, x: (sin(t) + c * x, t * c), 0.5, xs)[1][::3])  # noqa: E731
    for transform in (grad, derivative, hessian):
        same(transform(f(scan))(0.7), transform(f(unrolled))(0.7))
    lowered = jit(grad(f(scan))).lower(0.7)
    assert all(len(body.turns) < 5 for body in lowered.program.bodies)

    def some(run):
        def step(t, x):
            return sin(t) + x, None

        return lambda c: run(step, 0.5, np.array([c, 1.0] * 50, object))[0]

    for transform in (grad, derivative, hessian):
        same(transform(some(scan))(0.7), transform(some(unrolled))(0.7))
    lowered = jit(derivative(some(scan))).lower(0.7)
    assert all(len(body.turns) < 5 for body in lowered.program.bodies)


@pytest.mark.parametrize("there", [(1, 0, 1), (0, 1, 0), (0, 1, 1, 0)])
def test_results_that_are_read_and_numbers_that_are_differentiated_by_at_some_steps(there):
    def step(t, x):
        return sin(t) * x, t * x * x

    def read(run):
        ys = lambda c: run(step, c, np.linspace(1.0, 2.0, len(there)))[1]  # noqa: E731
        return lambda c: sum(y for y, asked in zip(ys(c), there, strict=True) if asked)

    def varied(run):
        xs = lambda c: np.array([c if varies else 1.5 for varies in there], object)  # noqa: E731
        return lambda c: run(step, 0.5, xs(c))[0]

    for f in (read, varied):
        for transform in (grad, derivative):
            same(transform(f(scan))(0.7), transform(f(unrolled))(0.7))


def test_zero_times_infinity_does_not_arise_where_steps_change_not_too_often():
    steps = sys.modules["autodiff.compiler.scan_derivatives"].MOST + 1
    xs = np.arange(steps) % 2
    read = lambda c: scan(lambda t, x: (t, sqrt(t * (1 - x))), c, xs)[1][::2].sum()  # noqa: E731
    assert grad(read)(4.0) == 0.25 * (1 + steps // 2)

    def varied(c):
        own = np.array([x or c for x in (0.0 * xs + xs).tolist()], object)
        return scan(lambda t, x: (t + sqrt(x - 1.0), None), 0.0, own)[0]

    assert derivative(varied)(5.0) == 0.25 * (1 + steps // 2)


def test_tangents_of_many_numbers():
    def f(run):
        def of(a, xs, v, w):
            def step(carry, x):
                s, t = carry
                return (t * x[0] + v, s * w - x[1] * x[0]), [1.0, s * w, t * x[1] + v]

            (s, t), ys = run(step, (0.5, a), xs)
            columns = ys if run is scan else zip(*ys, strict=True)
            return [s, t, *(y for column in columns for y in column)]

        return of

    xs = np.array([[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0]])
    at, along = (0.3, xs, 0.7, -1.2), (1.0, xs[::-1] + 0.5, -2.0, 0.5)
    same(jvp(f(scan), at, along), jvp(f(unrolled), at, along))


@pytest.mark.parametrize("xs", [(1.0, -1.0), (-1.0, 1.0)])
def test_a_result_that_depends_on_the_argument_one_way_alone(xs):
    step = lambda t, x: (t, 3.0 * t if x > 0 else 1.0)  # noqa: E731
    f = lambda t: scan(step, t, np.array(xs))[1].sum()  # noqa: E731
    assert value_and_grad(f)(2.0) == (7.0, 3.0)
    assert derivative(f)(2.0) == 3.0


def test_a_carry_of_no_numbers_and_one_that_is_never_read():
    xs = np.array([1.0, 2.0])
    none = lambda c: sum(scan(lambda t, x: (t, c * c * x), (), xs)[1])  # noqa: E731
    unread = lambda c: scan(lambda t, x: ((c * t[0], t[0]), None), (c, 5.0), xs)[0]  # noqa: E731
    for transform in (grad, derivative):
        assert transform(none)(5.0) == 30.0
        assert transform(lambda c: unread(c)[1] * unread(c)[0])(2.0) == 5 * 2.0**4


def test_a_program_is_for_the_ways_that_its_steps_went():
    f = lambda x: loop(lambda i, t: t * 0.5 if t > 1 else t + 3.0, x, 3)  # noqa: E731
    lowered = jit(f).lower(8.0)
    assert lowered(9.0) == 1.125
    with pytest.raises(ValueError, match="comparison"):
        lowered(3.0)


def two_results(a, b, v):
    """Of two numbers of a carry, one reads the other; what steps give reads both."""

    def step(carry, x):
        s, t = carry
        return (exp(-s) * x[0] + v[0], t + tanh(s)), s * t * x[1] * v[1]

    (s, t), ys = scan(step, (a[0], a[1]), b)
    return [s, t, *ys]


TWO = [0.5, 0.25], np.array([[1.0, 2.0], [0.3, 0.7], [-1.0, 0.4]]), [0.6, 0.9]


def simple(program):
    """The bodies of a program, in which there is nothing to simplify."""
    for body in program.bodies:
        merging = isinstance(body, Scan)
        assert [len(simplified(q, merging)) for q in body.programs] == [*map(len, body.programs)]
    return program.bodies


def trimmed(program, outputs):
    """The bodies of a program with some of its outputs, which are what they were."""
    p = simplified(program.returning(program.outputs[outputs]))
    numbers = np.concatenate([np.ravel(x) for x in TWO])
    same(Machine(p)(numbers), Machine(program)(numbers)[outputs])
    return simple(p)


def test_a_scan_computes_what_is_read_of_it_and_reads_what_it_needs():
    program = jit(two_results).lower(*TWO).program
    sizes = lambda outputs: [  # noqa: E731
        (x.carry, x.own, x.shared, x.results) for x in trimmed(program, outputs)
    ]
    assert sizes([0, 1, 2, 3, 4]) == [(2, 2, 2, 1)]
    assert sizes([0]) == [(1, 1, 1, 0)]
    assert sizes([1]) == [(2, 1, 1, 0)]
    assert sizes([0, 3]) == [(2, 2, 2, 1)]
    pair = lambda c: loop(lambda i, c: (exp(-c[0]) * c[1], tanh(c[0]) * c[1]), c, 3)  # noqa: E731
    (moving,) = simple(jit(lambda *c: jvp(pair, (c,), (c,))[1]).lower(0.3, 0.7).program)
    assert (moving.carry, moving.results) == (4, 0)

    def last(w, v):
        def step(t, x):
            sines, cosines = vmap(lambda y: (sin(y * w), cos(y * v)))(np.ones(2))
            return t * sines.sum(), cosines.sum()

        return scan(step, 1.0, np.ones(3))[0]

    lowered = jit(grad(last)).lower(0.5, 0.7)
    same(lowered(0.5, 0.7), 24 * np.sin(0.5) ** 2 * np.cos(0.5))
    assert lowered.program.bodies[0].scan.shared == 1


def test_a_pullback_gives_the_adjoints_that_are_read():
    loss = lambda a, b, v: sum(x * x for x in two_results(a, b, v))  # noqa: E731
    program = jit(grad(loss, (0, 1, 2))).lower(*TWO).program

    def adjoints(outputs):
        pullback, scan = sorted(trimmed(program, outputs), key=lambda x: x.word)
        assert (scan.word, pullback.back, pullback.given) == ("scan", (0, 1), (0,))
        return pullback.by_own, pullback.by_shared

    assert adjoints([*range(10)]) == ((0, 1), (0, 1))
    assert adjoints([0, 1]) == ((), ())
    assert adjoints([3, 5]) == ((1,), ())
    assert adjoints([*range(2, 8)]) == ((0, 1), ())
    assert adjoints([8]) == ((), (0,))
    assert adjoints([8, 9]) == ((), (0, 1))


def test_a_pullback_says_that_all_steps_went_right():
    p = jit(grad(lambda x: loop(lambda i, t: t * x, x, 3))).lower(0.5).program
    (slot,), last = np.flatnonzero(p.ops == VMAP), len(p.bodies[0]) - 1.0
    p = replace(
        p.returning(np.array([p.inputs + len(p)], np.int32)),
        ops=np.append(p.ops, p.ops.dtype.type(PART)),
        a=np.append(p.a, np.int32(p.inputs + slot)),
        b=np.append(p.b, np.int32(-1 - len(p.constants))),
        constants=np.append(p.constants, last),
    )
    assert Machine(simplified(p))(np.array([0.5])).tolist() == [1.0]


def test_a_vmap_and_its_derivative_in_a_step_are_one():
    lanes = lambda w: scan(  # noqa: E731
        lambda t, x: (t + vmap(lambda y: sin(y * w * t))(np.array([1.0, 2.0])).sum() * x, None),
        0.5,
        np.array([1.0, -1.0]),
    )[0]
    (body,) = jit(derivative(lanes)).lower(0.7).program.bodies
    assert [len(q.bodies) for q in body.programs] == [1, 1]
    same(jit(grad(lanes))(0.7), derivative(lanes)(0.7))  # what comes back does not go forward


def test_results_of_a_vmap_are_read_between_other_things():
    def step(i, t):
        x, y = vmap(lambda y: sin(y * t))(np.array([1.0, 2.0]))
        return (cos(t) + x) * y

    plain = lambda i, t: (cos(t) + sin(t)) * sin(2.0 * t)  # noqa: E731
    expected = value_and_grad(lambda t: plain(1, plain(0, t)))(0.3)
    same(value_and_grad(lambda t: loop(step, t, 2))(0.3), expected)


def test_steps_are_run_so_many_at_a_time(monkeypatch):
    cube = ad.primitive("cube_of_some_steps", lambda a: a**3, [lambda a, v: 3 * a * a])
    step = lambda t, x: (t * 0.5 if t > x else cube(t) + x, t)  # noqa: E731
    xs = np.array([0.1, 3.0, 1.0, 0.0, 2.0, 0.5, 0.4])
    f = lambda run: lambda c: sum(run(step, c, xs)[1])  # noqa: E731
    expected = [*value_and_grad(f(unrolled))(0.9)]
    monkeypatch.setattr(sys.modules["autodiff.compiler.stepper"], "CHUNK", 1)
    same([*value_and_grad(f(scan))(0.9)], expected)


def test_steps_go_different_ways():
    def step(x, t):
        if x > t:
            return x * 0.5, 1.0
        if x < -t:
            return x + 3.0, sin(x)
        return x * x - 2.0, x

    ts = np.linspace(0.1, 2.0, 40)
    f = lambda x: scan(step, x, ts)  # noqa: E731
    g = lambda x: unrolled(step, x, ts)  # noqa: E731
    total = lambda h: lambda x: h(x)[0] + sum(h(x)[1])  # noqa: E731
    kept, kept_grad = jit(total(f)), jit(value_and_grad(total(f)))
    for x in (0.3, 1.7, -5.0, 2.0, 100.0):
        assert f(x)[0] == g(x)[0]
        assert f(x)[1].tolist() == g(x)[1]
        same(grad(total(f))(x), grad(total(g))(x))
        same(kept(x), total(g)(x))
        same(kept_grad(x), value_and_grad(total(g))(x))


def test_a_way_that_no_step_has_gone_yet_is_traced():
    step = lambda c, x: (c * 0.5 if c > x else c + 3.0, None)  # noqa: E731
    f, g = (lambda c, r=r: r(step, c, np.zeros(3))[0] for r in (scan, unrolled))
    kept = jit(f)
    for c in (8.0, -8.0, 8.0):
        assert kept(c) == g(c)
        assert grad(f)(c) == grad(g)(c)


def test_loops_and_their_pullbacks_are_told_apart_by_their_steps():
    def f(x):
        power = lambda x: loop(lambda i, t: t * t, x, n)  # noqa: E731
        n = 1 if x > 0 else 2
        return (1.0 if power(x) > 4 else 2.0) + (10.0 if grad(power)(x) < -12 else 20.0)

    kept = jit(f)
    for _ in range(2):
        assert [kept(x) for x in (1.5, -0.5, -1.43, -1.5)] == [22.0, 22.0, 21.0, 11.0]


def counted(c, x):
    """Another way for every integer that x is beyond."""
    n = 0.0
    while x > n:
        n += 1.0
    return c + n * x, n


def test_too_many_ways_are_gone_one_by_one_with_one_warning(monkeypatch):
    monkeypatch.setattr(sys.modules["autodiff.transforms.scan"], "MOST", 3)
    xs, types = np.array([0.5, 1.5, 2.5, 1.5, 3.5]), set()
    total = lambda xs: lambda s: scan(counted, 0.0, xs * s)[0]  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scan(counted, 0.0, xs[:4])[0] == 14.0
        lowered = jit(value_and_grad(total(xs[:4]))).lower(1.0)
    assert lowered(1.0) == (14.0, 14.0)
    assert lowered.program.bodies
    words = r"^scan\(.*\): steps go more than 3 different ways: all are called one by one$"
    with pytest.warns(RuntimeWarning, match=words) as seen:
        last, ys = scan(lambda c, x: types.add(type(x)) or counted(c, x), 0.0, xs)
    assert (last, ys.tolist(), ys.dtype) == (28.0, [1.0, 2.0, 3.0, 2.0, 4.0], np.float64)
    assert types == {Value, float}
    assert [w.filename for w in seen] == [__file__]
    with pytest.warns(RuntimeWarning, match=words) as seen:
        lowered = jit(value_and_grad(total(xs))).lower(1.0)
    assert len(seen) == 1
    assert lowered(1.0) == (28.0, 28.0)
    assert not lowered.program.bodies


def test_too_many_long_traces_are_given_up_with_one_warning(monkeypatch):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "MOST", 2)
    with pytest.warns(RuntimeWarning, match="has been traced 2 times") as seen:
        assert scan(counted, 0.0, np.array([0.5, 1.5, 2.5, 3.5]))[0] == 25.0
    assert len(seen) == 1


def test_zero_times_infinity_does_not_arise():
    xs = np.array([0.0, 1.0, 4.0])
    # The first step takes the root of 0, of which nothing depends on c; the last one's result is
    # the only one that is read.
    f = lambda r: lambda c: r(lambda s, x: (s + c * x, sqrt(s)), 0.0, xs)[1][-1]  # noqa: E731
    assert grad(f(scan))(4.0) == grad(f(unrolled))(4.0) == 0.25
    assert derivative(f(scan))(4.0) == derivative(f(unrolled))(4.0) == 0.25
    assert hessian(f(scan))(4.0) == hessian(f(unrolled))(4.0) == -1 / 32
    # A root that is of 0 at the end, and read by nothing.
    g = lambda r: lambda c: r(lambda s, x: ((s[1], sqrt(s[0] - x)), None), (4.0 * c, c), xs)[0][0]  # noqa: E731
    for transform in (grad, derivative, hessian):
        same(transform(g(scan))(4.0), transform(g(unrolled))(4.0))


def test_what_a_step_closes_over_has_a_gradient():
    w, x = Value(0.5), Value(2.0)
    total = scan(lambda t, y: (t * w + y, None), x, np.ones(4))[0]
    total.backward()
    expected = value_and_grad(
        lambda w, x: unrolled(lambda t, y: (t * w + y, 0), x, np.ones(4))[0], (0, 1)
    )
    value, (by_w, by_x) = expected(0.5, 2.0)
    assert (total.data, w.grad, x.grad) == (value, by_w, by_x)
    (again,) = total.operands[:1]
    assert again in (w, x)
    kept = jit(lambda n: scan(lambda t, y: (t * w + y, None), x, np.ones(4))[0] * n)
    for n in (1.0, 2.0, 3.0):
        w.grad = 0.0
        kept(n).backward()
        assert w.grad == by_w * n
    with ad.no_grad():
        assert kept(1.0) == value
        result = scan(lambda t, y: (t * w + y, None), x, np.ones(4))[0]
    assert (result.data, result.operands) == (value, ())


def test_many_results_that_are_values_are_recorded_as_the_loop_stands():
    w = Value(0.9)
    _, ys = scan(lambda t, y: (t * w + y, t * t), 1.0, np.ones(50))
    ys.sum().backward()
    expected = grad(lambda w: sum(unrolled(lambda t, y: (t * w + y, t * t), 1.0, np.ones(50))[1]))
    same(w.grad, expected(0.9))
    x = Value(1.5)
    y = loop(lambda i, x: 0.5 * (x + 2 / x), x, 30)
    assert (y.op, len(y.operands)) == ("call", 1)
    (slope,) = [y.backward(create_graph=True), x.grad][1:]
    same(slope.data, 0.0)


def test_steps_that_are_called_get_integers_and_give_results_of_one_structure():
    w, i = Value(0.5), np.arange(40) % 3
    last, ys = scan(lambda c, i: (c * w + [1.0, 2.0, 3.0][i], c), Value(1.0), i)
    expected = unrolled(lambda c, i: (c * 0.5 + [1.0, 2.0, 3.0][i], c), 1.0, i.tolist())
    assert (last.data, [y.data for y in ys]) == expected
    assert ys[-1].op == "add"
    with ad.detect_anomaly():
        with pytest.raises(TypeError, match=r"^scan\(.*\): at step 3 the result .*, as before$"):
            scan(lambda c, x: (c + x, [c] if c > 2 else c), w - 0.5, np.ones(9))
        with pytest.raises(TypeError, match=r"at step 2 the next carry .*, as before$"):
            scan(lambda c, x: ([c] if c > 1 else c + x, c), w - 0.5, np.ones(9))


def test_steps_in_another_thread_join_the_trace():
    def through_a_thread(x):
        found = []
        work = lambda: found.append(loop(lambda i, t: t * x, 1.0, 3))  # noqa: E731
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return found[0]

    assert grad(through_a_thread)(2.0) == 12.0
    assert hessian(through_a_thread)(2.0) == 12.0


def test_numbers_are_numbers_and_results_tuples():
    xs = np.arange(40.0)
    step = lambda c, x: (c + x, (x, [c * x]))  # noqa: E731
    plain, inside = scan(step, 0.0, xs), []
    grad(lambda x: inside.append(scan(step, 0.0, xs)) or x)(1.0)
    for last, (first, (second,)) in (plain, *inside):
        assert (type(last), first.dtype, second.dtype) == (float, np.float64, np.float64)
        assert (last, first.tolist()) == (780.0, xs.tolist())


def test_a_second_derivative_on_values():
    x = Value(0.7)
    y = scan(lambda t, k: (sin(t) * k, None), x, np.array([1.0, 2.0, 3.0]))[0]
    y.backward(create_graph=True)
    slope, x.grad = x.grad, 0.0
    slope.backward()
    f = lambda t: unrolled(lambda t, k: (sin(t) * k, 0), t, [1.0, 2.0, 3.0])[0]  # noqa: E731
    same(slope.data, derivative(f)(0.7))
    same(x.grad, derivative(f, 2)(0.7))


def test_transforms_of_values_are_values():
    x = Value(0.7)
    f = lambda r: lambda t: r(lambda t, k: (sin(t) * k, t), t, np.array([1.0, 2.0, 3.0]))[0]  # noqa: E731
    for transform in (grad, derivative, lambda h: lambda t: vjp(h, t)[1](1.0)[0]):
        y = transform(f(scan))(x)
        x.grad = 0.0
        y.backward()
        same(x.grad, derivative(f(unrolled), 2)(0.7))


def test_transforms_of_values_have_derivatives_by_all_of_them():
    def f(r):
        def step(c, x, w):
            a, b = c
            return (sin(a) * w + b * x, a * w), (a * x, b)

        def of(w, xs):
            (a, b), ys = r(lambda c, x: step(c, x, w), (w, 0.5), xs)
            return a * b + sum(y * y + 3.0 * y * z for y, z in zip(*columns(ys), strict=True))

        return of

    columns = lambda ys: ys if isinstance(ys, tuple) else zip(*ys, strict=True)  # noqa: E731
    x0 = np.array([0.7, 0.5, -1.0, 2.0])
    for n, v in (0, 2.0), (1, np.array([2.0, 1.0, -3.0])):
        h = lambda r, n=n, v=v: lambda w, t: np.sum(grad(f(r), n)(w, t) * v)  # noqa: E731
        found = []
        for r in (scan, unrolled):
            xs = np.array([Value(x) for x in x0], object)
            h(r)(xs[0], xs[1:]).backward()
            found.append([x.grad for x in xs])
        same(*found)


def test_a_comparison_in_a_transform_of_values_may_be_another():
    comparing = lambda x: loop(lambda i, t: t * t if t < 5.0 else t * x, x, 2)  # noqa: E731
    slope = grad(comparing)
    for x, first, second in [(1.0, 4.0, 12.0), (2.0, 32.0, 48.0), (3.0, 27.0, 18.0)] * 2:
        v = Value(x)
        y = slope(v)
        y.backward()
        assert (y.data, v.grad) == (first, second)
    lowered = jit(slope).lower(1.0)
    with ad.detect_anomaly():
        assert lowered(Value(2.0)).data == 32.0
        with pytest.raises(ValueError, match=r"the guard of .*test_scan\.py:\d+ fails"):
            lowered(Value(3.0))


def test_scans_in_scans_and_under_vmap():
    def outer(r):
        def inner(t, x):
            a, b = r(lambda s, y: (s * y + t, s), x, np.array([0.5, 0.25]))
            return t * 0.9 + a, b[0] * b[1]

        return lambda t: r(inner, t, np.array([1.0, 2.0, 3.0]))[0]

    for transform in (lambda h: h, grad, hessian, lambda h: jit(grad(h))):
        same(transform(outer(scan))(0.3), transform(outer(unrolled))(0.3))
        ts = np.linspace(-1.0, 1.0, 7)
        same(vmap(transform(outer(scan)))(ts), [transform(outer(unrolled))(t) for t in ts.tolist()])
    many = lambda w: vmap(lambda t: w * outer(scan)(t))(np.array([0.1, 0.2])).sum()  # noqa: E731
    same(grad(many)(2.0), outer(unrolled)(0.1) + outer(unrolled)(0.2))
    lanes = lambda w: scan(  # noqa: E731
        lambda t, x: (t + vmap(lambda y: sin(y * w * t))(np.array([1.0, 2.0])).sum() * x, None),
        0.5,
        np.array([1.0, -1.0]),
    )[0]
    plain = lambda w: unrolled(  # noqa: E731
        lambda t, x: (t + (sin(w * t) + sin(2.0 * w * t)) * x, None), 0.5, [1.0, -1.0]
    )[0]
    for transform in (lambda h: h, grad, hessian):
        same(transform(lanes)(0.7), transform(plain)(0.7))


def test_a_long_loop_has_a_small_program_and_little_memory():
    def pendulum(i, state):
        x, v = state
        v = v - 0.001 * (sin(x) + 0.1 * v)
        return x + 0.001 * v, v

    steps = 200_000 if ad.COMPILED else 2_000
    f = lambda x: loop(pendulum, (x, 0.0), steps)[0]  # noqa: E731
    lowered = jit(value_and_grad(f)).lower(1.0)
    assert lowered.stats()["instructions"] < 20
    slope = lowered(1.0)[1]
    h = 1e-5
    assert abs(slope - (lowered(1.0 + h)[0] - lowered(1.0 - h)[0]) / (2 * h)) < 1e-6
    tracemalloc.start()
    lowered(1.0)
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()
    short = jit(value_and_grad(lambda x: loop(pendulum, (x, 0.0), 7)[0])).lower(1.0)
    assert len(short.program) == len(lowered.program)


def test_steps_that_have_nothing_of_their_own_take_no_memory():
    def ready(i, x):
        raise EOFError

    with pytest.raises(EOFError):
        loop(ready, 0.0, 10**15)


@pytest.mark.parametrize("numbers", [1, 110, 220, 330])
def test_a_pullback_goes_back_over_segments_of_any_length(monkeypatch, numbers):
    monkeypatch.setattr(sys.modules["autodiff.compiler.scanned"], "CACHE", numbers)
    args = W, B + numbers, XS, YS
    for transform in (grad, hessian):
        found, expected = (transform(rnn(r), (0, 1, 2, 3))(*args) for r in (scan, unrolled))
        for a, b in zip(found, expected, strict=True):
            for x, y in zip(a, b, strict=True) if transform is hessian else [(a, b)]:
                same(x, y)


def test_memory_of_a_pullback_grows_slower_than_the_steps(monkeypatch):
    monkeypatch.setattr(sys.modules["autodiff.compiler.scanned"], "CACHE", 100)

    def step(i, x):
        for _ in range(30):
            x = sin(x)
        return x + 1.0

    lowered = jit(grad(lambda x: loop(step, x, 600))).lower(1.0)
    lowered(1.0)
    tracemalloc.start()
    lowered(2.0)
    assert tracemalloc.get_traced_memory()[1] < 40_000  # that of all steps: 150_000
    tracemalloc.stop()


def test_a_pullback_begins_with_what_the_scan_has_kept(monkeypatch):
    calls = []
    half = ad.primitive("half_that_counts", lambda a: calls.append(a) or a / 2, [lambda a, v: 0.5])

    def runs(call, x):
        calls.clear()
        assert call(x) in ((63 * x / 32, 63 / 32), 63 / 32)
        return len(calls) / 5

    f = lambda x: loop(lambda i, t: half(t) + x, x, 5)  # noqa: E731
    both, slope = jit(value_and_grad(f)).lower(1.0), jit(grad(f)).lower(1.0)
    assert [runs(both, x) for x in (1.0, 3.0, 3.0)] == [2.0, 2.0, 2.0]
    assert [runs(slope, x) for x in (3.0, 1.0, 1.0)] == [1.0, 2.0, 1.0]
    for most, n in ((2, 2.0), (1, 3.0)):  # operands
        monkeypatch.setattr(sys.modules["autodiff.compiler.scanned"], "MOST", most)
        assert runs(both, 5.0 + n) == n


def test_a_pullback_says_which_comparison_or_index_is_another():
    values = [1.0, 2.0, 4.0]
    reading = lambda k: loop(lambda i, t: t * t + take(values, i + k) * k, 1.0, 2)  # noqa: E731
    slope = jit(grad(reading)).lower(0.0)
    assert [slope(0.0), slope(1.0)] == [4.0, 16.0]
    for _ in range(2):
        with pytest.raises(IndexError, match="index 3"):
            slope(2.0)
    comparing = lambda x: loop(lambda i, t: t * t if t < 5.0 else t * x, x, 2)  # noqa: E731
    slope = jit(grad(comparing)).lower(1.0)
    assert [slope(0.0), slope(2.0)] == [0.0, 32.0]
    with pytest.raises(ValueError, match="a guard fails: a comparison is not what it was"):
        slope(3.0)


def test_a_pullback_in_lanes_says_in_which_it_fails():
    calls, values = [], [1.0, 2.0, 4.0]

    def reading(k):
        calls.append(k)
        return loop(lambda i, t: t * t + take(values, i + k) * k, 1.0, 2)

    slopes = vmap(jit(grad(reading)))
    assert slopes(np.array([0.0, 1.0] * 4)).tolist() == [4.0, 16.0] * 4
    assert len(calls) == 1
    with pytest.raises(IndexError, match="index 3"):
        slopes(np.array([0.0, 1.0, 2.0] * 4))
    batch = Batch(jit(grad(reading)).lower(0.0).program, [0], 4)
    found, _, failed = batch(np.zeros(1), np.array([[0.0, 1.0, 2.0, 1.0]]))
    assert found[:, failed == 0].tolist() == [[4.0, 16.0, 16.0]]
    comparing = lambda x: loop(lambda i, t: t * t if t < 5.0 else t * x, x, 2)  # noqa: E731
    for f in (vmap(grad(comparing)), vmap(jit(grad(comparing)))):
        for _ in range(2):
            assert f(np.array([1.0, 2.0, 3.0] * 3)).tolist() == [4.0, 32.0, 27.0] * 3


def test_a_pullback_does_not_begin_with_what_another_scan_has_kept(monkeypatch):
    monkeypatch.setattr(sys.modules["autodiff.compiler.scanned"], "CACHE", 1)
    steps = [lambda i, t: sin(t) + 1.0, lambda i, t: t * t * 0.5]
    slopes = [jit(grad(lambda x, f=f: loop(f, x, 4))).lower(1.0) for f in steps]
    pairs = [lambda i, t: (sin(t[1]) + 1.0, t[0]), lambda i, t: (t[1] * t[1] * 0.5, t[0])]
    slopes += [jit(grad(lambda x, f=f: loop(f, (x, 2.0), 4)[1])).lower(1.0) for f in pairs]
    for x in (1.5, 0.75):
        for slope, f in zip(slopes[:2], steps, strict=True):
            same(slope(x), grad(lambda x, f=f: f(0, f(0, f(0, f(0, x)))))(x))
        for slope, f in zip(slopes[2:], pairs, strict=True):
            same(slope(x), grad(lambda x, f=f: f(0, f(0, f(0, f(0, (x, 2.0)))))[1])(x))


def test_sparse_derivatives_are_the_dense_ones():
    f = lambda xs: scan(lambda c, x: (c * x + x, c * c), 1.0, xs)[1]  # noqa: E731
    xs = np.array([1.0, 2.0, -3.0])
    assert jacobian(f, sparse=True)(xs).toarray().tolist() == jacobian(f)(xs).tolist()
    total = lambda xs: (f(xs) ** 2).sum()  # noqa: E731
    same(hessian(total, sparse=True)(xs).toarray(), hessian(total)(xs))


def test_it_is_drawn_under_its_name():
    lowered = jit(value_and_grad(lambda x: loop(lambda i, y: sin(y), x, 5))).lower(0.3)
    source = ad.graph.draw(lowered).source
    assert all(f">{word}<" in source for word in ("scan", "pullback"))


def test_a_sweep_through_a_scan_is_refused():
    def f(x):
        y = loop(lambda i, y: sin(y), x, 3)
        y.backward()
        return y

    with pytest.raises(RuntimeError, match="a vmap or scan has computed"):
        grad(f)(0.5)


def test_loop_counts():
    assert loop(lambda i, x: x + i, 0.0, 5) == 10.0
    assert loop(lambda i, x: x * 2, 3.0, 0) == 3.0
    f = lambda x: loop(lambda i, s: {"a": s["a"] * x + i}, {"a": 0.0}, 6)["a"]  # noqa: E731
    same(grad(f)(0.5), derivative(lambda x: sum(i * x ** (5 - i) for i in range(6)))(0.5))
    kept = jit(lambda x, n: loop(lambda i, y: y * x, 1.0, n))
    assert [kept(2.0, n) for n in (3, 4, 3)] == [8.0, 16.0, 8.0]


def test_no_steps():
    last, ys = scan(lambda t, x: (t + x, [t, x]), 2.0, np.zeros(0))
    assert last == 2.0
    assert [y.shape for y in ys] == [(0,), (0,)]
    x = Value(2.0)
    for f in (lambda c, x: (c / x, c), lambda c, x: (log(x - 1.0) * c, c)):
        assert scan(f, x, np.zeros(0))[0] is x
        with ad.detect_anomaly():
            assert scan(f, x, np.zeros(0))[0] is x
            assert scan(f, 2.0, np.zeros(0))[0] == 2.0
    assert scan(lambda c, x: (c + x, c), 2.0, np.ones(1))[0] == 3.0
    assert grad(lambda t: scan(lambda t, x: (t * x, None), t, np.zeros(0))[0])(2.0) == 1.0


def test_programs_are_printed_counted_and_pickled():
    lowered = jit(grad(lambda x: loop(lambda i, y: sin(y), x, 9))).lower(0.5)
    text = lowered.as_text()
    assert "pullback(body_0, [" in text
    assert "for 9 steps" in text
    again = pickle.loads(pickle.dumps(lowered.program))
    assert again.bodies[0].key() == lowered.program.bodies[0].key()
    assert Machine(again)(np.array([0.5])) == lowered.run([0.5])
    power = jit(grad(lambda x: loop(lambda i, t: t * x * 3.0, 1.0, 3))).lower(0.5)
    assert "v6 = v5 * x0\n    return v4, 0.0, v6\nway 1 of body 0, for 2 steps" in power.as_text()
    one = jit(lambda x: sin(x)).lower(0.5).stats()["flops"]
    assert jit(lambda x: loop(lambda i, y: sin(y), x, 9)).lower(0.5).stats()["flops"] == 9 * one


def test_indices_out_of_range_and_python_primitives():
    values = [1.0, 2.0, 4.0]
    f = lambda x: loop(lambda i, t: t + take(values, i) * x, 0.0, 3)  # noqa: E731
    assert value_and_grad(f)(2.0) == (14.0, 7.0)
    with pytest.raises(IndexError, match="index 3"):
        loop(lambda i, t: t + take(values, i), 0.0, 4)
    kept = jit(lambda k: loop(lambda i, t: t + take(values, i + k), 0.0, 2))
    assert [kept(0.0), kept(1.0)] == [3.0, 6.0]
    with pytest.raises(IndexError, match="index 3"):
        kept(2.0)
    cube = ad.primitive("cube_of_a_scan", lambda a: a**3, [lambda a, v: 3 * a * a])
    g = lambda x: loop(lambda i, t: cube(t) * 0.5 + x, x, 5)  # noqa: E731
    h = lambda x: loop(lambda i, t: t * t * t * 0.5 + x, x, 5)  # noqa: E731
    same([g(0.3), grad(g)(0.3), hessian(g)(0.3)], [h(0.3), grad(h)(0.3), hessian(h)(0.3)])


@pytest.mark.parametrize("chunk", [1, 8])
def test_steps_are_run_a_few_at_a_time(monkeypatch, chunk):
    monkeypatch.setattr(sys.modules["autodiff.compiler.stepper"], "CHUNK", chunk)
    cube = ad.primitive("cube_of_a_chunk", lambda a: a**3, [lambda a, v: 3 * a * a])

    def f(run, x):
        def step(t, y):
            return (t + 1.0 + y, t * x) if t < x else (cube(t) / 8.0, t + y)

        last, results = run(step, x / 2.0, np.array([0.5, 0.25, -1.0, 2.0, 0.125]))
        return [last, *results]

    assert jit(lambda x: f(scan, x))(2.0) == f(unrolled, 2.0)


def test_steps_go_on_from_what_python_does_in_any_way():
    slopes = []
    slope = ad.primitive("slope_of_a_way", lambda a: slopes.append(a) or 2.0, [lambda a, v: 0.0])
    twice = ad.primitive("twice_in_a_way", lambda a: 2.0 * a, [lambda a, v: slope(a)])
    run, xs = scan, np.array([1.0, 2.0, 3.0, 0.5, 0.7])

    def f(c):
        def step(c, x):
            if c[0] < 2.0:
                return c * 1.5, c[1] * x
            return vmap(lambda y: twice(y) * sin(y * x))(c), c[0] * x

        c, ys = run(step, c, xs)
        return c[0] * c[1] + sum(ys)

    c = np.array([1.0, 2.0])
    lowered = jit(grad(f)).lower(c)
    slopes.clear()
    found = lowered(c)
    assert len(slopes) == 2 * 3  # of two lanes, in three of the steps, once
    value = jit(f)(c)
    run = unrolled
    same(value, f(c))
    same(found, grad(f)(c))


def test_back_through_steps_python_may_begin():
    def f(c, xs):
        return sum(sum(y) for y in scan(lambda c, x: (c[::-1], vmap(lambda a: a * x)(c)), c, xs)[1])

    assert jit(grad(f))(np.array([1.0, 2.0]), np.array([1.0, 2.0, 4.0])).tolist() == [7.0, 7.0]


def test_anomalies_name_the_line():
    w = Value(1.0)
    for f in (lambda i, x: log(x - 1.0), lambda i, x: w * log(x - 1.0)):
        with ad.detect_anomaly(), pytest.raises(FloatingPointError, match="log"):
            loop(f, 3.0, 4)


def test_derivatives_are_the_same_where_anomalies_are_looked_for():
    w, xs = Value(0.5), np.array([1.0, 2.0, 3.0])
    with ad.detect_anomaly():
        last, ys = scan(lambda t, y: (t * w + y, t), 1.0, xs)
        (last + ys[1]).backward()
        assert grad(lambda c: scan(lambda t, y: (t * c + y, t), 1.0, xs)[0])(0.5) == 3.75
        assert type(loop(lambda i, t: t * 2.0, 1.0, 3)) is float
        with ad.no_grad():
            assert loop(lambda i, t: t * w, 1.0, 3) == 0.125
    assert (last.data, w.grad) == (4.375, 4.75)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: scan(3, 0.0, np.ones(2)), "f must be a function, not 3"),
        (lambda: loop(3, 0.0, 2), "f must be a function, not 3"),
        (lambda: scan(lambda c, x: c, 0.0, np.ones(2)), "must return a pair"),
        (lambda: scan(lambda c, x: (c, x, x), 0.0, np.ones(2)), "must return a pair"),
        (lambda: scan(lambda c, x: ((c, c), x), 0.0, np.ones(2)), "the carry that the function"),
        (lambda: scan(lambda c, x: (c, x), 0.0, [1.0, 2.0]), "np.array makes one"),
        (lambda: scan(lambda c, x: (c, x), 0.0), "neither xs nor length"),
        (lambda: scan(lambda c, x: (c, x), 0.0, np.ones(2), 3), "steps differ in number"),
        (lambda: scan(lambda c, x: (c, x), 0.0, (np.ones(2), np.ones(3))), "differ in number"),
        (lambda: loop(lambda i, c: c, 0.0, -1), "must not be negative"),
        (lambda: loop(lambda i, c: c, 0.0, 1.5), "must be an integer, not 1.5"),
        (lambda: loop(lambda i, c: c, "a", 1), "the carry of loop"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


def test_integers_and_floats_may_be_results_of_different_ways():
    def step(c, x):
        return (c + x, 1) if c > 1 else (c + x, 0.5)

    assert scan(step, 0.0, np.ones(3))[1].tolist() == [0.5, 0.5, 1.0]


def test_results_of_another_structure_are_refused():
    with pytest.raises(TypeError, match="the result"):
        scan(lambda c, x: (c + 1, [c] if c > 1 else c), 0.0, np.ones(4))


OPERATIONS = [
    lambda a, b: a * b,
    lambda a, b: a + 0.5 * b,
    lambda a, b: sin(a) - b,
    lambda a, b: tanh(a * b),
    lambda a, b: exp(-a * a) + b,
    lambda a, b: cos(b) / (1.0 + a * a),
    lambda a, b: a if a > b else 0.3 * b,
]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_random_steps(data):
    """Random steps of a random carry: value, gradient, Hessian, and what steps give."""
    n, steps = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 6))
    picks = st.lists(
        st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 4), st.integers(0, 4)),
        min_size=n + 1,
        max_size=n + 4,
    )
    code = data.draw(picks)
    numbers = st.floats(-2.0, 2.0).map(lambda x: round(x, 3))
    xs = np.array(data.draw(st.lists(numbers, min_size=steps, max_size=steps)))
    x0 = np.array(data.draw(st.lists(numbers, min_size=n, max_size=n)))
    first = data.draw(st.integers(0, n))  # so many of the carry begin as constants

    def step(w):
        def f(carry, x):
            pool = [*carry, x, w]
            for op, i, j in code:
                pool.append(OPERATIONS[op](pool[i % len(pool)], pool[j % len(pool)]))
            return pool[-n:], pool[-n - 1]

        return f

    def total(run):
        def of(theta):
            carry = [0.25] * first + [*theta[first:n]]
            last, ys = run(step(theta[n]), carry, xs)
            return sum(last[i] * (i + 1.0) for i in range(n)) + 2.0 * ys[-1] + ys[0] * ys[0]

        return of

    theta = np.append(x0, 0.7)
    same(total(scan)(theta), total(unrolled)(theta))
    for transform in (grad, hessian, lambda h: jit(value_and_grad(h))):
        found, expected = transform(total(scan))(theta), transform(total(unrolled))(theta)
        for a, b in zip(
            *(x if isinstance(x, tuple) else (x,) for x in (found, expected)), strict=True
        ):
            same(a, b, 1e-9)


@pytest.mark.once
@pytest.mark.parametrize("call", ["loop(f, 0.5, 10**12)", "grad(lambda x: loop(f, x, 10**9))(0.5)"])
def test_a_long_loop_stops_at_ctrl_c(call):
    script = f"""
import os, signal, threading
from autodiff import grad, loop, sin
f = lambda i, x: sin(x) + 1.0
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    {call}
except KeyboardInterrupt:
    print("stopped")
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert run.stdout == "stopped\n", run.stderr
