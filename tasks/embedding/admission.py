"""Whether an encoder can be used, found out before any slide is read."""

import torch

from tasks.functional.foreign_errors import SaidAs
from tasks.models.encoders.base import Encoder
from tasks.models.errors import ModelError


def check_encoder(encoder: Encoder, tile_px: int, mpp: float) -> int:
    """Make the encoder once, ask it about a light and a dark tile, and return how long its features are.

    Args:
        encoder: which.
        tile_px: side of the tiles in pixels.
        mpp: their micrometres per pixel.

    Raises:
        ModelError: it was made for other tiles, its weights are absent or do not fit, or its features are not
            finite, or not one vector per tile.
    """
    encoder.refuse_tiles(tile_px, mpp)
    network = encoder.build()
    tiles = torch.stack([torch.full((3, tile_px, tile_px), grey) for grey in (0.9, 0.3)])
    with SaidAs(ModelError, f"{encoder.name} cannot encode tiles of {tile_px} px"), torch.no_grad():
        features = network(tiles)
    if features.ndim != 2 or len(features) != len(tiles):
        raise ModelError(
            f"{encoder.name} gives features of shape {list(features.shape)} for two tiles, needed [2, D]"
        )
    if not torch.isfinite(features).all():
        raise ModelError(f"{encoder.name} gives features that are not finite")
    return int(features.shape[1])
