"""Attribution against drop, on the very subsets that Quantus drew, and on what it removed instead."""

import numpy as np
import pytest
import torch

from benchmarks.quantus_inputs import SIDE, SQUARE
from benchmarks.quantus_models import LinearLogits
from tasks.faithfulness import _subsets
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.faithfulness_correlation import FaithfulnessCorrelation
from tasks.faithfulness.faithfulness_estimate import FaithfulnessEstimate
from tasks.faithfulness.infidelity import Infidelity
from tasks.faithfulness.non_sensitivity import NonSensitivity
from tasks.faithfulness.sensitivity_n import SensitivityN
from tests._support.agreement import Grey, curve, inputs, quantus, score, values

PIXELS = SIDE**2
SQUARES = SIDE // SQUARE


@pytest.fixture
def stored_subsets(monkeypatch):
    stored = torch.from_numpy(inputs()["quantus_faithfulness_correlation_subsets"].astype(np.int64))

    def subset(block, _seed, _size, draw):
        chosen = torch.zeros(len(block.rows), PIXELS, dtype=torch.bool)
        return chosen.scatter(1, stored[draw][block.rows], True)

    monkeypatch.setattr(_subsets, "subset", subset)
    return stored.shape


@pytest.fixture
def growing_subsets(monkeypatch):
    """Squares that add up row by row: what Quantus removes for infidelity."""

    def subset(block, _seed, _size, draw):
        places = torch.arange(PIXELS).view(SIDE, SIDE)
        squares = places // SIDE // SQUARE * SQUARES + places % SIDE // SQUARE
        return (squares <= draw).flatten().expand(len(block.rows), -1)

    monkeypatch.setattr(_subsets, "subset", subset)


def linear_model():
    return Grey(LinearLogits(torch.from_numpy(inputs()["maps"][0] / 8)))


def linear_map():
    return (inputs()["maps"][0] / 8 * (inputs()["grey"] / 255.0 - 1)).astype(np.float32)


def correlation(draws: int) -> FaithfulnessCorrelation:
    return FaithfulnessCorrelation(draws=draws, fraction=24 / PIXELS, reads="contribution", output="logit")


def test_faithfulness_correlation_is_the_same_on_the_same_subsets(tmp_path, stored_subsets):
    ours = score(tmp_path, correlation(stored_subsets[0]), inputs()["maps"])
    np.testing.assert_allclose(values(ours, "correlation"), quantus("faithfulness_correlation"), atol=1e-4)


def test_on_subsets_of_our_own_it_lies_within_the_error_of_the_draws(tmp_path):
    """Both are samples of one figure: ours of many draws and Quantus's of 40 differ as 40 draws do."""
    table = score(tmp_path, correlation(640), inputs()["maps"]).scores
    error = np.hypot(table["error"], table["error"] * 4)
    assert (np.abs(table["value"] - quantus("faithfulness_correlation")) < 4 * error).all()


def test_both_know_the_true_map_of_a_linear_network(tmp_path):
    ours = score(tmp_path, correlation(40), linear_map(), model=linear_model())
    np.testing.assert_allclose(values(ours, "correlation"), 1, atol=1e-5)
    np.testing.assert_allclose(quantus("linear_faithfulness_correlation"), 1, atol=1e-5)


def test_faithfulness_estimate_is_the_same_where_its_steps_are_squares(tmp_path):
    """Quantus groups pixels by their rank; of a map constant on squares those are the squares."""
    metric = FaithfulnessEstimate(squares=SQUARES, reads="contribution", output="logit")
    ours = values(score(tmp_path, metric, inputs()["squares"]), "correlation")
    np.testing.assert_allclose(ours, quantus("faithfulness_estimate"), atol=1e-4)


@pytest.mark.usefixtures("growing_subsets")
def test_infidelity_is_the_same_where_we_too_remove_growing_areas(tmp_path):
    """The paper asks for independent perturbations; Quantus removes the next square from what is left."""
    metric = Infidelity(draws=SQUARES**2, reads="sensitivity", output="logit")
    ours = values(score(tmp_path, metric, inputs()["maps"]), "infidelity")
    np.testing.assert_allclose(ours, quantus("infidelity"), rtol=1e-4)
    np.testing.assert_allclose(quantus("infidelity_five_times"), quantus("infidelity"), rtol=1e-6)


def test_sensitivity_n_of_quantus_pairs_the_last_step_with_the_drop_of_all_and_ours_does_not(tmp_path):
    """Of a linear network's true map the sums are the drops, so every correlation is 1 by definition."""
    assert (quantus("linear_sensitivity_n")[1:] < 0.99).all()
    metric = SensitivityN(reads="contribution", output="logit")
    ours = score(tmp_path / "n", metric, linear_map(), model=linear_model())
    np.testing.assert_allclose(values(ours, "correlation"), 1, atol=1e-5)
    removed = Deletion(ranked_by="signed", steps=8, output="logit")
    line = curve(score(tmp_path / "d", removed, linear_map(), model=linear_model()), "morf_logit")
    ranked = -np.sort(-linear_map().reshape(len(line), 8, -1).reshape(len(line), -1), axis=1)
    steps = ranked.reshape(len(line), 8, -1).sum(2)
    mispaired = [np.corrcoef((line[:, :1] - line[:, 1:])[:, n], steps[:, n])[0, 1] for n in range(6)]
    np.testing.assert_allclose(mispaired, quantus("linear_sensitivity_n"), atol=1e-3)


def test_non_sensitivity_counts_the_same_pixels(tmp_path):
    metric = NonSensitivity(squares=SIDE, tolerance=0, output="logit")
    ours = values(score(tmp_path, metric, inputs()["maps"].clip(min=0)), "disagreement")
    np.testing.assert_allclose(ours * PIXELS, quantus("non_sensitivity"), atol=1e-6)


def test_non_sensitivity_of_larger_parts_is_refused_by_quantus_and_scored_by_us(tmp_path):
    assert quantus("non_sensitivity_of_squares") == "ValueError"
    ours = score(tmp_path, NonSensitivity(squares=SQUARES, output="logit"), inputs()["maps"].clip(min=0))
    assert np.isfinite(ours.scores["value"]).all()
