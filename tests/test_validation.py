"""Programs as arrays: every way not to be one is refused, by words that say where."""

import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from instructions import built, ints

from autodiff import primitive
from autodiff.compiler import program
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import (
    Mapped,
    Program,
    inputs_read,
    reordered,
    validate,
    with_inputs,
)
from autodiff.compiler.scans import Run, Scan
from autodiff.engine.instructions import ADDED, STATIC
from autodiff.ops import CODES, CONSTANTS, ROWS


def refused(p, words, where="a pass"):
    with pytest.raises(ValueError, match=f"^{re.escape(f'{where}: {words}')}$"):
        validate(p, "a pass")


def put(array, at, number):
    """A copy of an array with another number somewhere."""
    array = array.copy()
    array[at] = number
    return array


LANE = built(("mul", 0, 1), outputs=[2])
WHOLE = built(
    ("mul", 0, 1),  # slot 2
    ("sum", 2, 0, -3),  # 3, of the entries from 0
    ("sin", 3),  # 4
    ("greater", 4, 0),  # 5
    ("guard", 5, -2, -1),  # 6, from 3
    ("dot", 0, 1, 2, 6),  # 7, from 6
    ("vmap", 0, 4, 1, -1),  # 8, from 10
    ("part", 8, -1),  # 9
    ("part", 8, -4),  # 10
    ("monomial", -3, 9, -4),  # 11, from 14
    ("pick", 10, -1, -2, 11),  # 12, from 17
    constants=[0.0, 1.0, 2.5, 2.0],
    outputs=[12, 0, -3],
    sources=("here",),
    bodies=(Mapped((LANE,), 2, 1),),
)


def test_a_whole_program_is_handed_on():
    for after in ("", "a pass"):
        assert validate(WHOLE, after) is WHOLE
    assert Machine(WHOLE)(np.array([2.0, 3.0])) is None
    assert Machine(WHOLE)(np.array([-2.0, 3.0])).tolist()[1:] == [-2.0, 2.5]


def test_a_program_may_return_its_inputs_alone():
    p = validate(Program(2, ints(1, 0, 1)))
    assert [len(x) for x in (p, p.a, p.b, p.entries, p.constants)] == [0] * 5
    assert Machine(p)(np.array([2.0, 3.0])).tolist() == [3.0, 2.0, 3.0]
    body = Mapped((p,), 2, 1)
    assert (len(body), body.operands, body.threads) == (2 * 3 + 1, 2 * 1 + 1, 1)


# -- its parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [("outputs", "int32"), ("constants", "float64"), ("ops", "uint16")]
    + [(name, "int32") for name in ("a", "b", "entries")],
)
def test_arrays_are_flat_and_of_one_kind(name, kind):
    words = f"{name} must be a flat array of {kind}, not "
    array = getattr(WHOLE, name)
    refused(replace(WHOLE, **{name: [1]}), words + "[1] (list)")
    for other in ("int64", "uint32"):
        x = np.array([1], other)
        refused(replace(WHOLE, **{name: x}), f"{words}{x!r} (ndarray)")
    for shape in ((1, len(array)), ()):
        with pytest.raises(ValueError, match=f"^program: {re.escape(words)}array"):
            validate(replace(WHOLE, **{name: np.resize(array, shape)}))


def test_the_number_of_inputs():
    end = 2**31 - len(LANE)
    words = "the number of inputs must be an integer from 0 up, not "
    for n in (-1, end, 2**32, 2.0, None):
        refused(replace(LANE, inputs=n), f"{words}{n!r} ({type(n).__name__})")
    assert validate(replace(LANE, inputs=end - 1)).inputs == end - 1
    empty = built(inputs=0)
    assert validate(empty) is empty


@pytest.mark.parametrize("field", ["sources", "bodies"])
def test_sources_and_bodies_are_tuples(field):
    of = {"sources": "a tuple of strings", "bodies": "a tuple of them"}[field]
    for x, shown in [
        (None, "None (NoneType)"),
        ([], "[] (list)"),
        ((1,), "(1,) (tuple)"),
    ]:
        refused(replace(LANE, **{field: x}), f"{field} must be {of}, not {shown}")


