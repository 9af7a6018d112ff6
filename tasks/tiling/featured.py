"""The tiles of a slide of which only features are there: they lie where the file says."""

from pathlib import Path

import numpy as np

from tasks.slides.feature_reader import FeatureFileReader
from tasks.slides.row import SlideRow
from tasks.tiling.layout import Layout, coordinates_of
from tasks.tiling.listed import all_tissue
from tasks.tiling.positions import stated_positions
from tasks.tiling.recipe import TilingRecipe

_WHITE = (255, 255, 255)


def lay_out_features(
    slide: FeatureFileReader, recipe: TilingRecipe, row: SlideRow, data_root: Path
) -> Layout:
    """Return the tiles of a feature file, in its order; how much tissue they hold is not known.

    Raises:
        SlideError: the file does not state the size of its tiles and no file of coordinates does, or they are
            larger or smaller than those of the recipe by more than 2 %.
    """
    file = coordinates_of(row, data_root)
    assert file is not None
    positions = stated_positions(file, slide.geometry, recipe, row.slide_id)
    tissue = all_tissue(slide.geometry, recipe, "there are features and no pixels to look for tissue in")
    return Layout(
        tissue=tissue,
        sections=tissue.mask.astype(np.int32),
        positions=positions,
        fractions=np.full(len(positions), np.nan),
        section=np.ones(len(positions), np.int64),
        background=_WHITE,
    )
