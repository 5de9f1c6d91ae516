"""How fast a GPT in scalars is: ``python tests/bench/gpt.py [--quick]``.

Prints a table: the loss of ``demos/microgpt.py`` and its gradient, and whole steps of training, on
names of 4 to 9 letters, beside the same written by hand in C (``gpt.c``, compiled here for
this machine) and in NumPy.  All compute the same numbers, which is checked first.  It is a
measurement, not a test: it always exits with 0.

The fastest of many turns counts; subject and references take turns.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from autodiff import jit, value_and_grad
from autodiff.compiler.vectorize import OFTEN
from autodiff.optim import Adam

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "demos"))
import microgpt  # noqa: E402  # from the path set above

LENGTHS = range(4, 10)
RATE, BETAS, EPSILON = 1e-3, (0.85, 0.99), 1e-8
MATRICES = ("tokens", "places", "query", "key", "value", "out", "up", "down", "head")
Arrays = dict[str, Any]


def built(source: str) -> Any:
    """A library of C functions."""
    library = Path(tempfile.mkdtemp()) / "by_hand.so"
    options = ["-O3", "-march=native", "-fno-math-errno", "-shared", "-fPIC", "-o", library]
    subprocess.run(["gcc", *options, "-x", "c", "-", "-lm"], input=source, text=True, check=True)
    return ctypes.CDLL(str(library))


def compiled() -> Callable[..., float]:
    """The loss and its gradient by hand in C."""
    function: Any = built((HERE / "gpt.c").read_text()).loss_and_gradient
    function.restype = ctypes.c_double
    return lambda *args: float(function(*args))


def pointer(x: Any) -> Any:
    """What C is given of an array."""
    return x.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def norm(x: Any) -> tuple[Any, Any]:
    """RMS norm of every row, and the scales."""
    scale = 1 / np.sqrt(np.mean(x * x, axis=1, keepdims=True) + 1e-5)
    return x * scale, scale


def norm_back(x: Any, scale: Any, dy: Any) -> Any:
    """Its gradient."""
    return dy * scale - x * (scale**3 * np.mean(dy * x, axis=1, keepdims=True))


def by_numpy(p: Arrays, tokens: list[int]) -> tuple[float, Arrays]:
    """The loss and its gradient, all positions at once, as one would write it in NumPy."""
    n, heads, size = len(tokens) - 1, microgpt.HEADS, microgpt.WIDTH // microgpt.HEADS
    here, following = np.array(tokens[:-1]), np.array(tokens[1:])
    x0 = p["tokens"][here] + p["places"][:n]
    x, s0 = norm(x0)
    y, s1 = norm(x)
    q, k, v = (
        (y @ p[name].T).reshape(n, heads, size).transpose(1, 0, 2)
        for name in ("query", "key", "value")
    )
    fits = q @ k.transpose(0, 2, 1) / size**0.5
    fits[:, np.triu(np.ones((n, n), bool), 1)] = -np.inf
    fits = np.exp(fits - fits.max(axis=2, keepdims=True))
    fits /= fits.sum(axis=2, keepdims=True)
    o = (fits @ v).transpose(1, 0, 2).reshape(n, -1)
    z = o @ p["out"].T + x
    w, s2 = norm(z)
    hidden = np.maximum(w @ p["up"].T, 0)
    u = hidden @ p["down"].T + z
    scores = u @ p["head"].T
    scores -= scores.max(axis=1, keepdims=True)
    chances = np.exp(scores)
    total = chances.sum(axis=1)
    loss = float(np.mean(np.log(total) - scores[np.arange(n), following]))

    g: Arrays = {}
    d = chances / total[:, None]
    d[np.arange(n), following] -= 1
    d /= n
    g["head"], du = d.T @ u, d @ p["head"]
    g["down"], dh = du.T @ hidden, (du @ p["down"]) * (hidden > 0)
    g["up"], dz = dh.T @ w, du + norm_back(z, s2, dh @ p["up"])
    g["out"], do = dz.T @ o, (dz @ p["out"]).reshape(n, heads, size).transpose(1, 0, 2)
    dv, df = fits.transpose(0, 2, 1) @ do, do @ v.transpose(0, 2, 1)
    df = fits * (df - np.sum(df * fits, axis=2, keepdims=True)) / size**0.5
    dy: Any = 0.0
    pairs = (("query", df @ k), ("key", df.transpose(0, 2, 1) @ q), ("value", dv))
    for name, by_head in pairs:
        flat = by_head.transpose(1, 0, 2).reshape(n, -1)
        g[name] = flat.T @ y
        dy = dy + flat @ p[name]
    dx = norm_back(x0, s0, dz + norm_back(x, s1, dy))
    g["places"] = np.zeros_like(p["places"])
    g["places"][:n] = dx
    g["tokens"] = np.zeros_like(p["tokens"])
    np.add.at(g["tokens"], here, dx)
    return loss, {name: g[name] for name in MATRICES}


def loss(parameters: Arrays, tokens: list[int]) -> Any:
    """The demonstration's loss, of parameters in arrays."""
    model = object.__new__(microgpt.GPT)
    vars(model).update(parameters)
    return model.loss(tokens)


def tokens_of(length: int) -> list[int]:
    """A name of so many letters."""
    return [0, *((7 * i + 3) % 26 + 1 for i in range(length)), 0]


