"""vmap returns for every lane what the function returns for it."""

import pickle
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import (
    Value,
    detect_anomaly,
    exp,
    functions,
    grad,
    hessian,
    jacobian,
    jit,
    log,
    nn,
    no_grad,
    primitive,
    relu,
    scan,
    sin,
    take,
    value_and_grad,
    vmap,
    where,
)
from autodiff.testing import expressions, points

X = np.random.default_rng(0).normal(size=(7, 3))
Y = np.random.default_rng(1).normal(size=7)


def loop(f, *arrays):
    """What f returns for one lane after the other, put together."""
    return np.array([f(*xs) for xs in zip(*arrays, strict=True)])


def same(found, expected):
    assert type(found) is type(expected) is np.ndarray
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    assert repr(found.tolist()) == repr(expected.astype(np.float64).tolist())


BOTH = pytest.mark.parametrize("make", [vmap, lambda *args: jit(vmap(*args))], ids=["vmap", "jit"])


# -- every lane ------------------------------------------------------------------------------------


@BOTH
@given(points(3).flatmap(lambda at: st.tuples(expressions(3, at=at), st.just(at))), st.data())
def test_any_function(make, drawn, data):
    f, at = drawn
    batch = [at, *data.draw(st.lists(points(3), max_size=5))]
    columns = np.array(batch, float).T
    mapped = make(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            same(mapped(*columns), loop(f, *columns.tolist()))


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x


@BOTH
def test_lanes_go_different_ways(make):
    xs = np.random.default_rng(2).uniform(0.01, 1e4, size=500)
    mapped = make(newton)
    for _ in range(2):
        same(mapped(xs), loop(newton, xs.tolist()))
    same(mapped(xs[::-1] * 2), loop(newton, (xs[::-1] * 2).tolist()))


def count(x):
    n = 0.0
    while x > n:
        n += 1.0
    return n * x


@pytest.fixture
def three_ways(monkeypatch):
    """Lanes may go 3 ways, and more only where there are 4 lanes for each."""
    module = sys.modules["autodiff.transforms.vmap"]
    monkeypatch.setattr(module, "MOST", 3)
    monkeypatch.setattr(module, "WORTH", 4)


def test_too_many_ways_are_gone_one_by_one_with_one_warning(three_ways):
    xs = np.arange(13.0)
    with pytest.warns(RuntimeWarning, match="than 3 different ways: 10 of 13 are") as seen:
        found = vmap(count)(xs)
    assert [w.filename for w in seen] == [__file__]
    same(found, loop(count, xs.tolist()))
    many = np.repeat(np.arange(6.0), 4)  # more ways are gone where each serves many lanes
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = jit(vmap(count))
        for _ in range(2):
            same(mapped(many), loop(count, many.tolist()))
    few = np.repeat(np.arange(6.0), 4)[1:]
    with pytest.warns(RuntimeWarning, match="12 of 23"):
        same(vmap(count)(few), loop(count, few.tolist()))


@pytest.mark.filterwarnings("ignore:vmap")
def test_lanes_of_too_many_ways_have_results_of_one_structure(three_ways):
    with pytest.raises(TypeError, match="of one lane the result is"):
        vmap(lambda x: [x] if x > 2.0 else count(x))(np.arange(6.0))


def test_too_many_ways_in_a_trace_are_recorded_one_by_one(three_ways):
    xs = np.array([0.5, 1.5, 2.5])
    total = lambda s: vmap(count)(xs * s).sum()  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lowered = jit(value_and_grad(total)).lower(1.0)
    assert lowered(1.0) == (11.0, 11.0)
    assert len(lowered.program.bodies) == 1
    xs = np.append(xs, [3.5, 4.5])
    with pytest.warns(RuntimeWarning, match="than 3 different ways: 5 of 5 are") as seen:
        lowered = jit(value_and_grad(total)).lower(1.0)
    assert len(seen) == 1
    assert lowered(1.0) == (47.5, 47.5)
    assert not lowered.program.bodies


def test_too_many_long_traces_in_a_trace_are_given_up_with_one_warning(monkeypatch):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "MOST", 2)
    with pytest.warns(RuntimeWarning, match="has been traced 2 times") as seen:
        assert grad(lambda s: vmap(count)(s * np.array([0.5, 1.5, 2.5])).sum())(1.0) == 11.0
    assert len(seen) == 1


