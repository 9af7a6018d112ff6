"""RISE: pixels that are kept by random masks when the margin is high."""

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers._baselines import BaselineExplainer
from tasks.explainers.base import Kind
from tasks.functional.gradients import target_margin
from tasks.functional.noise import seed_of, uniform
from tasks.functional.passes import Passes


class Rise(BaselineExplainer):
    """The mean margin weighted by each random mask, over ``keep``, minus the mean margin: signed.

    The published weight is mean(margin x mask) / keep, which estimates the mean margin where the pixel is
    kept. Its level is the mean margin, equal for all pixels up to chance, so mean(margin) x mean(mask) / keep
    is subtracted. The rest estimates how much keeping the pixel changes the mean margin, and is 0 for a
    constant model. Removed pixels show the baseline, not black.

    Each tile has its own masks, drawn from (``seed``, tile key, draw). Mean and covariance are streamed.
    """

    source: ClassVar[str] = (
        "Petsiuk, Das and Saenko (2018), arXiv:1806.07421; margins for probabilities, a baseline for black, "
        "and the mean taken off"
    )
    kind: ClassVar[Kind] = "contribution"

    draws: int = Field(default=256, ge=2)
    """Masks per tile. The paper uses 4000 to 8000 for photographs."""
    cells: int = Field(default=8, ge=1)
    """Cells of a mask along a side: its random lattice, shifted by part of a cell, is joined linearly."""
    keep: float = Field(default=0.5, gt=0, lt=1)
    """Probability that a node of the lattice is kept."""
    seed: int = Field(default=0, ge=0)

    def with_halo(self, tile_px: int, halo_px: int) -> Self:
        """Return a copy with more cells, about as large in pixels as those of the tile."""
        return self.model_copy(update={"cells": round(self.cells * (tile_px + 2 * halo_px) / tile_px)})

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the covariances of margin and mask over ``keep``, [B, H, W]."""
        baseline = self.baseline_images(model, images)
        mean_margin, mean_mask = torch.zeros_like(images[:, :1, :1, 0]), torch.zeros_like(images[:, 0])
        shared = torch.zeros_like(mean_mask)
        for draw in range(self.draws):
            mask = self.masks(tile_keys, draw, images)
            shown = torch.lerp(baseline, images, mask[:, None])
            off = target_margin(model(shown), targets)[:, None, None] - mean_margin
            mean_margin = mean_margin + off / (draw + 1)
            mean_mask = mean_mask + (mask - mean_mask) / (draw + 1)
            shared += off * (mask - mean_mask)
        return shared / (self.draws * self.keep)

    def passes(self) -> Passes:
        """One forward pass per mask."""
        return Passes(forward=self.draws)

    def masks(self, tile_keys: Tensor, draw: int, images: Tensor) -> Tensor:
        """Return the masks [B, H, W] in [0, 1] of one draw, 1 where the image is kept."""
        nodes = (self.cells + 2, self.cells + 2)
        kept = uniform(seed_of(self.seed, "cells"), tile_keys, draw, nodes) < self.keep
        shift = uniform(seed_of(self.seed, "shift"), tile_keys, draw, (2,))
        rows = self._weights(shift[:, 0], images.shape[2]).to(images)
        columns = self._weights(shift[:, 1], images.shape[3]).to(images)
        return rows @ kept.to(images) @ columns.transpose(1, 2)

    def _weights(self, shift: Tensor, side: int) -> Tensor:
        """Return [B, side, cells + 2]: the linear weights of the lattice's nodes along one shifted side."""
        pixels = (torch.arange(side, device=shift.device, dtype=shift.dtype) + 0.5) / side * self.cells
        # With a shift below one cell, a side of ``cells`` reaches two nodes more than it has cells.
        nodes = torch.arange(self.cells + 2, device=shift.device, dtype=shift.dtype)
        return (1 - (pixels[None, :, None] + shift[:, None, None] - nodes).abs()).clamp_min(0)
