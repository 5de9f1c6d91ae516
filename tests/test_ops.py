"""Every row of the table against mpmath: value, partials and second derivatives."""

import doctest
import functools
import itertools
import math
import random
from dataclasses import replace

import numpy as np
import pytest
import references
from mpmath import mp

import autodiff
from autodiff import COMPILED, Value, evaluation, ops, primitive
from autodiff.engine import ckernels, expressions, kernels
from autodiff.engine.documentation import WORDS, documentation
from autodiff.value import TABLE_DIGEST

SCALARS = [r for r in ops.TABLE if not r.over_lists]
LISTS = [r for r in ops.TABLE if r.over_lists]
EACH_ROW = pytest.mark.parametrize("row", ops.TABLE, ids=lambda r: r.name)
EACH_SCALAR = pytest.mark.parametrize("row", SCALARS, ids=lambda r: r.name)

POINTS = 20  # points a row
REACH = 3.0  # how far from 0, or from the border of a half-line, they lie
MARGIN = 0.02  # how far they stay from borders and kinks
DIGITS = 250  # of mpmath's numbers, whose zeros are 1e-250; erf(20) differs from 1 in the 176th


# -- where, and how rows are evaluated -------------------------------------------------------------


def draw(interval, random_):
    """A random number well inside an interval."""
    low, high = interval
    if math.isinf(low) and math.isinf(high):
        low, high = -REACH, REACH
    elif math.isinf(high):
        high = low + REACH
    return random_.uniform(low + MARGIN, high - MARGIN)


def points_of(row):
    """Random operands in the domain, away from kinks; the same at every run."""
    random_ = random.Random(row.name)
    if row.over_lists:
        n = 3 * len(row.names)
        return [[random_.uniform(-REACH, REACH) for _ in range(n)] for _ in range(POINTS)]
    points = []
    while len(points) < POINTS:
        operands = [draw(d, random_) for d, _ in zip(row.domain, row.names, strict=False)]
        kink = row.kink or "1"
        if abs(eval(kink, {}, dict(zip(row.names, operands, strict=True)))) > MARGIN:
            points.append(operands)
    return points


def extreme_points_of(row):
    """Operands of very different size in the domain, some of them very close to its border."""
    far = [sign * x for x in (1e-12, 1e-5, 0.4, 8.0, 20.0) for sign in (1, -1)]
    choices = [
        [x for x in (*far, low + 1e-9, high - 1e-9) if low < x < high and math.isfinite(x)]
        for (low, high), _ in zip(row.domain, row.names, strict=False)
    ]
    kink = row.kink or "1"
    return [
        operands
        for operands in itertools.product(*choices)
        if eval(kink, {}, dict(zip(row.names, operands, strict=True))) != 0
    ]


def record(row, operands):
    """The node that the engine records, and its operands."""
    xs = [Value(x) for x in operands]
    function = getattr(autodiff, row.name)
    if row.over_lists:
        half = len(xs) // len(row.names)
        return function(*(xs[i : i + half] for i in range(0, len(xs), half))), xs
    return function(*xs), xs


def by_engine(row):
    """A row of the table, evaluated as the engine does: operands to value and partials."""

    def evaluate(*operands):
        v, _ = record(row, operands)
        return v.data, v.partials

    return evaluate


def by_expressions(row):
    """A row that may not be in the table, evaluated likewise, from its expressions."""
    if row.over_lists:

        def evaluate(*operands):
            half = len(operands) // len(row.names)
            lists = (operands[i : i + half] for i in range(0, len(operands), half))
            return kernels.list_kernel(row, kernels.FLOATS)(*lists)
    else:
        names = ", ".join(row.names)
        value = eval(f"lambda {names}: {expressions.for_floats(row.value)}", {**kernels.FLOATS})
        partials = kernels.partial_functions(row, kernels.FLOATS)

        def evaluate(*operands):
            v = value(*operands)
            return v, [partial(*operands, v) for partial in partials]

    return evaluate


