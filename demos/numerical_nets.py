"""Nets trained by numerical differentiation, and what backpropagation saves.

First a net of 2 x 3 weights and nothing else: softmax and cross-entropy for the one example
(0.6, 0.9) of class 2, 1,000 steps with the rate 0.1 on central differences.  Then a two-layer net
4-8-3 (67 parameters, tanh) on 60 of the irises, 90 to be tested on: trained by central differences
and by backpropagation side by side, from the same start, with the rate 0.5.

What to look for: the small net's probability of class 2 goes to 1, and its gradient is the input
times (probability - target), whatever computes it.  The two trainings of the larger net lie on one
another, loss and accuracy; but central differences evaluate the loss at 134 points a step (here in
whole arrays, all points at once, or it would take minutes), where backpropagation goes through it
once and back, and the measured ratio of their times says what that costs.

    python demos/numerical_nets.py --save out
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from demo import Picture, run
from matplotlib.ticker import LogLocator, NullLocator
from sklearn.datasets import load_iris

from autodiff import dot, nn, plot, softmax, tanh
from autodiff.optim import SGD, Trajectory, minimize

INPUT, CLASS = (0.6, 0.9), 2
SIZES = (4, 8, 3)


def scores(weights: Sequence) -> list:
    """What the 2 x 3 net gives for its input: weights row by row."""
    return [dot(INPUT, [weights[k], weights[3 + k]]) for k in range(3)]


def small_net(gradient: str = "numerical", steps: int = 1000) -> Trajectory:
    """The path of the 2 x 3 net."""
    start = np.random.default_rng(0).normal(size=6)
    return minimize(
        lambda *w: nn.cross_entropy([scores(w)], [CLASS]),
        start,
        lambda w: SGD(w, lr=0.1),
        steps,
        gradient=gradient,
    )


@cache
def irises() -> tuple[list, list, list, list]:
    """Standardised measurements and kinds: 60 to train on, 90 to be tested on."""
    iris = load_iris()
    X = (iris.data - iris.data.mean(axis=0)) / iris.data.std(axis=0)
    order = np.random.default_rng(0).permutation(150)
    train, test = order[:60], order[60:]
    return (
        X[train].tolist(),
        iris.target[train].tolist(),
        X[test].tolist(),
        iris.target[test].tolist(),
    )


def two_layers(parameters: Sequence, x: Sequence[float]) -> list:
    """The scores of the 4-8-3 net; each neuron's parameters are its weights and its bias."""
    numbers = iter(parameters)
    values = list(x)
    for n, (size, activation) in enumerate(zip(SIZES[1:], (tanh, None), strict=True)):
        neurons = [[next(numbers) for _ in range(SIZES[n] + 1)] for _ in range(size)]
        sums = [dot(neuron[:-1], values) + neuron[-1] for neuron in neurons]
        values = sums if activation is None else [activation(s) for s in sums]
    return values


def loss(*parameters):
    """The cross-entropy of the 4-8-3 net on the training irises."""
    X, y, *_ = irises()
    return nn.cross_entropy([two_layers(parameters, x) for x in X], y)


def central_differences(*parameters: float) -> np.ndarray:
    """The loss's gradient from its values at two points a parameter, all in one array."""
    n, h = len(parameters), np.finfo(float).eps ** (1 / 3)
    shifts = h * np.hstack([np.eye(n), -np.eye(n)])
    values = loss(*(np.array(parameters)[:, None] + shifts))
    return (values[:n] - values[n:]) / (2 * h)


def train(gradient: str | Callable, steps: int) -> tuple[Trajectory, float]:
    """The path of a training, and the seconds a step took."""
    count = sum((n + 1) * m for n, m in pairwise(SIZES))
    start = np.random.default_rng(0).normal(0.0, 0.5, count)
    begun = time.perf_counter()
    path = minimize(loss, start, lambda p: SGD(p, lr=0.5), steps, gradient=gradient)
    return path, (time.perf_counter() - begun) / (steps + 1)


def accuracies(path: Trajectory) -> list[float]:
    """The share of the test irises told rightly, after each step."""
    *_, X, y = irises()
    columns = list(np.array(X).T)  # all examples at once
    rows = [np.array(two_layers(point.tolist(), columns)) for point in path.points]
    return [float(np.mean(row.argmax(axis=0) == y)) for row in rows]


def pictures(quick: bool) -> Iterator[Picture]:
    """The small net's probabilities; loss, accuracy and time of the larger one."""
    path = small_net(steps=200 if quick else 1000)
    probabilities = np.array(softmax(scores(list(path.points.T))))
    figure, (left, right) = plot.subplots(1, 2, figsize=(9.6, 4.8))
    for k, row in enumerate(probabilities):
        left.plot(row, **{**plot.look(k), "marker": ""}, label=f"class {k}")
    left.set(xlabel="step", ylabel="probability", title="2 x 3 weights, softmax")
    left.grid(alpha=0.3)
    left.legend()
    plot.loss(path, ax=right)
    right.set_title("Cross-entropy")
    yield Picture(
        "numerical_nets_small",
        f"{len(path.step_sizes):,} steps on numerical gradients: class 2 has "
        f"{probabilities[2, -1]:.1%} at the end.",
        figure,
    )

    names = {"central differences": central_differences, "backpropagation": "reverse"}
    trained = {name: train(how, 10 if quick else 60) for name, how in names.items()}
    figure, (left, middle, right) = plot.subplots(1, 3, figsize=(11.4, 4.8))
    plot.loss({name: path for name, (path, _) in trained.items()}, ax=left)
    left.set_title("Cross-entropy, 4-8-3")
    for k, (name, (path, _)) in enumerate(trained.items()):
        percent = np.array(accuracies(path)) * 100
        every = max(1, len(percent) // 8)
        marks = {"markersize": 6, "markevery": (k * every // 2, every)}
        middle.plot(percent, **plot.look(k), **marks, label=name)
    middle.set(xlabel="step", ylabel="%", title="Test accuracy")
    middle.grid(alpha=0.3)
    spent = {name: 1000 * seconds for name, (_, seconds) in trained.items()}
    for k, ms in enumerate(spent.values()):  # points: a bar on a log axis has no length
        right.plot(k, ms, **{**plot.look(k), "linestyle": ""}, markersize=11)
        right.annotate(f"{ms:.3g} ms", (k, ms), (0, 11), textcoords="offset points", ha="center")
    right.set_xticks(range(2), ["central\ndifferences", "back-\npropagation"])
    right.set(title="Time of a step", yscale="log", xlim=(-0.6, 1.6))
    right.set_ylim(min(spent.values()) / 3, max(spent.values()) * 3)
    right.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    right.yaxis.set_major_formatter("{x:g} ms")
    right.yaxis.set_minor_locator(NullLocator())
    right.grid(alpha=0.3, axis="y")
    ratio = spent["central differences"] / spent["backpropagation"]
    yield Picture(
        "numerical_nets",
        "The same training twice, one on the other; a step by backpropagation is "
        f"{ratio:.0f} times as fast.",
        figure,
    )


if __name__ == "__main__":
    run(__doc__, pictures)
