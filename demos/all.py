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
from textwrap import dedent
from types import ModuleType

from demo import add_options, plain, prepare, save, title
from mathml import rich
from PIL import Image
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
       max-width: 1280px; margin: 2em auto; padding: 0 1em; }
h1, h2 { line-height: 1.25; }
h2 { margin-top: 2.5em; border-top: 1px solid #ccc; padding-top: 1em; }
p, nav { max-width: 46em; }
p, figcaption { overflow: auto hidden; } /* a formula may be wider than a phone */
nav li { margin: .3em 0; }
a { color: #0072B2; }
math { font-size: 1.05em; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: flex-start; }
figure { margin: 0; max-width: 100%; }
.frame { overflow-x: auto; }
.frame img { display: block; max-width: 100%; height: auto; }
figcaption { max-width: 46em; }
figure:not(.wide) figcaption { max-width: 614px; }
iframe { width: 1240px; max-width: 100%; min-width: 600px; height: 600px; border: 1px solid #ccc; }
pre { background: #f4f4f4; padding: .6em 1em; overflow-x: auto; }
"""

LEAST = 0.62  # of its size: below that a picture is not legible, and scrolls instead

Shown = list[tuple[Path, str]]


def section(name: str, description: str, shown: Shown) -> str:
    """A demonstration on the page: its docstring, and its pictures with their captions."""
    paragraphs = description.strip().split("\n\n")[1:]
    texts = "".join(
        f"<pre>{html.escape(dedent(text))}</pre>"
        if text.startswith("    ")
        else f"<p>{rich(text)}</p>"
        for text in paragraphs
    )
    figures = "".join(itertools.starmap(figure, shown))
    heading = f'<h2 id="{name}">{rich(title(description))}</h2>'
    return f'{heading}\n{texts}\n<div class="pictures">\n{figures}</div>\n'


def figure(path: Path, caption: str) -> str:
    """A picture in the size for which it was made, or a page in a frame, with its caption."""
    name, words = html.escape(path.name), html.escape(plain(caption))
    kind = "wide"
    if path.suffix == ".html":
        shown = f'<iframe src="{name}" title="{words}"></iframe>'
    elif path.suffix == ".svg":
        shown = f'<img src="{name}" alt="{words}">'
    else:
        with Image.open(path) as image:
            inch = image.info.get("dpi", (96, 96))[0]  # an inch of the page has 96 pixels
            width, height = (round(pixels * 96 / inch) for pixels in image.size)
        kind = "wide" if width > 800 else "single"
        shown = (
            f'<img src="{name}" alt="{words}" width="{width}" height="{height}" '
            f'style="min-width: {LEAST * width:.0f}px">'
        )
    return (
        f'<figure class="{kind}"><div class="frame">{shown}</div>'
        f"<figcaption>{rich(caption)}</figcaption></figure>\n"
    )


def page(sections: dict[str, str], titles: dict[str, str]) -> str:
    """The index page: a table of contents, and the sections."""
    links = "".join(f'<li><a href="#{name}">{rich(titles[name])}</a></li>\n' for name in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Gradient descent, watched</title><style>{STYLE}</style></head>\n<body>\n"
        f"<h1>Gradient descent, watched</h1>\n<nav><ol>\n{links}</ol></nav>\n"
        f"{''.join(sections.values())}</body>\n</html>\n"
    )


def make(modules: list[ModuleType], folder: Path, quick: bool) -> Path:
    """Make all pictures with one progress bar; returns the page.

    Ctrl-C leaves a page of what was made so far.
    """
    sections: dict[str, str] = {}
    titles = {module.__name__: title(module.__doc__ or "") for module in modules}
    index = folder / "index.html"
    try:
        with tqdm(modules, unit="demo") as bar:
            for module in bar:
                shown: Shown = []
                name = module.__name__
                for picture in module.pictures(quick):
                    bar.set_postfix_str(picture.name)
                    shown.append((save(picture, folder, progress=False), picture.caption))
                    sections[name] = section(name, module.__doc__ or "", shown)
    finally:
        index.write_text(page(sections, titles), encoding="utf-8")
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
