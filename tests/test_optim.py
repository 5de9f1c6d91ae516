"""Optimizers: the arithmetic of their steps, groups, states, and what they refuse."""

import copy
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import Value, optim
from autodiff.optim import SGD, Adam, NoisySGD, Optimizer, clip_grad_norm_, clip_grad_value_

RULES = ["SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"]
RULES.append("Rprop")


def assert_same(ours, theirs):
    """Two states are equal, arrays and all."""
    np.testing.assert_equal(ours, theirs)


def walk(optimizer, xs, steps):
    """Some steps on a bowl, and where they lead."""
    for _ in range(steps):
        loss = sum(((k + 1) * (x - k) ** 2 for k, x in enumerate(xs)), 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return [x.data for x in xs]


def test_an_optimizer_is_shown_with_its_options_group_by_group():
    x, y = Value(0.0), Value(1.0)
    shown = repr(Adam([x, y], lr=0.1))
    assert shown.startswith("Adam(2 parameters, lr=0.1, betas=(0.9, 0.999), eps=1e-08")
    shown = repr(SGD([{"params": [x]}, {"params": [y], "lr": 0.5}], lr=0.1))
    assert shown.startswith("SGD(1 parameter, lr=0.1, momentum=0.0")
    assert "; 1 parameter, lr=0.5, momentum=0.0" in shown


def test_plain_descent_subtracts_lr_times_the_gradient():
    x = Value(2.0)
    (x * x).backward()
    SGD([x], lr=0.25).step()
    assert x.data == 2.0 - 0.25 * 4.0


def test_a_closure_is_called_first_and_what_it_returns_is_returned():
    x = Value(2.0)
    optimizer = SGD([x], lr=0.25)

    def closure():
        loss = x * x
        optimizer.zero_grad()
        loss.backward()
        return loss

    assert optimizer.step(closure).data == 4.0
    assert x.data == 1.0
    assert optimizer.step() is None
    assert x.data == 0.0


def test_resilient_steps_grow_and_shrink_with_the_signs_alone():
    x = Value(0.0)
    optimizer = optim.Rprop([x], lr=1.0, etas=(0.5, 2.0), step_sizes=(0.75, 3.0))
    seen = []
    for gradient in (1e-9, 1e9, 5.0, -1e-9, -7.0, 7.0, 7.0, 7.0):
        x.grad = gradient
        optimizer.step()
        seen.append(x.data)
    # 1, then 2 and 3 (for 4); half of it, but no step; 1.5 back; 0.75, but no step; on and on
    assert seen == [-1.0, -3.0, -6.0, -6.0, -4.5, -4.5, -5.25, -6.75]


def test_momentum_adds_up_unscaled_gradients():
    x = Value(0.0)
    optimizer = SGD([x], lr=1.0, momentum=0.5)
    seen = []
    for _ in range(3):
        x.grad = 1.0
        optimizer.step()
        seen.append(x.data)
    assert seen == [-1.0, -2.5, -4.25]


def test_the_moving_average_of_textbooks_is_dampening_but_for_the_first_step():
    gradients, gamma, lr = [1.0, -2.0, 0.5, 3.0, -1.0], 0.75, 0.5
    x = Value(0.0)
    optimizer = SGD([x], lr=lr, momentum=gamma, dampening=gamma)
    p, v = 0.0, gradients[0]  # a textbook's first velocity is (1 - gamma)*g
    for k, g in enumerate(gradients):
        x.grad = g
        optimizer.step()
        v = gamma * v + (1 - gamma) * g if k else v
        p -= lr * v
        assert x.data == p
    assert "moving average" in SGD.__doc__
    assert "but for the first step" in SGD.__doc__


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


# -- what is refused -------------------------------------------------------------------------------

NOT_NEGATIVE = {
    "SGD": ["lr", "momentum", "dampening", "weight_decay"],
    "Adagrad": ["lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"],
    "Adadelta": ["lr", "rho", "eps", "weight_decay"],
    "RMSprop": ["lr", "alpha", "eps", "weight_decay", "momentum"],
    **{name: ["lr", "eps", "weight_decay"] for name in ("Adam", "AdamW", "Adamax", "RAdam")},
    "NAdam": ["lr", "eps", "weight_decay", "momentum_decay"],
    "NoisySGD": ["lr", "std", "weight_decay"],
    "Rprop": ["lr"],
}


def make(name, params, **options):
    """An optimizer, with a generator if it wants one."""
    if name == "NoisySGD":
        options["rng"] = np.random.default_rng(0)
    return getattr(optim, name)(params, **options)


@pytest.mark.parametrize(("name", "option"), [(n, o) for n, os in NOT_NEGATIVE.items() for o in os])
def test_bad_options_are_refused_and_no_group_is_added(name, option):
    optimizer = make(name, [Value(1.0)])
    before = copy.deepcopy(optimizer.state_dict())
    for bad in (-1e-3, math.nan, math.inf):
        message = f"{option} must be a finite number, 0 or more, not {bad}"
        with pytest.raises(ValueError, match=message):
            make(name, [Value(1.0)], **{option: bad})
        with pytest.raises(ValueError, match=message):
            optimizer.add_param_group({"params": [Value(2.0)], option: bad})
    for bad in ("1", None, 1j, [0.1]):
        with pytest.raises(TypeError, match=f"{option} must be a real number, not"):
            make(name, [Value(1.0)], **{option: bad})
    assert_same(optimizer.state_dict(), before)
    assert len(optimizer.params) == 1


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"])
def test_betas_are_two_numbers_below_one(name):
    for betas in ((1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, math.nan)):
        with pytest.raises(ValueError, match="betas must be from 0 up and below 1, not "):
            make(name, [Value(1.0)], betas=betas)
    for betas in ((0.9,), (0.9, 0.99, 0.999), 0.9, None):
        with pytest.raises(ValueError, match="betas must be two numbers, not"):
            make(name, [Value(1.0)], betas=betas)
    with pytest.raises(TypeError, match="betas must be a real number, not 'a'"):
        make(name, [Value(1.0)], betas=("a", 0.9))


def test_options_that_do_not_go_together_are_refused():
    x = Value(1.0)
    message = "nesterov=True wants a momentum above 0 and a dampening of 0"
    with pytest.raises(ValueError, match=message):
        SGD([x], nesterov=True)
    with pytest.raises(ValueError, match=message):
        SGD([x], nesterov=True, momentum=0.9, dampening=0.1)
    with pytest.raises(ValueError, match=r"rho must be from 0 to 1, not 1\.5"):
        optim.Adadelta([x], rho=1.5)
    for pair in ((0.5,), 0.5, None, "ab", (0.5, 1.2, 2.0)):
        for name in ("etas", "step_sizes"):
            with pytest.raises(ValueError, match=f"{name} must be two numbers, not"):
                optim.Rprop([x], **{name: pair})
    for etas in ((0.0, 1.2), (1.0, 1.2), (0.5, 1.0), (1.2, 0.5), (math.nan, 1.2), (0.5, math.nan)):
        with pytest.raises(ValueError, match="etas must be one between 0 and 1, and one above 1"):
            optim.Rprop([x], etas=etas)
    for sizes in ((-1e-6, 50), (2.0, 1.0), (math.nan, 1.0), (0.1, math.nan)):
        with pytest.raises(ValueError, match="step_sizes must be from 0 up, the smaller first"):
            optim.Rprop([x], step_sizes=sizes)
    with pytest.raises(TypeError, match="step_sizes must be a real number, not None"):
        optim.Rprop([x], step_sizes=(0.1, None))
    for rng in (None, 0, np.random):
        with pytest.raises(TypeError, match=r"takes a numpy\.random\.Generator, not"):
            NoisySGD([x], rng=rng)


# -- groups ----------------------------------------------------------------------------------------


def test_groups_have_options_of_their_own_and_the_defaults():
    x, y, z = (Value(1.0, name=n) for n in "xyz")
    optimizer = SGD([{"params": [x]}, {"params": y, "lr": 0.5}], lr=0.1, weight_decay=0.0)
    optimizer.add_param_group({"params": (z,), "maximize": True})
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.5, 0.1]
    assert optimizer.params == [x, y, z]
    for p in optimizer.params:
        p.grad = 1.0
    optimizer.step()
    assert [p.data for p in optimizer.params] == [0.9, 0.5, 1.1]
    optimizer.zero_grad()
    assert [p.grad for p in optimizer.params] == [0.0] * 3


