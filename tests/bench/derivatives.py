"""How fast traced programs are made and run: ``python tests/bench/derivatives.py [--quick]``.

Prints a table: what was measured, the figure, a reference measured beside it in the same process
where it is installed (CasADi, JAX, HIPS autograd), and the goal.  It is a measurement, not a test.

* ``tracing`` -- from a Python function to a gradient that runs, per node, from 1,000 nodes up;
* ``simplifying`` -- all passes on a gradient, per instruction;
* ``running`` -- a gradient, called again, beside CasADi's SX virtual machine and NumPy by hand;
* ``irregular`` -- a program that has no vectors to speak of;
* ``remembering`` -- the memory of a gradient's program;
* ``starting`` -- the same from the beginning, beside CasADi and ``jax.jit``;
* ``eager`` -- gradients without ``jit``, beside HIPS autograd;
* ``guarding`` -- what the guards of ``jit`` cost: of closures, of many programs, of none that fits;
* ``looping`` -- a training step of a net of scalars, its loss jitted and not;
* ``sparse`` -- a sparse Hessian, evaluated again, beside CasADi and HIPS autograd's dense one;
* ``cost`` -- operations of a gradient beside those of the value;
* ``checking`` -- ``check_gradient`` to second order.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import operator
import random
import statistics
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.compiler import derivatives
from autodiff.compiler.machine import Machine
from autodiff.compiler.simplify import simplified
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import trace
from autodiff.compiler.vectorize import OFTEN, vectorized
from autodiff.testing import check_gradient

Function = Callable[[Any], Any]


def rosenbrock(x: Any) -> Any:
    """The chained Rosenbrock function, written in scalars."""
    total = 0.0
    for i in range(len(x) - 1):
        total = total + 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def beale(x: Any) -> Any:
    """Beale's function."""
    a, b = x
    return (1.5 - a + a * b) ** 2 + (2.25 - a + a * b**2) ** 2 + (2.625 - a + a * b**3) ** 2


def himmelblau(x: Any) -> Any:
    """Himmelblau's function."""
    a, b = x
    return (a**2 + b - 11.0) ** 2 + (a + b**2 - 7.0) ** 2


def net(x: Any) -> Any:
    """A net of 2-16-1 tanh neurons on one example, as a function of its 65 weights."""
    hidden = [ad.tanh(0.3 * x[3 * i] - 0.7 * x[3 * i + 1] + x[3 * i + 2]) for i in range(16)]
    return (ad.dot([*x[48:64]], hidden) + x[64] - 0.5) ** 2


def classes(x: Any) -> Any:
    """Softmax cross-entropy of ten scores."""
    return ad.logsumexp([*x]) - x[3]


FUNCTIONS: dict[str, tuple[Function, int]] = {
    "rosenbrock": (rosenbrock, 1000),
    "beale": (beale, 2),
    "himmelblau": (himmelblau, 2),
    "net": (net, 65),
    "classes": (classes, 10),
}


class Line(NamedTuple):
    """One line of the table."""

    what: str
    figure: str
    reference: str
    goal: str


def seconds(work: Callable[[], Any], turns: int) -> float:
    """The median of several turns, after one that is not counted."""
    work()
    taken = []
    for _ in range(turns):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return statistics.median(taken)


def in_turn(works: dict[str, Callable[[], Any]], turns: int, repeats: int) -> dict[str, float]:
    """The median seconds of each, in turn, so that what else the machine does falls on all."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(turns):
        for name, work in works.items():
            start = perf_counter()
            for _ in range(repeats):
                work()
            taken[name].append((perf_counter() - start) / repeats)
    return {name: statistics.median(them) for name, them in taken.items()}


def installed(name: str) -> Any:
    """A module, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def point(n: int) -> Any:
    """Where functions are evaluated."""
    return np.linspace(-0.7, 1.3, n)


def casadi_function(casadi: Any, n: int, kind: str) -> Any:
    """CasADi's gradient or Hessian of ``rosenbrock``."""
    x = casadi.SX.sym("x", n)
    value = rosenbrock([x[i] for i in range(n)])
    derivative = casadi.gradient(value, x) if kind == "gradient" else casadi.hessian(value, x)[0]
    return casadi.Function("f", [x], [derivative])


def casadi_call(f: Any, x: Any) -> Callable[[], Any]:
    """A call of a CasADi function through its buffers: no conversion, no allocation."""
    buffer, evaluate = f.buffer()
    result = np.zeros(f.nnz_out(0))
    buffer.set_arg(0, memoryview(x))
    buffer.set_res(0, memoryview(result))
    keep = (buffer, result)
    return lambda: (evaluate(), keep)


