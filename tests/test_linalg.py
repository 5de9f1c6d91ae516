"""Linear algebra in scalars: NumPy's numbers, and their derivatives of every order."""

import itertools
import math

import numpy as np
import pytest
from mpmath import mp
from numpy.linalg import LinAlgError

from autodiff import (
    Value,
    cos,
    derivative,
    dot,
    exp,
    grad,
    hessian,
    jacobian,
    jit,
    jvp,
    linalg,
    no_grad,
    sin,
    vmap,
)
from autodiff.linalg import elimination
from autodiff.sweeps import topological_order
from autodiff.testing import check_gradient

EPS = 2.0**-52


def random(*shape, seed=0):
    """A matrix, or a vector."""
    return np.random.default_rng([*shape, seed]).normal(size=shape)


def positive_definite(n):
    return random(n, n + 2) @ random(n, n + 2).T + np.eye(n)


def values(a):
    """An array of leaves."""
    return np.vectorize(Value, otypes=[object])(a)


def data(x):
    """The numbers of Values and floats."""
    return np.vectorize(lambda v: v.data if isinstance(v, Value) else v, otypes=[float])(x)


#: ours, NumPy's, and its arguments for the size n
FUNCTIONS = {
    "solve": (linalg.solve, np.linalg.solve, lambda n: (random(n, n), random(n))),
    "solve, 3 sides": (linalg.solve, np.linalg.solve, lambda n: (random(n, n), random(n, 3))),
    "det": (linalg.det, np.linalg.det, lambda n: (random(n, n),)),
    "inv": (linalg.inv, np.linalg.inv, lambda n: (random(n, n),)),
    "cholesky": (linalg.cholesky, np.linalg.cholesky, lambda n: (positive_definite(n),)),
    "lstsq": (
        linalg.lstsq,
        lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
        lambda n: (random(n + 3, n), random(n + 3)),
    ),
    "lstsq, 2 sides": (
        linalg.lstsq,
        lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
        lambda n: (random(n + 3, n), random(n + 3, 2)),
    ),
    "lstsq, square": (linalg.lstsq, np.linalg.solve, lambda n: (random(n, n), random(n))),
    "lstsq, wide": (
        linalg.lstsq,
        lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
        lambda n: (random(n, n + 2), random(n)),
    ),
}
EACH = pytest.mark.parametrize("name", FUNCTIONS)


# -- values ----------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10, 20])
def test_numbers_are_numpys(name, n):
    ours, numpys, arguments = FUNCTIONS[name]
    args = arguments(n)
    found, expected = ours(*args), numpys(*args)
    assert np.shape(found) == np.shape(expected)
    bound = 8 * EPS * np.linalg.cond(args[0])
    assert np.abs(found - expected).max() <= bound * np.abs(expected).max()


@EACH
def test_values_arrays_lists_and_programs_give_the_same_to_the_bit(name):
    ours, _, arguments = FUNCTIONS[name]
    args = arguments(4)
    expected = ours(*args)
    if np.ndim(expected):
        assert expected.dtype == np.float64
        assert ours(*(a.tolist() for a in args)) == expected.tolist()
    found = ours(*map(values, args))
    assert np.array_equal(data(found), expected)
    listed = ours(*(values(a).tolist() for a in args))
    assert np.array_equal(data(listed), expected)
    if np.ndim(expected):
        assert found.dtype == object
        assert type(listed) is list
    else:
        assert type(listed) is type(found) is Value
    fast = jit(ours)
    for _ in range(3):
        assert np.array_equal(fast(*args), expected)
    with no_grad():
        assert all(not v.operands for v in np.ravel(ours(*map(values, args))) if v != 0)


def test_an_array_among_lists_makes_an_array():
    a, b = [[2.0, 1], (1, np.float32(3))], [4, 7.0]
    assert linalg.solve(a, b) == [1.0, 2.0]
    assert type(linalg.solve(a, b)[0]) is float
    assert linalg.solve(np.array(a), b).tolist() == [1.0, 2.0]
    assert linalg.solve(a, np.array(b)).tolist() == [1.0, 2.0]
    assert linalg.solve([np.array(row) for row in a], b) == [1.0, 2.0]
    assert [type(linalg.lstsq(x, y)) for x in (a, np.array(a)) for y in (b, np.array(b))] == [
        list,
        *[np.ndarray] * 3,
    ]
    mixed = linalg.solve([[Value(2.0), 1], [1, 3]], b)
    assert [x.data for x in mixed] == [1.0, 2.0]


