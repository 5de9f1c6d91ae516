"""Derivatives of derivatives: the sweep in recorded arithmetic, so that gradients are Values.

It is the chain rule of ``sweeps.sweep`` with Values in place of numbers: the local partials are
evaluated from the table's expressions, on the operands themselves, by the table's primitives; of a
call that ``jit`` recorded as one node, by the program of its derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodiff.contexts import within
from autodiff.engine import kernels
from autodiff.engine.instructions import CALL, FIRST, STATIC, VMAP
from autodiff.engine.lock import alone
from autodiff.engine.modes import MODE, PLAIN
from autodiff.engine.reals import real
from autodiff.engine.traces import active, refuse_reading, refuse_sweep
from autodiff.evaluation import VALUES, apply, pick
from autodiff.lists import record_list
from autodiff.ops import ROWS
from autodiff.sweeps import commit, sweep, sweep_call, visit
from autodiff.value import (
    Value,
    add_method,
    code_of,
    finish,
    number_of,
    own_note,
    refuse_stranger,
    written,
)

_INNER = range(FIRST, STATIC)
_rules: dict[int, Any] = {}


def symbolic_partials(v: Value) -> list[tuple[Value, Any]]:
    """Each operand that is a Value, with the partial with respect to it as a Value or float."""
    if not v.operands:
        return []
    op = code_of(v)
    if op == CALL:
        partials = own_note(v).call.partials(v.operands)
        return [(x, p) for x, p in zip(v.operands, partials, strict=True) if type(x) is Value]
    row = ROWS[op]
    if op not in _rules:
        make = kernels.list_kernel if row.over_lists else kernels.partial_functions
        _rules[op] = make(row, VALUES)
    rule = _rules[op]
    if row.over_lists:
        _, partials = rule(*split(v.operands, len(row.names)))
    else:
        partials = [
            partial(*v.operands, v) if type(x) is Value else 0.0
            for x, partial in zip(v.operands, rule, strict=True)
        ]
    return [(x, p) for x, p in zip(v.operands, partials, strict=True) if type(x) is Value]


def _passed_on(v: Value, adjoint: Any) -> list[tuple[Any, Any]]:
    """Each operand of what only traces contain, with what it is given: the adjoint, if chosen.

    What is held constant gives nothing; what is not chosen is given 0, even of an infinite adjoint.
    """
    xs = v.operands
    if v.op == "take":
        return [(x, pick(adjoint, xs[-1], float(k), 0.0)) for k, x in enumerate(xs[:-1])]
    if v.op == "pick":
        x, i, j, y = xs
        return [(x, pick(adjoint, i, j, 0.0)), (y, pick(0.0, i, j, adjoint))]
    return []


def split(operands: Sequence[Any], lists: int) -> list[list[Any]]:
    """The operands of a row over one or two lists, as those lists."""
    n = len(operands) // lists
    return [[*operands[k * n : (k + 1) * n]] for k in range(lists)]


def refuse_stale(order: list[Value], tracing: bool) -> None:
    """Raise RuntimeError unless the operands' present data would record the same nodes again."""
    for v in order:
        op = code_of(v)
        row = ROWS[op]
        if not v.operands or op in _INNER:
            continue
        if op == VMAP:
            refuse_sweep()
        if op == CALL:
            if own_note(v).call.changed(v.operands):
                raise RuntimeError(
                    f"backward(create_graph=True): a leaf's data was changed after {v.name} was "
                    f"recorded as {number_of(v)!r}; call the function again"
                )
            continue
        fresh = tuple(Value(number_of(x)) if type(x) is Value else x for x in v.operands)
        lists = split(fresh, len(row.names))
        again = record_list(op, lists) if row.over_lists else apply(op, *fresh)
        same = repr(number_of(again)) == repr(number_of(v))
        if not (tracing and callable(row.value)):  # a trace has no partials of such
            same = same and repr(again.partials) == repr(v.partials)
        if not same:
            raise RuntimeError(
                f"backward(create_graph=True): a leaf's data was changed after {v.op} was recorded "
                f"as {number_of(v)!r} (now {written(v)} is {number_of(again)!r}); record the graph "
                "again"
            )


def sweep_on_values(root: Value, seed: Any) -> None:
    """The chain rule, backwards, in recorded arithmetic: every gradient becomes a Value.

    Raises:
        RuntimeError: under ``no_grad()``, or if a leaf was changed since the graph was recorded.
    """
    if not MODE.get().recording:
        raise RuntimeError("backward(create_graph=True) records, but no_grad() is in force")
    order = alone(visit, [root])
    within(PLAIN, refuse_stale, order, active() is not None)
    adjoints: dict[int, Any] = {}
    adjoints[id(root)] = seed if type(seed) is Value else real(seed, "backward(seed)")
    for v in reversed(order):
        if id(v) not in adjoints:  # it is only held constant
            continue
        adjoint = adjoints[id(v)]
        if code_of(v) in _INNER:
            given = [(x, share) for x, share in _passed_on(v, adjoint) if type(x) is Value]
        else:
            one = type(adjoint) is float and adjoint == 1.0
            given = [(x, p if one else adjoint * p) for x, p in symbolic_partials(v)]
        for x, share in given:
            adjoints[id(x)] = adjoints[id(x)] + share if id(x) in adjoints else share
    alone(_accumulate, order, adjoints)


def _accumulate(order: list[Value], adjoints: dict[int, Any]) -> None:
    """Make adjoints gradients: added to what was there in a leaf."""
    gradients = []
    gathered = within(PLAIN, lambda: [x.grad for x in order])
    for v, before in zip(order, gathered, strict=True):
        gradient = adjoints.get(id(v), 0.0)
        if not v.operands and (type(before) is Value or before != 0.0):
            if type(before) is float:
                refuse_reading("grad")
            gradient = gradient + before
        if type(gradient) is not Value:
            gradient = Value(gradient)
            if active() is not None:  # the trace's own, not a leaf from outside
                gradient = finish(gradient)
        gradients.append(gradient)
    commit(order, gradients, None)


def backward(self: Value, seed: float = 1.0, create_graph: bool = False) -> None:
    """Compute the gradient of this Value with respect to every Value that it was computed from.

    Afterwards ``v.grad`` is ``seed * d self / d v``: added to what was there in a leaf, in
    place of it in a computed Value.  The cost is that of a few multiplications a node; no
    recursion, so graphs may be of any depth.

    Args:
        seed: the adjoint of this Value itself.
        create_graph: record the sweep, so that gradients are Values which can be
            differentiated in turn.

    Raises:
        FloatingPointError: inside ``detect_anomaly()``, at the first nan or inf.
        RuntimeError: with ``create_graph`` if a leaf's data was changed after the graph was
            recorded, since its derivatives could then not be written in terms of that leaf;
            without it, in a function that is traced.

    >>> x = Value(2.0)
    >>> (x ** 3).backward(create_graph=True)
    >>> dx = x.grad
    >>> x.grad = 0.0
    >>> dx.backward()
    >>> dx.data, x.grad
    (12.0, 12.0)
    """
    if create_graph:
        sweep_on_values(self, seed)
    else:
        refuse_reading("backward()")
        refuse_stranger(self, active())
        number = real(seed, "backward(seed)")
        if self.op != "call" or not alone(sweep_call, self, number):
            alone(sweep, self, number)


add_method("backward", backward)
