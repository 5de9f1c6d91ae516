"""Each pass does its work, on programs written by hand, and does no more than that."""

import ast
import importlib.util
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from instructions import built

from autodiff import cos, dot, mean, primitive, sin, vmap
from autodiff import sum as sum_
from autodiff.compiler import derivatives, emitter, loops, passes, program, simplify, writing
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import ARITY, Program, validate, views
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import trace
from autodiff.ops import CODES, ROWS
from autodiff.testing import expressions

FOLDER = Path(program.__file__).parent


def interpreted_loops():
    """The loops as Python runs them, whatever is compiled."""
    spec = importlib.util.spec_from_file_location("interpreted_loops", FOLDER / "loops.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


#: The loops that take lists as well: these, if nothing is compiled.
IN_PYTHON = loops if loops.__file__.endswith(".py") else interpreted_loops()


def arrays(p):
    return [x.tolist() for x in (p.outputs, p.ops, p.a, p.b, p.entries)] + [p.constants.tobytes()]


def written(inputs, constants, *code, outputs, sources=()):
    """A program of rows, by name or number, and their operands."""
    return validate(
        built(*code, inputs=inputs, constants=constants, outputs=outputs, sources=sources)
    )


def text(p):
    return writing.as_text(p).splitlines()[1:]


# -- the loops -------------------------------------------------------------------------------------


def without_lock(function):
    """How many loops a function has, and how many of them run without Python's lock."""

    def loops_in(node):
        return sum(isinstance(x, (ast.For, ast.While)) for x in ast.walk(node))

    blocks = [x for x in ast.walk(function) if isinstance(x, ast.With)]
    free = [x for x in blocks if ast.unparse(x.items[0]) == "cython.nogil"]
    return loops_in(function), sum(map(loops_in, free))


@pytest.mark.parametrize("module", [loops, emitter])
def test_loops_run_without_the_lock_and_so_touch_no_python_object(module):
    tree = ast.parse((FOLDER / f"{module.__name__.rpartition('.')[2]}.py").read_text())
    functions = {x.name: x for x in ast.walk(tree) if isinstance(x, ast.FunctionDef)}
    if module is emitter:  # what these call is declared to need no lock
        functions = {name: functions[name] for name in ("reverse", "forward")}
    counted = [without_lock(function) for function in functions.values()]
    assert sum(every for every, _ in counted) >= 4
    assert all(every == free for every, free in counted)


@given(f=expressions(3, max_size=12))
def test_both_engines_simplify_alike(f):
    p = trace(lambda xs: [f(*xs)], [0.3, -1.7, 2.0]).program
    p = derivatives.reverse(p, [{0: None}], range(3), keep=True)
    found = []
    for engine in (loops, interpreted_loops()):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passes, "loops", engine)
            found.append(arrays(sums(simplify.simplified(p))))
    assert found[0] == found[1]


# -- written out -----------------------------------------------------------------------------------


def test_every_kind_of_operation_is_written_as_a_reader_would_write_it():
    p = written(
        2,
        [-3.0, 2.0, 1.0, 5.0],
        ("neg", 0),
        ("neg", -1),
        ("detach", 2),
        ("div", 4, -2),
        ("dot", 0, 1, 5, 2, -3, -4),
        ("mean", 0, 1, 6),
        ("clip", 7, -3, -4),
        ("chain", 0, 1, 8),
        ("products", 0, 1, 9, -2),
        outputs=[10, 3, -1],
    )
    assert writing.as_text(p).splitlines() == [
        "inputs x0, x1",
        "v2 = -x0",
        "v3 = -(-3.0)",
        "v4 = v2",
        "v5 = v4 / 2.0",
        "v6 = dot([x0, x1, v5], [v2, 1.0, 5.0])",
        "v7 = mean([x0, x1, v6])",
        "v8 = clip(v7, 1.0, 5.0)",
        "v9 = x0 + x1 + v8",
        "v10 = x0 * x1 + v9 * 2.0",
        "return v10, v3, -3.0",
    ]
    assert writing.as_text(written(0, [], outputs=[])) == "inputs none\nreturn ()"


def test_guards_demand_comparisons_that_are_not_written_twice():
    p = written(
        2,
        [0.0, 1.0, 7.0, 2.0, 3.0],
        ("sin", 0),
        ("less", 0, 1),
        ("greater", 2, -4),
        ("equal", 0, -3),
        ("guard", 3, -2, -1),
        ("guard", 4, -1, -2),
        ("guard", 5, -2, -4),
        ("mul", 5, 1),
        ("guard", 0, -3, -5),
        ("exp", 1),
        ("guard", 11, -1, -5),
        ("less_equal", 1, 0),
        ("less_equal", 0, 1),
        outputs=[9, 13, 14],
        sources=("a.py:1", "b.py:2", "c.py:3", "d.py:4"),
    )
    assert text(p) == [
        "v2 = sin(x0)",
        "v5 = equal(x0, 7.0)",
        "guard x0 < x1    # a.py:1",
        "guard not v2 > 2.0    # b.py:2",
        "guard x0 == 7.0    # c.py:3",
        "v9 = v5 * x1",
        "guard x0 == 7.0    # d.py:4",
        "v11 = exp(x1)",
        "guard v11 == 0.0    # d.py:4",
        "v13 = less_equal(x1, x0)",
        "v14 = less_equal(x0, x1)",
        "return v9, v13, v14",
    ]
    p = written(1, [0.0, 1.0], ("guard", -2, -2, -1), outputs=[-1], sources=("here",))
    assert text(p) == ["guard 1.0 == 1.0    # here", "return 0.0"]


