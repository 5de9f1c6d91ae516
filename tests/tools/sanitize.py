"""Run the tests on builds of the C engine that check what C does not: ``tests/tools/sanitize.py``.

The tree is copied to a temporary directory, built there and tested there, once for each build:

* ``addresses`` -- under AddressSanitizer and UndefinedBehaviorSanitizer: memory that is used before
  or after its time or beyond its end, integers that overflow, casts that do not fit;
* ``assertions`` -- with the assertions of CPython's headers and of Cython's, indices and None
  checked, and every warning of the C compiler an error;
* ``references`` -- with every reference that the generated code takes or gives up counted, by
  Cython's "refnanny"; it is slow.

Usage::

    python tests/tools/sanitize.py                      all builds, a chosen set of tests
    python tests/tools/sanitize.py --all                all builds, all tests
    python tests/tools/sanitize.py addresses            one build
    python tests/tools/sanitize.py --tests "tests/test_value.py -k threads"
    python tests/tools/sanitize.py --keep               leave the copies, and say where

It prints what it runs and a summary, and exits with 1 if a build or a test fails or anything is
reported.  It wants gcc with its sanitizers, and what the tests want.  It takes a few minutes, so it
is not part of the tests.

Some tests are left out, by name: where memory is limited to a number of bytes, or measured, the
checks' own memory would count; and counting references is too slow for millions of nodes.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = (
    "value", "value_object", "second_order", "contexts", "primitive", "edges", "engines_agree",
    "functions", "load", "transforms", "transforms_agree", "jit", "programs", "doctests",
)  # fmt: skip
PROGRAM = """
import importlib, autodiff
print(*(importlib.import_module(f"autodiff.{m}").__file__ for m in autodiff.engine.choice.MODULES))
"""
SAID = ("runtime error:", "AddressSanitizer", "REFNANNY", "Fatal Python error", "Assertion `")


class Build(NamedTuple):
    """How the engine is built and run."""

    flags: str  # of the compiler
    link: str = ""
    directives: tuple[tuple[str, str], ...] = ()  # text of setup.py, and what to put there
    preload: str = ""  # libraries of gcc's that must be loaded first
    without: str = ""  # an expression that names the tests to leave out


BUILDS = {
    "addresses": Build(
        "-fsanitize=address,undefined,float-cast-overflow -fno-omit-frame-pointer -g",
        "-fsanitize=address,undefined",
        preload="libasan.so libstdc++.so",  # the latter for the exceptions of other packages
        without="without_memory or leaks",
    ),
    "assertions": Build(
        "-UNDEBUG -g -DCYTHON_ASSUME_SAFE_MACROS=0 -DCYTHON_ASSUME_SAFE_SIZE=0 "
        "-DCYTHON_AVOID_BORROWED_REFS=1 -D_FORTIFY_SOURCE=2 "
        "-Wall -Wextra -Wno-unused-parameter -Wno-override-init -Werror",
        directives=(
            ('"boundscheck": False', '"boundscheck": True, "nonecheck": True'),
            ('"wraparound": False', '"wraparound": True'),
            ('"initializedcheck": False', '"initializedcheck": True'),
        ),
    ),
    "references": Build(
        "-UNDEBUG -g -DCYTHON_REFNANNY=1",
        without="without_memory or leaks or large or many_sweeps or deep or seed or oracle or "
        "random_graphs or calls or raises",
    ),
}


def copy_tree(to: Path, build: Build) -> None:
    """Copy the sources, with the directives of the build in place of setup.py's."""
    made = ("*.so", "*.pyd", "*.c", "kernels.h", "*.egg-info", "build", "__pycache__")
    left_out = shutil.ignore_patterns(".*", *made)
    shutil.copytree(ROOT, to, ignore=left_out)
    setup = (to / "setup.py").read_text()
    for old, new in build.directives:
        if setup.count(old) != 1:
            raise SystemExit(f"setup.py does not say {old} once, which was to become {new}")
        setup = setup.replace(old, new)
    (to / "setup.py").write_text(setup)


