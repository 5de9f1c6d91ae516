"""Gradient descent and its relatives, each a rule for one step; ``adam.py`` has Adam and its own.

Each states its update equations: ``p`` is the parameter, ``g`` its gradient (negated by
``maximize``, with ``weight_decay*p`` added), ``t`` the number of this step, from 1; what is kept
from step to step is 0 at first.  Names, defaults and arithmetic are PyTorch's.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autodiff.engine.reals import describe, real
from autodiff.optim.base import (
    Array,
    Group,
    Optimizer,
    Params,
    State,
    kept,
    not_negative,
    true_or_false,
)


class SGD(Optimizer):
    """Gradient descent, plain or with momentum::

        v = momentum*v + (1 - dampening)*g        the first time: v = g
        p = p - lr*v                              nesterov: p - lr*(g + momentum*v)

    This is PyTorch's form, in which momentum adds up gradients.  The moving average of textbooks,
    ``v = momentum*v + (1 - momentum)*g``, is ``dampening=momentum``, but for the first step.

    Args:
        params: the leaves to be optimized, or groups of them with options of their own.
        lr: the learning rate.
        momentum: how much of the velocity is kept from step to step.
        dampening: how much of the gradient is left out of the velocity.
        weight_decay: ``weight_decay*p`` is added to the gradient.
        nesterov: look ahead along the velocity.
        maximize: climb instead of descending.

    Raises:
        TypeError: as ``Optimizer``.
        ValueError: as ``Optimizer``; if an option is negative, nan or infinite; if ``nesterov``
            comes without momentum or with dampening.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> for _ in range(100):
    ...     loss = (x - 3) ** 2
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    >>> round(x.data, 6)
    3.0
    """

    arrays: ClassVar = {"velocity": "momentum"}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "momentum", "dampening", "weight_decay")
        true_or_false(group, "nesterov")
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError("nesterov=True wants a momentum above 0 and a dampening of 0")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        momentum = group["momentum"]
        if momentum:
            if "velocity" in state:
                v = momentum * state["velocity"] + (1 - group["dampening"]) * g
            else:
                v = g.copy()
            state["velocity"] = v
            g = g + momentum * v if group["nesterov"] else v
        p -= group["lr"] * g


class NoisySGD(Optimizer):
    """Perturbed gradient descent: noise lets it leave saddle points, where the gradient is 0::

        p = p - lr*(g + noise)                    noise: normal, with standard deviation std

    Args:
        params: the leaves to be optimized, or groups.
        lr: the learning rate.
        std: the standard deviation of the noise.
        rng: where the noise is drawn from.
        weight_decay: ``weight_decay*p`` is added to the gradient.
        maximize: climb instead of descending.

    Raises:
        TypeError: as ``Optimizer``; if ``rng`` is not a ``numpy.random.Generator``.
        ValueError: as ``Optimizer``; if an option is negative, nan or infinite.

    References:
        R. Ge, F. Huang, C. Jin, Y. Yuan, Escaping from saddle points, COLT 2015, algorithm 1.

    >>> from autodiff import Value
    >>> x, y = Value(1.0), Value(0.0)  # where y is 0, SGD ends in the saddle point of x*x - y*y
    >>> optimizer = NoisySGD([x, y], lr=0.1, rng=np.random.default_rng(0))
    >>> for _ in range(60):
    ...     optimizer.zero_grad()
    ...     (x * x - y * y).backward()
    ...     optimizer.step()
    >>> abs(x.data) < 0.1, abs(y.data) > 1.0
    (True, True)
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        std: float = 1e-2,
        rng: np.random.Generator | None = None,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"NoisySGD(rng=...) takes a numpy.random.Generator, not {describe(rng)}"
            )
        self.rng = rng
        options = {k: v for k, v in locals().items() if k != "rng"}
        super().__init__(params, options)

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "std", "weight_decay")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        p -= group["lr"] * (g + self.rng.normal(0.0, group["std"], len(p)))


class Adagrad(Optimizer):
    """A rate for each parameter, that falls with the squares of its gradients so far::

        s = s + g*g                               s is initial_accumulator_value at first
        p = p - lr/(1 + (t - 1)*lr_decay) * g/(sqrt(s) + eps)

    Args:
        params, lr, weight_decay, maximize: as for ``SGD``.
        lr_decay: how fast the rate falls with the number of steps.
        initial_accumulator_value: what ``s`` is at first.
        eps: keeps the divisor above 0.

    Raises:
        TypeError: as ``Optimizer``.
        ValueError: as ``Optimizer``; if an option is negative, nan or infinite.

    References:
        J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, JMLR 12 (2011).

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = Adagrad([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()  # g/sqrt(g*g) is 1
    >>> round(x.data, 4)
    4.9
    """

    arrays: ClassVar = {"sum": ""}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        s = kept(state, "sum", p, group["initial_accumulator_value"]) + g * g
        state["sum"] = s
        rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        p -= rate * (g / (np.sqrt(s) + group["eps"]))


