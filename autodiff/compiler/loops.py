"""The passes' loops over instructions.

Compiled as ``value.py`` is; ``loops.pxd`` gives the C types.  All of them read and write arrays
that their callers have made; arrays come as memoryviews, whose elements are Python's own numbers.
The loops run without Python's lock, so Cython refuses one that would touch a Python object.
Hashes have 31 bits: a longer literal would be such an object, and Python's integers stay small.
"""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from autodiff.engine import interpreted as cython

# -- for the passes --------------------------------------------------------------------------------


def rename(ops: Any, a: Any, b: Any, entries: Any, arity: Any, to: Any) -> None:
    """Read ``to[s]`` in place of every slot ``s``."""
    with cython.nogil:
        for k in range(len(ops)):
            if arity[ops[k]] != 0:
                if a[k] >= 0:
                    a[k] = to[a[k]]
                if arity[ops[k]] == 2 and b[k] >= 0:
                    b[k] = to[b[k]]
        for i in range(len(entries)):
            if entries[i] >= 0:
                entries[i] = to[entries[i]]


def mark_live(
    inputs: int, ops: Any, a: Any, b: Any, entries: Any, arity: Any, live: Any, read: Any
) -> None:
    """Mark what the marked slots are computed from, and the constants that are read for it."""
    with cython.nogil:
        for k in range(len(ops) - 1, -1, -1):
            if not live[inputs + k]:
                continue
            if arity[ops[k]] == 0:
                for i in range(a[k], a[k] + b[k]):
                    if entries[i] >= 0:
                        live[entries[i]] = 1
                    else:
                        read[-1 - entries[i]] = 1
            else:
                if a[k] >= 0:
                    live[a[k]] = 1
                else:
                    read[-1 - a[k]] = 1
                if arity[ops[k]] == 2:
                    if b[k] >= 0:
                        live[b[k]] = 1
                    else:
                        read[-1 - b[k]] = 1


def number_constants(bits: Any, read: Any, table: Any, to: Any) -> int:
    """Move constants that are read to the front, equal ones once; how many that is.

    ``to[c]`` becomes the reference by which constant ``c`` is now read.
    """
    last = len(table) - 1  # of a power of two
    n = 0
    with cython.nogil:
        for c in range(len(bits)):
            if not read[c]:
                continue
            x = bits[c]
            h = ((x & 0x7FFFFFFF) + (x >> 31) * 1000003) & 0x7FFFFFFF
            h = (h ^ (h >> 15)) * 1000003 & 0x7FFFFFFF
            at = (h ^ (h >> 13)) & last
            while table[at] >= 0 and bits[table[at]] != x:
                at = (at + 1) & last
            if table[at] < 0:
                table[at] = n
                bits[n] = x
                n += 1
            to[c] = -1 - table[at]
    return n


def compact(
    inputs: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    arity: Any,
    live: Any,
    slots: Any,
    constants: Any,
) -> tuple[int, int]:
    """Move what is live to the front; how many instructions and entries that is.

    ``slots`` gets where every live slot now is; ``constants[c]`` is the reference that constant
    ``c`` is now read by.
    """
    n = e = 0
    with cython.nogil:
        for k in range(inputs):
            slots[k] = k
        for k in range(len(ops)):
            if not live[inputs + k]:
                continue
            slots[inputs + k] = inputs + n
            ops[n] = ops[k]
            if arity[ops[k]] == 0:
                first = a[k]
                a[n] = e
                b[n] = b[k]
                for i in range(first, first + b[k]):
                    ref = entries[i]
                    entries[e] = slots[ref] if ref >= 0 else constants[-1 - ref]
                    e += 1
            else:
                a[n] = slots[a[k]] if a[k] >= 0 else constants[-1 - a[k]]
                if arity[ops[n]] == 2:
                    b[n] = slots[b[k]] if b[k] >= 0 else constants[-1 - b[k]]
                else:
                    b[n] = 0
            n += 1
    return n, e


