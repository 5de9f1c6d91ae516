"""Value: arithmetic, the graph it records, and the backward sweep over it."""

import gc
import math
import threading
from fractions import Fraction

import numpy as np
import pytest

import autodiff
from autodiff import Value, cos, dot, exp, log, maximum, primitive, relu, sin, sqrt, tanh
from autodiff.sweeps import topological_order


def gradient(function, *numbers):
    """The value and the gradient of a function of Values at ``numbers``."""
    xs = [Value(x) for x in numbers]
    y = function(*xs)
    y.backward()
    return y.data, [x.grad for x in xs]


# -- known answers: literal numbers, no helper that could be wrong in the same way -----------------


def test_a_polynomial():
    x = Value(3.0)
    y = 2 * x**3 - 5 * x**2 + x / 4 - 7
    y.backward()
    assert y.data == 54 - 45 + 0.75 - 7
    assert x.grad == 54 - 30 + 0.25


def test_a_quotient():
    assert gradient(lambda a, b: a / b, 3.0, 4.0) == (0.75, [0.25, -0.1875])


def test_a_power_by_base_and_by_exponent():
    value, (da, db) = gradient(lambda a, b: a**b, 2.0, 3.0)
    assert (value, da) == (8.0, 12.0)
    assert db == pytest.approx(5.545177444479562, rel=1e-15)  # 8 ln 2


def test_a_product_of_a_number_with_itself():
    assert gradient(lambda x: x * x, 3.0) == (9.0, [6.0])
    assert gradient(lambda x: x / x, 3.0) == (1.0, [0.0])
    assert gradient(lambda x: x - x, 3.0) == (0.0, [0.0])
    assert gradient(lambda x: dot([x, x], [x, x]), 3.0) == (18.0, [12.0])


def test_a_neuron():
    value, gradients = gradient(lambda w, x, b: tanh(w * x + b), 0.5, 2.0, -1.0)
    assert (value, gradients) == (0.0, [2.0, 0.5, 1.0])


def test_the_chain_rule():
    value, (dx,) = gradient(lambda x: sin(exp(-(x**2))), 0.0)
    assert (value, dx) == (math.sin(1.0), 0.0)
    value, (dx,) = gradient(lambda x: sin(cos(sqrt(x))), 4.0)
    assert dx == pytest.approx(-math.cos(math.cos(2.0)) * math.sin(2.0) / 4, rel=1e-15)


def test_a_graph_that_branches_and_joins():
    def f(x):
        z = 2 * x + 2 + x
        q = relu(z) + z * x
        h = relu(z * z)
        return h + q + q * x

    assert gradient(f, -4.0) == (-20.0, [46.0])


def test_a_graph_with_every_operator():
    def f(a, b):
        c = a + b
        d = a * b + b**3
        c += c + 1
        c += 1 + c + (-a)
        d += d * 2 + relu(b + a)
        d += 3 * d + relu(b - a)
        e = c - d
        f = e**2
        g = f / 2.0
        return g + 10.0 / f

    value, (da, db) = gradient(f, -4.0, 2.0)
    assert value == pytest.approx(24.704081632653061, rel=1e-15)
    assert da == pytest.approx(138.83381924198252, rel=1e-15)
    assert db == pytest.approx(645.57725947521866, rel=1e-15)


# -- the record ------------------------------------------------------------------------------------


def test_every_edge_of_a_graph():
    a, b = Value(3.0, name="a"), Value(4.0, name="b")
    c = (a + b) * 2
    d = a * b
    e = sin(c)
    total = c.operands[0]
    assert (a.op, a.operands, a.partials) == ("", (), ())
    assert (total.op, total.data, total.partials) == ("add", 7.0, (1.0, 1.0))
    assert [x is y for x, y in zip(total.operands, (a, b), strict=True)] == [True, True]
    assert (c.op, c.data, c.operands[1], c.partials) == ("mul", 14.0, 2.0, (2.0, 0.0))
    assert (d.op, d.data, d.partials) == ("mul", 12.0, (4.0, 3.0))
    assert [x is y for x, y in zip(d.operands, (a, b), strict=True)] == [True, True]
    assert (e.op, e.data, e.partials) == ("sin", math.sin(14.0), (math.cos(14.0),))
    assert e.operands[0] is c
    assert len(e.operands) == 1


def test_operands_keep_their_order_and_their_repetition():
    a, b = Value(3.0), Value(4.0)
    for v in (a - b, maximum(a, b), a.atan2(b)):
        assert v.operands[0] is a
        assert v.operands[1] is b
    v = a * a
    assert v.operands[0] is v.operands[1] is a
    v = dot([a, 2.0], [b, a])
    assert [x if isinstance(x, float) else x.data for x in v.operands] == [3.0, 2.0, 4.0, 3.0]
    assert v.partials == (4.0, 0.0, 3.0, 2.0)


