"""Small bags, slide models with any weights, and what is known of their tiles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tasks.functional.tile_keys import tile_keys
from tasks.models.bag_classifier import BagClassifier
from tasks.models.mil.abmil import Abmil
from tasks.models.mil.base import BagModel
from tasks.models.mil.transformer import Transformer
from tasks.samples.inputs import Bags

DIM = 6
SIZES = (7, 2, 5, 12)
MODELS: dict[str, BagModel] = {
    "abmil": Abmil(embed=8, attention=4),
    "transformer": Transformer(width=8, heads=2),
}
"""One that pools its tiles, and one that mixes them."""


def bag_network(model: str | BagModel = "abmil", seed: int = 0, classes: int = 2) -> BagClassifier:
    """Return a slide model of any weights, with a normalisation, in train mode and with gradients left."""
    recipe = MODELS[model] if isinstance(model, str) else model
    generator = torch.Generator().manual_seed(100)
    mean, std = torch.randn(DIM, generator=generator), 0.5 + torch.rand(DIM, generator=generator)
    network = BagClassifier(recipe.build(DIM, classes, seed), mean, std)
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            noise = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed * 99 + number))
            parameter.add_(0.3 * noise)
    next(network.parameters()).grad = torch.ones_like(next(network.parameters()))
    return network.train()


def ragged(sizes: Sequence[int] = SIZES, seed: int = 0, pad: int = 0) -> Bags:
    """Return bags of ``sizes`` with nonsense on padding, ``pad`` tiles of it more than needed."""
    generator = torch.Generator().manual_seed(seed)
    length = max(sizes) + pad
    mask = torch.arange(length)[None] < torch.tensor(sizes)[:, None]
    features = torch.full((len(sizes), length, DIM), 99.0)
    about = torch.full((len(sizes), length, 4), float("nan"))
    features[mask] = torch.randn(int(mask.sum()), DIM, generator=generator)
    about[mask] = torch.rand(int(mask.sum()), 4, generator=generator)
    return Bags(features, mask, about)


def keys_and_targets(count: int) -> tuple[Tensor, Tensor]:
    """Return targets and keys, int64 [count] each."""
    return torch.arange(count) % 2, tile_keys([f"slide_{number}" for number in range(count)])


def only(bags: Bags, number: int) -> Bags:
    """Return one bag without its padding."""
    mask = bags.mask[number]
    about = None if bags.about is None else bags.about[number, mask][None]
    return Bags(bags.features[number, mask][None], mask[mask][None], about)
