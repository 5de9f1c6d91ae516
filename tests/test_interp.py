"""``interp``: NumPy's numbers, and the derivatives by all that it is given."""

import math
from itertools import pairwise

import numpy as np
import pytest

import autodiff
from autodiff import Value, derivative, dot, grad, hessian, interp, jacobian, jit, vmap
from autodiff.testing import check_gradient

XP, FP = [-1.0, 0.5, 0.75, 3.0], [2.0, -1.0, 0.3, 0.9]
SLOPES = [(d - c) / (b - a) for (a, b), (c, d) in zip(pairwise(XP), pairwise(FP), strict=True)]
BETWEEN = [-2.0, -1.5, 0.0, 0.6, 2.9, 4.0]
EVERYWHERE = [*BETWEEN, *XP, math.inf, -math.inf, math.nan]


def values(numbers):
    """Leaves."""
    return [Value(x) for x in numbers]


def data(x):
    """The number of a Value or a float."""
    return x.data if isinstance(x, Value) else x


def same(a, b):
    """Whether numbers are the same to the bit, nan among them."""
    return np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("ends", [(), (7.0,), (7.0, -7.0), (None, 8)])
def test_numbers_are_numpys_to_the_bit(n, ends):
    xp, fp = XP[:n], FP[:n]
    expected = np.interp(EVERYWHERE, xp, fp, *ends)
    assert same([interp(x, xp, fp, *ends) for x in EVERYWHERE], expected)
    assert same(interp(np.array(EVERYWHERE), xp, fp, *ends), expected)
    for make in (tuple, values, np.array, lambda xs: np.array(values(xs))):
        assert same([data(interp(x, make(xp), make(fp), *ends)) for x in EVERYWHERE], expected)
        assert same([data(interp(Value(x), xp, make(fp), *ends)) for x in EVERYWHERE], expected)
    fast = jit(lambda x, xp, fp: interp(x, xp, fp, *ends))
    of_x = jit(lambda x: interp(x, xp, fp, *ends))
    assert same([fast(x, xp, fp) for x in EVERYWHERE], expected)
    assert same([of_x(x) for x in EVERYWHERE], expected)
    assert same(vmap(of_x)(np.array(EVERYWHERE)), expected)


def test_the_result_is_as_x_is():
    assert type(interp(1, (0, 2), (0, 1))) is float
    assert interp([1, [0.5, 3]], [0, 2], [0, 1]) == [0.5, [0.25, 1.0]]
    square = np.array([[0, 1], [2, 3]])
    found = interp(square, [0.0, 2.0], [0.0, 1.0])
    assert (found.dtype, found.tolist()) == (np.float64, [[0.0, 0.5], [1.0, 1.0]])
    assert interp(np.array(1.0), [0.0, 2.0], [0.0, 1.0]) == 0.5
    symbolic = interp(square, [0.0, 2.0], values([0.0, 1.0]))
    assert symbolic.dtype == object
    assert [[v.data for v in row] for row in symbolic] == found.tolist()
    for x in (-1.0, 1.0, 5.0):
        assert type(interp(Value(x), [0.0, 2.0], [0.0, 1.0], left=7.0)) is Value
        assert type(jit(lambda v, x=x: interp(x, [0.0, 2.0], [0.0, v], left=7.0))(1.0)) is float


@pytest.mark.parametrize("ends", [(), (7.0, -7.0)])
def test_the_derivative_is_the_slope_to_the_right_and_at_the_last_point_to_the_left(ends):
    def f(x):
        return interp(x, XP, FP, *ends)

    expected = {-2.0: 0.0, 0.0: SLOPES[0], 0.6: SLOPES[1], 2.9: SLOPES[2], 4.0: 0.0}
    expected |= dict(zip(XP, [*SLOPES, SLOPES[-1]], strict=True))
    expected |= {math.inf: 0.0, -math.inf: 0.0}
    for g in (grad(f), jit(grad(f)), derivative(f), jit(derivative(f))):
        for x, slope in expected.items():
            assert g(x) == slope
    second = jit(grad(grad(f)))
    assert [second(x) for x in expected] == [0.0] * len(expected)


