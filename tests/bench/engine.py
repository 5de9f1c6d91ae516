"""How fast and how small the engine is: ``python tests/bench/engine.py [--quick]``.

Prints a table: what was measured, the figure, a reference measured beside it in the same process,
their ratio, and the goal.  It is a measurement, not a test: it always exits with 0, and a
measurement that fails is a row that says so.

Every measurement runs in a process of its own, so that none inherits another's memory, and one
that crashes takes no other with it.  Within a measurement subject and reference take turns, and the
median turn counts, so that what else the machine does falls on both or on neither; ratios are
therefore steadier than times.

Networks are timed after a second of warming up.  An engine that hands out the memory of released
nodes again does so in the order in which it came back, so that graphs which are built one after
another may lie ever more scattered in memory; a program that trains for hours meets the last of
them, not the first.

* ``recording``, ``against_textbook``, ``against_minigrad``, ``memory``, ``long_chain``,
  ``training``, ``importing`` -- the measurements: from sizes to numbers, in seconds and bytes;
* ``*_rows`` -- the same as rows of the table, with their goals;
* ``main`` -- the table.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import textbook
import workloads

import autodiff
from autodiff import Value

Numbers = dict[str, Any]


# -- measurements ----------------------------------------------------------------------------------


def recording(terms: int, turns: int) -> Numbers:
    """Seconds a term of a weighted sum, of Values and of floats, with and without its release."""
    repeats = 20  # of one sum a turn, or the clock itself would be measured
    operands = {
        name: (workloads.leaves(leaf, terms, 1), workloads.leaves(leaf, terms, 2))
        for name, leaf in (("values", Value), ("floats", float))
    }
    kept: dict[str, list[float]] = {name: [] for name in operands}
    released: dict[str, list[float]] = {name: [] for name in operands}
    for _ in range(turns):
        for name, (ws, xs) in operands.items():
            recorded = 0.0
            start = perf_counter()
            for _ in range(repeats):
                before = perf_counter()
                total = workloads.weighted_sum(ws, xs)
                recorded += perf_counter() - before
                del total
            released[name].append((perf_counter() - start) / (repeats * terms))
            kept[name].append(recorded / (repeats * terms))
    return {"kept": medians(kept), "released": medians(released)}


def medians(times: dict[str, list[float]]) -> dict[str, float]:
    """The median of what each has taken."""
    return {name: statistics.median(taken) for name, taken in times.items()}


def phases(leaf: workloads.Leaf, nodes: int, activation: str) -> list[float]:
    """Seconds to build, sweep and release a network."""
    gc.collect()  # what the turn before has left behind is not to be paid here
    clock = [perf_counter()]
    root, kept = workloads.network(leaf, nodes, activation)
    clock.append(perf_counter())
    root.backward()
    clock.append(perf_counter())
    del root, kept
    clock.append(perf_counter())
    return [after - before for before, after in pairwise(clock)]


def typical_phases(
    engines: dict[str, workloads.Leaf], nodes: int, turns: int, activation: str
) -> Numbers:
    """The median time of each phase over several turns, a node, for each engine, warmed up.

    Under ``"first"`` is the same for the first few turns of autodiff, before it was warm.
    """
    size = workloads.size(workloads.network(Value, nodes, activation)[0])
    first = [phases(Value, nodes, activation) for _ in range(5)]
    for leaf in engines.values():
        start = perf_counter()
        while perf_counter() - start < 1.0:
            phases(leaf, nodes, activation)
    times: dict[str, list[list[float]]] = {name: [] for name in engines}
    for _ in range(turns):
        for name, leaf in engines.items():
            times[name].append(phases(leaf, nodes, activation))
    return {"nodes": size} | {
        name: [statistics.median(phase) / size for phase in zip(*taken, strict=True)]
        for name, taken in {"first": first, **times}.items()
    }


def against_textbook(nodes: int, turns: int, collector: int) -> Numbers:
    """Seconds a node to build, sweep and release a network, for autodiff and the textbook.

    ``collector`` is 1 to measure as programs run, and 0 to switch Python's cyclic garbage collector
    off: where a node is an object of several parts, it can take longer than the arithmetic.
    """
    if not collector:
        gc.disable()
    engines = {"autodiff": Value, "textbook": textbook.Value}
    return typical_phases(engines, nodes, turns, activation="tanh")


def against_minigrad(nodes: int, turns: int) -> Numbers:
    """The same for autodiff and minigrad, which has relu only; nothing if it is not installed."""
    if importlib.util.find_spec("minigrad") is None:
        return {}
    import minigrad

    engines = {"autodiff": Value, "minigrad": minigrad.Value}
    return typical_phases(engines, nodes, turns, activation="relu")


def memory(nodes: int) -> Numbers:
    """Bytes a node of a chain over Values and of one over constants, as Python allocates them."""
    tracemalloc.start()
    chains = []  # both kept: a node released is memory for the next, which would not be counted
    sizes = []
    for build in (workloads.chain, workloads.chain_over_constant):
        before = tracemalloc.get_traced_memory()[0]
        chains.append(build(Value, nodes))
        sizes.append((tracemalloc.get_traced_memory()[0] - before) / nodes)
    return {"values": sizes[0], "constants": sizes[1]}


def long_chain(nodes: int) -> Numbers:
    """Seconds to build, sweep and release a chain, and its resident bytes a node."""
    before = resident()
    clock = [perf_counter()]
    root, x = workloads.chain(Value, nodes)
    clock.append(perf_counter())
    built = resident()
    clock.append(perf_counter())
    root.backward()
    clock.append(perf_counter())
    swept = largest_resident()
    if x.grad != nodes + 1:
        raise ArithmeticError(f"the gradient of a chain of {nodes} is {x.grad}")
    clock.append(perf_counter())
    del root
    clock.append(perf_counter())
    return {
        "seconds": [clock[1] - clock[0], clock[3] - clock[2], clock[5] - clock[4]],
        "built": (built - before) / nodes,
        "swept": (swept - before) / nodes,
    }


def training(first: int, last: int) -> Numbers:
    """Resident bytes that training takes on between two steps, its loss and its seconds a step."""
    model = workloads.Perceptron(Value)
    for _ in range(first):
        model.step()
    before = resident()
    start = perf_counter()
    loss = math.nan
    for _ in range(last - first):
        loss = model.step()
    seconds = (perf_counter() - start) / (last - first)
    return {"growth": resident() - before, "loss": loss, "seconds": seconds}


def importing(turns: int) -> Numbers:
    """Seconds to import autodiff, and NumPy alone, beyond the start of the interpreter."""
    programs = {"bare": "pass", "autodiff": "import autodiff", "numpy": "import numpy"}
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(turns):
        for name, program in programs.items():
            start = perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            times[name].append(perf_counter() - start)
    typical = medians(times)
    return {name: typical[name] - typical["bare"] for name in ("autodiff", "numpy")}


def resident() -> float:
    """Bytes of this process that are in memory; nan where the system does not tell."""
    statistics_of_memory = Path("/proc/self/statm")
    if not statistics_of_memory.exists():
        return math.nan
    pages = int(statistics_of_memory.read_text().split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def largest_resident() -> float:
    """The most bytes of this process that have been in memory; nan where it is not known."""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return 1024.0 * int(fields["VmHWM"].split()[0])


MEASUREMENTS: dict[str, Callable[..., Numbers]] = {
    function.__name__: function
    for function in (
        recording, against_textbook, against_minigrad, memory, long_chain, training, importing,
    )
}  # fmt: skip


class MeasurementFailedError(Exception):
    """A measurement that came to no result."""


def apart(
    measurement: Callable[..., Numbers], *sizes: int, interpreted: bool = not autodiff.COMPILED
) -> Numbers:
    """What a measurement gives in a fresh process, on the compiled or the interpreted engine.

    Raises:
        MeasurementFailedError: if that process fails.
    """
    command = [sys.executable, __file__, "--measure", measurement.__name__, *map(str, sizes)]
    environment = os.environ | {"AUTODIFF_PURE": "1" if interpreted else "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        last_words = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise MeasurementFailedError(last_words[0])
    numbers: Numbers = json.loads(done.stdout)
    return numbers


# -- rows ------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A row of the table."""

    what: str
    measured: str
    reference: str = ""
    ratio: str = ""
    goal: str = ""


