"""Two moons: a net of two hidden layers learns to tell them apart.

100 points of scikit-learn's two moons with noise of deviation 0.1; an MLP 2-16-16-1 with ReLU, 337
parameters, trained on all points at once for 100 steps, with a learning rate that falls from 1 to
0.1.  The loss is the max-margin (hinge) loss plus 1e-4 times the squares of all parameters.  What
to look for: the loss falls from 1 to nearly 0, the accuracy rises to 100 %, and the border
bends between the moons.

    python demos/moons.py --save out
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from demo import Picture, run
from sklearn.datasets import make_moons

from autodiff import nn, plot
from autodiff.optim import SGD, lr_scheduler

STEPS, PENALTY = 100, 1e-4


def data() -> tuple[np.ndarray, np.ndarray]:
    """100 points of shape (100, 2), and their moons, -1 or 1."""
    X, y = make_moons(100, noise=0.1, random_state=1)
    return X, 2 * y - 1


def share_right(scores: list[float], y: np.ndarray) -> float:
    """How many of the scores have their target's sign, as a share."""
    return float(np.mean((np.array(scores) > 0) == (y > 0)))


@cache
def train(steps: int = STEPS) -> tuple[nn.MLP, list[float], list[float]]:
    """The trained net; the loss before each step, and the share of points on the right side."""
    X, y = data()
    inputs, targets = X.tolist(), y.tolist()
    net = nn.MLP(2, [16, 16, 1], "relu", np.random.default_rng(0))
    optimizer = SGD(net.parameters(), lr=1.0)
    schedule = lr_scheduler.LambdaLR(optimizer, lambda step: 1 - 0.9 * step / STEPS)
    losses, accuracies = [], []
    for _ in range(steps):
        scores = [net(point)[0] for point in inputs]
        loss = nn.hinge_loss(scores, targets) + PENALTY * nn.l2_penalty(net.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.data)
        accuracies.append(share_right([score.data for score in scores], y))
    return net, losses, accuracies


def pictures(quick: bool) -> Iterator[Picture]:
    """The border, and how it was learned."""
    net, losses, accuracies = train()
    X, y = data()
    share = share_right([net(point)[0].data for point in X.tolist()], y)
    ax = plot.decision_boundary(net, X, y)
    ax.set_title(f"Two moons: {share:.0%} on the right side")
    yield Picture("moons", "The border bends between the moons.", ax)

    figure, (left, right) = plot.subplots(1, 2, figsize=(9.6, 4.8))
    plot.loss(losses, ax=left)
    left.set_title("Max-margin loss with L2")
    right.plot(np.array(accuracies) * 100, **{**plot.look(2), "marker": ""})
    right.set(xlabel="step", ylabel="%", title="Accuracy")
    right.grid(alpha=0.3)
    yield Picture("moons_training", "The loss falls, the accuracy rises to 100 %.", figure)


if __name__ == "__main__":
    run(__doc__, pictures)
