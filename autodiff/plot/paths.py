"""Trajectories in a picture: what of them is inside, and where they leave it for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from autodiff.engine.reals import describe
from autodiff.optim.base import Array
from autodiff.optim.minimize import Trajectory

Trajectories = Trajectory | Mapping[str, Trajectory] | None


def named(trajectories: Trajectories, dimension: int, picture: str) -> dict[str, Trajectory]:
    """The trajectories by name, each of the dimension that the picture shows.

    Raises:
        TypeError: if one is not a Trajectory.
        ValueError: if one is of another dimension, or has no point.
    """
    if trajectories is None:
        return {}
    if isinstance(trajectories, Trajectory):
        trajectories = {"": trajectories}
    if not isinstance(trajectories, Mapping):
        raise TypeError(
            f"{picture}() takes a Trajectory (what optim.minimize returns) or a dict "
            f"{{name: Trajectory}}, not {describe(trajectories)}"
        )
    for name, path in trajectories.items():
        if not isinstance(path, Trajectory):
            raise TypeError(
                f"trajectory {name!r} must be a Trajectory, as optim.minimize returns it, "
                f"not {describe(path)}"
            )
        if path.points.shape[1] != dimension:
            raise ValueError(
                f"{picture}() draws paths of {dimension} parameter(s), and trajectory {name!r} "
                f"has {path.points.shape[1]}: minimize a function of {dimension}"
            )
        if not len(path.points) or not np.isfinite(path.points[0]).all():
            raise ValueError(f"trajectory {name!r} has no finite point: it cannot be drawn")
    return dict(trajectories)


@dataclass(frozen=True)
class Visible:
    """What is seen of a path inside a box.

    Attributes:
        line: its pieces, cut at the border, with a row of nan between them; (m, n).
        points: its points that are inside; (k, n).
        left_after: the last step inside, if it then leaves for good; or None.
        diverges: whether it leaves upwards, to a greater value, or to none.
        exit: where it crosses the border then, or None.
        direction: of that crossing, in units of the box, or None.
    """

    line: Array
    points: Array
    left_after: int | None
    diverges: bool
    exit: Array | None
    direction: Array | None

    @property
    def note(self) -> str:
        """How it leaves, in words; empty if it does not."""
        if self.left_after is None:
            return ""
        return left("diverges" if self.diverges else "leaves", self.left_after)


def left(how: str, last: int, unit: str = "step") -> str:
    """That a path leaves after its last step inside, in words.

    >>> left("diverges", 0), left("leaves", 3, "epoch")
    ('diverges at the first step', 'leaves after epoch 3')
    """
    return f"{how} after {unit} {last}" if last else f"{how} at the first {unit}"


def stride(seen: Visible) -> int:
    """Every how many steps one is marked: an odd number, lest one side of a zigzag have none."""
    return len(seen.points) // 25 | 1


def visible(path: Trajectory, *box: tuple[float, float]) -> Visible:
    """What is seen of a path up to its last point, in a box with a range for each dimension."""
    low, high = np.array(box).T
    bad = np.flatnonzero(~np.isfinite(path.points).all(axis=1))
    points = path.points[: bad[0]] if len(bad) else path.points
    inside = ((points >= low) & (points <= high)).all(axis=1)
    last = int(np.flatnonzero(inside)[-1]) if inside.any() else len(points)
    pieces: list[Array] = [points[:1]] if inside[0] else []
    drawn = set()  # to and fro is one line: twice the dashes would fill each other's gaps
    for a, b in pairwise(points[: last + 2]):
        piece = clip(a, b, low, high)
        if piece is not None and frozenset((a.tobytes(), b.tobytes())) not in drawn:
            drawn.add(frozenset((a.tobytes(), b.tobytes())))
            joined = bool(pieces) and np.array_equal(pieces[-1][-1], piece[0])
            pieces.append(np.array(piece[1:] if joined else [low * np.nan, *piece]))
    line = np.concatenate(pieces) if pieces else np.empty((0, len(low)))

    lost = path.stopped == "diverged" or not inside[-1]
    if not lost or not inside.any():
        return Visible(line, points[inside], None, False, None, None)
    beyond = path.values[last + 1 : last + 2]
    rises = not (len(beyond) and beyond[0] <= path.values[last])  # also if it is nan
    if last + 1 < len(points):
        ahead = points[last + 1] / (high - low) - points[last] / (high - low)
        crossing = clip(points[last], points[last + 1], low, high)
        end = points[last] if crossing is None else crossing[1]
    else:  # the next step was not finite: no crossing is known, the last gradient leads there
        ahead, end = np.nan_to_num(-path.gradients[last], posinf=1e9, neginf=-1e9), points[last]
    length = np.linalg.norm(ahead)
    direction = ahead / length if 0 < length < np.inf else np.sign(ahead)
    return Visible(line, points[inside], last, rises, end, direction)


def clip(a: Array, b: Array, low: Array, high: Array) -> tuple[Array, Array] | None:
    """The part of the segment from a to b that is in the box (Liang and Barsky's algorithm)."""
    start, end = 0.0, 1.0
    with np.errstate(all="ignore"):
        d = b - a
        for k in range(len(a)):
            if d[k] == 0:
                if not low[k] <= a[k] <= high[k]:
                    return None
                continue
            enter, leave = sorted([(low[k] - a[k]) / d[k], (high[k] - a[k]) / d[k]])
            start, end = max(start, enter), min(end, leave)
        if not start <= end:
            return None
        ends = [a if start == 0 else a + start * d, b if end == 1 else a + end * d]
    return np.clip(ends[0], low, high), np.clip(ends[1], low, high)
