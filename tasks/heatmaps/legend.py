"""Legends: what a colour means, on which scale, and how the scale was set."""

import numpy as np

from tasks.heatmaps.colour import paint_attribution, paint_probability
from tasks.heatmaps.job import HeatmapJob
from tasks.heatmaps.page import SOFT, Box, Page

_BAR_HEIGHT = 14
_GREY_TISSUE = 190


def attribution_legend(page: Page, box: Box, job: HeatmapJob, limit: float, values: str) -> None:
    """Draw the colour bar of attributions and the sentences that explain it.

    Args:
        page: where to draw.
        box: left, top, width and least height (about 120 pixels).
        job: names the explainer, the class and the percentile.
        limit: the value at the end of the scale.
        values: which values the percentile was taken over.
    """
    low = -limit if job.signed else 0.0
    ramp = np.linspace(low, limit, 256, dtype=np.float32)[None].repeat(2, axis=0)
    tissue = np.full((*ramp.shape, 3), _GREY_TISSUE, np.uint8)
    bar = paint_attribution(tissue, ramp, limit, job.recipe.opacity, signed=job.signed)
    ticks = [(-limit, f"\u2212{limit:.3g}"), (0.0, "0"), (limit, f"{limit:.3g}")][0 if job.signed else 1 :]
    page.text(box[0], box[1], f"{job.explainer}: attribution to the {job.target_class} margin", 13)
    _bar(page, box, bar, [((at - low) / (limit - low), words) for at, words in ticks])
    page.paragraph((box[0], box[1] + 62, box[2], 60), _attribution_words(job, values))


def probability_legend(page: Page, box: Box, job: HeatmapJob) -> None:
    """Draw the colour bar of probabilities, always 0 to 1."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(2, axis=0)
    bar = paint_probability(np.full((*ramp.shape, 3), _GREY_TISSUE, np.uint8), ramp)
    page.text(box[0], box[1], f"predicted probability of {job.target_class}", 13)
    _bar(page, box, bar, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")])
    words = "Softmax of the logits, not rescaled; overlapping tiles are averaged. No colour: no tile."
    page.paragraph((box[0], box[1] + 62, box[2], 60), f"{words} {_outline_words(job)}")


def _bar(page: Page, box: Box, bar: np.ndarray, ticks: list[tuple[float, str]]) -> None:
    width = min(box[2], 420)
    page.picture((box[0], box[1] + 22, width, _BAR_HEIGHT), bar, smooth=False)
    for where, words in ticks:
        shift = where * 7 * len(words)
        page.text(box[0] + where * width - shift, box[1] + 40, words, 12, SOFT)


def _attribution_words(job: HeatmapJob, values: str) -> str:
    shape = "Diverging scale centred at zero" if job.signed else "Scale from zero"
    return (
        f"Raw values, the margin being the logit of {job.target_class} minus the mean of the other logits. "
        f"{shape}, the same for all maps here: its end is the {job.recipe.percentile:g}th percentile of "
        f"|value| over {values}; larger values are clipped. Opacity grows with |value|. {_outline_words(job)}"
    )


def _outline_words(job: HeatmapJob) -> str:
    if not bool(job.tiles.annotation_mask.any()):
        return "No outline was given for this slide."
    return "Black line: the annotated outline, thin where it follows the edge of the tiles."
