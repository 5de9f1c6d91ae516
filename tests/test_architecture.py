"""The house rules: import arrows, top-level names, the size of files, a light import."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import autodiff

PACKAGE = Path(autodiff.__file__).parent

# From the foundation up: a module imports only what stands before it.
FLOORS = [
    "ops",
    "expressions",
    "ckernels",
    "ieee",
    "kernels",
    "anomalies",
    "modes",
    "reals",
    "traces",
    "walks",
    "_interpreted",
    "value",
    "sweeps",
    "arrays",
    "contexts",
    "higher",
    "functions",
    "compiler",
    "transforms",
    "checkpoints",
    "graph",
    "nn",
    "optim",
    "plot",
    "testing",
]


def imports_of(module):
    """What a module imports from the package when it is imported, not when a function runs."""
    found = set()
    files = [PACKAGE / f"{module}.py", *(PACKAGE / module).glob("*.py")]
    pending = [node for file in files if file.exists() for node in ast.parse(file.read_text()).body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "autodiff":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith("autodiff."):
                found.add(node.module.split(".")[1])
        if isinstance(node, (ast.If, ast.Try)):
            pending += [child for child in ast.walk(node) if isinstance(child, ast.ImportFrom)]
    return found


@pytest.mark.parametrize("module", FLOORS)
def test_imports_run_downhill(module):
    below = set(FLOORS[: FLOORS.index(module)])
    assert imports_of(module) - {module} <= below  # a folder's files may import one another


def test_every_module_has_its_floor():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "_engine"}
    modules |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert modules == set(FLOORS)


def test_the_public_surface_can_be_held_in_mind():
    modules = {name for name in autodiff.__all__ if inspect.ismodule(getattr(autodiff, name))}
    beyond_the_table = set(autodiff.__all__) - set(autodiff.functions.PUBLIC) - modules
    assert len(beyond_the_table) < 20
    assert all(hasattr(autodiff, name) for name in autodiff.__all__)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_no_file_is_much_over_500_lines(path):
    assert len(path.read_text().splitlines()) <= 600


def test_importing_is_light():
    heavy = ["matplotlib", "hypothesis", "tqdm", "scipy", "sklearn", "pytest"]
    program = f"import sys, autodiff; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_readme_shows_the_table_as_it_is():
    readme = (PACKAGE.parent / "README.md").read_text()
    assert autodiff.ops.markdown() in readme
