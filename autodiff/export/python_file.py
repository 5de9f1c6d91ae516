"""A Python module that is being written: definitions, arrays and functions.

``HELPERS`` are what functions call besides those of the table, as source.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from autodiff.compiler.writing import INFIX, on_one_line, right_side
from autodiff.export.python_definitions import define
from autodiff.ops import Row

MANY = 60  #: numbers that are added up in one expression: Python's parser nests them
_INFIX = {name: sign for name, sign in INFIX.items() if name != "div"}  # that must not raise

HELPERS = {
    "_numbers": '''\
def _numbers(x, shape, what):
    """The numbers of an argument, which must have this shape, one after the other."""
    x = np.asarray(x)
    if x.dtype.kind not in "biufO":
        raise TypeError(f"{what} is of {x.dtype}: real numbers are expected")
    if x.shape != shape:
        raise ValueError(f"{what} has the shape {x.shape}, not {shape}")
    return x.ravel().astype(np.float64)
''',
    "_parts": '''\
def _parts(x, keys, what):
    """The parts of an argument, a list, a tuple or a dict, which must have these."""
    found = [*x] if isinstance(x, dict) else [*range(len(x))]
    if {*found} != {*keys}:
        raise ValueError(f"{what} has the parts {found}, not {keys}")
    return [x[key] for key in keys]
''',
    "_same": '''\
def _same(x, expected, what):
    """Refuse an argument that is no number, if it is not what this was written for."""
    if x != expected:
        raise ValueError(f"{what} is {x!r}, but this was written for {expected!r}")
''',
    "_grid": '''\
def _grid(w, first, sizes, strides):
    """What stands evenly spaced along axes, from row ``first`` of ``w`` on."""
    step, *others = w.strides
    shape, steps = (*sizes, *w.shape[1:]), (*(step * x for x in strides), *others)
    return np.ndarray(shape, np.float64, w, step * first, steps)
''',
    "_each": '''\
def _each(function, *operands):
    """A function of floats, of every element of arrays: the same numbers as alone, to the bit."""
    return np.asarray(np.frompyfunc(function, len(operands), 1)(*operands), np.float64)
''',
    "_added": '''\
def _added(first, others):
    """Sums from the left: of a first number, and of others along the first axis."""
    terms = np.array(others)
    terms[0] += first
    return np.add.accumulate(terms)[-1]
''',
    "_first": '''\
def _first(ways, x):
    """What the first of some functions gives that is right: of which no guard fails."""
    for way in ways[:-1]:
        try:
            return way(x)
        except (ValueError, IndexError):
            pass
    return ways[-1](x)
''',
    "_vmap": '''\
def _vmap(ways, lanes, own, sums, x):
    """The results of lanes, one after the other; sums over them; and 1."""
    shared, results, totals = x[lanes * own :], [], [0.0] * sums
    for i in range(lanes):
        found = [*_first(ways, [*x[i * own : (i + 1) * own], *shared])]
        cut = len(found) - sums
        results += found[:cut]
        totals = [t + y for t, y in zip(totals, found[cut:])]
    return [*results, *totals, 1.0]
''',
    "_lanes": '''\
def _lanes(way, lanes, own, sums, x):
    """The results of lanes that all go one way, all at once; sums over them; and 1."""
    mine = np.reshape(x[: lanes * own], (lanes, own)).T
    shared = np.repeat(np.reshape(x[lanes * own :], (-1, 1)), lanes, axis=1)
    found = way(np.concatenate([mine, shared]))
    cut = len(found) - sums
    return [*found[:cut].T.ravel().tolist(), *found[cut:].sum(axis=1).tolist(), 1.0]
''',
    "_scan": '''\
def _scan(runs, carries, own, x, kept=None):
    """What the last step leaves; the results of steps, one after the other; and 1."""
    at, carry, results = carries, x[:carries], []
    shared = x[carries + own * sum(steps for steps, _ in runs) :]
    for steps, ways in runs:
        for _ in range(steps):
            if kept is not None:
                kept.append(carry)
            found = [*_first(ways, [*carry, *x[at : at + own], *shared])]
            at += own
            carry = found[:carries]
            results += found[carries:]
    return [*carry, *results, 1.0]
''',
    "_pullback": '''\
def _pullback(scan, runs, carries, own, back, given, by_own, by_shared, x):
    """The adjoints of what a scan is given, from those of what it gives; and 1."""
    n = sum(steps for steps, _ in runs)
    end = len(x) - back - n * given  # of what the scan is given
    kept = []
    _scan(scan, carries, own, x[:end], kept)
    shared, adjoints, later = x[carries + n * own : end], x[end : end + back], x[end + back :]
    of_own, of_shared = [], [0.0] * by_shared
    ways = [ways for steps, ways in runs for _ in range(steps)]
    for i in reversed(range(n)):
        at, theirs = carries + i * own, later[i * given : (i + 1) * given]
        found = [*_first(ways[i], [*kept[i], *x[at : at + own], *shared, *adjoints, *theirs])]
        adjoints, found = found[carries : carries + back], found[carries + back :]
        of_own.append(found[:by_own])
        of_shared = [t + y for t, y in zip(of_shared, found[by_own:])]
    return [*adjoints, *(y for row in reversed(of_own) for y in row), *of_shared, 1.0]
''',
}
#: What helpers call.
_NEEDED = {"_vmap": ["_first"], "_scan": ["_first"], "_pullback": ["_first", "_scan"]}


class File:
    """A module that is being written.

    Attributes:
        definitions: what functions call, as source, by name.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self._arrays: dict[tuple[Any, ...], tuple[str, str]] = {}
        self._functions: list[str] = []

    def text(self) -> str:
        """The source."""
        arrays = "\n".join(text for _, text in self._arrays.values())
        parts = [*self.definitions.values(), *([arrays] if arrays else []), *self._functions]
        body = "\n\n".join(text.strip("\n") + "\n" for text in parts)
        used = [x for x in ("collections", "math") if re.search(rf"\b{x}[.,]", body)]
        imports = [f"import {x}\n" for x in used]
        if "np." in body:
            imports += ["\n"] * bool(imports) + ["import numpy as np\n"]
        return "".join([*imports, "\n\n" * bool(imports), body])

    def has(self, name: str) -> bool:
        """Whether a definition or an array is called so."""
        return name in self.definitions or name in {x for x, _ in self._arrays.values()}

    def helper(self, name: str) -> str:
        """The name of a helper, or of a function of the table, which the module then defines."""
        if name in HELPERS:
            for x in (*_NEEDED.get(name, ()), name):
                self.definitions.setdefault(x, HELPERS[x])
        else:
            define(name, self.definitions)
        return name

    def operation(self, row: Row, operands: list[str]) -> str:
        """An operation on floats that are written already, with what it calls defined."""
        name = row.name
        if name in ("chain", "products") and len(operands) > MANY:
            return f"{self.helper(name)}({', '.join(operands)})"
        if name not in (*_INFIX, "neg", "chain", "products", "detach"):
            self.helper(name)
        return right_side(row, operands, _INFIX)

    def array(self, numbers: Any) -> str:
        """The name of an array of these numbers, which is stated once."""
        key = numbers.dtype, numbers.shape, numbers.tobytes()
        if key not in self._arrays:
            name = f"{'C' if numbers.dtype == np.float64 else 'I'}{len(self._arrays)}"
            shape = "" if numbers.ndim == 1 else f".reshape({numbers.shape})"
            flat = numbers.ravel()
            written = _wrapped([_number(x) for x in flat.tolist()])
            text = f"{name} = np.array([{written}]){shape}\n"
            starts = np.flatnonzero(np.append(True, np.diff(flat) != 1))
            if numbers.dtype != np.float64 and 2 * len(starts) < len(flat):
                ends = flat[np.append(starts[1:], len(flat)) - 1] + 1
                runs = zip(flat[starts].tolist(), ends.tolist(), strict=True)
                written = _wrapped([f"{first}:{end}" for first, end in runs])
                text = f"{name} = np.r_[{written}]{shape}\n"
            self._arrays[key] = name, text
        return self._arrays[key][0]

    def function(self, name: str, parameters: str, words: str, lines: list[str]) -> None:
        """Write a function."""
        body = [repr(on_one_line(words)), *lines]
        text = [f"def {name}({parameters}):", *(f"    {line}" for line in body), ""]
        self._functions.append("\n".join(text))

    def decorated(self, name: str, parameters: str, words: str, lines: list[str]) -> None:
        """Write a function in which NumPy warns of nothing."""
        self.function(name, parameters, words, lines)
        self._functions[-1] = '@np.errstate(all="ignore")\n' + self._functions[-1]


def _number(x: float) -> str:
    """A number as an expression in a module that imports NumPy."""
    return repr(x) if math.isfinite(x) else f"{'-' * (x < 0)}np.{abs(x)}"


def _wrapped(texts: list[str]) -> str:
    """Texts with commas between them, on several lines if they are many."""
    if len(texts) <= 10:
        return ", ".join(texts)
    lines = [", ".join(texts[i : i + 10]) for i in range(0, len(texts), 10)]
    return "".join(f"\n    {line}," for line in lines) + "\n"
