"""One map over its slide, pixel for pixel with the thumbnail, with a legend under it."""

import numpy as np

from tasks.heatmaps.colour import Rgb, paint_attribution, paint_probability
from tasks.heatmaps.legend import attribution_legend, probability_legend
from tasks.heatmaps.page import SOFT, Frame, Page
from tasks.heatmaps.view import CheckpointView, SlideView

MARGIN = 16
HEAD = 52
"""Pixels left of the picture and above it: thumbnail pixel (x, y) is page pixel (MARGIN + x, HEAD + y)."""

_FOOT = 136
_LEAST_WIDTH = 560


def attribution_overlay(view: SlideView, item: CheckpointView) -> Rgb:
    """Return uint8 [h, w, 3], the thumbnail with the attribution map of ``item`` on the common scale."""
    job = view.job
    return paint_attribution(
        view.thumbnail, item.attribution, view.limit, job.recipe.opacity, signed=job.signed
    )


def attribution_page(view: SlideView, item: CheckpointView) -> Page:
    """Draw the attribution overlay of one checkpoint."""
    page = _page(view, attribution_overlay(view, item), _title(view, item, view.job.explainer))
    box = (MARGIN, HEAD + view.thumbnail.shape[0] + 14, page.width - 2 * MARGIN, _FOOT)
    attribution_legend(page, box, view.job, view.limit, drawn_values(view))
    return page


def probability_page(view: SlideView, item: CheckpointView) -> Page:
    """Draw the probability overlay of one checkpoint."""
    image = paint_probability(view.thumbnail, item.probability)
    page = _page(view, image, _title(view, item, "prediction"))
    box = (MARGIN, HEAD + view.thumbnail.shape[0] + 14, page.width - 2 * MARGIN, _FOOT)
    probability_legend(page, box, view.job)
    return page


def draw_outlines(frame: Frame, view: SlideView) -> None:
    """Draw the annotated outlines black with a white edge, seen on any colour; thin along tile edges."""
    for line in view.outlines.closed:
        frame.line(line, width=0.7, halo=0.5)
    for line in view.outlines.known:
        frame.line(line, width=1.6, halo=1.2)


def draw_scale_bar(frame: Frame, view: SlideView) -> None:
    """Draw a bar of a round number of micrometres in the lower left corner."""
    height, width = view.thumbnail.shape[:2]
    um_per_pixel = view.geometry.thumbnail_downsample_x * view.geometry.mpp
    length = _round_length(0.2 * width * um_per_pixel)
    left, y = 0.02 * width, height - 9 / frame.scale_y
    frame.line(np.array([[left, y], [left + length / um_per_pixel, y]]), width=4, halo=2)
    words = f"{length:g} µm" if length < 1000 else f"{length / 1000:g} mm"
    frame.text(left, y - 20 / frame.scale_y, words, 12)


def drawn_values(view: SlideView) -> str:
    """Say which values the colour limit was taken over."""
    pixel = view.geometry.thumbnail_downsample_x * view.geometry.mpp
    count = len(view.checkpoints)
    smoothing = view.job.recipe.smoothing_um
    words = f", then smoothed by a Gaussian of {smoothing:g} µm" if smoothing else ""
    return f"the {count} maps of this slide as drawn (averaged to pixels of {pixel:.3g} µm{words})"


def _round_length(longest: float) -> float:
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest))


def _title(view: SlideView, item: CheckpointView, what: str) -> tuple[str, str]:
    below = f"slide score {item.score:.3f} for {view.job.target_class}"
    return f"{view.slide_id} · {what} · {item.checkpoint.place.words}", below


def _page(view: SlideView, image: Rgb, title: tuple[str, str]) -> Page:
    height, width = image.shape[:2]
    page = Page(max(width, _LEAST_WIDTH) + 2 * MARGIN, HEAD + height + _FOOT)
    page.text(MARGIN, 9, title[0], 15)
    page.text(MARGIN, 30, title[1], 12, SOFT)
    frame = page.picture((MARGIN, HEAD, width, height), image)
    draw_outlines(frame, view)
    draw_scale_bar(frame, view)
    return page
