"""Which lines of the package each test runs, and how long it takes.

``learn`` runs all tests once, a file of them in a fork.  Then a mutant needs to meet only tests
that run what is changed, and can meet the quickest first.  A test that starts processes, or that
traces by itself, may run anything.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

import pytest
from mutants import Stage
from trials import Collected, Lines, begin, covering, end, finish, lines_run

STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}


def learn(
    collected: Collected, stages: set[Stage], jobs: int, bar: Any, interrupted: Callable[[], bool]
) -> None:
    """Learn about the tests of some stages, unless interrupted; ``collected`` keeps it.

    Raises:
        SystemExit: if the process that runs a file's tests does not come to its end.
    """
    chosen: dict[str, dict[str, pytest.Item]] = defaultdict(dict)
    for stage in stages:
        for item in collected.tests(stage):
            chosen[item.nodeid.partition("::")[0]][item.nodeid] = item
    running: dict[BaseProcess, Path] = {}
    pending = sorted(chosen)
    bar.reset(total=len(pending))
    try:
        while (pending or running) and not interrupted():
            while pending and len(running) < jobs:
                file = pending.pop(0)
                folder = Path(tempfile.mkdtemp(dir=collected.base))
                items = [*chosen[file].values()]
                child = get_context("fork").Process(target=watch, args=(folder, collected, items))
                child.start()
                running[child] = folder
            for child in [*running]:
                child.join(0.05)
                if child.exitcode is None:
                    continue
                folder = running.pop(child)
                if child.exitcode:
                    raise SystemExit((folder / "output").read_text(errors="replace"))
                collected.learned |= pickle.loads((folder / "learned").read_bytes())
                bar.update()
    finally:
        for child in running:
            end(child)


def watch(folder: Path, collected: Collected, items: list[pytest.Item]) -> NoReturn:
    """In a fork: run a file's tests, and write what each runs, None for anything; then exit."""
    begin(folder, collected.base)
    started = False

    def hear(event: str, _: Any) -> None:
        nonlocal started
        started |= event in STARTS

    sys.addaudithook(hear)
    cover = covering(str(collected.base / "autodiff"))
    took: dict[str, float] = {}
    unknown = set()
    for item, following in zip(items, [*items[1:], None], strict=True):
        started = False
        began = time.process_time()
        cover.start()
        cover.switch_context(item.nodeid)
        tracer = sys.gettrace()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if started or sys.gettrace() is not tracer:
            unknown.add(item.nodeid)
        cover.stop()
        took[item.nodeid] = time.process_time() - began
    lines = lines_run(cover)
    found: dict[str, tuple[float, Lines | None]] = {
        test: (seconds, None if test in unknown else lines.get(test, {}))
        for test, seconds in took.items()
    }
    (folder / "learned").write_bytes(pickle.dumps(found))
    finish(0)
