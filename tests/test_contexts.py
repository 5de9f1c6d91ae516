"""no_grad, scope and detect_anomaly: what they change, for whom, and until when."""

import _thread
import asyncio
import contextvars
import itertools
import math
import queue
import re
import subprocess
import sys
import threading

import pytest
from interrupts import struck

import autodiff
from autodiff import (
    COMPILED,
    Value,
    detect_anomaly,
    dot,
    exp,
    jit,
    log,
    no_grad,
    primitive,
    scope,
    sqrt,
    vjp,
)
from autodiff.contexts import within
from autodiff.engine import anomalies
from autodiff.engine.modes import MODE, PLAIN

HERE = re.escape(__file__)


def line_of(error):
    """The line of this file that a message names."""
    return int(re.search(HERE + r":(\d+)", str(error.value)).group(1))


# -- no_grad ---------------------------------------------------------------------------------------


def test_no_grad_computes_without_recording():
    x = Value(2.0)
    twice = primitive("twice", lambda a: 2 * a, [lambda a, v: 2.0])
    with no_grad():
        results = [x * 3, exp(x), x**x, -x, dot([x], [x]), autodiff.softmax([x])[0], twice(x)]
    assert [v.data for v in results] == [6.0, math.exp(2.0), 4.0, -2.0, 4.0, 1.0, 4.0]
    for v in results:
        assert type(v) is Value
        assert (v.op, v.operands) == ("", ())
    (results[0] * x).backward()
    assert x.grad == 6.0


def test_no_grad_leaves_what_was_recorded_before_alone():
    x = Value(3.0)
    y = x * x
    with no_grad():
        x.data = 10.0
        y.backward()
    assert x.grad == 6.0


def test_contexts_end_with_their_block_even_by_an_exception():
    x = Value(2.0)

    def fail(context):
        with context:
            raise KeyError

    for context in (no_grad(), detect_anomaly(), scope("a")):
        with pytest.raises(KeyError):
            fail(context)
    assert (x * 2).op == "mul"
    assert (x * 2).scope == ""
    assert log(Value(0.0)).data == -math.inf


def test_contexts_nest_and_may_be_entered_again():
    x = Value(2.0)
    context = no_grad()
    with context:
        with context:
            assert (x * 2).op == ""
        assert (x * 2).op == ""
        with scope("a"), detect_anomaly():
            assert (x * 2).op == ""
    assert (x * 2).op == "mul"


# -- scope -----------------------------------------------------------------------------------------


def test_scope_labels_what_is_recorded_in_it():
    x = Value(2.0)
    before = x * 1
    with scope("layer1"):
        outer = x * 2
        with scope("neuron0"):
            inner = [x * 3, exp(x), dot([x], [x]), x**2]
        after = x * 4
    assert (before.scope, outer.scope, after.scope, x.scope) == ("", "layer1", "layer1", "")
    assert {v.scope for v in inner} == {"layer1/neuron0"}


def test_a_name_belongs_to_one_value_of_a_scope():
    x = Value(2.0)
    with scope("layer1"):
        a, b = x * 2, x * 3
    a.name = "a"
    assert (a.name, a.scope, b.name, b.scope) == ("a", "layer1", "", "layer1")
    (a * b).backward(create_graph=True)
    assert (a.grad.data, b.grad.data, a.name, a.scope) == (6.0, 4.0, "a", "layer1")


def test_a_name_in_a_scope_leaves_a_recorded_gradient_as_it_is():
    x = Value(3.0)
    with scope("block"):
        y = x * x
    (y * y).backward(create_graph=True)
    gradient = y.grad
    y.name = "y"
    assert y.grad is gradient
    assert (y.name, y.scope, gradient.data) == ("y", "block", 18.0)


def test_a_scope_changes_no_number():
    x = Value(2.0)
    with scope("a"):
        y = x * x
    y.backward()
    assert (y.data, x.grad, y.grad) == (4.0, 4.0, 1.0)


@pytest.mark.parametrize("name", [None, 3, b"layer", "", ["a"]])
def test_a_scope_needs_a_name(name):
    with pytest.raises(TypeError, match=r"non-empty string, not "), scope(name):
        pass


