"""Integrated gradients of bags: complete, equal to Captum's, and against tiles of other bags."""

import pytest
import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients

from tasks.explainers.base import ExplanationError
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explaining.batch import BatchExplainer
from tasks.functional.gradients import target_margin
from tasks.functional.leave_as_found import leave_as_found
from tasks.functional.passes import Passes
from tasks.samples.inputs import ask
from tests._support.bags import DIM, SIZES, bag_network, keys_and_targets, only, ragged

TARGETS, KEYS = keys_and_targets(len(SIZES))
OTHERS = ragged((6, 3, 9), seed=5)
BASELINES = [
    IntegratedGradients(steps=64),
    IntegratedGradients(steps=64, bag_baseline="reference_bags", bag_draws=4).with_references(OTHERS),
]


@pytest.mark.parametrize("explainer", BASELINES, ids=lambda e: e.bag_baseline)
@pytest.mark.parametrize("model", ["abmil", "transformer"])
def test_it_sums_to_the_margin_minus_the_mean_of_the_baselines(explainer, model):
    network, bags = bag_network(model), ragged()
    with leave_as_found(network), torch.no_grad():
        explaining = BatchExplainer(explainer, network, batch=8)
        scores = explaining.maps(bags, TARGETS, KEYS)
        errors = explaining.completeness_errors(bags, TARGETS, scores)
        margins = target_margin(ask(network, bags), TARGETS)
        absent = [target_margin(ask(network, b), TARGETS) for b in explainer.references(network, bags)]
    promised = (margins - torch.stack(absent).mean(0)).double()
    torch.testing.assert_close(scores.double().sum(1) - promised, errors, rtol=1e-4, atol=1e-6)
    assert errors.abs().sum() < 0.01 * promised.abs().sum()


def test_of_the_mean_it_is_captums():
    network, bags = bag_network("transformer").eval(), ragged()
    theirs = CaptumIntegratedGradients(lambda x: target_margin(network(x, bags.mask), TARGETS)).attribute(
        bags.features,
        baselines=network.mean.expand_as(bags.features),
        n_steps=9,
        method="gausslegendre",
        internal_batch_size=len(SIZES),
    )
    expected = theirs.sum(2).masked_fill(~bags.mask, 0.0).float()
    found = IntegratedGradients(steps=9)(network, bags, TARGETS, KEYS)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_baselines_are_tiles_of_one_other_bag_each_and_depend_on_nothing_but_the_tiles():
    explainer, bags = BASELINES[1], ragged()
    drawn = list(explainer.references(bag_network(), bags))
    assert len(drawn) == 4
    homes = []
    for base in drawn:
        for number, size in enumerate(SIZES):
            tiles = base.features[number, :size]
            equal = (tiles[:, None, None] == OTHERS.features[None]).all(3) & OTHERS.mask
            assert equal.any((1, 2)).all(), "each is a real tile of a reference bag"
            home = equal.any(2).all(0)
            assert home.sum() == 1
            homes.append(int(home.nonzero()))
    assert len(set(homes)) > 1
    alone = next(iter(explainer.references(bag_network(), only(bags, 2))))
    assert torch.equal(alone.features[0], drawn[0].features[2, : SIZES[2]])
    # Other draws use other tiles.
    assert not torch.equal(drawn[0].features, drawn[1].features)


def test_all_tiles_of_all_bags_are_drawn_about_equally_often():
    explainer = IntegratedGradients(bag_baseline="reference_bags", bag_draws=300).with_references(OTHERS)
    counts = torch.zeros(OTHERS.mask.shape)
    for base in explainer.references(bag_network(), ragged((8,))):
        counts += (base.features[0][:, None, None] == OTHERS.features[None]).all(3).sum(0)
    parts = counts.sum(1) / counts.sum()
    assert (parts - 1 / 3).abs().max() < 0.09
    assert (counts[OTHERS.mask] > 0).all()
    assert (counts[~OTHERS.mask] == 0).all()


def test_it_says_what_is_missing():
    explainer = IntegratedGradients(bag_baseline="reference_bags")
    assert explainer.wants_references
    with pytest.raises(ExplanationError, match="no bags were handed over"):
        explainer(bag_network(), ragged(), TARGETS, KEYS)
    network = bag_network().eval()
    with pytest.raises(ExplanationError, match=r"baseline 'mean' needs the mean .*AbmilNetwork has none"):
        IntegratedGradients()(network.network, ragged(), TARGETS, KEYS)


def test_what_holds_it_hands_the_bags_on():
    held = SmoothGrad(
        base=IntegratedGradients(bag_baseline="reference_bags", steps=3, bag_draws=2), samples=2
    )
    assert held.wants_references
    found = held.with_references(OTHERS)(bag_network(), ragged(), TARGETS, KEYS)
    assert torch.isfinite(found).all()
    assert not SmoothGrad().wants_references


def test_draws_cost_passes():
    assert IntegratedGradients(steps=5).passes() == Passes(5, 5)
    assert IntegratedGradients(steps=5, bag_baseline="reference_bags").passes() == Passes(50, 50)
    assert OTHERS.features.shape[2] == DIM
