"""Every explainer that accepts features, held to the rules of the house on ragged bags."""

import pytest
import torch
from torch import Tensor, nn

from tasks.explainers._averaged import AveragedExplainer
from tasks.explainers._noisy_weights import WeightNoiseExplainer
from tasks.explainers.base import Explainer, ExplanationError
from tasks.explainers.contribution import Contribution
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.noisegrad import NoiseGrad
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.noise import derived_keys
from tasks.functional.passes import counted_passes
from tasks.functional.tile_keys import tile_keys
from tasks.plugins import available, plugin_class
from tasks.samples.inputs import Bags
from tests._support.bags import MODELS, SIZES, bag_network, keys_and_targets, only, ragged
from tests._support.naive_noise import noisy_copy
from tests._support.small_networks import state_of

TARGETS, KEYS = keys_and_targets(len(SIZES))


FEWER = {"steps": 6, "draws": 2, "samples": 2}
"""Of what costs time and changes no rule."""


def explainer_of(name: str) -> Explainer:
    kind = plugin_class("tasks.explainers", name)
    fewer = {field: count for field, count in FEWER.items() if field in kind.model_fields}
    return kind(**fewer).calibrated(0.1)


NAMES = [name for name in available("tasks.explainers") if "features" in explainer_of(name).inputs]


def fits(name: str, model: str) -> bool:
    try:
        explainer_of(name).refuse(bag_network(model))
    except ExplanationError:
        return False
    return True


PAIRS = [(name, model) for name in NAMES for model in MODELS if fits(name, model)]
READING = [(name, model) for name, model in PAIRS if not explainer_of(name).control]


def scores(explainer: Explainer, model: nn.Module, bags: Bags | None = None) -> Tensor:
    return explainer(model, ragged() if bags is None else bags, TARGETS, KEYS)


