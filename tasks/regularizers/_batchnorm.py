"""What BatchNorm may learn from which images.

The forward pass on the training input updates the running statistics. Every other forward pass of a step
normalises by its own batch and updates nothing, or else the statistics would be those of a mixture that the
network never meets again.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn


@contextmanager
def untracked(model: nn.Module) -> Iterator[None]:
    """Leave running statistics alone inside the block; in train mode batches still normalise themselves."""
    layers = [(m, m.track_running_stats) for m in model.modules() if isinstance(m, _BatchNorm)]
    try:
        for layer, _ in layers:
            # In eval mode the running statistics are used all the same: torch looks at them, not at this.
            layer.track_running_stats = False
        yield
    finally:
        for layer, tracking in layers:
            layer.track_running_stats = tracking


def reestimate(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the running statistics by their plain mean over ``batches`` of images [B, 3, H, W]."""
    update_bn(batches, model)
