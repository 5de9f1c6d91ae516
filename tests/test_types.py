"""What editors and type checkers know of the library: every name, and what it takes and returns."""

import builtins
import os
import re
import subprocess
import sys
from pathlib import Path

import jedi
import pytest
import stubs
from language_server import LanguageServer

import autodiff
from autodiff.ops import TABLE

pytestmark = pytest.mark.once

TREE = Path(__file__).resolve().parents[1]
TYPED = Path(__file__).with_name("typed")
ELEMENTWISE = [row.name for row in TABLE if not row.over_lists]
EDITED = "from autodiff import \nx = Value(1.0)\nx.\n"


def checked(*command, **environment):
    """The output of a type checker."""
    run = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=TREE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return run.stdout


def lines_with_errors(name, output):
    """The lines of a program of which a checker says that there is an error."""
    found = re.findall(rf"{name}:(\d+)(?::\d+)?(?: -|:) error", output)
    return {int(line) for line in found}


@pytest.fixture(scope="module")
def outputs():
    """What both checkers say of both programs."""
    programs = [str(TYPED / name) for name in ("good.py", "bad.py")]
    return {
        "mypy": checked("mypy", "--strict", *programs),
        "pyright": checked("pyright", "--pythonpath", sys.executable, *programs),
    }


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_accept_what_is_right(outputs, checker):
    assert lines_with_errors("good.py", outputs[checker]) == set(), outputs[checker]


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_find_every_mistake_and_nothing_else(outputs, checker):
    lines = (TYPED / "bad.py").read_text().splitlines()
    wrong = {i for i, line in enumerate(lines, 1) if line.endswith("# wrong")}
    assert len(wrong) > 20
    assert lines_with_errors("bad.py", outputs[checker]) == wrong, outputs[checker]


def test_the_right_program_runs():
    run = subprocess.run(
        [sys.executable, "good.py"], cwd=TYPED, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr


def test_the_stubs_are_up_to_date():
    for path, text in stubs.written().items():
        assert path.read_text() == text, f"python tests/tools/stubs.py writes another {path.name}"


def test_what_has_a_stub_is_typed_too(tmp_path):
    # Where there is a stub, mypy does not look at the module.
    mirror = tmp_path / "autodiff"
    mirror.mkdir()
    for path in (TREE / "autodiff").iterdir():
        if path.suffix != ".pyi":
            (mirror / path.name).symlink_to(path)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"),
            *("--config-file", str(TREE / "pyproject.toml")),
            *("autodiff/value.py", "autodiff/functions.py"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    """Pyright, as an editor runs it."""
    with LanguageServer(tmp_path_factory.mktemp("edited")) as server:
        yield server


def test_an_editor_lists_every_name(editor):
    editor.open("from autodiff import \nimport autodiff\nautodiff.\nx = autodiff.Value(1.0)\nx.\n")
    assert set(autodiff.__all__) <= editor.completions(0, 21)
    assert {*autodiff.__all__, "plot"} <= editor.completions(2, 9)
    assert not {"importlib", "annotations", "Any", "typing"} & editor.completions(2, 9)
    methods = {name for name in dir(autodiff.Value) if not name.startswith("_")}
    assert {"sin", "arcsin", "backward", "grad"} <= methods <= editor.completions(4, 2)


def test_an_editor_describes_functions_and_methods(editor):
    editor.open("import autodiff\nautodiff.sin(1.0)\nautodiff.Value(1.0).sin()\n")
    assert "def sin(a: Real) -> float" in editor.hover(1, 10)
    assert "The sine of an angle" in editor.hover(1, 10)
    assert "-> Value" in editor.hover(2, 21)
    assert "The sine of an angle" in editor.hover(2, 21)


def test_jedi_lists_and_describes_every_name():
    text = "from autodiff import \nimport autodiff\nautodiff.\nx = autodiff.Value(1.0)\nx.\n"
    script = jedi.Script(text + "autodiff.sin\nx.sin\n", path=TREE / "edited.py")
    assert set(autodiff.__all__) <= {c.name for c in script.complete(1, 21)}
    found = {c.name for c in script.complete(3, 9) if not c.name.startswith("_")}
    assert set(autodiff.__all__) <= found
    assert not {"importlib", "annotations", "Any", "typing", "np", "TYPE_CHECKING"} & found
    methods = {c.name for c in script.complete(5, 2)}
    assert {*ELEMENTWISE, "arcsin", "backward", "data", "grad"} <= methods
    for line, column in [(6, 10), (7, 3)]:
        (name,) = script.help(line, column)
        assert "The sine of an angle" in name.docstring()


def test_a_star_import_leaves_pythons_own_functions_alone():
    names = {}
    exec("from autodiff import *", names)
    assert not {name for name in names if hasattr(builtins, name)} - {"__builtins__"}
    assert names["sin"] is autodiff.sin
    assert autodiff.sum is autodiff.functions.sum


@pytest.mark.parametrize("module", [autodiff, autodiff.testing])
def test_an_unknown_name_is_refused(module):
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute"):
        module.cosine  # noqa: B018
