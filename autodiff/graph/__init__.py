"""Drawings of a graph of Values, or of a program.

* ``draw(x)``, ``save(x, path)`` -- a picture, folded where the graph is large.
* ``explore(x)`` -- a page that steps through the forward pass and the reverse sweep.

From what is recorded to what is seen: ``nodes`` (plain lists), ``fold`` (a tree of groups),
``boxes`` (which of these are open), then ``dot`` or ``formats`` (source), and ``render`` (a
picture).
"""

from autodiff.graph.draw import Drawing, draw, save
from autodiff.graph.explore import Explorer, explore

__all__ = ["Drawing", "Explorer", "draw", "explore", "save"]
