"""How fast traced programs are made and run: ``python tests/bench/derivatives.py [--quick]``.

Prints a table: what was measured, the figure, a reference measured beside it in the same process
where it is installed (CasADi, JAX, HIPS autograd), and the goal.  It is a measurement, not a test.

* ``tracing`` -- from a Python function to a gradient that runs, per node, from 1,000 nodes up;
* ``simplifying`` -- all passes on a gradient, per instruction;
* ``running`` -- a gradient, called again, beside CasADi's SX virtual machine;
* ``starting`` -- the same from the beginning, beside CasADi and ``jax.jit``;
* ``sparse`` -- a sparse Hessian, evaluated again, beside CasADi and HIPS autograd's dense one;
* ``cost`` -- operations of a gradient beside those of the value;
* ``checking`` -- ``check_gradient`` to second order.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.compiler import derivatives
from autodiff.compiler.passes import simplified
from autodiff.compiler.trace import trace
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
            "<= 2 us a node",
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
    g = ad.grad(rosenbrock)
    works: dict[str, Callable[[], Any]] = {"autodiff": lambda: g(x)}
    casadi = installed("casadi")
    if casadi:
        works["casadi"] = casadi_call(casadi_function(casadi, n, "gradient"), x)
    taken = in_turn(works, turns, 20)
    instructions = g.lower(x).stats()["instructions"]
    yield Line(
        f"gradient of Rosenbrock, n = {n:,}, called again",
        f"{taken['autodiff'] * 1e6:.1f} us, "
        f"{taken['autodiff'] / instructions * 1e9:.2f} ns an instruction",
        f"CasADi SX {taken['casadi'] * 1e6:.1f} us" if casadi else "",
        "not slower",
    )


def starting(n: int, small: int) -> Iterator[Line]:
    """From a Python function to its first gradient."""
    x = point(n)
    ours = seconds(lambda: ad.grad(rosenbrock)(x), 3)
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
    ours = seconds(lambda: ad.grad(rosenbrock)(x), 5)
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


def sparse(n: int, turns: int) -> Iterator[Line]:
    """A sparse Hessian, evaluated again."""
    x = point(n)
    h = ad.hessian(rosenbrock, sparse=True)
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
        "not slower; >= 1,000 x",
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
        starting(2_000 if quick else 10_000, 100),
        sparse(1000, 10 if quick else 50),
        cost(),
        checking(3 if quick else 10),
    ):
        for line in lines:
            print(f"{line.what:48} {line.figure:42} {line.goal:24} {line.reference}", flush=True)


if __name__ == "__main__":
    main()
