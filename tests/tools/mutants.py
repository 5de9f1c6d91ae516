"""The mutants that ``mutate.py`` runs: what is changed, how, and which tests should notice it.

* ``OWN``, ``tests_of`` -- which tests should kill the mutants of a module;
* ``places``, ``alternatives``, ``changed`` -- the ways in which a piece of code is changed;
* ``Unit``, ``all_units`` -- the pieces: a row of the table, a function, what else a module states;
* ``in_turn`` -- their mutants in an order that a seed decides.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

TREE = Path(__file__).resolve().parents[2]
GROUPS = ["table", "core", "export", "testing", "graph"]
LIGHT = {"testing", "graph"}  # of which no statements and names are changed

#: Functions without mutants: interpreted, the garbage collector looks at every node anyway.
IN_C = {"value.collectable", "engine.interpreted.track"}

#: What of the package stands on top of the core.
ON_TOP = {
    *("nn", "optim", "graph", "plot", "testing", "export", "checkpoints", "formulas", "__main__"),
}

# These look at the table's text, or break rows themselves: they would notice any change of a row.
TEXTUAL = ("caught", "documentation", "digest")
SLOW = ("deep", "threads", "memory", "doubling", "tridiagonal", "every_edge", "million")
QUICK_OF_ROWS = (*TEXTUAL, *SLOW)


class Stage(NamedTuple):
    """Some tests: which files or tests, and which words their names have or lack."""

    tests: tuple[str, ...]
    without: tuple[str, ...] = SLOW
    only: tuple[str, ...] = ()

    def takes(self, test: str) -> bool:
        """Whether one of these words is in a test's name, and none of those."""
        name = test.partition("::")[2]
        some = not self.only or any(word in name for word in self.only)
        return some and not any(word in name for word in self.without)


@dataclass(frozen=True)
class Mutant:
    """One change: its name, which is also its diff, the module, the function, by its name there and
    which of that name it is, the lines there of the statement that is changed, that module's new
    source, made when it is asked for, and the stages that it meets."""

    name: str
    module: str
    function: tuple[str, int]
    lines: range
    source: Callable[[], str]
    stages: tuple[Stage, ...]


# -- tests -----------------------------------------------------------------------------------------


def files(*names: str) -> tuple[str, ...]:
    """Those of the test files that exist, in this order."""
    paths = [f"tests/test_{name}.py" for name in names]
    return tuple(path for path in paths if (TREE / path).exists())


