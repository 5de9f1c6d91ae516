"""All optimizers race on Rosenbrock's, Beale's and Himmelblau's functions.

Each optimizer runs 300 steps with a rate for each function, found by trying 1, 2 and 5 times the
powers of ten.  The race is run in two groups: those that came before Adam, and Adam's family.  What
to look for: in Rosenbrock's curved valley everyone is soon at the bottom, and then the valley is
long: plain descent and Nesterov have leapt to its good end, momentum and Adam's family come down
it, Adagrad, whose rate only falls, hardly moves.  On Beale's plain Adam is first. Himmelblau's
function has four minima, all 0: plain descent, momentum, Nesterov and RAdam (which begins as
momentum) go down the steepest way, to (3.58, -1.85); those that divide each part of the gradient by
its size go down the diagonal, to (3, 2).

    python demos/race.py --save out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from demo import Picture, run
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure

from autodiff import optim, plot, square
from autodiff.optim import SGD, Trajectory, minimize

STEPS = 300
FLOOR = 1e-16  # of the losses shown: what is below is as good as 0


class Course(NamedTuple):
    """A function, where it is drawn, where the race starts, and its minima."""

    f: Callable
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    start: tuple[float, float]
    minima: list[tuple[float, float]]


def rosenbrock(x, y):
    """(1 - x)² + 100 (y - x²)²."""
    return square(1 - x) + 100 * square(y - x * x)


def beale(x, y):
    """(1.5 - x + x y)² + (2.25 - x + x y²)² + (2.625 - x + x y³)²."""
    return square(1.5 - x + x * y) + square(2.25 - x + x * y**2) + square(2.625 - x + x * y**3)


def himmelblau(x, y):
    """(x² + y - 11)² + (x + y² - 7)²."""
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

#: Who races whom: so few that each has a colour and a marker of its own.
GROUPS = (
    ("SGD", "momentum", "Nesterov", "Adagrad", "Adadelta", "RMSprop"),
    ("Adam", "AdamW", "Adamax", "NAdam", "RAdam"),
)


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
    """The three races side by side, in two groups, each with its own legend."""
    figure, rows = plot.subplots(2, 3, figsize=(11.0, 7.6), dpi=84)
    runners, leaders = [], []
    for panels, group in zip(rows, GROUPS, strict=True):
        for ax, (name, course) in zip(panels, COURSES.items(), strict=True):
            plot.contour(
                course.f, course.xlim, course.ylim, levels=10, optimum=course.minima, bar=False,
                points=80, ax=ax,
            )  # fmt: skip
            ax.get_legend().remove()
            ax.set(title="\n", xlabel="", ylabel="")
            leaders.append((ax, name, group))
            for i, optimizer in enumerate(group):
                look = plot.look(i)
                head = {"color": look["color"], "ls": look["linestyle"], "marker": look["marker"]}
                (trail,) = ax.plot([], [], lw=1.6, **{**head, "marker": ""})
                (mark,) = ax.plot([], [], ms=8, mec="white", zorder=7, **head)
                runners.append((paths[name][optimizer], trail, mark))
        marks = [mark for *_, mark in runners[-len(group) :]]
        panels[-1].legend(marks, group, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    heading = figure.suptitle(" ", fontsize=14)

    def draw(step: int) -> list:
        heading.set_text(f"step {step}; dark is low, a cross a minimum")
        for path, trail, mark in runners:
            trail.set_data(*path.points[: step + 1].T)
            mark.set_data(*path.points[min(step, len(path.points) - 1)][:, None])
        for ax, course, group in leaders:
            values = {name: paths[course][name].values[: step + 1][-1] for name in group}
            first = min(group, key=values.__getitem__)
            lead = f"lowest: {first}, {values[first]:.0e}" if step else ""
            ax.set_title(f"{course}\n{lead}", fontsize=11)
        return []

    draw(0)
    figure.canvas.draw()
    figure.set_layout_engine("none")
    steps = np.unique(np.round(np.linspace(0, 1, frames) ** 1.5 * STEPS).astype(int))
    return FuncAnimation(figure, draw, frames=steps.tolist(), interval=100, repeat=False)


def small_multiples(name: str, paths: dict[str, Trajectory]) -> Figure:
    """Every optimizer's path in a picture of its own, and how low all of them came."""
    course = COURSES[name]
    figure, panels = plot.subplots(3, 4, figsize=(11.4, 9.2))
    *fields, last = panels.flat
    for k, (ax, (optimizer, path)) in enumerate(zip(fields, paths.items(), strict=True)):
        rate = OPTIMIZERS[optimizer][1][list(COURSES).index(name)]
        plot.contour(
            course.f, course.xlim, course.ylim, path, optimum=course.minima, bar=k == 3, points=80,
            ax=ax,
        )  # fmt: skip
        ax.get_legend().remove()
        ax.set_title(f"{optimizer}, lr {rate:g}", fontsize=11)
        ax.set(xlabel="", ylabel="", box_aspect=1)
        ax.tick_params(labelsize=9)
    order = sorted(paths, key=lambda optimizer: paths[optimizer].value, reverse=True)
    for step, face, text in ((30, "white", "step 30"), (STEPS, "#0072B2", f"step {STEPS}")):
        losses = [max(paths[optimizer].values[step], FLOOR) for optimizer in order]
        last.plot(losses, order, "o", color="#0072B2", markerfacecolor=face, label=text)
    last.set(xscale="log", box_aspect=1)
    last.set_title("How low", fontsize=11)
    last.tick_params(labelsize=9)
    last.grid(alpha=0.3)
    last.legend(fontsize=9)
    figure.suptitle(f"{name}: from the open circle to the star; a cross is a minimum")
    return figure


def pictures(quick: bool) -> Iterator[Picture]:
    """The race, and the paths on each course."""
    paths = results()
    yield Picture(
        "race",
        "Two groups of optimizers on three courses; above each, who is lowest, and how low.",
        animation(paths, 12 if quick else 40),
    )
    formulas = {name: str(course.f.__doc__).rstrip(".") for name, course in COURSES.items()}
    for name, formula in formulas.items():
        yield Picture(
            f"race_{name.lower()}",
            f"{name}'s function, `{formula}`: where everyone ran, and how low they were after 30 "
            f"steps and after {STEPS}.",
            small_multiples(name, paths[name]),
        )


if __name__ == "__main__":
    run(__doc__, pictures)
