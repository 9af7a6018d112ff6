"""A picture as annotation: every pixel of an image of the whole slide has a class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.slides.errors import SlideError
from tasks.slides.geometry import SlideGeometry
from tasks.tiling.grid import Floats, TilePositions
from tasks.tiling.label_recipes import value_range
from tasks.tiling.masks import open_picture, scale_of
from tasks.tiling.recipe import IGNORED, TilingRecipe
from tasks.tiling.tissue_area import TissueArea

UNLABELLED = 255
"""The index of pixels that have no class while a picture is read."""


@dataclass(frozen=True)
class ClassPicture:
    """The class of every pixel of a picture that covers the whole slide.

    Attributes:
        classes: class index, uint8 [h, w]; 0 also where there is no label.
        downsample: level-0 pixels per pixel along x and y.
        unlabelled: bool [h, w], where the picture gives no label.
    """

    classes: NDArray[np.uint8]
    downsample: tuple[float, float]
    unlabelled: NDArray[np.bool_]

    def coverage(self, positions: TilePositions, count: int) -> tuple[Floats, Floats]:
        """Return how much of each tile each class but the first covers, and how much has no label.

        The fraction is an area: a pixel that a tile cuts counts by what lies inside. What lies beyond the
        picture has no class.

        Returns:
            float64 [N, count - 1] and [N], in [0, 1].
        """
        covered = np.zeros((len(positions), count - 1))
        without = np.zeros(len(positions))
        for i, (x, y) in enumerate(zip(positions.x, positions.y, strict=True)):
            columns, across = _cut(x, positions.extent, self.downsample[0], self.classes.shape[1])
            rows, down = _cut(y, positions.extent, self.downsample[1], self.classes.shape[0])
            weight = down[:, None] * across
            seen = self.classes[rows, columns].ravel()
            sums = np.bincount(seen, weights=weight.ravel(), minlength=count)
            covered[i] = sums[1:count]
            without[i] = (weight * self.unlabelled[rows, columns]).sum()
        return np.clip(covered, 0.0, 1.0), np.clip(without, 0.0, 1.0)

    def area_px(self, index: int) -> float:
        """Return how much of the slide a class covers, in level-0 pixels squared."""
        return float((self.classes == index).sum()) * self.downsample[0] * self.downsample[1]

    def tissue_px(self, index: int, area: TissueArea) -> float:
        """Return the same of what lies on tissue: pixels count where tissue lies at their centre."""
        total = 0
        x = (np.arange(self.classes.shape[1], dtype=np.float64) + 0.5) * self.downsample[0]
        for row, values in enumerate(self.classes):
            columns = np.flatnonzero(values == index)
            y = np.full(len(columns), (row + 0.5) * self.downsample[1], dtype=np.float64)
            total += int(area.holds(x[columns], y).sum())
        return total * self.downsample[0] * self.downsample[1]


def load_class_picture(path: Path, geometry: SlideGeometry, recipe: TilingRecipe) -> ClassPicture:
    """Return a picture of classes; its values mean what ``recipe.mask_classes`` says.

    One band of 1, 8 or 16 bits counts, of a palette the indices. An image of three bands must be gray, as
    JPEG masks often are.

    Raises:
        SlideError: not an image, a coloured one, another form than the slide, or a value without a class.
    """
    values = _values(path)
    scale = scale_of(path.name, values, geometry)
    counts = _counts(values)
    table = np.full(len(counts), -1, dtype=np.int64)
    for text, meant in recipe.mask_classes.items():
        low, high = value_range(text)
        table[low : high + 1] = UNLABELLED if meant == IGNORED else recipe.classes.index(meant)
    _refuse_unknown(path.name, np.flatnonzero((counts > 0) & (table < 0)), counts, recipe)
    indices = table.astype(np.uint8)[values]
    unlabelled = indices == UNLABELLED
    return ClassPicture(np.where(unlabelled, 0, indices).astype(np.uint8), (scale, scale), unlabelled)


def _counts(values: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return how often each value occurs, row block by row block, as counting widens what it counts."""
    length = int(values.max()) + 1
    counts = np.zeros(length, dtype=np.intp)
    for start in range(0, len(values), 256):
        counts += np.bincount(values[start : start + 256].ravel(), minlength=length)
    return counts


def _values(path: Path) -> NDArray[np.integer]:
    values, bands, mode = open_picture(path)
    if mode == "F":
        raise SlideError(
            f"{path.name} holds fractions; a picture of classes holds whole numbers, 8 or 16 bits"
        )
    stacked = values.reshape(*values.shape[:2], len(bands))
    colours = stacked[..., [i for i, band in enumerate(bands) if band != "A"]]
    if (colours != colours[..., :1]).any():
        raise SlideError(f"{path.name} is coloured; a picture of classes has one band, a palette or gray")
    single = colours[..., 0].astype(np.uint8) if mode == "1" else colours[..., 0]
    if single.min() < 0 or single.max() > 65535:
        raise SlideError(
            f"{path.name} holds values from {single.min()} to {single.max()}; allowed are 0 to 65535"
        )
    return single


def _refuse_unknown(
    name: str, strange: NDArray[np.intp], counts: NDArray[np.intp], recipe: TilingRecipe
) -> None:
    if not len(strange):
        return
    most = sorted(strange, key=lambda value: -counts[value])[:8]
    listed = ", ".join(f"{value} ({counts[value]} px)" for value in sorted(most))
    more = f" and {len(strange) - len(most)} more" if len(strange) > len(most) else ""
    raise SlideError(
        f"{name}: the values {listed}{more} have no class; each needs a line in tile.mask_classes, such as "
        f'"{strange[0]}": {recipe.classes[0]} or, as JPEG blurs values, "128-255": {recipe.classes[1]}'
    )


def _cut(start: float, extent: float, downsample: float, size: int) -> tuple[slice, Floats]:
    """Return the pixels that an interval meets, and the fraction of the interval that each covers."""
    low, high = start / downsample, (start + extent) / downsample
    first, last = max(0, int(np.floor(low))), min(size, int(np.ceil(high)))
    edges = np.arange(first, max(first, last), dtype=np.float64)
    inside = np.minimum(high, edges + 1) - np.maximum(low, edges)
    return slice(first, max(first, last)), np.maximum(0.0, inside) / (high - low)
