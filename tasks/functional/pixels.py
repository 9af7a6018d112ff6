"""From stored pixels to the network's input."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_images(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return float32 [B, 3, H, W] in [0, 1] on ``device`` of uint8 pixels [B, H, W, 3]."""
    # Bytes cross to the device, floats are made there: a quarter of the traffic.
    return channels_last_images(as_tensor(pixels).to(device)).contiguous()


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Return uint8 pixels as a tensor on the CPU that may be written: a copy where the array may not."""
    return torch.from_numpy(np.require(pixels, requirements=["C", "W"]))


def channels_last_images(pixels: Tensor) -> Tensor:
    """Return float32 [B, 3, H, W] in [0, 1] of uint8 [B, H, W, 3], in the memory order of ``pixels``."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255.0)


def spans(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most ``size`` that cover range(count) in order."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def batch_spans(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most ``size`` that cover range(count) in order, of few lengths whatever the count.

    What is left after the full ones is split by powers of two. The libraries behind a network keep memory for
    every batch size that they have met: a cohort of slides, each with a last batch of its own size, would
    otherwise take more with each slide.
    """
    full = count - count % size
    yield from spans(full, size)
    start = full
    while start < count:
        length = 1 << ((count - start).bit_length() - 1)
        yield slice(start, start + length)
        start += length


def forward_in_batches(model: Callable[[Tensor], Tensor], images: Tensor, batch: int) -> Tensor:
    """Return the model's output [N, ...] for images [N, C, H, W], ``batch`` at a time, without gradients."""
    with torch.no_grad():
        return torch.cat([model(images[span]) for span in spans(len(images), batch)])
