"""primitive(): adding a primitive of one's own."""

import contextlib
import importlib
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest

from autodiff import (
    Value,
    abs,
    derivative,
    exp,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    log,
    primitive,
    sin,
    square,
)
from autodiff.compiler.decisions import LEAF
from autodiff.ops import ROWS
from autodiff.value import code_of

softsign = primitive("softsign", lambda a: a / (1 + abs(a)), [lambda a, v: 1 / square(1 + abs(a))])
power = primitive(
    "power_of_two_operands",
    lambda a, b: a**b,
    [lambda a, b, v: b * a ** (b - 1), lambda a, b, v: v * log(a)],
    label="^",
)


def test_it_is_a_function_of_floats_arrays_and_values():
    assert softsign(1.0) == 0.5
    assert softsign(1) == 0.5
    assert type(softsign(0)) is float
    assert softsign(np.array([1.0, -3.0])).tolist() == [0.5, -0.75]
    v = softsign(Value(-3.0))
    assert (v.data, v.op, v.partials) == (-0.75, "softsign", (0.0625,))
    objects = softsign(np.array([Value(1.0), Value(-3.0)]))
    assert [x.data for x in objects] == [0.5, -0.75]
    assert softsign.__name__ == "softsign"


KINDS = [int, np.int64, np.uint8, np.float32, np.float64, Fraction]


@pytest.mark.parametrize("kind", [*KINDS, bool, np.bool_])
def test_every_kind_of_number_is_a_float_everywhere(kind):
    """Where it is recorded, traced, differentiated again, and asked for partials."""
    given = set()
    scaled = primitive(
        f"scaled_{kind.__name__}",
        lambda a, b: given.update((type(a), type(b))) or a * b * b,
        [lambda a, b, v: b * b, lambda a, b, v: given.update((type(a), type(b))) or 2 * a * b],
    )
    one = kind(1)

    def f(x):
        return scaled(one, x) + scaled(x, one)

    x = Value(3.0)
    y = f(x)
    y.backward(create_graph=True)
    slope, x.grad = x.grad, 0.0
    slope.backward()
    assert (y.data, slope.data, x.grad) == (f(3.0), 7.0, 2.0) == (12.0, 7.0, 2.0)
    assert scaled(one, x).operands == (1.0, x)
    assert (jit(f)(3.0), grad(f)(3.0), jit(grad(f))(3.0)) == (12.0, 7.0, 7.0)
    assert [derivative(f, n)(3.0) for n in range(4)] == [12.0, 7.0, 2.0, 0.0]
    assert hessian(f)(3.0) == jacobian(grad(f))(3.0) == hvp(f, (3.0,), (1.0,)) == 2.0
    assert jvp(f, (3.0,), (1.0,)) == (12.0, 7.0)
    assert scaled(np.array([one, one]), x)[1].data == 9.0
    assert given == {float, Value}


def test_partials_may_be_numbers_of_every_kind():
    for kind in (*KINDS, bool):
        line = primitive(f"line_{kind.__name__}_", lambda a: a + 1, [lambda a, v: kind(1)])  # noqa: B023  # called at once

        def f(x):
            return line(x) * line(x)  # noqa: B023  # called at once

        x = Value(3.0)
        y = f(x)
        y.backward()
        assert (y.data, x.grad) == (16.0, 8.0)
        x.grad = 0.0
        f(x).backward(create_graph=True)
        assert x.grad.data == 8.0
        assert [derivative(f, n)(3.0) for n in range(4)] == [16.0, 8.0, 2.0, 0.0]
        assert grad(grad(f))(3.0) == 2.0


def test_it_is_one_node_in_a_graph():
    x = Value(1.0)
    y = softsign(x * 2) * 3
    y.backward()
    node = y.operands[0]
    assert (node.op, node.operands[0].op) == ("softsign", "mul")
    assert x.grad == pytest.approx(3 * 2 / 9, rel=1e-15)


def test_two_operands_each_have_a_partial():
    a, b = Value(2.0), Value(3.0)
    power(a, b).backward()
    assert a.grad == 12.0
    assert b.grad == pytest.approx(8 * math.log(2), rel=1e-15)
    assert power(a, 3).partials == (12.0, 0.0)
    assert power(a, np.array([1.0, 2.0]))[1].data == 4.0


