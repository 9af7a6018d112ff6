import pytest

from tasks.interchange.drawn_splits import SplitFractions, draw_splits
from tasks.interchange.errors import InterchangeError

LABELS = {f"p{i:02}": "ab"[i >= 30] for i in range(40)}


def test_each_label_is_divided_by_the_fractions():
    splits = draw_splits(LABELS, SplitFractions(0.5, 0.2, 0.3), seed=3)
    for label, counts in (("a", (15, 6, 9)), ("b", (5, 2, 3))):
        own = [splits[p] for p, its in LABELS.items() if its == label]
        assert tuple(own.count(split) for split in ("train", "val", "test")) == counts


def test_the_draw_rests_on_the_seed_and_on_nothing_else():
    first = draw_splits(LABELS, seed=1)
    assert draw_splits(dict(reversed(LABELS.items())), seed=1) == first
    assert draw_splits(LABELS, seed=2) != first


@pytest.mark.parametrize("fractions", [(0.5, 0.2, 0.2), (1.2, -0.2, 0.0)])
def test_fractions_that_do_not_sum_to_one_are_refused(fractions):
    with pytest.raises(InterchangeError, match="must sum to 1"):
        draw_splits(LABELS, SplitFractions(*fractions))
