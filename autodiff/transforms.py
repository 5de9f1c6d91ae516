"""Differentiate any function of numbers: transforms from a function to another.

* ``grad``, ``value_and_grad`` -- of a function that returns one number, by reverse mode;
* ``jacobian``, ``hessian`` -- all first or second derivatives, dense or sparse;
* ``jvp``, ``vjp``, ``hvp`` -- derivatives in a direction, by forward and by reverse mode;
* ``derivative`` -- the n-th derivative of a function of one number;
* ``jit`` -- the function itself, as a program.

A function is run once on Values, and what it computes is kept as a program, which later calls run.
It is traced again when its arguments have another structure, or when a comparison in it comes out
otherwise.  Values that it closes over (parameters) are read at every call; anything else that it
closes over is read when it is traced.

Arguments are floats, arrays of any shape, and lists, tuples and dicts of these; integers, bools
and strings are part of the structure.  Results are floats and float64 arrays in the structure of
the function's result or argument; they are Values where an argument is one, or where the call is
itself traced, so transforms of transforms are right to any order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autodiff import structure
from autodiff.compiler import derivatives
from autodiff.compiler.passes import simplified
from autodiff.compiler.program import Program
from autodiff.compiler.sparsity import sparse_jacobian
from autodiff.reals import describe
from autodiff.transformed import Call, Derive, Derived, Transformed
from autodiff.value import Value


def jit(f: Callable[..., Any]) -> Transformed:
    """The function itself, run as a program from its second call on.

    Returns what ``f`` returns: Values, if it computes with Values that it closes over.

    >>> @jit
    ... def smaller(x, y):
    ...     return x if x < y else y
    >>> smaller(1.0, 2.0), smaller(2.0, 1.0)
    (1.0, 1.0)
    """
    _callable(f, "jit")
    keeps_values = not isinstance(f, Transformed)

    def derive(call: Call) -> Derived:
        return Derived(simplified(call.program), call.result)

    return Transformed(f, derive, "jit", keeps_values=keeps_values)


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Transformed:
    """The gradient of a function that returns one number, by reverse mode.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them.
        argnums: the positional argument that it is differentiated with respect to, or several.

    Returns:
        A function of the same arguments.  It returns derivatives in the structure of the argument,
        or a tuple of them for several.

    Raises:
        TypeError: when called, if ``f`` returns no single number, or there is no such argument.

    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(lambda w, x: (w * x).sum())(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    return _gradient(f, argnums, "grad", False)


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Transformed:
    """The value of a function and its gradient, as a pair: see ``grad``.

    >>> value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """
    return _gradient(f, argnums, "value_and_grad", True)


def _gradient(
    f: Callable[..., Any], argnums: int | Sequence[int], name: str, with_value: bool
) -> Transformed:
    chosen = _chosen(f, argnums, name)

    def derive(call: Call) -> Derived:
        _one_result(call)
        places, shape = _places(call, argnums, chosen)
        p = derivatives.reverse(call.program, [{0: None}], places, keep=with_value)
        result = structure.Sequence(tuple, (structure.NUMBER, shape)) if with_value else shape
        return Derived(simplified(p), result)

    return Transformed(f, derive, name, chosen)


def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, sparse: bool = False
) -> Transformed:
    """All first derivatives of a function: forward or reverse mode, whichever takes fewer sweeps.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them, which returns such.
        argnums: as for ``grad``.
        sparse: return a SciPy sparse array with a row for every number of the result and a column
            for every number of the argument, without what is zero whatever the numbers are.

    Returns:
        A function of the same arguments.  It returns, in the structure of the result, at every
        leaf the structure of the argument, with arrays of shape ``result.shape + argument.shape``.

    >>> jacobian(lambda x: np.array([x[0] * x[1], x[1]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 1.]])
    """
    chosen = _chosen(f, argnums, "jacobian")

    def derive(call: Call) -> Derived:
        places, shape = _places(call, argnums, chosen)
        if sparse:
            return Derived(*sparse_jacobian(call.program, places))
        return _all_derivatives(call.program, call.result, places, shape)

    return Transformed(f, derive, "jacobian", chosen)


