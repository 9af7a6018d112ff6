"""Deletion of tiles: known curves, chance levels, and the pitfalls of other tools."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tasks.evidence.sources import EvidenceError
from tasks.faithfulness.tile_deletion import TileDeletion
from tests._support.scored_bags import Asked, curves, judged, made_bags, network, turned, values

DELETION = TileDeletion()
SMALL = (1, 2, 3, 37)


def with_maps(evidence, **maps):
    return replace(evidence, attributions=maps, kinds=dict.fromkeys(maps, "contribution"))


def asked(model, bag, keep):
    """Return the margin of some tiles of a bag, asked one bag at a time."""
    mask = torch.zeros(1, len(bag), dtype=torch.bool)
    mask[0, list(keep)] = True
    with torch.no_grad():
        logits = model(torch.from_numpy(bag)[None], mask)[0]
    return float(logits[1] - logits[0])


def test_every_point_and_area_is_that_of_bags_asked_one_by_one():
    model = network()
    bags = made_bags(SMALL, model=model)
    result = judged(bags, TileDeletion(steps=4), "true", model)
    for place, (bag, map_) in enumerate(zip(bags.features, bags.attributions["true"], strict=True)):
        for order, first in (("morf", np.argsort(-map_)), ("lerf", np.argsort(map_))):
            gone = np.unique(np.round(np.arange(5) * len(bag) / 4).astype(int))
            heights = [asked(model, bag, first[count:]) for count in gone]
            area = np.trapezoid(heights, gone / len(bag))
            assert values(result, order)[place] == pytest.approx(area, abs=1e-9)
            expected = np.interp(np.linspace(0, 1, 5), gone / len(bag), heights)
            np.testing.assert_allclose(curves(result, f"{order}_margin")[place], expected, atol=1e-9)


@pytest.mark.parametrize("model", [network(), network(Asked)], ids=["terms", "asked"])
def test_the_order_of_true_drops_beats_twenty_random_orders(model):
    bags = made_bags((40, 60), model=model)
    result = judged(bags, DELETION, "true", model)
    assert (values(result, "ahead") == 1).all()
    generator = np.random.default_rng(0)
    orders = {f"r{n}": [generator.normal(size=len(b)) for b in bags.features] for n in range(20)}
    random = [judged(with_maps(bags, **orders), DELETION, name, model) for name in orders]
    assert (values(result, "morf") <= np.min([values(each, "morf") for each in random], axis=0)).all()
    assert (values(result, "lerf") >= np.max([values(each, "lerf") for each in random], axis=0)).all()


def test_chance_levels_are_those_of_random_orders():
    bags = made_bags([60] * 30)
    result = judged(bags, DELETION, "noise")
    for score in ("srg", "srg_probability", "aopc"):
        found = values(result, score)
        assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))
    assert values(result, "ahead").mean() == pytest.approx(0.5, abs=0.15)
    for score in ("morf", "lerf"):
        chance = result.scores.loc[result.scores["score"] == score, "chance"]
        assert values(result, score).mean() == pytest.approx(chance.mean(), abs=0.01)


def test_a_map_of_equal_values_has_equal_curves():
    result = judged(made_bags(), DELETION, "zeros")
    assert (values(result, "srg") == 0).all()
    assert (values(result, "ahead") == 0.5).all()
    assert np.array_equal(curves(result, "morf_margin"), curves(result, "lerf_margin"))


def test_a_bag_of_equal_tiles_has_a_flat_curve_but_for_its_end():
    bags = made_bags((20,))
    bags.features[0][:] = bags.features[0][0]
    result = judged(bags, TileDeletion(steps=20), "noise")
    line = curves(result, "morf_probability")[0]
    np.testing.assert_allclose(line[:-1], line[0], atol=1e-9)
    assert abs(values(result, "srg")[0]) < 1e-9


def test_sixty_percent_zeros_leave_in_even_steps_whatever_their_order():
    bags = made_bags((1000,))
    sparse = np.where(np.arange(1000) < 600, 0.0, np.arange(1000) / 1000)
    bags = with_maps(bags, sparse=[sparse])
    result = judged(bags, TileDeletion(steps=10), "sparse")
    steps = np.abs(np.diff(curves(result, "morf_margin")[0]))
    assert (steps > 0).all()
    back = judged(turned(bags), TileDeletion(steps=10), "sparse")
    np.testing.assert_allclose(values(back, "srg"), values(result, "srg"), atol=1e-9)
    other = judged(bags, TileDeletion(steps=10, seed=1), "sparse")
    assert not np.array_equal(values(other, "morf"), values(result, "morf"))


@pytest.mark.parametrize("size", SMALL)
def test_small_bags_run_from_none_to_all_and_areas_stay_in_bounds(size):
    result = judged(made_bags((size,)), DELETION, "true")
    fractions = result.curves.loc[result.curves["curve"] == "morf_margin", "fraction"]
    np.testing.assert_allclose(fractions, np.linspace(0, 1, 33))
    for score in ("morf_probability", "lerf_probability"):
        assert 0 <= values(result, score)[0] <= 1
    if size == 1:
        assert values(result, "srg")[0] == 0


def test_one_tile_a_step_is_the_limit_of_many_steps():
    bags = made_bags((100,))
    every, some = (judged(bags, TileDeletion(steps=steps), "true") for steps in ("all", 50))
    np.testing.assert_allclose(values(every, "srg"), values(some, "srg"), atol=0.01)
    exact = judged(bags, TileDeletion(steps=100), "true")
    np.testing.assert_allclose(values(every, "srg"), values(exact, "srg"), atol=1e-12)


def test_sensitivities_are_ranked_by_magnitude():
    bags = made_bags((40,))
    strange = with_maps(bags, turned=[-bags.attributions["true"][0]])
    assert values(judged(strange, DELETION, "turned"), "srg")[0] < 0
    size = replace(strange, kinds={"turned": "sensitivity"})
    magnitude = with_maps(bags, size=[np.abs(bags.attributions["true"][0])])
    one, other = judged(size, DELETION, "turned"), judged(magnitude, DELETION, "size")
    assert np.array_equal(values(one, "srg"), values(other, "srg"))


def test_where_the_other_class_is_followed_the_map_is_turned():
    """Such bags are called the first class, and evidence against the second is evidence for it."""
    model = network(lean=-2.0)
    bags = made_bags((40,), model=model)
    assert asked(model, bags.features[0], range(40)) < 0
    followed = judged(bags, TileDeletion(follows="predicted"), "true", model)
    plain = judged(bags, DELETION, "true", model)
    np.testing.assert_allclose(values(followed, "srg"), values(plain, "srg"), atol=1e-9)
    np.testing.assert_allclose(values(followed, "morf"), -values(plain, "lerf"), atol=1e-9)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValidationError):
        TileDeletion(random_orders=3)
    with pytest.raises(ValidationError):
        TileDeletion(steps=1)
    unstated = replace(made_bags(), kinds={})
    with pytest.raises(EvidenceError, match="needs to know what the maps say"):
        judged(unstated, DELETION, "true")
