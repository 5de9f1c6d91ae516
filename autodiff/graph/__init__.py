"""Drawings of the recorded graph."""

from autodiff.graph.draw import draw, save

__all__ = ["draw", "save"]
