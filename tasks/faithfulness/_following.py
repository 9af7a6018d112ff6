"""Whose output a removal metric follows: that of the explained class, or of the predicted one."""

from typing import Literal, Self

import torch
from torch import Tensor

from tasks.evidence.block import Block
from tasks.evidence.sources import EvidenceError
from tasks.faithfulness._removal import CLEAN
from tasks.faithfulness.base import Answers, Metric
from tasks.samples.axes import MapKind


class FollowingMetric(Metric):
    """Removes elements and follows the output of a class, the same in the whole removal.

    A map explains the target. With two classes, what speaks against the target speaks for the other class. So
    where the other class is predicted and followed, values whose sign counts are turned: what was the least
    relevant is the most relevant. With more classes no map of the predicted class is there.
    """

    follows: Literal["target", "predicted"] = "target"
    """Whose output is traced: that of the explained class, or of the class predicted for the whole tile.

    ``predicted`` with ``labels: all`` asks on every tile whether what the map points at supports the
    prediction. Where the sign of the map counts, it needs a network of two classes.
    """

    @property
    def turns(self) -> bool:
        """Whether values are turned where another class than the target is predicted."""
        return self.follows == "predicted" and self.keeps_sign

    @property
    def followed(self) -> str:
        """Whose output is traced, in words."""
        return "target" if self.follows == "target" else "class predicted for the whole tile"

    def for_maps(self, kind: MapKind | None, classes: int) -> Self:
        """Return this metric as it scores maps of one kind, made for a network of so many classes.

        Raises:
            EvidenceError: the sign of the maps says nothing about the class that is followed.
        """
        scorer = super().for_maps(kind, classes)
        if scorer.turns and classes != 2:
            raise EvidenceError(
                f"metric {self.id!r} follows the predicted class of {classes} classes, but the sign of a map "
                "speaks of its target alone; set follows: target, or let magnitudes count"
            )
        return scorer

    def followed_classes(self, block: Block, answers: Answers) -> Tensor:
        """Return int64 [B], the class whose output is traced in each sample."""
        return block.targets if self.follows == "target" else answers[CLEAN][0].argmax(1)

    def turned(self, block: Block, answers: Answers) -> Tensor:
        """Return bool [B]: whether the values of a sample are turned."""
        if not self.turns:
            return torch.zeros_like(block.targets, dtype=torch.bool)
        return self.followed_classes(block, answers) != block.targets
