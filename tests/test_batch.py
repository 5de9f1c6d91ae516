"""Programs run for many lanes: every lane gets, to the bit, what the program gives it alone."""

import random
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import functions, primitive, take, vmap, where
from autodiff.compiler import batch as batches
from autodiff.compiler.batch import Batch, in_lanes
from autodiff.compiler.derivatives import reverse
from autodiff.compiler.lanes import WIDTH
from autodiff.compiler.machine import Machine
from autodiff.compiler.passes import behind
from autodiff.compiler.simplify import simplified
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import trace
from autodiff.compiler.vectorize import vectorized

OPERATIONS = [
    *(lambda a, b, c, i: a + b, lambda a, b, c, i: a * b, lambda a, b, c, i: a / b - c * 2.0),
    *(lambda a, b, c, i: functions.sin(a), lambda a, b, c, i: functions.floor(a) * b),
    *(lambda a, b, c, i: take([a, b, c], i), lambda a, b, c, i: where(functions.less(a, b), c, a)),
    *(lambda a, b, c, i: functions.dot([a, b, c, 2.0], [c, a, b, a]),),
    *(lambda a, b, c, i: functions.logsumexp([a, b, c]), lambda a, b, c, i: functions.mean([a, b])),
    *(lambda a, b, c, i: functions.huber(a, b * b + 1.0), lambda a, b, c, i: -a),
    *(lambda a, b, c, i: a if a < b else b - a, lambda a, b, c, i: functions.maximum(a, c)),
]


def program_of(r, derived):
    """A program of an index and six numbers, and numbers for which its guards hold."""
    steps = [(r.choice(OPERATIONS), [r.random() for _ in "abc"]) for _ in range(30)]
    numbers = [float(r.randrange(3)), *(r.gauss(0, 1) for _ in range(6))]

    def f(inputs):
        i, *xs = inputs
        for operation, places in steps:
            xs.append(operation(*(xs[int(place * len(xs))] for place in places), i))
        return [xs[-1], xs[-2], xs[-5], xs[2], 7.0]

    traced = trace(f, numbers)
    p = traced.program
    if derived:
        p = reverse(p, [{0: None, 1: None}], range(1, 7), keep=True)
    return simplified(behind(traced.guards, p)), np.array(numbers)


def alone(p, inputs, per_lane, lanes):
    """What the program gives every lane by itself; None where a guard fails."""
    machine, found = Machine(sums(p)), []
    for column in lanes.T:
        numbers = inputs.copy()
        numbers[per_lane] = column
        try:
            found.append(machine(numbers))
        except IndexError:
            found.append(None)
    return found


def bits(numbers):
    """The bits of an array, where any nan is as good as another: its sign says nothing."""
    return np.where(np.isnan(numbers), np.nan, numbers).tobytes()


def assert_as_alone(run, p, inputs, per_lane, lanes):
    results, _, failed = run(inputs, lanes)
    assert results.shape == (len(p.outputs), lanes.shape[1])
    for column, fails, expected in zip(
        results.T, failed, alone(p, inputs, per_lane, lanes), strict=True
    ):
        assert (fails > 0) == (expected is None)
        if expected is not None:
            assert bits(column) == bits(expected)


@given(
    st.randoms(use_true_random=False),
    st.booleans(),
    st.sets(st.integers(0, 6)),
    st.sampled_from([1, 2, 17, 70]),
    st.sampled_from([1, 16, 64]),
)
def test_every_lane_gets_what_it_gets_alone(r, derived, per_lane, total, most):
    p, inputs = program_of(r, derived)
    at = sorted(per_lane)
    lanes = np.array([[r.gauss(0, 1) for _ in range(total)] for _ in at]).reshape(-1, total)
    if 0 in at:
        lanes[0] = [r.randrange(4) for _ in range(total)]
    lanes[:, :1] = inputs[at, None]
    batch = Batch(p, at, most)
    for _ in range(2):  # in the same buffers, too
        assert_as_alone(batch, p, inputs, at, lanes)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324])
def test_special_numbers_in_one_lane_stay_there(special):
    p, inputs = program_of(random.Random(3), True)
    lanes = np.tile(inputs[1:, None], 20)
    lanes[2, 7] = special
    assert_as_alone(Batch(p, range(1, 7), 16), p, inputs, range(1, 7), lanes)


