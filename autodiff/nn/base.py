"""What every module has: parts that it finds in its attributes, among them its parameters."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from autodiff import functions
from autodiff.arrays import scatter_grads
from autodiff.contexts import scoped, within
from autodiff.engine.modes import MODE, PLAIN
from autodiff.engine.reals import dictionary, real
from autodiff.value import Value


class Module:
    """A part of a net: its attributes that are Values, modules, or lists of them are its parts.

    A subclass assigns its parts in ``__init__`` and computes in ``forward``.  A parameter is
    named by where it is: ``"layers.0.neurons.1.bias"``.

    Attributes:
        training: whether the module is in training, where dropout drops; see ``train``.

    Raises:
        TypeError: when called, if the class does not define ``forward``.

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
    >>> line.state_dict()
    {'slope': 2.0, 'offset': 1.0}
    >>> line
    Line(2 parameters)
    """

    training = True
    _path = ""  # in the outermost module that it was assigned to, with a dot at its end

    def forward(self, *inputs: Any) -> Any:
        """Compute the outputs; a subclass says how.

        Raises:
            TypeError: if it does not.
        """
        raise TypeError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *inputs: Any) -> Any:
        """``forward(*inputs)``, what it records labelled with this module's place in the net."""
        mode = MODE.get()
        outer, inner = self.__dict__.get("_modes", (None, PLAIN))
        if outer is not mode:  # else it is called where it was called before
            inner = scoped(mode, self.__dict__.get("_place") or type(self).__name__.lower())
            object.__setattr__(self, "_modes", (mode, inner))
        return within(inner, self.forward, *inputs)

    def __getstate__(self) -> dict[str, Any]:
        """What is copied and pickled: all but in which contexts it was called last."""
        return {name: part for name, part in vars(self).items() if name != "_modes"}

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
        """Every parameter with its path, each once, in the order of assignment.

        >>> from autodiff.nn import MLP
        >>> [path for path, _ in MLP(1, [1]).named_parameters()]
        ['layers.0.neurons.0.weights.0', 'layers.0.neurons.0.bias']
        """
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
        """Every parameter, each once, in the order of assignment: what an optimizer takes.

        >>> from autodiff.nn import MLP
        >>> len(MLP(3, [4, 2]).parameters())  # 4*(3 + 1) + 2*(4 + 1)
        26
        """
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once.

        >>> from autodiff.nn import Layer
        >>> [type(module).__name__ for module in Layer(3, 2).modules()]
        ['Layer', 'Neuron', 'Neuron']
        """
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
        """Set every parameter's gradient to 0.

        >>> from autodiff.nn import Neuron
        >>> neuron = Neuron(2)
        >>> neuron([3.0, 4.0]).backward()
        >>> [p.grad for p in neuron.parameters()]
        [3.0, 4.0, 1.0]
        >>> neuron.zero_grad()
        >>> [p.grad for p in neuron.parameters()]
        [0.0, 0.0, 0.0]
        """
        parameters = self.parameters()
        scatter_grads(parameters, array("d", bytes(8 * len(parameters))))

    def train(self, mode: bool = True) -> Module:
        """Be in training, where dropout drops; with ``mode=False`` as ``eval``.

        Returns:
            This module.
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Be in use, where dropout does nothing.

        Returns:
            This module.

        >>> import numpy as np
        >>> from autodiff.nn import Dropout, Sequential
        >>> net = Sequential(Dropout(0.5, np.random.default_rng(0))).eval()
        >>> net([1.0, 2.0]), net.layers[0].training
        ([1.0, 2.0], False)
        """
        return self.train(False)

    def state_dict(self) -> dict[str, float]:
        """Every parameter's number, by its path: what ``load_state_dict`` takes."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, saved: dict[str, float]) -> None:
        """Set every parameter to what ``state_dict()`` gave.

        Raises:
            ValueError: if the parameters are others; the message names the first difference, and
                nothing is changed.
            TypeError: if something saved is not a number.

        >>> from autodiff.nn import Neuron
        >>> neuron, twin = Neuron(2), Neuron(2)
        >>> twin.load_state_dict(neuron.state_dict())
        >>> twin([1.0, 2.0]) == neuron([1.0, 2.0])
        True
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

    def extra_repr(self) -> str:
        """What the module is shown with in place of its parts: its sizes; "" if it has none.

        >>> from autodiff.nn import Neuron
        >>> Neuron(2, "tanh").extra_repr(), Neuron(2, "tanh")
        ("2, 'tanh'", Neuron(2, 'tanh'))
        """
        return ""

    def __repr__(self) -> str:
        name, described = type(self).__name__, self.extra_repr()
        if described:
            return f"{name}({described})"
        lines = []
        for attribute, given in vars(self).items():
            parts = [
                (place, part)
                for place, part in _parts(attribute, given)
                if isinstance(part, Module) or (place != attribute and callable(part))
            ]
            shown = [f"({place}): {_shown(part)}" for place, part in parts[:8]]
            if len(parts) > 8:
                shown.append(f"... and {len(parts) - 8} more")
            lines += ["  " + line for text in shown for line in text.splitlines()]
        if not lines:
            n = len(self.parameters())
            return f"{name}({n} parameter{'s' * (n != 1)})"
        return "\n".join([f"{name}(", *lines, ")"])


def name_of(function: Callable[..., Any]) -> str:
    """What a function is shown as: its name, in quotes if that may be given in its place."""
    name: str = getattr(function, "__name__", type(function).__name__)
    return repr(name) if functions.PUBLIC.get(name) is function else name


def _shown(part: Any) -> str:
    """A part of a module: a module, or a function in a list."""
    return repr(part) if isinstance(part, Module) else name_of(part)


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
