"""The mutants of ``mutate.py``: which there are, in which order they come, and how a run ends."""

import ast
import contextlib
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mutants
import pytest
from mutants import TREE, Unit

import autodiff

pytestmark = pytest.mark.once

# -- which there are -------------------------------------------------------------------------------


def names_of(function):
    """What the mutants of a function are called."""
    return [change.difference for change in mutants.changes(ast.parse(function).body[0], False)]


def test_a_function_is_changed_in_every_small_way():
    assert names_of("def f(n):\n if n > 0 and n:\n  return 2.5\n m = n + 1\n return m") == [
        "if n > 0 and n: -> pass",
        "if n > 0 and n: -> if n > 0:",
        "if n > 0 and n: -> if n:",
        "if n > 0 and n: -> if not (n > 0 and n):",
        "if n > 0 and n: -> if n >= 0 and n:",
        "if n > 0 and n: -> if n < 0 and n:",
        "if n > 0 and n: -> if n > 1 and n:",
        "return 2.5 -> pass",
        "return 2.5 -> return 25.0",
        "m = n + 1 -> pass",
        "m = n + 1 -> t = n + 1",
        "m = n + 1 -> m = n - 1",
        "m = n + 1 -> m = n + 2",
        "return m -> pass",
        "return m -> return t",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "import os",
        "from os import path",
        "assert 1 < 2",
        "raise NotImplementedError",
        "x: int",
        "'text'",
        "if TYPE_CHECKING:\n  x = 1",
        "if not cython.compiled:\n  x = 1",
    ],
)
def test_what_no_test_could_tell_is_left_as_it_is(statement):
    assert names_of(f"@g(1)\ndef f(n: 1 < 2 = 3) -> 4:\n {statement}") == []
    assert names_of("def f():\n return zip(strict=True)") == ["return zip(strict=True) -> pass"]


def test_changes_are_undone():
    tree = ast.parse("def f(a):\n return a + 1")
    for change in [*mutants.changes(tree, light=False)]:
        assert mutants.source_of(tree, change) != ast.unparse(tree)
        assert ast.unparse(tree) == "def f(a):\n    return a + 1"


def test_every_module_of_the_core_has_mutants_that_meet_tests_which_exist():
    units = mutants.all_units()
    assert len({unit.name for unit in units}) == len(units)
    of = {group: {u.module for u in units if u.group == group} for group in mutants.GROUPS}
    package = {path.relative_to(TREE / "autodiff") for path in (TREE / "autodiff").rglob("*.py")}
    on_top = {path for path in package if path.parts[0].removesuffix(".py") in mutants.ON_TOP}
    assert of["core"] == {path.as_posix() for path in package - on_top}
    assert of["table"] == {"ops.py"}
    assert "testing/checks.py" in of["testing"]
    for unit in units:
        paths = [test.split("::")[0] for stage in unit.stages for test in stage.tests]
        assert paths, unit.name
        assert all((TREE / path).exists() for path in paths), unit.name


def test_tests_are_stated_for_modules_and_files_that_exist():
    for module, tests in mutants.OWN.items():
        assert (TREE / "autodiff" / f"{module.replace('.', '/')}.py").exists(), module
        assert len(mutants.files(*tests)) == len(tests), module


def test_functions_that_have_no_mutants_exist():
    for name in mutants.IN_C:
        module, function = name.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(f"autodiff.{module}"), function))


# -- their order -----------------------------------------------------------------------------------


def unit(name, *differences):
    """A piece of code with these mutants."""
    return Unit(name, "core", "m.py", (), lambda: [(text, range(0), str) for text in differences])


def order(units, seed=1):
    """The names of all mutants, one after another."""
    return [mutant.name for mutant in mutants.in_turn(units, seed)]


def test_every_unit_comes_once_before_any_comes_twice():
    found = order([unit("f", "a", "b", "b"), unit("g", "a"), unit("h", "a", "b")])
    assert sorted(found) == ["f: a", "f: b", "f: b (2)", "g: a", "h: a", "h: b"]
    assert {name[0] for name in found[:3]} == {"f", "g", "h"}
    assert {name[0] for name in found[3:5]} == {"f", "h"}


