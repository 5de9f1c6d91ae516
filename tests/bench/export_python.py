"""How fast written Python is: ``python tests/bench/export_python.py [--quick]``.

Prints, for the loss of ``demos/microgpt.py`` and its gradient, how long it takes to write it as
Python, to compile and import what was written, and to run it, beside the program's own machine in
the same run.  It is a measurement, not a test: it always exits with 0.

The fastest of many turns counts; subject and reference take turns.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gpt  # beside this file
import numpy as np

from autodiff import jit, value_and_grad
from autodiff.export import to_python


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    turns = 20 if parser.parse_args().quick else 200
    rng = np.random.default_rng(0)
    model = gpt.microgpt.GPT(27, rng)
    parameters = {
        name: np.array([[w.data for w in row] for row in getattr(model, name)])
        for name in gpt.MATRICES
    }
    for length in (4, 9):
        measure(parameters, gpt.tokens_of(length), turns)


def measure(parameters: gpt.Arrays, tokens: list[int], turns: int) -> None:
    """Print the figures for one name."""
    lowered = jit(value_and_grad(gpt.loss), check=False).lower(parameters, tokens)
    begin = perf_counter()
    source = to_python(lowered, name="loss_and_gradient")
    seconds = perf_counter() - begin
    begin = perf_counter()
    scope: dict[str, Callable[..., Any]] = {}
    exec(compile(source, "written", "exec"), scope)
    imported = perf_counter() - begin
    f = scope["loss_and_gradient"]
    given = np.concatenate([*(x.ravel() for x in parameters.values()), tokens])
    value, gradient = f(parameters, tokens)
    flat = [value, *np.concatenate([x.ravel() for x in gradient.values()])]
    assert np.array_equal(flat, lowered.run(given))
    times = gpt.fastest(
        {"written": lambda: f(parameters, tokens), "machine": lambda: lowered.run(given)}, turns
    )
    print(
        f"{len(tokens) - 2} letters, {lowered.stats()['nodes']} nodes: written in {seconds:.2f} s, "
        f"{len(source) / 1e3:.0f} kB, {len(source.splitlines())} lines; imported in "
        f"{imported:.3f} s; a run {times['written']:.0f} us, by the machine "
        f"{times['machine']:.0f} us ({times['written'] / times['machine']:.1f}x)"
    )


if __name__ == "__main__":
    main()
