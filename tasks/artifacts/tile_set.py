"""TileSet: the tiles of one slide, one Parquet row each, with their pixels and masks.

Payload: ``tiles.parquet``, ``slide.json``, ``thumbnail.png``, ``grid.png``, ``tissue.png`` and the arrays
``pixels.npy`` uint8 [N, H, W, 3], ``tissue_mask.npy``, ``annotation_mask.npy`` and, where the manifest
names them, ``evidence_mask.npy``, ``decoy_mask.npy`` and ``artefact_mask.npy``, all uint8 [N, H, W]. The
annotation mask holds a class index, 0 where nothing was outlined; the others hold 0 or 1.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact

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
"""The file that holds each mark; there is one where the manifest names an image."""

COLUMNS = (
    "tile_id", "slide_id", "patient_id", "site", "split", "section", "x_level0", "y_level0",
    "extent_level0", "mpp", "tissue_fraction", "label", "state", "reason",
)  # fmt: skip
"""The columns of every tile table; ``coverage_<class>`` follow, one for each outlined class."""

MIXED = "mixed"
"""The label of a tile that an outline crosses: for localisation only, never for training."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class TileSet(Artifact):
    """A read-only view of one slide's tiles; arrays are memory-mapped and in the order of ``table``."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per tile, N rows, in the order of the arrays."""
        return pd.read_parquet(self.folder / TILES)

    @cached_property
    def pixels(self) -> Pixels:
        """uint8 [N, H, W, 3], RGB; a failed tile is white."""
        return self._array(PIXELS)

    @cached_property
    def tissue_mask(self) -> Pixels:
        """uint8 [N, H, W], 1 on tissue."""
        return self._array(TISSUE_MASK)

    @cached_property
    def annotation_mask(self) -> Pixels:
        """uint8 [N, H, W], class index, 0 where nothing was outlined."""
        return self._array(ANNOTATION_MASK)

    @cached_property
    def marks(self) -> dict[Mark, Pixels]:
        """uint8 [N, H, W] of 0 and 1 for each mark that the manifest names an image of."""
        return {mark: self._array(file) for mark, file in MARKS.items() if (self.folder / file).is_file()}

    @property
    def evidence_mask(self) -> Pixels | None:
        """uint8 [N, H, W], 1 on what the class rests on; None where the manifest names none."""
        return self.marks.get("evidence")

    @property
    def decoy_mask(self) -> Pixels | None:
        """uint8 [N, H, W], 1 on what only looks like the evidence; None where the manifest names none."""
        return self.marks.get("decoy")

    @property
    def artefact_mask(self) -> Pixels | None:
        """uint8 [N, H, W], 1 on pen, folds and the like; None where the manifest names none."""
        return self.marks.get("artefact")

    @property
    def usable(self) -> NDArray[np.intp]:
        """Row numbers of the tiles that could be read."""
        return np.flatnonzero((self.table["state"] == "ok").to_numpy())

    def _array(self, name: str) -> Pixels:
        array: Pixels = np.load(self.folder / name, mmap_mode="r", allow_pickle=False)
        return array
