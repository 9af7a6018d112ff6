"""A detector that reads the evidence alone: no map may beat the mask of that evidence."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.artifacts.tile_set import TileSet
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.erasure import Erasure
from tasks.faithfulness.insertion import Insertion
from tasks.faithfulness.monotonicity import Monotonicity
from tasks.faithfulness.region_deletion import RegionDeletion
from tests._support.linear_removal import Draw, scored, shuffled, values


class EvidenceDetector(nn.Module):
    """Tumour where the tile holds a nucleus: only its pixels are darker than 0.6 in all channels together."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [B, 2]."""
        margin = 100 * torch.relu(0.6 - images.mean(1)).mean((1, 2)) - 2
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


def evidence(tiles: TileSet) -> np.ndarray:
    return tiles.marks["evidence"][tiles.usable].astype(float)


def centre(tiles: TileSet) -> np.ndarray:
    rows, columns = np.mgrid[-7.5:8, -7.5:8]
    return np.tile(np.exp(-(rows**2 + columns**2) / 32), (len(tiles.usable), 1, 1))


DRAWS: dict[str, Draw] = {
    "evidence": evidence,
    "shuffled": shuffled(evidence),
    "elsewhere": lambda tiles: 1 - evidence(tiles),
    "centre": centre,
    "nothing": lambda tiles: 0 * evidence(tiles),
}

METRICS = (
    Deletion(),
    Insertion(fill="white"),
    Insertion(id="into_blur"),
    RegionDeletion(region_px=2, id="squares"),
    RegionDeletion(region_px=2, id="superpixels", regions="superpixels"),
    Erasure(),
    Monotonicity(),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return scored(tmp_path_factory.mktemp("detector"), DRAWS, METRICS, EvidenceDetector(), count=60)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_the_mask_of_what_is_read_is_the_best_map(found, metric):
    for info in metric.score_infos():
        if info.direction == "none":
            continue
        means = {name: values(found[name, metric.id], info.name).mean() for name in DRAWS}
        means = {name: mean for name, mean in means.items() if not np.isnan(mean)}
        best = (max if info.direction == "higher" else min)(means, key=means.__getitem__)
        assert best == "evidence", (info.name, means)
