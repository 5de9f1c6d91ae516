"""Programs as modules for JAX.

``to_jax`` writes Python source that imports JAX, and nothing of this library.  In it the pieces of
``arrays`` are JAX's arrays; of every primitive that a program uses there is one line with its value
and its partial derivatives (``jax_primitives``).
"""

from __future__ import annotations

import keyword
from itertools import pairwise
from typing import Any

import numpy as np

from autodiff.compiler.program import Body, Floats, Integers, Mapped, Program
from autodiff.compiler.scans import Pullback, Scan
from autodiff.compiler.sparsity import Pattern
from autodiff.engine.reals import describe
from autodiff.export.arrays import shape_of, written
from autodiff.export.jax_primitives import OPERATORS, definitions
from autodiff.export.listing import Exported, exported
from autodiff.export.python_structures import literal
from autodiff.ops import Row
from autodiff.transforms.pytrees import Leaf, Mapping, Node, Static, size

_HEAD = '''\
"""{name}, written by autodiff for JAX.

It computes in float64: call ``jax.config.update("jax_enable_x64", True)`` first.{guards}
"""

import jax
import jax.numpy as jnp
import numpy as np
'''
_GUARDS = """

It is right where comparisons come out as they did when it was traced, and otherwise nan, as are
its derivatives:
"""

#: What arguments are checked with, and what runs lanes and steps.
_SUPPORT = {
    "leaf": '''\
def _leaf(x, shape, name):
    """The numbers of an argument, in an array of one axis."""
    if jnp.result_type(float) != jnp.float64:
        raise RuntimeError('float64 is needed: jax.config.update("jax_enable_x64", True)')
    x = jnp.asarray(x, jnp.float64)
    if x.shape != shape:
        raise ValueError(f"{name} has shape {x.shape}, expected is {shape}")
    return x.ravel()
''',
    "same": '''\
def _same(x, expected, name):
    """Refuse a part of an argument that is fixed, and another one."""
    if x != expected:
        raise ValueError(f"{name} is {x!r}, expected is {expected!r}")
''',
    "first": '''\
def _first(ways, *given):
    """What the first of the ways gives that is right, and whether there is one."""
    found, right = jnp.nan, jnp.array(False)
    for way in ways:
        mine = way(*given)[1] & ~right
        held = [jnp.where(mine, x, jax.lax.stop_gradient(x)) for x in given]
        found = jnp.where(mine, way(*held)[0], found)
        right = right | mine
    return found, right
''',
    "vmap": '''\
def _vmap(ways, sums, own, shared):
    """The results of all lanes, their sums, and whether all are right."""
    found, right = jax.vmap(lambda x: _first(ways, x, shared))(own)
    results = found.shape[1] - sums
    return found[:, :results].ravel(), jnp.sum(found[:, results:], axis=0), jnp.all(right)
''',
    "scan": '''\
def _scan(runs, carry, own, shared):
    """The last carry, the results of all steps, and whether all are right."""
    n, first, results, rights = carry.size, 0, [], []
    for steps, ways in runs:

        def step(carry, own):
            found, right = _first(ways, carry, own, shared)
            return found[:n], (found[n:], right)

        carry, (result, right) = jax.lax.scan(step, carry, own[first : first + steps])
        results.append(result.ravel())
        rights.append(right)
        first += steps
    return carry, jnp.concatenate(results), jnp.all(jnp.concatenate(rights))
''',
    "pullback": '''\
def _pullback(runs, size, carry, own, shared, back, given):
    """The adjoints of the carry, of each step's own, of what is shared; whether all are right."""
    n, m, first, done, rights = carry.size, back.size, 0, [], []
    none = jnp.zeros_like(back), jnp.zeros(given.shape[1:])
    for steps, ways in runs:

        def advance(carry, own):
            found, right = _first(ways, carry, own, shared, *none)
            return found[:n], (carry, right)

        here = slice(first, first + steps)
        carry, (carries, right) = jax.lax.scan(advance, carry, own[here])
        done.append((ways, (carries, own[here], given[here])))
        rights.append(right)
        first += steps
    of_own, of_shared = [], 0.0
    for ways, numbers in reversed(done):

        def retreat(back, numbers):
            carry, own, given = numbers
            found, _ = _first(ways, carry, own, shared, back, given)
            return found[n : n + m], (found[n + m : n + m + size], found[n + m + size :])

        back, (mine, more) = jax.lax.scan(retreat, back, numbers, reverse=True)
        of_own.insert(0, mine.ravel())
        of_shared = of_shared + jnp.sum(more, axis=0)
    right = jnp.all(jnp.concatenate(rights))
    return back, jnp.concatenate(of_own), of_shared, right
''',
}


