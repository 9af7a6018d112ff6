"""The base of explainers that average another explainer over draws of noise."""

from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import Field, field_validator
from torch import Tensor, nn

from tasks.explainers._mean_map import Average, MeanMap
from tasks.explainers.base import AnyExplainer, Explainer, Kind
from tasks.samples.axes import Input
from tasks.samples.inputs import Bags
from tasks.samples.tile_names import named

TakeMap = Callable[[Tensor], None]
"""Takes one drawn map [B, H, W], or scores [B, N] of bags."""


class AveragedExplainer(Explainer):
    """The mean over draws of the maps of the explainer in ``base``, streamed.

    Maps are averaged after the held explainer has reduced the channels. ``average: signed`` is the mean of
    the maps as they are; ``magnitude`` the mean of their magnitudes, another estimator than the magnitude of
    the mean. A subclass fills in :meth:`each_map`.
    """

    accepts: ClassVar[frozenset[Input]] = frozenset({"pixels", "features"})
    kind: ClassVar[Kind] = "sensitivity"

    base: AnyExplainer = Field(default={"name": "gradient"}, validate_default=True)
    average: Average = "signed"
    seed: int = Field(default=0, ge=0)

    @field_validator("base")
    @classmethod
    def _base_explains(cls, base: Explainer) -> Explainer:
        if base.control:
            raise ValueError(
                f"{base.name!r} is a control, whose average over noise explains nothing; allowed is any "
                "explainer that is none (a control may hold this one)"
            )
        return base

    @property
    def signed_maps(self) -> bool:
        """False for magnitudes, and for the mean of maps without a sign."""
        return self.average == "signed" and self.base.signed_maps

    def attribute(self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor) -> Tensor:
        """Return the mean over the draws, [B, H, W], or [B, N] of bags."""
        return self.attribute_with_variance(model, images, targets, tile_keys)[0]

    def attribute_with_variance(
        self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the mean and the variance over the draws, [B, H, W] each, as ``attribute`` does.

        The variance is that of a single draw, not of the mean. Divide it by the number of draws for the
        squared standard error of the map.
        """
        # Tiles keep the names of their clean features, so that nested draws stay with them.
        given = named(images) if isinstance(images, Bags) else images
        like = given.features[:, :, 0] if isinstance(given, Bags) else given[:, 0]
        maps = MeanMap(like, self.average)
        self.each_map(model, given, targets, tile_keys, maps.take)
        return maps.mean, maps.variance

    def each_map(
        self, model: nn.Module, images: Any, targets: Tensor, tile_keys: Tensor, take: TakeMap
    ) -> None:
        """Hand each drawn map [B, H, W] to ``take``."""
        # Handed over rather than yielded: a generator that an exception leaves half run would keep the
        # model noisy until somebody lets go of it.
        raise NotImplementedError(f"{type(self).__name__} does not say what it draws")
