"""Pickled programs: opened by another version, tampered with, cut off; right or refused."""

import io
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff
from autodiff import functions, take
from autodiff.compiler import simplify, writing
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import Program
from autodiff.compiler.scans import Run
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import trace

POINT = [0.7, -1.3, 2.0]


def everything(xs):
    """Something of every kind of instruction."""
    a, b, c = xs
    total = functions.logsumexp([a, b, c]) + functions.dot([a, b], [b, c]) + take([a, b], c - 2)
    return [functions.tanh(total) * functions.silu(a) + a.detach(), -b - c * 3.0, a, 2.5]


def traced(f=everything):
    return trace(f, POINT).program


def run(p):
    return [x.hex() for x in Machine(p)(np.array(POINT)).tolist()]


# -- other versions --------------------------------------------------------------------------------

OPEN = """
import pickle, sys
import numpy as np
from autodiff.compiler.machine import Machine
with open(sys.argv[1], "rb") as file:
    p = pickle.load(file)
print(*[x.hex() for x in Machine(p)(np.array([0.7, -1.3, 2.0])).tolist()])
"""
CALL = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    lowered = pickle.load(file)
print(lowered(0.7).data.hex())
"""
SAVE = """
import pickle, sys
from autodiff import functions
from autodiff.compiler.trace import trace
p = trace(lambda xs: [functions.doubled(xs[0])], [0.7, -1.3, 2.0]).program
with open(sys.argv[1], "wb") as file:
    pickle.dump(p, file)
