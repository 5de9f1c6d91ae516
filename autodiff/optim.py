"""Optimizers: they read ``.grad`` of the parameters and change ``.data``.

Names, defaults and arithmetic are PyTorch's.  The loop is always the same four lines::

    loss = loss_of(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

from __future__ import annotations

from collections.abc import Iterable

from autodiff.reals import describe, real
from autodiff.value import Value


class Optimizer:
    """What every optimizer has: the parameters, ``zero_grad()``, and a ``step()`` of its own.

    Args:
        params: the leaves to be optimized, each once.

    Raises:
        TypeError: if an element is not a Value that may be changed, a leaf.
        ValueError: if there are none, or one comes twice.
    """

    def __init__(self, params: Iterable[Value]) -> None:
        self.params = list(params)
        if not self.params:
            raise ValueError(f"{type(self).__name__}(params): there are no parameters")
        seen: set[int] = set()
        for i, p in enumerate(self.params):
            if not isinstance(p, Value):
                raise TypeError(f"parameter {i} must be a Value, not {describe(p)}")
            if p.op:
                raise TypeError(f"parameter {i} must be a leaf, not the result of {p.op}")
            if id(p) in seen:
                raise ValueError(f"parameter {i} ({p.name or p.data}) is there twice")
            seen.add(id(p))

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0."""
        for p in self.params:
            p.grad = 0.0

    def step(self) -> None:
        """Change every parameter by its gradient; a subclass says how."""
        raise TypeError(f"{type(self).__name__} does not define step()")


class SGD(Optimizer):
    """Gradient descent, plain or with momentum.

    With ``g`` the gradient and ``v`` the velocity, 0 at first, a step is::

        v = momentum * v + g
        p = p - lr * v

    This is PyTorch's form: the gradient is not scaled by ``1 - momentum``.

    Args:
        params: the leaves to be optimized.
        lr: the learning rate.
        momentum: how much of the velocity is kept from step to step.

    Raises:
        ValueError: if ``lr`` or ``momentum`` is negative, nan or infinite.

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

    def __init__(self, params: Iterable[Value], lr: float = 1e-3, momentum: float = 0.0) -> None:
        super().__init__(params)
        self.lr = not_negative(lr, "lr")
        self.momentum = not_negative(momentum, "momentum")
        self.velocities = [0.0] * len(self.params)

    def step(self) -> None:
        """One step of every parameter."""
        for i, p in enumerate(self.params):
            velocity = self.momentum * self.velocities[i] + p.grad
            self.velocities[i] = velocity
            p.data -= self.lr * velocity


def not_negative(x: float, name: str) -> float:
    """A hyperparameter that is a finite number from 0 up, or an error that names it.

    Raises:
        TypeError: if it is not a number.
        ValueError: if it is negative, nan or infinite.
    """
    number = real(x, name)
    if not 0.0 <= number < float("inf"):
        raise ValueError(f"{name} must be a finite number, 0 or more, not {number}")
    return number
