"""Which functions of the package each test enters, and how long it takes.

``learn`` runs all tests once, a file of them in a fork.  Then a mutant needs to meet only tests
that enter its function, and can meet the quickest first.  A test that starts processes may enter
anything.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
import threading
import time
from collections import defaultdict
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

import pytest
from mutants import Stage
from trials import Collected, Place, begin, end, entering, finish

STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}


def learn(collected: Collected, stages: set[Stage], jobs: int, bar: Any) -> None:
    """Learn about the tests of some stages; ``collected`` keeps it.

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
        while pending or running:
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
    """In a fork: run a file's tests, and write what each enters, None for anything; then exit."""
    begin(folder, collected.base)
    entered: set[Place] = set()
    see = entering(str(collected.base / "autodiff"), entered)
    started = False

    def hear(event: str, _: Any) -> None:
        nonlocal started
        started |= event in STARTS

    sys.addaudithook(hear)
    threading.settrace(see)
    found: dict[str, tuple[float, set[Place] | None]] = {}
    for item, following in zip(items, [*items[1:], None], strict=True):
        entered.clear()
        started = False
        began = time.process_time()
        sys.settrace(see)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        sys.settrace(None)
        seconds = time.process_time() - began
        found[item.nodeid] = seconds, None if started else set(entered)
    (folder / "learned").write_bytes(pickle.dumps(found))
    finish(0)
