"""Schedules that go up and down, once or again and again; ``lr_scheduler`` has them, too.

* ``OneCycleLR``, ``CyclicLR`` -- up to a highest rate and down, the momentum the other way;
* ``CosineAnnealingWarmRestarts`` -- down half a cosine, and at once back to the top.

Each sets the rate, whatever it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from autodiff.engine.reals import describe, plain, real
from autodiff.optim.base import Group, Optimizer, not_negative, positive, true_or_false
from autodiff.optim.scheduling import LRScheduler, numbers, of_group


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
        if self.cycle_momentum:
            _check_momentum(self.optimizer)

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
        if self.cycle_momentum:
            changes |= _momentum(self.optimizer.param_groups[index], momentum)
        return changes


class CyclicLR(LRScheduler):
    """From ``base_lr`` up to ``max_lr`` and down again, for ever, in straight lines.

    While the rate rises the momentum (SGD's ``momentum``, Adam's first ``betas``) falls from
    ``max_momentum`` to ``base_momentum``, and rises again while the rate falls.

    Args:
        optimizer: whose rates are set.
        base_lr: the rate at the bottom; or a list, one a group.
        max_lr: the rate at the top, where it is not scaled; or a list, one a group.
        step_size_up: how many steps lead up.
        step_size_down: how many lead down; as many as up if None.
        mode: how the height of a cycle is scaled: ``"triangular"``, not at all; ``"triangular2"``,
            halved from cycle to cycle; ``"exp_range"``, by ``gamma**t`` at step ``t``.
        gamma: see ``mode``.
        scale_fn: gives the factor, in place of ``mode``.
        scale_mode: what ``scale_fn`` is given: ``"cycle"``, the number of the cycle, from 1; or
            ``"iterations"``, the number of the step, from 0.
        cycle_momentum: whether the momentum moves too.
        base_momentum: the momentum at the top; or a list, one a group.
        max_momentum: the momentum at the bottom; or a list, one a group.

    Raises:
        TypeError: if an option is of another type than it must be.
        ValueError: if no step leads up, a mode is unknown, a list is not of one number a group, or
            the optimizer has no momentum to move.

    References:
        L. Smith, Cyclical learning rates for training neural networks, WACV 2017.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], momentum=0.9)
    >>> scheduler = CyclicLR(optimizer, 0.1, 0.3, step_size_up=2)
    >>> for _ in range(4):
    ...     print(round(optimizer.param_groups[0]["lr"], 3))
    ...     scheduler.step()
    0.1
    0.2
    0.3
    0.2
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
    ) -> None:
        self.base_lr = numbers(base_lr, optimizer, "base_lr")
        self.max_lr = numbers(max_lr, optimizer, "max_lr")
        self.step_size_up = plain(step_size_up)
        self.step_size_down = plain(step_size_up if step_size_down is None else step_size_down)
        self.mode, self.gamma = mode, real(gamma, "gamma")
        self.scale_fn, self.scale_mode = scale_fn, scale_mode
        self.cycle_momentum = plain(cycle_momentum)
        self.base_momentum = numbers(base_momentum, optimizer, "base_momentum")
        self.max_momentum = numbers(max_momentum, optimizer, "max_momentum")
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        not_negative(vars(self), "step_size_up", "step_size_down")
        if self.step_size_up == 0:
            raise ValueError("step_size_up must be above 0, not 0")
        if self.scale_fn is not None and not callable(self.scale_fn):
            raise TypeError(f"scale_fn must be a function or None, not {describe(self.scale_fn)}")
        if self.mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(
                f"mode must be 'triangular', 'triangular2' or 'exp_range', not {self.mode!r}"
            )
        if self.scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"scale_mode must be 'cycle' or 'iterations', not {self.scale_mode!r}")
        true_or_false(vars(self), "cycle_momentum")
        if self.cycle_momentum:
            _check_momentum(self.optimizer)

    def _height(self, t: int) -> float:
        """How far up step ``t`` is: 0 at the bottom, 1 at a top that is not scaled."""
        length = self.step_size_up + self.step_size_down
        rising = self.step_size_up / length
        cycle = math.floor(1 + t / length)
        part = 1 + t / length - cycle
        height: float = part / rising if part <= rising else (part - 1) / (rising - 1)
        if self.scale_fn is not None:
            height *= self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        elif self.mode == "triangular2":
            height /= 2.0 ** (cycle - 1)
        elif self.mode == "exp_range":
            height *= self.gamma**t
        return height

    def rate(self, t: int, lr: float, index: int) -> float:
        """The cycle's own rate, whatever ``lr`` is."""
        low, high = of_group(self.base_lr, index), of_group(self.max_lr, index)
        # After another scheduler PyTorch's first rate is not base_lr, but the one before both.
        return float(low + (high - low) * self._height(t))

    def _changes(self, t: int, lr: float, index: int) -> Group:
        group = self.optimizer.param_groups[index]
        changes = super()._changes(t, lr, index)
        if "initial_lr" not in group:
            changes["initial_lr"] = of_group(self.base_lr, index)
        if self.cycle_momentum:
            low, high = (of_group(m, index) for m in (self.base_momentum, self.max_momentum))
            changes |= _momentum(group, high - (high - low) * self._height(t))
        return changes


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the first rate to ``eta_min``, and from the top again, ever longer.

    The first takes ``T_0`` steps, and each of the others ``T_mult`` times those of the one before.
    A number can be given to ``step``, such as ``epoch + i/len(batches)``.

    Raises:
        TypeError: if ``eta_min`` is not a number.
        ValueError: if ``T_0`` or ``T_mult`` is not a positive integer.

    References:
        I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> for t in (1, 2, 4, 5.5):
    ...     scheduler.step(t)
    ...     print(round(optimizer.param_groups[0]["lr"], 4))
    0.5
    1.0
    0.5
    0.0381
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0
    ) -> None:
        self.T_0, self.T_mult = plain(T_0), plain(T_mult)
        self.eta_min = real(eta_min, "eta_min")
        super().__init__(optimizer)

    def check(self) -> None:
        """Refuse options that make no sense."""
        super().check()
        positive(self.T_0, "T_0")
        positive(self.T_mult, "T_mult")

    def check_epoch(self) -> None:
        """Refuse what is no place in the schedule: it may lie between two epochs."""
        not_negative(vars(self), "epoch")

    def rate(self, t: float, lr: float, index: int) -> float:
        """``eta_min + (base(index) - eta_min)*(1 + cos(pi*since/length))/2``.

        ``since`` is the number of steps since the last restart, ``length`` that to the next.
        """
        since, length = t, self.T_0
        if self.T_mult == 1:
            since %= length
        while since >= length:  # PyTorch takes a logarithm, and its rounding for a late restart
            since -= length
            length *= self.T_mult
        wave = (1 + math.cos(math.pi * since / length)) / 2
        return self.eta_min + (self.base(index) - self.eta_min) * wave

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to the given one, which may lie between two."""
        if epoch is not None:
            not_negative({"epoch": epoch}, "epoch")
        self._set(self.epoch + 1 if epoch is None else plain(epoch))


def _check_momentum(optimizer: Optimizer) -> None:
    """Refuse an optimizer whose momentum cannot be moved."""
    first = optimizer.param_groups[0]
    if "momentum" not in first and "betas" not in first:
        raise ValueError("cycle_momentum=True wants an optimizer with momentum or betas")


def _momentum(group: Group, momentum: float) -> Group:
    """What sets the momentum of a group."""
    if "betas" in group:
        return {"betas": (momentum, group["betas"][1])}
    return {"momentum": momentum}


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


def _line(start: float, end: float, part: float) -> float:
    return (end - start) * part + start
