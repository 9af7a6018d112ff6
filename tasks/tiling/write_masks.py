"""The masks of a slide, written once for all its tiles."""

from pathlib import Path

from tasks.artifacts.outlined import areas_by_class
from tasks.artifacts.slide_picture import SampledPicture, Squares, write_picture
from tasks.artifacts.tile_masks import ANNOTATION, MASKS, OUTLINES, TISSUE, MaskInfo, Scale, picture_file
from tasks.tiling.arrays import TilesOfSlide
from tasks.tiling.layout import Layout
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.truth import Truth


def write_tissue(layout: Layout, recipe: TilingRecipe, out: Path) -> SampledPicture:
    """Write ``tissue_mask.png`` and return it as masks of the tiles."""
    tissue, positions = layout.tissue, layout.positions
    path = out / picture_file(TISSUE)
    write_picture(path, tissue.mask)
    squares = Squares(positions.x, positions.y, positions.extent, recipe.tile_px)
    return SampledPicture(squares, path, (tissue.downsample_x, tissue.downsample_y), binary=True)


def write_masks(layout: Layout, truth: Truth, tile_px: int, found: TilesOfSlide, out: Path) -> None:
    """Write ``masks.json``, the outlines or the picture of classes, and a picture of each mark.

    The tissue is written already.
    """
    scales: dict[str, Scale] = {TISSUE: (layout.tissue.downsample_x, layout.tissue.downsample_y)}
    if truth.picture is None:
        areas_by_class([(area.class_index, area.polygons) for area in truth.areas]).write(out / OUTLINES)
    else:
        write_picture(out / picture_file(ANNOTATION), truth.picture.classes)
        scales[ANNOTATION] = truth.picture.downsample
    for mark, marked in truth.marked.items():
        write_picture(out / picture_file(mark), marked.mask)
        scales[mark] = marked.downsample
    info = MaskInfo(
        tile_px=tile_px, scales=scales, tissue_colour=found.tissue_colour, background=layout.background
    )
    (out / MASKS).write_text(info.model_dump_json(indent=1) + "\n", encoding="utf-8")
