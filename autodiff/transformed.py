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
from autodiff.compiler import writing
from autodiff.compiler.execute import Machine
from autodiff.compiler.passes import sums
from autodiff.compiler.program import Program
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.trace import replay, trace
from autodiff.modes import MODE
from autodiff.reals import describe
from autodiff.traces import COMPARE, active
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
                COMPARE[check.how](left, right)
        return found[: len(p.results)]


class Lowered:
    """A transformed function's program for arguments of one structure: to be read, or called.

    Attributes:
        program: the program; its inputs are the numbers of the arguments, then what is captured.
    """

    def __init__(self, transformed: Transformed, key: Any, variant: _Variant) -> None:
        self._transformed = transformed
        self._name = transformed.name
        self._key = key
        self._variant = variant
        self.program = variant.derived.program

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result for arguments of this structure.

        Raises:
            TypeError: if they have another structure.
            ValueError: if a comparison comes out otherwise than when the program was traced.
        """
        key, given = self._transformed.taken_apart(args, kwargs)
        if key != self._key:
            words = _another(self._key, key)
            raise TypeError(f"{self._name} was lowered for other arguments: {words}")
        return self._transformed.result(self._variant, given, self.run(_flat(given)))

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
            raise ValueError(f"{self._name} takes {wanted} numbers: {len(given)} came")
        found = self._variant.numbers(given)
        if found is None:
            raise ValueError(
                f"{self._name}: a comparison comes out otherwise than when it was lowered"
            )
        return found

    def as_text(self) -> str:
        """The program as assignments, one a line."""
        return writing.as_text(self.program)

    def as_python(self) -> str:
        """Python source of a function of the inputs that computes the same, by itself."""
        return writing.as_python(self.program, self._name)

    def stats(self) -> dict[str, int]:
        """How large the program is: inputs, instructions, guards, operations on numbers."""
        return writing.stats(self.program)


class Transformed:
    """A function that is traced, and run as a program: what the transforms return."""

    __qualname__: str

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
        self._transform = name
        self.name = f"{name}({getattr(f, '__name__', type(f).__name__)})"
        self._differentiated = differentiated
        self._keeps_values = keeps_values
        self._variants: dict[Any, list[_Variant]] = {}  # replaced, never changed: threads read it
        self._traces = 0
        self._attribute = ""  # its name in the class or instance that it belongs to
        self._instance: Any = None

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __set_name__(self, owner: Any, name: str) -> None:
        self._attribute = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The method of an instance, made when it is first asked for, and then kept in it."""
        if instance is None:
            return self
        f = self._f.__get__(instance, owner)
        bound = Transformed(
            f, self._derive, self._transform, self._differentiated, self._keeps_values
        )
        bound._attribute, bound._instance = self._attribute, instance
        if self._attribute and hasattr(instance, "__dict__"):
            instance.__dict__[self._attribute] = bound
        return bound

    def __reduce__(self) -> Any:
        """Copied and pickled as functions and methods are: by name."""
        if self._instance is None:
            return self.__qualname__
        return getattr, (self._instance, self._attribute)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the transform computes, for arguments of the function."""
        key, given = self.taken_apart(args, kwargs)
        variant, found = self._find(key, given)
        return self.result(variant, given, found)

    def result(self, variant: _Variant, given: list[Any], found: Any) -> Any:
        """The results of a variant, in their structure: Values, if something given is one."""
        shape = variant.derived.result
        symbolic = any(type(x) is Value for x in given) or (
            bool(variant.captured) and (active() is not None or self._keeps_values)
        )
        if symbolic:
            if isinstance(shape, Pattern):
                raise TypeError(
                    f"{self.name}: a sparse matrix has no Values; leave out sparse=True"
                )
            return structure.put_together(shape, iter(variant.values(_listed(given))))
        if MODE.get().detecting and not np.isfinite(found).all():
            variant.values([Value(x) for x in _flat(given).tolist()])  # raises, and says where
        if isinstance(shape, structure.Array):
            return found.reshape(shape.shape)
        if isinstance(shape, Pattern):
            return shape.matrix(found)
        return structure.put_together(shape, iter(found.tolist()))

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The program for these arguments."""
        key, given = self.taken_apart(args, kwargs)
        variant, _ = self._find(key, given)
        return Lowered(self, key, variant)

    def taken_apart(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, list[Any]]:
        """The structure of a call, and its numbers."""
        given: list[Any] = []
        for i in self._differentiated:
            if not -len(args) <= i < len(args):
                raise TypeError(
                    f"{self.name}: argnums {i} is out of range: "
                    f"{len(args)} positional arguments came"
                )
        chosen = {i % len(args) for i in self._differentiated}
        if len(chosen) < len(self._differentiated):
            raise TypeError(
                f"{self.name}: argnums {tuple(self._differentiated)} has an argument twice"
            )
        positional = tuple(
            (
                i in chosen,
                structure.take_apart(x, given, f"argument {i} of {self.name}", i in chosen),
            )
            for i, x in enumerate(args)
        )
        named = tuple(
            (name, structure.take_apart(x, given, f"argument {name!r} of {self.name}"))
            for name, x in kwargs.items()
        )
        return (positional, named), given

    def _find(self, key: Any, given: list[Any]) -> tuple[_Variant, Any]:
        """The variant whose checks hold for these numbers, traced now if there is none."""
        numbers = _flat(given)
        variants = [] if MODE.get().detecting else self._variants.get(key, [])
        for i, variant in enumerate(variants):
            try:
                found = variant.numbers(numbers)
            except Exception:  # as where a comparison would not have let it come so far
                continue
            if found is not None:
                if i:
                    self._keep(key, [variant, *variants[:i], *variants[i + 1 :]])
                return variant, found
        variant = self._trace(key, numbers)
        found = variant.numbers(numbers)
        if found is None:
            raise RuntimeError(
                f"{self.name}: the function does not compute the same twice for the same arguments"
            )
        if variant.lasting:
            others = self._variants.get(key, [])
            self._keep(key, [variant, *others][:MOST])
            self._count(variant, others[0] if others else None)
        return variant, found

    def _trace(self, key: Any, numbers: Any) -> _Variant:
        positional, named = key
        shapes: list[Any] = []

        def flat(xs: list[Any]) -> list[Any]:
            values = iter(xs)
            args = [structure.arguments(s, values) for _, s in positional]
            kwargs = {name: structure.arguments(s, values) for name, s in named}
            results: list[Any] = []
            result = self._f(*args, **kwargs)
            shapes.append(_result(result, results, self.name))
            return _listed(results)

        program, captured = trace(flat, numbers.tolist())
        call = Call(program, tuple(s for _, s in positional), shapes[0], self.name)
        derived = self._derive(call)
        lasting = all(trace_of(v) is None for v in captured)
        return _Variant(derived, captured, lasting)

    def _keep(self, key: Any, variants: list[_Variant]) -> None:
        """Remember the variants of a structure as the newest, and forget the oldest structures."""
        kept = dict(self._variants)
        kept.pop(key, None)
        kept[key] = variants
        while sum(map(len, kept.values())) > MOST:
            kept.pop(next(iter(kept)))
        self._variants = kept

    def _count(self, variant: _Variant, before: _Variant | None) -> None:
        """Warn if this was one trace of many, and say why it was wanted."""
        self._traces += 1
        if self._traces != MANY:
            return
        changed = []
        if before is not None:
            pairs = zip(before.derived.program.checks, variant.derived.program.checks, strict=False)
            changed = [new.source for old, new in pairs if old.outcome != new.outcome]
        why = (
            f"the comparison at {changed[0]} comes out otherwise"
            if changed
            else "its integers, strings or shapes change"
        )
        warnings.warn(
            f"{self.name} has been traced {MANY} times: from call to call {why}",
            RuntimeWarning,
            stacklevel=4,
        )


def _another(wanted: Any, came: Any) -> str:
    """In what one call's structure is unlike another's, in words."""
    places = [len(key[0]) for key in (wanted, came)]
    if places[0] != places[1]:
        return f"{places[0]} by position, not {places[1]}"
    for i, (old, new) in enumerate(zip(wanted[0], came[0], strict=True)):
        if old != new:
            return structure.difference(old[1], new[1], f"argument {i}")
    names = [[name for name, _ in key[1]] for key in (wanted, came)]
    if names[0] != names[1]:
        return f"by name {names[0]}, not {names[1]}"
    (name, old, new), *_ = (
        (name, old, new)
        for (name, old), (_, new) in zip(wanted[1], came[1], strict=True)
        if old != new
    )
    return structure.difference(old, new, f"argument {name!r}")


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
