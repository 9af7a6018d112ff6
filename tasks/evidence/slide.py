"""One slide as metrics look at it: tiles, masks and the maps of each explainer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.attributions import HALO_SUM
from tasks.artifacts.tile_set import Mark
from tasks.evidence.sources import EvidenceError, MapSource, Rows, TileSource
from tasks.functional.pixels import spans, to_images

MaskName = Literal["annotation", Mark]
"""``annotation``: inside an outline of the explained class; ``evidence``: on what determines the label;
``decoy``: on what looks like it and is none; ``artefact``: on what no explanation should use."""

Against = Literal["rest", "decoy"]
"""What a mask is compared with: the rest of the tissue, or the decoys, which look like the evidence."""

_SPAN = 64
_UNIT_COLUMNS = ["tile_id", "slide_id", "patient_id", "section", "label"]


@dataclass(frozen=True)
class SlideEvidence:
    """One slide: its tiles and, for each explainer, the maps of its usable tiles, or of a sample of them.

    ``target`` is the explained class and ``target_class`` its name, or both hold one value per tile.
    """

    tiles: TileSource
    attributions: Mapping[str, MapSource]
    target: int | NDArray[np.int64]
    target_class: str | NDArray[np.str_]

    @property
    def slide_id(self) -> str:
        """The slide, for messages; empty where it has no tiles."""
        ids = self.tiles.table["slide_id"]
        return str(ids.iloc[0]) if len(ids) else ""

    @cached_property
    def usable(self) -> Rows:
        """Row numbers of the tiles that could be read, in order."""
        return self.tiles.usable

    @cached_property
    def explained(self) -> Rows:
        """Row numbers of the tiles that have a map, in order; all usable ones where there are no maps.

        Raises:
            EvidenceError: the maps are of other tiles, or in another order.
        """
        name = next(iter(self.attributions), None)
        if name is None:
            return self.usable
        held = self.attributions[name].index["tile_id"].astype(str)
        places = pd.Index(self.sample_ids(self.usable)).get_indexer(pd.Index(held))
        if (np.diff(places, prepend=-1) <= 0).any():
            raise EvidenceError(f"{self._name(name)} are not of the usable tiles in their order")
        return self.usable[places]

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """[N]: the class explained in each tile."""
        return np.broadcast_to(np.asarray(self.target, dtype=np.int64), len(self.tiles.table))

    def labelled_as_explained(self, rows: Rows) -> NDArray[np.bool_]:
        """Return bool [n]: whether the label of each tile is the class that is explained in it."""
        names = np.broadcast_to(np.asarray(self.target_class), len(self.tiles.table))
        return np.asarray(self.tiles.table["label"].to_numpy()[rows] == names[rows], dtype=np.bool_)

    def images(self, rows: Rows, device: torch.device) -> Tensor:
        """Return float32 [n, 3, H, W] in [0, 1] on ``device``."""
        pixels = self.tiles.pixels[rows]
        if pixels.dtype == np.uint8:
            return to_images(pixels, device)
        return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32).contiguous()

    def sample_ids(self, rows: Rows) -> list[str]:
        """Return the ids of some rows."""
        return [str(name) for name in self.tiles.table["tile_id"].iloc[rows]]

    def units(self, rows: Rows) -> pd.DataFrame:
        """Return one row per tile with unit, unit_id, slide_id, patient_id, section and label."""
        table = self.tiles.table[_UNIT_COLUMNS].iloc[rows]
        return table.assign(unit="tile", unit_id=table["tile_id"])

    def section_units(self, sections: tuple[int, ...]) -> pd.DataFrame:
        """Return one row per section with unit, unit_id, slide_id, patient_id, section and label."""
        patient = self.tiles.table["patient_id"].iloc[0] if sections else ""
        return pd.DataFrame({"section": list(sections)}, dtype="int64").assign(
            unit="section",
            unit_id=[f"{self.slide_id}/section_{section}" for section in sections],
            slide_id=self.slide_id,
            patient_id=patient,
            label="",
        )

    def maps(self, explainer_id: str, rows: Rows) -> NDArray[np.float32]:
        """Return float32 [n, H, W]; whole chunks are read one after the other, so memory stays bounded.

        Raises:
            EvidenceError: a map holds a value that is not finite, or differs in size from its tile.
        """
        self._aligned(explainer_id)
        stored, places = self.attributions[explainer_id], np.searchsorted(self.explained, rows)
        size = self.tiles.pixels.shape[1:3]
        maps = np.empty((len(rows), *size), dtype=np.float32)
        for chunk in np.unique(places // _SPAN):
            here = places // _SPAN == chunk
            read = stored.maps(slice(chunk * _SPAN, (chunk + 1) * _SPAN))
            if read.shape[1:] != size:
                raise EvidenceError(f"{self._name(explainer_id)} are {read.shape[1:]}; the tiles are {size}")
            maps[here] = read[places[here] - chunk * _SPAN]
        if not np.isfinite(maps).all():
            raise EvidenceError(f"{self._name(explainer_id)} hold values that are not finite")
        return maps

    def completeness_errors(self, explainer_id: str, rows: Rows) -> NDArray[np.float64]:
        """Return float64 [n], the sum of each map minus the margin it should sum to; NaN if unknown."""
        self._aligned(explainer_id)
        errors = self.attributions[explainer_id].index["completeness_error"].to_numpy(dtype=np.float64)
        return np.asarray(errors[np.searchsorted(self.explained, rows)])

    def halo_sums(self, explainer_id: str, rows: Rows) -> NDArray[np.float64]:
        """Return float64 [n], what the cut off part of each map sums to; 0 for maps without a halo."""
        self._aligned(explainer_id)
        index = self.attributions[explainer_id].index
        if HALO_SUM not in index:
            return np.zeros(len(rows))
        return np.asarray(index[HALO_SUM].to_numpy(dtype=np.float64)[np.searchsorted(self.explained, rows)])

    def mask(self, name: MaskName, rows: Rows) -> NDArray[np.bool_]:
        """Return bool [n, H, W] inside the named mask; all False where the slide has no such mask."""
        if name == "annotation":
            return np.asarray(self.tiles.annotation_mask[rows] == self.targets[rows, None, None])
        mask = self.tiles.marks.get(name)
        if mask is None:
            return np.zeros((len(rows), *self.tiles.pixels.shape[1:3]), dtype=np.bool_)
        return np.asarray(mask[rows] > 0)

    def tissue(self, rows: Rows) -> NDArray[np.bool_]:
        """Return bool [n, H, W] on tissue."""
        return np.asarray(self.tiles.tissue_mask[rows] > 0)

    @cached_property
    def tissue_colour(self) -> NDArray[np.float64]:
        """[3] in [0, 1]: the mean colour of the tissue pixels of all usable tiles; white where none."""
        if self.tiles.tissue_colour is not None:
            return self.tiles.tissue_colour
        total, count = np.zeros(3), 0
        white = 255.0 if self.tiles.pixels.dtype == np.uint8 else 1.0
        for span in spans(len(self.usable), _SPAN):
            rows = self.usable[span]
            pixels, tissue = self.tiles.pixels[rows], self.tissue(rows)
            # A product and a sum per channel: selecting the pixels takes ten times as long.
            total += [(pixels[..., channel] * tissue).sum(dtype=np.float64) for channel in range(3)]
            count += int(tissue.sum())
        return total / (white * count) if count else np.ones(3)

    def _aligned(self, explainer_id: str) -> None:
        if explainer_id in self._checked:
            return
        index = self.attributions[explainer_id].index
        if index["tile_id"].astype(str).tolist() != self.sample_ids(self.explained):
            first = next(iter(self.attributions))
            raise EvidenceError(f"{self._name(explainer_id)} are not of the tiles that {first!r} explains")
        wanted, found = self.targets[self.explained], index["target"].to_numpy()
        other = found != wanted
        if other.any():
            raise EvidenceError(
                f"{self._name(explainer_id)} explain class {found[other][0]}, not class {wanted[other][0]}"
            )
        self._checked.add(explainer_id)

    @cached_property
    def _checked(self) -> set[str]:
        return set()

    def _name(self, explainer_id: str) -> str:
        return f"the maps of {explainer_id!r} on slide {self.slide_id!r}"
