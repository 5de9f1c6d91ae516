"""``minimize``: an optimizer on a function of a few numbers, every step of it kept.

The demonstrations of gradient descent are made of this: the path over the surface, the values and
gradients along it, and why it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autodiff.engine.reals import constant, describe, real
from autodiff.optim.base import Array, Optimizer
from autodiff.optim.optimizers import SGD
from autodiff.value import Value


@dataclass(frozen=True)
class Trajectory:
    """The path of a minimization of ``k`` steps in ``n`` dimensions.

    Attributes:
        points: where it was, from the start on; of shape (k + 1, n).
        values: of the function there; (k + 1,).  If there are batches, on the batch of the step
            that follows, and at the last point on the last step's once more.
        gradients: there; (k + 1, n).
        step_sizes: the lengths of the steps; (k,).
        stopped: why it ended: ``"steps"``, ``"tol"``, ``"callback"``, ``"diverged"`` or
            ``"batches"``.

    >>> path = minimize(lambda x: x * x, 1.0, lambda xs: SGD(xs, lr=0.25), steps=2)
    >>> path
    <Trajectory: 2 steps to [0.25], value 0.0625; steps>
    >>> path.points.tolist(), path.values.tolist()
    ([[1.0], [0.5], [0.25]], [1.0, 0.25, 0.0625])
    """

    points: Array
    values: Array
    gradients: Array
    step_sizes: Array
    stopped: str

    def __repr__(self) -> str:
        x = np.array2string(self.x, precision=6, threshold=8, edgeitems=2, separator=", ")
        steps = len(self.step_sizes)
        return f"<Trajectory: {steps} steps to {x}, value {self.value:.6g}; {self.stopped}>"

    @property
    def x(self) -> Array:
        """The last point."""
        last: Array = self.points[-1]
        return last

    @property
    def value(self) -> float:
        """The value at the last point."""
        return float(self.values[-1])


def minimize(
    f: Callable[..., Any],
    x0: ArrayLike,
    optimizer: Callable[[list[Value]], Optimizer] | None = None,
    steps: int = 100,
    tol: float = 0.0,
    callback: Callable[[int, Array, float, Array], Any] | None = None,
    *,
    gradient: Callable[..., ArrayLike] | str = "reverse",
    batches: Iterable[Any] | None = None,
) -> Trajectory:
    """Minimize ``f(x1, x2, ...)`` from ``x0``, and keep the path.

    Args:
        f: a function of as many numbers as ``x0`` has; and last, if there are ``batches``, of one
            of them.
        x0: where to start: a number, or several.
        optimizer: makes the optimizer from the parameters; ``lambda params: SGD(params, lr=0.1)``
            if None.  A step of ``LBFGS`` is up to ``max_iter`` iterations, of which the path has
            only the end; ``LBFGS(params, max_iter=1, max_eval=25)`` shows each.
        steps: how many steps at the most.
        tol: stop when the gradient's length is not above this.
        callback: called as ``callback(step, point, value, gradient)`` before each step; stops
            the minimization by returning True.
        gradient: ``"reverse"`` for reverse-mode differentiation, ``"numerical"`` for central
            differences, or a function like ``f`` that gives the gradient.
        batches: what ``f`` takes last, a new one each step: mini-batches, or single examples;
            when they end, so does the minimization.

    Returns:
        The path.  A run that leaves the finite numbers ends there, ``stopped == "diverged"``.

    Raises:
        TypeError: if ``f`` does not return a number, or an argument is of the wrong type.
        ValueError: if ``steps`` or ``tol`` is negative, ``x0`` is empty or not finite, the way to
            a gradient unknown, a given gradient not of ``x0``'s length, or ``batches`` empty.

    >>> path = minimize(lambda x, y: x * x + 2 * y * y, [1.0, 1.0], steps=200, tol=1e-6)
    >>> path.stopped, bool(np.abs(path.x).max() < 1e-6)
    ('tol', True)
    """
    start = np.atleast_1d(np.array(x0, np.float64))
    if start.ndim != 1 or not start.size or not np.isfinite(start).all():
        raise ValueError(f"x0 must be a finite number or a list of them, not {describe(x0)}")
    if not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps must be an integer from 0 up, not {describe(steps)}")
    if not real(tol, "tol") >= 0:
        raise ValueError(f"tol must be 0 or more, not {tol}")
    if not callable(gradient) and gradient not in ("reverse", "numerical"):
        raise ValueError(
            f"gradient must be 'reverse', 'numerical' or a function, not {describe(gradient)}"
        )
    xs = [Value(x, name=f"x{i}") for i, x in enumerate(start.tolist())]
    rule = SGD(xs, lr=0.1) if optimizer is None else optimizer(xs)
    if not isinstance(rule, Optimizer):
        raise TypeError(f"optimizer(params) must give an Optimizer, not {describe(rule)}")

    def evaluated() -> tuple[float, Array]:
        """The value and the gradient at the parameters' present data."""
        try:
            return _evaluate(f, xs, batch, gradient)
        except OverflowError:  # of a function on floats, as Python's ** raises it
            return np.inf, np.full(len(xs), np.nan)

    def closure() -> float:
        """The same, for the optimizer; at its first point they are known."""
        value, slope = known.pop() if known else evaluated()
        for x, g in zip(xs, slope.tolist(), strict=True):
            x.grad = g
        return value

    points, values, gradients = [], [], []
    known: list[tuple[float, Array]] = []
    supply: Iterator[tuple[Any, ...]] = repeat(()) if batches is None else ((b,) for b in batches)
    following = next(supply, None)
    if following is None:
        raise ValueError("minimize(batches=...): there are no batches")
    batch = following
    for step in count():
        stopped = "steps" if step == steps else ""  # at this point, if for nothing else
        if 0 < step < steps:
            following = next(supply, None)
            if following is None:
                stopped = "batches"
            else:
                batch = following
        point = np.array([x.data for x in xs])
        value, slope = evaluated()
        points.append(point)
        values.append(value)
        gradients.append(slope)
        if not np.isfinite(value) or not np.isfinite(slope).all():
            stopped = "diverged"
            break
        if callback is not None and callback(step, point, value, slope):
            stopped = "callback"
            break
        if tol and np.linalg.norm(slope) <= tol:
            stopped = "tol"
            break
        if stopped:
            break
        known.append((value, slope))
        if rule.needs_closure:
            rule.step(closure)
        else:
            closure()
            rule.step()
    path = np.array(points).reshape(-1, len(xs))
    with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
        lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return Trajectory(
        path, np.array(values), np.array(gradients).reshape(-1, len(xs)), lengths, stopped
    )


