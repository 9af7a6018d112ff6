"""What metrics do with the kind of a map."""

import numpy as np
import pytest

from tasks.evidence.sources import EvidenceError
from tasks.faithfulness.base import Metric
from tasks.plugins import available, plugin_class
from tests._support.linear_removal import values
from tests._support.scored_maps import score

BY_KIND = {
    name: plugin_class("tasks.faithfulness", name)
    for name in available("tasks.faithfulness")
    if plugin_class("tasks.faithfulness", name).by_kind
    and "pixel" in plugin_class("tasks.faithfulness", name).supports
}
OF_TILES = [
    name
    for name in available("tasks.faithfulness")
    if plugin_class("tasks.faithfulness", name).by_kind and name not in BY_KIND
]
LOCALISING = {
    "pixel_auc": "auc",
    "rank_accuracy": "raw",
    "mass_accuracy": "raw",
    "top_k_intersection": "raw",
    "pointing_game": "raw",
    "section_auc": "auc",
}
EVIDENCE = {"section_auc": {"cell_um": 4.0}, "pointing_game": {"tolerance_px": 0}}


def against(tiles):
    """Return 1 on the outline and -2 off it: strong evidence against the class where it is not."""
    inside = tiles.annotation_mask[tiles.usable] > 0
    return np.where(inside, 1.0, -2.0)


def test_metrics_that_rank_weigh_or_sum_go_by_the_kind():
    removal = {"deletion", "insertion", "region_deletion", "erasure", "monotonicity", "road"}
    sums = {"faithfulness_correlation", "sensitivity_n", "faithfulness_estimate", "infidelity"}
    matched = {"matched_auc", "matched_section_auc"}
    tiles = {"tile_deletion", "tile_insertion", "matched_tile_deletion", "random_head_deletion"}
    tiles |= {"sufficiency", "necessity", "tile_localisation"}
    assert {*BY_KIND, *OF_TILES} == {*LOCALISING, *matched, *removal, *sums, *tiles}
    assert set(OF_TILES) == tiles


@pytest.mark.parametrize("name", BY_KIND)
def test_the_kind_decides_once_and_a_setting_that_is_made_stays(name):
    metric = BY_KIND[name](id="mine")
    ((field, chosen),) = metric.by_kind.items()
    assert getattr(metric, field) == "kind"
    for kind, value in chosen.items():
        scorer = metric.for_maps(kind, 2)
        assert (getattr(scorer, field), scorer.id) == (value, "mine")
        assert scorer.for_maps(None, 2) == scorer
    assert len(set(chosen.values())) == 2


@pytest.mark.parametrize("name", BY_KIND)
def test_a_kind_that_is_not_stated_is_never_guessed(name):
    metric: Metric = BY_KIND[name]()
    with pytest.raises(EvidenceError, match=f"metric '{name}' needs to know what the maps say"):
        metric.for_maps(None, 2)


@pytest.mark.parametrize(("name", "named"), LOCALISING.items())
def test_evidence_against_the_class_is_no_hit_of_a_contribution(tmp_path, name, named):
    """Signed, the outline is on top. By magnitude all that is off the outline is."""
    metric = BY_KIND[name](**EVIDENCE.get(name, {}))
    found = {
        kind: values(score(tmp_path / kind, against, metric, kind=kind), named)
        for kind in ("contribution", "sensitivity")
    }
    contribution, sensitivity = (found[kind][~np.isnan(found[kind])] for kind in found)
    assert len(contribution) == len(sensitivity) > 0
    assert set(contribution) == {1.0}
    assert sensitivity.max() < 0.5


def test_smoothing_and_cells_keep_the_sign(tmp_path):
    """Noise of both signs around 0 off the outline cancels in a mean of signed values alone."""

    def draw(tiles):
        inside = tiles.annotation_mask[tiles.usable] > 0
        checkered = (np.indices(inside.shape[1:]).sum(0) % 2 * 2 - 1) * 3.0
        return np.where(inside, 1.0, checkered)

    for name, settings in (("section_auc", {"cell_um": 4.0}), ("rank_accuracy", {"smooth_px": 1.0})):
        metric, named = BY_KIND[name](**settings), LOCALISING[name]
        signed, magnitude = (
            np.nanmean(values(score(tmp_path / name / kind, draw, metric, kind=kind), named))
            for kind in ("contribution", "sensitivity")
        )
        assert signed > 0.9
        assert magnitude < 0.5
