"""Optimizers, schedulers, clipping and norms do what PyTorch's do, step for step.

``seeds/torch_training.json`` and ``torch_steps.json`` hold PyTorch's float64 numbers
(``make_torch_training.py`` and ``make_torch_steps.py`` write them, and say what is in them).
"""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import autodiff
from autodiff import Value, cos, exp, log, nn, optim, sqrt
from autodiff.optim import lr_scheduler

SEEDS = Path(__file__).parent / "seeds"
TORCH = json.loads((SEEDS / "torch_training.json").read_text())
CHAINS = json.loads((SEEDS / "torch_chains.json").read_text())
STEPS = json.loads((SEEDS / "torch_steps.json").read_text())
PATHS, SCHEDULES = TORCH["paths"], TORCH["schedules"]
NOT_THERE = {optim.Optimizer, optim.NoisySGD}


def name(entry):
    """What a test of an entry is called."""
    first, options, *_ = entry.values()
    return f"{first}-{'-'.join(options)}" if isinstance(options, dict) else first


def assert_close(ours, theirs, scale=0.0):
    """Equal to 1e-12, relative to the number or to a ``scale``."""
    np.testing.assert_allclose(ours, np.array(theirs, float), rtol=1e-12, atol=1e-12 * scale)


def surface(x, y, z):
    """What ``make_torch_training.surface`` is."""
    return autodiff.sin(x + y) + autodiff.cos(y - z) + 0.25 * autodiff.sin(x * z)


PROBLEMS = {
    "surface": lambda x, y, z, k: surface(x, y, z),
    "valley": lambda x, y, z, k: 100 * (y - x * x) ** 2 + (1 - x) ** 2 + (z - y) ** 2,
    "barrier": lambda x, y, z, k: (x - 1) ** 2 + 3 * (y + z) ** 2 - log(x) - log(y + z + 2),
    "hill": lambda x, y, z, k: 1 / (x * x + 0.01) + (y - z) ** 2 + x * x + y**4,
    "moving": lambda x, y, z, k: surface(x, y, z) + 0.1 * k * ((x - k) ** 2 + cos(y) * z),
    "root": lambda x, y, z, k: sqrt(x) + sqrt(y) + (z - x) ** 2,
    "overflow": lambda x, y, z, k: exp(x) + exp(-z) + x * y + y * y,
    "saddle": lambda x, y, z, k: x * x - y * y + x * z * z,
    "slope": lambda x, y, z, k: 3 * x - y + 0.5 * z,
}


# -- optimizers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", PATHS, ids=name)
def test_fifty_steps_are_pytorchs(entry):
    xs = [Value(x) for x in TORCH["start"]]
    params = xs
    if entry["groups"]:
        params = [{"params": [xs[i] for i in g], **options} for g, options in entry["groups"]]
    optimizer = getattr(optim, entry["optimizer"])(params, **entry["options"])
    path = []
    for step in range(1, 51):
        loss = surface(*xs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 2 == 0:
            path.append([x.data for x in xs])
    assert_close(path, entry["path"])


def test_every_option_of_every_optimizer_is_compared():
    rules = [
        rule
        for rule in vars(optim).values()
        if isinstance(rule, type) and issubclass(rule, optim.Optimizer) and rule not in NOT_THERE
    ]
    assert len(rules) == 11
    for rule in rules:
        entries = [e for e in PATHS if e["optimizer"] == rule.__name__]
        if rule is optim.LBFGS:
            entries = STEPS["searches"]
        options = set(inspect.signature(rule).parameters) - {"params"}
        assert options == {option for e in entries for option in e["options"]}, rule


@pytest.mark.parametrize("entry", STEPS["spikes"], ids=name)
def test_gradients_that_are_not_finite_lead_where_pytorchs_do(entry):
    xs = [Value(1.0) for _ in STEPS["gradients"][0]]
    optimizer = getattr(optim, entry["optimizer"])(xs, **entry["options"])
    for gradients, theirs in zip(STEPS["gradients"], entry["path"], strict=True):
        for x, gradient in zip(xs, gradients, strict=True):
            x.grad = float(gradient)
        optimizer.step()
        assert_close([x.data for x in xs], theirs)


def test_every_rule_is_given_gradients_that_are_not_finite():
    given = {e["optimizer"] for e in STEPS["spikes"]}
    assert given == {e["optimizer"] for e in PATHS}
    assert {e["optimizer"] for e in STEPS["spikes"] if "maximize" in e["options"]} == given


def search_name(entry):
    """What a test of a search is called."""
    return "-".join([entry["problem"], str(entry["start"][0]), *entry["options"]])


@pytest.mark.parametrize("entry", STEPS["searches"], ids=search_name)
def test_searches_evaluate_and_end_where_pytorchs_do(entry):
    problem = PROBLEMS[entry["problem"]]
    xs = [Value(x) for x in entry["start"]]
    optimizer = optim.LBFGS(xs, **entry["options"])
    evaluations = calls = 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        optimizer.zero_grad()
        loss = problem(*xs, calls)
        loss.backward()
        return loss

    for theirs in entry["steps"]:
        loss = optimizer.step(closure)
        calls += 1
        assert_close([loss.data, evaluations, *(x.data for x in xs)], theirs, scale=1.0)
    assert optimizer.state[0]["func_evals"] == evaluations
    assert optimizer.state[0]["step"] == calls


# -- schedulers ------------------------------------------------------------------------------------


def plan(optimizer, scheduler, options):
    """A scheduler, of which a sequence may be made."""
    given = dict(options)
    if scheduler in ("LambdaLR", "MultiplicativeLR"):
        given["lr_lambda"] = [lambda t: 0.9**t, lambda t: 1 / (1 + t)]
    if "scale_mode" in given:
        given["scale_fn"] = lambda x: 1 / (1 + 0.1 * x)
    if "schedulers" in given:
        given["schedulers"] = [plan(optimizer, *part) for part in given["schedulers"]]
    return getattr(lr_scheduler, scheduler)(optimizer=optimizer, **given)


def assert_rates_and_momenta(entry, schedulers, by_hand, added):
    """Those of all groups at the start and after every call of step() are PyTorch's."""
    groups = [{"params": [Value(0.5)], "lr": 0.1}, {"params": [Value(-0.3)], "lr": 0.04}]
    optimizer = getattr(optim, entry["optimizer"])(groups, lr=0.1, **entry["optimizer_options"])
    plans = [plan(optimizer, *each) for each in schedulers]
    assert len(entry["rates"]) > 40
    for call, theirs in enumerate(entry["rates"]):
        for group, rate in zip(optimizer.param_groups, by_hand.get(str(call), []), strict=False):
            group["lr"] = rate
        if str(call) in added:
            optimizer.add_param_group({"params": [Value(0.0)], "lr": added[str(call)]})
        if call:
            for each in plans:
                metric = [TORCH["metrics"][call - 1]] if "Plateau" in type(each).__name__ else []
                each.step(*metric)
        rates = [group["lr"] for group in optimizer.param_groups]
        assert_close(rates, theirs, scale=max(map(max, entry["rates"])))
        for each in plans:
            assert each.get_last_lr() == rates
        if entry["momenta"]:
            groups = optimizer.param_groups
            momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in groups]
            assert_close(momenta, entry["momenta"][call])


