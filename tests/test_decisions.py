"""The decision tree: the right program for every number, in any order of traces."""

import itertools
import math
import random
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import Value, functions, jit, primitive, take, vmap
from autodiff.compiler.decisions import Decisions, Unlike
from autodiff.compiler.trace import run, trace, traced


def grown(f, points, **options):
    """A tree of the traces of a function at some points, each with the point at its leaf."""
    points = list(points)
    tree = Decisions(len(points[0]))
    for point in points:
        tree.add(traced(run(f, point, frozen=True, **options)), point)
    return tree


def found(tree, point):
    return tree.find(np.array(point, float))


def test_a_function_without_comparisons_has_one_leaf():
    tree = Decisions(1)
    assert found(tree, [1.0]) is None
    tree.add(trace(lambda xs: [xs[0] * 2.0], [1.0]), "always")
    assert [found(tree, [x]) for x in (1.0, math.nan)] == ["always"] * 2
    tree.add(trace(lambda xs: [xs[0] * 3.0], [1.0]), "anew")
    assert found(tree, [1.0]) == "anew"


def nested(xs):
    x, y = xs
    if x * 2 < y:
        return [x] if y > 10 else [y]
    if x == y or y != y:
        return [x * y]
    return [x - y] if functions.sin(x) >= 0 else [x + y]


NESTED = [[0.0, 1.0], [0.0, 11.0], [2.0, 2.0], [3.0, 2.0], [4.0, 2.0], [1.0, math.nan]]


@pytest.mark.parametrize("order", list(itertools.permutations(range(6)))[::37])
def test_in_whatever_order_it_grows_every_path_has_its_leaf(order):
    tree = grown(nested, [NESTED[i] for i in order])
    assert [found(tree, point) for point in NESTED] == NESTED
    assert found(tree, [-1.0, 0.0]) == [0.0, 1.0]
    assert found(tree, [1.0, 30.0]) == [0.0, 11.0]
    assert found(tree, [10.0, 2.0]) == [4.0, 2.0]
    assert len(tree.leaves) == 6


def test_what_is_not_known_is_not_guessed():
    tree = grown(nested, NESTED[:2])
    assert found(tree, [3.0, 2.0]) is None
    assert found(tree, [0.0, 1.0]) == NESTED[0]


def test_a_path_that_is_known_gets_a_new_leaf():
    tree = grown(nested, NESTED)
    size = len(tree.ops)
    tree.add(trace(nested, [0.5, 2.0]), "new")
    assert found(tree, [0.0, 1.0]) == "new"
    assert (len(tree.ops), len(tree.leaves)) == (size, 6)


def turned(x):
    return x * x if x > 0 else -x


def test_what_lanes_of_a_vmap_do_is_known_wherever_it_is():
    def f(xs):
        x, y = xs
        far = functions.norm([x, y, 1.0])
        if far > 5.0:
            return [far]
        total = functions.sum(vmap(turned)(np.array([x, far - y, y])))
        return [total if total > x + 6.0 else x]

    points = [[6.0, 1.0], [2.0, 2.0], [1.0, 1.0], [2.0, -2.0], [-1.0, 1.0]]
    tree = grown(f, points)
    size = len(tree.ops)
    for point in points:
        tree.add(trace(f, point), point)
    assert (len(tree.ops), [found(tree, point) for point in points]) == (size, points)