@pytest.mark.parametrize(("lanes", "warned"), [(2, 1), (3, 0)])
def test_a_program_that_serves_a_few_lanes_is_worth_its_trace(monkeypatch, lanes, warned):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "MOST", 4)
    scale, xs = [0.0], Y[:lanes]
    mapped = jit(vmap(lambda x: x * scale[0]))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for scale[0] in range(7):
            same(mapped(xs), xs * scale[0])
    assert ["now runs without jit" in str(w.message) for w in seen] == [True] * warned


@BOTH
def test_transforms_inside(make):
    def f(x, y):
        return (sin(x) * y).sum() ** 2

    same(make(grad(f))(X, Y), loop(grad(f), X, Y))
    same(make(hessian(f))(X, Y), loop(hessian(f), X, Y))
    same(make(jacobian(lambda x: exp(x) * x[0]))(X), loop(jacobian(lambda x: exp(x) * x[0]), X))
    value, (by_x, by_y) = make(value_and_grad(f, (0, 1)))(X, Y)
    same(value, loop(f, X, Y))
    same(by_x, loop(lambda x, y: grad(f, 0)(x, y), X, Y))
    same(by_y, loop(lambda x, y: grad(f, 1)(x, y), X, Y))
    same(make(jit(f))(X, Y), loop(f, X, Y))


@BOTH
def test_a_vmap_of_a_vmap(make):
    same(make(vmap(lambda x: sin(x) * 2.0))(X), loop(lambda x: [sin(t) * 2.0 for t in x], X))
    product = make(vmap(lambda x, y: x * y, (None, 0)), (0, None))
    same(product(Y, X[0]), np.multiply.outer(Y, X[0]))


@BOTH
def test_indices_of_lanes(make):
    rows = np.arange(12.0).reshape(4, 3)
    i = np.array([3, 0, 0, 2, 1, 3, 3])
    same(make(lambda i, x: take(rows, i) * x)(i, X), rows[i] * X)
    same(make(lambda i: rows[i])(i), rows[i])  # a way for every integer
    flags = np.array([True, False, True])
    same(make(lambda flag, x: x if flag else -x)(flags, Y[:3]), np.where(flags, Y[:3], -Y[:3]))
    for values in (rows, rows[:, 0]):
        taken = make(lambda i, values=values: take(values, i))
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # lanes do not go many ways
            for bad in ([0, 4], [4]):  # what is kept at the first call fails at the second
                with pytest.raises(IndexError, match="index 4 "):
                    taken(np.array(bad))


@BOTH
def test_numbers_of_one_lane_do_not_touch_others(make):
    xs = np.array([1.0, np.nan, -0.0, np.inf, -np.inf, 5e-324])
    with np.errstate(all="ignore"):
        same(make(lambda x: log(x) * x)(xs), loop(lambda x: log(x) * x, xs))
    same(make(lambda x: x if x > 0 else 2.0)(xs), np.array([1.0, 2.0, 2.0, np.inf, 2.0, 5e-324]))


@BOTH
def test_primitives_of_ones_own(make):
    half = primitive("half_of_a_lane", lambda a: a / 2, [lambda a, v: 0.5])
    same(make(lambda x: half(x) + 1.0 if x > 0 else x)(Y), np.where(Y > 0, Y / 2 + 1.0, Y))


