"""What a trace refuses, and how it lives with contexts, threads, signals, processes and nets."""

import _thread
import copy
import math
import operator
import os
import pickle
import signal
import threading
import time
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import (
    Value,
    derivative,
    detect_anomaly,
    functions,
    grad,
    hessian,
    jacobian,
    jit,
    nn,
    no_grad,
    optim,
    primitive,
    scope,
    take,
    value_and_grad,
    vmap,
)
from autodiff.contexts import within
from autodiff.engine.modes import MODE, PLAIN
from autodiff.engine.traces import Trace, active
from autodiff.sweeps import visit
from autodiff.value import number_of

# -- what would freeze a number --------------------------------------------------------------------


@pytest.mark.parametrize("transform", [jit, lambda f: jit(grad(f))])
@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda x: x * x.data, RuntimeError, "reading .data .* compute with the Value itself"),
        (lambda x: x * x.grad, RuntimeError, "reading .grad .* use autodiff.grad"),
        (lambda x: (x * x).partials[0] * x, RuntimeError, "reading .partials .*autodiff.grad"),
        (lambda x: (x * x).backward() or x, RuntimeError, r"backward\(\) .*autodiff.grad\(f\)"),
        (lambda x: copy.copy(x) * 2, RuntimeError, "a copy of a Value .* use the Value itself"),
        (lambda x: copy.deepcopy([x])[0], RuntimeError, "a copy of a Value"),
        (lambda x: pickle.loads(pickle.dumps(x)), RuntimeError, "a copy of a Value"),
        (lambda x: float(x) * x, TypeError, "would lose its gradient"),
        (lambda x: math.sin(x), TypeError, "autodiff.sin"),
        (lambda x: x if x > Fraction(1, 3) else -x, TypeError, "compare it with a float"),
        (lambda x: x if x < 10**400 else -x, TypeError, "compare it with a float"),
        (lambda x: x if x == np.float32(0.1) else -x, TypeError, "compare it with a float"),
    ],
)
def test_what_would_freeze_a_number_is_refused(transform, f, error, words):
    for _ in range(2):
        with pytest.raises(error, match=words):
            transform(f)(0.1)
    assert MODE.get() is PLAIN
    assert Value(2.0).data == 2.0


@pytest.mark.parametrize("transform", [grad, hessian, derivative])
def test_what_a_transform_runs_once_reads_the_numbers_of_its_call(transform):
    def f(x):
        inner = x * x
        inner.backward()
        c = copy.copy(x).data + float(f"{x.data:.17g}") + inner.partials[0] + x.grad
        return c * x * x if x > Fraction(1, 3) or x > 10**400 else -x

    for x in (0.5, 3.0):
        c = x + x + x + 2 * x
        wanted = {grad: 2 * c * x, derivative: 2 * c * x, hessian: 2 * c}
        assert transform(f)(x) == pytest.approx(wanted[transform], rel=1e-14)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, w: setattr(x, "data", 5.0), "setting .data .* compute another Value"),
        (lambda x, w: setattr(w, "data", 5.0), "setting .data .* compute another Value"),
        (lambda x, w: setattr(w, "grad", 5.0), "setting .grad .* set it outside"),
        (lambda x, w: optim.SGD([w], lr=1.0).step(), "reading .grad"),
        (lambda x, w: optim.SGD([w], lr=1.0).zero_grad(), "setting .grad"),
        (lambda x, w: optim.clip_grad_norm_([w], 1.0), "reading .grad"),
    ],
)
def test_what_would_happen_once_is_refused(change, words):
    w = Value(2.0)
    w.grad = 3.0

    def f(x):
        change(x, w)
        return x * w

    for _ in range(2):
        with pytest.raises(RuntimeError, match=words):
            jit(f)(0.1)
    assert (w.data, w.grad) == (2.0, 3.0)
    with no_grad(), scope("a"):
        change(Value(1.0), w)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
@pytest.mark.parametrize(("before", "after"), [(2.0, 5.0), (2.0, math.nan), (math.nan, 5.0)])
def test_a_function_that_sets_its_argument_is_refused(transform, before, after):
    def f(xs):
        xs[1].data = after
        return xs[0] * xs[1]

    name = rf"{transform.__name__}\(f\)"
    words = f"{name}: the function .* set .data .* from {before!r} to {after!r}: compute another"
    with pytest.raises(RuntimeError, match=words):
        transform(f)([1.0, before])


