"""What tests of explainers share: margins as Captum wants them, the batches a model sees, real networks."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tasks.functional.gradients import target_margin
from tasks.models.classifier import Classifier, build_classifier
from tasks.models.recipe import NetworkRecipe


class AllMargins(nn.Module):
    """Maps images to [B, K]: the margin of each class, so that Captum can be given plain targets."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Return margins [B, K]."""
        logits = self.model(images)
        others = logits.shape[1] - 1
        return logits * (1 + 1 / others) - logits.sum(1, keepdim=True) / others


@contextmanager
def batches_of(model: nn.Module) -> Iterator[list[int]]:
    """Yield a list that fills with the number of images of each forward pass."""
    seen: list[int] = []
    handle = model.register_forward_pre_hook(lambda _module, inputs: seen.append(len(inputs[0])))
    try:
        yield seen
    finally:
        handle.remove()


def small_classifier(seed: int = 0) -> Classifier:
    """Return a thin ResNet-18 in eval mode, overlapping max-pool included, whose BatchNorms saw something."""
    model = build_classifier(NetworkRecipe(width=0.0625), 2, (0.8, 0.6, 0.7), (0.1, 0.2, 0.1), seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.5, generator=generator)
    return model


def margins(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    """Return the margins [B] in eval mode."""
    with torch.no_grad():
        return target_margin(model.eval()(images), targets)