def test_the_order_rests_on_the_seed_and_on_names():
    units = [unit(name, *"abcdef") for name in "pqrstu"]
    assert order(units) == order(units[::-1])
    assert order(units) != order(units, seed=2)
    without = [name for name in order(units) if not name.startswith("r")]
    changed = order([*units[:2], unit("r", "x", "y"), *units[3:]])
    assert [name for name in changed if not name.startswith("r")] == without


# -- how a run ends --------------------------------------------------------------------------------

ONCE = pytest.mark.skipif(
    not autodiff.COMPILED or not Path("/proc").exists(),
    reason="mutants run interpreted whichever engine runs here; processes are looked for in /proc",
)


OF_TREES = ("--group", "graph", "--only")  # those of few tests


@contextlib.contextmanager
def mutating(folder, *arguments, tree=TREE):
    """``mutate.py`` in a process, with a folder of its own for what is temporary."""
    process = subprocess.Popen(
        [sys.executable, str(tree / "tests" / "tools" / "mutate.py"), "-v", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        if not process.stdout.closed:
            process.communicate()


def processes_in(folder):
    """Processes that were started with that folder, by any of their names."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is another's
            continue
        if f"TMPDIR={folder}".encode() in environment:
            found.append(int(entry.name))
    return found


@ONCE
@pytest.mark.parametrize(
    "name",
    [
        "graph.tree.Tree.add: if thing < 0: -> if thing > 0:",
        "graph.tree: nodes: int = 0 -> nodes: int = 1",
    ],
)
def test_a_mutant_is_killed_by_name(tmp_path, name):
    with mutating(tmp_path, "--seconds", "600", *OF_TREES, name) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert re.search(rf"test_\w+\.py::test_\w.* {re.escape(name)}", output)
    assert re.search(r"graph/tree\.py +1 +1 +0 +0 +0", output)
    assert "1 mutants in " in output
    assert ", seed 0; unexpected: 0" in output


@ONCE
def test_a_test_that_fails_anyway_kills_no_mutant(tmp_path):
    tree, work = tmp_path / "tree", tmp_path / "work"
    work.mkdir()
    for name in ("autodiff", "tests", "demos"):
        made = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
        shutil.copytree(TREE / name, tree / name, ignore=made)
    shutil.copy2(TREE / "pyproject.toml", tree)
    test = tree / "tests" / "test_fold.py"
    test.write_text(f"def test_of_nothing():\n    assert False\n\n{test.read_text()}")
    with mutating(work, "--seconds", "600", *OF_TREES, "graph.tree", tree=tree) as process:
        output, _ = process.communicate()
    assert process.returncode == 1, output
    assert "on the engine as it is: test_fold.py::test_of_nothing" in output
    assert [*work.iterdir()] == []


@ONCE
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_cut_short_while_it_learns_leaves_nothing_behind(tmp_path, number, status):
    with mutating(tmp_path, *OF_TREES, "graph.fold") as process:
        while len(processes_in(tmp_path)) < 2:
            time.sleep(0.02)
            assert process.poll() is None
        process.send_signal(number)
        process.communicate(timeout=300)
    assert process.returncode == status
    assert processes_in(tmp_path) == []
    assert [*tmp_path.iterdir()] == []


@ONCE
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (None, 0)]
)
def test_a_run_that_is_cut_short_leaves_nothing_behind(tmp_path, number, status):
    seconds = "1000" if number else "2"  # too few for all of them
    with mutating(tmp_path, "--seconds", seconds, *OF_TREES, "graph.tree") as process:
        if number:
            while not [*tmp_path.glob("mutants-*/*/output")]:
                time.sleep(0.02)
                assert process.poll() is None
            assert len(processes_in(tmp_path)) > 1
            process.send_signal(number)
        output, _ = process.communicate(timeout=300)
    assert process.returncode == status, output
    some = r"\d+" if number else r"[1-9]\d*"
    assert re.search(rf"^{some} mutants in .*unexpected: 0$", output, re.M), output
    assert processes_in(tmp_path) == []
    assert [*tmp_path.iterdir()] == []
