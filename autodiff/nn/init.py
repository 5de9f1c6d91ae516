"""Initialisers: lists of starting weights, drawn from an explicit generator.

An initialiser is a function ``(fan_in, fan_out, rng)`` that gives ``fan_out`` rows of ``fan_in``
numbers: the weights of a layer of ``fan_out`` neurons.  ``default`` and ``zeros`` are such; the
others make one.  Formulas and defaults are PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from autodiff.engine.reals import describe, real

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

__all__ = [
    "default",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]


def uniform(low: float, high: float) -> Initialiser:
    """Uniform from ``low`` up, and below ``high``.

    Args:
        low: the least that a weight may be.
        high: what every weight is below.

    Returns:
        The initialiser.

    Raises:
        TypeError: if an end is not a number.
        ValueError: if an end is not finite, or ``low`` is above ``high``.

    >>> rng = np.random.default_rng(0)
    >>> all(0 <= w < 1 for w in uniform(0.0, 1.0)(3, 1, rng)[0])
    True
    """
    if not -math.inf < real(low, "low") <= real(high, "high") < math.inf:
        raise ValueError(f"low and high must be finite, low not above high, not {low} and {high}")
    return lambda fan_in, fan_out, rng: rng.uniform(low, high, (fan_out, fan_in)).tolist()


def normal(mean: float = 0.0, std: float = 1.0) -> Initialiser:
    """Normal, with the mean ``mean`` and the standard deviation ``std``.

    Args:
        mean: around which number weights are drawn.
        std: how far they are spread; with 0, every weight is ``mean``.

    Returns:
        The initialiser.

    Raises:
        TypeError: if one is not a number.
        ValueError: if one is not finite, or ``std`` is negative.

    >>> normal(2.0, 0.0)(3, 1, np.random.default_rng(0))
    [[2.0, 2.0, 2.0]]
    """
    if not (math.isfinite(real(mean, "mean")) and 0 <= real(std, "std") < math.inf):
        raise ValueError(f"mean and std must be finite, std 0 or more, not {mean} and {std}")
    return lambda fan_in, fan_out, rng: rng.normal(mean, std, (fan_out, fan_in)).tolist()


def zeros(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
    """All 0; itself an initialiser: ``init=nn.init.zeros``.

    Args:
        fan_in: how many numbers come into a layer.
        fan_out: how many go out of it.
        rng: not used.

    Returns:
        ``fan_out`` lists of ``fan_in`` zeros.

    >>> zeros(3, 2, np.random.default_rng(0))
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return [[0.0] * fan_in for _ in range(fan_out)]


def default(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
    """Uniform on +-1/sqrt(fan_in), as PyTorch's ``Linear`` starts; itself an initialiser.

    Args:
        fan_in: how many numbers come into a layer; 1 or more.
        fan_out: how many go out of it.
        rng: where the weights are drawn from.

    Returns:
        ``fan_out`` lists of ``fan_in`` weights.

    Raises:
        ZeroDivisionError: if ``fan_in`` is 0, which no layer's is.

    >>> (row,) = default(4, 1, np.random.default_rng(0))
    >>> len(row), all(-0.5 <= w < 0.5 for w in row)
    (4, True)
    """
    bound = 1.0 / math.sqrt(fan_in)
    return uniform(-bound, bound)(fan_in, fan_out, rng)


def xavier_uniform(gain: float = 1.0) -> Initialiser:
    """Uniform on +-gain*sqrt(6/(fan_in + fan_out)).

    Args:
        gain: what makes up for the activation that follows: see ``GAINS``.

    Returns:
        The initialiser.

    Raises:
        TypeError: if ``gain`` is not a number.
        ValueError: if ``gain`` is negative, nan or infinite.

    References:
        X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural
        networks, AISTATS 2010.

    >>> (row,) = xavier_uniform()(5, 1, np.random.default_rng(0))  # sqrt(6/(5 + 1)) is 1
    >>> len(row), all(-1.0 <= w < 1.0 for w in row)
    (5, True)
    """
    _check_gain(gain)

    def draw(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
        return uniform(-bound, bound)(fan_in, fan_out, rng)

    return draw


def xavier_normal(gain: float = 1.0) -> Initialiser:
    """Normal with the standard deviation gain*sqrt(2/(fan_in + fan_out)).

    Args:
        gain: as for ``xavier_uniform``, whose paper has this, too.

    Returns:
        The initialiser.

    Raises:
        TypeError, ValueError: as ``xavier_uniform``.

    >>> (row,) = xavier_normal()(1999, 1, np.random.default_rng(0))
    >>> round(float(np.std(row)), 3)  # about sqrt(2/2000)
    0.032
    """
    _check_gain(gain)
    return lambda fan_in, fan_out, rng: normal(0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))(
        fan_in, fan_out, rng
    )


def kaiming_uniform(nonlinearity: str = "relu") -> Initialiser:
    """Uniform on +-gain*sqrt(3/fan_in), the gain that of the activation that follows.

    Args:
        nonlinearity: the activation: ``"sigmoid"``, ``"tanh"``, ``"relu"`` or ``"leaky_relu"``;
            ``""`` for none.

    Returns:
        The initialiser.

    Raises:
        ValueError: if no gain is known for the activation.

    References:
        K. He and others, Delving deep into rectifiers, ICCV 2015.

    >>> (row,) = kaiming_uniform("relu")(6, 1, np.random.default_rng(0))  # sqrt(2)*sqrt(3/6) is 1
    >>> len(row), all(-1.0 <= w <= 1.0 for w in row)
    (6, True)
    """
    gain = _gain(nonlinearity)

    def draw(fan_in: int, fan_out: int, rng: np.random.Generator) -> Weights:
        bound = gain * math.sqrt(3.0 / fan_in)
        return uniform(-bound, bound)(fan_in, fan_out, rng)

    return draw


def kaiming_normal(nonlinearity: str = "relu") -> Initialiser:
    """Normal with the standard deviation gain/sqrt(fan_in), the gain that of the activation.

    Args:
        nonlinearity: as for ``kaiming_uniform``, whose paper has this, too.

    Returns:
        The initialiser.

    Raises:
        ValueError: if no gain is known for the activation.

    >>> (row,) = kaiming_normal("relu")(2000, 1, np.random.default_rng(0))
    >>> round(float(np.std(row)), 3)  # about sqrt(2/2000)
    0.032
    """
    gain = _gain(nonlinearity)
    return lambda fan_in, fan_out, rng: normal(0.0, gain / math.sqrt(fan_in))(fan_in, fan_out, rng)


def _check_gain(gain: float) -> None:
    if not 0 <= real(gain, "gain") < math.inf:
        raise ValueError(f"gain must be a finite number, 0 or more, not {gain}")


def _gain(nonlinearity: str) -> float:
    if not isinstance(nonlinearity, str) or nonlinearity not in GAINS:
        raise ValueError(
            f"nonlinearity must be one of {', '.join(filter(None, GAINS))}, "
            f"not {describe(nonlinearity)}"
        )
    return GAINS[nonlinearity]
