"""The command line: what it prints, what it refuses, and that no text makes it do anything else."""

import math
import re
import subprocess
import sys
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import autodiff
from autodiff import Value, formulas, graph
from autodiff.__main__ import main
from autodiff.engine.choice import sentence
from autodiff.formulas import FormulaError, catalogue, number, parse
from autodiff.functions import PUBLIC
from autodiff.ops import HELPERS, TABLE, row
from autodiff.testing import expressions


def run(capsys, *argv):
    """The exit code, and what is printed."""
    code = main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def refusal(capsys, *argv):
    """The one line that says what is wrong."""
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("python -m autodiff: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert len(err) < 400
    assert err.isascii()
    return err.removeprefix("python -m autodiff: ").rstrip()


def same(x, y):
    return x == y or (math.isnan(x) and math.isnan(y))


# -- grad ------------------------------------------------------------------------------------------


def test_grad_prints_the_value_and_each_partial_derivative(capsys):
    code, out, err = run(capsys, "grad", "relu(a*b + c)", "a=2", "b=-3", "c=10")
    assert (code, err) == (0, "")
    assert out == "relu(a*b + c) = 4\nd/da = -3\nd/db = 2\nd/dc = 1\n"


def test_every_digit_is_printed_and_names_are_aligned(capsys):
    _, out, _ = run(capsys, "grad", "sin(x1)*rate", "x1=0.1", "rate=3")
    x, rate = Value(0.1), Value(3.0)
    v = x.sin() * rate
    v.backward()
    assert out == f"sin(x1)*rate = {v.data!r}\nd/dx1   = {x.grad!r}\nd/drate = {rate.grad!r}\n"


def test_a_formula_without_variables_is_a_number(capsys):
    assert run(capsys, "grad", "2**10 - 1") == (0, "2**10 - 1 = 1023\n", "")


def test_what_is_not_finite_is_printed_as_it_is(capsys):
    assert run(capsys, "grad", "log(a)", "a=0")[1] == "log(a) = -inf\nd/da = inf\n"
    assert run(capsys, "grad", "a - a", "a=inf")[1] == "a - a = nan\nd/da = 0\n"


@pytest.mark.parametrize("formula", ["-a", "-a**2 + 1", "--a", "-2*a", " -a", "-(a)"])
def test_a_formula_may_begin_with_a_minus_sign(capsys, formula):
    code, out, _ = run(capsys, "grad", formula, "a=3")
    assert code == 0
    assert out.startswith(f"{formula.strip()} = ")


# -- which version ---------------------------------------------------------------------------------


def test_the_version_tells_which_engine_runs_and_why(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    python = ".".join(map(str, sys.version_info[:3]))
    begins = rf"autodiff {re.escape(autodiff.__version__)}, \w+ {re.escape(python)}, NumPy [^:]*: "
    assert re.match(begins, said)
    assert said.endswith(f": {sentence(autodiff.COMPILED)}\n")


def test_a_formula_may_look_like_the_option(capsys):
    assert run(capsys, "grad", "--version", "version=3")[1] == "--version = 3\nd/dversion = 1\n"


# -- check -----------------------------------------------------------------------------------------


def test_check_prints_a_table(capsys):
    code, out, err = run(capsys, "check", "relu(a*b + c)", "a=2", "b=-3", "c=10")
    lines = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert lines[0] == ["relu(a*b", "+", "c)", "=", "4"]
    assert lines[1] == ["exact", "finite", "difference", "estimated", "error", "agrees"]
    assert [(line[0], *line[1:3], line[4]) for line in lines[2:]] == [
        ("d/da", "-3", "-3", "yes"),
        ("d/db", "2", "2", "yes"),
        ("d/dc", "1", "1", "yes"),
    ]
    assert all(float(line[3]) < 1e-10 for line in lines[2:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["abs(a)*b", "a=0", "b=2"], ["kink: -2 from the left, 2 from the right", "yes"]),
        (["floor(a)", "a=1"], ["jump: 0 on the left, 1 there"]),
        (["log(a)", "a=-1"], ["the function is nan"]),
        (["1/a + b", "a=0", "b=1"], ["d/da", "d/db", "the function is inf"]),
        (["sqrt(a)", "a=0"], ["unsure"]),
    ],
)
def test_check_tells_where_they_do_not_agree(capsys, arguments, words):
    code, out, err = run(capsys, "check", *arguments)
    assert (code, err) == (1, "")
    assert all(word in out for word in words)


def test_check_notices_a_derivative_that_is_wrong(capsys, monkeypatch):
    wrong = autodiff.primitive("wrong_square", lambda a: a * a, [lambda a, v: 2.1 * a])
    monkeypatch.setitem(PUBLIC, "square", wrong)
    code, out, _ = run(capsys, "check", "square(a) + b", "a=3", "b=1")
    assert code == 1
    assert [line.split()[-1] for line in out.splitlines()[2:]] == ["no", "yes"]


def test_check_wants_finite_variables(capsys):
    assert "has no variables" in refusal(capsys, "check", "2 + 2")
    assert "must be finite" in refusal(capsys, "check", "a", "a=inf")


# -- draw and explore ------------------------------------------------------------------------------


def test_draw_prints_dot(capsys):
    code, out, _ = run(capsys, "draw", "relu(a*b + c)", "a=2", "b=-3", "c=10")
    a, b, c = Value(2.0, "a"), Value(-3.0, "b"), Value(10.0, "c")
    root = autodiff.relu(a * b + c)
    root.backward()
    assert code == 0
    assert out == graph.draw(root).source


@pytest.mark.parametrize(
    "arguments",
    [
        ["a*b", "a=2", "b=-3", "-o", "graph.svg"],
        ["-o", "graph.svg", "a*b", "a=2", "b=-3"],
        ["a*b", "-o", "graph.svg", "a=2", "b=-3"],
        ["a*b", "a=2", "--output=graph.svg", "b=-3"],
    ],
)
def test_draw_writes_what_was_asked_for(capsys, monkeypatch, arguments):
    saved = []
    monkeypatch.setattr(graph, "save", lambda drawing, path: saved.append((drawing.source, path)))
    assert run(capsys, "draw", *arguments) == (0, "wrote graph.svg\n", "")
    ((source, path),) = saved
    assert path == "graph.svg"
    assert "grad -3" in source


def test_draw_of_a_constant_or_a_variable(capsys):
    assert "data 4" in run(capsys, "draw", "2*2")[1]
    assert ">a</FONT>" in run(capsys, "draw", "a", "a=2")[1]


def test_pictures_and_pages_are_written(capsys, tmp_path):
    for command, ending, start in [
        ("draw", "svg", b"<?xml"),
        ("draw", "dot", b"digraph"),
        ("explore", "html", b"<!doctype html>"),
    ]:
        path = tmp_path / f"graph.{ending}"
        code, out, _ = run(capsys, command, "relu(a*b + c)", "a=2", "b=-3", "c=10", "-o", str(path))
        assert (code, out.startswith(f"wrote {path}")) == (0, True)
        assert path.read_bytes().lower().startswith(start)


def test_explore_writes_a_page(capsys, monkeypatch):
    explored = []
    monkeypatch.setattr(graph, "explore", lambda root, path: explored.append((root, path)))
    code, out, _ = run(capsys, "explore", "a*sin(b)", "a=2", "b=-3", "-o", "page.html")
    assert (code, out) == (0, "wrote page.html: open it in a browser\n")
    assert run(capsys, "explore", "a", "a=2")[1].startswith("wrote graph.html")
    (root, path), (_, default) = explored
    assert (path, default) == ("page.html", "graph.html")
    assert root.op == "mul"
    assert [x.name for x in root.operands] == ["a", ""]
    assert root.operands[0].grad == math.sin(-3.0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(2, "No such file or directory", "x"), "No such file or directory"),
        (PermissionError(13, "Permission denied", "x"), "Permission denied"),
        (FileNotFoundError("dot is not installed"), "dot is not installed"),
        (ValueError("there is no\nsuch format"), "there is no such format"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(capsys, monkeypatch, error, reason):
    def fails(root, path):
        raise error

    monkeypatch.setattr(graph, "save", fails)
    monkeypatch.setattr(graph, "explore", fails)
    refused = refusal(capsys, "draw", "a", "a=1", "-o", "graph.svg")
    assert refused == f"cannot write 'graph.svg': {reason}"
    assert refusal(capsys, "explore", "a", "a=1") == f"cannot write 'graph.html': {reason}"


def test_a_path_without_an_ending_is_refused(capsys):
    assert "cannot write 'graph': " in refusal(capsys, "draw", "a", "a=1", "-o", "graph")


# -- the arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "named", "help_of"),
    [
        ([], "COMMAND", ""),
        (["grad"], "FORMULA", "grad "),
        (["grid", "a", "a=1"], "'grid'", ""),
        (["draw", "a", "a=1", "-o"], "-o/--output", "draw "),
        (["draw", "a", "-o", "-a.svg", "a=1"], "-o/--output", "draw "),
    ],
)
def test_what_is_missing_or_unknown_is_named_and_the_help(capsys, argv, named, help_of):
    said, hint, rest = refusal(capsys, *argv).rpartition("; python -m autodiff ")
    assert named in said
    assert (hint, rest) == ("; python -m autodiff ", f"{help_of}--help shows how")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["grad", "a", "a=1", "-o", "x.svg"], "grad writes no file: it has no option -o"),
        (["grad", "a", "a=1", "--fast"], "'--fast' is not a variable with its number, such as a=2"),
        (["grad", "a", "a"], "'a' is not a variable with its number, such as a=2"),
        (["grad", "a", "a="], "variable 'a': '' is not a real number such as 2, -0.5 or 1e-3"),
        (["grad", "a", "a=two"], "variable 'a': 'two' is not a real number"),
        (["grad", "a", "a=1_000"], "variable 'a': '1_000' is not a real number"),
        (["grad", "a", "a=1/2"], "variable 'a': '1/2' is not a real number"),
        (["grad", "a", "a=1j"], "variable 'a': '1j' is not a real number"),
        (["grad", "a", "a=0x10"], "variable 'a': '0x10' is not a real number"),
        (["grad", "a", "a=\u0661"], r"variable 'a': '\u0661' is not a real number"),
        (["grad", "a", "a=b=1"], "variable 'a': 'b=1' is not a real number"),
        (["grad", "a", "=1"], "'' is not a variable's name, such as x, b2 or rate"),
        (["grad", "a", "2a=1"], "'2a' is not a variable's name"),
        (["grad", "a", "if=1"], "'if' is not a variable's name"),
        (["grad", "a", "\u0430=1"], r"'\u0430' is not a variable's name"),
        (["grad", "a", "a=1", "x" * 900 + "=1"], "the variable 'xxx"),
        (["grad", "a", "x" * 900], "'xxxx"),
        (["grad", "a", "a=" + "1" * 900 + "x"], "variable 'a': '1111"),
        (["grad", "a", "a=1", "a=2"], "the variable 'a' is given twice"),
        (["grad", "a", "a=1", "b=2"], "the variable 'b' does not occur in 'a'"),
        (["grad", "sum([a])", "a=1", "sum=2"], "the variable 'sum' does not occur in 'sum([a])'"),
        (["grad", "a + b", "a=1"], "column 5: 'b' has no value: add b=NUMBER"),
        (
            ["grad", "2*rats", "rate=1"],
            "column 3: 'rats' has no value: add rats=NUMBER; did you mean 'rate'?",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_arguments(capsys, argv, message):
    assert refusal(capsys, *argv).startswith(message)


@pytest.mark.parametrize(
    "argv", [["--help"], *([c, "-h"] for c in ("grad", "check", "draw", "explore"))]
)
def test_help_teaches(capsys, argv):
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 0
    out = capsys.readouterr().out
    assert '"relu(a*b + c)" a=2 b=-3 c=10' in out
    assert all(r.name in out for r in TABLE)
    assert max(map(len, out.splitlines())) <= 100


def test_the_example_of_each_command_is_true(capsys):
    for command in ("grad", "check"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = capsys.readouterr().out
        _, out, _ = run(capsys, command, "relu(a*b + c)", "a=2", "b=-3", "c=10")
        assert "".join(f"  {line}\n" for line in out.splitlines()) in shown


def test_the_catalogue_has_a_line_for_each_function():
    lines = catalogue().splitlines()
    for name in [*({r.name for r in TABLE} - HELPERS), "where"]:
        assert len([line for line in lines if line.startswith(f"{name}(")]) == 1


def test_control_c_ends_quietly(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(graph, "draw", interrupted)
    assert run(capsys, "draw", "a", "a=1") == (130, "", "")


def process(*argv, **options):
    return subprocess.run(
        [sys.executable, "-m", "autodiff", *argv],
        capture_output=True, text=True, check=False, timeout=60, **options,
    )  # fmt: skip


def test_as_a_process():
    done = process("grad", "-a*b", "a=2", "b=3")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "-a*b = -6\nd/da = -3\nd/db = -2\n",
        "",
    )
    done = process("grad", "eval('1')")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('python -m autodiff: column 6: "\'" has no meaning in a formula')


# -- formulas --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a + b - 3*a/b", "a**-b", "a**b**0.5", "(a + b)*(a - b)", "+a - +b", "a--b",
        "2**a + b", "-a**2 - b", "leaky_relu(-a) + b",
        "1.5e3*a + .5*b + 2.", "pow(a, b)", "atan2(a, b)", "leaky_relu(-a, b)",
        "sum([a, b, 1])", "mean([a, b])", "dot([a, b], [b, 2])", "logsumexp([a, b, a*b])",
        "where(less(a, b), a, b*b)", "maximum(a, minimum(b, 2))", "a*pi + b*e", "hypot(a, b)",
        "\ta  +\tb ", "1e400*a + b", "0*a + 007 - b", "monomial(2, a, b)", "a/0 + b",
    ],
)  # fmt: skip
def test_a_formula_means_what_it_means_in_python(text):
    a, b = Value(1.25), Value(2.5)
    python = {**PUBLIC, "pi": math.pi, "e": math.e, "a": a, "b": b}
    expected = eval(text.strip().replace("007", "7"), python)
    expected.backward()
    x, y = Value(1.25), Value(2.5)
    found = parse(text, ["a", "b"])(x, y)
    found.backward()
    assert (found.op, found.data, x.grad, y.grad) == (expected.op, expected.data, a.grad, b.grad)
    assert same(parse(text, ["b", "a"])(2.5, 1.25), expected.data)


