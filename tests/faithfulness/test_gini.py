"""Sparseness of maps."""

import numpy as np
import pytest

from tasks.evaluation.plan import EvaluationSettings, evaluate_pairs
from tasks.evidence.evidence import Evidence
from tasks.faithfulness.gini import Gini
from tests._support.attribution_sets import maps_of
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set


def test_known_maps_and_no_pass(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s1", "p1", "test", 5)

    def draw(_tiles):
        maps = np.ones((5, 16, 16))
        maps[3] = 0.0
        maps[3, 2, 2] = -4.0
        maps[4, :8] = -1.0
        return maps

    evidence = Evidence([tiles], {"known": maps_of(tmp_path / "m", [tiles], draw)}, ("normal", "tumour"), 1)
    result = evaluate_pairs(small_network(), evidence, [("known", Gini())], EvaluationSettings())
    result = result["known", "gini"]
    assert result.scores["value"].tolist() == pytest.approx([1 - 1 / 256, 0.0], abs=1e-12)
    assert result.measures["plan_forward_images"] == 0
    assert result.curves is None
