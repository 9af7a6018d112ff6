"""What is left of a map of slides when the same training is done again with another seed."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.comparison.job import ComparedMaps, ComparisonJob
from tasks.evaluation.agreement import agreement_of_maps
from tasks.statistics.cells import mean_estimate
from tasks.statistics.clusters import choose_clusters

_NAMES = ["arm", "explainer"]
_FIGURES = ("spearman", "overlap")


@dataclass(frozen=True)
class Steadiness:
    """How alike the maps of one explainer are over the seeds of one arm.

    Attributes:
        arm: id of the arm.
        explainer: id of the explainer.
        slides: how many slides all seeds explained.
        spearman: value, low and high of the mean rank correlation over slides; NaN where maps are constant.
        overlap: the same of the fraction of the highest 10 % of tiles that two seeds share.
        chance: the overlap of maps that know nothing of each other.
    """

    arm: str
    explainer: str
    slides: int
    spearman: tuple[float, float, float]
    overlap: tuple[float, float, float]
    chance: float


@dataclass(frozen=True)
class MapsOverSeeds:
    """The agreement of maps over seeds.

    Attributes:
        table: one row per arm, explainer, slide and pair of seeds; empty where no arm has two seeds.
        rows: one per arm and explainer.
        note: what the intervals are clustered by.
    """

    table: pd.DataFrame
    rows: tuple[Steadiness, ...]
    note: str


def maps_over_seeds(job: ComparisonJob, level: float) -> MapsOverSeeds | None:
    """Compare the maps of every pair of seeds; None where no arm has two seeds with maps of slides.

    A slide has one value, the mean over pairs. So intervals are of slides and hold for these networks.
    """
    parts = [
        agreement_of_maps({str(item.seed): item.scores for item in group}, group[0].kind).assign(
            arm=group[0].arm, explainer=group[0].explainer
        )
        for group in _groups(job.maps)
    ]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if not len(table):
        return None
    table = table[[*_NAMES, *(name for name in table if name not in _NAMES)]]
    rows, note, patients = [], "", _patients(job)
    for (arm, explainer), own in table.groupby(_NAMES, sort=False):
        units = own.groupby("slide_id", sort=False)[[*_FIGURES, "chance"]].mean().reset_index()
        units["patient_id"] = units["slide_id"].map(patients)
        clusters = choose_clusters(units.assign(section=0))
        spearman, overlap = (
            _mean(units[name].to_numpy(np.float64), clusters.codes, level) for name in _FIGURES
        )
        chance = float(units["chance"].mean())
        rows.append(Steadiness(str(arm), str(explainer), len(units), spearman, overlap, chance))
        note = clusters.note
    return MapsOverSeeds(table, tuple(rows), note)


def _groups(maps: tuple[ComparedMaps, ...]) -> list[list[ComparedMaps]]:
    """Return the maps that differ by the seed alone, where there are two or more."""
    found: dict[tuple[str, str, int | None], list[ComparedMaps]] = defaultdict(list)
    for item in maps:
        found[item.arm, item.explainer, item.fold].append(item)
    return [group for group in found.values() if len(group) > 1]


def _patients(job: ComparisonJob) -> dict[str, str]:
    slides = pd.concat([item.predictions.slides for item in job.checkpoints], ignore_index=True)
    return dict(zip(slides["slide_id"].astype(str), slides["patient_id"].astype(str), strict=True))


def _mean(values: NDArray[np.float64], codes: NDArray[np.int64], level: float) -> tuple[float, float, float]:
    if not np.isfinite(values).any():
        return float("nan"), float("nan"), float("nan")
    found = mean_estimate(values, codes, level)
    return found.value, found.low, found.high