def mark_dependent(
    inputs: int, ops: Any, a: Any, b: Any, entries: Any, arity: Any, held: Any, active: Any
) -> None:
    """Mark what is computed from the marked slots, but not through what is held constant."""
    with cython.nogil:
        for k in range(len(ops)):
            if held[ops[k]]:
                continue
            if arity[ops[k]] == 0:
                for i in range(a[k], a[k] + b[k]):
                    if entries[i] >= 0 and active[entries[i]]:
                        active[inputs + k] = 1
            elif (a[k] >= 0 and active[a[k]]) or (
                arity[ops[k]] == 2 and b[k] >= 0 and active[b[k]]
            ):
                active[inputs + k] = 1


def find_levels(
    inputs: int, ops: Any, a: Any, b: Any, entries: Any, arity: Any, level: Any
) -> None:
    """Write of each slot how many instructions, each computed from the one before, lead to it."""
    with cython.nogil:
        for k in range(len(ops)):
            high = 0
            if arity[ops[k]] == 0:
                for i in range(a[k], a[k] + b[k]):
                    if entries[i] >= 0 and level[entries[i]] > high:
                        high = level[entries[i]]
            else:
                if a[k] >= 0:
                    high = level[a[k]]
                if arity[ops[k]] == 2 and b[k] >= 0 and level[b[k]] > high:
                    high = level[b[k]]
            level[inputs + k] = high + 1


def reach(
    inputs: int,
    start: int,
    width: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    arity: Any,
    held: Any,
    results: Any,
    columns: Any,
    seen: Any,
    stack: Any,
    found: Any,
    ends: Any,
) -> int:
    """Write the columns of the inputs that results from ``start`` on depend on to ``found``.

    ``columns`` has that of every input, or -1; there are ``width`` of them.  ``ends[i]`` becomes
    where those of result ``i`` end.  Returns the first result for which there was no room.
    ``seen`` marks the slots that a result has met with its number.
    """
    row = start
    n = 0
    with cython.nogil:
        while row < len(results) and n + width <= len(found):
            first = n
            top = -1
            if results[row] >= 0:
                top = 0
                stack[0] = results[row]
            while top >= 0 and n < first + width:
                s = stack[top]
                top -= 1
                if s < inputs:
                    if columns[s] >= 0:
                        found[n] = columns[s]
                        n += 1
                    continue
                k = s - inputs
                if held[ops[k]]:
                    continue
                count = b[k] if arity[ops[k]] == 0 else arity[ops[k]]
                for i in range(count):
                    s = entries[a[k] + i] if arity[ops[k]] == 0 else a[k] if i == 0 else b[k]
                    if s >= 0 and seen[s] != row:
                        seen[s] = row
                        top += 1
                        stack[top] = s
            ends[row] = n
            row += 1
    return row


def rewrite(
    inputs: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    arity: Any,
    bits: Any,
    first: Any,
    rules: Any,
    numbers: Any,
    to: Any,
    refs: Any,
) -> int:
    """Rewrite instructions by rules until none fits; how often, or -1 if that has no end.

    The rules of operation ``op`` are those from ``first[op]`` to ``first[op + 1]``, of nine numbers
    each.  Six say what must stand at ``refs``: the two operands, the two operands of the
    instruction that is the first of them, and the two of the second; there 0 is anything, -1 a
    constant, ``-2 - i`` a constant with the bits ``numbers[i]``, and else the instruction's
    operation.  Then come the new operation and where in ``refs`` its operands stand, 6 further for
    one with its sign changed; operation 0 is the operand itself, which ``to`` gets for the slot.
    The second half of the constants has the first's with their signs changed.
    """
    half = len(bits) // 2
    count = 0
    with cython.nogil:
        for k in range(len(ops)):
            if arity[ops[k]] == 0:
                for i in range(a[k], a[k] + b[k]):
                    if entries[i] >= 0:
                        entries[i] = to[entries[i]]
                continue
            if a[k] >= 0:
                a[k] = to[a[k]]
            if arity[ops[k]] == 2 and b[k] >= 0:
                b[k] = to[b[k]]
            turns = 0
            rule = first[ops[k]]
            while rule < first[ops[k] + 1]:
                refs[0] = a[k]
                refs[1] = b[k]
                at = 9 * rule
                rule += 1
                i = 0
                while i < 6:
                    want = rules[at + i]
                    ref = refs[i]
                    if want > 0:
                        if ref < inputs or ops[ref - inputs] != want:
                            break
                        refs[2 + 2 * i] = a[ref - inputs]
                        refs[3 + 2 * i] = b[ref - inputs]
                    elif want < 0 and (
                        ref >= 0 or (want < -1 and bits[-1 - ref] != numbers[-2 - want])
                    ):
                        break
                    i += 1
                if i < 6:
                    continue
                count += 1
                turns += 1
                if rules[at + 6] == 0:
                    to[inputs + k] = refs[rules[at + 7]]
                    break
                if turns > 64:
                    break
                ops[k] = rules[at + 6]
                rule = first[ops[k]]
                for i in range(2):
                    j = rules[at + 7 + i]
                    if 0 <= j < 6:
                        ref = refs[j]
                    elif j >= 6:
                        ref = refs[j - 6]
                        ref = ref - half if ref >= -half else ref + half
                    if i == 0:
                        a[k] = ref
                    else:
                        b[k] = ref
            if turns > 64:
                count = -1
                break
    return count


