"""Tests of derivatives: finite differences, checks at a point, and properties for Hypothesis.

* ``numerical_gradient``, ``numerical_jacobian``, ``numerical_hessian`` -- derivatives by finite
  differences, with estimates of their errors;
* ``check_gradient(f, *args)`` -- passes silently or raises a table of what disagrees;
* ``assert_gradients_match(f)``, ``expressions``, ``points`` -- property tests; Hypothesis is
  imported when one of them is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autodiff.testing.checks import Component, GradientError, check_gradient
from autodiff.testing.differences import (
    Estimate,
    numerical_gradient,
    numerical_hessian,
    numerical_jacobian,
)

if TYPE_CHECKING:
    from autodiff.testing.strategies import Expression, assert_gradients_match, expressions, points
else:

    def __getattr__(name: str) -> Any:
        """What needs Hypothesis, imported when it is first used."""
        if name not in __all__:
            raise AttributeError(f"module 'autodiff.testing' has no attribute {name!r}")
        return getattr(importlib.import_module("autodiff.testing.strategies"), name)


__all__ = [
    "Component",
    "Estimate",
    "Expression",
    "GradientError",
    "assert_gradients_match",
    "check_gradient",
    "expressions",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
    "points",
]
