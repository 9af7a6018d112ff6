"""Gradient scale: the size of gradients and logits, which reveals maps that are sparse by collapse."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.gradients import gradient_and_logits, target_margin
from tasks.functional.passes import Passes
from tasks.model_metrics._room import Room
from tasks.model_metrics._units import tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles

Floats = NDArray[np.float64]
_WIDEST = np.log(1000.0)
"""Temperatures are sought from 1/1000 to 1000 times the spread of the logits."""


class GradientScale(ModelMetric):
    """Input gradient, logit scale and calibrated loss: a model without gradients has sparse maps too.

    A regularizer can make maps sparse by making gradients vanish, or by shrinking all logits, and no index of
    sparseness shows it. So there are three figures per tile: the Euclidean norm of the gradient of the target
    margin by the pixels, the magnitude of that margin, and the cross-entropy of the logits divided by the
    best single temperature for these tiles. The temperature is fitted on the scored tiles themselves: one
    number for all, which removes the scale from the loss. It claims no calibration, and the interval treats
    it as fixed. It is sought between 1/1000 and 1000 times the spread of the logits: where every tile is
    classified correctly there is no best one, and the loss is close to 0.
    """

    source: ClassVar[str] = (
        "Guo, Pleiss, Sun and Weinberger (2017), arXiv:1706.04599 (one temperature); the choice of the three "
        "figures against sparseness by collapse is ours"
    )

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return the three scores; only the loss has a better end."""
        return (
            ScoreInfo(
                name="gradient_norm",
                direction="none",
                lower_bound=0.0,
                meaning="Euclidean norm of the gradient of the target margin by the pixels in [0, 1]",
            ),
            ScoreInfo(
                name="margin", direction="none", lower_bound=0.0, meaning="magnitude of the target margin"
            ),
            ScoreInfo(
                name="cross_entropy",
                direction="lower",
                lower_bound=0.0,
                meaning="cross-entropy in nats after the best single temperature, fitted on these tiles",
            ),
        )

    def passes(self) -> Passes:
        """One forward and one backward pass."""
        return Passes(forward=1, backward=1)

    def measure(
        self,
        model: Classifier,
        tiles: MeasuredTiles,
        settings: MeasureSettings,
        advance: Callable[[int], None],
    ) -> Measured:
        """Return the three scores of each tile."""
        room = Room(len(tiles))
        for batch in tiles.batches(settings.batch, torch.device(settings.device)):
            norm, answers = gradient_norms(model, batch.images, settings.target)
            room.add({"norms": norm, "logits": answers})
            advance(len(norm))
        values = room["logits"].double()
        targets = torch.full((len(values),), settings.target, device=values.device)
        margins = target_margin(values, targets).abs().cpu().numpy()
        losses, temperature = calibrated_losses(values.cpu().numpy(), tiles.labels.numpy())
        gradient = room["norms"].double().cpu().numpy()
        scores = {"gradient_norm": gradient, "margin": margins, "cross_entropy": losses}
        return Measured(tile_rows(tiles, scores), measures={"temperature": temperature})


def gradient_norms(model: Classifier, images: Tensor, target: int) -> tuple[Tensor, Tensor]:
    """Return the norm [B] of the margin's gradient by each image, and the logits [B, K]."""
    targets = torch.full((len(images),), target, device=images.device)
    gradient, logits = gradient_and_logits(model, images, targets)
    return gradient.flatten(1).norm(dim=1), logits


def calibrated_losses(logits: Floats, labels: NDArray[np.int64]) -> tuple[Floats, float]:
    """Return the cross-entropy [N] in nats of logits [N, K] divided by the best temperature, and that.

    The mean loss is convex in the inverse temperature, so one search along its logarithm finds it. It starts
    from logits of unit spread (root mean square about the mean of a tile), so that the scale of the logits
    changes no loss.
    """
    spread = float(np.sqrt((logits - logits.mean(axis=1, keepdims=True)).var())) or 1.0
    even = logits / spread

    def losses(log_scale: float) -> Floats:
        scaled = even * np.exp(log_scale)
        chosen = np.take_along_axis(scaled, labels[:, None], axis=1)[:, 0]
        # Rounding may give slightly negative values where a class is certain.
        found: Floats = np.maximum(logsumexp(scaled, axis=1) - chosen, 0.0)
        return found

    best = minimize_scalar(
        lambda log_scale: losses(log_scale).mean(),
        bounds=(-_WIDEST, _WIDEST),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return losses(best.x), spread * float(np.exp(-best.x))
