"""The demonstrations of models that learn: what their docstrings claim."""

import inspect
import re

import numpy as np
import pytest
from test_demos import load, small

import autodiff

pytestmark = pytest.mark.once  # of numbers on which the engines agree


def test_valleys(tmp_path):
    demo = load("valleys")
    x = np.linspace(-1.5, 1.5, 50)
    np.testing.assert_array_equal(demo.X, x)
    formulas = {
        "sine": lambda a, b: np.sin(b * np.cos(a * x)),
        "line": lambda a, b: a * x + b,
        "cubic": lambda a, b: a * x**3 + b * x**2,
    }
    slopes = {  # of the predictions, derived by hand
        "sine": lambda a, b: (
            np.cos(b * np.cos(a * x)) * np.stack([-b * np.sin(a * x) * x, np.cos(a * x)])
        ),
        "line": lambda a, b: np.stack([x, np.ones(50)]),
        "cubic": lambda a, b: np.stack([x**3, x**2]),
    }
    ends = {}
    for name, model in demo.MODELS.items():
        paths = demo.descents(model)
        assert list(paths) == ["from (5, 4)", "from (5, 1)", "from (2, 4.5)"]
        for path in paths.values():
            assert len(path.step_sizes) == 400
            p = path.points[0]
            for point in path.points[:20]:
                np.testing.assert_allclose(point, p, rtol=1e-9)
                errors = formulas[name](*p) - formulas[name](1.2, 2.5)
                p = p - 0.1 * 2 * (slopes[name](*p) * errors).mean(axis=1)
        ends[name] = [path.value for path in paths.values()]
        found = [np.allclose(path.x, (1.2, 2.5), atol=1e-4) for path in paths.values()]
        assert found == ([False, False, True] if name == "sine" else [True] * 3)
    np.testing.assert_allclose(ends["sine"][:2], [0.8, 0.4], atol=0.05)
    captions = small(demo.pictures(quick=True), tmp_path)
    assert len(captions) == 6
    assert "1 of 3 starts" in captions["valleys_sine"]
    assert "3 of 3 starts" in captions["valleys_cubic"]


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_the_small_numerical_net():
    demo = load("numerical_nets")
    path = demo.small_net(steps=200)
    x, target = np.array([0.6, 0.9]), np.array([0, 0, 1])
    w = path.points[0].reshape(2, 3)
    for point, slope in zip(path.points, path.gradients, strict=True):
        gradient = np.outer(x, softmax(x @ w) - target)
        np.testing.assert_allclose(slope, gradient.ravel(), atol=1e-8)
        np.testing.assert_allclose(point, w.ravel(), atol=1e-7)
        w = w - 0.1 * gradient
    assert softmax(x @ path.x.reshape(2, 3))[2] > 0.95


def test_numerical_nets(tmp_path):
    demo = load("numerical_nets")
    X, y, X_test, y_test = (np.array(part) for part in demo.irises())
    assert (X.shape, X_test.shape) == ((60, 4), (90, 4))
    paths = [demo.train(how, 10)[0] for how in (demo.central_differences, "reverse")]
    assert paths[0].points.shape == (11, 67)
    np.testing.assert_allclose(paths[0].points, paths[1].points, atol=1e-8)

    p = paths[1].points[3]  # the net and its gradient again, by matrices
    first, second = p[:40].reshape(8, 5), p[40:].reshape(3, 9)
    hidden = np.tanh(X @ first[:, :4].T + first[:, 4])
    off = (softmax(hidden @ second[:, :8].T + second[:, 8]) - np.eye(3)[y]) / 60
    back = off @ second[:, :8] * (1 - hidden**2)
    gradient = np.concatenate(
        [
            np.column_stack([back.T @ X, back.sum(axis=0)]).ravel(),
            np.column_stack([off.T @ hidden, off.sum(axis=0)]).ravel(),
        ]
    )
    np.testing.assert_allclose(paths[1].gradients[3], gradient, rtol=1e-9, atol=1e-12)
    hidden = np.tanh(X_test @ first[:, :4].T + first[:, 4])
    told = (hidden @ second[:, :8].T + second[:, 8]).argmax(axis=1)
    assert demo.accuracies(paths[1])[3] == np.mean(told == y_test)

    longer = demo.train("reverse", 60)[0]
    assert demo.accuracies(longer)[-1] > 0.9
    captions = small(demo.pictures(quick=True), tmp_path, drawings := {})
    assert list(captions) == ["numerical_nets_small", "numerical_nets"]
    times = drawings["numerical_nets"].axes[2]
    assert not times.patches  # bars on a log axis
    assert {line.get_linestyle() for line in times.lines} == {"None"}
    texts = [tick.get_text() for tick in times.get_yticklabels()]
    assert all(re.fullmatch(r"[125]?\d*\.?\d* ms", text) for text in texts)
    assert "times as fast" in captions["numerical_nets"]


