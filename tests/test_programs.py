"""Programs: traced, simplified, differentiated, written out; always the same numbers."""

import dataclasses
import itertools
import math
import pickle

import numpy as np
import pytest
from eager import by_sweeps
from hypothesis import given
from hypothesis import strategies as st

import autodiff
from autodiff import Value, functions, grad, hessian, jit, no_grad, primitive, vmap
from autodiff.compiler import derivatives, passes, program, simplify, writing
from autodiff.compiler.machine import Machine
from autodiff.compiler.program import Program, validate
from autodiff.compiler.sums import sums
from autodiff.compiler.trace import outputs_of, replay, trace, traced
from autodiff.compiler.trace import run as trace_run
from autodiff.ops import CODES, ROWS, TABLE
from autodiff.testing import expressions, points

INF, NAN = math.inf, math.nan
EDGES = [NAN, 0.0, -0.0, INF, -INF, 5e-324, -5e-324, 1.0, -1.0, 2.0, 1e308, -1e308, 0.1, 1e-308]
PASSES = [*simplify.SIMPLIFY, sums]
ROW_IDS = [r.name for r in TABLE]


def run(p, numbers):
    found = Machine(p)(np.array(numbers, float))
    return None if found is None else found.tolist()


def bits(numbers):
    return [x if x is None else float(x).hex() for x in numbers]


def unsigned(numbers):
    """As ``bits``, but 0.0 and -0.0 are one."""
    return bits(x + 0.0 if x == 0 else x for x in numbers)


def program_of(f, numbers):
    return trace(lambda xs: [f(*xs)], numbers).program


def of_row(row, count=3):
    """A primitive as a function of numbers, and of how many."""
    function = functions.PUBLIC[row.name]
    if not row.over_lists:
        return function, len(row.names)
    lists = len(row.names)

    def on_list(*xs):
        return function(*(list(xs[i * count : (i + 1) * count]) for i in range(lists)))

    return on_list, lists * count


def inside(row, count):
    """A point in the domain of a primitive, away from kinks."""
    found = []
    for i in range(count):
        low, high = (-INF, INF) if row.over_lists else row.domain[i]
        low, high = max(low, -3.0), min(high, low + 4.0 if low > -INF else 3.0)
        found.append(low + (high - low) * (0.61 + 0.13 * (i % 3)))
    return found


# -- passes ----------------------------------------------------------------------------------------


def kept_by_every_pass(p, numbers):
    """Every pass alone, and all one after the other, keep the outputs to the bit."""
    validate(p, "the program")
    wanted = bits(run(p, numbers))
    for each in PASSES:
        q = validate(each(p), each.__name__)
        assert bits(run(q, numbers)) == wanted, each.__name__
        assert q.inputs == p.inputs
        assert q.sources == p.sources
        assert len(q.guards) == len(p.guards)
    q = p
    for each in PASSES:
        q = validate(each(q), each.__name__)
        assert bits(run(q, numbers)) == wanted, f"up to {each.__name__}"
        assert len(q) <= len(p)


@given(st.data())
def test_passes_keep_every_bit_of_values_and_derivatives(data):
    f = data.draw(expressions(3, max_size=12))
    numbers = data.draw(points(3) | points(3, aim=True))
    p = program_of(f, numbers)
    assert bits(run(p, numbers)) == bits([f(*map(Value, numbers)).data])
    kept_by_every_pass(p, numbers)
    gradient = derivatives.reverse(p, [{0: None}], range(3), keep=True)
    kept_by_every_pass(gradient, numbers)
    kept_by_every_pass(derivatives.forward(simplify.simplified(gradient), [{1: None}]), numbers)


@given(st.data())
def test_what_was_checked_at_one_point_holds_at_others(data):
    """A program is that of the function, not of the point at which it was traced."""
    f = data.draw(expressions(2, max_size=10))
    there, here = data.draw(points(2)), data.draw(points(2))
    p = program_of(f, there)
    gradient = simplify.simplified(derivatives.reverse(p, [{0: None}], (0, 1), keep=True))
    xs = [Value(x) for x in here]
    y = f(*xs)
    y.backward(create_graph=True)
    wanted = [y.data, *(x.grad.data if isinstance(x.grad, Value) else x.grad for x in xs)]
    found = run(gradient, here)
    assert bits(found[:1]) == bits(wanted[:1])
    if all(map(math.isfinite, wanted)):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * max(map(abs, wanted)))


