"""The explained quantity as Captum wants it."""

from collections.abc import Callable

from torch import Tensor, nn

from tasks.functional.gradients import target_margin

Margin = Callable[[Tensor, Tensor], Tensor]


def margin_of(model: nn.Module) -> Margin:
    """Return (images [B, C, H, W], targets [B]) -> margins [B], to be given the targets as further argument.

    Captum repeats a further argument along with the images, and a function has no hooks to be left behind.
    """
    return lambda images, targets: target_margin(model(images), targets)