def test_constants_can_be_variables():
    assert parse("e*pi", [])() == math.e * math.pi
    assert parse("e*pi", ["e"])(2.0) == 2 * math.pi


def test_arithmetic_of_numbers_is_that_of_floats():
    assert parse("9**9**9", [])() == math.inf
    assert parse("1/0 - 3", [])() == math.inf
    assert math.isnan(parse("(-8)**(1/3)", [])())
    assert parse("10**30 + 1", [])() == 1e30
    assert parse("9" * 5000, [])() == math.inf
    assert parse("0.1 + 0.2", [])() == 0.1 + 0.2


ASTRAY = [
    ("", "the formula is empty"),
    (" \t ", "the formula is empty"),
    ("sinn(a)", "column 1: there is no function 'sinn'; did you mean 'sin'?"),
    ("a + ln(a)", "column 5: there is no function 'ln'; did you mean 'log'?"),
    ("arcsin(a)", "column 1: there is no function 'arcsin'; did you mean 'asin'?"),
    ("max(a, 2)", "column 1: there is no function 'max'; did you mean 'maximum'?"),
    ("qqq(a)", "column 1: there is no function 'qqq'"),
    ("print(a)", "column 1: there is no function 'print'"),
    ("eval(a)", "column 1: there is no function 'eval'"),
    ("softmax([a])", "column 1: there is no function 'softmax'"),
    ("take([a], 0)", "column 1: there is no function 'take'"),
    ("a(2)", "column 1: 'a' is a variable; a product is written a*(...)"),
    ("2(a)", "column 1: only a function can stand before '('; a product is written a*(b)"),
    ("(a)(a)", "column 1: 'a' is a variable; a product is written a*(...)"),
    ("sin(a)(a)", "column 1: only a function can stand before '('"),
    ("sin", "column 1: 'sin' is a function: sin(a)"),
    ("sin()", "column 1: sin(a) takes 1 operand, not 0"),
    ("sin(a, a)", "column 1: sin(a) takes 1 operand, not 2"),
    ("  atan2(a)", "column 3: atan2(a, b) takes 2 operands, not 1"),
    ("elu(a, a, a)", "column 1: elu(a, b=1.0) takes 1 or 2 operands, not 3"),
    ("where(a, a)", "column 1: where(c, a, b) takes 3 operands, not 2"),
    ("sum(a, a)", "column 1: sum takes a list: sum([a, ...])"),
    ("sum([a], [a])", "column 1: sum takes a list: sum([a, ...])"),
    ("sum([])", "column 1: sum takes one operand at least: sum([a, ...])"),
    ("dot([a])", "column 1: dot takes 2 lists: dot([a, ...], [b, ...])"),
    ("dot([a], a)", "column 1: dot takes 2 lists"),
    ("dot([a], [a, 2])", "column 1: dot takes lists of one length"),
    ("dot([], [])", "column 1: dot takes one operand at least"),
    ("sum([[a]])", "column 6: square brackets are only for the lists of sum, mean, dot, norm, "),
    ("[a]", "column 1: square brackets are only for the lists of"),
    ("sin([a])", "column 5: square brackets are only for the lists of"),
    ("a[0]", "column 1: square brackets are only for the lists of"),
    ("a, a", "column 1: a formula has one result, and here are several"),
    ("sin((a, a))", "column 5: a formula has one result"),
    ("()", "column 1: a formula has one result"),
    ("a b", "column 3: there is no sign between 'a' and 'b'; a product is written a*b"),
    ("2 a", "column 3: there is no sign between '2' and 'a'"),
    ("(a)2", "column 4: there is no sign between ')' and '2'"),
    ("2a", "column 1: '2a' is not a real number"),
    (
        "a +",
        "column 4: the formula ends where a number, a variable, a function or a parenthesis is",
    ),
    ("a + ", "column 5: the formula ends where"),
    ("sin(", "column 5: the formula ends where"),
    ("(a", "column 1: the formula cannot be parsed here: '(' was never closed"),
    ("a)", "column 2: the formula cannot be parsed here: unmatched ')'"),
    ("(a]", "column 3: the formula cannot be parsed here"),
    ("*a", "column 1: '*' stands where a number, a variable, a function or a parenthesis is"),
    ("a // 2", "column 4: '/' stands where"),
    ("a ***a", "column 5: '*' stands where"),
    ("a* *a", "column 4: '*' stands where"),
    ("a -/ 2", "column 4: '/' stands where"),
    ("sin(,a)", "column 5: ',' stands where"),
    ("(a + )", "column 6: ')' stands where"),
    ("a ^ 2", "column 3: '^' has no meaning in a formula; a power is written a**b"),
    ("a == 2", "column 3: '=' has no meaning in a formula; variables get their values after"),
    ("a < 2", "column 3: '<' has no meaning in a formula; comparisons are functions: less(a, b)"),
    ("a @ a", "column 3: '@' has no meaning in a formula; expected are numbers, variables"),
]