def to_jax(f: Any, *args: Any, name: str = "f") -> str:
    """A program as the source of a Python module for JAX.

    The module defines a function of the arguments that ``f`` has, arrays of JAX or what becomes
    one; a list of numbers may be an array too.  It gives what ``f`` gives, in the same structure.
    JAX can ``jit``, ``vmap`` and differentiate it, to any order, and run it on any of its devices.
    Its derivatives are those of this library, at ties, kinks and edges too.

    What ``f`` reads from outside, parameters say, is written into the module.  Where a comparison
    comes out otherwise than when ``f`` was traced, or ``take`` reads beyond its list, all results
    are nan, since a compiled function of JAX cannot raise.

    Args:
        f: what ``lower`` gave; or a jitted or transformed function, with example arguments.
        args: these arguments.
        name: what the function is called in the module.

    Returns:
        The source, which imports JAX and NumPy only.

    Raises:
        TypeError: if ``f`` is no such function, or has what cannot be written: a primitive that was
            added at run time, a sparse matrix as result, or keys that are no literals.
        ValueError: if ``name`` cannot be the name of a function.

    >>> from autodiff import export, jit, tanh
    >>> text = export.to_jax(jit(lambda w, x: tanh(w * x)), 2.0, 3.0, name="neuron")
    >>> print(text[text.index("def neuron"):])
    def neuron(w, x):
        r0 = _f(_leaf(w, (), "w"), _leaf(x, (), "x"))
        return r0[0]
    <BLANKLINE>
    """
    taken = ("jax", "jnp", "np", "collections")
    if not name.isidentifier() or keyword.iskeyword(name) or name in taken or name[0] == "_":
        raise ValueError(
            f"name must be one for a function, not begin with _ and not be {', '.join(taken)}; "
            f"it is {describe(name)}"
        )
    found = exported(f, *args)
    if isinstance(found.result, Pattern):
        raise TypeError(f"{found.name} gives a sparse matrix, which JAX has not: use sparse=False")
    module = _Module()
    signature, leaves, checks = _arguments(found, module)
    inputs = [(f"x{i}", n) for i, (_, n) in enumerate(leaves)]
    tree, sizes = _result(found, module)
    body = module.function("_f", found.program, inputs, sizes)
    call = f"_f({', '.join(text for text, _ in leaves)})"
    names = ", ".join(f"r{i}" for i in range(len(sizes)))
    result = [f"{names} = {call}"] if names else []
    lines = [f"def {name}({signature}):"]
    lines += [f"    {line}" for line in [*checks, *result, f"return {tree}"]]
    guards = "".join(f"    {_in_text(x)}\n" for x in _sources(found.program))
    head = _HEAD.format(name=_in_text(found.name), guards=guards and _GUARDS + guards.rstrip())
    parts = [head, *module.parts(), body, "\n".join(lines)]
    return "\n\n".join(part.strip("\n") + "\n" for part in parts if part)


def _in_text(words: str) -> str:
    """Words as they may stand in a documentation string."""
    return repr(words)[1:-1].replace('"', "'")