def test_it_names_the_line_at_which_a_path_leaves_the_others():
    def f(xs):
        if xs[0] > 0:
            return [xs[0]]
        if xs[1] > 0:
            return [xs[1]]
        return [0.0] if xs[1] < xs[0] else [1.0]

    tree = Decisions(2)
    line = f.__code__.co_firstlineno
    points = [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [-1.0, -2.0]
    names = [tree.add(trace(f, p), p) for p in points]
    assert names == ["", *(f"{__file__}:{line + k}" for k in (1, 3, 5))]
    assert tree.add(trace(f, [2.0, 0.0]), 0) == ""


def between(xs):
    """Decides by what it computes of what it has computed before and after other comparisons."""
    x, y = xs
    a = x * 2.0
    if a > 10.0:
        return [1.0]
    b = y - a
    if b > 10.0:
        return [2.0]
    c = a - b
    if functions.sin(c) > 0.9:
        return [3.0]
    d = functions.dot([b, c, 0.5] * 4, [c, a, x] * 4) / 4.0
    if functions.logsumexp([d, 7.5, a]) > 12.0:
        return [4.0]
    return [5.0] if c > d else [6.0]


def test_what_is_computed_between_comparisons_reads_what_was_computed_before():
    points = [[float(x), float(y)] for x in range(-5, 7) for y in range(-9, 12)]
    ways = {between(point)[0]: point for point in points}
    tree = grown(between, ways.values())
    assert len(ways) == len(tree.leaves) == 6
    assert all(between(found(tree, point)) == between(point) for point in points)
    program = trace(between, ways[6.0]).guards
    assert program.guards[-1] == len(program) - 1
    assert (len(program.sources), len(program.outputs)) == (5, 0)


def test_integers_that_traces_rest_on_stand_one_behind_the_other():
    def f(xs):
        x, n, m = xs
        for _ in range(n):
            x = x * 2.0 if x < 8.0 else x
        return [x, [1.0, 2.0, 3.0][m + n]]

    points = [[1.0, float(n), float(m)] for n in (0, 2, 1) for m in (0, 1, -1) if 0 <= n + m < 3]
    tree = grown(f, points, integers=[1, 2])
    for n, m in ((p[1], p[2]) for p in points):
        assert found(tree, [1.5, n, m]) == [1.0, n, m]
    assert found(tree, [1.5, 3.0, 0.0]) is None
    assert found(tree, [1.5, 0.0, 2.0]) is None


def test_captured_values_are_read_at_every_walk():
    w = Value(1.0)
    tree = Decisions(1)
    for w.data in (1.0, -1.0):
        tree.add(trace(lambda xs: [xs[0] if xs[0] * w > 0 else w], [2.0]), w.data)
    for w.data in (1.0, -1.0, 1.0):
        assert (found(tree, [3.0]), found(tree, [-3.0])) == (w.data, -w.data)


def test_a_captured_value_may_be_read_behind_many_comparisons():
    def f(xs):
        y = xs[0]
        for _ in range(8):
            y = functions.sin(y)
            if y > 2.0:
                return xs
        return [y if y > w else w]

    w = Value(0.0)
    tree = grown(f, [[1.0], [-1.0]])
    for w.data, of_one in ((0.0, 1.0), (0.9, -1.0), (0.1, 1.0)):
        assert found(tree, [1.0]) == [of_one]


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 0, 1]])
def test_paths_may_read_different_results_of_a_vmap(scale, order):
    def f(q):
        s, e = vmap(lambda x: [functions.sin(x), functions.exp(x)])(q[:2])
        if scale * s[0] > 0.0:
            if q[2] > 0.0:
                return q[0]
            return q[0] * 2.0 if e[0] > 1.5 else q[0] * 3.0
        return q[0] * 4.0

    points = np.array([[1.0, 3.5, 1.0], [1.0, 3.5, -1.0], [0.1, 3.5, -1.0], [-1.0, 3.5, 1.0]])
    fast = jit(f)
    for i in [*order, *order]:
        assert fast(points[i]) == points[i, 0] * [1.0, 2.0, 3.0, 4.0][i]


@pytest.mark.parametrize("seed", range(3))
def test_lanes_that_fit_a_vmap_of_more_ways_come_to_an_end_too(seed):
    def f(xs):
        x, y = xs
        each = vmap(turned) if type(x) is Value else lambda zs: [turned(z) for z in zs]
        total = functions.sum(each(np.array([x, 2.0, y])))
        total = total + functions.sum(each(np.array([y, x])))
        if total > 10.0:
            return [1.0 if y * total > 20.0 else 2.0]
        return [3.0 if x > 0.0 else 4.0]

    points = [[x, y] for x in (-3.0, -1.0, 1.0, 3.0) for y in (-2.0, 1.0, 2.0)]
    random.Random(seed).shuffle(points)
    tree = Decisions(2)
    for point in points:
        if found(tree, point) is None:
            tree.add(trace(f, point), f(point))
        assert found(tree, point) == f(point)


class Slow(tuple):
    """The lines of a program's comparisons, as they are looked at for another thread's sake."""

    def __getitem__(self, i):
        reached.set()
        assert going_on.wait(30)
        return super().__getitem__(i)


reached, going_on = threading.Event(), threading.Event()


@pytest.mark.parametrize("meanwhile", ["another is added", "it is run"])
def test_while_a_path_is_added_no_other_thread_uses_the_tree(meanwhile):
    reached.clear(), going_on.clear()
    results = []
    tree = grown(nested, NESTED[:1])
    made = trace(nested, NESTED[3])
    made = made._replace(guards=replace(made.guards, sources=Slow(made.guards.sources)))

    def other():
        if meanwhile == "it is run":
            results.append(found(tree, NESTED[3]))
        else:
            tree.add(trace(nested, NESTED[1]), NESTED[1])

    threads = [threading.Thread(target=tree.add, args=(made, NESTED[3]))]
    threads[0].start()
    assert reached.wait(30)
    threads.append(threading.Thread(target=other))
    threads[1].start()
    threads[1].join(0.02)
    going_on.set()
    for thread in threads:
        thread.join(30)
    if meanwhile == "it is run":
        assert results == [NESTED[3]]
    else:
        known = [NESTED[i] for i in (0, 1, 3)]
        assert [found(tree, point) for point in known] == known


