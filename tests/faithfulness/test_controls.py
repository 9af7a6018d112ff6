"""The controls on a detector of dark nuclei: each scores by localisation what it knows, and no more."""

import pytest
import torch

from tasks.artifacts.attributions import PixelMaps
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.explainers.gradient import Gradient
from tasks.explaining.block import AttributionSettings
from tasks.explaining.slide import attribute_slide
from tasks.plugins import plugin_class
from tests._support.tile_sets import make_tile_set
from tests.faithfulness.test_known_detector import NucleusDetector

BLIND = ("random_map", "blurred_noise", "shuffled_map")
"""They know neither the image nor, of the map they shuffle, the places."""
METRICS = {"pixel_auc": "auc", "top_k_intersection": "corrected", "pointing_game": "corrected"}
CHANCE = {"pixel_auc": 0.5, "top_k_intersection": 0.0, "pointing_game": 0.0}


def attributed(folder, tiles, explainer):
    out, work = folder / explainer.id, folder / f"{explainer.id}_work"
    out.mkdir()
    work.mkdir()
    attribute_slide(NucleusDetector(), tiles, explainer, AttributionSettings(target=1), out, work)
    return (PixelMaps(out),)


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    """Return the values of each explainer and metric over the tumour tiles."""
    folder = tmp_path_factory.mktemp("controls")
    tiles = make_tile_set(folder / "t", "s", "p", "test", 200)
    names = (*BLIND, "uniform_map", "edge_map", "centre_prior", "optical_density")
    controls = [plugin_class("tasks.explainers", name)() for name in names]
    assert all(control.control for control in controls)
    sets = {explainer.id: attributed(folder, tiles, explainer) for explainer in (Gradient(), *controls)}
    fields = {"mask": "evidence", "labels": "target"}
    metrics = [plugin_class("tasks.faithfulness", name).model_validate(fields) for name in METRICS]
    wanted = [(name, metric) for name in sets for metric in metrics]
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds=dict.fromkeys(sets, "sensitivity"))
    found = evaluate_pairs(NucleusDetector(), evidence, wanted, EvaluationSettings())
    return {
        (explainer, metric): torch.tensor(
            result.scores.query(f"score == '{METRICS[metric]}'")["value"].to_numpy()
        )
        for (explainer, metric), result in found.items()
    }


@pytest.mark.parametrize("metric", METRICS)
def test_the_explanation_finds_the_evidence_and_beats_every_control(scores, metric):
    found = {explainer: values.mean().item() for (explainer, of), values in scores.items() if of == metric}
    assert found["gradient"] > 0.95
    assert all(found["gradient"] >= value for value in found.values())


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("control", BLIND)
def test_what_is_blind_scores_chance_on_average(scores, metric, control):
    values = scores[control, metric]
    assert len(values) == 80
    error = values.std() / len(values) ** 0.5
    assert abs(values.mean() - CHANCE[metric]) < 4 * error


@pytest.mark.parametrize("metric", METRICS)
def test_a_uniform_map_scores_chance_on_every_tile(scores, metric):
    assert scores["uniform_map", metric].tolist() == pytest.approx([CHANCE[metric]] * 80, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_darkness_and_the_middle_beat_chance_without_a_model(scores, metric):
    """Why they are controls: the nuclei of these tiles are dark and lie about the middle."""
    for control in ("optical_density", "centre_prior"):
        assert scores[control, metric].mean() > CHANCE[metric] + 0.3


def test_edges_lie_round_a_nucleus_and_not_in_it(scores):
    dark = scores["optical_density", "pixel_auc"].mean()
    assert 0.6 < scores["edge_map", "pixel_auc"].mean() < dark - 0.1
