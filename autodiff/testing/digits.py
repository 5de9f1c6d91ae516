"""``accuracy``: how many digits of a value and its gradient are right, and where others are lost.

The function is run once in float64.  What it computed is computed again, operation by operation and
backwards through all of them, in numbers of many digits; every result of an operation can then be
compared with what it ought to be.

Where digits are lost is said by going back from the results: a line has lost the digits that what
it was given had, that what it made of this has not, and that no later operation restores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from autodiff.testing.losses import FULL, Loss, Numbers, losses
from autodiff.testing.recorded import record
from autodiff.transforms.pytrees import flat, tree_flatten, tree_unflatten


class Accuracy(NamedTuple):
    """What ``accuracy`` has found: printed, it is a report.

    Attributes:
        value: the correct digits of the value, up to 15.95, all that a float has.
        gradient: those of the derivatives, in the structure of the argument, or for several
            arguments a tuple.
        losses: where digits are lost, the worst first.

    >>> accuracy(lambda x: (1 + x) * 2, 1.0)
    value: 16.0 correct digits
    gradient: 16.0 correct digits
    """

    value: float
    gradient: Any
    losses: tuple[Loss, ...]

    def __repr__(self) -> str:
        found: list[Any] = []
        tree_flatten(self.gradient, found, "the gradient")
        digits = sorted(flat(found).tolist())
        of = f", the worst of {len(digits)}" if len(digits) > 1 else ""
        lines = [f"value: {self.value:.1f} correct digits"]
        if digits:
            lines.append(f"gradient: {digits[0]:.1f} correct digits{of}")
        for x in self.losses:
            often = f" ({x.times} times)" if x.times > 1 else ""
            lines.append(f"{x.source}: {x.digits:.1f} digits lost, {x.kind}{often}")
            lines += [f"    {words}" for words in (x.text, x.what) if words]
        return "\n".join(lines)


def accuracy(f: Callable[..., Any], *args: Any) -> Accuracy:
    """How many digits of a function's value and gradient are right, and which lines lose others.

    The function is run once, in float64.  The operations that it did are done again with 50 digits,
    and with as many more as it takes until results do not change; arguments, and numbers written in
    the program, are taken to be exactly the floats that they are.

    Args:
        f: a function of numbers, arrays, lists, tuples and dicts of them, which returns one number.
        args: its arguments.

    Returns:
        The correct digits of the value, and of the derivatives by all arguments; and where digits
        are lost: in which line, to what, how many.  A program may cancel on purpose, as compensated
        summation does: what does not cost the results digits is not mentioned.

    Raises:
        TypeError: if ``f`` is no function, returns anything but one number, or uses a primitive
            that ``primitive()`` has added; if an argument is no number or tree of numbers.
        RuntimeError: if ``f`` reads ``.data``, which no operation shows.
        ArithmeticError: if 3200 digits are too few.
        ImportError: if mpmath is not installed.

    >>> found = accuracy(lambda x: (1 + x) - 1, 1e-10)
    >>> round(found.value, 1), round(found.gradient, 1), found.losses[0].kind
    (7.1, 16.0, 'cancellation')
    """
    name = f"accuracy({getattr(f, '__name__', type(f).__name__)})"
    given: list[Any] = []
    shapes = [
        tree_flatten(x, given, f"argument {i + 1} of {name}", truths=False)
        for i, x in enumerate(args)
    ]
    recorded = record(f, shapes, flat(given).tolist(), name)
    numbers = Numbers(recorded, name)
    digits = numbers.digits
    of_inputs = iter([FULL if k is None else digits[k] for k in numbers.gradient])
    found = tuple(tree_unflatten(shape, of_inputs) for shape in shapes)
    gradient = found[0] if len(found) == 1 else found
    return Accuracy(digits[recorded.result], gradient, losses(numbers))
