"""Which engine runs, the C source it is compiled from, and what stands in for old Pythons."""

import ctypes
import itertools
import math
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import autodiff
from autodiff import ops
from autodiff.engine import choice, ckernels, ieee, instructions, kernels


def fresh(program, folder=Path(autodiff.__file__).parents[1], **environment):
    """What a new interpreter prints that finds the package in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def test_the_environment_chooses_the_interpreted_engine():
    program = "import autodiff; print(autodiff.COMPILED, autodiff.value.__file__[-8:])"
    assert fresh(program, AUTODIFF_PURE="1") == "False value.py"


@pytest.mark.parametrize("asked", ["1", "0", ""])
def test_it_is_looked_for_in_its_source_if_asked(asked):
    program = (
        "import sys, autodiff; from autodiff.engine.choice import Interpret; "
        "print(any(type(finder) is Interpret for finder in sys.meta_path))"
    )
    assert fresh(program, AUTODIFF_PURE=asked) == str(asked == "1")


def test_only_what_is_compiled_is_looked_for():
    finder = choice.Interpret()
    assert finder.find_spec("autodiff.value").origin == str(choice.ROOT / "value.py")
    for name in ("autodiff", "autodiff.ops", "autodiff.engine", "another.value", "value"):
        assert finder.find_spec(name) is None


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory):
    """A folder with the package as it is installed where there is no C compiler."""
    folder = tmp_path_factory.mktemp("uncompiled")
    left_out = shutil.ignore_patterns("*.so", "*.pyd", "*.c", "__pycache__")
    shutil.copytree(choice.ROOT, folder / "autodiff", ignore=left_out)
    return folder


def test_a_choice_is_not_explained_to_who_made_it(monkeypatch):
    for asked, words in [(True, "AUTODIFF_PURE asks for it"), (False, "about ten times slower")]:
        monkeypatch.setattr(choice, "ASKED", asked)
        assert words in choice.sentence(False)


def test_one_sentence_says_which_engine_runs_and_why(uncompiled):
    program = (
        "import autodiff; from autodiff.engine.choice import sentence; "
        "print(sentence(autodiff.COMPILED))"
    )
    assert fresh(program, AUTODIFF_PURE="1") == (
        "the engine runs interpreted, since AUTODIFF_PURE asks for it"
    )
    assert choice.sentence(True) == "the engine is compiled"
    said = fresh(program, uncompiled, AUTODIFF_PURE="0")
    assert said.startswith("the engine runs interpreted, about ten times slower, since none is ")
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"{version} in {uncompiled / 'autodiff'}: install autodiff again where" in said
    assert "C compiler, by pip with --force-reinstall and --no-cache-dir, or set AUTODIFF" in said
    assert "\n" not in said


WORK = """
import warnings
from autodiff import Value, jit
from autodiff.engine import choice

choice.MANY = {many}
f = jit(lambda x: x * x + x, check=False)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for i in range(100):
        {work}
for warning in caught:
    print(warning.category.__name__, warning.filename, warning.lineno, warning.message)
