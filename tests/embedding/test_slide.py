"""A slide is encoded tile by tile, the same in any batch, and failed tiles have no features."""

import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn

from tasks.artifacts.feature_set import FeatureSet
from tasks.embedding.slide import EmbeddingSettings, embed_slide
from tasks.models.encoders.checkpoint import CheckpointEncoder
from tasks.models.encoders.colour_statistics import ColourStatistics
from tasks.models.errors import ModelError
from tasks.models.kept import KeptInThread
from tests._support.record_jobs import make_checkpoint
from tests._support.tile_sets import make_tile_set


def embedded(tiles, folder, batch=64, dtype="float32"):
    folder.mkdir()
    embed_slide(tiles, "tumour", ColourStatistics(), EmbeddingSettings(dtype, batch), folder)
    return FeatureSet(folder)


def test_any_batch_gives_the_same_features(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 20, failed=(3,))
    whole, parts = embedded(tiles, tmp_path / "a"), embedded(tiles, tmp_path / "b", batch=7)
    np.testing.assert_allclose(whole.features(), parts.features(), atol=1e-6)
    assert whole.tile_ids == tiles.table["tile_id"].drop(3).tolist()
    assert whole.facts.level0_mpp == pytest.approx(0.5)
    assert whole.facts.label == "tumour"


def test_mixed_tiles_have_no_label_of_their_own(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 5)
    assert embedded(tiles, tmp_path / "a").labels(("normal", "tumour")).tolist() == [0, 0, -1, 1, 1]


def test_marks_are_fractions_of_their_tiles_and_nothing_where_nobody_marked(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 10, failed=(2,))
    made = embedded(tiles, tmp_path / "a")
    expected = np.asarray(tiles.evidence_mask)[tiles.usable].mean((1, 2))
    assert expected.max() > 0
    np.testing.assert_allclose(made.marked("evidence"), expected, rtol=1e-6)
    assert np.isnan(made.marked("artefact")).all()


def test_the_label_of_a_whole_slide_is_no_label_of_its_tiles(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 10)
    (tmp_path / "a").mkdir()
    settings = EmbeddingSettings(tile_labels=False)
    embed_slide(tiles, "tumour", ColourStatistics(), settings, tmp_path / "a")
    assert (FeatureSet(tmp_path / "a").labels(("normal", "tumour")) == -1).all()


def test_darkness_is_the_mean_optical_density(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 5)
    density = -np.log10(np.clip(np.asarray(tiles.pixels) / 255, 1 / 255, 1)).mean((1, 2, 3))
    np.testing.assert_allclose(embedded(tiles, tmp_path / "a").about()[:, 2], density, rtol=1e-5)


def with_encoder(tiles, folder, encoder, **settings):
    folder.mkdir()
    done = []
    embed_slide(tiles, "", encoder, EmbeddingSettings("float32", **settings), folder, done.append)
    return FeatureSet(folder), done


def test_batches_of_one_give_what_a_batch_of_all_gives_and_the_order_of_tiles_changes_nothing(tmp_path):
    """Through a real network: the features of a tile are its own."""
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 11)
    encoder = CheckpointEncoder(folder=str(make_checkpoint(tmp_path / "model", 0).folder))
    whole, done = with_encoder(tiles, tmp_path / "a", encoder)
    ones, steps = with_encoder(tiles, tmp_path / "b", encoder, batch=1)
    np.testing.assert_allclose(whole.features(), ones.features(), atol=1e-5)
    assert (done, steps) == ([8, 2, 1], [1] * 11)
    network = encoder.build()
    alone = network(torch.from_numpy(np.asarray(tiles.pixels[[7]])).permute(0, 3, 1, 2) / 255)
    np.testing.assert_allclose(whole.features()[7], alone[0].numpy(), atol=1e-5)


def test_the_same_slide_gives_the_same_bytes(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 11)
    encoder = CheckpointEncoder(folder=str(make_checkpoint(tmp_path / "model", 0).folder))
    first, _ = with_encoder(tiles, tmp_path / "a", encoder, batch=4)
    second, _ = with_encoder(tiles, tmp_path / "b", encoder, batch=4)
    for path in first.folder.iterdir():
        assert path.read_bytes() == (second.folder / path.name).read_bytes()
    assert first.facts.encoder.name == "checkpoint"
    assert len(first.facts.encoder.digest) == 64


def test_a_slide_without_a_usable_tile_is_refused(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 3, failed=(0, 1, 2))
    with pytest.raises(ModelError, match="slide 's' has no usable tile"):
        embedded(tiles, tmp_path / "a")


def test_weights_other_than_those_that_were_planned_with_are_refused(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 3)
    encoder = CheckpointEncoder(folder=str(make_checkpoint(tmp_path / "model", 0).folder))
    with pytest.raises(ModelError, match="the weights of checkpoint changed since the study was opened"):
        with_encoder(tiles, tmp_path / "a", encoder, digest="0" * 64)


def test_tiles_that_the_encoder_was_not_made_for_are_refused(tmp_path):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 3, tile_px=32)
    encoder = CheckpointEncoder(folder=str(make_checkpoint(tmp_path / "model", 0).folder))
    with pytest.raises(ModelError, match="was trained on tiles of 16 px"):
        with_encoder(tiles, tmp_path / "a", encoder)


class Broken(nn.Module):
    def forward(self, images):
        features = images.mean((2, 3))
        features[-1] = 1e5
        return features


def test_a_feature_that_float16_cannot_hold_is_refused_with_its_tile(tmp_path, monkeypatch):
    tiles = make_tile_set(tmp_path / "tiles", "s", "p", "train", 2)
    monkeypatch.setattr(ColourStatistics, "build", lambda self: Broken())
    monkeypatch.setattr("tasks.models.kept_encoder._kept", KeptInThread())
    with pytest.raises(ModelError, match="not finite in float16, first on tile s/32_0"):
        embedded(tiles, tmp_path / "a", dtype="float16")


def peak_of(folder, count):
    tiles = make_tile_set(folder / "tiles", "s", "p", "train", count, tile_px=32)
    embedded(tiles, folder / "first", batch=8)
    tracemalloc.start()
    embedded(tiles, folder / "second", batch=8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_grows_by_a_row_of_the_table_per_tile_and_by_no_pixel(tmp_path):
    few, many = peak_of(tmp_path / "few", 64), peak_of(tmp_path / "many", 1064)
    assert (many - few) / 1000 < 32 * 32 * 3 / 2


def test_slides_of_many_sizes_ask_the_network_for_few_batch_sizes(tmp_path, monkeypatch):
    """Each new batch size makes the libraries behind a network keep more memory."""
    met = set()
    asked = ColourStatistics.build

    def build(self):
        network = asked(self)
        network.register_forward_pre_hook(lambda _, given: met.add(len(given[0])))
        return network

    monkeypatch.setattr(ColourStatistics, "build", build)
    monkeypatch.setattr("tasks.models.kept_encoder._kept", KeptInThread())
    for count in range(9, 16):
        tiles = make_tile_set(tmp_path / f"tiles_{count}", "s", "p", "train", count)
        embedded(tiles, tmp_path / f"out_{count}", batch=8)
    assert met <= {1, 2, 4, 8}
    assert 8 in met