def test_they_are_all_here():
    assert {
        "attention", "contribution", "gradient", "gradient_x_input", "integrated_gradients", "keep_one",
        "drop_one", "rollout", "noisegrad", "smoothgrad", "fusiongrad", "random_map", "uniform_map",
        "darkness", "tissue_share", "centre_distance", "cluster_mean", "shuffled_map", "untrained_network",
    } == set(NAMES)  # fmt: skip
    assert {name for name, _ in PAIRS} == set(NAMES), "each fits one of the models"


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_it_gives_one_finite_value_per_tile_and_none_to_padding(name, model):
    explainer, bags = explainer_of(name), ragged()
    found = scores(explainer, bag_network(model))
    assert found.shape == bags.mask.shape
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    assert not found.requires_grad
    assert (found[~bags.mask] == 0).all()
    assert explainer.support_of("features") == "tile"
    if name != "centre_distance":  # minus a distance, which has no sign
        assert explainer.signed_for("features") == bool((found < 0).any())


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_a_padded_batch_is_its_bags_one_by_one(name, model):
    explainer, network, bags = explainer_of(name), bag_network(model), ragged(pad=3)
    together = scores(explainer, network, bags)
    for number, size in enumerate(SIZES):
        alone = explainer(network, only(bags, number), TARGETS[[number]], KEYS[[number]])[0]
        torch.testing.assert_close(alone, together[number, :size], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_the_map_moves_with_the_tiles(name, model):
    explainer, network, bags = explainer_of(name), bag_network(model), ragged()
    order = torch.stack([torch.randperm(12, generator=torch.Generator().manual_seed(n)) for n in range(4)])
    there = torch.arange(4)[:, None]
    moved = Bags(bags.features[there, order], bags.mask[there, order], bags.about[there, order])
    expected = scores(explainer, network, bags)[there, order]
    torch.testing.assert_close(scores(explainer, network, moved), expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_the_same_seed_gives_the_same_scores_and_another_seed_others(name, model):
    explainer = explainer_of(name)
    first = scores(explainer, bag_network(model))
    torch.rand(7)
    assert torch.equal(scores(explainer_of(name), bag_network(model)), first)
    if "seed" in type(explainer).model_fields:
        other = explainer.model_copy(update={"seed": 1})
        assert not torch.equal(scores(other, bag_network(model)), first)


@pytest.mark.parametrize(("name", "model"), PAIRS)
def test_model_and_bags_are_left_as_found(name, model):
    network, bags = bag_network(model), ragged()
    before, copies = state_of(network), [bags.features.clone(), bags.mask.clone(), bags.about.clone()]
    scores(explainer_of(name), network, bags)
    assert state_of(network) == before
    for tensor, copy in zip(bags, copies, strict=False):
        torch.testing.assert_close(tensor, copy, rtol=0, atol=0, equal_nan=True)
    assert bags.tile_keys is None


@pytest.mark.parametrize(("name", "model"), READING)
def test_other_weights_give_another_map(name, model):
    first, other = (scores(explainer_of(name), bag_network(model, seed=seed)) for seed in (0, 1))
    for number, size in enumerate(SIZES):
        if size > 2:
            pair = torch.stack([first[number, :size], other[number, :size]]).double()
            assert abs(float(torch.corrcoef(pair)[0, 1])) < 0.999, f"{name} rescales one map"


@pytest.mark.parametrize("name", [name for name in NAMES if explainer_of(name).blind])
def test_a_blind_control_sees_no_weights(name):
    assert torch.equal(*(scores(explainer_of(name), bag_network(seed=seed)) for seed in (0, 1)))


@pytest.mark.parametrize(("name", "model"), [(n, m) for n, m in PAIRS if m == "abmil"])
def test_it_costs_what_it_says(name, model):
    explainer, network, bags = explainer_of(name), bag_network(model), ragged()
    explainer = explainer.settled(network, bags)
    with leave_as_found(network), torch.no_grad():
        prepared = explainer.prepare(network)
        with counted_passes(prepared) as counter:
            explainer.attribute(prepared, bags, TARGETS, KEYS)
    assert counter.spent == explainer.passes() * len(SIZES)


class RaisingBags(nn.Module):
    """Raises an error of a type that nobody expects."""

    is_pooled = attends = True

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 2)
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("std", torch.ones(6))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Raise."""
        raise AssertionError("few")

    terms = queries_and_keys = forward


@pytest.mark.parametrize("name", sorted({name for name, _ in READING}))
def test_an_error_of_the_network_is_a_sentence_whatever_its_type(name):
    network = RaisingBags()
    with pytest.raises(ExplanationError, match="few"):
        scores(explainer_of(name), network)


AVERAGED = [name for name in NAMES if isinstance(explainer_of(name), AveragedExplainer)]
BASES = [(n, m) for n, m in READING if not isinstance(explainer_of(n), WeightNoiseExplainer)]


@pytest.mark.parametrize(("name", "model"), BASES)
def test_noisegrad_is_the_mean_of_the_base_on_noisy_copies(name, model):
    network, base, bags = bag_network(model), explainer_of(name), ragged()
    found = scores(NoiseGrad(base=base, sigma=0.3, draws=2, seed=4), network, bags)
    drawn = [
        base(noisy_copy(network, 0.3, 4, draw), bags, TARGETS, derived_keys(4, KEYS, draw)) for draw in (0, 1)
    ]
    torch.testing.assert_close(found, torch.stack(drawn).mean(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("base", [Contribution(), IntegratedGradients()])
@pytest.mark.parametrize("name", AVERAGED)
def test_what_is_averaged_is_explained_as_its_base_is(name, base):
    kind = plugin_class("tasks.explainers", name)
    explainer = kind(base=base).calibrated(0.1)
    assert explainer.inputs == base.inputs
    assert explainer.map_kind == "contribution"
    assert torch.isfinite(scores(explainer, bag_network())).all()


def test_keys_of_bags_are_needed():
    with pytest.raises(ExplanationError, match=r"tile_keys are .*; needed int64"):
        Contribution()(bag_network(), ragged(), TARGETS, tile_keys(["one"]))
