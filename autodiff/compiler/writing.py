"""A program as text: readable assignments, Python source that runs by itself, and counts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from autodiff.compiler.machine import flops
from autodiff.compiler.program import GUARD, Mapped, Program
from autodiff.compiler.sums import sums
from autodiff.engine import ieee, translation
from autodiff.engine.expressions import for_floats, names_in
from autodiff.engine.instructions import ADDED, OF_LIST, ON_LISTS, source
from autodiff.engine.kernels import list_source
from autodiff.ops import CODES, COMPARISONS, CONSTANTS, ROWS

_INFIX = {"add": "+", "sub": "-", "mul": "*"}
#: What is written without a function of that name.
_WRITTEN = {*_INFIX, "neg", "chain", "products", "detach", "guard", "part"}


def stats(p: Program) -> dict[str, int]:
    """How large a program is.

    ``nodes`` of the graph, after simplification; ``instructions`` that run, after sums are made
    one; ``guards``; ``flops``, operations on numbers, of which a function of the C library is one.
    """
    fused = sums(p)
    return {
        "inputs": p.inputs,
        "nodes": len(p),
        "instructions": len(fused),
        "guards": len(p.guards),
        "flops": flops(fused),
    }


def as_text(p: Program) -> str:
    """A program as assignments, one a line, and then what its vmaps run.

    >>> from autodiff.compiler.trace import trace
    >>> print(as_text(trace(lambda xs: [xs[0] * xs[1] + 1.0], [2.0, 3.0]).program))
    inputs x0, x1
    v2 = x0 * x1
    v3 = v2 + 1.0
    return v3
    """
    names = ", ".join(f"x{i}" for i in range(p.inputs)) or "none"

    def guard(holds: str, at: str) -> str:
        return f"guard {holds}    # {_on_one_line(at)}"

    lines = [*_lines(p, {**_INFIX, "div": "/"}, guard), f"return {_returned(p)}"]
    for i, body in enumerate(p.bodies):
        ways = [(n, q) for n, programs in body.turns for q in programs]
        for j, (n, q) in enumerate(ways):
            lines.append(f"way {j} of body {i}, {body.words(n)}:")
            lines += [f"    {line}" for line in as_text(q).splitlines()]
    return "\n".join([f"inputs {names}", *lines])


def as_python(p: Program, name: str) -> str:
    """Python source of a function that computes what a program does.

    Raises:
        TypeError: if the program has a primitive that was added at run time.
    """
    helpers: dict[str, str] = {}
    functions = _functions(p, "f", f"{name}, written out.", helpers)
    return "\n".join(
        [
            *(["import math", "", "import numpy as np", ""] if helpers else []),
            *(text + "\n" for text in helpers.values()),
            *functions,
        ]
    )


def _functions(p: Program, name: str, words: str, helpers: dict[str, str]) -> list[str]:
    """The lines of a function that computes what a program does, after those of what it calls."""
    guarded = _only_guarded(p)
    used = {ROWS[op].name for k, op in enumerate(p.ops.tolist()) if k not in guarded}
    for op in set(p.ops.tolist()):
        if op >= ADDED:
            raise TypeError(f"{ROWS[op].name} was added at run time: it has no source")
    for function in sorted(used - _WRITTEN):
        _help(function, helpers)

    def guard(holds: str, at: str) -> str:
        return f"if not ({holds}): raise ValueError({f'traced where {holds}, at {at}'!r})"

    lines = []
    for i, body in enumerate(p.bodies):
        if not isinstance(body, Mapped):
            raise TypeError(f"{words}: a {body.word} has no source")
        for j, q in enumerate(body.programs):
            lines += _functions(q, f"{name}_{i}_{j}", f"Way {j} of body {i}.", helpers)
        ways = ", ".join(f"{name}_{i}_{j}" for j in range(len(body.programs)))
        lines += [f"{name}_{i} = [{ways}], {body.lanes}, {body.own}, {body.sums}", ""]
    body_lines = [*_lines(p, _INFIX, guard, name), f"return {_returned(p)}"]
    arguments = ", ".join(f"x{i}" for i in range(p.inputs))
    return [
        *lines,
        f"def {name}({arguments}):",
        f"    {_on_one_line(words)!r}",
        *(f"    {line}" for line in body_lines),
        "",
    ]


def _on_one_line(text: str) -> str:
    """Text with line breaks and the like written as Python writes them in strings."""
    return "".join(x if x.isprintable() else repr(x)[1:-1] for x in text)


def _returned(p: Program) -> str:
    return ", ".join(_ref(p, ref) for ref in p.outputs.tolist()) or "()"


def _ref(p: Program, ref: int) -> str:
    if ref < 0:
        number = float(p.constants[-1 - ref])
        return repr(number) if math.isfinite(number) else f'float("{number}")'
    return f"x{ref}" if ref < p.inputs else f"v{ref}"


def _lines(
    p: Program, infix: dict[str, str], guard: Callable[[str, str], str], name: str = "body"
) -> list[str]:
    """Every instruction as a line: an assignment, or what ``guard`` makes of what must hold.

    The bodies of vmaps are called as ``name`` says.
    """
    lines = []
    guarded = _only_guarded(p)
    for k, op in enumerate(p.ops.tolist()):
        row = ROWS[op]
        refs = p.operands(k)
        xs = [_ref(p, ref) for ref in refs]
        if op == GUARD:
            compared, outcome, number = refs
            holds = f"{xs[0]} == {xs[1]}"
            if compared >= p.inputs:
                by = ROWS[p.ops[compared - p.inputs]]
                left, right = (_ref(p, ref) for ref in p.operands(compared - p.inputs))
                holds = f"{left} {by.label} {right}"
                holds = holds if p.constants[-1 - outcome] else f"not {holds}"
            lines.append(guard(holds, p.sources[int(p.constants[-1 - number])]))
            continue
        if k in guarded:
            continue
        if row.name in infix:
            right = f"{xs[0]} {infix[row.name]} {xs[1]}"
        elif row.name == "neg":
            right = f"-{xs[0]}" if not xs[0].startswith("-") else f"-({xs[0]})"
        elif row.name == "chain":
            right = " + ".join(xs)
        elif row.name == "products":
            right = " + ".join(f"{x} * {y}" for x, y in zip(xs[::2], xs[1::2], strict=True))
        elif row.name == "detach":
            right = xs[0]
        elif row.name == "part":
            right = f"{xs[0]}[{int(p.number(refs[1]))}]"
        elif row.name == "vmap":
            right = f"{p.call(k)[0].word}({name}_{int(p.number(refs[-1]))}, [{', '.join(xs[:-1])}])"
        elif len(row.names) == 2 and row.over_lists:
            n = len(xs) // 2
            right = f"{row.name}([{', '.join(xs[:n])}], [{', '.join(xs[n:])}])"
        elif row.fold:
            right = f"{row.name}([{', '.join(xs)}])"
        else:
            right = f"{row.name}({', '.join(xs)})"
        lines.append(f"v{p.inputs + k} = {right}")
    return lines


def _only_guarded(p: Program) -> set[int]:
    """The comparisons that guards alone read: they are written there."""
    read = set(p.outputs.tolist())
    of_guards = set()
    for k, op in enumerate(p.ops.tolist()):
        if op == GUARD:
            of_guards.add(p.operands(k)[0])
        else:
            read.update(p.operands(k))
    names = {CODES[name] for name in COMPARISONS}
    return {
        ref - p.inputs
        for ref in of_guards - read
        if ref >= p.inputs and p.ops[ref - p.inputs] in names
    }


def _help(name: str, helpers: dict[str, str]) -> None:
    """Write the definition of a function, after those that it needs."""
    if name in helpers or name in ("abs", *CONSTANTS):
        if name in CONSTANTS:
            helpers[name] = f"{name} = {CONSTANTS[name]!r}"
        return
    if name == "vmap":
        helpers[name] = inspect.getsource(_vmap).replace("_vmap(", "vmap(").replace(": Any", "")
        helpers[name] = helpers[name].replace(" -> Any", "")
        return
    if name in ON_LISTS:
        helpers[name] = source(name) + "\n"
        return
    if name == "div":
        helpers[name] = inspect.getsource(ieee.div)
        return
    if name in ("inf", "nan"):
        helpers[name] = f"{name} = math.{name}"
        return
    if name in translation.SOURCES:
        for needed in sorted(translation.names_mentioned(name) - {name}):
            _help(needed, helpers)
        helpers[name] = translation.in_python(name)
        return
    if name in ieee.FUNCTIONS:
        helpers["_total"] = (
            inspect.getsource(ieee._total)
            .replace(": Callable[..., float]", "")
            .replace(" -> Callable[..., float]", "")
        )
        helpers[name] = _library(name)
        return
    row = ROWS[CODES[name]]
    value = for_floats(str(row.value))
    fold = for_floats(row.fold) if row.fold else ""
    for needed in sorted(names_in(value) | (names_in(fold) if fold else set())):
        if needed in CODES or needed in CONSTANTS:
            _help(needed, helpers)
    if not row.over_lists:
        helpers[name] = f"def {name}({', '.join(row.names)}):\n    return {value}\n"
        return
    text = list_source(row, False)
    for x, needed in OF_LIST.items():
        if x in names_in(fold):
            _help(needed, helpers)
            text = text.replace(f"{needed}(as_)", f"{needed}(*as_)")
    helpers[name] = text + "\n"


def _vmap(body: Any, xs: Any) -> Any:
    ways, lanes, own, sums = body
    results, totals = [], [0.0] * sums
    for lane in range(lanes):
        for way in ways:
            try:
                found = way(*xs[lane * own : (lane + 1) * own], *xs[lanes * own :])
                break
            except ValueError:  # its guard fails
                if way is ways[-1]:
                    raise
        found = [*found] if isinstance(found, tuple) else [found]
        results += found[: len(found) - sums]
        totals = [t + x for t, x in zip(totals, found[len(found) - sums :], strict=True)]
    return [*results, *totals, 1.0]


def _library(name: str) -> str:
    """A function of the C library, which Python's ``math`` has, but for the edges."""
    if name in ("atan", "atan2", "tanh", "asinh", "erf", "erfc"):
        return f"{name} = math.{name}"
    if name in ("floor", "ceil", "trunc", "rint"):
        return f"{name} = lambda a: float(np.{name}(a))"
    if name == "hypot":
        return "hypot = _total(lambda a, b: abs(complex(a, b)), np.hypot)"
    if name == "cbrt":
        source = inspect.getsource(ieee._cbrt).replace(" -> Callable[[float], float]", "")
        return (
            f'import ctypes\nimport os\n\n{source}\ncbrt = getattr(math, "cbrt", None) or _cbrt()'
        )
    return f"{name} = _total(math.{name}, np.{ROWS[CODES[name]].numpy or name})"
