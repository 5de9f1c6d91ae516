"""The shape of a loss: `y = k x + b` through six points, and what a descent makes of it.

x = 0..5, y = (1.1, 2.2, 3.8, 4.1, 4.9, 5.2); the loss is the mean squared error, its iso-lines at
0.2, 0.5, 0.7, 1, 3, 8, 10, 15 and 20.  The rate is 0.9 of the greatest that does not diverge, so
that each step overshoots where the loss is most curved, to 0.8 of the distance on the other side.

What to look for: over the raw inputs the iso-lines are long ellipses, 33 times as curved across as
along: descent goes to and fro across a ravine, and creeps along it.  Over standardised inputs (mean
0, deviation 1) they are circles, and the same descent stays on a straight line through the middle,
to and fro, ever nearer.  An output through tanh or the sigmoid makes plateaus, where the gradient
is nearly 0 and a descent hardly moves: between iso-lines in equal steps (1 for tanh, 0.5 for the
sigmoid) they are the wide places without a line.  Such outputs cannot reach these targets; relu
makes a plateau where all outputs are 0.

    python demos/loss_contours.py --save out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from demo import Picture, run

from autodiff import mean, plot, relu, sigmoid, square, tanh
from autodiff.optim import SGD, Trajectory, minimize

X, Y = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0), (1.1, 2.2, 3.8, 4.1, 4.9, 5.2)
LEVELS = (0.2, 0.5, 0.7, 1.0, 3.0, 8.0, 10.0, 15.0, 20.0)
START = (-1.5, 5.0)
PANELS = {"tanh": np.arange(9.0, 23.0), "sigmoid": np.arange(9.0, 15.1, 0.5)}  # else LEVELS
OUTPUTS = {"linear": lambda z: z, "tanh": tanh, "sigmoid": sigmoid, "relu": relu}


def standardised(x: Sequence[float]) -> list[float]:
    """With mean 0 and standard deviation 1."""
    return ((np.array(x) - np.mean(x)) / np.std(x)).tolist()


def loss(x: Sequence[float], output: Callable = OUTPUTS["linear"]) -> Callable:
    """The mean squared error of output(k*x + b), as a function of k and b."""
    return lambda k, b: mean([square(output(k * a + b) - y) for a, y in zip(x, Y, strict=True)])


def best(x: Sequence[float]) -> np.ndarray:
    """The slope and the offset of least squares."""
    return np.polyfit(x, Y, 1)


def curvatures(x: Sequence[float]) -> np.ndarray:
    """The eigenvalues of the loss's matrix of second derivatives, the smaller first."""
    features = np.stack([x, np.ones(len(x))])
    return np.linalg.eigvalsh(2 * features @ features.T / len(x))


def descend(x: Sequence[float], steps: int = 40) -> Trajectory:
    """Plain descent with 0.9 of the largest rate that does not diverge, 2/curvature."""
    rate = 0.9 * 2 / curvatures(x)[-1]
    return minimize(loss(x), START, lambda p: SGD(p, lr=rate), steps)


def pictures(quick: bool) -> Iterator[Picture]:
    """Raw against standardised; the four outputs; two of them as surfaces."""
    figure, panels = plot.subplots(1, 2, figsize=(11.4, 5.4))
    inputs = {"raw inputs": list(X), "standardised inputs": standardised(X)}
    for ax, (name, x) in zip(panels, inputs.items(), strict=True):
        middle = best(x)
        limits = [(c - 5.0, c + 5.0) for c in middle]
        path = descend(x)
        paths = {"descent, 40 steps": path}
        plot.contour(loss(x), *limits, paths, LEVELS, middle, name="loss", ax=ax)
        low, high = curvatures(x)
        ax.set(xlabel="slope k", ylabel="offset b", box_aspect=1)
        ax.set_title(f"{name}: curvatures 1 : {high / low:.0f}")
        ax.legend(loc="lower left")
    yield Picture(
        "loss_contours",
        "Standardised inputs make circles of the ellipses. There the descent runs on one line "
        "through the middle: every step overshoots it, by a fifth less each time.",
        figure,
    )
    figure, panels = plot.subplots(2, 2, figsize=(11.4, 8.4))
    for ax, (name, output) in zip(panels.flat, OUTPUTS.items(), strict=True):
        f = loss(X, output)
        paths = {"descent, lr 0.05": minimize(f, START, lambda p: SGD(p, lr=0.05), 100)}
        plot.contour(f, (-4, 6), (-6, 8), paths, PANELS.get(name, LEVELS), name="loss", ax=ax)
        ax.set(xlabel="slope k", ylabel="offset b", title=f"{name} output")
    yield Picture(
        "loss_contours_outputs",
        "Squashed outputs make plateaus, high ones and low ones, where no iso-line runs and the "
        "descent stops; their least loss, 8.7, is where all outputs are 1.",
        figure,
    )
    for name in ("linear", "tanh"):
        ax = plot.surface(loss(X, OUTPUTS[name]), (-4, 6), (-6, 8), name="loss")
        ax.set(xlabel="slope k", ylabel="offset b", title=f"{name} output")
        caption = {"linear": "A long bowl.", "tanh": "Two plateaus, and cliffs between them."}[name]
        yield Picture(f"loss_contours_{name}", caption, ax)


if __name__ == "__main__":
    run(__doc__, pictures)
