"""Passes: each from a program to a simpler one that computes the same, bit for bit.

* ``dead_code`` -- leave out what no output depends on, and constants that stand there twice;
* ``fold_constants`` -- compute now what depends on no input;
* ``powers`` -- a power of 1 or 0 as what it is;
* ``identities`` -- algebra that holds for every IEEE number, signed zeros and nan included;
* ``common_subexpressions`` -- compute the same only once.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler import loops
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import ARITY, GUARD, Integers, Program, views
from autodiff.engine.instructions import STATIC, VMAP
from autodiff.ops import CODES

#: Of every row, whether its operands may be exchanged.
COMMUTES = np.zeros(2**16, np.uint8)
COMMUTES[[CODES["add"], CODES["mul"]]] = 1

#: ``left = right`` for every x and y and constant c: each row is exact in IEEE 754 arithmetic.
IDENTITIES = [
    ("mul(x, 1.0)", "x"),
    ("mul(1.0, x)", "x"),
    ("div(x, 1.0)", "x"),
    ("sub(x, 0.0)", "x"),  # not x + 0.0, which makes 0.0 of -0.0
    ("add(x, -0.0)", "x"),
    ("add(-0.0, x)", "x"),
    ("mul(x, -1.0)", "neg(x)"),
    ("mul(-1.0, x)", "neg(x)"),
    ("neg(neg(x))", "x"),
    ("add(x, neg(y))", "sub(x, y)"),
    ("add(neg(x), y)", "sub(y, x)"),
    ("sub(x, neg(y))", "add(x, y)"),
    ("mul(neg(x), neg(y))", "mul(x, y)"),
    ("div(neg(x), neg(y))", "div(x, y)"),
    ("square(neg(x))", "square(x)"),
    ("pow(x, 2.0)", "square(x)"),
    ("pow(x, 1.0)", "x"),
    ("abs(neg(x))", "abs(x)"),
    ("mul(x, 2.0)", "add(x, x)"),  # so that one of the two forms is common
    ("mul(2.0, x)", "add(x, x)"),
    ("neg(mul(c, x))", "mul(neg(c), x)"),
    ("neg(mul(x, c))", "mul(neg(c), x)"),
    ("mul(c, neg(x))", "mul(neg(c), x)"),
    ("mul(neg(x), c)", "mul(neg(c), x)"),
]


def dead_code(p: Program, guards: bool = True) -> Program:
    """Without the instructions and constants that no output, and no guard, depends on.

    Constants that are equal to the bit become one.  Without ``guards``, only outputs count.
    """
    live, read = np.zeros(p.inputs + len(p), np.uint8), np.zeros(len(p.constants), np.uint8)
    live[p.outputs[p.outputs >= 0]] = 1
    live[p.inputs :][p.ops == GUARD] |= guards
    read[-1 - p.outputs[p.outputs < 0]] = 1
    loops.mark_live(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, live, read))
    bits = p.constants.view(np.int64).copy()
    constants = np.zeros(len(read), np.int32)
    table = np.full(2 << len(read).bit_length(), -1, np.int32)
    kept = loops.number_constants(*views(bits, read, table, constants))
    slots = np.zeros(len(live), np.int32)
    ops, a, b, entries = p.ops.copy(), p.a.copy(), p.b.copy(), p.entries.copy()
    n, e = loops.compact(p.inputs, *views(ops, a, b, entries, ARITY, live, slots, constants))
    outputs = p.outputs.copy()
    outputs[outputs >= 0] = slots[outputs[outputs >= 0]]
    outputs[outputs < 0] = constants[-1 - outputs[outputs < 0]]
    filled = (ops[:n].copy(), a[:n].copy(), b[:n].copy(), entries[:e].copy())
    return Program(
        p.inputs, outputs, bits[:kept].copy().view(np.float64), *filled, p.sources, p.bodies
    )


def _forwarded(p: Program, to: Integers) -> Program:
    """With the outputs read from ``to[s]`` in place of slot ``s``."""
    outputs = p.outputs.copy()
    outputs[outputs >= 0] = to[outputs[outputs >= 0]]
    return replace(p, outputs=outputs)


def behind(guards: Program, p: Program) -> Program:
    """One program of two on the same inputs: guards, then what is only right where they hold."""
    n, m, c = p.inputs, len(guards), len(guards.constants)

    def moved(refs: Any) -> Any:
        return np.where(refs < 0, refs - c, np.where(refs < n, refs, refs + m)).astype(np.int32)

    b = np.where(ARITY[p.ops] == 2, moved(p.b), p.b).astype(np.int32)
    a = np.where(p.over_list, p.a + len(guards.entries), moved(p.a)).astype(np.int32)
    entries = moved(p.entries)
    at = (p.a + p.b - 1)[p.ops == VMAP]  # where the numbers of bodies stand, which are others now
    numbers = p.number(p.entries[at]) + len(guards.bodies)
    entries[at] = -1 - c - len(p.constants) - np.arange(len(at))
    return replace(
        guards,
        outputs=moved(p.outputs),
        constants=np.concatenate([guards.constants, p.constants, numbers]),
        ops=np.concatenate([guards.ops, p.ops]),
        a=np.concatenate([guards.a, a]),
        b=np.concatenate([guards.b, b]),
        entries=np.concatenate([guards.entries, entries]),
        bodies=guards.bodies + p.bodies,
    )


def fold_constants(p: Program) -> Program:
    """With what depends on no input computed."""
    varying = np.zeros(p.inputs + len(p), np.uint8)
    varying[: p.inputs] = 1
    varying[p.inputs :][(p.ops >= STATIC) | (p.ops == GUARD)] = 1
    nothing_held = np.zeros(2**16, np.uint8)
    arrays = (p.ops, p.a, p.b, p.entries, ARITY, nothing_held, varying)
    loops.mark_dependent(p.inputs, *views(*arrays))
    fixed = np.flatnonzero(varying == 0).astype(np.int32)
    if not len(fixed):
        return p
    known = Machine(dead_code(p.returning(fixed), guards=False))(np.zeros(p.inputs))
    assert known is not None
    to = np.arange(len(varying), dtype=np.int32)
    to[fixed] = -1 - len(p.constants) - np.arange(len(fixed), dtype=np.int32)
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    loops.rename(*views(p.ops, a, b, entries, ARITY, to))
    constants = np.concatenate([p.constants, known])
    return dead_code(_forwarded(replace(p, a=a, b=b, entries=entries, constants=constants), to))


def common_subexpressions(p: Program) -> Program:
    """With equal instructions done once."""
    same = np.arange(p.inputs + len(p), dtype=np.int32)
    heads = np.full(len(same) + (1 << len(p).bit_length()), -1, np.int32)
    following = np.empty(len(p), np.int32)
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    arrays = (p.ops, a, b, entries, ARITY, COMMUTES, heads, following, same)
    if not loops.find_equal(p.inputs, *views(*arrays)):
        return p
    ops, slots = p.ops.copy(), np.arange(p.inputs, len(same))
    again = (ops == GUARD) & (same[p.inputs :] != slots)
    ops[again] = CODES["detach"]  # no guard twice: this is left out, as nothing reads it
    return dead_code(_forwarded(replace(p, ops=ops, a=a, b=b, entries=entries), same))


def powers(p: Program) -> Program:
    """With ``monomial(k, x, 1.0)`` as ``k*x``, and ``monomial(k, x, 0.0)`` as ``k``.

    Both are exact for every x, and every constant k that is finite and not 0.
    """
    at = np.flatnonzero(p.ops == CODES["monomial"])
    if not len(at):
        return p
    k, x, n = (p.entries[p.a[at] + i] for i in range(3))
    numbers = np.concatenate([p.constants, [np.nan]])  # the last for what is no constant
    factor, exponent = (numbers[np.where(refs < 0, -1 - refs, -1)] for refs in (k, n))
    fits = np.isfinite(factor) & (factor != 0)
    linear, constant = (
        np.flatnonzero(fits & (exponent == 1)),
        np.flatnonzero(fits & (exponent == 0)),
    )
    ops, a, b, entries = p.ops.copy(), p.a.copy(), p.b.copy(), p.entries.copy()
    ops[at[linear]], a[at[linear]], b[at[linear]] = CODES["mul"], k[linear], x[linear]
    to = np.arange(p.inputs + len(p), dtype=np.int32)
    to[p.inputs + at[constant]] = k[constant]
    loops.rename(*views(ops, a, b, entries, ARITY, to))
    return dead_code(_forwarded(replace(p, ops=ops, a=a, b=b, entries=entries), to))


class _Pattern(NamedTuple):
    """One side of an identity: an operation and its operands, or a name."""

    op: int
    operands: tuple[Any, ...]


def _parsed(node: ast.expr) -> Any:
    """A pattern, a name (a string) or a number."""
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return _Pattern(CODES[node.func.id], tuple(_parsed(x) for x in node.args))
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def _rules(identities: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
    """Identities as ``loops.rewrite`` reads them: where those of an operation begin, all of them,
    and the bits of the numbers in them.
    """
    parsed = [[_parsed(ast.parse(side, mode="eval").body) for side in row] for row in identities]
    parsed.sort(key=lambda row: row[0].op)
    numbers: list[float] = []

    def wanted(operand: Any) -> int:
        if isinstance(operand, float):
            numbers.append(operand)
            return -1 - len(numbers)
        return operand.op if isinstance(operand, _Pattern) else -1 if operand == "c" else 0

    rules = []
    for pattern, result in parsed:
        wants, places = [0] * 6, {}
        for i, operand in enumerate(pattern.operands):
            wants[i], places[operand] = wanted(operand), i
            for j, inner in enumerate(getattr(operand, "operands", ())):
                wants[2 + 2 * i + j], places[inner] = wanted(inner), 2 + 2 * i + j
        if isinstance(result, str):
            rules.append([*wants, 0, places[result], -1])
            continue
        operands = [places[x] if isinstance(x, str) else 6 + places["c"] for x in result.operands]
        rules.append([*wants, result.op, *operands, -1][:9])
    first = np.searchsorted([pattern.op for pattern, _ in parsed], np.arange(2**16 + 1))
    return first.astype(np.int32), np.array(rules, np.int32), np.array(numbers).view(np.int64)


_RULES = _rules(IDENTITIES)


def identities(p: Program) -> Program:
    """With the ``IDENTITIES`` applied wherever they fit, until none does.

    Raises:
        RuntimeError: if no fixpoint is reached: a mistake in the list of identities.
    """
    to = np.arange(p.inputs + len(p), dtype=np.int32)
    ops, a, b, entries = p.ops.copy(), p.a.copy(), p.b.copy(), p.entries.copy()
    constants = np.concatenate([p.constants, -p.constants])
    first, rules, numbers = _RULES
    arrays = (ops, a, b, entries, ARITY, constants.view(np.int64), first, rules.ravel(), numbers)
    count = loops.rewrite(p.inputs, *views(*arrays, to, np.zeros(6, np.int32)))
    if count < 0:
        raise RuntimeError("identities: the rules rewrite one another for ever")
    if not count:
        return p
    q = replace(p, ops=ops, a=a, b=b, entries=entries, constants=constants)
    return dead_code(_forwarded(q, to))


def uses_of(p: Program) -> Integers:
    """Of every slot, how often it is read."""
    arity = ARITY[p.ops]
    refs = np.concatenate([p.a[arity > 0], p.b[arity == 2], p.entries, p.outputs])
    return np.bincount(refs[refs >= 0], minlength=p.inputs + len(p)).astype(np.int32)
