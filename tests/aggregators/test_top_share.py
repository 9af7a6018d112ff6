"""The highest tenth of the tiles."""

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.aggregators.top_share import TopShare


def test_a_slides_score_is_the_mean_of_its_highest_tenth():
    values = np.arange(20) / 20
    assert TopShare().score(values) == pytest.approx((0.95 + 0.9) / 2)
    assert TopShare().score(values[:11]) == pytest.approx((0.5 + 0.45) / 2)
    assert TopShare().score(np.array([0.3])) == pytest.approx(0.3)
    assert TopShare(share=1.0).score(values) == pytest.approx(values.mean())


@pytest.mark.parametrize(("count", "used"), [(1, 1), (9, 1), (10, 1), (11, 2), (30, 3), (31, 4), (1000, 100)])
def test_a_tenth_is_rounded_up_to_whole_tiles(count, used):
    values = np.random.default_rng(0).random(count)
    assert sorted(TopShare().used(values)) == sorted(np.argsort(values)[-used:])


def test_it_says_what_the_score_is():
    words = TopShare(share=0.05).words("tumour")
    assert words == "the mean tumour probability of the highest 5% of its tiles"


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValidationError, match="share"):
        TopShare(share=share)
