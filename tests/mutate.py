"""Break the engine in every small way, one at a time, and see whether the tests notice.

    python tests/mutate.py                         the table and the sweep
    python tests/mutate.py --sample 40 --seed 1    some of them
    python tests/mutate.py --only receive: -v      those whose name contains this, each shown
    python tests/mutate.py --group compiler        the chain rule of the compiler
    python tests/mutate.py --group testing         the checkers of autodiff.testing

A mutant is a copy of the package with one change, run interpreted (AUTODIFF_PURE=1):

* ``table`` -- a row's partial scaled, negated, zeroed or shifted; an operator, a constant or an
  operand of its value or fold exchanged;
* ``sweep`` -- a statement deleted, a condition negated or halved, an operator, a constant or a name
  exchanged, in the functions that record and differentiate;
* ``compiler`` -- the same in the functions that differentiate a program;
* ``testing`` -- a constant, a comparison or a condition changed in the checkers.

The tests run on it in stages, those first that are likely to fail, until one does: the mutant is
killed.  Too long a run, or too much memory, is a kill too.  What survives is a hole in the tests,
unless ``equivalent.py`` says why nobody could tell; an entry there that is killed, or that names no
mutant, is reported as well.  Exit status: 0 if all is well, 1 if not, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import compileall
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing import connection, get_context, process
from pathlib import Path
from typing import NamedTuple

from equivalent import EQUIVALENT
from mutants import GROUPS, TREE, Mutant, Stage, all_mutants

MEMORY = 6 << 30  # bytes of address space that a mutant may use
PATIENCE = (8.0, 5.0)  # a stage's time limit: so many seconds, and so many times the usual time

# -- running ---------------------------------------------------------------------------------------


def snapshot(folder: Path) -> None:
    """Copy the package's sources and the tests, so that others may go on editing."""
    only_sources = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__", "bench")
    for name in ("autodiff", "tests"):
        shutil.copytree(TREE / name, folder / name, ignore=only_sources)
    shutil.copy2(TREE / "pyproject.toml", folder)
    compileall.compile_dir(folder / "autodiff", quiet=1)


def run_tests(package: Path, base: Path, stage: Stage) -> None:
    """In a process of its own: run a stage's tests on the package in a folder, then exit."""
    import resource

    import pytest

    os.setsid()  # so that it can be killed with all that it starts
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(base)
    sys.path[:] = [str(package), *(p for p in sys.path if Path(p or ".").resolve() not in OURS)]
    os.environ["PYTHONPATH"] = str(package)
    with open(package / "output", "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-o", "addopts=", "-k", stage.names]
    status = int(pytest.main([*options, *stage.tests]))
    used = getattr(sys.modules.get("autodiff"), "__file__", None)
    sys.exit(99 if used and not used.startswith(str(package)) else status)


OURS = {TREE, TREE / "tests"}


class Run(NamedTuple):
    """A stage that is running."""

    mutant: Mutant
    stage: int
    process: process.BaseProcess
    package: Path
    began: float


class Runner:
    """Runs mutants on some processes, each stage of each mutant in a fork of this one."""

    def __init__(self, base: Path, jobs: int) -> None:
        self.base, self.jobs = base, jobs
        self.running: list[Run] = []
        self.usual: dict[tuple[str, int], float] = {}  # the time a stage takes when nothing fails

    def start(self, mutant: Mutant, stage: int) -> None:
        """Start a stage."""
        package = Path(tempfile.mkdtemp(dir=self.base))
        shutil.copytree(self.base / "autodiff", package / "autodiff")
        if mutant.module:
            module = package / "autodiff" / mutant.module
            module.write_text(mutant.source)
            for cached in (module.parent / "__pycache__").glob(f"{module.stem}.*"):
                cached.unlink()
        arguments = (package, self.base, mutant.stages[stage])
        child = get_context("fork").Process(target=run_tests, args=arguments)
        child.start()
        self.running.append(Run(mutant, stage, child, package, time.monotonic()))

    def finished(self) -> Iterator[tuple[Run, str]]:
        """Wait a little; then those that came to an end, and by which test, "" if all passed."""
        connection.wait([run.process.sentinel for run in self.running], timeout=0.5)
        for run in [*self.running]:
            usual = self.usual.get((run.mutant.group, run.stage), 60.0)
            late = time.monotonic() - run.began > PATIENCE[0] + PATIENCE[1] * usual
            if run.process.is_alive() and not late:
                continue
            self.end(run)
            output = (run.package / "output").read_text(errors="replace")
            status = run.process.exitcode
            if status in (5, 99) and not late:
                raise RuntimeError(f"{run.mutant.name} was not tested:\n{output}")
            failed = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
            by = failed[1].removeprefix("tests/") if failed else f"exit status {status}"
            shutil.rmtree(run.package)
            yield run, "the time limit" if late else by if status else ""

    def end(self, run: Run) -> None:
        """End a process and whatever it has started."""
        if run.process.is_alive():
            try:
                os.killpg(run.process.pid or 0, signal.SIGKILL)
            except ProcessLookupError:  # it has not come as far as os.setsid
                run.process.kill()
        run.process.join()
        self.running.remove(run)

    def run(self, mutants: Iterable[Mutant], stage: int = 0) -> Iterator[tuple[Mutant, str]]:
        """Each mutant with the test that killed it, or "", as they come to an end."""
        waiting = deque((mutant, stage) for mutant in mutants)
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.jobs:
                    self.start(*waiting.popleft())
                for run, by in self.finished():
                    following = run.stage + 1
                    if by or following == len(run.mutant.stages):
                        yield run.mutant, by
                    else:
                        waiting.append((run.mutant, following))
        finally:
            for run in [*self.running]:
                self.end(run)

    def check(self, mutants: list[Mutant]) -> None:
        """Run every stage on the engine as it is: tests pass, and this is the time they take."""
        wanted: dict[tuple[str, int], dict[Stage, None]] = {}
        for mutant in mutants:
            for k, stage in enumerate(mutant.stages):
                wanted.setdefault((mutant.group, k), {})[stage] = None
        for (group, k), stages in wanted.items():
            began = time.monotonic()
            # Stages of one name expression run together.
            together: dict[str, list[str]] = {}
            for stage in stages:
                together.setdefault(stage.names, []).extend(stage.tests)
            intact = [
                Mutant(f"{group}, stage {k + 1}", "", "", "", (Stage((*dict.fromkeys(t),), n),))
                for n, t in together.items()
            ]
            for mutant, by in self.run(intact):
                if by:
                    raise SystemExit(f"{mutant.name}: {by} fails on the engine as it is")
            self.usual[group, k] = time.monotonic() - began