def seconds(t: float) -> str:
    """A time in the unit that suits it: ``85.2 ns``.

    >>> seconds(8.52e-8), seconds(0.0123), seconds(2.0)
    ('85.2 ns', '12.3 ms', '2.00 s')
    """
    units = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    unit = next((name for name, scale in units.items() if abs(t) >= scale), "ns")
    x = t / units[unit]
    return f"{x:.{2 if abs(x) < 10 else 1 if abs(x) < 100 else 0}f} {unit}"


def at_most(limit: float, x: float, unit: str) -> str:
    """A goal and whether it is reached, by the figure as it is shown: to two decimals."""
    return f"<= {limit:g}{unit}: {'reached' if round(x, 2) <= limit else 'missed'}"


def at_least(limit: float, x: float, unit: str) -> str:
    """A goal and whether it is reached, by the figure as it is shown: to two decimals."""
    return f">= {limit:g}{unit}: {'reached' if round(x, 2) >= limit else 'missed'}"


def recording_rows(quick: bool) -> Iterator[Row]:
    """Recording against plain floats."""
    numbers = apart(recording, 1000, 30 if quick else 200)
    for name, what in (("released", "recorded and released"), ("kept", "recorded only")):
        values, floats = numbers[name]["values"], numbers[name]["floats"]
        ratio = values / floats
        yield Row(
            f"sum(w*x), a term, {what}",
            seconds(values),
            f"floats {seconds(floats)}",
            f"{ratio:.2f}x",
            at_most(2.0, ratio, "x") if autodiff.COMPILED else "",
        )


