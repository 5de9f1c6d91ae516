"""README's examples do what they say."""

import contextlib
import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(title):
    return re.findall(r"```python\n(.*?)```", section(title), re.S)


BLOCKS = blocks("Train")


def test_the_loop_of_four_lines_comes_first():
    lines = [line.strip() for line in BLOCKS[0].splitlines()]
    at = lines.index("optimizer.zero_grad()")
    assert lines[at - 1].startswith("loss = ")
    assert lines[at : at + 3] == ["optimizer.zero_grad()", "loss.backward()", "optimizer.step()"]
    assert "fit" not in BLOCKS[0]


def test_the_examples_run_in_turn_and_learn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, out = {}, io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        for block in BLOCKS:
            exec(block, names)
    outputs = [names["model"](x)[0].data for x in names["inputs"]]
    assert outputs == pytest.approx(names["targets"], abs=0.1)
    assert len(names["history"].loss) == 100
    assert Path("xor.npz").exists()
    (printed,) = re.findall(r"print\(.*\)  # (.*)", "".join(BLOCKS))
    assert out.getvalue().strip() == printed


def test_the_examples_of_transforms_print_what_they_say():
    names, out = {}, io.StringIO()
    with contextlib.redirect_stdout(out):
        for block in blocks("Differentiate any function"):
            exec(block, names)
    printed = out.getvalue().splitlines()
    assert printed[0] == "[1. 1. 1.]"
    assert [float(x) for x in printed[1].split()[:2]] == pytest.approx([2**0.5, 0.5 / 2**0.5])
    assert printed[2] == "True"
    shown = re.findall(
        r"^    (\S.*)$",
        re.sub(r"```.*?```", "", section("Differentiate any function"), flags=re.S),
        re.M,
    )
    assert all(f"# {line}\n" in section("Differentiate any function") for line in printed[3:5])
    assert printed[5] == "102"
    assert printed[6:] == shown


def texts_of(path):
    return [text.text for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_the_first_picture_is_what_the_first_lines_draw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = README.partition("```python\n")[2].partition("```")[0]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, {})
    assert texts_of("z.svg") == texts_of(ROOT / "demos" / "gallery" / "z.svg")


def test_the_graphs_are_drawn_as_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("See the graph"):
        exec(block, names)
    written = {"net.svg", "program.svg", "loss.html", "call.html"}
    assert {path.name for path in tmp_path.iterdir()} == written
    assert "neurons \N{MULTIPLICATION SIGN} 8" in texts_of("net.svg")
