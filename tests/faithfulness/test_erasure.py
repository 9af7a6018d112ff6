"""Comprehensiveness and sufficiency on linear models, where every drop is known."""

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.faithfulness.erasure import Erasure
from tests._support.linear_removal import curve, flat, scored, target_rows, three, values, worth


def signed(**settings) -> Erasure:
    return Erasure(ranked_by="signed", output="margin", **settings)


def test_the_drops_of_a_linear_model_are_the_sums_of_what_went(tmp_path):
    result = scored(tmp_path, {"true": worth()}, [signed(steps=8, most=0.25)])["true", "erasure"]
    tiles, target = target_rows(tmp_path)
    parts = -np.sort(-worth()(tiles)[target].reshape(target.sum(), -1), axis=1)
    top = np.pad(parts.cumsum(1), ((0, 0), (1, 0)))[:, np.arange(9) * 32]
    rest = top[:, -1:] - top
    np.testing.assert_allclose(curve(result, "comprehensiveness_margin"), top, atol=1e-4)
    np.testing.assert_allclose(curve(result, "sufficiency_margin"), rest, atol=1e-4)
    np.testing.assert_allclose(values(result, "comprehensiveness"), top[:, 1:3].mean(1), atol=1e-4)
    np.testing.assert_allclose(values(result, "sufficiency"), rest[:, 1:3].mean(1), atol=1e-4)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, fill, output):
    metric = Erasure(ranked_by="signed", fill=fill, output=output, blur_px=2.0)
    found = scored(tmp_path, three(worth(fill)), [metric])
    order = ("true", "shuffled", "reversed")
    lost = [values(found[name, "erasure"], "comprehensiveness").mean() for name in order]
    missing = [values(found[name, "erasure"], "sufficiency").mean() for name in order]
    assert lost[0] > lost[1] > lost[2]
    assert missing[0] < missing[1] < missing[2]


def test_nothing_gone_loses_nothing_and_all_gone_loses_all(tmp_path):
    result = scored(tmp_path, {"true": worth()}, [Erasure()])["true", "erasure"]
    for output in ("probability", "margin", "logit"):
        lost = curve(result, f"comprehensiveness_{output}")
        missing = curve(result, f"sufficiency_{output}")
        assert (lost[:, 0] == 0).all()
        assert (missing[:, -1] == 0).all()
        assert (lost[:, -1] == missing[:, 0]).all()
        assert (lost[:, -1] != 0).all()


def test_on_an_order_that_says_nothing_the_drop_goes_with_the_share_of_pixels(tmp_path):
    """Sizes 1/4 and 2/4 average to 3/8 of the whole drop, and what stays lacks the other 5/8."""
    result = scored(tmp_path, {"flat": flat}, [signed(steps=4)], count=300)["flat", "erasure"]
    whole = curve(result, "comprehensiveness_margin")[:, -1]
    for score, share in (("comprehensiveness", 3 / 8), ("sufficiency", 5 / 8)):
        off = values(result, score) - share * whole
        assert off.std() > 0
        assert abs(off.mean()) < 4 * off.std() / len(off) ** 0.5


@pytest.mark.parametrize(("steps", "most", "last"), [(8, 0.01, 1), (8, 0.5, 4), (8, 1.0, 8), (100, 0.29, 29)])
def test_the_scored_tops_end_where_they_are_told(tmp_path, steps, most, last):
    """29 of 100 is the trap: 0.29 x 100 is 28.999999999999996."""
    result = scored(tmp_path, {"true": worth()}, [signed(steps=steps, most=most)], count=10)[
        "true", "erasure"
    ]
    expected = curve(result, "comprehensiveness_margin")[:, 1 : last + 1].mean(1)
    np.testing.assert_allclose(values(result, "comprehensiveness"), expected, rtol=1e-12)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"most": 1.1}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        Erasure(**wrong)
