"""One training step on random tiles and a tiny network, for tests of regularizers."""

from contextlib import suppress

import torch
from torch import nn

from tasks.functional.final_map import NoFinalMapError
from tasks.models.bag_classifier import BagClassifier, build_bag_classifier
from tasks.models.classifier import Classifier, build_classifier
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.base import BagModel
from tasks.models.recipe import NetworkRecipe
from tasks.regularizers.base import Regularizer
from tasks.training.objective import Arm
from tasks.training_step.step import Batch, Step

MEAN, STD = (0.7, 0.55, 0.65), (0.2, 0.2, 0.2)
FEATURE_MEAN, FEATURE_STD = torch.arange(5.0), torch.tensor([0.5, 1.0, 2.0, 1.0, 3.0])


def tiny_classifier(seed: int = 0) -> Classifier:
    """A ResNet-18 of 4 to 32 channels, in train mode."""
    return build_classifier(NetworkRecipe(width=0.0625), 2, MEAN, STD, seed).train()


def linear_classifier(scale: float = 1.0, tile_px: int = 32, seed: int = 0) -> Classifier:
    """Two logits that are linear in the raw pixels: the gradient of a margin is a difference of weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer = nn.Conv2d(3, 2, tile_px)
    with torch.no_grad():
        layer.weight.normal_(0, scale / tile_px, generator=torch.Generator().manual_seed(seed))
    return Classifier(nn.Sequential(layer, nn.Flatten()), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).train()


def tiny_bag_classifier(seed: int = 0, model: BagModel | None = None) -> BagClassifier:
    """Attention pooling of eight numbers, in train mode, without dropout: forward passes draw nothing."""
    model = model or Abmil(embed=8, attention=4, dropout=0)
    return build_bag_classifier(model, 2, FEATURE_MEAN, FEATURE_STD, seed).train()


def random_bags(count: int = 8, seed: int = 0) -> Batch:
    """Random bags of 1 to 9 tiles with labels 0 1 0 1 ... among a hundred; padding holds zeros."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(9)[None] < (1 + torch.arange(count) * 5 % 9)[:, None]
    features = FEATURE_MEAN + FEATURE_STD * torch.randn(count, 9, 5, generator=generator)
    return Batch(
        images=features * mask[:, :, None],
        labels=torch.arange(count) % 2,
        positions=torch.arange(count) * 3,
        dataset_size=100,
        mask=mask,
    )


def random_batch(count: int = 8, tile_px: int = 32, seed: int = 0) -> Batch:
    """Random tiles with labels 0 1 0 1 ... among a hundred."""
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        images=torch.rand(count, 3, tile_px, tile_px, generator=generator),
        labels=torch.arange(count) % 2,
        positions=torch.arange(count) * 3,
        dataset_size=100,
    )


def make_arm(*regularizers: Regularizer, seed: int = 0) -> Arm:
    """An arm at the start of an epoch."""
    streams = [torch.Generator().manual_seed(seed + index) for index in range(len(regularizers))]
    return Arm(regularizers, streams, [{} for _ in regularizers])


def make_step(
    model: Classifier | BagClassifier, arm: Arm, batch: Batch | None = None, amp: bool = False
) -> Step:
    """A late step, when every warm-up and ramp is over, of a network that training has looked at."""
    if isinstance(model, BagClassifier):
        batch = batch or random_bags()
    else:
        batch = batch or random_batch()
        with suppress(NoFinalMapError):
            model.settle(batch.images.to(next(model.parameters()).dtype))
    return Step(
        model=model,
        batch=batch,
        epoch=100,
        progress=0.9,
        amp=amp,
        cached=arm.cached,
    )
