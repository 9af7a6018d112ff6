"""Bags are padded block by block, and padding is no element."""

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.evidence.bag_evidence import BagEvidence
from tasks.evidence.drop_tiles import DropTiles
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


def test_dropped_tiles_leave_the_mask_and_features_stay():
    source = bags()
    block = source.block(source, np.array([0, 2]), CPU)
    removed = torch.tensor([[[True, False, False]], [[False, False, True]]])
    left = DropTiles().without(block, removed)
    assert left.features.shape == (2, 2, 3, 4)
    assert torch.equal(left.features[1], block.inputs.features)
    assert left.mask[0].tolist() == [[False, True, True], [False, True, False]]
    assert left.mask[1].tolist() == [[True, True, False], [True, True, False]]
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
