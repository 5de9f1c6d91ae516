"""Mistakes, one a line; type checkers must find every one that is marked, and nothing else."""

import autodiff
from autodiff import Value, grad, jit, sin, sinn  # wrong
from autodiff import Vlaue  # wrong

x = Value(2.0)


def f(a: float, b: float = 1.0) -> float:
    """Any function."""
    return a * b


autodiff.cosine(1)  # wrong
autodiff.graph.drawn(x)  # wrong
autodiff.testing.check_gradients(f, 1.0)  # wrong
x.backwards()  # wrong
x.sine()  # wrong
print(x.gradd)  # wrong
x.momentun = 0.0  # wrong
sin("1")  # wrong
sin(1.0, 2.0)  # wrong
sin()  # wrong
Value("2")  # wrong
print(x + "1")  # wrong
x.data = "3"  # wrong
x.maximum("y")  # wrong
grad(f)("2")  # wrong
grad(f)(2.0, c=1.0)  # wrong
jit(f)()  # wrong
jit(f)(1.0).backward()  # wrong
grad(1.0)  # wrong
autodiff.vmap(f).jited()  # wrong
autodiff.nn.MPL(2, [1])  # wrong
autodiff.optim.Adam([x], rate=0.1)  # wrong
