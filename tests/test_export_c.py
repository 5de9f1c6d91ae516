"""Programs in C: compiled by gcc with every warning an error, the program's numbers to the bit."""

import ctypes
import itertools
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import (
    Value,
    exp,
    grad,
    hessian,
    jacobian,
    jit,
    logsumexp,
    loop,
    maximum,
    mean,
    norm,
    optim,
    primitive,
    scan,
    sin,
    softmax,
    take,
    value_and_grad,
    vmap,
)
from autodiff import sum as sum_
from autodiff.compiler.program import Body
from autodiff.export import c_bodies, c_program, to_c
from autodiff.export.c_memory import literal
from autodiff.ops import TABLE
from autodiff.testing import expressions

INF, NAN = math.inf, math.nan
EDGES = [NAN, 0.0, -0.0, INF, -INF, 5e-324, -5e-324, 1.0, -1.0, 2.0, 1e308, -1e308, 0.1, 1e-308]
STRICT = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]
UNTOUCHED = 777.0


class Compiled:
    """A C function: called with numbers, it returns its code and what is in ``out`` then."""

    def __init__(self, library, name, text, outputs):
        self.function = getattr(library, name)
        self.work = int(re.search(rf"#define {name}_WORK (\d+)", text)[1])
        self.outputs = outputs

    def __call__(self, numbers):
        given = np.ascontiguousarray(numbers, float).ravel()
        found = np.full(self.outputs, UNTOUCHED)
        work = np.full(self.work, NAN)
        pointers = [x.ctypes.data_as(ctypes.c_void_p) for x in (given, found, work)]
        before = given.tobytes()
        code = self.function(*pointers)
        assert given.tobytes() == before
        return code, found


def gcc(folder, texts, *options):
    """A library of these files, compiled without a warning."""
    folder = Path(tempfile.mkdtemp(dir=folder))  # a library of its own: none is loaded twice
    files = []
    for name, text in texts.items():
        files.append(folder / f"{name}.c")
        files[-1].write_text(text)
    library = folder / "all.so"
    subprocess.run(
        ["gcc", *STRICT, *options, "-shared", "-fPIC", "-o", library, *files, "-lm"], check=True
    )
    return ctypes.CDLL(str(library))


def compiled(folder, lowered):
    """C functions of what was lowered, by the same names."""
    texts = {name: to_c(x, name=name) for name, x in lowered.items()}
    library = gcc(folder, texts)
    return {
        name: Compiled(library, name, texts[name], len(x.program.outputs))
        for name, x in lowered.items()
    }


def bits(numbers):
    return [float(x).hex() for x in np.asarray(numbers).ravel()]


def agree(folder, lowered, points):
    """The C functions give what the programs give, to the bit; and fail where these fail."""
    functions = compiled(folder, lowered)
    failed = 0
    for name, x in lowered.items():
        for numbers in points[name]:
            try:
                wanted = x.run(np.ravel(numbers))
            except (ValueError, IndexError):
                wanted = None
            code, found = functions[name](numbers)
            if wanted is None:
                failed += 1
                assert code > 0, name
                assert (found == UNTOUCHED).all(), name
            else:
                assert code == 0, name
                assert bits(found) == bits(wanted), name
    return failed


def flat(args):
    return np.concatenate([np.ravel(np.asarray(x, float)) for x in args])