# -- detect_anomaly --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (lambda: log(Value(0.0, name="x")), "log(x=0.0) is -inf"),
        (lambda: Value(1.0) / 0, "div(1.0, 0.0) is inf"),
        (lambda: 0 / Value(0.0, name="b"), "div(0.0, b=0.0) is nan"),
        (lambda: exp(Value(1000.0)), "exp(1000.0) is inf"),
        (lambda: Value(-8.0) ** (1 / 3), f"pow(-8.0, {1 / 3!r}) is nan"),
        (lambda: dot([Value(1e308), 1.0], [10.0, 1.0]), "dot(1e+308, 1.0, 10.0, 1.0) is inf"),
        (lambda: Value(-1.0).sqrt(), "sqrt(-1.0) is nan"),
    ],
)
def test_an_anomaly_forward_names_operation_operands_and_line(compute, said):
    assert not math.isfinite(compute().data)  # arithmetic itself does not raise
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=f"^{re.escape(said)}, at {HERE}") as error,
    ):
        compute()
    assert line_of(error) == compute.__code__.co_firstlineno


def test_an_anomaly_backward_names_operation_operands_and_line():
    x = Value(0.0, name="x")
    with detect_anomaly():
        y = sqrt(x)
        line = test_an_anomaly_backward_names_operation_operands_and_line.__code__
        with pytest.raises(FloatingPointError, match=r"through sqrt\(x=0.0\).* inf") as error:
            (y * 3).backward()
    assert line_of(error) == line.co_firstlineno + 3


def test_an_anomaly_backward_is_found_in_a_graph_recorded_before():
    y = Value(0.0) ** 0.5
    said = (
        "backward() through pow(0.0, 0.5): the gradient -3.0 times the partial inf is -inf; "
        "recorded at an unknown line, outside detect_anomaly()"
    )
    with detect_anomaly(), pytest.raises(FloatingPointError, match=f"^{re.escape(said)}$"):
        y.backward(-3.0)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (lambda: Value(0.5, name="x"), "leaf 'x'"),
        (lambda: Value(0.5), "leaf 0.5"),
        (lambda: Value(0.25, name="x") * 2.0, "mul(x=0.25, 2.0)"),
    ],
)
def test_an_anomaly_in_the_sum_of_finite_contributions_is_found(start, said):
    said = f"^{re.escape(f'backward(): the gradient of {said} adds up to inf')}$"
    with detect_anomaly():
        x = start()
        y = x * 1e308 + x * 1e308
        assert y.data == 1e308
        with pytest.raises(FloatingPointError, match=said):
            y.backward()


def test_an_anomaly_of_a_gradient_that_is_a_value_is_found():
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"inf|nan"):
        sqrt(Value(0.0)).backward(create_graph=True)


def test_a_constants_partial_is_no_anomaly():
    x = Value(-3.0)
    with detect_anomaly():  # by the exponent it would be (-3)**2 * log(-3)
        (x**2).backward(create_graph=True)
    assert x.grad.data == -6.0


def test_a_sweep_that_is_refused_changes_no_leaf():
    a, b = Value(2.0), Value(0.0)
    y = sqrt(b) + a * 3  # swept from the right: a has received before b is refused
    y.backward()
    assert (a.grad, b.grad) == (3.0, math.inf)
    b.grad = 1.0
    with detect_anomaly(), pytest.raises(FloatingPointError):
        y.backward()
    assert (a.grad, b.grad) == (3.0, 1.0)
    y.backward()
    assert (a.grad, b.grad) == (6.0, math.inf)


@pytest.mark.parametrize("f", [sqrt, lambda x: (x * 1e200) * 1e200])
def test_only_a_gradient_that_is_asked_for_is_an_anomaly(f):
    jitted = jit(f)
    with detect_anomaly():
        assert jitted(0.0) == f(Value(0.0)).data == 0.0
        value, pullback = vjp(f, 0.0)
        assert value == 0.0
        with pytest.raises(FloatingPointError, match="inf"):
            pullback(1.0)
    assert pullback(1.0) == (math.inf,)


def test_without_anomalies_nothing_is_refused_and_nothing_changes():
    x = Value(2.0)
    with detect_anomaly(), scope("here"):
        y = exp(x) * x
        y.backward()
    assert y.scope == "here"
    assert x.grad == pytest.approx(3 * math.exp(2.0), rel=1e-15)


