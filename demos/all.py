"""Every demonstration's pictures, and a page that shows them with their captions.

python demos/all.py --save out            # then open out/index.html
python demos/all.py --save out --quick    # fewer steps, fewer frames
"""

from __future__ import annotations

import argparse
import html
import importlib
import itertools
from pathlib import Path
from types import ModuleType

from demo import add_options, prepare, save, title
from tqdm import tqdm

#: In the order in which they are best read.
DEMOS = (
    "derivatives",
    "thirty_lines",
    "line_fit",
    "plane_fit",
    "parabola_net",
    "saddle",
    "minima",
    "loss_contours",
    "valleys",
    "numerical_nets",
    "race",
    "moons",
    "two_layer_net",
    "microgpt",
    "option_pricing",
    "fit_pendulum",
    "graphs",
)

STYLE = """
body { font: 17px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 1400px; margin: 2em auto; padding: 0 1em; }
h2 { margin-top: 2.5em; border-top: 1px solid #ccc; padding-top: 1em; }
p { max-width: 50em; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5em; }
figure { margin: 0; flex: 0 1 640px; }
img { max-width: 100%; height: auto; }
iframe { width: 100%; min-width: 600px; height: 600px; border: 1px solid #ccc; }
pre { background: #f4f4f4; padding: .6em 1em; overflow-x: auto; }
"""

Shown = list[tuple[Path, str]]


def section(description: str, shown: Shown) -> str:
    """A demonstration on the page: its docstring, and its pictures with their captions."""
    paragraphs = description.strip().split("\n\n")[1:]
    texts = "".join(
        f"<pre>{html.escape(text)}</pre>"
        if text.startswith("    ")
        else f"<p>{html.escape(text)}</p>"
        for text in paragraphs
    )
    figures = "".join(itertools.starmap(figure, shown))
    heading = html.escape(title(description))
    return f'<h2>{heading}</h2>\n{texts}\n<div class="pictures">\n{figures}</div>\n'


def figure(path: Path, caption: str) -> str:
    """A picture, or a page in a frame, with its caption."""
    name, words = html.escape(path.name), html.escape(caption)
    shown = f'<img src="{name}" alt="{words}">'
    if path.suffix == ".html":
        shown = f'<iframe src="{name}" title="{words}"></iframe>'
    return f"<figure>{shown}<figcaption>{words}</figcaption></figure>\n"


def page(sections: list[str]) -> str:
    """The index page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Gradient descent, watched</title><style>{STYLE}</style></head>\n<body>\n"
        f"<h1>Gradient descent, watched</h1>\n{''.join(sections)}</body>\n</html>\n"
    )


def make(modules: list[ModuleType], folder: Path, quick: bool) -> Path:
    """Make all pictures with one progress bar; returns the page.

    Ctrl-C leaves a page of what was made so far.
    """
    sections = []
    index = folder / "index.html"
    try:
        with tqdm(modules, unit="demo") as bar:
            for module in bar:
                shown: Shown = []
                sections.append("")
                for picture in module.pictures(quick):
                    bar.set_postfix_str(picture.name)
                    shown.append((save(picture, folder, progress=False), picture.caption))
                    sections[-1] = section(module.__doc__ or "", shown)
    finally:
        index.write_text(page(sections), encoding="utf-8")
    return index


def main(arguments: list[str] | None = None) -> None:
    """Make every picture."""
    parser = argparse.ArgumentParser(description=title(__doc__))
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.save is None:
        parser.error("--save DIR is needed: so many pictures are not for the screen")
    try:
        folder = prepare(options.save)
        print(make([importlib.import_module(name) for name in DEMOS], folder, options.quick))
    except OSError as refused:
        parser.exit(1, f"{parser.prog}: {refused}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\nstopped; {options.save / 'index.html'} shows what was made so far\n")


if __name__ == "__main__":
    main()
