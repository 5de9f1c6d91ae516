"""One program of a transformed function, and its call: from arguments to the result.

* ``Arguments`` -- how the arguments of a function are taken apart: a structure, and numbers;
* ``Lowered`` -- a program for arguments of one structure, to be read, kept, pickled and called;
* ``result_of`` -- the result of a program, as numbers or as Values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff.arrays import data_of
from autodiff.compiler import writing
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import Program
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import outputs_of, replay, run
from autodiff.compiler.vectorize import Tiered, vectorized
from autodiff.engine.modes import MODE
from autodiff.engine.reals import describe
from autodiff.transforms.pytrees import (
    Static,
    difference,
    leaf_names,
    listed,
    tree_flatten,
    tree_unflatten,
)
from autodiff.transforms.results import arranged, as_values, has_values
from autodiff.value import Value


class Arguments:
    """How the arguments of a function are taken apart.

    Args:
        argnums: the positional arguments that are differentiated.
        static: positions and names of arguments that belong to the structure.
        name: what messages call the function.
    """

    def __init__(self, argnums: Sequence[int], static: tuple[Any, ...], name: str) -> None:
        self.argnums = argnums
        self.static = static
        self.name = name
        self._known: dict[int, list[tuple[str, bool, bool]]] = {}

    def __reduce__(self) -> Any:
        return Arguments, (self.argnums, self.static, self.name)

    def flatten(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The structure of a call, and its numbers."""
        given: list[Any] = []
        positional = []
        for x, (where, is_static, truths) in zip(args, self._places(len(args)), strict=True):
            if is_static:
                positional.append(static(x, where))
            else:
                positional.append(tree_flatten(x, given, where, truths or is_truth(x)))
        named = []
        for name, x in kwargs.items():
            where = f"argument {name!r} of {self.name}"
            is_static = name in self.static
            named.append((name, static(x, where) if is_static else tree_flatten(x, given, where)))
        return (tuple(positional), tuple(named)), given

    def _places(self, n: int) -> list[tuple[str, bool, bool]]:
        """Of ``n`` positional arguments, what messages call each; whether it is static, and whether
        bools in it are numbers, as they are where nothing is differentiated.
        """
        if n not in self._known:
            chosen = chosen_of(self.argnums, n, self.name)
            self._known[n] = [
                (
                    f"argument {i} of {self.name}",
                    i in self.static or i - n in self.static,
                    i not in chosen,
                )
                for i in range(n)
            ]
        return self._known[n]


