"""Images with additive normal noise of their own."""

from torch import Tensor

from tasks.functional.noise import normal


def noisy(images: Tensor, sigma: float, seed: int, tile_keys: Tensor, draw: int) -> Tensor:
    """Return images [B, C, H, W] + sigma x standard normal noise of (seed, tile key, draw), not clamped."""
    return images + sigma * normal(seed, tile_keys, draw, images.shape[1:]).to(images)
