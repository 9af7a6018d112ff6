"""Local Lipschitz estimates of explainers whose constant is known."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.explainers.gradient import Gradient
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.faithfulness.local_lipschitz import LocalLipschitz
from tests._support.explaining import Known, handed
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))


def score(folder, explainer, metric, model=None):
    model = model or small_network()
    evidence = handed(folder, make_tile_set(folder / "t", "s", "p", "test", 20), {"m": explainer}, model)
    return evaluate_pairs(model, evidence, [("m", metric)], EvaluationSettings())["m", metric.id]


def values(result, name, column="value"):
    return result.scores[result.scores["score"] == name][column].to_numpy()


@pytest.mark.parametrize("slope", [0.5, 4.0])
@pytest.mark.parametrize("sigma", [0.001, 0.1])
def test_of_a_linear_explainer_it_is_the_slope_whatever_the_noise(tmp_path, slope, sigma):
    """E(x) = slope x the first channel; noise elsewhere does not move it: 1 / sqrt(3) of it counts."""
    explainer = Known(lambda images, _keys: slope * images[:, 0])
    found = score(tmp_path, explainer, LocalLipschitz(sigma=sigma, samples=5))
    np.testing.assert_allclose(values(found, "estimate"), slope / 3**0.5, rtol=0.1)


def test_it_is_the_largest_of_the_draws_by_hand(tmp_path):
    """The noise is read off an explainer that gives its images away."""
    seen = []
    explainer = Known(lambda images, _keys: seen.append(images.double()) or images.square().sum(1))
    found = score(tmp_path, explainer, LocalLipschitz(samples=4, labels="all"))
    clean, copies = seen[0], torch.cat(seen[1:]).view(4, 20, 3, 16, 16)
    moved = (copies.square().sum(2) - clean.square().sum(1)).flatten(2).norm(dim=2)
    draws = (moved / (copies - clean).flatten(2).norm(dim=2)).sort(0).values
    size = clean.square().sum(1).flatten(1).norm(dim=1)
    error = 3 / 4 * (draws[-1] - draws[-2])
    for name, unit in (("estimate", 1.0), ("relative", size)):
        np.testing.assert_allclose(values(found, name), draws[-1] / unit, rtol=1e-4)
        np.testing.assert_allclose(values(found, name, "error"), error / unit, rtol=2e-2, atol=1e-6)


def test_the_relative_estimate_does_not_see_the_scale_of_a_map(tmp_path):
    small, large = (
        score(tmp_path / name, Known(lambda i, _k, s=scale: s * i.square().mean(1)), LocalLipschitz())
        for name, scale in (("small", 1.0), ("large", 1000.0))
    )
    np.testing.assert_allclose(values(large, "relative"), values(small, "relative"), rtol=1e-5)
    np.testing.assert_allclose(values(large, "estimate"), 1000 * values(small, "estimate"), rtol=1e-5)


@pytest.mark.parametrize("explainer", [Gradient(), SmoothGrad(samples=2)], ids=lambda e: e.name)
def test_a_constant_gradient_does_not_move(tmp_path, explainer):
    found = score(tmp_path, explainer, LocalLipschitz(), LinearNetwork(WEIGHT))
    assert values(found, "estimate") == pytest.approx(0.0, abs=1e-5)


def test_of_a_quadratic_network_it_is_what_the_curvature_says(tmp_path):
    """The gradient of sum(w x^2) is 2 w x; with w = 1 its channel sum moves 2 x the summed noise."""
    found = score(tmp_path, Gradient(), LocalLipschitz(samples=5), PowerNetwork(torch.ones(3, 16, 16), 2))
    np.testing.assert_allclose(values(found, "estimate"), 2.0, rtol=0.15)


def test_more_draws_never_find_less(tmp_path):
    few, many = (
        values(score(tmp_path / str(n), Known(lambda i, _k: i[:, 0]), LocalLipschitz(samples=n)), "estimate")
        for n in (2, 12)
    )
    assert (many >= few).all()
    assert (many > few).any()


def test_a_map_of_zeros_has_no_score_and_is_counted(tmp_path):
    """E is zero on the clean tiles of the left of the grid, and speaks on all copies."""
    clean = []

    def silent(images, _keys):
        clean.append(images)
        return torch.zeros_like(images[:, 0]) if len(clean) == 1 else images[:, 0]

    found = score(tmp_path, Known(silent), LocalLipschitz())
    assert np.isnan(values(found, "estimate")).all()
    assert np.isnan(values(found, "relative")).all()
    assert found.info.excluded == {"the clean map is all zeros": 8}


@pytest.mark.parametrize(("compares", "zero"), [("signed", False), ("magnitude", True)])
def test_a_change_of_sign_counts_where_signs_are_compared(tmp_path, compares, zero):
    calls = []
    fixed = torch.randn(16, 16, generator=torch.Generator().manual_seed(0))

    def flipping(images, _keys):
        calls.append(1)
        return (fixed if len(calls) == 1 else -fixed).expand(len(images), -1, -1)

    found = score(tmp_path, Known(flipping), LocalLipschitz(compares=compares))
    assert (values(found, "estimate") == 0).all() == zero


@pytest.mark.parametrize("wrong", [{"samples": 0}, {"sigma": 0.0}, {"compares": "l2"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        LocalLipschitz(**wrong)
