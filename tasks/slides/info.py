"""The summary of a tiled slide: the ``slide.json`` of its TileSet."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.tile_set import SLIDE
from tasks.slides.choice import ReaderChoice
from tasks.slides.geometry import SlideGeometry


class SectionInfo(BaseModel):
    """One connected piece of tissue.

    Attributes:
        section: its number, from 1, rows from the top, each from the left.
        tiles: how many tiles lie on it.
        area_um2: tissue area in square micrometres.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: int
    tiles: int
    area_um2: float


class SlideInfo(BaseModel):
    """The summary of one TileSet.

    Attributes:
        slide_id: the slide's name in the manifest.
        geometry: sizes and scales of the slide.
        classes: the class names, in the order of class indices.
        sections: the pieces of tissue.
        counts: tiles per label; "" stands for no label, ``mixed`` for a tile that an outline crosses.
        failed_tiles: tiles that could not be read.
        saturation_threshold: HSV saturation from 0 to 1 above which a pixel is tissue.
        repaired_outlines: outlines that crossed themselves and were made valid.
        reader: how the slide was read and why, and the levels that were left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slide_id: str
    geometry: SlideGeometry
    classes: tuple[str, ...]
    sections: tuple[SectionInfo, ...]
    counts: dict[str, int]
    failed_tiles: int
    saturation_threshold: float
    repaired_outlines: int
    reader: ReaderChoice | None = None


def read_info(folder: Path) -> SlideInfo:
    """Return the summary in a TileSet's folder."""
    return SlideInfo.model_validate_json((folder / SLIDE).read_bytes())
