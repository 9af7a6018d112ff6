"""The classifier: normalisation inside, features, loading and starting from given weights."""

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import nn

from tasks.artifacts.checkpoint import INFO, WEIGHTS, Checkpoint, CheckpointInfo
from tasks.models.classifier import build_classifier, load_classifier
from tasks.models.errors import ModelError
from tasks.models.recipe import NetworkRecipe

MEAN, STD = (0.7, 0.5, 0.6), (0.2, 0.15, 0.25)
TINY = NetworkRecipe(width=0.125)


class Foreign(nn.Module):
    """A network of somebody else's, found by ``module``."""

    def __init__(self, num_classes):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.head = nn.Linear(6, num_classes)

    def forward(self, x):
        return self.head(self.last(self.first(x).relu()).relu().mean((2, 3)))


class NoModule:
    pass


FOREIGN = NetworkRecipe(module=f"{__name__}:Foreign")


def build(recipe=TINY, classes=2, seed=0):
    return build_classifier(recipe, classes, MEAN, STD, seed)


def test_normalisation_is_inside():
    model = build().eval()
    images = torch.rand(2, 3, 32, 32)
    normal = (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    assert torch.equal(model(images), model.network(normal))
    assert {"mean", "std"} <= set(model.state_dict())


def test_features_are_the_last_map_and_lead_to_the_logits():
    model = build().eval()
    images = torch.rand(2, 3, 64, 64)
    features, logits = model.with_features(images)
    assert features.shape == (2, 64, 2, 2)
    assert torch.allclose(model.network.fc(features.mean((2, 3))), logits, atol=1e-6)
    assert torch.equal(model.features(images), features)
    assert torch.equal(model(images), logits)
    assert not model.feature_layer._forward_hooks


def test_the_hook_is_taken_off_after_an_exception():
    model = build()
    with pytest.raises(RuntimeError):
        model.with_features(torch.rand(2, 5, 16, 16))
    assert not model.feature_layer._forward_hooks


def test_a_foreign_network_is_taken_and_its_last_convolution_found():
    before = torch.random.get_rng_state()
    first, second, other = build(FOREIGN, 3), build(FOREIGN, 3), build(FOREIGN, 3, seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
    features, logits = first.with_features(torch.rand(2, 3, 16, 16))
    assert features.shape == (2, 6, 8, 8)
    assert logits.shape == (2, 3)
    assert torch.equal(first.network.head.weight, second.network.head.weight)
    assert not torch.equal(first.network.head.weight, other.network.head.weight)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("no_such_package:Net", "cannot be imported: ModuleNotFoundError: No module named"),
        (f"{__name__}:Absent", "cannot be imported"),
        (f"{__name__}:NoModule", "needed a subclass of torch.nn.Module"),
        ("torch.nn:Linear", "cannot be made with num_classes=2"),
    ],
)
def test_a_wrong_foreign_network_is_a_sentence(module, sentence):
    with pytest.raises(ModelError, match=sentence):
        build(NetworkRecipe(module=module))


def test_recipe_refuses_nonsense():
    with pytest.raises(ValidationError, match=r"must read 'package\.module:Class'"):
        NetworkRecipe(module="package.module.Class")
    with pytest.raises(ValidationError):
        NetworkRecipe(depth=18)


@pytest.mark.parametrize("recipe", [TINY, FOREIGN], ids=["resnet", "foreign"])
def test_checkpoint_round_trip(tmp_path, recipe):
    model = build(recipe, seed=3).eval()
    save_file(model.state_dict(), tmp_path / WEIGHTS)
    info = CheckpointInfo(
        network=recipe.model_dump(mode="json"), classes=("normal", "tumour"), target_class="tumour", mpp=1.0,
        tile_px=32, mean=MEAN, std=STD, seed=3, best_epoch=1, scores={},
    )  # fmt: skip
    (tmp_path / INFO).write_text(info.model_dump_json())
    loaded = load_classifier(Checkpoint(tmp_path), torch.device("cpu"))
    assert not loaded.training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in loaded.state_dict().items())


