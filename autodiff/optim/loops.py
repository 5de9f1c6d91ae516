"""Data in mini-batches, and a small training loop.

The explicit loop of four lines is the first thing to write; ``fit`` is that loop with a progress
bar, a history, validation, early stopping and checkpoints.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.checkpoints import save
from autodiff.contexts import within
from autodiff.engine.modes import MODE
from autodiff.engine.reals import describe, dictionary, real
from autodiff.nn import Module
from autodiff.optim.bars import bar
from autodiff.optim.base import Optimizer
from autodiff.optim.batches import as_array, loss_of, on_rows, outputs_of
from autodiff.optim.compiled import Compiled, values_of
from autodiff.optim.lr_scheduler import ReduceLROnPlateau
from autodiff.transforms.vmap import Vmapped
from autodiff.value import Value

#: Parameters times examples, from which on a batch is one vmap: unrolled, it takes long to compile.
LARGE = 1 << 19
FEW = 20  #: losses of batches of one size: to make a program takes as long as some of them


def minibatches(
    X: Sequence[Any], y: Sequence[Any], size: int, rng: np.random.Generator
) -> Iterator[tuple[list[Any], list[Any]]]:
    """The examples in a random order, ``size`` at a time; the last batch may be smaller.

    Args:
        X: the inputs: a list, or an array whose first axis counts examples.
        y: their targets, as many.
        size: how many examples a batch has.
        rng: where the order is drawn from.

    Returns:
        Pairs of lists: inputs, and their targets.

    Raises:
        ValueError: if ``X`` and ``y`` differ in length or are empty, or ``size`` is not positive.
        TypeError: if ``rng`` is not a ``numpy.random.Generator``.

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
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng takes a numpy.random.Generator, not {describe(rng)}")
    return (
        (_as_list(_chosen(X, which)), _as_list(_chosen(y, which)))
        for which in _orders(len(X), size, rng)
    )


