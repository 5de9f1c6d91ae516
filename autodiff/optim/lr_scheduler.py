"""Schedules of the learning rate: ``scheduler.step()`` after every epoch, or every step.

A schedule is a rule for the rate at step ``t``, from the rate ``lr`` that the group has before it.
So several schedulers of one optimizer, stepped one after another, multiply, and a rate set by hand
is kept and scaled on.  ``LambdaLR`` and ``OneCycleLR`` alone set the rate, whatever it was.  Names,
defaults and sequences are PyTorch's.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.engine.reals import describe, dictionary, plain, real
from autodiff.optim.base import Group, Optimizer
from autodiff.optim.cycles import OneCycleLR
from autodiff.optim.scheduling import (
    LRScheduler,
    checked,
    commit,
    counts,
    first_rate,
    numbers,
    of_group,
    positive,
    whole,
)

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
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
        n = len(checked(optimizer).param_groups)
        if not callable(lr_lambda) and (len(lr_lambda) != n or not all(map(callable, lr_lambda))):
            raise ValueError(
                f"lr_lambda must be a function, or {n} of them: one a group; "
                f"not {describe(lr_lambda)}"
            )
        self.lr_lambda = lr_lambda if callable(lr_lambda) else tuple(lr_lambda)
        super().__init__(optimizer)

    def rate(self, t: int, lr: float, index: int) -> float:
        """The first rate times ``lr_lambda(t)``."""
        own: Callable[[int], float] = of_group(self.lr_lambda, index)
        return self.base(index) * own(t)


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

    get_last_lr = LRScheduler.get_last_lr
    state_dict = LRScheduler.state_dict
    load_state_dict = LRScheduler.load_state_dict
    check_state_dict = LRScheduler.check_state_dict
    _updates = LRScheduler._updates


class SequentialLR(LRScheduler):
    """One scheduler after another: scheduler ``k`` from ``milestones[k - 1]`` on, starting anew.

    The first starts from the rate that the groups had before the schedulers were made, and each of
    the others from its own ``base_lrs``.

    Raises:
        TypeError: as ``LRScheduler``; if one is not a scheduler whose ``step()`` takes no metric.
        ValueError: if there is not one of ``milestones`` between each two ``schedulers``, one is
            not an integer, or below that before it, or a scheduler is another optimizer's.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> parts = LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)
    >>> scheduler = SequentialLR(optimizer, parts, [2])  # 0.5 at once
    >>> for _ in range(3):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.75
    1.0
    0.5
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"{len(schedulers)} schedulers want {len(schedulers) - 1} milestones, not "
                f"{len(milestones)}"
            )
        for scheduler in schedulers:
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(
                    f"a sequence takes schedules that are formulas, not {describe(scheduler)}"
                )
        if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
            raise ValueError("a scheduler in the sequence is another optimizer's")
        self.schedulers = list(schedulers)
        self.milestones = [whole(m, "milestones") for m in milestones]
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        counts(self.milestones, "milestones")

    def state_dict(self) -> dict[str, Any]:
        """Its own state, and those of its schedulers."""
        return super().state_dict() | {"schedulers": [s.state_dict() for s in self.schedulers]}

    def _updates(self, saved: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        updates = super()._updates(saved)
        if len(saved["schedulers"]) != len(self.schedulers):
            raise ValueError(
                f"the saved sequence is of {len(saved['schedulers'])} schedulers, not "
                f"{len(self.schedulers)}"
            )
        for k, scheduler in enumerate(self.schedulers):
            updates += scheduler._updates(dictionary(saved["schedulers"][k], f"schedulers[{k}]"))
        return updates

    def rate(self, t: int, lr: float, index: int) -> float:
        """The rate of the scheduler whose turn it is."""
        return float(self._changes(t, lr, index)["lr"])

    def _changes(self, t: int, lr: float, index: int) -> Group:
        k = bisect_right(self.milestones, t)
        since = self.milestones[k - 1] if k else 0
        scheduler = self.schedulers[k]
        if t == 0:  # as if none of the schedulers had set it yet
            lr = first_rate(self.optimizer.param_groups[index])
        elif t == since:
            lr = scheduler.base(index)
        return scheduler._changes(t - since, lr, index)
