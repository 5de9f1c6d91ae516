"""What ``value.pxd`` and ``arrays.pxd`` give their modules when compiled, for when they are not.

``value.py`` also takes this module for ``cython`` where Cython is not installed.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import ContextVar
from itertools import chain
from operator import getitem, is_
from typing import Any

from autodiff.engine.kernels import KERNELS
from autodiff.engine.modes import Note
from autodiff.ops import CODES, COMPARISONS

Value = Any  # what value.py makes of these

compiled = False
nogil = nullcontext()

ADD, SUB, MUL, DIV, POW, NEG, ABS, DETACH = (
    CODES[name] for name in ("add", "sub", "mul", "div", "pow", "neg", "abs", "detach")
)

EQ, LT, LE, GT, GE = (CODES[name] for name in COMPARISONS)

mode_now = ContextVar.get  # what a context variable is, here and now

nodes: Callable[[], Any] = list  # of a traversal
count, push, pop, at = len, list.append, list.pop, getitem


def take_signals() -> None:
    """Have signals that are due take effect: interpreted, Python sees to it."""


def blank(v: Value) -> None:
    """Give a new node's fields the values that compiled ones are born with."""
    v._grad = v._da = v._db = 0.0
    v._a = v._b = v._origin = None
    v._mark = v._op = 0


def evaluate_unary(v: Value, op: int, a: float) -> None:
    """Set the value and the partial of a node over one operand."""
    v._data, v._da = KERNELS[op](a)


def evaluate_binary(v: Value, op: int, a: float, b: float, need: int) -> None:
    """Set the value and the partials that are needed (1: da, 2: db) of a node over two operands."""
    v._data, v._da, v._db = KERNELS[op](a, b, need)


def evaluate_list(v: Value, op: int, lists: int, data: Any, partials: Any) -> None:
    """Set the value and the partials of a node over one or two lists, end to end in ``data``."""
    n = len(data) // lists
    v._data, each = KERNELS[op](*(data[k * n : (k + 1) * n] for k in range(lists)))
    memoryview(partials)[:] = array("d", each)  # of the same length, or it raises


def doubles(n: int) -> Any:
    """An array of ``n`` floats."""
    return array("d", bytes(8 * n))


def put(numbers: Any, i: int, x: float) -> None:
    """Set an element of such an array."""
    numbers[i] = x


def partial_at(numbers: Any, i: int) -> Any:
    """Get an element of such an array."""
    return numbers[i]


def untracked(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Untrack a tuple with the cyclic GC; interpreted, this does nothing."""
    return operands


def track(v: Value) -> bool:
    """Track a node with the cyclic GC; whether it was not.  Interpreted, all are tracked."""
    return False


def attributes(v: Value) -> dict[str, Any]:
    """What a program has put on a node."""
    kept: dict[str, Any] = v.__dict__
    return kept


def listed(order: list[Value]) -> list[Value]:
    """The nodes of a traversal, as a list."""
    return order


def set_gradients(nodes: list[Value], gradients: list[Any], order: list[Value] | None) -> None:
    """Set the gradients of nodes that have their notes, and add to other leaves', all at once.

    Atomic: ``deque`` and ``map``, with methods written in C, run no Python code.
    """
    leaves = [v for v in order or () if not v._op and getattr(v._origin, "grad", None) is None]
    if not nodes and not leaves:
        return
    nodes = nodes + leaves
    gradients = gradients + [v._grad + v._da for v in leaves]
    numbers = [x if type(x) is float else x._data for x in gradients]
    pairs = zip(nodes, gradients, strict=True)
    noted = [(v._origin, x) for v, x in pairs if type(v._origin) is Note]
    set_number = vars(type(nodes[0]))["_grad"].__set__
    set_value = vars(Note)["grad"].__set__
    deque(
        chain(
            map(set_number, nodes, numbers),
            map(
                set_value,
                [note for note, _ in noted],
                [None if type(x) is float else x for _, x in noted],
            ),
        ),
        maxlen=0,
    )


def read_data(of: Any, numbers: list[Any], data: Any) -> None:
    """Copy the data of Values, and floats, into an array."""
    for i, x in enumerate(numbers):
        data[i] = x._data if type(x) is of else x


def all_held(containers: list[Any], contents: list[list[Any]]) -> bool:
    """Whether lists, and dicts as keys and then values, hold these very objects."""
    now = ([*x, *x.values()] if isinstance(x, dict) else x for x in containers)
    return all(map(identical, now, contents))


def identical(xs: list[Any], ys: list[Any]) -> bool:
    """Whether two lists have the same objects."""
    return len(xs) == len(ys) and all(map(is_, xs, ys))


def read_numbers(of: type, values: list[Value], data: Any, grads: Any) -> int:
    """Copy data and gradients into two arrays; see ``others``."""
    first = others(of, values)
    for i, v in enumerate(values[:first]):
        data[i] = v._data
        grads[i] = v._grad
    return first


def write_data(
    of: type, groups: list[list[Value]], data: list[Any], states: list[Any], new: Any
) -> None:
    """Set the data of Values, and the elements of ``states``, all at once as ``set_gradients``."""
    pairs = [
        (v, number)
        for values, numbers in zip(groups, data, strict=True)
        for v, number in zip(values, numbers, strict=False)
        if type(v) is of
    ]
    set_number = vars(of)["_data"].__set__
    deque(
        chain(
            map(set_number, [v for v, _ in pairs], [number for _, number in pairs]),
            map(states.__setitem__, range(len(states)), new),
        ),
        maxlen=0,
    )


def write_grads(of: type, values: list[Value], grads: Any) -> int:
    """Set gradients from an array, all at once; see ``others``."""
    first = others(of, values)
    set_gradients(values[:first], grads.tolist()[:first], None)
    return first


def others(of: type, values: list[Value]) -> int:
    """The index of the first element that is of another type, or the number of elements."""
    return next((i for i, x in enumerate(values) if type(x) is not of), len(values))


def attach(of: type, name: str, method: Callable[..., Value]) -> None:
    """Make a function a method of a type."""
    setattr(of, name, method)


def compiled_table() -> str:
    """The digest of the table that was compiled."""
    return ""