#: Tests that should kill the mutants of a module, the fastest first, if they are not those that
#: import it.
OWN = {
    "__init__": ("engine_choice", "architecture"),
    "choices": ("norm_and_clip", "where"),
    "engine.choice": ("engine_choice",),
    "engine.interpreted": (
        *("value", "survivors", "second_order", "optim", "engines_agree", "engine_choice"),
    ),
    "engine.anomalies": ("contexts", "second_order"),
    "arrays": ("survivors", "optim", "in_the_loop"),
    "engine.ckernels": ("engine_choice", "ops"),
    "compiler.interpreted": ("vectorize", "scan", "batch", "programs", "transforms_agree"),
    "compiler.batch": ("batch", "vmap", "mapped"),
    "compiler.decisions": ("decisions", "mapped", "guards", "jit"),
    "compiler.mapped": ("mapped",),
    "compiler.scan_derivatives": ("scan",),
    "compiler.scan_rules": ("scan",),
    "compiler.scan_simplify": ("scan",),
    "compiler.scanned": ("scan",),
    "compiler.scans": ("scan", "pickled_programs"),
    "compiler.stepper": ("scan",),
    "compiler.simplify": ("mapped", "programs"),
    "compiler.derivatives": ("mapped", "transforms_agree", "in_the_loop", "passes", "programs"),
    "compiler.emitter": ("passes", "transforms_agree", "programs"),
    "compiler.machine": ("traces", "jit", "programs", "transforms"),
    "compiler.loops": ("passes", "programs", "transforms_agree", "sparse"),
    "compiler.numbering": ("traces", "programs", "transforms_agree"),
    "compiler.passes": ("passes", "programs"),
    "compiler.program": ("validation", "passes", "pickled_programs", "mapped", "programs"),
    "compiler.rules": ("programs", "transforms_agree"),
    "compiler.sparsity": ("sparse", "mapped"),
    "compiler.trace": ("traces", "decisions", "mapped", "programs", "sparse"),
    "compiler.sums": ("passes", "vectorize", "programs"),
    "compiler.vectorize": ("vectorize",),
    "compiler.lanes": ("vectorize",),
    "compiler.scatter": ("vectorize",),
    "compiler.writing": ("passes", "pickled_programs", "programs"),
    "contexts": ("contexts", "second_order", "survivors"),
    "engine.expressions": ("engine_choice", "ops", "engines_agree"),
    "export.python_buffer": ("export_python",),
    "export.python_definitions": ("export_python",),
    "export.python_file": ("export_python",),
    "export.latex": ("export_latex",),
    "export.python_structures": ("export_python",),
    "export.latex_trees": ("export_latex",),
    "functions": ("functions", "where", "traces", "edges", "pytrees", "ops"),
    "interpolation": ("interp",),
    "linalg.elimination": ("linalg",),
    "linalg.factors": ("linalg",),
    "linalg.matrices": ("linalg",),
    "lists": ("survivors", "functions", "value", "in_the_loop"),
    "engine.instructions": ("survivors", "programs", "functions", "in_the_loop"),
    "second_order": (
        *("second_order", "where", "value", "traces", "engines_agree", "in_the_loop"),
    ),
    "engine.ieee": ("engine_choice", "edges", "ops", "engines_agree"),
    "engine.kernels": ("survivors", "edges", "ops", "engines_agree"),
    "engine.modes": ("contexts", "traces", "value", "second_order"),
    "ops": ("primitive", "edges", "ops"),
    "engine.pickling": ("pickled_functions", "methods"),
    "engine.reals": ("value_object", "value", "primitive", "functions"),
    "engine.traces": ("traces", "survivors", "functions", "value_object", "jit"),
    "evaluation": ("traces", "where", "primitive", "second_order", "ops"),
    "primitive": ("primitive", "pickled_functions"),
    "sweeps": ("value", "survivors", "traces", "contexts", "second_order", "in_the_loop"),
    "transforms.api": ("pytrees", "transforms"),
    "transforms.calls": ("in_the_loop",),
    "transforms.scan": ("scan",),
    "transforms.results": ("pytrees", "transforms", "in_the_loop", "guards"),
    "transforms.vmap": ("vmap", "mapped"),
    "transforms.cache": ("in_the_loop", "jit", "methods", "guards", "vmap", "mapped"),
    "transforms.lowered": ("pickled_functions", "programs", "methods", "traces", "transforms"),
    "transforms.pytrees": ("pytrees", "guards"),
    "transforms.transform": ("pytrees", "methods", "traces", "guards", "transforms"),
    "value": ("value", "value_object", "traces", "survivors", "pytrees", "guards", "second_order"),
    "engine.lock": ("survivors", "value", "graph"),
}
EAGER = (
    Stage(
        files("value", "second_order", "survivors", "edges", "contexts", "value_object", "traces")
    ),
    Stage(files("primitive", "functions", "graph", "engines_agree", "state_machine")),
    Stage(files("pytrees", "guards", "jit", "transforms")),
    Stage(files("value", "second_order", "survivors", "contexts"), (), SLOW),
)
COMPILED = (
    Stage(files("pytrees", "traces", "passes", "decisions", "jit", "programs")),
    Stage(files("guards", "methods", "transforms", "transforms_agree", "sparse")),
)
#: The modules to which the second of these applies, with all that is in them.
TRACED = {"compiler", "traces", "transforms"}
OF_TESTING = (
    Stage(files("differences", "ladder")),
    Stage(files("checks", "testing")),
)


#: No test in a browser: it wants more memory than a mutant may use.
OF_GRAPH = (
    Stage(files("fold", "graph")),
    Stage(
        files("explore"),
        SLOW,
        ("given", "recorded", "tuple", "groups", "finite", "written", "refused"),
    ),
)