def test_what_has_a_body_is_written_with_its_ways_below():
    def lane(x, y):
        return sin(x * y) if x > 0.0 else y

    def f(xs):
        found = vmap(lambda x: lane(x, xs[2]))(np.array(xs[:2]))
        return [*vmap(lambda x: x * x)(found), xs[0]]

    at = f"{__file__}:{lane.__code__.co_firstlineno + 1}"
    assert text(trace(f, [0.5, -1.0, 2.0]).program) == [
        "v3 = vmap(body_0, [x0, x1, x2])",
        "v4 = v3[0]",
        "v5 = v3[1]",
        "v6 = vmap(body_1, [v4, v5])",
        "v7 = v6[0]",
        "v8 = v6[1]",
        "return v7, v8, x0",
        "way 0 of body 0, for 2 lanes, x0 to x0 its own:",
        "    inputs x0, x1",
        f"    guard x0 > 0.0    # {at}",
        "    v4 = x0 * x1",
        "    v5 = sin(v4)",
        "    return v5",
        "way 1 of body 0, for 2 lanes, x0 to x0 its own:",
        "    inputs x0, x1",
        f"    guard not x0 > 0.0    # {at}",
        "    return x1",
        "way 0 of body 1, for 2 lanes, x0 to x0 its own:",
        "    inputs x0",
        "    v1 = x0 * x0",
        "    return v1",
    ]


def test_where_references_are_moved():
    """The first slot as well, and those of constants; what is no operand stays as it is."""
    p = written(
        2,
        [0.5],
        ("sub", 0, 1),
        ("sub", 1, 0),
        ("sum", 0, -1, 1),
        ("exp", 0),
        outputs=[0, 1, 2, 3, 4, 5, -1],
    )
    q = validate(program.with_inputs(p, 3, [2, 1]), "with_inputs")
    assert text(q) == [
        "v3 = x2 - x1",
        "v4 = x1 - x2",
        "v5 = sum([x2, 0.5, x1])",
        "v6 = exp(x2)",
        "return x2, x1, v3, v4, v5, v6, 0.5",
    ]
    assert q.b.tolist() == [1, 2, 3, 0]


def levels(p):
    level = np.full(p.inputs + len(p), 99, np.int32)
    level[: p.inputs] = 0
    loops.find_levels(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, level))
    return level[p.inputs :].tolist()


def test_the_level_of_an_instruction_is_one_above_its_highest_operand():
    p = written(
        0,
        [0.5, 2.0],
        ("exp", -1),
        ("sum", -1, 0),
        ("sum", 0, -2),
        ("sub", -1, 1),
        ("sub", 3, 2),
        ("sub", 1, 4),
        ("sum", 5, 0, 4, -1),
        ("exp", -2),
        ("exp", 0),
        ("sub", 0, -1),
        ("sub", -1, 0),
        ("sum", 1, 1),
        ("sub", 3, -2),
        ("sum", -1),
        outputs=[],
    )
    assert levels(p) == [1, 2, 2, 3, 4, 5, 6, 1, 2, 2, 2, 3, 4, 1]
    assert levels(written(1, [], ("exp", 0), ("sub", 0, 0), ("sum", 0), outputs=[])) == [1, 1, 1]


def reached(p, columns, width, room, start=0):
    """The first result for which there was no room, and the columns of those before it."""
    slots = p.inputs + len(p)
    seen, stack = np.full(slots, -1, np.int32), np.zeros(slots, np.int32)
    found, ends = np.zeros(room, np.int32), np.zeros(len(p.outputs), np.int64)
    arrays = (p.ops, p.a, p.b, p.entries, ARITY, derivatives.HELD, p.outputs)
    more = (np.array(columns, np.int32), seen, stack, found, ends)
    end = loops.reach(p.inputs, start, width, *views(*arrays, *more))
    bounds = [0, *ends[start:end].tolist()]
    return end, [sorted(found[i:j].tolist()) for i, j in itertools.pairwise(bounds)]


def test_columns_are_found_as_long_as_there_is_room_for_a_whole_row():
    code = ("add", 0, 1), ("sum", 3, 2, -1, 0, 2), ("sub", -1, 1)
    p = written(3, [0.5], *code, outputs=[3, 0, -1, 4, 5])
    rows = [[0, 1], [0], [], [0, 1, 2], [1]]
    for room, end in [(3, 1), (4, 1), (5, 2), (6, 4), (8, 4), (9, 5), (20, 5)]:
        assert reached(p, [0, 1, 2], 3, room) == (end, rows[:end])
    assert reached(p, [0, 1, 2], 3, 5, start=2) == (4, rows[2:4])
    assert reached(p, [-1, 1, 0], 2, 20) == (5, [[1], [], [], [0, 1], [1]])


def test_what_is_held_constant_is_not_looked_through():
    p = written(
        3,
        [],
        ("largest", 0, 2),
        ("detach", 0),
        ("sum", 1, 3, 4),
        ("sum", 3, 4, 1),
        ("add", 4, 2),
        outputs=[3, 4, 5, 6, 7],
    )
    assert reached(p, [0, 1, 2], 3, 20) == (5, [[], [], [1], [1], [2]])


MIXED = written(
    3,
    [0.5, 2.0, 3.0, 4.0],
    ("exp", -2),
    ("sub", 0, 3),
    ("sum", 4, -3, 1, 4),
    ("sub", -1, 5),
    ("sub", 2, -1),
    ("detach", 6),
    ("sub", 3, 8),
    ("sum", -4, 8, 3),
    ("sum", -1, 4),
    ("sub", 7, 1),
    outputs=[],
)


@pytest.mark.parametrize(
    ("slot", "slots", "constants"),
    [
        (2, [2], []),
        (3, [3], [1]),
        (4, [0, 3, 4], [1]),
        (5, [0, 1, 3, 4, 5], [1, 2]),
        (6, [0, 1, 3, 4, 5, 6], [0, 1, 2]),
        (7, [2, 7], [0]),
        (8, [0, 1, 3, 4, 5, 6, 8], [0, 1, 2]),
        (10, [0, 1, 3, 4, 5, 6, 8, 10], [0, 1, 2, 3]),
        (12, [1, 2, 7, 12], [0]),
    ],
)
def test_what_a_slot_is_computed_from(slot, slots, constants):
    """The marks are 1, since callers join them with others bit by bit."""
    p = MIXED
    live, read = np.zeros(p.inputs + len(p), np.uint8), np.zeros(len(p.constants), np.uint8)
    live[slot] = 1
    loops.mark_live(p.inputs, *views(p.ops, p.a, p.b, p.entries, ARITY, live, read))
    assert live.tolist() == [int(i in slots) for i in range(len(live))]
    assert read.tolist() == [int(i in constants) for i in range(len(read))]


