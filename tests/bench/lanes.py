"""How fast ``vmap`` runs scalar code for many lanes: ``python tests/bench/lanes.py [--quick]``.

Prints a table: milliseconds a call of a jitted vmap, and of the same by hand in NumPy, on the same
numbers in the same run; and those of the first call, with what it takes to trace and compile.
It is a measurement, not a test: it always exits with 0.

The fastest of many turns counts; subject and reference take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

import autodiff
from autodiff import exp, jit, log, mean, nn, no_grad, relu, value_and_grad, vmap
from autodiff.compiler.vectorize import OFTEN
from autodiff.optim import SGD

STEPS = 50


def payoff(s: Any, sigma: Any, r: Any, z: Any) -> Any:
    """A call on the geometric mean of a path of 50 steps."""
    dt, x, total = 1 / STEPS, log(s), 0.0
    for k in range(STEPS):
        x = x + (r - 0.5 * sigma * sigma) * dt + sigma * dt**0.5 * z[k]
        total = total + x
    return exp(-r) * relu(exp(total / STEPS) - 100.0)


def payoff_by_hand(s: float, sigma: float, r: float, z: Any) -> tuple[Any, ...]:
    """The same of many paths, with its derivatives by the first three."""
    dt = 1 / STEPS
    x = np.log(s) + np.cumsum((r - 0.5 * sigma**2) * dt + sigma * dt**0.5 * z, axis=1)
    mean, discount = np.exp(x.mean(axis=1)), np.exp(-r)
    value = discount * np.maximum(mean - 100.0, 0)
    slope = (mean > 100.0) * discount * mean
    weights = np.arange(STEPS, 0, -1) / STEPS
    by_sigma = slope * ((-sigma * dt + dt**0.5 * z) * weights).sum(axis=1)
    return value, slope / s, by_sigma, slope * (dt * weights).sum() - value


def beside(z: Any) -> None:
    """How long JAX, and XAD for Python, take for the same paths, where they are installed."""
    if find_spec("jax"):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)

        def of_path(s: Any, sigma: Any, r: Any, z: Any) -> Any:
            steps = (r - 0.5 * sigma**2) / STEPS + sigma * (1 / STEPS) ** 0.5 * z
            mean = jnp.exp((jnp.log(s) + jnp.cumsum(steps)).mean())
            return jnp.exp(-r) * jnp.maximum(mean - 100.0, 0.0)

        mapped = jax.jit(jax.vmap(jax.value_and_grad(of_path, (0, 1, 2)), (None, None, None, 0)))
        ms = fastest(lambda: jax.block_until_ready(mapped(100.0, 0.2, 0.05, z)), 20)
        print(f"    by jax.jit, written in arrays, on all cores: {ms:.2f}")
    if find_spec("xad"):
        import xad.adj_1st as adj
        import xad.math as xm

        def by_tape() -> None:
            for row in z[:20].tolist():
                with adj.Tape() as tape:
                    s, sigma, r = inputs = [adj.Real(x) for x in (100.0, 0.2, 0.05)]
                    for x in inputs:
                        tape.registerInput(x)
                    tape.newRecording()
                    x, total = xm.log(s), 0.0
                    for normal in row:
                        x = x + (r - 0.5 * sigma * sigma) / STEPS
                        x = x + sigma * (1 / STEPS) ** 0.5 * normal
                        total = total + x
                    value = xm.exp(-r) * xm.fmax(xm.exp(total / STEPS) - 100.0, 0.0)
                    tape.registerOutput(value)
                    value.derivative = 1.0
                    tape.computeAdjoints()

        ms = fastest(by_tape, 5) * len(z) / 20
        print(f"    by XAD, from 20 of the paths: {ms:.0f}")


def fastest(call: Callable[[], Any], turns: int) -> float:
    """The fewest milliseconds of some turns, after one that does not count."""
    call()
    times = []
    for _ in range(turns):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times) * 1e3


def root(a: Any) -> Any:
    """A square root by Newton's method."""
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x


def roots_by_hand(a: Any) -> Any:
    """The same of many numbers, with a mask of those that are not done."""
    x = a.copy()
    busy = np.ones(len(a), bool)
    while busy.any():
        x[busy] = (x[busy] + a[busy] / x[busy]) / 2
        with np.errstate(over="ignore"):
            busy = np.abs(x * x - a) > 1e-12 * a
    return x


