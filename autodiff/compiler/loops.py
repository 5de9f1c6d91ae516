"""What goes instruction by instruction: the loops of the compiler, compiled where that is possible.

Compiled as ``value.py`` is; ``loops.pxd`` gives the C types.  All of them read and write arrays
that their callers have made.
"""

from __future__ import annotations

from typing import Any

try:
    import cython
except ImportError:
    from autodiff import _interpreted as cython

from autodiff.value import Value, trace_of

if not cython.compiled:
    from autodiff.compiler._interpreted import run_span

    NONE = -(2**31) + 1


# -- from the graph --------------------------------------------------------------------------------


def inputs_of(note: Any, numbers: Any) -> list[Any]:
    """New leaves with these data, which belong to the trace of this note."""
    leaves: list[Any] = []
    for x in numbers:
        v = Value(x)
        v._note = note
        leaves.append(v)
    return leaves


def belongs(v: Value, trace: Any, note: Any) -> bool:
    """Whether a Value was recorded in a trace, whose own note this is."""
    return v._note is note or trace_of(v) is trace


def lay_out(order: list[Any], trace: Any, inputs: list[Any]) -> tuple[Any, ...]:
    """Number the Values of a trace: inputs, what was captured, then what was computed in it.

    Returns what was captured, the numbers of those that were computed, by id, and how many
    instructions, operands in lists and constants there will be.
    """
    captured: list[Any] = []
    note = trace.note
    frozen: dict[int, int] = {}
    slot = len(inputs)
    n = entries = constants = 0
    for i, x in enumerate(inputs):
        v = x
        v._da = i
    for x in order:
        v = x
        if v._op == 0:
            if not belongs(v, trace, note):
                v._da = slot + len(captured)
                captured.append(v)
        elif not belongs(v, trace, note):
            frozen[id(v)] = slot + len(captured)
            captured.append(v)
        else:
            n += 1
            if type(v._a) is tuple:
                entries += len(v._a)
                for y in v._a:
                    if type(y) is float:
                        constants += 1
            else:
                if type(v._a) is float:
                    constants += 1
                if type(v._b) is float:
                    constants += 1
    slot += len(captured)
    for x in order:
        v = x
        if v._op != 0 and belongs(v, trace, note):
            v._grad = slot
            slot += 1
    return captured, frozen, n, entries, constants


def slot_of(x: Any, trace: Any, frozen: dict[int, int]) -> int:
    """The slot of a Value that ``lay_out`` has numbered."""
    v = x
    if v._op == 0:
        return int(v._da)
    if belongs(v, trace, trace.note):
        return int(v._grad)
    return frozen[id(v)]


def fill(
    order: list[Any],
    trace: Any,
    frozen: dict[int, int],
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    constants: Any,
) -> None:
    """Write the instructions of a trace."""
    note = trace.note
    k = e = c = 0
    for x in order:
        v = x
        if v._op == 0 or not belongs(v, trace, note):
            continue
        ops[k] = v._op
        if type(v._a) is tuple:
            a[k] = e
            b[k] = len(v._a)
            for y in v._a:
                if type(y) is float:
                    constants[c] = y
                    c += 1
                    entries[e] = -c
                else:
                    entries[e] = slot_of(y, trace, frozen)
                e += 1
        else:
            if type(v._a) is float:
                constants[c] = v._a
                c += 1
                a[k] = -c
            else:
                a[k] = slot_of(v._a, trace, frozen)
            if type(v._b) is float:
                constants[c] = v._b
                c += 1
                b[k] = -c
            elif v._b is not None:
                b[k] = slot_of(v._b, trace, frozen)
        k += 1


# -- over programs; arrays come as memoryviews, whose elements are Python's own numbers -----------