@pytest.mark.parametrize(
    ("slot", "slots"),
    [
        (0, [0, 4, 5, 6, 11]),
        (1, [1, 5, 6, 12]),
        (2, [2, 7, 12]),
        (3, [3, 4, 5, 6, 9, 10, 11]),
        (8, [8, 9, 10]),
        (11, [11]),
    ],
)
def test_what_is_computed_from_a_slot(slot, slots):
    """The last slot is marked as well, which no reference to a constant is taken for."""
    p = MIXED
    last = p.inputs + len(p) - 1
    active = np.zeros(last + 1, np.uint8)
    active[[slot, last]] = 1
    arrays = (p.ops, p.a, p.b, p.entries, ARITY, derivatives.HELD, active)
    loops.mark_dependent(p.inputs, *views(*arrays))
    assert active.tolist() == [int(i in slots or i == last) for i in range(last + 1)]


def test_equal_constants_get_one_number_even_if_there_is_no_room_to_spare():
    bits = np.array([7, 9, 7, -1, 8, 9, 0, 2**63 - 1, -(2**63), 7, 2**31, 2**32, 5, 0], np.int64)
    read = np.array([1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0, 1], np.uint8)
    table, to = np.full(8, -1, np.int32), np.full(len(bits), 99, np.int32)
    assert loops.number_constants(*views(bits, read, table, to)) == 8
    assert bits[:8].tolist() == [7, 9, -1, 0, 2**63 - 1, -(2**63), 2**31, 2**32]
    assert to.tolist() == [-1, -2, -1, -3, 99, -2, -4, -5, -6, 99, -7, -8, 99, -4]


class Watched(list):
    """A list that counts how often it is read."""

    reads = 0

    def __getitem__(self, i):
        self.reads += 1
        return super().__getitem__(i)


def compared(p, engine=loops, following=None):
    """For every slot, the first that computes the same; and what is read in the end."""
    slots = p.inputs + len(p)
    same = np.arange(slots, dtype=np.int32)
    heads = np.full(slots + (1 << len(p).bit_length()), -1, np.int32)
    if following is None:
        (following,) = views(np.full(len(p), -1, np.int32))
    a, b, entries = p.a.copy(), p.b.copy(), p.entries.copy()
    before = views(p.ops, a, b, entries, ARITY, passes.COMMUTES, heads)
    repeats = engine.find_equal(p.inputs, *before, following, *views(same))
    assert repeats == np.sum(same != np.arange(slots))
    return same[p.inputs :].tolist(), replace(p, a=a, b=b, entries=entries)


def test_the_first_that_computes_the_same():
    code = [
        ("sub", -1, 0),
        ("sub", -1, 0),
        ("sub", 0, -1),
        ("sub", 3, 1),
        ("sub", 2, 1),
        ("sub", 1, 3),
        ("sub", 1, 2),
        ("add", 3, 6),
        ("add", 5, 2),
        ("mul", 3, 6),
        ("exp", 3),
        ("exp", 2),
        ("exp", -1),
        ("sum", 3, -1, 6),
        ("sum", 2, -1, 5),
        ("sum", 2, -1),
        ("sum", -1, 3),
        ("sum", 2, -1),
        ("exp", -1),
        ("sin", -1),
        ("sub", 2, 2),
        ("sub", 3, -1),
        ("sub", 19, 0),
    ]
    same, q = compared(written(2, [0.5], *code, outputs=[]))
    assert same[:12] == [2, 2, 4, 5, 5, 7, 7, 9, 9, 11, 12, 12]
    assert same[12:] == [14, 15, 15, 17, 18, 17, 14, 21, 22, 23, 24]
    assert text(q)[:-1] == [
        *("v2 = 0.5 - x0", "v3 = 0.5 - x0", "v4 = x0 - 0.5", "v5 = v2 - x1", "v6 = v2 - x1"),
        *("v7 = x1 - v2", "v8 = x1 - v2", "v9 = v2 + v5", "v10 = v5 + v2", "v11 = v2 * v5"),
        *("v12 = exp(v2)", "v13 = exp(v2)", "v14 = exp(0.5)", "v15 = sum([v2, 0.5, v5])"),
        *("v16 = sum([v2, 0.5, v5])", "v17 = sum([v2, 0.5])", "v18 = sum([0.5, v2])"),
        *("v19 = sum([v2, 0.5])", "v20 = exp(0.5)", "v21 = sin(0.5)", "v22 = v2 - v2"),
        *("v23 = v2 - 0.5", "v24 = v17 - x0"),
    ]


def test_chains_of_additions():
    """Of each the last is named here.  Inputs and constants are part of none."""
    rows = [
        ("add", 0, 1, 1),
        ("add", 3, 2, 0),
        ("add", 0, 1, 2),
        ("add", 1, 2, 0),
        ("sub", 5, 6, 0),
        ("add", 7, 5, 1),
        ("add", 8, -1, 1),
        ("add", 9, 6, 0),
        ("sub", 3, 4, 0),
        ("add", -1, 0, 2),
        ("add", 0, 3, 0),
        ("add", 5, 1, 0),
        ("add", 1, 1, 1),
        ("add", 15, 0, 1),
        ("add", 16, -1, 1),
        ("add", 17, 12, 0),
    ]
    p = written(3, [0.5], *(row[:3] for row in rows), outputs=[])
    inner = np.array([row[3] for row in rows], np.uint8)
    chain, starts = np.full(16, 99, np.int32), np.full(len(p), 99, np.int32)
    size = loops.find_chains(3, CODES["add"], *views(p.ops, p.a, p.b, inner, chain, starts))
    ends = {4: [0, 1, 2], 5: [0, 1], 10: [7, 5, -1, 6], 12: [-1, 0], 18: [1, 1, 0, -1, 12]}
    assert {k + 3: at for k, at in enumerate(starts.tolist()) if at != -1} == {
        k: sum(len(terms) for end, terms in ends.items() if end < k) for k in ends
    }
    assert (size, chain.tolist()) == (16, [*itertools.chain(*ends.values())])


