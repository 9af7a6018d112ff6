"""Fill response: how far the prediction moves when pixels of low saliency, or any, are filled at random."""

from collections.abc import Callable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.divergence import kl_divergence
from tasks.functional.gradients import gradient_and_logits
from tasks.functional.noise import seed_of, uniform
from tasks.functional.passes import Passes
from tasks.model_metrics._pixels import lowest_pixels
from tasks.model_metrics._units import scored_by_batch, tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch


class FillResponse(ModelMetric):
    """KL(p(x) || p(x~)), x~ being x with a share of its pixels filled at random.

    ``low_saliency`` fills the pixels of lowest mean gradient magnitude of the label's margin, ``random`` as
    many pixels chosen at random. Each channel of a filled pixel gets its own value, uniform between the
    lowest and the highest value of the image. It is what saliency-guided training lowers.
    """

    source: ClassVar[str] = (
        "Ismail et al. (2021), arXiv:2111.14338: their masked divergence, on a trained network"
    )

    share: float = Field(default=0.5, gt=0, le=1)
    """Exactly round(share x pixels) are filled, in every image."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the two divergences."""
        words = {"low_saliency": "the pixels of lowest saliency", "random": "as many pixels chosen at random"}
        return tuple(
            ScoreInfo(
                name=name,
                direction="lower",
                lower_bound=0.0,
                meaning=f"KL divergence in nats from the clean prediction, {which} filled at random",
            )
            for name, which in words.items()
        )

    def passes(self) -> Passes:
        """One pass forward and back, and one forward pass for each choice of pixels."""
        return Passes(forward=3, backward=1)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the two scores of each tile."""
        seed = seed_of(settings.seed, "fill response")
        found = scored_by_batch(tiles, settings, lambda batch: self._scores(model, batch, seed), advance)
        return Measured(tile_rows(tiles, found))

    def _scores(self, model: Classifier, batch: TileBatch, seed: int) -> dict[str, Tensor]:
        images, keys = batch.images, batch.keys
        gradient, clean = gradient_and_logits(model, images, batch.labels)
        low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
        fill = low + (high - low) * uniform(seed, keys, 0, images.shape[1:]).to(images.dtype)
        scores = {}
        for name, saliency in {"low_saliency": gradient.abs().mean(1), "random": None}.items():
            chosen = lowest_pixels(saliency, self.share, images, keys, seed)
            with torch.no_grad():
                answers = model(torch.where(chosen, fill, images))
            scores[name] = kl_divergence(clean.double(), answers.double()).clamp_min(0)
        return scores
