"""jit: a function run as a program, from its second call on.

A function is traced once for every structure of its arguments and every way through its
comparisons; later calls run the program that fits.  What a program rests on is guarded:

* comparisons, by the decision tree of all its traces (``compiler.decisions``);
* what the function reads besides its arguments, as far as it can be seen (``guards``);
* all else by a check: at its 2nd, 4th, 8th, 16th ... call the function itself is run too.

Where Values come in, as arguments or because the function closes over them, the results are Values:
each one node, whose partial derivatives the program has computed with it (``calls``).

The function itself is run inside another trace, which then has its instructions; inside
``detect_anomaly()``; on Values under ``no_grad()``; where more than 32 results depend on Values;
and for good when its guards keep failing.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar, overload

import numpy as np

from autodiff.compiler.batch import Lanes, in_lanes, rounded
from autodiff.compiler.decisions import Decisions, Unlike
from autodiff.compiler.passes import behind
from autodiff.compiler.program import Program, with_inputs
from autodiff.compiler.simplify import simplified
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.trace import captures, run
from autodiff.compiler.vectorize import Tiered
from autodiff.engine import anomalies
from autodiff.engine.modes import MODE
from autodiff.engine.pickling import by_name
from autodiff.engine.reals import describe
from autodiff.lists import in_traces
from autodiff.transforms.calls import Recorder, too_many
from autodiff.transforms.guards import Generators, Watch
from autodiff.transforms.lowered import Lowered, another, numbers_of, with_captured
from autodiff.transforms.pytrees import flat, listed, tree_unflatten
from autodiff.transforms.results import (
    arranged,
    as_values,
    flatten_result,
    has_values,
)
from autodiff.transforms.transform import Frozen, Transform
from autodiff.value import Value, number_of

MOST = 128  #: programs that are kept, and traces that may fail to serve later calls
LARGE = 100_000  #: instructions that may be traced so, if there are more in fewer traces
STATES = 8  #: states of what a function reads besides its arguments for which programs are kept


class Kept(NamedTuple):
    """A program that is kept, and what is made of it.

    Attributes:
        whole: the program as it was traced, on the numbers of the arguments, then those of what is
            captured.  Derived of it, gradients are those of a sweep to the bit: simplified first,
            they would be added up in another order.
        machine: what runs it, simplified.
        captured: the Values that it reads from outside.
        result: the structure of its result.
        recorders: what records its results, by which arguments are Values; None if nothing can.
        guarded: the program with its guards.
        batches: what runs that for many lanes, by which inputs are each lane's own.
    """

    whole: Program
    machine: Tiered
    captured: list[Value]
    result: Any
    recorders: dict[bytes, Recorder | None]
    guarded: Callable[[], Program]
    batches: dict[Any, Lanes]

    def batch(self, own: Any, lanes: int) -> Lanes:
        """What runs it for so many lanes; ``own`` are the inputs that are each lane's own."""
        most = rounded(lanes)
        key = own.tobytes(), most
        if key not in self.batches:
            self.batches[key] = in_lanes(self.guarded(), own, most)
        return self.batches[key]

    def recorder(self, are_values: bytes, name: str) -> Recorder | None:
        """What records the results: ``are_values`` says which arguments are Values."""
        if are_values not in self.recorders:
            p, n = self.whole, self.whole.inputs
            by = [*np.flatnonzero([*are_values]), *range(n - len(self.captured), n)]
            fits = not in_traces(self.captured) and not too_many(p, by)
            self.recorders[are_values] = Recorder(p, by, self.captured, name) if fits else None
        return self.recorders[are_values]


def on_the_same_inputs(
    ways: Sequence[Kept], to: Sequence[int]
) -> tuple[tuple[Program, ...], list[Value]]:
    """Programs with their guards, and the Values that they captured, all of which each is given.

    Args:
        ways: what is kept of them.
        to: where the numbers of the arguments are among the inputs; what is captured is behind.
    """
    captured = list({id(v): v for way in ways for v in way.captured}.values())
    place = {id(v): len(to) + i for i, v in enumerate(captured)}
    programs = [
        with_inputs(
            way.guarded(), len(to) + len(captured), [*to, *(place[id(v)] for v in way.captured)]
        )
        for way in ways
    ]
    return tuple(programs), captured


