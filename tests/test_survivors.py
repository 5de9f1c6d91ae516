"""Small facts that no other test states; ``mutate.py`` found that they were missing."""

import math
import os
import signal
import threading
from array import array

import pytest

import autodiff
from autodiff import Value, arrays, sin, sweeps
from autodiff.contexts import within
from autodiff.engine.instructions import ON_LISTS
from autodiff.engine.traces import Trace, active
from autodiff.ops import ROWS
from autodiff.sweeps import topological_order, visit


def test_a_traversal_waits_for_that_of_another_thread():
    x = Value(1.0)
    done = threading.Event()
    other = threading.Thread(target=lambda: (topological_order([x]), done.set()))

    def roots():
        other.start()
        assert not done.wait(0.1)
        yield x

    assert len(topological_order(roots())) == 1
    assert done.wait(30)
    other.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_the_traversal_of_another_thread():
    x = Value(1.0)
    traversing, on = threading.Event(), threading.Event()

    def roots():
        traversing.set()
        assert on.wait(30)
        yield x

    other = threading.Thread(target=topological_order, args=(roots(),))
    other.start()
    assert traversing.wait(30)
    threading.Timer(0.1, on.set).start()
    child = os.fork()
    if not child:
        signal.alarm(10)  # if it waits for a thread that it has not, it ends
        os._exit(len(topological_order([x])) - 1)
    assert os.waitpid(child, 0)[1] == 0
    other.join()


def test_a_traversal_inside_a_traversal_is_refused():
    x = Value(1.0)

    def roots():
        topological_order([x])
        yield x

    for _ in range(2):
        with pytest.raises(RuntimeError, match="inside another traversal"):
            topological_order(roots())
    assert len(topological_order([x])) == 1


def test_roots_are_listed_in_their_order_and_left_as_they_are():
    a, b, c = roots = [Value(1.0), Value(2.0), Value(3.0)]
    for given in (roots, tuple(roots), iter(roots)):
        assert [id(v) for v in topological_order(given)] == [id(a), id(b), id(c)]
    assert [v.data for v in roots] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("left", "following"), [(2, 10), (3, 7), (4, 7)])
def test_marks_start_again_when_they_run_out(left, following):
    now = sweeps.marks(1)
    assert sweeps.marks(2**32 - 1 - left - now) == now + 1
    x = Value(2.0)
    y = x * x
    for _ in range(2):
        assert topological_order([y]) == [x, y]
    y.backward()
    assert x.grad == 4.0
    assert sweeps.marks(1) == following  # every traversal has three
    sweeps.marks(now)  # beyond those of nodes that are older than this test


def test_a_list_that_is_added_up_is_left_as_it_is():
    numbers = [Value(1.0), 2, 3.0]
    autodiff.sum(numbers)
    assert [type(x) for x in numbers] == [Value, int, float]


def test_the_partials_of_steps_are_plus_zero():
    for name in ("sign", "step", "positive"):
        assert repr(getattr(autodiff, name)(Value(2.0)).partials) == "(0.0,)"
    assert repr(autodiff.prefer(Value(2.0), Value(1.0)).partials) == "(0.0, 0.0)"


@pytest.mark.parametrize("function", [autodiff.leaky_relu, autodiff.elu])
def test_at_zero_the_slope_from_the_left_decides_the_zero(function):
    assert math.copysign(1.0, function(0.0, -1.0)) == -1.0
    assert math.copysign(1.0, function(Value(0.0), -1.0).data) == -1.0


def test_the_largest_is_the_first_of_equals_or_zero():
    largest = ON_LISTS["largest"]
    assert [repr(largest(xs)) for xs in ([0.0, -0.0], [-0.0, 0.0])] == ["0.0", "-0.0"]
    assert [largest([x]) for x in (math.inf, -math.inf)] == [0.0, 0.0]


def test_no_gradients_may_be_set_from_an_empty_array():
    arrays.scatter_grads([], array("d"))


