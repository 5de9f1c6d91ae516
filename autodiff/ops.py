"""The table: every primitive operation, stated once.

A row gives a primitive's value and its partial derivatives as short expressions.  Everything else
is made from the rows: the methods of ``Value`` and the functions of ``autodiff.functions``, the
local derivatives that ``backward()`` multiplies, gradients of gradients, the compiled kernels, the
labels in drawings, the table in the documentation, and the tests.  To add a primitive, add a row;
what it is in words stands in ``engine/documentation.py``.

How to read a row::

    Row("tan", "a", "tan(a)", ["1 + square(v)"])
         |      |    |         '-- partial derivatives, one per operand: d tan(a) / da
         |      |    '------------ the value
         |      '----------------- the operands: "a", "a b" ..., or whole lists: "as", "as bs"
         '------------------------ the name

* A value may call functions of C's ``math.h`` and of ``engine/special.py``, other primitives, and
  choose with ``x if c else y``.  In a partial, every name is a primitive, so that it can be
  differentiated in turn; ``where(c, x, y)`` chooses, and ``v`` is the value just computed.
* Arithmetic is IEEE 754: nothing raises, ``1/0`` is inf and ``0/0`` is nan.
* At ties and edges a partial is what PyTorch's float64 gives; ``DIFFERENCES`` lists the few places
  where a formula here keeps digits that PyTorch's loses.
* A partial is written so that its own derivatives are right at edges too, in forward and reverse
  mode: it never multiplies 0 by inf.

Rows over lists ("n-ary") are folds: ``fold`` is added up over the elements ``a`` (and ``b``) into
the total ``t``, from which the value and each element's partial follow; ``n`` is the number of
elements, ``m`` the largest of them (0 if that is infinite), and ``u`` a power of two by which all
can be divided so that no square is out of range.

Every value is within 2 ulp (units in the last place) of the true one and every partial within 4,
over the whole range of doubles, with glibc's functions.  Where digits are lost, to cancellation, to
``exp`` of something rounded, or beyond the ends of the range, ``bounds`` states how many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

__all__ = [
    "ALL_BUT_ZERO",
    "CODES",
    "COMPARISONS",
    "CONSTANTS",
    "DIFFERENCES",
    "HELPERS",
    "POSITIVE",
    "REALS",
    "ROWS",
    "TABLE",
    "Interval",
    "Row",
    "markdown",
    "row",
]

#: Names that expressions may use besides primitives and operands.
CONSTANTS = {
    "LN2": 0.6931471805599453,
    "LN10": 2.302585092994046,
    "SQRT_HALF": 0.7071067811865476,
    "TWO_OVER_SQRT_PI": 1.1283791670955126,
    "ONE_OVER_SQRT_TAU": 0.3989422804014327,
    "LARGEST": 1.7976931348623157e308,
}

Interval = tuple[float, float]
REALS = (-inf, inf)


@dataclass(frozen=True)
class Row:
    """One primitive: its name, operands, value, partials, and how it is shown and tested.

    Attributes:
        name: what it is called: ``autodiff.<name>``, ``Value.<name>``.
        operands: ``"a"``, ``"a b"`` and so on; for lists, ``"as"`` or ``"as bs"``.
        value: an expression; for ``autodiff.primitive``, a function of floats.
        partials: per operand an expression, or a Python function ``(*operands, v)``.
        label: what drawings show; the name if not given.
        domain: per operand an open interval, where the value is finite and differentiable.
        kink: an expression that is zero where the value has a corner or a jump.
        numpy: what NumPy calls it, where that is another name.
        default: the last operand when it is not given (``leaky_relu``'s slope).
        fold: for lists, the term that is added up.
        bounds: how many ulp the value, then each partial, may be off the true one, where that is
            not 2 for the value and 4 for a partial; beside the names of a partial, ``d`` is the
            partial itself, and ``s`` the sum of the absolute terms of a fold.

    >>> double = Row("double", "a", "2*a", ["2"])
    >>> double.names, double.shown, double.over_lists
    (['a'], 'double', False)
    """

    name: str
    operands: str
    value: str | Callable[..., float]
    partials: list[str] | list[Callable[..., Any]]
    label: str = ""
    domain: tuple[Interval, ...] = (REALS, REALS)
    kink: str = ""
    numpy: str = ""
    default: float | None = None
    fold: str = ""
    bounds: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The operands' names.

        >>> row("atan2").names
        ['a', 'b']
        """
        return self.operands.split()

    @property
    def over_lists(self) -> bool:
        """Whether the operands are lists of any length.

        >>> row("dot").over_lists
        True
        """
        return self.names[0] == "as"

    @property
    def in_tuple(self) -> bool:
        """Whether a Value holds its operands in a tuple: of lists, or of three or more.

        >>> row("dot").in_tuple, row("monomial").in_tuple, row("mul").in_tuple
        (True, True, False)
        """
        return self.over_lists or len(self.names) > 2

    @property
    def shown(self) -> str:
        """The label in drawings.

        >>> row("sin").shown, row("maximum").shown
        ('sin', 'max')
        """
        return self.label or self.name


POSITIVE = ((0.0, inf),)
ALL_BUT_ZERO = (REALS, (0.0, inf))

# fmt: off
TABLE = [
    # -- arithmetic --------------------------------------------------------------------------------
    Row("add", "a b", "a + b",    ["1.0", "1.0"],                                       label="+"),
    Row("sub", "a b", "a - b",    ["1.0", "-1.0"],         label="\u2212", numpy="subtract"),
    Row("mul", "a b", "a * b",    ["b", "a"],              label="*", numpy="multiply"),
    Row("div", "a b", "a / b",    ["1/b", "-v/b"],         label="/", numpy="divide",
        domain=ALL_BUT_ZERO),
    Row("neg", "a",   "-a",       ["-1.0"],                numpy="negative"),
    Row("abs", "a",   "abs(a)",   ["sign(a)"],             kink="a"),
    Row("square", "a", "a * a",   ["2*a"]),

    # -- powers: monomial is c*a**b, log_monomial is c*a**b*log(a)**m; 0**0 is 1, and c == 0 gives 0
    #    even if a**b is inf: 2*1*0*x**-1, the third derivative of x**2, is 0 at 0.  Rounding b - 1
    #    costs pow(a, b - 1) about abs(log(pow(a, b - 1))) ulp
    Row("pow", "a b", "a*a if b == 2 else a if b == 1 else pow(a, b)",
        ["monomial(b, a, b - 1)", "log_monomial(1.0, a, b, 1.0)"],
        label="**", numpy="power", domain=((0.0, inf), REALS),
        bounds=("2", "4 + abs(log(pow(a, b - 1)))", "4 if v < inf else inf")),
    Row("monomial", "c a b",
        "0.0 if c == 0 or (abs(c) > LARGEST and pow(a, b) == 0) else c*pow(a, b)",
        ["pow(a, b)", "monomial(b*c, a, b - 1)", "log_monomial(c, a, b, 1.0)"],
        domain=(REALS, (0.0, inf), REALS),
        bounds=("2 if 0 < pow(a, b) < inf else inf",
                "4",
                "4 + abs(log(pow(a, b - 1))) if abs(b*c) < inf else inf",
                "4 if 0 < pow(a, b) < inf and abs(v) < inf else inf")),
    Row("log_monomial", "c a b m",
        "monomial(c, a, b) if m == 0 else 0.0 if c == 0 or (a == 0 and b >= 0) else "
        "monomial(c, a, b)*pow(log(a), m)",
        ["log_monomial(1.0, a, b, m)",
         "log_monomial(b*c, a, b - 1, m) + log_monomial(m*c, a, b - 1, m - 1)",
         "log_monomial(c, a, b, m + 1)",
         "v*log(log(a))"],
        domain=(REALS, (1.0, inf), REALS, (0.0, 1.75)),  # elsewhere m is to be an integer
        bounds=("8 if 0 < pow(a, b) < inf and abs(monomial(c, a, b)) < inf else inf",
                "8 if pow(a, b) < inf else inf",
                "(12 + abs(log(pow(a, b - 1))) + abs(log(log(a))))*"
                "(abs(log_monomial(b*c, a, b - 1, m)) + "
                "abs(log_monomial(m*c, a, b - 1, m - 1)))/abs(d)",
                "8 + abs(log(log(a))) "
                "if 0 < pow(a, b) < inf and abs(monomial(c, a, b)) < inf else inf",
                "12 + 12/abs(log(log(a))) if 0 < pow(a, b) < inf "
                "and maximum(abs(v), abs(monomial(c, a, b))) < inf else inf")),
    Row("sqrt",  "a", "sqrt(a)",  ["0.5/v"],               domain=POSITIVE),
    Row("cbrt",  "a", "cbrt(a)",  ["square(1/v)/3"],       kink="a", bounds=("4", "16")),
    Row("hypot", "a b", "hypot(a, b)", ["a/v", "b/v"],     domain=(REALS, (0.0, inf)),
        bounds=("2", "4 if v < inf else inf", "4 if v < inf else inf")),

    # -- exponentials and logarithms ---------------------------------------------------------------
    Row("exp",   "a", "exp(a)",   ["v"]),
    Row("expm1", "a", "expm1(a)", ["exp(a)"]),
    Row("log",   "a", "log(a)",   ["1/a"],                 domain=POSITIVE),
    Row("log1p", "a", "log1p(a)", ["1/(1 + a)"],           domain=((-1.0, inf),)),
    Row("log2",  "a", "log2(a)",  ["1/LN2/a"],             domain=POSITIVE),
    Row("log10", "a", "log10(a)", ["1/LN10/a"],            domain=POSITIVE),
    Row("logaddexp", "a b", "a + LN2 if a == b else maximum(a, b) + log1p(exp(-abs(a - b)))",
        ["sigmoid(a - b)", "sigmoid(b - a)"],
        bounds=("2 + 2/abs(v)", *["4 + minimum(abs(a - b), 745.0)"]*2)),
    Row("xlogy", "a b", "0.0 if a == 0 and b == b else a*log(b)",
        ["log(where(equal(a, 0.0)*less_equal(b, 0.0), 1.0, b))", "a/b"],
        domain=(REALS, (0.0, inf))),

    # -- circular functions and their inverses; f_da is the partial of f.  (1 - a)*(1 + a) keeps the
    #    digits that 1 - a*a loses
    Row("sin",   "a", "sin(a)",   ["cos(a)"]),
    Row("cos",   "a", "cos(a)",   ["-sin(a)"]),
    Row("tan",   "a", "tan(a)",   ["1 + square(v)"]),
    Row("asin",  "a", "asin(a)",  ["asin_da(a)"],          numpy="arcsin", domain=((-1.0, 1.0),)),
    Row("acos",  "a", "acos(a)",  ["-asin_da(a)"],         numpy="arccos", domain=((-1.0, 1.0),)),
    Row("asin_da", "a", "1/sqrt((1 - a)*(1 + a))", ["a*v*square(v)"],   domain=((-1.0, 1.0),),
        bounds=("2", "8")),
    Row("atan",  "a", "atan(a)",  ["square(asinh_da(a))"], numpy="arctan"),
    Row("atan2", "a b", "atan2(a, b)",
        ["ratio(ratio(b, hypot(a, b)), hypot(a, b))",
         "ratio(ratio(-a, hypot(a, b)), hypot(a, b))"],
        numpy="arctan2", domain=(REALS, (0.0, inf)),
        bounds=("2", "4 if hypot(a, b) < inf else inf", "4 if hypot(a, b) < inf else inf")),

    # -- hyperbolic functions and their inverses: clamped where the partial has become 0 -----------
    Row("sinh",  "a", "sinh(a)",  ["cosh(a)"]),
    Row("cosh",  "a", "cosh(a)",  ["sinh(a)"]),
    Row("tanh",  "a", "tanh(a)",  ["square(1/cosh(maximum(minimum(a, 400.0), -400.0)))"],
        bounds=("3", "5")),
    Row("asinh", "a", "asinh(a)", ["asinh_da(a)"],                  numpy="arcsinh"),
    Row("asinh_da", "a", "1/hypot(1.0, a)",
        ["-(maximum(minimum(a, LARGEST), -LARGEST)*v)*square(v)"], bounds=("2", "6")),
    Row("acosh", "a", "acosh(a)", ["1/sqrt(a - 1)/sqrt(a + 1)"],    numpy="arccosh",
        domain=((1.0, inf),), bounds=("3",)),
    Row("atanh", "a", "atanh(a)", ["atanh_da(a)"],                  numpy="arctanh",
        domain=((-1.0, 1.0),)),
    Row("atanh_da", "a", "1/((1 - a)*(1 + a))", ["2*a*square(v)"],  domain=((-1.0, 1.0),),
        bounds=("2", "6")),

    # -- the error function: rounding square(a) costs exp square(a) ulp ----------------------------
    Row("erf",   "a", "erf(a)",
        ["TWO_OVER_SQRT_PI*exp(-square(maximum(minimum(a, 40.0), -40.0)))"],
        bounds=("2", "4 + minimum(square(a), 745.0)")),
    Row("erfc",  "a", "erfc(a)",
        ["-TWO_OVER_SQRT_PI*exp(-square(maximum(minimum(a, 40.0), -40.0)))"],
        bounds=("6", "4 + minimum(square(a), 745.0)")),
    Row("erfinv", "a", "erfinv(a)", ["exp(square(v))/TWO_OVER_SQRT_PI"], domain=((-1.0, 1.0),),
        bounds=("2", "4 + 4*square(v)")),

    # -- the gamma function: its logarithm and the derivatives of that, of the order a; this is an
    #    integer, to which other numbers are rounded.  The order multiplies a of its factors
    Row("lgamma",    "a",   "lgamma(a)",       ["digamma(a)"],         domain=POSITIVE,
        bounds=("3",)),
    Row("digamma",   "a",   "digamma(a)",      ["polygamma(1.0, a)"],  domain=POSITIVE,
        bounds=("3",)),
    Row("polygamma", "a b", "polygamma(a, b)", ["0.0", "polygamma(a + 1, b)"],
        kink="((a - 0.5) % 1)*(1 - (a - 0.5) % 1)", domain=((0.0, 1.75), (0.0, inf)),
        bounds=("3 + 2*a", "4", "5 + 2*a")),

    # -- activations: relu's slope at 0 is 0 -------------------------------------------------------
    Row("relu",       "a", "0.0 if a < 0 else a",            ["step(a)"], kink="a"),
    Row("leaky_relu", "a b", "a if a > 0 else b*a",
        ["where(positive(a), 1.0, b)", "where(positive(a), 0.0, a)"], kink="a", default=0.01),
    Row("elu",        "a b", "a if a > 0 else b*expm1(a)",
        ["where(step(a), 1.0, b*exp(-relu(-a)))", "expm1(-relu(-a))"],
        kink="a", default=1.0),
    Row("sigmoid",    "a", "1/(1 + exp(-a)) if a >= 0 else exp(a)/(1 + exp(a))", ["v*sigmoid(-a)"]),
    Row("softplus",   "a", "(a if a > 0 else 0.0) + log1p(exp(-abs(a)))", ["sigmoid(a)"]),
    Row("logsigmoid", "a", "(a if a < 0 else 0.0) - log1p(exp(-abs(a)))", ["sigmoid(-a)"]),
    Row("silu",       "a", "a*sigmoid(a)",                   ["sigmoid(a)*(1 + a*sigmoid(-a))"],
        bounds=("3", "6 + 6/abs(1 + a*sigmoid(-a))")),
    Row("gelu",       "a", "0.5*a*erfc(-a*SQRT_HALF)",
        ["0.5*erfc(-a*SQRT_HALF) + "
         "a*(ONE_OVER_SQRT_TAU*exp(-0.5*square(maximum(minimum(a, 60.0), -60.0))))"],
        bounds=("8 + 2*minimum(square(a), 1500.0) if a < 0 else 8",
                "(8 + 2*minimum(square(a), 1500.0))*(1 + ratio(erfc(-a*SQRT_HALF), abs(d)))")),

    # -- losses of one output, averaged by nn: a term of weight 0 is 0, even where its log is inf.
    #    As in PyTorch, logs of probabilities are at least -100, and a*(1 - a) in a partial at least
    #    1e-12; near 1/2, log(1 - a) and log(a) cancel
    Row("huber", "a b", "0.5*a*a if abs(a) <= b else b*(abs(a) - 0.5*b)",
        ["maximum(minimum(a, b), -b)", "relu(abs(a) - b)"],
        kink="abs(a) - b", default=1.0, domain=(REALS, (0.0, inf)),
        bounds=("4", "4", "4 + b/abs(d)")),
    Row("bernoulli_entropy", "a b",
        "-(b*maximum(log(a), -100.0) + "
        "(1 - b)*maximum(log(1 - a) if a > 0.5 else log1p(-a), -100.0))",
        ["(a - b)/maximum(a*(1 - a), 1e-12)",
         "maximum(log(1 - a), -100.0) - maximum(log(a), -100.0)"],
        domain=((1e-11, 1 - 1e-11), (0.0, 1.0)), bounds=("4", "4", "4 + 4/abs(d)")),
    Row("logit_entropy", "a b",
        "(0.0 if b == 0 else b*softplus(-a)) + (0.0 if b == 1 else (1 - b)*softplus(a))",
        ["(1 - b)*sigmoid(a) - b*sigmoid(-a)", "-a"],
        domain=(REALS, (0.0, 1.0)),
        bounds=("4", "4 + 4*((1 - b)*sigmoid(a) + b*sigmoid(-a))/abs(d)", "4")),
    Row("divergence", "a b", "0.0 if a == 0 else a*(log(a) - b)", ["log(a) - b + 1", "-a"],
        domain=((0.0, inf), REALS),
        bounds=("4 + 4*a*(abs(log(a)) + abs(b))/abs(v)",
                "4 + 4*(abs(log(a)) + abs(b) + 1)/abs(d)", "4")),

    # -- choices: at a tie both operands get half; nan wins ----------------------------------------
    Row("maximum", "a b", "a if a >= b or a != a else b", ["prefer(a, b)", "prefer(b, a)"],
        label="max", kink="a - b"),
    Row("minimum", "a b", "a if a <= b or a != a else b", ["prefer(b, a)", "prefer(a, b)"],
        label="min", kink="a - b"),
    # from b to c; on these a's slope is 1, and where they are the wrong way round the value is c
    Row("clip", "a b c", "minimum(maximum(a, b), c)",
        ["less_equal(b, a)*less_equal(a, c)", "less(a, b)*less(b, c)",
         "maximum(less(c, b), greater(a, c))"],
        kink="min(abs(a - b), abs(a - c), abs(b - c))", domain=(REALS, REALS, REALS)),

    # -- helpers for partials; at nan, step is 1 and positive 0 ------------------------------------
    Row("sign",     "a", "1.0 if a > 0 else -1.0 if a < 0 else 0.0", ["0.0"], kink="a"),
    Row("step",     "a", "0.0 if a <= 0 else 1.0",                   ["0.0"], kink="a"),
    Row("positive", "a", "1.0 if a > 0 else 0.0",                    ["0.0"], kink="a"),
    Row("prefer",   "a b", "0.0 if a < b else 0.5 if a == b else 1.0", ["0.0", "0.0"],
        kink="a - b"),
    Row("ratio",    "a b", "a if b == 0 else a/b", ["ratio(1.0, b)", "-ratio(ratio(a, b), b)"],
        domain=ALL_BUT_ZERO),

    # -- rounding to an integer: down, up, towards 0, to the nearest (ties to even) ----------------
    Row("floor", "a", "floor(a)", ["0.0"], kink="(a % 1)*(1 - a % 1)"),
    Row("ceil",  "a", "ceil(a)",  ["0.0"], kink="(a % 1)*(1 - a % 1)"),
    Row("trunc", "a", "trunc(a)", ["0.0"], kink="(a % 1)*(1 - a % 1)"),
    Row("rint",  "a", "rint(a)",  ["0.0"], kink="((a - 0.5) % 1)*(1 - (a - 0.5) % 1)"),

    # -- comparisons: 1 where they hold, 0 where not; a nan equals nothing -------------------------
    Row("equal",         "a b", "1.0 if a == b else 0.0", ["0.0", "0.0"], label="==", kink="a - b"),
    Row("less",          "a b", "1.0 if a < b else 0.0",  ["0.0", "0.0"], label="<",  kink="a - b"),
    Row("less_equal",    "a b", "1.0 if a <= b else 0.0", ["0.0", "0.0"], label="<=", kink="a - b"),
    Row("greater",       "a b", "1.0 if a > b else 0.0",  ["0.0", "0.0"], label=">",  kink="a - b"),
    Row("greater_equal", "a b", "1.0 if a >= b else 0.0", ["0.0", "0.0"], label=">=", kink="a - b"),

    # -- lists -------------------------------------------------------------------------------------
    Row("sum",       "as",    "t",             ["1.0"],           fold="a",
        bounds=("n*s/abs(v)",)),
    Row("mean",      "as",    "t/n",           ["1/n"],           fold="a",
        bounds=("s/abs(v)",)),
    Row("dot",       "as bs", "t",             ["b", "a"],        fold="a*b",
        bounds=("n*s/abs(v)",)),
    Row("norm",      "as",    "u*sqrt(t)",     ["ratio(a/u, sqrt(t))"], fold="square(a/u)",
        bounds=("2 + n/2", "4 + n/2")),
    Row("logsumexp", "as",    "m + log(t)",    ["exp(a - m)/t"],  fold="exp(a - m)",
        bounds=("2 + (n + 2)/abs(v)", "n + 4 + minimum(m - a, 745.0)")),
]
# fmt: on

#: The comparisons, in the order of Python's == < <= > >=.
COMPARISONS = ("equal", "less", "less_equal", "greater", "greater_equal")

#: Rows used in partials and losses, and rows whose partials are all 0 where they are defined.
HELPERS = {
    *("huber", "bernoulli_entropy", "logit_entropy", "divergence"),
    *("monomial", "log_monomial", "asin_da", "asinh_da", "atanh_da", "polygamma"),
    *("sign", "step", "positive", "prefer", "ratio", "floor", "ceil", "trunc", "rint"),
    *COMPARISONS,
}

#: Where a partial here is deliberately not PyTorch's float64 result, and why.
DIFFERENCES = {
    "acosh": "below 1, outside the domain, the partial is nan like the value; and it does not "
    "overflow: 1e-300 at 1e300, where PyTorch has 0",
    "asinh": "1/hypot(1, a) does not overflow: 1e-300 at 1e300, where PyTorch has 0",
    "atan2": "dividing twice by hypot neither overflows at 1e300 nor underflows at 5e-324, where "
    "PyTorch has 0",
    "digamma": "polygamma has all digits, and at poles it is inf, where PyTorch has ten, and 1e33",
    "expm1": "the partial exp(a) keeps the digits that v + 1 loses below 0",
    "gelu": "erfc keeps the lower tail, where 1 + erf is 0",
    "lgamma": "digamma keeps digits that PyTorch's loses near its zeros below 0",
    "logsumexp": "exp(a - m)/t sums to 1 for huge operands; PyTorch's exp(a - v) does not",
    "norm": "scaled, it neither overflows at 1e300 nor underflows at 5e-324",
    "pow": "at an infinite exponent a power that is 0 has the partial 0, where PyTorch has nan",
    "sigmoid": "v*sigmoid(-a) keeps the upper tail, where 1 - v is 0",
    "silu": "as sigmoid",
    "softplus": "exact above 20, where PyTorch takes a for the value and 1 for the partial",
    "tanh": "1/cosh(a)**2 keeps the tails, where 1 - v*v is 0",
}

#: Rows by number (``Value._op``): 0 is a leaf, then the table's, then the instructions of traces
#: and programs (``engine/instructions.py``), then those that ``autodiff.primitive`` adds.
ROWS = [Row("", "", "", []), *TABLE]
CODES = {r.name: code for code, r in enumerate(ROWS) if r.name}


def row(name: str) -> Row:
    """The row of the primitive ``name``, one of the table's or of one's own.

    Raises:
        KeyError: if there is none of that name.

    >>> row("sin").partials
    ['cos(a)']
    """
    return ROWS[CODES[name]]


def markdown() -> str:
    """The table as Markdown, for the documentation.

    >>> print(markdown().splitlines()[2])
    | `add(a, b)` | `a + b` | `1.0`, `1.0` |
    """
    lines = ["| primitive | value | partial derivatives |", "|---|---|---|"]
    for r in TABLE:
        value = f"{r.value}, t = Σ {r.fold}" if r.fold else r.value
        partials = ", ".join(f"`{p}`" for p in r.partials)
        lines.append(f"| `{r.name}({', '.join(r.names)})` | `{value}` | {partials} |")
    return "\n".join(lines)
