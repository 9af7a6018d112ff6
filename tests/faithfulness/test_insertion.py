"""Insertion on linear models, where every curve is known."""

import numpy as np
import pytest

from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.insertion import Insertion
from tests._support.linear_removal import (
    BLUR_PX,
    WEIGHT,
    curve,
    fills_of,
    flat,
    passes,
    scored,
    target_rows,
    three,
    values,
    worth,
)


def signed(**settings) -> Insertion:
    return Insertion(ranked_by="signed", blur_px=BLUR_PX, **settings)


def test_the_curve_of_a_linear_model_is_the_fill_and_the_sums_of_what_came_back(tmp_path):
    metric = signed(steps=8, output="margin")
    result = scored(tmp_path, {"true": worth("blur")}, [metric])["true", "insertion"]
    tiles, target = target_rows(tmp_path)
    start = (WEIGHT.double() * fills_of(tiles, "blur")).sum((1, 2, 3)).numpy()[target]
    parts = -np.sort(-worth("blur")(tiles)[target].reshape(target.sum(), -1), axis=1)
    expected = start[:, None] + np.pad(parts.cumsum(1), ((0, 0), (1, 0)))[:, np.arange(9) * 32]
    np.testing.assert_allclose(curve(result, "insertion_margin"), expected, atol=1e-4)
    np.testing.assert_allclose(curve(result, "insertion_logit"), expected, atol=1e-4)
    np.testing.assert_allclose(curve(result, "insertion_probability"), 1 / (1 + np.exp(-expected)), atol=1e-5)
    np.testing.assert_allclose(values(result, "auc"), np.trapezoid(expected, dx=1 / 8, axis=1), atol=1e-4)


@pytest.mark.parametrize("fill", ["white", "mean_tissue", "blur"])
@pytest.mark.parametrize("output", ["probability", "margin", "logit"])
def test_the_true_map_beats_a_shuffled_one_beats_the_reversed_one(tmp_path, fill, output):
    found = scored(tmp_path, three(worth(fill)), [signed(fill=fill, output=output)])
    areas = [values(found[name, "insertion"], "auc").mean() for name in ("true", "shuffled", "reversed")]
    assert areas[0] > areas[1] > areas[2]


def test_with_one_fill_it_is_the_lerf_curve_of_deletion_read_backwards_and_costs_nothing(tmp_path):
    deletion, insertion = Deletion(ranked_by="signed", fill="blur", blur_px=BLUR_PX), signed()
    found = scored(tmp_path, three(worth("blur")), [deletion, insertion])
    for name in ("true", "shuffled", "reversed"):
        gone, back = found[name, "deletion"], found[name, "insertion"]
        for output in ("probability", "margin", "logit"):
            line = curve(back, f"insertion_{output}")
            assert (line == curve(gone, f"lerf_{output}")[:, ::-1]).all()
        np.testing.assert_allclose(values(back, "auc"), values(gone, "lerf"), atol=1e-12)
    assert passes(found) == 16 * (2 + 3 * 2 * 15)


def test_an_order_that_says_nothing_scores_the_middle_of_the_two_ends(tmp_path):
    """By linearity: on average a share f of the pixels brings back a share f of the worth."""
    result = scored(tmp_path, {"flat": flat}, [signed(output="margin")], count=300)["flat", "insertion"]
    ends = curve(result, "insertion_margin")[:, [0, -1]].mean(1)
    off = values(result, "auc") - ends
    assert off.std() > 0
    assert abs(off.mean()) < 4 * off.std() / len(off) ** 0.5


def test_the_area_does_not_grow_with_the_steps(tmp_path):
    metrics = [signed(steps=n, output="margin", id=f"s{n}") for n in (16, 64)]
    found = scored(tmp_path, {"true": worth("blur")}, metrics)
    few, many = (values(found["true", f"s{n}"], "auc") for n in (16, 64))
    rise = np.ptp(curve(found["true", "s64"], "insertion_margin"), axis=1)
    assert (abs(few - many) < 0.02 * rise).all()


def test_it_comes_back_into_a_blur_unless_told_otherwise(tmp_path):
    found = scored(tmp_path, {"m": worth()}, [Insertion(), Insertion(fill="white", id="white")])
    blur, white = found["m", "insertion"], found["m", "white"]
    assert "into the blur fill" in blur.info.scores[0].meaning
    assert (curve(blur, "insertion_margin")[:, -1] == curve(white, "insertion_margin")[:, -1]).all()
    assert (curve(blur, "insertion_margin")[:, 0] != curve(white, "insertion_margin")[:, 0]).all()
