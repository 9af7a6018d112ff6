"""Residual blocks whose hooks see the true values.

MONAI's blocks call one in-place ReLU several times and add the residual in place, so a hook on the last norm
layer of a block silently sees the rectified sum. DeepLift refuses such blocks and LRP returns garbage. Here
every activation is its own module, called once and out of place, and the addition is a module. Weights keep
their names, so they convert both ways unchanged.
"""

from functools import partial

from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from torch import Tensor, nn


class Add(nn.Module):
    """The sum of two maps, as a module, so that relevance rules can be attached to it."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return ``left + right`` in a new tensor."""
        return left + right


_WIDE = 8
"""Channels from which a strided 1 x 1 convolution is right whatever the order in memory."""


class FirstChannels(nn.Module):
    """Lays few channels out first in memory, as the shortcut of a block must have them.

    oneDNN 3.12 on a processor without AVX-512 gives a wrong weight gradient for a strided 1 x 1 convolution
    of fewer than 8 channels that lie last (off by half), and with one thread writes beyond its memory.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` [B, C, H, W] with the same values."""
        return x.contiguous()


def laid_out(channels: int) -> nn.Module:
    """Return what an image of so many channels goes through before the shortcut of a block."""
    return FirstChannels() if channels < _WIDE else nn.Identity()


class SafeBlock(ResNetBlock):  # type: ignore[misc]  # MONAI is untyped
    """MONAI's basic block, rewired out of place."""

    def __init__(
        self,
        in_planes: int,
        planes: int,
        spatial_dims: int = 2,
        stride: int = 1,
        downsample: nn.Module | partial[Tensor] | None = None,
        norm: str | tuple[str, dict[str, float]] = "batch",
    ) -> None:
        super().__init__(in_planes, planes, spatial_dims, stride, downsample, norm=norm)
        del self.act
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.add = Add()
        self.laid_out = laid_out(in_planes)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in_planes, H, W] to [B, planes, H / stride, W / stride]."""
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        residual = x if self.downsample is None else self.downsample(self.laid_out(x))
        result: Tensor = self.relu2(self.add(out, residual))
        return result


class SafeBottleneck(ResNetBottleneck):  # type: ignore[misc]  # MONAI is untyped
    """MONAI's bottleneck block, rewired out of place."""

    def __init__(
        self,
        in_planes: int,
        planes: int,
        spatial_dims: int = 2,
        stride: int = 1,
        downsample: nn.Module | partial[Tensor] | None = None,
        norm: str | tuple[str, dict[str, float]] = "batch",
    ) -> None:
        super().__init__(in_planes, planes, spatial_dims, stride, downsample, norm=norm)
        del self.act
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.add = Add()
        self.laid_out = laid_out(in_planes)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in_planes, H, W] to [B, 4 * planes, H / stride, W / stride]."""
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.relu2(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        residual = x if self.downsample is None else self.downsample(self.laid_out(x))
        result: Tensor = self.relu3(self.add(out, residual))
        return result
