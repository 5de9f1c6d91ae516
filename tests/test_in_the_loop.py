"""jit in a training loop: what it returns where Values come in is what the function would return.

Values are the same to the bit, and so are the gradients of one sweep of one result.
"""

import copy
import gc
import itertools
import math
import os
import pickle
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interrupts import interrupted

from autodiff import (
    Value,
    detect_anomaly,
    exp,
    functions,
    grad,
    graph,
    hessian,
    jacobian,
    jit,
    log,
    nn,
    no_grad,
    optim,
    primitive,
    scope,
    sin,
    take,
    tanh,
    value_and_grad,
    where,
)
from autodiff.sweeps import topological_order
from autodiff.testing import check_gradient, expressions, points
from autodiff.transforms.calls import MOST

INF, NAN = math.inf, math.nan


def close(found, expected):
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-13, nan_ok=True)


def gradients(result, leaves):
    """Of a fresh sweep."""
    for v in leaves:
        v.grad = 0.0
    result.backward()
    return [v.grad for v in leaves]


def calls(root):
    return [v for v in topological_order([root]) if v.op == "call"]


def net(seed=0, sizes=(3, 4, 1)):
    """A net in plain scalars, and its parameters."""
    rng = np.random.default_rng(seed)
    layers = [
        [[Value(x) for x in row] for row in rng.normal(size=(m, n + 1))]
        for n, m in itertools.pairwise(sizes)
    ]

    def loss(xs, y):
        for layer in layers:
            xs = [
                tanh(sum(w * x for w, x in zip(row, xs, strict=False)) + row[-1]) for row in layer
            ]
        return (xs[0] - y) ** 2

    return loss, [w for layer in layers for row in layer for w in row]


# -- the loop --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), lambda ps: optim.Adam(ps, lr=0.01)]
)
def test_a_training_loop_goes_as_it_goes_eagerly(make):
    def losses(compiled):
        loss, parameters = net()
        f = jit(loss) if compiled else loss
        optimizer, found = make(parameters), []
        rng = np.random.default_rng(1)
        for step in range(20):
            value = f(rng.normal(size=3).tolist(), 0.5)
            optimizer.zero_grad()
            value.backward()
            optim.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            found.append(value.data)
            assert not compiled or [v.op for v in calls(value)] == ["call"], step
        return found, [p.data for p in parameters]

    (eager, at_end), (fast, there) = losses(False), losses(True)
    assert fast == eager
    assert there == at_end


