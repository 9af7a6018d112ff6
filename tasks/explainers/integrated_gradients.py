"""The gradient integrated along the straight line from an image where nothing is there."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from tasks.explainers._bag_baselines import BagBaseline, ReferenceTiles, mean_bags
from tasks.explainers._baselines import ExplainsDifference
from tasks.explainers._captum import margin_of
from tasks.explainers._integrated import integrated_bags
from tasks.explainers.base import ExplanationError, Kind
from tasks.functional.gradients import reduce_channels
from tasks.functional.passes import Passes
from tasks.samples.axes import Input
from tasks.samples.inputs import Bags


class IntegratedGradients(ExplainsDifference):
    """(image - baseline) x the mean gradient between them, by Gauss-Legendre quadrature of ``steps`` points.

    The rule is exact where the margin is a polynomial of degree up to 2 ``steps`` along the line; across the
    kinks of ReLUs the error falls about as 1 / ``steps``, and is written beside every map. Steps are taken
    one after the other, so memory does not grow with them.

    Of a bag it is the sum over features of (tile - baseline) x the mean gradient. The baseline of a tile is
    the mean feature vector of training, or a tile of a training bag of another class. Of these several are
    drawn and the values averaged: one draw alone says more about that bag than about this one.
    """

    source: ClassVar[str] = (
        "Sundararajan, Taly and Yan (2017), arXiv:1703.01365; Captum 0.9 with one step of the batch at a time"
    )
    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels", "features"})
    kind: ClassVar[Kind] = "contribution"
    complete: ClassVar[bool] = True

    steps: int = Field(default=32, ge=1)
    """Points of the quadrature; one forward and one backward pass each."""
    bag_baseline: BagBaseline = "mean"
    """What stands for a tile with nothing in it, in bags: see the class. Images ignore it."""
    bag_draws: int = Field(default=10, ge=1)
    """Baselines that are drawn of ``reference_bags``; ``mean`` is one."""

    _tiles: ReferenceTiles | None = PrivateAttr(default=None)

    @property
    def wants_references(self) -> bool:
        """Whether its baselines are tiles of other bags."""
        return self.bag_baseline == "reference_bags"

    def with_references(self, bags: Bags) -> Self:
        """Return a copy whose baselines are tiles of ``bags``."""
        copy = self.model_copy()
        copy._tiles = ReferenceTiles(bags)
        return copy

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the contributions [B, H, W], channels reduced, or those of the tiles of bags [B, N].

        Raises:
            ExplanationError: the baseline of a bag is not there.
        """
        if isinstance(images, Bags):
            baselines = self.references(model, images)
            drawn = [integrated_bags(model, images, base.features, targets, self.steps) for base in baselines]
            return torch.stack(drawn).mean(0)
        values: Tensor = CaptumIntegratedGradients(margin_of(model)).attribute(
            images,
            baselines=self.baseline_images(model, images),
            additional_forward_args=targets,
            n_steps=self.steps,
            internal_batch_size=len(images),
        )
        return reduce_channels(values, self.reduce)

    def passes(self) -> Passes:
        """``steps`` forward and backward, for each baseline of a bag that is drawn."""
        drawn = self.bag_draws if self.bag_baseline == "reference_bags" else 1
        return Passes(forward=1, backward=1) * (self.steps * drawn)

    def reference(self, model: nn.Module, images: Any) -> Any:
        """Return the baseline; of bags the first."""
        return next(self.references(model, images), None)

    def references(self, model: nn.Module, images: Any) -> Iterator[Any]:
        """Yield the baseline of images, or every one of bags.

        Raises:
            ExplanationError: the model carries no mean, or no reference bags were handed over.
        """
        if not isinstance(images, Bags):
            reference = super().reference(model, images)
            yield from () if reference is None else (reference,)
        elif self.bag_baseline == "mean":
            yield mean_bags(model, images)
        elif self._tiles is None:
            raise ExplanationError(
                f"{self.id}.bag_baseline is 'reference_bags', and no bags were handed over; a study takes "
                "those of the training slides of other classes"
            )
        else:
            for draw in range(self.bag_draws):
                yield self._tiles.drawn(images, draw)
