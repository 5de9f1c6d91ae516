"""The house rules: import arrows, top-level names, the size of files, a light import."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import autodiff

PACKAGE = Path(autodiff.__file__).parent

# From the foundation up: a module imports only what stands before it, inside its functions too.
FLOORS = [
    "ops",
    "engine",
    "value",
    "lists",
    "sweeps",
    "arrays",
    "contexts",
    "evaluation",
    "second_order",
    "choices",
    "functions",
    "interpolation",
    "linalg",
    "primitive",
    "compiler",
    "transforms",
    "checkpoints",
    "export",
    "testing",
    "graph",
    "nn",
    "optim",
    "plot",
    "formulas",
    "__main__",
]


def imports_of(module):
    """What a module or folder imports from the package, wherever it says so."""
    found = set()
    for file in [PACKAGE / f"{module}.py", *(PACKAGE / module).glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())) if file.exists() else ():
            if isinstance(node, ast.ImportFrom) and node.module == "autodiff":
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autodiff."):
                found.add(node.module.split(".")[1])
            elif isinstance(node, ast.Import):
                found |= {
                    a.name.split(".")[1] for a in node.names if a.name.startswith("autodiff.")
                }
    return found


@pytest.mark.parametrize("module", FLOORS)
def test_imports_run_downhill(module):
    below = set(FLOORS[: FLOORS.index(module)])
    assert imports_of(module) - {module} <= below


@pytest.mark.parametrize("folder", [path.parent for path in PACKAGE.glob("*/__init__.py")])
def test_the_files_of_a_folder_form_no_circle(folder):
    needs = {}
    for path in folder.glob("*.py"):
        name = f"autodiff.{folder.name}"
        needs[path.stem] = {
            imported
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for imported in (
                [alias.name for alias in node.names]
                if node.module == name
                else [node.module.split(".")[2]]
                if (node.module or "").startswith(f"{name}.")
                else []
            )
        }
    while needs:
        free = [name for name, others in needs.items() if not others & needs.keys()]
        assert free, f"a circle among {sorted(needs)}"
        for name in free:
            del needs[name]


def test_every_module_has_its_floor():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert modules == set(FLOORS)


def test_the_public_surface_can_be_held_in_mind():
    modules = {name for name in autodiff.__all__ if inspect.ismodule(getattr(autodiff, name))}
    beyond_the_table = set(autodiff.__all__) - set(autodiff.functions.PUBLIC) - modules
    assert len(beyond_the_table) <= 22
    assert all(hasattr(autodiff, name) for name in autodiff.__all__)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_no_file_is_much_over_500_lines(path):
    assert len(path.read_text().splitlines()) <= 500


def test_importing_is_light():
    heavy = ["matplotlib", "hypothesis", "tqdm", "scipy", "sklearn", "pytest", "jax", "onnx"]
    program = f"import sys, autodiff.export; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
