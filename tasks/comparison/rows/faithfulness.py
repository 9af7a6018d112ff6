"""The rows on faithfulness: scores of maps and networks, compared between arms and with controls."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.job import ComparisonJob
from tasks.comparison.row import Row
from tasks.comparison.rows.aligned_scores import AlignedScores, aligned_scores
from tasks.comparison.rows.claims import as_claim
from tasks.statistics.better import equals_or_beats, flag_of
from tasks.statistics.bootstrap import BootstrapSettings, Interval, mean_interval
from tasks.statistics.drawing import monte_carlo_error
from tasks.statistics.paired import PairedDifference, paired_difference

Pair = tuple[str, str]
"""Arm, explainer."""
_NAN = float("nan")


def faithfulness_rows(job: ComparisonJob, settings: BootstrapSettings) -> list[Row]:
    """Return the rows on maps and networks: means, differences of arms and of explainers, claims."""
    rows: list[Row] = []
    for scored in aligned_scores(job, settings):
        means = {pair: _mean_row(scored, *pair) for pair in scored.pairs}
        rows += [_flagged(row, means) for row in means.values()]
        rows += [_of_arms(scored, pair, job.reference_arm) for pair in _comparable(job, scored)]
        rows += _claims(job, scored)
        rows += [
            _against_control(scored, arm, explainer, control)
            for arm, explainer in scored.pairs
            if explainer not in scored.controls
            for control in scored.rivals
            if (arm, control) in means
        ]
        rows += _between_explainers(job, scored)
    return rows


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
        as_claim(_difference(scored, *claim.sides), claim)
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
    found = Interval(float(np.mean(block[known])) if known.any() else _NAN, _NAN, _NAN, _NAN)
    if scored.clusters.level is not None and known.any():
        found = mean_interval(block, scored.clusters.codes, scored.settings)
    return replace(
        _blank(scored, arm, explainer),
        value=found.estimate,
        low=found.low,
        high=found.high,
        seeds=len(seeds),
        units=int(known.sum()),
        monte_carlo=monte_carlo_error(scored.error_block(arm, explainer, seeds), known),
    )


def _of_arms(scored: AlignedScores, pair: Pair, reference: str) -> Row:
    """Return the arm minus the arm ``reference``, both with the explainer of ``pair``."""
    return replace(_difference(scored, pair, (reference, pair[1])), kind="difference")


def _against_control(scored: AlignedScores, arm: str, explainer: str, control: str) -> Row:
    """Return ``explainer`` minus ``control`` in one arm."""
    row = _difference(scored, (arm, explainer), (arm, control))
    return replace(row, kind="against_control", family="", against=control, against_explainer="")


def _difference(scored: AlignedScores, one: Pair, other: Pair) -> Row:
    """Return the (arm, explainer) ``one`` minus ``other``, paired by seed and unit."""
    both = tuple(seed for seed in scored.seeds(*one) if seed in scored.seeds(*other))
    blank = _blank(scored, *one)
    blank = replace(
        blank,
        family=blank.kind,
        against=other[0],
        against_explainer=other[1] if other[1] != one[1] else "",
    )
    return _paired(scored, blank, scored.block(*one, both), scored.block(*other, both))


def _paired(scored: AlignedScores, blank: Row, one: NDArray[np.float64], other: NDArray[np.float64]) -> Row:
    known = np.isfinite(one) & np.isfinite(other)
    if not known.any():
        return blank
    blank = replace(
        blank,
        value=float((one - other)[known].mean()),
        mean=float(one[known].mean()),
        mean_against=float(other[known].mean()),
        seeds=len(one),
        units=int(known.sum()),
    )
    if scored.clusters.level is None:
        return blank
    return _with_test(blank, paired_difference(one, other, scored.clusters.codes, scored.settings))


def _with_test(row: Row, found: PairedDifference) -> Row:
    return replace(
        row,
        value=found.interval.estimate,
        low=found.interval.low,
        high=found.interval.high,
        p=found.p,
        smallest_p=found.smallest_p,
        detectable=found.detectable,
        clusters=found.clusters,
    )


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


def _flagged(row: Row, means: dict[tuple[str, str], Row]) -> Row:
    """Flag an explainer that a rival equals or beats in the same arm. Its score is then no evidence."""
    if row.is_control:
        return row
    winners = [
        other.explainer
        for (arm, _), other in means.items()
        if arm == row.arm and other.is_rival and equals_or_beats(other.value, row.value, row.direction)
    ]
    return replace(row, flag=flag_of(winners))