def test_parabola_net(tmp_path):
    demo = load("parabola_net")
    x, y = demo.data()
    noise = np.mean((y - (2 * x**2 + 1)) ** 2)
    results = demo.results()
    assert {len(result.errors) for result in results.values()} == {301}

    a, t = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    net = demo.nn.TwoLayerNet(1, 10, 1, "relu", np.random.default_rng(0))
    w, v = ([p.data for n in layer.neurons for p in n.weights] for layer in net.layers)
    b, c = ([n.bias.data for n in layer.neurons] for layer in net.layers)
    w, v, b, c = (np.array(part) for part in (w, v, b, c))
    for _ in range(301):  # the training again, by matrices
        inner = np.outer(a, w) + b
        hidden = np.maximum(inner, 0)
        prediction = hidden @ v + c
        off = 2 * (prediction - t) / 60
        back = np.outer(off, v) * (inner > 0)
        w, b = w - 0.1 * a @ back, b - 0.1 * back.sum(axis=0)
        v, c = v - 0.1 * hidden.T @ off, c - 0.1 * off.sum()
    good = results["normalised, rate 0.1"]
    np.testing.assert_allclose(good.after, prediction * y.std() + y.mean(), rtol=1e-6)
    assert good.errors[-1] == pytest.approx(np.mean((good.after - y) ** 2))
    assert good.errors[-1] < 1.6 * noise
    assert results["raw, rate 0.03"].errors[-1] < 1.6 * noise

    bad = results["raw, rate 0.1"]
    assert bad.errors[-1] > 15 * noise
    assert np.mean(np.isclose(bad.after, np.median(bad.after))) > 0.5
    assert list(small(demo.pictures(quick=True), tmp_path)) == [
        "parabola_net_normalised", "parabola_net_raw", "parabola_net",
    ]  # fmt: skip


def test_thirty_lines(tmp_path):
    demo = load("thirty_lines")
    found = {}
    for kind in (demo.Tensor, autodiff.Value):
        a, b = kind(2.0), kind(3.0)
        _, e = demo.formula(a, b)
        e.backward()
        found[kind] = float(e.data), float(a.grad), float(b.grad)
    expected = np.sin(10.0), 2 * np.cos(10.0), 2 * np.cos(10.0)
    assert list(found.values()) == [pytest.approx(expected, rel=1e-15)] * 2

    assert (3 - demo.Tensor(5.0)).data == 2.0  # and not -2
    assert (3 - autodiff.Value(5.0)).data == -2.0
    assert demo.power(demo.Tensor, 3.0) == 0.0
    assert demo.power(autodiff.Value, 3.0) == pytest.approx(8 * np.log(2.0), rel=1e-15)

    x, y = demo.doubled(demo.Tensor, 10)
    called = []
    original = demo.Tensor.backward
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo.Tensor, "backward", lambda *a: called.append(1) or original(*a))
        y.backward()
    assert x.grad == 2.0**10
    assert len(called) == demo.calls(10) == 2**11 - 1
    x, y = demo.doubled(autodiff.Value, 100)
    y.backward()
    assert x.grad == 2.0**100

    source = inspect.getsource(demo)
    lines = source[source.index("class Tensor") : source.index("# -- against")].splitlines()
    assert len([line for line in lines if line.strip()]) == 30
    assert list(small(demo.pictures(quick=True), tmp_path)) == [
        "thirty_lines_graph", "thirty_lines_faults",
    ]  # fmt: skip


def test_derivatives(tmp_path):
    demo = load("derivatives")
    forward = {name: demo.forward(f, 2.0, 1.0) for name, f in demo.SLOPES.items()}
    exact = {name: demo.reverse(f, 2.0) for name, f in demo.SLOPES.items()}
    assert forward == {"x": 1.0, "2x": 2.0, "x²": 5.0}
    assert exact == {"x": 1.0, "2x": 2.0, "x²": 4.0}
    assert demo.central(demo.SLOPES["x²"], 2.0, 1.0) == 4.0
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(demo.central(demo.parabola, x, 1e-5), 4 * x, atol=1e-8)

    h = demo.STEPS
    large, tiny = h > 1e-3, h < 1e-11
    for (name, error), order, foot in zip(demo.errors().items(), (1, 2), (-8, -5), strict=True):
        right = np.polyfit(np.log10(h[large]), np.log10(error[large]), 1)
        assert right[0] == pytest.approx(order, abs=0.05), name
        left = np.polyfit(np.log10(h[tiny]), np.log10(np.maximum(error[tiny], 1e-17)), 1)
        assert left[0] == pytest.approx(-1, abs=0.15), name
        assert np.log10(h[np.argmin(error)]) == pytest.approx(foot, abs=1), name
    # the leading terms of Taylor's series: h*sin(1)/2 and h^2*cos(1)/6
    by_name = {name: error[h.searchsorted(0.99e-3)] for name, error in demo.errors().items()}
    assert by_name["forward difference"] == pytest.approx(1e-3 * np.sin(1) / 2, rel=1e-2)
    assert by_name["central difference"] == pytest.approx(1e-6 * np.cos(1) / 6, rel=1e-2)
    assert abs(demo.reverse(demo.sin, 1.0) - np.cos(1.0)) <= np.spacing(np.cos(1.0))
    assert list(small(demo.pictures(quick=True), tmp_path)) == [
        "derivatives_sin", "derivatives_parabola", "derivatives_step", "derivatives_errors",
    ]  # fmt: skip
