"""Write seeds/torch_training.json: what PyTorch's float64 does in training.

Run by hand, where PyTorch is installed: ``python tests/tools/make_torch_training.py``.  The file::

    torch       its version of PyTorch
    start       where the optimizers start on ``surface``
    paths       [{optimizer, options, groups, path}]: the 3 parameters after 2, 4, ... 50 steps;
                groups, if not null, are [indices of parameters, options]
    schedules   [{scheduler, options, optimizer, optimizer_options, rates, momenta}]: a row for each
                call of step(), and one before the first; a number for each of the two groups
    (in torch_chains.json, the list alone)
    chains      [{schedulers, by_hand, added, optimizer, optimizer_options, rates, momenta}]: as
                schedules, but of several [scheduler, options] on one optimizer, stepped in turn;
                before call k of step() the rates are set by_hand[k], or a group is added with the
                rate added[k]
    restarts    [{options, epochs, rates}]: of CosineAnnealingWarmRestarts, what step() is given,
                and the rate after it
    metrics     what ReduceLROnPlateau is given
    losses      [{loss, arguments, options, value, gradient}], by the first argument
    clips       [{function, gradients, arguments, norm, clipped}]
    norms       [{norm, eps, inputs, weights, biases, seeds, outputs, gradients}], the gradients of
                the sum of seeds * outputs by inputs, weights and biases

Numbers are written as Python writes them; inf and nan, which JSON has not, are strings.
"""

import json
import math
import warnings
from pathlib import Path
from typing import Any

import torch
from make_torch_edges import writable
from torch.nn import functional
from torch.optim import lr_scheduler

TARGET = Path(__file__).parents[1] / "seeds" / "torch_training.json"
CHAINED = TARGET.with_name("torch_chains.json")
START = [0.5, -0.3, 1.2]
STEPS = 50
WD, MAX = {"weight_decay": 0.1}, {"maximize": True}
DECOUPLED = {"weight_decay": 0.1, "decoupled_weight_decay": True}
BETAS = {"betas": [0.7, 0.95]}

