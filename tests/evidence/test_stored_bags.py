"""Stored bags are read block by block, and say what their files say."""

import numpy as np
import pytest
import torch

from tasks.artifacts.tile_scores import ScoredBag, TileScores, write_tile_scores
from tasks.evidence.sources import EvidenceError
from tasks.evidence.stored_bags import stored_bags
from tasks.functional.tile_keys import tile_keys
from tests._support.bag_models import CLASSES
from tests._support.feature_sets import make_bag_cohort

CPU = torch.device("cpu")


@pytest.fixture
def cohort(tmp_path):
    sets = make_bag_cohort(tmp_path / "features", 4)
    folder = tmp_path / "scores"
    folder.mkdir()
    bags = [
        ScoredBag(
            {"slide_id": each.facts.slide_id, "target": 1, "completeness_error": number / 10},
            each.tile_ids,
            np.arange(each.facts.count) + number,
        )
        # More slides than are asked about, in another order.
        for number, each in reversed(list(enumerate(sets)))
    ]
    write_tile_scores(folder, bags)
    return sets, TileScores(folder)


def test_a_block_is_what_the_files_hold(cohort):
    sets, scores = cohort
    source = stored_bags(sets[1:], {"e": scores}, CLASSES, 1, {"e": "contribution"}, {})
    assert list(source.counts) == [each.facts.count for each in sets[1:]]
    assert source.table["label"].tolist() == [each.facts.label for each in sets[1:]]
    block = source.block(source, np.array([0, 2]), CPU)
    for place, (number, each) in enumerate(((1, sets[1]), (3, sets[3]))):
        count = each.facts.count
        np.testing.assert_array_equal(block.bags.features[place, :count], each.features())
        np.testing.assert_array_equal(block.bags.about[place, :count], each.about())
        np.testing.assert_array_equal(block.tile_classes[place, :count], each.labels(CLASSES))
        np.testing.assert_array_equal(block.attributions("e")[place, :count], np.arange(count) + number)
        assert torch.equal(block.tile_keys[place, :count], tile_keys(each.tile_ids))
        assert block.completeness_errors("e")[place] == number / 10


def test_nothing_is_read_twice_or_early(cohort, monkeypatch):
    sets, scores = cohort
    read = []
    original = type(sets[0]).features
    monkeypatch.setattr(
        type(sets[0]), "features", lambda self: read.append(self.folder.name) or original(self)
    )
    source = stored_bags(sets, {"e": scores}, CLASSES, 1, {}, {})
    assert source.explained.tolist() == [0, 1, 2, 3]
    assert read == []
    for piece in source.pieces(source, source.explained, 2):
        source.block(source, piece, CPU)
    assert read == ["s0", "s1", "s2", "s3"]


def test_a_slide_without_scores_is_named(cohort, tmp_path):
    sets, _ = cohort
    folder = tmp_path / "few"
    folder.mkdir()
    index = {"slide_id": "s0", "target": 1, "completeness_error": 0.0}
    write_tile_scores(folder, [ScoredBag(index, sets[0].tile_ids, np.zeros(sets[0].facts.count))])
    with pytest.raises(EvidenceError, match="explainer 'e' has no scores of the tiles of slide 's1'"):
        stored_bags(sets, {"e": TileScores(folder)}, CLASSES, 1, {}, {})
