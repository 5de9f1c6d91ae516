"""Run the tests on another version of Python: ``tests/tools/pythons.py``.

The last commit is cloned to a folder, installed there with what the tests want, and tested.  A
version is a number, and then comes from Debian in a chroot (3.13 from trixie, later ones from sid),
or the path of an interpreter that this machine has.

Usage::

    python tests/tools/pythons.py FOLDER 3.13                    all tests
    python tests/tools/pythons.py FOLDER 3.15 --tests core       those that need little
    python tests/tools/pythons.py FOLDER 3.14 --tests "tests/test_value.py -k deep"
    python tests/tools/pythons.py FOLDER /usr/bin/python3.12     an interpreter
    python tests/tools/pythons.py FOLDER 3.13 --compiler "gcc -O1"    half as long to build

What the extra ``test`` names is installed as far as there are wheels; if one is missing, only the
core's tests can be run.  It says what is missing, prints what pytest does, and ends with its exit
status.  A chroot wants root and ``apt-get install debootstrap``, takes some minutes and 1 GB, and
is kept in the folder, as the environments are, so that a second run is quick.  Tests in a browser
are skipped there, for want of Chromium.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[2]
SUITES = {"3.13": "trixie"}  # others are in sid
BASE = "ca-certificates,gcc,git,libc6-dev"
LIBRARIES = ("libglib2.0-0t64", "libxext6", "libxrender1")  # which wheels of pygraphviz want
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CORE = (
    "value", "value_object", "functions", "contexts", "traces", "primitive", "programs", "passes",
    "jit", "guards", "decisions", "vmap", "batch", "mapped", "vectorize", "pytrees",
    "transforms_agree", "survivors", "checkpoints", "nn", "optim", "schedulers", "minimize",
    "graph", "fold", "explore", "command_line", "checks", "testing", "engine_choice", "doctests",
)  # fmt: skip
MOUNT = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"'


class Place:
    """Where commands are run: on this machine, or in a chroot."""

    def __init__(self, chroot: Path | None) -> None:
        self.chroot = chroot

    def run(self, *command: str | Path, **variables: str) -> int:
        """The exit status of a command, which may print; mounts end with it."""
        words = [str(word) for word in command]
        print("$", shlex.join(words), flush=True)
        if self.chroot:
            words = ["unshare", "--mount", "sh", "-ec", MOUNT, str(self.chroot), *words]
        known = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        return subprocess.run(words, env=known | variables).returncode

    def must(self, *command: str | Path, **variables: str) -> None:
        """Run a command that must succeed."""
        status = self.run(*command, **variables)
        if status != 0:
            raise SystemExit(f"{command[0]} ended with exit status {status}")


def debian(folder: Path, version: str) -> tuple[Place, str]:
    """A chroot of Debian that has a version of Python, and the interpreter in it."""
    suite = SUITES.get(version, "sid")
    chroot = folder / suite
    if not (chroot / "usr" / "bin" / "git").exists():
        if shutil.which("debootstrap") is None:
            raise SystemExit("there is no debootstrap: apt-get install debootstrap")
        debootstrap = ["debootstrap", "--variant=minbase", f"--include={BASE}"]
        Place(None).must(*debootstrap, suite, chroot)
    place, python = Place(chroot), f"python{version}"
    shutil.copy("/etc/resolv.conf", chroot / "etc" / "resolv.conf")
    shutil.copy(CERTIFICATES, chroot / CERTIFICATES.relative_to("/"))
    if not (chroot / "usr" / "bin" / python).exists():
        place.must("apt-get", "-qq", "update")
        packages = [f"{python}-venv", f"{python}-dev", *LIBRARIES]
        quietly = {"DEBIAN_FRONTEND": "noninteractive"}
        place.must("apt-get", "-qq", "install", "--no-install-recommends", *packages, **quietly)
    return place, python


def wanted(project: dict) -> list[str]:
    """What the extra ``test`` wants, and the extras that it names."""
    extras = project["optional-dependencies"]
    names, found = ["test"], []
    for name in names:
        for requirement in extras[name]:
            if requirement.startswith(project["name"]):
                names += requirement.partition("[")[2].rstrip("]").split(",")
            else:
                found.append(requirement)
    return found


def install(place: Place, python: str, base: Path, compiler: str) -> tuple[Path, list[str]]:
    """A clone and an environment; its interpreter, and what had no wheel."""
    seen = (place.chroot or Path("/")) / base.relative_to("/")
    seen.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(seen / "tree", ignore_errors=True)
    Place(None).must("git", "clone", "--quiet", ROOT, seen / "tree")
    if not (seen / "environment" / "bin" / "pip").exists():
        place.must(python, "-m", "venv", base / "environment")
    there = base / "environment" / "bin" / "python"
    pip = [there, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = wanted(project)
    at_once = place.run(*pip, *packages) == 0
    missing = [] if at_once else [name for name in packages if place.run(*pip, name) != 0]
    compiled = {"CC": compiler} if compiler else {}
    place.must(*pip, "--editable", base / "tree", **compiled)
    return there, missing


def main() -> None:
    """Install and test."""
    parser = argparse.ArgumentParser(description="Run the tests on another version of Python.")
    parser.add_argument("folder", type=Path, help="where chroots and environments are kept")
    parser.add_argument("version", help="such as 3.14, or the path of an interpreter")
    parser.add_argument("--tests", default="", help="core, or pytest's arguments")
    parser.add_argument("--compiler", default="", metavar="COMMAND", help="in place of gcc")
    arguments = parser.parse_args()
    folder, version = arguments.folder.resolve(), arguments.version
    if "/" in version:
        place, python, base = Place(None), version, folder / version.strip("/").replace("/", "-")
    else:
        place, python = debian(folder, version)
        base = Path("/") / f"autodiff-{version}"
    there, missing = install(place, python, base, arguments.compiler)
    place.must(there, "-m", "autodiff", "--version")
    if missing:
        print(f"there are no wheels for {', '.join(missing)}", flush=True)
    asked = arguments.tests or ("core" if missing else "tests")
    core = [f"tests/test_{name}.py" for name in CORE]
    tests = core if asked == "core" else shlex.split(asked)
    sys.exit(place.run("env", "--chdir", base / "tree", there, "-m", "pytest", "-q", *tests))


if __name__ == "__main__":
    main()
