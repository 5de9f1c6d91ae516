"""The chain rule, backwards: gradients of one Value with respect to every other.

* ``topological_order`` -- operands before results, each node once;
* ``sweep`` -- from the root backwards, each node hands to each of its operands its own adjoint
  times the local partial (``hand_on``); an operand used twice receives a sum (``receive``).  That
  is all of reverse-mode differentiation: the gradient of one number with respect to every other,
  at a small multiple of the cost of computing it.
* ``sweep_trace`` -- the same for the results of a function that a transform has run.

``second_order.sweep_on_values`` is the same sweep in recorded arithmetic: its gradients are Values,
which can be differentiated again.  Compiled as ``value.py`` is.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import isfinite
from typing import Any

from autodiff.engine import anomalies
from autodiff.engine.lock import alone
from autodiff.engine.modes import MODE
from autodiff.value import Value, collectable, own_note, written

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    from autodiff.engine.interpreted import at, count, listed, nodes, pop, push, set_gradients, take

_stamp = 0  # the last mark that was given out
_empty = array("d")


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
    """``topological_order``, unlocked.  With ``within``, Values recorded outside it are leaves.

    Its inputs are left out.
    """
    held = list(roots)
    return listed(walk(held, within, inputs, False))


def marks(n: int) -> int:
    """Claim ``n`` marks that no node bears from a recent walk; the first of them."""
    global _stamp
    if _stamp > 2**32 - 1 - n:  # compiled, a mark has 32 bits; 0 is that of a node never visited
        _stamp = 0
    _stamp += n
    return _stamp - n + 1


def walk(roots: list[Value], within: Any, inputs: Iterable[Value], sweeping: bool) -> Any:
    """The order of ``visit``; it holds no references, so somebody must hold the roots.

    If it is for a sweep, adjoints are set to 0 on the way, but for those of computed Values from
    outside.
    """
    opened = marks(3)  # its operands are on the stack above it
    outside = opened + 1  # it is in the order, as a leaf
    closed = opened + 2  # it is in the order
    for v in inputs:
        v._mark = outside
    order, stack = nodes(), nodes()
    push(stack, None)
    for v in reversed(roots):
        push(stack, v)
    while True:
        v = pop(stack)
        if v is None:
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
            for x in reversed(operands):
                if type(x) is Value:
                    push(stack, x)
            continue
        if type(v._b) is Value:
            w = v._b
            if w._mark != closed:
                push(stack, w)
        if type(v._a) is Value:
            w = v._a
            if w._mark != closed:
                push(stack, w)


def recorded_in(v: Value, trace: Any) -> bool:
    """Whether a Value was recorded in a trace, or in one inside it."""
    if v._note is None:
        return False
    home = v._note.trace
    while home is not None and home is not trace:
        home = home.outer
    return home is trace


def sweep(root: Value, seed: float) -> None:
    """The gradient of ``root``, times ``seed``, for every node.

    A leaf gathers in ``_da``, and its gradient changes at the very end: interrupted before that,
    the sweep has changed no leaf.
    """
    order = walk([root], None, (), True)
    receive(root, seed)
    backwards(order)
    add_to_leaves(order)


def backwards(order: Any) -> None:
    """Apply the chain rule at every node, from the results back.

    A leaf has no operands to hand anything to; what was recorded outside a trace is a leaf.
    """
    if MODE.get().detecting:
        backwards_detecting(order)
        return
    closed = _stamp
    for i in range(count(order) - 1, -1, -1):
        v = at(order, i)
        if v._op and v._mark == closed:
            hand_on(v)


def hand_on(v: Value) -> None:
    """The chain rule: each operand is handed the adjoint of ``v``, times the partial by it."""
    adjoint = v._grad
    if type(v._a) is tuple:
        partials = v._b
        for i, x in enumerate(v._a):
            if type(x) is Value:
                receive(x, adjoint * take(partials, i))
    else:
        if type(v._a) is Value:
            receive(v._a, adjoint * v._da)
        if type(v._b) is Value:
            receive(v._b, adjoint * v._db)


def receive(v: Value, adjoint: float) -> None:
    """Add what is handed on to the adjoint of a node: over all paths it is a sum."""
    if v._op:
        v._grad += adjoint
    else:
        v._da += adjoint


def clear(v: Value) -> None:
    """Set an adjoint to 0, where it is added up."""
    if v._op:
        v._grad = 0.0
    else:
        v._da = 0.0


def add_to_leaves(order: Any) -> None:
    """Add to the gradients of leaves what they have gathered."""
    leaves: list[Value] = []
    changed: list[Value] = []  # leaves whose gradients are Values,
    gradients: list[Any] = []  # and what these become
    for i in range(count(order)):
        v = at(order, i)
        note = v._note
        if v._op == 0:
            if note is None or note.grad is None:
                leaves.append(v)
            else:
                changed.append(v)
                gradients.append(note.grad + v._da)
        elif note is not None:
            note.grad = None
    commit(changed, gradients, leaves)


def backwards_detecting(order: Any) -> None:
    """``backwards``, in ``detect_anomaly()``: the first nan or inf raises FloatingPointError."""
    closed = _stamp
    for i in range(count(order) - 1, -1, -1):
        v = at(order, i)
        adjoint = v._grad if v._op else v._da
        if not isfinite(adjoint):
            node = written(v) if v._op else f"leaf {v.name or v._data!r}"
            raise anomalies.gradient_not_finite(node, adjoint)
        if v._op == 0 or v._mark != closed:
            continue
        for x, partial in zip(v.operands, v.partials, strict=True):
            if type(x) is Value and not isfinite(adjoint * partial):
                source = "" if v._note is None else v._note.source
                raise anomalies.product_not_finite(written(v), adjoint, partial, source)
        hand_on(v)


def sweep_trace(
    roots: list[Value], seeds: list[float], inputs: list[Value], trace: Any
) -> list[Any]:
    """The products of ``seeds`` with the derivatives of ``roots`` by ``inputs``.

    Only what was recorded in the trace is swept, and no gradient changes but there.  Behind them,
    whether the roots depend on something else from outside the trace.
    """
    order = walk(roots, trace, inputs, True)
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
    found: list[Any] = [v._grad if v._op else v._da for v in inputs]
    found.append(captured or len(outside) > 0)
    for v, gradient in zip(outside, gradients, strict=True):
        v._grad = gradient
    return found


def commit(changed: list[Value], gradients: list[Any], leaves: list[Value]) -> None:
    """Set the gradients of nodes, to floats or Values, and add to leaves' what they have gathered.

    Atomic: no Python code runs in between.
    """
    for v, gradient in zip(changed, gradients, strict=True):
        if type(gradient) is Value:
            own_note(v)
            collectable(gradient)  # it may refer to the node, and the node to it
    set_gradients(changed, gradients, leaves)
