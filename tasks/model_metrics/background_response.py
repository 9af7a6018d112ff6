"""Background response: how far prediction and heatmap move when pixels of low saliency are attacked."""

from collections.abc import Callable
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.cosine import cosine_distance
from tasks.functional.divergence import total_variation
from tasks.functional.gradients import gradient_and_logits
from tasks.functional.noise import seed_of
from tasks.functional.passes import Passes
from tasks.model_metrics._attack import Attack, moved_away
from tasks.model_metrics._pixels import lowest_pixels
from tasks.model_metrics._units import scored_by_batch, tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch


class BackgroundResponse(ModelMetric):
    """One minus the agreement between a tile and the same tile with its background attacked.

    The background is the share of pixels of lowest mean gradient magnitude of the label's margin.
    ``heatmap`` is 1 - cosine of the two heatmaps of that gradient, ``prediction`` the total variation between
    the two predictions, and ``disagreement`` = 1 - (1 - heatmap)(1 - prediction). It is what
    explanation-consistency training weighs tiles by.
    """

    source: ClassVar[str] = (
        "the disagreement of Wu et al. (2024), arXiv:2408.04600, as reconstructed for training here, on a "
        "trained network; ours as a score"
    )

    share: float = Field(default=0.7, gt=0, le=1)
    """The background: exactly round(share x pixels)."""
    eps: float = Field(default=4 / 255, gt=0, le=1)
    """Largest change of a channel of a background pixel, for images in [0, 1]."""
    steps: int = Field(default=3, ge=1)
    """Steps of the attack, which leads away from the predicted class."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the disagreement and its two parts."""
        meanings = {
            "disagreement": "1 minus the agreement of heatmaps times that of predictions",
            "heatmap": "1 - cosine of the heatmaps",
            "prediction": "total variation between the predictions",
        }
        return tuple(
            ScoreInfo(
                name=name,
                direction="lower",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning=f"{meaning}, clean and with the pixels of lowest saliency attacked",
            )
            for name, meaning in meanings.items()
        )

    def passes(self) -> Passes:
        """Two explanations, and the steps of the attack."""
        return Passes(forward=2 + self.steps, backward=2 + self.steps)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the three scores of each tile."""
        seed = seed_of(settings.seed, "background response")
        found = scored_by_batch(tiles, settings, lambda batch: self._scores(model, batch, seed), advance)
        return Measured(tile_rows(tiles, found))

    def _scores(self, model: Classifier, batch: TileBatch, seed: int) -> dict[str, Tensor]:
        images, keys, labels = batch.images, batch.keys, batch.labels
        gradient, clean = gradient_and_logits(model, images, labels)
        heatmap = gradient.abs().mean(1)
        background = lowest_pixels(heatmap, self.share, images, keys, seed)
        attack = Attack(self.eps, self.steps, seed)
        moved = moved_away(model, images, clean.argmax(1), keys, attack, background)
        changed, answers = gradient_and_logits(model, moved, labels)
        maps = cosine_distance(heatmap.double(), changed.abs().mean(1).double()).clamp(0, 1)
        predictions = total_variation(clean.double(), answers.double())
        return {
            "disagreement": maps + predictions - maps * predictions,
            "heatmap": maps,
            "prediction": predictions,
        }
