"""A slide of 1024 x 768 px at 0.5 um/px with tissue in its middle, and annotations of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.slides.reader import open_slide
from tasks.slides.row import SlideRow
from tasks.tiling.layout import lay_out
from tasks.tiling.recipe import TilingRecipe
from tasks.tiling.truth import Truth, look_up
from tests._support.slide_files import glass, with_tissue, write_slide

TISSUE = (256, 192, 768, 576)
LEFT_HALF = [[256, 192], [512, 192], [512, 576], [256, 576], [256, 192]]
"""The outline that covers 24 of the 48 tiles of 64 px on the tissue."""

RECIPE = TilingRecipe(mpp=0.5)
HALVES = {"tumour": 24, "normal": 24}


def write_slide_of_tissue(root: Path, tissue: tuple[int, int, int, int] = TISSUE) -> Path:
    """Write ``slide.tif`` with one box of tissue and a second level a quarter of the size."""
    return write_slide(root / "slide.tif", with_tissue(glass(1024, 768), tissue), ((256, 192),))


def feature(ring: list[list[float]], name: str | None = "Tumor", **properties: Any) -> dict[str, Any]:
    """Return a QuPath annotation."""
    own = {"objectType": "annotation", **({"classification": {"name": name}} if name is not None else {})}
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "geometry": geometry, "properties": {**own, **properties}}


def box(left: float, top: float, right: float, bottom: float) -> list[list[float]]:
    """Return the ring of a rectangle."""
    return [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]


def write_features(root: Path, *features: Mapping[str, Any]) -> str:
    """Write ``a.geojson`` and return its name."""
    (root / "a.geojson").write_text(json.dumps(list(features)))
    return "a.geojson"


def truth_of(root: Path, recipe: TilingRecipe = RECIPE, **cells: Any) -> Truth:
    """Return the truth of the tiles of a slide under ``root`` whose manifest row has these cells."""
    named = {"slide_id": "s", "patient_id": "p", "split": "train", "path": "slide.tif", **cells}
    row = SlideRow.model_validate(named)
    with open_slide(root / row.path, row.mpp) as slide:
        return look_up(row, root, slide.geometry, lay_out(slide, recipe, row.slide_id), recipe)


def counts_of(truth: Truth) -> dict[str, int]:
    """Return {label: how many tiles}."""
    return {label: truth.labels.count(label) for label in dict.fromkeys(truth.labels)}
