"""Time drawing: large graphs folded and laid out, DOT of 10,000 nodes, the explorer's page.

    python tests/bench/graph.py

Prints a table of seconds, each the fastest of three turns.  Layouts are by pygraphviz, in a process
of its own, even where ``dot`` is on the path.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from autodiff import Value, graph, jit, nn, sin, tanh, value_and_grad

sys.path.insert(0, str(Path(__file__).parents[2] / "demos"))
import microgpt


def newton(times: int) -> Value:
    """A loop: nine operations a turn."""
    x, c = Value(1.0, name="x"), Value(2.0, name="c")
    for _ in range(times):
        x = x - 0.1 * (x * x * x - c) / (3 * x * x + 0.1)
    return x


def layers(width: int, depth: int) -> Value:
    """Matrix products in scalars, with Python's own sums."""
    rng = np.random.default_rng(0)
    rows = [[Value(x) for x in row] for row in rng.normal(size=(width, width))]
    xs = [Value(x) for x in rng.normal(size=width)]
    for _ in range(depth):
        xs = [tanh(sum(w * x for w, x in zip(row, xs, strict=True))) for row in rows]
    return sum(xs[1:], xs[0])


def net() -> Value:
    """The loss of a net of modules on a batch."""
    model = nn.MLP(64, [32, 32, 10], "relu", np.random.default_rng(0))
    rng = np.random.default_rng(1)
    scores = [model(list(x)) for x in rng.normal(size=(200, 64))]
    return nn.cross_entropy(scores, [i % 10 for i in range(200)])


def tangle(size: int, hubs: int) -> Value:
    """Random operations on recent results, and on a few parameters that are read everywhere."""
    r = random.Random(0)
    values = [Value(1.0) for _ in range(20)]
    shared = [Value(1.0, name=f"w{i}") for i in range(hubs)]
    for _ in range(size):
        a = r.choice(values[-50:])
        b = r.choice(shared) if shared and r.random() < 0.3 else r.choice(values[-50:])
        values.append(r.choice([a + b, a * b, a - b, sin(a)]))
    return values[-1]


def program() -> Any:
    """The gradient of the GPT of ``demos/microgpt.py`` as a program."""
    model = microgpt.GPT(27, np.random.default_rng(0))
    names = ("tokens", "places", "query", "key", "value", "out", "up", "down", "head")
    weights = {
        name: np.array([[w.data for w in row] for row in getattr(model, name)]) for name in names
    }

    def loss(weights: dict[str, Any], tokens: list[int]) -> Any:
        other = object.__new__(microgpt.GPT)
        vars(other).update(weights)
        return other.loss(tokens)

    return jit(value_and_grad(loss)).lower(weights, [0, *range(1, 9), 0])


def fastest(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the fastest of three turns, and the result."""
    times, result = [], None
    for _ in range(3):
        begin = perf_counter()
        result = call()
        times.append(perf_counter() - begin)
    return min(times), result


def main() -> None:
    """Print the table."""
    dot = shutil.which("dot")
    if dot:
        os.environ["PATH"] = os.environ["PATH"].replace(str(Path(dot).parent), "")
    rows: list[tuple[str, str, float]] = []
    graphs = {
        "a loop of 8,000 turns": newton(8000),
        "7 layers of 64 x 64": layers(64, 7),
        "a tangle with 4 hubs": tangle(100_000, 4),
        "a net on 200 images": net(),
        "microgpt's gradient, a program": program(),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, x in graphs.items():
            taken, drawing = fastest(lambda x=x: graph.draw(x))
            picture = drawing.picture
            rows.append((name, f"source, {picture.nodes:,} in {len(picture.boxes)} boxes", taken))
            for kind in ("svg", "png"):
                taken, _ = fastest(lambda d=drawing, k=kind: graph.save(d, f"{folder}/g.{k}"))
                rows.append(("", f"layout, {kind}", taken))
        ten = layers(50, 2)
        taken, drawing = fastest(lambda: graph.draw(ten, limit=None))
        rows.append(("2 layers of 50 x 50, unfolded", f"{drawing.picture.nodes:,} to DOT", taken))
        loop = newton(333)
        taken, _ = fastest(lambda: graph.explore(loop, f"{folder}/g.html"))
        rows.append(("a loop of 333 turns", "the explorer's page", taken))
    for name, what, taken in rows:
        print(f"{name:32}{what:36}{taken:8.3f} s")


if __name__ == "__main__":
    main()
