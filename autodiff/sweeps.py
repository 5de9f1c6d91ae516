"""The chain rule, backwards: gradients of one Value with respect to every other.

* ``topological_order`` -- operands before results, each node once;
* ``sweep`` -- from the root backwards, each node hands to each of its operands its own adjoint
  times the local partial; an operand used twice receives a sum.  That is all of reverse-mode
  differentiation: the gradient of one number with respect to every other, at a small multiple of
  the cost of computing it.

``higher.sweep_on_values`` is the same sweep in recorded arithmetic: gradients that were themselves
recorded, and can be differentiated again.  Compiled as ``value.py`` is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autodiff import anomalies
from autodiff.modes import MODE
from autodiff.value import Value, collectable, own_note
from autodiff.walks import alone

try:
    import cython
except ImportError:
    from autodiff import _interpreted as cython

if not cython.compiled:
    from autodiff._interpreted import set_gradients, take

_stamp = 0  # the last mark that a walk has given out


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
    """``topological_order``, unlocked; what was recorded outside a trace counts as a leaf.

    Its inputs are left out.
    """
    global _stamp
    _stamp += 3
    if _stamp < 3:  # compiled, it is of 32 bits; and 0 is the mark of a node never visited
        _stamp = 3
    opened = _stamp - 2  # its operands are on the stack above it
    outside = _stamp - 1  # it is in the order, as a leaf
    closed = _stamp  # it is in the order
    for v in inputs:
        v._mark = outside
    order: list[Value] = []
    stack = list(roots)
    stack.reverse()
    while stack:
        v = stack.pop()
        if v._mark == closed or v._mark == outside:
            continue
        if v._op == 0 or v._mark == opened:
            v._mark = closed
            order.append(v)
            continue
        if within is not None and not recorded_in(v, within):
            v._mark = outside
            order.append(v)
            continue
        v._mark = opened
        stack.append(v)
        if type(v._a) is tuple:
            for x in reversed(v._a):
                if type(x) is Value:
                    stack.append(x)
            continue
        if type(v._b) is Value:
            w = v._b
            if w._mark != closed:
                stack.append(w)
        if type(v._a) is Value:
            w = v._a
            if w._mark != closed:
                stack.append(w)
    return order


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
    order = visit([root])
    clear(order)
    receive(root, seed)
    hand_on(order, MODE.get().detecting)
    leaves: list[Value] = []
    gradients: list[Any] = []
    for v in order:
        note = v._note
        if v._op == 0:
            leaves.append(v)
            if note is not None and note.grad is not None:
                gradients.append(note.grad + v._da)
            else:
                gradients.append(v._grad + v._da)
        elif note is not None:
            note.grad = None
    commit(leaves, gradients)


def sweep_trace(
    roots: list[Value], seeds: list[float], inputs: list[Value], trace: Any
) -> list[Any]:
    """The products of ``seeds`` with the derivatives of ``roots`` by ``inputs``.

    Only what was recorded in the trace is swept, and no gradient changes but there.  Behind them,
    whether the roots depend on something else from outside the trace.
    """
    order = visit(roots, trace, inputs)
    closed = _stamp
    outside = [v for v in order if v._mark != closed]
    gradients: list[Any] = [v._grad for v in outside]
    captured = len(outside) > 0
    for v in order:
        if v._op == 0 and not recorded_in(v, trace):
            captured = True
    clear(order)
    clear(inputs)
    for v, seed in zip(roots, seeds, strict=True):
        receive(v, seed)
    hand_on(order, MODE.get().detecting)
    found: list[Any] = [v._grad if v._op else v._da for v in inputs]
    found.append(captured)
    for v, gradient in zip(outside, gradients, strict=True):
        v._grad = gradient
    return found


def clear(nodes: list[Value]) -> None:
    """Set adjoints to 0, where they are added up."""
    for v in nodes:
        if v._op:
            v._grad = 0.0
        else:
            v._da = 0.0


def hand_on(order: list[Value], detecting: bool) -> None:
    """The chain rule, backwards: every node hands its adjoint on to its operands."""
    closed = _stamp
    for v in reversed(order):
        adjoint = v._grad if v._op else v._da
        if detecting:
            anomalies.refuse_sweep(v, adjoint, "" if v._note is None else v._note.source)
        if v._op == 0 or v._mark != closed:
            continue
        if type(v._a) is tuple:
            sweep_list(v, adjoint)
        else:
            if type(v._a) is Value:
                receive(v._a, adjoint * v._da)
            if type(v._b) is Value:
                receive(v._b, adjoint * v._db)


def commit(nodes: list[Value], gradients: list[Any]) -> None:
    """Set the gradients of nodes, to floats or Values, all at once: nobody comes in between."""
    for v, gradient in zip(nodes, gradients, strict=True):
        if type(gradient) is Value:
            own_note(v)
            collectable(gradient)  # it may refer to the node, and the node to it
    set_gradients(nodes, gradients)


def receive(v: Value, adjoint: float) -> None:
    """Add one contribution to the adjoint of a node."""
    if v._op:
        v._grad += adjoint
    else:
        v._da += adjoint


def sweep_list(v: Value, adjoint: float) -> None:
    """Hand the adjoint of a node over lists on to its operands."""
    partials = v._b
    for i, x in enumerate(v._a):
        if type(x) is Value:
            receive(x, adjoint * take(partials, i))
