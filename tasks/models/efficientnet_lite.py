"""EfficientNet-Lite0: a small network for photographs, without squeeze-and-excitation and with ReLU6."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = (
    (1, 16, 3, 1, 1),
    (2, 24, 3, 2, 6),
    (2, 40, 5, 2, 6),
    (3, 80, 3, 2, 6),
    (3, 112, 5, 1, 6),
    (4, 192, 5, 2, 6),
    (1, 320, 3, 1, 6),
)
"""Per stage: blocks, channels, kernel, stride of the first block, and by which factor blocks widen."""

STEM, FEATURES = 32, 1280
_EPS = 1e-3


class EfficientNetLite0(nn.Module):
    """Maps normalised images [B, 3, H, W] to features [B, 1280].

    Weights have the names of the published file without its leading underscores. The head is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = SamePadded(3, STEM, 3, 2)
        self.bn0 = nn.BatchNorm2d(STEM, eps=_EPS)
        blocks, channels = [], STEM
        for count, out, kernel, stride, factor in STAGES:
            for number in range(count):
                blocks.append(InvertedBlock(channels, out, kernel, stride if number == 0 else 1, factor))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = nn.Conv2d(channels, FEATURES, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(FEATURES, eps=_EPS)

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean of the last map."""
        maps = self.blocks(F.relu6(self.bn0(self.conv_stem(images))))
        return F.relu6(self.bn1(self.conv_head(maps))).mean((2, 3))


class InvertedBlock(nn.Module):
    """A block that widens, convolves each channel alone, narrows, and is added to what came in if it fits."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, factor: int) -> None:
        super().__init__()
        wide = channels * factor
        self.widens = factor > 1
        self.added = stride == 1 and channels == out
        if self.widens:
            self.expand_conv = nn.Conv2d(channels, wide, 1, bias=False)
            self.bn0 = nn.BatchNorm2d(wide, eps=_EPS)
        self.depthwise_conv = SamePadded(wide, wide, kernel, stride, groups=wide)
        self.bn1 = nn.BatchNorm2d(wide, eps=_EPS)
        self.project_conv = nn.Conv2d(wide, out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out, eps=_EPS)

    def forward(self, maps: Tensor) -> Tensor:
        """Map [B, channels, H, W] to [B, out, H / stride, W / stride]."""
        wide = F.relu6(self.bn0(self.expand_conv(maps))) if self.widens else maps
        wide = F.relu6(self.bn1(self.depthwise_conv(wide)))
        result: Tensor = self.bn2(self.project_conv(wide))
        return result + maps if self.added else result


class SamePadded(nn.Conv2d):
    """A convolution padded as TensorFlow pads: with stride 2 the further pixel is at the lower right."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch names it so
        """Map [B, channels, H, W] to [B, out, ceil(H / stride), ceil(W / stride)]."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        edges = []
        for length in (input.shape[3], input.shape[2]):
            more = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            edges += [more // 2, more - more // 2]
        return super().forward(F.pad(input, edges))


def own_names(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights under our names, without those of the head."""
    named = {re.sub(r"(^|\.)_", r"\1", name): value for name, value in published.items()}
    return {name: value for name, value in named.items() if not name.startswith("fc.")}


def empty_lite0() -> EfficientNetLite0:
    """Return the network without memory for weights, which are to be assigned."""
    with torch.device("meta"):
        return EfficientNetLite0()
