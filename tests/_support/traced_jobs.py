"""A comparison of two arms with planted maps: a good one, a poor one and controls, with curves."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.artifacts.faithfulness_report import CURVES, INFO, FaithfulnessReport, ReportInfo
from tasks.comparison.job import ComparedReport, ComparisonJob
from tests._support.comparison_jobs import make_job, make_report, places

FRACTIONS = np.linspace(0, 1, 5)
VALUES = {"good": 0.5, "poor": 0.2, "random_map": 0.0, "optical_density": 0.3}
"""The removal gap of each map: one control does better than the poor explainer."""
CONTROLS = ("random_map", "optical_density")
NOISE = 0.02


def make_traced_job(folder: Path) -> ComparisonJob:
    """Two arms, three seeds. ``deletion``: ``gap`` (higher), ``lerf`` (lower) = 1 - gap and ``gini`` (none).

    Its curves are ``morf_probability``, which falls from 1 to 1 - gap in even steps, and ``morf_logit``.
    ``place.hit`` (higher) scores mixed tiles alone, and the other way round: 1 - gap.
    """
    job = make_job(folder / "plain")
    table = places()
    generator = np.random.default_rng(3)
    reports = []
    for item in job.checkpoints:
        for explainer, base in VALUES.items():
            place = folder / f"{item.arm}{item.seed}" / explainer
            gap = base + generator.normal(scale=NOISE, size=len(table))
            both = _removal(place / "deletion", table, gap), _placing(place / "place", table, gap)
            for metric, report in zip(("deletion", "place"), both, strict=True):
                of = (item.arm, item.seed, explainer, metric, explainer in CONTROLS)
                reports.append(ComparedReport(*of, report))
    recipe = job.recipe.model_copy(update={"primary": "good/deletion.gap"})
    return dataclasses.replace(job, reports=tuple(reports), recipe=recipe)


def _removal(folder: Path, table: pd.DataFrame, gap: np.ndarray) -> FaithfulnessReport:
    labelled = (table["label"] != "mixed").to_numpy()
    scores = {"gap": gap, "lerf": 1 - gap, "gini": gap}
    report = make_report(folder, table[labelled], {name: value[labelled] for name, value in scores.items()})
    info = ReportInfo.model_validate_json((folder / INFO).read_text())
    info = info.model_copy(update={"metric": {"name": "deletion", "output": "probability"}})
    (folder / INFO).write_text(info.model_dump_json())
    units = table.loc[labelled, ["tile_id", "slide_id"]].rename(columns={"tile_id": "unit_id"})
    pieces = [
        units.assign(curve=name, fraction=fraction, value=scale * (1 - fraction * gap[labelled]))
        for name, scale in (("morf_probability", 1), ("morf_logit", 7))
        for fraction in FRACTIONS
    ]
    pd.concat(pieces).to_parquet(folder / CURVES, index=False)
    return report


def _placing(folder: Path, table: pd.DataFrame, gap: np.ndarray) -> FaithfulnessReport:
    crossed = (table["label"] == "mixed").to_numpy()
    return make_report(folder, table[crossed], {"hit": 1 - gap[crossed]})
