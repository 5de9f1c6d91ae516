"""What Hypothesis needs to draw differentiable functions, and points to differentiate them at.

* ``points(n)`` -- points in n dimensions, or, with ``aim=True``, points at which functions tend to
  have kinks and poles: zeros, ones, and equal coordinates;
* ``expressions(n_inputs)`` -- random expressions over the table's primitives, with shared
  sub-expressions, that print as Python and shrink to small ones;
* ``assert_gradients_match(f)`` -- a property test of one's own function in one line.
"""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import strategies as st

from autodiff import functions
from autodiff.engine import kernels
from autodiff.engine.expressions import for_floats
from autodiff.engine.reals import describe
from autodiff.ops import CODES, HELPERS, ROWS, TABLE, Row
from autodiff.testing.checks import GradientError, check_gradient

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
_CONSTANTS = [2.0, 1.0, 0.5, 3.0, -1.0, -2.0]
_MARGIN = (
    0.02  # how far from kinks and ends of domains a drawn step stays, relative to its operands
)
_LARGEST = 1e3  # and how large its value may be, so that differences can see the other terms


def points(n: int, aim: bool = False) -> st.SearchStrategy[list[float]]:
    """Points in ``n`` dimensions: coordinates between 0.1 and 3 in size, of both signs.

    Args:
        n: how many coordinates.
        aim: draw points that tend to lie on kinks and poles instead: zeros, ones, ties.

    Raises:
        ValueError: if ``n`` is not an integer from 0 up.

    >>> unsaved = hypothesis.settings(database=None)
    >>> hypothesis.find(points(2, aim=True), lambda p: p[0] == p[1], settings=unsaved)
    [0.0, 0.0]
    """
    _at_least("points(n)", n, 0)
    if aim:
        coordinate = st.sampled_from([0.0, 1.0, -1.0, -0.0, 2.0, 0.5, -0.5, 1e-300, -1e-300])
    else:
        size = st.floats(0.1, 3.0, allow_subnormal=False)
        coordinate = st.builds(lambda x, negative: -x if negative else x, size, st.booleans())
    return st.lists(coordinate, min_size=n, max_size=n)


@dataclass(frozen=True)
class Step:
    """One primitive of an expression; an operand is the index of an input or step, or a float."""

    primitive: str
    operands: tuple[int | float, ...]


@dataclass(frozen=True)
class Expression:
    """A function of ``n_inputs`` numbers, written in primitives; the last step is its value.

    Called with numbers, Values or arrays it computes; its ``repr`` is Python that does the same.

    Attributes:
        n_inputs: how many numbers it takes.
        steps: the primitives, one after the other.

    Raises:
        TypeError: when called, if another number of inputs comes.

    >>> Expression(1, (Step("sin", (0,)), Step("mul", (1, 0))))
    def f(x0):
        t0 = sin(x0)
        return t0 * x0
    >>> Expression(1, (Step("sin", (0,)), Step("mul", (1, 0))))(0.0)
    0.0
    """

    n_inputs: int
    steps: tuple[Step, ...]

    def __call__(self, *xs: Any) -> Any:
        """The value at ``xs``."""
        if len(xs) != self.n_inputs:
            raise TypeError(f"this expression takes {self.n_inputs} inputs, not {len(xs)}")
        return self.evaluate(xs, functions.PUBLIC)[-1]

    def evaluate(
        self, xs: Sequence[Any], primitives: Mapping[str, Callable[..., Any]]
    ) -> list[Any]:
        """Inputs and steps, one after the other, computed by the functions that are given.

        >>> Expression(1, (Step("mul", (0, 3.0)),)).evaluate([2.0], {"mul": lambda a, b: a * b})
        [2.0, 6.0]
        """
        values = list(xs)
        for step in self.steps:
            operands = [values[x] if isinstance(x, int) else x for x in step.operands]
            values.append(_apply(primitives[step.primitive], step.primitive, operands))
        return values

    def __repr__(self) -> str:
        inputs = [f"x{i}" for i in range(self.n_inputs)]
        names = inputs + [f"t{i}" for i in range(len(self.steps))]
        lines = [f"def f({', '.join(inputs)}):"]
        for i, step in enumerate(self.steps):
            operands = [names[x] if isinstance(x, int) else repr(x) for x in step.operands]
            last = i == len(self.steps) - 1
            lines.append(f"    {'return' if last else f't{i} ='} {_written(step, operands)}")
        return "\n".join(lines)


