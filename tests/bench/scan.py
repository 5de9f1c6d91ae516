"""A long simulation and its gradient, beside the same in C: ``python tests/bench/scan.py``.

An oscillator of a million steps of some 20 operations each, by ``loop``; then the same program as
``export.to_c`` writes it, compiled with ``gcc -O2``.  Both are timed in turn, and compared.
"""

import ctypes
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from autodiff import export, jit, loop, value_and_grad

STEPS = 1_000_000
ROUNDS = 10


def step(i, state):
    """Half a step, then a whole one with the slope found there."""
    x, v = state
    slope = 1.3 * (1 - x * x) * v - x + 0.2 * v * x * x
    x_half, v_half = x + 2.5e-6 * v, v + 2.5e-6 * slope
    slope = 1.3 * (1 - x_half * x_half) * v_half - x_half
    return x + 5e-6 * v_half, v + 5e-6 * slope


def at_the_end(x, v):
    """Where the oscillator is after all steps."""
    return loop(step, (x, v), STEPS)[0]


def in_c(lowered, folder):
    """The program as a function of C, from an array of numbers to another."""
    source = Path(folder, "f.c")
    source.write_text(export.to_c(lowered), encoding="utf-8")
    library = source.with_suffix(".so")
    command = ["gcc", "-std=c99", "-O2", "-fPIC", "-shared", "-o", library, source, "-lm"]
    subprocess.run(command, check=True)
    f = ctypes.CDLL(str(library)).f
    pointer = np.ctypeslib.ndpointer(np.float64)
    f.argtypes = [pointer, pointer, pointer]
    room = next(x for x in source.read_text().splitlines() if x.startswith("#define f_WORK"))
    work, found = np.zeros(int(room.split()[-1]) + 1), np.zeros(len(lowered.program.outputs))

    def run(numbers):
        assert f(numbers, found, work) == 0
        return found

    return run


def seconds(run, numbers):
    """How long a call takes."""
    start = time.perf_counter()
    run(numbers)
    return time.perf_counter() - start


def main():
    """Print the figures."""
    numbers = np.array([1.0, 0.3])
    for name, f in (("value", at_the_end), ("gradient", value_and_grad(at_the_end, (0, 1)))):
        lowered = jit(f).lower(*numbers)
        with tempfile.TemporaryDirectory() as folder:
            c = in_c(lowered, folder)
            np.testing.assert_allclose(lowered.run(numbers), c(numbers), rtol=1e-9)
            rounds = [(seconds(lowered.run, numbers), seconds(c, numbers)) for _ in range(ROUNDS)]
        ours, theirs = np.min(rounds, axis=0)
        ratio = np.median([a / b for a, b in rounds])
        print(
            f"{name}: {ours * 1e3:.0f} ms, {ours / STEPS * 1e9:.0f} ns a step; in C "
            f"{theirs * 1e3:.0f} ms; ratio {ratio:.2f}"
        )
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
