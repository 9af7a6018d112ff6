"""Control: how dark the tiles are that look alike to the encoder."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._clusters import clusters_of
from tasks.explainers._facts import FactControl
from tasks.functional.noise import seed_of
from tasks.samples.inputs import Bags
from tasks.samples.tile_names import drawing_keys


class ClusterMean(FactControl):
    """The mean darkness of the tile's cluster, from k-means over the features of its own bag.

    It sees no model of the study, though it sees the encoder. So it says what the encoder knows without any
    label: an explanation of the slide model must say more than which tiles look alike.
    """

    source: ClassVar[str] = (
        "Lloyd (1982), doi:10.1109/TIT.1982.1056489 (k-means); Arthur and Vassilvitskii (2007), k-means++ "
        "(the beginning); as a control: ours"
    )
    default_position: ClassVar[int] = 8
    facts: ClassVar[tuple[str, ...]] = ("darkness",)

    clusters: int = Field(default=8, ge=2)
    """Clusters of a bag; a bag of fewer tiles has one for each tile."""
    seed: int = Field(default=0, ge=0)

    def attribute(self, model: nn.Module, bags: Bags, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the mean darkness of the cluster [B, N]."""
        dark = self.fact(bags, "darkness")
        keys = drawing_keys(bags, tile_keys)
        seed = seed_of(self.seed, "cluster_mean")
        for number, mask in enumerate(bags.mask):
            if not bool(mask.any()):
                continue
            own = clusters_of(bags.features[number, mask], self.clusters, seed, keys[number, mask])
            # In float64: the order in which tiles are summed changes no digit that is kept.
            member = own[:, None] == torch.arange(self.clusters, device=own.device)
            mean = (dark[number, mask].double() @ member.double()) / member.sum(0).clamp(min=1)
            dark[number, mask] = (member.double() @ mean).to(dark.dtype)
        return dark
