"""The benchmarks' workloads under pytest-benchmark: ``pytest tests/bench --benchmark-enable``.

Times are compared within a group, never asserted.  What is asserted is that the engines agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import textbook
import workloads

from autodiff import Value

NODES = 60_000
TERMS = 200  # the textbook engine recurses as deep as the sum is long
DEPTH = 100_000
ENGINES = [pytest.param(Value, id="autodiff"), pytest.param(textbook.Value, id="textbook")]
NUMBERS = [*ENGINES, pytest.param(float, id="floats")]

Benchmark = Callable[..., Any]


@pytest.mark.benchmark(group="weighted sum")
@pytest.mark.parametrize("leaf", NUMBERS)
def test_weighted_sum(benchmark: Benchmark, leaf: workloads.Leaf) -> None:
    """A weighted sum, recorded and released."""
    ws, xs = workloads.leaves(leaf, TERMS, seed=1), workloads.leaves(leaf, TERMS, seed=2)
    benchmark(workloads.weighted_sum, ws, xs)


@pytest.mark.benchmark(group="network", disable_gc=False)
@pytest.mark.parametrize("leaf", ENGINES)
def test_network(benchmark: Benchmark, leaf: workloads.Leaf) -> None:
    """A network, built and swept."""

    def build_and_sweep() -> None:
        workloads.network(leaf, NODES)[0].backward()

    benchmark(build_and_sweep)


@pytest.mark.benchmark(group="training step", disable_gc=False)
@pytest.mark.parametrize("leaf", ENGINES)
def test_training_step(benchmark: Benchmark, leaf: workloads.Leaf) -> None:
    """A step of gradient descent on a small perceptron."""
    benchmark(workloads.Perceptron(leaf).step)


@pytest.mark.benchmark(group="chain")
def test_chain(benchmark: Benchmark) -> None:
    """A chain deeper than any recursion could go, built, swept and released."""

    def build_and_sweep() -> float:
        root, x = workloads.chain(Value, DEPTH)
        root.backward()
        return float(x.grad)

    assert benchmark(build_and_sweep) == DEPTH + 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_engines_agree_on_the_network(activation: str) -> None:
    """Both engines give one value and the same gradients, neither trivial."""
    root, leaves = workloads.network(Value, NODES, activation)
    expected, expected_leaves = workloads.network(textbook.Value, NODES, activation)
    root.backward()
    expected.backward()
    assert root.data == pytest.approx(expected.data, rel=1e-12)
    gradients = [x.grad for x in expected_leaves]
    assert [x.grad for x in leaves] == pytest.approx(gradients, rel=1e-12)
    assert sum(g != 0.0 for g in gradients) > 1_000


def test_engines_agree_on_the_weighted_sum() -> None:
    """The gradient of a weighted sum by the weights is the inputs, on both engines."""
    for leaf in (Value, textbook.Value):
        ws, xs = workloads.leaves(leaf, TERMS, seed=1), workloads.leaves(leaf, TERMS, seed=2)
        workloads.weighted_sum(ws, xs).backward()
        assert [w.grad for w in ws] == [x.data for x in xs]


def test_engines_agree_in_training() -> None:
    """A hundred steps of gradient descent go the same way, and downhill."""
    ours, theirs = workloads.Perceptron(Value), workloads.Perceptron(textbook.Value)
    losses = [(ours.step(), theirs.step()) for _ in range(100)]
    assert [a for a, _ in losses] == pytest.approx([b for _, b in losses], rel=1e-12)
    assert losses[-1][0] < losses[0][0]


def test_the_network_has_the_size_it_is_asked_for() -> None:
    """About 60,000 nodes are about 60,000 nodes, in both engines alike."""
    size = workloads.size(workloads.network(Value, NODES)[0])
    assert size == pytest.approx(NODES, rel=0.03)
    assert size == workloads.size(workloads.network(textbook.Value, NODES)[0])
