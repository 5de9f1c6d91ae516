"""What a function reads besides its arguments: what ``jit`` can see of it, guarded.

A program that is kept has the numbers in it that its function read from closures, globals,
defaults and attributes.  ``Watch`` finds what of these is plainly reachable, in the function and in
the Python functions that it calls, from their bytecode; and tells whether it is still the same.
``Generators`` tells whether random numbers were drawn.

What cannot be seen so, a file, a clock, an attribute of what a call returned, is left to the check
that ``jit`` makes of itself.
"""

from __future__ import annotations

import dis
import functools
import inspect
import itertools
import os
import random
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.arrays import contents_of, same_contents, same_objects
from autodiff.value import Value

_ABSENT = object()
_MOST = 10_000  # objects that are watched; what is beyond, the check of itself must find
_WHOLE = 1 << 16  # bytes of an array that is compared whole; of a larger one, a sample is
_PLAIN = (int, float, complex, str, bytes, bool, type(None), np.generic)
_FOREIGN = {"numpy", "scipy", *sys.stdlib_module_names} - {"__main__"}
_HERE = os.path.join(Path(__file__).parents[1], "")  # with a separator: not autodiff_of_mine/
_SHARED = "the module random"
_SOURCES = (np.random.Generator, np.random.RandomState, random.Random)

Chain = tuple[str, str, tuple[str, ...]]


@functools.lru_cache(maxsize=1024)
def chains(code: types.CodeType) -> tuple[Chain, ...]:
    """The names that code reads, each with the attributes that are read of it.

    Of every chain, how it begins (``global``, ``free``, ``local`` or ``super``), the name and the
    attributes.

    >>> chains((lambda x: x * scale.rate).__code__)
    (('local', 'x', ()), ('global', 'scale', ()), ('global', 'scale', ('rate',)))
    """
    found: dict[Chain, None] = {}
    current: Chain | None = None
    free = code.co_freevars
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            current = ("global", value, ())
        elif name.startswith(("LOAD_FAST", "STORE_FAST_LOAD_FAST")):
            current = ("local", value if isinstance(value, str) else value[1], ())
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"):
            current = ("free", value, ())
        elif name in ("LOAD_ATTR", "LOAD_METHOD") and current is not None:
            current = (current[0], current[1], (*current[2], value))
        elif name in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR") and "__class__" in free:
            found["super", value, ()] = None  # or of what another call returned
            continue
        else:
            current = None
            continue
        found[current] = None
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found.update((c, None) for c in chains(constant) if c[0] != "local")
    return tuple(found)


