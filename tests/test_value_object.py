"""Value as a Python object: what it takes and refuses, comparing, showing, copying."""

import cmath
import copy
import gc
import math
import operator
import pickle
import sys
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autodiff
from autodiff import Value, functions, scope
from autodiff.engine import reals

NOT_NUMBERS = [
    ("1", r"'1' \(str\)"),
    (b"1", r"b'1' \(bytes\)"),
    (None, r"None \(NoneType\)"),
    (1j, r"1j \(complex\)"),
    ([1.0], r"\[1.0\] \(list\)"),
    ((1.0,), r"\(1.0,\) \(tuple\)"),
    ({}, r"\{\} \(dict\)"),
]
EACH_NOT_A_NUMBER = pytest.mark.parametrize(
    ("thing", "described"), NOT_NUMBERS, ids=[type(thing).__name__ for thing, _ in NOT_NUMBERS]
)
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]

# -- what it takes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [2, 2.0, Fraction(2), np.float64(2), np.float32(2), np.int8(2)])
def test_real_numbers_become_float64(number):
    v = Value(number)
    assert v.data == 2.0
    assert type(v.data) is float
    assert (v.grad, v.name, v.op) == (0.0, "", "")


def test_truth_values_are_numbers():
    assert Value(True).data == 1.0
    assert (Value(3.0) * True).data == 3.0


# -- what it refuses -------------------------------------------------------------------------------


@EACH_NOT_A_NUMBER
def test_other_things_are_not_data(thing, described):
    with pytest.raises(TypeError, match=rf"Value\(data\) must be a real number, not {described}"):
        Value(thing)
    v = Value(1.0)
    for attribute in ("data", "grad"):
        with pytest.raises(TypeError, match=f"{attribute} must be a real number, not {described}"):
            setattr(v, attribute, thing)
    with pytest.raises(TypeError, match=rf"seed\) must be a real number, not {described}"):
        v.backward(thing)
    assert (v.data, v.grad) == (1.0, 0.0)


@EACH_NOT_A_NUMBER
@pytest.mark.parametrize("operate", OPERATORS, ids=lambda f: f.__name__)
def test_other_things_are_not_operands(operate, thing, described):
    v = Value(1.0)
    message = f"must be a Value or a real number, not {described}"
    with pytest.raises(TypeError, match=message):
        operate(v, thing)
    with pytest.raises(TypeError, match=message):
        operate(thing, v)


def test_unknown_types_may_answer_themselves_and_else_are_refused():
    class Unit:
        def __radd__(self, other):
            return "metres"

    assert Value(1.0) + Unit() == "metres"
    for stranger in (Decimal(1), object()):
        assert Value(1.0).__mul__(stranger) is NotImplemented
        with pytest.raises(TypeError):
            Value(1.0) * stranger


def test_an_array_is_not_data_and_the_message_says_what_to_write():
    for array in (np.array([1.0]), np.array(1.0)):
        with pytest.raises(TypeError, match=r"np.array\(\[Value\(x\) for x in xs\]\)"):
            Value(array)


def test_a_value_of_a_value_is_refused():
    v = Value(1.0)
    with pytest.raises(TypeError, match=r"\.data is its number, \.detach\(\) a copy"):
        Value(v)
    with pytest.raises(TypeError, match=r"\.data is its number"):
        v.data = Value(2.0)
    with pytest.raises(TypeError, match=r"\.data is its number"):
        v.backward(Value(2.0))


def test_numbers_beyond_float64_are_refused():
    v = Value(1.0)
    # The second is also too long for str().
    for huge in (10**400, 10**5000, Fraction(10**400)):
        for attempt in (lambda x: Value(x), lambda x: v + x, lambda x: x * v):
            with pytest.raises(ValueError, match=r"beyond the range of float64"):
                attempt(huge)


def test_names_are_strings():
    v = Value(1.0, name="speed")
    assert v.name == "speed"
    v.name = "velocity"
    assert v.name == "velocity"
    for attempt in (lambda: Value(1.0, name=3), lambda: setattr(v, "name", None)):
        with pytest.raises(TypeError, match="name"):
            attempt()
    assert v.name == "velocity"