def dense(inputs):
    """Layers of 21 and 20, of 30 numbers with 1050 weights."""
    xs, weights = inputs[:30], iter(inputs[30:])
    rows = [[next(weights) for _ in xs] for _ in range(21)]
    xs = [functions.tanh(functions.dot(row, xs)) for row in rows]
    rows = [[next(weights) for _ in xs] for _ in range(20)]
    return [functions.sum([functions.tanh(functions.dot(xs, row)) for row in rows])]


def test_layers_are_one_step_each_whatever_the_lanes():
    numbers = np.random.default_rng(0).normal(size=1080)
    p = simplified(trace(dense, numbers.tolist()).program)
    batch = Batch(p, range(30), 64)
    steps = np.asarray(batch._parts[0][0]).reshape(-1, WIDTH)
    assert len(steps) <= 6
    assert len(batch._packed) < 100  # operands are read in place
    lanes = np.random.default_rng(1).normal(size=(30, 100))
    assert_as_alone(batch, p, numbers, range(30), lanes)
    gradient = simplified(reverse(p, [{0: None}], range(1080)))
    batch = Batch(gradient, range(30), 64)
    assert len(batch._parts[0][0]) < 25 * WIDTH
    assert_as_alone(batch, gradient, numbers, range(30), lanes)


def test_a_guard_does_not_part_what_is_one_step():
    def f(inputs):
        *xs, w = inputs
        if xs[0] < 1.0:
            xs = [functions.sin(x) * w for x in xs]
        return [xs[0] + 1.0 if xs[1] < 1.0 else xs[0], *xs]

    traced = trace(f, [0.5] * 21)
    p = simplified(behind(traced.guards, traced.program))
    batch = Batch(p, range(20), 16)
    assert steps_of(batch) == 7  # sines, products, an addition, two comparisons and their guards
    lanes = np.random.default_rng(0).normal(size=(20, 16))
    assert_as_alone(batch, p, np.full(21, 0.5), range(20), lanes)


def steps_of(batch):
    return sum(len(steps) for steps, *_ in batch._parts) // WIDTH


def test_operands_of_lanes_and_shared_ones_are_in_groups_of_their_own():
    def f(inputs):
        xs, ys, ws, vs = (inputs[i : i + 16] for i in (0, 16, 32, 48))
        return [
            *(x / w for x, w in zip(xs, ws, strict=True)),
            *(w / x for x, w in zip(xs, ws, strict=True)),
            *(x / y for x, y in zip(xs, ys, strict=True)),
            *(functions.dot([x, y], [w, v]) for x, y, w, v in zip(xs, ys, ws, vs, strict=True)),
            *(functions.dot([w, v], [y, x]) for x, y, w, v in zip(xs, ys, ws, vs, strict=True)),
            *(functions.dot([x, y], [y, x]) for x, y in zip(xs, ys, strict=True)),
        ]

    p = simplified(trace(f, [1.0] * 64).program)
    batch = Batch(p, range(32), 16)
    assert steps_of(batch) == 6
    assert (len(batch._packed), batch._room) == (6, 1)  # all operands are read in place
    numbers = np.random.default_rng(0).normal(size=64)
    assert_as_alone(batch, p, numbers, range(32), np.random.default_rng(1).normal(size=(32, 40)))


def test_sums_of_one_length_are_told_apart_by_what_they_add_up():
    def f(inputs):
        xs, ys, s = inputs[:8], inputs[8:19], inputs[19]
        return [
            *(x + y + s + x + s + y for x, y in zip(xs, ys, strict=False)),
            *(x + y + s + x + y + s for x, y in zip(xs, ys[1:], strict=False)),
            *(x + y + s + s + x + y for x, y in zip(xs, ys[2:], strict=False)),
            *(functions.dot([x, s], [y, s]) for x, y in zip(xs, ys, strict=False)),
        ]

    p = simplified(trace(f, [1.0] * 20).program)
    batch = Batch(p, range(19), 16)
    assert steps_of(batch) == 4
    numbers = np.random.default_rng(0).normal(size=20)
    assert_as_alone(batch, p, numbers, range(19), np.random.default_rng(1).normal(size=(19, 40)))


