"""Sums of known maps against known margins."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.artifacts.attributions import PixelMaps
from tasks.artifacts.explained_samples import INDEX
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.explainers.gradient import Gradient
from tasks.explainers.integrated_gradients import IntegratedGradients
from tasks.explaining.block import AttributionSettings
from tasks.explaining.slide import attribute_slide
from tasks.faithfulness.completeness import Completeness
from tests._support.attribution_sets import noise, write_maps
from tests._support.small_networks import LinearNetwork, PowerNetwork, small_network
from tests._support.tile_sets import make_tile_set

WEIGHT = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))


def scored(tiles, stored, metric=None):
    evidence = Evidence([tiles], {"m": [stored]}, ("normal", "tumour"), 1)
    metric = metric or Completeness(labels="all")
    return evaluate_pairs(small_network(), evidence, [("m", metric)], EvaluationSettings(batch=4))[
        "m", "completeness"
    ]


def values(result, name):
    return result.scores.query("score == @name")["value"].to_numpy()


def explained(folder, explainer, model):
    """Return the maps as the stage that makes them writes them."""
    tiles = make_tile_set(folder / "t", "s", "p", "test", 10)
    (out := folder / "m").mkdir()
    attribute_slide(model.eval(), tiles, explainer, AttributionSettings(target=1), out, folder / "w")
    return tiles, PixelMaps(out)


def test_it_is_the_stored_error_over_what_was_promised_by_hand(tmp_path):
    """The map sums to 3 and misses by +1: promised were 2; to -3 and by +1: promised were -4."""
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 10, failed=(2,))
    maps = np.full((9, 16, 16), 3 / 256)
    maps[4:] *= -1
    error = np.array([1.0, 1, 1, 1, 1, 1, 1, 1, -2])
    found = scored(tiles, write_maps(tmp_path / "m", tiles, maps, error=error))
    assert values(found, "error").tolist() == [1.0] * 8 + [2.0]
    np.testing.assert_allclose(values(found, "relative"), [1 / 2] * 4 + [1 / 4] * 4 + [2.0], rtol=1e-6)


def test_what_was_cut_off_with_the_halo_counts_to_the_sum(tmp_path):
    """What is stored sums to 3, the halo to 5, and both miss by +1: promised were 7."""
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 10)
    stored = write_maps(tmp_path / "m", tiles, np.full((10, 16, 16), 3 / 256), error=np.ones(10))
    stored.index.assign(halo_sum=5.0).to_parquet(tmp_path / "m" / INDEX, index=False)
    found = scored(tiles, PixelMaps(tmp_path / "m"))
    np.testing.assert_allclose(values(found, "error"), 1.0)
    np.testing.assert_allclose(values(found, "relative"), 1 / 7, rtol=1e-6)


def test_errors_belong_to_their_tiles_also_where_some_are_scored(tmp_path):
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 40, failed=(3, 8))
    stored = write_maps(tmp_path / "m", tiles, noise(tiles), error=np.arange(38.0))
    found = scored(tiles, stored, Completeness())
    tumour = (tiles.table["label"] == "tumour").to_numpy()[tiles.usable]
    assert values(found, "error").tolist() == np.arange(38.0)[tumour].tolist()
    assert found.info.passes == found.info.minimum_passes == {"forward": 0}


def test_integrated_gradients_add_up_on_a_cubic_by_two_points_and_miss_by_one(tmp_path):
    """From white, one point in the middle misses the change of x ** 3 by (x - 1) ** 3 / -4."""
    network = PowerNetwork(torch.ones(3, 16, 16), 3)
    for steps in (1, 2):
        tiles, stored = explained(tmp_path / str(steps), IntegratedGradients(steps=steps), network)
        images = tiles.pixels / 255.0
        missed = abs((images - 1) ** 3).sum((1, 2, 3)) / 4 if steps == 1 else np.zeros(10)
        found = scored(tiles, stored)
        np.testing.assert_allclose(values(found, "error"), missed, rtol=1e-4, atol=1e-3)
        promised = abs((images**3 - 1).sum((1, 2, 3)))
        np.testing.assert_allclose(values(found, "relative"), missed / promised, rtol=1e-4, atol=1e-5)


def test_an_explainer_without_a_reference_is_excluded(tmp_path):
    found = scored(*explained(tmp_path, Gradient(), LinearNetwork(WEIGHT)))
    assert found.scores["value"].isna().all()
    assert found.info.excluded == {"the explainer names no reference": 10}


def test_a_map_of_zeros_misses_all_of_it(tmp_path):
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 10)
    found = scored(tiles, write_maps(tmp_path / "m", tiles, np.zeros((10, 16, 16)), error=-0.7))
    assert values(found, "relative").tolist() == [1.0] * 10


def test_next_to_no_difference_is_not_divided_by(tmp_path):
    tiles = make_tile_set(tmp_path / "t", "s", "p", "test", 10)
    stored = write_maps(tmp_path / "m", tiles, np.full((10, 16, 16), 2 / 256), error=2.0)
    assert values(scored(tiles, stored), "relative") == pytest.approx(2 / 0.01)
    wider = Completeness(labels="all", least_margin=0.5)
    assert values(scored(tiles, stored, wider), "relative").tolist() == [4.0] * 10


def test_a_least_margin_of_zero_is_refused():
    with pytest.raises(ValidationError):
        Completeness(least_margin=0)