def test_every_instruction_has_an_operation_and_operands():
    for a, b in [(1, 2), (2, 1), (2, 2), (0, 1)]:
        p = replace(LANE, a=ints(*[0] * a), b=ints(*[1] * b))
        refused(p, f"of 1 instructions there are {a} and {b} operands")
    for op in (0, len(ROWS), 65535):
        p = replace(WHOLE, ops=put(WHOLE.ops, [2, 3], op))
        refused(p, f"instruction 2 is of row {op}, which there is not")
    validate(built((1, 0, 0)))


# -- lists -----------------------------------------------------------------------------------------


def test_lists_are_apart_and_in_order():
    of_sum = "instruction 1 (sum) has entries"
    of_guard = "instruction 4 (guard) has entries"
    for array, at, number, words in [
        ("a", 1, -1, f"{of_sum} -1 to 2, but those before end at 0, and all at 21"),
        ("b", 1, -1, f"{of_sum} 0 to -1, but those before end at 0, and all at 21"),
        ("b", 1, 22, f"{of_sum} 0 to 22, but those before end at 0, and all at 21"),
        ("b", 1, 4, f"{of_guard} 3 to 6, but those before end at 4, and all at 21"),
        ("a", 4, 2, f"{of_guard} 2 to 5, but those before end at 3, and all at 21"),
        ("a", 6, 9, "instruction 6 (vmap) has entries 9 to 13, but those before end at 10, "
                    "and all at 21"),
        ("a", 10, 18, "instruction 10 (pick) has entries 18 to 22, but those before end at 17, "
                      "and all at 21"),
    ]:  # fmt: skip
        refused(replace(WHOLE, **{array: put(getattr(WHOLE, array), at, number)}), words)
    validate(replace(WHOLE, entries=ints(*WHOLE.entries, 99)))  # what no list has is not read
    p = built(("sum", 0, 1), ("sum", 9, 9), ("sum", 0), outputs=[4])
    validate(replace(p, b=ints(2, 0, 1)))
    huge = replace(p, a=ints(0, 2, 2**31 - 1))
    refused(replace(huge, b=ints(2, 0, 2**31 - 1)), "instruction 2 (sum) has entries 2147483647 "
            "to 4294967294, but those before end at 2, and all at 5")  # fmt: skip


def test_lists_are_as_long_as_their_operation_reads():
    mine = primitive("of_three", lambda a, b, c: a, [lambda a, b, c, v: 1.0] * 3)
    assert mine(1.0, 2.0, 3.0) == 1.0
    fits = {
        **{"sum": [0, 1, 2, 3], "dot": [0, 2, 4], "chain": [1, 2, 3], "products": [2, 4, 6]},
        **{"take": [1, 2, 3], "largest": [1, 2], "peak": [1, 2], "unit": [1, 2]},
        **{"pick": [4], "monomial": [3], "of_three": [3]},
    }
    for name, counts in fits.items():
        code = CODES.get(name) or next(i for i, row in enumerate(ROWS) if row.name == name)
        for n in range(7 if name != "sum" else 4):
            p = built(("sum", 0), ("sin", 0), (code, *[0] * n), ("sin", 0), ("sum", 0))
            if n in counts or (n > max(counts) and len(counts) > 1 and n % counts[-1] == 0):
                validate(p)
            elif n < max(counts) or len(counts) == 1:
                refused(p, f"instruction 2 ({name}) is over a list of {n}")
    for n in (0, 1, 2, 4):
        refused(built(("guard", *[0] * n)), f"instruction 0 (guard) is over a list of {n}")
    p = built(("dot", 0, 1), ("sum", 0), ("dot", 0, 1, 0), ("dot", 0))
    refused(p, "instruction 2 (dot) is over a list of 3")
    refused(built(("vmap",)), "instruction 0 (vmap) is over a list of 0")


# -- references ------------------------------------------------------------------------------------


