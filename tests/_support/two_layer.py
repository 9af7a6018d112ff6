"""A network of two layers, small enough to know what its gradients are, dressed as a classifier."""

import torch
from torch import nn

from tasks.models.classifier import Classifier


def two_layer(tile_px: int = 4, classes: int = 2, smooth: bool = False, seed: int = 0) -> Classifier:
    """One convolution over the whole tile to five features, then one linear layer; float64, in train mode.

    Logits are linear in the images, or with ``smooth`` have a softplus between the layers. There is no
    BatchNorm and the normalisation changes nothing, so eval and train mode agree. A grey tile of 0.5 gets
    equal logits.
    """
    generator = torch.Generator().manual_seed(seed)
    middle = nn.Softplus() if smooth else nn.Identity()
    network = nn.Sequential(nn.Conv2d(3, 5, tile_px), middle, nn.Flatten(), nn.Linear(5, classes))
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2
    model = Classifier(network, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).double().train()
    network[-1].bias.data -= model(torch.full((1, 3, tile_px, tile_px), 0.5).double()).detach()[0]
    return model


def margin_weight(model: Classifier, winner: int, loser: int) -> torch.Tensor:
    """Return the gradient [3, H, W] of one logit less another of a linear :func:`two_layer`."""
    convolution, _, _, head = model.network
    difference = head.weight[winner] - head.weight[loser]
    return torch.einsum("c,cihw->ihw", difference, convolution.weight).detach()
