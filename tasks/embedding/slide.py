"""Encode the tiles of one slide."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.artifacts.allocated import new_array
from tasks.artifacts.feature_set import (
    FEATURES,
    FeatureDtype,
    FeatureFacts,
    as_stored,
    own_labels,
    write_feature_table,
)
from tasks.artifacts.tile_array import TileArray
from tasks.artifacts.tile_set import TileSet
from tasks.functional.ahead import read_ahead
from tasks.functional.colour import optical_density
from tasks.functional.pixels import as_tensor, batch_spans, channels_last_images, spans
from tasks.functional.staging import staged
from tasks.models.encoders.base import Encoder
from tasks.models.errors import ModelError
from tasks.models.kept_encoder import kept_encoder

MASKS_AT_ONCE = 256
"""Tiles whose masks are in memory at once."""


@dataclass(frozen=True)
class EmbeddingSettings:
    """How features are stored, and resources: tiles at once, and the device of the encoder.

    ``digest`` is the sha256 that its weights must have; empty: any. ``tile_labels`` says whether tiles have
    labels of their own. Those of a slide that has nothing but its label do not.
    """

    dtype: FeatureDtype = "float16"
    batch: int = 64
    device: str = "cpu"
    digest: str = ""
    tile_labels: bool = True


def embed_slide(
    tiles: TileSet,
    label: str,
    encoder: Encoder,
    settings: EmbeddingSettings,
    out: Path,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, float]:
    """Write the FeatureSet of one slide into ``out`` and return measures.

    Tiles are read ahead of the encoder, and features go to disk batch by batch: memory does not grow with
    the slide. A tile has the same features in any batch, to 1e-5.

    Args:
        tiles: the slide; failed tiles are left out.
        label: the class of the slide; empty where it is not known.
        encoder: what encodes.
        settings: storage and resources.
        out: an empty folder for the payload.
        advance: called with the number of tiles just done.

    Raises:
        ModelError: the encoder was not made for such tiles, its weights are not those that were planned with,
            a feature is not finite, or there is no usable tile.
    """
    device = torch.device(settings.device)
    tile_px, (mpp, *_) = tiles.pixels.shape[1], sorted(tiles.facts.resolutions)
    encoder.refuse_tiles(tile_px, mpp)
    rows = tiles.usable
    table = tiles.table.iloc[rows].reset_index(drop=True)
    darkness = np.empty(len(rows), np.float32)
    features: NDArray[np.floating] | None = None
    with kept_encoder(encoder, device) as loaded, torch.no_grad():
        if settings.digest and loaded.facts.digest != settings.digest:
            raise ModelError(f"the weights of {loaded.facts.name} changed since the study was opened")
        for span, vectors, dark in _encoded(loaded.network, tiles, settings, device):
            if features is None:
                features = new_array(out / FEATURES, (len(rows), vectors.shape[1]), settings.dtype)
            features[span] = _finite(vectors, table["tile_id"].iloc[span], settings.dtype)
            darkness[span] = dark
            advance(span.stop - span.start)
    if features is None:
        raise ModelError(f"slide {tiles.facts.slide_id!r} has no usable tile, so there is nothing to encode")
    facts = FeatureFacts(
        slide_id=tiles.facts.slide_id,
        patient_id=str(table["patient_id"].iloc[0]),
        site=str(table["site"].iloc[0] or ""),
        split=tiles.facts.split,
        label=label,
        level0_mpp=mpp * tile_px / float(table["extent_level0"].iloc[0]),
        mpp=mpp,
        tile_px=tile_px,
        encoder=loaded.facts,
        dim=features.shape[1],
        count=len(rows),
        marks=tuple(tiles.marks),
    )
    write_feature_table(out, _columns(tiles, table, darkness, settings.tile_labels), facts)
    return {"tiles": len(rows), "features": features.shape[1]}


def _encoded(
    network: nn.Module, tiles: TileSet, settings: EmbeddingSettings, device: torch.device
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yield which tiles, their features [n, D] and their mean optical density [n]."""
    rows = tiles.usable
    parts = list(batch_spans(len(rows), settings.batch))
    read = read_ahead(lambda span: as_tensor(tiles.pixels[rows[span]]), parts)
    for pixels, span in staged(zip(read, parts, strict=True), device):
        images = channels_last_images(pixels)
        vectors: Tensor = network(images)
        yield span, vectors.float().cpu().numpy(), optical_density(images).mean((1, 2, 3)).cpu().numpy()


def _finite(vectors: np.ndarray, names: "pd.Series[str]", dtype: FeatureDtype) -> np.ndarray:
    stored, broken = as_stored(vectors, dtype)
    if len(broken):
        raise ModelError(
            f"the encoder gives features that are not finite in {dtype}, first on tile "
            f"{names.iloc[broken[0]]}"
        )
    return stored


def _columns(
    tiles: TileSet, table: pd.DataFrame, darkness: NDArray[np.float32], labelled: bool
) -> pd.DataFrame:
    labels = own_labels(table, of_slide=not labelled)
    marked = {mark: _fraction(mask, tiles.usable) for mark, mask in tiles.marks.items()}
    return table.assign(label=labels, darkness=darkness, **marked)


def _fraction(mask: TileArray, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return float64 [N], the fraction of each tile that a mask covers, a few tiles at a time."""
    parts = [np.asarray(mask[rows[span]]).mean(axis=(1, 2)) for span in spans(len(rows), MASKS_AT_ONCE)]
    return np.concatenate(parts)
