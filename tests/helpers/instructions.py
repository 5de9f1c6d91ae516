"""Programs written by hand, instruction after instruction."""

import numpy as np

from autodiff.compiler.program import ARITY, Program
from autodiff.ops import CODES


def ints(*numbers):
    return np.array(numbers, np.int32)


def built(*code, inputs=2, constants=(), outputs=(), **others):
    """A program of rows, by name or number, and their operands: whatever they are."""
    ops, a, b, entries = [], [], [], []
    for name, *refs in code:
        ops.append(CODES.get(name, name))
        over_list = ARITY[ops[-1]] == 0
        a.append(len(entries) if over_list else refs[0])
        b.append(len(refs) if over_list else refs[1] if len(refs) > 1 else 0)
        entries += refs if over_list else []
    return Program(
        inputs,
        ints(*outputs),
        np.array(constants, float),
        np.array(ops, np.uint16),
        *(ints(*x) for x in (a, b, entries)),
        **others,
    )
