"""Input alignment: how far the gradient of a network points along the image itself."""

from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from tasks.artifacts.faithfulness_report import ScoreInfo
from tasks.functional.gradients import input_gradient
from tasks.functional.passes import Passes
from tasks.model_metrics._room import Room
from tasks.model_metrics._units import tile_rows
from tasks.model_metrics.base import Measured, MeasureSettings, ModelMetric
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles

_ORIGINS = {"white": 1.0, "black": 0.0}


class InputAlignment(ModelMetric):
    """The size of the inner product of image x and gradient g, over the norm of g, and over both norms.

    Networks that are robust, or trained with noise, are said to have gradients that look like the input. The
    gradient is that of the target margin by the pixels, with all channels, which no map of one value per
    pixel holds. ``alignment`` is the published |<x, g>| / |g|: of a network that is linear through the
    origin it is the distance of the image from the decision boundary. ``cosine`` divides it by |x| too, so
    that dark and pale tiles compare. Both depend on where x is counted from: by default from white glass,
    which is the absence of anything on a slide, as black is on a photograph of digits.

    It describes the network and not a map, so neither end is more faithful. A gradient of 0 has no direction:
    such tiles are excluded and counted, and so are tiles equal to the origin.
    """

    source: ClassVar[str] = (
        "Etmann, Lunz, Maass and Schönlieb (2019), arXiv:1905.04172 (alignment, of the winning logit); the "
        "target margin, white as the origin, and the cosine are ours"
    )

    origin: Literal["white", "black"] = "white"
    """What the image is counted from."""

    def score_infos(self) -> tuple[ScoreInfo, ...]:
        """Return both; neither has a better end."""
        return (
            ScoreInfo(
                name="alignment",
                direction="none",
                lower_bound=0.0,
                meaning=f"|<x, g>| / |g| of the image counted from {self.origin} and the margin's gradient",
            ),
            ScoreInfo(
                name="cosine",
                direction="none",
                lower_bound=0.0,
                upper_bound=1.0,
                meaning="the same over |x|: 1 where the gradient points along the image, or against it",
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
        """Return both scores of each tile."""
        room = Room(len(tiles))
        for batch in tiles.batches(settings.batch, torch.device(settings.device)):
            targets = torch.full((len(batch.images),), settings.target, device=batch.images.device)
            gradient = input_gradient(model, batch.images, targets)
            found = alignments(batch.images - _ORIGINS[self.origin], gradient)
            room.add(dict(zip(("alignment", "cosine"), found, strict=True)))
            advance(len(targets))
        scores = {name: room[name].cpu().numpy() for name in room.names()}
        undirected = int(np.isnan(scores["cosine"]).sum())
        return Measured(
            tile_rows(tiles, scores),
            {"the gradient is 0, or the tile is all origin": undirected},
        )


def alignments(images: Tensor, gradient: Tensor) -> Tensor:
    """Return float64 [2, B], |<x, g>| / |g| and |<x, g>| / (|g| |x|); NaN where a norm is 0."""
    x, g = images.double().flatten(1), gradient.double().flatten(1)
    product, size, length = (x * g).sum(1).abs(), g.norm(dim=1), x.norm(dim=1)
    directed = (size > 0) & (length > 0)
    alignment = torch.where(directed, product / size, torch.nan)
    return torch.stack([alignment, (alignment / length).clamp(max=1)])
