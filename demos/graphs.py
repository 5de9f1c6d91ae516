"""Graphs drawn: from one formula to the 72,000 operations of a transformer's loss.

What to look for: colours tell the sign and the size of every gradient; a net is drawn module by
module, and its like neurons are one box; of a loop that was unrolled, the first steps are shown and
the others are one box; a compiled program is drawn in its vector instructions, with their shapes.
The last one is a page: step through the forward pass and then backwards, open a module with a
click, and change a number.

    python demos/graphs.py --save out
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from demo import Picture, run
from microgpt import GPT

from autodiff import Value, exp, graph, jit, nn, sin


def formula() -> Value:
    """z = sin(x*y) + 2*exp(-x), with its gradient."""
    x, y = Value(2.0, name="x"), Value(-1.0, name="y")
    z = sin(x * y) + 2 * exp(-x)
    z.name = "z"
    z.backward()
    return z


def net() -> Value:
    """The loss of a net of 3, 8, 8 and 1 neurons on one point, with its gradient."""
    model = nn.MLP(3, [8, 8, 1], "tanh", np.random.default_rng(0))
    inputs = [Value(x, name=f"input{i}") for i, x in enumerate([1.0, -2.0, 3.0])]
    loss = (model(inputs)[0] - 1) ** 2
    loss.name = "loss"
    loss.backward()
    return loss


def root(number: float, steps: int) -> Value:
    """Newton's method for a square root, every step recorded, with its gradient."""
    c = Value(number, name="c")
    x = c
    for _ in range(steps):
        x = x - (x * x - c) / (2 * x)
    x.backward()
    return x


def transformer(letters: int):
    """The program that computes the loss of ``microgpt.py`` on a name of so many letters."""
    model = GPT(27, np.random.default_rng(0))
    weights = {
        name: np.array([[w.data for w in row] for row in rows])
        for name, rows in vars(model).items()
        if isinstance(rows, list)
    }

    def loss(weights):
        other = object.__new__(GPT)
        vars(other).update(weights)
        return other.loss([0, *range(1, letters + 1), 0])

    return jit(loss).lower(weights)


def pictures(quick: bool) -> Iterator[Picture]:
    """Four drawings and a page."""
    yield Picture("graph_formula", "sin(x*y) + 2*exp(-x), and the gradient.", graph.draw(formula()))
    loss = net()
    caption = "The loss of a net, its like neurons folded."
    yield Picture("graph_net", caption, graph.draw(loss, depth=2))
    caption = "Newton's method, a thousand steps: what repeats is one box."
    yield Picture("graph_loop", caption, graph.draw(root(2.0, 1000)))
    program = transformer(3 if quick else 8)
    operations = program.stats()["flops"]
    caption = f"A transformer's loss: {operations:,} operations, as they run in vectors."
    yield Picture("graph_transformer", caption, graph.draw(program))
    caption = "The net again: step through its forward pass, and backwards through its gradient."
    yield Picture("graph_explorer", caption, graph.explore(loss))


if __name__ == "__main__":
    run(__doc__, pictures)