def test_a_trace_of_another_function_is_refused():
    tree = grown(lambda xs: [xs[0] if xs[0] > 0 else 1.0], [[1.0]])
    of_sine = grown(lambda xs: [xs[0] if functions.sin(xs[0]) > 0 else 1.0], [[1.0]])
    with pytest.raises(Unlike):
        of_sine.add(trace(lambda xs: [xs[0] if functions.cos(xs[0]) > 0 else 1.0], [1.0]), "other")
    for other in (
        lambda xs: [xs[0] if xs[0] * 2 > 0 else 1.0],
        lambda xs: [xs[0] if xs[0] > 1 else 1.0],
        lambda xs: [xs[0] if xs[0] < 0 else 1.0],
        lambda xs: [xs[0]],
        lambda xs: [xs[0] if xs[0] > 0 and xs[0] > 1 else 1.0],
    ):
        with pytest.raises(Unlike):
            tree.add(trace(other, [2.0]), "other")
    equal = grown(lambda xs: [1.0 if xs[0] == 0 else xs[0]], [[0.0]])
    with pytest.raises(Unlike):
        equal.add(trace(lambda xs: [xs[0] if xs[0] > 0 else 1.0], [2.0]), "other")


def test_a_vmap_in_place_of_something_else_is_refused():
    def mapped(xs):
        return [functions.sum(vmap(turned)(np.array([xs[0], 2.0])))]

    at_end = grown(lambda xs: [xs[0]] if xs[0] > 0 else mapped(xs), [[1.0], [-1.0]])
    with pytest.raises(Unlike):
        at_end.add(trace(lambda xs: mapped(xs) if xs[0] > 0 else xs, [1.0]), "other")
    at_integer = grown(lambda xs: [[1.0, 2.0][xs[0]]], [[1.0]], integers=[0])
    with pytest.raises(Unlike):
        at_integer.add(trace(mapped, [1.0]), "other")


def test_a_comparison_of_a_result_of_a_vmap_is_not_whether_lanes_fit_it():
    def compared(xs):
        y, _ = vmap(lambda x: x * x)(np.array([xs[0], 2.0]))
        return [y if y < 3.0 else xs[0]]

    tree = grown(compared, [[1.0]])
    with pytest.raises(Unlike):
        tree.add(trace(lambda xs: [*vmap(turned)(np.array([xs[0], 2.0]))], [1.0]), "other")


def test_what_python_computes_and_what_raises_is_reached_only_on_its_path():
    reached = []
    logged = primitive("logged", lambda a: reached.append(a) or math.log(a), [lambda a, v: 1 / a])

    def f(xs):
        x, i = xs
        if x > 0:
            return [1.0] if logged(x) > 1 else [2.0]
        return [3.0] if take([1.0, 2.0], i) > 1 else [4.0]

    points = [[4.0, 9.0], [1.5, 9.0], [-1.0, 1.0], [-1.0, 0.0]]
    tree = grown(f, points)
    reached.clear()
    assert found(tree, [-2.0, 1.0]) == points[2]
    assert reached == []
    assert found(tree, [3.0, -7.0]) == points[0]
    assert reached == [3.0]
    for beyond in (2.0, -1.0, 0.5):
        with pytest.raises(IndexError, match=f"index {beyond:g} is not one of 0 to 1"):
            found(tree, [-1.0, beyond])


@st.composite
def choices(draw):
    """A function that decides at random, up to six times, and numbers to call it with."""
    tests = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["<", "<=", "==", ">=", ">"]),
                st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
                st.floats(-1, 1),
            ),
            min_size=1,
            max_size=6,
        )
    )

    def f(x):
        for how, than, by in tests:
            holds = {
                "<": x < than, "<=": x <= than, "==": x == than, ">=": x >= than, ">": x > than,
            }[how]  # fmt: skip
            x = x + by if holds else x * by - than
        return x

    return f, draw(st.lists(st.floats(-2, 2) | st.just(math.nan), min_size=1, max_size=12))


@given(choices())
def test_a_jitted_function_of_random_choices_is_the_function(drawn):
    f, numbers = drawn
    fast = jit(f)
    for x in (*numbers, *numbers):
        assert float(fast(x)).hex() == float(f(x)).hex()
