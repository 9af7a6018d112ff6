"""Which tiles of a slide a metric scores."""

from tasks.evidence.slide import SlideEvidence
from tasks.evidence.sources import Rows
from tasks.faithfulness.base import Metric
from tasks.functional.sample import sampled

Selection = tuple[str, int | None]
"""(labels, tiles per slide): metrics with equal selections share their blocks and hence their passes."""


def selection_of(metric: Metric) -> Selection:
    """Return the selection of ``metric``."""
    return metric.labels, metric.tiles_per_slide


def select(slide: SlideEvidence, selection: Selection) -> Rows:
    """Return the rows to score, in table order.

    Only tiles that are explained can be scored. A sample of them is the same in every run and for every
    explainer, and a smaller one lies within a larger one.
    """
    labels, most = selection
    rows = slide.explained
    if labels == "target":
        rows = rows[slide.labelled_as_explained(rows)]
    return rows[sampled(slide.tile_ids(rows), most)]
