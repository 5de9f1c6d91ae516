"""Break the engine in every small way, one at a time, and see whether the tests notice.

    python tests/tools/mutate.py                           the table and the core: it takes hours
    python tests/tools/mutate.py --seconds 60 --seed 1     some of them, for a minute
    python tests/tools/mutate.py --sample 40 --seed 1      so many of them
    python tests/tools/mutate.py --only sweeps. -v         those of such functions, shown
    python tests/tools/mutate.py --group testing           the checkers of autodiff.testing
    python tests/tools/mutate.py --group export            what writes programs down
    python tests/tools/mutate.py --group graph             drawings

A mutant is the package with one change, run interpreted (AUTODIFF_PURE=1):

* ``table`` -- a row's partial scaled, negated, zeroed or shifted; an operator, a constant or an
  operand of its value or fold exchanged;
* ``core`` -- in a function of any module but those on top of the core: a statement deleted, a
  condition negated or halved, an operator, a constant or a name exchanged;
* ``export`` -- the same of what is on top of the core in ``autodiff.export``;
* ``testing``, ``graph`` -- a constant, a comparison or a condition changed in the checkers, in
  drawings.

The tests run on it in stages, those first that are likely to fail, until one does: the mutant is
killed.  A test that goes on for too long, or too much memory, is a kill too.  What survives is a
hole in the tests, unless ``equivalent`` says why nobody could tell; an entry there that is
killed, or that names no mutant, is reported as well.  How the tests are run, see ``trials.py``.
A long run first learns which tests run which lines, see ``learning.py``.

A test that fails on a mutant is then run on the engine as it is, once for all mutants: there it
must pass, or nothing is said of any mutant.

A sample has one mutant of each function, in an order that the seed decides, then another of each,
and so on; it moves only with the functions that are changed.

Exit status: 0 if all is well, 1 if not; 130 or 143 if interrupted, after a report of what is known.
"""

from __future__ import annotations

import argparse
import compileall
import math
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import connection, get_context, process
from pathlib import Path
from typing import Any, NamedTuple

from equivalent import EQUIVALENT
from learning import learn
from mutants import GROUPS, TREE, Mutant, Stage, Unit, all_units, in_turn
from trials import Collected, end, trial, trial_anew

WAIT_LIMIT = 120.0  # seconds that a test may take, should it wait for ever

# -- running ---------------------------------------------------------------------------------------


def snapshot(folder: Path) -> None:
    """Copy the package's sources and the tests, so that others may go on editing."""
    only_sources = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__", "bench")
    for name in ("autodiff", "tests", "demos"):
        shutil.copytree(TREE / name, folder / name, ignore=only_sources)
    shutil.copy2(TREE / "pyproject.toml", folder)
    compileall.compile_dir(folder / "autodiff", quiet=1)


class Run(NamedTuple):
    """A stage that is running; ``anew`` if it imports the package again, see ``trials``."""

    mutant: Mutant
    stage: int
    anew: bool
    process: process.BaseProcess
    package: Path
    began: float


