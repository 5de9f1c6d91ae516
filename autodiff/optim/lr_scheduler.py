"""Schedules of the learning rate: ``scheduler.step()`` after every epoch, or every step.

A schedule is a rule for the rate at step ``t``, from the rate ``lr`` that the group has before it.
So several schedulers of one optimizer, stepped one after another, multiply, and a rate set by hand
is kept and scaled on.  ``LambdaLR`` and ``OneCycleLR`` alone set the rate, whatever it was.  Names,
defaults and sequences are PyTorch's.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from autodiff.optim.base import Group, Optimizer
from autodiff.reals import describe, real


class LRScheduler:
    """A rule for the learning rate: a subclass states it in ``rate``.

    The rate for ``t = 0`` is set at once; so, where a saved optimizer is to be continued, a
    scheduler is made before the optimizer is loaded.

    Attributes:
        optimizer: whose rates are set.
        epoch: ``t``, the number of calls of ``step()`` so far.
        base_lrs: the first rate of each group; of a group added later it is ``"initial_lr"``
            in the group.

    Raises:
        TypeError: if ``optimizer`` is not an Optimizer.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = _checked(optimizer)
        self.base_lrs = list(map(_first_rate, optimizer.param_groups))
        self.epoch = 0
        self._set(0)

    def rate(self, t: int, lr: float, index: int) -> float:
        """The rate at step ``t`` of group ``index``, whose rate before is ``lr``."""
        raise TypeError(f"{type(self).__name__} does not define rate()")

    def base(self, index: int) -> float:
        """The first rate of group ``index``."""
        if index < len(self.base_lrs):
            return self.base_lrs[index]
        return _first_rate(self.optimizer.param_groups[index])

    def _changes(self, t: int, lr: float, index: int) -> Group:
        """What step ``t`` sets in group ``index``, whose rate before is ``lr``."""
        return {"lr": float(self.rate(t, lr, index))}

    def _set(self, t: int) -> None:
        groups = self.optimizer.param_groups
        changes = [
            {"initial_lr": _first_rate(group)} | self._changes(t, float(group["lr"]), index)
            for index, group in enumerate(groups)
        ]
        _commit([*groups, vars(self)], [*changes, {"epoch": t}])

    def step(self) -> None:
        """Go on to the next epoch: set every group's rate, or none if it is interrupted."""
        self._set(self.epoch + 1)

    def get_last_lr(self) -> list[float]:
        """The rate of every group, as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The kind of the scheduler, its options and where it is; without functions."""
        kind = {"kind": type(self).__name__}
        return kind | {k: v for k, v in vars(self).items() if _savable(v)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave.

        Raises:
            ValueError: if it is another scheduler's; then nothing is changed.
        """
        self._check(saved)
        vars(self).update({k: saved[k] for k, v in vars(self).items() if _savable(v)})

    def _check(self, saved: dict[str, Any]) -> None:
        """Refuse a state that is another scheduler's."""
        own = self.state_dict()
        kind = own["kind"]
        if saved.get("kind") != kind:
            raise ValueError(f"the saved scheduler is of kind {saved.get('kind')}, not {kind}")
        different = saved.keys() ^ own.keys()
        if different:
            raise ValueError(f"{kind}: {min(different)!r} is only in one of the two schedulers")
        for name, value in own.items():
            if _form(saved[name]) != _form(value):
                raise ValueError(
                    f"{kind}: the saved {name!r} is {describe(saved[name])}; "
                    f"one like {describe(value)} is wanted"
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
        n = len(_checked(optimizer).param_groups)
        if not callable(lr_lambda) and (len(lr_lambda) != n or not all(map(callable, lr_lambda))):
            raise ValueError(
                f"lr_lambda must be a function, or {n} of them: one a group; "
                f"not {describe(lr_lambda)}"
            )
        self.lr_lambda = lr_lambda if callable(lr_lambda) else tuple(lr_lambda)
        super().__init__(optimizer)

    def rate(self, t: int, lr: float, index: int) -> float:
        """The first rate times ``lr_lambda(t)``."""
        own: Callable[[int], float] = _of_group(self.lr_lambda, index)
        return self.base(index) * own(t)


class StepLR(LRScheduler):
    """``lr * gamma`` after every ``step_size`` steps."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = _positive(step_size, "step_size")
        self.gamma = real(gamma, "gamma")
        super().__init__(optimizer)

    def rate(self, t: int, lr: float, index: int) -> float:
        """``lr * gamma`` if ``t`` is a multiple of ``step_size``."""
        return lr * self.gamma if t and t % self.step_size == 0 else lr


class MultiStepLR(LRScheduler):
    """``lr * gamma`` at each of the ``milestones``."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(milestones)
        self.gamma = real(gamma, "gamma")
        super().__init__(optimizer)

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
        if not 0 < real(start_factor, "start_factor") <= 1:
            raise ValueError(f"start_factor must be above 0 and at most 1, not {start_factor}")
        if not 0 <= real(end_factor, "end_factor") <= 1:
            raise ValueError(f"end_factor must be from 0 to 1, not {end_factor}")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = _positive(total_iters, "total_iters")
        super().__init__(optimizer)

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
        self.T_max = _positive(T_max, "T_max")
        self.eta_min = real(eta_min, "eta_min")
        super().__init__(optimizer)

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
        ValueError: if the length is not given, ``pct_start`` is not from 0 to 1, the strategy is
            unknown, a list is not of one number a group, the optimizer has no momentum to move,
            or a step is made after the last.

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
            total_steps = _positive(epochs, "epochs") * _positive(
                steps_per_epoch, "steps_per_epoch"
            )
        self.total_steps = _positive(total_steps, "total_steps")
        self.pct_start = real(pct_start, "pct_start")
        if not 0 <= self.pct_start <= 1:
            raise ValueError(f"pct_start must be from 0 to 1, not {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', not {anneal_strategy!r}")
        first = _checked(optimizer).param_groups[0]
        if cycle_momentum and "momentum" not in first and "betas" not in first:
            raise ValueError("cycle_momentum=True wants an optimizer with momentum or betas")
        self.max_lr = _numbers(max_lr, optimizer, "max_lr")
        self.base_momentum = _numbers(base_momentum, optimizer, "base_momentum")
        self.max_momentum = _numbers(max_momentum, optimizer, "max_momentum")
        self.div_factor = real(div_factor, "div_factor")
        self.final_div_factor = real(final_div_factor, "final_div_factor")
        self.anneal_strategy, self.three_phase = anneal_strategy, three_phase
        self.cycle_momentum = cycle_momentum
        starts = [
            _of_group(self.max_lr, i) / self.div_factor for i in range(len(optimizer.param_groups))
        ]
        for group, start in zip(optimizer.param_groups, starts, strict=True):
            group["initial_lr"] = start
        super().__init__(optimizer)

    def _phases(self, index: int) -> list[tuple[float, float, float, float, float]]:
        """The last step of each phase, the rate and the momentum at its beginning and end."""
        top = _of_group(self.max_lr, index)
        low, high = (_of_group(m, index) for m in (self.base_momentum, self.max_momentum))
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
        if not self.cycle_momentum:
            return {"lr": rate}
        group = self.optimizer.param_groups[index]
        if "betas" in group:
            return {"lr": rate, "betas": (momentum, group["betas"][1])}
        return {"lr": rate, "momentum": momentum}


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
        if not 0 <= real(factor, "factor") < 1:
            raise ValueError(f"factor must be from 0 up and below 1, not {factor}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', not {threshold_mode!r}")
        self.optimizer = _checked(optimizer)
        self.min_lr = _numbers(min_lr, optimizer, "min_lr")
        self.mode, self.factor, self.threshold_mode = mode, factor, threshold_mode
        self.patience, self.cooldown = real(patience, "patience"), real(cooldown, "cooldown")
        self.threshold, self.eps = real(threshold, "threshold"), real(eps, "eps")
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_epochs = 0
        self.cooling: float = 0

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
                reduced = max(lr * self.factor, _of_group(self.min_lr, index))
                if lr - reduced > self.eps:
                    change["lr"] = reduced
        _commit([*groups, vars(self)], [*changes, own])

    get_last_lr = LRScheduler.get_last_lr
    state_dict = LRScheduler.state_dict
    load_state_dict = LRScheduler.load_state_dict
    _check = LRScheduler._check


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
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        for group in optimizer.param_groups:  # as if none of the schedulers had set it yet
            group["lr"] = _first_rate(group)
        super().__init__(optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Its own state, and those of its schedulers."""
        return super().state_dict() | {"schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave.

        Raises:
            ValueError: if it is another scheduler's; then nothing is changed.
        """
        super().load_state_dict(saved)
        for scheduler, state in zip(self.schedulers, saved["schedulers"], strict=True):
            scheduler.load_state_dict(state)

    def _check(self, saved: dict[str, Any]) -> None:
        super()._check(saved)
        if len(saved["schedulers"]) != len(self.schedulers):
            raise ValueError(
                f"the saved sequence is of {len(saved['schedulers'])} schedulers, not "
                f"{len(self.schedulers)}"
            )
        for scheduler, state in zip(self.schedulers, saved["schedulers"], strict=True):
            scheduler._check(state)

    def rate(self, t: int, lr: float, index: int) -> float:
        """The rate of the scheduler whose turn it is."""
        return float(self._changes(t, lr, index)["lr"])

    def _changes(self, t: int, lr: float, index: int) -> Group:
        k = bisect_right(self.milestones, t)
        since = self.milestones[k - 1] if k else 0
        scheduler = self.schedulers[k]
        if t == since > 0:
            lr = scheduler.base(index)
        return scheduler._changes(t - since, lr, index)


def _checked(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a scheduler takes an Optimizer, not {describe(optimizer)}")
    return optimizer


def _first_rate(group: Group) -> float:
    """The rate of a group before any scheduler set it."""
    return float(group["initial_lr" if "initial_lr" in group else "lr"])


def _commit(targets: list[dict[str, Any]], changes: list[dict[str, Any]]) -> None:
    """Update them all at once: such a deque runs no Python, so no Ctrl-C comes in between."""
    deque(map(dict.update, targets, changes), maxlen=0)


def _numbers(given: Any, optimizer: Optimizer, name: str) -> float | tuple[float, ...]:
    """A number for all groups; or, of a list, a tuple of one a group."""
    if not isinstance(given, (list, tuple)):
        return real(given, name)
    n = len(_checked(optimizer).param_groups)
    if len(given) != n:
        raise ValueError(
            f"{name} must be a number, or {n} of them: one a group; not {describe(given)}"
        )
    return tuple(real(x, name) for x in given)


def _of_group(given: Any, index: int) -> Any:
    """What was given for all groups, or for the one."""
    if not isinstance(given, tuple):
        return given
    if index >= len(given):
        raise ValueError(
            f"group {index} was added after the scheduler, which was given a list for "
            f"{len(given)} groups"
        )
    return given[index]


def _savable(x: Any) -> bool:
    """Whether a checkpoint can hold it: numbers, texts, and lists of them."""
    if isinstance(x, (list, tuple)):
        return all(map(_savable, x))
    return x is None or isinstance(x, (int, float, str))


def _form(x: Any) -> Any:
    """What two states must have in common: kinds of things; and, in tuples, how many."""
    if isinstance(x, tuple):
        return tuple(map(_form, x))
    return float if isinstance(x, (int, float)) else type(x)


def _positive(n: Any, name: str) -> int:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise ValueError(f"{name} must be a positive integer, not {describe(n)}")
    return n


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def _line(start: float, end: float, part: float) -> float:
    return (end - start) * part + start
