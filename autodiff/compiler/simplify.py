"""All that makes a program simpler: the passes one after the other, also over what its vmaps run.

* ``simplified`` -- what every program goes through before it is differentiated, replayed or shown;
* ``trimmed`` -- a vmap computes what is read of it, and is given what it reads;
* ``merged`` -- vmaps over the same lanes, as of a function and its gradient, become one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakSet

import numpy as np

from autodiff.compiler.derivatives import NOTHING_HELD, dependent
from autodiff.compiler.passes import (
    behind,
    common_subexpressions,
    dead_code,
    fold_constants,
    identities,
    powers,
)
from autodiff.compiler.program import (
    Body,
    Integers,
    Mapped,
    Program,
    Vmap,
    in_order,
    inputs_read,
    reordered,
    with_inputs,
)
from autodiff.engine.instructions import VMAP

#: By the kind of body, what trims those that are no vmaps (``scan_simplify``): from a body and the
#: results that are read to another, the operands that it reads, and which results are read now.
TRIM: dict[type[Body], Callable[..., tuple[Body, Integers, Integers]]] = {}

#: The passes, in order.
SIMPLIFY: tuple[Callable[[Program], Program], ...] = (
    dead_code,
    fold_constants,
    powers,
    identities,
    common_subexpressions,
)

FEW = 16  #: vmaps that are compared with one another: of more, as in a Jacobian, each is for a lane

_simple: WeakSet[Mapped] = WeakSet()  # bodies that need not be simplified again


def simplified(p: Program, merging: bool = True) -> Program:
    """The program after all of ``SIMPLIFY``, and with its vmaps simplified.

    Without ``merging``, what does not depend on an input does not come to depend on it.
    """
    for simplify in SIMPLIFY:
        p = simplify(p)
    if VMAP not in p.ops:
        return p
    p = trimmed(p)
    return dead_code(trimmed(merged(p)) if merging else p)


def trimmed(p: Program) -> Program:
    """With vmaps and scans that compute what is read of them, and are given what they read."""
    calls: dict[int, tuple[Body, Integers]] = {}
    which, at = {}, {}
    for k, (parts, results) in p.parts().items():
        body, refs = p.call(k)
        if isinstance(body, Mapped):
            fewer, which[k] = _trimmed(p.vmap(k), results)
            calls[k] = fewer.body, fewer.refs()
        else:
            body, left, which[k] = TRIM[type(body)](body, results)
            calls[k] = body, refs[left]
        at[k] = parts
    return _with_calls(p, calls, which, at)


def _trimmed(call: Vmap, read: Integers) -> tuple[Vmap, Integers]:
    """A vmap without the results that are not read; and which of its results now those are."""
    body = call.body
    n, m = body.lanes * body.results, body.results
    asked = np.bincount(read, minlength=len(body)) > 0
    kept = np.append(asked[:n].reshape(body.lanes, m).any(axis=0), asked[n:-1])
    programs = body.ways
    if not kept.all() or body not in _simple:
        programs = tuple(simplified(q.returning(q.outputs[kept])) for q in programs)
    inputs = np.logical_or.reduce([inputs_read(q) for q in programs])
    own, shared = inputs[: body.own], inputs[body.own :]
    if not inputs.all():
        to = np.cumsum(inputs) - 1
        programs = tuple(with_inputs(q, int(inputs.sum()), to) for q in programs)
    fewer = body  # what is ready to run it stays so
    if programs is not body.ways:
        fewer = Mapped(programs, body.lanes, int(own.sum()), int(kept[m:].sum()), body.threads)
        _simple.add(fewer)
    left = np.concatenate([np.tile(kept[:m], body.lanes), kept[m:], [True]])
    to_results = (np.cumsum(left) - 1)[read]
    return Vmap(fewer, call.own[:, own], call.shared[shared]), to_results


def _with_calls(
    p: Program,
    calls: dict[int, tuple[Body, Integers]],
    which: dict[int, Integers],
    at: dict[int, Integers],
) -> Program:
    """The program with other bodies, and with their parts, which are ``at``, reading ``which``."""
    bodies = tuple(body for body, _ in calls.values())
    numbers = np.concatenate([*which.values(), np.arange(len(bodies))])
    first = -1 - len(p.constants)
    b, size = p.b.copy(), len(p.entries)
    a, added, done = p.a.copy(), [p.entries], 0
    for k in calls:
        b[at[k]] = first - done - np.arange(len(at[k]))
        done += len(at[k])
    for i, (k, (_, operands)) in enumerate(calls.items()):
        refs = np.append(operands, first - done - i)
        added.append(refs.astype(np.int32))
        a[k], b[k] = size, len(refs)
        size += len(refs)
    constants = np.concatenate([p.constants, numbers])
    q = replace(p, a=a, b=b, entries=np.concatenate(added), constants=constants, bodies=bodies)
    return in_order(q)


def merged(p: Program) -> Program:
    """With vmaps over the same lanes made one, where neither needs the other.

    They have operands in common and go the same ways, having the same guards: so they compute the
    same things, which are then computed once.
    """
    found: Program | None = p if (p.ops == VMAP).sum() <= FEW else None
    while found is not None:
        p, found = found, None
        vmaps = [k for k in p.parts() if isinstance(p.call(k)[0], Mapped)]
        for pair in itertools.combinations(vmaps, 2):
            found = _merged(p, *pair)
            if found is not None:
                break
    return p


def _merged(p: Program, first: int, second: int) -> Program | None:
    """With two vmaps made one, in place of the second; None if that cannot be."""
    x, y = p.vmap(first), p.vmap(second)
    if dependent(p, [p.inputs + first], NOTHING_HELD)[p.inputs + second]:
        return None
    both = _both(x, y)
    if both is None:
        return None
    parts = p.parts()
    calls = {k: p.call(k) for k in parts if k != first} | {second: (both.body, both.refs())}
    at = {k: parts[k][0] for k in calls}
    which = {k: parts[k][1] for k in calls}
    (of_x, read_x), (of_y, read_y) = parts[first], parts[second]
    which[second] = np.concatenate(
        [_moved(read_x, x.body, both.body, 0), _moved(read_y, y.body, both.body, 1)]
    )
    a = p.a.copy()
    a[of_x] = p.inputs + second
    at[second] = np.concatenate([of_x, of_y])
    q = _with_calls(replace(p, a=a), calls, which, at)
    # What needs one of the two now comes behind it.
    late = dependent(q, [q.inputs + second], NOTHING_HELD)[q.inputs :].astype(np.int32)
    late[second] = 0
    return dead_code(reordered(q, np.argsort(late, kind="stable")))


def _both(x: Vmap, y: Vmap) -> Vmap | None:
    """Two vmaps in one; None if they are not over the same lanes, or go other ways.

    Its results are those of a lane of the first, then of the second, and likewise the sums.
    """
    if x.body.lanes != y.body.lanes or len(x.body.programs) != len(y.body.programs):
        return None
    own, of_own = np.unique(np.hstack([x.own, y.own]), axis=1, return_inverse=True)
    shared, of_shared = np.unique(np.append(x.shared, y.shared), return_inverse=True)
    of_own, of_shared = of_own.reshape(-1), of_shared.reshape(-1) + own.shape[1]
    if own.shape[1] == x.body.own + y.body.own:  # nothing in common
        return None
    inputs, programs = own.shape[1] + len(shared), []
    m, n = x.body.results, y.body.results
    for left, right in zip(x.body.programs, y.body.programs, strict=True):
        q = with_inputs(left, inputs, np.append(of_own[: x.body.own], of_shared[: x.body.shared]))
        r = with_inputs(right, inputs, np.append(of_own[x.body.own :], of_shared[x.body.shared :]))
        whole = behind(q, r)
        results = [q.outputs[:m], whole.outputs[:n], q.outputs[m:], whole.outputs[n:]]
        whole = simplified(whole.returning(np.concatenate(results)))
        if len(whole.guards) > len(left.guards):
            return None
        programs.append(whole)
    added, threads = x.body.sums + y.body.sums, max(x.body.threads, y.body.threads)
    body = Mapped(tuple(programs), x.body.lanes, own.shape[1], added, threads)
    _simple.add(body)
    return Vmap(body, own, shared)


def _moved(read: Integers, of: Mapped, both: Mapped, second: int) -> Integers:
    """Which results of two vmaps in one are these, of the first or the ``second``."""
    n, m = of.lanes * of.results, max(of.results, 1)
    before = second * (both.results - of.results)
    moved = read // m * both.results + before + read % m
    sums = both.lanes * both.results + second * (both.sums - of.sums) + read - n
    last = read == len(of) - 1
    return np.where(last, len(both) - 1, np.where(read < n, moved, sums))
