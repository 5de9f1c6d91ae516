"""Modules: parts of a net that find their own parameters, from one neuron to a two-layer net.

* ``Module`` -- finds its parameters in its attributes; ``Sequential`` chains modules;
* ``Neuron``, ``Layer``, ``MLP``, ``TwoLayerNet`` -- fully connected nets;
* ``Embedding``, ``Dropout``, ``RMSNorm``, ``LayerNorm`` -- what else nets are made of.

Names and conventions are PyTorch's.  Randomness is explicit: the same ``numpy.random.Generator``
gives the same net.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autodiff import functions
from autodiff.arrays import scatter_grads
from autodiff.contexts import scoped, within
from autodiff.engine.modes import MODE, PLAIN
from autodiff.engine.reals import describe, dictionary, real
from autodiff.nn.init import Initialiser, default
from autodiff.value import Value

Function = str | Callable[[Any], Any] | None


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

    training = True
    _path = ""  # in the outermost module that it was assigned to, with a dot at its end

    def forward(self, *inputs: Any) -> Any:
        """Compute the outputs; a subclass says how."""
        raise TypeError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *inputs: Any) -> Any:
        """``forward(*inputs)``, what it records labelled with this module's place in the net."""
        mode = MODE.get()
        outer, inner = self.__dict__.get("_modes", (None, PLAIN))
        if outer is not mode:  # else it is called where it was called before
            inner = scoped(mode, self.__dict__.get("_place") or type(self).__name__.lower())
            object.__setattr__(self, "_modes", (mode, inner))
        return within(inner, self.forward, *inputs)

    def __setattr__(self, name: str, part: Any) -> None:
        object.__setattr__(self, name, part)
        for place, found in _parts(name, part):
            if isinstance(found, Module):
                object.__setattr__(found, "_place", place)
                vars(found).pop("_modes", None)  # of its former place
                found._name_parameters(f"{self._path}{place}.")
            elif isinstance(found, Value) and not found.op:
                _name(found, place, self._path, self._path)

    def _name_parameters(self, path: str) -> None:
        """Put this module's path in the net before the names of all parameters in it."""
        pending = [(self, path)]
        while pending:
            module, path = pending.pop()
            for name, attribute in vars(module).items():
                for place, part in _parts(name, attribute):
                    if isinstance(part, Module):
                        pending.append((part, f"{path}{place}."))
                    elif isinstance(part, Value) and not part.op:
                        _name(part, place, module._path, path)
            object.__setattr__(module, "_path", path)

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Every parameter with its path: ``("layers.0.neurons.1.bias", Value)``, each once."""
        seen: set[int] = set()
        for path, parameter in self._walk():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield path, parameter

    def _walk(self, above: str = "") -> Iterator[tuple[str, Value]]:
        for name, attribute in vars(self).items():
            for path, part in _parts(above + name, attribute):
                if isinstance(part, Module):
                    yield from part._walk(path + ".")
                elif isinstance(part, Value):
                    yield path, part

    def parameters(self) -> list[Value]:
        """Every parameter, each once, in the order of assignment."""
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        seen: set[int] = set()
        pending: list[Module] = [self]
        while pending:
            module = pending.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield module
                below = [p for n, a in vars(module).items() for _, p in _parts(n, a)]
                pending += [p for p in reversed(below) if isinstance(p, Module)]

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0."""
        parameters = self.parameters()
        scatter_grads(parameters, array("d", bytes(8 * len(parameters))))

    def train(self, mode: bool = True) -> Module:
        """Be in training, where dropout drops; returns this module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Be in use, where dropout does nothing; returns this module."""
        return self.train(False)

    def state_dict(self) -> dict[str, float]:
        """Every parameter's number, by its path."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, saved: dict[str, float]) -> None:
        """Set every parameter to what ``state_dict()`` gave.

        Raises:
            ValueError: if the parameters are others; the message names the first difference, and
                nothing is changed.
            TypeError: if something saved is not a number.
        """
        for parameter, number in self._checked_state(saved):
            parameter.data = number

    def check_state_dict(self, saved: dict[str, float]) -> None:
        """Refuse what ``load_state_dict`` refuses, and change nothing."""
        self._checked_state(saved)

    def _checked_state(self, saved: dict[str, float]) -> list[tuple[Value, float]]:
        """The parameters and their new numbers, checked."""
        parameters = dict(self.named_parameters())
        for name in [*parameters, *dictionary(saved, "the saved module")]:
            if name not in saved:
                raise ValueError(f"the saved module has no parameter {name!r}")
            if name not in parameters:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}")
        return [(parameter, real(saved[name], name)) for name, parameter in parameters.items()]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({len(self.parameters())} parameters)"]
        for name, attribute in vars(self).items():
            parts = [(n, p) for n, p in _parts(name, attribute) if isinstance(p, Module)]
            shown = [f"{n}: {p!r}" for n, p in parts[:8]]
            if len(parts) > 8:
                shown.append(f"... and {len(parts) - 8} more")
            lines += ["  " + line for text in shown for line in text.splitlines()]
        return "\n".join(lines)


def _name(parameter: Value, place: str, before: str, path: str) -> None:
    """Put a path before what its module calls a parameter; one that another has named keeps it."""
    own = parameter.name.removeprefix(before) or place
    if own == place or "." not in own:
        parameter.name = path + own


def _parts(name: str, attribute: Any) -> Iterator[tuple[str, Any]]:
    """An attribute itself, or the elements of a list or tuple, each with its path."""
    if isinstance(attribute, (list, tuple)):
        for i, element in enumerate(attribute):
            if isinstance(element, (list, tuple)):
                yield from _parts(f"{name}.{i}", element)
            else:
                yield f"{name}.{i}", element
    else:
        yield name, attribute


class Neuron(Module):
    """``activation(w . x + b)`` of ``in_features`` numbers.

    Args:
        in_features: how many numbers come in.
        activation: a name in ``autodiff`` (``"relu"``), a function, or None for none.
        rng: where the weights are drawn from.
        bias: whether there is a bias.
        init: how the weights are drawn (see ``nn.init``); the bias is drawn as PyTorch does.

    Raises:
        ValueError: if ``in_features`` is not a positive integer, or the activation is unknown.

    >>> neuron = Neuron(2, "tanh", np.random.default_rng(0))
    >>> -1 < neuron([1.0, 2.0]).data < 1
    True
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


