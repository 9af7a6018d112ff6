"""The predicted probability, painted flat."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.explainers.predicted_probability import PredictedProbability
from tasks.faithfulness.pixel_auc import PixelAuc
from tasks.faithfulness.section_auc import SectionAuc
from tasks.functional.pixels import to_images
from tasks.functional.tile_keys import tile_keys
from tests._support.attribution_sets import maps_of
from tests._support.explaining import clean_maps
from tests._support.small_networks import LinearNetwork, small_network
from tests._support.tile_sets import make_tile_set


def test_each_pixel_holds_the_probability_of_the_target_of_its_tile():
    images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([1, 0, 1])
    model = small_network().eval()
    maps = PredictedProbability()(model, images, targets, tile_keys(["a", "b", "c"]))
    with torch.no_grad():
        expected = model(images).softmax(1)[torch.arange(3), targets]
    assert torch.equal(maps, expected[:, None, None].expand(3, 8, 8))
    assert (maps[0] == maps[0, 0, 0]).all()


def test_it_is_a_control_that_sees_the_network():
    control = PredictedProbability()
    assert (control.control, control.blind, control.map_kind) == (True, False, "sensitivity")
    assert control.passes().forward == 1


def test_on_a_section_it_is_the_area_of_the_predictions_and_in_a_tile_it_is_chance(tmp_path):
    """What a map of contributions has to beat: here of a network of darkness."""
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 40)
    model = LinearNetwork(torch.full((3, 16, 16), -0.005))
    draw = lambda t: clean_maps(PredictedProbability(), model, t)  # noqa: E731
    sets = {"flat": maps_of(tmp_path / "m", [tiles], draw)}
    evidence = Evidence([tiles], sets, ("normal", "tumour"), 1, kinds={"flat": "sensitivity"})
    metrics = [SectionAuc(cell_um=16.0), PixelAuc(mask="evidence")]
    found = evaluate_pairs(model, evidence, [("flat", metric) for metric in metrics], EvaluationSettings())
    section = tiles.table["section"].to_numpy()
    with torch.no_grad():
        predicted = model(to_images(tiles.pixels[:], torch.device("cpu"))).softmax(1)[:, 1].numpy()
    outlined = tiles.annotation_mask[:].mean((1, 2)) >= 0.5
    expected = [roc_auc_score(outlined[section == s], predicted[section == s]) for s in (1, 2)]
    areas = found["flat", "section_auc"].scores["value"]
    assert areas.tolist() == pytest.approx(expected, abs=1e-12)
    assert np.unique(predicted).size > 10
    inside = found["flat", "pixel_auc"].scores["value"].dropna()
    assert len(inside) > 0
    assert set(inside) == {0.5}
