"""The functions: of floats, arrays, Values and arrays of Values; over lists; of one's own."""

import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autodiff
from autodiff import (
    Value,
    derivative,
    dot,
    elu,
    grad,
    hessian,
    hypot,
    jit,
    leaky_relu,
    log_softmax,
    logsumexp,
    maximum,
    mean,
    ops,
    sin,
    softmax,
    take,
)
from autodiff.contexts import within
from autodiff.engine.modes import PLAIN
from autodiff.engine.traces import Trace
from autodiff.functions import take_known
from autodiff.value import number_of

INF = math.inf
SCALARS = [r for r in ops.TABLE if not r.over_lists]
EACH_SCALAR = pytest.mark.parametrize("row", SCALARS, ids=lambda r: r.name)
LIST_FUNCTIONS = [autodiff.sum, mean, autodiff.norm, logsumexp, softmax, log_softmax]
EACH_LIST_FUNCTION = pytest.mark.parametrize("function", LIST_FUNCTIONS, ids=lambda f: f.__name__)


def values(numbers):
    """Leaves."""
    return [Value(x) for x in numbers]


def data(xs):
    """Their numbers."""
    return [x.data for x in xs]


def gradients(y, xs):
    """The gradient of ``y``, from a clean slate."""
    for x in xs:
        x.grad = 0.0
    y.backward()
    return [x.grad for x in xs]


# -- elementwise -----------------------------------------------------------------------------------


@EACH_SCALAR
def test_a_function_a_method_and_numpys_name_are_one_primitive(row):
    operands = [1.5] if row.name == "acosh" else [0.75, 0.25, 0.5, 2.0][: len(row.names)]
    function = getattr(autodiff, row.name)
    expected = function(*operands)
    assert type(expected) is float
    for name in {row.name, row.numpy or row.name}:
        first, *others = values(operands)
        v = getattr(first, name)(*others)
        assert (v.op, v.data) == (row.name, expected)
    assert function(*values(operands)).op == row.name
    assert function.__name__ == row.name


@EACH_SCALAR
def test_a_function_is_pickled_by_its_name(row):
    function = getattr(autodiff.functions, row.name)
    assert pickle.loads(pickle.dumps(function)) is function


@EACH_SCALAR
def test_kinds_of_operands_give_kinds_of_results(row):
    operands = [2.0, 3.0, 4.0, 5.0][: len(row.names)]
    function = getattr(autodiff, row.name)
    wanted = function(*operands)
    for kind in (int, Fraction, np.float64, np.float32):
        assert repr(function(*map(kind, operands))) == repr(wanted)
    for shape in ((), (0,), (4,), (2, 3)):
        result = function(*(np.full(shape, int(x)) for x in operands))
        assert np.shape(result) == shape
        assert np.asarray(result).dtype == np.float64
    objects = function(*(np.array([Value(x), x], object) for x in operands))
    assert objects.dtype == object
    assert [type(x) for x in objects] == [Value, float]


@EACH_SCALAR
@pytest.mark.parametrize("thing", ["1", None, 1j, [1.0], (1.0,), {}, Decimal(1)], ids=type)
def test_other_things_are_refused_by_what_they_are(row, thing):
    function = getattr(autodiff, row.name)
    others = [1.0] * (len(row.names) - 1)
    with pytest.raises(TypeError, match=rf"{row.name}.*\({type(thing).__name__}\)"):
        function(thing, *others)
    if others and not (row.name == "clip" and thing is None):  # that is no limit
        for first in (1.0, Value(1.0)):
            with pytest.raises(TypeError, match=rf"\({type(thing).__name__}\)"):
                function(first, *others[1:], thing)


def test_arrays_of_other_things_are_refused():
    for array in (np.array(["a"]), np.array([1j]), np.array([Value(1.0), "a"], object)):
        with pytest.raises(TypeError, match=r"sin\(.*not"):
            sin(array)


