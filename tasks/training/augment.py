"""Random poses and colours for a whole batch at once, on the device of the batch.

The few random numbers a tile needs are drawn on the CPU, so a batch is changed alike on every device.
"""

import torch
from torch import Tensor

from tasks.training.recipe import AugmentationRecipe
from tasks.training.stain import change_stains


def augment(images: Tensor, recipe: AugmentationRecipe, generator: torch.Generator) -> Tensor:
    """Return changed copies of RGB images [B, 3, P, P] in [0, 1]; ``generator`` lives on the CPU."""
    images = pose(images, draw_poses(len(images), recipe, generator))
    if recipe.stain_scale or recipe.stain_shift:
        scale = 1 + recipe.stain_scale * _draw(generator, len(images), 3)
        shift = recipe.stain_shift * _draw(generator, len(images), 3)
        images = change_stains(images, scale.to(images), shift.to(images))
    if recipe.brightness:
        factor = 1 + recipe.brightness * _draw(generator, len(images), 1)
        images = (images * factor.to(images)[:, :, None, None]).clamp(0, 1)
    return images


def draw_poses(count: int, recipe: AugmentationRecipe, generator: torch.Generator) -> Tensor:
    """Return bool [3, B]: mirror left to right, mirror top to bottom, then swap the axes.

    The eight combinations are the eight poses of a square; those with an even number of true values are
    its four rotations.
    """
    flips = torch.randint(0, 2, (3, count), generator=generator).bool()
    horizontal, vertical, swap = flips
    if recipe.flip and recipe.rotate:
        return flips
    if recipe.flip:
        return torch.stack([horizontal, vertical, torch.zeros_like(swap)])
    if recipe.rotate:
        return torch.stack([horizontal, horizontal ^ swap, swap])
    return torch.zeros_like(flips)


def pose(images: Tensor, poses: Tensor) -> Tensor:
    """Return images [B, C, P, P] mirrored and turned as bool [3, B] says; pixels only change place."""
    horizontal, vertical, swap = poses.to(images.device)[:, :, None, None, None]
    images = torch.where(horizontal, images.flip(3), images)
    images = torch.where(vertical, images.flip(2), images)
    return torch.where(swap, images.transpose(2, 3), images)


def _draw(generator: torch.Generator, count: int, width: int) -> Tensor:
    """Return [count, width] in [-1, 1)."""
    return 2 * torch.rand(count, width, generator=generator) - 1
