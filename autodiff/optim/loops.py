"""Data in mini-batches, and a small training loop.

The explicit loop of four lines is the first thing to write; ``fit`` is that loop with a progress
bar, a history, validation, early stopping and checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.checkpoints import save
from autodiff.contexts import no_grad
from autodiff.nn import Module
from autodiff.optim.base import Optimizer
from autodiff.optim.lr_scheduler import ReduceLROnPlateau
from autodiff.reals import describe
from autodiff.value import Value


def minibatches(
    X: Sequence[Any], y: Sequence[Any], size: int, rng: np.random.Generator
) -> Iterator[tuple[list[Any], list[Any]]]:
    """The examples in a random order, ``size`` at a time; the last batch may be smaller.

    Args:
        X: the inputs: a list, or an array whose first axis counts examples.
        y: their targets, as many.
        size: how many examples a batch has.
        rng: where the order is drawn from.

    Raises:
        ValueError: if ``X`` and ``y`` differ in length or are empty, or ``size`` is not positive.

    >>> rng = np.random.default_rng(0)
    >>> [len(y) for _, y in minibatches([[1.0], [2.0], [3.0]], [0, 1, 0], 2, rng)]
    [2, 1]
    """
    if len(X) != len(y):
        raise ValueError(f"minibatches(X, y): {len(X)} inputs, but {len(y)} targets")
    if not len(X):
        raise ValueError("minibatches(X, y): there are no examples")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size must be a positive integer, not {describe(size)}")
    inputs, targets = (a.tolist() if isinstance(a, np.ndarray) else a for a in (X, y))

    def batches() -> Iterator[tuple[list[Any], list[Any]]]:
        order = rng.permutation(len(inputs)).tolist()
        for i in range(0, len(order), size):
            chosen = order[i : i + size]
            yield [inputs[k] for k in chosen], [targets[k] for k in chosen]

    return batches()


@dataclass
class History:
    """What happened in training, a number an epoch.

    Attributes:
        loss: the mean loss over the epoch's batches.
        metric: of the training examples, after the epoch; empty without a metric.
        val_loss: the loss of the validation examples; empty without any.
        val_metric: their metric.
        stopped: ``"epochs"``, ``"patience"`` or ``"interrupt"`` (Ctrl-C).
    """

    loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_metric: list[float] = field(default_factory=list)
    stopped: str = "epochs"


def fit(
    model: Module,
    loss: Callable[[list[Any], list[Any]], Any],
    data: tuple[Sequence[Any], Sequence[Any]],
    optimizer: Optimizer,
    epochs: int,
    *,
    batch_size: int = 32,
    rng: np.random.Generator,
    metric: Callable[[list[Any], list[Any]], float] | None = None,
    validation: tuple[Sequence[Any], Sequence[Any]] | None = None,
    patience: int | None = None,
    scheduler: Any = None,
    checkpoint: str | Path | None = None,
    every: int = 1,
    progress: bool = True,
) -> History:
    """Train ``model`` in place.

    Args:
        model: called on one example's inputs at a time.
        loss: of a list of outputs and a list of targets, as the losses of ``nn`` are.
        data: inputs and targets to learn from.
        optimizer: of the model's parameters.
        epochs: how many times to go through the data.
        batch_size: examples a step.
        rng: where the order of the examples is drawn from.
        metric: of outputs and targets, as ``nn.accuracy`` is.
        validation: inputs and targets to be measured on after every epoch.
        patience: stop after so many epochs in which the validation loss (the training loss
            without validation) has not become smaller than ever before.
        scheduler: its ``step()`` is called after every epoch; ``ReduceLROnPlateau`` is given the
            loss that ``patience`` looks at.
        checkpoint: where to save model, optimizer, generator and scheduler, in this order.
        every: after how many epochs to save.
        progress: show a bar, with tqdm.

    Returns:
        The history.  Ctrl-C ends the training between two steps, with the history so far.

    Raises:
        ValueError: as ``minibatches``; if ``epochs``, ``patience`` or ``every`` is not an integer
            in range.
        ImportError: if ``progress`` is wanted and tqdm is not installed.
    """
    limits = {"epochs": (epochs, 0), "every": (every, 1)}
    if patience is not None:
        limits["patience"] = (patience, 1)
    for name, (number, least) in limits.items():
        if not isinstance(number, int) or number < least:
            raise ValueError(f"{name} must be an integer from {least} up, not {describe(number)}")
    for examples in (data, validation):  # bad data is refused before anything is done
        if examples is not None:
            minibatches(*examples, batch_size, rng)
    history = History()
    best, waited = np.inf, 0
    bar = _bar(epochs, progress)
    try:
        for epoch in range(1, epochs + 1):
            losses = []
            for inputs, targets in minibatches(*data, batch_size, rng):
                value = loss([model(x) for x in inputs], targets)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                losses.append(value.data)
            history.loss.append(float(np.mean(losses)))
            if metric is not None:
                history.metric.append(metric(_outputs(model, data[0]), list(data[1])))
            if validation is not None:
                outputs = _outputs(model, validation[0])
                measured = loss(outputs, list(validation[1]))
                history.val_loss.append(
                    measured.data if isinstance(measured, Value) else float(measured)
                )
                if metric is not None:
                    history.val_metric.append(metric(outputs, list(validation[1])))
            latest = (history.val_loss or history.loss)[-1]
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(latest)
            elif scheduler is not None:
                scheduler.step()
            if checkpoint is not None and epoch % every == 0:
                extra = () if scheduler is None else (scheduler,)
                save(checkpoint, model, optimizer, rng, *extra)
            bar.set_postfix({k: f"{v[-1]:.4g}" for k, v in _lists(history) if v})
            bar.update()
            waited = 0 if latest < best else waited + 1
            best = min(best, latest)
            if patience is not None and waited >= patience:
                history.stopped = "patience"
                break
    except KeyboardInterrupt:
        history.stopped = "interrupt"
    finally:
        bar.close()
    return history


def _lists(history: History) -> list[tuple[str, list[float]]]:
    return [(k, v) for k, v in vars(history).items() if isinstance(v, list)]


def _outputs(model: Module, inputs: Sequence[Any]) -> list[Any]:
    """The model's outputs on every example, not recorded, and without dropout."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            return [model(x) for x in inputs]
    finally:
        for module, training in modes:
            module.training = training


def _bar(epochs: int, progress: bool) -> Any:
    """A progress bar over the epochs, which is silent if none is wanted."""
    if not progress:
        return _NoBar()
    from tqdm import tqdm

    return tqdm(total=epochs, unit="epoch")


class _NoBar:
    """A progress bar that shows nothing."""

    def set_postfix(self, numbers: dict[str, str]) -> None:
        """Show nothing."""

    def update(self) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""