# The first of each is the defaults, then every option alone, then some together.
OPTIONS: dict[str, list[dict]] = {
    "SGD": [
        *({}, {"lr": 0.1}, {"lr": 0.1, **WD}, {"lr": 0.1, **MAX}),
        {"lr": 0.02, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.5},
        {"lr": 0.02, "momentum": 0.9, "nesterov": True},
        {"lr": 0.02, "momentum": 0.7, "nesterov": True, **WD, **MAX},
        {"lr": 0.1, "momentum": 0.6, "dampening": 0.6, **WD},
    ],
    "Adagrad": [
        *({}, {"lr": 0.3}, {"lr": 0.3, **WD}, {"lr": 0.3, **MAX}),
        {"lr": 0.3, "lr_decay": 0.1},
        {"lr": 0.3, "initial_accumulator_value": 0.5},
        {"lr": 0.3, "eps": 0.1},
        {"lr": 0.2, "lr_decay": 0.01, "initial_accumulator_value": 0.1, **WD, **MAX},
    ],
    "Adadelta": [
        *({}, {"lr": 0.5}, WD, MAX, {"rho": 0.5}, {"eps": 1e-3}),
        {"lr": 2.0, "rho": 0.8, "eps": 1e-4, **WD, **MAX},
    ],
    "RMSprop": [
        *({}, {"lr": 0.003}, {"lr": 0.003, **WD}, {"lr": 0.003, **MAX}, {"alpha": 0.8}),
        *({"eps": 0.1}, {"lr": 0.001, "momentum": 0.9}, {"lr": 0.003, "centered": True}),
        {"lr": 1e-3, "alpha": 0.9, "eps": 0.01, "momentum": 0.5, "centered": True, **WD, **MAX},
    ],
    "Adam": [
        *({}, {"lr": 0.1}, {"lr": 0.1, **WD}, {"lr": 0.1, **MAX}, {"lr": 0.1, **BETAS}),
        *({"lr": 0.1, "eps": 0.1}, {"lr": 0.1, "amsgrad": True}, {"lr": 0.1, **DECOUPLED}),
        {"lr": 0.05, "eps": 1e-3, "amsgrad": True, **BETAS, **DECOUPLED, **MAX},
    ],
    "AdamW": [
        *({}, {"lr": 0.1}, {"lr": 0.1, **WD}, {"lr": 0.1, **MAX}, {"lr": 0.1, **BETAS}),
        *({"lr": 0.1, "eps": 0.1}, {"lr": 0.1, "amsgrad": True}),
        {"lr": 0.1, "amsgrad": True, **BETAS, **WD, **MAX},
    ],
    "Adamax": [
        *({}, {"lr": 0.1}, {"lr": 0.1, **WD}, {"lr": 0.1, **MAX}, {"lr": 0.1, **BETAS}),
        *({"lr": 0.1, "eps": 0.1}, {"lr": 0.05, "eps": 0.01, **BETAS, **WD, **MAX}),
    ],
    "NAdam": [
        *({}, {"lr": 0.05}, {"lr": 0.05, **WD}, {"lr": 0.05, **MAX}, {"lr": 0.05, **BETAS}),
        *({"lr": 0.05, "eps": 0.1}, {"lr": 0.05, "momentum_decay": 0.3}),
        {"lr": 0.05, **DECOUPLED},
        {"lr": 0.05, "momentum_decay": 0.1, "eps": 1e-3, **BETAS, **DECOUPLED, **MAX},
    ],
    "RAdam": [
        *({}, {"lr": 0.05}, {"lr": 0.05, **WD}, {"lr": 0.05, **MAX}, {"lr": 0.05, **BETAS}),
        *({"lr": 0.05, "eps": 0.1}, {"lr": 0.05, **DECOUPLED}),
        {"lr": 0.05, "betas": [0.5, 0.6]},
        {"lr": 0.05, "eps": 1e-3, **BETAS, **DECOUPLED, **MAX},
    ],
    "Rprop": [
        *({}, {"lr": 0.1}, {"lr": 0.1, **MAX}, {"lr": 0.1, "etas": [0.3, 1.5]}),
        *({"step_sizes": [1e-3, 0.02]}, {"lr": 0.1, "step_sizes": [0.0, 0.05]}),
        {"lr": 0.3, "etas": [0.6, 1.1], "step_sizes": [0.01, 0.2], **MAX},
    ],
}
GROUPS = [
    ("SGD", {"lr": 0.05}, [[[0], {}], [[1, 2], {"lr": 0.02, "momentum": 0.9, **WD}]]),
    ("Adam", {"lr": 0.05}, [[[2], {"amsgrad": True}], [[0, 1], {"lr": 0.1, **BETAS, **MAX}]]),
    ("Rprop", {}, [[[1], {"etas": [0.9, 1.01]}], [[2, 0], {"lr": 0.2, **MAX}]]),
    ("RMSprop", {"lr": 0.01}, [[[1], {"centered": True}], [[2, 0], {"alpha": 0.9, **WD}]]),
]

