"""Which engine runs, the C source it is compiled from, and what stands in for old Pythons."""

import math
import os
import re
import subprocess
import sys

import pytest

import autodiff
from autodiff import _engine, ckernels, ieee, ops, value


def fresh(program, **environment):
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def test_the_environment_chooses_the_interpreted_engine():
    program = "import autodiff; print(autodiff.COMPILED, autodiff.value.__file__[-8:])"
    assert fresh(program, AUTODIFF_PURE="1") == "False value.py"


def test_a_source_tree_without_cython_is_enough():
    program = (
        "import sys; sys.modules['cython'] = None; import autodiff; print(autodiff.Value(2) * 3)"
    )
    assert fresh(program, AUTODIFF_PURE="1") == "Value(6.0, op='mul')"


def test_kernels_of_another_table_are_refused(monkeypatch):
    monkeypatch.setattr(value, "COMPILED", True)
    monkeypatch.setattr(value, "TABLE_DIGEST", "another")
    with pytest.raises(ImportError, match="built from another table"):
        _engine.check()


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
    else:
        sets = re.findall(r"\*d[ab] =|das\[\d\] =", case.group(1))
        assert len(set(sets)) == len(sets) == len(row.partials)
        assert f"AD_INLINE double ad_{row.name}(" in header


def test_the_header_is_that_of_the_digest():
    assert f'#define AD_TABLE "{ckernels.digest()}"' in ckernels.header()
    assert ckernels.header().count("{") == ckernels.header().count("}")


@pytest.mark.parametrize("a", [2.0, -8.0, 27.0, 1e300, -1e-300, 0.1, 12345.678, 5e-324])
def test_the_cube_root_of_old_pythons_is_the_cube_root(a):
    root = ieee._cbrt(a)
    assert abs(root - ieee.FUNCTIONS["cbrt"](a)) <= math.ulp(root)


@pytest.mark.parametrize("a", [0.0, -0.0, math.inf, -math.inf])
def test_the_cube_root_of_old_pythons_keeps_zeros_and_infinities(a):
    assert math.copysign(1, ieee._cbrt(a)) == math.copysign(1, a)
    assert ieee._cbrt(a) == a


def test_unknown_attributes_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = autodiff.nonsense
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = autodiff.testing.nonsense
