"""Initialisers: lists of starting weights, drawn from an explicit generator.

Each gives ``fan_out`` rows of ``fan_in`` numbers, the weights of a layer of ``fan_out`` neurons.
Formulas and defaults are PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from autodiff.engine.reals import describe

Weights = list[list[float]]
Initialiser = Callable[[int, int, np.random.Generator], Weights]

#: By how much an activation shrinks the deviation, roughly: what weights make up for.
GAINS = {
    "": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "leaky_relu": math.sqrt(2.0 / (1 + 0.01**2)),
}


def uniform(low: float, high: float) -> Initialiser:
    """Uniform between two numbers.

    >>> rng = np.random.default_rng(0)
    >>> all(0 <= w < 1 for w in uniform(0.0, 1.0)(3, 1, rng)[0])
    True
    """
    return lambda fan_in, fan_out, rng: rng.uniform(low, high, (fan_out, fan_in)).tolist()


def normal(mean: float = 0.0, std: float = 1.0) -> Initialiser:
    """Normal with a mean and a standard deviation."""
    return lambda fan_in, fan_out, rng: rng.normal(mean, std, (fan_out, fan_in)).tolist()


def zeros(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
    """All 0."""
    return [[0.0] * fan_in for _ in range(fan_out)]


def default(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
    """Uniform on +-1/sqrt(fan_in), as PyTorch's ``Linear`` starts."""
    bound = 1.0 / math.sqrt(fan_in)
    return uniform(-bound, bound)(fan_in, fan_out, rng)


def xavier_uniform(gain: float = 1.0) -> Initialiser:
    """Uniform on +-gain*sqrt(6/(fan_in + fan_out)).

    References:
        X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural
        networks, AISTATS 2010.
    """

    def draw(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
        return uniform(-bound, bound)(fan_in, fan_out, rng)

    return draw


def xavier_normal(gain: float = 1.0) -> Initialiser:
    """Normal with deviation gain*sqrt(2/(fan_in + fan_out)); see ``xavier_uniform``."""
    return lambda fan_in, fan_out, rng: normal(0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))(
        fan_in, fan_out, rng
    )


def kaiming_uniform(nonlinearity: str = "relu") -> Initialiser:
    """Uniform on +-gain*sqrt(3/fan_in), the gain that of the activation that follows.

    Raises:
        ValueError: if no gain is known for the activation.

    References:
        K. He and others, Delving deep into rectifiers, ICCV 2015.
    """
    gain = _gain(nonlinearity)

    def draw(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        bound = gain * math.sqrt(3.0 / fan_in)
        return uniform(-bound, bound)(fan_in, fan_out, rng)

    return draw


def kaiming_normal(nonlinearity: str = "relu") -> Initialiser:
    """Normal with deviation gain/sqrt(fan_in); see ``kaiming_uniform``."""
    gain = _gain(nonlinearity)
    return lambda fan_in, fan_out, rng: normal(0.0, gain / math.sqrt(fan_in))(fan_in, fan_out, rng)


def _gain(nonlinearity: str) -> float:
    if nonlinearity not in GAINS:
        raise ValueError(
            f"nonlinearity must be one of {', '.join(filter(None, GAINS))}, "
            f"not {describe(nonlinearity)}"
        )
    return GAINS[nonlinearity]
