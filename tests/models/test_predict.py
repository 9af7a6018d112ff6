"""Predictions of all usable tiles."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tasks.aggregators.top_share import TopShare
from tasks.artifacts.artifact import OutdatedArtifactError
from tasks.artifacts.payload import content_digest, list_payload
from tasks.artifacts.predictions import SLIDES, Predictions
from tasks.functional.pixels import to_images
from tasks.models.errors import ModelError
from tasks.models.predict import predict_slides, predict_tiles, predicted_slides, write_predictions
from tests._support.small_networks import FailingError, FailingNetwork, small_network, state_of
from tests._support.tile_sets import make_tile_set


def test_logits_stand_beside_their_tiles(tmp_path):
    slides = [
        make_tile_set(tmp_path / n, n, n, "test", count, failed=failed)
        for n, count, failed in (("s1", 20, (2,)), ("s2", 2, (0, 1)), ("s3", 7, ()))
    ]
    model, done = small_network(classes=3), []
    before = state_of(model)
    tiles = predict_tiles(model, slides, 8, "cpu", done.append)
    assert write_predictions([tiles], TopShare(), tmp_path) == {"tiles": 26, "slides": 2}
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


def test_the_tables_of_slides_are_written_one_by_one_with_the_bytes_of_one_table(tmp_path):
    counts = {"s1": 20, "s2": 2, "s3": 7}
    slides = [make_tile_set(tmp_path / n, n, n, "test", c, failed=(0, 1)) for n, c in counts.items()]
    model, whole, streamed = small_network(), tmp_path / "whole", tmp_path / "streamed"
    whole.mkdir()
    streamed.mkdir()
    write_predictions([predict_tiles(model, slides, 8, "cpu")], TopShare(), whole)
    seen = []
    tables = (seen.append(torch.is_grad_enabled()) or t for t in predicted_slides(model, slides, 8, "cpu"))
    assert write_predictions(tables, TopShare(), streamed) == {"tiles": 23, "slides": 2}
    assert content_digest(list_payload(streamed)) == content_digest(list_payload(whole))
    assert seen == [True] * 3


def test_no_slide_is_held_open(tmp_path):
    slides = [make_tile_set(tmp_path / str(i), str(i), "p", "test", 2) for i in range(30)]
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    predict_tiles(small_network(), slides, 8, "cpu")
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize("failed", [[], [(0, 1)], [(0, 1), (0, 1)]])
def test_without_a_tile_that_could_be_read_there_is_no_row(tmp_path, failed):
    slides = [
        make_tile_set(tmp_path / str(i), str(i), "p", "test", 2, failed=f) for i, f in enumerate(failed)
    ]
    tables = predicted_slides(small_network(), slides, 8, "cpu")
    assert write_predictions(tables, TopShare(), tmp_path) == {"tiles": 0, "slides": 0}
    assert Predictions(tmp_path).table.empty


def test_the_model_is_left_as_found_also_when_it_fails(tmp_path):
    model = FailingNetwork(1)
    before = state_of(model)
    tiles = make_tile_set(tmp_path / "s", "s", "p", "test", 20)
    with pytest.raises(FailingError):
        predict_tiles(model, [tiles], 8, "cpu")
    assert state_of(model) == before


def table_of(slides: dict[str, list[tuple[str, float]]]) -> pd.DataFrame:
    """One tile per (label, logit of class 1)."""
    rows = [
        {"slide_id": slide, "patient_id": f"p_{slide}", "split": "test", "label": label, "logit_1": logit}
        for slide, tiles in slides.items()
        for label, logit in tiles
    ]
    return pd.DataFrame(rows).assign(tile_id="t", section=1, logit_0=0.0)


def test_slides_stand_in_the_order_of_their_tiles_with_a_score_per_class():
    table = table_of({"z": [("tumour", 2.0), ("tumour", -1.0)], "a": [("normal", 0.0)] * 20})
    slides = predict_slides(
        table[["slide_id", "patient_id", "split", "label", "logit_0", "logit_1"]], TopShare()
    )
    assert slides["slide_id"].tolist() == ["z", "a"]
    assert slides["patient_id"].tolist() == ["p_z", "p_a"]
    assert slides["tiles"].tolist() == [2, 20]
    np.testing.assert_allclose(slides["score_1"], [1 / (1 + np.exp(-2)), 0.5])
    # Of the other class, another tile is the highest.
    np.testing.assert_allclose(slides["score_0"], [1 / (1 + np.exp(-1)), 0.5])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["tumour", "tumour"], "tumour"),
        (["tumour", ""], "tumour"),
        (["tumour", "normal"], "mixed"),
        (["mixed"], "mixed"),
        (["", ""], ""),
        ([None, None], ""),
    ],
)
def test_a_slide_has_the_one_label_of_its_labelled_tiles(labels, expected):
    slides = predict_slides(table_of({"s": [(label, 0.0) for label in labels]}), TopShare())
    assert slides["label"].tolist() == [expected]


def test_slide_scores_are_sorted_by_slide(tmp_path):
    write_predictions([table_of({"z": [("tumour", 2.0)], "a": [("normal", 0.0)]})], TopShare(), tmp_path)
    scores = Predictions(tmp_path).slide_scores(1)
    assert scores["slide_id"].tolist() == ["a", "z"]
    np.testing.assert_allclose(scores["score"], [0.5, 1 / (1 + np.exp(-2))])


def test_predictions_without_slides_are_outdated(tmp_path):
    write_predictions([table_of({"s": [("tumour", 2.0)]})], TopShare(), tmp_path)
    Predictions(tmp_path).check()
    (tmp_path / SLIDES).unlink()
    with pytest.raises(OutdatedArtifactError, match="the predictions lack"):
        Predictions(tmp_path).check()


class BrokenOnOne(torch.nn.Module):
    """Not a number for one image of all."""

    def forward(self, images):
        mean = images.mean((1, 2, 3))
        return torch.stack([mean, torch.where(mean == self.broken, torch.nan, -mean)], 1)


def test_a_tile_without_finite_logits_is_named(tmp_path):
    tiles, model = make_tile_set(tmp_path / "s", "s", "p", "test", 20), BrokenOnOne()
    images = to_images(tiles.pixels[:], torch.device("cpu"))
    model.broken = images[13].mean()
    said = f"not finite on 1 of 20 tiles, first {tiles.table['tile_id'].iloc[13]}"
    with pytest.raises(ModelError, match=said):
        predict_tiles(model, [tiles], 1, "cpu")
