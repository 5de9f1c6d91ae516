"""A parabola by a two-layer ReLU net, with and without normalisation.

60 points of `y = 2 x² + 1` on [-3, 3] with normal noise of deviation 1; a net 1-10-1 with ReLU, 300
epochs of descent on all points.  What to look for: with inputs and targets normalised to mean 0 and
deviation 1, the rate 0.1 gives the parabola, made of straight pieces, with an error near the
noise's.  On the raw numbers, the same net with the same rate takes steps so long that its hidden
neurons are thrown to where they give 0 for almost every x, with gradient 0, and stay there: more
than half of the parabola becomes a flat line.  With the rate 0.03 the raw numbers will do, too.

    python demos/parabola_net.py --save out
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from demo import Picture, run

from autodiff import nn, plot
from autodiff.optim import SGD

EPOCHS, HIDDEN = 300, 10


class Result(NamedTuple):
    """The net's predictions at the data's x, before and after, and the error of each epoch."""

    before: np.ndarray
    after: np.ndarray
    errors: list[float]


def data() -> tuple[np.ndarray, np.ndarray]:
    """60 points."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-3.0, 3.0, 60))
    return x, 2 * x**2 + 1 + rng.normal(0.0, 1.0, 60)


def normalised(values: np.ndarray) -> np.ndarray:
    """With mean 0 and standard deviation 1."""
    return (values - values.mean()) / values.std()


@cache
def train(rate: float, normalise: bool, epochs: int = EPOCHS) -> Result:
    """Train a net; predictions and errors (mean squares) are in the units of the raw y."""
    x, y = data()
    inputs, targets = (normalised(x), normalised(y)) if normalise else (x, y)
    unit, zero = (y.std(), y.mean()) if normalise else (1.0, 0.0)
    net = nn.TwoLayerNet(1, HIDDEN, 1, "relu", np.random.default_rng(0))
    optimizer = SGD(net.parameters(), lr=rate)
    examples, wanted = [[a] for a in inputs.tolist()], targets.tolist()
    predictions, errors = [], []
    for _ in range(epochs + 1):
        outputs = [net(example)[0] for example in examples]
        loss = nn.mse_loss(outputs, wanted)
        predictions.append(np.array([output.data for output in outputs]) * unit + zero)
        errors.append(loss.data * unit**2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Result(predictions[0], predictions[-1], errors)


def results() -> dict[str, Result]:
    """The three trainings."""
    return {
        "normalised, rate 0.1": train(0.1, True),
        "raw, rate 0.1": train(0.1, False),
        "raw, rate 0.03": train(0.03, False),
    }


def pictures(quick: bool) -> Iterator[Picture]:
    """Targets and predictions, and the fall of the errors."""
    x, y = data()
    trained = results()
    for name, picture in (("normalised, rate 0.1", "normalised"), ("raw, rate 0.1", "raw")):
        result = trained[name]
        curves = {"before": result.before, "after 300 epochs": result.after}
        ax = plot.fit(x, y, {"2x² + 1": lambda x: 2 * x**2 + 1, **curves})
        ax.set_title(f"A 1-10-1 ReLU net, {name}")
        yield Picture(
            f"parabola_net_{picture}",
            f"{name.capitalize()}: the mean squared error is {result.errors[-1]:.2g} at the end.",
            ax,
        )
    ax = plot.loss({name: result.errors for name, result in trained.items()})
    ax.set(xlabel="epoch", title="Mean squared error, in the units of y²")
    yield Picture(
        "parabola_net", "With normalisation the rate 0.1 is right; without it neurons die.", ax
    )


if __name__ == "__main__":
    run(__doc__, pictures)
