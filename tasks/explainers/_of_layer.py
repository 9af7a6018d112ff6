"""The base of explainers that look at one layer, which is named or found in the network."""

from typing import Self

from torch import Tensor, nn

from tasks.explainers._layer_gradient import default_layer, layer_note
from tasks.explainers.base import Explainer


class LayerExplainer(Explainer):
    """An explainer whose maps have the resolution of a layer."""

    layer: str | None = None
    """A module by its name, e.g. ``network.layer3``; None: the model's own ``feature_layer``, else the last
    map that every path to the logits passes. The note beside the maps names it."""

    def settle(self, model: nn.Module, images: Tensor) -> Self:
        """Return a copy that names its layer.

        Raises:
            ExplanationError: the model has no map that every path passes.
        """
        if self.layer is not None:
            return self
        return self.model_copy(update={"layer": default_layer(model, images)})

    def notes(self) -> tuple[str, ...]:
        """Name the layer."""
        return layer_note(self.layer)
