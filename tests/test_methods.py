"""Transformed functions as methods of instances, copied and pickled."""

import copy
import pickle

import cloudpickle
import pytest

from autodiff import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    value_and_grad,
    vjp,
)

RATE = 2.0

# -- methods ---------------------------------------------------------------------------------------


class Spring:
    stiffness = 2.0

    def __init__(self, k):
        self.k = k

    @property
    def doubled(self):
        return 2.0 * self.k

    @jit
    def energy(self, x):
        return self.k * x

    @jit
    def twice(self, x):
        return self.doubled * x

    @jit
    def of_class(self, x):
        return self.stiffness * x

    @jit
    def through_another(self, x):
        return self.helper(x)

    def helper(self, x):
        return self.k * x


class Damped(Spring):
    @jit
    def energy(self, x):
        return super().energy(x) + 1.0

    def helper(self, x):
        return super().helper(x) * 10.0


def test_methods_see_their_own_instance_in_copies_and_subclasses():
    spring, damped = Spring(2.0), Damped(2.0)
    for _ in range(2):
        assert (spring.energy(1.0), damped.energy(1.0)) == (2.0, 3.0)
        assert damped.through_another(1.0) == 20.0
    for again in (copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        for original, extra in ((spring, 0.0), (damped, 1.0)):
            other = again(original)
            other.k = 7.0
            assert other.energy(1.0) == 7.0 + extra
            assert original.energy(1.0) == 2.0 + extra
    assert spring.energy is spring.energy
    assert Spring.energy is vars(Spring)["energy"]


def test_an_instance_keeps_its_jitted_methods_and_their_programs():
    class Well:
        depth = 2.0

        @jit
        def energy(self, x):
            calls.append(x)
            return self.depth * x

    calls, wells = [], [Well(), Well()]
    assert [well.energy(x) for x in (1.0, 3.0, 4.0) for well in wells] == [2, 2, 6, 6, 8, 8]
    assert wells[0].energy is wells[0].energy is not wells[1].energy
    assert len(calls) < 6  # the others are programs


def test_a_jitted_function_may_become_a_method_later():
    class Late:
        k = 2.0

    def power(self, x, n):
        assert type(n) is int
        return self.k * x**n

    Late.power = jit(power, static_argnums=-1)
    for n in (2, 3, 2):
        assert Late().power(3.0, n) == 2.0 * 3.0**n


def test_a_transformed_method_is_called_as_its_function_is():
    class Well:
        @grad
        def force(self, x):
            return x * x

    assert repr(Well().force) == "<grad(force)>"
    assert Well().force(3.0) == 6.0


def test_a_jitted_method_is_pickled_with_its_instance():
    for method, wanted in ((Spring(2.0).energy, 2.0), (Damped(2.0).energy, 3.0)):
        assert method(1.0) == wanted
        assert pickle.loads(pickle.dumps(method))(1.0) == wanted


@pytest.mark.parametrize(
    ("method", "factor"), [("energy", 1.0), ("twice", 2.0), ("through_another", 1.0)]
)
def test_attributes_of_self_are_guarded(method, factor):
    spring = Spring(2.0)
    for k in (2.0, 2.0, 3.0, 4.0, 2.0):
        spring.k = k
        assert getattr(spring, method)(1.0) == factor * k
    damped = Damped(2.0)
    for k in (2.0, 2.0, 3.0, 4.0, 2.0):
        damped.k = k
        assert damped.energy(1.0) == k + 1.0
        assert damped.through_another(1.0) == 10.0 * k
    try:
        for Spring.stiffness in (2.0, 3.0):
            assert spring.of_class(1.0) == Spring.stiffness
    finally:
        Spring.stiffness = 2.0


# -- pickling --------------------------------------------------------------------------------------


@grad
def at_top(x):
    return x**3


def named(x):
    return RATE * x * x


def test_transformed_functions_are_pickled_as_functions_are():
    assert pickle.loads(pickle.dumps(at_top)) is at_top
    again = pickle.loads(pickle.dumps(grad(named)))
    assert again(3.0) == 12.0
    k = 3.0
    for made, call, wanted in [
        (grad(lambda x: k * x * x), lambda g: g(2.0), 12.0),
        (jit(grad(lambda x: k * x * x)), lambda g: g(2.0), 12.0),
        (jit(lambda x, n: x * n, static_argnums=1), lambda g: g(2.0, 3), 6.0),
        (hessian(lambda x: k * x * x), lambda g: g(2.0), 6.0),
        (jacobian(lambda x: k * x * x), lambda g: g(2.0), 12.0),
        (derivative(lambda x: x**3, 2), lambda g: g(2.0), 12.0),
        (jvp(lambda x: k * x * x), lambda g: g((2.0,), (1.0,)), (12.0, 12.0)),
        (hvp(lambda x: k * x * x), lambda g: g((2.0,), (1.0,)), 6.0),
        (vjp(lambda x: k * x * x), lambda g: g(2.0)[1](1.0), (12.0,)),
        (value_and_grad(lambda x, y: k * x * y, (0, 1)), lambda g: g(1.0, 2.0), (6.0, (6.0, 3.0))),
    ]:
        call(made)
        assert call(pickle.loads(cloudpickle.dumps(made))) == wanted
        assert call(copy.deepcopy(made)) == wanted
