"""The lowest pixels of each image, chosen by rank, so that one extreme pixel cannot decide the mask."""

from torch import Tensor

from tasks.functional.ranking import descending_ranks
from tasks.training_step.step import Step


def pixel_ranks(step: Step, values: Tensor | None) -> Tensor:
    """Return int64 [B, H x W]: the rank of each pixel of an image, 0 for the lowest of ``values``.

    ``values`` is float [B, H, W]; ties are in random order, and with None all pixels tie.
    """
    ties = step.uniform(step.images[:, 0]).flatten(1)
    return descending_ranks(ties if values is None else -values.flatten(1), ties)


def lowest(step: Step, values: Tensor | None, share: float) -> Tensor:
    """Return bool [B, 1, H, W]: exactly round(``share`` x pixels) of each image, the lowest ranks."""
    order = pixel_ranks(step, values)
    return (order < round(share * order.shape[1])).view(-1, 1, *step.images.shape[2:])
