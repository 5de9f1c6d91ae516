"""A notebook, executed without Graphviz's ``dot``: drawings and pages appear by themselves."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest

CELLS = [
    """
from autodiff import Value, exp, graph, sin
x, y = Value(2.0), Value(-1.0)
z = sin(x * y) + 2 * exp(-x)
z.backward()
graph.draw(z, names=locals())
""",
    "graph.explore(lambda a, b: a * b + a, (2.0, 3.0))",
    "from autodiff import plot; plot.curve(sin, (-3, 3));",
    "plot.curve(exp, (-3, 3));",
    """
import importlib.util
importlib.util.find_spec = lambda name: None
graph.draw(z)
""",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What the cells show: of each, the kinds of data."""
    folder = tmp_path_factory.mktemp("notebook")
    path = folder / "drawings.ipynb"
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    subprocess.run(
        [sys.executable, "-c", "from nbclient.cli import main; main()", "--inplace", path],
        env={**os.environ, "PATH": str(folder), "IPYTHONDIR": str(folder / "ipython")},
        check=True,
        capture_output=True,
        timeout=300,
    )
    executed = nbformat.read(path, nbformat.NO_CONVERT)
    return [cell.outputs[-1]["data"] if cell.outputs else {} for cell in executed.cells]


def test_a_drawing_is_a_picture(outputs):
    picture = ElementTree.fromstring(outputs[0]["image/svg+xml"])
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "y", "z = +", "grad 0.1455", "grad -0.8323"} <= set(texts)


def test_an_explorer_is_a_page_in_a_frame(outputs):
    assert outputs[1]["text/html"].startswith("<iframe ")


def test_every_plot_is_shown_not_the_first_alone(outputs):
    assert "image/png" in outputs[2]
    assert "image/png" in outputs[3]


def test_without_graphviz_a_drawing_is_mermaid(outputs):
    assert outputs[4]["text/vnd.mermaid"].startswith("flowchart LR\n")
    assert outputs[4]["text/plain"].startswith("<Drawing: ")
