"""Small networks with known answers, and what it means that a network is left as it was found."""

import hashlib

import numpy as np
import torch
from torch import Tensor, nn


def small_network(seed: int = 0, classes: int = 2) -> nn.Module:
    """A convolutional network with BatchNorm and dropout, in the oddest state a guest may find it in."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Conv2d(6, 8, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, classes),
        )
        model[1].running_mean.normal_()
        model[1].running_var.uniform_(0.5, 2.0)
        model[0].bias.grad = torch.randn(6)
    model[4].weight.requires_grad_(False)
    model.train()
    model[3].eval()
    return model


class LinearNetwork(nn.Module):
    """Logits (0, sum of weight x image): the margin is linear, the gradient is the weight [C, H, W]."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, 2]."""
        margin = (images * self.weight).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


class PowerNetwork(nn.Module):
    """Logits (0, sum of weight x image ** power)."""

    def __init__(self, weight: Tensor, power: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.power = power

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, 2]."""
        margin = (images**self.power * self.weight).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


class FailingError(RuntimeError):
    """What a :class:`FailingNetwork` raises."""


class FailingNetwork(nn.Module):
    """A network that works ``calls`` times and then raises."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.inner = small_network()
        self.left = calls

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [B, 2] or raise."""
        if self.left == 0:
            raise FailingError("on purpose")
        self.left -= 1
        logits: Tensor = self.inner(images)
        return logits


def state_of(model: nn.Module) -> dict[str, object]:
    """Return all that a guest must leave: weights by hash, modes, grads, flags, hooks, generators.

    Without Python's own generator: threads of libraries draw from it at any time. Our code cannot, by ruff.
    """
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    hooks = [
        len(table)
        for module in model.modules()
        for name, table in sorted(vars(module).items())
        if name.endswith("_hooks")
    ]
    tensor_hooks = [len(p._backward_hooks or {}) for p in model.parameters()]
    return {
        "weights": digest.hexdigest(),
        "modes": [module.training for module in model.modules()],
        "requires_grad": [p.requires_grad for p in model.parameters()],
        "grads": [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        "hooks": hooks + tensor_hooks,
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "torch": torch.get_rng_state().tolist(),
        "numpy": [str(part) for part in np.random.get_state()],
    }