@cache
def imported_by(path: Path) -> set[str]:
    """Everything that a test file imports from the package at its top, with dots."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def tests_of(module: str) -> tuple[Stage, ...]:
    """The stages that the mutants of a module of the core meet: its own tests, then others'."""
    name = f"autodiff.{module}".removesuffix(".__init__")
    there = set((TREE / "tests").glob("test_*.py"))
    if not module.startswith("export."):
        there -= set((TREE / "tests").glob("test_export_*.py"))  # which import much
    smallest = sorted(there, key=lambda path: path.stat().st_size)
    importing = [f"tests/{path.name}" for path in smallest if name in imported_by(path)]
    own = files(*OWN[module]) if module in OWN else tuple(importing)
    doctest = f"tests/test_doctests.py::test_examples_print_what_they_say[{name}]"
    first = Stage((doctest, *(test for test in own if test != "tests/test_doctests.py")))
    if module.startswith("export."):
        return (first,)
    behind = COMPILED if TRACED & set(module.split(".")) else EAGER
    rest = (
        stage._replace(tests=tuple(t for t in stage.tests if stage.only or t not in first.tests))
        for stage in behind
    )
    return (first, *(stage for stage in rest if stage.tests))


#: Changes of the source that the kernels are written in: (what, by what).
TEMPLATES = [
    *[("(len(as_)), 0.0", "(len(as_)), 1.0"), ("t = t + {for", "t = t - {for")],
    *[("t = t + {for", "t = {for"), ("float(len(as_))", "float(len(as_) + 1)")],
    *[("a, b in zip", "b, a in zip"), ("= {name}(as_)", "= 0.0"), ("{name}(as_)", "as_[0]")],
    *[("need & 1 else", "need & 2 else"), ("need & 2 else", "need & 1 else")],
    *[("{da} if need & 1", "{da} if True"), ("{db} if need & 2", "{db} if True")],
    *[("return v, {da}", "return v, {db}"), ("{db} if need", "{da} if need")],
]
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


def passed_over(node: ast.AST) -> bool:
    """Whether no change of ``node`` could be told: in what only a compiler or a checker reads, in
    an assertion, or in what is one, as ``strict=True``; or whether any could, as of an import."""
    if isinstance(node, ast.If):
        test = ast.unparse(node.test)
        return "TYPE_CHECKING" in test or "cython.compiled" in test
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    if isinstance(node, ast.Raise):
        return node.exc is not None and ast.unparse(node.exc) == "NotImplementedError"
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    return isinstance(node, (ast.Import, ast.ImportFrom, ast.Assert, ast.JoinedStr))


def places(
    root: ast.AST, field: str = ""
) -> Iterator[tuple[ast.AST, str, Callable[[ast.AST], None]]]:
    """Every node below ``root`` that may be changed, its field, and how another is put there."""
    for name, child in ast.iter_fields(root):
        if name in ("annotation", "returns", "decorator_list") or isinstance(child, ast.arguments):
            continue
        puts: list[tuple[Any, Callable[[Any], None]]] = [(child, partial(setattr, root, name))]
        if isinstance(child, list):
            puts = [(node, partial(child.__setitem__, i)) for i, node in enumerate(child)]
        for node, put in puts:
            if isinstance(node, ast.AST) and not passed_over(node):
                yield node, name, put
                if not isinstance(node, ast.Raise):  # messages have tests of their own
                    yield from places(node, name)


