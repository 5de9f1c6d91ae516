"""Write seeds/torch_steps.json: PyTorch's float64 steps of which ``paths`` have none.

Run by hand, where PyTorch is installed: ``python tests/tools/make_torch_steps.py``.  The file::

    torch       its version of PyTorch
    gradients   what the parameters of ``spikes`` get, step by step: inf, nan, large and small
    spikes      [{optimizer, options, path}]: these parameters, which are 1 at first, after each
                step
    searches    [{problem, start, options, steps}]: of LBFGS, for each call of step(), the loss it
                returns, how many evaluations there have been, and the three parameters after it

LBFGS makes differences in the last digit larger, from iteration to iteration: of a search, only so
many steps are kept as do not depend on the last digits of its gradients.
"""

import math
from pathlib import Path
from typing import Any

import torch
from make_torch_training import OPTIONS, START, surface, write

TARGET = Path(__file__).parents[1] / "seeds" / "torch_steps.json"
GRADIENTS = [
    *([1.0, math.inf, -2.0, 1e150, 0.0, 0.5], [math.nan, 1.0, 0.0, -1e140, math.inf, 0.5]),
    *([-1.0, -1.0, -math.inf, 1.0, math.nan, 0.5], [2.0, 0.0, 3.0, 1.0, 0.0, -math.nan]),
    *([0.5, math.inf, 3.0, -1e-200, -1.0, 0.5], [0.5, -math.inf, -0.0, 1e-320, 2.0, -0.5]),
]

WOLFE = {"line_search_fn": "strong_wolfe"}
EVERY = {"max_iter": 1, "max_eval": 25}
SEARCHES: list[tuple[str, list[float], list[dict]]] = [
    *(
        (
            problem,
            START,
            [
                *({}, WOLFE, {"lr": 0.1}, {"lr": 0.1, "max_iter": 4}, {"lr": 0.2, "max_eval": 3}),
                *({"lr": 0.2, "tolerance_grad": 0.1}, {"lr": 0.2, "tolerance_change": 0.05}),
                *({"lr": 0.3, "history_size": 2, "max_iter": 5}, {"lr": 0.2, "max_iter": 1}),
                *({"max_iter": 5, "history_size": 1, **WOLFE}, {"max_eval": 7, **WOLFE}),
                *({"max_iter": 1, **WOLFE}, {**EVERY, **WOLFE}, {**EVERY, "lr": 0.01, **WOLFE}),
                *({"tolerance_grad": 0.1, **WOLFE}, {"tolerance_change": 0.05, **WOLFE}),
                {"tolerance_grad": 1e-3, "tolerance_change": 0.0, "max_iter": 6, **WOLFE},
                {"lr": 30.0, "max_eval": 9, **WOLFE},
            ],
        )
        for problem in ("surface", "valley", "barrier", "hill", "moving")
    ),
    ("barrier", [0.1, 0.1, 0.1], [{"lr": 10.0}, {"lr": 10.0, **WOLFE}, {"lr": 100.0, **WOLFE}]),
    ("root", [0.1, 4.0, 1.0], [{"lr": 2.0}, {"lr": 3.0, **WOLFE}, {**EVERY, **WOLFE}]),
    ("root", [0.0, 4.0, 1.0], [{}, WOLFE]),
    ("root", [-1.0, 4.0, 1.0], [{}, WOLFE]),
    ("overflow", [800.0, 1.0, 1.0], [{}, WOLFE]),
    ("overflow", [5.0, 1.0, -700.0], [{"lr": 100.0}, WOLFE]),
    ("overflow", [0.0, 0.0, 0.0], [{}, WOLFE]),
    ("saddle", [0.0, 0.0, 0.0], [{}, WOLFE]),
    ("saddle", [1.0, 0.1, 0.2], [{"max_iter": 3}, WOLFE, {"max_iter": 2, **WOLFE}]),
    ("slope", START, [{"max_iter": 3}, WOLFE, {"max_iter": 3, "lr": 0.1, **WOLFE}]),
]
CALLS = 6


