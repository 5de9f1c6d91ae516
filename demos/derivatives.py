"""Derivatives: what they are, and what finite differences make of them.

`sin(x)` and `2 x²` with their derivatives; a step `h = 1` in place of a small one, at `x = 2`, for
`x`, `2 x` and `x²`; the error of forward and central differences against `h`, for the derivative of
sin at 1.

What to look for: a difference quotient with `h = 1` is right for `x` and `2 x`, whose slope is
everywhere the same, and 5 in place of 4 for `x²` (`2 x + h`: the forward difference is off by `h`;
the central one is exact for a parabola).  On logarithmic axes the errors make a V: to the right of
its foot the formula is at fault (truncation, which falls like `h` and like `h²`), to the left of it
the computer is (rounding, which grows like `1/h`).  The feet stand near `h = 10⁻⁸` and `h = 10⁻⁵`;
reverse-mode differentiation has no `h`, and no V.

    python demos/derivatives.py --save out
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from demo import Picture, run

from autodiff import Value, plot, sin

AT = 1.0
STEPS = 10.0 ** np.arange(-15.0, 0.01, 0.1)
SLOPES = {"x": lambda x: x, "2x": lambda x: 2 * x, "x²": lambda x: x * x}


def parabola(x):
    """2x²: of a number, a Value or an array of numbers."""
    return 2 * x * x


def forward(f: Callable, x: float, h):
    """The forward difference quotient; ``h`` may be an array."""
    return (f(x + h) - f(x)) / h


def central(f: Callable, x: float, h):
    """The central difference quotient; ``h`` may be an array."""
    return (f(x + h) - f(x - h)) / (2 * h)


def reverse(f: Callable, x: float) -> float:
    """The derivative by reverse-mode differentiation."""
    v = Value(x)
    f(v).backward()
    return v.grad


def errors() -> dict[str, np.ndarray]:
    """How far each quotient of sin at 1 is from cos(1), for each of ``STEPS``."""
    with np.errstate(divide="ignore"):
        return {
            "forward difference": abs(forward(sin, AT, STEPS) - math.cos(AT)),
            "central difference": abs(central(sin, AT, STEPS) - math.cos(AT)),
        }


def pictures(quick: bool) -> Iterator[Picture]:
    """Two functions with their derivatives; the step h = 1; the V of the errors."""
    ax = plot.curve(sin, (-2 * math.pi, 2 * math.pi), name="sin x")
    ax.set(title="sin x and its derivative, cos x", ylim=(-1.2, 1.6))
    ax.legend(loc="upper right", ncols=2)
    yield Picture("derivatives_sin", "Where sin is steepest, its derivative is 1 or -1.", ax)

    ax = plot.curve(parabola, (-3, 3), name="2x²")
    xs = np.linspace(-3, 3, 13)
    ax.plot(
        xs, central(parabola, xs, 1e-5), **{**plot.look(2), "linestyle": ""},
        label="central differences, h = 1e-5",
    )  # fmt: skip
    ax.legend()
    ax.set_title("2x² and its derivative, 4x")
    yield Picture("derivatives_parabola", "Numerical derivatives lie on the true ones.", ax)

    figure, panels = plot.subplots(1, 3, figsize=(11.4, 4.6))
    for ax, (name, f) in zip(panels, SLOPES.items(), strict=True):
        slope, quotient = reverse(f, 2.0), forward(f, 2.0, 1.0)
        plot.curve(f, (0, 4), derivative=False, name=name, ax=ax)
        x = np.array([0.5, 3.8])
        ax.plot(x, f(2.0) + slope * (x - 2), **{**plot.look(1), "marker": ""}, label="tangent")
        ax.plot([2, 3], [f(2.0), f(3.0)], **plot.look(2), label="h = 1")
        ax.set_title(f"slope {slope:g}; with h = 1: {quotient:g}")
        ax.legend(loc="upper left")
    yield Picture(
        "derivatives_step",
        "The slope at x = 2, and a step of 1: no error for straight lines, 1 for the parabola.",
        figure,
    )

    ax = plot.subplots()[1]
    for i, (name, error) in enumerate(errors().items()):
        shown = np.where(error == 0, np.nan, error)
        ax.loglog(STEPS, shown, **{**plot.look(i), "marker": ""}, label=name)
    own = abs(reverse(sin, AT) - math.cos(AT))
    ax.axhline(np.spacing(math.cos(AT)), color="0.45", linestyle=":", linewidth=1.5)
    ax.annotate(
        f"reverse mode: error {own:g}; dotted: one unit in the last place",
        (1e-15, np.spacing(math.cos(AT))), (0, -18), textcoords="offset points", fontsize=11,
    )  # fmt: skip
    ax.set(xlabel="h", ylabel="error of the derivative", title="The derivative of sin at 1")
    ax.set_ylim(1e-18, 10)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper center")
    yield Picture("derivatives_errors", "The V of rounding (left) and truncation (right).", ax)


if __name__ == "__main__":
    run(__doc__, pictures)
