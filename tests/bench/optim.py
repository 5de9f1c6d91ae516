"""How fast optimizers are: ``python tests/bench/optim.py [--quick]``.

Prints a table: nanoseconds a parameter and step, at 4,000 parameters, beside PyTorch's on as many
parameters of one number each, and on one tensor of them all, if PyTorch is installed; and the goal.
It is a measurement, not a test: it always exits with 0.

The fastest of many turns counts; subject and references take turns.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np

import autodiff
from autodiff import Value, optim

PARAMETERS = 4_000
GOALS = {"Adam.step": 10.0}  # nanoseconds a parameter, where the engine is compiled
Calls = dict[str, Callable[[], object]]


def ours() -> Calls:
    """The operations of autodiff."""
    xs = [Value(x) for x in np.random.default_rng(0).normal(size=PARAMETERS).tolist()]
    for x in xs:
        x.grad = x.data
    plain, adam = optim.SGD(xs, lr=1e-9), optim.Adam(xs, lr=1e-9)
    blank = optim.SGD([Value(0.0) for _ in xs])
    return {
        "zero_grad": blank.zero_grad,
        "SGD.step": plain.step,
        "Adam.step": adam.step,
        "clip_grad_norm_": lambda: optim.clip_grad_norm_(xs, 1e9),
    }


def pytorchs(tensors: int) -> Calls:
    """The same of PyTorch, the parameters in so many tensors; none if it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return {}
    import torch

    numbers = np.random.default_rng(0).normal(size=(tensors, PARAMETERS // tensors))
    xs = [torch.tensor(row, requires_grad=True) for row in numbers]
    blanks = [torch.zeros_like(x, requires_grad=True) for x in xs]
    for x, blank in zip(xs, blanks, strict=True):
        x.grad, blank.grad = x.detach().clone(), torch.zeros_like(x)
    plain, adam = torch.optim.SGD(xs, lr=1e-9), torch.optim.Adam(xs, lr=1e-9)
    blank_rule = torch.optim.SGD(blanks)
    return {
        "zero_grad": lambda: blank_rule.zero_grad(set_to_none=False),
        "SGD.step": plain.step,
        "Adam.step": adam.step,
        "clip_grad_norm_": lambda: torch.nn.utils.clip_grad_norm_(xs, 1e9),
    }


def fastest(call: Callable[[], object], turns: int) -> float:
    """Nanoseconds a parameter of the fastest of some turns."""
    times = []
    for _ in range(turns):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times) * 1e9 / PARAMETERS


def rows(turns: int) -> Iterator[list[str]]:
    """The table, without its head."""
    subjects = [(ours(), turns), (pytorchs(1), turns), (pytorchs(PARAMETERS), turns // 10)]
    for name in subjects[0][0]:
        best = [float("inf")] * len(subjects)
        for _ in range(5):
            for i, (calls, share) in enumerate(subjects):
                if name in calls:
                    best[i] = min(best[i], fastest(calls[name], max(share // 5, 1)))
        goal = GOALS.get(name) if autodiff.COMPILED else None
        verdict = "reached" if goal and best[0] <= goal else "missed"
        yield [
            name,
            *(f"{t:.1f} ns" if t < float("inf") else "not installed" for t in best),
            f"at most {goal:.0f} ns: {verdict}" if goal else "",
        ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the turns")
    turns = 100 if parser.parse_args().quick else 1000
    engine = "compiled" if autodiff.COMPILED else "interpreted"
    head = [f"{PARAMETERS:,} parameters, {engine}", "autodiff", "torch, one tensor"]
    table = [[*head, "torch, a tensor each", "goal"], *rows(turns)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(f"{text:<{w}}" for text, w in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
