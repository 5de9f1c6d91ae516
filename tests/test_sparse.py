"""Sparse Jacobians and Hessians: the dense ones, at the cost of their colours."""

import math

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from autodiff import COMPILED, Value, functions, hessian, jacobian, jit, loop, take
from autodiff.compiler import derivatives
from autodiff.compiler.machine import Machine
from autodiff.compiler.sparsity import by_column, colours, pattern, sparse_jacobian
from autodiff.compiler.trace import trace


def rosenbrock(x):
    return sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def tridiagonal(x):
    """The Hessian of chained Rosenbrock, by hand."""
    main = np.zeros(len(x))
    main[:-1] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    main[1:] += 200
    return scipy.sparse.diags_array([-400 * x[:-1], main, -400 * x[:-1]], offsets=[-1, 0, 1])


@pytest.mark.parametrize("n", [2, 3, 10, 57])
def test_the_hessian_of_rosenbrock_is_the_dense_one(n):
    x = np.random.default_rng(n).normal(size=n)
    found = hessian(rosenbrock, sparse=True)(x)
    assert scipy.sparse.issparse(found)
    assert (found.shape, found.nnz) == ((n, n), 3 * n - 2)
    np.testing.assert_allclose(found.toarray(), hessian(rosenbrock)(x), rtol=1e-12)
    np.testing.assert_allclose(found.toarray(), tridiagonal(x).toarray(), rtol=1e-11, atol=1e-11)


def test_a_large_tridiagonal_hessian():
    n = 100_000 if COMPILED else 2_000
    x = np.random.default_rng(0).normal(size=n)
    h = hessian(rosenbrock, sparse=True)
    for _ in range(2):
        found = h(x)
        assert found.nnz == 3 * n - 2
        assert abs(found - tridiagonal(x)).max() <= 1e-11 * abs(found).max()
        x = x + 0.5


def sweeps(monkeypatch, transformed, *args):
    """How many sweeps of forward and of reverse mode over the function a transform takes."""
    counted = [0, 0]

    def counting(place, mode):
        def counted_mode(p, seeds, *rest):
            counted[place] += len(seeds)
            return mode(p, seeds, *rest)

        return counted_mode

    with monkeypatch.context() as patch:
        for place, mode in enumerate((derivatives.forward, derivatives.reverse)):
            patch.setattr(f"autodiff.compiler.sparsity.{mode.__name__}", counting(place, mode))
        found = transformed(*args)
    return tuple(counted), found


@pytest.mark.parametrize("n", [4, 40, 400])
def test_the_sweeps_are_the_colours_not_the_inputs(monkeypatch, n):
    count, _ = sweeps(monkeypatch, hessian(rosenbrock, sparse=True), np.ones(n))
    assert count == (3, 0)


def test_a_diagonal_takes_one_sweep_and_a_full_matrix_one_a_column(monkeypatch):
    x = np.linspace(0.1, 0.9, 20)
    count, found = sweeps(monkeypatch, jacobian(np.sin, sparse=True), x)
    assert count == (1, 0)
    np.testing.assert_allclose(found.toarray(), np.diag(np.cos(x)), rtol=1e-15)
    count, found = sweeps(monkeypatch, jacobian(lambda x: x.sum() * x, sparse=True), x)
    assert count == (20, 0)
    np.testing.assert_allclose(found.toarray(), x.sum() * np.eye(20) + x[:, None], rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "count"),
    [
        (lambda x: x @ x, (0, 1)),  # one full row
        (lambda x: [x @ x, x.sum(), (x**3).sum()], (0, 3)),
        (lambda x: [*np.sin(x), x @ x], (1, 1)),  # a full row under a diagonal
        (lambda x: [x @ x, *(x[0] * x)], (2, 1)),  # and a full column beside it
        (lambda x: [*(x[1:] * x[:-1]), x @ x, *np.sin(x), x.sum()], (2, 2)),
        (lambda x: [*(x[0] * x), 2.0, x[:9] @ x[:9], x[9:] @ x[9:]], (2, 1)),  # full rows apart
        (lambda x: (x.reshape(5, 4) ** 2).sum(axis=1), (0, 1)),  # wide rows apart
        (lambda x: x.sum() * x[0], (0, 1)),
        (lambda x: x[0] * np.ones(20), (1, 0)),
    ],
)
def test_full_rows_take_sweeps_of_reverse_mode(monkeypatch, f, count):
    x = np.linspace(0.1, 0.9, 20)
    counted, found = sweeps(monkeypatch, jacobian(f, sparse=True), x)
    dense = np.array(jacobian(lambda x: np.array(f(x)).ravel())(x))
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-14)
    assert counted == count


