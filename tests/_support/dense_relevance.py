"""LRP written out with dense matrices, rule by rule as published, for a stem and two residual blocks."""

import torch
from torch import Tensor, nn

Share = tuple[Tensor, Tensor]
"""Relevance of the inputs [B, N] and what biases absorbed [B]."""


def dense(modules: list[nn.Module], shape: torch.Size) -> tuple[Tensor, Tensor]:
    """Return the matrix [inputs, outputs] and the bias [outputs] of linear modules one behind the other."""
    chain = nn.Sequential(*modules)
    with torch.no_grad():
        bias = chain(torch.zeros(1, *shape, dtype=torch.float64)).flatten()
        matrix = chain(torch.eye(shape.numel(), dtype=torch.float64).view(-1, *shape)).flatten(1) - bias
    return matrix, bias


def gamma_rule(values: Tensor, gamma: float) -> Tensor:
    """Return weights whose positive part counts 1 + gamma times."""
    return values + gamma * values.clamp_min(0)


def share(parts: list[tuple[Tensor, Tensor]], bias: Tensor, relevance: Tensor) -> tuple[list[Tensor], Tensor]:
    """Split relevance [B, J] over inputs x_i w_ij of several branches and the bias; 0 where it is 0."""
    total = sum((x @ w for x, w in parts), start=bias.expand_as(relevance))
    quotient = torch.where(relevance == 0, 0, relevance / total)
    return [x * (quotient @ w.T) for x, w in parts], (bias * quotient).sum(1)


def box(images: Tensor, weight: Tensor, relevance: Tensor) -> Tensor:
    """Split relevance [B, J] over pixels by how much each gives above the least it could."""
    x = images.flatten(1)
    contributions = x[:, :, None] * weight - weight.clamp_max(0)
    return (contributions / contributions.sum(1, keepdim=True) * relevance[:, None]).sum(2)


def residual_relevance(
    model: nn.Module, images: Tensor, targets: Tensor, gamma: float, boxed: bool
) -> tuple[Tensor, Tensor]:
    """Return the relevance [B, 3, H, W] and what all biases and shifts absorbed [B]."""
    with torch.no_grad():
        stem = model.act(model.stem_norm(model.stem(images)))
        wide = model.wide(stem)
        same = model.same(wide)
    matrix, bias = dense([model.pool, nn.Flatten(), model.head], same.shape[1:])
    chosen = torch.full((3, 3), -0.5, dtype=torch.float64).fill_diagonal_(1)[targets]
    absorbed = chosen @ bias
    relevance = same.flatten(1) * (chosen @ matrix.T)
    for block, entering in ((model.same, wide), (model.wide, stem)):
        relevance, lost = _block(block, entering, relevance, gamma)
        absorbed = absorbed + lost
    matrix, bias = dense([model.stem, model.stem_norm], images.shape[1:])
    if boxed:
        return box(images, matrix, relevance).view_as(images), absorbed
    (pixels,), lost = share([(images.flatten(1), matrix)], bias, relevance)
    return pixels.view_as(images), absorbed + lost


def _block(block: nn.Module, entering: Tensor, relevance: Tensor, gamma: float) -> Share:
    with torch.no_grad():
        inner = block.relu1(block.bn1(block.conv1(entering)))
    last, last_bias = dense([block.conv2, block.bn2], inner.shape[1:])
    skip, skip_bias = dense([block.downsample or nn.Identity()], entering.shape[1:])
    bias = gamma_rule(last_bias, gamma) + gamma_rule(skip_bias, gamma)
    branches = [(inner.flatten(1), gamma_rule(last, gamma)), (entering.flatten(1), gamma_rule(skip, gamma))]
    (through, past), absorbed = share(branches, bias, relevance)
    first, first_bias = dense([block.conv1, block.bn1], entering.shape[1:])
    weights, shift = gamma_rule(first, gamma), gamma_rule(first_bias, gamma)
    (reached,), lost = share([(entering.flatten(1), weights)], shift, through)
    return past + reached, absorbed + lost
