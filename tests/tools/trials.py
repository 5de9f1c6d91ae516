"""Trials of mutants: a process imports the package and all tests once; each trial is a fork of it.

* ``Collected`` -- what has been imported: functions by their place, tests by file, and which
  lines have run meanwhile;
* ``trial`` -- in a fork: a function's code exchanged, and a stage's tests run;
* ``trial_anew`` -- the same for a change that takes effect when a module is imported: of a
  statement outside functions, or in a function that runs at imports.  There all is imported anew.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NoReturn

import pytest
from coverage import Coverage
from mutants import TREE, Mutant, Stage

Place = tuple[str, int]  # of a function: its file and first line
Lines = dict[str, int]  # which lines of files run: line n of one is bit n of its number

MEMORY = 6 << 30  # bytes of address space that a mutant may use
TEST_LIMIT = 10.0  # seconds of processor time that a test may take, three times as long if slow
PLAIN = ("-p", "no:cacheprovider", "-o", "addopts=")


class Watch:
    """A plugin of pytest: writes to a file which test began last, or which file cannot be imported.

    No test takes longer than ``TEST_LIMIT``, or SIGPROF ends the process.
    """

    def __init__(self, file: Path, stage: Stage) -> None:
        self.file, self.stage = file, stage
        self.failed = False
        self.begin("")

    def begin(self, test: str) -> None:
        """Begin anew."""
        self.file.write_text(test)
        signal.setitimer(signal.ITIMER_PROF, TEST_LIMIT * (1 if self.stage.without else 3))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write which test begins."""
        self.begin(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """See whether it failed."""
        self.failed |= report.failed

    def pytest_collectreport(self, report: Any) -> None:
        """Write which file cannot be imported."""
        if report.failed:
            self.begin(report.nodeid)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what the stage does not take."""
        items[:] = [item for item in items if self.stage.takes(item.nodeid)]


class Collected:
    """What one run of pytest has imported and collected, of the package in a folder."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.items: dict[str, list[pytest.Item]] = defaultdict(list)  # by file
        self.named: dict[str, pytest.Item] = {}
        self.functions: dict[Place, list[FunctionType]] = defaultdict(list)
        self.ran: Lines = {}  # while it was imported
        self.learned: dict[str, tuple[float, Lines | None]] = {}  # see learning.py

    def run(self, modules: set[str], files: Sequence[str], then: Callable[[], None]) -> None:
        """Import these modules of the package, import and collect these files' tests, then call a
        function.

        Raises:
            SystemExit: if one cannot be imported.
            BaseException: what the function raises.
        """
        os.chdir(self.base)
        sys.path[:] = [str(self.base), *(p for p in sys.path if Path(p or ".").resolve() != TREE)]
        package = str(self.base / "autodiff")
        collected = self

        class Plugin:
            """Takes over when all is collected."""

            raised: BaseException | None = None  # which pytest would keep for itself

            def pytest_collectreport(self, report: Any) -> None:
                if report.failed:
                    why = f"{report.nodeid} cannot be imported:\n{report.longrepr}"
                    self.raised = SystemExit(why)

            def pytest_runtestloop(self, session: pytest.Session) -> bool:
                if not self.raised:
                    collected.take(session.items, package)
                    try:
                        then()
                    except BaseException as raised:
                        self.raised = raised
                return True

        cover = covering(package)
        cover.start()
        for module in sorted(modules):
            name = "autodiff/" + module.removesuffix(".py").removesuffix("__init__")
            importlib.import_module(name.rstrip("/").replace("/", "."))
        cover.stop()
        self.ran = lines_run(cover).get("", {})
        plugin = Plugin()
        status = pytest.main(["-s", "-p", "no:terminal", *PLAIN, *files], plugins=[plugin])
        if plugin.raised:
            raise plugin.raised
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise SystemExit(f"the tests could not be collected: {status!r}")

    def take(self, items: list[pytest.Item], package: str) -> None:
        """Keep the tests, and the functions that there are by now."""
        for item in items:
            self.items[item.nodeid.partition("::")[0]].append(item)
            self.named[item.nodeid] = item
        for x in gc.get_objects():
            if type(x) is FunctionType and x.__code__.co_filename.startswith(package):
                self.functions[x.__code__.co_filename, x.__code__.co_firstlineno].append(x)
        gc.collect()
        gc.freeze()  # the forks' collections pass over all this

    def tests(self, stage: Stage) -> Iterator[pytest.Item]:
        """A stage's tests."""
        for test in stage.tests:
            if test in self.named:
                yield self.named[test]
                continue
            for item in self.items[test.partition("::")[0]]:
                chosen = item.nodeid.startswith((f"{test}::", f"{test}["))
                if chosen and stage.takes(item.nodeid):
                    yield item

    def place(self, mutant: Mutant) -> Place | None:
        """Where the function of a mutant stands."""
        name, number = mutant.function
        if not name:
            return None
        file = str(self.base / "autodiff" / mutant.module)
        return file, intact_codes(file)[name][number].co_firstlineno

    def order(self, name: str) -> tuple[bool, float]:
        """What tests are sorted by: whether it may run anything, and how long it took itself, which
        says little if it starts processes."""
        seconds, run = self.learned[name]
        return run is None, seconds

    def sharpened(self, mutant: Mutant) -> Mutant:
        """A mutant that meets only those of its tests that run a line of the changed statement, the
        quickest first, those of which that is not known last; or all, if imports have run it, or no
        test is seen to: nobody sees what runs in a profiler."""
        file = str(self.base / "autodiff" / mutant.module)
        lines = sum(1 << line for line in mutant.lines)
        if not lines or lines & self.ran.get(file, 0):
            return mutant
        names = {item.nodeid for stage in mutant.stages for item in self.tests(stage)}
        chosen = []
        for name in sorted(names & self.learned.keys(), key=self.order):
            run = self.learned[name][1]
            if run is None or lines & run.get(file, 0):
                chosen.append(name)
        return replace(mutant, stages=(Stage(tuple(chosen), ()),)) if chosen else mutant

    def exchange(self, mutant: Mutant) -> Callable[[], None] | None:
        """What gives a mutant's function its code; None if that would come too late."""
        place = self.place(mutant)
        if place is None or place not in self.functions:
            return None
        file, first = place
        functions = self.functions[place]
        name, number = mutant.function
        if any(self.ran.get(file, 0) >> line & 1 for line in body(functions[0].__code__) - {first}):
            return None
        try:
            code = codes(mutant.source(), file)[name][number]
        except SyntaxError:  # such a module cannot be imported
            return None
        if any(f.__code__.co_freevars != code.co_freevars for f in functions):
            return None

        def give() -> None:
            for f in functions:
                f.__code__ = code

        return give


def covering(package: str) -> Coverage:
    """What sees which lines of the files in a folder run."""
    cover = Coverage(data_file=None, include=[f"{package}/*"])
    cover.set_option("run:disable_warnings", ["no-data-collected", "trace-changed"])
    return cover


def lines_run(cover: Coverage) -> dict[str, Lines]:
    """The lines that have run, by context."""
    found: dict[str, Lines] = defaultdict(lambda: defaultdict(int))
    data = cover.get_data()
    for file in data.measured_files():
        for line, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                found[context][file] |= 1 << line
    return {context: dict(lines) for context, lines in found.items()}


def body(code: CodeType) -> set[int]:
    """The lines of a function, those of functions in it, too."""
    inner = [body(x) for x in code.co_consts if isinstance(x, CodeType)]
    return {line for _, _, line in code.co_lines() if line}.union(*inner)


@cache
def intact_codes(file: str) -> dict[str, list[CodeType]]:
    """``codes`` of a module as it is, which all its mutants ask for."""
    return codes(Path(file).read_text(), file)


def codes(source: str, file: str) -> dict[str, list[CodeType]]:
    """The code of the functions of a module, by name, in their order; of nested ones none."""
    found = defaultdict(list)
    pending = [("", compile(source, file, "exec", dont_inherit=True))]
    while pending:
        outer, code = pending.pop()
        for x in code.co_consts:
            if isinstance(x, CodeType):
                found[outer + x.co_name].append(x)
                if not x.co_flags & inspect.CO_OPTIMIZED:  # a class
                    pending.append((f"{outer}{x.co_name}.", x))
    return found


def begin(package: Path, base: Path) -> None:
    """In a fork: limits, signals, and output into a file."""
    import resource

    os.setsid()  # so that it can be killed with all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(base)
    os.environ["PYTHONPATH"] = str(package)
    with open(package / "output", "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


def end(process: BaseProcess) -> None:
    """End a fork and whatever it has started."""
    try:
        os.killpg(process.pid or 0, signal.SIGKILL)
    except ProcessLookupError:  # it has not come as far as os.setsid
        process.kill()
    process.join()


def finish(status: int) -> NoReturn:
    """End a fork; nothing of what its parent has begun is ended with it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def trial(
    package: Path, collected: Collected, stage: Stage, exchange: Callable[[], None] | None
) -> NoReturn:
    """In a fork: run a stage's tests with a function's new code; exit with pytest's status."""
    begin(package, collected.base)
    if exchange is not None:
        exchange()
    items = [*collected.tests(stage)]
    if not items:
        finish(pytest.ExitCode.NO_TESTS_COLLECTED)
    watch = Watch(package / "test", stage)
    config = items[0].config
    config.option.tbstyle = "no"  # nobody reads tracebacks
    config.pluginmanager.register(watch)
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if watch.failed:
            finish(pytest.ExitCode.TESTS_FAILED)
    finish(pytest.ExitCode.OK)


def trial_anew(package: Path, collected: Collected, stage: Stage) -> NoReturn:
    """In a fork: import all anew, with the package in a folder, and run a stage's tests."""
    begin(package, collected.base)
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", None) or "").startswith(str(collected.base)):
            del sys.modules[name]
    sys.path[sys.path.index(str(collected.base))] = str(package)
    watch = Watch(package / "test", stage)
    status = int(pytest.main(["-x", "-q", "--tb=no", *PLAIN, *stage.tests], plugins=[watch]))
    used = getattr(sys.modules.get("autodiff"), "__file__", None)
    finish(99 if used and not used.startswith(str(package)) else status)
