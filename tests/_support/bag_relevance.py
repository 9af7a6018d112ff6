"""Layer-wise relevance propagation of a gated ABMIL, layer by layer, as the reference of the closed form."""

import torch
from torch import Tensor

from tasks.models.bag_classifier import BagClassifier

EPSILON = 1e-9


def through_linear(inputs: Tensor, weight: Tensor, relevance: Tensor) -> Tensor:
    """Return the relevance of ``inputs`` [..., I] by the epsilon rule, without the bias; weight [O, I]."""
    outputs = inputs @ weight.T
    stable = outputs + EPSILON * torch.where(outputs >= 0, 1.0, -1.0).to(outputs)
    return inputs * ((relevance / stable) @ weight)


def relevance_of_tiles(model: BagClassifier, tiles: Tensor, direction: Tensor) -> Tensor:
    """Return the relevance [N] of tiles [N, D] for ``direction`` [K] in logits; attention is constant."""
    network, seen = model.network, model.normalised(tiles)
    embedded = network.embed(seen)
    scores = network.score(torch.tanh(network.value(embedded)) * torch.sigmoid(network.gate(embedded)))
    attention = scores.softmax(0)
    pooled = (attention * embedded).sum(0)
    margin_weight = (direction @ network.head.weight)[None]
    of_pooled = through_linear(pooled, margin_weight, pooled @ margin_weight.T)
    share = attention * embedded / torch.where(pooled == 0, 1.0, pooled)
    of_embedded = share * of_pooled
    return through_linear(seen, network.embed[0].weight, of_embedded).sum(1)
