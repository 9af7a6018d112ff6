"""The explained quantity in the form that Captum expects."""

from collections.abc import Callable

from torch import Tensor, nn

from tasks.functional.gradients import target_margin

Margin = Callable[[Tensor, Tensor], Tensor]


def margin_of(model: nn.Module) -> Margin:
    """Return (images [B, C, H, W], targets [B]) -> margins [B], with the targets as a further argument.

    Captum repeats further arguments along with the images. A function has no hooks that could be left behind.
    """
    return lambda images, targets: target_margin(model(images), targets)
