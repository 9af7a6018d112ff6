"""The study data of the page: models, explainers, scores, comparison and what is missing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from tasks.artifacts.afresh import afresh
from tasks.artifacts.colour_scale import ScaleInfo
from tasks.reporting.maps.scale import ScaledSlide, common_scale
from tasks.reporting.review.codes import colour_table
from tasks.reporting.review.job import ReviewedExplainer, ReviewError, ReviewJob
from tasks.reporting.review.predictions import accuracies
from tasks.reporting.review.scores import ReviewedScores

_FIGURES = ("value", "low", "high")


def scales_of(job: ReviewJob) -> tuple[ScaleInfo | None, ...]:
    """Return the colour scale of each explainer; None for an explainer without maps.

    Raises:
        ReviewError: a scale was made with another recipe than that of the page.
    """
    return tuple(_scale_of(job, explainer) for explainer in job.explainers)


def study_data(scores: ReviewedScores, scales: tuple[ScaleInfo | None, ...]) -> dict[str, Any]:
    """Return the data that does not belong to a single slide."""
    job = scores.job
    return {
        "study": job.study,
        "by": job.level,
        "classes": job.classes,
        "target": job.target_class,
        "models": [_place(job, number) for number in range(len(job.models))],
        "accuracy": accuracies(job),
        "explainers": [_explainer(job, *pair) for pair in zip(job.explainers, scales, strict=True)],
        "scores": [
            {
                "metric": named.metric,
                "unit": named.unit,
                "ranks": named.of_tiles,
                "rivals": named.rivals,
                "of_map": named.of_map,
                **named.info.model_dump(),
            }
            for named in scores.named
        ],
        "slides": list(job.slides),
        "reviewed": max(job.reviewed, len(job.slides)),
        "colours": {kind: colour_table(kind) for kind in ("signed", "magnitude", "probability")},
        "opacity": job.recipe.opacity,
        "smoothing": job.recipe.smoothing_um,
        "percentile": job.recipe.percentile,
        "level": job.confidence,
        "missing": list(_missing_reports(job)),
        "failed": sorted(job.failed.items()),
        **_compared(job),
    }


def _scale_of(job: ReviewJob, explainer: ReviewedExplainer) -> ScaleInfo | None:
    recipe, scale = job.recipe.scale, explainer.scale
    if scale is not None:
        if (scale.percentile, scale.smoothing_um) != (recipe.percentile, recipe.smoothing_um):
            raise ReviewError(
                f"the colour scale of {explainer.id} is of percentile {scale.percentile:g} after "
                f"{scale.smoothing_um:g} um of smoothing; the page draws {recipe.percentile:g} after "
                f"{recipe.smoothing_um:g} um"
            )
        return scale
    there = (maps for (_, name, _), maps in job.maps.items() if name == explainer.id)
    if not any(len(afresh(maps).index) for maps in there):
        return None
    return common_scale((_scaled(job.of_slide(slide), explainer, slide) for slide in job.slides), recipe)


def _scaled(job: ReviewJob, explainer: ReviewedExplainer, slide: str) -> ScaledSlide:
    maps = {model.label: job.maps.get((model, explainer.id, slide)) for model in job.models}
    available = {name: own for name, own in maps.items() if own is not None and len(own.index)}
    return ScaledSlide(job.slides[slide], available)


def _place(job: ReviewJob, number: int) -> dict[str, Any]:
    model = job.models[number]
    return {"arm": model.arm, "seed": model.seed, "fold": model.fold, "words": model.words}


def _explainer(job: ReviewJob, explainer: ReviewedExplainer, scale: ScaleInfo | None) -> dict[str, Any]:
    """Return the explainer; ``alone`` holds where its scale would end for each model alone."""
    return {
        "id": explainer.id,
        "signed": explainer.signed,
        "kind": "control" if explainer.is_control else explainer.map_kind,
        "control": explainer.is_control,
        "blind": explainer.is_control and explainer.is_blind,
        "free": explainer.class_free,
        "limit": scale.limit if scale else 1.0,
        "tile_limit": scale.tile_limit if scale else 1.0,
        "alone": [_rounded(scale.end_of(model.label) or 0.0) for model in job.models] if scale else [],
    }


def _missing_reports(job: ReviewJob) -> Iterator[list[Any]]:
    """Yield [model, explainer, metric, reason] for every missing report."""
    for m, model in enumerate(job.models):
        for e, explainer in enumerate(job.explainers):
            for metric in job.metrics:
                if (model, explainer.id, metric) not in job.reports:
                    yield [m, e, metric, job.why_no_report(model, explainer.id, metric)]


def _compared(job: ReviewJob) -> dict[str, Any]:
    """Return ``compared`` {arm: {explainer/metric.score: figures}}, and ``performance`` {arm: [figures]}."""
    if job.comparison is None:
        return {"compared": {}, "performance": {}}
    table = pd.read_parquet(job.comparison)
    compared: dict[str, dict[str, Any]] = {}
    performance: dict[str, list[Any]] = {}
    for row in table[table["kind"] == "faithfulness"].to_dict("records"):
        name = f"{row['explainer']}/{row['metric']}.{row['score']}"
        compared.setdefault(str(row["arm"]), {})[name] = _figures(row)
    for row in table[table["kind"] == "performance"].to_dict("records"):
        name = f"{row['metric']} {row['score']}"
        performance.setdefault(str(row["arm"]), []).append({"name": name, **_figures(row)})
    return {"compared": compared, "performance": performance}


def _figures(row: dict[Any, Any]) -> dict[str, Any]:
    figures = {name: _rounded(row[name]) for name in _FIGURES}
    return {**figures, "note": str(row["note"]), "flag": str(row["flag"]), "seeds": int(row["seeds"])}


def _rounded(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None