def test_adjoints_go_through_operands_in_every_place():
    """Of each operation, one: the first, the second or one of a list."""
    p = written(1, [2.0], ("exp", 0), ("sub", -1, 1), ("sum", 0, 2), ("sin", 3), outputs=[4])
    q = validate(derivatives.reverse(p, [{0: None}], (0,)), "reverse")
    (found,) = Machine(q)(np.array([0.7])).tolist()
    e = math.exp(0.7)
    assert found == pytest.approx(math.cos(0.7 + 2.0 - e) * (1.0 - e), rel=1e-15)


PASSES = [
    *(passes.dead_code, passes.fold_constants, passes.powers),
    *(passes.identities, passes.common_subexpressions),
]


@pytest.mark.parametrize("apply", PASSES, ids=lambda apply: apply.__name__)
def test_what_is_behind_the_only_operand_is_not_read(apply):
    """It may be any number, and is 0 in what a pass has made."""
    p = written(1, [], ("exp", 0), ("exp", 0), ("neg", 1), ("neg", 3), outputs=[1, 2, 3, 4])
    odd = validate(replace(p, b=np.array([10**6, -(10**6), 1, 0], np.int32)))
    assert text(apply(odd)) == text(apply(p))
    assert passes.dead_code(odd).b.tolist() == [0, 0, 0, 0]


# -- dead code -------------------------------------------------------------------------------------


def reading(constants):
    """A program that returns constants."""
    refs = -1 - np.arange(len(constants), dtype=np.int32)
    return Program(0, refs, np.array(constants, float))


def test_constants_are_one_if_their_bits_are():
    other_nan = np.array([0x7FF8000000000001], np.int64).view(np.float64)[0]
    constants = [0.0, -0.0, 1.0, math.nan, 0.0, math.inf, -math.inf, other_nan, 1.0, math.nan]
    p = passes.dead_code(reading(constants))
    assert p.constants.tobytes() == np.array([*constants[:4], *constants[5:8]]).tobytes()
    assert (-1 - p.outputs).tolist() == [0, 1, 2, 3, 0, 4, 5, 6, 2, 3]


MANY = {
    "whole": np.arange(4000.0) - 2000,
    "powers": 2.0 ** np.arange(-1000, 1000),
    "fractions": np.linspace(-1.0, 1.0, 4001),
    "denormal": np.arange(4000).view(np.float64),
}


@pytest.mark.parametrize("numbers", MANY.values(), ids=MANY)
def test_many_constants_are_found_again(numbers):
    rng = np.random.default_rng(0)
    twice = rng.permutation(np.concatenate([numbers, numbers]))
    p = passes.dead_code(reading(twice))
    assert len(p.constants) == len(numbers)
    assert p.constants[-1 - p.outputs].tobytes() == twice.tobytes()


@pytest.mark.parametrize("numbers", MANY.values(), ids=MANY)
def test_constants_are_found_in_a_few_looks(numbers):
    """However much they have in common."""
    bits = numbers[::4].view(np.int64).tolist()
    table = Watched([-1] * (2 << len(bits).bit_length()))
    n = len(bits)
    assert IN_PYTHON.number_constants(bits, [1] * n, table, [0] * n) == n
    assert table.reads < 8 * n


# -- constants -------------------------------------------------------------------------------------


def test_the_first_slot_is_an_input_or_an_instruction():
    p = written(0, [0.5, 2.0], ("exp", -1), ("sin", -2), outputs=[0])
    q = validate(passes.dead_code(p), "dead_code")
    assert (text(q), q.constants.tolist()) == (["v0 = exp(0.5)", "return v0"], [0.5])
    q = validate(passes.dead_code(written(1, [0.5], ("exp", -1), outputs=[0])), "dead_code")
    assert (text(q), q.constants.tolist()) == (["return x0"], [])


def test_what_depends_on_no_input_is_computed_wherever_it_is_read():
    p = written(
        1,
        [0.5, 2.0],
        ("exp", -1),
        ("sub", 1, 0),
        ("sub", 0, 1),
        ("sum", 0, 1, -2),
        ("add", 1, -2),
        outputs=[2, 3, 4, 5, -1, 1],
    )
    q = validate(passes.fold_constants(p), "fold_constants")
    e = math.exp(0.5)
    assert text(q) == [
        f"v1 = {e} - x0",
        f"v2 = x0 - {e}",
        f"v3 = sum([x0, {e}, 2.0])",
        f"return v1, v2, v3, {e + 2.0}, 0.5, {e}",
    ]
    assert run(q, [3.0]) == run(p, [3.0])


def test_lists_of_what_depends_on_no_input_are_computed_too():
    p = written(1, [0.5, 2.0], ("exp", -1), ("sum", 1, -2), ("sum", 1, 0), outputs=[2, 3])
    q = validate(passes.fold_constants(p), "fold_constants")
    e = math.exp(0.5)
    assert text(q) == [f"v1 = sum([{e}, x0])", f"return {e + 2.0}, v1"]


def test_guards_and_functions_in_python_are_left_to_the_run():
    failing = written(0, [0.0, 1.0], ("guard", -1, -2, -1), outputs=[-1], sources=("here",))
    assert Machine(failing)(np.zeros(0)) is None
    q = validate(simplify.simplified(failing), "simplified")
    assert Machine(q)(np.zeros(0)) is None
    p = written(1, [0.0, 2.0], ("guard", 0, -2, -1), ("exp", -2), outputs=[2], sources=("here",))
    assert run(simplify.simplified(p), [2.0]) == run(p, [2.0]) == [math.exp(2.0).hex()]
    called = []
    mine = primitive("counts_its_calls", lambda a: called.append(a) or a, [lambda a, v: 1.0])
    (op,) = trace(lambda xs: [mine(xs[0])], [1.0]).program.ops.tolist()
    p = written(0, [0.5], (op, -1), ("exp", 0), outputs=[1])
    before = len(called)
    q = simplify.simplified(p)
    assert (len(q), len(called)) == (2, before)
    assert run(q, []) == run(p, [])


