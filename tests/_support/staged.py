"""A network of two hidden stages and a head, small enough to write its Jacobians down."""

import torch
from torch import Tensor, nn

from tasks.models.classifier import Classifier
from tasks.training_step.step import Batch


class Staged(Classifier):
    """a1 = W1 x + b1, a2 = W2 phi(a1) + b2, logits = W3 phi(a2) + b3; float64, in train mode, no BatchNorm.

    Images [B, 3, 4, 4] are taken as they come; the stages are maps [B, 5, 1, 1] and [B, 4, 1, 1].
    """

    def __init__(self, activation: nn.Module, classes: int = 3, seed: int = 0) -> None:
        layers = [nn.Conv2d(3, 5, 4), activation, nn.Conv2d(5, 4, 1), activation]
        super().__init__(nn.Sequential(*layers, nn.Flatten(), nn.Linear(4, classes)), (0, 0, 0), (1, 1, 1))
        generator = torch.Generator().manual_seed(seed)
        self.double().train()
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2

    @property
    def pre_activation_layers(self) -> tuple[nn.Module, ...]:
        return self.network[0], self.network[2]

    @property
    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """W1 [5, 48], W2 [4, 5], W3 [K, 4]."""
        return tuple(self.network[place].weight.detach().flatten(1) for place in (0, 2, 5))

    def jacobians(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return da1/dx, da2/dx, df/dx, [B, values, 48] each, written down by the chain rule."""
        first, second, head = self.matrices
        (one, two), _ = self.observe(images, self.pre_activation_layers)
        hidden = second * self._slope(one)[:, None, :] @ first
        return first.expand(len(images), -1, -1), hidden, head * self._slope(two)[:, None, :] @ hidden

    def _slope(self, values: Tensor) -> Tensor:
        """Return phi' at ``values``, [B, C]."""
        flat = values.flatten(1).detach().requires_grad_()
        return torch.autograd.grad(self.network[1](flat).sum(), flat)[0]


def repeated_batch(tiles: int = 6, times: int = 1, seed: int = 0) -> Batch:
    """The same few tiles of 4 px many times over: a mean over the batch is one over draws."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(tiles, 3, 4, 4, generator=generator, dtype=torch.float64).repeat(times, 1, 1, 1)
    count = len(images)
    return Batch(images, torch.arange(count) % 2, torch.arange(count), count)