def test_what_was_not_a_number_stays_so():
    assert grad(lambda xs: xs[0] * xs[1])([1.0, math.nan])[1] == 1.0
    assert hessian(lambda xs: xs[0] * xs[1])([Value(1.0), math.nan]) == [[0.0, 1.0], [1.0, 0.0]]


def test_gradients_within_a_trace_may_start_anew():
    def curve(x):
        (x**3).backward(create_graph=True)
        slope = x.grad
        x.grad = 0.0
        slope.backward(create_graph=True)
        return x.grad

    fast = jit(curve)
    assert [fast(x) for x in (1.0, 2.0)] == [6.0, 12.0]


def test_the_message_names_the_line():
    def f(x):
        return x * x.data

    with pytest.raises(RuntimeError, match=f"{__file__}:{f.__code__.co_firstlineno + 1}"):
        jit(f)(1.0)


def test_comparisons_with_exact_numbers_are_kept():
    f = jit(lambda x: x if x < Fraction(1, 2) or x > 2**60 or x == np.float32(0.75) else -x)
    for x in (0.1, 0.5, 0.75, 2.0**61, 0.1):
        assert f(x) == (x if x < 0.5 or x > 2.0**60 or x == 0.75 else -x)


# -- contexts --------------------------------------------------------------------------------------


def test_what_is_held_constant_is_computed_every_time():
    def with_no_grad(x):
        with no_grad():
            c = x * x
        return c * x

    for f in (with_no_grad, lambda x: (x * x).detach() * x):
        fast, slope, curve = jit(f), grad(f), hessian(f)
        for x in (3.0, 2.0, -1.0):
            assert (fast(x), slope(x), curve(x)) == (x**3, x * x, 0.0)


def test_backward_inside_a_trace():
    def slope(f):
        def g(x):
            f(x).backward(create_graph=True)
            return x.grad

        return g

    mine = primitive("traced_cube", lambda a: a**3, [lambda a, v: 3 * a * a])
    for f, wanted in [
        (lambda x: x * x * x, lambda x: 3 * x * x),
        (lambda x: (x * x).detach() * x, lambda x: x * x),
        (lambda x: functions.logsumexp([x, 2 * x]) * 1.0, None),
        (lambda x: functions.softmax([x, 2 * x])[0], None),
        (mine, lambda x: 3 * x * x),
    ]:
        fast = jit(slope(f))
        for x in (1.5, -0.5):
            assert fast(x) == pytest.approx(grad(f)(x), rel=1e-14)
            assert wanted is None or fast(x) == wanted(x)
    picked = jit(lambda xs, i: slope(lambda _: take([x * x for x in xs], i[0]))(xs[1]))
    assert [picked([1.0, 3.0], np.array([i])) for i in (1, 0)] == [6.0, 0.0]
    assert grad(slope(mine))(2.0) == 12.0


def test_a_sweep_inside_leaves_nothing_to_the_one_of_the_transform():
    def f(x):
        y = x * x
        y.backward(5.0)
        return y * 3.0

    assert grad(f)(2.0) == 12.0


def test_a_leaf_made_inside_is_nothing_from_outside():
    # A sweep adds up from 0.0; the program that is asked when something is from outside does not.
    assert repr(grad(lambda x: x * Value(-0.0))(2.0)) == "0.0"


def test_scopes_and_names_do_not_hide_the_trace():
    def f(x):
        with scope("layer"):
            y = x * x
            y.name = "y"
            return y * 2 if y > 1 else y

    fast = jit(f)
    assert [fast(x) for x in (0.5, 2.0, 0.1)] == [0.25, 8.0, 0.1 * 0.1]
    assert grad(f)(2.0) == 8.0


def test_what_one_line_records_has_names_of_its_own():
    def f(x):
        ys = [x * k for k in (2.0, 3.0)]
        ys[0].name = "first"
        seen.append([y.name for y in ys])
        return ys[0] + ys[1]

    seen = []
    assert jit(f)(1.0) == 5.0
    assert seen == [["first", ""]]


