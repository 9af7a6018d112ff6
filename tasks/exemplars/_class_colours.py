"""Colours of the classes, distinct with any colour vision, and boxes filled with them."""

import numpy as np

from tasks.reporting.drawing.page import Box, Page

CLASS_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#F0E442")
"""Okabe and Ito (2008), "Color universal design"."""
NO_CLASS = "#9a9a9a"
"""Colour of a tile whose label is none of the classes."""


def class_colour(index: int) -> str:
    """Return the colour of class ``index``; grey for -1, which stands for no class."""
    return NO_CLASS if index < 0 else CLASS_COLOURS[index % len(CLASS_COLOURS)]


def fill(page: Page, box: Box, colour: str) -> None:
    """Fill ``box`` with ``colour``, given as ``#rrggbb``."""
    rgb = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8)
    page.picture(box, rgb.reshape(1, 1, 3), smooth=False)
