"""Pictures in one dimension: a function, a descent on it, fitted models, the fall of a loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from autodiff.engine.reals import describe
from autodiff.optim.base import Array
from autodiff.optim.loops import History
from autodiff.optim.minimize import Trajectory
from autodiff.plot.canvas import END, OUTLINE, START, apart, axes, limits, look, on_arrays
from autodiff.plot.paths import Trajectories, clip, left, named, visible
from autodiff.value import Value

_POINTS = 401
_BETWEEN = 16  # places between two points, where a pole would show
_ROUNDING = 1e-17  # of the largest loss: what is below is as good as 0


def curve(
    f: Callable[[Any], Any],
    domain: Sequence[float],
    derivative: bool = True,
    *,
    name: str = "f",
    ax: Axes | None = None,
) -> Axes:
    """A function of one number, and its derivative by reverse-mode differentiation.

    At a pole the curve is interrupted, and the picture ends where the curve would hide the rest.

    Args:
        f: the function, of an array as of a Value.
        domain: from where to where.
        derivative: whether to draw the derivative too.
        name: what the legend calls the function.
        ax: where to draw; a new figure if None.

    Raises:
        ValueError: if the domain is empty or not finite, or ``f`` is finite nowhere in it.
        TypeError: if ``ax`` is not axes.

    >>> import autodiff
    >>> ax = curve(autodiff.sin, (-3.0, 3.0), name="sin x")
    >>> [line.get_label() for line in ax.lines]
    ['sin x', 'its derivative']
    """
    x, y, poles = _line(f, domain)
    slopes = None
    if derivative:
        slopes = np.where(np.isnan(y), np.nan, [_slope(f, float(at)) for at in x])
    ax = axes(ax)
    first = len(ax.lines)
    ax.plot(x, y, **{**look(first), "marker": ""}, label=name)
    if slopes is not None:
        ax.plot(x, slopes, **{**look(first + 1), "marker": ""}, label="its derivative")
    _end_before_poles(ax, y, slopes, poles)
    ax.set_xlabel("x")
    ax.set_xlim(x[0], x[-1])
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def _line(f: Callable[[Any], Any], domain: Sequence[float]) -> tuple[Array, Array, bool]:
    """Points of the curve, with a gap where it is not finite and at each pole; is there one?

    A pole is where, between two points, the function becomes much greater than at both, and than
    nearly everywhere.
    """
    low, high = limits(domain, "domain")
    x = np.linspace(low, high, _POINTS)
    y = on_arrays(f, x)
    y[~np.isfinite(y)] = np.nan
    if np.isnan(y).all():
        raise ValueError(
            f"the function is not finite anywhere on {(low, high)}: choose a range in its domain"
        )
    between = x[:-1, None] + np.diff(x)[:, None] * np.arange(1, _BETWEEN) / _BETWEEN
    size = np.abs(y)
    peaks = np.fmax.reduce(np.abs(on_arrays(f, between)), axis=1)
    ends = np.fmax(size[:-1], size[1:])
    usual = np.nanquantile(size, 0.9)
    found = np.flatnonzero((peaks > 3 * ends) & (peaks > 3 * usual))
    x, y = np.insert(x, found + 1, between[found, _BETWEEN // 2]), np.insert(y, found + 1, np.nan)
    return x, y, len(found) > 0


def _end_before_poles(ax: Axes, y: Array, slopes: Array | None, poles: bool) -> None:
    """Let no pole, and no slope that has one, press flat what else there is.

    The picture then ends a little beyond nine tenths of the curve, and with most of its derivative.
    """
    ends = _middle(y, 0.1, 0.4) if poles else _middle(y, 0.0, 0.05)
    if slopes is not None:
        usual = _middle(slopes, 0.1)
        steep = np.nanmax(slopes) - np.nanmin(slopes)
        poles_of_slope = steep > 5 * (usual[1] - usual[0]) and steep > 3 * (ends[1] - ends[0])
        if not poles and not poles_of_slope:
            return
        shown = _middle(slopes, 0.25) if poles else usual
        ends = min(ends[0], shown[0]), max(ends[1], shown[1])
    elif not poles:
        return
    ax.set_ylim(ends)


def _middle(y: Array, share: float, margin: float = 0.0) -> tuple[float, float]:
    """Where a curve runs but for a share of it above and below, and a little beyond."""
    low, high = np.nanquantile(y, [share, 1 - share])
    beyond = margin * (high - low)
    if share:
        return max(low - beyond, np.nanmin(y)), min(high + beyond, np.nanmax(y))
    return low - beyond, high + beyond


def _slope(f: Callable[[Any], Any], at: float) -> float:
    x = Value(at)
    result = f(x)
    if isinstance(result, Value):  # a constant is none
        result.backward()
    slope = x.grad.data if isinstance(x.grad, Value) else x.grad
    return slope if np.isfinite(slope) else float("nan")


def descent(
    f: Callable[[Any], Any],
    trajectory: Trajectories,
    domain: Sequence[float] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """The curve of ``f`` with the path of a minimization on it, or several by name.

    Args:
        f: the function, of an array as of a Value.
        trajectory: what ``optim.minimize`` returned; or a dictionary of them.
        domain: from where to where; what the path needs if None (of one that diverges its
            beginning).
        ax: where to draw; a new figure if None.

    Raises:
        TypeError: if a trajectory is none, or ``ax`` no axes.
        ValueError: if there is none, one is not of one dimension, the domain is empty or not
            finite, or ``f`` finite nowhere in it.

    >>> from autodiff.optim import minimize
    >>> path = minimize(lambda x: x * x, 1.0, steps=3)
    >>> ax = descent(lambda x: x * x, {"SGD": path})
    >>> [line.get_label() for line in ax.lines if line.get_label()[0] != "_"]
    ['SGD']
    """
    paths = named(trajectory, 1, "descent")
    if not paths:
        raise ValueError("descent() wants a trajectory: optim.minimize returns one")
    x, y, poles = _line(f, _reach(paths) if domain is None else domain)
    ax = axes(ax)
    ax.plot(x, y, color="0.45", linewidth=1.6, zorder=1)
    _end_before_poles(ax, y, None, poles)
    for i, (name, path) in enumerate(paths.items()):
        draw_on_curve(ax, f, path, (float(x[0]), float(x[-1])), i, name)
    ax.set_xlabel("x")
    ax.set_ylabel("f(x)")
    ax.set_xlim(x[0], x[-1])
    ax.grid(alpha=0.3)
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
    return ax


def _reach(paths: Mapping[str, Trajectory]) -> tuple[float, float]:
    """A range that shows the paths; of one that diverges its first steps."""
    shown = []
    for path in paths.values():
        points = path.points[np.isfinite(path.points[:, 0]), 0]
        leaves = path.stopped == "diverged" or not path.values[-1] <= path.values[0]
        shown.append(points[:4] if leaves else points)
    ends = np.concatenate(shown)
    margin = 0.2 * float(np.ptp(ends)) or 1.0
    return float(ends.min()) - margin, float(ends.max()) + margin


def draw_on_curve(
    ax: Axes,
    f: Callable[[Any], Any],
    path: Trajectory,
    domain: tuple[float, float],
    i: int,
    name: str,
) -> None:
    """One path on the curve of ``f``: steps, start, end, and where it diverges."""
    seen = visible(path, domain)
    style = look(i)
    label = f"{name}: {seen.note}".strip(": ") or "_path"
    xs = seen.points[:, 0]
    ys = on_arrays(f, xs)
    ax.plot(
        xs, ys, **style, label=label, linewidth=1.4, markersize=5, alpha=0.9, path_effects=OUTLINE
    )
    if len(xs):
        ax.plot(xs[0], ys[0], color=style["color"], **START)
        if seen.left_after is None:
            ax.plot(xs[-1], ys[-1], color=style["color"], **END)
        else:
            _arrow_out(ax, path, seen.left_after, domain, style["color"])


def _arrow_out(
    ax: Axes, path: Trajectory, last: int, domain: tuple[float, float], colour: str
) -> None:
    """An arrow from the last step inside towards the next, as far as the border."""
    here = np.array([path.points[last, 0], path.values[last]])
    low, high = np.array([domain, ax.get_ylim()]).T
    there = here - np.sign(path.gradients[last, 0]) * np.array([high[0] - low[0], 0.0])
    if len(path.points) > last + 1 and np.isfinite(path.values[last + 1]):
        there = np.array([path.points[last + 1, 0], path.values[last + 1]])
    piece = clip(here, there, low, high)
    if piece is not None:
        ax.annotate(
            "", tuple(piece[1]), tuple(piece[0]), annotation_clip=False,
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "mutation_scale": 20},
        )  # fmt: skip


def fit(
    x: Sequence[float],
    y: Sequence[float],
    models: Mapping[str, Any],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Points, and the curves of models through them.

    Args:
        x: where the points are.
        y: what was measured there.
        models: by name, functions of an array; or the predictions at ``x``.
        ax: where to draw; a new figure if None.

    Raises:
        ValueError: if ``x`` and ``y`` are empty, not finite or differ in length, or predictions
            are not as many.
        TypeError: if ``models`` is not a dict, or ``ax`` not axes.

    >>> ax = fit([0.0, 1.0, 2.0], [0.1, 0.9, 2.1], {"y = x": lambda x: x})
    >>> [line.get_label() for line in ax.lines]
    ['data', 'y = x']
    """
    at, targets = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if at.ndim != 1 or at.shape != targets.shape or not len(at):
        raise ValueError(
            f"fit(x, y) wants two lists of one length, not of shapes {at.shape} and {targets.shape}"
        )
    if not (np.isfinite(at).all() and np.isfinite(targets).all()):
        raise ValueError("fit(x, y): a point is not finite; leave it out")
    if not isinstance(models, Mapping):
        raise TypeError(f"models must be a dict of models by name, not {describe(models)}")
    order = np.argsort(at)
    dense = np.linspace(at.min(), at.max(), _POINTS)
    curves = {}
    for name, model in models.items():
        xs = dense if callable(model) else at[order]
        if callable(model):
            ys = on_arrays(model, xs)
        else:
            ys = np.asarray(model, np.float64)
            if ys.shape != at.shape:
                raise ValueError(
                    f"model {name!r} has predictions of shape {ys.shape}, and x {at.shape}: give "
                    "one prediction a point, or a function"
                )
            ys = ys[order]
        curves[name] = xs, ys
    ax = axes(ax)
    ax.plot(at, targets, "o", color="0.55", markersize=5, alpha=0.7, label="data")
    for i, (name, (xs, ys)) in enumerate(curves.items()):
        ax.plot(xs, ys, **{**look(i), "marker": ""}, linewidth=2.4, label=name)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.grid(alpha=0.3)
    ax.legend()
    return ax


