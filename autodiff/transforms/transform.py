"""A transformed function: what all transforms share.

* ``Call`` -- a call of a function as a program, of which a transform makes another one;
* ``Transform`` -- a function that runs its own function at every call, and keeps nothing;
* ``Frozen`` -- the same as ``jit`` traces it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar, overload

import numpy as np

from autodiff.compiler.passes import behind
from autodiff.compiler.program import Program
from autodiff.compiler.simplify import simplified
from autodiff.compiler.trace import Run, Traced, run, traced
from autodiff.engine.modes import MODE
from autodiff.engine.pickling import by_name
from autodiff.transforms.lowered import (
    Arguments,
    Lowered,
    chosen_of,
    is_truth,
    parameters_of,
    result_of,
)
from autodiff.transforms.pytrees import (
    flat,
    integers,
    listed,
    size,
    tree_flatten,
    tree_unflatten,
)
from autodiff.transforms.results import (
    flatten_result,
    has_values,
    in_structures,
    one_number,
    swept,
)
from autodiff.value import Value, number_of


class Call(NamedTuple):
    """A call of a function as a program: what a transform derives from another one.

    Attributes:
        program: the program, on the numbers of the arguments.
        places: for each argument that the function is differentiated with respect to, its inputs.
        shapes: the structures of these arguments.
        result: the structure of what the program returns.
        name: what messages call the transformed function.
    """

    program: Program
    places: tuple[range, ...]
    shapes: tuple[Any, ...]
    result: Any
    name: str

    def giving(self, program: Program, result: Any) -> Call:
        """The call of a function that is derived from this one."""
        return self._replace(program=program, result=result)


Derive = Callable[[Call], Call]

P = ParamSpec("P")  # the parameters of a function, which are those of its transform
Q = ParamSpec("Q")  # the same without the first, of a method
R = TypeVar("R")  # what is returned
Self = TypeVar("Self")


class Recorded(NamedTuple):
    """A call of a function, run on Values.

    Attributes:
        run: the Values of the chosen arguments, and of the result.
        given: the numbers of these arguments as they came, one by one.
        shapes: the structures of these arguments.
        result: the structure of the result.
    """

    run: Run
    given: list[Any]
    shapes: tuple[Any, ...]
    result: Any

    def call(self, program: Program, name: str) -> Call:
        """What a transform derives its program from."""
        ends = np.cumsum([0, *map(size, self.shapes)]).tolist()
        places = tuple(itertools.starmap(range, itertools.pairwise(ends)))
        return Call(program, places, self.shapes, self.result, name)


class Transform(Generic[P, R]):
    """A function that runs another at every call, and derives from what that computes.

    Args:
        f: the function.
        remake: makes this transform of a function, for pickling: a function and its arguments.
        derive: from the program of ``f`` to that of the transformed function.
        name: what messages call the transform.
        argnums: the positional arguments that are differentiated.
        of_sweep: where one sweep is enough, the result, from the value and the gradient of each
            argument.
    """

    __qualname__: str

    def __init__(
        self,
        f: Callable[P, Any],
        remake: tuple[Any, ...],
        derive: Derive,
        name: str,
        argnums: Sequence[int],
        of_sweep: Callable[[float, tuple[Any, ...]], Any] | None = None,
    ) -> None:
        functools.update_wrapper(self, f, updated=())
        self.f = f
        self.derive = derive
        self.name = f"{name}({getattr(f, '__name__', type(f).__name__)})"
        self.argnums = argnums
        self._remake = remake
        self._transform = name
        self._of_sweep = of_sweep

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @overload
    def __get__(self, instance: None, owner: Any) -> Transform[P, R]: ...
    @overload
    def __get__(
        self: Transform[Concatenate[Self, Q], R], instance: Self, owner: Any = None
    ) -> Transform[Q, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The method of an instance."""
        if instance is None:
            return self
        f = self.f.__get__(instance, owner)
        return Transform(
            f, self._remake, self.derive, self._transform, self.argnums, self._of_sweep
        )

    def __reduce__(self) -> Any:
        """Pickled as functions are: by name where it has one, else as the transform of ``f``."""
        make, *arguments = self._remake
        return by_name(self) or (make, (self.f, *arguments))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the transform computes, for arguments of the function."""
        recorded = self.record(args, kwargs)
        if self._of_sweep and not has_values(recorded.given) and not recorded.run.with_bodies:
            root = one_number(recorded.run.results, recorded.result, self.name)
            found, captured = swept(recorded.run, [1.0])
            if not (captured and MODE.get().recording):
                value = number_of(root) if type(root) is Value else root
                swept_to: R = self._of_sweep(value, in_structures(recorded.shapes, found))
                return swept_to
        made = traced(recorded.run)
        derived = self.derive(recorded.call(made.program, self.name))
        result: R = result_of(
            derived.program, derived.result, made.captured, recorded.given, self.name
        )
        return result

    def record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recorded:
        """Run the function on Values in place of the numbers of the chosen arguments."""
        chosen = chosen_of(self.argnums, len(args), self.name)
        given: list[Any] = []
        shapes = tuple(
            tree_flatten(args[i], given, f"argument {i} of {self.name}", is_truth(args[i]))
            for i in chosen
        )
        result: Any = None
        f: Callable[..., Any] = self.f

        def on_values(xs: list[Any]) -> list[Any]:
            nonlocal result
            values, full = iter(xs), list(args)
            for i, shape in zip(chosen, shapes, strict=True):
                full[i] = tree_unflatten(shape, values)
            numbers: list[Any] = []
            result = flatten_result(f(*full, **kwargs), numbers, self.name)
            return listed(numbers)

        numbers = listed(given)
        made = run(on_values, numbers, name=self.name)
        return Recorded(made, numbers, shapes, result)

    def lower(self, *args: P.args, **kwargs: P.kwargs) -> Lowered:
        """The program for these arguments, as ``jit`` keeps it."""
        return Frozen(self).lower(args, kwargs)


class Frozen(Arguments):
    """A transformed function as ``jit`` traces it: on the numbers of all its arguments.

    Args:
        transform: a ``Transform``; or any function, which is then taken as it is.
        static, name: as for ``Arguments``.
    """

    def __init__(self, transform: Any, static: tuple[Any, ...] = (), name: str = "") -> None:
        nested = isinstance(transform, Transform)
        super().__init__(transform.argnums if nested else (), static, name or transform.name)
        self.f = transform.f if nested else transform
        self.derive: Derive = transform.derive if nested else _itself

    def lower(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Lowered:
        """The program for arguments of one structure, to be read, or called."""
        key, given = self.flatten(args, kwargs)
        made, derived = self.trace(key, flat(given))
        program = simplified(behind(made.guards, derived.program))
        return Lowered(
            Arguments(self.argnums, self.static, self.name),
            key,
            parameters_of(self.f, len(key[0])),
            program,
            derived.result,
            made.captured,
        )

    def trace(self, key: Any, numbers: Any) -> tuple[Traced, Call]:
        """The program of the function for arguments of a structure, and what is derived of it."""
        positional, named = key
        result: Any = None

        def on_values(xs: list[Any]) -> list[Any]:
            nonlocal result
            values = iter(xs)
            args = [tree_unflatten(s, values) for s in positional]
            kwargs = {name: tree_unflatten(s, values) for name, s in named}
            found: list[Any] = []
            result = flatten_result(self.f(*args, **kwargs), found, self.name)
            return listed(found)

        whole = [*positional, *(s for _, s in named)]
        places = [i for s, first in _starts(whole) for i in integers(s, first)]
        given = numbers.tolist()
        made = traced(run(on_values, given, True, self.name, places))
        chosen = chosen_of(self.argnums, len(positional), self.name)
        starts = [first for _, first in _starts(positional)]
        call = Call(
            made.program,
            tuple(range(starts[i], starts[i] + size(positional[i])) for i in chosen),
            tuple(positional[i] for i in chosen),
            result,
            self.name,
        )
        return made, self.derive(call)


def _itself(call: Call) -> Call:
    return call.giving(simplified(call.program), call.result)


def _starts(structures: Iterable[Any]) -> list[tuple[Any, int]]:
    """Structures, each with the number of its first number."""
    found, first = [], 0
    for s in structures:
        found.append((s, first))
        first += size(s)
    return found
