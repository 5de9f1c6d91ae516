"""``minimize``: the path it keeps, why it ends, and where its gradients come from."""

import itertools
import math

import numpy as np
import pytest

import autodiff
from autodiff import Value, optim
from autodiff.optim import SGD, Adam, NoisySGD, minimize


def bowl(x, y):
    return (x - 1) ** 2 + 2 * (y + 2) ** 2


def slopes(x, y):
    return [2 * (x - 1), 4 * (y + 2)]


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


# -- the path --------------------------------------------------------------------------------------


def test_a_path_is_shown_in_one_line():
    path = minimize(lambda x, y: x * x + y * y, [1.0, 2.0], lambda p: SGD(p, lr=0.25), steps=2)
    assert repr(path) == "<Trajectory: 2 steps to [0.25, 0.5 ], value 0.3125; steps>"
    path = minimize(lambda *xs: autodiff.dot(xs, xs), [1.0] * 1000, steps=1)
    assert len(repr(path)) < 120


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_path_has_a_point_more_than_steps(steps):
    path = minimize(bowl, [5.0, 3.0], steps=steps)
    assert path.points.shape == path.gradients.shape == (steps + 1, 2)
    assert path.values.shape == (steps + 1,)
    assert path.step_sizes.shape == (steps,)
    assert path.stopped == "steps"
    assert {a.dtype for a in (path.points, path.values, path.gradients)} == {np.dtype(float)}


def test_values_gradients_and_step_sizes_are_those_of_the_points():
    path = minimize(bowl, [5.0, 3.0], steps=20)
    assert path.points[0].tolist() == [5.0, 3.0]
    assert path.values.tolist() == [bowl(x, y) for x, y in path.points.tolist()]
    assert path.gradients.tolist() == [slopes(x, y) for x, y in path.points.tolist()]
    moved = path.points[:-1] - 0.1 * path.gradients[:-1]  # SGD with lr=0.1 is the default
    assert path.points[1:].tolist() == moved.tolist()
    lengths = [math.dist(a, b) for a, b in itertools.pairwise(path.points.tolist())]
    assert path.step_sizes == pytest.approx(lengths, rel=1e-15)
    assert path.x.tolist() == path.points[-1].tolist()
    assert type(path.value) is float
    assert path.value == path.values[-1]


@pytest.mark.parametrize("start", [3.0, 3, [3.0], np.array([3]), np.float64(3.0)])
def test_a_function_of_one_number_starts_at_a_number_or_a_list(start):
    path = minimize(lambda x: x * x, start, steps=2)
    assert path.points.shape == (3, 1)
    assert path.points[0] == 3.0


def test_the_start_is_not_changed():
    start = np.array([5.0, 3.0])
    minimize(bowl, start, steps=3)
    assert start.tolist() == [5.0, 3.0]


# -- why it ends -----------------------------------------------------------------------------------


def test_it_ends_where_the_gradient_is_short_enough():
    path = minimize(bowl, [5.0, 3.0], steps=1000, tol=1e-6)
    assert path.stopped == "tol"
    lengths = np.linalg.norm(path.gradients, axis=1)
    assert lengths[-1] <= 1e-6 < lengths[-2]
    assert path.x == pytest.approx([1.0, -2.0], abs=1e-6)
    at_minimum = minimize(bowl, [1.0, -2.0], tol=1e-6)
    assert at_minimum.stopped == "tol"
    assert len(at_minimum.points) == 1


def test_without_a_tolerance_all_steps_are_made():
    assert minimize(bowl, [1.0, -2.0], steps=5).stopped == "steps"


def test_a_callback_sees_every_point_and_may_stop():
    seen = []
    path = minimize(bowl, [5.0, 3.0], steps=4, callback=lambda *now: seen.append(now))
    assert path.stopped == "steps"
    assert [step for step, *_ in seen] == [0, 1, 2, 3, 4]
    assert [point.tolist() for _, point, _, _ in seen] == path.points.tolist()
    assert [value for _, _, value, _ in seen] == path.values.tolist()
    assert [slope.tolist() for *_, slope in seen] == path.gradients.tolist()
    path = minimize(bowl, [5.0, 3.0], callback=lambda step, *_: step == 3)
    assert path.stopped == "callback"
    assert len(path.points) == 4


def test_a_callback_may_stop_with_numpys_true():
    path = minimize(bowl, [5.0, 3.0], callback=lambda step, point, *_: (point < 2).any())
    assert path.stopped == "callback"


@pytest.mark.parametrize("gradient", ["reverse", "numerical"])
def test_it_ends_where_it_leaves_the_finite_numbers(gradient):
    path = minimize(lambda x: x**4, [5.0], lambda p: SGD(p, lr=1.0), steps=1000, gradient=gradient)
    assert path.stopped == "diverged"
    assert len(path.points) < 10
    assert np.isfinite(path.points).all()
    assert np.isfinite(path.values[:-1]).all()
    assert not (np.isfinite(path.values[-1]) and np.isfinite(path.gradients[-1]).all())
    assert minimize(autodiff.log, [-1.0]).stopped == "diverged"
    assert minimize(autodiff.sqrt, [0.0]).stopped == "diverged"  # the slope alone is infinite


