"""where(c, a, b) and the comparisons: choices that are made at every call, to any order."""

import itertools
import math
import pickle

import numpy as np
import pytest

import autodiff
from autodiff import (
    Value,
    derivative,
    equal,
    grad,
    greater,
    greater_equal,
    hessian,
    jacobian,
    jit,
    less,
    less_equal,
    no_grad,
    sin,
    sqrt,
    where,
)
from autodiff.export import to_python

INF, NAN = math.inf, math.nan
COMPARISONS = [
    (less, np.less),
    (less_equal, np.less_equal),
    (greater, np.greater),
    (greater_equal, np.greater_equal),
    (equal, np.equal),
]


@pytest.mark.parametrize(("ours", "numpys"), COMPARISONS)
def test_comparisons_are_numpys(ours, numpys):
    numbers = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN]
    for a, b in itertools.product(numbers, repeat=2):
        assert ours(a, b) == float(numpys(a, b))
        v = ours(Value(a), b)
        assert (v.data, v.partials) == (float(numpys(a, b)), (0.0, 0.0))
        assert jit(ours)(a, b) == float(numpys(a, b))
    a, b = np.meshgrid(numbers, numbers)
    assert ours(a, b).tolist() == numpys(a, b).astype(float).tolist()


@pytest.mark.parametrize("c", [1.0, -2.0, 0.0, -0.0, NAN, True, False, 3, np.True_, np.int8(0)])
def test_it_chooses_as_numpy_does(c):
    chosen = float(np.where(c, 2.0, 3.0))
    assert where(c, 2.0, 3) == chosen
    assert type(where(c, 2, 3)) is float
    a, b = Value(2.0), Value(3.0)
    assert where(c, a, b) is (a if chosen == 2 else b)
    assert where(Value(float(c)), a, b) is where(c, a, b)
    for x, y in [(a, 3), (2, b)]:  # a Value, if something given is one
        assert type(where(c, x, y)) is Value
        assert where(c, x, y).data == chosen
    assert jit(where)(float(c), 2.0, 3.0) == chosen
    assert type(jit(lambda x: where(c, x * 0 + 2, 3.0))(1.0)) is float  # and no Value from outside
    assert type(jit(lambda x: where(c, 2.0, x * 0 + 3))(1.0)) is float


def test_arrays_are_broadcast_as_numpys():
    x = np.array([[-1.0], [2.0]])
    assert where(x < 0, x, np.array([10, 20])).tolist() == [[-1.0, -1.0], [10.0, 20.0]]
    assert where(less(x, 0.0), 0.0, x).tolist() == [[0.0], [2.0]]
    assert where(True, x, 0.0).tolist() == x.tolist()
    values = np.array([Value(-1.0), Value(2.0)])
    for condition in (less(values, 0.0), values < 0.0, np.array([True, False])):
        chosen = where(condition, values * values, 0)
        assert [v.data for v in chosen] == [1.0, 0.0]
        chosen.sum().backward()
    assert [v.grad for v in values] == [-6.0, 0.0]


@pytest.mark.parametrize("thing", ["1", None, 1j, [1.0]], ids=type)
def test_other_things_are_refused(thing):
    for operands in itertools.permutations((1.0, Value(1.0), thing)):
        with pytest.raises(
            TypeError, match=rf"where\(c, a, b\) takes .*\({type(thing).__name__}\)"
        ):
            where(*operands)
    with pytest.raises(TypeError, match=r"where\(\) takes arrays of real numbers"):
        where(np.array(["a"]), 1.0, 2.0)


def test_nothing_is_recorded_under_no_grad():
    x = Value(3.0)
    with no_grad():
        chosen = where(greater(x, 0.0), x, 0.0)
        traced = jit(lambda x: where(greater(x, 0.0), x * x, 0.0))(x)
    assert chosen is not x
    assert (chosen.data, chosen.operands) == (3.0, ())
    assert traced.data == 9.0


def piecewise(x):
    return where(less(x, 1.0), x**3, where(greater(x, 2.0), sin(x) * x, 5.0))


ORDERS = {
    0.5: [0.125, 0.75, 3.0, 6.0],
    1.5: [5.0, 0.0, 0.0, 0.0],
    3.0: [
        3 * math.sin(3),
        math.sin(3) + 3 * math.cos(3),
        2 * math.cos(3) - 3 * math.sin(3),
        -3 * math.sin(3) - 3 * math.cos(3),
    ],
}


