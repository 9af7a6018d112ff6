"""Writes the review page of a study."""

from collections.abc import Callable
from pathlib import Path

from tasks.reporting.review.budget import as_json, slide_budget
from tasks.reporting.review.document import document, fixed_bytes
from tasks.reporting.review.job import ReviewError, ReviewJob
from tasks.reporting.review.scores import ReviewedScores
from tasks.reporting.review.slide import slide_data
from tasks.reporting.review.study import scales_of, study_data

PAGE = "review.html"


def write_review(
    job: ReviewJob, out: Path, advance: Callable[[int], None] = lambda done: None
) -> dict[str, float]:
    """Write ``review.html`` into ``out``.

    Args:
        job: what the page shows.
        out: an existing folder.
        advance: called with 1 after every drawn map.

    Returns:
        ``slides``, ``maps`` and ``bytes``.

    Raises:
        ReviewError: no slide, model or explainer to show, or a colour scale of another recipe.
        HeatmapError: a map is of a tile that its slide does not have.
    """
    if not (job.slides and job.models and job.explainers):
        raise ReviewError(f"study {job.study!r} has no slide, no trained model or no explainer to review")
    scores, scales = ReviewedScores(job), scales_of(job)
    study = as_json(study_data(scores, scales))
    budget = slide_budget(len(job.slides), fixed_bytes(study))
    limits = tuple((scale.limit, scale.tile_limit) if scale else (1.0, 1.0) for scale in scales)
    slides = [as_json(slide_data(scores, slide, limits, budget, advance)) for slide in job.slides]
    page = document(f"{job.study}: review", study, slides).encode()
    (out / PAGE).write_bytes(page)
    return {"slides": len(job.slides), "maps": len(job.maps), "bytes": len(page)}
