"""The pendulum that is fitted to noisy swings: its numbers are right, and its picture is made."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from test_demos import load, small

from autodiff import grad

pytestmark = pytest.mark.once  # of numbers on which the engines agree


@pytest.fixture
def demo(monkeypatch):
    """The demonstration with fewer and longer steps."""
    module = load("fit_pendulum")
    for name, value in (("STEPS", 8), ("DT", 0.25), ("EVERY", 2), ("ADAM_STEPS", 40)):
        monkeypatch.setattr(module, name, value)
    return module


def test_the_integrator_agrees_with_scipy():
    demo = load("fit_pendulum")
    times = demo.DT * np.arange(1, demo.STEPS + 1)
    exact = solve_ivp(
        lambda t, state: (state[1], demo.acceleration(*state, *demo.TRUE)),
        *((0.0, times[-1]), (2.0, -1.0)),
        **{"t_eval": times, "rtol": 1e-9, "atol": 1e-9},
    )
    np.testing.assert_allclose(demo.swing(demo.TRUE, (2.0, -1.0)), exact.y[0], atol=1e-4)


def test_a_small_swing_is_that_of_a_damped_oscillator():
    demo = load("fit_pendulum")
    length, friction, start = 1.3, 0.4, 1e-3
    times = demo.DT * np.arange(1, demo.STEPS + 1)
    turns = np.sqrt(demo.GRAVITY / length - friction**2 / 4)
    swing = np.cos(turns * times) + friction / (2 * turns) * np.sin(turns * times)
    exact = start * np.exp(-friction / 2 * times) * swing
    found = demo.swing((length, friction, 0.0), (start, 0.0))
    np.testing.assert_allclose(found, exact, atol=1e-3 * start)


def test_the_gradient_by_vmap_is_that_of_a_loop(demo):
    rng = np.random.default_rng(1)
    starts, angles = demo.experiment(6, rng)
    observed = demo.noisy(angles, rng)

    def loop(parameters):
        swings = zip(starts, observed, strict=True)
        return sum(demo.misfit(parameters, start, seen) for start, seen in swings)

    found = demo.slope(demo.GUESS, starts, observed)
    np.testing.assert_allclose(found, grad(loop)(demo.GUESS), rtol=1e-10)


def test_the_fit_finds_the_truth_within_its_error_bars(demo, capsys):
    rng = np.random.default_rng(1)
    starts, angles = demo.experiment(15, rng)
    observed = demo.noisy(angles, rng)
    fitted, covariance = demo.newton(demo.descend(starts, observed), starts, observed)
    bar = demo.bars(covariance)
    assert (abs(fitted - demo.TRUE) < 4 * bar).all()
    assert (bar < [0.01, 0.1, 0.1]).all()
    assert (abs(demo.slope(fitted, starts, observed) * bar) < 1e-4).all()
    assert "loss and gradient: compiled in" in capsys.readouterr().out


def test_newtons_method_from_afar_is_refused(demo, monkeypatch):
    monkeypatch.setattr(demo, "NEWTON_STEPS", 1)
    starts, angles = demo.experiment(3, np.random.default_rng(1))
    with pytest.raises(RuntimeError, match="has not converged in 1 steps"):
        demo.newton(demo.GUESS, starts, angles)


def test_the_ellipse_has_the_covariance():
    covariance = np.array([[2.0, -1.0], [-1.0, 1.0]])
    points = load("fit_pendulum").ellipse(np.array([3.0, 4.0]), covariance, 2) - [[3.0], [4.0]]
    far = (points * np.linalg.solve(covariance, points)).sum(axis=0)
    np.testing.assert_allclose(far, 4.0)


def test_its_picture(demo, tmp_path, capsys):
    captions = small(demo.pictures(quick=True), tmp_path)
    assert list(captions) == ["fit_pendulum"]
    printed = capsys.readouterr().out
    assert "3 fits to fresh noise" in printed
    assert printed.count(" ± ") == len(demo.NAMES)