@pytest.mark.parametrize("own", [range(11), range(3), range(3, 11)])
def test_operands_along_two_axes_are_read_in_place(own):
    def f(xs):
        return [x * y for x in xs[:3] for y in xs[3:11]]

    p = simplified(trace(f, [1.0] * 11).program)
    batch = Batch(p, own, 16)
    assert (steps_of(batch), len(batch._packed), batch._room) == (1, 1, 1)
    numbers = np.random.default_rng(0).normal(size=11)
    lanes = np.random.default_rng(1).normal(size=(len(own), 40))
    assert_as_alone(batch, p, numbers, own, lanes)


@pytest.mark.parametrize("own", [range(24), range(11), range(1, 24), range(11, 24, 2), range(2)])
def test_operands_along_other_axes_are_copied(own):
    def f(xs):
        some = [xs[random.Random(k).randrange(24)] for k in range(24)]
        return [
            *(xs[4 * i + k] / xs[4 * j + k] for i in range(2) for j in range(3) for k in range(4)),
            *(xs[k % 6] - xs[12 + k % 4] for k in range(12)),
            *(functions.less(x, some[4 * i + j]) for i, x in enumerate(xs[:6]) for j in range(4)),
            *(functions.sin(x) * y for x in xs[11:14] for y in xs[16:24]),
            *(
                functions.dot(xs[i : i + 3], some[j : j + 3])
                for i in range(0, 12, 3)
                for j in range(0, 15, 3)
            ),
        ]

    p = simplified(trace(f, [1.0] * 24).program)
    batch = Batch(p, own, 16)
    numbers = np.random.default_rng(0).normal(size=24)
    lanes = np.random.default_rng(1).normal(size=(len(own), 40))
    assert_as_alone(batch, p, numbers, own, lanes)


def test_what_lanes_share_is_copied_once():
    def f(xs):
        return [x * xs[20 + random.Random(k).randrange(20)] for k, x in enumerate(xs[:20])]

    batch = Batch(simplified(trace(f, [1.0] * 40).program), range(20), 16)
    assert (steps_of(batch), len(batch._packed), batch._room) == (1, 21, 20)


def test_first_terms_of_lanes_and_shared_ones_are_in_one_group():
    def f(inputs):
        s, x, y = inputs
        return [first + x + y + x + y + x for first in (s, x)]

    p = simplified(trace(f, [1.0] * 3).program)
    batch = Batch(p, [1, 2], 16)
    assert steps_of(batch) == 1
    lanes = np.random.default_rng(1).normal(size=(2, 40))
    assert_as_alone(batch, p, np.array([0.3, 0.0, 0.0]), [1, 2], lanes)


def test_rows_over_lists_have_room_for_their_operands_twice():
    def f(inputs):
        *xs, i = inputs
        return [take(xs, i), functions.logsumexp(xs[:4])]

    p = simplified(trace(f, [1.0] * 9).program)
    batch = Batch(p, range(9), 16)
    assert batch._room == 2 * 9
    lanes = np.random.default_rng(1).normal(size=(9, 40))
    lanes[8] = np.arange(40) % 9
    assert_as_alone(batch, p, np.zeros(9), range(9), lanes)


def test_a_sum_by_itself_reads_in_place():
    def f(xs):
        return [functions.sum(xs)]

    p = simplified(trace(f, [1.0] * 20).program)
    batch = Batch(p, range(20), 16)
    assert (steps_of(batch), len(batch._packed), batch._room) == (1, 21, 1)
    assert_as_alone(batch, p, np.zeros(20), range(20), np.linspace(-1.0, 1.0, 400).reshape(20, 20))


@pytest.mark.parametrize(
    ("most", "steps"), [(1, 33), (100, 17), (319, 7), (320, 6), (959, 4), (960, 3)]
)
def test_a_step_copies_no_more_numbers_than_it_may(most, steps, monkeypatch):
    def f(xs):
        r = random.Random(0)
        some = [r.sample(xs, 3) for _ in range(20)]
        return [
            *(functions.maximum(x, a) for x, (a, _, _) in zip(xs, some, strict=False)),
            *(functions.sum(three) for three in some),
            *(functions.sin(x) for x in xs),
        ]

    monkeypatch.setattr(batches, "MOST", most)
    p = simplified(trace(f, [1.0] * 24).program)
    batch = Batch(p, range(24), 16)
    lanes = np.random.default_rng(1).normal(size=(24, 40))
    assert_as_alone(batch, p, np.zeros(24), range(24), lanes)
    assert steps_of(batch) == steps
    assert batch._room <= max(most, 3 * 16)  # those of one sum, in one step at any rate


