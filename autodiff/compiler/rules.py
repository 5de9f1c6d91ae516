"""The table's partial derivatives as small programs: what the derivative passes insert.

The template of a row reads its operands and, after them, its value; its outputs are the partials.
It comes from the expressions in ``ops.py``, evaluated on Values in a trace: there is no second
statement of a derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from autodiff.compiler.program import Program
from autodiff.compiler.trace import Traced, trace
from autodiff.contexts import within
from autodiff.engine.instructions import STATIC
from autodiff.engine.kernels import list_kernel, partial_functions
from autodiff.engine.modes import PLAIN
from autodiff.evaluation import VALUES
from autodiff.lists import record_known
from autodiff.ops import ROWS, Row
from autodiff.primitive import numbered
from autodiff.second_order import split


@lru_cache(maxsize=4096)
def template(op: int, count: int) -> Program:
    """The partials of a row with so many operands, as a program.

    Raises:
        TypeError: for a row that has none.

    >>> from autodiff.ops import CODES
    >>> [ROWS[op].name for op in template(CODES["tan"], 1).ops]
    ['square', 'add']
    """
    row = ROWS[op]
    if not row.partials:
        raise TypeError(
            f"{row.name}, which sums() makes, has no derivative: differentiate before sums()"
        )
    if row.over_lists:
        kernel = list_kernel(row, VALUES)

        def partials(xs: list[Any]) -> list[Any]:
            found: list[Any]
            _, found = kernel(*split(xs[:count], len(row.names)))
            return found

    elif op < STATIC:
        functions = partial_functions(row, VALUES)

        def partials(xs: list[Any]) -> list[Any]:
            return [partial(*xs) for partial in functions]

    else:
        chosen = [_symbolic(p, count) or _opaque(row, i) for i, p in enumerate(row.partials)]

        def partials(xs: list[Any]) -> list[Any]:
            return [partial(*xs) for partial in chosen]

    return _traced(partials, count).program


def _traced(function: Callable[[list[Any]], list[Any]], count: int) -> Traced:
    """A rule's trace, in plain mode, whatever the mode of the first call."""
    return within(PLAIN, trace, function, [1.0] * (count + 1))


def _symbolic(partial: Any, count: int) -> Callable[..., Any] | None:
    """A partial that was given as a function, if it can be differentiated in turn."""
    try:
        traced = _traced(lambda xs: [partial(*xs)], count)
    except Exception:  # of a function of the user's, which may be one of floats only
        return None
    return None if len(traced.guards) or traced.captured else partial


def _opaque(row: Row, i: int) -> Callable[..., Any]:
    """A partial that only numbers can be given to, as a primitive without derivatives."""
    name = f"partial {i + 1} of {row.name}"

    def refuse(*operands: Any) -> float:
        raise TypeError(
            f"{name} is not written in autodiff's functions alone, without branches: it has no "
            "derivative in a program"
        )

    names = [*row.names, "v"]
    function = row.partials[i]
    op = numbered(Row(name, " ".join(names), function, [refuse] * len(names)))
    return lambda *operands: record_known(op, operands, 1.0, [0.0] * len(names))
