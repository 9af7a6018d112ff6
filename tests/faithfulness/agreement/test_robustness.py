"""Maps that move, on the very copies that Quantus was given."""

import numpy as np
import pytest
import torch

from tasks.faithfulness._robustness import RobustnessMetric
from tasks.faithfulness.average_sensitivity import AverageSensitivity
from tasks.faithfulness.local_lipschitz import LocalLipschitz
from tasks.faithfulness.relative_stability import RelativeStability
from tests._support.agreement import gradients, inputs, quantus, score, values
from tests._support.explaining import Known

COPIES = 5


@pytest.fixture
def stored_noise(monkeypatch):
    grey = torch.from_numpy(inputs()["noise"])[:, :, None]
    # In the channel that the network looks at: the distance is then that of one channel.
    noise = torch.cat([grey, grey * 0, grey * 0], dim=2)
    monkeypatch.setattr(RobustnessMetric, "noise", lambda _self, block, draw: noise[draw][block.rows])


def moved(folder, metric):
    maps = gradients(torch.from_numpy(inputs()["grey"][:, None] / 255.0).float(), None).numpy()
    return score(folder, metric, maps, Known(gradients))


@pytest.mark.usefixtures("stored_noise")
@pytest.mark.parametrize(("name", "case"), [("average", "avg_sensitivity"), ("maximum", "max_sensitivity")])
def test_sensitivity_is_the_same(tmp_path, name, case):
    ours = values(moved(tmp_path, AverageSensitivity(samples=COPIES)), name)
    np.testing.assert_allclose(ours, quantus(case), rtol=1e-4)


@pytest.mark.usefixtures("stored_noise")
def test_local_lipschitz_is_the_same_where_quantus_does_not_normalise(tmp_path):
    ours = values(moved(tmp_path, LocalLipschitz(samples=COPIES)), "estimate")
    np.testing.assert_allclose(ours, quantus("local_lipschitz"), rtol=1e-4)


@pytest.mark.usefixtures("stored_noise")
def test_normalised_a_tile_of_quantus_depends_on_its_company_and_ours_does_not(tmp_path):
    """It divides by the largest value of all tiles in the call, which is its default."""
    alone, together = quantus("local_lipschitz_of_1")[0], quantus("local_lipschitz_of_6")[0]
    assert abs(together / alone - 1) > 0.1
    ours = moved(tmp_path / "six", LocalLipschitz(samples=COPIES))
    first = moved(tmp_path / "one", LocalLipschitz(samples=COPIES, tiles_per_slide=1))
    row = first.scores["unit_id"].iloc[0]
    whole = ours.scores[ours.scores["unit_id"] == row].reset_index(drop=True)
    np.testing.assert_allclose(first.scores["value"], whole["value"], rtol=1e-6)


@pytest.mark.usefixtures("stored_noise")
@pytest.mark.parametrize(
    ("name", "case"),
    [("input_max", "relative_input_stability"), ("output_max", "relative_output_stability")],
)
def test_relative_stability_is_the_same_without_our_floor(tmp_path, name, case):
    """Where no pixel is lifted to a floor; with it one pixel near zero no longer is the whole score."""
    floorless = moved(tmp_path / "without", RelativeStability(samples=COPIES, floor=1e-9))
    theirs, steady = quantus(case), ~turned()
    np.testing.assert_allclose(values(floorless, name)[steady], theirs[steady], rtol=1e-3)
    floored = moved(tmp_path / "with", RelativeStability(samples=COPIES))
    assert (values(floored, name) < 0.7 * theirs).all()


@pytest.mark.usefixtures("stored_noise")
def test_a_tile_that_turns_in_a_copy_has_no_score_in_quantus_and_that_of_its_other_copies_here(tmp_path):
    assert turned().any()
    ours = values(moved(tmp_path, RelativeStability(samples=COPIES, floor=1e-9)), "input_max")
    assert np.isfinite(ours).all()
    assert (ours <= quantus("relative_input_stability") * (1 + 1e-3)).all()


def turned() -> np.ndarray:
    return np.isnan(quantus("relative_input_stability_or_nan"))


def test_by_default_relative_stability_of_quantus_only_brightens():
    """It sets the upper end of a uniform noise whose lower end is 0.02; ours is normal around 0."""
    lowest, highest = quantus("relative_stability_default_noise")
    assert 0.02 <= lowest < highest <= 0.2
