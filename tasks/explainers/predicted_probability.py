"""Control: what the network answers, without saying where."""

from typing import ClassVar

from torch import Tensor, nn

from tasks.explainers.base import Explainer, Kind
from tasks.functional.gradients import check_logits
from tasks.functional.passes import Passes


class PredictedProbability(Explainer):
    """The predicted probability of the target, painted flat over the tile.

    It says which tiles the network calls the target, and nothing about where inside them. On a section the
    contributions of a good network lie where its predictions do, so a map must beat this control before its
    position says more than the prediction. Within a tile it is constant and scores chance. It sees the
    network's answer, so it is no blind control.
    """

    source: ClassVar[str] = (
        "a control of ours: a map on a section restates the predictions of its tiles; no paper"
    )
    kind: ClassVar[Kind] = "control"
    control: ClassVar[bool] = True
    default_position: ClassVar[int] = 10
    signed: ClassVar[bool] = False

    def attribute(self, model: nn.Module, images: Tensor, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the probability [B, H, W], one value per tile."""
        logits: Tensor = model(images)
        check_logits(logits, targets)
        probability = logits.softmax(1).gather(1, targets[:, None])
        return probability[:, :, None].expand(-1, *images.shape[2:]).to(images)

    def passes(self) -> Passes:
        """One forward pass."""
        return Passes(forward=1)
