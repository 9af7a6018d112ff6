"""Drawings of values of tiles: one slide with features, tiles and the scores of two models."""

from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.predictions import SLIDES, Predictions
from tasks.artifacts.tile_scores import ScoredBag, TileScores, write_tile_scores
from tasks.artifacts.tile_set import TileSet
from tasks.reporting.maps.drawn_maps import PaintedTiles
from tasks.reporting.maps.job import HeatmapCheckpoint, HeatmapJob
from tests._support.heatmap_jobs import CLASSES, make_slide, top_tenth


def make_scores(folder: Path, slides: dict[str, tuple[list[str], np.ndarray]]) -> TileScores:
    """Write the values [N] of some slides' tiles: {slide: (tile ids, values)}."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tile_scores(
        folder,
        [
            ScoredBag(
                {
                    "slide_id": slide,
                    "target": 1,
                    "logit_0": 0.0,
                    "logit_1": 0.5,
                    "completeness_error": np.nan,
                },
                ids,
                values,
            )
            for slide, (ids, values) in slides.items()
        ],
    )
    return TileScores(folder)


def make_slide_scores(folder: Path, scores: dict[str, float]) -> Predictions:
    """Write the scores of slides, and no tiles."""
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(
        {
            "slide_id": list(scores),
            "patient_id": "secret-7",
            "split": "test",
            "label": "tumour",
            "tiles": 40,
            "score_0": [1 - score for score in scores.values()],
            "score_1": list(scores.values()),
        }
    ).to_parquet(folder / SLIDES, index=False)
    return Predictions(folder)


def tile_ids(tiles: TileSet) -> list[str]:
    """Return the ids of the usable tiles."""
    return [str(name) for name in tiles.table["tile_id"].iloc[tiles.usable]]


def make_slide_map_job(
    folder: Path,
    values: dict[str, np.ndarray] | None = None,
    *,
    signed: bool = True,
    class_free: bool = False,
) -> HeatmapJob:
    """A job of two arms with random values of 40 tiles unless ``values`` gives them by arm."""
    tiles = make_slide(folder / "tiles")
    generator = np.random.default_rng(4)
    values = values or {arm: generator.normal(size=40) for arm in ("mean_pool", "abmil")}
    checkpoints = tuple(
        HeatmapCheckpoint(
            arm,
            0,
            PaintedTiles(make_scores(folder / arm / "scores", {"s1": (tile_ids(tiles), own)}), "s1"),
            make_slide_scores(folder / arm / "predictions", {"s1": 0.75}),
            sufficient=3,
        )
        for arm, own in values.items()
    )
    return HeatmapJob(
        tiles,
        "contribution",
        signed,
        CLASSES,
        1,
        checkpoints,
        top_tenth,
        level="slide",
        class_free=class_free,
    )