def test_a_constant_that_is_infinite_is_refused_only_when_used():
    with detect_anomaly():
        x = Value(math.inf)
        with pytest.raises(FloatingPointError, match=r"add\(inf, 1.0\) is inf"):
            x + 1


# -- for whom --------------------------------------------------------------------------------------


def test_contexts_belong_to_one_thread():
    x = Value(2.0)
    inside, done = threading.Event(), threading.Event()
    seen = []

    def elsewhere():
        inside.wait(30)
        seen.append(x * 2)
        seen.append(log(Value(0.0)))
        done.set()

    other = threading.Thread(target=elsewhere)
    other.start()
    with no_grad(), detect_anomaly(), scope("mine"):
        inside.set()
        assert done.wait(30)
        assert (x * 2).op == ""
    other.join()
    assert [(v.op, v.scope) for v in seen] == [("mul", ""), ("log", "")]


def test_contexts_belong_to_one_task():
    x = Value(2.0)

    async def quiet():
        with no_grad():
            await asyncio.sleep(0)
            return x * 2

    async def loud():
        await asyncio.sleep(0)
        return x * 2

    async def both():
        return await asyncio.gather(quiet(), loud())

    a, b = asyncio.run(both())
    assert (a.op, b.op) == ("", "mul")


def test_a_copied_context_keeps_its_mode_after_the_block():
    x = Value(2.0)
    with no_grad():
        inherited = contextvars.copy_context()
    for _ in range(2):
        assert inherited.run(lambda: x * 2).op == ""
        assert inherited.run(lambda: (x * 2).detach()).op == ""
        assert (x * 2).op == "mul"
        with scope("elsewhere"):
            assert inherited.run(lambda: x * 2).op == ""
    with detect_anomaly():
        inherited = contextvars.copy_context()
    with pytest.raises(FloatingPointError):
        inherited.run(log, Value(0.0))
    assert log(Value(0.0)).data == -math.inf


def test_a_task_keeps_the_mode_it_was_started_in():
    x = Value(2.0)

    async def work(started, go):
        started.set()
        await go.wait()
        return x * 2

    async def main():
        started, go = asyncio.Event(), asyncio.Event()
        with no_grad():
            task = asyncio.create_task(work(started, go))
            await started.wait()
        go.set()
        return await task, x * 2

    inside, outside = asyncio.run(main())
    assert (inside.op, outside.op) == ("", "mul")


def test_a_thread_keeps_the_mode_of_the_context_it_runs_in():
    x = Value(2.0)
    results = []
    with no_grad():
        inherited = contextvars.copy_context()
    thread = threading.Thread(target=lambda: results.append(inherited.run(lambda: x * 2)))
    thread.start()
    thread.join()
    assert [v.op for v in results] == [""]


def quiet(x, times):
    with no_grad():
        for _ in range(times):
            yield x * 2


def test_a_suspended_generators_mode_is_that_of_whoever_resumes_it():
    x = Value(2.0)
    doubles = quiet(x, 3)
    assert next(doubles).op == ""
    elsewhere = contextvars.copy_context()
    assert (x * 2).op == ""  # a generator has no context of its own
    assert contextvars.Context().run(next, doubles).op == "mul"
    assert next(doubles).op == ""
    doubles.close()
    assert (x * 2).op == "mul"
    assert elsewhere.run(lambda: x * 2).op == ""


def test_contexts_may_end_in_any_order():
    x = Value(2.0)
    first, second = quiet(x, 1), quiet(x, 2)
    with scope("a"):
        assert [(v.op, w.op) for v, w in zip(first, second, strict=False)] == [("", "")]
        assert ((x * 2).op, (x * 2).scope) == ("", "")
        second.close()
        assert ((x * 2).op, (x * 2).scope) == ("mul", "a")
    assert MODE.get() is PLAIN
    outer, inner, anomalies = scope("outer"), scope("inner"), detect_anomaly()
    outer.__enter__()
    inner.__enter__()
    anomalies.__enter__()
    assert (x * 2).scope == "outer/inner"
    outer.__exit__(None, None, None)
    assert (x * 2).scope == "inner"
    inner.__exit__(None, None, None)
    assert (x * 2).scope == ""
    with pytest.raises(FloatingPointError):
        log(Value(0.0))
    anomalies.__exit__(None, None, None)
    assert MODE.get() is PLAIN


