"""The demonstrations of descents: what their docstrings claim."""

import numpy as np
import pytest
from test_demos import load, small

pytestmark = pytest.mark.once  # of numbers on which the engines agree


def test_plane_fit(tmp_path):
    demo = load("plane_fit")
    paths = demo.descents()
    table = np.array(demo.data())
    x, y = table[:, :2], table[:, 2]
    best = np.linalg.lstsq(x, y)[0]
    np.testing.assert_allclose(best, [5, -3], atol=0.01)
    assert 0.1 < np.std(y - x @ best) < 0.3

    w, walked = np.array([-10.0, 10.0]), []
    for _ in range(101):  # batch descent again, by matrices
        walked.append(w)
        w = w - 0.01 * 2 * x.T @ (x @ w - y) / 100
    np.testing.assert_allclose(paths["batch, lr 0.01"].points, walked, rtol=1e-9)
    off = paths["batch, lr 0.01"].points - best
    assert (off[:20, 0] * off[1:21, 0] < 0).sum() >= 10  # from side to side
    np.testing.assert_allclose(off[-1], 0, atol=1e-9)

    assert abs(paths["batch, lr 1e-4"].x[1] + 3) > 0.5  # not there yet
    assert paths["batch, lr 1"].stopped == "diverged"
    assert len(paths["stochastic, lr 1e-4"].step_sizes) == 1000
    for name in ("stochastic, lr 1e-4", "mini-batch of 10, lr 1e-4", "Adagrad, lr 1"):
        np.testing.assert_allclose(paths[name].x, [5, -3], atol=0.05)
    np.testing.assert_allclose(paths["momentum 0.9, lr 1e-4"].x, best, atol=1e-6)

    captions = small(demo.pictures(quick=True), tmp_path)
    assert "plane_fit_surface" in captions
    assert len(captions) == 5


def test_the_batches_are_of_the_size_they_say():
    demo = load("plane_fit")
    drawn = list(demo.batches(demo.data(), 10, 3))
    assert [len(batch) for batch in drawn] == [10] * 4
    assert all(example in demo.data() for batch in drawn for example in batch)


def test_saddle(tmp_path):
    demo = load("saddle")
    ridge = demo.descents(0.0)
    assert len(ridge) == 5
    for path in ridge.values():
        assert (path.points[:, 1] == 0.0).all()
        assert path.points[0].tolist() == [10.0, 0.0]
    steps = np.arange(demo.STEPS + 1)
    np.testing.assert_allclose(ridge["plain, lr 0.2"].points[:, 0], 10 * 0.6**steps, rtol=1e-12)
    assert np.array_equal(ridge["plain, lr 1"].points[:, 0], 10.0 * (-1.0) ** steps)
    settled = [name for name, path in ridge.items() if abs(path.x[0]) < 0.02]
    assert settled == [name for name in ridge if name != "plain, lr 1"]

    beside = demo.descents(0.01)
    assert all(abs(path.x[1]) > 6 for path in beside.values())
    np.testing.assert_allclose(beside["plain, lr 0.2"].points[:, 1], 0.01 * 1.4**steps, rtol=1e-12)
    left = {name: int(np.argmax(abs(path.points[:, 1]) > 6)) for name, path in beside.items()}
    assert max(left["Adagrad, lr 2"], left["RMSprop, lr 0.5"]) < min(
        left["plain, lr 0.2"], left["momentum 0.8, lr 0.05"], left["plain, lr 1"]
    )
    assert abs(demo.perturbed().x[1]) > 3
    captions = small(demo.pictures(quick=True), tmp_path, drawings := {})
    assert list(captions) == [
        "saddle_ridge", "saddle_escape", "saddle_surface", "saddle",
    ]  # fmt: skip
    strips = {ax.get_title(): ax for ax in drawings["saddle_ridge"].axes}
    assert list(strips) == list(ridge)
    for name, ax in strips.items():
        start = next(a for a in ax.lines if len(a.get_xdata()))
        assert set(start.get_xdata()) <= set(ridge[name].points[:, 0])


