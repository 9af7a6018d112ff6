"""The rows on faithfulness: every arm, explainer and score, against the reference arm and the controls."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.faithfulness_report import MODEL
from tasks.comparison.claiming import as_claim
from tasks.comparison.job import ComparisonJob
from tasks.comparison.rows import Row, better
from tasks.comparison.scored import Scored, scores_of
from tasks.statistics.bootstrap import BootstrapSettings, Interval, mean_interval
from tasks.statistics.paired import PairedDifference, paired_difference

_NAN = float("nan")


def faithfulness_rows(job: ComparisonJob, settings: BootstrapSettings) -> list[Row]:
    """Return the rows of kind faithfulness, model, difference, claim and against_control."""
    rows: list[Row] = []
    for scored in scores_of(job, settings):
        means = {pair: _mean_row(scored, *pair) for pair in scored.pairs}
        rows += [_flagged(row, means) for row in means.values()]
        rows += [_difference(scored, job.reference_arm, *pair) for pair in _comparable(job, scored)]
        rows += _claims(job, scored)
        rows += [
            _against_control(scored, arm, explainer, control)
            for arm, explainer in scored.pairs
            if explainer not in scored.controls
            for control in scored.controls
            if (arm, control) in means
        ]
    return rows


def _comparable(job: ComparisonJob, scored: Scored) -> list[tuple[str, str]]:
    """Return the (arm, explainer) that can be set against the reference arm; controls are no claims."""
    return [
        (arm, explainer)
        for arm, explainer in scored.pairs
        if arm != job.reference_arm
        and explainer not in scored.controls
        and (job.reference_arm, explainer) in scored.pairs
    ]


def _claims(job: ComparisonJob, scored: Scored) -> list[Row]:
    """Return the claims about this score whose two arms have it."""
    return [
        as_claim(_difference(scored, claim.against, claim.arm, explainer), claim)
        for claim in job.recipe.claims
        for explainer, metric, score in [claim.parts]
        if (metric, score) == (scored.metric, scored.score)
        and {(claim.arm, explainer), (claim.against, explainer)} <= set(scored.pairs)
    ]


def _mean_row(scored: Scored, arm: str, explainer: str) -> Row:
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
    )


def _difference(scored: Scored, reference: str, arm: str, explainer: str) -> Row:
    """Return ``arm`` less ``reference`` for one explainer."""
    other = scored.seeds(reference, explainer)
    seeds = tuple(seed for seed in scored.seeds(arm, explainer) if seed in other)
    blank = _blank(scored, arm, explainer)
    blank = replace(blank, kind="difference", family=blank.kind, against=reference)
    return _paired(
        scored, blank, scored.block(arm, explainer, seeds), scored.block(reference, explainer, seeds)
    )


def _against_control(scored: Scored, arm: str, explainer: str, control: str) -> Row:
    """Return ``explainer`` less ``control`` for one arm."""
    other = scored.seeds(arm, control)
    seeds = tuple(seed for seed in scored.seeds(arm, explainer) if seed in other)
    blank = replace(_blank(scored, arm, explainer), kind="against_control", against=control)
    return _paired(scored, blank, scored.block(arm, explainer, seeds), scored.block(arm, control, seeds))


def _paired(scored: Scored, blank: Row, one: NDArray[np.float64], other: NDArray[np.float64]) -> Row:
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


def _blank(scored: Scored, arm: str, explainer: str) -> Row:
    clusters = scored.clusters
    return Row(
        kind="model" if explainer == MODEL else "faithfulness",
        arm=arm,
        explainer=explainer,
        metric=scored.metric,
        score=scored.score,
        direction=scored.direction,
        is_control=explainer in scored.controls,
        value=_NAN,
        cluster=clusters.level or "",
        clusters=clusters.count,
        patients=clusters.patients,
        note=clusters.note,
    )


def _flagged(row: Row, means: dict[tuple[str, str], Row]) -> Row:
    """Flag an explainer that a control equals or beats in the same arm: the score is then no evidence."""
    if row.is_control or row.direction == "none":
        return row
    winners = [
        other.explainer
        for (arm, _), other in means.items()
        if arm == row.arm and other.is_control and not better(row.value, other.value, row.direction)
    ]
    if not winners:
        return row
    return replace(row, flag=f"not informative here: {', '.join(winners)} does as well or better")
