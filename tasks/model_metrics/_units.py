"""Scores in the long form of a report: one row per unit and score."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS
from tasks.model_metrics._room import Room
from tasks.model_metrics.base import MeasureSettings
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch

Values = NDArray[np.float64]


def scored_by_batch(
    tiles: MeasuredTiles,
    settings: MeasureSettings,
    scores: Callable[[TileBatch], Mapping[str, Tensor]],
    advance: Callable[[int], None],
) -> dict[str, Values]:
    """Return {score: [N]}, on the host in float64, of ``scores`` {score: [B]} of each batch."""
    room = Room(len(tiles))
    for batch in tiles.batches(settings.batch, torch.device(settings.device)):
        room.add(scores(batch))
        advance(len(batch.keys))
    return {name: room[name].double().cpu().numpy() for name in room.names()}


def tile_rows(tiles: MeasuredTiles, scores: Mapping[str, Values]) -> pd.DataFrame:
    """Return a row for each of N tiles and each score [N], tile after tile; no chance level."""
    return _long(tiles.table.assign(unit="tile", unit_id=tiles.table["tile_id"]), scores, {})


def slide_rows(
    tiles: MeasuredTiles, scores: Mapping[str, Values], chance: Mapping[str, float]
) -> pd.DataFrame:
    """Return a row for each of S slides and each score [S], in order of first appearance.

    ``chance`` is the level of those scores that have one. A slide has no section (0) and no label.
    """
    slides = tiles.table.drop_duplicates("slide_id").reset_index(drop=True)
    return _long(slides.assign(unit="slide", unit_id=slides["slide_id"], section=0, label=""), scores, chance)


def _long(units: pd.DataFrame, scores: Mapping[str, Values], chance: Mapping[str, float]) -> pd.DataFrame:
    table = units.loc[units.index.repeat(len(scores))].reset_index(drop=True)
    levels = np.tile([chance.get(name, np.nan) for name in scores], len(units))
    values = np.stack(list(scores.values()), axis=1).ravel()
    named = table.assign(score=list(scores) * len(units), value=values, chance=levels, error=np.nan)
    return named[list(SCORE_COLUMNS)]
