"""Images and maps in memory, with the interface of tiles and stored maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.tile_set import MARKS, Mark

TISSUE = "tissue"
ANNOTATION = "annotation"
MASKS = (ANNOTATION, *MARKS, TISSUE)
"""What a mask may be: inside an outline of the explained class, on what the class rests on, on what only
looks like it, on what no explanation should rest on; and on tissue, everywhere unless it is given."""

IMAGES = "images"
"""The slide id of images in memory."""


@dataclass(frozen=True)
class ImagesInMemory:
    """N images that are scored as the tiles of one slide.

    ``images`` [N, 3, H, W] are uint8, or float32 in [0, 1]; ``targets`` int64 [N] are the explained classes,
    which are the labels too; ``keys`` [N] name the images and, with the seed of a metric, decide on its
    random draws; ``patients`` [N] are empty where none is named; ``masks`` are bool [N, H, W].
    """

    images: NDArray[Any]
    targets: NDArray[np.int64]
    keys: tuple[str, ...]
    patients: tuple[str, ...]
    masks: Mapping[str, NDArray[np.bool_]]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per image."""
        return pd.DataFrame(
            {
                "tile_id": list(self.keys),
                "slide_id": IMAGES,
                "patient_id": list(self.patients),
                "section": 0,
                "label": [str(target) for target in self.targets],
            }
        )

    @property
    def pixels(self) -> NDArray[Any]:
        """[N, H, W, 3], a view."""
        return np.moveaxis(self.images, 1, 3)

    @property
    def tissue_mask(self) -> NDArray[Any]:
        """Bool [N, H, W]; everywhere where no such mask was given."""
        given = self.masks.get(TISSUE)
        return np.broadcast_to(np.True_, self._shape) if given is None else given

    @cached_property
    def annotation_mask(self) -> NDArray[Any]:
        """int32 [N, H, W]: the explained class inside its outline, -1 elsewhere; 0 is a class like others."""
        given = self.masks.get(ANNOTATION)
        if given is None:
            return np.broadcast_to(np.int32(-1), self._shape)
        return np.where(given, self.targets.astype(np.int32)[:, None, None], np.int32(-1))

    @property
    def marks(self) -> dict[Mark, NDArray[Any]]:
        """Bool [N, H, W] for each mark that was given."""
        return {mark: self.masks[mark] for mark in MARKS if mark in self.masks}

    @property
    def tissue_colour(self) -> None:
        """Not known: it is computed from the images."""
        return None

    @property
    def usable(self) -> NDArray[np.intp]:
        """All of them."""
        return np.arange(len(self.keys))

    @property
    def _shape(self) -> tuple[int, int, int]:
        count, _, height, width = self.images.shape
        return count, height, width


@dataclass(frozen=True)
class MapsInMemory:
    """The maps float32 [N, H, W] of one explainer, in the order of the images.

    ``completeness`` float64 [N] is the sum of each map minus the margin that it should sum to; NaN where that
    is unknown, as for given maps.
    """

    images: ImagesInMemory
    values: NDArray[np.float32]
    completeness: NDArray[np.float64]

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per map."""
        return pd.DataFrame(
            {
                "tile_id": list(self.images.keys),
                "target": self.images.targets,
                "completeness_error": self.completeness,
            }
        )

    def maps(self, rows: slice | None = None) -> NDArray[np.float32]:
        """Return float32 [n, H, W], all or a slice of them."""
        return self.values[rows or slice(None)]
