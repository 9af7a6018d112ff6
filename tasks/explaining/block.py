"""Some tiles of one slide explained by one explainer: their maps as they are stored, and their index rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.artifacts.attributions import HALO_SUM, MAP_SCALE, MapDtype
from tasks.artifacts.surrounded_tiles import SurroundedTiles
from tasks.artifacts.tile_set import TileSet
from tasks.explainers.base import ExplanationError
from tasks.explaining.batch import BatchExplainer
from tasks.explaining.progress import AnyMaps
from tasks.functional.half_maps import half_maps
from tasks.functional.halo import middle
from tasks.functional.pixels import channels_last_images, forward_in_batches
from tasks.functional.tile_keys import tile_keys


@dataclass(frozen=True)
class AttributionSettings:
    """What is explained of a slide, how it is stored, and resources.

    ``target`` is the explained class; ``tiles_per_slide`` the largest number of tiles (None: all);
    ``surrounded`` the tiles with what surrounds them (None explains the bare tiles). Resources are the images
    in flight and the device of the model.
    """

    target: int
    batch: int = 64
    device: str = "cpu"
    tiles_per_slide: int | None = None
    surrounded: SurroundedTiles | None = None
    map_dtype: MapDtype = "float32"


class NoNetwork(nn.Module):
    """Stands where a network would: the maps of a blind control are of no model."""

    def forward(self, images: Tensor) -> Tensor:
        """Refuse to answer.

        Raises:
            ExplanationError: always.
        """
        raise ExplanationError("a blind control asked a network; its class attribute blind must be False")


@dataclass(frozen=True)
class ReadTiles:
    """The pixels of some tiles as they were read, uint8 [n, H, W, 3], and with their surroundings."""

    pixels: Tensor
    surrounded: Tensor | None


@dataclass(frozen=True)
class SlideJob:
    """What is to be done on one slide; ``rows`` are those of the explained tiles in the table."""

    model: nn.Module
    explaining: BatchExplainer
    tiles: TileSet
    rows: NDArray[np.intp]
    settings: AttributionSettings
    halo_px: int

    def names(self, span: slice) -> list[str]:
        """Return the ids of some tiles."""
        return [str(name) for name in self.tiles.table["tile_id"].iloc[self.rows[span]]]

    def read(self, span: slice) -> ReadTiles:
        """Read some tiles; called by the thread that reads ahead."""
        around = self.settings.surrounded
        larger = self._held(around.pixels[span]) if around is not None and self.halo_px else None
        return ReadTiles(self._held(self.tiles.pixels[self.rows[span]]), larger)

    def images(self, pixels: Tensor) -> Tensor:
        """Return float32 [n, 3, H, W] in [0, 1] on the device."""
        # Bytes cross to the device, floats are made there: a quarter of the traffic.
        there = pixels.to(torch.device(self.settings.device), non_blocking=True)
        return channels_last_images(there).contiguous()

    def _held(self, pixels: NDArray[np.uint8]) -> Tensor:
        # A copy of what is mapped only: what was decoded is already in memory.
        held = torch.from_numpy(np.require(pixels, requirements=["C", "W"]))
        # From pinned memory the copy to a GPU runs beside the model.
        return held.pin_memory() if torch.device(self.settings.device).type == "cuda" else held


def explain_block(job: SlideJob, span: slice, read: ReadTiles) -> tuple[AnyMaps, pd.DataFrame]:
    """Return the maps [n, H, W] of the tiles ``span`` as they are stored, and their rows of the index.

    Raises:
        ExplanationError: the maps are not finite, or of another shape than the tiles.
    """
    names = job.names(span)
    images = job.images(read.pixels)
    shown = images if read.surrounded is None else job.images(read.surrounded)
    targets = torch.full((len(names),), job.settings.target, dtype=torch.int64, device=images.device)
    maps = job.explaining.maps(shown, targets, tile_keys(names).to(images.device))
    kept = middle(_checked(maps, shown, names), job.halo_px)
    # One table of all columns at the end: each that is added alone takes as long as some maps.
    columns: dict[str, object] = {"tile_id": names, "target": job.settings.target}
    logits = None
    if not job.explaining.explainer.blind:
        logits = forward_in_batches(job.model, images, job.settings.batch)
        for number, values in enumerate(logits.double().cpu().numpy().T):
            columns[f"logit_{number}"] = values
    own = logits if job.explaining.network is job.model and shown is images else None
    # Of the whole map: only that sums to the margin which is explained.
    errors = job.explaining.completeness_errors(shown, targets, maps, own)
    columns["completeness_error"] = errors.cpu().numpy()
    columns["map_sum"] = _sums(maps).cpu().numpy()
    if job.halo_px:
        columns[HALO_SUM] = (_sums(maps) - _sums(kept)).cpu().numpy()
    if job.settings.map_dtype == "float32":
        return kept.float().cpu().numpy(), pd.DataFrame(columns)
    half, scale = half_maps(kept)
    return half.cpu().numpy(), pd.DataFrame({**columns, MAP_SCALE: scale.cpu().numpy()})


def _sums(maps: Tensor) -> Tensor:
    return maps.double().flatten(1).sum(1)


def _checked(maps: Tensor, images: Tensor, names: list[str]) -> Tensor:
    wanted = (len(images), *images.shape[2:])
    if maps.shape != wanted:
        raise ExplanationError(f"maps have shape {list(maps.shape)}; needed {list(wanted)}, one an image")
    broken = (~torch.isfinite(maps).flatten(1).all(1)).nonzero().flatten().tolist()
    if broken:
        raise ExplanationError(
            f"{len(broken)} of {len(names)} maps hold values that are not finite, the first on tile "
            f"{names[broken[0]]}"
        )
    return maps
