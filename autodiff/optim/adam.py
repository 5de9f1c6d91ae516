"""Adam and its relatives: steps by running means of the gradient, scaled by those of its square.

Stated as in ``optimizers.py``: ``p`` is the parameter, ``g`` its gradient, ``t`` the number of the
step, from 1.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autodiff.engine.reals import describe
from autodiff.optim.base import (
    Array,
    Group,
    Optimizer,
    Params,
    State,
    below_one,
    kept,
    not_negative,
    true_or_false,
)


class Moments(Optimizer):
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
        mean, square_mean = kept(state, "mean", p), kept(state, "square_mean", p)
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


class Adam(Moments):
    """Running means of the gradient and of its square, corrected for their start at 0::

        m = b1*m + (1 - b1)*g                     b1, b2: betas
        s = b2*s + (1 - b2)*g*g                   amsgrad: the largest s so far in place of s
        p = p - lr/(1 - b1**t) * m/(sqrt(s)/sqrt(1 - b2**t) + eps)

    With ``decoupled_weight_decay``, as in ``AdamW``, ``p`` is first multiplied by
    ``1 - lr*weight_decay``, and the gradient left alone.

    Args:
        params, lr, weight_decay, maximize: as for ``SGD``.
        betas: how much of each mean is kept from step to step: two numbers.
        eps: keeps the divisor above 0.
        amsgrad: divide by the root of the largest ``s`` so far.
        decoupled_weight_decay: see above.

    Raises:
        TypeError: as ``Optimizer``.
        ValueError: as ``Optimizer``; if an option is negative, nan or infinite, or ``betas`` are
            not two numbers below 1.

    References:
        D. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015; for ``amsgrad``:
        S. Reddi, S. Kale, S. Kumar, On the convergence of Adam and beyond, ICLR 2018.

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
            s = np.maximum(kept(state, "largest_square_mean", p), s)
            state["largest_square_mean"] = s
        correction = (1 - b2**t) ** 0.5
        d = np.sqrt(s)
        d += group["eps"] * correction
        np.divide(m, d, out=d)
        d *= group["lr"] * correction / (1 - b1**t)
        p -= d


class AdamW(Adam):
    """``Adam`` with decoupled weight decay: ``p`` is first multiplied by ``1 - lr*weight_decay``.

    Args:
        params, lr, betas, eps, amsgrad, maximize: as for ``Adam``.
        weight_decay: see above.

    Raises:
        TypeError, ValueError: as ``Adam``.

    References:
        I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = AdamW([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()  # 5*(1 - 0.1*0.01) - 0.1
    >>> round(x.data, 4)
    4.895
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


class Adamax(Moments):
    """Adam with the largest gradient, fading, in place of the root of the mean square::

        m = b1*m + (1 - b1)*g
        u = max(b2*u, |g| + eps)
        p = p - lr/(1 - b1**t) * m/u

    Args:
        params, lr, betas, eps, weight_decay, maximize: as for ``Adam``.

    Raises:
        TypeError, ValueError: as ``Adam``.

    References:
        D. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 2.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = Adamax([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 4)
    4.9
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
        m, u = kept(state, "mean", p), kept(state, "largest", p)
        m = m + (1 - b1) * (g - m)
        u = np.maximum(b2 * u, np.abs(g) + group["eps"])
        state["mean"], state["largest"] = m, u
        p -= group["lr"] / (1 - b1 ** state["step"]) * m / u


class NAdam(Moments):
    """Adam with Nesterov's look ahead, by a momentum that grows from step to step::

        mu(t) = b1*(1 - 0.96**(t*momentum_decay)/2)      M = mu(1)*...*mu(t)
        m, s as in Adam;   d = sqrt(s/(1 - b2**t)) + eps
        p = p - lr*((1 - mu(t))/(1 - M)*g + mu(t+1)/(1 - M*mu(t+1))*m)/d

    Args:
        params, lr, betas, eps, weight_decay, decoupled_weight_decay, maximize: as for ``Adam``.
        momentum_decay: how fast the momentum grows.

    Raises:
        TypeError, ValueError: as ``Adam``.

    References:
        T. Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = NAdam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 4)
    4.8944
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


class RAdam(Moments):
    """Adam that waits: it divides by the root of ``s`` only when enough steps have made it sure::

        r_inf = 2/(1 - b2) - 1;   r = r_inf - 2*t*b2**t/(1 - b2**t)
        m, s as in Adam;   m' = m/(1 - b1**t)
        p = p - lr*m'*sqrt((r-4)(r-2)r_inf/((r_inf-4)(r_inf-2)r))*sqrt(1 - b2**t)/(sqrt(s) + eps)
                                                  if r > 5, else p - lr*m'

    Args:
        params, lr, betas, eps, weight_decay, decoupled_weight_decay, maximize: as for ``Adam``.

    Raises:
        TypeError, ValueError: as ``Adam``.

    References:
        L. Liu and others, On the variance of the adaptive learning rate and beyond, ICLR 2020.

    >>> from autodiff import Value
    >>> x = Value(5.0)
    >>> optimizer = RAdam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()  # as SGD, at first
    >>> round(x.data, 4)
    4.0
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