def normal(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


# -- the program's numbers -------------------------------------------------------------------------


@pytest.mark.once
@settings(max_examples=6)
@given(data=st.data())
def test_expressions_and_their_derivatives(tmp_path_factory, data):
    """Several at once, each for many lanes too, on overlapping inputs."""
    some = [data.draw(expressions(3, max_size=10)) for _ in range(5)]
    copies, step = data.draw(st.integers(2, 12)), data.draw(st.integers(0, 3))
    n = 3 + step * copies

    def each(xs):
        return [f(*xs[step * i : step * i + 3]) for f in some for i in range(copies)]

    edges = st.sampled_from(EDGES) | st.floats(-3, 3)
    numbers = data.draw(st.lists(edges, min_size=n, max_size=n))
    start = [0.3 + 0.1 * i for i in range(n)]
    lowered = {
        "values": jit(each).lower(start),
        "slopes": jit(value_and_grad(lambda xs: sum_(each(xs)))).lower(start),
    }
    points = {name: [start, numbers, numbers[::-1]] for name in lowered}
    agree(tmp_path_factory.mktemp("c"), lowered, points)


def of_row(row):
    """A primitive as a function of a list of numbers, and of how many."""
    function = ad.functions.PUBLIC[row.name]
    if not row.over_lists:
        return (lambda xs: function(*xs)), len(row.names)
    lists = len(row.names)

    def on_lists(xs):
        n = len(xs) // lists
        return function(*(list(xs[i * n : (i + 1) * n]) for i in range(lists)))

    return on_lists, 3 * lists


@pytest.mark.once
def test_every_row_and_its_derivatives_at_every_edge(tmp_path):
    """All rows in one program, and what reverse mode makes of each."""
    rows = [of_row(row) for row in TABLE]

    def values(xs):
        return [f(xs[:n]) for f, n in rows]

    def slopes(xs):
        return [list(grad(f)(list(xs[:n]))) for f, n in rows]

    start = [0.5, 0.7, 0.6, 0.4, 0.3, 0.8]
    lowered = {"values": jit(values).lower(start), "slopes": jit(slopes).lower(start)}
    assert not lowered["values"].program.guards
    r = np.random.default_rng(0)
    points = [start, *itertools.permutations([*EDGES[:3], 2.0, INF, 0.1])][:200]
    points += [r.choice(EDGES, 6) for _ in range(300)] + [r.normal(size=6) for _ in range(100)]
    agree(tmp_path, lowered, dict.fromkeys(lowered, points))


@pytest.mark.once
def test_every_row_for_many_lanes_and_for_long_lists(tmp_path):
    """In loops, with operands in order, out of order, and the same for all; and lists likewise."""
    mixed = [(7 * i) % 30 for i in range(30)]

    def lanes(xs, row):
        f, n = of_row(row)
        if row.over_lists:
            long = [xs, [xs[i] for i in mixed], [*xs[:20], 2.0, *[x * 0.5 for x in xs[20:]]]]
            return [f(list(ys) * len(row.names)) for ys in long]
        spread = [f([xs[(i * (j + 1)) % 30] for j in range(n)]) for i in range(30)]
        apart = [f([xs[mixed[i]], *[0.25] * (n - 1)]) for i in range(30)]
        return [*spread, *apart, *[f([xs[0], *xs[i : i + n - 1]]) for i in range(26)]]

    start = np.linspace(0.1, 0.9, 30)
    lowered = {
        f"rows_{i}": jit(
            lambda xs, i=i: [x for row in TABLE[i : i + 12] for x in lanes(xs, row)]
        ).lower(start.tolist())
        for i in range(0, len(TABLE), 12)
    }
    r = np.random.default_rng(1)
    points = [start, r.choice(EDGES, 30), r.choice(EDGES, 30), r.normal(size=30)]
    agree(tmp_path, lowered, dict.fromkeys(lowered, points))


@pytest.mark.once
def test_matrices_of_all_sizes(tmp_path):
    """Rows and columns that are multiples of four, and that are not; and the derivatives."""
    lowered, points = {}, {}
    for rows, columns, inner in [(8, 16, 3), (10, 27, 5), (5, 9, 4), (3, 8, 11), (64, 4, 2)]:
        n = (rows + columns) * inner

        def product(xs, rows=rows, columns=columns, inner=inner):
            a = xs[: rows * inner].reshape(rows, inner)
            b = xs[rows * inner :].reshape(inner, columns)
            return a @ b

        def loss(xs, product=product):
            return sum_([exp(-x) for x in product(xs).ravel()])

        name = f"m{rows}_{columns}_{inner}"
        lowered[name] = jit(product).lower(normal(n))
        lowered[f"g{name}"] = jit(value_and_grad(loss)).lower(normal(n))
        points[name] = points[f"g{name}"] = [normal(n), normal(n, 1), np.full(n, -0.0)]
    text = to_c(lowered["m10_27_5"])
    assert text.count("ad_matrix(") == 2  # its definition, and a call
    assert "ad_matrix" not in to_c(jit(lambda x: x * x), 1.0)
    agree(tmp_path, lowered, points)


@pytest.mark.once
def test_programs_of_many_parts(tmp_path):
    """Longer than a function is to be: what one part computes, others and the results read."""

    def f(xs):
        xs = list(xs)
        for i in range(3 * c_program.LONG):
            a, b = xs[-1], xs[(17 * i) % len(xs)]
            xs.append([a * b, sin(a) - b, a + 0.5 * b, a / (1.0 + b * b)][i % 4])
        if xs[-1] > 1e300:
            return [0.0] * 3
        return [xs[-1], xs[-c_program.LONG], xs[1]]

    lowered = {"f": jit(f).lower([0.3, 0.2]), "g": jit(jacobian(f)).lower(np.array([0.3, 0.2]))}
    assert to_c(lowered["f"]).count("static int f_part_") > 3
    points = [[0.3, 0.2], [-1.0, 2.0], [NAN, 1.0]]
    agree(tmp_path, lowered, dict.fromkeys(lowered, points))


@pytest.mark.once
def test_what_take_reads_and_its_adjoints(tmp_path):
    """Elements by a number that comes in, of lists in order and not; adjoints scattered back."""

    def f(xs, i, j):
        shuffled = [xs[(5 * k) % 24] for k in range(24)]
        few = [xs[0], 2.0, xs[3] * 2.0]
        rows = [xs[4 * k : 4 * k + 4] for k in range(6)]
        a = [take(xs, i) * 2.0, take(shuffled, i), take(few, j)]
        both = [x * y for x, y in zip(take(rows, j), take(rows, i * 0.125), strict=True)]
        return sum_([x * (k - 1.5) for k, x in enumerate([*a, *both])])

    xs = normal(24).tolist()
    args = xs, 8.0, 1.0
    lowered = {"v": jit(f).lower(*args), "g": jit(value_and_grad(f)).lower(*args)}
    assert "scatter" in to_c(lowered["g"])
    first = (0.0, 8.0, 16.0, 24.0, 0.5, 7.0, -1.0, NAN, INF)
    points = [[*xs, i, j] for i in first for j in (0.0, 2.0, -0.0)]
    points.append([*[-0.0] * 24, 16.0, 2.0])
    assert agree(tmp_path, lowered, dict.fromkeys(lowered, points)) == 2 * 6 * 3


def test_numbers_are_written_exactly(tmp_path):
    numbers = [*EDGES, 1 / 3, -1e-320, 1.7976931348623157e308, 2.0**53 + 2, 123456789.123456789]
    for x in numbers:
        text = literal(x).strip("()")
        if math.isfinite(x):
            assert float(text) == x
    captured = [Value(x) for x in numbers]

    def f(x):
        return [*captured, *[v * x for v in captured], *[maximum(v, x) for v in captured]]

    lowered = {"f": jit(f).lower(1.0), "constants": jit(lambda: numbers).lower()}
    assert agree(tmp_path, lowered, {"f": [[1.0], [-2.0]], "constants": [[]]}) == 0
    for v in captured:
        v.data = 5.0  # the file keeps what there was
    assert bits(compiled(tmp_path, {"g": jit(f).lower(1.0)})["g"]([1.0])[1][:3]) == bits([5.0] * 3)


def test_programs_without_anything(tmp_path):
    lowered = {
        "nothing": jit(lambda: []).lower(),
        "same": jit(lambda x, y: [y, x, x]).lower(1.0, 2.0),
        "zero": grad(lambda x: 3.0).lower(1.0),
    }
    points = {"nothing": [[]], "same": [[3.0, NAN]], "zero": [[1.0]]}
    agree(tmp_path, lowered, points)
    assert "in: nothing" in to_c(lowered["nothing"])


# -- what a function returns -----------------------------------------------------------------------


def test_a_guard_that_fails_is_told_by_its_number(tmp_path):
    def f(x, y):
        if x > 1.0:
            return [x]
        if not y <= x:
            return [y, y]
        return [x, y, x]

    found = jit(f).lower(0.5, 0.25)
    call = compiled(tmp_path, {"f": found})["f"]
    assert call([0.5, 0.25])[0] == 0
    assert call([2.0, 0.0])[0] == 1
    assert call([0.5, 0.75])[0] == 2
    assert call([NAN, 0.0])[0] == 2
    assert (call([2.0, 0.0])[1] == UNTOUCHED).all()
    text = to_c(found)
    here = Path(__file__).name
    assert re.search(rf"1: traced where not x > 1\.0, at .*{here}:\d+\n", text)
    assert re.search(rf"2: traced where y <= x, at .*{here}:\d+ \*/\n", text)


def test_many_guards_are_told_beside_what_returns_them():
    def f(xs):
        return sum_([x if x > 0.5 else -x for x in xs])

    text = to_c(jit(f), [1.0] * 40)
    assert "16: traced" in text
    assert "17: traced" not in text
    assert "to 40: see where they are returned" in text
    assert "return 40; /* traced where xs[39] > 0.5" in text


def test_comments_hold_whatever_names_say(tmp_path):
    def f(x):
        return x["*/ a /* \n?"] * 2.0

    lowered = jit(f).lower({"*/ a /* \n?": 1.0})
    assert compiled(tmp_path, {"f": lowered})["f"]([3.0])[1] == [6.0]


# -- vmap, scan ------------------------------------------------------------------------------------


def lane(x, y, s):
    if x > s:
        return [x * y, sin(y)]
    return [x - y, x * s] if y < 0.0 else [softmax([x, y, s])[1], take([x, y], 1)]


def by_vmap(xs, ys, s):
    first, second = vmap(lane, in_axes=(0, 0, None))(xs, ys, s)
    return sum_([*first, *[b * b for b in second]])


@pytest.mark.once
def test_vmaps_of_several_ways_and_in_vmaps(tmp_path):
    xs, ys, s = normal(9), normal(9, 1), 0.2

    def nested(xs, ys):
        return sum_([*vmap(lambda x: by_vmap(ys * x, ys, x))(xs)])

    def last_lane(xs, ys, s):
        return vmap(lane, in_axes=(0, 0, None))(xs, ys, s)[0][8]

    args = {"v": (xs, ys, s), "last": (xs, ys, s), "n": (xs[:3], ys[:4])}
    functions = {"v": by_vmap, "last": last_lane, "n": nested}
    lowered = {name: jit(f).lower(*args[name]) for name, f in functions.items()}
    points = {
        name: [flat(args[name]) * scale for scale in (1.0, 0.5, -1.0, 3.0)] for name in lowered
    }
    agree(tmp_path, lowered, points)
    slopes = {
        f"g{name}": jit(value_and_grad(f, tuple(range(len(args[name]))))).lower(*args[name])
        for name, f in functions.items()
    }
    calls = compiled(tmp_path, slopes)
    for name, call in calls.items():  # sums over lanes are in another order
        code, found = call(points[name[1:]][0])
        assert code == 0
        np.testing.assert_allclose(
            found, slopes[name].run(points[name[1:]][0]), rtol=1e-13, atol=1e-13
        )


def test_a_lane_that_goes_none_of_its_ways_is_told(tmp_path):
    def f(xs):
        return vmap(lambda x: x * x if x > 0.0 else x)(xs)

    lowered = jit(f).lower(np.array([1.0, 2.0]))
    call = compiled(tmp_path, {"f": lowered})["f"]
    assert call([3.0, 4.0])[0] == 0
    assert call([3.0, -4.0])[0] == 1
    assert "every turn of vmap went one of the ways that were traced" in to_c(lowered)


def step(carry, x):
    a, b = carry
    a = a + sin(x * b) if a * x > b else a * 0.5
    b = b * 0.5 + a * x
    return (a, b), a * b


def by_scan(w, xs):
    (a, b), products = scan(step, (w, 0.1), xs)
    return a * b + sum_([*products])


@pytest.mark.once
@pytest.mark.parametrize("cache", [c_bodies.CACHE, 8])
def test_scans_and_their_derivatives(tmp_path, monkeypatch, cache):
    """With all carries kept, and with checkpoints."""
    monkeypatch.setattr(c_bodies, "CACHE", cache)
    xs = normal(23)
    lowered = {
        "v": jit(by_scan).lower(0.7, xs),
        "g": jit(value_and_grad(by_scan, (0, 1))).lower(0.7, xs),
        "h": jit(hessian(by_scan, (0, 1))).lower(0.7, xs[:5]),
        "l": jit(lambda x: loop(lambda i, c: 0.5 * (c + x / c) + i, x, 30)).lower(2.0),
        "m": jit(lambda ws: vmap(lambda w: by_scan(w, xs[:6]))(ws)).lower(np.array([0.2, 0.9])),
        "gm": grad(lambda ws: sum_([*vmap(lambda w: by_scan(w, xs[:6]))(ws)])).lower(
            np.array([0.2, 0.9])
        ),
    }
    starts = {"v": (0.7, xs), "g": (0.7, xs), "h": (0.7, xs[:5]), "l": (2.0,)}
    starts |= dict.fromkeys(["m", "gm"], (np.array([0.2, 0.9]),))
    points = {name: [flat(x), flat(x) * 1.001, -flat(x)] for name, x in starts.items()}
    agree(tmp_path, lowered, points)


def test_the_room_of_a_reverse_sweep_grows_as_the_square_root(monkeypatch):
    monkeypatch.setattr(c_bodies, "CACHE", 8)

    def room(n):
        f = grad(lambda x: loop(lambda i, c: sin(c) + x, x, n))
        return int(re.search(r"f_WORK (\d+)", to_c(f, 0.5))[1])

    assert room(10_000) < 10 * room(100) < 10_000


@pytest.mark.once
def test_a_vmap_in_a_scan_has_the_gradient_of_the_loop(tmp_path):
    weights = np.array([1.0, 2.0, 3.0])
    xs = normal(9, 1)

    def f(w):
        def once(c, x):
            return c + sum_([*vmap(lambda t: sin(t * w * c))(weights * x)]), c

        return scan(once, w, xs)[0]

    def by_hand(w):
        c = w
        for x in xs:
            c = c + sum_([sin(t * x * w * c) for t in weights])
        return c

    code, found = compiled(tmp_path, {"f": jit(grad(f)).lower(0.4)})["f"]([0.4])
    assert code == 0
    assert found[0] == pytest.approx(grad(by_hand)(0.4), rel=1e-12)


class Unheard(Body):
    """A body of a kind that nobody knows."""

    word = "unheard"
    turns = ()

    def __len__(self):
        return 1


def test_a_body_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"Unheard.* cannot be written in C"):
        c_bodies.operands(Unheard(), np.zeros(0, np.int32))