class Watch:
    """What a function reads, and what it was.

    >>> rate = [0.5]
    >>> watch = Watch(lambda x: x * rate[0])
    >>> watch.changed()
    ''
    >>> rate[0] = 0.25
    >>> watch.changed()
    'rate[0]'
    """

    def __init__(self, function: Any) -> None:
        self.generators: list[Any] = []
        self._iterators: list[str] = []
        self._in_module = False
        self._looks: list[Callable[[], str]] = []  # each gives the name of what has changed, or ""
        self._held: list[Any] = []  # lists, and the attributes of modules
        self._contents: list[list[Any]] = []  # what these hold: if they still do, all is well
        self._inside: list[Callable[[], str]] = []  # else, of each of them a look
        self._seen: dict[int, Any] = {}  # by id, which the reference keeps from being used again
        self._function(function, "")

    def changed(self) -> str:
        """The name of something that is no longer what it was; "" if all is."""
        if not same_contents(self._held, self._contents):
            for look in self._inside:
                name = look()
                if name:
                    return name
            self._contents = [contents_of(x) for x in self._held]  # others, but the same numbers
        for look in self._looks:
            name = look()
            if name:
                return name
        return ""

    def changes(self) -> str:
        """The name of something that the function changes, if it has been run since; else "".

        Of an iterator nobody can tell: it is taken for changed.
        """
        return next(iter(self._iterators), "") or self.changed()

    def forget_changed(self) -> None:
        """Leave out what has changed: what the function itself changes when it is run.

        If its result depends on that, it is not the same twice, which the check of itself finds.
        """
        self._looks = [look for look in self._looks if not look()]
        fine = [not look() for look in self._inside]
        self._inside = [*itertools.compress(self._inside, fine)]
        self._held = [*itertools.compress(self._held, fine)]
        self._contents = [contents_of(x) for x in self._held]

    # -- what is reachable -------------------------------------------------------------------------

    def _function(self, f: Any, name: str) -> None:
        """Watch what a callable reads."""
        if id(f) in self._seen or len(self._seen) > _MOST:
            return
        self._seen[id(f)] = f
        if isinstance(getattr(f, "__self__", None), _SOURCES):  # a generator's method
            self.generators.append(f.__self__)
        elif isinstance(f, functools.partial):
            self._function(f.func, name)
            self._object((*f.args, *f.keywords.values()), f"an argument of {name or 'partial'}")
        elif isinstance(f, types.MethodType):
            self._code(f.__func__, f.__self__)
        elif isinstance(f, types.FunctionType):
            self._code(f, _ABSENT)
            self._function(getattr(f, "__wrapped__", None), name)
        elif hasattr(f, "__wrapped__"):  # a function made of another, by a transform say
            self._function(f.__wrapped__, name)
        elif hasattr(f, "modules") and hasattr(f, "training"):
            self._module(f)
        elif callable(f):
            self._code(type(f).__call__, f)

    def _code(self, f: Any, instance: Any) -> None:
        """Watch what the code of a function reads, whose first argument is ``instance``."""
        if not isinstance(f, types.FunctionType):
            self._function(f, "")
            return
        code = f.__code__
        if _foreign(f) or code.co_filename.startswith(_HERE):
            return
        cells = dict(zip(code.co_freevars, f.__closure__ or (), strict=True))
        first = code.co_varnames[0] if code.co_argcount else None
        for defaults in (f.__defaults__, f.__kwdefaults__):
            self._object(defaults, f"a default of {f.__name__}")
        for kind, name, attributes in chains(code):
            if kind == "free" and name in cells:
                root = _content(cells[name])
                if not attributes:
                    self._looks.append(_cell(cells[name], root, name))
            elif kind == "global" and name in f.__globals__:
                root = f.__globals__[name]
                if not attributes:
                    self._looks.append(_item(f.__globals__, name, root, name))
            elif kind == "super" and "__class__" in cells:
                self._inherited(instance, _content(cells["__class__"]), name)
                continue
            elif name == first:  # or a cell, if a function in this one reads it
                root = instance
            else:
                continue
            if attributes:
                self._chain(root, attributes, ".".join([name, *attributes]))
            elif root is not instance:
                self._object(root, name)

    def _inherited(self, instance: Any, kind: Any, name: str) -> None:
        """Watch what a method reads that is called through ``super()``."""
        classes = type(instance).__mro__
        if kind in classes:
            for base in classes[classes.index(kind) + 1 :]:
                if name in vars(base):
                    found = vars(base)[name]
                    found = found.fget if isinstance(found, property) else found
                    return self._code(getattr(found, "__wrapped__", found), instance)

    def _chain(self, root: Any, attributes: tuple[str, ...], name: str) -> None:
        """Watch the last of a chain of attributes; those before it have chains of their own."""
        for attribute in attributes[:-1]:
            root = _attribute(root, attribute)
        if root is _ABSENT or _foreign(root):
            return
        found = _attribute(root, attributes[-1])
        if found is _ABSENT and _attribute(root, "__getattr__") is not _ABSENT:
            return  # it is computed
        # a function that an instance or a module has itself is no method
        of_class = isinstance(root, type) or _attribute(type(root), attributes[-1]) is found
        if isinstance(found, property):
            self._code(found.fget, root)
        elif not hasattr(type(found), "__get__") or not of_class:
            self._looks.append(_named(root, attributes[-1], found, name))
            self._object(found, name)
        elif isinstance(found, types.FunctionType):
            self._code(found, root)
        elif hasattr(found, "__wrapped__"):
            self._code(found.__wrapped__, root)

    def _object(self, x: Any, name: str) -> None:
        """Watch what is in an object that is read."""
        if id(x) in self._seen:
            return
        if isinstance(x, _SOURCES):
            self.generators.append(x)
        elif isinstance(x, np.ndarray):
            self._seen[id(x)] = x
            self._looks.append(_array(x, name))
        elif isinstance(x, (list, tuple, dict)):
            self._container(x, name)
        elif isinstance(x, Iterator):
            self._iterators.append(name)
        elif callable(x) and not isinstance(x, type):
            self._function(x, name)

    def _container(self, x: Any, name: str) -> None:
        if len(self._seen) + len(x) > _MOST:
            return
        self._seen[id(x)] = x
        if isinstance(x, dict):
            self._looks.append(_dict(x, name))
        elif isinstance(x, list):
            self._hold(x, _list(x, name))
        for key, part in list(x.items() if isinstance(x, dict) else enumerate(x)):
            if type(part) is not Value and not isinstance(part, _PLAIN):
                self._object(part, f"{name}[{key!r}]")

    def _hold(self, container: Any, look: Callable[[], str]) -> None:
        """Watch what is in a list or a dict."""
        self._held.append(container)
        self._contents.append(contents_of(container))
        self._inside.append(look)

    def _module(self, module: Any) -> None:
        """Watch a net: its flags, numbers and parameters."""
        outermost, self._in_module = not self._in_module, True
        for part in [*module.modules()] if outermost else [module]:  # it goes through all of them
            if part is not module and id(part) in self._seen:
                continue  # an attribute of another, through which it has been watched already
            self._seen[id(part)] = part
            kind = type(part).__name__
            read = {k: x for k, x in vars(part).items() if not k.startswith("_")}
            self._hold(vars(part), _attributes(part, read, kind))
            if "training" not in read:  # it is the class's
                self._looks.append(_named(part, "training", part.training, f"{kind}.training"))
            for attribute, value in read.items():
                self._object(value, f"{kind}.{attribute}")
            for base in type(part).__mro__:
                for method in vars(base).values():
                    if isinstance(method, types.FunctionType):
                        self._function(method, "")
        self._in_module = not outermost


