"""Which parameters of a network get weight noise."""

from typing import Literal

from torch import nn

from tasks.functional.weight_noise import WeightNoiseError

Perturbed = Literal["all", "weights", "last_stage", "head"]
"""``all``: every parameter, as published: convolutions, linear layers, their biases, the gains and shifts of
norm layers. ``weights``: those of two or more axes, so neither biases nor norm layers. ``last_stage``: those
of the last convolutional stage (the model's ``feature_layer``, or its last convolution where it names none)
and of all that is registered after it. ``head``: those of the last linear layer."""


def perturbed(model: nn.Module, which: Perturbed) -> list[str]:
    """Return the names of the parameters in the order of ``named_parameters``; tied ones once.

    Raises:
        WeightNoiseError: the model has no such layer, or no such parameter.
    """
    named = list(model.named_parameters())
    names = [name for name, _ in named]
    if which == "weights":
        names = [name for name, parameter in named if parameter.ndim >= 2]
    elif which == "head":
        names = _of(_head(model), model)
    elif which == "last_stage":
        first = _of(_last_stage(model), model)[:1]
        names = names[names.index(first[0]) :] if first else []
    if not names:
        raise WeightNoiseError(
            f"{type(model).__name__} has no parameter among {which!r}; choose other 'parameters'"
        )
    return names


def _of(layer: nn.Module, model: nn.Module) -> list[str]:
    own = {id(parameter) for parameter in layer.parameters()}
    return [name for name, parameter in model.named_parameters() if id(parameter) in own]


def _head(model: nn.Module) -> nn.Module:
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise WeightNoiseError(
            f"{type(model).__name__} has no linear layer; choose other 'parameters' than 'head'"
        )
    return linear[-1]


def _last_stage(model: nn.Module) -> nn.Module:
    layer = getattr(model, "feature_layer", None)
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    if isinstance(layer, nn.Module):
        return layer
    if not convolutions:
        raise WeightNoiseError(
            f"{type(model).__name__} has neither a 'feature_layer' nor a convolution; "
            "choose other 'parameters' than 'last_stage'"
        )
    return convolutions[-1]