def test_what_is_read_stands_before():
    for array, at, number, words in [
        ("a", 0, 2, "instruction 0 (mul) reads slot 2, but slots end at 1"),
        ("b", 0, 3, "instruction 0 (mul) reads slot 3, but slots end at 1"),
        ("b", 0, -5, "instruction 0 (mul) reads constant 4, but there are 4"),
        ("a", 2, 4, "instruction 2 (sin) reads slot 4, but slots end at 3"),
        ("a", 2, -6, "instruction 2 (sin) reads constant 5, but there are 4"),
        ("entries", 0, 3, "instruction 1 (sum) reads slot 3, but slots end at 2"),
        ("entries", 2, -5, "instruction 1 (sum) reads constant 4, but there are 4"),
        ("entries", 20, 12, "instruction 10 (pick) reads slot 12, but slots end at 11"),
        ("outputs", 0, 13, "output 0 reads slot 13, but slots end at 12"),
        ("outputs", 2, -5, "output 2 reads constant 4, but there are 4"),
    ]:
        refused(replace(WHOLE, **{array: put(getattr(WHOLE, array), at, number)}), words)
    refused(built(outputs=[0], inputs=0), "output 0 reads slot 0, but slots end at -1")
    refused(built(outputs=[-1]), "output 0 reads constant 0, but there are 0")
    validate(replace(WHOLE, b=put(WHOLE.b, 2, 99)))  # a sine has one operand


def test_the_first_instruction_that_reads_what_is_not_there_is_named():
    p = built(("sum", 0, 9), ("sin", 9), ("mul", 0, 9), outputs=[9])
    refused(p, "instruction 0 (sum) reads slot 9, but slots end at 1")
    p = built(("sum", 0, 1), ("mul", 0, 8), ("sum", 9), ("sin", 7), outputs=[9])
    refused(p, "instruction 1 (mul) reads slot 8, but slots end at 2")
    p = built(("sum", 0, 1), ("mul", 0, 1), ("sum", 0, 2, 9), outputs=[9])
    refused(p, "instruction 2 (sum) reads slot 9, but slots end at 3")
    p = replace(built(("sum", 0), ("sum", 9), ("sum", 1, 7)), b=ints(1, 0, 2))
    refused(p, "instruction 2 (sum) reads slot 7, but slots end at 3")


# -- guards and bodies -----------------------------------------------------------------------------


def test_guards_name_their_sources_by_constants():
    numbers = [0.0, 1.0, 2.0, 0.5, -1.0, np.nan]
    for source in range(len(numbers)):
        first, last = ("guard", 0, -1, -1), ("guard", 0, -1, -1 - source)
        p = built(first, ("sin", 0), last, first, constants=numbers, sources=("here", "there"))
        if source < 2:
            validate(p)
        else:
            refused(p, "instruction 2 (guard) has no source")
    for constants, operands in [
        ((), (0, 0, 0)),
        ((0.0,), (0, 0, -1)),
        ((0.0,), (0, 1, -1)),
        ((0.0,), (0, -1, 0)),
        ((0.0, 0.0), (0, -1, 1)),
    ]:
        p = built(("guard", *operands), constants=constants, sources=("here", "there"))
        refused(p, "instruction 0 (guard) has no source")


@pytest.mark.parametrize(
    ("field", "number"),
    [("own", -1), ("own", 3), ("sums", -1), ("sums", 2), ("lanes", 0), ("lanes", -1)],
)
def test_a_body_runs_programs_that_fit(field, number):
    words = "has programs of other inputs or outputs"
    body = replace(WHOLE.bodies[0], **{field: number})
    refused(replace(WHOLE, bodies=(body,)), f"body 0 {words}")
    refused(replace(WHOLE, bodies=(*WHOLE.bodies, body)), f"body 1 {words}")


def test_a_body_has_programs_and_they_are_alike():
    words = "body 0 has programs of other inputs or outputs"
    for ways in [
        (),
        (LANE, replace(LANE, inputs=3)),
        (LANE, LANE, replace(LANE, outputs=ints(2, 2))),
    ]:
        refused(replace(WHOLE, bodies=(Mapped(ways, 2, 1),)), words)
    for own, shared in [(0, 2), (2, 0)]:
        operands = [0] * (3 * own + shared)
        for sums in (0, 1):
            body = Mapped((LANE, LANE), 3, own, sums)
            validate(built(("vmap", *operands, -1), constants=[0.0], bodies=(body,)))


def test_programs_of_bodies_are_programs():
    lane = replace(LANE, a=ints(2))
    words = "instruction 0 (mul) reads slot 2, but slots end at 1"
    p = replace(WHOLE, bodies=(*WHOLE.bodies, Mapped((LANE, lane), 2, 1)))
    refused(p, words, "a pass, body 1")
    with pytest.raises(ValueError, match=r"^program, body 1: instruction 0"):
        validate(p)


