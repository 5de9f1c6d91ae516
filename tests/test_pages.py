"""What README and the pages of the guide say is what happens."""

import contextlib
import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import autodiff

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "demos" / "pages"
README = (ROOT / "README.md").read_text()
TEXTS = {"README": README, **{path.stem: path.read_text() for path in PAGES.glob("*.md")}}


def blocks(page):
    """The programs on a page."""
    return re.findall(r"```python\n(.*?)```", TEXTS[page], re.S)


def run(page, names=None):
    """What the programs of a page print, one after the other; and what they leave."""
    names, out = {} if names is None else names, io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        for block in blocks(page):
            exec(block, names)
    return out.getvalue().splitlines(), names


def said(page):
    """What its comments say that the lines beside them print."""
    return re.findall(r"print\(.*\)  # (.*)", "".join(blocks(page)))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Files are written to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def texts_of(path):
    """The words of a picture."""
    return [text.text for text in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("page", ["README", "index"])
def test_the_first_picture_is_what_the_first_lines_draw(page):
    printed, names = run(page)
    assert printed == said(page)
    autodiff.graph.save(names["z"], "drawn.svg")
    assert texts_of("drawn.svg") == texts_of(ROOT / "demos" / "gallery" / "z.svg")


def test_the_loop_of_four_lines_comes_first():
    first = blocks("train")[0]
    lines = [line.strip() for line in first.splitlines()]
    at = lines.index("optimizer.zero_grad()")
    assert lines[at - 1].startswith("loss = ")
    assert lines[at : at + 3] == ["optimizer.zero_grad()", "loss.backward()", "optimizer.step()"]
    assert "fit" not in first


def test_the_examples_of_training_run_in_turn_and_learn():
    printed, names = run("train")
    outputs = [names["model"](x)[0].data for x in names["inputs"]]
    assert outputs == pytest.approx(names["targets"], abs=0.1)
    assert len(names["history"].loss) == 100
    assert Path("xor.npz").exists()
    assert printed == said("train")


def test_what_leaves_is_as_the_page_shows():
    """But for the name of the file that the function stands in."""
    printed, _ = run("export")
    shown = TEXTS["export"].split("```c\n")[1].split("```")[0]
    lines = [line.partition(", at ")[0] for line in shown.splitlines()]
    rest = iter(printed)
    for wanted in (line for line in lines if line.strip() not in ("", "...")):
        assert any(line.partition(", at ")[0] == wanted for line in rest), wanted
    assert Path("loss.c").read_text().splitlines() == printed[: printed.index("}") + 1]


def test_the_examples_of_transforms_print_what_they_say():
    printed, _ = run("differentiate")
    text = TEXTS["differentiate"]
    assert printed[0] == "[1. 1. 1.]"
    assert [float(x) for x in printed[1].split()[:2]] == pytest.approx([2**0.5, 0.5 / 2**0.5])
    assert printed[2] == "True"
    shown = re.findall(r"^    (\S.*)$", re.sub(r"```.*?```", "", text, flags=re.S), re.M)
    assert all(f"# {line}\n" in text for line in printed[3:5])
    assert printed[5] == "102"
    assert all(f"# {line}\n" in text for line in printed[6:8])
    assert printed[8:] == shown


@pytest.mark.once
def test_other_processes_compute_what_it_says():
    printed, _ = run("cluster")
    assert printed == said("cluster")


def test_the_graphs_are_drawn_as_it_says(tmp_path):
    run("graph")
    written = {"net.svg", "program.svg", "loss.html", "call.html"}
    assert {path.name for path in tmp_path.iterdir()} == written
    assert "neurons \N{MULTIPLICATION SIGN} 8" in texts_of("net.svg")


@pytest.mark.once
def test_descents_are_drawn_as_it_says(tmp_path):
    run("watch")
    assert {path.name for path in tmp_path.iterdir()} == {"valley.gif", "valley.png"}


def test_a_wrong_derivative_is_found_as_it_says():
    with pytest.raises(AssertionError) as wrong:
        run("test")
    shown = [line.strip() for line in TEXTS["test"].splitlines() if line.startswith("    ")]
    assert shown[0].endswith(str(wrong.value).splitlines()[0])


def test_digits_and_bounds_are_what_it_says():
    names, out = {}, io.StringIO()
    with contextlib.redirect_stdout(out):
        for block in blocks("accuracy"):
            before = Path("roots.py").read_text() if Path("roots.py").exists() else ""
            Path("roots.py").write_text(before + block)  # a file, for the lines that are quoted
            code = "\n" * before.count("\n") + block
            exec(compile(code, "roots.py", "exec"), names)
    text = re.sub(r"```.*?```", "", TEXTS["accuracy"], flags=re.S)
    assert out.getvalue().splitlines() == re.findall(r"^    (.*\S.*)$", text, re.M)


def test_what_comes_from_micrograd_prints_what_it_says(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        printed, names = run("micrograd")
    assert printed == said("micrograd")
    assert {path.name for path in tmp_path.iterdir()} == {"line.svg", "neuron.svg"}
    assert names["history"].loss[-1] < 0.05
    for name in re.findall(r"`(?:optim|nn|graph|autodiff)\.\w+", TEXTS["micrograd"]):
        module, _, member = name.strip("`").partition(".")
        assert hasattr(autodiff if module == "autodiff" else getattr(autodiff, module), member)


def test_every_figure_of_the_readme_names_its_command():
    for command in re.findall(r"`python ([\w/.]+)`", README):
        assert (ROOT / command).exists(), command


@pytest.mark.parametrize("page", sorted(TEXTS))
def test_links_lead_to_files_and_pages(page):
    folder = ROOT if page == "README" else PAGES
    for target in re.findall(r"\]\(([^)#]+)\)", TEXTS[page]):
        if not target.startswith("http"):
            made = page != "README" and target in ("table.md",)  # when the site is
            place = ROOT / "demos" / target if target.startswith("gallery/") else folder / target
            assert made or place.exists(), target