def alternatives(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """What may stand in the place of ``node``."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    nothing = text or isinstance(node, (ast.Pass, ast.Global, ast.Nonlocal))
    if isinstance(node, ast.stmt) and not nothing:
        yield ast.Pass()
    if isinstance(node, ast.With) and ast.unparse(node.items[0]) != "cython.nogil":  # of C
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


class Change(NamedTuple):
    """A change of a piece of code: its first line that differs, before and after; the lines of the
    statement; how to make it, and how to undo it."""

    difference: str
    lines: range
    make: Callable[[], None]
    undo: Callable[[], None]


def changes(root: ast.AST, light: bool) -> Iterator[Change]:
    """Every change below ``root``; of no statements and names, if ``light``."""
    before = ast.unparse(root).splitlines()
    seen = set()
    lines = lines_of(root)
    for node, field, put in list(places(root)):
        if light and isinstance(node, (ast.stmt, ast.Name, ast.Attribute)):
            continue
        for other in alternatives(node, field):
            put(other)
            after = ast.unparse(root).splitlines()
            put(node)
            if after != before and tuple(after) not in seen:
                seen.add(tuple(after))
                name = difference(before, after)
                yield Change(name, lines[node], partial(put, other), partial(put, node))


def lines_of(root: ast.AST) -> dict[ast.AST, range]:
    """The lines of the statement that each node belongs to; of one with a body, those before it."""
    found = {}
    pending = [(root, range(0))]
    while pending:
        node, lines = pending.pop()
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno or 0
            lines = range(node.lineno, max(node.lineno, last) + 1)
        found[node] = lines
        pending += [(child, lines) for child in ast.iter_child_nodes(node)]
    return found


def difference(before: list[str], after: list[str]) -> str:
    """The first line that differs, before and after; of a long one, what is near the difference."""
    k = next((k for k, (x, y) in enumerate(zip(before, after, strict=False)) if x != y), -1)
    old, new = before[k].strip(), after[k].strip()
    if max(len(old), len(new)) > 100:
        start = shared(old, new)
        end = shared(old[start:][::-1], new[start:][::-1])
        near = [line[max(0, start - 40) : len(line) - max(0, end - 40)] for line in (old, new)]
        old, new = (line if len(line) < 150 else f"{line[:100]} ..." for line in near)
    return f"{old} -> {new}"


def shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))])


# -- units -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unit:
    """A piece of a module that is changed in one place at a time.

    ``changes`` has what its mutants are called, their lines, and what gives the new source.
    """

    name: str
    group: str
    module: str
    stages: tuple[Stage, ...]
    changes: Callable[[], Iterable[tuple[str, range, Callable[[], str]]]]
    function: tuple[str, int] = ("", 0)  # its name in the module, and which of that name it is

    def files(self) -> set[str]:
        """The files of the tests that they meet."""
        return {test.partition("::")[0] for stage in self.stages for test in stage.tests}

    def mutants(self) -> list[Mutant]:
        """All of them; names that occur again are numbered."""
        count: Counter[str] = Counter()
        found = []
        for difference, lines, source in self.changes():
            name = f"{self.name}: {difference}"
            count[name] += 1
            name += f" ({count[name]})" if count[name] > 1 else ""
            found.append(Mutant(name, self.module, self.function, lines, source, self.stages))
        return found


def source_of(tree: ast.AST, change: Change) -> str:
    """What a module reads with a change in it."""
    change.make()
    source = ast.unparse(tree)
    change.undo()
    return source


def units_of_table() -> Iterator[Unit]:
    """The rows of ``ops.py``."""
    tree = ast.parse((TREE / "autodiff" / "ops.py").read_text())
    table: Any = next(x for x in tree.body if ast.unparse(x).startswith("TABLE = "))
    for call in table.value.elts:
        row = ast.literal_eval(call.args[0])
        tests = ("value_and_partials_are_the_true_ones", "second_derivatives_are_the_true_ones")
        first = Stage(tuple(f"tests/test_ops.py::test_{test}[{row}]" for test in tests))
        stages = (
            first,
            Stage(files("ops", "survivors", "edges", "value", "second_order"), QUICK_OF_ROWS),
            Stage(files("contexts", "primitive", "functions", "value_object"), QUICK_OF_ROWS),
            Stage(files("engines_agree"), SLOW, ("naive", "numbers")),
        )
        yield Unit(row, "table", "ops.py", stages, partial(changes_of_row, tree, call))


def changes_of_row(tree: ast.AST, call: ast.Call) -> Iterator[tuple[str, range, Callable[[], str]]]:
    """Changes of a row's partials, and of its value and fold."""

    def change(difference: str, place: Any, text: str) -> tuple[str, range, Callable[[], str]]:
        write = partial(setattr, place, "value")
        made = Change(difference, range(0), partial(write, text), partial(write, place.value))
        return difference, made.lines, partial(source_of, tree, made)

    partials: Any = call.args[3]
    for i, place in enumerate(partials.elts):
        for how, formula in PARTIALS.items():
            if formula != place.value and (how, place.value) != ("scaled", "0.0"):
                text = formula.format(place.value)
                yield change(f"partial {i}: {place.value} {how}", place, text)
    folds = [keyword.value for keyword in call.keywords if keyword.arg == "fold"]
    for place in (call.args[2], *folds):
        assert isinstance(place, ast.Constant)
        expression = ast.parse(str(place.value), mode="eval")
        for made in changes(expression, light=False):
            yield change(made.difference, place, source_of(expression, made))


def units_of_module(path: Path, group: str) -> Iterator[Unit]:
    """The functions and methods of a module, each by itself, and what else the module states."""
    module = path.relative_to(TREE / "autodiff").as_posix()
    name = module.removesuffix(".py").replace("/", ".")
    stages = {"testing": OF_TESTING, "graph": OF_GRAPH}.get(group) or tests_of(name)
    tree = ast.parse(path.read_text())
    rest: list[ast.AST] = []

    def unit(
        name: str, roots: list[ast.AST], light: bool, function: tuple[str, int] = ("", 0)
    ) -> Unit:
        def of_roots() -> Iterator[tuple[str, range, Callable[[], str]]]:
            for root in roots:
                for change in changes(root, light):
                    yield change.difference, change.lines, partial(source_of, tree, change)

        return Unit(name, group, module, stages, of_roots, function)

    count: Counter[str] = Counter()  # of a property's functions, which have one name
    pending: deque[tuple[str, ast.stmt]] = deque((name, node) for node in tree.body)
    while pending:
        outer, node = pending.popleft()
        if isinstance(node, ast.ClassDef):
            pending.extendleft((f"{outer}.{node.name}", x) for x in reversed(node.body))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = f"{outer}.{node.name}"
            if function in IN_C:
                continue
            count[function] += 1
            number = f" ({count[function]})" if count[function] > 1 else ""
            place = function.removeprefix(f"{name}."), count[function] - 1
            yield unit(function + number, [node], group in LIGHT, place)
        elif not (passed_over(node) or ast.unparse(node).startswith(("TABLE =", "__all__ ="))):
            rest.append(node)
    yield unit(name, rest, light=True)


def unit_of_templates() -> Unit:
    """The source that the interpreted kernels are written in."""
    source = (TREE / "autodiff" / "engine" / "kernels.py").read_text()
    for old, _ in TEMPLATES:
        if old not in source:
            raise SystemExit(f"TEMPLATES is out of date: kernels.py has no {old!r}")
    changes = [
        (f"{old} -> {new}", range(0), partial(source.replace, old, new)) for old, new in TEMPLATES
    ]
    stages = (
        Stage(files("ops"), QUICK_OF_ROWS, ("sum", "mean", "dot", "logsumexp")),
        *EAGER,
    )
    return Unit("engine.kernels.templates", "core", "engine/kernels.py", stages, lambda: changes)


def modules(group: str) -> list[Path]:
    """The modules of the core, or those of a package on top of it."""
    package = TREE / "autodiff"
    found = []
    for path in sorted(package.rglob("*.py")):
        first = path.relative_to(package).parts[0].removesuffix(".py")
        if (first if first in ON_TOP else "core") == group:
            found.append(path)
    return found


def all_units() -> list[Unit]:
    """Everything that is changed, of all groups."""
    units = [*units_of_table(), unit_of_templates()]
    for group in GROUPS[1:]:
        units += [unit for path in modules(group) for unit in units_of_module(path, group)]
    return units


def in_turn(units: Iterable[Unit], seed: int) -> Iterator[Mutant]:
    """One mutant of every unit, then another of every unit, and so on.

    Which comes when rests on the seed and on its name, so a change somewhere in the package moves
    none of the mutants of another function.
    """

    def rank(it: Unit | Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {it.name}".encode()).digest()

    def of_unit(unit: Unit) -> Iterator[Mutant]:
        yield from sorted(unit.mutants(), key=rank)

    turns = deque(of_unit(unit) for unit in sorted(units, key=rank))
    while turns:
        turn = turns.popleft()
        if mutant := next(turn, None):
            turns.append(turn)
            yield mutant