def test_one_context_may_be_entered_by_many_threads():
    x = Value(2.0)
    shared = no_grad()
    entered, left = threading.Event(), threading.Event()
    results = []

    def other():
        with detect_anomaly():
            with shared:
                entered.set()
                assert left.wait(30)
                results.append(x * 2)
            results.append(x * 2)
            with pytest.raises(FloatingPointError):
                log(Value(0.0))

    thread = threading.Thread(target=other)
    with shared:
        thread.start()
        assert entered.wait(30)
        assert (x * 2).op == ""
    assert (x * 2).op == "mul"
    assert log(Value(0.0)).data == -math.inf
    left.set()
    thread.join()
    assert [v.op for v in results] == ["", "mul"]


def test_a_context_left_elsewhere_than_entered_changes_nothing_there():
    x = Value(2.0)

    def fail():
        with no_grad():
            yield
            raise KeyError("the user's own")

    failing = fail()
    elsewhere = contextvars.copy_context()
    elsewhere.run(next, failing)
    with scope("a"):
        with pytest.raises(KeyError, match="the user's own") as error:
            next(failing)
        assert error.value.__context__ is None
        assert ((x * 2).op, (x * 2).scope) == ("mul", "a")
    assert MODE.get() is PLAIN
    assert elsewhere.run(lambda: x * 2).op == ""


def test_scopes_keep_their_order_when_one_around_them_ends_first():
    outer, middle, inner = scope("outer"), scope("middle"), scope("inner")
    for context in (outer, middle, inner):
        context.__enter__()
    outer.__exit__(None, None, None)
    try:
        assert (Value(2.0) * 3).scope == "middle/inner"
    finally:
        inner.__exit__(None, None, None)
        middle.__exit__(None, None, None)
    assert MODE.get() is PLAIN


# -- until when ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [no_grad, detect_anomaly, lambda: scope("a")])
def test_ctrl_c_at_any_moment_leaves_no_mode_behind(make):
    context = make()

    def enter_and_leave():
        with context:
            pass

    def enter():
        with context:
            sys.settrace(None)  # interpreted, a signal may come before __exit__ has begun

    call = enter_and_leave if COMPILED else enter
    assert not struck(call, -1)  # Python 3.12 tells of instructions from the second call on
    moment = 0
    while struck(call, moment):
        assert MODE.get() is PLAIN, moment
        moment += 1
    assert moment > (5 if COMPILED else 30)


def test_ctrl_c_at_any_moment_leaves_no_mode_of_within_behind():
    mode = PLAIN._replace(recording=False)
    x = Value(2.0)
    moment = 0
    while struck(lambda: within(mode, x.sin), moment):
        assert MODE.get() is PLAIN, moment
        moment += 1
    assert moment > (2 if COMPILED else 15)
    assert within(mode, x.sin).op == ""


@pytest.mark.parametrize(
    "program",
    [
        "with no_grad(): y = Value(2.0) * 3\nassert not y.operands",
        "assert jit(lambda x: x if x > 1 else -x).lower(2.0).program.sources",
    ],
)
def test_the_first_context_of_a_process_is_heeded(program, tmp_path):
    program = f"from autodiff import Value, jit, no_grad\n{program}"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


@pytest.mark.parametrize("transform", [lambda f: f, jit])
def test_a_thread_may_begin_in_the_package_itself(transform, monkeypatch):
    """There is no line of a program below it."""
    results = queue.SimpleQueue()
    monkeypatch.setattr(sys, "unraisablehook", lambda what: results.put(what.exc_value))

    def f(x):
        computing = map(results.put, map(autodiff.sin, [x]))
        with detect_anomaly():
            run = contextvars.copy_context().run
        _thread.start_new_thread(run, (list, computing))
        return results.get(timeout=10)

    assert transform(f)(Value(0.5)).data == math.sin(0.5)


def test_a_message_in_such_a_thread_names_the_package():
    results = queue.SimpleQueue()
    lines = itertools.starmap(anomalies.source_line, [()])
    _thread.start_new_thread(list, (map(results.put, lines),))
    assert anomalies.__file__ in results.get(timeout=10)