def test_the_partial_of_a_constant_is_not_evaluated():
    x = Value(3.0)
    v = power(-2.0, x)
    assert v.data == -8.0
    assert v.partials[0] == 0.0
    assert math.isnan(v.partials[1])
    asked = []
    spy = primitive(
        "spy", lambda a, b: a * b, [lambda a, b, v: asked.append("a") or b, lambda a, b, v: a]
    )
    assert spy(2.0, x).data == 6.0
    assert asked == []


def test_a_trace_asks_for_no_partials():
    asked = []
    squared = primitive("squared_asked", lambda a: a * a, [lambda a, v: asked.append(a) or 2 * a])
    assert jit(lambda x: squared(x) + 1)(3.0) == 10.0
    assert asked == []


def test_partials_written_in_values_are_differentiated_again():
    x = Value(1.0)
    y = softsign(x)
    wanted = [0.25, -0.25, 0.375]  # 1/(1+a)**2 and so on
    for expected in wanted:
        x.grad = 0.0
        y.backward(create_graph=True)
        y = x.grad
        assert y.data == pytest.approx(expected, rel=1e-15)
    a, b = Value(2.0), Value(3.0)
    power(a, b).backward(create_graph=True)
    da, a.grad = a.grad, 0.0
    b.grad = 0.0
    da.backward()
    assert a.grad == 12.0
    assert b.grad == pytest.approx(4 + 12 * math.log(2), rel=1e-15)


def test_a_partial_of_floats_only_serves_once():
    once = primitive("once", math.sin, [lambda a, v: math.cos(a)])
    assert (once.__module__, once.__name__) == (__name__, "once")
    x = Value(0.5)
    y = once(x)
    y.backward()
    assert x.grad == math.cos(0.5)
    with pytest.raises(TypeError, match=r"autodiff\.sin"):
        y.backward(create_graph=True)


def test_primitives_may_be_made_of_primitives():
    outer = primitive(
        "outer", lambda a: sin(softsign(a)), [lambda a, v: (1 - v * v) ** 0.5 / square(1 + abs(a))]
    )
    x = Value(0.5)
    outer(x).backward()
    assert x.grad == pytest.approx(math.cos(1 / 3) / 2.25, rel=1e-15)


def test_a_partial_may_be_made_of_a_primitive():
    ln = primitive("ln_by_math", lambda a: math.log(a), [lambda a, v: 1 / a])
    x_ln = primitive("x_ln", lambda a: a * math.log(a) - a, [lambda a, v: ln(a)])
    assert (grad(x_ln)(2.0), hessian(x_ln)(2.0)) == (math.log(2.0), 0.5)


def test_a_partial_with_branches_decides_at_every_call():
    size = primitive(
        "size_by_branches", lambda a: a if a > 0 else -a, [lambda a, v: 2 * (a > 0) - 1]
    )
    for slope in (jacobian(size), jit(jacobian(size))):
        assert [slope(x) for x in (2.0, -2.0, 3.0)] == [1.0, -1.0, 1.0]


def test_a_partial_that_reads_a_value_from_outside_is_refused():
    w = Value(3.0)
    scaled = primitive("scaled_from_outside", lambda a: 3.0 * a, [lambda a, v: w * 1.0])
    for transform in (grad, lambda f: jit(jacobian(f))):
        with pytest.raises(TypeError, match=r"partial 1 of .*must be a real number, not Value"):
            transform(scaled)(2.0)


def test_it_has_the_docstring_of_its_value():
    def doubled(a):
        """Twice ``a``."""
        return 2 * a

    assert primitive("documented", doubled, [lambda a, v: 2.0]).__doc__ == "Twice ``a``."


def test_lists_that_it_was_given_may_be_changed_afterwards():
    partials, domain = [lambda a, v: 2 * a], [(0.0, 9.0)]
    squared = primitive("squared_of_lists", lambda a: a * a, partials, domain=domain)
    partials[0], domain[0] = lambda a, v: 0.0, (0.0, 0.0)
    x = Value(3.0)
    y = squared(x)
    y.backward()
    assert x.grad == 6.0
    assert ROWS[code_of(y)].domain == ((0.0, 9.0),)


