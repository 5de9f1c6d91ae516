"""What the demonstrations share: their command line, and pictures on screen or in files.

A demonstration is a script whose docstring says what to look for, with a generator of pictures.
Formulas stand between backticks in docstrings and captions: the page of ``all.py`` typesets them.
::

    def pictures(quick: bool) -> Iterator[Picture]:
        yield Picture("name_of_the_file", "What it shows.", plot.curve(sin, (-3, 3)))

    if __name__ == "__main__":
        run(__doc__, pictures)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

try:
    import matplotlib
    import matplotlib.pyplot as plt
    import tqdm  # noqa: F401  # of the progress bars
    from matplotlib.animation import Animation
except ImportError as missing:
    sys.exit(f'{missing.name} is missing: pip install "scalar-autodiff[demos]"')

from autodiff import graph, plot


class Picture(NamedTuple):
    """A figure (or its axes), an animation, the drawing of a graph or a page that explores one.

    And the name of its file, and its caption.
    """

    name: str
    caption: str
    drawing: Any


Pictures = Callable[[bool], Iterator[Picture]]


def run(description: str | None, pictures: Pictures, arguments: list[str] | None = None) -> None:
    """Make a demonstration's pictures: save them with ``--save DIR``, or else show them."""
    parser = argparse.ArgumentParser(
        description=plain(description or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        if options.save is None:
            show(pictures(options.quick))
            return
        folder = prepare(options.save)
        for picture in pictures(options.quick):
            print(f"{save(picture, folder)}\n    {plain(picture.caption)}", flush=True)
    except (RuntimeError, OSError) as refused:  # no display, no folder
        parser.exit(1, f"{parser.prog}: {refused}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: stopped; the pictures made so far are whole\n")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that every demonstration has."""
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the pictures there")
    parser.add_argument("--quick", action="store_true", help="fewer steps, fewer frames")


def prepare(folder: Path) -> Path:
    """Make the folder, and draw without a display from now on.

    Raises:
        OSError: if there can be no such folder, or no file in it; it says what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as refused:
        raise OSError(
            f"cannot write to the folder {folder} ({refused.strerror}): choose another with --save"
        ) from refused
    matplotlib.use("Agg")
    return folder


def save(picture: Picture, folder: Path, *, progress: bool = True) -> Path:
    """Write a picture to its file, PNG, GIF, SVG or HTML, and let go of it."""
    drawing = picture.drawing
    if isinstance(drawing, graph.Drawing):
        return graph.save(drawing, folder / f"{picture.name}.svg")
    if isinstance(drawing, graph.Explorer):
        path = folder / f"{picture.name}.html"
        path.write_text(drawing.html, encoding="utf-8")
        return path
    ending = ".gif" if isinstance(drawing, Animation) else ".png"
    try:
        return plot.save(drawing, folder / f"{picture.name}{ending}", progress=progress)
    finally:
        plt.close("all")


def show(pictures: Iterator[Picture]) -> None:
    """Open a window for each picture, and wait until all are closed.

    Raises:
        RuntimeError: if there is no display.
    """
    if matplotlib.get_backend().lower() in ("agg", "pdf", "ps", "svg", "pgf", "cairo", "template"):
        raise RuntimeError(
            "there is no display to show pictures on: save them with --save DIR, or choose "
            "another of matplotlib's backends with MPLBACKEND in the environment"
        )
    kept = []  # an animation runs only as long as something holds it
    with tempfile.TemporaryDirectory() as folder:
        for picture in pictures:
            print(plain(picture.caption), flush=True)
            kept.append(picture.drawing)
            if isinstance(picture.drawing, graph.Explorer):
                print("    It is a page: --save DIR writes it.", flush=True)
            elif isinstance(picture.drawing, graph.Drawing):
                path = graph.save(picture.drawing, Path(folder) / f"{picture.name}.png")
                _, ax = plot.subplots(figsize=(12, 6))
                ax.imshow(plt.imread(path))
                ax.set_axis_off()
    plt.show()


def plain(text: str) -> str:
    """A text without the backticks of its formulas."""
    return text.replace("`", "")


def title(description: str) -> str:
    """The first line of a docstring, without its full stop."""
    return description.strip().partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit("demo.py is shared by the demonstrations: run one of them, or all.py")
