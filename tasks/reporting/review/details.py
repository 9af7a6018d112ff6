"""Single tiles whose maps are stored at, or close to, the resolution of the network."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.transform import resize_local_mean

from tasks.artifacts.tile_set import TileSet
from tasks.functional.tile_keys import tile_keys
from tasks.reporting.maps.drawn_maps import DrawnMaps
from tasks.reporting.maps.tile_pixels import has_pixels
from tasks.reporting.review.budget import Detail, detail_of
from tasks.reporting.review.codes import Codes, map_codes, packed
from tasks.reporting.review.job import ReviewJob
from tasks.reporting.review.pictures import tile_picture

Rows = NDArray[np.intp]
_CHUNK = 64


def detailed_rows(tiles: TileSet, orders: Sequence[Rows], count: int) -> list[int]:
    """Return the rows of ``count`` tiles, taken in turn from several lists.

    The lists are the most and the least faithful tiles of each of ``orders``, and an even sample. Each order
    holds rows, the most faithful first. The sample is all tiles in the order of their keys.
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
    job: ReviewJob, slide: str, orders: Sequence[Rows], limits: Sequence[float], max_bytes: int
) -> dict[str, Any]:
    """Return ``side``, ``all_seeds``, ``pairs`` and ``tiles``.

    A tile is [row, picture, text]. Its text holds a map of ``side`` x ``side`` codes for each (model,
    explainer) of ``pairs``, in that order. The scale of a map ends at the entry of its explainer in
    ``limits``. A slide without pixels has no tiles in detail.
    """
    tiles = job.slides[slide]
    if not has_pixels(tiles):
        return {"side": 1, "all_seeds": True, "pairs": [], "tiles": []}
    detail = _detail(job, tiles, max_bytes)
    pairs = [pair for pair in _pairs(job, slide) if detail.all_seeds or pair[0] in _first_models(job)]
    rows = detailed_rows(tiles, orders, detail.tiles)
    codes = np.zeros((len(rows), len(pairs), detail.side, detail.side), np.uint8)
    for number, (model, explainer) in enumerate(pairs):
        maps = job.maps[job.models[model], job.explainers[explainer].id, slide]
        codes[:, number] = tile_codes(tiles, rows, maps, detail.side, limits[explainer])
    shown = [
        [row, tile_picture(tiles.pixels[row]), packed(own)] for row, own in zip(rows, codes, strict=True)
    ]
    return {"side": detail.side, "all_seeds": detail.all_seeds, "pairs": pairs, "tiles": shown}


def _detail(job: ReviewJob, tiles: TileSet, max_bytes: int) -> Detail:
    arms = len(_first_models(job))
    seeds = -(-len(job.models) // max(1, arms))
    # A tile of a slide has one value.
    finest = 1 if job.level == "slide" else int(tiles.pixels.shape[1])
    return detail_of(max_bytes, len(tiles.usable), seeds, arms * len(job.explainers), finest)


def _first_models(job: ReviewJob) -> set[int]:
    """Return the index of the first model of each arm."""
    first: dict[str, int] = {}
    for number, model in enumerate(job.models):
        first.setdefault(model.arm, number)
    return set(first.values())


def _pairs(job: ReviewJob, slide: str) -> Iterator[tuple[int, int]]:
    for m, model in enumerate(job.models):
        for e, explainer in enumerate(job.explainers):
            maps: Mapping[Any, DrawnMaps] = job.maps
            if (model, explainer.id, slide) in maps and len(maps[model, explainer.id, slide].index):
                yield m, e


def tile_codes(tiles: TileSet, rows: Sequence[int], maps: DrawnMaps, side: int, limit: float) -> Codes:
    """Return the maps of some tiles as codes [n, side, side]; all codes of a tile without a map are 0.

    Args:
        tiles: the slide.
        rows: rows of its table.
        maps: of the slide.
        side: of a map in pixels; finer maps are averaged, coarser ones are enlarged.
        limit: end of the scale of single tiles.
    """
    return _codes(maps, _map_rows(tiles, rows, maps), side, limit)


def _map_rows(tiles: TileSet, rows: Sequence[int], maps: DrawnMaps) -> Rows:
    """Return the index of the map of each tile; -1 for a tile without one."""
    ids = tiles.table["tile_id"].astype(str).to_numpy()[list(rows)]
    positions: Rows = pd.Index(maps.index["tile_id"].astype(str)).get_indexer(pd.Index(ids))
    return positions


def _codes(maps: DrawnMaps, rows: Rows, side: int, limit: float) -> Codes:
    """Return uint8 [n, side, side]. All codes of a tile without a map are 0."""
    codes = np.zeros((len(rows), side, side), np.uint8)
    mapped = rows >= 0
    if mapped.any():
        values = _read(maps, rows[mapped])
        if values.shape[-1] != side:
            values = resize_local_mean(values, (side, side), channel_axis=0, preserve_range=True)
        codes[mapped] = map_codes(values, limit)
    return codes


def _read(maps: DrawnMaps, rows: Rows) -> NDArray[np.float32]:
    """Return float32 [n, H, W], the maps of some rows; no more than a chunk of a slide is in memory."""
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(rows)
    for chunk in np.unique(rows // _CHUNK):
        read = maps.maps(slice(int(chunk) * _CHUNK, (int(chunk) + 1) * _CHUNK))
        for place in np.flatnonzero(rows // _CHUNK == chunk):
            found[place] = read[rows[place] - chunk * _CHUNK].copy()
    return np.stack(found)
