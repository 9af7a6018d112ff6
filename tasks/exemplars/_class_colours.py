"""One colour a class, told apart with any colour vision, and the marks that are made of it."""

import numpy as np

from tasks.reporting.drawing.page import Box, Page

CLASS_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442")
"""Okabe and Ito (2008), "Color universal design"."""
NO_CLASS = "#9a9a9a"
"""The colour of a tile that has the label of no class."""


def class_colour(place: int) -> str:
    """Return the colour of the class with index ``place``; grey for -1, the label of none."""
    return NO_CLASS if place < 0 else CLASS_COLOURS[place % len(CLASS_COLOURS)]


def fill(page: Page, box: Box, colour: str) -> None:
    """Fill ``box`` with ``colour``, given as ``#rrggbb``."""
    rgb = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8)
    page.picture(box, rgb.reshape(1, 1, 3), smooth=False)