def test_operands_are_counted():
    for attempt in (lambda: sin(), lambda: sin(1.0, 2.0), lambda: maximum(1.0, 2.0, 3.0)):
        with pytest.raises(TypeError):
            attempt()
    for attempt in (lambda: maximum(1.0), lambda: Value(1.0).maximum()):
        with pytest.raises(TypeError, match="maximum") as error:
            attempt()
        assert "None" not in str(error.value)  # which nobody wrote
    for operands in ((1.0, 2.0), (1.0, Value(2.0), 3.0, 4.0)):
        with pytest.raises(TypeError, match=rf"monomial\(c, a, b\) was given {len(operands)}"):
            autodiff.functions.monomial(*operands)


def test_the_second_operand_may_have_a_default():
    assert leaky_relu(-100.0) == leaky_relu(-100.0, 0.01) == -1.0
    assert leaky_relu(Value(-100.0)).partials == (0.01, 0.0)
    assert Value(-100.0).leaky_relu().data == -1.0
    assert Value(-100.0).leaky_relu(0.5).data == -50.0
    assert leaky_relu(np.array([-100.0, 3.0])).tolist() == [-1.0, 3.0]
    assert elu(-1.0) == math.expm1(-1.0)
    slope = Value(0.25)
    assert gradients(leaky_relu(-8.0, slope), [slope]) == [-8.0]


def test_an_array_and_a_value_are_broadcast():
    v, array = Value(3.0), np.array([4.0, 0.0])
    result = hypot(v, array)
    assert data(result) == [5.0, 3.0]
    assert gradients(result.sum(), [v]) == [1.6]
    grid = maximum(np.array([[1.0], [5.0]]), np.array([2.0, 6.0]))
    assert grid.tolist() == [[2.0, 6.0], [5.0, 6.0]]


# -- NumPy's own functions on arrays of Values -----------------------------------------------------


@pytest.mark.parametrize(
    "ufunc",
    [
        np.exp,
        np.log,
        np.sin,
        np.arcsin,
        np.arctan,
        np.tanh,
        np.sqrt,
        np.cbrt,
        np.log1p,
        np.absolute,
    ],
    ids=lambda f: f.__name__,
)
def test_ufuncs_call_methods(ufunc):
    xs = values([0.25, 0.5])
    result = ufunc(np.array(xs))
    assert result.dtype == object
    np.testing.assert_allclose(data(result), ufunc([0.25, 0.5]), rtol=1e-15)
    step = 1e-6
    slopes = (ufunc([0.25 + step, 0.5 + step]) - ufunc([0.25 - step, 0.5 - step])) / (2 * step)
    assert gradients(result.sum(), xs) == pytest.approx(list(slopes), rel=1e-8)


def test_ufuncs_of_two_arrays():
    xs, ys = values([3.0, 5.0]), [4.0, 12.0]
    result = np.hypot(np.array(xs), ys)
    assert data(result) == [5.0, 13.0]
    assert gradients(result.sum(), xs) == [3 / 5, 5 / 13]
    assert data(np.arctan2(np.array(xs), ys)) == [math.atan2(3, 4), math.atan2(5, 12)]


def test_a_matrix_times_a_vector():
    weights = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    xs = values([10.0, 20.0])
    y = weights @ np.array(xs)
    assert data(y) == [50.0, 110.0, 170.0]
    assert gradients(y.sum(), xs) == [9.0, 12.0]
    parameters = np.vectorize(Value)(weights)
    (parameters @ np.array([10.0, 20.0])).sum().backward()
    assert [[w.grad for w in row] for row in parameters] == [[10.0, 20.0]] * 3


def test_an_array_and_a_value_on_either_side_of_an_operator():
    array = np.array([2.0, 4.0])
    for operate, wanted, slope in [
        (lambda v: array + v, [10.0, 12.0], 2.0),
        (lambda v: v + array, [10.0, 12.0], 2.0),
        (lambda v: array - v, [-6.0, -4.0], -2.0),
        (lambda v: v - array, [6.0, 4.0], 2.0),
        (lambda v: array * v, [16.0, 32.0], 6.0),
        (lambda v: v * array, [16.0, 32.0], 6.0),
        (lambda v: array / v, [0.25, 0.5], -0.09375),
        (lambda v: v / array, [4.0, 2.0], 0.75),
        (lambda v: v**array, [64.0, 4096.0], 2 * 8.0 + 4 * 512.0),
    ]:
        v = Value(8.0)
        result = operate(v)
        assert result.dtype == object
        assert data(result) == wanted
        assert gradients(result.sum(), [v]) == [slope]


