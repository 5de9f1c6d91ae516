"""Random graphs through both engines and a naive evaluator: they agree bit for bit."""

import itertools
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import programs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import COMPILED, ops
from autodiff.engine import ieee, kernels
from autodiff.engine.instructions import ON_LISTS

pytestmark = pytest.mark.once  # it asks both engines itself

ARITY = {row.name: len(row.names) for row in ops.TABLE}
NAMES = list(ARITY)
SPECIAL = [
    *(sign * x for x in (0.0, 5e-324, 0.5, 1.0, 30.0, 1e300, math.inf) for sign in (1, -1)),
    math.nan,
]


FEW = [0.0, -0.0, 0.5, -1.0, 2.0, 1e300, math.inf, -math.inf, math.nan]


@pytest.fixture(scope="module")
def interpreted():
    """A function that runs a program in another process, by the interpreted engine."""
    with subprocess.Popen(
        [sys.executable, Path(__file__).parent / "helpers" / "programs.py"],
        env={**os.environ, "AUTODIFF_PURE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def answer():
            return json.loads(process.stdout.readline())

        def run(program):
            process.stdin.write(json.dumps(program) + "\n")
            process.stdin.flush()
            return answer()

        assert answer() == {"compiled": False}
        yield run


# -- random programs -------------------------------------------------------------------------------

numbers = st.one_of(
    st.floats(-4, 4), st.sampled_from(SPECIAL), st.floats(allow_subnormal=True)
).map(float.hex)


@st.composite
def random_programs(draw):
    """A program with shared sub-expressions and constants, of any primitives."""
    leaves = draw(st.lists(numbers, min_size=1, max_size=4))
    nodes = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=10)):
        size = ARITY[name] * (draw(st.integers(1, 4)) if name in programs.LISTS else 1)
        earlier = st.integers(0, len(leaves) + len(nodes) - 1)
        operands = draw(
            st.lists(st.one_of(earlier, earlier, numbers), min_size=size, max_size=size)
        )
        if not any(isinstance(x, int) for x in operands):
            operands[draw(st.integers(0, size - 1))] = draw(earlier)
        nodes.append([name, operands])
    return {"leaves": leaves, "nodes": nodes}


def large_program(seed, size):
    """A program too large to draw, of operations that keep numbers moderate."""
    random_ = random.Random(seed)
    leaves = [random_.uniform(-2, 2).hex() for _ in range(10)]
    nodes = []
    for _ in range(size):
        name = random_.choice(["mul", "add", "sin", "tanh", "dot", "maximum", "softplus", "atan2"])
        count = ARITY[name] * (3 if name in programs.LISTS else 1)
        latest = range(max(0, len(nodes) - 10), len(nodes) + 10)
        nodes.append([name, random_.choices(latest, k=count)])
        nodes.append(["tanh", [9 + len(nodes)]])
    return {"leaves": leaves, "nodes": nodes}


@given(program=random_programs())
def test_engines_agree_on_random_graphs(interpreted, program):
    assert programs.run(program) == interpreted(program)


@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_on_large_graphs(interpreted, seed):
    program = large_program(seed, 300)
    result = programs.run(program)
    assert result == interpreted(program)
    reached = [x for x in result["gradients"] if float.fromhex(x) != 0]
    assert len(reached) > 100


@pytest.mark.parametrize("name", [name for name in NAMES if name not in programs.LISTS])
def test_engines_agree_at_every_edge(interpreted, name):
    n = ARITY[name]
    special = SPECIAL if n < 4 else FEW
    every = [x.hex() for operands in itertools.product(special, repeat=n) for x in operands]
    step = 1 if COMPILED else 10  # interpreted, the engine is compared with itself
    for first in range(0, len(every), step * 300 * n):
        leaves = every[first : first + 300 * n]
        nodes = [[name, list(range(i, i + n))] for i in range(0, len(leaves), n)]
        nodes.append(["sum", list(range(len(leaves), len(leaves) + len(nodes)))])
        program = {"leaves": leaves, "nodes": nodes}
        assert programs.run(program) == interpreted(program)


