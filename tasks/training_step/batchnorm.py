"""Which images update BatchNorm's running statistics.

The forward pass on the training input updates the running statistics. Every other forward pass of a step
normalises by its own batch and updates nothing. Otherwise the statistics would describe a mixture of images
that the network never sees in use.

Where several processes train, each holds a part of a batch, but BatchNorm normalises by the whole batch.
``torch.nn.SyncBatchNorm`` does that on accelerators only and cannot be differentiated twice, as a penalty on
gradients must be.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

from tasks.training_step.rank import Rank


@contextmanager
def untracked(model: nn.Module) -> Iterator[None]:
    """Leave running statistics alone inside the block; in train mode batches still normalise themselves."""
    layers = [(m, m.track_running_stats) for m in model.modules() if isinstance(m, _BatchNorm)]
    try:
        for layer, _ in layers:
            # In eval mode torch uses the running statistics whatever this flag says.
            layer.track_running_stats = False
        yield
    finally:
        for layer, tracking in layers:
            layer.track_running_stats = tracking


@contextmanager
def over_whole_batch(model: nn.Module, rank: Rank) -> Iterator[None]:
    """Inside the block, layers in train mode normalise by the whole batch of all processes.

    All processes must make the same passes, forward and backward, in the same order. In eval mode, and
    outside the block, no process waits for another. Keys and values of the state are those of ``model``.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)] if rank.count > 1 else []
    try:
        for layer in layers:
            layer.forward = partial(_normalise, layer, rank)  # type: ignore[method-assign]
        yield
    finally:
        for layer in layers:
            del layer.forward


def _normalise(layer: _BatchNorm, rank: Rank, images: Tensor) -> Tensor:
    """Return the normalised ``images`` [B, C, ...] of this process, by the statistics of the whole batch."""
    if not layer.training:
        return type(layer).forward(layer, images)
    # Half precision would lose the variance of a large batch.
    values = images.to(torch.promote_types(images.dtype, torch.float32))
    axes = [0, *range(2, values.ndim)]
    means, variances = rank.collect(torch.stack(_moments(values, axes))).unbind(1)
    mean = means.mean(0)
    variance = variances.mean(0) + (means - mean).square().mean(0)
    if layer.track_running_stats:
        _remember(layer, mean.detach(), variance.detach(), rank.count * values[:, 0].numel())
    scale = (variance + layer.eps).rsqrt()
    if layer.affine:
        scale = scale * layer.weight
    shape = [1, -1] + [1] * (values.ndim - 2)
    moved = (values - mean.view(shape)) * scale.view(shape)
    return (moved + layer.bias.view(shape) if layer.affine else moved).to(images.dtype)


def _moments(values: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    variance, mean = torch.var_mean(values, axes, correction=0)
    return mean, variance


def _remember(layer: _BatchNorm, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the running statistics towards those of a batch of ``count`` values per channel."""
    if layer.running_mean is None or layer.running_var is None or layer.num_batches_tracked is None:
        return
    layer.num_batches_tracked.add_(1)
    rate = 1 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean.to(layer.running_mean), rate)
    layer.running_var.lerp_((variance * (count / (count - 1))).to(layer.running_var), rate)


def reestimate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the running statistics by their plain mean over ``batches`` of images [B, 3, H, W]."""
    update_bn(batches, model)
