"""Formulas that are typed on the command line: arithmetic, and nothing else.

* ``parse(text, variables)`` -- a formula as a function of its variables;
* ``number(text)`` -- a number, with no more than digits, a point and an exponent;
* ``quoted(text)`` -- what came, as messages show it;
* ``catalogue()`` -- the functions that a formula may call, a line each.

A formula is read in three steps, so that no text can do harm or take long.  It is cut into numbers,
names and signs; any other character is refused.  Python's ``ast`` parses it, once it is known not
to be nested deeply.  From the tree a function is made, of the few kinds of nodes that there may be.
The text is never compiled or evaluated, and every number is a float from the start.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import math
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from autodiff.functions import PUBLIC
from autodiff.ops import HELPERS, TABLE

MOST_CHARACTERS = 10_000
MOST_VARIABLES = 1_000
DEEPEST = 100  #: how far brackets and operations may be nested

CONSTANTS = {"pi": math.pi, "e": math.e}

Compute = Callable[[Sequence[Any]], Any]  #: from the variables' numbers or Values

_ROWS = {r.name: r for r in TABLE}
_FUNCTIONS = [*_ROWS, "where"]
_OVER_LISTS = [r.name for r in TABLE if r.over_lists]
_SIGNS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
#: What else functions are called: in NumPy, in drawings, in mathematics.
_ALIASES = {
    **{alias: r.name for r in TABLE for alias in (r.numpy, r.label) if alias.isidentifier()},
    "ln": "log",
}

_BLANKS = " \t"
_NUMBER = r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)|(?P<number>\.?\d([eE][+-](?=\d)|[\w.])*)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<power>\*\*)|(?P<sign>[-+*/])|(?P<open>[(\[])|(?P<close>[)\]])|(?P<comma>,)",
    re.ASCII,
)
_ADVICE = {
    "^": "a power is written a**b",
    "=": "variables get their values after the formula, and comparisons are functions: equal(a, b)",
    "<": "comparisons are functions: less(a, b)",
    ">": "comparisons are functions: greater(a, b)",
}
_ENDS = ("number", "name", "close")  #: kinds of tokens with which an operand ends
_EXPECTED = "expected are numbers, variables, + - * / **, parentheses and functions"


class FormulaError(ValueError):
    """A formula or number that is refused; the message says in a line what came, where, and why."""


@dataclass(frozen=True)
class Formula:
    """A formula as a function of its variables, in their order: of numbers and Values alike.

    Attributes:
        text: the formula as it was typed.
        variables: their names.
    """

    text: str
    variables: tuple[str, ...]
    _compute: Compute

    def __call__(self, *numbers: Any) -> Any:
        """The value, for one number or Value a variable."""
        return self._compute(numbers)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def parse(text: str, variables: Iterable[str]) -> Formula:
    """The formula that ``text`` states, of these variables, each of which it must use.

    Raises:
        FormulaError: if it is no such formula, or is longer or nested more deeply than the limits.

    >>> parse("relu(a*b + c)", ["a", "b", "c"])(2.0, -3.0, 10.0)
    4.0
    >>> parse("9**9**9", [])()
    inf
    >>> parse("sinn(x)", ["x"])
    Traceback (most recent call last):
    autodiff.formulas.FormulaError: column 1: there is no function 'sinn'; did you mean 'sin'?
    """
    names = _checked(variables)
    tree = _tree(text)
    stripped = text.strip(_BLANKS)
    maker = _Maker(stripped, names, shift=len(text) - len(text.lstrip(_BLANKS)))
    formula = Formula(stripped, names, maker.made(tree))
    for name in names:
        if name not in maker.used:
            raise FormulaError(f"the variable {quoted(name)} does not occur in {quoted(stripped)}")
    return formula


def number(text: str) -> float:
    """A real number, as Python writes it.

    Raises:
        FormulaError: for anything else, such as ``1_000``, ``1j`` or ``0x10``.

    >>> number("-1.5e3"), number("inf")
    (-1500.0, inf)
    """
    if not re.fullmatch(rf"[+-]?({_NUMBER}|inf|nan)", text, re.ASCII):
        raise FormulaError(f"{quoted(text)} is not a real number such as 2, -0.5 or 1e-3")
    return float(text)


def quoted(text: str) -> str:
    """A text for a message: in quotes, in ASCII, on one line, and not too long.

    >>> print(quoted("1" * 50), quoted(chr(0x430)))
    '1111111111111111111111111111111111111...' '\\u0430'
    """
    return ascii(_cut(text))


def catalogue() -> str:
    """The functions that a formula may call, a line each, and last those made for derivatives.

    >>> print(catalogue().splitlines()[6])
    square(a)                a * a; derivative 2*a
    """
    lines = [
        f"{_usage(name):24} {textwrap.shorten(_meaning(name), 72, placeholder=' ...')}"
        for name in _FUNCTIONS
        if name not in HELPERS
    ]
    helpers = f"helpers: {', '.join(name for name in _FUNCTIONS if name in HELPERS)}"
    return "\n".join([*lines, *textwrap.wrap(helpers, 96, subsequent_indent="  ")])


def _usage(name: str) -> str:
    """How a function is called.

    >>> _usage("dot"), _usage("elu"), _usage("where")
    ('dot([a, ...], [b, ...])', 'elu(a, b=1.0)', 'where(c, a, b)')
    """
    if name == "where":
        return "where(c, a, b)"
    r = _ROWS[name]
    if r.over_lists:
        return f"{name}({', '.join(f'[{x[0]}, ...]' for x in r.names)})"
    default = "" if r.default is None else f"={r.default}"
    return f"{name}({', '.join(r.names)}{default})"


def _meaning(name: str) -> str:
    if name == "where" or _ROWS[name].over_lists:
        summary: str = (PUBLIC[name].__doc__ or "").splitlines()[0]
        return summary.replace("`", "").rstrip(".")
    r = _ROWS[name]
    plural = "s" if len(r.names) > 1 else ""
    derivatives = f"derivative{plural} {', '.join(map(str, r.partials))}"
    itself = f"{name}({', '.join(r.names)})"
    return derivatives if r.value == itself else f"{r.value}; {derivatives}"


# -- from text to a tree ---------------------------------------------------------------------------


def _checked(variables: Iterable[str]) -> tuple[str, ...]:
    """Names of variables: not too many, all different, and such that a formula can mention them."""
    names = tuple(variables)
    if len(names) > MOST_VARIABLES:
        raise FormulaError(f"there are {len(names)} variables, and at most {MOST_VARIABLES} may be")
    seen: set[str] = set()
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or keyword.iskeyword(name):
            raise FormulaError(f"{quoted(name)} is not a variable's name, such as x, b2 or rate")
        if name in seen:
            raise FormulaError(f"the variable {quoted(name)} is given twice")
        seen.add(name)
    return names


def _tree(text: str) -> ast.expr:
    """The tree of a formula, in which every number is 0: what it is, is read from the text."""
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(
            f"the formula has {len(text)} characters, and at most {MOST_CHARACTERS} may be"
        )
    tokens = [*_tokens(text)]
    if not tokens:
        raise FormulaError(f"the formula is empty; {_EXPECTED}")
    _check_order(tokens, len(text))
    _check_nesting(tokens)
    source, start = "", tokens[0].start
    for token in tokens:
        shown = "0" * len(token.text) if token.kind == "number" else token.text
        source = source.ljust(token.start - start) + shown
    try:
        tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        _refuse(start + (error.offset or 1), f"the formula cannot be parsed here: {error.msg}")
    except (RecursionError, MemoryError):
        _refuse_depth(start + 1)
    _check_depth(tree, start)
    return tree


def _tokens(text: str) -> Iterator[_Token]:
    """The numbers, names, signs, brackets and commas of a text that has nothing else."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            _refuse_character(at + 1, text[at])
        token = _Token(str(found.lastgroup), found[0], at)
        if token.kind == "number" and not re.fullmatch(_NUMBER, token.text, re.ASCII):
            _refuse(at + 1, f"{quoted(token.text)} is not a real number such as 2, 0.5 or 1e-3")
        if token.kind == "name" and keyword.iskeyword(token.text):
            _refuse(at + 1, f"{token.text!r} has no meaning in a formula; {_EXPECTED}")
        if token.kind != "blank":
            yield token
        at = found.end()


