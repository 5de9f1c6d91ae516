"""The rules in JavaScript compute, in a browser, what the kernels compute in Python.

Every row is evaluated at many points of its domain, and at all edges: zeros, infinities, nan, the
ends of the range, ties.  Rows of exact arithmetic (``+ - * /``, square roots, comparisons,
rounding) must agree to the bit.  A browser's ``exp``, ``sin`` ... need not be glibc's: each of the
two results is within the row's ``bounds`` of the true number, so they may be twice that apart; and
as in ``test_accuracy`` an intermediate result below 2**-1022 may be off by one unit.
"""

import itertools
import math
from array import array
from base64 import b64decode, b64encode

import pytest
import references
from mpmath import mp
from test_accuracy import HUGE, NORMAL, Underflow, bounds_of, points_of, ulps

import autodiff
from autodiff import Value, ops
from autodiff.engine.expressions import names_in
from autodiff.engine.kernels import KERNELS
from autodiff.graph.javascript import rules
from autodiff.ops import CODES, TABLE

pytestmark = pytest.mark.once  # of numbers on which the engines agree

EDGES = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 40.0, 400.0, 1000.0, 1e-12, 2.0**52 + 1, 1e300]
EDGES += [5e-324, 1e-300, 5e-309, NORMAL, ops.CONSTANTS["LARGEST"], math.inf]
EDGES += [-x for x in EDGES] + [math.nan]
FEW = [0.0, -0.0, 1.0, -1.0, 2.5, 1e-300, 1e300, math.inf, -math.inf, math.nan]

#: The functions of ``math.h``, whose rows name themselves; and those with one possible result.
FUNCTIONS = {row.name for row in TABLE if row.name in names_in(row.value)}
EXACT = {"sqrt", "abs", "floor", "ceil", "trunc", "rint"}

EACH_ROW = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)

#: Numbers come and go as the base64 of doubles, which is fast and keeps nan and -0.
SCRIPT = """
(cases) => {
  const unpacked = (text) =>
    new Float64Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const packed = (numbers) => {
    let text = "";
    for (const byte of new Uint8Array(Float64Array.from(numbers).buffer))
      text += String.fromCharCode(byte);
    return btoa(text);
  };
  return cases.map(([name, lengths, text]) => {
    const numbers = unpacked(text), results = [];
    let start = 0;
    for (const length of lengths) {
      const xs = Array.from(numbers.subarray(start, start += length));
      const v = RULES[name].value(xs);
      results.push(v, ...RULES[name].partials(xs, v));
    }
    return packed(results);
  });
}"""


def edges_of(row):
    if row.over_lists:
        lengths = (2, 4) if len(row.names) == 2 else (1, 2, 3)
        return [p for n in lengths for p in itertools.product(FEW, repeat=n)]
    if len(row.names) == 1:
        return [(x,) for x in EDGES]
    if len(row.names) == 2:
        return list(itertools.product(EDGES, repeat=2))
    return list(itertools.product(FEW, repeat=len(row.names)))


POINTS = {row.name: [list(p) for p in [*points_of(row, 200), *edges_of(row)]] for row in TABLE}


@pytest.fixture(scope="module")
def page(browser):
    """A page of a browser without a window."""
    return browser.new_page()


def computed_by(page, points, source=None):
    """For each row, the value and the partials at each of its points, computed in one go."""
    cases = []
    for name, them in points.items():
        flat = array("d", itertools.chain.from_iterable(them))
        cases.append((name, [len(xs) for xs in them], b64encode(flat.tobytes()).decode()))
    function = f"(cases) => {{ {source or rules(points)} return ({SCRIPT})(cases); }}"
    found = {}
    for (name, lengths, _), text in zip(cases, page.evaluate(function, cases), strict=True):
        numbers = iter(array("d", b64decode(text)))
        found[name] = [list(itertools.islice(numbers, 1 + length)) for length in lengths]
        assert not [*numbers], f"{name} has more partials than operands"
    return found


@pytest.fixture(scope="module")
def computed(page):
    return computed_by(page, POINTS)


def by_kernel(row, operands):
    """Value and partials by the interpreted engine."""
    kernel = KERNELS[CODES[row.name]]
    if row.over_lists:
        n = len(operands) // len(row.names)
        v, partials = kernel(*(operands[i : i + n] for i in range(0, len(operands), n)))
    elif row.in_tuple:
        v, partials = kernel(operands)
    else:
        v, *partials = kernel(*operands, *([3] if len(row.names) == 2 else []))
    return [v, *partials]


def is_exact(row):
    """Whether all that its value and partials use is exact."""
    seen, pending = set(), {row.name}
    while pending:
        seen |= pending
        rows = [ops.row(name) for name in pending & CODES.keys()]
        expressions = [e for r in rows for e in (r.value, r.fold, *r.partials)]
        pending = set().union(*map(names_in, expressions)) - seen
    return seen & FUNCTIONS <= EXACT


