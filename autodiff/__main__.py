"""The command line: formulas and their derivatives, without writing a program.

``python -m autodiff grad "relu(a*b + c)" a=2 b=-3 c=10`` prints a value and its gradient; ``check``
compares the gradient with finite differences; ``draw`` and ``explore`` show the graph.
``formulas.py`` says what a formula may be.  ``python -m autodiff --version`` tells which engine
runs, and why.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

import numpy as np

import autodiff
from autodiff import graph
from autodiff.engine.choice import sentence
from autodiff.formulas import Formula, FormulaError, catalogue, number, parse, quoted
from autodiff.testing import GradientError, check_gradient, numerical_gradient
from autodiff.value import COMPILED, Value

_PROGRAM = "python -m autodiff"
_EXAMPLE = '"relu(a*b + c)" a=2 b=-3 c=10'

_GRAD = f"""\
Print the value of a formula and its partial derivatives, with all their digits.

  $ {_PROGRAM} grad {_EXAMPLE}
  relu(a*b + c) = 4
  d/da = -3
  d/db = 2
  d/dc = 1
"""
_CHECK = f"""\
Compare the exact partial derivatives with finite differences, which know nothing of the chain rule.

  $ {_PROGRAM} check {_EXAMPLE}
  relu(a*b + c) = 4
        exact  finite difference  estimated error  agrees
  d/da     -3                 -3            3e-14  yes
  d/db      2                  2            2e-14  yes
  d/dc      1                  1          6.4e-15  yes

The exit code is 1 unless they agree: if a derivative is wrong, if there is none (abs(a) at a=0), or
if rounding hides every difference.
"""
_DRAW = f"""\
Draw how the value is computed: a box for each number, with its gradient.

  $ {_PROGRAM} draw {_EXAMPLE} -o graph.svg
  wrote graph.svg

The ending of the path is the format: svg png pdf dot json mmd.  Without a path the drawing is
printed in Graphviz's language, DOT.
"""
_EXPLORE = f"""\
Write a page for the browser, on which the graph can be explored.

  $ {_PROGRAM} explore {_EXAMPLE} -o graph.html
  wrote graph.html: open it in a browser
"""
_SYNTAX = """\
A formula is made of numbers, variables, + - * / ** (a power), parentheses, and functions.  Every
variable gets a number after the formula; pi and e have theirs.  Put quotes around the formula, or
the shell takes its signs for its own.
"""

_AGREES = {"": "yes", "wrong": "no"}  #: what the verdicts of ``check_gradient`` say here


class _Refusal(Exception):
    """What is wrong with the command, on one line."""


class _Task(NamedTuple):
    """A formula, the numbers of its variables, and where the result goes, if that was given."""

    formula: Formula
    point: list[float]
    output: str | None

    def recorded(self) -> tuple[Value, list[Value]]:
        """The formula's value, whose sweep has run, and the inputs, which carry their names."""
        names = self.formula.variables
        inputs = [Value(x, name) for x, name in zip(self.point, names, strict=True)]
        result = self.formula(*inputs)
        root = result if isinstance(result, Value) else Value(result)
        root.backward()
        return root, inputs


# -- the commands ----------------------------------------------------------------------------------


def _grad(task: _Task) -> int:
    root, inputs = task.recorded()
    print(f"{task.formula.text} = {_digits(root.data)}")
    for label, x in zip(_labels(task.formula), inputs, strict=True):
        print(f"{label} = {_digits(x.grad)}")
    return 0