# -- looks: whether one thing is what it was -------------------------------------------------------


def _cell(cell: Any, old: Any, name: str) -> Callable[[], str]:
    def look() -> str:
        new = _content(cell)
        return "" if new is old or _same(new, old) else name

    return look


def _item(names: dict[str, Any], key: str, old: Any, name: str) -> Callable[[], str]:
    def look() -> str:
        new = names.get(key, _ABSENT)
        return "" if new is old or _same(new, old) else name

    return look


def _named(root: Any, attribute: str, old: Any, name: str) -> Callable[[], str]:
    def look() -> str:
        new = getattr(root, attribute, _ABSENT)
        return "" if new is old or _same(new, old) else name

    return look


def _attributes(root: Any, old: dict[str, Any], kind: str) -> Callable[[], str]:
    """Some attributes of an instance."""
    looks = [_named(root, name, x, f"{kind}.{name}") for name, x in old.items()]
    return lambda: next(filter(None, (look() for look in looks)), "")


def _list(now: list[Any], name: str) -> Callable[[], str]:
    before = list(now)

    def look() -> str:
        if same_objects(now, before):
            return ""
        if len(now) != len(before):
            return name
        pairs = enumerate(zip(now, before, strict=True))
        return next((f"{name}[{i}]" for i, (x, y) in pairs if x is not y and not _same(x, y)), "")

    return look


def _dict(now: dict[Any, Any], name: str) -> Callable[[], str]:
    before = dict(now)

    def look() -> str:
        if len(now) != len(before):
            return name
        for key, old in before.items():
            new = now.get(key, _ABSENT)
            if new is not old and not _same(new, old):
                return f"{name}[{key!r}]"
        return ""

    return look


def _array(now: np.ndarray[Any, Any], name: str) -> Callable[[], str]:
    if now.dtype == object:
        inside = now.ravel().tolist()

        def look_inside() -> str:
            return "" if same_objects(now.ravel().tolist(), inside) else name

        return look_inside
    before = _bytes(now)
    return lambda: "" if _bytes(now) == before else name


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _ABSENT


