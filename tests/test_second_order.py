"""backward(create_graph=True): gradients that are Values, and can be differentiated again."""

import gc
import math
import random
import tracemalloc

import mpmath
import numpy as np
import pytest
from mpmath import mp

import autodiff
from autodiff import (
    Value,
    cos,
    dot,
    evaluation,
    exp,
    jit,
    log,
    logsumexp,
    no_grad,
    primitive,
    scope,
    sigmoid,
    sin,
    tanh,
)
from autodiff.contexts import within
from autodiff.engine.traces import Trace
from autodiff.ops import CODES
from autodiff.value import number_of


def derivatives(function, number, orders):
    """``[f, f', f'', ...]`` at a number, each by a sweep over the one before."""
    x = Value(number)
    y = function(x)
    results = [y.data]
    for _ in range(orders):
        x.grad = 0.0
        y.backward(create_graph=True)
        y = x.grad if isinstance(x.grad, Value) else Value(x.grad)  # 0.0: no longer of x
        results.append(y.data)
    return results


def hessian(function, numbers):
    """Second derivatives of a function of a list of Values."""
    xs = [Value(x) for x in numbers]
    function(xs).backward(create_graph=True)
    rows = []
    for dx in [x.grad for x in xs]:
        for x in xs:
            x.grad = 0.0
        dx.backward()
        rows.append([x.grad for x in xs])
    return rows


def test_a_gradient_is_a_value_with_a_history():
    x = Value(3.0)
    y = x**3
    y.backward(create_graph=True)
    dx = x.grad
    assert type(dx) is Value
    assert dx.data == 27.0
    assert dx.op != ""
    assert type(y.grad) is Value
    assert y.grad.data == 1.0
    dx.backward()
    assert type(x.grad) is Value  # the sweep added to what was there: f' + f''
    assert x.grad.data == 27.0 + 18.0


def test_setting_a_gradient_makes_it_a_number_again():
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    dx = x.grad
    x.grad = 0.0
    assert type(x.grad) is float
    dx.backward()
    assert x.grad == 18.0
    assert type(x.grad) is float


@pytest.mark.parametrize(
    ("function", "number", "wanted"),
    [
        (lambda x: x**4, 2.0, [16.0, 32.0, 48.0, 48.0, 24.0, 0.0]),
        (lambda x: x * x * x, -2.0, [-8.0, 12.0, -12.0, 6.0, 0.0]),
        (lambda x: 1 / x, 2.0, [0.5, -0.25, 0.25, -0.375, 0.75]),
        (lambda x: 5 - 3 * x, 2.0, [-1.0, -3.0, 0.0, 0.0]),
        (lambda x: x**2, 0.0, [0.0, 0.0, 2.0, 0.0]),
        (lambda x: dot([x, 2.0], [x, x]), 3.0, [15.0, 8.0, 2.0, 0.0]),
        (lambda x: autodiff.mean([x * x, x, 1.0, 0.0]), 3.0, [3.25, 1.75, 0.5, 0.0]),
    ],
)
def test_polynomials_have_the_derivatives_one_writes_down(function, number, wanted):
    assert derivatives(function, number, len(wanted) - 1) == wanted


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (sin, mpmath.sin),
        (lambda x: exp(2 * x), lambda x: mpmath.exp(2 * x)),
        (lambda x: log(x) * cos(x), lambda x: mpmath.log(x) * mpmath.cos(x)),
        (lambda x: tanh(x**2), lambda x: mpmath.tanh(x**2)),
        (lambda x: x**x, lambda x: x**x),
        (lambda x: 2.0**x, lambda x: 2**x),
        (lambda x: sigmoid(x) / x, lambda x: 1 / (x + x * mpmath.exp(-x))),
        (
            lambda x: logsumexp([x, x * x, 0.0]),
            lambda x: mpmath.log(mpmath.exp(x) + mpmath.exp(x**2) + 1),
        ),
        (
            lambda x: autodiff.softmax([x, x * x])[1],
            lambda x: 1 / (1 + mpmath.exp(x - x**2)),
        ),
        (lambda x: autodiff.atan2(x, 2 - x), lambda x: mpmath.atan2(x, 2 - x)),
    ],
)
def test_derivatives_up_to_the_third_are_those_of_mpmath(ours, theirs):
    with mp.workdps(50):
        for number in (0.7, 1.9):
            wanted = [float(mpmath.diff(theirs, mp.mpf(number), n)) for n in range(4)]
            assert derivatives(ours, number, 3) == pytest.approx(wanted, rel=1e-12)


def test_mixed_derivatives():
    def f(xs):
        a, b = xs
        return a**2 * b**3

    assert hessian(f, [2.0, 3.0]) == [[54.0, 108.0], [108.0, 72.0]]
    assert hessian(lambda xs: xs[0] ** xs[1], [1.0, 5.0]) == [[20.0, 1.0], [1.0, 0.0]]