def test_nothing_is_a_matrix_too():
    empty = np.empty((0, 0))
    assert linalg.det(empty) == linalg.det([]) == np.linalg.det(empty)
    assert linalg.inv(empty).shape == linalg.cholesky(empty).shape == (0, 0)
    assert linalg.inv([]) == linalg.solve([], []) == []
    assert linalg.solve(empty, np.empty((0, 2))).shape == (0, 2)
    assert linalg.lstsq(np.empty((3, 0)), np.ones(3)).shape == (0,)
    assert linalg.lstsq(np.empty((0, 3)), np.ones(0)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("n", [2, 4, 7])
def test_a_determinant_of_rows_of_many_sizes_loses_no_digits(n):
    a = random(n, n)
    sizes = 10.0 ** (-12.0 * np.arange(n))
    expected = np.linalg.det(a) * sizes.prod()
    for scaled in (a * sizes[:, None], a * sizes[::-1, None], a * sizes, a * sizes[::-1]):
        assert linalg.det(scaled) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_numbers_may_be_very_small_or_large(size):
    a, b = random(5, 3) * [1.0, size, 1.0], random(5)
    expected = np.linalg.lstsq(a * [1.0, 1 / size, 1.0], b, rcond=None)[0] / [1.0, size, 1.0]
    assert linalg.lstsq(a, b) == pytest.approx(expected, rel=1e-13)
    a = random(3, 3) * size
    assert linalg.solve(a, b[:3]) == pytest.approx(np.linalg.solve(a, b[:3]), rel=1e-12)
    spd = positive_definite(3) * size
    assert linalg.cholesky(spd) == pytest.approx(np.linalg.cholesky(spd), rel=1e-13)


def test_least_squares_of_numbers_below_0_and_hardly_above_rounding():
    assert linalg.lstsq([[0.0], [-2.0]], [1.0, 4.0]) == pytest.approx([-2.0], rel=1e-15)
    nearly = [[1.0, 1.0], [0.0, 4 * EPS]]
    assert linalg.lstsq(nearly, [3.0, 8 * EPS]) == pytest.approx([1.0, 2.0], rel=1e-15)


def test_nan_spreads():
    for i, j in itertools.product(range(3), repeat=2):
        a = random(3, 3)
        a[i, j] = math.nan
        assert np.isnan(linalg.inv(a)).any()
        assert math.isnan(linalg.det(a))
        assert math.isnan(jit(linalg.det)(a))
        assert np.array_equal(
            np.isnan(jit(linalg.solve)(a, np.ones(3))), np.isnan(linalg.solve(a, np.ones(3)))
        )
        with pytest.raises(LinAlgError, match="or is not finite"):
            linalg.lstsq(a, np.ones(3))
    assert np.isnan(linalg.solve([[math.nan, 1.0], [0.0, 1.0]], [1.0, 2.0])).any()
    assert np.isnan(linalg.solve([[0.0, 1.0], [math.nan, 1.0]], [1.0, 2.0])).all()


def test_cholesky_reads_the_lower_triangle_alone():
    a = positive_definite(4)
    upper = np.triu(np.full((4, 4), math.nan), 1)
    expected = linalg.cholesky(a)
    assert linalg.cholesky(a + upper).tolist() == expected.tolist()
    given = values(a)
    linalg.cholesky(given).sum().backward()
    assert all(given[i, j].grad == 0.0 for i, j in zip(*np.triu_indices(4, 1), strict=True))


def test_a_system_is_a_matter_of_few_nodes():
    def nodes(n):
        x = linalg.solve(values(random(n, n)), values(random(n)))
        return len(topological_order(x.tolist()))

    assert nodes(20) <= 4 * nodes(10) <= 4 * 600


def test_a_determinant_close_to_0_is_a_matter_of_few_nodes():
    v = linalg.det(values(1.0 + 1e-10 * random(12, 12)))
    assert len(topological_order([v])) <= 600


# -- derivatives -----------------------------------------------------------------------------------


def test_derivatives_are_the_closed_forms():
    n = 5
    a, b, w, step = random(n, n), random(n), random(n, seed=1), random(n, n, seed=1)
    inverse, x = np.linalg.inv(a), np.linalg.solve(a, b)
    near = {"rel": 1e-11, "abs": 1e-11}
    assert jvp(linalg.inv, (a,), (step,))[1] == pytest.approx(-inverse @ step @ inverse, **near)
    assert grad(linalg.det)(a) == pytest.approx(np.linalg.det(a) * inverse.T, **near)
    by_a, by_b = grad(lambda a, b: dot(w.tolist(), linalg.solve(a, b).tolist()), (0, 1))(a, b)
    adjoint = inverse.T @ w
    assert by_b == pytest.approx(adjoint, **near)
    assert by_a == pytest.approx(-np.outer(adjoint, x), **near)
    # Murray, Differentiation of the Cholesky decomposition, 2016
    spd, symmetric = positive_definite(n), step + step.T
    lower = np.linalg.cholesky(spd)
    middle = np.linalg.solve(lower, np.linalg.solve(lower, symmetric).T).T
    half = np.tril(middle) - np.diag(np.diag(middle)) / 2
    assert jvp(linalg.cholesky, (spd,), (symmetric,))[1] == pytest.approx(lower @ half, **near)
    for m in (8, 3):  # Golub and Pereyra, The differentiation of pseudo-inverses, 1973
        a, b, da, db = random(m, n), random(m), random(m, n, seed=1), random(m, seed=1)
        p = np.linalg.pinv(a)
        x = p @ b
        dx = p @ (db - da @ x) + (np.eye(n) - p @ a) @ da.T @ (p.T @ x)
        dx += np.linalg.pinv(a.T @ a) @ da.T @ (b - a @ x)
        assert jvp(linalg.lstsq, (a, b), (da, db))[1] == pytest.approx(dx, **near)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "sides" not in name])
