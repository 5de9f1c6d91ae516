"""A function that is traced, and run as a program: the machinery that all transforms share.

* ``Call`` -- what a transform derives its program from;
* ``Transformed`` -- a function with a cache of programs, by the structure of the arguments, each
  right as long as its comparisons come out as they did;
* ``Lowered`` -- one of these programs, to be read.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autodiff import structure
from autodiff.compiler.execute import Machine
from autodiff.compiler.passes import sums
from autodiff.compiler.program import Program
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.trace import replay, trace
from autodiff.reals import describe
from autodiff.traces import COMPARISONS, active
from autodiff.value import Value, number_of, trace_of

MOST = 128  #: programs that a transformed function keeps
MANY = 32  #: after so many traces it warns


class Derived(NamedTuple):
    """A program on the numbers of the arguments, and the structure of its results."""

    program: Program
    result: Any


Derive = Callable[["Call"], Derived]


class Call(NamedTuple):
    """What a transform derives its program from: a function's program, arguments and results."""

    program: Program
    arguments: tuple[Any, ...]  #: the structures of the positional arguments
    result: Any
    name: str

    def places(self, i: int) -> range:
        """The inputs that argument ``i`` stands in."""
        start = sum(structure.size(s) for s in self.arguments[:i])
        return range(start, start + structure.size(self.arguments[i]))


class _Variant:
    """One program of a transformed function: right as long as its checks hold."""

    def __init__(self, derived: Derived, captured: list[Value], lasting: bool) -> None:
        self.derived = derived
        self.captured = captured
        self.lasting = lasting
        self.machine = Machine(sums(derived.program))

    def numbers(self, given: Any) -> Any:
        """The results for numbers; None if a check comes out otherwise."""
        if self.captured:
            given = np.concatenate([given, [number_of(v) for v in self.captured]])
        return self.machine(given)

    def values(self, given: list[Any]) -> list[Any]:
        """The results for Values, recorded; the checks are compared again, for an outer trace."""
        p = self.derived.program
        found = replay(p, [*given, *self.captured])
        sides = found[len(p.results) :]
        if active() is not None:
            for check, left, right in zip(p.checks, sides[::2], sides[1::2], strict=True):
                _compare(COMPARISONS[check.how], left, right)
        return found[: len(p.results)]


def _compare(how: str, left: Any, right: Any) -> bool:
    """Compare again, so that the enclosing trace sees it."""
    if how == "==":
        return bool(left == right)
    if how in ("<", "<="):
        return bool(left < right if how == "<" else left <= right)
    return bool(left > right if how == ">" else left >= right)


class Lowered:
    """A transformed function's program for arguments of one structure: to be read, or called.

    Attributes:
        program: the program; its inputs are the numbers of the arguments, then what is captured.
    """

    def __init__(self, name: str, key: Any, variant: _Variant) -> None:
        self._name = name
        self._key = key
        self._variant = variant
        self.program = variant.derived.program

    def __call__(self, *args: Any) -> Any:
        """The result for arguments of this structure.

        Raises:
            TypeError: if they have another structure.
            ValueError: if a comparison comes out otherwise than when the program was traced.
        """
        given: list[Any] = []
        key = tuple(
            structure.take_apart(x, given, f"argument {i} of {self._name}()", promote)
            for i, (x, (promote, _)) in enumerate(zip(args, self._key, strict=False))
        )
        wanted = tuple(s for _, s in self._key)
        if len(args) != len(wanted):
            raise TypeError(f"{self._name}() was lowered for {len(wanted)} arguments: {len(args)}")
        for i, (old, new) in enumerate(zip(wanted, key, strict=True)):
            if old != new:
                words = structure.difference(old, new, f"argument {i}")
                raise TypeError(f"{self._name}() was lowered for another structure: {words}")
        found = self.run(_flat(given))
        return structure.put_together(self._variant.derived.result, iter(found.tolist()))

    def run(self, numbers: Any) -> Any:
        """The numbers of the result, or entries of the sparse matrix, in one flat array.

        Args:
            numbers: those of the arguments, in one flat float64 array.

        Raises:
            ValueError: if there are more or fewer numbers, or a comparison comes out otherwise
                than when the program was traced.
        """
        given = np.ascontiguousarray(numbers, np.float64).ravel()
        wanted = self.program.inputs - len(self._variant.captured)
        if len(given) != wanted:
            raise ValueError(f"{self._name}() takes {wanted} numbers: {len(given)} came")
        found = self._variant.numbers(given)
        if found is None:
            raise ValueError(
                f"{self._name}(): a comparison comes out otherwise than when it was lowered"
            )
        return found

    def as_text(self) -> str:
        """The program as assignments, one a line."""
        from autodiff.compiler.writing import as_text

        return as_text(self.program)

    def as_python(self) -> str:
        """Python source of a function of the inputs that computes the same, by itself."""
        from autodiff.compiler.writing import as_python

        return as_python(self.program, self._name)

    def stats(self) -> dict[str, int]:
        """How large the program is: inputs, instructions, guards, operations on numbers."""
        from autodiff.compiler.writing import stats

        return stats(self.program)


