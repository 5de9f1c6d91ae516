"""Pictures in two dimensions: contours, surfaces, and the regions of a classifier."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from autodiff.engine.reals import describe
from autodiff.nn import Module
from autodiff.optim.base import Array
from autodiff.plot.canvas import HEIGHTS, axes, grid, legend, limits, look, on_arrays, outputs
from autodiff.plot.paths import OUTLINE, Trajectories, Visible, named, visible

_BEST: dict[str, Any] = {
    "marker": "P",
    "color": "white",
    "markeredgecolor": "black",
    "markersize": 12,
}


def contour(
    f: Callable[[Any, Any], Any],
    xlim: Sequence[float],
    ylim: Sequence[float],
    trajectories: Trajectories = None,
    levels: int | Sequence[float] = 14,
    optimum: Sequence[float] | None = None,
    *,
    points: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """The iso-lines of ``f``, low ground dark, with the paths of minimizations on it.

    A path that leaves the picture for good has an arrow where it does, and its name says after
    which step.

    Args:
        f: the function, of arrays as of Values.
        xlim: from where to where.
        ylim: the same, of the second parameter.
        trajectories: what ``optim.minimize`` returned; or a dictionary of them.
        levels: the heights of the lines, which are then written on them; or how many lines there
            are, each enclosing the same area more.
        optimum: where to put a cross.
        points: of the grid, in each direction.
        ax: where to draw; a new figure if None.

    Raises:
        TypeError: if a trajectory is none, or ``ax`` not axes of the right projection.
        ValueError: if a range is empty or not finite, a trajectory not of two dimensions,
            ``levels`` are not heights or a number of lines, ``optimum`` is no finite point, or
            ``f`` cannot be evaluated on arrays or is finite nowhere.

    >>> ax = contour(lambda x, y: x * x + y * y, (-1, 1), (-1, 1), levels=[0.5, 1.0])
    >>> ax.get_xlabel()
    'x'
    """
    paths = named(trajectories, 2, "contour")
    x, y, z = grid(f, xlim, ylim, points)
    heights = _levels(levels, z)
    own = ax is None
    ax = axes(ax)
    shades = HEIGHTS(np.linspace(0.0, 1.0, len(heights) + 1))
    ax.contourf(x, y, z, heights, colors=shades, extend="both")
    lines = ax.contour(x, y, z, heights, colors="0.45", linewidths=0.7, linestyles="solid")
    if not isinstance(levels, int):
        span = np.array([np.ptp(x), np.ptp(y)])
        long = [
            level
            for level, path in zip(lines.levels, lines.get_paths(), strict=True)
            if len(path.vertices) and (np.ptp(path.vertices, axis=0) > 0.2 * span).any()
        ]  # on the others a number would hide the line
        if long:
            ax.clabel(lines, long, fontsize=10, colors="0.15", fmt="%g")
    for i, (name, path) in enumerate(paths.items()):
        seen = visible(path, limits(xlim, "xlim"), limits(ylim, "ylim"))
        draw_on_plane(ax, seen, i, name)
    if optimum is not None:
        ax.plot(*_place(optimum), label="optimum", linestyle="", zorder=6, **_BEST)
    ax.set_xlim(limits(xlim, "xlim"))
    ax.set_ylim(limits(ylim, "ylim"))
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    legend(ax, own)
    return ax


def _levels(levels: int | Sequence[float], z: Array) -> Array:
    if isinstance(levels, int):
        if levels < 1:
            raise ValueError(f"levels must be 1 or more lines, or a list of heights, not {levels}")
        heights = np.unique(np.nanquantile(z, (np.arange(levels) + 0.5) / levels))
        return heights if len(heights) > 1 else heights[0] + np.array([-0.5, 0.5])
    heights = np.array(levels, np.float64)
    if heights.ndim != 1 or not len(heights) or not np.isfinite(heights).all():
        raise ValueError(f"levels must be finite heights, not {describe(levels)}")
    return np.unique(heights)


def _place(optimum: Sequence[float]) -> tuple[float, float]:
    place = np.asarray(optimum, np.float64)
    if place.shape != (2,) or not np.isfinite(place).all():
        raise ValueError(f"optimum must be a finite point (x, y), not {describe(optimum)}")
    return float(place[0]), float(place[1])


def draw_on_plane(ax: Axes, seen: Visible, i: int, name: str) -> None:
    """One path: its line, its steps, start, end, and an arrow where it leaves."""
    style = look(i)
    colour = style["color"]
    label = f"{name}: {seen.note}".strip(": ") or "_path"
    every = max(1, len(seen.points) // 25)
    ax.plot(
        *seen.line.T, color=colour, linestyle=style["linestyle"], linewidth=1.8,
        path_effects=OUTLINE, zorder=3,
    )  # fmt: skip
    ax.plot(
        *seen.points[::every].T, linestyle="", marker=style["marker"], color=colour, markersize=4.5,
        zorder=4,
    )  # fmt: skip
    ax.plot([], [], **style, label=label, markersize=5)
    if len(seen.points):
        ax.plot(*seen.points[0], "o", color=colour, markersize=9, markerfacecolor="w", zorder=5)
        if seen.left_after is None:
            ax.plot(
                *seen.points[-1], "*", color=colour, markersize=15, markeredgecolor="w", zorder=5
            )
    if seen.exit is not None and seen.direction is not None:
        span = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
        tail = seen.exit - 0.07 * seen.direction * span
        ax.annotate(
            "", tuple(seen.exit), tuple(tail), zorder=5,
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2.5, "mutation_scale": 18},
        )  # fmt: skip


def surface(
    f: Callable[[Any, Any], Any],
    xlim: Sequence[float],
    ylim: Sequence[float],
    trajectories: Trajectories = None,
    optimum: Sequence[float] | None = None,
    *,
    points: int = 60,
    ax: Any = None,
) -> Any:
    """``f`` as a surface in three dimensions, with the paths of minimizations on it.

    Args:
        f: the function, of arrays as of Values.
        xlim: from where to where.
        ylim: the same, of the second parameter.
        trajectories: what ``optim.minimize`` returned; or a dictionary of them.
        optimum: where to put a cross.
        points: of the grid, in each direction.
        ax: three-dimensional axes; of a new figure if None.

    Raises:
        TypeError, ValueError: as ``contour``.

    >>> surface(lambda x, y: x * x + y * y, (-1, 1), (-1, 1)).name
    '3d'
    """
    paths = named(trajectories, 2, "surface")
    x, y, z = grid(f, xlim, ylim, points)
    own = ax is None
    ax = axes(ax, "3d")
    ax.plot_surface(
        x, y, z, cmap=HEIGHTS, rcount=points, ccount=points, linewidth=0.2, edgecolor="0.6",
        alpha=0.75, antialiased=True,
    )  # fmt: skip
    for i, (name, path) in enumerate(paths.items()):
        seen = visible(path, limits(xlim, "xlim"), limits(ylim, "ylim"))
        draw_on_surface(ax, f, seen, i, name)
    if optimum is not None:
        place = _place(optimum)
        ax.plot(
            *([c] for c in (*place, *on_arrays(f, *np.array([place]).T))),
            label="optimum", linestyle="", zorder=20, **_BEST,
        )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(5))
    ax.set_box_aspect((4, 4, 3), zoom=1.1)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    legend(ax, own)
    return ax


def draw_on_surface(
    ax: Any, f: Callable[[Any, Any], Any], seen: Visible, i: int, name: str
) -> None:
    """One path on the surface of ``f``: its line, its steps, start and end."""
    style = look(i)
    label = f"{name}: {seen.note}".strip(": ") or "_path"
    line, steps = seen.line.T, seen.points.T
    over = {"path_effects": OUTLINE, "zorder": 10}  # above the surface, which would hide it
    ax.plot(*line, on_arrays(f, *line), color=style["color"], linestyle=style["linestyle"], **over)
    every = max(1, len(seen.points) // 25)
    heights = on_arrays(f, *steps)
    ax.plot(
        *steps[:, ::every], heights[::every], linestyle="", marker=style["marker"],
        color=style["color"], markersize=4, zorder=11,
    )  # fmt: skip
    ax.plot([], [], [], **style, label=label, markersize=5)
    if len(seen.points):
        first, last = ([*seen.points[k], heights[k]] for k in (0, -1))
        ends = [(first, {"marker": "o", "markersize": 8, "markerfacecolor": "white"})]
        if seen.left_after is None:
            ends.append((last, {"marker": "*", "markersize": 14, "markeredgecolor": "white"}))
        for place, shape in ends:
            ax.plot(*([c] for c in place), color=style["color"], zorder=12, **shape)


def decision_boundary(
    model: Callable[[Any], Any],
    X: Any,
    y: Sequence[int],
    *,
    points: int = 200,
    ax: Axes | None = None,
) -> Axes:
    """The regions that a classifier of points in the plane gives to each class, and the points.

    Args:
        model: of a pair of inputs; it gives one score (a class below 0, the other above), or a
            list of one score a class (the largest wins).  A Module's parameters are taken as
            numbers, so that all of the plane is one call.
        X: the examples, of shape (n, 2).
        y: their classes: two numbers, the smaller for scores below 0; or integers from 0.
        points: of the grid, in each direction.
        ax: where to draw; a new figure if None.

    Raises:
        ValueError: if ``X`` is not finite and of shape (n, 2), ``y`` not n classes, or the model
            cannot be called on a list of two arrays.
        TypeError: if ``ax`` is not axes.

    >>> X, y = [[0.0, 0.0], [2.0, 0.0], [0.0, 3.0]], [-1, 1, 1]
    >>> ax = decision_boundary(lambda x: x[0] + x[1] - 1, X, y, points=20)
    >>> [line.get_label() for line in ax.lines]
    ['class -1', 'class 1']
    """
    examples, classes = np.asarray(X, np.float64), np.asarray(y)
    if examples.ndim != 2 or examples.shape[1] != 2 or not np.isfinite(examples).all():
        raise ValueError(f"X must be finite and of shape (n, 2), not {examples.shape}")
    if classes.shape != examples.shape[:1] or not len(classes):
        raise ValueError(
            f"y must have a class for each of the {len(examples)} examples, "
            f"not be of shape {classes.shape}"
        )
    low, high = examples.min(axis=0), examples.max(axis=0)
    margin = 0.12 * (high - low) + 1e-3
    sides = (np.linspace(a, b, points) for a, b in zip(low - margin, high + margin, strict=True))
    x1, x2 = np.meshgrid(*sides)
    if isinstance(model, Module):
        numbers: dict[int, Any] = {id(p): p.data for p in model.parameters()}
        model = copy.deepcopy(model, numbers).eval()  # a copy whose parameters are floats
    scores = outputs(lambda a, b: _rows(model([a, b])), x1, x2)
    ax = axes(ax)
    kinds = np.arange(len(scores)) if len(scores) > 1 else np.unique(classes)
    if len(scores) == 1:
        scores = np.stack([-scores[0], scores[0]])
    for k, score in enumerate(scores):
        lead = score - np.delete(scores, k, axis=0).max(axis=0)
        if lead.max() > 0:
            ax.contourf(x1, x2, lead, [0.0, lead.max()], colors=[_pale(look(k)["color"])])
        if lead.min() < 0 < lead.max():
            ax.contour(x1, x2, lead, [0.0], colors="0.2", linewidths=1.5)
    for k, kind in enumerate(kinds):
        chosen = examples[classes == kind]
        ax.plot(
            *chosen.T, linestyle="", marker=look(k)["marker"], color=look(k)["color"],
            markeredgecolor="white", markersize=8, label=f"class {kind}",
        )  # fmt: skip
    ax.set_xlabel("$x_1$")
    ax.set_ylabel("$x_2$")
    ax.legend()
    return ax


def _rows(scores: Any) -> list[Any]:
    """The scores as a list, one a class."""
    return list(scores) if isinstance(scores, (list, tuple)) else [scores]


def _pale(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.75 + red / 4, 0.75 + green / 4, 0.75 + blue / 4
