"""A function as Python source that runs by itself, with ``math`` and NumPy alone.

* ``to_python`` -- the source;
* ``_File`` -- what it consists of: definitions, arrays, functions;
* ``_plain`` -- a small program, as assignments of Python's floats.

Large programs are written by ``python_buffer``.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

import numpy as np

from autodiff.compiler.program import GUARD, Mapped, Program
from autodiff.compiler.scans import Pullback, Scan
from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.sums import sums
from autodiff.compiler.writing import constant, demanded, on_one_line, only_guarded
from autodiff.engine.instructions import PART, VMAP
from autodiff.export.listing import Exported, Statement, exported, statements
from autodiff.export.python_buffer import OnBuffer
from autodiff.export.python_file import File
from autodiff.export.python_structures import Arguments, arranged, named_tuples
from autodiff.ops import ROWS

SMALL = 64  #: instructions of a program that is written in plain assignments whatever it does


def to_python(f: Any, *args: Any, name: str = "f") -> str:
    """A function as Python source, with its derivatives if it computes them.

    The file defines a function of the same arguments, by position or by name: numbers, arrays,
    lists, tuples and dicts, in which integers become floats.  It returns what the original does,
    the same numbers to the bit, but that sums over the lanes of a ``vmap``, and over the steps of a
    ``scan`` in its derivative, may be rounded otherwise.  What the original read from outside,
    parameters say, is written as numbers.  A small program becomes assignments; a large one,
    operations on slices of an array.

    Args:
        f: a function that was jitted or transformed; or what its ``lower`` gave.
        args: example arguments, unless it is lowered already.
        name: what the function is called in the file.

    Returns:
        The source of a module, which imports Python's own modules and NumPy alone.  Its function
        raises ValueError for arguments of another structure, and where a comparison is not what it
        was for the example, with the line that made it; and IndexError where ``take`` reads beyond
        its list.

    Raises:
        TypeError: if ``f`` is no such function; if it uses a primitive that was added at run time,
            returns a sparse matrix, or has an argument or a result that cannot be written.
        ValueError: if ``name`` is no name; or if it, or that of an argument, is one that the file
            needs for something else.

    >>> from autodiff import grad
    >>> print(to_python(grad(lambda x, y: x * x * y), 2.0, 3.0, name="slope"))
    def slope(x, y):
        'grad(<lambda>), written out.'
        x = float(x)
        y = float(y)
        v2 = y * x
        v3 = v2 + v2
        return v3
    <BLANKLINE>
    """
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"name must be one that a function can have, not {name!r}")
    e = exported(f, *args)
    if isinstance(e.result, Pattern):
        raise TypeError(f"{e.name} returns a sparse matrix: leave out sparse=True to write it")
    file = File()
    _function(file, e, name)
    return file.text()


def _function(file: File, e: Exported, name: str) -> None:
    """Write a function of arguments in their structures."""
    arguments = Arguments(e.arguments, file)
    file.definitions |= named_tuples(e.result)
    _bodies(file, e.program, name)
    q, found = statements(e.program)
    names, lines = arguments.named(e.inputs), None
    if names is not None and _is_plain(q, found):
        assignments, outputs = _plain(file, sums(e.program), names, name)
        mine = {*names, *arguments.names}
        taken = {*file.definitions, "float", "abs", "np"}
        if not mine & taken and not any(re.fullmatch(r"v\d+", x) for x in mine):
            lines = [*arguments.lines, *arguments.unpacked(names), *assignments]
            lines.append(f"return {arranged(e.result, outputs)}")
    if lines is None:  # names of arguments stay apart from the others
        inner = f"_of_numbers_{name}"
        _of_numbers(file, q, found, e.program, inner, name)
        lines = [*arguments.lines, f"r = np.array({inner}({arguments.joined()}))"]
        lines.append(f"return {arranged(e.result, 'r')}")
        for x in arguments.names:
            if x in ("r", "np", "float", inner) or x in file.definitions:
                raise ValueError(f"{e.name} has an argument {x}, which the file needs for itself")
    if name in ("math", "np", "collections") or file.has(name):
        raise ValueError(f"the file needs the name {name} for itself: choose another one")
    file.function(name, arguments.parameters, f"{e.name}, written out.", lines)


def _is_plain(p: Program, found: list[Statement]) -> bool:
    """Whether a program is written in assignments: it is small, or does little in lanes."""
    lanes = sum(x.lanes for x in found if x.lanes > 1)
    return len(p) <= SMALL or bool(2 * lanes < np.count_nonzero(p.ops != PART))


def _of_numbers(
    file: File, q: Program, found: list[Statement], p: Program, name: str, bodies: str
) -> None:
    """Write a function from a list of numbers to one, whose vmaps are called after ``bodies``."""
    words = f"The numbers of the result, of those of the {p.inputs} inputs."
    if not _is_plain(q, found):
        buffer = OnBuffer(file, q, found, bodies, lanes=False)
        file.decorated(name, "x", words, [*buffer.lines, f"return {buffer.result}"])
        return
    names = [f"x{i}" for i in range(p.inputs)]
    lines, outputs = _plain(file, sums(p), names, bodies)
    if names:
        lines.insert(0, f"{', '.join(names)}{',' * (len(names) == 1)} = x")
    file.function(name, "x", words, [*lines, f"return [{', '.join(outputs)}]"])


def _plain(file: File, p: Program, names: list[str], bodies: str) -> tuple[list[str], list[str]]:
    """A program as assignments, and expressions of its outputs."""

    def name(ref: int) -> str:
        if ref < 0:
            return constant(float(p.constants[-1 - ref]))
        return names[ref] if ref < p.inputs else f"v{ref}"

    lines = []
    guarded = only_guarded(p)
    for k, op in enumerate(p.ops.tolist()):
        refs = p.operands(k)
        if op == GUARD:
            text, at = demanded(p, k, name), p.sources[int(p.number(refs[2]))]
            message = on_one_line(f"traced where {text}, at {at}")
            lines.append(f"if not ({text}): raise ValueError({message!r})")
            continue
        if k in guarded:
            continue
        if op == PART:
            right = f"{name(refs[0])}[{int(p.number(refs[1]))}]"
        elif op == VMAP:
            operands = ", ".join(map(name, refs[:-1]))
            right = f"{bodies}_{int(p.number(refs[-1]))}([{operands}])"
        else:
            right = file.operation(ROWS[op], [*map(name, refs)])
        lines.append(f"v{p.inputs + k} = {right}")
    return lines, [*map(name, p.outputs.tolist())]


def _bodies(file: File, p: Program, name: str) -> None:
    """Write a function for each body of a program: from all its operands to all its results.

    Raises:
        TypeError: for a body that cannot be written.
    """
    for i, body in enumerate(p.bodies):
        called = f"{name}_{i}"
        if isinstance(body, Mapped):
            size = f"{body.lanes}, {body.own}, {body.sums}"
            if _all_at_once(body):
                way = _ways(file, body.ways, f"{called}_0", lanes=True)[0]
                call = f"{file.helper('_lanes')}({way}, {size}, x)"
            else:
                ways = ", ".join(_ways(file, body.ways, f"{called}_0"))
                call = f"{file.helper('_vmap')}([{ways}], {size}, x)"
        elif isinstance(body, Scan):
            runs = _runs(file, body, called)
            call = f"{file.helper('_scan')}({runs}, {body.carry}, {body.own}, x)"
        elif isinstance(body, Pullback):
            scan, runs = _runs(file, body.scan, f"{called}_s"), _runs(file, body, called)
            parts = (body.back, body.given, body.by_own, body.by_shared)
            counts = f"{body.carry}, {body.own}, {', '.join(str(len(x)) for x in parts)}"
            call = f"{file.helper('_pullback')}({scan}, {runs}, {counts}, x)"
        else:
            raise TypeError(f"a {body.word} cannot be written in Python")
        words = "; ".join(body.words(n) for n, _ in body.turns)
        file.function(called, "x", f"A {body.word}, {words}.", [f"return {call}"])


def _runs(file: File, body: Scan | Pullback, name: str) -> str:
    """Write the programs of all steps; how many steps are alike, and their ways."""
    runs = []
    for j, run in enumerate(body.runs):
        runs.append(f"({run.steps}, [{', '.join(_ways(file, run.ways, f'{name}_{j}'))}])")
    return f"[{', '.join(runs)}]"


def _ways(file: File, programs: tuple[Program, ...], name: str, lanes: bool = False) -> list[str]:
    """Write the programs of a lane or a step, each as a function; what these are called."""
    names = [f"{name}_{j}" for j in range(len(programs))]
    for way, p in zip(names, programs, strict=True):
        _bodies(file, p, way)
        q, found = statements(p)
        if lanes:
            buffer = OnBuffer(file, q, found, way, lanes=True)
            lines = [*buffer.lines, f"return {buffer.result}"]
            file.decorated(way, "x", "The results of lanes, of rows of their inputs.", lines)
        else:
            _of_numbers(file, q, found, p, way, way)
    return names


def _all_at_once(body: Mapped) -> bool:
    """Whether all lanes of a vmap go one way, with nothing that only numbers can do."""
    return len(body.ways) == 1 and not body.ways[0].guards and not body.ways[0].bodies
