"""The pixel grid a slide is drawn on, and random fields over it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from shapely.geometry import Polygon

Field = NDArray[np.float32]
"""float32 [height, width]."""


@dataclass(frozen=True)
class SlideCanvas:
    """Level 0 of a slide: width and height in pixels, ``mpp`` in micrometres per pixel."""

    width: int
    height: int
    mpp: float

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def px(self, um: float) -> float:
        """Return a length in level-0 pixels."""
        return um / self.mpp

    def filled(self, value: float = 0.0) -> Field:
        """Return a field of one value."""
        return np.full(self.shape, value, dtype=np.float32)

    def noise(self, scale_um: float, rng: np.random.Generator) -> Field:
        """Return Gaussian noise of mean 0 and standard deviation 1, smooth over ``scale_um``."""
        sigma = max(self.px(scale_um), 0.3)
        step = max(1, int(sigma / 2))
        coarse_shape = (self.height // step + 3, self.width // step + 3)
        coarse = rng.standard_normal(coarse_shape, dtype=np.float32)
        coarse = ndimage.gaussian_filter(coarse, sigma / step, mode="wrap", truncate=3.0)
        coarse = (coarse - coarse.mean()) / coarse.std()
        return coarse[: self.height, : self.width] if step == 1 else upsample(coarse, self.shape, step)

    def inside(self, *shapes: Polygon) -> NDArray[np.bool_]:
        """Return the pixels in any of the polygons (level-0 pixels, no holes), bool [height, width]."""
        image = Image.new("1", (self.width, self.height))
        for shape in shapes:
            corners = np.asarray(shape.exterior.coords, dtype=np.float64) - 0.5
            ImageDraw.Draw(image).polygon(corners.ravel().tolist(), fill=1)
        return np.asarray(image, dtype=bool)

    def soften(self, values: NDArray[np.bool_] | Field, scale_um: float) -> Field:
        """Return ``values`` blurred by a Gaussian of ``scale_um``; wide blurs use a coarser grid."""
        sigma = self.px(scale_um)
        step = max(1, int(sigma / 2.5))
        coarse = shrink(values.astype(np.float32), step)
        blurred: Field = ndimage.gaussian_filter(coarse, sigma / step, mode="nearest", truncate=3.0)
        return blurred if step == 1 else upsample(blurred, self.shape, step)


def shrink(values: Field, step: int) -> Field:
    """Return the means of blocks of ``step`` by ``step`` pixels; the last ones are filled up by the edge."""
    if step == 1:
        return values
    rows, columns = (-side % step for side in values.shape)
    padded = np.pad(values, ((0, rows), (0, columns)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    means: Field = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def upsample(coarse: Field, shape: tuple[int, int], step: int) -> Field:
    """Undo ``shrink`` by linear interpolation between the middles of the blocks."""
    out = coarse
    for axis, size in enumerate(shape):
        middles = (np.arange(size, dtype=np.float32) + 0.5) / step - 0.5
        position = np.clip(middles, 0, out.shape[axis] - 1)
        low = np.clip(position.astype(np.intp), 0, out.shape[axis] - 2)
        weight = (position - low).astype(np.float32)
        weight = weight[:, None] if axis == 0 else weight[None, :]
        out = np.take(out, low, axis) * (1 - weight) + np.take(out, low + 1, axis) * weight
    return out


def sample(field: Field, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the values of ``field`` at ``points`` [N, 2] (x, y in level-0 pixels), nearest pixel."""
    column = np.clip(points[:, 0].astype(np.intp), 0, field.shape[1] - 1)
    row = np.clip(points[:, 1].astype(np.intp), 0, field.shape[0] - 1)
    values: NDArray[np.float32] = field[row, column]
    return values
