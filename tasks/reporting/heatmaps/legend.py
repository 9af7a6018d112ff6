"""Legends: the colour bar, its ends, and the sentences under it."""

import numpy as np

from tasks.reporting.drawing.colour import paint_attribution, paint_probability
from tasks.reporting.drawing.page import SOFT, Box, Page, paragraph_height
from tasks.reporting.maps.job import HeatmapJob

_BAR_HEIGHT = 14
_WORDS_FROM = 62
_GREY_TISSUE = 190
Place = tuple[float, float, float]
"""Left, top and width in pixels; how high a legend is follows from its words."""


def legend_height(width: float, words: str) -> int:
    """Return how many pixels a legend of ``width`` takes."""
    return _WORDS_FROM + round(paragraph_height(words, width)) + 12


def attribution_legend(page: Page, place: Place, job: HeatmapJob, limit: float, words: str) -> None:
    """Draw the colour bar of attributions and the sentences that explain it.

    Args:
        page: where to draw.
        place: left, top and width.
        job: names the explainer, the class and the sign.
        limit: the value at the end of the scale.
        words: what the values and the scale are.
    """
    low = -limit if job.signed else 0.0
    ramp = np.linspace(low, limit, 256, dtype=np.float32)[None].repeat(2, axis=0)
    tissue = np.full((*ramp.shape, 3), _GREY_TISSUE, np.uint8)
    bar = paint_attribution(tissue, ramp, limit, job.recipe.opacity, signed=job.signed)
    ticks = [(-limit, f"\u2212{limit:.3g}"), (0.0, "0"), (limit, f"{limit:.3g}")][0 if job.signed else 1 :]
    page.text(place[0], place[1], f"{job.explainer}: attribution to the {job.target_class} margin", 13)
    _bar(page, place, bar, [((at - low) / (limit - low), said) for at, said in ticks])
    _say(page, place, words)


def probability_legend(page: Page, place: Place, job: HeatmapJob, words: str) -> None:
    """Draw the colour bar of probabilities, always 0 to 1, and the sentences that explain it."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(2, axis=0)
    bar = paint_probability(np.full((*ramp.shape, 3), _GREY_TISSUE, np.uint8), ramp)
    page.text(place[0], place[1], f"predicted probability of {job.target_class}", 13)
    _bar(page, place, bar, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")])
    _say(page, place, words)


def _bar(page: Page, place: Place, bar: np.ndarray, ticks: list[tuple[float, str]]) -> None:
    width = min(place[2], 420)
    page.picture((place[0], place[1] + 22, width, _BAR_HEIGHT), bar, smooth=False)
    for where, words in ticks:
        shift = where * 7 * len(words)
        page.text(place[0] + where * width - shift, place[1] + 40, words, 12, SOFT)


def _say(page: Page, place: Place, words: str) -> None:
    box: Box = (place[0], place[1] + _WORDS_FROM, place[2], paragraph_height(words, place[2]))
    page.paragraph(box, words)
