"""What is left of known maps when known networks forget their layers."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import spearmanr
from torch import nn

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.explainers.gradient import Gradient
from tasks.explainers.guided_backprop import GuidedBackprop
from tasks.explainers.untrained_network import UntrainedNetwork
from tasks.faithfulness.parameter_randomisation import ParameterRandomisation
from tasks.functional.noise import normal
from tasks.functional.randomised_layers import NoLayersError, layer_stages, randomised_layers
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tests._support.explaining import Known, handed
from tests._support.small_networks import LinearNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
TUMOUR = 4
"""Tiles of the class among 10."""


class Scaled(nn.Module):
    """One linear feature of the image, and a head that gives the logits as multiples of it."""

    def __init__(self):
        super().__init__()
        self.feature = nn.Parameter(WEIGHT.clone())
        self.head = nn.Linear(1, 2)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[0.0], [1.0]]))

    def forward(self, images):
        return self.head((images * self.feature).sum((1, 2, 3))[:, None])


def evaluate(folder, explainer, metrics, model=None):
    model = model or small_network()
    tiles = make_tile_set(folder / "t", "s", "p", "test", 10)
    evidence = handed(folder, tiles, {"m": explainer}, model)
    return evaluate_pairs(model, evidence, [("m", metric) for metric in metrics], EvaluationSettings())


def score(folder, explainer, metric, model=None):
    return evaluate(folder, explainer, [metric], model)["m", metric.id]


def values(result, name):
    return result.scores.query("score == @name")["value"].to_numpy()


def curve(result, name):
    return result.curves.query("curve == @name")["value"].to_numpy().reshape(TUMOUR, -1)


@pytest.mark.parametrize("order", ["cascading", "independent"])
@pytest.mark.parametrize(
    "maps",
    [
        lambda images, _keys: images.diff(dim=3, append=images[..., :1]).sum(1),
        lambda images, keys: normal(0, keys, 0, images.shape[2:]),
    ],
    ids=["edges", "noise of the tile"],
)
def test_a_map_that_does_not_look_at_the_network_scores_one(tmp_path, maps, order):
    found = score(tmp_path, Known(maps), ParameterRandomisation(order=order))
    assert found.scores["value"].tolist() == pytest.approx([1.0] * 4 * TUMOUR)


def test_the_gradient_of_a_linear_network_forgets_it_by_hand(tmp_path):
    """The gradient is the weight; that of the forgetful network is the fresh weight, which knows nothing."""
    model = LinearNetwork(WEIGHT)
    found = score(tmp_path, Gradient(), ParameterRandomisation(stages=1, seed=3), model)
    with randomised_layers(model, ("weight",), 3):
        fresh = model.weight.detach().sum(0)
    signed = spearmanr(WEIGHT.sum(0).flatten(), fresh.flatten()).statistic
    magnitude = spearmanr(WEIGHT.sum(0).abs().flatten(), fresh.abs().flatten()).statistic
    np.testing.assert_allclose(curve(found, "signed")[:, 0], signed, atol=1e-6)
    np.testing.assert_allclose(values(found, "signed"), abs(signed), atol=1e-6)
    np.testing.assert_allclose(values(found, "magnitude_last"), magnitude, atol=1e-6)
    assert max(abs(signed), abs(magnitude)) < 0.2


def test_an_untrained_network_forgets_its_own_weights(tmp_path):
    """Its map is the weight that it was drawn with; it must not be handed the same draw again."""
    found = score(tmp_path, UntrainedNetwork(), ParameterRandomisation(stages=1), LinearNetwork(WEIGHT))
    assert (abs(found.scores["value"]) < 0.25).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_head_that_only_scales_leaves_the_ranking_whichever_way_it_points(tmp_path, seed):
    """The mean size is scored: a map upside down is not a map that has changed."""
    found = score(tmp_path, Gradient(), ParameterRandomisation(stages=2, seed=seed), Scaled())
    with randomised_layers(model := Scaled(), ("head.weight",), seed):
        turned = (model.head.weight[1] < model.head.weight[0]).item()
    assert curve(found, "magnitude")[:, 0] == pytest.approx(1.0)
    assert curve(found, "signed")[:, 0] == pytest.approx(-1.0 if turned else 1.0)
    left = abs(curve(found, "signed")[:, 1])
    assert (left < 0.25).all()
    np.testing.assert_allclose(values(found, "signed"), (1 + left) / 2)


def test_the_seeds_of_that_head_point_both_ways():
    ways = set()
    for seed in range(6):
        with randomised_layers(model := Scaled(), ("head.weight",), seed):
            ways.add((model.head.weight[1] < model.head.weight[0]).item())
    assert ways == {False, True}


def test_guided_backpropagation_hardly_sees_the_upper_layers_forgotten(tmp_path):
    """The finding of Adebayo et al. (2018): it draws what the layers next to the input see."""
    network = build_resnet(NetworkRecipe(name="resnet18", width=0.125), 2, 0)
    left = {}
    for explainer in (Gradient(), GuidedBackprop()):
        found = score(tmp_path / explainer.name, explainer, ParameterRandomisation(), network)
        left[explainer.name] = curve(found, "magnitude").mean(0)
    assert (left["guided_backprop"][:3] > 0.75).all()
    assert (left["gradient"] < 0.6).all()
    assert left["guided_backprop"][3] < 0.6


class Watching(Known):
    """Notes which weights the network bears whenever it is explained."""

    def __init__(self):
        super().__init__(lambda images, _keys: images.mean(1))
        self.seen = []

    def attribute(self, model, images, targets, tile_keys):
        self.seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return super().attribute(model, images, targets, tile_keys)


@pytest.mark.parametrize("order", ["cascading", "independent"])
def test_what_is_forgotten_at_each_stage(tmp_path, order):
    model, watching = small_network(), Watching()
    before = state_of(model)["weights"]
    score(tmp_path, watching, ParameterRandomisation(order=order, stages=3), model)
    clean, *stages = watching.seen
    changed = [{name for name in clean if not torch.equal(clean[name], seen[name])} for seen in stages]
    head, middle, first = (set(names) for names in layer_stages(model, 3))
    expected = [head, middle, first]
    if order == "cascading":
        expected = [head, head | middle, head | middle | first]
    # The weights of a norm that learned nothing are what a fresh one has.
    assert changed == [names - {"1.weight", "1.bias"} for names in expected]
    assert state_of(model)["weights"] == before


def test_both_orders_begin_with_the_same_network_and_explain_on_it_once(tmp_path):
    metrics = [
        ParameterRandomisation(),
        ParameterRandomisation(order="independent", id="alone"),
        ParameterRandomisation(id="again"),
    ]
    found = evaluate(tmp_path, Gradient(), metrics)
    assert found["m", "alone"].measures["plan_explained_images"] == TUMOUR * (4 + 3)
    first = [curve(found["m", metric.id], "magnitude")[:, 0].tolist() for metric in metrics]
    assert first[0] == first[1] == first[2]
    assert found["m", "alone"].info.passes["explained"] == 4 * TUMOUR


def test_the_curve_runs_over_the_share_of_stages_and_the_scores_are_read_off_it(tmp_path):
    found = score(tmp_path, Gradient(), ParameterRandomisation(stages=3))
    assert sorted(found.curves["fraction"].unique()) == pytest.approx([1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(values(found, "magnitude"), curve(found, "magnitude").mean(1))
    np.testing.assert_allclose(values(found, "signed_last"), abs(curve(found, "signed")[:, -1]))


def test_chance_is_what_maps_in_random_order_score(tmp_path):
    """The mean size of the rank correlation of two random maps of 256 pixels, by 400 of them."""
    found = score(tmp_path, Gradient(), ParameterRandomisation())
    chance = found.scores.set_index("score")["chance"]
    assert set(chance["magnitude"]) == {0.0}
    generator = np.random.default_rng(0)
    sizes = [abs(spearmanr(*generator.normal(size=(2, 256))).statistic) for _ in range(400)]
    assert chance["signed"].iloc[0] == pytest.approx(np.mean(sizes), rel=0.1)
    assert chance["signed"].iloc[0] == pytest.approx(math.sqrt(2 / (math.pi * 255)))


def test_a_map_of_one_magnitude_is_excluded(tmp_path):
    found = score(
        tmp_path, Known(lambda images, _keys: torch.ones_like(images[:, 0])), ParameterRandomisation()
    )
    assert found.scores["value"].isna().all()
    assert found.info.excluded["the stored map ranks no pixel: all its magnitudes are equal"] == TUMOUR


def test_a_forgetful_network_that_falls_silent_leaves_nothing_and_one_that_breaks_is_excluded(tmp_path):
    for name, there in (("silent", 0.0), ("broken", torch.nan)):
        calls = []

        def maps(images, _keys, calls=calls, there=there):
            calls.append(1)
            return images.mean(1) if len(calls) == 1 else torch.full_like(images[:, 0], there)

        found = score(tmp_path / name, Known(maps), ParameterRandomisation())
        if name == "silent":
            assert set(found.scores["value"]) == {0.0}
        else:
            assert found.scores["value"].isna().all()
            assert sum(found.info.excluded.values()) == TUMOUR


class WithoutLayers(nn.Module):
    def forward(self, images):
        margin = images.mean((1, 2, 3))
        return torch.stack([-margin, margin], 1)


def test_a_network_without_layers_gets_a_sentence(tmp_path):
    with pytest.raises(NoLayersError, match="WithoutLayers has no weight"):
        score(tmp_path, Known(lambda images, _keys: images[:, 0]), ParameterRandomisation(), WithoutLayers())


@pytest.mark.parametrize("wrong", [{"stages": 0}, {"order": "random"}, {"seed": -1}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        ParameterRandomisation(**wrong)
