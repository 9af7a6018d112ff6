"""Views that keep nothing open."""

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.artifacts.afresh import Afresh, afresh
from tasks.artifacts.tile_set import TileSet
from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.gini import Gini
from tasks.faithfulness.pixel_auc import PixelAuc
from tasks.models.predict import predict_tiles
from tasks.samples.measured_tiles import MeasuredTiles
from tasks.training.tiles import labelled_tiles
from tests._support.attribution_sets import maps_of, noise
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set


def slides(folder: Path, count: int) -> list[TileSet]:
    """Return slides of as many tiles as their number, plus one."""
    return [make_tile_set(folder / str(i), f"s{i}", "p", "test", i + 1) for i in range(count)]


def test_a_new_view_has_read_nothing(tmp_path):
    tiles = make_tile_set(tmp_path, "s", "p", "test", 5)
    table = tiles.table
    again = afresh(tiles)
    assert again == tiles
    assert again is not tiles
    assert "table" not in vars(again)
    assert again.table is not table
    assert again.table.equals(table)


def test_views_are_new_whenever_they_are_taken(tmp_path):
    views = slides(tmp_path, 12)
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    taken = [(len(view.table), view.pixels.shape) for view in Afresh(views)]
    assert taken == [(i + 1, (i + 1, 16, 16, 3)) for i in range(12)]
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
    assert not any({"table", "pixels"} & set(vars(view)) for view in views)


def test_it_is_a_sequence(tmp_path):
    views = slides(tmp_path, 4)
    new = Afresh(views)
    assert len(new) == 4
    assert list(new) == views
    assert new[-1] == views[3]
    assert isinstance(new[1:3], Afresh)
    assert list(new[1:3]) == views[1:3]


@pytest.fixture
def few_files() -> Iterator[None]:
    """Allow forty more open files than there are: a cohort in small."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (sum(1 for _ in Path("/proc/self/fd").iterdir()) + 40, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> list[TileSet]:
    """Return more slides than files may be open, with their pixels and masks in files."""
    folder = tmp_path_factory.mktemp("cohort")
    return [make_tile_set(folder / f"{i:03}", f"s{i:03}", f"p{i}", "train", 5) for i in range(120)]


def test_a_training_opens_more_slides_than_files(cohort, few_files):
    tiles = labelled_tiles(cohort, "train", ("normal", "tumour"))
    firsts = np.unique(tiles.slides, return_index=True)[1]
    assert len(firsts) == 120
    expected = [slide.pixels[tiles.rows[first]] for slide, first in zip(cohort, firsts, strict=True)]
    np.testing.assert_array_equal(tiles.gather(firsts), np.stack(expected))


def test_more_slides_than_files_are_predicted_measured_and_scored(cohort, few_files, tmp_path):
    views = [TileSet(slide.folder) for slide in cohort]
    assert len(predict_tiles(small_network(), views, 8, "cpu")) == 600
    measured = MeasuredTiles(views, ("normal", "tumour"))
    batches = measured.batches(8, torch.device("cpu"))
    assert sum(len(batch.labels) for batch in batches) == len(measured) == 480
    assert np.isfinite(measured.marked_fraction("evidence")).all()
    maps = {"noise": maps_of(tmp_path, views, noise)}
    evidence = Evidence(Afresh(views), maps, ("normal", "tumour"), 1, kinds={"noise": "sensitivity"})
    wanted = [("noise", Gini()), ("noise", PixelAuc())]
    found = evaluate_pairs(small_network(), evidence, wanted, EvaluationSettings(8))
    assert found["noise", "gini"].scores["slide_id"].nunique() == 120
