"""The mutants that ``mutate.py`` runs: what is changed, how, and which tests should notice it.

* ``SWEEP``, ``COMPILER``, ``TESTING`` -- the functions that are changed, each with its tests;
* ``places``, ``alternatives``, ``changed`` -- the ways in which a piece of code is changed;
* ``all_mutants`` -- the package's mutants.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

TREE = Path(__file__).resolve().parent.parent

# These look at the table's text, or break rows themselves: they would notice any change at all.
TEXTUAL = "caught or documentation or digest"
SLOW = "deep or threads or memory or doubling"
QUICK = f"not ({TEXTUAL} or {SLOW})"


class Stage(NamedTuple):
    """Arguments of one run of pytest: which files or tests, and which names among them."""

    tests: tuple[str, ...]
    names: str = QUICK


@dataclass(frozen=True)
class Mutant:
    """One change: its name, which is also its diff, the module and that module's new source."""

    name: str
    group: str
    module: str
    source: str
    stages: tuple[Stage, ...]


def files(*names: str) -> tuple[str, ...]:
    """Those of the test files that exist, in this order."""
    paths = [f"tests/test_{name}.py" for name in names]
    return tuple(path for path in paths if (TREE / path).exists())


REST = (
    Stage(files("survivors", "edges", "contexts", "primitive", "functions", "value_object")),
    Stage(files("state_machine", "graph_properties", "graph", "engines_agree")),
    Stage(files("value", "higher"), f"({SLOW}) and not {TEXTUAL.split()[0]}"),
)
OF_VALUE = (Stage(files("value")), Stage(files("higher")), *REST)
OF_HIGHER = (Stage(files("higher")), Stage(files("value")), *REST)
OF_LISTS = (Stage(files("ops"), f"(sum or mean or dot or logsumexp) and {QUICK}"), *OF_VALUE)
OF_COMPILER = (
    Stage(files("transforms_agree", "transforms")),
    Stage(files("jit", "programs", "traces", "pytrees")),
)
OF_TESTING = (Stage(files("testing", "ladder", "checks", "differences")),)

#: The functions that are mutated, and the stages that their mutants meet.
SWEEP: list[tuple[str, str, tuple[Stage, ...]]] = [
    *(
        ("sweeps.py", function, OF_VALUE)
        for function in ("visit", "sweep", "receive", "sweep_list", "commit")
    ),
    *(
        ("value.py", function, OF_VALUE)
        for function in (
            *("record_unary", "record_binary", "record_list", "record_known", "settle"),
            *("compare", "held"),
        )
    ),
    *(
        ("higher.py", function, OF_HIGHER)
        for function in (
            *("sweep_on_values", "symbolic_partials", "refuse_stale", "split", "_accumulate"),
        )
    ),
    ("_interpreted.py", "set_gradients", OF_VALUE),
    ("kernels.py", "list_kernel", OF_LISTS),
    ("kernels.py", "largest", OF_LISTS),
]
COMPILER = [
    ("compiler/emitter.py", method, OF_COMPILER) for method in ("times", "reverse", "forward")
]
TESTING = [
    (f"testing/{module}.py", "", OF_TESTING)
    for module in ("checks", "differences", "ladder", "strategies")
]
#: Changes of the source that the kernels are written in: (what, by what).
TEMPLATES = [
    *[(" t = 0.0", " t = 1.0"), (": t = t + ", ": t = t - "), (": t = t + ", ": t = ")],
    *[("n = float(len(as_))", "n = float(len(as_) + 1)"), ("a, b in zip", "b, a in zip")],
    *[("'m = largest(as_)'", "'m = 0.0'"), ("largest(as_)", "as_[0]")],
    *[("need & 1 else", "need & 2 else"), ("need & 2 else", "need & 1 else")],
    *[("{da} if need & 1", "{da} if True"), ("{db} if need & 2", "{db} if True")],
    *[("return v, {da}", "return v, {db}"), ("{db} if need", "{da} if need")],
]
GROUPS = ["table", "sweep", "compiler", "testing"]
PARTIALS = {"scaled": "1.001*({})", "negated": "-({})", "zeroed": "0.0", "shifted": "{} + 1.0"}

OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    **{ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,)},
    **{ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)},
    **{ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt,), ast.Gt: (ast.GtE, ast.Lt)},
    **{ast.GtE: (ast.Gt,), ast.In: (ast.NotIn,), ast.FloorDiv: (ast.Mult,), ast.Pow: (ast.Mult,)},
}
NAMES: dict[str, tuple[str, ...]] = {
    **{"a": ("b",), "b": ("a",), "_a": ("_b",), "_b": ("_a",), "_db": ("_da",)},
    **{"_da": ("_db", "_grad"), "_grad": ("_da",), "opened": ("closed",), "closed": ("opened",)},
    **{"left": ("right",), "right": ("left",), "first": ("second",), "second": ("first",)},
    **{"partial": ("adjoint",), "data": ("partials",), "partials": ("data",), "m": ("t",)},
    **{"fresh": ("x",), "again": ("v",), "operands": ("lists",)},
}
WRAPPERS = {"reversed", "list", "tuple", "abs", "real", "float", "repr"}


# -- changes ---------------------------------------------------------------------------------------


def places(
    root: ast.AST, field: str = ""
) -> Iterator[tuple[ast.AST, str, Callable[[ast.AST], None]]]:
    """Every node below ``root`` that may be changed, its field, and how another is put there."""
    for name, child in ast.iter_fields(root):
        if name in ("annotation", "returns", "args") and not isinstance(child, list):
            continue
        puts: list[tuple[Any, Callable[[Any], None]]] = [(child, partial(setattr, root, name))]
        if isinstance(child, list):
            puts = [(node, partial(child.__setitem__, i)) for i, node in enumerate(child)]
        for node, put in puts:
            if isinstance(node, ast.AST) and not isinstance(node, ast.JoinedStr):
                yield node, name, put
                if not isinstance(node, ast.Raise):  # messages have tests of their own
                    yield from places(node, name)