@pytest.mark.parametrize(
    ("f", "count"),
    [
        (lambda x: x[0] * (x @ x), (1, 1)),  # a full row and column, and a diagonal
        (lambda x: (x[0] + x[7]) * (x**3).sum(), (1, 2)),
        (lambda x: x[3] * rosenbrock(x), (3, 1)),
        (lambda x: (x @ x) ** 2, (20, 0)),
    ],
)
def test_a_full_row_of_a_hessian_is_its_full_column(monkeypatch, f, count):
    x = np.linspace(0.1, 0.9, 20)
    counted, found = sweeps(monkeypatch, hessian(f, sparse=True), x)
    np.testing.assert_allclose(found.toarray(), hessian(f)(x), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(found.toarray(), found.toarray().T)
    assert counted == count


@given(st.data())
def test_what_stands_on_one_side_of_the_diagonal_alone(data):
    """A program of a matrix that is symmetric, but for entries that have no mirror image."""
    n = data.draw(st.integers(1, 8))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    both = data.draw(st.sets(pairs, max_size=20))
    if data.draw(st.booleans()):
        both |= {(0, j) for j in range(n)}
    matrix = np.zeros((n, n))
    for i, j in both:
        matrix[i, j] = matrix[j, i] = 2.0 + i * j + i + j
    for i, j in data.draw(st.sets(pairs, max_size=6)):
        if matrix[i, j] == matrix[j, i] == 0:
            matrix[i, j] = -1.0 - i

    def f(xs):
        return [
            sum((matrix[i, j] * xs[j] for j in range(n) if matrix[i, j]), 0.5) for i in range(n)
        ]

    p = trace(f, [1.0] * n).program
    q, where = sparse_jacobian(p, range(n), symmetric=True)
    found = where.matrix(Machine(q)(np.ones(n))).toarray()
    np.testing.assert_array_equal(found, matrix)


FULL = np.diag([0.0, 1.0, 2.0, 0.0, 4.0, 5.0])  # with a full row and column in the middle
FULL[3, :] = FULL[:, 3] = [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]
ALONE = np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])  # of the first row and column, one end each
ALONE[0, 1:5] = ALONE[1:5, 0] = [7.0, 8.0, 9.0, 10.0]
ALONE[5, 0] = 11.0


@pytest.mark.parametrize(
    ("matrix", "wanted"),
    [
        ([[0, 3, 0], [5, 0, 0], [7, 9, 0]], [[0, 3, 0], [3, 0, 0], [7, 9, 0]]),
        ([[0, 3], [5, 0]], [[0, 3], [3, 0]]),
        ([[0, 0], [3, 0]], [[0, 0], [3, 0]]),
        ([[0, 3], [0, 0]], [[0, 3], [0, 0]]),
        (FULL, FULL),
        (ALONE, ALONE),
        (ALONE.T, ALONE.T),
    ],
)
def test_entries_below_the_diagonal_are_read_above_it(matrix, wanted):
    """And those that stand on one side alone are read there."""
    n = len(matrix)

    def f(xs):
        return [sum((float(x) * y for x, y in zip(row, xs, strict=True) if x), 0.5)
                for row in matrix]  # fmt: skip

    q, where = sparse_jacobian(trace(f, [1.0] * n).program, range(n), symmetric=True)
    np.testing.assert_array_equal(where.matrix(Machine(q)(np.ones(n))).toarray(), wanted)


def test_columns_are_in_the_order_of_the_places():
    p = trace(lambda xs: [xs[0] * xs[1], xs[1], xs[2]], [1.0, 2.0, 3.0]).program
    found = pattern(p, (1, 0))
    assert (found.rows.tolist(), found.columns.tolist()) == ([0, 1, 0], [0, 0, 1])
    assert found.shape == (3, 2)


def test_colours_are_those_of_the_greedy_rule():
    rng = np.random.default_rng(0)
    for n, density in [(1, 1.0), (30, 0.05), (30, 0.3), (30, 0.9), (12, 1.0), (100, 0.1)]:
        matrix = rng.random((n + 2, n)) < density
        wanted = []
        for j in range(n):
            met = {wanted[k] for k in range(j) if (matrix[:, j] & matrix[:, k]).any()}
            wanted.append(min(set(range(n)) - met))
        rows, columns = np.nonzero(matrix)
        assert colours(by_column(matrix.shape, rows, columns)) == wanted


def test_patterns_of_more_than_a_million_entries():
    n = 1100
    p = trace(lambda xs: [xs[0], *[sum(xs)] * n, 2.0, xs[1]], [1.0] * n).program
    found = pattern(p, range(n))
    assert found.shape == (n + 3, n)
    assert len(found.rows) == n * n + 2
    rows = found.rows[found.starts[1] : found.starts[2]]
    np.testing.assert_array_equal(rows, [*range(1, n + 1), n + 2])
    assert colours(found) == list(range(n))


