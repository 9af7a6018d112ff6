"""A canvas for slides of which there are features and no picture, as where features were imported."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.tile_set import COLUMNS, SLIDE, TILES, TileSet
from tasks.reporting.maps.canvas import thumbnail_canvas
from tasks.reporting.maps.stitch import stitch
from tasks.reporting.maps.view import THUMBNAIL
from tasks.slides.geometry import SlideGeometry
from tasks.slides.info import SlideInfo

_LONGEST_PX = 1024
_GREY = np.uint8(205)
_MOST_PX = 24
"""Of the side of a tile; a slide of few tiles gets a small picture."""


@contextmanager
def canvas_of(tiles: TileSet | None, features: FeatureSet | None) -> Iterator[TileSet]:
    """Provide the tiles to draw upon: ``tiles`` where there are any, or else a stand-in made of ``features``.

    The stand-in is gone at the end of the block.
    """
    if tiles is not None:
        yield tiles
        return
    assert features is not None
    with TemporaryDirectory() as folder:
        yield stand_in_tiles(features, Path(folder))


def stand_in_tiles(features: FeatureSet, folder: Path) -> TileSet:
    """Write a tile set without pixels and masks into ``folder``, made if absent, and open it.

    It has the squares of the tiles, and a white picture from the corner of the slide on which they are grey.
    It is drawn upon and nothing else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    geometry = _geometry(features)
    _table(features).to_parquet(folder / TILES, index=False)
    info = SlideInfo(
        slide_id=features.facts.slide_id,
        geometry=geometry,
        classes=(),
        sections=(),
        counts={},
        failed_tiles=0,
        saturation_threshold=0.0,
        repaired_outlines=0,
        notes=("there are no pixels of this slide, only features",),
    )
    (folder / SLIDE).write_text(json.dumps(info.model_dump(mode="json"), indent=1), encoding="utf-8")
    tiles = TileSet(folder)
    covered = np.isfinite(stitch(thumbnail_canvas(geometry), tiles.table, np.zeros((len(tiles.table), 1, 1))))
    picture = np.where(covered[..., None], _GREY, np.uint8(255)).repeat(3, axis=2)
    Image.fromarray(picture).save(folder / THUMBNAIL)
    return tiles


def _table(features: FeatureSet) -> pd.DataFrame:
    facts, table = features.facts, features.table
    known = table[["tile_id", "x_level0", "y_level0", "extent_level0", "tissue_fraction", "label"]]
    whole = known.assign(
        slide_id=facts.slide_id, patient_id=facts.patient_id, site=facts.site, split=facts.split, section=1,
        mpp=facts.mpp, state="ok", reason="",
    )  # fmt: skip
    return whole[list(COLUMNS)]


def _geometry(features: FeatureSet) -> SlideGeometry:
    table, mpp = features.table, features.facts.level0_mpp
    width = int(np.ceil((table["x_level0"] + table["extent_level0"]).max()))
    height = int(np.ceil((table["y_level0"] + table["extent_level0"]).max()))
    step = max(max(width, height) / _LONGEST_PX, float(table["extent_level0"].median()) / _MOST_PX)
    across, down = (max(1, round(side / step)) for side in (width, height))
    return SlideGeometry(
        width_level0=width,
        height_level0=height,
        mpp=mpp,
        mpp_y=mpp,
        mpp_source="manifest",
        bounds_x=0,
        bounds_y=0,
        bounds_width=width,
        bounds_height=height,
        level_downsamples=(1.0,),
        thumbnail_width=across,
        thumbnail_height=down,
        thumbnail_downsample_x=width / across,
        thumbnail_downsample_y=height / down,
    )
