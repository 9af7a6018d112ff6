"""From the score of a slide to pixels: the tiles that add most, and what in them does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from tasks.artifacts.attributions import create_maps
from tasks.artifacts.explained_samples import INDEX, write_notes
from tasks.artifacts.feature_set import FeatureSet
from tasks.artifacts.tile_set import TileSet
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explainers.contribution import Contribution
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explaining.bag_groups import read_bags
from tasks.explaining.batch import BatchExplainer
from tasks.explaining.tile_in_bag import TileInBag
from tasks.functional.gradients import target_margin
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.pixels import to_images
from tasks.functional.pooled_terms import pools
from tasks.functional.tile_keys import tile_keys
from tasks.samples.inputs import Bags, ask


@dataclass(frozen=True)
class ChainSettings:
    """The explained class, the number of tiles that lead, and the device of the networks."""

    target: int
    tiles: int
    device: str = "cpu"


@dataclass(frozen=True)
class Chain:
    """What is joined: pixels to features by ``encoder``, features to logits by ``model``."""

    encoder: nn.Module
    model: nn.Module


def explain_leading_tiles(  # noqa: PLR0913  (two networks, two inputs, one output)
    chain: Chain,
    features: FeatureSet,
    tiles: TileSet,
    explainer: Explainer,
    settings: ChainSettings,
    out: Path,
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, float]:
    """Write maps of the tiles that add most to the margin of one slide into ``out``; return measures.

    Step one shares the margin among tiles: :class:`Contribution`, or integrated gradients from the mean
    features for a model that mixes its tiles. Step two explains, for each leading tile, the margin of the
    bag as a function of the pixels of that tile, the other tiles being as they are. The index has a row per
    map, the leading tile first:

    - ``contribution``: what step one gives the tile; ``tiles_sum`` and ``tiles_error``: the sum of all
      tiles, and how far it is from the margin minus that of the reference.
    - ``map_sum`` and ``completeness_error``: the sum of the map, and how far it is from the change of the
      margin when the tile becomes the baseline of ``explainer``; NaN where that names none.
    - ``encoding_error``: how far the margin moves when the stored features of the tile are computed again,
      as they are for the map. Features of float16 keep three digits.
    - ``logit_<class>``: of the bag.

    Raises:
        ExplanationError: the features are not of these tiles, or a map is not finite.
    """
    bag = read_bags([features], facts=False).on(torch.device(settings.device))
    target = torch.tensor([settings.target], device=bag.mask.device)
    with leave_as_found(chain.encoder), leave_as_found(chain.model), torch.no_grad():
        shares, errors = _shares(chain.model, bag, target, features.facts.slide_id)
        logits = ask(chain.model, bag)
        leading = _leading(shares[: features.facts.count], settings.tiles)
        pixels, names = _rows_of(features, tiles, leading)
        maps = create_maps(out, len(leading), tiles.pixels.shape[1], "float32")
        rows = []
        for number, (position, row, name) in enumerate(zip(leading, pixels, names, strict=True)):
            images = to_images(tiles.pixels[row][None], bag.mask.device)
            join = TileInBag(chain.encoder, chain.model, bag, position)
            drawn, measured = _mapped(join, images, explainer, target, name)
            maps[number : number + 1] = drawn.float().cpu().numpy()
            whole = target_margin(join(images), target) - target_margin(logits, target)
            rows.append(
                {
                    "tile_id": name,
                    "target": settings.target,
                    **{f"logit_{k}": value for k, value in enumerate(logits[0].double().tolist())},
                    **measured,
                    "contribution": float(shares[position]),
                    "tiles_sum": float(shares.double().sum()),
                    "tiles_error": errors,
                    "encoding_error": float(whole),
                }
            )
            advance(1)
    pd.DataFrame(rows, columns=None if rows else ["tile_id", "target"]).to_parquet(out / INDEX, index=False)
    write_notes(out, explainer.notes())
    return {"tiles": len(leading)}


def _shares(model: nn.Module, bag: Bags, target: Tensor, slide: str) -> tuple[Tensor, float]:
    """Return what each tile adds to the margin, [N], and how far the sum is from complete."""
    explainer = Contribution() if pools(model) else IntegratedGradients()
    explaining = BatchExplainer(explainer, model, batch=1)
    values = explaining.maps(bag, target, tile_keys([slide]).to(target.device))
    return values[0], explaining.completeness_errors(bag, target, values).item()


def _leading(values: Tensor, count: int) -> list[int]:
    """Return the positions of the largest values, the largest first."""
    order: list[int] = values.argsort(descending=True, stable=True)[:count].tolist()
    return order


def _rows_of(features: FeatureSet, tiles: TileSet, positions: list[int]) -> tuple[list[int], list[str]]:
    """Return the rows of some tiles in the tile set, and their ids."""
    ids = features.tile_ids
    names = [ids[position] for position in positions]
    rows = pd.Index(tiles.table["tile_id"].astype(str)).get_indexer(pd.Index(names, dtype=str))
    if (rows < 0).any():
        raise ExplanationError(
            f"tile {names[int(np.argmin(rows))]} has features and no pixels: maps need features that were "
            "made of the tiles of the study"
        )
    return rows.tolist(), names


def _mapped(
    join: TileInBag, images: Tensor, explainer: Explainer, target: Tensor, name: str
) -> tuple[Tensor, dict[str, float]]:
    """Return the map [1, H, W] of one tile, its sum and its completeness error."""
    settled = explainer.settled(join, images)
    with leave_as_found(join):
        explaining = BatchExplainer(settled, settled.prepare(join), batch=1)
        drawn = explaining.maps(images, target, tile_keys([name]).to(target.device))
        if not torch.isfinite(drawn).all():
            raise ExplanationError(f"the map of tile {name} holds values that are not finite")
        error = explaining.completeness_errors(images, target, drawn).item()
    return drawn, {"completeness_error": error, "map_sum": float(drawn.double().sum())}
