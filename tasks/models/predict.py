"""The logits of one checkpoint on the evaluated tiles, and the scores of their slides."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.aggregators.base import Aggregator
from tasks.artifacts.afresh import Afresh
from tasks.artifacts.predictions import COLUMNS, PREDICTIONS, SLIDE_COLUMNS, SLIDES
from tasks.artifacts.table_file import write_table
from tasks.artifacts.tile_set import MIXED, TileSet
from tasks.functional.ahead import read_ahead
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.pixels import as_tensor, batch_spans, channels_last_images
from tasks.functional.probabilities import softmax
from tasks.functional.staging import staged
from tasks.models.errors import ModelError

_COLUMNS = list(COLUMNS)


def predict_tiles(
    model: nn.Module,
    tile_sets: Sequence[TileSet],
    batch: int,
    device: str,
    advance: Callable[[int], None] = lambda n: None,
) -> pd.DataFrame:
    """Return one row per usable tile, with its logits; see :func:`predicted_slides`."""
    tables = list(predicted_slides(model, tile_sets, batch, device, advance))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_COLUMNS)


def predicted_slides(
    model: nn.Module,
    tile_sets: Sequence[TileSet],
    batch: int,
    device: str,
    advance: Callable[[int], None] = lambda n: None,
) -> Iterator[pd.DataFrame]:
    """Yield one table per slide, with one row per usable tile and its logits.

    Args:
        model: gives logits [B, K], on ``device``; left as found.
        tile_sets: the slides, in the order of the tables; each is opened anew, and none is held open.
        batch: images in flight. Changes no number beyond 1e-5.
        device: where the model lies, as a torch device name.
        advance: called with the number of tiles just done.

    Raises:
        ModelError: the logits of a tile are not finite.
    """
    for tiles in Afresh(tile_sets):
        # Slide by slide, as whoever takes the tables must find the model and the grad mode as they were.
        with leave_as_found(model), torch.no_grad():
            table = _predict_slide(model, tiles, batch, torch.device(device), advance)
        yield table


def write_predictions(tables: Iterable[pd.DataFrame], aggregator: Aggregator, out: Path) -> dict[str, float]:
    """Write the Predictions of tiles and of their slides into ``out`` and return measures.

    Args:
        tables: the rows of :func:`predicted_slides`; no slide is in two of them. One is in memory at a time.
        aggregator: gives each slide its score, class by class.
        out: an empty folder for the payload.
    """
    slides: list[pd.DataFrame] = []
    write_table(_noted(tables, aggregator, slides), out / PREDICTIONS)
    together = pd.concat(slides, ignore_index=True)
    together.to_parquet(out / SLIDES, index=False)
    return {"tiles": int(together["tiles"].sum()), "slides": len(together)}


def _noted(
    tables: Iterable[pd.DataFrame], aggregator: Aggregator, slides: list[pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """Yield the tables that have a row, and note their slides; an empty one where none has."""
    empty = pd.DataFrame(columns=_COLUMNS)
    for table in tables:
        if len(table):
            slides.append(predict_slides(table, aggregator))
            yield table
        else:
            empty = table
    if not slides:
        slides.append(predict_slides(empty, aggregator))
        yield empty


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
    return pd.DataFrame(rows, columns=[*SLIDE_COLUMNS, *scores])


def _label_of(labels: set[str]) -> str:
    return MIXED if len(labels) > 1 else next(iter(labels), "")


def _predict_slide(
    model: nn.Module, tiles: TileSet, batch: int, device: torch.device, advance: Callable[[int], None]
) -> pd.DataFrame:
    usable = tiles.usable
    table = tiles.table[_COLUMNS].iloc[usable].reset_index(drop=True)
    logits: Tensor | None = None
    parts = list(batch_spans(len(usable), batch))
    read = read_ahead(lambda span: as_tensor(tiles.pixels[usable[span]]), parts)
    for pixels, span in staged(zip(read, parts, strict=True), device):
        answer = model(channels_last_images(pixels).contiguous())
        if logits is None:
            # One array for all: small tensors between the large ones of a batch would keep the heap large.
            logits = torch.empty((len(usable), answer.shape[1]), dtype=torch.float64, device=device)
        logits[span] = answer
        advance(len(pixels))
    if logits is None:
        return table
    # Moved to the host once per slide, so that nothing waits for the device within a slide.
    values = logits.cpu().numpy()
    _refuse_broken(values, table["tile_id"])
    return table.assign(**{f"logit_{column}": values[:, column] for column in range(values.shape[1])})


def _refuse_broken(logits: NDArray[np.float64], names: "pd.Series[str]") -> None:
    broken = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(broken):
        raise ModelError(
            f"the network gives logits that are not finite on {len(broken)} of {len(logits)} tiles, first "
            f"{names.iloc[broken[0]]}"
        )
