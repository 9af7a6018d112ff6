"""The tiles of a slide whose maps are kept at (nearly) the resolution of the network."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.transform import resize_local_mean

from tasks.artifacts.attributions import Attributions
from tasks.artifacts.tile_set import TileSet
from tasks.functional.tile_keys import tile_keys
from tasks.reporting.review.budget import Detail, detail_of
from tasks.reporting.review.codes import Codes, map_codes, packed
from tasks.reporting.review.job import ReviewJob
from tasks.reporting.review.pictures import tile_picture

Rows = NDArray[np.intp]


def detailed_rows(tiles: TileSet, orders: Sequence[Rows], count: int) -> list[int]:
    """Return the rows of ``count`` tiles, by turns from three lists.

    The lists: the most and the least faithful by each of ``orders`` (rows, the most faithful first), and all
    tiles in the order of their keys, which is an even sample.
    """
    keys = tile_keys(tiles.table["tile_id"].astype(str).tolist()).numpy()
    usable = tiles.usable
    sample = [int(row) for row in usable[np.argsort(keys[usable], kind="stable")]]
    lists = [[int(row) for row in way] for order in orders for way in (order, order[::-1])]
    chosen: dict[int, None] = {}
    for turn in range(max(map(len, [sample, *lists]))):
        for position, own in enumerate([*lists, sample]):
            for row in own[turn : turn + 1]:
                if position == len(lists) or row in usable:
                    chosen.setdefault(row)
        if len(chosen) >= count:
            break
    return list(chosen)[:count]


def slide_details(
    job: ReviewJob, slide: str, orders: Sequence[Rows], limits: Sequence[float], room: int
) -> dict[str, Any]:
    """Return ``side``, ``all_seeds``, ``pairs`` and ``tiles``.

    ``pairs`` are the (model, explainer) of a tile's maps, in the order in which its text holds them, each
    ``side`` x ``side`` codes on the scale that ends at the explainer's ``limits``. A tile is [row, picture,
    text].
    """
    tiles = job.slides[slide]
    detail = _detail(job, tiles, room)
    pairs = [pair for pair in _pairs(job, slide) if detail.all_seeds or pair[0] in _first_models(job)]
    rows = detailed_rows(tiles, orders, detail.tiles)
    codes = np.zeros((len(rows), len(pairs), detail.side, detail.side), np.uint8)
    for number, (model, explainer) in enumerate(pairs):
        maps = job.maps[job.models[model], job.explainers[explainer].id, slide]
        codes[:, number] = _codes(maps, _map_rows(tiles, rows, maps), detail.side, limits[explainer])
    shown = [
        [row, tile_picture(tiles.pixels[row]), packed(own)] for row, own in zip(rows, codes, strict=True)
    ]
    return {"side": detail.side, "all_seeds": detail.all_seeds, "pairs": pairs, "tiles": shown}


def _detail(job: ReviewJob, tiles: TileSet, room: int) -> Detail:
    arms = len(_first_models(job))
    seeds = -(-len(job.models) // max(1, arms))
    return detail_of(room, len(tiles.usable), seeds, arms * len(job.explainers), tiles.pixels.shape[1])


def _first_models(job: ReviewJob) -> set[int]:
    """Return the first model of each arm."""
    first: dict[str, int] = {}
    for number, model in enumerate(job.models):
        first.setdefault(model.arm, number)
    return set(first.values())


def _pairs(job: ReviewJob, slide: str) -> Iterator[tuple[int, int]]:
    for p, model in enumerate(job.models):
        for e, explainer in enumerate(job.explainers):
            maps: Mapping[Any, Attributions] = job.maps
            if (model, explainer.id, slide) in maps and len(maps[model, explainer.id, slide].index):
                yield p, e


def _map_rows(tiles: TileSet, rows: Sequence[int], maps: Attributions) -> Rows:
    """Return which map is that of each tile; -1: it has none."""
    ids = tiles.table["tile_id"].astype(str).to_numpy()[list(rows)]
    found: Rows = pd.Index(maps.index["tile_id"].astype(str)).get_indexer(pd.Index(ids))
    return found


def _codes(maps: Attributions, rows: Rows, side: int, limit: float) -> Codes:
    """Return uint8 [n, side, side]; where there is no map all codes are 0."""
    found = np.zeros((len(rows), side, side), np.uint8)
    known = rows >= 0
    if known.any():
        values = maps.maps()[rows[known]]
        if values.shape[-1] != side:
            values = resize_local_mean(values, (side, side), channel_axis=0, preserve_range=True)
        found[known] = map_codes(values, limit)
    return found