# -- what is written -------------------------------------------------------------------------------


def test_the_file_says_which_numbers_are_which():
    def f(model, xs, n, flag):
        return {"y": [x * 2.0 for x in xs], "w": model["w"] * n, "t": (1.0, flag)}

    model = {"w": np.ones((2, 3)), "layers": [[1.0] * 4, [2.0] * 4], "name": "a"}
    text = to_c(jit(f), model, [1.0, 2.0], 3, True, name="all_of_it")
    head = text[: text.index("*/")]
    assert head.startswith(f"/* jit(f), written by autodiff {ad.__version__}.\n")
    for line in [
        "cc -O2 -c all_of_it.c      and link with -lm",
        "int all_of_it(const double *in, double *out, double *w)",
        "in has 18 numbers, out 10, and w is room for all_of_it_WORK",
        "in[0..5]  model['w'][0..1, 0..2]",
        "in[6..13]  model['layers'][0..1][0..3]",
        "in[14..15]  xs[0..1]",
        "in[16]  n, integer",
        "in[17]  flag, 0 or 1",
        "out[0..1]  result['y'][0..1]",
        "out[2..7]  result['w'][0..1, 0..2]",
        "out[8..9]  result['t'][0..1]",
    ]:
        assert line in head, line
    many = to_c(jit(lambda d: d["k0"]), {f"k{i}": np.ones(i) for i in range(40)})
    assert "in[0..779]  d, its 40 parts one after the other" in many
    assert len(many[: many.index("*/")].splitlines()) < 30


