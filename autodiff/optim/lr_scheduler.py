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
from autodiff.optim.base import Group, Optimizer, true_or_false
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


class LambdaLR(LRScheduler):
    """The first rate times ``lr_lambda(t)``; a function for all groups, or a list of one a group.

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
    """``lr * gamma`` after every ``step_size`` steps."""

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
    """``lr * gamma`` at each of the ``milestones``."""

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
    """``lr`` times a factor, from ``start_factor`` to ``end_factor`` in ``total_iters`` steps."""

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
    """Half a cosine from ``lr`` to ``eta_min`` in ``T_max`` steps, and back again after that."""

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


class OneCycleLR(LRScheduler):
    """Up from ``max_lr/div_factor`` to ``max_lr``, down to ``1/final_div_factor`` of the start.

    While the rate rises the momentum (SGD's ``momentum``, Adam's first ``betas``) falls from
    ``max_momentum`` to ``base_momentum``, and rises again while the rate falls.

    Args:
        optimizer: whose rates are set.
        max_lr: the rate at the top; or a list, one a group.
        total_steps: how many steps the cycle has; or ``epochs * steps_per_epoch``.
        epochs: see ``total_steps``.
        steps_per_epoch: see ``total_steps``.
        pct_start: the part of the cycle in which the rate rises.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether the momentum moves too.
        base_momentum: the momentum at the top; or a list, one a group.
        max_momentum: the momentum at the ends; or a list, one a group.
        div_factor: how far below the top the cycle starts.
        final_div_factor: how far below its start it ends.
        three_phase: come down to the start first, and from there to the end.

    Raises:
        TypeError: if an option is of another type than it must be.
        ValueError: if the length is not given, ``pct_start`` is not from 0 to 1, the strategy is
            unknown, a divisor not above 0, a list is not of one number a group, the optimizer has
            no momentum to move, or a step is made after the last.

    References:
        L. Smith, N. Topin, Super-convergence, arXiv:1708.07120.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR wants total_steps, or epochs and steps_per_epoch")
            total_steps = positive(plain(epochs), "epochs") * positive(
                plain(steps_per_epoch), "steps_per_epoch"
            )
        self.total_steps = plain(total_steps)
        self.pct_start = real(pct_start, "pct_start")
        self.max_lr = numbers(max_lr, optimizer, "max_lr")
        self.base_momentum = numbers(base_momentum, optimizer, "base_momentum")
        self.max_momentum = numbers(max_momentum, optimizer, "max_momentum")
        self.div_factor = real(div_factor, "div_factor")
        self.final_div_factor = real(final_div_factor, "final_div_factor")
        self.anneal_strategy, self.three_phase = anneal_strategy, plain(three_phase)
        self.cycle_momentum = plain(cycle_momentum)
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        positive(self.total_steps, "total_steps")
        if self.epoch >= self.total_steps:
            raise ValueError(f"epoch must be below {self.total_steps}, not {self.epoch}")
        if not 0 <= self.pct_start <= 1:
            raise ValueError(f"pct_start must be from 0 to 1, not {self.pct_start}")
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be 'cos' or 'linear', not {self.anneal_strategy!r}"
            )
        for name in ("div_factor", "final_div_factor"):
            if not vars(self)[name] > 0:
                raise ValueError(f"{name} must be above 0, not {vars(self)[name]}")
        true_or_false(vars(self), "cycle_momentum", "three_phase")
        first = self.optimizer.param_groups[0]
        if self.cycle_momentum and "momentum" not in first and "betas" not in first:
            raise ValueError("cycle_momentum=True wants an optimizer with momentum or betas")

    def _phases(self, index: int) -> list[tuple[float, float, float, float, float]]:
        """The last step of each phase, the rate and the momentum at its beginning and end."""
        top = of_group(self.max_lr, index)
        low, high = (of_group(m, index) for m in (self.base_momentum, self.max_momentum))
        start = top / self.div_factor
        end = start / self.final_div_factor
        peak = self.pct_start * self.total_steps - 1
        last = self.total_steps - 1
        up = (peak, start, top, high, low)
        if self.three_phase:
            return [up, (2 * peak, top, start, low, high), (last, start, end, high, high)]
        return [up, (last, top, end, low, high)]

    def _at(self, t: int, index: int) -> tuple[float, float]:
        """Rate and momentum after ``t`` steps."""
        if t >= self.total_steps:
            raise ValueError(f"OneCycleLR has {self.total_steps} steps; this would be step {t + 1}")
        anneal = _cosine if self.anneal_strategy == "cos" else _line
        began = 0.0
        *before, final = self._phases(index)
        for phase in before:
            if t <= phase[0]:
                final = phase
                break
            began = phase[0]
        ends, lr0, lr1, m0, m1 = final
        part = (t - began) / (ends - began) if ends != began else 1.0
        return anneal(lr0, lr1, part), anneal(m0, m1, part)

    def rate(self, t: int, lr: float, index: int) -> float:
        """The cycle's own rate, whatever ``lr`` is."""
        return self._at(t, index)[0]

    def _changes(self, t: int, lr: float, index: int) -> Group:
        rate, momentum = self._at(t, index)
        changes: Group = {"lr": rate, "initial_lr": of_group(self.max_lr, index) / self.div_factor}
        if not self.cycle_momentum:
            return changes
        group = self.optimizer.param_groups[index]
        if "betas" in group:
            return changes | {"betas": (momentum, group["betas"][1])}
        return changes | {"momentum": momentum}


class ReduceLROnPlateau:
    """Multiply the rate by ``factor`` when a metric has not improved for ``patience`` calls.

    ``step(metric)`` is called after every epoch.  An improvement is a change by more than
    ``threshold``, relative (``"rel"``) or absolute (``"abs"``), in the direction of ``mode``
    (``"min"`` or ``"max"``).  After a reduction, ``cooldown`` calls count nothing.  No rate falls
    below ``min_lr``, a number or a list of one a group.

    Raises:
        TypeError: if ``optimizer`` is not an Optimizer, or an option not a number.
        ValueError: if ``factor`` is not below 1, a mode is unknown, or ``min_lr`` is a list of
            another length.
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
        """Take the metric of one more epoch into account: wholly, or not if it is interrupted."""
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
        ValueError: if there is not one milestone between each two schedulers, or a scheduler is
            another optimizer's.
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


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def _line(start: float, end: float, part: float) -> float:
    return (end - start) * part + start
