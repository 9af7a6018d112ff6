"""Multiplicative noise on the weights of a model, inside a block.

Source: Bykov, Hedstroem, Nakajima and Hoehne (2022), arXiv:2106.10185: w * eta with eta ~ N(1, sigma^2).
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn

from tasks.functional.kept_weights import kept_weights
from tasks.functional.noise import seed_of


class WeightNoiseError(ValueError):
    """Noise that cannot be applied to a model. One sentence says why."""


@contextmanager
def weight_noise(
    model: nn.Module, sigma: float, seed: int, draw: int, parameters: Sequence[str] | None = None
) -> Iterator[nn.Module]:
    """Yield ``model`` with each named parameter w as w * (1 + sigma * eta), eta standard normal.

    ``eta`` depends on (seed, draw, name) and the kind of device alone: not on earlier noise, on which other
    parameters are named, or on ``sigma``. Each block starts from the original weights and restores them bit
    for bit, whatever happens inside. Buffers, such as the running statistics of BatchNorm, are not parameters
    and stay. A backward pass belongs inside the block: torch refuses one after the weights are restored.

    Args:
        model: anything with parameters.
        sigma: standard deviation of the factor, at least 0; 0 leaves the weights alone.
        seed: of all draws.
        draw: number of the draw.
        parameters: names as in ``named_parameters``; None means all.

    Raises:
        WeightNoiseError: ``sigma`` is negative or not finite, or a name is no parameter of the model.
    """
    if not (math.isfinite(sigma) and sigma >= 0):
        raise WeightNoiseError(f"sigma is {sigma}; weight noise needs a finite number of at least 0")
    chosen = named(model, parameters)
    with kept_weights(chosen if sigma else {}) as saved:
        with torch.no_grad():
            for name, eta in _drawn(saved, seed, draw):
                # In place: new memory for every weight at each step costs more than the arithmetic.
                torch.mul(eta.mul_(sigma).add_(1), saved[name], out=chosen[name])
        yield model


def named(model: nn.Module, parameters: Sequence[str] | None) -> Mapping[str, nn.Parameter]:
    """Return the parameters of ``model`` by name: all, or those that are named.

    Raises:
        WeightNoiseError: a name is no parameter of the model.
    """
    own = dict(model.named_parameters())
    if parameters is None:
        return own
    strange = sorted(set(parameters) - own.keys())
    if strange:
        raise WeightNoiseError(f"the model has no parameter {strange[0]!r}; it has {', '.join(own)}")
    return {name: own[name] for name in parameters}


def _drawn(weights: Mapping[str, Tensor], seed: int, draw: int) -> Iterator[tuple[str, Tensor]]:
    """Yield the noise of each parameter, by name, the largest first."""
    names = sorted(weights, key=lambda name: -weights[name].numel())

    def eta(name: str) -> Tensor:
        return _eta(weights[name], seed_of(seed, draw, name))

    on_cpu = all(values.device.type == "cpu" for values in weights.values())
    # PyTorch draws on one core. Each parameter has its own generator, so the order does not matter.
    yield from zip(names, _drawers().map(eta, names) if on_cpu else map(eta, names), strict=True)


@cache
def _drawers() -> ThreadPoolExecutor:
    """Return threads that only draw: PyTorch's parallel code in them would start more threads."""
    return ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="weight_noise")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawers.cache_clear)  # threads do not survive it


def _eta(weights: Tensor, seed: int) -> Tensor:
    # Drawn on the device of the weights: the public code is slow since it transfers every weight per draw.
    generator = torch.Generator(weights.device).manual_seed(seed)
    eta = torch.randn(weights.shape, generator=generator, device=weights.device, dtype=torch.float32)
    return eta.to(weights.dtype)
