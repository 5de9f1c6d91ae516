"""A model on all examples at once, by one ``vmap``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.engine.traces import integral
from autodiff.functions import mean
from autodiff.nn.losses import MEANS
from autodiff.transforms.pytrees import integers, listed, tree_flatten, tree_unflatten
from autodiff.transforms.results import has_values
from autodiff.transforms.vmap import Vmapped, vmap
from autodiff.value import Value


def as_array(examples: Any) -> Any:
    """Lists of as many floats, or integers, as one array; other examples as they are."""
    if isinstance(examples, np.ndarray) or {type(row) for row in examples} != {list}:
        return examples
    kinds = set().union(*(set(map(type, row)) for row in examples))
    alike = len({len(row) for row in examples}) == 1 and kinds in ({float}, {int})
    return np.array(examples) if alike else examples


def on_rows(model: Callable[[Any], Any]) -> Vmapped[...]:
    """The model, of an array of examples, of which it is given one at a time as a list."""
    return vmap(lambda x: model(_as_list(x)))


def outputs_of(
    model: Callable[[Any], Any], inputs: Any, of_rows: Vmapped[...] | None = None
) -> list[Any]:
    """The model's outputs; one after the other where examples are not of one structure.

    Args:
        model: a function of one example.
        inputs: the examples: a list or an array.
        of_rows: ``on_rows`` of the model, if it is kept.
    """
    if isinstance(inputs, np.ndarray):
        found = (of_rows or on_rows(model))(inputs)
        return [_of_example(found, i) for i in range(len(inputs))]
    rows, structures = [], []
    for x in inputs:
        numbers: list[Any] = []
        structures.append(tree_flatten(x, numbers, "an example"))
        rows.append(listed(numbers))
    structure = structures[0]
    if any(s != structure for s in structures) or not rows[0]:
        return [model(x) for x in inputs]
    kind = object if any(map(has_values, rows)) else np.float64
    columns = np.empty((len(rows), len(rows[0])), kind)
    for i, row in enumerate(rows):
        columns[i] = row
    whole = np.zeros(len(rows[0]), bool)
    whole[integers(structure)] = True
    whole |= [type(x) is Value and integral(x) for x in rows[0]]
    order = np.argsort(np.argsort(~whole, kind="stable"))  # back from integers before others
    ints, floats = columns[:, whole], columns[:, ~whole]

    def one(integers: Any, others: Any) -> Any:
        numbers = [*integers, *others]
        return model(tree_unflatten(structure, iter([numbers[i] for i in order])))

    found = vmap(one)(ints if kind is object else ints.astype(int), floats)
    return [_of_example(found, i) for i in range(len(inputs))]


def loss_of(
    model: Callable[[Any], Any], loss: Callable[..., Any], inputs: Any, targets: list[Any]
) -> Any:
    """The loss on a batch; where that is the mean over the examples, of each by itself."""
    if loss in MEANS and isinstance(inputs, np.ndarray):
        of_one = vmap(lambda x, target: loss([model(_as_list(x))], [_as_list(target)]))
        return mean(of_one(inputs, np.array(targets)))
    return loss(outputs_of(model, inputs), targets)


def _as_list(x: Any) -> Any:
    """An example's array as a list; what is no array, as it is."""
    return x.tolist() if isinstance(x, np.ndarray) else x


def _of_example(found: Any, i: int) -> Any:
    """What of the outputs of all is that of one example."""
    if isinstance(found, np.ndarray):
        return found[i]
    if isinstance(found, dict):
        return {key: _of_example(x, i) for key, x in found.items()}
    parts = [_of_example(x, i) for x in found]
    return type(found)(*parts) if hasattr(found, "_fields") else type(found)(parts)
