"""Colour statistics: 27 numbers on the colours of a tile, an encoder without weights."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tasks.artifacts.feature_set import EncoderFacts
from tasks.functional.colour import optical_density
from tasks.models.encoders.base import Encoder

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class ColourStatistics(Encoder):
    """Per channel of optical density: mean, standard deviation, five quantiles, and two of its roughness.

    Nothing is learned, so what a study finds with it is a lower limit: an encoder that does not beat it has
    learned nothing that colours do not tell.
    """

    source: ClassVar[str] = "ours"

    def facts(self) -> EncoderFacts:
        """Its name; there are no weights."""
        return EncoderFacts(name=self.name, licence="of this package")

    def build(self) -> nn.Module:
        """Return the network."""
        return ColourStatisticsNetwork().eval()


class ColourStatisticsNetwork(nn.Module):
    """Maps images [B, 3, H, W] in [0, 1] to features [B, 27]."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the statistics, nine of each channel."""
        density = optical_density(images)
        flat = density.flatten(2)
        quantiles = torch.quantile(flat, torch.tensor(QUANTILES, device=flat.device), dim=2)
        across, down = density.diff(dim=3).abs().flatten(2), density.diff(dim=2).abs().flatten(2)
        parts = [
            flat.mean(2),
            flat.std(2, unbiased=False),
            *quantiles,
            (across.mean(2) + down.mean(2)) / 2,
            torch.maximum(across.amax(2), down.amax(2)),
        ]
        return torch.stack(parts, dim=2).flatten(1)
