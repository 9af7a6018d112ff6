"""A study at level slide for the review page: two slides with values of tiles, scores and labels."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.faithfulness_report import INFO, SCORE_COLUMNS, SCORES, FaithfulnessReport
from tasks.artifacts.key import ModelKey
from tasks.artifacts.predictions import COLUMNS, PREDICTIONS, SLIDES, Predictions
from tasks.reporting.maps.drawn_maps import PaintedTiles
from tasks.reporting.maps.job import HeatmapRecipe
from tasks.reporting.review.job import ReviewedExplainer, ReviewJob
from tests._support.heatmap_jobs import CLASSES, make_slide
from tests._support.slide_heatmaps import make_scores, tile_ids

MODELS = (ModelKey("mean_pool", 0), ModelKey("abmil", 0))
EXPLAINERS = (
    ReviewedExplainer("contribution"),
    ReviewedExplainer("attention", signed=False, class_free=True),
    ReviewedExplainer("darkness", signed=False, is_control=True),
)
SLIDE_NAMES = ("s1", "s2")
WHY = "the bag has one tile"


def make_slide_review(folder: Path) -> ReviewJob:
    """Values of a map are the number of the tile, less 20 where they have a sign.

    The values of ``attention`` on the second slide of the second model are missing.
    """
    slides = {name: make_slide(folder / name, name) for name in SLIDE_NAMES}
    maps = {}
    for m, model in enumerate(MODELS):
        for explainer in EXPLAINERS:
            own = {
                name: (tile_ids(tiles), np.arange(40.0) - (20 if explainer.signed else 0))
                for name, tiles in slides.items()
            }
            scores = make_scores(folder / f"{m}{explainer.id}", own)
            maps |= {(model, explainer.id, name): PaintedTiles(scores, name) for name in SLIDE_NAMES}
    del maps[MODELS[1], "attention", "s2"]
    return ReviewJob(
        study="bags",
        classes=CLASSES,
        target=1,
        slides=slides,
        models=MODELS,
        explainers=EXPLAINERS,
        maps=maps,
        reports=_reports(folder / "reports"),
        predictions={model: _predictions(folder / f"p{m}", 0.8 - 0.1 * m) for m, model in enumerate(MODELS)},
        recipe=HeatmapRecipe().of_tiles,
        failed={f"explain/{MODELS[1].label}/attention": WHY},
        level="slide",
    )


def _predictions(folder: Path, score: float) -> Predictions:
    folder.mkdir(parents=True)
    pd.DataFrame(columns=list(COLUMNS)).to_parquet(folder / PREDICTIONS, index=False)
    slides = pd.DataFrame({"slide_id": SLIDE_NAMES, "patient_id": "secret-7", "split": "test"})
    scores = np.array([score, 1 - score])
    table = slides.assign(label=["tumour", "normal"], tiles=40, score_0=1 - scores, score_1=scores)
    table.to_parquet(folder / SLIDES, index=False)
    return Predictions(folder)


def _reports(folder: Path) -> dict[tuple[ModelKey, str, str], FaithfulnessReport]:
    reports = {}
    for m, model in enumerate(MODELS):
        for e, explainer in enumerate(EXPLAINERS):
            place = folder / f"{m}{e}"
            place.mkdir(parents=True)
            rows = pd.DataFrame({"slide_id": SLIDE_NAMES, "unit_id": SLIDE_NAMES})
            rows = rows.assign(
                unit="slide", patient_id="secret-7", section=0, label=["tumour", "normal"], score="srg",
                value=[0.5 + 0.1 * m - 0.1 * e, 0.2], chance=0.0, error=np.nan,
            )  # fmt: skip
            rows[list(SCORE_COLUMNS)].to_parquet(place / SCORES, index=False)
            scores = [{"name": "srg", "direction": "higher", "meaning": "how far both curves lie apart"}]
            info = {"metric": {}, "scores": scores, "excluded": {}, "passes": {}, "minimum_passes": {}}
            (place / INFO).write_text(json.dumps(info))
            reports[model, explainer.id, "tile_deletion"] = FaithfulnessReport(place)
    return reports
