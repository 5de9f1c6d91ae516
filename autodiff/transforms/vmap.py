"""vmap: a function of one example, run for many at once.

The function is traced for the first lane, and its program run for all; where a guard fails in some
lanes, it is traced for the first of these, and so on: lanes may go different ways.  In a function
that is traced itself, all of that is one instruction.  Where results are Values outside any trace,
and in ``detect_anomaly()``, the function is called for one lane after the other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, ParamSpec, overload

import numpy as np

import autodiff.compiler.mapped  # noqa: F401  # attaches what runs it
from autodiff.arrays import data_of
from autodiff.compiler.program import Mapped
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.trace import record_body
from autodiff.contexts import within
from autodiff.engine import anomalies
from autodiff.engine.modes import MODE
from autodiff.engine.pickling import by_name
from autodiff.engine.reals import describe
from autodiff.engine.traces import EQUAL, Trace, active, integral, record_guard
from autodiff.transforms.cache import Jitted, Kept, on_the_same_inputs
from autodiff.transforms.lowered import Lowered, with_captured
from autodiff.transforms.pytrees import (
    Leaf,
    Mapping,
    array_of,
    as_floats,
    difference,
    leaves,
    listed,
    map_leaves,
    size,
    tree_of_cells,
    tree_unflatten,
)
from autodiff.transforms.pytrees import Sequence as Tuple
from autodiff.transforms.results import flatten_result, has_values
from autodiff.value import Value

MOST = 64  #: programs that are run in a call; lanes for which none is right are called one by one,
WORTH = 32  #: unless there are so many lanes for every program


class _Given(NamedTuple):
    """What lanes are given of an array or a number of an argument.

    Attributes:
        leaf: its place in the arguments of one lane.
        rows: its numbers there, with a column for every lane, or one that they share.
        shared: whether they share it.
    """

    leaf: Leaf
    rows: Any
    shared: bool

    @property
    def numbers(self) -> Any:
        """Its numbers, those of Values too."""
        if self.rows.dtype != object:
            return self.rows
        return np.array(data_of(self.rows.ravel().tolist())).reshape(self.rows.shape)


class _Call(NamedTuple):
    """A call: how many lanes, what they are given, and the structures of a lane's arguments."""

    lanes: int
    given: list[_Given]
    key: Any

    def arguments(self, lane: int) -> tuple[list[Any], dict[str, Any]]:
        """Those of one lane."""
        columns = [g.rows[:, 0 if g.shared else lane].tolist() for g in self.given]
        numbers = iter([x for column in columns for x in column])
        positional, named = self.key
        args = [tree_unflatten(s, numbers, exact=True) for s in positional]
        return args, {name: tree_unflatten(s, numbers, exact=True) for name, s in named}

    def own(self) -> Any:
        """Which of the numbers of a lane's arguments are its own."""
        sizes = [size(g.leaf) for g in self.given]
        return np.flatnonzero(np.repeat([not g.shared for g in self.given], sizes))


class _Way(NamedTuple):
    """One of the ways that lanes go.

    Attributes:
        kept: its program.
        which: the lanes that may go it.
        numbers: the arguments of the first of these, which goes it.
        results: what the program gives for all of these, a column for each.
        rest: those of which it is known by now that they go another.
    """

    kept: Kept
    which: Any
    numbers: Any
    results: Any
    rest: list[Any]


P = ParamSpec("P")