def test_a_comparison_with_what_is_no_number_is_left_to_it():
    class Other:
        def __eq__(self, other):
            return type(other) is Value

    assert Value(1.0) == Other()
    assert Other() == Value(1.0)
    assert Value(1.0).__lt__("a") is NotImplemented
    with pytest.raises(TypeError):
        Value(1.0) < "a"  # noqa: B015  # raises


# -- traces ----------------------------------------------------------------------------------------


def test_a_traversal_within_a_trace_takes_what_was_there_before_as_a_leaf():
    x = Value(2.0)
    before = x * x
    trace = Trace(frozen=True)

    def traced():
        y = before - 3
        return y / y

    z = within(trace.mode(), traced)
    assert [v.op for v in visit([z], trace)] == ["mul", "sub", "div"]
    assert [v.op for v in topological_order([z])] == ["", "mul", "sub", "div"]


def test_a_trace_notes_comparisons_while_it_lasts():
    x, y = Value(1.0), Value(2.0)
    assert x < y
    trace = Trace(frozen=True)
    outcomes = within(trace.mode(), lambda: [x == y, x < 2, x <= y, x > y, x >= 1])
    assert outcomes == [False, True, True, False, True]
    assert x < y
    noted = [(guard.outcome, ROWS[guard.op].name, guard.right) for guard in trace.guards]
    assert noted == [
        (False, "equal", y),
        (True, "less", 2),
        (True, "less_equal", y),
        (False, "greater", y),
        (True, "greater_equal", 1),
    ]
    assert all(guard.left is x for guard in trace.guards)


def test_what_is_held_constant_in_a_trace_is_a_node_of_it():
    x = Value(2.0)
    trace = Trace(frozen=True)

    def traced():
        assert active() is trace
        with autodiff.no_grad():
            unrecorded = x * 3
        return unrecorded, x.detach()

    unrecorded, detached = within(trace.mode(), traced)
    assert [v.op for v in visit([unrecorded], trace)] == ["", "mul", "detach"]
    assert [v.op for v in visit([detached], trace)] == ["", "detach"]
    assert [repr(v) for v in (unrecorded, detached)] == [
        "Value(6.0, op='detach')",
        "Value(2.0, op='detach')",
    ]
    assert unrecorded.partials == detached.partials == (0.0,)


# -- backward(create_graph=True) -------------------------------------------------------------------


def test_a_seed_of_zero_gives_zeros():
    x = Value(3.0)
    sin(x * x).backward(seed=0.0, create_graph=True)
    assert x.grad.data == 0.0


def test_the_first_gradient_is_recorded_without_a_sum():
    x = Value(3.0)
    (x**3).backward(create_graph=True)
    assert x.grad.op == "monomial"


def test_a_gradient_of_one_is_added_to():
    x = Value(3.0)
    x.grad = 1.0
    (x * 5).backward(create_graph=True)
    assert x.grad.data == 6.0


def test_a_gradient_that_is_zero_keeps_its_history():
    x = Value(0.0)
    for _ in range(2):
        (x * x).backward(create_graph=True)
    dx, x.grad = x.grad, 0.0  # 4 x
    dx.backward()
    assert (dx.data, x.grad) == (0.0, 4.0)


def test_gradients_of_computed_values_are_replaced():
    x = Value(3.0)
    y = x * 2
    z = y * y
    for _ in range(2):
        z.backward(create_graph=True)
        assert (y.grad.data, z.grad.data) == (12.0, 1.0)


def test_a_gradient_that_is_a_value_is_shown_as_a_number():
    x = Value(3.0)
    (x * x).backward(create_graph=True)
    assert repr(x) == "Value(3.0, grad=6.0)"


def test_a_leaf_changed_in_its_sign_alone_is_refused():
    x = Value(1.0)
    y = x * x
    x.data = -1.0
    with pytest.raises(RuntimeError, match="changed after mul"):
        y.backward(create_graph=True)