@pytest.mark.parametrize("number", [5, 5.0, Fraction(5), np.float64(5), np.float32(5), np.int64(5)])
def test_numbers_of_any_real_type_on_either_side(number):
    v = Value(4.0)
    results = [
        (v + number, 9.0, 1.0),
        (number + v, 9.0, 1.0),
        (v - number, -1.0, 1.0),
        (number - v, 1.0, -1.0),
        (v * number, 20.0, 5.0),
        (number * v, 20.0, 5.0),
        (v / number, 0.8, 0.2),
        (number / v, 1.25, -0.3125),
        (v**number, 1024.0, 1280.0),
        (number**v, 625.0, 625 * math.log(5.0)),
    ]
    for result, value, slope in results:
        assert type(result) is Value
        v.grad = 0.0
        result.backward()
        assert (result.data, v.grad) == pytest.approx((value, slope), rel=1e-15)
        assert {type(x) for x in result.operands} == {Value, float}


def test_a_constants_partial_is_not_computed():
    x = Value(3.0)
    v = (-2.0) ** x  # by the base it is 12; by the exponent log(-2) would be asked for
    assert (x**2.0).partials == (6.0, 0.0)
    assert v.data == -8.0
    assert math.isnan(v.partials[1])
    assert v.partials[0] == 0.0


def test_plus_is_the_same_value_and_augmented_assignment_another():
    x = y = Value(1.0)
    y += 2
    assert (x.data, y.data) == (1.0, 3.0)
    assert +x is x


# -- the sweep -------------------------------------------------------------------------------------


def test_the_order_of_a_graph_is_operands_first_from_left_to_right_and_each_once():
    a, b, c, d = leaves = [Value(x) for x in (1.0, 2.0, 3.0, 4.0)]
    row = dot([a, b, c], [d, b, a])
    quotient = a / d
    root = quotient - row
    assert [id(v) for v in topological_order([root])] == [
        *map(id, (a, d, quotient, b, c, row, root))
    ]
    assert [id(v) for v in topological_order([row, row, a])] == [*map(id, (*leaves, row))]


def test_doubling_sixty_times():
    x = start = Value(1.0)
    for _ in range(60):
        x = x + x  # 2**60 paths, 60 nodes
    x.backward()
    assert start.grad == 2.0**60


def test_a_second_sweep_doubles_leaves_and_replaces_the_rest():
    a, b = Value(2.0), Value(5.0)
    c = a * b
    d = c * c + a
    d.backward()
    first = (a.grad, b.grad, c.grad, d.grad)
    assert first == (101.0, 40.0, 20.0, 1.0)
    d.backward()
    assert (a.grad, b.grad, c.grad, d.grad) == (202.0, 80.0, 20.0, 1.0)


def test_sweeps_from_two_roots_add_up_in_leaves_only():
    x = Value(3.0)
    shared = x * 2
    one, two = shared * 10, shared * 100
    one.backward()
    two.backward()
    assert (x.grad, shared.grad) == (220.0, 100.0)
    assert one.grad == 1.0  # two's sweep has not been there


def test_the_seed_scales_every_gradient():
    x = Value(3.0)
    y = x * x
    y.backward(seed=-0.5)
    assert (x.grad, y.grad) == (-3.0, -0.5)


def test_a_leaf_is_a_root_too():
    x = Value(3.0)
    x.backward()
    x.backward(seed=2)
    assert x.grad == 3.0


def test_gradients_can_be_set():
    x = Value(3.0)
    x.grad = 5
    (x * 2).backward()
    assert x.grad == 7.0
    assert type(x.grad) is float


def test_what_was_recorded_keeps_its_gradient_when_leaves_change():
    shift = primitive("recorded_shift", lambda a: a + a * a, [lambda a, v: 1 + 2 * a])
    for function, slope in [
        (lambda x: x * x, 6.0),
        (lambda x: x**3, 27.0),
        (lambda x: dot([x, 1.0], [x, 1.0]), 6.0),
        (lambda x: autodiff.logsumexp([x, x]), 1.0),
        (shift, 7.0),
    ]:
        x = Value(3.0)
        y = function(x)
        recorded = y.data
        x.data = -50.0
        y.backward()
        assert x.grad == pytest.approx(slope, rel=1e-15)
        assert (x.data, y.data) == (-50.0, recorded)


@pytest.mark.parametrize(
    "step", [lambda x: x * 0.5 + 0.5, sin, lambda x: autodiff.sum([x]), lambda x: dot([x], [1])]
)
def test_graphs_may_be_a_hundred_thousand_nodes_deep(step):
    x = y = Value(1.0)
    for _ in range(100_000):
        y = step(y)
    y.backward()
    assert 0.0 <= x.grad <= 1.0
    y = None  # and is released without recursion
    gc.collect()
    assert x.data == 1.0


def test_threads_may_sweep_at_the_same_time():
    weight = Value(1.0)
    failures = []

    def work():
        for k in range(200):
            x = Value(float(k))
            (x * x * x + weight).backward()
            if x.grad != 3.0 * k * k:
                failures.append((k, x.grad))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []
    assert weight.grad == 800.0


def test_a_log_is_differentiated_where_its_operand_is_used_again():
    value, (dx, dy) = gradient(lambda x, y: x * log(y) + y * log(x), 1.0, math.e)
    assert value == pytest.approx(1.0, rel=1e-15)
    assert (dx, dy) == pytest.approx((1.0 + math.e, 1 / math.e), rel=1e-15)
