"""Chains of additions, and sums of products, as one instruction each.

``a + b + c`` becomes the instruction ``chain``, ``a*b + c*d + e*f`` the instruction ``products``.
Both add up from the left, as the additions did, so that all numbers stay the same to the bit.
A term among products that is none of them is multiplied by 1.0, which is exact; terms after the
last product are added by another instruction.  ``sum`` and ``dot``, which begin with 0.0, are
chains and products too.

This is the last pass: what it makes has no partial derivatives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler import loops
from autodiff.compiler.passes import dead_code, uses_of
from autodiff.compiler.program import Integers, Program, in_order, views
from autodiff.ops import CODES

ADD, MUL, SUM, DOT = (CODES[name] for name in ("add", "mul", "sum", "dot"))
CHAIN, PRODUCTS = CODES["chain"], CODES["products"]


def sums(p: Program) -> Program:
    """The program with its sums as one instruction each."""
    n, once = p.inputs, uses_of(p)[p.inputs :] == 1
    p = replace(p, constants=np.append(p.constants, [1.0, 0.0]))
    one, zero = 1 - len(p.constants), -len(p.constants)
    is_product = p.at_references(once & (p.ops == MUL))
    heads, lengths, terms = _chains(p, p.at_references(once & (p.ops == ADD)), is_product)
    of_sums = np.flatnonzero((p.ops == SUM) & (p.b > 0))
    heads = np.append(heads, of_sums)
    lengths = np.append(lengths, p.b[of_sums] + 1)
    terms = np.append(terms, _listed(p, of_sums, np.full(len(of_sums), zero)))

    product = is_product[terms]
    starts = np.cumsum(lengths) - lengths
    counts = np.add.reduceat(np.append(product, False).astype(np.int64), starts)
    fused = 2 * counts >= lengths
    among = np.repeat(fused, lengths)
    refs, product = terms[among], product[among]
    pairs = np.stack([refs, np.full(len(refs), one)], axis=1)
    factors = refs[product] - n
    pairs[product] = np.stack([p.a[factors], p.b[factors]], axis=1)
    dots = np.flatnonzero((p.ops == DOT) & (p.b > 0))
    halves = p.b[dots] // 2
    of_dots = np.stack(
        [
            _listed(p, dots, np.full(len(dots), zero), 0, halves),
            _listed(p, dots, np.full(len(dots), one), halves, halves),
        ],
        axis=1,
    )

    ops, a, b = p.ops.copy(), p.a.copy(), p.b.copy()
    entries: list[Any] = [p.entries]
    size = len(p.entries)
    for op, where, counts, refs in (
        (CHAIN, heads[~fused], lengths[~fused], terms[~among]),
        (PRODUCTS, heads[fused], 2 * lengths[fused], pairs.ravel()),
        (PRODUCTS, dots, p.b[dots] + 2, of_dots.ravel()),
    ):
        ops[where], a[where], b[where] = op, size + np.cumsum(counts) - counts, counts
        entries.append(refs.astype(np.int32))
        size += len(refs)
    return dead_code(in_order(replace(p, ops=ops, a=a, b=b, entries=np.concatenate(entries))))


def _chains(p: Program, is_sum: Any, is_product: Any) -> tuple[Integers, Integers, Integers]:
    """The additions that are a chain's last, how many terms the chains have, and these.

    ``is_sum`` and ``is_product`` say it of every reference, if it is read but once.
    """
    n = p.inputs
    added = np.flatnonzero(p.ops == ADD)
    longer = added[is_sum[p.a[added]]]
    left = p.a[longer] - n
    inner = np.zeros(len(p), np.uint8)  # 1 for what is part of a longer chain
    ends = is_product[p.b[left]] & ~is_product[p.b[longer]]  # of products, before other terms
    inner[left[~ends]] = 1
    pairs = added[is_product[p.a[added]] & is_product[p.b[added]]]
    inner[pairs[inner[pairs] == 0]] = 2  # two products are a chain, too
    chain, starts = np.zeros(2 * len(added), np.int32), np.zeros(len(p), np.int32)
    size = loops.find_chains(n, ADD, *views(p.ops, p.a, p.b, inner, chain, starts))
    heads = np.flatnonzero(starts >= 0)
    lengths = np.diff(starts[heads], append=size)
    return heads.astype(np.int32), lengths.astype(np.int32), chain[:size]


def _listed(p: Program, at: Any, first: Any, skip: Any = 0, counts: Any = None) -> Integers:
    """Of instructions over lists, a reference each, and then ``counts`` entries after ``skip``."""
    counts = p.b[at] if counts is None else counts
    ends = np.cumsum(counts + 1)
    found = np.empty(ends[-1] if len(ends) else 0, np.int32)
    starts = ends - counts - 1
    found[starts] = first
    others = np.ones(len(found), bool)
    others[starts] = False
    shift = np.repeat(p.a[at] + skip - (np.cumsum(counts) - counts), counts)
    found[others] = p.entries[shift + np.arange(len(shift))]
    return found