@pytest.mark.parametrize("x", BETWEEN)
def test_derivatives_by_all_that_is_given_agree_with_finite_differences(x):
    def f(numbers):
        x, left, right, *points = numbers
        return interp(x * x * x, points[:4], points[4:], left, right) ** 2

    numbers = np.array([math.cbrt(x), 0.4, 0.6, *XP, *FP])
    check_gradient(f, numbers)
    check_gradient(f, numbers.tolist(), order=1)
    fast, expected = jit(hessian(f)), hessian(f)(numbers)
    for _ in range(2):
        assert fast(numbers) == pytest.approx(expected, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("i", range(4))
def test_at_a_point_the_derivatives_are_those_of_the_line_that_is_chosen(i):
    slope = [*SLOPES, SLOPES[-1]][i]
    here = [float(i == k) for k in range(4)]
    for g in (grad(interp, (1, 2)), jit(grad(interp, (1, 2)))):
        by_xp, by_fp = g(XP[i], XP, FP)
        assert by_xp == [-slope * h for h in here]
        assert by_fp == here


def test_what_is_beyond_reads_the_end_alone():
    for g in (grad(interp, (0, 1, 2, 3, 4)), jit(grad(interp, (0, 1, 2, 3, 4)))):
        for x in (-5.0, -math.inf):
            assert g(x, XP, FP, 1.0, 2.0) == (0.0, [0.0] * 4, [0.0] * 4, 1.0, 0.0)
        for x in (5.0, math.inf):
            assert g(x, XP, FP, 1.0, 2.0) == (0.0, [0.0] * 4, [0.0] * 4, 0.0, 1.0)
    by_fp = grad(interp, 2)
    assert (by_fp(-5.0, XP, FP), by_fp(5.0, XP, FP)) == ([1.0, 0, 0, 0], [0, 0, 0, 1.0])


def test_one_program_serves_every_x():
    lowered = jit(grad(lambda x: interp(x, XP, FP))).lower(0.0)
    assert lowered.stats()["guards"] == 0
    assert [lowered(x) for x in (-3.0, 0.6, 2.0)] == [0.0, SLOPES[1], SLOPES[2]]
    xs = np.linspace(-2.0, 4.0, 101)
    slopes = vmap(grad(interp), (0, None, None))(xs, XP, FP)
    assert slopes.tolist() == [grad(interp)(x, XP, FP) for x in xs]
    fit = jacobian(lambda fp: interp(xs, XP, fp))(np.array(FP))
    assert fit @ FP == pytest.approx(np.interp(xs, XP, FP), abs=1e-15)


def test_it_learns_heights():
    xs = [0.1 * i - 1.0 for i in range(40)]

    def loss(fp):
        errors = [a - math.sin(x) for a, x in zip(interp(xs, XP, fp), xs, strict=True)]
        return dot(errors, errors)

    best = autodiff.linalg.solve(hessian(loss)([0.0] * 4), [-g for g in grad(loss)([0.0] * 4)])
    assert grad(loss)(best) == pytest.approx([0.0] * 4, abs=1e-12)


@pytest.mark.parametrize("make", [list, values, np.array], ids=["floats", "Values", "arrays"])
@pytest.mark.parametrize(
    ("xp", "fp", "message"),
    [
        ([0.0, 1.0, 1.0], [1.0, 2.0, 3.0], r"xp must increase, but xp\[2\] is not above xp\[1\]"),
        ([0.0, -1.0], [1.0, 2.0], r"xp must increase, but xp\[1\] is not above xp\[0\]"),
        ([0.0, math.nan], [1.0, 2.0], r"xp must increase, but xp\[1\]"),
        ([0.0, 1.0], [1.0], "xp and fp must have one length, at least 1, not 2 and 1"),
        ([], [], "at least 1, not 0 and 0"),
    ],
)
def test_points_that_are_none_are_refused(make, xp, fp, message):
    for f in (interp, jit(interp)):
        with pytest.raises(ValueError, match=message):
            f(0.5, make(xp), make(fp))


def test_a_program_refuses_them_too():
    fast = jit(grad(interp))
    assert fast(0.5, [0.0, 1.0], [1.0, 3.0]) == 2.0
    for _ in range(2):
        with pytest.raises(ValueError, match=r"xp must increase, but xp\[1\] is not above"):
            fast(0.5, [1.0, 0.0], [1.0, 3.0])
    assert fast(0.5, [0.0, 0.5], [1.0, 3.0]) == 4.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1", XP, FP), r"interp\(x, xp, fp\): x must be a real number, not '1'"),
        ((1j, XP, FP), "x must be a real number, not 1j"),
        ((np.array([1j]), XP, FP), "x must be a real number"),
        ((1.0, 3.0, FP), r"xp must be a list or an array, not 3.0 \(float\)"),
        ((1.0, XP, None), r"fp must be a list or an array, not None"),
        ((1.0, np.array(1.0), FP), "xp must be a list or an array"),
        ((1.0, [0.0, "a"], [1.0, 2.0]), r"xp\[1\] must be a real number, not 'a'"),
        ((1.0, [[0.0, 1.0]], [1.0]), r"xp\[0\] must be a real number, not \[0.0, 1.0\]"),
        ((1.0, XP, FP, "l"), "left must be a real number, not 'l'"),
        ((1.0, XP, FP, None, []), r"right must be a real number, not \[\]"),
    ],
)
def test_other_things_are_refused(arguments, message):
    with pytest.raises(TypeError, match=message):
        interp(*arguments)
