"""The recipe of stage ``tile``: all that may change a tile, its label or its pixels."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.artifacts.tile_set import MIXED
from tasks.slides.pixels import Resample
from tasks.tiling.label_recipes import MaskClasses, PointsRecipe

MOST_TILE_PX = 8192
"""Side in pixels of the largest tile: one of float32 is 0.8 GB, and no network takes more in one piece."""

IGNORED = "ignore"
"""The class of outlines that are ignored."""

Artefact = Literal["pen", "canvas", "fold", "blur"]
"""What is found on a slide beside tissue and glass."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Length = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class TilingRecipe(BaseModel):
    """How slides become tiles.

    Attributes:
        mpp: micrometres per tile pixel; never finer than the slide by more than ``max_enlargement``.
        tile_px: side of a tile in pixels.
        stride_px: from one tile to the next, in pixels; None puts them edge to edge.
        min_tissue: smallest share of tissue that a tile must hold.
        classes: class names by index; the first is what lies outside every outline.
        outline_classes: {name of an outline or a point: class, or ``ignore``}; "" is an outline without name.
            A name that is neither here nor a class is an error. Case and outer spaces do not matter.
        mask_classes: {value of a picture that annotates the slide: class, or ``ignore`` for no label}. A
            value is a number or a range with both ends, such as ``128-255``; one without a line is an error.
        points: how a table of labelled points gives labels to tiles.
        normal_below: a tile that outlines cover by less than this has the first class.
        class_above: a tile that one class covers by more than this has that class; between, it is ``mixed``.
        tissue_mpp: micrometres per pixel at which tissue is looked for.
        saturation_range: Otsu's threshold on HSV saturation is clipped to these; a lower upper limit keeps
            paler tissue.
        tissue_rule: ``saturation``: tissue is what is coloured; ``glass``: what is denser than the glass near
            it; ``auto``: the first, and the second where the first does not hold. ``slide.json`` says which.
        left_out: the artefacts that are no tissue.
        doubt_limit: a slide is named where a larger share of its tissue is in doubt.
        min_hole_um: holes in the tissue smaller than a disc of this diameter are filled.
        min_speck_um: pieces of tissue smaller than a disc of this diameter are dropped.
        section_gap_um: pieces of tissue nearer than this belong to one section.
        max_failed_tiles: the slide fails where a larger share of its tiles cannot be read.
        max_enlargement: how many times finer than the slide ``mpp`` may be.
        resample: how pixels become tile pixels where no level has ``mpp``: with Lanczos' filter, or to the
            mean of the ``area`` that a tile pixel covers, which is faster (docs/whole_slides.md).
        odd_sized: what becomes of a ready-made tile image that is smaller than most of its tile list:
            ``fail`` leaves it out with the reason, ``pad`` fills it up with white to the right and below.
        thumbnail_px: longer side of the thumbnail.
        keep: ``pixels`` stores the pixels of every tile (150 kB per tile of 224 px); with ``none`` they are
            read from the slide whenever they are needed, and held against the digest of each tile. It changes
            no number, and is no part of the recipe.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mpp: Annotated[float, Field(gt=0)]
    tile_px: Annotated[int, Field(ge=8, le=MOST_TILE_PX)] = 64
    stride_px: Annotated[int, Field(ge=1)] | None = None
    min_tissue: Fraction = 0.5
    classes: Annotated[tuple[Name, ...], Field(min_length=2)] = ("normal", "tumour")
    outline_classes: dict[str, str] = {}
    mask_classes: MaskClasses = {}
    points: PointsRecipe = PointsRecipe()
    normal_below: Fraction = 0.1
    class_above: Fraction = 0.9
    tissue_mpp: Annotated[float, Field(gt=0)] = 8.0
    saturation_range: tuple[Fraction, Fraction] = (0.05, 0.2)
    tissue_rule: Literal["auto", "saturation", "glass"] = "auto"
    left_out: tuple[Artefact, ...] = ("pen", "canvas")
    doubt_limit: Fraction = 0.1
    min_hole_um: Length = 60.0
    min_speck_um: Length = 100.0
    section_gap_um: Length = 60.0
    max_failed_tiles: Fraction = 0.05
    max_enlargement: Annotated[float, Field(ge=1)] = 1.25
    resample: Resample = "lanczos"
    odd_sized: Literal["fail", "pad"] = "fail"
    thumbnail_px: Annotated[int, Field(ge=64, le=8192)] = 1024
    keep: Literal["none", "pixels"] = "none"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.normal_below > self.class_above:
            raise ValueError(f"normal_below {self.normal_below} lies above class_above {self.class_above}")
        if self.saturation_range[0] > self.saturation_range[1]:
            raise ValueError(f"saturation_range {self.saturation_range} runs downwards")
        plain = {plain_name(name) for name in self.classes}
        if len(plain) != len(self.classes) or MIXED in plain or IGNORED in plain:
            raise ValueError(f"classes {self.classes} must differ, and none may be {MIXED!r} or {IGNORED!r}")
        self._refuse_strange_meanings()
        if len({plain_name(name) for name in self.outline_classes}) != len(self.outline_classes):
            raise ValueError("outline_classes names an outline twice; case and outer spaces do not matter")
        return self

    def _refuse_strange_meanings(self) -> None:
        meanings = [("outline", name, meant) for name, meant in self.outline_classes.items()]
        meanings += [("mask value", value, meant) for value, meant in self.mask_classes.items()]
        for what, name, meant in meanings:
            if meant not in (*self.classes, IGNORED):
                raise ValueError(f"{what} {name!r} means {meant!r}; allowed are {(*self.classes, IGNORED)}")
        strange = [name for name in self.points.value_classes if name not in self.classes]
        if strange:
            raise ValueError(f"points.value_classes names {strange[0]!r}; allowed are {self.classes}")

    @property
    def tile_um(self) -> float:
        """Side of a tile in micrometres."""
        return self.tile_px * self.mpp

    @property
    def stride_um(self) -> float:
        """From one tile to the next, in micrometres."""
        return (self.stride_px or self.tile_px) * self.mpp


def tiling_recipe(recipe: TilingRecipe) -> dict[str, Any]:
    """Return the plain JSON form of all that may change a tile: everything but what is kept of it."""
    # Studies of before ready-made tile images have no word on them, and keep their fingerprints.
    unsaid = {"keep"} if recipe.odd_sized == "pad" else {"keep", "odd_sized"}
    return recipe.model_dump(mode="json", exclude=unsaid)


def plain_name(name: str) -> str:
    """Return a name as names are compared: without case and outer spaces."""
    return name.strip().casefold()


def disc_um2(diameter_um: float) -> float:
    """Return the area of a disc in square micrometres."""
    return math.pi * diameter_um**2 / 4