def test_what_no_lane_has_for_itself_is_computed_once():
    def f(inputs):
        x, w = inputs
        shared = w
        for _ in range(100):
            shared = functions.sin(shared) + w
        return [x * shared, shared]

    p = simplified(trace(f, [1.0, 0.5]).program)
    batch = Batch(p, [0], 16)
    assert len(batch._parts[0][0]) == WIDTH  # one step, the product
    assert_as_alone(batch, p, np.array([1.0, 0.5]), [0], np.arange(40.0)[None])


def test_a_guard_of_what_is_shared_fails_in_all_lanes():
    traced = trace(lambda xs: [xs[0] if xs[1] < 1.0 else -xs[0]], [2.0, 0.5])
    p = behind(traced.guards, traced.program)
    batch = Batch(p, [0], 4)
    lanes = np.arange(5.0)[None]
    results, _, failed = batch(np.array([0.0, 0.5]), lanes)
    assert results.tolist() == lanes.tolist()
    assert not failed.any()
    assert batch(np.array([0.0, 1.5]), lanes)[1].all()


def test_lanes_are_told_apart_by_the_first_guard_that_fails():
    def f(inputs):
        (x,) = inputs
        n = 0.0
        while x > n:
            n += 1.0
        return [n * x]

    traced = trace(f, [2.5])
    p = simplified(behind(traced.guards, traced.program))
    lanes = np.array([[2.5, 0.5, 7.0, -1.0, 1.5, 0.7, 9.0, 3.0]])
    results, _, failed = Batch(p, [0], 8)(np.array([0.0]), lanes)
    assert failed.tolist() == [0, 2, 4, 1, 3, 2, 4, 0]
    assert results[0, failed == 0].tolist() == [7.5, 9.0]


def test_lanes_are_told_apart_by_what_fails_in_a_vmap_in_them():
    def f(inputs):
        x, y, i, j = inputs
        values = [functions.sin(x), y]
        of_lanes = vmap(lambda z: take([z, -z], i))(np.array(values))
        found = functions.sum(of_lanes) + take(values, j)
        return [found if x < 5.0 else -found]

    traced = trace(f, [1.0, 2.0, 0.0, 1.0])
    p = simplified(behind(traced.guards, traced.program))
    x, i, j = [1.0, 1.0, 7.0, 1.0, 1.0, 7.0], [0, 2, 2, 0, 2, 0], [0, 0, 0, 9, 0, 0]
    lanes = np.array([x, [0.0] * 6, i, j])
    _, _, failed = Batch(p, range(4), 8)(np.zeros(4), lanes)
    assert failed.tolist() == [0, 5, 1, 6, 5, 1]


@pytest.mark.parametrize("own", [[0], [1], [0, 1]])
def test_a_vmap_in_lanes_reads_what_is_theirs_and_what_they_share(own):
    def f(inputs):
        x, y, s = inputs
        once = vmap(lambda a: a * s)(np.array([x, s, 3.0, y]))
        again = vmap(lambda a, b: [a * b + x if b < 9.0 else b, a - y])(
            once, np.array([y, x, s, y])
        )
        return [*once, *again[0], *again[1]]

    traced = trace(f, [0.5, 2.0, 1.5])
    p = simplified(behind(traced.guards, traced.program))
    lanes = np.random.default_rng(1).normal(size=(len(own), 40))
    assert_as_alone(Batch(p, own, 16), p, np.array([0.5, 2.0, 1.5]), own, lanes)


