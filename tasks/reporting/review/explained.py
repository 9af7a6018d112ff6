"""Which tiles of a slide have a map of which model and explainer: the others were never explained."""

from typing import Any

import numpy as np

from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.review.codes import Codes, packed
from tasks.reporting.review.job import ReviewJob
from tasks.reporting.review.layers import Blobs


def explained_tiles(job: ReviewJob, slide: str) -> dict[str, Any]:
    """Return ``of``, [models][explainers] the number of a blob or -1 for no map at all, and ``blobs``.

    A blob holds one byte per tile: 1 where the tile has a map, 0 where it has none. Mostly all maps of a
    slide are of the same tiles, so there is one blob.
    """
    ids = job.slides[slide].table["tile_id"].astype(str).to_numpy()
    blobs = Blobs()
    of = []
    for model in job.models:
        maps = (job.maps.get((model, explainer.id, slide)) for explainer in job.explainers)
        of.append([-1 if own is None else blobs.add(packed(_has_map(ids, own))) for own in maps])
    return {"of": of, "blobs": list(blobs.texts)}


def _has_map(ids: "np.ndarray[Any, Any]", maps: DrawnMaps) -> Codes:
    return np.isin(ids, maps.index["tile_id"].astype(str).to_numpy()).astype(np.uint8)
