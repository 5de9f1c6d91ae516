"""Optimizers: the arithmetic of their steps, and what they refuse."""

import math

import pytest

from autodiff import Value
from autodiff.optim import SGD, Optimizer


def test_plain_descent_subtracts_lr_times_the_gradient():
    x = Value(2.0)
    (x * x).backward()
    SGD([x], lr=0.25).step()
    assert x.data == 2.0 - 0.25 * 4.0


def test_momentum_adds_up_unscaled_gradients():
    x = Value(0.0)
    optimizer = SGD([x], lr=1.0, momentum=0.5)
    seen = []
    for _ in range(3):
        x.grad = 1.0
        optimizer.step()
        seen.append(x.data)
    assert seen == [-1.0, -2.5, -4.25]


def test_descent_reaches_the_minimum():
    x, y = Value(5.0), Value(-3.0)
    optimizer = SGD([x, y], lr=0.05, momentum=0.8)
    for _ in range(300):
        loss = (x - 1) ** 2 + 2 * (y + 2) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (x.data, y.data) == pytest.approx((1.0, -2.0), abs=1e-9)


def test_zero_grad_zeroes_every_gradient():
    x = Value(1.0)
    (x * 3).backward()
    SGD([x]).zero_grad()
    assert x.grad == 0.0


@pytest.mark.parametrize("name", ["lr", "momentum"])
@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_hyperparameters_must_be_finite_and_not_negative(name, bad):
    with pytest.raises(ValueError, match=f"{name} must be a finite number, 0 or more"):
        SGD([Value(1.0)], **{name: bad})


def test_a_learning_rate_must_be_a_number():
    with pytest.raises(TypeError, match=r"lr must be a real number, not 'fast' \(str\)"):
        SGD([Value(1.0)], lr="fast")


def test_parameters_must_be_leaves_each_once():
    x = Value(1.0, name="x")
    with pytest.raises(ValueError, match="there are no parameters"):
        SGD([])
    with pytest.raises(ValueError, match=r"parameter 1 \(x\) is there twice"):
        SGD([x, x])
    with pytest.raises(TypeError, match="parameter 0 must be a leaf, not the result of mul"):
        SGD([x * 2])
    with pytest.raises(TypeError, match=r"parameter 1 must be a Value, not 2\.0"):
        SGD([x, 2.0])


def test_an_optimizer_without_a_rule_says_so():
    with pytest.raises(TypeError, match=r"Optimizer does not define update\(\)"):
        Optimizer([Value(1.0)], {"maximize": False, "weight_decay": 0.0}).step()