def _orders(n: int, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """The numbers of the examples of each batch."""
    order = rng.permutation(n).tolist()
    for i in range(0, n, size):
        yield order[i : i + size]


def _chosen(examples: Sequence[Any], which: list[int]) -> Any:
    """Some of the examples: an array of them, or a list."""
    return examples[which] if isinstance(examples, np.ndarray) else [examples[k] for k in which]


def _as_list(examples: Any) -> list[Any]:
    """Examples, or one, as a list: of an array, its numbers."""
    found: list[Any] = examples.tolist() if isinstance(examples, np.ndarray) else examples
    return found


@dataclass
class History:
    """What happened in training, a number an epoch.  It may be saved, and continued by ``fit``.

    Attributes:
        loss: the mean loss over the epoch's batches.
        metric: of the training examples, after the epoch; empty without a metric.
        val_loss: the loss of the validation examples; empty without any.
        val_metric: their metric.
        stopped: ``"epochs"``, ``"patience"`` or ``"interrupt"`` (Ctrl-C).

    >>> history, twin = History(loss=[2.0, 1.0]), History()
    >>> twin.load_state_dict(history.state_dict())
    >>> twin
    History(loss=[2.0, 1.0], metric=[], val_loss=[], val_metric=[], stopped='epochs')
    """

    loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_metric: list[float] = field(default_factory=list)
    stopped: str = "epochs"

    def state_dict(self) -> dict[str, Any]:
        """Everything, as ``save`` takes it."""
        return {k: list(v) if isinstance(v, list) else v for k, v in vars(self).items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Become what ``state_dict()`` gave.

        Raises:
            TypeError: if something in it is not a list of numbers.
            ValueError: if it is of something else, or makes no sense.  Nothing is changed then.
        """
        vars(self).update(self._loaded(saved))

    def check_state_dict(self, saved: dict[str, Any]) -> None:
        """Refuse what ``load_state_dict`` refuses, and change nothing."""
        self._loaded(saved)

    def _loaded(self, saved: dict[str, Any]) -> dict[str, Any]:
        """What loading changes, checked."""
        if dictionary(saved, "the saved History").keys() != vars(self).keys():
            names = ", ".join(map(str, saved))
            raise ValueError(f"a History is of {', '.join(vars(self))}; not {names}")
        stopped = saved["stopped"]
        if not isinstance(stopped, str) or stopped not in ("epochs", "patience", "interrupt"):
            raise ValueError(
                f"stopped must be 'epochs', 'patience' or 'interrupt', not {describe(stopped)}"
            )
        lists = {}
        for name in ("loss", "metric", "val_loss", "val_metric"):
            if not isinstance(saved[name], list):
                raise TypeError(f"{name} must be a list of numbers, not {describe(saved[name])}")
            lists[name] = [real(x, name) for x in saved[name]]
            if len(lists[name]) not in (0, len(lists["loss"])):
                raise ValueError(
                    f"{name} is of {len(lists[name])} epochs, but loss of {len(lists['loss'])}"
                )
        return {**lists, "stopped": stopped}


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
    history: History | None = None,
    jit: bool = True,
) -> History:
    """Train ``model`` in place.

    Model and loss run as programs (see ``jit``), one for every size of batch that comes often; if
    they cannot, they run as they are, after a warning that says why.  Losses and parameters are the
    same to the bit, but for gradients of what an integer target chooses (``cross_entropy``), and of
    a large batch, which is one ``vmap`` of model and loss: these are sums in another order, which
    may differ in their last digits.

    Args:
        model: called on one example's inputs at a time.
        loss: of a list of outputs and a list of targets, as the losses of ``nn`` are.
        data: inputs and targets to learn from.
        optimizer: of the model's parameters.  A step of ``LBFGS`` evaluates the loss of its batch
            up to ``max_eval`` times: ``batch_size=len(data[0])`` makes that the loss of all data.
        epochs: how many times to go through the data; those in ``history`` count.
        batch_size: examples a step.
        rng: where the order of the examples is drawn from.
        metric: of outputs and targets, as ``nn.accuracy`` is.
        validation: inputs and targets to be measured on after every epoch.
        patience: stop after so many epochs in which the validation loss (the training loss
            without validation) has not become smaller than ever before.
        scheduler: its ``step()`` is called after every epoch; ``ReduceLROnPlateau`` is given the
            loss that ``patience`` looks at.
        checkpoint: where to save all that the training changes: model, optimizer, ``rng``, history,
            the scheduler if there is one, and the other generators that modules (``Dropout``) and
            optimizer have as attributes, each once.  After ``load(path, model, optimizer, rng,
            history, ...)``, in this order, ``fit(..., history=history)`` goes on as if there had
            been no stop.
        every: after how many epochs to save.
        progress: show a bar, with tqdm.
        history: one to be continued, in place.
        jit: False to call model and loss themselves at every step.

    Returns:
        The history.  Ctrl-C ends the training between two steps, with the history so far.

    Raises:
        ValueError: as ``minibatches``; if ``epochs``, ``patience`` or ``every`` is not an integer
            in range; if the history is of other measurements.
        FileNotFoundError: if there is no folder for the checkpoint.
        RuntimeError: if model or loss are found to read something that changes, which their
            programs could not see, after steps in which they were trusted.
        ImportError: if ``progress`` is wanted and tqdm is not installed.

    >>> from autodiff.nn import Neuron, mse_loss
    >>> from autodiff.optim import SGD
    >>> rng = np.random.default_rng(0)
    >>> line, data = Neuron(1, rng=rng), ([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> history = fit(
    ...     line, mse_loss, data, SGD(line.parameters(), lr=0.2), 100, rng=rng, progress=False
    ... )
    >>> [round(p.data, 3) for p in line.parameters()], len(history.loss)
    ([2.0, 1.0], 100)
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
    if checkpoint is not None and not Path(checkpoint).parent.is_dir():
        raise FileNotFoundError(f"there is no folder for the checkpoint {checkpoint}")
    history = History() if history is None else history
    _check(history, metric is not None, validation is not None)
    extra = () if scheduler is None else (scheduler,)
    changing = (model, optimizer, rng, history, *extra, *_generators(model, optimizer, rng))

    of_batch: Callable[..., Any] = functools.partial(_loss_of_batch, model, loss)
    predict: Callable[..., Any] = model
    at_once = None
    if jit and batch_size * len(model.parameters()) >= LARGE:
        at_once = functools.partial(loss_of, model, loss)
        data = as_array(data[0]), data[1]
    full, rest = divmod(len(data[0]), batch_size)
    each = max(group.get("max_eval", 1) for group in optimizer.param_groups)  # of LBFGS
    calls = {batch_size: full * epochs * each, rest: epochs * each}  # by the size of a batch
    of_size = dict.fromkeys(calls, of_batch)
    if jit and max(calls.values()) >= FEW:
        compiled = Compiled(of_batch, "the loss of a batch", at_once=at_once)
        of_size = {n: compiled if often >= FEW else of_batch for n, often in calls.items()}
        predict = Compiled(model, "the model", quiet=True)
    of_all: Callable[[Any], list[Any]] = functools.partial(_one_by_one, predict)
    if at_once is not None:
        of_all = functools.partial(_all_at_once, model, on_rows(model).jitted())

    history.stopped = "epochs"
    best, waited = np.inf, 0
    for latest in history.val_loss or history.loss:
        best, waited = min(best, latest), 0 if latest < best else waited + 1
    limit = np.inf if patience is None else patience
    bar = _bar(epochs, len(history.loss), progress)
    try:
        while len(history.loss) < epochs and waited < limit:
            losses = []
            for which in _orders(len(data[0]), batch_size, rng):
                inputs, targets = (_chosen(examples, which) for examples in data)
                if at_once is None:
                    inputs = _as_list(inputs)
                of_these = of_size[len(which)], inputs, _as_list(targets)
                closure = functools.partial(_with_gradient, optimizer, *of_these)
                if optimizer.needs_closure:
                    value = optimizer.step(closure)
                else:
                    value = closure()
                    optimizer.step()
                losses.append(value.data)
            row = {"loss": float(np.mean(losses))}
            if metric is not None:
                row["metric"] = metric(_outputs(model, of_all, data[0]), list(data[1]))
            if validation is not None:
                outputs = _outputs(model, of_all, validation[0])
                measured = loss(outputs, list(validation[1]))
                row["val_loss"] = measured.data if isinstance(measured, Value) else float(measured)
                if metric is not None:
                    row["val_metric"] = metric(outputs, list(validation[1]))
            latest = row.get("val_loss", row["loss"])
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(latest)
            elif scheduler is not None:
                scheduler.step()
            best, waited = min(best, latest), 0 if latest < best else waited + 1
            lists = [vars(history)[name] for name in row]
            # all at once: such a deque runs no Python, so no Ctrl-C comes in between
            deque(map(list.append, lists, row.values()), maxlen=0)
            if checkpoint is not None and len(history.loss) % every == 0:
                save(checkpoint, *changing)
            bar.set_postfix({k: f"{v:.4g}" for k, v in row.items()})
            bar.update()
        if waited >= limit:
            history.stopped = "patience"
    except KeyboardInterrupt:
        history.stopped = "interrupt"
    finally:
        bar.close()
    return history


def _check(history: History, metric: bool, validation: bool) -> None:
    """Refuse a history of other measurements."""
    for name, measured in (
        ("metric", metric),
        ("val_loss", validation),
        ("val_metric", metric and validation),
    ):
        numbers = vars(history)[name]
        if len(numbers) != measured * len(history.loss):
            raise ValueError(
                f"history has {len(history.loss)} epochs, but {len(numbers)} of {name}, which is "
                f"{'' if measured else 'not '}measured now"
            )


def _generators(
    model: Module, optimizer: Optimizer, rng: np.random.Generator
) -> list[np.random.Generator]:
    """Those that modules and optimizer hold, each once, without ``rng``."""
    held = {
        id(x): x
        for owner in (*model.modules(), optimizer)
        for x in vars(owner).values()
        if isinstance(x, np.random.Generator) and x is not rng
    }
    return list(held.values())


def _loss_of_batch(
    model: Module,
    loss: Callable[[list[Any], list[Any]], Any],
    inputs: Any,
    targets: list[Any],
) -> Any:
    """What a step goes down."""
    return loss(_one_by_one(model, _as_list(inputs)), targets)


def _with_gradient(
    optimizer: Optimizer, of_batch: Callable[..., Any], inputs: Any, targets: list[Any]
) -> Any:
    """The same, and its gradient in the parameters."""
    value = of_batch(inputs, targets)
    optimizer.zero_grad()
    value.backward()
    return value


def _one_by_one(model: Callable[[Any], Any], inputs: Sequence[Any]) -> list[Any]:
    """The model's outputs."""
    return [model(x) for x in inputs]


def _all_at_once(model: Callable[[Any], Any], of_rows: Vmapped[...], inputs: Any) -> list[Any]:
    """The same, by one vmap."""
    outputs: list[Any] = values_of(outputs_of(model, inputs, of_rows))
    return outputs


def _outputs(model: Module, of_all: Callable[[Any], list[Any]], inputs: Any) -> list[Any]:
    """The model's outputs on every example, not recorded, and without dropout."""
    attributes = [vars(module) for module in model.modules()]
    before = [{"training": module.training} for module in model.modules()]
    try:
        model.eval()
        mode = MODE.get()
        unrecorded = mode._replace(recording=False)
        outputs: list[Any] = within(unrecorded, of_all, inputs)
        return outputs
    finally:  # as in fit(): at once
        deque(map(dict.update, attributes, before), maxlen=0)


def _bar(epochs: int, done: int, progress: bool) -> Any:
    """A progress bar over the epochs, which is silent if none is wanted."""
    if not progress:
        return _NoBar()
    return bar(total=epochs, initial=done, unit="epoch")


class _NoBar:
    """A progress bar that shows nothing."""

    def set_postfix(self, numbers: dict[str, str]) -> None:
        """Show nothing."""

    def update(self) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""
