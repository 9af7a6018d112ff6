"""A small annotated slide and what tiling it gives."""

import json
from pathlib import Path

import numpy as np
import shapely
from PIL import Image

from tasks.slides.row import SlideRow
from tests._support.slide_files import glass, noise, with_tissue, write_slide

TISSUE = ((96, 96, 608, 608), (704, 96, 1216, 608), (96, 704, 608, 900))
OUTLINE = shapely.box(96, 96, 352, 608)


def write_cohort(root: Path, compression: str = "deflate") -> SlideRow:
    """Write a slide of 1280 x 960 px at 1 um/px with three pieces of tissue, an outline and evidence."""
    level0 = with_tissue(glass(1280, 960), *TISSUE)
    level0 = np.clip(level0.astype(int) + noise(1280, 960) % 9 - 4, 0, 255).astype(np.uint8)
    write_slide(root / "a.tiff", level0, ((640, 480), (320, 240)), mpp=1.0, compression=compression)
    feature = {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(OUTLINE),
        "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}},
    }
    (root / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    evidence = np.zeros((480, 640), dtype=np.uint8)
    evidence[100:110, 100:120] = 255
    Image.fromarray(evidence).save(root / "a.png")
    return SlideRow(
        slide_id="a",
        patient_id="p",
        path="a.tiff",
        split="train",
        annotation="a.geojson",
        evidence="a.png",
        site="north",
    )
