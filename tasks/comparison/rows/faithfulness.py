"""The rows on faithfulness: scores of maps and networks, compared between arms and with controls."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.claims.claim import Claim
from tasks.comparison.job import ComparisonJob
from tasks.comparison.row import Row
from tasks.comparison.rows.aligned_scores import AlignedScores, aligned_scores
from tasks.comparison.rows.claims import as_claim
from tasks.comparison.rows.estimates import with_estimate, with_test
from tasks.statistics.cells import mean_estimate
from tasks.statistics.drawing import monte_carlo_error
from tasks.statistics.paired import paired_difference

Pair = tuple[str, str]
"""Arm, explainer."""
_NAN = float("nan")


def faithfulness_rows(job: ComparisonJob, level: float) -> list[Row]:
    """Return the rows on maps and networks: means, differences of arms and of explainers, claims."""
    rows: list[Row] = []
    for scored in aligned_scores(job, level):
        rows += [_mean_row(scored, *pair) for pair in scored.pairs]
        for compared in between_arms(job, scored):
            rows += [_of_arms(compared, pair, job.reference_arm) for pair in _comparable(job, compared)]
        for compared in (scored, *_over_controls(job, scored)):
            rows += _claims(job, compared)
        rows += [
            _against_control(scored, arm, explainer, control)
            for arm, explainer in scored.pairs
            if explainer not in scored.controls
            for control in scored.rivals
            if (arm, control) in scored.pairs
        ]
        rows += _between_explainers(job, scored)
    return rows


def between_arms(job: ComparisonJob, scored: AlignedScores) -> list[AlignedScores]:
    """Return what arms are compared in: the score, or what maps add to a blind control by a score of removal.

    How much an output falls when pixels go is a property of the network as well as of the map: the score of a
    control that sees no network changes with the arm, too. The difference to it on the same network is about
    the map.
    """
    return _over_controls(job, scored) or [scored]


def _over_controls(job: ComparisonJob, scored: AlignedScores) -> list[AlignedScores]:
    if scored.metric not in job.removing or scored.direction == "none":
        return []
    return [scored.over(control) for control in scored.blind]


def _comparable(job: ComparisonJob, scored: AlignedScores) -> list[tuple[str, str]]:
    """Return the (arm, explainer) pairs to compare with the reference arm. Controls are not compared."""
    return [
        (arm, explainer)
        for arm, explainer in scored.pairs
        if arm != job.reference_arm
        and explainer not in scored.controls
        and (job.reference_arm, explainer) in scored.pairs
    ]


def _claims(job: ComparisonJob, scored: AlignedScores) -> list[Row]:
    """Return the claims on this score, if both sides have the score."""
    return [
        _difference(scored, *claim.sides, claim)
        for claim in job.recipe.claims
        if claim.names[1:] == (scored.metric, scored.score) and set(claim.sides) <= set(scored.pairs)
    ]


def _between_explainers(job: ComparisonJob, scored: AlignedScores) -> list[Row]:
    """Return the difference of each explainer to the reference explainer in the same arm, if one is named."""
    reference = job.recipe.reference_explainer
    return [
        replace(
            _difference(scored, pair, (pair[0], reference)), kind="between_explainers", family="explainers"
        )
        for pair in scored.pairs
        if reference is not None
        and pair[1] not in (reference, MODEL, *scored.controls)
        and (pair[0], reference) in scored.pairs
    ]


def _mean_row(scored: AlignedScores, arm: str, explainer: str) -> Row:
    seeds = scored.seeds(arm, explainer)
    block = scored.block(arm, explainer, seeds)
    known = np.isfinite(block)
    row = replace(
        _blank(scored, arm, explainer),
        seeds=len(seeds),
        units=int(known.sum()),
        monte_carlo=monte_carlo_error(scored.error_block(arm, explainer, seeds), known),
    )
    if not known.any():
        return row
    return with_estimate(row, mean_estimate(block, scored.clusters.codes, scored.level))


def _mean(block: NDArray[np.float64]) -> float:
    """Return the mean over the seeds [S, N] that have a unit of the mean over their units."""
    held = block[np.isfinite(block).any(axis=1)]
    return float(np.nanmean(held, axis=1).mean())


def _of_arms(scored: AlignedScores, pair: Pair, reference: str) -> Row:
    """Return the arm minus the arm ``reference``, both with the explainer of ``pair``."""
    return replace(_difference(scored, pair, (reference, pair[1])), kind="difference")


def _against_control(scored: AlignedScores, arm: str, explainer: str, control: str) -> Row:
    """Return ``explainer`` minus ``control`` in one arm."""
    row = _difference(scored, (arm, explainer), (arm, control))
    return replace(
        row,
        kind="against_control",
        family=f"controls of {arm}, {row.name}",
        against=control,
        against_explainer="",
    )


def _difference(scored: AlignedScores, one: Pair, other: Pair, claim: Claim | None = None) -> Row:
    """Return the (arm, explainer) ``one`` minus ``other``, paired by seed and unit.

    The row is that of ``claim``, if one is given.
    """
    both = tuple(seed for seed in scored.seeds(*one) if seed in scored.seeds(*other))
    blank = _blank(scored, *one)
    blank = replace(
        blank,
        family=blank.kind,
        against=other[0],
        against_explainer=other[1] if other[1] != one[1] else "",
    )
    blank = blank if claim is None else as_claim(blank, claim)
    return _paired(scored, blank, scored.block(*one, both), scored.block(*other, both))


def _paired(scored: AlignedScores, blank: Row, one: NDArray[np.float64], other: NDArray[np.float64]) -> Row:
    known = np.isfinite(one) & np.isfinite(other)
    if not known.any():
        return blank
    blank = replace(
        blank,
        mean=_mean(np.where(known, one, np.nan)),
        mean_against=_mean(np.where(known, other, np.nan)),
        seeds=int(known.any(axis=1).sum()),
        units=int(known.sum()),
    )
    found = paired_difference(one, other, scored.clusters.codes, scored.level)
    return with_test(blank, found.estimate, scored.level)


def _blank(scored: AlignedScores, arm: str, explainer: str) -> Row:
    clusters = scored.clusters
    return Row(
        kind="model" if explainer == MODEL else "faithfulness",
        arm=arm,
        explainer=explainer,
        metric=scored.metric,
        score=scored.score,
        direction=scored.direction,
        is_control=explainer in scored.controls,
        is_rival=explainer in scored.rivals,
        value=_NAN,
        cluster=clusters.level or "",
        clusters=clusters.count,
        patients=clusters.patients,
        note=clusters.note,
    )