def test_anomalies_are_found_at_every_call():
    f = jit(lambda x: functions.log(x) * 2.0)
    g = grad(lambda x: functions.sqrt(x) * 2.0)
    assert (f(1.0), g(1.0)) == (0.0, 1.0)
    with detect_anomaly():
        assert (f(1.0), g(1.0)) == (0.0, 1.0)
        assert grad(functions.atanh)(0.5) == pytest.approx(4 / 3)
        with pytest.raises(FloatingPointError, match=rf"log\(0.0\) is -inf, at {__file__}"):
            f(0.0)
        with pytest.raises(FloatingPointError, match=rf"through sqrt\(0.0\): .* at {__file__}"):
            g(0.0)
        with pytest.raises(FloatingPointError, match=r"div\(0.5, 0.0\) is inf"):
            hessian(lambda x: functions.sqrt(x) * 2.0)(0.0)
        # Its derivative limits log(0.0) to -100.
        assert jacobian(functions.bernoulli_entropy, (0, 1))(0.0, 1.0) == (-1e12, 100.0)
    assert (f(0.0), g(0.0)) == (-math.inf, math.inf)


def test_anomalies_are_found_in_what_programs_alone_compute():
    steep = primitive("steep_branches", lambda a: a, [lambda a, v: math.inf if a > 0 else 1.0])
    logs = jit(lambda xs: vmap(functions.log)(xs)).lower(np.ones(2))
    assert jacobian(steep)(1.0) == math.inf
    with detect_anomaly():
        assert hessian(lambda xs: logs(xs).sum())(np.array([1.0, 2.0])).tolist() == [
            [-1.0, 0.0],
            [0.0, -0.25],
        ]
        with pytest.raises(FloatingPointError, match=r"partial 1 of steep_branches\(1.0, .* inf"):
            jacobian(steep)(1.0)
        with pytest.raises(FloatingPointError, match=rf"log\(0.0\) is -inf, at {__file__}"):
            logs(np.array([1.0, 0.0]))


def test_what_comes_from_outside_is_listed_once_and_not_what_it_was_computed_from():
    x = Value(2.0)
    outside, trace = x * x, Trace()
    y = within(trace.mode(), lambda: outside * outside + outside)
    assert [id(v) for v in visit([y], trace)] == [id(v) for v in (outside, y.operands[0], y)]
    assert [id(v) for v in visit([y], trace, [outside])] == [id(v) for v in (y.operands[0], y)]


@pytest.mark.parametrize("context", [nullcontext, detect_anomaly])
def test_a_transform_changes_no_gradient_outside(context):
    x = Value(2.0)
    inner = x * x
    outside = inner * 3.0
    outside.backward()
    with context():
        slope = grad(lambda y: y * outside + x)(5.0)
    assert slope.data == 12.0
    assert (x.grad, inner.grad, outside.grad) == (12.0, 3.0, 1.0)


# -- interrupts, threads, processes ----------------------------------------------------------------


# Interpreted, an interrupt may come while a generator is closed, where Python can only report it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_leaves_nothing_behind():
    def f(x):
        return functions.sin(x) * x if x > 0 else -x

    def call():
        transformed = value_and_grad(f)
        assert transformed(2.0)[0] == math.sin(2.0) * 2.0
        assert transformed(-2.0) == (2.0, -1.0)

    moment, times = 0, 0
    while interrupted(call, moment, ("call",)):
        assert MODE.get() is PLAIN
        assert active() is None
        assert Value(2.0).data == 2.0
        times += 1
        moment += 1 + moment // 20
    assert times > 30
    fast = jit(f)
    fast(2.0)
    for moment in range(20):
        interrupted(lambda: fast(3.0), moment, ("call",))
    assert fast(3.0) == math.sin(3.0) * 3.0


def test_ctrl_c_stops_a_function_that_is_traced():
    def f(x):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            x = x * 1.0
        return x

    with pytest.raises(KeyboardInterrupt):
        jit(f)(1.0)
    assert active() is None


def test_a_trace_in_one_thread_does_not_see_another():
    inside, done = threading.Event(), threading.Event()
    found = []

    def slow(x):
        inside.set()
        assert done.wait(30)
        return x * 2.0

    thread = threading.Thread(target=lambda: found.append(jit(slow)(3.0)))
    thread.start()
    assert inside.wait(30)
    try:
        v = Value(2.0)
        y = v * v if v > 1 else v
        y.backward()
        assert (y.data, v.grad, active()) == (4.0, 4.0, None)
        assert grad(lambda x: x * x * x)(2.0) == 12.0
    finally:
        done.set()
        thread.join()
    assert found == [6.0]