def test_the_hessian_of_logsumexp_is_that_of_softmax():
    numbers = [0.5, -1.0, 2.0, 1000.0, 1000.5]
    for chosen in (numbers[:3], numbers[3:]):
        p = autodiff.softmax(chosen)
        wanted = [[(i == j) * a - a * b for j, b in enumerate(p)] for i, a in enumerate(p)]
        for got, expected in zip(hessian(logsumexp, chosen), wanted, strict=True):
            assert got == pytest.approx(expected, rel=1e-14)


def test_the_penalty_of_a_gradient():
    x, w = Value(2.0), Value(3.0)
    (w * x * x).backward(create_graph=True)
    penalty = x.grad**2  # (2 w x)**2
    x.grad = w.grad = 0.0
    penalty.backward()
    assert (penalty.data, x.grad, w.grad) == (144.0, 144.0, 96.0)


def test_a_hessian_vector_product_by_a_seed():
    x, y = Value(2.0), Value(3.0)
    (x * x * y).backward(create_graph=True)
    along = 5.0 * x.grad + 7.0 * y.grad
    x.grad = y.grad = 0.0
    along.backward()
    assert (x.grad, y.grad) == (6.0 * 5 + 4.0 * 7, 4.0 * 5)


def test_a_seed_may_be_a_number_or_a_value():
    x, seed = Value(3.0), Value(10.0)
    (x * x).backward(seed=seed, create_graph=True)
    dx = x.grad
    assert dx.data == 60.0
    x.grad = 0.0
    dx.backward()
    assert (x.grad, seed.grad) == (20.0, 6.0)
    x.grad = 0.0
    (x * x).backward(seed=0.5, create_graph=True)
    assert x.grad.data == 3.0
    with pytest.raises(TypeError, match=r"seed\) must be a real number, not 'a'"):
        (x * x).backward("a", create_graph=True)


def test_gradients_accumulate_in_leaves_only():
    x = Value(3.0)
    y = x * x
    y.backward()
    y.backward(create_graph=True)
    y.backward(create_graph=True)
    assert x.grad.data == 18.0
    y.backward()
    assert x.grad.data == 24.0
    assert y.grad == 1.0
    assert type(y.grad) is float


def test_a_plain_sweep_adds_to_gradients_of_either_kind():
    x, y = Value(2.0, name="x"), Value(5.0)
    z = x * x
    z.backward(create_graph=True)
    slope = x.grad
    (z * y).backward()  # y has a number for a gradient, x a Value
    assert (x.grad.data, x.grad.op, x.grad.operands[0], y.grad) == (24.0, "add", slope, 4.0)
    assert (z.grad, type(z.grad)) == (5.0, float)
    x.grad.backward()
    assert x.grad.data == 26.0


def test_a_leaf_alone_has_the_seed_as_gradient():
    x = Value(3.0)
    x.backward(create_graph=True)
    assert x.grad.data == 1.0


def test_a_changed_leaf_is_refused_and_nothing_else_has_changed():
    x = Value(3.0)
    y = exp(x * x)
    x.data = 2.0
    with pytest.raises(RuntimeError, match=r"after mul was recorded as 9\.0.*record the graph"):
        y.backward(create_graph=True)
    assert (x.grad, y.grad) == (0.0, 0.0)
    x.data = 3.0
    y.backward(create_graph=True)
    assert x.grad.data == pytest.approx(6 * math.exp(9.0), rel=1e-15)


def test_a_changed_partial_is_refused_in_a_trace_too():
    x, y = Value(0.0), Value(2.0)
    z = x * y
    y.data = 3.0  # z is still 0
    for sweep in (z.backward, lambda **how: jit(lambda t: z.backward(**how) or t)(1.0)):
        with pytest.raises(RuntimeError, match=r"after mul was recorded as 0\.0.*record the graph"):
            sweep(create_graph=True)


def test_a_changed_partial_of_a_primitive_in_python_is_refused():
    even = primitive("even_in_python", lambda a: a * a, [lambda a, v: 2 * a])
    x = Value(2.0)
    y = even(x)
    x.data = -2.0
    with pytest.raises(RuntimeError, match=r"data was changed after even_in_python was"):
        y.backward(create_graph=True)


def test_a_list_over_a_changed_leaf_is_refused():
    x = Value(3.0)
    y = dot([x, 1.0], [2.0, x])
    x.data = 2.0
    with pytest.raises(RuntimeError, match="dot"):
        y.backward(create_graph=True)


def test_a_leaf_may_change_after_the_sweep():
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    dx = x.grad
    x.grad = 0.0
    x.data = 100.0
    dx.backward()
    assert x.grad == 18.0


def test_it_needs_recording():
    y = Value(2.0) ** 2
    with no_grad(), pytest.raises(RuntimeError, match="no_grad"):
        y.backward(create_graph=True)


def test_gradients_are_recorded_in_the_scope_of_the_sweep():
    x = Value(2.0)
    y = x**3
    with scope("second order"):
        y.backward(create_graph=True)
    assert x.grad.scope == "second order"
    assert y.scope == ""


