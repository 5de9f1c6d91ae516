"""Instructions that only traces and programs contain: holding, choosing, deciding, adding up, and
doing the same for many lanes.

They have numbers as the table's rows have, but no public function and no partials.  What a
derivative does with them is said in ``second_order`` for graphs, and in ``compiler/emitter`` for
programs: ``take`` and ``pick`` hand the adjoint to what is chosen, and to the others 0, even of an
infinite one; those in ``HELD`` hand on nothing; ``chain`` and ``products`` come after all
derivatives; ``vmap`` hands on what the derivative of its program says (``compiler/mapped``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autodiff.ops import CODES, ROWS, Row


@dataclass(frozen=True)
class Instruction(Row):
    """A row whose value is the body of a Python function of ``xs``, the list of its operands.

    Attributes:
        c: the same in C: it sets ``t`` from ``n`` operands ``x(0)``, ``x(1)`` ..., and ``bad`` if
            the program ends here.
    """

    c: str = ""


INNER = [
    # a Value held constant
    Instruction("detach", "a", "return xs[0]", [], c="t = x(0);"),
    # the shift of logsumexp, which cancels out of it: 0 where it would be infinite
    Instruction(
        "largest",
        "as",
        "m = -math.inf\nfor x in xs:\n    if x > m:\n        m = x\n"
        "return 0.0 if math.isinf(m) else m",
        [],
        c="t = -INFINITY; for (i = 0; i < n; i++) if (x(i) > t) t = x(i); if (isinf(t)) t = 0.0;",
    ),
    # the scale of norm: the squares of what is divided by it are in range, and it is a power of two
    Instruction(
        "unit",
        "as",
        "m = max([0.0, *map(abs, xs)])\n"
        "return 2.0**600 if m > 1e150 else 2.0**-600 if m < 1e-140 else 1.0",
        [],
        c="t = 0.0; for (i = 0; i < n; i++) if (fabs(x(i)) > t) t = fabs(x(i)); "
        f"t = t > 1e150 ? {2.0**600!r} : t < 1e-140 ? {2.0**-600!r} : 1.0;",
    ),
    # the shift of softmax: it may be infinite, or nan
    Instruction(
        "peak",
        "as",
        "m = xs[0]\nfor x in xs:\n    if x > m or x != x:\n        m = x\nreturn m",
        [],
        c="t = x(0); for (i = 1; i < n; i++) if (x(i) > t || x(i) != x(i)) t = x(i);",
    ),
    # the last operand is the index among those before it
    Instruction(
        "take",
        "as",
        "*xs, i = xs\nif not 0 <= i < len(xs) or i != int(i):\n    raise IndexError(i)\n"
        "return xs[int(i)]",
        [],
        c="t = x(n - 1); bad = !(t >= 0 && t < n - 1 && t == (Py_ssize_t)t); "
        "t = bad ? 0.0 : x((Py_ssize_t)t);",
    ),
    # of four operands x, i, j, y
    Instruction(
        "pick",
        "as",
        "return xs[0] if xs[1] == xs[2] else xs[3]",
        [],
        c="t = x(1) == x(2) ? x(0) : x(3);",
    ),
    # of three operands: a comparison, what it must be, which guard it is
    Instruction(
        "guard",
        "as",
        "if xs[0] != xs[1]:\n    raise IndexError(xs[2])\nreturn xs[0]",
        [],
        c="bad = x(0) != x(1); t = x(0);",
    ),
    # from the left, with no 0.0 before it
    Instruction(
        "chain",
        "as",
        "t = xs[0]\nfor x in xs[1:]:\n    t = t + x\nreturn t",
        [],
        c="t = x(0); for (i = 1; i < n; i++) t += x(i);",
    ),
    # likewise, of pairs
    Instruction(
        "products",
        "as",
        "t = xs[0] * xs[1]\nfor x, y in zip(xs[2::2], xs[3::2]):\n    t = t + x * y\nreturn t",
        [],
        c="t = x(0)*x(1); for (i = 2; i < n; i += 2) t += x(i)*x(i + 1);",
    ),
    # one of the results of a vmap, which writes it where it is read: the vmap, and which result
    Instruction("part", "a b", "return xs[0][int(xs[1])]", []),
]

FIRST = len(ROWS)  #: the number of the first of them
ROWS += INNER
CODES.update({r.name: FIRST + i for i, r in enumerate(INNER)})
STATIC = len(ROWS)  #: rows from this number on are done in Python
CALL = len(ROWS)  #: a call that jit records as one node: in graphs, and never in a program
ROWS.append(Row("call", "as", "", []))
#: A program run for many lanes: of the operands, the last is its number among the bodies.
VMAP = len(ROWS)
ROWS.append(Row("vmap", "as", "", []))
CODES["vmap"] = VMAP
PART = CODES["part"]
ADDED = len(ROWS)  #: rows from this number on were added at run time
HELD = ("detach", "largest", "unit", "peak", "guard")  #: what has no derivative
#: What a fold may mention of the whole list, and the instruction that computes it.
OF_LIST = {"m": "largest", "u": "unit"}


def source(name: str) -> str:
    """Python source of a function of the operands.

    >>> print(source("pick"))
    def pick(*xs):
        return xs[0] if xs[1] == xs[2] else xs[3]
    """
    body = str(ROWS[CODES[name]].value).replace("\n", "\n    ")
    return f"def {name}(*xs):\n    {body}"


def _function(name: str) -> Callable[[list[Any]], Any]:
    scope: dict[str, Any] = {"math": math}
    exec(source(name).replace("*xs", "xs", 1), scope)  # it is one of the instructions above
    function: Callable[[list[Any]], Any] = scope[name]
    return function


#: What they compute, as functions of the list of all operands.
ON_LISTS = {r.name: _function(r.name) for r in INNER}
