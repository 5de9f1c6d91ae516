"""Value: a number that remembers how it was computed, so that it can be differentiated.

Read from top to bottom:

* ``Value`` -- one number: its data, its gradient, the primitive and the operands it came from;
* ``record_*`` -- arithmetic: every operation makes a new Value; ``evaluate_*``, generated from the
  rows of ``ops.py``, sets its data and its *local* partial derivatives;
* the chain rule is in ``sweeps.py``, the next file to read.

This file runs as it is, and is compiled by Cython where there is a C compiler (``value.pxd`` then
gives the C types).  A node's operands and partials never change: a graph has no cycles, and setting
a leaf's data later changes no recorded derivative.
"""

from __future__ import annotations

import numbers
import operator
from gc import get_referents
from html import escape
from math import isfinite
from typing import Any

from autodiff.engine import anomalies, traces  # messages of detect_anomaly() and of jit
from autodiff.engine.modes import MODE, NOWHERE, PLAIN, Note, Origin  # PLAIN: no context is open
from autodiff.engine.reals import Real, constant, describe, real, refuse
from autodiff.ops import ROWS

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

if not cython.compiled:
    # isort: off
    # fmt: off
    from autodiff.engine.interpreted import (  # what value.pxd gives in C
        ABS, ADD, DETACH, DIV, EQ, GE, GT, LE, LT, MUL, NEG, POW, SUB, attach, attributes,
        blank, compiled_table, evaluate_binary, evaluate_unary, mode_now, track,
    )
    # fmt: on
    # isort: on

COMPILED = cython.compiled
TABLE_DIGEST = compiled_table()

_looking = False  # False until the mode first changes: skips all checks


def look() -> None:
    """Called before the mode first changes: from now on it is checked."""
    global _looking
    _looking = True


