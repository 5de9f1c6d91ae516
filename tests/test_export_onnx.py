"""Models for ONNX: onnxruntime computes the same numbers, in float64 throughout."""

import itertools
import math

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rounding import SLACK, allowed, tolerances
from test_export_jax import EDGES, PARAMS, W, X, agree, loss, within
from test_programs import inside, of_row

from autodiff import (
    Value,
    exp,
    export,
    grad,
    hessian,
    jacobian,
    jit,
    logsumexp,
    loop,
    mean,
    nn,
    primitive,
    sin,
    sqrt,
    take,
    value_and_grad,
    vmap,
)
from autodiff.export.onnx_primitives import OPERATORS
from autodiff.ops import CODES, TABLE
from autodiff.testing import expressions, points

pytestmark = pytest.mark.once  # what is exported does not depend on the engine

NAN, INF = math.nan, math.inf
#: onnxruntime's sine and cosine lose digits near their zeros beyond a million quarters of a turn.
CIRCULAR = ("sin", "cos", "tan")


def loaded(model):
    """A function of the inputs by name that gives the list of outputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda **inputs: session.run(None, {k: np.asarray(x) for k, x in inputs.items()})


def exported(f, *args):
    return loaded(export.to_onnx(f, *args))


def flat(outputs):
    return np.concatenate([np.ravel(x) for x in outputs])


def leaves(tree):
    """The numbers of a tree of lists, tuples, dicts and arrays, in order."""
    if isinstance(tree, dict):
        tree = [*tree.values()]
    if isinstance(tree, (list, tuple)):
        return np.concatenate([leaves(x) for x in tree]) if tree else np.zeros(0)
    return np.ravel(np.asarray(tree, float))


@pytest.mark.parametrize(
    "row", [r for r in TABLE if r.name != "polygamma"], ids=lambda row: row.name
)
def test_every_row_is_within_the_tables_bounds(row):
    f, count = of_row(row, 2)
    rng = np.random.default_rng(1)
    sides = EDGES if count < 3 else [NAN, 0.0, INF, 2.0, -1.0]
    edges = [*itertools.product(sides, repeat=count)]
    inner = inside(row, count)
    near = (np.array(inner) * (1 + 0.3 * rng.uniform(-1, 1, (200, count)))).tolist()
    wide = [[x] for x in inner[0] * np.exp(rng.uniform(-30, 30, 200))] if count == 1 else []
    there = [p for p in edges + near + wide if row.name not in CIRCULAR or not abs(p[0]) > 1e6]
    found = exported(jit(lambda X: vmap(lambda x: f(*x))(X)), np.array(there))(X=np.array(there))
    wanted = [f(*map(Value, p)).data for p in there]
    ulps = [2 * allowed(row.name, p, v) + SLACK for p, v in zip(there, wanted, strict=True)]
    agree(found[0], wanted, ulps, row.name)


@settings(max_examples=3)
@given(st.data())
def test_random_programs_and_their_gradients_agree_as_far_as_rounding_lets_them(data):
    there, here = data.draw(points(3)), data.draw(points(3))
    drawn = [data.draw(expressions(3, max_size=10)) for _ in range(8)]

    def f(x, y, z):
        return [each(x, y, z) for each in drawn]

    named = dict(zip("xyz", here, strict=True))
    for transformed in (jit(f), jacobian(f, (0, 1, 2))):
        lowered = transformed.lower(*there)
        if CODES["polygamma"] in lowered.program.ops:
            with pytest.raises(TypeError, match="polygamma"):
                export.to_onnx(lowered)
            continue
        found = exported(lowered)(**named)
        within(flat(found), *tolerances(lowered.program, here))


def test_inputs_and_outputs_are_called_as_in_python():
    model = export.to_onnx(value_and_grad(loss), PARAMS, X[0], name="loss")
    assert model.graph.name == "loss"
    assert [x.name for x in model.graph.input] == ["params['w']", "params['b']", "x"]
    outputs = ["result[0]", "result[1]['w']", "result[1]['b']"]
    assert [x.name for x in model.graph.output] == outputs
    shapes = [[d.dim_value for d in x.type.tensor_type.shape.dim] for x in model.graph.output]
    assert shapes == [[], [3], []]
    found = loaded(model)(**{"params['w']": W, "params['b']": 0.25, "x": X[0]})
    np.testing.assert_allclose(flat(found), leaves(value_and_grad(loss)(PARAMS, X[0])), rtol=1e-14)
    taken = export.to_onnx(jit(lambda result: result * 2), 1.0)
    assert [x.name for x in taken.graph.output] == ["result_"]


def test_no_number_is_float32():
    model = export.to_onnx(hessian(loss), PARAMS, X[0])
    kinds = {x.data_type for x in model.graph.initializer}
    for nodes in [model.graph.node, *[f.node for f in model.functions]]:
        for node in nodes:
            kinds |= {a.t.data_type for a in node.attribute if a.name == "value"}
            assert not [a for a in node.attribute if a.name in ("value_float", "value_floats")]
            casts = [a.i for a in node.attribute if a.name == "to"]
            assert set(casts) <= {onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64}
    assert kinds == {onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64}
    assert set(OPERATORS.values()) & {"Tan", "Erf", "Tanh"} == set()


def test_lanes_go_their_ways_and_nest():
    def one(w, x):
        return sqrt(x[0]) * w[0] if x[0] > 0 else w[1] * x[1] * x[0]

    def nested(X):
        return vmap(lambda row: logsumexp(vmap(lambda y: row[0] * y if y > 0 else exp(y))(row)))(X)

    def total(w, X):
        return mean(vmap(one, (None, 0))(w, X))

    edges = np.array([[0.0, 1.0, 2.0], [-0.0, 3.0, 1.0], [4.0, -1.0, 1.0]])
    for f, args in [
        (jit(lambda w, X: vmap(one, (None, 0))(w, X)), (W, X)),
        (grad(total, (0, 1)), (W, X)),
        (jit(nested), (X,)),
        (grad(lambda X: mean(nested(X))), (X,)),
    ]:
        model = export.to_onnx(f, *args)
        names = [x.name for x in model.graph.input]
        for x in (X, edges):
            given = [*args[:-1], x]
            found = loaded(model)(**dict(zip(names, given, strict=True)))
            np.testing.assert_allclose(flat(found), leaves(f(*given)), rtol=1e-14, atol=1e-17)


def test_where_a_comparison_comes_out_otherwise_all_is_nan():
    f = exported(jit(lambda x, y: [sin(x) * y, x] if x > y else [y, x]), 2.0, 1.0)
    assert flat(f(x=2.0, y=1.0)).tolist() == [math.sin(2.0), 2.0]
    assert np.isnan(flat(f(x=1.0, y=2.0))).all()
    g = exported(jit(lambda xs: vmap(lambda x: sqrt(x) if x > 0 else -x)(xs)), np.ones(2))
    assert np.isnan(flat(g(xs=np.array([1.0, -2.0])))).all()


@pytest.mark.parametrize("i", [-1.0, 3.0, 0.5, NAN, INF])
def test_take_beyond_its_list_is_nan(i):
    f = exported(jit(lambda xs, i: [take(xs, i) * 2.0, xs[0]]), [1.0, 2.0, 3.0], 1)
    xs = np.array([1.0, 2.0, 3.0])
    assert [flat(f(xs=xs, i=float(k))).tolist() for k in range(3)] == [
        [2.0, 1.0],
        [4.0, 1.0],
        [6.0, 1.0],
    ]
    assert np.isnan(flat(f(xs=xs, i=i))).all()


def test_a_model_of_nn(tmp_path):
    net = nn.MLP(2, [8, 1], activation="tanh")
    inputs = np.random.default_rng(0).normal(size=(4, 2))
    onnx.save(
        export.to_onnx(jit(lambda xs: vmap(lambda x: net([*x])[0])(xs)), inputs),
        tmp_path / "net.onnx",
    )
    found = loaded(onnx.load(tmp_path / "net.onnx"))(xs=inputs)
    wanted = [net([*x])[0].data for x in inputs]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-14)


def test_matrix_products_are_found():
    a, b = np.arange(12.0).reshape(3, 4), np.arange(20.0).reshape(4, 5)
    model = export.to_onnx(jit(lambda a, b: a @ b), a, b)
    operations = [node.op_type for node in model.graph.node]
    assert operations.count("MatMul") == 1
    assert set(operations) == {"MatMul", "Reshape"}
    np.testing.assert_array_equal(loaded(model)(a=a, b=b)[0], a @ b)


def test_what_cannot_be_written_is_refused_by_name():
    cube = primitive("cube_for_onnx", lambda a: a**3, [lambda a, v: 3 * a * a])
    with pytest.raises(TypeError, match=r"cube_for_onnx.*added at run time"):
        export.to_onnx(jit(lambda x: cube(x)), 1.0)
    with pytest.raises(TypeError, match=r"polygamma\(\) cannot be written for ONNX: it needs zeta"):
        export.to_onnx(jit(lambda x: grad(lambda y: y.digamma())(x)), 1.5)
    with pytest.raises(TypeError, match="sparse matrix"):
        export.to_onnx(jacobian(lambda x: x * x, sparse=True), np.ones(3))
    with pytest.raises(TypeError, match="a scan cannot be written for ONNX"):
        export.to_onnx(jit(lambda x: loop(lambda i, x: x * x, x, 3)), 0.5)
    with pytest.raises(TypeError, match="expected"):
        export.to_onnx(lambda x: x, 1.0)
    with pytest.raises(ValueError, match="name must be"):
        export.to_onnx(jit(lambda x: x), 1.0, name="")


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("autodiff.export.onnx_model.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"scalar-autodiff\[onnx\]"):
        export.to_onnx(jit(lambda x: x), 1.0)
