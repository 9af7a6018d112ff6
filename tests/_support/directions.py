"""A good and a bad map for every family of metrics, and what it means that a direction is true."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tasks.artifacts.tile_set import PIXELS, TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.evidence import Evidence
from tasks.evidence.explainer_like import ExplainerLike
from tasks.explainers.gradient import Gradient
from tasks.faithfulness.base import Metric
from tasks.functional.noise import normal
from tasks.scoring.memory import ImagesInMemory, MapsInMemory
from tests._support.attribution_sets import maps_of
from tests._support.explaining import Known, handed
from tests._support.scored_bags import made_bags, network
from tests._support.small_networks import LinearNetwork, small_network
from tests._support.tile_sets import make_tile_set

COUNT, SIDE = 12, 16
CLASSES = ("normal", "tumour")


@dataclass(frozen=True)
class Case:
    """The maps ``good`` and ``bad`` in one evidence, and the network that they explain."""

    evidence: Evidence | BagEvidence
    model: nn.Module = field(default_factory=small_network)


def assert_directions_are_true(metric: Metric, folder: Path) -> None:
    """Fail unless the good map is ahead of the bad one in every score that has a direction."""
    case = _case_of(metric)(folder)
    wanted = [(name, metric) for name in ("good", "bad")]
    found = evaluate_pairs(case.model, case.evidence, wanted, EvaluationSettings(16))
    for info in metric.score_infos():
        means = {}
        for name in ("good", "bad"):
            table = found[name, metric.id].scores
            means[name] = table.loc[table["score"] == info.name, "value"].mean()
        ahead = means["good"] - means["bad"]
        told = f"{metric.name}.{info.name} is {info.direction}, but {means}"
        if info.direction != "none":
            assert (ahead if info.direction == "higher" else -ahead) > 0, told


def _case_of(metric: Metric) -> Callable[[Path], Case]:
    """Return the case of the metric, or of its family: by what it needs."""
    if metric.name in _OF_ONE:
        return _OF_ONE[metric.name]
    if "pixel" not in metric.supports:
        return _of_tiles
    if "mask" in metric.needs:
        return _on_the_mask
    return _steady if "attribution" in metric.needs else _removed


def _removed(_folder: Path, step: int = 1) -> Case:
    """The contributions of dark dots in a linear network that looks at the left half, and their mirror image.

    More of the dots that it looks at speak for the target than against it: the margin is above 0 until they
    go. On the right the mirror image speaks of dots that the network never sees. Dots lie on every
    ``step``-th pixel along each side.
    """
    generator = np.random.default_rng(0)
    row, column = np.mgrid[:SIDE, :SIDE]
    for_target = (row // step + column // step) % 2 == 0
    grid = (row % step == 0) & (column % step == 0)
    dots = (generator.random((COUNT, SIDE, SIDE)) < np.where(for_target, 0.6, 0.25)) & grid
    images = np.where(dots, 0.25, 0.95).astype(np.float32)[:, None].repeat(3, axis=1)
    seen = (
        np.where(for_target, -1.0, 1.0) * (1 + generator.random((SIDE, SIDE))) * (grid & (column < SIDE // 2))
    )
    # The even background adds nothing.
    seen[~for_target] *= -seen[for_target].sum() / seen[~for_target].sum()
    weight = seen.astype(np.float32)[None].repeat(3, axis=0)
    good = (weight * (images - 1)).sum(1)
    brought = ImagesInMemory(
        images, np.ones(COUNT, np.int64), tuple(map(str, range(COUNT))), ("",) * COUNT, {}
    )
    nothing = np.full(COUNT, np.nan)
    maps = {"good": good, "bad": good[:, :, ::-1].copy()}
    evidence = Evidence(
        [brought],
        {name: [MapsInMemory(brought, each.astype(np.float32), nothing)] for name, each in maps.items()},
        ("0", "1"),
        [brought.targets],
        kinds=dict.fromkeys(maps, "contribution"),
    )
    return Case(evidence, LinearNetwork(torch.from_numpy(weight)))


def _on_the_mask(folder: Path) -> Case:
    """The outline, and what is not in it, on tiles of noise: darkness decides nothing."""
    tiles = make_tile_set(folder / "tiles", "s", "p", "test", 400)
    noise = np.random.default_rng(0).integers(0, 256, tiles.pixels.shape, dtype=np.uint8)
    np.save(folder / "tiles" / PIXELS, noise)
    tiles = TileSet(tiles.folder)
    inside = tiles.annotation_mask[tiles.usable] > 0
    return _given(folder, tiles, {"good": inside * 1.0, "bad": 1.0 - inside})


def _of_tiles(_folder: Path) -> Case:
    """What each tile adds to the margin of an attention network, and its negative."""
    model = network()
    bags = made_bags((40, 60, 80, 100), model=model)
    true = bags.attributions["true"]
    maps = {"good": true, "bad": [-each for each in true]}
    return Case(replace(bags, attributions=maps, kinds=dict.fromkeys(maps, "contribution")), model)


def _complete(folder: Path) -> Case:
    """A map whose sum misses by nothing, and one whose sum misses."""
    tiles = make_tile_set(folder / "tiles", "s", "p", "test", 40)
    maps = np.random.default_rng(0).normal(size=(40, SIDE, SIDE)) + 1
    return _given(folder, tiles, {"good": maps, "bad": maps}, {"good": 0.0, "bad": 3.0})


def _given(
    folder: Path, tiles: TileSet, maps: Mapping[str, np.ndarray], errors: Mapping[str, float] | None = None
) -> Case:
    sets = {
        name: maps_of(folder / name, [tiles], lambda _, each=each: each, (errors or {}).get(name, np.nan))
        for name, each in maps.items()
    }
    return Case(Evidence([tiles], sets, CLASSES, 1, kinds=dict.fromkeys(sets, "contribution")))


def _steady(folder: Path) -> Case:
    """A map of the tile's name alone, and one that starts anew with every change of the image."""
    return _called(
        folder,
        {
            "good": Known(lambda images, keys: normal(0, keys, 0, images.shape[2:]).to(images)),
            "bad": Known(lambda images, _keys: torch.sin(1e4 * images.sum(1))),
        },
    )


def _of_the_weights(folder: Path) -> Case:
    """The gradient, and a map that reads no network."""
    return _called(folder, {"good": Gradient(), "bad": Known(lambda images, _keys: 1 - images.mean(1))})


class _OfTheClass(Known):
    """Noise of the tile and of the class that is explained."""

    def attribute(self, _model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return maps [B, H, W]."""
        return normal(0, tile_keys + targets, 0, images.shape[2:]).to(images)


def _of_the_class(folder: Path) -> Case:
    """A map of the explained class, and one that is the same for every class."""
    dark = Known(lambda images, _keys: 1 - images.mean(1))
    return _called(folder, {"good": _OfTheClass(dark.maps), "bad": dark})


def _called(folder: Path, explainers: dict[str, ExplainerLike]) -> Case:
    tiles, model = make_tile_set(folder / "tiles", "s", "p", "test", 20), small_network()
    return Case(handed(folder, tiles, explainers, model), model)


_OF_ONE: Mapping[str, Callable[[Path], Case]] = {
    # Imputation takes a dot for background only where background surrounds it.
    "road": partial(_removed, step=2),
    "completeness": _complete,
    "parameter_randomisation": _of_the_weights,
    "random_logit": _of_the_class,
}
"""Metrics that need a case of their own."""
