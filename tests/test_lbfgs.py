"""L-BFGS: its closure, states, interrupts and loops; its numbers are PyTorch's, elsewhere."""

import copy
import itertools
import math

import numpy as np
import pytest
from interrupts import interrupted

from autodiff import Value, nn
from autodiff.checkpoints import load, save
from autodiff.optim import LBFGS, fit, minimize

WOLFE = "strong_wolfe"


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def problem(start=(-1.2, 1.0), f=rosenbrock, **options):
    """Parameters, their optimizer, and the closure of a function of them."""
    xs = [Value(x) for x in start]
    optimizer = LBFGS(xs, **options)

    def closure():
        optimizer.zero_grad()
        loss = f(*xs)
        loss.backward()
        return loss

    return xs, optimizer, closure


def now(xs, optimizer):
    """Where parameters and optimizer are."""
    return [x.data for x in xs], copy.deepcopy(optimizer.state_dict())


# -- steps -----------------------------------------------------------------------------------------


def test_a_few_steps_are_enough_for_a_smooth_function():
    xs, optimizer, closure = problem(line_search_fn=WOLFE, tolerance_change=1e-12)
    losses = [optimizer.step(closure).data for _ in range(4)]
    assert losses[0] == rosenbrock(-1.2, 1.0)
    assert losses[-1] < 1e-12
    assert [x.data for x in xs] == pytest.approx([1.0, 1.0], abs=1e-7)


def test_a_quadratic_function_of_thousands_of_parameters():
    n = 3000
    scales, ends = np.linspace(1.0, 30.0, n), np.sin(np.arange(n))
    xs = [Value(0.0) for _ in range(n)]
    optimizer = LBFGS(xs, max_iter=60, line_search_fn=WOLFE, tolerance_grad=1e-6)

    def closure():
        away = np.array([x.data for x in xs]) - ends
        for x, g in zip(xs, (scales * away).tolist(), strict=True):
            x.grad = g
        return 0.5 * float(scales @ away**2)

    optimizer.step(closure)
    assert [x.data for x in xs] == pytest.approx(ends.tolist(), abs=1e-4)
    kept = optimizer.state[0]["steps"]
    assert 10 < len(kept) < 60
    assert kept.shape[1:] == (n,)


@pytest.mark.parametrize("number", [3, 3.5, np.float32(2.5)])
def test_a_closure_may_return_a_number(number):
    _, optimizer, closure = problem()
    assert optimizer.step(lambda: closure() and number) is number


@pytest.mark.parametrize("wrong", [None, "0.5", [1.0], 1j])
def test_a_closure_that_returns_no_number_is_refused_and_nothing_changed(wrong):
    xs, optimizer, closure = problem()
    optimizer.step(closure)
    before = now(xs, optimizer)
    with pytest.raises(TypeError, match="what the closure returns must be a real number, not"):
        optimizer.step(lambda: closure() and wrong)
    np.testing.assert_equal(now(xs, optimizer), before)


@pytest.mark.parametrize("wrong", [None, 3.0])
def test_a_step_without_a_closure_says_what_one_is(wrong):
    xs, optimizer, _ = problem()
    with pytest.raises(TypeError, match=r"LBFGS\.step\(closure\) takes a function that sets"):
        optimizer.step(wrong)
    assert [x.data for x in xs] == [-1.2, 1.0]


@pytest.mark.parametrize("line_search_fn", [None, WOLFE])
@pytest.mark.parametrize("good", [0, 1, 4, 11])
def test_a_closure_that_raises_leaves_everything_as_it_was(good, line_search_fn):
    xs, optimizer, closure = problem(line_search_fn=line_search_fn, lr=0.01)
    optimizer.step(closure)
    before = now(xs, optimizer)
    calls = itertools.count()

    def failing():
        if next(calls) == good:
            raise OverflowError("too much")
        return closure()

    with pytest.raises(OverflowError, match="too much"):
        optimizer.step(failing)
    np.testing.assert_equal(now(xs, optimizer), before)


def test_the_closure_keeps_numpys_own_settings():
    _, optimizer, closure = problem(lr=0.01, max_iter=3)
    settings = []
    with np.errstate(divide="raise", over="warn"):
        outside = np.geterr()
        optimizer.step(lambda: settings.append(np.geterr()) or closure())
        assert np.geterr() == outside
    assert settings == [outside] * 3


def test_a_flat_slope_ends_the_search_even_if_the_loss_is_nan():
    x = Value(0.5)
    optimizer = LBFGS([x], lr=1.0, line_search_fn=WOLFE, max_iter=1)

    def closure():
        at_start = x.data == 0.5
        x.grad = -1.0 if at_start else -0.1
        return 1.0 if at_start else math.nan

    assert optimizer.step(closure) == 1.0
    assert x.data == 1.5  # PyTorch's search ends with an IndexError here