def layers(rng: np.random.Generator) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A net of 784-50-10 on 100 images, and by hand."""
    model = nn.MLP(784, [50, 10], "tanh", rng)
    images = rng.random((100, 784))
    w1, b1, w2, b2 = by_hand(model)
    mapped = jit(vmap(lambda x: model(list(x))), check=False)

    def ours() -> Any:
        with no_grad():
            return np.array(mapped(images)).T

    return ours, lambda: np.tanh(images @ w1 + b1) @ w2 + b2


def by_hand(model: Any) -> list[Any]:
    """The weights and biases of a net, layer after layer."""
    return [
        part
        for layer in model.layers
        for part in (
            np.array([[w.data for w in neuron.weights] for neuron in layer.neurons]).T,
            np.array([neuron.bias.data for neuron in layer.neurons]),
        )
    ]


def stepping(model: Any, loss: Callable[[], Any], rate: float) -> Callable[[], Any]:
    """A step of training, which returns the loss before it."""
    optimizer = SGD(model.parameters(), lr=rate)

    def step() -> Any:
        optimizer.zero_grad()
        found = loss()
        found.backward()
        optimizer.step()
        return found.data

    return step


def digits(rng: np.random.Generator) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A step of training of 784-50-10 on 100 images: zero_grad, backward, SGD."""
    model = nn.MLP(784, [50, 10], "relu", rng)
    images, classes = rng.random((100, 784)), rng.integers(0, 10, size=100)
    loss = jit(
        lambda x, t: mean(vmap(lambda x, t: nn.cross_entropy([model(x)], [t]))(x, t)), check=False
    )
    w1, b1, w2, b2 = by_hand(model)
    rows = np.arange(100)

    def step() -> Any:
        z = images @ w1 + b1
        h = np.maximum(z, 0)
        scores = h @ w2 + b2
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        total = e.sum(axis=1, keepdims=True)
        found = (np.log(total[:, 0]) - scores[rows, classes]).mean()
        d = e / total
        d[rows, classes] -= 1
        d /= 100
        dh = (d @ w2.T) * (z > 0)
        for x, gradient in (
            *((w2, h.T @ d), (b2, d.sum(axis=0))),
            *((w1, images.T @ dh), (b1, dh.sum(axis=0))),
        ):
            x -= 0.01 * gradient
        return found

    return stepping(model, lambda: loss(images, classes), 0.01), step


def moons(rng: np.random.Generator) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A step of training of 2-16-16-1 on 100 points, hinge loss and an L2 penalty."""
    model = nn.MLP(2, [16, 16, 1], "relu", rng)
    points, sides = rng.normal(size=(100, 2)), np.where(rng.random(100) < 0.5, -1.0, 1.0)
    weights = model.parameters()
    loss = jit(
        lambda x, t: (
            nn.hinge_loss([model(row) for row in x], [[side] for side in t])
            + 1e-4 * nn.l2_penalty(weights)
        ),
        check=False,
    )
    w1, b1, w2, b2, w3, b3 = parts = by_hand(model)

    def step() -> Any:
        z1 = points @ w1 + b1
        h1 = np.maximum(z1, 0)
        z2 = h1 @ w2 + b2
        h2 = np.maximum(z2, 0)
        gap = 1 - sides * (h2 @ w3 + b3)[:, 0]
        found = np.maximum(gap, 0).mean() + 1e-4 * sum((x * x).sum() for x in parts)
        d3 = np.where(gap > 0, -sides / 100, 0.0)[:, None]
        d2 = (d3 @ w3.T) * (z2 > 0)
        d1 = (d2 @ w2.T) * (z1 > 0)
        gradients = (
            *(points.T @ d1, d1.sum(axis=0), h1.T @ d2, d2.sum(axis=0)),
            *(h2.T @ d3, d3.sum(axis=0)),
        )
        for x, gradient in zip(parts, gradients, strict=True):
            x -= 0.01 * (gradient + 2e-4 * x)
        return found

    return stepping(model, lambda: loss(points, sides), 0.01), step


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the turns")
    turns = 5 if parser.parse_args().quick else 50
    rng = np.random.default_rng(0)
    z, numbers = rng.normal(size=(10_000, STEPS)), rng.uniform(1.0, 100.0, size=100_000)
    wide = 10 ** rng.uniform(-300, 300, size=100_000)
    greeks = jit(vmap(value_and_grad(payoff, (0, 1, 2)), (None, None, None, 0)), check=False)
    roots, of_wide = jit(vmap(root), check=False), jit(vmap(root), check=False)

    def of_paths() -> Any:
        value, by = greeks(100.0, 0.2, 0.05, z)
        return value, *by

    subjects = {
        "value and three derivatives of 10,000 paths of 50 steps": (
            of_paths,
            lambda: payoff_by_hand(100.0, 0.2, 0.05, z),
        ),
        "Newton's square root of 100,000 numbers from 1 to 100": (
            lambda: roots(numbers),
            lambda: roots_by_hand(numbers),
        ),
        "the same from 1e-300 to 1e300, 501 different ways": (
            lambda: of_wide(wide),
            lambda: roots_by_hand(wide),
        ),
        "a net of 784-50-10 on 100 images": layers(rng),
        "a step of training it": digits(rng),
        "a step of training 2-16-16-1 on 100 points, unrolled": moons(rng),
    }
    print(f"milliseconds a call, {'compiled' if autodiff.COMPILED else 'interpreted'}")
    for name, (ours, by_hand) in subjects.items():
        warm = "training" in name
        start = perf_counter()
        found = ours()
        first = perf_counter() - start
        reference = np.array(by_hand())  # both go a step
        np.testing.assert_allclose(np.array(found), reference, rtol=1e-9, atol=1e-9)
        for _ in range(OFTEN + 1 if warm else 1):  # programs that run often are vectorised
            ours()
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(turns):
            for call, taken in zip((ours, by_hand), times, strict=True):
                start = perf_counter()
                call()
                taken.append(perf_counter() - start)
        ms, numpy = (min(taken) * 1e3 for taken in times)
        print(
            f"{name}: {ms:.2f}, by hand in NumPy {numpy:.2f} ({ms / numpy:.2f}x); "
            f"the first call {first * 1e3:.0f}"
        )
        if ours is of_paths:
            beside(z)


if __name__ == "__main__":
    main()
