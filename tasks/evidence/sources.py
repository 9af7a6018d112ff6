"""The sources of evidence: tiles, maps and anything else that can be scored, on disk or in memory."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.tile_array import TileArray
from tasks.artifacts.tile_set import Mark

Rows = NDArray[np.intp]
"""Row numbers of a table of samples."""


class EvidenceError(ValueError):
    """Tiles, maps and settings that do not match."""


class TileSource(Protocol):
    """N tiles as metrics look at them: a :class:`tasks.artifacts.tile_set.TileSet`, or images in memory."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per tile with at least tile_id, slide_id, patient_id, section and label."""
        ...

    @property
    def pixels(self) -> TileArray:
        """[N, H, W, 3], RGB: uint8, or floats in [0, 1]."""
        ...

    @property
    def tissue_mask(self) -> TileArray:
        """[N, H, W], above 0 on tissue."""
        ...

    @property
    def annotation_mask(self) -> TileArray:
        """[N, H, W], the class that an outline names."""
        ...

    @property
    def marks(self) -> Mapping[Mark, TileArray]:
        """[N, H, W] for each available mark, above 0 where it marks."""
        ...

    @property
    def tissue_colour(self) -> NDArray[np.float64] | None:
        """[3] in [0, 1]: the mean colour of the tissue of all usable tiles; None where it is not known."""
        ...

    @property
    def usable(self) -> Rows:
        """Row numbers of the tiles that can be scored, in order."""
        ...


class MapSource(Protocol):
    """Maps of an explainer: a :class:`tasks.artifacts.attributions.PixelMaps`, or some in memory."""

    @property
    def index(self) -> pd.DataFrame:
        """One row per map: tile_id, target and completeness_error."""
        ...

    def maps(self, rows: slice | None = None) -> NDArray[np.float32]:
        """Return float32 [n, H, W], all or a slice of them."""
        ...