def _check_order(tokens: list[_Token], end: int) -> None:
    """Operands and signs take turns, so that what Python's parser is given means what it says."""
    operand = "a number, a variable, a function or a parenthesis"
    before = _Token("open", "", 0)
    for token in tokens:
        if before.kind in _ENDS and token.kind in ("number", "name"):
            _refuse(
                token.start + 1,
                f"there is no sign between {quoted(before.text)} and {quoted(token.text)}; "
                "a product is written a*b",
            )
        starts = token.kind in ("number", "name", "open") or token.text in ("+", "-")
        empty = token.kind == "close" and before.kind in ("open", "comma")
        if before.kind not in _ENDS and not starts and not empty:
            _refuse(token.start + 1, f"{token.text!r} stands where {operand} is expected")
        before = token
    if before.kind not in _ENDS:
        _refuse(end + 1, f"the formula ends where {operand} is expected")


def _check_nesting(tokens: list[_Token]) -> None:
    """Brackets, signs before an operand, and powers of powers nest what comes after them.

    Python's parser recurs for each, and must not be given too many.
    """
    depths = [0]  # within each open bracket, how deeply what comes next is nested
    kind = "open"
    for token in tokens:
        before, kind = kind, token.kind
        if kind == "open":
            depths.append(depths[-1] + 1)
        elif kind == "close":
            depths = depths[:-1] or [0]
        elif kind == "power" or (kind == "sign" and before not in _ENDS):
            depths[-1] += 1
        elif kind in ("sign", "comma"):
            depths[-1] = depths[-2] + 1 if len(depths) > 1 else 0
        if depths[-1] > DEEPEST:
            _refuse_depth(token.start + 1)