def _sources(p: Program) -> list[str]:
    """The lines whose comparisons a program rests on, those in its vmaps too."""
    inner = [source for body in p.bodies for q in body.programs for source in _sources(q)]
    return [*dict.fromkeys([*p.sources, *inner])]


# -- arguments and results -------------------------------------------------------------------------


def _arguments(found: Exported, module: _Module) -> tuple[str, list[tuple[str, int]], list[str]]:
    """The signature; for every array of inputs its source and size; what is checked first."""
    parameters: list[str] = []
    leaves: list[tuple[str, int]] = []
    checks: list[str] = []
    for name, structure in found.arguments:
        parameter = name if name.isidentifier() else f"*{name.split('[')[0]}"
        if parameter in ("_f", "_leaf", "_same", "len", "set"):
            raise TypeError(f"an argument of {found.name} is called {name}, which is taken")
        if parameter not in parameters:
            parameters.append(parameter)
        _take_apart(structure, name, module, leaves, checks)
    rest = [name for name, _ in found.arguments if not name.isidentifier()]
    if rest:
        checks.insert(0, module.same(f"len({rest[0].split('[')[0]})", str(len(rest))))
    return ", ".join(parameters), leaves, checks


def _take_apart(
    structure: Any, text: str, module: _Module, leaves: list[tuple[str, int]], checks: list[str]
) -> None:
    """The arrays in an argument, or in a part of it; ``text`` is its source."""
    shape = shape_of(structure)
    if shape is not None:
        module.support.add("leaf")
        leaves.append((f"_leaf({text}, {shape}, {_quoted(text)})", size(structure)))
    elif isinstance(structure, Static):
        checks.append(module.same(text, literal(structure.value, text)))
    elif isinstance(structure, Mapping):
        keys = [literal(key, f"a key of {text}") for key in structure.kind]
        checks.append(module.same(f"set({text})", f"{{{', '.join(keys)}}}" if keys else "set()"))
        for key, part in zip(keys, structure.parts, strict=True):
            _take_apart(part, f"{text}[{key}]", module, leaves, checks)
    else:
        checks.append(module.same(f"len({text})", str(len(structure.parts))))
        for i, part in enumerate(structure.parts):
            _take_apart(part, f"{text}[{i}]", module, leaves, checks)


def _quoted(text: str) -> str:
    return f'"{text}"' if text.isidentifier() else repr(text)


def _result(found: Exported, module: _Module) -> tuple[str, list[int]]:
    """Source that arranges arrays of outputs, ``r0, r1 ...``; and their sizes."""
    sizes: list[int] = []

    def arranged(structure: Any) -> str:
        if isinstance(structure, Static):
            return literal(structure.value, f"a part of the result of {found.name}")
        if isinstance(structure, Leaf):
            sizes.append(size(structure))
            name = f"r{len(sizes) - 1}"
            if structure.shape is None:
                return f"{name}[0]"
            return name if len(structure.shape) == 1 else f"{name}.reshape({structure.shape})"
        if isinstance(structure, Mapping):
            keys = [literal(key, f"a key of the result of {found.name}") for key in structure.kind]
            pairs = zip(keys, map(arranged, structure.parts), strict=True)
            return f"{{{', '.join(f'{key}: {part}' for key, part in pairs)}}}"
        assert isinstance(structure, Node)
        if len(structure.parts) > 1 and set(structure.parts) == {Leaf(None)}:
            sizes.append(len(structure.parts))
            parts = f"*r{len(sizes) - 1}"
        else:
            parts = ", ".join(map(arranged, structure.parts))
        if structure.kind is list:
            return f"[{parts}]"
        if hasattr(structure.kind, "_fields"):
            return f"{module.named_tuple(structure.kind)}({parts})"
        return f"({parts},)" if parts else "()"

    return arranged(found.result), sizes


# -- programs --------------------------------------------------------------------------------------