def test_derivatives_agree_with_finite_differences(name):
    ours, _, arguments = FUNCTIONS[name]
    args = arguments(2)

    def f(*args):
        result = np.ravel(ours(*args)).tolist()
        return dot([math.sin(1.0 + i) for i in range(len(result))], result)

    check_gradient(f, *args)
    check_gradient(f, *(a.tolist() for a in args), order=1)
    nearly = {"rel": 1e-9, "abs": 1e-9}
    assert jit(hessian(f))(*args) == pytest.approx(hessian(f)(*args), **nearly)


def curve(functions, t):
    """A matrix on a curve, and a vector, by any library."""
    sine, cosine, exponential = functions
    a = [
        [4 + sine(t), 1 + t * t, sine(2 * t)],
        [cosine(t), 3 + t, exponential(-t)],
        [t * t * t, 1 / (2 + t), 5 + cosine(3 * t)],
        [1 - t, sine(t), t],
    ]
    return a, [exponential(t), 1 + t, cosine(t), t * t]


def normal_equations(a, b):
    a, b = mp.matrix(a), mp.matrix(b)
    return (a.T * a) ** -1 * (a.T * b)


def least_norm(a, b):
    a, b = mp.matrix(a), mp.matrix(b)
    return a.T * ((a * a.T) ** -1 * b)


def gram(a):
    """A positive definite matrix."""
    return [[sum(x * y for x, y in zip(p, q, strict=True)) for q in a] for p in a]


#: ours and mpmath's, of what the curve gives
ON_A_CURVE = {
    "solve": (
        lambda a, b: linalg.solve(a[:3], b[:3]),
        lambda a, b: mp.matrix(a[:3]) ** -1 * mp.matrix(b[:3]),
    ),
    "inv": (lambda a, b: linalg.inv(a[:3]), lambda a, b: mp.matrix(a[:3]) ** -1),
    "det": (lambda a, b: [linalg.det(a[:3])], lambda a, b: [mp.det(mp.matrix(a[:3]))]),
    "cholesky": (
        lambda a, b: linalg.cholesky(gram(a[:3])),
        lambda a, b: mp.cholesky(mp.matrix(gram(a[:3]))),
    ),
    "lstsq": (linalg.lstsq, normal_equations),
    "lstsq, wide": (lambda a, b: linalg.lstsq(a[:2], b[:2]), lambda a, b: least_norm(a[:2], b[:2])),
}


