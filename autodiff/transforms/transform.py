"""A transformed function: what all transforms share.

* ``Transform`` -- a function that runs its own function at every call, and keeps nothing;
* ``Recorded`` -- such a call, run on Values;
* ``frozen`` -- a function, transformed or not, as ``jit`` traces it.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar, overload

import numpy as np

from autodiff.compiler.program import Program
from autodiff.compiler.trace import Run, run, traced
from autodiff.engine.modes import MODE
from autodiff.transforms.lowered import (
    Call,
    Derive,
    Frozen,
    Lowered,
    chosen_of,
    is_truth,
    result_of,
)
from autodiff.transforms.pytrees import listed, size, tree_flatten, tree_unflatten
from autodiff.transforms.results import (
    flatten_result,
    has_values,
    in_structures,
    one_number,
    swept,
)
from autodiff.value import Value, number_of

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
        self.argnums = tuple(argnums)
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
        if self._of_sweep and not has_values(recorded.given) and not recorded.run.trace.bodies:
            root = one_number(recorded.run.results, recorded.result, self.name)
            found, captured = swept(recorded.run, [1.0])
            if not (captured and MODE.get().recording):
                value = number_of(root) if type(root) is Value else root
                swept_to: R = self._of_sweep(value, in_structures(recorded.shapes, found))
                return swept_to
        made = traced(recorded.run, recorded.given)
        derived = self.derive(recorded.call(made.program, self.name))
        result: R = result_of(derived, made, recorded.given, self.name)
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
        return frozen(self).lower(args, kwargs)


def frozen(f: Any, static: tuple[Any, ...] = (), name: str = "") -> Frozen:
    """A function as ``jit`` traces it: a transformed one with what is derived of it.

    Args:
        f: a ``Transform``; or any function, which is then taken as it is.
        static: positions and names of arguments that belong to the structure.
        name: what messages call it, if not what they call the transform.
    """
    if isinstance(f, Transform):
        return Frozen(f.f, name or f.name, static, f.argnums, f.derive)
    return Frozen(f, name, static)


def by_name(function: Any) -> str:
    """The name by which a function is found in its module; "" if it is not."""
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return str(function.__qualname__) if found is function else ""
