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
    python tests/tools/sanitize.py addresses --seconds 120    as many tests as there is time for
    python tests/tools/sanitize.py --tests "tests/test_value.py -k threads"
    python tests/tools/sanitize.py --keep               leave the copies, and say where

It prints what it runs and a summary, and exits with 1 if a build or a test fails or anything is
reported.  It wants gcc with its sanitizers, Cython and setuptools, and what the tests want.  It
takes a few minutes, so it is not part of the tests.  With ``--seconds``, tests that would begin
when the time is almost over are skipped (this module is a plugin of pytest, too), and one that is
still running when it is over is ended.

Some tests are left out, by name: where memory is limited to a number of bytes, or measured, the
checks' own memory would count; and counting references is too slow for millions of nodes.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = (
    "scan", "survivors", "value", "second_order", "contexts", "traces", "optim", "passes",
    "vectorize", "jit", "sparse", "value_object", "primitive", "graph", "load", "doctests", "edges",
    "engines_agree", "functions", "transforms", "transforms_agree", "programs",
)  # fmt: skip
UNTIL = "SANITIZE_UNTIL"  # when no test is to begin any more
SPARE = 8.0  # seconds before the end
BUILD_LIMIT = 900.0  # seconds
LEAST = 30.0  # seconds that tests have, however long the build took
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
        "-fsanitize=address,undefined,float-cast-overflow -fno-omit-frame-pointer -g1",
        "-fsanitize=address,undefined",
        directives=(('"-O3"', '"-O0"'),),  # built in a quarter of the time
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


def pytest_runtest_setup() -> None:
    """Skip what there is no time for."""
    if time.time() > float(os.environ.get(UNTIL, "inf")):
        import pytest

        pytest.skip("the time is over")


def environment(tree: Path, build: Build) -> dict[str, str]:
    """The environment in which the build is tested."""
    reports = f"log_path={tree.parent / 'report'}"
    settings = {
        "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:{reports}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:{reports}",
        "PYTHONMALLOC": "malloc",
        "PYTHONFAULTHANDLER": "1",
        "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "tests" / "tools")]),
        "AUTODIFF_PURE": "0",
    }
    if build.preload:
        asked = [["gcc", f"-print-file-name={name}"] for name in build.preload.split()]
        paths = [subprocess.check_output(command, text=True).strip() for command in asked]
        settings["LD_PRELOAD"] = " ".join(paths)
    return os.environ | settings


def run(
    command: list[str], tree: Path, variables: dict[str, str], until: float = math.inf
) -> tuple[int | None, str]:
    """Run a command in the copy; its exit status, or None if time was over; what it printed."""
    print("$", shlex.join(command), flush=True)
    printed = tree.parent / "printed"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tree, env=variables, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(None if until == math.inf else max(0.0, until - time.time()))
        except subprocess.TimeoutExpired:
            pass
        finally:
            ended = process.poll()
            if ended is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return ended, printed.read_text(errors="replace")


def check(build: Build, directory: Path, tests: list[str], seconds: float) -> list[str]:
    """Build and test in so many seconds, or the few more that a slow machine needs; what there is
    to complain of."""
    until = time.time() + seconds
    tree = directory / "tree"
    copy_tree(tree, build)
    flags = {"CFLAGS": build.flags, "LDFLAGS": build.link}
    status, printed = run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        tree,
        os.environ | flags,
        time.time() + BUILD_LIMIT,
    )
    if status != 0:
        return [f"the build ended with exit status {status}:\n{printed[-3000:]}"]
    until = max(until, time.time() + LEAST)
    print(f"built with {until - time.time():.0f} seconds left", flush=True)
    variables = environment(tree, build) | {UNTIL: str(until - SPARE)}
    status, files = run([sys.executable, "-c", PROGRAM], tree, variables, until)
    own = [f.startswith(str(tree)) and f.endswith((".so", ".pyd")) for f in files.split()]
    if status != 0 or not all(own):
        return [f"it is not this build that is imported:\n{files[-3000:]}\n{printed[-3000:]}"]
    command = [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", *tests]
    command += ["-k", f"not ({build.without})"] if build.without and "-k" not in tests else []
    command += ["-p", "sanitize"]
    status, printed = run(command, tree, variables, until)
    complaints = []
    lines = printed.splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    if status is None:  # there is no summary
        failed = [line for line in lines if re.search(r"::.* (FAILED|ERROR)", line)]
    if failed or status:
        complaints.append(f"pytest: exit status {status}\n" + "\n".join(failed or lines[-40:]))
    said = [line for line in lines if any(words in line for words in SAID)]
    if said:
        complaints.append("printed:\n" + "\n".join(dict.fromkeys(said[:40])))
    for report in sorted(directory.glob("report*")):
        complaints.append(f"{report.name}:\n{report.read_text(errors='replace')[:5000]}")
    print("ended in:" if status is None else "", lines[-1] if lines else "", flush=True)
    return complaints


def main() -> None:
    """Check the builds that are asked for, and sum up."""
    parser = argparse.ArgumentParser(description="Run the tests on checking builds of the engine.")
    parser.add_argument("builds", nargs="*", metavar="build", help=f"of {', '.join(BUILDS)}")
    parser.add_argument("--all", action="store_true", help="all tests, not a chosen set")
    parser.add_argument("--seconds", type=float, default=math.inf, help="how long each build has")
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
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and clear away
    for name in arguments.builds or BUILDS:
        directory = Path(tempfile.mkdtemp(prefix=f"autodiff-{name}-"))
        print(f"== {name}", flush=True)
        start = time.time()
        try:
            complaints = check(BUILDS[name], directory, tests, arguments.seconds)
        finally:
            if not arguments.keep:
                shutil.rmtree(directory)
        for complaint in complaints:
            print(complaint, flush=True)
        taken = time.time() - start
        summary[name] = f"{len(complaints)} complaints, {taken:.0f} s" if complaints else (
            f"nothing to report, {taken:.0f} s"
        )  # fmt: skip
        if arguments.keep:
            print("the copy is", directory)
    for name, said in summary.items():
        print(f"{name}: {said}")
    sys.exit(any("complaints" in said for said in summary.values()))


if __name__ == "__main__":
    main()
