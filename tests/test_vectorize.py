"""Programs of vector instructions: always the numbers of the program one by one, to the bit."""

import itertools
import math
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import COMPILED, Value, dot, jit, primitive, take, value_and_grad
from autodiff import sum as sum_
from autodiff.compiler import derivatives, interpreted, lanes, passes, vectorize
from autodiff.compiler.lanes import AXES, KEPT, NARROW, SCATTER, WIDTH, axes_of, common, pack
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import ARITY, Program, validate
from autodiff.compiler.scatter import SPARSE
from autodiff.compiler.simplify import simplified
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import trace
from autodiff.compiler.vectorize import (
    LANES,
    LEAST,
    MOST,
    OFTEN,
    grouped,
    in_vectors,
    steps_of,
    vectorized,
)
from autodiff.engine import choice, special
from autodiff.engine.kernels import ARRAYS
from autodiff.ops import CODES, ROWS, TABLE
from autodiff.testing import expressions

INF, NAN = math.inf, math.nan
EDGES = [0.0, -0.0, 1.0, -1.0, NAN, INF, -INF, 5e-324, -1e-308, 1e308, -2.5, 0.1]


def bits(numbers):
    """Numbers by their bits, every nan alike."""
    return [float(x).hex() for x in numbers]


def program_of(f, numbers):
    return simplified(trace(lambda xs: f(xs), list(numbers)).program)


def gradient_of(f, numbers):
    """A program of what ``f`` returns and of the gradients of it all."""
    p = program_of(f, numbers)
    seeds = [{i: None} for i in range(len(p.outputs))]
    return simplified(derivatives.reverse(p, seeds, range(p.inputs), keep=True))


def in_numpy(q, steps, numbers):
    """The program run by NumPy, whatever is compiled."""
    rows, packed, room = steps.arrays()
    c = len(q.constants)
    w = np.concatenate([q.constants[::-1], numbers, np.zeros(len(q))])
    arrays = (rows.ravel(), packed, q.ops, q.a, q.b, q.entries, np.full(len(q), -1, np.int32))
    views = [memoryview(x) for x in (*arrays, w)]
    assert interpreted.run_steps(0, c, q.inputs, *views, memoryview(np.zeros(room))) == len(q)
    return w[c + q.outputs]


def agree(p, *points):
    """One by one, reordered, in vectors and in NumPy, a program gives the same bits."""
    p = sums(p)
    q, groups = grouped(p)
    validate(q, "grouped")
    steps = steps_of(q, groups)
    vectors = Machine(q, steps=steps.arrays())
    for numbers in points:
        x = np.array(numbers, float)
        wanted = bits(Machine(p)(x))
        assert bits(Machine(q)(x)) == wanted
        assert bits(vectors(x)) == wanted
        assert bits(vectors(x)) == wanted  # with what the last run left in the buffer
        assert bits(in_numpy(q, steps, x)) == wanted
    return q, steps


def kinds(steps):
    """The steps, in words: an operation and how many lanes, or instructions."""
    names = {0: "one by one", SCATTER: "scatter"}
    return [(names.get(op) or ROWS[op].name, end - first) for op, first, end, *_ in steps.rows]


def sizes_of(steps, name):
    """The sizes of the axes of the steps of an operation, outermost first."""
    return [row[4 : 4 + AXES] for row in steps.rows if row[0] > 0 and ROWS[row[0]].name == name]


def copied(steps):
    """How many numbers all steps pack."""
    operands = [row[4 + AXES :] for row in steps.arrays()[0].tolist() if row[0] > 0]
    return sum(x[i + 1] for x in operands for i in range(0, len(x), AXES + 4) if x[i] >= 0)


def numbers_for(n, seed=0):
    return np.random.default_rng(seed).normal(size=n).tolist()


def listed(inputs, *instructions, constants=()):
    """A program that returns its instructions' results, each a row's name and what it reads."""
    operands, entries = [], []
    for name, *refs in instructions:
        if ARITY[CODES[name]]:
            operands.append((refs[0], refs[-1]))
        else:
            operands.append((len(entries), len(refs)))
            entries += refs
    a, b = np.array(operands, np.int32).T.copy()
    return Program(
        inputs,
        np.arange(inputs, inputs + len(a), dtype=np.int32),
        np.array(constants, float),
        np.array([CODES[name] for name, *_ in instructions], np.uint16),
        a,
        b,
        np.array(entries, np.int32),
    )


# -- the same numbers ------------------------------------------------------------------------------


@given(st.data())
def test_lanes_of_any_expression_give_its_bits(data):
    """Many copies of an expression, on overlapping operands, and their gradients."""
    f = data.draw(expressions(3, max_size=8))
    copies, step = data.draw(st.integers(1, 20)), data.draw(st.integers(0, 3))
    edges = st.sampled_from(EDGES) | st.floats(-3, 3)
    numbers = data.draw(st.lists(edges, min_size=3 + 60, max_size=3 + 60))

    def many(xs):
        return [f(*xs[step * i : step * i + 3]) for i in range(copies)]

    agree(program_of(many, numbers), numbers)
    agree(gradient_of(lambda xs: [sum_(many(xs))], numbers), numbers, numbers[::-1])