@pytest.mark.parametrize("nested", [False, True])
def test_primitives_in_python_run_one_lane_after_the_other(nested):
    calls = []

    def doubled(x):
        calls.append(x)
        return 2.0 * x

    twice = primitive("twice_in_lanes", value=doubled, partials=[lambda x, v: 2.0])
    f = (lambda x: functions.sum(vmap(twice)(np.array([x])))) if nested else twice
    traced = trace(lambda xs: [f(xs[0]) if xs[0] > xs[1] else xs[0]], [2.0, 1.0])
    p = simplified(behind(traced.guards, traced.program))
    lanes = np.array([[3.0, 0.0, 5.0]])
    run = in_lanes(p, [0], 3)
    results, _, failed = run(np.array([0.0, 1.0]), lanes)
    assert failed.tolist() == [0, 1, 0]
    assert results[0, failed == 0].tolist() == [6.0, 10.0]
    for _ in range(2):  # also of as many lanes as are worth a batch in a program without
        failed = run(np.array([0.0, 1.0]), np.tile(lanes, 100))[2]
        assert failed.tolist() == [0, 1, 0] * 100
    assert min(calls) > 1.0


def test_lanes_run_one_after_the_other_until_a_batch_is_worth_its_making(monkeypatch):
    made = []

    class Counted(Batch):
        def __init__(self, *args):
            made.append(self)
            super().__init__(*args)

    def f(inputs):
        (x,) = inputs
        for _ in range(400):
            x = functions.sin(x)
        return [x]

    monkeypatch.setattr(batches, "Batch", Counted)
    run = in_lanes(simplified(trace(f, [1.0]).program), [0], 4)
    lanes = np.linspace(-1.0, 1.0, 4)[None]
    expected = run(np.zeros(1), lanes)[0].tobytes()
    assert not made
    calls = 1
    while not made:
        assert calls < 200
        assert run(np.zeros(1), lanes)[0].tobytes() == expected
        calls += 1
    assert calls > 5
    assert run(np.zeros(1), lanes)[0].tobytes() == expected
    assert len(made) == 1


@pytest.mark.parametrize(
    ("lanes", "guards", "calls"), [(2, 0, 4), (3, 0, 3), (12, 0, 1), (2, 3, 5), (3, 3, 4)]
)
def test_a_batch_is_made_when_lanes_have_taken_longer_than_that(lanes, guards, calls, monkeypatch):
    """A lane takes 6 s, a batch 36 s and 6.5 s for every guard."""
    for name, seconds in zip(
        ["LANE", "INSTRUCTION", "STEP", "INSTRUCTION_MADE"], [1.0, 0.25, 6.5, 1.8], strict=True
    ):
        monkeypatch.setattr(batches, name, seconds)
    made = []
    monkeypatch.setattr(batches, "Batch", lambda *args: made.append(args) or Batch(*args))

    def f(inputs):
        (x,) = inputs
        for k in range(20 - 3 * guards):
            x = functions.sin(x)
            assert k >= guards or x < 2.0
        return [x]

    traced = trace(f, [1.0])
    p = behind(traced.guards, traced.program)
    assert (len(p), len(p.guards)) == (20, guards)
    run, numbers = in_lanes(p, [0], lanes), np.linspace(-1.0, 1.0, lanes)[None]
    for _ in range(calls - 1):
        run(np.zeros(1), numbers)
    assert not made
    for _ in range(2):
        run(np.zeros(1), numbers)
        assert made == [(p, [0], lanes)]


