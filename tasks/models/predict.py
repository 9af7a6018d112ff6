"""The logits of one checkpoint on the evaluated tiles."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from tasks.artifacts.predictions import PREDICTIONS
from tasks.artifacts.tile_set import TileSet
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.pixels import spans, to_images

_COLUMNS = ["tile_id", "slide_id", "patient_id", "section", "split", "label"]


def predict_tiles(
    model: nn.Module,
    tile_sets: Sequence[TileSet],
    batch: int,
    device: str,
    out: Path,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, float]:
    """Write the Predictions of all usable tiles into ``out`` and return measures.

    Args:
        model: gives logits [B, K], on ``device``; left as found.
        tile_sets: the slides, in the order of the rows.
        batch: images in flight. Changes no number beyond 1e-5.
        device: where the model lies, as a torch device name.
        out: an empty folder for the payload.
        advance: called with the number of tiles just done.
    """
    with leave_as_found(model), torch.no_grad():
        tables = [_predict_slide(model, tiles, batch, torch.device(device), advance) for tiles in tile_sets]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)
    table.to_parquet(out / PREDICTIONS, index=False)
    return {"tiles": len(table)}


def _predict_slide(
    model: nn.Module, tiles: TileSet, batch: int, device: torch.device, advance: Callable[[int], None]
) -> pd.DataFrame:
    logits = []
    for span in spans(len(tiles.usable), batch):
        rows = tiles.usable[span]
        logits.append(model(to_images(tiles.pixels[rows], device)))
        advance(len(rows))
    table = tiles.table[_COLUMNS].iloc[tiles.usable].reset_index(drop=True)
    if not logits:
        return table
    # Moved to the host once per slide, so that nothing waits for the device within a slide.
    values = torch.cat(logits).double().cpu().numpy()
    return table.assign(**{f"logit_{column}": values[:, column] for column in range(values.shape[1])})