@given(st.data())
def test_random_sparse_functions(data):
    n, m = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    terms = data.draw(
        st.lists(
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=3),
            min_size=m,
            max_size=m,
        )
    )

    def f(x):
        return [sum((functions.sin(x[i]) * x[j] for i, j in row), 0.5) for row in terms]

    x = np.linspace(0.3, 1.7, n)
    found = jacobian(f, sparse=True)(x)
    dense = np.array(jacobian(f)(x)).reshape(m, n)
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-14)
    where = {(i, j) for i, row in enumerate(terms) for pair in row for j in pair}
    rows, columns = found.tocoo().coords
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == where
    assert found.nnz == len(where)
    scalar = hessian(lambda x: sum(f(x)), sparse=True)(x)
    np.testing.assert_allclose(
        scalar.toarray(), hessian(lambda x: sum(f(x)))(x), rtol=1e-13, atol=1e-14
    )
    p = trace(lambda xs: f(xs), x.tolist()).program
    found = pattern(p, range(n))
    chosen = colours(found)
    for i in range(m):  # columns of one colour meet in no row
        mine = [chosen[j] for j in range(n) if (i, j) in where]
        assert len(mine) == len(set(mine))


def test_zeros_of_the_structure_stay_zero_beside_inf_and_nan():
    def f(x):
        return [x[0] * x[0], 1.0 / x[1], x[2] * x[2]]

    for bad in (math.inf, -math.inf, math.nan, 0.0):
        x = np.array([2.0, bad, 3.0])
        found = jacobian(f, sparse=True)(x)
        assert found.nnz == 3
        dense = found.toarray()
        np.testing.assert_array_equal(dense[[0, 2]], [[4.0, 0.0, 0.0], [0.0, 0.0, 6.0]])
        np.testing.assert_array_equal(dense[1], [0.0, functions.div(-1.0, bad * bad), 0.0])


def test_what_is_held_constant_or_taken():
    def f(x, i):
        return [x[0].detach() * x[1], take(list(x), i[0])]

    found = jacobian(f, sparse=True)(np.array([2.0, 3.0]), np.array([1]))
    np.testing.assert_array_equal(found.toarray(), [[0.0, 2.0], [0.0, 1.0]])
    assert found.nnz == 2


def test_what_a_loop_computes_depends_on_all_that_it_reads():
    def f(x):
        return [x[2] * x[3], loop(lambda i, t: t * x[1], x[0], 3), x[3]]

    found = jacobian(f, sparse=True)(np.array([2.0, 3.0, 5.0, 7.0]))
    wanted = [[0.0, 0.0, 7.0, 5.0], [27.0, 54.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    np.testing.assert_array_equal(found.toarray(), wanted)
    assert found.nnz == 5


def test_shapes_and_several_arguments():
    def f(a, b):
        return {"p": a["w"] * b, "q": [b.sum()]}

    a, b = {"w": np.array([[1.0, 2.0], [3.0, 4.0]])}, np.array([5.0, 6.0])
    found = jacobian(f, (0, 1), sparse=True)(a, b)
    assert found.shape == (5, 6)
    wanted = np.zeros((5, 6))
    for i in range(4):
        wanted[i, i] = b[i % 2]
        wanted[i, 4 + i % 2] = a["w"].ravel()[i]
    wanted[4, 4:] = 1.0
    np.testing.assert_array_equal(found.toarray(), wanted)
    last = jacobian(f, 1, sparse=True)(a, b)
    np.testing.assert_array_equal(last.toarray(), wanted[:, 4:])
    assert last.nnz == 6
    first = jacobian(lambda a, b: [a[0] * b[0], b[1], b[0] * a[1]], sparse=True)(b, b)
    np.testing.assert_array_equal(first.toarray(), [[5.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    assert first.nnz == 2
    assert jacobian(lambda x: [], sparse=True)(np.ones(3)).shape == (0, 3)
    assert jacobian(lambda x: 2.0, sparse=True)(np.ones(3)).nnz == 0
    assert hessian(lambda x: 2.0, sparse=True)(np.ones((0,))).shape == (0, 0)


def test_the_matrix_is_the_callers_own():
    x = np.array([1.0, 2.0, 3.0])
    wanted = hessian(rosenbrock)(x)
    h = hessian(rosenbrock, sparse=True)
    for call in (h, jit(h), h.lower(x)):
        for _ in range(4):
            found = call(x)
            np.testing.assert_allclose(found.toarray(), wanted, rtol=1e-12)
            found.data[:], found.indices[:], found.indptr[:] = 0.0, 0, 0


def test_values_are_refused():
    with pytest.raises(TypeError, match="a sparse matrix has no Values; leave out sparse=True"):
        hessian(rosenbrock, sparse=True)(np.array([Value(1.0), Value(2.0)]))


def test_without_scipy_the_reason_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match="pip install scipy"):
        jacobian(lambda x: x, sparse=True)(np.ones(2))