class Value:
    """A number that remembers how it was computed.

    Args:
        data: a real number; kept as a float64.
        name: what drawings and messages call it.

    Raises:
        TypeError: if ``data`` is not a real number: a string, a complex number, None, an array.
        ValueError: if ``data`` is beyond the range of a float64, as ``10**400`` is.

    A program may put attributes of its own on it, as an optimizer does: ``v.momentum = 0.0``.

    >>> x = Value(3.0, name="x")
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    >>> z = x * Value(4.0)
    >>> z.op, z.operands[0].name, z.partials, z.detach()
    ('mul', 'x', (4.0, 3.0), Value(12.0))
    >>> x.data, x.grad = 5.0, 0.0  # as an optimizer does; y and z keep their data
    """

    __slots__ = ("__dict__", "_a", "_b", "_da", "_data", "_db", "_grad", "_mark", "_op", "_origin")

    _data: float  # the number
    _grad: float  # its adjoint, d root / d self; in a leaf, summed over sweeps
    _a: Any  # the first operand: a Value or a constant float; or the tuple of all operands
    _b: Any  # the second operand; or the array of all partials
    _da: float  # d self / d a; in a leaf, which has no a, its adjoint during a sweep
    _db: float  # d self / d b
    _origin: Origin | None  # where it was recorded, in a scope or a trace; a Note, if it has a name
    _mark: int  # which traversal has been here last
    _op: int  # which row of the table; 0 for a leaf

    def __init__(self, data: Real, name: str = "") -> None:
        blank(self)
        self._data = real(data, "Value(data)")
        if _looking:
            self._origin = MODE.get().origin_of_leaf()
        if name != "":
            self.name = name

    # -- what it holds ---------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number.  That of a leaf may be set, as an optimizer's step does."""
        if _looking:
            traces.refuse_reading("data")
            refuse_stranger(self, None)
        return self._data

    @data.setter
    def data(self, number: Real) -> None:
        if self._op:
            raise TypeError(
                f"data of a computed Value ({self.op}) cannot be set: only a leaf's can; "
                "compute another, or detach() this one"
            )
        new = real(number, "data")
        if _looking and mode_now(MODE) is not PLAIN:
            traces.refuse_reading("setting data")
        self._data = new

    @property
    def grad(self) -> Any:
        """The gradient: of a leaf, added up over sweeps; of a computed Value, the last sweep's.

        A float, or a Value after ``backward(create_graph=True)``.
        """
        if type(self._origin) is Note and self._origin.grad is not None:
            return self._origin.grad
        if _looking and mode_now(MODE) is not PLAIN:
            traces.refuse_reading("grad")
        return self._grad

    @grad.setter
    def grad(self, number: Real) -> None:
        new = real(number, "grad")
        if _looking and mode_now(MODE) is not PLAIN:
            home = None if self._origin is None else self._origin.trace
            if home is not MODE.get().trace:
                traces.refuse_reading("setting grad")
        self._grad = new
        if type(self._origin) is Note:
            self._origin.grad = None

    @property
    def name(self) -> str:
        """What drawings and messages call it; may be set."""
        return self._origin.name if type(self._origin) is Note else ""

    @name.setter
    def name(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a name must be a string, not {describe(name)}")
        own_note(self).name = name

    @property
    def scope(self) -> str:
        """The scope it was recorded in, outer first: ``"layer1/neuron0"``."""
        return "" if self._origin is None else self._origin.scope

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
        """Its partial derivative with respect to each operand; 0 for constants."""
        if _looking and mode_now(MODE) is not PLAIN:
            traces.refuse_reading("partials")
        if type(self._a) is tuple:
            pairs = zip(self._a, self._b, strict=True)
            return tuple([p if type(x) is Value else 0.0 for x, p in pairs])
        return (self._da, self._db)[: len(self.operands)]

    def detach(self) -> Value:
        """A constant: a new leaf with the same data and no history."""
        return stop_gradient(self)

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

    # -- comparison is by data, hashing by identity ------------------------------------------------

    def __eq__(self, other: object) -> Any:
        return compare(EQ, self, other)

    def __lt__(self, other: Any) -> Any:
        return compare(LT, self, other)

    def __le__(self, other: Any) -> Any:
        return compare(LE, self, other)

    def __gt__(self, other: Any) -> Any:
        return compare(GT, self, other)

    def __ge__(self, other: Any) -> Any:
        return compare(GE, self, other)

    def __hash__(self) -> int:
        if _looking and self._origin is not None and self._origin.root is not None:
            traces.refuse_hash()
        return id(self) >> 4

    def __bool__(self) -> bool:
        return not compare(EQ, self, 0.0)

    # -- what would lose the gradient is refused ---------------------------------------------------

    def __float__(self) -> float:
        raise TypeError(
            "float(Value) would lose its gradient: use .data for the number, autodiff.sin and the "
            "like for functions (math.sin takes floats only), and for arrays of Values a list, "
            "np.array(values) or np.zeros(n, object)"
        )

    def __int__(self) -> int:
        message = "int(Value) would lose its gradient: write int(v.data)"
        return traces.integer_of(self, self._data, message)

    def __index__(self) -> int:
        message = "a Value is no integer: write int(v.data), or take()"
        return traces.integer_of(self, self._data, message)

    # -- integer arithmetic, of integers that jit traces ------------------------------------------

    def __floordiv__(self, other: Any) -> Any:
        return on_integers(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return on_integers(operator.floordiv, other, self)

    def __mod__(self, other: Any) -> Any:
        return on_integers(operator.mod, self, other)

    def __rmod__(self, other: Any) -> Any:
        return on_integers(operator.mod, other, self)

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        op = f", op={self.op!r}" if self._op else ""
        if _looking and traces.active() is not None:  # the data of one call is not shown
            return f"Value(traced{op}{name})"
        grad = f", grad={self._grad!r}" if self._grad != 0.0 else ""
        return f"Value({self._data!r}{grad}{op}{name})"

    def _repr_html_(self) -> str:  # what a notebook shows
        if _looking and traces.active() is not None:
            return escape(repr(self))
        shown = {"name": self.name, "data": self._data, "grad": self._grad, "op": self.op}
        rows = [f"<tr><th>{k}</th><td>{escape(str(x))}</td></tr>" for k, x in shown.items()]
        return f"<table>{''.join(rows)}</table>"

    def __format__(self, spec: str) -> str:
        if spec and _looking:
            traces.refuse_reading("format")
        return format(self._data, spec) if spec else repr(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if self._op:
            raise TypeError(
                f"a computed Value ({self.op}) cannot be copied or pickled without its graph: "
                "copy detach()"
            )
        if _looking and mode_now(MODE) is not PLAIN:
            traces.refuse_reading("copy")
        return Value, (self._data, self.name), (None, {"grad": self._grad, **attributes(self)})


def number_or_not(x: Any) -> Any:
    """``constant(x)``, quickly where it is a float already, as it mostly is, or a small integer."""
    if type(x) is float:
        return x
    return float(x) if type(x) is int and -(2**53) <= x <= 2**53 else constant(x)


def compare(op: int, v: Value, other: Any) -> Any:
    """Compare by data; a real number is not rounded to a float first."""
    if type(other) is not Value and not isinstance(other, (float, numbers.Real)):
        return NotImplemented
    number: Any = number_of(other) if type(other) is Value else other
    if op == EQ:
        outcome = v._data == number
    elif op == LT:
        outcome = v._data < number
    elif op == LE:
        outcome = v._data <= number
    else:
        outcome = v._data > number if op == GT else v._data >= number
    if _looking:
        trace = mode_now(MODE)[3]
        refuse_stranger(v, trace)
        refuse_stranger(other, trace)
        if trace is not None:
            traces.record_guard(trace, outcome, op, v, other, v._data)
    return outcome


def on_integers(operation: Any, left: Any, right: Any) -> Any:
    """An operation for integers only: ``//`` or ``%``."""
    a = traces.exact_integer(left, number_of(left)) if type(left) is Value else left
    b = traces.exact_integer(right, number_of(right)) if type(right) is Value else right
    return NotImplemented if a is None or b is None else operation(a, b)


# -- recording -----------------------------------------------------------------------------------


def new_node(op: int, a: Any, b: Any) -> Value:
    """Allocate a node; the caller sets its data and partials."""
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
    return finish(v)


def record_binary(op: int, left: Any, right: Any) -> Value:
    """Compute and record a primitive of two operands, at least one of them a Value.

    A constant's partial is not computed.  ``NotImplemented`` if an operand is of a type that may
    itself know what to do, as a NumPy array does.
    """
    need = 0  # which partials: 1 for a, 2 for b
    first, second = left, right
    if type(left) is Value:
        v = left
        a = v._data
        need = 1
    else:
        first = number_or_not(left)
        if first is NotImplemented:
            return refuse(left, ROWS[op].name)  # type: ignore[no-any-return]  # NotImplemented
        a = first
    if type(right) is Value:
        v = right
        b = v._data
        need += 2
    else:
        second = number_or_not(right)
        if second is NotImplemented:
            return refuse(right, ROWS[op].name)  # type: ignore[no-any-return]  # NotImplemented
        b = second
    v = new_node(op, first, second)
    evaluate_binary(v, op, a, b, need)
    return finish(v)


def finish(v: Value) -> Value:
    """Apply traces, scopes, ``no_grad()`` and ``detect_anomaly()`` to a new node."""
    if not _looking:
        return v
    mode = mode_now(MODE)
    origin, trace = mode[2], mode[3]
    if type(v._a) is tuple:
        for x in v._a:
            inherit(v, x, origin, trace)
    else:
        inherit(v, v._a, origin, trace)
        inherit(v, v._b, origin, trace)
    if mode is PLAIN:
        return v
    if origin is not None and (v._origin is None or origin.trace is not None):
        v._origin = origin
    if trace is not None or mode[5]:
        v._origin = v._origin.at_line()  # type: ignore[union-attr]  # both give it an origin
    if not mode[0]:
        return stop_gradient(v)
    if mode[1] and not isfinite(v._data):
        raise anomalies.not_finite(written(v), v._data, own_note(v).source)
    return v


def written(v: Value) -> str:
    """A computed Value as it might be written: ``log(x=0.0)``."""
    names = [x.name if type(x) is Value else "" for x in v.operands]
    numbers = [number_of(x) if type(x) is Value else x for x in v.operands]
    return anomalies.written(v.op, names, numbers)


def inherit(v: Value, x: Any, origin: Any, trace: Any) -> int:
    """Refuse an operand from another frozen trace; outside any trace, join the operand's.

    So a trace's Values that another thread uses stay in the trace.
    """
    if type(x) is Value:
        w = x
        if w._origin is not None and w._origin is not origin:  # mostly, in a transform, it is
            refuse_stranger(w, trace)
            if w._origin.trace is not None:  # finish() puts a trace that is open in its place
                v._origin = w._origin.trace.origin
    return 0


def refuse_stranger(x: Any, trace: Any) -> int:
    """Raise RuntimeError for a Value of a frozen trace that is neither this one nor around it."""
    if type(x) is Value:
        v = x
        if v._origin is not None and v._origin.root is not None and v._origin.root is not trace:
            traces.refuse_stranger(v._origin, ROWS[v._op].name, v._data)
    return 0


def stop_gradient(v: Value) -> Value:
    """A leaf with the data of ``v``; in a trace, the instruction ``detach``."""
    mode = MODE.get()
    if mode.trace is None or mode.origin is None:
        return Value(v._data)
    w = new_node(DETACH, v, None)
    w._data, w._origin = v._data, mode.origin.at_line()
    return w


def number_of(v: Value) -> float:
    """``v.data``, in a trace too."""
    return v._data


def add_method(name: str, function: Any) -> None:
    """Add a method or a property to Value."""
    attach(Value, name, function)


def collectable(x: Any) -> None:
    """Track a Value that may be in a cycle, or those in a list, and all below, with the GC."""
    pending = [x, *get_referents(x)]
    while pending:
        v = pending.pop()
        if type(v) is Value and track(v):
            pending += v.operands


def own_note(v: Value) -> Note:
    """The node's note, a new one if it has none."""
    if type(v._origin) is not Note:
        v._origin = Note(NOWHERE if v._origin is None else v._origin)
    return v._origin


def code_of(v: Value) -> int:
    """The number of the row that a computed Value came from; 0 for a leaf."""
    return v._op