@pytest.mark.parametrize(("left", "right"), passes.IDENTITIES)
def test_identities_hold_for_every_number(left, right):
    scope = {r.name: functions.PUBLIC[r.name] for r in TABLE if not r.over_lists}
    for x, y in itertools.product(EDGES, repeat=2):
        names = {"x": x, "y": y, "c": y, "k": y}
        if "k" in left and (y == 0 or not math.isfinite(y)):
            continue
        both = [float(eval(side, scope, names)) for side in (left, right)]
        assert both[0].hex() == both[1].hex(), (x, y)


@pytest.mark.parametrize(("left", "right"), passes.IDENTITIES)
def test_identities_are_found_in_programs(left, right):
    constants = {"c": -3.5, "k": -3.5}
    scope = {r.name: functions.PUBLIC[r.name] for r in TABLE if not r.over_lists}
    p = program_of(lambda x, y: eval(left, scope, constants | {"x": x, "y": y}), [0.3, 0.7])
    q = validate(passes.identities(p), "identities")
    wanted = program_of(lambda x, y: eval(right, scope, constants | {"x": x, "y": y}), [0.3, 0.7])
    assert q.ops.tolist() == passes.dead_code(wanted).ops.tolist()
    assert q.outputs.tolist() == wanted.outputs.tolist()
    for numbers in itertools.product(EDGES, repeat=2):
        assert bits(run(q, numbers)) == bits(run(p, numbers))


def test_what_only_looks_like_an_identity_is_left_alone():
    scope = {"monomial": autodiff.monomial, "inf": INF}
    unsound = ["monomial(0.0, x, 1.0)", "monomial(inf, x, 1.0)", "monomial(x, 3.0, 1.0)"]
    unsound += ["x + 0.0", "x * 0.0", "x - x", "x / x", "0.0 - x", "x / 3.0", "0.0 + x"]
    for text in unsound:
        p = program_of(lambda x: eval(text, scope, {"x": x}), [0.3])  # noqa: B023  # called at once
        assert len(simplify.simplified(p)) == 1, text


def test_every_pass_does_its_work():
    def f(x, y):
        functions.exp(x)
        return functions.sin(x * y) + functions.sin(y * x) + Value(2.0).detach() * 3.0 * x * 1.0

    p = trace(lambda xs: [f(*xs), *[functions.cos(Value(1.0).detach() * xs[0])][:0]], [2.0, 3.0])
    assert "exp" not in writing.as_text(passes.dead_code(p.program))
    simple = simplify.simplified(p.program)
    assert writing.as_text(simple).count("sin") == 1
    constant = passes.fold_constants(program_of(lambda x: x * 0 + sum_of_constants(), [1.0]))
    assert len(constant) == 2


def sum_of_constants():
    return functions.sin(0.5) + 2.0


def test_sums_are_one_instruction_in_the_order_of_the_program():
    xs = [0.1 * 3**i * (-1) ** i for i in range(9)]
    p = simplify.simplified(trace(lambda v: [sum(v[1:], v[0])], xs).program)
    q = sums(p)
    assert (len(p), len(q)) == (8, 1)
    total = xs[0]
    for x in xs[1:]:
        total += x
    assert run(q, xs) == [total]
    p = simplify.simplified(
        trace(lambda v: [v[0] * v[1] + v[2] * v[3] + v[4] * v[5] + v[6] * v[0]], xs).program
    )
    assert [len(p), len(sums(p))] == [7, 1]


def test_sums_of_products_before_plain_sums_read_their_own_operands():
    """Fused lists of products are longer than what they replace; others must not be overwritten."""

    def f(xs):
        a, b, c, d = xs
        first = a * b + c * d + a * d
        second = a + b + c + first
        return [second, a * c + b * d + first * d, second + first + d + d]

    numbers = [2.0, 3.0, 5.0, 7.0]
    p = trace(f, numbers).program
    assert run(validate(sums(p), "sums"), numbers) == f(numbers)


def test_a_program_that_is_none_is_refused():
    def make(**changes):
        fields = {"inputs": 1, "ops": [CODES["mul"]], "a": [0], "b": [0]}
        fields |= {"outputs": [1], "entries": []}
        fields |= changes
        return Program(
            fields["inputs"],
            np.array(fields["outputs"], np.int32),
            np.array([2.0]),
            np.array(fields["ops"], np.uint16),
            np.array(fields["a"], np.int32),
            np.array(fields["b"], np.int32),
            np.array(fields["entries"], np.int32),
        )

    assert validate(make()) is not None
    for changes, words in [
        ({"b": [1]}, r"a pass: instruction 0 \(mul\) reads slot 1, but slots end at 0"),
        ({"a": [-2]}, r"a pass: instruction 0 \(mul\) reads constant 1, but there are 1"),
        ({"outputs": [2]}, "a pass: output 0 reads slot 2, but slots end at 1"),
        ({"ops": [CODES["sum"]], "b": [2], "entries": [0]}, r"instruction 0 \(sum\) has entries"),
    ]:
        with pytest.raises(ValueError, match=words):
            validate(make(**changes), "a pass")


