"""jit: the plain function's answers, on every call, in any order of calls."""

import gc
import itertools
import math
import random
import sys
import threading
import tracemalloc
import warnings

import numpy as np
import pytest

from autodiff import (
    COMPILED,
    Value,
    functions,
    grad,
    jit,
    no_grad,
    optim,
    primitive,
    take,
    value_and_grad,
    vmap,
)
from autodiff.engine.modes import MODE
from autodiff.transforms.cache import MOST

NAN, INF = math.nan, math.inf


def clipped(x):
    if x < 0:
        return -2.0 * x
    if x == 0:
        return x + 7.0
    return x * x if x <= 10 else x - 1.0


def newton(a):
    """The square root of a, by as many steps as it takes."""
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def largest_and_smallest(xs):
    return max(xs) * 2.0 - min(xs)


def in_order(xs):
    return [x * float(i + 1) for i, x in enumerate(sorted(xs))]


def solved(system):
    """Gaussian elimination with partial pivoting, of a matrix and its right hand side."""
    a, b = [list(row) for row in system[0]], list(system[1])
    n = len(b)
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(a[i][k]))
        a[k], a[pivot] = a[pivot], a[k]
        b[k], b[pivot] = b[pivot], b[k]
        for i in range(k + 1, n):
            factor = a[i][k] / a[k][k]
            a[i] = [x - factor * y for x, y in zip(a[i], a[k], strict=True)]
            b[i] = b[i] - factor * b[k]
    for k in reversed(range(n)):
        for j in range(k + 1, n):
            b[k] = b[k] - a[k][j] * b[j]
        b[k] = b[k] / a[k][k]
    return b


def collatz_like(x):
    """A recursive function: how deep it goes depends on the number."""
    return x if x < 1.0 else 1.5 + collatz_like(x / 2.0) * x


def constant_function(x):
    return 42.0


def identity(x):
    return x


def same_twice(x):
    y = x * 3.0
    return y, y, (x, [y])


def truth(x):
    return x > 2.0, not x, x == x


def system(seed, n=3):
    draw = random.Random(seed)
    return [[draw.uniform(-1, 1) for _ in range(n)] for _ in range(n)], [
        draw.uniform(-1, 1) for _ in range(n)
    ]


NUMBERS = [-1.5, 0.0, -0.0, 0.5, 1.0, 3.0, 10.0, 11.0, INF, -INF, NAN, 5e-324]
LISTS = [list(p) for p in itertools.permutations([3.0, -1.0, 2.0])]
CASES = {
    clipped: NUMBERS,
    newton: [2.0, 1e-6, 9.0, 1e12, 1.0],
    largest_and_smallest: [*LISTS, [1.0, 1.0, 0.0], [NAN, 1.0, 2.0], [1.0, NAN, 2.0]],
    in_order: [*LISTS, [1.0, 1.0, 0.0], [0.0, -0.0, 0.0], [NAN, 1.0, 0.0], [1.0, NAN, 0.0]],
    solved: [system(i) for i in range(12)],
    collatz_like: [0.5, 1.0, 7.0, 100.0, -3.0],
    constant_function: NUMBERS,
    identity: NUMBERS,
    same_twice: NUMBERS,
    truth: NUMBERS,
}


def bits(tree):
    """Numbers as strings that keep every bit; not that of a nan's sign."""
    if isinstance(tree, (list, tuple)):
        return type(tree)(bits(x) for x in tree)
    return tree if isinstance(tree, bool) else float(tree).hex()


@pytest.mark.filterwarnings("ignore:.*has been traced")
@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_a_jitted_function_gives_what_the_plain_one_gives_in_any_order(f):
    arguments = CASES[f]
    orders = [
        arguments,
        arguments[::-1],
        *(random.Random(i).choices(arguments, k=30) for i in "ab"),
    ]
    for order in orders:
        fast = jit(f)
        for argument in (*order, *order):
            assert bits(fast(argument)) == bits(f(argument))


