"""What ``machine.pxd`` gives ``machine.py`` when it is compiled, for when it is not.

Groups run as NumPy operations on all lanes, where these compute the same numbers to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from autodiff.compiler.lanes import AXES, EACH, IN_PLACE, SCATTER, WIDTH
from autodiff.compiler.program import ARITY
from autodiff.engine import special
from autodiff.engine.choice import count_interpreted
from autodiff.engine.expressions import names_in
from autodiff.engine.instructions import ON_LISTS, PART, STATIC
from autodiff.engine.kernels import FLOATS, KERNELS, value_on_arrays
from autodiff.ops import CODES, ROWS

#: Functions that are exact, or correctly rounded, and so the same in every library.
_ROUNDED = {"abs", "sqrt", "floor", "ceil", "trunc", "rint"}


def _over_list(op: int) -> Callable[[list[float]], float]:
    row = ROWS[op]
    if row.name in ON_LISTS:
        return ON_LISTS[row.name]
    if not row.over_lists:
        return lambda xs: FLOATS[row.name](*xs)
    lists = len(row.names)

    def value(xs: list[float]) -> float:
        n = len(xs) // lists
        return float(KERNELS[op](*(xs[i * n : (i + 1) * n] for i in range(lists)))[0])

    return value


def run_span(
    start: int,
    end: int,
    constants: int,
    out: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    otherwise: Any,
    w: Any,
) -> int:
    """Run instructions one by one, as ``ad_run`` does in C."""
    count_interpreted(end - start)
    functions: dict[int, Callable[..., float]] = {CODES["detach"]: lambda x: x}
    k = start - 1
    while k + 1 < end:
        k += 1
        op = ops[k]
        if op >= STATIC:
            return k
        if op == PART:  # its vmap has written it
            continue
        arity = ARITY[op]
        if op not in functions:
            functions[op] = FLOATS[ROWS[op].name] if arity else _over_list(op)
        if arity == 0:
            try:
                x = functions[op]([w[constants + r] for r in entries[a[k] : a[k] + b[k]]])
            except IndexError:
                if otherwise[k] < 0:
                    return -1 - k
                k = otherwise[k] - 1
                continue
        elif arity == 1:
            x = functions[op](w[constants + a[k]])
        else:
            x = functions[op](w[constants + a[k]], w[constants + b[k]])
        w[constants + out + k] = x
    return end


def run_steps(
    start: int,
    constants: int,
    out: int,
    steps: Any,
    packed: Any,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    otherwise: Any,
    w: Any,
    s: Any,
) -> int:
    """Run steps, as ``ad_run_steps`` does in C."""
    k = start
    for step in np.asarray(steps).reshape(-1, WIDTH).tolist():
        op, first, end = step[:3]
        if k >= end:
            continue
        if op == 0:
            came = run_span(k, end, constants, out, ops, a, b, entries, otherwise, w)
            if came != end:
                return came
        else:
            run = _scatter if op == SCATTER else _group
            lanes = np.asarray(w)[constants + out + first : constants + out + end]
            with np.errstate(all="ignore"):
                run(step, np.asarray(packed), np.asarray(w), np.asarray(s), constants, lanes)
        k = end
    return k


def run_lanes(steps: Any, packed: Any, w: Any, s: Any, bad: Any, first: int) -> None:
    """Run the steps of a block of lanes, as ``ad_run_lanes`` does in C."""
    numbers, room, copied = np.asarray(w), np.asarray(s), np.asarray(packed)
    for step in np.asarray(steps).reshape(-1, WIDTH).tolist():
        results = numbers[first + step[1] : first + step[2]]
        if step[0] != EACH:
            with np.errstate(all="ignore"):
                _group(step, copied, numbers, room, first, results)
            continue
        n, op, where, number = step[3:7]
        at, by = copied[where : where + n], copied[where + n : where + 2 * n]
        function = _over_list(op)
        for lane in range(len(bad)):
            try:
                results[lane] = function(numbers[first + at + by * lane].tolist())
            except IndexError:
                bad[lane] = min(bad[lane] or number, number)


def _group(step: list[int], packed: Any, w: Any, s: Any, constants: int, lanes: Any) -> None:
    """Compute a group, as ``ad_vector`` does in C."""
    op, terms, sizes = step[0], step[3], step[4 : 4 + AXES]

    def operand(i: int, terms: int = 1) -> Any:
        first, count, base, *strides, step_of_terms = _operand(step, i)
        if first >= 0:
            s[base : base + count] = w[constants + packed[first : first + count]]
        source, at = (w, np.array(constants + base)) if first == IN_PLACE else (s, np.array(base))
        for stride, size in zip(strides, sizes, strict=True):
            at = np.add.outer(at, stride * np.arange(size))
        return source[np.add.outer(step_of_terms * np.arange(terms), at.ravel())]

    name = ROWS[op].name
    if name == "pick":
        x, i, j, y = (operand(k)[0] for k in range(4))
        lanes[:] = np.where(i == j, x, y)
    elif ARITY[op]:
        lanes[:] = _on_lanes(op)(*(operand(k)[0] for k in range(ARITY[op])))
    else:
        pairs = name == "products"
        total = operand(0)[0] * operand(1)[0] if pairs else operand(0)[0]
        xs = operand(2, terms) * operand(3, terms) if pairs else operand(1, terms)
        for x in xs:
            total = total + x
        lanes[:] = total


def _operand(step: list[int], i: int) -> list[int]:
    return step[4 + AXES + i * (AXES + 4) :][: AXES + 4]


def _scatter(step: list[int], packed: Any, w: Any, s: Any, constants: int, lanes: Any) -> None:
    """Add numbers to some of many sums, as ``ad_scatter`` does in C."""
    terms, lists, size, n = step[3 : 4 + AXES]
    x, i, to, elements = (packed[_operand(step, k)[0] :] for k in range(4))
    indices = w[constants + i[:terms]]
    lanes[:] = 0.0
    if (indices == indices[0]).all():
        lanes[w[constants + elements[:n]] == indices[0]] = -0.0
    to = to[: lists * size].reshape(lists, size)
    for index, adjoints in zip(indices, x[: terms * lists].reshape(terms, lists), strict=True):
        if 0 <= index < size and index == int(index):
            chosen = to[:, int(index)]
            lanes[chosen[chosen >= 0]] += w[constants + adjoints[chosen >= 0]]


@cache
def _on_lanes(op: int) -> Callable[..., Any]:
    """A row's value as a function of arrays, the same to the bit as that of floats."""
    row = ROWS[op]
    if row.name == "detach":
        return lambda xs: xs
    if _is_rounded(row.name):
        return value_on_arrays(row)
    function = np.frompyfunc(FLOATS[row.name], len(row.names), 1)
    return lambda *xs: function(*xs).astype(np.float64)