def test_data_of_a_leaf_can_be_set_and_that_of_a_computed_value_cannot():
    v = Value(1.0)
    v.data = Fraction(1, 2)
    assert v.data == 0.5
    with pytest.raises(TypeError, match=r"computed Value \(exp\).*only a leaf's.*detach\(\)"):
        v.exp().data = 1.0


# -- conversions that would lose the gradient ------------------------------------------------------


@pytest.mark.parametrize("convert", [float, complex, math.sin, math.hypot, cmath.exp])
def test_conversion_to_float_names_data_and_autodiff(convert):
    with pytest.raises(TypeError, match=r"\.data .*autodiff\.sin"):
        convert(Value(1.0))


def test_conversion_to_int_names_data():
    with pytest.raises(TypeError, match=r"int\(v\.data\)"):
        int(Value(1.0))
    with pytest.raises(TypeError):
        operator.index(Value(1.0))


def test_arrays_of_floats_do_not_swallow_values():
    with pytest.raises(TypeError, match=r"\.data"):
        np.array([Value(1.0)], dtype=np.float64)
    with pytest.raises(TypeError, match=r"\.data"):
        np.zeros(1)[0] = Value(1.0)


def test_what_is_not_differentiable_is_not_defined():
    v = Value(7.0)
    for attempt in (
        lambda: v % 2,
        lambda: v // 2,
        lambda: v @ v,
        lambda: divmod(v, 2),
        lambda: round(v, 2),
        lambda: pow(v, 2, 3),
        lambda: list(v),
        lambda: len(v),
    ):
        with pytest.raises(TypeError):
            attempt()


@pytest.mark.parametrize("operation", [operator.floordiv, operator.mod])
def test_an_operator_for_integers_is_refused(operation):
    for operands in [(Value(7.0), 2), (7, Value(2.0))]:
        with pytest.raises(TypeError):
            operation(*operands)


# -- comparing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [Value(3.0), 3, 3.0, Fraction(3), np.float64(3)])
def test_comparisons_compare_data(other):
    low, equal, high = Value(2.0), Value(3.0), Value(4.0)
    assert [v < other for v in (low, equal, high)] == [True, False, False]
    assert [v <= other for v in (low, equal, high)] == [True, True, False]
    assert [v == other for v in (low, equal, high)] == [False, True, False]
    assert [v != other for v in (low, equal, high)] == [True, False, True]
    assert [v >= other for v in (low, equal, high)] == [False, True, True]
    assert [v > other for v in (low, equal, high)] == [False, False, True]
    assert [other < v for v in (low, equal, high)] == [False, False, True]
    assert [other == v for v in (low, equal, high)] == [False, True, False]


def test_sorting_takes_the_order_of_data():
    values = [Value(x) for x in (3.0, -1.0, 2.0)]
    assert [v.data for v in sorted(values)] == [-1.0, 2.0, 3.0]
    assert max(values) is values[0]


def test_nan_equals_nothing():
    v = Value(math.nan)
    assert (v == v) is False
    assert v != v
    assert not v < 1
    assert not v >= 1


def test_a_value_differs_from_what_is_not_a_number():
    v = Value(1.0)
    for thing, _ in NOT_NUMBERS:
        assert (v == thing) is False
        assert v != thing
        assert v.__lt__(thing) is NotImplemented
        with pytest.raises(TypeError):
            _ = v < thing


def test_a_value_differs_from_an_integer_beyond_float64():
    v = Value(1.0)
    assert (v == 10**400) is False
    assert v != 10**400
    assert v < 10**400
    assert v > -(10**400)


def test_comparison_with_an_array_is_elementwise():
    assert (Value(2.0) < np.array([1.0, 3.0])).tolist() == [False, True]
    assert (np.array([1.0, 2.0]) == Value(2.0)).tolist() == [False, True]


def test_a_hash_belongs_to_one_value():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a, b}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    key = hash(a)
    a.data = 5.0
    assert hash(a) == key


def test_truth_is_that_of_data():
    assert [bool(Value(x)) for x in (0.0, -0.0, 5e-324, -1.0, math.nan)] == [
        bool(x) for x in (0.0, -0.0, 5e-324, -1.0, math.nan)
    ]


