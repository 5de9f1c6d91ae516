"""Schedules of the learning rate: ``scheduler.step()`` after every epoch, or every step.

A schedule is a rule for the rate at step ``t``, from the rate ``lr`` that the group has before it.
So several schedulers of one optimizer, stepped one after another, multiply, and a rate set by hand
is kept and scaled on.  ``LambdaLR`` and the schedules of ``cycles.py`` alone set the rate, whatever
it was.  Names, defaults and sequences are PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.engine.reals import describe, plain, real
from autodiff.optim.base import Group, Optimizer, not_negative, positive
from autodiff.optim.combined import ChainedScheduler, SequentialLR
from autodiff.optim.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from autodiff.optim.scheduling import LRScheduler, checked, commit, counts, numbers, of_group, whole

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


class LambdaLR(LRScheduler):
    """The first rate times ``lr_lambda(t)``; a function for all groups, or a list of one a group.

    Raises:
        TypeError: as ``LRScheduler``.
        ValueError: if a list of ``lr_lambda`` is not of one function a group.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = LambdaLR(optimizer, lambda t: 0.5**t)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
    ) -> None:
        self.lr_lambda = _functions(lr_lambda, optimizer)
        super().__init__(optimizer)

    def rate(self, t: int, lr: float, index: int) -> float:
        """The first rate times ``lr_lambda(t)``."""
        own: Callable[[int], float] = of_group(self.lr_lambda, index)
        return self.base(index) * own(t)


class MultiplicativeLR(LRScheduler):
    """``lr * lr_lambda(t)`` at every step; a function for all groups, or a list of one a group.

    In the middle of a ``SequentialLR`` it goes on from the rate that it finds, times
    ``lr_lambda(0)``.

    Raises:
        TypeError: as ``LRScheduler``.
        ValueError: if a list of ``lr_lambda`` is not of one function a group.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = MultiplicativeLR(optimizer, lambda t: 1 / t)
    >>> for _ in range(3):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    1.0
    0.5
    0.1667
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
    ) -> None:
        self.lr_lambda = _functions(lr_lambda, optimizer)
        super().__init__(optimizer)

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * lr_lambda(t)``; the first is ``lr``."""
        return lr * self._factor(t, index) if t else lr

    def anew(self, lr: float, index: int) -> Group:
        """What it sets where a sequence comes to it, and the rate is ``lr``."""
        return {"lr": lr * self._factor(0, index)}

    def _factor(self, t: int, index: int) -> float:
        return float(of_group(self.lr_lambda, index)(t))


class StepLR(LRScheduler):
    """``lr * gamma`` after every ``step_size`` steps.

    Raises:
        TypeError: as ``LRScheduler``; if ``gamma`` is not a number.
        ValueError: if ``step_size`` is not a positive integer.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(2):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    1.0
    0.5
    >>> scheduler
    StepLR(step_size=2, gamma=0.5, epoch=2, lr=[0.5])
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = plain(step_size)
        self.gamma = real(gamma, "gamma")
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        positive(self.step_size, "step_size")

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * gamma`` if ``t`` is a multiple of ``step_size``."""
        return lr * self.gamma if t and t % self.step_size == 0 else lr


class MultiStepLR(LRScheduler):
    """``lr * gamma`` at each of the ``milestones``, numbers of steps.

    Raises:
        TypeError: as ``LRScheduler``; if ``gamma`` or a milestone is not a number.
        ValueError: if a milestone is not an integer from 0 up.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = MultiStepLR(optimizer, [1, 3], gamma=0.5)
    >>> for _ in range(3):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.5
    0.5
    0.25
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(whole(m, "milestones") for m in milestones)
        self.gamma = real(gamma, "gamma")
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        counts(self.milestones, "milestones")

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * gamma**k``, ``k`` the number of milestones that are ``t``."""
        return lr * self.gamma ** self.milestones.count(t)


class ExponentialLR(LRScheduler):
    """``lr * gamma`` at every step.

    Raises:
        TypeError: as ``LRScheduler``; if ``gamma`` is not a number.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=0.1)
    >>> both = ExponentialLR(optimizer, 0.9), StepLR(optimizer, 2, 0.5)
    >>> for _ in range(3):
    ...     for scheduler in both:
    ...         scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 5))
    0.09
    0.0405
    0.03645
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = real(gamma, "gamma")
        super().__init__(optimizer)

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * gamma``; the first is ``lr``."""
        return lr * self.gamma if t else lr


