"""Noise response: how far the prediction moves when the pixels are multiplied or mixed with noise."""

from collections.abc import Callable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.divergence import kl_divergence
from tasks.functional.noise import normal, seed_of
from tasks.functional.passes import Passes
from tasks.model_metrics._units import scored_by_batch, tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles, TileBatch


class NoiseResponse(ModelMetric):
    """KL(p(x) || p(x')) for three kinds of noise of one variance, averaged over the data.

    With mu the channel means and s the channel deviations of the training data, b the blend and n ~ N(0, 1)
    for each pixel and channel, the same n in all three: ``modulated`` is x' = mu + (x - mu)(b + (1 - b) n^2),
    ``multiplied`` is mu + (x - mu)(1 + sqrt(2)(1 - b) n), ``added`` is x + sqrt(2)(1 - b) s n. Noisy images
    are not clipped. One draw for each tile, by its key.
    """

    source: ClassVar[str] = (
        "the noises of Li and Wang (2021), arXiv:2103.10603, and of its two controls here; the divergence as "
        "a score is ours"
    )

    blend: float = Field(default=0.5, ge=0, le=1)
    """How much of the image stays: 1 is no noise."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the three divergences."""
        meanings = {
            "modulated": "twice multiplied by the same noise",
            "multiplied": "once multiplied by noise",
            "added": "with added noise",
        }
        return tuple(
            ScoreInfo(
                name=name,
                direction="lower",
                lower_bound=0.0,
                meaning=f"KL divergence in nats of the prediction of the image {words} from the clean one",
            )
            for name, words in meanings.items()
        )

    def passes(self) -> Passes:
        """One clean forward pass, and one for each kind of noise."""
        return Passes(forward=4)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the three scores of each tile."""
        seed = seed_of(settings.seed, "noise response")
        found = scored_by_batch(tiles, settings, lambda batch: self._scores(model, batch, seed), advance)
        return Measured(tile_rows(tiles, found))

    @torch.no_grad()
    def _scores(self, model: Classifier, batch: TileBatch, seed: int) -> dict[str, Tensor]:
        clean = model(batch.images).double()
        return {
            name: kl_divergence(clean, model(images).double()).clamp_min(0)
            for name, images in self._noisy(model, batch, seed).items()
        }

    def _noisy(self, model: Classifier, batch: TileBatch, seed: int) -> dict[str, Tensor]:
        """Return the images [B, 3, H, W] under each kind of noise."""
        images, mean = batch.images, model.mean
        noise = normal(seed, batch.keys, 0, images.shape[1:])
        sigma = 2**0.5 * (1 - self.blend)
        return {
            "modulated": mean + (images - mean) * (self.blend + (1 - self.blend) * noise.square()),
            "multiplied": mean + (images - mean) * (1 + sigma * noise),
            "added": images + sigma * model.std * noise,
        }
