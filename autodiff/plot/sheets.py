"""The sheet of a function in three dimensions, and what it hides from the reader."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpl_toolkits.mplot3d.art3d import Line3D

from autodiff.optim.base import Array
from autodiff.plot.canvas import HIDDEN

_SAMPLES = 100  # along a line of sight, through the box of the axes
_THICKNESS = 0.01  # of the box: what is not deeper below the sheet lies on it


class Sheet:
    """The heights of a function over a grid, as drawn: flat between the grid's points."""

    def __init__(self, x: Array, y: Array, z: Array) -> None:
        self.x, self.y, self.z = x[0], y[:, 0], z

    def height(self, x: Array, y: Array) -> Array:
        """The height of the sheet over each place; nan outside."""
        inside = (x >= self.x[0]) & (x <= self.x[-1]) & (y >= self.y[0]) & (y <= self.y[-1])
        cells = []
        for at, sides in ((x, self.x), (y, self.y)):
            place = np.nan_to_num((at - sides[0]) / (sides[1] - sides[0]))
            first = np.clip(np.floor(place), 0, len(sides) - 2).astype(int)
            cells.append((first, place - first))
        (j, s), (i, t) = cells
        low = (1 - s) * self.z[i, j] + s * self.z[i, j + 1]
        high = (1 - s) * self.z[i + 1, j] + s * self.z[i + 1, j + 1]
        return np.where(inside, (1 - t) * low + t * high, np.nan)

    def hides(self, points: Array, ax: Any) -> Array:
        """Whether the sheet stands between each point, of shape (3, n), and the reader's eye.

        So it does where the line of sight passes below the sheet: before a hill, or beneath a slope
        that falls away from the eye.
        """
        box = np.array([ax.get_xlim3d(), ax.get_ylim3d(), ax.get_zlim3d()])
        low, span = box[:, :1], np.diff(box)
        unit = (points - low) / span
        steps = np.linspace(0.0, np.sqrt(3.0), _SAMPLES)[1:]
        sight = unit[:, :, None] + _towards_eye(ax, low, span, unit)[:, :, None] * steps
        x, y, z = sight * span[:, :, None] + low[:, :, None]
        below = self.height(x, y) - z > _THICKNESS * span[2]
        return np.asarray(below.any(axis=1))


def _towards_eye(ax: Any, low: Array, span: Array, unit: Array) -> Array:
    """The directions of length 1 from points in the axes' unit box to the eye.

    The eye is the point that the projection cannot map: there all but its depth is 0.
    """
    matrix = ax.get_proj()
    matrix = np.column_stack([matrix[:, :3] * span.T, matrix[:, :3] @ low + matrix[:, 3:]])
    *place, w = np.linalg.svd(matrix[[0, 1, 3]])[2][-1]
    towards = np.array(place)[:, None] - w * unit
    if abs(w) < 1e-9:  # the lines of sight are parallel: depth falls towards the eye
        towards *= -np.sign(matrix[2, :3] @ place)
    else:
        towards *= np.sign(w)
    return np.asarray(towards / np.linalg.norm(towards, axis=0))


class InSight(Line3D):  # type: ignore[misc]  # it ships no types
    """A line, or markers, in three dimensions: drawn where the sheet does not hide them.

    What is hidden depends on the view, and is found anew whenever the figure is drawn.
    """

    stale_callback: Any

    def __init__(self, sheet: Sheet, *data: Any, **style: Any) -> None:
        super().__init__(*data, **style)
        self.sheet = sheet

    def draw(self, renderer: Any) -> None:
        """Draw what is seen."""
        whole = np.array(self.get_data_3d(), np.float64)
        callback = self.stale_callback
        self.stale_callback = None  # what changes during the drawing changes back
        points = whole if self.get_linestyle() == "None" else _finely(whole, self.axes)
        if points.shape[1]:
            points = np.where(self.sheet.hides(points, self.axes), np.nan, points)
        self.set_data_3d(*points)
        super().draw(renderer)
        self.set_data_3d(*whole)
        self.stale_callback = callback
        self.stale = False


def _finely(line: Array, ax: Any) -> Array:
    """A line with points between its points, a fiftieth of the axes' box apart."""
    if line.shape[1] < 2:
        return line
    box = np.array([ax.get_xlim3d(), ax.get_ylim3d(), ax.get_zlim3d()])
    lengths = np.abs(np.diff(line) / np.diff(box)).max(axis=0)
    pieces = np.clip(np.ceil(50 * np.nan_to_num(lengths)), 1, 50).astype(int)
    at = np.concatenate([[0.0], *(k + np.arange(1, n + 1) / n for k, n in enumerate(pieces))])
    first = np.minimum(at.astype(int), line.shape[1] - 2)
    share = at - first
    with np.errstate(invalid="ignore"):
        between = (1 - share) * line[:, first] + share * line[:, first + 1]
    return np.where(share == 0, line[:, first], np.where(share == 1, line[:, first + 1], between))


def draw_on_sheet(ax: Any, sheet: Sheet, points: Any, **style: Any) -> tuple[Any, Any]:
    """A line or markers through points, of shape (3, n): faint where the sheet hides them.

    Returns:
        All of it, drawn faint; and above it what is seen.
    """
    faint = {k: v for k, v in style.items() if k not in ("path_effects", "label")}
    only_markers = style.get("linestyle") == ""
    faint |= {"alpha": HIDDEN["alpha"]} if only_markers else {**HIDDEN, "marker": ""}
    (whole,) = ax.plot(*points, **{**faint, "zorder": style["zorder"] - 5})
    seen = InSight(sheet, *points, **style)
    ax.add_line(seen)
    return whole, seen