# -- over lists ------------------------------------------------------------------------------------


def test_sums_are_one_node():
    xs = values([1.0, 2.0, 6.0])
    for function, value, slopes in [
        (autodiff.sum, 9.0, [1.0, 1.0, 1.0]),
        (mean, 3.0, [1 / 3] * 3),
        (lambda xs: dot(xs, [1.0, -2.0, 0.5]), 0.0, [1.0, -2.0, 0.5]),
        (lambda xs: dot([1, 2, 3], xs), 23.0, [1.0, 2.0, 3.0]),
    ]:
        y = function(xs)
        assert y.data == value
        assert all(type(x) is float or x in xs for x in y.operands)
        assert gradients(y, xs) == slopes


@EACH_LIST_FUNCTION
def test_lists_tuples_arrays_and_generators_are_taken(function):
    numbers = [1.0, -2.0, 0.5]
    wanted = function(numbers)
    assert function(tuple(numbers)) == wanted
    assert function(x for x in numbers) == wanted
    assert function([1, Fraction(-2), np.float32(0.5)]) == wanted
    as_array = function(np.array(numbers))
    assert np.asarray(as_array).tolist() == wanted
    assert np.shape(as_array) == np.shape(wanted)


@EACH_LIST_FUNCTION
def test_floats_give_what_values_give(function):
    numbers = [0.1, -2.0, 0.5, 30.0]
    plain, recorded = function(numbers), function(values(numbers))
    assert (plain if isinstance(plain, list) else [plain]) == (
        data(recorded) if isinstance(recorded, list) else [recorded.data]
    )


@EACH_LIST_FUNCTION
def test_nested_arrays_are_reduced_along_the_first_axis(function):
    table = np.array([[1.0, -2.0, 1e300, INF, -INF, -INF], [3.0, 1.0, 0.25, 1.0, 2.0, -INF]])
    result = np.array(function(table))
    last = 2.0**-51  # of a logarithm between 2 and 4, which NumPy's on arrays rounds as it likes
    for i, column in enumerate(table.T):
        expected = function(column.tolist())
        np.testing.assert_allclose(result[..., i], expected, rtol=1e-15, atol=last)


def test_lists_of_arrays_of_values_are_reduced_elementwise():
    xs = values([1.0, 2.0, 3.0, 4.0])
    rows = np.array(xs).reshape(2, 2)
    assert data(autodiff.sum(rows)) == [4.0, 6.0]
    assert gradients(dot(rows, rows)[1], xs) == [0.0, 4.0, 0.0, 8.0]
    assert data(logsumexp(rows)) == pytest.approx([logsumexp([1.0, 3.0]), logsumexp([2.0, 4.0])])
    assert data(softmax(rows)[0]) == pytest.approx([softmax([1.0, 3.0])[0]] * 2)


def test_a_value_beside_an_array_is_taken_with_each_of_its_elements():
    x, array = Value(1.0), np.array([0.5, 2.0])
    columns = [[1.0, 0.5], [1.0, 2.0]]
    for function in (autodiff.sum, mean, logsumexp):
        wanted = [function(column) for column in columns]
        assert data(function([x, array])) == data(function([array, x])) == pytest.approx(wanted)
    for function in (softmax, log_softmax):
        assert data(function([x, array])[0]) == pytest.approx([function(c)[0] for c in columns])
    assert gradients(logsumexp([x, array])[1], [x]) == pytest.approx([softmax(columns[1])[0]])


@EACH_LIST_FUNCTION
def test_an_empty_list_is_refused(function):
    for empty in ([], (), np.array([])):
        with pytest.raises(ValueError, match=rf"{function.__name__}\(\) of an empty list"):
            function(empty)


