"""A share of each image's pixels, by rank: a scale of values would let one hot pixel set the mask."""

from torch import Tensor

from tasks.functional.ranking import descending_ranks
from tasks.training_step.step import Step


def places(step: Step, values: Tensor | None) -> Tensor:
    """Return int64 [B, H x W]: the place of each pixel of an image from the lowest of ``values``, from 0.

    ``values`` is float [B, H, W]; equal ones are put in random order, and with None all are equal.
    """
    ties = step.uniform(step.images[:, 0]).flatten(1)
    return descending_ranks(ties if values is None else -values.flatten(1), ties)


def lowest(step: Step, values: Tensor | None, share: float) -> Tensor:
    """Return bool [B, 1, H, W]: exactly round(``share`` x pixels) of each image, the first :func:`places`."""
    order = places(step, values)
    return (order < round(share * order.shape[1])).view(-1, 1, *step.images.shape[2:])
