"""Modules: parts of a net, from one neuron to a two-layer net.

* ``Sequential`` -- chains modules;
* ``Neuron``, ``Layer``, ``MLP``, ``TwoLayerNet`` -- fully connected nets;
* ``Embedding``, ``Dropout``, ``RMSNorm``, ``LayerNorm`` -- what else nets are made of.

Names and conventions are PyTorch's.  Randomness is explicit: the same ``numpy.random.Generator``
gives the same net.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff import functions
from autodiff.engine.reals import describe, real
from autodiff.nn.base import Module, name_of
from autodiff.nn.init import Initialiser, default
from autodiff.value import Value

Function = str | Callable[[Any], Any] | None


class Neuron(Module):
    """``activation(w . x + b)`` of ``in_features`` numbers.

    Args:
        in_features: how many numbers come in.
        activation: a name in ``autodiff`` (``"relu"``), a function, or None for none.
        rng: where the weights are drawn from; a new generator if None.
        bias: whether there is a bias.
        init: how the weights are drawn (see ``nn.init``); the bias is drawn as PyTorch does.

    Called with a list of ``in_features`` numbers or Values it gives one Value.

    Raises:
        ValueError: if ``in_features`` is not a positive integer, or the activation is unknown; when
            called, if another number of inputs comes.
        TypeError: if ``rng`` is not a ``numpy.random.Generator``; when called, if no list comes.

    >>> neuron = Neuron(2, "tanh", np.random.default_rng(0))
    >>> -1 < neuron([1.0, 2.0]).data < 1
    True
    >>> neuron
    Neuron(2, 'tanh')
    """

    def __init__(
        self,
        in_features: int,
        activation: Function = None,
        rng: np.random.Generator | None = None,
        bias: bool = True,
        init: Initialiser = default,
    ) -> None:
        n = _size(in_features, "in_features")
        self.activation = _function(activation)
        rng = _generator(rng)
        self.weights = [Value(w, name=f"w{i}") for i, w in enumerate(init(n, 1, rng)[0])]
        self.bias = Value(default(n, 1, rng)[0][0], name="b") if bias else None

    def forward(self, xs: Sequence[Any]) -> Value:
        """One number from ``in_features`` numbers."""
        _check_inputs(self, xs, len(self.weights))
        total: Value = functions.dot(self.weights, xs)
        if self.bias is not None:
            total = total + self.bias
        return total if self.activation is None else self.activation(total)

    def extra_repr(self) -> str:
        """Sizes and options, as they are given."""
        return f"{len(self.weights)}{''.join(_options(self))}"


class Layer(Module):
    """``out_features`` neurons on the same ``in_features`` inputs.

    Args:
        in_features: how many numbers come in.
        out_features: how many neurons there are.
        activation: as for ``Neuron``.
        rng: as for ``Neuron``.
        bias: whether the neurons have biases.
        init: how the weights are drawn.

    Called with a list of ``in_features`` numbers or Values it gives ``out_features`` Values.

    Raises:
        ValueError, TypeError: as ``Neuron``.

    >>> layer = Layer(3, 2, "relu")
    >>> len(layer([1.0, 2.0, 3.0]))
    2
    >>> layer
    Layer(3, 2, 'relu')
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: Function = None,
        rng: np.random.Generator | None = None,
        bias: bool = True,
        init: Initialiser = default,
    ) -> None:
        n, rows = _size(in_features, "in_features"), _size(out_features, "out_features")
        activation, rng = _function(activation), _generator(rng)
        weights = init(n, rows, rng)
        self.neurons = [Neuron(n, activation, rng, bias, _given(row)) for row in weights]

    def forward(self, xs: Sequence[Any]) -> list[Value]:
        """``out_features`` numbers from ``in_features`` numbers."""
        return [neuron(xs) for neuron in self.neurons]

    def extra_repr(self) -> str:
        """Sizes and options, as they are given; "" if its neurons differ."""
        kind = _kind(self)
        return f"{kind[0]}, {kind[1]}{kind[2]}{kind[3]}" if kind else ""


def _given(row: list[float]) -> Initialiser:
    return lambda fan_in, fan_out, rng: [row]


