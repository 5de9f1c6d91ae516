"""Properties of derivatives that hold for every expression, checked on random ones.

Two promises are kept apart:

* *bit for bit*: the computation is the same one, written differently;
* *to rounding*: contributions are added in another order, or a product is distributed over a sum.
  Each of ``n`` nodes then rounds once or twice more, by a unit in the last place of the sizes that
  meet: the sum over all paths of the magnitudes of their terms.
"""

import math
import random
from dataclasses import replace

import mpmath
import pytest
import references
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st
from mpmath import mp

from autodiff import Value, functions
from autodiff.sweeps import topological_order
from autodiff.testing import Expression, GradientError, check_gradient, expressions, points

EPS = 2.0**-52
TINY = 1e-290  # below, products lose digits to underflow
N = 3  # inputs
COMMUTATIVE = {"add", "mul", "maximum", "minimum"}
DIGITS = 320  # of mpmath's numbers: tails are told apart down to TINY

smooth = points(N).flatmap(lambda point: st.tuples(expressions(N, at=point), st.just(point)))
smooth_pairs = points(N).flatmap(
    lambda point: st.tuples(expressions(N, at=point), expressions(N, at=point), st.just(point))
)
randoms = st.integers(0, 1000).map(random.Random)


def record(f, point):
    """Inputs and the result, as Values."""
    xs = [Value(x) for x in point]
    return xs, f(*xs)


def differentiate(f, point):
    """Value and gradient."""
    xs, y = record(f, point)
    y.backward()
    return y.data, [x.grad for x in xs]


def sizes(y, xs):
    """For each input the sum over all paths from ``y`` of the terms' magnitudes, with the nodes."""
    order = topological_order([y])
    found = {y: 1.0}
    for v in reversed(order):
        for x, p in zip(v.operands, v.partials, strict=True):
            if isinstance(x, Value):
                found[x] = found.get(x, 0.0) + found[v] * abs(p)
    return [found.get(x, 0.0) * len(order) for x in xs]


def assert_exactly(got, wanted):
    """Bit for bit, but for underflow and the sign of zero."""
    for x, y in zip(got, wanted, strict=True):
        assert x == y or max(abs(x), abs(y)) < TINY


def assert_to_rounding(got, wanted, magnitudes):
    for x, y, size in zip(got, wanted, magnitudes, strict=True):
        assert abs(x - y) <= 4 * EPS * size + TINY


# -- linearity -------------------------------------------------------------------------------------


@given(smooth_pairs)
def test_the_gradient_of_a_sum_is_the_sum_of_the_gradients_to_rounding(drawn):
    f, g, point = drawn
    _, of_f = differentiate(f, point)
    _, of_g = differentiate(g, point)
    xs, y = record(lambda *xs: f(*xs) + g(*xs), point)
    y.backward()
    wanted = [a + b for a, b in zip(of_f, of_g, strict=True)]
    assert_to_rounding([x.grad for x in xs], wanted, sizes(y, xs))


@given(smooth_pairs)
def test_leaves_add_up_sweeps_bit_for_bit(drawn):
    f, g, point = drawn
    xs = [Value(x) for x in point]
    f(*xs).backward()
    g(*xs).backward()
    _, of_f = differentiate(f, point)
    _, of_g = differentiate(g, point)
    assert [x.grad for x in xs] == [a + b for a, b in zip(of_f, of_g, strict=True)]


@given(smooth, st.integers(-20, 20), st.booleans())
def test_scaling_by_powers_of_two_is_bit_for_bit(drawn, exponent, negative):
    f, point = drawn
    factor = math.ldexp(-1.0 if negative else 1.0, exponent)
    _, gradient = differentiate(f, point)
    xs, y = record(f, point)
    y.backward(factor)
    assert_exactly([x.grad for x in xs], [factor * g for g in gradient])
    _, scaled = differentiate(lambda *xs: factor * f(*xs), point)
    assert_exactly(scaled, [factor * g for g in gradient])


@given(smooth, st.floats(0.1, 10))
def test_scaling_by_any_number_is_to_rounding(drawn, factor):
    f, point = drawn
    _, gradient = differentiate(f, point)
    xs, y = record(f, point)
    magnitudes = [factor * size for size in sizes(y, xs)]
    y.backward(factor)
    assert_to_rounding([x.grad for x in xs], [factor * g for g in gradient], magnitudes)
    _, scaled = differentiate(lambda *xs: f(*xs) * factor, point)
    assert scaled == [x.grad for x in xs]


