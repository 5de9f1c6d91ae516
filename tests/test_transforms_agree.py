"""The derivatives of a program are those of the graph it was traced from, found by sweeps."""

import numpy as np
import pytest
from eager import by_sweeps
from hypothesis import given
from hypothesis import strategies as st

import autodiff
from autodiff import exp, ops, sin, take
from autodiff.compiler.derivatives import forward, reverse
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import ARITY
from autodiff.compiler.trace import trace
from autodiff.functions import take_known
from autodiff.testing import expressions, points

N = 3


def by_programs(f, point):
    """The gradients and the Hessians that the transforms find, in every way there is."""
    columns = np.eye(len(point)).tolist()
    gradients = [
        autodiff.grad(f)(point),
        autodiff.value_and_grad(f)(point)[1],
        autodiff.jacobian(f)(point),
        [autodiff.jvp(f, (point,), (column,))[1] for column in columns],
        autodiff.vjp(f, point)[1](1.0),
    ]
    hessians = [
        autodiff.hessian(f)(point),
        autodiff.jacobian(autodiff.grad(f))(point),
        [autodiff.hvp(f, (point,), (column,)) for column in columns],
        [autodiff.jvp(autodiff.grad(f), (point,), (column,))[1] for column in columns],
    ]
    return gradients, hessians


def assert_agree(f, point):
    value, *derivatives = by_sweeps(lambda *xs: f([*xs]), point)
    gradient, hessian = map(np.array, derivatives)
    assert autodiff.jit(f)(point) == value
    gradients, hessians = by_programs(f, point)
    for found in gradients:
        found = np.array(found, float).reshape(len(point))
        assert abs(found - gradient).max() <= 1e-9 * (1 + abs(gradient).max())
    for found in hessians:
        found = np.array(found, float).reshape(hessian.shape)
        assert abs(found - hessian).max() <= 1e-9 * (1 + abs(hessian).max())


@pytest.mark.parametrize(
    "f",
    [
        lambda xs, i: take(xs, i) ** 3 * xs[0],
        lambda xs, i: sin(take([xs[1], xs[0], 2.0], i)) * take([xs[0] * xs[1], 5.0, xs[2]], i),
        lambda xs, i: take([exp(xs[0]), *xs], i) * take([*xs, xs[0] * xs[2]], i),
        lambda xs, i: exp(take(xs, i)) * take([1.0, -1.0, 3.0], i) - xs[1],
    ],
)
@pytest.mark.parametrize("i", [0, 1, 2])
def test_of_an_element_that_is_chosen_by_an_index(f, i):
    point = [0.5, -1.25, 2.0]
    _, gradient, hessian = by_sweeps(lambda *xs: f([*xs], i), point)
    index = np.array([i])

    def g(xs, index):
        return f(xs, index[0])

    assert np.allclose(autodiff.grad(g)(point, index), gradient, 1e-14, 1e-14)
    assert np.allclose(autodiff.jacobian(g)(point, index), gradient, 1e-14, 1e-14)
    assert np.allclose(autodiff.hessian(g)(point, index), hessian, 1e-13, 1e-13)


@pytest.mark.parametrize(("i", "slope"), [(0, np.cos(0.5)), (1, 1.0), (2, 0.0)])
def test_of_an_element_that_is_chosen_by_an_index_forwards(i, slope):
    def f(x, index):
        return [take([sin(x), x * x, 2.0], index[0]), x * 3, x * x, x / 4]

    found = autodiff.jacobian(f)(0.5, np.array([i]))
    assert found == pytest.approx([slope, 3.0, 1.0, 0.25], rel=1e-15)


# -- on programs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("i", [0, 1, 2])
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_of_second_order_of_an_element_that_is_chosen_by_an_index(mode, i):
    point = [0.5, -1.25, 2.0]

    def f(xs, choose):
        return choose([xs[1] * xs[0], xs[2], xs[0] * xs[0]]) ** 2.0 * choose([*xs])

    traced = trace(lambda xs: [f(xs, lambda ys: take_known(ys, xs[3]))], [*point, 0.0]).program
    slopes = reverse(traced, [{0: None}], range(N))
    if mode == "reverse":
        curvatures = reverse(slopes, [{j: None} for j in range(N)], range(N))
    else:
        curvatures = forward(slopes, [{j: None} for j in range(N)])
    _, _, hessian = by_sweeps(lambda *xs: f([*xs], lambda ys: ys[i]), point)
    found = Machine(curvatures)(np.array([*point, i]))
    assert found == pytest.approx(np.ravel(hessian), rel=1e-13)


