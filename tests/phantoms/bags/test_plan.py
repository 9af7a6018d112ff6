"""The label of every slide follows the rule as it is stated, and no rule can be guessed from less."""

import numpy as np
import pytest

from tasks.phantoms.bags.plan import AGAINST, FOR, A, B, C, D, plan_bags
from tasks.phantoms.bags.recipe import BagPhantomRecipe

RULES = ("present", "absent", "a_not_b", "pairs", "stamp")


def bags(rule: str, **changes):
    return list(plan_bags(BagPhantomRecipe(rule=rule, train=24, val=8, test=24, **changes)))


def is_positive(rule: str, kinds: set[int]) -> bool:
    """Return the label that ``rule`` gives to a slide with these kinds on it, as it is stated."""
    if rule == "absent":
        return A not in kinds
    if rule == "a_not_b":
        return A in kinds and B not in kinds
    if rule == "pairs":
        return {A, B} <= kinds or {C, D} <= kinds
    return A in kinds


@pytest.mark.parametrize("rule", RULES)
def test_labels_follow_the_rule_and_classes_are_balanced(rule):
    for bag in bags(rule):
        assert is_positive(rule, set(np.unique(bag.kinds))) == bag.positive
        for kind in set(np.unique(bag.kinds)) - {0}:
            assert 3 <= (bag.kinds == kind).sum() <= 8
    for split in ("train", "val", "test"):
        own = [bag.positive for bag in bags(rule) if bag.split == split]
        assert sum(own) * 2 == len(own)


def test_of_pairs_no_kind_alone_tells_the_label():
    there = np.array([[(bag.kinds == kind).any() for kind in (A, B, C, D)] for bag in bags("pairs")])
    positive = np.array([bag.positive for bag in bags("pairs")])
    np.testing.assert_array_equal(there[positive].mean(0), there[~positive].mean(0))


def test_the_stamp_tells_the_label_until_the_test_slides():
    found = bags("stamp")
    assert all((bag.stamp is not None) == bag.positive for bag in found if bag.split != "test")
    tested = [bag for bag in found if bag.split == "test"]
    for positive in (True, False):
        stamped = [bag.stamp is not None for bag in tested if bag.positive == positive]
        assert sum(stamped) * 2 == len(stamped)
    assert all(bag.kinds[bag.stamp] == 0 for bag in found if bag.stamp)


def test_kinds_that_speak_for_and_against_are_those_of_the_rule():
    for rule in RULES:
        for kind in FOR[rule]:
            assert not set(FOR[rule]) & set(AGAINST[rule])
            assert any((bag.kinds == kind).any() for bag in bags(rule) if bag.positive)
        for kind in AGAINST[rule]:
            assert not any((bag.kinds == kind).any() for bag in bags(rule) if bag.positive)


def test_too_many_tiles_of_a_kind_are_refused():
    with pytest.raises(ValueError, match="do not fit on 3 x 3 tiles"):
        BagPhantomRecipe(columns=3, rows=3)
    with pytest.raises(ValueError, match="fewest 9 is above most 8"):
        BagPhantomRecipe(fewest=9)