def test_fit_trains_a_net_whose_call_is_jitted():
    def history(compiled):
        model = nn.MLP(2, [4, 1], "tanh", np.random.default_rng(3))
        call = jit(lambda x: [model(x)[0] * 1.0]) if compiled else lambda x: [model(x)[0] * 1.0]
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        data = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]
        found = []
        for _ in range(20):
            loss = nn.mse_loss([call(x)[0] for x in data[0]], data[1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            found.append(loss.data)
        return found

    close(history(True), history(False))


def test_a_result_is_one_node_over_what_it_depends_on():
    w, u, unused = Value(3.0), Value(5.0), Value(7.0)
    f = jit(lambda x: [x * w, w * u + 0.0 * x, x + 1.0] if unused > 0 else [x])
    a, b, c = f(2.0)
    assert (a.data, b.data, c) == (6.0, 15.0, 3.0)
    assert (a.op, a.operands, a.partials) == ("call", (w,), (2.0,))
    assert (b.op, b.operands, b.partials) == ("call", (w, u), (5.0, 3.0))
    assert type(c) is float  # as the function itself returns it
    again = f(4.0)[0]
    assert again.operands is a.operands
    assert a.partials == (2.0,)


def test_values_are_to_the_bit_what_the_function_gives():
    loss, _ = net(5)
    f = jit(loss)
    rng = np.random.default_rng(2)
    for _ in range(9):
        xs = rng.normal(size=3).tolist()
        assert f(xs, 0.5).data == loss(xs, 0.5).data
        with no_grad():
            assert type(f(xs, 0.5)) is float
            assert f(xs, 0.5) == loss(xs, 0.5).data


expression = points(4).flatmap(
    lambda at: st.tuples(expressions(4, at=at), expressions(4, at=at), st.just(at))
)


@given(expression)
def test_any_function_of_arguments_and_captured_values(drawn):
    f, g, at = drawn
    w, u = Value(at[2]), Value(at[3])

    def both(x, y):
        return f(x, y, w, u), {"g": [g(x, y, w, w)]}

    fast = jit(both)
    for x in (at[0], Value(at[0])):
        y = Value(at[1])
        leaves = [v for v in (x, y, w, u) if type(v) is Value]
        (a, b), (c, d) = both(x, y), fast(x, y)
        b, d = b["g"][0], d["g"][0]
        for eager, compiled in ((a, c), (b, d)):
            assert type(eager) is type(compiled)
            if type(eager) is Value:
                assert repr(compiled.data) == repr(eager.data)
                assert repr(gradients(compiled, leaves)) == repr(gradients(eager, leaves))
            else:
                assert repr(compiled) == repr(eager)
        if type(a) is Value and type(b) is Value:
            close(gradients(c * d + w, leaves), gradients(a * b + w, leaves))


OPERATIONS = [
    *(lambda a, b, c: a + b, lambda a, b, c: a * b, lambda a, b, c: a - b, lambda a, b, c: -a),
    *(lambda a, b, c: a * 2.0, lambda a, b, c: sin(a), lambda a, b, c: tanh(a)),
    *(lambda a, b, c: a**2, lambda a, b, c: exp(-a * a), lambda a, b, c: a / 3.0 + b),
    *(lambda a, b, c: functions.dot([a, b, c], [c, a, b]),),
    *(lambda a, b, c: functions.logsumexp([a, b, c]),),
]


@given(st.randoms(use_true_random=False), points(4))
def test_gradients_are_to_the_bit_those_of_a_sweep(random, at):
    """Of what is used often, computed twice, and simplifies: the order of sums decides the bits."""
    steps = [(random.choice(OPERATIONS), [random.random() for _ in "abc"]) for _ in range(40)]
    values = [Value(x) for x in at]

    def f():
        xs = list(values)
        for operation, places in steps:
            xs.append(operation(*(xs[int(place * min(len(xs), 12))] for place in places)))
        return functions.sum(xs[-15:])

    fast = jit(f)
    for _ in range(2):
        assert repr(fast().data) == repr(f().data)
        assert repr(gradients(fast(), values)) == repr(gradients(f(), values))


# -- gradients -------------------------------------------------------------------------------------


def test_gradients_accumulate_and_double():
    loss, parameters = net()
    value = jit(loss)([1.0, 2.0, 3.0], 0.0)
    once = gradients(value, parameters)
    value.backward()
    assert [p.grad for p in parameters] == [2 * x for x in once]
    value.backward(seed=-2.0)
    assert [p.grad for p in parameters] == [0.0 for _ in parameters]
    close(once, gradients(loss([1.0, 2.0, 3.0], 0.0), parameters))


@pytest.mark.parametrize("twice", [False, True])
def test_gradients_that_are_values_are_added_to(twice):
    def after(f, w, u):
        root = f(w if twice else 2.0)
        root.backward(create_graph=True)
        first = w.grad
        f(w if twice else 2.0).backward(0.5)
        root.backward(-2.0)
        assert type(w.grad) is type(first) is Value
        assert type(root.grad) is float
        w.grad.backward()
        return [v.grad.data if type(v.grad) is Value else v.grad for v in (w, u, root)]

    w, u, x, y = (Value(n) for n in (3.0, 5.0, 3.0, 5.0))
    assert after(jit(lambda t: w * w * u * t), w, u) == after(lambda t: x * x * y * t, x, y)


def test_the_record_is_fixed_when_it_is_made():
    loss, parameters = net()
    f = jit(loss)
    before = f([1.0, 2.0, 3.0], 0.0)
    fixed, value = gradients(before, parameters), before.data
    optim.SGD(parameters, lr=0.1).step()
    assert (before.data, gradients(before, parameters)) == (value, fixed)
    after = f([1.0, 2.0, 3.0], 0.0)
    assert after.data < value
    assert gradients(after, parameters) != fixed
    w = Value(2.0)
    (same,) = jit(lambda x: [w])(1.0)
    w.data = 3.0
    assert (same.data, gradients(same, [w])) == (2.0, [1.0])


def test_results_in_further_arithmetic():
    w, u, outside = Value(0.5), Value(-1.5), Value(4.0)

    def f(x):
        return sin(x * w) + w * u, {"b": np.array([u * u * x, w])}

    fast = jit(f)

    def total(f):
        found = 0.0
        for x in (1.0, -2.0, outside):
            a, b = f(x)
            found = found + a * b["b"][0] * outside + exp(b["b"][1]) / 3.0 + a
        return found

    for _ in range(4):
        eager, compiled = total(f), total(fast)
        assert compiled.data == eager.data
        leaves = [w, u, outside]
        close(gradients(compiled, leaves), gradients(eager, leaves))
        w.data += 0.25


def test_the_same_value_twice():
    w = Value(3.0)
    fast = jit(lambda x, y: x * w * y + w)
    y = fast(w, w)
    assert len(y.operands) == 3
    assert (y.data, gradients(y, [w])) == (30.0, [28.0])
    two = [w, w]
    y = jit(lambda x: two[0] * two[1] * x)(2.0)
    assert gradients(y, [w]) == [12.0]
    a, b = jit(lambda x: (x * w, x * w))(2.0)
    assert gradients(a + b, [w]) == [4.0]
    y, z = jit(lambda x: [x * w] * 2)(2.0)
    assert y is z  # as the function returns one Value twice


def test_values_among_the_arguments_are_each_a_case_of_its_own():
    w = Value(2.0)
    fast = jit(lambda xs, k: xs[0] * xs[1] * w * k["k"])
    for _ in range(3):
        for a in (3.0, Value(3.0)):
            for b in (5.0, Value(5.0)):
                for k in (7.0, Value(7.0)):
                    y = fast([a, b], {"k": k})
                    leaves = [v for v in (a, b, k, w) if type(v) is Value]
                    assert y.operands == tuple(leaves)
                    assert gradients(y, leaves) == [210.0 / v.data for v in leaves]
    xs = np.array([Value(1.0), Value(2.0)])
    y = jit(lambda xs: (xs * xs).sum())(xs)
    assert gradients(y, xs.tolist()) == [2.0, 4.0]
    ys = jit(lambda xs: xs * 3.0)(xs)
    assert (ys.shape, ys.dtype) == ((2,), object)
    assert gradients(ys[1], xs.tolist()) == [0.0, 3.0]


def test_a_captured_value_that_was_computed():
    w = Value(3.0)
    square = w * w
    y = jit(lambda x: x * square + w)(2.0)
    assert gradients(y, [w]) == [13.0]
    assert square.grad == 2.0


def test_signed_zeros_nan_and_infinity():
    w = Value(0.0)
    f = jit(lambda x: (-w * x, w / w, x / w, log(w)))
    for eager, compiled in zip(f.f(1.0), f(1.0), strict=True):
        assert repr(compiled.data) == repr(eager.data)
        close(gradients(compiled, [w]), gradients(eager, [w]))
    assert repr(f(1.0)[0].data) == "-0.0"
    assert f(1.0)[3].data == -INF


def test_branches_decided_by_a_captured_parameter():
    w, u = Value(1.0), Value(10.0)
    f = jit(lambda x: x * w * w if w > 0 else x - u)
    u.grad = -0.0
    for number, value, wanted in [(2.0, 12.0, w), (-1.0, -7.0, u), (3.0, 27.0, w)] * 3:
        w.data = number
        y = f(3.0)
        assert (y.data, y.operands) == (value, (wanted,))
        other = u if wanted is w else w
        other.grad = -0.0
        y.backward()
        assert repr(other.grad) == "-0.0"  # not touched
        wanted.grad = 0.0


def test_what_no_path_reaches_gets_no_share_of_an_infinite_adjoint():
    w, u = Value(1.0), Value(2.0)
    y = jit(lambda x: [x * w, x * u])(3.0)
    assert gradients(y[0] * INF, [w, u]) == [INF, 0.0]

    def choose(x, i):
        return where(functions.less(x, 0.0), w, u) * x + take([w, u, 1.0], i)

    fast = jit(choose)
    assert [x for x in fast(1.0, np.array(1)).operands if x is not u] == [0.0]
    for x, i in [(-1.0, 0), (-1.0, 1), (-1.0, 2), (1.0, 0), (1.0, 1), (1.0, 2)] * 2:
        index = np.array(i) + np.zeros((), int)
        for seed in (1.0, INF):
            compiled = gradients(fast(x, index) * seed, [w, u])
            assert repr(compiled) == repr(gradients(choose(x, i) * seed, [w, u]))


# -- what is no Value, and what holds one constant -------------------------------------------------


@pytest.mark.parametrize("i", range(4))
@pytest.mark.parametrize("j", range(4))
def test_what_each_of_several_results_leaves_aside(i, j):
    """Each has a choice of its own, beside what all reach; two choose from the same list."""
    table, w = [Value(float(k)) for k in range(1, 5)], Value(3.0)
    other = [Value(float(k)) for k in range(4)]

    def f(i, j):
        return [take(table, i) * w, w * w, take(other, j) + take(table, j), take(other, i)]

    jitted = jit(f)
    leaves = [*table, w, *other]
    for call in (f, f, jitted, jitted):
        gradients = []
        for result in call(i, j):
            for x in leaves:
                x.grad = 0.0
            result.backward(INF)
            gradients.append([repr(x.grad) for x in leaves])
        if call is f:
            expected = gradients
        assert gradients == expected


def test_results_are_of_the_types_that_the_function_returns():
    w = Value(2.0)

    def f(x):
        return x, 1.5, w, w.detach(), w.detach() * x, x * w, [x > w], functions.step(w)

    fast = jit(f)
    for x in (1.0, 3.0, Value(4.0)):
        for eager, compiled in zip(f(x), fast(x), strict=True):
            assert type(compiled) is type(eager)
            if type(eager) is Value:
                assert compiled.data == eager.data
                assert gradients(compiled, [w]) == gradients(eager, [w])
            else:
                assert compiled == eager
    held = fast(1.0)[4]
    assert (held.op, held.operands) == ("", ())


def test_under_no_grad_and_in_a_scope():
    w = Value(2.0)
    f = jit(lambda x: x * w)
    with no_grad():
        assert type(f(3.0)) is float
        assert (f(Value(3.0)).data, f(Value(3.0)).operands) == (6.0, ())
    y = f(3.0)
    assert gradients(y, [w]) == [3.0]
    with scope("layer1"):
        assert (f(3.0).scope, f(3.0).name) == ("layer1", "jit(<lambda>)")
    assert f(3.0).scope == ""


def test_many_results_are_the_functions_own():
    ws = [Value(float(k)) for k in range(MOST + 1)]
    for n in (MOST, MOST + 1):
        f = jit(lambda x, n=n: [x * w for w in ws[:n]] + [w.detach() for w in ws])
        for x in (2.0, Value(3.0), 4.0):
            found = f(x)
            assert [v.data for v in found[:n]] == [
                w.data * (x if x != 3.0 else 3.0) for w in ws[:n]
            ]
            assert {v.op for v in found[:n]} == {"call" if n == MOST else "mul"}
            assert gradients(found[n - 1], ws)[n - 1] == (x if type(x) is float else 3.0)
    assert MOST == 32
    x = Value(2.0)
    assert jit(lambda x: [x, *(w * x for w in ws[:MOST])])(x)[0] is x


def test_transforms_that_are_jitted_return_values():
    w = Value(2.0)

    def f(x):
        return x * x * w + 3.0 * x

    for transform in (grad, value_and_grad, jacobian, hessian):
        plain, fast = transform(f), jit(transform(f))
        for x in (1.5, 1.5, Value(2.0), np.array([1.0, 2.0])[1]):
            eager, compiled = plain(x), fast(x)
            pairs = (
                zip(eager, compiled, strict=True) if type(eager) is tuple else [(eager, compiled)]
            )
            for a, b in pairs:
                assert type(b) is type(a) is Value
                assert b.data == a.data
                leaves = [v for v in (w, x) if type(v) is Value]
                close(gradients(b, leaves), gradients(a, leaves))
    constant = jit(grad(lambda x: 3.0 * x + w))(1.0)
    assert type(constant) is Value
    pytest.importorskip("scipy")
    with pytest.raises(TypeError, match="a sparse matrix has no Values"):
        jit(jacobian(lambda x: [w * x[0]], sparse=True))([1.0])


# -- derivatives of derivatives --------------------------------------------------------------------


def nth_derivatives(f, leaves, order):
    """All derivatives along the sum of the leaves, by repeated recorded sweeps."""
    found, y = [], f()
    for _ in range(order):
        for v in leaves:
            v.grad = 0.0
        y.backward(create_graph=True)
        found.append([v.grad.data if type(v.grad) is Value else v.grad for v in leaves])
        y = functions.sum([v.grad * (k + 1.0) for k, v in enumerate(leaves)])
    return found


def test_derivatives_of_every_order():
    w, u = Value(0.7), Value(-1.3)

    def f(x):
        return sin(x * w * u) * exp(u) + w**3, tanh(u * x) if w > 0 else u

    fast, x = jit(f), Value(1.1)
    leaves = [w, u, x]
    for pick in (lambda y: y[0], lambda y: y[0] * y[1] + sin(y[0]) * w):
        eager = nth_derivatives(lambda pick=pick: pick(f(x)), leaves, 4)
        compiled = nth_derivatives(lambda pick=pick: pick(fast(x)), leaves, 4)
        for a, b in zip(eager, compiled, strict=True):
            assert b == pytest.approx(a, rel=1e-10)
    for v in leaves:
        v.grad = 0.0
    y = fast(x)[0]
    y.backward(create_graph=True)
    first = [v.grad for v in leaves]
    assert all(type(v) is Value for v in first)
    close([v.data for v in first], gradients(f(x)[0], leaves))
    close(gradients(first[0], leaves), [b[0] for b in hessian_of(lambda *p: total(*p), leaves)])


def total(w, u, x):
    return sin(x * w * u) * exp(u) + w**3


def hessian_of(f, leaves):
    h = hessian(lambda p: f(*p))(np.array([v.data for v in leaves]))
    return h.tolist()


@given(expression)
def test_second_derivatives_of_any_function(drawn):
    f, g, at = drawn
    x, y, w, u = (Value(number) for number in at)
    fast = jit(lambda x, y: f(x, y, w, u) * g(x, y, w, u))
    found = [nth_derivatives(lambda h=h: h(x, y) * w, [w, u, x, y], 2) for h in (fast.f, fast)]
    for eager, compiled in zip(*found, strict=True):
        largest = max(1.0, *(abs(number) for number in found[0][0] + eager))
        assert compiled == pytest.approx(eager, rel=1e-9, abs=1e-9 * largest)


def test_a_leaf_that_has_changed_is_refused_by_create_graph():
    w, u, held = Value(2.0), Value(3.0), Value(5.0)
    f = jit(lambda x: (x * w * w * held.detach(), x * u))
    y, z = f(2.0)
    held.data = 7.0  # which no derivative is by
    y.backward(create_graph=True)
    assert w.grad.data == 40.0
    w.data = 2.5
    z.backward(create_graph=True)  # depends on the other
    for root in (y, y * 2.0 + z):
        with pytest.raises(
            RuntimeError, match=r"leaf's data was changed after jit\(<lambda>\) was"
        ):
            root.backward(create_graph=True)
    w.data = 2.0
    y.backward(create_graph=True)
    y.backward()
    scaled = y * u
    u.data = 3.5
    with pytest.raises(RuntimeError, match="leaf's data was changed after mul was"):
        scaled.backward(create_graph=True)


def test_a_gradient_of_a_call_that_was_a_value_is_a_number_again():
    w = Value(2.0)
    y = jit(lambda x: x * w)(3.0)
    y.backward(create_graph=True)
    w.grad = 0.0
    y.backward()
    assert (type(y.grad), y.grad, w.grad) == (float, 1.0, 3.0)


def test_logsumexp_and_detach_are_held_in_every_order():
    w, u = Value(0.3), Value(0.9)

    def f(x):
        return functions.logsumexp([w * x, u, w * u]) * w.detach()

    fast, leaves = jit(f), [w, u]
    eager = nth_derivatives(lambda: f(2.0), leaves, 3)
    compiled = nth_derivatives(lambda: fast(2.0), leaves, 3)
    for a, b in zip(eager, compiled, strict=True):
        assert b == pytest.approx(a, rel=1e-10)


def test_choices_in_higher_orders():
    w, u = Value(0.3), Value(0.9)

    def f(x):
        return where(functions.less(x, 0.0), w * w * x, u**3)

    fast = jit(f)
    for x in (-1.0, 1.0):
        eager = nth_derivatives(lambda x=x: f(x) * w, [w, u], 3)
        for a, b in zip(eager, nth_derivatives(lambda x=x: fast(x) * w, [w, u], 3), strict=True):
            close(b, a)


def test_check_gradient_of_a_function_that_calls_it():
    w = Value(0.8)
    f = jit(lambda x, y: sin(x * w) * y)
    check_gradient(lambda x, y: f(x, y) * f(y, x) + x, 0.5, 1.5)
    check_gradient(lambda x: f(x, 1.0).detach() * 0.0 + f(x, x), 0.5)


# -- inside other things ---------------------------------------------------------------------------


def test_inside_a_trace_it_is_inlined():
    w, u = Value(2.0), Value(3.0)
    f = jit(lambda x: x * x * w if x > 0 else x * u)
    f(1.0), f(Value(1.0))
    outside = f(1.0)
    for x in (2.0, -2.0, 3.0):
        slope = 2 * x * 2.0 if x > 0 else 3.0
        assert grad(f)(x).data == slope
        assert grad(lambda x: f(x) * f(1.0))(x).data == slope * 2.0
        assert jit(grad(f))(x).data == slope
        assert hessian(f)(x).data == (4.0 if x > 0 else 0.0)
        both = jit(lambda x: f(x) + f(2.0) * outside)(x)
        assert both.data == (x * x * 2.0 if x > 0 else 3.0 * x) + 16.0
        assert gradients(both, [w, u]) == [(x * x if x > 0 else 0) + 4.0 * 2.0 + 8.0, (x < 0) * x]
        assert all(v.op != "call" for v in topological_order([grad(f)(x)]))
    by_captured = grad(lambda x: outside * x)(5.0)
    assert gradients(by_captured, [w]) == [1.0]


def test_a_value_of_a_trace_in_another_thread_joins_the_trace():
    w = Value(2.0)
    f = jit(lambda x: x * x * w)
    f(1.0), f(Value(1.0))

    def through_a_thread(x):
        found = []
        thread = threading.Thread(target=lambda: found.append(f(x)))
        thread.start()
        thread.join()
        return found[0]

    def of_what_is_captured(x):
        found = []
        thread = threading.Thread(target=lambda: found.append(jit(lambda y: x * y)(5.0)))
        thread.start()
        thread.join()
        return found[0] * x

    assert grad(of_what_is_captured)(3.0) == 30.0
    assert grad(through_a_thread)(3.0).data == 12.0
    assert hessian(through_a_thread)(3.0).data == 4.0
    kept = []
    jit(lambda x: kept.append(x) or x, check=False)(1.0)
    with pytest.raises(RuntimeError, match="outside the trace that it belongs to"):
        jit(lambda x: w)(kept[0])


def test_methods_of_modules():
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.offset = Value(2.0), Value(1.0)

        @jit
        def forward(self, x):
            return self.slope * x + self.offset

    line = Line()
    other = copy.deepcopy(line)
    for model in (line, other, pickle.loads(pickle.dumps(nn.MLP(1, [1], "tanh")))):
        y = model(3.0) if isinstance(model, Line) else jit(lambda x, m=model: m([x])[0])(3.0)
        leaves = model.parameters()
        assert len(calls(y)) == 1
        assert all(g != 0.0 for g in gradients(y, leaves))
    assert line.slope.grad == other.slope.grad == 3.0
    other.slope.data = 5.0
    assert (line(3.0).data, other(3.0).data) == (7.0, 16.0)
    line.slope = Value(4.0)  # another parameter in its place
    y = line(3.0)
    assert (y.data, gradients(y, [line.slope])) == (13.0, [3.0])


def test_detect_anomaly_runs_the_function_itself():
    w = Value(0.0, name="w")
    f = jit(lambda x: log(w) * x)
    y = f(1.0)
    with detect_anomaly():
        with pytest.raises(FloatingPointError, match=r"log\(w=0.0\) is -inf"):
            f(1.0)
        with pytest.raises(FloatingPointError, match=r"backward\(\) through call\(w=0.0\)"):
            y.backward()
        w.data = 1.0
        assert [v.op for v in topological_order([f(2.0)])] == ["", "log", "mul"]
        times = []
        twice = jit(lambda x: times.append(1) or {"twice": [x * 2.0]})
        assert twice(3.0) == {"twice": [6.0]}
        assert twice(Value(3.0))["twice"][0].data == 6.0
        assert len(times) == 2


def test_it_goes_on_checking_itself():
    w, count = Value(2.0), iter(range(100))
    unlike = jit(lambda x: x * w + float(next(count)))
    with pytest.raises(RuntimeError, match="reads something that changes"):
        [unlike(1.0) for _ in range(9)]
    times = []
    good = jit(lambda x: times.append(1) or x * w)
    assert [good(Value(float(k))).data for k in range(9)] == [2.0 * k for k in range(9)]
    assert len(times) == 4  # the trace, and the 2nd, 4th and 8th call


def test_primitives_of_ones_own():
    softsign = primitive("soft", lambda a: a / (1 + abs(a)), [lambda a, v: 1 / (1 + abs(a)) ** 2])
    opaque = primitive("opaque", math.sinh, [lambda a, v: math.cosh(a)])
    w = Value(1.0)
    y = jit(lambda x: softsign(w) * x)(4.0)
    assert nth_derivatives(lambda: y, [w], 2) == [[1.0], [-1.0]]
    y = jit(lambda x: opaque(w) * x)(4.0)
    assert gradients(y, [w]) == [4.0 * math.cosh(1.0)]
    with pytest.raises(TypeError):
        nth_derivatives(lambda: y, [w], 2)


def test_it_is_shown_with_the_name_of_the_function():
    w, u = Value(2.0, name="w"), Value(3.0)

    def loss(x):
        return x * w * u

    y = jit(loss)(1.0)
    assert repr(y) == "Value(6.0, op='call', name='jit(loss)')"
    y.backward()
    source = graph.draw(y * 2).source
    assert ">jit(loss) = call</FONT></B><BR/>data 6<BR/>grad 1>" in source
    assert ">w</FONT></B><BR/>data 2<BR/>grad 3>" in source
    with pytest.raises(TypeError, match=r"a computed Value \(call\) cannot be copied"):
        pickle.dumps(y)
    with pytest.raises(TypeError, match="data of a computed Value"):
        y.data = 1.0


# -- threads, interrupts, memory -------------------------------------------------------------------


def test_threads_call_one_function():
    loss, parameters = net()
    f, points_of, wrong = jit(loss), np.random.default_rng(0).normal(size=(8, 3)).tolist(), []
    wanted = [gradients(loss(xs, 0.1), parameters) for xs in points_of]
    for p in parameters:
        p.grad = 0.0
    start = threading.Barrier(8)

    def work(k):
        start.wait()
        try:
            for _ in range(20):
                y = f(points_of[k], 0.1)
                assert y.data == loss(points_of[k], 0.1).data
                by = dict(zip(map(id, y.operands), y.partials, strict=True))
                close([by[id(p)] for p in parameters], wanted[k])
                y.backward()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [p.grad for p in parameters] == pytest.approx((20 * np.sum(wanted, axis=0)).tolist())


def test_an_interrupted_step_leaves_no_half_of_a_gradient():
    w, u, noted = Value(2.0), Value(3.0), Value(4.0, name="noted")
    (noted * noted).backward(create_graph=True)
    f = jit(lambda x: x * w * u * noted, check=False)
    f(1.0)
    moment = 0
    while True:
        before = (w.grad, u.grad, noted.grad.data)
        if not interrupted(lambda: f(1.0).backward(), moment, ["call"]):
            break
        after = (w.grad, u.grad, noted.grad.data)
        assert after in (before, tuple(np.add(before, (12.0, 8.0, 6.0)).tolist()))
        moment += 1
    assert moment > 10


def test_nothing_is_kept_of_what_is_dropped():
    class Holder:
        pass

    def made():
        w, holder = Value(2.0), Holder()
        holder.f = jit(lambda x: x * w * w)
        w.holder = holder
        y = holder.f(3.0)
        y.backward(create_graph=True)
        w.grad.backward()
        return weakref.ref(holder)

    alive = made()
    gc.collect()
    gc.collect()
    assert alive() is None


# -- both engines ----------------------------------------------------------------------------------

PROGRAM = """
import numpy as np
from autodiff import Value, jit, optim, tanh, where, functions
rng = np.random.default_rng(0)
ws = [Value(x) for x in rng.normal(size=12)]
@jit
def loss(xs, v):
    hidden = [tanh(functions.dot(ws[3 * k : 3 * k + 3], xs)) for k in range(4)]
    total = sum(h * w for h, w in zip(hidden, ws)) * v
    return where(functions.less(total, 0.0), -total, total) ** 2, functions.logsumexp(hidden)
optimizer, v = optim.Adam(ws, lr=0.1), Value(1.5)
for _ in range(6):
    a, b = loss(rng.normal(size=3).tolist(), v)
    optimizer.zero_grad()
    (a + b * 0.1).backward()
    optimizer.step()
    print(*(x.hex() for x in (a.data, b.data, v.grad, *a.partials, *b.partials)))
a, b = loss([0.5, -1.0, 2.0], v)
(a * b).backward(create_graph=True)
print(*(w.grad.data.hex() for w in ws))
"""


def test_both_engines_agree_to_the_bit():
    printed = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "AUTODIFF_PURE": pure},
            capture_output=True,
            text=True,
            check=False,
        )
        for pure in ("0", "1")
    ]
    assert printed[0].stdout == printed[1].stdout
    assert len(printed[0].stdout.splitlines()) == 7, printed[0].stderr
