"""A slide with given maps: a tile set with its geometry, attributions and predictions."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tasks.aggregators.top_share import TopShare
from tasks.artifacts.attributions import PixelMaps, create_maps
from tasks.artifacts.explained_samples import INDEX
from tasks.artifacts.predictions import Predictions
from tasks.artifacts.tile_set import SLIDE, TileSet
from tasks.models.predict import write_predictions
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapJob
from tasks.slides.geometry import SlideGeometry
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
WIDTH, HEIGHT = 200, 300
THUMBNAIL = (74, 111)


def geometry() -> SlideGeometry:
    """200 x 300 level-0 pixels at 0.5 um; the thumbnail's ratio is not a whole number."""
    return SlideGeometry(
        width_level0=WIDTH,
        height_level0=HEIGHT,
        mpp=0.5,
        mpp_y=0.5,
        mpp_source="metadata",
        bounds_x=0,
        bounds_y=0,
        bounds_width=WIDTH,
        bounds_height=HEIGHT,
        level_downsamples=(1.0,),
        thumbnail_width=THUMBNAIL[0],
        thumbnail_height=THUMBNAIL[1],
        thumbnail_downsample_x=WIDTH / THUMBNAIL[0],
        thumbnail_downsample_y=HEIGHT / THUMBNAIL[1],
    )


def top_tenth(probabilities: np.ndarray) -> float:
    """The mean of the highest tenth."""
    return float(np.sort(probabilities)[-max(1, round(len(probabilities) / 10)) :].mean())


def make_slide(folder: Path, slide_id: str = "s1", patient_id: str = "secret-7", count: int = 40) -> TileSet:
    """Write a tile set of ``count`` tiles of 16 px (32 level-0 px) with slide.json and a grey thumbnail."""
    tiles = make_tile_set(folder, slide_id, patient_id, "test", count)
    info = {
        "slide_id": slide_id,
        "geometry": geometry().model_dump(mode="json"),
        "classes": list(CLASSES),
        "sections": [],
        "counts": {},
        "failed_tiles": 0,
        "saturation_threshold": 0.1,
        "repaired_outlines": 0,
    }
    (folder / SLIDE).write_text(json.dumps(info))
    Image.fromarray(np.full((THUMBNAIL[1], THUMBNAIL[0], 3), 200, np.uint8)).save(folder / "thumbnail.png")
    return tiles


def make_attributions(
    folder: Path,
    tiles: TileSet,
    maps: np.ndarray,
    margin: np.ndarray | None = None,
    sample: list[int] | None = None,
) -> PixelMaps:
    """Write ``maps`` [N, H, W] of all usable tiles; ``margin`` [N] is the logit difference, default 0.

    With a ``sample`` of rows of the tile table, maps and margins are of these alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = tiles.table.iloc[tiles.usable if sample is None else sample]
    margin = np.zeros(len(table)) if margin is None else margin
    create_maps(folder, len(table), maps.shape[-1])[:] = maps.astype(np.float32)
    index = pd.DataFrame({"tile_id": table["tile_id"], "target": 1})
    index["logit_0"], index["logit_1"], index["completeness_error"] = -margin / 2, margin / 2, np.nan
    index.to_parquet(folder / INDEX, index=False)
    return PixelMaps(folder)


def make_predictions(folder: Path, tile_sets: list[TileSet], margins: list[np.ndarray]) -> Predictions:
    """Write the predictions of all usable tiles of ``tile_sets``, margins as in ``make_attributions``."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for tiles, margin in zip(tile_sets, margins, strict=True):
        part = tiles.table.iloc[tiles.usable]
        part = part[["tile_id", "slide_id", "patient_id", "section", "split", "label"]].copy()
        part["logit_0"], part["logit_1"] = -margin / 2, margin / 2
        parts.append(part)
    write_predictions([pd.concat(parts)], TopShare(), folder)
    return Predictions(folder)


def make_job(folder: Path, maps: dict[tuple[str, int], np.ndarray] | None = None) -> HeatmapJob:
    """A job of two arms and two seeds with random maps unless ``maps`` gives them by (arm, seed)."""
    tiles = make_slide(folder / "tiles")
    generator = np.random.default_rng(3)
    keys = [(arm, seed) for arm in ("standard", "modulated") for seed in (0, 1)]
    maps = maps or {key: generator.normal(size=(40, 16, 16)) for key in keys}
    checkpoints = []
    for (arm, seed), values in maps.items():
        margin = generator.normal(size=len(values))
        place = folder / f"{arm}{seed}"
        checkpoints.append(
            HeatmapCheckpoint(
                arm,
                seed,
                make_attributions(place / "attributions", tiles, values, margin),
                make_predictions(place / "predictions", [tiles], [margin]),
            )
        )
    return HeatmapJob(tiles, "smoothgrad", True, CLASSES, 1, tuple(checkpoints), top_tenth)