def _check_depth(tree: ast.expr, start: int) -> None:
    """In a tree ``a + b + c`` is nested too, and the functions made from it call one another."""
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > DEEPEST:
            assert isinstance(node, ast.expr)
            _refuse_depth(start + node.col_offset + 1)
        pending += [
            (child, depth + 1)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        ]


# -- from a tree to a function ---------------------------------------------------------------------


class _Maker:
    """Makes functions from nodes, and notes which variables they use."""

    def __init__(self, text: str, names: tuple[str, ...], shift: int) -> None:
        self.text = text
        self.shift = shift
        self.places = {name: place for place, name in enumerate(names)}
        self.used: set[str] = set()

    def made(self, node: ast.expr) -> Compute:
        """The function that computes a node."""
        if isinstance(node, ast.Constant):
            constant = float(self.text[node.col_offset : node.end_col_offset])
            return lambda numbers: constant
        if isinstance(node, ast.Name):
            return self._variable(node)
        if isinstance(node, ast.UnaryOp):
            operand = self.made(node.operand)
            return self._applied("neg", [operand]) if isinstance(node.op, ast.USub) else operand
        if isinstance(node, ast.BinOp):
            return self._applied(
                _SIGNS[type(node.op)], [self.made(node.left), self.made(node.right)]
            )
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Tuple):
            self._refuse(
                node, "a formula has one result, and here are several, with commas between"
            )
        self._refuse(node, f"square brackets are only for the lists of {', '.join(_OVER_LISTS)}")

    def _variable(self, node: ast.Name) -> Compute:
        name = node.id
        if name in self.places:
            self.used.add(name)
            place = self.places[name]
            return lambda numbers: numbers[place]
        if name in CONSTANTS:
            constant = CONSTANTS[name]
            return lambda numbers: constant
        if name in _FUNCTIONS:
            self._refuse(node, f"{name!r} is a function: {_usage(name)}")
        near = _suggestion(name, [*self.places, *CONSTANTS])
        self._refuse(node, f"{quoted(name)} has no value: add {_cut(name)}=NUMBER{near}")

    def _call(self, node: ast.Call) -> Compute:
        if not isinstance(node.func, ast.Name):
            self._refuse(node, "only a function can stand before '('; a product is written a*(b)")
        name = node.func.id
        if name not in _FUNCTIONS:
            if name in self.places:
                self._refuse(node, f"{name!r} is a variable; a product is written {name}*(...)")
            near = _suggestion(name, _FUNCTIONS)
            self._refuse(node, f"there is no function {quoted(name)}{near}")
        if name in _OVER_LISTS:
            return self._list_call(name, node)
        most = 3 if name == "where" else len(_ROWS[name].names)
        least = most - (name != "where" and _ROWS[name].default is not None)
        if not least <= len(node.args) <= most:
            takes = str(most) if least == most else f"{least} or {most}"
            operands = "operand" if takes == "1" else "operands"
            self._refuse(node, f"{_usage(name)} takes {takes} {operands}, not {len(node.args)}")
        return self._applied(name, [self.made(x) for x in node.args])

    def _list_call(self, name: str, node: ast.Call) -> Compute:
        count = len(_ROWS[name].names)
        lists = [x.elts for x in node.args if isinstance(x, ast.List)]
        if len(node.args) != count or len(lists) != count:
            takes = "a list" if count == 1 else f"{count} lists"
            self._refuse(node, f"{name} takes {takes}: {_usage(name)}")
        if not lists[0] or len(lists[0]) != len(lists[-1]):
            alike = len(lists[0]) == len(lists[-1])
            wanted = "one operand at least" if alike else "lists of one length"
            self._refuse(node, f"{name} takes {wanted}: {_usage(name)}")
        function = PUBLIC[name]
        elements = [[self.made(x) for x in each] for each in lists]
        return lambda numbers: function(*([x(numbers) for x in each] for each in elements))

    @staticmethod
    def _applied(name: str, operands: list[Compute]) -> Compute:
        function = PUBLIC[name]
        return lambda numbers: function(*[x(numbers) for x in operands])

    def _refuse(self, node: ast.expr, message: str) -> NoReturn:
        _refuse(self.shift + node.col_offset + 1, message)


# -- refusals --------------------------------------------------------------------------------------


def _refuse(column: int, message: str) -> NoReturn:
    raise FormulaError(f"column {column}: {message}")


def _refuse_depth(column: int) -> NoReturn:
    _refuse(
        column,
        f"brackets and operations are nested more than {DEEPEST} deep; a long sum can be written "
        "sum([a, b, ...])",
    )


def _refuse_character(column: int, character: str) -> NoReturn:
    name = "" if character.isascii() else f" ({unicodedata.name(character, 'without a name')})"
    advice = _ADVICE.get(character, _EXPECTED)
    _refuse(column, f"{character!a}{name} has no meaning in a formula; {advice}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'sin'?`` if there is a name like the one that came."""
    known = [*known]
    near = (
        [_ALIASES[name]] if _ALIASES.get(name) in known else difflib.get_close_matches(name, known)
    )
    return f"; did you mean {near[0]!r}?" if near else ""


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
