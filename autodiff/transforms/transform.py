"""A transformed function: what all transforms share.

* ``Call`` -- a call of a function as a program, of which a transform makes another one;
* ``Transform`` -- a function that runs its own function at every call, and keeps nothing;
* ``Lowered`` -- one program of such a function, to be read, kept and called.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff.arrays import data_of
from autodiff.compiler import writing
from autodiff.compiler.machine import Machine
from autodiff.compiler.passes import behind, simplified, sums
from autodiff.compiler.program import Program
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.trace import Run, Traced, outputs_of, replay, run, traced
from autodiff.engine.lock import alone
from autodiff.engine.modes import MODE
from autodiff.engine.reals import describe
from autodiff.engine.traces import active
from autodiff.sweeps import sweep_trace
from autodiff.transforms.pytrees import (
    NUMBER,
    Leaf,
    Static,
    difference,
    flat,
    integers,
    leaves,
    listed,
    size,
    tree_flatten,
    tree_unflatten,
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


class Transform:
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
        f: Callable[..., Any],
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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the transform computes, for arguments of the function."""
        recorded = self.record(args, kwargs)
        if self._of_sweep and not has_values(recorded.given):
            root = one_number(recorded.run.results, recorded.result, self.name)
            found, captured = swept(recorded.run, [1.0])
            if not (captured and MODE.get().recording):
                value = number_of(root) if type(root) is Value else root
                return self._of_sweep(value, in_structures(recorded.shapes, found))
        made = traced(recorded.run, recorded.given)
        derived = self.derive(recorded.call(made.program, self.name))
        return result_of(derived, made, recorded.given, self.name)

    def record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Recorded:
        """Run the function on Values in place of the numbers of the chosen arguments."""
        chosen = chosen_of(self.argnums, len(args), self.name)
        given: list[Any] = []
        shapes = tuple(
            tree_flatten(args[i], given, f"argument {i} of {self.name}", _is_truth(args[i]))
            for i in chosen
        )
        result: Any = None

        def on_values(xs: list[Any]) -> list[Any]:
            nonlocal result
            values, full = iter(xs), list(args)
            for i, shape in zip(chosen, shapes, strict=True):
                full[i] = tree_unflatten(shape, values)
            numbers: list[Any] = []
            result = flatten_result(self.f(*full, **kwargs), numbers, self.name)
            return listed(numbers)

        numbers = listed(given)
        made = run(on_values, numbers, name=self.name)
        return Recorded(made, numbers, shapes, result)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The program for these arguments, as ``jit`` keeps it."""
        return lower(self, args, kwargs)


def lower(transform: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Lowered:
    """The program of a transformed function for arguments of one structure."""
    frozen = Frozen(transform)
    key, given = frozen.flatten(args, kwargs)
    made, derived = frozen.trace(key, flat(given))
    return Lowered(frozen, key, made, derived)


class Frozen:
    """A transformed function as ``jit`` traces it: on the numbers of all its arguments.

    Args:
        transform: a ``Transform``; or any function, which is then taken as it is.
        static: positions and names of arguments that belong to the structure.
    """

    def __init__(self, transform: Any, static: tuple[Any, ...] = (), name: str = "") -> None:
        nested = isinstance(transform, Transform)
        self.f = transform.f if nested else transform
        self.argnums: tuple[int, ...] = transform.argnums if nested else ()
        self.derive: Derive = transform.derive if nested else _itself
        self.name = name or transform.name
        self._static = static

    def flatten(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The structure of a call, and its numbers."""
        given: list[Any] = []
        chosen = chosen_of(self.argnums, len(args), self.name)
        n = len(args)
        positional = tuple(
            [
                static(x, f"argument {i} of {self.name}")
                if i in self._static or i - n in self._static
                else tree_flatten(
                    x, given, f"argument {i} of {self.name}", i not in chosen or _is_truth(x)
                )
                for i, x in enumerate(args)
            ]
        )
        named = tuple(
            [
                (name, static(x, f"argument {name!r} of {self.name}"))
                if name in self._static
                else (name, tree_flatten(x, given, f"argument {name!r} of {self.name}"))
                for name, x in kwargs.items()
            ]
        )
        return (positional, named), given

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
        made = traced(run(on_values, given, True, self.name, places), given)
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


def _is_truth(x: Any) -> bool:
    """Whether an argument is a bool, by itself a number; in a tree it may be a flag."""
    return isinstance(x, (bool, np.bool_))


def _itself(call: Call) -> Call:
    return call.giving(simplified(call.program), call.result)


def _starts(structures: Iterable[Any]) -> list[tuple[Any, int]]:
    """Structures, each with the number of its first number."""
    found, first = [], 0
    for s in structures:
        found.append((s, first))
        first += size(s)
    return found


