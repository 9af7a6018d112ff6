"""The raw map of one model as a pyramidal OME-TIFF that viewers can overlay on the slide.

Format: Open Microscopy Environment, OME-TIFF 6.0 (sub-resolutions in SubIFDs), schema 2016-06.
"""

import hashlib
import math
import uuid
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tasks.reporting.arrays import RawMap
from tasks.reporting.exports.pyramid import TILE, Pyramid, PyramidShape
from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.stripes import stripes
from tasks.reporting.maps.view import CheckpointView, SlideView

_BIG = 1 << 31
_PLACE = "veritile/place-on-slide"


def write_ome_tiff(view: SlideView, item: CheckpointView, path: Path) -> None:
    """Write the raw attributions (channel 0) and the target probability (channel 1) as float32.

    Where the model was asked about the slide, tiles have no probability, and there is no channel 1.

    The finest level is the raw mosaic on ``view.canvas``, bit for bit: not smoothed, not rescaled, NaN
    outside of tiles. NaN pads it on the right and at the bottom, so that every level is exactly half as long
    as the one before. A pixel of a coarser level is the mean of its finer pixels that hold a value.
    Compression is deflate without a predictor, the only one for floats that most readers support. Memory
    holds a stripe of the map; coarser levels wait in temporary files beside ``path``.
    """
    shape = PyramidShape(view.canvas.height, view.canvas.width)
    channels = _channels(view)
    big = 4 * len(channels) * math.prod(shape.levels[0]) > _BIG
    with Pyramid(shape, path.parent) as pyramid, tifffile.TiffWriter(path, ome=True, bigtiff=big) as file:
        for number, (height, width) in enumerate(shape.levels):
            finest = chain.from_iterable(map(pyramid.finest, _planes(view, item, shape.stripe)))
            file.write(
                pyramid.coarser(number) if number else finest,
                shape=(len(channels), height, width),
                dtype=np.float32,
                tile=(TILE, TILE),
                photometric="minisblack",
                compression="zlib",
                software="veritile",
                subifds=None if number else shape.halvings,
                subfiletype=1 if number else 0,
                metadata=None if number else _metadata(view, item),
                # More would hold hundreds of megabytes of squares that wait for their compression.
                maxworkers=1,
            )


def _channels(view: SlideView) -> list[str]:
    first = f"attribution {view.job.explainer}"
    return [first] if view.job.level == "slide" else [first, f"probability of {view.job.target_class}"]


def _planes(view: SlideView, item: CheckpointView, height: int) -> Iterator[Iterator[RawMap]]:
    """Yield the stripes of each channel."""
    yield stripes(view.canvas, item.tiles, item.checkpoint.attributions.maps, height)
    if view.job.level == "slide":
        return
    probability = item.evaluated.probabilities[:, view.job.target, None, None]
    yield stripes(view.canvas, item.evaluated.tiles, probability.__getitem__, height)


def _metadata(view: SlideView, item: CheckpointView) -> dict[str, Any]:
    """Return the OME-XML entries. The UUID is a hash of what is shown, not random, so that bytes repeat."""
    job, canvas, geometry = view.job, view.canvas, view.geometry
    left, top = geometry.level0_to_um(canvas.left, canvas.top)
    across, down = geometry.level0_to_um(canvas.step_x, canvas.step_y)
    name, channels = f"{view.slide_id} {job.explainer} {item.checkpoint.name}", _channels(view)
    return {
        "UUID": str(_identifier(view, item, name)),
        "Creator": "veritile",
        "axes": "CYX",
        "Name": name,
        "Description": _description(view),
        "PhysicalSizeX": across,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": down,
        "PhysicalSizeYUnit": "µm",
        "Channel": {"Name": channels},
        "Plane": {
            "PositionX": [left] * len(channels),
            "PositionXUnit": ["µm"] * len(channels),
            "PositionY": [top] * len(channels),
            "PositionYUnit": ["µm"] * len(channels),
        },
        "MapAnnotation": {"Namespace": _PLACE, "Value": _place(view, canvas)},
    }


def _identifier(view: SlideView, item: CheckpointView, name: str) -> uuid.UUID:
    """Return a hash of the name, the canvas, the maps (by their index, which holds their sums) and answers.

    The head of the file holds it, and the maps themselves are not read before they are written.
    """
    index = item.checkpoint.attributions.index
    content = hashlib.sha256(f"{name} {view.canvas.model_dump_json()}".encode())
    content.update(index.to_json(orient="split", double_precision=15).encode())
    content.update(np.ascontiguousarray(item.evaluated.probabilities).tobytes())
    return uuid.UUID(bytes=content.digest()[:16])


def _place(view: SlideView, canvas: MapCanvas) -> dict[str, str]:
    numbers = {
        "level0_left": canvas.left,
        "level0_top": canvas.top,
        "level0_step_x": canvas.step_x,
        "level0_step_y": canvas.step_y,
        "qupath_left": canvas.left - view.geometry.bounds_x,
        "qupath_top": canvas.top - view.geometry.bounds_y,
        "width": canvas.width,
        "height": canvas.height,
    }
    return {name: f"{value!r}" for name, value in numbers.items()}


def _description(view: SlideView) -> str:
    job, canvas = view.job, view.canvas
    second = "" if job.level == "slide" else f" Channel 1: predicted probability of {job.target_class}."
    of = (
        ""
        if job.class_free
        else f" to the {job.target_class} margin (its logit minus the mean of the others)"
    )
    return (
        f"Channel 0: raw attribution of {job.explainer}{of}, {view.mapped} of {view.usable} "
        f"tiles.{second} Overlapping tiles are averaged by area; NaN outside of tiles. Pixel (column, "
        f"row) of the finest level covers level-0 x from {canvas.left!r} + column * {canvas.step_x!r} and y "
        f"from {canvas.top!r} + row * {canvas.step_y!r} of the slide. QuPath counts from the corner of the "
        f"scanned area, ({view.geometry.bounds_x!r}, {view.geometry.bounds_y!r}). Plane positions are those "
        "of the upper left corner from the slide's."
    )