def test_a_guard_names_its_source_by_a_constant():
    constants = [7.0, 0.0, 1.0]
    for source in (-2, -3):
        p = written(1, constants, ("guard", 0, -1, source), outputs=[0], sources=("here", "there"))
        assert run(p, [7.0]) == [(7.0).hex()]
    for operands in [(0, -1, -1), (0, -1, 0), (0, 0, -2)]:
        with pytest.raises(ValueError, match=r"instruction 0 \(guard\) has no source"):
            written(1, constants, ("guard", *operands), outputs=[0], sources=("here", "there"))
    with pytest.raises(ValueError, match="has no source"):
        written(1, constants, ("guard", 0, -1, -3), outputs=[0], sources=("here",))


# -- identities ------------------------------------------------------------------------------------


def test_identities_that_rewrite_one_another_are_refused(monkeypatch):
    rules = [("neg(x)", "abs(x)"), ("abs(x)", "neg(x)")]
    p = trace(lambda xs: [-xs[0]], [1.0]).program
    monkeypatch.setattr(passes, "_RULES", passes._rules(rules))
    with pytest.raises(RuntimeError, match="identities: the rules rewrite one another for ever"):
        passes.identities(p)
    rules.append(("exp(x)", "sin(x)"))
    monkeypatch.setattr(passes, "_RULES", passes._rules(rules))
    p = trace(lambda xs: [-xs[0], xs[0].exp()], [1.0]).program  # more fit, but too late
    with pytest.raises(RuntimeError, match="identities: the rules rewrite one another for ever"):
        passes.identities(p)


def test_how_often_rules_are_applied():
    """To what other rules have made as well, but not to a slot that has become another."""
    p = written(
        2,
        [],
        ("exp", 0),
        ("neg", 2),
        ("neg", 3),
        ("neg", 1),
        ("sub", 2, 5),
        ("sub", 1, 3),
        ("exp", 4),
        outputs=[],
    )
    rules = [("neg(neg(x))", "x"), ("sub(x, neg(y))", "add(x, y)"), ("add(exp(x), y)", "x")]
    to = np.arange(p.inputs + len(p), dtype=np.int32)
    first, rules, numbers = passes._rules(rules)
    arrays = (p.ops, p.a, p.b, p.entries, ARITY, p.constants.view(np.int64), first)
    more = (rules.ravel(), numbers, to, np.zeros(6, np.int32))
    assert loops.rewrite(p.inputs, *views(*arrays, *more)) == 4
    assert to.tolist() == [0, 1, 2, 3, 2, 5, 0, 7, 8]
    assert text(p)[5:-1] == ["v7 = x1 + v2", "v8 = exp(v2)"]


@pytest.mark.parametrize(
    ("rule", "f", "line"),
    [
        (("neg(add(x, y))", "sub(y, x)"), lambda a, b, c: -(a + b), "v3 = x1 - x0"),
        (("sub(x, div(y, z))", "mul(z, x)"), lambda a, b, c: a - b / c, "v3 = x2 * x0"),
        (
            ("sub(div(x, 3.0), mul(y, c))", "div(neg(c), y)"),
            lambda a, b, c: a / 3.0 - b * 7.0,
            "v3 = -7.0 / x1",
        ),
    ],
)
def test_identities_may_read_any_operand_of_any_operand(monkeypatch, rule, f, line):
    monkeypatch.setattr(passes, "_RULES", passes._rules([rule]))
    p = trace(lambda xs: [f(*xs)], [1.0, 2.0, 3.0]).program
    q = validate(passes.identities(p), "identities")
    assert text(q)[:-1] == [line]


def test_what_an_identity_makes_of_a_slot_is_read_wherever_the_slot_was():
    """Of the very first as well."""
    p = written(
        0,
        [0.5, 1.0, 2.0],
        ("div", -1, -2),
        ("sum", -3, 0),
        ("sum", 0, 1),
        ("sub", 0, 2),
        ("sub", 2, 0),
        ("exp", 0),
        ("sub", 5, -1),
        outputs=[0, 2, 3, 4, 6],
    )
    q = validate(passes.identities(p), "identities")
    assert text(q) == [
        "v0 = sum([2.0, 0.5])",
        "v1 = sum([0.5, v0])",
        "v2 = 0.5 - v1",
        "v3 = v1 - 0.5",
        "v4 = exp(0.5)",
        "v5 = v4 - 0.5",
        "return 0.5, v1, v2, v3, v5",
    ]


@pytest.mark.parametrize(
    ("f", "lines"),
    [
        (lambda x: 3.0 * -x, ["v1 = -3.0 * x0"]),
        (lambda x: -x * 3.0, ["v1 = -3.0 * x0"]),
        (lambda x: -(3.0 * -x), ["v1 = 3.0 * x0"]),
        (lambda x: -(3.0 * -x) * -1.0, ["v1 = -3.0 * x0"]),
        (lambda x: -(-(5.0 + x) * 3.0), ["v1 = 5.0 + x0", "v2 = 3.0 * v1"]),
    ],
)
def test_constants_change_their_sign_and_change_it_back(f, lines):
    p = trace(lambda xs: [f(*xs)], [2.0]).program
    assert text(validate(passes.identities(p), "identities"))[:-1] == lines


def test_identities_reach_what_other_identities_have_made():
    def f(x):
        for _ in range(200):
            x = -(-x * 1.0) / 1.0
        return x * -1.0 * -3.0 * 1.0 * -1.0

    p = validate(passes.identities(trace(lambda xs: [f(*xs)], [1.0]).program), "identities")
    assert (len(p), p.constants.tolist()) == (1, [-3.0])


def test_what_is_behind_guards_reads_its_own_operands_constants_and_bodies():
    """One program has a vmap, the other two: each goes on to run its own."""
    xs = [0.5, 1.5, 2.5]

    def condition(xs):
        assert dot(vmap(lambda x: x * 2)(np.array(xs)), xs) > 0.1
        return []

    def f(xs):
        products = vmap(lambda x, y: x * y, in_axes=(0, None))(np.array(xs), xs[1])
        return [dot(products, vmap(cos)(products)), xs[0] / 3.0, 7.0]

    guards, p = trace(condition, xs).guards, trace(f, xs).program
    both = validate(passes.behind(guards, p), "both")
    assert (len(guards.guards), len(both.guards), len(both.bodies)) == (1, 1, 3)
    assert both.bodies == guards.bodies + p.bodies
    assert run(both, xs) == run(p, xs)
    assert run(both, [-x for x in xs]) == run(p, [-x for x in xs])
    assert Machine(both)(np.zeros(3)) is None


