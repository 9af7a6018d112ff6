"""The raw map of one model as a pyramidal OME-TIFF that viewers can overlay on the slide.

Format: Open Microscopy Environment, OME-TIFF 6.0 (sub-resolutions in SubIFDs), schema 2016-06.
"""

import hashlib
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from tasks.reporting.maps.canvas import MapCanvas
from tasks.reporting.maps.mean_downsample import mean_downsample
from tasks.reporting.maps.stitch import stitch, stitch_attributions
from tasks.reporting.maps.view import CheckpointView, SlideView

_TILE = 256
_SMALLEST_PX = 512
"""The pyramid ends with the first level whose sides are at most this long."""
_BIG = 1 << 31
_PLACE = "veritile/place-on-slide"


def write_ome_tiff(view: SlideView, item: CheckpointView, path: Path) -> None:
    """Write the raw attributions (channel 0) and the target probability (channel 1) as float32.

    The finest level is the raw mosaic on ``view.canvas``, bit for bit: not smoothed, not rescaled, NaN
    outside of tiles. NaN pads it on the right and at the bottom, so that every level is exactly half as long
    as the one before. A pixel of a coarser level is the mean of its finer pixels that hold a value.
    Compression is deflate without a predictor, the only one for floats that most readers support.
    """
    canvas = view.canvas
    target = item.evaluated.probabilities[:, view.job.target]
    planes = np.stack(
        [
            stitch_attributions(canvas, item.tiles, item.checkpoint.attributions),
            stitch(canvas, item.evaluated.tiles, target[:, None, None]),
        ]
    )
    levels = pyramid(planes)
    with tifffile.TiffWriter(path, ome=True, bigtiff=levels[0].nbytes > _BIG) as file:
        for number, level in enumerate(levels):
            file.write(
                level,
                tile=(_TILE, _TILE),
                photometric="minisblack",
                compression="zlib",
                software="veritile",
                subifds=None if number else len(levels) - 1,
                subfiletype=1 if number else 0,
                metadata=None if number else _metadata(view, item, levels[0]),
            )


def pyramid(planes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return ``planes`` [C, H, W], padded with NaN, and copies of it that are halved again and again."""
    halvings = int(max(0, np.ceil(np.log2(max(planes.shape[1:]) / _SMALLEST_PX))))
    rest = [(0, -size % 2**halvings) for size in planes.shape[1:]]
    levels = [np.pad(planes, ((0, 0), *rest), constant_values=np.nan)]
    for _ in range(halvings):
        levels.append(np.stack([mean_downsample(plane, 2) for plane in levels[-1]]))
    return levels


def _metadata(view: SlideView, item: CheckpointView, planes: NDArray[np.float32]) -> dict[str, Any]:
    """Return the OME-XML entries. The UUID is a hash of the content, not random, so that bytes repeat."""
    job, canvas, geometry = view.job, view.canvas, view.geometry
    left, top = geometry.level0_to_um(canvas.left, canvas.top)
    across, down = geometry.level0_to_um(canvas.step_x, canvas.step_y)
    name = f"{view.slide_id} {job.explainer} {item.checkpoint.name}"
    content = hashlib.sha256(name.encode())
    content.update(planes.tobytes())
    return {
        "UUID": str(uuid.UUID(bytes=content.digest()[:16])),
        "Creator": "veritile",
        "axes": "CYX",
        "Name": name,
        "Description": _description(view),
        "PhysicalSizeX": across,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": down,
        "PhysicalSizeYUnit": "µm",
        "Channel": {"Name": [f"attribution {job.explainer}", f"probability of {job.target_class}"]},
        "Plane": {
            "PositionX": [left, left],
            "PositionXUnit": ["µm", "µm"],
            "PositionY": [top, top],
            "PositionYUnit": ["µm", "µm"],
        },
        "MapAnnotation": {"Namespace": _PLACE, "Value": _place(view, canvas)},
    }


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
    return (
        f"Channel 0: raw attribution of {job.explainer} to the {job.target_class} margin (its logit minus "
        f"the mean of the others), {view.mapped} of {view.usable} tiles. Channel 1: predicted probability of "
        f"{job.target_class}. Overlapping tiles are averaged by area; NaN outside of tiles. Pixel (column, "
        f"row) of the finest level covers level-0 x from {canvas.left!r} + column * {canvas.step_x!r} and y "
        f"from {canvas.top!r} + row * {canvas.step_y!r} of the slide. QuPath counts from the corner of the "
        f"scanned area, ({view.geometry.bounds_x!r}, {view.geometry.bounds_y!r}). Plane positions are those "
        "of the upper left corner from the slide's."
    )