@pytest.mark.parametrize("order", list(itertools.permutations([-1.5, 0.0, 2.0, 20.0, NAN])))
def test_guards_come_out_in_every_order(order):
    fast, slope = jit(clipped), grad(clipped)
    wanted = {-1.5: -2.0, 0.0: 1.0, 2.0: 4.0, 20.0: 1.0}
    for x in (*order, *order):
        assert bits(fast(x)) == bits(clipped(x))
        assert slope(x) == wanted.get(x, 1.0)


def test_it_is_traced_once_for_every_way_through_the_function():
    ways = []

    def f(x):
        ways.append(1)
        return clipped(x)

    fast = jit(f, check=False)
    for x in [1.0, 2.0, -1.0, -2.0, 20.0, 30.0, 0.0, 1.0, -1.0, 20.0] * 3:
        fast(x)
    assert len(ways) == 4


def test_gradients_through_loops_and_choices():
    assert grad(newton)(9.0) == pytest.approx(1 / 6, rel=1e-12)
    assert grad(newton)(2.0) == pytest.approx(0.5 / math.sqrt(2), rel=1e-12)
    slope = grad(largest_and_smallest)
    assert [slope(xs) for xs in ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0])] == [
        [-1.0, 0.0, 2.0],
        [2.0, -1.0, 0.0],
    ]
    a, b = system(5)
    inverse = np.linalg.inv(a)
    by_b = grad(lambda a, b: solved((a, b))[0], 1)(a, b)
    assert by_b == pytest.approx(inverse[0].tolist(), rel=1e-10)
    by_a = grad(lambda a, b: solved((a, b))[0], 0)(np.array(a), b)
    np.testing.assert_allclose(by_a, -np.outer(inverse[0], inverse @ b), rtol=1e-9)


# -- what it closes over ---------------------------------------------------------------------------


def test_parameters_that_an_optimizer_changes_are_read_at_every_call():
    def losses(compiled):
        w, b = Value(0.5), Value(-1.0)

        def loss(x, y):
            return functions.square(w * x + b - y)

        f = jit(loss) if compiled else loss
        optimizer = optim.SGD([w, b], lr=0.05)
        found = []
        for x, y in [(1.0, 2.0), (2.0, 5.0), (3.0, 7.0)] * 5:
            optimizer.zero_grad()
            found.append(f(x, y))
            found[-1].backward()
            optimizer.step()
        return [v.data for v in found], w.data, b.data

    assert losses(True) == losses(False)


def test_a_captured_parameter_decides_a_branch_anew():
    w = Value(1.0)
    f = jit(lambda x: x * w if w > 0 else x - w)
    assert f(2.0).data == 2.0
    w.data = -3.0
    assert f(2.0).data == 5.0
    w.data = 4.0
    assert f(2.0).data == 8.0


def test_tracing_leaves_parameters_as_they_are():
    w, u = Value(3.0, name="w"), Value(5.0)
    u.grad = 2.0
    f = jit(lambda x: x * w * u + u)
    f(2.0)
    grad(lambda x: f(x) * w)(1.0)
    assert (w.grad, u.grad, w.name, w.operands) == (0.0, 2.0, "w", ())
    (w * u).backward()
    assert (w.grad, u.grad) == (5.0, 5.0)


def test_what_was_computed_outside_is_a_constant_to_the_program():
    w = Value(3.0)
    double = w * 2
    f = jit(lambda x: x * double)
    y = f(2.0)
    y.backward()
    assert (y.data, w.grad) == (12.0, 4.0)
    assert grad(lambda x: x * double)(1.0) == 6.0


def test_values_of_an_outer_trace_are_not_kept():
    """A function that closes over what another trace computes is right at the next trace too."""

    def outer(x):
        inner = jit(lambda y: x * x * y)
        return inner(3.0) + inner(x)

    f, slope = jit(outer), grad(outer)
    for x in (2.0, 5.0, -1.0):
        assert f(x) == x * x * 3.0 + x**3
        assert slope(x) == 6 * x + 3 * x * x
    closed_over = []
    shared = jit(lambda y: closed_over[-1] * y)

    def using(x):
        closed_over.append(x)
        return shared(2.0)

    assert [grad(using)(x) for x in (1.0, 2.0)] == [2.0, 2.0]
    assert [jit(using)(x) for x in (1.0, 2.0)] == [2.0, 4.0]