# -- the same function, written differently --------------------------------------------------------


def renumbered(expression, place):
    """The expression with operands renamed: ``place`` gives an index for an index."""
    return tuple(
        replace(step, operands=tuple(place[x] if isinstance(x, int) else x for x in step.operands))
        for step in expression.steps
    )


@given(smooth, st.permutations(range(N)))
def test_renaming_inputs_changes_nothing_bit_for_bit(drawn, order):
    f, point = drawn
    place = [*order, *range(N, N + len(f.steps))]
    renamed = Expression(N, renumbered(f, place))
    value, gradient = differentiate(f, point)
    moved = [point[order.index(i)] for i in range(N)]
    value_renamed, gradient_renamed = differentiate(renamed, moved)
    assert value_renamed == value
    assert [gradient_renamed[i] for i in order] == gradient


def used(step):
    return {x for x in step.operands if isinstance(x, int)}


def shuffled(expression, random_):
    """The expression with its steps in another order, operands still before results."""
    waiting, order = list(range(len(expression.steps))), []
    while waiting:
        known = {*range(N), *(N + i for i in order)}
        ready = [i for i in waiting if used(expression.steps[i]) <= known]
        order.append(random_.choice(ready))
        waiting.remove(order[-1])
    place = [*range(N), *(N + order.index(i) for i in range(len(order)))]
    steps = renumbered(expression, place)
    return Expression(N, tuple(steps[i] for i in order))


@given(smooth, randoms)
def test_the_order_of_independent_steps_changes_nothing_bit_for_bit(drawn, random_):
    f, point = drawn
    g = shuffled(f, random_)
    assert g.steps[-1].primitive == f.steps[-1].primitive
    assert differentiate(g, point) == differentiate(f, point)


@given(smooth, randoms)
def test_swapping_operands_that_commute_keeps_the_value_and_the_gradient_to_rounding(
    drawn, random_
):
    f, point = drawn
    steps = [
        replace(step, operands=step.operands[::-1])
        if step.primitive in COMMUTATIVE and random_.random() < 0.7
        else step
        for step in f.steps
    ]
    value, gradient = differentiate(f, point)
    xs, y = record(Expression(N, tuple(steps)), point)
    y.backward()
    assert y.data == value
    assert_to_rounding([x.grad for x in xs], gradient, sizes(y, xs))


def unshared(expression):
    """A function that computes every step anew wherever it is used: a tree of fresh steps."""

    def f(*xs):
        def compute(i):
            if i < N:
                return xs[i]
            step = expression.steps[i - N]
            n = len(step.operands)
            alone = Expression(n, (replace(step, operands=tuple(range(n))),))
            return alone(*(compute(x) if isinstance(x, int) else x for x in step.operands))

        return compute(N + len(expression.steps) - 1)

    return f


def size_of_tree(expression):
    counts = [1] * N
    for step in expression.steps:
        counts.append(1 + sum(counts[x] for x in step.operands if isinstance(x, int)))
    return counts[-1]


@given(smooth)
def test_recomputing_shared_steps_keeps_the_value_and_the_gradient_to_rounding(drawn):
    f, point = drawn
    assume(size_of_tree(f) < 500)
    value, gradient = differentiate(f, point)
    xs, y = record(unshared(f), point)
    y.backward()
    assert y.data == value
    assert_to_rounding([x.grad for x in xs], gradient, sizes(y, xs))


def namespace_of(source):
    scope = {}
    exec("from autodiff import *\n" + source, scope)
    return scope


@given(smooth)
def test_the_repr_is_python_that_computes_the_same_bit_for_bit(drawn):
    f, point = drawn
    g = namespace_of(repr(f))["f"]
    assert g(*point) == f(*point)
    assert differentiate(g, point) == differentiate(f, point)


# -- second derivatives ----------------------------------------------------------------------------


def hessian(f, point):
    """Second derivatives, and sizes of the terms that each was added up from."""
    xs, y = record(f, point)
    y.backward(create_graph=True)
    rows, magnitudes = [], []
    for first in [x.grad for x in xs]:
        for x in xs:
            x.grad = 0.0
        first = first if isinstance(first, Value) else Value(first)
        first.backward()
        rows.append([x.grad for x in xs])
        magnitudes.append(sizes(first, xs))
    return rows, magnitudes


