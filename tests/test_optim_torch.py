"""Optimizers, schedulers, clipping and norms do what PyTorch's do, step for step.

``seeds/torch_training.json`` holds PyTorch's float64 numbers (``make_torch_training.py`` writes it,
and says what is in it).
"""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import autodiff
from autodiff import Value, nn, optim
from autodiff.optim import lr_scheduler

TORCH = json.loads((Path(__file__).parent / "seeds" / "torch_training.json").read_text())
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
    assert len(rules) == 9
    for rule in rules:
        entries = [e for e in PATHS if e["optimizer"] == rule.__name__]
        options = set(inspect.signature(rule).parameters) - {"params"}
        assert options == {option for e in entries for option in e["options"]}, rule


# -- schedulers ------------------------------------------------------------------------------------


def schedule(entry):
    """The optimizer and the scheduler of an entry."""
    groups = [{"params": [Value(0.5)], "lr": 0.1}, {"params": [Value(-0.3)], "lr": 0.04}]
    optimizer = getattr(optim, entry["optimizer"])(groups, lr=0.1, **entry["optimizer_options"])
    options = dict(entry["options"])
    if entry["scheduler"] == "LambdaLR":
        options["lr_lambda"] = [lambda t: 0.9**t, lambda t: 1 / (1 + t)]
    if entry["scheduler"] == "SequentialLR":
        options["schedulers"] = [
            getattr(lr_scheduler, kind)(optimizer, **own) for kind, own in options["schedulers"]
        ]
    return optimizer, getattr(lr_scheduler, entry["scheduler"])(optimizer, **options)


@pytest.mark.parametrize("entry", SCHEDULES, ids=name)
def test_every_rate_and_momentum_is_pytorchs(entry):
    optimizer, scheduler = schedule(entry)
    plateau = entry["scheduler"] == "ReduceLROnPlateau"
    calls = [(m,) for m in TORCH["metrics"]] if plateau else [()] * (len(entry["rates"]) - 1)
    rates, momenta = [], []
    for call in [None, *calls]:
        if call is not None:
            scheduler.step(*call)
        rates.append(scheduler.get_last_lr())
        assert rates[-1] == [group["lr"] for group in optimizer.param_groups]
        if entry["momenta"]:
            groups = optimizer.param_groups
            momenta.append([g["betas"][0] if "betas" in g else g["momentum"] for g in groups])
    assert len(rates) > 40
    assert_close(rates, entry["rates"], scale=max(map(max, entry["rates"])))
    assert_close(momenta, entry["momenta"])


def test_every_scheduler_is_compared():
    kinds = {
        kind.__name__
        for kind in vars(lr_scheduler).values()
        if isinstance(kind, type) and hasattr(kind, "get_last_lr")
    }
    assert kinds - {"LRScheduler"} == {entry["scheduler"] for entry in SCHEDULES}


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