def test_a_call_on_values_records():
    f = jit(clipped)
    for x, slope in [(3.0, 6.0), (-2.0, -2.0), (4.0, 8.0)]:
        v = Value(x)
        y = f(v)
        y.backward()
        assert (y.data, v.grad) == (clipped(x), slope)
    v = Value(3.0)
    dy = grad(clipped)(v)
    dy.backward()
    assert (dy.data, v.grad) == (6.0, 2.0)


def test_nothing_is_recorded_of_a_call_on_floats():
    assert type(jit(clipped)(3.0)) is float
    with no_grad():
        assert jit(clipped)(3.0) == 9.0
        assert grad(clipped)(3.0) == 6.0
        assert jit(clipped)(Value(3.0)).operands == ()


def test_a_list_that_is_changed_inside_is_not_the_callers():
    def f(xs):
        xs[0] = xs[0] * 2.0
        xs.append(xs[0])
        return xs

    mine, fast = [1.0, 2.0], jit(f)
    assert fast(mine) == [2.0, 2.0, 2.0]
    assert fast(mine) == [2.0, 2.0, 2.0]
    assert mine == [1.0, 2.0]


def test_results_are_the_callers_own():
    f = jit(lambda x: x)
    x = np.array([1.0, 2.0])
    first = f(x)
    second = f(x)
    first[0] = 100.0
    assert x.tolist() == [1.0, 2.0]
    assert second.tolist() == f(x).tolist() == [1.0, 2.0]
    gradient = grad(lambda x: (x * x).sum())
    kept = gradient(x)
    gradient(x + 1.0)
    assert kept.tolist() == [2.0, 4.0]
    assert kept.flags.writeable


# -- integers --------------------------------------------------------------------------------------


def test_traced_integers_take_from_lists():
    traces = []

    def f(xs, i):
        traces.append(1)
        return take(xs, i[0]) * take(xs, i[1])

    fast = jit(f, check=False)
    xs = [2.0, 3.0, 5.0]
    for i, j in itertools.product(range(3), repeat=2):
        assert fast(xs, np.array([i, j])) == xs[i] * xs[j]
    assert len(traces) == 1
    slope = grad(f)
    assert slope(xs, np.array([0, 2])) == [5.0, 0.0, 2.0]
    assert slope(xs, np.array([1, 1])) == [0.0, 6.0, 0.0]
    assert grad(jit(f))(xs, np.array([1, 1])) == [0.0, 6.0, 0.0]
    assert jit(jit(f))(xs, np.array(2) + np.zeros(2, int)) == 25.0


def test_take_of_rows_and_of_arrays_of_integers():
    rows = np.arange(6.0).reshape(3, 2)
    f = jit(lambda rows, i: [x * 1.0 for x in take(rows, i[0])])
    assert [f(rows, np.array([k])) for k in (0, 2, 1)] == rows[[0, 2, 1]].tolist()
    g = jit(lambda xs, i: take(xs, i))
    assert g([1.0, 2.0], np.array([1, 1, 0])) == [2.0, 2.0, 1.0]
    assert g([1.0, 2.0], np.zeros(0, int)) == []
    assert jit(lambda xs, i: take(xs, i))([1.0, 2.0], np.array(1)) == 2.0


@pytest.mark.parametrize("i", [3, -1, 2**40])
def test_an_index_beyond_the_list_is_refused_at_every_call(i):
    f = jit(lambda xs, i: take(xs, i[0]))
    xs = [1.0, 2.0, 3.0]
    for _ in range(2):
        with pytest.raises(IndexError, match=f"index {i} is not one of 0 to 2"):
            f(xs, np.array([i]))
        assert f(xs, np.array([2])) == 3.0


