"""The tile stage as it was before the direct path: a reference that does not change with the stage.

OpenSlide reads tile after tile, and the pixels and two masks of every tile are stored.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from tasks.slides.geometry import geometry_of
from tasks.slides.openslide_source import OpenSlideSource
from tasks.slides.pixels import Window, read_window
from tasks.slides.reader import open_slide
from tasks.slides.resolution import resolve
from tasks.tiling.layout import lay_out
from tasks.tiling.recipe import TilingRecipe


def stage_before(path: Path, recipe: TilingRecipe, out: Path) -> int:
    """Tile a slide that has no annotation, and return the number of tiles."""
    from tasks.slides.choice import ReaderChoice

    source = OpenSlideSource(path)
    facts = source.facts()
    geometry = geometry_of(
        facts, resolve(facts.properties, None, (0.05, 40.0), path.name), recipe.thumbnail_px
    )
    choice = ReaderChoice(name="openslide", reason="as before", facts=facts)
    with open_slide(path, None, thumbnail_px=recipe.thumbnail_px, choice=choice) as slide:
        layout = lay_out(slide, recipe, path.name)
        thumbnail = slide.thumbnail()
    positions, side = layout.positions, recipe.tile_px
    count, size = len(positions), (recipe.tile_px, recipe.tile_px)
    pixels = _array(out / "pixels.npy", (count, side, side, 3))
    tissue = _array(out / "tissue_mask.npy", (count, side, side))
    annotation = _array(out / "annotation_mask.npy", (count, side, side))
    order = np.lexsort((positions.x, positions.y, positions.x // (8 * positions.extent)))
    for i in order:
        x, y = float(positions.x[i]), float(positions.y[i])
        window = Window(x, y, positions.extent, positions.extent)
        pixels[i] = read_window(source, geometry, window, size)
    for i in range(count):
        columns, rows = (
            ((start + positions.extent * (np.arange(side) + 0.5) / side) / downsample).astype(int)
            for start, downsample in (
                (positions.x[i], layout.tissue.downsample_x), (positions.y[i], layout.tissue.downsample_y),
            )
        )  # fmt: skip
        height, width = layout.tissue.mask.shape
        tissue[i] = layout.tissue.mask[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))]
        annotation[i] = 0
    for array in (pixels, tissue, annotation):
        array.flush()
    for name in ("thumbnail.png", "grid.png", "tissue.png"):
        Image.fromarray(thumbnail).save(out / name)
    source.close()
    return count


def _array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
