"""The optimizers: gradient descent and its relatives, each a rule for one step.

Each states its update equations: ``p`` is the parameter, ``g`` its gradient (negated by
``maximize``, with ``weight_decay*p`` added), ``t`` the number of this step, from 1; what is kept
from step to step is 0 at first.  Names, defaults and arithmetic are PyTorch's.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from autodiff.engine.reals import describe
from autodiff.optim.base import (
    Array,
    Group,
    Optimizer,
    Params,
    below_one,
    not_negative,
    true_or_false,
)

State = dict[str, Any]


def _kept(state: State, name: str, like: Array, start: float = 0.0) -> Array:
    """An array of the state; filled with ``start`` when it is first asked for."""
    kept: Array = state[name] if name in state else np.full_like(like, start)
    return kept


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
        ValueError: if an option is negative, nan or infinite; if ``nesterov`` comes without
            momentum or with dampening.

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
        TypeError: if ``rng`` is not a ``numpy.random.Generator``.
        ValueError: if an option is negative, nan or infinite.

    References:
        R. Ge, F. Huang, C. Jin, Y. Yuan, Escaping from saddle points, COLT 2015, algorithm 1.
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

    Raises:
        ValueError: if an option is negative, nan or infinite.

    References:
        J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods, JMLR 12 (2011).
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
        s = _kept(state, "sum", p, group["initial_accumulator_value"]) + g * g
        state["sum"] = s
        rate = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        p -= rate * (g / (np.sqrt(s) + group["eps"]))


class Adadelta(Optimizer):
    """Steps in the units of the parameter: the ratio of two running means of squares::

        s = rho*s + (1 - rho)*g*g
        d = sqrt(u + eps)/sqrt(s + eps) * g
        u = rho*u + (1 - rho)*d*d
        p = p - lr*d

    Raises:
        ValueError: if an option is negative, nan or infinite, or ``rho`` above 1.

    References:
        M. Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701.
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
        s, u = _kept(state, "square_mean", p), _kept(state, "step_square_mean", p)
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

    Raises:
        ValueError: if an option is negative, nan or infinite.

    References:
        T. Hinton, Neural networks for machine learning, lecture 6e (2012).
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
        s = alpha * _kept(state, "square_mean", p) + (1 - alpha) * g * g
        state["square_mean"] = spread = s
        if group["centered"]:
            m = alpha * _kept(state, "mean", p) + (1 - alpha) * g
            state["mean"] = m
            spread = s - m * m
        d = g / (np.sqrt(spread) + group["eps"])
        if group["momentum"]:
            d = group["momentum"] * _kept(state, "velocity", p) + d
            state["velocity"] = d
        p -= group["lr"] * d


class _Moments(Optimizer):
    """What Adam and its relatives share: the options, and running means of g and g*g."""

    arrays: ClassVar = {"mean": "", "square_mean": ""}

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        not_negative(group, "lr", "eps", "weight_decay")
        if not isinstance(group["betas"], (tuple, list)) or len(group["betas"]) != 2:
            raise ValueError(f"betas must be two numbers, not {describe(group['betas'])}")
        below_one(group, "betas")

    def moments(self, p: Array, g: Array, state: State, group: Group) -> tuple[Array, Array]:
        """``m = b1*m + (1 - b1)*g`` and ``s = b2*s + (1 - b2)*g*g``."""
        b1, b2 = group["betas"]
        mean, square_mean = _kept(state, "mean", p), _kept(state, "square_mean", p)
        m = g - mean
        m *= 1 - b1
        m += mean
        s = g * g
        s *= 1 - b2
        s += b2 * square_mean
        state["mean"], state["square_mean"] = m, s
        return m, s

    def decay(self, p: Array, group: Group) -> None:
        """Weight decay, where it is decoupled from the gradient."""
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            p *= 1 - group["lr"] * group["weight_decay"]


