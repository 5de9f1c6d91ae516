"""What a program costs in JAX and onnxruntime: ``python tests/bench/export_jax.py [--quick]``.

Prints a table: the loss of ``demos/microgpt.py`` on a name of nine letters, and its gradient, each
exported: how long that takes, how long until it can run, and how long a run takes, beside that of
the program's own machine.  All compute the same numbers, which is checked first.  It is a
measurement, not a test: it always exits with 0.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import jax
import numpy as np
import onnxruntime

from autodiff import export, jit, value_and_grad

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demos"))
import microgpt  # from the path set above

NAMES = ("tokens", "places", "query", "key", "value", "out", "up", "down", "head")


def timed(f: Callable[[], Any], turns: int = 1) -> tuple[float, Any]:
    """The seconds of the fastest turn, and what it gave."""
    best, found = float("inf"), None
    for _ in range(turns):
        start = perf_counter()
        found = f()
        best = min(best, perf_counter() - start)
    return best, found


def setting() -> tuple[Callable[..., Any], dict[str, Any]]:
    """The loss on one name as a function of the parameters, and these."""
    rng = np.random.default_rng(0)
    text = microgpt.Text(microgpt.names())
    model = microgpt.GPT(len(text.characters) + 1, rng)
    tokens = text.encoded(next(line for line in text.lines if len(line) == 9))
    weights = {k: np.array([[v.data for v in row] for row in getattr(model, k)]) for k in NAMES}

    def loss(params: Any) -> Any:
        gpt = object.__new__(microgpt.GPT)
        for k in NAMES:
            gpt.__dict__[k] = [[*row] for row in params[k]]
        return gpt.loss(tokens)

    return loss, weights


def in_jax(f: Callable[..., Any], params: Any, turns: int) -> tuple[float, float, Any]:
    """The seconds to trace and compile a function, those of a run, and its results."""
    seconds, compiled = timed(lambda: jax.jit(f).lower(params).compile())
    run, found = timed(lambda: jax.block_until_ready(compiled(params)), turns)
    return seconds, run, found


def row(*cells: Any) -> None:
    """Print a line of the table."""
    print("".join(f"{x:<30}" if i == 0 else f"{x:>12}" for i, x in enumerate(cells)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few turns")
    turns = 5 if parser.parse_args().quick else 200
    jax.config.update("jax_enable_x64", True)
    loss, params = setting()
    flat = np.concatenate([params[k].ravel() for k in NAMES])
    row("", "nodes", "export s", "ready s", "run us", "machine us", "ratio")
    for name, transformed in (("loss", jit(loss)), ("gradient", value_and_grad(loss))):
        lowered = transformed.lower(params)
        nodes = len(lowered.program)
        own, wanted = timed(lambda lowered=lowered: lowered.run(flat), turns)
        seconds, source = timed(lambda lowered=lowered: export.to_jax(lowered))
        scope: dict[str, Any] = {}
        exec(source, scope)
        ready, run, found = in_jax(scope["f"], params, turns)
        numbers = np.concatenate([np.ravel(x) for x in _in_order(found)])
        assert np.allclose(numbers, wanted, rtol=1e-10, atol=1e-14)
        cells = [f"{x * 1e6:.0f}" for x in (run, own)]
        row(f"{name}, JAX", nodes, f"{seconds:.2f}", f"{ready:.2f}", *cells, f"{run / own:.1f}")
        if name == "loss":
            ready, run, _ = in_jax(jax.value_and_grad(scope["f"]), params, turns)
            row("loss, jax.value_and_grad", "", "", f"{ready:.2f}", f"{run * 1e6:.0f}")
        seconds, model = timed(lambda lowered=lowered: export.to_onnx(lowered).SerializeToString())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        ready, session = timed(
            lambda m=model, o=options: onnxruntime.InferenceSession(
                m, o, providers=["CPUExecutionProvider"]
            )
        )
        given = {f"params[{k!r}]": params[k] for k in NAMES}
        run, results = timed(lambda s=session, g=given: s.run(None, g), turns)
        numbers = np.concatenate([np.ravel(x) for x in results])
        assert np.allclose(numbers, wanted, rtol=1e-10, atol=1e-14)
        cells = [f"{x * 1e6:.0f}" for x in (run, own)]
        row(f"{name}, ONNX", nodes, f"{seconds:.2f}", f"{ready:.2f}", *cells, f"{run / own:.1f}")


def _in_order(found: Any) -> list[Any]:
    """The arrays of a result, those of dicts in the order of the parameters."""
    if isinstance(found, (list, tuple)):
        return [y for x in found for y in _in_order(x)]
    return [found[k] for k in NAMES] if isinstance(found, dict) else [found]


if __name__ == "__main__":
    main()
