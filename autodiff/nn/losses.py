"""Losses: how far outputs are from targets, averaged; and what measures without being recorded.

Elementwise losses take two equally shaped (nested) lists and average over all elements; losses of
classes take a row of scores an example and average over examples.  Names, defaults and values are
PyTorch's.  All are stable at scores of +-1000 and beyond.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from autodiff import functions
from autodiff.engine.reals import describe
from autodiff.engine.traces import active
from autodiff.evaluation import largest
from autodiff.value import Value

Rows = Sequence[Sequence[Any]]


# -- elementwise -----------------------------------------------------------------------------------


def mse_loss(predictions: Any, targets: Any) -> Any:
    """The mean of ``(prediction - target)**2``.

    Args:
        predictions: numbers or Values, in a list, or in lists in lists.
        targets: as many, in lists of the same lengths.

    Returns:
        The loss: a Value if there is one among them, else a float.

    Raises:
        ValueError: if the lists differ in shape, or are empty.
        TypeError: if something in them is neither a number nor a Value.

    >>> mse_loss([80.0, 90.0, 70.0], [75.0, 85.0, 75.0])
    25.0
    """
    return _mean_over(predictions, targets, "mse_loss", lambda p, t: functions.square(p - t))


def l1_loss(predictions: Any, targets: Any) -> Any:
    """The mean of ``|prediction - target|``.

    Args:
        predictions, targets: as for ``mse_loss``.

    Raises:
        ValueError, TypeError: as ``mse_loss``.

    >>> l1_loss([1.0, 2.0], [2.0, 4.0])
    1.5
    """
    return _mean_over(predictions, targets, "l1_loss", lambda p, t: abs(p - t))


def huber_loss(predictions: Any, targets: Any, delta: float = 1.0) -> Any:
    """The mean of ``d*d/2`` for ``d = |prediction - target|`` up to ``delta``, then straight on.

    Args:
        predictions, targets: as for ``mse_loss``.
        delta: from where on the loss is ``delta*(d - delta/2)``.

    Raises:
        ValueError: as ``mse_loss``; if ``delta`` is not above 0.
        TypeError: as ``mse_loss``; if ``delta`` is not a number.

    References:
        P. Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964).

    >>> huber_loss([0.5, 3.0], [0.0, 0.0])
    1.3125
    """
    if not delta > 0:
        raise ValueError(f"delta must be above 0, not {describe(delta)}")

    return _mean_over(
        predictions, targets, "huber_loss", lambda p, t: functions.huber(p - t, delta)
    )


def hinge_loss(scores: Any, targets: Any) -> Any:
    """The max-margin loss: the mean of ``max(0, 1 - target*score)``, targets being -1 or 1.

    Args:
        scores: as the predictions of ``mse_loss``.
        targets: as many, each -1 or 1.

    Raises:
        ValueError: as ``mse_loss``; if a target is neither -1 nor 1.
        TypeError: as ``mse_loss``.

    References:
        C. Cortes, V. Vapnik, Support-vector networks, Machine Learning 20 (1995).

    >>> hinge_loss([0.5, 2.0], [1, 1])
    0.25
    """

    def hinge(s: Any, t: Any) -> Any:
        # Of a Value, a comparison with one outcome for both targets: a guard that holds for either.
        if not (t * t == 1 if isinstance(t, Value) else t in (-1, 1)):
            raise ValueError(f"a target of hinge_loss() must be -1 or 1, not {describe(t)}")
        return functions.relu(1.0 - t * s)

    return _mean_over(scores, targets, "hinge_loss", hinge)


def binary_cross_entropy(probabilities: Any, targets: Any) -> Any:
    """The mean of ``-t*log(p) - (1 - t)*log(1 - p)``; as in PyTorch no log is below -100.

    Args:
        probabilities: of an event, ``p`` from 0 to 1, as the predictions of ``mse_loss``.
        targets: as many, ``t``: 1 where it happened, 0 where not, or anything between.

    Raises:
        ValueError: as ``mse_loss``; if a probability or a target is not from 0 to 1.
        TypeError: as ``mse_loss``.

    >>> round(binary_cross_entropy([0.5, 0.25], [1, 0]), 6)
    0.490415
    """

    def entropy(p: Any, t: Any) -> Any:
        _probability(p, "a probability")
        _probability(t, "a target")
        return functions.bernoulli_entropy(p, t)

    return _mean_over(probabilities, targets, "binary_cross_entropy", entropy)


def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Any:
    """``binary_cross_entropy`` of ``sigmoid(logits)``, without its loss of digits.

    Args:
        logits: any scores, as the predictions of ``mse_loss``.
        targets: as for ``binary_cross_entropy``.

    Raises:
        ValueError: as ``mse_loss``; if a target is not from 0 to 1.
        TypeError: as ``mse_loss``.

    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [1, 0])
    0.0
    """

    def entropy(z: Any, t: Any) -> Any:
        _probability(t, "a target")
        return functions.logit_entropy(z, t)

    return _mean_over(logits, targets, "binary_cross_entropy_with_logits", entropy)


def kl_div(
    log_probabilities: Any, targets: Any, log_target: bool = False, reduction: str = "mean"
) -> Any:
    """The divergence ``t*(log(t) - log_probability)``, averaged or summed.

    Args:
        log_probabilities: logarithms of the probabilities that are judged.
        targets: probabilities; or their logarithms, with ``log_target``.
        log_target: see ``targets``.
        reduction: ``"mean"`` over all elements (PyTorch's default), ``"batchmean"`` (the sum
            divided by the number of rows: the mathematical divergence), or ``"sum"``.

    Raises:
        ValueError: as ``mse_loss``; if a target is negative, or the reduction unknown.
        TypeError: as ``mse_loss``.

    References:
        S. Kullback, R. Leibler, On information and sufficiency, Ann. Math. Statist. 22 (1951).

    >>> kl_div([[0.0, 0.0]], [[1.0, 1.0]])
    0.0
    """
    if reduction not in ("mean", "batchmean", "sum"):
        raise ValueError(
            f"reduction must be 'mean', 'batchmean' or 'sum', not {describe(reduction)}"
        )

    def divergence(q: Any, t: Any) -> Any:
        if log_target:
            return functions.exp(t) * (t - q)
        if not t >= 0:
            raise ValueError(f"a target of kl_div() must be 0 or more, not {describe(t)}")
        return functions.divergence(t, q)

    pairs = _some_pairs(log_probabilities, targets, "kl_div")
    terms = [divergence(q, t) for q, t in pairs]
    if reduction == "mean":
        return functions.mean(terms)
    total = functions.sum(terms)
    return total / len(log_probabilities) if reduction == "batchmean" else total


# -- of classes ------------------------------------------------------------------------------------


def cross_entropy(logits: Rows, targets: Sequence[Any], label_smoothing: float = 0.0) -> Any:
    """``-sum(q*log(softmax(row)))``, averaged over the rows; ``q`` is 1 for the target class.

    Args:
        logits: a row of scores, one a class, for each example.
        targets: each example's class, an integer from 0, which jit may trace; or its probabilities
            of the classes.
        label_smoothing: how much of ``q`` is spread evenly over all classes, from 0 to 1.

    Returns:
        The loss: a Value if there is one among the scores, else a float.

    Raises:
        ValueError: if there is no example, not one target an example, a class out of range,
            probabilities that are not, or a ``label_smoothing`` out of range.
        TypeError: if a target is neither an integer nor a row of probabilities, or
            ``label_smoothing`` is not a number.

    >>> round(cross_entropy([[0.0, 0.0], [1000.0, -1000.0]], [0, 0]), 6)
    0.346574
    """
    _match(logits, targets, "cross_entropy")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, not {describe(label_smoothing)}")
    for i, (row, target) in enumerate(zip(logits, targets, strict=True)):
        if hasattr(target, "__len__"):
            _distribution(target, len(row), i)
        else:
            _class(target, len(row), i)
    return functions.mean(
        [
            _entropy(row, target, label_smoothing)
            for row, target in zip(logits, targets, strict=True)
        ]
    )


def _entropy(row: Sequence[Any], target: Any, smoothing: float) -> Any:
    """The cross-entropy of one row, from scores relative to one of them, so that none is huge.

    Its partials keep their digits.  Its value has a small absolute error: that of a class which is
    certain to the last digit is 0, as in PyTorch.
    """
    n = len(row)
    if hasattr(target, "__len__"):
        chosen = list(target)
    else:
        chosen = [functions.equal(target, float(i)) for i in range(n)]
    if not hasattr(target, "__len__") and not smoothing:
        at = functions.take(row, target)
        lost = functions.equal(at, -math.inf)  # then relative to itself nothing is left
        shift, own = functions.where(lost, 0.0, at), functions.where(lost, at, 0.0)
        scores = [functions.where(c, own, z - shift) for c, z in zip(chosen, row, strict=True)]
        return functions.logsumexp(scores) - own
    q = [(1 - smoothing) * x + smoothing / n for x in chosen]
    peak = largest(list(row), "peak")
    relative = [z - peak for z in row]
    return functions.logsumexp(relative) * functions.sum(q) - functions.dot(q, relative)


def nll_loss(log_probabilities: Rows, targets: Sequence[int]) -> Any:
    """``-row[target]``, averaged over the rows: the cross-entropy after ``log_softmax``.

    Args:
        log_probabilities: a row of logarithms, one a class, for each example.
        targets: each example's class, an integer from 0.

    Raises:
        ValueError: if there is no example, not one target an example, or a class out of range.
        TypeError: if a target is not an integer.

    >>> nll_loss([[-0.5, -1.0]], [1])
    1.0
    """
    _match(log_probabilities, targets, "nll_loss")
    for i, (row, target) in enumerate(zip(log_probabilities, targets, strict=True)):
        _class(target, len(row), i)
    pairs = zip(log_probabilities, targets, strict=True)
    return functions.mean([-functions.take(row, t) for row, t in pairs])


def accuracy(scores: Rows, targets: Sequence[int]) -> Any:
    """The share of examples whose largest score is the target's: a number without a gradient.

    Args:
        scores: a row of scores, one a class, for each example.
        targets: as for ``nll_loss``.

    Raises:
        ValueError, TypeError: as ``nll_loss``.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    0.5
    """
    _match(scores, targets, "accuracy")
    for i, (row, target) in enumerate(zip(scores, targets, strict=True)):
        _class(target, len(row), i)
    pairs = list(zip(scores, targets, strict=True))
    if active() is None:
        return float(np.mean([max(r) == r[t] for r, t in pairs]))
    hits = [
        functions.equal(functools.reduce(functions.maximum, r), functions.take(r, t))
        for r, t in pairs
    ]
    return functions.mean(hits)


#: Those that are means over the examples.
MEANS = (
    *(mse_loss, l1_loss, huber_loss, hinge_loss, kl_div, cross_entropy, nll_loss),
    *(binary_cross_entropy, binary_cross_entropy_with_logits),
)


# -- penalties -------------------------------------------------------------------------------------


def l1_penalty(parameters: Iterable[Any]) -> Any:
    """The sum of ``|p|`` over ``parameters``: weights that are not needed become 0.

    Raises:
        ValueError: if there are no parameters.
        TypeError: if one is neither a number nor a Value.

    >>> l1_penalty([3.0, -4.0])
    7.0
    """
    return functions.sum([abs(p) for p in parameters])


def l2_penalty(parameters: Iterable[Any]) -> Any:
    """The sum of ``p*p`` over ``parameters``: weights stay small.

    Raises:
        ValueError, TypeError: as ``l1_penalty``.

    >>> l2_penalty([3.0, -4.0])
    25.0
    """
    parameters = list(parameters)
    return functions.dot(parameters, parameters)


# -- what comes in ---------------------------------------------------------------------------------


def _pairs(outputs: Any, targets: Any, name: str) -> Iterator[tuple[Any, Any]]:
    """The elements of two (nested) lists side by side."""
    for given in (outputs, targets):
        if isinstance(given, (str, bytes)):
            raise TypeError(f"{name}() takes numbers and Values, not {describe(given)}")
    if hasattr(outputs, "__len__") != hasattr(targets, "__len__"):
        raise ValueError(f"{name}(): outputs and targets are not nested equally deep")
    if not hasattr(outputs, "__len__"):
        yield outputs, targets
        return
    if len(outputs) != len(targets):
        raise ValueError(f"{name}(): {len(outputs)} outputs, but {len(targets)} targets")
    for output, target in zip(outputs, targets, strict=True):
        yield from _pairs(output, target, name)


def _mean_over(outputs: Any, targets: Any, name: str, loss: Callable[[Any, Any], Any]) -> Any:
    pairs = _some_pairs(outputs, targets, name)
    return functions.mean([loss(output, target) for output, target in pairs])


def _some_pairs(outputs: Any, targets: Any, name: str) -> list[tuple[Any, Any]]:
    """The elements of two (nested) lists side by side: at least one pair."""
    pairs = list(_pairs(outputs, targets, name))
    if not pairs:
        raise ValueError(f"{name}() of an empty batch")
    return pairs


def _match(rows: Any, targets: Any, name: str) -> None:
    if len(rows) != len(targets):
        raise ValueError(f"{name}(): {len(rows)} rows of scores, but {len(targets)} targets")
    if not len(rows):
        raise ValueError(f"{name}() of an empty batch")


def _class(target: Any, classes: int, i: int) -> None:
    if isinstance(target, Value) and active() is not None:
        return  # take() sees to it at every call
    if not isinstance(target, (int, np.integer)) or isinstance(target, bool):
        raise TypeError(f"target {i} must be the integer of a class, not {describe(target)}")
    if not 0 <= target < classes:
        raise ValueError(f"target {i} is {target}; with {classes} classes, 0 to {classes - 1}")


def _distribution(target: Any, classes: int, i: int) -> None:
    if len(target) != classes:
        raise ValueError(f"target {i} has {len(target)} probabilities for {classes} classes")
    for q in target:
        _probability(q, f"a probability of target {i}")
    if active() is None:
        total: Any = math.fsum(q.data if isinstance(q, Value) else q for q in target)
    else:
        total = functions.sum(target)
    if abs(total - 1) > 1e-6:
        raise ValueError(f"the probabilities of target {i} add up to {total}, not to 1")


def _probability(p: Any, what: str) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{what} must be from 0 to 1, not {describe(p)}")
