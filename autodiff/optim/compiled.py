"""A net's functions, run as programs where these are sure to give the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.contexts import within
from autodiff.engine import anomalies
from autodiff.engine.modes import MODE
from autodiff.transforms.cache import Jitted, unlike
from autodiff.transforms.guards import Generators, Watch
from autodiff.transforms.pytrees import flat, listed, tree_flatten, tree_unflatten
from autodiff.transforms.results import as_values, flatten_result


class Compiled:
    """A function by its program; or as it is, after one warning, if it cannot be one.

    It cannot if it draws random numbers, changes something that it reads, or is nothing that can be
    traced.  At the 1st, 2nd, 4th, 8th ... call it is run beside its program, and the results are
    compared.

    Args:
        f: the function.
        name: what messages call it.
        quiet: give no warning.
        at_once: a function that computes the same with a ``vmap``, to be traced, and compared, in
            place of ``f``: where ``f`` takes long.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        name: str,
        quiet: bool = False,
        at_once: Callable[..., Any] | None = None,
    ) -> None:
        self._f = f
        self._name = name
        self._quiet = quiet
        self._at_once = at_once
        self._program = Jitted(at_once or f, check=False, name=name)
        self._left = False
        self._calls = 0

    def __call__(self, *args: Any) -> Any:
        """What the function returns; where nothing is recorded, with all numbers as Values.

        Raises:
            RuntimeError: if the function is found not to be what its program is, after calls at
                which this was not looked for.
        """
        if self._left or self._program.eager:
            return self._f(*args)
        self._calls += 1
        if not self._calls & (self._calls - 1):
            return self._compared(args)
        try:
            return values_of(self._program(*args))
        except Exception as error:
            result = self._f(*args)  # what is wrong by itself is raised here
            return self._leave(f"cannot be traced: {error}", result)

    def _compared(self, args: tuple[Any, ...]) -> Any:
        """The result, of the program if the function itself gives the same."""
        if self._at_once is not None:
            return self._compared_at_once(self._at_once, args)
        watch = Watch(self._f)
        generators = Generators(watch)
        expected = self._f(*args)
        changed = watch.changes()
        drawn = generators.drawn(lambda: self._f(*args))
        if drawn:
            why = f"draws random numbers (from {drawn})"
        elif changed:
            why = f"changes {changed}"
        else:
            try:
                found = values_of(self._program(*args))
            except Exception as error:
                return self._leave(f"cannot be traced: {error}", expected)
            why = unlike(self._numbers(found), self._numbers(expected))
            if not why:
                return found
            why = f"reads something that changes: {why}"
        self._refuse_late(why)
        return self._leave(why, expected)

    def _compared_at_once(self, at_once: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """The same for a function with a vmap: what it computes is traced again."""
        generators = Generators(Watch(self._f))
        try:
            unrecorded = MODE.get()._replace(recording=False)
            expected = self._numbers(within(unrecorded, at_once, *args))
            found = values_of(self._program(*args))
        except Exception as error:
            why = f"cannot be traced: {error}"
        else:
            why = unlike(self._numbers(found), expected)
            if not why:
                return found
            why = f"reads something that changes: {why}"
        generators.restore()
        self._refuse_late(why)
        return self._leave(why, self._f(*args))

    def _refuse_late(self, why: str) -> None:
        """Raise if what is found out now may have been so since the last comparison."""
        if self._calls > 2:
            raise RuntimeError(
                f"{self._name} {why}; what it gave since call {self._calls // 2} may be wrong: "
                "begin again, with jit=False"
            )

    def _leave(self, why: str, result: Any) -> Any:
        """Go on without the program; the result is the function's own."""
        self._left = True
        if not self._quiet:
            anomalies.warn(
                f"{self._name} {why}: it is run without a program, which takes longer; jit=False "
                "does so without a warning"
            )
        return result

    def _numbers(self, result: Any) -> Any:
        found: list[Any] = []
        flatten_result(result, found, self._name)
        return flat(found)


def values_of(result: Any) -> Any:
    """A result of Values: a program gives floats where nothing is recorded."""
    if MODE.get().recording:
        return result
    numbers: list[Any] = []
    structure = tree_flatten(result, numbers, "the result")
    return tree_unflatten(structure, iter(as_values(listed(numbers))))