def slope(x):
    return np.cos(np.pi * x) - np.pi * x * np.sin(np.pi * x)


def curvature(x):
    return -2 * np.pi * np.sin(np.pi * x) - np.pi**2 * x * np.cos(np.pi * x)


def test_minima(tmp_path):
    demo = load("minima")
    for x, rounded, bend in ((demo.LOCAL, -0.274, 6.5), (demo.GLOBAL, 1.090, 12.1)):
        assert abs(slope(x)) < 1e-7
        assert round(x, 3) == rounded
        assert round(curvature(x), 1) == bend
    grid = np.linspace(*demo.DOMAIN, 100001)
    assert abs(grid[np.argmin(grid * np.cos(np.pi * grid))] - demo.GLOBAL) < 1e-4

    path = demo.plain(-1.0, 0.1)
    x = -1.0
    for point in path.points[:, 0]:
        np.testing.assert_allclose(point, x, rtol=1e-9)
        x -= 0.1 * slope(x)
    np.testing.assert_allclose(path.x, demo.LOCAL, atol=1e-6)
    np.testing.assert_allclose(demo.plain(0.5, 0.1).x, demo.GLOBAL, atol=1e-6)

    escaping = demo.plain(-1.0, 0.45).points[:, 0]
    assert escaping.max() > 1.0  # beyond the hill
    assert np.ptp(escaping[-10:]) > 0.3  # and never at rest
    assert abs(demo.plain(-1.0, 0.8).points).max() > 100


def test_who_leaves_the_local_minimum(tmp_path):
    demo = load("minima")
    ends = {name: path.x[0] for name, path in demo.everyone().items()}
    rolled = {name.split(",")[0] for name, x in ends.items() if abs(x - demo.GLOBAL) < 0.01}
    stuck = {name.split(",")[0] for name, x in ends.items() if abs(x - demo.LOCAL) < 0.02}
    assert rolled == {"momentum", "Adagrad", "Adam", "AdamW", "Adamax", "RAdam"}
    assert stuck == {"SGD", "Nesterov", "Adadelta", "RMSprop", "NAdam"}
    captions = small(demo.pictures(quick=True), tmp_path, drawings := {})
    assert list(captions) == [
        "minima_starts", "minima_rates", "minima_momentum", "minima_optimizers", "minima",
    ]  # fmt: skip
    for ax, group in zip(drawings["minima_optimizers"].axes, (stuck, rolled), strict=True):
        handles, names = ax.get_legend_handles_labels()
        assert {name.split(",")[0] for name in names} == group
        assert_told_apart(handles)


def assert_told_apart(handles):
    """Each has a colour and a marker of its own."""
    assert len({handle.get_color() for handle in handles}) == len(handles)
    assert len({handle.get_marker() for handle in handles} - {"", "None"}) == len(handles)


def test_loss_contours(tmp_path):
    demo = load("loss_contours")
    x, y = np.arange(6.0), np.array([1.1, 2.2, 3.8, 4.1, 4.9, 5.2])
    assert (tuple(x), tuple(y)) == (demo.X, demo.Y)
    assert demo.loss(demo.X)(0.5, 1.0) == pytest.approx(np.mean((0.5 * x + 1 - y) ** 2))
    scaled = np.array(demo.standardised(demo.X))
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-15)
    low, high = demo.curvatures(demo.X)
    assert round(high / low) == 33
    np.testing.assert_allclose(demo.curvatures(scaled), 2.0)  # a circle
    closeness = [
        np.linalg.norm(demo.descend(inputs).x - demo.best(inputs)) for inputs in (demo.X, scaled)
    ]
    assert closeness[0] > 0.3
    assert closeness[1] < 1e-2
    for name in ("tanh", "sigmoid"):  # the least that outputs up to 1 can have
        least = demo.loss(demo.X, demo.OUTPUTS[name])(50.0, 50.0)
        assert least == pytest.approx(np.mean((1 - y) ** 2))
    assert demo.loss(demo.X, demo.OUTPUTS["relu"])(-4.0, -6.0) == pytest.approx(np.mean(y**2))
    assert demo.LEVELS == (0.2, 0.5, 0.7, 1, 3, 8, 10, 15, 20)
    captions = small(demo.pictures(quick=True), tmp_path, drawings := {})
    assert list(captions) == [
        "loss_contours", "loss_contours_outputs", "loss_contours_linear", "loss_contours_tanh",
    ]  # fmt: skip
    for ax in drawings["loss_contours_outputs"].axes:  # enough lines to see where there are none
        lines = ax.collections[1]
        assert sum(len(path.vertices) > 0 for path in lines.get_paths()) >= 9, ax.get_title()
    assert all((np.diff(levels, 2) == 0).all() for levels in demo.PANELS.values())  # equal steps
    path, middle = demo.descend(scaled).points, demo.best(scaled)
    np.testing.assert_allclose(path[1:10] - middle, -0.8 * (path[:9] - middle), rtol=1e-9)