@EACH_LIST_FUNCTION
@pytest.mark.parametrize("thing", [3.0, "abc", b"abc", None, Value(1.0), {1.0: 2.0}], ids=type)
def test_what_is_no_list_is_refused(function, thing):
    with pytest.raises(TypeError, match=rf"{function.__name__}\(xs\).*\({type(thing).__name__}\)"):
        function(thing)


@EACH_LIST_FUNCTION
@pytest.mark.parametrize("thing", ["1", None, 1j, [1.0], Decimal(1)], ids=type)
def test_a_wrong_element_is_named_by_its_place_and_kind(function, thing):
    message = rf"element 1 of {function.__name__}\(\).* not .*\({type(thing).__name__}\)"
    for first in (1.0, Value(1.0)):
        with pytest.raises(TypeError, match=message):
            function([first, thing])
        with pytest.raises(TypeError, match=message):
            function(x for x in [first, thing])


def test_dot_wants_lists_of_one_length():
    for xs, ys in [([1.0], [1.0, 2.0]), (values([1.0, 2.0]), [3.0]), (np.ones(3), np.ones(2))]:
        with pytest.raises(ValueError, match=rf"one length, not of {len(xs)} and {len(ys)}"):
            dot(xs, ys)
    with pytest.raises(ValueError, match=r"dot\(\) of an empty list"):
        dot([], [1.0])
    with pytest.raises(TypeError, match=r"element 1 of dot\(\).*'b' \(str\)"):
        dot([Value(1.0), 2.0], [3.0, "b"])


def test_softmax_is_stable():
    assert softmax([1000.0, 1000.0]) == [0.5, 0.5]
    assert softmax([-1e300, 0.0, -math.inf]) == [0.0, 1.0, 0.0]
    assert log_softmax([0.0, -1000.0]) == [0.0, -1000.0]
    assert logsumexp([1000.0, 1000.0]) == 1000 + math.log(2)
    assert logsumexp([-1000.0, -1000.0]) == -1000 + math.log(2)
    assert logsumexp([-math.inf, -math.inf]) == -math.inf
    assert logsumexp([math.inf, 0.0]) == math.inf


def test_softmax_has_the_right_gradient():
    xs = values([1000.0, 1001.0, 999.0])
    p = softmax([1.0, 2.0, 0.0])
    for i, (one, log_one) in enumerate(zip(softmax(xs), log_softmax(xs), strict=True)):
        assert one.data == pytest.approx(p[i], rel=1e-14)
        slopes = [p[i] * ((i == j) - p[j]) for j in range(3)]
        assert gradients(one, xs) == pytest.approx(slopes, rel=1e-13)
        log_slopes = [(i == j) - p[j] for j in range(3)]
        assert gradients(log_one, xs) == pytest.approx(log_slopes, rel=1e-13)
    assert gradients(logsumexp(xs), xs) == pytest.approx(p, rel=1e-14)


# -- indices ---------------------------------------------------------------------------------------


def test_take_is_an_element_a_row_or_several():
    xs = values([10.0, 20.0, 30.0])
    assert take(xs, np.int64(2)) is xs[2]
    assert take([[1.0, 2.0], [3.0, 4.0]], 1) == [3.0, 4.0]
    assert take(np.array([10.0, 20.0, 30.0]), np.array([2, 0])).tolist() == [30.0, 10.0]
    assert take(xs, [1, 1]) == [xs[1], xs[1]]
    assert take(xs, np.array(1)) is xs[1]
    assert take(xs, []) == []
    assert take(np.array([10.0, 20.0]), []).tolist() == []


@pytest.mark.parametrize("i", [-1, 3, np.int64(7)])
def test_take_refuses_an_index_beyond_the_list(i):
    with pytest.raises(IndexError, match=f"index {i} is not one of 0 to 2"):
        take([1.0, 2.0, 3.0], i)


@pytest.mark.parametrize("i", [True, 1.0, "1", None, Value(1.0), range(2)])
def test_take_refuses_what_is_no_integer(i):
    with pytest.raises(TypeError, match="i must be an integer, not"):
        take([1.0, 2.0, 3.0], i)
    with pytest.raises(ValueError, match="empty list"):
        take([], 0)


