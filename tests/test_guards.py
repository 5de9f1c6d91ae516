"""What a function reads besides its arguments: seen by transforms, guarded by jit, or refused."""

import collections
import concurrent.futures
import dis
import functools
import math
import operator
import random
import re
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest

import autodiff
from autodiff import (
    Value,
    derivative,
    functions,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    nn,
    no_grad,
    optim,
    scope,
    sin,
    value_and_grad,
    vjp,
    vmap,
)
from autodiff.transforms.guards import Generators, Watch, chains

NAN, INF = math.nan, math.inf
RATE = 2.0
TABLE = {"rate": 2.0, "rates": [2.0, 3.0]}


def by_global(x):
    return RATE * x * x


def set_global(k):
    globals()["RATE"] = k


def by_table(x):
    return TABLE["rate"] * x * x


def by_nested(x):
    return TABLE["rates"][0] * x * x


def by_default(x, ks=[2.0]):  # noqa: B006  # a default that changes is the test
    return ks[0] * x * x


def by_helper(x):
    return by_global(x)


Config = types.SimpleNamespace(rate=2.0, inner=types.SimpleNamespace(rate=2.0))


def by_attribute(x):
    return Config.rate * x * x


def by_attribute_of_attribute(x):
    return Config.inner.rate * x * x


def closures():
    """Functions of x, each k*x*x, with what sets the k that they close over."""
    k, ks, array, zero_d = 2.0, [2.0], np.array([5.0, 2.0]), np.array(2.0)
    objects = np.array([2.0, "a"], object)

    def by_cell(x):
        return k * x * x

    def set_cell(new):
        nonlocal k
        k = new

    def inside(x):
        def inner(y):
            return k * y

        return inner(x) * x

    by_partial = functools.partial(lambda ks, x: ks[0] * x * x, ks)
    return [
        (by_cell, set_cell),
        (inside, set_cell),
        (lambda x: by_cell(x), set_cell),
        (lambda x: ks[0] * x * x, lambda new: ks.__setitem__(0, new)),
        (by_partial, lambda new: ks.__setitem__(0, new)),
        (lambda x: array[1] * x * x, lambda new: array.__setitem__(1, new)),
        (lambda x: float(zero_d) * x * x, lambda new: zero_d.__setitem__((), new)),
        (lambda x: objects[0] * x * x, lambda new: objects.__setitem__(0, new)),
        (by_global, set_global),
        (by_helper, set_global),
        (by_table, lambda new: TABLE.__setitem__("rate", new)),
        (by_nested, lambda new: TABLE["rates"].__setitem__(0, new)),
        (by_default, lambda new: by_default.__defaults__[0].__setitem__(0, new)),
        (by_attribute, lambda new: setattr(Config, "rate", new)),
        (by_attribute_of_attribute, lambda new: setattr(Config.inner, "rate", new)),
    ]


