"""Reverse mode: the gradient of one Value with respect to every Value that it was computed from.

The *adjoint* of a node is d root / d node.  That of the root is 1, or the seed it is given.  In
reverse topological order, results before operands, each node hands each of its operands its own
adjoint times the local partial (``hand_on``), and an operand adds up what it is handed
(``receive``): all of it before its own turn.  For ``y = x*x + 2*x`` at 3::

    y           1
    x*x, 2*x    1 each, from y
    x           3 + 3 from x*x, which uses it twice, and 2 from 2*x: 8

That is all of reverse mode, at a small multiple of the cost of the root.

* ``sweep`` -- what ``backward()`` runs; ``sweep_call`` -- of what one call of a program recorded;
* ``sweep_trace`` -- the same for a transform;
* ``topological_order``, ``visit``, ``traverse`` -- operands before results, each node once.

``second_order.sweep_on_values`` is the same sweep in recorded arithmetic: its gradients are Values,
which can be differentiated again.  Compiled as ``value.py`` is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import isfinite
from typing import Any

from autodiff.engine import anomalies
from autodiff.engine.choice import count_interpreted
from autodiff.engine.instructions import VMAP
from autodiff.engine.lock import alone  # runs a function while no other thread traverses a graph
from autodiff.engine.modes import MODE, Note
from autodiff.engine.traces import refuse_sweep
from autodiff.value import Value, collectable, own_note, written

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.engine.interpreted import (  # compiled, nodes() is an array of pointers
        at,
        count,
        listed,
        nodes,
        partial_at,
        pop,
        push,
        set_gradients,
    )

_stamp = 0  # the last mark that was given out
_empty = array("d")
_VMAP = VMAP


# -- the chain rule --------------------------------------------------------------------------------


def sweep(root: Value, seed: float) -> None:
    """The gradient of ``root``, times ``seed``, for every node.

    A leaf's adjoint is kept in ``_da`` and added to ``_grad`` at the end: an interrupted sweep
    changes no gradient of a leaf.
    """
    order = traverse([root], None, (), True)
    receive(root, seed)
    backwards(order)
    add_to_leaves(order)


def backwards(order: Any) -> None:
    """Apply the chain rule at every node, from the results back.

    Leaves, and Values from outside the trace that is swept, hand nothing on.
    """
    if MODE.get().detecting:
        backwards_detecting(order)
        return
    closed = _stamp  # the mark that the last traversal has left on what it has gone through
    for i in range(count(order) - 1, -1, -1):
        v = at(order, i)
        if v._op and v._mark == closed:
            hand_on(v)


def hand_on(v: Value) -> None:
    """The chain rule: hand each operand the adjoint of ``v`` times the partial of ``v`` by it."""
    adjoint = v._grad
    if type(v._a) is tuple:
        partials = v._b
        for i, x in enumerate(v._a):
            if type(x) is Value:
                receive(x, adjoint * partial_at(partials, i))
    else:
        if type(v._a) is Value:
            receive(v._a, adjoint * v._da)
        if type(v._b) is Value:
            receive(v._b, adjoint * v._db)


def receive(v: Value, share: float) -> None:
    """The sum in the chain rule: add the share of one use of ``v`` to its adjoint."""
    if v._op:
        v._grad += share
    else:
        v._da += share


def adjoint_of(v: Value) -> float:
    """The adjoint during a sweep: what ``receive`` adds up."""
    return v._grad if v._op else v._da


def clear(v: Value) -> None:
    """Set the adjoint to 0."""
    if v._op:
        v._grad = 0.0
    else:
        v._da = 0.0


def add_to_leaves(order: Any) -> None:
    """Add the adjoints of leaves to their gradients."""
    changed: list[Value] = []  # leaves whose gradient is a Value
    gradients: list[Any] = []  # their new gradients
    for i in range(count(order)):
        v = at(order, i)
        note = note_of(v)
        if note is not None and note.grad is not None:
            if v._op:
                note.grad = None  # an older one
            else:
                changed.append(v)
                gradients.append(note.grad + v._da)
    commit(changed, gradients, order)


def commit(changed: list[Value], gradients: list[Any], order: Any) -> None:
    """Set the gradients of nodes, to floats or Values; of other leaves in ``order``, add ``_da``.

    Atomic: no Python code runs in between.
    """
    for v, gradient in zip(changed, gradients, strict=True):
        if type(gradient) is Value:
            own_note(v)
            collectable(gradient)  # it may refer to the node, and the node to it
    set_gradients(changed, gradients, order)


# -- topological order -----------------------------------------------------------------------------


def topological_order(roots: Iterable[Value]) -> list[Value]:
    """Every Value that ``roots`` were computed from, and they themselves: operands before results.

    Iterative depth-first search; each node is listed once, however many paths lead to it.

    >>> from autodiff import Value
    >>> a = Value(1.0, name="a")
    >>> b = a + 1
    >>> [v.op for v in topological_order([b * b])]
    ['', 'add', 'mul']
    """
    return alone(visit, roots)


def visit(roots: Iterable[Value], within: Any = None, inputs: Iterable[Value] = ()) -> list[Value]:
    """``topological_order`` without the lock.

    With ``within``, a trace, Values recorded outside it are leaves, and its inputs are left out.
    """
    held = list(roots)
    return listed(traverse(held, within, inputs, False))


def traverse(roots: list[Value], within: Any, inputs: Iterable[Value], sweeping: bool) -> Any:
    """The order of ``visit``, without references: the caller must hold the roots.

    If ``sweeping``, adjoints are set to 0, except those of computed Values from outside.
    """
    opened = marks(3)  # on the stack, below its operands
    outside = opened + 1  # an input, or from outside: a leaf
    closed = opened + 2  # in the order
    for v in inputs:
        v._mark = outside
    order, stack = nodes(), nodes()
    push(stack, None)
    for v in reversed(roots):
        push(stack, v)
    while True:
        v = pop(stack)
        if v is None:
            if not cython.compiled:
                count_interpreted(count(order))
            return order
        if v._mark == closed or v._mark == outside:
            continue
        if v._op == 0 or v._mark == opened:
            v._mark = closed
            push(order, v)
            if sweeping:
                clear(v)
            continue
        if within is not None and not recorded_in(v, within):
            v._mark = outside
            push(order, v)
            continue
        v._mark = opened
        push(stack, v)
        if type(v._a) is tuple:
            operands = v._a
            if sweeping and v._op == _VMAP:
                refuse_sweep()
            for x in reversed(operands):
                if type(x) is Value:
                    w = x
                    if w._op or not sweeping:
                        push(stack, w)
                    elif w._mark != closed and w._mark != outside:  # a leaf need not wait
                        w._mark = closed
                        push(order, w)
                        w._da = 0.0
            continue
        if type(v._b) is Value:
            w = v._b
            if w._mark != closed:
                push(stack, w)
        if type(v._a) is Value:
            w = v._a
            if w._mark != closed:
                push(stack, w)


def marks(n: int) -> int:
    """Reserve ``n`` marks unused by recent traversals; the first of them."""
    global _stamp
    if _stamp > 2**32 - 1 - n:  # compiled, a mark has 32 bits; 0 is that of a node never visited
        _stamp = 0
    _stamp += n
    return _stamp - n + 1


def note_of(v: Value) -> Note | None:
    """The node's note, if it has one."""
    return v._origin if type(v._origin) is Note else None