def alternatives(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """What may stand in the place of ``node``."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if isinstance(node, ast.stmt) and not (text or isinstance(node, (ast.Pass, ast.Global))):
        yield ast.Pass()
    if isinstance(node, ast.With) and "nogil" not in ast.unparse(node.items[0]):
        yield ast.If(ast.Constant(True), node.body, [])
    elif isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value, lineno=0)
    elif isinstance(node, ast.Continue):
        yield ast.Break()
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield ast.Constant(node.value + 1)
        elif isinstance(node.value, float):
            small = node.value in (0.0, 1.0)
            yield ast.Constant(1.0 - node.value if small else 10 * node.value)
    elif isinstance(node, ast.Name):
        yield from (ast.Name(other, node.ctx) for other in NAMES.get(node.id, ()))
    elif isinstance(node, ast.Attribute):
        yield from (ast.Attribute(node.value, o, node.ctx) for o in NAMES.get(node.attr, ()))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in WRAPPERS and node.args:
            yield node.args[0]
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    yield from (other() for other in OPERATORS.get(type(node), ()))
    if field in ("test", "ifs"):
        yield ast.UnaryOp(ast.Not(), node)  # type: ignore[arg-type]  # an expression, by its field


def changed(root: ast.AST, light: bool = False) -> Iterator[tuple[str, ast.AST]]:
    """Every change below ``root`` as its diff, while ``root`` is changed."""
    before = ast.unparse(root).splitlines()
    seen = set()
    for node, field, put in list(places(root)):
        if light and isinstance(node, (ast.stmt, ast.Name, ast.Attribute)):
            continue
        for other in alternatives(node, field):
            put(other)
            after = ast.unparse(root).splitlines()
            put(node)
            if after != before and tuple(after) not in seen:
                seen.add(tuple(after))
                put(other)
                yield difference(before, after), root
                put(node)


def difference(before: list[str], after: list[str]) -> str:
    """The first line that differs, before and after."""
    k = next((k for k, (x, y) in enumerate(zip(before, after, strict=False)) if x != y), -1)
    return f"{before[k].strip()} -> {after[k].strip()}"


def of_table() -> Iterator[Mutant]:
    """Mutants of the rows of ``ops.py``."""
    tree = ast.parse((TREE / "autodiff" / "ops.py").read_text())
    table: Any = next(x for x in tree.body if ast.unparse(x).startswith("TABLE = "))
    for call in table.value.elts:
        row = ast.literal_eval(call.args[0])
        tests = ("value_and_partials_are_the_true_ones", "second_derivatives_are_the_true_ones")
        first = Stage(tuple(f"tests/test_ops.py::test_{test}[{row}]" for test in tests))
        stages = (first, Stage(files("ops", "survivors", "edges", "value", "higher")), REST[0])
        stages += (Stage(files("engines_agree"), "naive or numbers"),)

        def mutant(
            name: str, place: ast.Constant, text: str, stages: tuple[Stage, ...] = stages
        ) -> Mutant:
            place.value, before = text, place.value
            made = Mutant(name, "table", "ops.py", ast.unparse(tree), stages)
            place.value = before
            return made

        partials: Any = call.args[3]
        for i, place in enumerate(partials.elts):
            for how, formula in PARTIALS.items():
                if formula != place.value and (how, place.value) != ("scaled", "0.0"):
                    yield mutant(
                        f"{row}: partial {i}: {place.value} {how}",
                        place,
                        formula.format(place.value),
                    )
        folds = [keyword.value for keyword in call.keywords if keyword.arg == "fold"]
        for place in (call.args[2], *folds):
            assert isinstance(place, ast.Constant)
            for diff, root in changed(ast.parse(str(place.value), mode="eval")):
                yield mutant(f"{row}: {diff}", place, ast.unparse(root))


def of_functions(
    group: str, functions: Iterable[tuple[str, str, tuple[Stage, ...]]]
) -> Iterator[Mutant]:
    """Mutants of functions or methods, of which ``""`` is a whole module."""
    for module, function, stages in functions:
        tree = ast.parse((TREE / "autodiff" / module).read_text())
        root: ast.AST = tree
        if function:
            found = (x for x in ast.walk(tree) if isinstance(x, ast.FunctionDef))
            root = next(x for x in found if x.name == function)
        there = tuple(stage for stage in stages if stage.tests)
        for diff, _ in changed(root, light=group == "testing"):
            yield Mutant(f"{function or module}: {diff}", group, module, ast.unparse(tree), there)


def of_templates() -> Iterator[Mutant]:
    """Mutants of the source that the interpreted kernels are written in."""
    source = (TREE / "autodiff" / "kernels.py").read_text()
    for old, new in TEMPLATES:
        if old not in source:
            raise SystemExit(f"TEMPLATES is out of date: kernels.py has no {old!r}")
        made = source.replace(old, new)
        yield Mutant(f"kernels.py: {old} -> {new}", "sweep", "kernels.py", made, OF_LISTS)


def all_mutants() -> list[Mutant]:
    """All mutants of all groups; names that occur again are numbered."""
    found = [*of_table(), *of_functions("sweep", SWEEP), *of_templates()]
    found += [*of_functions("compiler", COMPILER), *of_functions("testing", TESTING)]
    count: Counter[str] = Counter()
    for k, mutant in enumerate(found):
        count[mutant.name] += 1
        if count[mutant.name] > 1:
            name = f"{mutant.name} ({count[mutant.name]})"
            found[k] = Mutant(name, mutant.group, mutant.module, mutant.source, mutant.stages)
    return found
