"""Which tiles are scored."""

import numpy as np

from tasks.evaluation.selection import select, selection_of
from tasks.evidence.slide import SlideEvidence
from tasks.faithfulness.deletion import Deletion
from tasks.faithfulness.gini import Gini
from tests._support.tile_sets import make_tile_set


def test_the_label_or_all_and_never_a_failed_tile(tmp_path):
    tiles = make_tile_set(tmp_path, "s", "p", "test", 20, failed=(3, 5))
    slide = SlideEvidence(tiles, {}, 1, "tumour")
    assert select(slide, ("target", None)).tolist() == [4, 8, 9, 13, 14, 18, 19]
    assert select(slide, ("all", None)).tolist() == [r for r in range(20) if r not in (3, 5)]
    normal = SlideEvidence(tiles, {}, 0, "normal")
    assert select(normal, ("target", None)).tolist() == [0, 1, 6, 10, 11, 15, 16]


def test_a_sample_is_the_same_every_time_and_lies_within_a_larger_one(tmp_path):
    slide = SlideEvidence(make_tile_set(tmp_path, "s", "p", "test", 200), {}, 1, "tumour")
    ten, thirty, whole = (select(slide, ("target", most)) for most in (10, 30, 5000))
    assert (len(ten), len(thirty), len(whole)) == (10, 30, 80)
    assert set(ten) < set(thirty) < set(whole)
    assert (np.diff(ten) > 0).all()
    assert np.array_equal(select(slide, ("target", 10)), ten)


def test_a_sample_does_not_depend_on_the_other_tiles_of_the_slide(tmp_path):
    """A tile's key is its id's: adding tiles can only push some out."""
    few = SlideEvidence(make_tile_set(tmp_path / "a", "s", "p", "test", 100), {}, 1, "tumour")
    many = SlideEvidence(make_tile_set(tmp_path / "b", "s", "p", "test", 200), {}, 1, "tumour")
    chosen_of_few, chosen_of_many = (select(slide, ("target", 20)) for slide in (few, many))
    assert set(chosen_of_many[chosen_of_many < 100]) <= set(chosen_of_few)


def test_metrics_with_equal_fields_share_a_selection():
    assert selection_of(Deletion()) == selection_of(Gini()) == ("target", None)
    assert selection_of(Deletion(tiles_per_slide=5)) == ("target", 5)
