"""The output of one layer and the margin's gradient with respect to it, for CAM methods."""

from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.explainers.base import ExplanationError
from tasks.functional.final_map import NoFinalMapError, final_map
from tasks.functional.gradients import target_margin


def output_and_gradient(
    model: nn.Module, layer: str | None, images: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the layer's output and each image's margin gradient by it, both [B, C, h, w].

    One forward and one backward pass, the latter from the logits down to the layer and no further. Exact in
    a batch for mixed targets: each image's own margin is summed, and images do not influence each other.

    Args:
        model: in eval mode and frozen; left without a hook whatever happens.
        layer: a module's name as ``named_modules`` gives it; None: see :func:`default_layer`.
        images: [B, C, H, W].
        targets: int64 [B].

    Raises:
        ExplanationError: no such layer, or one that does not give the logits a map [B, C, h, w], once.
    """
    seen: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        seen.append(_checked(output, title, len(images)).detach().requires_grad_())
        # A copy is passed on, so that an in-place activation behind the layer does not change the record.
        return seen[-1].clone()

    title, module = _layer_of(model, default_layer(model, images) if layer is None else layer)
    handle = module.register_forward_hook(cut)
    try:
        with torch.enable_grad():
            margin = target_margin(model(images), targets).sum()
    finally:
        handle.remove()
    if len(seen) != 1:
        raise ExplanationError(f"{title} ran {len(seen)} times in one forward pass; needed once")
    if not margin.requires_grad:
        raise ExplanationError(f"{title} does not reach the logits; name another layer")
    (gradient,) = torch.autograd.grad(margin, seen)
    return seen[0].detach(), gradient


def upsampled(maps: Tensor, images: Tensor) -> Tensor:
    """Return maps [B, h, w] at the images' size [B, H, W], bilinear, the outer edges of both aligned."""
    size = images.shape[2:]
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def default_layer(model: nn.Module, images: Tensor) -> str:
    """Return the name of the model's own ``feature_layer``, else of the last map that all evidence passes.

    The latter costs a forward pass of one image; see :func:`tasks.functional.final_map.final_map`.

    Raises:
        ExplanationError: there is no such map.
    """
    own = None
    with suppress(NoFinalMapError):
        # A network of another package may not have been looked at yet.
        own = getattr(model, "feature_layer", None)
    try:
        if isinstance(own, nn.Module):
            names: list[str] = [name for name, module in model.named_modules() if module is own]
            return names[0]
        return final_map(model, images[:1])
    except NoFinalMapError as error:
        raise ExplanationError(f"{error} as 'layer', any module below: {', '.join(_parts(model))}") from error


def _parts(model: nn.Module, prefix: str = "") -> list[str]:
    """Return the names of the parts of a network; a single part is opened."""
    parts = list(model.named_children())
    if len(parts) == 1 and len(list(parts[0][1].children())) > 0:
        return _parts(parts[0][1], f"{prefix}{parts[0][0]}.")
    return [f"{prefix}{name}" for name, _ in parts]


def layer_note(layer: str | None) -> tuple[str, ...]:
    """Return the sentence that names the layer of a map."""
    return (f"The maps are of the layer {layer}.",) if layer else ()


def _layer_of(model: nn.Module, layer: str) -> tuple[str, nn.Module]:
    """Return what to call the layer in a sentence, and the layer."""
    modules = {name: module for name, module in model.named_modules() if name}
    if layer not in modules:
        convolutions = [name for name, module in modules.items() if isinstance(module, nn.Conv2d)]
        raise ExplanationError(
            f"layer {layer!r} is none of {type(model).__name__}'s; any module may be named, its "
            f"convolutions are {convolutions}"
        )
    return f"layer {layer!r}", modules[layer]


def _checked(output: object, title: str, count: int) -> Tensor:
    if not isinstance(output, Tensor):
        raise ExplanationError(f"{title} gives a {type(output).__name__}; needed a map [B, C, h, w]")
    if output.ndim != 4 or len(output) != count:
        raise ExplanationError(
            f"{title} gives {list(output.shape)} for {count} images; needed a map [B, C, h, w]"
        )
    return output