@BOTH
def test_what_fails_in_lanes_that_go_another_way_does_not_matter(make):
    def root_of(x):
        if x < 0.0:
            raise ValueError(f"the root of {x}")
        return x**0.5

    root = primitive("root_in_lanes", value=root_of, partials=[lambda x, v: 0.5 / v])

    def long(x, i):
        for _ in range(600):  # so many that a few lanes of it run one after the other
            x = sin(x)
        return take([x, -x], i)

    inner = [
        lambda x, i: functions.sum(vmap(long, (0, None))(x, i)),
        lambda x, i: functions.sum(vmap(root)(x)) + i,
        lambda x, i: scan(lambda c, y: (root(y) + c, c), 1.0, x)[0] + i,
        lambda x, i: scan(lambda c, y: (take([c, y], i), c), 1.0, x)[0],
    ]
    x = np.abs(np.tile(X[:2], (8, 1)))
    i = np.tile([0, 1], 8)
    x[5], i[5] = -x[5], 7
    for one in inner:

        def f(x, i, one=one):
            return one(x, i) if x[0] > 0.0 else x[1]

        expected = np.tile(loop(f, x[:2], i[:2]), 8)
        expected[5] = x[5, 1]
        same(make(f)(x, i), expected)


def test_what_lanes_share_fails_only_in_those_that_come_to_it():
    def f(x, xs, i):
        return x * take(xs, i) if x > 0.0 else x

    g = jit(lambda x, xs, i: vmap(f, (0, None, None))(x, xs, i))
    x, xs = np.linspace(1.0, -1.0, 100), np.array([2.0, 3.0])
    same(g(x, xs, np.array(1)), np.where(x > 0.0, 3.0 * x, x))
    same(g(-abs(x), xs, np.array(7)), -abs(x))
    with pytest.raises(IndexError, match="index 7 "):
        g(x, xs, np.array(7))


# -- axes ------------------------------------------------------------------------------------------


@BOTH
def test_axes_of_arguments_and_results(make):
    cube = np.random.default_rng(3).normal(size=(2, 3, 4))
    for axis in (-3, -2, -1, 0, 1, 2):
        for out in (-3, 0, 1, 2):
            found = make(lambda x: x * 2.0, axis, out)(cube)
            same(found, np.ascontiguousarray(np.moveaxis(cube * 2.0, axis, out)))
    same(make(lambda x: x * 2.0, -2)(X), X * 2.0)
    tree = {"a": [X, 2.0], "b": (Y,)}
    found = make(
        lambda t, *, k: {"s": t["a"][0] * t["a"][1] * k, "c": [t["b"][0], 1.0]},
        ({"a": [0, None], "b": 0},),
        {"s": 1, "c": [0, None]},
    )(tree, k=Y)
    assert found.keys() == {"s", "c"}
    same(found["s"], np.ascontiguousarray((X * 2.0 * Y[:, None]).T))
    same(found["c"][0], Y)
    assert found["c"][1] == 1.0


@BOTH
def test_empty_arrays_among_the_arguments(make):
    none, hollow = np.zeros(0), np.zeros((7, 0))
    found = make(lambda e, x, h: [x + len(e) + len(h), h], (None, 0, 0))(none, Y, hollow)
    same(found[0], Y)
    same(found[1], hollow)
    w, kinds = Value(2.0), set()
    make(lambda x, h: kinds.add(h.dtype.kind) or w * x)(Y, hollow)
    assert kinds == {"f"}


@BOTH
def test_a_bool_in_a_result_stays(make):
    assert make(lambda x: (True, x))(Y)[0] is True


@BOTH
def test_what_is_the_same_in_all_lanes(make):
    for xs in (Y, Y[:1]):
        found = make(lambda x: [x - x + 2.0, (x - x) * np.inf, [3.0, 4.0]], 0, None)(xs)
        assert repr(found) == "[2.0, nan, [3.0, 4.0]]"
    for xs in ([1.0, np.nan], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="the same in all lanes, but this is not"):
            make(lambda x: x, 0, None)(np.array(xs))
    with pytest.raises(ValueError, match="the same in all lanes, but there are none"):
        make(lambda x: 2.0, 0, None)(np.zeros(0))


