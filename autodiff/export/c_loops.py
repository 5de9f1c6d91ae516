"""Statements of many lanes in C: loops over the axes along which their operands stand.

The axes are those that ``compiler/lanes`` finds; along the innermost one lanes are side by side.
What stands irregularly is copied before, by a table of indices.  A sum is added up for some lanes
at once, each in the order of its terms, so that compilers keep them in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from autodiff.compiler.lanes import AXES
from autodiff.compiler.program import ARITY
from autodiff.ops import CODES, Row

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_SUMS = ("chain", "products")
#: What is written without a function of that name.
WRITTEN = {*_INFIX, *_SUMS, "neg", "detach", "pick", "take", "guard", "vmap", "part"}
_OPERANDS = {"chain": 2, "products": 4, "pick": 4}
BLOCK = 4  #: lanes of a sum that are added up side by side

#: What adds up matrix products.
MATRIX = """\
/* t += x y, of rows times n numbers: x has m terms, xk apart, in rows that are xj apart; y has rows
   that are yk apart, one for every term.  Four rows and four columns are added up at a time. */
#if defined(__GNUC__)
typedef double ad_four __attribute__((vector_size(32), aligned(8), may_alias));
#define AD_FOUR(x) (*(ad_four *)(x))
#define AD_READ(x) (*(const ad_four *)(x))
#else
typedef double ad_four;
#define AD_FOUR(x) (*(x))
#define AD_READ(x) (*(x))
#endif
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define AD_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define AD_CLONES
#endif
enum { AD_WIDTH = sizeof(ad_four) / sizeof(double) };
AD_CLONES static void ad_matrix(int rows, int n, int m, const double *restrict x, int xj, int xk,
                                const double *restrict y, int yk, double *restrict t)
{
    for (int j = 0; j < rows;) {
        const int four = j + 4 <= rows, next = four ? n : 0;
        int l = 0;
        for (; l + AD_WIDTH <= n; l += AD_WIDTH) {
            const double *p = x, *q = y + l;
            ad_four a = AD_READ(t + l);
            if (four) {
                double *t1 = t + n + l, *t2 = t1 + n, *t3 = t2 + n;
                ad_four b = AD_READ(t1), c = AD_READ(t2), d = AD_READ(t3);
                for (int k = 0; k < m; k++, p += xk, q += yk) {
                    const ad_four u = AD_READ(q);
                    a += p[0] * u;
                    b += p[xj] * u;
                    c += p[2 * xj] * u;
                    d += p[3 * xj] * u;
                }
                AD_FOUR(t1) = b;
                AD_FOUR(t2) = c;
                AD_FOUR(t3) = d;
            } else {
                for (int k = 0; k < m; k++, p += xk, q += yk) a += p[0] * AD_READ(q);
            }
            AD_FOUR(t + l) = a;
        }
        for (; l < n; l++)
            for (int r = 0; r < (four ? 4 : 1); r++) {
                double s = t[r * next + l];
                for (int k = 0; k < m; k++) s += x[r * xj + k * xk] * y[k * yk + l];
                t[r * next + l] = s;
            }
        j += four ? 4 : 1;
        x += four ? 4 * xj : xj;
        t += four ? 4 * n : n;
    }
}"""


def operation(row: Row, operands: list[str]) -> str:
    """An operation on numbers as an expression in C.

    >>> from autodiff.ops import row
    >>> operation(row("add"), ["x", "y"]), operation(row("tanh"), ["x"])
    ('x + y', 'ad_tanh(x)')
    """
    if row.name in _INFIX:
        return f" {_INFIX[row.name]} ".join(operands)
    if row.name == "neg":
        return f"-{operands[0]}"
    if row.name == "detach":
        return operands[0]
    if row.name == "chain":
        return " + ".join(operands)
    if row.name == "products":
        pairs = zip(operands[::2], operands[1::2], strict=True)
        return " + ".join(f"{x} * {y}" for x, y in pairs)
    if row.name == "pick":
        x, i, j, y = operands
        return f"{i} == {j} ? {x} : {y}"
    return f"ad_{row.name}({', '.join(operands)})"


def element(name: str, first: int, *steps: tuple[int, str]) -> str:
    """An element of an array: the first, and so many on for every one of some variables.

    >>> element("w", 3, (16, "i"), (0, "j"), (-1, "l")), element("t", 0, (1, "l"))
    ('w[3 + 16*i - l]', 't[l]')
    """
    text = str(first) if first else ""
    for n, variable in steps:
        if n:
            size = "" if abs(n) == 1 else f"{abs(n)}*"
            text += (" - " if n < 0 else " + ") + size + variable
    return f"{name}[{text.removeprefix(' + ') or 0}]"


class Operand(NamedTuple):
    """An operand of many lanes: the name of an array, or of a number if all strides are 0.

    Attributes:
        name: the name.
        outer, inner, along: the strides along the three axes, the last over lanes side by side.
        term: from a term of a sum to the next.
    """

    name: str
    outer: int
    inner: int
    along: int
    term: int

    def at(self, *lane: str) -> str:
        """The number, where the lane along the last axis is the sum of these variables."""
        if not any(self[1:]):
            return self.name
        lanes = [(self.along, x) for x in lane]
        return element(self.name, 0, (self.outer, "i"), (self.inner, "j"), *lanes, (self.term, "k"))


def loops(
    row: Row, step: list[int], at: Callable[[int], str], number: Callable[[int], str], target: str
) -> Iterator[str]:
    """The lines of a step of ``compiler/lanes`` whose operands are in place or copied already.

    Args:
        row: the operation.
        step: the step: of its operands, where they begin is an address.
        at: what an address is as an element of an array.
        number: the same of what is one number for all lanes: it may be a literal.
        target: where the first result goes.
    """
    count = _OPERANDS.get(row.name, int(ARITY[CODES[row.name]]))
    terms, (outer, inner, size) = step[3], step[4 : 4 + AXES]
    operands: list[Operand] = []
    yield f"{{ /* {row.name}, {step[2] - step[1]} lanes */"
    for i, name in enumerate("abcd"[:count]):
        _, _, start, *strides = step[4 + AXES + i * (AXES + 4) :][: AXES + 4]
        if row.name not in _SUMS or 2 * i < count:
            strides[-1] = 0  # it has one term
        operands.append(Operand(name, *strides))
        if any(strides):
            yield f"    const double *restrict {name} = &{at(start)};"
        else:
            yield f"    const double {name} = {number(start)};"
    yield f"    double *restrict t = &{target};"
    result = Operand("t", inner * size * (outer > 1), size * (inner > 1), 1, 0)
    axes = [f"for (int {x} = 0; {x} < {n}; {x}++) " for x, n in (("i", outer), ("j", inner))]
    around = [axis * (n > 1) for axis, n in zip(axes, (outer, inner), strict=True)]
    half = operands[: count // 2] if row.name in _SUMS else operands
    first = operation(row, [x.at("l") for x in half])
    plain = f"    {''.join(around)}for (int l = 0; l < {size}; l++) {result.at('l')} = {first};"
    if row.name not in _SUMS:
        yield plain
    elif factors := _as_matrix(row, operands, inner):
        yield plain
        x, y = factors
        places = [f"&{element(z.name, 0, (z.outer, 'i'))}" for z in (x, y, result)]
        numbers = f"{inner}, {size}, {terms}, {places[0]}, {x.inner}, {x.term}"
        yield f"    {around[0]}ad_matrix({numbers}, {places[1]}, {y.term}, {places[2]});"
    else:
        yield f"    {''.join(around)}{{"
        yield from _sums(row, operands, terms, size, result)
        yield "    }"
    yield "}"


def _as_matrix(row: Row, operands: list[Operand], rows: int) -> tuple[Operand, Operand] | None:
    """The factors of a matrix product: of one number a row, and of the same numbers in all rows."""
    if row.name == "products" and rows > 1:
        for x, y in (operands[2:], operands[:1:-1]):
            if any(x[1:]) and not x.along and y.along and not y.inner:
                return x, y
    return None


def _sums(
    row: Row, operands: list[Operand], terms: int, size: int, result: Operand
) -> Iterator[str]:
    """The loops over the lanes of a sum, blocks of them first, and over its terms."""
    half, done = len(operands) // 2, 0
    for block in (BLOCK, 1):
        end = size - (size - done) % block
        if done < end:
            lane = ["l", "h"] if block > 1 else ["l"]
            each = f"for (int h = 0; h < {block}; h++) " * (block > 1)
            s, declared = ("s[h]", f"s[{block}]") if block > 1 else ("s", "s")
            first, term = (
                operation(row, [x.at(*lane) for x in some])
                for some in (operands[:half], operands[half:])
            )
            yield f"        for (int l = {done}; l < {end}; l += {block}) {{"
            yield f"            double {declared};"
            yield f"            {each}{s} = {first};"
            yield f"            for (int k = 0; k < {terms}; k++) {each}{s} += {term};"
            yield f"            {each}{result.at(*lane)} = {s};"
            yield "        }"
        done = end