def test_start_from_own_weights_takes_their_normalisation(tmp_path):
    given = build_classifier(TINY, 2, (0.1, 0.2, 0.3), STD, seed=9)
    save_file(given.state_dict(), tmp_path / "own.safetensors")
    model = build(NetworkRecipe(width=0.125, init=str(tmp_path / "own.safetensors")))
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in given.state_dict().items())


def test_start_from_a_plain_resnet_keeps_own_normalisation_and_a_head_of_other_size(tmp_path):
    given = build(classes=1000, seed=9).network.state_dict()
    save_file(given, tmp_path / "plain.safetensors")
    model = build(NetworkRecipe(width=0.125, init=str(tmp_path / "plain.safetensors")))
    fresh = build()
    assert torch.equal(model.network.conv1.weight, given["conv1.weight"])
    assert torch.equal(model.network.fc.weight, fresh.network.fc.weight)
    assert torch.equal(model.mean, fresh.mean)


def test_weights_that_do_not_fit_are_a_sentence(tmp_path):
    path = tmp_path / "w.safetensors"
    init = NetworkRecipe(width=0.125, init=str(path))
    with pytest.raises(ModelError, match=r"'w\.safetensors' is not a file"):
        build(init)
    state = build().network.state_dict()
    save_file({k: v for k, v in state.items() if k != "conv1.weight"}, path)
    with pytest.raises(ModelError, match=r"1 layers are missing, first 'network\.conv1\.weight'"):
        build(init)
    save_file(build(NetworkRecipe(width=0.25)).network.state_dict(), path)
    with pytest.raises(ModelError, match="have another shape, first"):
        build(init)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "network.", "module.network."])
def test_start_from_wrapped_weights_without_counts_and_with_another_head(tmp_path, prefix):
    given = build(classes=5, seed=9).network.state_dict()
    named = {f"{prefix}{name}": value for name, value in given.items() if "tracked" not in name}
    save_file(named, tmp_path / "w.safetensors")
    model = build(NetworkRecipe(width=0.125, init=str(tmp_path / "w.safetensors")))
    assert torch.equal(model.network.conv1.weight, given["conv1.weight"])
    assert torch.equal(model.network.fc.weight, build().network.fc.weight)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"layer5.0.weight": torch.zeros(1)}, "1 layers are unknown, first 'layer5"),
        ({"std": torch.zeros(1, 3, 1, 1)}, r"holds 'std' from 0 to 0; needed \(0, 1\]"),
        ({"network.fc.bias": torch.zeros(2)}, "names the layer 'network.fc.bias' twice"),
        ({"conv1.weight": torch.zeros(8, 3, 7, 7, dtype=torch.int8)}, "holds torch.int8 in 'network.conv1"),
        ({"fc.bias": torch.tensor([0.0, torch.inf])}, "not finite in 1 layers, first 'fc.bias'"),
    ],
)
def test_initial_weights_with_a_fault_are_a_sentence_that_names_the_file(tmp_path, change, said):
    path = tmp_path / "w.safetensors"
    save_file({**build().network.state_dict(), **change}, path)
    with pytest.raises(ModelError, match=rf"^network\.init 'w\.safetensors' .*{said}"):
        build(NetworkRecipe(width=0.125, init=str(path)))


def test_a_foreign_network_passes_the_door_when_it_is_loaded(tmp_path):
    """What the module is may have changed since the training."""
    recipe = NetworkRecipe(module="tests._support.odd_networks:OfTheBatch", arguments={})
    save_file(build(recipe).state_dict(), tmp_path / WEIGHTS)
    info = CheckpointInfo(
        network=recipe.model_dump(mode="json"), classes=("normal", "tumour"), target_class="tumour", mpp=1.0,
        tile_px=32, mean=MEAN, std=STD, seed=3, best_epoch=1, scores={},
    )  # fmt: skip
    (tmp_path / INFO).write_text(info.model_dump_json())
    with pytest.raises(ModelError, match="OfTheBatch gives an image other logits alone"):
        load_classifier(Checkpoint(tmp_path), torch.device("cpu"))
