"""Value: a number that remembers how it was computed, so that it can be differentiated.

Read from top to bottom:

* ``Value`` -- one number: its data, its gradient, the primitive and the operands it came from;
* ``record_*`` -- arithmetic: every operation makes a new Value that holds the *local* partial
  derivatives, read off the row of ``ops.py``;
* ``topological_order`` -- operands before results, each node once;
* ``sweep`` -- the chain rule.  From the root backwards, each node hands to each of its operands its
  own adjoint times the local partial; an operand used twice receives a sum.  That is all of
  reverse-mode differentiation: the gradient of one number with respect to every other, at a small
  multiple of the cost of computing it.

``higher.sweep_on_values`` is the same sweep in recorded arithmetic: gradients that were themselves
recorded, and can be differentiated again.

This file runs as it is, and is compiled by Cython where there is a C compiler (``value.pxd`` then
gives the C types).  The record is fixed when it is made: nodes never change, so a graph has no
cycles, and what was recorded keeps its derivatives whatever happens to its leaves afterwards.
"""

from __future__ import annotations

import numbers
from array import array
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from autodiff import anomalies
from autodiff.modes import MODE, Note
from autodiff.ops import ROWS
from autodiff.reals import constant, describe, real, refuse
from autodiff.walks import alone, in_turn

try:
    import cython
except ImportError:
    from autodiff import _interpreted as cython

if not cython.compiled:
    from autodiff._interpreted import (
        ABS,
        ADD,
        DIV,
        MUL,
        NEG,
        POW,
        SUB,
        attach,
        blank,
        compiled_table,
        doubles,
        evaluate_binary,
        evaluate_list,
        evaluate_unary,
        mode_now,
        put,
        set_gradients,
        take,
        track,
        unseen,
    )

COMPILED = cython.compiled
TABLE_DIGEST = compiled_table()

_pattern = array("d")  # what an array of partials is like
_unusual = 0  # how many contexts that change the mode are entered, in all threads
_stamp = 0  # the last mark that a walk has given out


def count_unusual(change: int) -> None:
    """Tell the engine that a context which changes the mode is entered (1) or left (-1)."""
    global _unusual
    _unusual += change


