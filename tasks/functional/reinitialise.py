"""A network as before training."""

import copy
import math

import torch
from torch import nn

from tasks.functional.noise import seed_of


def reinitialised(model: nn.Module, seed: int) -> nn.Module:
    """Return a deep copy of ``model`` with new weights. The global generators are not used.

    Weights of two or more axes are drawn from He's normal law (fan-in), each from a generator of (seed,
    its name); one-axis weights become 1, biases 0; running statistics become mean 0 and variance 1. Other
    buffers (the normalisation of the input) are kept.

    Source: He et al. (2015), arXiv:1502.01852.
    """
    fresh = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in fresh.named_parameters():
            _refill(name, parameter, seed)
        for module in fresh.modules():
            _forget_statistics(module)
    return fresh


def _refill(name: str, parameter: nn.Parameter, seed: int) -> None:
    if parameter.ndim >= 2:
        # Drawn on the CPU: the same network on every device.
        generator = torch.Generator().manual_seed(seed_of(seed, name))
        fan_in = math.prod(parameter.shape[1:])
        values = torch.randn(parameter.shape, generator=generator) * math.sqrt(2.0 / fan_in)
        parameter.copy_(values.to(parameter))
    else:
        parameter.fill_(0.0 if name.endswith("bias") else 1.0)


def _forget_statistics(module: nn.Module) -> None:
    for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
        buffer = getattr(module, name, None)
        if isinstance(buffer, torch.Tensor):
            buffer.fill_(value)
