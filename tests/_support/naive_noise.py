"""NoiseGrad and FusionGrad the plain way: one image at a time, all weights reloaded for each draw."""

import copy

import torch
from torch import Tensor, nn

from tasks.functional.gradients import input_gradient
from tasks.functional.noise import normal, seed_of


def noisy_copy(model: nn.Module, sigma: float, seed: int, draw: int) -> nn.Module:
    """Return a copy of ``model`` in eval mode with the weights of one draw."""
    noisy = copy.deepcopy(model).eval()
    noisy.load_state_dict(model.state_dict())
    with torch.no_grad():
        for name, parameter in noisy.named_parameters():
            generator = torch.Generator().manual_seed(seed_of(seed, draw, name))
            parameter.mul_(1 + sigma * torch.randn(parameter.shape, generator=generator))
    return noisy


def naive_noisegrad(
    model: nn.Module, tensors: tuple[Tensor, Tensor, Tensor], sigma: float, seed: int, draws: int
) -> Tensor:
    """Return [B, H, W], the mean gradient over noisy copies, channels summed."""
    maps = []
    for image, target, _ in zip(*tensors, strict=True):
        drawn = [
            input_gradient(noisy_copy(model, sigma, seed, draw), image[None], target[None])[0].sum(0)
            for draw in range(draws)
        ]
        maps.append(torch.stack(drawn).double().mean(0))
    return torch.stack(maps).float()


def naive_fusiongrad(
    model: nn.Module,
    tensors: tuple[Tensor, Tensor, Tensor],
    sigmas: tuple[float, float],
    seed: int,
    counts: tuple[int, int],
) -> Tensor:
    """Return [B, H, W] over draws x samples; ``sigmas`` are those that act, of weights and of images."""
    maps = []
    for image, target, key in zip(*tensors, strict=True):
        drawn = []
        for draw in range(counts[0]):
            noisy = noisy_copy(model, sigmas[0], seed, draw)
            for sample in range(counts[1]):
                noise = normal(seed, key[None], draw * counts[1] + sample, image.shape)
                gradient = input_gradient(noisy, image[None] + sigmas[1] * noise, target[None])
                drawn.append(gradient[0].sum(0))
        maps.append(torch.stack(drawn).double().mean(0))
    return torch.stack(maps).float()
