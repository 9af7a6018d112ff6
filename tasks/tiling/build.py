"""From one slide to its TileSet: the work of stage ``tile``."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from PIL import Image

from tasks.artifacts.tile_set import SLIDE, TILES
from tasks.slides.errors import SlideError
from tasks.slides.feature_reader import FeatureFileReader
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import SlideInfo
from tasks.slides.opening import Opening, Reading
from tasks.slides.pixels import Rgb
from tasks.slides.row import SlideRow
from tasks.tiling.arrays import read_tiles, too_many_failed, unread_tiles
from tasks.tiling.draw import draw_grid, draw_tissue
from tasks.tiling.labelled import lay_out_and_label
from tasks.tiling.layout import Layout
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.table import slide_info, tile_table
from tasks.tiling.write_masks import write_masks, write_tissue

THUMBNAIL, GRID, TISSUE = "thumbnail.png", "grid.png", "tissue.png"


def tile_slide(
    row: SlideRow,
    data_root: Path,
    recipe: TilingRecipe,
    out: Path,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, float]:
    """Tile one slide and write its TileSet payload, the same bytes for the same slide and recipe.

    Args:
        row: the slide and its files.
        data_root: the folder that the row's paths start from.
        recipe: how to tile.
        out: an existing folder for the payload.
        advance: called with the number of tiles just read.

    Returns:
        Measures: seconds, tiles, tiles_per_second (reading alone), failed_tiles.

    Raises:
        SlideError: the slide or a file of its row cannot be used, or too many tiles cannot be read.
    """
    start = time.perf_counter()
    with Opening.of(row, data_root, recipe.resample).open(recipe.thumbnail_px) as slide:
        layout, truth = lay_out_and_label(row, data_root, slide, recipe)
        tissue = write_tissue(layout, recipe, out)
        reading = time.perf_counter()
        found = (
            unread_tiles(layout)
            if isinstance(slide, FeatureFileReader)
            else read_tiles(slide, layout, recipe, tissue, out, advance)
        )
        read = time.perf_counter()
        _refuse_failed(found.reasons, recipe, row.slide_id)
        Reading(resample=recipe.resample, choice=slide.choice).write(out)
        thumbnail = slide.thumbnail()
    write_masks(layout, truth, recipe.tile_px, found, out)
    table = tile_table(row, recipe, layout, truth, found)
    info = slide_info(slide, recipe, layout, truth, table)
    _write_tables(table, info, out)
    _write_pictures(thumbnail, layout, table, info, out)
    return {
        "seconds": time.perf_counter() - start,
        "tiles": float(len(table)),
        "tiles_per_second": len(table) / (read - reading),
        "failed_tiles": float(info.failed_tiles),
    }


def _refuse_failed(reasons: Sequence[str], recipe: TilingRecipe, where: str) -> None:
    if too_many_failed(reasons, recipe):
        failed = [reason for reason in reasons if reason]
        raise SlideError(
            f"{where}: reading stopped at {len(failed)} of {len(reasons)} tiles that cannot be read, "
            f"{recipe.max_failed_tiles:.1%} are allowed; one of them: {failed[0]}"
        )


def _write_tables(table: pd.DataFrame, info: SlideInfo, out: Path) -> None:
    table.to_parquet(out / TILES, index=False, compression="zstd")
    (out / SLIDE).write_text(info.model_dump_json(indent=1), encoding="utf-8")


def _write_pictures(thumbnail: Rgb, layout: Layout, table: pd.DataFrame, info: SlideInfo, out: Path) -> None:
    geometry: SlideGeometry = info.geometry
    Image.fromarray(thumbnail).save(out / THUMBNAIL)
    draw_grid(thumbnail, geometry, table, info.classes).save(out / GRID)
    draw_tissue(thumbnail, geometry, layout.tissue, layout.sections).save(out / TISSUE)