def _options(neuron: Neuron) -> tuple[str, str]:
    """Activation and bias, as they are given after the sizes; "" for the defaults."""
    activation = "" if neuron.activation is None else f", {name_of(neuron.activation)}"
    return activation, "" if neuron.bias is not None else ", bias=False"


def _kind(layer: Any) -> tuple[int, int, str, str] | None:
    """The sizes and options of a layer; None if it is none, or its neurons differ."""
    if not isinstance(layer, Layer):
        return None
    kinds = {(len(neuron.weights), *_options(neuron)) for neuron in layer.neurons}
    if len(kinds) != 1:
        return None
    ((n, activation, bias),) = kinds
    return n, len(layer.neurons), activation, bias


def _sizes(layers: list[Any]) -> tuple[list[int], str] | None:
    """The sizes of an MLP's layers, from the inputs on, and its options; None if it is none."""
    kinds = [kind for kind in map(_kind, layers) if kind]
    if not kinds or len(kinds) != len(layers):
        return None
    inputs, outputs, activations, biases = zip(*kinds, strict=True)
    *hidden, last = activations
    if inputs[1:] != outputs[:-1] or last or len({*hidden}) > 1 or len({*biases}) > 1:
        return None
    activation = (hidden[0] or ", None") if hidden else ""
    return [inputs[0], *outputs], activation + biases[0]


class Sequential(Module):
    """Modules, or functions of lists, one after the other.

    Args:
        layers: each is called with what the one before it gives, the first with the inputs.

    Raises:
        TypeError: if one cannot be called.

    >>> net = Sequential(Layer(2, 3, "tanh"), Layer(3, 1))
    >>> len(net([1.0, 2.0])), len(net.parameters())
    (1, 13)
    >>> net
    Sequential(
      (layers.0): Layer(2, 3, 'tanh')
      (layers.1): Layer(3, 1)
    )
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for layer in layers:
            if not callable(layer):
                raise TypeError(f"Sequential() takes modules and functions, not {describe(layer)}")
        self.layers = list(layers)

    def forward(self, xs: Any) -> Any:
        """What the last gives of what the one before gives, and so on."""
        for layer in self.layers:
            xs = layer(xs)
        return xs


class MLP(Sequential):
    """A multi-layer perceptron: layers one after the other, the last without activation.

    Args:
        in_features: how many numbers come in.
        out_features: how many each layer gives, from the first to the last: a list.
        activation: of every layer but the last.
        rng: as for ``Neuron``.
        bias: whether the neurons have biases.
        init: how the weights are drawn.

    Called with a list of ``in_features`` numbers or Values it gives ``out_features[-1]`` Values.

    Raises:
        ValueError: as ``Neuron``; if ``out_features`` is not a list of at least one positive
            integer.
        TypeError: as ``Neuron``.

    >>> net = MLP(3, [4, 2], "tanh", np.random.default_rng(0))
    >>> len(net.parameters()), len(net([1.0, 2.0, 3.0]))
    (26, 2)
    >>> net
    MLP(3, [4, 2], 'tanh')
    """

    def __init__(
        self,
        in_features: int,
        out_features: Sequence[int],
        activation: Function = "relu",
        rng: np.random.Generator | None = None,
        bias: bool = True,
        init: Initialiser = default,
    ) -> None:
        if not isinstance(out_features, (list, tuple)) or not out_features:
            raise ValueError(
                "MLP(in_features, out_features) takes a list of sizes, one per layer, "
                f"at least one, not {describe(out_features)}"
            )
        sizes = [_size(in_features, "in_features")]
        sizes += [_size(n, "out_features") for n in out_features]
        activation, rng = _function(activation), _generator(rng)
        last = len(sizes) - 2
        super().__init__(
            *(
                Layer(sizes[i], sizes[i + 1], activation if i < last else None, rng, bias, init)
                for i in range(len(out_features))
            )
        )

    def extra_repr(self) -> str:
        """Sizes and options, as they are given; "" if its layers are no longer an MLP's."""
        found = _sizes(self.layers)
        return f"{found[0][0]}, {found[0][1:]}{found[1]}" if found else ""


