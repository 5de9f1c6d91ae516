"""A line through 100 noisy points of `y = x`, fitted with gradients from three sources.

The loss is the mean squared error of `y = k x + b`; [80, 90, 70] against [75, 85, 75] has 25.  The
gradient comes from central finite differences, from the formulas derived by hand, and from this
engine.  What to look for: the three descents (learning rate 0.08, 300 epochs) walk the same path
and end in the same line; they differ in the time they take, and in who had to do the mathematics.

    python demos/line_fit.py --save out
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from demo import Picture, run

from autodiff import mean, nn, plot, square
from autodiff.optim import SGD, Trajectory, minimize

RATE, EPOCHS, START = 0.08, 300, (-1.0, 2.0)


def data() -> tuple[np.ndarray, np.ndarray]:
    """100 points of y = x on [0, 2], with normal noise of deviation 0.2."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0.0, 2.0, 100)
    return x, x + rng.normal(0.0, 0.2, 100)


def mean_squared_error(x: np.ndarray, y: np.ndarray):
    """The loss as a function of slope and offset: numbers, Values or arrays of numbers."""
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    return lambda k, b: mean([square(k * a + b - t) for a, t in points])


def by_hand(x: np.ndarray, y: np.ndarray):
    """The gradient: dL/dk = mean(2*(k*x + b - y)*x), dL/db = mean(2*(k*x + b - y))."""

    def gradient(k: float, b: float) -> list[float]:
        errors = k * x + b - y
        return [float(np.mean(2 * errors * x)), float(np.mean(2 * errors))]

    return gradient


def three_ways(epochs: int) -> dict[str, tuple[Trajectory, float]]:
    """The three descents, and the seconds that each took."""
    x, y = data()
    ways = {
        "finite differences": "numerical",
        "formulas by hand": by_hand(x, y),
        "reverse mode": "reverse",
    }
    results = {}
    for name, gradient in ways.items():
        begun = time.perf_counter()
        path = minimize(
            mean_squared_error(x, y),
            START,
            lambda params: SGD(params, lr=RATE),
            epochs,
            gradient=gradient,
        )
        results[name] = path, time.perf_counter() - begun
    return results


def equation(k: float, b: float) -> str:
    """The line, as it is written: two digits of each number.

    >>> equation(-1.0, 2.0), equation(0.985, -0.0017)
    ('y = -1x + 2', 'y = 0.98x - 0.0017')
    """
    return f"y = {k:.2g}x {'-' if b < 0 else '+'} {abs(b):.2g}"


def pictures(quick: bool) -> Iterator[Picture]:
    """Before and after; the paths on the loss; the fall of the loss."""
    example = nn.mse_loss([80, 90, 70], [75, 85, 75])
    x, y = data()
    results = three_ways(EPOCHS)
    paths = {name: path for name, (path, _) in results.items()}
    k, b = paths["reverse mode"].x
    lines = {f"before: {equation(*START)}": START, f"after: {equation(k, b)}": (k, b)}
    ax = plot.fit(x, y, {name: np.poly1d(line) for name, line in lines.items()})
    ax.set_title("A line through 100 points")
    yield Picture(
        "line_fit",
        "Before and after. (The mean squared error of [80, 90, 70] against "
        f"[75, 85, 75] is {example:g}.)",
        ax,
    )

    figure, panels = plot.subplots(1, 3, figsize=(11.4, 4.4), sharey=True)
    for i, (ax, (name, (path, spent))) in enumerate(zip(panels, results.items(), strict=True)):
        plot.contour(
            mean_squared_error(x, y), (-1.5, 2.5), (-1.5, 2.5), path,
            optimum=np.polyfit(x, y, 1), name="loss", bar=i == 2, ax=ax,
        )  # fmt: skip
        ax.set(xlabel="slope k", ylabel="" if i else "offset b", box_aspect=1)
        ax.set_title(f"{name}: {1000 * spent:.0f} ms")
        ax.get_legend().remove()
    yield Picture(
        "line_fit_paths",
        "Three sources of the gradient, one path, from the open circle to the star (on the "
        "cross-hairs of the least squares); and the time that 300 epochs took.",
        figure,
    )

    ax = plot.loss(paths)
    ax.set_title("Mean squared error")
    yield Picture(
        "line_fit_loss", "The losses lie on one another, whatever gives the gradient.", ax
    )


if __name__ == "__main__":
    run(__doc__, pictures)