def loss(history: Any, *, ax: Axes | None = None) -> Axes:
    """The fall of a loss, step by step or epoch by epoch; on a log axis where it spans decades.

    Args:
        history: a Trajectory, a History (what ``optim.fit`` returned), a list of numbers, or a
            dictionary of these by name.
        ax: where to draw; a new figure if None.

    Raises:
        ValueError: if there is no history, or one does not begin with a finite number.
        TypeError: if one is none, or ``ax`` no axes.

    >>> loss({"fast": [4.0, 1.0, 0.25], "slow": [4.0, 3.0, 2.25]}).get_ylabel()
    'loss'
    """
    named_histories = history if isinstance(history, Mapping) else {"": history}
    if not named_histories:
        raise ValueError("loss() wants a history: there is none in the dictionary")
    losses = {name: _losses(h, name) for name, h in named_histories.items()}
    ends = {name: _end(values) for name, values in losses.items()}
    calm = [v for name, v in losses.items() if ends[name] is None] or [
        v[: max(2, (ends[name] or 0) + 1)] for name, v in losses.items()
    ]
    top = max(float(np.nanmax(v)) for v in [*calm, *(v[:1] for v in losses.values())])
    bottom = min(float(np.nanmin(v)) for v in calm)
    ax = axes(ax)
    least = min((float(v[v > 0].min()) for v in calm if (v > 0).any()), default=top)
    logarithmic = bottom >= 0 and top > 100 * least
    epochs = all(isinstance(h, History) for h in named_histories.values())
    unit, first = ("epoch", 1) if epochs else ("step", 0)
    for i, (name, values) in enumerate(losses.items()):
        end = ends[name]
        note = "" if end is None else left("diverges", first + end, unit)
        steps = first + np.arange(len(values))
        label = ": ".join(part for part in (name, note) if part) or "_loss"
        shown = np.clip(np.nan_to_num(values, nan=np.inf), -1e300, top * 1e3 + 1)
        ax.plot(steps, shown, label=label, **apart(i, len(losses), len(values)))
        if end is not None:
            ax.plot(first + end, values[end], "^", color=look(i)["color"], markersize=10)
    wild = len(calm) < len(losses)  # there is room above, in which it is seen to rise
    if logarithmic:
        ax.set_yscale("log", nonpositive="clip")
        ax.set_ylim(max(least / 2, _ROUNDING * top), top * (10 if wild else 2))
    else:
        margin = 0.06 * (top - bottom) or 0.5
        ax.set_ylim(bottom - margin, top + margin * (5 if wild else 1))
    if epochs:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(unit)
    ax.set_ylabel("loss")
    ax.grid(alpha=0.3)
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
    return ax


def _losses(history: Any, name: str) -> Array:
    if isinstance(history, Trajectory):
        history = history.values
    elif isinstance(history, History):
        history = history.loss
    try:
        values = np.asarray(history, np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"history {name!r} must be a Trajectory, a History or a list of numbers, "
            f"not {describe(history)}"
        ) from None
    if values.ndim != 1 or not len(values) or not np.isfinite(values[0]):
        raise ValueError(
            f"history {name!r} must be a list of numbers that begins with a finite one, "
            f"not {describe(history)}"
        )
    return values


def _end(values: Array) -> int | None:
    """The last step that was not above the start for good, if the losses end far above it."""
    if np.isfinite(values[-1]) and values[-1] <= values[0] + 10 * abs(values[0]):
        return None
    with np.errstate(invalid="ignore"):
        low = np.flatnonzero(values <= values[0])
    return int(low[-1])
