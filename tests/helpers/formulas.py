"""What a formula in LaTeX is worth: a reader of the part of LaTeX that ``to_latex`` writes."""

import math
import re

TOKEN = re.compile(
    r"\s*(\\(?:left|right)(?:\\lfloor|\\lceil|\\rfloor|\\rceil|[()\[\]|])|\\begin\{cases\}"
    r"|\\end\{cases\}|\\text\{[^}]*\}|\\operatorname\{[^}]*\}|\\mathrm\{[^}]*\}|\\\\|\\[a-zA-Z]+"
    r"|\d+(?:\.\d+)?|[^\W\d_]|[-+=<>^_{}&,\[\]])"
)
SIGNS = {
    "=": lambda a, b: a == b,
    r"\neq": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    r"\leq": lambda a, b: a <= b,
    r"\geq": lambda a, b: a >= b,
}


def worth(text, names, functions):
    """The numbers that a formula, or the results of ``aligned`` ones, say; None for what must hold
    and does not.

    Args:
        text: what ``to_latex`` gave.
        names: the numbers of the inputs, by their symbols.
        functions: what is called, by how it is written: functions of numbers.
    """
    names = dict(names)
    text, _, where = text.partition(r" \quad \text{where } ")
    if not text.startswith(r"\begin{aligned}"):
        found = [Reader(text, names, functions).whole()]
    else:
        lines = text.split("\n")[1:-1]
        *lines, last = (line.removesuffix(r" \\") for line in lines)
        if last.startswith(r"& \text{where } "):
            where = last.partition(r"\text{where } ")[2]
        else:
            lines.append(last)
        found = []
        for line in lines:
            name, _, formula = line.partition(" &= ")
            names[name] = Reader(formula, names, functions).whole()
            found.append((name, names[name]))
    for condition in filter(None, where.split(r" \text{ and } ")):
        if not Reader(condition, names, functions).condition():
            return None
    return found


class Reader:
    """Reads a formula from left to right; every method returns a number."""

    def __init__(self, text, names, functions):
        self.names, self.functions = names, functions
        self.tokens, at = [], 0
        while at < len(text.rstrip()):
            token = TOKEN.match(text, at)
            assert token, f"not a formula: {text[at:]!r} in {text!r}"
            self.tokens.append(token[1])
            at = token.end()
        self.tokens.append("")
        self.at = 0

    @property
    def next(self):
        return self.tokens[self.at]

    def take(self, *expected):
        token = self.next
        assert not expected or token in expected, (token, expected, self.tokens)
        self.at += 1
        return token

    def whole(self):
        found = self.sum()
        self.take("")
        return found

    def braces(self):
        self.take("{")
        found = self.sum()
        self.take("}")
        return found

    def sum(self):
        if self.next == r"\begin{cases}":
            return self.cases()
        sign = -1.0 if self.next == "-" else 1.0
        if sign < 0:
            self.take()
        total = sign * self.product()
        while self.next in ("+", "-"):
            sign = 1.0 if self.take() == "+" else -1.0
            total += sign * self.product()
        return total

    def product(self):
        found = self.power()
        number = self.tokens[self.at - 1][0].isdigit()
        while True:
            if self.next == r"\cdot":
                self.take()
            elif not (number and self.begins()):
                return found
            number = self.next[:1].isdigit()
            found *= self.power()

    def begins(self):
        """Whether a factor begins here: after a number it needs no sign before it."""
        token = self.next
        return token.startswith((r"\left", r"\frac", r"\sqrt", r"\operatorname", r"\mathrm")) or (
            token[:1].isalpha()
            or (
                token.startswith("\\")
                and token[1:].isalpha()
                and token not in SIGNS
                and not token.startswith((r"\right", r"\text", r"\end", r"\cdot"))
            )
        )

    def power(self):
        base = self.atom()
        if self.next == "^":
            self.take()
            return power(base, self.braces())
        return base

    def atom(self):
        token = self.take()
        if token[0].isdigit():
            return float(token)
        if token == r"\frac":
            over = self.braces()
            return divide(over, self.braces())
        if token == r"\sqrt":
            if self.next == "[":
                assert [self.take() for _ in range(3)] == ["[", "3", "]"]
                return math.copysign(abs(x := self.braces()) ** (1 / 3), x)
            return power(self.braces(), 0.5)
        if token == r"\left|":
            return abs(self.until(r"\right|"))
        if token == r"\left\lfloor":
            return math.floor(self.until(r"\right\rfloor"))
        if token == r"\left\lceil":
            return math.ceil(self.until(r"\right\rceil"))
        if token == r"\left[":
            found = self.condition()
            self.take(r"\right]")
            return float(found)
        if token == r"\left(":
            found = self.listed()
            if self.next == "_":
                self.take()
                return found[int(self.braces())]
            assert len(found) == 1
            return found[0]
        if token == r"\pi":
            return math.pi
        if token == r"\infty":
            return math.inf
        if token == r"\mathrm{e}":
            self.take("^")
            return exp(self.braces())
        return self.called_or_named(token)

    def called_or_named(self, token):
        at = self.at
        if self.next == "_":
            self.take()
            below = ""
            while not below.endswith("}"):
                below += self.take()
            token += "_" + below.replace(",", ", ")
        if token in self.names:
            return self.names[token]
        if token not in self.functions:
            self.at, token = at, token.partition("_")[0]
        exponent = None
        if self.next == "^":
            self.take()
            exponent = self.braces()
        assert token in self.functions, f"not known: {token} in {self.tokens}"
        self.take(r"\left(")
        found = self.functions[token](*self.listed())
        return found if exponent is None else power(found, exponent)

    def listed(self):
        found = [self.sum()]
        while self.next == ",":
            self.take()
            found.append(self.sum())
        self.take(r"\right)")
        return found

    def until(self, end):
        found = self.sum()
        self.take(end)
        return found

    def condition(self):
        left = self.sum()
        sign = self.take(*SIGNS)
        return SIGNS[sign](left, self.sum())

    def cases(self):
        self.take(r"\begin{cases}")
        found = None
        while True:
            formula = self.sum()
            self.take("&")
            if self.take() == r"\text{otherwise}":
                self.take(r"\end{cases}")
                return formula if found is None else found
            if self.condition() and found is None:
                found = formula
            self.take("\\\\")


def power(a, b):
    try:
        return math.pow(a, b)
    except ValueError:
        return math.inf if a == 0 else math.nan
    except OverflowError:
        return math.inf


def exp(a):
    try:
        return math.exp(a)
    except OverflowError:
        return math.inf


def divide(a, b):
    if b == 0:
        return math.nan if a == 0 or a != a else math.copysign(math.inf, a)
    return a / b