def test_deep_graphs_need_no_recursion():
    x = y = Value(1.0)
    for _ in range(20_000):
        y = y * 0.5 + 0.5
    y.backward(create_graph=True)
    (dx, x.grad) = (x.grad, 0.0)
    assert dx.data == 0.0
    dx.backward()
    assert x.grad == 0.0
    y = dx = None
    gc.collect()


# -- memory: gradients refer to nodes and nodes to gradients, so the collector must see them -------


def tracked_values():
    """How many Values the collector looks after."""
    gc.collect()
    return sum(type(x) is Value for x in gc.get_objects())


def twice_differentiated(size):
    """A graph with gradients that are Values, and so with cycles."""
    xs = [Value(random.random()) for _ in range(size)]
    y = sum(sin(x) * exp(x) for x in xs) + logsumexp(xs)
    y.backward(create_graph=True)
    return xs


def swept_again(size):
    """The same, with gradients that are Values and to which a plain sweep has added."""
    xs = twice_differentiated(size)
    dot(xs, xs).backward()
    (xs[0] * xs[1]).backward()
    return xs


@pytest.mark.parametrize("work", [twice_differentiated, swept_again])
def test_cycles_are_collected(work):
    before = tracked_values()
    xs = work(50)
    assert tracked_values() > before + 100  # the test sees them
    del xs
    assert tracked_values() == before


def differentiated_once():
    """A graph without cycles."""
    y = Value(1.0)
    for _ in range(500):
        y = y * 1.001 + dot([y, 1.0], [0.5, y])
    y.backward()


@pytest.mark.parametrize("work", [differentiated_once, lambda: twice_differentiated(100)])
def test_memory_does_not_grow(work):
    def used_after(times):
        for _ in range(times):
            work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    work()
    tracemalloc.start()
    try:
        before = used_after(3)
        after = used_after(30)
    finally:
        tracemalloc.stop()
    assert after - before < 500_000  # bytes: the dead nodes that are kept, but not 30 graphs


def test_a_primitive_of_values_refuses_what_is_no_number():
    with pytest.raises(TypeError, match=r"add\(\) takes real numbers and Values, not .* array"):
        evaluation.apply(CODES["add"], Value(1.0), np.array([1.0]))


@pytest.mark.parametrize("name", ["largest", "peak"])
def test_the_largest_is_recorded_in_a_trace_and_held_constant(name):
    xs = [Value(1.0), 3.0, Value(2.0)]
    tracing = Trace(frozen=True).mode()
    m = within(tracing, evaluation.largest, xs, name)
    plain = within(tracing, evaluation.largest, [1.0, 3.0], name)
    assert (m.op, number_of(m), m.partials, m.operands) == (name, 3.0, (0.0,) * 3, tuple(xs))
    assert plain == evaluation.largest(xs, name) == 3.0
    infinite = [Value(math.inf), 1.0]
    assert evaluation.largest(infinite, name) == (0.0 if name == "largest" else math.inf)


@pytest.mark.parametrize(("x", "y"), [(Value(5.0), 7.0), (5.0, Value(7.0)), (5.0, 7.0)])
@pytest.mark.parametrize(("i", "j"), [(0.0, 0.0), (2.0, 2.0), (1.0, 2.0), (2.0, 1.0)])
def test_what_is_picked_is_recorded_in_a_trace_if_an_index_is_a_value(x, y, i, j):
    tracing = Trace(frozen=True).mode()
    same = i == j
    for indices in ((Value(i), j), (i, Value(j)), (Value(i), Value(j))):
        v = within(tracing, evaluation.pick, x, *indices, y)
        assert (v.op, number_of(v), v.operands) == ("pick", 5.0 if same else 7.0, (x, *indices, y))
        assert v.partials == (same and type(x) is Value, 0, 0, not same and type(y) is Value)
        assert evaluation.pick(x, *indices, y) is (x if same else y)
    assert within(tracing, evaluation.pick, x, i, j, y) is (x if same else y)


def test_a_name_given_later_leaves_a_recorded_gradient_as_it_is():
    x = Value(2.0)
    (x * x).backward(create_graph=True)
    slope = x.grad
    x.name = "x"
    x.momentum = 0.5
    x.name = "y"
    assert x.grad is slope
    assert (x.name, x.momentum) == ("y", 0.5)


def test_gradients_add_up_in_a_traced_function_if_they_are_recorded():
    def twice(x):
        y = x * 1.0
        for _ in range(2):
            (x * x * y).backward(create_graph=True)
        return x.grad * 1.0

    assert jit(twice)(3.0) == 54.0  # 2*3*x**2
    p = Value(3.0)
    p.grad = 2.0

    def onto_a_number(x):
        (p * x).backward(create_graph=True)
        return x

    with pytest.raises(RuntimeError, match=r"reading \.grad as a number"):
        jit(onto_a_number)(1.0)
    assert p.grad == 2.0
