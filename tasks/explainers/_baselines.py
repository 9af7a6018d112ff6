"""Baselines: what an image looks like with nothing in it, for methods that compare with one."""

import torch
from pydantic import Field
from torch import Tensor, nn

from tasks.explainers.base import ChannelExplainer, Explainer, ExplanationError
from tasks.functional.fills import Fill, filled


def baseline_images(kind: Fill, model: nn.Module, images: Tensor, blur_px: float) -> Tensor:
    """Return [B, C, H, W]: the images with everything removed, in memory of their own.

    Zeros are no baseline. After normalisation they are the mean colour, which is tissue in H&E; before it
    they are black, which no slide is.

    Args:
        kind: ``white`` glass, the ``mean_tissue`` colour of the training tiles, or the image in a ``blur``.
        model: for ``mean_tissue``, carries that colour as its buffer ``mean`` [1, C, 1, 1], in pixel units.
        images: float [B, C, H, W] in [0, 1].
        blur_px: standard deviation of the blur in tile pixels.

    Raises:
        ExplanationError: ``mean_tissue`` with a model that carries no such colour, or one outside [0, 1].
    """
    channels = images.shape[1]
    colour = _mean_colour(model, channels) if kind == "mean_tissue" else torch.ones(channels)
    return filled(kind, images, colour, blur_px).contiguous()


def _mean_colour(model: nn.Module, channels: int) -> Tensor:
    mean = dict(model.named_buffers()).get("mean")
    if mean is None or mean.numel() != channels:
        found = "none" if mean is None else f"one of shape {list(mean.shape)}"
        raise ExplanationError(
            f"'mean_tissue' is the mean colour of the training tiles, a buffer 'mean' [1, {channels}, 1, 1] "
            f"of the model; {type(model).__name__} has {found}"
        )
    low, high = float(mean.min()), float(mean.max())
    if not (low >= 0 and high <= 1):
        raise ExplanationError(
            f"'mean_tissue' is a colour in [0, 1]; the buffer 'mean' of {type(model).__name__} goes from "
            f"{low:g} to {high:g}, as of pixels up to 255: choose another baseline, or give it in [0, 1]"
        )
    return mean.flatten()


def refuse_broken_baseline(logits: Tensor, kind: str, model: nn.Module) -> None:
    """Refuse a baseline on which the network gives no finite logits [B, K].

    Raises:
        ExplanationError: naming it.
    """
    if not torch.isfinite(logits).all():
        raise ExplanationError(
            f"{type(model).__name__} gives logits that are not finite on the baseline {kind!r}, so nothing "
            "can be compared with it; choose another baseline"
        )


class BaselineExplainer(Explainer):
    """An explainer that compares an image with a baseline."""

    baseline: Fill = "white"
    """What stands for "nothing there"; ``mean_tissue`` needs a model that carries that colour."""
    blur_px: float = Field(default=8.0, gt=0)
    """Standard deviation of the ``blur`` in tile pixels; other baselines ignore it."""

    def baseline_images(self, model: nn.Module, images: Tensor) -> Tensor:
        """Return the baseline [B, C, H, W] of each image."""
        return baseline_images(self.baseline, model, images, self.blur_px)


class ExplainsDifference(BaselineExplainer, ChannelExplainer):
    """Its maps sum to the margin minus that of the baseline, if ``reduce`` is ``sum``."""

    def reference(self, model: nn.Module, images: Tensor) -> Tensor | None:
        """Return the baseline [B, C, H, W]; None where the reduction keeps no sum."""
        return self.baseline_images(model, images) if self.reduce == "sum" else None
