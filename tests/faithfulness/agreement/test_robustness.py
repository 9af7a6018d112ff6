"""Maps that move, on the very copies that Quantus was given."""

import numpy as np
import pytest
import torch

from tasks.faithfulness._robustness import RobustnessMetric
from tasks.faithfulness.average_sensitivity import AverageSensitivity
from tasks.faithfulness.local_lipschitz import LocalLipschitz
from tests._support.agreement import gradients, inputs, quantus, score, values
from tests._support.explaining import Known

COPIES = 5


@pytest.fixture
def stored_noise(monkeypatch):
    noise = torch.from_numpy(inputs()["noise"])
    monkeypatch.setattr(
        RobustnessMetric, "noise", lambda _self, block, draw: noise[draw][block.rows][:, None]
    )


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
