"""What every scheduler of the learning rate has: its steps, its state, and checks of both."""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

from autodiff.engine.reals import describe, dictionary, real
from autodiff.optim.base import Group, Optimizer


class LRScheduler:
    """A rule for the learning rate: a subclass states it in ``rate``, its options in ``check``.

    The rate for ``t = 0`` is set at once; so, where a saved optimizer is to be continued, a
    scheduler is made before the optimizer is loaded.

    Args:
        optimizer: whose rates are set.

    Attributes:
        optimizer: whose rates are set.
        epoch: ``t``, the number of calls of ``step()`` so far.
        base_lrs: the first rate of each group; of a group added later it is ``"initial_lr"``
            in the group.

    Raises:
        TypeError: if ``optimizer`` is not an Optimizer, or the class does not define ``rate``.

    >>> from autodiff import Value
    >>> from autodiff.optim import SGD
    >>> class Halving(LRScheduler):
    ...     def rate(self, t, lr, index):
    ...         return lr / 2 if t else lr
    >>> optimizer = SGD([Value(0.0)], lr=1.0)
    >>> scheduler = Halving(optimizer)
    >>> scheduler.step()
    >>> scheduler.get_last_lr(), scheduler.base_lrs, scheduler.epoch
    ([0.5], [1.0], 1)
    >>> scheduler
    Halving(epoch=1, lr=[0.5])
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = checked(optimizer)
        self.epoch = 0
        self.base_lrs: list[float] = []
        self.check()
        self._set(0)
        self.base_lrs = list(map(first_rate, optimizer.param_groups))

    def __repr__(self) -> str:
        shown = {k: v for k, v in vars(self).items() if k not in ("optimizer", "base_lrs", "epoch")}
        if "epoch" in vars(self):
            shown["epoch"] = self.epoch
        rates = ", ".join(f"{lr:.6g}" for lr in self.get_last_lr())
        options = [f"{name}={_text(option)}" for name, option in shown.items()]
        return f"{type(self).__name__}({', '.join([*options, f'lr=[{rates}]'])})"

    def check(self) -> None:
        """Refuse what makes no sense; a subclass adds its own options."""
        self.check_epoch()
        n = len(self.optimizer.param_groups)
        if len(self.base_lrs) > n:
            raise ValueError(f"base_lrs is of {len(self.base_lrs)} groups; the optimizer has {n}")
        for lr in self.base_lrs:
            real(lr, "base_lrs")

    def check_epoch(self) -> None:
        """Refuse an epoch that makes no sense."""
        counts([self.epoch], "epoch")

    def rate(self, t: int, lr: float, index: int) -> float:
        """The rate at step ``t`` of group ``index``, whose rate before is ``lr``."""
        raise TypeError(f"{type(self).__name__} does not define rate()")

    def base(self, index: int) -> float:
        """The first rate of group ``index``."""
        if index < len(self.base_lrs):
            return self.base_lrs[index]
        return first_rate(self.optimizer.param_groups[index])

    def _changes(self, t: int, lr: float, index: int) -> Group:
        """What step ``t`` sets in group ``index``, whose rate before is ``lr``."""
        return {"lr": float(self.rate(t, lr, index))}

    def anew(self, lr: float, index: int) -> Group:
        """What it sets in group ``index`` where a sequence comes to it, and the rate is ``lr``."""
        return self._changes(0, self.base(index), index)

    def _set(self, t: int) -> None:
        groups = self.optimizer.param_groups
        changes = [
            {"initial_lr": first_rate(group)} | self._changes(t, float(group["lr"]), index)
            for index, group in enumerate(groups)
        ]
        commit([*groups, vars(self)], [*changes, {"epoch": t}])

    def step(self) -> None:
        """Go on to the next epoch: set every group's rate, or none if it is interrupted."""
        self._set(self.epoch + 1)

    def get_last_lr(self) -> list[float]:
        """The rate of every group, as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The kind of the scheduler, its options and where it is; without functions."""
        kind = {"kind": type(self).__name__}
        return kind | {k: _own(v) for k, v in vars(self).items() if _savable(v)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave.

        Raises:
            TypeError: if it is not a dict, or an option of another type than it must be.
            ValueError: if it is another scheduler's, or makes no sense.  Nothing is changed then.

        >>> from autodiff import Value
        >>> from autodiff.optim import SGD, lr_scheduler
        >>> optimizer = SGD([Value(0.0)], lr=1.0)
        >>> old, new = (lr_scheduler.StepLR(optimizer, size) for size in (2, 3))
        >>> new.load_state_dict(old.state_dict())
        >>> new.step_size
        2
        """
        targets, changes = zip(*self._updates(saved), strict=True)
        commit(list(targets), list(changes))

    def check_state_dict(self, saved: dict[str, Any]) -> None:
        """Refuse what ``load_state_dict`` refuses, and change nothing."""
        self._updates(saved)

    def _updates(self, saved: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """What loading changes, checked: the variables of each scheduler, and their new values."""
        own = self.state_dict()
        kind = own["kind"]
        other = dictionary(saved, f"the saved {kind}").get("kind")
        if not isinstance(other, str) or other != kind:
            raise ValueError(f"the saved scheduler is of kind {other}, not {kind}")
        different = saved.keys() ^ own.keys()
        if different:
            name = min(different, key=str)
            raise ValueError(f"{kind}: {name!r} is only in one of the two schedulers")
        for name, value in own.items():
            if _form(saved[name]) != _form(value):
                raise ValueError(
                    f"{kind}: the saved {name!r} is {describe(saved[name])}; "
                    f"one like {describe(value)} is expected"
                )
        changes = {k: _own(saved[k]) for k, v in vars(self).items() if _savable(v)}
        twin = copy.copy(self)
        vars(twin).update(changes)
        try:
            twin.check()
        except (TypeError, ValueError) as error:
            raise type(error)(f"{kind}: {error}") from None
        return [(vars(self), changes)]


def checked(optimizer: Any) -> Optimizer:
    """An optimizer, as it is.

    Raises:
        TypeError: for anything else.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a scheduler takes an Optimizer, not {describe(optimizer)}")
    return optimizer


def first_rate(group: Group) -> float:
    """The rate of a group before any scheduler set it."""
    return float(group["initial_lr" if "initial_lr" in group else "lr"])


def commit(targets: list[dict[str, Any]], changes: list[dict[str, Any]]) -> None:
    """Update them all at once: such a deque runs no Python, so no Ctrl-C comes in between."""
    deque(map(dict.update, targets, changes), maxlen=0)


def numbers(given: Any, optimizer: Optimizer, name: str) -> float | tuple[float, ...]:
    """A number for all groups; or, of a list, a tuple of one a group.

    Raises:
        TypeError: if something is not a number.
        ValueError: if a list is of another length.
    """
    if not isinstance(given, (list, tuple)):
        return real(given, name)
    n = len(checked(optimizer).param_groups)
    if len(given) != n:
        raise ValueError(
            f"{name} must be a number, or {n} of them: one a group; not {describe(given)}"
        )
    return tuple(real(x, name) for x in given)


def of_group(given: Any, index: int) -> Any:
    """What was given for all groups, or for the one.

    Raises:
        ValueError: if nothing was given for it.
    """
    if not isinstance(given, tuple):
        return given
    if index >= len(given):
        raise ValueError(
            f"group {index} was added after the scheduler, which was given a list for "
            f"{len(given)} groups"
        )
    return given[index]


def whole(x: Any, name: str) -> Any:
    """A number, as an integer if it is one: ``0.5 * epochs`` may be.

    Raises:
        TypeError: for anything else.
    """
    number = real(x, name)
    return int(number) if number.is_integer() else number


def counts(given: list[Any], name: str) -> None:
    """Refuse what are not integers from 0 up, in order.

    Raises:
        ValueError: for the first that is not.
    """
    least = 0
    for n in given:
        if not isinstance(n, int) or isinstance(n, bool) or not least <= n < 2**63:
            raise ValueError(f"{name} must be an integer from {least} up, not {describe(n)}")
        least = n


def _own(x: Any) -> Any:
    """A list as a copy; anything else cannot be changed."""
    return list(x) if isinstance(x, list) else x


def _savable(x: Any) -> bool:
    """Whether a checkpoint can hold it: numbers, texts, and lists of them."""
    if isinstance(x, (list, tuple)):
        return all(map(_savable, x))
    return x is None or isinstance(x, (int, float, str))


def _text(x: Any) -> str:
    """An option as it is shown: of functions and schedulers, the name alone."""
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(map(_text, x))}]"
    if _savable(x):
        return repr(x)
    return str(getattr(x, "__name__", type(x).__name__))


def _form(x: Any) -> Any:
    """What two states must have in common: kinds of things; and, in tuples, how many."""
    if isinstance(x, tuple):
        return tuple(map(_form, x))
    return float if isinstance(x, (int, float)) and not isinstance(x, bool) else type(x)