class ConstantLR(LRScheduler):
    """``lr * factor`` at first, which is taken back after ``total_iters`` steps.

    Raises:
        TypeError: as ``LRScheduler``; if ``factor`` is not a number.
        ValueError: if ``factor`` is not above 0 and at most 1, or ``total_iters`` not a positive
            integer.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = ConstantLR(optimizer, 0.5, total_iters=2)  # 0.5 at once
    >>> for _ in range(2):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.5
    1.0
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5) -> None:
        self.factor = real(factor, "factor")
        self.total_iters: int = plain(total_iters)
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        if not 0 < self.factor <= 1:  # PyTorch allows 0, from which no factor leads back
            raise ValueError(f"factor must be above 0 and at most 1, not {self.factor}")
        positive(self.total_iters, "total_iters")

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * factor`` for ``t = 0``, ``lr / factor`` for ``t = total_iters``; else ``lr``."""
        if t == 0:
            return lr * self.factor
        return lr * (1 / self.factor) if t == self.total_iters else lr


class LinearLR(LRScheduler):
    """``lr`` times a factor, from ``start_factor`` to ``end_factor`` in ``total_iters`` steps.

    Raises:
        TypeError: as ``LRScheduler``; if a factor is not a number.
        ValueError: if ``start_factor`` is not above 0, a factor is above 1, or ``end_factor``
            negative; if ``total_iters`` is not a positive integer.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = LinearLR(optimizer, 0.25, total_iters=3)  # 0.25 at once
    >>> for _ in range(3):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.5
    0.75
    1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor = real(start_factor, "start_factor")
        self.end_factor = real(end_factor, "end_factor")
        self.total_iters: int = plain(total_iters)
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        if not 0 < self.start_factor <= 1:
            raise ValueError(f"start_factor must be above 0 and at most 1, not {self.start_factor}")
        if not 0 <= self.end_factor <= 1:
            raise ValueError(f"end_factor must be from 0 to 1, not {self.end_factor}")
        positive(self.total_iters, "total_iters")

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * factor(t)/factor(t - 1)``, where ``factor`` is linear up to ``total_iters``."""
        if t == 0:
            return lr * self.start_factor
        if t > self.total_iters:
            return lr
        return lr * self._factor(t) / self._factor(t - 1)

    def _factor(self, t: int) -> float:  # at the end an end_factor of 0 is exactly 0
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * (t / self.total_iters)