@pytest.mark.parametrize("name", ON_A_CURVE)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_every_order_is_mpmaths(name, order):
    ours, theirs = ON_A_CURVE[name]

    def f(t):
        return sum(
            (2 + i) * x for i, x in enumerate(np.ravel(ours(*curve((sin, cos, exp), t))).tolist())
        )

    def exact(t):
        return sum((2 + i) * x for i, x in enumerate(theirs(*curve((mp.sin, mp.cos, mp.exp), t))))

    with mp.workdps(60):
        expected = float(mp.diff(exact, mp.mpf("0.4"), order))
    by_sweeps = f
    for _ in range(order):
        by_sweeps = grad(by_sweeps)
    for g in (by_sweeps, jit(by_sweeps), derivative(f, order), jit(derivative(f, order))):
        assert g(0.4) == pytest.approx(expected, rel=1e-11)


# -- determinants of singular matrices -------------------------------------------------------------


def derivatives_of_det(a):
    """The first three derivatives of the polynomial, from its definition."""
    n = len(a)
    first, second, third = (np.zeros((n, n) * order) for order in (1, 2, 3))
    for p in itertools.permutations(range(n)):
        sign = round(np.linalg.det(np.eye(n)[list(p)]))
        for order, d in enumerate((first, second, third), 1):
            for rows in itertools.permutations(range(n), order):
                others = [a[i, p[i]] for i in range(n) if i not in rows]
                d[tuple(k for i in rows for k in (i, p[i]))] += sign * math.prod(others)
    return first, second, third


SINGULAR = {
    "zeros": np.zeros((3, 3)),
    "ones": np.ones((3, 3)),
    "rank 2": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
    "rank 1 but for rounding": np.outer([0.1, 0.2, 0.7], [0.3, 0.6, 0.9]),
    "rank 1": np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]),
    "a column of zeros first": np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 4.0], [0.0, 5.0, 6.0]]),
    "a column of zeros": np.array([[1.0, 0.0, 2.0], [2.0, 0.0, 5.0], [3.0, 0.0, 6.0]]),
    "a column twice": np.array([[1.0, 1.0, 2.0], [2.0, 2.0, 5.0], [3.0, 3.0, 7.0]]),
    "rounding in the third column": np.array(
        [[2.0, -1, 0, 1], [-1.0, 0, -2, -5], [2.0, -1, 0, -2], [3.0, -2, -2, 3]]
    ),
    "rounding of rounding": np.array(
        [[0.54, -8.6, 0.18, 1.0], [0, -0.24, 0, -0.04], [0, 6.1, 0, 0], [-1.5, 4, -0.5, -2.1]]
    ),
    "regular": np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 4.0], [3.0, 5.0, 0.0]]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_a_determinant_has_the_derivatives_of_the_polynomial(name):
    a = SINGULAR[name]
    expected = derivatives_of_det(a)
    f = linalg.det
    for g in (f, jit(f)):
        assert g(a) == pytest.approx(np.linalg.det(a), abs=1e-14)
    for d in expected[: 3 if len(a) < 4 else 2]:
        f = jacobian(f)
        for g in (f, jit(f)):
            assert g(a) == pytest.approx(d, abs=1e-13)


def test_a_program_of_a_determinant_serves_what_comes():
    fast, calls = jit(jacobian(grad(linalg.det))), []
    for _ in range(3):
        for a in SINGULAR.values():
            calls.append(fast(a))
            assert calls[-1] == pytest.approx(derivatives_of_det(a)[1], abs=1e-13)


def test_at_the_point_where_it_becomes_singular():
    def f(x):
        return linalg.det([[x, 1.0], [1.0, 1.0]])

    assert (f(1.0), grad(f)(1.0), jit(grad(f))(1.0), derivative(f, 2)(1.0)) == (0.0, 1.0, 1.0, 0.0)
    power = derivative(lambda x: linalg.det(x * np.eye(5)), 5)  # of x**5
    assert (power(0.0), power(2.0)) == (120.0, pytest.approx(120.0, rel=1e-14))
    assert derivative(lambda x: linalg.det((x * np.eye(5)).tolist()), 4)(0.0) == 0.0


