"""What may have gone wrong with the coordinates of an annotation, as changes that would mend it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.slides.geometry import SlideGeometry

Corners = NDArray[np.float64]
_LARGEST_POWER = 8


@dataclass(frozen=True)
class Move:
    """Swaps x and y, multiplies by a factor, and adds a shift in level-0 pixels, in this sequence."""

    factor: float = 1.0
    swapped: bool = False
    shift: tuple[float, float] = (0.0, 0.0)

    def __call__(self, corners: Corners) -> Corners:
        """Return ``corners``, float64 [N, 2], as they would be."""
        turned = corners[:, ::-1] if self.swapped else corners
        return turned * self.factor + self.shift


def moves(geometry: SlideGeometry) -> Iterator[tuple[str, Move]]:
    """Yield each change in words, the likelier first: of two that fit alike, the first is told."""
    yield "swapping x and y", Move(swapped=True)
    corner = (geometry.bounds_x, geometry.bounds_y)
    if any(corner):
        here = f"({corner[0]:g}, {corner[1]:g})"
        yield f"adding the corner of the scanned area {here}", Move(shift=corner)
        yield f"taking away the corner of the scanned area {here}", Move(shift=(-corner[0], -corner[1]))
    for scale in _scales(geometry):
        yield f"coordinates times {scale:g}", Move(scale)
        yield f"coordinates divided by {scale:g}", Move(1 / scale)
        yield f"swapping x and y and coordinates times {scale:g}", Move(scale, swapped=True)


def _scales(geometry: SlideGeometry) -> list[float]:
    """Return the scales of the slide's levels, then the powers of two."""
    levels = [own for own in geometry.level_downsamples if own > 1.01]
    return list(dict.fromkeys([*levels, *(2.0**power for power in range(1, _LARGEST_POWER + 1))]))
