"""Entropy of maps drawn by hand."""

import numpy as np
import pytest

from tasks.faithfulness.entropy import Entropy
from tests._support.mask_tiles import values_of
from tests._support.scored_maps import score


def test_known_maps_and_no_pass(tmp_path):
    """Equal, one pixel, sixteen equal of 256 whatever their sign, and nothing: log 16 / log 256 = 1/2."""

    def draw(_tiles):
        maps = np.full((4, 16, 16), -2.0)
        maps[1:] = 0.0
        maps[1, 3, 4] = 5.0
        maps[2, 7] = 3.0
        maps[2, 7, ::2] = -3.0
        return maps

    result = score(tmp_path, draw, Entropy(labels="all"), count=4)
    assert values_of(result, "entropy").tolist() == pytest.approx([1.0, 0.0, 0.5], abs=1e-12)
    assert result.info.excluded == {"the map is zero everywhere": 1}
    assert result.measures["plan_forward_images"] == 0
    assert [info.direction for info in result.info.scores] == ["none"]


def test_it_leaves_the_scale_of_a_map_aside(tmp_path):
    plain, scaled = (
        score(
            tmp_path / name, lambda t, by=by: by * t.pixels[t.usable].mean(axis=3), Entropy(labels="all"), 5
        )
        for name, by in (("plain", 1.0), ("scaled", -1e-6))
    )
    np.testing.assert_allclose(values_of(scaled, "entropy"), values_of(plain, "entropy"), rtol=1e-6)
