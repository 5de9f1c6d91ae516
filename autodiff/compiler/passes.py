"""Passes: each from a program to a simpler one that computes the same, bit for bit.

* ``dead_code`` -- leave out what no output depends on, and constants that stand there twice;
* ``fold_constants`` -- compute now what depends on no input;
* ``identities`` -- algebra that holds for every IEEE number, signed zeros and nan included;
* ``common_subexpressions`` -- compute the same only once;
* ``sums`` -- chains of additions into one instruction; of products, into a dot product.

Derivatives come before them: what ``sums`` makes has no partial derivatives.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler import loops
from autodiff.compiler.execute import Machine
from autodiff.compiler.program import ARITY, STATIC, Integers, Program, views
from autodiff.ops import CODES

#: ``left = right`` for every x and y, every constant c, and every constant k that is finite and not
#: 0: each row is exact in IEEE 754 arithmetic.
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
    ("monomial(k, x, 1.0)", "mul(k, x)"),
    ("monomial(k, x, 0.0)", "k"),
    ("abs(neg(x))", "abs(x)"),
    ("mul(x, 2.0)", "add(x, x)"),  # so that one of the two forms is common
    ("mul(2.0, x)", "add(x, x)"),
    ("neg(mul(c, x))", "mul(neg(c), x)"),
    ("neg(mul(x, c))", "mul(neg(c), x)"),
    ("mul(c, neg(x))", "mul(neg(c), x)"),
    ("mul(neg(x), c)", "mul(neg(c), x)"),
]


def dead_code(p: Program) -> Program:
    """Without the instructions and constants that no output depends on.

    Constants that are equal to the bit become one.
    """
    live, read = np.zeros(p.inputs + len(p), np.uint8), np.zeros(len(p.constants), np.uint8)
    live[p.outputs[p.outputs >= 0]] = 1
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
    return Program(p.inputs, outputs, bits[:kept].copy().view(np.float64), *filled, p.checks)


def _renamed(p: Program, to: Integers) -> Program:
    """With ``to[s]`` read in place of slot ``s``."""
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    loops.rename(*views(p.ops, a, b, entries, ARITY, to))
    outputs = p.outputs.copy()
    outputs[outputs >= 0] = to[outputs[outputs >= 0]]
    return replace(p, a=a, b=b, entries=entries, outputs=outputs)


def fold_constants(p: Program) -> Program:
    """With what depends on no input computed."""
    varying = np.zeros(p.inputs + len(p), np.uint8)
    varying[: p.inputs] = 1
    varying[p.inputs :][p.ops >= STATIC] = 1
    nothing_held = np.zeros(2**16, np.uint8)
    arrays = (p.ops, p.a, p.b, p.entries, ARITY, nothing_held, varying)
    loops.mark_dependent(p.inputs, *views(*arrays))
    fixed = np.flatnonzero(varying == 0).astype(np.int32)
    if not len(fixed):
        return p
    known = Machine(dead_code(replace(p, outputs=fixed, checks=())))(np.zeros(p.inputs))
    assert known is not None
    to = np.arange(len(varying), dtype=np.int32)
    to[fixed] = -1 - len(p.constants) - np.arange(len(fixed), dtype=np.int32)
    return dead_code(_renamed(replace(p, constants=np.concatenate([p.constants, known])), to))


def common_subexpressions(p: Program) -> Program:
    """With equal instructions done once."""
    same = np.arange(p.inputs + len(p), dtype=np.int32)
    commutes = np.zeros(2**16, np.uint8)
    commutes[[CODES["add"], CODES["mul"]]] = 1
    table = np.full(2 << len(p).bit_length(), -1, np.int32)
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    arrays = (p.ops, a, b, entries, ARITY, commutes, table, same)
    loops.find_equal(p.inputs, *views(*arrays))
    return dead_code(_renamed(p, same))


class _Pattern(NamedTuple):
    """One side of an identity: an operation and its operands, or a name."""

    op: int
    operands: tuple[Any, ...]


def _parsed(node: ast.expr) -> Any:
    """A pattern, a name (a string) or a number."""
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return _Pattern(CODES[node.func.id], tuple(_parsed(x) for x in node.args))
    return node.id if isinstance(node, ast.Name) else float(ast.literal_eval(node))


_RULES = [tuple(_parsed(ast.parse(side, mode="eval").body) for side in r) for r in IDENTITIES]


def identities(p: Program) -> Program:
    """With the ``IDENTITIES`` applied wherever they fit, until none does.

    Raises:
        RuntimeError: if they never stop fitting, which would be a mistake in their list.
    """
    for _ in range(64):
        changed = False
        for pattern, result in _RULES:
            at, names = _match(p, pattern)
            if not len(at):
                continue
            changed = True
            if isinstance(result, str):
                to = np.arange(p.inputs + len(p), dtype=np.int32)
                to[p.inputs + at] = names[result]
                loops.resolve(*views(to))
                p = _renamed(p, to)
            else:
                p = _rewritten(p, at, result, names)
        if not changed:
            return p
        p = dead_code(p)
    raise RuntimeError("identities: the rules rewrite one another for ever")


def _match(p: Program, pattern: _Pattern) -> tuple[Integers, dict[str, Integers]]:
    """Where a pattern fits, and what its names stand for there."""
    at = np.flatnonzero(p.ops == pattern.op).astype(np.int32)
    names: dict[str, Integers] = {}
    for i, operand in enumerate(pattern.operands):
        if not len(at):
            break
        these = (p.a, p.b)[i][at] if ARITY[pattern.op] else p.entries[p.a[at] + i]
        if isinstance(operand, str):
            names[operand] = these
            fits = these < 0 if operand in ("c", "k") else np.ones(len(at), bool)
            if operand == "k" and fits.any():
                constants = p.constants[-1 - np.minimum(these, -1)]
                fits &= np.isfinite(constants) & (constants != 0)
        elif isinstance(operand, float):
            same = p.constants.view(np.int64) == np.float64(operand).view(np.int64)
            fits = (these < 0) & same[-1 - np.minimum(these, -1)] if same.any() else same[:0]
        else:
            inner = np.maximum(these - p.inputs, 0)
            fits = (these >= p.inputs) & (p.ops[inner] == operand.op)
            for name, those in zip(operand.operands, (p.a[inner], p.b[inner]), strict=False):
                names[name] = those
                fits &= (those < 0) | (name != "c")
        at = at[np.flatnonzero(fits)]
        names = {name: found[np.flatnonzero(fits)] for name, found in names.items()}
    return at, names


def _rewritten(p: Program, at: Integers, result: _Pattern, names: dict[str, Integers]) -> Program:
    """With another operation at these instructions."""
    ops, a, b = p.ops.copy(), p.a.copy(), p.b.copy()
    ops[at] = result.op
    constants = p.constants
    for refs, operand in zip((a, b), result.operands, strict=False):
        if isinstance(operand, str):
            refs[at] = names[operand]
        else:  # neg(c)
            refs[at] = -1 - len(constants) - np.arange(len(at), dtype=np.int32)
            constants = np.concatenate([constants, -constants[-1 - names["c"]]])
    if len(result.operands) == 1:
        b[at] = 0
    return replace(p, ops=ops, a=a, b=b, constants=constants)


def sums(p: Program) -> Program:
    """With chains of additions, and sums of products, as one instruction each."""
    n, add, mul = p.inputs, CODES["add"], CODES["mul"]
    uses = _uses(p)
    once = uses[n:] == 1
    inner = np.zeros(len(p), np.uint8)
    left = p.a[p.ops == add]
    left = left[left >= n] - n
    inner[left[once[left] & (p.ops[left] == add)]] = 1
    chain = np.zeros(2 * int((p.ops == add).sum()) + 1, np.int32)
    starts = np.zeros(len(p), np.int32)
    size = loops.find_chains(n, add, *views(p.ops, p.a, p.b, inner, chain, starts))
    heads = np.flatnonzero(starts >= 0)
    lengths = np.diff([*starts[heads].tolist(), size]).astype(np.int32)
    entries = [p.entries, chain[:size]]
    ops, a, b = p.ops.copy(), p.a.copy(), p.b.copy()
    ops[heads], a[heads], b[heads] = CODES["chain"], starts[heads] + len(p.entries), lengths

    is_product = np.zeros(n + len(p), bool)
    is_product[n:] = once & (p.ops == mul)
    operands = chain[:size]
    product = (operands >= 0) & is_product[np.maximum(operands, 0)]
    if len(heads):
        whole = np.logical_and.reduceat(product, starts[heads])
        chosen = np.repeat(whole, lengths)
        factors = operands[chosen] - n
        pairs = np.stack([p.a[factors], p.b[factors]], axis=1).ravel().astype(np.int32)
        where = np.cumsum(np.where(whole, 2 * lengths, 0)) - np.where(whole, 2 * lengths, 0)
        ops[heads[whole]] = CODES["products"]
        a[heads[whole]] = len(p.entries) + size + where[whole]
        b[heads[whole]] = 2 * lengths[whole]
        entries.append(pairs)
    every = np.concatenate(entries)
    over_list = ARITY[ops] == 0
    lengths = b[over_list]
    first = np.cumsum(lengths) - lengths
    shift = np.repeat(a[over_list] - first, lengths)
    a[over_list] = first
    in_order = every[shift + np.arange(len(shift))]
    return dead_code(replace(p, ops=ops, a=a, b=b, entries=in_order))


def _uses(p: Program) -> Integers:
    """Of every slot, how often it is read."""
    arity = ARITY[p.ops]
    refs = np.concatenate([p.a[arity > 0], p.b[arity == 2], p.entries, p.outputs])
    return np.bincount(refs[refs >= 0], minlength=p.inputs + len(p)).astype(np.int32)


#: What every program goes through before it is differentiated, replayed or shown.
SIMPLIFY: tuple[Callable[[Program], Program], ...] = (
    dead_code,
    fold_constants,
    identities,
    common_subexpressions,
)


def simplified(p: Program) -> Program:
    """The program after all of ``SIMPLIFY``."""
    for simplify in SIMPLIFY:
        p = simplify(p)
    return p
