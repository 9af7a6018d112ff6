"""A comparison at level slide with planted maps: one that follows the model, one that finds the label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.checkpoint import Checkpoint
from tasks.artifacts.faithfulness_report import (
    INFO,
    SCORE_COLUMNS,
    SCORES,
    FaithfulnessReport,
    ReportInfo,
    ScoreInfo,
)
from tasks.artifacts.predictions import COLUMNS, PREDICTIONS, SLIDES, Predictions
from tasks.comparison.job import ComparedCheckpoint, ComparedReport, ComparisonJob, TwoAxes
from tasks.comparison.recipe import ComparisonRecipe

CLASSES = ("normal", "tumour")
ARMS = ("mean_pool", "abmil")
PATIENTS = 24
SEEDS = (0, 1, 2, 3)

PLANTED = {
    "contribution": (0.7, 0.60),
    "attention": (0.5, 0.90),
    "darkness": (0.4, 0.80),
    "random_map": (0.0, 0.50),
}
"""The mean of SRG and of the instance AUROC of each map; the last two are blind."""
BLIND = ("darkness", "random_map")


def bag_places() -> pd.DataFrame:
    """One slide per patient, half of each class."""
    return pd.DataFrame(
        {
            "slide_id": [f"s{i}" for i in range(PATIENTS)],
            "patient_id": [f"secret-{i}" for i in range(PATIENTS)],
            "split": "test",
            "label": [CLASSES[i % 2] for i in range(PATIENTS)],
        }
    )


def make_slide_predictions(folder: Path, table: pd.DataFrame, score: np.ndarray) -> Predictions:
    """Write scores [N] of slides, and no tiles."""
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns=list(COLUMNS)).to_parquet(folder / PREDICTIONS, index=False)
    slides = table.assign(tiles=20, score_0=1 - score, score_1=score)
    slides.to_parquet(folder / SLIDES, index=False)
    return Predictions(folder)


def make_slide_report(
    folder: Path, table: pd.DataFrame, score: str, values: np.ndarray
) -> FaithfulnessReport:
    """Write one score per slide; higher is better."""
    folder.mkdir(parents=True, exist_ok=True)
    scores = table[["slide_id", "patient_id", "label"]].assign(
        unit="slide", unit_id=table["slide_id"], section=0, score=score, value=values, chance=np.nan,
        error=np.nan,
    )  # fmt: skip
    scores[list(SCORE_COLUMNS)].to_parquet(folder / SCORES, index=False)
    info = ReportInfo(
        metric={"name": "made_up"},
        scores=(ScoreInfo(name=score, direction="higher"),),
        excluded={},
        passes={},
        minimum_passes={},
    )
    (folder / INFO).write_text(info.model_dump_json())
    return FaithfulnessReport(folder)


def make_slide_job(folder: Path, *, labelled: bool = True, spread: float = 0.02) -> ComparisonJob:
    """Two arms, four seeds, two explainers and two blind maps.

    Args:
        folder: where the reports lie.
        labelled: whether tiles have labels, so that plausibility has scores.
        spread: standard deviation of a score between slides.
    """
    table, generator = bag_places(), np.random.default_rng(2)
    positive = (table["label"] == "tumour").to_numpy()
    checkpoints, reports = [], []
    for arm in ARMS:
        for seed in SEEDS:
            place = folder / f"{arm}{seed}"
            score = np.clip(0.25 + 0.5 * positive + generator.normal(scale=0.2, size=PATIENTS), 0.01, 0.99)
            predictions = make_slide_predictions(place / "predictions", table, score)
            checkpoints.append(ComparedCheckpoint(arm, seed, Checkpoint(place), predictions))
            for name, (srg, auroc) in PLANTED.items():
                noise = generator.normal(scale=spread, size=(2, PATIENTS))
                found = (
                    np.where(positive, auroc + noise[1], np.nan) if labelled else np.full(PATIENTS, np.nan)
                )
                for metric, key, values in (
                    ("tile_deletion", "srg", srg + noise[0]),
                    ("tile_localisation", "auroc", found),
                ):
                    report = make_slide_report(place / name / metric, table, key, values)
                    reports.append(ComparedReport(arm, seed, name, metric, name in BLIND, report))
    return ComparisonJob(
        study="bags",
        arms=ARMS,
        classes=CLASSES,
        target=1,
        checkpoints=tuple(checkpoints),
        reports=tuple(reports),
        recipe=ComparisonRecipe(),
        removing=frozenset({"tile_deletion"}),
        level="slide",
        axes=TwoAxes("tile_deletion", "tile_localisation"),
        trained_on="trained on labels of slides: mean_pool, abmil",
    )


def without_metric_of_labels(job: ComparisonJob) -> ComparisonJob:
    """Return a job whose study has no metric that looks at labelled tiles."""
    kept = tuple(item for item in job.reports if item.metric == "tile_deletion")
    return replace(job, reports=kept, axes=TwoAxes("tile_deletion"))
