"""Explainers with known maps, to be handed to metrics that call them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tasks.artifacts.tile_set import TileSet
from tasks.evidence.evidence import Evidence
from tasks.evidence.explainer_like import ExplainerLike
from tasks.functional.passes import Passes
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tests._support.attribution_sets import maps_of


class Known:
    """Maps that are a known function of (images [B, C, H, W], tile keys [B]); asks nothing of the model."""

    def __init__(self, maps: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.maps, self.prepared, self.keys = maps, 0, []

    def prepare(self, model: nn.Module) -> nn.Module:
        """Return the model."""
        self.prepared += 1
        return model

    def attribute(self, _model: nn.Module, images: Tensor, _targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the known maps [B, H, W]."""
        self.keys.append(tile_keys.tolist())
        return self.maps(images, tile_keys)

    def passes(self) -> Passes:
        """None."""
        return Passes()


def clean_maps(explainer: ExplainerLike, model: nn.Module, tiles: TileSet) -> np.ndarray:
    """Return the explainer's maps [N, H, W] of the usable tiles, explained as class 1 in one batch."""
    images = to_images(tiles.pixels[tiles.usable], torch.device("cpu"))
    keys = tile_keys([str(name) for name in tiles.table["tile_id"].iloc[tiles.usable]])
    model = model.eval()
    maps = explainer.attribute(explainer.prepare(model), images, torch.ones_like(keys), keys)
    return maps.detach().numpy()


def handed(folder: Path, tiles: TileSet, explainers: dict[str, ExplainerLike], model: nn.Module) -> Evidence:
    """Return evidence of one slide: the explainers, and the maps that they give of its tiles."""
    sets = {
        name: maps_of(folder / name, [tiles], lambda t, e=explainer: clean_maps(e, model, t))
        for name, explainer in explainers.items()
    }
    return Evidence(
        [tiles],
        sets,
        ("normal", "tumour"),
        1,
        explainers,
        kinds=dict.fromkeys(sets, "sensitivity"),
    )