class Value:
    """A number that remembers how it was computed.

    Args:
        data: a real number; kept as a float64.
        name: what drawings and messages call it.

    Raises:
        TypeError: if ``data`` is not a real number: a string, a complex number, None, an array.

    >>> x = Value(3.0, name="x")
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    """

    __slots__ = ("_a", "_b", "_da", "_data", "_db", "_grad", "_mark", "_note", "_op")

    _data: float  # the number
    _grad: float  # d root / d self, after backward() of a root
    _a: Any  # the first operand: a Value or a constant float; or the tuple of all operands
    _b: Any  # the second operand; or the array of all partials
    _da: float  # d self / d a; in a leaf, what a sweep gathers before it is added to _grad
    _db: float  # d self / d b
    _note: Note | None
    _mark: int  # which walk has been here last
    _op: int  # which row of the table; 0 for a leaf

    def __init__(self, data: float, name: str = "") -> None:
        blank(self)
        self._data = real(data, "Value(data)")
        if name != "":
            self.name = name

    # -- what it holds ---------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number.  That of a leaf may be set, as an optimizer's step does."""
        return self._data

    @data.setter
    def data(self, number: float) -> None:
        if self._op:
            raise TypeError(
                f"data of a computed Value ({self.op}) cannot be set: only a leaf's can; "
                "compute another, or detach() this one"
            )
        self._data = real(number, "data")

    @property
    def grad(self) -> Any:
        """The gradient: of a leaf, added up over sweeps; of a computed Value, the last sweep's.

        A float, or a Value after ``backward(create_graph=True)``.
        """
        if self._note is not None and self._note.grad is not None:
            return self._note.grad
        return self._grad

    @grad.setter
    def grad(self, number: float) -> None:
        self._grad = real(number, "grad")
        if self._note is not None:
            self._note.grad = None

    @property
    def name(self) -> str:
        """What drawings and messages call it; may be set."""
        return "" if self._note is None else self._note.name

    @name.setter
    def name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, not {describe(name)}")
        own_note(self).name = name

    @property
    def scope(self) -> str:
        """The scope it was recorded in, outer first: ``"layer1/neuron0"``."""
        return "" if self._note is None else self._note.scope

    @property
    def op(self) -> str:
        """The primitive it was computed by; ``""`` for a leaf."""
        return ROWS[self._op].name

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """What it was computed from, in order: Values, and floats where a constant was given."""
        if self._a is None:
            return ()
        if type(self._a) is tuple:
            return self._a
        return (self._a,) if self._b is None else (self._a, self._b)

    @property
    def partials(self) -> tuple[float, ...]:
        """Its partial derivative with respect to each operand; 0 for constants.

        >>> (Value(3.0) * Value(4.0)).partials
        (4.0, 3.0)
        """
        if type(self._a) is tuple:
            pairs = zip(self._a, self._b, strict=True)
            return tuple([p if type(x) is Value else 0.0 for x, p in pairs])
        return (self._da, self._db)[: len(self.operands)]

    def detach(self) -> Value:
        """A constant: a new leaf with the same data and no history.

        >>> (Value(3.0) * 2).detach()
        Value(6.0)
        """
        return Value(self._data)

    def backward(self, seed: float = 1.0, create_graph: bool = False) -> None:
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
                recorded, since its derivatives could then not be written in terms of that leaf.

        >>> x = Value(2.0)
        >>> (x ** 3).backward(create_graph=True)
        >>> dx = x.grad
        >>> x.grad = 0.0
        >>> dx.backward()
        >>> dx.data, x.grad
        (12.0, 12.0)
        """
        if create_graph:
            from autodiff.higher import sweep_on_values

            in_turn(sweep_on_values, self, seed)
        else:
            alone(sweep, self, real(seed, "backward(seed)"))

    # -- arithmetic ------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Value:
        return record_binary(ADD, self, other)

    def __radd__(self, other: Any) -> Value:
        return record_binary(ADD, other, self)

    def __sub__(self, other: Any) -> Value:
        return record_binary(SUB, self, other)

    def __rsub__(self, other: Any) -> Value:
        return record_binary(SUB, other, self)

    def __mul__(self, other: Any) -> Value:
        return record_binary(MUL, self, other)

    def __rmul__(self, other: Any) -> Value:
        return record_binary(MUL, other, self)

    def __truediv__(self, other: Any) -> Value:
        return record_binary(DIV, self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return record_binary(DIV, other, self)

    def __pow__(self, other: Any) -> Value:
        return record_binary(POW, self, other)

    def __rpow__(self, other: Any) -> Value:
        return record_binary(POW, other, self)

    def __neg__(self) -> Value:
        return record_unary(NEG, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return record_unary(ABS, self)

    if not cython.compiled and TYPE_CHECKING:  # sin, exp, relu ... come from the table

        def __getattr__(self, name: str) -> Callable[..., Value]: ...  # type: ignore[empty-body]

    # -- comparison, of data; a Value is still its own key in a dict or set ------------------------

    def __eq__(self, other: object) -> Any:
        number = comparable(other)
        return number if number is NotImplemented else self._data == number

    def __lt__(self, other: Any) -> Any:
        number = comparable(other)
        return number if number is NotImplemented else self._data < number

    def __le__(self, other: Any) -> Any:
        number = comparable(other)
        return number if number is NotImplemented else self._data <= number

    def __gt__(self, other: Any) -> Any:
        number = comparable(other)
        return number if number is NotImplemented else self._data > number

    def __ge__(self, other: Any) -> Any:
        number = comparable(other)
        return number if number is NotImplemented else self._data >= number

    def __hash__(self) -> int:
        return id(self) >> 4

    def __bool__(self) -> bool:
        return self._data != 0.0

    # -- what would lose the gradient is refused ---------------------------------------------------

    def __float__(self) -> float:
        raise TypeError(
            "float(Value) would lose its gradient: use .data for the number, and autodiff.sin and "
            "the like for functions (math.sin takes floats only)"
        )

    def __int__(self) -> int:
        raise TypeError("int(Value) would lose its gradient: write int(v.data)")

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        op = f", op={self.op!r}" if self._op else ""
        grad = f", grad={self._grad!r}" if self._grad != 0.0 else ""
        return f"Value({self._data!r}{grad}{op}{name})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._op:
            raise TypeError(
                f"a computed Value ({self.op}) cannot be copied or pickled without its graph: "
                "copy detach()"
            )
        return Value, (self._data, self.name), (None, {"grad": self._grad})


def number_or_not(x: Any) -> Any:
    """``constant(x)``, quickly where it is a float already, as it mostly is."""
    return x if type(x) is float else constant(x)


def comparable(x: Any) -> Any:
    """What a comparison compares ``data`` with: data, or a real number as it came, however big."""
    if type(x) is Value:
        v = x
        return v._data
    return x if type(x) is float or isinstance(x, numbers.Real) else NotImplemented


# -- recording -----------------------------------------------------------------------------------


def new_node(op: int, a: Any, b: Any) -> Value:
    """A node without its numbers."""
    v = Value.__new__(Value)
    blank(v)
    v._op = op
    v._a = a
    v._b = b
    return v


def record_unary(op: int, a: Value) -> Value:
    """Compute and record a primitive of one operand."""
    v = new_node(op, a, None)
    evaluate_unary(v, op, a._data)
    return settle(v) if _unusual else v


def record_binary(op: int, left: Any, right: Any) -> Value:
    """Compute and record a primitive of two operands, at least one of them a Value.

    A constant's partial is not computed.  ``NotImplemented`` if an operand is of a type that may
    itself know what to do, as a NumPy array does.
    """
    need = 0
    first, second = left, right
    if type(left) is Value:
        v = left
        a = v._data
        need = 1
    else:
        first = number_or_not(left)
        if first is NotImplemented:
            return refuse(left, ROWS[op].name)
        a = first
    if type(right) is Value:
        v = right
        b = v._data
        need += 2
    else:
        second = number_or_not(right)
        if second is NotImplemented:
            return refuse(right, ROWS[op].name)
        b = second
    v = new_node(op, first, second)
    evaluate_binary(v, op, a, b, need)
    return settle(v) if _unusual else v


def record_list(op: int, lists: list[list[Any]]) -> Any:
    """Compute and record a primitive of one or two lists of operands of one length.

    A float if no operand is a Value; ``NotImplemented`` if one is neither a Value nor a number.
    """
    operands = lists[0] + lists[1] if len(lists) == 2 else list(lists[0])
    data = doubles(len(operands))
    partials = doubles(len(operands))
    recording = False
    for i, x in enumerate(operands):
        if type(x) is Value:
            v = x
            put(data, i, v._data)
            recording = True
        else:
            number = number_or_not(x)
            if number is NotImplemented:
                return NotImplemented
            put(data, i, number)
            operands[i] = number
    v = new_node(op, unseen(tuple(operands)), partials)
    evaluate_list(v, op, len(lists), data, partials)
    if not recording:
        return v._data
    return settle(v) if _unusual else v


def record_known(op: int, operands: tuple[Any, ...], data: float, partials: list[float]) -> Value:
    """Record a primitive whose value and partials were computed elsewhere."""
    v = new_node(op, unseen(operands), doubles(len(operands)))
    v._data = data
    for i, partial in enumerate(partials):
        put(v._b, i, partial)
    return settle(v) if _unusual else v


def settle(v: Value) -> Value:
    """Finish a node as the mode asks: not recorded, or labelled with its scope, or checked."""
    recording, detecting, v._note = mode_now(MODE)
    if not recording:
        return Value(v._data)
    if detecting:
        note = own_note(v)
        note.source = anomalies.source_line()
        anomalies.refuse_value(v, note.source)
    return v


def add_method(name: str, function: Callable[..., Any]) -> None:
    """Make a function of the table a method of Value."""
    attach(name, function)


def collectable(v: Value) -> None:
    """Let the garbage collector look at a node, which may have come into a cycle."""
    track(v)


def own_note(v: Value) -> Note:
    """The node's note, to be changed: its own, not its scope's."""
    if v._note is None:
        v._note = Note()
    elif v._note.shared:
        v._note = Note(v._note.name, v._note.scope, v._note.source)
    return v._note


def code_of(v: Value) -> int:
    """The number of the row that a computed Value came from; 0 for a leaf."""
    return v._op


# -- backwards -----------------------------------------------------------------------------------


def topological_order(roots: Iterable[Value]) -> list[Value]:
    """Every Value that ``roots`` were computed from, and they themselves: operands before results.

    Iterative depth-first search; each node is listed once, however many paths lead to it.

    >>> a = Value(1.0, name="a")
    >>> b = a + 1
    >>> [v.op for v in topological_order([b * b])]
    ['', 'add', 'mul']
    """
    order: list[Value] = alone(visit, roots)
    return order


def visit(roots: Iterable[Value]) -> list[Value]:
    """``topological_order``, without its precautions."""
    global _stamp
    _stamp += 2
    if _stamp == 0:  # compiled, it is of 32 bits; and 0 is the mark of a node never visited
        _stamp = 2
    opened = _stamp - 1  # its operands are on the stack above it
    closed = _stamp  # it is in the order
    order: list[Value] = []
    stack = list(roots)
    stack.reverse()
    while stack:
        v = stack.pop()
        if v._mark == closed:
            continue
        if v._op == 0 or v._mark == opened:
            v._mark = closed
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


def sweep(root: Value, seed: float) -> None:
    """The chain rule, backwards: seed the root, then hand every adjoint on to the operands.

    A leaf gathers in ``_da``, and its gradient changes at the very end: interrupted before that,
    the sweep has changed no leaf.
    """
    detecting = MODE.get().detecting
    order = visit([root])
    for v in order:
        if v._op:
            v._grad = 0.0
        else:
            v._da = 0.0
    receive(root, seed)
    for v in reversed(order):
        adjoint = v._grad if v._op else v._da
        if detecting:
            anomalies.refuse_sweep(v, adjoint, "" if v._note is None else v._note.source)
        if v._op == 0:
            continue
        if type(v._a) is tuple:
            sweep_list(v, adjoint)
        else:
            if type(v._a) is Value:
                receive(v._a, adjoint * v._da)
            if type(v._b) is Value:
                receive(v._b, adjoint * v._db)
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


def commit(nodes: list[Value], gradients: list[Any]) -> None:
    """Set the gradients of nodes, to floats or Values, all at once: nobody comes in between."""
    for v, gradient in zip(nodes, gradients, strict=True):
        if type(gradient) is Value:
            own_note(v)
            track(gradient)
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