def rename(ops: Any, a: Any, b: Any, entries: Any, arity: Any, to: Any) -> None:
    """Read ``to[s]`` in place of every slot ``s``."""
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
    for c in range(len(bits)):
        if not read[c]:
            continue
        x = bits[c]
        h = ((x ^ (x >> 29)) * 2654435761) & 0xFFFFFFFFFFFF
        at = (h >> 13) & last
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
    for k in range(len(ops)):
        if held[ops[k]]:
            continue
        if arity[ops[k]] == 0:
            for i in range(a[k], a[k] + b[k]):
                if entries[i] >= 0 and active[entries[i]]:
                    active[inputs + k] = 1
        elif (a[k] >= 0 and active[a[k]]) or (arity[ops[k]] == 2 and b[k] >= 0 and active[b[k]]):
            active[inputs + k] = 1


def reach(
    inputs: int,
    stamp: int,
    root: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    arity: Any,
    held: Any,
    seen: Any,
    stack: Any,
    met: Any,
) -> int:
    """Write the inputs that a slot depends on to ``met``; how many there are.

    ``seen`` marks with ``stamp``, another one for every call.
    """
    top = found = 0
    stack[0] = root
    seen[root] = stamp
    while top >= 0:
        s = stack[top]
        top -= 1
        if s < inputs:
            met[found] = s
            found += 1
            continue
        k = s - inputs
        if held[ops[k]]:
            continue
        count = b[k] if arity[ops[k]] == 0 else arity[ops[k]]
        for i in range(count):
            s = entries[a[k] + i] if arity[ops[k]] == 0 else a[k] if i == 0 else b[k]
            if s >= 0 and seen[s] != stamp:
                seen[s] = stamp
                top += 1
                stack[top] = s
    return found


def find_equal(
    inputs: int,
    ops: Any,
    a: Any,
    b: Any,
    entries: Any,
    arity: Any,
    commutes: Any,
    table: Any,
    same: Any,
) -> None:
    """For every slot, the first that computes the same; operands are rewritten on the way."""
    last = len(table) - 1  # of a power of two
    for k in range(len(ops)):
        op = h = ops[k]  # in C, h has room for products, which op has not
        if arity[op] == 0:
            h = h * 7919 + b[k]
            for i in range(a[k], a[k] + b[k]):
                if entries[i] >= 0:
                    entries[i] = same[entries[i]]
                h = (h * 1000003 + entries[i]) & 0xFFFFFFFFFFFF
        else:
            if a[k] >= 0:
                a[k] = same[a[k]]
            if arity[op] == 2 and b[k] >= 0:
                b[k] = same[b[k]]
            if commutes[op] and a[k] > b[k]:
                i = a[k]
                a[k] = b[k]
                b[k] = i
            h = ((h * 1000003 + a[k]) * 1000003 + b[k]) & 0xFFFFFFFFFFFF
        h = (h ^ (h >> 17)) * 2654435761 & 0xFFFFFFFFFFFF
        at = (h >> 7) & last
        while table[at] >= 0:
            j = table[at]
            if ops[j] == op and b[j] == b[k]:
                if arity[op] != 0:
                    if a[j] == a[k]:
                        break
                else:
                    i = 0
                    while i < b[k] and entries[a[j] + i] == entries[a[k] + i]:
                        i += 1
                    if i == b[k]:
                        break
            at = (at + 1) & last
        if table[at] >= 0:
            same[inputs + k] = inputs + table[at]
        else:
            table[at] = k


def find_chains(
    inputs: int, add: int, ops: Any, a: Any, b: Any, inner: Any, chain: Any, starts: Any
) -> int:
    """Write the operands of every chain of additions that is not part of a longer one.

    ``inner`` marks additions that are the left operand of another, and of nothing else.
    ``starts[k]`` becomes where the operands of ``k`` begin, or -1.  Returns how many there are.
    """
    e = 0
    for k in range(len(ops)):
        starts[k] = -1
        if ops[k] != add or inner[k]:
            continue
        if a[k] < inputs or not inner[a[k] - inputs]:
            continue
        starts[k] = e
        j = k
        while True:
            chain[e] = b[j]
            e += 1
            i = a[j] - inputs
            if i < 0 or not inner[i]:
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