def tracing(sizes: list[int]) -> Iterator[Line]:
    """From a Python function to a gradient that runs."""
    for n in sizes:
        x = point(n // 8)
        taken = seconds(lambda x=x: ad.grad(rosenbrock).lower(x), 3)
        nodes = ad.jit(rosenbrock).lower(x).stats()["nodes"]
        yield Line(
            f"trace to gradient, {nodes:,} nodes",
            f"{taken / nodes * 1e6:.2f} us a node, {taken * 1e3:.0f} ms",
            "",
            "<= 1 us a node",
        )


def simplifying(n: int) -> Iterator[Line]:
    """All passes: on a traced function, and on its gradient."""
    x = point(n)
    p = trace(lambda xs: [rosenbrock(xs)], x.tolist()).program
    gradient = derivatives.reverse(p, [{0: None}], range(n))
    for name, q in {"function": p, "gradient": gradient}.items():
        taken = seconds(lambda q=q: simplified(q), 9)
        yield Line(
            f"simplified {name}, {len(q):,} instructions",
            f"{taken * 1e3:.1f} ms, {taken / len(q) * 1e9:.0f} ns an instruction",
            "",
            "<= 66 ns",
        )


def running(n: int, turns: int) -> Iterator[Line]:
    """A gradient, called again."""
    x = point(n)
    g = ad.jit(ad.grad(rosenbrock))
    for _ in range(OFTEN):
        g(x)

    def by_hand() -> Any:
        between, gradient = x[1:] - x[:-1] ** 2, np.zeros(n)
        gradient[1:] = 200.0 * between
        gradient[:-1] -= 400.0 * between * x[:-1] + 2.0 * (1.0 - x[:-1])
        return gradient

    np.testing.assert_allclose(g(x), by_hand(), rtol=1e-12)
    works: dict[str, Callable[[], Any]] = {"autodiff": lambda: g(x), "numpy": by_hand}
    casadi = installed("casadi")
    if casadi:
        works["casadi"] = casadi_call(casadi_function(casadi, n, "gradient"), x)
    taken = in_turn(works, turns, 20)
    instructions = g.lower(x).stats()["instructions"]
    yield Line(
        f"gradient of Rosenbrock, n = {n:,}, called again",
        f"{taken['autodiff'] * 1e6:.1f} us, "
        f"{taken['autodiff'] / instructions * 1e9:.2f} ns an instruction",
        f"NumPy by hand {taken['numpy'] * 1e6:.1f} us"
        + (f", CasADi SX {taken['casadi'] * 1e6:.1f} us" if casadi else ""),
        "0.5 x CasADi, not slower than NumPy",
    )


def irregular(n: int, turns: int) -> Iterator[Line]:
    """A program of random operations on random operands: in vectors, and one by one."""
    rng = random.Random(0)
    operations = (operator.add, operator.sub, operator.mul, lambda a, b: a / (b * b + 1.0))

    def f(xs: list[Any]) -> list[Any]:
        found = [*xs]
        for _ in range(n):
            found.append(rng.choice(operations)(rng.choice(found), rng.choice(found)))
        return found[len(xs) :]

    x = point(10)
    p = simplified(trace(f, x.tolist()).program)
    one_by_one, in_vectors = Machine(sums(p)), vectorized(p)
    works = {"one by one": lambda: one_by_one(x), "vectors": lambda: in_vectors(x)}
    taken = {name: t / len(p) * 1e9 for name, t in in_turn(works, turns, 20).items()}
    yield Line(
        f"a program without regularity, {len(p):,} instructions",
        f"{taken['vectors']:.2f} ns an instruction",
        f"one by one {taken['one by one']:.2f} ns",
        "not slower",
    )


def remembering(n: int) -> Iterator[Line]:
    """What a gradient's program, ready to run, takes."""
    x = point(n)
    g = ad.grad(rosenbrock)
    g.lower(x)
    gc.collect()
    tracemalloc.start()
    lowered = g.lower(x)
    lowered.run(x)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    nodes, slots = lowered.stats()["nodes"], lowered.program.inputs + len(lowered.program)
    yield Line(
        f"memory of a gradient of {nodes:,} nodes",
        f"{(taken - 8 * slots) / nodes:.0f} bytes a node, and 8 a slot",
        "",
        "<= 100 bytes",
    )


def starting(n: int, small: int) -> Iterator[Line]:
    """From a Python function to its first gradient."""
    x = point(n)
    ours = seconds(lambda: ad.jit(ad.grad(rosenbrock))(x), 3)
    casadi, jax = installed("casadi"), installed("jax")
    reference = ""
    if casadi:
        start = perf_counter()
        casadi_function(casadi, n, "gradient")(x)
        theirs = perf_counter() - start
        reference = f"CasADi {theirs * 1e3:.0f} ms: {theirs / ours:.0f} x"
    yield Line(
        f"first gradient of Rosenbrock, n = {n:,}", f"{ours * 1e3:.1f} ms", reference, ">= 20 x"
    )
    x = point(small)
    ours = seconds(lambda: ad.jit(ad.grad(rosenbrock))(x), 5)
    reference = ""
    if jax:
        jax.config.update("jax_enable_x64", True)

        def vectorised(x: Any) -> Any:
            return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

        def first() -> None:
            jax.clear_caches()
            jax.jit(jax.grad(vectorised))(x).block_until_ready()

        theirs = seconds(first, 3)
        reference = f"jax.jit, vectorised, {theirs * 1e3:.0f} ms: {theirs / ours:.0f} x"
    yield Line(
        f"first gradient of Rosenbrock, n = {small}", f"{ours * 1e3:.2f} ms", reference, "faster"
    )


def eager(n: int, turns: int) -> Iterator[Line]:
    """A gradient by one run on Values and one sweep; and without the transform around it."""
    x = point(n)
    g = ad.grad(rosenbrock)

    def by_hand() -> Any:
        xs = [ad.Value(a) for a in x.tolist()]
        rosenbrock(xs).backward()
        return [v.grad for v in xs]

    nodes = ad.jit(rosenbrock).lower(x).stats()["nodes"]
    taken = in_turn({"grad": lambda: g(x), "hand": by_hand}, turns, 3)
    autograd = installed("autograd")
    reference = f"backward() by hand {taken['hand'] / nodes * 1e9:.0f} ns a node"
    if autograd:
        theirs = seconds(lambda: autograd.grad(rosenbrock)(x), 1)
        reference += f"; HIPS autograd {theirs * 1e3:.0f} ms: {theirs / taken['grad']:.0f} x"
    yield Line(
        f"grad without jit of Rosenbrock, n = {n:,}",
        f"{taken['grad'] * 1e3:.2f} ms, {taken['grad'] / nodes * 1e9:.0f} ns a node",
        reference,
        "<= 120 ns a node",
    )


def root(a: Any) -> Any:
    """The square root by Newton's method: how often it turns depends on the number."""
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def bisected(a: Any) -> Any:
    """The square root by bisection: every number has a way through it of its own."""
    low, high = a * 0.0, a + 1.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle * middle < a else (low, middle)
    return low


def huber(x: Any) -> Any:
    """Huber's loss of residuals, with an ``if`` for each."""
    return ad.sum([0.5 * r * r if abs(r) < 1 else abs(r) - 0.5 for r in x])


def branches(x: Any) -> Any:
    """A hundred ways through one function."""
    for k in range(100):
        if x < k:
            return x * k
    return x


def guarding(turns: int) -> Iterator[Line]:
    """What it costs that programs rest on what a function reads, and on comparisons."""
    scale, offset, weights = 2.0, 3, np.ones(3)
    plain = ad.jit(lambda x: x * 2.0)
    reading = ad.jit(lambda x: x * scale + offset * weights[0] + len(FUNCTIONS))
    for f in (plain, reading):
        for _ in range(9):
            f(1.5)
    works = {"plain": lambda: plain(1.5), "reading": lambda: reading(1.5)}
    taken = in_turn(works, turns, 500)
    over = taken["reading"] - taken["plain"]
    yield Line("guards of a closure", f"{over * 1e6:.2f} us", "", "< 2 us")

    numbers = [k - 0.5 for k in range(101)]
    many, roots = ad.jit(branches), ad.jit(root)
    powers = [10.0**k for k in range(-10, 11)]
    for _ in range(4):
        for a in numbers:
            many(a)
        for a in powers:
            roots(a)
    taken = in_turn(
        {
            "one": lambda: plain(1.5),
            "many": lambda: [many(a) for a in numbers],
            "roots": lambda: [roots(a) for a in powers],
        },
        turns,
        10,
    )
    one = f"one program {taken['one'] * 1e6:.1f} us"
    for name, calls in {"many": 101, "roots": 21}.items():
        what = {"many": "one of 101 programs", "roots": "Newton's root, 21 programs"}[name]
        each = taken[name] / calls * 1e6
        yield Line(f"{what}, found and run", f"{each:.1f} us", one, "about one")

    draw = np.random.default_rng(0)
    for name, f, make in (
        ("bisection", bisected, lambda: float(draw.uniform(1, 100))),
        ("Huber's loss, 2,000 residuals", huber, lambda: draw.normal(size=2000).tolist()),
    ):
        fast = ad.jit(f)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = perf_counter()
            for _ in range(130):
                fast(make())
            learning = perf_counter() - start
        given = make()
        taken = in_turn(
            {
                "jit": lambda fast=fast, given=given: fast(given),
                "eager": lambda f=f, given=given: f(given),
            },
            turns,
            50,
        )
        yield Line(
            f"{name}, guards keep failing",
            f"{taken['jit'] / taken['eager']:.2f} x eager, after {learning:.2f} s",
            f"eager {taken['eager'] * 1e6:.0f} us",
            "<= 1.2 x",
        )


def looping(n: int, turns: int) -> Iterator[Line]:
    """A step of gradient descent, of a net whose parameters the jitted loss closes over."""
    rng = np.random.default_rng(0)
    hidden, last = ([[ad.Value(x) for x in rng.normal(size=n)] for _ in range(m)] for m in (n, 1))
    parameters = [w for row in (*hidden, *last) for w in row]
    optimizer = ad.optim.SGD(parameters, lr=1e-4)
    x = point(n).tolist()

    def loss(x: Any) -> Any:
        h = [ad.tanh(sum(w * a for w, a in zip(row, x, strict=True))) for row in hidden]
        return (sum(w * a for w, a in zip(last[0], h, strict=True)) - 0.5) ** 2

    def step(f: Function) -> None:
        value = f(x)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    fast = ad.jit(loss)
    taken = in_turn({"jit": lambda: step(fast), "eager": lambda: step(loss)}, turns, 20)
    yield Line(
        f"training step of {len(parameters):,} scalar parameters",
        f"{taken['jit'] * 1e3:.2f} ms, {taken['jit'] / len(parameters) * 1e9:.0f} ns a parameter",
        f"without jit {taken['eager'] * 1e3:.2f} ms: {taken['eager'] / taken['jit']:.1f} x",
        "",
    )


def sparse(n: int, turns: int) -> Iterator[Line]:
    """A sparse Hessian, evaluated again."""
    x = point(n)
    h = ad.jit(ad.hessian(rosenbrock, sparse=True))
    for _ in range(OFTEN):
        h(x)
    entries = h.lower(x)
    works: dict[str, Callable[[], Any]] = {
        "entries": lambda: entries.run(x),
        "matrix": lambda: h(x),
    }
    casadi, autograd = installed("casadi"), installed("autograd")
    if casadi:
        works["casadi"] = casadi_call(casadi_function(casadi, n, "hessian"), x)
    taken = in_turn(works, turns, 20)
    dense = ""
    if autograd:
        import autograd.numpy as anp

        def vectorised(x: Any) -> Any:
            return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

        theirs = seconds(lambda: autograd.hessian(vectorised)(x), 1)
        dense = f"; HIPS autograd, dense, {theirs * 1e3:.0f} ms: {theirs / taken['matrix']:.0f} x"
    yield Line(
        f"sparse Hessian of Rosenbrock, n = {n:,}",
        f"entries {taken['entries'] * 1e6:.1f} us, SciPy matrix {taken['matrix'] * 1e6:.1f} us",
        (f"CasADi {taken['casadi'] * 1e6:.1f} us" if casadi else "") + dense,
        "0.5 x CasADi; >= 1,000 x",
    )


def cost() -> Iterator[Line]:
    """Operations of a gradient beside those of the value."""
    for name, (f, n) in FUNCTIONS.items():
        x = point(n)
        value = ad.jit(f).lower(x).stats()["flops"]
        gradient = ad.grad(f).lower(x).stats()["flops"]
        yield Line(
            f"operations of the gradient, {name}",
            f"{gradient:,} for {value:,}: {gradient / value:.2f} x",
            "",
            "<= 4 x",
        )


def checking(turns: int) -> Iterator[Line]:
    """Derivatives of first and second order, compared with finite differences."""
    for name, n in {"rosenbrock": 30, "net": 65}.items():
        x = point(n)
        taken = seconds(lambda f=FUNCTIONS[name][0], x=x: check_gradient(f, x), turns)
        yield Line(f"check of {name}, {n} inputs", f"{taken * 1e3:.0f} ms", "", "<= 250 ms")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer")
    quick = parser.parse_args().quick
    sizes = [1_000, 10_000, 60_000] if quick else [1_000, 10_000, 60_000, 300_000, 1_000_000]
    print(f"{'what':48} {'figure':42} {'goal':24} reference")
    for lines in (
        tracing(sizes),
        simplifying(3_000 if quick else 30_000),
        *(() if quick else (simplifying(75_000),)),
        running(1000, 10 if quick else 50),
        irregular(10_000, 5 if quick else 20),
        remembering(10_000),
        starting(2_000 if quick else 10_000, 100),
        eager(1000, 5 if quick else 30),
        guarding(3 if quick else 20),
        looping(62, 10 if quick else 50),
        sparse(1000, 10 if quick else 50),
        cost(),
        checking(3 if quick else 10),
    ):
        for line in lines:
            print(f"{line.what:48} {line.figure:42} {line.goal:24} {line.reference}", flush=True)


if __name__ == "__main__":
    main()