# -- showing ---------------------------------------------------------------------------------------


def test_repr_shows_what_there_is():
    v = Value(2.0)
    assert repr(v) == str(v) == "Value(2.0)"
    assert repr(v * 3) == "Value(6.0, op='mul')"
    y = (v * 3) * 2
    y.backward()
    y.name = "y"
    assert repr(v) == "Value(2.0, grad=6.0)"
    assert repr(y) == "Value(12.0, grad=1.0, op='mul', name='y')"
    assert repr(Value(1e300, name="big")) == "Value(1e+300, name='big')"


def test_a_notebook_shows_a_table():
    v = Value(2.0, name="<v>")
    y = v * 3
    y.backward()
    y.backward()
    assert v._repr_html_() == (
        "<table><tr><th>name</th><td>&lt;v&gt;</td></tr><tr><th>data</th><td>2.0</td></tr>"
        "<tr><th>grad</th><td>6.0</td></tr><tr><th>op</th><td></td></tr></table>"
    )
    assert "<th>op</th><td>mul</td>" in y._repr_html_()
    shown = []
    autodiff.grad(lambda x: shown.append(x._repr_html_()) or x)(2.0)
    autodiff.jit(lambda x: shown.append((x * x)._repr_html_()) or x)(2.0)
    assert shown[-1] == "Value(traced, op=&#x27;mul&#x27;)"


def test_format_formats_data():
    v = Value(math.pi, name="pi")
    assert f"{v:.3f} {v:+.1e} {v:>8.2f}" == "3.142 +3.1e+00     3.14"
    assert f"{v}" == repr(v)
    with pytest.raises(ValueError):  # noqa: PT011  # in a float's own words
        f"{v:nonsense}"


# -- copying ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_leaves_are_copied_whole_and_computed_values_refused(duplicate):
    v = Value(2.0, name="weight")
    v.grad = 3.0
    twin = duplicate(v)
    assert twin is not v
    assert (twin.data, twin.grad, twin.name, twin.op) == (2.0, 3.0, "weight", "")
    twin.data = 7.0
    assert v.data == 2.0
    with pytest.raises(TypeError, match=r"computed Value \(mul\).*detach\(\)"):
        duplicate(v * 2)


def test_deep_copies_keep_sharing():
    v = Value(2.0)
    one, two = copy.deepcopy([v, v])
    assert one is two
    assert one is not v


def test_detach_is_a_leaf_of_its_own():
    x = Value(3.0, name="x")
    y = (x * x).detach()
    (y * x).backward()
    assert (y.op, y.operands, y.grad) == ("", (), 3.0)
    assert x.grad == 9.0
    assert x.detach() is not x


# -- what programs put on it -----------------------------------------------------------------------


def each_kind_of_node():
    x = Value(2.0, name="x")
    with scope("layer"):
        return [x, Value(3.0), x * 3, functions.sum([x, x])]


@pytest.mark.parametrize("i", range(4))
def test_a_node_keeps_what_programs_put_on_it(i):
    nodes = each_kind_of_node()
    v = nodes[i]
    before = (v.data, v.op, v.name, v.scope, v.operands)
    assert not hasattr(v, "momentum")
    v.momentum = 0.5
    v.momentum += 1
    setattr(v, "x y", None)
    assert (v.momentum, getattr(v, "x y")) == (1.5, None)
    assert vars(v) == {"momentum": 1.5, "x y": None}
    assert {"momentum", "data", "sin"} <= set(dir(v))
    for w in nodes:
        assert hasattr(w, "momentum") == (w is v)
        assert "momentum" not in dir(w) or w is v
    del v.momentum
    assert not hasattr(v, "momentum")
    vars(v)["momentum"] = 2.0
    assert v.momentum == 2.0
    assert (v.data, v.op, v.name, v.scope, v.operands) == before
    functions.sum(nodes).backward(create_graph=True)
    assert (v.grad.data, v.momentum) == ([6, 1, 1, 1][i], 2.0)


