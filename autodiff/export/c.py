"""Programs in C: one file that needs nothing but the C library.

The functions of rows are the engine's (``c_functions``), a program becomes functions by
``c_program``, their loops are ``c_loops``, and where numbers stand says ``c_memory``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import autodiff
from autodiff.compiler.sparsity import Pattern
from autodiff.engine.reals import describe
from autodiff.export.c_functions import functions
from autodiff.export.c_loops import MATRIX
from autodiff.export.c_program import File, Function, comment, table
from autodiff.export.listing import Exported, exported
from autodiff.ops import CONSTANTS
from autodiff.transforms.pytrees import Leaf, Mapping, Node, Sequence, size

MOST = 16  #: parts of an argument, and numbers that are returned, that are told one by one

_WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while asm main INFINITY NAN NULL offsetof fpclassify isfinite isgreater
    isgreaterequal isinf isless islessequal islessgreater isnan isnormal isunordered signbit signgam
    j0 j1 jn y0 y1 yn drem significand
"""
_MATH_H = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs
    fdim floor fma fmax fmin fmod frexp gamma hypot ilogb ldexp lgamma llrint llround log log10
    log1p log2 logb lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint
    round scalb scalbln scalbn sin sinh sqrt tan tanh tgamma trunc
"""
_TAKEN = {*_WORDS.split(), *CONSTANTS}
_TAKEN |= {name + suffix for name in _MATH_H.split() for suffix in ("", "f", "l")}


def to_c(f: Any, *args: Any, name: str = "f") -> str:
    """A function's program, and so its derivatives if it computes these, as a file of C99.

    The file needs the C library alone; it has ``int f(const double *in, double *out, double *w)``.
    ``in`` has the numbers of the arguments, ``out`` gets those of the result, and ``w`` is room for
    ``f_WORK`` numbers, so that nothing is allocated and many threads can call it, each with room of
    its own.  The comment that the file begins with says which numbers are which.  What was captured
    from outside, parameters say, is in the file with the numbers that it has now.

    The function returns 0; or, before it writes results, the number of the guard that fails: a
    comparison that is not what it was when ``f`` was traced; likewise of a ``take`` whose index is
    out of range.  All numbers are those of the program to the bit, where the C library is the same
    and the compiler does not contract ``a*b + c`` to one operation; but sums over the lanes of a
    ``vmap`` are in another order.

    Args:
        f: a function that ``jit``, ``grad`` or another transform made, or what its ``lower()``
            gave.
        args: example arguments, which only a function that is not lowered yet needs.
        name: what the C function is called.

    Returns:
        The text of the file.  A sparse result is its entries, column by column; ``f_rows`` and
        ``f_starts`` are then where these are.

    Raises:
        TypeError: if ``f`` is none of these, or uses a primitive that was added at run time.
        ValueError: if ``name`` is no identifier in C, or one that is taken.

    >>> from autodiff import grad, sin
    >>> text = to_c(grad(lambda x, y: sin(x * y)), 2.0, 3.0, name="slope")
    >>> print(text[text.rindex("int slope("):])
    int slope(const double *restrict in, double *restrict out, double *restrict w)
    {
        (void)w;
        const double v2 = in[0] * in[1];
        const double v3 = ad_cos(v2);
        const double v4 = v3 * in[1];
        out[0] = v4;
        return 0;
    }
    <BLANKLINE>
    """
    _check(name)
    found = exported(f, *args)
    file = File(found.name)
    function = Function(file, found.program, name, found.inputs, public=True)
    parts = [
        _head(found, name, function),
        f"#include <math.h>\n#include <stddef.h>\n\n#define {name}_WORK {function.work}",
        *functions(file.rows),
        *([MATRIX] if any("ad_matrix(" in text for text in file.functions) else []),
        *(_pattern(found.result, name) if isinstance(found.result, Pattern) else []),
        *file.functions,
    ]
    return "\n\n".join(parts) + "\n"


def _check(name: Any) -> None:
    """Raise an error if a function in C cannot be called so."""
    if not isinstance(name, str):
        raise TypeError(f"name must be what the C function is called, not {describe(name)}")
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(f"name must be letters, digits and _ after a letter, not {name!r}")
    if name in _TAKEN or name.startswith(("ad_", "AD_", "c_")):
        raise ValueError(
            f"name is {name!r}, which means something else in the file: choose another"
        )


def _head(found: Exported, name: str, function: Function) -> str:
    """The comment that the file begins with."""
    p, arguments = found.program, _lines("in", found.arguments)
    results = _lines("out", [("result", found.result)])
    if isinstance(found.result, Pattern):
        rows, columns = found.result.shape
        results = [
            f"the entries of a sparse matrix of {rows} rows and {columns} columns:",
            f"those of column j are out[{name}_starts[j]] and so on, before {name}_starts[j + 1];",
            f"out[i] is in row {name}_rows[i]",
        ]
    codes = [f"{i}: {words}" for i, words in enumerate(function.failures, 1)]
    if len(codes) > MOST:
        codes[MOST:] = [f"to {len(codes)}: see where they are returned"]
    fails = ", or else the first of these that fails, and out is as it was:" if codes else "."
    lines = [
        f"{found.name}, written by autodiff {autodiff.__version__}.",
        "",
        f"    cc -O2 -c {name}.c      and link with -lm",
        "",
        "For the same numbers to the bit, compilers that are told of a processor that multiplies",
        "and adds at once (-march=native) need -ffp-contract=off; none may have -ffast-math.",
        "",
        f"    int {name}(const double *in, double *out, double *w)",
        "",
        f"in has {p.inputs} numbers, out {len(p.outputs)}, and w is room for {name}_WORK, which is",
        f"{function.work}; they must not overlap.  What is in w before does not matter.  Many",
        "threads may call it, each with an out and a w of its own.",
        "",
        "in:" if arguments else "in: nothing",
        *(f"    {line}" for line in arguments),
        "out:" if results else "out: nothing",
        *(f"    {line}" for line in results),
        f"It returns 0{fails}",
        *(f"    {line}" for line in codes),
    ]
    return "/* " + "\n".join(f"   {comment(line)}".rstrip() for line in lines).lstrip() + " */"


def _lines(array: str, trees: list[tuple[str, Any]]) -> list[str]:
    """Which numbers of an array are which, a line each; of many that are alike in one line."""
    lines, first = [], 0
    for name, structure in trees:
        for words, n in _places(structure, name):
            lines.append(f"{array}[{_range(first, n)}]  {words}")
            first += n
    return lines


def _range(first: int, n: int) -> str:
    return f"{first}..{first + n - 1}" if n > 1 else str(first)


def _places(structure: Any, name: str) -> Iterator[tuple[str, int]]:
    """What the numbers of a structure are called, and how many are called so.

    >>> list(_places(Mapping(("w", "b"), (Leaf((2, 3)), Leaf(None))), "model"))
    [("model['w'][0..1, 0..2]", 6), ("model['b']", 1)]
    """
    n = 0 if isinstance(structure, Pattern) else size(structure)
    if not n:
        return
    if isinstance(structure, Leaf):
        axes = ", ".join(_range(0, axis) for axis in structure.shape or ())
        kind = {"f": "", "i": ", integer", "b": ", 0 or 1"}[structure.kind]
        yield name + (f"[{axes}]" if axes else "") + kind, n
        return
    assert isinstance(structure, Node)
    parts = structure.parts
    if isinstance(structure, Sequence) and len(parts) > 1 and len(set(parts)) == 1:
        inner = [*_places(parts[0], "")]
        if len(inner) == 1:
            yield f"{name}[{_range(0, len(parts))}]{inner[0][0]}", n
            return
    if len(parts) > MOST:
        yield f"{name}, its {len(parts)} parts one after the other", n
        return
    keys = structure.kind if isinstance(structure, Mapping) else range(len(parts))
    for key, part in zip(keys, parts, strict=True):
        yield from _places(part, f"{name}[{key!r}]")


def _pattern(pattern: Pattern, name: str) -> Iterator[str]:
    """Where the entries of a sparse result are."""
    for words, numbers in (("rows", pattern.rows), ("starts", pattern.starts)):
        yield table(f"const int {name}_{words}[]", map(str, [*numbers.tolist()] or [0]))