@cache
def _is_rounded(name: str) -> bool:
    """Whether a row is made of operators, and of functions that are the same in every library."""
    row = ROWS[CODES[name]]
    names = names_in(str(row.value)) - {*row.names}
    return (name not in special.FUNCTIONS or name in _ROUNDED | {"div"}) and all(
        x == name or x not in CODES or _is_rounded(x) for x in names
    )


_BASE, _INPUTS, _LENGTH, _CODE, _ENTRIES, _OUTPUTS, _SPLIT, _WAY = range(8)  # see steps.h
_DONE, _IN_PYTHON, _NO_WAY = range(3)


def advance_steps(
    at: Any,
    first: int,
    last: int,
    ways: Any,
    code: Any,
    entries: Any,
    outputs: Any,
    stride: int,
    to_split: bool,
    sizes: Any,
    w: Any,
    s: Any,
    carry: Any,
    following: Any,
    own: Any,
    results: Any,
    chosen: Any,
    saved: Any,
    every: int,
) -> int:
    """Run steps, as ``ad_advance`` does in C."""
    n, of_own, of_results = sizes
    i, way, k = at
    while i < last:
        while way < len(ways) // _WAY:
            y = ways[way * _WAY :]
            base = (i - first) * stride + y[_BASE]
            end = y[_SPLIT if to_split else _LENGTH]
            if not k:
                w[base : base + n] = carry[:n]
                w[base + n : base + n + of_own] = own[i * of_own : (i + 1) * of_own]
            k = _run_way(k, end, y, base, code, entries, w)
            if k == end:
                break
            if k >= 0:
                at[0], at[1], at[2] = i, way, k
                return _IN_PYTHON
            way, k = way + 1, 0
        else:
            at[0] = i
            return _NO_WAY
        found = [w[base + ref] for ref in outputs[y[_OUTPUTS] : y[_OUTPUTS] + n + of_results]]
        for j in range(n):
            carry[j] = found[j]
        for j in range(of_results):
            results[i * of_results + j] = found[n + j]
        if len(chosen):
            chosen[i - first] = way
        i, way, k = i + 1, 0, 0
        if every and i % every == 0:
            saved[i // every * n : (i // every + 1) * n] = carry[:n]
    at[0] = i
    return _DONE


def retreat_steps(
    at: Any,
    first: int,
    ways: Any,
    code: Any,
    entries: Any,
    outputs: Any,
    stride: int,
    sizes: Any,
    w: Any,
    s: Any,
    back: Any,
    given: Any,
    of_own: Any,
    of_shared: Any,
    chosen: Any,
) -> int:
    """Go back over steps, as ``ad_retreat`` does in C."""
    n, of_carry, of_back, of_given, own, shared = sizes
    i, _, k = at
    while i >= first:
        y = ways[chosen[i - first] * _WAY :]
        base = (i - first) * stride + y[_BASE]
        if k < 0:
            w[base + n : base + n + of_back] = back[:of_back]
            end = base + n + of_back + of_given
            w[base + n + of_back : end] = given[i * of_given : (i + 1) * of_given]
            k = y[_SPLIT]
        k = _run_way(k, y[_LENGTH], y, base, code, entries, w)
        if k != y[_LENGTH]:
            at[0], at[1], at[2] = i, chosen[i - first], k
            return _NO_WAY if k < 0 else _IN_PYTHON
        start = y[_OUTPUTS] + of_carry
        found = [w[base + ref] for ref in outputs[start : start + of_back + own + shared]]
        for j in range(of_back):
            back[j] = found[j]
        for j in range(own):
            of_own[i * own + j] = found[of_back + j]
        for j in range(shared):
            of_shared[j] += found[of_back + own + j]
        i, k = i - 1, -1
    return _DONE


def _run_way(k: int, end: int, y: Any, base: int, code: Any, entries: Any, w: Any) -> int:
    """Run instructions of one of the ways of a step, as ``ad_chain`` does in C."""
    ops, a, b = np.asarray(code).reshape(-1, 3)[y[_CODE] : y[_CODE] + y[_LENGTH]].T.tolist()
    ops = [op % STATIC if op < 4 * STATIC else op for op in ops]
    otherwise = [-1] * len(ops)
    return run_span(k, end, base, y[_INPUTS], ops, a, b, entries[y[_ENTRIES] :], otherwise, w)
