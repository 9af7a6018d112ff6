"""Legends: a colour bar, its ticks and the sentences under it."""

import numpy as np

from tasks.reporting.drawing.colour import paint_attribution, paint_probability
from tasks.reporting.drawing.page import SOFT, Box, Page, paragraph_height
from tasks.reporting.maps.job import HeatmapJob

_BAR_HEIGHT = 14
_WORDS_FROM = 62
_GREY_TISSUE = 190
LegendBox = tuple[float, float, float]
"""Left, top and width in pixels; the height follows from the words."""


def legend_height(width: float, words: str) -> int:
    """Return the height in pixels of a legend of ``width``."""
    return _WORDS_FROM + round(paragraph_height(words, width)) + 12


def attribution_legend(page: Page, at: LegendBox, job: HeatmapJob, limit: float, words: str) -> None:
    """Draw the colour bar of attributions and the sentences that explain it.

    Args:
        page: where to draw.
        at: left, top and width.
        job: gives the explainer, the class and the sign.
        limit: value at the end of the scale.
        words: explanation of the values and the scale.
    """
    low = -limit if job.signed else 0.0
    ramp = np.linspace(low, limit, 256, dtype=np.float32)[None].repeat(2, axis=0)
    tissue = np.full((*ramp.shape, 3), _GREY_TISSUE, np.uint8)
    bar = paint_attribution(tissue, ramp, limit, job.recipe.opacity, signed=job.signed)
    ticks = [(-limit, f"\u2212{limit:.3g}"), (0.0, "0"), (limit, f"{limit:.3g}")][0 if job.signed else 1 :]
    page.text(at[0], at[1], _title(job), 13)
    _bar(page, at, bar, [((tick - low) / (limit - low), said) for tick, said in ticks])
    _say(page, at, words)


def _title(job: HeatmapJob) -> str:
    if job.class_free:
        return f"{job.explainer}: value of each tile, for no class"
    what = "attribution" if job.level == "tile" else "attribution of each tile"
    return f"{job.explainer}: {what} to the {job.target_class} margin"


def probability_legend(page: Page, at: LegendBox, job: HeatmapJob, words: str) -> None:
    """Draw the colour bar of probabilities, always 0 to 1, and the sentences that explain it."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(2, axis=0)
    bar = paint_probability(np.full((*ramp.shape, 3), _GREY_TISSUE, np.uint8), ramp)
    page.text(at[0], at[1], f"predicted probability of {job.target_class}", 13)
    _bar(page, at, bar, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")])
    _say(page, at, words)


def _bar(page: Page, at: LegendBox, bar: np.ndarray, ticks: list[tuple[float, str]]) -> None:
    width = min(at[2], 420)
    page.picture((at[0], at[1] + 22, width, _BAR_HEIGHT), bar, smooth=False)
    for where, words in ticks:
        shift = where * 7 * len(words)
        page.text(at[0] + where * width - shift, at[1] + 40, words, 12, SOFT)


def _say(page: Page, at: LegendBox, words: str) -> None:
    box: Box = (at[0], at[1] + _WORDS_FROM, at[2], paragraph_height(words, at[2]))
    page.paragraph(box, words)
