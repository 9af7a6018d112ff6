"""Bags are padded block by block, and padding is no element."""

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.drop_tiles import DropTiles
from tasks.evidence.read_when_taken import ReadWhenTaken
from tasks.evidence.sources import EvidenceError
from tasks.functional.tile_keys import tile_keys

CPU = torch.device("cpu")


def bags(sizes=(3, 0, 2), **more) -> BagEvidence:
    table = pd.DataFrame({"slide_id": ["a", "b", "c"], "patient_id": "p", "label": ["x", "y", "y"]})
    features = [np.arange(size * 4, dtype=np.float32).reshape(size, 4) + 1 for size in sizes]
    scores = {"e": [np.arange(size) + 1.0 for size in sizes]}
    return BagEvidence(
        features, table, **{"attributions": scores, "classes": ("x", "y"), "target": 1, **more}
    )


def test_a_block_holds_its_bags_padded_to_the_longest():
    source = bags()
    block = source.block(source, np.array([0, 2]), CPU)
    assert block.elements.tolist() == [[True, True, True], [True, True, False]]
    assert block.element_count == 3
    assert block.inputs.features.shape == (2, 3, 4)
    assert (block.inputs.features[1, 2] == 0).all()
    assert block.attributions("e").tolist() == [[1, 2, 3], [1, 2, 0]]
    assert block.targets.tolist() == [1, 1]
    assert torch.equal(block.keys, tile_keys(["a", "c"]))
    assert block.completeness_errors("e").isnan().all()
    assert (block.halo_sums("e") == 0).all()
    units = source.units(block.rows)
    assert units["unit_id"].tolist() == ["a", "c"]
    assert set(units["unit"]) == {"slide"}


def test_empty_bags_are_not_explained_and_labels_choose():
    source = bags()
    assert source.explained.tolist() == [0, 2]
    assert source.labelled_as_explained(source.explained).tolist() == [False, True]
    assert source.sample_ids(source.explained) == ["a", "c"]


def test_dropped_tiles_leave_the_bag_and_the_others_keep_their_order():
    source = bags()
    block = source.block(source, np.array([0, 2]), CPU)
    removed = torch.tensor([[[True, False, False]], [[False, False, True]]])
    left = DropTiles().without(block, removed)
    assert left.features.shape == (2, 2, 2, 4)
    assert left.mask.tolist() == [[[True, True], [True, False]], [[True, True], [True, True]]]
    features = block.inputs.features
    assert torch.equal(left.features[0, 0], features[0, 1:])
    assert torch.equal(left.features[0, 1, 0], features[1, 1])
    assert torch.equal(left.features[1], features[:, :2])
    assert not DropTiles().without_all(block).mask.any()


def test_scores_that_are_not_of_the_tiles_are_refused():
    with pytest.raises(EvidenceError, match="scores of 'e' are not one per tile"):
        bags(attributions={"e": [np.ones(3), np.ones(0), np.ones(1)]})
    with pytest.raises(EvidenceError, match="bags have no sections"):
        bags().section_units((1,))


def test_what_is_known_of_tiles_is_padded_with_nothing_known():
    about = [np.full((size, 4), float(size), np.float32) for size in (3, 0, 2)]
    classes = [np.arange(size) % 2 for size in (3, 0, 2)]
    source = bags(about=about, tile_classes=classes)
    block = source.block(source, np.array([0, 2]), CPU)
    assert block.inputs.about.shape == (2, 3, 4)
    assert block.inputs.about[1, 2].isnan().all()
    assert block.tile_classes.tolist() == [[0, 1, 0], [0, 1, -1]]
    plain = bags()
    block = plain.block(plain, np.array([0]), CPU)
    assert block.inputs.about is None
    assert block.tile_classes is None


def test_blocks_hold_no_more_tiles_than_fit_and_keep_the_order():
    sizes = [3, 0, 20_000, 20_000, 5, 5, 5]
    table = pd.DataFrame({"slide_id": list("abcdefg"), "patient_id": "p", "label": "y"})

    def read(place):
        raise AssertionError("features were read to plan the blocks")

    source = BagEvidence(ReadWhenTaken(7, read), table, {}, ("x", "y"), 1, counts=sizes)
    pieces = [piece.tolist() for piece in source.pieces(source, source.explained, 2)]
    assert pieces == [[0], [2], [3], [4, 5], [6]]
    assert list(source.pieces(source, source.explained[:0], 2)) == []


def test_items_are_read_when_they_are_taken_and_wrong_scores_are_noticed_then():
    taken = []

    def read(place):
        taken.append(place)
        return np.ones((place + 1, 4), np.float32)

    table = pd.DataFrame({"slide_id": list("ab"), "patient_id": "p", "label": "y"})
    scores = {"e": ReadWhenTaken(2, lambda place: np.ones(1))}
    source = BagEvidence(ReadWhenTaken(2, read), table, scores, ("x", "y"), 1, counts=[1, 2])
    assert source.block(source, np.array([0]), CPU).element_count == 1
    assert taken == [0]
    with pytest.raises(EvidenceError, match="scores of 'e' are not one per tile"):
        source.block(source, np.array([1]), CPU)
    with pytest.raises(EvidenceError, match="scores of 'e' are of 1 bags; needed 2"):
        BagEvidence([np.ones((1, 4))] * 2, table, {"e": [np.ones(1)]}, ("x", "y"), 1)


def test_keys_of_tiles_are_of_their_ids_wherever_they_stand():
    ids = [["a/1", "a/2", "a/3"], [], ["c/1", "c/2"]]
    source = bags(tile_ids=ids)
    keys = source.block(source, np.array([0, 2]), CPU).tile_keys
    assert torch.equal(keys[0], tile_keys(ids[0]))
    assert keys[1].tolist() == [*tile_keys(ids[2]).tolist(), 0]
    plain = bags()
    without = plain.block(plain, np.array([0, 2]), CPU).tile_keys
    assert len(set(without[plain.block(plain, np.array([0, 2]), CPU).elements].tolist())) == 5
    assert torch.equal(plain.block(plain, np.array([2]), CPU).tile_keys[0], without[1, :2])