def test_what_depends_on_one_that_was_computed_outside_is_a_value():
    w = Value(2.0)
    u = w * 3.0
    slope = grad(lambda x: x * u)(5.0)
    slope.backward()
    assert (slope.data, w.grad) == (6.0, 3.0)


def test_what_an_eager_transform_has_recorded_may_be_used_where_nothing_is():
    aside = []
    grad(lambda x: aside.append(x * x) or x)(3.0)
    with no_grad():
        y = aside[0] * 2.0
    assert (y.data, y.operands) == (18.0, ())


def test_a_leaf_that_outlives_a_trace_is_read_at_every_call():
    kept = []

    def f(x):
        if not kept:
            kept.append(Value(2.0))
        return x * kept[0]

    lowered = jit(f).lower(3.0)
    assert (lowered(3.0).data, lowered.captured) == (6.0, kept)
    kept[0].data = 5.0
    assert lowered(3.0).data == 15.0


def test_a_value_may_be_compared_with_nan():
    assert jit(lambda x: 1.0 if x == math.nan else 2.0)(3.0) == 2.0


def test_a_gradient_of_zero_in_a_trace_is_a_constant_of_it():
    def f(x):
        y = x * 2.0
        (y.detach() * x).backward(create_graph=True)
        return y.grad * x

    lowered = jit(f).lower(3.0)
    assert (lowered.captured, lowered(3.0)) == ([], 0.0)


def test_what_an_inner_transform_has_recorded_is_inside_the_outer_one_too():
    def f(x):
        aside = []
        grad(lambda y: aside.append(x * y) or y)(2.0)
        return aside[0] * x

    assert grad(f)(3.0) == jit(grad(f))(3.0) == 12.0


def test_integers_that_are_traced_are_divided_as_those_of_python_are():
    def f(n, m):
        return n // m + 10.0 * (n % m) + 100.0 * (50 // n) + 1000.0 * (50 % m) + 1e4 * (n // 3)

    assert jit(f)(17, 5) == jit(f)(np.int64(17), 5) == f(17, 5)


def test_a_product_of_integers_that_is_infinite_is_no_integer():
    with pytest.raises(TypeError, match=r"int\(Value\) would lose its gradient"):
        jit(lambda n: int(n * 1e300 * 1e300))(3)


@pytest.mark.parametrize("other", [lambda n, x: n * x, lambda n, x: x * n, lambda n, x: n * 0.5])
def test_what_is_not_made_of_integers_alone_is_no_integer(other):
    with pytest.raises(TypeError, match=r"int\(Value\) would lose its gradient"):
        jit(lambda n, x: int(other(n, x)))(4, 2.0)


@pytest.mark.parametrize("division", [operator.floordiv, operator.mod])
@pytest.mark.parametrize("operands", [(4, 2.5), (2.5, 4)])
def test_an_integer_and_what_is_none_are_not_divided_with_a_remainder(division, operands):
    with pytest.raises(TypeError, match=r"unsupported operand.*Value' and '.*Value'"):
        jit(division)(*operands)


def test_an_integer_may_be_computed_from_one_in_very_many_ways():
    def f(n):
        for _ in range(60):
            n = n + n
        return n // 2**59

    assert jit(f)(3) == 6.0


def test_a_trace_takes_the_values_of_those_around_it_and_of_no_other():
    x = Value(2.0)
    lost = within(Trace(frozen=True, name="another").mode(), lambda: x * 3.0)

    def enclosing(use):
        v = x * 5.0
        return within(Trace(frozen=True).mode(), lambda: use(v))

    mode = Trace(frozen=True, name="the outer one").mode()
    assert number_of(within(mode, enclosing, lambda v: v * 2.0)) == 20.0
    with pytest.raises(RuntimeError, match=r"outside the trace.* in another, which"):
        within(mode, enclosing, lambda v: v * lost)


def test_a_value_with_a_name_may_be_a_key_while_a_function_is_traced():
    y = Value(2.0, name="y")
    assert jit(lambda x: {y: x * y}[y])(3.0).data == 6.0


