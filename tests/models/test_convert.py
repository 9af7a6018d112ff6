"""Weights move both ways between our networks and MONAI's without a bit of difference."""

import pytest
import torch

from tasks.models.classifier import build_classifier
from tasks.models.convert import from_monai, to_monai
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import monai_resnet

MEAN, STD = (0.7, 0.5, 0.6), (0.2, 0.15, 0.25)
RECIPES = [
    NetworkRecipe(name=name, width=width, stem_stride=stride)
    for name, width, stride in (
        ("resnet18", 0.25, 2), ("resnet18", 0.5, 1), ("resnet34", 0.125, 2), ("resnet50", 0.125, 2),
    )
]  # fmt: skip


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_monai_gives_the_same_logits_with_our_weights(recipe, training):
    ours = build_classifier(recipe, 3, MEAN, STD, seed=4).train(training)
    theirs = to_monai(ours, recipe)
    images = torch.rand(4, 3, 48, 48)
    with torch.no_grad():
        difference = ours(images) - theirs((images - ours.mean) / ours.std)
    assert difference.abs().max() == 0.0
    assert theirs.training == training


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_our_network_gives_the_same_logits_with_monai_weights(recipe):
    torch.manual_seed(0)
    theirs = monai_resnet(recipe, classes=2).eval()
    ours = from_monai(theirs, recipe, MEAN, STD)
    images = torch.rand(4, 3, 48, 48)
    with torch.no_grad():
        difference = ours(images) - theirs((images - ours.mean) / ours.std)
    assert difference.abs().max() == 0.0
    again = to_monai(ours, recipe).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in theirs.state_dict().items())
