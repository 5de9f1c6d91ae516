"""Neural nets of scalar Values: modules, from one neuron to a two-layer net, and losses.

* ``Module`` -- finds its parameters in its attributes; ``Neuron``, ``Layer``, ``MLP``,
  ``TwoLayerNet`` compose;
* ``mse_loss``, ``cross_entropy`` -- losses, averaged over a batch;
* ``accuracy`` -- a plain number, not recorded.

Names and conventions are PyTorch's.  Randomness is explicit: the same ``numpy.random.Generator``
gives the same net.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autodiff import functions
from autodiff.contexts import scope
from autodiff.reals import describe
from autodiff.value import Value

Activation = str | Callable[[Any], Any] | None


class Module:
    """A part of a net: its attributes that are Values, modules, or lists of them are its parts.

    A subclass assigns its parts in ``__init__`` and computes in ``forward``.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'offset']
    """

    def forward(self, *inputs: Any) -> Any:
        """Compute the outputs; a subclass says how."""
        raise TypeError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *inputs: Any) -> Any:
        """``forward(*inputs)``, what it records labelled with this module's place in the net."""
        with scope(self.__dict__.get("_place") or type(self).__name__.lower()):
            return self.forward(*inputs)

    def __setattr__(self, name: str, part: Any) -> None:
        object.__setattr__(self, name, part)
        for place, module in _parts(name, part):
            if isinstance(module, Module):
                object.__setattr__(module, "_place", place)

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Every parameter with its path: ``("layers.0.neurons.1.bias", Value)``, each once."""
        seen: set[int] = set()
        for path, parameter in self._walk():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield path, parameter

    def _walk(self) -> Iterator[tuple[str, Value]]:
        for name, attribute in vars(self).items():
            for path, part in _parts(name, attribute):
                if isinstance(part, Module):
                    yield from ((f"{path}.{below}", p) for below, p in part._walk())
                elif isinstance(part, Value):
                    yield path, part

    def parameters(self) -> list[Value]:
        """Every parameter, each once, in the order of assignment."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0


def _parts(name: str, attribute: Any) -> Iterator[tuple[str, Any]]:
    """An attribute itself, or the elements of a list or tuple, each with its path."""
    if isinstance(attribute, (list, tuple)):
        for i, element in enumerate(attribute):
            yield from _parts(f"{name}.{i}", element)
    else:
        yield name, attribute