def test_an_interval_without_length_is_halved_not_divided_by():
    xs, optimizer, closure = problem([0.0, 0.0], lr=0.0, line_search_fn=WOLFE, tolerance_change=0.0)
    optimizer.step(closure)
    assert all(math.isfinite(x.data) for x in xs)


@pytest.mark.parametrize("line_search_fn", [None, WOLFE])
def test_an_interrupted_step_is_made_as_a_whole_or_not_at_all(line_search_fn):
    def fresh():
        xs, optimizer, _ = problem(line_search_fn=line_search_fn, lr=0.01, max_iter=2)

        def closure():  # by hand: what an interrupted backward() leaves is another matter
            x, y = (p.data for p in xs)
            xs[0].grad, xs[1].grad = 2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)
            return rosenbrock(x, y)

        optimizer.step(closure)
        return xs, optimizer, closure

    xs, optimizer, closure = fresh()
    before = now(xs, optimizer)
    optimizer.step(closure)
    after = now(xs, optimizer)
    came_out = set()
    for moment in itertools.count():
        xs, optimizer, closure = fresh()
        if not interrupted(lambda o=optimizer, c=closure: o.step(c), moment):
            break
        reached = now(xs, optimizer)
        made = reached[0] != before[0]
        np.testing.assert_equal(reached, after if made else before)
        came_out.add(made)
    assert moment > 100
    assert False in came_out


# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"lr": 0.005, "history_size": 3}, {"line_search_fn": WOLFE}])
@pytest.mark.parametrize("steps", range(4))
def test_a_saved_search_goes_on_bit_for_bit(tmp_path, options, steps):
    xs, optimizer, closure = problem(max_iter=4, **options)
    for _ in range(steps):
        optimizer.step(closure)
    save(tmp_path / "a.npz", optimizer)
    twins, twin, its_closure = problem([x.data for x in xs], lr=0.7, max_iter=9)
    for name, value in optimizer.param_groups[0].items():
        twin.param_groups[0].setdefault(name, value)
    twin.step(its_closure)
    for x, number in zip(twins, xs, strict=True):
        x.data = number.data
    load(tmp_path / "a.npz", twin)
    for _ in range(5):
        assert twin.step(its_closure).data == optimizer.step(closure).data
        np.testing.assert_equal(now(twins, twin), now(xs, optimizer))


def test_a_state_is_a_copy_which_no_step_changes():
    _, optimizer, closure = problem(line_search_fn=WOLFE)
    optimizer.step(closure)
    state = optimizer.state_dict()
    kept = copy.deepcopy(state)
    optimizer.step(closure)
    np.testing.assert_equal(state, kept)


def test_a_state_of_a_search_that_found_nothing_to_do_is_continued(tmp_path):
    _, optimizer, closure = problem([1.0, 1.0])
    optimizer.step(closure)
    assert (optimizer.state[0]["n_iter"], optimizer.state[0]["func_evals"]) == (0, 1)
    save(tmp_path / "a.npz", optimizer)
    _, twin, _ = problem()
    load(tmp_path / "a.npz", twin)
    np.testing.assert_equal(twin.state_dict(), optimizer.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": np.zeros((2, 2))}, "'steps' has 2 rows, but 'gradient_changes' 3"),
        ({"steps": np.zeros((3, 5))}, r"'steps' is an array of .* \(3, 5\); .* \(3, 2\) is expe"),
        ({"steps": np.zeros((4, 2))}, r"'steps' is an array of .* \(4, 2\); .* \(3, 2\) is expe"),
        ({"steps": np.zeros(())}, r"'steps' is an array of .* shape \(\); .* \(0, 2\) is expected"),
        ({"last_step": np.zeros((3, 2))}, r"'last_step' is .* \(3, 2\); .* \(2,\) is expected"),
        ({"n_iter": 2.5}, r"'n_iter' must be an integer, not 2\.5"),
        ({"func_evals": -1}, "func_evals must be a finite number, 0 or more, not -1"),
    ],
)
def test_a_state_that_makes_no_sense_changes_nothing(change, message):
    _, optimizer, closure = problem(line_search_fn=WOLFE, history_size=3)
    optimizer.step(closure)
    before = copy.deepcopy(optimizer.state_dict())
    broken = copy.deepcopy(before)
    broken["state"][0] |= change
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(broken)
    np.testing.assert_equal(optimizer.state_dict(), before)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lr": -1.0}, ValueError, r"lr must be a finite number, 0 or more, not -1\.0"),
        ({"tolerance_grad": math.nan}, ValueError, "tolerance_grad must be a finite number"),
        ({"tolerance_change": "0"}, TypeError, "tolerance_change must be a real number, not '0'"),
        ({"max_iter": 0}, ValueError, "max_iter must be a positive integer, not 0"),
        ({"max_iter": 2.0}, ValueError, r"max_iter must be a positive integer, not 2\.0"),
        ({"max_eval": 0}, ValueError, "max_eval must be a positive integer, not 0"),
        ({"history_size": True}, ValueError, "history_size must be a positive integer, not True"),
        ({"line_search_fn": "wolfe"}, ValueError, "must be None or 'strong_wolfe', not 'wolfe'"),
        ({"line_search_fn": np.zeros(2)}, ValueError, "line_search_fn must be None or"),
    ],
)
def test_bad_options_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        LBFGS([Value(1.0)], **options)


