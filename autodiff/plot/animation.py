"""Moving pictures: a descent, frame by frame; and whatever was drawn, written to a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import animation, patheffects, pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from autodiff.engine.reals import describe
from autodiff.optim.bars import bar
from autodiff.optim.minimize import Trajectory
from autodiff.plot.canvas import COLOURS, STYLE, grid, limits, look, on_arrays, subplots
from autodiff.plot.curves import curve
from autodiff.plot.paths import named, visible
from autodiff.plot.sheets import Sheet, draw_on_sheet
from autodiff.plot.surfaces import contour, surface

_COLOURS = 64  # of a GIF's palette: enough for flat colours and the edges of letters
_GRID = 40  # points of a surface, in each direction
_LAST = 2.0  # seconds for which a GIF shows its last frame


def animate(
    f: Callable[..., Any],
    trajectories: Trajectory | Mapping[str, Trajectory],
    xlim: Sequence[float],
    ylim: Sequence[float] | None = None,
    *,
    three_d: bool = False,
    frames: int = 50,
    fps: int = 10,
    levels: int | Sequence[float] = 14,
    optimum: Sequence[Any] | None = None,
    name: str | None = None,
    ax: Any = None,
) -> Animation:
    """A minimization, or several in a race, step by step, over the picture of ``f``.

    Each frame says the step, and for each path the loss and the length of the gradient there.
    A notebook shows it with buttons to play it; ``save`` writes it to a file.

    Args:
        f: the function of one or two numbers, of arrays as of Values.
        trajectories: what ``optim.minimize`` returned; or a dictionary of them.
        xlim: from where to where.
        ylim: the same, of the second parameter; None for a function of one.
        three_d: over the surface in place of the contour.
        frames: how many there are at the most; the steps are spread evenly over them.
        fps: frames a second.
        levels: as for ``contour``.
        optimum: where to put cross-hairs: a point, or several.
        name: what the axis or the colour bar calls the heights; f(x) or f(x, y) if None.
        ax: where to draw; a new figure if None.

    Raises:
        TypeError: as ``contour``.
        ValueError: as ``contour`` and ``curve``; if ``frames`` or ``fps`` is not a positive
            integer, or there is no trajectory.

    >>> from autodiff.optim import minimize
    >>> path = minimize(lambda x: x * x, 1.0, steps=1)
    >>> film = animate(lambda x: x * x, path, (-1.0, 1.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(film, f"{folder}/film.gif", progress=False).name
    'film.gif'
    """
    for what, number in (("frames", frames), ("fps", fps)):
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"{what} must be a positive integer, not {describe(number)}")
    paths = named(trajectories, 1 if ylim is None else 2, "animate")
    if not paths:
        raise ValueError("animate() wants a trajectory: optim.minimize returns one")
    ranges = [limits(xlim, "xlim")] + ([] if ylim is None else [limits(ylim, "ylim")])
    if ax is None:
        size = (6.4, 4.8 + 0.18 * min(len(paths), 6))
        kwargs = {"subplot_kw": {"projection": "3d"}} if three_d else {}
        ax = subplots(figsize=size, **kwargs)[1]
    sheet = None
    if ylim is None:
        curve(f, xlim, derivative=False, ax=ax)
        for line in ax.lines:
            line.set(color="0.45", linewidth=1.6)
        ax.set_ylabel(name or "f(x)")
    elif three_d:
        name = name or "f(x, y)"
        surface(f, xlim, ylim, optimum=optimum, name=name, points=_GRID, ax=ax)
        sheet = Sheet(*grid(f, xlim, ylim, _GRID))
    else:
        contour(f, xlim, ylim, levels=levels, optimum=optimum, name=name or "f(x, y)", ax=ax)
    runners = [
        _Runner(ax, f, path, ranges, sheet, i, title, len(paths))
        for i, (title, path) in enumerate(paths.items())
    ]
    handles = [runner.head for runner in runners]
    with matplotlib.rc_context(dict(STYLE)):
        table = ax.figure.legend(
            handles, [""] * len(handles), loc="outside upper center", frameon=False,
            ncols=1 if len(paths) < 4 else 2, prop={"family": "monospace", "size": 10},
            title=" ", title_fontproperties={"family": "monospace", "size": 10, "weight": "bold"},
        )  # fmt: skip
    for other in (ax.get_legend(), *ax.figure.legends):
        if other not in (None, table):
            other.remove()
    width = max(len(name) for name in paths)
    longest = max(len(path.points) for path in paths.values()) - 1

    def draw(step: int) -> list[Any]:
        for runner, text in zip(runners, table.get_texts(), strict=True):
            text.set_text(f"{runner.name:{width}} {runner.move(step)}".strip())
        table.set_title(f"step {step:{len(str(longest))}}")
        return []

    draw(0)
    ax.figure.canvas.draw()
    ax.figure.set_layout_engine("none")  # from here on nothing moves but the paths
    if "inline" in matplotlib.get_backend():  # it would show the figure too, standing still
        pyplot.close(ax.figure)
    steps = np.unique(np.linspace(0, longest, min(frames, longest + 1)).round().astype(int))
    return Animation(
        ax.figure, draw, frames=steps.tolist(), interval=1000 / fps, blit=False, repeat=False
    )


class Animation(animation.FuncAnimation):
    """Matplotlib's animation, which a notebook shows as a page with its frames and buttons."""

    def _repr_html_(self) -> str:
        page: str = self.to_jshtml()
        return page


class _Runner:
    """One path in an animation, with its head and its trail."""

    def __init__(
        self,
        ax: Any,
        f: Callable[..., Any],
        path: Trajectory,
        ranges: list[tuple[float, float]],
        sheet: Sheet | None,
        i: int,
        name: str,
        runners: int,
    ) -> None:
        self.f, self.path, self.ranges, self.name = f, path, ranges, name
        self.seen = visible(path, *ranges)
        style = look(i)
        self.flat = len(ranges) == 2 and sheet is None
        # on a curve all trails lie on one another: each leaves the edges of those below
        width = 1.8 * (runners - i if len(ranges) == 1 and runners < 5 else 1)
        outline = [patheffects.withStroke(linewidth=width + 1.8, foreground="white")]
        trail: Any = {
            "color": style["color"], "linestyle": style["linestyle"], "linewidth": width,
            "path_effects": outline, "zorder": 10, "label": "_trail",
        }  # fmt: skip
        head: Any = {
            "linestyle": "", "marker": style["marker"], "color": style["color"],
            "markeredgecolor": "white", "markersize": 10, "zorder": 12, "label": "_head",
        }  # fmt: skip
        self.trail: tuple[Any, ...]
        if sheet is not None:
            self.trail = draw_on_sheet(ax, sheet, np.empty((3, 0)), **trail)
            self.heads = draw_on_sheet(ax, sheet, np.empty((3, 0)), **head)
        else:
            self.trail, self.heads = ax.plot([], [], **trail), ax.plot([], [], **head)
        self.head = self.heads[-1]

    def move(self, step: int) -> str:
        """Go to a step, or to the end; returns loss and gradient there."""
        k = min(step, len(self.path.points) - 1)
        upto = Trajectory(
            self.path.points[: k + 1], self.path.values[: k + 1],
            self.path.gradients[: k + 1], self.path.step_sizes[:k], "steps",
        )  # fmt: skip
        seen = visible(upto, *self.ranges)
        here = self.path.points[k]
        inside = all(low <= x <= high for x, (low, high) in zip(here, self.ranges, strict=True))
        for artists, points in (
            (self.trail, seen.line),
            (self.heads, here[None] if inside else np.empty((0, len(self.ranges)))),
        ):
            columns = list(points.T)
            if not self.flat:
                columns.append(on_arrays(self.f, *columns))
            for artist in artists:
                if len(columns) == 3:
                    artist.set_data_3d(*columns)
                else:
                    artist.set_data(*columns)
        left = self.seen.left_after
        if left is not None and k > left:
            return f"{self.seen.note:<31}"
        slope = np.linalg.norm(self.path.gradients[k])
        return f"loss {self.path.values[k]:9.2e} |grad| {slope:8.2e}"


# -- files -----------------------------------------------------------------------------------------


def save(picture: Any, path: str | Path, *, progress: bool = True) -> Path:
    """Write a figure or an animation to a file, whole or not at all.

    Args:
        picture: a figure, its axes, or an animation.
        path: the ending says the format: of a figure ``.png``, ``.svg`` or ``.pdf``; of an
            animation ``.gif``, ``.html`` (with the frames inside), or ``.mp4`` where ffmpeg is.
        progress: show a bar while an animation is rendered, with tqdm.

    Returns:
        The path.

    Raises:
        TypeError: if the picture is none.
        ValueError: if the ending is of no known format.
        FileNotFoundError: if ``.mp4`` is wanted and there is no ffmpeg.
        OSError: if the file cannot be written; an older one of that name is then untouched.
        ImportError: if an animation's ``progress`` is wanted and tqdm is not installed.

    >>> ax = curve(lambda x: x * x, (-1.0, 1.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(ax, f"{folder}/parabola.svg").read_text()[:5]
    '<?xml'
    """
    path = Path(path)
    if isinstance(picture, Axes):
        picture = picture.get_figure(root=True)
    moving = isinstance(picture, animation.Animation)
    if not moving and not isinstance(picture, Figure):
        raise TypeError(f"save() takes a figure, axes or an animation, not {describe(picture)}")
    known = (".gif", ".html", ".mp4") if moving else (".png", ".svg", ".pdf")
    if path.suffix not in known:
        what = "an animation" if moving else "a figure"
        raise ValueError(f"save({str(path)!r}): the path of {what} must end in {', '.join(known)}")
    if path.suffix == ".mp4" and not animation.FFMpegWriter.isAvailable():
        raise FileNotFoundError(
            f"save({str(path)!r}): ffmpeg, which makes MP4, is not on the path: install it, or "
            "save to a path that ends in .gif or .html"
        )
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{path.stem}.", dir=path.parent)
    except OSError as refused:
        raise type(refused)(
            f"cannot write {path} ({refused.strerror}): choose a folder that exists and can be "
            "written to"
        ) from refused
    with folder as name:
        beside = Path(name) / path.name
        if moving:
            _render(picture, beside, path.name if progress else None)
        else:
            picture.savefig(beside, dpi=picture.dpi)
        os.replace(beside, path)
    return path


def _render(picture: Any, path: Path, title: str | None) -> None:
    fps = round(1000 / picture.event_source.interval)
    writer: Any
    if path.suffix == ".gif":
        writer = _GifWriter(fps=fps)
    elif path.suffix == ".html":
        writer = animation.HTMLWriter(fps=fps, embed_frames=True, default_mode="loop")
    else:
        writer = animation.FFMpegWriter(fps=fps)
    if title is None:
        picture.save(str(path), writer=writer)
        return
    try:
        frames = bar(desc=title, unit="frame", mininterval=0, leave=False)
    except ImportError as missing:
        raise ImportError(
            'the progress bar is drawn by tqdm: pip install "scalar-autodiff[demos]", or save '
            "with progress=False"
        ) from missing
    with frames:

        def report(frame: int, total: int | None) -> None:
            frames.total = total
            frames.update(frame + 1 - frames.n)

        picture.save(str(path), writer=writer, progress_callback=report)


class _GifWriter(animation.AbstractMovieWriter):
    """A GIF of few colours, one palette for all frames: a tenth of the size of one each."""

    def setup(self, fig: Figure, outfile: Any, dpi: float | None = None) -> None:
        super().setup(fig, outfile, dpi)
        self.images: list[Any] = []

    def grab_frame(self, **options: Any) -> None:
        canvas: Any = self.fig.canvas
        if type(self.fig.canvas) is FigureCanvasAgg:  # it has drawn this frame just now
            image = Image.fromarray(np.asarray(canvas.buffer_rgba()))
        else:
            buffer = BytesIO()
            self.fig.savefig(buffer, format="rgba", dpi=self.dpi, **options)
            image = Image.frombytes("RGBA", self.frame_size, buffer.getbuffer())
        self.images.append(image.convert("RGB"))

    def finish(self) -> None:
        sample = self.images[:: max(1, len(self.images) // 4)]
        width, height = self.images[0].size
        together = Image.new("RGB", (width, height * len(sample)))
        for k, image in enumerate(sample):
            together.paste(image, (0, height * k))
        common = together.quantize(_COLOURS - len(COLOURS) - 1).getpalette() or []
        thin = [level for colour in (*COLOURS, "#ffffff") for level in bytes.fromhex(colour[1:])]
        palette = Image.new("P", (1, 1))  # thin lines are too few pixels to win a colour each
        palette.putpalette(common[: 3 * (_COLOURS - len(COLOURS) - 1)] + thin)
        first, *rest = [
            image.quantize(palette=palette, dither=Image.Dither.NONE) for image in self.images
        ]
        durations = [round(1000 / self.fps)] * len(rest) + [round(1000 * _LAST)]
        first.save(
            self.outfile, save_all=True, append_images=rest, duration=durations, loop=0,
            optimize=True,
        )  # fmt: skip
