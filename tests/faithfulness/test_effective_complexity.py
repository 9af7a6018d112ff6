"""Effective complexity of maps drawn by hand."""

import numpy as np
import pytest

from tasks.faithfulness.effective_complexity import EffectiveComplexity
from tests._support.mask_tiles import values_of
from tests._support.scored_maps import score


def draw(_tiles):
    """All equal; one pixel of 10, sixteen of -2, the rest of 0.5; nothing."""
    maps = np.full((3, 16, 16), 0.5)
    maps[1, 7] = -2.0
    maps[1, 3, 3] = 10.0
    maps[2] = 0.0
    return maps


@pytest.mark.parametrize(
    ("threshold", "share"), [(0.0, 1.0), (0.04, 1.0), (0.1, 17 / 256), (0.2, 1 / 256), (0.9, 1 / 256)]
)
def test_the_share_is_counted_whatever_the_sign(tmp_path, threshold, share):
    metric = EffectiveComplexity(threshold=threshold, labels="all")
    result = score(tmp_path, draw, metric, count=3)
    assert values_of(result, "share").tolist() == [1.0, share]
    assert result.info.excluded == {"the map is zero everywhere": 1}
    assert result.measures["plan_forward_images"] == 0
    assert [info.direction for info in result.info.scores] == ["none"]


def test_a_threshold_that_nothing_exceeds_is_refused():
    with pytest.raises(ValueError, match="less than 1"):
        EffectiveComplexity(threshold=1.0)
