"""Programs written in C: how long that and the compiler take, and how fast the file runs.

    python tests/bench/export.py            # gcc -O2
    python tests/bench/export.py -O3 -march=native -ffp-contract=off

* ``loss and gradient`` -- microgpt's, in vectors;
* ``one by one`` -- a program of 60,000 operations, none like the next.

The fastest of many runs counts; the file and the program's own machine take turns, on the same
numbers, and must give the same, to the bit.
"""

from __future__ import annotations

import ctypes
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import gpt
import numpy as np

from autodiff import jit, sin, value_and_grad
from autodiff.export import to_c

NODES = 60_000
OPERATIONS = (
    lambda a, b: a + 0.5 * b,
    lambda a, b: a * b - 0.3,
    lambda a, b: sin(a) - b,
    lambda a, b: a / (1.0 + b * b),
)


def one_by_one(xs: list[Any]) -> Any:
    """A deep graph, whose operations hardly ever stand side by side."""
    r = random.Random(0)
    xs = [*xs]
    while len(xs) < NODES // 2:
        xs.append(r.choice(OPERATIONS)(xs[-1], xs[-r.randint(1, len(xs))]))
    return xs[-1]


def measure(what: str, lowered: Any, numbers: Any, options: list[str], turns: int) -> None:
    """Write, compile and run a program, and print how long that takes."""
    begin = perf_counter()
    text = to_c(lowered)
    written = perf_counter()
    folder = Path(tempfile.mkdtemp())
    (folder / "f.c").write_text(text)
    command = ["gcc", "-std=c99", *options, "-shared", "-fPIC", "-o", folder / "f.so"]
    subprocess.run([*command, folder / "f.c", "-lm"], check=True)
    compiled = perf_counter()
    f = ctypes.CDLL(str(folder / "f.so")).f
    wanted = lowered.run(numbers)
    found = np.zeros_like(wanted)
    room = re.search(r"f_WORK (\d+)", text)
    assert room is not None
    work = np.zeros(int(room[1]))
    arguments = [gpt.pointer(x) for x in (numbers, found, work)]
    assert f(*arguments) == 0
    assert found.tobytes() == wanted.tobytes()
    figures = gpt.fastest(
        {"file": lambda: f(*arguments), "program": lambda: lowered.run(numbers)}, turns
    )
    print(
        f"{what}: {lowered.stats()['nodes']:,} nodes written in {written - begin:.2f} s, "
        f"{len(text) / 1e3:.0f} kB, compiled in {compiled - written:.2f} s; "
        f"file {figures['file']:.1f} us, program {figures['program']:.1f} us "
        f"({figures['file'] / figures['program']:.2f}x)"
    )


def main() -> None:
    """Measure, and print."""
    options = sys.argv[1:] or ["-O2"]
    model = gpt.microgpt.GPT(27, np.random.default_rng(0))
    parameters = {
        name: np.array([[w.data for w in row] for row in getattr(model, name)])
        for name in gpt.MATRICES
    }
    tokens = gpt.tokens_of(9)
    lowered = jit(value_and_grad(gpt.loss), check=False).lower(parameters, tokens)
    numbers = [*(parameters[name].ravel() for name in gpt.MATRICES), np.array(tokens, float)]
    measure("loss and gradient", lowered, np.concatenate(numbers), options, 300)
    xs = [0.1 * i for i in range(50)]
    measure("one by one", jit(one_by_one).lower(xs), np.array(xs), options, 100)


if __name__ == "__main__":
    main()
