"""The summary of a tiled slide: the ``slide.json`` of its TileSet."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks.artifacts.tile_set import SLIDE
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


class TissueInfo(BaseModel):
    """How the tissue of a slide was found, and how sure it is.

    Attributes:
        rule: ``saturation``, or ``glass`` where tissue is what is denser than the glass around it.
        why: why this rule.
        density_threshold: optical density over glass above which a pixel is tissue by the rule ``glass``.
        glass_rgb: colour of the empty glass, 0 to 255 each; None where none was seen.
        fractions: {class: share of the slide} of tissue, pen, canvas, fold and blur.
        doubt: share of the tissue, and of what may be tissue, whose class is in doubt.
        doubts: {reason: such a share}; reasons may overlap.
        warnings: what else looks wrong, one sentence each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    why: str
    density_threshold: float | None
    glass_rgb: tuple[int, int, int] | None
    fractions: dict[str, float]
    doubt: float
    doubts: dict[str, float]
    warnings: tuple[str, ...]


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
        tissue: how the tissue was found; None in a summary written before it was noted.
        repaired_outlines: outlines that crossed themselves and were made valid.
        reader: which path read the file, ``direct`` or ``openslide``.
        reader_reason: why that one.
        levels_left_out: {level: why it is never read}.
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
    reader: str = ""
    reader_reason: str = ""
    levels_left_out: dict[int, str] = {}
    tissue: TissueInfo | None = None


def read_info(folder: Path) -> SlideInfo:
    """Return the summary in a TileSet's folder."""
    return SlideInfo.model_validate_json((folder / SLIDE).read_bytes())
