"""Time ``testing.accuracy`` and ``testing.bounds``: 10,000 operations and their gradients.

    python tests/bench/accuracy.py

Prints a table of seconds of one processor, each the fastest of three turns, beside the gradient
itself by ``grad``.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

from autodiff import COMPILED, exp, grad, sin
from autodiff.testing import accuracy, bounds


def waves(x: Any) -> Any:
    """A loop of 2,500 turns of four operations."""
    s = x
    for _ in range(2500):
        s = sin(s) * 1.1 + x / 3
    return s


def polynomial(x: Any) -> Any:
    """A loop of 5,000 turns of two operations, without functions."""
    s = 0.0
    for k in range(5000):
        s = s * x + 1.0 / (k + 1)
    return s


def softmax(xs: Any) -> Any:
    """Of 2,000 numbers by hand, five operations each."""
    weights = [exp(x) for x in xs]
    total = sum(weights)
    return sum((w / total) * x * x for w, x in zip(weights, xs, strict=True))


def fastest(run: Callable[[], Any]) -> float:
    """The seconds of the fastest of three turns."""
    taken = []
    for _ in range(3):
        start = process_time()
        run()
        taken.append(process_time() - start)
    return min(taken)


def main() -> None:
    """Measure."""
    numbers = [k / 2000 for k in range(2000)]
    cases: list[tuple[str, Callable[..., Any], Any]] = [
        ("2,500 turns of sin(s)*1.1 + x/3", waves, 0.3),
        ("5,000 turns of s*x + 1/k", polynomial, 0.9),
        ("softmax of 2,000 by hand", softmax, numbers),
    ]
    print("compiled" if COMPILED else "interpreted")
    print(f"{'':34}{'accuracy':>10}{'bounds':>10}{'grad':>10}")
    for name, f, x in cases:
        rows = (lambda f=f, x=x: accuracy(f, x), lambda f=f, x=x: bounds(f, (x, x)))
        taken = [fastest(run) for run in (*rows, lambda f=f, x=x: grad(f)(x))]
        print(f"{name:34}" + "".join(f"{t:8.3f} s" for t in taken))


if __name__ == "__main__":
    main()
