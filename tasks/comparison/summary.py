"""``comparison.json``: what the page and MLflow say besides the rows."""

import math
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from tasks.comparison.claim import Claim
from tasks.comparison.clustering import clustering_notes
from tasks.comparison.job import ComparisonJob
from tasks.comparison.private import without_patients
from tasks.comparison.rows import Row

_FIGURES = ("value", "low", "high", "p", "p_holm", "smallest_p", "detectable", "mean", "mean_against")


class Outcome(BaseModel):
    """What became of a claim.

    Attributes:
        claim: as it stands in the study file.
        verdict: ``reproduced``, ``not reproduced`` or ``cannot tell``, the latter also with why.
        reason: half a sentence.
        figures: the columns of its row in the table (value, low, high, p, ...); None: no such figure.
        clusters, seeds, units: how many the difference rests on.
    """

    model_config = ConfigDict(frozen=True)

    claim: Claim
    verdict: str
    reason: str
    figures: Mapping[str, float | None]
    clusters: int
    seeds: int
    units: int


class Summary(BaseModel):
    """The frame of a comparison; no patient is named.

    Attributes:
        study: name of the study.
        command: what made it.
        arms: in the order of the tables; the reference arm is among them.
        reference_arm: what the others are compared with.
        seeds: {arm: seeds}.
        target_class: the explained class.
        primary: the endpoint named before the run, if any.
        claims: what became of each, primary ones first.
        confidence: coverage of the intervals.
        draws: bootstrap draws.
        slide_score: what a slide's score is, as half a sentence.
        patients, slides, tiles: what was evaluated.
        split_hash: hash of the split.
        clustering: the sentences of all intervals, each once, the rarer with their metrics.
        slide_scores: {``<arm>_s<seed>``: {slide id: score}}.
        failed_slides: {slide id: reason}.
        pooling: that results of several folds are pooled; empty without folds.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    command: str
    arms: tuple[str, ...]
    reference_arm: str
    seeds: Mapping[str, tuple[int, ...]]
    target_class: str
    primary: str | None
    claims: tuple[Outcome, ...] = ()
    confidence: float
    draws: int
    slide_score: str
    patients: int
    slides: int
    tiles: int
    split_hash: str
    clustering: tuple[str, ...]
    slide_scores: Mapping[str, Mapping[str, float]]
    failed_slides: Mapping[str, str]
    pooling: str = ""


def summarise(job: ComparisonJob, rows: list[Row]) -> Summary:
    """Return the summary of ``job``; patient ids in commands and reasons are replaced by hashes."""
    table = job.checkpoints[0].predictions.table
    patients = set(table["patient_id"])
    return Summary(
        study=job.study,
        command=str(without_patients(job.command, patients, job.salt)),
        arms=job.arms,
        reference_arm=job.reference_arm,
        seeds={arm: tuple(i.seed for i in job.checkpoints if i.arm == arm) for arm in job.arms},
        target_class=job.target_class,
        primary=job.recipe.primary,
        claims=tuple(_outcomes(job, rows, patients)),
        confidence=job.recipe.confidence,
        draws=job.recipe.draws,
        slide_score=job.aggregator.words(job.target_class),
        patients=len(patients),
        slides=table["slide_id"].nunique(),
        tiles=len(table),
        split_hash=job.split_hash,
        clustering=clustering_notes(rows),
        slide_scores=_scores(job),
        pooling=job.pooling,
        failed_slides={
            slide: str(without_patients(why, patients, job.salt)) for slide, why in job.failed_slides.items()
        },
    )


def _outcomes(job: ComparisonJob, rows: list[Row], patients: set[str]) -> Iterable[Outcome]:
    claims = {claim.id: claim for claim in job.recipe.claims}
    for row in rows:
        if row.kind == "claim":
            told = without_patients(claims[row.claim].model_dump(), patients, job.salt)
            figures = {name: getattr(row, name) for name in _FIGURES}
            yield Outcome(
                claim=Claim.model_validate(told),
                verdict=row.verdict,
                reason=row.reason,
                figures={k: None if math.isnan(v) else float(v) for k, v in figures.items()},
                clusters=row.clusters,
                seeds=row.seeds,
                units=row.units,
            )


def _scores(job: ComparisonJob) -> dict[str, dict[str, float]]:
    scores = {}
    for item in job.checkpoints:
        found = item.predictions.slide_scores(job.target)
        scores[f"{item.arm}_s{item.seed}"] = dict(
            zip(found["slide_id"], found["score"].astype(float), strict=True)
        )
    return scores