def test_what_is_wrong_with_a_definition_is_said():
    with pytest.raises(ValueError, match=r"'sin'.*already"):
        primitive("sin", math.sin, [lambda a, v: math.cos(a)])
    with pytest.raises(ValueError, match=r"'softmax'.*already"):
        primitive("softmax", math.sin, [lambda a, v: math.cos(a)])
    with pytest.raises(ValueError, match=r"'take'.*already"):
        primitive("take", math.sin, [lambda a, v: math.cos(a)])
    with pytest.raises(ValueError, match=r"1 operands \(a\) want as many partials, not 2"):
        primitive("two_partials", lambda a: a, [lambda a, v: 1.0, lambda a, v: 1.0])
    with pytest.raises(ValueError, match=r"2 operands \(a, b\).*not 1"):
        primitive("one_partial", lambda a, b: a, [lambda a, b, v: 1.0])
    with pytest.raises(ValueError, match="0 operands"):
        primitive("none", lambda: 1.0, [])
    rows = len(ROWS)
    with pytest.raises(TypeError, match=r"a name must be a string, not 3 \(int\)"):
        primitive(3, lambda a: a, [lambda a, v: 1.0])
    assert len(ROWS) == rows
    with pytest.raises(TypeError, match=r"'a \+ 1' \(str\) is not a function"):
        primitive("text", "a + 1", [lambda a, v: 1.0])
    with pytest.raises(TypeError, match=r"'1' \(str\) is not a function"):
        primitive("text", lambda a: a + 1, ["1"])


def test_more_primitives_than_nodes_can_number_are_refused(monkeypatch):
    module = importlib.import_module("autodiff.primitive")
    monkeypatch.setattr(module, "ROWS", module.ROWS * 2**16)
    with pytest.raises(OverflowError, match=r"'one_more'.*no more than"):
        primitive("one_more", lambda a: a, [lambda a, v: 1.0])


def test_the_last_number_of_16_bits_is_left_to_decisions(monkeypatch):
    module = importlib.import_module("autodiff.primitive")
    row = module.ROWS[1]
    monkeypatch.setattr(module, "ROWS", [row] * (2**16 - 2))
    assert module.numbered(row) == LEAF - 1 == 2**16 - 2
    with pytest.raises(OverflowError):
        module.numbered(row)


def test_rows_that_come_at_once_get_two_numbers(monkeypatch):
    module = importlib.import_module("autodiff.primitive")
    both = threading.Barrier(2)

    class Rows(list):
        def append(self, row):
            super().append(row)
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(0.1)  # for the other thread, which had better not come

    monkeypatch.setattr(module, "ROWS", Rows())
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(module.numbered, ["one row", "another"])) == [0, 1]


def test_what_is_wrong_with_a_call_is_said():
    with pytest.raises(TypeError, match=r"softsign\(a\) was given 2 operands"):
        softsign(1.0, 2.0)
    for operands in [(Value(1.0), "b"), (1.0, "b")]:
        with pytest.raises(TypeError, match=r"operand 2 of power_of_two_operands\(\).*'b' \(str\)"):
            power(*operands)
    with pytest.raises(TypeError, match="not of"):
        softsign(np.array(["a"]))


def test_what_is_wrong_with_a_result_is_said():
    text = primitive("text_value", lambda a: "x", [lambda a, v: 1.0])
    with pytest.raises(TypeError, match=r"value function of text_value\(\).*'x' \(str\)"):
        text(Value(1.0))
    text = primitive("text_partial", lambda a: a, [lambda a, v: None])
    with pytest.raises(TypeError, match=r"partial 1 of text_partial\(\).*None"):
        text(Value(1.0))


def test_an_error_inside_is_the_callers_to_see():
    def logarithm(a):
        if a <= 0:
            raise ValueError("not of such a number")
        return math.log(a)

    strict = primitive("strict", logarithm, [lambda a, v: 1 / a])
    with pytest.raises(ValueError, match="not of such a number"):
        strict(Value(-1.0))
    assert exp(strict(Value(2.0))).data == pytest.approx(2.0)


@pytest.mark.parametrize("number", [3, True, np.float32(3.0), np.int8(3), np.True_, 3.0])
def test_every_kind_of_number_is_an_operand(number):
    product = primitive(
        f"product of {number!r}",
        lambda a, b: a * b,
        [lambda a, b, v: b, lambda a, b, v: a],
    )
    n = float(number)
    assert (product(number, 2.0), product(2, number)) == (2 * n, 2 * n)
    for transform in (grad, lambda f: jit(grad(f)), derivative):
        assert transform(lambda x: product(x, number) * product(number, x))(2.0) == 4 * n * n
    assert hessian(lambda x: product(x, number) * product(number, x))(2.0) == 2 * n * n
    assert jit(lambda x, m: product(x, m))(2.0, number) == 2 * n
    assert grad(product)(number, 2) == 2.0
