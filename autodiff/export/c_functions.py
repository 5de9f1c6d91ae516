"""The table's rows in C: the functions that a program needs, and no others.

They are the engine's own (``engine/ckernels``, ``engine/translation``), in plain C99: what a
program in C computes is what the program computes, operation for operation.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodiff.engine.ckernels import library, list_function, value_function
from autodiff.engine.expressions import names_in
from autodiff.engine.instructions import OF_LIST, Instruction
from autodiff.engine.translation import SOURCES, in_c, names_mentioned
from autodiff.ops import CODES, CONSTANTS, ROWS, Row

_WORDS = {"AD_INLINE": "static inline", "AD_STATIC": "static", "Py_ssize_t": "ptrdiff_t"}


def functions(names: Iterable[str]) -> list[str]:
    """C functions of these rows, ``ad_`` before their names, after what they need.

    >>> print(*functions(["relu"]))
    static inline double ad_relu(double a) { return ((a < 0.0) ? 0.0 : a); }
    """
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        _row(ROWS[CODES[name]], found)
    return [*found.values()]


def _row(r: Row, found: dict[str, str]) -> None:
    """Add a row's function, after those that it calls."""
    key = f"ad_{r.name}"
    if key in found:
        return
    if isinstance(r, Instruction):
        found[key] = _inner(r)
        return
    mentioned = names_in(str(r.value)) | (names_in(r.fold) if r.fold else set())
    for name in sorted(mentioned - {r.name, *r.names}):
        if name in CODES:
            _row(ROWS[CODES[name]], found)
        elif r.fold and name in OF_LIST:
            _row(ROWS[CODES[OF_LIST[name]]], found)
        elif name in CONSTANTS:
            _constant(name, found)
    if r.name in mentioned and r.name in SOURCES:
        _special(r.name, found)
    found[key] = _plain(list_function(r) if r.over_lists else value_function(r))


def _special(name: str, found: dict[str, str]) -> None:
    """Add a function or a tuple of ``special.py``, after what it mentions."""
    if name in found:
        return
    for other in sorted(names_mentioned(name) - {name}):
        if other in SOURCES:
            _special(other, found)
        elif other in CONSTANTS:
            _constant(other, found)
    found[name] = _plain(in_c(name, library))


def _constant(name: str, found: dict[str, str]) -> None:
    found[name] = f"#define {name} {CONSTANTS[name]!r}"


def _inner(r: Instruction) -> str:
    """An instruction over a list as a function."""
    return _plain(
        f"AD_STATIC double ad_{r.name}(Py_ssize_t n, const double *as) {{\n"
        "    double t;\n    Py_ssize_t i;\n"
        f"#define x(i) as[i]\n    {r.c}\n#undef x\n    return t;\n}}"
    )


def _plain(text: str) -> str:
    for ours, words in _WORDS.items():
        text = text.replace(ours, words)
    return text
