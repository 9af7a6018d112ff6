"""Gradients of bags, integrated along the straight line from their baselines."""

import numpy as np
import torch
from torch import Tensor, nn

from tasks.explainers._bags import bag_gradient
from tasks.samples.inputs import Bags


def integrated_bags(model: nn.Module, bags: Bags, baseline: Tensor, targets: Tensor, steps: int) -> Tensor:
    """Return [B, N]: the sum over features of (x - baseline) x the mean gradient between them.

    Gauss-Legendre quadrature of ``steps`` points; one bag of gradients is kept, however many steps there are.
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    way = bags.features - baseline
    mean = torch.zeros_like(way)
    for node, weight in zip(nodes, weights, strict=True):
        between = baseline + way * float((node + 1) / 2)
        mean += bag_gradient(model, bags._replace(features=between), targets) * float(weight / 2)
    return (way * mean).sum(2)