def test_an_attribute_that_is_not_there_is_named():
    v = Value(2.0)
    for _ in range(2):  # also when there are others
        with pytest.raises(AttributeError) as error:
            v.momentun  # noqa: B018  # reading it is the test
        assert error.value.name == "momentun"
        with pytest.raises(AttributeError):
            del v.momentun
        v.momentum = 1.0


@pytest.mark.parametrize("name", ["op", "operands", "partials", "scope"])
def test_what_a_node_says_of_itself_cannot_be_set(name):
    leaf, computed = Value(2.0), Value(2.0) * 3
    for v in (leaf, computed, leaf, computed):
        before = getattr(v, name)
        with pytest.raises(AttributeError):
            setattr(v, name, before)
        with pytest.raises(AttributeError):
            delattr(v, name)
        vars(v)[name] = "hidden"
        assert getattr(v, name) == before


def test_a_method_may_be_hidden_as_on_any_object():
    v, w = Value(0.0), Value(0.0)
    v.cos = lambda: "mine"
    assert v.cos() == "mine"
    assert w.cos().data == functions.cos(v).data == 1.0
    del v.cos
    assert v.cos().data == 1.0
    with pytest.raises(AttributeError):
        del v.cos


def test_attributes_are_copied_and_pickled_with_a_leaf():
    v = Value(2.0, name="v")
    v.grad = 3.0
    v.state = [1.0, 2.0]
    v.itself = v
    shallow, deep, pickled = copy.copy(v), copy.deepcopy(v), pickle.loads(pickle.dumps(v))
    assert shallow.state is v.state
    assert shallow.itself is v
    for w in (deep, pickled):
        assert (w.data, w.grad, w.name, w.state) == (2.0, 3.0, "v", [1.0, 2.0])
        assert w.state is not v.state
        assert w.itself is w
    assert vars(pickle.loads(pickle.dumps(Value(1.0)))) == {}


class Witness:
    """Something whose release can be seen."""


def itself(p):
    p.other = p


def what_it_led_to(p):
    p.other = (p * 2 + 1) * p


def in_a_list(p):
    p.other = [functions.sum([p * 2, 1.0, p])]


def in_a_dict_of_a_node(p):
    q = p * 2
    p.other = {"q": q + q}
    q.other = p
    (q * q).backward(create_graph=True)


def users_of_each_other(p):
    q = p * 2
    for v in (p, q):
        v.users = []
    p.users.append(q)
    q.users.append(p)


def in_a_function(p):
    q = p * 2
    q.back = lambda: q


@pytest.mark.parametrize(
    "tie",
    [itself, what_it_led_to, in_a_list, in_a_dict_of_a_node, users_of_each_other, in_a_function],
)
def test_cycles_through_attributes_are_released(tie):
    gc.collect()
    p = Value(3.0)
    p.witness = Witness()
    kept = p * 2
    alive = weakref.ref(p.witness)
    tie(p)
    gc.collect()
    assert alive() is not None
    (kept * p).backward()
    del p, kept
    gc.collect()
    assert alive() is None


def test_long_chains_of_attributes_are_released():
    first = v = Value(0.0)
    for _ in range(100_000):
        v.next = Value(1.0)
        v = v.next
    v.witness = Witness()
    alive = weakref.ref(v.witness)
    del v
    assert alive() is not None
    del first
    gc.collect()
    assert alive() is None


def test_attributes_on_every_node_of_a_graph_cost_linear_time():
    before = v = Value(1.0)
    for _ in range(100_000):
        v = v + 1.0
        v.before = before  # if each were to look at all below it, this would take hours
        before = v
    assert v.before is v.operands[0]


@pytest.mark.skipif(not autodiff.COMPILED, reason="interpreted, every node has room")
def test_a_node_without_attributes_has_no_room_for_them():
    assert sys.getsizeof(Value(1.0)) == 96


def test_a_dictionary_is_taken_as_it_is():
    taken = {"a": 1}
    assert reals.dictionary(taken, "what is saved") is taken
    with pytest.raises(TypeError, match=r"what is saved must be a dict, not \[1\] \(list\)"):
        reals.dictionary([1], "what is saved")