@BOTH
def test_no_lanes_are_no_numbers_that_could_do_harm(make):
    none, w = np.zeros(0), Value(2.0)
    same(make(lambda x: 1 / x)(none), none)
    same(make(lambda x, k: k / x, (0, None))(none, w), none)
    same(grad(lambda s: s[0] + make(lambda x: 1 / x)(s[1:]).sum())(np.ones(1)), np.ones(1))
    with detect_anomaly():
        same(make(lambda x: w * log(x - 1.0))(none), none)
    with pytest.raises(TypeError, match="a sparse matrix; sparse=False"):
        make(hessian(lambda x: x[0] ** 2, sparse=True))(X[:0])


@BOTH
@pytest.mark.parametrize("lanes", [0, 1])
def test_no_lane_and_one(make, lanes):
    found = make(lambda x, y: {"a": x * y, "b": [y]}, (0, 1), 1)(X[:lanes], Y[None, :lanes])
    same(found["a"], np.ascontiguousarray((X[:lanes] * Y[:lanes, None]).T.reshape(3, lanes)))
    same(make(lambda x: relu(x))(Y[:lanes]), np.maximum(Y[:lanes], 0.0))


@BOTH
def test_the_first_axis_may_be_counted_from_the_last(make):
    same(make(sum, -2)(X), X.sum(axis=1))


