"""A Python module that is being written: definitions, arrays and functions.

``HELPERS`` are what functions call besides those of the table, as source.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from autodiff.compiler.writing import INFIX, on_one_line, right_side
from autodiff.export.definitions import define
from autodiff.ops import Row

MANY = 60  #: numbers that are added up in one expression: Python's parser nests them
_INFIX = {name: sign for name, sign in INFIX.items() if name != "div"}  # that must not raise

HELPERS = {
    "_numbers": '''\
def _numbers(x, shape, what):
    """The numbers of an argument, which must have this shape, one after the other."""
    x = np.asarray(x, np.float64)
    if x.shape != shape:
        raise ValueError(f"{what} has the shape {x.shape}, not {shape}")
    return x.ravel()
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
    "_vmap": '''\
def _vmap(ways, sums, own, shared):
    """The results of lanes, each by the first of the ways that is right, sums over them, and 1."""
    results, totals = [], np.zeros(sums)
    for lane in own:
        for way in ways:
            try:
                found = way([*lane, *shared])
                break
            except (ValueError, IndexError):  # a guard fails, or take reads beyond its list
                if way is ways[-1]:
                    raise
        results.extend(found[: len(found) - sums])
        totals += found[len(found) - sums :]
    return [*results, *totals.tolist(), 1.0]
''',
    "_lanes": '''\
def _lanes(way, sums, own, shared):
    """The results of lanes that all go one way, all at once, sums over them, and 1."""
    shared = np.repeat(np.reshape(shared, (-1, 1)), len(own), axis=1)
    found = way(np.concatenate([np.transpose(own), shared]))
    cut = len(found) - sums
    return [*found[:cut].T.ravel().tolist(), *found[cut:].sum(axis=1).tolist(), 1.0]
''',
}


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

    def helper(self, name: str) -> str:
        """The name of a helper, or of a function of the table, which the module then defines."""
        if name in HELPERS:
            self.definitions[name] = HELPERS[name]
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
