"""Arguments and results of transforms: floats, arrays, nested structures; what else is refused."""

import collections
import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from autodiff import (
    Value,
    derivative,
    functions,
    grad,
    hessian,
    hvp,
    jacobian,
    jit,
    jvp,
    scan,
    take,
    vjp,
    vmap,
)

Point = collections.namedtuple("Point", "x y")


def alike(found, wanted):
    """Equal, and of the same types and shapes all the way down."""
    assert type(found) is type(wanted)
    if isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            alike(found[key], wanted[key])
    elif isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            alike(a, b)
    elif isinstance(wanted, np.ndarray):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        assert found.tolist() == wanted.tolist()
    else:
        assert found == wanted


TREES = [
    2.0,
    [1.0, 2.0],
    (1.0, [2.0, (3.0,)]),
    [],
    {"w": 1.0, "b": [2.0, {"c": 3.0}]},
    Point(1.0, [2.0]),
    np.array([1.0, 2.0]),
    np.array([[1.0, 2.0], [3.0, 4.0]]),
    np.zeros((2, 0)),
    np.array([[[1.0]]]),
    {"a": np.arange(3.0), "b": (np.eye(2), 5.0)},
]


def total(tree):
    """The sum of the squares of all numbers."""
    if isinstance(tree, dict):
        return total(list(tree.values()))
    if isinstance(tree, (list, tuple)):
        return sum(map(total, tree), 0.0)
    if isinstance(tree, np.ndarray):
        return sum((x * x for x in tree.flat), 0.0)
    return tree * tree if isinstance(tree, (Value, float)) else 0.0