def find_equal(
    inputs: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    arity: Any,
    commutes: Any,
    heads: Any,
    following: Any,
    same: Any,
) -> int:
    """For every slot, the first that computes the same; operands are rewritten on the way.

    Instructions to compare with are linked from ``heads`` on: the first few by their last operand,
    which is most often near in memory, the others by a hash.  ``following[k]`` comes after ``k``.
    Returns how many instructions compute what an earlier one does.
    """
    slots = inputs + len(ops)
    last = len(heads) - slots - 1  # of a power of two
    repeats = 0
    with cython.nogil:
        for k in range(len(ops)):
            op = ops[k]
            h = op
            if arity[op] == 0:
                for i in range(a[k], a[k] + b[k]):
                    if entries[i] >= 0:
                        entries[i] = same[entries[i]]
                    h = (h * 1000003 + entries[i]) & 0x7FFFFFFF
                at = -1
            else:
                if a[k] >= 0:
                    a[k] = same[a[k]]
                if arity[op] == 2 and b[k] >= 0:
                    b[k] = same[b[k]]
                low = a[k]
                high = b[k] if arity[op] == 2 else low
                if low > high:
                    low = b[k]
                    high = a[k]
                h = (h * 1000003 + low) & 0x7FFFFFFF
                h = (h * 1000003 + high) & 0x7FFFFFFF
                at = high
            while True:
                hashed = at < 0
                if hashed:
                    h = (h ^ (h >> 15)) * 1000003 & 0x7FFFFFFF
                    at = slots + ((h ^ (h >> 13)) & last)
                j = heads[at]
                length = 0
                while j >= 0:
                    if ops[j] == op and arity[op] != 0:
                        if a[j] == a[k] and (arity[op] == 1 or b[j] == b[k]):
                            break
                        if commutes[op] and a[j] == b[k] and b[j] == a[k]:
                            break
                    elif ops[j] == op and b[j] == b[k]:
                        i = 0
                        while i < b[k] and entries[a[j] + i] == entries[a[k] + i]:
                            i += 1
                        if i == b[k]:
                            break
                    length += 1
                    j = following[j]
                if hashed or length < 8:  # where one is found, too
                    break
                at = -1
            if j >= 0:
                same[inputs + k] = inputs + j
                repeats += 1
            else:
                following[k] = heads[at]
                heads[at] = k
    return repeats


def find_chains(
    inputs: int, add: int, ops: Any, a: Any, b: Any, inner: Any, chain: Any, starts: Any
) -> int:
    """Write the operands of every chain of additions that is not part of a longer one.

    ``inner`` is 1 for additions that are the left operand of a longer chain's, and of nothing else,
    and 2 for those that are a chain of two.
    ``starts[k]`` becomes where the operands of ``k`` begin, or -1.  Returns how many there are.
    """
    e = 0
    with cython.nogil:
        for k in range(len(ops)):
            starts[k] = -1
            if ops[k] != add or inner[k] == 1:
                continue
            if inner[k] == 0 and (a[k] < inputs or inner[a[k] - inputs] != 1):
                continue
            starts[k] = e
            j = k
            while True:
                chain[e] = b[j]
                e += 1
                i = a[j] - inputs
                if i < 0 or inner[i] != 1:
                    break
                j = i
            chain[e] = a[j]
            e += 1
            i = starts[k]
            j = e - 1
            while i < j:
                ref = chain[i]
                chain[i] = chain[j]
                chain[j] = ref
                i += 1
                j -= 1
    return e