def source_of(v: Value) -> str:
    """The line of the user's program that recorded a node, where it was noted; else ``""``."""
    return "" if v._origin is None else v._origin.source


def recorded_in(v: Value, trace: Any) -> bool:
    """Whether a Value was recorded in a trace, or in one inside it."""
    if v._origin is None:
        return False
    home = v._origin.trace
    while home is not None and home is not trace:
        home = home.outer
    return home is trace


# -- sweeps of another kind ------------------------------------------------------------------------


def sweep_trace(
    roots: list[Value], seeds: list[float], inputs: list[Value], trace: Any
) -> list[Any]:
    """The adjoints of ``inputs``, given ``seeds`` at ``roots``: a vector-Jacobian product.

    Only the trace is swept, and no gradient outside it changes.  The last item says whether the
    roots depend on anything else outside the trace.
    """
    order = traverse(roots, trace, inputs, True)
    closed = _stamp
    outside: list[Value] = []
    captured = False
    for i in range(count(order)):
        v = at(order, i)
        if v._mark != closed:
            outside.append(v)
        elif v._op == 0 and not recorded_in(v, trace):
            captured = True
    gradients: list[Any] = [v._grad for v in outside]
    for v in [*outside, *inputs]:
        clear(v)
    for v, seed in zip(roots, seeds, strict=True):
        receive(v, seed)
    backwards(order)
    found: list[Any] = [adjoint_of(v) for v in inputs]
    found.append(captured or len(outside) > 0)
    for v, gradient in zip(outside, gradients, strict=True):
        v._grad = gradient
    return found


def sweep_call(root: Value, seed: float) -> bool:
    """``sweep`` where nothing is to be ordered: of a call whose operands are leaves, each once.

    Whether it is such; if not, nothing is done.
    """
    if MODE.get().detecting:
        return False
    seen, order = marks(1), nodes()
    partials = root._b
    for i, x in enumerate(root._a):
        if type(x) is Value:
            v = x
            note = note_of(v)
            if v._op or v._mark == seen or (note is not None and note.grad is not None):
                return False
            v._mark = seen
            v._da = 0.0 + seed * partial_at(partials, i)
            push(order, v)
    root._grad = seed
    own_note(root).grad = None
    commit([], [], order)
    return True


def backwards_detecting(order: Any) -> None:
    """``backwards``, in ``detect_anomaly()``: the first nan or inf raises FloatingPointError."""
    closed = _stamp
    for i in range(count(order) - 1, -1, -1):
        v = at(order, i)
        adjoint = adjoint_of(v)
        if not isfinite(adjoint):
            node = written(v) if v._op else f"leaf {v.name or v._data!r}"
            raise anomalies.gradient_not_finite(node, adjoint)
        if v._op == 0 or v._mark != closed:
            continue
        for x, partial in zip(v.operands, v.partials, strict=True):
            if type(x) is Value and not isfinite(adjoint * partial):
                raise anomalies.product_not_finite(written(v), adjoint, partial, source_of(v))
        hand_on(v)