class PolynomialLR(LRScheduler):
    """The first rate times ``(1 - t/total_iters)**power``; after ``total_iters`` steps it is kept.

    Raises:
        TypeError: as ``LRScheduler``; if ``power`` is not a number.
        ValueError: if ``total_iters`` is not a positive integer, or ``power`` negative.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = PolynomialLR(optimizer, total_iters=2, power=2.0)
    >>> for _ in range(2):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.25
    0.0
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters: int = plain(total_iters)
        self.power = real(power, "power")
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        positive(self.total_iters, "total_iters")
        not_negative(vars(self), "power")

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * (left(t)/left(t - 1))**power``, where ``left = 1 - t/total_iters``."""
        if t == 0 or t > self.total_iters:
            return lr
        left, before = 1 - t / self.total_iters, 1 - (t - 1) / self.total_iters
        return float(lr * (left / before) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from ``lr`` to ``eta_min`` in ``T_max`` steps, and back again after that.

    Raises:
        TypeError: as ``LRScheduler``; if ``eta_min`` is not a number.
        ValueError: if ``T_max`` is not a positive integer.

    References:
        I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = CosineAnnealingLR(optimizer, T_max=2)
    >>> for _ in range(2):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.5
    0.0
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = plain(T_max)
        self.eta_min = real(eta_min, "eta_min")
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        positive(self.T_max, "T_max")

    def rate(self, t: int, lr: float, index: int) -> float:
        """``eta_min + (lr - eta_min) * wave(t)/wave(t - 1)``, where ``wave = 1 + cos(pi*t/T_max)``.

        After the bottom, where ``wave(t - 1)`` is 0, it is
        ``lr + (base(index) - eta_min) * (1 - cos(pi/T_max))/2``.
        """
        if t == 0:
            return lr
        if (t - 1) % (2 * self.T_max) == self.T_max:
            return lr + (self.base(index) - self.eta_min) * (1 - self._cos(1)) / 2
        return self.eta_min + (lr - self.eta_min) * (1 + self._cos(t)) / (1 + self._cos(t - 1))

    def _cos(self, t: int) -> float:
        return math.cos(math.pi * t / self.T_max)


class ReduceLROnPlateau:
    """Multiply rates by ``factor`` when a metric has not improved for over ``patience`` calls.

    ``step(metric)`` is called after every epoch; it changes the rates of ``optimizer``.  An
    improvement is a change by more than ``threshold``, relative or absolute (``threshold_mode``,
    ``"rel"`` or ``"abs"``), in the direction of ``mode`` (``"min"`` or ``"max"``).  After a
    reduction, ``cooldown`` calls count nothing.  No rate falls below ``min_lr``, a number or a list
    of one a group; and one that would change by no more than ``eps`` is left as it is.

    Raises:
        TypeError: if ``optimizer`` is not an Optimizer, or an option not a number.
        ValueError: if ``factor`` is not below 1, a mode is unknown, or ``min_lr`` is a list of
            another length.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = checked(optimizer)
        self.min_lr = numbers(min_lr, optimizer, "min_lr")
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = real(factor, "factor")
        self.patience, self.cooldown = real(patience, "patience"), real(cooldown, "cooldown")
        self.threshold, self.eps = real(threshold, "threshold"), real(eps, "eps")
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_epochs = 0
        self.cooling: float = 0
        self.check()

    def check(self) -> None:
        """Refuse options that make no sense."""
        if not 0 <= self.factor < 1:
            raise ValueError(f"factor must be from 0 up and below 1, not {self.factor}")
        if self.mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {self.mode!r}")
        if self.threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', not {self.threshold_mode!r}")
        counts([self.bad_epochs], "bad_epochs")

    def _better(self, metric: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * metric > sign * self.best * (1 + sign * self.threshold)
        return sign * metric > sign * self.best + self.threshold

    def step(self, metric: float) -> None:
        """Take the metric of one more epoch into account: wholly, or not if it is interrupted.

        Raises:
            TypeError: if it is not a number.
        """
        metric = real(metric, "metric")
        better = self._better(metric)
        own = {
            "best": metric if better else self.best,
            "bad_epochs": 0 if better or self.cooling > 0 else self.bad_epochs + 1,
            "cooling": max(self.cooling - 1, 0),
        }
        groups = self.optimizer.param_groups
        changes: list[Group] = [{} for _ in groups]
        if own["bad_epochs"] > self.patience:
            own |= {"bad_epochs": 0, "cooling": self.cooldown}
            for index, (group, change) in enumerate(zip(groups, changes, strict=True)):
                lr = float(group["lr"])
                reduced = max(lr * self.factor, of_group(self.min_lr, index))
                if lr - reduced > self.eps:
                    change["lr"] = reduced
        commit([*groups, vars(self)], [*changes, own])

    __repr__ = LRScheduler.__repr__
    get_last_lr = LRScheduler.get_last_lr
    state_dict = LRScheduler.state_dict
    load_state_dict = LRScheduler.load_state_dict
    check_state_dict = LRScheduler.check_state_dict
    _updates = LRScheduler._updates


def _functions(given: Any, optimizer: Optimizer) -> Any:
    """A function for all groups; or, of a list, a tuple of one a group.

    Raises:
        ValueError: if something is not a function, or a list of another length.
    """
    n = len(checked(optimizer).param_groups)
    several = isinstance(given, (list, tuple)) and len(given) == n and all(map(callable, given))
    if not (several or callable(given)):
        raise ValueError(
            f"lr_lambda must be a function, or {n} of them: one a group; not {describe(given)}"
        )
    return given if callable(given) else tuple(given)
