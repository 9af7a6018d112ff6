"""Networks that are brought: the right weights in the right place, or one sentence."""

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from tasks.artifacts.checkpoint import INFO, WEIGHTS, CheckpointInfo
from tasks.models.classifier import build_classifier
from tasks.models.recipe import NetworkRecipe
from tasks.scoring.errors import ScoringError
from tasks.scoring.source import NetworkSource, load_network
from tests._support.brought_networks import SIDE, convolutional
from tests._support.small_networks import small_network, state_of

CPU = torch.device("cpu")
RECIPE = NetworkRecipe(width=0.03125)
FACTORY = "tests._support.brought_networks:"
MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.1)


def trained():
    return build_classifier(RECIPE, 3, MEAN, STD, seed=5).eval()


def logits(model):
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model(images)


def test_a_network_of_ours_with_its_weights(tmp_path):
    save_file(trained().state_dict(), tmp_path / "w.safetensors")
    source = NetworkSource(network=RECIPE, classes=3, weights="w.safetensors")
    assert torch.equal(logits(load_network(source, tmp_path, CPU)), logits(trained()))


def test_weights_of_the_network_alone_need_the_normalisation_beside_them(tmp_path):
    save_file(trained().network.state_dict(), tmp_path / "w.safetensors")
    given = {"network": RECIPE, "classes": 3, "weights": "w.safetensors"}
    source = NetworkSource(**given, mean=MEAN, std=STD)
    assert torch.equal(logits(load_network(source, tmp_path, CPU)), logits(trained()))
    with pytest.raises(ScoringError, match=r"the file w.safetensors holds no 'std'; state it beside network"):
        load_network(NetworkSource(**given, mean=MEAN), tmp_path, CPU)


def test_a_checkpoint_folder(tmp_path):
    (tmp_path / "c").mkdir()
    save_file(trained().state_dict(), tmp_path / "c" / WEIGHTS)
    info = CheckpointInfo(
        network=RECIPE.model_dump(),
        classes=("a", "b", "c"),
        target_class="b",
        mpp=0.5,
        tile_px=32,
        mean=MEAN,
        std=STD,
        seed=0,
        best_epoch=0,
        scores={},
    )
    source = NetworkSource(checkpoint="c")
    with pytest.raises(ScoringError, match=r"there is no file checkpoint.json"):
        load_network(source, tmp_path, CPU)
    (tmp_path / "c" / INFO).write_text(info.model_dump_json())
    found = logits(load_network(source, tmp_path, CPU))
    assert torch.allclose(found, logits(trained()), atol=1e-5)


def test_a_factory_with_weights(tmp_path):
    other = small_network(seed=3)
    save_file(other.state_dict(), tmp_path / "w.safetensors")
    source = NetworkSource(factory=f"{FACTORY}convolutional", weights="w.safetensors")
    found = load_network(source, tmp_path, CPU)
    assert state_of(found)["weights"] == state_of(other)["weights"] != state_of(convolutional())["weights"]
    assert not any(module.training for module in found.modules())


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (
            "nowhere:linear",
            "factory 'nowhere:linear' cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        ),
        (f"{FACTORY}absent", "cannot be imported: .* has no attribute 'absent'"),
        ("linear", "factory 'linear' cannot be imported"),
        (f"{FACTORY}nothing", "factory .* gave NoneType; needed a torch.nn.Module"),
        (
            f"{FACTORY}linear",
            "w.safetensors does not fit the network: 1 layers are missing, first 'weight' and 1 layers are",
        ),
    ],
)
def test_factories_that_are_none(tmp_path, factory, said):
    save_file({"other": torch.zeros(3, SIDE, SIDE)}, tmp_path / "w.safetensors")
    with pytest.raises(ScoringError, match=said):
        load_network(NetworkSource(factory=factory, weights="w.safetensors"), tmp_path, CPU)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"weight": torch.zeros(3, 4, 4)}, "1 layers have another shape, first 'weight'"),
        (
            {"weight": torch.zeros(3, SIDE, SIDE), "head": torch.zeros(1)},
            "1 layers are unknown, first 'head'",
        ),
    ],
)
def test_weights_of_another_network(tmp_path, weights, said):
    save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(ScoringError, match=said):
        load_network(NetworkSource(factory=f"{FACTORY}linear", weights="w.safetensors"), tmp_path, CPU)


def test_weights_that_are_no_safetensors(tmp_path):
    source = NetworkSource(factory=f"{FACTORY}linear", weights="w.safetensors")
    with pytest.raises(ScoringError, match=r"there is no file w.safetensors"):
        load_network(source, tmp_path, CPU)
    torch.save({"weight": torch.zeros(3, SIDE, SIDE)}, tmp_path / "w.safetensors")
    with pytest.raises(ScoringError, match=r"the file w.safetensors is pickled by torch.save"):
        load_network(source, tmp_path, CPU)


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("name one of checkpoint, network and factory, got none", {"weights": "w"}),
        ("got network, factory", {"network": RECIPE, "factory": "a:b", "weights": "w", "classes": 2}),
        ("weights go with network and factory", {"factory": "a:b"}),
        ("weights go with network and factory", {"checkpoint": "c", "weights": "w"}),
        ("classes go with network", {"network": RECIPE, "weights": "w"}),
        ("classes go with network", {"factory": "a:b", "weights": "w", "classes": 2}),
        ("a factory normalises inside", {"factory": "a:b", "weights": "w", "mean": MEAN}),
        ("network.init is where a training starts", {
            "network": NetworkRecipe(init="x"), "weights": "w", "classes": 2,
        }),
    ],
)  # fmt: skip
def test_what_does_not_go_together(said, given):
    with pytest.raises(ValidationError, match=said):
        NetworkSource(**given)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_weights_of_a_wrapped_network(tmp_path, prefix):
    other = small_network(seed=3)
    named = {f"{prefix}{name}": value for name, value in other.state_dict().items() if "tracked" not in name}
    save_file(named, tmp_path / "w.safetensors")
    source = NetworkSource(factory=f"{FACTORY}convolutional", weights="w.safetensors")
    found = load_network(source, tmp_path, CPU)
    assert state_of(found)["weights"] == state_of(other)["weights"]


def test_a_factory_that_raises_an_error(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(ScoringError, match=r"factory .* raised an error: ZeroDivisionError: division"):
        load_network(NetworkSource(factory=f"{FACTORY}failing", weights="w.safetensors"), tmp_path, CPU)
