"""norm, clip, round and stop_gradient: NumPy's numbers, PyTorch's slopes, in every transform."""

import collections
import itertools
import math

import numpy as np
import pytest

import autodiff
from autodiff import Value, clip, derivative, grad, hessian, jit, norm, sin, stop_gradient, vmap

INF, NAN = math.inf, math.nan


# -- norm ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300, 1e160, 1e-160, 5e-324])
def test_a_norm_neither_overflows_nor_underflows(scale):
    xs = [Value(3 * scale), Value(-4 * scale), Value(0.0)]
    v = norm(xs)
    assert v.data == pytest.approx(5 * scale, rel=1e-15)
    assert v.partials == pytest.approx((0.6, -0.8, 0.0), rel=1e-15)
    assert jit(norm)([3 * scale, -4 * scale]) == v.data


def test_a_norm_is_numpys():
    for xs in ([1.5], [1.0, 2.0, -3.0], [INF, 1.0], [-INF, 0.0], [NAN, 1.0], [0.0, -0.0]):
        np.testing.assert_allclose(norm(xs), np.linalg.norm(xs), rtol=1e-15)
    rows = np.array([[3.0, 1e200], [4.0, 1e200]])
    np.testing.assert_allclose(norm(rows), [5.0, 2**0.5 * 1e200], rtol=1e-15)
    v = norm(np.array([Value(3.0), Value(4.0)]))
    assert (v.op, v.data) == ("norm", 5.0)


def test_the_slope_of_a_norm_at_0_is_0():
    for f in (grad(norm), jit(grad(norm))):
        assert f([0.0, 0.0]) == [0.0, 0.0]
        assert f([0.0, 2.0]) == [0.0, 1.0]
    assert vmap(grad(norm))(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0, 0], [0.6, 0.8]]


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_second_derivatives_of_a_norm(scale):
    x = np.array([3.0, 4.0])
    wanted = (np.eye(2) - np.outer(x, x) / 25) / 5 / scale
    for f in (hessian(norm), jit(hessian(norm))):
        np.testing.assert_allclose(f([3 * scale, 4 * scale]), wanted, rtol=1e-14)
    third = derivative(lambda t: norm([t, 1.0]), 3)(0.5)
    assert third == pytest.approx(-3 * 0.5 / 1.25**2.5, rel=1e-14)


# -- clip ------------------------------------------------------------------------------------------

LIMITS = [-1.0, 0.0, 2.0, INF, -INF, NAN]


def test_clip_is_numpys():
    for x, lo, hi in itertools.product([-2.0, -1.0, 0.5, 2.0, 3.0, INF, -INF, NAN], LIMITS, LIMITS):
        wanted = np.clip(x, lo, hi)
        np.testing.assert_array_equal(clip(x, lo, hi), wanted)
        np.testing.assert_array_equal(clip(Value(x), lo, hi).data, wanted)
    x = np.array([[-2.0, 0.5], [NAN, 3.0]])
    for lo, hi in [(0.0, 1.0), (None, 1.0), (0.0, None), (np.array([0.0, 1.0]), 2.0)]:
        np.testing.assert_array_equal(clip(x, lo, hi), np.clip(x, lo, hi))
    assert clip(5.0, None, None) == 5.0
    assert [v.data for v in clip(np.array([Value(-1.0), Value(0.5)]), 0.0, None)] == [0.0, 0.5]
    assert Value(3.0).clip(0.0, 1.0).data == 1.0


@pytest.mark.parametrize(
    ("x", "slope"), [(-0.5, 0.0), (0.0, 1.0), (0.25, 1.0), (1.0, 1.0), (1.5, 0.0), (NAN, 0.0)]
)
def test_the_slope_of_clip_is_1_from_end_to_end(x, slope):
    def f(x):
        return clip(x, 0.0, 1.0)

    for g in (grad(f), derivative(f), jit(grad(f)), jit(derivative(f))):
        assert g(x) == slope
    assert vmap(grad(f))(np.array([x])).tolist() == [slope]
    assert jit(f).lower(0.5).stats()["guards"] == 0
    assert derivative(lambda x: sin(clip(x, 0.0, 1.0)), 2)(x) == pytest.approx(
        -slope * math.sin(x), nan_ok=True
    )


def test_the_limits_of_clip_have_slopes():
    assert [grad(clip, (0, 1, 2))(x, 0.0, 1.0) for x in (-1.0, 0.5, 2.0)] == [
        (0.0, 1.0, 0.0),
        (1.0, 0.0, 0.0),
        (0.0, 0.0, 1.0),
    ]


@pytest.mark.parametrize("thing", ["1", 1j, [1.0]], ids=type)
def test_what_cannot_be_clipped_is_refused(thing):
    for operands in itertools.permutations((1.0, 2.0, thing)):
        with pytest.raises(TypeError, match=rf"clip\(a, b, c\) takes .*\({type(thing).__name__}\)"):
            clip(*operands)
    with pytest.raises(TypeError, match=r"clip\(a, b, c\) takes .*NoneType"):
        clip(None, 0.0, 1.0)


# -- round -----------------------------------------------------------------------------------------


def test_round_is_numpys_and_flat():
    numbers = [0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -0.0, 1e300, INF, NAN]
    for x in numbers:
        assert repr(autodiff.round(x)) == repr(float(np.round(x)))
        v = autodiff.round(Value(x))
        assert repr(v.data) == repr(float(np.round(x)))
        assert v.partials == (0.0,)
        assert repr(round(Value(x)).data) == repr(v.data)
    np.testing.assert_array_equal(autodiff.round(np.array(numbers)), np.round(numbers))
    assert grad(lambda x: x * autodiff.round(x))(1.75) == 2.0


def test_pythons_round_is_not_shadowed():
    assert "round" not in autodiff.__all__
    with pytest.raises(TypeError):
        round(Value(1.25), 1)


# -- stop_gradient ---------------------------------------------------------------------------------


def test_nothing_is_differentiated_through_what_is_held():
    def f(x):
        return x * x * stop_gradient(x)

    for g in (grad(f), derivative(f), jit(grad(f)), jit(derivative(f))):
        assert g(3.0) == 18.0
    for g in (hessian(f), derivative(f, 2), grad(grad(f)), jit(grad(grad(f)))):
        assert g(3.0) == 6.0
    assert vmap(grad(f))(np.array([3.0, 1.0])).tolist() == [18.0, 2.0]
    assert [jit(f)(x) for x in (2.0, 3.0)] == [8.0, 27.0]  # it is read at every call


def test_structures_are_held_as_they_are():
    pair = collections.namedtuple("pair", "x y")
    x = Value(2.0)
    tree = {"a": [x, 1], "b": pair(x, (x, 2.5)), "c": np.array([x, x]), "d": np.ones(2, "f4")}
    held = stop_gradient(tree)
    leaves = [held["a"][0], held["b"].x, held["b"].y[0], *held["c"]]
    assert all(v.data == 2.0 and v.operands == () and v is not x for v in leaves)
    assert (type(held["b"]), held["a"][1], held["b"].y[1]) == (pair, 1, 2.5)
    assert held["d"] is tree["d"]
    assert stop_gradient(1.5) == 1.5


@pytest.mark.parametrize("thing", ["1", None, 1j], ids=type)
def test_what_cannot_be_held_is_refused(thing):
    for x in ([1.0, thing], np.array([thing])):
        with pytest.raises(TypeError, match=r"stop_gradient\(x\) takes real numbers"):
            stop_gradient(x)
