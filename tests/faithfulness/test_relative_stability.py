"""Relative stability of explainers and networks whose change is known."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.faithfulness.average_sensitivity import AverageSensitivity
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.relative_stability import RelativeStability
from tests._support.explaining import Known, handed
from tests._support.small_networks import LinearNetwork, small_network
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
TUMOUR = 8
"""Tiles of the class among 20."""


def evaluate(folder, explainers, wanted, model=None):
    model = model or LinearNetwork(WEIGHT)
    evidence = handed(folder, make_tile_set(folder / "t", "s", "p", "test", 20), explainers, model)
    return evaluate_pairs(model, evidence, wanted, EvaluationSettings())


def score(folder, explainer, metric, model=None):
    return evaluate(folder, {"m": explainer}, [("m", metric)], model)["m", metric.id]


def values(result, name, column="value"):
    return result.scores.query("score == @name")[column].to_numpy()


def seen_by(explainer_maps):
    """Return an explainer, and the list of image batches that it was shown: the clean ones first."""
    shown = []
    return Known(lambda images, keys: shown.append(images.double()) or explainer_maps(images, keys)), shown


def relative(change, whole, floor):
    size = np.maximum(abs(whole), floor * np.sqrt((whole**2).mean((-1, -2), keepdims=True)))
    return change / size


def test_both_scores_by_hand(tmp_path):
    model = small_network().eval()
    explainer, shown = seen_by(lambda images, _keys: (images**2).sum(1) - 1.2)
    metric = RelativeStability(samples=4, sigma=0.1, labels="all", floor=0.2, epsilon=1e-6)
    found = score(tmp_path, explainer, metric, model)
    clean, copies = shown[0], torch.cat(shown[1:]).view(4, 20, 3, 16, 16)
    maps, moved = ((images**2).sum(-3).numpy() - 1.2 for images in (clean, copies))
    above = np.linalg.norm(relative(moved - maps, maps, 0.2), axis=(2, 3))
    whole = clean.reshape(20, 1, 768).numpy()
    step = (copies - clean).reshape(4, 20, 1, 768).numpy()
    below = np.linalg.norm(relative(step, whole, 0.2), axis=(2, 3))
    with torch.no_grad():
        logits = model(torch.cat([clean[None], copies]).flatten(0, 1).float()).view(5, 20, 2).double()
    change = (logits[1:] - logits[0]).norm(dim=2).numpy()
    assert (logits[1:].argmax(2) == logits[0].argmax(1)).all()
    for name, ratio in (("input", above / below), ("output", above / change)):
        np.testing.assert_allclose(values(found, f"{name}_max"), ratio.max(0), rtol=2e-3)
        np.testing.assert_allclose(values(found, f"{name}_mean"), ratio.mean(0), rtol=2e-3)
        np.testing.assert_allclose(
            values(found, f"{name}_mean", "error"), ratio.std(0, ddof=1) / 2, rtol=2e-2
        )
        highest = np.sort(ratio, axis=0)
        gap = (highest[-1] - highest[-2]) * 3 / 4
        np.testing.assert_allclose(values(found, f"{name}_max", "error"), gap, rtol=5e-2, atol=1e-3)


def test_the_scale_of_a_map_does_not_matter(tmp_path):
    small, large = (
        score(tmp_path / str(scale), Known(lambda i, _k, s=scale: s * (i[:, 0] - 0.7)), RelativeStability())
        for scale in (1e-4, 1e4)
    )
    np.testing.assert_allclose(large.scores["value"], small.scores["value"], rtol=1e-3)


def test_a_pixel_that_is_nearly_zero_is_not_the_whole_score(tmp_path):
    """One pixel of the map is zero on the clean tile; without a floor the score would be that pixel alone."""
    for floor, limit in ((0.1, 30.0), (1e-9, 1e6)):
        calls = []

        def maps(images, _keys, calls=calls):
            found = images.mean(1).clone()
            calls.append(1)
            found[:, 0, 0] -= found[:, 0, 0] if len(calls) == 1 else 0.5
            return found

        result = score(tmp_path / str(floor), Known(maps), RelativeStability(floor=floor))
        assert (values(result, "input_max") < limit).all() == (floor == 0.1)


def test_a_map_that_stays_scores_zero(tmp_path):
    fixed = torch.randn(16, 16, generator=torch.Generator().manual_seed(0))
    found = score(
        tmp_path, Known(lambda images, _keys: fixed.expand(len(images), -1, -1)), RelativeStability()
    )
    assert set(found.scores["value"]) == {0.0}
    assert set(found.scores["error"]) == {0.0}


def test_an_output_that_stands_still_is_divided_by_epsilon(tmp_path):
    explainer = Known(lambda images, _keys: images[:, 0])
    still = LinearNetwork(torch.zeros(3, 16, 16))
    one, two = (
        values(score(tmp_path / str(e), explainer, RelativeStability(epsilon=e), still), "output_max")
        for e in (0.01, 0.02)
    )
    assert np.isfinite(one).all()
    np.testing.assert_allclose(one, 2 * two)


class Turning(nn.Module):
    """Gives copies the class of their clean tile up to the draw ``kept``, and the other class from there on.

    Copies come more than one a tile; the clean tiles come alone.
    """

    def __init__(self, kept):
        super().__init__()
        self.kept = kept

    def forward(self, images):
        draws = torch.arange(len(images)) // TUMOUR
        stays = draws < (self.kept if len(images) > TUMOUR else 1)
        return torch.stack([images.mean((1, 2, 3)), torch.where(stays, 3.0, -3.0)], 1)


def test_copies_that_change_the_class_are_left_out(tmp_path):
    explainer = Known(lambda images, _keys: images[:, 0])
    found = score(tmp_path / "one", explainer, RelativeStability(samples=3), Turning(kept=1))
    np.testing.assert_array_equal(values(found, "input_max"), values(found, "input_mean"))
    assert found.scores["error"].isna().all()
    first = score(tmp_path / "first", explainer, RelativeStability(samples=1), Turning(kept=1))
    np.testing.assert_allclose(values(found, "input_max"), values(first, "input_max"), rtol=1e-6)
    both = score(tmp_path / "both", explainer, RelativeStability(samples=3), Turning(kept=2))
    assert (values(both, "input_max") > values(both, "input_mean")).all()


def test_a_tile_of_which_no_copy_keeps_the_class_is_excluded(tmp_path):
    explainer = Known(lambda images, _keys: images[:, 0])
    found = score(tmp_path, explainer, RelativeStability(samples=3), Turning(kept=0))
    assert found.scores["value"].isna().all()
    reasons = {"no noisy copy keeps the predicted class": TUMOUR, "the clean map is all zeros": 0}
    assert found.info.excluded == reasons


def test_a_map_of_zeros_is_excluded(tmp_path):
    found = score(tmp_path, Known(lambda images, _keys: torch.zeros_like(images[:, 0])), RelativeStability())
    assert found.scores["value"].isna().all()
    assert found.info.excluded["the clean map is all zeros"] == TUMOUR


def test_copies_are_shared_with_the_other_robustness_metrics_and_answers_by_all_explainers(tmp_path):
    explainers = {name: Known(lambda images, _keys: images[:, 0]) for name in "ab"}
    metrics = (RelativeStability(samples=3), AverageSensitivity(samples=3), Deletion(steps=2))
    found = evaluate(tmp_path, explainers, [(name, metric) for name in explainers for metric in metrics])
    result = found["a", "relative_stability"]
    assert result.info.passes == {"forward": 4 * TUMOUR, "backward": 0, "explained": 3 * TUMOUR}
    assert result.measures["plan_explained_images"] == 2 * 3 * TUMOUR
    # Once for both: the clean image, the copies, the end of deletion; for each its step of either order.
    assert result.measures["plan_forward_images"] == (1 + 3 + 1 + 2 * 2) * TUMOUR


@pytest.mark.parametrize("wrong", [{"floor": 0}, {"epsilon": 0}, {"samples": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        RelativeStability(**wrong)