# -- the checks ------------------------------------------------------------------------------------


def assert_close(got, wanted, tolerance, what, floor=0.01):
    """Equal, relative to the larger of ``wanted`` and ``floor``: near a zero terms may cancel."""
    error = abs(got - wanted)
    assert error <= tolerance * max(abs(wanted), floor), f"{what}: {got}, not {wanted}"


def check_first_order(name, evaluate, points, tolerance=1e-14, floor=0.01):
    """Value and partials are what mpmath says."""
    with mp.workdps(DIGITS):
        for operands in points:
            v, partials = evaluate(*operands)
            assert len(partials) == len(operands)
            wanted = references.value(name, operands)
            assert_close(v, wanted, tolerance, f"{name}{operands}", floor)
            for i, partial in enumerate(partials):
                wanted = references.derivative(name, operands, i)
                what = f"partial {i} of {name}{operands}"
                assert_close(partial, wanted, tolerance, what, floor)


def check_second_order(name, evaluate, points):
    """Partials of recorded partials are what mpmath says."""
    with mp.workdps(DIGITS):
        for operands in points:
            v, xs = evaluate(operands)
            v.backward(create_graph=True)
            firsts = [x.grad for x in xs]
            for i, first in enumerate(firsts):
                for x in xs:
                    x.grad = 0.0
                first.backward()
                for j, x in enumerate(xs):
                    wanted = references.derivative(name, operands, i, j)
                    what = f"second derivative {i}, {j} of {name}{operands}"
                    assert_close(x.grad, wanted, 1e-12, what)


@EACH_ROW
def test_value_and_partials_are_the_true_ones(row):
    check_first_order(row.name, by_engine(row), points_of(row))


@EACH_SCALAR
def test_digits_are_kept_far_out_and_close_to_zero_and_to_borders(row):
    check_first_order(row.name, by_engine(row), extreme_points_of(row), 5e-14, floor=1e-230)


@EACH_ROW
def test_expressions_alone_give_the_same(row):
    check_first_order(row.name, by_expressions(row), points_of(row))


@EACH_ROW
def test_second_derivatives_are_the_true_ones(row):
    check_second_order(row.name, lambda operands: record(row, operands), points_of(row)[:5])


# -- the checks are checked: rows broken on purpose ------------------------------------------------

MUTATIONS = {
    "off by a thousandth": "1.001*({})",
    "negated": "-({})",
    "shifted": "{} + 0.001",
    "infinite": "({})/0.0",
}
MUTANTS = [
    pytest.param(row, i, mutation, id=f"{row.name}-{i}-{how}")
    for row in ops.TABLE
    for i, partial in enumerate(row.partials)
    for how, mutation in MUTATIONS.items()
    if partial != "0.0" or how == "shifted"
]


@pytest.mark.parametrize(("row", "i", "mutation"), MUTANTS)
def test_a_wrong_partial_is_caught(row, i, mutation):
    partials = [*row.partials]
    partials[i] = mutation.format(partials[i])
    evaluate = by_expressions(replace(row, partials=partials))
    with pytest.raises(AssertionError, match=rf"partial \d of {row.name}"):
        check_first_order(row.name, evaluate, points_of(row))


@pytest.mark.parametrize("name", ["sub", "div", "pow", "hypot", "atan2", "elu", "maximum"])
def test_partials_in_the_wrong_order_are_caught(name):
    row = ops.row(name)
    evaluate = by_expressions(replace(row, partials=row.partials[::-1]))
    with pytest.raises(AssertionError, match=f"partial 0 of {name}"):
        check_first_order(name, evaluate, points_of(row))


@EACH_ROW
def test_a_wrong_value_is_caught(row):
    evaluate = by_expressions(replace(row, value=f"({row.value}) + 1e-12"))
    with pytest.raises(AssertionError, match=rf"^{row.name}"):
        check_first_order(row.name, evaluate, points_of(row))