def test_threads_run_one_batch_at_once():
    p, inputs = program_of(random.Random(5), True)
    batch = Batch(p, range(1, 7), 32)
    many = [inputs[1:, None] + np.random.default_rng(k).normal(size=(6, 300)) for k in range(8)]
    wanted = [batch(inputs, lanes) for lanes in many]
    found = [[] for _ in many]

    def work(k):
        for _ in range(20):
            found[k].append(batch(inputs, many[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for (results, _, failed), others in zip(wanted, found, strict=True):
        assert len(others) == 20
        for again, _, marks in others:
            assert (marks == failed).all()
            assert again[:, failed == 0].tobytes() == results[:, failed == 0].tobytes()


def test_groups_of_a_program_by_itself_are_as_before():
    p = simplified(trace(dense, np.random.default_rng(0).normal(size=1080).tolist()).program)
    numbers = np.random.default_rng(2).normal(size=1080)
    assert vectorized(p)(numbers).tobytes() == Machine(p)(numbers).tobytes()


# -- results that are added up over the lanes ------------------------------------------------------


def added_up(inputs):
    """Of four shared numbers and 25 of each lane: two results, and those to be added up.

    Among these are every product of five numbers with four and of four with four, which are one
    matrix product each, of three with four, of five with three and of what is shared with four,
    and others of all kinds, in no order.
    """
    (s, t, u, _), xs = inputs[:4], inputs[4:]
    first = xs[0] + s if xs[0] < 2.0 else xs[0] - s
    each = [
        *(x * y for x in xs[:5] for y in xs[5:9]),
        *(x * y for x in xs[9:13] for y in [*xs[5:8], xs[2], t]),
        *(x * y for x in xs[13:16] for y in xs[16:20]),
        *(x * y for x in xs[20:] for y in xs[13:16]),
        *(x * y for x in inputs[:4] for y in xs[16:20]),
    ]
    random.Random(0).shuffle(each)
    others = [xs[0] * s, s * t, s * u, s, 7.0, xs[3], xs[0] + xs[9], first * xs[15], xs[8] * xs[8]]
    return [first, s * u, *each, *others, each[-1]]


def added_up_alone(p, inputs, at, lanes, own):
    """The same of every lane by itself: the sums over the lanes in which no guard fails."""
    return sum(
        (found[own:] for found in alone(p, inputs, at, lanes) if found is not None),
        np.zeros(len(p.outputs) - own),
    )


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("total", "most"), [(1, 1), (3, 1), (13, 16), (100, 16), (100, 100)])
def test_sums_over_lanes_are_those_of_each_alone(total, most, threads):
    draw = np.random.default_rng(total)
    inputs = draw.integers(-3, 4, 29).astype(float)  # so that all sums are exact
    traced = trace(added_up, [*inputs[:4].tolist(), 1.0, *inputs[5:].tolist()])
    p, at, added = (
        behind(traced.guards, traced.program),
        [*range(4, 29)],
        len(traced.program.outputs) - 2,
    )
    lanes = draw.integers(-3, 4, (25, total)).astype(float)
    for run in (Batch(p, at, most, added), in_lanes(p, at, most, added)):
        for _ in range(2):
            results, totals, failed = run(inputs, lanes, threads)
            assert totals.tolist() == added_up_alone(p, inputs, at, lanes, 2).tolist()
            assert (failed > 0).tolist() == (lanes[0] >= 2.0).tolist()
            passed = failed == 0
            assert results[0, passed].tolist() == (lanes[0] + inputs[0])[passed].tolist()
            assert (results[1] == inputs[0] * inputs[2]).all()


def test_products_that_are_added_up_are_matrix_products():
    p = trace(added_up, [1.0] * 29).program
    batch = Batch(p, range(4, 29), 16, len(p.outputs) - 2)
    assert sorted(grid.shape for grid in batch._grids) == [(4, 4), (5, 4)]
    held = np.concatenate([grid.ravel() for grid in batch._grids])
    assert sorted([*held, *batch._alone]) == [*range(len(p.outputs) - 2)]


def test_where_a_guard_of_what_is_shared_fails_nothing_is_added_up():
    traced = trace(lambda xs: [xs[0] if xs[1] < 1.0 else -xs[0]] * 2, [2.0, 0.5])
    batch = Batch(behind(traced.guards, traced.program), [0], 4, 1)
    assert batch(np.array([0.0, 0.5]), np.arange(5.0)[None])[1].tolist() == [10.0]
    _, totals, failed = batch(np.array([0.0, 1.5]), np.arange(5.0)[None])
    assert (totals.tolist(), failed.all()) == ([0.0], True)


def test_primitives_in_python_are_added_up_one_lane_after_the_other():
    twice = primitive("twice_added_up", value=lambda x: 2.0 * x, partials=[lambda x, v: 2.0])
    traced = trace(lambda xs: [xs[0], twice(xs[0]) if xs[0] > xs[1] else xs[0]], [2.0, 1.0])
    p = simplified(behind(traced.guards, traced.program))
    run = in_lanes(p, [0], 3, 1)
    results, totals, failed = run(np.array([0.0, 1.0]), np.array([[3.0, 0.0, 5.0]]))
    assert (results[0, failed == 0].tolist(), totals.tolist()) == ([3.0, 5.0], [16.0])
    assert failed.tolist() == [0, 1, 0]