def problems(sin: Any, cos: Any, exp: Any, log: Any, sqrt: Any, surface: Any) -> dict[str, Any]:
    """The functions that are minimized: of three parameters, and the number of the call."""
    return {
        "surface": lambda x, y, z, k: surface(x, y, z),
        "valley": lambda x, y, z, k: 100 * (y - x * x) ** 2 + (1 - x) ** 2 + (z - y) ** 2,
        "barrier": lambda x, y, z, k: (x - 1) ** 2 + 3 * (y + z) ** 2 - log(x) - log(y + z + 2),
        "hill": lambda x, y, z, k: 1 / (x * x + 0.01) + (y - z) ** 2 + x * x + y**4,
        "moving": lambda x, y, z, k: surface(x, y, z) + 0.1 * k * ((x - k) ** 2 + cos(y) * z),
        "root": lambda x, y, z, k: sqrt(x) + sqrt(y) + (z - x) ** 2,
        "overflow": lambda x, y, z, k: exp(x) + exp(-z) + x * y + y * y,
        "saddle": lambda x, y, z, k: x * x - y * y + x * z * z,
        "slope": lambda x, y, z, k: 3 * x - y + 0.5 * z,
    }


PROBLEMS = problems(torch.sin, torch.cos, torch.exp, torch.log, torch.sqrt, surface)


def spike(optimizer: str, options: dict) -> dict:
    """An entry of ``spikes``."""
    xs = [torch.tensor(1.0, requires_grad=True) for _ in GRADIENTS[0]]
    rule = getattr(torch.optim, optimizer)(xs, foreach=False, **options)
    path = []
    for gradients in GRADIENTS:
        for x, g in zip(xs, gradients, strict=True):
            x.grad = torch.tensor(g)
        rule.step()
        path.append([x.item() for x in xs])
    return {"optimizer": optimizer, "options": options, "path": path}


def searched(
    problem: str, start: list[float], options: dict, noise: float = 0.0
) -> list[list[float]]:
    """Of each call of step(): loss, evaluations, and the parameters."""
    generator = torch.Generator().manual_seed(0)
    xs = [torch.tensor(x, requires_grad=True) for x in start]
    rule = torch.optim.LBFGS(xs, **options)
    rows: list[list[float]] = []
    evaluations = 0

    def closure() -> torch.Tensor:
        nonlocal evaluations
        evaluations += 1
        rule.zero_grad()
        loss = PROBLEMS[problem](*xs, len(rows))
        loss.backward()
        for x in xs:
            x.grad *= 1 + noise * (2 * torch.rand((), generator=generator) - 1)
        return loss

    for _ in range(CALLS):
        try:
            loss = rule.step(closure).item()
        except (IndexError, ZeroDivisionError):  # PyTorch's own: a loss that is nan, no interval
            break
        rows.append([loss, evaluations, *(x.item() for x in xs)])
    return rows


def search(problem: str, start: list[float], options: dict) -> dict:
    """An entry of ``searches``."""
    rows = searched(problem, start, options)
    sure = len(rows)
    for noise in (1e-15, 5e-16, -5e-16, -1e-15):
        same = [
            torch.allclose(*(torch.tensor(r) for r in pair), rtol=2e-13, atol=2e-13, equal_nan=True)
            for pair in zip(rows, searched(problem, start, options, noise), strict=False)
        ]
        sure = min([sure, len(same), *(k for k, close in enumerate(same) if not close)])
    return {"problem": problem, "start": start, "options": options, "steps": rows[:sure]}


def main() -> None:
    """Compute everything and write the file."""
    torch.set_default_dtype(torch.float64)
    chosen = [
        (name, options)
        for name, several in OPTIONS.items()
        for options in several
        if not options or "maximize" in options or len(options) > 2
    ]
    searches = [search(p, start, options) for p, start, several in SEARCHES for options in several]
    data = {
        "torch": torch.__version__.split("+")[0],
        "gradients": GRADIENTS,
        "spikes": [spike(*entry) for entry in chosen],
        "searches": [entry for entry in searches if entry["steps"]],
    }
    write(TARGET, data)


if __name__ == "__main__":
    main()