# -- every row of the table ------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_every_row_in_a_program_is_what_it_is_on_values(row):
    f, count = of_row(row)
    inner = inside(row, count)
    value, gradient, rows = by_sweeps(f, inner)
    assert bits([jit(f)(*inner)]) == bits([value])
    argnums = tuple(range(count))
    assert unsigned(grad(f, argnums)(*inner)) == unsigned(gradient)
    found = np.array(hessian(f, argnums)(*inner)).reshape(count, count)
    np.testing.assert_allclose(found, rows, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found, found.T, rtol=1e-12, atol=1e-14)
    p = program_of(f, inner)
    assert row.name in writing.as_text(p) or row.name in ("add", "sub", "mul", "div", "neg")
    for numbers in [inner, *zip(*[EDGES[i:] + EDGES[:i] for i in range(count)], strict=True)]:
        assert bits(run(p, numbers)) == bits([f(*map(Value, numbers)).data])
        kept_by_every_pass(p, numbers)
        kept_by_every_pass(derivatives.reverse(p, [{0: None}], argnums, keep=True), numbers)


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_gradients_at_edges_are_those_of_backward(row):
    f, count = of_row(row, 2)
    slope = jit(grad(f, tuple(range(count))))
    sides = EDGES if count < 3 else [NAN, 0.0, INF, 2.0]
    for numbers in itertools.product(sides, repeat=count):
        xs = [Value(x) for x in numbers]
        f(*xs).backward()
        assert unsigned(slope(*numbers)) == unsigned(x.grad for x in xs), numbers


@pytest.mark.parametrize("row", TABLE, ids=ROW_IDS)
def test_a_program_on_values_records_what_the_function_does(row):
    f, count = of_row(row)
    xs = [Value(x) for x in inside(row, count)]
    p = program_of(f, [x.data for x in xs])
    (y,) = outputs_of(p, replay(p, xs))
    z = f(*xs)
    assert (y.data, y.op, y.partials) == (z.data, z.op, z.partials)
    assert all(a is b for a, b in zip(y.operands, z.operands, strict=True))


