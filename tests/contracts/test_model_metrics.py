"""Every model metric there is, held to the rules of the house."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.artifacts.faithfulness_report import SCORE_COLUMNS, FaithfulnessReport
from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.tile_set import ARTEFACT_MASK
from tasks.functional.passes import Passes, counted_passes
from tasks.model_metrics.base import MeasureSettings, ModelMetric, ModelReport, measure_model
from tasks.models.classifier import Classifier
from tasks.plugins import available, plugin_class, recipe_of
from tasks.samples.measured_tiles import MeasuredTiles, SampleError
from tests._support.plugin_rules import assert_is_its_own_configuration
from tests._support.small_networks import FailingError, FailingNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set

NAMES = available("tasks.model_metrics")
CLASSES = ("normal", "tumour")


def metric_of(name: str) -> ModelMetric:
    metric = plugin_class("tasks.model_metrics", name)()
    assert isinstance(metric, ModelMetric)
    return metric


def network(inner: torch.nn.Module | None = None) -> Classifier:
    return Classifier(inner or small_network(), (0.7, 0.6, 0.7), (0.2, 0.2, 0.2))


@pytest.fixture(scope="module")
def tiles(tmp_path_factory) -> MeasuredTiles:
    folder = tmp_path_factory.mktemp("tiles")
    plan = (("s1", 40, (3, 8)), ("s2", 17, ()), ("s3", 12, ()))
    slides = [make_tile_set(folder / n, n, f"patient_{n}", "test", count, failed=f) for n, count, f in plan]
    for slide in slides:
        # The upper half of every other row of tiles: on and off tiles of each class.
        mask = np.zeros(slide.tissue_mask.shape, np.uint8)
        mask[np.arange(len(mask)) // 5 % 2 == 0, :8] = 1
        np.save(slide.folder / ARTEFACT_MASK, mask)
    return MeasuredTiles(slides, CLASSES)


def measured(name: str, tiles: MeasuredTiles, batch: int = 16, seed: int = 0) -> ModelReport:
    return measure_model(metric_of(name), network(), tiles, MeasureSettings(1, seed, batch))


def digest(report: ModelReport, folder: Path) -> str:
    folder.mkdir()
    report.write(folder)
    return content_digest(list_payload(folder))


def test_there_are_model_metrics():
    assert {"gradient_scale", "neuron_consistency"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_its_own_configuration(name):
    metric = metric_of(name)
    assert metric.name == name
    assert_is_its_own_configuration(metric)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_where_it_comes_from_and_what_its_scores_mean(name):
    metric = metric_of(name)
    assert len(metric.source) > 20
    infos = metric.score_infos()
    assert len({info.name for info in infos}) == len(infos) > 0
    assert all(info.meaning for info in infos)
    assert all(info.name.replace("_", "").isalpha() and info.name.islower() for info in infos)


@pytest.mark.parametrize("name", NAMES)
def test_its_report_is_a_faithfulness_report_with_every_score_in_its_bounds(name, tiles, tmp_path):
    result, metric = measured(name, tiles), metric_of(name)
    result.write(tmp_path)
    report = FaithfulnessReport(tmp_path)
    assert report.info == result.info
    assert report.curves is None
    assert report.info.metric == recipe_of(metric)
    scores = report.scores
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert set(scores["unit"]) <= {"tile", "slide"}
    assert not scores.duplicated(["unit_id", "score"]).any()
    assert set(scores["score"]) == {info.name for info in metric.score_infos()}
    for info in metric.score_infos():
        part = scores[(scores["score"] == info.name) & scores["value"].notna()]
        assert set(part["slide_id"]) == {"s1", "s2", "s3"}
        assert np.isfinite(part["value"]).all()
        assert info.lower_bound is None or part["value"].min() >= info.lower_bound
        assert info.upper_bound is None or part["value"].max() <= info.upper_bound


@pytest.mark.parametrize("name", NAMES)
def test_tiles_without_the_label_of_a_class_or_without_pixels_are_no_units(name, tiles):
    scores = measured(name, tiles).measured.scores
    found = set(scores.loc[scores["unit"] == "tile", "unit_id"])
    tables = [t.table[t.table["label"].isin(CLASSES) & (t.table["state"] == "ok")] for t in tiles.tile_sets]
    assert found == set(pd.concat(tables)["tile_id"])
    labels = pd.concat(tables).set_index("tile_id")["label"]
    rows = scores[scores["unit"] == "tile"]
    assert rows["label"].tolist() == labels.loc[rows["unit_id"]].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_does_not_matter(name, tiles):
    whole = measured(name, tiles).measured.scores
    for batch in (1, 7, 100):
        other = measured(name, tiles, batch).measured.scores
        pd.testing.assert_frame_equal(other, whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_slides_does_not_matter(name, tiles):
    turned = MeasuredTiles(tiles.tile_sets[::-1], CLASSES)
    tables = [measured(name, t).measured.scores.sort_values(["unit_id", "score"]) for t in (tiles, turned)]
    pd.testing.assert_frame_equal(*[table.reset_index(drop=True) for table in tables], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_the_id_changes_none(name, tiles, tmp_path):
    named = metric_of(name).model_copy(update={"id": "other"})
    result = measure_model(named, network(), tiles, MeasureSettings(1, batch=16))
    assert digest(result, tmp_path / "named") == digest(measured(name, tiles), tmp_path / "plain")


@pytest.mark.parametrize("name", NAMES)
def test_it_costs_what_it_says(name, tiles):
    model, told, metric = network(), [], metric_of(name)
    # Once per network, whatever the number of tiles.
    model.settle(torch.rand(1, 3, 16, 16))
    with counted_passes(model) as counter:
        result = measure_model(metric, model, tiles, MeasureSettings(1, batch=16), told.append)
    assert counter.spent == metric.passes() * len(tiles)
    assert Passes(**result.info.passes) == Passes(**result.info.minimum_passes) == counter.spent
    assert sum(told) == len(tiles)


@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found(name, tiles):
    model = network()
    before = state_of(model)
    measure_model(metric_of(name), model, tiles, MeasureSettings(1, batch=16))
    assert state_of(model) == before


@pytest.mark.parametrize("calls", [0, 1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_left_as_found_also_when_it_fails(name, calls, tiles):
    model = network(FailingNetwork(calls))
    before = state_of(model)
    with contextlib.suppress(FailingError):
        measure_model(metric_of(name), model, tiles, MeasureSettings(1, batch=16))
    assert state_of(model) == before


@pytest.mark.parametrize("name", NAMES)
def test_nothing_labelled_is_nothing_measured(name, tiles):
    with pytest.raises(SampleError, match="none of the 3 evaluated slides has a tile labelled stroma or"):
        measure_model(
            metric_of(name), network(), MeasuredTiles(tiles.tile_sets, ("stroma", "fat")), MeasureSettings(1)
        )