def test_moons(tmp_path):
    demo = load("moons")
    net, losses, accuracies = demo.train()
    X, y = demo.data()
    values = X.T
    for i, layer in enumerate(net.layers):  # the net again, by matrices
        weights = np.array([[w.data for w in neuron.weights] for neuron in layer.neurons])
        values = weights @ values + np.array([[neuron.bias.data] for neuron in layer.neurons])
        values = np.maximum(values, 0) if i < 2 else values
    scores = values[0]
    assert (np.sign(scores) == y).all()  # 100 %
    squares = sum(p.data**2 for p in net.parameters())
    final = np.mean(np.maximum(0, 1 - y * scores)) + 1e-4 * squares
    assert len(net.parameters()) == 337
    assert len(losses) == 100
    assert 0.9 < losses[0] < 1.1
    assert final < 0.05
    assert abs(final - losses[-1]) < 0.01
    assert accuracies[-1] == 1.0
    assert list(small(demo.pictures(quick=True), tmp_path)) == ["moons", "moons_training"]


def test_race_courses_have_their_minima():
    for course in load("race").COURSES.values():
        for x, y in course.minima:
            assert course.f(x, y) < 1e-9


def test_race(tmp_path):
    demo = load("race")
    paths = demo.results()
    rosenbrock, beale, himmelblau = paths.values()
    assert {len(p.step_sizes) for p in rosenbrock.values()} == {300}
    lowest = sorted(rosenbrock, key=lambda name: rosenbrock[name].value)[:2]
    assert set(lowest) == {"SGD", "Nesterov"}
    assert np.linalg.norm(rosenbrock["Adagrad"].x - [-1.5, 2.5]) < 0.7
    assert min(beale, key=lambda name: beale[name].value) == "Adam"
    ends = {name: np.round(path.x, 0).tolist() for name, path in himmelblau.items()}
    steepest = {name for name, end in ends.items() if end == [4.0, -2.0]}
    assert steepest == {"SGD", "momentum", "Nesterov", "RAdam"}
    assert {name for name, end in ends.items() if end == [3.0, 2.0]} == set(ends) - steepest
    captions = small(demo.pictures(quick=True), tmp_path, drawings := {})
    assert list(captions) == ["race", "race_rosenbrock", "race_beale", "race_himmelblau"]

    assert sorted(sum(demo.GROUPS, ())) == sorted(demo.OPTIMIZERS)
    legends = [ax.get_legend() for ax in drawings["race"]._fig.axes if ax.get_legend()]
    for group, legend in zip(demo.GROUPS, legends, strict=True):
        assert tuple(text.get_text() for text in legend.get_texts()) == group
        assert_told_apart(legend.legend_handles)

    *fields, low = drawings["race_beale"].axes
    assert [ax.get_title().partition(",")[0] for ax in fields] == list(demo.OPTIMIZERS)
    after = low.lines[1]
    assert list(after.get_ydata()) == sorted(beale, key=lambda name: -beale[name].value)
    np.testing.assert_array_equal(
        after.get_xdata(), [max(beale[name].value, demo.FLOOR) for name in after.get_ydata()]
    )
