"""Monotonicity on models whose every step is known."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tasks.faithfulness.monotonicity import Monotonicity
from tests._support.linear_removal import (
    WEIGHT,
    Draw,
    curve,
    flat,
    scored,
    shuffled,
    target_rows,
    three,
    values,
    worth,
)
from tests._support.small_networks import LinearNetwork

FOR = -WEIGHT.abs()
"""White pixels are lighter than all others, so every pixel speaks for the target."""

ORDER = ("true", "shuffled", "reversed")


def signed(**settings) -> Monotonicity:
    return Monotonicity(ranked_by="signed", **settings)


def rises(draw: Draw, folder, steps: int) -> np.ndarray:
    """Return what each step brings of a linear model whose map is ``draw``, the least relevant first."""
    tiles, target = target_rows(folder)
    parts = np.sort(draw(tiles)[target].reshape(target.sum(), -1), axis=1)
    return parts.reshape(len(parts), steps, -1).sum(2)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
def test_true_contributions_rank_perfectly_and_reversed_ones_perfectly_wrong(tmp_path, fill):
    found = scored(tmp_path, three(worth(fill)), [signed(steps=8, fill=fill, blur_px=2.0)])
    true, mixed, turned = (values(found[name, "monotonicity"], "correlation") for name in ORDER)
    np.testing.assert_allclose(true, 1, atol=1e-12)
    np.testing.assert_allclose(turned, -1, atol=1e-12)
    assert abs(mixed.mean()) < 0.4
    assert (abs(mixed) < 1).any()


def test_the_share_is_that_of_steps_which_do_not_fall(tmp_path):
    result = scored(tmp_path, {"true": worth()}, [signed(steps=8)])["true", "monotonicity"]
    expected = rises(worth(), tmp_path, 8)
    np.testing.assert_allclose(np.diff(curve(result, "ascending_margin")), expected, atol=1e-4)
    share = values(result, "share")
    assert share.tolist() == (expected >= 0).mean(1).tolist()
    assert 0 < share.mean() < 1


def test_where_all_pixels_speak_for_the_target_the_share_is_one_for_any_map(tmp_path):
    """Why the share has no direction; the correlation tells the three apart."""
    draws = three(worth(weight=FOR))
    found = scored(tmp_path, draws, [signed(steps=8)], LinearNetwork(FOR))
    for name in ORDER:
        assert (values(found[name, "monotonicity"], "share") == 1).all()
    means = [values(found[name, "monotonicity"], "correlation").mean() for name in ORDER]
    assert means[0] > means[1] > means[2]
    directions = {info.name: info.direction for info in found["true", "monotonicity"].info.scores}
    assert directions == {"correlation": "higher", "share": "none"}


def test_of_a_model_with_both_signs_an_arbitrary_order_may_fall_less_often_than_the_true_one(tmp_path):
    """The other reason: the true order must begin with the pixels that speak against the target."""
    weight = WEIGHT - 0.03
    draws = {"true": worth(weight=weight), "shuffled": shuffled(worth(weight=weight))}
    found = scored(tmp_path, draws, [signed(steps=8)], LinearNetwork(weight))
    true, mixed = (values(found[name, "monotonicity"], "share").mean() for name in draws)
    assert mixed > true


def test_of_magnitudes_the_size_of_the_change_counts(tmp_path):
    """Pixels that speak against the target: the output falls at every step, and by more and more."""
    draws = three(worth(weight=-FOR))
    found = scored(tmp_path, draws, [Monotonicity(steps=8), signed(steps=8, id="s")], LinearNetwork(-FOR))
    np.testing.assert_allclose(values(found["true", "monotonicity"], "correlation"), 1, atol=1e-12)
    np.testing.assert_allclose(values(found["reversed", "monotonicity"], "correlation"), 1, atol=1e-12)
    assert (values(found["true", "monotonicity"], "share") == 0).all()
    np.testing.assert_allclose(values(found["true", "s"], "correlation"), 1, atol=1e-12)
    np.testing.assert_allclose(values(found["reversed", "s"], "correlation"), -1, atol=1e-12)
    assert abs(values(found["shuffled", "monotonicity"], "correlation").mean()) < 0.4


def test_equal_rises_and_equal_relevances_share_their_ranks(tmp_path):
    """One pixel is all the model sees: three steps of nothing, then all of it, or the other way round."""
    weight = torch.zeros(3, 16, 16)
    weight[:, 8, 8] = -1
    seen = worth(weight=weight)
    draws = three(seen) | {"distinct": lambda tiles: seen(tiles) + np.arange(256).reshape(16, 16) * 1e-6}
    found = scored(tmp_path, draws, [signed(steps=4)], LinearNetwork(weight))
    distinct = spearmanr([1, 2, 3, 4], [0, 0, 0, 1]).statistic
    assert distinct < 0.8
    for name, expected in (("true", 1), ("reversed", -1), ("distinct", distinct)):
        correlation = values(found[name, "monotonicity"], "correlation")
        np.testing.assert_allclose(correlation, expected, atol=1e-12)


def test_of_an_uneven_step_the_mean_relevance_counts(tmp_path):
    """256 pixels in 3 steps are 85, 86 and 85: sums would rank the middle step above the last."""

    def nearly_flat(tiles):
        return 1 + np.tile(np.arange(256).reshape(16, 16), (len(tiles.usable), 1, 1)) * 1e-5

    weight = -(torch.arange(256).view(1, 16, 16) ** 2).expand(3, -1, -1) * 1e-4
    metric = signed(steps=3, fill="white")
    found = scored(tmp_path, {"m": nearly_flat}, [metric], LinearNetwork(weight))["m", "monotonicity"]
    assert (np.diff(np.diff(curve(found, "ascending_margin"))) > 0).all()
    np.testing.assert_allclose(values(found, "correlation"), 1, atol=1e-12)


def test_changes_within_the_rounding_of_the_logits_are_none(tmp_path):
    """On a plateau last bits rise and fall; they are neither falls nor ranks."""

    class Plateau(LinearNetwork):
        def forward(self, images):
            bits = (images.sum((1, 2, 3)) * 1e4).frac() * 1e-6
            return torch.stack([torch.zeros_like(bits), 8 + bits], dim=1)

    for output in ("margin", "probability"):
        metric = signed(output=output, id=output)
        found = scored(tmp_path / output, {"m": worth()}, [metric], Plateau(WEIGHT))["m", output]
        assert np.ptp(curve(found, f"ascending_{output}")) > 0
        assert found.info.excluded["the output changes by the same at every step"] == 16


def test_a_network_that_does_not_move_ranks_nothing_and_is_counted(tmp_path):
    model = LinearNetwork(torch.zeros(3, 16, 16))
    result = scored(tmp_path, {"m": worth()}, [Monotonicity()], model)["m", "monotonicity"]
    assert result.info.excluded == {
        "pixels of equal relevance come back at every step": 0,
        "the output changes by the same at every step": 16,
    }
    assert result.scores["value"].isna().all()


def test_a_constant_map_ranks_nothing_and_is_counted_once(tmp_path):
    """Even of 0.1, whose sums over steps of unequal size have means of their own in floats."""
    model = LinearNetwork(torch.zeros(3, 16, 16))
    for name, network in (("moves", LinearNetwork(FOR)), ("rests", model)):
        draws = {"flat": lambda tiles: flat(tiles) + 0.1}
        result = scored(tmp_path / name, draws, [Monotonicity(steps=7)], network)["flat", "monotonicity"]
        assert result.info.excluded == {
            "pixels of equal relevance come back at every step": 16,
            "the output changes by the same at every step": 0,
        }
        assert result.scores["value"].isna().all()


def test_a_map_that_says_nothing_correlates_with_nothing_on_average(tmp_path):
    draws = {"noise": shuffled(worth())}
    result = scored(tmp_path, draws, [signed()], LinearNetwork(FOR), count=300)["noise", "monotonicity"]
    found = values(result, "correlation")
    assert found.std() > 0
    assert abs(found.mean()) < 4 * found.std() / len(found) ** 0.5
    table = result.scores
    assert set(table.loc[table["score"] == "correlation", "chance"]) == {0.0}
    assert table.loc[table["score"] == "share", "chance"].isna().all()
