"""The table's rules in JavaScript, for pages that compute in the browser.

``rules(names)`` writes them from the rows, operation for operation as ``engine/kernels`` does, so
that a page shows Python's numbers bit for bit, but for the last places of functions such as ``exp``
that the browser computes itself.  What C's ``math.h`` has and ``Math`` lacks is in ``special.js``;
what that lacks too is translated from ``engine/special.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources

from autodiff.engine.expressions import for_javascript, names_in
from autodiff.engine.instructions import INNER, OF_LIST
from autodiff.engine.translation import SOURCES, in_javascript, renamed
from autodiff.ops import CONSTANTS, TABLE, Row

_ROWS = {r.name: r for r in TABLE}
_FUNCTION = re.compile(r"^function (\w+)\(.*?^}$", re.DOTALL | re.MULTILINE)

#: The functions of ``special.js``, and of ``special.py``, by name.
_SPECIAL = {
    found[1]: found[0]
    for found in _FUNCTION.finditer(
        resources.files("autodiff.graph").joinpath("special.js").read_text("utf-8")
    )
}


def _library(name: str) -> str:
    """What a function of ``math.h``, or of ``special.py``, is called here."""
    special = f"c_{name}"
    return special if special in _SPECIAL or special == renamed(name) else f"Math.{name}"


_SPECIAL |= {renamed(name): in_javascript(name, _library) for name in SOURCES}

#: What else expressions mention: constants, the choice, and of a list what its body in C says.
_HELPERS = {
    **{name: f"const {name} = {value!r};" for name, value in CONSTANTS.items()},
    "where": "const where = (c, a, b) => (c !== 0.0 ? a : b);",
    **{
        r.name: f"const {r.name} = (xs, n) => {{ const x = (i) => xs[i], INFINITY = Infinity, "
        f"fabs = Math.abs, isinf = (a) => fabs(a) === INFINITY; let i, t; {r.c} return t; }};"
        for r in INNER
        if r.name in OF_LIST.values()
    },
}


def rules(names: Iterable[str]) -> str:
    """JavaScript that defines ``RULES``: for each name, the primitive's value and its partials.

    ``RULES.mul.value(xs)`` is the value for an array of the operands' numbers, in the order of
    ``Value.operands``; ``RULES.mul.partials(xs, v)``, which is given the value too, is the array of
    the partial derivatives.  Of helpers there are only those that these need.

    Names that are not in the table are left out of ``RULES``: primitives added at run time, whose
    value is a Python function, and instructions such as ``take``.  A page cannot recompute those.

    >>> print(rules(["relu", "square"]))
    const RULES = (() => {
      "use strict";
      const square = (a) => (a * a);
      const relu = (a) => ((a < 0.0) ? 0.0 : a);
      const step = (a) => ((a <= 0.0) ? 0.0 : 1.0);
      return {
        __proto__: null,
        square: {value: ([a]) => square(a), partials: ([a], v) => [(2.0 * a)]},
        relu: {value: ([a]) => relu(a), partials: ([a], v) => [step(a)]},
      };
    })();
    """
    named = _ROWS.keys() & set(names)
    needed = _mentioned(named)
    lines = [
        *(source for name, source in _HELPERS.items() if name in needed),
        *(source for name, source in _SPECIAL.items() if name in needed),
        *(_function(r) for r in TABLE if r.name in needed and not r.over_lists),
        "return {",
        "  __proto__: null,",
        *(f"  {r.name}: {_rule(r)}," for r in TABLE if r.name in named),
        "};",
    ]
    body = "\n".join(lines).replace("\n", "\n  ")
    return f'const RULES = (() => {{\n  "use strict";\n  {body}\n}})();'


def _mentioned(names: Iterable[str]) -> set[str]:
    """The names, and all that their sources mention, and what is mentioned there."""
    found: set[str] = set()
    pending = set(names)
    while pending:
        found |= pending
        pending = set().union(*map(_mentioned_by, pending)) - found
    return found


def _mentioned_by(name: str) -> set[str]:
    if name in _SPECIAL:
        return set(re.findall(r"\w+", _SPECIAL[name]))
    if name not in _ROWS:
        return set()
    r = _ROWS[name]
    found = {_library(name)}.union(*map(names_in, [str(r.value), *_partials(r), r.fold]))
    return found.union(_of_list(r).values())


def _of_list(r: Row) -> dict[str, str]:
    """What its fold mentions of the whole list, and what computes it."""
    return {x: name for x, name in OF_LIST.items() if x in names_in(r.fold)}


def _partials(r: Row) -> list[str]:
    return [str(p) for p in r.partials]


def _function(r: Row) -> str:
    """A value: its own name is the function of the library, any other name a primitive."""

    def rename(name: str) -> str:
        return _library(name) if name == r.name else name

    return f"const {r.name} = ({', '.join(r.names)}) => {for_javascript(str(r.value), rename)};"


def _rule(r: Row) -> str:
    if r.over_lists:
        return _list_rule(r)
    args = ", ".join(r.names)
    partials = ", ".join(map(_rendered, _partials(r)))
    value = f"{r.name}({args})"
    return f"{{value: ([{args}]) => {value}, partials: ([{args}], v) => [{partials}]}}"


def _list_rule(r: Row) -> str:
    """A row over lists, which come one after the other: all elements ``a``, then all ``b``."""
    places = {"a": "xs[i]", "b": "xs[n + i]"}
    used = set().union(*map(names_in, _partials(r)))

    def for_each(statement: str, expression: str) -> str:
        mentioned = names_in(expression)
        loads = "".join(f"const {x} = {place}; " for x, place in places.items() if x in mentioned)
        return f"for (let i = 0; i < n; i += 1) {{ {loads}{statement}; }}"

    count = "const n = xs.length;" if len(r.names) == 1 else "const n = xs.length / 2;"
    of_list = "".join(f"const {x} = {name}(xs, n); " for x, name in _of_list(r).items())
    fold = f"{of_list}let t = 0.0; " + for_each(f"t += {_rendered(r.fold)}", r.fold)
    total = f"{fold} " if "t" in used else ""
    pushes = " ".join(for_each(f"all.push({_rendered(p)})", p) for p in _partials(r))
    value = f"{count} {fold} return {_rendered(str(r.value))};"
    partials = f"{count} {total}const all = []; {pushes} return all;"
    return f"{{value: (xs) => {{ {value} }}, partials: (xs, v) => {{ {partials} }}}}"


def _rendered(expression: str) -> str:
    return for_javascript(expression, str)
