"""Price an option on a mean by Monte Carlo, with all its derivatives, from code for one path.

A call on the mean of 50 prices pays what the mean is above 100.  ``payoff`` follows one path of a
share, in plain arithmetic; ``vmap(value_and_grad(payoff, ...))`` runs it on 100,000 paths, with the
derivatives of each by the price, the volatility, the interest rate and the time: the *greeks*.  For
the geometric mean there is a closed form, whose greeks are ``grad`` of the formula: Monte Carlo
must agree with it within its error bars.  For the arithmetic mean there is none.

What to look for: with a hundred times as many paths the bars are a tenth as long.  Gamma, the
second derivative by the price, is the hardest: the slope of what a path pays jumps where the option
begins to pay, so that its derivative says nothing, and slopes are weighed by likelihoods (see
``gamma``).

    python demos/option_pricing.py              # the table and a picture
    python demos/option_pricing.py --save out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
from demo import Picture, run

from autodiff import derivative, erf, exp, grad, jit, log, plot, relu, sqrt, value_and_grad, vmap

STEPS = 50
STRIKE = 100.0
SPOT, VOLATILITY, RATE, YEARS = 100.0, 0.25, 0.05, 1.0
GREEKS = ("price", "delta", "vega", "rho", "theta", "gamma")


def payoff(spot: Any, volatility: Any, rate: Any, years: Any, normals: Any, mean: str) -> Any:
    """What a call on the mean of one path's prices pays, discounted.

    Args:
        spot, volatility, rate, years: the price of the share today, how it moves, the interest
            rate, and how long the option runs.
        normals: a normal random number for each step.
        mean: "geometric" or "arithmetic".
    """
    dt = years / STEPS
    at = log(spot)
    total = 0.0
    for z in normals:
        at = at + (rate - volatility * volatility / 2) * dt + volatility * sqrt(dt) * z
        total = total + (at if mean == "geometric" else exp(at))
    average = exp(total / STEPS) if mean == "geometric" else total / STEPS
    return exp(-rate * years) * relu(average - STRIKE)


def closed_form(spot: Any, volatility: Any, rate: Any, years: Any) -> Any:
    """The price of the call on the geometric mean.

    The mean of the logarithms of the prices is normal.

    References:
        A. Kemna, A. Vorst, A pricing method for options based on average asset values, Journal of
        Banking and Finance 14 (1990); here with the mean of ``STEPS`` prices.
    """
    n = STEPS
    drift = (rate - volatility * volatility / 2) * years * (n + 1) / (2 * n)
    variance = volatility * volatility * years * (n + 1) * (2 * n + 1) / (6 * n * n)
    d = (log(spot / STRIKE) + drift) / sqrt(variance)
    forward = spot * exp(drift + variance / 2)
    return exp(-rate * years) * (forward * normal(d + sqrt(variance)) - STRIKE * normal(d))


def normal(x: Any) -> Any:
    """The distribution function of the standard normal distribution."""
    return (1 + erf(x / 2**0.5)) / 2


def exact_greeks() -> np.ndarray:
    """The closed form and its greeks, in the order of ``GREEKS``."""
    at = (SPOT, VOLATILITY, RATE, YEARS)
    delta, vega, rho, by_years = grad(closed_form, (0, 1, 2, 3))(*at)
    second = derivative(lambda spot: closed_form(spot, *at[1:]), 2)(SPOT)
    return np.array([closed_form(*at), delta, vega, rho, -by_years, second])


def greeks_of_paths(mean: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function from paths, a row of normals each, to the price and greeks of each: a row each."""
    of_paths = jit(
        vmap(
            value_and_grad(lambda s, v, r, t, z: payoff(s, v, r, t, z, mean), (0, 1, 2, 3)),
            in_axes=(None, None, None, None, 0),
        )
    )

    def found(normals: np.ndarray) -> np.ndarray:
        price, (delta, vega, rho, by_years) = of_paths(SPOT, VOLATILITY, RATE, YEARS, normals)
        return np.stack([price, delta, vega, rho, -by_years, gamma(delta, normals)])

    return found


def gamma(delta: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """A path's share of the second derivative by the spot.

    Given the price after the first step, the rest of a path does not know the spot: so the delta of
    a path is weighed by the derivative of the logarithm of that price's density.

    References:
        P. Glasserman, Monte Carlo Methods in Financial Engineering, section 7.3.
    """
    score = normals[:, 0] / (VOLATILITY * np.sqrt(YEARS / STEPS))
    return delta * (score - 1) / SPOT


def estimate(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means of rows, and the half widths of their 95 % confidence intervals."""
    n = shares.shape[1]
    return shares.mean(axis=1), 1.96 * shares.std(axis=1, ddof=1) / np.sqrt(n)


def pictures(quick: bool) -> Iterator[Picture]:
    """Some paths, and how the estimates close in on the closed form."""
    normals = np.random.default_rng(0).normal(size=(10_000 if quick else 100_000, STEPS))
    exact = exact_greeks()
    found = {}
    for mean in ("geometric", "arithmetic"):
        start = perf_counter()
        shares = greeks_of_paths(mean)(normals)
        seconds = perf_counter() - start
        found[mean] = shares
        print(f"{mean} mean, {len(normals):,} paths in {seconds:.2f} s, compiling included")
        print("         Monte Carlo            " + ("closed form" if mean == "geometric" else ""))
        for name, value, bar, true in zip(GREEKS, *estimate(shares), exact, strict=True):
            known = f"{true:12.5f}" if mean == "geometric" else ""
            print(f"  {name:6}{value:12.5f} ± {bar:.5f}{known}")

    figure, (left, right) = plot.subplots(1, 2)
    figure.set_size_inches(11, 4.8)
    steps = (RATE - VOLATILITY**2 / 2) * YEARS / STEPS
    moves = steps + VOLATILITY * np.sqrt(YEARS / STEPS) * normals[:60]
    paths = SPOT * np.exp(np.cumsum(np.hstack([np.zeros((60, 1)), moves]), axis=1))
    years = np.linspace(0.0, YEARS, STEPS + 1)
    pays = found["geometric"][0, :60] > 0
    for path, paid in zip(paths, pays, strict=True):
        left.plot(years, path, color="#0072b2" if paid else "#b0b0b0", lw=0.8, zorder=1 + paid)
    left.axhline(STRIKE, color="black", lw=1, ls="--")
    left.set(title=f"{pays.sum()} of 60 paths pay (blue)", xlabel="years", ylabel="price")
    counts = [10**k for k in range(3, 6) if 10**k <= len(normals)]
    width = 0.8 / len(counts)
    for k, count in enumerate(counts):
        value, bar = estimate(found["geometric"][:, :count])
        at = np.arange(len(GREEKS)) + (k - (len(counts) - 1) / 2) * width
        right.errorbar(
            *(at, value / exact - 1, bar / abs(exact)),
            **{"fmt": "o", "ms": 3, "label": f"{count:,} paths", "color": f"C{k}"},
        )
    right.axhline(0.0, color="black", lw=1, ls="--")
    right.set_xticks(range(len(GREEKS)), GREEKS)
    right.set(title="Monte Carlo and the closed form", ylabel="relative error, 95 % bars")
    right.legend(loc="lower left")
    yield Picture(
        "option_pricing",
        "Paths of a share, and the greeks of a call on their geometric mean: estimates from ever "
        "more paths, relative to the closed form.",
        figure,
    )


if __name__ == "__main__":
    run(__doc__, pictures)
