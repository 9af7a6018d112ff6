"""Random poses and colours for a whole batch at once, on the device of the batch.

The few random numbers per tile are drawn on the CPU, so a batch changes in the same way on every device.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.training.recipe import AugmentationRecipe
from tasks.training.stain import change_stains


@dataclass(frozen=True)
class Changes:
    """The changes of B tiles, drawn for all at once, so that a part of them changes as in the whole batch.

    ``poses`` is bool [3, B], ``stains`` [B, 2, 3] a factor and a shift of each stain, ``brightness`` [B, 1] a
    factor. None means no change.
    """

    poses: Tensor
    stains: Tensor | None
    brightness: Tensor | None

    def of(self, tiles: slice) -> "Changes":
        """Return the changes of some of the tiles."""
        stains = None if self.stains is None else self.stains[tiles]
        return Changes(
            self.poses[:, tiles], stains, None if self.brightness is None else self.brightness[tiles]
        )


def augment(images: Tensor, recipe: AugmentationRecipe, generator: torch.Generator) -> Tensor:
    """Return changed copies of RGB images [B, 3, P, P] in [0, 1]; ``generator`` lives on the CPU."""
    return change(images, draw_changes(len(images), recipe, generator))


def draw_changes(count: int, recipe: AugmentationRecipe, generator: torch.Generator) -> Changes:
    """Return the changes of ``count`` tiles, on the CPU."""
    poses = draw_poses(count, recipe, generator)
    stains = brightness = None
    if recipe.stain_scale or recipe.stain_shift:
        scale = 1 + recipe.stain_scale * _draw(generator, count, 3)
        stains = torch.stack([scale, recipe.stain_shift * _draw(generator, count, 3)], dim=1)
    if recipe.brightness:
        brightness = 1 + recipe.brightness * _draw(generator, count, 1)
    return Changes(poses, stains, brightness)


def change(images: Tensor, changes: Changes) -> Tensor:
    """Return copies of RGB images [B, 3, P, P] in [0, 1] with the ``changes`` of these B tiles."""
    images = pose(images, changes.poses)
    if changes.stains is not None:
        scale, shift = changes.stains.to(images, non_blocking=True).unbind(1)
        images = change_stains(images, scale, shift)
    if changes.brightness is not None:
        factor = changes.brightness.to(images, non_blocking=True)
        images = (images * factor[:, :, None, None]).clamp(0, 1)
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
    """Return images [B, C, P, P] mirrored and turned as bool [3, B] says; pixels only move."""
    horizontal, vertical, swap = poses.to(images.device, non_blocking=True)[:, :, None, None, None]
    images = torch.where(horizontal, images.flip(3), images)
    images = torch.where(vertical, images.flip(2), images)
    return torch.where(swap, images.transpose(2, 3), images)


def _draw(generator: torch.Generator, count: int, width: int) -> Tensor:
    """Return [count, width] in [-1, 1)."""
    return 2 * torch.rand(count, width, generator=generator) - 1
