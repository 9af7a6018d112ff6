"""Every slide model, found by itself, is held to the rules of its family."""

import re
from pathlib import Path

import pytest
import torch
import yaml

from tasks.models.mil.base import BagModel, BagNetwork, PooledNetwork
from tasks.models.mil.tile_classifier import TileClassifier
from tasks.models.mil.transformer import Transformer
from tasks.plugins import available, plugin_class
from tasks.train import TrainSection
from tasks.training.bag_recipe import BagRecipe
from tasks.training.fit import refuse_other_level
from tests._support.bag_models import SMALL
from tests._support.shared_steps import OF_BAGS

DIM, CLASSES = 5, 3
NAMES = available(BagModel.package)


@pytest.fixture(params=[*NAMES, "top_share"])
def model(request):
    if request.param == "top_share":
        return TileClassifier(aggregation="top_share", share=0.3, hidden=4)
    return SMALL.get(request.param) or plugin_class(BagModel.package, request.param)()


@pytest.fixture
def network(model):
    return model.build(DIM, CLASSES, seed=1).eval()


def bag(count, seed=0):
    return torch.randn(1, count, DIM, generator=torch.Generator().manual_seed(seed + 97 * count))


def whole(features):
    return torch.ones(features.shape[:2], dtype=torch.bool)


def close(found, expected):
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)


def test_defaults_cite_a_source_and_survive_json(model):
    assert type(model).source
    assert type(model).model_validate_json(model.model_dump_json()) == model
    assert isinstance(type(model)().build(DIM, CLASSES, seed=0), BagNetwork)


@pytest.mark.parametrize("count", [1, 2, 7, 37])
@pytest.mark.parametrize("pad", [1, 30])
def test_what_stands_on_padding_changes_nothing(network, count, pad):
    features = bag(count)
    padded = torch.cat([features, torch.full((1, pad, DIM), 1e3)], dim=1)
    mask = torch.arange(count + pad)[None] < count
    close(network(padded, mask), network(features, whole(features)))


def test_the_order_of_the_tiles_changes_nothing(network):
    features = bag(37)
    order = torch.randperm(37, generator=torch.Generator().manual_seed(3))
    close(network(features[:, order], whole(features)), network(features, whole(features)))


def test_a_batch_of_ragged_bags_equals_one_at_a_time(network):
    sizes = (1, 5, 2, 12)
    features, mask = torch.zeros(4, 12, DIM), torch.zeros(4, 12, dtype=torch.bool)
    for row, size in enumerate(sizes):
        features[row, :size], mask[row, :size] = bag(size)[0], True
    alone = [network(bag(size), whole(bag(size))) for size in sizes]
    torch.testing.assert_close(network(features, mask), torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_an_empty_bag_has_finite_logits_alone_and_beside_others(network):
    features, mask = torch.cat([bag(4), torch.full((1, 4, DIM), 7.0)]), whole(torch.zeros(2, 4, 1))
    mask[1] = False
    both = network(features, mask)
    assert torch.isfinite(both).all()
    close(both[0], network(bag(4), whole(bag(4)))[0])
    close(both[1], network(torch.zeros(1, 0, DIM), torch.zeros(1, 0, dtype=torch.bool))[0])


def test_gradients_of_an_empty_bag_and_of_padding_are_finite(network):
    features = torch.cat([bag(3), bag(3, seed=1)]).requires_grad_()
    mask = torch.tensor([[True, True, False], [False] * 3])
    (gradient,) = torch.autograd.grad(network(features, mask).sum(), features)
    assert torch.isfinite(gradient).all()
    assert (gradient[~mask] == 0).all()


@pytest.mark.parametrize("count", [2, 9])
def test_equal_tiles_answer_as_one_of_them(network, count):
    """Every model here puts tiles together by means, so copies of one tile say no more than it does."""
    if type(network).__name__ == "TransformerNetwork":
        pytest.skip("the class token attends to itself beside the tiles, so their number counts")
    features = bag(1).expand(1, count, DIM)
    close(network(features, whole(features)), network(bag(1), whole(bag(1))))


def test_the_seed_decides_the_weights_and_global_generators_stay(model):
    state = torch.random.get_rng_state()
    first, again, other = (model.build(DIM, CLASSES, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_every_weight_has_a_gradient_in_training(model):
    network = model.build(DIM, CLASSES, seed=1).train()
    features = torch.cat([bag(12), bag(12, seed=1)])
    with torch.random.fork_rng(devices=[]):
        logits = network(features, whole(features))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
    free = {"score.bias"} if type(network).__name__ in {"AbmilNetwork", "AdditiveNetwork"} else set()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert name in free or parameter.grad.abs().sum() > 0, name


def test_the_terms_of_pooled_models_are_their_logits(network):
    if not isinstance(network, PooledNetwork):
        pytest.skip("the model mixes its tiles")
    features, mask = torch.cat([bag(6), bag(6, seed=1)]), whole(torch.zeros(2, 6, 1))
    mask[1, 4:] = False
    terms = network.terms(features, mask)
    close(terms.logits, network(features, mask))
    close(terms.contributions.sum(1) + terms.bias, network(features, mask))
    assert (terms.votes[1, 4:] == 0).all()
    assert torch.isneginf(terms.log_weights[1, 4:]).all()
    assert terms.log_weights.shape[2] in (1, CLASSES)
    # What stays of a bag needs no network: the same terms, fewer of them.
    rest = mask.clone()
    rest[:, :2] = False
    left = terms._replace(log_weights=terms.log_weights.masked_fill(~rest[:, :, None], float("-inf")))
    close(left.logits, network(features, rest))


def test_the_page_names_every_model_and_every_regularizer_of_features():
    page = (Path(__file__).parents[2] / "docs" / "slide_models.md").read_text(encoding="utf-8")
    assert all(f"| `{name}" in page for name in [*NAMES, *OF_BAGS])
    study = yaml.safe_load(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])
    section = TrainSection.model_validate(study["train"])
    refuse_other_level(study["level"], section.recipe, section.arms)
    found = [arm.applied_to(section.recipe).bag.model.name for arm in section.arms]
    assert found == ["mean_pool", "abmil", "abmil", "tile_classifier"]
    assert section.recipe.bag == BagRecipe()


def test_which_models_are_pooled():
    pooled = {name for name in SMALL if isinstance(SMALL[name].build(DIM, 2, 0), PooledNetwork)}
    assert pooled == set(SMALL) - {"transformer"}
    assert not isinstance(TileClassifier(aggregation="top_share").build(DIM, 2, 0), PooledNetwork)
    assert Transformer.most_tiles == 4096