def test_an_argument_may_be_a_key_where_no_program_is_kept():
    assert grad(lambda x: {x: x * x}[x])(3.0) == 6.0


@pytest.mark.parametrize("context", [nullcontext(), scope("elsewhere"), detect_anomaly()])
def test_what_another_thread_computes_from_a_transforms_arguments_is_differentiated(context):
    def square(x, found):
        with context:
            found.append(x * x)

    def f(x):
        found = []
        thread = threading.Thread(target=square, args=(x, found))
        thread.start()
        thread.join()
        return found[0]

    assert grad(f)(3.0) == 6.0


def test_a_thread_may_have_no_line_of_a_user():
    found = []
    _thread.start_new_thread(found.extend, (map(jit(functions.sin), [0.5]),))
    for _ in range(3000):
        if found:
            break
        time.sleep(0.01)
    assert found == [math.sin(0.5)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_program_runs_after_a_fork():
    f = grad(lambda x: functions.sin(x) * x if x > 0 else x)
    f(2.0)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        right = f(2.0) == wanted(2.0) and f(-1.0) == 1.0
        os.write(writing, b"right" if right else b"wrong")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"right"


def wanted(x):
    return grad(lambda x: functions.sin(x) * x)(x)


# -- nets ------------------------------------------------------------------------------------------


def loss_of(net, xs, targets):
    scores = [net(x) for x in xs]
    return nn.cross_entropy(scores, targets)


def test_the_loss_of_a_net_under_jit_is_the_nets():
    net = nn.MLP(3, [4, 3])
    xs = np.random.default_rng(0).normal(size=(5, 3))
    targets = [0, 2, 1, 1, 0]
    fast = jit(lambda xs: loss_of(net, [list(x) for x in xs], targets))
    parameters = list(net.parameters())
    for _ in range(3):
        plain = loss_of(net, xs.tolist(), targets)
        plain.backward()
        gradient = [p.grad for p in parameters]
        net.zero_grad()
        compiled = fast(xs)
        compiled.backward()
        assert compiled.data == plain.data
        np.testing.assert_allclose([p.grad for p in parameters], gradient, rtol=1e-12, atol=1e-15)
        net.zero_grad()
        for p, g in zip(parameters, gradient, strict=True):
            p.data -= 0.1 * g
    with no_grad():
        by_inputs = grad(lambda xs: loss_of(net, [list(x) for x in xs], targets))(xs)
    vs = [[Value(x) for x in row] for row in xs]
    loss_of(net, vs, targets).backward()
    np.testing.assert_allclose(by_inputs, [[v.grad for v in row] for row in vs], rtol=1e-12)


@pytest.mark.parametrize("shift", [0.0, 1000.0, -math.inf])
def test_softmax_and_its_kin_for_scores_of_every_size(shift):
    xs = [0.5, 2.0, -1.0 + shift]
    for f in (functions.softmax, functions.log_softmax, lambda xs: [functions.logsumexp(xs)]):
        fast = jit(f)
        fast([3.0, 2.0, 1.0])
        assert fast(xs) == [v.data for v in f([Value(x) for x in xs])]
        found = jacobian(f)(xs)
        for i, row in enumerate(found):
            vs = [Value(x) for x in xs]
            f(vs)[i].backward()
            np.testing.assert_allclose(row, [v.grad for v in vs], rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda x: f"{x:.2f}", "formatting a Value"),
        (lambda x: x.data, r"reading \.data"),
        (lambda x: (x * x).partials, r"reading \.partials"),
        (lambda x: x.grad, r"reading \.grad"),
        (copy.copy, "a copy of a Value"),
        (lambda x: x.backward(), r"backward\(\)"),
    ],
)
def test_what_would_freeze_a_number_is_refused_under_jit_alone(read, words):
    def f(x):
        read(x)
        return x * x

    with pytest.raises(RuntimeError, match=f"^{words}"):
        jit(f)(3.0)
    f(Value(3.0))
    assert grad(lambda x: (read(x), x)[1])(3.0) == 1.0


def test_a_traced_value_is_shown_without_its_number():
    shown = []
    jit(lambda x: shown.append(f"{x} {x * x}") or x)(3.0)
    assert shown == ["Value(traced) Value(traced, op='mul')"]
    assert f"{Value(3.0)}" == "Value(3.0)"
