"""Two training steps of every regularizer, on a share of the batch; importable by several processes."""

from dataclasses import replace

import torch
from torch import Tensor

from tasks.plugins import available, plugin_class
from tasks.regularizers.base import Regularizer
from tasks.training.objective import objective
from tasks.training_step.batchnorm import over_whole_batch
from tasks.training_step.rank import ALONE, Share
from tasks.training_step.step import Batch
from tests._support.training_steps import make_arm, make_step, random_batch, tiny_classifier

NAMES = ("standard", *available(Regularizer.package))

Figures = dict[str, dict[str, Tensor]]


def steps_of_all(share: Share = ALONE) -> Figures:
    """Return {regularizer: mean gradients, states, running statistics and losses}, in double precision.

    In single precision a rounding would now and then turn the sign that an attack follows.
    """
    found = {name: steps_of(name, share) for name in NAMES}
    if share.first:
        found["standard"]["alone"] = _eval_mode_is_for_oneself(share)
    return found


def steps_of(name: str, share: Share) -> dict[str, Tensor]:
    """Return the figures of one regularizer, ``standard`` being none."""
    arm = make_arm(*[] if name == "standard" else [plugin_class(Regularizer.package, name)()])
    model = tiny_classifier().double()
    weights = torch.tensor([0.5, 1.5])
    found: dict[str, Tensor] = {}
    for seed in (0, 1):
        step = make_step(model, arm, _part(random_batch(4, seed=seed), share))
        step.share = share
        with over_whole_batch(model, share):
            loss, parts = objective(step, arm, weights)
            torch.autograd.backward(loss, inputs=list(model.parameters()))
        found |= {f"loss{seed}.{key}": share.mean(part) for key, part in (parts | step.notes).items()}
    found |= {f"gradient.{key}": share.mean(p.grad) for key, p in model.named_parameters()}
    found |= {f"buffer.{key}": value.clone() for key, value in model.named_buffers()}
    return found | {f"state.{key}": value for key, value in (arm.states or [{}])[0].items()}


def _part(batch: Batch, share: Share) -> Batch:
    return replace(
        batch,
        images=share.of(batch.images).double(),
        labels=share.of(batch.labels),
        positions=share.of(batch.positions),
    )


def _eval_mode_is_for_oneself(share: Share) -> Tensor:
    """Return logits of passes that the other process does not make: were it waited for, this would hang."""
    model, images = tiny_classifier(), random_batch().images
    with over_whole_batch(model, share):
        inside = model.eval()(images)
    outside = model.train()(images)
    return torch.stack([inside, outside]).detach()