def same(x, y):
    """Whether two doubles are one, sign of zero and all; or both nan."""
    return (x == y and math.copysign(1, x) == math.copysign(1, y)) or (x != x and y != y)


def apart(x, y):
    """How far two doubles that are no nan are apart, in ulp of the second; inf is 2**1024."""
    x, y = (math.copysign(1, a) * HUGE if math.isinf(a) else mp.mpf(a) for a in (x, y))
    return float(abs(x - y) / (math.ulp(float(y)) if abs(y) < HUGE else 2.0**971))


def disagreements(row, points, computed):
    """Where what a page computed is not what the kernels compute."""
    for operands, ours in zip(points, computed, strict=True):
        kernel = by_kernel(row, operands)
        if all(map(same, ours, kernel)):
            continue
        bounds = bounds_of(row, operands, kernel[0], kernel[1:])
        for which, (x, y, bound) in enumerate(zip(ours, kernel, bounds, strict=True)):
            if not same(x, y) and not (
                is_near(row, operands, which, x, y, bound) and not is_exact(row)
            ):
                yield operands, which, x, y


def is_near(row, operands, which, x, y, bound):
    """Whether two results are at most twice the bound apart; zeros of two signs and nan are not."""
    if x != x or y != y or x == y:
        return False
    excess = apart(x, y) - 2 * bound
    if excess > 0 and not row.over_lists:
        excess -= 2 * Underflow(row).allowance(operands, which)
    return excess <= 0


@EACH_ROW
def test_the_rules_compute_what_the_kernels_compute(row, computed):
    assert [*disagreements(row, POINTS[row.name], computed[row.name])] == []


def test_some_rows_are_exact_and_others_not():
    exact = {row.name for row in TABLE if is_exact(row)}
    assert {"add", "div", "sqrt", "relu", "rint", "asin_da", "dot", "huber"} <= exact
    assert not {"exp", "tan", "cbrt", "gelu", "pow", "asinh_da", "logsumexp"} & exact


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("pow", "a === 1 ||", "false ||"),
        ("pow", "Math.abs(b) === Infinity", "false"),
        ("rint", "? -rounded", "? rounded"),
        ("rint", "size + 2 ** 52 - 2 ** 52", "Math.round(size)"),
        ("erf", "0.026866170645076792", "0.026866170645"),
        ("erfc", "0.0007577761958682831", "0.00075777619"),
        ("sinh", "[cosh(a)]", "[cosh(a)*(1 + 4e-15)]"),
        ("maximum", "(a !== a)", "false"),
        ("logsumexp", "if (isinf(t)) t = 0.0;", ""),
        ("dot", "const b = xs[n + i]", "const b = xs[i]"),
    ],
)
def test_a_mistake_is_noticed(page, name, right, wrong):
    source = rules([name])
    assert right in source
    points = {name: POINTS[name]}
    found = computed_by(page, points, source.replace(right, wrong))
    assert any(disagreements(ops.row(name), POINTS[name], found[name]))


# -- the error function, against the true one ------------------------------------------------------


@pytest.mark.parametrize(("name", "bound"), [("erf", 1.0), ("erfc", 4.0)])
def test_the_error_function_is_near_the_true_one(page, name, bound):
    points = [*POINTS[name], *([k / 97] for k in range(-600, 2700))]
    points = [xs for xs in points if math.isfinite(xs[0])]
    with mp.workdps(40):
        for (x,), (v, _) in zip(points, computed_by(page, {name: points})[name], strict=True):
            assert ulps(v, references.value(name, [x])) <= bound, x


# -- the source ------------------------------------------------------------------------------------


def test_only_what_is_needed_is_in_the_source():
    assert (
        rules(["mul"])
        == """\
const RULES = (() => {
  "use strict";
  const mul = (a, b) => (a * b);
  return {
    __proto__: null,
    mul: {value: ([a, b]) => mul(a, b), partials: ([a, b], v) => [b, a]},
  };
})();"""
    )
    assert "erf" not in rules(["pow", "logsumexp", "tanh"])
    assert "largest" not in rules(["sum", "dot", "monomial"])
    assert "const where" not in rules(["relu"])
    assert "const where" in rules(["leaky_relu"])
    assert "LN2 =" in rules(["log2"])
    assert "LN10 =" not in rules(["log2"])


def test_the_order_of_the_names_does_not_matter():
    assert rules(["sin", "add", "add"]) == rules(iter(["add", "sin"]))


def test_what_has_no_row_is_left_out(page):
    call = autodiff.primitive("constructor", lambda a: 2 * a, [lambda a, v: 2.0])
    x = Value(3.0)
    names = [call(x).op, "take", "detach", "largest", "", "no such name", "neg"]
    assert rules(names) == rules(["neg"])
    assert page.evaluate(f"() => {{ {rules(names)} return Object.keys(RULES); }}") == ["neg"]
    assert page.evaluate(f"() => {{ {rules(names)} return RULES.constructor === undefined; }}")
    assert page.evaluate(f"() => {{ {rules([])} return Object.keys(RULES); }}") == []