def by_sweeps(f, order):
    """Sweeps over recorded sweeps."""

    def nth(x):
        x = Value(x)
        y = f(x)
        for _ in range(order):
            x.grad = 0.0
            y.backward(create_graph=True)
            y = x.grad if isinstance(x.grad, Value) else Value(x.grad)
        return y.data

    return nth


def by_reverse_mode(f, order):
    for _ in range(order):
        f = grad(f)
    return jit(f)


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize(
    "way", [by_sweeps, by_reverse_mode, lambda f, n: jit(derivative(f, n))], ids=["s", "r", "f"]
)
def test_every_order_is_that_of_what_is_chosen(way, order):
    nth = way(piecewise, order)
    for _ in range(2):
        for x, expected in ORDERS.items():
            assert nth(x) == pytest.approx(expected[order], rel=1e-14, abs=0)


def test_sweeps_in_a_traced_function_pass_through_choices():
    def slope(x):
        y = piecewise(x)
        y.backward(create_graph=True)
        return x.grad * 1.0

    f = jit(slope)
    for x, expected in ORDERS.items():
        assert f(x) == pytest.approx(expected[1], rel=1e-14)
        assert derivative(slope)(x) == pytest.approx(expected[2], rel=1e-14)


def test_a_program_does_not_rest_on_a_choice():
    for f in (piecewise, grad(piecewise), hessian(piecewise)):
        lowered = jit(f).lower(0.5)
        assert lowered.stats()["guards"] == 0
        for x in ORDERS:
            assert lowered(x) == f(x)
    text = jit(lambda x: where(less(x, 0.0), x, 0.0)).lower(1.0).as_text()
    assert text.splitlines()[1:3] == ["v1 = less(x0, 0.0)", "v2 = pick(0.0, v1, 0.0, x0)"]


def test_a_program_with_a_choice_can_be_written_and_pickled():
    lowered = grad(piecewise).lower(0.5)
    scope = {}
    exec(to_python(lowered), scope)
    again = pickle.loads(pickle.dumps(lowered.program))
    assert again.ops.tolist() == lowered.program.ops.tolist()
    for x in ORDERS:
        assert scope["f"](x) == lowered(x)


def root(x):
    return where(greater(x, 0.0), sqrt(x), 0.0)


def safe_root(x):
    inside = greater(x, 0.0)
    return where(inside, sqrt(where(inside, x, 1.0)), 0.0)


def test_an_infinite_partial_of_what_is_not_chosen_is_as_in_pytorch():
    assert by_sweeps(root, 1)(0.0) == 0.0  # it is not on the graph
    assert derivative(root)(0.0) == 0.0  # forward mode chooses between tangents
    assert math.isnan(jit(grad(root))(0.0))  # 0 times an infinite partial
    for order in (1, 2, 3):
        for x in (0.0, -1.0):
            assert by_reverse_mode(safe_root, order)(x) == 0.0
            assert derivative(safe_root, order)(x) == 0.0
        assert by_reverse_mode(safe_root, order)(4.0) == derivative(sqrt, order)(4.0)


def test_an_infinite_adjoint_goes_to_what_is_chosen_alone():
    def f(xs):
        return sqrt(where(less(xs[0], 1.0), xs[1], xs[2]))

    for xs, expected in [([0.0, 0.0, 9.0], [0.0, INF, 0.0]), ([2.0, 9.0, 0.0], [0.0, 0.0, INF])]:
        assert grad(f)(xs) == expected
        assert jacobian(grad(f))(xs)[0] == [0.0, 0.0, 0.0]

        def swept(xs):
            ys = [x * 1.0 for x in xs]
            f(ys).backward(create_graph=True)
            return [y.grad * 1.0 if isinstance(y.grad, Value) else y.grad for y in ys]

        assert jit(swept)(xs) == expected


def test_conditions_are_combined_by_arithmetic():
    def inside(x):
        return where(greater(x, 0.0) * less(x, 1.0), x * x, autodiff.maximum(x, 2.0))

    f = jit(grad(inside))
    assert [f(x) for x in (0.25, 3.0, -1.0)] == [0.5, 1.0, 0.0]


def test_a_tangent_goes_through_what_may_be_chosen_alone():
    def f(x, y):  # not through the condition: the partial of log at 0 is infinite
        return where(greater(x, 1.0), y, autodiff.log(where(greater(x, 0.0), y, 1.0)))

    assert derivative(lambda x: f(x, 0.0))(0.5) == 0.0
    assert derivative(lambda y: f(0.5, y))(2.0) == 0.5
    assert jit(derivative(lambda x: f(x, 0.0))).lower(0.5).stats()["nodes"] == 0
