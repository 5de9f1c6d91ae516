"""Histories as data: what is done to one growing graph, so that two engines can live through it.

A history is a list of commands, each ``[name, argument, ...]``: a method of ``Player`` and what it
is given.  Graph nodes go by handles, small integers that the history itself hands out; a dropped
handle is a dropped reference.  An operand is a handle, or else a number, a constant.  Numbers are
hexadecimal strings, which keep every bit.

Run as a script, this answers every history on a line of the input with what was seen on a line.
"""

import gc
import importlib.machinery
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from programs import as_lists

import autodiff
from autodiff import COMPILED, Value, no_grad


class Player:
    """Does what a history says, on the engine that runs here, and notes what is to be seen."""

    def __init__(self):
        self.values = {}
        self.seen = []

    def do(self, command):
        name, *arguments = command
        return getattr(self, name)(*arguments)

    def leaf(self, handle, number):
        self.values[handle] = Value(float.fromhex(number))

    def record(self, handle, name, operands, recording):
        xs = [self.values[x] if isinstance(x, int) else float.fromhex(x) for x in operands]
        with nullcontext() if recording else no_grad():
            self.values[handle] = getattr(autodiff, name)(*as_lists(name, xs))

    def detach(self, handle, source):
        self.values[handle] = self.values[source].detach()

    def reach(self, handle, source, position):
        """Take hold of an operand again, which may have been dropped."""
        self.values[handle] = self.values[source].operands[position]

    def gradient(self, handle, source):
        """Take hold of a gradient that was recorded."""
        self.values[handle] = self.values[source].grad

    def drop(self, handle):
        del self.values[handle]

    def set_data(self, handle, number):
        self.values[handle].data = float.fromhex(number)

    def zero_gradient(self, handle):
        self.values[handle].grad = 0.0

    def sweep(self, handle, seed, create_graph):
        """Whether the sweep took place: one that is to be recorded may be refused."""
        try:
            self.values[handle].backward(float.fromhex(seed), create_graph)
        except RuntimeError as error:
            self.seen.append(str(error))
            return False
        self.seen.append([shown(v) for v in self.values.values()])
        return True

    def collect(self):
        gc.collect()

    def end(self):
        """Note everything that can still be reached."""
        self.seen.append([shown(v) for v in reachable(self.values.values())])


def shown(v):
    gradient = v.grad.data if isinstance(v.grad, Value) else v.grad
    return [v.op, v.data.hex(), gradient.hex(), [x.hex() for x in v.partials]]


def reachable(values):
    """Every Value that leads to ``values``, and to their gradients, each once."""
    found, pending = {}, [*values]
    while pending:
        v = pending.pop()
        if isinstance(v, Value) and id(v) not in found:
            found[id(v)] = v
            pending += [*v.operands, v.grad]
    return list(found.values())


def replay(history):
    """What is seen while a history is lived through."""
    player = Player()
    for command in history:
        player.do(command)
    player.end()
    return player.seen


#: Whether there is a compiled engine that a process could run.
BUILT = any(
    Path(autodiff.__file__).with_name(f"value{suffix}").exists()
    for suffix in importlib.machinery.EXTENSION_SUFFIXES
)


class OtherEngine:
    """A process that lives through histories one after the other; started again should it die."""

    process = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "AUTODIFF_PURE": "1" if COMPILED else "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == {"compiled": BUILT and not COMPILED}

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise EOFError("the other engine died")
        return json.loads(line)

    def stop(self):
        if self.process:
            self.process.communicate()
        self.process = None

    def __call__(self, history):
        if not self.process:
            self.start()
        self.process.stdin.write(json.dumps(history) + "\n")
        self.process.stdin.flush()
        return self.answer()


if __name__ == "__main__":
    gc.freeze()  # what is imported is never collected: collect() need not look through it
    print(json.dumps({"compiled": COMPILED}), flush=True)
    for line in sys.stdin:
        print(json.dumps(replay(json.loads(line))), flush=True)
