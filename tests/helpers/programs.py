"""Programs as data, so that two processes with two engines can run the same one.

A program is ``{"leaves": [number, ...], "nodes": [[name, [operand, ...]], ...]}``.  An operand is
the index of a leaf or an earlier node, or else a number, a constant.  Numbers are hexadecimal
strings, which keep every bit.  The last node is the root.

Run as a script, this answers every program on a line of the input with its result on a line.
"""

import json
import sys

import autodiff
from autodiff import COMPILED, Value, ops

LISTS = {row.name: len(row.names) for row in ops.TABLE if row.over_lists}


def as_lists(name, operands):
    """The arguments of a function: a list row's operands stand end to end."""
    n = len(operands) // LISTS.get(name, 1)
    return [operands[i : i + n] for i in range(0, len(operands), n)] if name in LISTS else operands


def record(program):
    """Every Value of a program."""
    values = [Value(float.fromhex(x)) for x in program["leaves"]]
    for name, operands in program["nodes"]:
        xs = [values[x] if isinstance(x, int) else float.fromhex(x) for x in operands]
        values.append(getattr(autodiff, name)(*as_lists(name, xs)))
    return values


def run(program):
    """What the engine makes of a program: numbers by Value, as hexadecimal strings."""
    values = record(program)
    values[-1].backward()
    again = record(program)
    again[-1].backward(create_graph=True)
    recorded = [v.grad.data if isinstance(v.grad, Value) else v.grad for v in again]
    return {
        "data": [v.data.hex() for v in values],
        "partials": [[x.hex() for x in v.partials] for v in values],
        "gradients": [v.grad.hex() for v in values],
        "recorded gradients": [x.hex() for x in recorded],
    }


if __name__ == "__main__":
    print(json.dumps({"compiled": COMPILED}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