def textbook_rows(quick: bool) -> Iterator[Row]:
    """Build and sweep of a network against the textbook engine, compiled and interpreted."""
    for interpreted in [True] if not autodiff.COMPILED else [False, True]:
        for collector in (1, 0):
            numbers = apart(
                against_textbook, 60_000, 3 if quick else 9, collector, interpreted=interpreted
            )
            ours, theirs = (
                numbers["nodes"] * sum(numbers[name][:2]) for name in ("autodiff", "textbook")
            )
            ratio = theirs / ours
            engine = "interpreted" if interpreted else "compiled"
            goal = at_least(2.0 if interpreted else 25.0, ratio, "x faster")
            yield Row(
                f"network of {numbers['nodes']:,}, built and swept, {engine}, "
                f"collector {'on' if collector else 'off'}",
                seconds(ours),
                f"textbook {seconds(theirs)}",
                f"1/{ratio:.1f}",
                goal if collector else "",
            )


def minigrad_rows(quick: bool) -> Iterator[Row]:
    """Each phase of a network against minigrad, an engine written in C."""
    numbers = apart(against_minigrad, 60_000, 5 if quick else 25)
    if not numbers:
        yield Row("network against minigrad", "not installed")
        return
    aged, young = sum(numbers["autodiff"]), sum(numbers["first"])
    yield Row(
        f"network of {numbers['nodes']:,}, all phases, a node, warmed up",
        seconds(aged),
        f"the first in its process {seconds(young)}",
        f"{aged / young:.2f}x",
    )
    for i, phase in enumerate(("built", "swept", "released")):
        ours, theirs = numbers["autodiff"][i], numbers["minigrad"][i]
        yield Row(
            f"network of {numbers['nodes']:,}, {phase}, a node",
            seconds(ours),
            f"minigrad {seconds(theirs)}",
            f"{ours / theirs:.2f}x",
            at_most(1.0, ours / theirs, "x") if autodiff.COMPILED else "",
        )


def memory_rows(quick: bool) -> Iterator[Row]:
    """Bytes a node."""
    nodes = 100_000 if quick else 1_000_000
    numbers = apart(memory, nodes)
    values, constants = numbers["values"], numbers["constants"]
    goal = at_most(96.0, values, " bytes") if autodiff.COMPILED else ""
    yield Row(f"memory a node, of {nodes:,}, by tracemalloc", f"{values:.1f} bytes", "", "", goal)
    yield Row(
        "memory a node that has a constant operand",
        f"{constants:.1f} bytes",
        f"two Values {values:.1f} bytes",
        f"{constants / values:.2f}x",
    )


