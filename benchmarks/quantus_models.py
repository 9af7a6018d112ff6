"""Models with known answers, and an explainer that keeps what it gave."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn, stack

Explain = Callable[..., NDArray[np.float32]]


class ChannelsApart(nn.Module):
    """Logits (0, number of pixels whose channels differ): of a grey image, how many are half removed."""

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, 2]."""
        apart = (images.amax(1) != images.amin(1)).sum((1, 2)).to(images)
        return stack([apart * 0, apart], dim=1)


class LinearLogits(nn.Module):
    """Logits (0, sum of weight x image, 0) of images [B, 1, H, W]."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, 3]."""
        logit = (images * self.weight).sum((1, 2, 3))
        return stack([logit * 0, logit, logit * 0], dim=1)


@contextmanager
def recorded_maps(explain: Explain) -> Iterator[tuple[Explain, list[NDArray[np.float32]]]]:
    """Yield ``explain`` and the maps that it has given so far."""
    kept: list[NDArray[np.float32]] = []

    def recorder(*arguments: object, **settings: object) -> NDArray[np.float32]:
        kept.append(explain(*arguments, **settings))
        return kept[-1]

    yield recorder, kept