@BOTH
def test_lanes_that_part_twice_are_all_computed(make):
    def f(x):
        if x < 0:
            return -x
        if x < 2:
            return x * x if x < 1 else 2 * x
        return 3 * x

    lanes = np.array([3.0, -1.0, 0.5, 1.5, 4.0, -2.0])
    same(make(f)(lanes), np.array([9.0, 1.0, 0.25, 3.0, 12.0, 2.0]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vmap(lambda x, y: x)(X, Y[:4]), ValueError, "argument 0 has 7 along axis 0, argu"),
        (lambda: vmap(lambda x, *, y: x)(X, y=Y[:4]), ValueError, "'y' has 4 along axis 0"),
        (lambda: vmap(lambda x: x)(2.0), ValueError, r"lanes along axis 0, but in it is 2\.0"),
        (lambda: vmap(lambda x: x)([1.0, 2.0]), ValueError, "but in it is 1.0 .*in_axes=None"),
        (lambda: vmap(lambda x: x, 2)(X), ValueError, r"an array of shape \(7, 3\)"),
        (lambda: vmap(lambda x: x, -3)(X), ValueError, "along axis -3"),
        (lambda: vmap(lambda x: x, None)(X), ValueError, "no argument has an axis of lanes"),
        (lambda: vmap(lambda: 1.0)(), ValueError, "no argument has an axis of lanes"),
        (lambda: vmap(lambda x: x, (0, 0))(X), TypeError, "in_axes is for 2 arguments, but 1 came"),
        (lambda: vmap(lambda x: x, [{"a": 0}])(X), TypeError, "in_axes of argument 0 must be an"),
        (lambda: vmap(lambda x: x, ({"b": 0},))({"a": X}), TypeError, "in_axes of argument 0 must"),
        (lambda: vmap(lambda x: x, ([0, 1],))([X]), TypeError, r"not \[0, 1\]"),
        (lambda: vmap(lambda x: x, ({"a": 0},))([X]), TypeError, r"0 must be .* not {'a': 0}"),
        (lambda: vmap(lambda x: x, ([0],))({"a": X}), TypeError, r"0 must be .* not \[0\]"),
        (lambda: vmap(lambda x: x, True)(X), TypeError, "not True"),
        (lambda: vmap(lambda x: x, 0, 1)(Y), ValueError, "result has only 0 axes"),
        (
            lambda: vmap(lambda x: x, 0, None)(Y),
            ValueError,
            "out_axes=None is for what is the same",
        ),
        (lambda: vmap(lambda x: x, 0, (0, 1))(Y), TypeError, "out_axes must be an integer"),
        (lambda: vmap(lambda x: x if x > 0 else [x])(Y), TypeError, "of one lane the result is"),
        (lambda: vmap(3), TypeError, r"f must be a function, not 3 \(int\)"),
        (lambda: vmap(lambda x: "a")(Y), TypeError, "the function returned 'a'"),
        (lambda: vmap(lambda x: x)(np.array(["a"])), TypeError, "argument 0 of vmap"),
        (lambda: vmap(lambda x: x * np.random.normal())(Y), RuntimeError, "random numbers"),
        (lambda: vmap(hessian(lambda x: x[0] ** 2, sparse=True))(X), TypeError, "sparse"),
        (lambda: jit(vmap(lambda x: x), static_argnums=0), TypeError, "takes no static arguments"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- Values ----------------------------------------------------------------------------------------


@BOTH
def test_results_are_values_where_the_function_closes_over_some(make):
    w = Value(2.0)

    def f(x):
        return (x * w).sum() if x[0] > 0 else w * 3.0

    found = make(f)(X)
    assert found.dtype == object
    total = functions.sum(list(found))
    total.backward()
    expected = sum(float(x.sum()) if x[0] > 0 else 3.0 for x in X)
    assert w.grad == pytest.approx(expected, rel=1e-12)
    assert [v.data for v in found] == [f(x).data for x in X]
    with no_grad():
        same(make(f)(X), np.array([f(x).data for x in X]))
    w.data = 5.0
    assert make(f)(X)[0].data == f(X[0]).data


@BOTH
def test_values_among_the_arguments(make):
    xs = np.array([Value(y) for y in Y])
    found = make(lambda x, k: x * x * k, (0, None))(xs, Value(3.0))
    functions.sum(list(found)).backward()
    np.testing.assert_allclose([x.grad for x in xs], 6.0 * Y, rtol=1e-15)
    assert [v.data for v in found] == [y * y * 3.0 for y in Y]


def test_values_and_numbers_among_the_arguments():
    xs = np.array([2.0, Value(3.0)], object)
    for lanes in (xs, xs[:1]):
        found = vmap(lambda x: x * Value(2.0))(lanes)
        assert [v.data for v in found] == [4.0, 6.0][: len(lanes)]


@BOTH
def test_results_that_are_values_have_one_structure(make):
    w = Value(2.0)
    with pytest.raises(TypeError, match="of one lane the result is"):
        make(lambda x: w * x if x > 0 else [w * x])(Y)


@BOTH
def test_integers_stay_integers_where_results_are_values(make):
    w = Value(2.0)
    found = make(lambda i, *, k: w * [5.0, 6.0][i] * [7.0, 8.0][k])(np.arange(2), k=np.arange(2))
    assert [v.data for v in found] == [70.0, 96.0]


def test_a_value_of_a_jitted_vmap_is_one_node_for_a_lane():
    w = Value(2.0)
    assert {v.op for v in jit(vmap(lambda x: sin(x * w) + x))(Y)} == {"call"}


def test_integers_of_a_trace_are_integers_of_lanes():
    rows = [5.0, 6.0, 7.0]
    kept = jit(lambda i: vmap(lambda k: rows[k])(i))
    for i in ([2, 0], [1, 1], [0, 2]):
        same(kept(np.array(i)), np.array([rows[k] for k in i]))


def test_what_depends_on_no_trace_is_a_number_in_it():
    found = []
    grad(lambda s: found.append(vmap(lambda x: x * 2.0)(Y)) or s)(1.0)
    same(found[0], Y * 2.0)


def test_gradients_through_it_are_those_of_the_loop():
    model = nn.MLP(3, [4, 2], "tanh", np.random.default_rng(0))
    targets = [0, 1, 1, 0, 1, 0, 0]

    def by_vmap():
        losses = vmap(lambda x, t: nn.cross_entropy([model(x)], [t]))(X, np.array(targets))
        return functions.mean(list(losses))

    def by_loop():
        return functions.mean(
            [nn.cross_entropy([model(x)], [t]) for x, t in zip(X, targets, strict=True)]
        )

    found = []
    for loss in (by_vmap, by_loop, jit(by_vmap)):
        model.zero_grad()
        value = loss()
        value.backward()
        found.append((value.data, [p.grad for p in model.parameters()]))
    assert found[0] == found[1]
    assert found[2][0] == found[1][0]
    np.testing.assert_allclose(found[2][1], found[1][1], rtol=1e-12, atol=1e-16)


def test_inside_transforms():
    w = np.array([0.5, -1.0, 2.0])

    def by_vmap(w):
        return functions.mean(list(vmap(lambda x, y: (x @ w - y) ** 2)(X, Y)))

    def by_loop(w):
        return functions.mean([(x @ w - y) ** 2 for x, y in zip(X, Y, strict=True)])

    for transform in (grad, hessian, lambda f: jit(grad(f)), lambda f: jit(f)):
        np.testing.assert_allclose(transform(by_vmap)(w), transform(by_loop)(w), rtol=1e-13)


def test_anomalies_are_told_with_the_line():
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"test_vmap\.py"):
        vmap(lambda x: log(x))(np.array([1.0, -1.0]))


# -- what is kept ----------------------------------------------------------------------------------


def test_jit_keeps_programs_and_what_it_reads_is_guarded():
    traces, scale = [], [2.0]

    def f(x):
        traces.append(1)
        return x * scale[0] if x > 0 else x

    mapped = jit(vmap(f))
    same(mapped(Y), np.where(Y > 0, Y * 2.0, Y))
    assert len(traces) == 2
    for lanes in (7, 3, 7):
        same(mapped(Y[:lanes]), np.where(Y[:lanes] > 0, Y[:lanes] * 2.0, Y[:lanes]))
    assert len(traces) == 2 + 2  # at the second and the fourth call it is compared
    scale[0] = 3.0
    same(mapped(Y), np.where(Y > 0, Y * 3.0, Y))
    plain = vmap(lambda x: x * scale[0])
    same(plain(Y), Y * 3.0)
    scale[0] = 4.0
    same(plain(Y), Y * 4.0)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_programs_that_serve_as_many_lanes_as_there_are_programs_are_kept(monkeypatch, lanes):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "MOST", 8)
    mapped = jit(vmap(lambda x: next((x * k for k in range(12) if x < k), x)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(12):
            same(mapped(np.full(lanes, k - 0.5)), np.full(lanes, (k - 0.5) * k))
    served = 7 * (lanes - 1)  # by the programs of the first calls, as the eighth is traced
    assert len(caught) == (served < 8)
    words = f"traced 8 times, and its programs served {served} calls"
    assert all(words in str(w.message) for w in caught)


def test_what_jit_cannot_see_is_found():
    class Hidden:
        number = 1.0

        @property
        def one(self):
            return [self]

    hidden = Hidden()
    mapped = jit(vmap(lambda x: x * hidden.one[0].number))
    mapped(Y)
    hidden.number = 2.0
    with pytest.raises(RuntimeError, match="reads something that changes"):
        mapped(Y)


def test_a_transform_is_compared_with_its_program_in_the_same_lane():
    mapped = jit(vmap(grad(lambda x: x * x)))
    for _ in range(2):
        same(mapped(Y), 2.0 * Y)


def test_where_in_lanes_is_no_way_of_its_own():
    traces = []
    mapped = jit(vmap(lambda x: traces.append(1) or where(functions.greater(x, 0.0), x, -x)))
    same(mapped(Y), np.abs(Y))
    assert len(traces) == 1


CALLS = []


def double(x):
    CALLS.append(1)
    return x * 2.0


@vmap
def halved(x):
    return x / 2.0


def test_it_is_named_and_pickled():
    mapped = vmap(double, 1, 1)
    assert repr(mapped) == "<vmap(double)>"
    assert mapped.__name__ == "double"
    assert pickle.loads(pickle.dumps(halved)) is halved
    for made, calls in ((mapped, 1), (jit(mapped), 0)):
        again = pickle.loads(pickle.dumps(made))
        for _ in range(3):  # at the second call it is compared
            CALLS.clear()
            same(again(X), X * 2.0)
        assert len(CALLS) == calls
