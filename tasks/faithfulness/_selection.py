"""Which tiles of a slide a metric scores."""

import numpy as np

from tasks.faithfulness._evidence import Rows, SlideEvidence
from tasks.faithfulness.base import Metric
from tasks.functional.tile_keys import tile_keys

Selection = tuple[str, int | None]
"""(labels, tiles a slide): metrics with equal selections share their blocks and hence their passes."""


def selection_of(metric: Metric) -> Selection:
    """Return what decides on the tiles of ``metric``."""
    return metric.labels, metric.tiles_per_slide


def select(slide: SlideEvidence, selection: Selection) -> Rows:
    """Return the rows to score, in table order.

    A sample takes the tiles with the lowest keys: it is the same in every run and for every explainer, and
    a smaller one lies within a larger one.
    """
    labels, most = selection
    rows = slide.usable
    if labels == "target":
        rows = rows[(slide.tiles.table["label"].iloc[rows] == slide.target_class).to_numpy()]
    if most is None or len(rows) <= most:
        return rows
    keys = tile_keys(slide.tile_ids(rows)).numpy()
    return np.sort(rows[np.argsort(keys, kind="stable")[:most]])
