"""``comparison.json``: what the page and MLflow need beside the rows."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.comparison.claims.claim import Claim
from tasks.comparison.job import ComparisonJob
from tasks.comparison.row import Row
from tasks.reporting.pseudonyms import without_patients

_FIGURES = (
    "value", "low", "high", "p", "p_holm", "p_within_holm", "detectable", "error", "df", "sd_seed",
    "sd_cluster", "sd_rest", "mean", "mean_against",
)  # fmt: skip


class ClaimOutcome(BaseModel):
    """The verdict on a claim.

    Attributes:
        claim: the claim as written in the study file.
        verdict: ``reproduced``, ``reversed``, ``equivalent``, ``cannot tell`` or ``not tested``.
        reason: the reason for the verdict, in half a sentence.
        flag: which side is not ahead of every control. Empty: both are, or it has none.
        narrows: what would narrow the interval most.
        figures: the columns of its row in the table (value, low, high, p, ...). None: undefined.
        clusters, seeds, units: how many the difference is based on.
    """

    model_config = ConfigDict(frozen=True)

    claim: Claim
    verdict: str
    reason: str
    flag: str = ""
    narrows: str = ""
    figures: Mapping[str, float | None]
    clusters: int
    seeds: int
    units: int


class ComparisonSummary(BaseModel):
    """What a comparison is about and what it is based on. It names no patient.

    Attributes:
        study: name of the study.
        arms: in the order of the tables, the reference arm included.
        reference_arm: the arm that the others are compared with.
        seeds: {arm: seeds}.
        target_class: the explained class.
        primary: the endpoint named before the run, if any.
        claims: the verdicts on all claims, the primary ones first.
        confidence: coverage of the intervals.
        slide_score: what a slide's score is, as half a sentence.
        patients, slides, tiles: how many were evaluated.
        split_hash: hash of the split.
        clustering: the sentences on clustering, each once; the less common ones name their metrics.
        slide_scores: {``<arm>_s<seed>``: {slide id: score}}.
        failed_slides: {slide id: reason}.
        pooling: a sentence on how folds were pooled. Empty without folds.
        looks: a sentence on how often these test slides were compared before. Empty where it is not known.
        weak_labels: a sentence on tiles that have only their slide's label. Empty where none have.
        explained: a sentence on how many tiles have maps. Empty where it is not known.
        level: what models are asked about: tiles, or slides as bags of tiles.
        trained_on: a sentence on the labels that each arm was trained on. Empty where all are of tiles.
    """

    model_config = ConfigDict(frozen=True)

    study: str
    arms: tuple[str, ...]
    reference_arm: str
    seeds: Mapping[str, tuple[int, ...]]
    target_class: str
    primary: str | None
    claims: tuple[ClaimOutcome, ...] = ()
    confidence: float
    slide_score: str
    patients: int
    slides: int
    tiles: int
    split_hash: str
    clustering: tuple[str, ...]
    slide_scores: Mapping[str, Mapping[str, float]]
    failed_slides: Mapping[str, str]
    pooling: str = ""
    looks: str = ""
    weak_labels: str = ""
    explained: str = ""
    level: Literal["tile", "slide"] = "tile"
    trained_on: str = ""


def summarise(job: ComparisonJob, rows: list[Row]) -> ComparisonSummary:
    """Return the summary of ``job``. Patient ids in reasons are replaced by hashes."""
    slides = job.checkpoints[0].predictions.slides
    patients = set(slides["patient_id"])
    return ComparisonSummary(
        study=job.study,
        arms=job.arms,
        reference_arm=job.reference_arm,
        seeds={arm: tuple(i.seed for i in job.checkpoints if i.arm == arm) for arm in job.arms},
        target_class=job.target_class,
        primary=job.recipe.primary,
        claims=tuple(_outcomes(job, rows, patients)),
        confidence=job.recipe.confidence,
        slide_score=_slide_score(job),
        patients=len(patients),
        slides=len(slides),
        tiles=int(slides["tiles"].sum()),
        split_hash=job.split_hash,
        clustering=clustering_notes(rows),
        slide_scores=_scores(job),
        pooling=job.pooling,
        looks=job.looks,
        weak_labels=job.weak_labels,
        explained=job.explained,
        level=job.level,
        trained_on=job.trained_on,
        failed_slides={
            slide: str(without_patients(why, patients, job.salt)) for slide, why in job.failed_slides.items()
        },
    )


def _slide_score(job: ComparisonJob) -> str:
    if job.level == "slide":
        return f"the probability of {job.target_class} that its model gives to all its tiles together"
    return job.aggregator.words(job.target_class)


def clustering_notes(rows: Iterable[Row]) -> tuple[str, ...]:
    """Return each sentence on clustering once, the most common first; the others name their metrics."""
    noted = [row for row in rows if row.note]
    notes = [note for note, _ in Counter(row.note for row in noted).most_common()]
    metrics = {note: sorted({row.metric for row in noted if row.note == note}) for note in notes}
    return tuple(note if note == notes[0] else f"{note}: {', '.join(metrics[note])}" for note in notes)


def _outcomes(job: ComparisonJob, rows: list[Row], patients: set[str]) -> Iterable[ClaimOutcome]:
    claims = {claim.id: claim for claim in job.recipe.claims}
    for row in rows:
        if row.kind == "claim":
            told = without_patients(claims[row.claim].model_dump(), patients, job.salt)
            figures = {name: getattr(row, name) for name in _FIGURES}
            yield ClaimOutcome(
                claim=Claim.model_validate(told),
                verdict=row.verdict,
                reason=row.reason,
                flag=row.flag,
                narrows=row.narrows,
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
