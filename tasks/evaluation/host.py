"""Move all scores of a plan to the host at once."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from tasks.faithfulness.base import UnitScores


def to_host(scores: Sequence[UnitScores]) -> list[UnitScores]:
    """Return the scores with float64 tensors on the CPU, moved in one transfer for each device."""
    waiting: dict[str, list[Tensor]] = defaultdict(list)

    def gather(tensor: Tensor) -> Tensor:
        waiting[str(tensor.device)].append(tensor.reshape(-1).double())
        return tensor

    for item in scores:
        item.mapped(gather)
    moved = {
        device: iter(torch.split(torch.cat(flat).cpu(), [piece.numel() for piece in flat]))
        for device, flat in waiting.items()
    }
    return [item.mapped(lambda tensor: next(moved[str(tensor.device)]).view(tensor.shape)) for item in scores]
