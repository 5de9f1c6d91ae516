"""A program as text: readable assignments, and counts."""

from __future__ import annotations

import math
from collections.abc import Callable

from autodiff.compiler.machine import flops
from autodiff.compiler.program import GUARD, Program
from autodiff.compiler.sums import sums
from autodiff.ops import CODES, COMPARISONS, ROWS, Row

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


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
    lines = [*_lines(p), f"return {', '.join(_name(p, ref) for ref in p.outputs.tolist()) or '()'}"]
    for i, body in enumerate(p.bodies):
        ways = [(n, q) for n, programs in body.turns for q in programs]
        for j, (n, q) in enumerate(ways):
            lines.append(f"way {j} of body {i}, {body.words(n)}:")
            lines += [f"    {line}" for line in as_text(q).splitlines()]
    return "\n".join([f"inputs {names}", *lines])


def on_one_line(text: str) -> str:
    """Text with line breaks and the like written as Python writes them in strings."""
    return "".join(x if x.isprintable() else repr(x)[1:-1] for x in text)


def _name(p: Program, ref: int) -> str:
    """What a reference is called: a number, an input, or what an instruction computes."""
    if ref < 0:
        return constant(float(p.constants[-1 - ref]))
    return f"x{ref}" if ref < p.inputs else f"v{ref}"


def _lines(p: Program) -> list[str]:
    """Every instruction as a line: an assignment, or what a guard demands."""

    def name(ref: int) -> str:
        return _name(p, ref)

    lines = []
    guarded = only_guarded(p)
    for k, op in enumerate(p.ops.tolist()):
        row, refs = ROWS[op], p.operands(k)
        xs = [name(ref) for ref in refs]
        if op == GUARD:
            at = on_one_line(p.sources[int(p.number(refs[2]))])
            lines.append(f"guard {demanded(p, k, name)}    # {at}")
            continue
        if k in guarded:
            continue
        if row.name == "part":
            right = f"{xs[0]}[{int(p.number(refs[1]))}]"
        elif row.name == "vmap":
            what = f"{p.call(k)[0].word}(body_{int(p.number(refs[-1]))}"
            right = f"{what}, [{', '.join(xs[:-1])}])"
        else:
            right = right_side(row, xs)
        lines.append(f"v{p.inputs + k} = {right}")
    return lines


def constant(number: float) -> str:
    """A number as Python writes it, in an expression that gives it back."""
    return repr(number) if math.isfinite(number) else f'float("{number}")'


def right_side(row: Row, xs: list[str], infix: dict[str, str] = INFIX) -> str:
    """An operation on operands that are written already, with no others around it.

    >>> from autodiff.ops import row
    >>> right_side(row("mul"), ["x", "-2.0"]), right_side(row("mean"), ["x", "y"])
    ('x * -2.0', 'mean([x, y])')
    """
    if row.name in infix:
        return f"{xs[0]} {infix[row.name]} {xs[1]}"
    if row.name == "neg":
        return f"-{xs[0]}" if not xs[0].startswith("-") else f"-({xs[0]})"
    if row.name == "chain":
        return " + ".join(xs)
    if row.name == "products":
        return " + ".join(f"{x} * {y}" for x, y in zip(xs[::2], xs[1::2], strict=True))
    if row.name == "detach":
        return xs[0]
    if len(row.names) == 2 and row.over_lists:
        n = len(xs) // 2
        return f"{row.name}([{', '.join(xs[:n])}], [{', '.join(xs[n:])}])"
    return f"{row.name}([{', '.join(xs)}])" if row.fold else f"{row.name}({', '.join(xs)})"


def demanded(p: Program, k: int, name: Callable[[int], str]) -> str:
    """What guard ``k`` demands, with references named so: that a comparison holds, or does not."""
    compared, outcome, _ = p.operands(k)
    of = compared - p.inputs
    if of < 0 or ROWS[p.ops[of]].name not in COMPARISONS:
        return f"{name(compared)} == {name(outcome)}"
    left, right = (name(ref) for ref in p.operands(of))
    holds = f"{left} {ROWS[p.ops[of]].label} {right}"
    return holds if p.constants[-1 - outcome] else f"not {holds}"


def only_guarded(p: Program) -> set[int]:
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