def test_what_groups_refuse():
    x, y = Value(1.0, name="x"), Value(2.0)
    optimizer = SGD([x])
    refused = [
        ({"params": [y], "betas": (0.9, 0.9)}, ValueError, "SGD has no option 'betas'"),
        ({"params": []}, ValueError, "there are no parameters"),
        ({"params": [y, x]}, ValueError, r"parameter 1 \(x\) is there twice"),
        ({"params": [y * 2]}, TypeError, "must be a leaf, not the result of mul"),
        ({"params": [2.0]}, TypeError, r"parameter 0 must be a Value, not 2\.0"),
        ({"lr": 0.1}, TypeError, "a group must be a dict with 'params'"),
        ([y], TypeError, "a group must be a dict with 'params'"),
    ]
    for group, error, message in refused:
        with pytest.raises(error, match=message):
            optimizer.add_param_group(group)
    assert optimizer.params == [x]
    assert len(optimizer.state) == len(optimizer.param_groups) == 1
    with pytest.raises(TypeError, match="a group must be a dict"):
        SGD([{"params": [y]}, x])


# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_a_loaded_state_continues_bit_for_bit(name):
    xs = [Value(5.0), Value(-3.0), Value(0.5)]
    more = {} if name == "Rprop" else {"weight_decay": 0.01}
    optimizer = make(name, [{"params": xs[:1], "lr": 0.03}, {"params": xs[1:]}], **more)
    start = walk(optimizer, xs, 7)
    state = optimizer.state_dict()
    kept = copy.deepcopy(state)
    twins = [Value(x) for x in start]
    twin = make(name, [{"params": twins[:1]}, {"params": twins[1:]}], lr=0.5)
    twin.load_state_dict(state)
    assert walk(twin, twins, 9) == walk(optimizer, xs, 9)
    assert_same(twin.state_dict(), optimizer.state_dict())
    assert_same(state, kept)  # a copy, which no step changes