def test_only_what_is_needed_is_written():
    text = to_c(jit(lambda x: ad.lgamma(x)), 2.0)
    assert "c_lgamma" in text
    assert "BERNOULLI" in text
    assert "digamma" not in text
    assert "static double" not in to_c(jit(lambda x: x * 2.0 + 1.0), 1.0)


def test_a_sparse_result_is_its_entries(tmp_path):
    f = jacobian(lambda x: [x[i] * x[i + 1] for i in range(5)], sparse=True)
    x = normal(6)
    lowered = f.lower(x)
    text = to_c(lowered, name="bands")
    library = gcc(tmp_path, {"bands": text})
    code, entries = Compiled(library, "bands", text, 10)(x)
    assert code == 0
    wanted = f(x)
    assert entries.tolist() == wanted.data.tolist()
    for words, numbers in (("rows", wanted.indices), ("starts", wanted.indptr)):
        table = (ctypes.c_int * len(numbers)).in_dll(library, f"bands_{words}")
        assert [*table] == numbers.tolist()
    assert "a sparse matrix of 5 rows and 6 columns" in text


@pytest.mark.parametrize(
    "name", ["1f", "a b", "", "f;", "_f", "é", "int", "exp", "sinf", "main", "ad_f", "LN2"]
)
def test_a_name_that_c_cannot_have_is_refused(name):
    with pytest.raises(ValueError, match=r"^name "):
        to_c(jit(lambda x: x), 1.0, name=name)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(TypeError, match="name must be what the C function is called, not 3"):
        to_c(jit(lambda x: x), 1.0, name=3)
    with pytest.raises(TypeError, match="jit, grad or another transform"):
        to_c(math.sin, 1.0)
    with pytest.raises(TypeError, match="takes no example arguments"):
        to_c(jit(lambda x: x).lower(1.0), 1.0)
    cube = primitive("cube_for_c", lambda a: a**3, [lambda a, v: 3 * a * a])
    with pytest.raises(TypeError, match=r"cube_for_c\(\), which was added at run time"):
        to_c(jit(lambda x: cube(x)), 1.0)


