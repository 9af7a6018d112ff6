"""A detector built to read the evidence alone: its gradient must win where the answer is known."""

import pytest
import torch
from torch import nn

from tasks.artifacts.attributions import PixelMaps
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.explainers.gradient import Gradient
from tasks.explainers.optical_density import OpticalDensity
from tasks.explainers.random_map import RandomMap
from tasks.explainers.smoothgrad import SmoothGrad
from tasks.explaining.block import AttributionSettings
from tasks.explaining.slide import attribute_slide
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.rank_accuracy import RankAccuracy
from tests._support.tile_sets import make_tile_set


class NucleusDetector(nn.Module):
    """Tumour where much of the tile is darker than 0.5 in all channels together, as nuclei are."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [B, 2]."""
        darkness = torch.relu(0.5 - images.mean(1)).mean((1, 2))
        margin = 100 * darkness - 2
        return torch.stack([torch.zeros_like(margin), margin], dim=1)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detector")
    tiles, model = make_tile_set(folder / "t", "s", "p", "test", 60), NucleusDetector()
    sets = {}
    for explainer in (Gradient(), SmoothGrad(samples=8, sigma=0.05), OpticalDensity(), RandomMap()):
        out, work = folder / explainer.id, folder / f"{explainer.id}_work"
        out.mkdir()
        work.mkdir()
        attribute_slide(model, tiles, explainer, AttributionSettings(target=1), out, work)
        sets[explainer.id] = (PixelMaps(out),)
    metrics = (
        Deletion(),
        RankAccuracy(mask="evidence", labels="target"),
        RankAccuracy(mask="evidence", labels="target", ranked_by="signed", id="signed"),
    )
    wanted = [(name, metric) for name in sets for metric in metrics]
    found = evaluate_pairs(
        model,
        Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity")),
        wanted,
        EvaluationSettings(),
    )
    return {
        (explainer, metric, score): rows["value"].mean()
        for (explainer, metric), result in found.items()
        for score, rows in result.scores.groupby("score")
    }


def test_the_gradient_lies_on_the_evidence_and_chance_does_not(results):
    assert results["gradient", "rank_accuracy", "corrected"] > 0.95
    assert results["smoothgrad", "rank_accuracy", "corrected"] > 0.95
    assert abs(results["random_map", "rank_accuracy", "corrected"]) < 0.1


def test_with_its_sign_kept_a_gradient_of_dark_evidence_points_away_from_it(results):
    """Why magnitudes are the default: lighter nuclei lower the margin, so their gradient is negative."""
    assert results["gradient", "signed", "corrected"] < -0.2


def test_removing_the_evidence_first_hurts_most(results):
    gaps = [results[name, "deletion", "gap"] for name in ("gradient", "random_map")]
    assert gaps[0] > 0.3
    assert abs(gaps[1]) < 0.05
