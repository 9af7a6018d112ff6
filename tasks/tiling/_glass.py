"""What empty glass looks like at each place of a slide, and how much darker a pixel is than it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from tasks.slides.pixels import Rgb
from tasks.tiling._bands import bands, highest, lowest, mean_level

Floats32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

BLOCK = 8
"""Side of a block in overview pixels: 64 um at 8 um/px."""

_BRIGHT = 110
_SMOOTH = 4.0
_COLOURED = 0.35
_PINK = 0.07
_STEP = 0.04
_REACH = 12.0
_LEAST_FRACTION = 0.005
_LIKE_GLASS = 0.05
_ASSUMED = 230.0
_LOG = np.log10(np.arange(256, dtype=np.float32) + 1)


@dataclass(frozen=True)
class Glass:
    """The empty glass of a slide.

    Attributes:
        field: colour of the glass for every block of 8 x 8 pixels, float32 [rows, columns, 3], 0 to 255.
        blocks: bool [rows, columns], where glass was seen; elsewhere ``field`` continues it.
        colour: its median colour, [3]; what is assumed where none was seen.
        noise: how much the glass scatters, as optical density.
    """

    field: Floats32
    blocks: Bools
    colour: Floats32
    noise: float

    @property
    def seen(self) -> bool:
        """Whether there is any glass."""
        return bool(self.blocks.any())

    @property
    def saturation(self) -> float:
        """HSV saturation of its median colour, 0 to 1."""
        return float((self.colour.max() - self.colour.min()) / max(1.0, float(self.colour.max())))

    def on_pixels(self, height: int, width: int) -> Bools:
        """Return the blocks of glass as pixels, bool [height, width]."""
        grown = np.repeat(np.repeat(self.blocks, BLOCK, axis=0), BLOCK, axis=1)
        found: Bools = grown[:height, :width]
        return found

    def density(self, pixels: Rgb, rows: slice) -> Floats32:
        """Return the optical density over glass of some rows of ``pixels``, float32 [3, rows, width].

        Args:
            pixels: uint8 [height, width, 3], the whole overview.
            rows: which rows.
        """
        height, width = pixels.shape[:2]
        down, across = _centres(np.arange(rows.start, min(rows.stop, height))), _centres(np.arange(width))
        density = np.empty((3, len(down), width), dtype=np.float32)
        logarithm = np.log10(self.field + 1)
        for channel in range(3):
            values = _interpolated(logarithm[..., channel], down, across)
            density[channel] = values - _LOG[pixels[rows, :, channel]]
        return density


def find_glass(pixels: Rgb, scanned: Bools) -> Glass:
    """Return the glass of a slide: bright, smooth blocks that are connected by slow changes of colour.

    Of several such regions the brightest that is not tiny is glass, and so is every one that looks like it.
    The colour may change across the slide, as under an uneven lamp. Where no glass is seen, near white is
    assumed.

    Args:
        pixels: uint8 [h, w, 3].
        scanned: bool [h, w], where the slide was scanned and can be read.
    """
    colours, usable = _smooth_blocks(pixels, scanned)
    enough = max(4.0, _LEAST_FRACTION * float(scanned.sum()) / BLOCK**2)
    blocks = _brightest_region(colours, usable, enough)
    if not blocks.any():
        bright = np.percentile(pixels[::4, ::4][scanned[::4, ::4]], 99.5, axis=0) if scanned.any() else 0.0
        colour = np.maximum(np.broadcast_to(bright, 3), _ASSUMED).astype(np.float32)
        return Glass(np.broadcast_to(colour, colours.shape).copy(), blocks, colour, 0.0)
    near = _continued(colours, blocks)
    blocks = usable & (np.abs(colours / near - 1).max(axis=-1) < _LIKE_GLASS)
    field = _continued(colours, blocks)
    noise = 1.5 * float(np.median(np.abs(np.log10(colours[blocks] + 1) - np.log10(field[blocks] + 1))))
    return Glass(field, blocks, np.median(colours[blocks], axis=0).astype(np.float32), noise)


def _smooth_blocks(pixels: Rgb, scanned: Bools) -> tuple[Floats32, Bools]:
    """Return the colour of the brightest smooth pixels of each block, and where there are enough of them."""
    height, width = scanned.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    colours = np.zeros((rows, columns, 3), dtype=np.float32)
    usable = np.zeros((rows, columns), dtype=np.bool_)
    for band in bands(height, halo=2):
        fine = (_smooth(pixels[band.with_halo]) & scanned[band.with_halo])[band.inner]
        part = pixels[band.rows]
        blocks = slice(band.rows.start // BLOCK, -(-band.rows.stop // BLOCK))
        light = np.where(fine, mean_level(part), np.float32(0))
        best = _by_block(light).max(axis=-1)
        chosen = fine & (light >= 0.98 * _spread(best, fine.shape))
        count = _by_block(chosen.astype(np.float32)).sum(axis=-1)
        for channel in range(3):
            total = _by_block(np.where(chosen, part[..., channel], 0).astype(np.float32)).sum(axis=-1)
            colours[blocks, :, channel] = total / np.maximum(count, 1)
        usable[blocks] = count >= BLOCK
    return colours, usable


def _smooth(part: Rgb) -> Bools:
    """Return which pixels could be glass: bright, hardly coloured, not pink as eosin is, and smooth."""
    grey = mean_level(part)
    mean = ndimage.uniform_filter(grey, 5)
    variance = ndimage.uniform_filter(grey * grey, 5) - mean * mean
    light, dark = highest(part), lowest(part)
    pink = (_LOG[part[..., 0]] + _LOG[part[..., 2]]) / 2 - _LOG[part[..., 1]]
    found: Bools = (
        (light >= _BRIGHT) & (light - dark <= _COLOURED * light) & (pink <= _PINK) & (variance <= _SMOOTH**2)
    )
    return found


def _brightest_region(colours: Floats32, usable: Bools, enough: float) -> Bools:
    regions = _regions(colours, usable)
    sizes = np.bincount(regions[usable], minlength=1) if usable.any() else np.zeros(1, dtype=np.intp)
    large = np.flatnonzero(sizes >= enough)
    if not len(large):
        return np.zeros_like(usable)
    light = colours.sum(axis=-1)
    brightness = ndimage.maximum(light, np.where(usable, regions, -1), large)
    chosen = large[int(np.argmax(brightness))]
    if (colours[usable & (regions == chosen)] >= 254).all():
        chosen = _beside_white(colours, regions, usable, large, int(chosen))
    found: Bools = usable & (regions == chosen)
    return found


def _beside_white(
    colours: Floats32, regions: NDArray[np.int32], usable: Bools, large: NDArray[np.intp], white: int
) -> int:
    """Return the largest grey region beside one of pure white, which was not scanned but filled; or it."""
    grey, area = white, 0.1 * float(usable.sum())
    for region in large:
        own = colours[usable & (regions == region)]
        middle = np.median(own, axis=0)
        neutral = middle.max() - middle.min() <= 0.06 * middle.max() and middle.max() >= 190
        if region != white and neutral and len(own) > area:
            grey, area = int(region), float(len(own))
    return grey


def _regions(colours: Floats32, usable: Bools) -> NDArray[np.int32]:
    """Return a number for each block; blocks with one number are connected by changes below 4 %."""
    rows, columns = usable.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    heads, tails = [], []
    for first, second in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        change = np.abs(colours[first] - colours[second]).max(axis=-1)
        joined = usable[first] & usable[second] & (change <= _STEP * colours[first].max(axis=-1))
        heads.append(index[first][joined])
        tails.append(index[second][joined])
    start, end = np.concatenate(heads), np.concatenate(tails)
    graph = sparse.coo_matrix((np.ones(len(start), np.int8), (start, end)), shape=(index.size,) * 2)
    _, labels = sparse.csgraph.connected_components(graph, directed=False)
    found: NDArray[np.int32] = labels.reshape(rows, columns)
    return found


def _continued(colours: Floats32, blocks: Bools) -> Floats32:
    """Return the colour of the glass in all blocks: their own smoothed, else that of the nearest ones."""
    _, nearest = ndimage.distance_transform_edt(~blocks, return_indices=True)
    filled = colours[nearest[0], nearest[1]]
    return np.stack(
        [ndimage.gaussian_filter(filled[..., c], min(_REACH, min(blocks.shape) / 16)) for c in range(3)],
        axis=-1,
    )


def _by_block(values: Floats32) -> Floats32:
    """Return values [h, w] as [rows, columns, 64], padded with 0."""
    height, width = values.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.pad(values, ((0, rows * BLOCK - height), (0, columns * BLOCK - width)))
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    return blocks.reshape(rows, columns, BLOCK * BLOCK)


def _spread(blocks: Floats32, shape: tuple[int, int]) -> Floats32:
    spread: Floats32 = np.repeat(np.repeat(blocks, BLOCK, axis=0), BLOCK, axis=1)[: shape[0], : shape[1]]
    return spread


def _centres(pixels: NDArray[np.intp]) -> NDArray[np.float64]:
    return (pixels + 0.5) / BLOCK - 0.5


def _interpolated(blocks: Floats32, down: NDArray[np.float64], across: NDArray[np.float64]) -> Floats32:
    """Return values between the middles of blocks, linear along both axes, [rows, columns]."""
    own_rows, own_columns = np.arange(blocks.shape[0]), np.arange(blocks.shape[1])
    low = np.clip(np.floor(down).astype(int), 0, len(own_rows) - 1)
    high = np.minimum(low + 1, len(own_rows) - 1)
    part = np.clip(down - low, 0, 1)[:, None]
    by_row = blocks[low] * (1 - part) + blocks[high] * part
    left = np.clip(np.floor(across).astype(int), 0, len(own_columns) - 1)
    right = np.minimum(left + 1, len(own_columns) - 1)
    share = np.clip(across - left, 0, 1)[None, :]
    found: Floats32 = (by_row[:, left] * (1 - share) + by_row[:, right] * share).astype(np.float32)
    return found