"""


@pytest.fixture
def another_version(tmp_path):
    """Runs a script in a version whose table is another."""

    def run_there(old, new, script, file):
        package = Path(autodiff.__file__).parent
        ignored = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
        shutil.copytree(package, tmp_path / "autodiff", ignore=ignored)
        tables = [tmp_path / "autodiff" / name for name in ("ops.py", "engine/instructions.py")]
        texts = [table.read_text(encoding="utf-8") for table in tables]
        assert sum(text.count(old) for text in texts) == 1
        for table, text in zip(tables, texts, strict=True):
            table.write_text(text.replace(old, new), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-c", script, str(file)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "AUTODIFF_PURE": "1", "PYTHONPATH": str(tmp_path)},
        )

    return run_there


FIRST = "TABLE = [\n"
MORE = FIRST + '    Row("doubled", "a", "2*a", ["2.0"]),\n'


def saved(folder, p):
    (folder / "program").write_bytes(pickle.dumps(p))
    return folder / "program"


def test_a_version_with_more_rows_computes_the_same(another_version, tmp_path):
    p = traced()
    done = another_version(FIRST, MORE, OPEN, saved(tmp_path, p))
    assert (done.stderr, done.stdout.split()) == ("", run(p))


def test_a_version_with_more_rows_calls_a_lowered_function(another_version, tmp_path):
    w = autodiff.Value(2.0)
    lowered = autodiff.jit(lambda x: autodiff.grad(functions.silu)(x) * w).lower(0.5)
    (tmp_path / "program").write_bytes(pickle.dumps(lowered))
    done = another_version(FIRST, MORE, CALL, tmp_path / "program")
    assert (done.stderr, done.stdout.strip()) == ("", lowered(0.7).data.hex())


def test_a_lowered_function_is_refused_as_its_program_is(another_version, tmp_path):
    lowered = autodiff.jit(lambda x: functions.tanh(x) + 1.0).lower(0.5)
    (tmp_path / "program").write_bytes(pickle.dumps(lowered))
    old, new = 'Row("tanh",  "a", "tanh(a)"', 'Row("tanh",  "a", "tanh(2*a)"'
    done = another_version(old, new, CALL, tmp_path / "program")
    assert "uses tanh(), which computes something else in this version" in done.stderr


def test_a_version_without_a_row_that_is_used_refuses(another_version, tmp_path):
    done = another_version(FIRST, MORE, SAVE, tmp_path / "program")
    assert done.stderr == ""
    data = (tmp_path / "program").read_bytes()
    with pytest.raises(ValueError, match=r"uses doubled\(\), which this version has not"):
        pickle.loads(data)
    autodiff.primitive("doubled", lambda a: 3 * a, [lambda a, v: 3.0])
    with pytest.raises(ValueError, match=r"uses doubled\(\), which this version has not"):
        pickle.loads(data)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('Row("tanh",  "a", "tanh(a)"', 'Row("tanh",  "a", "tanh(2*a)"', "tanh"),
        ("1/(1 + exp(-a)) if a >= 0", "1/(2 + exp(-a)) if a >= 0", "silu"),  # by sigmoid
        ('"m + log(t)",    ["exp(a - m)/t"],  fold="exp(a - m)"',
         '"m + log(t)",    ["exp(a - m)/t"],  fold="exp(m - a)"', "logsumexp"),
        ('"return xs[0] if xs[1] == xs[2] else xs[3]",', '"return xs[0]",', None),
        ('"SQRT_HALF": 0.7071067811865476', '"SQRT_HALF": 0.7', None),
        ('["square(1/cosh(maximum(minimum(a, 400.0), -400.0)))"]', '["1 - v*v"]', None),
    ],
)  # fmt: skip
def test_a_version_in_which_a_row_computes_something_else_refuses(
    another_version, tmp_path, old, new, name
):
    p = traced()
    done = another_version(old, new, OPEN, saved(tmp_path, p))
    if name:
        assert f"uses {name}(), which computes something else in this version" in done.stderr
    else:
        assert (done.stderr, done.stdout.split()) == ("", run(p))


def test_a_constant_is_part_of_what_a_row_computes(another_version, tmp_path):
    p = traced(lambda xs: [functions.gelu(xs[0])])
    old, new = '"SQRT_HALF": 0.7071067811865476', '"SQRT_HALF": 0.7'
    done = another_version(old, new, OPEN, saved(tmp_path, p))
    assert "uses gelu(), which computes something else in this version" in done.stderr


# -- tampered with ---------------------------------------------------------------------------------


class _Forger(pickle.Pickler):
    """Pickles a program with another state."""

    def __init__(self, file, state):
        super().__init__(file)
        self.state = state

    def reducer_override(self, x):
        if isinstance(x, Program):
            return Program.__new__, (Program,), self.state
        return NotImplemented


def forged(state):
    file = io.BytesIO()
    _Forger(file, state).dump(traced())
    return file.getvalue()


def changed(**changes):
    return forged({**traced().__getstate__(), **changes})


def test_what_is_not_changed_is_opened():
    assert run(pickle.loads(changed())) == run(traced())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": None}, "is no program of this version"),
        ({"more": 1}, "is no program of this version"),
        ({"rows": []}, "operations without a row"),
        ({"rows": [("sinus", "00000000")] * 20}, r"uses sinus\(\), which this version has not"),
        ({"rows": [("sin", "00000000")] * 20}, r"uses sin\(\), which computes something else"),
        ({"inputs": -1}, "number of inputs must be an integer from 0 up, not -1"),
        ({"inputs": 2.0}, "number of inputs must be an integer"),
        ({"inputs": 2**31 - 1}, "number of inputs must be an integer"),
        ({"inputs": 2}, "reads slot"),
        ({"outputs": [0]}, "outputs must be a flat array of int32, not"),
        ({"outputs": np.array([0])}, "outputs must be a flat array of int32, not"),
        ({"outputs": np.zeros((1, 1), np.int32)}, "outputs must be a flat array of int32, not"),
        ({"constants": np.zeros(0)}, "reads constant"),
        ({"constants": np.zeros(9, np.float32)}, "constants must be a flat array of float64"),
        ({"a": np.zeros(1, np.int32)}, "instructions there are 1 and"),
        ({"b": np.zeros(1, np.int32)}, "instructions there are"),
        ({"entries": np.zeros(0, np.int32)}, "has entries 0 to"),
        ({"sources": None}, "sources must be a tuple of strings, not None"),
        ({"sources": ("f.py:1", 2)}, "sources must be a tuple of strings, not"),
    ],
)
def test_a_program_that_is_none_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        pickle.loads(changed(**changes))


@given(st.data())
def test_a_program_that_is_opened_runs_within_its_bounds(data):
    """Numbers exchanged anywhere: it is refused, or all that is done with programs can be done."""
    state = traced(guarded).__getstate__()
    field = data.draw(st.sampled_from(["outputs", "ops", "a", "b", "entries"]))
    numbers = state[field].copy()
    low, high = (0, 65535) if field == "ops" else (-(2**31), 2**31 - 1)
    near = st.integers(max(low, -9), 30)
    for i in data.draw(st.lists(st.integers(0, len(numbers) - 1), min_size=1, max_size=3)):
        numbers[i] = data.draw(near | st.integers(low, high))
    try:
        p = pickle.loads(forged({**state, field: numbers}))
    except ValueError:
        return
    writing.as_text(p)
    for q in (p, simplify.simplified(p), sums(p)):
        try:
            Machine(q)(np.array(POINT))
        except IndexError as error:
            assert "take(values, i)" in str(error)  # noqa: PT017  # raised only in some cases


def guarded(xs):
    more = [3.0 * xs[0], xs[2]] if xs[0] > xs[1] else []
    return everything(xs) + more + [xs[0] + xs[1] + xs[2] * xs[0]]


@cache
def with_scan():
    """A program of a scan and its pullback, with operands and results of every kind."""

    def step(carry, x):
        a, b, c = carry
        y = functions.sin(a * x[0]) * b + x[1] * c
        return (b, y, a * w), (a * b,)

    def f(xs):
        nonlocal w
        *first, w = xs
        last, (ys,) = autodiff.scan(step, (*first, 0.5), np.array([[x, 2.0] for x in xs], object))
        return last[0] + last[1] * ys[0]

    w = None
    return autodiff.jit(autodiff.value_and_grad(f)).lower(np.array(POINT)).program


OTHER = "other inputs or outputs"


@pytest.mark.parametrize(
    ("which", "changes", "words"),
    [
        *[(0, {name: n}, OTHER) for name in ("carry", "own") for n in (-1, 99)],
        (0, {"carry": 5, "own": 0}, OTHER),
        (0, {"runs": ()}, OTHER),
        *[(0, {"runs": lambda runs, n=n: (*runs, Run(n, runs[0].ways))}, OTHER) for n in (0, -1)],
        (0, {"runs": lambda runs: (Run(3, ()),)}, OTHER),
        (0, {"runs": lambda runs: (Run(2, ()), *runs)}, OTHER),
        (0, {"runs": lambda runs: (*runs, Run(1, (traced(),)))}, OTHER),
        *[(1, {name: ()}, OTHER) for name in ("back", "given", "by_own", "by_shared")],
        *[(1, {name: (0,) * 9}, OTHER) for name in ("back", "given", "by_own", "by_shared")],
        (1, {"runs": lambda runs: (*runs, Run(0, runs[0].ways))}, OTHER),
        (1, {"runs": lambda runs: (*runs, Run(1, runs[0].ways))}, "more or fewer steps than its"),
        (1, {"runs": lambda runs: runs[1:]}, "more or fewer steps than its scan"),
        (1, {"scan": lambda scan: replace(scan, runs=(Run(1, ()), Run(2, scan.programs)))}, OTHER),
    ],
)
def test_a_scan_or_pullback_that_is_none_is_refused(which, changes, words):
    p = with_scan()
    bodies = [*p.bodies]
    values = {k: v(getattr(bodies[which], k)) if callable(v) else v for k, v in changes.items()}
    bodies[which] = replace(bodies[which], **values)
    with pytest.raises(ValueError, match=f"body {which} has .*{words}"):
        pickle.loads(pickle.dumps(replace(p, bodies=tuple(bodies))))


def test_a_scan_and_its_pullback_are_opened():
    p = with_scan()
    again = pickle.loads(pickle.dumps(p))
    assert run(again) == run(p)
    for scan, pullback in (p.bodies, again.bodies):
        assert (scan.carry, scan.own) == (pullback.carry, pullback.own) == (3, 2)


def test_a_program_that_is_cut_off_is_refused():
    data = pickle.dumps(traced())
    for end in range(0, len(data) - 1, 13):
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError)):
            pickle.loads(data[:end])


def test_a_program_is_checked_in_time_that_grows_as_it_does(monkeypatch):
    """A vmap, which may have many operands, is not taken apart anew for each of its results."""

    def program_of(lanes):
        f = autodiff.grad(lambda xs: autodiff.mean(autodiff.vmap(functions.tanh)(xs)))
        return autodiff.jit(f).lower(np.ones(lanes)).program

    pickled = [pickle.dumps(program_of(lanes)) for lanes in (10, 100)]
    taken = []
    original = Program.operands
    monkeypatch.setattr(Program, "operands", lambda p, k: taken.append(k) or original(p, k))
    monkeypatch.setattr(Program, "vmap", lambda p, k: pytest.fail("it is taken apart"))
    counts = []
    for data in pickled:
        taken.clear()
        pickle.loads(data)
        counts.append(len(taken))
    assert counts[0] == counts[1] > 0


def test_programs_are_run_on_as_many_numbers_as_they_have_inputs():
    machine = Machine(traced())
    for numbers in (POINT[:2], [*POINT, 1.0]):
        with pytest.raises(ValueError, match=f"takes 3 numbers: {len(numbers)} came"):
            machine(np.array(numbers))


def test_programs_are_compared_by_identity():
    p = traced()
    again = pickle.loads(pickle.dumps(p))
    assert p == p
    assert p != again
    assert {p: 1, again: 2}[p] == 1
    assert run(again) == run(p)
