"""Given weights are those of the network: by name, shape, type and range."""

import pytest
import torch

from tasks.models.errors import ModelError
from tasks.models.fitting import check_normalisation, fitting

OWN = {
    "network.conv.weight": torch.zeros(4, 3),
    "network.bn.running_var": torch.ones(4),
    "network.bn.num_batches_tracked": torch.tensor(7),
    "network.fc.weight": torch.zeros(2, 4),
    "mean": torch.zeros(3),
}
GIVEN = {name: torch.full_like(value, 2) for name, value in OWN.items()}
HEADS = ("network.fc.weight",)


def fit(given, **more):
    return fitting(given, OWN, "the file w", free=("mean",), heads=HEADS, inside="network.", **more)


def renamed(change):
    return {change(name): value for name, value in GIVEN.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name,
        lambda name: name.removeprefix("network."),
        lambda name: f"module.{name}",
        lambda name: f"_orig_mod.{name}",
        lambda name: f"module._orig_mod.{name}",
        lambda name: f"_orig_mod.module.{name.removeprefix('network.')}",
        lambda name: name.replace("network.", "network._orig_mod."),
    ],
)
def test_prefixes_of_wrappers_are_left_out(change):
    found = fit(renamed(change))
    assert set(found) == set(OWN)
    assert all(bool((value == 2).all()) for value in found.values())


def test_a_network_whose_own_names_begin_like_a_wrapper_is_met_by_them():
    own = {"module.weight": torch.zeros(1)}
    assert set(fitting({"module.weight": torch.ones(1)}, own, "w")) == {"module.weight"}


def test_the_count_of_batches_may_be_missing_and_a_head_of_other_classes_is_left_out():
    given = {name: value for name, value in GIVEN.items() if "tracked" not in name}
    given["network.fc.weight"] = torch.zeros(1000, 4)
    assert set(fit(given)) == {"network.conv.weight", "network.bn.running_var", "mean"}


WRONG = {
    "another depth": ({"network.conv2.weight": torch.zeros(1)}, "1 layers are unknown, first 'network.conv2"),
    "another width": ({"network.conv.weight": torch.zeros(8, 3)}, "1 layers have another shape, first 'netw"),
    "another input of the head": ({"network.fc.weight": torch.zeros(2, 8)}, "1 layers have another shape"),
    "quantised": (
        {"network.conv.weight": torch.zeros(4, 3, dtype=torch.int8)},
        "holds torch.int8 in 'networ",
    ),
    "a count of floats": ({"network.bn.num_batches_tracked": torch.tensor(1.0)}, "holds torch.float32 in"),
    "a negative variance": ({"network.bn.running_var": torch.tensor([1.0, -1, 1, 1])}, "holds a variance be"),
    "two spellings": ({"module.network.conv.weight": torch.ones(4, 3)}, "names the layer .* second 'module"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said(name):
    change, said = WRONG[name]
    with pytest.raises(ModelError, match=f"^the file w .*{said}"):
        fit({**GIVEN, **change})


def test_what_is_missing_is_said():
    with pytest.raises(ModelError, match=r"1 layers are missing, first 'network\.conv\.weight'"):
        fit({name: value for name, value in GIVEN.items() if "conv" not in name})


def test_half_precision_is_taken():
    assert set(
        fit({name: value.half() if value.is_floating_point() else value for name, value in GIVEN.items()})
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mean": torch.tensor([123.7, 116.3, 103.5])}, r"holds 'mean' from 103.5 to 123.7; needed \[0, 1\]"),
        ({"mean": torch.tensor([-0.1, 0.2, 0.2])}, "holds 'mean' from -0.1"),
        ({"std": torch.tensor([0.2, 0.0, 0.2])}, r"holds 'std' from 0 to 0.2; needed \(0, 1\]"),
        ({"std": torch.tensor([58.0, 57.0, 57.0])}, "holds 'std' from 57 to 58"),
    ],
)
def test_a_normalisation_of_other_pixels_is_refused(given, said):
    with pytest.raises(ModelError, match=said):
        check_normalisation(given, "the file w")


def test_a_normalisation_in_zero_to_one_passes():
    check_normalisation({"mean": torch.tensor([0.0, 0.5, 1.0]), "std": torch.tensor([0.1, 0.2, 1.0])}, "w")
    check_normalisation({}, "w")