# -- gradients -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "gradient", "start"),
    [
        (bowl, slopes, [5.0, 3.0]),
        (
            lambda x, y: autodiff.sin(x) * autodiff.exp(-y * y),
            lambda x, y: (
                math.cos(x) * math.exp(-y * y),
                -2 * y * math.sin(x) * math.exp(-y * y),
            ),
            [0.3, 0.5],
        ),
    ],
)
def test_reverse_analytic_and_numerical_gradients_lead_the_same_way(f, gradient, start):
    reverse, analytic, numerical = (
        minimize(f, start, steps=40, gradient=way) for way in ("reverse", gradient, "numerical")
    )
    np.testing.assert_allclose(analytic.points, reverse.points, rtol=1e-12)
    np.testing.assert_allclose(analytic.gradients, reverse.gradients, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(numerical.points, reverse.points, rtol=1e-8)
    np.testing.assert_allclose(numerical.gradients, reverse.gradients, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(numerical.values, reverse.values, rtol=1e-8)


def test_a_given_gradient_is_the_one_that_is_used():
    path = minimize(bowl, [5.0, 3.0], steps=1, gradient=lambda x, y: np.array([1.0, -1.0]))
    assert path.points.tolist() == [[5.0, 3.0], [5.0 - 0.1, 3.0 + 0.1]]
    assert minimize(lambda x: x * x, 3.0, steps=1, gradient=lambda x: 2 * x).x == [3.0 - 0.6]


def test_only_reverse_gradients_ask_for_values():
    kinds = {"reverse": Value, "numerical": float, slopes: float}
    for way, kind in kinds.items():
        seen = set()
        minimize(lambda x, y, s=seen: s.add(type(x)) or bowl(x, y), [5.0, 3.0], gradient=way)
        assert seen == {kind}


@pytest.mark.parametrize("gradient", ["reverse", "numerical", lambda x: 0.0])
@pytest.mark.parametrize("constant", [7.0, 7, np.float64(7.0), Value(7.0)])
def test_a_constant_has_no_slope(gradient, constant):
    path = minimize(lambda x: constant, [3.0], steps=2, gradient=gradient)
    assert path.values.tolist() == [7.0] * 3
    assert path.gradients.tolist() == [[0.0]] * 3
    assert path.points.tolist() == [[3.0]] * 3


def test_a_number_that_is_not_used_stays():
    path = minimize(lambda x, y: x * x, [3.0, 5.0], steps=4)
    assert path.points[:, 1].tolist() == [5.0] * 5
    assert minimize(lambda x: x, [3.0], steps=1).gradients.tolist() == [[1.0], [1.0]]


# -- optimizers and batches ------------------------------------------------------------------------

RATES = {"Adadelta": 100.0, "Adagrad": 0.5, "SGD": 0.1, "RMSprop": 0.003, "NoisySGD": 0.01}


RULES = [name for name in optim.__all__ if hasattr(getattr(optim, name), "update")]


@pytest.mark.parametrize("name", sorted({*RULES} - {"Optimizer"}))
def test_every_optimizer_descends(name):
    more = {"rng": np.random.default_rng(0)} if name == "NoisySGD" else {}
    rule = getattr(optim, name)
    path = minimize(
        rosenbrock if name == "Adam" else bowl,
        [-0.5, 0.5],
        lambda params: rule(params, lr=RATES.get(name, 0.05), **more),
        steps=1500,
    )
    assert path.value < 1e-2 * path.values[0]


def test_a_path_is_the_one_of_the_explicit_loop():
    xs = [Value(-0.5), Value(0.5)]
    optimizer = Adam(xs, lr=0.02)
    points = [[x.data for x in xs]]
    for _ in range(50):
        loss = rosenbrock(*xs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        points.append([x.data for x in xs])
    path = minimize(rosenbrock, [-0.5, 0.5], lambda params: Adam(params, lr=0.02), steps=50)
    assert path.points.tolist() == points


def test_noise_is_of_the_generator():
    first, second = (
        minimize(bowl, [5.0, 3.0], lambda p: NoisySGD(p, rng=np.random.default_rng(3)), steps=9)
        for _ in range(2)
    )
    assert first.points.tolist() == second.points.tolist()


@pytest.mark.parametrize(
    "gradient", ["reverse", "numerical", lambda a, b, xy: residual(a, b, xy, slope=True)]
)
def test_each_step_has_a_batch_of_its_own(gradient):
    data = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]
    batches = itertools.cycle(data)
    path = minimize(residual, [0.0, 0.0], steps=5, gradient=gradient, batches=batches)
    assert path.stopped == "steps"
    assert next(batches) == data[5 % 3]  # five steps take five batches
    used = [*data, *data[:2], data[1]]  # the last point is measured on the last step's
    expected = [residual(a, b, xy) for (a, b), xy in zip(path.points, used, strict=True)]
    assert path.values == pytest.approx(expected, rel=1e-12)
    assert path.points[1] == pytest.approx([0.2, 0.0], rel=1e-8)


def residual(a, b, xy, slope=False):
    """The squared error of the line ``a + b*x`` at a point, or its gradient."""
    x, y = xy
    error = a + b * x - y
    return [2 * error, 2 * error * x] if slope else error**2


def test_single_examples_fit_a_line():
    order = np.random.default_rng(0).integers(0, 5, 2000).tolist()
    path = minimize(residual, [0.0, 0.0], steps=1500, batches=((x, 1 + 2.0 * x) for x in order),
                    optimizer=lambda p: SGD(p, lr=0.03))  # fmt: skip
    assert path.x == pytest.approx([1.0, 2.0], abs=1e-6)


@pytest.mark.parametrize("steps", [3, 9])
@pytest.mark.parametrize("kind", [list, iter, np.array])
def test_as_many_batches_as_steps_give_a_point_more(steps, kind):
    xs = [Value(0.0)]
    optimizer = SGD(xs, lr=0.1)
    points = [0.0]
    for b in (1.0, 2.0, 3.0):
        loss = (xs[0] - b) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        points.append(xs[0].data)
    seen = []
    path = minimize(
        *(lambda x, b: (x - b) ** 2, [0.0]),
        **{"steps": steps, "batches": kind([1.0, 2.0, 3.0])},
        callback=lambda step, point, *_: seen.append((step, point.item())),
    )
    assert path.stopped == ("steps" if steps == 3 else "batches")
    assert path.points[:, 0].tolist() == points
    assert seen == list(enumerate(points))
    assert path.values.tolist() == [
        (x - b) ** 2 for x, b in zip(points, [1.0, 2.0, 3.0, 3.0], strict=True)
    ]
    assert path.gradients.shape == (4, 1)
    assert path.step_sizes.shape == (3,)


def test_no_step_takes_one_batch():
    path = minimize(lambda x, b: (x - b) ** 2, [0.0], steps=0, batches=[3.0])
    assert (path.points.tolist(), path.values.tolist()) == ([[0.0]], [9.0])
    assert path.stopped == "steps"


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x0": []}, ValueError, "x0 must be a finite number or a list of them, not"),
        ({"x0": [[1.0, 2.0]]}, ValueError, "x0 must be a finite number or a list of them"),
        ({"x0": [1.0, math.nan]}, ValueError, r"x0 must be .*, not \[1\.0, nan\]"),
        ({"x0": math.inf}, ValueError, "x0 must be a finite number"),
        ({"steps": -1}, ValueError, "steps must be an integer from 0 up, not -1"),
        ({"steps": 2.5}, ValueError, r"steps must be an integer from 0 up, not 2\.5"),
        ({"tol": -1e-3}, ValueError, r"tol must be 0 or more, not -0\.001"),
        ({"tol": math.nan}, ValueError, "tol must be 0 or more, not nan"),
        ({"tol": "1"}, TypeError, "tol must be a real number, not '1'"),
        ({"gradient": "forward"}, ValueError, "'numerical' or a function, not 'forward'"),
        ({"gradient": lambda x, y: [1.0]}, ValueError, r"must give 2 numbers, .* shape \(1,\)"),
        ({"batches": []}, ValueError, r"minimize\(batches=\.\.\.\): there are no batches"),
        ({"batches": iter(())}, ValueError, "there are no batches"),
        ({"optimizer": lambda p: None}, TypeError, r"must give an Optimizer, not None"),
        ({"f": lambda x, y: None}, TypeError, r"minimize\(f\): f must return a number, not None"),
        ({"f": lambda x, y: [x, y]}, TypeError, "f must return a number, not "),
        ({"f": lambda x, y: "1", "gradient": slopes}, TypeError, "return a number, not '1'"),
        ({"f": lambda x, y: 1j, "gradient": "numerical"}, TypeError, "return a number, not 1j"),
    ],
)
def test_bad_input_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        minimize(**{"f": bowl, "x0": [1.0, 2.0], "steps": 3, **arguments})


def test_batches_that_cannot_be_gone_through_are_refused():
    with pytest.raises(TypeError):
        minimize(bowl, [1.0, 2.0], steps=3, batches=3)


def test_a_step_too_long_for_its_square_is_no_warning():
    path = minimize(lambda x: x * x, 1.0, lambda params: SGD(params, lr=1.5), steps=2000)
    assert path.stopped == "diverged"
    assert path.step_sizes[:3].tolist() == [3.0, 6.0, 12.0]