@given(st.data())
def test_lanes_in_any_order_with_any_constants(data):
    """Groups whose operands stand anywhere, the same one twice, inputs and constants among them."""
    count = data.draw(st.integers(4, 40))
    place = st.integers(0, 7)
    pairs = data.draw(st.lists(st.tuples(place, place), min_size=count, max_size=count))
    op = data.draw(st.sampled_from(["+", "-", "*", "max"]))
    numbers = data.draw(st.lists(st.sampled_from(EDGES), min_size=6, max_size=6))

    def f(xs):
        ys = [*xs, 0.5, -3.0]
        apply = {
            "+": lambda a, b: a + b,
            "-": lambda a, b: a - b,
            "*": lambda a, b: a * b,
            "max": lambda a, b: (a * 1.5).relu() * b,
        }[op]
        first = [apply(ys[i] * xs[0], ys[j]) for i, j in pairs]
        return [first[i % count] * first[-1 - j % count] + first[j % count] for i, j in pairs]

    agree(program_of(f, [0.3, -1.2, 2.0, 0.7, 5.0, -0.1]), numbers)


@pytest.mark.parametrize("arranged", ["side by side", "all the same", "anywhere"])
@pytest.mark.parametrize("name", [r.name for r in TABLE if ARITY[CODES[r.name]]])
def test_every_row_lane_by_lane(name, arranged):
    """Of every primitive the kernels, at every edge, however its operands are read."""
    n, op = len(EDGES) ** 2, CODES[name]
    pairs = np.array([*itertools.product(EDGES, repeat=2)]).T.ravel()
    rng = np.random.default_rng(0)
    left = right = np.arange(n)
    if arranged == "anywhere":
        left, right = rng.integers(0, n, n), rng.integers(0, n, n)
    if arranged == "all the same":
        right = np.full(n, 5)
    for a, b in ((left, n + right), (n + right, left)):
        b = b if ARITY[op] == 2 else 0 * b
        operands = {"a": a.astype(np.int32), "b": b.astype(np.int32)}
        outputs = np.arange(2 * n, 3 * n, dtype=np.int32)
        p = Program(2 * n, outputs, ops=np.full(n, op, np.uint16), **operands)
        _, steps = agree(p, pairs)
        assert kinds(steps) == [(name, n)]


def test_which_rows_are_done_lane_by_lane():
    names = {ROWS[op].name for op in np.flatnonzero(LANES)}
    assert names >= {"add", "mul", "exp", "relu", "detach", "chain", "products", "pick"}
    assert not names & {"", "mean", "monomial", "take", "guard", "largest", "peak", "part"}


def test_lanes_have_the_same_bits_however_numpy_rounds(monkeypatch):
    """Of functions that are not rounded correctly everywhere, NumPy may have others than Python."""
    rounded = {"abs", "sqrt", "floor", "ceil", "trunc", "rint", "div"}
    for name in special.FUNCTIONS.keys() - rounded:
        monkeypatch.setitem(ARRAYS, name, lambda *xs: np.full(np.shape(xs[0]), 7.0))
    numbers, n = np.random.default_rng(0).uniform(0.1, 0.9, 2 * LEAST).tolist(), LEAST
    names = ["detach", *(r.name for r in TABLE if ARITY[CODES[r.name]])]
    lists = [(name, i, n + i) for name in names for i in range(n)]
    _, steps = agree(listed(2 * n, *lists), numbers)
    assert {name for name, _ in kinds(steps)} == {*names}


# -- matrices --------------------------------------------------------------------------------------


def matrix(xs, rows, columns):
    return [xs[i * columns : (i + 1) * columns] for i in range(rows)]


def written_out(w, x):
    return [sum(a * b for a, b in zip(row, x, strict=True)) for row in w]


def by_dot(w, x):
    return [dot(row, x) for row in w]


@pytest.mark.parametrize("multiply", [written_out, by_dot])
def test_a_matrix_times_a_vector_is_one_step(multiply):
    numbers = numbers_for(20 * 9 + 9)
    _, steps = agree(program_of(lambda xs: multiply(matrix(xs, 20, 9), xs[180:]), numbers), numbers)
    assert kinds(steps) == [("products", 20)]
    assert copied(steps) == 180  # the matrix, so that its columns stand side by side


def test_its_gradient_is_a_transposed_product_and_an_outer_one():
    numbers = numbers_for(20 * 9 + 9 + 20)

    def f(xs):
        y = by_dot(matrix(xs, 20, 9), xs[180:189])
        return [dot(y, xs[189:])]

    _, steps = agree(gradient_of(f, numbers), numbers)
    assert {("products", 20), ("products", 9), ("mul", 180)} == {
        kind for kind in kinds(steps) if kind[0] != "one by one"
    }
    assert sizes_of(steps, "mul") == [[1, 20, 9]]
    assert copied(steps) == 180


def test_many_vectors_times_one_matrix_are_a_matrix_product():
    numbers = numbers_for(20 * 9 + 6 * 9)

    def f(xs):
        w = matrix(xs, 20, 9)
        return [y for x in matrix(xs[180:], 6, 9) for y in by_dot(w, x)]

    _, steps = agree(program_of(f, numbers), numbers)
    assert kinds(steps) == [("products", 120)]
    assert sizes_of(steps, "products") == [[1, 6, 20]]
    assert copied(steps) == 180  # the matrix once, and not for every vector


