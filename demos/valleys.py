"""Two parameters, many valleys: the same descent on three models.

50 points, x from -1.5 to 1.5, of `y = sin(b cos(a x))`, `y = a x + b` and `y = a x³ + b x²`, all
with `(a, b) = (1.2, 2.5)`; the loss is the mean squared error, and plain descent with the rate 0.1
takes 400 steps from (5, 4), (5, 1) and (2, 4.5).  What to look for: the loss of the line and of the
cubic is a bowl, for they are linear in a and b, and every start ends at the true parameters.  The
loss of the sine of a cosine has many valleys: only (2, 4.5) lies in the right one, and the others
end in valleys of their own, at losses of 0.8 and 0.4, where nothing calls them away.

    python demos/valleys.py --save out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from demo import Picture, run

from autodiff import cos, mean, plot, sin, square
from autodiff.optim import SGD, Trajectory, minimize

TRUE, STARTS = (1.2, 2.5), ((5.0, 4.0), (5.0, 1.0), (2.0, 4.5))
RATE, STEPS = 0.1, 400
X = np.linspace(-1.5, 1.5, 50)
MODELS = {
    "sine": lambda a, b, x: sin(b * cos(a * x)),
    "line": lambda a, b, x: a * x + b,
    "cubic": lambda a, b, x: a * x**3 + b * x**2,
}
FORMULAS = {"sine": "sin(b cos(a x))", "line": "a x + b", "cubic": "a x³ + b x²"}
VIEW = ((-0.5, 6.5), (-1.5, 5.5))


def loss(model: Callable) -> Callable:
    """The mean squared error of a model, as a function of a and b."""
    points = list(zip(X.tolist(), model(*TRUE, X).tolist(), strict=True))
    return lambda a, b: mean([square(model(a, b, x) - y) for x, y in points])


def descents(model: Callable) -> dict[str, Trajectory]:
    """The descents from the three starts."""
    return {
        f"from ({a:g}, {b:g})": minimize(
            loss(model), (a, b), lambda params: SGD(params, lr=RATE), STEPS
        )
        for a, b in STARTS
    }


def pictures(quick: bool) -> Iterator[Picture]:
    """For each model the fits, and the paths on the surface and on its contours."""
    for name, model in MODELS.items():
        paths = descents(model)
        figure, (left, right) = plot.subplots(1, 2, figsize=(11.4, 5.4))
        fits = {start: partial(model, *path.x) for start, path in paths.items()}
        plot.fit(X, model(*TRUE, X), fits, ax=left)
        left.set_title(f"y = {FORMULAS[name]}")
        left.get_legend().remove()
        plot.contour(loss(model), *VIEW, paths, optimum=TRUE, name="loss", ax=right)
        right.set(xlabel="a", ylabel="b", title="The loss, and the paths on it")
        right.get_legend().remove()
        figure.legend(
            *right.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
        )
        found = sum(bool(np.allclose(path.x, TRUE, atol=0.01)) for path in paths.values())
        yield Picture(
            f"valleys_{name}",
            f"`y = {FORMULAS[name]}`: {found} of 3 starts end at the true parameters.",
            figure,
        )
        ax = plot.surface(loss(model), *VIEW, paths, optimum=TRUE, name="loss")
        ax.view_init(elev=45, azim=-120)  # from where no path is hidden
        ax.set(xlabel="a", ylabel="b", title=f"y = {FORMULAS[name]}")
        yield Picture(
            f"valleys_{name}_surface",
            "The same paths on the surface.",
            ax,
        )


if __name__ == "__main__":
    run(__doc__, pictures)
