"""What all pictures share: the style, ranges, and functions evaluated on whole grids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from autodiff.contexts import no_grad
from autodiff.engine.reals import describe
from autodiff.optim.base import Array
from autodiff.transforms.vmap import vmap
from autodiff.value import Value

#: Legible where the README shows a figure; applied to the figures that this package makes.
STYLE: Any = {
    "figure.figsize": (6.4, 4.8),
    "figure.dpi": 120,
    "savefig.dpi": 120,
    "font.size": 12,
    "axes.titlesize": 13,
    "legend.fontsize": 11,
    "legend.framealpha": 0.85,
    "lines.linewidth": 2.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}

#: Okabe and Ito's colours, told apart by colour-blind readers; each with a marker and a line
#: (whose gaps show what lies beneath it).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9")
LINES = ("-", (0, (3, 3)), (0, (6, 2, 1, 2)), (0, (6, 2, 1, 2, 1, 2)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "p", "X", "*", "<", ">", "h")

#: Heights from slate blue to pale yellow: ever lighter, so that print and colour-blind readers keep
#: their order; and no path's colour.
HEIGHTS = LinearSegmentedColormap.from_list("heights", ["#7496c0", "#c4d0d0", "#fae6a8"])

#: Of a path: its line, its steps, where it starts and ends, and the part that a surface hides.
OUTLINE = [patheffects.withStroke(linewidth=3.6, foreground="white")]  # seen on every ground
PATH: Any = {"linewidth": 1.8, "path_effects": OUTLINE}
STEP: Any = {"linestyle": "", "markersize": 4.5}
START: Any = {"linestyle": "", "marker": "o", "markersize": 9, "markerfacecolor": "white"}
END: Any = {"linestyle": "", "marker": "*", "markersize": 14, "markeredgecolor": "white"}
HIDDEN: Any = {"linewidth": 1.2, "linestyle": (0, (1.5, 1.5)), "alpha": 0.45}

#: Cross-hairs, thin, so that what has arrived there is seen beneath them.
OPTIMUM: Any = {
    "linestyle": "",
    "marker": "+",
    "color": "black",
    "markersize": 17,
    "markeredgewidth": 1.5,
    "zorder": 6,
}


def subplots(*args: Any, **kwargs: Any) -> Any:
    """``matplotlib.pyplot.subplots`` in this package's style: the figure, and its axes.

    Args:
        args, kwargs: as matplotlib takes them.

    Returns:
        A figure, and axes, or an array of axes.

    Raises:
        RuntimeError: if matplotlib's backend wants a display and there is none.
        ValueError, TypeError: what matplotlib raises of its arguments.

    >>> figure, (left, right) = subplots(1, 2, figsize=(8, 3))
    >>> left.plot([1, 2], [1, 4], **look(0))[0].get_color(), len(figure.axes)
    ('#0072B2', 2)
    >>> plt.close(figure)
    """
    kwargs.setdefault("layout", "constrained")
    with matplotlib.rc_context(STYLE):
        try:
            figure, ax = plt.subplots(*args, **kwargs)
            interactive = matplotlib.is_interactive()
        except ImportError as refused:
            raise RuntimeError(
                f"there is no display to draw on ({refused}): set MPLBACKEND=Agg in the "
                "environment and save the picture, or run a demonstration with --save DIR"
            ) from refused
    matplotlib.interactive(interactive)  # on, in a notebook, from its first figure
    return figure, ax


def axes(ax: Axes | None, projection: str | None = None) -> Any:
    """The axes to draw on: those given, or those of a new figure."""
    if ax is None:
        return subplots(subplot_kw={"projection": projection})[1]
    wanted = projection or "rectilinear"
    if not isinstance(ax, Axes) or ax.name != wanted:
        came = f"axes of projection {ax.name!r}" if isinstance(ax, Axes) else describe(ax)
        raise TypeError(
            f"ax must be matplotlib axes of projection {wanted!r}, not {came}: "
            f"plot.subplots(subplot_kw={{'projection': {projection!r}}})"
        )
    return ax


def legend(ax: Any, own: bool) -> None:
    """Say what is what: below the axes of a figure of one's own, so that no path is hidden."""
    handles, names = ax.get_legend_handles_labels()
    if names and own:
        columns = 2 if max(map(len, names)) <= 30 else 1
        rows = -(-len(names) // columns)
        ax.figure.set_figheight(STYLE["figure.figsize"][1] + 0.25 * rows)
        with matplotlib.rc_context(STYLE):
            ax.figure.legend(
                handles, names, loc="outside lower center", frameon=False, ncols=columns
            )
    elif names:
        ax.legend(fontsize=STYLE["legend.fontsize"])


def colour_bar(ax: Any, drawn: Any, name: str, ticks: Any = None) -> Any:
    """A bar beside the axes that says which colour is which height, and which way is down."""
    small = STYLE["legend.fontsize"] - 1
    if ax.name == "3d":
        bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.6, aspect=15, pad=0.13)
    else:
        place = ax.inset_axes((1.03, 0.0, 0.04, 1.0))  # as high as the axes
        bar = ax.figure.colorbar(drawn, cax=place, ticks=ticks, extendfrac=0.04)
    bar.ax.tick_params(labelsize=small)
    bar.set_label(f"{name}: dark is low", fontsize=small)
    return bar