def doubled(tree):
    if isinstance(tree, dict):
        return {key: doubled(x) for key, x in tree.items()}
    if isinstance(tree, Point):
        return Point(*map(doubled, tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(doubled, tree))
    return tree if tree is None or isinstance(tree, (bool, str)) else tree * 2.0


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_results_mirror_the_structure(tree):
    for _ in range(2):
        alike(grad(total)(tree), doubled(tree))
        alike(jit(doubled)(tree), doubled(tree))
        value, pull = vjp(doubled, tree)
        alike(value, doubled(tree))
        alike(pull(tree), (doubled(tree),))
        alike(jvp(doubled, (tree,), (tree,)), (doubled(tree), doubled(tree)))
        alike(hvp(total, (tree,), (tree,)), doubled(tree))


def test_static_parts_stay_where_they_are():
    tree = [1.0, "relu", True, None, {"k": "v", "x": np.ones(2)}]
    alike(grad(total)(tree), doubled(tree))


@pytest.mark.parametrize("true", [True, np.True_])
def test_a_truth_is_a_number_by_itself_and_in_a_tree_a_flag(true):
    def f(x):
        return 3.0 * x * x

    def flagged(t):
        return f(t["x"]) if t["flag"] else t["x"]

    assert (grad(f)(true), jit(grad(f))(true), grad(f).lower(true)(true)) == (6.0, 6.0, 6.0)
    assert grad(flagged)({"x": 1.0, "flag": true}) == {"x": 6.0, "flag": true}
    lowered = jit(lambda t: 3.0 * t["flag"]).lower({"flag": true})
    assert lowered({"flag": False}) == 0.0  # nothing is differentiated there: it is a number


def test_blocks_of_a_jacobian_and_a_hessian():
    tree = {"m": np.array([[1.0, 2.0]]), "s": 3.0}
    found = jacobian(lambda t: (t["m"] * t["s"], [t["s"] ** 2]))(tree)
    alike(
        found,
        (
            {
                "m": np.array([[[[3.0, 0.0]], [[0.0, 3.0]]]]),
                "s": np.array([[1.0, 2.0]]),
            },
            [{"m": np.array([[0.0, 0.0]]), "s": 6.0}],
        ),
    )
    blocks = hessian(lambda t: (t["m"] ** 2).sum() * t["s"])(tree)
    alike(
        blocks["m"],
        {
            "m": np.array([[[[6.0, 0.0], [0.0, 6.0]]]]).reshape(1, 2, 1, 2),
            "s": np.array([[2.0, 4.0]]),
        },
    )
    alike(blocks["s"], {"m": np.array([[2.0, 4.0]]), "s": 0.0})


def test_arrays_of_other_types_are_float64():
    for kind in (np.float16, np.float32, np.int8, np.int64, np.uint16):
        alike(grad(total)(np.array([1, 2], kind)), np.array([2.0, 4.0]))
    alike(grad(lambda x: x * x)(np.array(3.0)), np.array(6.0))
    for number in (3, np.float32(3), np.int16(3), Fraction(3)):
        alike(grad(lambda x: x * x)(number), 6.0)
    reversed_view = np.arange(6.0).reshape(2, 3).T[::-1]
    alike(grad(total)(reversed_view), np.ascontiguousarray(2 * reversed_view))
    objects = np.array([Value(1.0), 2.0], object)
    found = jit(lambda x: x * 2)(objects)
    assert (found[0].data, found[1]) == (2.0, 4.0)


def test_an_array_without_axes_is_one_number():
    assert grad(lambda x: x.sin())(np.array(0.0)) == 1.0
    assert derivative(lambda x: x**3, 2)(np.array(2.0)) == 12.0


def test_integers_in_lists_are_numbers_of_their_own():
    def f(ns, x, *, more):
        return ns[0] * ns[1] ** 2 * x + more[0]

    assert jit(f)([2, 3], 5.0, more=(7, 8)) == 97.0
    assert grad(f, (0, 1))([2, 3], 5.0, more=(7, 8)) == ([45.0, 60.0], 18.0)
    picked = jit(lambda x, ns, how, ms: (x[ns[1]], x[ms[0]], how, x[ms[1]] * 2))
    assert picked([1.5, 2.5, 3.5], [0, 2], True, (1, 0)) == (3.5, 2.5, True, 3.0)


def test_values_beside_arrays_and_lists_beside_lists():
    a = Value(2.0)
    x = np.array([1.0, 2.0])
    total = jit(lambda a, x, b: (a * x).sum() * b)(a, x, 5.0)
    total.backward()
    assert (total.data, a.grad) == (30.0, 15.0)
    found = jit(lambda x: ([x, x * 2], {"k": (x * 3, x * 4)}, [True, x > 0.0, x * 5]))(1.0)
    alike(found, ([1.0, 2.0], {"k": (3.0, 4.0)}, [True, True, 5.0]))


def over_lanes(f, tree):
    return vmap(f)(tree)


def over_steps(f, tree):
    return scan(lambda _, x: (0.0, f(x)), 0.0, tree)[1]


@pytest.mark.parametrize("over", [over_lanes, over_steps])
def test_lanes_and_steps_have_the_structure_of_the_arguments(over):
    tree = {"a": np.arange(6.0).reshape(3, 2), "none": np.zeros((3, 0)), "b": np.arange(3.0)}
    alike(over(doubled, tree), doubled(tree))
    assert over(lambda x: [{}], tree) == [{}]
    for none in (np.zeros((3, 0), object), np.zeros((3, 2, 0), int)):
        alike(over(lambda x: x["b"], {"none": none, "b": tree["b"]}), tree["b"])


@pytest.mark.parametrize("over", [over_lanes, over_steps])
def test_lanes_and_steps_of_values_are_values(over):
    xs = [Value(float(i)) for i in range(4)]
    w = Value(3.0)

    def f(x):
        return {"of w": x["a"] * x["b"] * w, "own": [x["a"] * 2, x["b"]]}

    found = over(f, {"a": np.array(xs[:2]), "b": np.array(xs[2:])})
    assert {type(x) for x in [*found["of w"], *found["own"][0], *found["own"][1]]} == {Value}
    assert found["own"][0].shape == (2,)
    assert [x.data for x in (*found["of w"], *found["own"][0])] == [0.0, 9.0, 0.0, 2.0]
    functions.sum([*found["of w"], *found["own"][0]]).backward()
    assert [x.grad for x in (*xs, w)] == [8.0, 11.0, 0.0, 3.0, 3.0]


def test_results_of_lanes_that_no_value_is_in_are_floats():
    w = Value(3.0)
    of_w, own = vmap(lambda x: (x * w, [x * 2, True]))(np.array([1.0, 2.0]))
    assert [x.data for x in of_w] == [3.0, 6.0]
    alike(own, [np.array([2.0, 4.0]), True])


def test_an_argument_that_lanes_share_may_be_a_number():
    x, shared = np.arange(3.0), Value(2.0)
    alike(vmap(lambda x, y: x * y, in_axes=(0, None))(x, 2.0), 2 * x)
    found = vmap(lambda x, y: x * y, in_axes=(0, None))(x, shared)
    functions.sum(list(found)).backward()
    assert shared.grad == 3.0
    with pytest.raises(ValueError, match=r"lanes along axis 0, but in it is 2\.0 \(float\)"):
        vmap(lambda x, y: x * y)(np.ones(1), 2.0)


def test_numbers_are_named_by_their_place_and_texts_have_no_name():
    tree = {"w": [1.0, np.ones((1, 2))], "how": "relu", "n": 2}
    lowered = jit(lambda t, x: t["w"][0] * t["n"] * x).lower(tree, 3.0)
    wanted = ["t['w'][0]", "t['w'][1][0, 0]", "t['w'][1][0, 1]", "t['n']", "x"]
    assert lowered.input_names == wanted
    assert pickle.loads(pickle.dumps(lowered))(tree, 3.0) == 6.0


def test_numbers_are_traced_and_texts_are_static():
    traces = []

    def power(x, n, name="p", *, negative=False):
        traces.append((n, name, negative))
        y = x**n if name == "p" else x
        return -y if negative else y

    fast = jit(power, check=False)
    assert [fast(3.0, n) for n in (1, 2, 3, 2)] == [3.0, 9.0, 27.0, 9.0]
    assert len(traces) == 1
    assert fast(3.0, 2, negative=True) == -9.0
    assert fast(3.0, 2, negative=False) == 9.0
    assert fast(3.0, 2, "other") == 3.0
    assert fast(3.0, n=2, name="other", negative=True) == -3.0
    assert fast(3.0, 2.0) == 9.0
    assert fast(3.0, True) == 3.0
    assert len(traces) == 7
    assert fast(5.0, 3) == 125.0
    assert len(traces) == 7


def test_static_arguments_are_what_they_are():
    def f(x, n, how):
        assert type(n) is int
        return x * n if how == "times" else x**n

    for fast in (jit(f, static_argnums=1), jit(f, static_argnums=(-2,))):
        assert [fast(3.0, n, how) for n in (2, 3) for how in ("times", "to")] == [6.0, 9.0, 9.0, 27]
    named = jit(f, static_argnames="n")
    assert named(3.0, n=2, how="times") == 6.0
    with pytest.raises(TypeError, match=r"argument 1 of jit\(f\) is static, and must be hashable"):
        jit(f, static_argnums=1)(3.0, [2], "times")
    for wrong in (1.5, True, "n", [None]):
        with pytest.raises(TypeError, match="static_argnums"):
            jit(f, static_argnums=wrong)
    with pytest.raises(TypeError, match="static_argnames"):
        jit(f, static_argnames=1)


def test_an_integer_that_a_float_cannot_hold_is_refused():
    for n in (2**53 + 1, np.array([2**53 + 1]), [1, 2**53 + 1], (-(2**53) - 1,)):
        with pytest.raises(ValueError, match="cannot hold exactly"):
            jit(lambda n: n)(n)
    assert jit(lambda n: n)([2**53, -(2**53)]) == [2.0**53, -(2.0**53)]
    assert jit(lambda n, x: x, static_argnums=0)(2**53 + 1, 2.0) == 2.0


def test_keyword_arguments_are_traced_but_not_differentiated():
    g = grad(lambda x, *, k, scale=1.0: x * x * k * scale)
    assert (g(3.0, k=2.0), g(3.0, k=5.0, scale=2.0), g(3.0, k=2.0)) == (12.0, 60.0, 12.0)


def test_argnums():
    def f(a, b, c):
        return a * b * b * c

    assert [grad(f, i)(2.0, 3.0, 5.0) for i in (0, 1, 2, -1, -3)] == [45.0, 60.0, 18.0, 18.0, 45.0]
    assert grad(f, (2, 0))(2.0, 3.0, 5.0) == (18.0, 45.0)
    assert jit(grad(f, (2, 0)))(2.0, 3.0, 5.0) == (18.0, 45.0)
    assert grad(f, [1])(2.0, 3.0, 5.0) == (60.0,)
    for wrong, named in [(3, 3), (-4, -4), ((0, 3), 3), ((1, -5), -5)]:
        with pytest.raises(TypeError, match=rf"argnums {named} is out of range: 3 positional"):
            grad(f, wrong)(2.0, 3.0, 5.0)
    with pytest.raises(TypeError, match="has an argument twice"):
        grad(f, (0, -3))(2.0, 3.0, 5.0)
    with pytest.raises(TypeError, match="argnums 0 is out of range: 0 positional"):
        grad(f)(a=1.0, b=2.0, c=3.0)
    for wrong in (None, 1.0, "0", (), (0, 1.5), True, (True,)):
        for transform in (grad, jacobian, hessian):
            with pytest.raises(TypeError, match="argnums must be an integer, or a tuple"):
                transform(f, wrong)


class Spring:
    def __init__(self, k):
        self.k = k

    @jit
    def energy(self, x):
        """Half k x squared."""
        return 0.5 * self.k * x * x

    @grad
    def force(self, x):
        return -self.energy(x)


def test_methods():
    soft, stiff = Spring(1.0), Spring(10.0)
    for _ in range(2):
        assert (soft.energy(2.0), stiff.energy(2.0)) == (2.0, 20.0)
        assert (soft.force(2.0), stiff.force(2.0)) == (-2.0, -20.0)
    assert soft.energy is soft.energy
    assert Spring.energy.__doc__ == "Half k x squared."
    assert Spring.force is vars(Spring)["force"]
    for again in (copy.deepcopy(soft), pickle.loads(pickle.dumps(soft)), copy.copy(stiff)):
        again.k = 4.0
        assert again.force is not soft.force
    fresh = copy.deepcopy(soft)
    fresh.k = 3.0
    assert (fresh.energy(2.0), soft.energy(2.0)) == (6.0, 2.0)


class Slotted:
    __slots__ = ("k",)

    @jit
    def scaled(self, x):
        return x * self.k


def test_methods_of_instances_that_cannot_keep_them():
    a = Slotted()
    for a.k in (2.0, 3.0):
        assert a.scaled(5.0) == 5.0 * a.k


@jit
def at_top(x):
    """A docstring."""
    return x * 2.0


def test_a_decorated_function_is_still_that_function():
    assert (at_top.__name__, at_top.__doc__) == ("at_top", "A docstring.")
    assert repr(at_top) == "<jit(at_top)>"
    for transform in (grad, jvp, hvp, derivative):
        assert repr(transform(at_top.f)) == f"<{transform.__name__}(at_top)>"
    assert repr(hvp(Fraction)) == "<hvp(Fraction)>"
    assert repr(jvp(at_top)) == "<jvp(at_top)>"
    assert pickle.loads(pickle.dumps(at_top)) is at_top
    assert copy.deepcopy(at_top) is at_top


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [jit, grad, jacobian])
@pytest.mark.parametrize(
    ("argument", "words"),
    [
        (1j, r"is 1j \(complex\): expected are real numbers"),
        ([1.0, 2j], r"\[1\] is 2j \(complex\)"),
        ({"w": [np.complex128(1)]}, r"\['w'\]\[0\] is .*complex128"),
        (np.array([1j]), "is an array of complex128: expected are real numbers"),
        (np.array(["a"]), "is an array of <U1"),
        (np.array([1.0, "a"], object), r"has element 1 'a' \(str\)"),
        (object(), "what else a function needs, it can close over"),
        ({1.0}, r"is {1.0} \(set\)"),
        (b"x", "bytes"),
    ],
)
def test_arguments_that_are_no_numbers(transform, argument, words):
    called = []
    f = transform(lambda x: called.append(1))
    with pytest.raises(TypeError, match=f"argument 0 of {transform.__name__}.*{words}"):
        f(argument)
    assert called == []