class _Module:
    """What a module needs besides its functions.

    Attributes:
        primitives: the names of the primitives that are used.
        support: likewise, of what ``_SUPPORT`` has.
    """

    def __init__(self) -> None:
        self.primitives: set[str] = set()
        self.support: set[str] = set()
        self._arrays: dict[str, str] = {}
        self._tuples: dict[Any, str] = {}
        self._functions: list[str] = []

    def parts(self) -> list[str]:
        """The source of all this."""
        tuples = [
            f"{name} = collections.namedtuple({kind.__name__!r}, {[*kind._fields]!r})"
            for kind, name in self._tuples.items()
        ]
        arrays = [f"{name} = {text}" for text, name in self._arrays.items()]
        return [
            *[text for name, text in _SUPPORT.items() if name in self.support],
            definitions(self.primitives),
            "\n".join(["import collections\n", *tuples] if tuples else []),
            "\n".join(arrays),
            *self._functions,
        ]

    def same(self, text: str, expected: str) -> str:
        """A line that checks what part of an argument must be."""
        self.support.add("same")
        return f"_same({text}, {expected}, {_quoted(text)})"

    def array(self, text: str) -> str:
        """The name of an array of numbers or places, by its source."""
        return self._arrays.setdefault(text, f"_A{len(self._arrays)}")

    def named_tuple(self, kind: Any) -> str:
        """The name of a type of named tuples."""
        return self._tuples.setdefault(kind, f"_T{len(self._tuples)}")

    def ways(self, programs: tuple[Program, ...], inputs: list[tuple[str, int]]) -> str:
        """Source of the list of functions that do one lane or step."""
        names = []
        for p in programs:
            text = self.function("{}", p, inputs, None)  # those that it calls come before it
            names.append(f"_turn{len(self._functions)}")
            self._functions.append(text.replace("{}", names[-1], 1))
        return f"[{', '.join(names)}]"

    def function(
        self, name: str, p: Program, inputs: list[tuple[str, int]], sizes: list[int] | None
    ) -> str:
        """Source of a function that computes what a program does.

        Args:
            name: what it is called.
            p: the program.
            inputs: the names and sizes of its arguments.
            sizes: into arrays of which sizes its outputs are divided, nan if a guard fails; or
                None: it returns them in one, and whether it is right.
        """
        body = _Function(self)
        pieces = written(p, inputs, body)
        lines = body.lines
        right = "right"
        if body.guarded:
            lines.insert(0, "right = jnp.array(True)")
        else:
            right = "jnp.array(True)"
        if sizes is None:
            lines.append(f"return {pieces.read(pieces.outputs)}, {right}")
        else:
            ends = np.cumsum([0, *sizes]).tolist()
            bounds = pairwise(ends)
            found = [pieces.read(pieces.outputs[first:end]) for first, end in bounds]
            if body.guarded:
                lines.append("right = jnp.where(right, 1.0, jnp.nan)")
                found = [f"{x} * right" for x in found]
            lines.append(f"return {', '.join(found) or 'None'}")
        arguments = ", ".join(x for x, _ in inputs)
        return "\n".join([f"def {name}({arguments}):", *[f"    {line}" for line in lines]]) + "\n"


