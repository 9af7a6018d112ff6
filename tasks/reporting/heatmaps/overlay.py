"""Overlays: one map on the thumbnail of its slide, pixel for pixel, with a legend."""

import numpy as np

from tasks.reporting.arrays import Rgb
from tasks.reporting.drawing.colour import paint_attribution, paint_probability
from tasks.reporting.drawing.page import SOFT, Page, PlacedPicture
from tasks.reporting.heatmaps.captions import attribution_caption, probability_caption, score_caption
from tasks.reporting.heatmaps.legend import LegendBox, attribution_legend, legend_height, probability_legend
from tasks.reporting.maps.view import CheckpointView, SlideView

MARGIN = 16
HEAD = 52
"""Pixels left of and above the picture: thumbnail pixel (x, y) is page pixel (MARGIN + x, HEAD + y)."""

_FOOT = 14
_LEAST_WIDTH = 560


def attribution_overlay(view: SlideView, item: CheckpointView) -> Rgb:
    """Return uint8 [h, w, 3]: the thumbnail under the attribution map of ``item`` on the common scale."""
    job = view.job
    return paint_attribution(
        view.thumbnail, item.attribution, view.limit, job.recipe.opacity, signed=job.signed
    )


def attribution_page(view: SlideView, item: CheckpointView) -> Page:
    """Draw the attribution overlay of one checkpoint."""
    words = attribution_caption(view, item)
    page, at = _page(view, item, view.job.explainer, attribution_overlay(view, item), words)
    attribution_legend(page, at, view.job, view.limit, words)
    return page


def probability_page(view: SlideView, item: CheckpointView) -> Page:
    """Draw the probability overlay of one checkpoint."""
    words = probability_caption(view)
    page, at = _page(view, item, "prediction", paint_probability(view.thumbnail, item.probability), words)
    probability_legend(page, at, view.job, words)
    return page


def draw_outlines(frame: PlacedPicture, view: SlideView) -> None:
    """Draw the annotated outlines in black with a white edge, visible on any colour, thin at tile edges."""
    for line in view.outlines.closed:
        frame.line(line, width=0.7, halo=0.5)
    for line in view.outlines.inside:
        frame.line(line, width=1.6, halo=1.2)


def draw_scale_bar(frame: PlacedPicture, view: SlideView) -> None:
    """Draw a scale bar of a round number of micrometres in the lower left corner."""
    height, width = view.thumbnail.shape[:2]
    um_per_pixel = view.geometry.thumbnail_downsample_x * view.geometry.mpp
    length = _round_length(0.2 * width * um_per_pixel)
    left, y = 0.02 * width, height - 9 / frame.scale_y
    frame.line(np.array([[left, y], [left + length / um_per_pixel, y]]), width=4, halo=2)
    words = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
    frame.text(left, y - 20 / frame.scale_y, words, 12)


def _round_length(longest: float) -> float:
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest))


def _page(view: SlideView, item: CheckpointView, what: str, image: Rgb, words: str) -> tuple[Page, LegendBox]:
    """Return a page that shows ``image``, and the box for its legend of ``words``."""
    height, width = image.shape[:2]
    across = max(width, _LEAST_WIDTH)
    page = Page(across + 2 * MARGIN, HEAD + height + _FOOT + legend_height(across, words))
    page.text(MARGIN, 9, f"{view.slide_id} · {what} · {item.checkpoint.model.words}", 15)
    page.text(MARGIN, 30, score_caption(view, item), 12, SOFT)
    frame = page.picture((MARGIN, HEAD, width, height), image)
    draw_outlines(frame, view)
    draw_scale_bar(frame, view)
    return page, (MARGIN, HEAD + height + _FOOT, across)