class Vmapped(Generic[P]):
    """What ``vmap`` returns."""

    __qualname__: str

    def __init__(
        self,
        f: Callable[P, Any],
        in_axes: Any,
        out_axes: Any,
        threads: int = 1,
        jitted: Jitted[P, Any] | None = None,
    ) -> None:
        functools.update_wrapper(self, f, updated=())
        self.f = f
        self.name = f"vmap({getattr(f, '__name__', type(f).__name__)})"
        self._axes = in_axes, out_axes
        self._threads = threads
        self._jitted = jitted

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __reduce__(self) -> Any:
        """Pickled as functions are: by name where it has one; programs are not."""
        options = (self.f, *self._axes, self._threads, self._jitted is not None)
        return by_name(self) or (_again, options)

    def jitted(self, static: tuple[int | str, ...] = (), check: bool = True) -> Vmapped[P]:
        """The same, but its programs are kept: what ``jit`` makes of it."""
        if static:
            raise TypeError(f"jit({self.name}) takes no static arguments: close over them")
        kept = Jitted(self.f, (), check, f"jit({self.name})")
        return Vmapped(self.f, *self._axes, self._threads, kept)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The program for these arguments, for so many lanes: to be read, or called.

        >>> vmap(lambda x: x * x).lower(np.array([1.0, 2.0]))(np.array([3.0, 4.0]))
        array([ 9., 16.])
        """
        return Jitted(self, name=self.name).lower(*args, **kwargs)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...
    @overload  # an argument that the function declares to be a number is an array here
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results of all lanes.

        Raises:
            ValueError: if an argument has no such axis, or another number of lanes than others.
            TypeError: if axes do not fit arguments or results.
        """
        mode = MODE.get()
        trace = mode.innermost()
        # What is captured of a trace must not be kept.
        kept = None if trace is not None else self._jitted
        jitted = kept or Jitted(self.f, name=self.name)
        call = self._taken_apart(jitted, args, kwargs)
        if not call.lanes:
            return self._put_together(*self._of_none(jitted, call))
        symbolic = any(g.rows.dtype == object for g in call.given)
        found = None
        if trace is not None and mode.recording and not mode.detecting:
            found = self._as_one(jitted, call, trace)
        elif not symbolic and not mode.detecting:
            found = self._by_programs(jitted, call)
        if found is None:
            f = jitted if mode.detecting else self._jitted or self.f
            found = self._one_by_one(f, call, range(call.lanes))
        return self._put_together(*found)

    # -- arguments ---------------------------------------------------------------------------------

    def _taken_apart(
        self, jitted: Jitted[P, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> _Call:
        """A call with these arguments, checked."""
        axes = self._axes[0]
        if not isinstance(axes, (tuple, list)):
            axes = [axes] * len(args)
        if len(axes) != len(args):
            raise TypeError(
                f"{self.name}: in_axes is for {len(axes)} arguments, but {len(args)} came"
            )
        (positional, named), numbers = jitted.frozen.flatten(args, kwargs)
        rest = iter(numbers)
        given: list[_Given] = []
        lanes: dict[int, str] = {}  # the numbers of lanes, each with words for where it is found

        def of_lane(structure: Any, axes: Any, where: str) -> Any:
            """The structure of what a lane is given of an argument."""
            of_leaves = iter(_spread(axes, structure, f"{self.name}: in_axes of {where}"))

            def of_leaf(leaf: Leaf) -> Leaf:
                x, axis = array_of(leaf, rest), next(of_leaves)
                if x.dtype == object and all(type(v) is Value and integral(v) for v in x.flat):
                    leaf = Leaf(leaf.shape, "i")
                if axis is None:
                    given.append(_Given(leaf, x.reshape(-1, 1), True))
                    return leaf
                if not -x.ndim <= axis < x.ndim:
                    what = f"an array of shape {x.shape}" if x.ndim else describe(x.item())
                    raise ValueError(
                        f"{self.name}: {where} is to have lanes along axis {axis}, but in it is "
                        f"{what}; with in_axes=None all lanes share it"
                    )
                x = np.moveaxis(x, axis, -1)
                lanes.setdefault(x.shape[-1], f"{where} has {x.shape[-1]} along axis {axis}")
                leaf = Leaf(x.shape[:-1] or None, leaf.kind)
                given.append(_Given(leaf, x.reshape(size(leaf), x.shape[-1]), False))
                return leaf

            return map_leaves(structure, of_leaf)

        parts = [
            of_lane(s, of, f"argument {i}")
            for i, (s, of) in enumerate(zip(positional, axes, strict=True))
        ]
        of_names = [(name, of_lane(s, 0, f"argument {name!r}")) for name, s in named]
        if not lanes:
            raise ValueError(f"{self.name}: no argument has an axis of lanes")
        if len(lanes) > 1:
            raise ValueError(f"{self.name}: lanes differ in number: {', '.join(lanes.values())}")
        return _Call(next(iter(lanes)), given, (tuple(parts), tuple(of_names)))

    # -- lanes: the structure of one result, and the numbers of all, a column each

    def _ways(self, jitted: Jitted[P, Any], call: _Call) -> Iterator[_Way]:
        """The ways that lanes go, as long as there are others that none of those before is for."""
        numbers = np.concatenate([g.numbers[:, 0] for g in call.given])
        lanes = np.concatenate([g.numbers for g in call.given if not g.shared])
        own = call.own()
        structure = None
        alike = [np.arange(call.lanes)]  # lanes that may all go one way
        while alike and not jitted.eager:
            which = alike.pop()
            numbers[own] = lanes[:, which[0]]
            kept = jitted.find(call.key, numbers)
            self._refuse_sparse(kept.result)
            structure = structure or kept.result
            self._refuse_unlike(structure, kept.result)
            batch = kept.batch(own, len(which))
            some = lanes if len(which) == call.lanes else lanes[:, which]
            results, _, failed = batch(with_captured(numbers, kept.captured), some, self._threads)
            if failed[0]:  # an index is out of range, which the function itself is to say
                self._one_by_one(self.f, call, [which[0]])
            jitted.serve(int((failed == 0).sum()) - 1)
            guards = np.flatnonzero(np.bincount(failed))
            alike += [which[failed == guard] for guard in guards[guards > 0].tolist()]
            yield _Way(kept, which, numbers, results, alike)

    def _by_programs(self, jitted: Jitted[P, Any], call: _Call) -> tuple[Any, Any] | None:
        """By programs; None if the results are Values."""
        rest, count = [np.arange(call.lanes)], 0
        for way in self._ways(jitted, call):
            if way.kept.captured and MODE.get().recording:
                return None
            if not count:
                structure, found = way.kept.result, np.empty((len(way.results), call.lanes))
                first = way.results[:, 0]
                jitted.check_lane(call.key, way.numbers, first, lambda: call.arguments(0))
            found[:, way.which] = way.results  # of some, until they are done again
            rest, count = way.rest, count + 1
            left = sum(map(len, rest))
            if count >= MOST and call.lanes - left < WORTH * count:
                break
        if rest:
            others = np.concatenate(rest)
            if not jitted.eager:
                self._warn(len(others), call)
            result, columns = self._one_by_one(self.f, call, others.tolist())
            if not count:
                return result, columns
            self._refuse_unlike(structure, result)
            found[:, others] = columns
        return structure, found

    def _as_one(self, jitted: Jitted[P, Any], call: _Call, trace: Trace) -> tuple[Any, Any] | None:
        """As one instruction of a trace; None if lanes go too many ways."""
        ways: list[_Way] = []
        for way in self._ways(jitted, call):
            ways.append(way)
            if way.rest and (len(ways) == MOST or jitted.eager):
                if not jitted.eager:
                    self._warn(call.lanes, call)
                return None
        body, operands = _body(call, ways, self._threads)
        found = np.empty((body.results, call.lanes))
        for way in ways:
            found[:, way.which] = way.results
        if Value not in set(map(type, operands)):
            return ways[0].kept.result, found
        results = record_body(trace, body, operands, np.append(found.T, 1.0))
        frozen = active()
        if frozen is not None and any(p.guards for p in body.programs):
            record_guard(frozen, True, EQUAL, results[-1], 1.0, 1.0)
        cells = np.empty(len(results) - 1, object)
        cells[:] = results[:-1]
        return ways[0].kept.result, cells.reshape(call.lanes, body.results).T

    def _warn(self, rest: int, call: _Call) -> None:
        anomalies.warn(
            f"{self.name}: lanes go more than {MOST} different ways: {rest} of {call.lanes} are "
            "called one by one"
        )

    def _one_by_one(
        self, f: Callable[..., Any], call: _Call, which: Iterable[int]
    ) -> tuple[Any, Any]:
        """By calls of the function."""
        structure, columns = None, []
        for lane in which:
            args, kwargs = call.arguments(lane)
            numbers: list[Any] = []
            result = flatten_result(f(*args, **kwargs), numbers, self.name)
            structure = structure or result
            self._refuse_unlike(structure, result)
            columns.append(listed(numbers))
        kind = object if any(map(has_values, columns)) else np.float64
        found = np.empty((len(columns), len(columns[0])), kind)
        for i, column in enumerate(columns):
            found[i] = column
        return structure, found.T

    def _of_none(self, jitted: Jitted[P, Any], call: _Call) -> tuple[Any, Any]:
        """Of no lanes: how a result looks, a trace tells for numbers that are 0."""
        given = [g.numbers[:, 0] if g.shared else np.zeros(size(g.leaf)) for g in call.given]
        calm = MODE.get()._replace(detecting=False)  # no lane has these numbers
        _, made = within(calm, jitted.frozen.trace, call.key, np.concatenate(given))
        self._refuse_sparse(made.result)
        return made.result, np.empty((sum(map(size, leaves(made.result))), 0))

    def _refuse_sparse(self, structure: Any) -> None:
        if isinstance(structure, Pattern):
            raise TypeError(f"{self.name}: a lane's result is a sparse matrix; sparse=False")

    def _refuse_unlike(self, structure: Any, result: Any) -> None:
        words = difference(as_floats(structure), as_floats(result), "the result")
        if words:
            raise TypeError(f"{self.name}: of one lane {words}, as of another")

    # -- results -----------------------------------------------------------------------------------

    def _put_together(self, structure: Any, numbers: Any) -> Any:
        """The result of all lanes."""
        axes = iter(_spread(self._axes[1], structure, f"{self.name}: out_axes"))
        first, cells = 0, []

        def of_all(leaf: Leaf) -> Leaf:
            nonlocal first
            axis, end = next(axes), first + size(leaf)
            x = numbers[first:end].reshape(*leaf.shape or (), numbers.shape[1])
            first = end
            if axis is None:
                same = x[..., :1]
                alike = ((x == same) | ((x != x) & (same != same))).all()
                if not same.size or not alike:
                    raise ValueError(
                        f"{self.name}: out_axes=None is for what is the same in all lanes, but "
                        f"{'there are none' if alike else 'this is not'}"
                    )
                x = x[..., 0]
            elif not -x.ndim <= axis < x.ndim:
                raise ValueError(
                    f"{self.name}: out_axes is {axis}, but a lane's result has only "
                    f"{x.ndim - 1} axes"
                )
            else:
                x = np.moveaxis(x, -1, axis)
            cells.append(x.ravel())
            return Leaf(x.shape if x.ndim else None)

        whole = map_leaves(structure, of_all)
        return tree_of_cells(whole, cells)


def _body(call: _Call, ways: list[_Way], threads: int) -> tuple[Mapped, list[Any]]:
    """The ways as what a ``vmap`` runs, and its operands."""
    own, n = call.own(), sum(size(g.leaf) for g in call.given)
    shared = np.setdiff1d(np.arange(n), own)
    to = np.empty(n, np.int32)
    to[own], to[shared] = np.arange(len(own)), len(own) + np.arange(len(shared))
    programs, captured = on_the_same_inputs([way.kept for way in ways], to.tolist())
    rows = [g.rows for g in call.given if not g.shared]
    mine = np.concatenate([x.astype(object) for x in rows]).T.ravel().tolist()
    common = [x for g in call.given if g.shared for x in g.rows[:, 0].tolist()]
    body = Mapped(programs, call.lanes, len(own), threads=threads)
    return body, [*mine, *common, *captured]


def _spread(axes: Any, structure: Any, where: str) -> list[int | None]:
    """For every leaf of numbers of a structure its axis, of a tree of axes that begins like it.

    Raises:
        TypeError: if it does not.
    """
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes for leaf in leaves(structure) if isinstance(leaf, Leaf)]
    fits = isinstance(axes, dict) and isinstance(structure, Mapping)
    if fits and axes.keys() == set(structure.kind):
        parts = zip(structure.kind, structure.parts, strict=True)
        return [x for key, s in parts for x in _spread(axes[key], s, f"{where}[{key!r}]")]
    fits = isinstance(axes, (tuple, list)) and isinstance(structure, Tuple)
    if fits and len(axes) == len(structure.parts):
        pairs = enumerate(zip(axes, structure.parts, strict=True))
        return [x for i, (of, s) in pairs for x in _spread(of, s, f"{where}[{i}]")]
    raise TypeError(
        f"{where} must be an integer, None, or a tree of these as what it is for, not {axes!r}"
    )


def vmap(f: Callable[P, Any], in_axes: Any = 0, out_axes: Any = 0, threads: int = 1) -> Vmapped[P]:
    """A function of one example, for many: of arrays with one more axis, that of the lanes.

    It returns for every lane what ``f`` returns for it, to the bit.  ``jit`` of it keeps its
    programs from call to call.  In a function that is differentiated or jitted it is one
    instruction, however many lanes there are, and so is its derivative.  Lanes are computed in
    blocks that stay in the cache: beside arguments and results, memory does not grow with them.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them.  Lanes may go different
            ways through its comparisons.
        in_axes: which axis of the arguments counts lanes: an integer; None for what they share;
            a tuple of these, one for each positional argument; or trees of these, as arguments
            are.  Arguments that come by name have lanes along axis 0.
        out_axes: along which axis of the results lanes are put together; None for what is the same
            in all.
        threads: among how many threads lanes are divided, where there are many.

    Returns:
        A function of the same arguments.

    Raises:
        ValueError: if ``threads`` is no positive integer; when called, if an argument has no such
            axis, or another number of lanes.
        TypeError: if ``f`` is no function; when called, if axes do not fit arguments or results,
            or lanes' results differ in structure.

    >>> vmap(lambda x, w: x if x > 0 else w * x, (0, None))(np.array([1.0, -1.0]), 0.5)
    array([ 1. , -0.5])
    """
    if not callable(f):
        raise TypeError(f"vmap(f): f must be a function, not {describe(f)}")
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise ValueError(f"vmap: threads must be a positive integer, not {describe(threads)}")
    return Vmapped(f, in_axes, out_axes, threads)


def _again(
    f: Callable[P, Any], in_axes: Any, out_axes: Any, threads: int, kept: bool
) -> Vmapped[P]:
    """What was pickled."""
    mapped = vmap(f, in_axes, out_axes, threads)
    return mapped.jitted() if kept else mapped