# Metrics that fall, stall, rise by a little, and fall again.
METRICS = [
    *(1.0, 0.8, 0.7, 0.70001, 0.69999, 0.6999, 0.75, 0.74, 0.73, 0.72, 0.71, 0.705),
    *(0.5, 0.49, 0.489, 0.4889, 0.48889, 0.488, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6),
    *(0.3, 0.31, 0.32, 0.31, 0.3, 0.2999, 0.29989, 0.1, 0.0, -0.1, -0.1, -0.1, -0.1, -0.1, -0.1),
    *(-0.11, -0.1, -0.1, -0.1, -0.1, -0.1),
]
MOMENTUM = {"momentum": 0.9}
SCHEDULES: list[tuple[str, dict, str, dict]] = [
    *(("LambdaLR", {}, "SGD", {}), ("StepLR", {"step_size": 7}, "SGD", {})),
    ("StepLR", {"step_size": 5, "gamma": 0.5}, "SGD", {}),
    ("MultiStepLR", {"milestones": [3, 11, 11, 30]}, "SGD", {}),
    ("MultiStepLR", {"milestones": [20, 4], "gamma": 0.7}, "SGD", {}),
    *(("ExponentialLR", {"gamma": 0.9}, "SGD", {}), ("LinearLR", {}, "SGD", {})),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.9, "total_iters": 17}, "SGD", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 30}, "SGD", {}),
    ("CosineAnnealingLR", {"T_max": 42}, "SGD", {}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}, "SGD", {}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 43}, "SGD", MOMENTUM),
    ("OneCycleLR", {"max_lr": 0.5, "epochs": 9, "steps_per_epoch": 5}, "SGD", MOMENTUM),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 45, "three_phase": True}, "SGD", MOMENTUM),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 43, "anneal_strategy": "linear"}, "Adam", BETAS),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 43, "cycle_momentum": False}, "Adam", {}),
    (
        "OneCycleLR",
        {
            **{"max_lr": 0.2, "total_steps": 50, "pct_start": 0.4, "div_factor": 10.0},
            **{"base_momentum": 0.5, "max_momentum": 0.8, "final_div_factor": 100.0},
            **{"three_phase": True, "anneal_strategy": "linear"},
        },
        *("AdamW", {}),
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 43, "pct_start": 0.0}, "SGD", MOMENTUM),
    (
        "OneCycleLR",
        {
            **{"max_lr": [0.5, 0.02], "total_steps": 43},
            **{"base_momentum": [0.8, 0.3], "max_momentum": [0.9, 0.95]},
        },
        *("SGD", MOMENTUM),
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 43, "pct_start": 1.0}, "SGD", MOMENTUM),
    *(
        ("ReduceLROnPlateau", options, "SGD", {})
        for options in [
            *({}, {"mode": "max"}, {"factor": 0.5, "patience": 2}, {"patience": 0, "min_lr": 1e-3}),
            {"patience": 1, "threshold": 0.05},
            {"patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
            {"patience": 1, "threshold": 0.05, "threshold_mode": "abs", "mode": "max"},
            {"patience": 1, "threshold": 0.05, "mode": "max"},
            {"patience": 1, "cooldown": 4},
            {"patience": 1, "eps": 1e-3},
            {"patience": 0, "min_lr": [0.05, 1e-3]},
            {"factor": 0.3, "patience": 1, "cooldown": 2, "min_lr": 1e-4, "threshold": 0.0},
        ]
    ),
    (
        "SequentialLR",
        {
            "schedulers": [
                ["LinearLR", {"start_factor": 0.1, "total_iters": 6}],
                ["ExponentialLR", {"gamma": 0.9}],
                ["CosineAnnealingLR", {"T_max": 20, "eta_min": 0.001}],
            ],
            "milestones": [6, 20],
        },
        *("SGD", {}),
    ),
    *(("ConstantLR", {}, "SGD", {}), ("ConstantLR", {"factor": 0.7, "total_iters": 9}, "SGD", {})),
    *(("PolynomialLR", {}, "SGD", {}), ("MultiplicativeLR", {}, "SGD", {})),
    ("PolynomialLR", {"total_iters": 30, "power": 2.5}, "SGD", {}),
    ("PolynomialLR", {"total_iters": 50, "power": 0.0}, "SGD", {}),
    *(
        ("CosineAnnealingWarmRestarts", options, "SGD", {})
        for options in (
            {"T_0": 7},
            {"T_0": 3, "T_mult": 2},
            {"T_0": 1, "T_mult": 3, "eta_min": 0.01},
        )
    ),
    *(
        ("CyclicLR", {"base_lr": 0.02, "max_lr": 0.3, **options}, "SGD", MOMENTUM)
        for options in (
            *({}, {"step_size_up": 5}, {"step_size_up": 4, "step_size_down": 9}),
            *({"step_size_up": 4, "mode": m, "gamma": 0.95} for m in ("triangular2", "exp_range")),
            {"step_size_up": 6, "step_size_down": 3, "mode": "exp_range", "gamma": 1.02},
            {"step_size_up": 2.5, "step_size_down": 0, "base_momentum": 0.5, "max_momentum": 0.95},
            *({"step_size_up": 4, "scale_mode": mode} for mode in ("cycle", "iterations")),
            {"step_size_up": 4, "cycle_momentum": False},
        )
    ),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.01, "step_size_up": 8}, "Adam", BETAS),
    (
        "CyclicLR",
        {
            **{"base_lr": [0.1, 0.02], "max_lr": [0.5, 0.03], "step_size_up": 7},
            **{"base_momentum": [0.8, 0.3], "max_momentum": [0.9, 0.95]},
        },
        *("SGD", MOMENTUM),
    ),
    (
        "ChainedScheduler",
        {
            "schedulers": [
                ["ConstantLR", {"factor": 0.1, "total_iters": 20}],
                ["ExponentialLR", {"gamma": 0.9}],
            ]
        },
        *("SGD", {}),
    ),
]