def test_a_program_with_sums_of_many_terms_runs_on_values_too():
    def f(xs):
        return [xs[0] * xs[1] + xs[1] * xs[2] + xs[2] * 0.1, xs[0] + xs[1] + xs[2] + 0.1]

    numbers = [0.1, 0.7, 1e17]
    p = sums(trace(f, numbers).program)
    assert {"chain", "products"} <= {ROWS[op].name for op in p.ops.tolist()}
    xs = [Value(x) for x in numbers]
    for y, expected in zip(outputs_of(p, replay(p, xs)), f(xs), strict=True):
        assert y.data == expected.data
        gradients = []
        for root in (y, expected):
            for x in xs:
                x.grad = 0.0
            root.backward()
            gradients.append([x.grad for x in xs])
        assert gradients[0] == gradients[1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_program_that_chooses_or_holds_constant_runs_on_values_too(place):
    def f(xs, place=None):
        x, y, i = xs
        held = y.detach()
        mean = functions.mean([x, y, held, 0.5])
        chosen = functions.take([x * y, 7.0, held * x], i if place is None else place)
        return [held * x, held, mean, chosen, functions.where(i, x * x, y), 5.0]

    def of_values(f):
        xs = [Value(3.0), Value(-2.0), Value(place)]
        gradients = []
        for y in f(xs):
            assert type(y) in (float, Value)
            if type(y) is float:
                gradients.append(y)
                continue
            for x in xs:
                x.grad = 0.0
            y.backward()
            gradients.append([y.data, *(x.grad for x in xs)])
        return gradients

    p = trace(f, [1.5, 0.5, 1.0]).program
    found = of_values(lambda xs: outputs_of(p, replay(p, xs)))
    assert found == of_values(lambda xs: f(xs, place))
    assert found[:2] == [[-6.0, -2.0, 0.0, 0.0], [-2.0, 0.0, 0.0, 0.0]]
    assert outputs_of(p, replay(p, [3.0, -2.0, place]))[:2] == [-6.0, -2.0]


def test_numbers_of_a_trace_are_constants_and_what_it_computes_is_none():
    def f(xs):
        x, y = xs
        return [
            x * y + 1.0,
            Value(4.0) * x + Value(7.0) * y,
            5.0,
            6.0 - x,
            functions.dot([x, y], [8.0, y]),
        ]

    found = traced(trace_run(f, [2.0, 3.0]))
    assert sorted(found.program.constants.tolist()) == [1.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert found.captured == []
    assert run(found.program, [2.0, 3.0]) == [7.0, 29.0, 5.0, 4.0, 25.0]


def test_arguments_that_are_values_are_told_apart():
    slope = lambda x, y: grad(lambda x, y: x * y * y, (0, 1))(x, y)[1]  # noqa: E731
    assert grad(slope, (0, 1))(2.0, 3.0) == (6.0, 4.0)


# -- written out -----------------------------------------------------------------------------------


def branching(x, y):
    return functions.sin(x) * y if x > y else functions.softmax([x, y])[0] + 1.0


def test_text_shows_assignments_and_the_lines_of_comparisons():
    text = jit(branching).lower(2.0, 1.0).as_text()
    line = branching.__code__.co_firstlineno + 1
    assert text.splitlines() == [
        "inputs x0, x1",
        f"guard x0 > x1    # {__file__}:{line}",
        "v4 = sin(x0)",
        "v5 = v4 * x1",
        "return v5",
    ]
    assert "guard not x0 > x1" in jit(branching).lower(1.0, 2.0).as_text()


ODD = [
    "it's",
    'a "quoted" name',
    '"""',
    "back\\slash",
    "ends in \\",
    "two\nlines\r\x0c\x85\u2028",
    "tab\t, escape\x1b, {braces} %s",
    "not UTF-8: \udcff",
]
#: What of them is not printable, as it is written in a line of text.
ON_ONE_LINE = {
    ODD[5]: r"two\nlines\r\x0c\x85\u2028",
    ODD[6]: r"tab\t, escape\x1b, {braces} %s",
    ODD[7]: r"not UTF-8: \udcff",
}


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_names_of_files_are_written_on_one_line(odd):
    scope = {}
    exec(compile("def f(x, y):\n    return x * y if x > y else y - x", odd, "exec"), scope)
    text = jit(scope["f"]).lower(2.0, 1.0).as_text().splitlines()
    assert [line.split()[0] for line in text] == ["inputs", "guard", "v4", "return"]
    assert text[1] == f"guard x0 > x1    # {ON_ONE_LINE.get(odd, odd)}:2"


@pytest.mark.parametrize("number", [NAN, INF, -INF, -0.0, 5e-324, -1e308, 1e16])
def test_every_constant_is_written(number):
    text = jit(lambda x: functions.maximum(x, number)).lower(2.0).as_text().splitlines()
    written = text[1].partition(", ")[2].removesuffix(")")
    assert bits([eval(written)]) == bits([number])


def test_counts():
    def rosenbrock(x):
        return sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = np.linspace(0.5, 1.5, 20)
    value, gradient = jit(rosenbrock).lower(x).stats(), grad(rosenbrock).lower(x).stats()
    assert value["inputs"] == gradient["inputs"] == 20
    assert value["guards"] == gradient["guards"] == 0
    assert value["flops"] <= 19 * 7 + 19
    assert gradient["flops"] <= 4 * value["flops"]
    assert jit(branching).lower(1.0, 2.0).stats()["guards"] == 1


def test_operations_are_counted_element_by_element_and_lane_by_lane():
    def f(xs):
        sines = vmap(lambda x: x * functions.sin(x))(xs)
        others = vmap(lambda x: functions.norm([x, x]) / functions.dot([x, 2.0], [x, x]))(xs[1:])
        longest = functions.norm(xs) * functions.mean(sines) - functions.logsumexp(others)
        return functions.tanh(longest) + functions.mean(others)

    # An element of a norm is looked at, scaled, squared and added; one of a logsumexp is so, too.
    # Then there is a product with a root, or a sum with a logarithm; the first is added to nothing.
    five, four, two = (4 * n - 1 + 2 for n in (5, 4, 2))
    lanes = 5 * 2 + 4 * (two + 1 + 3)  # the product of two pairs is three operations
    counted = jit(f).lower(np.linspace(0.5, 1.5, 5)).stats()["flops"]
    assert counted == lanes + five + four + 5 + 4 + 4  # two means, and four functions of numbers


def test_a_lowered_call_is_of_one_structure_and_one_way():
    lowered = grad(branching).lower(2.0, 1.0)
    assert lowered(3.0, 1.5) == grad(branching)(3.0, 1.5)
    with pytest.raises(ValueError, match=r"grad\(branching\): a guard fails"):
        lowered(1.0, 2.0)
    with pytest.raises(TypeError, match="argument 1 is an array of shape"):
        lowered(1.0, np.ones(2))
    with pytest.raises(TypeError, match="2 by position, not 1"):
        lowered(1.0)
    with pytest.raises(TypeError, match="by name"):
        lowered(1.0, 2.0, y=3.0)
    with pytest.raises(TypeError, match="argument 1 is an integer, not a number"):
        lowered(1.0, 3)
    named = jit(lambda x, *, k: x * k).lower(2.0, k=3.0)
    assert named(2.0, k=5.0) == 10.0
    with pytest.raises(TypeError, match="by name"):
        named(2.0)
    several = jit(lambda *, j, k: j * k).lower(j=1.0, k=2.0)
    with pytest.raises(TypeError, match="arguments: argument 'k' is a list of 1, not a number"):
        several(j=1.0, k=[2.0])
    v = Value(3.0)
    y = jit(lambda x: x * x).lower(1.0)(v)
    y.backward()
    assert v.grad == 6.0


def test_a_program_is_given_as_many_numbers_as_it_has_inputs():
    p = program_of(lambda x, y: x * y, [2.0, 3.0])
    for numbers in ([], [3.0], [3.0, 5.0, 7.0]):
        words = f"^the program takes 2 numbers: {len(numbers)} came$"
        with pytest.raises(ValueError, match=words):
            run(p, numbers)
    assert run(p, [3.0, 5.0]) == [15.0]


def test_a_walk_ends_at_the_first_of_its_ends_even_if_that_is_its_first_instruction():
    mine = primitive("walked", lambda a: a + 1.0, [lambda a, v: 1.0])
    p = program_of(lambda x: mine(mine(mine(x))), [2.0])
    machine = Machine(p)
    for ends, at in [((0, 2), 0), ((1, 2), 1), ((2,), 2), ((), 3)]:
        assert machine.walk(np.array([2.0]), [], ends) == at
    guarded = jit(lambda x: mine(x) if x > 3 else x).lower(4.0).program
    assert Machine(guarded).walk(np.array([2.0]), [], ()) is None
    assert run(p, [2.0]) == [5.0]


def test_a_lowered_call_is_recorded_but_under_no_grad():
    w = Value(3.0)
    lowered = jit(lambda x: x * w).lower(1.0)
    y = lowered(2.0)
    y.backward()
    assert (y.data, w.grad) == (6.0, 2.0)
    with no_grad():
        assert type(lowered(2.0)) is float


def test_inputs_are_called_as_the_arguments_are():
    w = Value(3.0)
    lowered = jit(lambda x, *ys: (x + ys[0]) * ys[1] * w).lower(1.0, 2.0, 3.0)
    assert lowered.input_names == ["x", "ys[0]", "ys[1]", "captured[0]"]
    # Python does not know what a function in C calls its own.
    assert jit(max).lower(1.0, 2.0).input_names == ["arguments[0]", "arguments[1]"]


def test_a_program_is_pickled_and_runs_elsewhere():
    lowered = grad(lambda x: functions.softmax([x, x * x, functions.tanh(x)])[1]).lower(0.7)
    again = pickle.loads(pickle.dumps(lowered.program))
    assert bits(run(again, [1.3])) == bits(run(lowered.program, [1.3]))
    for field in dataclasses.fields(Program):
        old, new = getattr(lowered.program, field.name), getattr(again, field.name)
        assert np.array_equal(old, new)
    mine = primitive("not_pickled", lambda a: a, [lambda a, v: 1.0])
    with pytest.raises(TypeError, match="not_pickled was added at run time: a program with it"):
        pickle.dumps(jit(mine).lower(1.0).program)


# -- large programs --------------------------------------------------------------------------------


def test_deep_and_wide_programs_need_no_recursion():
    def deep(x):
        for _ in range(100_000):
            x = functions.sin(x) + 0.5
        return x

    x = 0.3
    slope = 1.0
    for _ in range(100_000):
        slope, x = slope * math.cos(x), math.sin(x) + 0.5
    assert jit(deep)(0.3) == x
    assert grad(deep)(0.3) == pytest.approx(slope, abs=1e-300)
    wide = np.linspace(0.0, 1.0, 50_000)
    np.testing.assert_array_equal(grad(lambda x: (x * x).sum())(wide), 2 * wide)


def test_the_engine_says_which_it_is():
    assert isinstance(autodiff.COMPILED, bool)
    assert len(program.ARITY) == 2**16