def test_an_index_of_a_trace_is_recorded():
    i = Value(1.0)
    xs = values([10.0, 20.0])
    tracing = Trace(frozen=True).mode()
    node = within(tracing, take, [*xs, 30], i)
    row = within(tracing, take, [[1.0, *xs], [2.0, *xs]], i)
    plain = within(tracing, take_known, [10.0, 20.0], 1.0)
    assert (node.op, number_of(node)) == ("take", 20.0)
    assert within(PLAIN, lambda: node.partials) == (0.0, 1.0, 0.0, 0.0)
    assert node.operands == (*xs, 30.0, i)
    assert [number_of(v) for v in row] == [2.0, 10.0, 20.0]
    assert plain == 20.0
    assert repr(number_of(within(tracing, take, [*xs, 30], Value(2.0)))) == "30.0"
    assert take_known(xs, i) is xs[1]  # as a program does that runs on Values
    with pytest.raises(TypeError, match="i must be an integer, not Value"):
        take([*xs, 30], i)
    for wrong in (True, 1.0, "1"):
        with pytest.raises(TypeError, match="i must be an integer, not"):
            within(tracing, take, xs, wrong)
    for beyond in (2.0, -1.0, 0.5):
        with pytest.raises(IndexError, match=f"index {beyond:g} is not one of 0 to 1"):
            within(tracing, take, xs, Value(beyond))


@pytest.mark.parametrize(
    "rows",
    [
        [np.ones((1, 2)), np.ones(2)],
        [(1.0, 2.0), [3.0, 4.0]],
        [1.0, np.ones(2)],
        [np.ones(2), 1.0],
        [[1.0], 2.0],
        [[1.0, 2.0], [3.0]],
        [[[1.0], [2.0]], [[1.0], 2.0]],
    ],
)
def test_rows_that_a_traced_index_chooses_from_must_be_alike(rows):
    with pytest.raises(TypeError, match=r"takes rows that are alike: row 0 is .*, row 1"):
        jit(lambda i: take(rows, i))(0)


