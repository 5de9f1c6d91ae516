"""What every optimizer has: parameters in groups, options, state, and the walk of a step.

A subclass states its defaults in ``__init__``, its rule in ``update``, on whole arrays: data and
gradients of a group are gathered into arrays, and what the rule makes of them is set as new data,
of all groups at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodiff.arrays import commit, gather, scatter_grads
from autodiff.reals import describe, plain, real
from autodiff.value import Value

Array = NDArray[np.float64]
Group = dict[str, Any]
Params = Iterable[Value] | Iterable[Group]


class Optimizer:
    """Parameters in groups, each with options of its own.

    Attributes:
        param_groups: a dict a group: ``"params"``, a list of leaves, and the options.
        state: a dict a group: what the rule keeps from step to step, arrays and numbers.

    Raises:
        TypeError: if a parameter is not a leaf, or an option not a number.
        ValueError: if there are no parameters, one comes twice, or an option makes no sense.
    """

    def __init__(self, params: Params, options: dict[str, Any]) -> None:
        hidden = ("self", "params", "__class__")
        self.defaults = {k: v for k, v in options.items() if k not in hidden}
        self.param_groups: list[Group] = []
        self.state: list[dict[str, Any]] = []
        given = list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}(params): there are no parameters")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)  # type: ignore[arg-type]  # the first decides for all

    def add_param_group(self, group: Group) -> None:
        """Add parameters with options of their own; those not given are the defaults.

        Raises:
            TypeError: as the constructor.
            ValueError: as the constructor, and for an unknown option.
        """
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f"a group must be a dict with 'params', not {describe(group)}")
        for name in group.keys() - self.defaults.keys() - {"params"}:
            raise ValueError(f"{type(self).__name__} has no option {name!r}")
        leaves = group["params"]
        options = {k: _own(v) for k, v in {**self.defaults, **group}.items() if k != "params"}
        group = {**options, "params": [leaves] if isinstance(leaves, Value) else list(leaves)}
        if not group["params"]:
            raise ValueError(f"{type(self).__name__}(params): there are no parameters")
        seen = {id(p) for g in self.param_groups for p in g["params"]}
        for i, p in enumerate(group["params"]):
            if not isinstance(p, Value):
                raise TypeError(f"parameter {i} must be a Value, not {describe(p)}")
            if p.op:
                raise TypeError(f"parameter {i} must be a leaf, not the result of {p.op}")
            if id(p) in seen:
                raise ValueError(f"parameter {i} ({p.name or p.data}) is there twice")
            seen.add(id(p))
        self.check(group)
        self.param_groups.append(group)
        self.state.append({"step": 0})

    def check(self, group: Group) -> None:
        """Refuse options that make no sense; a subclass says which."""

    def update(self, p: Array, g: Array, state: dict[str, Any], group: Group) -> None:
        """Change the parameters ``p``, in place, by their gradients ``g``; a subclass says how.

        What is kept in ``state`` is replaced, never changed in place: an interrupted step leaves
        it as it was.
        """
        raise TypeError(f"{type(self).__name__} does not define update()")

    @property
    def params(self) -> list[Value]:
        """The parameters of all groups."""
        return [p for group in self.param_groups for p in group["params"]]

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0."""
        for group in self.param_groups:
            scatter_grads(group["params"], zeros(len(group["params"])))

    def step(self) -> None:
        """Change every parameter by its gradient: all of them or, if it is interrupted, none."""
        leaves = [group["params"] for group in self.param_groups]
        arrays, states = [], []
        for values, group, kept in zip(leaves, self.param_groups, self.state, strict=True):
            data, grads = zeros(len(values)), zeros(len(values))
            gather(values, data, grads)
            p, g = np.frombuffer(data), np.frombuffer(grads)
            if group["maximize"]:
                np.negative(g, out=g)
            state = {**kept, "step": kept["step"] + 1}
            with np.errstate(all="ignore"):
                if group["weight_decay"] and not group.get("decoupled_weight_decay"):
                    g += group["weight_decay"] * p
                self.update(p, g, state, group)
            arrays.append(data)
            states.append(state)
        commit(leaves, arrays, self.state, states)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the parameters themselves: options and state of each group."""
        return {
            "param_groups": [
                {**{k: v for k, v in g.items() if k != "params"}, "params": len(g["params"])}
                for g in self.param_groups
            ],
            "state": [
                {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
                for state in self.state
            ],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave.

        Raises:
            TypeError: if an option or something kept is not a number.
            ValueError: if it is of other groups or options, or makes no sense; the message names
                the first difference.  Nothing is changed then.
        """
        for name in ("param_groups", "state"):
            if len(saved[name]) != len(self.param_groups):
                raise ValueError(
                    f"the saved optimizer has {len(saved[name])} groups, this one "
                    f"{len(self.param_groups)}"
                )
        groups, states = [], []
        for i, (old, new) in enumerate(zip(self.param_groups, saved["param_groups"], strict=True)):
            different = (old.keys() ^ new.keys()) - {"initial_lr"}
            if different:
                raise ValueError(f"group {i}: option {min(different)!r} is only in one of the two")
            n = len(old["params"])
            if new["params"] != n:
                raise ValueError(f"group {i} has {n} parameters, the saved one {new['params']}")
            group = {**new, "params": old["params"]}
            self.check(group)
            real(group.get("initial_lr", 0.0), "initial_lr")
            groups.append(group)
            states.append(_kept(saved["state"][i], n, i))
        self.param_groups, self.state = groups, states


