"""The summary of a tiled slide: the ``slide.json`` of its TileSet."""

from pathlib import Path
from typing import Literal

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


LabelSource = Literal["outlines", "picture", "points", "list", "slide", "nothing"]
"""Where the labels of tiles come from: an annotation, points, a tile list, the label of the whole slide, or
nowhere."""


class AnnotationInfo(BaseModel):
    """What an annotation file holds, and how much of it lies on the slide and on tissue.

    Attributes:
        source: what the file holds.
        unit: what ``drawn``, ``on_slide`` and ``on_tissue`` count: square micrometres, or points.
        read: how many outlines or points were read; 1 for a picture.
        names: {name in the file: how many outlines or points}.
        left_out: {why: how many} of what was read and gives no label.
        drawn: {class: how much was drawn}, without the first class, which needs no outline. Of points also
            the first class, and as ``mixed`` those whose number lies between the classes.
        on_slide: the same, of what lies on the slide.
        on_tissue: the same, of what lies on tissue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["outline", "picture", "point"]
    unit: Literal["um2", "points"]
    read: int
    names: dict[str, int]
    left_out: dict[str, int]
    drawn: dict[str, float]
    on_slide: dict[str, float]
    on_tissue: dict[str, float]


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
        reader: which path read the file, ``direct``, ``openslide``, ``list`` or ``features``.
        reader_reason: why that one.
        levels_left_out: {level: why it is never read}.
        labels_from: where the labels come from.
        weak_labels: whether tiles have the label of the whole slide although that is not the first class, so
            that tiles without the class have it too.
        annotation: what the annotation or points file holds; None where the manifest names none.
        notes: sentences on what a person should look at before the labels are used.
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
    labels_from: LabelSource = "nothing"
    weak_labels: bool = False
    annotation: AnnotationInfo | None = None
    notes: tuple[str, ...] = ()


def read_info(folder: Path) -> SlideInfo:
    """Return the summary in a TileSet's folder."""
    return SlideInfo.model_validate_json((folder / SLIDE).read_bytes())
