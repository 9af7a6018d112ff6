"""What the robustness metrics share: the same noisy copies for every explainer, each explained once."""

import pytest
import torch

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.explainers.gradient import Gradient
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explainers.untrained_network import UntrainedNetwork
from tasks.faithfulness.average_sensitivity import AverageSensitivity
from tasks.faithfulness.gini import Gini
from tasks.faithfulness.local_lipschitz import LocalLipschitz
from tasks.functional.noise import normal
from tasks.functional.passes import counted_passes
from tasks.functional.tile_keys import tile_keys
from tests._support.explaining import Known, handed
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

SETTINGS = EvaluationSettings(batch=8)
SAMPLES = 3
TUMOUR = 4
"""Tiles of the class among 10."""

LIPSCHITZ, SENSITIVITY = LocalLipschitz(samples=SAMPLES), AverageSensitivity(samples=SAMPLES)


def lightness(images, _keys):
    return images.mean(1)


def scored(folder, explainers, wanted, model=None):
    model = model or small_network()
    evidence = handed(folder, make_tile_set(folder / "t", "s", "p", "test", 10), explainers, model)
    return evaluate_pairs(model, evidence, wanted, SETTINGS)


def test_metrics_of_equal_settings_share_the_copies(tmp_path):
    explainers = {"a": Known(lightness), "b": Known(lightness)}
    metrics = (LIPSCHITZ, SENSITIVITY, AverageSensitivity(samples=SAMPLES, compares="magnitude", id="size"))
    found = scored(tmp_path, explainers, [(name, metric) for name in explainers for metric in metrics])
    for result in found.values():
        assert result.info.passes == {"forward": 0, "backward": 0, "explained": TUMOUR * SAMPLES}
        assert result.info.minimum_passes == result.info.passes
        assert result.measures["plan_explained_images"] == 2 * TUMOUR * SAMPLES


@pytest.mark.parametrize("other", [{"seed": 1}, {"sigma": 0.03}, {"samples": 4}])
def test_metrics_of_other_settings_have_copies_of_their_own(tmp_path, other):
    second = AverageSensitivity(**{"samples": SAMPLES, **other})
    found = scored(tmp_path, {"a": Known(lightness)}, [("a", LIPSCHITZ), ("a", second)])
    explained = found["a", "local_lipschitz"].measures["plan_explained_images"]
    assert explained == TUMOUR * (SAMPLES + second.samples)


def test_every_explainer_meets_the_same_copies(tmp_path):
    """Of a map of twice the size the estimate is twice as large, to the last bit."""
    explainers = {"one": Known(lightness), "two": Known(lambda images, keys: 2 * lightness(images, keys))}
    found = scored(tmp_path, explainers, [(name, LIPSCHITZ) for name in explainers])
    one, two = (
        found[name, "local_lipschitz"].scores.query("score == 'estimate'")["value"] for name in explainers
    )
    assert (two.to_numpy() == 2 * one.to_numpy()).all()
    assert one.nunique() == TUMOUR


def test_copies_bear_the_keys_of_their_tiles(tmp_path):
    """An explainer whose maps are noise of the key alone does not move: its own noise is the same."""
    explainer = Known(lambda images, keys: normal(0, keys, 0, images.shape[2:]))
    found = scored(tmp_path, {"noise": explainer}, [("noise", SENSITIVITY)])["noise", "average_sensitivity"]
    assert found.scores["value"].tolist() == [0.0] * (2 * TUMOUR)


def test_the_noise_is_not_that_of_an_explainer_of_the_same_seed(tmp_path):
    seen = []
    explainer = Known(lambda images, keys: seen.append(images.clone()) or images.mean(1))
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 10)
    model = small_network()
    evidence = handed(tmp_path, tiles, {"m": explainer}, model)
    clean = seen.pop()
    evaluate_pairs(model, evidence, [("m", LIPSCHITZ)], SETTINGS)
    rows = (tiles.table["label"] == "tumour").to_numpy()
    keys = tile_keys(tiles.table["tile_id"][rows].tolist())
    noise = (torch.cat(seen).view(SAMPLES, TUMOUR, 3, 16, 16) - clean[torch.tensor(rows)]) / 0.02
    assert noise.std().item() == pytest.approx(1.0, abs=0.03)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.03)
    for draw in range(SAMPLES):
        own = normal(0, keys, draw, (3, 16, 16))
        for mine in noise:
            assert abs((mine * own).mean()) < 0.05


def test_copies_are_not_clamped(tmp_path):
    lowest, highest = [], []
    explainer = Known(
        lambda images, _keys: lowest.append(images.min()) or highest.append(images.max()) or images.mean(1)
    )
    scored(tmp_path, {"m": explainer}, [("m", AverageSensitivity(sigma=0.5))])
    assert min(lowest) < 0
    assert max(highest) > 1


def test_an_explainer_is_prepared_once_and_only_if_it_is_called(tmp_path):
    called, idle = Known(lightness), Known(lightness)
    wanted = [("called", LIPSCHITZ), ("called", SENSITIVITY), ("idle", Gini())]
    scored(tmp_path, {"called": called, "idle": idle}, wanted)
    assert (called.prepared, idle.prepared) == (2, 1)
    assert len(idle.keys) == 1


@pytest.mark.parametrize(
    "explainer", [Gradient(), SmoothGrad(samples=2), UntrainedNetwork()], ids=lambda e: e.name
)
def test_the_passes_of_explainers_are_counted_forward_and_backward(tmp_path, explainer):
    model = small_network()
    evidence = handed(tmp_path, make_tile_set(tmp_path / "t", "s", "p", "test", 10), {"e": explainer}, model)
    with counted_passes(model) as counter:
        found = evaluate_pairs(model, evidence, [("e", LIPSCHITZ)], SETTINGS)["e", "local_lipschitz"]
    images = TUMOUR * SAMPLES
    own = explainer.passes() * images
    assert found.info.passes == {"forward": own.forward, "backward": own.backward, "explained": images}
    assert found.measures == {
        "plan_forward_images": own.forward,
        "plan_backward_images": own.backward,
        "plan_minimum_forward_images": own.forward,
        "plan_minimum_backward_images": own.backward,
        "plan_explained_images": images,
    }
    if explainer.name == "untrained_network":
        assert counter.spent.forward == 0
    else:
        assert counter.spent == own


def test_no_batch_is_larger_than_asked(tmp_path):
    explainer = Known(lightness)
    scored(tmp_path, {"m": explainer}, [("m", AverageSensitivity(samples=5))])
    assert [len(keys) for keys in explainer.keys[1:]] == [8, 8, 4]