class Neuron(Module):
    """``activation(w . x + b)`` of ``in_features`` numbers.

    Weights and bias are drawn from the uniform distribution on +-1/sqrt(in_features), as PyTorch's
    ``Linear`` does.

    Args:
        in_features: how many numbers come in.
        activation: a name in ``autodiff`` (``"relu"``), a function, or None for none.
        rng: where the weights are drawn from.

    Raises:
        ValueError: if ``in_features`` is not a positive integer, or the activation is unknown.

    >>> neuron = Neuron(2, "tanh", np.random.default_rng(0))
    >>> -1 < neuron([1.0, 2.0]).data < 1
    True
    """

    def __init__(
        self,
        in_features: int,
        activation: Activation = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.activation = _activation(activation)
        bound = 1.0 / np.sqrt(_size(in_features, "in_features"))
        draws = (rng or np.random.default_rng()).uniform(-bound, bound, in_features + 1).tolist()
        self.weights = [Value(w, name=f"w{i}") for i, w in enumerate(draws[:-1])]
        self.bias = Value(draws[-1], name="b")

    def forward(self, xs: Sequence[Any]) -> Value:
        """One number from ``in_features`` numbers."""
        _check_inputs(self, xs, len(self.weights))
        total: Value = functions.dot(self.weights, xs) + self.bias
        return total if self.activation is None else self.activation(total)


class Layer(Module):
    """``out_features`` neurons on the same ``in_features`` inputs.

    Raises:
        ValueError: as ``Neuron``.

    >>> len(Layer(3, 2, "relu")([1.0, 2.0, 3.0]))
    2
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: Activation = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = rng or np.random.default_rng()
        self.neurons = [
            Neuron(in_features, activation, rng) for _ in range(_size(out_features, "out_features"))
        ]

    def forward(self, xs: Sequence[Any]) -> list[Value]:
        """``out_features`` numbers from ``in_features`` numbers."""
        return [neuron(xs) for neuron in self.neurons]


class MLP(Module):
    """A multi-layer perceptron: layers one after the other, the last without activation.

    Args:
        in_features: how many numbers come in.
        out_features: how many each layer gives, from the first to the last.
        activation: of every layer but the last.
        rng: where the weights are drawn from.

    Raises:
        ValueError: as ``Neuron``; if there is no layer.

    >>> net = MLP(3, [4, 2], "tanh", np.random.default_rng(0))
    >>> len(net.parameters()), len(net([1.0, 2.0, 3.0]))
    (26, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: Sequence[int],
        activation: Activation = "relu",
        rng: np.random.Generator | None = None,
    ) -> None:
        if not out_features:
            raise ValueError("MLP(in_features, out_features): at least one layer is wanted")
        rng = rng or np.random.default_rng()
        sizes = [in_features, *out_features]
        last = len(out_features) - 1
        self.layers = [
            Layer(sizes[i], sizes[i + 1], activation if i < last else None, rng)
            for i in range(len(out_features))
        ]

    def forward(self, xs: Sequence[Any]) -> list[Value]:
        """The last layer's numbers."""
        for layer in self.layers:
            xs = layer(xs)
        return list(xs)


class TwoLayerNet(MLP):
    """A hidden layer and an output layer: the classical two-layer net.

    >>> len(TwoLayerNet(64, 32, 10).parameters())
    2410
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        out_features: int,
        activation: Activation = "relu",
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(in_features, [hidden, out_features], activation, rng)


def _activation(activation: Activation) -> Callable[[Any], Any] | None:
    if activation is None or callable(activation):
        return activation
    found = functions.PUBLIC.get(activation) if isinstance(activation, str) else None
    if found is None:
        raise ValueError(
            f"activation must be a function, None, or a name such as 'relu', 'tanh' or 'sigmoid', "
            f"not {describe(activation)}"
        )
    return found


def _size(n: Any, what: str) -> int:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise ValueError(f"{what} must be a positive integer, not {describe(n)}")
    return int(n)


def _check_inputs(module: Module, xs: Any, wanted: int) -> None:
    if not hasattr(xs, "__len__"):
        raise TypeError(
            f"{type(module).__name__} takes a list of {wanted} numbers, not {describe(xs)}"
        )
    if len(xs) != wanted:
        raise ValueError(f"{type(module).__name__} takes {wanted} inputs, not {len(xs)}")


# -- losses ----------------------------------------------------------------------------------------


def mse_loss(predictions: Sequence[Any], targets: Sequence[Any]) -> Any:
    """The mean squared error over all elements of two equally shaped (nested) lists.

    Raises:
        ValueError: if the lists differ in shape, or are empty.

    >>> mse_loss([80.0, 90.0, 70.0], [75.0, 85.0, 75.0])
    25.0
    """
    pairs = list(_pairs(predictions, targets))
    return functions.mean([functions.square(p - t) for p, t in pairs])


def _pairs(predictions: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    if hasattr(predictions, "__len__") != hasattr(targets, "__len__"):
        raise ValueError("mse_loss(predictions, targets): one is nested deeper than the other")
    if not hasattr(predictions, "__len__"):
        yield predictions, targets
        return
    if len(predictions) != len(targets):
        raise ValueError(
            f"mse_loss(predictions, targets) takes lists of one length, not of "
            f"{len(predictions)} and {len(targets)}"
        )
    for p, t in zip(predictions, targets, strict=True):
        yield from _pairs(p, t)


def cross_entropy(logits: Sequence[Sequence[Any]], targets: Sequence[int]) -> Any:
    """``-log softmax(row)[target]``, averaged over the rows of a batch.

    Args:
        logits: a list of scores, one a class, for each example.
        targets: each example's class, an integer from 0.

    Raises:
        ValueError: if there is no example, not one target an example, or a target out of range.
        TypeError: if a target is not an integer.

    >>> round(cross_entropy([[0.0, 0.0], [1000.0, -1000.0]], [0, 0]), 6)
    0.346574
    """
    if len(logits) != len(targets):
        raise ValueError(f"cross_entropy(): {len(logits)} rows of logits, {len(targets)} targets")
    for i, (row, target) in enumerate(zip(logits, targets, strict=True)):
        if not isinstance(target, (int, np.integer)):
            raise TypeError(f"target {i} must be the integer of a class, not {describe(target)}")
        if not 0 <= target < len(row):
            raise ValueError(
                f"target {i} is {target}; with {len(row)} classes, 0 to {len(row) - 1}"
            )
    return functions.mean(
        [
            # relative to the target's score, huge scores cost no digits
            functions.logsumexp([z - row[t] if i != t else 0.0 for i, z in enumerate(row)])
            for row, t in zip(logits, targets, strict=True)
        ]
    )


def accuracy(logits: Sequence[Sequence[Any]], targets: Sequence[int]) -> float:
    """The share of examples whose largest score is the target's.

    Raises:
        ValueError: if there is no example, or not one target an example.

    >>> accuracy([[2.0, 1.0], [0.0, 3.0]], [0, 0])
    0.5
    """
    if not len(logits) or len(logits) != len(targets):
        raise ValueError(f"accuracy(): {len(logits)} rows of logits, {len(targets)} targets")
    return float(np.mean([max(r) == r[t] for r, t in zip(logits, targets, strict=True)]))
