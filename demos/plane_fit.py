"""A plane through noisy points, fitted by batch, stochastic and mini-batch descent.

100 points of `y = w₁ x₁ + w₂ x₂` with `w = (5, -3)`, `x₁` from -14 to 14, `x₂` from -10 to 10, and
noise of deviation 0.2; the loss is the mean squared error, and every descent starts from (-10, 10).

What to look for: batch descent with the rate 1e-4 creeps (500 steps, and `w₂` is not there yet);
with 0.01 it overshoots in `w₁` at every step, and is there in 100; with 1 it diverges at once,
where Adagrad with the same 1 arrives in 500.  Stochastic descent (one example a step, 1,000 steps)
and mini-batches of 10 take the same way as the batch, shakily, at a hundredth and a tenth of its
price a step.  Momentum of 0.9 makes the creeping rate fast.

    python demos/plane_fit.py --save out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from demo import Picture, run

from autodiff import mean, plot, square
from autodiff.optim import SGD, Adagrad, Trajectory, minimize

TRUE, START, NOISE = (5.0, -3.0), (-10.0, 10.0), 0.2
VIEW = ((-12.0, 16.0), (-13.0, 13.0))
Example = tuple[float, float, float]


def data() -> list[Example]:
    """100 examples (x1, x2, y)."""
    rng = np.random.default_rng(0)
    x1, x2 = rng.uniform(-14, 14, 100), rng.uniform(-10, 10, 100)
    y = TRUE[0] * x1 + TRUE[1] * x2 + rng.normal(0.0, NOISE, 100)
    return list(zip(x1.tolist(), x2.tolist(), y.tolist(), strict=True))


def loss(w1, w2, examples: Sequence[Example]):
    """The mean squared error of w1*x1 + w2*x2: of numbers, Values or arrays of numbers."""
    return mean([square(w1 * a + w2 * b - y) for a, b, y in examples])


def batches(examples: list[Example], size: int, steps: int) -> Iterator[list[Example]]:
    """``size`` examples a step, drawn at random."""
    rng = np.random.default_rng(1)
    for _ in range(steps + 1):  # the last point is evaluated too
        yield [examples[i] for i in rng.integers(len(examples), size=size)]


def descend(optimizer: Callable, steps: int, size: int | None = None) -> Trajectory:
    """A descent on all examples, or on ``size`` of them a step."""
    examples = data()
    if size is None:
        return minimize(lambda w1, w2: loss(w1, w2, examples), START, optimizer, steps)
    return minimize(loss, START, optimizer, steps, batches=batches(examples, size, steps))


def descents() -> dict[str, Trajectory]:
    """Every descent of this demonstration."""
    return {
        "batch, lr 1e-4": descend(lambda w: SGD(w, lr=1e-4), 500),
        "batch, lr 0.01": descend(lambda w: SGD(w, lr=0.01), 100),
        "batch, lr 1": descend(lambda w: SGD(w, lr=1.0), 500),
        "stochastic, lr 1e-4": descend(lambda w: SGD(w, lr=1e-4), 1000, 1),
        "mini-batch of 10, lr 1e-4": descend(lambda w: SGD(w, lr=1e-4), 1000, 10),
        "momentum 0.9, lr 1e-4": descend(lambda w: SGD(w, lr=1e-4, momentum=0.9), 500),
        "Adagrad, lr 1": descend(lambda w: Adagrad(w, lr=1.0), 500),
    }


def pictures(quick: bool) -> Iterator[Picture]:
    """Paths on the contour, losses, and an animation over the surface."""
    examples, paths = data(), descents()

    def f(w1, w2):
        return loss(w1, w2, examples)

    best = np.linalg.lstsq(np.array(examples)[:, :2], np.array(examples)[:, 2])[0]

    def on_contour(names: list[str], title: str) -> Picture:
        ax = plot.contour(
            f, *VIEW, {name: paths[name] for name in names}, optimum=best, name="loss"
        )
        ax.set(xlabel="$w_1$", ylabel="$w_2$", title=title)
        return ax

    yield Picture(
        "plane_fit_batch",
        "Batch descent from the open circle to the star: with 1e-4 it creeps, with 0.01 it "
        "overshoots from side to side.",
        on_contour(["batch, lr 1e-4", "batch, lr 0.01"], "Too small a step, and a large one"),
    )
    yield Picture(
        "plane_fit_stochastic",
        "One example a step, ten, or all hundred: the same way, more or less shakily.",
        on_contour(
            ["stochastic, lr 1e-4", "mini-batch of 10, lr 1e-4", "batch, lr 1e-4"],
            "Batch, mini-batch, stochastic",
        ),
    )
    yield Picture(
        "plane_fit_optimizers",
        "With the rate 1, plain descent diverges; Adagrad, which divides by the gradients it has "
        "seen, arrives. Momentum runs past the optimum and comes back.",
        on_contour(
            ["batch, lr 1", "Adagrad, lr 1", "momentum 0.9, lr 1e-4"], "Adagrad and momentum"
        ),
    )
    ax = plot.loss({name: f(*path.points.T) for name, path in paths.items()})
    ax.set_title("Mean squared error over all examples")
    yield Picture(
        "plane_fit_loss", "The losses over all examples, whatever each step has seen.", ax
    )
    ax = plot.subplots(figsize=(6.8, 5.4), subplot_kw={"projection": "3d"})[1]
    racers = {
        "batch, lr 0.01": paths["batch, lr 0.01"],
        "momentum 0.9, lr 1e-4": descend(lambda w: SGD(w, lr=1e-4, momentum=0.9), 100),
    }
    moving = plot.animate(
        f, racers, *VIEW, optimum=best, three_d=True, frames=10 if quick else 50, name="loss", ax=ax
    )
    ax.set(xlabel="$w_1$", ylabel="$w_2$")
    yield Picture(
        "plane_fit_surface",
        "The first 100 steps on the bowl of the loss: the large rate jumps from side to side, "
        "momentum rolls.",
        moving,
    )


if __name__ == "__main__":
    run(__doc__, pictures)