TRANSFORMS = {
    "grad": (grad, lambda k, x: 2 * k * x),
    "value_and_grad": (lambda f: lambda x: value_and_grad(f)(x)[1], lambda k, x: 2 * k * x),
    "derivative": (derivative, lambda k, x: 2 * k * x),
    "jacobian": (jacobian, lambda k, x: 2 * k * x),
    "hessian": (hessian, lambda k, x: 2 * k),
    "jvp": (lambda f: lambda x: jvp(f)((x,), (1.0,))[1], lambda k, x: 2 * k * x),
    "hvp": (lambda f: lambda x: hvp(f)((x,), (1.0,)), lambda k, x: 2 * k),
    "vjp": (lambda f: lambda x: vjp(f)(x)[1](1.0)[0], lambda k, x: 2 * k * x),
    "jit": (lambda f: jit(f, check=False), lambda k, x: k * x * x),
    "jit of grad": (lambda f: jit(grad(f), check=False), lambda k, x: 2 * k * x),
    "jit of hessian": (lambda f: jit(hessian(f), check=False), lambda k, x: 2 * k),
    "jit inside": (lambda f: jit(lambda x: grad(f)(x), check=False), lambda k, x: 2 * k * x),
    "grad of jit": (lambda f: grad(jit(f, check=False)), lambda k, x: 2 * k * x),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("i", range(len(closures())))
def test_what_changes_is_seen(transform, i):
    f, change = closures()[i]
    transformed, wanted = TRANSFORMS[transform][0](f), TRANSFORMS[transform][1]
    try:
        for k in (2.0, 2.0, 5.0, 2.0, -0.0, 0.0, 5.0):
            change(k)
            for x in (3.0, 4.0):
                found = transformed(x)
                assert found == wanted(k, x)
                if transform == "jit":  # a sweep adds up from 0.0
                    assert math.copysign(1, found) == math.copysign(1, k)
    finally:
        change(2.0)


BY_VALUE = [i for i in range(len(closures())) if i != 7]  # objects in arrays: by identity


@pytest.mark.parametrize("i", BY_VALUE)
def test_another_object_of_the_same_number_is_no_change(i):
    f, change = closures()[i]
    runs = []
    fast = jit(lambda x: runs.append(1) or f(x), check=False)
    try:
        for _ in range(3):
            change(float("2.0"))
            assert fast(3.0) == 18.0
    finally:
        change(2.0)
    assert len(runs) == 1


def test_an_object_in_an_array_that_takes_the_place_of_another_is_seen():
    objects = np.array([float("2.0"), "a"], object)
    fast = jit(lambda x: objects[0] * x, check=False)
    for k in (1.0, 5.0, 7.0):
        objects[0] = None  # so that the next may have its address
        objects[0] = k + 1.0
        assert fast(3.0) == 3.0 * (k + 1.0)


def test_a_function_that_a_function_calls_may_be_replaced():
    def helper(x):
        return 2.0 * x

    scope = {"helper": helper}
    exec("def f(x):\n    return helper(x) * x", scope)
    fast = jit(scope["f"], check=False)
    assert fast(3.0) == 18.0
    scope["helper"] = lambda x: 5.0 * x
    assert fast(3.0) == 45.0


@pytest.mark.parametrize("beside", ["mine.py", "autodiff_of_mine/functions.py", "autodiff.py"])
def test_what_stands_beside_the_package_is_guarded(beside):
    scope = {"k": 2.0}
    file = Path(autodiff.__file__).parents[1] / beside
    exec(compile("def f(x):\n    return k * x", str(file), "exec"), scope)
    fast = jit(scope["f"], check=False)
    assert fast(3.0) == 6.0
    scope["k"] = 5.0
    assert fast(3.0) == 15.0


def test_values_are_known_by_identity_and_read_at_every_call():
    w, table = Value(1.0), {}
    table["w"] = w
    fast = jit(lambda x: x * table["w"], check=False)
    assert fast(2.0).data == 2.0
    table["w"] = Value(3.0)
    assert fast(2.0).data == 6.0
    with no_grad():
        assert fast(2.0) == 6.0
        table["w"].data = 4.0
        assert fast(2.0) == 8.0
        table["w"] = Value(4.0)
        table["w"].data = 5.0
        assert fast(2.0) == 10.0


def test_states_that_come_again_keep_their_programs():
    ks, traces = [1.0], []
    fast = jit(lambda x: traces.append(1) or x * ks[0], check=False)
    for k in (1.0, 2.0, 1.0, 2.0, 1.0):
        ks[0] = k
        assert fast(3.0) == 3.0 * k
    assert len(traces) == 2


@pytest.mark.parametrize(("states", "traced"), [(8, 8), (9, 27)])
def test_programs_of_eight_states_are_kept(states, traced):
    ks, traces = [0.0], []
    fast = jit(lambda x: traces.append(1) or x * ks[0], check=False)
    for _ in range(3):
        for k in range(states):
            ks[0] = float(k)
            assert fast(3.0) == 3.0 * k
    assert len(traces) == traced


def test_a_global_that_is_always_another_goes_over_to_eager_and_names_it():
    ks = [0.0]
    fast = jit(lambda x: x * ks[0])

    def called(k):
        ks[0] = float(k)
        return fast(2.0)

    with pytest.warns(RuntimeWarning, match=r"ks\[0\], which the function reads, changes"):
        found = [called(k) for k in range(200)]
    assert found == [2.0 * k for k in range(200)]


def test_what_has_changed_since_the_last_call_is_named():
    js, ks = [0.0], [0.0]
    fast = jit(lambda x: x * js[0] + ks[0])

    def called(k):
        js[0], ks[0] = float(k // 4), float(k)
        return fast(2.0)

    with pytest.warns(RuntimeWarning, match=r"calls: from call to call ks\[0\], which"):
        found = [called(k) for k in range(130)]
    assert found == [2.0 * (k // 4) + k for k in range(130)]


# -- what cannot be seen ---------------------------------------------------------------------------


def hidden():
    """A function of x, k*x, whose k no bytecode shows; and what sets it."""
    kept = types.SimpleNamespace(k=2.0)

    def get():
        return kept

    return (lambda x: get().k * x), lambda k: setattr(kept, "k", k)


@pytest.mark.parametrize("at", [2, 4, 8])
def test_the_check_of_itself_finds_what_changes_unseen(at):
    f, change = hidden()
    fast = jit(f)
    for _ in range(at - 1):
        assert fast(3.0) == 6.0
    change(5.0)
    with pytest.raises(RuntimeError, match=r"reads something that changes.*is 15.0.*program 6.0"):
        fast(3.0)
    assert fast(3.0) == 15.0  # it is traced anew
    unchecked = jit(f, check=False)
    assert unchecked(3.0) == 15.0
    change(2.0)
    assert [unchecked(3.0) for _ in range(20)] == [15.0] * 20


def test_the_check_compares_every_kind_of_result():
    f, change = hidden()
    for transformed, x in (
        (jit(lambda x: {"a": [f(x), x]}), 3.0),
        (jit(lambda x: np.array([x, f(x)])), 3.0),
        (jit(grad(f)), 3.0),
        (jit(hessian(lambda x: f(x[0]) * x[0] * x[1], sparse=True)), np.array([3.0, 4.0])),
    ):
        change(2.0)
        for _ in range(3):
            transformed(x)
        change(5.0)
        with pytest.raises(RuntimeError, match="reads something that changes"):
            transformed(x)


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (2.0, -2.0, "number 1 of the result is -2.0, and by the program 2.0"),
        (2.0, NAN, "number 1 of the result is nan, and by the program 2.0"),
        (NAN, 2.0, "number 1 of the result is 2.0, and by the program nan"),
        (2.0, INF, "number 1 of the result is inf, and by the program 2.0"),
        (INF, 2.0, "number 1 of the result is 2.0, and by the program inf"),
        (0.0, 2e-12, "number 1 of the result is 2e-12, and by the program 0.0"),
        (2.0, Value(2.0), "the program gives numbers, the function Values"),
    ],
)
def test_the_check_says_what_differs(was, now, words):
    f, change = hidden()
    fast = jit(lambda x: [x, f(1.0)])
    change(was)
    fast(-1.0)
    change(now)
    with pytest.raises(RuntimeError, match=f"jit cannot see: {words}; pass it as an argument"):
        fast(-1.0)


def test_to_the_check_rounding_beside_the_largest_number_is_no_difference():
    f, change = hidden()
    for x, by, same in ((1.0, 1e-12, True), (1e-3, 1e-12, False), (-1e3, 1e-9, True)):
        fast = jit(lambda x: [x, f(1.0), NAN, INF])
        change(0.0)
        fast(x)
        change(by)
        if same:
            assert fast(x)[1] == 0.0
        else:
            with pytest.raises(RuntimeError, match="number 1 of the result is 1e-12"):
                fast(x)


def test_the_check_counts_the_results():
    f, change = hidden()
    fast = jit(lambda x: [x] * int(f(1.0)))
    fast(3.0)
    change(3.0)
    with pytest.raises(RuntimeError, match="the program gives 2 numbers, the function 3"):
        fast(3.0)


def test_a_comparison_with_what_changes_unseen_is_found_when_it_is_traced_anew():
    f, change = hidden()
    fast = jit(lambda x: x if x > f(1.0) else -x, check=False)
    assert fast(3.0) == 3.0
    change(0.5)
    with pytest.raises(RuntimeError, match="does not compute the same twice for the same argu"):
        fast(1.0)


def test_the_check_gives_the_function_arguments_of_its_own():
    def f(x, *, xs, n):
        xs.append(x)
        return functions.sum(xs) * sum(1 for _ in range(n))

    fast, xs = jit(f), [1.0, 2.0]
    for _ in range(4):
        assert fast(3.0, xs=xs, n=2) == 12.0
    assert xs == [1.0, 2.0]


def test_a_function_that_counts_its_calls_is_found_out():
    n = 0

    def f(x):
        nonlocal n
        n += 1
        return x * n

    fast = jit(f)
    fast(1.0)
    with pytest.raises(RuntimeError, match="reads something that changes"):
        fast(1.0)
    assert [grad(f)(1.0) for _ in range(3)] == [3.0, 4.0, 5.0]


# -- random numbers --------------------------------------------------------------------------------


def drawing():
    rng, mersenne, old = np.random.default_rng(0), random.Random(0), np.random.RandomState(0)
    drawn = np.random.Generator(np.random.MT19937(0))

    class Noise:
        def __init__(self):
            self.rng = np.random.default_rng(1)

        def __call__(self, x):
            return x * self.rng.normal()

        def method(self, x):
            return x * self.rng.normal()

    noise, normal = Noise(), rng.normal
    holder = {"rngs": [np.random.default_rng(2)]}
    dropout = nn.Dropout(0.5, np.random.default_rng(0))

    def helper():
        return rng.normal()

    return {
        "a generator": lambda x: x * rng.normal(),
        "its method": lambda x: x * normal(),
        "a Mersenne twister": lambda x: x * drawn.normal(),
        "random.Random": lambda x: x * mersenne.random(),
        "RandomState": lambda x: x * old.rand(),
        "random": lambda x: x * random.random(),
        "numpy.random": lambda x: x * np.random.rand(),
        "a helper": lambda x: x * helper(),
        "an instance": noise,
        "a method": noise.method,
        "a callable": lambda x: noise(x),
        "a container": lambda x: x * holder["rngs"][0].normal(),
        "dropout": lambda x: dropout([x, x])[0],
        "a default": lambda x, r=np.random.default_rng(3): x * r.normal(),  # noqa: B008  # a default is the test
    }


@pytest.mark.parametrize("which", drawing())
def test_random_numbers_are_drawn_anew_or_refused(which):
    f = drawing()[which]
    for transformed in (jit(f), jit(grad(f)), jit(lambda x: grad(f)(x))):
        with pytest.raises(RuntimeError, match="draws random numbers"):
            transformed(1.0)
    draws = {grad(f)(1.0) for _ in range(20)}
    assert len(draws) > 1


def test_a_generator_that_nobody_reaches_is_found_at_the_second_call():
    fast = jit(lambda x: x * np.random.default_rng().normal())
    fast(1.0)
    with pytest.raises(RuntimeError, match="reads something that changes"):
        fast(1.0)


def test_dropout_does_nothing_after_eval_and_is_guarded():
    dropout = nn.Dropout(0.5, np.random.default_rng(0))
    net = nn.Sequential(nn.Layer(2, 3, "tanh", np.random.default_rng(1)), dropout)
    for f in (lambda x: functions.sum(dropout([x, x])), lambda x: functions.sum(net([x, x]))):
        net.eval()
        with no_grad():
            fast = jit(f)
            plain = [f(Value(x)).data for x in (1.0, 2.0)]
            assert [fast(x) for x in (1.0, 2.0)] == plain
            net.train()
            with pytest.raises(RuntimeError, match="draws random numbers"):
                fast(1.0)
            net.eval()
            assert fast(2.0) == plain[1]


def test_generators_that_stand_where_they_stood_have_not_moved():
    rng = np.random.default_rng(0)
    watch = Watch(lambda: rng)
    assert watch.generators == [rng]
    before = Generators(watch)
    assert before.moved() == []
    rng.normal()
    assert before.moved() == ["a Generator"]
    state = random.getstate()
    before = Generators(Watch(lambda: 1))
    random.random()
    assert before.moved() == ["the module random"]
    random.setstate(state)
    assert before.moved() == []


def test_generators_are_set_back_to_where_they_stood():
    rng, old, mersenne = np.random.default_rng(0), np.random.RandomState(0), random.Random(0)

    def draws():
        return [rng.normal(), old.rand(), mersenne.random(), random.random(), np.random.rand()]

    before = Generators(Watch(draws))
    drawn = draws()
    assert before.moved() == [
        *("the module random", "numpy.random", "a Generator", "a RandomState", "a Random"),
    ]
    before.restore()
    assert before.moved() == []
    assert draws() == drawn


def test_the_generators_of_modules_are_not_those_of_a_function():
    assert Watch(lambda x: x * random.random() * np.random.rand()).generators == []


@pytest.mark.parametrize("alive", [1, 2])
def test_a_function_is_watched_only_if_another_thread_may_have_drawn(monkeypatch, alive):
    monkeypatch.setattr(threading, "active_count", lambda: alive)
    shared, runs = random.random.__self__, []

    def holds(self):  # what it draws from has that name in the module random
        return self

    def also(draw):
        return lambda: runs.append(1) or draw() or holds(shared)

    assert Generators(Watch(holds)).drawn(also(random.random)) == ""
    assert runs == []
    before, state = Generators(Watch(holds)), random.getstate()
    random.random()
    for draw in (int, random.getstate, random.Random(0).random, lambda: holds(shared)):
        assert before.drawn(also(draw)) == ("" if alive > 1 else "the module random")
    assert len(runs) == (4 if alive > 1 else 0)
    for draw in (random.random, lambda: [random.random(), holds(1)], random.gauss, random.gauss):
        assert before.drawn(also(draw)) == "the module random"
    np.random.rand()
    assert before.drawn(also(int)) == "the module random"
    random.setstate(state)
    assert before.drawn(also(int)) == "numpy.random"


def test_a_profiler_goes_on_after_a_function_was_watched(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    before = Generators(Watch(int))
    random.random()

    def profiler(frame, event, called):
        pass

    sys.setprofile(profiler)
    try:
        with pytest.raises(ZeroDivisionError):
            before.drawn(lambda: 1 / 0)
        left = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert left is profiler


@pytest.fixture
def another_thread_draws():
    """Another thread draws from the module ``random`` all the time, as those of Dask do."""
    stop = threading.Event()

    def draw():
        while not stop.wait(1e-4):
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_what_other_threads_draw_is_not_the_functions(another_thread_draws):
    def long(x):
        time.sleep(0.01)  # it is certain to be drawn from meanwhile
        return sum(sin(x * i) for i in range(100))

    xs = np.array([1.0, 2.0])
    of_many = jit(vmap(long)), jit(lambda xs: vmap(long)(xs)[0])
    for f, x in ((jit(long), 1.0), (jit(grad(long)), 1.0), *((f, xs) for f in of_many)):
        f(x)
        f(x)
        assert sys.getprofile() is None
    rng = np.random.default_rng(0)
    net = nn.Neuron(1, rng=rng)
    slow = nn.Sequential(net, lambda y: time.sleep(0.01) or y)
    data, optimizer = ([[1.0], [2.0]] * 4, [1.0, 2.0] * 4), optim.SGD(net.parameters(), lr=0.01)
    optim.fit(slow, nn.mse_loss, data, optimizer, epochs=4, batch_size=2, rng=rng, progress=False)


def test_what_a_function_draws_is_found_while_other_threads_draw(another_thread_draws):
    rng = np.random.default_rng(0)

    def waits(draw):
        return lambda x: time.sleep(0.01) or x * draw()

    for draw in (
        *(random.random, lambda: random.gauss(0, 1), lambda: random.choice([1.0, 2.0, 3.0])),
        *(np.random.normal, rng.normal),
    ):
        with pytest.raises(RuntimeError, match="draws random numbers"):
            jit(waits(draw))(1.0)
    assert sys.getprofile() is None


# -- threads, and Values that are put aside --------------------------------------------------------


def test_a_comparison_in_another_thread_is_right_or_refused():
    with concurrent.futures.ThreadPoolExecutor(1) as pool:

        def signed(x):
            return x if pool.submit(lambda: x > 0).result() else -x

        def squared(x):
            return pool.submit(lambda: x * x).result() * 2.0

        assert [grad(signed)(x) for x in (2.0, -2.0)] == [1.0, -1.0]
        assert (grad(squared)(3.0), hessian(squared)(3.0), derivative(squared)(3.0)) == (12, 4, 12)
        for f in (signed, squared):
            with pytest.raises(RuntimeError, match="outside the trace that it belongs to"):
                jit(f)(2.0)


@pytest.mark.parametrize(
    "use",
    [
        lambda v: v + 1,
        lambda v: 2.0 * v,
        lambda v: functions.sin(v),
        lambda v: functions.sum([1.0, v]),
        lambda v: v > 1,
        lambda v: v == v,
        lambda v: Value(1.0) < v,
        lambda v: v.data,
        lambda v: v.backward(),
        lambda v: grad(lambda x: x * v)(1.0),
        lambda v: jit(lambda x: x * v)(1.0),
    ],
)
@pytest.mark.parametrize("which", range(5))
def test_a_value_that_outlives_its_trace_is_refused_and_named(use, which):
    aside = []

    def f(x):
        aside.append(x)
        aside.append(x * x)
        with scope("inside"):
            aside.append(functions.sin(x))
        aside.append(x.detach())
        aside.extend(functions.softmax([x, x * 2.0])[:1])
        return x

    jit(f)(2.0)
    line = f.__code__.co_firstlineno + [0, 2, 4, 5, 6][which]
    op = ["", "mul", "sin", "detach", "div"][which]
    what = rf"the result of {op} at {__file__}:{line}," if which else "an argument, 2.0 then,"
    with pytest.raises(RuntimeError, match=rf"{what}.* in jit\(f\).*used at {__file__}"):
        use(aside[which])


def test_a_value_that_outlives_an_eager_transform_is_simply_right():
    for transform in (grad, derivative, jacobian, hessian, value_and_grad):
        aside = []
        transform(lambda x: aside.extend([x, x * x]) or x * x)(3.0)  # noqa: B023  # called at once
        x, y = aside
        assert (x.grad, y.grad) in [(0.0, 0.0), (0.0, 1.0)]  # 1 of grad, which has swept it
        z = y * x
        z.backward()
        assert (z.data, x.grad) == (27.0, 27.0)

    def outer(x):
        aside = []

        def inner(r):
            aside.append(x * r**2)
            return x * r**2

        slope = derivative(inner)(1.5)
        return aside[0] + slope

    assert grad(outer)(2.0) == jit(grad(outer))(2.0) == 5.25
    assert derivative(outer)(2.0) == jacobian(outer)(2.0) == 5.25


def test_an_argument_that_is_set_inside_is_refused():
    def f(x):
        x.data = 5.0
        return x * x

    for transform in (grad, derivative, hessian, jacobian, jit):
        with pytest.raises(RuntimeError, match=r"set(ting)? \.data of"):
            transform(f)(2.0)


# -- what is read ----------------------------------------------------------------------------------


def test_chains_of_names():
    def f(self, x):
        return [self.a.b * y + Config.rate for y in x]

    found = set(chains(f.__code__))
    assert ("local", "self", ("a", "b")) in found or ("free", "self", ("a", "b")) in found
    assert ("global", "Config", ("rate",)) in found


OF_SELF = (("local", "self", ()), ("local", "self", ("rate",)))


@pytest.mark.parametrize(
    ("instructions", "wanted"),
    [
        ([("LOAD_FAST", "self"), ("LOAD_ATTR", "rate")], OF_SELF),
        ([("LOAD_FAST_BORROW", "self"), ("LOAD_ATTR", "rate")], OF_SELF),
        ([("LOAD_FAST_LOAD_FAST", ("x", "self")), ("LOAD_ATTR", "rate")], OF_SELF),
        ([("STORE_FAST_LOAD_FAST", ("y", "self")), ("LOAD_METHOD", "rate")], OF_SELF),
        ([("LOAD_ATTR", "rate")], ()),
    ],
)
def test_chains_are_read_from_the_bytecode_of_every_python(instructions, wanted, monkeypatch):
    given = [types.SimpleNamespace(opname=name, argval=value) for name, value in instructions]
    monkeypatch.setattr(dis, "get_instructions", lambda code: given)
    assert chains(compile(repr(str(given)), "", "eval")) == wanted  # a code that is like no other


def test_names_are_told_apart_by_where_they_are_read():
    RATE = 2.0  # as the global is

    def both(x):
        def of_module():
            global RATE
            return RATE

        return x * RATE * of_module()

    watch = Watch(both)
    others = Watch(lambda RATE: RATE * 2.0), Watch(lambda x: [2.0 * RATE for RATE in [x]])
    try:
        set_global(5.0)
        assert watch.changed() == "RATE"
        assert [other.changed() for other in others] == ["", ""]
        set_global(2.0)
        assert watch.changed() == ""
        RATE = 3.0
        assert watch.changed() == "RATE"
    finally:
        set_global(2.0)


class Scales:
    """Attributes whose numbers methods read."""

    def __init__(self, *names):
        vars(self).update(dict.fromkeys(names, 2.0))

    def names_watched(self, watch):
        """Of its attributes, those whose change is seen."""
        assert watch.changed() == ""
        found = []
        for name in vars(self):
            setattr(self, name, 5.0)
            found.append(watch.changed())
            setattr(self, name, 2.0)
            assert watch.changed() == ""
        return found

    def scaled(self, x):
        return x * self.by_method

    @property
    def slope(self):
        return self.by_property


def test_what_is_read_through_super_is_watched():
    class Mine(Scales):
        def __call__(self, x):
            return super().scaled(x) * super().slope * self.own

    mine = Mine("by_method", "by_property", "own", "unread")
    assert mine.names_watched(Watch(mine)) == ["self.by_method", "self.by_property", "self.own", ""]


def test_a_method_may_define_a_class_that_uses_super():
    class Outer(Scales):
        def __call__(self, x):
            class Inner(Scales):
                def scaled(self, x):
                    return super().scaled(x) * 2.0

            return Inner("by_method").scaled(x) * self.rate

    outer = Outer("rate", "by_method")
    assert outer.names_watched(Watch(outer)) == ["self.rate", ""]


def test_what_functions_in_a_method_read_of_its_instance_is_watched():
    class Mine(Scales):
        def __call__(self, x):
            def of(self):
                return self.of_another

            return (lambda y: self.rate * y)(x) * of(Config)

    mine = Mine("rate", "of_another")
    assert mine.names_watched(Watch(mine)) == ["self.rate", ""]


def test_functions_that_other_callables_stand_for_are_watched():
    ks = [2.0]

    def scale(x=1.0):
        return ks[0] * x

    kept = types.SimpleNamespace(scale=scale)

    def get():
        return kept

    @functools.wraps(scale)
    def hides(x):
        return get().scale(x)

    class Partly:  # a module, but for one of its attributes
        def __init__(self, **attributes):
            vars(self).update(attributes)

        def __call__(self, x):
            return ks[0] * x

    class Sloping:
        slope = property(functools.partial(lambda self: scale()))

    class Static:
        @staticmethod
        def __call__():
            return ks[0]

    static, sloping = Static(), Sloping()
    for f in (
        *(functools.partial(scale), hides, Partly(modules=3), Partly(training=True), static),
        *(types.MethodType(functools.partial(lambda self, x: scale(x)), 0), grad(scale)),
        *(lambda: sloping.slope, functools.lru_cache(scale)),
    ):
        watch = Watch(f)
        ks[0] = 5.0
        assert watch.changed() == "ks[0]"
        ks[0] = 2.0
        assert watch.changed() == ""


def test_functions_that_wrap_each_other_are_watched():
    ks = [2.0]

    def f(x):
        return ks[0] * x

    def g(x):
        return x

    f.__wrapped__, g.__wrapped__ = g, f
    watch = Watch(g)
    ks[0] = 5.0
    assert watch.changed() == "ks[0]"


def test_a_global_function_of_a_library_may_be_replaced():
    scope = {"of": operator.add}
    exec("def f(x):\n    return of(x, 3.0)", scope)
    fast = jit(scope["f"], check=False)
    assert fast(2.0) == 5.0
    scope["of"] = operator.mul
    assert fast(2.0) == 6.0


@pytest.mark.parametrize("holder", [types.SimpleNamespace(), types.ModuleType("mine")])
def test_a_function_that_is_an_attribute_may_be_replaced(holder):
    ks = [2.0]
    holder.scale = lambda x: ks[0] * x
    fast = jit(lambda x: holder.scale(x), check=False)
    assert fast(3.0) == 6.0
    ks[0] = 5.0
    assert fast(3.0) == 15.0
    holder.scale = lambda x: 7.0 * x
    assert fast(3.0) == 21.0


def test_what_methods_of_every_kind_read_is_watched():
    class Mine(Scales):
        rate = 2.0

        @classmethod
        def of_class(cls, x):
            return cls.rate * x

        @jit
        def jitted(self, x):
            return self.by_jitted * x

    mine = Mine("by_method", "by_jitted")
    watch = Watch(lambda x: Mine.of_class(mine.scaled(mine.jitted(x))))
    assert mine.names_watched(watch) == ["self.by_method", "self.by_jitted"]
    Mine.rate = 5.0
    assert watch.changed() == "cls.rate"


def test_attributes_of_every_kind_are_watched():
    class Slotted:
        __slots__ = ("later", "rate")

    slotted, plain, w = Slotted(), types.SimpleNamespace(), Value(1.0)
    slotted.rate = w.rate = 2.0
    watch = Watch(lambda: (slotted.rate, slotted.later, plain.later, w.rate))
    assert watch.changed() == ""
    for holder, name in ((slotted, "slotted.rate"), (w, "w.rate")):
        holder.rate = 5.0
        assert watch.changed() == name
        holder.rate = 2.0
    for holder, name in ((slotted, "slotted.later"), (plain, "plain.later")):
        holder.later = 1.0
        assert watch.changed() == name
        del holder.later
        assert watch.changed() == ""


def test_attributes_that_are_computed_are_not_asked_for():
    asked = []

    class Computed:
        rate = 2.0

        def __getattr__(self, name):
            asked.append(name)
            return types.SimpleNamespace(rate=float(len(asked)))

    computed, w = Computed(), Value(1.0)
    watch = Watch(lambda: (computed, computed.a.rate, computed.rate, w.data))
    assert (watch.changed(), watch.changes()) == ("", "")
    w.data = 5.0  # an input, whose number is read at every call
    assert watch.changed() == ""
    computed.rate = 5.0
    assert watch.changed() == "computed.rate"
    assert asked == []


def test_a_class_is_not_taken_for_what_it_makes():
    kind = nn.Dropout
    watch = Watch(lambda: (kind, nn.Sequential))
    assert watch.changed() == ""
    kind = nn.Layer
    assert watch.changed() == "kind"


def test_what_libraries_keep_for_themselves_is_not_watched():
    match = re.match
    re.purge()
    watch = Watch(lambda x: x * len(match("a", "a")[0]))
    re.compile("a")  # it is kept in the module re
    assert watch.changed() == ""
    scope = {"k": 2.0}
    file = Path(autodiff.__file__).parent / "functions.py"
    exec(compile("def f(x):\n    return k * x", str(file), "exec"), scope)
    watch = Watch(scope["f"])
    scope["k"] = 5.0
    assert watch.changed() == ""


def test_a_cell_that_is_assigned_later_has_changed():
    def f(x):
        return x if late is None else late * x

    watch = Watch(f)
    assert watch.changed() == ""
    late = None
    assert watch.changed() == "late"


def test_of_more_than_ten_thousand_objects_some_are_not_watched():
    fewer, many = [0.0] * 9_000, [0.0] * 10_000
    watch = Watch(lambda: (fewer, many))
    many[0] = 1.0
    assert watch.changed() == ""
    fewer[0] = 1.0
    assert watch.changed() == "fewer[0]"

    def chained(k):
        def number():
            return k

        def change(new):
            nonlocal k
            k = new

        return (lambda: number()), change

    calls, changing = zip(*map(chained, range(5_100)), strict=True)
    watch = Watch(lambda: calls)
    changing[-1](-1)
    assert watch.changed() == ""
    changing[0](-1)
    assert watch.changed() == "k"


def test_a_dict_that_grows_while_it_is_looked_at_is_watched():
    class Registering:
        def __call__(self, x):
            return x

        def __getattr__(self, name):
            table[name] = 1.0
            raise AttributeError(name)

    table = {"a": Registering(), "b": 2.0}
    watch = Watch(lambda: table)
    assert len(table) > 2
    assert watch.changed() == "table"


def test_a_list_that_is_in_itself_is_watched():
    xs = [2.0]
    xs.append(xs)
    fast = jit(lambda x: xs[0] * x, check=False)
    assert fast(3.0) == 6.0
    xs[0] = 5.0
    assert fast(3.0) == 15.0


@pytest.mark.parametrize("n", [3, 8191, 8192])
def test_an_array_of_64_kib_is_watched_whole(n):
    array = np.zeros(n)
    watch = Watch(lambda: array)
    for i in (0, 1, n - 1):
        array[i] = 1.0
        assert watch.changed() == "array"
        array[i] = 0.0
        assert watch.changed() == ""


@pytest.mark.parametrize("kind", [float, "U50"])
def test_a_sample_of_a_large_array_is_watched(kind):
    array = np.zeros(100_000 if kind is float else 2_000, kind)
    watch = Watch(lambda: array)
    assert watch.changed() == ""
    array[len(array) // 2 :] = 1
    assert watch.changed() == "array"


def test_what_is_left_out_counts_no_longer():
    one, two, three = (float(k) for k in "123")
    left_out, kept = [one], [two]
    watch = Watch(lambda: (left_out, kept))
    left_out[0] = three
    watch.forget_changed()
    kept[0] = one
    assert watch.changed() == "kept[0]"
    kept[0] = two
    assert watch.changed() == ""


def test_what_an_object_is_does_not_depend_on_how_it_is_written():
    class Angle(float):
        pass

    things = [types.SimpleNamespace(k=2.0), 1.0, {"a": 1.0}]
    watch = Watch(lambda: things)
    assert watch.changed() == ""
    things[1] = float("1.0")
    assert watch.changed() == ""
    things[1] = Angle(1.0)
    assert watch.changed() == "things[1]"
    things[1] = 1.0
    things[2]["b"] = 1.0
    assert watch.changed() == "things[2]"
    things[0] = types.SimpleNamespace(k=2.0)
    assert watch.changed() == "things[0]"


def test_a_watch_names_what_has_changed():
    n, xs, pairs = 1.0, [1.0, [2.0]], collections.OrderedDict(a=1.0)
    array, large = np.zeros(3), np.zeros(100_000)

    def f():
        return n, xs, pairs, array, large

    watch = Watch(f)
    assert watch.changed() == ""
    n = 2.0
    assert watch.changed() == "n"
    n = 1.0
    xs[1][0] = 3.0
    assert watch.changed() == "xs[1][0]"
    watch.forget_changed()
    assert watch.changed() == ""
    xs.append(0.0)
    assert watch.changed() == "xs"
    xs.pop()
    pairs["a"] = 2.0
    assert watch.changed() == "pairs['a']"
    pairs["a"] = 1.0
    array[2] = 1.0
    assert watch.changed() == "array"
    array[2] = 0.0
    large[:] = 1.0
    assert watch.changed() == "large"


def test_equal_numbers_of_another_type_are_not_the_same():
    ns = [1]
    watch = Watch(lambda: ns)
    for other in (1.0, True, np.float64(1.0), "1"):
        ns[0] = other
        assert watch.changed() == "ns[0]"
    ns[0] = int("1")
    assert watch.changed() == ""


def test_an_attribute_of_a_module_is_seen_to_change_at_any_time():
    class Scaled(nn.Module):
        def __init__(self):
            self.w, self.rate = Value(3.0), 2.0

        def forward(self, x):
            return x * self.w * self.rate if self.training else x * 1.0

    model = Scaled()
    traces = []
    fast = jit(lambda x: traces.append(1) or model(x), check=False)
    for rate in (2.0, 2.0, 5.0, 5.0, 2.0, 5.0):
        model.rate = rate
        model._private = rate  # which no one is to read
        for training in (True, False, True):
            Scaled.training = training
            for _ in range(3):
                result = fast(1.0)
                assert number(result) == (3.0 * rate if training else 1.0)
    assert len(traces) == 4
    model.w = Value(7.0)
    assert number(fast(1.0)) == 35.0
    model.extra = 1.0
    assert number(fast(1.0)) == 35.0


TEMPERATURE = 2.0


def warmed(x):
    return x * TEMPERATURE


class Warmed(nn.Module):
    def forward(self, x):
        return self.of(x)

    def of(self, x):
        return warmed(x)


def test_what_the_methods_of_a_module_read_is_watched(monkeypatch):
    model = nn.Sequential(Warmed(), Warmed())
    fast = jit(lambda x: model(x), check=False)
    assert [fast(1.0), fast(1.0)] == [4.0, 4.0]
    monkeypatch.setattr(sys.modules[__name__], "TEMPERATURE", 3.0)
    assert fast(1.0) == 9.0


def test_modules_in_private_attributes_are_watched():
    class Scaled(nn.Module):
        def __init__(self):
            self.rate = 2.0

        def forward(self, x):
            return x * self.rate

    class Holding(nn.Module):
        def __init__(self):
            self.first, self._second, self._third = Scaled(), Scaled(), Scaled()

        def forward(self, x):
            return self._third(self._second(self.first(x)))

    nets = Holding(), Holding()
    watch = Watch(lambda x: nets[1](nets[0](x)))
    assert watch.changed() == ""
    for net in nets:
        for part in (net.first, net._second, net._third):
            part.rate = 5.0
            assert watch.changed() == "Scaled.rate"
            part.rate = 2.0
            assert watch.changed() == ""


def test_what_a_function_changes():
    count, numbers = [0], iter([1.0])

    def counting(x):
        count[0] += 1
        return x

    watch = Watch(counting)
    assert watch.changes() == ""
    counting(1.0)
    assert watch.changes() == watch.changed() == "count[0]"
    watch = Watch(lambda x: x * next(numbers))
    assert (watch.changes(), watch.changed()) == ("numbers", "")


def number(x):
    return x.data if type(x) is Value else x
