"""Every public name says what it is: what it takes and gives, what it refuses, and an example."""

import doctest
import importlib
import inspect
import re
import types

import pytest
from test_doctests import MODULES

import autodiff
from autodiff import plot
from autodiff.evaluation import VALUES
from autodiff.ops import CODES, ROWS, TABLE

#: Why what has no ``Raises:`` cannot raise.
NEVER_RAISE = {
    "autodiff.no_grad": "it takes nothing",
    "autodiff.ops.markdown": "it takes nothing",
    "autodiff.ops.Row": "it holds what the table says, which the tests look through",
    "autodiff.nn.init.zeros": "it takes the sizes of a layer, which has checked them",
    "autodiff.optim.History": "it holds what fit() measured; what is loaded is checked",
    "autodiff.optim.Trajectory": "it holds what minimize() found",
    "autodiff.graph.Explorer": "it holds a page that explore() has made",
    "autodiff.testing.Accuracy": "it holds what accuracy() found",
    "autodiff.testing.Bounds": "it holds what bounds() found",
    "autodiff.testing.Loss": "it holds what accuracy() found",
    "autodiff.testing.Component": "it holds what check_gradient() found",
    "autodiff.testing.Estimate": "it holds what numerical_gradient() found",
    "autodiff.testing.GradientError": "it holds what check_gradient() found",
}
ELEMENTWISE = {r.name: VALUES[r.name] for r in TABLE if not r.over_lists}


def public(module, path):
    """The functions and classes that a module and its public modules offer, with their paths."""
    for name in module.__all__:
        x = getattr(module, name)
        if isinstance(x, types.ModuleType):
            yield from public(x, f"{path}.{name}")
        elif inspect.isclass(x) or inspect.isroutine(x):
            yield f"{path}.{name}", x


def members(cls):
    """The public methods and properties of a class, those of its bases too, by name."""
    ours = [c for c in cls.__mro__ if c.__module__.startswith("autodiff")]
    return {
        name: x
        for c in reversed(ours)
        for name, x in vars(c).items()
        if not name.startswith("_")
        and (inspect.isroutine(x) or isinstance(x, property) or inspect.isdatadescriptor(x))
    }


OFFERED = [*public(autodiff, "autodiff"), *public(plot, "autodiff.plot")]
ONCE = {id(x): (path, x) for path, x in OFFERED}  # autodiff.functions.sin is autodiff.sin
PUBLIC = dict(ONCE.values())
CLASSES = {path: x for path, x in PUBLIC.items() if inspect.isclass(x)}
EACH = pytest.mark.parametrize("path", PUBLIC)


def test_every_public_module_is_looked_through():
    expected = {"Value", "sin", "functions.sum", "ops.row", "nn.MLP", "nn.init.normal", "optim.SGD"}
    expected |= {"optim.lr_scheduler.StepLR", "graph.draw", "plot.curve", "testing.points"}
    assert {f"autodiff.{name}" for name in expected} <= PUBLIC.keys()
    assert members(autodiff.Value).keys() >= {"data", "backward", "detach", "sin", "conjugate"}
    assert members(autodiff.optim.SGD).keys() >= {"step", "update", "params"}


@EACH
def test_it_has_an_example(path):
    assert ">>> " in inspect.getdoc(PUBLIC[path])


@EACH
def test_it_says_what_it_raises(path):
    assert (re.search(r"^Raises:\n    \w", inspect.getdoc(PUBLIC[path]), re.M) is None) == (
        path in NEVER_RAISE
    )


def test_what_never_raises_is_public():
    assert NEVER_RAISE.keys() <= PUBLIC.keys()


def parameters_of(x):
    """The names of what a function, or the constructor of a class, takes."""
    if x in ELEMENTWISE.values():
        return set(ROWS[CODES[x.__name__]].names)
    return set(inspect.signature(x).parameters)


def described(x):
    """The names that a docstring, or those of the bases of a class, list or have in code."""
    texts = [c.__doc__ or "" for c in x.__mro__] if inspect.isclass(x) else [x.__doc__]
    text = "\n".join(map(inspect.cleandoc, texts))
    in_code = re.findall(r"``.*?``", text, re.S)
    listed = re.findall(r"^    ((?:\*{0,2}\w+, )*\*{0,2}\w+): ", text, re.M)
    return set(re.findall(r"\w+", " ".join([*in_code, *listed])))


@EACH
def test_it_says_what_each_parameter_is(path):
    if path == "autodiff.Value" and autodiff.COMPILED:
        pytest.skip("a compiled class has no signature; the interpreted one is the same")
    assert parameters_of(PUBLIC[path]) <= described(PUBLIC[path])


@pytest.mark.parametrize("path", CLASSES)
def test_methods_and_properties_say_what_they_are(path):
    assert [n for n, x in members(CLASSES[path]).items() if not inspect.getdoc(x)] == []


@pytest.mark.parametrize("path", CLASSES)
def test_a_class_says_itself_what_it_is(path):
    assert vars(CLASSES[path]).get("__doc__")


@pytest.fixture(scope="module")
def run():
    """The names of all examples that test_doctests.py runs."""
    finder = doctest.DocTestFinder()
    modules = map(importlib.import_module, MODULES)
    return {test.name for module in modules for test in finder.find(module) if test.examples}


@EACH
def test_its_example_is_run(path, run):
    x = PUBLIC[path]
    if x not in ELEMENTWISE.values():  # test_ops.py runs the table's
        assert f"{x.__module__}.{x.__qualname__}" in run
