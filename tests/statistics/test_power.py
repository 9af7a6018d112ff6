import numpy as np
import pytest
from scipy import stats

from tasks.statistics.power import POWER, detectable_difference


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_detectable_difference_is_found_with_the_stated_power(level):
    size = detectable_difference(2.0, level)
    needed = 2.0 * stats.norm.isf((1 - level) / 2)
    assert stats.norm.sf(needed, loc=size, scale=2.0) == pytest.approx(POWER)
    assert np.isnan(detectable_difference(float("nan"), level))
