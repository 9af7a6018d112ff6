"""What holds for every encoder: frozen, the same twice and in any company, and its weights are hashed."""

import pytest
import torch
from safetensors.torch import save_file

from tasks.models.encoders.base import Encoder
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tasks.plugins import available, plugin_class
from tests._support.plugin_rules import assert_is_its_own_configuration
from tests._support.record_jobs import make_checkpoint
from tests._support.vit_weights import SHAPES, filled, own_shapes

SIDE = 16
NAMES = available(Encoder.package)


def resnet50(folder):
    save_file(build_resnet(NetworkRecipe(name="resnet50", width=1), 1000, 0).state_dict(), folder / "w")
    return {"weights": str(folder / "w"), "size": 32}


def vit(folder):
    save_file(filled(own_shapes(SHAPES["uni2_h"])), folder / "w")
    preset = {"shape": SHAPES["uni2_h"].model_dump(), "transform": {"resize": 28}, "licence": "MIT"}
    return {"weights": str(folder / "w"), "preset": preset}


SETTINGS = {
    "checkpoint": lambda folder: {"folder": str(make_checkpoint(folder / "c", 0).folder)},
    "colour_statistics": lambda folder: {},
    "efficientnet_lite0": lambda folder: {"size": 32},
    "resnet50": resnet50,
    "vit": vit,
}


@pytest.fixture(scope="module", params=NAMES)
def encoder(request, tmp_path_factory):
    settings = SETTINGS[request.param](tmp_path_factory.mktemp(request.param))
    return plugin_class(Encoder.package, request.param).model_validate(settings)


@pytest.fixture(scope="module")
def network(encoder):
    return encoder.build()


def tiles(count=5):
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))


def test_it_is_its_own_configuration(encoder):
    assert_is_its_own_configuration(encoder)
    assert hash(encoder) == hash(encoder.model_copy())


def test_the_network_is_frozen_and_in_eval_mode(network):
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_tile_has_the_same_features_twice_and_in_any_company(network):
    with torch.no_grad():
        whole, again = network(tiles()), network(tiles())
        alone = torch.cat([network(tile[None]) for tile in tiles()])
    assert whole.ndim == 2
    assert torch.isfinite(whole).all()
    assert torch.equal(whole, again)
    torch.testing.assert_close(whole, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(whole[0], whole[1]), "different tiles have different features"


def test_images_and_weights_are_left_as_found(network):
    images = tiles()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        network(images)
    assert torch.equal(images, tiles())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_it_tells_its_licence_and_names_no_path_in_its_recipe(encoder):
    facts = encoder.facts()
    assert facts.name
    assert facts.licence
    assert bool(facts.digest) == bool(encoder.files())
    assert not any(str(path) in str(encoder.recipe()) for path in encoder.files().values())


def test_absent_files_are_refused_in_a_sentence(encoder, tmp_path):
    if not encoder.paths:
        assert not encoder.files()
        return
    lost = encoder.model_copy(update=dict.fromkeys(encoder.paths, "nowhere")).located(tmp_path)
    with pytest.raises(ModelError, match=r"nowhere.*(is not a file|is no checkpoint)"):
        lost.build()