class Runner:
    """Runs mutants on some processes, each stage of each mutant in a fork of this one."""

    def __init__(self, collected: Collected, jobs: int, enough: Callable[[], bool]) -> None:
        self.collected, self.base = collected, collected.base
        self.jobs, self.enough = jobs, enough
        self.running: list[Run] = []
        self.interrupted = 0  # by which signal

    def start(self, mutant: Mutant, stage: int, anew: bool) -> None:
        """Start a stage; ``anew`` or not, if there is no mutant in it."""
        package = Path(tempfile.mkdtemp(dir=self.base))
        shutil.copytree(self.base / "autodiff", package / "autodiff", copy_function=os.link)
        exchange = None
        if mutant.module:
            module = package / "autodiff" / mutant.module
            module.unlink()  # a link to the one in the base
            module.write_text(mutant.source())
            for cached in (module.parent / "__pycache__").glob(f"{module.stem}.*"):
                cached.unlink()
            exchange = self.collected.exchange(mutant)
            anew = exchange is None
        arguments: tuple[Any, ...] = (package, self.collected, mutant.stages[stage])
        child = get_context("fork").Process(
            target=trial_anew if anew else trial,
            args=arguments if anew else (*arguments, exchange),
        )
        child.start()
        self.running.append(Run(mutant, stage, anew, child, package, time.time()))

    def finished(self) -> Iterator[tuple[Run, str, str]]:
        """Wait a little; then those that came to an end, and by which test and how, "" if not."""
        ended = connection.wait([run.process.sentinel for run in self.running], timeout=0.5)
        for run in [*self.running] if not self.interrupted else []:
            written = run.package / "test"  # when a test begins
            since = written.stat().st_mtime if written.exists() else run.began
            late = time.time() - since > WAIT_LIMIT
            if run.process.sentinel not in ended and not late:
                continue
            self.end(run)
            status = run.process.exitcode
            late = late or status == -signal.SIGPROF
            if status in (5, 99) and not late:
                output = (run.package / "output").read_text(errors="replace")
                raise RuntimeError(f"{run.mutant.name} was not tested:\n{output}")
            test = written.read_text()
            how = "late" if late else "failed" if status == 1 else f"exit status {status}"
            shutil.rmtree(run.package)
            yield run, test, how if late or status else ""

    def end(self, run: Run) -> None:
        """End a stage."""
        end(run.process)
        self.running.remove(run)

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Have a signal only noted, so that all comes to an end, but in no unforeseen place: what a
        handler raises while this process forks is lost."""

        def note(number: int, _: Any) -> None:
            self.interrupted = number

        signals = signal.SIGINT, signal.SIGTERM
        handlers = [(number, signal.signal(number, note)) for number in signals]
        try:
            yield
        finally:
            for number, handler in handlers:
                signal.signal(number, handler)

    def run(self, mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, str]]:
        """Each mutant with the test that killed it, or "", as they come to an end.

        Raises:
            SystemExit: if a test that killed one fails on the engine as it is, too.
        """
        fresh, begun = iter(mutants), deque[tuple[Mutant, int, bool]]()
        sound: set[tuple[Stage, bool]] = set()  # what has passed on the engine as it is
        waiting: dict[tuple[Stage, bool], list[tuple[Mutant, str]]] = {}  # kills until it has
        try:
            while not self.interrupted and not self.enough():
                while len(self.running) < self.jobs:
                    if begun:
                        self.start(*begun.popleft())
                    elif mutant := next(fresh, None):
                        self.start(mutant, 0, False)
                    else:
                        break
                if not self.running:
                    break
                for run, test, how in self.finished():
                    mutant, stage = run.mutant, run.mutant.stages[run.stage]
                    by = test.removeprefix("tests/") + ("" if how == "failed" else f" ({how})")
                    # What must pass on the engine as it is.  That it can be imported is known.
                    proof = Stage((test,), ()) if test else stage, run.anew
                    imported = test and "::" not in test
                    if not mutant.module:
                        if how:
                            raise SystemExit(f"on the engine as it is: {by}")
                        sound.add((stage, run.anew))
                        yield from waiting.pop((stage, run.anew))
                    elif not how and run.stage + 1 < len(mutant.stages):
                        begun.append((mutant, run.stage + 1, False))
                    elif not how or imported or proof in sound:
                        yield mutant, by if how else ""
                    elif proof in waiting:
                        waiting[proof].append((mutant, by))
                    else:
                        waiting[proof] = [(mutant, by)]
                        intact = Mutant(f"intact: {test}", "", ("", 0), range(0), str, proof[:1])
                        begun.appendleft((intact, 0, run.anew))
        finally:
            for run in [*self.running]:
                self.end(run)


# -- the report ------------------------------------------------------------------------------------


def report(found: list[tuple[Mutant, str]]) -> int:
    """Print what became of the mutants; how many are not as they should be."""
    print(f"{'module':28}{'mutants':>9}{'killed':>9}{'late':>9}{'survived':>10}{'explained':>11}")
    for module in sorted({mutant.module for mutant, _ in found}):
        killers = {mutant.name: by for mutant, by in found if mutant.module == module}
        by, alive = [*killers.values()], [name for name in killers if not killers[name]]
        late, known = (
            sum(x.endswith("(late)") for x in by),
            sum(name in EQUIVALENT for name in alive),
        )
        print(f"{module:28}{len(by):9}{len(by) - len(alive):9}{late:9}{len(alive):10}{known:11}")
    alive = sorted((mutant.name for mutant, by in found if not by), key=EQUIVALENT.__contains__)
    for name in alive:
        print(f"\nsurvived: {name}\n  {EQUIVALENT.get(name, 'NOT EXPLAINED')}")
    wrong = [(mutant.name, by) for mutant, by in found if by and mutant.name in EQUIVALENT]
    for name, by in wrong:
        print(f"\nnot equivalent: {name}\n  killed by {by}")
    return len(wrong) + sum(name not in EQUIVALENT for name in alive)


def arguments_of(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--group", choices=GROUPS, action="append")
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="so named, in part")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="a sample, at least one, for so long"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="a sample of so many")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--list", action="store_true", help="print the names and run nothing")
    parser.add_argument("-v", "--verbose", action="store_true", help="print what kills each")
    return parser.parse_args(argv)


def refuse_unknown(units: list[Unit]) -> None:
    """Exit if ``EQUIVALENT`` names what is no mutant."""
    explained = {name.split(": ")[0] for name in EQUIVALENT}
    known = {m.name for unit in units if unit.name in explained for m in unit.mutants()}
    if odd := EQUIVALENT.keys() - known:
        raise SystemExit("EQUIVALENT names what is no mutant:\n  " + "\n  ".join(sorted(odd)))


def main(argv: list[str] | None = None) -> int:
    """Run the mutants that the command line asks for; the exit status."""
    began = time.monotonic()
    options = arguments_of(argv)
    units = all_units()
    if not options.list:
        refuse_unknown(units)
    units = [
        unit
        for unit in units
        if unit.group in (options.group or GROUPS[:2])
        and any(only.partition(":")[0] in unit.name for only in options.only)
    ]
    sampled = options.sample is not None or options.seconds is not None
    ordered = in_turn(units, options.seed) if sampled else (m for u in units for m in u.mutants())
    chosen = (mutant for mutant in ordered if any(only in mutant.name for only in options.only))
    mutants: Iterable[Mutant] = islice(chosen, options.sample)
    if options.seconds is None:
        mutants = [*mutants]
    if options.list:
        print(*(mutant.name for mutant in mutants), sep="\n")
        return 0
    for name in ("OPENBLAS_NUM_THREADS", "AUTODIFF_PURE", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        os.environ[name] = "1"
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread: this process forks
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    found: list[tuple[Mutant, str]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        base = Path(folder)
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(base / ".hypothesis")
        snapshot(base)
        collected = Collected(base)
        until = math.inf

        def enough() -> bool:
            return bool(found) and time.monotonic() > until

        runner = Runner(collected, options.jobs, enough)
        total = len(mutants) if isinstance(mutants, list) else None
        every = 0.5 if sys.stderr.isatty() else 15.0  # seconds from one progress line to the next

        def run() -> None:
            nonlocal until
            meeting = mutants
            if not sampled and len(mutants) > 50:
                stages = {stage for unit in units for stage in unit.stages}
                with tqdm(unit="file of tests", mininterval=every) as bar:
                    learn(collected, stages, options.jobs, bar, lambda: bool(runner.interrupted))
                meeting = map(collected.sharpened, mutants)
            if options.seconds is not None:
                until = time.monotonic() + options.seconds
            with tqdm(total=total, unit="mutant", mininterval=every) as bar:
                for mutant, by in runner.run(meeting):
                    found.append((mutant, by))
                    bar.update()
                    bar.set_postfix(survived=sum(not by for _, by in found), refresh=False)
                    if options.verbose:
                        after = f"{time.monotonic() - began:4.0f} s"
                        bar.write(f"{after}  {by or 'SURVIVED':60} {mutant.name}")

        try:
            files = {test for unit in units for test in unit.files()}
            heeded = runner.heeding()(run)
            collected.run({unit.module for unit in units}, sorted(files), heeded)
        except KeyboardInterrupt:  # before the first mutant
            return 128 + signal.SIGINT
    wrong = report(found)
    seed = f", seed {options.seed}" if sampled else ""
    print(f"\n{len(found)} mutants in {time.monotonic() - began:.0f} s{seed}; unexpected: {wrong}")
    return 128 + runner.interrupted if runner.interrupted else int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