def test_a_row_that_is_taken_is_like_the_rows():
    tracing = Trace(frozen=True).mode()
    i = Value(1.0)
    table = np.array([[1.0, 2.0], [3.0, 4.0]])
    for rows in (table, [[1.0, 2.0], [3.0, 4.0]], [(1.0, 2.0), (3.0, 4.0)], [[[1.0], [2.0]]] * 2):
        found = within(tracing, take, rows, i)
        assert type(found) is type(rows[1])
        assert np.shape(found) == np.shape(rows[1])
    assert [number_of(v) for v in within(tracing, take, table, i)] == [3.0, 4.0]
    assert [number_of(v) for v in within(tracing, take, [[5.0, 6.0]], Value(0.0))] == [5.0, 6.0]
    several = take(table, [1, 0, 1])
    assert type(several) is np.ndarray
    assert several.tolist() == [[3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]
    assert take([5.0, 6.0], np.array([1, 0])) == [6.0, 5.0]


# -- where -----------------------------------------------------------------------------------------


def test_where_chooses_numbers_arrays_and_values():
    a, b = Value(2.0), Value(3.0)
    assert autodiff.where(1.0, a, b) is a
    assert autodiff.where(Value(0.0), a, b) is b
    assert autodiff.where(False, 1, 2) == 2.0
    assert autodiff.where(math.nan, 1.0, 2.0) == 1.0
    chosen = autodiff.where(np.array([[1.0], [0.0]]), np.array([a, b]), 5.0)
    assert chosen.shape == (2, 2)
    assert chosen[0, 1] is b
    assert chosen[1].tolist() == [5.0, 5.0]
    assert autodiff.where(np.array([True, False]), 1.0, 2.0).tolist() == [1.0, 2.0]
    for wrong in ("a", None, 1j):
        with pytest.raises(TypeError, match=r"where\(c, a, b\) takes real numbers, Values"):
            autodiff.where(1.0, wrong, 2.0)


def test_where_is_decided_at_every_call_and_to_any_order():
    def f(x):
        return autodiff.where(autodiff.less(x, 1.0), x * x * x, autodiff.log(x) * 5.0)

    cases = {0.5: (0.125, 0.75, 3.0), 2.0: (5 * math.log(2.0), 2.5, -1.25), 1.0: (0.0, 5.0, -5.0)}
    fast, slope, curve = jit(f), jit(grad(f)), jit(hessian(f))
    for x, wanted in cases.items():
        assert (fast(x), slope(x), curve(x)) == wanted
        assert (f(x), grad(f)(x), hessian(f)(x)) == wanted
        assert derivative(f, 2)(x) == wanted[2]
        assert jit(lambda x: grad(grad(f))(x))(x) == wanted[2]
    assert jit(f).lower(0.5).stats()["guards"] == 0


def test_what_where_does_not_choose_gives_no_gradient_of_its_own():
    def f(x):
        safe = autodiff.where(autodiff.greater(x, 0.0), x, 1.0)
        return autodiff.where(autodiff.greater(x, 0.0), autodiff.log(safe), 0.0)

    for g in (grad(f), jit(grad(f)), derivative(f)):
        assert [g(x) for x in (2.0, 0.0, -1.0)] == [0.5, 0.0, 0.0]


# -- what NumPy makes of arrays of Values ----------------------------------------------------------

MATRIX = np.arange(9.0).reshape(3, 3)
OF_NUMPY = {
    "var": np.var,
    "std": np.std,
    "norm": np.linalg.norm,
    "norm along an axis": lambda a: np.linalg.norm(np.array([a, a * 2]), axis=1),
    "vdot": lambda a: np.vdot(a, a * 2),
    "mean": np.mean,
    "cumsum": np.cumsum,
    "prod": np.prod,
    "matmul": lambda a: a @ MATRIX @ a,
    "einsum": lambda a: np.einsum("i,ij,j", a, MATRIX, a),
    "inner": lambda a: np.inner(a, a),
    "outer": lambda a: np.outer(a, a),
    "trace": lambda a: np.trace(np.outer(a, a)),
    "clip": lambda a: np.clip(a, -1, 2),
    "sort": np.sort,
    "median": np.median,
    "average": lambda a: np.average(a, weights=[1, 2, 3]),
    "diff": np.diff,
    "real": lambda a: np.real(a) * 2,
    "conj": np.conj,
    "rint": lambda a: np.rint(a) * a,
    "floor": lambda a: np.floor(a) * a,
    "ceil": lambda a: np.ceil(a) * a,
    "trunc": lambda a: np.trunc(a) * a,
    "round": lambda a: np.round(a) * a,
}


@pytest.mark.parametrize("name", OF_NUMPY)
def test_numpys_functions_take_arrays_of_values(name):
    f, x = OF_NUMPY[name], np.array([1.2, -2.3, 3.9])
    found = np.ravel(f(np.array(values(x.tolist()))))
    numbers = [v.data if isinstance(v, Value) else v for v in found]
    np.testing.assert_allclose(numbers, np.ravel(f(x)), rtol=1e-14)
    by_differences = [
        (np.sum(f(x + 1e-6 * e)) - np.sum(f(x - 1e-6 * e))) / 2e-6 for e in np.eye(len(x))
    ]
    for g in (grad(lambda a: np.sum(f(a))), jit(grad(lambda a: np.sum(f(a))))):
        np.testing.assert_allclose(g(x), by_differences, rtol=1e-6, atol=1e-6)


def test_values_are_real():
    v = Value(2.0)
    assert v.conjugate() is v.real is v
    assert v.imag == 0.0
    assert math.floor(Value(2.7)).data == 2.0
    with pytest.raises(AttributeError):
        v.real = 3.0


def test_an_array_of_floats_names_what_takes_values():
    for wrong in (
        lambda: np.zeros(2).__setitem__(0, Value(1.0)),
        lambda: np.array([Value(1.0)], float),
    ):
        with pytest.raises(TypeError, match=r"np\.array\(values\) or np\.zeros\(n, object\)"):
            wrong()
