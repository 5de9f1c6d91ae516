"""A program that type checkers accept, and the types that they find; it runs, too."""

from __future__ import annotations

from typing import Any

import numpy as np
from typing_extensions import assert_type

import autodiff
from autodiff import (
    Value,
    derivative,
    dot,
    elu,
    grad,
    graph,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    log,
    loop,
    maximum,
    mean,
    nn,
    no_grad,
    optim,
    plot,
    relu,
    scan,
    scope,
    sigmoid,
    sin,
    softmax,
    take,
    testing,
    value_and_grad,
    vjp,
    vmap,
    where,
)

x, y = Value(2.0, name="x"), Value(np.float32(-1.0))
array = np.array([1.0, 2.0])

# Functions: of floats a float, of Values a Value, of arrays an array.
assert_type(sin(1), float)
assert_type(sin(x), Value)
assert_type(sin(array), np.ndarray[Any, Any])
assert_type(maximum(1.0, 2), float)
assert_type(maximum(1.0, x), Value)
assert_type(maximum(x, 1.0), Value)
assert_type(maximum(array, x), np.ndarray[Any, Any])
assert_type(elu(x), Value)
assert_type(elu(0.5, 2.0), float)
assert_type(autodiff.sum([1.0, 2.0]), float)
assert_type(mean([x, y]), Value)
assert_type(dot([x, y], [1.0, 2.0]), Value)
assert_type(softmax([1.0, 2.0]), list[float])
assert_type(softmax([x, y]), list[Value])
assert_type(where(True, 1.0, 2.0), float)
assert_type(where(True, x, 2.0), Value)
assert_type(take([x, y], 1), Value)


def either(number: float | Value) -> float | Value:
    """What is written for both."""
    return sigmoid(number) if number > 0 else relu(number)


# Values: operators, methods, what they hold.
z = (x * y + 1) / 2 - x**2
assert_type(z, Value)
assert_type(2.0 - x, Value)
assert_type(x * array, np.ndarray[Any, Any])
assert_type(x.sin().tanh(), Value)
assert_type(x.maximum(y).arctan2(1.0), Value)
assert_type(x < 3, bool)
z.backward()
z.backward(create_graph=True)
assert_type(x.data, float)
x.data = 3
x.grad = 0.0
x.name = "x"
print(f"{x.data:.3f}", x.grad, z.op, z.operands, z.partials, abs(x), -x, x.detach())


# Transforms keep the parameters of the function.
def energy(position: float, mass: float = 1.0) -> float:
    """Of a spring."""
    return position * position * mass / 2


assert_type(jit(energy)(1.0, mass=2.0), float)
assert_type(derivative(energy)(1.0), float)
assert_type(value_and_grad(energy)(1.0), tuple[float, Any])
assert_type(jvp(energy, (1.0,), (1.0,)), tuple[float, Any])
print(grad(energy)(1.0, mass=2.0), hessian(energy)(1.0), jacobian(grad(energy))(1.0, 2.0))
print(grad(lambda x: x**3)(2.0), vmap(energy)(array), vmap(lambda x: x + 1)(array))
print(hvp(energy, (1.0,), (1.0,)), jit(grad(energy)).lower(1.0).as_text())


def one_step(total: float, x: float) -> tuple[float, float]:
    """Of a sum."""
    return total + x, total


def one_more(i: float, total: float) -> float:
    """The next sum."""
    return total + i


assert_type(scan(one_step, 0.0, array)[0], float)
assert_type(loop(one_more, 0.0, 3), float)
value, pullback = vjp(energy, 1.0, 2.0)
assert_type(value, float)


class Spring:
    """A function that is a method."""

    stiffness = 2.0

    @jit
    def energy(self, x: float) -> float:
        """Half k x squared."""
        return self.stiffness * x * x / 2


assert_type(Spring().energy(1.0), float)

# Modules, optimizers, drawings, tests.
net = nn.MLP(2, [3, 1], "tanh", np.random.default_rng(0))
optimizer = optim.Adam(net.parameters(), lr=0.01)
with scope("loss"):
    loss = nn.mse_loss([net([1.0, 2.0])[0]], [1.0])
loss.backward()
optimizer.step()
with no_grad():
    print(net([1.0, 2.0]), optim.minimize(lambda a, b: a * a + b * b, [1.0, 2.0]).x)
print(len(graph.draw(loss).source), plot.contour, testing.numerical_gradient(energy, 1.0), log(2.0))