class Adadelta(Optimizer):
    """Steps in the units of the parameter: the ratio of two running means of squares::

        s = rho*s + (1 - rho)*g*g
        d = sqrt(u + eps)/sqrt(s + eps) * g
        u = rho*u + (1 - rho)*d*d
        p = p - lr*d

    Args:
        params, lr, weight_decay, maximize: as for ``SGD``.
        rho: how much of the means is kept from step to step.
        eps: keeps the divisor, and the first steps, above 0.

    Raises:
        TypeError: as ``Optimizer``.
        ValueError: as ``Optimizer``; if an option is negative, nan or infinite, or ``rho`` above 1.

    References:
        M. Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = Adadelta([x])
    >>> (x * x).backward()
    >>> optimizer.step()  # by sqrt(1e-6)/sqrt(0.1*g*g) * g, with g = 10
    >>> round(x.data, 4)
    4.9968
    """

    arrays: ClassVar = {"square_mean": "", "step_square_mean": ""}

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "rho", "eps", "weight_decay")
        if group["rho"] > 1:
            raise ValueError(f"rho must be from 0 to 1, not {group['rho']}")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        rho, eps = group["rho"], group["eps"]
        s, u = kept(state, "square_mean", p), kept(state, "step_square_mean", p)
        s = rho * s + (1 - rho) * g * g
        d = np.sqrt(u + eps) / np.sqrt(s + eps) * g
        u = rho * u + (1 - rho) * d * d
        state["square_mean"], state["step_square_mean"] = s, u
        p -= group["lr"] * d


class RMSprop(Optimizer):
    """The gradient divided by the root of a running mean of its squares::

        s = alpha*s + (1 - alpha)*g*g
        m = alpha*m + (1 - alpha)*g               centered: sqrt(s - m*m) in place of sqrt(s)
        v = momentum*v + g/(sqrt(s) + eps)
        p = p - lr*v

    Args:
        params, lr, weight_decay, maximize: as for ``SGD``.
        alpha: how much of the means is kept from step to step.
        eps: keeps the divisor above 0.
        momentum: how much of the velocity is kept from step to step.
        centered: divide by the standard deviation.

    Raises:
        TypeError: as ``Optimizer``.
        ValueError: as ``Optimizer``; if an option is negative, nan or infinite.

    References:
        T. Hinton, Neural networks for machine learning, lecture 6e (2012).

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = RMSprop([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()  # by 0.1 * g/sqrt(0.01*g*g)
    >>> round(x.data, 4)
    4.0
    """

    arrays: ClassVar = {"square_mean": "", "mean": "centered", "velocity": "momentum"}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "alpha", "eps", "weight_decay", "momentum")
        true_or_false(group, "centered")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        alpha = group["alpha"]
        s = alpha * kept(state, "square_mean", p) + (1 - alpha) * g * g
        state["square_mean"] = spread = s
        if group["centered"]:
            m = alpha * kept(state, "mean", p) + (1 - alpha) * g
            state["mean"] = m
            spread = s - m * m
        d = g / (np.sqrt(spread) + group["eps"])
        if group["momentum"]:
            d = group["momentum"] * kept(state, "velocity", p) + d
            state["velocity"] = d
        p -= group["lr"] * d


class Rprop(Optimizer):
    """Steps whose length only the signs of the gradient decide, for each parameter alone::

        size = size*etas[1]                       if g has the sign that it had a step before
        size = size*etas[0], g = 0                if it has the other sign
        p = p - size*sign(g)                      size is lr at first, and kept within step_sizes

    It is for gradients of all data: those of mini-batches change their signs by chance.

    Args:
        params: the leaves to be optimized, or groups.
        lr: the length of the first step.
        etas: by what a step becomes shorter, and longer.
        step_sizes: the shortest and the longest step.
        maximize: climb instead of descending.

    Raises:
        TypeError: as ``Optimizer``; if an option is of another type than it must be.
        ValueError: as ``Optimizer``; if ``lr`` is negative, nan or infinite; if ``etas`` are not
            one number between 0 and 1 and one above 1, or ``step_sizes`` not two from 0 up, the
            smaller one first.

    References:
        M. Riedmiller, H. Braun, A direct adaptive method for faster backpropagation learning: the
        RPROP algorithm, ICNN 1993.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = Rprop([x], lr=1.0)
    >>> for _ in range(3):
    ...     optimizer.zero_grad()
    ...     (x * x).backward()
    ...     optimizer.step()
    ...     print(round(x.data, 4))
    4.0
    2.8
    1.36
    """

    arrays: ClassVar = {"last_gradient": "", "step_size": ""}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr")
        for name in ("etas", "step_sizes"):
            if not isinstance(group[name], (tuple, list)) or len(group[name]) != 2:
                raise ValueError(f"{name} must be two numbers, not {describe(group[name])}")
        shorter, longer = (real(x, "etas") for x in group["etas"])
        if not 0 < shorter < 1 < longer:
            raise ValueError(
                f"etas must be one between 0 and 1, and one above 1, not {group['etas']}"
            )
        least, most = (real(x, "step_sizes") for x in group["step_sizes"])
        if not 0 <= least <= most:
            raise ValueError(
                f"step_sizes must be from 0 up, the smaller first, not {group['step_sizes']}"
            )

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        shorter, longer = group["etas"]
        turn = g * kept(state, "last_gradient", p)
        size = kept(state, "step_size", p, group["lr"])
        size = size * np.where(turn > 0, longer, np.where(turn < 0, shorter, 1.0))
        size = np.clip(size, *group["step_sizes"])
        g = np.where(turn < 0, 0.0, g)
        state["last_gradient"], state["step_size"] = g, size
        p -= size * np.where(g == g, np.sign(g), 0.0)  # a nan has no sign