class State(NamedTuple):
    """The programs that fit what a function reads, by the structure of the arguments."""

    watch: Watch
    trees: dict[Any, Decisions[Kept]]


P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
Self = TypeVar("Self")


class Jitted(Generic[P, R]):
    """What ``jit`` returns: a function that keeps programs of another."""

    __qualname__: str

    def __init__(
        self,
        f: Callable[P, R],
        static: tuple[int | str, ...] = (),
        check: bool = True,
        name: str = "",
    ) -> None:
        functools.update_wrapper(self, f, updated=())
        self.f = f
        self.name = name or f"jit({getattr(f, '__name__', type(f).__name__)})"
        self._options = (static, check)
        self.frozen = Frozen(f, static, self.name)
        self._states: list[State] = []  # the newest first; replaced, never changed
        self._calls = self._traces = self._traced = self._served = 0
        self.eager = False
        self._place: tuple[type, str] | None = None  # the class that it is a method of, its name

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __reduce__(self) -> Any:
        """Pickled as functions are: by name where it has one; programs are not."""
        return by_name(self) or (Jitted, (self.f, *self._options), {"_place": self._place})

    def __set_name__(self, owner: type, name: str) -> None:
        self._place = owner, name

    @overload
    def __get__(self, instance: None, owner: Any) -> Jitted[P, R]: ...
    @overload
    def __get__(
        self: Jitted[Concatenate[Self, Q], R], instance: Self, owner: Any = None
    ) -> Jitted[Q, R]: ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The method of an instance, which keeps programs of its own."""
        if instance is None:
            return self
        if self._place is None:
            return Jitted(self.f.__get__(instance, owner), *self._options)
        attributes = getattr(instance, "__dict__", {})
        key = f"_jit {self._place[0].__qualname__}.{self._place[1]}"
        bound = attributes.get(key)
        if not isinstance(bound, _Method) or bound.instance is not instance:  # a copy has its own
            bound = _Method(self.f.__get__(instance, owner), *self._options)
            bound.instance, bound.place = instance, self._place
            attributes[key] = bound
        return bound

    def lower(self, *args: P.args, **kwargs: P.kwargs) -> Lowered:
        """The program for these arguments: to be read, or called.

        >>> jit(lambda x: x * x + 1).lower(3.0)
        <jit(<lambda>), lowered: 1 input, 1 output, 2 nodes>
        """
        return self.frozen.lower(args, kwargs)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns.

        Raises:
            RuntimeError: if the function draws random numbers, or is found to read something that
                has changed and is not guarded.
        """
        mode = MODE.get()
        if self.eager or mode.innermost() is not None:
            return self.f(*args, **kwargs)
        key, given = self.frozen.flatten(args, kwargs)
        on_values = has_values(given)
        if on_values and (mode.detecting or not mode.recording):
            return self.f(*args, **kwargs)
        if mode.detecting:
            structure, found, symbolic = self._run_itself(key, given, args, kwargs)
            return self.f(*args, **kwargs) if symbolic else arranged(structure, found)
        numbers = flat(given)
        kept = self.find(key, numbers)
        recorded = None
        if mode.recording and (on_values or kept.captured):
            recorded = self._record(kept, given if on_values else [], numbers)
            if recorded is None:
                return self.f(*args, **kwargs)
        else:
            found = numbers_of(kept.machine, numbers, kept.captured, self.name)
        if self._is_compared():
            *_, again, symbolic = self._run_itself(key, given, args, kwargs)
            if recorded is None:
                self._compare(found, again, symbolic)
            else:
                self._compare(flat(recorded), again, False)
        result: R = (
            arranged(kept.result, found)
            if recorded is None
            else tree_unflatten(kept.result, iter(recorded))
        )
        return result

    def _record(self, kept: Kept, given: list[Any], numbers: Any) -> list[Any] | None:
        """The results, recorded on the Values that come in; None if that is not for a program.

        Of the arguments, ``given`` has none if no Value is among them.
        """
        came = listed(given)
        are_values = bytes([type(x) is Value for x in came])
        arguments = list(itertools.compress(came, are_values))
        if in_traces(arguments):
            return None  # it is another thread's, to which its operations belong
        recorder = kept.recorder(are_values, self.name)
        if recorder is None or isinstance(kept.result, Pattern):
            return None
        results = recorder.record(with_captured(numbers, kept.captured), arguments)
        # A transform's results are Values if one is; a plain function's constants are its own.
        return as_values(results) if isinstance(self.f, Transform) else results

    def serve(self, lanes: int) -> None:
        """Note that a program has served so many lanes besides the one that it was found for."""
        self._served += lanes

    def check_lane(
        self, key: Any, numbers: Any, found: Any, arguments: Callable[[], tuple[Any, Any]]
    ) -> None:
        """Compare what a program found for one of many lanes, if it is time to."""
        if self._is_compared():
            *_, again, symbolic = self._run_itself(key, [numbers], *arguments())
            self._compare(found, again, symbolic)

    def _is_compared(self) -> bool:
        """Count a call, and say whether the function itself is run at it: the 2nd, 4th, 8th ..."""
        self._calls += 1
        return bool(self._options[1] and self._calls > 1 and not self._calls & (self._calls - 1))

    # -- from arguments to the program that fits them ----------------------------------------------

    def find(self, key: Any, numbers: Any) -> Kept:
        """The program for these numbers, traced now if there is none."""
        changed = ""
        for state in self._states:
            name = state.watch.changed()
            if not name:
                kept = state.trees[key].find(numbers) if key in state.trees else None
                if kept is None:
                    return self._trace(key, numbers, state, "")
                self._served += 1
                return kept
            changed = changed or name
        return self._trace(key, numbers, None, changed)

    def _trace(self, key: Any, numbers: Any, state: State | None, changed: str) -> Kept:
        """Trace the function, and keep its program."""
        watch = Watch(self.f)
        generators = Generators(watch)
        made, derived = self.frozen.trace(key, numbers)
        watch.forget_changed()
        drawn = generators.drawn(lambda: self.frozen.trace(key, numbers))
        if drawn:
            raise RuntimeError(
                f"{self.name}: the function draws random numbers (from {drawn}), which its program "
                "would repeat for ever: pass what is drawn as an argument, or leave out jit"
            )
        whole = derived.program if isinstance(self.f, Transform) else made.program
        p, guards = derived.program, made.guards
        kept = Kept(
            *(whole, Tiered(p), made.captured, derived.result, {}),
            *(lambda: simplified(behind(guards, p)), {}),
        )
        state = state or State(watch, {})
        tree: Decisions[Kept] = state.trees.get(key) or Decisions(len(numbers))
        try:
            failed = tree.add(made, kept)
        except Unlike:
            raise RuntimeError(
                f"{self.name}: the function does not compute the same twice for the same arguments:"
                " it reads something that changes and that jit cannot see; pass it as an argument"
            ) from None
        self._keep(key, state, tree)
        self._traces += 1
        self._traced += len(made.program) + len(made.guards)
        if self._served < self._traces and (
            self._traces >= MOST or (self._traces >= MOST // 8 and self._traced >= LARGE)
        ):
            self._give_up(key, changed, failed)
        return kept

    def _keep(self, key: Any, state: State, tree: Decisions[Kept]) -> None:
        """Remember a tree as the newest, and forget the oldest of too many."""
        trees = {k: t for k, t in state.trees.items() if k != key}
        trees[key] = tree
        others = [s for s in self._states if s.watch is not state.watch]
        while len(trees) > 1 and sum(len(t.leaves) for t in trees.values()) > MOST:
            trees.pop(next(iter(trees)))
        self._states = [State(state.watch, trees), *others][:STATES]

    def _give_up(self, key: Any, changed: str, failed: str) -> None:
        """Run the function itself from now on, and say why."""
        keys = [k for k in self._states[0].trees if k != key]
        if changed:
            why = f"{changed}, which the function reads, changes"
        elif failed:
            why = f"the guard of the comparison at {failed} fails"
        else:
            why = another(keys[-1], key) if keys else "it is traced anew"
        anomalies.warn(
            f"{self.name} has been traced {self._traces} times, and its programs served "
            f"{self._served} calls: from call to call {why}.  It now runs without jit"
        )
        self.eager, self._states = True, []

    # -- the function itself -----------------------------------------------------------------------

    def _run_itself(
        self, key: Any, given: list[Any], args: Any, kwargs: Any
    ) -> tuple[Any, Any, bool]:
        """The structure and the numbers of what the function returns, run without a program.

        And whether it would return Values.
        """
        found: list[Any] = []
        if isinstance(self.f, (Transform, Jitted)):
            result = self.f(*args, **kwargs)
            if hasattr(result, "indptr"):  # a sparse matrix
                return Pattern(result.shape, result.indices, result.indptr), result.data, False
            structure = flatten_result(result, found, self.name)
            return structure, flat(found), has_values(found)
        positional, named = key

        def on_values(xs: list[Any]) -> list[Any]:
            nonlocal structure
            values = iter(xs)
            args = [tree_unflatten(s, values, exact=True) for s in positional]
            kwargs = {name: tree_unflatten(s, values, exact=True) for name, s in named}
            structure = flatten_result(self.f(*args, **kwargs), found, self.name)
            return listed(found)

        made = run(on_values, listed(given), name=self.name)
        results = [number_of(x) if type(x) is Value else x for x in made.results]
        return structure, np.array(results, np.float64), captures(made) and MODE.get().recording

    def _compare(self, found: Any, numbers: Any, symbolic: bool) -> None:
        """Raise if the program and the function differ; or if only the function gives Values."""
        words = "the program gives numbers, the function Values"
        words = words if symbolic else unlike(found, numbers)
        if not words:
            return
        self._states = []
        raise RuntimeError(
            f"{self.name}: the function reads something that changes and that jit cannot see: "
            f"{words}; pass it as an argument, or leave out jit"
        )


def unlike(a: Any, b: Any) -> str:
    """What is not the same, but for rounding beside the largest, of a program and its function."""
    if len(a) != len(b):
        return f"the program gives {len(a)} numbers, the function {len(b)}"
    largest = np.abs(b[np.isfinite(b)]).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= 1e-12 * largest)
    for i in np.flatnonzero(~same).tolist():
        return f"number {i} of the result is {float(b[i])!r}, and by the program {float(a[i])!r}"
    return ""


