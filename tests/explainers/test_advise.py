"""The ADVISE-style explainer."""

import pytest
import torch
from torch import Tensor, nn

from tasks.explainers._adaptive_density import peaks
from tasks.explainers.advise import Advise
from tasks.explainers.base import ExplanationError
from tasks.explainers.grad_cam import GradCam
from tests._support.small_networks import small_network

KEYS = torch.arange(2)
ONES = torch.ones(2, dtype=torch.int64)


class Weighted(nn.Module):
    """The logit is a weighted mean of the image's channels, seen through a 1 x 1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 3, 1, bias=False)
        self.features.weight.data = torch.eye(3)[:, :, None, None]

    def forward(self, images: Tensor) -> Tensor:
        margin = self.features(images).mean((2, 3)) @ torch.tensor([1.0, -2.0, 3.0])
        return torch.stack([torch.zeros_like(margin), margin], 1)


def halves() -> Tensor:
    """One channel of two halves, one that is even, one that rises: two, one and one peak."""
    images = torch.zeros(2, 3, 8, 8)
    images[:, 0, :4], images[:, 1] = 1, 0.5
    images[:, 2] = torch.linspace(0, 1, 64).view(8, 8)
    return images


def test_a_channel_counts_by_its_peaks():
    images = halves()
    maps = Advise()(Weighted(), images, ONES, KEYS)
    two, one, rising = (peaks(images[:1, channel].flatten(1)).item() for channel in range(3))
    assert (two, one, rising) == pytest.approx((2, 1, 1), abs=0.02)
    known = (two * images[:, 0] - 2 * one * images[:, 1] + 3 * rising * images[:, 2]) / 64
    torch.testing.assert_close(maps, known)


def test_where_every_channel_has_one_peak_it_is_grad_cam():
    images = 0.5 + 0.1 * torch.linspace(-1, 1, 64).pow(3).view(1, 1, 8, 8).expand(2, 3, -1, -1)
    arguments = (Weighted(), images, ONES, KEYS)
    torch.testing.assert_close(Advise()(*arguments), GradCam()(*arguments))


def test_any_layer_and_no_other():
    images = torch.rand(2, 3, 16, 16)
    model = small_network()
    assert not torch.equal(Advise(layer="0")(model, images, ONES, KEYS), Advise()(model, images, ONES, KEYS))
    with pytest.raises(ExplanationError, match="'layer4' is none of Sequential's"):
        Advise(layer="layer4")(model, images, ONES, KEYS)