def resolve(to: Any) -> None:
    """Follow forwarding references to their ends: ``to[s]`` is ``s`` or stands before it."""
    for i in range(len(to)):
        if to[i] >= 0:
            to[i] = to[to[i]]


# -- derivatives -----------------------------------------------------------------------------------


class Emitter:
    """Where instructions are appended: arrays that are large enough, and how far they are filled.

    Attributes ``t_*`` are all templates, end to end (see ``rules``): template ``t`` has the
    instructions from ``t_first[t]`` to ``t_first[t + 1]``, the outputs from ``t_outs[t]`` on, and
    constants from ``t_constants[t]`` on in the new program's.
    """

    def __init__(
        self, inputs: int, filled: Any, room: Any, templates: Any, arity: Any, constants: Any
    ) -> None:
        self.inputs = inputs
        self.constants = constants
        self.n, self.e = filled
        self.ops, self.a, self.b, self.entries = room
        self.of, self.t_first, self.t_outs, self.t_constants, self.t_arity = templates[:5]
        self.t_ops, self.t_a, self.t_b, self.t_entries, self.t_out = templates[5:]
        self.arity = arity
        self.base = 0

    def filled(self) -> tuple[int, int]:
        """How many instructions there are, and how many entries."""
        return self.n, self.e

    def append(self, op: int, a: int, b: int) -> int:
        """``emit``, for callers outside."""
        return self.emit(op, a, b)

    def emit(self, op: int, a: int, b: int) -> int:
        """Append an instruction; its slot."""
        self.ops[self.n] = op
        self.a[self.n] = a
        self.b[self.n] = b
        self.n += 1
        return int(self.inputs + self.n - 1)

    def emit3(self, op: int, x: int, y: int, z: int) -> int:
        """Append an instruction over a list of three."""
        self.entries[self.e] = x
        self.entries[self.e + 1] = y
        self.entries[self.e + 2] = z
        self.e += 3
        return self.emit(op, self.e - 3, 3)

    def operand(self, k: int, i: int) -> int:
        """Operand ``i`` of instruction ``k``."""
        if self.arity[self.ops[k]] == 0:
            return int(self.entries[self.a[k] + i])
        return int(self.a[k] if i == 0 else self.b[k])

    def operands(self, k: int) -> int:
        """How many operands instruction ``k`` has."""
        n = self.arity[self.ops[k]]
        return int(self.b[k] if n == 0 else n)

    def translate(self, ref: int, k: int) -> int:
        """A reference of the template of ``k``, in the new program."""
        t = self.of[k]
        if ref < 0:
            return int(ref - self.t_constants[t])
        if ref < self.t_arity[t]:
            return self.operand(k, ref)
        if ref == self.t_arity[t]:
            return self.inputs + k
        return int(self.base + ref - self.t_arity[t] - 1)

    def instantiate(self, k: int) -> None:
        """Append the instructions of the template of ``k``."""
        t = self.of[k]
        self.base = self.inputs + self.n
        for j in range(self.t_first[t], self.t_first[t + 1]):
            op = self.t_ops[j]
            if self.arity[op] == 0:
                for i in range(self.t_a[j], self.t_a[j] + self.t_b[j]):
                    self.entries[self.e] = self.translate(self.t_entries[i], k)
                    self.e += 1
                self.emit(op, self.e - self.t_b[j], self.t_b[j])
            elif self.arity[op] == 1:
                self.emit(op, self.translate(self.t_a[j], k), 0)
            else:
                self.emit(op, self.translate(self.t_a[j], k), self.translate(self.t_b[j], k))

    def partial(self, k: int, i: int) -> int:
        """The partial of ``k``, instantiated last, with respect to its operand ``i``."""
        return self.translate(self.t_out[self.t_outs[self.of[k]] + i], k)

    def times(self, factor: int, partial: int, codes: tuple[int, ...]) -> int:
        """Append ``factor * partial``, unless one of them is 1 or -1."""
        if partial < 0:
            if self.constants[-1 - partial] == 1.0:
                return factor
            if self.constants[-1 - partial] == -1.0:
                return self.emit(codes[4], factor, 0)
        if factor < 0 and self.constants[-1 - factor] == 1.0:
            return partial
        return self.emit(codes[1], factor, partial)

    def reverse(
        self, n: int, codes: tuple[int, ...], numbers: int, active: Any, adjoint: Any
    ) -> None:
        """The chain rule, backwards over the first ``n`` instructions.

        ``adjoint`` holds those of the outputs, and gets those of every active slot;
        ``numbers`` is the constant 0, from which the constants 1, 2 ... go on, for ``pick``.
        """
        add, _, take, pick, _ = codes
        for k in range(n - 1, -1, -1):
            given = adjoint[self.inputs + k]
            if given == NONE or not active[self.inputs + k]:
                continue
            op = self.ops[k]
            count = self.operands(k)
            if op != take and op != pick:
                self.instantiate(k)
            for i in range(count):
                x = self.operand(k, i)
                if x < 0 or not active[x]:
                    continue
                if op == take:
                    c = self.emit3(pick, given, self.operand(k, count - 1), numbers - i)
                elif op == pick:
                    c = self.emit3(pick, given, self.operand(k, 1), self.operand(k, 2))
                else:
                    c = self.times(given, self.partial(k, i), codes)
                adjoint[x] = c if adjoint[x] == NONE else self.emit(add, adjoint[x], c)

    def forward(self, n: int, codes: tuple[int, ...], zero: int, active: Any, tangent: Any) -> None:
        """The chain rule, forwards: ``tangent`` holds those of inputs, and gets the others."""
        add, _, take, pick, _ = codes
        for k in range(n):
            if not active[self.inputs + k]:
                continue
            op = self.ops[k]
            count = self.operands(k)
            if op == take:
                e = self.e
                for i in range(count - 1):
                    x = self.operand(k, i)
                    self.entries[e + i] = zero if x < 0 or tangent[x] == NONE else tangent[x]
                self.entries[e + count - 1] = self.operand(k, count - 1)
                self.e += count
                tangent[self.inputs + k] = self.emit(take, e, count)
                continue
            if op != pick:
                self.instantiate(k)
            total = NONE
            for i in range(count):
                x = self.operand(k, i)
                if x < 0 or tangent[x] == NONE:
                    continue
                if op == pick:
                    c = self.emit3(pick, tangent[x], self.operand(k, 1), self.operand(k, 2))
                else:
                    c = self.times(tangent[x], self.partial(k, i), codes)
                total = c if total == NONE else self.emit(add, total, c)
            tangent[self.inputs + k] = total


# -- running ---------------------------------------------------------------------------------------


class Runner:
    """A program's arrays, ready to be run in a buffer: constants backwards, then the slots."""

    def __init__(
        self, constants: int, inputs: int, ops: Any, a: Any, b: Any, entries: Any, outputs: Any
    ) -> None:
        self.constants = constants
        self.inputs = inputs
        self.ops = ops
        self.a = a
        self.b = b
        self.entries = entries
        self.outputs = outputs

    def begin(self, given: Any, w: Any, s: Any) -> int:
        """Run from the start, on these inputs: see ``go_on``."""
        for i in range(self.inputs):
            w[self.constants + i] = given[i]
        return self.go_on(0, w, s)

    def go_on(self, start: int, w: Any, s: Any) -> int:
        """Run from instruction ``start`` on; how far it came.

        To the end; or to an instruction ``k`` that Python must do; or, as ``-1 - k``, to one whose
        index is out of range.
        """
        return run_span(
            start, self.constants, self.inputs, self.ops, self.a, self.b, self.entries, w, s
        )

    def read(self, w: Any, found: Any) -> None:
        """Write the outputs to ``found``."""
        for i in range(len(self.outputs)):
            found[i] = w[self.constants + self.outputs[i]]
