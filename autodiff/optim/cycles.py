"""A schedule that goes up and down: ``OneCycleLR``; ``lr_scheduler`` has it, too."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autodiff.engine.reals import plain, real
from autodiff.optim.base import Group, Optimizer, true_or_false
from autodiff.optim.scheduling import LRScheduler, numbers, of_group, positive


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

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], momentum=0.9)
    >>> scheduler = OneCycleLR(
    ...     optimizer, 1.0, 4, pct_start=0.5, anneal_strategy="linear", div_factor=4.0
    ... )
    >>> optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]
    (0.25, 0.95)
    >>> scheduler.step()
    >>> optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]
    (1.0, 0.85)
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


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def _line(start: float, end: float, part: float) -> float:
    return (end - start) * part + start
