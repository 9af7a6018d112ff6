"""Lengths carry their unit in their type; a length without its unit is a bug."""

from typing import NewType

Microns = NewType("Microns", float)
"""A physical length on the glass, in micrometres."""

MicronsPerPixel = NewType("MicronsPerPixel", float)
"""The side of one pixel on the glass, in micrometres; never a magnification."""

Level0Pixels = NewType("Level0Pixels", float)
"""A length or position in pixels of the finest pyramid level, fractions allowed."""

TilePixels = NewType("TilePixels", int)
"""A length in pixels of the tile as the network sees it."""