def test_a_constant_that_is_chosen_by_an_index_has_no_tangent():
    traced = trace(lambda xs: [take_known([xs[0] * 5.0, 2.0], xs[1])], [0.5, 1.0]).program
    tangents = Machine(forward(traced, [{0: None}]))
    assert [tangents(np.array([0.5, i])).tolist() for i in (0.0, 1.0)] == [[5.0], [0.0]]


def test_of_operations_whose_partials_have_lists_constants_or_their_value():
    def f(x, y, z):
        powers = [x**y, autodiff.leaky_relu(y * z, x), autodiff.elu(z, y)]
        a = autodiff.logsumexp([x * z, *powers, 1.5])
        return autodiff.norm([a, z, *powers, x, y]) * exp(autodiff.logsumexp([z, y]))

    point = [1.25, 0.75, -0.5]
    _, gradient, hessian = by_sweeps(f, point)
    p = trace(lambda xs: [f(*xs)], point).program
    each = [{i: None} for i in range(N)]
    slopes, columns = reverse(p, [{0: None}], range(N)), forward(p, each)
    for found in (slopes, columns):
        assert Machine(found)(np.array(point)) == pytest.approx(gradient, rel=1e-12)
    for found in (reverse(slopes, each, range(N)), reverse(columns, each, range(N))):
        assert not found.b[ARITY[found.ops] == 1].any()  # what no instruction reads
        assert Machine(found)(np.array(point)) == pytest.approx(np.ravel(hessian), rel=1e-12)


def appended(f, derive):
    """The names of the instructions that a derivative has beyond those of the function."""
    program = trace(f, [3.0, 2.0]).program
    names = [ops.ROWS[op].name for op in derive(program).ops]
    assert names[: len(program)] == [ops.ROWS[op].name for op in program.ops]
    return names[len(program) :]


@pytest.mark.parametrize(
    ("f", "derive", "names"),
    [
        # no multiplication by 1 or -1
        (lambda x, y: [(x - y) * x], lambda p: reverse(p, [{0: None}], [0, 1]), ["add", "neg"]),
        (lambda x, y: [(x - y) * x], lambda p: forward(p, [{0: None}]), ["add"]),
        (lambda x, y: [(x - y) * x], lambda p: forward(p, [{1: None}]), ["neg", "mul"]),
        # nothing of what does not depend on the inputs, or is not depended on by the result
        (lambda x, y: [x * sin(sin(y))], lambda p: reverse(p, [{0: None}], [0]), []),
        (lambda x, y: [x * sin(sin(y))], lambda p: forward(p, [{0: None}]), []),
        (lambda x, y: [sin(y)], lambda p: reverse(p, [{0: None}], [0]), []),
        (lambda x, y: [x * y, sin(x)], lambda p: reverse(p, [{0: None}], [0]), []),
        (lambda x, y: [sin(x * sin(y))], lambda p: reverse(p, [{0: None}], [0]), ["cos", "mul"]),
        (lambda x, y: [sin(x * 3.0)], lambda p: reverse(p, [{0: None}], [0]), ["cos", "mul"]),
        (lambda x, y: [sin(x * y)], lambda p: reverse(p, [{0: None}], [1]), ["cos", "mul"]),
    ],
)
def test_a_derivative_has_no_needless_instructions(f, derive, names):
    assert appended(lambda xs: f(*xs), derive) == names


# -- on random expressions -------------------------------------------------------------------------


@given(st.data())
def test_of_any_expression(data):
    point = data.draw(points(N))
    expression = data.draw(expressions(N, at=point))
    assert_agree(lambda xs: expression(*xs), point)


def test_results_that_are_the_first_input_have_derivatives_too():
    p = trace(lambda xs: [xs[0], xs[0] * xs[1], xs[1]], [2.0, 3.0]).program
    x = np.array([2.0, 3.0])
    rows = reverse(p, [{i: None} for i in range(3)], [0, 1])
    columns = forward(p, [{0: None}, {1: None}])
    assert Machine(rows)(x).tolist() == [1.0, 0.0, 3.0, 2.0, 0.0, 1.0]
    assert Machine(columns)(x).tolist() == [1.0, 3.0, 0.0, 0.0, 2.0, 1.0]