def fastest(calls: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Microseconds of the fastest of many turns."""
    found = dict.fromkeys(calls, float("inf"))
    for _ in range(turns):
        for name, call in calls.items():
            begin = perf_counter()
            call()
            found[name] = min(found[name], perf_counter() - begin)
    return {name: 1e6 * x for name, x in found.items()}


def gradients(turns: int) -> None:
    """The loss and its gradient alone, parameters as arrays."""
    by_c, ours = compiled(), jit(value_and_grad(loss), check=False)
    rng = np.random.default_rng(0)
    model = microgpt.GPT(27, rng)
    parameters = {
        name: np.array([[w.data for w in row] for row in getattr(model, name)]) for name in MATRICES
    }
    flat = np.concatenate([parameters[name].ravel() for name in MATRICES])
    gradient = np.zeros_like(flat)
    sums = {"C": 0.0, "NumPy": 0.0, "jit": 0.0, "program": 0.0}
    for length in LENGTHS:
        tokens = tokens_of(length)
        numbers = np.array(tokens, float)
        program = ours.lower(parameters, tokens)
        given = np.concatenate([flat, numbers])
        c = (pointer(flat), pointer(numbers), len(tokens) - 1, pointer(gradient))
        for _ in range(OFTEN + 1):
            value, found = ours(parameters, tokens)
        again, theirs = by_numpy(parameters, tokens)
        assert abs(by_c(*c) - value) < 1e-12 * value
        assert abs(again - value) < 1e-12 * value
        for got in (found, theirs):
            whole = np.concatenate([got[name].ravel() for name in MATRICES])
            np.testing.assert_allclose(whole, gradient, rtol=1e-12, atol=1e-14)
        figures = fastest(
            {
                "C": lambda c=c: by_c(*c),
                "NumPy": lambda tokens=tokens: by_numpy(parameters, tokens),
                "jit": lambda tokens=tokens: ours(parameters, tokens),
                "program": lambda program=program, given=given: program.run(given),
            },
            turns,
        )
        print(
            f"{length} letters: "
            + ", ".join(
                f"{name} {x:.1f} us ({x / figures['C']:.2f}x)" for name, x in figures.items()
            )
        )
        for name, x in figures.items():
            sums[name] += x / len(LENGTHS)
    show("loss and gradient, mean", sums, "1.5x C, 1/3 of NumPy")


def training(turns: int) -> None:
    """A step as people write it: a jitted loss over captured parameters, backward, Adam."""
    by_c = compiled()
    rng = np.random.default_rng(0)
    model = microgpt.GPT(27, rng)
    optimizer = Adam(model.parameters(), lr=RATE, betas=BETAS, eps=EPSILON)
    jitted = jit(model.loss, check=False)
    flat = np.array([w.data for w in model.parameters()])
    gradient, first, second = (np.zeros_like(flat) for _ in range(3))
    step = 0

    def ours(tokens: list[int], loss_of: Any) -> None:
        found = loss_of(tokens)
        optimizer.zero_grad()
        found.backward()
        optimizer.step()

    def c(numbers: Any) -> None:
        nonlocal step
        step += 1
        by_c(pointer(flat), pointer(numbers), len(numbers) - 1, pointer(gradient))
        scales = (
            ctypes.c_double(RATE / (1 - BETAS[0] ** step)),
            ctypes.c_double(1 - BETAS[1] ** step),
        )
        adam(*map(pointer, (flat, gradient, first, second)), len(flat), *scales)

    adam = compiled_adam()
    sums = {"C": 0.0, "jit": 0.0, "eager": 0.0}
    for length in LENGTHS:
        tokens = tokens_of(length)
        numbers = np.array(tokens, float)
        for _ in range(OFTEN + 1):
            ours(tokens, jitted)
        figures = fastest(
            {
                "C": lambda numbers=numbers: c(numbers),
                "jit": lambda tokens=tokens: ours(tokens, jitted),
            },
            turns,
        )
        figures |= fastest(
            {"eager": lambda tokens=tokens: ours(tokens, model.loss)}, turns // 20 + 1
        )
        for name, x in figures.items():
            sums[name] += x / len(LENGTHS)
    show("a step of training, mean", sums, "2x C")


def compiled_adam() -> Any:
    """Adam by hand in C."""
    source = f"""
    #include <math.h>
    void adam(double *p, const double *g, double *m, double *v, int n, double rate,
              double unbias) {{
        for (int i = 0; i < n; i++) {{
            m[i] = {BETAS[0]} * m[i] + {1 - BETAS[0]} * g[i];
            v[i] = {BETAS[1]} * v[i] + {1 - BETAS[1]} * g[i] * g[i];
            p[i] -= rate * m[i] / (sqrt(v[i] / unbias) + {EPSILON});
        }}
    }}"""
    return built(source).adam


def starting(steps: int) -> None:
    """Steps of training from a cold start, names of all lengths, tracing and compiling included."""
    rng = np.random.default_rng(0)
    text = microgpt.Text(microgpt.names())
    model = microgpt.GPT(len(text.characters) + 1, rng)
    begin = perf_counter()
    losses = list(microgpt.train(model, text, steps, rng, "jit", progress=False))
    seconds = perf_counter() - begin
    print(f"{steps} steps from a cold start: {seconds:.2f} s (goal: 0.5 s for 1,000)")
    print(f"    mean loss of the last 100: {np.mean(losses[-100:]):.3f}")


def show(what: str, figures: dict[str, float], goal: str = "") -> None:
    """Print figures, and how many times that of C each is."""
    parts = [f"{name} {x:.1f} us ({x / figures['C']:.2f}x)" for name, x in figures.items()]
    print(f"{what}: {', '.join(parts)}{goal and f' (goal: {goal})'}")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    turns = 30 if parser.parse_args().quick else 300
    gradients(turns)
    training(turns)
    starting(100 if turns < 300 else 1000)


if __name__ == "__main__":
    main()
