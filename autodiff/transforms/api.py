"""Differentiate any function of numbers: transforms from a function to another.

* ``grad``, ``value_and_grad`` -- of a function that returns one number, by reverse mode;
* ``jacobian``, ``hessian`` -- all first or second derivatives, dense or sparse;
* ``jvp``, ``vjp``, ``hvp`` -- derivatives in a direction, by forward and by reverse mode;
* ``derivative`` -- the n-th derivative of a function of one number.

Each runs the function at every call, on Values in place of the numbers of the arguments that it is
differentiated by, and keeps nothing: whatever the function reads, it reads anew.  ``jit`` of the
result keeps a program.

Results are floats and float64 arrays in the structure of the function's result or argument.  They
are Values, connected to what they depend on, where the arguments are, or where the function closes
over Values (but for ``no_grad()``), so transforms of transforms are right to any order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar, overload

import numpy as np

from autodiff.compiler import derivatives
from autodiff.compiler.program import Program
from autodiff.compiler.simplify import simplified
from autodiff.compiler.sparsity import sparse_jacobian
from autodiff.compiler.trace import Run, captures, outputs_of, replay, traced
from autodiff.engine.modes import MODE
from autodiff.engine.reals import describe
from autodiff.transforms.pytrees import (
    NUMBER,
    Leaf,
    as_floats,
    difference,
    flat,
    listed,
    map_leaves,
    size,
    tree_flatten,
    tree_unflatten,
)
from autodiff.transforms.pytrees import Sequence as Tuple
from autodiff.transforms.results import (
    arranged,
    as_values,
    has_values,
    in_structures,
    one_number,
    swept,
)
from autodiff.transforms.transform import (
    Call,
    Transform,
)
from autodiff.value import Value, number_of

P = ParamSpec("P")
R = TypeVar("R")


def grad(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Transform[P, Any]:
    """The gradient of a function that returns one number, by reverse mode.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them.
        argnums: the positional argument that it is differentiated with respect to, or several.

    Returns:
        A function of the same arguments.  It returns derivatives in the structure of the argument,
        or a tuple of them for several.

    Raises:
        TypeError: if ``f`` is no function, or ``argnums`` no integers; when called, if ``f``
            returns no single number, or there is no such argument.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(lambda w, x: (w * x).sum())(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    return _gradient(f, argnums, grad, False)


def value_and_grad(
    f: Callable[P, R], argnums: int | Sequence[int] = 0
) -> Transform[P, tuple[R, Any]]:
    """The value of a function and its gradient, as a pair.

    Args:
        f, argnums: as for ``grad``.

    Raises:
        TypeError: as ``grad``.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    return _gradient(f, argnums, value_and_grad, True)


def _gradient(
    f: Callable[P, Any],
    argnums: int | Sequence[int],
    make: Callable[..., Any],
    with_value: bool,
) -> Transform[P, Any]:
    argnums, chosen = _chosen(f, argnums, make.__name__)

    def derive(call: Call) -> Call:
        _one_result(call)
        places, shape = _places(call, argnums)
        p = derivatives.reverse(call.program, [{0: None}], places, keep=with_value)
        return call.giving(simplified(p), Tuple(tuple, (NUMBER, shape)) if with_value else shape)

    def of_sweep(value: float, found: tuple[Any, ...]) -> Any:
        by = found[0] if isinstance(argnums, int) else found
        return (value, by) if with_value else by

    return Transform(f, (make, argnums), derive, make.__name__, chosen, of_sweep)


def jacobian(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, sparse: bool = False
) -> Transform[P, Any]:
    """All first derivatives of a function: forward or reverse mode, whichever takes fewer sweeps.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them, which returns such.
        argnums: as for ``grad``.
        sparse: return a SciPy sparse array with a row for every number of the result and a column
            for every number of the argument, without what is zero whatever the numbers are.

    Returns:
        A function of the same arguments.  It returns, in the structure of the result, at every
        leaf the structure of the argument, with arrays of shape ``result.shape + argument.shape``.

    Raises:
        TypeError: as ``grad``, but that ``f`` may return any numbers; if ``sparse``, also for
            arguments that are Values.
        ImportError: when called, if ``sparse`` and SciPy is not installed.

    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    """
    argnums, chosen = _chosen(f, argnums, "jacobian")

    def derive(call: Call) -> Call:
        places, shape = _places(call, argnums)
        if sparse:
            return call.giving(*sparse_jacobian(call.program, places))
        return call.giving(*_all_derivatives(call.program, call.result, places, shape))

    return Transform(f, (jacobian, argnums, sparse), derive, "jacobian", chosen)


def hessian(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, sparse: bool = False
) -> Transform[P, Any]:
    """All second derivatives of a function that returns one number: forward over reverse mode.

    Args:
        f, argnums: as for ``grad``.
        sparse: as for ``jacobian``.

    Returns:
        A function of the same arguments; the structure of its result is ``jacobian(grad(f))``'s.

    Raises:
        TypeError, ImportError: as ``jacobian``; if ``f`` returns no single number.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    argnums, chosen = _chosen(f, argnums, "hessian")

    def derive(call: Call) -> Call:
        _one_result(call)
        places, shape = _places(call, argnums)
        gradient = simplified(derivatives.reverse(call.program, [{0: None}], places))
        if sparse:
            return call.giving(*sparse_jacobian(gradient, places, symmetric=True))
        return call.giving(*_all_derivatives(gradient, shape, places, shape, symmetric=True))

    return Transform(f, (hessian, argnums, sparse), derive, "hessian", chosen)


@overload
def jvp(
    f: Callable[..., R], primals: None = None, tangents: None = None
) -> Callable[[Any, Any], tuple[R, Any]]: ...
@overload
def jvp(f: Callable[..., R], primals: Any, tangents: Any) -> tuple[R, Any]: ...
def jvp(f: Callable[..., Any], primals: Any = None, tangents: Any = None) -> Any:
    """The value of a function and its derivative in a direction, by forward mode.

    Args:
        f: a function.
        primals: a tuple of its arguments.
        tangents: a tuple like it: the direction.

    Returns:
        The result and its derivative, a pair; without ``primals``, a function of the two tuples.

    Raises:
        TypeError: if ``f`` is no function, the primals are no tuple, or the tangents have another
            structure.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    _callable(f, "jvp")

    def derive(call: Call) -> Call:
        _alike(call)
        seeds = dict(zip(*call.places, strict=True))
        p = derivatives.forward(call.program, [seeds], keep=True)
        return call.giving(simplified(p), Tuple(tuple, (call.result, call.result)))

    pushforward: Transform[..., Any] = Transform(
        _of_tuple(f, "jvp"), (_again, jvp, f), derive, "jvp", (0, 1)
    )
    return pushforward if primals is None else pushforward(primals, tangents)


@overload
def hvp(
    f: Callable[..., Any], primals: None = None, tangents: None = None
) -> Callable[[Any, Any], Any]: ...
@overload
def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any: ...
def hvp(f: Callable[..., Any], primals: Any = None, tangents: Any = None) -> Any:
    """The product of a function's Hessian with a vector: forward over reverse mode.

    Args:
        f: a function that returns one number.
        primals: a tuple of its arguments.
        tangents: a tuple like it: the vector.

    Returns:
        The product, in the structure of the argument, or for several arguments a tuple; without
        ``primals``, a function of the two tuples.

    Raises:
        TypeError: as ``jvp``; if ``f`` returns no single number.

    >>> hvp(lambda x: x[0] ** 2 * x[1], (np.array([2.0, 3.0]),), (np.array([1.0, 0.0]),))
    array([6., 4.])
    """
    _callable(f, "hvp")

    def derive(call: Call) -> Call:
        _one_result(call)
        _alike(call)
        primal_places, tangent_places = call.places
        gradient = simplified(derivatives.reverse(call.program, [{0: None}], primal_places))
        seeds = dict(zip(primal_places, tangent_places, strict=True))
        result = call.shapes[0]
        result = result.parts[0] if len(result.parts) == 1 else result
        return call.giving(simplified(derivatives.forward(gradient, [seeds])), result)

    product: Transform[..., Any] = Transform(
        _of_tuple(f, "hvp"), (_again, hvp, f), derive, "hvp", (0, 1)
    )
    return product if primals is None else product(primals, tangents)


def _again(of_tuple: Any, make: Callable[..., Any], f: Callable[..., Any]) -> Any:
    """What was pickled of ``jvp`` or ``hvp``."""
    return make(f)


def derivative(f: Callable[P, R], n: int = 1) -> Transform[P, R]:
    """The n-th derivative of a function of one number, by forward mode applied ``n`` times.

    Args:
        f: a function whose first argument is a number; it may return any numbers.
        n: how often it is differentiated with respect to that; 0 gives ``f`` itself.

    Returns:
        A function of the same arguments; its result has the structure of that of ``f``.

    Raises:
        ValueError: if ``n`` is not an integer from 0 up.
        TypeError: if ``f`` is no function; when called, if the first argument is not one number.

    >>> derivative(lambda x: x**4, 3)(2.0)
    48.0
    """
    _callable(f, "derivative")
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise ValueError(f"derivative(f, n): n must be an integer from 0 up, not {describe(n)}")

    def derive(call: Call) -> Call:
        if not isinstance(call.shapes[0], Leaf) or call.shapes[0].shape:
            raise TypeError(f"{call.name}: the argument must be one number; see jacobian")
        p = call.program
        for _ in range(n):
            p = simplified(derivatives.forward(p, [{call.places[0][0]: None}]))
        return call.giving(p, call.result)

    return Transform(f, (derivative, n), derive, "derivative", (0,))


@overload
def vjp(
    f: Callable[P, R],
) -> Callable[P, tuple[R, Callable[[Any], tuple[Any, ...]]]]: ...
@overload
def vjp(
    f: Callable[..., R], primal: Any, /, *primals: Any
) -> tuple[R, Callable[[Any], tuple[Any, ...]]]: ...
def vjp(f: Callable[..., Any], *primals: Any) -> Any:
    """The value of a function, and its pullback: products of vectors with its Jacobian.

    Args:
        f: a function.
        primals: its arguments.

    Returns:
        The result, and a function from what has its structure (the adjoint) to a tuple of the
        derivatives with respect to the arguments.  Without ``primals``, a function of them.  The
        pullback uses the numbers of this call, whatever changes afterwards.

    Raises:
        TypeError: if ``f`` is no function; when called, if the adjoint has another structure than
            the result.

    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(10.0)
    (6.0, (30.0, 20.0))
    """
    _callable(f, "vjp")
    return _pulled(f, *primals) if primals else functools.partial(_pulled, f)


def _pulled(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """``vjp``, with or without arguments."""
    name = f"vjp({getattr(f, '__name__', type(f).__name__)})"
    chosen = range(len(primals))
    recording: Transform[..., Any] = Transform(f, (), _underived, "vjp", chosen)
    made, given, shapes, result = recording.record(primals, {})
    captured = captures(made)
    symbolic = has_values(given) or (captured and MODE.get().recording)
    by_program = symbolic or captured or made.with_bodies
    prepared = [_prepared(made, given, symbolic)] if by_program else []
    if symbolic:
        value = tree_unflatten(result, iter(as_values(prepared[0].results)))
    else:
        numbers = [number_of(x) if type(x) is Value else x for x in made.results]
        value = arranged(result, np.array(numbers, np.float64))

    def pullback(adjoint: Any) -> Any:
        came: list[Any] = []
        structure = tree_flatten(adjoint, came, f"the adjoint of {name}")
        words = difference(as_floats(result), as_floats(structure), "the adjoint")
        if words:
            raise TypeError(f"{name}: {words}, as the result is")
        if not has_values(came) and not (symbolic and MODE.get().recording):
            if made.with_bodies:
                pulled = prepared[0].pull(listed(came))
                found = [number_of(x) if type(x) is Value else x for x in pulled]
            else:
                found, _ = swept(made, flat(came).tolist())
            return in_structures(shapes, found)
        if not prepared:
            prepared.append(_prepared(made, given, symbolic))
        return in_structures(shapes, as_values(prepared[0].pull(listed(came))))

    return value, pullback


def _underived(call: Call) -> Call:
    raise AssertionError("vjp has two results, one of them a function: it has no program")


class _Pullback(NamedTuple):
    """The program of a pullback, run so far as it does not depend on the adjoint."""

    program: Program
    operands: list[Any]
    seeds: range
    known: list[Any]
    results: list[Any]

    def pull(self, adjoint: list[Any]) -> list[Any]:
        """The derivatives by the arguments, recorded."""
        operands = list(self.operands)
        operands[self.seeds.start : self.seeds.stop] = adjoint
        slots = replay(self.program, operands, self.known)
        return outputs_of(self.program, slots)[len(self.seeds) :]


def _prepared(made: Run, given: list[Any], symbolic: bool) -> _Pullback:
    """Derive the pullback of a run, on the numbers that things have now.

    The program has room for the adjoint between the arguments and what is captured.
    """
    seeds = range(len(given), len(given) + len(made.results))
    through = traced(made, spare=len(seeds))
    p = derivatives.reverse(through.program, [dict(enumerate(seeds))], range(len(given)), keep=True)
    p = simplified(p)
    # New nodes keep what leaves are now, which may be changed before the pullback is called.
    now = [x * 1.0 if type(x) is Value else x for x in given]
    captured = [v * 1.0 if symbolic else number_of(v) for v in through.captured]
    operands = [*now, *(0.0 for _ in seeds), *captured]
    slots = replay(p, operands)
    later = derivatives.dependent(p, seeds)[p.inputs :].tolist()
    known = [None if waits else x for waits, x in zip(later, slots[p.inputs :], strict=True)]
    return _Pullback(p, operands, seeds, known, outputs_of(p, slots)[: len(seeds)])


# -- what they share -------------------------------------------------------------------------------


def _callable(f: Any, name: str) -> None:
    if not callable(f):
        raise TypeError(f"{name}(f): f must be a function, not {describe(f)}")


def _chosen(
    f: Any, argnums: int | Sequence[int], name: str
) -> tuple[int | tuple[int, ...], tuple[int, ...]]:
    """``argnums``, checked: as an integer or a tuple, and as a tuple in any case."""
    _callable(f, name)
    chosen = tuple(argnums) if isinstance(argnums, (list, tuple)) else (argnums,)
    if not chosen or not all(isinstance(i, int) and not isinstance(i, bool) for i in chosen):
        raise TypeError(
            f"{name}(f, argnums): argnums must be an integer, or a tuple of integers, "
            f"not {describe(argnums)}"
        )
    return argnums if isinstance(argnums, int) else chosen, chosen


def _places(call: Call, argnums: int | Sequence[int]) -> tuple[list[int], Any]:
    """The inputs of the chosen arguments, and the structure of a gradient."""
    places = [slot for places in call.places for slot in places]
    return places, call.shapes[0] if isinstance(argnums, int) else Tuple(tuple, call.shapes)


def _one_result(call: Call) -> None:
    one_number([None], call.result, call.name)


def _alike(call: Call) -> None:
    """Refuse tangents that are not like the primals."""
    primals, tangents = map(as_floats, call.shapes)
    words = difference(primals, tangents, "tangents")
    if words:
        raise TypeError(f"{call.name}: {words}, as the primals are")


def _of_tuple(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function of the tuple of the arguments, and of a direction."""

    def of_tuple(primals: Any, direction: Any) -> Any:
        if not isinstance(primals, tuple):
            what = "a number" if type(primals) is Value else describe(primals)
            raise TypeError(f"{name}(f): the arguments come as a tuple, not {what}")
        return f(*primals)

    of_tuple.__name__ = getattr(f, "__name__", type(f).__name__)
    return of_tuple


def _all_derivatives(
    p: Program, result: Any, places: Sequence[int], shape: Any, symmetric: bool = False
) -> tuple[Program, Any]:
    """The Jacobian of a program, and its blocks in the structure of its results and argument."""
    m, n = len(p.outputs), len(places)
    if n <= m:
        q = derivatives.forward(p, [{slot: None} for slot in places])
        numbers = np.arange(m * n).reshape(n, m).T
    else:
        q = derivatives.reverse(p, [{i: None} for i in range(m)], places)
        numbers = np.arange(m * n).reshape(m, n)
    if symmetric:  # what stands below the diagonal is read above it
        numbers = np.where(np.tri(m, dtype=bool), numbers.T, numbers)
    order: list[Any] = []
    rows = iter(range(m))

    def of_result(of: Leaf) -> Any:
        taken = [next(rows) for _ in range(size(of))]
        columns = iter(range(n))

        def of_argument(by: Leaf) -> Any:
            those = [next(columns) for _ in range(size(by))]
            order.append(numbers[np.ix_(taken, those)].ravel())
            block = (of.shape or ()) + (by.shape or ())
            return Leaf(block) if block else NUMBER

        return map_leaves(shape, of_argument)

    blocks = map_leaves(result, of_result)
    outputs = q.outputs[np.concatenate([*order, np.zeros(0, int)]).astype(int)]
    return simplified(q.returning(outputs)), blocks
