"""AdamW with a cosine schedule that depends on the step alone, so no scheduler state must be saved."""

import math

import torch
from torch import nn

from tasks.training.recipe import TrainingRecipe


def make_optimizer(model: nn.Module, recipe: TrainingRecipe) -> torch.optim.AdamW:
    """Return AdamW with weight decay on matrices and kernels alone."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)


def learning_rate(recipe: TrainingRecipe, step: int, steps: int) -> float:
    """Return the rate of step ``step`` (from 0) of ``steps``: linear warm-up, then half a cosine to 0."""
    warming = round(recipe.warmup * steps)
    if step < warming:
        return recipe.lr * (step + 1) / warming
    progress = (step - warming) / max(1, steps - warming)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * progress))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the same rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
