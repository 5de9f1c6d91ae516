"""Tests of derivatives: finite differences, checks at a point, and properties for Hypothesis.

* ``numerical_gradient``, ``numerical_jacobian``, ``numerical_hessian`` -- derivatives by finite
  differences, with estimates of their errors;
* ``check_gradient(f, *args)`` -- passes silently or raises a table of what disagrees;
* ``accuracy(f, *args)`` -- how many digits are right, and which lines of ``f`` lose the others;
* ``bounds(f, *box)`` -- all that a value and a gradient can be on a box, guaranteed;
* ``assert_gradients_match(f)``, ``expressions``, ``points`` -- property tests.

Hypothesis, which these need, and mpmath, which ``accuracy`` needs, are imported when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autodiff.testing.boxes import Bounds, bounds
from autodiff.testing.checks import Component, GradientError, check_gradient
from autodiff.testing.differences import (
    Estimate,
    numerical_gradient,
    numerical_hessian,
    numerical_jacobian,
)

if TYPE_CHECKING:
    from autodiff.testing.digits import Accuracy, accuracy
    from autodiff.testing.losses import Loss
    from autodiff.testing.strategies import Expression, assert_gradients_match, expressions, points
else:

    def __getattr__(name: str) -> Any:
        """What needs Hypothesis or mpmath, imported when it is first used."""
        if name not in __all__:
            raise AttributeError(f"module 'autodiff.testing' has no attribute {name!r}")
        module = "digits" if name in ("Accuracy", "Loss", "accuracy") else "strategies"
        return getattr(importlib.import_module(f"autodiff.testing.{module}"), name)


__all__ = [
    "Accuracy",
    "Bounds",
    "Component",
    "Estimate",
    "Expression",
    "GradientError",
    "Loss",
    "accuracy",
    "assert_gradients_match",
    "bounds",
    "check_gradient",
    "expressions",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
    "points",
]