@pytest.mark.parametrize("entry", SCHEDULES, ids=name)
def test_every_rate_and_momentum_is_pytorchs(entry):
    assert_rates_and_momenta(entry, [[entry["scheduler"], entry["options"]]], {}, {})


def chain_name(entry):
    """What a test of a chain is called."""
    parts = [kind for kind, _ in entry["schedulers"]]
    return "-".join([*parts, *(["by hand"] if entry["by_hand"] else []), *entry["added"]])


@pytest.mark.parametrize("entry", CHAINS, ids=chain_name)
def test_schedulers_scale_the_rate_they_find_as_pytorchs_do(entry):
    assert_rates_and_momenta(entry, entry["schedulers"], entry["by_hand"], entry["added"])


@pytest.mark.parametrize(
    "entry", TORCH["restarts"], ids=lambda e: "{T_0}-{T_mult}".format(**e["options"])
)
def test_warm_restarts_can_be_sent_to_any_epoch_as_pytorchs_can(entry):
    optimizer = optim.SGD([Value(0.0)], lr=0.5)
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **entry["options"])
    for epoch, theirs in zip(entry["epochs"], entry["rates"], strict=True):
        scheduler.step(epoch)
        assert_close(scheduler.get_last_lr(), [theirs], scale=0.5)


def test_two_schedulers_stepped_together_multiply():
    optimizer = optim.SGD([Value(0.0)], lr=0.1)
    both = lr_scheduler.ExponentialLR(optimizer, 0.9), lr_scheduler.StepLR(optimizer, 2, 0.5)
    rates = []
    for _ in range(3):
        for scheduler in both:
            scheduler.step()
        rates += scheduler.get_last_lr()
    assert_close(rates, [0.09, 0.0405, 0.03645])
    optimizer.param_groups[0]["lr"] = 1.0
    for scheduler in both:
        scheduler.step()
    assert_close(scheduler.get_last_lr(), [0.45])


def test_every_scheduler_is_compared():
    kinds = {
        kind.__name__
        for kind in vars(lr_scheduler).values()
        if isinstance(kind, type) and hasattr(kind, "get_last_lr")
    }
    compared = [entry["scheduler"] for entry in SCHEDULES]
    chained = [kind for entry in CHAINS for kind, _ in entry["schedulers"]]
    by_hand = [e["schedulers"][0][0] for e in CHAINS if e["by_hand"]]
    assert kinds - {"LRScheduler"} == set(compared) == set(chained) == set(by_hand)


# -- clipping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", TORCH["clips"], ids=lambda e: f"{e['function']}{e['arguments']}")
def test_clipped_gradients_are_pytorchs(entry):
    xs = [Value(0.0) for _ in entry["gradients"]]
    for x, gradient in zip(xs, entry["gradients"], strict=True):
        x.grad = float(gradient)
    norm = getattr(optim, entry["function"])(xs, *map(float, entry["arguments"]))
    assert_close([x.grad for x in xs], entry["clipped"])
    if entry["norm"] is None:
        assert norm is None
    else:
        assert_close(norm, entry["norm"])


# -- norms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", TORCH["norms"], ids=name)
def test_norms_and_their_gradients_are_pytorchs(entry):
    eps = {} if entry["eps"] is None else {"eps": entry["eps"]}
    module = getattr(nn, entry["norm"])(4, **eps)
    xs = [Value(x) for x in entry["inputs"]]
    groups = [xs, module.weights]
    for parameter, number in zip(module.weights, entry["weights"], strict=True):
        parameter.data = number
    if entry["biases"] is not None:
        groups.append(module.biases)
        for parameter, number in zip(module.biases, entry["biases"], strict=True):
            parameter.data = number
    outputs = module(xs)
    assert_close([y.data for y in outputs], entry["outputs"])
    autodiff.dot(outputs, entry["seeds"]).backward()
    for leaves, theirs in zip(groups, entry["gradients"], strict=True):
        assert_close([leaf.grad for leaf in leaves], theirs, scale=max(map(abs, theirs)))
