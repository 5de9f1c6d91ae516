"""A notebook, executed without Graphviz's ``dot``: drawings and pages appear by themselves."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
import tqdm.auto

from autodiff.optim.bars import bar

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
from autodiff import optim
path = optim.minimize(lambda x: x * x, 3.0, lambda p: optim.SGD(p, lr=0.1), 5)
plot.animate(lambda x: x * x, path, (-4, 4), frames=2)
""",
    """
plot.save(plot.animate(lambda x: x * x, path, (-4, 4), frames=2), "moving.gif")
""",
    """
from autodiff import nn
import numpy as np
rng = np.random.default_rng(0)
net = nn.MLP(1, [1], "tanh", rng)
descent = optim.SGD(net.parameters(), lr=0.1)
history = optim.fit(net, nn.mse_loss, ([[1.0], [2.0]], [[1.0], [2.0]]), descent, epochs=3, rng=rng)
""",
    """
import importlib.util
importlib.util.find_spec = lambda name: None
graph.draw(z)
""",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The cells, each with all its outputs."""
    folder = tmp_path_factory.mktemp("notebook")
    path = folder / "drawings.ipynb"
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    subprocess.run(
        [sys.executable, "-c", "from nbclient.cli import main; main()", "--inplace", path],
        cwd=folder,
        env={**os.environ, "PATH": str(folder), "IPYTHONDIR": str(folder / "ipython")},
        check=True,
        capture_output=True,
        timeout=300,
    )
    return nbformat.read(path, nbformat.NO_CONVERT).cells


@pytest.fixture(scope="module")
def outputs(executed):
    """What the cells show at last: of each, the kinds of data."""
    return [cell.outputs[-1].get("data", {}) if cell.outputs else {} for cell in executed]


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
    assert outputs[-1]["text/vnd.mermaid"].startswith("flowchart LR\n")
    assert outputs[-1]["text/plain"].startswith("<Drawing: ")


def test_an_animation_can_be_played_and_is_not_shown_twice(executed):
    (shown,) = executed[4].outputs
    assert shown["data"]["text/html"].count("data:image/png;base64") == 2
    assert "image/png" not in shown["data"]
    assert not any("image/png" in output.get("data", {}) for output in executed[5].outputs)


def printed(cell, stream):
    return "".join(output.text for output in cell.outputs if output.get("name") == stream)


def test_progress_bars_reach_their_end_without_a_warning(executed):
    assert "2/2" in printed(executed[5], "stderr")
    assert "3/3" in printed(executed[6], "stderr")
    for cell in executed:
        assert "Warning" not in printed(cell, "stderr")


def test_where_ipywidgets_is_installed_bars_are_widgets(monkeypatch):
    monkeypatch.setattr("autodiff.optim.bars.find_spec", lambda name: object())
    with bar(total=1) as shown:
        assert isinstance(shown, tqdm.auto.tqdm)
    monkeypatch.setattr("autodiff.optim.bars.find_spec", lambda name: None)
    with bar(total=1) as shown:
        assert type(shown) is tqdm.std.tqdm
