import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from tasks.artifacts.tile_set import ANNOTATION_MASK, PIXELS, TILES, TISSUE_MASK, TileSet
from tasks.model_metrics.base import MeasureSettings, measure_model
from tasks.model_metrics.neuron_consistency import CHANNELS, NeuronConsistency
from tasks.models.classifier import Classifier
from tasks.samples.measured_tiles import MeasuredTiles
from tests._support.small_networks import small_network
from tests._support.tile_sets import make_tile_set

CLASSES = ("normal", "tumour")
BRIGHT, DARK = 0.7, 0.3
KNOWN = {"top_share": 0.2, "at_least": 2, "eps": 0.3}


class Brightness(nn.Module):
    """Three channels: brightness, darkness (both above zero) and a dead one; the dark class is class 1."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.maps.weight.copy_(torch.tensor([1.0, -1.0, 0.0])[:, None, None, None].expand(3, 3, 1, 1) / 3)
            self.maps.bias.copy_(torch.tensor([0.0, 1.0, 0.0]))

    def forward(self, images):
        return self.maps(images).mean((2, 3))[:, :2]


def classifier(inner=None):
    return Classifier(inner or Brightness(), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).eval()


def flat_tiles(folder, slides=3, count=20, labels=None, tile_px=8):
    """Flat tiles of two classes in turn, bright and dark, each a shade of its own."""
    made = []
    for slide in range(slides):
        tiles = make_tile_set(folder / f"s{slide}", f"s{slide}", "p", "test", count, tile_px)
        dark = np.arange(count) % 2
        shade = np.where(dark, DARK, BRIGHT) + np.linspace(-0.02, 0.02, count) + slide / 500
        pixels = np.broadcast_to((255 * shade)[:, None, None, None], (count, tile_px, tile_px, 3))
        np.save(tiles.folder / PIXELS, pixels.round().astype(np.uint8))
        table = pd.read_parquet(tiles.folder / TILES)
        table["label"] = np.array(CLASSES)[dark if labels is None else labels]
        table.to_parquet(tiles.folder / TILES, index=False)
        assert (tiles.folder / ANNOTATION_MASK).is_file()
        assert (tiles.folder / TISSUE_MASK).is_file()
        made.append(TileSet(tiles.folder))
    return MeasuredTiles(made, CLASSES)


def means(report):
    return report.measured.scores.groupby("score")["value"].mean().to_dict()


def measured(tiles, model=None, seed=0, **fields):
    metric = NeuronConsistency(**{**KNOWN, **fields})
    return measure_model(metric, model or classifier(), tiles, MeasureSettings(1, seed, batch=8))


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    return flat_tiles(tmp_path_factory.mktemp("flat"))


def test_an_attack_that_swaps_the_classes_is_told_from_one_that_does_nothing(tiles):
    """Bright less 0.3 is darker than dark plus 0.3: each channel stays pure, of the other class."""
    swapped, untouched = means(measured(tiles)), means(measured(tiles, eps=1e-4))
    for found in (swapped, untouched):
        assert [found[n] for n in ("clean", "adversarial_true", "adversarial_predicted")] == pytest.approx(
            [1] * 3
        )
        assert found["dead_share"] == pytest.approx(1 / 3)
    assert (swapped["flipped"], swapped["cs_true"]) == (1.0, 0.0)
    assert swapped["cs_predicted"] == pytest.approx(1.0)
    assert (untouched["flipped"], untouched["cs_predicted"]) == (0.0, pytest.approx(1.0))
    assert untouched["cs_true"] == pytest.approx(1.0)
    assert untouched["feature_cosine"] == pytest.approx(1.0, abs=1e-6)
    bright, moved = np.array([BRIGHT, 1 - BRIGHT]), np.array([BRIGHT - 0.3, 1 - BRIGHT + 0.3])
    cosine = bright @ moved / np.linalg.norm(bright) / np.linalg.norm(moved)
    assert swapped["feature_cosine"] == pytest.approx(cosine, abs=0.01), "dark tiles mirror bright ones"


def test_labels_that_know_nothing_of_the_images_score_as_chance_does(tmp_path):
    """The channels still tell bright from dark, but the labels are drawn at random."""
    labels = np.random.default_rng(0).integers(2, size=100)
    tiles = flat_tiles(tmp_path, slides=1, count=100, labels=labels)
    report = measured(tiles, eps=1e-4, top_share=0.5)
    found = means(report)
    assert abs(found["clean"]) < 0.1
    assert found["adversarial_predicted"] == pytest.approx(1.0), "by prediction they are pure nevertheless"


def test_the_attack_never_sees_the_labels(tiles, tmp_path):
    """Trap: a true label would leak into the image that is made against it."""
    other = flat_tiles(tmp_path, labels=np.arange(20) // 10)
    for fields in ({}, {"eps": 0.02}):
        found = [means(measured(t, **fields)) for t in (tiles, other)]
        for name in ("flipped", "feature_cosine", "adversarial_predicted"):
            assert found[0][name] == found[1][name]


def test_a_map_of_zeros_has_cosine_zero_so_that_a_collapse_cannot_win(tiles):
    inner = Brightness()
    nn.init.zeros_(inner.maps.weight)
    nn.init.zeros_(inner.maps.bias)
    report = measured(tiles, classifier(inner))
    found = means(report)
    assert found["feature_cosine"] == 0.0
    assert found["dead_share"] == 1.0
    assert np.isnan(found["clean"])
    assert list(report.measured.excluded.values()) == [3]


def test_the_pool_is_the_highest_or_the_mean_value_of_a_map():
    features = torch.tensor([[[[0.0, 1.0], [0.0, 7.0]]]])
    assert NeuronConsistency()._pooled(features).tolist() == [[7.0]]
    assert NeuronConsistency(pool="mean")._pooled(features).tolist() == [[2.0]]


def test_slides_are_the_units_and_one_slide_gives_the_plain_figure(tmp_path):
    labels = np.random.default_rng(1).integers(2, size=60)
    tiles = flat_tiles(tmp_path, slides=3, count=60, labels=labels)
    report = measured(tiles)
    slides = report.measured.scores[report.measured.scores["unit"] == "slide"]
    assert set(slides["unit_id"]) == {"s0", "s1", "s2"}
    assert set(slides["score"]) == {
        "clean", "adversarial_true", "adversarial_predicted", "cs_true", "cs_predicted", "dead_share",
    }  # fmt: skip
    assert set(slides.loc[slides["score"] == "clean", "chance"]) == {0.0}
    single = MeasuredTiles(tiles.tile_sets[:1], CLASSES)
    alone = measured(single)
    table = written(alone, tmp_path)
    live = table[table["alive"]]
    chance = live["clean_chance"]
    assert means(alone)["clean"] == pytest.approx(((live["clean"] - chance) / (1 - chance)).mean())


def written(report, folder):
    report.write(folder)
    return pd.read_parquet(folder / CHANNELS)


def test_the_table_of_channels_says_what_each_channel_likes(tiles, tmp_path):
    table = written(measured(tiles), tmp_path)
    assert table["channel"].tolist() == [0, 1, 2]
    assert table["alive"].tolist() == [True, True, False]
    assert table["clean"].tolist()[:2] == [1.0, 1.0]
    assert table["clean_normal"].tolist()[:2] == [1.0, 0.0]
    assert table["adversarial_true_normal"].tolist()[:2] == [0.0, 1.0]
    assert table["adversarial_predicted_normal"].tolist()[:2] == [1.0, 0.0]
    shade = {
        tile: tiles.pixels(row).mean() * (-1 if label == "tumour" else 1)
        for row, (tile, label) in enumerate(zip(tiles.table["tile_id"], tiles.table["label"], strict=True))
    }
    assert shade[table["top_tiles"][0][0]] == max(shade.values())
    assert len(table["top_tiles"][0]) == len(table["top_tiles_adversarial"][1]) == 8


def test_another_seed_is_another_start(tiles):
    model = classifier(small_network())
    first, same, other = (measured(tiles, model, seed, steps=2) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.measured.scores, same.measured.scores)
    assert means(first)["feature_cosine"] != means(other)["feature_cosine"]


@pytest.mark.parametrize(
    "fields", [{"eps": 0}, {"steps": 0}, {"top_share": 0}, {"at_least": 0}, {"pool": "sum"}]
)
def test_fields_have_bounds(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        NeuronConsistency(**fields)
