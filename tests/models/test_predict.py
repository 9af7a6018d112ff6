"""Predictions of all usable tiles."""

import numpy as np
import pytest
import torch

from tasks.artifacts.predictions import Predictions
from tasks.functional.pixels import to_images
from tasks.models.predict import predict_tiles
from tests._support.small_networks import FailingError, FailingNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set


def test_logits_stand_beside_their_tiles(tmp_path):
    slides = [
        make_tile_set(tmp_path / n, n, n, "test", count, failed=failed)
        for n, count, failed in (("s1", 20, (2,)), ("s2", 2, (0, 1)), ("s3", 7, ()))
    ]
    model, done = small_network(classes=3), []
    before = state_of(model)
    assert predict_tiles(model, slides, 8, "cpu", tmp_path, done.append) == {"tiles": 26}
    assert state_of(model) == before
    assert sum(done) == 26
    table = Predictions(tmp_path).table
    names = [name for t in slides for name in t.table["tile_id"].iloc[t.usable]]
    assert table["tile_id"].tolist() == names
    columns = [
        "tile_id",
        "slide_id",
        "patient_id",
        "section",
        "split",
        "label",
        "logit_0",
        "logit_1",
        "logit_2",
    ]
    assert table.columns.tolist() == columns
    images = np.concatenate([t.pixels[t.usable] for t in slides])
    with torch.no_grad():
        logits = model.eval()(to_images(images, torch.device("cpu")))
    np.testing.assert_allclose(table[["logit_0", "logit_1", "logit_2"]], logits, atol=1e-5)


def test_the_model_is_left_as_found_also_when_it_fails(tmp_path):
    model = FailingNetwork(1)
    before = state_of(model)
    tiles = make_tile_set(tmp_path / "s", "s", "p", "test", 20)
    with pytest.raises(FailingError):
        predict_tiles(model, [tiles], 8, "cpu", tmp_path)
    assert state_of(model) == before
