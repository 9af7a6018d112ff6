"""How the public code of NoiseGrad and FusionGrad goes about it, and the same work in one batch.

The procedure, as it was read off its behaviour: one image at a time; for each weight draw the weights are
loaded anew, and noise for every parameter is drawn on the CPU and carried to the device; forward and backward
are made for that one image; all maps are kept and averaged at the end; the network is left noisy.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tasks.functional.gradients import target_margin

Procedure = Callable[[], Tensor]


def public_procedure(
    model: nn.Module, images: Tensor, targets: Tensor, draws: int, samples: int, sigma: float
) -> Tensor:
    """Return maps [B, H, W], one image at a time; ``samples`` noisy images a draw, 0 for the image itself.

    ``model`` is left as it was found: whoever calls the public code has to see to that.
    """
    weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
    maps = [
        _public_map(model, weights, (image[None], target[None]), (draws, samples), sigma)
        for image, target in zip(images, targets, strict=True)
    ]
    model.load_state_dict(weights)
    return torch.stack(maps)


def _public_map(
    model: nn.Module,
    weights: dict[str, Tensor],
    one: tuple[Tensor, Tensor],
    counts: tuple[int, int],
    sigma: float,
) -> Tensor:
    image, target = one
    kept = []
    for _ in range(counts[0]):
        model.load_state_dict(weights)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(torch.normal(1.0, sigma, parameter.shape).to(parameter.device))
        if counts[1] == 0:
            kept.append(_map(model, image, target))
        for _ in range(counts[1]):
            noise = torch.normal(0.0, sigma, image.shape).to(image.device)
            kept.append(_map(model, image + noise, target))
    return torch.cat(kept).mean(0)


def batched(
    model: nn.Module, images: Tensor, targets: Tensor, draws: int, samples: int, sigma: float
) -> Tensor:
    """Return maps [B, H, W] with the same numbers of draws in plain torch: all images share each of them."""
    weights = [parameter.detach().clone() for parameter in model.parameters()]
    total = torch.zeros_like(images[:, 0])
    for _ in range(draws):
        with torch.no_grad():
            for parameter, kept in zip(model.parameters(), weights, strict=True):
                parameter.copy_(kept * (1 + sigma * torch.randn_like(kept)))
        if samples == 0:
            total += _map(model, images, targets)
        for _ in range(samples):
            total += _map(model, images + sigma * torch.randn_like(images), targets)
    with torch.no_grad():
        for parameter, kept in zip(model.parameters(), weights, strict=True):
            parameter.copy_(kept)
    return total / (draws * max(1, samples))


def _map(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    leaf = images.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(target_margin(model(leaf), targets).sum(), leaf)
    return gradient.abs().sum(1)
