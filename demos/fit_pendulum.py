"""Measure a pendulum from 200 noisy swings, with honest error bars, from code for one swing.

``swing`` integrates the equation of a pendulum with friction and the drag of the air, in plain
arithmetic.  ``loss`` compares it with all measured swings by ``vmap``, which is one instruction to
what differentiates the loss.  Adam on ``jit(loss)`` comes near the best length, friction and drag;
Newton's method with ``jit(hessian(loss))`` ends there.  The loss is minus the logarithm of the
likelihood, so the inverse of its Hessian is the covariance of the errors.

What to look for: fits to fresh noise scatter as the error bars say, and two bars in three reach the
truth.  Friction and drag both slow the pendulum down, and what one takes the other leaves: the
ellipse of their errors is long and tilted, which the bars by themselves do not show.

    python demos/fit_pendulum.py              # the table and a picture
    python demos/fit_pendulum.py --save out
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
from demo import Picture, run

from autodiff import grad, hessian, jit, optim, plot, sin, vmap

GRAVITY = 9.81
NAMES = ("length", "friction", "drag")
TRUE = np.array([1.2, 0.15, 0.1])
GUESS = np.array([1.0, 0.0, 0.0])
STEPS = 80
DT = 0.05
EVERY = 4  # an angle is measured after so many steps
NOISE = 0.05  # standard deviation of the measured angles, in radians
ADAM_STEPS = 100
NEWTON_STEPS = 10  # at the most


def acceleration(angle: Any, velocity: Any, length: Any, friction: Any, drag: Any) -> Any:
    """The equation of motion."""
    slowed = (friction + drag * abs(velocity)) * velocity
    return -GRAVITY / length * sin(angle) - slowed


def swing(parameters: Any, start: Any) -> list[Any]:
    """The angle of one pendulum after each of ``STEPS`` steps of Runge and Kutta's method.

    Args:
        parameters: its length, friction and drag.
        start: its angle and velocity at the beginning.
    """
    angle, velocity = start
    angles = []
    for _ in range(STEPS):
        v1, a1 = velocity, acceleration(angle, velocity, *parameters)
        v2 = velocity + DT / 2 * a1
        a2 = acceleration(angle + DT / 2 * v1, v2, *parameters)
        v3 = velocity + DT / 2 * a2
        a3 = acceleration(angle + DT / 2 * v2, v3, *parameters)
        v4 = velocity + DT * a3
        a4 = acceleration(angle + DT * v3, v4, *parameters)
        angle = angle + DT / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
        velocity = velocity + DT / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        angles.append(angle)
    return angles


def misfit(parameters: Any, start: Any, observed: Any) -> Any:
    """Minus the logarithm of the likelihood of one swing, but for a constant."""
    angles = swing(parameters, start)[EVERY - 1 :: EVERY]
    squares = sum((angle - seen) ** 2 for angle, seen in zip(angles, observed, strict=True))
    return squares / (2 * NOISE**2)


def loss(parameters: Any, starts: Any, observed: Any) -> Any:
    """The misfit of all swings, a row each."""
    return sum(vmap(misfit, in_axes=(None, 0, 0))(parameters, starts, observed))


slope = jit(grad(loss))
curvature = jit(hessian(loss), check=False)  # to run the function itself again takes a second


def experiment(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Starts of swings, and the angles that would be measured without noise: a row each."""
    starts = np.stack([rng.uniform(-2.0, 2.0, count), rng.normal(size=count)], axis=1)
    angles = vmap(swing, in_axes=(None, 0))(TRUE, starts)
    return starts, np.stack(angles[EVERY - 1 :: EVERY], axis=1)