WARM_UP = ["LinearLR", {"start_factor": 0.1, "total_iters": 6}]
DECAY = ["ExponentialLR", {"gamma": 0.9}]
STAIRS = ["StepLR", {"step_size": 2, "gamma": 0.5}]
COSINE = ["CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}]
MARKS = ["MultiStepLR", {"milestones": [0, 3, 11, 11, 30], "gamma": 0.5}]
CYCLE = ["OneCycleLR", {"max_lr": [0.5, 0.3], "total_steps": 43}]
PLATEAU = ["ReduceLROnPlateau", {"factor": 0.5, "patience": 1}]
LAMBDA: list = ["LambdaLR", {}]
SEQUENCE = ["SequentialLR", {"schedulers": [WARM_UP, DECAY, STAIRS], "milestones": [6, 20]}]
CONSTANT = ["ConstantLR", {"factor": 0.5, "total_iters": 7}]
POLYNOMIAL = ["PolynomialLR", {"total_iters": 25, "power": 1.5}]
TIMES: list = ["MultiplicativeLR", {}]
RESTARTS = ["CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.01}]
WAVES = ["CyclicLR", {"base_lr": [0.05, 0.01], "max_lr": 0.3, "step_size_up": 4}]
BOTH = ["ChainedScheduler", {"schedulers": [WARM_UP, DECAY]}]
BY_HAND = {"5": [0.3, 0.02], "6": [0.2, 0.5], "17": [0.01, 0.7], "18": [0.1, 0.1]}
ADDED = {"3": 8.0, "12": 0.3}
CHAINS: list[tuple[list, dict, dict]] = [
    *(([DECAY, STAIRS], {}, {}), ([STAIRS, DECAY], {}, {})),
    *(([WARM_UP, COSINE], {}, {}), ([COSINE, WARM_UP], {}, {}), ([MARKS, STAIRS, DECAY], {}, {})),
    *(([LAMBDA, DECAY], {}, {}), ([DECAY, LAMBDA], {}, {}), ([WARM_UP, WARM_UP], {}, {})),
    *(([CYCLE, STAIRS], {}, {}), ([STAIRS, CYCLE], {}, {}), ([CYCLE, LAMBDA], {}, {})),
    *(([LAMBDA, CYCLE, DECAY], {}, {}), ([PLATEAU, DECAY], {}, {}), ([DECAY, PLATEAU], {}, {})),
    *(
        ([single], BY_HAND, {})
        for single in (WARM_UP, DECAY, STAIRS, COSINE, MARKS, CYCLE, PLATEAU, LAMBDA, SEQUENCE)
    ),
    *(([single], BY_HAND, ADDED) for single in (DECAY, STAIRS, MARKS, WARM_UP, PLATEAU)),
    *(([SEQUENCE, DECAY], {}, {}), ([DECAY, SEQUENCE], {}, {}), ([SEQUENCE, COSINE], BY_HAND, {})),
    *(
        ([["SequentialLR", {"schedulers": parts, "milestones": milestones}]], by_hand, {})
        for parts, milestones in (
            ([WARM_UP, COSINE], [6]),
            ([WARM_UP, COSINE, WARM_UP], [6, 30]),
            ([COSINE, MARKS], [15]),
            ([DECAY, CYCLE], [9]),
            ([CYCLE, DECAY], [9]),
            ([CYCLE, LAMBDA, STAIRS], [9, 12]),
            ([LAMBDA, DECAY], [4]),
            ([WARM_UP, DECAY, COSINE], [0, 7]),
            ([DECAY, CYCLE, MARKS], [0, 20]),
            ([WARM_UP, STAIRS, DECAY], [7, 7]),
            ([CONSTANT, POLYNOMIAL], [9]),
            ([POLYNOMIAL, CONSTANT, TIMES], [9, 21]),
            ([TIMES, DECAY], [9]),
            ([DECAY, TIMES, WAVES], [5, 9]),
            ([WAVES, RESTARTS, CONSTANT], [9, 30]),
            ([RESTARTS, TIMES], [13]),
        )
        for by_hand in ({}, BY_HAND)
    ),
    *(([single], BY_HAND, {}) for single in (CONSTANT, POLYNOMIAL, TIMES, RESTARTS, WAVES, BOTH)),
    *(([single], BY_HAND, ADDED) for single in (CONSTANT, POLYNOMIAL)),
    *(([POLYNOMIAL, CONSTANT], {}, {}), ([RESTARTS, DECAY], {}, {}), ([TIMES, STAIRS], {}, {})),
    *(([WAVES, TIMES], {}, {}), ([WAVES, DECAY], {}, {}), ([BOTH, STAIRS], {}, {})),
    *(
        ([["ChainedScheduler", {"schedulers": parts}]], by_hand, {})
        for parts in (
            *([WAVES, STAIRS], [LAMBDA, CYCLE, DECAY], [POLYNOMIAL], [BOTH, COSINE]),
            *([SEQUENCE, TIMES], [RESTARTS, CONSTANT, MARKS]),
        )
        for by_hand in ({}, BY_HAND)
    ),
]
EPOCHS = [
    *(0.25, 0.5, 1, None, None, 4.75, 5, 7.5, None, None, None, 29.5, 31, 14, None, 3, None, 0, 1),
    *(None, None, 99.9, None, 40, None),
]

EXTREME = [[1000.0, -1000.0, 0.0], [1e4, 1e4, -1e4], [-1e4, 0.0, 1e4]]
ORDINARY = [[1.0, 2.0, 3.0], [-0.5, 0.25, 0.0], [0.1, 0.1, 0.1]]
LOGITS = [-1e4, -1000.0, -40.0, -2.0, -0.5, 0.0, 0.3, 3.0, 40.0, 1000.0, 1e4]
DELTAS: list[dict] = [{}, {"delta": 0.3}]
UNSURE = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.6, 0.4]]
LOGS = [[-0.5, -1.5, -2.0], [-1.0, -0.7, -3.0], [-1e4, 0.0, -1000.0]]
LOSSES: list[tuple[str, list, dict]] = [
    *(("mse_loss", [[1.0, -2.5, 1e4], [0.5, 3.0, -1e4]], {}), ("mse_loss", [ORDINARY, UNSURE], {})),
    ("l1_loss", [[1.0, -2.5, 1e4, 2.0], [0.5, 3.0, -1e4, 2.0]], {}),
    *(("huber_loss", [[0.2, -2.5, 1e4, 1.0], [0.5, 3.0, -1e4, 0.0]], o) for o in DELTAS),
    ("hinge_loss", [[0.5, 2.0, -3.0, 1.0, -1e4], [1, 1, 1, 1, -1]], {}),
    ("hinge_loss", [[0.5, 2.0, -3.0, 1.0, 1e4], [-1, -1, -1, -1, -1]], {}),
    ("binary_cross_entropy", [[0.3, 0.9, 0.5, 1e-3], [0.0, 1.0, 0.25, 0.1]], {}),
    *(("binary_cross_entropy", [[p], [t]], {}) for p in (0.0, 1.0) for t in (0.0, 0.5, 1.0)),
    *(("binary_cross_entropy_with_logits", [LOGITS, [t] * 11], {}) for t in (0.0, 0.3, 1.0)),
    *(
        ("cross_entropy", [rows, targets], {"label_smoothing": smoothing} if smoothing else {})
        for rows in (ORDINARY, EXTREME)
        for targets in ([0, 1, 2], [2, 2, 0], UNSURE)
        for smoothing in (0.0, 0.1, 1.0)
    ),
    *(("nll_loss", [LOGS, targets], {}) for targets in ([0, 1, 2], [2, 2, 0])),
    *(("kl_div", [LOGS, UNSURE], {"reduction": r}) for r in ("mean", "batchmean", "sum")),
    ("kl_div", [LOGS, [[-1.0, -2.0, -0.1], [-0.3, -40.0, -1.0], [-1e4, 0.0, -1000.0]]],
     {"log_target": True, "reduction": "batchmean"}),
]  # fmt: skip
SIDES = [3.0, -4.0, 12.0]
CLIPS: list[tuple[str, list[float], list[float]]] = [
    *(("clip_grad_norm_", SIDES, [m, p]) for m in (0.0, 1.0, 13.0, 20.0) for p in (1.0, 2.0, 3.0)),
    *(("clip_grad_norm_", SIDES, [5.0, p]) for p in (math.inf, -math.inf)),
    *(("clip_grad_norm_", [g, -4.0, 12.0], [5.0, 2.0]) for g in (math.inf, math.nan)),
    ("clip_grad_norm_", [0.0, 0.0, 0.0], [1.0, 2.0]),
    *(("clip_grad_value_", [3.0, math.inf, -4.0, math.nan, 0.5], [c]) for c in (0.0, 0.7, 3.5)),
]  # fmt: skip
NORMS: list[tuple[str, float | None, list[float]]] = [
    (norm, eps, xs)
    for norm in ("RMSNorm", "LayerNorm")
    for eps in (None, 1e-2)
    for xs in ([1.0, -2.0, 3.0, 0.5], [1e-3, 2e-3, -1e-3, 0.0], [1e4, -1e4, 3e4, 2.0])
]


