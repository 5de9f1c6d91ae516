"""Build the package, install it as others do, and try it there: ``tests/tools/packages.py``.

All of it from a clean checkout of the last commit, and outside of any source tree:

* the sdist and the wheel are built by ``python -m build``, the wheel from the sdist, and must hold
  every file of the package, what they need besides, and nothing else;
* the wheel is installed with the newest NumPy: the engine must be compiled, the README's first
  lines must print what they say, the command line must work and write a page;
* the sdist is installed where nothing compiles, with the oldest NumPy and graphviz that the package
  allows: the engine must run interpreted and say why, and pass some of the tests.

Usage::

    python tests/tools/packages.py                        try both
    python tests/tools/packages.py --to dist              and keep them in a folder
    python tests/tools/packages.py --python python3.10    with another Python

It takes a minute or two, of which compiling is most.  It wants git, a C compiler, and packages by
pip.  The oldest NumPy has wheels for Python 3.10 and 3.11.  It ends at the first thing that is
wrong, with exit status 1 and what it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {"LICENSE", "README.md", "pyproject.toml", "setup.py"}  # in the sdist
MADE = {"PKG-INFO", "setup.cfg"}  # in the sdist, by setuptools
HEADER = "autodiff/engine/kernels.h"  # is written by setup.py
CHOSEN = ("value", "value_object", "functions", "pytrees", "engine_choice")
FORMULA = ["relu(a*b + c)", "a=2", "b=-3", "c=10"]
ANSWER = "relu(a*b + c) = 4\nd/da = -3\nd/db = 2\nd/dc = 1\n"


def run(*command: str | Path, at: Path, **variables: str) -> str:
    """What a command prints that is run in a folder, and does not know of any source tree."""
    print("$", shlex.join(map(str, command)), flush=True)
    known = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "AUTODIFF"))}
    done = subprocess.run(command, cwd=at, env=known | variables, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"exit status {done.returncode}:\n{(done.stdout + done.stderr)[-9000:]}")
    return done.stdout


def check(holds: bool, complaint: str) -> None:
    """End with a complaint unless something holds."""
    if not holds:
        raise SystemExit(complaint)


def same(found: str, expected: str, what: str) -> None:
    """Two texts must be the same."""
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def environment(folder: Path, python: str, *requirements: str | Path, **variables: str) -> Path:
    """A new environment with some packages; its Python."""
    run(python, "-m", "venv", "--without-pip", folder, at=folder.parent)
    made = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [sys.executable, "-m", "pip", "--python", made, "install", "--quiet"]
    run(*pip, *requirements, at=folder.parent, **variables)
    return made


def build(folder: Path, python: str) -> tuple[Path, Path]:
    """The sdist and the wheel, from a clean checkout."""
    run("git", "clone", "--quiet", ROOT, folder / "checkout", at=folder)
    builder = environment(folder / "builder", python, "build", "pip")
    run(builder, "-m", "build", "--outdir", folder / "dist", folder / "checkout", at=folder)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return sdist, wheel


def check_contents(sdist: Path, wheel: Path, checkout: Path) -> None:
    """Both must hold each file of the package, what they need besides, and nothing else."""
    listed = run("git", "ls-files", "autodiff", at=checkout).splitlines()
    package = {*listed, HEADER}
    compiled = {name.removesuffix(".pxd") for name in listed if name.endswith(".pxd")}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    built = {name for name in held if name.endswith((".so", ".pyd"))}
    same(str(sorted(x.partition(".")[0] for x in built)), str(sorted(compiled)), "compiled")
    check(held - built == package, f"the wheel: {sorted((held - built) ^ package)}")
    with tarfile.open(sdist) as archive:
        names = {x.name.partition("/")[2] for x in archive.getmembers() if x.isfile()}
    names = {name for name in names if ".egg-info/" not in name}
    expected = package | BESIDE | MADE
    check(names == expected, f"the sdist: {sorted(names ^ expected)}")
    print(f"the wheel holds {len(held)} files, {len(built)} compiled; the sdist {len(names)}")


def try_wheel(wheel: Path, folder: Path, python: str) -> None:
    """The compiled engine, the README's first lines, the command line, the explorer's page."""
    there = environment(folder / "newest", python, f"{wheel}[render]")
    print(run(there, "-m", "autodiff", "--version", at=folder), end="")
    compiled = run(there, "-c", "import autodiff; print(autodiff.COMPILED)", at=folder)
    same(compiled, "True\n", "autodiff.COMPILED")
    first = (ROOT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    (says,) = re.findall(r"print\(.*\)  # (.*)\n", first)
    same(run(there, "-c", first, at=folder), f"{says}\n", "README.md")
    check((folder / "z.svg").read_text().rstrip().endswith("</svg>"), "z.svg is no drawing")
    same(run(there, "-m", "autodiff", "grad", *FORMULA, at=folder), ANSWER, "grad")
    run(there, "-m", "autodiff", "explore", *FORMULA, "-o", "graph.html", at=folder)
    page = (folder / "graph.html").read_text()
    check("</script>" in page and page.rstrip().endswith("</html>"), "graph.html is no page")


def try_sdist(sdist: Path, folder: Path, python: str) -> None:
    """The interpreted engine, with the oldest packages that are allowed: some of the tests."""
    with tarfile.open(sdist) as archive:
        (name,) = [x for x in archive.getnames() if re.fullmatch(r"[^/]*/PKG-INFO", x)]
        described = archive.extractfile(name).read().decode()
    required = re.findall(r"(?m)^Requires-Dist: ([^;\n]*)$", described)
    oldest = [requirement.replace(">=", "==") for requirement in required]
    check(len(oldest) == 2, f"NumPy and graphviz are required, not {oldest}")
    there = environment(
        folder / "oldest", python, sdist, *oldest, "pytest", "hypothesis", "--only-binary=numpy",
        CC="false",
    )  # fmt: skip
    said = run(there, "-m", "autodiff", "--version", at=folder)
    print(said, end="")
    check("the engine runs interpreted, about ten times slower, since none is" in said, said)
    run("git", "clone", "--quiet", "--sparse", folder / "checkout", folder / "tests", at=folder)
    run("git", "sparse-checkout", "set", "tests", at=folder / "tests")
    chosen = [f"tests/test_{name}.py" for name in CHOSEN]
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=--strict-markers"]
    print(run(there, "-m", "pytest", *options, *chosen, at=folder / "tests"))


def main() -> None:
    """Build and try both."""
    parser = argparse.ArgumentParser(description="Build, install and try the package.")
    parser.add_argument("--python", default=sys.executable, help="for all environments")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="keep sdist and wheel there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autodiff-packages-") as name:
        folder = Path(name)
        sdist, wheel = build(folder, arguments.python)
        check_contents(sdist, wheel, folder / "checkout")
        try_wheel(wheel, folder, arguments.python)
        try_sdist(sdist, folder, arguments.python)
        if arguments.to:
            arguments.to.mkdir(parents=True, exist_ok=True)
            for path in (sdist, wheel):
                path.rename(arguments.to.resolve() / path.name)
    print("sdist and wheel: nothing to complain of")


if __name__ == "__main__":
    main()