def chain_rows(quick: bool) -> Iterator[Row]:
    """A deep graph, and a tenth of it: time a node is to be the same."""
    for interpreted in [True] if not autodiff.COMPILED else [False, True]:
        nodes = (1_000_000 if interpreted else 10_000_000) // (10 if quick else 1)
        whole = apart(long_chain, nodes, interpreted=interpreted)
        tenth = apart(long_chain, nodes // 10, interpreted=interpreted)
        engine = "interpreted" if interpreted else "compiled"
        for i, phase in enumerate(("built", "swept", "released")):
            mine, small = whole["seconds"][i], tenth["seconds"][i]
            yield Row(
                f"chain of {nodes:,} nodes, {phase}, {engine}",
                seconds(mine),
                f"a tenth of it {seconds(small)}",
                f"{mine / small:.2f}x",
                "completes: reached",
            )
        yield Row(
            f"chain of {nodes:,} nodes, resident a node, {engine}",
            f"{whole['built']:.1f} bytes",
            f"at most, in the sweep, {whole['swept']:.1f} bytes",
            f"1/{whole['swept'] / whole['built']:.2f}",
        )


def training_rows(quick: bool) -> Iterator[Row]:
    """Growth of memory over training."""
    first, last = (200, 1000) if quick else (1000, 10_000)
    numbers = apart(training, first, last)
    growth = numbers["growth"] / 1024
    yield Row(
        f"training, growth of memory, steps {first:,} to {last:,}",
        f"{growth:.0f} kB",
        f"{seconds(numbers['seconds'])} a step, to a loss of {numbers['loss']:.4f}",
        "",
        at_most(0.0, growth, " kB"),
    )


def importing_rows(quick: bool) -> Iterator[Row]:
    """The time of ``import autodiff``."""
    numbers = apart(importing, 5 if quick else 15)
    ours, theirs = numbers["autodiff"], numbers["numpy"]
    yield Row(
        "import autodiff",
        seconds(ours),
        f"import numpy {seconds(theirs)}",
        f"{ours / theirs:.2f}x",
        at_most(150.0, ours * 1e3, " ms"),
    )


SECTIONS: tuple[Callable[[bool], Iterator[Row]], ...] = (
    recording_rows,
    textbook_rows,
    minigrad_rows,
    memory_rows,
    chain_rows,
    training_rows,
    importing_rows,
)


# -- the table -------------------------------------------------------------------------------------


def rows_of(section: Callable[[bool], Iterator[Row]], quick: bool) -> Iterator[Row]:
    """The rows of a section; a row that says so where it fails."""
    try:
        yield from section(quick)
    except MeasurementFailedError as failure:
        yield Row(section.__name__.removesuffix("_rows"), f"failed: {failure}", goal="missed")


def processor() -> str:
    """What the machine's processor is called."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    """Print the table, or with ``--measure`` one measurement's numbers for it."""
    parser = argparse.ArgumentParser(description="How fast and how small the engine is.")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer turns")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, *sizes = arguments.measure
        print(json.dumps(MEASUREMENTS[name](*map(int, sizes))))
        return
    print(
        f"autodiff {autodiff.__version__}, {'compiled' if autodiff.COMPILED else 'interpreted'}; "
        f"{platform.python_implementation()} {platform.python_version()}; "
        f"{platform.system()}, {processor()}, {os.cpu_count()} cores\n"
    )
    widths = (66, 13, 44, 8, 0)
    heading = Row("what", "measured", "reference", "ratio", "goal")
    for row in (heading, Row(*("-" * max(w, 4) for w in widths))):
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
    for section in SECTIONS:
        for row in rows_of(section, arguments.quick):
            cells = (cell.ljust(w) for cell, w in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip(), flush=True)


if __name__ == "__main__":
    main()
