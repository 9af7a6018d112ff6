"""What BatchNorm learns, and from what."""

import pytest
import torch
from torch import nn

from tasks.training_step.batchnorm import reestimate, untracked


def test_untracked_batches_normalise_themselves_and_leave_no_trace():
    layer = nn.BatchNorm2d(3)
    images = 5 + torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    with untracked(layer):
        out = layer(images)
    assert out.mean().abs() < 1e-6
    assert torch.equal(layer.running_mean, torch.zeros(3))
    assert layer.num_batches_tracked == 0
    assert layer.track_running_stats
    layer(images)
    assert layer.num_batches_tracked == 1


def test_untracked_in_eval_mode_uses_the_running_statistics():
    layer = nn.BatchNorm2d(3).eval()
    images = 5 + torch.randn(16, 3, 4, 4)
    with untracked(layer):
        assert torch.equal(layer(images), layer(images.clone()))
        assert layer(images).mean() > 4


def test_untracked_is_undone_after_an_exception():
    layer = nn.BatchNorm2d(3)
    with pytest.raises(ValueError, match="4D"), untracked(layer):
        layer(torch.rand(2, 3))
    assert layer.track_running_stats


def test_reestimated_statistics_are_the_plain_mean_over_batches():
    layer = nn.BatchNorm2d(3).eval()
    layer.running_mean.fill_(99)
    images = torch.rand(12, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    reestimate(layer, images.split(4))
    means = torch.stack([part.mean((0, 2, 3)) for part in images.split(4)]).mean(0)
    variances = torch.stack([part.transpose(0, 1).flatten(1).var(1) for part in images.split(4)]).mean(0)
    assert torch.allclose(layer.running_mean, means)
    assert torch.allclose(layer.running_var, variances)
    assert layer.momentum == 0.1
    assert not layer.training
