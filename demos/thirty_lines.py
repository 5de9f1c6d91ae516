"""The engine in thirty lines: the tensor class of the tutorials, and its three classic faults.

``Tensor`` below is what one writes first: a number, what it was computed from, and with each of
these the local derivative; ``backward`` hands the gradient on to every operand, times that.  For
c = (a + b)*2, d = a*b and e = sin(c) it is right, and the picture of the graph is this library's.

What to look for: three lines in which nothing looks wrong.  __rsub__ = __sub__ makes 3 - v what
v - 3 is.  A power hands no gradient to its exponent, so d/db of a**b is 0 in place of
a**b * log(a).  And a node that is used twice is swept twice, with all below it: y + y, thirty times
over, takes two thousand million calls of ``backward``, where one sweep in topological order visits
each of 31 nodes once.

    python demos/thirty_lines.py --save out
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from demo import Picture, run

from autodiff import Value, graph, plot


# -- thirty lines ----------------------------------------------------------------------------------
class Tensor:
    """A number or an array that knows what it was computed from, as tutorials write it."""

    def __init__(self, data, operands=()):
        self.data = np.asarray(data, float)
        self.operands = operands  # pairs: what it was computed from, and the local derivative
        self.grad = np.zeros_like(self.data)

    def backward(self, grad=1.0):
        """Called once for every path from the result to here: the third fault."""
        self.grad = self.grad + grad
        for operand, derivative in self.operands:
            operand.backward(grad * derivative)

    def __add__(self, other):
        other = tensor(other)
        return Tensor(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __sub__(self, other):
        other = tensor(other)
        return Tensor(self.data - other.data, [(self, 1.0), (other, -1.0)])

    def __mul__(self, other):
        other = tensor(other)
        return Tensor(self.data * other.data, [(self, other.data), (other, self.data)])

    def __pow__(self, other):  # nothing for the exponent: the second fault
        n = tensor(other).data
        return Tensor(self.data**n, [(self, n * self.data ** (n - 1))])

    def sin(self):
        """The sine."""
        return Tensor(np.sin(self.data), [(self, np.cos(self.data))])

    __radd__, __rmul__, __rsub__ = __add__, __mul__, __sub__  # c - v reversed: the first fault


def tensor(x):
    """A Tensor, of a number too."""
    return x if isinstance(x, Tensor) else Tensor(x)


# -- against this library --------------------------------------------------------------------------


def formula(a, b):
    """d = a*b, and e = sin(c) for c = (a + b)*2: of Tensors as of Values."""
    return a * b, ((a + b) * 2).sin()


def power(kind, b: float) -> float:
    """The derivative of 2**b by b, by a class of numbers."""
    base, exponent = kind(2.0), kind(b)
    (base**exponent).backward()
    return float(exponent.grad)


def doubled(kind, n: int):
    """y + y, n times over; and what it begins with."""
    x = y = kind(1.0)
    for _ in range(n):
        y = y + y
    return x, y


def calls(n: int) -> int:
    """How often ``Tensor.backward`` is called for ``doubled(Tensor, n)``."""

    _, y = doubled(Tensor, n)
    count, pending = 0, [y]
    while pending:  # as backward does, but counted
        count += 1
        pending += [operand for operand, _ in pending.pop().operands]
    return count


def pictures(quick: bool) -> Iterator[Picture]:
    """The graph of the formula; three faults, each beside what is right."""
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    d, e = formula(a, b)
    e.backward()
    d.name, e.name, e.operands[0].name = "d", "e", "c"
    yield Picture(
        "thirty_lines_graph",
        "c = (a + b)*2, d = a*b, e = sin(c), and the gradient of e.  Nothing of it comes to d.",
        graph.draw([d, e]),
    )

    figure, (left, middle, right) = plot.subplots(1, 3, figsize=(13, 4.4))
    v = np.linspace(-1, 5, 7)
    textbook, true = {**plot.look(1), "linestyle": "--"}, plot.look(0)
    left.plot(v, [(3 - Value(x)).data for x in v], **true, label="3 - v")
    left.plot(v, [(3 - Tensor(x)).data for x in v], **textbook, label="by the thirty lines")
    left.set(title="3 - v", xlabel="v")
    left.legend()

    exponents = np.linspace(-1, 3, 9)
    middle.plot(exponents, [power(Value, x) for x in exponents], **true, label="2**b * log(2)")
    middle.plot(
        exponents, [power(Tensor, x) for x in exponents], **textbook, label="by the thirty lines"
    )
    middle.set(title="The derivative of 2**b by b", xlabel="b")
    middle.legend()

    depths = np.arange(1, 8 if quick else 16)
    right.semilogy(depths, [n + 1 for n in depths], **true, label="nodes, each visited once")
    right.semilogy(depths, [calls(n) for n in depths], **textbook, label="by the thirty lines")
    right.set(title="Calls of backward for y = y + y, n times", xlabel="n")
    right.legend()
    for ax in (left, middle, right):
        ax.grid(alpha=0.3)
    yield Picture(
        "thirty_lines_faults",
        "Three faults: a difference with its sign reversed, an exponent without a gradient, and "
        "calls that double with every node.",
        figure,
    )


if __name__ == "__main__":
    run(__doc__, pictures)
