"""The accuracy of a network under noise on its weights."""

from collections.abc import Callable

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tasks.calibration.recipe import CalibrationRecipe, CalibrationSettings
from tasks.calibration.tiles import LabelledPixels
from tasks.functional.noised_parameters import perturbed
from tasks.functional.pixels import spans, to_images
from tasks.functional.weight_noise import weight_noise

Advance = Callable[[int], None]
"""Takes the number of tiles just sent forward."""


class Trial:
    """The accuracy of one network with and without noise, and a record of all trials.

    Balanced accuracy and cross-entropy weigh all classes equally. The network must be in eval mode and
    gradients off.
    """

    def __init__(
        self,
        model: nn.Module,
        tiles: LabelledPixels,
        recipe: CalibrationRecipe,
        settings: CalibrationSettings,
        advance: Advance,
    ) -> None:
        self._model, self._tiles, self._recipe, self._settings = model, tiles, recipe, settings
        self._advance = advance
        self._names = perturbed(model, recipe.parameters)
        self._rows: list[dict[str, float]] = []
        self.chance = 1 / len(settings.classes)
        self.accuracy, self.cross_entropy = self._judged()

    def drop(self, sigma: float) -> float:
        """Return the :meth:`relative_drop` under noise of ``sigma``, the mean over the draws."""
        rows = [self._drawn(sigma, draw) for draw in range(self._recipe.draws)]
        self._rows += rows
        return sum(self.relative_drop(row["balanced_accuracy"]) for row in rows) / len(rows)

    def relative_drop(self, accuracy: float) -> float:
        """Return the drop of ``accuracy`` from the clean one, as a fraction of the clean one above chance."""
        return 1 - (accuracy - self.chance) / (self.accuracy - self.chance)

    def curve(self) -> pd.DataFrame:
        """Return one row per sigma and draw, in rising order.

        The columns are sigma, draw, balanced_accuracy and cross_entropy.
        """
        table = pd.DataFrame(self._rows).astype({"draw": "int64"})
        return table.sort_values(["sigma", "draw"], ignore_index=True)

    def _drawn(self, sigma: float, draw: int) -> dict[str, float]:
        # The same draws at every sigma, so the curve changes with sigma and not by chance.
        with weight_noise(self._model, sigma, self._recipe.seed, draw, self._names):
            accuracy, cross_entropy = self._judged()
        return {"sigma": sigma, "draw": draw, "balanced_accuracy": accuracy, "cross_entropy": cross_entropy}

    def _judged(self) -> tuple[float, float]:
        device, count = torch.device(self._settings.device), len(self._tiles.labels)
        logits = []
        for span in spans(count, self._settings.batch):
            logits.append(self._model(to_images(self._tiles.pixels[span], device)))
            self._advance(span.stop - span.start)
        # Scored on the host, once per draw: sums on an accelerator have no fixed order.
        values, labels = torch.cat(logits).double().cpu(), torch.from_numpy(self._tiles.labels)
        hits = (values.argmax(1) == labels).double()
        losses = F.cross_entropy(values, labels, reduction="none")
        return _class_mean(hits, labels), _class_mean(losses, labels)


def _class_mean(values: Tensor, labels: Tensor) -> float:
    counts = torch.bincount(labels)
    return float((torch.bincount(labels, weights=values) / counts)[counts > 0].mean())
