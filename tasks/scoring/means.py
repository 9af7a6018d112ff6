"""The mean of every score with its interval, its controls and its Monte Carlo error."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.evaluation.result import MetricResult
from tasks.scoring.controls import estimate_of, flag_against
from tasks.statistics.clusters import MINIMUM
from tasks.statistics.drawing import monte_carlo_error

Floats = NDArray[np.float64]
Pair = tuple[str, str]
"""Explainer, metric id."""


@dataclass(frozen=True)
class MeanScore:
    """The mean of one score of one explainer over the scored images; missing values are NaN.

    ``low`` and ``high`` are the 95 % interval of the mean (see :func:`interval_note`), ``monte_carlo`` the
    standard error that the metric's own draws leave in it, ``chance`` the mean chance level. ``flag`` says
    which controls it is not ahead of, by the interval of the paired difference, of those that the metric
    takes for rivals (``is_rival``).
    """

    explainer: str
    is_control: bool
    is_rival: bool
    metric: str
    score: str
    direction: str
    mean: float
    low: float
    high: float
    monte_carlo: float
    chance: float
    scored: int
    excluded: int
    flag: str = ""


def means_of(
    results: Mapping[Pair, MetricResult], controls: Collection[str], blind: Collection[str]
) -> tuple[MeanScore, ...]:
    """Return one mean for each explainer, metric and score, in the order of the results.

    ``blind`` are those of the ``controls`` that see no network; for some metrics only these are rivals.
    """
    means = []
    for (explainer, metric), result in results.items():
        rivals = controls if result.info.rivals == "all" else blind
        known = explainer in controls, explainer in rivals
        for info in result.info.scores:
            own = result.scores[result.scores["score"] == info.name]
            means.append(_mean_of((explainer, metric), info, own, known))
    return tuple(replace(mean, flag=_flag(mean, means, results)) for mean in means)


def interval_note(patients: Collection[str], samples: str = "images") -> str:
    """Return the sentence that is printed with every interval.

    Args:
        patients: the patient of each scored image; empty where none is named.
        samples: what is scored, in words.
    """
    named = {patient for patient in patients if patient}
    if len(named) >= MINIMUM:
        return f"Intervals: 95 %, Student's t, clustered by patient ({len(named)}), for this network alone."
    if named:
        return f"No intervals: {len(named)} patients, and at least {MINIMUM} are needed."
    if len(patients) < MINIMUM:
        return f"No intervals: {len(patients)} {samples}, and at least {MINIMUM} are needed."
    return (
        f"Intervals: 95 %, Student's t, {len(patients)} {samples} taken as independent of each other. Where "
        "several are of one patient this is too narrow: name the patients."
    )


def _mean_of(part: Pair, info: ScoreInfo, table: pd.DataFrame, known: tuple[bool, bool]) -> MeanScore:
    """Return the mean of ``table``; ``known`` says whether its explainer is a control, and a rival."""
    values, chance, errors = (table[c].to_numpy(dtype=np.float64) for c in ("value", "chance", "error"))
    scored = np.isfinite(values)
    found = estimate_of(table)
    return MeanScore(
        explainer=part[0],
        is_control=known[0],
        is_rival=known[1],
        metric=part[1],
        score=info.name,
        direction=info.direction,
        mean=found.value,
        low=found.low,
        high=found.high,
        monte_carlo=monte_carlo_error(errors[None], scored[None]),
        chance=_average(chance[scored]),
        scored=int(scored.sum()),
        excluded=int((~scored).sum()),
    )


def _average(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _flag(mean: MeanScore, means: Sequence[MeanScore], results: Mapping[Pair, MetricResult]) -> str:
    """Return why the mean is not evidence here; empty for controls."""
    if mean.is_control:
        return ""
    rivals = [
        other.explainer
        for other in means
        if other.is_rival and (other.metric, other.score) == (mean.metric, mean.score)
    ]
    return flag_against(
        _rows(results[mean.explainer, mean.metric], mean.score),
        {name: _rows(results[name, mean.metric], mean.score) for name in rivals},
        mean.direction,
    )


def _rows(result: MetricResult, score: str) -> pd.DataFrame:
    return result.scores[result.scores["score"] == score]
