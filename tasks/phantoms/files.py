"""Writing a phantom slide: pyramidal TIFF, GeoJSON outlines, PNG masks; with reproducible bytes."""

import json
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from shapely.geometry import Polygon, mapping

from tasks.phantoms.slide import Mask
from tasks.phantoms.stains import Rgb

TIFF_TILE = 256
SMALLEST_LEVEL = 400
"""Levels are added while the longer side is above this many pixels."""


def write_pyramid(path: Path, rgb: Rgb, mpp: float, quality: int) -> None:
    """Write a tiled JPEG TIFF whose levels halve; its resolution tags give ``mpp`` to OpenSlide."""
    level = rgb
    with tifffile.TiffWriter(path) as tiff:
        for number in range(32):
            scale = mpp * rgb.shape[1] / level.shape[1]
            tiff.write(
                level,
                tile=(TIFF_TILE, TIFF_TILE),
                photometric="rgb",
                subsampling=(2, 2),
                compression="jpeg",
                compressionargs={"level": quality},
                subfiletype=1 if number else 0,
                resolution=(1e4 / scale, 1e4 / scale),
                resolutionunit="CENTIMETER",
                metadata=None,
                software=False,
            )
            if max(level.shape[:2]) <= SMALLEST_LEVEL:
                return
            level = _halve(level)


def _halve(rgb: Rgb) -> Rgb:
    height, width = rgb.shape[0] // 2 * 2, rgb.shape[1] // 2 * 2
    blocks = rgb[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).astype(np.uint16)
    halved: Rgb = ((blocks.sum(axis=(1, 3)) + 2) // 4).astype(np.uint8)
    return halved


def write_mask(path: Path, mask: Mask) -> None:
    """Write a mask as a grey PNG of level-0 size: 255 on the mask, 0 elsewhere."""
    Image.fromarray(mask.astype(np.uint8) * 255).save(path, optimize=True)


def write_outlines(path: Path, nests: tuple[Polygon, ...]) -> None:
    """Write tumour nests as QuPath annotations in level-0 pixels, rounded to a hundredth."""
    features = [
        {
            "type": "Feature",
            "id": f"nest-{number}",
            "geometry": _rounded(nest),
            "properties": {
                "objectType": "annotation",
                "classification": {"name": "Tumor", "color": [200, 0, 0]},
            },
        }
        for number, nest in enumerate(nests, start=1)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, indent=1) + "\n", encoding="utf-8")


def _rounded(nest: Polygon) -> dict[str, object]:
    rings = [[[round(x, 2), round(y, 2)] for x, y in ring] for ring in mapping(nest)["coordinates"]]
    return {"type": "Polygon", "coordinates": rings}