class Adam(_Moments):
    """Running means of the gradient and of its square, corrected for their start at 0::

        m = b1*m + (1 - b1)*g                     b1, b2: betas
        s = b2*s + (1 - b2)*g*g                   amsgrad: the largest s so far in place of s
        p = p - lr/(1 - b1**t) * m/(sqrt(s)/sqrt(1 - b2**t) + eps)

    With ``decoupled_weight_decay``, as in ``AdamW``, ``p`` is first multiplied by
    ``1 - lr*weight_decay``, and the gradient left alone.

    Raises:
        ValueError: if an option is negative, nan or infinite, or a beta not below 1.

    References:
        D. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    4.9
    """

    arrays: ClassVar = {"mean": "", "square_mean": "", "largest_square_mean": "amsgrad"}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        super().check(group)
        true_or_false(group, "amsgrad")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        b1, b2 = group["betas"]
        t = state["step"]
        self.decay(p, group)
        m, s = self.moments(p, g, state, group)
        if group["amsgrad"]:
            s = np.maximum(_kept(state, "largest_square_mean", p), s)
            state["largest_square_mean"] = s
        correction = (1 - b2**t) ** 0.5
        d = np.sqrt(s)
        d += group["eps"] * correction
        np.divide(m, d, out=d)
        d *= group["lr"] * correction / (1 - b1**t)
        p -= d


class AdamW(Adam):
    """``Adam`` with decoupled weight decay: ``p`` is first multiplied by ``1 - lr*weight_decay``.

    Raises:
        ValueError: as ``Adam``.

    References:
        I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad,
            maximize=maximize, decoupled_weight_decay=True,
        )  # fmt: skip


class Adamax(_Moments):
    """Adam with the largest gradient, fading, in place of the root of the mean square::

        m = b1*m + (1 - b1)*g
        u = max(b2*u, |g| + eps)
        p = p - lr/(1 - b1**t) * m/u

    Raises:
        ValueError: as ``Adam``.

    References:
        D. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 2.
    """

    arrays: ClassVar = {"mean": "", "largest": ""}

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        b1, b2 = group["betas"]
        m, u = _kept(state, "mean", p), _kept(state, "largest", p)
        m = m + (1 - b1) * (g - m)
        u = np.maximum(b2 * u, np.abs(g) + group["eps"])
        state["mean"], state["largest"] = m, u
        p -= group["lr"] / (1 - b1 ** state["step"]) * m / u


class NAdam(_Moments):
    """Adam with Nesterov's look ahead, by a momentum that grows from step to step::

        mu(t) = b1*(1 - 0.96**(t*momentum_decay)/2)      M = mu(1)*...*mu(t)
        m, s as in Adam;   d = sqrt(s/(1 - b2**t)) + eps
        p = p - lr*((1 - mu(t))/(1 - M)*g + mu(t+1)/(1 - M*mu(t+1))*m)/d

    Raises:
        ValueError: as ``Adam``.

    References:
        T. Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.
    """

    numbers = ("mu_product",)

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def check(self, group: Group) -> None:
        """Refuse options that make no sense."""
        super().check(group)
        not_negative(group, "momentum_decay")

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        b1, b2 = group["betas"]
        t = state["step"]
        self.decay(p, group)
        m, s = self.moments(p, g, state, group)
        mu, mu_next = (b1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        d = np.sqrt(s / (1 - b2**t)) + group["eps"]
        ahead = (1 - mu) / (1 - product) * g + mu_next / (1 - product * mu_next) * m
        p -= group["lr"] * ahead / d


class RAdam(_Moments):
    """Adam that waits: it divides by the root of ``s`` only when enough steps have made it sure::

        r_inf = 2/(1 - b2) - 1;   r = r_inf - 2*t*b2**t/(1 - b2**t)
        m, s as in Adam;   m' = m/(1 - b1**t)
        p = p - lr*m'*sqrt((r-4)(r-2)r_inf/((r_inf-4)(r_inf-2)r))*sqrt(1 - b2**t)/(sqrt(s) + eps)
                                                  if r > 5, else p - lr*m'

    Raises:
        ValueError: as ``Adam``.

    References:
        L. Liu and others, On the variance of the adaptive learning rate and beyond, ICLR 2020.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def update(self, p: Array, g: Array, state: State, group: Group) -> None:
        """One step of a group."""
        b1, b2 = group["betas"]
        t = state["step"]
        self.decay(p, group)
        m, s = self.moments(p, g, state, group)
        limit = 2 / (1 - b2) - 1
        r = limit - 2 * t * b2**t / (1 - b2**t)
        d = m / (1 - b1**t)
        if r > 5:
            sure = ((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r)) ** 0.5
            d = d * sure * (1 - b2**t) ** 0.5 / (np.sqrt(s) + group["eps"])
        p -= group["lr"] * d