def test_columns_that_lost_half_of_their_digits_wait():
    """Close to a singular matrix a second derivative, here twice an entry, keeps its digits."""

    def f(t):
        rows = [[0.3 + t, 0.45, 0.7], [0.9, 1.35 + 1e-10 + t, -0.2], [0.6, 0.9 - 1e-10, 0.5]]
        return linalg.det(rows)

    assert derivative(f, 2)(0.0) == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
def test_without_division_it_is_the_same(n):
    a = random(n, n)
    assert elimination._division_free(a.tolist()) == pytest.approx(np.linalg.det(a), rel=1e-13)
    rank_1 = np.outer(np.arange(1.0, n + 1), np.arange(2.0, n + 2))
    adjugate = np.zeros((n, n))  # from n = 3 on
    if n < 3:
        adjugate = {1: [[1.0]], 2: [[6.0, -4.0], [-3.0, 2.0]]}[n]
    assert grad(linalg.det)(rank_1) == pytest.approx(np.array(adjugate), abs=1e-12)


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_a_permutation_has_its_sign(order):
    p = np.eye(4)[list(order)]
    assert linalg.det(p) == np.linalg.det(p)
    assert grad(linalg.det)(p) == pytest.approx(np.linalg.det(p) * p)


# -- what jit and vmap make of pivots --------------------------------------------------------------


def test_one_program_serves_every_order_of_pivots():
    traced = []

    def f(a, b):
        traced.append(1)
        return dot(linalg.solve(a, b).tolist(), b.tolist()) * linalg.det(a)

    fast = jit(grad(f), check=False)
    a, b = random(4, 4) + 3 * np.eye(4), random(4)
    for order in itertools.permutations(range(4)):
        p = a[list(order)]
        found = fast(p, b)
        ran = len(traced)
        assert found == pytest.approx(grad(f)(p, b), rel=1e-12, abs=1e-12)
        del traced[ran:]
    assert len(traced) == 1


@EACH
def test_lanes_get_what_each_gets_alone(name):
    ours, _, arguments = FUNCTIONS[name]
    lanes = [[a + 0.5 * random(*a.shape, seed=i) for a in arguments(3)] for i in range(40)]
    if name == "cholesky":
        lanes = [[a @ a.T] for (a,) in lanes]
    together = vmap(ours)(*(np.array(x) for x in zip(*lanes, strict=True)))
    assert np.array_equal(together, [ours(*args) for args in lanes])


def test_a_function_that_closes_over_values_keeps_their_gradient():
    a, b = values(random(3, 3)), random(3)
    x = jit(lambda b: linalg.solve(a, b))(b)
    x[0].backward()
    found = data(np.vectorize(lambda v: v.grad)(a))
    expected = grad(lambda a: linalg.solve(a, b)[0])(data(a))
    assert found == pytest.approx(expected, rel=1e-13)


# -- what is refused -------------------------------------------------------------------------------