def hessian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, sparse: bool = False
) -> Transformed:
    """All second derivatives of a function that returns one number: forward over reverse mode.

    Args, and the structure of the result: as ``jacobian(grad(f))``.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    chosen = _chosen(f, argnums, "hessian")

    def derive(call: Call) -> Derived:
        _one_result(call)
        places, shape = _places(call, argnums, chosen)
        gradient = simplified(derivatives.reverse(call.program, [{0: None}], places))
        if sparse:
            return Derived(*sparse_jacobian(gradient, places, symmetric=True))
        return _all_derivatives(gradient, shape, places, shape, symmetric=True)

    return Transformed(f, derive, "hessian", chosen)


def jvp(f: Callable[..., Any], primals: Any = None, tangents: Any = None) -> Any:
    """The value of a function and its derivative in a direction, by forward mode.

    Args:
        f: a function.
        primals: a tuple of its arguments.
        tangents: a tuple like it: the direction.

    Returns:
        The result and its derivative, a pair; without ``primals``, a function of the two tuples.

    Raises:
        TypeError: if the tangents have another structure than the primals.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    _callable(f, "jvp")

    def derive(call: Call) -> Derived:
        _alike(call, 0, 1, "tangents", "primals")
        seeds = dict(zip(call.places(0), call.places(1), strict=True))
        p = derivatives.forward(call.program, [seeds], keep=True)
        return Derived(simplified(p), structure.Sequence(tuple, (call.result, call.result)))

    pushforward = _of_tuples(f, derive, "jvp")
    return pushforward if primals is None else pushforward(primals, tangents)


def vjp(f: Callable[..., Any], *primals: Any) -> Any:
    """The value of a function, and its pullback: products of vectors with its Jacobian.

    Args:
        f: a function.
        primals: its arguments.

    Returns:
        The result, and a function from what has its structure (the adjoint) to a tuple of the
        derivatives with respect to the arguments.  Without ``primals``, a function of them.

    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(10.0)
    (6.0, (30.0, 20.0))
    """
    _callable(f, "vjp")

    def derive(call: Call) -> Derived:
        words = structure.difference(call.result, call.arguments[1], "the adjoint")
        if words:
            raise TypeError(f"{call.name}: {words}, as the result is")
        seeds = dict(enumerate(call.places(1)))
        p = derivatives.reverse(call.program, [seeds], call.places(0))
        return Derived(simplified(p), call.arguments[0])

    value = Transformed(f, lambda call: Derived(call.program, call.result), "vjp")
    pull = _of_tuples(f, derive, "vjp")

    def pulling(*primals: Any) -> Any:
        return value(*primals), lambda adjoint: pull(primals, adjoint)

    return pulling(*primals) if primals else pulling


def hvp(f: Callable[..., Any], primals: Any = None, tangents: Any = None) -> Any:
    """The product of a function's Hessian with a vector: forward over reverse mode.

    Args:
        f: a function that returns one number.
        primals: a tuple of its arguments.
        tangents: a tuple like it: the vector.

    Returns:
        The product, in the structure of the argument, or for several arguments a tuple; without
        ``primals``, a function of the two tuples.

    >>> hvp(lambda x: x[0] ** 2 * x[1], (np.array([2.0, 3.0]),), (np.array([1.0, 0.0]),))
    array([6., 4.])
    """
    _callable(f, "hvp")

    def derive(call: Call) -> Derived:
        _one_result(call)
        _alike(call, 0, 1, "tangents", "primals")
        gradient = simplified(derivatives.reverse(call.program, [{0: None}], call.places(0)))
        seeds = dict(zip(call.places(0), call.places(1), strict=True))
        result = call.arguments[0]
        result = result.parts[0] if len(result.parts) == 1 else result
        return Derived(simplified(derivatives.forward(gradient, [seeds])), result)

    product = _of_tuples(f, derive, "hvp")
    return product if primals is None else product(primals, tangents)


