"""Every example in a docstring prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import autodiff

MODULES = ["autodiff", *(m.name for m in pkgutil.walk_packages(autodiff.__path__, "autodiff."))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_compiled_modules_examples_are_found():
    results = doctest.testmod(importlib.import_module("autodiff.value"))
    assert results.attempted >= 6