def _own(option: Any) -> Any:
    """An option in Python's own numbers, with which all arithmetic is in float64."""
    return tuple(map(plain, option)) if isinstance(option, (tuple, list)) else plain(option)


def _kept(state: dict[str, Any], n: int, i: int) -> dict[str, Any]:
    """A copy of the saved state of group ``i`` of ``n`` parameters, checked."""
    step = state.get("step")
    if not isinstance(step, int) or step < 0:
        raise ValueError(f"group {i}: 'step' must be an integer from 0 up, not {describe(step)}")
    for name, kept in state.items():
        if not isinstance(kept, np.ndarray):
            real(kept, f"group {i}: {name!r}")
        elif kept.shape != (n,) or kept.dtype != np.float64:
            raise ValueError(
                f"group {i}: the saved {name!r} is an array of {kept.dtype} of shape {kept.shape}; "
                f"one of float64 of shape ({n},) is wanted"
            )
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}


def zeros(n: int) -> array[float]:
    """An array of ``n`` zeros, as the engine takes it."""
    return array("d", bytes(8 * n))


def not_negative(group: Group, *names: str) -> None:
    """Refuse options that are not finite numbers from 0 up.

    Raises:
        TypeError: if one is not a number.
        ValueError: if one is negative, nan or infinite.
    """
    for name in names:
        number = real(group[name], name)
        if not 0.0 <= number < float("inf"):
            raise ValueError(f"{name} must be a finite number, 0 or more, not {number}")


def below_one(group: Group, *names: str) -> None:
    """Refuse options that are not numbers, or pairs of numbers, from 0 up and below 1.

    Raises:
        TypeError: if one is not a number.
        ValueError: if one is out of range.
    """
    for name in names:
        given = group[name] if isinstance(group[name], (tuple, list)) else [group[name]]
        for x in given:
            if not 0.0 <= real(x, name) < 1.0:
                raise ValueError(f"{name} must be from 0 up and below 1, not {x}")


def clip_grad_value_(params: Iterable[Value] | Value, clip_value: float) -> None:
    """Clip every gradient to ``-clip_value ... clip_value``, in place.

    Raises:
        ValueError: if ``clip_value`` is negative, nan or infinite.

    >>> x = Value(1.0)
    >>> x.grad = -5.0
    >>> clip_grad_value_([x], 2.0)
    >>> x.grad
    -2.0
    """
    not_negative({"clip_value": clip_value}, "clip_value")
    leaves, grads = _gradients(params)
    g = np.frombuffer(grads)
    np.clip(g, -clip_value, clip_value, out=g)
    scatter_grads(leaves, grads)


def clip_grad_norm_(
    params: Iterable[Value] | Value, max_norm: float, norm_type: float = 2.0
) -> float:
    """Scale all gradients, in place, so that their common norm is at most ``max_norm``.

    As in PyTorch they are multiplied by ``max_norm / (norm + 1e-6)`` if that is below 1.

    Returns:
        The norm before.

    Raises:
        ValueError: if ``max_norm`` is negative, nan or infinite.

    >>> x, y = Value(1.0), Value(1.0)
    >>> x.grad, y.grad = 3.0, 4.0
    >>> clip_grad_norm_([x, y], 1.0)
    5.0
    >>> round(x.grad, 5), round(y.grad, 5)
    (0.6, 0.8)
    """
    not_negative({"max_norm": max_norm}, "max_norm")
    leaves, grads = _gradients(params)
    g = np.frombuffer(grads)
    with np.errstate(all="ignore"):
        norm = float(np.linalg.norm(g, norm_type))
        scale = max_norm / (norm + 1e-6)
        g *= min(scale, 1.0) if scale == scale else scale
    scatter_grads(leaves, grads)
    return norm


def _gradients(params: Iterable[Value] | Value) -> tuple[list[Value], array[float]]:
    leaves = [params] if isinstance(params, Value) else list(params)
    data, grads = zeros(len(leaves)), zeros(len(leaves))
    gather(leaves, data, grads)
    return leaves, grads
