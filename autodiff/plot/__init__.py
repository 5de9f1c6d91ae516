"""Pictures of gradient descent, with matplotlib.

* ``curve``, ``descent``, ``fit``, ``loss`` -- in one dimension;
* ``contour``, ``surface``, ``decision_boundary`` -- in two;
* ``animate`` -- a descent, frame by frame; ``save`` -- any of these, in the format of the path;
* ``subplots``, ``look`` -- matplotlib's figure in this library's style, its colours and markers.

Functions are drawn from whole arrays: write them in this library's functions and operators.  What
draws takes ``ax=`` and returns the axes.
"""

from importlib.util import find_spec

if find_spec("matplotlib") is None:
    raise ImportError('autodiff.plot draws with matplotlib: pip install "scalar-autodiff[demos]"')

from autodiff.plot.animation import animate, save
from autodiff.plot.canvas import look, subplots
from autodiff.plot.curves import curve, descent, fit, loss
from autodiff.plot.surfaces import contour, decision_boundary, surface

__all__ = [
    "animate",
    "contour",
    "curve",
    "decision_boundary",
    "descent",
    "fit",
    "look",
    "loss",
    "save",
    "subplots",
    "surface",
]