"""
EAGERLY = "x = Value(2.0); (x * x + x).backward()"


def test_a_warning_comes_when_there_are_many(monkeypatch):
    for name, value in (("MANY", 8), ("_before", 4), ("ASKED", False)):
        monkeypatch.setattr(choice, name, value)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(4):
            choice.count_interpreted(2)
    assert [warning.category for warning in caught] == [RuntimeWarning]
    assert str(caught[0].message).startswith("the engine runs interpreted")


@pytest.mark.parametrize("work", [EAGERLY, "f(2.0)"])
def test_an_interpreted_engine_that_nobody_asked_for_is_mentioned_once(uncompiled, work):
    (said,) = fresh(WORK.format(many=150, work=work), uncompiled, AUTODIFF_PURE="").splitlines()
    assert said.startswith("RuntimeWarning <string> 11 the engine runs interpreted, about ten")


@pytest.mark.parametrize(("many", "asked"), [(choice.MANY, "0"), (150, "1")])
def test_it_is_not_mentioned_where_it_costs_little_or_is_asked_for(uncompiled, many, asked):
    program = WORK.format(many=many, work=EAGERLY)
    assert fresh(program, uncompiled, AUTODIFF_PURE=asked) == ""


@pytest.mark.skipif(not autodiff.COMPILED, reason="there is no compiled engine")
def test_a_compiled_engine_says_nothing():
    assert fresh(WORK.format(many=150, work=EAGERLY), AUTODIFF_PURE="0") == ""


def test_a_source_tree_without_cython_is_enough():
    program = (
        "import sys; sys.modules['cython'] = None; import autodiff; print(autodiff.Value(2) * 3)"
    )
    assert fresh(program, AUTODIFF_PURE="1") == "Value(6.0, op='mul')"


def test_the_header_is_written_where_nothing_is_installed():
    """As ``setup.py`` does it, in an environment with Cython and setuptools alone."""
    program = (
        "import sys, types; package = types.ModuleType('autodiff'); "
        f"package.__path__ = [{str(Path(autodiff.__file__).parent)!r}]; "
        "sys.modules.update(autodiff=package, numpy=None, graphviz=None); "
        "from autodiff.engine.choice import MODULES; "
        "from autodiff.engine.ckernels import header; "
        "print('value' in MODULES, 'ad_list' in header())"
    )
    assert fresh(program) == "True True"


def test_kernels_of_another_table_are_refused():
    with pytest.raises(ImportError, match="built from another table"):
        choice.check(True, "another")
    choice.check(True, ckernels.digest())
    choice.check(False, "")


def test_the_digest_sees_every_change_of_the_table(monkeypatch):
    before = ckernels.digest()
    changed = [*ops.TABLE[:-1], ops.Row("logsumexp", "as", "m + log(t)", ["1.001"], fold="a")]
    monkeypatch.setattr(ckernels, "TABLE", changed)
    assert ckernels.digest() != before


@pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)
def test_every_row_is_written_in_c(row):
    header = ckernels.header()
    case = re.search(rf"case AD_{row.name}: {{(.*?)return v; }}", header, re.DOTALL)
    if row.over_lists:
        case = re.search(rf"case AD_{row.name}: {{(.*?)return v;", header, re.DOTALL)
        assert case.group(1).count("s[i] =") >= len(row.partials)
        assert "return v;" in ckernels.list_function(row)
    else:
        sets = re.findall(r"\*d[ab] =|das\[\d\] =", case.group(1))
        assert len(set(sets)) == len(sets) == len(row.partials)
        assert f"AD_INLINE double ad_{row.name}(" in header


def test_the_header_is_that_of_the_digest():
    assert f'#define AD_TABLE "{ckernels.digest()}"' in ckernels.header()
    assert ckernels.header().count("{") == ckernels.header().count("}")


WRAPPED = """
typedef long Py_ssize_t;
#include "kernels.h"
double unary(int op, double a, double *da) { return ad_unary(op, a, da); }
double binary(int op, double a, double b, int need, double *da, double *db) {
    return ad_binary(op, a, b, need, da, db);
}
double list(int op, Py_ssize_t n, const double *as, const double *bs, double *das, double *dbs) {
    return ad_list(op, n, as, bs, das, dbs);
}
#define NAME(name) #name " "
const char *kinds[] = {
    AD_UNARY(NAME), AD_BINARY(NAME), AD_ONE_LIST(NAME), AD_TWO_LISTS(NAME)
};
const int rows = AD_ROWS, python = AD_python;
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The kernels in C, compiled for themselves."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform == "win32":
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "kernels.h").write_text(ckernels.header())
    (folder / "wrapped.c").write_text(WRAPPED)
    options = ["-std=c99", "-fPIC", "-shared", "-Wall", "-Werror", "-ffp-contract=off"]
    command = [compiler, *options, "wrapped.c", "-o", "wrapped.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    loaded = ctypes.CDLL(str(folder / "wrapped.so"))
    for function in (loaded.unary, loaded.binary, loaded.list):
        function.restype = ctypes.c_double
    return loaded


def doubles(*numbers):
    return (ctypes.c_double * len(numbers))(*numbers)


NUMBERS = [0.5, -1.25, 3.0, 0.0, -0.0, math.inf, math.nan, -1e-300]


@pytest.mark.parametrize("row", ops.TABLE, ids=lambda row: row.name)
def test_kernels_in_c_compute_what_the_interpreted_ones_do(library, row):
    code = ops.CODES[row.name]
    kernel = kernels.KERNELS[code]
    if row.over_lists:
        for xs in (NUMBERS[:3], NUMBERS[3:5], NUMBERS[4:6], [2.0]):
            lists = [xs, [x * 0.5 - 1 for x in xs]][: len(row.names)]
            value, partials = kernel(*lists)
            das, dbs = doubles(*xs), doubles(*xs)
            arrays = [doubles(*numbers) for numbers in lists]
            found = library.list(code, len(xs), arrays[0], arrays[-1], das, dbs)
            assert repr(found) == repr(value)
            assert repr([*das, *dbs][: len(partials)]) == repr(partials)
            assert repr(library.list(code, len(xs), arrays[0], arrays[-1], None, None)) == repr(
                found
            )
    elif len(row.names) > 2:  # given as a list
        for xs in itertools.product(NUMBERS, repeat=len(row.names)):
            partials = doubles(*xs)
            found = library.list(code, len(xs), doubles(*xs), doubles(*xs), partials, doubles(*xs))
            assert repr((found, [*partials])) == repr(
                (kernel(list(xs))[0], [*kernel(list(xs))[1]])
            ), xs
    elif len(row.names) == 1:
        for a in NUMBERS:
            da = doubles(7.0)
            found = library.unary(code, ctypes.c_double(a), da)
            assert repr((found, *da)) == repr(kernel(a)), a
    else:
        for a in NUMBERS:
            for b in NUMBERS:
                for need in (1, 2, 3):
                    da, db = doubles(0.0), doubles(0.0)
                    pair = ctypes.c_double(a), ctypes.c_double(b)
                    found = library.binary(code, *pair, need, da, db)
                    assert repr((found, *da, *db)) == repr(kernel(a, b, need)), (a, b, need)


def kind_of(row):
    """Whether a kernel takes lists, and how many operands or lists; three operands are a list."""
    return (True, 1) if len(row.names) > 2 else (row.over_lists, len(row.names))


def test_the_header_names_the_rows_of_each_kind(library):
    kinds = (ctypes.c_char_p * 4).in_dll(library, "kinds")
    for names, (over_lists, operands) in zip(
        kinds, [(False, 1), (False, 2), (True, 1), (True, 2)], strict=True
    ):
        chosen = [r.name for r in ops.TABLE if kind_of(r) == (over_lists, operands)]
        assert names.decode().split() == chosen
    assert ctypes.c_int.in_dll(library, "rows").value == instructions.STATIC
    assert ctypes.c_int.in_dll(library, "python").value == -1


@pytest.mark.parametrize("a", [2.0, -8.0, 0.1, 1e300, 5e-324, 0.0, -0.0, math.inf, -math.inf])
def test_the_cube_root_of_old_pythons_is_that_of_c(a):
    root = ieee._cbrt()
    assert root(a).hex() == ieee.FUNCTIONS["cbrt"](a).hex()


def test_unknown_attributes_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = autodiff.nonsense
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = autodiff.testing.nonsense
