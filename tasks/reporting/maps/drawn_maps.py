"""What is drawn on a slide: maps of the pixels of its tiles, or one value per tile, painted on its square."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.tile_scores import TileScores


class DrawnMaps(Protocol):
    """Maps of tiles, whatever their resolution: a frozen dataclass that remembers what it has read."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def index(self) -> pd.DataFrame:
        """One row per map, with tile_id."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the values."""
        ...

    @property
    def logits(self) -> NDArray[np.float64]:
        """[N, K] logits of the tiles; K is 0 where no model was asked about single tiles."""
        ...

    def maps(self, rows: slice | None = None) -> NDArray[np.float32]:
        """Return float32 [n, H, W], all or a slice of them."""
        ...


@dataclass(frozen=True)
class PaintedTiles:
    """The scores of one slide's tiles as maps of one pixel, so that its whole square has the value of a tile.

    Tiles without a value have no map.

    Attributes:
        scores: of all slides of a model.
        slide: the slide.
    """

    scores: TileScores
    slide: str

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per tile that has a value."""
        table = self.scores.table(self.slide)
        known: pd.DataFrame = table[np.isfinite(table["value"].to_numpy())]
        return known.reset_index(drop=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the values of all slides."""
        return self.scores.notes

    @property
    def logits(self) -> NDArray[np.float64]:
        """[N, 0]: the model was asked about the slide."""
        return np.empty((len(self.index), 0))

    def maps(self, rows: slice | None = None) -> NDArray[np.float32]:
        """Return float32 [n, 1, 1]."""
        values = self.index["value"].to_numpy(dtype=np.float32)
        return values[rows or slice(None), None, None]