# -- the report ------------------------------------------------------------------------------------


def report(mutants: list[Mutant], killers: dict[str, str]) -> int:
    """Print what became of the mutants; how many are not as they should be."""
    print(f"{'group':10}{'mutants':>9}{'killed':>9}{'late':>9}{'survived':>10}{'explained':>11}")
    for group in dict.fromkeys(m.group for m in mutants):
        names = [m.name for m in mutants if m.group == group and m.name in killers]
        by = [killers[name] for name in names]
        late, alive = by.count("the time limit"), [name for name in names if not killers[name]]
        known = sum(name in EQUIVALENT for name in alive)
        print(f"{group:10}{len(by):9}{len(by) - len(alive):9}{late:9}{len(alive):10}{known:11}")
    alive = sorted((name for name, by in killers.items() if not by), key=EQUIVALENT.__contains__)
    for name in alive:
        print(f"\nsurvived: {name}\n  {EQUIVALENT.get(name, 'NOT EXPLAINED')}")
    wrong = [name for name in EQUIVALENT if killers.get(name)]
    for name in wrong:
        print(f"\nnot equivalent: {name}\n  killed by {killers[name]}")
    return len(wrong) + sum(name not in EQUIVALENT for name in alive)


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--group", choices=GROUPS, action="append")
    parser.add_argument("--only", nargs="+", default=[""], metavar="SUBSTRING", help="so named")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--list", action="store_true", help="print the names and run nothing")
    parser.add_argument("-v", "--verbose", action="store_true", help="print what kills each")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the mutants that the command line asks for; the exit status."""
    options = arguments_of(argv)
    mutants = all_mutants()
    if odd := set(EQUIVALENT) - {mutant.name for mutant in mutants}:
        raise SystemExit("EQUIVALENT names what is no mutant:\n  " + "\n  ".join(sorted(odd)))
    groups = options.group or GROUPS[:2]
    mutants = [m for m in mutants if m.group in groups and any(o in m.name for o in options.only)]
    if options.sample is not None:
        picked = range(len(mutants))
        picked = random.Random(options.seed).sample(picked, min(options.sample, len(mutants)))
        mutants = [mutants[k] for k in sorted(picked)]
    if untested := {mutant.group for mutant in mutants if not mutant.stages}:
        raise SystemExit(f"there are no tests yet of {', '.join(untested)}")
    if options.list:
        print(*(mutant.name for mutant in mutants), sep="\n")
        return 0
    for name in ("OPENBLAS_NUM_THREADS", "AUTODIFF_PURE", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        os.environ[name] = "1"
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread: this process forks
    import hypothesis  # noqa: F401  # imported once, for all forks
    import mpmath  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401

    killers: dict[str, str] = {}
    began = time.monotonic()
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        base = Path(folder)
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(base / ".hypothesis")
        snapshot(base)
        runner = Runner(base, options.jobs)
        bar = tqdm(total=len(mutants), unit="mutant", disable=None)
        try:
            runner.check(mutants)
            for mutant, by in runner.run(mutants):
                killers[mutant.name] = by
                bar.update()
                bar.set_postfix(survived=sum(not by for by in killers.values()))
                if options.verbose:
                    bar.write(f"{by or 'SURVIVED':60} {mutant.name}")
        except KeyboardInterrupt:
            interrupted = True
        finally:
            bar.close()
    wrong = report(mutants, killers)
    print(f"\n{len(killers)} mutants in {time.monotonic() - began:.0f} s; unexpected: {wrong}")
    return 130 if interrupted else int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