def derivative(f: Callable[..., Any], n: int = 1) -> Transformed:
    """The n-th derivative of a function of one number, by forward mode applied n times.

    Raises:
        ValueError: if ``n`` is not an integer from 0 up.
        TypeError: when called, if the argument is not one number.

    >>> derivative(lambda x: x**4, 3)(2.0)
    48.0
    """
    _callable(f, "derivative")
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise ValueError(f"derivative(f, n): n must be an integer from 0 up, not {describe(n)}")

    def derive(call: Call) -> Derived:
        if call.arguments[0] not in (structure.NUMBER, structure.Array(())):
            raise TypeError(f"{call.name}: the argument must be one number; see jacobian")
        p = call.program
        for _ in range(n):
            p = simplified(derivatives.forward(p, [{0: None}]))
        return Derived(p, call.result)

    return Transformed(f, derive, "derivative", (0,))


# -- what they share -------------------------------------------------------------------------------


def _callable(f: Any, name: str) -> None:
    if not callable(f):
        raise TypeError(f"{name}(f): f must be a function, not {describe(f)}")


def _chosen(f: Any, argnums: int | Sequence[int], name: str) -> tuple[int, ...]:
    """``argnums`` as a tuple."""
    _callable(f, name)
    chosen = tuple(argnums) if isinstance(argnums, (list, tuple)) else (argnums,)
    if not chosen or not all(isinstance(i, int) and not isinstance(i, bool) for i in chosen):
        raise TypeError(
            f"{name}(f, argnums): argnums must be an integer, or a tuple of integers, "
            f"not {describe(argnums)}"
        )
    return chosen


def _places(
    call: Call, argnums: int | Sequence[int], chosen: tuple[int, ...]
) -> tuple[list[int], Any]:
    """The inputs of the chosen arguments, and the structure of a gradient."""
    n = len(call.arguments)
    places = [slot for i in chosen for slot in call.places(i % n)]
    shapes = tuple(call.arguments[i % n] for i in chosen)
    return places, shapes[0] if isinstance(argnums, int) else structure.Sequence(tuple, shapes)


def _one_result(call: Call) -> None:
    if call.result not in (structure.NUMBER, structure.Array(())):
        raise TypeError(
            f"{call.name}: the function must return one number, but "
            f"{structure.difference(structure.NUMBER, call.result, 'its result')}; "
            "jacobian() takes functions of any result"
        )


def _alike(call: Call, i: int, j: int, name: str, other: str) -> None:
    """Refuse tangents that are not like the primals."""
    words = structure.difference(call.arguments[i], call.arguments[j], name)
    if words:
        raise TypeError(f"{call.name}: {words}, as the {other} are")


def _of_tuples(f: Callable[..., Any], derive: Derive, name: str) -> Transformed:
    """A transformed function of the tuple of the arguments, and another argument."""

    def of_tuple(primals: Any, direction: Any) -> Any:
        if not isinstance(primals, tuple):
            what = "a number" if type(primals) is Value else describe(primals)
            raise TypeError(f"{name}(f): the arguments come as a tuple, not {what}")
        return f(*primals)

    of_tuple.__name__ = getattr(f, "__name__", type(f).__name__)
    return Transformed(of_tuple, derive, name, (0, 1))


def _all_derivatives(
    p: Program, result: Any, places: Sequence[int], shape: Any, symmetric: bool = False
) -> Derived:
    """The Jacobian of a program, as blocks in the structure of its results and its argument."""
    m, n = len(p.results), len(places)
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

    def of_result(result_shape: tuple[int, ...]) -> Any:
        taken = [next(rows) for _ in range(math.prod(result_shape))]
        columns = iter(range(n))

        def of_argument(argument_shape: tuple[int, ...]) -> Any:
            those = [next(columns) for _ in range(math.prod(argument_shape))]
            order.append(numbers[np.ix_(taken, those)].ravel())
            return structure.Array(result_shape + argument_shape)

        return _leaves(shape, of_argument)

    blocks = _leaves(result, of_result)
    outputs = q.results[np.concatenate([*order, np.zeros(0, int)]).astype(int)]
    return Derived(simplified(q.returning(outputs)), blocks)


def _leaves(s: Any, of: Callable[[tuple[int, ...]], Any]) -> Any:
    """A structure with what ``of`` gives for the shape of every leaf of numbers."""
    if isinstance(s, (structure.Sequence, structure.Mapping)):
        return s._replace(parts=tuple(_leaves(part, of) for part in s.parts))
    if isinstance(s, structure.Static):
        return s
    block = of(getattr(s, "shape", ()))
    return structure.NUMBER if block == structure.Array(()) else block
