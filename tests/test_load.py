"""Large graphs, many sweeps and threads, too little memory, signals, forks: numbers stay right.

A graph has a million nodes compiled and a hundred thousand interpreted; with
HYPOTHESIS_PROFILE=nightly everything is larger.  What limits memory, forks or takes signals runs
as a program in a process of its own.  All gradients are whole numbers, so that they are exact in
whatever order they are added up.
"""

import gc
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

import autodiff
from autodiff import COMPILED, Value, detect_anomaly, dot, no_grad
from autodiff import sum as sum_of
from autodiff.sweeps import topological_order

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
NODES = (1_000_000 if COMPILED else 100_000) * (10 if NIGHTLY else 1)
SWEEPS = 1_000_000 if NIGHTLY else 20_000
MOVES = 20_000 if NIGHTLY else 100  # of each thread
ATTEMPTS = 20_000 if NIGHTLY else 300  # to interrupt a sweep
STEPS = 10_000_000 if NIGHTLY else 100_000  # of training


def run(program, *arguments):
    """Run a program on the engine that runs here; what it prints must end in ``right``."""
    environment = os.environ | {
        "AUTODIFF_PURE": "0" if COMPILED else "1",
        "MALLOC_MMAP_THRESHOLD_": "65536",  # what is large is given back when it is released,
        "MALLOC_ARENA_MAX": "1",  # and no memory is kept in reserve
    }
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=Path(autodiff.__file__).parent.parent, env=environment,
        capture_output=True, text=True, timeout=36_000 if NIGHTLY else 1200,
    )  # fmt: skip
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr[-3000:]}"
    assert done.stdout.split()[-1:] == ["right"], done.stdout[-3000:] + done.stderr[-3000:]


def chain(n):
    """One operation after another on one leaf."""
    x = v = Value(1.0)
    for _ in range(n - 1):
        v = v + x
    return v, [x], [n]


