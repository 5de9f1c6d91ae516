"""Each pass does its work, on programs written by hand, and does no more than that."""

import ast
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from autodiff.compiler import derivatives, emitter, loops, passes, program
from autodiff.compiler.program import Program, validate
from autodiff.compiler.trace import trace
from autodiff.testing import expressions

FOLDER = Path(program.__file__).parent


def interpreted_loops():
    """The loops as Python runs them, whatever is compiled."""
    spec = importlib.util.spec_from_file_location("interpreted_loops", FOLDER / "loops.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arrays(p):
    return [x.tolist() for x in (p.outputs, p.ops, p.a, p.b, p.entries)] + [p.constants.tobytes()]


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
            found.append(arrays(passes.sums(passes.simplified(p))))
    assert found[0] == found[1]


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


@pytest.mark.parametrize(
    "numbers",
    [
        np.arange(4000.0) - 2000,
        2.0 ** np.arange(-1000, 1000),
        np.linspace(-1.0, 1.0, 4001),
        np.arange(4000).view(np.float64),
    ],
    ids=["whole", "powers", "fractions", "denormal"],
)
def test_many_constants_are_found_again(numbers):
    rng = np.random.default_rng(0)
    twice = rng.permutation(np.concatenate([numbers, numbers]))
    p = passes.dead_code(reading(twice))
    assert len(p.constants) == len(numbers)
    assert p.constants[-1 - p.outputs].tobytes() == twice.tobytes()


# -- identities ------------------------------------------------------------------------------------


def test_identities_that_rewrite_one_another_are_refused(monkeypatch):
    rules = [("neg(x)", "abs(x)"), ("abs(x)", "neg(x)")]
    p = trace(lambda xs: [-xs[0]], [1.0]).program
    monkeypatch.setattr(passes, "_RULES", passes._rules(rules))
    with pytest.raises(RuntimeError, match="identities: the rules rewrite one another for ever"):
        passes.identities(p)


def test_identities_reach_what_other_identities_have_made():
    def f(x):
        for _ in range(200):
            x = -(-x * 1.0) / 1.0
        return x * -1.0 * -3.0 * 1.0 * -1.0

    p = validate(passes.identities(trace(lambda xs: [f(*xs)], [1.0]).program), "identities")
    assert (len(p), p.constants.tolist()) == (1, [-3.0])


def test_what_a_pass_leaves_is_the_same_program():
    p = trace(lambda xs: [xs[0] * xs[1] + xs[0]], [1.0, 2.0]).program
    assert passes.identities(p) is p
    assert passes.common_subexpressions(p) is p
    assert passes.fold_constants(p) is p


# -- sums ------------------------------------------------------------------------------------------


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
    p = passes.sums(trace(lambda xs: [f(*xs)], [1.0, 2.0, 3.0]).program)
    with pytest.raises(TypeError, match=rf"{name}.* has no derivative: differentiate before sums"):
        differentiate(p)
