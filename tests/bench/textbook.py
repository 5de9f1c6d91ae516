"""The textbook engine: reverse mode as it is usually first written down.

Every node carries a closure that knows its local rule and a set of operands; ``backward`` sorts the
graph by a recursive function and calls the closures in reverse.  It is what the benchmarks measure
``autodiff`` against, and an independent second opinion on its gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable


class Value:
    """A number, its gradient, its operands, and a closure that hands the gradient on to them.

    >>> x = Value(3.0)
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    """

    def __init__(self, data: float, operands: tuple[Value, ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.operands = set(operands)
        self.hand_on: Callable[[], None] = lambda: None

    def __add__(self, other: Value | float) -> Value:
        right = lifted(other)
        out = Value(self.data + right.data, (self, right))

        def hand_on() -> None:
            self.grad += out.grad
            right.grad += out.grad

        out.hand_on = hand_on
        return out

    def __mul__(self, other: Value | float) -> Value:
        right = lifted(other)
        out = Value(self.data * right.data, (self, right))

        def hand_on() -> None:
            self.grad += right.data * out.grad
            right.grad += self.data * out.grad

        out.hand_on = hand_on
        return out

    def __pow__(self, exponent: float) -> Value:
        out = Value(self.data**exponent, (self,))

        def hand_on() -> None:
            self.grad += exponent * self.data ** (exponent - 1) * out.grad

        out.hand_on = hand_on
        return out

    def tanh(self) -> Value:
        """The hyperbolic tangent."""
        out = Value(math.tanh(self.data), (self,))

        def hand_on() -> None:
            self.grad += (1 - out.data * out.data) * out.grad

        out.hand_on = hand_on
        return out

    def relu(self) -> Value:
        """The positive part."""
        out = Value(max(self.data, 0.0), (self,))

        def hand_on() -> None:
            self.grad += (out.data > 0) * out.grad

        out.hand_on = hand_on
        return out

    def __neg__(self) -> Value:
        return self * -1.0

    def __sub__(self, other: Value | float) -> Value:
        return self + -lifted(other)

    def __truediv__(self, other: Value | float) -> Value:
        return self * lifted(other) ** -1

    def __radd__(self, other: float) -> Value:
        return self + other

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __rsub__(self, other: float) -> Value:
        return lifted(other) - self

    def __rtruediv__(self, other: float) -> Value:
        return lifted(other) / self

    def backward(self) -> None:
        """Add to every ``grad`` the derivative of this Value; recurses as deep as the graph is."""
        order: list[Value] = []
        seen: set[Value] = set()

        def visit(v: Value) -> None:
            if v not in seen:
                seen.add(v)
                for operand in v.operands:
                    visit(operand)
                order.append(v)

        visit(self)
        self.grad = 1.0
        for v in reversed(order):
            v.hand_on()


def lifted(x: Value | float) -> Value:
    """``x`` as a Value."""
    return x if isinstance(x, Value) else Value(x)
