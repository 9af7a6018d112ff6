"""The validation tiles of a search for sigma."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.artifacts.tile_set import TileSet
from tasks.calibration.errors import SigmaSearchError
from tasks.functional.sample import sampled


@dataclass(frozen=True)
class LabelledPixels:
    """uint8 pixels [N, H, W, 3] and class indices int64 [N]."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def counts(self, classes: Sequence[str]) -> dict[str, int]:
        """Return the number of tiles of each class."""
        return {name: int((self.labels == place).sum()) for place, name in enumerate(classes)}


def labelled_pixels(tile_sets: Sequence[TileSet], classes: Sequence[str], most: int) -> LabelledPixels:
    """Return at most ``most`` readable tiles labelled with a class, in equal numbers per class.

    Equal numbers keep a rare class from having a few tiles only, which would move balanced accuracy in large
    steps. Within a class the tiles with the lowest keys are taken.

    Raises:
        SigmaSearchError: fewer than two classes have such tiles.
    """
    rows = pd.concat([_rows(place, tiles) for place, tiles in enumerate(tile_sets)], ignore_index=True)
    share = max(1, most // len(classes))
    taken = [_lowest(rows[rows["label"] == name], share) for name in classes]
    found = [name for name, part in zip(classes, taken, strict=True) if len(part)]
    if len(found) < 2:
        raise SigmaSearchError(
            f"the validation tiles bear labels of {' and '.join(found) or 'no class'}; a calibration needs "
            f"tiles of at least two of the classes {', '.join(classes)}"
        )
    chosen = pd.concat(taken, ignore_index=True)
    pixels = [tile_sets[place].pixels[row] for place, row in zip(chosen["set"], chosen["row"], strict=True)]
    labels = [list(classes).index(label) for label in chosen["label"]]
    return LabelledPixels(np.stack(pixels), np.array(labels, np.int64))


def _rows(place: int, tiles: TileSet) -> pd.DataFrame:
    usable = tiles.usable
    return tiles.table.iloc[usable][["tile_id", "label"]].assign(set=place, row=usable)


def _lowest(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    return rows.iloc[sampled(rows["tile_id"].astype(str).tolist(), most)]