def test_a_state_that_does_not_fit_changes_nothing():
    xs = [Value(1.0), Value(2.0)]
    optimizer = Adam([{"params": xs[:1]}, {"params": xs[1:], "lr": 0.5}])
    walk(optimizer, xs, 3)
    before = copy.deepcopy(optimizer.state_dict())
    others = [
        (Adam([Value(1.0)]), "the saved optimizer has 1 groups, this one 2"),
        (
            Adam([{"params": [Value(1.0)]}, {"params": [Value(1.0), Value(1.0)]}]),
            "group 1 has 1 parameters, the saved one 2",
        ),
        (
            SGD([{"params": [Value(1.0)]}, {"params": [Value(1.0)]}]),
            "group 0: option 'amsgrad' is only in one of the two",
        ),
    ]
    for other, message in others:
        with pytest.raises(ValueError, match=message):
            optimizer.load_state_dict(other.state_dict())
        assert_same(optimizer.state_dict(), before)


def broken(change):
    """An optimizer of two groups that has made steps, and a state of it that was changed."""
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    optimizer = Adam([{"params": xs[:1]}, {"params": xs[1:], "lr": 0.5}])
    walk(optimizer, xs, 3)
    state = copy.deepcopy(optimizer.state_dict())
    change(state["param_groups"][1], state["state"][1])
    return optimizer, state


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda g, s: s.update(mean=np.zeros(3)),
            ValueError,
            r"'mean' .* \(3,\); .* \(2,\) is expected",
        ),
        (lambda g, s: s.update(mean=np.zeros((2, 1))), ValueError, r"'mean' .* shape \(2, 1\)"),
        (lambda g, s: s.update(mean=np.zeros(2, "f4")), ValueError, "'mean' .* array of float32"),
        (lambda g, s: s.update(mean="0"), TypeError, "group 1: 'mean' must be an array of 2 numb"),
        (lambda g, s: s.update(mean=0.5), TypeError, r"group 1: 'mean' must be .*, not 0\.5"),
        (lambda g, s: s.update(mean=None), TypeError, "group 1: 'mean' must be .*, not None"),
        (lambda g, s: s.update(mean=[0.0, 0.0]), TypeError, "group 1: 'mean' must be an array"),
        (lambda g, s: s.update(mean=np.zeros(2, ">f8")), ValueError, "'mean' .* array of >f8"),
        (lambda g, s: s.pop("mean"), ValueError, "group 1: the saved state has no 'mean'"),
        (lambda g, s: s.update(maen=np.zeros(2)), ValueError, "has 'maen', which Adam does not"),
        (lambda g, s: s.update(velocity=np.zeros(2)), ValueError, "has 'velocity', which Adam"),
        (
            lambda g, s: s.update(step=0),
            ValueError,
            "which Adam does not keep before its first step",
        ),
        (lambda g, s: s.update(step=True), ValueError, "group 1: 'step' must be .*, not True"),
        (lambda g, s: s.update(step=10**400), ValueError, "group 1: 'step' must be an integer"),
        (lambda g, s: s.update(step=np.zeros(2)), ValueError, "group 1: 'step' must be an inte"),
        (lambda g, s: g.update(maximize="no"), TypeError, "group 1: maximize must be True or F"),
        (lambda g, s: g.update(lr=np.zeros(2)), TypeError, "group 1: lr must be a real number"),
        (
            lambda g, s: g.update(params=True),
            TypeError,
            "group 1: 'params' must be how many .* True",
        ),
        (lambda g, s: g.update(params=[1, 2]), TypeError, "group 1: 'params' must be how"),
        (lambda g, s: g.update({3: 4}), ValueError, "option 3 is only in one of the two"),
        (lambda g, s: s.update(step=-1), ValueError, "group 1: 'step' must be an integer from 0"),
        (lambda g, s: s.update(step=1.5), ValueError, r"group 1: 'step' must be .*, not 1\.5"),
        (lambda g, s: s.pop("step"), ValueError, "group 1: 'step' must be .*, not None"),
        (lambda g, s: g.update(lr=-0.5), ValueError, r"lr must be a finite number, .* not -0\.5"),
        (lambda g, s: g.update(lr="1"), TypeError, "lr must be a real number, not '1'"),
        (lambda g, s: g.update(betas=(0.9, 1.5)), ValueError, "betas must be .* below 1, not 1.5"),
        (lambda g, s: g.update(initial_lr=None), TypeError, "initial_lr must be a real number"),
        (lambda g, s: g.pop("params"), ValueError, "option 'params' is only in one of the two"),
    ],
)
def test_a_state_that_makes_no_sense_changes_nothing(change, error, message):
    optimizer, state = broken(change)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert_same(optimizer.state_dict(), before)