def surface(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Smooth, bounded, and without symmetry."""
    return torch.sin(x + y) + torch.cos(y - z) + 0.25 * torch.sin(x * z)


def path(optimizer: str, options: dict, groups: list | None) -> dict:
    """An entry of ``paths``."""
    xs = [torch.tensor(x, requires_grad=True) for x in START]
    params = [{"params": [xs[i] for i in g], **o} for g, o in groups] if groups else xs
    rule = getattr(torch.optim, optimizer)(params, foreach=False, **options)
    points = []
    for step in range(1, STEPS + 1):
        rule.zero_grad()
        surface(*xs).backward()
        rule.step()
        if step % 2 == 0:
            points.append([x.item() for x in xs])
    return {"optimizer": optimizer, "options": options, "groups": groups, "path": points}


def plan(rule: torch.optim.Optimizer, scheduler: str, options: dict) -> Any:
    """A scheduler, of which a sequence may be made."""
    given = dict(options)
    if scheduler in ("LambdaLR", "MultiplicativeLR"):
        given["lr_lambda"] = [lambda t: 0.9**t, lambda t: 1 / (1 + t)]
    if "scale_mode" in given:
        given["scale_fn"] = lambda x: 1 / (1 + 0.1 * x)
    if "schedulers" in given:
        given["schedulers"] = [plan(rule, *part) for part in given["schedulers"]]
    return getattr(lr_scheduler, scheduler)(optimizer=rule, **given)


def chain(schedulers: list, by_hand: dict, added: dict, optimizer: str, options: dict) -> dict:
    """An entry of ``chains``."""
    xs = [torch.tensor(x, requires_grad=True) for x in [*START, 0.0]]
    groups = [{"params": [xs[0]], "lr": 0.1}, {"params": [xs[1]], "lr": 0.04}]
    rule = getattr(torch.optim, optimizer)(groups, lr=0.1, foreach=False, **options)
    plans = [plan(rule, *entry) for entry in schedulers]
    rows: dict[str, list] = {"rates": [], "momenta": []}
    for call in range(1 + (len(METRICS) if "Plateau" in str(schedulers) else 42)):
        for group, rate in zip(rule.param_groups, by_hand.get(str(call), []), strict=False):
            group["lr"] = rate
        if str(call) in added:
            rule.add_param_group({"params": [xs[len(groups)]], "lr": added[str(call)]})
            groups.append({})
        if call:
            rule.step()
            for each in plans:
                each.step(*([METRICS[call - 1]] if "Plateau" in type(each).__name__ else []))
        rows["rates"].append([g["lr"] for g in rule.param_groups])
        if "OneCycleLR" in str(schedulers) or "CyclicLR" in str(schedulers):
            momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in rule.param_groups]
            rows["momenta"].append(momenta)
    names = ("schedulers", "by_hand", "added", "optimizer", "optimizer_options")
    return dict(zip(names, (schedulers, by_hand, added, optimizer, options), strict=True)) | rows


def schedule(scheduler: str, options: dict, optimizer: str, optimizer_options: dict) -> dict:
    """An entry of ``schedules``."""
    rows = chain([[scheduler, options]], {}, {}, optimizer, optimizer_options)
    names = ("scheduler", "options", "optimizer", "optimizer_options")
    given = dict(zip(names, (scheduler, options, optimizer, optimizer_options), strict=True))
    return given | {name: rows[name] for name in ("rates", "momenta")}


def restart(options: dict) -> dict:
    """An entry of ``restarts``."""
    rule = torch.optim.SGD([torch.tensor(0.0, requires_grad=True)], lr=0.5)
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(rule, **options)
    rates = []
    for epoch in EPOCHS:
        rule.step()
        scheduler.step(epoch)
        rates += scheduler.get_last_lr()
    return {"options": options, "epochs": EPOCHS, "rates": rates}


def loss(name: str, arguments: list, options: dict) -> dict:
    """An entry of ``losses``."""
    outputs = torch.tensor(arguments[0], requires_grad=True)
    targets = torch.tensor(arguments[1])
    if name == "hinge_loss":
        value = functional.relu(1 - targets * outputs).mean()
    else:
        value = getattr(functional, name)(outputs, targets, **options)
    (gradient,) = torch.autograd.grad(value, outputs)
    entry = {"loss": name, "arguments": arguments, "options": options}
    return entry | {"value": value.item(), "gradient": gradient.tolist()}


def clip(function: str, gradients: list[float], arguments: list[float]) -> dict:
    """An entry of ``clips``."""
    xs = [torch.tensor(0.0, requires_grad=True) for _ in gradients]
    for x, g in zip(xs, gradients, strict=True):
        x.grad = torch.tensor(g)
    norm = getattr(torch.nn.utils, function)(xs, *arguments, foreach=False)
    return {
        **{"function": function, "gradients": gradients, "arguments": arguments},
        **{"norm": None if norm is None else norm.item(), "clipped": [x.grad.item() for x in xs]},
    }


def norm(name: str, eps: float | None, inputs: list[float]) -> dict:
    """An entry of ``norms``."""
    module = getattr(torch.nn, name)(len(inputs), **({} if eps is None else {"eps": eps}))
    weights, biases, seeds = [0.5, -1.5, 2.0, 1.0], [0.1, 0.0, -0.2, 3.0], [1.0, -2.0, 0.5, 3.0]
    leaves = [torch.tensor(inputs, requires_grad=True), module.weight]
    module.weight.data = torch.tensor(weights)
    if name == "LayerNorm":
        leaves.append(module.bias)
        module.bias.data = torch.tensor(biases)
    outputs = module(leaves[0])
    gradients = torch.autograd.grad((outputs * torch.tensor(seeds)).sum(), leaves)
    return {
        **{"norm": name, "eps": eps, "inputs": inputs, "weights": weights, "seeds": seeds},
        **{"biases": biases if name == "LayerNorm" else None, "outputs": outputs.tolist()},
        "gradients": [g.tolist() for g in gradients],
    }


def main() -> None:
    """Compute everything and write the files."""
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "The epoch parameter in", UserWarning)  # of SequentialLR
    warnings.filterwarnings("ignore", "reduction: 'mean'", UserWarning)  # of kl_div
    alone = [(name, options, None) for name, several in OPTIONS.items() for options in several]
    paths = [path(*entry) for entry in [*alone, *GROUPS]]
    ends = {(p["optimizer"], repr(p["path"][-1])) for p in paths}
    assert len(ends) == len(paths), "an option that changes nothing tests nothing"
    data = {
        "torch": torch.__version__.split("+")[0],
        "start": START,
        "metrics": METRICS,
        "paths": paths,
        "schedules": [schedule(*entry) for entry in SCHEDULES],
        "restarts": [
            restart({"T_0": T_0, "T_mult": T_mult})
            for T_0, T_mult in ((5, 1), (5, 2), (3, 3), (1, 2))
        ],
        "chains": [chain(*entry, "SGD", MOMENTUM) for entry in CHAINS],
        "losses": [loss(*entry) for entry in LOSSES],
        "clips": [clip(*entry) for entry in CLIPS],
        "norms": [norm(*entry) for entry in NORMS],
    }
    write(CHAINED, data.pop("chains"))
    write(TARGET, data)


def write(path: Path, data: Any) -> None:
    """Write a file, one line an entry."""
    text = json.dumps(writable(data), separators=(",", ":"), allow_nan=False)
    path.write_text(text.replace('},{"', '},\n{"') + "\n")


if __name__ == "__main__":
    main()