def test_vmaps_have_bodies_and_as_many_operands():
    bodies = (*WHOLE.bodies, Mapped((LANE,), 3, 1), Mapped((LANE,), 1, 1))
    numbers = [0.0, 1.0, 2.0, 3.0, 0.5, -1.0, np.inf, 2.0]
    operands = {0: [0, 0, 1], 1: [0, 0, 0, 1], 2: [0, 1], 7: [0, 1]}
    for number in range(len(numbers)):
        refs = operands.get(number, [0, 0, 1])
        p = built(("vmap", *refs, -1 - number), constants=numbers, bodies=bodies)
        if number in operands:
            validate(p)
            for n in (len(refs) - 1, len(refs) + 1):
                p = built(("vmap", *[0] * n, -1 - number), constants=numbers, bodies=bodies)
                words = f"instruction 0 (vmap) has {n} operands, but its body {len(refs)}"
                refused(p, words)
        else:
            refused(p, "instruction 0 (vmap) has no body")
    for ref in (0, 1):
        p = built(("sin", 0), ("vmap", 0, 1, ref), constants=numbers, bodies=bodies)
        refused(p, "instruction 1 (vmap) has no body")


def test_parts_are_of_a_vmap():
    """Of two, each of its own: the first has three results, the second four."""
    bodies = (Mapped((LANE,), 2, 1), Mapped((LANE,), 3, 1))
    vmaps = ("vmap", 0, 0, 1, -1), ("sin", 0), ("vmap", 0, 0, 0, 1, -2)
    numbers = [0.0, 1.0, 2.0, 3.0, 4.0, 0.5, -1.0, 0.0]
    for of, count in [(2, 3), (4, 4), (0, 0), (1, 0), (3, 0), (-1, 0)]:
        for which in range(-len(numbers), 3):
            p = built(*vmaps, ("part", of, which), constants=numbers, bodies=bodies)
            if which < 0 and numbers[-1 - which] in range(count):
                validate(p)
            else:
                refused(p, "instruction 3 (part) reads no result of a vmap or scan")


def test_bodies_have_one_key_if_they_do_the_same():
    nested = replace(WHOLE, bodies=(Mapped((replace(LANE, outputs=ints(0)),), 2, 1),))
    with_ones = replace(LANE, constants=np.array([1.0]))
    mul, sub = LANE, built(("sub", 0, 1), outputs=[2])
    body = Mapped((mul, sub), 2, 1)
    others = [
        *(replace(body, **changes) for changes in ({"lanes": 3}, {"own": 2}, {"sums": 1})),
        *(Mapped(ways, 2, 1) for ways in [(sub, mul), (mul, mul), (mul,), (mul, sub, sub)]),
        *(Mapped((replace(mul, **changes), sub), 2, 1) for changes in [
            *({"inputs": 3}, {"outputs": ints(1)}, {"constants": np.array([2.0])}),
            *({"a": ints(1)}, {"b": ints(0)}, {"entries": ints(0)}),
        ]),
        *(Mapped((with_ones, sub), 2, 1), Mapped((WHOLE, sub), 2, 1), Mapped((nested, sub), 2, 1)),
        Scan((Run(2, (mul, sub)),), 1, 1),
    ]  # fmt: skip
    keys = [x.key() for x in [body, *others]]
    assert len(set(keys)) == len(keys)
    again = pickle.loads(pickle.dumps([body, *others]))
    assert [x.key() for x in again] == keys
    assert replace(body, threads=2).key() == body.key()


# -- renumbered ------------------------------------------------------------------------------------


def test_programs_with_more_inputs_and_others():
    p = validate(with_inputs(WHOLE, 5, [3, 1]))
    assert p.inputs == 5
    found = Machine(p)(np.array([7.0, 3.0, 7.0, -2.0, 7.0]))
    assert found.tolist() == Machine(WHOLE)(np.array([-2.0, 3.0])).tolist()
    p = validate(with_inputs(WHOLE, 1, [0, 0]))
    found = Machine(p)(np.array([-2.0]))
    assert found.tolist() == Machine(WHOLE)(np.array([-2.0, -2.0])).tolist()
    assert WHOLE.inputs == validate(WHOLE).inputs == 2


