"""Traced functions under pytest-benchmark: ``pytest tests/bench --benchmark-enable``.

Times are compared within a group, never asserted.  What is asserted is the cheap-gradient bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from derivatives import FUNCTIONS, point

from autodiff import grad, jit

Benchmark = Callable[..., Any]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_gradient_costs_at_most_four_times_its_function(name: str) -> None:
    """Counted in operations, as A. Griewank, A. Walther, Evaluating Derivatives (2008), have it."""
    f, n = FUNCTIONS[name]
    value, gradient = (transform(f).lower(point(n)).stats() for transform in (jit, grad))
    assert 0 < gradient["flops"] <= 4 * value["flops"]


@pytest.mark.benchmark(group="gradient")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient(benchmark: Benchmark, name: str) -> None:
    """A gradient, called again, is that of central differences."""
    f, n = FUNCTIONS[name]
    x, direction = point(n), np.linspace(-1.0, 1.0, n)
    slope = benchmark(grad(f), x) @ direction
    h = 1e-6
    assert slope == pytest.approx((f(x + h * direction) - f(x - h * direction)) / (2 * h), rel=1e-5)
