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
from autodiff.plot.canvas import (
    END,
    HEIGHTS,
    OPTIMUM,
    PATH,
    START,
    STEP,
    axes,
    colour_bar,
    grid,
    legend,
    limits,
    look,
    on_arrays,
    outputs,
)
from autodiff.plot.paths import Trajectories, Visible, named, stride, visible
from autodiff.plot.sheets import Sheet, draw_on_sheet


def contour(
    f: Callable[[Any, Any], Any],
    xlim: Sequence[float],
    ylim: Sequence[float],
    trajectories: Trajectories = None,
    levels: int | Sequence[float] = 14,
    optimum: Sequence[Any] | None = None,
    *,
    name: str = "f(x, y)",
    bar: bool = True,
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
        optimum: where to put cross-hairs: a point, or several.
        name: what the colour bar calls the heights.
        bar: whether to draw that.
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
    best = None if optimum is None else places(optimum)
    own = ax is None
    ax = axes(ax)
    shades = HEIGHTS(np.linspace(0.0, 1.0, len(heights) + 1))
    bands = ax.contourf(x, y, z, heights, colors=shades, extend="both")
    lines = ax.contour(x, y, z, heights, colors="0.45", linewidths=0.7, linestyles="solid")
    ax.set_xlim(limits(xlim, "xlim"))
    ax.set_ylim(limits(ylim, "ylim"))
    if bar:
        marked = heights[:: -(-len(heights) // 10)]
        colour_bar(ax, bands, name, marked).set_ticklabels(_short(marked))
    for i, (title, path) in enumerate(paths.items()):
        seen = visible(path, limits(xlim, "xlim"), limits(ylim, "ylim"))
        draw_on_plane(ax, seen, i, title)
    if best is not None:
        ax.plot(*best, label="optimum", **OPTIMUM)
    if not isinstance(levels, int):
        taken = [np.empty((2, 0)) if best is None else best]
        drawn = (np.asarray(line.get_xydata()) for line in ax.lines)
        taken += [points.T for points in drawn if len(points)]
        free = _free_places(ax, lines, np.concatenate(taken, axis=1))
        ax.clabel(lines, fontsize=10, colors="0.15", fmt="%g", manual=free)
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


def _short(heights: Array) -> list[str]:
    """Numbers with as few digits as tell them apart, but two."""
    for digits in range(2, 18):
        texts = [f"{float(f'{height:.{digits}g}'):.{max(digits, 6)}g}" for height in heights]
        if len(set(texts)) == len(texts):
            break
    return texts


def _free_places(ax: Axes, lines: Any, taken: Array) -> list[tuple[float, float]]:
    """On each line the place for its height that is farthest from the border and what is drawn.

    Lines that have none, or are so short that a number would hide them, get no place.
    """
    low = np.array([ax.get_xlim()[0], ax.get_ylim()[0]])
    span = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    others = (taken.T - low) / span
    others = others[np.isfinite(others).all(axis=1)]
    found = []
    for path in lines.get_paths():
        spots = (path.vertices - low) / span
        if not len(spots) or (np.ptp(spots, axis=0) < 0.2).all():
            continue
        gaps = np.hypot(*(spots[:, None] - others[None]).transpose(2, 0, 1))
        border = 0.5 - np.abs(spots - 0.5).max(axis=1)
        room = np.minimum(border, gaps.min(axis=1, initial=0.25))  # more is not better
        if room.max() > 0.05:
            spot = spots[np.argmax(room)]
            others = np.vstack([others, spot])
            found.append((float(spot[0] * span[0] + low[0]), float(spot[1] * span[1] + low[1])))
    return found


def places(optimum: Sequence[Any]) -> Array:
    """One point or several, as an array of shape (2, n)."""
    try:
        found = np.atleast_2d(np.asarray(optimum, np.float64))
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 2 or found.shape[1] != 2 or not np.isfinite(found).all():
        raise ValueError(
            f"optimum must be a finite point (x, y), or a list of such, not {describe(optimum)}"
        )
    return found.T


def draw_on_plane(ax: Axes, seen: Visible, i: int, name: str) -> None:
    """One path: its line, its steps, start, end, and an arrow where it leaves."""
    style = look(i)
    colour = style["color"]
    label = f"{name}: {seen.note}".strip(": ") or "_path"
    ax.plot(*seen.line.T, color=colour, linestyle=style["linestyle"], zorder=3, **PATH)
    ax.plot(*seen.points[:: stride(seen)].T, color=colour, marker=style["marker"], zorder=4, **STEP)
    ax.plot([], [], **style, label=label, markersize=5, linewidth=PATH["linewidth"])
    if len(seen.points):
        ax.plot(*seen.points[0], color=colour, zorder=5, **START)
        if seen.left_after is None:
            ax.plot(*seen.points[-1], color=colour, zorder=5, **END)
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
    optimum: Sequence[Any] | None = None,
    *,
    name: str = "f(x, y)",
    points: int = 60,
    ax: Any = None,
) -> Any:
    """``f`` as a surface in three dimensions, with the paths of minimizations on it.

    Between its steps a path is straight, as in ``contour``.  Where the surface hides it from the
    reader, it is dotted and faint; turn the axes (``view_init``), and other parts are hidden.

    Args:
        f: the function, of arrays as of Values.
        xlim: from where to where.
        ylim: the same, of the second parameter.
        trajectories: what ``optim.minimize`` returned; or a dictionary of them.
        optimum: where to put cross-hairs: a point, or several.
        name: what the vertical axis and the colour bar call the heights.
        points: of the grid, in each direction.
        ax: three-dimensional axes; of a new figure if None.

    Raises:
        TypeError, ValueError: as ``contour``.

    >>> surface(lambda x, y: x * x + y * y, (-1, 1), (-1, 1)).name
    '3d'
    """
    paths = named(trajectories, 2, "surface")
    sheet = Sheet(*grid(f, xlim, ylim, points))
    best = None if optimum is None else places(optimum)
    own = ax is None
    ax = axes(ax, "3d")
    x, y = np.meshgrid(sheet.x, sheet.y)
    drawn = ax.plot_surface(
        x, y, sheet.z, cmap=HEIGHTS, rcount=points, ccount=points, linewidth=0.25,
        edgecolor=(0.0, 0.0, 0.0, 0.3), antialiased=True,
    )  # fmt: skip
    for i, (title, path) in enumerate(paths.items()):
        seen = visible(path, limits(xlim, "xlim"), limits(ylim, "ylim"))
        _draw_on_surface(ax, f, sheet, seen, i, title)
    if best is not None:
        draw_on_sheet(
            ax, sheet, [*best, on_arrays(f, *best)], **{**OPTIMUM, "zorder": 20}, label="optimum"
        )
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(5, integer=False))
        axis.pane.set(facecolor="white", edgecolor="0.7")
    ax.set_box_aspect((4, 4, 3), zoom=1.05)
    ax.set(xlabel="x", ylabel="y", zlabel=name)
    texts = ax.zaxis.get_major_formatter().format_ticks(ax.get_zticks())
    ax.tick_params("z", pad=1.0 + 1.2 * max(map(len, texts)))  # numbers begin at the axis
    ax.zaxis.labelpad = 3.0 + 3.6 * max(map(len, texts))
    ax.zaxis.set_rotate_label(False)  # from every side it reads upwards
    ax.zaxis.label.set_rotation(90)
    colour_bar(ax, drawn, name)
    legend(ax, own)
    return ax


def _draw_on_surface(
    ax: Any, f: Callable[[Any, Any], Any], sheet: Sheet, seen: Visible, i: int, name: str
) -> None:
    """One path on the surface of ``f``: its line, its steps, start and end."""
    style = look(i)
    colour = style["color"]
    label = f"{name}: {seen.note}".strip(": ") or "_path"
    line = [*seen.line.T, on_arrays(f, *seen.line.T)]
    steps = np.array([*seen.points.T, on_arrays(f, *seen.points.T)])
    draw_on_sheet(ax, sheet, line, color=colour, linestyle=style["linestyle"], zorder=10, **PATH)
    draw_on_sheet(
        ax, sheet, steps[:, :: stride(seen)], color=colour, marker=style["marker"], zorder=11,
        **STEP,
    )  # fmt: skip
    ax.plot([], [], [], **style, label=label, markersize=5, linewidth=PATH["linewidth"])
    if len(seen.points):
        draw_on_sheet(ax, sheet, steps[:, :1], color=colour, zorder=12, **START)
        if seen.left_after is None:
            draw_on_sheet(ax, sheet, steps[:, -1:], color=colour, zorder=12, **END)


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