class Lowered:
    """A transformed function's program for arguments of one structure: to be read, or called.

    Attributes:
        program: the program; its inputs are the numbers of the arguments, then what is captured.
    """

    def __init__(self, frozen: Frozen, key: Any, made: Traced, derived: Call) -> None:
        self._frozen = frozen
        self._key = key
        self._made = made
        self.program = simplified(behind(made.guards, derived.program))
        self._derived = derived.giving(self.program, derived.result)
        self._machine = Machine(sums(self.program))

    def __repr__(self) -> str:
        return f"<{self._frozen.name}, lowered: {len(self.program)} instructions>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result for arguments of this structure.

        Raises:
            TypeError: if they have another structure.
            ValueError: if a guard fails: a comparison is not what it was when it was lowered.
        """
        key, given = self._frozen.flatten(args, kwargs)
        if key != self._key:
            words = another(self._key, key)
            raise TypeError(f"{self._frozen.name} was lowered for other arguments: {words}")
        return result_of(self._derived, self._made, listed(given), self._frozen.name, self._machine)

    def run(self, numbers: Any) -> Any:
        """The numbers of the result, or entries of the sparse matrix, in one flat array.

        Args:
            numbers: those of the arguments, in one flat float64 array.

        Raises:
            ValueError: if there are more or fewer numbers, or a guard fails.
        """
        given = np.ascontiguousarray(numbers, np.float64).ravel()
        expected = self.program.inputs - len(self._made.captured)
        if len(given) != expected:
            raise ValueError(f"{self._frozen.name} takes {expected} numbers: {len(given)} came")
        return numbers_of(self._machine, given, self._made.captured, self._frozen.name)

    def as_text(self) -> str:
        """The program as assignments, one a line."""
        return writing.as_text(self.program)

    def as_python(self) -> str:
        """Python source of a function of the inputs that computes the same, by itself."""
        return writing.as_python(self.program, self._frozen.name)

    def stats(self) -> dict[str, int]:
        """How large the program is: inputs, instructions, guards, operations on numbers."""
        return writing.stats(self.program)


# -- from a call to its result ---------------------------------------------------------------------


def has_values(given: list[Any]) -> bool:
    """Whether a Value is among the numbers of a call."""
    return Value in set(map(type, given))


def swept(made: Run, seeds: list[float]) -> tuple[list[float], bool]:
    """The gradient of a run by one sweep, and whether something was captured."""
    pairs = zip(made.results, seeds, strict=True)
    recorded = [(v, seed) for v, seed in pairs if type(v) is Value]
    roots, theirs = [v for v, _ in recorded], [seed for _, seed in recorded]
    found: list[float]
    *found, captured = alone(sweep_trace, roots, theirs, made.inputs, made.trace)
    return found, bool(captured)


def in_structures(shapes: Sequence[Any], numbers: list[Any]) -> tuple[Any, ...]:
    """Numbers, in one structure after the other."""
    rest = iter(numbers)
    return tuple(tree_unflatten(shape, rest) for shape in shapes)


def with_captured(given: Any, captured: list[Value]) -> Any:
    """The numbers that a program starts from: those of the arguments, and of what it captured."""
    return np.concatenate([given, data_of(captured)]) if captured else given


def numbers_of(machine: Machine, given: Any, captured: list[Value], name: str) -> Any:
    """What a program gives for these numbers.

    Raises:
        ValueError: if a guard fails.
    """
    found = machine(with_captured(given, captured))
    if found is None:
        raise ValueError(f"{name}: a guard fails: a comparison is not what it was when lowered")
    return found


def result_of(
    derived: Call, made: Traced, given: list[Any], name: str, machine: Machine | None = None
) -> Any:
    """The result of a call: Values, connected to what they depend on, or else numbers."""
    captured = made.captured
    if has_values(given) or (captured and MODE.get().recording):
        if isinstance(derived.result, Pattern):
            raise TypeError(f"{name}: a sparse matrix has no Values; leave out sparse=True")
        p = derived.program
        found = outputs_of(p, replay(p, [*given, *captured]))
        return tree_unflatten(derived.result, iter(as_values(found)))
    machine = machine or Machine(sums(derived.program))
    numbers = numbers_of(machine, np.array(given, np.float64), captured, name)
    if MODE.get().detecting and not np.isfinite(numbers).all():
        replay(derived.program, [Value(x) for x in given] + captured)  # raises, and says where
    return arranged(derived.result, numbers)


def arranged(result: Any, numbers: Any) -> Any:
    """The numbers of a result, in its structure."""
    if isinstance(result, Pattern):
        return result.matrix(numbers)
    if isinstance(result, Leaf) and result.shape is not None:
        return numbers.reshape(result.shape)
    return tree_unflatten(result, iter(numbers.tolist()))


def as_values(numbers: list[Any]) -> list[Any]:
    """Numbers that belong to a result of Values: constants among them become Values too."""
    if active() is not None:  # there they stay constants of the program
        return numbers
    return [x if type(x) is Value else Value(x) for x in numbers]


def one_number(results: list[Any], result: Any, name: str) -> Any:
    """The one number that a function returned.

    Raises:
        TypeError: if it returned something else.
    """
    if not isinstance(result, Leaf) or result.shape not in (None, ()):
        raise TypeError(
            f"{name}: the function must return one number, but "
            f"{difference(NUMBER, result, 'its result')}; "
            "jacobian() takes functions of any result"
        )
    return results[0]


def flatten_result(result: Any, numbers: list[Any], name: str) -> Any:
    """The structure of a function's result; see ``tree_flatten``."""
    found = tree_flatten(result, numbers, f"what the function of {name} returned", truths=False)
    for leaf in leaves(found):
        if isinstance(leaf, Static) and not isinstance(leaf.value, (bool, np.bool_)):
            missing = ": is a return missing?" if leaf.value is None else ""
            raise TypeError(
                f"{name}: the function returned {describe(leaf.value)}{missing}; expected are "
                "numbers, arrays of them, and lists, tuples and dicts of these"
            )
    return found


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


def by_name(function: Any) -> str:
    """The name by which a function is found in its module; "" if it is not."""
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return str(function.__qualname__) if found is function else ""


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
