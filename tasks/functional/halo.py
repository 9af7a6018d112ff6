"""The halo: pixels around a tile that are read so that its border is explained like its middle."""

from torch import Tensor


def middle(values: Tensor, halo_px: int) -> Tensor:
    """Return [..., H, W], a view: values [..., H + 2 halo_px, W + 2 halo_px] without the halo."""
    if not halo_px:
        return values
    return values[..., halo_px:-halo_px, halo_px:-halo_px]


def put_in_middle(surrounded: Tensor, images: Tensor, halo_px: int) -> Tensor:
    """Return a copy of surrounded tiles [B, C, ...] whose middle is ``images`` [B, C, H, W]."""
    result = surrounded.clone()
    middle(result, halo_px).copy_(images)
    return result


def images_at_once(batch: int, tile_px: int, halo_px: int) -> int:
    """Return how many surrounded tiles hold about as many pixels as ``batch`` tiles; at least one."""
    return max(1, batch * tile_px**2 // (tile_px + 2 * halo_px) ** 2)