TWICE = [[1.0, 2.0, 1.0], [2.0, 4.0, 3.0], [3.0, 6.0, 7.0]]
REFUSED = {
    "solve": (lambda a: linalg.solve(a, [1.0, 2.0, 3.0]), TWICE, "singular: its column 1"),
    "inv": (linalg.inv, TWICE, r"inv\(a\): a is singular: its column 1"),
    "zeros": (linalg.inv, np.zeros((2, 2)).tolist(), "singular: its column 0"),
    "rounding in rows above": (
        linalg.inv,
        [[1.8, 1.0, 2.8], [0.1, 1.2, 1.3], [1.0, 1.7, 2.7]],
        "singular: its column 2",
    ),
    "cholesky": (linalg.cholesky, [[4.0, 9.0], [2.0, 1.0]], "not positive definite.* 2 rows"),
    "negative": (linalg.cholesky, [[-1.0]], "not positive definite.* 1 rows"),
    "nan": (linalg.cholesky, [[math.nan]], "not positive definite"),
    "lstsq": (lambda a: linalg.lstsq(a, [1.0, 2.0, 3.0]), TWICE, "full rank: its column 1"),
    "wide": (
        lambda a: linalg.lstsq(a, [1.0, 2.0]),
        [[0.1, 0.2, 0.3], [0.3, 0.6, 0.9]],
        "full rank: its row 1",
    ),
    "as small as rounding": (
        lambda a: linalg.lstsq(a, [1.0, 2.0]),
        [[1.0, 1.0], [0.0, 2 * EPS]],
        "full rank: its column 1",
    ),
    "null": (lambda a: linalg.lstsq(a, [1.0, 2.0]), [[0.0], [0.0]], "full rank: its column 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_solution_is_refused_as_numpy_does_in_traces_too(name):
    f, a, message = REFUSED[name]

    def total(a):
        return sum(np.ravel(np.array(f(a), object)))

    fine = (0.1 + np.eye(*np.shape(a))).tolist()
    fast, fast_gradient = jit(f), jit(grad(total))
    lanes = np.array([fine, a, fine])
    assert np.array_equal(fast(fine), f(fine))
    expected = fast_gradient(fine)
    for g in (f, fast, jit(f), grad(total), fast_gradient, jacobian(f), hessian(total)):
        with pytest.raises(LinAlgError, match=message):
            g(a)
    with pytest.raises(LinAlgError, match=message):
        f(values(np.array(a)))
    with pytest.raises(LinAlgError, match=message):
        vmap(f)(lanes)
    assert np.array_equal(fast(fine), f(fine))  # and go on
    assert fast_gradient(fine) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: linalg.inv([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
            r"inv\(a\): a must be square, not 2 x 3",
        ),
        (lambda: linalg.det(np.ones((3, 2))), r"det\(a\): a must be square, not 3 x 2"),
        (lambda: linalg.cholesky(np.ones((3, 2))), r"cholesky\(a\): a must be square, not 3 x 2"),
        (
            lambda: linalg.solve([[1.0], [2.0]], [1.0]),
            r"solve\(a, b\): a must be square, not 2 x 1",
        ),
        (lambda: linalg.inv([[1.0, 2.0], [3.0]]), r"a\[1\] has length 1, but .*a\[0\] length 2"),
        (lambda: linalg.inv(np.ones(3)), r"must be a matrix, not an array of 1 dimensions, \(3,\)"),
        (lambda: linalg.det(np.array(3.0)), "a must be a matrix, not an array of 0 dimensions"),
        (lambda: linalg.det(np.ones((2, 3, 3))), r"3 dimensions, \(2, 3, 3\); vmap runs"),
        (
            lambda: linalg.solve(np.eye(2), np.ones((2, 1, 1))),
            "b must be a matrix, not an array of 3",
        ),
        (
            lambda: linalg.solve(np.eye(2), [1.0]),
            "b must have length 2, as a has so many rows, not 1",
        ),
        (lambda: linalg.solve(np.eye(2), np.ones((3, 2))), "b must have length 2, .* not 3"),
        (lambda: linalg.lstsq(np.ones((3, 2)), [[1.0], [2.0]]), "b must have length 3, .* not 2"),
    ],
)
def test_shapes_are_checked(call, message):
    with pytest.raises(LinAlgError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linalg.det(3.0), r"det\(a\): a must be a list or an array, not 3.0 \(float\)"),
        (lambda: linalg.det("ab"), r"a must be a list or an array, not 'ab' \(str\)"),
        (lambda: linalg.det([1.0, 2.0]), r"a\[0\] must be a list or an array, not 1.0"),
        (
            lambda: linalg.inv([[1.0, "x"], [0.0, 1.0]]),
            r"a\[0\]\[1\] must be a real number, not 'x'",
        ),
        (lambda: linalg.inv(np.eye(2) * 1j), r"a\[0\]\[0\] must be a real number, not 1j"),
        (lambda: linalg.solve(np.eye(2), [1.0, None]), r"b\[1\] must be a real number, not None"),
        (lambda: linalg.solve(np.eye(2), 1.0), "b must be a list or an array, not 1.0"),
        (lambda: linalg.solve(np.eye(2), [1.0, [2.0]]), r"b\[0\] must be a list or an array"),
    ],
)
def test_other_things_are_refused(call, message):
    with pytest.raises(TypeError, match=message):
        call()
