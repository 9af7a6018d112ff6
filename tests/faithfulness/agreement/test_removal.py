"""Pixels and regions that are removed: the same curves as Quantus draws of grey tiles."""

import numpy as np
import pytest
import torch

from benchmarks.quantus_inputs import SQUARE
from benchmarks.quantus_models import ChannelsApart
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.monotonicity import Monotonicity
from tasks.faithfulness.region_deletion import RegionDeletion
from tests._support.agreement import curve, inputs, network, quantus, score, values

STEPS = 8


def deleted(folder, **settings):
    return score(folder, Deletion(ranked_by="signed", steps=STEPS, **settings), inputs()["maps"])


def regions(folder):
    metric = RegionDeletion(ranked_by="signed", region_px=SQUARE, regions="grid")
    return score(folder, metric, inputs()["maps"])


def clean_probabilities() -> np.ndarray:
    images = torch.from_numpy(inputs()["grey"][:, None] / 255.0).float()
    with torch.no_grad():
        return network()(images).softmax(1)[:, 1].numpy()


def test_pixel_flipping_is_the_morf_curve_without_its_first_point(tmp_path):
    ours = curve(deleted(tmp_path), "morf_probability")
    np.testing.assert_allclose(ours[:, 1:], quantus("pixel_flipping"), atol=1e-6)


def test_its_area_is_ours_once_the_first_step_is_added_and_the_width_is_one(tmp_path):
    """Quantus leaves out the whole tile and counts steps; ours runs from 0 to 1."""
    result = deleted(tmp_path)
    first = curve(result, "morf_probability")[:, :2].mean(1)
    np.testing.assert_allclose(
        values(result, "morf"), (quantus("pixel_flipping_auc") + first) / STEPS, atol=1e-6
    )


def test_a_fill_that_quantus_knows_by_name_drifts():
    """Its ``mean`` is that of an image already changed: all removed, it is not the tile's mean colour."""
    last = quantus("pixel_flipping_mean")[:, -1]
    images = torch.from_numpy(inputs()["grey"] / 255.0)[:, None].float()
    flat = images.mean((2, 3), keepdim=True).expand_as(images)
    with torch.no_grad():
        right = network()(flat).softmax(1)[:, 1].numpy()
    assert np.abs(last - right).max() > 1e-4


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_region_perturbation_is_the_drop_of_our_curve(tmp_path, order):
    ours = curve(regions(tmp_path), f"{order}_probability")
    clean = clean_probabilities()[:, None]
    np.testing.assert_allclose(clean - ours[:, 1:], quantus(f"region_{order}"), atol=1e-6)


def test_selectivity_is_our_curve_over_squares(tmp_path):
    ours = curve(regions(tmp_path), "morf_probability")
    np.testing.assert_allclose(ours[:, 1:], quantus("selectivity"), atol=1e-6)


@pytest.mark.parametrize("case", ["half_removed", "half_removed_ties"])
def test_quantus_removes_parts_of_a_pixel_and_we_whole_pixels(tmp_path, case):
    maps = inputs()["maps"] if case == "half_removed" else inputs()["maps"].clip(min=0).round(0)
    metric = Deletion(ranked_by="signed", steps=24, output="logit")
    ours = curve(score(tmp_path, metric, maps, model=ChannelsApart()), "morf_logit")
    assert (ours == 0).all()
    assert quantus(case).max() >= 1
    assert quantus("half_removed_ties").max() > 200


@pytest.mark.parametrize(("case", "sign"), [("monotonicity", 1), ("monotonicity_reversed", -1)])
def test_quantus_calls_every_map_monotone_and_we_count_the_steps(tmp_path, case, sign):
    """It puts the fill into the fill: the output never changes, and so never falls."""
    assert quantus(case).all()
    metric = Monotonicity(ranked_by="signed", steps=STEPS, output="logit")
    ours = values(score(tmp_path, metric, sign * inputs()["maps"]), "share")
    np.testing.assert_allclose(ours, rising_share(sign * inputs()["maps"]), atol=1e-12)
    assert (ours < 1).all()


def rising_share(maps: np.ndarray) -> np.ndarray:
    images = inputs()["grey"].reshape(len(maps), -1) / 255.0
    order = maps.reshape(len(maps), -1).argsort(1)
    logits = []
    for count in np.linspace(0, images.shape[1], STEPS + 1).astype(int):
        shown = np.ones_like(images)
        np.put_along_axis(shown, order[:, :count], np.take_along_axis(images, order[:, :count], 1), 1)
        with torch.no_grad():
            logits.append(network()(torch.from_numpy(shown).float().view(-1, 1, 16, 16))[:, 1].numpy())
    return (np.diff(logits, axis=0) >= 0).mean(0)
