"""Which samples a metric scores."""

from tasks.evidence.source import Opened
from tasks.evidence.sources import Rows
from tasks.faithfulness.base import Metric
from tasks.functional.sample import sampled

Selection = tuple[str, int | None]
"""(labels, tiles per slide): metrics with equal selections share their blocks and hence their passes."""


def selection_of(metric: Metric) -> Selection:
    """Return the selection of ``metric``."""
    return metric.labels, metric.tiles_per_slide


def select(opened: Opened, selection: Selection) -> Rows:
    """Return the rows to score, in table order.

    Only samples that are explained can be scored. A sample of them is the same in every run and for every
    explainer, and a smaller one lies within a larger one.
    """
    labels, most = selection
    rows = opened.explained
    if labels == "target":
        rows = rows[opened.labelled_as_explained(rows)]
    return rows[sampled(opened.sample_ids(rows), most)]