def test_an_argument_by_name_that_is_no_number():
    with pytest.raises(TypeError, match=r"^argument 'k' of jit\(<lambda>\)\[1\] is 2j"):
        jit(lambda x, *, k: x)(1.0, k=[1.0, 2j])


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("text", r"the function returned 'text' \(str\); expected are numbers"),
        (None, "returned None .*is a return missing"),
        ([1.0, "text"], r"returned 'text' \(str\)"),
        (1j, r"what the function of jit.* returned is 1j \(complex\)"),
        (np.array([1j]), "is an array of complex128"),
        ({1.0}, "set"),
    ],
)
def test_results_that_are_no_numbers(result, words):
    with pytest.raises(TypeError, match=words):
        jit(lambda x: result)(1.0)


@pytest.mark.parametrize("transform", [grad, hessian])
def test_a_gradient_is_of_one_number(transform):
    for result, words in [
        (lambda x: x, r"its result is an array of shape \(2,\), not a number"),
        (lambda x: [x[0]], "its result is a list of 1, not a number"),
        (lambda x: x[0] > 1, "its result is False"),
    ]:
        for made in (transform(result), jit(transform(result))):
            with pytest.raises(TypeError, match=f"must return one number, but {words}.*jacobian"):
                made(np.zeros(2))
    with pytest.raises(TypeError, match=r"hvp.*must return one number, but .* is a list of 1"):
        hvp(lambda x: [x], (1.0,), (1.0,))


