"""The option that is priced by Monte Carlo: its numbers are right, and its picture is made."""

import numpy as np
import pytest
from test_demos import load, small

pytestmark = pytest.mark.once  # of numbers on which the engines agree


def test_one_path_is_what_it_says():
    demo = load("option_pricing")
    normals = np.random.default_rng(1).normal(size=demo.STEPS)
    dt = 0.5 / demo.STEPS
    prices = 110.0 * np.exp(np.cumsum((0.03 - 0.3**2 / 2) * dt + 0.3 * dt**0.5 * normals))
    for mean, average in (
        ("arithmetic", prices.mean()),
        ("geometric", np.exp(np.log(prices).mean())),
    ):
        expected = np.exp(-0.03 * 0.5) * max(average - demo.STRIKE, 0.0)
        assert demo.payoff(110.0, 0.3, 0.03, 0.5, normals, mean) == pytest.approx(expected)


def test_the_closed_form_is_that_of_one_step(monkeypatch):
    demo = load("option_pricing")
    monkeypatch.setattr(demo, "STEPS", 1)  # then the mean is the last price: Black and Scholes
    assert demo.closed_form(100.0, 0.2, 0.05, 1.0) == pytest.approx(10.450583572185565)


def test_monte_carlo_agrees_with_the_closed_form(capsys):
    demo = load("option_pricing")
    normals = np.random.default_rng(0).normal(size=(40_000, demo.STEPS))
    shares = demo.greeks_of_paths("geometric")(normals)
    value, bar = demo.estimate(shares)
    exact = demo.exact_greeks()
    assert (abs(value - exact) < 2 * bar).all()
    assert (bar < 0.1 * abs(exact)).all()
    by_hand = np.array([demo.payoff(100.0, 0.25, 0.05, 1.0, z, "geometric") for z in normals[:20]])
    np.testing.assert_array_equal(shares[0, :20], by_hand)


def test_its_picture(tmp_path, capsys):
    captions = small(load("option_pricing").pictures(quick=True), tmp_path)
    assert list(captions) == ["option_pricing"]
    printed = capsys.readouterr().out
    assert "geometric mean, 10,000 paths" in printed
    assert printed.count("gamma") == 2
