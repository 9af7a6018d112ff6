"""What another class leaves of known maps."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.explainers.gradient import Gradient
from tasks.explainers.guided_backprop import GuidedBackprop
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.faithfulness.random_logit import RandomLogit
from tasks.models.recipe import NetworkRecipe
from tasks.models.resnet import build_resnet
from tests._support.attribution_sets import write_maps
from tests._support.explaining import Known, handed
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

TUMOUR = 4
"""Tiles of the class among 10."""


def score(folder, explainer, model=None):
    model = model or small_network()
    tiles = make_tile_set(folder / "t", "s", "p", "test", 10)
    evidence = handed(folder, tiles, {"m": explainer}, model)
    return evaluate_pairs(model, evidence, [("m", RandomLogit())], EvaluationSettings())["m", "random_logit"]


def values(result, name):
    return result.scores.query("score == @name")["value"].tolist()


@pytest.mark.parametrize(
    "explainer", [Gradient(), SmoothGrad(samples=2), IntegratedGradients(steps=2)], ids=lambda e: e.name
)
def test_with_two_classes_the_gradient_family_is_turned_round_by_construction(tmp_path, explainer):
    found = score(tmp_path, explainer)
    assert values(found, "signed") == pytest.approx([-1.0] * TUMOUR, abs=1e-4)
    assert values(found, "magnitude") == pytest.approx([1.0] * TUMOUR, abs=1e-4)


def test_a_map_that_does_not_know_the_class_scores_one(tmp_path):
    found = score(tmp_path, Known(lambda images, _keys: 1 - images.mean(1)))
    assert values(found, "signed") == values(found, "magnitude") == pytest.approx([1.0] * TUMOUR)


def test_guided_backpropagation_explains_every_class_alike(tmp_path):
    """The finding of Sixt et al. (2020): what comes back from the upper layers is lost on the way down."""
    network = build_resnet(NetworkRecipe(name="resnet18", width=0.125), 2, 0)
    assert min(values(score(tmp_path, GuidedBackprop(), network), "signed")) > 0.9


class ByClass(Known):
    """The map of each class is a fixed one."""

    def __init__(self, maps):
        super().__init__(lambda images, _keys: images)
        self.by_class = maps

    def attribute(self, _model, _images, targets, _tile_keys):
        return self.by_class[targets]


@pytest.mark.parametrize(("target", "other"), [(0, 1), (1, 0), (2, 0)])
def test_which_class_is_the_other_one(tmp_path, target, other):
    maps = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    classes = ("normal", "tumour", "stroma")
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 10, classes=classes)
    stored = write_maps(tmp_path / "m", tiles, maps[target].expand(10, -1, -1).numpy(), target)
    evidence = Evidence([tiles], {"m": [stored]}, classes, target, {"m": ByClass(maps)})
    wanted = [("m", RandomLogit())]
    found = evaluate_pairs(small_network(classes=3), evidence, wanted, EvaluationSettings())
    known = spearmanr(maps[target].flatten(), maps[other].flatten()).statistic
    np.testing.assert_allclose(values(found["m", "random_logit"], "signed"), known, atol=1e-12)


def test_it_costs_one_map(tmp_path):
    found = score(tmp_path, Gradient())
    assert found.info.passes == {"forward": TUMOUR, "backward": TUMOUR, "explained": TUMOUR}


def test_a_map_of_one_magnitude_is_excluded_and_a_silent_other_class_leaves_nothing(tmp_path):
    flat = score(tmp_path / "flat", ByClass(torch.ones(2, 16, 16)))
    assert np.isnan(values(flat, "signed") + values(flat, "magnitude")).all()
    assert sum(flat.info.excluded.values()) == TUMOUR
    maps = torch.stack([torch.zeros(16, 16), torch.randn(16, 16, generator=torch.Generator().manual_seed(0))])
    silent = score(tmp_path / "silent", ByClass(maps))
    assert set(silent.scores["value"]) == {0.0}
