"""The table's kernels in C: one header, written when the package is built.

After the functions of ``special.py``, for every row an inline function of its value, and three
functions that choose by code::

    double ad_unary(int op, double a, double *da)
    double ad_binary(int op, double a, double b, int need, double *da, double *db)
    double ad_list(int op, Py_ssize_t n, const double *as, const double *bs,
                   double *das, double *dbs)

in which a row over more than two scalars has them as its list; and macros with the names of the
rows, from which ``compiler/run.h`` makes what runs a program.

They compute what ``kernels.KERNELS`` computes, operation for operation, so that the compiled and
the interpreted engine agree bit for bit.  ``AD_TABLE`` is the digest of that table.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from autodiff.engine.expressions import for_c, names_in
from autodiff.engine.instructions import INNER, OF_LIST
from autodiff.engine.translation import SOURCES, in_c, in_python, renamed
from autodiff.ops import CODES, CONSTANTS, TABLE, Row

_MATH_H = {"abs": "fabs"}


def digest() -> str:
    """A short digest of the table, by which a compiled engine can tell that it is up to date.

    >>> digest() == digest()
    True
    """
    special = [*map(in_python, SOURCES)]
    return f"{zlib.crc32(repr((TABLE, INNER, CONSTANTS, special)).encode()):08x}"


def _primitive(name: str) -> str:
    return "ad_" + name


def library(name: str) -> str:
    """What a function of ``math.h``, or of ``special.py``, is called in C.

    >>> library("abs"), library("sin"), library("erfinv")
    ('fabs', 'sin', 'c_erfinv')
    """
    return _MATH_H.get(name, renamed(name))


def value_function(r: Row) -> str:
    """The value of a row over scalars as a function: its own name is that of the library.

    Any other name is a primitive.

    >>> from autodiff.ops import row
    >>> value_function(row("square"))
    'AD_INLINE double ad_square(double a) { return (a * a); }'
    """

    def rename(name: str) -> str:
        return library(name) if name == r.name else _primitive(name)

    args = ", ".join(f"double {name}" for name in r.names)
    return f"AD_INLINE double ad_{r.name}({args}) {{ return {for_c(str(r.value), rename)}; }}"


def _scalar_case(r: Row) -> str:
    args = ", ".join(r.names)
    partials = [for_c(str(p), _primitive) for p in r.partials]
    if len(partials) == 1:
        sets = f"*da = {partials[0]};"
    else:
        sets = f"if (need & 1) *da = {partials[0]}; if (need & 2) *db = {partials[1]};"
    return f"    case AD_{r.name}: {{ const double v = ad_{r.name}({args}); {sets} return v; }}"


def _fold(r: Row, used: set[str]) -> list[str]:
    """The value ``v`` of a row over lists of length ``n_``, after what of ``used`` it needs."""
    of_list = [f"const double {x} = ad_{name}(n_, as);" for x, name in OF_LIST.items() if x in used]
    return [
        *of_list,
        "const double n = (double)n_;" if "n" in used else "",
        "double t = 0.0, v; Py_ssize_t i;",
        f"for (i = 0; i < n_; i++) {{ {_load(r, r.fold)} t += {for_c(r.fold, _primitive)}; }}",
        f"v = {for_c(str(r.value), _primitive)};",
    ]


def _load(r: Row, *expressions: str) -> str:
    """Of element ``i`` of every list, what these expressions need."""
    needed = set().union(*map(names_in, expressions))
    names = [name[0] for name in r.names]
    return " ".join(f"const double {x} = {x}s[i];" for x in names if x in needed)


def _list_case(r: Row) -> str:
    names = [name[0] for name in r.names]
    partials = [str(p) for p in r.partials]
    used = set().union(*(names_in(e) for e in [*partials, r.fold, str(r.value)]))
    sets = " ".join(
        f"d{x}s[i] = {for_c(p, _primitive)};" for x, p in zip(names, partials, strict=True)
    )
    return "\n".join(
        [
            f"    case AD_{r.name}: {{",
            *(f"        {line}" for line in _fold(r, used) if line),
            f"        if (das) for (i = 0; i < n_; i++) {{ {_load(r, *partials)} {sets} }}",
            "        return v;",
            "    }",
        ]
    )


def list_function(r: Row) -> str:
    """The value of a row over lists as a function of how long these are, and of them.

    >>> from autodiff.ops import row
    >>> print(list_function(row("mean")).partition(" {")[0])
    AD_INLINE double ad_mean(Py_ssize_t n_, const double *as)
    """
    arguments = ", ".join(f"const double *{name}" for name in r.names)
    lines = _fold(r, names_in(r.fold) | names_in(str(r.value)))
    body = "".join(f"    {line}\n" for line in [*lines, "return v;"] if line)
    return f"AD_INLINE double ad_{r.name}(Py_ssize_t n_, {arguments}) {{\n{body}}}"


def _tuple_case(r: Row) -> str:
    """A row over more than two scalars, which come as a list."""
    loads = " ".join(f"const double {name} = as[{i}];" for i, name in enumerate(r.names))
    sets = " ".join(f"das[{i}] = {for_c(str(p), _primitive)};" for i, p in enumerate(r.partials))
    return (
        f"    case AD_{r.name}: {{ {loads} const double v = ad_{r.name}({', '.join(r.names)}); "
        f"if (das) {{ {sets} }} return v; }}"
    )


def _names(macro: str, chosen: Sequence[Row]) -> str:
    """A macro that applies another to the name of every row of a kind."""
    return f"#define {macro}(X) " + " ".join(f"X({r.name})" for r in chosen)


def header() -> str:
    """The header's text."""
    names = [r.name for r in [*TABLE, *INNER]]
    scalars = [r for r in TABLE if not r.over_lists]
    cases = {
        1: [_scalar_case(r) for r in scalars if len(r.names) == 1],
        2: [_scalar_case(r) for r in scalars if len(r.names) == 2],
    }
    arguments = ", ".join(f"double {name}" for name in ("a", "b"))
    lines = [
        "/* Written from the table in ops.py by ckernels.py; not to be edited. */",
        "#include <math.h>",
        "#if defined(__GNUC__)",
        "#define AD_INLINE static inline __attribute__((always_inline, unused))",
        "#define AD_STATIC static __attribute__((unused))",
        "#else",
        "#define AD_INLINE static __inline",
        "#define AD_STATIC static",
        "#endif",
        f'#define AD_TABLE "{digest()}"',
        "enum { "
        + ", ".join(f"AD_{name} = {CODES[name]}" for name in names)
        + f", AD_ROWS = {len(names) + 1}, AD_python = -1 }};",
        *(f"#define {name} {value!r}" for name, value in CONSTANTS.items()),
        *(in_c(name, library) for name in SOURCES),
        "#define ad_where(c, a, b) ((c) != 0.0 ? (a) : (b))",
        "AD_INLINE double ad_inner(int op, Py_ssize_t n, const int *e, const double *w,",
        "                          int *end) {",
        "    double t = NAN; int bad = 0; Py_ssize_t i = 0; (void)i;",
        "#define x(i) w[e ? e[i] : (i)]",
        "    switch (op) {",
        *(f"    case AD_{r.name}: {r.c} break;" for r in INNER),
        "    }",
        "#undef x",
        "    *end = bad;",
        "    return t;",
        "}",
        *(
            f"AD_INLINE double ad_{name}(Py_ssize_t n, const double *as) "
            f"{{ int end; return ad_inner(AD_{name}, n, 0, as, &end); }}"
            for name in OF_LIST.values()
        ),
        *(
            f"AD_INLINE double ad_{r.name}({', '.join(f'double {n}' for n in r.names)});"
            for r in scalars
        ),
        *(value_function(r) for r in scalars),
        "AD_INLINE double ad_unary(int op, double a, double *da) {",
        "    switch (op) {",
        *cases[1],
        "    default: return NAN;",
        "    }",
        "}",
        f"AD_INLINE double ad_binary(int op, {arguments}, int need, double *da, double *db) {{",
        "    switch (op) {",
        *cases[2],
        "    default: return NAN;",
        "    }",
        "}",
        "AD_STATIC double ad_list(int op, Py_ssize_t n_, const double *as, const double *bs,",
        "                         double *das, double *dbs) {",
        "    switch (op) {",
        *(_list_case(r) for r in TABLE if r.over_lists),
        *(_tuple_case(r) for r in scalars if r.in_tuple),
        "    default: return NAN;",
        "    }",
        "}",
        _names("AD_UNARY", [r for r in scalars if len(r.names) == 1]),
        _names("AD_BINARY", [r for r in scalars if len(r.names) == 2]),
        _names("AD_ONE_LIST", [r for r in TABLE if r.in_tuple and len(r.names) != 2]),
        _names("AD_INNER", INNER),
        _names("AD_TWO_LISTS", [r for r in TABLE if r.in_tuple and len(r.names) == 2]),
    ]
    return "\n".join(line for line in lines if line) + "\n"
