"""MONAI's networks as the docs show them: made from the study file, asked at the door, explained."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from tasks.explainers.base import ExplanationError
from tasks.explainers.grad_cam import GradCam
from tasks.explainers.gradient import Gradient
from tasks.models.classifier import build_classifier, check_recipe
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
SIDE = 64
IMAGES = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
TARGETS, KEYS = torch.tensor([1, 0]), torch.arange(2)
SMALLER = {
    "DenseNet121": {"init_features": 8, "growth_rate": 4, "block_config": [2, 2, 2]},
    "EfficientNetBN": {},
    "SEResNet50": {"layers": [1, 1, 1, 1]},
    "ViT": {"patch_size": [16, 16], "hidden_size": 24, "mlp_dim": 32, "num_layers": 2, "num_heads": 4},
}
LAST_MAPS = {
    "DenseNet121": "network.class_layers.relu",
    "EfficientNetBN": "network._bn1",
    "SEResNet50": "network.layer4.0.act",
}


def documented() -> dict[str, NetworkRecipe]:
    """Return the recipes on the page by the names of their classes, made smaller."""
    (block,) = re.findall(
        r"```yaml\n# networks of MONAI\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    found = {}
    for given in yaml.safe_load(block):
        name = given["network"]["module"].partition(":")[2]
        given["network"]["arguments"] |= SMALLER[name]
        found[name] = NetworkRecipe.model_validate(given["network"])
    return found


RECIPES = documented()


def built(name: str) -> nn.Module:
    return build_classifier(RECIPES[name], 2, (0.7, 0.5, 0.6), (0.2, 0.2, 0.2), seed=0).eval()


def test_the_page_shows_every_kind():
    assert set(RECIPES) == set(SMALLER)


@pytest.mark.parametrize("name", RECIPES)
def test_it_passes_the_door_and_has_a_gradient(name):
    assert check_recipe(RECIPES[name], 2, SIDE) == ()
    maps = Gradient()(built(name), IMAGES, TARGETS, KEYS)
    assert maps.shape == (2, SIDE, SIDE)
    assert maps.isfinite().all()
    assert maps.flatten(1).abs().sum(1).gt(0).all()


@pytest.mark.parametrize("name", LAST_MAPS)
def test_grad_cam_takes_the_map_before_the_pool(name):
    """Where the last convolution by definition is another one, its map is another one too."""
    model = built(name)
    model.settle(IMAGES)
    settled = GradCam().settled(model, IMAGES)
    assert settled.layer == LAST_MAPS[name]
    maps = settled(model, IMAGES, TARGETS, KEYS)
    assert torch.equal(maps, GradCam(layer=LAST_MAPS[name])(model, IMAGES, TARGETS, KEYS))
    assert settled.notes() == (f"The maps are of the layer {LAST_MAPS[name]}.",)


def test_of_the_usual_map_of_a_gated_network_the_last_convolution_knows_little():
    model = built("SEResNet50")
    last = [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d)][-1]
    usual = GradCam(layer="network.layer4")(model, IMAGES, TARGETS, KEYS)
    model.settle(IMAGES)
    found, by_definition = (GradCam(layer=name)(model, IMAGES, TARGETS, KEYS) for name in (None, last))
    torch.testing.assert_close(found, usual)
    assert not torch.allclose(by_definition, usual)


def test_of_a_transformer_it_asks_for_a_layer():
    model = built("ViT")
    with pytest.raises(
        ExplanationError,
        match=r"no last map .*: tokens come after it, first in 'network\.blocks.* below: network\.patch",
    ):
        GradCam()(model, IMAGES, TARGETS, KEYS)
    assert model.feature_layers == ()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "DenseNet121",
            {"arguments": {"spatial_dims": 2}},
            "cannot be made with spatial_dims=2: TypeError: .*in_cha",
        ),
        ("DenseNet121", {"arguments": None}, "cannot be made with num_classes=2: TypeError: .*missing"),
        ("ViT", {"logits": None}, r"^ViT gave tuple; needed .* \(network\.logits in a study file\)"),
        ("ViT", {"logits": 7}, r"^network\.logits 7 names nothing in the tuple that ViT gives: IndexError"),
        ("ViT", {"logits": "logits"}, r"^network\.logits 'logits' names nothing in the tuple .* TypeError"),
    ],
)
def test_what_is_wrong_is_said_with_module_arguments_and_error(name, change, said):
    with pytest.raises(ModelError, match=said):
        check_recipe(RECIPES[name].model_copy(update=change), 2, SIDE)


def test_another_number_of_classes_than_the_study_has():
    with pytest.raises(
        ModelError, match=r"DenseNet121 gives 2 logits; the study has 3 classes: say so in network\.arguments"
    ):
        check_recipe(RECIPES["DenseNet121"], 3, SIDE)


def test_tiles_that_the_network_cannot_take():
    with pytest.raises(ModelError, match=r"ViT does not take images of shape \[3, 3, 48, 48\]: RuntimeError"):
        check_recipe(RECIPES["ViT"], 2, 48)


def test_the_same_seed_gives_the_same_weights_and_arguments_are_not_changed():
    recipe = RECIPES["EfficientNetBN"]
    before = recipe.model_dump_json()
    one, two = built("EfficientNetBN"), built("EfficientNetBN")
    assert all(torch.equal(value, two.state_dict()[key]) for key, value in one.state_dict().items())
    assert recipe.model_dump_json() == before


def test_arguments_without_a_module_are_refused():
    with pytest.raises(ValueError, match=r"network\.arguments and network\.logits go with network\.module"):
        NetworkRecipe(arguments={"a": 1})
