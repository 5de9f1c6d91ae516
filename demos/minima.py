"""A local and a global minimum: `f(x) = x cos(π x)`, from -1.1 to 2.

There the local minimum is at `x = -0.274`, the global one at 1.090; the derivative is
`cos(π x) - π x sin(π x)`.  What to look for: from 0.5 the rate 0.1 goes to the global minimum; from
-1 it is stuck in the local one.  The rate 0.45 escapes from there, but cannot settle in the other:
a descent settles where the rate times `f''` is below 2, and `f''` is 6.5 in the local minimum and
12.1 in the global one, so that any rate that is thrown out of the first is thrown out of the second
too.  The rate 0.8 diverges.  Momentum rolls through the local minimum and settles in the global
one; so do Adagrad, Adam, AdamW, Adamax and RAdam with large rates.

The tutorial from which this comes leaves out the factor `π` in the derivative; with the true one
these are the rates that show the same.

    python demos/minima.py --save out
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from demo import Picture, run

from autodiff import cos, optim, plot
from autodiff.optim import SGD, Trajectory, minimize

DOMAIN = (-1.1, 2.0)
LOCAL, GLOBAL = -0.273852687, 1.090408222
OPTIMIZERS = {
    "SGD, lr 0.1": lambda p: SGD(p, lr=0.1),
    "momentum, lr 0.02": lambda p: SGD(p, lr=0.02, momentum=0.9),
    "Nesterov, lr 0.02": lambda p: SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "Adagrad, lr 1.2": lambda p: optim.Adagrad(p, lr=1.2),
    "Adadelta, lr 1": lambda p: optim.Adadelta(p, lr=1.0),
    "RMSprop, lr 0.05": lambda p: optim.RMSprop(p, lr=0.05),
    "Adam, lr 0.5": lambda p: optim.Adam(p, lr=0.5),
    "AdamW, lr 0.5": lambda p: optim.AdamW(p, lr=0.5),
    "Adamax, lr 0.6": lambda p: optim.Adamax(p, lr=0.6),
    "NAdam, lr 0.1": lambda p: optim.NAdam(p, lr=0.1),
    "RAdam, lr 0.4": lambda p: optim.RAdam(p, lr=0.4),
}


def f(x):
    """The function: of a number, a Value or an array of numbers."""
    return x * cos(math.pi * x)


def plain(start: float, rate: float, steps: int = 60) -> Trajectory:
    """Plain descent."""
    return minimize(f, start, lambda p: SGD(p, lr=rate), steps)


def everyone(steps: int = 200) -> dict[str, Trajectory]:
    """All optimizers from -1."""
    return {name: minimize(f, -1.0, make, steps) for name, make in OPTIMIZERS.items()}


def nearest(path: Trajectory) -> float:
    """The minimum near which a path ends."""
    return min((LOCAL, GLOBAL), key=lambda place: abs(path.x[0] - place))


def pictures(quick: bool) -> Iterator[Picture]:
    """Two starts, two large rates, momentum, everyone."""
    ax = plot.descent(f, {"from 0.5": plain(0.5, 0.1), "from -1": plain(-1.0, 0.1)}, DOMAIN)
    ax.set_title("Rate 0.1: the start decides")
    yield Picture("minima_starts", "From 0.5 to the global minimum, from -1 to the local one.", ax)

    rates = {"rate 0.45": plain(-1.0, 0.45, 12), "rate 0.8": plain(-1.0, 0.8)}
    ax = plot.descent(f, rates, DOMAIN)
    ax.set_title("Larger rates, from -1")
    yield Picture(
        "minima_rates",
        "The rate 0.45 (12 steps) leaves the local minimum and never settles; 0.8 diverges.",
        ax,
    )
    paths = everyone()
    ax = plot.descent(f, {"momentum 0.9, lr 0.02": paths["momentum, lr 0.02"]}, DOMAIN)
    ax.set_title("Momentum rolls through")
    yield Picture("minima_momentum", "Momentum carries it over the hill at 0.27.", ax)

    figure, panels = plot.subplots(1, 2, figsize=(11.4, 5.6), sharey=True)
    ends = {"stuck in the local minimum": LOCAL, "down to the global minimum": GLOBAL}
    for ax, (title, place) in zip(panels, ends.items(), strict=True):
        here = [name for name, path in paths.items() if nearest(path) == place]
        for i, name in enumerate(here):
            x = paths[name].points[:101, 0]
            ax.plot(x, **plot.look(i), markersize=5, markevery=(2 * i, 12), label=name)
        for x, text in ((LOCAL, "local"), (GLOBAL, "global")):
            ax.axhline(x, color="0.6", linewidth=1, zorder=0)
            ax.annotate(
                f"{text} minimum", (100, x), (0, -15), textcoords="offset points", ha="right",
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )  # fmt: skip
        ax.set(xlabel="step", xlim=(0, 100), title=f"From -1: {title}")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
    panels[0].set_ylabel("x")
    yield Picture("minima_optimizers", "Who is stuck, and who rolls on.", figure)

    moving = plot.animate(
        f,
        {
            "SGD, lr 0.1": plain(-1.0, 0.1, 80),
            "momentum, lr 0.02": everyone(80)["momentum, lr 0.02"],
        },
        DOMAIN,
        frames=10 if quick else 40,
    )
    yield Picture("minima", "Plain descent stops in the first valley; momentum rolls on.", moving)


if __name__ == "__main__":
    run(__doc__, pictures)
