"""TileSet: the tiles of one slide, one Parquet row each; pixels and masks are made when they are asked for.

Payload: ``tiles.parquet``, ``slide.json``, ``thumbnail.png``, ``grid.png``, ``tissue.png`` and the masks of
:mod:`tasks.artifacts.tile_masks`. The table has ``pixels_crc32``, a digest of the pixels of each tile, with
which pixels are compared that are read from the slide again. A study may keep them: then ``pixels.npy`` holds
uint8 [N, H, W, 3]. A tile set may hold masks per tile in place of the slide's: ``tissue_mask.npy``,
``annotation_mask.npy``, ``evidence_mask.npy``, ``decoy_mask.npy``, ``artefact_mask.npy``, uint8 [N, H, W].
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.pixel_source import PixelSource, refuse_absent
from tasks.artifacts.tile_array import TileArray, stored_array
from tasks.artifacts.tile_masks import MASKS, TileMasks, read_masks

TILES = "tiles.parquet"
SLIDE = "slide.json"
PIXELS = "pixels.npy"
TISSUE_MASK = "tissue_mask.npy"
ANNOTATION_MASK = "annotation_mask.npy"
EVIDENCE_MASK = "evidence_mask.npy"
DECOY_MASK = "decoy_mask.npy"
ARTEFACT_MASK = "artefact_mask.npy"

Mark = Literal["evidence", "decoy", "artefact"]
"""What an image of the whole slide marks: what the class rests on, what only looks like it, or what no
explanation should rest on."""

MARKS: dict[Mark, str] = {"evidence": EVIDENCE_MASK, "decoy": DECOY_MASK, "artefact": ARTEFACT_MASK}
"""The marks there can be, and the file of each in a tile set that holds masks per tile."""

COLUMNS = (
    "tile_id", "slide_id", "patient_id", "site", "split", "section", "x_level0", "y_level0",
    "extent_level0", "mpp", "tissue_fraction", "label", "state", "reason",
)  # fmt: skip
"""The columns of every tile table. ``pixels_crc32`` and a ``coverage_<class>`` per outlined class follow."""

CRC = "pixels_crc32"
"""The column with the CRC-32 of the pixels of each tile, uint32; 0 for a tile that could not be read."""

MIXED = "mixed"
"""The label of a tile that an outline crosses: for localisation only, never for training."""


@dataclass(frozen=True)
class TiledFacts:
    """What all tiles of a slide have in common.

    Attributes:
        slide_id: the slide; "" where there are no tiles.
        patients: its patient, as a set.
        split: its split in the manifest.
        resolutions: micrometres per tile pixel, as a set of one.
        count: how many tiles there are.
    """

    slide_id: str
    patients: frozenset[str]
    split: str
    resolutions: frozenset[float]
    count: int


@dataclass(frozen=True)
class TileSet(Artifact):
    """A read-only view of one slide's tiles; arrays are in the order of ``table``.

    Attributes:
        source: where pixels are read from that are not kept.
    """

    source: PixelSource | None = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, folder: Path, source: PixelSource | None = None) -> Self:
        """Return the view of a payload whose pixels, where it keeps none, come from ``source``."""
        return cls(folder, source)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per tile, N rows, in the order of the arrays."""
        return pd.read_parquet(self.folder / TILES)

    def columns(self, *names: str) -> pd.DataFrame:
        """Return some columns of the table. Nothing is kept, so that many slides can be looked through."""
        return pd.read_parquet(self.folder / TILES, columns=list(names))

    @cached_property
    def facts(self) -> TiledFacts:
        """What all tiles have in common, without the table."""
        table = self.columns("slide_id", "patient_id", "split", "mpp")
        slide, split = (str(table[name].iloc[0]) if len(table) else "" for name in ("slide_id", "split"))
        patients = frozenset(map(str, table["patient_id"].unique()))
        return TiledFacts(slide, patients, split, frozenset(map(float, table["mpp"].unique())), len(table))

    @property
    def keeps_pixels(self) -> bool:
        """Whether the pixels lie in the payload."""
        return (self.folder / PIXELS).is_file()

    @cached_property
    def pixels(self) -> TileArray:
        """uint8 [N, H, W, 3], RGB; a failed tile is white.

        Raises:
            NoPixelsError: none are kept, and the view was opened without their source.
        """
        if self.keeps_pixels:
            return stored_array(self.folder / PIXELS)
        if self.source is None:
            raise refuse_absent("the tiles", self.folder.name)
        return self.source.tile_pixels(self)

    @cached_property
    def tissue_mask(self) -> TileArray:
        """uint8 [N, H, W], 1 on tissue."""
        own = self._per_tile(TISSUE_MASK)
        return self._of_slide.tissue if own is None else own

    @cached_property
    def annotation_mask(self) -> TileArray:
        """uint8 [N, H, W], class index, 0 where nothing was outlined."""
        own = self._per_tile(ANNOTATION_MASK)
        return self._of_slide.annotation if own is None else own

    @cached_property
    def marks(self) -> dict[Mark, TileArray]:
        """uint8 [N, H, W] of 0 and 1 for each mark that the manifest names an image of."""
        return {mark: found for mark in MARKS if (found := self._mark(mark)) is not None}

    @property
    def evidence_mask(self) -> TileArray | None:
        """uint8 [N, H, W], 1 on what the class rests on; None where the manifest names none."""
        return self.marks.get("evidence")

    @property
    def decoy_mask(self) -> TileArray | None:
        """uint8 [N, H, W], 1 on what only looks like the evidence; None where the manifest names none."""
        return self.marks.get("decoy")

    @property
    def artefact_mask(self) -> TileArray | None:
        """uint8 [N, H, W], 1 on pen, folds and the like; None where the manifest names none."""
        return self.marks.get("artefact")

    @property
    def usable(self) -> NDArray[np.intp]:
        """Row numbers of the tiles that could be read."""
        return np.flatnonzero((self.table["state"] == "ok").to_numpy())

    @property
    def outlined(self) -> NDArray[np.bool_]:
        """[N], which tiles an outline touches at all, from the table alone."""
        covered = self.table.filter(regex=r"^coverage_").to_numpy(dtype=np.float64)
        return np.asarray((covered > 0).any(axis=1), dtype=np.bool_)

    @property
    def tissue_colour(self) -> NDArray[np.float64] | None:
        """[3] in [0, 1]: the mean colour of the tissue of all usable tiles; None where it was not stored."""
        return None if self._masks is None else np.array(self._masks.info.tissue_colour)

    def _mark(self, mark: Mark) -> TileArray | None:
        own = self._per_tile(MARKS[mark])
        if own is None and self._masks is not None:
            return self._masks.mark(mark)
        return own

    def _per_tile(self, name: str) -> TileArray | None:
        path = self.folder / name
        return stored_array(path) if path.is_file() else None

    @property
    def _of_slide(self) -> TileMasks:
        if self._masks is None:
            raise FileNotFoundError(f"{self.folder.name} holds no masks of its slide ({MASKS})")
        return self._masks

    @cached_property
    def _masks(self) -> TileMasks | None:
        if not (self.folder / MASKS).is_file():
            return None
        return read_masks(self.folder, self.columns("x_level0", "y_level0", "extent_level0"))
