"""A network with randomised layers, inside a block.

Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim (2018), arXiv:1810.03292 (layers randomised from
the output downwards); He, Zhang, Ren and Sun (2015), arXiv:1502.01852 (the law of fresh weights).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

from tasks.functional.kept_weights import kept_weights
from tasks.functional.noise import seed_of

_PURPOSE = "a forgotten layer"
"""Separates these weights from those of :mod:`tasks.functional.reinitialise` with the same seed: otherwise
randomising an untrained network would not change it."""


class NoLayersError(ValueError):
    """A network without any weight of two or more axes has no layers to randomise."""


@contextmanager
def randomised_layers(model: nn.Module, parameters: Sequence[str], seed: int) -> Iterator[nn.Module]:
    """Yield ``model`` with new values in the named parameters, and restore the old ones bit for bit.

    Weights of two or more axes are drawn from He's normal law (fan-in), each from (seed, its name) and the
    kind of device alone: layers of equal shape get different weights, and a layer gets the same ones
    whichever others are named. One-axis weights become 1, biases 0. Running statistics of BatchNorm, like
    all buffers, are kept, since they are not learned weights. The old values are restored also after an
    exception.

    Args:
        model: anything with parameters, frozen or not.
        parameters: names as in ``named_parameters``.
        seed: of all fresh weights.
    """
    own = dict(model.named_parameters())
    chosen = {name: own[name] for name in parameters}
    with kept_weights(chosen):
        with torch.no_grad():
            for name, parameter in chosen.items():
                parameter.copy_(_fresh(name, parameter, seed))
        yield model


def layer_stages(model: nn.Module, stages: int) -> list[tuple[str, ...]]:
    """Return the names of the parameters of each of ``stages`` groups of layers, from the output downwards.

    A layer is a module that owns a weight of two or more axes; modules that own one-axis weights alone, such
    as BatchNorm, belong to the layer before them. Layers have the order in which the network names them,
    which is the order of its data if modules are defined in the order of their calls. Groups have equal
    numbers of layers; with a remainder, those next to the output have one more. With fewer layers than stages
    some groups hold the same layer, and none is empty.

    Raises:
        NoLayersError: there is no such layer.
    """
    layers = _layers(model)
    if not layers:
        raise NoLayersError(
            f"{type(model).__name__} has no weight of two or more axes, so no layer to forget"
        )
    layers.reverse()
    ends = [math.ceil(stage * len(layers) / stages) for stage in range(stages + 1)]
    spans = [layers[min(start, end - 1) : end] for start, end in pairwise(ends)]
    return [tuple(name for layer in span for name in layer) for span in spans]


def _layers(model: nn.Module) -> list[list[str]]:
    """Return the names of the parameters of each layer, in the order of the network."""
    owners: dict[str, list[tuple[str, nn.Parameter]]] = {}
    for name, parameter in model.named_parameters():
        owners.setdefault(name.rpartition(".")[0], []).append((name, parameter))
    layers: list[list[str]] = []
    before_all: list[str] = []
    for owned in owners.values():
        names = [name for name, _ in owned]
        if any(parameter.ndim >= 2 for _, parameter in owned):
            layers.append(names)
        else:
            (layers[-1] if layers else before_all).extend(names)
    if layers:
        layers[0] = before_all + layers[0]
    return layers


def _fresh(name: str, parameter: nn.Parameter, seed: int) -> Tensor:
    if parameter.ndim < 2:
        return torch.full_like(parameter, 0.0 if name.endswith("bias") else 1.0)
    # Drawn where the weights lie: a transfer of every weight at every stage would cost more than the maps.
    generator = torch.Generator(parameter.device).manual_seed(seed_of(seed, _PURPOSE, name))
    drawn = torch.randn(parameter.shape, generator=generator, device=parameter.device, dtype=torch.float32)
    return drawn.mul_(math.sqrt(2.0 / math.prod(parameter.shape[1:]))).to(parameter.dtype)
