"""What every optimizer has: parameters in groups, options, state, and the walk of a step.

A subclass states its defaults in ``__init__``, its rule in ``update``, on whole arrays: data and
gradients of a group are gathered into arrays, and what the rule makes of them is set as new data,
of all groups at once.  What the rule keeps from step to step it names in ``arrays`` and
``numbers``.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from autodiff.arrays import commit, gather, scatter_grads
from autodiff.engine.reals import describe, dictionary, plain, real
from autodiff.value import Value

Array = NDArray[np.float64]
Group = dict[str, Any]
State = dict[str, Any]
Params = Iterable[Value] | Iterable[Group]


class Optimizer:
    """Parameters in groups, each with options of its own; a subclass states the rule of a step.

    Args:
        params: the leaves to be optimized; or groups of them: dicts of ``"params"`` and of options
            that are not to be the defaults.
        options: the defaults of the subclass, by name; its ``locals()`` serve.

    Attributes:
        param_groups: a dict a group: ``"params"``, a list of leaves, and the options.
        state: a dict a group: what the rule keeps from step to step, arrays and numbers.
        arrays: of the class: the arrays that its rule keeps, by name, each with the option that it
            is kept for, or ``""`` if it always is.  A saved state has these and no others.
        numbers: of the class: the numbers that its rule keeps besides ``"step"``.
        needs_closure: of the class: whether ``step`` computes losses itself, by a closure.

    Raises:
        TypeError: if a parameter is not a leaf, or an option of another type than it must be.
        ValueError: if there are no parameters, one comes twice, or an option makes no sense.

    >>> class SignDescent(Optimizer):
    ...     def __init__(self, params, lr=0.1, weight_decay=0.0, maximize=False):
    ...         super().__init__(params, locals())
    ...     def update(self, p, g, state, group):
    ...         p -= group["lr"] * np.sign(g)
    >>> x, y = Value(5.0), Value(5.0)
    >>> optimizer = SignDescent([{"params": [x]}, {"params": [y], "lr": 0.5}])
    >>> optimizer.zero_grad()
    >>> (x * y).backward()
    >>> optimizer.step()
    >>> x.data, y.data
    (4.9, 4.5)
    """

    arrays: ClassVar[dict[str, str]] = {}
    numbers: ClassVar[tuple[str, ...]] = ()
    needs_closure: ClassVar[bool] = False

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

    def __repr__(self) -> str:
        groups = []
        for group in self.param_groups:
            n = len(group["params"])
            options = [f"{name}={x!r}" for name, x in group.items() if name != "params"]
            groups.append(", ".join([f"{n} parameter{'s' if n > 1 else ''}", *options]))
        return f"{type(self).__name__}({'; '.join(groups)})"

    def add_param_group(self, group: Group) -> None:
        """Add parameters with options of their own; those not given are the defaults.

        Raises:
            TypeError: as the constructor.
            ValueError: as the constructor, and for an unknown option.

        >>> from autodiff.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.1)
        >>> optimizer.add_param_group({"params": [Value(2.0)], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups], len(optimizer.params)
        ([0.1, 0.01], 2)
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
        self._check_options(group)
        self.param_groups.append(group)
        self.state.append({"step": 0})

    def check(self, group: Group) -> None:
        """Refuse options that make no sense; a subclass says which."""

    def _check_options(self, group: Group) -> None:
        """Refuse options that ``step()`` or the rule cannot take."""
        true_or_false(group, *({"maximize", "decoupled_weight_decay"} & group.keys()))
        self.check(group)

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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter by its gradient: all of them or, if it is interrupted, none.

        Args:
            closure: computes the loss and its gradients, and returns the loss; called first.  It is
                only needed by ``LBFGS``, which calls it several times.

        Returns:
            What the closure returned; None without one.
        """
        loss = None if closure is None else closure()
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
                if group.get("weight_decay") and not group.get("decoupled_weight_decay"):
                    g += group["weight_decay"] * p
                self.update(p, g, state, group)
            arrays.append(data)
            states.append(state)
        commit(leaves, arrays, self.state, states)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Everything but the parameters themselves: options and state of each group.

        An array is None if its option was set after the last step.

        Raises:
            TypeError: if the rule keeps what its class does not name.
        """
        for state in self.state:
            for name in state.keys() - {"step", *self.arrays, *self.numbers}:
                raise TypeError(
                    f"{type(self).__name__} keeps {name!r}, which must be named in its class: in "
                    f"``arrays``, or in ``numbers``"
                )
        return {
            "param_groups": [
                {**{k: v for k, v in g.items() if k != "params"}, "params": len(g["params"])}
                for g in self.param_groups
            ],
            "state": [
                dict.fromkeys(self._kept_now(group, state))
                | {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in state.items()}
                for group, state in zip(self.param_groups, self.state, strict=True)
            ],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from what ``state_dict()`` gave.

        Raises:
            TypeError: if an option or something kept is of another type than it must be.
            ValueError: if it is of other groups or options, or makes no sense; the message names
                the first difference.  Nothing is changed then.

        >>> from autodiff.optim import SGD
        >>> old, new = SGD([Value(1.0)], lr=0.5), SGD([Value(1.0)])
        >>> new.load_state_dict(old.state_dict())
        >>> new.param_groups[0]["lr"]
        0.5
        """
        vars(self).update(self._loaded(saved))

    def check_state_dict(self, saved: dict[str, Any]) -> None:
        """Refuse what ``load_state_dict`` refuses, and change nothing."""
        self._loaded(saved)

    def _loaded(self, saved: dict[str, Any]) -> dict[str, Any]:
        """What loading changes: groups and states, checked and copied."""
        names = ("param_groups", "state")
        for name in dictionary(saved, "the saved optimizer").keys() ^ set(names):
            raise ValueError(
                f"the saved optimizer has {'an unknown' if name in saved else 'no'} {name!r}"
            )
        for name in names:
            if not isinstance(saved[name], list):
                raise TypeError(f"{name!r} must be a list of dicts, not {describe(saved[name])}")
            if len(saved[name]) != len(self.param_groups):
                raise ValueError(
                    f"the saved optimizer has {len(saved[name])} groups, this one "
                    f"{len(self.param_groups)}"
                )
        groups, states = [], []
        for i, old in enumerate(self.param_groups):
            new = dictionary(saved["param_groups"][i], f"param_groups[{i}]")
            different = (old.keys() ^ new.keys()) - {"initial_lr"}
            if different:
                name = min(different, key=str)
                raise ValueError(f"group {i}: option {name!r} is only in one of the two")
            n = len(old["params"])
            if type(new["params"]) is not int:
                raise TypeError(
                    f"group {i}: 'params' must be how many there are, not {describe(new['params'])}"
                )
            if new["params"] != n:
                raise ValueError(f"group {i} has {n} parameters, the saved one {new['params']}")
            group = {**{k: _own(v) for k, v in new.items()}, "params": old["params"]}
            try:
                self._check_options(group)
                not_negative(group, *({"initial_lr"} & group.keys()))
                states.append(self._checked(group, saved["state"][i]))
            except (TypeError, ValueError) as error:
                raise type(error)(f"group {i}: {error}") from None
            groups.append(group)
        return {"param_groups": groups, "state": states}

    def _kept_now(self, group: Group, state: dict[str, Any]) -> list[str]:
        """What the rule keeps under these options, once it has made a step."""
        arrays = [name for name, option in self.arrays.items() if not option or group[option]]
        return [*arrays, *self.numbers] if state["step"] else []

    def _checked(self, group: Group, state: dict[str, Any]) -> dict[str, Any]:
        """A copy of the saved state of a group."""
        step = dictionary(state, "the state").get("step")
        if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < 2**63:
            raise ValueError(f"'step' must be an integer from 0 up, not {describe(step)}")
        for name in self._kept_now(group, state):
            if name not in state:
                raise ValueError(f"the saved state has no {name!r}")
        known = {"step", *(self.arrays if step else ()), *(self.numbers if step else ())}
        for name in state.keys() - known:
            raise ValueError(
                f"the saved state has {name!r}, which {type(self).__name__} does not keep"
                f"{'' if step else ' before its first step'}"
            )
        not_negative(state, *(self.numbers if step else ()))
        n, copies = len(group["params"]), {}
        for name, kept in state.items():
            if name not in self.arrays:
                copies[name] = kept
            elif isinstance(kept, np.ndarray):
                shape = self._shape(name, kept, group)
                if kept.shape != shape or kept.dtype != np.float64:
                    raise ValueError(
                        f"the saved {name!r} is an array of {kept.dtype} of shape {kept.shape}; "
                        f"one of float64 of shape {shape} is expected"
                    )
                copies[name] = np.array(kept)
            elif kept is not None or not self.arrays[name]:
                raise TypeError(f"{name!r} must be an array of {n} numbers, not {describe(kept)}")
        return copies

    def _shape(self, name: str, kept: Array, group: Group) -> tuple[int, ...]:
        """The shape that an array of the state has, of which there is one that may not fit."""
        return (len(group["params"]),)


def _own(option: Any) -> Any:
    """An option in Python's own numbers, with which all arithmetic is in float64."""
    return tuple(map(plain, option)) if isinstance(option, (tuple, list)) else plain(option)


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


def positive(n: Any, name: str) -> int:
    """A positive integer, as it is.

    Raises:
        ValueError: for anything else.
    """
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n < 2**63:
        raise ValueError(f"{name} must be a positive integer, not {describe(n)}")
    return n


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


def true_or_false(group: Group, *names: str) -> None:
    """Refuse options that are not True or False.

    Raises:
        TypeError: if one is something else.
    """
    for name in names:
        if not isinstance(group[name], bool):
            raise TypeError(f"{name} must be True or False, not {describe(group[name])}")


def clip_grad_value_(params: Iterable[Value] | Value, clip_value: float) -> None:
    """Clip every gradient to ``-clip_value ... clip_value``, in place.

    Args:
        params: Values, or one.
        clip_value: the largest size that a gradient may have.

    Raises:
        ValueError: if ``clip_value`` is negative, nan or infinite.
        TypeError: if ``clip_value`` is not a number, or a parameter not a Value.

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

    Args:
        params: Values, or one.
        max_norm: the largest norm that the gradients may have together.
        norm_type: the ``p`` of the ``p``-norm; ``inf`` for the largest size.

    Returns:
        The norm before.

    Raises:
        ValueError: if ``max_norm`` is negative, nan or infinite, or there is no norm of that type.
        TypeError: if ``max_norm`` is not a number, or a parameter not a Value.

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


def kept(state: State, name: str, like: Array, start: float = 0.0) -> Array:
    """An array of the state; filled with ``start`` when it is first asked for."""
    found: Array = state[name] if name in state else np.full_like(like, start)
    return found