def _attribute(root: Any, name: str) -> Any:
    """An attribute, without running anything; what is computed is absent."""
    try:
        found = inspect.getattr_static(root, name)
    except AttributeError:
        return _ABSENT
    if isinstance(found, types.MemberDescriptorType):  # of a class with slots
        return getattr(root, name, _ABSENT)
    return found.__func__ if isinstance(found, (staticmethod, classmethod)) else found


def _foreign(x: Any) -> bool:
    """Whether it belongs to a library whose functions do not change."""
    if isinstance(x, types.ModuleType):
        module = x.__name__
    elif isinstance(x, (types.FunctionType, types.BuiltinFunctionType, type)):
        module = x.__module__ or ""
    else:
        return False
    return module.partition(".")[0] in _FOREIGN


def _same(new: Any, old: Any) -> bool:
    """Whether two objects are the same number, string or the like: to the bit, and of one type."""
    if type(new) is not type(old) or not isinstance(new, _PLAIN):
        return False
    return repr(new) == repr(old)


def _bytes(x: np.ndarray[Any, Any]) -> bytes:
    """The contents of an array, or a sample of them."""
    if x.nbytes <= _WHOLE:
        return x.tobytes()
    return x.ravel()[:: max(1, x.size // 4096)].tobytes()


class Generators:
    """The generators of random numbers that a function can reach, and where they stand."""

    def __init__(self, watch: Watch) -> None:
        self._known = watch.generators
        self._states = self._now()

    def _now(self) -> list[tuple[str, Any]]:
        states: list[tuple[str, Any]] = [
            (_SHARED, random.getstate()),
            ("numpy.random", np.random.get_state(legacy=False)),
        ]
        for x in self._known:
            if isinstance(x, random.Random):
                state: Any = x.getstate()
            elif isinstance(x, np.random.Generator):
                state = x.bit_generator.state
            else:
                state = x.get_state(legacy=False)
            states.append((f"a {type(x).__name__}", state))
        return states

    def moved(self) -> list[str]:
        """The names of those from which numbers were drawn since."""
        pairs = zip(self._states, self._now(), strict=True)
        return [name for (name, old), (_, new) in pairs if _comparable(old) != _comparable(new)]

    def drawn(self, again: Callable[[], Any]) -> str:
        """The name of one from which a function has drawn, now that it was run; "" if of none.

        Other threads may draw from the module ``random`` meanwhile, as those of a Dask worker do
        all the time: where there are any, the function is run ``again``, and watched.
        """
        moved = self.moved()
        if moved == [_SHARED] and threading.active_count() > 1 and not _calls_random(again):
            return ""
        return next(iter(moved), "")

    def restore(self) -> None:
        """Set all of them back to where they stood."""
        (_, state), (_, of_numpy), *others = self._states
        random.setstate(state)
        np.random.set_state(of_numpy)
        for x, (_, state) in zip(self._known, others, strict=True):
            if isinstance(x, random.Random):
                x.setstate(state)
            elif isinstance(x, np.random.Generator):
                x.bit_generator.state = state
            else:
                x.set_state(state)


def _calls_random(run: Callable[[], Any]) -> bool:
    """Whether this thread calls the generator of the module ``random`` while something is run."""
    shared, found = getattr(random.random, "__self__", None), False

    def look(frame: Any, event: str, called: Any) -> None:
        nonlocal found
        if event == "c_call":
            owner, name = getattr(called, "__self__", None), called.__name__
        elif frame.f_globals is vars(random):  # gauss() may need no new number
            owner, name = frame.f_locals.get("self"), frame.f_code.co_name
        else:
            return
        found = found or (owner is shared and name != "getstate")  # which is asked for here

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(before)
    return found


def _comparable(state: Any) -> Any:
    """The state of a generator, with its arrays as bytes."""
    if isinstance(state, dict):
        return {key: _comparable(x) for key, x in state.items()}
    return state.tobytes() if isinstance(state, np.ndarray) else state