def test_a_state_of_fewer_groups_than_options_is_refused():
    optimizer, state = broken(lambda g, s: None)
    state["state"].pop()
    with pytest.raises(ValueError, match="the saved optimizer has 1 groups, this one 2"):
        optimizer.load_state_dict(state)


def test_options_become_pythons_own_numbers():
    numbers = {"lr": np.float32(0.1), "eps": Fraction(1, 8), "betas": [np.float32(0.5), np.int8(0)]}
    group = Adam([Value(1.0)], **numbers, amsgrad=np.True_, weight_decay=np.int64(0)).param_groups[
        0
    ]
    assert group["lr"] == float(np.float32(0.1))
    assert [type(group[k]) for k in ("lr", "eps", "amsgrad", "weight_decay")] == [
        *(float, float, bool, int)
    ]
    assert group["betas"] == (0.5, 0)
    assert [type(b) for b in group["betas"]] == [float, int]


# -- interrupts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_an_interrupted_step_is_made_as_a_whole_or_not_at_all(name):
    options = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.5, "centered": True}}

    def fresh():
        xs = [Value(5.0), Value(-3.0), Value(0.5)]
        optimizer = make(name, [{"params": xs[:1]}, {"params": xs[1:]}], **options.get(name, {}))
        walk(optimizer, xs, 2)
        return optimizer, xs

    def now(optimizer, xs):
        return [x.data for x in xs], optimizer.state_dict()

    optimizer, xs = fresh()
    before = now(optimizer, xs)
    optimizer.step()
    after = now(optimizer, xs)
    for moment in itertools.count():
        optimizer, xs = fresh()
        if not interrupted(optimizer.step, moment):
            break
        reached = now(optimizer, xs)
        assert_same(reached, before if reached[0] == before[0] else after)
    assert moment > 20


# -- noise -----------------------------------------------------------------------------------------