def test_directions_are_like_the_point():
    with pytest.raises(TypeError, match=r"tangents.* is an array of shape"):
        jvp(lambda x: x, (np.ones(2),), (np.ones(3),))
    with pytest.raises(TypeError, match="tangents is a tuple of 1, not a tuple of 2"):
        hvp(lambda x, y: x * y, (1.0, 2.0), (1.0,))
    for other, words in [
        ({"b": 1.0}, r"tangents\[0\] is a dict with the keys 'b', not a dict with the keys 'a'"),
        ({"b": [1.0]}, r"tangents\[0\] is a dict with the keys 'b', not"),
        ({"a": [1.0]}, r"tangents\[0\]\['a'\] is a list of 1, not a number"),
        ([1.0], r"tangents\[0\] is a list of 1, not a dict with the keys 'a'"),
        ({"a": "x"}, r"tangents\[0\]\['a'\] is 'x' \(str\), not a number"),
    ]:
        with pytest.raises(TypeError, match=words):
            jvp(lambda x: x["a"], ({"a": 1.0},), (other,))
    with pytest.raises(TypeError, match=r"arguments come as a tuple, not a number"):
        jvp(lambda x: x, 1.0, 1.0)
    with pytest.raises(TypeError, match="the adjoint is a number, not a list of 2"):
        vjp(lambda x: [x, x], 1.0)[1](1.0)
    with pytest.raises(TypeError, match="the argument must be one number; see jacobian"):
        derivative(lambda x: x[0])([1.0])
    with pytest.raises(TypeError, match="the argument must be one number; see jacobian"):
        derivative(lambda x: 1.0)("text")
    with pytest.raises(TypeError, match="the argument must be one number; see jacobian"):
        derivative(lambda x: x[0])(np.ones(1))
    for n in (-1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="n must be an integer from 0 up"):
            derivative(lambda x: x, n)
    for transform in (jit, grad, jacobian, hessian, derivative, jvp, vjp, hvp):
        with pytest.raises(TypeError, match="must be a function, not 3"):
            transform(3)