def environment(tree: Path, build: Build) -> dict[str, str]:
    """The environment in which the build is tested."""
    reports = f"log_path={tree.parent / 'report'}"
    settings = {
        "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:{reports}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:{reports}",
        "PYTHONMALLOC": "malloc",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONPATH": str(tree),
        "AUTODIFF_PURE": "0",
    }
    if build.preload:
        asked = [["gcc", f"-print-file-name={name}"] for name in build.preload.split()]
        paths = [subprocess.check_output(command, text=True).strip() for command in asked]
        settings["LD_PRELOAD"] = " ".join(paths)
    return os.environ | settings


def run(command: list[str], tree: Path, variables: dict[str, str]) -> tuple[int, str]:
    """Run a command in the copy; its exit status, and what it printed."""
    print("$", shlex.join(command), flush=True)
    done = subprocess.run(
        command, cwd=tree, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    )  # fmt: skip
    return done.returncode, done.stdout


def check(build: Build, directory: Path, tests: list[str]) -> list[str]:
    """Build and test; what there is to complain of."""
    tree = directory / "tree"
    copy_tree(tree, build)
    flags = {"CFLAGS": build.flags, "LDFLAGS": build.link}
    status, printed = run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], tree, os.environ | flags
    )
    if status:
        return [f"the build failed with exit status {status}:\n{printed[-3000:]}"]
    variables = environment(tree, build)
    status, files = run([sys.executable, "-c", PROGRAM], tree, variables)
    own = [f.startswith(str(tree)) and f.endswith((".so", ".pyd")) for f in files.split()]
    if status or not all(own):
        return [f"it is not this build that is imported:\n{files[-3000:]}\n{printed[-3000:]}"]
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", *tests]
    command += ["-k", f"not ({build.without})"] if build.without and "-k" not in tests else []
    status, printed = run(command, tree, variables)
    complaints = []
    lines = printed.splitlines()
    if status:
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        complaints.append(f"pytest: exit status {status}\n" + "\n".join(failed or lines[-40:]))
    said = [line for line in lines if any(words in line for words in SAID)]
    if said:
        complaints.append("printed:\n" + "\n".join(dict.fromkeys(said[:40])))
    for report in sorted(directory.glob("report*")):
        complaints.append(f"{report.name}:\n{report.read_text(errors='replace')[:5000]}")
    print(lines[-1] if lines else "", flush=True)
    return complaints


def main() -> None:
    """Check the builds that are asked for, and sum up."""
    parser = argparse.ArgumentParser(description="Run the tests on checking builds of the engine.")
    parser.add_argument("builds", nargs="*", metavar="build", help=f"of {', '.join(BUILDS)}")
    parser.add_argument("--all", action="store_true", help="all tests, not a chosen set")
    parser.add_argument("--tests", default="", help="pytest's arguments, in place of the set")
    parser.add_argument("--keep", action="store_true", help="leave the copies of the tree")
    arguments = parser.parse_args()
    unknown = set(arguments.builds) - set(BUILDS)
    if unknown:
        parser.error(f"there is no build {', '.join(sorted(unknown))}, only {', '.join(BUILDS)}")
    tests = shlex.split(arguments.tests)
    if not tests:
        chosen = [f"tests/test_{name}.py" for name in CHOSEN]
        tests = ["tests"] if arguments.all else [name for name in chosen if (ROOT / name).exists()]
    summary = {}
    for name in arguments.builds or BUILDS:
        directory = Path(tempfile.mkdtemp(prefix=f"autodiff-{name}-"))
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        complaints = check(BUILDS[name], directory, tests)
        for complaint in complaints:
            print(complaint, flush=True)
        taken = time.perf_counter() - start
        summary[name] = f"{len(complaints)} complaints, {taken:.0f} s" if complaints else (
            f"nothing to report, {taken:.0f} s"
        )  # fmt: skip
        if arguments.keep:
            print("the copy is", directory)
        else:
            shutil.rmtree(directory)
    for name, said in summary.items():
        print(f"{name}: {said}")
    sys.exit(any("complaints" in said for said in summary.values()))


if __name__ == "__main__":
    main()
