"""Where bfloat16 gives wrong gradients.

On a CPU, torch 2.13 does not set the gradient of convolution weights that only meet padding, such as 3 x 3
weights on a map of one pixel. In single precision they are 0, as they should be. In bfloat16 they hold
whatever the memory held, sometimes 1e31.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tasks.functional.leave_as_found import leave_as_found
from tasks.training.errors import TrainingDataError


def refuse_tiny_maps(model: nn.Module, tile_px: int) -> None:
    """Refuse to train ``model`` in bfloat16 on a CPU if one of its maps is smaller than a kernel reaches.

    Raises:
        TrainingDataError: naming the layer.
    """
    found: list[str] = []
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)]
    handles = [layer.register_forward_pre_hook(_looking(name, found)) for name, layer in layers]
    try:
        with leave_as_found(model), torch.inference_mode():
            model(torch.zeros(1, 3, tile_px, tile_px))
    finally:
        for handle in handles:
            handle.remove()
    if found:
        raise TrainingDataError(
            f"amp on a CPU cannot train {found[0]} of tiles of {tile_px} px: its map is smaller than its "
            "kernel reaches, where torch leaves gradients unset; take larger tiles or amp: false"
        )


def _looking(name: str, found: list[str]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def look(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.Conv2d)
        reach = max(size // 2 for size in layer.kernel_size)
        if min(inputs[0].shape[2:]) <= reach:
            found.append(name)

    return look
