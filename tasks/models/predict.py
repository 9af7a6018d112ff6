"""The logits of one checkpoint on the evaluated tiles, and the scores of their slides."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.aggregators.base import Aggregator
from tasks.artifacts.predictions import PREDICTIONS, SLIDES
from tasks.artifacts.tile_set import MIXED, TileSet
from tasks.functional.ahead import read_ahead
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.pixels import channels_last_images, spans
from tasks.functional.probabilities import softmax
from tasks.functional.staging import staged
from tasks.models.errors import ModelError

_SLIDE_COLUMNS = ["slide_id", "patient_id", "split", "label", "tiles"]
_COLUMNS = ["tile_id", "slide_id", "patient_id", "section", "split", "label"]


def predict_tiles(
    model: nn.Module,
    tile_sets: Sequence[TileSet],
    batch: int,
    device: str,
    advance: Callable[[int], None] = lambda n: None,
    prefetch: int = 2,
) -> pd.DataFrame:
    """Return one row per usable tile, with its logits.

    Args:
        model: gives logits [B, K], on ``device``; left as found.
        tile_sets: the slides, in the order of the rows.
        batch: images in flight. Changes no number beyond 1e-5.
        device: where the model lies, as a torch device name.
        advance: called with the number of tiles just done.
        prefetch: batches read ahead of the model, from the next slide too. Changes no number.

    Raises:
        ModelError: the logits of a tile are not finite.
    """
    answers: list[list[Tensor]] = [[] for _ in tile_sets]
    tables: list[pd.DataFrame] = []
    with leave_as_found(model), torch.no_grad():
        for pixels, slide in staged(_read(tile_sets, batch, prefetch), torch.device(device)):
            while len(tables) < slide:
                tables.append(_table(tile_sets[len(tables)], answers[len(tables)]))
            answers[slide].append(model(channels_last_images(pixels).contiguous()))
            advance(len(pixels))
        while len(tables) < len(tile_sets):
            tables.append(_table(tile_sets[len(tables)], answers[len(tables)]))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def write_predictions(tiles: pd.DataFrame, aggregator: Aggregator, out: Path) -> dict[str, float]:
    """Write the Predictions of ``tiles`` and of their slides into ``out`` and return measures.

    Args:
        tiles: the rows of :func:`predict_tiles`.
        aggregator: gives each slide its score, class by class.
        out: an empty folder for the payload.
    """
    slides = predict_slides(tiles, aggregator)
    tiles.to_parquet(out / PREDICTIONS, index=False)
    slides.to_parquet(out / SLIDES, index=False)
    return {"tiles": len(tiles), "slides": len(slides)}


def predict_slides(tiles: pd.DataFrame, aggregator: Aggregator) -> pd.DataFrame:
    """Return one row per slide of ``tiles``, in their order."""
    logits = [column for column in tiles.columns if column.startswith("logit_")]
    scores = [f"score_{column.removeprefix('logit_')}" for column in logits]
    rows = []
    for slide, own in tiles.groupby("slide_id", sort=False):
        probabilities = softmax(own[logits].to_numpy(dtype=np.float64))
        described = {
            "slide_id": slide,
            "patient_id": own["patient_id"].iloc[0],
            "split": own["split"].iloc[0],
            "label": _label_of(set(own["label"].dropna()) - {""}),
            "tiles": len(own),
        }
        rows.append(described | dict(zip(scores, map(aggregator.score, probabilities.T), strict=True)))
    return pd.DataFrame(rows, columns=[*_SLIDE_COLUMNS, *scores])


def _label_of(labels: set[str]) -> str:
    return MIXED if len(labels) > 1 else next(iter(labels), "")


def _read(tile_sets: Sequence[TileSet], batch: int, prefetch: int) -> Iterator[tuple[Tensor, int]]:
    """Yield uint8 [B, H, W, 3] of the usable tiles, each with the place of its slide."""

    def read(part: tuple[int, slice]) -> tuple[Tensor, int]:
        slide, span = part
        tiles = tile_sets[slide]
        return torch.from_numpy(np.ascontiguousarray(tiles.pixels[tiles.usable[span]])), slide

    parts = (
        (slide, span) for slide, tiles in enumerate(tile_sets) for span in spans(len(tiles.usable), batch)
    )
    return read_ahead(read, parts, prefetch)


def _table(tiles: TileSet, logits: list[Tensor]) -> pd.DataFrame:
    """Return the rows of a slide, and forget its ``logits``."""
    table = tiles.table[_COLUMNS].iloc[tiles.usable].reset_index(drop=True)
    if not logits:
        return table
    # Moved to the host once per slide, so that nothing waits for the device within a slide.
    values = torch.cat(logits).double().cpu().numpy()
    logits.clear()
    _refuse_broken(values, table["tile_id"])
    return table.assign(**{f"logit_{column}": values[:, column] for column in range(values.shape[1])})


def _refuse_broken(logits: NDArray[np.float64], names: "pd.Series[str]") -> None:
    broken = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(broken):
        raise ModelError(
            f"the network gives logits that are not finite on {len(broken)} of {len(logits)} tiles, first "
            f"{names.iloc[broken[0]]}"
        )