@pytest.mark.parametrize(
    "f",
    [
        lambda xs, i: xs[i],
        lambda xs, i: xs[0] * i,
        lambda xs, i: i * xs[0],
        lambda xs, i: xs[0] if i == 1 else xs[1],
        lambda xs, i: xs[0] if i else xs[1],
        lambda xs, i: sum([xs[0] for _ in range(i + 1)]),
        lambda xs, i: {0: xs[0], 1: xs[1]}[int(i)],
        lambda xs, i: xs[i // 2] * (i % 2) + (7 % (i + 1)) + 9 // (i + 2),
        lambda xs, i: xs[0] * math.factorial(i),
        lambda xs, i: xs[1 - i] + xs[i * i],
        lambda xs, i: take(xs, i) + i / 2,
        lambda xs, i: np.array(xs)[i] * np.ones(i + 1).sum(),
    ],
)
def test_an_integer_is_an_integer_wherever_python_needs_one(f):
    fast, slope = jit(f), jit(grad(f))
    for i in (1, 0, 1, np.int64(0), True, False):
        i_ = int(i)
        assert fast([2.0, 3.0], i) == f([2.0, 3.0], i_)
        assert slope([2.0, 3.0], i) == grad(f)([2.0, 3.0], i_)
        inside = jit(lambda xs, j: f(xs, j[1]))
        assert inside([2.0, 3.0], np.array([5, i_])) == f([2.0, 3.0], i_)


def test_what_is_no_integer_is_none_in_a_trace_either():
    for f in (
        lambda x, n: [1.0, 2.0][x],
        lambda x, n: [1.0, 2.0][n * 0.5],
        lambda x, n: range(x),
        lambda x, n: x // 1,
        lambda x, n: x % 2,
        lambda x, n: n % x,
        lambda x, n: int(x),
    ):
        with pytest.raises(TypeError):
            jit(f)(1.0, 1)
    with pytest.raises(TypeError, match=r"i must be an integer, not 1\.0"):
        take([1.0, 2.0], 1.0)
    assert functions.take([1.0, 2.0], np.int64(1)) == 2.0
    with pytest.raises(TypeError, match=r"cannot be in a set, or a key of a dict"):
        jit(lambda x: x in {1.0, 2.0})(1.0)


def test_another_structure_is_traced_anew():
    f = jit(lambda x: functions.sum(list(x)) if isinstance(x, (list, np.ndarray)) else x)
    for x, y in [([1.0, 2.0], 3.0), (2.0, 2.0), (np.ones(3), 3.0), ([4.0], 4.0), ([1.0, 2.0], 3.0)]:
        assert f(x) == y
    assert not math.isnan(f(1.0))
