"""A comparison with known answers: made-up predictions and scores of two arms."""

from pathlib import Path

import numpy as np
import pandas as pd

from tasks.aggregators.top_share import TopShare
from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import (
    INFO,
    SCORE_COLUMNS,
    SCORES,
    FaithfulnessReport,
    ReportInfo,
    ScoreInfo,
)
from tasks.artifacts.predictions import Predictions
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonJob
from tasks.comparison.recipe import ComparisonRecipe
from tasks.models.predict import write_predictions

CLASSES = ("normal", "tumour")
ARMS = ("standard", "modulated")
SLIDES, TILES = 6, 30
DIRECTIONS = {"lerf": "lower", "gini": "none"}


def places(slides: int = SLIDES, tiles: int = TILES) -> pd.DataFrame:
    """One patient, ``slides`` slides of ``tiles`` tiles; the last slide is all normal."""
    rows = [
        {
            "tile_id": f"s{s}/{t}_0",
            "slide_id": f"s{s}",
            "patient_id": "secret-7",
            "section": 1 + t % 2,
            "split": "test",
            "label": ("mixed" if t % 10 == 9 else CLASSES[t % 2]) if s < slides - 1 else "normal",
        }
        for s in range(slides)
        for t in range(tiles)
    ]
    return pd.DataFrame(rows)


def make_predictions(folder: Path, table: pd.DataFrame, margin: np.ndarray) -> Predictions:
    """Write logits of half ``margin`` [N] either way."""
    folder.mkdir(parents=True, exist_ok=True)
    write_predictions([table.assign(logit_0=-margin / 2, logit_1=margin / 2)], TopShare(), folder)
    return Predictions(folder)


def make_report(folder: Path, table: pd.DataFrame, scores: dict[str, np.ndarray]) -> FaithfulnessReport:
    """Write tile scores; they are better higher, one named ``lerf`` lower, and ``gini`` neither."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, values in scores.items():
        part = table[["slide_id", "patient_id", "section", "label"]].assign(
            unit="tile", unit_id=table["tile_id"], score=name, value=values, chance=np.nan, error=np.nan
        )
        parts.append(part[list(SCORE_COLUMNS)])
    pd.concat(parts).to_parquet(folder / SCORES, index=False)
    infos = tuple(ScoreInfo(name=name, direction=DIRECTIONS.get(name, "higher")) for name in scores)
    info = ReportInfo(metric={"name": "deletion"}, scores=infos, excluded={}, passes={}, minimum_passes={})
    (folder / INFO).write_text(info.model_dump_json())
    return FaithfulnessReport(folder)


def make_job(
    folder: Path, gain: float = 0.5, recipe: ComparisonRecipe | None = None, table: pd.DataFrame | None = None
) -> ComparisonJob:
    """Two arms, three seeds, one explainer and one control; the arm ``modulated`` scores ``gain`` higher."""
    table = places() if table is None else table
    generator = np.random.default_rng(5)
    side = np.where(table["label"] == "normal", -1.0, 1.0)
    checkpoints, reports = [], []
    for arm in ARMS:
        for seed in (0, 1, 2):
            place = folder / f"{arm}{seed}"
            margin = side + generator.normal(scale=1.5, size=len(table))
            predictions = make_predictions(place / "predictions", table, margin)
            checkpoints.append(ComparedCheckpoint(arm, seed, Checkpoint(place), predictions))
            for explainer, base in (("smoothgrad", 1.0), ("random_map", 0.0)):
                effect = gain if (arm, explainer) == ("modulated", "smoothgrad") else 0.0
                noise = generator.normal(scale=0.1, size=len(table))
                scores = {"gap": base + effect + noise, "lerf": 0.5 + noise}
                report = make_report(place / explainer, table, scores)
                control = explainer == "random_map"
                reports.append(ComparedReport(arm, seed, explainer, "deletion", control, report))
    return ComparisonJob(
        study="phantom",
        arms=ARMS,
        classes=CLASSES,
        target=1,
        checkpoints=tuple(checkpoints),
        reports=tuple(reports),
        failed_slides={"s9": "secret-7: cannot be opened"},
        split_hash="ab" * 32,
        salt="pepper",
        recipe=recipe or ComparisonRecipe(primary="smoothgrad/deletion.gap"),
    )
