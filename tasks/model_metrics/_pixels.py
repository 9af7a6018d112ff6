"""The pixels of each tile that lie lowest by the saliency of the label."""

from torch import Tensor

from tasks.functional.ranking import descending_ranks, tie_keys


def lowest_pixels(saliency: Tensor | None, share: float, images: Tensor, keys: Tensor, seed: int) -> Tensor:
    """Return bool [B, 1, H, W]: exactly round(``share`` x pixels) of each image, those of lowest saliency.

    Args:
        saliency: float [B, H, W]; None: the pixels are chosen at random.
        share: of all pixels.
        images: [B, 3, H, W].
        keys: int64 [B], the tile keys that ties are drawn by.
        seed: of the ties.
    """
    pixels = images[0, 0].numel()
    ties = tie_keys(seed, keys, "lowest pixels", pixels)
    order = descending_ranks(ties if saliency is None else -saliency.flatten(1), ties)
    return (order < round(share * pixels)).view(-1, 1, *images.shape[2:])
