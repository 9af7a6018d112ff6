"""A share of each image's pixels, by rank: a scale of values would let one hot pixel set the mask."""

from torch import Tensor

from tasks.functional.ranking import descending_ranks
from tasks.regularizers._step import Step


def lowest(step: Step, values: Tensor | None, share: float) -> Tensor:
    """Return bool [B, 1, H, W]: exactly round(``share`` x pixels) of each image, those of lowest ``values``.

    ``values`` is float [B, H, W]; equal ones are taken at random, and with None all are equal.
    """
    ties = step.uniform(step.images[:, 0]).flatten(1)
    places = descending_ranks(ties if values is None else -values.flatten(1), ties)
    return (places < round(share * places.shape[1])).view(-1, 1, *step.images.shape[2:])