@given(smooth)
def test_second_derivatives_are_symmetric_to_rounding(drawn):
    f, point = drawn
    second, magnitudes = hessian(f, point)
    for i in range(N):
        for j in range(i):
            size = magnitudes[i][j] + magnitudes[j][i]
            assert abs(second[i][j] - second[j][i]) <= 100 * EPS * size + TINY


# -- the truth -------------------------------------------------------------------------------------


def in_mpmath(expression, random_=None):
    """The expression in mpmath; with ``random_``, every step off by up to 1e-12, up or down."""
    errors = [1 + (random_.choice([-1e-12, 1e-12]) if random_ else 0) for _ in expression.steps]

    def f(*xs):
        values = list(xs)
        for step, error in zip(expression.steps, errors, strict=True):
            operands = [values[x] if isinstance(x, int) else x for x in step.operands]
            values.append(references.value(step.primitive, operands) * error)
        return values[-1]

    return f


def true_value_and_gradient(expression, point, random_=None):
    f = in_mpmath(expression, random_)
    xs = [mp.mpf(x) for x in point]
    return [
        f(*xs),
        *(mpmath.diff(f, tuple(xs), tuple(int(i == j) for j in range(N))) for i in range(N)),
    ]


@given(smooth)
def test_value_and_gradient_are_the_true_ones_as_well_as_the_expression_is_conditioned(drawn):
    f, point = drawn
    value, gradient = differentiate(f, point)
    xs, y = record(f, point)
    with mp.workdps(DIGITS):
        true = true_value_and_gradient(f, point)
        off = [true_value_and_gradient(f, point, random.Random(i)) for i in range(4)]
        found = zip([value, *gradient], [abs(value), *sizes(y, xs)], strict=True)
        for k, (got, size) in enumerate(found):
            # Errors 5000 times larger than the engine's show what such errors may come to.
            condition = max(abs(other[k] - true[k]) for other in off)
            assert abs(got - true[k]) <= condition + 100 * EPS * size + TINY


@given(smooth)
def test_differences_bear_out_every_derivative_of_a_smooth_expression(drawn):
    f, point = drawn
    check_gradient(f, *point)


# -- shrinking -------------------------------------------------------------------------------------

SEARCH = settings(
    max_examples=3000, database=None, derandomize=True, deadline=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
)  # fmt: skip


def smallest(n, condition, **options):
    """The body of the simplest expression found that meets the condition."""
    found = find(expressions(n, **options), condition, settings=SEARCH)
    return [line.strip() for line in repr(found).splitlines()[1:]]


def names(expression):
    return [step.primitive for step in expression.steps]


@pytest.mark.parametrize(
    ("name", "body"), [("gelu", "gelu(x1)"), ("dot", "dot([x1], [x1])"), ("atan2", "atan2(x1, x1)")]
)
def test_a_primitive_is_found_alone(name, body):
    assert smallest(2, lambda f: name in names(f)) == [f"return {body}"]


def test_what_goes_wrong_in_two_steps_is_found_as_these_two():
    def condition(f):
        return any(
            step.primitive == "log" and isinstance(x, int) and x >= 2 and names(f)[x - 2] == "exp"
            for step in f.steps
            for x in step.operands
        )

    some = ["mul", "sin", "exp", "sum", "log"]
    assert smallest(2, condition, primitives=some) == ["t0 = exp(x1)", "return log(t0)"]


def test_a_shared_step_is_found_with_nothing_else():
    first, last = smallest(1, lambda f: any(step.operands == (1, 1) for step in f.steps))
    assert first.startswith("t0 = ")
    assert last.startswith("return ")
    assert last.count("t0") == 2


def test_a_wrong_partial_is_found_in_the_smallest_expression(monkeypatch):
    exact = functions.PUBLIC["tanh"]

    def wrong(x):
        return 1.001 * exact(x) - 0.001 * exact(x.data) if isinstance(x, Value) else exact(x)

    def is_wrong(f):
        try:
            check_gradient(f, 0.5, order=1)
        except GradientError as error:
            return error.wrong
        return False

    monkeypatch.setitem(functions.PUBLIC, "tanh", wrong)
    assert smallest(1, is_wrong, at=[0.5]) == ["return tanh(x0)"]