class Transformed:
    """A function that is traced, and run as a program: what the transforms return."""

    def __init__(
        self,
        f: Callable[..., Any],
        derive: Derive,
        name: str,
        differentiated: Sequence[int] = (),
        keeps_values: bool = False,
    ) -> None:
        functools.update_wrapper(self, f)
        self._f = f
        self._derive = derive
        self._name = f"{name}({getattr(f, '__name__', type(f).__name__)})"
        self._differentiated = differentiated
        self._keeps_values = keeps_values
        self._variants: dict[Any, list[_Variant]] = {}
        self._traces: dict[Any, int] = {}

    def __repr__(self) -> str:
        return f"<{self._name}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the transform computes, for arguments of the function."""
        key, given = self._taken_apart(args, kwargs)
        variant, found = self._find(key, given)
        symbolic = any(type(x) is Value for x in given) or (
            bool(variant.captured) and (active() is not None or self._keeps_values)
        )
        if symbolic:
            if isinstance(variant.derived.result, Pattern):
                raise TypeError(
                    f"{self._name}: a sparse matrix has no Values; leave out sparse=True"
                )
            values = iter(variant.values(_listed(given)))
            return structure.put_together(variant.derived.result, values)
        shape = variant.derived.result
        if isinstance(shape, structure.Array):
            return found.reshape(shape.shape)
        if isinstance(shape, Pattern):
            return shape.matrix(found)
        return structure.put_together(shape, iter(found.tolist()))

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The program for these arguments."""
        key, given = self._taken_apart(args, kwargs)
        variant, _ = self._find(key, given)
        return Lowered(self._name, key[0], variant)

    def _taken_apart(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The structure of a call, and its numbers."""
        given: list[Any] = []
        chosen = {i % len(args) if -len(args) <= i < len(args) else i for i in self._differentiated}
        if any(not 0 <= i < len(args) for i in chosen):
            raise TypeError(
                f"{self._name}: argnums {max(chosen)} is out of range: "
                f"{len(args)} positional arguments came"
            )
        positional = tuple(
            (
                i in chosen,
                structure.take_apart(x, given, f"argument {i} of {self._name}", i in chosen),
            )
            for i, x in enumerate(args)
        )
        named = tuple(
            (name, structure.take_apart(x, given, f"argument {name!r} of {self._name}"))
            for name, x in kwargs.items()
        )
        return (positional, named), given

    def _find(self, key: Any, given: list[Any]) -> tuple[_Variant, Any]:
        """The variant whose checks hold for these numbers, traced now if there is none."""
        numbers = _flat(given)
        variants = self._variants.get(key, [])
        for i, variant in enumerate(variants):
            found = variant.numbers(numbers)
            if found is not None:
                if i:
                    self._variants[key] = [variant, *variants[:i], *variants[i + 1 :]]
                return variant, found
        variant = self._trace(key, numbers)
        if variant.lasting:
            self._keep(key, variant)
        return variant, variant.numbers(numbers)

    def _trace(self, key: Any, numbers: Any) -> _Variant:
        positional, named = key
        shapes: list[Any] = []

        def flat(xs: list[Any]) -> list[Any]:
            values = iter(xs)
            args = [structure.arguments(s, values) for _, s in positional]
            kwargs = {name: structure.arguments(s, values) for name, s in named}
            results: list[Any] = []
            result = self._f(*args, **kwargs)
            shapes.append(_result(result, results, self._name))
            return _listed(results)

        program, captured = trace(flat, numbers.tolist())
        call = Call(program, tuple(s for _, s in positional), shapes[0], self._name)
        derived = self._derive(call)
        lasting = all(trace_of(v) is None for v in captured)
        return _Variant(derived, captured, lasting)

    def _keep(self, key: Any, variant: _Variant) -> None:
        """Remember a variant, forget the oldest if there are too many, warn if there are many."""
        self._variants[key] = [variant, *self._variants.pop(key, [])][:MOST]
        while sum(map(len, self._variants.values())) > MOST:
            self._variants.pop(next(iter(self._variants)))
        kind = tuple(_kind(s) for _, s in key[0])
        self._traces[kind] = self._traces.get(kind, 0) + 1
        if self._traces[kind] == MANY:
            checks = variant.derived.program.checks
            why = (
                f"the comparison at {checks[-1].source} comes out otherwise"
                if len(self._variants[key]) > 1 and checks
                else "its integers, strings or shapes change"
            )
            warnings.warn(
                f"{self._name} has been traced {MANY} times: from call to call {why}",
                RuntimeWarning,
                stacklevel=4,
            )


def _kind(s: Any) -> Any:
    """A structure without the values of what is static."""
    return s._replace(value=None) if isinstance(s, structure.Static) else s


def _result(result: Any, numbers: list[Any], name: str) -> Any:
    """The structure of a function's result."""
    found = structure.take_apart(result, numbers, f"what the function of {name} returned", True)
    for s in _parts(found):
        if isinstance(s, structure.Static) and not isinstance(s.value, (bool, np.bool_)):
            missing = ": is a return missing?" if s.value is None else ""
            raise TypeError(
                f"{name}: the function returned {describe(s.value)}{missing}; wanted are numbers, "
                "arrays of them, and lists, tuples and dicts of these"
            )
    return found


def _parts(s: Any) -> list[Any]:
    if isinstance(s, (structure.Sequence, structure.Mapping)):
        return [leaf for part in s.parts for leaf in _parts(part)]
    return [s]


def _listed(given: list[Any]) -> list[Any]:
    """Numbers and flat arrays of them, one by one."""
    return [y for x in given for y in (x.tolist() if isinstance(x, np.ndarray) else [x])]


def _flat(given: list[Any]) -> Any:
    """Numbers and flat arrays of them, as one array of floats."""
    if len(given) == 1 and isinstance(given[0], np.ndarray):
        return given[0]
    if not any(isinstance(x, np.ndarray) for x in given):
        return np.array([number_of(x) if type(x) is Value else x for x in given])
    return np.concatenate([x if isinstance(x, np.ndarray) else _flat([x]) for x in given])
