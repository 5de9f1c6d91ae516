"""The site: the guide, the four lessons as they were executed, and every public name.

    python demos/site.py --save out       # then open out/index.html

What is needed comes with ``pip install -e ".[site]"``: Sphinx, with the theme Furo and MyST-NB for
the notebooks.  Pages are made in a folder of their own, and moved to the given one when all are
there.
"""

from __future__ import annotations

import argparse
import inspect
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

os.environ["AUTODIFF_PURE"] = "1"  # of what is compiled Sphinx would not find the source

from demo import prepare

try:
    import matplotlib
    import matplotlib.pyplot as plt
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from tqdm import tqdm
except ImportError as missing:
    sys.exit(f'{missing.name} is missing: pip install "scalar-autodiff[site]"')

import autodiff
from autodiff import export, functions, graph, linalg, nn, ops, optim, plot, testing
from autodiff.ops import HELPERS, Row

DEMOS = Path(__file__).parent

#: The pages of the reference: their titles, the modules whose names they list.
MODULES: dict[str, tuple[str, ModuleType]] = {
    "values": ("Values, transforms, contexts", autodiff),
    "linalg": ("Linear algebra", linalg),
    "nn": ("Neural nets", nn),
    "init": ("Initial weights", nn.init),
    "optim": ("Optimizers, schedules, training", optim),
    "graph": ("Graphs", graph),
    "plot": ("Pictures of descents", plot),
    "export": ("Programs that leave", export),
    "testing": ("Tests of derivatives", testing),
}


def names_of(module: ModuleType) -> list[str]:
    """The public functions and classes of a module, but for the functions of ``functions``."""
    beside = functions.__all__ if module is autodiff else []
    names = [name for name in module.__all__ if name not in beside]
    return [name for name in names if callable(getattr(module, name))]


def reference(title: str, module: ModuleType) -> str:
    """A page of the reference, in reStructuredText."""
    own, _, text = (module.__doc__ or "").partition("\n")
    lines = [title, "=" * len(title), "", own, text, ""]
    lines += [f".. currentmodule:: {module.__name__}", ""]
    for name in sorted(names_of(module), key=str.lower):
        kind = "class" if inspect.isclass(getattr(module, name)) else "function"
        lines += [f".. auto{kind}:: {module.__name__}.{name}", ""]
    return "\n".join(lines)


def primitives(pictures: Path) -> str:
    """The page of the functions: those of the table with their pictures, and those over lists."""
    title = "Functions"
    lines = [title, "=" * len(title), "", functions.__doc__ or "", ""]
    shown = [r for r in ops.TABLE if r.name not in HELPERS]
    for heading, rows in (("Primitives", shown), ("Helpers", _helpers())):
        lines += [heading, "-" * len(heading), ""]
        for row in tqdm(rows, desc=heading.lower(), unit="picture", disable=None):
            lines += [f".. autofunction:: autodiff.functions.{row.name}", ""]
            if draw(row, pictures / f"{row.name}.svg"):
                lines += [f"   .. image:: pictures/{row.name}.svg", f"      :alt: {row.name}", ""]
    rest = sorted({*functions.__all__} - {r.name for r in ops.TABLE})
    heading = "More"
    lines += [heading, "-" * len(heading), ""]
    lines += [f".. autofunction:: autodiff.functions.{name}\n" for name in rest]
    return "\n".join(lines)


def _helpers() -> list[Row]:
    return [r for r in ops.TABLE if r.name in HELPERS]


def draw(row: Row, path: Path) -> bool:
    """Draw a row over one number, with its derivative; whether there is a picture."""
    if row.over_lists or len(row.names) - (row.default is not None) != 1:
        return False
    f: Callable[..., object] = getattr(functions, row.name)
    low, high = row.domain[0]
    low, high = max(low, -4.0), min(high, 4.0)
    ax = plot.curve(f, (low, high), name=f"{row.name}(a)")
    bottom, top = ax.get_ylim()
    ax.set(xlabel="a", ylim=(max(bottom, -4.5), min(top, 4.5)))  # as far as a reaches
    ax.figure.set_size_inches(5, 3)
    plot.save(ax, path, progress=False)
    plt.close("all")
    return True


def sources(folder: Path) -> None:
    """Write the site's sources: pages, lessons, pictures, and what is made from the docstrings."""
    shutil.copytree(DEMOS / "pages", folder, dirs_exist_ok=True)
    shutil.copytree(DEMOS / "gallery", folder / "gallery")
    shutil.copytree(DEMOS / "lessons", folder / "lessons")
    api = folder / "api"
    (api / "pictures").mkdir(parents=True)
    for name, (title, module) in MODULES.items():
        (api / f"{name}.rst").write_text(reference(title, module), encoding="utf-8")
    (api / "functions.rst").write_text(primitives(api / "pictures"), encoding="utf-8")
    (folder / "table.md").write_text(f"# The table\n\n{ops.markdown()}\n", encoding="utf-8")


def build(out: Path) -> Path:
    """Make the site, and move it to a folder; returns its first page.

    Raises:
        SphinxError: if there is anything to warn of.
    """
    with tempfile.TemporaryDirectory() as work:
        source, made = Path(work, "source"), Path(work, "made")
        source.mkdir()
        sources(source)
        said = io.StringIO()
        doctrees = Path(work, "doctrees")
        Sphinx(source, source, made, doctrees, "html", status=None, warning=said).build()
        if said.getvalue():
            raise SphinxError(re.sub(r"\x1b\[[\d;]*m", "", said.getvalue()))
        shutil.copytree(made, out, dirs_exist_ok=True)
    return out / "index.html"


def main(arguments: list[str] | None = None) -> None:
    """Make the site."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--save", type=Path, metavar="DIR", required=True, help="write it there")
    options = parser.parse_args(arguments)
    try:
        print(build(prepare(options.save)))
    except (OSError, SphinxError) as refused:
        parser.exit(1, f"{parser.prog}: {refused}\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: stopped; nothing was written\n")


if __name__ == "__main__":
    matplotlib.use("Agg")
    main()
