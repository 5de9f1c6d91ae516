"""All optimizers race on Rosenbrock's, Beale's and Himmelblau's functions.

Each optimizer runs 300 steps with a rate for each function, found by trying 1, 2 and 5 times the
powers of ten.  What to look for: in Rosenbrock's curved valley everyone is soon at the bottom, and
then the valley is long: plain descent and Nesterov have leapt to its good end, momentum and Adam's
family come down it, Adagrad, whose rate only falls, hardly moves.  On Beale's plain Adam is first.
Himmelblau's function has four minima, all 0: plain descent, momentum, Nesterov and RAdam (which
begins as momentum) go down the steepest way, to (3.58, -1.85); those that divide each part of the
gradient by its size go down the diagonal, to (3, 2).

    python demos/race.py --save out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from demo import Picture, run
from matplotlib.animation import FuncAnimation

from autodiff import optim, plot, square
from autodiff.optim import SGD, Trajectory, minimize

STEPS = 300


class Course(NamedTuple):
    """A function, where it is drawn, where the race starts, and its minima."""

    f: Callable
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    start: tuple[float, float]
    minima: list[tuple[float, float]]


def rosenbrock(x, y):
    """(1 - x)^2 + 100 (y - x^2)^2."""
    return square(1 - x) + 100 * square(y - x * x)


def beale(x, y):
    """(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2."""
    return square(1.5 - x + x * y) + square(2.25 - x + x * y**2) + square(2.625 - x + x * y**3)


def himmelblau(x, y):
    """(x^2 + y - 11)^2 + (x + y^2 - 7)^2."""
    return square(x * x + y - 11) + square(x + y * y - 7)


COURSES = {
    "Rosenbrock": Course(rosenbrock, (-2.0, 2.0), (-1.0, 3.0), (-1.5, 2.5), [(1.0, 1.0)]),
    "Beale": Course(beale, (-0.5, 4.5), (-2.0, 2.0), (1.0, 1.5), [(3.0, 0.5)]),
    "Himmelblau": Course(
        himmelblau, (-5.5, 5.5), (-5.5, 5.5), (0.2, -1.0),
        [(3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)],
    ),
}  # fmt: skip

#: How each optimizer is made from parameters and a rate, and its rates on the three courses.
OPTIMIZERS = {
    "SGD": (lambda p, lr: SGD(p, lr=lr), (0.002, 0.02, 0.01)),
    "momentum": (lambda p, lr: SGD(p, lr=lr, momentum=0.9), (0.001, 0.005, 0.002)),
    "Nesterov": (lambda p, lr: SGD(p, lr=lr, momentum=0.9, nesterov=True), (0.001, 0.005, 0.01)),
    "Adagrad": (lambda p, lr: optim.Adagrad(p, lr=lr), (0.1, 2.0, 1.0)),
    "Adadelta": (lambda p, lr: optim.Adadelta(p, lr=lr), (50.0, 5.0, 5.0)),
    "RMSprop": (lambda p, lr: optim.RMSprop(p, lr=lr), (0.02, 0.1, 0.1)),
    "Adam": (lambda p, lr: optim.Adam(p, lr=lr), (0.1, 0.5, 0.5)),
    "AdamW": (lambda p, lr: optim.AdamW(p, lr=lr), (0.1, 0.5, 0.5)),
    "Adamax": (lambda p, lr: optim.Adamax(p, lr=lr), (2.0, 1.0, 0.5)),
    "NAdam": (lambda p, lr: optim.NAdam(p, lr=lr), (0.5, 0.2, 0.2)),
    "RAdam": (lambda p, lr: optim.RAdam(p, lr=lr), (0.001, 0.01, 0.02)),
}


def descend(optimizer: str, course: str, steps: int = STEPS) -> Trajectory:
    """One optimizer on one course."""
    make, rates = OPTIMIZERS[optimizer]
    rate = rates[list(COURSES).index(course)]
    return minimize(
        COURSES[course].f, COURSES[course].start, lambda params: make(params, rate), steps
    )


def results(steps: int = STEPS) -> dict[str, dict[str, Trajectory]]:
    """Everyone on every course."""
    return {c: {name: descend(name, c, steps) for name in OPTIMIZERS} for c in COURSES}


def animation(paths: dict[str, dict[str, Trajectory]], frames: int) -> FuncAnimation:
    """The three races side by side."""
    figure, panels = plot.subplots(1, 3, figsize=(11.0, 4.8), dpi=100)
    runners = []
    for ax, (name, course) in zip(panels, COURSES.items(), strict=True):
        plot.contour(course.f, course.xlim, course.ylim, levels=10, ax=ax)
        ax.plot(*np.array(course.minima).T, "P", color="white", markeredgecolor="black", ms=10)
        ax.set_title("\n")
        for i, path in enumerate(paths[name].values()):
            look = plot.look(i)
            (trail,) = ax.plot([], [], color=look["color"], ls=look["linestyle"], lw=1.5)
            (head,) = ax.plot([], [], color=look["color"], marker=look["marker"], ms=8, mec="w")
            runners.append((path, trail, head))
    handles = [head for _, _, head in runners[: len(OPTIMIZERS)]]
    figure.legend(handles, OPTIMIZERS, loc="outside lower center", ncols=6, frameon=False)
    heading = figure.suptitle(" ", fontsize=14)

    def draw(step: int) -> list:
        heading.set_text(f"step {step}")
        for path, trail, head in runners:
            trail.set_data(*path.points[: step + 1].T)
            head.set_data(*path.points[min(step, len(path.points) - 1)][:, None])
        for ax, (course, racing) in zip(panels, paths.items(), strict=True):
            first, path = min(racing.items(), key=lambda item: item[1].values[: step + 1][-1])
            loss, slope = path.values[: step + 1][-1], path.gradients[: step + 1][-1]
            lead = f"{first}: loss {loss:.0e}, |grad| {np.linalg.norm(slope):.0e}"
            ax.set_title(f"{course}\n{lead}" if step else f"{course}\n", fontsize=11)
        return []

    draw(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    steps = np.unique(np.round(np.linspace(0, 1, frames) ** 1.5 * STEPS).astype(int))
    return FuncAnimation(figure, draw, frames=steps.tolist(), interval=100, repeat=False)


def pictures(quick: bool) -> Iterator[Picture]:
    """The paths and the losses of each course, and the race."""
    paths = results()
    yield Picture(
        "race",
        "All optimizers on three courses; above each, who is lowest.",
        animation(paths, 12 if quick else 40),
    )
    for name, course in COURSES.items():
        figure, (left, right) = plot.subplots(1, 2, figsize=(10.4, 5.4))
        plot.contour(course.f, course.xlim, course.ylim, paths[name], ax=left)
        left.plot(*np.array(course.minima).T, "P", color="white", markeredgecolor="black", ms=11)
        left.set_title(name)
        left.get_legend().remove()
        plot.loss(paths[name], ax=right)
        right.get_legend().remove()
        right.set_title("loss")
        figure.legend(
            *right.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
        )
        yield Picture(f"race_{name.lower()}", f"{name}: where everyone ran, and how low.", figure)


if __name__ == "__main__":
    run(__doc__, pictures)
