"""scan and loop: a function run step after step, each on what the one before left.

The function is traced for the first step, and its program run for all; at a step where a guard
fails it is traced again: steps may go different ways.  In a function that is transformed all of
that is one instruction, and so is its derivative, however many steps there are.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

import autodiff.compiler.scan_rules  # noqa: F401  # attaches what differentiates a Scan
from autodiff.arrays import data_of
from autodiff.compiler.program import Program
from autodiff.compiler.scanned import advance
from autodiff.compiler.scans import Run, Scan
from autodiff.compiler.trace import record_body
from autodiff.contexts import within
from autodiff.engine import anomalies
from autodiff.engine.instructions import PART, VMAP
from autodiff.engine.modes import MODE
from autodiff.engine.reals import describe
from autodiff.engine.traces import EQUAL, Trace, active, record_guard
from autodiff.lists import in_traces
from autodiff.transforms.cache import Jitted, Kept, on_the_same_inputs
from autodiff.transforms.calls import Recorder, too_many
from autodiff.transforms.pytrees import (
    Leaf,
    array_of,
    as_floats,
    difference,
    leaves,
    listed,
    map_leaves,
    size,
    tree_flatten,
    tree_of_cells,
    tree_unflatten,
)
from autodiff.transforms.pytrees import Sequence as Tuple
from autodiff.transforms.results import flatten_result
from autodiff.value import Value

MOST = 64  #: ways that steps may go

C = TypeVar("C")


class _Call(NamedTuple):
    """A call: of a function of a carry and of what is a step's own.

    Attributes:
        f: the function, from a carry and its own numbers to a carry and results.
        name: what messages call it.
        carry: the numbers of the first carry, floats and Values.
        of_carry: the structure of a carry.
        own: a row for every step: its own numbers.
        of_own: the structure of these.
        steps: how many.
    """

    f: Callable[[Any, Any], tuple[Any, Any]]
    name: str
    carry: list[Any]
    of_carry: Any
    own: Any
    of_own: Any
    steps: int

    def at(self, step: int, carry: list[Any]) -> Any:
        """What the function returns at a step, for these numbers of the carry."""
        x = tree_unflatten(self.of_own, iter(self.own[step].tolist()), exact=True)
        return self.f(tree_unflatten(self.of_carry, iter(carry)), x)


def scan(
    f: Callable[[C, Any], tuple[C, Any]], carry: C, xs: Any = None, length: int | None = None
) -> tuple[C, Any]:
    """A function run for one element of ``xs`` after the other, handing on a carry.

    It is the loop::

        ys = []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, stack(ys)

    In a function that is differentiated or jitted it is one instruction, and its derivative
    another, so that the program does not grow with the steps.  Of the steps reverse mode keeps some
    checkpoints, and computes each step again, twice: memory grows as the square root of their
    number.  Outside any transform, floats are computed by a program; a result that is a Value is
    one node, if there are at most 32, and else the loop is recorded as it stands.

    Args:
        f: a function of a carry and of an element of ``xs``, which returns a pair: the next carry,
            of the same structure, and a result.  Steps may go different ways through its
            comparisons.
        carry: what the first step gets: a number, an array, or a list, tuple or dict of them.
        xs: what is each step's own: an array with an axis for the steps, the first, or a list,
            tuple or dict of arrays; None for nothing, in which case ``f`` gets None.
        length: how many steps there are; it may be left out where ``xs`` says so.

    Returns:
        The last carry, and the results of all steps, arrays with an axis for the steps, the first.

    Raises:
        TypeError: if ``f`` is no function, or returns no pair, or another structure of carry, or at
            one step another structure of result than at the first.
        ValueError: if arrays in ``xs`` have no axis, or axes of different lengths, or neither
            ``xs`` nor ``length`` says how many steps there are.

    >>> from autodiff import grad
    >>> scan(lambda total, x: (total + x, total * x), 0.0, np.array([1.0, 2.0, 3.0]))
    (6.0, array([0., 2., 9.]))
    >>> grad(lambda c: scan(lambda t, x: (c * t + x, None), 1.0, np.ones(3))[0])(2.0)
    17.0
    """
    name = f"scan({getattr(f, '__name__', type(f).__name__)})"
    if not callable(f):
        raise TypeError(f"scan(f, carry, xs): f must be a function, not {describe(f)}")
    own, of_own, steps = _of_steps(xs, length, name)
    return _run(f, name, carry, own, of_own, steps)


def loop(f: Callable[[Any, C], C], carry: C, n: int) -> C:
    """A function run ``n`` times, handing on a carry: ``scan`` without elements and results.

    It is the loop::

        for i in range(n):
            carry = f(i, carry)
        return carry

    Args:
        f: a function of the number of the step, 0, 1 and so on, and of a carry, which returns the
            next carry, of the same structure.  The number is a Value where it is traced.
        carry: as for ``scan``.
        n: how many steps there are.

    Returns:
        The last carry.

    Raises:
        TypeError, ValueError: as ``scan``.

    >>> from autodiff import grad
    >>> loop(lambda i, x: x + i, 0.0, 5)
    10.0
    >>> grad(lambda x: loop(lambda i, y: y * x, 1.0, 5))(2.0)
    80.0
    """
    if not callable(f):
        raise TypeError(f"loop(f, carry, n): f must be a function, not {describe(f)}")
    name = f"loop({getattr(f, '__name__', type(f).__name__)})"
    own, of_own, steps = _of_steps(None, n, name)

    def step(carry: Any, _: Any) -> tuple[Any, Any]:
        i, inner = carry
        return (i + 1.0, f(int(i) if isinstance(i, float) else i, inner)), None

    (_, last), _ = _run(step, name, (0.0, carry), own, of_own, steps)
    result: C = last
    return result


# -- arguments -------------------------------------------------------------------------------------


def _of_steps(xs: Any, length: Any, name: str) -> tuple[Any, Any, int]:
    """A row of numbers for every step; the structure of a row; and how many steps there are."""
    numbers: list[Any] = []
    structure = tree_flatten(xs, numbers, f"xs of {name}")
    steps: dict[int, str] = {}  # the numbers of steps, each with words for where it is found
    if length is not None:
        try:
            steps[operator.index(length)] = f"the length is {length}"
        except TypeError:
            raise TypeError(
                f"{name}: the number of steps must be an integer, not {describe(length)}"
            ) from None
    rows, rest = [], iter(numbers)

    def of_step(leaf: Leaf) -> Leaf:
        if not leaf.shape:
            raise ValueError(
                f"{name}: xs has a number where an array is expected that has an axis for the "
                "steps; of a list of numbers np.array makes one"
            )
        x = array_of(leaf, rest)
        steps.setdefault(len(x), f"an array in xs has {len(x)} along its first axis")
        rows.append(x.reshape(len(x), math.prod(leaf.shape[1:])))
        return Leaf(leaf.shape[1:] or None, leaf.kind)

    of_own = map_leaves(structure, of_step)
    if not steps:
        raise ValueError(f"{name}: neither xs nor length says how many steps there are")
    if len(steps) > 1:
        raise ValueError(f"{name}: steps differ in number: {', '.join(steps.values())}")
    (n,) = steps
    if n < 0:
        raise ValueError(f"{name}: the number of steps must not be negative, but it is {n}")
    own = np.hstack(rows) if rows else np.zeros((n, 0))
    return own, of_own, n


def _run(
    f: Callable[[Any, Any], Any], name: str, carry: Any, own: Any, of_own: Any, steps: int
) -> tuple[Any, Any]:
    """The last carry, and the results of all steps."""
    numbers: list[Any] = []
    of_carry = as_floats(tree_flatten(carry, numbers, f"the carry of {name}"))
    for leaf in leaves(of_carry):
        if not isinstance(leaf, Leaf):
            raise TypeError(
                f"the carry of {name} holds {describe(leaf.value)}: expected are numbers, arrays "
                "of them, and lists, tuples and dicts of these"
            )

    def step(carry: Any, x: Any) -> Any:
        pair = f(carry, x)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"{name}: the function must return a pair, the next carry and a result, not "
                f"{describe(pair)}"
            )
        return pair[0], () if pair[1] is None else pair[1]

    call = _Call(step, name, listed(numbers), of_carry, own, of_own, steps)
    mode = MODE.get()
    trace = mode.innermost()
    jitted: Jitted[..., Any] = Jitted(step, name=name)
    found = None
    if not mode.detecting:
        found = _by_program(jitted, call, trace if mode.recording else None)
    elif not steps:  # no step has the numbers that it is traced for
        found = within(mode._replace(detecting=False), _by_program, jitted, call, None)
    else:
        call = call._replace(f=jitted)
    last, of_result, results = found or _one_by_one(call)
    return tree_unflatten(of_carry, iter(last)), _stacked(of_result, results)


# -- the numbers of the last carry, the structure of a result, and its numbers: a row for every step


def _by_program(
    jitted: Jitted[..., Any], call: _Call, trace: Trace | None
) -> tuple[list[Any], Any, Any] | None:
    """By a program; None if steps go too many ways, or too many results are Values."""
    n, m = len(call.carry), call.own.shape[1]
    carry, own = np.array(data_of(call.carry)), call.own
    if own.dtype == object:
        own = np.array(data_of(own.ravel().tolist())).reshape(own.shape)
    key = ((call.of_carry, call.of_own), ())
    kept = jitted.find(key, np.concatenate([carry, own[0] if call.steps else np.zeros(m)]))
    of_result = _checked(call, kept)
    results = np.zeros((call.steps, size(of_result)))
    if not call.steps:
        return call.carry, of_result, results
    ways: list[Kept] = []
    at = 0
    while True:
        if kept in ways:  # an index is out of range, which the function itself is to say
            call.at(at, carry.tolist())
            raise AssertionError(f"{call.name}: step {at} fails in the program alone")
        if len(ways) == MOST or jitted.eager:
            if not jitted.eager:
                anomalies.warn(
                    f"{call.name}: steps go more than {MOST} different ways: all are called one by "
                    "one"
                )
            return None
        words = difference(as_floats(of_result), as_floats(_checked(call, kept)), "the result")
        if words:
            raise TypeError(f"{call.name}: at step {at} {words}, as at another")
        ways.append(kept)
        programs, captured = on_the_same_inputs(ways, range(n + m))
        scan = Scan((Run(call.steps, programs),), n, m)
        shared = np.array(data_of(captured))
        at = advance(scan, np.concatenate([carry, own.ravel(), shared]), at, carry, results)
        if at == call.steps:
            break
        kept = jitted.find(key, np.concatenate([carry, own[at]]))
    if own is call.own and Value not in set(map(type, [*call.carry, *captured])):
        return carry.tolist(), of_result, results
    operands = [*call.carry, *call.own.ravel().tolist(), *captured]
    numbers = np.concatenate([carry, results.ravel()])
    if trace is not None:
        *found, fits = record_body(trace, scan, operands, np.append(numbers, 1.0))
        frozen = active()
        if frozen is not None and any(p.guards for p in scan.programs):
            record_guard(frozen, True, EQUAL, fits, 1.0, 1.0)
    elif MODE.get().recording:
        recorded = _recorded(call.name, scan, operands)
        if recorded is None:
            return None
        found = recorded
    else:
        found = [Value(x) for x in numbers.tolist()]
    cells = np.empty(len(found) - n, object)
    cells[:] = found[n:]
    return found[:n], of_result, cells.reshape(results.shape)


def _checked(call: _Call, kept: Kept) -> Any:
    """The structure of a step's result.

    Raises:
        TypeError: if its carry has another structure than the first.
    """
    of_carry, of_result = kept.result.parts
    words = difference(call.of_carry, as_floats(of_carry), "the carry that the function returns")
    if words:
        raise TypeError(f"{call.name}: {words}, as the carry that it is given")
    return of_result


def _recorded(name: str, scan: Scan, operands: list[Any]) -> list[Any] | None:
    """The results on Values outside any trace, one node each; None if they are too many."""
    which = np.arange(len(scan) - 1)
    n = len(operands)
    program = Program(
        n,
        (n + 1 + which).astype(np.int32),
        np.append(which, 0.0),
        np.append(VMAP, np.full(len(which), PART)).astype(np.uint16),
        np.append(0, np.full(len(which), n)).astype(np.int32),
        np.append(n + 1, -1 - which).astype(np.int32),
        np.append(np.arange(n), -1 - len(which)).astype(np.int32),
        bodies=(scan,),
    )
    by = [i for i, x in enumerate(operands) if type(x) is Value]
    values = [operands[i] for i in by]
    if in_traces(values) or too_many(program, by):
        return None
    return Recorder(program, by, [], name).record(np.array(data_of(operands)), values)


def _one_by_one(call: _Call) -> tuple[list[Any], Any, Any]:
    """By calls of the function, as the loop stands."""
    carry, of_result, rows = call.carry, None, []
    for at in range(call.steps):
        numbers: list[Any] = []
        structure = flatten_result(call.at(at, carry), numbers, call.name)
        words = difference(call.of_carry, as_floats(structure.parts[0]), "the next carry")
        words = words or difference(
            as_floats(of_result or structure.parts[1]), as_floats(structure.parts[1]), "the result"
        )
        if words:
            raise TypeError(f"{call.name}: at step {at} {words}, as before")
        of_result = structure.parts[1]
        found = listed(numbers)
        carry = found[: len(call.carry)]
        rows.append(found[len(call.carry) :])
    results = np.empty((len(rows), size(of_result)), object)
    for i, row in enumerate(rows):
        results[i] = row
    return carry, of_result, results


def _stacked(of_result: Any, rows: Any) -> Any:
    """The results of all steps: arrays with an axis for the steps."""
    first, cells = 0, []

    def of_all(leaf: Leaf) -> Leaf:
        nonlocal first
        end = first + size(leaf)
        cells.append(rows[:, first:end].ravel())
        first = end
        return Leaf((len(rows), *(leaf.shape or ())))

    whole = map_leaves(of_result, of_all)
    if isinstance(of_result, Tuple) and of_result.kind is tuple and not of_result.parts:
        return None
    return tree_of_cells(whole, cells)