class Layer(Module):
    """``out_features`` neurons on the same ``in_features`` inputs.

    Args:
        in_features: how many numbers come in.
        out_features: how many neurons there are.
        activation: as for ``Neuron``.
        rng: where the weights are drawn from.
        bias: whether the neurons have biases.
        init: how the weights are drawn.

    Raises:
        ValueError: as ``Neuron``.

    >>> len(Layer(3, 2, "relu")([1.0, 2.0, 3.0]))
    2
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


def _given(row: list[float]) -> Initialiser:
    return lambda fan_in, fan_out, rng: [row]


class Sequential(Module):
    """Modules, or functions of lists, one after the other.

    >>> net = Sequential(Layer(2, 3, "tanh"), Layer(3, 1))
    >>> len(net([1.0, 2.0])), len(net.parameters())
    (1, 13)
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
        out_features: how many each layer gives, from the first to the last.
        activation: of every layer but the last.
        rng: where the weights are drawn from.
        bias: whether the neurons have biases.
        init: how the weights are drawn.

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
        activation: Function = "relu",
        rng: np.random.Generator | None = None,
        bias: bool = True,
        init: Initialiser = default,
    ) -> None:
        super().__init__(in_features, [hidden, out_features], activation, rng, bias, init)


class Embedding(Module):
    """A row of ``embedding_dim`` parameters for each of ``num_embeddings`` tokens.

    The rows are drawn from the standard normal distribution, as PyTorch draws them.

    Raises:
        ValueError: if a size is not a positive integer, or a token out of range.
        TypeError: if a token is not an integer.

    >>> len(Embedding(10, 4)(3))
    4
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


class Dropout(Module):
    """In training, each number becomes 0 with probability ``p``; others grow to ``1/(1 - p)``.

    Raises:
        ValueError: if ``p`` is not from 0 to 1.
        TypeError: if ``rng`` is not a ``numpy.random.Generator``.

    >>> Dropout(0.5, np.random.default_rng(0)).eval()([1.0, 2.0])
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


class RMSNorm(Module):
    """Numbers divided by the root of the mean of their squares, each times a weight, 1 at first.

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


class LayerNorm(Module):
    """Numbers less their mean, divided by their standard deviation, scaled and shifted.

    Weights are 1 and biases 0 at first.

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