@pytest.mark.parametrize("n", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("k", [1.0, -3.0, 0.0, -0.0, math.inf, math.nan])
def test_a_monomial_is_what_it_is_where_that_is_exact(k, n):
    """Beside others, and with another constant in front of it."""
    p = written(
        2,
        [5.0, k, n],
        ("sub", 1, -1),
        ("monomial", -2, 0, -3),
        ("mul", 3, 1),
        ("monomial", -2, 1, 0),
        ("sub", 1, 3),
        outputs=[2, 3, 4, 5, 6],
    )
    q = validate(passes.powers(p), "powers")
    exact = n != 2.0 and k not in (0.0, math.inf) and k == k
    instead = {0.0: [], 1.0: ["mul"]}[n] if exact else ["monomial"]
    names = [ROWS[op].name for op in q.ops.tolist()]
    assert names == ["sub", *instead, "mul", "monomial", "sub"]
    for x, y in itertools.product([2.0, -0.5, 0.0, math.inf], repeat=2):
        assert run(q, [x, y]) == run(p, [x, y])


def test_every_use_is_counted():
    p = written(2, [2.0], ("sin", 0), ("add", 2, 0), ("sum", 3, 1, -1, 1), outputs=[4, 0])
    assert passes.uses_of(p).tolist() == [3, 2, 1, 1, 1]


def test_a_guard_that_stands_there_twice_is_left_once():
    """What reads the second then reads what it let through."""
    guards = ("guard", 1, -1, -2), ("guard", 2, -1, -2)
    p = written(
        1,
        [1.0, 0.0],
        ("greater", 0, -2),
        ("greater", 0, -2),
        *guards,
        outputs=[3, 4, 0],
        sources=("here",),
    )
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert text(q) == ["guard x0 > 0.0    # here", "return v2, v2, x0"]
    assert run(q, [2.0]) == run(p, [2.0])
    assert Machine(q)(np.array([-1.0])) is None


def test_what_a_pass_leaves_is_the_same_program():
    p = trace(lambda xs: [xs[0] * xs[1] + xs[0]], [1.0, 2.0]).program
    assert passes.identities(p) is p
    assert passes.common_subexpressions(p) is p
    assert passes.fold_constants(p) is p


# -- sums ------------------------------------------------------------------------------------------


def summed(f, count=4):
    """The instructions of a function after ``sums``, which keeps every bit."""
    numbers = [0.1 * 3**i * (-1) ** i for i in range(count)]
    p = simplify.simplified(trace(lambda xs: f(*xs), numbers).program)
    q = validate(sums(p), "sums")
    assert run(q, numbers) == run(p, numbers)
    assert run(validate(sums(q), "sums"), numbers) == run(p, numbers)
    return text(q)


@pytest.mark.parametrize(
    ("f", "lines"),
    [
        (lambda a, b, c, d: [a + b], ["v4 = x0 + x1"]),
        (lambda a, b, c, d: [a + b + c + d], ["v4 = x0 + x1 + x2 + x3"]),
        (lambda a, b, c, d: [d + 2.0 + a + d], ["v4 = x3 + 2.0 + x0 + x3"]),
        (lambda a, b, c, d: [a + (b + c)], ["v4 = x1 + x2", "v5 = x0 + v4"]),
        (lambda a, b, c, d: [a * b + c * d], ["v4 = x0 * x1 + x2 * x3"]),
        (lambda a, b, c, d: [a * b + c * d + a * d], ["v4 = x0 * x1 + x2 * x3 + x0 * x3"]),
        (
            lambda a, b, c, d: [a * b + c * d + a],
            ["v4 = x0 * x1 + x2 * x3", "v5 = v4 + x0"],
        ),
        (
            lambda a, b, c, d: [a + b * c + c * d + d * d],  # not a product: as one by 1.0
            ["v4 = x0 * 1.0 + x1 * x2 + x2 * x3 + x3 * x3"],
        ),
        (
            lambda a, b, c, d: [a + b + c + c * d],  # too few products
            ["v4 = x2 * x3", "v5 = x0 + x1 + x2 + v4"],
        ),
        (
            lambda a, b, c, d: [a + b * c, c * d + a],  # one product is no sum of products
            ["v4 = x1 * x2", "v5 = x0 + v4", "v6 = x2 * x3", "v7 = v6 + x0"],
        ),
        (
            lambda a, b, c, d: [a * b + c + d],
            ["v4 = x0 * x1", "v5 = v4 + x2 + x3"],
        ),
        (
            lambda a, b, c, d: [a + b + c * d],
            ["v4 = x2 * x3", "v5 = x0 + x1 + v4"],
        ),
        (
            lambda a, b, c, d: [a + b + c * d + d * d],  # enough
            ["v4 = x0 * 1.0 + x1 * 1.0 + x2 * x3 + x3 * x3"],
        ),
        (
            lambda a, b, c, d: [a * b + c + d * d + b * c],
            ["v4 = x0 * x1 + x2 * 1.0 + x3 * x3 + x1 * x2"],
        ),
        (
            lambda a, b, c, d: [sum_([a, b]), dot([a, b], [c, d]), sum_([a * b, c * d])],
            [
                "v4 = 0.0 + x0 + x1",
                "v5 = 0.0 * 1.0 + x0 * x2 + x1 * x3",
                "v6 = 0.0 * 1.0 + x0 * x1 + x2 * x3",
            ],
        ),
        (
            lambda a, b, c, d: [a * b + c * d + a * d, a * b],  # a product that is read twice
            ["v4 = x0 * x1", "v5 = v4 * 1.0 + x2 * x3 + x0 * x3"],
        ),
        (
            lambda a, b, c, d: [a + b + c, a + b],  # a sum that is read twice
            ["v4 = x0 + x1", "v5 = v4 + x2"],
        ),
        (
            lambda a, b, c, d: [a + b + c + d, mean([a, d]), b + c + d, d + a * b + d * d],
            [
                "v4 = x0 + x1 + x2 + x3",
                "v5 = mean([x0, x3])",
                "v6 = x1 + x2 + x3",
                "v7 = x3 * 1.0 + x0 * x1 + x3 * x3",
            ],
        ),
        (
            lambda a, b, c, d: [a * b + c * d + a * d + d * d, mean([a, d]), a + b + c],
            ["v4 = x0 * x1 + x2 * x3 + x0 * x3 + x3 * x3", "v5 = mean([x0, x3])",
             "v6 = x0 + x1 + x2"],
        ),
    ],
)  # fmt: skip
def test_what_sums_make_one_instruction(f, lines):
    assert summed(f)[:-1] == lines


@pytest.mark.parametrize("f", [sum_, mean])
def test_additions_to_a_row_over_more_numbers_than_there_are_slots(f):
    numbers = [2.0, 3.0]
    p = trace(lambda xs: [f([xs[0]] * 1000) + xs[1]], numbers).program
    assert run(validate(sums(p), "sums"), numbers) == run(p, numbers)


def test_sums_of_the_very_first_instructions():
    assert summed(lambda a, b: [a + b + a + b, a * a + b * b + a * b], 2)[:-1] == [
        "v2 = x0 + x1 + x0 + x1",
        "v3 = x0 * x0 + x1 * x1 + x0 * x1",
    ]


@pytest.mark.parametrize(
    ("name", "f"),
    [
        ("chain", lambda x, y, z: x + y + z),
        ("products", lambda x, y, z: x * y + y * z + z * x),
    ],
)
@pytest.mark.parametrize(
    "differentiate",
    [
        lambda p: derivatives.reverse(p, [{0: None}], range(3)),
        lambda p: derivatives.forward(p, [{1: None}]),
    ],
    ids=["reverse", "forward"],
)
def test_sums_are_not_differentiated(name, f, differentiate):
    p = sums(trace(lambda xs: [f(*xs)], [1.0, 2.0, 3.0]).program)
    with pytest.raises(TypeError, match=rf"{name}.* has no derivative: differentiate before sums"):
        differentiate(p)


# -- common subexpressions -------------------------------------------------------------------------

BINARY = [row for code, row in enumerate(ROWS) if ARITY[code] == 2 and row.name != "part"]
EDGES = [math.nan, 0.0, -0.0, math.inf, -math.inf, 1.0, -2.5, 1e308, 5e-324]


def of_code(code, left, right, inputs=2):
    """A program of instructions of one operation, all of which are returned."""
    n = len(left)
    outputs = np.arange(inputs, inputs + n, dtype=np.int32)
    a, b = np.array(left, np.int32), np.array(right, np.int32)
    return Program(inputs, outputs, np.zeros(0), np.full(n, code, np.uint16), a, b)


def run(p, numbers):
    return [x.hex() for x in Machine(p)(np.array(numbers, float)).tolist()]


@pytest.mark.parametrize("row", BINARY, ids=lambda row: row.name)
def test_only_sums_and_products_are_the_same_with_their_operands_exchanged(row):
    p = of_code(CODES[row.name], [0, 1, 0, 1], [1, 0, 1, 1])
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert len(q) == (2 if row.name in ("add", "mul") else 3)
    for x, y in itertools.product(EDGES, repeat=2):
        assert run(q, [x, y]) == run(p, [x, y]), (x, y)


@pytest.mark.parametrize("row", BINARY, ids=lambda row: row.name)
def test_every_operation_that_is_repeated_is_done_once(row):
    p = of_code(CODES[row.name], [0, 2, 0, 4], [1, 1, 1, 1]).returning([3, 5])
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert (len(q), q.outputs.tolist()) == (2, [3, 3])


def test_lists_are_the_same_in_the_same_order_alone():
    def f(x, y):
        lists = [[x, y], [y, x], [x, y, y], [x, y], [x]]
        return [sum_(xs) for xs in lists] + [mean([x, y]), dot([x], [y]), dot([y], [x])]

    p = trace(lambda xs: f(*xs), [1.0, 2.0]).program
    q = passes.common_subexpressions(p)
    assert len(p) - len(q) == 1
    assert q.outputs[0] == q.outputs[3]


def test_lists_of_what_is_the_same_are_the_same():
    p = written(
        1,
        [],
        ("exp", 0),
        ("exp", 0),
        ("sum", 1, 0, 2),
        ("mean", 0, 0, 1),
        ("sum", 2, 0, 1),
        outputs=[3, 4, 5],
    )
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert text(q) == [
        "v1 = exp(x0)",
        "v2 = sum([v1, x0, v1])",
        "v3 = mean([x0, x0, v1])",
        "return v2, v3, v2",
    ]


def lists_that_differ_in_one_place(n):
    return [x for i in range(n) for x in ([i, n, n + 1], [n, i, n + 1], [n, n + 1, i])]


def test_many_lists_that_differ_in_one_place_are_told_apart():
    """Some of them are at the same place of the table, as there are more than places."""
    n, lists = 60, lists_that_differ_in_one_place(60)
    p = written(n + 2, [], *[("sum", *x) for x in lists * 2], outputs=[*range(n + 2, 7 * n + 2)])
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert len(q) == len(lists)
    assert q.outputs.tolist() == [*range(n + 2, 4 * n + 2)] * 2
    assert q.entries.reshape(-1, 3).tolist() == lists


def test_sums_of_one_number_and_many_are_found_again_with_operands_exchanged():
    """More than are looked through one by one."""
    n = 100
    p = of_code(
        CODES["add"], [*range(n - 1)] + [n - 1] * (n - 1), [n - 1] * (n - 1) + [*range(n - 1)], n
    )
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert q.outputs.tolist() == [*range(n, 2 * n - 1)] * 2
    p = of_code(CODES["sub"], p.a.tolist(), p.b.tolist(), n)
    assert passes.common_subexpressions(p) is p


def test_many_operations_of_one_operand_are_found_again():
    """Whatever number is behind it."""
    codes = np.flatnonzero(ARITY[: len(ROWS)] == 1).tolist()
    n = len(codes)
    p = of_code(0, [0] * (2 * n), range(2 * n), 1)
    p = replace(p, ops=np.array(codes * 2, np.uint16))
    assert n > 20
    assert compared(p)[0] == [*range(1, n + 1)] * 2


def test_instructions_are_compared_with_few_others():
    """Lists nearly never, others with the first few that read the same."""
    n, lists = 200, lists_that_differ_in_one_place(200)
    many, one = [*range(n)], [n - 1] * n
    for p, looks in [
        (written(n + 2, [], *[("sum", *x) for x in lists], outputs=[]), 0.5),
        (of_code(CODES["sub"], many, one, n), 10),
        (of_code(CODES["sub"], one, many, n), 10),
        (of_code(CODES["sub"], [*range(30)] * 30, np.repeat(range(30), 30), 30), 10),
    ]:
        following = Watched([-1] * len(p))
        compared(p, IN_PYTHON, following)
        assert following.reads < looks * len(p)


@pytest.mark.parametrize("code", [CODES["sub"], CODES["sin"]], ids=["sub", "sin"])
def test_many_operations_on_one_operand_are_told_apart(code):
    """More than are looked through one by one: of them, each is found again by its hash."""
    n = 100
    left = [*range(n - 1)] * 2
    p = of_code(code, left, [n - 1] * len(left) if ARITY[code] == 2 else [0] * len(left), n)
    q = validate(passes.common_subexpressions(p), "common_subexpressions")
    assert len(q) == n - 1
    assert q.outputs.tolist() == [*range(n, 2 * n - 1)] * 2
    numbers = np.linspace(-1, 1, n)
    assert run(q, numbers) == run(p, numbers)


# -- the chain rule --------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [1.0, 2.0])
def test_what_pick_does_not_choose_has_no_derivative(index):
    """It gives its first operand if those in the middle are equal, and else its last."""
    p = written(4, [3.0, 5.0], ("mul", 0, -1), ("mul", 3, -2), ("pick", 4, 1, 2, 5), outputs=[6])
    q = validate(derivatives.reverse(p, [{0: None}], range(4), keep=True), "reverse")
    wanted = [21.0, 3.0, 0.0, 0.0, 0.0] if index == 1.0 else [55.0, 0.0, 0.0, 0.0, 5.0]
    numbers = np.array([7.0, 1.0, index, 11.0])
    assert Machine(q)(numbers).tolist() == wanted
    directions = [{i: None} for i in range(4)]
    q = validate(derivatives.forward(p, directions, keep=True), "forward")
    assert Machine(q)(numbers).tolist() == wanted


def test_a_choice_among_constants_does_not_move_with_its_index():
    p = written(1, [3.0, 5.0], ("take", -1, -2, 0), ("pick", -1, 0, -2, -2), outputs=[1, 2])
    q = validate(derivatives.forward(p, [{0: None}]), "forward")
    assert q.constants[-1 - q.outputs].tolist() == [0.0, 0.0]
    assert len(q) == len(p)


def test_all_that_vmaps_give_can_be_added_up():
    """What lanes share gets the adjoints of every kind of lanes, each from a vmap of its own."""
    own = trace(lambda xs: [sum_(vmap(lambda x: x * x)(np.array(xs)))], [0.0] * 3).program
    appended, total = emitter.Emitter(Program(3, np.zeros(0, np.int32)), []), 0
    for _ in range(20):
        for slot in appended.vmap(own.bodies[0], [0, 1, 2], [0, 1, 2]).tolist():
            total = appended.sum(total, slot)
    p = validate(appended.finished(np.array([total], np.int32)), "appended")
    assert Machine(p)(np.array([2.0, 3.0, 5.0])).tolist() == [2.0 + 20 * (4.0 + 9.0 + 25.0)]


def test_a_result_that_is_given_often_gets_the_sum_of_its_adjoints_each_time():
    """Those that have no derivative as well."""
    p = written(3, [], ("detach", 0), outputs=[0, 0, 3, 3, 0])
    seeds = [{0: 1, 1: 2, 2: 1, 3: 2, 4: None}, {2: None, 3: 1, 0: 2}, {0: 1, 1: 1, 4: 1}] * 4
    q = validate(derivatives.reverse(p, seeds, [0]), "reverse")
    assert Machine(q)(np.array([7.0, 2.0, 3.0])).tolist() == [6.0, 3.0, 6.0] * 4


def test_there_is_room_for_vmaps_of_all_sizes():
    """For each result that is read there is a sum; no constant is there without need."""
    bodies = {
        n: trace(lambda xs, f=f: [*vmap(f)(np.array(xs))], [0.0] * n).program.bodies[0]
        for n, f in {1: sin, 4: cos, 40: lambda x: x * x}.items()
    }
    numbers = np.linspace(-1.0, 1.0, 40)
    values = {1: np.sin, 4: np.cos, 40: np.square}
    few, some, many = (1, 0), (4, 3), (40, 10)
    for plan in (
        [(4, 4)] * 40,
        [many, many, *[few] * 40, *[many] * 3],
        [some, (1, 1), some, few, few, many, few, some, (4, 0), (1, 1), (4, 1), (40, 40)],
    ):
        appended = emitter.Emitter(Program(40, np.zeros(0, np.int32), np.array([7.0])), [])
        total, wanted, constants = -1, 7.0, [7.0, 0.0, 1.0]
        for k, (lanes, read) in enumerate(plan):
            for slot in appended.vmap(bodies[lanes], range(lanes), range(read)).tolist():
                total = appended.sum(total, slot)
            wanted += values[lanes](numbers[:read]).sum()
            constants += [*range(read), k]
        p = validate(appended.finished(np.array([total], np.int32)), "appended")
        assert Machine(p)(numbers).tolist() == pytest.approx([wanted], rel=1e-13)
        assert p.constants.tolist() == constants