def test_programs_in_another_order():
    p = built(
        ("sum", 0, 1, -2),  # 2
        ("sub", 1, -1),  # 3
        ("dot", 3, 0),  # 4
        ("div", 1, 3),  # 5
        ("sum", 2, 4, 5, -1),  # 6
        constants=[0.5, 8.0],
        outputs=[6, 2, 1, -2, 5],
    )
    numbers = np.array([2.0, -3.0])
    for order in ([0, 1, 2, 3, 4], [1, 3, 2, 0, 4], [1, 0, 3, 2, 4], [1, 2, 3, 0, 4]):
        q = validate(reordered(p, order))
        assert q.ops.tolist() == p.ops[order].tolist()
        assert Machine(q)(numbers).tolist() == Machine(p)(numbers).tolist()


def test_which_inputs_are_read():
    p = built(
        *(
            ("mul", 1, 3),
            ("sin", 8),
            ("sum", 5, -1),
            ("sum", 9, 0),
            ("part", 6, -2),
            ("part", 10, 5),
        ),
        inputs=8,
        constants=[0.5, 8.0],
        outputs=[7, 12, -1],
    )
    assert np.flatnonzero(inputs_read(p)).tolist() == [0, 1, 3, 5, 6, 7]
    assert inputs_read(built(("sum", 1), ("sum", 0), inputs=3)).tolist() == [True, True, False]
    assert inputs_read(built(("sum", 2), ("sum", 2), inputs=3)).tolist() == [False, False, True]
    unary = built(("sin", 1), ("sin", 3), inputs=3)
    assert inputs_read(replace(unary, b=ints(2, 2))).tolist() == [False, True, False]
    assert inputs_read(built(inputs=0)).tolist() == []


# -- pickled ---------------------------------------------------------------------------------------


def test_what_was_added_at_run_time_is_not_pickled():
    primitive("first_or_later", lambda a: a, [lambda a, v: 1.0])
    name = ROWS[ADDED].name
    operands = [0] * len(ROWS[ADDED].names)
    with pytest.raises(TypeError, match=rf"^{name} was added at run time: a program with it can"):
        pickle.dumps(built((ADDED, *operands)))


@pytest.mark.parametrize(
    ("name", "changes", "others"),
    [
        ("sigmoid", {"value": "1/(1 + exp(-a))"}, {"sigmoid", "silu"}),
        ("square", {"value": "a**2"}, {"square", "norm"}),  # in whose fold it is
        ("log", {"value": "log1p(a - 1)"},
         {"log", "log_monomial", "xlogy", "bernoulli_entropy", "divergence", "logsumexp"}),
        ("logsumexp", {"fold": "exp(m - a)"}, {"logsumexp"}),
        ("atan2", {"operands": "b a"}, {"atan2"}),
        ("tanh", {"partials": ["1 - v*v"], "label": "th"}, set()),
        ("pick", {"value": "return xs[0]"}, {"pick"}),
        ("detach", {"value": "return sin(LN2)"}, {"detach"}),
        ("SQRT_HALF", 0.7, {"gelu"}),
        ("LN10", 2.3, set()),  # in partials alone
    ],
)  # fmt: skip
def test_a_row_means_its_value_and_what_that_is_written_in(monkeypatch, name, changes, others):
    """What a program says of the rows it uses, when it is pickled."""
    monkeypatch.setattr(program, "_meaning", program._meaning.__wrapped__)  # nothing is kept
    p = Program(0, ints(), ops=np.arange(1, STATIC).astype(np.uint16))

    def meanings():
        return dict(p.__getstate__()["rows"])

    before = meanings()
    assert len(set(before.values())) == len(before) == STATIC - 1
    assert before["add"] == "349fd686"  # as in every version yet
    if name in CONSTANTS:
        monkeypatch.setitem(CONSTANTS, name, changes)
    else:
        rows = [replace(row, **changes) if row.name == name else row for row in ROWS]
        monkeypatch.setattr(program, "ROWS", rows)
    changed = {x for x, m in meanings().items() if m != before[x]}
    assert changed == others
