"""How fast ``vmap`` runs scalar code for many lanes: ``python tests/bench/lanes.py [--quick]``.

Prints a table: milliseconds a call of a jitted vmap, and of the same by hand in NumPy, on the same
numbers in the same run; and those of the first call, with what it takes to trace and compile.
It is a measurement, not a test: it always exits with 0.

The fastest of many turns counts; subject and reference take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import autodiff
from autodiff import exp, jit, log, nn, no_grad, relu, value_and_grad, vmap

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
        busy = np.abs(x * x - a) > 1e-12 * a
    return x


def layers(rng: np.random.Generator) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A net of 784-50-10 on 100 images, and by hand."""
    model = nn.MLP(784, [50, 10], "tanh", rng)
    images = rng.random((100, 784))
    (w1, b1), (w2, b2) = (
        (
            np.array([[w.data for w in neuron.weights] for neuron in layer.neurons]).T,
            np.array([neuron.bias.data for neuron in layer.neurons]),
        )
        for layer in model.layers
    )
    mapped = jit(vmap(lambda x: model(list(x))), check=False)

    def ours() -> Any:
        with no_grad():
            return np.array(mapped(images)).T

    return ours, lambda: np.tanh(images @ w1 + b1) @ w2 + b2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the turns")
    turns = 5 if parser.parse_args().quick else 50
    rng = np.random.default_rng(0)
    z, numbers = rng.normal(size=(10_000, STEPS)), rng.uniform(1.0, 100.0, size=100_000)
    greeks = jit(vmap(value_and_grad(payoff, (0, 1, 2)), (None, None, None, 0)), check=False)
    roots = jit(vmap(root), check=False)

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
        "a net of 784-50-10 on 100 images": layers(rng),
    }
    print(f"milliseconds a call, {'compiled' if autodiff.COMPILED else 'interpreted'}")
    for name, (ours, by_hand) in subjects.items():
        start = perf_counter()
        found = ours()
        first = perf_counter() - start
        np.testing.assert_allclose(np.array(found), np.array(by_hand()), rtol=1e-9, atol=1e-9)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(turns):
            for call, taken in zip((ours, by_hand), times, strict=True):
                start = perf_counter()
                call()
                taken.append(perf_counter() - start)
        ms, reference = (min(taken) * 1e3 for taken in times)
        print(
            f"{name}: {ms:.2f}, by hand in NumPy {reference:.2f} ({ms / reference:.2f}x); "
            f"the first call {first * 1e3:.0f}"
        )


if __name__ == "__main__":
    main()
