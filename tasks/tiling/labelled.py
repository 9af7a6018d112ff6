"""The tiles of a slide with their labels before any is read: of a grid or a file that states them."""

from dataclasses import replace
from pathlib import Path

from tasks.slides.feature_reader import FeatureFileReader
from tasks.slides.file_names import without_file_names
from tasks.slides.mirror import on_disk
from tasks.slides.reader import SlideReader
from tasks.slides.row import SlideRow, input_files
from tasks.slides.tile_lists.reader import TileListReader
from tasks.tiling.annotated import LaidOutSlide
from tasks.tiling.featured import lay_out_features
from tasks.tiling.layout import Layout, coordinates_of, lay_out
from tasks.tiling.listed import labels_of_list, lay_out_list
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.tile_truth import Truth
from tasks.tiling.truth import look_up, unlabelled


def lay_out_and_label(
    row: SlideRow, data_root: Path, slide: SlideReader, recipe: TilingRecipe
) -> tuple[Layout, Truth]:
    """Return where the tiles of an open slide lie, and their labels. Notes name slides and no files.

    Raises:
        SlideError: the slide, or a file of its row, cannot be used.
    """
    files = (path for name, path in input_files(row).items() if name != "slide")
    with on_disk(data_root / path for path in files):
        layout, truth = _labelled(row, data_root, slide, recipe)
    return layout, replace(truth, notes=tuple(without_file_names(note, row) for note in truth.notes))


def _labelled(
    row: SlideRow, data_root: Path, slide: SlideReader, recipe: TilingRecipe
) -> tuple[Layout, Truth]:
    if isinstance(slide, TileListReader):
        layout = lay_out_list(slide, recipe, row)
        if row.annotation is None and row.points is None:
            return layout, labels_of_list(slide, row, data_root, layout, recipe)
    elif isinstance(slide, FeatureFileReader):
        layout = lay_out_features(slide, recipe, row, data_root)
        if row.annotation is None and row.points is None and row.label != recipe.classes[0]:
            return layout, unlabelled(LaidOutSlide(row, data_root, slide.geometry, layout, recipe))
    else:
        layout = lay_out(slide, recipe, row.slide_id, coordinates_of(row, data_root))
    return layout, look_up(row, data_root, slide.geometry, layout, recipe)
