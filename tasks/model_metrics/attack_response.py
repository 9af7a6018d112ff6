"""Attack response: how far the prediction and the features move when every pixel is attacked."""

from collections.abc import Callable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.cosine import cosine_distance
from tasks.functional.divergence import kl_divergence
from tasks.functional.odds import log_odds
from tasks.functional.passes import Passes
from tasks.model_metrics._attack import Attack, moved_away
from tasks.model_metrics._units import scored_by_batch, tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch


class AttackResponse(ModelMetric):
    """The divergence from the clean prediction, flips, and the distance of features under attack.

    The attack leads away from the predicted class, never from the label, so that every network is attacked
    at what it says. ``more_certain`` tells how many tiles it moved the wrong way: where this share is large,
    the other scores say little.
    """

    source: ClassVar[str] = (
        "Madry et al. (2018), arXiv:1706.06083 (the attack); Zhang et al. (2019), arXiv:1901.08573 (the "
        "divergence under attack); Dong et al. (2017), arXiv:1708.05493 (features); the scores are ours"
    )

    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a value by the attack, in pixel units of [0, 1]."""
    steps: int = Field(default=3, ge=1)
    """Steps of the attack."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the divergence, the two shares and the distance."""
        meanings = {
            "kl": "KL divergence of the prediction under attack from the clean one, in nats",
            "flipped": "whether the attack changed the predicted class",
            "feature_distance": "2 (1 - cosine) of the last convolutional map, clean and under attack",
            "more_certain": "whether the attack made the predicted class more probable, the wrong way",
        }
        upper = {"flipped": 1.0, "more_certain": 1.0, "feature_distance": 4.0}
        return tuple(
            ScoreInfo(
                name=name,
                direction="none" if name == "more_certain" else "lower",
                lower_bound=0.0,
                upper_bound=upper.get(name),
                meaning=meaning,
            )
            for name, meaning in meanings.items()
        )

    def passes(self) -> Passes:
        """One clean forward pass, the steps of the attack, and one forward pass under attack."""
        return Passes(forward=2 + self.steps, backward=self.steps)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the four scores of each tile."""
        attack = Attack(self.eps, self.steps, settings.seed)
        found = scored_by_batch(tiles, settings, lambda batch: _scores(model, batch, attack), advance)
        return Measured(tile_rows(tiles, found))


@torch.no_grad()
def _scores(model: Classifier, batch: TileBatch, attack: Attack) -> dict[str, Tensor]:
    features, logits = model.with_features(batch.images)
    predicted = logits.argmax(1)
    moved = moved_away(model, batch.images, predicted, batch.keys, attack)
    changed, answers = model.with_features(moved)
    before, after = logits.double(), answers.double()
    return {
        # Rounding may give slightly negative values where nothing moved.
        "kl": kl_divergence(before, after).clamp_min(0),
        "flipped": after.argmax(1) != predicted,
        "feature_distance": 2 * cosine_distance(features.double(), changed.double()),
        "more_certain": log_odds(after, predicted) > log_odds(before, predicted),
    }