class _Method(Jitted[P, R]):
    """A jitted function, bound to an instance, which keeps it in its ``__dict__``."""

    instance: Any = None
    place: tuple[type, str]

    def __reduce__(self) -> Any:
        """Pickled as methods are: by the instance, and where the method is found."""
        return _method, (*self.place, self.instance)


def _method(owner: type, name: str, instance: Any) -> Any:
    return vars(owner)[name].__get__(instance, type(instance))


def jit(
    f: Callable[P, R],
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    check: bool = True,
) -> Jitted[P, R]:
    """The function itself, run as a program from its second call on.

    Numbers are traced, integers and bools too; where Python needs an exact integer (``range(n)``,
    an index, ``if flag``), the program rests on it, and another integer is traced anew.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them.
        static_argnums: positions of arguments that are not traced: each value is traced anew.
        static_argnames: names of such arguments, where they are given by name.
        check: whether to run ``f`` itself too at the 2nd, 4th, 8th, 16th ... call, and compare.

    Returns:
        A function that returns what ``f`` returns.  A result that depends on Values, given or
        closed over, is a Value: one node over these, so that a loop of ``loss = f(x)``,
        ``loss.backward()`` and ``optimizer.step()`` runs at the speed of the program.  Where more
        than 32 results do, ``f`` itself is run.

    Raises:
        RuntimeError: when called, if ``f`` draws random numbers, or is found to read something that
            has changed and that ``jit`` cannot see.
        TypeError: if ``f`` is no function, or a static argument is not named as it should be; when
            called, if one cannot be the key of a dict.

    >>> @jit
    ... def smaller(x, y):
    ...     return x if x < y else y
    >>> smaller(1.0, 2.0), smaller(2.0, 1.0)
    (1.0, 1.0)
    """
    if not callable(f):
        raise TypeError(f"jit(f): f must be a function, not {describe(f)}")
    numbers = static_argnums if isinstance(static_argnums, (list, tuple)) else (static_argnums,)
    names = static_argnames if isinstance(static_argnames, (list, tuple)) else (static_argnames,)
    for x in numbers:
        if not isinstance(x, int) or isinstance(x, bool):
            raise TypeError(f"jit(f, static_argnums): integers are expected, not {describe(x)}")
    for x in names:
        if not isinstance(x, str):
            raise TypeError(f"jit(f, static_argnames): names are expected, not {describe(x)}")
    own = getattr(type(f), "jitted", None)  # a transform may keep programs in its own way
    made: Jitted[P, R] = (
        own(f, (*numbers, *names), check) if own else Jitted(f, (*numbers, *names), check)
    )
    return made