def test_a_partial_wrong_only_in_its_own_derivative_is_caught():
    # The number is right; what it was computed from is forgotten.
    forgetful = primitive(
        "forgetful_tan",
        math.tan,
        [lambda a, v: 1 + v * (v.detach() if isinstance(v, Value) else v)],
    )

    def evaluate(operands):
        x = Value(*operands)
        return forgetful(x), [x]

    points = points_of(ops.row("tan"))
    check_first_order("tan", lambda a: (forgetful(a), forgetful(Value(a)).partials), points)
    with pytest.raises(AssertionError, match=r"second derivative 0, 0 of tan"):
        check_second_order("tan", evaluate, points)


# -- the table itself ------------------------------------------------------------------------------


def test_names_are_unique():
    names = [r.name for r in ops.TABLE] + [r.numpy for r in ops.TABLE if r.numpy]
    assert len(names) == len(set(names))


def test_every_row_has_a_meaning_here_and_every_meaning_a_row():
    assert set(references.MEANINGS) == {r.name for r in ops.TABLE}


@EACH_ROW
def test_there_is_one_partial_and_one_interval_an_operand(row):
    assert len(row.partials) == len(row.names)
    assert len(row.domain) >= len(row.names) or row.over_lists


@EACH_ROW
def test_partials_mention_only_primitives_constants_and_operands(row):
    allowed = {r.name for r in SCALARS} | set(ops.CONSTANTS) | {"v", "where"}
    allowed |= set("abmntu" if row.over_lists else row.names)
    for partial in row.partials:
        assert expressions.names_in(partial) <= allowed


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "trunc", "rint"])
def test_a_slope_of_zero_is_a_positive_zero(name):
    function = getattr(autodiff, name, None) or functools.partial(evaluation.apply, ops.CODES[name])
    for x in (2.25, -2.25):
        assert repr(function(Value(x)).partials) == "(0.0,)"


def test_what_is_inside_a_condition_is_rendered_for_arrays_too():
    expression = "a if a > 0 and (a < 1 or (b < 0 or (1.0 if b > 2 else 0.0) == 1)) else b"
    rendered = eval(f"lambda a, b: {expressions.for_arrays(expression)}", kernels.ARRAYS)
    points = [(a, b) for a in (-1.0, 0.5, 2.0) for b in (-1.0, 1.0, 3.0)]
    found = rendered(*np.array(points).T).tolist()
    assert found == [eval(expression, {"a": a, "b": b}) for a, b in points]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LN2", lambda: mp.log(2)),
        ("LN10", lambda: mp.log(10)),
        ("SQRT_HALF", lambda: mp.sqrt(mp.mpf(1) / 2)),
        ("TWO_OVER_SQRT_PI", lambda: 2 / mp.sqrt(mp.pi)),
        ("ONE_OVER_SQRT_TAU", lambda: 1 / mp.sqrt(2 * mp.pi)),
    ],
)
def test_constants_are_the_nearest_floats(name, value):
    with mp.workdps(DIGITS):
        assert ops.CONSTANTS[name] == float(value())


@EACH_SCALAR
def test_unbounded_domains_are_tested_on_both_sides_of_zero(row):
    for i, (low, _) in enumerate(row.domain[: len(row.names)]):
        drawn = [operands[i] for operands in points_of(row)]
        assert max(drawn) > 0
        assert (min(drawn) < 0) == (low < 0)


def test_the_compiled_table_is_this_table():
    assert (ckernels.digest() if COMPILED else "") == TABLE_DIGEST


def test_the_digest_depends_on_every_partial(monkeypatch):
    digests = {ckernels.digest()}
    for i, row in enumerate(ops.TABLE):
        changed = [*ops.TABLE]
        changed[i] = replace(row, partials=[*row.partials[:-1], row.partials[-1] + " + 0.0"])
        monkeypatch.setattr(ckernels, "TABLE", changed)
        digests.add(ckernels.digest())
    assert len(digests) == len(ops.TABLE) + 1


