"""A saddle point: `z = x² - y²`, downhill from its ridge.

From (10, 0) the gradient has no part across the ridge.  What to look for: plain descent with the
rates 0.2 and 1 (which jumps between 10 and -10), momentum, Adagrad and RMSprop all stay on `y = 0`,
exactly; all but the rate 1 settle at the saddle point itself, where the gradient is 0 and nothing
is minimal.  From (10, 0.01) all of them leave: the smallest part across the ridge grows at every
step, and Adagrad and RMSprop, which divide each part of the gradient by its own size, leave at
once.  Noise in the gradient (perturbed descent) leaves even from (10, 0).

    python demos/saddle.py --save out
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from demo import Picture, run

from autodiff import plot
from autodiff.optim import SGD, Adagrad, NoisySGD, RMSprop, Trajectory, minimize

VIEW = ((-12.0, 12.0), (-6.0, 6.0))
STEPS = 60
OPTIMIZERS = {
    "plain, lr 0.2": lambda p: SGD(p, lr=0.2),
    "plain, lr 1": lambda p: SGD(p, lr=1.0),
    "momentum 0.8, lr 0.05": lambda p: SGD(p, lr=0.05, momentum=0.8),
    "Adagrad, lr 2": lambda p: Adagrad(p, lr=2.0),
    "RMSprop, lr 0.5": lambda p: RMSprop(p, lr=0.5, alpha=0.9),
}


def saddle(x, y):
    """The function: numbers, Values or arrays of numbers."""
    return x * x - y * y


def descents(across: float, steps: int = STEPS) -> dict[str, Trajectory]:
    """Every optimizer from (10, across)."""
    return {
        name: minimize(saddle, (10.0, across), make, steps) for name, make in OPTIMIZERS.items()
    }


def perturbed(steps: int = STEPS) -> Trajectory:
    """Perturbed descent from the ridge."""
    rng = np.random.default_rng(0)
    return minimize(saddle, (10.0, 0.0), lambda p: NoisySGD(p, lr=0.05, std=0.2, rng=rng), steps)


def pictures(quick: bool) -> Iterator[Picture]:
    """On the ridge, off it, on the surface, and in motion."""
    from_ridge, beside = descents(0.0), descents(0.01)

    figure, strips = plot.subplots(len(from_ridge), 1, figsize=(6.4, 8.4), sharex=True)
    for ax, (name, path) in zip(strips, from_ridge.items(), strict=True):
        levels = range(0, 141, 20)
        plot.contour(saddle, VIEW[0], (-1.0, 1.0), path, levels, (0, 0), bar=False, ax=ax)
        ax.set(title=name, xlabel="", yticks=[-1, 0, 1])
        ax.get_legend().remove()
    ax.set_xlabel("x")
    figure.suptitle("From (10, 0) nothing leaves the ridge")
    yield Picture(
        "saddle_ridge",
        "From the open circle to the star, on iso-lines of `z` (dark is low; the cross-hairs are "
        "on the saddle point): every optimizer stays on `y = 0`. The rate 1 jumps between 10 and "
        "-10 for ever, and momentum swings through 0 and back; the others come from one side.",
        figure,
    )
    ax = plot.contour(saddle, *VIEW, {**beside, "perturbed, from (10, 0)": perturbed()}, name="z")
    ax.set_title("From (10, 0.01), or with noise, all leave")
    yield Picture(
        "saddle_escape",
        "A hundredth beside the ridge, or noise in the gradient, is enough to leave it.",
        ax,
    )
    both = {
        "plain, from (10, 0)": from_ridge["plain, lr 0.2"],
        "plain, from (10, 0.01)": beside["plain, lr 0.2"],
        "perturbed, from (10, 0)": perturbed(),
    }
    ax = plot.surface(saddle, *VIEW, both, name="z")
    ax.set_title("Staying and leaving")
    yield Picture(
        "saddle_surface",
        "The saddle point is a minimum along `x`, a maximum along `y`. Dotted: behind the surface.",
        ax,
    )
    moving = plot.animate(saddle, both, *VIEW, three_d=True, frames=10 if quick else 40, name="z")
    yield Picture("saddle", "One stays where the gradient is 0; two find the way down.", moving)


if __name__ == "__main__":
    run(__doc__, pictures)
