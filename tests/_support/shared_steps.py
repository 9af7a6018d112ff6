"""Two training steps of every regularizer, on a share of the batch; importable by several processes."""

from dataclasses import replace

import torch
from torch import Tensor

from tasks.plugins import available, plugin_class
from tasks.regularizers.base import Regularizer
from tasks.training.objective import objective
from tasks.training_step.batchnorm import over_whole_batch
from tasks.training_step.rank import ALONE, Rank
from tasks.training_step.step import Batch
from tests._support.training_steps import (
    make_arm,
    make_step,
    random_bags,
    random_batch,
    tiny_bag_classifier,
    tiny_classifier,
)

NAMES = ("standard", *available(Regularizer.package))

OF_BAGS = frozenset(
    name for name in NAMES[1:] if "pixels" not in plugin_class(Regularizer.package, name).accepts
)
"""The methods that work on bags of features."""

Figures = dict[str, dict[str, Tensor]]


def steps_of_all(rank: Rank = ALONE) -> Figures:
    """Return {regularizer: mean gradients, states, running statistics and losses}, in double precision.

    In single precision a rounding would now and then turn the sign that an attack follows.
    """
    found = {name: steps_of(name, rank) for name in NAMES}
    if rank.first:
        found["standard"]["alone"] = _eval_mode_is_for_oneself(rank)
    return found


def steps_of(name: str, rank: Rank) -> dict[str, Tensor]:
    """Return the figures of one regularizer, ``standard`` being none."""
    chosen = [] if name == "standard" else [plugin_class(Regularizer.package, name)()]
    arm, of_bags = make_arm(*chosen), name in OF_BAGS
    model = (tiny_bag_classifier() if of_bags else tiny_classifier()).double()
    weights = torch.tensor([0.5, 1.5])
    found: dict[str, Tensor] = {}
    for seed in (0, 1):
        batch = random_bags(4, seed) if of_bags else random_batch(4, seed=seed)
        step = make_step(model, arm, _part(batch, rank))
        step.rank = rank
        with over_whole_batch(model, rank):
            loss, parts = objective(step, arm, weights)
            torch.autograd.backward(loss, inputs=list(model.parameters()))
        found |= {f"loss{seed}.{key}": rank.mean(part) for key, part in (parts | step.notes).items()}
    found |= {f"gradient.{key}": rank.mean(p.grad) for key, p in model.named_parameters()}
    found |= {f"buffer.{key}": value.clone() for key, value in model.named_buffers()}
    return found | {f"state.{key}": value for key, value in (arm.states or [{}])[0].items()}


def _part(batch: Batch, rank: Rank) -> Batch:
    return replace(
        batch,
        images=rank.of(batch.images).double(),
        labels=rank.of(batch.labels),
        positions=rank.of(batch.positions),
        mask=None if batch.mask is None else rank.of(batch.mask),
    )


def _eval_mode_is_for_oneself(rank: Rank) -> Tensor:
    """Return logits of passes that the other process does not make: were it waited for, this would hang."""
    model, images = tiny_classifier(), random_batch().images
    with over_whole_batch(model, rank):
        inside = model.eval()(images)
    outside = model.train()(images)
    return torch.stack([inside, outside]).detach()
