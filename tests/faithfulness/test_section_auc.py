"""ROC-AUC on stitched sections."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.section_auc import SectionAuc
from tests._support.attribution_sets import maps_of, noise
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set


def score(folder, draw, metric, change=None):
    tiles = make_tile_set(folder / "tiles", "s1", "p1", "test", 40)
    if change is not None:
        change(tiles.folder)
    evidence = Evidence(
        [tiles],
        {"m": maps_of(folder / "m", [tiles], draw)},
        ("normal", "tumour"),
        1,
        kinds={"m": "sensitivity"},
    )
    parts = [("m", metric)]
    return evaluate_pairs(small_network(), evidence, parts, EvaluationSettings())["m", metric.id], tiles


def test_the_outline_as_its_own_map_scores_one_in_each_section(tmp_path):
    result, _ = score(tmp_path, lambda t: t.annotation_mask[t.usable].astype(float), SectionAuc(cell_um=4))
    assert result.scores["unit_id"].tolist() == ["s1/section_1", "s1/section_2"]
    assert result.scores["section"].tolist() == [1, 2]
    assert result.scores["patient_id"].tolist() == ["p1", "p1"]
    assert result.scores["value"].tolist() == [1.0, 1.0]
    assert set(result.scores["chance"]) == {0.5}


@pytest.mark.parametrize("ranked_by", ["signed", "magnitude"])
def test_pixel_by_pixel_it_is_sklearns_area_over_the_section(tmp_path, ranked_by):
    """A cell of one pixel: tiles are 16 um at 1 um a pixel, side by side."""
    result, tiles = score(tmp_path, noise, SectionAuc(cell_um=1.0, ranked_by=ranked_by))
    section = tiles.table["section"].to_numpy()
    maps = noise(tiles).astype(np.float32)
    maps = maps if ranked_by == "signed" else abs(maps)
    expected = [
        roc_auc_score(tiles.annotation_mask[section == s].ravel(), maps[section == s].ravel()) for s in (1, 2)
    ]
    assert result.scores["value"].tolist() == pytest.approx(expected, abs=1e-12)


def test_a_section_of_one_class_is_excluded_and_counted(tmp_path):
    def only_first(folder):
        annotation = np.load(folder / "annotation_mask.npy")
        annotation[20:] = 0
        np.save(folder / "annotation_mask.npy", annotation)

    result, _ = score(tmp_path, noise, SectionAuc(), only_first)
    assert result.scores["value"].isna().tolist() == [False, True]
    assert result.info.excluded == {"section without cells of both classes": 1}


def test_glass_takes_no_part(tmp_path):
    """On glass the map says the opposite; it must not be heard."""

    def glass_above(folder):
        tissue = np.load(folder / "tissue_mask.npy")
        tissue[:, :8] = 0
        np.save(folder / "tissue_mask.npy", tissue)

    def draw(tiles):
        maps = tiles.annotation_mask[tiles.usable].astype(float)
        maps[:, :8] = 5 - 10 * maps[:, :8]
        return maps

    result, _ = score(tmp_path, draw, SectionAuc(cell_um=4, ranked_by="signed"), glass_above)
    assert result.scores["value"].tolist() == [1.0, 1.0]


def test_failed_tiles_leave_a_hole_and_another_class_is_not_the_target(tmp_path):
    def fail(folder):
        table = pd.read_parquet(folder / "tiles.parquet")
        table.loc[[3, 4], "state"] = "failed"
        table.to_parquet(folder / "tiles.parquet", index=False)

    result, _ = score(
        tmp_path, lambda t: t.annotation_mask[t.usable].astype(float), SectionAuc(cell_um=4), fail
    )
    assert result.scores["value"].tolist() == [1.0, 1.0]