def noisy(angles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is measured of these angles."""
    return angles + NOISE * rng.normal(size=angles.shape)


def descend(starts: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Parameters near the best ones: Newton's method would run away from the guess."""
    compiled = jit(loss)
    began, ticks = perf_counter(), []
    path = optim.minimize(
        lambda *parameters: compiled(parameters, starts, observed),
        GUESS,
        lambda params: optim.Adam(params, lr=0.05),
        steps=ADAM_STEPS,
        callback=lambda *_: ticks.append(perf_counter()),
    )
    step = np.median(np.diff(ticks))
    print(f"loss and gradient: compiled in {ticks[0] - began:.2f} s, then {1e3 * step:.1f} ms each")
    return path.x


def newton(
    parameters: np.ndarray, starts: np.ndarray, observed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best parameters, from near ones, and the covariance of their errors.

    Raises:
        RuntimeError: if they are not near enough.
    """
    for _ in range(NEWTON_STEPS):
        covariance = np.linalg.inv(curvature(parameters, starts, observed))
        uphill = slope(parameters, starts, observed)
        step = covariance @ uphill
        parameters = parameters - step
        if abs(step @ uphill) < 1e-6:  # a thousandth of an error bar
            return parameters, covariance
    raise RuntimeError(f"Newton's method has not converged in {NEWTON_STEPS} steps")


def bars(covariance: np.ndarray) -> np.ndarray:
    """The error bars, of one standard deviation, of a covariance or of several."""
    return np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))


def ellipse(center: np.ndarray, covariance: np.ndarray, sigmas: float) -> np.ndarray:
    """The ellipse of so many standard deviations about a point: its x, and its y."""
    turn = np.linspace(0.0, 2 * np.pi, 200)
    circle = sigmas * np.stack([np.cos(turn), np.sin(turn)])
    return center[:, None] + np.linalg.cholesky(covariance) @ circle


def pictures(quick: bool) -> Iterator[Picture]:
    """Some swings, and the errors of friction and drag."""
    rng = np.random.default_rng(0)
    starts, angles = experiment(20 if quick else 200, rng)
    observed = noisy(angles, rng)
    near = descend(starts, observed)
    ticks = [perf_counter()]
    for _ in range(2):
        curvature(near, starts, observed)
        ticks.append(perf_counter())
    first, second = np.diff(ticks)
    print(f"Hessian: compiled in {first:.2f} s, then {1e3 * second:.1f} ms each")
    fitted, covariance = newton(near, starts, observed)

    start = perf_counter()
    repeats = 3 if quick else 50
    fits = [newton(fitted, starts, noisy(angles, rng)) for _ in range(repeats)]
    others, covariances = (np.array(x) for x in zip(*fits, strict=True))
    print(f"{repeats} fits to fresh noise in {perf_counter() - start:.1f} s\n")
    bar, spread = bars(covariance), np.sqrt(((others - TRUE) ** 2).mean(axis=0))
    print(
        f"{len(starts)} swings    true   fitted   error bar   error in bars   fresh fits scatter by"
    )
    for row in zip(NAMES, TRUE, fitted, bar, (fitted - TRUE) / bar, spread, strict=True):
        print("  {:9}{:9.4f}{:9.4f} ± {:.5f}{:+14.1f}{:20.5f}".format(*row))
    reach = (abs(others - TRUE) < bars(covariances)).mean()
    print(f"the truth is within {reach:.0%} of the bars of the fits to fresh noise (68 % expected)")

    figure, (left, right) = plot.subplots(1, 2)
    figure.set_size_inches(11, 4.8)
    times = DT * np.arange(1, STEPS + 1)
    for k in range(4):
        left.plot(times, swing(fitted, starts[k]), color=f"C{k}", lw=1.2)
        left.plot(times[EVERY - 1 :: EVERY], observed[k], "o", color=f"C{k}", ms=3.5)
    left.set(title=f"4 of {len(starts)} swings", xlabel="seconds", ylabel="angle, radians")
    right.plot(*others[:, 1:].T, "o", color="#b0b0b0", ms=3.5, label="fits to fresh noise")
    for sigmas, line in ((1, "-"), (2, "--")):
        x, y = ellipse(fitted[1:], covariance[1:, 1:], sigmas)
        right.plot(x, y, line, color="#0072b2", lw=1.5, label=f"{sigmas} sigma")
    right.plot(*fitted[1:], "o", color="#0072b2", label="fitted")
    right.plot(*TRUE[1:], "*", color="#d55e00", ms=13, label="true")
    right.set(title="Errors of friction and drag", xlabel="friction, 1/s", ylabel="drag")
    right.legend()
    yield Picture(
        "fit_pendulum",
        "Measured angles of a few swings with the fitted pendulum; and the fitted friction and "
        "drag, with the ellipses that should hold the truth in 39 % and 86 % of experiments.",
        figure,
    )


if __name__ == "__main__":
    run(__doc__, pictures)
