"""The table of channels and their top tiles."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tasks.model_metrics._consistency import CLEAN, KINDS, PREDICTED, TRUE, ChannelConsistency
from tasks.samples.measured_tiles import MeasuredTiles

TOP, TOP_ATTACKED = "top_tiles", "top_tiles_adversarial"
_NAMED = 8
"""Number of top tiles that are named."""


def channel_table(consistency: ChannelConsistency, tiles: MeasuredTiles) -> pd.DataFrame:
    """Return one row per channel, on all tiles.

    Columns: channel; alive; ``<kind>`` the raw purity and ``<kind>_chance`` for each of clean,
    adversarial_true and adversarial_predicted; cs_true and cs_predicted; ``<kind>_<class>`` the histograms;
    top_tiles and top_tiles_adversarial, the ids of the eight highest tiles, the highest first.
    """
    layer = consistency.layer(torch.ones(len(tiles), dtype=torch.bool))
    columns: dict[str, object] = {"channel": range(len(layer.alive)), "alive": layer.alive.numpy()}
    for kind in KINDS:
        columns[kind] = layer.purity(kind).numpy()
        columns[f"{kind}_chance"] = layer.chance[kind]
    columns["cs_true"] = layer.cosine(TRUE).numpy()
    columns["cs_predicted"] = layer.cosine(PREDICTED).numpy()
    for kind in KINDS:
        for place, name in enumerate(tiles.classes):
            columns[f"{kind}_{name}"] = layer.histograms[kind][:, place].numpy()
    columns[TOP] = _named(consistency.clean_order, tiles)
    columns[TOP_ATTACKED] = _named(consistency.adversarial_order, tiles)
    return pd.DataFrame(columns)


def extremes(table: pd.DataFrame, classes: Sequence[str], count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the most and the least consistent live channels, at most ``count`` of each.

    They are ordered by purity on clean images, then on adversarial ones by true class, then by number. Of
    the most consistent ones the best of each class comes first, then the second best of each: many channels
    are entirely pure, and one class could take all places. No channel is in both lists.
    """
    live = table[table["alive"]].sort_values([CLEAN, TRUE, "channel"], ascending=[False, False, True])
    shares = live[[f"{CLEAN}_{name}" for name in classes]]
    turns = live.groupby(shares.to_numpy().argmax(1)).cumcount().to_numpy()
    in_turn = live.iloc[np.argsort(turns, kind="stable")]
    most = in_turn.head(min(count, -(-len(live) // 2)))
    return most, live.drop(most.index).tail(count)


def _named(order: Tensor, tiles: MeasuredTiles) -> list[list[str]]:
    ids = tiles.table["tile_id"].to_numpy()
    return [[str(name) for name in ids[row]] for row in order[:, :_NAMED].numpy()]
