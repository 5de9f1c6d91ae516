"""L-BFGS: Newton's method, with a curvature that is learned from the last steps.

* ``LBFGS`` -- the optimizer, whose ``step`` evaluates the loss as often as it needs it;
* ``strong_wolfe`` -- its line search: how far to go in a direction.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from autodiff.arrays import commit, gather
from autodiff.engine.reals import describe, plain, real
from autodiff.optim.base import (
    Array,
    Group,
    Optimizer,
    Params,
    State,
    not_negative,
    positive,
    zeros,
)
from autodiff.value import Value

Evaluate = Callable[[Array], tuple[float, Array]]
Memory = list[tuple[Array, Array, float]]  # of steps s and changes of gradient y, and 1/(y . s)

FLATTEST = 1e-10  #: a step along which y . s is not above this teaches no curvature
ARMIJO, CURVATURE = 1e-4, 0.9  #: Wolfe's conditions: a loss so much lower, a slope so much flatter


class LBFGS(Optimizer):
    """Steps along ``-H*g``, where ``H`` is what the last steps tell of the inverse Hessian.

    One call of ``step`` makes up to ``max_iter`` iterations on one and the same function, which it
    evaluates by a closure; a few calls are often all that a smooth function takes::

        d = -H*g                                  H by the last history_size pairs of
        p = p + t*d                               steps and changes of the gradient

    ``t`` is ``lr``, at the very first ``lr*min(1, 1/sum(|g|))``; or where the line search ends
    that begins there.  ``H`` is only true of a function that stays the same: with mini-batches, or
    dropout, take another optimizer.  All parameters are in one group.

    Args:
        params: the leaves to be optimized.
        lr: the length of a step, as a part of ``d``.
        max_iter: iterations a call of ``step``, at the most.
        max_eval: after how many evaluations in a call of ``step`` there is no further iteration;
            ``max_iter*5//4`` if None.  The line search stops at so many, too.
        tolerance_grad: end where no gradient is larger than this.
        tolerance_change: end where no parameter, or the loss, changes by more than this.
        history_size: how many steps are remembered.
        line_search_fn: None; or ``"strong_wolfe"``, which finds a ``t`` that makes loss and slope
            small enough: then no ``lr`` has to be found.

    Raises:
        TypeError: if an option is of another type than it must be.
        ValueError: if an option is negative, nan or infinite; if a count is not a positive
            integer; if there are several groups, or the line search is unknown.

    References:
        J. Nocedal, S. Wright, Numerical optimization (2006), algorithms 7.4, 3.5 and 3.6.

    >>> x, y = Value(-1.2), Value(1.0)
    >>> optimizer = LBFGS([x, y], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(3):
    ...     loss = optimizer.step(closure)
    >>> round(x.data, 3), round(y.data, 3)
    (1.0, 1.0)
    """

    arrays: ClassVar = {"last_step": "", "last_gradient": "", "steps": "", "gradient_changes": ""}
    numbers = ("n_iter", "func_evals")
    needs_closure = True

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if max_eval is None:
            max_eval = positive(plain(max_iter), "max_iter") * 5 // 4
        super().__init__(params, locals())

    def add_param_group(self, group: Group) -> None:
        """Add the one group that there is.

        Raises:
            TypeError: as the constructor.
            ValueError: as the constructor, and if there is a group already.
        """
        if self.param_groups:
            raise ValueError("LBFGS takes all parameters in one group: H is of all of them")
        super().add_param_group(group)

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "tolerance_grad", "tolerance_change")
        for name in ("max_iter", "max_eval", "history_size"):
            positive(group[name], name)
        search = group["line_search_fn"]
        if search is not None and (not isinstance(search, str) or search != "strong_wolfe"):
            raise ValueError(
                f"line_search_fn must be None or 'strong_wolfe', not {describe(search)}"
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to ``max_iter`` iterations, or none if it is interrupted, or the closure raises.

        Args:
            closure: sets the gradients to 0, computes the loss, calls its ``backward()``, and
                returns it; called at every point that is tried.

        Returns:
            What the closure returned the first time: the loss before the step.

        Raises:
            TypeError: if there is no closure, or it returns no number.
        """
        if not callable(closure):
            raise TypeError(
                "LBFGS.step(closure) takes a function that sets the gradients to 0, computes the "
                f"loss, calls its backward() and returns it, not {describe(closure)}"
            )
        group, before = self.param_groups[0], self.state[0]
        leaves = list(group["params"])
        start, unused = zeros(len(leaves)), zeros(len(leaves))
        gather(leaves, start, unused)
        returned: list[Any] = []
        outside = np.geterr()

        def evaluate(p: Array) -> tuple[float, Array]:
            """The loss and its gradient at a point."""
            commit([leaves], [array("d", p.tobytes())], [], [])
            with np.errstate(**outside):
                loss = closure()
            if not returned:
                returned.append(loss)
            data, grads = zeros(len(leaves)), zeros(len(leaves))
            gather(leaves, data, grads)
            number = loss.data if isinstance(loss, Value) else loss
            return np.float64(real(number, "what the closure returns")), np.frombuffer(grads)

        try:
            state = {**before, "step": before["step"] + 1}
            with np.errstate(all="ignore"):
                p = self._iterated(np.array(start), evaluate, state, group)
            commit([leaves], [array("d", p.tobytes())], self.state, [state])
        except BaseException:
            commit([leaves], [start], self.state, [before])
            raise
        return returned[0]

    def _iterated(self, p: Array, evaluate: Evaluate, state: State, group: Group) -> Array:
        """The point where the iterations from ``p`` end; the state becomes that after them."""
        most, limit = group["max_iter"], group["max_eval"]
        small, tolerance = group["tolerance_grad"], group["tolerance_change"]
        iterations = state.get("n_iter", 0)
        step, last = (state.get(name, np.zeros_like(p)) for name in ("last_step", "last_gradient"))
        memory: Memory = []
        for s, y in zip(state.get("steps", ()), state.get("gradient_changes", ()), strict=True):
            _remember(memory, s, y, group["history_size"])
        loss, g = evaluate(p)
        evaluations, first, done = 1, iterations, np.abs(g).max() <= small
        while not done:
            iterations += 1
            if iterations > 1:
                _remember(memory, step, g - last, group["history_size"])
            d = _direction(g, memory)
            t = group["lr"] * (min(1.0, 1 / np.abs(g).sum()) if iterations == 1 else 1.0)
            step, last, last_loss, slope = t * d, g, loss, g.dot(d)
            if slope > -tolerance:
                break
            if group["line_search_fn"]:
                start = Point(0.0, loss, g, slope)
                at = functools.partial(_along, d, p, evaluate)
                flat = tolerance / np.abs(d).max()
                end, tried = strong_wolfe(at, start, t, limit - evaluations, flat)
                step, loss, g = end.t * d, end.loss, end.gradient
                evaluations += tried
            elif iterations - first < most:  # after the last one nobody asks for the loss
                loss, g = evaluate(p + step)
                evaluations += 1
            p = p + step
            done = (
                iterations - first == most
                or evaluations >= limit
                or np.abs(g).max() <= small
                or np.abs(step).max() <= tolerance
                or np.abs(loss - last_loss) < tolerance
            )
        state["n_iter"] = iterations
        state["func_evals"] = state.get("func_evals", 0) + evaluations
        state["last_step"], state["last_gradient"] = step, last
        pairs = np.array([(s, y) for s, y, _ in memory]).reshape(-1, 2, len(p))
        state["steps"], state["gradient_changes"] = pairs[:, 0].copy(), pairs[:, 1].copy()
        return p

    def _checked(self, group: Group, state: State) -> State:
        copies = super()._checked(group, state)
        if copies["step"]:
            for name in self.numbers:
                if type(copies[name]) is not int:
                    raise ValueError(f"{name!r} must be an integer, not {describe(copies[name])}")
            if len(copies["steps"]) != len(copies["gradient_changes"]):
                raise ValueError(
                    f"'steps' has {len(copies['steps'])} rows, but 'gradient_changes' "
                    f"{len(copies['gradient_changes'])}"
                )
        return copies

    def _shape(self, name: str, kept: Array, group: Group) -> tuple[int, ...]:
        shape = super()._shape(name, kept, group)
        if name in ("last_step", "last_gradient"):
            return shape
        return (min(kept.shape[0] if kept.ndim else 0, group["history_size"]), *shape)


def _remember(memory: Memory, s: Array, y: Array, size: int) -> None:
    """Keep a step and the change of the gradient along it, if the curvature there is positive."""
    curvature = y.dot(s)
    if curvature > FLATTEST:
        del memory[: max(len(memory) + 1 - size, 0)]
        memory.append((s, y, 1 / curvature))


def _direction(g: Array, memory: Memory) -> Array:
    """``-H*g``, by two walks through the memory; ``-g`` if there is none."""
    d, parts = -g, []
    for s, y, inverse in reversed(memory):
        parts.append(s.dot(d) * inverse)
        d -= parts[-1] * y
    if memory:
        s, y, _ = memory[-1]
        d *= y.dot(s) / y.dot(y)
    for (s, y, inverse), part in zip(memory, reversed(parts), strict=True):
        d += (part - y.dot(d) * inverse) * s
    return d


# -- the line search -------------------------------------------------------------------------------


class Point(NamedTuple):
    """A point on a line: how far along it is, and loss, gradient and slope along the line there."""

    t: float
    loss: float
    gradient: Array
    slope: float


def _along(d: Array, p: Array, evaluate: Evaluate, t: float) -> Point:
    """The point ``t*d`` from ``p``."""
    loss, g = evaluate(p + t * d)
    return Point(t, loss, g, g.dot(d))


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, most: int, shortest: float
) -> tuple[Point, int]:
    """A point where the loss is lower by enough, and the slope flatter by enough.

    That is, ``loss <= start.loss + ARMIJO*t*start.slope`` and
    ``|slope| <= CURVATURE*|start.slope|``; first it is passed, then enclosed ever more closely.

    Args:
        at: the point at a distance.
        start: the point at 0, where the slope is negative.
        t: the first distance that is tried.
        most: how many more are tried; then the better end of the interval is returned.
        shortest: how short the interval may become.

    Returns:
        The point, and how many were evaluated.
    """

    def too_high(point: Point) -> bool:
        return point.loss > start.loss + ARMIJO * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * start.slope

    last, point, tries = start, at(t), 0
    ends = [start, point]
    while tries < most:
        if too_high(point) or (tries > 1 and point.loss >= last.loss):
            ends = [last, point]
            break
        if flat(point):
            return point, tries + 1
        if point.slope >= 0:
            ends = [last, point]
            break
        least = point.t + 0.01 * (point.t - last.t)
        last, point = point, at(_lowest(last, point, least, point.t * 10))
        ends = [start, point]
        tries += 1

    low = 0 if ends[0].loss <= ends[1].loss else 1
    stuck = False  # the last one tried was close to an end
    while tries < most:
        left, right = min(ends[0].t, ends[1].t), max(ends[0].t, ends[1].t)
        if right - left < shortest:
            break
        t, margin = _lowest(ends[0], ends[1], left, right), 0.1 * (right - left)
        close = min(right - t, t - left) < margin
        if close and (stuck or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            close = False
        stuck = close
        point = at(t)
        tries += 1
        if too_high(point) or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if flat(point):
            return point, tries + 1
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[low], tries + 1


def _lowest(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic through two points, with their slopes, is lowest; within bounds."""
    if a.t > b.t:
        a, b = b, a
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = mean**2 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    root = np.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root))
    return float(min(max(t, least), most))
