"""ResNet-50 trained on photographs: what most studies used before there were encoders of tissue."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.models.encoders._transform import TileTransform, Transformed
from tasks.models.encoders._weighted import WeightedEncoder, frozen
from tasks.models.fitting import fitting
from tasks.models.published_weights import read_published
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import SafeResNet

_HEAD = ("fc.weight", "fc.bias")
_CLASSES = 1000


class Resnet50(WeightedEncoder):
    """The third stage of a ResNet-50 averaged over the tile, 1024 numbers; or the fourth, 2048.

    The file has the names of torchvision, as all files of this network that we know. A tile of any size is
    resized to ``size``. The network learned from photographs and has no resolution of its own: which mpp is
    best is a matter of trying.
    """

    source: ClassVar[str] = (
        "He, Zhang, Ren and Sun (2016), arXiv:1512.03385; third stage pooled as in CLAM, Lu et al. (2021), "
        "doi:10.1038/s41551-020-00682-w"
    )

    pooled: Literal["layer3", "layer4"] = "layer3"
    """Which stage is averaged."""
    size: int = Field(default=224, ge=32)
    """Side in pixels that tiles are resized to."""

    @property
    def licence(self) -> str:
        """What the weights of torchvision may be used for."""
        return "BSD-3-Clause (torchvision); trained on ImageNet, whose pictures are for research"

    def build(self) -> nn.Module:
        """Return the network."""
        with torch.device("meta"):
            network = SafeResNet(NetworkRecipe(name="resnet50", width=1), _CLASSES)
        own = network.state_dict()
        found = fitting(read_published(self.file, self.title), own, self.title, heads=_HEAD)
        counts = {name: torch.zeros((), dtype=torch.int64) for name in own if name not in found}
        network.load_state_dict({**counts, **found}, strict=False, assign=True)
        pooled = PooledStages(network, self.pooled)
        return frozen(Transformed(TileTransform(resize=self.size), pooled))


class PooledStages(nn.Module):
    """Maps normalised images [B, 3, H, W] to the mean [B, C] of the map of one stage."""

    def __init__(self, network: SafeResNet, last: str) -> None:
        super().__init__()
        names = ["conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4"]
        kept = names[: names.index(last) + 1]
        self.stages = nn.Sequential(*(getattr(network, name) for name in kept))

    def forward(self, images: Tensor) -> Tensor:
        """Return the features."""
        maps: Tensor = self.stages(images)
        return maps.mean((2, 3))