@pytest.mark.parametrize(("text", "message"), ASTRAY)
def test_what_is_wrong_with_a_formula(capsys, text, message):
    assert refusal(capsys, "grad", text, "a=1").startswith(message)


HOSTILE = [
    "__import__('os')", "__import__", "().__class__", "a.b", "a.__class__", "1..real", "a[0]",
    "[a][0]", "sum([a])[0]", "(lambda: 1)()", "lambda a: a", "[x for x in a]", "sum(x for x in a)",
    "{a: 1}", "{a}", "'x'*10**9", '"x"', "f'{a}'", "f''", "b''", "(a := 2)", "a if a else 1",
    "not a", "a and 1", "a or 1", "a is 1", "a in 1", "a < 1", "a != 1", "~a", "a % 2", "a & 1",
    "a << 9999999999", "a; a", "a = 1", "a\n", "a\nimport os", "a\\\n+1", "a #", "a\x00",
    "\x00", "a\x0c", "@a", "$a", "`a`",
    "1_000", "1j", "0x10", "0b1", "0o7", "1e", "1.2.3", "1e5e5", "...", "True", "None", "yield a",
    "await a", "sin(*[a])", "sin(**a)", "sin(a=1)", "sum([*a])", "sin(a for a in a)",
    "\u0430", "s\u0456n(a)", "\uff53in(a)", "\uff41", "a\u2212a", "a\u00d71", "\u0661", "a\u00a0+1",
    "\ufefft", "\U0001d452", "\ud800", "exec(a)", "open(a)", "globals()", "__builtins__", "_",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_formula_is_refused(capsys, text):
    message = refusal(capsys, "grad", text, "a=1")
    assert message.startswith("column ")


LARGE = {
    "parentheses": "(" * 5000 + "a" + ")" * 4999,
    "open parentheses": "(" * 10_000,
    "open brackets": "[" * 10_000,
    "calls": "sin(" * 2000 + "a" + ")" * 1999,
    "lists": "sum([" * 1000 + "a" + "])" * 1000,
    "minus signs": "-" * 9_999 + "a",
    "minus signs in parentheses": "-(" * 3000 + "a" + ")" * 3000,
    "powers": "a**" * 3000 + "a",
    "powers of minus": "a**-" * 2000 + "a",
    "parentheses at the end": "a" + ")" * 9_000,
    "sums": "a+" * 4999 + "a",
    "products": "a*" * 3000 + "2",
    "mixed": ("(-" * 60 + "a**-(") * 10,
    "many characters": "a" + " " * 10_000,
    "very many characters": "-" * 100_000 + "a",
    "millions of characters": "(" * 5_000_000,
    "a long name": "x" * 9_000,
    "a long function": "x" * 9_000 + "(a)",
    "a long number": "1" * 9_000 + "_0",
    "commas": "a," * 4_999,
}


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_a_large_formula_is_refused_quickly(capsys, text):
    start = time.perf_counter()
    refusal(capsys, "grad", text, "a=1")
    assert time.perf_counter() - start < 1.0


def test_the_limits():
    def deep(n):
        return (
            "(" * n + "a" + ")" * n,
            "-" * n + "a",
            "a" + "+a" * n,
            "a**" * n + "a",
            "sin(" * n + "a" + ")" * n,
        )

    for text in deep(formulas.DEEPEST - 1):
        assert math.isfinite(parse(text, ["a"])(0.5))
    for text in deep(formulas.DEEPEST + 1):
        with pytest.raises(FormulaError, match="nested more than 100 deep"):
            parse(text, ["a"])
    terms = [f"x{i}" for i in range(formulas.MOST_VARIABLES)]
    assert parse(f"sum([{','.join(terms)}])", terms)(*range(1000)) == 499500
    with pytest.raises(FormulaError, match="there are 1001 variables, and at most 1000 may be"):
        parse("a", [*terms, "a"])
    assert parse("a".ljust(formulas.MOST_CHARACTERS), ["a"])(1.0) == 1.0
    with pytest.raises(FormulaError, match="has 10001 characters, and at most 10000 may be"):
        parse("a".ljust(formulas.MOST_CHARACTERS + 1), ["a"])


@given(st.text(max_size=30) | st.text("a1.e+-*/()[], ", max_size=20))
def test_any_text_is_a_formula_or_refused(text):
    try:
        result = parse(text, ["a"])(2.0)
    except FormulaError as error:
        result = str(error)
    assert isinstance(result, float) or "\n" not in result


@given(st.text(max_size=10) | st.text("0123456789.eE+-_infa", max_size=8))
def test_a_number_is_read_as_python_reads_it_or_refused(text):
    try:
        x = number(text)
    except FormulaError:
        return
    assert same(x, float(text))


# -- random formulas -------------------------------------------------------------------------------


def written(expression):
    """An expression as one formula: every step in place of its name."""
    texts = [f"x{i}" for i in range(expression.n_inputs)]
    signs = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
    for step in expression.steps:
        operands = [texts[x] if isinstance(x, int) else f"({x!r})" for x in step.operands]
        if step.primitive in signs:
            text = f"({operands[0]} {signs[step.primitive]} {operands[1]})"
        elif step.primitive == "neg":
            text = f"(-{operands[0]})"
        else:
            r = row(step.primitive)
            n = len(operands) // len(r.names)
            if r.over_lists:
                operands = [
                    f"[{', '.join(operands[i : i + n])}]" for i in range(0, len(operands), n)
                ]
            text = f"{step.primitive}({', '.join(operands)})"
        texts.append(text)
        assume(len(text) <= formulas.MOST_CHARACTERS)
    return texts[-1]


@given(expressions(2, max_size=6), st.lists(st.floats(-3, 3), min_size=2, max_size=2))
def test_random_formulas_have_the_value_and_gradient_that_they_have_in_python(expression, point):
    text = written(expression)
    used = [f"x{i}" for i in range(2) if f"x{i}" in text]
    numbers = [x for i, x in enumerate(point) if f"x{i}" in text]
    ours, theirs = [Value(x) for x in numbers], [Value(x) for x in numbers]
    found = parse(text, used)(*ours)
    expected = eval(text, {**PUBLIC, **dict(zip(used, theirs, strict=True))})
    found.backward()
    expected.backward()
    assert found.op == expected.op
    assert same(found.data, expected.data)
    assert same(found.data, expression(*point))
    assert all(same(x.grad, y.grad) for x, y in zip(ours, theirs, strict=True))


ANYWHERE = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-3, 3)


@given(expressions(2, max_size=6), st.lists(ANYWHERE, min_size=2, max_size=2))
def test_every_formula_can_be_checked_anywhere(expression, point):
    text = written(expression)
    variables = [f"x{i}={x!r}" for i, x in enumerate(point) if f"x{i}" in text]
    assert main(["grad", text, *variables]) == 0
    assert main(["check", text, *variables]) in (0, 1)
