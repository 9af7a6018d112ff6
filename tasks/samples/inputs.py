"""What a model is asked about: images, or bags of features with a mask."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

ABOUT = ("x_um", "y_um", "darkness", "tissue_fraction")
"""What is known of a tile beside its features, in the order of :attr:`Bags.about`: the centre of the tile in
micrometres from the corner of the slide, its mean optical density, and the fraction of it that is tissue."""


class Bags(NamedTuple):
    """Bags padded to one length.

    ``features`` float [B, N, D]; ``mask`` bool [B, N], True on real tiles. ``about`` float [B, N, 4] holds
    :data:`ABOUT` of each tile, NaN where it is not known; None where nobody asks. No model sees it.
    ``tile_keys`` int64 [B, N] name the tiles for random draws, see :mod:`tasks.samples.tile_names`. They are
    given where features were changed, so that noise stays with its tile; None: the features name the tile.
    """

    features: Tensor
    mask: Tensor
    about: Tensor | None = None
    tile_keys: Tensor | None = None


Inputs = Tensor | Bags
"""Images [B, C, H, W] or bags. Inputs of several steps have a further axis in front: [S, B, ...]."""


def ask(network: nn.Module, inputs: Inputs) -> Tensor:
    """Return the logits [B, K]: ``network(images)`` or ``network(features, mask)``."""
    if isinstance(inputs, Bags):
        logits: Tensor = network(inputs.features, inputs.mask)
        return logits
    return network(inputs)  # type: ignore[no-any-return]


def each(change: Callable[[Tensor], Tensor], inputs: Inputs) -> Inputs:
    """Return the inputs with every tensor changed."""
    if not isinstance(inputs, Bags):
        return change(inputs)
    features, mask, about, tile_keys = inputs
    return Bags(
        change(features),
        change(mask),
        None if about is None else change(about),
        None if tile_keys is None else change(tile_keys),
    )


def leading(inputs: Inputs, axes: int = 1) -> tuple[int, ...]:
    """Return the sizes of the first axes."""
    tensor = inputs.mask if isinstance(inputs, Bags) else inputs
    return tuple(tensor.shape[:axes])
