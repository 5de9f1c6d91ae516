"""The table's kernels in C: one header, written when the package is built.

For every row an inline function of its value, and three functions that choose by code::

    double ad_unary(int op, double a, double *da)
    double ad_binary(int op, double a, double b, int need, double *da, double *db)
    double ad_list(int op, Py_ssize_t n, const double *as, const double *bs,
                   double *das, double *dbs)

and one that runs a program, ``ad_run``: see ``compiler.execute``.

They compute what ``kernels.KERNELS`` computes, operation for operation, so that the compiled and
the interpreted engine agree bit for bit.  ``AD_TABLE`` is the digest of that table.
"""

from __future__ import annotations

import zlib

from autodiff.expressions import for_c, names_in
from autodiff.ops import CODES, CONSTANTS, INNER, TABLE, Row

_MATH_H = {"abs": "fabs"}


def digest() -> str:
    """A short digest of the table, by which a compiled engine can tell that it is up to date.

    >>> digest() == digest()
    True
    """
    return f"{zlib.crc32(repr((TABLE, INNER, CONSTANTS)).encode()):08x}"


def _primitive(name: str) -> str:
    return "ad_" + name


def _value_function(r: Row) -> str:
    """A value: its own name is the function of ``math.h``, any other name a primitive."""

    def rename(name: str) -> str:
        return _MATH_H.get(name, name) if name == r.name else _primitive(name)

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


def _list_case(r: Row) -> str:
    names = [name[0] for name in r.names]
    partials = [str(p) for p in r.partials]
    used = set().union(*(names_in(e) for e in [*partials, r.fold, str(r.value)]))

    def load(*expressions: str) -> str:
        needed = set().union(*map(names_in, expressions))
        return " ".join(f"const double {x} = {x}s[i];" for x in names if x in needed)

    sets = " ".join(
        f"d{x}s[i] = {for_c(p, _primitive)};" for x, p in zip(names, partials, strict=True)
    )
    term = for_c(r.fold, _primitive)
    return "\n".join(
        [
            f"    case AD_{r.name}: {{",
            "        const double m = ad_largest(n_, as);" if "m" in used else "",
            "        const double n = (double)n_;" if "n" in used else "",
            "        double t = 0.0, v; Py_ssize_t i;",
            f"        for (i = 0; i < n_; i++) {{ {load(r.fold)} t += {term}; }}",
            f"        v = {for_c(str(r.value), _primitive)};",
            f"        if (das) for (i = 0; i < n_; i++) {{ {load(*partials)} {sets} }}",
            "        return v;",
            "    }",
        ]
    )


def _instruction(r: Row) -> str:
    operands = ", ".join(f"w[{x}[k]]" for x in r.names)
    return f"    case AD_{r.name}: out[k] = ad_{r.name}({operands}); break;"


# Operands of lists stand in ``entries``, b[k] of them from a[k] on; s has room for the longest.
_RUN = """
AD_UNUSED static Py_ssize_t ad_run(
    Py_ssize_t k, Py_ssize_t end, const unsigned short *ops, const int *a, const int *b,
    const int *entries, const double *w, double *out, double *s) {
    for (; k < end; k++) {
        const int *e = entries + a[k]; const Py_ssize_t n = b[k]; Py_ssize_t i; double t;
        switch (ops[k]) {
%s
    case AD_detach: out[k] = w[a[k]]; break;
    case AD_chain:
        t = w[e[0]];
        for (i = 1; i < n; i++) t += w[e[i]];
        out[k] = t; break;
    case AD_products:
        t = w[e[0]] * w[e[1]];
        for (i = 2; i < n; i += 2) t += w[e[i]] * w[e[i + 1]];
        out[k] = t; break;
    case AD_peak:
        t = w[e[0]];
        for (i = 1; i < n; i++) if (w[e[i]] > t || w[e[i]] != w[e[i]]) t = w[e[i]];
        out[k] = t; break;
    case AD_largest:
        for (i = 0; i < n; i++) s[i] = w[e[i]];
        out[k] = ad_largest(n, s); break;
    case AD_take:
        t = w[e[n - 1]];
        if (!(t >= 0 && t < n - 1)) return -1 - k;
        out[k] = w[e[(Py_ssize_t)t]]; break;
    case AD_pick: out[k] = w[e[1]] == w[e[2]] ? w[e[0]] : 0.0; break;
%s
        for (i = 0; i < n; i++) s[i] = w[e[i]];
        out[k] = ad_list(ops[k], n, s, s, 0, 0); break;
%s
        for (i = 0; i < n; i++) s[i] = w[e[i]];
        out[k] = ad_list(ops[k], n / 2, s, s + n / 2, 0, 0); break;
    default: return k;
        }
    }
    return end;
}
"""


def _run() -> str:
    def cases(lists: int) -> str:
        names = [r.name for r in TABLE if r.over_lists and len(r.names) == lists]
        return "\n".join(f"    case AD_{name}:" for name in names)

    instructions = "\n".join(_instruction(r) for r in TABLE if not r.over_lists)
    return _RUN % (instructions, cases(1), cases(2))


def header() -> str:
    """The header's text."""
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
        "#define AD_UNUSED __attribute__((unused))",
        "#else",
        "#define AD_UNUSED",
        "#define AD_INLINE static __inline",
        "#endif",
        f'#define AD_TABLE "{digest()}"',
        "enum { " + ", ".join(f"AD_{name} = {code}" for name, code in CODES.items()) + " };",
        *(f"#define {name} {value!r}" for name, value in CONSTANTS.items()),
        "AD_INLINE double ad_largest(Py_ssize_t n, const double *as) {",
        "    double m = -INFINITY; Py_ssize_t i;",
        "    for (i = 0; i < n; i++) if (as[i] > m) m = as[i];",
        "    return isinf(m) ? 0.0 : m;",
        "}",
        *(
            f"AD_INLINE double ad_{r.name}({', '.join(f'double {n}' for n in r.names)});"
            for r in scalars
        ),
        *(_value_function(r) for r in scalars),
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
        "static double ad_list(int op, Py_ssize_t n_, const double *as, const double *bs,",
        "                      double *das, double *dbs) {",
        "    switch (op) {",
        *(_list_case(r) for r in TABLE if r.over_lists),
        "    default: return NAN;",
        "    }",
        "}",
        _run(),
    ]
    return "\n".join(line for line in lines if line) + "\n"