def fan_in(n):
    """One node over half of all nodes, each of them a leaf's multiple."""
    leaves = [Value(1.0) for _ in range(n // 2)]
    partials = [i % 7 for i in range(n // 2)]
    return sum_of([x * k for x, k in zip(leaves, partials, strict=True)]), leaves, partials


def diamonds(n):
    """Two ways from every third node to the next: 2 ** (n / 3) paths in all."""
    x = v = Value(1.0)
    for _ in range(n // 3):
        v = v * 0.25 + v * 0.75
    return v, [x], [1]


def nested_lists(n):
    """A list in a list in a list: each level adds 2x + 3x * x + x."""
    x = v = Value(1.0)
    for _ in range(n // 4):
        v = dot([v, x * 2.0, x * 3.0, 1.0], [1.0, 1.0, x * 1.0, x])
    return v, [x], [1 + 9 * (n // 4)]


@pytest.mark.parametrize("build", [chain, fan_in, diamonds, nested_lists])
def test_large_graphs_have_exact_gradients_and_are_released_whole(build):
    gc.collect()
    before = sys.getallocatedblocks()
    root, leaves, wanted = build(NODES)
    assert sys.getallocatedblocks() > before + 0.9 * NODES or not before  # it sees them
    assert abs(len(topological_order([root])) - NODES) <= 4
    root.backward()
    assert [x.grad for x in leaves] == wanted
    root.backward(2.0)
    assert [x.grad for x in leaves] == [3 * gradient for gradient in wanted]
    del root, leaves, wanted
    gc.collect()
    assert sys.getallocatedblocks() < before + 10_000  # a few thousand nodes are kept


def test_an_order_holds_what_nobody_else_holds():
    order = topological_order(sum_of([Value(float(i)), 1.0]) for i in range(1000))
    more = [Value(-1.0) for _ in range(5000)]  # where released nodes were, these would be
    assert [v.data for v in order] == [i + k for i in range(1000) for k in (0.0, 1.0)]
    assert len(more) == 5000


def test_gradients_add_up_exactly_over_many_sweeps():
    x, y, z = leaves = [Value(2.0), Value(3.0), Value(5.0)]
    kept = x * y + z * z  # partials 3, 2, 10
    wanted = [0, 0, 0]
    for seed in [0, 1, 2, 3, 4] * (SWEEPS // 10):
        kept.backward(seed)
        sum_of([x * x, y - z, (x * 4.0) * z]).backward()
        partials = [3 * seed + 4 + 20, 2 * seed + 1, 10 * seed - 1 + 8]
        wanted = [w + p for w, p in zip(wanted, partials, strict=True)]
    assert [v.grad for v in leaves] == wanted


class Player:
    """A thread's graphs, made at random from leaves, and what each leaf's gradient must become."""

    def __init__(self, seed, shared):
        self.draw = random.Random(seed)
        self.private = [Value(float(k)) for k in (-1, 2, 3)]
        leaves = [*shared, *self.private]
        self.wanted = [0] * len(leaves)
        self.start = [(x, [int(x is y) for y in leaves]) for x in leaves]
        self.made = [*self.start]  # each with its partial derivatives by the leaves

    def play(self):
        often = [self.record, self.sweep] * 3 + [self.forget, self.unrecorded]
        for _ in range(MOVES):
            self.draw.choice([*often * 10, gc.collect])()

    def record(self):
        (a, das), (b, dbs), (c, dcs) = self.draw.choices(self.made, k=3)
        v = sum_of([a * b, c, 1.0]) - b  # partials b, a - 1, 1
        each = zip(das, dbs, dcs, strict=True)
        partials = [b.data * da + (a.data - 1) * db + dc for da, db, dc in each]
        if max(map(abs, [v.data, *partials])) < 1e6:  # all sums stay exact
            self.made.append((v, partials))

    def sweep(self):
        v, partials = self.draw.choice(self.made)
        seed, kind = self.draw.randrange(-3, 4), self.draw.randrange(30)
        with detect_anomaly() if kind < 10 else nullcontext():  # calls Python for every node
            v.backward(float(seed), create_graph=kind == 0)
        self.wanted = [w + seed * d for w, d in zip(self.wanted, partials, strict=True)]

    def forget(self):
        del self.made[self.draw.randrange(len(self.start), len(self.made) + 1) :]

    def unrecorded(self):
        (a, _), (b, _) = self.draw.choices(self.made, k=2)
        with no_grad():
            assert (a * b + sum_of([a, b])).operands == ()
        assert (a + b).operands == (a, b)


def test_threads_record_sweep_and_release_at_random():
    shared = [Value(1.0), Value(-2.0)]
    players = [Player(seed, shared) for seed in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(players)) as pool:
            list(pool.map(Player.play, players))
    finally:
        sys.setswitchinterval(interval)
    together = [sum(numbers) for numbers in zip(*(p.wanted[:2] for p in players), strict=True)]
    wanted = [*together, *(number for player in players for number in player.wanted[2:])]
    grads = [v.grad for v in [*shared, *(x for player in players for x in player.private)]]
    assert [g.data if type(g) is Value else g for g in grads] == wanted
    assert all(wanted)


MEMORY = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from autodiff import Value, dot, sum
def with_little(megabytes, function):
    global failures
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + int(megabytes * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        function()
        return True
    except MemoryError:
        failures += 1
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
def still_right():
    a, b = Value(2.0), Value(3.0)
    with ThreadPoolExecutor(1) as pool:  # it would hang if a lock were left taken
        pool.submit(dot([a * b, b, 1.0], [b, a - b, a]).backward).result()
    assert (a.grad, b.grad) == (13.0, 8.0)
def grow():
    while True:
        made[0] = made[0] + x
        count[0] += 1
hard, n = resource.getrlimit(resource.RLIMIT_AS)[1], int(sys.argv[2])
x = root = Value(1.0)
failures = 0
for _ in range(n):
    root = root + x
wide, xs = sum([x * 2.0 for _ in range(n)]), [x] * n
cases = {
    "nodes": [],
    "traversals": [(root.backward, n + 1), (wide.backward, 2 * n)],
    "lists": [(lambda: sum(xs).backward(), n), (lambda: dot(xs, xs).backward(), 2 * n)],
}
for function, gradient in cases[sys.argv[1]]:
    for part in range(100):
        x.grad = 0.0
        done = with_little(n * 4 / 2**20 * part, function)
        assert x.grad == (gradient if done else 0.0), (part, x.grad)
        still_right()
        if done:
            break
    assert done
if sys.argv[1] == "nodes":
    made, count = [x], [0]
    with_little(20, grow)
    still_right()
    made[0].backward()
    assert x.grad - count[0] in (1, 2) and count[0] > 10_000, (x.grad, count)
assert failures
print("right")
"""


@pytest.mark.parametrize("what", ["nodes", "traversals", "lists"])
def test_without_memory_there_is_a_memory_error_and_no_harm(what):
    run(MEMORY, what, 300_000 if COMPILED else 60_000)


SIGNALS = """
import contextlib, os, random, signal, sys, time
from autodiff import Value, detect_anomaly, sum
def on_signal(number, frame):
    global armed, swept, refused
    if armed:
        armed = False
        if handler == "raises":
            raise KeyboardInterrupt
        try:
            root.backward()
            swept += 1
        except RuntimeError as refusal:  # a traversal inside a traversal; the outer one goes on
            assert "inside another traversal" in str(refusal)
            refused = True
def attempt():
    global armed, swept, refused, typical
    for x in leaves:
        x.grad = 0.0
    swept, refused = 0, False
    start = time.perf_counter()
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.05, 1.2) * typical)
        sweep()
        swept += 1
        armed = False
        typical = time.perf_counter() - start  # beside whatever else runs now
    except KeyboardInterrupt:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    grads = [getattr(x.grad, "data", x.grad) for x in leaves]
    possible = [swept] if swept or handler == "calls" else [0, 1]  # or raised just after it
    assert grads in [[k * (i + 2) for i in range(size)] for k in possible], (swept, grads)
    return swept != 1 or refused  # was it interrupted?
def sweep():
    root.backward(create_graph=mode == "create_graph")
handler, mode, size, attempts = *sys.argv[1:3], *map(int, sys.argv[3:])
draw = random.Random(1)
leaves = [Value(1.0) for _ in range(size)]
root = sum([x * i + x * x for i, x in enumerate(leaves)])
armed, swept, refused, parent = False, 0, False, os.getpid()
signal.signal(signal.SIGALRM, on_signal)
signal.signal(signal.SIGINT, on_signal)
with detect_anomaly() if mode == "detecting" else contextlib.nullcontext():
    start = time.perf_counter()
    sweep()
    typical = time.perf_counter() - start
    child = os.fork()
    while child == 0:
        time.sleep(draw.uniform(0.0, 10 * typical))
        os.kill(os.getppid(), signal.SIGINT) if os.getppid() == parent else os._exit(0)
    try:
        done = interrupted = 0
        while done < attempts or interrupted < attempts / 20:  # however many that takes
            interrupted += attempt()
            done += 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
print("right")
"""


@pytest.mark.parametrize("mode", ["plain", "detecting", "create_graph"])
@pytest.mark.parametrize("handler", ["raises", "calls"])
def test_an_interrupted_sweep_is_whole_or_has_changed_nothing(handler, mode):
    run(SIGNALS, handler, mode, 2000 if COMPILED and mode == "plain" else 60, ATTEMPTS)


FORKS = """
import multiprocessing, os, signal, sys, threading
from autodiff import Value, detect_anomaly, sum
def gradient(k):
    a = Value(float(k))
    (a * a * a + shared * a).backward()
    return a.grad - 3.0 * k * k
def work():
    with detect_anomaly():
        while True:
            busy.backward()
shared = Value(2.0)
kept = sum([shared * shared for _ in range(1000)])
xs = [Value(1.0) for _ in range(1000)]
busy = sum([x * 2.0 for x in xs])
for _ in range(int(sys.argv[1])):
    threading.Thread(target=work, daemon=True).start()
sys.setswitchinterval(1e-4)
wanted = 0.0
for k in range(20):
    child = os.fork()
    if child == 0:
        signal.alarm(200)  # if it hangs, it ends
    kept.backward()
    wanted += k + 4000.0
    right = gradient(k) == 2.0 and shared.grad == wanted
    if child == 0:
        os._exit(0 if right and len({x.grad for x in xs}) == 1 else 1)  # no half sweep
    assert right and os.waitpid(child, 0)[1] == 0, f"fork {k}"
with multiprocessing.get_context("fork").Pool(2, signal.alarm, (200,)) as pool:
    assert pool.map(gradient, range(50)) == [2.0] * 50
assert shared.grad == wanted
print("right")
"""


@pytest.mark.parametrize("threads", [0, 2])
def test_parent_and_child_go_on_rightly_after_a_fork(threads):
    run(FORKS, threads)


LEAKS = """
import gc, resource, sys, tracemalloc
from autodiff import Value, detect_anomaly, dot, log, no_grad, primitive, scope, sum, tanh
def refuse(*numbers):
    raise ArithmeticError
cube = primitive("cube", lambda a: a**3, [lambda a, v: 3 * a * a])
no_value = primitive("no_value", refuse, [lambda a, v: a])
no_partial = primitive("no_partial", lambda a: a, [refuse])
once = primitive("once", lambda a: a, [lambda a, v: 1.0 if type(a) is float else refuse()])
no_number = primitive("no_number", lambda a: "a", [lambda a, v: a])
ws = [Value(0.5, name=f"w{i}") for i in range(3)]
unsweepable = Value(0.0).sqrt() * 2.0
def loss():
    return (tanh(dot(ws, [1.0, -1.0, ws[0]])) * ws[1] + sum(ws) - 1.0) ** 2
def step():
    loss().backward()
    for w in ws:
        w.data -= 0.01 * w.grad
        w.grad = 0.0
def twice():
    loss().backward(create_graph=True)
    penalty = sum([w.grad * w.grad for w in ws])
    for w in ws:
        w.grad = 0.0
    penalty.backward()
    step()
def run(error, function, context=lambda: scope("training")):
    try:
        with context():
            function()
    except error:
        return
    assert error == (), f"no {error}"
kinds = [
    *[((), step)] * 5, ((), lambda: cube(loss()).backward()), ((), loss, no_grad),
    (ArithmeticError, lambda: no_value(loss())),
    (ArithmeticError, lambda: sum([loss(), no_partial(ws[0])])),
    (TypeError, lambda: no_number(loss())),
    (TypeError, lambda: sum([loss(), *ws, "a"])),
    (FloatingPointError, lambda: log(loss() * 0.0), detect_anomaly),
    (FloatingPointError, unsweepable.backward, detect_anomaly),
]
second = lambda: (loss() * once(ws[0])).backward(create_graph=True)
rare = [((), twice), (ArithmeticError, second)]
def train(steps):
    for i in range(steps):
        run(*kinds[i % len(kinds)] if i % 20 else rare[i // 20 % 2])
    gc.collect()
def used():
    return sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
train(int(sys.argv[1]) // 10)
blocks, most = used()
train(int(sys.argv[1]))
assert used()[0] < blocks + 500, (blocks, used())
assert used()[1] < most + 1024, (most, used())  # kilobytes
tracemalloc.start()
train(400)
before = tracemalloc.get_traced_memory()[0]
train(4000)
assert tracemalloc.get_traced_memory()[0] < before + 20_000
print("right")
"""


def test_training_of_every_kind_leaks_nothing():
    run(LEAKS, STEPS)
