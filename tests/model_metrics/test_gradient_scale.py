import math

import numpy as np
import pytest
import torch

from tasks.model_metrics.base import MeasureSettings, measure_model
from tasks.model_metrics.gradient_scale import GradientScale, calibrated_losses
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.small_networks import LinearNetwork
from tests._support.tile_sets import make_tile_set


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return MeasuredTiles(
        [make_tile_set(tmp_path_factory.mktemp("s"), "s", "p", "test", 25)], ("normal", "tumour")
    )


def scores_of(model, tiles, target=1):
    report = measure_model(GradientScale(), model, tiles, MeasureSettings(target))
    table = report.measured.scores.pivot(index="unit_id", columns="score", values="value")
    return table, report.measured.measures["temperature"]


WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0)) / 10


def test_of_a_linear_network_the_gradient_is_its_weight_and_the_margin_is_exact(tiles):
    found, _ = scores_of(LinearNetwork(WEIGHT), tiles)
    assert found["gradient_norm"].to_numpy() == pytest.approx(float(WEIGHT.norm()))
    row = tiles.table.index[tiles.table["tile_id"] == found.index[3]].item()
    image = torch.tensor(tiles.pixels(row)).permute(2, 0, 1) / 255
    assert found["margin"].iloc[3] == pytest.approx(abs(float((image * WEIGHT).sum())), rel=1e-5)


def test_a_collapse_is_seen_by_the_gradient_and_the_margin_and_not_by_the_loss(tiles):
    """Trap: divided by a hundred, the maps are as sparse as before and the network decides alike."""
    large, wide = scores_of(LinearNetwork(WEIGHT), tiles)
    small, narrow = scores_of(LinearNetwork(WEIGHT / 100), tiles)
    for name in ("gradient_norm", "margin"):
        np.testing.assert_allclose(small[name] * 100, large[name], rtol=1e-4)
    np.testing.assert_allclose(small["cross_entropy"], large["cross_entropy"], rtol=1e-6)
    assert narrow * 100 == pytest.approx(wide, rel=1e-4)


def test_three_right_in_four_at_equal_margins_is_the_entropy_of_three_in_four():
    logits = np.array([[0.0, 9.0], [9.0, 0.0], [0.0, 9.0], [0.0, 9.0]])
    losses, temperature = calibrated_losses(logits, np.array([1, 0, 1, 0]))
    assert temperature == pytest.approx(9 / math.log(3), rel=1e-4)
    assert losses.mean() == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert losses[3] == pytest.approx(-math.log(0.25), rel=1e-4)


def test_logits_that_are_log_probabilities_of_their_labels_stay_as_they_are():
    generator = np.random.default_rng(0)
    logits = np.log(generator.dirichlet([1, 1, 1], size=20_000))
    labels = np.array([generator.choice(3, p=np.exp(row)) for row in logits])
    _, temperature = calibrated_losses(logits, labels)
    assert temperature == pytest.approx(1.0, abs=0.03)


def test_the_temperature_is_the_best_on_a_grid():
    generator = np.random.default_rng(1)
    logits, labels = generator.normal(size=(50, 4)), generator.integers(4, size=50)
    logits[np.arange(50), labels] += 1.0
    losses, _ = calibrated_losses(logits, labels)

    def plain(scale):
        powers = np.exp(scale * logits)
        return -np.log(powers[np.arange(50), labels] / powers.sum(1)).mean()

    assert losses.mean() == pytest.approx(min(plain(s) for s in np.geomspace(0.01, 100, 4001)), abs=1e-6)


def test_a_network_that_is_always_right_has_next_to_no_loss():
    losses, temperature = calibrated_losses(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1]))
    assert 0 <= losses.max() < 1e-12
    assert temperature < 0.05


def test_a_network_that_is_always_wrong_is_taken_for_one_that_knows_nothing():
    losses, temperature = calibrated_losses(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1, 0]))
    assert losses.mean() == pytest.approx(math.log(2), rel=1e-2)
    assert temperature > 0.5 * 900