class Lowered:
    """A transformed function's program for arguments of one structure: to be read, or called.

    It needs the function no more: pickled with the Values that it captured, it can be called in a
    process that does not have the function.

    Attributes:
        name: what messages call the function.
        program: the program; its inputs are the numbers of the arguments, then what is captured.
        result: the structure of the result.
        captured: the Values that the function read from outside.

    >>> from autodiff import jit
    >>> lowered = jit(lambda x: x * x + 1).lower(3.0)
    >>> lowered(4.0), lowered.run([4.0]), lowered.input_names
    (17.0, array([17.]), ['x'])
    >>> lowered
    <jit(<lambda>), lowered: 1 input, 1 output, 2 nodes>
    >>> print(lowered.as_text())
    inputs x0
    v1 = x0 * x0
    v2 = v1 + 1.0
    return v2
    >>> lowered.stats()["instructions"]
    2
    >>> import pickle
    >>> pickle.loads(pickle.dumps(lowered))(4.0)
    17.0
    """

    def __init__(
        self,
        arguments: Arguments,
        key: Any,
        parameters: list[str],
        program: Program,
        result: Any,
        captured: list[Value],
    ) -> None:
        self.name = arguments.name
        self.program = program
        self.result = result
        self.captured = captured
        self._arguments = arguments
        self._key = key
        self._parameters = parameters
        self._machine = vectorized(program)

    def __repr__(self) -> str:
        p = self.program
        counted = ((p.inputs, "input"), (len(p.outputs), "output"), (len(p), "node"))
        words = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in counted)
        return f"<{self.name}, lowered: {words}>"

    def __reduce__(self) -> Any:
        """Pickled without what runs the program, which is made of it again."""
        of_call = self._arguments, self._key, self._parameters
        return Lowered, (*of_call, self.program, self.result, self.captured)

    @property
    def arguments(self) -> list[tuple[str, Any]]:
        """The arguments, those by position first: what each is called, and its structure."""
        positional, named = self._key
        return [*zip(self._parameters, positional, strict=True), *named]

    @property
    def input_names(self) -> list[str]:
        """What every input of the program is called: as in the arguments, ``xs[0]``, and so on."""
        found = [x for name, tree in self.arguments for x in leaf_names(tree, name)]
        return found + [v.name or f"captured[{i}]" for i, v in enumerate(self.captured)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result for arguments of this structure.

        Raises:
            TypeError: if they have another structure.
            ValueError: if a guard fails: a comparison is not what it was when it was lowered.
        """
        key, given = self._arguments.flatten(args, kwargs)
        if key != self._key:
            words = another(self._key, key)
            raise TypeError(f"{self.name} was lowered for other arguments: {words}")
        program, result, captured = self.program, self.result, self.captured
        return result_of(program, result, captured, listed(given), self.name, self._machine)

    def run(self, numbers: Any) -> Any:
        """The numbers of the result, or entries of the sparse matrix, in one flat array.

        Args:
            numbers: those of the arguments, in one flat float64 array.

        Raises:
            ValueError: if there are more or fewer numbers, or a guard fails.
        """
        given = np.ascontiguousarray(numbers, np.float64).ravel()
        expected = self.program.inputs - len(self.captured)
        if len(given) != expected:
            raise ValueError(f"{self.name} takes {expected} numbers: {len(given)} came")
        return numbers_of(self._machine, given, self.captured, self.name)

    def as_text(self) -> str:
        """The program as assignments, one a line."""
        return writing.as_text(self.program)

    def stats(self) -> dict[str, int]:
        """How large the program is: inputs, instructions, guards, operations on numbers."""
        return writing.stats(self.program)


def parameters_of(f: Callable[..., Any], n: int) -> list[str]:
    """What the first ``n`` positional arguments of a function are called."""
    try:
        found = [*inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):  # of what is written in C
        found = []
    positional = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in found if p.kind is p.VAR_POSITIONAL), "arguments")
    return positional[:n] + [f"{rest}[{i}]" for i in range(n - len(positional))]


def is_truth(x: Any) -> bool:
    """Whether an argument is a bool, by itself a number; in a tree it may be a flag."""
    return isinstance(x, (bool, np.bool_))


# -- from a call to its result ---------------------------------------------------------------------


def with_captured(given: Any, captured: list[Value]) -> Any:
    """The numbers that a program starts from: those of the arguments, and of what it captured."""
    return np.concatenate([given, data_of(captured)]) if captured else given


def numbers_of(machine: Machine | Tiered, given: Any, captured: list[Value], name: str) -> Any:
    """What a program gives for these numbers.

    Raises:
        ValueError: if a guard fails.
    """
    found = machine(with_captured(given, captured))
    if found is None:
        raise ValueError(f"{name}: a guard fails: a comparison is not what it was when lowered")
    return found


def result_of(
    program: Program,
    result: Any,
    captured: list[Value],
    given: list[Any],
    name: str,
    machine: Machine | None = None,
) -> Any:
    """The result of a call: Values, connected to what they depend on, or else numbers."""
    if has_values(given) or (captured and MODE.get().recording):
        if isinstance(result, Pattern):
            raise TypeError(f"{name}: a sparse matrix has no Values; leave out sparse=True")
        found = outputs_of(program, replay(program, [*given, *captured]))
        return tree_unflatten(result, iter(as_values(found)))
    machine = machine or Machine(sums(program))
    numbers = numbers_of(machine, np.array(given, np.float64), captured, name)
    if MODE.get().detecting and not np.isfinite(numbers).all():
        # Raises, and says where: in a frozen trace, where no partial derivative is computed.
        run(lambda xs: replay(program, [*xs, *captured]), given, True).trace.forget()
    return arranged(result, numbers)


def chosen_of(argnums: Sequence[int], n: int, name: str) -> list[int]:
    """Positions of arguments, counted from the first.

    Raises:
        TypeError: if there is no such argument, or one is named twice.
    """
    for i in argnums:
        if not -n <= i < n:
            raise TypeError(f"{name}: argnums {i} is out of range: {n} positional arguments came")
    chosen = [i % n for i in argnums]
    if len(set(chosen)) < len(chosen):
        raise TypeError(f"{name}: argnums {tuple(argnums)} has an argument twice")
    return chosen


def static(x: Any, where: str) -> Static:
    """An argument that was declared static, as part of the structure.

    Raises:
        TypeError: if it cannot be a key in a dict.
    """
    try:
        hash(x)
    except TypeError:
        raise TypeError(f"{where} is static, and must be hashable, not {describe(x)}") from None
    return Static(type(x), x)


def another(expected: Any, came: Any) -> str:
    """In what one call's structure is unlike another's, in words."""
    places = [len(key[0]) for key in (expected, came)]
    if places[0] != places[1]:
        return f"{places[0]} by position, not {places[1]}"
    for i, (old, new) in enumerate(zip(expected[0], came[0], strict=True)):
        if old != new:
            return difference(old, new, f"argument {i}")
    names = [[name for name, _ in key[1]] for key in (expected, came)]
    if names[0] != names[1]:
        return f"by name {names[0]}, not {names[1]}"
    (name, old, new), *_ = (
        (name, old, new)
        for (name, old), (_, new) in zip(expected[1], came[1], strict=True)
        if old != new
    )
    return difference(old, new, f"argument {name!r}")
