"""Readings drawn on their photo: the dial, its 12, both hands, and the time."""

from clockread.overlay.drawing import draw, enlarged

__all__ = ["draw", "enlarged"]