def test_what_a_comparison_protects_is_not_computed_where_it_fails():
    f = jit(lambda x, xs, i: take(xs, i[0]) if x > 0 else x)
    assert f(1.0, [1.0, 2.0], np.array([1])) == 2.0
    assert f(-1.0, [1.0, 2.0], np.array([7])) == -1.0
    with pytest.raises(IndexError, match="index 7 is not one of 0 to 1"):
        f(1.0, [1.0, 2.0], np.array([7]))


# -- vmap ------------------------------------------------------------------------------------------


def test_every_vmap_reads_its_own_operands_and_those_of_its_results_are_read_that_are_used():
    def f(w, xs, ys):
        first = vmap(lambda x: x * w)(xs)
        second = vmap(lambda y: y - w if y > 0 else y / w)(ys[::-1])
        third = vmap(lambda x, y: (x + y, x * y + w))(xs[:3], ys[:3])
        return [first[1], first[3], *second, third[0][0], third[1][2], w]

    fast, traces = jit(f), []
    again = jit(lambda w, xs, ys: traces.append(1) or f(w, xs, ys))
    xs = np.array([1.0, 2.0, 3.0, 5.0])
    for ys in ([0.5, 1.5, 2.5, 4.0], [-0.5, 1.5, -2.5, 4.0], [0.5, -1.5, 2.5, 4.0]):
        ys = np.array(ys)
        for w in (7.0, 11.0):
            second = [y - w if y > 0 else y / w for y in ys[::-1].tolist()]
            wanted = [2.0 * w, 5.0 * w, *second, 1.0 + ys[0], 3.0 * ys[2] + w, w]
            assert fast(w, xs, ys) == again(w, xs, ys) == wanted
    assert len(traces) < 6


def test_an_index_beyond_the_list_is_refused_in_every_lane():
    f = jit(lambda xs, i: [2.0 * x for x in vmap(lambda j: take(xs, j))(i)], check=False)
    xs = [1.0, 2.0, 3.0]
    assert f(xs, np.array([2, 0])) == [6.0, 2.0]
    with pytest.raises(IndexError, match="index 3 is not one of 0 to 2"):
        f(xs, np.array([2, 3]))
    assert f(xs, np.array([1, 1])) == [4.0, 4.0]


# -- the cache -------------------------------------------------------------------------------------


def kept(jitted):
    """How many programs a jitted function keeps."""
    return sum(len(tree.leaves) for state in jitted._states for tree in state.trees.values())


def test_a_function_with_ever_new_branches_goes_over_to_eager_and_one_warning_names_the_line():
    def f(x):
        if x < 1e9:  # always so
            x = x * 1.0
        for k in range(200):
            if x < k:  # the line that is to blame
                return x * k
        return x

    fast = jit(f)
    with pytest.warns(RuntimeWarning, match=r"jit\(f\) has been traced 128 times") as caught:
        called = [(fast(k + 0.5), f(k + 0.5)) for k in range(MOST + 30)]
    assert all(a == b for a, b in called)
    assert len(caught) == 1
    line = f.__code__.co_firstlineno + 4
    assert f"the comparison at {__file__}:{line}" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert kept(fast) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(MOST + 30):
            assert fast(k + 0.5) == f(k + 0.5)


def test_a_function_of_many_branches_that_are_taken_again_keeps_them_all():
    def f(x):
        for k in range(100):
            if x < k:
                return x * k
        return x

    traces = []
    fast = jit(lambda x: traces.append(1) or f(x), check=False)
    numbers = [k - 0.5 for k in range(100)]
    random.Random(0).shuffle(numbers)
    for x in (*numbers, *numbers, *reversed(numbers)):
        assert fast(x) == f(x)
    assert len(traces) == kept(fast) == 100


def test_branches_that_mostly_are_taken_again_are_kept_however_many():
    traces = []

    def f(x):
        traces.append(1)
        return next((x * k for k in range(MOST + 10) if x < k), x)

    fast = jit(f, check=False)
    for _ in range(2):
        for k in range(MOST + 10):
            assert [fast(k - 0.5) for _ in range(3)] == [(k - 0.5) * k] * 3
    assert len(traces) == kept(fast) == MOST + 10