class TwoLayerNet(MLP):
    """A hidden layer and an output layer: the classical two-layer net.

    Args:
        in_features: how many numbers come in.
        hidden: how many neurons the hidden layer has.
        out_features: how many numbers go out.
        activation, rng, bias, init: as for ``MLP``; the activation is the hidden layer's.

    Raises:
        ValueError: as ``Neuron``; if a size is not a positive integer.
        TypeError: as ``Neuron``.

    >>> net = TwoLayerNet(64, 32, 10)
    >>> net, len(net.parameters())
    (TwoLayerNet(64, 32, 10, 'relu'), 2410)
    """

    def __init__(
        self,
        in_features: int,
        hidden: int,
        out_features: int,
        activation: Function = "relu",
        rng: np.random.Generator | None = None,
        bias: bool = True,
        init: Initialiser = default,
    ) -> None:
        super().__init__(in_features, [hidden, out_features], activation, rng, bias, init)

    def extra_repr(self) -> str:
        """Sizes and options, as they are given; "" if its layers are no longer two of an MLP."""
        found = _sizes(self.layers)
        return f"{', '.join(map(str, found[0]))}{found[1]}" if found and len(found[0]) == 3 else ""


class Embedding(Module):
    """A row of ``embedding_dim`` parameters for each of ``num_embeddings`` tokens.

    The rows are drawn from the standard normal distribution, as PyTorch draws them.  Called with a
    token, an integer from 0, it gives that token's row.

    Args:
        num_embeddings: how many tokens there are.
        embedding_dim: how many numbers a row has.
        rng: as for ``Neuron``.

    Raises:
        ValueError: if a size is not a positive integer; when called, if the token is out of range.
        TypeError: if ``rng`` is not a ``numpy.random.Generator``; when called, if the token is not
            an integer.

    >>> embedding = Embedding(10, 4)
    >>> embedding, len(embedding(3))
    (Embedding(10, 4), 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, rng: np.random.Generator | None = None
    ) -> None:
        shape = _size(num_embeddings, "num_embeddings"), _size(embedding_dim, "embedding_dim")
        rows = _generator(rng).normal(size=shape).tolist()
        self.rows = [[Value(x) for x in row] for row in rows]

    def forward(self, token: int | Value) -> list[Value]:
        """The row of a token; in a function that jit traces the token may be traced, too."""
        if type(token) is Value:
            row: list[Value] = functions.take(self.rows, token)
            return row
        if not isinstance(token, (int, np.integer)) or isinstance(token, bool):
            raise TypeError(f"Embedding takes the integer of a token, not {describe(token)}")
        if not 0 <= token < len(self.rows):
            raise ValueError(f"token {token} is not from 0 to {len(self.rows) - 1}")
        return self.rows[token]

    def extra_repr(self) -> str:
        """The sizes, as they are given."""
        return f"{len(self.rows)}, {len(self.rows[0])}"


class Dropout(Module):
    """In training, each number becomes 0 with probability ``p``; others grow by ``1/(1 - p)``.

    Args:
        p: the probability.
        rng: where it is drawn from which become 0.

    Raises:
        ValueError: if ``p`` is not from 0 to 1.
        TypeError: if ``p`` is not a number, or ``rng`` not a ``numpy.random.Generator``.

    References:
        N. Srivastava and others, Dropout: a simple way to prevent neural networks from
        overfitting, JMLR 15 (2014).

    >>> dropout = Dropout(0.5, np.random.default_rng(0))
    >>> set(dropout([1.0] * 100)) == {0.0, 2.0}
    True
    >>> dropout.eval()([1.0, 2.0])
    [1.0, 2.0]
    """

    def __init__(self, p: float, rng: np.random.Generator) -> None:
        if not 0 <= real(p, "p") <= 1:
            raise ValueError(f"p must be from 0 to 1, not {p}")
        if rng is None:
            raise TypeError("Dropout(p, rng) takes a numpy.random.Generator, not None")
        self.p, self.rng = p, _generator(rng)

    def forward(self, xs: Sequence[Any]) -> list[Any]:
        """The numbers that are kept, scaled, and zeros for the others."""
        if not self.training or self.p == 0:
            return list(xs)
        kept = self.rng.random(len(xs)) >= self.p
        return [x * (1 / (1 - self.p)) if k else x * 0.0 for x, k in zip(xs, kept, strict=True)]

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class RMSNorm(Module):
    """``x / sqrt(mean(x*x) + eps)``, each number times a weight of its own, 1 at first.

    Args:
        features: how many numbers come in, and go out.
        eps: keeps the root above 0.

    Raises:
        ValueError: if ``features`` is not a positive integer; when called, if another number of
            inputs comes.
        TypeError: if ``eps`` is not a number; when called, if no list comes.

    References:
        B. Zhang, R. Sennrich, Root mean square layer normalization, NeurIPS 2019.

    >>> [round(y.data, 4) for y in RMSNorm(2)([3.0, 4.0])]
    [0.8485, 1.1314]
    """

    def __init__(self, features: int, eps: float = float(np.finfo(np.float64).eps)) -> None:
        self.eps = real(eps, "eps")
        self.weights = [Value(1.0, name=f"w{i}") for i in range(_size(features, "features"))]

    def forward(self, xs: Sequence[Any]) -> list[Value]:
        """As many numbers as came."""
        _check_inputs(self, xs, len(self.weights))
        scale = 1 / functions.sqrt(functions.dot(xs, xs) / len(xs) + self.eps)
        return [x * scale * w for x, w in zip(xs, self.weights, strict=True)]

    def extra_repr(self) -> str:
        """The size, and eps."""
        return f"{len(self.weights)}, eps={self.eps:.3g}"


class LayerNorm(Module):
    """``(x - mean)/sqrt(variance + eps)``, each number times a weight, plus a bias, of its own.

    Weights are 1 and biases 0 at first.

    Args:
        features: how many numbers come in, and go out.
        eps: keeps the root above 0.

    Raises:
        ValueError, TypeError: as ``RMSNorm``.

    References:
        J. Ba, J. Kiros, G. Hinton, Layer normalization, arXiv:1607.06450.

    >>> [round(y.data, 4) for y in LayerNorm(2)([3.0, 5.0])]
    [-1.0, 1.0]
    """

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        self.eps = real(eps, "eps")
        self.weights = [Value(1.0, name=f"w{i}") for i in range(_size(features, "features"))]
        self.biases = [Value(0.0, name=f"b{i}") for i in range(features)]

    def forward(self, xs: Sequence[Any]) -> list[Value]:
        """As many numbers as came."""
        _check_inputs(self, xs, len(self.weights))
        mean = functions.mean(xs)
        centred = [x - mean for x in xs]
        scale = 1 / functions.sqrt(functions.dot(centred, centred) / len(xs) + self.eps)
        parts = zip(centred, self.weights, self.biases, strict=True)
        return [x * scale * w + b for x, w, b in parts]

    def extra_repr(self) -> str:
        """The size, and eps."""
        return f"{len(self.weights)}, eps={self.eps:.3g}"


def _function(activation: Function) -> Callable[[Any], Any] | None:
    if activation is None or callable(activation):
        return activation
    found = functions.PUBLIC.get(activation) if isinstance(activation, str) else None
    if found is None:
        raise ValueError(
            f"activation must be a function, None, or a name such as 'relu', 'tanh' or 'sigmoid', "
            f"not {describe(activation)}"
        )
    return found


def _generator(rng: Any) -> np.random.Generator:
    """The generator that was given; a new one for None."""
    if rng is None:
        return np.random.default_rng()
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng takes a numpy.random.Generator, not {describe(rng)}")
    return rng


def _size(n: Any, what: str) -> int:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
        raise ValueError(f"{what} must be a positive integer, not {describe(n)}")
    return int(n)


def _check_inputs(module: Module, xs: Any, wanted: int) -> None:
    name = type(module).__name__
    if not hasattr(xs, "__len__"):
        raise TypeError(f"{name} takes a list of {wanted} numbers, not {describe(xs)}")
    if len(xs) != wanted:
        raise ValueError(f"{name} takes {wanted} inputs, not {len(xs)}")