@pytest.mark.parametrize("name", programs.LISTS)
def test_engines_agree_on_lists_of_edges(interpreted, name):
    for pair in itertools.product(SPECIAL, repeat=2):
        operands = [*pair, 1.5, *reversed(pair), -2.5][: 3 * ARITY[name]]
        leaves = [x.hex() for x in operands]
        program = {"leaves": leaves, "nodes": [[name, list(range(len(leaves)))]]}
        assert programs.run(program) == interpreted(program)


@given(program=random_programs())
def test_gradients_that_are_values_are_those_that_are_numbers(program):
    result = programs.run(program)
    for x, y in zip(result["gradients"], result["recorded gradients"], strict=True):
        # A number starts from +0, so that only a Value's zero can be negative.
        assert x == y or float.fromhex(x) == float.fromhex(y) == 0.0


# -- the naive evaluator: recursive, on plain floats -----------------------------------------------


def folded(name, *lists):
    """``(value, partials)`` of a function of lists, written out."""
    (xs, *_), n = lists, len(lists[0])
    if name == "sum":
        return added(xs), [1.0] * n
    if name == "mean":
        return added(xs) / n, [1 / n] * n
    if name == "dot":
        xs, ys = lists
        return added(x * y for x, y in zip(xs, ys, strict=True)), [*ys, *xs]
    if name == "norm":
        u = ON_LISTS["unit"](xs)
        root = ieee.FUNCTIONS["sqrt"](added((x / u) * (x / u) for x in xs))
        return u * root, [x / u / root if root else 0.0 for x in xs]
    m = ON_LISTS["largest"](xs)
    powers = [ieee.FUNCTIONS["exp"](x - m) for x in xs]
    total = added(powers)
    return m + ieee.FUNCTIONS["log"](total), [ieee.div(p, total) for p in powers]


def added(xs):
    """The sum from left to right: Python's own sum() may compensate."""
    total = 0.0
    for x in xs:
        total += x
    return total


def evaluate(name, operands):
    """``(value, partials)`` of a primitive."""
    if name in programs.LISTS:
        return folded(name, *programs.as_lists(name, operands))
    v = kernels.FLOATS[name](*operands)
    partials = kernels.partial_functions(ops.row(name), kernels.FLOATS)
    return v, [partial(*operands, v) for partial in partials]


class Naive:
    """A program's values and adjoints, each by recursion from the definition."""

    def __init__(self, program):
        self.leaves = [float.fromhex(x) for x in program["leaves"]]
        self.nodes = program["nodes"]
        self.root = len(self.leaves) + len(self.nodes) - 1

    def node(self, k):
        name, operands = self.nodes[k - len(self.leaves)]
        numbers = [self.value(x) if isinstance(x, int) else float.fromhex(x) for x in operands]
        return evaluate(name, numbers)

    def value(self, k):
        return self.leaves[k] if k < len(self.leaves) else self.node(k)[0]

    def partials(self, k):
        if k < len(self.leaves):
            return []
        _, operands = self.nodes[k - len(self.leaves)]
        partials = self.node(k)[1]
        return [p if isinstance(x, int) else 0.0 for p, x in zip(partials, operands, strict=True)]

    def adjoint(self, k):
        """d root / d k, and the sum of its contributions' magnitudes; None if there is no path."""
        if k == self.root:
            return 1.0, 1.0
        found = None
        for j in range(max(k + 1, len(self.leaves)), self.root + 1):
            _, operands = self.nodes[j - len(self.leaves)]
            if k in operands and (above := self.adjoint(j)):
                for x, partial in zip(operands, self.partials(j), strict=True):
                    if x == k:
                        total, magnitude = found or (0.0, 0.0)
                        magnitude += above[1] * abs(partial)
                        found = total + above[0] * partial, magnitude
        return found


@given(program=random_programs())
def test_the_engine_agrees_with_the_naive_evaluator(program):
    naive, result = Naive(program), programs.run(program)
    for k, data in enumerate(result["data"]):
        assert data == naive.value(k).hex()
        assert result["partials"][k] == [x.hex() for x in naive.partials(k)]
        got = float.fromhex(result["gradients"][k])
        if (expected := naive.adjoint(k)) is None:
            assert got == 0.0
        elif expected[1] < 1e300:  # no term overflows, in whatever order they are added
            assert abs(got - expected[0]) <= 1e-12 * expected[1] + 1e-300