def test_all_parameters_are_in_one_group():
    x, y = Value(1.0), Value(2.0)
    with pytest.raises(ValueError, match="LBFGS takes all parameters in one group"):
        LBFGS([{"params": [x]}, {"params": [y]}])
    optimizer = LBFGS([{"params": [x], "lr": 0.5}])
    with pytest.raises(ValueError, match="LBFGS takes all parameters in one group"):
        optimizer.add_param_group({"params": [y]})
    assert optimizer.params == [x]
    assert len(optimizer.state) == 1


def test_evaluations_are_a_quarter_more_than_iterations_if_nothing_is_said():
    assert LBFGS([Value(1.0)], max_iter=8).param_groups[0]["max_eval"] == 10
    assert repr(LBFGS([Value(1.0)], lr=0.5)) == (
        "LBFGS(1 parameter, lr=0.5, max_iter=20, max_eval=25, tolerance_grad=1e-07, "
        "tolerance_change=1e-09, history_size=100, line_search_fn=None)"
    )


# -- in the loops ----------------------------------------------------------------------------------


@pytest.mark.parametrize("gradient", ["reverse", "numerical"])
def test_minimize_keeps_the_ends_of_its_steps(gradient):
    path = minimize(
        rosenbrock,
        [-1.2, 1.0],
        lambda params: LBFGS(params, line_search_fn=WOLFE, tolerance_change=0.0),
        steps=9,
        tol=1e-4,
        gradient=gradient,
    )
    assert path.stopped == "tol"
    assert len(path.points) < 6
    assert path.x == pytest.approx([1.0, 1.0], abs=1e-4)


def test_minimize_is_the_explicit_loop_and_evaluates_no_point_twice():
    xs, optimizer, closure = problem(max_iter=1, max_eval=25, line_search_fn=WOLFE)
    points, calls = [[x.data for x in xs]], []
    for _ in range(8):
        optimizer.step(closure)
        points.append([x.data for x in xs])

    def f(x, y):
        calls.append((x.data, y.data))
        return rosenbrock(x, y)

    rule = lambda params: LBFGS(params, max_iter=1, max_eval=25, line_search_fn=WOLFE)  # noqa: E731
    path = minimize(f, [-1.2, 1.0], rule, steps=8)
    assert path.points.tolist() == points
    assert len(calls) == optimizer.state[0]["func_evals"] + 1  # and at the last point


def test_minimize_says_that_a_search_diverged():
    path = minimize(lambda x: x**3, [-1.0], lambda p: LBFGS(p, lr=10.0), gradient="numerical")
    assert path.stopped == "diverged"


def test_each_step_of_minimize_has_one_batch():
    seen = []

    def f(x, target):
        seen.append(target)
        return (x - target) ** 2

    path = minimize(f, [0.0], lambda p: LBFGS(p, max_iter=2), batches=[1.0, 2.0, 4.0])
    assert path.stopped == "batches"
    assert [k for k, _ in itertools.groupby(seen)] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("jit", [True, False])
def test_fit_trains_with_the_whole_data_in_one_batch(jit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)).tolist()
    y = [[math.sin(a) + b] for a, b in X]
    net = nn.MLP(2, [6, 1], "tanh", np.random.default_rng(1))
    optimizer = LBFGS(net.parameters(), max_iter=10, line_search_fn=WOLFE)
    history = fit(
        net, nn.mse_loss, (X, y), optimizer, 25, batch_size=30, rng=rng, progress=False, jit=jit
    )
    assert history.loss[:9] == sorted(history.loss[:9], reverse=True)
    assert history.loss[-1] < 1e-3 * history.loss[0]