def from_saddle(optimizer_of):
    """Where 100 steps from the saddle of x*x - y*y lead."""
    x, y = Value(0.0), Value(0.0)
    optimizer = optimizer_of([x, y])
    for _ in range(100):
        loss = x**2 - y**2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return x.data, y.data


def test_noise_leaves_a_saddle_where_plain_descent_stays():
    assert from_saddle(lambda params: SGD(params, lr=0.1)) == (0.0, 0.0)
    x, y = from_saddle(lambda p: NoisySGD(p, lr=0.1, rng=np.random.default_rng(0)))
    assert abs(x) < 0.1
    assert abs(y) > 1.0


def test_noise_repeats_with_the_generator():
    ends = [
        from_saddle(lambda p, seed=seed: NoisySGD(p, lr=0.1, rng=np.random.default_rng(seed)))
        for seed in (0, 0, 1)
    ]
    assert ends[0] == ends[1] != ends[2]


def test_noise_has_the_deviation_that_is_asked_for():
    xs = [Value(0.0) for _ in range(4000)]
    NoisySGD(xs, lr=0.5, std=3.0, rng=np.random.default_rng(0)).step()
    moved = np.array([x.data for x in xs])
    assert abs(moved.mean()) < 4 * 1.5 / 4000**0.5
    assert moved.std() == pytest.approx(1.5, rel=0.05)
    xs = [Value(1.0)]
    optimizer = NoisySGD(xs, lr=0.1, std=0.0, rng=np.random.default_rng(0), weight_decay=0.5)
    xs[0].grad = 2.0
    optimizer.step()
    assert xs[0].data == 1.0 - 0.1 * 2.5


# -- clipping --------------------------------------------------------------------------------------


def test_a_norm_that_is_small_enough_leaves_gradients_alone():
    x, y = Value(0.0), Value(0.0)
    x.grad, y.grad = 0.3, 0.1
    assert clip_grad_norm_(iter([x, y]), 5.0) == pytest.approx(math.hypot(0.3, 0.1), rel=1e-15)
    assert (x.grad, y.grad) == (0.3, 0.1)


def test_clipping_takes_a_parameter_or_none_at_all():
    x = Value(0.0)
    x.grad = -8.0
    assert clip_grad_norm_(x, 4.0) == 8.0
    assert x.grad == pytest.approx(-4.0, rel=1e-6)
    clip_grad_value_(x, 0.5)
    assert x.grad == -0.5
    assert clip_grad_norm_([], 1.0) == 0.0
    clip_grad_value_([], 1.0)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_bad_bounds_are_refused_and_gradients_left_alone(bad):
    x = Value(0.0)
    x.grad = 3.0
    with pytest.raises(ValueError, match="max_norm must be a finite number, 0 or more"):
        clip_grad_norm_([x], bad)
    with pytest.raises(ValueError, match="clip_value must be a finite number, 0 or more"):
        clip_grad_value_([x], bad)
    assert x.grad == 3.0


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
@pytest.mark.parametrize("wrong", [2.0, None, "x"])
def test_clipping_refuses_what_is_not_a_value(clip, wrong):
    x = Value(1.0)
    x.grad = 5.0
    with pytest.raises(TypeError, match=f"parameter 1 must be a Value, not {wrong!r}"):
        clip([x, wrong], 1.0)
    assert x.grad == 5.0


def test_a_group_into_which_something_else_was_put_is_no_crash():
    x = Value(1.0)
    optimizer = SGD([x, Value(2.0)])
    for wrong in (None, 3.0):
        optimizer.param_groups[0]["params"][1] = wrong
        for call in (optimizer.step, optimizer.zero_grad):
            with pytest.raises(TypeError, match="parameter 1 must be a Value, not"):
                call()
    assert x.data == 1.0


class Meddling(SGD):
    """It changes the list of its parameters in the middle of a step."""

    def update(self, p, g, state, group):
        group["params"][:] = self.others
        super().update(p, g, state, group)


@pytest.mark.parametrize("others", [[], [None, 3.0], [None] * 9])
def test_parameters_replaced_during_a_step_are_no_crash(others):
    optimizer = Meddling([Value(1.0), Value(2.0)])
    optimizer.others = others
    optimizer.step()
    assert optimizer.param_groups[0]["params"] == others