def _apply(function: Callable[..., Any], name: str, operands: list[Any]) -> Any:
    row = ROWS[CODES[name]]
    if not row.over_lists:
        return function(*operands)
    n = len(operands) // len(row.names)
    return function(*(operands[i : i + n] for i in range(0, len(operands), n)))


def _written(step: Step, operands: list[str]) -> str:
    if step.primitive in _INFIX:
        return f" {_INFIX[step.primitive]} ".join(
            f"({x})" if x.startswith("-") else x for x in operands
        )
    if step.primitive == "neg":
        return f"-{operands[0]}"
    row = ROWS[CODES[step.primitive]]
    if row.over_lists:
        n = len(operands) // len(row.names)
        operands = [f"[{', '.join(operands[i : i + n])}]" for i in range(0, len(operands), n)]
    return f"{step.primitive}({', '.join(operands)})"


def expressions(
    n_inputs: int,
    primitives: Iterable[str] | None = None,
    max_size: int = 8,
    at: Sequence[float] | None = None,
) -> st.SearchStrategy[Expression]:
    """Random expressions of ``n_inputs`` numbers, in which steps may be used again and again.

    Args:
        n_inputs: how many inputs there are.
        primitives: names of the table's rows to draw from; all but the piecewise helpers if None.
        max_size: how many steps there are at most.
        at: a point at which the expression is to be differentiable: steps that are not, or that
            come near a kink, a pole or the end of a domain there, are left out.

    Raises:
        ValueError: if there is no input, primitive or step to draw, a name is not a primitive's, or
            ``at`` has not ``n_inputs`` coordinates.

    >>> @hypothesis.settings(max_examples=5, deadline=None, database=None, derandomize=True)
    ... @hypothesis.given(expressions(1, ["sin", "mul", "exp"], max_size=3, at=[0.5]))
    ... def test_derivatives(f):
    ...     check_gradient(f, 0.5, order=1)
    >>> test_derivatives()
    """
    _at_least("expressions(n_inputs)", n_inputs, 1)
    _at_least("expressions(max_size=...)", max_size, 1)
    names = [r.name for r in TABLE if r.name not in HELPERS]
    if primitives is not None:
        names = list(primitives)
        if not names:
            raise ValueError("expressions(primitives=...): there must be one primitive at least")
        for name in names:
            if name not in CODES:
                raise ValueError(f"expressions(primitives=...): there is no primitive {name!r}")
    if at is not None and len(at) != n_inputs:
        raise ValueError(f"at has {len(at)} coordinates, but there are {n_inputs} inputs")
    wishes = st.lists(_wish(names), min_size=1, max_size=max_size)
    drawn = wishes.map(lambda them: _grown(n_inputs, them, at))
    return drawn.filter(lambda expression: bool(expression.steps))


def _at_least(what: str, n: int, least: int) -> None:
    if not isinstance(n, int) or n < least:
        raise ValueError(f"{what} must be an integer from {least} up, not {describe(n)}")


@st.composite
def _wish(draw: st.DrawFn, names: list[str]) -> tuple[str, list[int | float]]:
    """A primitive, and which operands it would like: how far back, or a constant."""
    name = draw(st.sampled_from(names))
    row = ROWS[CODES[name]]
    count = len(row.names) * (draw(st.integers(1, 3)) if row.over_lists else 1)
    operands: list[int | float] = [draw(st.integers(0, 9)) for _ in range(count)]
    if count == 2 and draw(st.booleans()):
        operands[1] = draw(st.sampled_from(_CONSTANTS))
    return name, operands


def _grown(n_inputs: int, wishes: list[Any], at: Sequence[float] | None) -> Expression:
    """The wishes that can be granted, less what the last of them does not need."""
    steps: list[Step] = []
    values = list(at or [])
    for name, wanted in wishes:
        row = ROWS[CODES[name]]
        newest = n_inputs + len(steps) - 1
        operands = [max(0, newest - x) if isinstance(x, int) else x for x in wanted]
        if at is not None:
            numbers = [values[x] if isinstance(x, int) else x for x in operands]
            value = _value_if_smooth(row, numbers)
            if value is None:
                continue
            values.append(value)
        steps.append(Step(name, tuple(operands)))
    return Expression(n_inputs, _needed(n_inputs, steps))