# -- whole -----------------------------------------------------------------------------------------


@pytest.mark.once
def test_microgpt_learns_the_same_in_c(tmp_path):
    """A few steps of Adam on the file's gradients: the losses of Python, to the bit."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "demos"))
    import microgpt

    model = microgpt.GPT(27, np.random.default_rng(0))
    parameters = model.parameters()
    tokens = [0, 5, 13, 13, 1, 0]

    def loss(numbers, tokens):
        rest = iter(numbers)
        copy = object.__new__(microgpt.GPT)
        for name, rows in vars(model).items():
            if isinstance(rows, list):
                vars(copy)[name] = [[next(rest) for _ in row] for row in rows]
        return copy.loss(tokens)

    start = [p.data for p in parameters]
    lowered = value_and_grad(loss).lower(start, tokens)
    call = compiled(tmp_path, {"loss_and_gradient": lowered})["loss_and_gradient"]

    def losses(gradient):
        values = [Value(x) for x in start]
        optimizer, found = optim.Adam(values, lr=0.01), []
        for _ in range(4):
            x, slopes = gradient([v.data for v in values])
            found.append(x)
            for v, slope in zip(values, slopes, strict=True):
                v.grad = slope
            optimizer.step()
        return found

    def in_c(numbers):
        code, (x, *slopes) = call([*numbers, *tokens])
        assert code == 0
        return x, slopes

    by_python = losses(jit(value_and_grad(lambda numbers: loss(numbers, tokens))))
    assert losses(in_c) == by_python
    assert by_python[-1] < by_python[0]


MAIN = """
#include <stdio.h>
#include <stdlib.h>
{declared}
static void run(int (*f)(const double *, double *, double *), int n, int m, int room,
                const double *numbers)
{{
    double *in = malloc(n * sizeof(double) + 1), *out = malloc(m * sizeof(double) + 1);
    double *w = malloc(room * sizeof(double) + 1);
    for (int i = 0; i < n; i++) in[i] = numbers[i];
    printf("%d", f(in, out, w));
    for (int i = 0; i < m; i++) printf(" %a", out[i]);
    printf("\\n");
    free(in);
    free(out);
    free(w);
}}
int main(void)
{{
{calls}
    return 0;
}}
"""


@pytest.mark.once
def test_sanitizers_find_nothing(tmp_path):
    """No number outside its array is read or written, by any kind of statement."""
    xs = normal(24)
    matrix = normal(70)
    cases = {
        "scans": (value_and_grad(by_scan, (0, 1)), (0.7, xs[:9])),
        "vmaps": (value_and_grad(by_vmap, (0, 1, 2)), (xs[:9], xs[9:18], 0.2)),
        "taken": (grad(lambda xs, i: take(xs, i) * norm(list(xs)) + mean(list(xs))), (xs, 3)),
        "matrices": (
            value_and_grad(
                lambda x: logsumexp(list((x[:35].reshape(5, 7) @ x[35:].reshape(7, 5)).ravel()))
            ),
            (matrix,),
        ),
    }
    declared, calls, wanted, files = [], [], [], []
    for name, (f, args) in cases.items():
        lowered = f.lower(*args)
        text = to_c(lowered, name=name)
        files.append(tmp_path / f"{name}.c")
        files[-1].write_text(text)
        room = re.search(rf"{name}_WORK (\d+)", text)[1]
        numbers = ", ".join(map(repr, flat(args).tolist()))
        declared.append(f"int {name}(const double *, double *, double *);")
        sizes = f"{len(flat(args))}, {len(lowered.program.outputs)}, {room}"
        calls.append(f"    run({name}, {sizes}, (const double[]){{{numbers}}});")
        wanted.append(lowered.run(flat(args)))
    main = tmp_path / "main.c"
    main.write_text(MAIN.format(declared="\n".join(declared), calls="\n".join(calls)))
    sanitizers = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = tmp_path / "run"
    subprocess.run(["gcc", *STRICT, *sanitizers, "-o", program, main, *files, "-lm"], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert not done.stderr
    for line, numbers in zip(done.stdout.splitlines(), wanted, strict=True):
        code, *found = line.split()
        assert code == "0"
        np.testing.assert_allclose([float.fromhex(x) for x in found], numbers, rtol=1e-13)