@EACH_ROW
def test_documentation_states_value_and_partials(row):
    assert any(f"`{row.name}(" in line and row.value in line for line in ops.markdown().split("\n"))
    if row.over_lists:
        return
    if getattr(autodiff, row.name) is not evaluation.VALUES[row.name]:
        return  # it is written by hand
    shown = getattr(autodiff, row.name).__doc__
    assert shown.startswith(WORDS[row.name])
    assert row.value in shown or row.value == f"{row.name}({', '.join(row.names)})"
    partials = ", ".join(f"``{partial}``" for partial in row.partials)
    assert f"partial derivative{'s' if len(row.names) > 1 else ''}: {partials}" in shown
    assert getattr(Value, row.name).__doc__ == shown


@pytest.mark.parametrize(
    ("name", "domain", "lines"),
    [
        (
            *("leaky_relu", None),
            [
                "* differentiable, and tested, where ``a != 0``",
                *("* ``b`` is 0.01 where it is not given", ">>> leaky_relu(2.0)"),
            ],
        ),
        ("log", None, ["* differentiable, and tested, where ``a > 0``", ">>> log(2.0)"]),
        ("asin", None, ["* differentiable, and tested, where ``-1 < a < 1``", ">>> asin(0.5)"]),
        ("acosh", (2.0, math.inf), [">>> acosh(3.0)"]),
        ("atanh", (0.5, 2.0), [">>> atanh(1.5)"]),
    ],
)
def test_documentation_says_where_and_for_what(name, domain, lines):
    row = ops.row(name)
    shown = documentation(replace(row, domain=(domain,)) if domain else row).split("\n")
    assert [line for line in shown if line in lines] == lines


def test_words_say_what_every_primitive_is():
    assert list(WORDS) == [row.name for row in ops.TABLE if not row.over_lists]
    assert all(words.endswith(".") and words[0] not in " " for words in WORDS.values())
    assert len(set(WORDS.values())) == len(WORDS)


@EACH_ROW
def test_the_example_of_a_docstring_prints_what_it_says(row):
    written = autodiff.functions.PUBLIC if row.over_lists else evaluation.VALUES
    (test,) = doctest.DocTestFinder(recurse=False).find(
        written[row.name], row.name, globs=dict(vars(autodiff))
    )
    assert doctest.DocTestRunner().run(test) == (0, len(test.examples))
    assert test.examples


# -- on arrays -------------------------------------------------------------------------------------

EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 30.0, 1e300, math.inf, -math.inf, math.nan]


def assert_same_numbers(got, wanted):
    """Equal to a few units in the last place, nan equal to nan, zeros of one sign."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.dtype == wanted.dtype == np.float64
    np.testing.assert_allclose(got, wanted, rtol=1e-15)
    zeros = wanted == 0
    np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(wanted[zeros]))


@EACH_SCALAR
def test_values_on_arrays_equal_values_on_floats(row):
    function = getattr(autodiff, row.name)
    edges = np.stack(np.meshgrid(*[EDGES] * len(row.names)), -1).reshape(-1, len(row.names))
    points = [*points_of(row), *edges.tolist()]
    assert_same_numbers(function(*np.array(points).T), [function(*p) for p in points])


@EACH_SCALAR
def test_values_on_floats_and_on_values_are_the_same(row):
    function = getattr(autodiff, row.name)
    for operands in [*points_of(row), *([x] * len(row.names) for x in EDGES)]:
        assert repr(function(*operands)) == repr(record(row, operands)[0].data)


@pytest.mark.parametrize("row", LISTS, ids=lambda r: r.name)
def test_lists_of_arrays_are_reduced_elementwise(row):
    function = getattr(autodiff, row.name)
    columns = np.array([EDGES, EDGES[::-1], EDGES[3:] + EDGES[:3]])
    lists = [columns, np.roll(columns, 4, 1)][: len(row.names)]
    wanted = [function(*(xs[:, i].tolist() for xs in lists)) for i in range(len(EDGES))]
    assert_same_numbers(function(*lists), wanted)
