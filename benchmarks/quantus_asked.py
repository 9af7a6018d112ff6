"""One way to ask Quantus about the stored tiles, whatever the metric."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.quantus_inputs import TARGET, TILES, Inputs, gradient, stored_network

WHITE = 1.0
PLAIN = {"disable_warnings": True, "normalise": False, "abs": False, "return_aggregate": False}
"""Nothing is rescaled, averaged or made positive."""

Metric = Callable[..., object]


@dataclass(frozen=True)
class Asked:
    """Quantus, asked about tiles [N, C, H, W] with target 1."""

    network: nn.Module
    images: NDArray
    maps: NDArray
    squares: NDArray
    masks: NDArray
    noise: NDArray

    @property
    def targets(self) -> NDArray:
        """int64 [N]."""
        return np.full(TILES, TARGET)

    def __call__(
        self,
        metric: Metric,
        maps: NDArray | None = None,
        softmax: bool = False,
        count: int = TILES,
        batch: int = TILES,
    ) -> object:
        """Return the scores of ``maps``, by default the signed maps, of the first ``count`` tiles."""
        maps = self.maps if maps is None else maps
        return metric(
            model=self.network,
            x_batch=self.images[:count].copy(),
            y_batch=self.targets[:count],
            a_batch=maps[:count].copy(),
            s_batch=self.masks[:count],
            explain_func=explained,
            softmax=softmax,
            device="cpu",
            batch_size=batch,
        )


def grey_tiles(inputs: Inputs) -> Asked:
    """Return the grey tiles with the stored network."""
    return Asked(
        network=stored_network(inputs),
        images=(inputs["grey"][:, None] / 255.0).astype(np.float32),
        maps=inputs["maps"][:, None],
        squares=inputs["squares"][:, None],
        masks=inputs["masks"][:, None],
        noise=inputs["noise"],
    )


def explained(model: nn.Module, inputs: NDArray, targets: NDArray, **_: object) -> NDArray:
    """Return the plain gradient maps [B, 1, H, W]."""
    images = torch.as_tensor(inputs, dtype=torch.float32)
    return gradient(model, images, torch.as_tensor(targets))[:, None].numpy()