@pytest.mark.parametrize("first", [1, 2])
def test_it_goes_over_to_eager_if_programs_served_fewer_calls_than_there_were_traces(
    monkeypatch, first
):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "MOST", 8)
    fast = jit(lambda x: next((x * k for k in range(20) if x < k), x), check=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(20):
            for _ in range(2 if k else 1 + first):
                assert fast(k - 0.5) == (k - 0.5) * k
    assert len(caught) == (first == 1)
    words = "traced 8 times, and its programs served 7 calls"
    assert all(words in str(w.message) for w in caught)


def ten_products(name, x):
    return x * x * x * x * x * x * x * x * x * x * x


@pytest.mark.parametrize(
    ("f", "instructions", "times"),
    [
        (ten_products, 1, 16),
        (ten_products, 200, 20),
        (ten_products, 201, 21),
        (lambda name, x: x * sum(x > 0.1 * i for i in range(5)), 120, 16),
    ],
    ids=["16 traces at least", "so many", "one more", "comparisons"],
)
def test_a_long_function_goes_over_to_eager_sooner(monkeypatch, f, instructions, times):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "LARGE", instructions)
    fast = jit(f)
    with pytest.warns(RuntimeWarning, match=f"has been traced {times} times"):
        found = [fast(f"name {k}", 1.0) for k in range(times)]
    assert found == [f("", 1.0)] * times


def test_of_many_branches_of_two_structures_the_older_are_forgotten(monkeypatch):
    monkeypatch.setattr(sys.modules["autodiff.transforms.cache"], "MOST", 8)
    fast = jit(lambda xs: next((xs[0] * k for k in range(5) if xs[0] < k), 0.0), check=False)
    for n in (1, 2):
        for k in range(5):
            assert [fast([k - 0.5] * n) for _ in range(3)] == [(k - 0.5) * k] * 3
    assert kept(fast) == 5
    assert fast([3.5]) == 3.5 * 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([(f"name {k}", 1.0) for k in range(MOST + 20)], "argument 0 is 'name 127'"),
        ([(None, np.ones(k)) for k in range(MOST + 20)], r"argument 1 is an array of shape \(127"),
        ([([1.0] * k, 1.0) for k in range(MOST + 20)], "argument 0 is a list of 127"),
        (
            [(f"name {k // 2}", np.ones(k)) for k in range(MOST + 20)],
            r"from call to call argument 1 is an array of shape \(127",
        ),
    ],
    ids=["strings", "shapes", "lengths", "the last before"],
)
def test_a_structure_that_is_always_another_goes_over_to_eager(arguments, words):
    fast = jit(lambda static, x: x * 2.0)
    with pytest.warns(RuntimeWarning, match=words) as caught:
        found = [fast(*call) for call in arguments]
    assert [np.sum(x) for x in found] == [2.0 * np.sum(x) for _, x in arguments]
    assert len(caught) == 1


def test_of_too_many_structures_the_oldest_are_forgotten():
    fast = jit(lambda xs: functions.sum(xs), check=False)
    for n in range(1, MOST + 11):
        assert [fast([1.0] * n) for _ in range(3)] == [n] * 3
    assert kept(fast) == MOST
    assert fast([1.0]) == 1.0


@pytest.mark.parametrize("number", [float, int, np.int64, bool])
def test_numbers_are_traced_once_whatever_they_are(number):
    traces = []
    fast = jit(lambda n, x: traces.append(1) or x * n, check=False)
    for n in range(MOST + 20):
        assert fast(number(n), 2.0) == 2.0 * number(n)
    assert len(traces) == 1


def test_a_function_that_is_not_a_function_is_told_so():
    draw = random.Random(1)
    fast = jit(lambda x: x if x > draw.random() else -x)
    unlike = primitive("unlike", lambda a: draw.random(), [lambda a, v: 0.0 * a])
    with pytest.raises(RuntimeError, match=r"draws random numbers \(from a Random\)"):
        fast(0.5)
    with pytest.raises(RuntimeError, match=r"draws random numbers \(from a Random\)"):
        jit(lambda x: x if unlike(x) > 0.5 else -x)(0.5)