def _check(task: _Task) -> int:
    formula, point = task.formula, task.point
    if not point:
        raise _Refusal("check compares derivatives, and the formula has no variables")
    if not all(map(math.isfinite, point)):
        raise _Refusal("check takes steps from the point, which must be finite")
    root, inputs = task.recorded()
    with np.errstate(all="ignore"):  # steps may leave the range
        verdicts = _verdicts(formula, point)
        numerical = numerical_gradient(lambda x: formula(*x.tolist()), point, "richardson")
    rows = [
        ("", "exact", "finite difference", "estimated error", "agrees"),
        *(
            (label, _digits(x.grad), f"{value:.10g}", f"{error:.2g}", verdict)
            for label, x, value, error, verdict in zip(
                _labels(formula), inputs, *numerical, verdicts, strict=True
            )
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"{formula.text} = {_digits(root.data)}")
    for label, *numbers, verdict in rows:
        cells = [x.rjust(width) for x, width in zip(numbers, widths[1:], strict=False)]
        print("  ".join([label.ljust(widths[0]), *cells, verdict]))
    return int(verdicts != ["yes"] * len(point))


def _draw(task: _Task) -> int:
    root, _ = task.recorded()
    drawing = graph.draw(root)
    if task.output is None:
        print(drawing.source, end="")
    else:
        print(_written(lambda path: graph.save(drawing, path), task.output))
    return 0


def _explore(task: _Task) -> int:
    root, _ = task.recorded()
    path = "graph.html" if task.output is None else task.output
    print(f"{_written(lambda path: graph.explore(root, path), path)}: open it in a browser")
    return 0


_COMMANDS = {
    "grad": (_grad, "print the value and the partial derivatives", _GRAD),
    "check": (_check, "compare the derivatives with finite differences", _CHECK),
    "draw": (_draw, "draw the graph, as SVG, PNG, PDF, DOT ...", _DRAW),
    "explore": (_explore, "write a page on which the graph can be explored", _EXPLORE),
}


def _verdicts(formula: Formula, point: list[float]) -> list[str]:
    """For each variable ``yes``, or why its derivative does not agree with finite differences."""
    try:
        check_gradient(formula, *point, order=1)
    except GradientError as disagreement:
        verdicts = [c.verdict for c in disagreement.components]
        if not verdicts:  # the function is not finite there
            return [str(disagreement).partition(": ")[2]] * len(point)
        return [_AGREES.get(verdict, verdict) for verdict in verdicts]
    return ["yes"] * len(point)


def _written(write: Callable[[str], object], path: str) -> str:
    """Write a file, and say so.

    Raises:
        _Refusal: if it cannot be written.
    """
    try:
        write(path)
    except (OSError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _Refusal(f"cannot write {path!r}: {reason or error}") from None
    return f"wrote {path}"


def _labels(formula: Formula) -> list[str]:
    """``d/da`` and so on, all of one width."""
    width = max(map(len, formula.variables), default=0)
    return [f"d/d{name:{width}}" for name in formula.variables]


def _digits(x: float | Value) -> str:
    """All digits that tell a double from others: those of ``repr``."""
    return repr(x.data if isinstance(x, Value) else x).removesuffix(".0")


# -- the arguments ---------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all others here."""

    def error(self, message: str) -> NoReturn:
        raise _Refusal(f"{message}; {self.prog} --help shows how")


def _parser() -> _Parser:
    layout = argparse.RawDescriptionHelpFormatter
    functions = f"functions (v is the value):\n{textwrap.indent(catalogue(), '  ')}"
    examples = "\n".join(f"  {_PROGRAM} {name} {_EXAMPLE}" for name in _COMMANDS)
    parser = _Parser(
        prog=_PROGRAM,
        description=f"{__doc__.partition('.')[0]}.\n\n{examples}\n\n{_SYNTAX}",
        epilog=f"{_PROGRAM} COMMAND --help tells more about a command.\n\n{functions}",
        formatter_class=layout,
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"autodiff {autodiff.__version__}, {platform.python_implementation()} "
        f"{platform.python_version()}, NumPy {np.__version__}: {sentence(COMPILED)}",
        help="print the versions, and which engine runs and why",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (_, summary, description) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{description}\n{_SYNTAX}",
            epilog=functions,
            formatter_class=layout,
            allow_abbrev=False,
        )
        command.add_argument("formula", metavar="FORMULA", help="what to differentiate")
        command.add_argument(
            "variables",
            metavar="NAME=NUMBER",
            nargs="*",
            default=[],
            help="where: a number for each variable",
        )
        if name in ("draw", "explore"):
            command.add_argument("-o", "--output", metavar="PATH", help="the file to write")
    return parser


def _guarded(argv: Sequence[str]) -> list[str]:
    """The arguments, with a blank before a formula such as ``-a``, so that it is no option."""
    options = ("-o", "--output", "-h", "--help", "--")
    return [
        f" {x}"
        if x.startswith("-")
        and x.partition("=")[0] not in options
        and before not in options[:2]
        and (x, before) != ("--version", "")
        else x
        for before, x in zip(["", *argv], argv, strict=False)
    ]


def _task(arguments: argparse.Namespace, rest: list[str]) -> _Task:
    names, numbers = [], []
    for given in [*arguments.variables, *rest]:
        name, equals, text = given.strip().partition("=")
        if name in ("-o", "--output"):
            raise _Refusal(f"{arguments.command} writes no file: it has no option {name}")
        if not equals:
            raise _Refusal(
                f"{quoted(given.strip())} is not a variable with its number, such as a=2"
            )
        names.append(name)
        try:
            numbers.append(number(text))
        except FormulaError as error:
            raise _Refusal(f"variable {quoted(name)}: {error}") from None
    return _Task(parse(arguments.formula, names), numbers, getattr(arguments, "output", None))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, and return the exit code.

    Args:
        argv: the command's arguments; those of the process if None.

    Returns:
        0; or 1 if ``check`` finds no agreement; 2 if something is wrong with the command, which is
        said in one line on stderr; 130 after Ctrl-C.

    Raises:
        SystemExit: after ``--help`` or ``--version``.

    >>> main(["grad", "relu(a*b + c)", "a=2", "b=-3", "c=10"])
    relu(a*b + c) = 4
    d/da = -3
    d/db = 2
    d/dc = 1
    0
    """
    try:
        arguments, rest = _parser().parse_known_args(
            _guarded(sys.argv[1:] if argv is None else argv)
        )
        return _COMMANDS[arguments.command][0](_task(arguments, rest))
    except (_Refusal, FormulaError) as error:
        print(f"{_PROGRAM}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
