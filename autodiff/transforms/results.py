"""The results of a call: from the numbers or Values that were computed to what the caller gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autodiff.compiler.sparsity import Pattern
from autodiff.compiler.trace import Run
from autodiff.engine.lock import alone
from autodiff.engine.reals import describe
from autodiff.engine.traces import active
from autodiff.sweeps import sweep_trace
from autodiff.transforms.pytrees import (
    NUMBER,
    Leaf,
    Static,
    difference,
    leaves,
    tree_flatten,
    tree_of_array,
    tree_unflatten,
)
from autodiff.value import Value


def has_values(given: list[Any]) -> bool:
    """Whether a Value is among the numbers of a call."""
    return Value in set(map(type, given))


def swept(made: Run, seeds: list[float]) -> tuple[list[float], bool]:
    """The gradient of a run by one sweep, and whether something was captured."""
    pairs = zip(made.results, seeds, strict=True)
    recorded = [(v, seed) for v, seed in pairs if type(v) is Value]
    roots, theirs = [v for v, _ in recorded], [seed for _, seed in recorded]
    found: list[float]
    *found, captured = alone(sweep_trace, roots, theirs, made.inputs, made.trace)
    return found, bool(captured)


def in_structures(shapes: Sequence[Any], numbers: list[Any]) -> tuple[Any, ...]:
    """Numbers, in one structure after the other."""
    rest = iter(numbers)
    return tuple(tree_unflatten(shape, rest) for shape in shapes)


def arranged(result: Any, numbers: Any) -> Any:
    """The numbers of a result, in its structure."""
    if isinstance(result, Pattern):
        return result.matrix(numbers)
    return tree_of_array(result, numbers)[0]


def as_values(numbers: list[Any]) -> list[Any]:
    """Numbers that belong to a result of Values: constants among them become Values too."""
    if active() is not None:  # there they stay constants of the program
        return numbers
    return [x if type(x) is Value else Value(x) for x in numbers]


def one_number(results: list[Any], result: Any, name: str) -> Any:
    """The one number that a function returned.

    Raises:
        TypeError: if it returned something else.
    """
    if not isinstance(result, Leaf) or result.shape not in (None, ()):
        raise TypeError(
            f"{name}: the function must return one number, but "
            f"{difference(NUMBER, result, 'its result')}; "
            "jacobian() takes functions of any result"
        )
    return results[0]


def flatten_result(result: Any, numbers: list[Any], name: str) -> Any:
    """The structure of a function's result; see ``tree_flatten``."""
    found = tree_flatten(result, numbers, f"what the function of {name} returned", truths=False)
    for leaf in leaves(found):
        if isinstance(leaf, Static) and not isinstance(leaf.value, (bool, np.bool_)):
            missing = ": is a return missing?" if leaf.value is None else ""
            raise TypeError(
                f"{name}: the function returned {describe(leaf.value)}{missing}; expected are "
                "numbers, arrays of them, and lists, tuples and dicts of these"
            )
    return found
