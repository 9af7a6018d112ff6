"""Where the surroundings of each tile lie, found by the tile's key."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.afresh import Afresh, afresh
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.explainers.base import ExplanationError
from tasks.functional.tile_keys import tile_keys


@dataclass(frozen=True)
class SurroundedIndex:
    """The N surrounded tiles of some slides: twenty bytes a tile, and one slide that is open.

    Attributes:
        slides: where the pixels lie.
        keys: int64 [N], the keys of the tiles in ascending order.
        numbers: int32 [N], the slide of each.
        rows: int64 [N], its row among the tiles of that slide.
    """

    slides: Sequence[SurroundedTiles]
    keys: NDArray[np.int64]
    numbers: NDArray[np.int32]
    rows: NDArray[np.int64]
    _opened: dict[int, SurroundedTiles] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, slides: Sequence[SurroundedTiles]) -> "SurroundedIndex":
        """Find the tiles of ``slides``, which are opened one after the other."""
        each = [tile_keys(slide.index["tile_id"].astype(str).tolist()).numpy() for slide in Afresh(slides)]
        keys = np.concatenate(each) if each else np.empty(0, np.int64)
        sizes = [len(own) for own in each]
        order = np.argsort(keys, kind="stable")
        numbers = np.repeat(np.arange(len(each), dtype=np.int32), sizes)
        rows = np.concatenate([np.arange(size) for size in sizes]) if sizes else np.empty(0, np.int64)
        return cls(slides, keys[order], numbers[order], rows[order])

    def pixels(self, keys: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the surrounded tiles uint8 [B, H + 2 halo, W + 2 halo, 3] of some keys, in their order.

        Raises:
            ExplanationError: the surroundings of a tile were not read.
        """
        places = np.searchsorted(self.keys, keys, side="right") - 1
        known = places >= 0
        known[known] = self.keys[places[known]] == keys[known]
        if not known.all():
            raise ExplanationError(f"the surroundings of the tile with key {keys[~known][0]} were not read")
        numbers, rows = self.numbers[places], self.rows[places]
        found = {int(n): self._of_slide(int(n), rows[numbers == n]) for n in np.unique(numbers)}
        shape = next(iter(found.values())).shape[1:]
        pixels = np.empty((len(keys), *shape), np.uint8)
        for number, own in found.items():
            pixels[numbers == number] = own
        return pixels

    def _of_slide(self, number: int, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        if number not in self._opened:
            # One slide at a time: whoever asks goes through them in order, and asks about a tile many times.
            self._opened.clear()
            self._opened[number] = afresh(self.slides[number])
        return np.array(self._opened[number].pixels[rows])
