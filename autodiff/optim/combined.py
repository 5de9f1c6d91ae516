"""Schedules made of others; ``lr_scheduler`` has them, too.

* ``SequentialLR`` -- one after another;
* ``ChainedScheduler`` -- all together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, ClassVar

from autodiff.engine.reals import describe, dictionary
from autodiff.optim.base import Group, Optimizer
from autodiff.optim.scheduling import LRScheduler, checked, counts, first_rate, whole


class Combined(LRScheduler):
    """What both share: the schedulers they are made of, in their state too."""

    word: ClassVar[str]
    schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Its own state, and those of its schedulers."""
        return super().state_dict() | {"schedulers": [s.state_dict() for s in self.schedulers]}

    def _updates(self, saved: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        updates = super()._updates(saved)
        if len(saved["schedulers"]) != len(self.schedulers):
            raise ValueError(
                f"the saved {self.word} is of {len(saved['schedulers'])} schedulers, not "
                f"{len(self.schedulers)}"
            )
        for k, scheduler in enumerate(self.schedulers):
            updates += scheduler._updates(dictionary(saved["schedulers"][k], f"schedulers[{k}]"))
        return updates

    def rate(self, t: int, lr: float, index: int) -> float:
        """The rate that the schedulers make of ``lr``."""
        return float(self._changes(t, lr, index)["lr"])


class SequentialLR(Combined):
    """One scheduler after another: scheduler ``k`` from ``milestones[k - 1]`` on, starting anew.

    The first starts from the rate that the groups had before the schedulers were made, and each of
    the others from its own ``base_lrs``.

    Raises:
        TypeError: as ``LRScheduler``; if one is not a scheduler whose ``step()`` takes no metric.
        ValueError: if there is not one of ``milestones`` between each two ``schedulers``, one is
            not an integer, or below that before it, or a scheduler is another optimizer's.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> from autodiff.optim.lr_scheduler import ExponentialLR, LinearLR
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

    word = "sequence"

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"{len(schedulers)} schedulers want {len(schedulers) - 1} milestones, not "
                f"{len(milestones)}"
            )
        _check_parts(schedulers, optimizer, self.word)
        self.schedulers = list(schedulers)
        self.milestones = [whole(m, "milestones") for m in milestones]
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        counts(self.milestones, "milestones")

    def _changes(self, t: int, lr: float, index: int) -> Group:
        k = bisect_right(self.milestones, t)
        since = self.milestones[k - 1] if k else 0
        scheduler = self.schedulers[k]
        if t == 0:  # as if none of the schedulers had set it yet
            lr = first_rate(self.optimizer.param_groups[index])
        elif t == since:
            return scheduler.anew(lr, index)
        return scheduler._changes(t - since, lr, index)


class ChainedScheduler(Combined):
    """Several schedulers, stepped together: each scales what the one before it has set.

    The same as calling ``step()`` of each, in their order.

    Args:
        schedulers: of one optimizer.
        optimizer: theirs, which need not be given.

    Raises:
        TypeError: if one is not a scheduler whose ``step()`` takes no metric.
        ValueError: if there is none, or one is another optimizer's.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> from autodiff.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> both = ConstantLR(optimizer, 0.1, total_iters=2), ExponentialLR(optimizer, 0.9)
    >>> scheduler = ChainedScheduler(both)
    >>> for _ in range(2):
    ...     scheduler.step()
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.09
    0.81
    """

    word = "chain"

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ValueError("ChainedScheduler wants at least one scheduler")
        if optimizer is None and isinstance(schedulers[0], LRScheduler):
            optimizer = schedulers[0].optimizer
        _check_parts(schedulers, optimizer, self.word)
        self.optimizer = checked(optimizer)
        self.schedulers = list(schedulers)
        self.epoch = 0  # its schedulers have set the rates already, and each may have made steps
        self.base_lrs = list(map(first_rate, self.optimizer.param_groups))

    def _changes(self, t: int, lr: float, index: int) -> Group:
        changes: Group = {"lr": lr}
        for scheduler in self.schedulers:
            changes |= scheduler._changes(scheduler.epoch + t, changes["lr"], index)
        return changes


def _check_parts(schedulers: Sequence[LRScheduler], optimizer: Optimizer | None, word: str) -> None:
    """Refuse what cannot be combined."""
    for scheduler in schedulers:
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(
                f"a {word} takes schedules that are formulas, not {describe(scheduler)}"
            )
    if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
        raise ValueError(f"a scheduler in the {word} is another optimizer's")
