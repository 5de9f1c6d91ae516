"""What the benchmarks compute: a few graphs, built from any engine's Values.

Each function takes ``leaf``, which makes a leaf from a float: an engine's ``Value`` class, or
``float`` itself for the same arithmetic without a graph.

* ``weighted_sum`` -- the inner loop of every scalar model;
* ``network`` -- a wide, shallow graph: a multilayer perceptron over a batch of samples;
* ``chain`` -- a narrow, deep one;
* ``Perceptron`` -- training, step after step.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

Leaf = Callable[[float], Any]

INPUTS = 16
HIDDEN_LAYERS = 2
NODES_A_NEURON = 2 * INPUTS + 1  # products, sums, the activation
NODES_A_SAMPLE = NODES_A_NEURON * (INPUTS * HIDDEN_LAYERS + 1) + 1 + INPUTS


def leaves(leaf: Leaf, n: int, seed: int) -> list[Any]:
    """``n`` leaves drawn uniformly from [-1, 1]; the same numbers for the same seed."""
    draw = random.Random(seed)
    return [leaf(draw.uniform(-1.0, 1.0)) for _ in range(n)]


def weighted_sum(ws: Iterable[Any], xs: Iterable[Any]) -> Any:
    """The sum of ``w * x``, written as a newcomer writes it."""
    return sum(w * x for w, x in zip(ws, xs, strict=True))


def neuron(parameters: list[Any], xs: list[Any], activation: str) -> Any:
    """The activation of bias plus weighted inputs; ``parameters`` holds the bias first."""
    bias, *weights = parameters
    return getattr(sum((w * x for w, x in zip(weights, xs, strict=True)), bias), activation)()


def network(leaf: Leaf, nodes: int, activation: str = "tanh") -> tuple[Any, list[Any]]:
    """A perceptron of 16 inputs, two hidden layers of 16 and one output, over a batch of samples.

    The weights are shared by all samples, whose outputs are added up.  The graph is about 60 levels
    deep, and one more for each sample, so that a recursive engine can sort it.

    Args:
        leaf: makes a leaf of the engine.
        nodes: about how many nodes the graph is to have; it has at least one sample's.
        activation: the method that every neuron ends in.

    Returns:
        The root, and all leaves: parameters first, then inputs.
    """
    sizes = [INPUTS] * HIDDEN_LAYERS + [1]
    per_neuron = INPUTS + 1
    parameters = leaves(leaf, per_neuron * sum(sizes), seed=1)
    neurons = [parameters[i : i + per_neuron] for i in range(0, len(parameters), per_neuron)]
    samples = max(1, (nodes - len(parameters)) // NODES_A_SAMPLE)
    inputs = leaves(leaf, INPUTS * samples, seed=2)
    total = leaf(0.0)
    for i in range(0, len(inputs), INPUTS):
        xs = inputs[i : i + INPUTS]
        first = 0
        for size in sizes:
            xs = [neuron(p, xs, activation) for p in neurons[first : first + size]]
            first += size
        total = total + xs[0]
    return total, parameters + inputs


def chain(leaf: Leaf, n: int) -> tuple[Any, Any]:
    """``x + x + ... + x``, n nodes deep: the root, and ``x``, whose gradient is exactly n + 1."""
    x = v = leaf(1.0)
    for _ in range(n):
        v = v + x
    return v, x


def chain_over_constant(leaf: Leaf, n: int) -> tuple[Any, Any]:
    """``x + 1.0 + ... + 1.0``, n nodes deep: the root, and ``x``, whose gradient is 1."""
    x = v = leaf(1.0)
    for _ in range(n):
        v = v + 1.0
    return v, x


class Perceptron:
    """A perceptron of 2 inputs, 8 hidden neurons and one output, that learns exclusive-or."""

    SAMPLES = (((0.0, 0.0), -1.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), -1.0))

    def __init__(self, leaf: Leaf) -> None:
        self.hidden = [leaves(leaf, 3, seed=i) for i in range(8)]
        self.output = leaves(leaf, 9, seed=8)
        self.parameters = [p for neuron in [*self.hidden, self.output] for p in neuron]

    def __call__(self, xs: Iterable[float]) -> Any:
        """The output for one sample."""
        inputs = list(xs)
        return neuron(self.output, [neuron(p, inputs, "tanh") for p in self.hidden], "tanh")

    def step(self, learning_rate: float = 0.05) -> float:
        """One step of gradient descent on the squared error of all samples; returns the error."""
        loss = sum((self(xs) - target) ** 2 for xs, target in self.SAMPLES)
        loss.backward()
        for p in self.parameters:
            p.data -= learning_rate * p.grad
            p.grad = 0.0
        return float(loss.data)


def size(root: Any) -> int:
    """How many nodes ``root`` was computed from, itself included."""
    seen = {root}
    stack = [root]
    while stack:
        for x in stack.pop().operands:
            if isinstance(x, type(root)) and x not in seen:
                seen.add(x)
                stack.append(x)
    return len(seen)