def look(i: int) -> dict[str, Any]:
    """Colour, line and marker of the ``i``-th thing in a picture, to be passed to ``ax.plot``.

    Raises:
        TypeError: if ``i`` is not an integer.

    >>> look(0)
    {'color': '#0072B2', 'linestyle': '-', 'marker': 'o'}
    """
    return {
        "color": COLOURS[i % len(COLOURS)],
        "linestyle": LINES[i % len(LINES)],
        "marker": MARKERS[i % len(MARKERS)],
    }


def apart(i: int, lines: int, points: int) -> dict[str, Any]:
    """The look of one of several lines that may lie on one another: each has its own marks on it.

    A line alone has none.
    """
    if lines == 1:
        return {**look(i), "marker": ""}
    every = max(1, points // 8)
    return {**look(i), "markersize": 6, "markevery": (i * every // lines, every)}


def limits(given: Sequence[float], name: str) -> tuple[float, float]:
    """Two finite numbers, the first below the second.

    Raises:
        ValueError: for anything else; it says what is wanted.
    """
    try:
        low, high = (float(x) for x in given)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be two numbers (low, high), not {describe(given)}") from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"{name} must be finite, the low end first, not {describe(given)}")
    return low, high


def on_arrays(f: Callable[..., Any], *arrays: Array) -> Array:
    """``f`` of whole arrays at once: an array of numbers, of their shape.

    Raises:
        ValueError: if ``f`` cannot be evaluated on arrays, or gives more than a number for each.
    """
    result, shape = outputs(f, *arrays), np.broadcast_shapes(*(a.shape for a in arrays))
    if result.shape not in (shape, ()):
        raise ValueError(
            f"the function must give one number for each of its arguments' elements: an array of "
            f"shape {shape}, not {result.shape}"
        )
    return np.array(np.broadcast_to(result, shape))


def outputs(f: Callable[..., Any], *arrays: Array) -> Array:
    """What ``f`` gives of whole arrays, as one array of numbers; or else of each of their elements.

    Raises:
        ValueError: if ``f`` can be evaluated on neither; it says how to write it.
    """
    with np.errstate(all="ignore"), no_grad():
        try:
            return _numbers(f(*arrays))
        except (TypeError, ValueError):  # it compares, say, and is for one element at a time
            whole = np.broadcast_arrays(*arrays)
        try:
            found = _numbers(vmap(f)(*(a.ravel() for a in whole)))
        except (TypeError, ValueError) as refused:
            raise ValueError(
                f"the function could not be evaluated, neither on whole arrays nor on single "
                f"numbers ({refused}): write it in autodiff's functions and operators "
                "(autodiff.sin, not math.sin)"
            ) from refused
    return found.reshape(*found.shape[:-1], *whole[0].shape)


def _numbers(result: Any) -> Array:
    """A result, as an array of numbers."""
    found = np.asarray(result)
    if found.dtype == object:
        found = np.frompyfunc(lambda x: x.data if type(x) is Value else x, 1, 1)(found)
    return np.array(found, np.float64)


def grid(
    f: Callable[..., Any], xlim: Sequence[float], ylim: Sequence[float], points: int
) -> tuple[Array, Array, Array]:
    """``points`` x ``points`` places and the finite values of ``f`` there, nan where it has none.

    Raises:
        ValueError: if a range is empty or not finite, or ``f`` is finite nowhere in it.
    """
    (left, right), (low, high) = limits(xlim, "xlim"), limits(ylim, "ylim")
    x, y = np.meshgrid(np.linspace(left, right, points), np.linspace(low, high, points))
    z = on_arrays(f, x, y)
    z[~np.isfinite(z)] = np.nan
    if np.isnan(z).all():
        raise ValueError(
            f"the function is not finite anywhere on xlim={(left, right)}, ylim={(low, high)}: "
            "choose ranges in its domain"
        )
    return x, y, z
