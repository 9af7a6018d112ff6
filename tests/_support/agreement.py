"""The stored inputs and values of Quantus, and our metrics asked about the same inputs."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.quantus_inputs import TARGET, gradient, stored_network
from tasks.artifacts.tile_set import ANNOTATION_MASK, PIXELS, TILES, TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evaluation.result import MetricResult
from tasks.evidence.evidence import Evidence
from tasks.evidence.explainer_like import ExplainerLike
from tasks.faithfulness.base import Metric
from tests._support.attribution_sets import write_maps
from tests._support.tile_sets import make_tile_set

STORED = Path(__file__).parents[1] / "faithfulness" / "agreement"
CLASSES = ("normal", "tumour", "other")


@cache
def inputs() -> dict[str, np.ndarray]:
    """Return the stored arrays; see ``benchmarks/quantus_inputs.py``."""
    with np.load(STORED / "inputs.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def quantus(name: str) -> np.ndarray:
    """Return what Quantus said in one case."""
    return np.array(json.loads((STORED / "values.json").read_text(encoding="utf-8"))[name])


class Grey(nn.Module):
    """A network of one channel for images of three equal ones: it looks at the first."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, K]."""
        logits: Tensor = self.network(images[:, :1])
        return logits


def network() -> nn.Module:
    """Return the network that Quantus asked."""
    return Grey(stored_network(inputs()))


def gradients(images: Tensor, _keys: Tensor) -> Tensor:
    """Return the maps that Quantus had explained: gradients of the target's logit."""
    targets = torch.full((len(images),), TARGET)
    return gradient(stored_network(inputs()), images[:, :1], targets)


def score(
    folder: Path,
    metric: Metric,
    maps: np.ndarray,
    explainer: ExplainerLike | None = None,
    model: nn.Module | None = None,
    masks: np.ndarray | None = None,
) -> MetricResult:
    """Return the scores of maps [N, H, W] of the grey tiles, all of them tissue of the target class."""
    masks = inputs()["masks"] if masks is None else masks
    tiles = grey_tiles(folder / "tiles", masks)
    explainers = {} if explainer is None else {"e": explainer}
    sets = {"e": (write_maps(folder / "maps", tiles, maps, TARGET),)}
    evidence = Evidence([tiles], sets, CLASSES, TARGET, explainers, kinds={"e": "sensitivity"})
    parts = [("e", metric)]
    return evaluate_pairs(model or network(), evidence, parts, EvaluationSettings())["e", metric.id]


def grey_tiles(folder: Path, masks: np.ndarray) -> TileSet:
    """Write the grey tiles, outlined by ``masks`` bool [N, H, W]."""
    pixels = inputs()["grey"]
    table = make_tile_set(folder, "s", "p", "test", len(pixels), pixels.shape[1], classes=CLASSES).table
    np.save(folder / PIXELS, pixels[..., None].repeat(3, axis=3))
    np.save(folder / ANNOTATION_MASK, masks.astype(np.uint8) * TARGET)
    table.assign(label=CLASSES[TARGET]).to_parquet(folder / TILES, index=False)
    return TileSet(folder)


def values(result: MetricResult, name: str) -> np.ndarray:
    """Return the values [N] of one score, in the order of the tiles."""
    return result.scores[result.scores["score"] == name]["value"].to_numpy()


def curve(result: MetricResult, name: str) -> np.ndarray:
    """Return one curve [N, S] of the tiles."""
    assert result.curves is not None
    rows = result.curves[result.curves["curve"] == name]
    return rows["value"].to_numpy().reshape(-1, rows["fraction"].nunique())