def test_what_several_steps_read_alike_is_copied_once():
    """The matrix, packed for two products at different levels, and not what one of them reads."""
    numbers = numbers_for(16 * 16 + 16)

    def f(xs):
        w = matrix(xs, 16, 16)
        x = [a * b for a, b in zip(by_dot(w, xs[256:]), xs, strict=False)]
        return by_dot(w, x)

    _, steps = agree(program_of(f, numbers), numbers)
    assert kinds(steps) == [("products", 16), ("mul", 16), ("products", 16)]
    assert copied(steps) == 256
    rows = steps.arrays()[0]
    first, second = (row[4 + AXES + 2 * (AXES + 4) :] for row in rows if row[0] == rows[0, 0])
    assert (first[0], second[0]) == (0, KEPT)
    assert first[2] == second[2] == 256  # behind what single steps copy


def test_what_single_steps_copy_shares_its_room():
    lanes = [(name, 2 * k + i) for i, name in enumerate(["exp", "sin"]) for k in range(20)]
    _, steps = agree(listed(40, *lanes), numbers_for(40))
    assert copied(steps) == 40
    assert steps.arrays()[2] == 20


def test_lanes_are_put_in_a_regular_order_whatever_the_functions_is():
    numbers = numbers_for(20 * 9 + 6 * 9)
    order = np.random.default_rng(1).permutation(120).tolist()

    def f(xs):
        w, x = matrix(xs, 20, 9), matrix(xs[180:], 6, 9)
        return [dot(w[i % 20], x[i // 20]) for i in order]

    _, steps = agree(program_of(f, numbers), numbers)
    assert sizes_of(steps, "products") == [[1, 6, 20]]


@pytest.mark.parametrize("name", ["mul", "chain"])
def test_lanes_of_every_pair_are_put_in_the_order_of_the_first_operand(name):
    pairs = np.random.default_rng(1).permutation([*itertools.product(range(8), range(8, 20))])
    _, steps = agree(listed(20, *[(name, int(i), int(j)) for i, j in pairs]), numbers_for(20))
    assert sizes_of(steps, name) == [[1, 8, 12]]
    assert copied(steps) == 0


@pytest.mark.parametrize("name", ["mul", "chain"])
def test_lanes_of_two_lists_are_put_in_the_order_of_both(name):
    order = np.random.default_rng(1).permutation(20).tolist()
    _, steps = agree(listed(40, *[(name, k, 20 + k) for k in order]), numbers_for(40))
    assert copied(steps) == 0


@pytest.mark.parametrize("apply", [lambda x, y: x.exp(), lambda x, y: x - 2.0, lambda x, y: y - x])
def test_lanes_of_one_operand_are_read_side_by_side(apply):
    numbers = numbers_for(31)
    order = np.random.default_rng(1).permutation(30).tolist()

    def f(xs):
        return [apply(xs[i], xs[30]) for i in order]

    _, steps = agree(program_of(f, numbers), numbers)
    assert len(kinds(steps)) == 1
    assert copied(steps) == 0


def test_of_operands_that_share_no_axes_the_larger_is_read_in_place():
    """Eight numbers again and again, and three terms that are the same for twelve lanes."""
    p = listed(32, *[("chain", k % 8, *range(8 + k // 12, 32, 8)) for k in range(96)])
    _, steps = agree(p, numbers_for(32))
    assert sizes_of(steps, "chain") == [[1, 8, 12]]
    assert copied(steps) == 96


@pytest.mark.parametrize(("inner", "sizes"), [(NARROW, [1, 12, 8]), (NARROW - 1, [1, 1, 84])])
def test_lanes_along_a_narrow_axis_are_not_read_in_place(inner, sizes):
    n = 12 * inner
    p = listed(12 + n, *[("mul", k // inner, 12 + k) for k in range(n)])
    _, steps = agree(p, numbers_for(12 + n))
    assert sizes_of(steps, "mul") == [sizes]
    assert copied(steps) == (0 if inner == NARROW else n)


@pytest.mark.parametrize(
    ("name", "steps", "count"),
    [
        ("exp", [2], 20),
        ("mul", [2, 1], 20),
        ("mul", [1, 2], 20),
        ("pick", [2, 1, 1, 1], 20),
        ("pick", [1, 2, 1, 1], 20),
        ("chain", [2, 1], 0),
        ("chain", [1, 2], 20),
        ("products", [2, 2, 1, 1], 0),
        ("products", [1, 1, 2, 1], 20),
        ("products", [1, 1, 1, 2], 20),
    ],
)
def test_only_first_terms_of_sums_are_read_in_place_with_gaps(name, steps, count):
    p = listed(40, *[(name, *(step * k for step in steps)) for k in range(20)])
    _, found = agree(p, numbers_for(40))
    assert kinds(found) == [(name, 20)]
    assert copied(found) == count


def test_few_lanes_of_long_sums_are_read_in_place():
    numbers = numbers_for(40)

    def f(xs):
        return [sum(xs[i::5]) for i in range(5)]

    _, steps = agree(program_of(f, numbers), numbers)
    assert kinds(steps) == [("chain", 5)]
    assert copied(steps) == 0


def test_results_stand_as_they_are_returned_where_that_is_regular():
    def f(xs):
        return [a * b for a in xs[:16] for b in xs[16:]]

    numbers = numbers_for(32)
    q, _ = agree(program_of(f, numbers), numbers)
    assert q.outputs.tolist() == list(range(32, 32 + 256))


def test_inputs_and_constants_among_the_results():
    p = listed(20, *[("exp", k) for k in range(20)], constants=[0.5])
    q, _ = agree(p.returning([0, *p.outputs[::-1], 1, -1, 0]), numbers_for(20))
    assert q.outputs.tolist() == [0, *range(39, 19, -1), 1, -1, 0]


def test_sums_over_ever_longer_prefixes_are_vectors_too():
    numbers = numbers_for(2 * 6 * 8 * 4, 3)

    def attention(xs):
        q, k = matrix(xs, 48, 4), matrix(xs[192:], 48, 4)
        found = []
        for t in range(6):
            for h in range(8):
                scores = [dot(q[8 * t + h], k[8 * s + h]).exp() for s in range(t + 1)]
                total = sum(scores)
                found += [s / total for s in scores]
        return found

    _, steps = agree(program_of(attention, numbers), numbers)
    assert sum(n for name, n in kinds(steps) if name == "one by one") <= 8
    assert kinds(steps).count(("products", 168)) == 1


def test_sums_keep_the_order_of_their_terms():
    """(1e16 + 1) - 1e16 is 0 only in this order: no blocks of terms, no fused multiplication."""
    row = [1e16, 1.0, -1e16, 1.0, 0.1, 1e16, 3.0, -1e16]
    numbers = row * 16 + [1.0 + 2**-30] * 8

    def f(xs):
        return by_dot(matrix(xs, 16, 8), xs[128:])

    agree(program_of(f, numbers_for(136)), numbers)
    p = vectorized(program_of(f, numbers_for(136)))
    total = 0.0
    for x in row:
        total += x * (1.0 + 2**-30)
    assert p(np.array(numbers)).tolist() == [total] * 16


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 64, 67])
@pytest.mark.parametrize("shared", ["left", "right", "neither"])
def test_blocks_of_lanes_of_any_width(n, shared):
    numbers = numbers_for(5 * n * 2, n)

    def f(xs):
        a, b = matrix(xs, n, 5), matrix(xs[5 * n :], n, 5)
        left = {"left": lambda i: a[0]}.get(shared, lambda i: a[i])
        right = {"right": lambda i: b[0]}.get(shared, lambda i: b[i])
        terms = [[x * y for x, y in zip(left(i), right(i), strict=True)] for i in range(n)]
        return [sum(t) for t in terms] + [t[0] + a[i][1] + b[i][2] for i, t in enumerate(terms)]

    agree(program_of(f, numbers), numbers)


def test_more_lanes_than_are_packed_at_once():
    n = 2 * MOST + 5
    numbers = numbers_for(50)
    places = np.random.default_rng(2).integers(0, 50, (n, 2)).tolist()

    def f(xs):
        return [(xs[i] * xs[j] + xs[i]) * (i - 0.5 * j) for i, j in places]

    _, steps = agree(passes.dead_code(trace(f, numbers).program), numbers)
    assert max(lanes for _, lanes in kinds(steps)) == MOST
    rows = steps.arrays()[0]
    assert rows[:, [5 + AXES, 5 + AXES + AXES + 4]].max() <= MOST


def test_a_single_lane_may_be_left_over():
    places = np.random.default_rng(2).integers(0, 50, (MOST + 1, 2)).tolist()
    _, steps = agree(listed(50, *[("mul", i, j) for i, j in places]), numbers_for(50))
    assert kinds(steps) == [("mul", MOST), ("mul", 1)]


# -- what is done one by one -----------------------------------------------------------------------


def test_small_groups_are_done_one_by_one_in_one_span():
    def f(xs):
        x = xs[0]
        for y in xs[1:]:
            x = (x * y).sin() + y
        return [x]

    q, steps = agree(program_of(f, numbers_for(30)), numbers_for(30))
    assert kinds(steps) == [("one by one", len(q))]


def test_sums_of_nothing_are_no_lanes():
    _, steps = agree(listed(1, *[("sum",)] * 20, *[("dot",)] * 20), [3.0])
    assert kinds(steps) == [("one by one", 40)]


def test_sums_of_single_numbers_and_products_are_lanes():
    p = listed(20, *[("sum", k) for k in range(20)], *[("dot", k, 19 - k) for k in range(20)])
    _, steps = agree(p, [-0.0, *numbers_for(19)])
    assert kinds(steps) == [("chain", 20), ("products", 20)]


@pytest.mark.parametrize(
    ("name", "operands", "n"), [("exp", 1, LEAST), ("chain", 3, 4), ("chain", 10, 2)]
)
def test_the_fewest_lanes_that_are_a_group(name, operands, n):
    for count in (n - 1, n):
        lanes = [(name, *range(k, k + operands)) for k in range(count)]
        _, steps = agree(listed(20, *lanes), numbers_for(20))
        assert kinds(steps) == [(name if count == n else "one by one", count)]


def test_a_program_is_vectorised_if_half_of_it_is_lanes():
    for others in (20, 21):
        ladder = [("sin", 19 + k) for k in range(others)]
        p = listed(20, *ladder, *[("exp", k) for k in range(20)])
        assert (in_vectors(p).program is p) == (others > 20)


def test_of_a_level_all_that_is_done_one_by_one_comes_first():
    first, most, last = sorted(["exp", "sin", "tanh"], key=CODES.__getitem__)
    lanes = [(name, k) for name in (first, most, last) for k in range(20 if name == most else 3)]
    _, steps = agree(listed(20, *lanes), numbers_for(20))
    assert kinds(steps) == [("one by one", 6), (most, 20)]


def test_only_what_follows_the_last_guard_is_reordered():
    """Negations and a guard, and lanes that could as well stand before it."""
    before = [("neg", k) for k in range(20)]
    p = listed(
        20, *before, ("guard", 20, -1, -2), *[("exp", k) for k in range(20)], constants=[1, 0]
    )
    q, groups = grouped(replace(p, sources=("x > 0",)))
    validate(q, "grouped")
    assert groups == [(21, 41)]
    assert (q.ops.tolist(), q.a[:20].tolist()) == (p.ops.tolist(), p.a[:20].tolist())


def test_a_program_with_few_groups_is_left_as_it_is():
    numbers = numbers_for(40)

    def f(xs):
        x = xs[0]
        for y in xs * 4:
            x = (x * y).sin() + y
        return [x, *[y * x for y in xs]]

    p = program_of(f, numbers)
    q = vectorized(p).program
    assert (q.ops.tolist(), q.a.tolist()) == (sums(p).ops.tolist(), sums(p).a.tolist())


def test_what_stands_before_a_guard_stays_before_it():
    called = []

    def value(a):
        called.append(a)
        return a

    noted = primitive("noted", value, [lambda a, v: 1.0])

    def f(xs):
        ys = [2.0 * x for x in xs]
        if ys[0] > 0:
            ys = [noted(y) * 3.0 for y in ys]
        return sum(ys)

    numbers = [1.0 + i for i in range(32)]
    lowered = jit(f).lower(numbers)
    called.clear()
    with pytest.raises(ValueError, match="guard fails"):
        lowered([-1.0] * 32)
    assert called == []
    assert lowered(numbers) == f(numbers)
    assert len(called) == 64


def test_primitives_of_ones_own_among_vectors():
    twice = primitive("twice_each", lambda a: 2.0 * a, [lambda a, v: 2.0])
    numbers = numbers_for(64)

    def f(xs):
        ys = [twice(x * x + 1.0) for x in xs]
        return [y * ys[0] for y in ys]

    _, steps = agree_but_in_numpy(program_of(f, numbers), numbers)
    assert ("one by one", 64) in kinds(steps)
    assert kinds(steps).count(("mul", 64)) == 2


def agree_but_in_numpy(p, numbers):
    """As ``agree``, for programs that Python must go on with."""
    p = sums(p)
    q, groups = grouped(p)
    steps = steps_of(q, groups)
    x = np.array(numbers)
    assert bits(Machine(q, steps=steps.arrays())(x)) == bits(Machine(p)(x))
    return q, steps


# -- scatters --------------------------------------------------------------------------------------

TABLE_OF = 30  # elements of the list that is read


def lookups(count, width=1):
    """A function that takes ``count`` numbers from each of ``width`` lists."""

    def f(xs):
        lists = matrix(xs, width, TABLE_OF)
        at, weights = xs[width * TABLE_OF :][:count], xs[width * TABLE_OF + count :]
        return [
            sum(take(row, i) * w for i, w in zip(at, weights, strict=True)) * 3.0 ** (k + 1)
            for k, row in enumerate(lists)
        ]

    return f


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("width", [1, 3])
def test_the_adjoint_of_a_list_is_a_scatter(count, width):
    numbers = numbers_for(width * TABLE_OF)

    def summed(xs):
        return [sum(lookups(count, width)(xs))]

    def point(places, weights):
        return [*numbers, *map(float, places), *weights]

    p = gradient_of(summed, point(range(count), [0.5] * count))
    points = [
        point(places, weights)
        for places in ([3] * count, [*range(count)], [29, 0, 29, 0, 29][:count])
        for weights in (
            numbers_for(count, 7),
            [0.0] * count,
            [-0.0] * count,
            [INF, -INF, NAN, 1.0, -0.0][:count],
        )
    ]
    _, steps = agree(p, *points)
    found = [row for row in steps.rows if row[0] == SCATTER]
    assert [end - first for _, first, end, *_ in found] == [width * TABLE_OF]
    assert [row[3:6] for row in found] == [[count, width, TABLE_OF]]
    done = sum(n for name, n in kinds(steps) if name == "pick")
    assert done == 0  # what is not looked up is not computed


def test_picks_that_a_scatter_replaces_are_no_scatter_of_their_own():
    """Adjoints that are ready at different times: each pick has a group of its own."""
    numbers = [*numbers_for(TABLE_OF), 0.7, 3.0, 4.0]

    def f(xs):
        table, w, i, j = xs[:TABLE_OF], *xs[TABLE_OF:]
        return [take(table, i) * w + take(table, j) * w.sin().exp()]

    _, steps = agree(gradient_of(f, numbers), numbers)
    assert [kind for kind in kinds(steps) if kind[1] == TABLE_OF] == [("scatter", TABLE_OF)]


def test_what_else_reads_a_pick_keeps_it():
    numbers = [*numbers_for(TABLE_OF), 3.0, 4.0]

    def f(xs):
        table, i, j = xs[:TABLE_OF], xs[-2], xs[-1]
        return [take(table, i) + 2.0 * take(table, j)]

    p = gradient_of(f, numbers)
    picks = np.flatnonzero(p.ops == CODES["pick"]) + p.inputs
    _, steps = agree(p.returning([*p.outputs, *picks]), numbers)
    assert not [row for row in steps.rows if row[0] == SCATTER]


def test_scatters_leave_other_picks_alone():
    """Not constants of whole numbers, not zero elsewhere, other indices: done lane by lane."""
    n = 40

    def program(elements, elsewhere, index):
        entries = [[0, -1 - i if index is None else index(i), -1 - i, -1 - n] for i in range(n)]
        return Program(
            3,
            np.arange(3, 3 + n, dtype=np.int32),
            constants=np.array([*elements, elsewhere]),
            ops=np.full(n, CODES["pick"], np.uint16),
            a=np.arange(0, 4 * n, 4, dtype=np.int32),
            b=np.full(n, 4, np.int32),
            entries=np.array(entries, np.int32).ravel(),
        )

    def reading(place, ref):
        """The first scatter, whose first pick reads another number."""
        entries = scatters[0].entries.copy()
        entries[place] = ref
        return replace(scatters[0], entries=entries)

    whole = [float(i) for i in range(n)]
    scatters = [
        program(whole, 0.0, lambda i: 1),
        program([x + 1.0 for x in whole], 0.0, lambda i: 1),
        program([*whole[:-1], SPARSE * n - 1.0], 0.0, lambda i: 1),
    ]
    for p in (
        *scatters,
        program([*whole[:-1], 1.0 * SPARSE * n], 0.0, lambda i: 1),
        program([-2.0 if x == n - 2 else x for x in whole], 0.0, lambda i: 1),
        reading(2, 0),
        reading(3, 0),
        program(whole, -0.0, lambda i: 1),
        program(whole, 1.0, lambda i: 1),
        program([x + 0.5 for x in whole], 0.0, lambda i: 1),
        program([x - 1.0 for x in whole], 0.0, lambda i: 1),
        program([x * 1e9 for x in whole], 0.0, lambda i: 1),
        program([*whole[:-1], 0.0], 0.0, lambda i: 1),
        program(whole, 0.0, lambda i: 1 + i % 2),
        program(whole, 0.0, None),
    ):
        q, groups = grouped(p)
        steps = steps_of(q, groups)
        assert (steps.rows[0][0] == SCATTER) == (p in scatters)
        points = ([5.0, x, 7.0] for x in (3.0, 3.5, -1.0, NAN, INF, 1e9, 0.0, -0.0, 39.0, 40.0))
        for numbers in map(np.array, points):
            wanted = bits(Machine(p)(numbers))
            assert bits(Machine(q, steps=steps.arrays())(numbers)) == wanted
            assert bits(in_numpy(q, steps, numbers)) == wanted


@pytest.mark.parametrize(("name", "terms"), [("add", 2), ("chain", 3)])
def test_other_sums_at_the_level_of_a_scatter_are_a_group_beside_it(name, terms):
    """Of picks and another number, whichever comes first, or of a number and of an input."""
    n, x, i = TABLE_OF, 0, 1
    picks = [("pick", x, i, -1 - k, -1 - n) for _ in range(terms + 1) for k in range(n)]
    *added, pick, number = (2 + np.arange((terms + 2) * n)).reshape(terms + 2, n)
    inputs, others = [np.full(n, x)] * (terms - 1), [pick] * (terms - 1)
    operands = [added, [number, *inputs], [number, *others], [*others, number]]
    sums = [(name, *refs) for columns in operands for refs in zip(*columns, strict=True)]
    p = listed(2, *picks, *[("neg", x)] * n, *sums, constants=[*range(n), 0.0])
    _, steps = agree(p.returning(p.outputs[-4 * n :]), [0.7, 3.0])
    assert kinds(steps)[-2:] == [("scatter", n), (name, 3 * n)]


def test_scatters_of_two_and_of_three_terms_beside_one_another():
    n, x, i = TABLE_OF, 0, 1
    picks = [("pick", x, i, -1 - k, -1 - n) for _ in range(5) for k in range(n)]
    slots = [range(2 + t * n, 2 + (t + 1) * n) for t in range(5)]
    pairs = [("add", *refs) for refs in zip(*slots[:2], strict=True)]
    triples = [("chain", *refs) for refs in zip(*slots[2:], strict=True)]
    p = listed(2, *picks, *pairs, *triples, constants=[*range(n), 0.0])
    _, steps = agree(p.returning(p.outputs[-2 * n :]), [0.7, 3.0])
    assert kinds(steps) == [("scatter", n), ("scatter", n)]


def test_a_scatter_compares_with_what_a_group_before_it_has_copied():
    """The places of both lists, to be compared with an index: a scatter reads them itself."""
    n = TABLE_OF

    def f(xs):
        a, b, (i, j, v, w) = xs[:n], xs[n : 2 * n], xs[2 * n :]
        return [take(a, i) * v + take(a, j) * v + take(b, i) * w + sum_([x * x for x in b])]

    lists = numbers_for(2 * n)
    p = gradient_of(f, [*lists, 3.0, 5.0, 0.7, 0.3])
    _, steps = agree(p, *([*lists, i, j, 0.7, 0.3] for i, j in ((5.0, 5.0), (3.0, 5.0))))
    assert [kind for kind in kinds(steps) if kind[1] >= n][:2] == [("pick", 3 * n), ("scatter", n)]


def test_a_scatter_adds_at_most_half_as_many_numbers_as_it_has_sums():
    for count in (TABLE_OF // 2, TABLE_OF // 2 + 1):
        numbers = [*numbers_for(TABLE_OF), *map(float, range(count)), *numbers_for(count)]
        _, steps = agree(gradient_of(lookups(count), numbers), numbers)
        assert (("scatter", TABLE_OF) in kinds(steps)) == (count == TABLE_OF // 2)


def test_a_list_that_is_read_in_two_orders_is_no_scatter():
    numbers = [*numbers_for(TABLE_OF), 3.0]

    def f(xs):
        table, i = xs[:TABLE_OF], xs[-1]
        return [3.0 * take(table, i) + 2.0 * take(table[::-1], i)]

    _, steps = agree(gradient_of(f, numbers), numbers)
    assert ("add", TABLE_OF) in kinds(steps)


@pytest.mark.parametrize("name", ["add", "chain"])
def test_sums_of_what_reads_as_a_pick_does_are_no_scatter(name):
    n, terms = TABLE_OF, 2 if name == "add" else 3
    chains = [("chain", 0, 1, -1 - k, -1 - n) for _ in range(terms) for k in range(n)]
    added = [(name, *range(2 + k, 2 + terms * n, n)) for k in range(n)]
    p = listed(2, *chains, *added, constants=[*range(n), 0.0])
    _, steps = agree(p, [0.7, 3.0])
    assert kinds(steps) == [("chain", terms * n), (name, n)]


def test_a_scatter_of_single_terms_may_be_read_twice():
    numbers = [*numbers_for(TABLE_OF), 3.0]
    p = gradient_of(lambda xs: [take(xs[:TABLE_OF], xs[-1]) ** 2], numbers)
    twice = p.returning([*p.outputs, *p.outputs])
    for q in (p, twice):
        _, steps = agree(q, numbers)
        assert ("scatter", TABLE_OF) in kinds(steps)


def test_a_program_of_nothing():
    p = Program(2, np.array([1, -1, 1], np.int32), np.array([0.5]))
    _, steps = agree(p, [3.0, 4.0])
    assert kinds(steps) == []
    assert vectorized(p)(np.array([3.0, 4.0])).tolist() == [4.0, 0.5, 4.0]


def test_what_is_interpreted_is_counted(monkeypatch):
    monkeypatch.setattr(choice, "ASKED", False)
    monkeypatch.setattr(choice, "MANY", choice._before + 12)
    p = listed(1, *[("exp", 0)] * 10)
    steps, packed = memoryview(np.array([0, 0, 10] + [0] * (WIDTH - 3))), memoryview(b"")
    none, w = memoryview(np.full(10, -1)), memoryview(np.ones(11))

    def run_from(start):
        code = (p.ops, p.a, p.b, p.entries)
        assert interpreted.run_steps(start, 0, 1, steps, packed, *code, none, w, none) == 10

    run_from(7)
    run_from(2)
    with pytest.warns(RuntimeWarning, match="the engine runs interpreted"):
        run_from(9)


def test_where_a_guard_fails_a_program_may_go_on_elsewhere():
    p = listed(1, ("guard", 0, -1, -2), ("exp", 0), ("sin", 0), constants=[1.0, 0.0])
    p = replace(p, outputs=np.array([2, 3], np.int32), sources=("here",))
    machine = Machine(validate(p), np.array([2, -1, -1], np.int32))
    assert machine(np.array([1.0])).tolist() == [math.exp(1.0), math.sin(1.0)]
    assert machine(np.array([2.0])).tolist() == [math.exp(1.0), math.sin(2.0)]
    assert Machine(p)(np.array([2.0])) is None


def test_an_index_out_of_range_still_raises():
    f = jit(value_and_grad(lambda table, i: take([x * 2.0 for x in table], i) ** 2))
    table = np.arange(20.0)
    assert f(table, 3)[0] == 36.0
    with pytest.raises(IndexError, match="index 20 is not one of 0 to 19"):
        f(table, 20)
    assert f(table, 4)[1][4] == 32.0


# -- how operands stand in memory ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "axes"),
    [
        ([[5], [6], [7], [8]], ((4,), (1,), 0)),
        ([[5], [5], [5], [5]], ((4,), (0,), 0)),
        ([[9], [7], [5], [3]], ((4,), (-2,), 0)),
        ([[0, 1], [2, 3], [4, 5]], ((3,), (2,), 1)),
        ([[0, 9], [1, 10], [0, 9], [1, 10]], ((2, 2), (1, 0), 9)),
        ([[0], [1], [10], [11], [20], [21]], ((2, 3), (1, 10), 0)),
        ([[i + 10 * j + 100 * k] for k in (0, 1) for j in (0, 1, 2) for i in (0, 1, 2, 3)],
         ((4, 3, 2), (1, 10, 100), 0)),
        ([[i + 10 * j + 100 * k + 7 * m] for m in (0, 1) for k in (0, 1) for j in (0, 1, 2)
          for i in (0, 1, 2, 3)], ((1, 48, 1), (), 0)),
        ([[0], [1], [3], [4]], ((2, 2), (1, 3), 0)),
        ([[0], [1], [3], [0], [1], [3]], ((1, 3, 2), (), 0)),
        ([[0], [0], [5], [5], [3], [3]], ((2, 3, 1), (), 0)),
        ([[0], [0], [5], [5], [3], [3], [0], [0], [5], [5], [3], [3]], ((2, 3, 2), (), 0)),
        ([[0, 1], [1, 3], [0, 1], [1, 3]], ((1, 2, 2), (), 0)),
        ([[0], [0], [5]], ((1, 3, 1), (), 0)),
        ([[0], [5], [3], [0], [5]], ((1, 5, 1), (), 0)),
        ([[4, 4, 4]], ((), (), 0)),
    ],
)  # fmt: skip
def test_axes(rows, axes):
    assert axes_of(np.array(rows, np.int32)) == axes


@given(st.data())
def test_what_is_read_along_axes_is_the_table(data):
    """Whatever the table: along its own axes, or finer ones, in place or packed."""
    sizes = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    terms = data.draw(st.integers(1, 3))
    n = math.prod(sizes)
    strides = data.draw(st.lists(st.integers(-3, 3), min_size=3, max_size=3))
    table = np.zeros((n, terms), np.int64) + 50 + 2 * np.arange(terms)
    for axis, (size, stride) in enumerate(zip(sizes, strides, strict=False)):
        below = math.prod(sizes[:axis])
        table += (stride * (np.arange(n) // below % size))[:, None]
    if data.draw(st.booleans()):  # irregular, but repeated as before
        table = np.random.default_rng(0).permutation(200)[table]
    table = table.astype(np.int32)
    axes = axes_of(table)
    finer = common(n, axes.sizes, sizes)
    for chosen, by in ((axes, finer), (axes, common(n, axes.sizes)), (lanes.Axes((n,)), (n,))):
        if not by or math.prod(by) != n:
            continue
        steps, source, base = chosen.along(by), np.arange(200), table[0, 0]
        term = chosen.step
        if not chosen.strides:
            refs, steps, term = pack(table, by, steps)
            source, base = refs, 0
        at = base + term * np.arange(terms)
        for size, stride in zip(by, steps, strict=True):
            at = at[None] + (stride * np.arange(size)).reshape(-1, *[1] * at.ndim)
        assert source[at.reshape(n, terms)].tolist() == table.tolist()


def test_axes_in_common_are_not_more_than_a_step_can_have():
    assert common(16, (2, 8), (4, 4)) == (2, 2, 4)
    assert common(16, (2, 8), (4, 4), (8, 2)) == ()


def test_steps_have_the_width_that_c_reads():
    steps = steps_of(*grouped(program_of(lambda xs: [x * x + 1.0 for x in xs], [0.5] * 32)))
    assert {len(row) for row in steps.rows} == {WIDTH}


def test_the_marks_in_steps_are_those_that_c_knows():
    header = (Path(lanes.__file__).parent / "vectors.h").read_text()
    for name in ("SCATTER", "IN_PLACE", "AXES"):
        assert f" AD_{name} = {getattr(lanes, name)}," in header


# -- running ---------------------------------------------------------------------------------------


def net(parameters, xs):
    hidden = [dot(row, xs).tanh() for row in matrix(parameters, 40, 30)]
    return dot(parameters[1200:], hidden) ** 2


def test_a_program_is_vectorised_once_when_it_has_run_often(monkeypatch):
    made = []
    monkeypatch.setattr(vectorize, "in_vectors", lambda p: made.append(p) or in_vectors(p))
    numbers = numbers_for(180)
    p = program_of(lambda xs: written_out(matrix(xs, 19, 9), xs[171:]), numbers)
    run, x = vectorize.Tiered(p), np.array(numbers)
    wanted = bits(Machine(p)(x))
    for count in range(1, OFTEN + 3):
        assert bits(run(x)) == wanted
        assert len(made) == (count >= OFTEN)
    assert made[0].ops.tolist() == sums(p).ops.tolist()


def test_a_program_that_runs_often_is_vectorised_and_gives_the_same_bits(monkeypatch):
    made = []
    monkeypatch.setattr(vectorize, "in_vectors", lambda p: made.append(p) or in_vectors(p))
    f = jit(value_and_grad(net))
    rng = np.random.default_rng(0)
    parameters, x = rng.normal(size=1240), rng.normal(size=30)
    found = [f(parameters, x) for _ in range(2 * OFTEN)]
    assert len(made) == 1
    assert len({(value, gradient.tobytes()) for value, gradient in found}) == 1
    for _ in range(2 * OFTEN):
        jit(lambda x: x * x)(3.0)
    assert len(made) == 1


def test_threads_run_one_program_at_once():
    f = jit(value_and_grad(net))
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=1240)
    inputs = [rng.normal(size=30) for _ in range(8)]
    wanted = [f(parameters, x) for x in inputs]
    found = [[] for _ in inputs]

    def work(i):
        found[i] += [f(parameters, inputs[i]) for _ in range(200)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (value, gradient), results in zip(wanted, found, strict=True):
        assert len(results) == 200
        assert all(v == value and (g == gradient).all() for v, g in results)


def test_its_gradient_is_that_of_a_sweep():
    rng = np.random.default_rng(1)
    parameters, x = rng.normal(size=1240), rng.normal(size=30)
    values = [Value(p) for p in parameters]
    root = net(values, x)
    root.backward()
    value, gradient = jit(value_and_grad(net))(parameters, x)
    assert value == root.data
    np.testing.assert_allclose(gradient, [v.grad for v in values], rtol=1e-12, atol=1e-15)


def test_a_million_instructions():
    def f(xs):
        return [sum_([100.0 * (b - a * a) ** 2 for a, b in itertools.pairwise(xs)])]

    x = np.linspace(-1.0, 1.0, 100_000 if COMPILED else 10_000)
    p = gradient_of(f, x.tolist())
    assert len(p) > 9 * len(x)
    numbers = vectorized(p)(x)
    assert bits(numbers) == bits(Machine(sums(p))(x))
    exact = np.zeros(len(x))
    between = x[1:] - x[:-1] ** 2
    exact[1:] += 200.0 * between
    exact[:-1] -= 400.0 * between * x[:-1]
    np.testing.assert_allclose(numbers[1:], exact, rtol=1e-12, atol=1e-12)