# -- nothing is left behind ------------------------------------------------------------------------


def traces():
    """How many traces are alive: those that other tests keep, and what was left behind."""
    gc.collect()
    from autodiff.engine.traces import Trace

    return sum(isinstance(x, Trace) for x in gc.get_objects())


def test_primitives_in_python_get_floats_and_must_give_numbers_at_every_call():
    seen = []

    def spied(a, b):
        seen.append((type(a), type(b), a, b))
        return a**b if a < 3 else "x"

    mine = primitive("spied_power", spied, [lambda a, b, v: b * v / a, lambda a, b, v: 0.0])
    f = jit(lambda x, y: mine(y * 1.5, 3.0) + x)
    for y in (1.0, 1.5):
        seen.clear()
        assert f(-7.0, y) == (1.5 * y) ** 3 - 7.0
        assert set(seen) == {(float, float, 1.5 * y, 3.0)}
    with pytest.raises(TypeError, match=r"the value function of spied_power\(\).*'x' \(str\)"):
        f(-7.0, 2.0)


def test_an_error_inside_leaves_no_trace_active():
    def f(x):
        if x * 2.0 > 1.0:
            raise KeyError("inside")
        return x

    kept = traces()
    for transform in (jit, grad, value_and_grad):
        before = MODE.get()
        with pytest.raises(KeyError, match="inside"):
            transform(f)(1.0)
        assert MODE.get() is before
        assert Value(3.0).data == 3.0
        assert traces() == kept


def growth(call, times, before=20):
    call(3)
    gc.collect()
    tracemalloc.start()
    try:
        call(before)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        call(times)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_calling_does_not_grow_memory():
    w = Value(2.0)
    f, g, h = jit(clipped), grad(clipped), jit(lambda x: x * w)

    def call(times):
        for i in range(times):
            f(i % 20 - 5.0)
            g(i % 20 - 5.0)
            if i % 10 == 0:
                h(1.0).backward()

    times = 10_000 if COMPILED else 3_000
    assert growth(call, times, before=1500) < 20_000  # by then all is vectorised


def test_tracing_fresh_functions_does_not_grow_memory():
    kept = traces()

    def call(times):
        for _ in range(times):
            grad(lambda x: clipped(x) * functions.sin(x))(2.0)
            jit(lambda x, n: x * n)(2.0, 3)

    assert growth(call, 80) < 50_000
    assert traces() == kept


# -- many threads ----------------------------------------------------------------------------------


def test_threads_trace_and_run_one_function():
    fast, slope = jit(clipped), grad(lambda xs: largest_and_smallest(in_order(xs)))
    wrong, start = [], threading.Barrier(4)

    def work(seed):
        draw = random.Random(seed)
        start.wait()
        try:
            for _ in range(300):
                x = draw.choice(NUMBERS)
                if bits(fast(x)) != bits(clipped(x)):
                    wrong.append(x)
                xs = [draw.uniform(1, 2) for _ in range(3)]
                got = slope(xs)
                places = sorted(range(3), key=xs.__getitem__)
                want = [0.0] * 3
                want[places[2]], want[places[0]] = 6.0, -1.0
                if got != want:
                    wrong.append((xs, got))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert kept(fast) <= MOST


# -- jit inside jit --------------------------------------------------------------------------------


def test_branches_of_an_inner_jitted_function_are_guards_of_the_outer_one():
    inner = jit(lambda x: x * x if x > 0 else -x)
    slope_inside = jit(lambda x: grad(inner)(x) * x)
    for outer in (jit(lambda x: inner(x) * 2.0), jit(jit(lambda x: inner(x) * 2.0))):
        assert [outer(x) for x in (3.0, -3.0, 2.0, -1.0)] == [18.0, 6.0, 8.0, 2.0]
    assert [slope_inside(x) for x in (3.0, -3.0, 2.0)] == [18.0, 3.0, 8.0]
    assert [jit(grad(inner))(x) for x in (3.0, -3.0)] == [6.0, -1.0]
    inner(3.0)
    assert jit(lambda x: inner(x) + inner(-x))(-3.0) == 12.0