def _evaluate(
    f: Callable[..., Any],
    xs: list[Value],
    batch: tuple[Any, ...],
    gradient: Callable[..., ArrayLike] | str,
) -> tuple[float, Array]:
    """The value and the gradient at the parameters' present data."""
    numbers = [x.data for x in xs]
    if gradient == "reverse":
        for x in xs:
            x.grad = 0.0
        result = f(*xs, *batch)
        if not isinstance(result, Value):  # a function that does not depend on its arguments
            return _number(result), np.zeros(len(xs))
        result.backward()
        return result.data, np.array([_plain(x.grad) for x in xs])
    value = _number(f(*numbers, *batch))
    if callable(gradient):
        slope = np.atleast_1d(np.array(gradient(*numbers, *batch), np.float64))
        if slope.shape != (len(xs),):
            raise ValueError(
                f"gradient(...) must give {len(xs)} numbers, not an array of shape {slope.shape}"
            )
        return value, slope
    from autodiff.testing import numerical_gradient

    return value, numerical_gradient(lambda p: _number(f(*p.tolist(), *batch)), numbers).value


def _number(result: Any) -> float:
    """What ``f`` returned, as a float."""
    number = constant(_plain(result))
    if number is NotImplemented:
        raise TypeError(f"minimize(f): f must return a number, not {describe(result)}")
    return float(number)


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x