class _Function:
    """The lines of a function: an assignment for every operation.

    Attributes:
        lines: these.
        guarded: whether ``right``, says if the numbers are those of the function.
    """

    def __init__(self, module: _Module) -> None:
        self.lines: list[str] = []
        self.guarded = False
        self._module = module

    def _new(self, text: str) -> str:
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return name

    def _require(self, text: str) -> None:
        self.guarded = True
        self.lines.append(f"right = right & {text}")

    def constant(self, numbers: Floats) -> str:
        if numbers.size and (numbers == numbers.flat[0]).all() and numbers.any():
            return self._module.array(f"np.full({numbers.shape}, {_number(numbers.flat[0])})")
        return self._module.array(_array(numbers))

    def sliced(self, x: str, start: int, stop: int, step: int) -> str:
        return self._new(f"{x}[{start}:{stop}{f':{step}' if step > 1 else ''}]")

    def joined(self, xs: list[str]) -> str:
        return self._new(f"jnp.concatenate([{', '.join(xs)}])")

    def gathered(self, x: str, places: Integers) -> str:
        return self._new(f"{x}[{self._module.array(_array(places))}]")

    def reshaped(self, x: str, shape: tuple[int, ...]) -> str:
        return self._new(f"{x}.reshape({shape})")

    def transposed(self, x: str, axes: list[int]) -> str:
        return self._new(f"{x}.transpose({axes})")

    def applied(self, row: Row, xs: list[str]) -> str:
        if row.name in OPERATORS:
            return self._new(OPERATORS[row.name].format(*xs))
        self._module.primitives.add(row.name)
        return self._new(f"_{row.name}({', '.join(xs)})")

    def folded(self, row: Row, xs: list[str]) -> str:
        return self._new(f"{self.applied(row, xs)}.ravel()")

    def summed(self, x: str) -> str:
        return self._new(f"jnp.sum({x}, axis=-1)")

    def multiplied(self, x: str, y: str) -> str:
        return self._new(f"{x} @ {y}")

    def taken(self, xs: str, i: str, count: int) -> str:
        place = self._new(f"jnp.clip({i}, 0, {count - 1})")
        self.require(i, f"jnp.floor({place})")
        index = f"jnp.nan_to_num({place}).astype(int)"
        return self._new(f"jnp.take_along_axis({xs}, {index}, axis=-1).ravel()")

    def require(self, x: str, wanted: str) -> None:
        self._require(f"jnp.all({x} == {wanted})")

    def called(self, body: Body, operands: list[str], asked: bool) -> list[str]:
        module = self._module
        module.support |= {"first", body.word}
        if isinstance(body, Mapped):
            inputs = [("own", body.own), ("shared", body.shared)]
            given = [module.ways(body.ways, inputs), str(body.sums)]
        else:
            assert isinstance(body, (Scan, Pullback))
            scan = body.scan if isinstance(body, Pullback) else body
            inputs = [("carry", scan.carry), ("own", scan.own), ("shared", scan.shared)]
            if isinstance(body, Pullback):
                inputs += [("back", len(body.back)), ("given", len(body.given))]
            runs = [f"({run.steps}, {module.ways(run.ways, inputs)})" for run in body.runs]
            given = [f"[{', '.join(runs)}]"]
            given += [str(len(body.by_own))] if isinstance(body, Pullback) else []
        k, count = len(self.lines), 4 if isinstance(body, Pullback) else 3
        names = [f"v{k}_{i}" for i in range(count)]
        arguments = ", ".join([*given, *operands])
        self.lines.append(f"{', '.join(names)} = _{body.word}({arguments})")
        if not asked:
            self._require(names[-1])
        return [*names[:-1], f"(1.0 * {names[-1]}).ravel()"]


def _number(x: Any) -> str:
    """A number in source."""
    text = repr(float(x))
    return text if text[-1] not in "fn" else f"np.{text}" if text[0] != "-" else f"-np.{text[1:]}"


def _array(numbers: Any) -> str:
    """Source of an array."""
    floats = numbers.dtype.kind == "f"
    flat = [*map(_number, numbers.ravel())] if floats else [*map(str, numbers.ravel().tolist())]
    if not flat:
        return f"np.zeros({numbers.shape})"
    rows = [", ".join(flat[i : i + 8]) for i in range(0, len(flat), 8)]
    text = rows[0] if len(rows) == 1 else "\n    " + ",\n    ".join(rows) + ",\n"
    return f"np.array([{text}])" + (f".reshape({numbers.shape})" if numbers.ndim > 1 else "")