def _value_if_smooth(row: Row, numbers: list[float]) -> float | None:
    """The primitive's value where it is differentiable, tame, and not near where it is not."""
    if not row.over_lists:
        for x, (low, high) in zip(numbers, row.domain, strict=False):
            if not low + _MARGIN <= x <= high - _MARGIN:
                return None
        if row.kink:
            scope = dict(zip(row.names, numbers, strict=True))
            distance = eval(for_floats(row.kink), kernels.FLOATS, scope)
            if abs(distance) < _MARGIN * max(1.0, *map(abs, numbers)):
                return None
    value = _apply(functions.PUBLIC[row.name], row.name, numbers)
    return value if math.isfinite(value) and abs(value) <= _LARGEST else None


def _needed(n_inputs: int, steps: list[Step]) -> tuple[Step, ...]:
    """The last step and all that it was computed from, numbered anew."""
    wanted = {n_inputs + len(steps) - 1}
    for i in range(len(steps) - 1, -1, -1):
        if n_inputs + i in wanted:
            wanted |= {x for x in steps[i].operands if isinstance(x, int)}
    kept = [i for i in range(len(steps)) if n_inputs + i in wanted]
    place = {i: i for i in range(n_inputs)} | {
        n_inputs + i: n_inputs + k for k, i in enumerate(kept)
    }
    return tuple(
        Step(
            steps[i].primitive,
            tuple(place[x] if isinstance(x, int) else x for x in steps[i].operands),
        )
        for i in kept
    )


def assert_gradients_match(
    f: Callable[..., Any],
    *arguments: st.SearchStrategy[Any],
    order: int = 2,
    max_examples: int = 100,
) -> None:
    """Check the derivatives of ``f`` at many points; a failure is shrunk to a simple point.

    Points at which ``f`` has a kink or a jump, or is not finite, say nothing and are passed over.

    Args:
        f: a function written in Values' operators and functions; returns one Value.
        arguments: a Hypothesis strategy an argument of ``f``: of numbers, or of lists or arrays of
            them; if none is given, a number between 0.1 and 3 of either sign for each argument that
            ``f`` must be given.
        order: the highest order of derivatives that is checked.
        max_examples: how many points are drawn.

    Raises:
        GradientError: as ``check_gradient``, at the simplest point found; or if ``f`` has a kink or
            a jump, or is not finite, at every point that was drawn.
        TypeError: if no strategies are given and the signature of ``f`` does not tell how many
            arguments it takes.

    >>> from autodiff import sin
    >>> assert_gradients_match(lambda x, y: sin(x * y), max_examples=5)
    """
    arguments = arguments or (points(1).map(lambda p: p[0]),) * _arity(f)
    passed: list[tuple[Any, ...]] = []
    last: list[GradientError] = []

    @hypothesis.settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.tuples(*arguments))
    def at_every_point(args: tuple[Any, ...]) -> None:
        try:
            check_gradient(f, *args, order=order)
        except GradientError as disagreement:
            if disagreement.wrong:
                raise
            last[:] = [disagreement]
            hypothesis.reject()
        passed.append(args)

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        at_every_point()
    if not passed:
        raise GradientError(
            f"the derivatives could be checked at none of the points; the last was\n{last[0]}",
            last[0].components,
        )


def _arity(f: Callable[..., Any]) -> int:
    """How many arguments a function must be given, all of them by position."""
    advice = "give a strategy for each argument: assert_gradients_match(f, st.floats(1, 2), ...)"
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except ValueError:
        raise TypeError(
            f"{describe(f)} does not tell how many arguments it takes; {advice}"
        ) from None
    for parameter in parameters:
        named = parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
        if named or parameter.kind is parameter.VAR_POSITIONAL:
            raise TypeError(f"{describe(f)} takes {str(parameter)!r}; {advice}")
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places and p.default is p.empty for p in parameters)
